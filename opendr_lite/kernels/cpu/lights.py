"""Light on points of a surface: directions, what a surface reflects, and its derivatives.

Directions are d / |d| for vectors d = sign · (points - place), see `lighting.directions`. What is reflected, and the
lobes, are derived in `lighting.light` and `lighting.lobes`.
"""
import math

import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import formula, kernel, read_only

POINTS_PER_BAND = 8192
LAMBERT, PHONG, BLINN_PHONG = 0, 1, 2  # kinds of lobes


def directions(points, place, sign):
    """Rows of sign · (points - place), normalized, (N, 3), their lengths (N,), and one over these; 0 for zeros.

    Parameters
    ----------
    points : (N, 3) float64
    place : (3,) float64
    sign : float
    """
    u, length, inverse = empty(points.shape), empty(len(points)), empty(len(points))
    _run(_directions, len(points), _as_input(points), _as_input(place), sign, u, length, inverse)
    return u, length, inverse


def through_direction(wrt_u, wrt_length, u, inverse_length):
    """Derivatives (N, 3) by vectors of numbers, from those by their directions and their lengths.

    Parameters
    ----------
    wrt_u, wrt_length : (N, 3), (N,) float64
    u, inverse_length : (N, 3), (N,) float64, or (1, 3), (1,)
    """
    result = empty(wrt_u.shape)
    _run(_through_direction, len(wrt_u), *map(_as_input, (wrt_u, wrt_length, u, inverse_length)), result)
    return result


def reflect(lobe, n, u, w, intensity, shininess, with_slopes):
    """I max(0, L(n, u, w))^s where n·u > 0, else 0, and its derivatives.

    Parameters
    ----------
    lobe : int
        LAMBERT, PHONG or BLINN_PHONG.
    n : (N, 3) float64
    u, w : (N, 3) or (1, 3) float64
    intensity : (N,) or (1,) float64
    shininess : float
    with_slopes : bool

    Returns
    -------
    value, wrt_intensity : (N,) float64
    wrt_n, wrt_u, wrt_w, wrt_shininess : (N, 3), and (N,) float64
        Without rows unless `with_slopes`; the last two also without for LAMBERT, which does not depend on them.
    """
    value, power = empty(len(n)), empty(len(n))
    rows = len(n) if with_slopes else 0
    gloss_rows = rows if lobe != LAMBERT else 0
    slopes = empty((rows, 3)), empty((rows, 3)), empty((gloss_rows, 3)), empty(gloss_rows)
    _run(_reflect, len(n), lobe, *map(_as_input, (n, u, w, intensity)), float(shininess), value, power, *slopes)
    return value, power, *slopes


def add_products(total, tint, gradient):
    """total[p, c, d] += tint[p, c] gradient[p, d], for a tint (N, C) or (1, C)."""
    _run(_add_products, len(gradient), _as_input(tint), _as_input(gradient), total)


def add_scaled(total, scale, blocks, place):
    """total[p, c, d] += scale[p, c] blocks[place[p], c, d], where place[p] is not negative.

    Parameters
    ----------
    total : (N, C, D) float64
    scale : (N, C) or (1, C) float64
    blocks : (n, C or more, D) or (n, 1, D) float64
    place : (N,) int32
    """
    _run(_add_scaled, len(total), *map(_as_input, (scale, blocks, place)), total)


def _run(kernel, count, *arguments):
    run_bands(kernel, split(count, POINTS_PER_BAND), *arguments)


def _as_input(array):
    return read_only(np.ascontiguousarray(array))


# ---------------------------------------------------------------------- formulas

@formula
def dot(ax, ay, az, bx, by, bz):
    return ax * bx + ay * by + az * bz


@formula
def across(gx, gy, gz, ux, uy, uz):
    """(I - u uᵀ) g"""
    along = dot(gx, gy, gz, ux, uy, uz)
    return gx - along * ux, gy - along * uy, gz - along * uz


@formula
def phong(nx, ny, nz, ux, uy, uz, wx, wy, wz):
    """r·w, and its derivatives by n, u and w."""
    a, b = 2.0 * dot(nx, ny, nz, ux, uy, uz), 2.0 * dot(nx, ny, nz, wx, wy, wz)
    cosine = 0.5 * a * b - dot(ux, uy, uz, wx, wy, wz)
    return (cosine, b * ux + a * wx, b * uy + a * wy, b * uz + a * wz, b * nx - wx, b * ny - wy, b * nz - wz,
            a * nx - ux, a * ny - uy, a * nz - uz)


