"""The plane of each face over the screen.

With w = 1/z, barycentric coordinates on the screen and w itself are affine in (u, v). Twice the area of a face on the
screen is positive where its corners run clockwise as they are seen, v pointing down; that is its *side*.
"""
from typing import NamedTuple

import numpy as np

from ....memory import empty
from ....threads import run_bands, split
from ...jit import formula, kernel, read_only

FACES_PER_BAND = 8192
PIXELS_PER_BAND = 65536
THIN = 1e-14  # square pixels: of a face that has no more than half of this, nothing is seen
OUT_OF_REACH = 1e9  # pixels: a face beyond is not drawn, since products of its coordinates are no longer exact


class Planes(NamedTuple):
    """What the faces of a mesh are on the screen.

    Attributes
    ----------
    side : (F,) int8
        1 where the corners run clockwise as they are seen, -1 where counter-clockwise; 0 for a face without area, with
        a corner that has no positive depth, or that is out of reach: it is not drawn.
    slope : (F, 2) float64
        dw/du and dw/dv.
    """

    side: np.ndarray
    slope: np.ndarray


def planes_of_faces(screen, f):
    """The `Planes` of faces f, (F, 3) int32, with corners at screen, (V, 3) float64: u, v, z."""
    planes = Planes(empty(len(f), np.int8), empty((len(f), 2)))
    run_bands(_planes_of_faces, split(len(f), least=FACES_PER_BAND), read_only(screen), read_only(f), *planes)
    return planes


def side_in_view(side, face_id):
    """The side of all faces seen at pixels, 0 if there are both or none."""
    seen = np.zeros(3, np.bool_)
    run_bands(_sides_in_view, split(face_id.size, least=PIXELS_PER_BAND), side, face_id.ravel(), seen)
    return int(seen[2]) - int(seen[0])


@formula
def twice_area(screen, a, b, c):
    """Twice the signed area of a face on the screen; 0 where it is not drawn."""
    area = ((screen[b, 0] - screen[a, 0]) * (screen[c, 1] - screen[a, 1])
            - (screen[b, 1] - screen[a, 1]) * (screen[c, 0] - screen[a, 0]))
    if not (min(screen[a, 2], screen[b, 2], screen[c, 2]) > 0.0 and abs(area) >= THIN):
        return 0.0
    for corner in (a, b, c):
        if not abs(screen[corner, 0]) + abs(screen[corner, 1]) < OUT_OF_REACH:
            return 0.0
    return area


@kernel
def _sides_in_view(start, stop, side, face_id, seen):
    front = back = False
    for p in range(start, stop):
        t = face_id[p]
        if t >= 0:
            front |= side[t] > 0
            back |= side[t] < 0
    if front:
        seen[2] = True
    if back:
        seen[0] = True


@kernel
def _planes_of_faces(start, stop, screen, f, side, slope):
    for t in range(start, stop):
        a, b, c = f[t, 0], f[t, 1], f[t, 2]
        area = twice_area(screen, a, b, c)
        side[t] = 0
        slope[t, 0] = slope[t, 1] = 0.0
        if area != 0.0:
            side[t] = 1 if area > 0.0 else -1
            wa = 1.0 / screen[a, 2]
            of_b, of_c = (1.0 / screen[b, 2] - wa) / area, (1.0 / screen[c, 2] - wa) / area
            slope[t, 0] = of_b * (screen[c, 1] - screen[a, 1]) - of_c * (screen[b, 1] - screen[a, 1])
            slope[t, 1] = of_c * (screen[b, 0] - screen[a, 0]) - of_b * (screen[c, 0] - screen[a, 0])
