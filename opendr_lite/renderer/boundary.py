"""Images of occlusion boundaries: 1 where a silhouette edge is seen, 0 elsewhere.

A pixel of an edge moves with the two ends of the edge; the image moves by its gradient, as in `renderer.base`.
"""
import numpy as np

from ..ch import depends_on
from ..inputs import check_count
from ..kernels.cpu.image_gradient import gain_of_image
from .base import BaseRenderer
from .pixel_jacobian import SeenFaces

__all__ = ["BoundaryRenderer"]


class BoundaryRenderer(BaseRenderer):
    """Occlusion boundaries of a mesh, (height, width[, num_channels]) float64: 1 on silhouette edges, 0 elsewhere.

    Attributes
    ----------
    camera, f, frustum
        See `BaseRenderer`.
    num_channels : int
        1 by default; the channels are equal.
    """

    terms = "f", "frustum", "overdraw", "derivative", "num_channels"
    initial_values = {"num_channels": 1}
    derivatives = "opendr",

    def compute_r(self):
        return self.color_image

    @depends_on("f", "frustum", "camera", "num_channels")
    def color_image(self):
        """The image: the value of this node."""
        self._check_derivative()
        edges = self.boundarybool_image.astype(np.float64)
        channels = check_count(self.num_channels, "num_channels")
        return edges if channels == 1 else np.repeat(edges[:, :, None], channels, axis=2)

    @depends_on("f", "frustum", "camera")
    def _seen_faces(self):
        """Edges in the place of faces: the edge at each pixel, and the ends of all edges."""
        return SeenFaces(self._boundary[0].ravel(), self.vpe[self.silhouette_edges])

    @property
    def weights(self):
        """Weights of the ends of the edge at each pixel, (h w, 2)."""
        along = self._boundary[1].ravel()
        return np.stack([1.0 - along, along], axis=1)

    def _gain(self, image):
        return gain_of_image(image.reshape(self.image_size + (-1,)))

    def compute_dr_wrt(self, wrt):
        if wrt is self.camera:
            return self._motion_wrt_camera(self.color_image)
        if wrt is self.cut_pixels:
            return self._motion_wrt_cut_pixels(self.color_image)
