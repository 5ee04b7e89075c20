"""Which of the models fits a problem."""
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee

from .conjugate_gradients import ConjugateGradientModel, forcing_term
from .factorizations import FACTORIZATIONS
from .models import DenseModel, KrylovModel, SparseModel

__all__ = ["DENSE_ENTRIES", "OLDER_NAMES", "SOLVERS", "LinearAlgebra", "factor_is_cheap"]

SOLVERS = ("dense", *FACTORIZATIONS, "pcg", "lsmr")
OLDER_NAMES = {"spsolve": "splu", "cg": "pcg", "lsqr": "lsmr"}
"""What chumpy calls some of them."""

_DENSE_UNKNOWNS, DENSE_ENTRIES = 300, 1e8    # up to which A is an array, and J may be
_FULL, _FULL_UNKNOWNS = 0.25, 1000           # share of entries from which, and size up to which, a sparse A becomes one
_SPARSE_UNKNOWNS = 1_000_000                 # up to which A is a sparse matrix
_FACTOR_WORK = 2e8                           # multiplications up to which the envelope of A is factorized


class LinearAlgebra:
    """The choice of a model for a problem of n unknowns, and what is kept from one to the next.

    Parameters
    ----------
    m : int
        Residuals whose derivatives have to be formed to make A.
    n : int
    linear_solver : str or callable, optional
        A name in `SOLVERS`, or a function (A, b) -> x of a sparse A. By default decided by size.

    Attributes
    ----------
    form : 'dense', 'sparse' or 'products'
        How the normal equations are wanted: with A as an array, as a sparse matrix, or not, but products with J.
    is_given : bool
        Whether somebody chose the solver.
    """

    def __init__(self, m, n, linear_solver=None):
        if linear_solver is not None and not callable(linear_solver) and linear_solver not in SOLVERS:
            raise ValueError(f"linear_solver must be None, a function (A, b) -> x, or one of "
                             f"{', '.join(map(repr, SOLVERS))}; got {linear_solver!r}")
        self.is_given = linear_solver is not None
        self._solver = linear_solver
        self._first_gradient = None
        if linear_solver is None:
            self.form = ("dense" if n <= _DENSE_UNKNOWNS and m * n <= DENSE_ENTRIES
                         else "sparse" if _DENSE_UNKNOWNS < n <= _SPARSE_UNKNOWNS else "products")
        else:
            self.form = {"dense": "dense", "lsmr": "products"}.get(linear_solver, "sparse")

    def model(self, matrix, gradient):
        """The Gauss-Newton model with these A, an array or a sparse matrix, and g."""
        if not sp.issparse(matrix):
            return DenseModel(matrix, gradient)
        if callable(self._solver):
            return SparseModel(matrix, gradient, solver=self._solver)
        if self._solver is None:
            if matrix.nnz > _FULL * matrix.shape[0] ** 2 and matrix.shape[0] <= _FULL_UNKNOWNS:
                return DenseModel(matrix.toarray(), gradient)
            self._solver = "splu" if factor_is_cheap(matrix) else "pcg"
        if self._solver in FACTORIZATIONS:
            return SparseModel(matrix, gradient, FACTORIZATIONS[self._solver])
        model = ConjugateGradientModel(matrix, gradient)
        with np.errstate(all="ignore"):  # whoever asked for the model sees to derivatives that are not finite
            norm = model.gradient_norm()
        self._first_gradient = self._first_gradient or norm
        model.residual = forcing_term(norm, self._first_gradient)
        return model

    def model_of_products(self, jacobian, r, weights):
        """The Gauss-Newton model with a Jacobian of which only products are wanted."""
        return KrylovModel(jacobian, r, weights)


def factor_is_cheap(matrix):
    """Whether a symmetric sparse matrix is cheap to factorize.

    The work is that of the envelope in reverse Cuthill-McKee order, of all unknowns but a border of few that are
    coupled with most of the others, such as a pose among vertices. The border comes last and fills its own rows only.
    """
    pattern = sp.csr_matrix(matrix)
    pattern = sp.csr_matrix((np.ones(pattern.nnz), pattern.indices, pattern.indptr), pattern.shape)
    pattern = sp.csr_matrix(pattern + sp.identity(pattern.shape[0]))
    coupled_with_most = np.diff(pattern.indptr) > pattern.shape[0] / 2
    inner = np.flatnonzero(~coupled_with_most)
    if inner.size < pattern.shape[0] - _DENSE_UNKNOWNS:
        return False
    pattern = pattern[inner][:, inner]
    rank = np.empty(inner.size, dtype=np.int64)
    rank[reverse_cuthill_mckee(pattern, symmetric_mode=True)] = np.arange(rank.size)
    first = np.minimum.reduceat(rank[pattern.indices], pattern.indptr[:-1])
    width = (rank - first).astype(np.float64) + np.count_nonzero(coupled_with_most)
    return float((width ** 2).sum()) <= _FACTOR_WORK
