"""Edges between two faces in view at which the colours have a kink, or a seam.

A pixel that such an edge crosses would show another colour if its area were sampled instead of its centre. The difference
is at most about the jump of the colours' gradient at the edge, times the distance from it over which the steeper of both
faces has that gradient, a pixel at most, by 8. Where the colours themselves jump, the edge is a seam.
"""
import numpy as np

from ....memory import empty
from ....threads import run_bands, split
from ...jit import kernel, read_only

EDGES_PER_BAND = 4096


def smooth_edges(edges, side, hidden_side):
    """Indices of the edges between two faces in view, of (E, 4); see `mark_pixels`."""
    one, other = edges[:, 2], edges[:, 3]
    return np.flatnonzero((other >= 0) & (side[one] == side[other]) & (side[one] != 0) & (side[one] != hidden_side))


def middles_of_edges(screen, f, edges):
    """The middles, in space, of edges (n, 4): as points of their first faces, then as points of the second.

    Returns
    -------
    face_id, barycentric, depth : (1, 2 n), (1, 2 n, 3), (1, 2 n)
    """
    count = len(edges)
    face_id, barycentric, depth = empty((1, 2 * count), np.int32), empty((1, 2 * count, 3)), empty((1, 2 * count))
    run_bands(_middles_of_edges, split(count, least=EDGES_PER_BAND), read_only(screen), read_only(f), edges, face_id[0],
              barycentric[0], depth[0])
    return face_id, barycentric, depth


def have_kinks(screen, f, edges, colors, gradient, tolerance):
    """Whether pixels may change by more than `tolerance` at edges (n, 4).

    Parameters
    ----------
    colors, gradient : (2 n, C), (2 n, C, 2) float64
        At `middles_of_edges`.

    Returns
    -------
    (n,) bool
    """
    kinked = np.empty(len(edges), bool)
    run_bands(_have_kinks, split(len(edges), least=EDGES_PER_BAND), read_only(screen), read_only(f), edges,
              read_only(colors), read_only(gradient), tolerance, kinked)
    return kinked


@kernel
def _middles_of_edges(start, stop, screen, f, edges, face_id, barycentric, depth):
    count = len(edges)
    for e in range(start, stop):
        a, b = edges[e, 0], edges[e, 1]
        for which in range(2):
            at, t = which * count + e, edges[e, 2 + which]
            face_id[at], depth[at] = t, 0.5 * (screen[a, 2] + screen[b, 2])
            for k in range(3):
                barycentric[at, k] = 0.5 if f[t, k] == a or f[t, k] == b else 0.0


@kernel
def _have_kinks(start, stop, screen, f, edges, colors, gradient, tolerance, kinked):
    count = len(edges)
    for e in range(start, stop):
        jump = kink = steep = steep_other = 0.0
        for c in range(colors.shape[1]):
            u, v = gradient[e, c, 0], gradient[e, c, 1]
            other_u, other_v = gradient[count + e, c, 0], gradient[count + e, c, 1]
            jump = max(jump, abs(colors[e, c] - colors[count + e, c]))
            kink = max(kink, (u - other_u) ** 2 + (v - other_v) ** 2)
            steep, steep_other = max(steep, u * u + v * v), max(steep_other, other_u * other_u + other_v * other_v)
        a, b, t = edges[e, 0], edges[e, 1], edges[e, 2 if steep > steep_other else 3]
        u, v = screen[b, 0] - screen[a, 0], screen[b, 1] - screen[a, 1]
        length, across = np.sqrt(u * u + v * v), 0.0
        for k in range(3):
            if f[t, k] != a and f[t, k] != b:
                across = abs(u * (screen[f[t, k], 1] - screen[a, 1]) - v * (screen[f[t, k], 0] - screen[a, 0]))
        kinked[e] = jump > tolerance or np.sqrt(kink) * min(across, length) > 8.0 * tolerance * length
