"""Many nodes as one, such as the residuals of many views.

The value is that of the parts, one after the other. They are computed side by side, in threads; so are the branches of
the graph below them in sweeps. What several parts are computed from (a mesh, its light) is computed once. In normal
equations the derivative of a part is made, used and let go (`batch_tangent`).

A batch may be asked for some of its parts alone, the *chosen* ones. The others count as zero, and are not computed: a
minibatch.
"""
import math
from itertools import accumulate

import numpy as np

from .linear_maps import Selection
from .node import Ch, depends_on

__all__ = ["Batch"]


class Batch(Ch):
    """Several nodes, stacked, or, where their shapes differ, the vector of their entries.

    Parameters
    ----------
    parts : sequence of Ch
    chosen : array of int or bool, optional
        Indices, or a mask, of those in use; by default, and with None, all of them. The others are zero.

    Examples
    --------
    >>> x = Ch([1.0, 2.0])
    >>> batch = Batch([x[0] * x, x[1] * x])
    >>> batch.r
    array([[1., 2.],
           [2., 4.]])
    >>> batch.chosen = [1]
    >>> batch.r
    array([[0., 0.],
           [2., 4.]])
    """

    terms = "parts", "chosen"
    initial_values = {"chosen": None}
    is_batch = True
    _shapes = {}

    def __setattr__(self, name, value):
        if name == "parts":
            value = _checked_parts(value)
            object.__setattr__(self, "_shapes", {})
            if self.chosen is not None:
                super().__setattr__("chosen", _checked_choice(self.chosen, len(value)))
        elif name == "chosen" and value is not None and hasattr(self, "parts"):
            value = _checked_choice(value, len(self.parts))
        super().__setattr__(name, value)

    def __len__(self):
        return len(self.parts)

    def _find_inputs(self):
        return tuple(self._chosen_parts.values())

    @property
    def _chosen_parts(self):
        """Position -> part, of those in use."""
        return {position: self.parts[position]
                for position in (range(len(self.parts)) if self.chosen is None else self.chosen)}

    def compute_r(self):
        rows = self._rows
        result = np.zeros(rows[-1].stop)
        for position, part in self._chosen_parts.items():
            result[rows[position]] = part.r.ravel()
        shapes = set(self._shapes.values())
        return result.reshape(len(rows), *shapes.pop()) if len(shapes) == 1 else result

    @depends_on("parts", "chosen")
    def _rows(self):
        """Where each part is in the vector; those not in use have the shape that they had before."""
        shapes = {position: part.shape for position, part in self._chosen_parts.items()}
        for position, part in enumerate(self.parts):
            if position not in shapes:
                shapes[position] = self._shapes[position] if position in self._shapes else part.shape
        object.__setattr__(self, "_shapes", shapes)
        sizes = [math.prod(shapes[position]) for position in range(len(self.parts))]
        return [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes))]

    @depends_on("parts", "chosen")
    def _rows_by_part(self):
        return dict(zip(self.parts, self._rows))

    def rows_of(self, part):
        """The rows of a part in the Jacobian, a slice."""
        return self._rows_by_part[part]

    def compute_dr_wrt(self, wrt):
        rows = self.rows_of(wrt)
        return Selection(np.arange(rows.start, rows.stop), self.size).T


def _checked_parts(parts):
    """The parts as a tuple of nodes, no two the same."""
    if isinstance(parts, Ch) or not isinstance(parts, (list, tuple)):
        raise TypeError(f"parts must be a list of nodes, got {type(parts).__name__}")
    if not parts:
        raise ValueError("parts is empty: a batch has at least one part")
    places = {}
    for position, part in enumerate(parts):
        if not isinstance(part, Ch):
            raise TypeError(f"parts[{position}] must be a node (a Ch), got {type(part).__name__}")
        first = places.setdefault(part, position)
        if first != position:
            raise ValueError(f"parts[{position}] is the very node that parts[{first}] is: each may be given once")
    return tuple(parts)


def _checked_choice(chosen, count):
    """Indices, or a mask, as a tuple of ascending indices."""
    chosen = np.asarray(chosen)
    if chosen.dtype == np.bool_ and chosen.shape == (count,):
        return tuple(np.flatnonzero(chosen).tolist())
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise ValueError(f"chosen must be None, a vector of indices of the {count} parts, or a mask of them, got "
                         f"{chosen!r:.80}")
    if not chosen.size or chosen.min() < 0 or chosen.max() >= count or np.unique(chosen).size != chosen.size:
        raise ValueError(f"chosen must have distinct indices from 0 to {count - 1}, got {chosen.tolist()!r:.80}")
    return tuple(np.sort(chosen).tolist())
