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
import numpy as np

__all__ = ["FormedTangent", "Tangent"]


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

    def placed(self, columns, n):
        """The same columns at places `columns` among n, which are zero elsewhere."""
        raise NotImplementedError

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
        return FormedTangent(_as_matrix(self.form()) + _as_matrix(other.form())) if total is None else total


def _as_matrix(matrix):
    """An array or a sparse matrix, also of a linear map."""
    return matrix.to_sparse() if hasattr(matrix, "to_sparse") else matrix


class FormedTangent(Tangent):
    """An array, a sparse matrix or a linear map, which is kept as `LinearMap.written` has it."""

    def __init__(self, matrix):
        self.matrix = matrix.written() if hasattr(matrix, "written") else matrix
        super().__init__(matrix.shape)

    def form(self):
        return self.matrix

    def normal_equations(self, weights, weighted):
        left = self.matrix.T if weights is None else self.matrix.T * weights
        return left @ self.matrix, self.matrix.T @ weighted

    def placed(self, columns, n):
        result = np.zeros((self.shape[0], n))
        result[:, columns] = self.matrix
        return FormedTangent(result)

    def scaled(self, diagonal):
        return FormedTangent(diagonal @ self.matrix)

    picked = scaled


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

    def placed(self, columns, n):
        return Moved(self.chosen, self.below.placed(columns, n))

    def merged(self, other):
        return Moved(self.chosen, self.below + other.below) if self.chosen is other.chosen else None
