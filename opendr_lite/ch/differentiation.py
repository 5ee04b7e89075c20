"""Sweeps over the graph: values, products with the Jacobian, the Jacobian itself.

With the nodes between the variable x and the output f in topological order and A_ij the local derivative of
node i with respect to its input j, the chain rule reads

    forward   t_i = sum_j A_ij t_j       from  t_x = V  to  t_f = J V
    reverse   u_j = sum_i A_ij^T u_i     from  u_f = U  to  u_x = J^T U

so that both products cost one application of every local map, and J itself is either of them applied to an
identity. A *view* such as ``pose[:3]`` stands for the entries of the node it shows.

What is below one root alone is swept by itself, and so is what is below one part of a `Batch` alone: such *branches*
are swept side by side, in threads.

As keys of dicts and sets, nodes stand for themselves, whatever their values.
"""
from typing import NamedTuple

import numpy as np

from ..threads import in_parallel
from .batch_tangent import BatchTangent, groups, stacked
from .linear_maps import LinearMap, as_csr, identity
from .spread_tangent import SpreadTangent, is_spread_by
from .tangents import Tangent

__all__ = ["between", "depends", "evaluate", "evaluate_all", "jacobian", "jvp", "nodes_below", "pull_back",
           "push_forward", "resolve_view", "vjp"]

_LARGE = 16384  # entries of a root from which its evaluation is worth a thread
_FEW = 64  # columns (rows) up to which a dense sweep beats sparse matrix products


def evaluate(root):
    """Compute the value of `root`, inputs first."""
    pending = [root]
    while pending:
        node = pending[-1]
        if node._value is not None:
            pending.pop()
            continue
        missing = [child for child in node.inputs() if child._value is None and child._has_value()]
        if missing and node.is_batch:
            _side_by_side(evaluate, missing, sum(part._last_size for part in missing))
        elif missing:
            pending.extend(missing)
        else:
            node._compute_value()
            pending.pop()


def evaluate_all(roots):
    """Compute the values of several nodes, those that were large before in threads of their own.

    What several of them are computed from is computed once: who comes second waits.
    """
    _for_each(evaluate, [root for root in roots if root._value is None])


def nodes_below(*roots):
    """All nodes that the roots are functions of, themselves included, inputs before outputs."""
    order, done = [], set()
    for root in roots:
        pending = [(root, False)]
        while pending:
            node, inputs_done = pending.pop()
            if node in done:
                continue
            missing = [] if inputs_done else [(child, False) for child in node.inputs() if child not in done]
            if missing:
                pending.append((node, True))
                pending += missing
            else:
                done.add(node)
                order.append(node)
    return order


def resolve_view(node):
    """(base, flat indices into it) of a view of a view of ... `base`; indices None when `node` is no view."""
    indices = None
    view = node.as_view()
    while view is not None:
        node, inner = view
        indices = inner if indices is None else inner[indices]
        view = node.as_view()
    return node, indices


def between(roots, bases):
    """Nodes on a path from a base up to a root, in topological order, with the inputs that matter."""
    depending = set(bases)
    order = []
    for node in nodes_below(*roots):
        inputs = [child for child in node.inputs() if child in depending]
        if inputs:
            depending.add(node)
            order.append((node, inputs))
    return order


def depends(root, wrt):
    """Whether `root` is a differentiable function of `wrt`."""
    base, _ = resolve_view(wrt)
    return root is base or any(node is root for node, _ in between([root], [base]))


def push_forward(roots, seeds):
    """Tangents of several nodes for given tangents of others, in one sweep.

    Parameters
    ----------
    roots : list of Ch
    seeds : list of (Ch, array of shape (size, k) or (size,), or LinearMap-compatible sparse matrix)
        Bases (not views) and their tangents.

    Returns
    -------
    list of array, sparse matrix or None (no dependence), one for each root.
    """
    tangents = dict(seeds)
    distinct = list(dict.fromkeys(roots))
    shared, own = _branches(between(distinct, [base for base, _ in seeds]), distinct)
    wanted = set(distinct).union(node for order in own for step in order for node in step.read)
    _sweep_forward(shared, tangents, wanted)
    found = _for_each(lambda root, order: _tangent_of(root, order, tangents), distinct, own)
    result = dict(zip(distinct, found))
    return [result[root] for root in roots]


def _tangent_of(root, order, tangents):
    """That of a root, by a sweep of its branch from the tangents of what is below."""
    above = dict(tangents)
    _sweep_forward(order, above, {root})
    return above.get(root)


def _sweep_forward(order, tangents, wanted):
    """Add to `tangents`, node -> array, those of the nodes of `order`, and drop those no longer `wanted`."""
    last_use = {node: position for position, step in enumerate(order) for node in step.read}
    for position, step in enumerate(order):
        total = step.push_forward(tangents)
        for node in step.read:
            if last_use[node] == position and node not in wanted:
                tangents.pop(node, None)
        if total is not None:
            tangents[step.node] = total


