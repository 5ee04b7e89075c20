"""Nodes of an expression graph, in chumpy's vocabulary.

A node names its inputs in `dterms` (nodes it can be differentiated with respect to) and `terms` (anything
else), computes its value in `compute_r` and the derivative with respect to one input in `compute_dr_wrt`.
A plain `Ch` is a leaf: it holds the array `x`.

    class Scale(Ch):
        terms = 'factor'
        dterms = 'a'

        def compute_r(self):
            return self.factor * self.a.r

        def compute_dr_wrt(self, wrt):
            if wrt is self.a:
                return self.factor

A node links itself to its inputs as a parent, weakly. Assigning to a node forgets the values, the derivatives
and the `depends_on` results of everything above it; they are computed again when somebody asks. Values and
derivative sweeps walk the graph with a stack of their own, so that depth is no concern.
"""
import inspect
import threading
import types
import weakref

import numpy as np

from . import differentiation
from .linear_maps import as_linear_map

__all__ = ["Ch", "ChLambda", "Term", "as_node", "depends_on", "plain_key"]


class depends_on:
    """Cache a method or property until one of the named terms changes.

    Used as a decorator. A function of `self` alone becomes a property, as in chumpy; one with more arguments
    stays a method, cached by its (hashable) arguments.

    Parameters
    ----------
    *dependencies : str or sequence of str
        Names in `terms` or `dterms`.
    """

    def __init__(self, *dependencies):
        self.deps = frozenset(name for entry in dependencies
                              for name in ([entry] if isinstance(entry, str) else entry))

    def __call__(self, function):
        return _Cached(function, self.deps)


class _Cached:
    def __init__(self, function, deps):
        self.function, self.deps = function, deps
        self.is_property = len(inspect.signature(function).parameters) == 1
        self.__doc__, self.__name__ = function.__doc__, function.__name__

    def __set_name__(self, owner, name):
        self.__name__ = name

    def __get__(self, node, owner=None):
        if node is None:
            return self
        if not self.is_property:
            return types.MethodType(self, node)
        kept = node._memo.get(self)
        return self(node) if kept is None else kept[1]

    def __set__(self, node, value):
        raise AttributeError(f"{type(node).__name__}.{self.__name__} is computed from "
                             f"{', '.join(sorted(self.deps))}; it cannot be assigned")

    def __call__(self, node, *args, **kwargs):
        key = (self, args, tuple(sorted(kwargs.items()))) if args or kwargs else self
        kept = node._memo.get(key)
        if kept is None:
            with node._lock:
                kept = node._memo.get(key)
                if kept is None:
                    kept = node._memo[key] = self.deps, self.function(node, *args, **kwargs)
        return kept[1]


class Term:
    """A declaration of one input in the body of a class, instead of a name in `terms` or `dterms`.

    Parameters
    ----------
    default : object, optional
        Value until one is set.
    desc : str, optional
        What it is.
    dr : bool
        True for a `dterm`, False for a `term`.
    """

    def __init__(self, default=None, desc=None, dr=True):
        self.default, self.desc, self.dr = default, desc, dr


