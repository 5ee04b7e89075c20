"""Which faces meet the squares of the marked pixels."""
import numpy as np

from ....memory import empty
from ....threads import in_parallel, split
from ...jit import kernel, read_only
from .marks import touched

FACES_PER_BAND = 8192


def gather_faces(screen, f, side, hidden_side, mask):
    """Faces that meet the squares of marked pixels.

    Parameters
    ----------
    screen : (V, 3) float64
    f : (F, 3) int32
    side : (F,) int8
        See `Planes`.
    hidden_side : int
        Faces of that side are left out.
    mask : (h, w) uint8

    Returns
    -------
    pixel : (P,) int32
        The marked pixels, ascending.
    start : (P + 1,) int64
        Where the faces of each pixel start.
    faces : int32
        Ascending for each pixel.
    """
    pixel, before = empty(mask.size + 1, np.int32), empty((mask.shape[0], mask.shape[1] + 1), np.int32)
    pixel = pixel[:_list_marked(mask, pixel, before)].copy()
    args = *map(read_only, (screen, f, side, pixel, before)), hidden_side
    pairs = in_parallel(lambda band: _meetings(*band, *args), split(len(f), least=FACES_PER_BAND))
    place, face = (np.concatenate(part) for part in zip(*pairs))
    start, faces = np.zeros(len(pixel) + 1, np.int64), np.empty_like(face)
    _by_place(place, face, start, faces)
    return pixel, start, faces


@kernel
def _list_marked(mask, pixel, before):
    """List marked pixels, and how many of them come before each pixel in the order of the image: their number."""
    height, width = mask.shape
    count = 0
    for j in range(height):
        for i in range(width):
            before[j, i] = count
            pixel[count] = j * width + i
            count += mask[j, i]
        before[j, width] = count
    return count


@kernel
def _by_place(place, face, start, faces):
    """Order pairs by their place, and otherwise as they are: where each place starts, and the faces."""
    for k in range(len(place)):
        start[place[k] + 1] += 1
    for k in range(1, len(start)):
        start[k] += start[k - 1]
    at = start[:-1].copy()
    for k in range(len(place)):
        faces[at[place[k]]] = face[k]
        at[place[k]] += 1


@kernel
def _meetings(start, stop, screen, f, side, pixel, before, hidden_side):
    """(place in `pixel`, face) of each meeting."""
    height, width = before.shape[0], before.shape[1] - 1
    place, face = np.empty(1024, np.int32), np.empty(1024, np.int32)
    count = 0
    for t in range(start, stop):
        if side[t] == 0 or side[t] == hidden_side:
            continue
        a, b, c = f[t, 0], f[t, 1], f[t, 2]
        au, av, bu, bv, cu, cv = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        left, right = touched(min(au, bu, cu), max(au, bu, cu), width)
        top, bottom = touched(min(av, bv, cv), max(av, bv, cv), height)
        if left >= right:
            continue
        sign = float(side[t])
        ab_u, ab_v, bc_u, bc_v, ca_u, ca_v = (sign * (av - bv), sign * (bu - au), sign * (bv - cv), sign * (cu - bu),
                                              sign * (cv - av), sign * (au - cu))
        reach_ab, reach_bc, reach_ca = (0.5 * (abs(ab_u) + abs(ab_v)), 0.5 * (abs(bc_u) + abs(bc_v)),
                                        0.5 * (abs(ca_u) + abs(ca_v)))
        for row in range(top, bottom):
            for k in range(before[row, left], before[row, right]):
                column = pixel[k] - row * width
                if (ab_u * (column - au) + ab_v * (row - av) + reach_ab >= 0.0
                        and bc_u * (column - bu) + bc_v * (row - bv) + reach_bc >= 0.0
                        and ca_u * (column - cu) + ca_v * (row - cv) + reach_ca >= 0.0):
                    if count == len(place):
                        place, face = np.append(place, np.empty_like(place)), np.append(face, np.empty_like(face))
                    place[count], face[count] = k, t
                    count += 1
    return place[:count], face[:count]
