"""A = Jᵀ W J and g = Jᵀ W r from a Jacobian: one made of dense blocks, or a sparse one."""
import numpy as np
import scipy.sparse as sp

from ..linear_maps import LinearMap

__all__ = ["DenseBlocks", "SparseNormalEquations", "gram_is_cheap", "sparse_gram", "sparse_normal_equations"]

_SERIAL_PRODUCT = 2**18                  # multiplications that BLAS does in one thread
_ENTRIES_OF_A_ROW, _WORK = 3000, 2e9     # up to which A is formed from a sparse J


class DenseBlocks(LinearMap):
    """A map made of dense arrays at some of its rows and columns, and zero elsewhere; they are not copied into one.

    Parameters
    ----------
    blocks : list of (int, slice or int array (k,), array (rows, k))
        First row, columns, entries. Blocks of the same first row have the same number of rows.
    shape : (int, int)
    """

    def __init__(self, blocks, shape):
        self.blocks = blocks
        super().__init__(shape)

    def apply(self, x):
        result = np.zeros(self.shape[:1] + x.shape[1:])
        for start, columns, block in self.blocks:
            result[start:start + len(block)] += block @ x[columns]
        return result

    def apply_transpose(self, y):
        result = np.zeros(self.shape[1:] + y.shape[1:])
        for start, columns, block in self.blocks:
            result[columns] += block.T @ y[start:start + len(block)]
        return result

    def to_dense(self):
        result = np.zeros(self.shape)
        for start, columns, block in self.blocks:
            result[start:start + len(block), columns] = block
        return result

    def to_sparse(self):
        return sp.csr_matrix(self.to_dense())

    def normal_equations(self, weights, weighted):
        """A = Jᵀ W J and g = Jᵀ W r: with W r as one more column, the products of the columns with one another.

        Parameters
        ----------
        weights, weighted : (m,) arrays
            The diagonal of W, None for 1; and W r.
        """
        n = self.shape[1]
        total = np.zeros((n + 1, n + 1))
        for start in sorted({start for start, _, _ in self.blocks}):
            side_by_side = [(columns, block) for first, columns, block in self.blocks if first == start]
            span = slice(start, start + len(side_by_side[0][1]))
            total += _products_of_columns(side_by_side, n, None if weights is None else weights[span], weighted[span])
        return total[:n, :n].copy(), total[:n, n].copy()


def _products_of_columns(blocks, n, weights, weighted_residual):
    """Products of the n columns in blocks with the same, weighted, and with W r, by chunks of rows.

    The chunks are so small that BLAS does not wake threads, which would spin for milliseconds after each product.
    """
    chunk = min(max(_SERIAL_PRODUCT // (n + 1) ** 2, 64), 4096)
    rows, weighted = np.zeros((2, chunk, n + 1))
    total = np.zeros((n + 1, n + 1))
    for top in range(0, len(weighted_residual), chunk):
        span = slice(top, min(top + chunk, len(weighted_residual)))
        count = span.stop - top
        for columns, block in blocks:
            rows[:count, columns] = block[span]
        np.multiply(rows[:count], 1.0 if weights is None else weights[span, None], out=weighted[:count])
        weighted[:count, n] = weighted_residual[span]
        total += rows[:count].T @ weighted[:count]
    return total


def gram_is_cheap(jacobian):
    """Whether Jᵀ J is sparse, and cheap to form, for a csr_matrix J."""
    entries = np.diff(jacobian.indptr).astype(np.float64)
    return bool(entries.max(initial=0.0) <= _ENTRIES_OF_A_ROW and (entries ** 2).sum() <= _WORK)


def sparse_normal_equations(jacobian, r, weights):
    """Jᵀ W J, a csr_matrix, and Jᵀ W r, for a csr_matrix J; weights None for 1."""
    return sparse_gram(jacobian, weights), _gradient(jacobian, r, weights)


class SparseNormalEquations:
    """`sparse_normal_equations` that remembers the last Jᵀ W J: a residual linear in the unknowns keeps its J."""

    def __init__(self):
        self._jacobian = self._weights = self._matrix = None

    def __call__(self, jacobian, r, weights):
        if not (self._jacobian is not None and _same(weights, self._weights)
                and jacobian.shape == self._jacobian.shape
                and all(_same(getattr(jacobian, name), getattr(self._jacobian, name))
                        for name in ("data", "indices", "indptr"))):
            self._matrix = sparse_gram(jacobian, weights)
            self._jacobian, self._weights = jacobian.copy(), None if weights is None else weights.copy()
        return self._matrix, _gradient(jacobian, r, weights)


def sparse_gram(jacobian, weights):
    """Jᵀ W J for a csr_matrix J; weights None for 1."""
    weighted = jacobian if weights is None else sp.csr_matrix(sp.diags(weights) @ jacobian)
    return sp.csr_matrix(jacobian.T @ weighted)


def _gradient(jacobian, r, weights):
    return jacobian.T @ (r if weights is None else weights * r)


def _same(one, other):
    return one is other if one is None or other is None else np.array_equal(one, other)
