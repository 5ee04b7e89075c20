"""The backward rule of the Neural 3D Mesh Renderer, `kernels.cpu.neural`, as what a renderer knows of its screen.

By h (u, v, 1), with h the homogeneous weights of the points (`stand_in`), of which u and v alone matter, the gradient is

    (∂L/∂u, ∂L/∂v, -(u ∂L/∂u + v ∂L/∂v)) / h
"""
import numpy as np

from ..ch.linear_maps import BackwardRule
from ..kernels.cpu.neural import pull_edges

__all__ = ["COLOR_EPS", "SILHOUETTE_EPS", "neural_motion"]

SILHOUETTE_EPS, COLOR_EPS = 1e-4, 1e-3  # of half the image
NO_JACOBIAN = (
    "derivative='neural' is a backward rule: what it makes of an incoming gradient depends on the signs in it, so that it "
    "is no linear map, and there is no Jacobian with respect to where vertices are on the screen (nor with respect to "
    "anything that moves them). Take vjp, for one incoming gradient at a time, and a method of minimize that needs no more "
    "than a gradient, such as 'adam', 'L-BFGS-B' or 'CG'. For dr_wrt, jvp, and Gauss-Newton methods ('dogleg', 'lm', "
    "'trf', ...) take derivative='exact' or 'opendr'")


def neural_motion(screen, f, face_id, image, eps, gain_of_points):
    """What stands in for the derivative of an image with respect to Y of the points (`screen_points`).

    Parameters
    ----------
    screen : (V, 3) float64
        u, v, h.
    f : (F, 3) int32
    face_id : (h, w) int32
        The face seen at each pixel, -1 for none.
    image : (h, w, C) float64
    eps : float
        Added to all distances; 2 is the width of the image, and its height.
    gain_of_points : callable
        Takes a gradient by h (u, v, 1) to that by Y.

    Returns
    -------
    BackwardRule of shape (h w C, 3 V)
    """
    height, width, _ = image.shape
    eps = 0.5 * eps * width, 0.5 * eps * height

    def rule(cotangent):
        of_corners = pull_edges(screen, f, face_id, image, np.ascontiguousarray(cotangent).reshape(image.shape), eps)
        du, dv = np.moveaxis(of_corners, 2, 0)
        u, v, h = np.moveaxis(screen[f], 2, 0)
        by_points = gain_of_points(np.stack([du / h, dv / h, -(u * du + v * dv) / h], axis=-1))
        return np.column_stack([np.bincount(f.ravel(), by_points[..., d].ravel(), minlength=len(screen))
                                for d in range(3)]).ravel()

    return BackwardRule((image.size, screen.size), rule, NO_JACOBIAN)
