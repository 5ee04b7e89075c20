"""Blender's cameras: `matrix_world`, a lens in millimetres, and shifts.

`matrix_world` takes columns from the camera to the world; the camera looks along -z with y up: D = diag(1, -1, -1)
times our camera space. So R = D Mᵀ and t = -R (its last column), M the directions of its axes.

The sensor spans the picture's width (HORIZONTAL), or its height (VERTICAL), or the longer of both (AUTO). With `pixel`
the ratio of a pixel's height to its width, and `span` the side that the sensor spans, in widths of a pixel,

    f_x = lens / sensor * span                 f_y = f_x / pixel
    c_x + ½ = width / 2 - shift_x * span       c_y + ½ = height / 2 + shift_y * span / pixel

Blender counts from the border of the picture, hence the ½.
"""
import numpy as np

from ..geometry.rotation_conversions import matrix_to_axis_angle
from .parameters import CameraParameters, matrix, positive

__all__ = ["from_blender", "to_blender"]

FLIP = np.diag([1.0, -1.0, -1.0])
SENSOR_FITS = "AUTO", "HORIZONTAL", "VERTICAL"


def to_blender(camera, sensor_width=36.0):
    """The properties of a Blender camera, and of the scene that it is rendered in.

    Parameters
    ----------
    camera : CameraParameters
        Without distortion, and with positive focal lengths.
    sensor_width : float
        In millimetres.

    Returns
    -------
    dict
        The arguments of `from_blender`: `matrix_world` (4, 4) of the object, `lens`, `sensor_width`, `sensor_fit`,
        `shift_x` and `shift_y` of the camera, `width`, `height`, `pixel_aspect_x` and `pixel_aspect_y` of the scene.
    """
    camera.require_undistorted("Blender")
    sensor_width = positive("sensor_width", sensor_width)
    if (camera.f < 0).any():
        raise ValueError(f"Blender has no mirrored pictures: f must be positive, got {camera.f.tolist()}")
    matrix_world = np.eye(4)
    matrix_world[:3, :3], matrix_world[:3, 3] = camera.R.T @ FLIP, camera.eye
    fx, fy = camera.f
    shift_x, shift_y = (np.array([camera.width, camera.height]) / 2 - (camera.c + 0.5)) / camera.width
    return {"matrix_world": matrix_world, "lens": fx * sensor_width / camera.width, "width": camera.width,
            "height": camera.height, "sensor_width": sensor_width, "sensor_fit": "HORIZONTAL", "shift_x": shift_x,
            "shift_y": -shift_y * (fx / fy), "pixel_aspect_x": max(fy / fx, 1.0), "pixel_aspect_y": max(fx / fy, 1.0)}


def from_blender(matrix_world, lens, width, height, sensor_width=36.0, sensor_height=24.0, sensor_fit="AUTO",
                 shift_x=0.0, shift_y=0.0, pixel_aspect_x=1.0, pixel_aspect_y=1.0):
    """The camera of a Blender scene. Arguments are named as Blender's properties, with its defaults.

    Parameters
    ----------
    matrix_world : array_like (4, 4)
        Of the camera's object. A scale of the object has no effect, as in Blender.
    lens : float
        Focal length in millimetres. A field of view is one: lens = sensor_width / (2 tan(angle / 2)).
    width, height : int
        Of the picture in pixels: `resolution_x` and `resolution_y`, times `resolution_percentage` / 100.
    sensor_width, sensor_height : float
        In millimetres; the height matters where `sensor_fit` is "VERTICAL" alone.
    sensor_fit : str
        "AUTO", "HORIZONTAL" or "VERTICAL".
    shift_x, shift_y : float
        In units of the side that the sensor spans.
    pixel_aspect_x, pixel_aspect_y : float
        Of the scene's render settings.

    Returns
    -------
    CameraParameters
    """
    if sensor_fit not in SENSOR_FITS:
        raise ValueError(f"sensor_fit must be one of {', '.join(SENSOR_FITS)}, got {sensor_fit!r}")
    matrix_world = matrix("matrix_world", matrix_world, (4, 4))
    axes, eye = matrix_world[:3, :3], matrix_world[:3, 3]
    lengths = np.linalg.norm(axes, axis=0)
    if not lengths.all() or not np.array_equal(matrix_world[3], [0, 0, 0, 1]):
        raise ValueError("matrix_world must be a motion with 0, 0, 0, 1 in its last row, got "
                         f"{matrix_world.tolist()}")
    pixel = positive("pixel_aspect_y", pixel_aspect_y) / positive("pixel_aspect_x", pixel_aspect_x)
    across = sensor_fit == "HORIZONTAL" or sensor_fit == "AUTO" and width >= pixel * height
    span = width if across else pixel * height
    sensor = positive("sensor_height", sensor_height) if sensor_fit == "VERTICAL" else positive("sensor_width",
                                                                                               sensor_width)
    per_pixel = np.array([1.0, 1 / pixel])
    R = FLIP @ (axes / lengths).T
    return CameraParameters(
        matrix_to_axis_angle(R), -R @ eye, positive("lens", lens) / sensor * span * per_pixel,
        np.array([width, height]) / 2 + span * per_pixel * [-shift_x, shift_y] - 0.5, width, height)