class Ch:
    """A differentiable array.

    ``Ch(x)`` is a free variable that holds a float64 copy of `x`; ``Ch(lambda a, b: ...)`` is a node made by a
    function of nodes, whose arguments are set by name; a subclass is an operation (see the module).

    Attributes
    ----------
    r : ndarray
        The value, float64 (bool for comparisons), read-only.
    terms, dterms : tuple of str
        Names of the inputs; a derivative exists with respect to `dterms`.
    term_order : tuple of str
        Order of positional arguments, by default `terms` then `dterms`.
    initial_values : dict
        Of a class: what terms hold until they are set.
    label : str, optional
        Any node may be given one; messages quote it.
    """

    terms = ()
    dterms = ("x",)
    term_order = ("x",)
    initial_values = {}
    least_ndim = 0
    is_batch = False  # whether it is a `Batch`, whose parts are computed side by side
    _aliases = frozenset()  # names in dterms that are properties: they may change whenever anything below does
    __array_priority__ = 1000.0

    # ------------------------------------------------------------------ construction

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = dict(vars(cls))
        declared = {name: term for name, term in own.items() if isinstance(term, Term)}
        for name in declared:
            delattr(cls, name)
        inherits = cls.__mro__[1] is not Ch
        for kind, wanted in (("terms", False), ("dterms", True)):
            names = own[kind] if kind in own else getattr(cls, kind) if inherits else ()
            names = (names,) if isinstance(names, str) else tuple(names)
            names += tuple(name for name, term in declared.items() if term.dr is wanted)
            setattr(cls, kind, names)
        cls._aliases = frozenset(name for name in cls.dterms if _is_property(cls, name))
        cls.initial_values = {**cls.__mro__[1].initial_values, **own.get("initial_values", {}),
                              **{name: term.default for name, term in declared.items() if term.default is not None}}
        if "term_order" not in own and not (inherits and "terms" not in own and "dterms" not in own):
            cls.term_order = tuple(declared) or cls.terms + cls.dterms
        clash = sorted(name for name in cls.terms + cls.dterms if name in vars(Ch))
        if clash:
            raise TypeError(f"class {cls.__name__}: {', '.join(clash)} cannot name a term, every node has an "
                            "attribute of that name")

    def __new__(cls, *args, **kwargs):
        if cls is Ch and args and isinstance(args[0], (types.FunctionType, types.MethodType)):
            return super().__new__(ChLambda)._start()
        node = super().__new__(cls)._start()
        if cls.__init__ is object.__init__:  # a class with its own sees to its arguments itself
            if len(args) > len(cls.term_order):
                raise TypeError(f"{cls.__name__} takes at most {len(cls.term_order)} arguments "
                                f"({', '.join(cls.term_order)}), got {len(args)}")
            _refuse_unknown(cls, kwargs)
        for name, value in zip(cls.term_order, args):
            if name in kwargs:
                raise TypeError(f"{cls.__name__} got two values for {name!r}")
            kwargs[name] = value
        node.set(**{**cls.initial_values, **kwargs})
        return node

    def _start(self):
        state = self.__dict__
        state["_parents"] = {}
        state["_inputs"] = None
        state["_value"] = None
        state["_last_size"] = 0
        state["_maps"] = {}
        state["_jacobians"] = {}
        state["_memo"] = {}
        state["_changes"] = set()
        state["_lock"] = threading.RLock()
        return self

    def set(self, **kwargs):
        """Set several terms or attributes at once. Aliases (properties) are set last."""
        for name in sorted(kwargs, key=lambda name: _is_property(type(self), name)):
            setattr(self, name, kwargs[name])

    def __call__(self, **kwargs):
        """Set terms, return the value."""
        self.set(**kwargs)
        return self.r

    def add_dterm(self, dterm_name, dterm):
        """Give this one node a further input that it can be differentiated with respect to."""
        if dterm_name not in self.dterms:
            object.__setattr__(self, "dterms", tuple(self.dterms) + (dterm_name,))
        setattr(self, dterm_name, dterm)

    # ------------------------------------------------------------------ what a subclass defines

    def compute_r(self):
        """The value. Subclasses override this."""
        if type(self) is not Ch:
            raise NotImplementedError(f"class {type(self).__name__} does not define compute_r")
        try:
            return self.x
        except AttributeError:
            raise AttributeError("this Ch holds no value yet: set its x") from None

    def compute_dr_wrt(self, wrt):
        """The derivative with respect to the input `wrt`, as if it were the only one.

        Asked once for each distinct input; a node that stands in two places must answer with the sum. May be
        None (no dependence), a number, an array or sparse matrix of shape (self.size, wrt.size), or a linear map.
        """
        return None

    def on_changed(self, which):
        """Called before a value or derivative is computed, with the set of names of the terms that changed."""

    # ------------------------------------------------------------------ value

    @property
    def r(self):
        if self._value is None:
            differentiation.evaluate(self)
        return self._value

    def _compute_value(self):
        """Compute and keep the value, all inputs having theirs."""
        with self._lock:
            if self._value is None:
                self._notice_changes()
                value = np.asarray(self.compute_r(), order="C")
                if value.dtype.kind not in "fiub":
                    raise TypeError(f"{type(self).__name__}.compute_r must return real numbers; it returned "
                                    f"{value!r:.80}")
                if value.dtype != np.float64 and value.dtype != np.bool_:
                    value = value.astype(np.float64)
                value = value.reshape((1,) * (self.least_ndim - value.ndim) + value.shape)
                value.flags.writeable = False
                self.__dict__["_last_size"] = value.size
                self.__dict__["_value"] = value

    def _notice_changes(self):
        if self._changes:
            self.on_changed(self._changes)
            self.__dict__["_changes"] = set()

    def _has_value(self):
        """Whether there is a value, rather than only terms that the nodes above read."""
        return type(self) is Ch or type(self).compute_r is not Ch.compute_r

    shape = property(lambda self: self.r.shape, doc="Shape of the value.")
    size = property(lambda self: self.r.size, doc="Number of entries of the value.")
    ndim = property(lambda self: self.r.ndim, doc="Number of dimensions of the value.")
    dtype = property(lambda self: self.r.dtype, doc="Type of the value's entries.")
    itemsize = property(lambda self: self.r.itemsize, doc="Bytes per entry.")
    flat = property(lambda self: self.r.flat, doc="Iterator over the value's entries.")

    def __len__(self):
        return len(self.r)

    def __array__(self, dtype=None, copy=None):
        array = np.asarray(self.r, dtype=dtype)
        return array.copy() if copy else array

    def __float__(self):
        return float(self.r.item())

    def __int__(self):
        return int(self.r.item())

    def __bool__(self):
        return bool(self.r)

    def __str__(self):
        return str(self.r)

    def __repr__(self):
        try:
            return f"<{self.short_name}>\n{self.r}"
        except Exception as error:  # whoever inspects a node that has no value yet wants to see that, not to fail
            return f"<{self.short_name}: no value, {error}>"

    def __format__(self, spec):
        return format(self.r.item() if self.size == 1 else self.r, spec)

    __hash__ = object.__hash__

    @property
    def short_name(self):
        """The label, or the name of the class."""
        return self.__dict__.get("label") or type(self).__name__

    # ------------------------------------------------------------------ inputs and invalidation

    def inputs(self):
        """The distinct nodes that this node is a differentiable function of, a tuple."""
        inputs = self._inputs
        if inputs is None:
            inputs = self.__dict__["_inputs"] = tuple(self._find_inputs())
        return inputs

    def _find_inputs(self):
        if type(self) is Ch:
            return ()
        nodes = [getattr(self, name, None) for name in self.dterms]
        return {id(node): node for node in nodes if isinstance(node, Ch)}.values()

    def __setattr__(self, name, value):
        differentiable = name in self.dterms
        if differentiable and _is_property(type(self), name):
            object.__setattr__(self, name, value)
            self._invalidate({name})
            return
        if not differentiable and name not in self.terms:
            object.__setattr__(self, name, value)
            return
        if type(self) is Ch:
            value = _leaf_array(value)
        else:
            if differentiable and value is not None:  # None: not given
                value = as_node(value)
            for node in _nodes_in(self.__dict__.get(name)):
                node._forget_parent(self, name)
            for node in _nodes_in(value):
                node._remember_parent(self, name)
            self.__dict__["_inputs"] = None
        object.__setattr__(self, name, value)
        self._invalidate({name})

    def _remember_parent(self, parent, name):
        key, parents = id(parent), self._parents
        if key not in parents:
            parents[key] = (weakref.ref(parent, lambda _: parents.pop(key, None)), set())
        parents[key][1].add(name)

    def _forget_parent(self, parent, name):
        entry = self._parents.get(id(parent))
        if entry:
            entry[1].discard(name)
            if not entry[1]:
                del self._parents[id(parent)]

    def _invalidate(self, names):
        """Forget all that was computed from the terms `names`, here and in everything above."""
        pending, seen = [(self, names)], set()
        while pending:
            node, names = pending.pop()
            state = node.__dict__
            state["_changes"] |= names
            aliases = node._aliases
            if aliases:
                state["_inputs"] = None
            if state["_memo"]:
                stale = names | aliases
                state["_memo"] = {key: entry for key, entry in state["_memo"].items()
                                  if entry[0].isdisjoint(stale)}
            if id(node) in seen:
                continue
            seen.add(id(node))
            state["_value"] = None
            state["_maps"] = {}
            state["_jacobians"] = {}
            for reference, parent_names in list(state["_parents"].values()):
                parent = reference()
                if parent is not None:
                    pending.append((parent, parent_names))

    def clear_cache(self):
        """Forget the value and derivatives of this node and of everything that depends on it."""
        self._invalidate(set(self.terms) | set(self.dterms))

    def replace(self, old, new):
        """Put `new` in the place of `old` wherever `old` is an input, in the whole graph below. Returns `new`."""
        if isinstance(old, Ch) != isinstance(new, Ch):
            raise TypeError("replace: `old` and `new` must both be nodes, or neither")
        for node in differentiation.nodes_below(self):
            if type(node) is not Ch:
                for name in tuple(node.terms) + tuple(node.dterms):
                    value = node.__dict__.get(name)
                    if value is old:
                        setattr(node, name, new)
                    elif type(value) is tuple and any(entry is old for entry in value):
                        setattr(node, name, tuple(new if entry is old else entry for entry in value))
        return new

    # ------------------------------------------------------------------ indexing

    def __getitem__(self, key):
        from .shaping import Select
        return Select(self, key)

    def __setitem__(self, key, value):
        """Assign to entries of a free variable, also through views of it."""
        if isinstance(value, Ch):
            raise TypeError("cannot assign a node to a part of another one; assign its value (`node.r`), or make a "
                            "node of the parts, with ch.concatenate or ch.where")
        base, indices = differentiation.resolve_view(self)
        if type(base) is not Ch:
            raise TypeError(f"cannot assign to entries of {self.short_name}: it is computed from other nodes; "
                            "assign to those")
        flat = np.arange(self.size).reshape(self.shape)[plain_key(key)]
        array = base.x.copy()
        array.reshape(-1)[flat if indices is None else indices[flat]] = value
        base.x = array

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    # ------------------------------------------------------------------ derivatives

    def _local_map(self, child):
        """The derivative with respect to one direct input, a LinearMap or None."""
        if child not in self._maps:
            if not self._has_value():
                return None
            with self._lock:
                if child not in self._maps:
                    value = self.r
                    self._notice_changes()
                    answer = self.compute_dr_wrt(child)
                    self._maps[child] = None if answer is None else as_linear_map(
                        answer, (value.size, child.size), f"{type(self).__name__}.compute_dr_wrt")
        return self._maps[child]

    def forget_maps(self):
        """Let go of the derivatives by the inputs; they are computed again when somebody asks."""
        self.__dict__["_maps"] = {}

    def _pull_back(self, maps, cotangent):
        """What the transposes of several of this node's local maps make of a cotangent."""
        return [local.T @ cotangent for local in maps]

    def dr_wrt(self, wrt, reverse_mode=None):
        """The Jacobian of this node with respect to another, cached.

        Parameters
        ----------
        wrt : Ch
            A free variable, a view of one such as ``pose[:3]``, or any node this one is a function of.
        reverse_mode : bool, optional
            Multiply from the output's side (True) or from the input's (False). By default decided by size.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (self.size, wrt.size), or None where this node does not depend on `wrt`.
        """
        return differentiation.jacobian(self, _node_argument(wrt, "wrt"), reverse_mode)

    def jvp(self, wrt, tangent):
        """J @ tangent, without forming J = d self / d wrt.

        Parameters
        ----------
        wrt : Ch, or list or tuple of Ch
        tangent : array_like
            wrt.size entries in any shape, or (wrt.size, k). For several variables a list or tuple with one for
            each, all with the same k.

        Returns
        -------
        ndarray of shape (self.size,) or (self.size, k)
            Of several variables the sum, by one sweep. Zero where there is no dependence.
        """
        return differentiation.jvp(self, _node_arguments(wrt, "wrt"), tangent)

    def vjp(self, wrt, cotangent):
        """Jᵀ @ cotangent, without forming J = d self / d wrt.

        Parameters
        ----------
        wrt : Ch, or list or tuple of Ch
        cotangent : array_like
            self.size entries in any shape, or (self.size, k).

        Returns
        -------
        ndarray of shape (wrt.size,) or (wrt.size, k)
            For several variables a list with one for each, by one sweep. Zero where there is no dependence.
        """
        return differentiation.vjp(self, _node_arguments(wrt, "wrt"), cotangent)

    def rop(self, wrt, rhs):
        """chumpy's name for `jvp`."""
        return self.jvp(wrt, rhs)

    def lop(self, wrt, lhs):
        """lhs @ J, for `lhs` of shape (self.size,) or (k, self.size): `vjp` with rows instead of columns."""
        return self.vjp(wrt, np.asarray(lhs, dtype=np.float64).T).T

    def is_dr_wrt(self, wrt):
        """Whether this node is a differentiable function of `wrt` (which may be a view of its variable)."""
        return differentiation.depends(self, _node_argument(wrt, "wrt"))

    def as_view(self):
        """(node, flat indices) when this node shows entries of another one, each at most once; else None."""
        return None

    # ------------------------------------------------------------------ copies and pickles

    def copy(self):
        """A node of the same kind with the same inputs; for a free variable, another one of the same value."""
        twin = type(self).__new__(type(self))
        twin.__setstate__(Ch.__getstate__(self))
        return twin

    __copy__ = copy

    def __reduce_ex__(self, protocol):
        return _blank, (type(self), *_ahead_of(self)), self.__getstate__()

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name not in _PRIVATE}

    def __setstate__(self, state):
        self._start()
        if "dterms" in state:
            object.__setattr__(self, "dterms", state["dterms"])
        names = set(self.terms) | set(self.dterms)
        for name, value in state.items():
            if name in names:
                setattr(self, name, value)
            else:
                object.__setattr__(self, name, value)


