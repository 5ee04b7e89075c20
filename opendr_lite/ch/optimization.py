"""minimize: fit free variables so that a residual becomes small.

The objective is F(x) = Σ r(x)², r the entries of one node or of several, or Σ C² ρ((r/C)²) with a robust
loss. Its derivative comes from the graph. Four families of methods share one way of being asked and of
answering:

    dogleg, lm            Gauss-Newton steps of this package (`trust_region`)
    adam, sgd, momentum   steps along the gradient (`first_order`), also of minibatches
    trf, dogbox           scipy.optimize.least_squares: Gauss-Newton steps with bounds
    BFGS, L-BFGS-B, ...   scipy.optimize.minimize: gradient 2 JᵀWr by one reverse sweep; methods that take a
                          Hessian get the Gauss-Newton one, 2 JᵀWJ
"""
import inspect
import re
import sys
import warnings
from dataclasses import asdict

import numpy as np
import scipy.optimize
from scipy.optimize import OptimizeResult
from scipy.sparse.linalg import LinearOperator

from . import first_order, trust_region
from .fit_result import FitResult, to_scipy
from .linear_solvers import OLDER_NAMES
from .minibatches import Minibatches
from .node import Ch
from .problem import Problem
from .robust import RobustLoss, ScalarObjective, make_loss

__all__ = ["FitResult", "minimize"]

_DESCENT = {"dogleg": {"delta_0": None}, "lm": {"tau": 1e-3}}
_DESCENT_LIMITS = asdict(trust_region.Stopping())
_DESCENT_OPTIONS = {**_DESCENT_LIMITS, "sparse_solver": None, "treat_as_dense": False}
_LEAST_SQUARES = ("trf", "dogbox")
_LEAST_SQUARES_OPTIONS = ("max_nfev", "ftol", "xtol", "gtol", "x_scale", "tr_solver", "tr_options")
_SCALAR = ("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP",
           "trust-constr", "trust-ncg", "trust-krylov", "trust-exact")
_WITHOUT_GRADIENT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
_WITH_HESSIAN_PRODUCT = ("Newton-CG", "trust-constr", "trust-ncg", "trust-krylov")
_WITH_HESSIAN = ("trust-exact",)
_WITH_BOUNDS = _LEAST_SQUARES + ("Nelder-Mead", "Powell", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP",
                                 "trust-constr")
_WITH_CONSTRAINTS = ("COBYLA", "COBYQA", "SLSQP", "trust-constr")
_FIRST_ORDER = {"adam": {"step": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "uniform": False}, "sgd": {"step": None},
                "momentum": {"step": None, "decay": 0.9}}
_FIRST_ORDER_OPTIONS = {"maxiter": 1000, "e_1": 0.0, "schedule": "constant", "last": 0.01, "batch_size": None,
                        "seed": 0}
_METHODS = tuple(_DESCENT) + tuple(_FIRST_ORDER) + _LEAST_SQUARES + _SCALAR
_OF_NUMBERS = tuple(_FIRST_ORDER) + _SCALAR  # methods that can do without squares
_WITHOUT_HESSIAN = tuple(name for name in _OF_NUMBERS if name not in ("trust-ncg", "trust-krylov", "trust-exact"))


