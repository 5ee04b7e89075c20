"""Weak perspective: orthographic projection, at the size that perspective gives at one depth d.

    q = (X_x, X_y) / d        dq = (dX_x, dX_y) / d - q dd / d

It is perspective to first order around the axis and the depth d: what it lacks is of the order of (X_z - d) / d. With
d = mean(X_z), dd = mean(dX_z): all points depend on the depth of every one.
"""
import numpy as np

from .. import ch
from ..ch import depends_on
from ..inputs import input_points, input_vector
from .base import Camera, LensSlopes

__all__ = ["WeakPerspectiveCamera"]


class WeakPerspectiveSlopes(LensSlopes):
    """Derivatives of the pixel coordinates of camera-space points (N, 3), at the depth d."""

    def __init__(self, points, f, d):
        self.f, self.value, self.d = f, points[:, :2].T / d, d

    def wrt_points(self):
        """(N, 2, 3)"""
        return np.broadcast_to(np.eye(2, 3) * (self.f / self.d)[:, None], (self.value.shape[1], 2, 3))

    def wrt_d(self):
        """(N, 2, 1)"""
        return (-self.f / self.d * self.value.T)[:, :, None]


class WeakPerspectiveCamera(Camera):
    """Pixel coordinates (V, 2) of points in weak perspective: u = f_x X_x / d + c_x, v = f_y X_y / d + c_y.

    Parameters
    ----------
    v : (V, 3)
        Points in the world.
    rt, t : (3,)
        Rotation vector and translation from the world to the camera, by default 0.
    f : (2,), or a number for both
        Focal lengths in pixels. Not 0.
    c : (2,)
        Principal point in pixels; ((width - 1) / 2, (height - 1) / 2) is the middle of an image.
    reference_depth : one entry, optional
        d. Not 0. By default the mean depth of the points, of which the derivative is that too: then every projection
        depends on the depth of every point, and a Jacobian with respect to v has no zeros in its columns of z.

    Attributes
    ----------
    v_cam, z, screen
        See `Camera`.
    mean_depth : Ch
        The mean depth of the points, a node; None where `reference_depth` is given.

    Examples
    --------
    >>> WeakPerspectiveCamera(v=[[0.5, 0, 3], [0.5, 0, 5]], f=100, c=[32, 24]).r
    array([[44.5, 24. ],
           [44.5, 24. ]])
    """

    dterms = "v", "rt", "t", "f", "c", "reference_depth", "v_cam", "mean_depth"
    term_order = "v", "rt", "t", "f", "c", "reference_depth"
    lens_terms = "f", "c", "reference_depth"
    initial_values = {"reference_depth": None}
    is_affine = True

    @property
    def mean_depth(self):
        return self._mean_depth_of_points if self.reference_depth is None else None

    @depends_on("v_cam")
    def _mean_depth_of_points(self):
        return ch.mean(self.z)

    def _lens_inputs(self):
        """Those of other points are at the depth of these."""
        return {**super()._lens_inputs(), "reference_depth": getattr(self, self._depth_name)}

    @property
    def _depth_name(self):
        return "mean_depth" if self.reference_depth is None else "reference_depth"

    @property
    def _depth(self):
        """d, a number, checked."""
        d = float(input_vector(self, self._depth_name, (1,))[0])
        if d == 0.0:
            raise ValueError(f"WeakPerspectiveCamera: {self._depth_name} must not be 0: the points have no size there")
        return d

    @depends_on("v_cam", "f", "c", "reference_depth")
    def _projected(self):
        return self._project(input_points(self, "v_cam"))

    def _project(self, points):
        f, c = self._scale_and_centre
        uv = f / self._depth * points[:, :2] + c
        return uv, np.column_stack((uv, points[:, 2]))

    def _unproject(self, q, depth):
        return np.column_stack((self._depth * q, depth))

    @depends_on("v_cam", "f", "c", "reference_depth")
    def _slopes(self):
        return WeakPerspectiveSlopes(self.v_cam.r.reshape(-1, 3), self._scale_and_centre[0], self._depth)

    def _partials(self, slopes):
        return dict.fromkeys(("reference_depth", "mean_depth"), lambda: self._of_vector(slopes.wrt_d()))
