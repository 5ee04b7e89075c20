"""Points that stay where they are on the faces of a mesh, as nodes."""
import numpy as np

from ..ch import Ch
from .pixel_jacobian import PixelInterpolation

__all__ = ["PointsOnFaces", "projected"]


class PointsOnFaces(Ch):
    """sum_k weights[p, k] v[taps[p, k]], (N, 3)."""

    terms = "taps", "weights"
    dterms = "v",
    term_order = "v", "taps", "weights"

    def compute_r(self):
        return np.einsum("pk,pki->pi", self.weights, self.v.r.reshape(-1, 3)[self.taps])

    def compute_dr_wrt(self, wrt):
        return PixelInterpolation(self.taps, self.weights, np.ones((1, 3)), wrt.size // 3)


def projected(camera, v, corners, weights):
    """Where points on faces of the mesh v are, (n, 2)."""
    camera = camera.copy()
    camera.v = v
    return camera.of_camera_points(PointsOnFaces(camera.v_cam, corners, weights)).r
