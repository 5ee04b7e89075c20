"""The Jacobian of pixels that are area-sampled, by the positions Y = z (u, v, 1) of the vertices: products, and rows.

With A and M the area and the moments of what is seen of a face, c its colour there, and B the background,

    dI = sum_s (c_s - B - ∇c_s · m_s) dA_s + ∇c_s · dM_s + A_s g_s · sum_k b_k dY_k

with g the gain of a point at rest on the screen (`surface_gradient`). dA and dM are sums over fronts, so products with a
vector go from front to front. A row has an entry for each coordinate of each vertex that moves a front or is a corner of
a face seen.
"""
from typing import NamedTuple

import numpy as np

from ....memory import empty
from ....threads import run_bands, split
from ...jit import kernel, read_only, step
from .arrangement import MOST_FACES

PIXELS_PER_BAND = 512


class SampleMotion(NamedTuple):
    """What the Jacobian is made of.

    Attributes
    ----------
    first_sample : (P + 1,) int64
        Where the samples of each pixel start.
    first_front : (S + 1,) int64
        Where the fronts of each sample start.
    corners, barycentric : (S, 3) int32, (S, 3) float64
    gain : (S, C, 3) float64
        A g.
    test : (S, C, 3) float64
        What dA, and dM along u and v, are multiplied with.
    vertex, direction, spread : (T,), (T, 3), (T, 3)
        Of the fronts; see `Fronts`.
    """

    first_sample: np.ndarray
    first_front: np.ndarray
    corners: np.ndarray
    barycentric: np.ndarray
    gain: np.ndarray
    test: np.ndarray
    vertex: np.ndarray
    direction: np.ndarray
    spread: np.ndarray


def motion_forward(motion, x):
    """The product with x, (V, 3): (P, C)."""
    y = np.zeros((len(motion.first_sample) - 1, motion.gain.shape[1]))
    _forward(*map(read_only, motion), read_only(x), y)
    return y


def motion_reverse(motion, y, points):
    """The transposed product with y, (P, C): (points, 3)."""
    x = np.zeros((points, 3))
    _reverse(*map(read_only, motion), read_only(y), x)
    return x


def motion_rows(motion):
    """CSR arrays (data, indices, indptr): rows p C + c, columns 3 i + d, in ascending order."""
    motion = SampleMotion(*map(read_only, motion))
    of_vertices = motion.first_sample, motion.first_front, motion.corners, motion.vertex
    pixels, channels = len(motion.first_sample) - 1, motion.gain.shape[1]
    bands = split(pixels, least=PIXELS_PER_BAND)
    count = np.zeros(pixels, np.int64)
    run_bands(_count_vertices, bands, *of_vertices, count)
    first = np.concatenate([[0], np.cumsum(count)])
    size = 3 * channels * int(first[-1])
    data, indices = empty(size), empty(size, np.int32)
    run_bands(_write_rows, bands, *of_vertices, motion.barycentric, motion.gain, motion.test, motion.direction,
              motion.spread, first, data, indices)
    length = np.repeat(3 * count, channels)
    return data, indices, np.concatenate([[0], np.cumsum(length)]).astype(np.int32)


@kernel
def _forward(first_sample, first_front, corners, barycentric, gain, test, vertex, direction, spread, x, y):
    for p in range(len(y)):
        for s in range(first_sample[p], first_sample[p + 1]):
            a, b, c = corners[s, 0], corners[s, 1], corners[s, 2]
            moved_0, moved_1, moved_2 = 0.0, 0.0, 0.0
            for k, i in enumerate((a, b, c)):
                moved_0 += barycentric[s, k] * x[i, 0]
                moved_1 += barycentric[s, k] * x[i, 1]
                moved_2 += barycentric[s, k] * x[i, 2]
            area, along, down = 0.0, 0.0, 0.0
            for t in range(first_front[s], first_front[s + 1]):
                i = vertex[t]
                speed = direction[t, 0] * x[i, 0] + direction[t, 1] * x[i, 1] + direction[t, 2] * x[i, 2]
                area, along, down = area + spread[t, 0] * speed, along + spread[t, 1] * speed, down + spread[t, 2] * speed
            for channel in range(y.shape[1]):
                y[p, channel] += (gain[s, channel, 0] * moved_0 + gain[s, channel, 1] * moved_1
                                  + gain[s, channel, 2] * moved_2 + test[s, channel, 0] * area
                                  + test[s, channel, 1] * along + test[s, channel, 2] * down)


