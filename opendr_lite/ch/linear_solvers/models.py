"""Three ways to hold A and to solve with it; see the package."""
from functools import cached_property

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.sparse.linalg import LinearOperator, lsmr

from ..linear_maps import SparseMap
from ..vectors import dot
from .factorizations import rounding, splu

__all__ = ["DenseModel", "KrylovModel", "Model", "SparseModel", "positive"]

_SHIFT = 1e-10  # damping that makes a singular sparse matrix factorizable
_FORMED_UNKNOWNS, _COLUMNS = 3000, 8  # up to which A is formed of products for a covariance, and so many at a time
_KRYLOV = {"atol": 1e-8, "btol": 1e-8, "maxiter": 500}


class Model:
    """What all models share.

    Attributes
    ----------
    gradient : ndarray of shape (n,)
        g; half of the objective's gradient.
    """

    gradient = None

    def product(self, p):
        """A p."""
        raise NotImplementedError

    def curvature(self, p):
        """pᵀA p."""
        return dot(p, self.product(p))

    def column_squares(self):
        """The diagonal of A."""
        raise NotImplementedError

    def gauss_newton_step(self):
        """The minimizer of q, the shortest one if there are many."""
        raise NotImplementedError

    def damped_step(self, damping, squares):
        """The solution of (A + damping diag(squares)) p = -g."""
        raise NotImplementedError

    def undetermined(self):
        """(weights, count): how much of each unknown is in the null space of A (0 to 1); its dimension."""
        raise NotImplementedError

    def inverse(self, entries):
        """Rows and columns `entries` of the (pseudo-)inverse of A."""
        raise NotImplementedError

    def factorized(self):
        """A model of the same A whose `undetermined` and `inverse` rest on a factorization."""
        return self

    def decrease(self, p):
        """q(0) - q(p)."""
        return -(2.0 * dot(self.gradient, p) + self.curvature(p))

    def cauchy_step(self):
        """The minimizer of q along -g."""
        curvature = self.curvature(self.gradient)
        if curvature == 0.0:
            return np.zeros_like(self.gradient)
        return -(dot(self.gradient, self.gradient) / curvature) * self.gradient


class DenseModel(Model):
    """A as an array."""

    def __init__(self, matrix, gradient):
        self.matrix, self.gradient = matrix, gradient

    def product(self, p):
        return self.matrix @ p

    def column_squares(self):
        return self.matrix.diagonal()

    def _scaled(self, squares):
        """D⁻¹ A D⁻¹ and D, with D² = squares."""
        scale = np.sqrt(positive(squares))
        return self.matrix / np.outer(scale, scale), scale

    @cached_property
    def _cholesky(self):
        """The factor of the scaled A and its D; None for the factor where A is singular."""
        matrix, scale = self._scaled(self.column_squares())
        factor, failed = dpotrf(matrix)
        return (factor if not failed and (factor.diagonal() ** 2).min() > rounding(scale.size) else None), scale

    @cached_property
    def _spectrum(self):
        """Eigenvalues, eigenvectors of the scaled A, and which of them are not null."""
        eigenvalues, vectors = np.linalg.eigh(self._scaled(self.column_squares())[0])
        return eigenvalues, vectors, eigenvalues > rounding(eigenvalues.size) * eigenvalues[-1]

    def gauss_newton_step(self):
        factor, scale = self._cholesky
        if factor is not None:
            return -dpotrs(factor, self.gradient / scale)[0] / scale
        eigenvalues, vectors, kept = self._spectrum
        coordinates = vectors[:, kept].T @ (self.gradient / scale) / eigenvalues[kept]
        return -(vectors[:, kept] @ coordinates) / scale

    def damped_step(self, damping, squares):
        matrix, scale = self._scaled(squares)
        matrix[np.diag_indices_from(matrix)] += damping
        return -scipy.linalg.cho_solve(scipy.linalg.cho_factor(matrix), self.gradient / scale) / scale

    def undetermined(self):
        if self._cholesky[0] is not None:
            return np.zeros_like(self.gradient), 0
        _, vectors, kept = self._spectrum
        return (vectors[:, ~kept] ** 2).sum(axis=1), int((~kept).sum())

    def inverse(self, entries):
        eigenvalues, vectors, kept = self._spectrum
        _, scale = self._cholesky
        half = vectors[entries][:, kept] / np.sqrt(eigenvalues[kept]) / scale[entries, None]
        return half @ half.T


