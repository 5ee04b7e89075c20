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

from ..formulas import perspective_along, pixels_along
from ..jit import kernel
from ..threads import run_bands, split

ROWS_PER_BAND, MOST_BANDS = 64, 2  # each band goes through all edges


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
        Depth of the surface at the centre of each pixel, as `rasterize` returns it; 0 where no edge is wanted.
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
    edge_id = np.empty(depth.shape, np.int32)
    along = np.empty(depth.shape)
    bands = split(len(depth), ROWS_PER_BAND, MOST_BANDS)
    run_bands(_draw_rows, bands, screen, edges, depth, 1.0 + tolerance, edge_id, along)
    return edge_id, along


@kernel
def _draw_rows(start, stop, screen, edges, depth, slack, edge_id, along):
    """The pixels of all edges that lie in rows [start, stop)."""
    height, width = depth.shape
    nearest_z = np.full((stop - start, width), np.inf)
    for j in range(start, stop):
        for i in range(width):
            edge_id[j, i] = -1
            along[j, i] = 0.0

    for e in range(len(edges)):
        a, b = edges[e, 0], edges[e, 1]
        au, av, bu, bv = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
        du, dv = bu - au, bv - av
        if max(av, bv) < start - 1 or min(av, bv) > stop:
            continue
        if not (screen[a, 2] > 0.0 and screen[b, 2] > 0.0 and abs(du) + abs(dv) < np.inf):
            continue

        # Steps go along the major axis, one pixel at a time; the other axis is the minor one.
        wide = abs(du) >= abs(dv)
        if wide:
            major, major_length, minor, minor_length = au, du, av, dv
            begin, end = pixels_along(au, bu, 0, width)
            least, most, size = start, stop, height
        else:
            major, major_length, minor, minor_length = av, dv, au, du
            begin, end = pixels_along(av, bv, start, stop)
            least, most, size = 0, width, width

        for step in range(begin, end):
            t = (step - major) / major_length
            across = minor + t * minor_length
            nearest_centre = np.floor(across + 0.5)
            if not least <= nearest_centre < most:
                continue
            pixel = int(nearest_centre)
            other = pixel + 1 if across >= pixel else pixel - 1
            i, j = (step, pixel) if wide else (pixel, step)
            surface = depth[j, i]
            if 0 <= other < size:
                surface = max(surface, depth[other, i] if wide else depth[j, other])
            if surface <= 0.0:
                continue
            s, z = perspective_along(t, 1.0 / screen[a, 2], 1.0 / screen[b, 2])
            if z <= surface * slack and z < nearest_z[j - start, i]:
                nearest_z[j - start, i] = z
                edge_id[j, i] = e
                along[j, i] = s
