"""Real spherical harmonics at many points; the formulas are in `lighting.harmonics`."""
import numpy as np

from ...memory import empty, zeros
from ...threads import run_bands, split
from ..jit import kernel, read_only, step

POINTS_PER_BAND = 4096


def harmonics(n, degree, order, scale):
    """Y_j (N, J) at unit vectors.

    Parameters
    ----------
    n : (N, 3) float64
    degree, order : (J,) int64
        l and m of each.
    scale : (J,) float64
        K_lm.
    """
    values = empty((len(n), len(scale)))
    _run(_harmonics, n, degree, order, scale, values)
    return values


def harmonic_slopes(n, degree, order, scale, components):
    """The gradients (N, C, 3) of sum_j components_j Y_j, for components (J, C)."""
    slopes = zeros((len(n), components.shape[1], 3))
    _run(_harmonic_slopes, n, degree, order, scale, read_only(np.ascontiguousarray(components)), slopes)
    return slopes


def _run(kernel, n, *arguments):
    run_bands(kernel, split(len(n), POINTS_PER_BAND), read_only(np.ascontiguousarray(n)), *arguments)


@step
def _factors(x, y, z, legendre, real, imaginary):
    """Fill in Π_lm for m <= l + 1, and (x + i y)^m."""
    bands = len(real)
    legendre[0, 0], legendre[0, 1], real[0], imaginary[0] = 1.0, 0.0, 1.0, 0.0
    for m in range(1, bands):
        real[m] = real[m - 1] * x - imaginary[m - 1] * y
        imaginary[m] = real[m - 1] * y + imaginary[m - 1] * x
        legendre[m, m], legendre[m, m + 1] = (2 * m - 1) * legendre[m - 1, m - 1], 0.0
    for m in range(bands):
        for l in range(m + 1, bands):
            before = legendre[l - 2, m] if l - 2 >= m else 0.0
            legendre[l, m] = ((2 * l - 1) * z * legendre[l - 1, m] - (l + m - 1) * before) / (l - m)


@kernel
def _harmonics(start, stop, n, degree, order, scale, values):
    bands = degree.max() + 1
    legendre, real, imaginary = np.empty((bands, bands + 1)), np.empty(bands), np.empty(bands)
    for p in range(start, stop):
        _factors(n[p, 0], n[p, 1], n[p, 2], legendre, real, imaginary)
        for j in range(len(scale)):
            m = order[j]
            around = real[m] if m >= 0 else imaginary[-m]
            values[p, j] = scale[j] * legendre[degree[j], abs(m)] * around


@kernel
def _harmonic_slopes(start, stop, n, degree, order, scale, components, slopes):
    bands = degree.max() + 1
    legendre, real, imaginary = np.empty((bands, bands + 1)), np.empty(bands), np.empty(bands)
    for p in range(start, stop):
        _factors(n[p, 0], n[p, 1], n[p, 2], legendre, real, imaginary)
        for j in range(len(scale)):
            l, m = degree[j], abs(order[j])
            along_x = along_y = 0.0
            around = real[m] if order[j] >= 0 else imaginary[m]
            if m > 0:
                inner = scale[j] * m * legendre[l, m]
                along_x, along_y = inner * real[m - 1], -inner * imaginary[m - 1]
                if order[j] < 0:
                    along_x, along_y = inner * imaginary[m - 1], inner * real[m - 1]
            along_z = scale[j] * legendre[l, m + 1] * around
            for c in range(components.shape[1]):
                slopes[p, c, 0] += components[j, c] * along_x
                slopes[p, c, 1] += components[j, c] * along_y
                slopes[p, c, 2] += components[j, c] * along_z