def minimize(fun, x0, method="dogleg", bounds=None, constraints=(), tol=None, callback=None, options=None, *,
             loss="linear", f_scale=1.0, linear_solver=None):
    """Change free variables so that the sum of the squares of a residual becomes least.

    Parameters
    ----------
    fun : Ch, sequence of Ch, or dict of label -> Ch
        The residual; the objective is the sum over all entries of all nodes. One node with a single entry is,
        to 'adam', 'sgd', 'momentum' and the methods of `scipy.optimize.minimize`, the objective itself and not
        squared, as in chumpy.
    x0 : Ch or sequence of Ch
        Free variables to change, or views of them, such as ``pose[:3]``. The search starts from their values.
    method : str
        - 'dogleg' (Powell's dogleg on Gauss-Newton) or 'lm' (Levenberg-Marquardt);
        - 'adam', 'sgd' or 'momentum': steps along the gradient, see `first_order`;
        - 'trf' or 'dogbox', by `scipy.optimize.least_squares`;
        - any method of `scipy.optimize.minimize` but its own 'dogleg'.
        Upper and lower case are the same.
    bounds : scipy.optimize.Bounds or sequence, optional
        Pairs (least, greatest), None for no bound: one pair for each entry of x; or one for each item of
        `x0`, whose two members are broadcast to its shape. For 'trf', 'dogbox', 'Nelder-Mead', 'Powell',
        'L-BFGS-B', 'TNC', 'COBYLA', 'COBYQA', 'SLSQP', 'trust-constr'.
    constraints : optional
        As `scipy.optimize.minimize` takes them, functions of the flat x. For 'COBYLA', 'COBYQA', 'SLSQP',
        'trust-constr'.
    tol : float, optional
        Sets the tolerances of the method (e_1, e_2, e_3; ftol, xtol, gtol; ...) that `options` does not.
    callback : callable, optional
        Called at the start and after every accepted step, with the graph at the accepted state: without an
        argument, or, if it takes one, with an OptimizeResult of x, fun, cost, residuals, nit. Raising
        StopIteration ends the search.
    options : dict, optional
        'disp': True prints a line for each accepted state (to stderr, with the sum of squares for each label
        of `fun`), 'progress' keeps rewriting one line on a terminal. 'dogleg' and 'lm' take maxiter (200),
        max_fevals (inf), e_1 (1e-15, gradient), e_2 (1e-8, relative step), e_3 (0, relative decrease),
        sparse_solver (the older name of `linear_solver`; also 'spsolve' for 'splu', 'cg' for 'pcg', 'lsqr' for
        'lsmr') and treat_as_dense (for 'dense'); 'dogleg' also delta_0 (first radius), 'lm' tau (first damping).
        'adam', 'sgd' and 'momentum' take step (size of the steps: a number, or one entry for each item of `x0`; 0.01
        for 'adam'), maxiter (1000), schedule ('constant', 'exponential', 'cosine', a dict of iteration -> factor from
        there on, or a function of the iteration), last (0.01, the last factor of 'exponential' and 'cosine'), e_1 (0),
        batch_size (parts of each `Batch` that a step sees, by default all) and seed (0, of their choice); 'adam'
        also betas (0.9, 0.999), eps (1e-8) and uniform (False), 'momentum' decay (0.9).
        'trf' and 'dogbox' take max_nfev, ftol, xtol, gtol, x_scale, tr_solver, tr_options. Other methods take
        what SciPy's do.
    loss : str or callable
        'linear', 'soft_l1', 'huber', 'cauchy', 'arctan', 'geman_mcclure', or a function of z = (r/f_scale)²
        that returns the rows ρ, ρ', ρ''. See `robust`. Or 'sum': the objective is the sum of the entries as they are,
        for methods to which one node with a single entry is the objective itself.
    f_scale : float
        The size from which a residual counts as an outlier, in units of the residual.
    linear_solver : str or callable, optional
        How 'dogleg' and 'lm' solve the normal equations A p = -g, A = JᵀWJ; by default decided by size.

        - 'dense': A as an array, Cholesky factorization.
        - 'splu', 'cholmod', 'cholespy': sparse A, factorization by SciPy or by the optional extra of that name.
        - 'pcg': sparse A, preconditioned conjugate gradients; the closer to the end, the more exact.
        - 'lsmr': products with J and Jᵀ, no A.
        - a function (A, b) -> x of a sparse A.

    Returns
    -------
    FitResult
        The free variables are left at its x. So they are after Ctrl-C, which ends the search with the best
        state so far and status -1. Where evaluation raises an error they are left at the last accepted state.
        'adam', 'sgd' and 'momentum' leave them at the lowest state met, on minibatches at the last one.

    Raises
    ------
    ValueError
        For an unknown method, option, loss or solver; bounds or constraints for a method that takes none; a start
        that is not finite or violates the bounds; a variable that is computed from others, that is given
        twice, or that the objective does not depend on.

    Warns
    -----
    RuntimeWarning
        If 'dogleg' or 'lm' end where the residual does not determine every variable. Those named kept their
        values as far as they do not matter.

    Examples
    --------
    >>> x = Ch([-1.2, 1.0])
    >>> result = minimize({'valley': 10 * (x[1] - x[0]**2), 'slope': 1 - x[0]}, x0=[x])
    >>> x.r
    array([1., 1.])
    """
    method = _one_of("method", method, _METHODS)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function, got {type(callback).__name__}")
    options = dict(options or {})
    disp = options.pop("disp", False)
    chosen_loss = make_loss(loss, f_scale)
    if method in _OF_NUMBERS and isinstance(fun, Ch) and fun.size == 1:
        if isinstance(chosen_loss, RobustLoss):
            raise ValueError(f"loss={loss!r} needs residuals, but to {method} a node with a single entry is "
                             "the objective itself; put it in a list ([fun]) to have it squared")
        chosen_loss = ScalarObjective()
    if isinstance(chosen_loss, ScalarObjective):
        _check_capable("objective that is no sum of squares (loss='sum', or a node with a single entry)", method,
                       _OF_NUMBERS)
        if method not in _WITHOUT_HESSIAN:
            raise ValueError(f"{method} needs a Hessian, which a node with a single entry, the objective "
                             "itself, does not have, nor have entries with loss='sum'; put it in a list ([fun]) "
                             f"to have it squared, or use {', '.join(_WITHOUT_HESSIAN)}")
    if linear_solver is not None:
        _check_capable("linear_solver", method, tuple(_DESCENT))
        twice = [name for name in ("sparse_solver", "treat_as_dense") if options.get(name)]
        if twice:
            raise ValueError(f"linear_solver is given, and so is option {twice[0]}, which means the same: leave it out")
        options["sparse_solver"] = linear_solver
    problem = Problem(fun, x0, chosen_loss)
    bounds = _flat_bounds(bounds, problem, method)
    constraints = () if constraints is None or constraints in ((), []) else constraints
    if constraints != ():
        _check_capable("constraints", method, _WITH_CONSTRAINTS)

    run = _Run(problem, callback, disp)
    search = (_descend if method in _DESCENT else _first_order if method in _FIRST_ORDER
              else _least_squares if method in _LEAST_SQUARES else _scalar)
    try:
        found = search(problem, run, method, bounds, constraints, tol, options)
    except KeyboardInterrupt:
        found = {"status": -1, "message": "interrupted: the best state so far", "success": False}
        problem.move(run.best.x, force=True)
    except _Stopped:
        found = {"status": -2, "message": "stopped by the callback", "success": False}
    except BaseException:
        problem.move(run.best.x, force=True)
        raise
    finally:
        run.end_line()
    undetermined = found.pop("undetermined", None)
    if undetermined:
        warnings.warn(f"the residual does not determine {undetermined}; what does not matter was left as it "
                      "was", RuntimeWarning, stacklevel=2)
    return _result(problem, run, found)


