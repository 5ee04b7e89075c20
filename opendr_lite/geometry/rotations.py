"""Rotations and their vectors.

With r a rotation vector, θ = |r| and K = [r]× the matrix of x -> r × x, Rodrigues' formula and the left Jacobian of the
rotation group (J. Solà et al., A micro Lie theory, 2018, eqs. 134, 145 and 146) are

    R = I + a K + b K²       a = sin θ / θ      b = (1 - cos θ) / θ²
    J = I + b K + c K²       c = (θ - sin θ) / θ³
    dR = [J dr]× R
    J⁻¹ = I - K/2 + d K²     d = (1 - a / 2b) / θ²

The coefficients are smooth in s = θ², and so are their slopes:

    a = Σ (-s)^k / (2k + 1)!     b = Σ (-s)^k / (2k + 2)!     c = Σ (-s)^k / (2k + 3)!
    2 db/ds = (a - 2b) / s       2 dc/ds = (b - 3c) / s       d = -(2 db/ds) / 2b

Series are used for s < 1, where the closed forms cancel.
"""
from math import factorial

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval

from ..ch import Ch, depends_on
from ..ch.linear_maps import DenseMap
from ..inputs import input_vector
from .rows import skew

__all__ = ["Rodrigues"]

_IDENTITY = np.eye(3)
_A, _B, _C = ([(-1) ** k / factorial(2 * k + first) for k in range(10)] for first in (1, 2, 3))  # the next is < 1e-19


def _series_or(closed, series, s):
    return np.where(s < 1, polyval(s, series), closed)


def coefficients(s):
    """a, b and c of the module's formulas for an array of squared angles `s`."""
    far = np.maximum(s, 1.0)
    angle = np.sqrt(far)
    a = np.sin(angle) / angle
    b = 0.5 * (np.sin(0.5 * angle) / (0.5 * angle)) ** 2
    return _series_or(a, _A, s), _series_or(b, _B, s), _series_or((1 - a) / far, _C, s)


def coefficient_slopes(s):
    """2 db/ds and 2 dc/ds."""
    far = np.maximum(s, 1.0)
    a, b, c = coefficients(far)
    return (_series_or((a - 2 * b) / far, 2 * polyder(_B), s),
            _series_or((b - 3 * c) / far, 2 * polyder(_C), s))


def rotation_and_left_jacobian(r):
    """R and J of the module's formulas, two arrays (..., 3, 3), for rotation vectors `r` (..., 3)."""
    a, b, c = (entry[..., None, None] for entry in coefficients(_squares(r)))
    K = skew(r)
    KK = K @ K
    return _IDENTITY + a * K + b * KK, _IDENTITY + b * K + c * KK


def inverse_left_jacobian(r):
    """J⁻¹ (..., 3, 3), for rotation vectors (..., 3) shorter than 2 π."""
    s = _squares(r)
    d = -0.5 * coefficient_slopes(s)[0] / coefficients(s)[1]
    K = skew(r)
    return _IDENTITY - 0.5 * K + d[..., None, None] * (K @ K)


def _squares(r):
    return np.einsum("...i,...i->...", r, r)


class Rodrigues(Ch):
    """The rotation matrix (3, 3) of a rotation vector `rt`: axis times angle, in radians, right-handed.

    Smooth everywhere, at 0 and beyond π too. The derivative is that of ``R.ravel()``.
    """

    dterms = "rt"

    @depends_on("rt")
    def _rotation_and_jacobian(self):
        return rotation_and_left_jacobian(input_vector(self, "rt", (3,)))

    def compute_r(self):
        return self._rotation_and_jacobian[0]

    def compute_dr_wrt(self, wrt):
        if wrt is self.rt:
            R, J = self._rotation_and_jacobian
            return DenseMap((skew(J.T) @ R).reshape(3, 9).T)
