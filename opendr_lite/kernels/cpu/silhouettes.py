"""Silhouettes: which edges of a mesh are on them, and the surface seen along them, as its wireframe shows it.

    faces ──► which way they turn ──► edges on a silhouette ──► `edges.draw_lines` ──► pixels on a silhouette
                                                                                              │
    pixels ──► faces seen ──► their edges, near such a pixel ──► `draw_lines_at` them ──► pixels moved onto lines

An edge is on a silhouette where it has one face alone, or where of its two faces one shows its front and the other its
back to the camera in the origin. The front of a face (a, b, c) is seen where a · (b × c) < 0.
"""
import numpy as np

from ...memory import copy
from ...threads import run_bands, split
from ..jit import kernel, read_only

FACES_PER_BAND = EDGES_PER_BAND = 32768
REACH, BEYOND_REACH = 4, 255  # pixels; an edge shorter than that is either near a pixel or does not mark it


def silhouette_edges(points, f, faces_of_edges):
    """Edges on a silhouette.

    Parameters
    ----------
    points : (V, 3) float64
        In camera space.
    f : (F, 3) int32
    faces_of_edges : (E, 2) int32
        -1 in the second place where there is only one.

    Returns
    -------
    (S,) int64
        Their indices, ascending.
    """
    facing, marked = np.empty(len(f), np.int8), np.empty(len(faces_of_edges), np.bool_)
    run_bands(_face_camera, split(len(f), FACES_PER_BAND), read_only(points), f, facing)
    run_bands(_mark_silhouettes, split(len(marked), EDGES_PER_BAND), faces_of_edges, facing, marked)
    return np.flatnonzero(marked)


def wireframe(face_id, silhouette, edge_at, drawn, ends, faces_of_edges, screen, num_faces):
    """Edges that may show at the pixels of a silhouette: those of the faces seen, and the silhouette itself.

    Parameters
    ----------
    face_id : (h, w) int32
    silhouette : (S,) int64
        Edges on a silhouette.
    edge_at : (h, w) int32
        Which of them a pixel shows, -1 for none.
    drawn : (n,) int64
        The pixels that show one.
    ends : (E, 2) int32
        Vertices of the edges, indices into `screen`.
    faces_of_edges : (E, 2) int32
    screen : (V, 3) float64
    num_faces : int

    Returns
    -------
    wire : (W,) int64
        Edges, ascending, among them all that mark a drawn pixel.
    seen : (F,) bool
        Faces seen at any pixel.
    """
    seen, wanted = np.zeros(num_faces, np.bool_), np.zeros(len(ends), np.bool_)
    distance = np.full(face_id.shape, BEYOND_REACH, np.uint8)
    _mark_seen(face_id, drawn, seen, distance)
    wanted[silhouette[edge_at.ravel()[drawn]]] = True
    run_bands(_choose_wires, split(len(ends), EDGES_PER_BAND), distance, ends, faces_of_edges, screen, seen, wanted)
    return np.flatnonzero(wanted), seen


def move_onto_lines(drawn, line, along, ends, faces_of_edges, seen, f, screen, surface):
    """The pixels of a surface, with some moved onto lines.

    Parameters
    ----------
    drawn : (n,) int64
        The pixels to move.
    line : (n,) int64, along : (n,) float64
        The edge whose line is at each of them, and where on it.
    seen : (F,) bool
        Faces that may be shown.
    ends, faces_of_edges : (E, 2) int32
    f : (F, 3) int32
    screen : (V, 3) float64
    surface : face_id (h, w) int32, barycentric (h, w, 3) float64, depth (h, w) float64

    Returns
    -------
    face_id, barycentric, depth
        Of the same shapes. Of the two faces of a line, the first that is seen; its weights are those of the line's
        ends.
    """
    moved = face_id, barycentric, depth = tuple(map(copy, surface))
    _move(drawn, line, along, ends, faces_of_edges, seen, f, screen, face_id.ravel(), barycentric.reshape(-1, 3),
          depth.ravel())
    return moved


@kernel
def _face_camera(start, stop, points, f, facing):
    for t in range(start, stop):
        a, b, c = f[t, 0], f[t, 1], f[t, 2]
        bx, by, bz = points[b, 0], points[b, 1], points[b, 2]
        cx, cy, cz = points[c, 0], points[c, 1], points[c, 2]
        volume = (points[a, 0] * (by * cz - bz * cy) + points[a, 1] * (bz * cx - bx * cz)
                  + points[a, 2] * (bx * cy - by * cx))
        facing[t] = 1 if volume > 0.0 else -1 if volume < 0.0 else 0


@kernel
def _mark_silhouettes(start, stop, faces_of_edges, facing, marked):
    for e in range(start, stop):
        first, second = faces_of_edges[e, 0], faces_of_edges[e, 1]
        marked[e] = second < 0 or facing[first] * facing[second] <= 0


@kernel
def _mark_seen(face_id, drawn, seen, distance):
    """Faces that any pixel shows, and the distance of each pixel, up to REACH, from a drawn one."""
    height, width = face_id.shape
    for j in range(height):
        for i in range(width):
            if face_id[j, i] >= 0:
                seen[face_id[j, i]] = True
    for p in drawn:
        row, column = p // width, p % width
        for j in range(max(row - REACH, 0), min(row + REACH + 1, height)):
            for i in range(max(column - REACH, 0), min(column + REACH + 1, width)):
                away = max(abs(j - row), abs(i - column))
                if away < distance[j, i]:
                    distance[j, i] = away


@kernel
def _choose_wires(start, stop, distance, ends, faces_of_edges, screen, seen, wanted):
    """Edges of seen faces, but for short ones that are farther than their length from all drawn pixels."""
    height, width = distance.shape
    for e in range(start, stop):
        first, second = faces_of_edges[e, 0], faces_of_edges[e, 1]
        if wanted[e] or not (seen[first] or (second >= 0 and seen[second])):
            continue
        a, b = ends[e, 0], ends[e, 1]
        u, v = screen[a, 0], screen[a, 1]
        length = max(abs(screen[b, 0] - u), abs(screen[b, 1] - v))
        wanted[e] = True
        if length < REACH - 1.0:  # it marks pixels up to 1/2 from it, and its end is up to 1/2 from the pixel (i, j)
            j, i = int(min(max(v + 0.5, 0.0), height - 1.0)), int(min(max(u + 0.5, 0.0), width - 1.0))
            wanted[e] = distance[j, i] <= length + 1.0


@kernel
def _move(drawn, line, along, ends, faces_of_edges, seen, f, screen, face_id, barycentric, depth):
    for n in range(len(drawn)):
        p, e = drawn[n], line[n]
        first, second = faces_of_edges[e, 0], faces_of_edges[e, 1]
        t = first if second < 0 or seen[first] or not seen[second] else second
        face_id[p] = t
        depth[p] = 0.0
        for k in range(3):
            weight = 0.0
            for end in range(2):
                if f[t, k] == ends[e, end]:
                    uses = 0  # of the end by the face: twice, if the face uses a vertex twice
                    for corner in range(3):
                        uses += f[t, corner] == ends[e, end]
                    weight += (along[n] if end == 1 else 1.0 - along[n]) / uses
            barycentric[p, k] = weight
            depth[p] += weight * screen[f[t, k], 2]
