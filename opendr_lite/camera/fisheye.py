"""Fisheye lenses, by OpenCV's model: the distance from the centre is a polynomial of the angle to the axis (Kannala and
Brandt, "A generic camera model and calibration method for conventional, wide-angle, and fish-eye lenses", PAMI 2006).

    ρ = |(X_x, X_y)|,  e = (X_x, X_y) / ρ,  θ = atan2(ρ, X_z)
    θ_d = θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸)
    q = θ_d e

With R = |X|: dθ = (X_z dρ - ρ dX_z) / R², dρ = e · d(X_x, X_y), and de = (I - e eᵀ) d(X_x, X_y) / ρ, so that

    dq = (m I + (n - m) e eᵀ) d(X_x, X_y) - θ_d' ρ / R² e dX_z        m = θ_d / ρ,  n = θ_d' X_z / R²

m is how q grows around the axis, n how it grows away from it; on the axis both are 1 / X_z.

The way back: θ_d(θ) rises from 0 up to θ_most, where it turns back, or 90 degrees. There the root of θ_d(θ) = |q| is
found, and X = z (tan θ e, 1).
"""
from functools import cached_property

import numpy as np

from ..ch import depends_on
from ..inputs import input_points, input_vector
from ..kernels.cpu.projection import MAX_RECIPROCAL
from .base import Camera, LensSlopes
from .finite import reciprocal, within

__all__ = ["FisheyeCamera"]

NEWTON_STEPS = 100
TOLERANCE = 1e-14  # radians


def distorted_angle(theta, k):
    """θ_d, and its derivative θ_d'."""
    s = theta * theta
    k1, k2, k3, k4 = k
    return (theta * (1.0 + s * (k1 + s * (k2 + s * (k3 + s * k4)))),
            1.0 + s * (3.0 * k1 + s * (5.0 * k2 + s * (7.0 * k3 + s * 9.0 * k4))))


def largest_angle(k):
    """θ_most: where θ_d turns back, if that is before 90 degrees."""
    k1, k2, k3, k4 = k
    squares = np.roots([9.0 * k4, 7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0])
    turns = np.sqrt(squares.real[(np.abs(squares.imag) <= 1e-12 * np.abs(squares)) & (squares.real > 0.0)])
    return min(0.5 * np.pi, turns.min(initial=np.inf))


def undistorted_angle(distorted, k):
    """θ with θ_d(θ) = `distorted` (N,), from 0 to θ_most; NaN where there is none.

    Newton's method, a step out of the interval that is known to hold the root replaced by halving it.
    """
    most = largest_angle(k)
    low, high = np.zeros(len(distorted)), np.full(len(distorted), most)
    theta = np.minimum(distorted, most)
    for _ in range(NEWTON_STEPS):
        value, slope = distorted_angle(theta, k)
        low, high = np.where(value <= distorted, theta, low), np.where(value >= distorted, theta, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = theta + (distorted - value) / slope
        following = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        done = (np.abs(following - theta) <= TOLERANCE).all()
        theta = following
        if done:
            break
    return np.where(distorted < distorted_angle(most, k)[0], theta, np.nan)


class FisheyeProjection(LensSlopes):
    """q of camera-space points (N, 3), with derivatives. `f` has two entries, `k` four."""

    def __init__(self, points, f, k):
        self.f = f
        X, Y, self.Z = np.ascontiguousarray(points.T)
        self.rho = np.hypot(X, Y)
        self.theta = np.arctan2(self.rho, self.Z)
        self.theta_d, self.slope = distorted_angle(self.theta, k)
        self.on_axis = self.rho == 0.0
        self.e = np.stack((X, Y)) / np.where(self.on_axis, 1.0, self.rho)

    @cached_property
    def value(self):
        return self.theta_d * self.e

    def wrt_points(self):
        """(N, 2, 3)"""
        inverse_depth, R = reciprocal(self.Z), np.hypot(self.rho, self.Z)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            around = np.where(self.on_axis, inverse_depth, within(self.theta_d / self.rho, MAX_RECIPROCAL))
            away = np.where(self.on_axis, inverse_depth, within(self.slope * (self.Z / R) / R, MAX_RECIPROCAL))
            along_axis = np.where(self.on_axis, 0.0, within(-self.slope * (self.rho / R) / R, MAX_RECIPROCAL))
        blocks = np.empty((len(R), 2, 3))
        for row, (f, e) in enumerate(zip(self.f, self.e)):
            blocks[:, row, :2] = (f * (away - around) * e * self.e).T
            blocks[:, row, row] += f * around
            blocks[:, row, 2] = f * along_axis * e
        return blocks

    def wrt_k(self):
        """(N, 2, 4)"""
        powers = self.theta[:, None] ** np.array([3, 5, 7, 9])
        return (self.f[:, None] * self.e).T[:, :, None] * powers[:, None, :]


class FisheyeCamera(Camera):
    """Pixel coordinates (V, 2) of points through a fisheye lens, see the module for the formulas.

    A renderer draws the edges between projected vertices straight, and interpolates with perspective, while a fisheye
    lens bends lines: faces must be small against their distance, subdivide them if they are not. What is 90 degrees or
    more from the axis has no positive depth, so the near plane clips it.

    Parameters
    ----------
    v : (V, 3)
        Points in the world.
    rt, t : (3,)
        Rotation vector and translation from the world to the camera, by default 0.
    f : (2,), or a number for both
        Pixels per radian on the axis. Not 0.
    c : (2,)
        Principal point in pixels; ((width - 1) / 2, (height - 1) / 2) is the middle of an image.
    k : (0,) or (4,)
        Coefficients k1, k2, k3, k4 of OpenCV's fisheye model; by default none, an equidistant lens.

    Attributes
    ----------
    v_cam, z, screen
        See `Camera`. Depth is z, not the distance.
    """

    dterms = "v", "rt", "t", "f", "c", "k", "v_cam"
    term_order = "v", "rt", "t", "f", "c", "k"
    lens_terms = "f", "c", "k"
    initial_values = {"k": np.zeros(0)}

    @depends_on("k")
    def _coefficients(self):
        """Checked k (4,)."""
        k = input_vector(self, "k", (0, 4))
        return k if k.size else np.zeros(4)

    @depends_on("v_cam", "f", "c", "k")
    def _projected(self):
        return self._project(input_points(self, "v_cam"))

    def _project(self, points):
        f, c = self._scale_and_centre
        uv = f * FisheyeProjection(points, f, self._coefficients).value.T + c
        return uv, np.column_stack((uv, points[:, 2]))

    def _unproject(self, q, depth):
        distorted = np.hypot(*q.T)
        tangent = np.tan(undistorted_angle(distorted, self._coefficients))
        gain = np.where(distorted > 0.0, tangent / np.where(distorted > 0.0, distorted, 1.0), 0.0)
        return np.column_stack((q * gain[:, None], np.ones(len(q)))) * depth[:, None]

    @depends_on("v_cam", "f", "c", "k")
    def _slopes(self):
        f, _ = self._scale_and_centre
        return FisheyeProjection(self.v_cam.r.reshape(-1, 3), f, self._coefficients)

    def _partials(self, slopes):
        return {"k": lambda: self._of_vector(slopes.wrt_k()[:, :, :self.k.size])}
