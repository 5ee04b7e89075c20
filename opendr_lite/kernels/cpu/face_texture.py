"""Texture cubes: k x k x k texels T for each face, looked up at its barycentric coordinates b.

    x_m = (k - 1) b_m        i_m = floor x_m, at most k - 2        r_m = x_m - i_m

    I = sum_e T[i + e] prod_m w_m        w_m = r_m if e_m else 1 - r_m        e in {0, 1}³

    ∂I/∂b_m = (k - 1) sum_e ±T[i + e] prod_n w_n, n not m                     + if e_m else -

(Kato, Ushiku and Harada, "Neural 3D Mesh Renderer", CVPR 2018.) As the coordinates sum to one, only texels near the
plane through three corners of the cube are ever looked up.
"""
import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import kernel, read_only
from .pixels import interpolation_forward

TAPS = 8
PIXELS_PER_BAND = 16384


def cube_taps(face_id, barycentric, side):
    """Texels that each point shows.

    Parameters
    ----------
    face_id : (N,) int32
        -1 where no face is seen.
    barycentric : (N, 3) float64
    side : int
        k.

    Returns
    -------
    taps : (N, 8) int32, or (N, 1) where k is 1
        Rows of the texels of all faces, (F k³, C), T in C order; -1 first where no face is seen.
    weights : (N, 8) or (N, 1) float64
    """
    if side == 1:
        return face_id.reshape(-1, 1), np.ones((face_id.size, 1))
    taps, weights, _ = _tap(face_id, barycentric, side, 0)
    return taps, weights


def cube_colors(face_id, barycentric, side, values):
    """Colours of the points, (N, C), of texels (F k³, C); undefined where no face is seen."""
    if side == 1:
        return values.take(face_id, axis=0, mode="clip")
    taps, weights = cube_taps(face_id, barycentric, side)
    return interpolation_forward(taps, weights, np.ones((1, values.shape[1])), values[:, :, None])[:, :, 0]


def cube_slopes(face_id, barycentric, side):
    """The same with, in the place of the weights, their derivatives by the barycentric coordinates, (N, 3, 8 or 1)."""
    if side == 1:
        return face_id.reshape(-1, 1), np.zeros((face_id.size, 3, 1))
    taps, _, slopes = _tap(face_id, barycentric, side, face_id.size)
    return taps, slopes


def _tap(face_id, barycentric, side, num_slopes):
    count = face_id.size
    taps, weights, slopes = empty((count, TAPS), np.int32), empty((count, TAPS)), empty((num_slopes, 3, TAPS))
    run_bands(_tap_cubes, split(count, PIXELS_PER_BAND), read_only(face_id), read_only(barycentric), side, taps,
              weights, slopes)
    return taps, weights, slopes


@kernel
def _tap_cubes(start, stop, face_id, barycentric, side, taps, weights, slopes):
    w = np.empty((3, 2))
    for p in range(start, stop):
        taps[p], weights[p] = -1, 0.0
        if len(slopes) > 0:
            slopes[p] = 0.0
        first = face_id[p]
        if first < 0:
            continue
        for m in range(3):
            x = min(max((side - 1) * barycentric[p, m], 0.0), side - 1.0)  # whatever the rounding
            i = min(int(x), side - 2)
            w[m, 0], w[m, 1] = 1.0 - (x - i), x - i
            first = first * side + i
        for tap in range(TAPS):
            a, b, c = tap >> 2, tap >> 1 & 1, tap & 1
            taps[p, tap] = first + (a * side + b) * side + c
            weights[p, tap] = w[0, a] * w[1, b] * w[2, c]
            if len(slopes) > 0:
                slopes[p, 0, tap] = (side - 1) * (2 * a - 1) * w[1, b] * w[2, c]
                slopes[p, 1, tap] = (side - 1) * (2 * b - 1) * w[0, a] * w[2, c]
                slopes[p, 2, tap] = (side - 1) * (2 * c - 1) * w[0, a] * w[1, b]
