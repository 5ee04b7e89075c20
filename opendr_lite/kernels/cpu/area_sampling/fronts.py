"""How what is seen in a pixel changes as vertices move: derivatives of the area and of the moments of samples.

Three integrals of what is seen of a face make the image: those of φ = 1, u, v. They change as the lines under its border
move,

    d ∫ φ = ∫ φ v_n ds        v_n the speed of the border, outward.

On the edge from a to b of some face, with unit normal n, a point at t moves with v_n = n · ((1 - t) da + t db). Where
w_j = w_i for w = 1/z, D = w_j - w_i moves the line by v_n = -dD / |∇D|; with the barycentric coordinates λ_k on the screen

    dw = sum_k λ_k (dw_k - ∇w · (du_k, dv_k)).

So each is a sum of *fronts*: a vertex, a direction d in its (u, v, w), and weights ψ_φ, with

    d ∫ φ = sum ψ_φ (d · d(u, v, w)).

Along a segment all integrands are quadratic, and ∫ f g = l/6 (f₀ (2 g₀ + g₁) + f₁ (g₀ + 2 g₁)).

Positions are kept as Y = z (u, v, 1), see `renderer.screen_points`, so directions are given for these: du = (dY_1 - u
dY_3) / z, dv = (dY_2 - v dY_3) / z, dw = -dY_3 / z².
"""
from typing import NamedTuple

import numpy as np

from ....memory import empty
from ....threads import run_bands, split
from ...formulas import edge_function, perspective_barycentrics
from ...jit import kernel, read_only, step
from .arrangement import ALIKE

SEGMENTS_PER_BAND = 4096
SAMPLES_PER_BAND = 4096


class Fronts(NamedTuple):
    """What moves the borders of samples.

    Attributes
    ----------
    first : (S + 1,) int64
        Where those of each sample start.
    vertex : (T,) int32
    direction : (T, 3) float64
        d, in the vertex' Y.
    spread : (T, 3) float64
        ψ of 1, and of u and v from the centre of the pixel.
    """

    first: np.ndarray
    vertex: np.ndarray
    direction: np.ndarray
    spread: np.ndarray


def fronts_of(arrangement, screen, f, width):
    """The `Fronts` of an `Arrangement`.

    Where a face crosses the far plane, that plane is as near as the face and does not move: its fronts have no weight.
    """
    some = arrangement
    size = np.where(some.segment_line == ALIKE, 6, 2)
    first = np.concatenate([[0], np.cumsum(size)])
    count = int(first[-1])
    of_samples = first[np.searchsorted(some.segment_sample, np.arange(len(some.pixel) + 1))]
    fronts = Fronts(of_samples, empty(count, np.int32), empty((count, 3)), empty((count, 3)))
    run_bands(_write_fronts, split(len(size), least=SEGMENTS_PER_BAND), read_only(screen), read_only(f), width,
              some.pixel, some.face_id, *some[4:], first, *fronts[1:])
    return fronts


def locate(arrangement, screen, f, width):
    """Barycentric coordinates in space (S, 3), and z (S,), at the centroids of the samples."""
    some = arrangement
    barycentric, depth = empty((len(some.pixel), 3)), empty(len(some.pixel))
    run_bands(_locate, split(len(depth), least=SAMPLES_PER_BAND), read_only(screen), read_only(f), width, some.pixel,
              some.face_id, some.centroid, barycentric, depth)
    return barycentric, depth