def pull_back(roots, bases):
    """Cotangents of several nodes for given cotangents of others, in one sweep.

    Sums do not depend on what was swept in threads.

    Parameters
    ----------
    roots : list of (Ch, array of shape (size,) or (size, k))
        Outputs and their cotangents.
    bases : list of Ch
        Not views.

    Returns
    -------
    list of array or None (no dependence), one for each base.
    """
    distinct = list(dict.fromkeys(root for root, _ in roots))
    given = {}
    for root, cotangent in roots:
        given[root] = given[root] + cotangent if root in given else cotangent
    shared, own = _branches(between(distinct, bases), distinct)
    wanted = set(bases)
    total = {}
    for cotangents in _for_each(lambda root, order: _cotangents_below(root, order, given[root], wanted), distinct, own):
        _add_all(total, cotangents)
    _sweep_reverse(shared, total, wanted)
    return [total.get(base) for base in bases]


def _cotangents_below(root, order, cotangent, wanted):
    """Those of what is below the branch of a root, and of the nodes `wanted` in it."""
    cotangents = {root: cotangent}
    _sweep_reverse(order, cotangents, wanted)
    return cotangents


def _sweep_reverse(order, cotangents, wanted):
    """Add to `cotangents`, node -> array, those of the inputs of `order`, and drop those not `wanted`."""
    for step in reversed(order):
        cotangent = cotangents.get(step.node)
        if cotangent is None:
            continue
        if step.node not in wanted:
            del cotangents[step.node]
        step.pull_back(cotangent, cotangents, wanted)


def _add_all(total, cotangents):
    for node, cotangent in cotangents.items():
        total[node] = total[node] + cotangent if node in total else cotangent


# ---------------------------------------------------------------------- steps of a sweep


class _Step:
    """A node, with the inputs that matter.

    Attributes
    ----------
    read : iterable of Ch
        Whose tangents it needs.
    """

    def __init__(self, node, inputs):
        self.node, self.read = node, inputs

    def push_forward(self, tangents):
        """The tangent of the node, None if it is zero."""
        total = tangents.get(self.node)
        for child in self.read:
            tangent = tangents.get(child)
            local = self.node._local_map(child) if tangent is not None else None
            if local is not None:
                total = _plus(total, _times(local, tangent), tangent)
        return total

    def pull_back(self, cotangent, cotangents, wanted):
        """Add what the cotangent of the node makes of those of its inputs."""
        maps = [(child, local) for child in self.read if (local := self.node._local_map(child)) is not None]
        for (child, _), part in zip(maps, self.node._pull_back([local for _, local in maps], cotangent)):
            cotangents[child] = _plus(cotangents.get(child), part, cotangent)


class _BatchStep:
    """A `Batch`, with the branches of its parts, whose nodes take no other part in the sweep.

    Parameters
    ----------
    node : Batch
    branches : list of (Ch, list of steps)
    """

    def __init__(self, node, branches):
        self.node, self.branches = node, branches
        self.within = {step.node for _, order in branches for step in order}
        reads = (node for part, order in branches for node in (part, *(read for step in order for read in step.read)))
        self.read = dict.fromkeys(node for node in reads if node not in self.within)

    def push_forward(self, tangents):
        below = {node: tangent for node, tangent in tangents.items() if node in self.within or node in self.read}
        parts = [(self.node.rows_of(part), _Branch(part, order, below)) for part, order in self.branches]
        columns = next(iter(below.values())).shape[1:]
        if any(isinstance(tangent, Tangent) for tangent in below.values()):
            tangent = BatchTangent(parts, (self.node.size, *columns))
        else:
            found = _side_by_side(lambda entry: (entry[0], entry[1].tangent()), parts, self.node.size)
            tangent = stacked(found, (self.node.size, *columns))
        return _plus(tangents.get(self.node), tangent, tangent)

    def pull_back(self, cotangent, cotangents, wanted):
        def of_group(span):
            total = {}
            for part, order in self.branches[slice(*span)]:
                _add_all(total, _cotangents_below(part, order, cotangent[self.node.rows_of(part)], wanted))
            return total

        for total in _side_by_side(of_group, groups(len(self.branches)), self.node.size):
            _add_all(cotangents, total)


class _Branch(NamedTuple):
    """What is below one part of a batch alone, and the tangents of what that is computed from."""

    part: object
    order: list
    below: dict

    def tangent(self):
        return _tangent_of(self.part, self.order, self.below)

    def forget(self):
        """Let go of derivatives; they are computed again when somebody asks."""
        for step in self.order:
            step.node.forget_maps()


def _branches(order, roots):
    """Steps below several of the roots, and, for each root, those below it alone; of those below one part of a batch
    alone, both have but the batch.
    """
    if len(roots) == 1 and not any(node.is_batch for node, _ in order):
        return [], [[_Step(*step) for step in order]]
    above = {root: {root} for root in roots}
    for node, inputs in reversed(order):
        for child in inputs:
            above.setdefault(child, set()).update([(node, child)] if node.is_batch else above[node])
    shared, own = [], {root: [] for root in roots}
    for node, inputs in order:
        if node.is_batch:
            branches = [(part, own.setdefault((node, part), [])) for part in inputs]
            step = _BatchStep(node, branches)
        else:
            step = _Step(node, inputs)
        owners = above[node]
        (shared if len(owners) > 1 else own.setdefault(next(iter(owners)), [])).append(step)
    return shared, [own[root] for root in roots]