# ---------------------------------------------------------------------- the three families


def _descend(problem, run, method, bounds, constraints, tol, options):
    allowed = {**_DESCENT_OPTIONS, **_DESCENT[method]}
    _check_options(method, options, allowed)
    if tol is not None:
        options = {"e_1": tol, "e_2": tol, "e_3": tol, **options}
    values = {**allowed, **options}
    limits = {name: values[name] for name in _DESCENT_LIMITS}
    for name, value in limits.items():
        _check_number(name, value)
    if method == "dogleg":
        if values["delta_0"] is not None:
            _check_number("delta_0", values["delta_0"], positive=True)
        region = trust_region.Dogleg(values["delta_0"])
    else:
        _check_number("tau", values["tau"], positive=True)
        region = trust_region.LevenbergMarquardt(values["tau"])
    solver = "dense" if values["treat_as_dense"] else values["sparse_solver"]
    solver = OLDER_NAMES.get(solver, solver) if isinstance(solver, str) else solver
    outcome = run.follow(trust_region.descend(problem, region, trust_region.Stopping(**limits), solver))
    weights, count = outcome.model.undetermined() if outcome.model is not None else (None, 0)
    return {"status": outcome.status, "message": outcome.message, "success": outcome.status > 0,
            "undetermined": problem.names_of(weights) if count else None}


