"""Perspective with the focal length that shows a given angle, as in OpenGL and PyTorch3D.

An image of S pixels, from its outer edge at -1/2 to S - 1/2, spans the angle φ where

    f = S / (2 tan(φ/2))        df/dφ = -S / (4 sin²(φ/2))
"""
import numpy as np

from ..ch import Ch
from ..inputs import check_count, input_vector
from .perspective import ProjectPoints

__all__ = ["FieldOfViewCamera", "FocalLength"]

AXES = "vertical", "horizontal"


class FocalLength(Ch):
    """The focal length in pixels, (1,), with which an image spans an angle; see `FieldOfViewCamera`."""

    terms = "width", "height", "axis"
    dterms = "fov",
    initial_values = {"axis": "vertical"}

    def image_size(self):
        """(width, height), checked."""
        return tuple(check_count(getattr(self, name, None), f"FieldOfViewCamera: {name}")
                     for name in ("width", "height"))

    def _half_angle_and_size(self):
        """φ/2 in radians, and S."""
        if self.axis not in AXES:
            raise ValueError(f"FieldOfViewCamera: axis must be {' or '.join(map(repr, AXES))}, got {self.axis!r}")
        fov = float(input_vector(self, "fov", (1,))[0])
        if not 0.0 < fov < 180.0:
            raise ValueError(f"FieldOfViewCamera: fov must be between 0 and 180 degrees, got {fov:g}")
        width, height = self.image_size()
        return np.radians(0.5 * fov), height if self.axis == "vertical" else width

    def compute_r(self):
        half, size = self._half_angle_and_size()
        return np.array([0.5 * size / np.tan(half)])

    def compute_dr_wrt(self, wrt):
        half, size = self._half_angle_and_size()
        if wrt is self.fov:
            return np.full((1, 1), np.radians(-0.25 * size / np.sin(half) ** 2))


def _of_focal_length(name):
    return property(lambda self: getattr(self.f, name, None), lambda self, value: self.f.set(**{name: value}))


class FieldOfViewCamera(ProjectPoints):
    """Pixel coordinates (V, 2) of points in perspective, from an angle of view. Otherwise as `ProjectPoints`.

    Pixels are square: both focal lengths are those of the angle.

    Parameters
    ----------
    v : (V, 3)
        Points in the world.
    rt, t : (3,)
        Rotation vector and translation from the world to the camera, by default 0.
    fov : one entry
        Angle of view in degrees, between 0 and 180, from the outer edge of the first pixels to that of the last.
    width, height : int
        Size of the image in pixels.
    c : (2,), optional
        Principal point in pixels, by default the middle of the image.
    k : (0,), (4,), (5,) or (8,)
        Distortion coefficients, by default none.
    axis : str
        Which way the angle is measured: 'vertical' (the default) or 'horizontal'.

    Attributes
    ----------
    f : Ch
        The focal length in pixels, a function of `fov`.
    v_cam, z, screen
        See `Camera`.

    Examples
    --------
    >>> FieldOfViewCamera(v=[[0.0, 1, 1]], fov=90, width=64, height=48).r
    array([[31.5, 47.5]])
    """

    dterms = "v", "rt", "t", "fov", "c", "k", "f", "v_cam"
    term_order = "v", "rt", "t", "fov", "width", "height", "c", "k"
    initial_values = {"c": None}

    def _start(self):
        super()._start()
        self.f = FocalLength()
        return self

    fov, width, height, axis = map(_of_focal_length, ("fov", "width", "height", "axis"))

    def __setattr__(self, name, value):
        if name == "f" and not isinstance(value, FocalLength):
            raise TypeError("FieldOfViewCamera: f is computed from fov and cannot be given: set fov, or take a "
                            "ProjectPoints")
        super().__setattr__(name, value)

    def copy(self):
        twin = super().copy()
        twin.f = self.f.copy()
        return twin

    __copy__ = copy

    def _principal_point(self):
        if self.c is None:
            return 0.5 * (np.array(self.f.image_size()) - 1.0)
        return super()._principal_point()
