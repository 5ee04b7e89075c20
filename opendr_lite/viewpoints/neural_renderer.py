"""The cameras of Neural 3D Mesh Renderer and of Soft Rasterizer: an eye, and an angle of view.

Their camera space is x right, y up, z forward, with

    forward = w / |w|        right = up × forward / |up × forward|        above = forward × right

as rows of the rotation. Right-handed as these rows are, their picture has x to the right and y up, so it is the mirror
image of what one would see: f_y is negative here. With α the `viewing_angle`, half the field of view, and n the size,

    f = n / (2 tan α)        u = f x / z + (n - 1) / 2        v = -f y / z + (n - 1) / 2

Azimuth 0 is at -z there: as if the mesh itself were mirrored, z to -z, and seen by `look_at` from `eye_from_angles`.
"""
import numpy as np

from ..geometry.rotation_conversions import matrix_to_axis_angle
from ..geometry.rotation_ways import ROTATION_6D
from .looking import eye_from_angles, refuse_aimless
from .parameters import CameraParameters, positive, vector

__all__ = ["from_neural_renderer", "neural_renderer_eye", "to_neural_renderer"]

AXES = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])     # right, above, forward, from the rows of Gram-Schmidt


def neural_renderer_eye(distance, elevation, azimuth, degrees=True):
    """Their `get_points_from_angles`: the place (..., 3) on a sphere, with azimuth 0 at -z and 90 degrees at +x."""
    return eye_from_angles(distance, elevation, azimuth, degrees).r * [1.0, 1.0, -1.0]


def from_neural_renderer(eye, image_size, viewing_angle=30.0, at=(0, 0, 0), direction=None, up=(0, 1, 0)):
    """The camera of their `look_at` mode, or, with a direction, of their `look` mode, in perspective.

    Parameters
    ----------
    eye : array_like (3,)
        For distance, elevation and azimuth see `neural_renderer_eye`.
    image_size : int
        Width and height in pixels.
    viewing_angle : float
        Half the field of view in degrees.
    at, direction, up : array_like (3,)
        `direction`, where given, is what `at` - eye is otherwise.

    Returns
    -------
    CameraParameters
        With a negative f_y.
    """
    eye, up = vector("eye", eye, (3,)), vector("up", up, (3,))
    direction = vector("at", at, (3,)) - eye if direction is None else vector("direction", direction, (3,))
    refuse_aimless(direction, up)
    viewing_angle = positive("viewing_angle", viewing_angle)
    if viewing_angle >= 90:
        raise ValueError(f"viewing_angle must be less than 90 degrees, got {viewing_angle:g}")
    R = AXES @ ROTATION_6D.matrix(np.concatenate((direction, up)))
    f = image_size / (2 * np.tan(np.deg2rad(viewing_angle)))
    return CameraParameters(matrix_to_axis_angle(R), -R @ eye, [f, -f], np.full(2, (image_size - 1) / 2), image_size,
                            image_size)


def to_neural_renderer(camera):
    """The settings of their `look` mode.

    Parameters
    ----------
    camera : CameraParameters
        Square, f_y = -f_x < 0, with the principal point in the middle, without distortion.

    Returns
    -------
    dict
        The arguments of `from_neural_renderer`: `eye`, `direction`, `up`, `viewing_angle`, `image_size`.

    Raises
    ------
    ValueError
        If they have no such camera.
    """
    camera.require_undistorted("Neural Renderer")
    size = camera.width
    middle = np.full(2, (size - 1) / 2)
    if size != camera.height or camera.f[0] < 0 or not np.allclose(camera.f[1], -camera.f[0], rtol=1e-12) or (
            not np.allclose(camera.c, middle, rtol=0, atol=1e-9)):
        raise ValueError("Neural Renderer has cameras with square pictures, f_y = -f_x and the principal point in the "
                         f"middle; got {size} x {camera.height} pixels, f = {camera.f.tolist()}, "
                         f"c = {camera.c.tolist()}")
    R = camera.R
    return {"eye": camera.eye, "direction": R[2], "up": R[1], "image_size": size,
            "viewing_angle": np.rad2deg(np.arctan(size / (2 * camera.f[0])))}
