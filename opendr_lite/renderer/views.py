"""What a camera shows, as the kernels know it: in perspective.

The kernels decide by w = 1/z what is nearer, and interpolate with perspective, b_k ~ λ_k / z_k: of a perspective camera
λ, b_k / z_k and 1/z are affine on the screen. Of an *affine* camera b and z themselves are. But put

    w = 1 + (z_most - z) / D        D the range of depths of what may be seen, z_most the largest

in the place of 1/z: it is affine on the screen too, positive, and falls with depth. So vertices at (u, v, z'), with
z' = 1/w, are a scene in perspective with the same faces in the same places in the same order: whatever is seen, and where
it ends, is the same, and so are the derivatives of that. Kernels are given this *stand-in*. Only what they find on faces
is translated: with b' the barycentric coordinates there,

    b_k = λ_k ~ b'_k / w_k = b'_k z'_k        z = sum_k b_k z_k

Tolerances that are relative to 1/z become relative to D; so D is no less than 1/100 of z_most, lest they be less than
the rounding of z.

Gradients over the screen (`surface_gradient`, `texture`) know a face by the *homogeneous weights* h of its corners: z in
perspective, 1 without. What moves is given as Y: z (u, v, 1) in perspective, else (u, v, z), see `screen_points`. If g is
the gain by h (u, v, 1), that by (u, v, z) is (g_1, g_2, 0). And what moves by d' · dY', with Y' = z' (u, v, 1), moves by
d · (du, dv, dz), with

    d = (z' d'_1,  z' d'_2,  (u d'_1 + v d'_2 + d'_3) dz'/dz)        dz'/dz = z'² / D
"""
import numpy as np

from ..kernels.cpu.affine import interpolate_linearly
from .screen_points import AffineScreenPoints, ScreenPoints

__all__ = ["AffineView", "PerspectiveView", "view_of"]

LEAST_RANGE = 0.01  # of the largest depth


class PerspectiveView:
    """The view of a perspective camera, which kernels take as it is.

    Parameters
    ----------
    screen : (V, 3) float64
        u, v, z, as the near plane leaves them.
    faces : (F, 3) int32
    far : float

    Attributes
    ----------
    screen, far
        What kernels are given.
    """

    points = ScreenPoints

    def __init__(self, screen, faces, far):
        self.screen, self.far = screen, far

    @staticmethod
    def homogeneous(points):
        """Points (V, 3), on the screen or in camera space, with h in the place of z."""
        return points

    @staticmethod
    def homogeneous_pixels(pixels):
        """What pixels show, (face_id, barycentric, depth), with h in the place of depth."""
        return pixels

    def on_faces(self, pixels):
        """What kernels say that pixels show, as the camera sees it."""
        return pixels

    def on_edges(self, edges, along):
        """Where on edges (n, 2) points are, (n,) from 0 to 1, as the camera sees it, from what kernels say."""
        return along

    @staticmethod
    def gain_of_points(gain):
        """The gain by Y, from that by h (u, v, 1), (..., 3); in place."""
        return gain

    def fronts_of_points(self, fronts):
        """`Fronts` by Y, from those of kernels."""
        return fronts


class AffineView(PerspectiveView):
    """The view of an affine camera: kernels are given its stand-in in perspective."""

    points = AffineScreenPoints

    def __init__(self, screen, faces, far):
        self.true_screen, self.faces, self.true_far = screen, faces, far
        z = screen[faces, 2]
        z = z[z.min(axis=1) <= far]
        most = z.max(initial=0.0)
        self.range = max(most - z.min(initial=most), LEAST_RANGE * most) or 1.0
        with np.errstate(divide="ignore"):
            depth = 1.0 / (1.0 + (most - screen[:, 2]) / self.range)
            self.far = float(1.0 / np.maximum(1.0 + (most - np.float64(far)) / self.range, 0.0))
        self.screen = np.column_stack([screen[:, :2], depth])

    @staticmethod
    def homogeneous(points):
        return np.column_stack([points[:, :2], np.ones(len(points))])

    @staticmethod
    def homogeneous_pixels(pixels):
        return *pixels[:2], np.ones(pixels[0].shape)

    def on_faces(self, pixels):
        return pixels[0], *interpolate_linearly(pixels[0], pixels[1], self.faces, self.screen[:, 2].copy(),
                                                self.true_screen[:, 2].copy(), self.true_far)

    def on_edges(self, edges, along):
        start, end = self.screen[edges, 2].T
        return along * end / ((1.0 - along) * start + along * end)

    @staticmethod
    def gain_of_points(gain):
        gain[..., 2] = 0.0
        return gain

    def fronts_of_points(self, fronts):
        u, v, depth = self.screen[fronts.vertex].T
        along_u, along_v, along_h = fronts.direction.T
        direction = np.column_stack([depth * along_u, depth * along_v,
                                     (u * along_u + v * along_v + along_h) * depth**2 / self.range])
        return fronts._replace(direction=direction)


def view_of(camera):
    """The kind of view of a camera."""
    return AffineView if camera.is_affine else PerspectiveView
