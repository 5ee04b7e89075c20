"""OpenGL: a view and a projection matrix that take columns, and normalized device coordinates.

Eye space is x right, y up, z backward: D X with D = diag(1, -1, -1) and X in our camera space. Normalized device
coordinates (NDC) are -1 and 1 at the borders of the picture, with y up, so the centre of our pixel (u, v) is at

    x = 2 (u + ½) / width - 1        y = 1 - 2 (v + ½) / height

and depth goes from -1 at `near` to 1 at `far`. With z backward, clip coordinates divided by -z are these for

    P = [ 2 f_x / width   0                1 - (2 c_x + 1) / width    0
          0               2 f_y / height   (2 c_y + 1) / height - 1   0
          0               0                (near + far) / (near - far)   2 near far / (near - far)
          0               0                -1                         0 ]
"""
from collections import namedtuple

import numpy as np

from ..geometry.rotation_conversions import matrix_to_axis_angle
from .parameters import CameraParameters, matrix, positive

__all__ = ["OpenGLMatrices", "clip_planes", "from_opengl", "to_opengl"]

FLIP = np.diag([1.0, -1.0, -1.0])

OpenGLMatrices = namedtuple("OpenGLMatrices", "view projection")
OpenGLMatrices.__doc__ = """World to eye space, and eye space to clip coordinates; both (4, 4), for columns."""


def to_opengl(camera, near, far):
    """The matrices of a camera.

    Parameters
    ----------
    camera : CameraParameters
        Without distortion.
    near, far : float
        Distances of the clipping planes, 0 < near < far.

    Returns
    -------
    OpenGLMatrices
    """
    near, far = positive("near", near), positive("far", far)
    if near >= far:
        raise ValueError(f"near must be less than far, got {near:g} and {far:g}")
    camera.require_undistorted("OpenGL")
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = FLIP @ camera.R, FLIP @ camera.t
    size = np.array([camera.width, camera.height])
    (sx, sy), (ox, oy) = 2 * camera.f / size, (2 * camera.c + 1) / size - 1
    projection = np.array([[sx, 0, -ox, 0], [0, sy, oy, 0],
                           [0, 0, (near + far) / (near - far), 2 * near * far / (near - far)], [0, 0, -1, 0]])
    return OpenGLMatrices(view, projection)


def from_opengl(view, projection, width, height):
    """The camera of a view and a projection matrix.

    Parameters
    ----------
    view, projection : array_like (4, 4)
        For columns, as in OpenGL's documents. What is stored column after column and read as rows is the transpose.
    width, height : int
        Of the picture, in pixels.

    Returns
    -------
    CameraParameters

    Raises
    ------
    ValueError
        If `view` is no rigid motion, or `projection` no perspective without skew.
    """
    view, projection = matrix("view", view, (4, 4)), matrix("projection", projection, (4, 4))
    _check_last_row("view", view, [0, 0, 0, 1])
    projection = _checked_projection(projection)
    size = np.array([width, height])
    R = FLIP @ view[:3, :3]
    offset = np.array([-projection[0, 2], projection[1, 2]])
    return CameraParameters(matrix_to_axis_angle(R), FLIP @ view[:3, 3], np.diag(projection)[:2] * size / 2,
                            ((offset + 1) * size - 1) / 2, width, height)


def clip_planes(projection):
    """The distances `near` and `far` of a perspective projection matrix."""
    projection = _checked_projection(matrix("projection", projection, (4, 4)))
    a, b = projection[2, 2:]
    return b / (a - 1), b / (a + 1)


def _checked_projection(projection):
    _check_last_row("projection", projection, [0, 0, -1, 0])
    if projection[0, [1, 3]].any() or projection[1, [0, 3]].any():
        raise ValueError("projection must be without skew, as glFrustum and gluPerspective make it; got "
                         f"{projection.tolist()}")
    return projection


def _check_last_row(name, value, expected):
    if not np.array_equal(value[3], expected):
        raise ValueError(f"the last row of {name} must be {expected}, got {value[3].tolist()}; a matrix for rows is to "
                         "be transposed")
