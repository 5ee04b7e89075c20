"""Distortion by a lens, as in OpenCV: normalized coordinates (x, y) go to (x', y').

    s = x² + y²
    g = (1 + k1 s + k2 s² + k3 s³) / (1 + k4 s + k5 s² + k6 s³)
    x' = g x + 2 p1 x y + p2 (s + 2 x²)
    y' = g y + p1 (s + 2 y²) + 2 p2 x y

with k = (k1, k2, p1, p2, k3, k4, k5, k6). As (x', y') is the gradient of a potential in (x, y), its Jacobian is
symmetric:

    ∂x'/∂x = g + 2 g' x² + 2 p1 y + 6 p2 x        g' = dg/ds
    ∂y'/∂y = g + 2 g' y² + 6 p1 y + 2 p2 x
    ∂x'/∂y = ∂y'/∂x = 2 g' x y + 2 p1 x + 2 p2 y
"""
from functools import cached_property

import numpy as np

from ..kernels.cpu.projection import distorted, radial_gain
from .finite import reciprocal

__all__ = ["Distortion", "undistort"]

UNDISTORT_TOLERANCE, UNDISTORT_STEPS = 1e-12, 100


class Distortion:
    """(x', y') of the module's formulas at normalized coordinates x, y (N,), with derivatives.

    `k` has eight entries.
    """

    def __init__(self, x, y, k):
        self.x, self.y, self.k = x, y, k
        self.p1, self.p2 = k[2:4]

    @cached_property
    def s(self):
        return self.x * self.x + self.y * self.y

    @cached_property
    def inverse(self):
        """Of the denominator of g."""
        return reciprocal(self._fraction[1])

    @cached_property
    def g(self):
        return self._fraction[0] * self.inverse

    @cached_property
    def _fraction(self):
        k1, k2, _, _, k3, k4, k5, k6 = self.k
        return radial_gain(self.s, k1, k2, k3, k4, k5, k6)

    @cached_property
    def value(self):
        """x', y' as an array (2, N)."""
        return np.stack(distorted(self.x, self.y, self.s, self.g, self.p1, self.p2))

    @cached_property
    def slopes(self):
        """∂x'/∂x, ∂x'/∂y = ∂y'/∂x, ∂y'/∂y, three arrays (N,); numbers where nothing is distorted."""
        if not self.k.any():
            return 1.0, 0.0, 1.0
        x, y, s, p1, p2 = self.x, self.y, self.s, self.p1, self.p2
        k1, k2, _, _, k3, k4, k5, k6 = self.k
        dg = 2 * (k1 + s * (2 * k2 + 3 * k3 * s) - self.g * (k4 + s * (2 * k5 + 3 * k6 * s))) * self.inverse
        return (self.g + dg * x * x + 2 * p1 * y + 6 * p2 * x,
                dg * x * y + 2 * (p1 * x + p2 * y),
                self.g + dg * y * y + 6 * p1 * y + 2 * p2 * x)

    @cached_property
    def wrt_k(self):
        """The derivatives of (x', y') with respect to the eight coefficients, (8, 2, N)."""
        x, y, s = self.x, self.y, self.s
        radial = np.stack((x, y)) * (self.inverse * s)
        rational = -self.g * radial
        return np.stack((radial, s * radial,
                         np.stack((2 * x * y, s + 2 * y * y)), np.stack((s + 2 * x * x, 2 * x * y)),
                         s * s * radial, rational, s * rational, s * s * rational))


def undistort(distorted, k):
    """Normalized coordinates (N, 2) that the lens takes to `distorted` (N, 2).

    Newton's method, a step halved for as long as it comes no closer. The residual is at most 1e-12 (relative
    beyond 1). A point that is not found becomes NaN: what a lens shows ends where its polynomial turns back.
    """
    q = np.ascontiguousarray(distorted.T)
    tolerance = UNDISTORT_TOLERANCE * np.maximum(1.0, np.abs(q).max(axis=0, initial=0.0))
    p, scale = q.copy(), np.ones(q.shape[1])
    with np.errstate(all="ignore"):
        lens = Distortion(*p, k)
        for _ in range(UNDISTORT_STEPS):
            residual = q - lens.value
            error = np.abs(residual).max(axis=0, initial=0.0)
            if (error <= tolerance).all():
                break
            xx, xy, yy = lens.slopes
            step = np.stack((yy * residual[0] - xy * residual[1],
                             xx * residual[1] - xy * residual[0])) / (xx * yy - xy * xy)
            trial = Distortion(*(p + scale * step), k)
            better = np.abs(q - trial.value).max(axis=0, initial=0.0) < error
            scale = np.where(better, 1.0, 0.5 * scale)
            p = np.where(better, np.stack((trial.x, trial.y)), p)
            lens = Distortion(*p, k)
        reached = np.abs(q - lens.value).max(axis=0, initial=0.0) <= tolerance
    return np.where(reached, p, np.nan).T
