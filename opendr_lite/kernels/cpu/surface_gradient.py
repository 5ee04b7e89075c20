"""How colours change over the screen, along the surface that a pixel shows; and what that makes of its motion.

For values a at the corners of a face, interpolated with perspective, I = sum_k b_k a_k and (see `texture`)

    ∇I = z (sum_k a_k l_k / z_k - I sum_k l_k / z_k)

with l_k the gradient of the barycentric coordinate λ_k on the screen. A surface that carries its colours along, and moves
by (du, dv) where a pixel sees it, changes the pixel by -∇I · (du, dv); as a function of the motion of Y = z (u, v, 1),

    dI = g · dY        g = -(I_u, I_v, -(u I_u + v I_v)) / z.

Values that are interpolated linearly on the screen have 1 in the place of every z.
"""
import numpy as np

from ...memory import empty, zeros
from ...threads import run_bands, split
from ..jit import formula, kernel, read_only
from .texture import corner_slopes

PIXELS_PER_BAND = 16384


def surface_gradient(pixels, screen, f, corners, values):
    """∇I of values at the corners of the faces, at pixels or other points of the screen.

    Parameters
    ----------
    pixels : (face_id, barycentric, depth)
        Of N points in all.
    screen : (V, 3) float64
        u, v, z.
    f, corners : (F, 3) int32
        Corners of the faces, and where their values are.
    values : (points, C) float64

    Returns
    -------
    (N, C, 2) float64
        0 where no face is seen, and on faces of which the projection is not finite.
    """
    gradient = zeros((pixels[0].size, values.shape[1], 2))
    _interpolate_slopes(pixels, screen, f, corners, values, 0, gradient)
    return gradient


def surface_gain(pixels, screen, f, corners, values, width):
    """g of values at the corners of the faces, at the pixels of an image of that width: see `surface_gradient`.

    Returns
    -------
    (N, C, 3) float64
        Undefined where no face is seen.
    """
    gain = empty((pixels[0].size, values.shape[1], 3))
    _interpolate_slopes(pixels, screen, f, corners, values, width, gain)
    return gain


def gain_of_motion(gradient, position, depth):
    """g of points, (N, C, 3), from ∇I, (N, C, 2), their position, (N, 2), or the width of their image, and z, (N,)."""
    gain = empty(gradient.shape[:2] + (3,))
    width = 0 if np.ndim(position) else position
    run_bands(_gain_of_motion, split(len(gradient), PIXELS_PER_BAND), read_only(gradient), width,
              read_only(np.empty((0, 2)) if width else position), depth, gain)
    return gain


def _interpolate_slopes(pixels, screen, f, corners, values, width, out):
    face_id, barycentric, depth = pixels
    run_bands(_slopes, split(face_id.size, PIXELS_PER_BAND), face_id.ravel(), barycentric.reshape(-1, 3), depth.ravel(),
              *map(read_only, (screen, f, corners, values)), width, out)


@formula
def motion_gain(steep_u, steep_v, u, v):
    """g from ∇I / z, at a point of the screen."""
    return -steep_u, -steep_v, u * steep_u + v * steep_v


@kernel
def _slopes(start, stop, face_id, barycentric, depth, screen, f, corners, values, width, out):
    """∇I or, in an image of some width, g."""
    channels = values.shape[1]
    slope_u, slope_v = np.empty(channels), np.empty(channels)
    current = -1
    along_u = along_v = 0.0
    line = max(width, 1)
    row, column = start // line, start % line - 1  # counted, as that takes less time than to divide
    for p in range(start, stop):
        column += 1
        if column == line:
            row, column = row + 1, 0
        t = face_id[p]
        if t < 0:
            continue
        i, j, k = corners[t, 0], corners[t, 1], corners[t, 2]
        if t != current:  # neighbours often see the same face
            current = t
            u0, u1, u2, v0, v1, v2 = corner_slopes(screen, f, t)
            along_u, along_v = u0 + u1 + u2, v0 + v1 + v2
            if not np.isfinite(along_u + along_v):  # a corner has no depth, or is too far away for products
                u0 = u1 = u2 = v0 = v1 = v2 = along_u = along_v = 0.0
            for c in range(channels):
                slope_u[c] = u0 * values[i, c] + u1 * values[j, c] + u2 * values[k, c]
                slope_v[c] = v0 * values[i, c] + v1 * values[j, c] + v2 * values[k, c]
        b0, b1, b2, z = barycentric[p, 0], barycentric[p, 1], barycentric[p, 2], depth[p]
        for c in range(channels):
            value = b0 * values[i, c] + b1 * values[j, c] + b2 * values[k, c]
            steep_u, steep_v = slope_u[c] - value * along_u, slope_v[c] - value * along_v
            if width:
                out[p, c, 0], out[p, c, 1], out[p, c, 2] = motion_gain(steep_u, steep_v, float(column), float(row))
            else:
                out[p, c, 0], out[p, c, 1] = z * steep_u, z * steep_v


@kernel
def _gain_of_motion(start, stop, gradient, width, position, depth, gain):
    for p in range(start, stop):
        if width:
            u, v = float(p % width), float(p // width)
        else:
            u, v = position[p, 0], position[p, 1]
        nearness = 1.0 / depth[p]
        for c in range(gradient.shape[1]):
            gain[p, c, 0], gain[p, c, 1], gain[p, c, 2] = motion_gain(nearness * gradient[p, c, 0],
                                                                      nearness * gradient[p, c, 1], u, v)
