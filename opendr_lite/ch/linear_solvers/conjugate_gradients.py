"""Conjugate gradients on A p = -g, preconditioned by the inverse of the diagonal blocks of A (block Jacobi).

After k steps from 0, p minimizes q over the k directions searched so far. Every further step lowers q, and a solution
that is not finished is still a good step of a fit. With z = M⁻¹ r the preconditioned residual, √(rᵀz) does not depend
on the units of the unknowns; the solution is called good enough once it has fallen by a factor η.

How small η must be is a matter of the outer iteration. With 1e-2 the smooth deformations of a fine mesh, which change
the residual least, have hardly begun (the *error* in p may be 99 %), and yet more than 99 % of the decrease that q
promises is there: the next steps, at better linearizations, bring the rest. The last step has none after it, so

    η = min(1e-2, √(|g| / |g₀|)), at least 1e-8         |g|² = gᵀM⁻¹g, g₀ at the start of the fit

With η = O(√|g|) the steps converge superlinearly to those of a factorization (Dembo, Eisenstat and Steihaug, Inexact
Newton methods, 1982; Nocedal and Wright, Numerical Optimization, theorem 7.2).

What is not a step, such as a covariance, rests on a factorization.
"""
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from ..vectors import dot
from .factorizations import rounding
from .models import Model, SparseModel, positive

__all__ = ["ConjugateGradientModel", "forcing_term"]

LARGEST_RESIDUAL, LEAST_RESIDUAL = 1e-2, 1e-8
STEPS = 1000
FACTORIZED_UNKNOWNS = 50_000  # up to which a covariance may take a factorization
RIDGE = 1e-9                  # makes singular blocks regular


def forcing_term(gradient, first_gradient):
    """η for gradients of these norms; see the module."""
    ratio = gradient / first_gradient if first_gradient > 0.0 else 0.0
    return max(min(LARGEST_RESIDUAL, np.sqrt(ratio)), LEAST_RESIDUAL)


def conjugate_gradients(product, b, precondition, residual, limit):
    """The solution of A x = b, from 0.

    Parameters
    ----------
    product, precondition : callable
        A p and M⁻¹ r.
    b : (n,) array
    residual : float
        η.
    limit : int
        Most steps; then, and where the search runs into the null space of A, x is what it is.

    Returns
    -------
    (n,) array
    """
    x, r = np.zeros_like(b), b.copy()
    p = z = precondition(r)
    rz = dot(r, z)
    enough = residual ** 2 * rz
    for _ in range(limit):
        if rz <= enough:
            break
        Ap = product(p)
        curvature = dot(p, Ap)
        if curvature <= 0.0:  # p is in the null space of A, up to rounding
            break
        x += (rz / curvature) * p
        r -= (rz / curvature) * Ap
        z = precondition(r)
        before, rz = rz, dot(r, z)
        p = z + (rz / before) * p
    return x


class ConjugateGradientModel(Model):
    """A as a sparse matrix, solved by preconditioned conjugate gradients.

    Parameters
    ----------
    matrix : sparse matrix (n, n)
    gradient : (n,) array
    residual : float
        η, of the steps.
    """

    def __init__(self, matrix, gradient, residual=LEAST_RESIDUAL):
        self.matrix, self.gradient, self.residual = matrix, gradient, residual

    def product(self, p):
        return self.matrix @ p

    @cached_property
    def _bands(self):
        """The diagonals of A that lie in the blocks: of three unknowns, which often are a point, or of one."""
        return [self.matrix.diagonal(k) for k in range(3 if self.gradient.size % 3 == 0 else 1)]

    def column_squares(self):
        return self._bands[0]

    def _correlations(self, scale):
        """Entries (0, 1), (0, 2), (1, 2) of the blocks, with rows and columns multiplied by `scale`."""
        _, near, far = self._bands
        first, second, third = scale[0::3], scale[1::3], scale[2::3]
        return near[0::3] * first * second, far[0::3] * first * third, near[1::3] * second * third

    def _preconditioner(self, shift):
        """M⁻¹ as a function, for A + diag(shift)."""
        scale = 1.0 / np.sqrt(positive(self._bands[0] + shift))
        if len(self._bands) == 1:
            return lambda r: scale * scale * r
        inverse = _inverses(*self._correlations(scale))
        scale, count = scale.reshape(-1, 3), len(inverse)
        inverse *= scale[:, :, None] * scale[:, None, :]
        return sp.bsr_matrix((inverse, np.arange(count), np.arange(count + 1))).dot

    @cached_property
    def _undamped(self):
        return self._preconditioner(0.0)

    def gradient_norm(self):
        """√(gᵀM⁻¹g)"""
        return float(np.sqrt(dot(self.gradient, self._undamped(self.gradient))))

    def gauss_newton_step(self):
        return conjugate_gradients(self.product, -self.gradient, self._undamped, self.residual, STEPS)

    def damped_step(self, damping, squares):
        shift = damping * positive(squares)
        return conjugate_gradients(lambda p: self.product(p) + shift * p, -self.gradient, self._preconditioner(shift),
                                   self.residual, STEPS)

    def undetermined(self):
        """As for every model, but only what the blocks show is noticed: unknowns, and directions of one point."""
        squares = self.column_squares()
        weights = (squares == 0.0).astype(np.float64)
        count = int(weights.sum())
        if len(self._bands) == 3:
            b, c, e = self._correlations(1.0 / np.sqrt(positive(squares)))
            suspects = np.flatnonzero(1.0 - b * b - c * c - e * e + 2.0 * b * c * e < 1e-6)
            one = np.ones(suspects.size)
            b, c, e = b[suspects], c[suspects], e[suspects]
            values, vectors = np.linalg.eigh(np.stack([one, b, c, b, one, e, c, e, one], axis=1).reshape(-1, 3, 3))
            null = values <= rounding(weights.size) * values[:, -1:]
            weights.reshape(-1, 3)[suspects] += (vectors ** 2 * null[:, None, :]).sum(axis=2)
            count += int(null.sum())
        return weights, count

    def factorized(self):
        n = self.gradient.size
        if n > FACTORIZED_UNKNOWNS:
            raise ValueError(f"the covariance of {n} unknowns needs a factorization, which is not made of more than "
                             f"{FACTORIZED_UNKNOWNS} unless asked for: linear_solver='splu', 'cholmod' or 'cholespy'")
        return SparseModel(self.matrix, self.gradient)

    def inverse(self, entries):
        return self.factorized().inverse(entries)


def _inverses(b, c, e):
    """Inverses (N, 3, 3) of [[1, b, c], [b, 1, e], [c, e, 1]], with a ridge that makes the singular ones regular."""
    d = 1.0 + RIDGE
    result = np.empty((b.size, 3, 3))
    result[:, 0, 0], result[:, 1, 1], result[:, 2, 2] = d * d - e * e, d * d - c * c, d * d - b * b
    result[:, 0, 1] = result[:, 1, 0] = c * e - d * b
    result[:, 0, 2] = result[:, 2, 0] = b * e - d * c
    result[:, 1, 2] = result[:, 2, 1] = b * c - d * e
    determinant = d * result[:, 0, 0] + b * result[:, 0, 1] + c * result[:, 0, 2]
    return result / determinant[:, None, None]
