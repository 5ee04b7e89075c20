"""Which pixels are area-sampled: those where something visible happens inside their square.

Three things do: an edge where the surface turns away from the camera or ends; an edge with a *kink*, where two faces
in view meet but their colours, sampled at the centre, would differ from those of the area; and two surfaces that cross,
or one that crosses the far plane.

An edge is drawn into every square that it touches. It is hidden there if its nearest point is behind everything seen
around: behind the surfaces at the nine centres, less what these may recede over a pixel. At the frame of the image some
of the nine are unknown, and no edge counts as hidden.

Two surfaces cross between neighbouring pixels that see one of them each, if each of them, extended to the other's pixel,
goes behind what is seen there. Faces that share a vertex meet in a valley, which is not a crossing. The line may run
through the corners of pixels beside these two, so they are marked too.
"""
import numpy as np

from ....threads import run_bands, split
from ...jit import formula, kernel, read_only, step

EDGES_PER_BAND = 8192
PIXELS_PER_BAND = 32768
CLOSE = 1e-9  # pixels, and relative depths: closer than this is touched
CROSSING = 1e-6  # relative depth: by how much each must go behind the other, more than a flat mesh is bent by small steps


def mark_pixels(screen, f, edges, kinked, planes, hidden_side, far, face_id, depth):
    """The pixels to be area-sampled.

    Parameters
    ----------
    screen : (V, 3) float64
        u, v, z.
    f : (F, 3) int32
    edges : (E, 4) int32
        The two ends of each edge and the faces on both sides; the second face is -1 on a border.
    kinked : (E,) bool
        Whether the colours have a kink at the edge.
    planes : Planes
    hidden_side : int
        The `Planes.side` of faces that are known to be hidden; 0 for none.
    far : float
        What is farther away is not seen.
    face_id, depth : (h, w) int32, (h, w) float64
        What is seen at the centres; see `rasterize`.

    Returns
    -------
    (h, w) uint8
        1 where a pixel is marked.
    """
    height, width = face_id.shape
    mask = np.zeros((height, width), np.uint8)
    screen, f, slope = map(read_only, (screen, f, planes.slope))
    seen = planes.side, slope, 1.0 / far, face_id, depth, mask
    run_bands(_mark_edges, split(len(edges), least=EDGES_PER_BAND), screen, read_only(edges), read_only(kinked),
              hidden_side, *seen)
    if screen[:, 2].max(initial=0.0) > far:
        run_bands(_mark_far_cuts, split(len(f), least=EDGES_PER_BAND), screen, f, hidden_side, *seen)
    run_bands(_mark_crossings, split(height, least=-(-PIXELS_PER_BAND // width)), f, slope, face_id, depth, mask)
    return mask


@formula
def is_outline(side, i, j, hidden_side):
    """Whether the surface turns away or ends between two faces, as it is seen; j = -1 for a border."""
    if j < 0:
        return side[i] != 0 and side[i] != hidden_side
    return side[i] != side[j]


@formula
def touched(begin, end, size):
    """The range of the pixels whose squares [i - 1/2, i + 1/2] touch [begin, end]."""
    return (int(np.floor(min(max(begin + 0.5 - CLOSE, 0.0), size))),
            int(np.floor(min(max(end + 0.5 + CLOSE, -1.0), size - 1.0))) + 1)


@kernel
def _mark_edges(start, stop, screen, edges, kinked, hidden_side, side, slope, least, face_id, depth, mask):
    for edge in range(start, stop):
        a, b, i, j = edges[edge, 0], edges[edge, 1], edges[edge, 2], edges[edge, 3]
        if not is_outline(side, i, j, hidden_side):
            if not kinked[edge] or side[i] == 0 or side[i] == hidden_side:
                continue
        if screen[a, 2] > 0.0 and screen[b, 2] > 0.0:
            _mark_segment(screen[a, 0], screen[a, 1], 1.0 / screen[a, 2], screen[b, 0], screen[b, 1],
                          1.0 / screen[b, 2], slope, least, face_id, depth, mask)


@kernel
def _mark_far_cuts(start, stop, screen, f, hidden_side, side, slope, least, face_id, depth, mask):
    """Where faces cross the far plane."""
    end = np.empty((2, 2))
    for t in range(start, stop):
        if side[t] == 0 or side[t] == hidden_side:
            continue
        found = 0
        for k in range(3):
            a, b = f[t, k], f[t, (k + 1) % 3]
            w, other = 1.0 / screen[a, 2], 1.0 / screen[b, 2]
            if (w < least) != (other < least):
                along = (least - w) / (other - w)
                for axis in range(2):
                    end[found, axis] = screen[a, axis] + along * (screen[b, axis] - screen[a, axis])
                found += 1
        if found == 2:
            _mark_segment(end[0, 0], end[0, 1], least, end[1, 0], end[1, 1], least, slope, least, face_id, depth, mask)


@step
def _mark_segment(u, v, w, u_end, v_end, w_end, slope, least, face_id, depth, mask):
    """Mark the pixels whose squares a segment touches unless it is hidden there; w is 1/z at its ends."""
    height, width = face_id.shape
    if v > v_end:
        u, v, w, u_end, v_end, w_end = u_end, v_end, w_end, u, v, w
    along_u, along_v, along_w = u_end - u, v_end - v, w_end - w
    top, bottom = touched(v, v_end, height)
    for row in range(top, bottom):
        first, last = 0.0, 1.0  # of the segment, what is in this row
        if along_v > CLOSE:
            first = max(first, (row - 0.5 - CLOSE - v) / along_v)
            last = min(last, (row + 0.5 + CLOSE - v) / along_v)
        from_u, to_u = u + first * along_u, u + last * along_u
        left, right = touched(min(from_u, to_u), max(from_u, to_u), width)
        for column in range(left, right):
            if mask[row, column]:
                continue
            begin, end = first, last
            if abs(along_u) > CLOSE:
                one, other = (column - 0.5 - u) / along_u, (column + 0.5 - u) / along_u
                begin, end = max(begin, min(one, other)), min(end, max(one, other))
            nearest = max(w + begin * along_w, w + end * along_w)
            if nearest >= least and not _is_hidden(row, column, nearest, slope, face_id, depth):
                mask[row, column] = 1


@step
def _is_hidden(row, column, nearest, slope, face_id, depth):
    """Whether all that is seen around is in front of 1/z = nearest."""
    height, width = face_id.shape
    if not (0 < row < height - 1 and 0 < column < width - 1):
        return False
    for j in range(row - 1, row + 2):
        for i in range(column - 1, column + 2):
            t = face_id[j, i]
            if t < 0 or 1.0 / depth[j, i] - abs(slope[t, 0]) - abs(slope[t, 1]) <= nearest * (1.0 + CLOSE):
                return False
    return True


@kernel
def _mark_crossings(start, stop, f, slope, face_id, depth, mask):
    """Mark pixels around the sides between which surfaces cross; rows [start, stop) and what is below them."""
    height, width = face_id.shape
    for row in range(start, stop):
        for column in range(width):
            t = face_id[row, column]
            if t < 0:
                continue
            a, b, c = f[t, 0], f[t, 1], f[t, 2]
            if column + 1 < width:
                other = face_id[row, column + 1]
                if other >= 0 and other != t and not _share_a_vertex(a, b, c, f, other) and _cross(
                        t, other, depth[row, column], depth[row, column + 1], 1.0, 0.0, slope):
                    mask[max(row - 1, 0):row + 2, column:column + 2] = 1
            if row + 1 < height:
                other = face_id[row + 1, column]
                if other >= 0 and other != t and not _share_a_vertex(a, b, c, f, other) and _cross(
                        t, other, depth[row, column], depth[row + 1, column], 0.0, 1.0, slope):
                    mask[row:row + 2, max(column - 1, 0):column + 2] = 1


@step
def _share_a_vertex(a, b, c, f, t):
    """Whether one of three vertices is one of face t; without branches, which would often be guessed wrong."""
    d, e, g = f[t, 0], f[t, 1], f[t, 2]
    return ((a == d) | (a == e) | (a == g) | (b == d) | (b == e) | (b == g) | (c == d) | (c == e) | (c == g))


@step
def _cross(t, other, z, z_other, across, down, slope):
    """Whether each of two faces, extended to where the other one is seen beside it, goes behind that."""
    w, w_other = 1.0 / z, 1.0 / z_other
    return (w - (w_other - slope[other, 0] * across - slope[other, 1] * down) > CROSSING * w
            and w_other - (w + slope[t, 0] * across + slope[t, 1] * down) > CROSSING * w)
