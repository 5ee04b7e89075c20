"""Where vertices are on the screen, in the coordinates in which derivatives with depth are simplest.

    Y = z (u, v, 1)        of a perspective camera
    Y = (u, v, z)          of an affine one

Interpolation is linear in these: the point of a face that a pixel shows, with barycentric coordinates b on the face in
space, is at sum_k b_k Y_k. If that moves by dY, it moves on the screen by

    du = (dY_1 - u dY_3) / z        dv = (dY_2 - v dY_3) / z        in perspective
    du = dY_1                       dv = dY_2                       else
"""
import numpy as np
import scipy.sparse as sp

from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal
from ..kernels.clipping import extend_vertices

__all__ = ["AffineScreenPoints", "ClippedPoints", "ScreenPoints"]


class ScreenPoints(Ch):
    """z (u, v, 1) of the points of a perspective camera, (V, 3).

    Parameters
    ----------
    camera : Camera
    """

    dterms = "camera", "z"
    term_order = "camera",

    @property
    def z(self):
        return self.camera.z

    def compute_r(self):
        screen = self.camera.screen
        return np.column_stack([screen[:, :2] * screen[:, 2:], screen[:, 2]])

    def compute_dr_wrt(self, wrt):
        screen = self.camera.screen
        if wrt is self.camera:
            blocks = np.zeros((len(screen), 3, self.camera.shape[1]))
            blocks[:, 0, 0] = blocks[:, 1, 1] = screen[:, 2]
        elif wrt is self.z:
            blocks = np.ones((len(screen), 3, 1))
            blocks[:, :2, 0] = screen[:, :2]
        else:
            return None
        return BlockDiagonal(blocks)


class AffineScreenPoints(ScreenPoints):
    """(u, v, z) of the points of an affine camera, (V, 3)."""

    def compute_r(self):
        return self.camera.screen.copy()

    def compute_dr_wrt(self, wrt):
        count = len(self.camera.screen)
        if wrt is self.camera:
            return BlockDiagonal(np.broadcast_to(np.eye(3, 2), (count, 3, 2)))
        if wrt is self.z:
            return BlockDiagonal(np.broadcast_to([[0.0], [0.0], [1.0]], (count, 3, 1)))


class ClippedPoints(Ch):
    """Vertices in camera space, followed by the points where the near plane cuts edges, (V + N, 3).

    With s the place of such a point on its edge from a to b, X = (1 - s) X_a + s X_b, and since it stays in the plane,
    ds = -((1 - s) dz_a + s dz_b) / (z_b - z_a).

    Parameters
    ----------
    v_cam : (V, 3)
    clipped : ClippedMesh
    """

    terms = "clipped",
    dterms = "v_cam",
    term_order = "v_cam", "clipped"

    @depends_on()
    def z(self):
        """The third coordinates, a node."""
        return self[:, 2]

    def compute_r(self):
        return extend_vertices(self.v_cam.r.reshape(-1, 3), self.clipped)

    def compute_dr_wrt(self, wrt):
        points = self.v_cam.r.reshape(-1, 3)
        (a, b), s, count = self.clipped.new_vertices.T, self.clipped.weight, len(points)
        along = points[b] - points[a]
        slope = along / along[:, 2:]
        blocks = []
        for share in (1.0 - s, s):
            block = share[:, None, None] * np.eye(3)
            block[:, :, 2] -= share[:, None] * slope
            blocks.append(block)
        row, column = np.indices((3, 3))
        rows = 3 * np.arange(len(s))[:, None, None] + row
        new = sp.csr_matrix((np.stack(blocks).ravel(), (np.stack([rows, rows]).ravel(), np.concatenate(
            [3 * end[:, None, None] + column for end in (a, b)]).ravel())), shape=(3 * len(s), 3 * count))
        return sp.vstack([sp.identity(3 * count), new], format="csr")
