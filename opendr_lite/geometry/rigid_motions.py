"""Rigid motions and their twists: exp and log of SE(3).

A twist ξ = (ρ, r), the translation's part first, gives with R and J of `rotations` the motion

    exp ξ = [R(r), t; 0, 1]        t = J(r) ρ

which takes a column (x, 1) to (R x + t, 1). With b and c as there, t = ρ + b r × ρ + c r × (r × ρ) has

    dt = J dρ + S dr
    S = (r × ρ) (2 db/ds) rᵀ - b [ρ]× + (r × (r × ρ)) (2 dc/ds) rᵀ - c ([r × ρ]× + [r]× [ρ]×)

The logarithm has r of R and ρ = J⁻¹ t, so that dρ = J⁻¹ (dt - S dr). How R and r change together is said in
`rotation_ways`.
"""
import numpy as np

from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal
from .rotation_ways import AXIS_ANGLE, MATRIX, TOLERANCE, refuse
from .rotations import coefficient_slopes, coefficients, inverse_left_jacobian, rotation_and_left_jacobian
from .rows import skew

__all__ = ["SE3Exp", "SE3Log", "se3_exp", "se3_log"]


def translation_slopes(rho, r):
    """S of the module's formulas, (..., 3, 3)."""
    square = np.einsum("...i,...i->...", r, r)[..., None, None]
    _, b, c = coefficients(square)
    db, dc = coefficient_slopes(square)
    once = np.cross(r, rho)
    twice = np.cross(r, once)
    row = r[..., None, :]
    return (once[..., None] * db * row - b * skew(rho)
            + twice[..., None] * dc * row - c * (skew(once) + skew(r) @ skew(rho)))


class SE3Exp(Ch):
    """exp ξ (..., 4, 4) of twists `xi` (..., 6)."""

    dterms = "xi"

    @depends_on("xi")
    def _parts(self):
        """ρ, r, R and J."""
        xi = _checked_twists(self.xi.r)
        return xi[..., :3], xi[..., 3:], *rotation_and_left_jacobian(xi[..., 3:])

    def compute_r(self):
        rho, _, R, J = self._parts
        return _motion(R, (J @ rho[..., None])[..., 0])

    def compute_dr_wrt(self, wrt):
        if wrt is self.xi:
            rho, r, R, J = self._parts
            blocks = np.zeros(R.shape[:-2] + (4, 4, 6))
            blocks[..., :3, :3, 3:] = (MATRIX.rate(R, R) @ J).reshape(R.shape + (3,))
            blocks[..., :3, 3, :3] = J
            blocks[..., :3, 3, 3:] = translation_slopes(rho, r)
            return BlockDiagonal(blocks.reshape(-1, 16, 6))


class SE3Log(Ch):
    """Twists (..., 6) of rigid motions `motion` (..., 4, 4)."""

    dterms = "motion"

    @depends_on("motion")
    def _parts(self):
        """What is given for the rotation, R, r, J⁻¹ and t."""
        motion = _checked_motions(self.motion.r)
        given, t = motion[..., :3, :3], motion[..., :3, 3]
        R = MATRIX.matrix(given)
        r = AXIS_ANGLE.of_matrix(R)
        return given, R, r, inverse_left_jacobian(r), t

    def compute_r(self):
        _, _, r, inverse, t = self._parts
        return np.concatenate(((inverse @ t[..., None])[..., 0], r), axis=-1)

    def compute_dr_wrt(self, wrt):
        if wrt is self.motion:
            given, R, r, inverse, _ = self._parts
            blocks = np.zeros(R.shape[:-2] + (6, 4, 4))
            of_r = inverse @ MATRIX.spin(given, R)
            of_rho = -inverse @ translation_slopes(self.r[..., :3], r) @ of_r
            blocks[..., :3, :3, :3] = of_rho.reshape(R.shape + (3,))
            blocks[..., :3, :3, 3] = inverse
            blocks[..., 3:, :3, :3] = of_r.reshape(R.shape + (3,))
            return BlockDiagonal(blocks.reshape(-1, 6, 16))


def se3_exp(xi):
    """The rigid motions (..., 4, 4) of twists (..., 6): exp ξ, see the module.

    Parameters
    ----------
    xi : node or array_like (..., 6)
        ρ and r, in PyTorch3D's order; PyTorch3D's matrices are the transposes, which take rows.

    Returns
    -------
    node or ndarray
        A node of a node, an array of anything else.
    """
    return SE3Exp(xi) if isinstance(xi, Ch) else SE3Exp(xi).r.copy()


def se3_log(motion):
    """The twists (..., 6) of rigid motions (..., 4, 4), with rotations of at most π: the inverse of `se3_exp`.

    Raises
    ------
    ValueError
        If the last row is not 0, 0, 0, 1, or what stands for the rotation is none, to 1e-4.
    """
    return SE3Log(motion) if isinstance(motion, Ch) else SE3Log(motion).r.copy()


def _motion(R, t):
    motion = np.zeros(R.shape[:-2] + (4, 4))
    motion[..., :3, :3], motion[..., :3, 3], motion[..., 3, 3] = R, t, 1.0
    return motion


def _checked_twists(xi):
    if xi.shape[-1:] != (6,):
        raise ValueError(f"a twist must have shape (..., 6), got {xi.shape}")
    refuse(xi, ~np.isfinite(xi).all(axis=-1), "a twist must be finite")
    return xi


def _checked_motions(motion):
    if motion.shape[-2:] != (4, 4):
        raise ValueError(f"a rigid motion must have shape (..., 4, 4), got {motion.shape}")
    refuse(motion, ~np.isfinite(motion).all(axis=(-2, -1)), "a rigid motion must be finite")
    refuse(motion, np.abs(motion[..., 3, :] - [0, 0, 0, 1]).max(axis=-1) > TOLERANCE,
           "the last row of a rigid motion must be 0, 0, 0, 1")
    MATRIX.check(motion[..., :3, :3])
    return motion
