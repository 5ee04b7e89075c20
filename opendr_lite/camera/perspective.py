"""Perspective with lens distortion, as in OpenCV.

    q = distort(x, y),    x = X_x / X_z,  y = X_y / X_z        see `camera.distortion`

With D the Jacobian of the distortion, dq = D (dx, dy) and

    (dx, dy) = (dX_x - x dX_z, dX_y - y dX_z) / X_z

The formulas hold behind the camera too (X_z < 0). A zero denominator (X_z = 0) counts as 1, as in OpenCV. A
reciprocal that exceeds 1e20, or a normalized coordinate that exceeds 1e15, is held there, so that finite
points have finite projections.
"""
import numpy as np

from ..ch import depends_on
from ..inputs import input_points, input_vector
from ..kernels.cpu.projection import MAX_NORMALIZED, project
from ..memory import empty
from .base import Camera, LensSlopes
from .distortion import Distortion, undistort
from .finite import reciprocal, within

__all__ = ["ProjectPoints", "ProjectPoints3D"]


class ProjectionSlopes(LensSlopes):
    """Derivatives of the pixel coordinates of camera-space points (N, 3).

    `f` has two entries, `k` eight.
    """

    def __init__(self, points, f, k):
        X, Y, Z = np.ascontiguousarray(points.T)
        self.f = f
        with np.errstate(over="ignore"):
            self.inverse_depth = reciprocal(Z)
            x, y = (within(a * self.inverse_depth, MAX_NORMALIZED) for a in (X, Y))
        self.lens = Distortion(x, y, k)

    @property
    def value(self):
        return self.lens.value

    def wrt_points(self):
        """(N, 2, 3)"""
        lens, inverse = self.lens, self.inverse_depth
        xx, xy, yy = lens.slopes
        blocks = empty((inverse.size, 2, 3))
        for row, (f, a, b) in enumerate(((self.f[0], xx, xy), (self.f[1], xy, yy))):
            scale = f * inverse
            blocks[:, row, 0] = scale * a
            blocks[:, row, 1] = scale * b
            blocks[:, row, 2] = -scale * (a * lens.x + b * lens.y)
        return blocks

    def wrt_k(self):
        """(N, 2, 8)"""
        return np.ascontiguousarray((self.lens.wrt_k * self.f[:, None]).transpose(2, 1, 0))


class ProjectPoints(Camera):
    """Pixel coordinates (V, 2) of points in perspective, see the module and `Camera` for the formulas.

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
    k : (0,), (4,), (5,) or (8,)
        Distortion coefficients in OpenCV's order, k1, k2, p1, p2, k3, k4, k5, k6, by default none.

    Attributes
    ----------
    v_cam, z, screen
        See `Camera`.
    """

    dterms = "v", "rt", "t", "f", "c", "k", "v_cam"
    term_order = "v", "rt", "t", "f", "c", "k"
    lens_terms = "f", "c", "k"
    initial_values = {"k": np.zeros(0)}

    @depends_on("k")
    def _coefficients(self):
        """Checked k (8,)."""
        k = input_vector(self, "k", (0, 4, 5, 8))
        return np.concatenate((k, np.zeros(8 - k.size)))

    @depends_on("v_cam", "f", "c", "k")
    def _projected(self):
        return self._project(input_points(self, "v_cam"))

    def _project(self, points):
        return project(points, *self._scale_and_centre, self._coefficients)

    def _unproject(self, q, depth):
        k = self._coefficients
        normalized = undistort(q, k) if k.any() else q
        return np.column_stack((normalized, np.ones(len(q)))) * depth[:, None]

    @depends_on("v_cam", "f", "c", "k")
    def _slopes(self):
        f, _ = self._scale_and_centre
        return ProjectionSlopes(self.v_cam.r.reshape(-1, 3), f, self._coefficients)

    def _partials(self, slopes):
        return {"k": lambda: self._of_vector(slopes.wrt_k()[:, :, :self.k.size])}


class ProjectPoints3D(ProjectPoints):
    """Pixel coordinates and depth (V, 3): u, v, z in camera space. Otherwise as `ProjectPoints`."""

    def compute_r(self):
        return self.screen.copy()

    def of_camera_points(self, points):
        return ProjectPoints(v_cam=points, **self._lens_inputs())

    def _all_columns(self, blocks, of_depth):
        return np.concatenate((blocks, np.broadcast_to(of_depth, (len(blocks), 1, blocks.shape[2]))), axis=1)
