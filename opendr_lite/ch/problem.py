"""A least-squares problem on the graph: a residual, free variables, and the derivative of one by the others.

The optimizers see a flat vector x (the entries of the free variables, one after the other) and a flat
residual r (the parts of the objective, one after the other); this module writes x into the graph and asks it
for r, J, Jᵀu.
"""
from contextlib import contextmanager
from functools import cached_property, reduce
from itertools import accumulate
from operator import add

import numpy as np
import scipy.sparse as sp

from ..memory import empty
from . import differentiation
from .batch_tangent import BatchTangent, dense_normal_equations
from .linear_maps import FunctionMap, SparseMap, as_csr, identity
from .linear_solvers import DENSE_ENTRIES, DenseBlocks, LinearAlgebra, SparseNormalEquations, gram_is_cheap
from .node import Ch
from .tangents import FormedTangent, as_slice

__all__ = ["Problem", "Variable"]


class Variable:
    """Free entries of one node: ``base.x.flat[entries]``, found at ``x[span]``.

    Attributes
    ----------
    node : Ch
        As given: a free variable or a view of one.
    name : str
        For messages.
    base : Ch
    entries : ndarray of int
    span : slice
    """

    def __init__(self, node, position, start):
        if not isinstance(node, Ch):
            raise TypeError(f"x0[{position}] must be a node (a Ch), got {type(node).__name__}: x0 lists what "
                            "to change, not values to start from")
        label = getattr(node, "label", None)
        self.node = node
        self.name = f"x0[{position}] ({repr(label) if label else type(node).__name__}, shape {node.shape})"
        self.base, entries = differentiation.resolve_view(node)
        if type(self.base) is not Ch:
            raise ValueError(f"{self.name} is computed from other nodes and cannot be changed by itself; "
                             "give the free variables that it is computed from")
        self.entries = np.arange(self.base.size) if entries is None else np.asarray(entries, dtype=np.intp)
        self.span = slice(start, start + self.entries.size)

    def describe(self, chosen):
        """The name with which of its entries are meant; `chosen` is a mask of them."""
        if chosen.all():
            return self.name
        places = [str(index[0]) if len(index) == 1 else str(index)
                  for index in (tuple(map(int, row)) for row in np.argwhere(chosen.reshape(self.node.shape)))]
        listing = ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
        return f"{self.name} at {listing}"


