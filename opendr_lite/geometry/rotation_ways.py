"""The ways to write a rotation.

A rotation is written as x in one of these ways, each batched over leading axes:

    axis_angle (3,)   rotation vector: axis times angle in radians
    quaternion (4,)   real part first; of any length but 0 on the way in, of length 1 on the way out
    rotation_6d (6,)  two vectors that Gram-Schmidt makes the first two rows of the matrix (Y. Zhou et al., On the
                      continuity of rotation representations in neural networks, CVPR 2019)
    matrix (3, 3)     R, which takes a column x to R x
    "XYZ", ... (3,)   Euler angles α, β, γ in radians: R = R_X(α) R_Y(β) R_Z(γ), and so for other letters

Conventions are those of PyTorch3D. Every way has a matrix R(x), and a change of x turns it by a spin ω:

    dR = [ω]× R        ω = D(x) dx        dx = E(x) ω

D and E are the formulas of each class below; R has the columns c_k, and G_k = [c_k]×. Classes have alike methods:
`check` refuses what is no rotation, `matrix` is R(x), `of_matrix` the x of an R, `spin` is D and `rate` is E.
"""
import itertools

import numpy as np

from .rotations import coefficients, inverse_left_jacobian, rotation_and_left_jacobian
from .rows import skew

__all__ = ["AXIS_ANGLE", "MATRIX", "QUATERNION", "ROTATION_6D", "WAYS"]

TOLERANCE = 1e-4     # of R Rᵀ = I
PARALLEL = 1e-9      # sine of an angle between vectors that are taken to be parallel
NO_ANGLE = 1e-15     # sine and cosine that are rounding alone
_IDENTITY = np.eye(3)


class AxisAngle:
    """R = exp [r]×, so D and E are the left Jacobian and its inverse. Of a matrix, |r| <= π."""

    noun, shape = "a rotation vector", (3,)

    def check(self, r):
        """Any will do."""

    def matrix(self, r):
        return rotation_and_left_jacobian(r)[0]

    def of_matrix(self, R):
        return self.of_quaternion(QUATERNION.of_matrix(R))

    def of_quaternion(self, q):
        """2 φ x / |x| for a unit quaternion (w, x) with w = cos φ and |x| = sin φ."""
        w, x = q[..., :1], q[..., 1:]
        sine = np.linalg.norm(x, axis=-1, keepdims=True)
        return x * np.divide(2 * np.arctan2(sine, w), sine, where=sine > 0, out=np.full_like(w, 2.0))

    def spin(self, r, R):
        return rotation_and_left_jacobian(r)[1]

    def rate(self, r, R):
        return inverse_left_jacobian(r)


class Quaternion:
    """q = (w, x): R = I + 2 (w [x]× + [x]×²) / |q|². Of a matrix, w >= 0.

    A spin turns a unit quaternion by dq = ½ (0, ω) q. With P = [-x | w I + [x]×] that is dq = ½ Pᵀ ω, and conversely
    ω = 2 P dq, or that over |q| where q is longer than its unit quaternion, of which P is made.
    """

    noun, shape = "a quaternion", (4,)

    def check(self, q):
        refuse(q, ~q.any(axis=-1), "a quaternion must not be 0")

    def matrix(self, q):
        q = _unit(q)
        K = skew(q[..., 1:])
        return _IDENTITY + 2 * (q[..., :1, None] * K + K @ K)

    def of_matrix(self, R):
        """4 q qᵀ has q in every row; the row with the largest diagonal entry gives it best."""
        products = np.empty(R.shape[:-2] + (4, 4))
        trace = np.trace(R, axis1=-2, axis2=-1)
        products[..., 0, 0] = 1 + trace
        products[..., 0, 1:] = products[..., 1:, 0] = _vee(R)
        products[..., 1:, 1:] = R + R.swapaxes(-1, -2) + (1 - trace)[..., None, None] * _IDENTITY
        best = np.argmax(np.diagonal(products, axis1=-2, axis2=-1), axis=-1)
        q = _unit(np.take_along_axis(products, best[..., None, None], axis=-2)[..., 0, :])
        return np.where(q[..., :1] < 0, -q, q)

    def of_axis_angle(self, r):
        """(cos θ/2, sin(θ/2) r/θ): smooth in r, beyond π too, where w < 0."""
        half = 0.5 * r
        square = np.einsum("...i,...i->...", half, half)[..., None]
        return np.concatenate((np.cos(np.sqrt(square)), coefficients(square)[0] * half), axis=-1)

    def spin(self, q, R):
        return self._products(_unit(q)) * (2 / np.linalg.norm(q, axis=-1))[..., None, None]

    def rate(self, q, R):
        return 0.5 * self._products(q).swapaxes(-1, -2)

    def _products(self, q):
        x = q[..., 1:]
        return np.concatenate((-x[..., None], q[..., :1, None] * _IDENTITY + skew(x)), axis=-1)


