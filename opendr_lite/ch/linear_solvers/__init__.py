"""The Gauss-Newton model of an objective and the linear algebra that solves it.

About the present x the objective F = Σ ρ(r²) is modelled, for a step p, by

    q(p) = F + 2 gᵀp + pᵀA p        g = Jᵀ W r,  A = Jᵀ W J

with W = diag(w), the weights from the loss (1 for least squares). Four ways to hold A and to solve with it,
chosen by size (`choice`):

    `DenseModel`              few unknowns: A as an array; Cholesky factorization, eigenvectors where singular.
    `SparseModel`             more, with local residuals: sparse A, sparse factorization.
    `ConjugateGradientModel`  many: sparse A, conjugate gradients, as exact as the outer iteration needs it.
    `KrylovModel`             where A or J should not be formed: LSMR, which needs products with J and Jᵀ only.

Everything is solved in unknowns divided by the root of the diagonal of A, so that units do not matter to what counts as
singular. Directions p with A p = 0 are *undetermined*: no residual feels them. Among the minimizers of q the step
returned is the shortest one in the scaled unknowns (`SparseModel`: up to a damping of 1e-10), so that an unknown that
nothing depends on stays where it is.
"""
from .choice import DENSE_ENTRIES, OLDER_NAMES, SOLVERS, LinearAlgebra
from .conjugate_gradients import ConjugateGradientModel
from .models import DenseModel, KrylovModel, Model, SparseModel
from .normal_equations import DenseBlocks, SparseNormalEquations, gram_is_cheap, sparse_normal_equations

__all__ = ["DENSE_ENTRIES", "OLDER_NAMES", "SOLVERS", "ConjugateGradientModel", "DenseBlocks", "DenseModel",
           "KrylovModel", "LinearAlgebra", "Model", "SparseModel", "SparseNormalEquations", "gram_is_cheap",
           "sparse_normal_equations"]