def _first_order(problem, run, method, bounds, constraints, tol, options):
    defaults = {**_FIRST_ORDER[method], **_FIRST_ORDER_OPTIONS}
    _check_options(method, options, defaults)
    values = {**defaults, **({} if tol is None else {"e_1": tol}), **options}
    _check_count("maxiter", values["maxiter"], 0)
    _check_number("e_1", values["e_1"])
    _check_number("last", values["last"], positive=True)
    _check_count("seed", values["seed"], 0)
    if values["step"] is None:
        raise ValueError(f"method {method!r} needs option step, the length of a step divided by that of the gradient: "
                         "it depends on the objective")
    rule = _rule(problem, method, values)
    sizes = problem.flat("option step", values["step"])
    if not (np.isfinite(sizes).all() and (sizes >= 0.0).all()):
        raise ValueError(f"option step must be numbers that are not negative, got {values['step']!r:.80}")
    schedule = first_order.make_schedule(values["schedule"], values["last"], values["maxiter"])
    stopping = first_order.Stopping(values["maxiter"], values["e_1"])
    if values["batch_size"] is None:
        run.keep_lowest = True
        outcome = run.follow(first_order.descend(problem, rule, sizes, schedule, stopping))
    else:
        _check_count("batch_size", values["batch_size"], 1)
        with Minibatches(problem, values["batch_size"], values["seed"]) as minibatches:
            try:
                outcome = run.follow(first_order.descend(problem, rule, sizes, schedule, stopping, minibatches))
            finally:
                run.forget_residuals()
    return {"status": outcome.status, "message": outcome.message, "success": outcome.status >= 0}


def _rule(problem, method, values):
    """How a first-order method makes a direction of a gradient."""
    if method != "adam":
        decay = values.get("decay", 0.0)
        _check_number("decay", decay)
        if decay >= 1.0:
            raise ValueError(f"option decay must be below 1, got {decay!r}")
        return first_order.Momentum(decay)
    betas = values["betas"]
    if np.shape(betas) != (2,) or not all(0.0 <= beta < 1.0 for beta in betas):
        raise ValueError(f"option betas must be two numbers from 0 to below 1, got {betas!r}")
    _check_number("eps", values["eps"])
    if not isinstance(values["uniform"], (bool, np.bool_)):
        raise ValueError(f"option uniform must be True or False, got {values['uniform']!r}")
    spans = [variable.span for variable in problem.variables] if values["uniform"] else []
    return first_order.Adam(betas, values["eps"], spans)


def _least_squares(problem, run, method, bounds, constraints, tol, options):
    _check_options(method, options, _LEAST_SQUARES_OPTIONS)
    if tol is not None:
        options = {"ftol": tol, "xtol": tol, "gtol": tol, **options}
    loss = problem.loss
    form = problem.jacobian_form

    def residual(x):
        return run.evaluate(x)[1].copy()  # SciPy scales it in place, and so it does with the Jacobian

    def jacobian(x):
        run.accept_at(x)
        problem.move(x)
        jacobian = to_scipy(problem.jacobian(form))
        return jacobian if isinstance(jacobian, LinearOperator) else jacobian.copy()

    found = scipy.optimize.least_squares(
        residual, problem.x, jacobian, method=method,
        bounds=(-np.inf, np.inf) if bounds is None else (bounds.lb, bounds.ub),
        loss=loss if isinstance(loss, RobustLoss) else "linear", f_scale=loss.scale, **options)
    run.accept_at(found.x)
    return {name: found[name] for name in ("status", "message", "success")}


def _scalar(problem, run, method, bounds, constraints, tol, options):
    algebra = problem.linear_algebra()
    model = _Latest(lambda x: problem.model(algebra, run.evaluate(x)[1]))
    derivatives = {}
    if method not in _WITHOUT_GRADIENT:
        derivatives["jac"] = lambda x: problem.gradient(run.evaluate(x)[1])
    if method in _WITH_HESSIAN_PRODUCT and not isinstance(problem.loss, ScalarObjective):
        derivatives["hessp"] = lambda x, p: 2.0 * model(x).product(p)
    if method in _WITH_HESSIAN:
        derivatives["hess"] = lambda x: 2.0 * model(x).product(np.eye(x.size))
    run.keep_lowest = constraints == () and (bounds is None or method not in _WITH_CONSTRAINTS)
    run.accept_at(problem.x)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Unknown solver options", scipy.optimize.OptimizeWarning)
        try:
            found = scipy.optimize.minimize(
                lambda x: run.evaluate(x)[0], problem.x, method=method, bounds=bounds,
                constraints=constraints, tol=tol, options=options,
                callback=lambda x, *_: run.accept_at(x), **derivatives)
        except scipy.optimize.OptimizeWarning as warning:
            raise ValueError(_unknown_options(method, options, _scipy_options(method))) from warning
    run.accept_at(found.x)
    return {"status": int(found.status), "message": found.message, "success": bool(found.success)}


