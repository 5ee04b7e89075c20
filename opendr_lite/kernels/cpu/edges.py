"""Lines: which edge of the mesh is seen at each pixel, and where on the edge.

A segment marks one pixel a column if it is wider than high, else one pixel a row: the pixel whose centre is
nearest to the segment there, for every centre on the way from its first end (included) to its second (left
out). This is the line of width 1 of OpenGL, whatever the length or the ends, and each pixel is computed on
its own, so nothing accumulates along the segment.

A silhouette runs along the border of the surface that it bounds, so of the two pixel centres it passes
between, one sees the surface, often a little nearer than the edge itself, and the other the background. A
segment is therefore seen where it is not behind what *either* of the two sees.
"""
import numpy as np

from ...memory import empty, full, zeros
from ...threads import run_bands, split
from ..formulas import perspective_along, pixels_along
from ..jit import kernel

_EVERYWHERE = np.empty((0, 0), np.int32)  # each pixel has its own place
ROWS_PER_BAND, MOST_BANDS = 512, 2  # each band goes through all edges


def draw_lines(screen, edges, depth, tolerance):
    """Nearest visible edge at each pixel.

    Among edges at equal depth the lower index wins. Edges with an end that has no positive depth, or whose
    length overflows, are not drawn.

    Parameters
    ----------
    screen : (V, 3) float64, C-contiguous
        u and v in pixels, and z, the depth in front of the camera.
    edges : (E, 2) int32, C-contiguous
        Indices into `screen`; not checked.
    depth : (height, width) float64, C-contiguous
        Depth of the surface at the centre of each pixel, as `rasterize` returns it.
    tolerance : float
        An edge at z is seen through a surface at `depth` if `z <= depth * (1 + tolerance)`.

    Returns
    -------
    edge_id : (height, width) int32
        -1 where no edge is seen.
    along : (height, width) float64
        Perspective-correct position on the edge, 0 at its first vertex and 1 at its second; 0 where there is
        none.
    """
    edge_id, along = _draw(screen, edges, depth, 1.0 + tolerance, _EVERYWHERE, depth.size)
    return edge_id.reshape(depth.shape), along.reshape(depth.shape)


def draw_lines_at(pixels, screen, edges, depth):
    """Nearest edge at some pixels, visible or not.

    Parameters
    ----------
    pixels : (n,) int64
        Indices into the ravelled image.
    screen, edges, depth
        See `draw_lines`.

    Returns
    -------
    edge_id : (n,) int32, along : (n,) float64
        As `draw_lines` returns them.
    """
    place = full(depth.shape, -1, np.int32)
    place.ravel()[pixels] = np.arange(len(pixels))
    return _draw(screen, edges, depth, np.inf, place, len(pixels))


def _draw(screen, edges, depth, slack, place, count):
    """Edges at the pixels that have a place from 0 to `count` - 1 in the results."""
    edge_id, along, nearest_z = full(count, -1, np.int32), zeros(count), empty(count)
    bands = split(len(depth), ROWS_PER_BAND, MOST_BANDS)
    run_bands(_draw_rows, bands, screen, edges, depth, slack, place, nearest_z, edge_id, along)
    return edge_id, along


@kernel
def _draw_rows(start, stop, screen, edges, depth, slack, place, nearest_z, edge_id, along):
    """The pixels of all edges that lie in rows [start, stop)."""
    height, width = depth.shape
    for e in range(len(edges)):
        a, b = edges[e, 0], edges[e, 1]
        au, av, bu, bv = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
        if max(av, bv) < start - 1 or min(av, bv) > stop:
            continue
        du, dv = bu - au, bv - av
        if not (screen[a, 2] > 0.0 and screen[b, 2] > 0.0 and abs(du) + abs(dv) < np.inf):
            continue

        # Steps go along the major axis, one pixel at a time; the other axis is the minor one.
        wide = abs(du) >= abs(dv)
        if wide:
            major, target, major_length, minor, minor_length = au, bu, du, av, dv
            first, last, least, most, size = 0, width, start, stop, height
        else:
            major, target, major_length, minor, minor_length = av, bv, dv, au, du
            first, last, least, most, size = start, stop, 0, width, width
        begin, end = pixels_along(major, target, first, last)
        for step in range(begin, end):
            t = (step - major) / major_length
            across = minor + t * minor_length
            nearest_centre = np.floor(across + 0.5)
            if not least <= nearest_centre < most:
                continue
            pixel = int(nearest_centre)
            i, j = (step, pixel) if wide else (pixel, step)
            n = place[j, i] if place.size else j * width + i
            if n < 0:
                continue
            other = pixel + 1 if across >= pixel else pixel - 1
            surface = depth[j, i]
            if 0 <= other < size:
                surface = max(surface, depth[other, i] if wide else depth[j, other])
            s, z = perspective_along(t, 1.0 / screen[a, 2], 1.0 / screen[b, 2])
            if z <= surface * slack and (edge_id[n] < 0 or z < nearest_z[n]):
                nearest_z[n], edge_id[n], along[n] = z, e, s
