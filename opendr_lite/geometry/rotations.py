"""Rotations and their vectors.

With r a rotation vector, θ = |r| and K = [r]× the matrix of x -> r × x, Rodrigues' formula and the left Jacobian of the
rotation group (J. Solà et al., A micro Lie theory, 2018, eqs. 134 and 145) are

    R = I + a K + b K²       a = sin θ / θ      b = (1 - cos θ) / θ²
    J = I + b K + c K²       c = (θ - sin θ) / θ³
    dR = [J dr]× R

All three coefficients are smooth at θ = 0.
"""
import numpy as np
from scipy.spatial.transform import Rotation

from ..ch import Ch, depends_on
from ..ch.linear_maps import DenseMap
from ..inputs import input_vector
from .rows import skew

__all__ = ["Rodrigues", "rotation_vector"]

_IDENTITY = np.eye(3)


def rotation_and_left_jacobian(r):
    """R and J of the module's formulas, two (3, 3) arrays, for a rotation vector `r` of 3 entries."""
    square = r @ r
    angle = np.sqrt(square)
    a = np.sin(angle) / angle if angle > 0 else 1.0
    b = 0.5 * (np.sin(0.5 * angle) / (0.5 * angle)) ** 2 if angle > 0 else 0.5
    if angle < 0.1:   # (1 - a) / θ² cancels; the next term of the series is below 3e-16
        c = 1 / 6 - square / 120 * (1 - square / 42 * (1 - square / 72))
    else:
        c = (1 - a) / square
    K = skew(r)
    KK = K @ K
    return _IDENTITY + a * K + b * KK, _IDENTITY + b * K + c * KK


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


def rotation_vector(R):
    """The rotation vector, of length at most π, of a rotation matrix: the inverse of `Rodrigues`.

    Parameters
    ----------
    R : array_like (3, 3)

    Returns
    -------
    ndarray (3,)

    Raises
    ------
    ValueError
        If R is not a rotation to 1e-6.
    """
    R = np.array(getattr(R, "r", R), dtype=np.float64)  # a copy: SciPy 1.10 refuses what is read-only
    if R.shape != (3, 3) or not np.allclose(R @ R.T, np.eye(3), rtol=0, atol=1e-6) or np.linalg.det(R) < 0:
        raise ValueError("R must be a (3, 3) rotation matrix (R Rᵀ = I, det R = 1), got an array of shape "
                         f"{R.shape}: {R.tolist()!s:.200}")
    return Rotation.from_matrix(R).as_rotvec()