class Rotation6D:
    """Rows b1 = a1 / |a1|, b2 = u / |u| with u = a2 - (b1·a2) b1, and b3 = b1 × b2.

    dR = [ω]× R says of the rows that ω = (-b3·db2, b3·db1, -b2·db1), and

        b2·db1 = b2·da1 / |a1|      b3·db1 = b3·da1 / |a1|      b3·db2 = (b3·da2 - (b1·a2) b3·db1) / |u|
    """

    noun, shape = "a 6D rotation", (6,)

    def check(self, a):
        a1, a2 = a[..., :3], a[..., 3:]
        across, lengths = np.cross(a1, a2), np.linalg.norm(a1, axis=-1) * np.linalg.norm(a2, axis=-1)
        refuse(a, np.linalg.norm(across, axis=-1) <= PARALLEL * lengths,
               "the two vectors of a 6D rotation must not be 0 or parallel")

    def matrix(self, a):
        b1 = _unit(a[..., :3])
        b2 = _unit(a[..., 3:] - np.einsum("...i,...i->...", b1, a[..., 3:])[..., None] * b1)
        return np.stack((b1, b2, np.cross(b1, b2)), axis=-2)

    def of_matrix(self, R):
        return R[..., :2, :].reshape(R.shape[:-2] + (6,))

    def spin(self, a, R):
        b1, b2, b3 = np.moveaxis(R, -2, 0)
        length = np.linalg.norm(a[..., :3], axis=-1, keepdims=True)
        along, rest = (np.einsum("...i,...i->...", b, a[..., 3:])[..., None] for b in (b1, b2))    # b1·a2, |u|
        D = np.zeros(a.shape[:-1] + (3, 6))
        D[..., 0, :3], D[..., 0, 3:] = along / (length * rest) * b3, -b3 / rest
        D[..., 1, :3], D[..., 2, :3] = b3 / length, -b2 / length
        return D

    def rate(self, a, R):
        return MATRIX.rate(R, R)[..., :6, :]


class Matrix:
    """The rotation R that is nearest to a matrix M: M = P R, with P symmetric.

    Entry (a, k) of dR is (ω × c_k)_a, that is row a of -G_k = G_kᵀ applied to ω: E is made of G_kᵀ. From dM Rᵀ =
    dP + P [ω]×, what is skew in dM Rᵀ gives (tr(P) I - P) ω = Eᵀ dM.
    """

    noun, shape = "a rotation matrix", (3, 3)

    def check(self, M):
        error = np.abs(M @ M.swapaxes(-1, -2) - _IDENTITY).max(axis=(-2, -1), initial=0.0)
        refuse(M, (error > TOLERANCE) | (np.linalg.det(M) < 0), "a rotation matrix must have R Rᵀ = I and det R = 1")

    def matrix(self, M):
        """The iteration of Newton and Schulz for the polar factor, which squares the distance with every step."""
        for _ in range(3):
            M = 1.5 * M - 0.5 * M @ M.swapaxes(-1, -2) @ M
        return M

    def of_matrix(self, R):
        return R

    def spin(self, M, R):
        P = M @ R.swapaxes(-1, -2)
        trace = np.trace(P, axis1=-2, axis2=-1)[..., None, None]
        return np.linalg.solve(trace * _IDENTITY - P, self.rate(R, R).swapaxes(-1, -2))

    def rate(self, M, R):
        G = skew(R.swapaxes(-1, -2))                                  # (..., k, i, a)
        return np.moveaxis(G, -1, -3).reshape(R.shape[:-2] + (9, 3))