class _Stopped(Exception):
    """The callback has had enough."""


class _Latest:
    """A function of x that remembers its last value."""

    def __init__(self, function):
        self.function, self.x, self.value = function, None, None

    def __call__(self, x):
        if self.x is None or not np.array_equal(x, self.x):
            self.value = self.function(x)
            self.x = np.array(x)
        return self.value


class _Run:
    """What happened in one call of `minimize`: the states accepted, the callback, the printed lines.

    Attributes
    ----------
    best : trust_region.Iterate
        The last accepted state, or the lowest evaluated where `keep_lowest`.
    history : list of dict
    """

    def __init__(self, problem, callback, disp):
        if not isinstance(disp, (bool, int, np.integer, np.bool_)) and disp != "progress":
            raise ValueError(f"option disp must be False, True or 'progress', got {disp!r}")
        self.problem, self.disp, self.callback = problem, disp, _callback_of_one(callback)
        self.best = trust_region.Iterate(problem.x, np.inf, None, {})
        self.history = []
        self.keep_lowest = False
        self._accepted = None
        self._evaluated = _Latest(problem.evaluate)
        self._line_length = 0

    def evaluate(self, x):
        """(F, r) at x, without evaluating the same x twice in a row."""
        self.problem.move(x)
        fun, r = self._evaluated(x)
        if self.keep_lowest and fun < self.best.fun:
            self.best = trust_region.Iterate(np.array(x), fun, r, {})
        return fun, r

    def accept_at(self, x):
        """The method has accepted x (perhaps not for the first time)."""
        if self._accepted is None or not np.array_equal(x, self._accepted):
            fun, r = self.evaluate(x)
            self.accept(trust_region.Iterate(np.array(x), fun, r, {}))

    def accept(self, iterate):
        """A new state."""
        self._accepted = iterate.x
        if not self.keep_lowest or iterate.fun <= self.best.fun:
            self.best = iterate
        self.history.append({"fun": iterate.fun, "nfev": self.problem.nfev, **iterate.details})
        nit = len(self.history) - 1
        if self.disp:
            self._print(nit, iterate)
        if self.callback is not None:
            try:
                self.callback(OptimizeResult(x=iterate.x, fun=iterate.fun, cost=0.5 * iterate.fun,
                                             residuals=iterate.residuals, nit=nit))
            except StopIteration:
                raise _Stopped from None

    def follow(self, steps):
        """Accept what a descent yields; returns its outcome."""
        while True:
            try:
                iterate = next(steps)
            except StopIteration as end:
                return end.value
            self.accept(iterate)

    def forget_residuals(self):
        """Those of the best state were not all there is; the objective is to be evaluated again."""
        self.best = trust_region.Iterate(self.best.x, self.best.fun, None, self.best.details)

    def _print(self, nit, iterate):
        sums = self.problem.measures(iterate.residuals)
        line = " | ".join([f"{nit:4d}  {iterate.fun:.6e}",
                           *(f"{label}: {value:.2e}" for label, value in sums.items())])
        if self.disp != "progress":
            print(line, file=sys.stderr)
        elif sys.stderr.isatty():
            print("\r" + line.ljust(self._line_length), end="", file=sys.stderr, flush=True)
            self._line_length = len(line)

    def end_line(self):
        """Finish the progress line."""
        if self._line_length:
            print(file=sys.stderr)


def _result(problem, run, found):
    """The result for the best state, with the graph there."""
    best = run.best
    problem.move(best.x)
    if best.residuals is None:
        fun, r = problem.evaluate(best.x)
        best = trust_region.Iterate(best.x, fun, r, {})
    return FitResult({"x": best.x, "fun": best.fun, "cost": 0.5 * best.fun, "residuals": best.residuals,
                      "nit": max(len(run.history) - 1, 0), "nfev": problem.nfev, "njev": problem.njev,
                      **found, "history": _columns(run.history)}, problem)


