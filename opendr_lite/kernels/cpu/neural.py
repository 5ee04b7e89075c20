"""The backward rule of the Neural 3D Mesh Renderer (Kato, Ushiku and Harada, CVPR 2018), for colours and silhouettes.

A pixel that shows its centre does not change as a vertex moves a little. The rule asks how far an edge would have to
move for the pixel to change at all, and takes the change over that distance for the derivative:

         the line of pixels, a row or a column, that an edge (a, b) crosses at x, with the face on the left

         ──o────o────o────●─┃──○────o────p──►     ● the last pixel inside, ○ the first one outside
                            x                     OUTSIDE: were the edge at p, p would look like ●
         ──o────p────o────●─┃──○────o────o──►     INSIDE: were the edge at p, p would look like ○

With g the incoming gradient and q the pixel that p would look like, a step downhill goes there only if

    pull = sum_c (I[p, c] - I[q, c]) g[p, c]

is positive. Other pixels are skipped, which is why the rule is no linear map: the gradient for -g is not minus that
for g. On the line the edge is at x = s_a x_a + s_b x_b, with s_a + s_b = 1; the end a alone takes it to p by moving
(p - x) / s_a. So, with d the distance |p - x| and n the direction from x to p along the line, ±1,

    ∂L/∂x_a -= n pull / (d / s_a + ε) = n s_a pull / (d + s_a ε)

and alike for b. Pixels outside count as far as the border of the image, but only where the last pixel inside shows the
face; pixels inside where they show it. A crossing with the last pixel inside or the first one outside beyond the border
counts for nothing. ε keeps the gradient finite where an edge runs through the centre of a pixel.

Rows give the derivative with respect to u, columns with respect to v. Which pixels are inside is what the rasterizer
says (`formulas.edge_threshold`). Each face has a sum of its own, so results do not depend on the number of threads.
"""
import math

import numpy as np

from ...threads import run_bands, split
from ..formulas import edge_function, edge_threshold, first_pixel_beyond, first_pixel_from, left_to_right
from ..jit import formula, kernel, read_only, step
from .lanes import LANES, add_scaled, load, store

FACES_PER_BAND = 64


def pull_edges(screen, f, face_id, image, cotangent, eps):
    """Gradient of the corners of faces on the screen, by the edges of the faces.

    Parameters
    ----------
    screen : (V, 3) float64
        u and v, and one more.
    f : (F, 3) int32
    face_id : (h, w) int32
        The face seen at each pixel, -1 for none.
    image, cotangent : (h, w, C) float64
        The colours of the pixels, and the gradient of what is to become less with respect to them.
    eps : (float, float)
        ε along rows and columns, in pixels.

    Returns
    -------
    (F, 3, 2) float64
        With respect to u and v of each corner; 0 for a face that no pixel shows.
    """
    gradient = np.zeros((len(f), 3, 2))
    seen = np.flatnonzero(np.bincount(face_id.ravel() + 1, minlength=len(f) + 1)[1:])
    for axis, order in enumerate([(0, 2, 1), (1, 2, 0)]):
        faces = np.ascontiguousarray(face_id.transpose(order[::2]))
        colors, pulls = (np.ascontiguousarray(array.transpose(order)) for array in (image, cotangent))
        run_bands(_pull_along_lines, split(len(seen), FACES_PER_BAND), seen, axis, read_only(screen), read_only(f),
                  read_only(faces), read_only(colors), read_only(pulls), _extent(pulls), eps[axis], gradient)
    return gradient


def _extent(cotangent):
    """From which pixel to short of which lines, (L, C, length), have entries that are not zero: (L, 2)."""
    there = (cotangent != 0).any(axis=1)
    first, last = there.argmax(axis=1), there.shape[1] - there[:, ::-1].argmax(axis=1)
    return np.where(there.any(axis=1), (first, last), 0).T.copy()