class EulerAngles:
    """R = R_i(α) R_j(β) R_k(γ), so ω = e_i dα + R_i e_j dβ + R_i R_j e_k dγ.

    Where i and k differ, and ε is the sign of the permutation (i, j, k),

        ε R_ik = sin β      R_kk = cos α cos β      -ε R_jk = sin α cos β

    and where they are alike, with l the third axis and ε the sign of (i, j, l),

        R_ii = cos β      R_ji = sin α sin β      -ε R_li = cos α sin β

    Then R_i(-α) R = R_j(β) R_k(γ), whose row j is that of R_k(γ). E = D⁻¹ does not exist where the first axis comes to
    lie on the last (gimbal lock).
    """

    noun, shape = "Euler angles", (3,)

    def __init__(self, letters):
        self.letters, self.axes = letters, tuple("XYZ".index(letter) for letter in letters)

    def check(self, angles):
        """Any will do."""

    def _turns(self, angles):
        return [self._turn(axis, angles[..., position]) for position, axis in enumerate(self.axes)]

    def _turn(self, axis, angle):
        return rotation_and_left_jacobian(angle[..., None] * _IDENTITY[axis])[0]

    def matrix(self, angles):
        first, second, third = self._turns(angles)
        return first @ second @ third

    def of_matrix(self, R):
        i, j, k = self.axes
        if i != k:
            sign = _sign(i, j, k)
            sine, cosine = -sign * R[..., j, k], R[..., k, k]
            beta = np.arctan2(sign * R[..., i, k], np.hypot(sine, cosine))
        else:
            last = 3 - i - j
            sine, cosine = R[..., j, i], -_sign(i, j, last) * R[..., last, i]
            beta = np.arctan2(np.hypot(sine, cosine), R[..., i, i])
        alpha = np.where(np.hypot(sine, cosine) > NO_ANGLE, np.arctan2(sine, cosine), 0.0)
        row = (self._turn(i, -alpha) @ R)[..., j, :]
        third = 3 - j - k
        gamma = np.arctan2(-_sign(j, third, k) * row[..., third], row[..., j])
        return np.stack((alpha, beta, gamma), axis=-1)

    def spin(self, angles, R):
        first, second, _ = self._turns(angles)
        i, j, k = self.axes
        return np.stack((np.broadcast_to(_IDENTITY[i], angles.shape), first[..., :, j], (first @ second)[..., :, k]),
                        axis=-1)

    def rate(self, angles, R):
        D = self.spin(angles, R)
        refuse(angles, np.abs(np.linalg.det(D)) < PARALLEL,
               f"the Euler angles {self.letters} have no derivative where their first and last axis fall together "
               "(gimbal lock); choose other letters or another way to write the rotation")
        return np.linalg.inv(D)


AXIS_ANGLE, QUATERNION, ROTATION_6D, MATRIX = AxisAngle(), Quaternion(), Rotation6D(), Matrix()
WAYS = {"axis_angle": AXIS_ANGLE, "quaternion": QUATERNION, "rotation_6d": ROTATION_6D, "matrix": MATRIX,
        **{"".join(letters): EulerAngles("".join(letters)) for letters in itertools.product("XYZ", repeat=3)
           if letters[0] != letters[1] != letters[2]}}


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _vee(A):
    """a with [a]× = A - Aᵀ."""
    return np.stack([A[..., k - 1, k - 2] - A[..., k - 2, k - 1] for k in range(3)], axis=-1)


def _sign(i, j, k):
    """Of the permutation (i, j, k) of 0, 1, 2."""
    return (j - i) * (k - j) * (k - i) // 2


def refuse(x, wrong, problem):
    """Raise if any of the rotations `x`, those marked in `wrong`, has a problem."""
    if wrong.any():
        where = tuple(np.argwhere(wrong)[0].tolist())
        raise ValueError(f"{problem}; got {x[where].tolist()}{f' at {list(where)}' if where else ''}")
