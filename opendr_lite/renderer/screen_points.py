"""Where vertices are on the screen, in the coordinates in which derivatives with depth are simplest.

    Y = z (u, v, 1)

Perspective-correct interpolation is linear in these: the point of a face that a pixel shows, with barycentric
coordinates b on the face in space, is at sum_k b_k Y_k. If that moves by dY, it moves on the screen by

    du = (dY_1 - u dY_3) / z        dv = (dY_2 - v dY_3) / z
"""
import numpy as np

from ..ch import Ch
from ..ch.linear_maps import BlockDiagonal

__all__ = ["ScreenPoints"]


class ScreenPoints(Ch):
    """z (u, v, 1) of the points of a camera, (V, 3).

    Parameters
    ----------
    camera : ProjectPoints
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
