"""Points in the world to camera space, and on to the screen; the formulas are derived in `opendr_lite.camera`.

Those formulas that are public take numbers, and arrays as well: the derivatives, in NumPy, are made of the same ones.
"""
import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import formula, kernel, read_only

MAX_RECIPROCAL, MAX_NORMALIZED = 1e20, 1e15
POINTS_PER_BAND = 16384


def transform(points, rotation, translation):
    """R x + t for each of the points.

    Parameters
    ----------
    points : (N, 3) float64
    rotation : (3, 3) float64
    translation : (3,) float64

    Returns
    -------
    (N, 3) float64
    """
    moved = empty((len(points), 3))
    run_bands(_transform, split(len(points), POINTS_PER_BAND), read_only(np.ascontiguousarray(points)),
              np.ascontiguousarray(rotation), read_only(np.ascontiguousarray(translation)), moved)
    return moved


def project(points, f, c, k):
    """Points in camera space on the screen.

    Parameters
    ----------
    points : (N, 3) float64
    f, c : (2,) float64
    k : (8,) float64

    Returns
    -------
    uv : (N, 2) float64
        In pixels.
    screen : (N, 3) float64
        u, v and z.
    """
    uv, screen = empty((len(points), 2)), empty((len(points), 3))
    run_bands(_project, split(len(points), POINTS_PER_BAND), read_only(np.ascontiguousarray(points)),
              np.concatenate((f, c, k)), uv, screen)
    return uv, screen


@formula
def radial_gain(s, k1, k2, k3, k4, k5, k6):
    """g of the camera's formulas, as numerator and denominator."""
    return 1.0 + s * (k1 + s * (k2 + s * k3)), 1.0 + s * (k4 + s * (k5 + s * k6))


@formula
def distorted(x, y, s, g, p1, p2):
    """x' and y'."""
    gain = g + 2.0 * p1 * y + 2.0 * p2 * x
    return x * gain + p2 * s, y * gain + p1 * s


@formula
def _limited(x, limit):
    return limit if x > limit else -limit if x < -limit else x


@formula
def _reciprocal(x):
    return _limited(1.0 / (1.0 if x == 0.0 else x), MAX_RECIPROCAL)


@kernel
def _transform(start, stop, points, rotation, translation, moved):
    for p in range(start, stop):
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        for i in range(3):
            moved[p, i] = rotation[i, 0] * x + rotation[i, 1] * y + rotation[i, 2] * z + translation[i]


@kernel
def _project(start, stop, points, lens, uv, screen):
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    k1, k2, p1, p2, k3, k4, k5, k6 = lens[4], lens[5], lens[6], lens[7], lens[8], lens[9], lens[10], lens[11]
    for p in range(start, stop):
        inverse_depth = _reciprocal(points[p, 2])
        x = _limited(points[p, 0] * inverse_depth, MAX_NORMALIZED)
        y = _limited(points[p, 1] * inverse_depth, MAX_NORMALIZED)
        s = x * x + y * y
        numerator, denominator = radial_gain(s, k1, k2, k3, k4, k5, k6)
        x, y = distorted(x, y, s, numerator * _reciprocal(denominator), p1, p2)
        u, v = fx * x + cx, fy * y + cy
        uv[p, 0], uv[p, 1] = u, v
        screen[p, 0], screen[p, 1], screen[p, 2] = u, v, points[p, 2]