@kernel
def _locate(start, stop, screen, f, width, pixel, face_id, centroid, barycentric, depth):
    for s in range(start, stop):
        a, b, c = f[face_id[s], 0], f[face_id[s], 1], f[face_id[s], 2]
        u, v = float(pixel[s] % width), float(pixel[s] // width)
        au, av, bu, bv = screen[a, 0] - u, screen[a, 1] - v, screen[b, 0] - u, screen[b, 1] - v
        cu, cv, x, y = screen[c, 0] - u, screen[c, 1] - v, centroid[s, 0], centroid[s, 1]
        barycentric[s, 0], barycentric[s, 1], barycentric[s, 2], depth[s] = perspective_barycentrics(
            abs(edge_function(bu, bv, cu, cv, x, y)), abs(edge_function(cu, cv, au, av, x, y)),
            abs(edge_function(au, av, bu, bv, x, y)), 1.0 / screen[a, 2], 1.0 / screen[b, 2], 1.0 / screen[c, 2])


@kernel
def _write_fronts(start, stop, screen, f, width, pixel, face_id, segment_sample, segment_face, segment_line, segment,
                  first, vertex, direction, spread):
    planes = np.empty((2, 3, 3))
    for s in range(start, stop):
        sample, t, line, at = segment_sample[s], segment_face[s], segment_line[s], first[s]
        u, v = float(pixel[sample] % width), float(pixel[sample] // width)
        x0, y0, x1, y1 = segment[s, 0], segment[s, 1], segment[s, 2], segment[s, 3]
        normal_u, normal_v = y1 - y0, x0 - x1  # outward, as long as the segment
        if line != ALIKE:
            a, b = f[t, (line + 1) % 3], f[t, (line + 2) % 3]
            au, av = screen[a, 0] - u, screen[a, 1] - v
            along_u, along_v = screen[b, 0] - screen[a, 0], screen[b, 1] - screen[a, 1]
            scale = 1.0 / np.sqrt(along_u * along_u + along_v * along_v)
            along_u, along_v = along_u * scale, along_v * scale
            t0, t1 = ((x0 - au) * along_u + (y0 - av) * along_v) * scale, ((x1 - au) * along_u + (y1 - av) * along_v) * scale
            length = normal_v * along_u - normal_u * along_v
            _write_front(at, a, -along_v, along_u, 0.0, length, 1.0 - t0, 1.0 - t1, x0, y0, x1, y1, screen, vertex,
                         direction, spread)
            _write_front(at + 1, b, -along_v, along_u, 0.0, length, t0, t1, x0, y0, x1, y1, screen, vertex, direction,
                         spread)
            continue
        own = face_id[sample]
        own_u, own_v = _write_planes(own, u, v, screen, f, planes, 0)
        other_u, other_v = _write_planes(t, u, v, screen, f, planes, 1)
        if t == own:
            other_u = other_v = 0.0
            planes[1] = 0.0
        steep_u, steep_v = other_u - own_u, other_v - own_v
        length = (normal_u * steep_u + normal_v * steep_v) / (steep_u * steep_u + steep_v * steep_v)
        for k in range(3):
            _write_front(at + k, f[own, k], -own_u, -own_v, 1.0, length, _at(planes, 0, k, x0, y0),
                         _at(planes, 0, k, x1, y1), x0, y0, x1, y1, screen, vertex, direction, spread)
            _write_front(at + 3 + k, f[t, k], -other_u, -other_v, 1.0, -length, _at(planes, 1, k, x0, y0),
                         _at(planes, 1, k, x1, y1), x0, y0, x1, y1, screen, vertex, direction, spread)


@step
def _write_planes(t, u, v, screen, f, planes, which):
    """Write the barycentric coordinates of face t as a x + b y + c from (u, v); the gradient of w."""
    area = ((screen[f[t, 1], 0] - screen[f[t, 0], 0]) * (screen[f[t, 2], 1] - screen[f[t, 0], 1])
            - (screen[f[t, 1], 1] - screen[f[t, 0], 1]) * (screen[f[t, 2], 0] - screen[f[t, 0], 0]))
    slope_u = slope_v = 0.0
    for k in range(3):
        i, a, b = f[t, k], f[t, (k + 1) % 3], f[t, (k + 2) % 3]
        au, av, bu, bv = screen[a, 0] - u, screen[a, 1] - v, screen[b, 0] - u, screen[b, 1] - v
        planes[which, k, 0], planes[which, k, 1] = (av - bv) / area, (bu - au) / area
        planes[which, k, 2] = (au * bv - bu * av) / area
        slope_u += planes[which, k, 0] / screen[i, 2]
        slope_v += planes[which, k, 1] / screen[i, 2]
    return slope_u, slope_v


@step
def _at(planes, which, k, x, y):
    return planes[which, k, 0] * x + planes[which, k, 1] * y + planes[which, k, 2]


@step
def _write_front(at, i, along_u, along_v, along_w, length, f0, f1, x0, y0, x1, y1, screen, vertex, direction, spread):
    """Write the front of vertex i, with ψ = length ∫ f φ along a segment, f affine."""
    u, v, w = screen[i, 0], screen[i, 1], 1.0 / screen[i, 2]
    vertex[at] = i
    direction[at, 0], direction[at, 1] = along_u * w, along_v * w
    direction[at, 2] = -(u * along_u + v * along_v) * w - along_w * w * w
    of_0, of_1 = length * (2.0 * f0 + f1) / 6.0, length * (f0 + 2.0 * f1) / 6.0
    spread[at, 0], spread[at, 1], spread[at, 2] = of_0 + of_1, of_0 * x0 + of_1 * x1, of_0 * y0 + of_1 * y1
