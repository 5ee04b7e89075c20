"""Rotations, from one way to write them to another.

What is written as x has a matrix R(x), and a change of x is a spin ω of it, dR = [ω]× R. Each way has its ω = D(x) dx
and dx = E(x) ω (see `rotation_ways`), so y, which writes the same rotation another way, has

    dy = E(y) D(x) dx
"""
import numpy as np

from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal
from .rotation_ways import AXIS_ANGLE, QUATERNION, WAYS, refuse

__all__ = ["ConvertedRotation", "axis_angle_to_matrix", "axis_angle_to_quaternion", "convert_rotation",
           "euler_angles_to_matrix", "matrix_to_axis_angle", "matrix_to_euler_angles", "matrix_to_quaternion",
           "matrix_to_rotation_6d", "quaternion_to_axis_angle", "quaternion_to_matrix", "rotation_6d_to_matrix",
           "rotation_vector", "so3_exp", "so3_log"]


def _way(name, argument):
    way = WAYS.get(name) if isinstance(name, str) else None
    if way is None:
        raise ValueError(f"{argument} must be 'axis_angle', 'quaternion', 'rotation_6d', 'matrix', or three letters X, "
                         f"Y, Z for Euler angles of which no two neighbours are alike, such as 'XYZ'; got {name!r:.80}")
    return way


def _checked(rotation, way):
    rotation = np.asarray(rotation, dtype=np.float64)
    if rotation.shape[rotation.ndim - len(way.shape):] != way.shape:
        raise ValueError(f"{way.noun} must have shape {str((Ellipsis, *way.shape)).replace('Ellipsis', '...')}, got "
                         f"{rotation.shape}")
    wrong = ~np.isfinite(rotation).all(axis=tuple(range(-len(way.shape), 0)))
    refuse(rotation, wrong, f"{way.noun} must be finite")
    way.check(rotation)
    return rotation


def _converted(x, source, target):
    """A checked `x`, its matrix, and the same rotation written the other way."""
    R = source.matrix(x)
    if (source, target) == (AXIS_ANGLE, QUATERNION):
        return R, target.of_axis_angle(x)         # smooth, where the quaternion of the matrix changes its sign at π
    return R, target.of_matrix(R)


class ConvertedRotation(Ch):
    """Rotations written another way.

    Parameters
    ----------
    rotation : (..., *shape)
    source, target : str
        Keys of `WAYS`: how `rotation` is written, how the value is.
    """

    terms = "source", "target"
    dterms = "rotation"
    term_order = "rotation", "source", "target"

    @depends_on("rotation", "source", "target")
    def _conversion(self):
        source, target = _way(self.source, "source"), _way(self.target, "target")
        x = _checked(self.rotation.r, source)
        return source, target, x, *_converted(x, source, target)

    def compute_r(self):
        return self._conversion[-1]

    def compute_dr_wrt(self, wrt):
        if wrt is self.rotation:
            source, target, x, R, y = self._conversion
            blocks = target.rate(y, R) @ source.spin(x, R)
            return BlockDiagonal(blocks.reshape(-1, *blocks.shape[-2:]))


def convert_rotation(rotation, source, target):
    """Rotations written another way.

    Parameters
    ----------
    rotation : node or array_like (..., *shape)
    source, target : str
        How `rotation` is written, and how it is to be: "axis_angle" (3,), "quaternion" (4,), real part first,
        "rotation_6d" (6,), "matrix" (3, 3), or the letters of Euler angles, such as "XYZ" (3,).

    Returns
    -------
    node or ndarray
        A node of a node, an array of anything else. A rotation vector is at most π long, a quaternion has length 1
        and a real part that is not negative (but that of a rotation vector is smooth in it, of either sign), the
        middle one of the Euler angles is in [-π/2, π/2], or in [0, π] where the first letter is the last.

    Raises
    ------
    ValueError
        For a wrong shape, what is not finite or no rotation (to 1e-4), and an unknown way. For the derivative of
        Euler angles in gimbal lock.

    Notes
    -----
    Of a matrix that is a rotation only roughly, the nearest one is meant. Half a turn has two rotation vectors and
    two quaternions: there these jump from one to the other, with the derivative of the side that they are on.
    """
    if isinstance(rotation, Ch):
        return ConvertedRotation(rotation, source, target)
    source, target = _way(source, "source"), _way(target, "target")
    return _converted(_checked(rotation, source), source, target)[1]


def axis_angle_to_matrix(rotation):
    """exp [r]× (..., 3, 3) of rotation vectors (..., 3). See `convert_rotation`."""
    return convert_rotation(rotation, "axis_angle", "matrix")


def matrix_to_axis_angle(rotation):
    """Rotation vectors (..., 3), at most π long, of matrices (..., 3, 3). See `convert_rotation`."""
    return convert_rotation(rotation, "matrix", "axis_angle")


so3_exp, so3_log = axis_angle_to_matrix, matrix_to_axis_angle


def axis_angle_to_quaternion(rotation):
    """Unit quaternions (..., 4) of rotation vectors (..., 3). See `convert_rotation`."""
    return convert_rotation(rotation, "axis_angle", "quaternion")


def quaternion_to_axis_angle(rotation):
    """Rotation vectors (..., 3), at most π long, of quaternions (..., 4). See `convert_rotation`."""
    return convert_rotation(rotation, "quaternion", "axis_angle")


def quaternion_to_matrix(rotation):
    """Matrices (..., 3, 3) of quaternions (..., 4) of any length. See `convert_rotation`."""
    return convert_rotation(rotation, "quaternion", "matrix")


def matrix_to_quaternion(rotation):
    """Unit quaternions (..., 4) with a real part >= 0 of matrices (..., 3, 3). See `convert_rotation`."""
    return convert_rotation(rotation, "matrix", "quaternion")


def rotation_6d_to_matrix(rotation):
    """Matrices (..., 3, 3) whose first rows two vectors (..., 6) become. See `convert_rotation`."""
    return convert_rotation(rotation, "rotation_6d", "matrix")


def matrix_to_rotation_6d(rotation):
    """The first two rows (..., 6) of matrices (..., 3, 3). See `convert_rotation`."""
    return convert_rotation(rotation, "matrix", "rotation_6d")


def euler_angles_to_matrix(rotation, convention):
    """Matrices (..., 3, 3) of Euler angles (..., 3); `convention` is "XYZ" or the like. See `convert_rotation`."""
    return convert_rotation(rotation, convention, "matrix")


def matrix_to_euler_angles(rotation, convention):
    """Euler angles (..., 3) of matrices (..., 3, 3); `convention` is "XYZ" or the like. See `convert_rotation`."""
    return convert_rotation(rotation, "matrix", convention)


def rotation_vector(R):
    """The rotation vector (3,), of length at most π, of a rotation matrix (3, 3): the inverse of `Rodrigues`.

    An array, also of a node; `matrix_to_axis_angle` gives a node.
    """
    return matrix_to_axis_angle(getattr(R, "r", R))