def _side_by_side(function, items, size):
    """[function(item) for item in items], in threads where there are `size` entries to compute, if that is many."""
    return in_parallel(function, items) if size >= _LARGE else list(map(function, items))


def _for_each(function, roots, *arguments):
    """[function(root, ...) for root, ... in zip(roots, ...)], in threads if two of the roots or more are large."""
    if sum(root._last_size >= _LARGE for root in roots) < 2:
        return list(map(function, roots, *arguments))
    return in_parallel(lambda entry: function(*entry), zip(roots, *arguments))


def _times(local, tangent):
    """What a local derivative makes of a tangent, in a form that is applied at no more cost than need be."""
    if isinstance(tangent, SpreadTangent) or is_spread_by(local, tangent):
        return SpreadTangent.of(local, tangent)
    product = local @ tangent
    return product.written() if isinstance(product, LinearMap) else product


def _plus(total, part, source):
    """total + part, in the memory of `part` where that may be written to and is not what `part` was computed from."""
    if total is None:
        return part
    if isinstance(part, SpreadTangent):
        return part + total
    if isinstance(part, LinearMap) and isinstance(total, LinearMap):
        return (total + part).written()
    if isinstance(part, LinearMap) or isinstance(total, LinearMap):
        return as_csr(total) + as_csr(part)
    formed = isinstance(total, np.ndarray) and isinstance(part, np.ndarray)
    if not formed or not part.flags.writeable or np.may_share_memory(part, source):
        return total + part
    return np.add(total, part, out=part)


def _columns(array, size, name):
    array = np.asarray(array, dtype=np.float64)
    if array.ndim == 2 and array.shape[0] == size:
        return array
    if array.size == size:
        return array.reshape(size)
    raise ValueError(f"{name} must have {size} entries, or shape ({size}, k); got shape {array.shape}")


def jvp(root, wrt, tangent):
    """J @ tangent; see `Ch.jvp`."""
    root.r  # may set inputs, in on_changed
    if not isinstance(wrt, list):
        wrt, tangent = [wrt], [tangent]
    elif not isinstance(tangent, (list, tuple)) or len(tangent) != len(wrt):
        raise ValueError(f"tangent must be a list of {len(wrt)} arrays, one for each node in wrt, got "
                         f"{_described(tangent)}")
    tangents = [_columns(array, node.size, "tangent") for node, array in zip(wrt, tangent)]
    columns = tangents[0].shape[1:] if tangents else ()
    if any(array.shape[1:] != columns for array in tangents):
        raise ValueError("all tangents must have the same number of columns, got shapes "
                         f"{', '.join(str(array.shape) for array in tangents)}")
    seeds = {}
    for node, array in zip(wrt, tangents):
        base, indices = resolve_view(node)
        seed = seeds.setdefault(base, np.zeros((base.size,) + columns))
        seed[slice(None) if indices is None else indices] += array
    result, = push_forward([root], list(seeds.items()))
    return np.zeros((root.size,) + columns) if result is None else result


def vjp(root, wrt, cotangent):
    """Jᵀ @ cotangent; see `Ch.vjp`."""
    cotangent = _columns(cotangent, root.size, "cotangent")
    views = [resolve_view(node) for node in (wrt if isinstance(wrt, list) else [wrt])]
    pulled = pull_back([(root, cotangent)], [base for base, _ in views])
    results = []
    for (base, indices), whole in zip(views, pulled):
        if whole is None:
            whole = np.zeros((base.size,) + cotangent.shape[1:])
        result = whole if indices is None else whole[indices]
        shared = any(np.may_share_memory(result, other) for other in [cotangent, *results])
        results.append(result.copy() if shared else result)
    return results if isinstance(wrt, list) else results[0]


def _described(value):
    return f"{len(value)} of them" if isinstance(value, (list, tuple)) else type(value).__name__


def jacobian(root, wrt, reverse_mode=None):
    """The sparse Jacobian, or None; see `Ch.dr_wrt`. Kept with `root` until something below it changes."""
    root.r
    base, indices = resolve_view(wrt)
    kept = root._jacobians
    if base not in kept:
        kept[base] = _whole_jacobian(root, base, reverse_mode)
    whole = kept[base]
    return whole if whole is None or indices is None else whole[:, indices]


def _whole_jacobian(root, base, reverse_mode):
    if not depends(root, base):
        return None
    if reverse_mode is None:
        reverse_mode = root.size < base.size
    if reverse_mode and root.size <= _FEW:
        result, = pull_back([(root, np.eye(root.size))], [base])
        result = None if result is None else result.T
    else:
        few = base.size <= _FEW
        seed = np.eye(base.size) if few else identity(base.size)
        result, = push_forward([root], [(base, seed)])
    return None if result is None else as_csr(result)
