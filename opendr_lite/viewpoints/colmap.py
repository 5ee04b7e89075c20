"""COLMAP's cameras: a quaternion and a translation, and a list of parameters that depends on the camera's model.

Axes are ours: x right, y down, z forward, and (qvec, tvec) go from the world to the camera, the real part first. Pixels
are counted from the outer corner of the picture: the centre of the first is at ½, so c there is c + ½ here.
"""
from collections import namedtuple

import numpy as np

from ..geometry.rotation_conversions import axis_angle_to_quaternion, quaternion_to_axis_angle
from .parameters import CameraParameters, vector

__all__ = ["ColmapCamera", "MODELS", "from_colmap", "to_colmap"]

Model = namedtuple("Model", "num_focal coefficients lens")

MODELS = {   # focal lengths, then c_x and c_y, then these coefficients, as positions in our k
    "SIMPLE_PINHOLE": Model(1, (), "perspective"),
    "PINHOLE": Model(2, (), "perspective"),
    "SIMPLE_RADIAL": Model(1, (0,), "perspective"),
    "RADIAL": Model(1, (0, 1), "perspective"),
    "OPENCV": Model(2, (0, 1, 2, 3), "perspective"),
    "FULL_OPENCV": Model(2, (0, 1, 2, 3, 4, 5, 6, 7), "perspective"),
    "SIMPLE_RADIAL_FISHEYE": Model(1, (0,), "fisheye"),
    "RADIAL_FISHEYE": Model(1, (0, 1), "fisheye"),
    "OPENCV_FISHEYE": Model(2, (0, 1, 2, 3), "fisheye"),
}

ColmapCamera = namedtuple("ColmapCamera", "model width height params qvec tvec")
ColmapCamera.__doc__ = """A line of cameras.txt, but for its number, and the pose of one of images.txt."""


def to_colmap(camera, model=None):
    """The camera as COLMAP writes it.

    Parameters
    ----------
    camera : CameraParameters
    model : str, optional
        One of `MODELS`, by default the first of them that has a place for everything.

    Returns
    -------
    ColmapCamera
        With `qvec` (4,), whose real part is not negative, and `tvec` (3,).

    Raises
    ------
    ValueError
        If the model is unknown, or has no place for two focal lengths or some coefficient of this camera.
    """
    fitting = [name for name in MODELS if _has_room(MODELS[name], camera)]
    name = fitting[0] if model is None else model
    if _model(name) and name not in fitting:
        raise ValueError(f"model {name} cannot express this camera with a {camera.lens} lens, f = {camera.f.tolist()}, "
                         f"k = {camera.k.tolist()}; these can: {', '.join(fitting)}")
    k = _eight(camera.k)
    params = np.concatenate((camera.f[:MODELS[name].num_focal], camera.c + 0.5, k[list(MODELS[name].coefficients)]))
    q = axis_angle_to_quaternion(camera.rt)
    return ColmapCamera(name, camera.width, camera.height, params, np.where(q[0] < 0, -q, q), camera.t.copy())


def from_colmap(model, width, height, params, qvec=(1, 0, 0, 0), tvec=(0, 0, 0)):
    """The camera that a line of cameras.txt and the pose of a line of images.txt describe.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    width, height : int
        In pixels.
    params : array_like
        f or f_x and f_y, c_x, c_y, and coefficients.
    qvec, tvec : array_like (4,), (3,)
        From the world to the camera.

    Returns
    -------
    CameraParameters
    """
    num_focal, coefficients, lens = _model(model)
    params = vector(f"params of {model}", params, (num_focal + 2 + len(coefficients),))
    focal, principal, given = np.split(params, [num_focal, num_focal + 2])
    k = np.zeros(4 if lens == "fisheye" or 0 < len(coefficients) <= 4 else len(coefficients))
    k[list(coefficients)] = given
    return CameraParameters(quaternion_to_axis_angle(vector("qvec", qvec, (4,))), vector("tvec", tvec, (3,)), focal,
                            principal - 0.5, width, height, k, lens)


def _model(name):
    if name not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {name!r}")
    return MODELS[name]


def _has_room(model, camera):
    others = np.delete(_eight(camera.k), model.coefficients)
    return model.lens == camera.lens and (model.num_focal == 2 or camera.f[0] == camera.f[1]) and not others.any()


def _eight(k):
    return np.pad(k, (0, 8 - k.size))
