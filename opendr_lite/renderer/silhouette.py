"""Images of silhouettes: 1 where the mesh is seen, 0 elsewhere."""
import numpy as np

from ..ch import depends_on
from .base import BaseRenderer

__all__ = ["SilhouetteRenderer"]

BACKGROUND = np.zeros((1, 1))


class SilhouetteRenderer(BaseRenderer):
    """Silhouette of a mesh, (height, width) float64: 1 where a face is seen, 0 elsewhere.

    The image depends on the camera (so v, rt, t, f, c, k) alone; see `BaseRenderer` for the attributes.
    """

    def compute_r(self):
        return self.silhouette_image

    @depends_on("f", "frustum", "camera", "overdraw", "derivative")
    def silhouette_image(self):
        """The image: the value of this node."""
        image = (self.pixels.face_id >= 0).astype(np.float64)
        if self.is_exact:
            samples = self._samples
            samples.average(image.reshape(-1, 1), self._colors_of(samples), BACKGROUND)
        return image

    @depends_on("f", "frustum", "camera", "derivative")
    def _samples(self):
        return self._area_samples(has_colors=False)

    def _colors_at(self, pixels):
        return np.ones((pixels[0].size, 1))

    def _gradient_at(self, pixels):
        return np.zeros((pixels[0].size, 1, 2))

    def _gain_of_surface(self):
        return np.zeros((self.pixels.face_id.size, 1, 3))

    def compute_dr_wrt(self, wrt):
        if self.is_exact:
            return self._exact_motion(self._samples, BACKGROUND) if wrt is self.screen_points else None
        if wrt is self.camera:
            return self._motion_wrt_camera(self.silhouette_image)
        if wrt is self.cut_pixels:
            return self._motion_wrt_cut_pixels(self.silhouette_image)
