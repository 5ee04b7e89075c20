"""Arrays of points or vectors, one in each row: rescaled, summed, multiplied.

Rescaling.  y = m / |m|^p has dy = |m|^-p (I - p u uᵀ) dm, with u = m / |m|; p = 1 normalizes. A row of zeros has no
direction: its value is 0 and its derivative is taken as 0.

Cross products.  a × b = [a]× b = -[b]× a, so d(a × b) = [a]× db - [b]× da.
"""
import numpy as np
import scipy.sparse as sp

from .. import ch
from ..ch import Ch, LinearMap
from ..ch.linear_maps import BlockDiagonal
from ..inputs import input_points, total_derivative

__all__ = ["CrossProduct", "NormalizedNx3", "Sum3xN", "ndot"]


def skew(a):
    """[a]×, the matrices of x -> a × x, (..., 3, 3) for vectors (..., 3)."""
    matrix = np.zeros(a.shape + (3,))
    matrix[..., 0, 1], matrix[..., 0, 2] = -a[..., 2], a[..., 1]
    matrix[..., 1, 0], matrix[..., 1, 2] = a[..., 2], -a[..., 0]
    matrix[..., 2, 0], matrix[..., 2, 1] = -a[..., 1], a[..., 0]
    return matrix


class OnCoordinates(LinearMap):
    """`matrix` ⊗ I₃: combines points, each of their three coordinates alone."""

    def __init__(self, matrix):
        self.matrix = sp.csr_matrix(matrix)
        super().__init__((3 * self.matrix.shape[0], 3 * self.matrix.shape[1]))

    def apply(self, x):
        return _times(self.matrix, x)

    def apply_transpose(self, y):
        return _times(self.matrix.T, y)

    def to_sparse(self):
        return sp.kron(self.matrix, sp.identity(3), format="csr")


def _times(matrix, x):
    columns = x.shape[1:]
    points = x.reshape(matrix.shape[1], 3 * int(np.prod(columns)))
    return (matrix @ points).reshape((3 * matrix.shape[0],) + columns)


def rescaled(m, power):
    """m / |m|^power for each row, 0 where m = 0."""
    return m * _inverse_power(m, power)[:, None]


def rescaling_blocks(m, power):
    """The derivatives (N, 3, 3) of `rescaled`."""
    u = rescaled(m, 1)
    return _inverse_power(m, power)[:, None, None] * (np.eye(3) - power * u[:, :, None] * u[:, None, :])


def _inverse_power(m, power):
    length = np.sqrt(np.einsum("ij,ij->i", m, m))
    if power != 1:
        length = length ** power
    return np.divide(1.0, length, where=length > 0, out=length)


class RescaledRows(Ch):
    """v / |v|^power, row by row of three, in the shape of `v`."""

    terms = "power"
    dterms = "v"
    term_order = "v", "power"

    def compute_r(self):
        return rescaled(input_points(self, "v"), self.power).reshape(self.v.shape)

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return BlockDiagonal(rescaling_blocks(input_points(self, "v"), self.power))


class NormalizedNx3(RescaledRows):
    """Rows of three scaled to length 1, in the shape of `v`. A row of zeros stays, with derivative 0."""

    terms = ()
    dterms = "v"
    power = 1


class RowLengths(Ch):
    """The lengths (N,) of rows of three, or of `row_length`; where one is 0, its derivative is 0."""

    terms = "row_length"
    dterms = "v"
    term_order = "v", "row_length"
    row_length = 3

    def compute_r(self):
        v = input_points(self, "v", self.row_length)
        return np.sqrt(np.einsum("ij,ij->i", v, v))

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return BlockDiagonal(rescaled(input_points(self, "v", self.row_length), 1)[:, None, :])


class Sum3xN(Ch):
    """The sums (N,) of rows of three."""

    dterms = "v"

    def compute_r(self):
        return input_points(self, "v").sum(axis=1)

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return BlockDiagonal(np.ones((self.size, 1, 3)))


class CrossProduct(Ch):
    """a × b, row by row of three, flat (3 N,)."""

    dterms = "a", "b"

    def compute_r(self):
        a, b = input_points(self, "a"), input_points(self, "b")
        if a.shape != b.shape:
            raise ValueError(f"CrossProduct: a and b must have as many rows, got {len(a)} and {len(b)}")
        return np.cross(a, b).ravel()

    def compute_dr_wrt(self, wrt):
        return total_derivative(self, wrt, a=lambda: BlockDiagonal(skew(-input_points(self, "b"))),
                                b=lambda: BlockDiagonal(skew(input_points(self, "a"))))


def ndot(mtx1, mtx2):
    """The matrix products (N, a, c) of matrices (N, a, b) and (N, b, c)."""
    return ch.matmul(mtx1, mtx2)
