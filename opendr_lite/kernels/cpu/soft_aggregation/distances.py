"""How far a pixel is from a face on the screen, and which pixels a face reaches.

The argument of the sigmoid is x = +d or -d over a scale, positive inside the face. `euclidean`: d is the squared
distance of p from the nearest point of the outline. With that point on the edge from a to b, s of the way along,

    r = p - (1 - s) a - s b        d = r · r        dd = -2 r · ((1 - s) da + s db)

as d is least in s, or s is at an end, so that ds does not matter. Nothing is divided by the area of the face: one that
is seen edge on is a line that blurs like any other. `barycentric`: d = m^2 of the least barycentric coordinate m = l_k.
Since sum_k l_k a_k = p stays where it is,

    dl_k = -grad l_k · sum_j l_j da_j

A face reaches a pixel if x > `least`. With r = sqrt(-least scale) that is the face grown by r, or the triangle with the
corners a_k + r (3 a_k - sum_j a_j): all l > -r.
"""
from typing import NamedTuple

import numpy as np

from ....memory import empty
from ....threads import run_bands, split
from ...formulas import NOTHING, edge_function, first_pixel_beyond, first_pixel_from
from ...jit import formula, kernel, step

__all__ = ["BARYCENTRIC", "EUCLIDEAN", "Blur", "box_of", "corners_of", "new_line", "pull_of_distance", "reach_line",
           "reached_boxes"]

EUCLIDEAN, BARYCENTRIC = range(2)
ROUNDING = 1e-6  # pixels by which boxes are larger than need be
EDGE_ON = 1e-12  # area over the square of the longest edge, below which a face is seen edge on
FACES_PER_BAND = 4096


class Blur(NamedTuple):
    """How the probability that a face covers a pixel follows from their distance.

    Attributes
    ----------
    distance, sigmoid : int
        Codes.
    scale : float
        What d is divided by: pixels^2, or a number.
    least : float
        Of x, from which on a face counts.
    """

    distance: int
    sigmoid: int
    scale: float
    least: float


def reached_boxes(screen, f, blur, width, height):
    """Rows and columns of the pixels that faces may reach: top, bottom, left, right, as of ranges, (F, 4) int32."""
    box = empty((len(f), 4), np.int32)
    run_bands(_box_faces, split(len(f), least=FACES_PER_BAND), screen, f, blur, float(width), float(height), box)
    return box


@formula
def corners_of(t, screen, f):
    """u, v of the three corners of a face."""
    a, b, c = f[t, 0], f[t, 1], f[t, 2]
    return screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]


@formula
def inverse_area(au, av, bu, bv, cu, cv):
    """1 / twice the signed area, 0 of a face that is seen edge on."""
    area = edge_function(au, av, bu, bv, cu, cv)
    longest = max((bu - au) ** 2 + (bv - av) ** 2, (cu - bu) ** 2 + (cv - bv) ** 2, (au - cu) ** 2 + (av - cv) ** 2)
    return 1.0 / area if abs(area) > EDGE_ON * longest else 0.0


@formula
def along_edge(au, av, bu, bv, inverse, pu, pv):
    """(squared distance from an edge, how far along it); `inverse` of its squared length."""
    s = min(max(((pu - au) * (bu - au) + (pv - av) * (bv - av)) * inverse, 0.0), 1.0)
    ru, rv = pu - au - s * (bu - au), pv - av - s * (bv - av)
    return ru * ru + rv * rv, s


@formula
def inverse_length(au, av, bu, bv):
    """1 / squared length of an edge, 0 of one without length."""
    squared = (bu - au) ** 2 + (bv - av) ** 2
    return 1.0 / squared if squared > NOTHING else 0.0


@step
def range_of(a, b, c, radius, growth, size):
    total = a + b + c
    least, most = min(a, b, c), max(a, b, c)
    return (first_pixel_from(least - radius - growth * (total - 3.0 * least), 0.0, size),
            first_pixel_beyond(most + radius + growth * (3.0 * most - total), 0.0, size))


@kernel
def _box_faces(start, stop, screen, f, blur, width, height, box):
    reach = np.sqrt(max(-blur.least, 0.0) * blur.scale)
    radius, growth = (reach + ROUNDING, 0.0) if blur.distance == EUCLIDEAN else (ROUNDING, reach)
    for t in range(start, stop):
        au, av, bu, bv, cu, cv = corners_of(t, screen, f)
        box[t, 0], box[t, 1] = range_of(av, bv, cv, radius, growth, height)
        box[t, 2], box[t, 3] = range_of(au, bu, cu, radius, growth, width)


@step
def box_of(t, box, start, stop):
    """The part of a face's box in the rows [start, stop): top, bottom, left, right."""
    top, bottom = max(box[t, 0], start), min(box[t, 1], stop)
    return (top, bottom, box[t, 2], box[t, 3]) if box[t, 2] < box[t, 3] else (top, top, 0, 0)