class ChLambda(Ch):
    """A node made by a function of nodes. Its arguments are attributes, to be set and reset by name.

    Parameters
    ----------
    lmb : callable
        Takes nodes, returns a node.
    initial_args : dict, optional
        Name of an argument -> value; other names in it are left alone, so that several functions can share one.
        Arguments with neither a value here nor a default start as the number 0.
    """

    terms = ("lmb",)
    dterms = ()
    _expression = None

    def __init__(self, lmb, initial_args=None, **kwargs):
        self.lmb = lmb
        given = {**(initial_args or {}), **kwargs}
        parameters = inspect.signature(lmb).parameters
        unknown = sorted(set(kwargs) - set(parameters))
        if unknown:
            raise TypeError(f"the function has no argument {', '.join(map(repr, unknown))}; "
                            f"it has {', '.join(map(repr, parameters))}")
        object.__setattr__(self, "arguments", tuple(parameters))
        for name, parameter in parameters.items():
            default = 0.0 if parameter.default is parameter.empty else parameter.default
            self.add_dterm(name, given.get(name, default))

    @property
    def expression(self):
        """The node that the function made of the present arguments."""
        nodes = [getattr(self, name) for name in self.arguments]
        if self._expression is None or any(a is not b for a, b in zip(nodes, self._expression[0])):
            if self.lmb is None:
                raise ValueError("this node was unpickled: a function does not travel, so its arguments can be "
                                 "changed in value but not be replaced by other nodes; set `lmb` again first")
            self._express((nodes, as_node(self.lmb(*nodes))))
        return self._expression[1]

    def _express(self, expression):
        """Show (arguments, node made of them); nodes that the function did not get as arguments matter too."""
        if self._expression is not None:
            self._expression[1]._forget_parent(self, "lmb")
        if expression is not None:
            expression[1]._remember_parent(self, "lmb")
        object.__setattr__(self, "_expression", expression)

    def __setattr__(self, name, value):
        if name == "lmb":
            self._express(None)
        super().__setattr__(name, value)

    def _find_inputs(self):
        return [self.expression]

    def compute_r(self):
        return self.expression.r

    def compute_dr_wrt(self, wrt):
        return 1.0

    def __getstate__(self):
        self.expression
        return {**super().__getstate__(), "lmb": _HomeBound(self.lmb)}

    def __setstate__(self, state):
        super().__setstate__({**state, "_expression": None})
        self._express(state["_expression"])


