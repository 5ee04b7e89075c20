"""What a derivative is: a linear map.

The local derivative of a node with respect to one of its inputs is an m-by-n linear map, m the size of the
node's value and n the size of the input's, both flattened in C order. Most such maps have a structure that is
far cheaper than an m-by-n array: a ufunc is diagonal, indexing is a selection, a per-vertex formula is block
diagonal. Each class here keeps one structure and knows the same four things:

    A @ x        the forward product, for x of shape (n,) or (n, k)
    A.T @ y      the reverse product, for y of shape (m,) or (m, k)
    A @ B, A + B compositions and sums, formed without multiplying anything out but small blocks
    A.to_sparse() the map as a `scipy.sparse.csr_matrix`
"""
import math
import numbers

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from .tangents import Tangent

__all__ = ["LinearMap", "Diagonal", "Selection", "Broadcast", "BlockDiagonal", "SparseMap", "DenseMap",
           "FunctionMap", "as_csr", "as_linear_map", "identity"]


class LinearMap:
    """An m-by-n linear map. Subclasses give `apply`, `apply_transpose` and `to_sparse`.

    Attributes
    ----------
    shape : (int, int)
        Size of the output, size of the input.
    """

    __array_ufunc__ = None
    is_identity = False

    def __init__(self, shape):
        self.shape = (int(shape[0]), int(shape[1]))

    def apply(self, x):
        """A x for a dense x of shape (n,) or (n, k)."""
        raise NotImplementedError

    def apply_transpose(self, y):
        """Aᵀ y for a dense y of shape (m,) or (m, k)."""
        raise NotImplementedError

    def to_sparse(self):
        """The map as a csr_matrix, here by applying it to the identity, a block of columns at a time."""
        m, n = self.shape
        blocks = []
        for start in range(0, n, 64):
            columns = np.zeros((n, min(64, n - start)))
            columns[start:start + 64][np.diag_indices(columns.shape[1])] = 1.0
            blocks.append(sp.csc_matrix(self.apply(columns)))
        return sp.csr_matrix(sp.hstack(blocks)) if blocks else sp.csr_matrix((m, n))

    def to_dense(self):
        """The map as an (m, n) array."""
        return self.apply(np.eye(self.shape[1]))

    def times_sparse(self, matrix):
        """A times a sparse matrix, sparse."""
        return self.to_sparse() @ matrix

    def times_map(self, other):
        """A times another map, a map that applies one after the other unless there is a better way."""
        return Composition(self, other)

    def to_sparse_after(self, other):
        """A times another map as a csr_matrix."""
        return self.times_sparse(other.to_sparse())

    def written(self):
        """The map in a form that costs no more to apply than to look at: sparse, or as it is where that is as good.

        Sweeps keep tangents so. What is only composed would be applied once for every path through the graph.
        """
        return self.to_sparse()

    def times_tangent(self, tangent):
        """A times a `Tangent`, which is formed unless the structure of A makes that unnecessary."""
        return tangent.times(self)

    @property
    def T(self):
        return Transpose(self)

    def dot(self, other):
        return self @ other

    def __matmul__(self, other):
        _check_product(self.shape, np.shape(other))
        if isinstance(other, Tangent):
            return other if self.is_identity else self.times_tangent(other)
        if isinstance(other, LinearMap):
            return self if other.is_identity else other if self.is_identity else self.times_map(other)
        if sp.issparse(other):
            return self.times_sparse(other)
        return self.apply(np.asarray(other, dtype=np.float64))

    def __rmatmul__(self, other):
        if sp.issparse(other):
            return other @ self.to_sparse()
        other = np.asarray(other, dtype=np.float64)
        _check_product(other.shape[-1:] * 2, self.shape)
        return self.apply_transpose(other.T).T

    def __add__(self, other):
        if not isinstance(other, LinearMap):
            return NotImplemented
        if self.shape != other.shape:
            raise ValueError(f"cannot add linear maps of shapes {self.shape} and {other.shape}")
        return Sum(self, other)

    def __mul__(self, factor):
        return Composition(Diagonal(factor, self.shape[0]), self)

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1.0

    def __repr__(self):
        return f"<{type(self).__name__} {self.shape[0]}x{self.shape[1]}>"

    def as_linear_operator(self):
        """The same map for scipy.sparse.linalg and scipy.optimize."""
        return LinearOperator(self.shape, matvec=self.apply, rmatvec=self.apply_transpose, matmat=self.apply,
                              rmatmat=self.apply_transpose, dtype=np.float64)