class Problem:
    """min F(x) over the free variables.

    Parameters
    ----------
    fun : Ch, sequence of Ch, or dict of label -> Ch
    x0 : Ch or sequence of Ch
        Free variables and views of them.
    loss : object with value, slope and weights
        See `robust`.

    Attributes
    ----------
    nfev, njev : int
        How many residuals and derivatives were asked for.
    """

    def __init__(self, fun, x0, loss):
        self.parts, self.labels = _objective(fun)
        self.variables = _variables(x0)
        self.loss = loss
        self.size = self.variables[-1].span.stop
        self.nfev = self.njev = 0
        self._solver = None
        self._bases = _by_base(self.variables)
        for part in self.parts:
            part.r  # may set inputs, in on_changed
        self._check_dependence()
        x = self.x
        for variable in self.variables:
            _check_finite(x[variable.span], variable.name)
        for part, label in zip(self.parts, self.labels or range(len(self.parts))):
            _check_finite(part.r, f"the objective {label!r}" if self.labels else f"fun[{label}]")
        if self._num_residuals == 0:
            raise ValueError("fun has no entries: there is nothing to minimize")

    # ------------------------------------------------------------------ x

    @property
    def x(self):
        """The present values of the free variables, one after the other."""
        return np.concatenate([variable.base.x.reshape(-1)[variable.entries] for variable in self.variables])

    def move(self, x, force=False):
        """Write x into the graph; what does not change stays cached, unless `force` distrusts the caches."""
        for base, entries, columns in self._bases:
            array = base.x.copy()
            array.reshape(-1)[entries] = x[columns]
            if force or not np.array_equal(array, base.x):
                base.x = array

    def flat(self, name, values):
        """A number for all unknowns, or one entry for each item of x0, broadcast to its shape, as a vector like x.

        Parameters
        ----------
        name : str
            For messages.
        values : number, or sequence of numbers or arrays
        """
        if not isinstance(values, (list, tuple)) and np.ndim(values) == 0:
            values = [values] * len(self.variables)
        if len(values) != len(self.variables):
            raise ValueError(f"{name} must be one number, or an entry for each of the {len(self.variables)} items of "
                             f"x0, got {len(values)}")
        result = np.empty(self.size)
        for variable, value in zip(self.variables, values):
            try:
                result[variable.span] = np.broadcast_to(np.asarray(value, np.float64), variable.node.shape).ravel()
            except (TypeError, ValueError):
                raise ValueError(f"{name}: {value!r:.80} is no number, and cannot be broadcast to the shape of "
                                 f"{variable.name}") from None
        return result

    @contextmanager
    def at(self, x):
        """The graph at x for a while."""
        before = self.x
        self.move(x)
        try:
            yield
        finally:
            self.move(before)

    # ------------------------------------------------------------------ r

    def residual(self):
        """r at the present x, shape (m,)."""
        self.nfev += 1
        differentiation.evaluate_all(self.parts)
        flat = [np.asarray(part.r, dtype=np.float64).reshape(-1) for part in self.parts]
        return flat[0] if len(flat) == 1 else np.concatenate(flat)

    def evaluate(self, x):
        """(F, r) at x. F is inf where r overflows or is undefined, which raises no warning."""
        self.move(x)
        with np.errstate(all="ignore"):
            r = self.residual()
            fun = self.loss.value(r)
            finite = np.isfinite(fun) and (self.loss.grows or np.isfinite(r).all())
            return (fun if finite else np.inf), r

    def measures(self, r):
        """Label -> sum of squares of that part of r, or sum; empty unless the objective came as a dict."""
        return {label: self.loss.measure(r[rows]) for label, rows in zip(self.labels, self.rows)}

    # ------------------------------------------------------------------ derivatives at the present x

    def jacobian(self, form):
        """J as a linear map.

        Parameters
        ----------
        form : {'dense', 'sparse', 'products'}
            `DenseBlocks` by forward sweeps with many columns of the identity at once, `SparseMap` by one sweep
            with sparse columns, or a map that sweeps for each product.
        """
        self.njev += 1
        shape = (self._num_residuals, self.size)
        if form == "products":
            here = self.x

            def at_here(product):
                def apply(vectors):
                    with self.at(here):  # the graph may have gone on to a trial
                        return product(vectors)

                return apply

            return FunctionMap(shape, at_here(self._push_forward), at_here(self._pull_back))
        if form == "sparse":
            tangents = differentiation.push_forward(self.parts, self._sparse_seeds())
            return SparseMap(sp.vstack([sp.csr_matrix((part.size, self.size)) if tangent is None else tangent
                                        for part, tangent in zip(self.parts, tangents)], format="csr"))
        return DenseBlocks([(rows.start, as_slice(columns), matrix)
                            for rows, tangent in zip(self.rows, self._tangents()) if tangent is not None
                            for columns, matrix in tangent.formed().blocks], shape)

    def _tangents(self):
        """Of the parts, all columns of J, by one sweep with arrays."""
        seeds = []
        for base, entries, columns in self._bases:
            seed = np.zeros((base.size, columns.size))
            seed[entries, np.arange(columns.size)] = 1.0
            seeds.append((base, FormedTangent([(tuple(columns.tolist()), seed)], (base.size, self.size))))
        return differentiation.push_forward(self.parts, seeds)

    def _sparse_seeds(self):
        """The bases, and all columns of their derivatives by the unknowns."""
        return [(base, sp.csr_matrix((np.ones(own.size), (entries, own)), (base.size, self.size)))
                for base, entries, own in self._bases]

    def _check_dependence(self):
        """Refuse variables that no part of the objective is a function of."""
        parts = set(self.parts)
        for base, _, _ in self._bases:
            steps = differentiation.between(self.parts, [base])
            if parts.isdisjoint([base, *(node for node, _ in steps)]):
                name = next(variable.name for variable in self.variables if variable.base is base)
                raise ValueError(f"the objective does not depend on {name}: leave it out of x0, or check "
                                 "that the objective was built from this very node")

    def gradient(self, r):
        """∇F by one reverse sweep."""
        self.njev += 1
        return 2.0 * self._pull_back(self.loss.slope(r))

    def model(self, algebra, r):
        """The Gauss-Newton model of F about the present x, where the residual is r."""
        weights = self.loss.weights(r)
        equations = None
        if algebra.form == "dense":
            equations = self.normal_equations(r, weights)
        elif algebra.form == "sparse":
            equations = self.sparse_normal_equations(r, weights, algebra.is_given)
        if equations is not None:
            self.njev += 1
            return algebra.model(*equations)
        algebra.form = "products"
        return algebra.model_of_products(self.jacobian("products"), r, weights)

    def normal_equations(self, r, weights):
        """(A, g) = (Jᵀ W J, Jᵀ W r) for few unknowns, A an array. The rows of an image are not formed."""
        weighted = _weighted(weights, r)
        equations = [dense_normal_equations(tangent, None if weights is None else weights[rows], weighted[rows])
                     for rows, tangent in zip(self.rows, self._tangents()) if tangent is not None]
        return _total(equations, np.zeros((self.size, self.size)))

    def sparse_normal_equations(self, r, weights, whatever_it_costs=False):
        """The same for many unknowns, A sparse; None where it would be large, unless that is no concern."""
        equations, weighted = [], _weighted(weights, r)
        for rows, tangent, remembering in zip(self.rows, self._sparse_tangents(), self._gram_of_parts):
            if tangent is None:
                continue
            own_weights = None if weights is None else weights[rows]
            if tangent.has_local_gram:
                equations.append(tangent.normal_equations(own_weights, weighted[rows]))
                continue
            if isinstance(tangent, BatchTangent):
                own = tangent.sparse_normal_equations(own_weights, weighted[rows], whatever_it_costs)
                if own is None:
                    return None
                equations.append(own)
                continue
            if tangent.is_spread and not whatever_it_costs:
                return None
            jacobian = as_csr(tangent.form())
            if not (whatever_it_costs or gram_is_cheap(jacobian)):
                return None
            equations.append(remembering(jacobian, r[rows], own_weights))
        return _total(equations, sp.csr_matrix((self.size, self.size)))

    def _sparse_tangents(self):
        """Of the parts, all columns of J, by one sweep of sparse matrices, or of linear maps for a single variable."""
        (base, entries, columns), *others = self._bases
        if not others and np.array_equal(entries, np.arange(base.size)) and np.array_equal(columns, entries):
            seeds = [(base, FormedTangent.of(identity(self.size)))]
        else:
            seeds = [(base, FormedTangent.of(seed)) for base, seed in self._sparse_seeds()]
        return differentiation.push_forward(self.parts, seeds)

    @cached_property
    def _gram_of_parts(self):
        return [SparseNormalEquations() for _ in self.parts]

    @property
    def rows(self):
        """The places of each part in r."""
        ends = accumulate(part.size for part in self.parts)
        return [slice(end - part.size, end) for end, part in zip(ends, self.parts)]

    @property
    def _num_residuals(self):
        return self.rows[-1].stop

    def linear_algebra(self, solver=None):
        """The solver that fits the size of this problem, unless one is or was chosen; see `LinearAlgebra`."""
        self._solver = self._solver if solver is None else solver
        return LinearAlgebra(self._residuals_to_form(), self.size, self._solver)

    @property
    def jacobian_form(self):
        """The form of J that fits the size of this problem; see `jacobian`."""
        return LinearAlgebra(self._num_residuals, self.size).form

    def _residuals_to_form(self):
        """How many residuals there are, but for images, whose tangents are not formed, where that matters."""
        if self._num_residuals * self.size <= DENSE_ENTRIES:
            return self._num_residuals
        seeds = [(base, FormedTangent.of(np.zeros((base.size, 1)))) for base, _, _ in self._bases]
        return sum(part.size for part, tangent in zip(self.parts, differentiation.push_forward(self.parts, seeds))
                   if isinstance(tangent, FormedTangent))

    def _push_forward(self, v):
        seeds = []
        for base, entries, columns in self._bases:
            seed = np.zeros((base.size,) + v.shape[1:])
            seed[entries] = v[columns]
            seeds.append((base, seed))
        return np.concatenate([np.zeros((part.size,) + v.shape[1:]) if tangent is None else tangent
                               for part, tangent in zip(self.parts,
                                                        differentiation.push_forward(self.parts, seeds))])

    def _pull_back(self, u):
        cotangents = [(part, u[rows]) for part, rows in zip(self.parts, self.rows)]
        result = np.zeros((self.size,) + u.shape[1:])
        pulled = differentiation.pull_back(cotangents, [base for base, _, _ in self._bases])
        for (_, entries, columns), cotangent in zip(self._bases, pulled):
            if cotangent is not None:
                result[columns] = cotangent[entries]
        return result

    # ------------------------------------------------------------------ names

    def names_of(self, weights):
        """The variables that have the large ones among these weights of the unknowns (in [0, 1])."""
        large = weights > 0.1 * weights.max()
        return "; ".join(variable.describe(large[variable.span]) for variable in self.variables
                         if large[variable.span].any())