class _HomeBound:
    """A function in the state of a node: a copy of the node keeps it, a pickle has None for it."""

    def __init__(self, function):
        self.function = function

    def __deepcopy__(self, memo):
        return self.function

    def __reduce__(self):
        return type(None), ()


class _Ahead:
    """A node that is pickled or copied ahead of the nodes above it, so that depth is no concern there either."""

    _latest = threading.local()

    def __init__(self, node):
        self.node = node

    def __reduce__(self):
        self._latest.node = self.node
        return _itself, (self.node,)


def _ahead_of(node):
    """What is to be pickled ahead of a node: all nodes below it, unless it is itself one of such a list."""
    if getattr(_Ahead._latest, "node", None) is node:
        return []
    return [_Ahead(below) for below in [*differentiation.nodes_below(node)[:-1], None]]


def _itself(node):
    return node


def _blank(cls, *ahead):
    """A node of that class without a state yet."""
    return cls.__new__(cls)


def as_node(value):
    """`value` itself if it is a node, else a free variable (or, for a list with nodes in it, their stack)."""
    if isinstance(value, Ch):
        return value
    if isinstance(value, (list, tuple)) and _holds_nodes(value):
        from .shaping import stack
        return stack([as_node(entry) for entry in value])
    return Ch(value)


def plain_key(key):
    """An index with the values of its nodes in place of the nodes."""
    if isinstance(key, tuple):
        return tuple(plain_key(entry) for entry in key)
    if isinstance(key, Ch):
        return key.r if key.dtype == np.bool_ else key.r.astype(np.intp)
    return key