def _check_product(left, right):
    if not right or left[1] != right[0]:
        raise ValueError(f"a linear map of shape {tuple(left)} cannot be applied to an array of shape "
                         f"{tuple(right)}: expected {left[1]} rows")


class Diagonal(LinearMap):
    """y = d * x, with `d` a vector of length n or one number for all."""

    def __init__(self, diagonal, size=None):
        self.diagonal = np.asarray(diagonal, dtype=np.float64).ravel()
        size = self.diagonal.size if size is None else size
        super().__init__((size, size))
        self.is_identity = self.diagonal.size == 1 and self.diagonal[0] == 1.0

    def apply(self, x):
        if self.is_identity:
            return x
        return x * (self.diagonal if x.ndim == 1 else self.diagonal[:, None])

    apply_transpose = apply

    def to_sparse(self):
        return sp.csr_matrix(sp.diags(np.broadcast_to(self.diagonal, self.shape[:1])))

    def times_tangent(self, tangent):
        return tangent.scaled(self)

    def written(self):
        return self

    def squared_transpose(self, y):
        """(Aᵀ∘Aᵀ) y"""
        return y * self.diagonal ** 2

    def times_sparse(self, matrix):
        if self.diagonal.size == 1:
            return matrix * float(self.diagonal[0])
        result = sp.csr_matrix(matrix, copy=True)
        result.data *= np.repeat(self.diagonal, np.diff(result.indptr))
        return result

    @property
    def T(self):
        return self


def identity(size):
    """The identity on vectors of length `size`."""
    return Diagonal(1.0, size)


class Selection(LinearMap):
    """y[i] = x[indices[i]]: indexing, permuting, repeating. The transpose scatters and adds."""

    def __init__(self, indices, size):
        self.indices = np.asarray(indices, dtype=np.intp).ravel()
        super().__init__((self.indices.size, size))

    def apply(self, x):
        return x.take(self.indices, axis=0)

    def apply_transpose(self, y):
        n = self.shape[1]
        if y.ndim == 1:
            return np.bincount(self.indices, weights=y, minlength=n)
        return np.stack([np.bincount(self.indices, weights=column, minlength=n) for column in y.T],
                        axis=1) if y.shape[1] else np.zeros((n, 0))

    squared_transpose = apply_transpose

    def times_tangent(self, tangent):
        return tangent.picked(self)

    def times_map(self, other):
        """Block diagonal, where it picks the same rows of each block."""
        if isinstance(other, BlockDiagonal):
            count, p, _ = other.blocks.shape
            if self.indices.size % max(count, 1) == 0 < self.indices.size:
                rows = self.indices.reshape(count, -1) - p * np.arange(count)[:, None]
                if (rows == rows[0]).all() and 0 <= rows[0].min() and rows[0].max() < p:
                    return BlockDiagonal(other.blocks[:, rows[0]])
        return super().times_map(other)

    def to_sparse(self):
        m = self.shape[0]
        return sp.csr_matrix((np.ones(m), self.indices, np.arange(m + 1)), shape=self.shape)

    def times_sparse(self, matrix):
        return sp.csr_matrix(matrix)[self.indices]