def _columns(records):
    """A list of dicts with the same keys as a dict of arrays."""
    return {name: np.array([record[name] for record in records]) for name in (records[0] if records else ())}


# ---------------------------------------------------------------------- what is accepted


def _flat_bounds(bounds, problem, method):
    """Bounds of the flat x, or None."""
    if bounds is None:
        return None
    _check_capable("bounds", method, _WITH_BOUNDS)
    n, variables = problem.size, problem.variables
    if isinstance(bounds, scipy.optimize.Bounds):
        sides = [np.broadcast_to(np.asarray(side, dtype=np.float64), (n,)) for side in (bounds.lb, bounds.ub)]
    else:
        pairs = list(bounds)
        if len(pairs) not in (n, len(variables)):
            raise ValueError(f"bounds must have one pair for each of the {len(variables)} items of x0, or "
                             f"for each of the {n} entries of x; got {len(pairs)}")
        shapes = [()] * n if len(pairs) == n else [variable.node.shape for variable in variables]
        sides = [[], []]
        for position, (pair, shape) in enumerate(zip(pairs, shapes)):
            pair = (None, None) if pair is None else tuple(pair)
            if len(pair) != 2:
                raise ValueError(f"bounds[{position}] must be a pair (least, greatest), got {len(pair)} "
                                 "members")
            for side, value, unbounded in zip(sides, pair, (-np.inf, np.inf)):
                value = np.asarray(unbounded if value is None else value, dtype=np.float64)
                try:
                    side.append(np.broadcast_to(value, shape).reshape(-1))
                except ValueError:
                    raise ValueError(f"bounds[{position}] has shape {value.shape}, which cannot be broadcast "
                                     f"to the variable's shape {shape}") from None
        sides = [np.concatenate(side) for side in sides]
    lower, upper = sides
    if not (lower <= upper).all():
        raise ValueError(f"bounds: the least value exceeds the greatest (or one is nan) at entry "
                         f"{int(np.argmin(lower <= upper))} of x")
    inside = (lower <= problem.x) & (problem.x <= upper)
    if not inside.all():
        raise ValueError(f"the start is outside of the bounds: "
                         f"{problem.names_of((~inside).astype(np.float64))}; start from a value between them")
    return scipy.optimize.Bounds(lower, upper)


def _one_of(name, value, allowed):
    """The member of `allowed` that is meant, whatever its case."""
    for entry in allowed:
        if isinstance(value, str) and entry.lower() == value.lower():
            return entry
    raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}")


def _check_capable(what, method, capable):
    if method not in capable:
        raise ValueError(f"method {method!r} takes no {what}; these do: {', '.join(map(repr, capable))}")


def _check_number(name, value, positive=False):
    try:
        good = value > 0 if positive else value >= 0
    except TypeError:
        good = False
    if not good or isinstance(value, str):
        wanted = "above 0" if positive else "that is not negative"
        raise ValueError(f"option {name} must be a number {wanted}, got {value!r}")


def _check_count(name, value, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"option {name} must be a whole number from {least} on, got {value!r}")


def _unknown_options(method, options, allowed):
    unknown = sorted(set(options) - set(allowed))
    return (f"method {method!r} has no option {', '.join(map(repr, unknown))}; it has 'disp', "
            f"{', '.join(map(repr, allowed))}")


def _check_options(method, options, allowed):
    if not set(options) <= set(allowed):
        raise ValueError(_unknown_options(method, options, allowed))


def _scipy_options(method):
    """Names in SciPy's documentation of a method's options."""
    text = scipy.optimize.show_options("minimize", method.lower(), disp=False)
    names = re.findall(r"^(\w+(?:, \w+)*) : ", inspect.cleandoc(text), flags=re.MULTILINE)
    return [name for entry in names for name in entry.split(", ") if name != "disp"]


def _callback_of_one(callback):
    """The callback as a function of one argument."""
    if callback is None:
        return None
    try:
        signature = inspect.signature(callback)
    except ValueError:  # unknown, as for some functions that are not written in Python
        return callback
    for arguments, of_one in (((None,), callback), ((), lambda _: callback())):
        try:
            signature.bind(*arguments)
            return of_one
        except TypeError:
            continue
    raise TypeError(f"callback must take one argument, the state, or none; this one takes {signature}")
