"""Orthographic projection: parallel rays, so that size does not depend on depth.

    q = (X_x, X_y)        dq = (dX_x, dX_y)
"""
import numpy as np

from ..ch import depends_on
from ..inputs import input_points
from .base import Camera, LensSlopes

__all__ = ["OrthographicCamera"]


class OrthographicSlopes(LensSlopes):
    """Derivatives of the pixel coordinates of camera-space points (N, 3)."""

    def __init__(self, points, f):
        self.f, self.value = f, points[:, :2].T

    def wrt_points(self):
        """(N, 2, 3)"""
        return np.broadcast_to(np.eye(2, 3) * self.f[:, None], (self.value.shape[1], 2, 3))


class OrthographicCamera(Camera):
    """Pixel coordinates (V, 2) of points in orthographic projection: u = f_x X_x + c_x, v = f_y X_y + c_y.

    The camera still has a place: depth is z = X_z, and what is nearer than the near plane, which is in front of it, is
    clipped. So move a mesh in front, by t. Moving it along z changes the image of nothing but depth.

    Parameters
    ----------
    v : (V, 3)
        Points in the world.
    rt, t : (3,)
        Rotation vector and translation from the world to the camera, by default 0.
    f : (2,), or a number for both
        Pixels per unit of length. Not 0.
    c : (2,)
        Pixel of the camera's axis; ((width - 1) / 2, (height - 1) / 2) is the middle of an image.

    Attributes
    ----------
    v_cam, z, screen
        See `Camera`.

    Examples
    --------
    >>> OrthographicCamera(v=[[0.5, -0.25, 3]], f=100, c=[32, 24]).r
    array([[82., -1.]])
    """

    is_affine = True

    @depends_on("v_cam", "f", "c")
    def _projected(self):
        return self._project(input_points(self, "v_cam"))

    def _project(self, points):
        f, c = self._scale_and_centre
        uv = f * points[:, :2] + c
        return uv, np.column_stack((uv, points[:, 2]))

    def _unproject(self, q, depth):
        return np.column_stack((q, depth))

    @depends_on("v_cam", "f", "c")
    def _slopes(self):
        return OrthographicSlopes(self.v_cam.r.reshape(-1, 3), self._scale_and_centre[0])