@kernel
def _pull_along_lines(start, stop, seen, axis, screen, f, faces, colors, cotangent, extent, eps, gradient):
    """Of faces seen[start:stop], along the rows (axis 0) or columns (axis 1) of an image."""
    lines, channels, length = colors.shape
    look = np.empty(channels)
    terms = np.empty(length), np.empty(length + LANES), np.empty(length + LANES)
    for n in range(start, stop):
        t = seen[n]
        for k in range(3):
            a, b, c = f[t, k], f[t, (k + 1) % 3], f[t, (k + 2) % 3]
            xa, xb, xc = screen[a, axis], screen[b, axis], screen[c, axis]  # along the lines
            ya, yb, yc = screen[a, 1 - axis], screen[b, 1 - axis], screen[c, 1 - axis]  # across them
            if ya == yb:
                continue
            slope = (xb - xa) / (yb - ya)
            outward = -1 if xc > xa + slope * (yc - ya) else 1
            left = first_pixel_from(min(xa, min(xb, xc)), 0, length)
            right = first_pixel_beyond(max(xa, max(xb, xc)), 0, length)
            for line in range(first_pixel_from(min(ya, yb), 0, lines), first_pixel_beyond(max(ya, yb), 0, lines)):
                cross = xa + slope * (line - ya)
                if not -1.0 < cross < length:
                    continue
                inner = math.floor(cross + 0.5)
                u, v = (inner, line) if axis == 0 else (line, inner)
                if not _is_inside(screen, a, b, c, u, v):
                    inner -= outward
                outer = inner + outward
                if min(inner, outer) < 0 or max(inner, outer) >= length:
                    continue

                at_b = (line - ya) / (yb - ya)
                first, last = extent[line, 0], extent[line, 1]
                out_a = out_b = 0.0
                if faces[line, inner] == t:
                    _look_at(inner, colors[line], look)
                    begin, end = (max(outer, first), last) if outward > 0 else (first, min(outer + 1, last))
                    out_a, out_b = _pulls(begin, end, cross, at_b, eps, look, colors[line], cotangent[line], terms)
                _look_at(outer, colors[line], look)
                begin, end = (left, inner + 1) if outward > 0 else (inner, right)
                in_a, in_b = _pulls_where_shown(max(begin, first), min(end, last), t, faces[line], cross, at_b, eps, look,
                                                colors[line], cotangent[line], terms)
                gradient[t, k, axis] += outward * (in_a - out_a)
                gradient[t, (k + 1) % 3, axis] += outward * (in_b - out_b)


@formula
def _is_inside(screen, a, b, c, u, v):
    """Whether a pixel is on the side of an edge (a, b) that the third corner c is on, as the rasterizer decides it."""
    au, av, _, bu, bv, _ = left_to_right(screen[a, 0], screen[a, 1], 0.0, screen[b, 0], screen[b, 1], 0.0)
    side = 1.0 if edge_function(au, av, bu, bv, screen[c, 0], screen[c, 1]) > 0.0 else -1.0
    slope_u, slope_v = side * (av - bv), side * (bu - au)
    return slope_v * (v - av) + slope_u * (u - au) >= edge_threshold(slope_u, slope_v)


@step
def _look_at(pixel, colors, look):
    for channel in range(len(look)):
        look[channel] = colors[channel, pixel]


@step
def _pulls_where_shown(begin, end, t, faces, cross, at_b, eps, look, colors, cotangent, terms):
    """`_pulls` of those pixels that show face t."""
    for_a = for_b = 0.0
    while begin < end:
        stop = begin
        while stop < end and faces[stop] == t:
            stop += 1
        if stop > begin:
            run_a, run_b = _pulls(begin, stop, cross, at_b, eps, look, colors, cotangent, terms)
            for_a, for_b = for_a + run_a, for_b + run_b
        begin = stop + 1
    return for_a, for_b


@step
def _pulls(begin, end, cross, at_b, eps, look, colors, cotangent, terms):
    """sum s pull / (d + s ε) over pixels [begin, end) of a line, for both ends of an edge."""
    at_a = 1.0 - at_b
    eps_a, eps_b = at_a * eps if at_a > 0.0 else eps, at_b * eps if at_b > 0.0 else eps  # no 0 / 0 where s is 0
    pulls, for_a, for_b = terms
    count, first = np.uint64(max(end - begin, 0)), np.uint64(begin)
    for p in range(count):
        pulls[p] = 0.0
    for channel in range(len(look)):
        seen = look[channel]
        for p in range(count):
            pulls[p] += (colors[channel, first + p] - seen) * cotangent[channel, first + p]
    from_cross = begin - cross
    for p in range(count):
        distance = abs(from_cross + float(np.int32(p)))
        below_a, below_b = distance + eps_a, distance + eps_b
        pull = max(pulls[p], 0.0) / (below_a * below_b)
        for_a[p], for_b[p] = pull * below_b, pull * below_a
    return at_a * _sum(for_a, count), at_b * _sum(for_b, count)


@step
def _sum(x, count):
    """x[0] + ... + x[count - 1]; x has room for LANES more."""
    for p in range(count, count + np.uint64(LANES)):
        x[p] = 0.0
    total = load(x, 0)
    for p in range(np.uint64(LANES), count, np.uint64(LANES)):
        total = add_scaled(total, 1.0, load(x, p))
    store(x, 0, total)
    return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]))
