"""A camera as plain numbers, which is what the conventions of other programs are converted to and from."""
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from ..geometry.rotation_conversions import axis_angle_to_matrix

__all__ = ["CameraParameters"]

LENSES = {"perspective": (0, 4, 5, 8), "fisheye": (4,)}      # how many coefficients each may have


@dataclass(frozen=True, eq=False)
class CameraParameters:
    """A camera in the conventions of this package: x right, y down, z forward; pixel (0, 0) has its centre at (0, 0).

    Attributes
    ----------
    rt, t : (3,)
        Rotation vector and translation from the world to the camera.
    f, c : (2,)
        Focal lengths and principal point in pixels.
    width, height : int
        Of the picture, in pixels.
    k : (0,), (4,), (5,) or (8,)
        Distortion coefficients in OpenCV's order.
    lens : str
        "perspective", or "fisheye": OpenCV's fisheye model with four coefficients.
    """

    rt: np.ndarray
    t: np.ndarray
    f: np.ndarray
    c: np.ndarray
    width: int
    height: int
    k: np.ndarray = field(default_factory=lambda: np.zeros(0))
    lens: str = "perspective"

    def __post_init__(self):
        if self.lens not in LENSES:
            raise ValueError(f"lens must be one of {', '.join(map(repr, LENSES))}, got {self.lens!r}")
        for name, sizes in (("rt", (3,)), ("t", (3,)), ("f", (1, 2)), ("c", (2,)), ("k", LENSES[self.lens])):
            value = vector(name, getattr(self, name), sizes)
            object.__setattr__(self, name, np.tile(value, 2) if name == "f" and value.size == 1 else value)
        if not self.f.all():
            raise ValueError(f"f must not be 0, got {self.f.tolist()}")
        for name in ("width", "height"):
            number = getattr(self, name)
            if not isinstance(number, Integral) or number < 1:
                raise ValueError(f"{name} must be a whole number of pixels, at least 1, got {number!r}")

    @classmethod
    def of(cls, camera, width, height, lens="perspective"):
        """Those of a camera node with `rt`, `t`, `f`, `c` and `k`, such as `ProjectPoints`."""
        return cls(camera.rt.r, camera.t.r, camera.f.r, camera.c.r, width, height, camera.k.r, lens)

    @property
    def terms(self):
        """What a camera node takes: ``ProjectPoints(v=v, **parameters.terms)``."""
        return {name: getattr(self, name) for name in ("rt", "t", "f", "c", "k")}

    @property
    def R(self):
        """The rotation matrix (3, 3)."""
        return axis_angle_to_matrix(self.rt)

    @property
    def eye(self):
        """Where the camera is in the world, (3,)."""
        return -self.R.T @ self.t

    def require_undistorted(self, system):
        """Refuse a lens with distortion, which the other system has no place for."""
        if self.lens != "perspective" or self.k.any():
            raise ValueError(f"{system} has no lens distortion, this camera has a {self.lens} lens with "
                             f"k = {self.k.tolist()}; undistort the picture first, or set k to zeros")


def vector(name, value, sizes):
    """A flat float64 copy with one of the allowed `sizes`, finite."""
    value = np.array(getattr(value, "r", value), dtype=np.float64).ravel()
    if value.size not in sizes:
        raise ValueError(f"{name} must have {' or '.join(map(str, sizes))} entries, got {value.size}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite, got {value.tolist()}")
    return value


def matrix(name, value, shape):
    """A float64 copy of the given shape, finite."""
    value = np.array(getattr(value, "r", value), dtype=np.float64)
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite, got {value.tolist()}")
    return value


def positive(name, value):
    """A float greater than 0."""
    number = float(value)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return number