def _weighted(weights, r):
    """W r"""
    return r if weights is None else np.multiply(weights, r, out=empty(r.shape))


def _total(equations, nothing):
    """The sum of pairs (A, g); with an A of nothing where there are none, as nothing depends on any variable."""
    if not equations:
        return nothing, np.zeros(nothing.shape[0])
    return tuple(reduce(add, parts) for parts in zip(*equations))


def _objective(fun):
    """(parts, labels) of an objective in any of the forms it may have."""
    if isinstance(fun, dict):
        labels, parts = list(fun), list(fun.values())
    else:
        labels, parts = [], [fun] if isinstance(fun, Ch) else fun
    if not isinstance(parts, (list, tuple)):
        raise TypeError(f"fun must be a node (a Ch), a list of nodes or a dict of label -> node, got "
                        f"{type(fun).__name__}")
    if not parts:
        raise ValueError("fun is empty: give at least one node to minimize")
    for position, part in enumerate(parts):
        if not isinstance(part, Ch):
            name = f"fun[{labels[position]!r}]" if labels else f"fun[{position}]"
            raise TypeError(f"{name} must be a node (a Ch), got {type(part).__name__}")
    return list(parts), labels


def _variables(x0):
    if not isinstance(x0, (Ch, list, tuple)):
        raise TypeError(f"x0 must be a node (a Ch) or a list of nodes, got {type(x0).__name__}: it lists "
                        "what to change, and the search starts from the values these nodes have")
    variables, taken = [], {}
    for position, node in enumerate([x0] if isinstance(x0, Ch) else x0):
        variable = Variable(node, position, variables[-1].span.stop if variables else 0)
        owner = taken.setdefault(id(variable.base), np.full(variable.base.size, -1))
        again = owner[variable.entries] >= 0
        if again.any():
            first = variables[owner[variable.entries[again][0]]].name
            raise ValueError(f"{variable.describe(again)} stands for entries that {first} already stands "
                             "for; each entry may be given once")
        owner[variable.entries] = position
        variables.append(variable)
    if not variables or variables[-1].span.stop == 0:
        raise ValueError("x0 is empty: give at least one free variable")
    return variables


def _by_base(variables):
    """(base, entries of it that are free, their places in x) for each distinct base."""
    grouped = {}
    for variable in variables:
        grouped.setdefault(id(variable.base), []).append(variable)
    return [(group[0].base, np.concatenate([variable.entries for variable in group]),
             np.concatenate([np.arange(variable.span.start, variable.span.stop) for variable in group]))
            for group in grouped.values()]


def _check_finite(values, name):
    bad = int(np.size(values) - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise ValueError(f"{name} has {bad} entries that are not finite (nan or inf) at the start")