@kernel
def _reverse(first_sample, first_front, corners, barycentric, gain, test, vertex, direction, spread, y, x):
    pull = np.empty(6)
    for p in range(len(y)):
        for s in range(first_sample[p], first_sample[p + 1]):
            pull[:] = 0.0
            for channel in range(y.shape[1]):
                for d in range(3):
                    pull[d] += y[p, channel] * gain[s, channel, d]
                    pull[3 + d] += y[p, channel] * test[s, channel, d]
            for k in range(3):
                for d in range(3):
                    x[corners[s, k], d] += barycentric[s, k] * pull[d]
            for t in range(first_front[s], first_front[s + 1]):
                force = spread[t, 0] * pull[3] + spread[t, 1] * pull[4] + spread[t, 2] * pull[5]
                for d in range(3):
                    x[vertex[t], d] += force * direction[t, d]


@step
def _find_vertices(p, first_sample, first_front, corners, front_vertex, found):
    """Write the vertices that pixel p depends on, ascending: (the list, how many)."""
    count = 0
    for s in range(first_sample[p], first_sample[p + 1]):
        if count + 3 + first_front[s + 1] - first_front[s] > len(found):
            found = np.append(found, np.empty(2 * (len(found) + first_front[s + 1] - first_front[s]), np.int64))
        for k in range(3):
            count = _insert(corners[s, k], found, count)
        for t in range(first_front[s], first_front[s + 1]):
            count = _insert(front_vertex[t], found, count)
    return found, count


@step
def _insert(vertex, found, count):
    """Put a vertex at its place in an ascending list unless it is there: the number of entries then."""
    place = _place_of(vertex, found, count)
    if place < count and found[place] == vertex:
        return count
    for at in range(count, place, -1):
        found[at] = found[at - 1]
    found[place] = vertex
    return count + 1


@step
def _place_of(vertex, found, count):
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if found[middle] < vertex:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _count_vertices(start, stop, first_sample, first_front, corners, front_vertex, count):
    found = np.empty(12 * MOST_FACES, np.int64)
    for p in range(start, stop):
        found, count[p] = _find_vertices(p, first_sample, first_front, corners, front_vertex, found)


@kernel
def _write_rows(start, stop, first_sample, first_front, corners, front_vertex, barycentric, gain, test, direction, spread,
                first, data, indices):
    channels = gain.shape[1]
    found = np.empty(12 * MOST_FACES, np.int64)
    for p in range(start, stop):
        found, count = _find_vertices(p, first_sample, first_front, corners, front_vertex, found)
        begin, length = 3 * channels * first[p], 3 * count
        for c in range(channels):
            for place in range(count):
                for d in range(3):
                    at = begin + c * length + 3 * place + d
                    indices[at], data[at] = 3 * found[place] + d, 0.0
        for s in range(first_sample[p], first_sample[p + 1]):
            for k in range(3):
                at = begin + 3 * _place_of(corners[s, k], found, count)
                for c in range(channels):
                    for d in range(3):
                        data[at + c * length + d] += barycentric[s, k] * gain[s, c, d]
            for t in range(first_front[s], first_front[s + 1]):
                at = begin + 3 * _place_of(front_vertex[t], found, count)
                for c in range(channels):
                    pull = test[s, c, 0] * spread[t, 0] + test[s, c, 1] * spread[t, 1] + test[s, c, 2] * spread[t, 2]
                    for d in range(3):
                        data[at + c * length + d] += pull * direction[t, d]
