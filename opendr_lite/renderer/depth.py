"""Images of depth.

The depth of a pixel is z = sum_k b_k z_k with barycentric coordinates b of the face in space. It changes because the
surface moves to or from the camera, exactly sum_k b_k dz_k, and because it moves across the screen, by OpenDR's
approximation with the gradient of the depth image (`renderer.base`).
"""
import numpy as np

from ..ch import depends_on
from .area_sampling import Patched
from .base import BaseRenderer
from .colored import check_finite
from .pixel_jacobian import PixelInterpolation, SeenFaces

__all__ = ["DepthRenderer"]


class DepthRenderer(BaseRenderer):
    """Camera-space depth of a mesh, (height, width) float64; `far` where there is nothing.

    Attributes
    ----------
    camera, f, frustum, overdraw
        See `BaseRenderer`.
    background_image : (height, width) array, optional
        Depth of something else in the scene; the nearer of the two is seen.
    """

    terms = "f", "frustum", "background_image", "overdraw", "derivative"
    dterms = "camera", "vertex_depth", "cut_pixels", "screen_points"

    @property
    def vertex_depth(self):
        """Camera depths of the vertices, a node."""
        return self.camera.z

    def compute_r(self):
        return self.depth_image

    @depends_on("f", "frustum", "camera", "overdraw", "background_image", "derivative")
    def depth_image(self):
        """The image: the value of this node."""
        background = self._background
        image = self.pixels.depth if background is None else np.minimum(self.pixels.depth, background)
        if not self.is_exact:
            return image
        image, samples = image.copy(), self._samples
        samples.average(image.reshape(-1, 1), self._colors_of(samples), self._behind)
        return image

    @property
    def _behind(self):
        """Depth of what is behind the mesh, (N, 1) or (1, 1)."""
        background = self._background
        return np.full((1, 1), self._checked_frustum["far"]) if background is None else background.reshape(-1, 1)

    @depends_on("f", "frustum", "camera", "derivative", "background_image")
    def _samples(self):
        seen = self.surface.depth[self.surface.face_id >= 0]
        return self._area_samples(scale=np.ptp(seen) if seen.size else 1.0)

    def _is_hidden(self, samples):
        """Which samples are behind the background, (S,)."""
        behind = self._behind
        return samples.pixels[2][0] > (behind[samples.marked[samples.place], 0] if len(behind) > 1 else behind[0])

    def _colors_of(self, samples):
        """Where the background is nearer it is seen."""
        depth = self._colors_at(samples.pixels)
        return depth if self._background is None else np.minimum(depth, self._behind[samples.marked[samples.place]])

    def _gradient_of(self, samples):
        """Where the background is nearer it does not change."""
        return np.where(self._is_hidden(samples)[:, None, None], 0.0, self._gradient_at(samples.pixels))

    def _colors_at(self, pixels):
        return pixels[2].reshape(-1, 1)

    def _gradient_at(self, pixels):
        return self._surface_gradient(pixels, self.faces, np.ascontiguousarray(self.screen[:, 2:]))

    @depends_on("frustum", "background_image")
    def _background(self):
        background = getattr(self, "background_image", None)
        if background is None:
            return None
        background = np.asarray(background, dtype=np.float64)
        if background.shape != self.image_size:
            raise ValueError(f"background_image must have shape {self.image_size}, got {background.shape}")
        check_finite(background, "background_image")
        return background

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "background_image")
    def _seen_faces(self):
        """None where the background is nearer."""
        face_id = self.pixels.face_id.ravel()
        if self._background is not None:
            face_id = np.where((self._background < self.pixels.depth).ravel(), np.int32(-1), face_id)
        return SeenFaces(face_id, self.faces)

    def compute_dr_wrt(self, wrt):
        if self.is_exact:
            return self._exact_derivative(wrt)
        if wrt is self.camera:
            return self._motion_wrt_camera(self.depth_image)
        if wrt is self.vertex_depth:
            return PixelInterpolation(None, self.weights, np.ones((1, 1)), len(self.screen), self._seen_faces)
        if wrt is self.cut_pixels:
            return self._motion_wrt_cut_pixels(self.depth_image)

    def _exact_derivative(self, wrt):
        samples = self._samples
        if wrt is self.screen_points:
            return self._exact_motion(samples, self._behind)
        if wrt is self.vertex_depth:
            whole = PixelInterpolation(None, self.weights, np.ones((1, 1)), len(self.screen), self._centres(samples))
            face_id, barycentric, _ = samples.pixels
            in_front = 1.0 - self._is_hidden(samples)[:, None]
            of_samples = PixelInterpolation(self.faces[face_id[0]], barycentric[0], in_front, len(self.screen))
            return Patched(whole, samples.marked, samples.rows(of_samples, 1))

    def getDepthMesh(self, depth_image=None):
        """The depth image as a mesh in world space.

        Parameters
        ----------
        depth_image : (height, width) array, optional
            By default this node's.

        Returns
        -------
        v : (height * width, 3) float64
            The point seen at each pixel.
        f : (2 (height - 1) (width - 1), 3) int32
        """
        depth = self.depth_image if depth_image is None else np.asarray(depth_image, dtype=np.float64)
        if depth.shape != self.image_size:
            raise ValueError(f"depth_image must have shape {self.image_size}, got {depth.shape}")
        height, width = depth.shape
        pixel = np.arange(height * width, dtype=np.int32).reshape(height, width)
        upper_left, upper_right = pixel[:-1, :-1].ravel(), pixel[:-1, 1:].ravel()
        lower_left, lower_right = pixel[1:, :-1].ravel(), pixel[1:, 1:].ravel()
        f = np.stack([upper_left, upper_right, lower_left, upper_right, lower_right, lower_left], axis=1)
        return np.asarray(self.camera.unproject_depth_image(depth)).reshape(-1, 3), f.reshape(-1, 3)