class Broadcast(LinearMap):
    """NumPy broadcasting of an array of shape `from_shape` to `to_shape`. The transpose sums what was repeated."""

    def __init__(self, from_shape, to_shape):
        self.from_shape, self.to_shape = tuple(from_shape), tuple(to_shape)
        super().__init__((math.prod(to_shape), math.prod(from_shape)))
        lead = len(self.to_shape) - len(self.from_shape)
        self._aligned = (1,) * lead + self.from_shape
        self._repeated = tuple(axis for axis, (a, b) in enumerate(zip(self._aligned, self.to_shape)) if a != b)

    def apply(self, x):
        columns = x.shape[1:]
        return np.broadcast_to(x.reshape(self._aligned + columns), self.to_shape + columns).reshape(
            self.shape[:1] + columns)

    def apply_transpose(self, y):
        columns = y.shape[1:]
        return y.reshape(self.to_shape + columns).sum(axis=self._repeated).reshape(self.shape[1:] + columns)

    squared_transpose = apply_transpose

    def times_tangent(self, tangent):
        return tangent.picked(self)

    def _selection(self):
        flat = np.arange(self.shape[1]).reshape(self.from_shape)
        return Selection(np.broadcast_to(flat, self.to_shape), self.shape[1])

    def to_sparse(self):
        return self._selection().to_sparse()

    def times_sparse(self, matrix):
        return self._selection().times_sparse(matrix)


class BlockDiagonal(LinearMap):
    """Independent small maps: blocks of shape (count, p, q) take (count, q) to (count, p)."""

    def __init__(self, blocks):
        self.blocks = np.ascontiguousarray(blocks, dtype=np.float64)
        count, p, q = self.blocks.shape
        super().__init__((count * p, count * q))

    def times_map(self, other):
        """Block diagonal again, where the products of the blocks have no more entries than the blocks."""
        if self.fits(other):
            (_, p, q), r = self.blocks.shape, other.blocks.shape[2]
            if p * r <= q * (p + r):
                return self.times_blocks(other)
        return super().times_map(other)

    def fits(self, other):
        """Whether the product with another map is block diagonal."""
        return isinstance(other, BlockDiagonal) and other.blocks.shape[:2] == self.blocks.shape[::2]

    def times_blocks(self, other):
        """The product with a block diagonal map that fits."""
        return BlockDiagonal(np.matmul(self.blocks, other.blocks))

    def __add__(self, other):
        if isinstance(other, BlockDiagonal) and other.blocks.shape == self.blocks.shape:
            return BlockDiagonal(self.blocks + other.blocks)
        return super().__add__(other)

    def written(self):
        return self

    def apply(self, x):
        count, p, q = self.blocks.shape
        if x.ndim == 1:
            return np.einsum("nij,nj->ni", self.blocks, x.reshape(count, q)).ravel()
        return np.matmul(self.blocks, x.reshape(count, q, math.prod(x.shape[1:]))).reshape(self.shape[:1] + x.shape[1:])

    def apply_transpose(self, y):
        count, p, q = self.blocks.shape
        if y.ndim == 1:
            return np.einsum("nij,ni->nj", self.blocks, y.reshape(count, p)).ravel()
        return np.matmul(self.blocks.transpose(0, 2, 1), y.reshape(count, p, math.prod(y.shape[1:]))).reshape(
            self.shape[1:] + y.shape[1:])

    def to_sparse(self):
        count, p, q = self.blocks.shape
        columns = np.arange(count * q).reshape(count, 1, q)
        return sp.csr_matrix((self.blocks.ravel(), np.broadcast_to(columns, (count, p, q)).ravel(),
                              np.arange(count * p + 1) * q), shape=self.shape)


class SparseMap(LinearMap):
    """A scipy.sparse matrix."""

    def __init__(self, matrix):
        self.matrix = sp.csr_matrix(matrix)
        super().__init__(self.matrix.shape)
        self._transpose = None

    def apply(self, x):
        return self.matrix @ x

    def apply_transpose(self, y):
        if self._transpose is None:
            self._transpose = self.matrix.T.tocsr()
        return self._transpose @ y

    def to_sparse(self):
        return self.matrix


class DenseMap(LinearMap):
    """A NumPy array."""

    def __init__(self, matrix):
        self.matrix = np.asarray(matrix, dtype=np.float64)
        super().__init__(self.matrix.shape)

    def apply(self, x):
        return self.matrix @ x

    def apply_transpose(self, y):
        return self.matrix.T @ y

    def to_sparse(self):
        return sp.csr_matrix(self.matrix)

    def to_dense(self):
        return self.matrix