class SparseModel(Model):
    """A as a sparse matrix, factorized.

    Parameters
    ----------
    matrix : sparse matrix (n, n)
    gradient : (n,) array
    factorize : callable
        One of the `factorizations`.
    solver : callable, optional
        (A, b) -> x, asked for the steps instead.
    """

    def __init__(self, matrix, gradient, factorize=splu, solver=None):
        self.matrix, self.gradient = sp.csr_matrix(matrix), gradient
        self._factorize, self._solver = factorize, solver

    def product(self, p):
        return self.matrix @ p

    def column_squares(self):
        return self.matrix.diagonal()

    def _factor(self, damping, squares):
        """The solver of D⁻¹ A D⁻¹ + damping, and D; LinAlgError where singular."""
        scale = np.sqrt(positive(squares))
        unit = damping + np.where(self.column_squares() > 0.0, 0.0, 1.0)
        matrix = sp.csc_matrix(self.matrix + sp.diags(unit * scale ** 2) if unit.any() else self.matrix, copy=True)
        matrix.data /= scale[matrix.indices] * np.repeat(scale, np.diff(matrix.indptr))
        return self._factorize(matrix), scale

    @cached_property
    def _regular(self):
        """The solver for the Gauss-Newton step, its D, and whether it needed no damping."""
        squares = self.column_squares()
        try:
            return (*self._factor(0.0, squares), True)
        except scipy.linalg.LinAlgError:
            return (*self._factor(_SHIFT, squares), False)

    def gauss_newton_step(self):
        step = self._given_solver(self.matrix)
        if step is not None:
            return step
        solve, scale, _ = self._regular
        return -solve(self.gradient / scale) / scale

    def damped_step(self, damping, squares):
        step = self._given_solver(self.matrix + sp.diags(damping * positive(squares)))
        if step is not None:
            return step
        solve, scale = self._factor(damping, squares)
        return -solve(self.gradient / scale) / scale

    def _given_solver(self, matrix):
        """What the user's solver says; None where there is none or it fails (nan, as for a singular A)."""
        if self._solver is None:
            return None
        step = np.asarray(self._solver(sp.csr_matrix(matrix), -self.gradient), dtype=np.float64)
        if step.size != self.gradient.size:
            raise ValueError(f"linear_solver: the function must return the {self.gradient.size} unknowns of "
                             f"A x = b, it returned shape {step.shape}")
        return step.reshape(-1) if np.isfinite(step).all() else None

    def undetermined(self):
        zero = self.column_squares() == 0.0
        weights, count = zero.astype(np.float64), int(zero.sum())
        solve, scale, regular = self._regular
        if not regular:
            direction = np.random.default_rng(0).standard_normal(scale.size)
            for _ in range(3):
                direction = solve(np.where(zero, 0.0, direction))
                direction /= np.linalg.norm(direction)
            weights, count = np.maximum(weights, direction ** 2 / (direction ** 2).max()), count + 1
        return weights, count

    def inverse(self, entries):
        solve, scale, _ = self._regular
        columns = np.zeros((scale.size, len(entries)))
        columns[entries, np.arange(len(entries))] = 1.0 / scale[entries]
        return solve(columns)[entries] / scale[entries, None]


class KrylovModel(Model):
    """A as products with J and Jᵀ, J any linear map."""

    def __init__(self, jacobian, r, weights):
        self.jacobian = jacobian
        self.root = None if weights is None else np.sqrt(weights)
        self.residual = r if weights is None else self.root * r
        self.gradient = self._reverse(self.residual)

    def _forward(self, p):
        return self._weigh(self.jacobian.apply(p))

    def _reverse(self, y):
        return self.jacobian.apply_transpose(self._weigh(y))

    def _weigh(self, y):
        """√W y, y (m,) or (m, k)"""
        return y if self.root is None else (self.root * y.T).T

    def product(self, p):
        return self._reverse(self._forward(p))

    def curvature(self, p):
        y = self._forward(p)
        return dot(y, y)

    @cached_property
    def _squares(self):
        """The diagonal of A: of a sparse J exact, else the mean of (Jᵀ√W u)² over some u of random signs.

        Since E u uᵀ = 1, its expectation is the diagonal; and it is exactly zero where the column is.
        """
        if isinstance(self.jacobian, SparseMap):
            squared = self.jacobian.matrix.multiply(self.jacobian.matrix)
            return squared.T @ (np.ones(squared.shape[0]) if self.root is None else self.root ** 2)
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (4, self.jacobian.shape[0]))
        return np.mean([self._reverse(u) ** 2 for u in signs], axis=0)

    def column_squares(self):
        return self._squares

    def gauss_newton_step(self):
        return self.damped_step(0.0, self.column_squares())

    def damped_step(self, damping, squares):
        scale = np.sqrt(positive(squares))
        operator = LinearOperator(self.jacobian.shape, matvec=lambda y: self._forward(np.ravel(y) / scale),
                                  rmatvec=lambda y: self._reverse(np.ravel(y)) / scale, dtype=np.float64)
        return lsmr(operator, -self.residual, damp=np.sqrt(damping), **_KRYLOV)[0] / scale

    def factorized(self):
        """With A formed, a few columns at a time, where that is an array of moderate size."""
        n = self.gradient.size
        if n > _FORMED_UNKNOWNS:
            return self
        matrix, columns = np.empty((n, n)), np.eye(n)
        for start in range(0, n, _COLUMNS):
            matrix[:, start:start + _COLUMNS] = self.product(columns[:, start:start + _COLUMNS])
        return DenseModel(matrix, self.gradient)

    def undetermined(self):
        """As for every model, but only the unknowns that no residual depends on are noticed."""
        zero = self.column_squares() == 0.0
        return zero.astype(np.float64), int(zero.sum())

    def inverse(self, entries):
        raise ValueError(f"the covariance of {self.gradient.size} unknowns needs a factorization that does "
                         "not fit: ask for it on a problem with fewer free variables")


def positive(squares):
    """Squared column norms with 1 for columns of zeros."""
    return np.where(squares > 0.0, squares, 1.0)
