"""Minibatches: an objective that is a sum over many parts, estimated from a few of them.

With n parts in a `Batch`, of which the b in S are drawn,

    F = sum_i L(r_i) + L(rest)     is estimated by     F_S = n/b sum_{i in S} L(r_i) + L(rest)

whose mean over all S is F, and so for the gradients. The parts are drawn without replacement until fewer than b are
left, then anew. Batches of the same number of parts, such as silhouettes and colours of the same views, are drawn
alike.
"""
import numpy as np

from .differentiation import nodes_below
from .robust import LeastSquares

__all__ = ["Minibatches"]


class Minibatches:
    """The minibatches of a problem. In a `with` statement, the problem is as before afterwards.

    Parameters
    ----------
    problem : Problem
        Some of its parts are batches, or multiples of them. Its loss is replaced.
    size : int
        b.
    seed : int

    Raises
    ------
    ValueError
        If there is no batch among the parts of the objective, or `size` is none of 1 to n.
    """

    def __init__(self, problem, size, seed):
        self.problem, self.size = problem, size
        self.loss, self.rows = problem.loss, problem.rows
        self.batches = [_batch_of(part) for part in problem.parts]
        given = [batch for batch in self.batches if batch is not None]
        if not given:
            raise ValueError("option batch_size needs an item of fun that is a Batch, such as Views: it says what the "
                             "objective is a sum over")
        for batch in given:
            if not 1 <= size <= len(batch):
                raise ValueError(f"option batch_size must be from 1 to {len(batch)}, the number of parts, got {size}")
        self._rng = np.random.default_rng(seed)
        self._left = {len(batch): [] for batch in given}

    def draw(self):
        """The objective of the next minibatch."""
        chosen = {count: self._next(count) for count in self._left}
        scales = [1.0 if batch is None else len(batch) / self.size for batch in self.batches]
        for batch in self.batches:
            if batch is not None:
                batch.chosen = chosen[len(batch)]
        self.problem.loss = SumOfParts(self.loss, self.rows, scales)

    def whole(self):
        """The objective of all parts."""
        for batch in self.batches:
            if batch is not None:
                batch.chosen = None
        self.problem.loss = self.loss

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.whole()

    def _next(self, count):
        if len(self._left[count]) < self.size:
            self._left[count] = self._rng.permutation(count).tolist()
        drawn, self._left[count] = self._left[count][:self.size], self._left[count][self.size:]
        return drawn


def _batch_of(part):
    """The batch that an item of the objective is, or is a multiple of; None if there is none below it."""
    batches = [node for node in nodes_below(part) if node.is_batch]
    if not batches or part is batches[-1]:
        return part if batches else None
    batch = batches[-1]
    before, batch.chosen = batch.chosen, [0]
    is_multiple = part.size == batch.size and not part.r.ravel()[batch.rows_of(batch.parts[0]).stop:].any()
    batch.chosen = before
    if not is_multiple:
        raise ValueError(f"option batch_size: {part.short_name} is computed from a batch, but is no multiple of it: "
                         "what its other entries count is not known. Give the batch itself as an item of fun; "
                         "loss='sum' has entries summed that are not to be squared")
    return batch


class SumOfParts(LeastSquares):
    """A weighted sum of a loss of each part.

    Parameters
    ----------
    loss : LeastSquares
    rows : list of slice
        The places of each part in r.
    scales : list of float
    """

    def __init__(self, loss, rows, scales):
        self.loss, self.rows, self.scales = loss, rows, scales
        self.grows = loss.grows

    def value(self, r):
        """F."""
        return sum(scale * self.loss.value(r[rows]) for rows, scale in zip(self.rows, self.scales))

    def slope(self, r):
        """s such that ∇F = 2 Jᵀ s."""
        return np.concatenate([scale * self.loss.slope(r[rows]) for rows, scale in zip(self.rows, self.scales)])
