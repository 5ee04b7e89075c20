"""Columns of a Jacobian that are too long to be formed: what is known of J V, and asked of it.

A forward sweep carries J V from node to node. For a small node that is an array. For an image it would be the largest
array of the whole fit, and all that a fit wants of it are its normal equations,

    A = Vᵀ Jᵀ W J V        g = Vᵀ Jᵀ W r

So the derivative of an image answers with a *tangent* that knows what its rows are made from. A map with at most one
entry a row, such as a weight, a mask, or a transposition, need not be applied to it: with S such a map,

    (S J V)ᵀ W (S J V) = (J V)ᵀ diag(Sᵀ∘Sᵀ w) (J V)        (S J V)ᵀ W r = (J V)ᵀ (Sᵀ W r)

and the weights are moved to the rows below. Filters know what to do about the tangents of images themselves. For any
other map the tangent is formed.
"""
from functools import reduce
from operator import add

import numpy as np

__all__ = ["FormedTangent", "Tangent", "as_slice"]

_LONG = 2**16  # rows of a tangent whose copy costs more than what is done for each block


class Tangent:
    """An m-by-n matrix J V.

    Attributes
    ----------
    shape : (int, int)
    has_local_gram : bool
        Whether the normal equations of many unknowns, with V sparse, are sparse, and found without forming J V.
    is_spread : bool
        Whether some rows depend on very many unknowns.
    """

    has_local_gram = False
    is_spread = False

    def __init__(self, shape):
        self.shape = (int(shape[0]), int(shape[1]))

    def form(self):
        """The matrix itself: an array if V is one, else sparse, or a linear map."""
        raise NotImplementedError

    def normal_equations(self, weights, weighted):
        """(A, g) for weights (m,), None for 1, and weighted residuals W r (m,)."""
        raise NotImplementedError

    def formed(self):
        """The same as a `FormedTangent`."""
        return FormedTangent.of(self.form())

    def times(self, linear_map):
        """What a map makes of it that knows nothing better."""
        return self.formed().times(linear_map)

    def scaled(self, diagonal):
        """What a `Diagonal` map makes of it."""
        return Moved(diagonal, self)

    def picked(self, selection):
        """What a `Selection` or a `Broadcast` makes of it."""
        return Moved(selection, self)

    def merged(self, other):
        """The sum with a tangent of the same kind, None if that needs both to be formed."""
        return None

    def __add__(self, other):
        total = self.merged(other) if type(self) is type(other) else None
        return self.formed().merged(other.formed()) if total is None else total


def _as_matrix(matrix):
    """An array or a sparse matrix, also of a linear map."""
    return matrix.to_sparse() if hasattr(matrix, "to_sparse") else matrix


class FormedTangent(Tangent):
    """Matrices, each of them some of the columns; the other columns are zero.

    So an unknown takes part only in the products that it enters: an image depends on a pose through the projected
    vertices, on a light through the colours.

    Parameters
    ----------
    blocks : list of (columns, matrix)
        A tuple of k ascending integers and an array (m, k), no column twice. Or one pair of None and all columns as a
        sparse matrix or a linear map, which is kept as `LinearMap.written` has it.
    shape : (int, int)
    """

    def __init__(self, blocks, shape):
        self.blocks = blocks
        super().__init__(shape)

    @classmethod
    def of(cls, matrix):
        """All columns."""
        if isinstance(matrix, np.ndarray):
            return cls([(tuple(range(matrix.shape[1])), matrix)], matrix.shape)
        return cls([(None, matrix.written() if hasattr(matrix, "written") else matrix)], matrix.shape)

    def formed(self):
        return self

    def form(self):
        if len(self.blocks) == 1 and self.blocks[0][1].shape == self.shape:
            return self.blocks[0][1]
        return _joined(self.blocks, tuple(range(self.shape[1])))

    def normal_equations(self, weights, weighted):
        matrix = self.form()
        left = matrix.T if weights is None else matrix.T * weights
        return left @ matrix, matrix.T @ weighted

    def times(self, linear_map):
        if self.blocks[0][0] is None:
            return FormedTangent.of(linear_map @ self.blocks[0][1])
        return FormedTangent([(columns, linear_map.apply(matrix)) for columns, matrix in self.blocks],
                             (linear_map.shape[0], self.shape[1]))

    scaled = times

    def picked(self, selection):
        """Without the columns that are zero in all rows, as they may be where few are picked: a part of a variable."""
        result = self.times(selection)
        if self.blocks[0][0] is not None:
            result.blocks = [_without_zeros(*block) for block in result.blocks]
        return result

    def merged(self, other):
        """Long blocks of different columns stay as they are; short ones become one, for fewer products thereafter."""
        if self.blocks[0][0] is None:
            matrices = self.blocks[0][1], other.blocks[0][1]
            if not all(hasattr(matrix, "written") for matrix in matrices):
                matrices = map(_as_matrix, matrices)
            return FormedTangent.of(add(*matrices))
        blocks = [*self.blocks, *other.blocks]
        columns = [column for own, _ in blocks for column in own]
        union = tuple(sorted(set(columns)))
        if self.shape[0] < _LONG or len(union) < len(columns):
            blocks = [(union, _joined(blocks, union))]
        return FormedTangent(blocks, self.shape)


def _joined(blocks, columns):
    """The sum of the blocks as one array of these columns."""
    if all(own == columns for own, _ in blocks):
        return reduce(add, (matrix for _, matrix in blocks))
    if sum((own for own, _ in blocks), ()) == columns:
        return np.concatenate([matrix for _, matrix in blocks], axis=1)
    result = np.zeros((len(blocks[0][1]), len(columns)))
    place = {column: position for position, column in enumerate(columns)}
    for own, matrix in blocks:
        result[:, as_slice([place[column] for column in own])] += matrix
    return result


def _without_zeros(columns, matrix):
    if matrix.shape[0] >= matrix.shape[1]:
        return columns, matrix
    kept = matrix.any(axis=0)
    if kept.all() or not kept.any():
        return columns, matrix
    return tuple(column for column, is_kept in zip(columns, kept) if is_kept), matrix[:, kept]


def as_slice(columns):
    """The index of the columns of a block: a slice where they are consecutive, with which arrays are copied faster."""
    if columns is None:
        return slice(None)
    if not columns or columns[-1] - columns[0] != len(columns) - 1:
        return np.array(columns, np.intp)
    return slice(columns[0], columns[-1] + 1)


class Moved(Tangent):
    """S J V, with S a map of at most one entry a row."""

    def __init__(self, chosen, below):
        self.chosen, self.below = chosen, below
        super().__init__((chosen.shape[0], below.shape[1]))

    @property
    def has_local_gram(self):
        return self.below.has_local_gram

    @property
    def is_spread(self):
        return self.below.is_spread

    def form(self):
        return self.chosen @ self.below.form()

    def normal_equations(self, weights, weighted):
        ones = np.ones(self.shape[0]) if weights is None else weights
        return self.below.normal_equations(self.chosen.squared_transpose(ones), self.chosen.apply_transpose(weighted))

    def merged(self, other):
        return Moved(self.chosen, self.below + other.below) if self.chosen is other.chosen else None