@step
def new_line(width):
    """Room for what a face reaches in a row: column, x, edge (or coordinate), how far along it."""
    return np.empty(width, np.int64), np.empty(width), np.empty(width, np.int8), np.empty(width)


@step
def reach_line(j, left, right, corners, blur, line):
    """Write the pixels of row j in [left, right) that a face reaches: how many."""
    if blur.distance == EUCLIDEAN:
        _measure_euclidean(j, left, right, corners, 1.0 / blur.scale, line)
    else:
        _measure_barycentric(j, left, right, corners, 1.0 / blur.scale, line)
    column, x, edge, along = line
    count = 0
    for n in range(right - left):
        column[count], x[count], edge[count], along[count] = left + n, x[n], edge[n], along[n]
        count += x[n] > blur.least
    return count


@step
def _measure_euclidean(j, left, right, corners, inverse_scale, line):
    _, x, edge, along = line
    au, av, bu, bv, cu, cv = corners
    inverse_ab, inverse_bc = inverse_length(au, av, bu, bv), inverse_length(bu, bv, cu, cv)
    inverse_ca = inverse_length(cu, cv, au, av)
    pv = float(j)
    for n in range(right - left):
        pu = float(left + n)
        ab, s = along_edge(au, av, bu, bv, inverse_ab, pu, pv)
        bc, s_bc = along_edge(bu, bv, cu, cv, inverse_bc, pu, pv)
        ca, s_ca = along_edge(cu, cv, au, av, inverse_ca, pu, pv)
        e0, e1, e2 = (edge_function(au, av, bu, bv, pu, pv), edge_function(bu, bv, cu, cv, pu, pv),
                      edge_function(cu, cv, au, av, pu, pv))
        which, d = 0, ab
        which, s, d = (1, s_bc, bc) if bc < d else (which, s, d)
        which, s, d = (2, s_ca, ca) if ca < d else (which, s, d)
        inside = (min(e0, e1, e2) > 0.0) | (max(e0, e1, e2) < 0.0)
        x[n], edge[n], along[n] = (d if inside else -d) * inverse_scale, which, s


@step
def _measure_barycentric(j, left, right, corners, inverse_scale, line):
    _, x, edge, along = line
    inverse = inverse_area(*corners)
    for n in range(right - left):
        l0, l1, l2 = barycentrics(corners, inverse, float(left + n), float(j))
        which, least = 0, l0
        which, least = (1, l1) if l1 < least else (which, least)
        which, least = (2, l2) if l2 < least else (which, least)
        edge[n], along[n] = which, least
        x[n] = least * abs(least) * inverse_scale if inverse != 0.0 else -np.inf


@formula
def barycentrics(corners, inverse, pu, pv):
    """Barycentric coordinates on the screen."""
    au, av, bu, bv, cu, cv = corners
    return (edge_function(bu, bv, cu, cv, pu, pv) * inverse, edge_function(cu, cv, au, av, pu, pv) * inverse,
            edge_function(au, av, bu, bv, pu, pv) * inverse)


@formula
def pull_of_barycentrics(corners, inverse, l0, l1, l2, pull_0, pull_1, pull_2):
    """From the derivative by the barycentrics, that by u, v of the corners."""
    au, av, bu, bv, cu, cv = corners
    gu = (pull_0 * (bv - cv) + pull_1 * (cv - av) + pull_2 * (av - bv)) * inverse
    gv = (pull_0 * (cu - bu) + pull_1 * (au - cu) + pull_2 * (bu - au)) * inverse
    return -l0 * gu, -l0 * gv, -l1 * gu, -l1 * gv, -l2 * gu, -l2 * gv


@formula
def pull_of_distance(corners, at, blur, pull):
    """From the derivative by x, that by u, v of the corners; `at` is (u, v, x, edge, along) of a pixel."""
    au, av, bu, bv, cu, cv = corners
    pu, pv, x, edge, along = at
    pull = pull / blur.scale
    if blur.distance == BARYCENTRIC:
        inverse = inverse_area(au, av, bu, bv, cu, cv)
        l0, l1, l2 = barycentrics(corners, inverse, pu, pv)
        pull *= 2.0 * abs(along)
        return pull_of_barycentrics(corners, inverse, l0, l1, l2, pull if edge == 0 else 0.0,
                                    pull if edge == 1 else 0.0, pull if edge == 2 else 0.0)
    fu, fv, tu, tv = (au, av, bu, bv) if edge == 0 else (bu, bv, cu, cv) if edge == 1 else (cu, cv, au, av)
    pull = -2.0 * pull if x > 0.0 else 2.0 * pull
    ru, rv = pull * (pu - fu - along * (tu - fu)), pull * (pv - fv - along * (tv - fv))
    su, sv, ru, rv = along * ru, along * rv, (1.0 - along) * ru, (1.0 - along) * rv
    if edge == 0:
        return ru, rv, su, sv, 0.0, 0.0
    if edge == 1:
        return 0.0, 0.0, ru, rv, su, sv
    return su, sv, 0.0, 0.0, ru, rv