class FunctionMap(LinearMap):
    """A map given by its two products, and by `to_sparse` where there is a better way than columns of the identity.

    Parameters
    ----------
    shape : (int, int)
    apply, apply_transpose : callable
        Take a dense (n,) or (n, k), respectively (m,) or (m, k), and return the product.
    to_sparse : callable, optional
        Takes nothing, returns the csr_matrix.
    """

    def __init__(self, shape, apply, apply_transpose, to_sparse=None):
        super().__init__(shape)
        self.apply = apply
        self.apply_transpose = apply_transpose
        if to_sparse is not None:
            self.to_sparse = to_sparse


class Transpose(LinearMap):
    """The transpose of another map."""

    def __init__(self, of):
        self.of = of
        super().__init__(of.shape[::-1])

    def apply(self, x):
        return self.of.apply_transpose(x)

    def apply_transpose(self, y):
        return self.of.apply(y)

    def to_sparse(self):
        return self.of.to_sparse().T.tocsr()

    @property
    def T(self):
        return self.of


class Composition(LinearMap):
    """x -> left(right(x))."""

    def __init__(self, left, right):
        self.left, self.right = left, right
        super().__init__((left.shape[0], right.shape[1]))

    def apply(self, x):
        return self.left.apply(self.right.apply(x))

    def apply_transpose(self, y):
        return self.right.apply_transpose(self.left.apply_transpose(y))

    def to_sparse(self):
        return self.left.to_sparse_after(self.right)

    def written(self):
        if isinstance(self.left, BlockDiagonal) and self.left.fits(self.right):
            return self.left.times_blocks(self.right)
        return super().written()

    def times_sparse(self, matrix):
        return self.left.times_sparse(self.right.times_sparse(matrix))

    def times_tangent(self, tangent):
        return self.left @ (self.right @ tangent)


class Sum(LinearMap):
    """x -> first(x) + second(x)."""

    def __init__(self, first, second):
        self.first, self.second = first, second
        super().__init__(first.shape)

    def apply(self, x):
        return self.first.apply(x) + self.second.apply(x)

    def apply_transpose(self, y):
        return self.first.apply_transpose(y) + self.second.apply_transpose(y)

    def to_sparse(self):
        return sp.csr_matrix(self.first.to_sparse() + self.second.to_sparse())

    def times_sparse(self, matrix):
        return sp.csr_matrix(self.first.times_sparse(matrix) + self.second.times_sparse(matrix))

    def times_tangent(self, tangent):
        return self.first @ tangent + self.second @ tangent


def as_csr(matrix):
    """A linear map, sparse matrix or array as csr_matrix."""
    return matrix.to_sparse() if isinstance(matrix, LinearMap) else sp.csr_matrix(matrix)


def as_linear_map(value, shape, origin="compute_dr_wrt"):
    """Whatever a node may answer for its derivative, as a LinearMap of the given shape.

    Parameters
    ----------
    value : None, number, array, sparse matrix, LinearOperator or LinearMap
        None: no dependence. A number: that multiple of the identity (of the all-equal map where one side
        has a single entry).
    shape : (int, int)
    origin : str
        Who gave `value`; quoted in errors.

    Returns
    -------
    LinearMap or None
    """
    if value is None:
        return None
    if isinstance(value, LinearMap):
        result = value
    elif isinstance(value, numbers.Number) or (isinstance(value, np.ndarray) and value.size == 1 != max(shape)):
        value = float(np.asarray(value).reshape(()))
        if shape[0] == shape[1]:
            return Diagonal(value, shape[0])
        if 1 in shape:
            return DenseMap(np.full(shape, value))
        raise ValueError(f"{origin} returned the number {value:g} for a derivative of shape {shape}: a number "
                         "stands for a multiple of the identity, which is square")
    elif sp.issparse(value):
        result = SparseMap(value)
    elif isinstance(value, LinearOperator):
        result = FunctionMap(value.shape, value.dot, value.T.dot)
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{origin} must return a derivative of real numbers, it returned {value!r:.80}")
        result = DenseMap(array if array.ndim == 2 else array.reshape(shape) if array.size == shape[0] * shape[1]
                          else np.atleast_2d(array))
    if result.shape != tuple(shape):
        raise ValueError(f"{origin} returned a derivative of shape {result.shape}; expected {tuple(shape)}: "
                         "(size of the node's value, size of the input's value)")
    return result

