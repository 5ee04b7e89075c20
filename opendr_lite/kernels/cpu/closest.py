"""The points of triangles and edges that are closest to points.

Items are sorted into a binary tree of boxes: cut in half at the median of their centres, along the longest side of what
they span, until a few are left. Who asks goes down the nearer box first, and leaves out what is farther away than the
best so far. Distances are exact, and of items at the same distance the one with the lowest index is taken.

A simplex is a row of three vertices; an edge has its second vertex twice, and a point would have all three alike.
"""
from math import sqrt

import numpy as np

from ...threads import run_bands, split
from ..jit import kernel, read_only, step

_QUERIES_PER_BAND = 256
_ITEMS_PER_LEAF = 4
_SLACK = 1.0 + 1e-12  # a box is not farther than what is in it but for rounding


def closest_simplices(points, corners, least_area=0.0):
    """Of each point the closest simplex, and where on it.

    Parameters
    ----------
    points : (P, 3) float64
    corners : (S, 3, 3) float64
        Of each simplex, S > 0.
    least_area : float
        Triangles with a smaller area count as no more than their sides.

    Returns
    -------
    index : (P,) int64
    weights : (P, 3) float64
        Barycentric coordinates of the closest point: not negative, sum 1, 0 where a corner has no part in it.
    """
    return _closest(points, corners, points, points, corners.min(axis=1), corners.max(axis=1), True, least_area)


def closest_points(points, corners, least_area=0.0):
    """Of each simplex the closest point, (S,) int64, and where on the simplex it is closest, (S, 3).

    Parameters as for `closest_simplices`.
    """
    return _closest(points, corners, corners.min(axis=1), corners.max(axis=1), points, points, False, least_area)


def _closest(points, corners, query_low, query_high, item_low, item_high, points_ask, least_area):
    items, low, high = _box_tree(item_low, item_high)
    index, weights = np.empty(len(query_low), dtype=np.int64), np.empty((len(query_low), 3))
    arrays = [read_only(np.ascontiguousarray(array))
              for array in (points, corners, query_low, query_high, item_low, item_high, items, low, high)]
    run_bands(_search, split(len(index), _QUERIES_PER_BAND), *arrays, points_ask, float(least_area), index, weights)
    return index, weights


def _box_tree(low, high):
    """A complete binary tree of boxes.

    Parameters
    ----------
    low, high : (N, 3)
        Corners of the boxes of the items, N > 0.

    Returns
    -------
    items : (L, m) int64
        The items in each leaf, L a power of two. To fill it, an item may be there twice.
    low, high : (2 L - 1, 3)
        The boxes of the nodes; those below node k are 2 k + 1 and 2 k + 2, and the leaves come last.
    """
    count = len(low)
    leaves = 1
    while 2 * leaves * _ITEMS_PER_LEAF <= count:
        leaves *= 2
    items = np.arange(leaves * -(-count // leaves)).reshape(1, -1) % count
    centre = 0.5 * (low + high)
    while len(items) < leaves:
        own = centre[items]
        axis = np.argmax(own.max(axis=1) - own.min(axis=1), axis=1)
        along = np.take_along_axis(own, axis[:, None, None], axis=2)[..., 0]
        items = np.take_along_axis(items, np.argsort(along, axis=1, kind="stable"), axis=1)
        items = items.reshape(2 * len(items), -1)
    levels = [(low[items].min(axis=1), high[items].max(axis=1))]
    while len(levels[0][0]) > 1:
        below_low, below_high = levels[0]
        levels.insert(0, (below_low.reshape(-1, 2, 3).min(axis=1), below_high.reshape(-1, 2, 3).max(axis=1)))
    return items, *(np.concatenate(boxes) for boxes in zip(*levels))


@kernel
def _search(start, stop, points, corners, query_low, query_high, item_low, item_high, items, low, high, points_ask,
            least_area, index, weights):
    first_leaf = items.shape[0] - 1
    pending = np.empty(128, dtype=np.int64)
    for query in range(start, stop):
        best, best_item = np.inf, 0
        weights[query, 0], weights[query, 1], weights[query, 2] = 1.0, 0.0, 0.0
        pending[0], depth = 0, 1
        while depth:
            depth -= 1
            node = pending[depth]
            if _gap(query_low[query], query_high[query], low[node], high[node]) > _SLACK * best:
                continue
            if node < first_leaf:
                left, right = 2 * node + 1, 2 * node + 2
                if (_gap(query_low[query], query_high[query], low[left], high[left])
                        <= _gap(query_low[query], query_high[query], low[right], high[right])):
                    left, right = right, left
                pending[depth], pending[depth + 1] = left, right
                depth += 2
                continue
            for item in items[node - first_leaf]:
                if _gap(query_low[query], query_high[query], item_low[item], item_high[item]) > _SLACK * best:
                    continue
                point, simplex = (query, item) if points_ask else (item, query)
                square, b0, b1, b2 = _closest_on_triangle(points[point], corners[simplex], least_area)
                if square < best or square == best and item < best_item:
                    best, best_item = square, item
                    weights[query, 0], weights[query, 1], weights[query, 2] = b0, b1, b2
        index[query] = best_item


@step
def _gap(low_a, high_a, low_b, high_b):
    """The square of the distance between two boxes."""
    total = 0.0
    for axis in range(3):
        apart = max(low_a[axis] - high_b[axis], low_b[axis] - high_a[axis], 0.0)
        total += apart * apart
    return total


@step
def _closest_on_triangle(p, corners, least_area):
    """The square of the distance, and the barycentric coordinates of the closest point."""
    a, b, c = corners[0], corners[1], corners[2]
    square, t = _closest_on_segment(p, a, b)
    w0, w1, w2 = 1.0 - t, t, 0.0
    other, t = _closest_on_segment(p, b, c)
    if other < square:
        square, w0, w1, w2 = other, 0.0, 1.0 - t, t
    other, t = _closest_on_segment(p, c, a)
    if other < square:
        square, w0, w1, w2 = other, t, 0.0, 1.0 - t

    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    px, py, pz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    doubled_area = nx * nx + ny * ny + nz * nz
    if doubled_area > 0.0 and 0.5 * sqrt(doubled_area) >= least_area:
        inside1 = (nx * (py * vz - pz * vy) + ny * (pz * vx - px * vz) + nz * (px * vy - py * vx)) / doubled_area
        inside2 = (nx * (uy * pz - uz * py) + ny * (uz * px - ux * pz) + nz * (ux * py - uy * px)) / doubled_area
        inside0 = 1.0 - inside1 - inside2
        if inside0 > 0.0 and inside1 > 0.0 and inside2 > 0.0:
            dx = px - inside1 * ux - inside2 * vx
            dy = py - inside1 * uy - inside2 * vy
            dz = pz - inside1 * uz - inside2 * vz
            other = dx * dx + dy * dy + dz * dz
            if other < square:
                square, w0, w1, w2 = other, inside0, inside1, inside2
    return square, w0, w1, w2


@step
def _closest_on_segment(p, a, b):
    """The square of the distance, and how far along the segment the closest point is, in [0, 1]."""
    ex, ey, ez = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    px, py, pz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    length = ex * ex + ey * ey + ez * ez
    along = px * ex + py * ey + pz * ez
    t = 0.0 if along <= 0.0 else 1.0 if along >= length else along / length
    dx, dy, dz = px - t * ex, py - t * ey, pz - t * ez
    return dx * dx + dy * dy + dz * dz, t