def _holds_nodes(sequence):
    return any(isinstance(entry, Ch) or (isinstance(entry, (list, tuple)) and _holds_nodes(entry))
               for entry in sequence)


def _nodes_in(term):
    """The nodes that a term is, or, if it is a tuple such as an index, holds."""
    return (term,) if isinstance(term, Ch) else (
        [entry for entry in term if isinstance(entry, Ch)] if type(term) is tuple else ())


def _refuse_unknown(cls, names):
    """A misspelt keyword would only set an attribute that nobody reads."""
    unknown = [name for name in names if name != "label" and name not in cls.terms and name not in cls.dterms
               and not hasattr(cls, name)]
    if unknown:
        raise TypeError(f"{cls.__name__} takes no {', '.join(map(repr, unknown))}; it takes "
                        f"{', '.join(map(repr, cls.terms + cls.dterms))}")


def _node_argument(value, name):
    if not isinstance(value, Ch):
        raise TypeError(f"{name} must be a node (a Ch), got {type(value).__name__}: an array that is not a node "
                        "cannot be told apart from others, so nothing can be differentiated with respect to it")
    return value


def _node_arguments(value, name):
    """A node, or several of them."""
    if not isinstance(value, (list, tuple)):
        return _node_argument(value, name)
    return [_node_argument(entry, f"{name}[{position}]") for position, entry in enumerate(value)]


def _leaf_array(value):
    if isinstance(value, Ch):
        value = value.r
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError
        array = np.array(array, dtype=np.float64, order="C")
        array.flags.writeable = False  # it is the value too, and changes are only noticed when `x` is assigned
        return array
    except (TypeError, ValueError):
        raise TypeError(f"a Ch holds real numbers; cannot make an array of them from {type(value).__name__} "
                        f"{value!r:.80}") from None


def _is_property(cls, name):
    return isinstance(getattr(cls, name, None), (property, _Cached))


_PRIVATE = frozenset(["_parents", "_inputs", "_value", "_last_size", "_maps", "_jacobians", "_memo", "_changes",
                      "_lock"])