@formula
def blinn_phong(nx, ny, nz, ux, uy, uz, wx, wy, wz):
    """n·h, and its derivatives by n, u and w."""
    hx, hy, hz = ux + wx, uy + wy, uz + wz
    length = math.sqrt(dot(hx, hy, hz, hx, hy, hz))
    inverse = 1.0 / length if length > 0.0 else 0.0
    hx, hy, hz = hx * inverse, hy * inverse, hz * inverse
    x, y, z = across(nx, ny, nz, hx, hy, hz)
    x, y, z = x * inverse, y * inverse, z * inverse
    return dot(nx, ny, nz, hx, hy, hz), hx, hy, hz, x, y, z, x, y, z


# ---------------------------------------------------------------------- loops

@kernel
def _directions(start, stop, points, place, sign, u, length, inverse):
    for p in range(start, stop):
        x, y, z = points[p, 0] - place[0], points[p, 1] - place[1], points[p, 2] - place[2]
        length[p] = math.sqrt(dot(x, y, z, x, y, z))
        inverse[p] = 1.0 / length[p] if length[p] > 0.0 else 0.0
        scale = sign * inverse[p]
        u[p, 0], u[p, 1], u[p, 2] = scale * x, scale * y, scale * z


@kernel
def _through_direction(start, stop, wrt_u, wrt_length, u, inverse_length, result):
    step = min(len(u) - 1, 1)  # 0 if it is the same for all
    for p in range(start, stop):
        q = p * step
        x, y, z = across(wrt_u[p, 0], wrt_u[p, 1], wrt_u[p, 2], u[q, 0], u[q, 1], u[q, 2])
        along, inverse = wrt_length[p], inverse_length[q]
        result[p, 0] = x * inverse + along * u[q, 0]
        result[p, 1] = y * inverse + along * u[q, 1]
        result[p, 2] = z * inverse + along * u[q, 2]


@kernel
def _reflect(start, stop, lobe, n, u, w, intensity, shininess, value, power, wrt_n, wrt_u, wrt_w, wrt_shininess):
    u_step, w_step, intensity_step = min(len(u) - 1, 1), min(len(w) - 1, 1), min(len(intensity) - 1, 1)
    with_slopes = len(wrt_n) > 0
    for p in range(start, stop):
        nx, ny, nz = n[p, 0], n[p, 1], n[p, 2]
        q, r = p * u_step, p * w_step
        ux, uy, uz = u[q, 0], u[q, 1], u[q, 2]
        wx, wy, wz = w[r, 0], w[r, 1], w[r, 2]
        strength = intensity[p * intensity_step]
        facing = dot(nx, ny, nz, ux, uy, uz)
        if lobe == LAMBERT:
            cosine, ax, ay, az, bx, by, bz, cx, cy, cz = facing, ux, uy, uz, nx, ny, nz, 0.0, 0.0, 0.0
        elif lobe == PHONG:
            cosine, ax, ay, az, bx, by, bz, cx, cy, cz = phong(nx, ny, nz, ux, uy, uz, wx, wy, wz)
        else:
            cosine, ax, ay, az, bx, by, bz, cx, cy, cz = blinn_phong(nx, ny, nz, ux, uy, uz, wx, wy, wz)
        is_lit = facing > 0.0 and cosine > 0.0
        raised = 0.0
        if is_lit:
            raised = cosine if shininess == 1.0 else cosine ** shininess
        power[p] = raised
        value[p] = strength * raised
        if with_slopes:
            steep = strength * shininess * raised / cosine if is_lit else 0.0
            wrt_n[p, 0], wrt_n[p, 1], wrt_n[p, 2] = steep * ax, steep * ay, steep * az
            wrt_u[p, 0], wrt_u[p, 1], wrt_u[p, 2] = steep * bx, steep * by, steep * bz
            if lobe != LAMBERT:
                wrt_w[p, 0], wrt_w[p, 1], wrt_w[p, 2] = steep * cx, steep * cy, steep * cz
                wrt_shininess[p] = value[p] * math.log(cosine) if is_lit else 0.0


@kernel
def _add_products(start, stop, tint, gradient, total):
    step = min(len(tint) - 1, 1)
    for p in range(start, stop):
        for c in range(total.shape[1]):
            scale = tint[p * step, c]
            for d in range(total.shape[2]):
                total[p, c, d] += scale * gradient[p, d]


@kernel
def _add_scaled(start, stop, scale, blocks, place, total):
    step, channel_step = min(len(scale) - 1, 1), min(blocks.shape[1] - 1, 1)
    for p in range(start, stop):
        if place[p] < 0:
            continue
        for c in range(total.shape[1]):
            factor = scale[p * step, c]
            for d in range(total.shape[2]):
                total[p, c, d] += factor * blocks[place[p], c * channel_step, d]
