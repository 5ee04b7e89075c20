"""What is seen of each face in the square of a pixel.

Let P_i be the part of face i in the square, w_i its 1/z. What is seen of it,

    V_i = P_i minus, for all other faces j, (face j where w_j > w_i),

is made of convex polygons, since all lines are straight: no order of faces is needed, and faces that cross are no
special case. Of faces that lie in one plane, the one with the lower index is seen.

For each V_i, a *sample*, its area and centroid are found, and its border: segments, each on the edge of some face or
on the line where two faces are equally near. A line that only cuts V_i into pieces has one on either side, which cancel
in all that is made of them.

A square that more than `MOST_FACES` faces meet is cut into four, down to `FINEST`; what then is still too much shows the
nearest face at its centre, and has no border.
"""
from typing import NamedTuple

import numpy as np

from ....threads import in_parallel, split
from ...formulas import edge_function, perspective_barycentrics
from ...jit import kernel, read_only, step
from .polygons import (
    BORDER,
    ON_LINE,
    area_and_moments,
    copy_polygon,
    is_outside,
    keep_inside,
    make_square,
    range_over,
    side_of_line,
)

PIXELS_PER_BAND = 256
MOST_FACES = 24
MOST_PIECES = 128
MOST_CORNERS = 4 + 3 + 6 * MOST_FACES
FINEST = 1.0 / 32  # half the side of a square that is not cut any more
NO_AREA = 1e-15  # square pixels
COPLANAR = 1e-12  # relative difference of 1/z
ALIKE = 3  # the line where two faces are equally near, beside the edges 0, 1, 2

# Rows of the store: the faces in the square, the pieces of what is seen of one of them, two to work on.
PIECES = MOST_FACES
WORK = MOST_FACES + MOST_PIECES

# Columns of what is known of a face in the square: its edges, opposite to the corners, as a x + b y + c, the distance
# from them into the face; w as a x + b y + c; the range of w; the area and the moments of its part; x and y of the corners.
W, LOW, HIGH, AREA, MOMENT_X, MOMENT_Y, FACE, CORNER, KNOWN = 9, 12, 13, 14, 15, 16, 17, 18, 24


class Arrangement(NamedTuple):
    """What is seen in pixels: samples, and the segments of their borders.

    Attributes
    ----------
    pixel, face_id : (S,) int32
        Of each sample; pixels ascend.
    area : (S,) float64
        Share of the pixel.
    centroid : (S, 2) float64
        From the centre of the pixel.
    segment_sample : (T,) int32
        The sample of each segment; they ascend.
    segment_face : (T,) int32
    segment_line : (T,) int32
        The segment lies on the edge opposite to corner 0, 1 or 2 of that face, or, if 3, where the face is as near as the
        sample's; if that is the same face, where it crosses the far plane.
    segment : (T, 4) float64
        u and v of both ends, from the centre of the pixel. The sample is on its right, v pointing down.
    """

    pixel: np.ndarray
    face_id: np.ndarray
    area: np.ndarray
    centroid: np.ndarray
    segment_sample: np.ndarray
    segment_face: np.ndarray
    segment_line: np.ndarray
    segment: np.ndarray


def arrange(screen, f, pixel, start, faces, width, far=np.inf):
    """The `Arrangement` of pixels.

    Parameters
    ----------
    screen : (V, 3) float64
        u, v, z.
    f : (F, 3) int32
    pixel, start, faces
        Which faces meet which pixels; see `gather_faces`.
    width : int
        Of the image.
    far : float
        What is farther away is not seen.
    """
    args = *map(read_only, (screen, f, pixel, start, faces)), width, 1.0 / far
    bands = in_parallel(lambda band: _arrange_pixels(*band, *args), split(len(pixel), least=PIXELS_PER_BAND))
    arrays = [np.concatenate(part) for part in zip(*bands)]
    samples = [len(band[0]) for band in bands]
    arrays[4] += np.repeat(np.cumsum([0] + samples[:-1]), [len(band[4]) for band in bands]).astype(np.int32)
    return Arrangement(*arrays)


@kernel
def _arrange_pixels(start, stop, screen, f, pixel, first, faces, width, least):
    samples, segments = 0, 0
    sample_pixel, sample_face = np.empty(64, np.int32), np.empty(64, np.int32)
    area, centroid = np.empty(64), np.empty((64, 2))
    segment_sample, segment_face = np.empty(256, np.int32), np.empty(256, np.int32)
    segment_line, segment = np.empty(256, np.int32), np.empty((256, 4))

    known, order = np.empty((MOST_FACES, KNOWN)), np.empty(MOST_FACES, np.int64)
    apart = np.empty((MOST_FACES, MOST_FACES), np.bool_)
    store = np.empty((MOST_FACES + MOST_PIECES + 2, 1 + 3 * MOST_CORNERS))
    pending = np.empty((64, 3))
    for k in range(start, stop):
        u, v = float(pixel[k] % width), float(pixel[k] // width)
        pending[0, 0], pending[0, 1], pending[0, 2] = 0.0, 0.0, 0.5
        num_pending = 1
        while num_pending:
            num_pending -= 1
            x, y, half = pending[num_pending, 0], pending[num_pending, 1], pending[num_pending, 2]
            if samples + MOST_FACES > len(area):
                sample_pixel, sample_face = _longer(sample_pixel), _longer(sample_face)
                area, centroid = _longer(area), _taller(centroid)
            samples_before, segments_before = samples, segments
            count = _clip_faces(x, y, half, u, v, screen, f, first[k], first[k + 1], faces, least, known, order,
                                store)
            for i in range(count):
                for j in range(i):
                    apart[i, j] = apart[j, i] = _are_apart(i, j, known, store)
            remaining, done = 4.0 * half * half, count >= 0
            for n in range(count):
                i = order[n]
                if remaining < NO_AREA:
                    break
                polygon, polygons = _visible_pieces(i, count, known, order, apart, store)
                if polygons < 0:
                    done = False
                    break
                if polygon == i:
                    seen, moment_x, moment_y = known[i, AREA], known[i, MOMENT_X], known[i, MOMENT_Y]
                else:
                    seen = moment_x = moment_y = 0.0
                    for p in range(polygon, polygon + polygons):
                        piece, piece_x, piece_y = area_and_moments(store, p)
                        seen, moment_x, moment_y = seen + piece, moment_x + piece_x, moment_y + piece_y
                if seen < NO_AREA:
                    continue
                remaining -= seen
                sample_pixel[samples], sample_face[samples], area[samples] = pixel[k], int(known[i, FACE]), seen
                centroid[samples, 0], centroid[samples, 1] = moment_x / seen, moment_y / seen
                for p in range(polygon, polygon + polygons):
                    if segments + MOST_CORNERS > len(segment_sample):
                        segment_sample, segment_face = _longer(segment_sample), _longer(segment_face)
                        segment_line, segment = _longer(segment_line), _taller(segment)
                    segments = _write_segments(p, samples, known, store, segments, segment_sample, segment_face,
                                               segment_line, segment)
                samples += 1
            if done:
                continue
            samples, segments = samples_before, segments_before
            if half > FINEST:
                half *= 0.5
                for quarter in range(4):
                    pending[num_pending, 0] = x + (half if quarter % 2 else -half)
                    pending[num_pending, 1] = y + (half if quarter // 2 else -half)
                    pending[num_pending, 2] = half
                    num_pending += 1
            else:
                nearest = _nearest_face(u + x, v + y, screen, f, first[k], first[k + 1], faces, least)
                if nearest >= 0:
                    sample_pixel[samples], sample_face[samples], area[samples] = pixel[k], nearest, 4.0 * half * half
                    centroid[samples, 0], centroid[samples, 1] = x, y
                    samples += 1
    return (sample_pixel[:samples].copy(), sample_face[:samples].copy(), area[:samples].copy(),
            centroid[:samples].copy(), segment_sample[:segments].copy(), segment_face[:segments].copy(),
            segment_line[:segments].copy(), segment[:segments].copy())


@step
def _longer(array):
    return np.append(array, np.empty_like(array))


@step
def _taller(array):
    return np.concatenate((array, np.empty_like(array)))


@step
def _edge_line(au, av, bu, bv, n, k, known, sign):
    """Write the line of edge k of face n, from a to b; the bits are the same from b to a, but for the sign."""
    if bu < au or (bu == au and bv < av):
        au, av, bu, bv, sign = bu, bv, au, av, -sign
    a, b = av - bv, bu - au
    scale = sign / np.sqrt(a * a + b * b)
    known[n, 3 * k], known[n, 3 * k + 1], known[n, 3 * k + 2] = a * scale, b * scale, -(a * au + b * av) * scale


@step
def _set_up(t, n, u, v, screen, f, known):
    """Lines of face t as face n of a square, in coordinates from (u, v); whether it has an area."""
    i, j, k = f[t, 0], f[t, 1], f[t, 2]
    u0, v0, w0 = screen[i, 0] - u, screen[i, 1] - v, 1.0 / screen[i, 2]
    u1, v1, u2, v2 = screen[j, 0] - u, screen[j, 1] - v, screen[k, 0] - u, screen[k, 1] - v
    area = (u1 - u0) * (v2 - v0) - (v1 - v0) * (u2 - u0)
    if area == 0.0:
        return False
    sign = 1.0 if area > 0.0 else -1.0
    _edge_line(u1, v1, u2, v2, n, 0, known, sign)
    _edge_line(u2, v2, u0, v0, n, 1, known, sign)
    _edge_line(u0, v0, u1, v1, n, 2, known, sign)
    of_1, of_2 = (1.0 / screen[j, 2] - w0) / area, (1.0 / screen[k, 2] - w0) / area
    a, b = of_1 * (v2 - v0) - of_2 * (v1 - v0), of_2 * (u1 - u0) - of_1 * (u2 - u0)
    known[n, W], known[n, W + 1], known[n, W + 2] = a, b, w0 - a * u0 - b * v0
    known[n, FACE] = t
    known[n, CORNER], known[n, CORNER + 1], known[n, CORNER + 2] = u0, v0, u1
    known[n, CORNER + 3], known[n, CORNER + 4], known[n, CORNER + 5] = v1, u2, v2
    return True


@step
def _clip_faces(x, y, half, u, v, screen, f, first, last, faces, least, known, order, store):
    """Set up what faces have in the square around (x, y) of the pixel at (u, v): their number, -1 for too many."""
    count = 0
    for at in range(first, last):
        if count == MOST_FACES:
            return -1
        if not _set_up(faces[at], count, u, v, screen, f, known):
            continue
        meets, now = True, WORK
        make_square(store, now, x, y, half)
        for k in range(3):
            a, b, c = known[count, 3 * k], known[count, 3 * k + 1], known[count, 3 * k + 2]
            middle, reach = a * x + b * y + c, half * (abs(a) + abs(b))
            if middle >= reach:
                continue
            if middle > -reach:
                keep_inside(store, now, a, b, c, 4.0 * count + k, 2 * WORK + 1 - now)
                now = 2 * WORK + 1 - now
            if middle <= -reach or store[now, 0] < 3.0:
                meets = False
                break
        if meets:
            a, b, c = known[count, W], known[count, W + 1], known[count, W + 2]
            low, high = range_over(store, now, a, b, c)
            if high <= least:
                meets = False
            elif low < least:
                steepness = np.sqrt(a * a + b * b)
                keep_inside(store, now, a / steepness, b / steepness, (c - least) / steepness, 4.0 * count + ALIKE,
                            2 * WORK + 1 - now)
                now, low = 2 * WORK + 1 - now, least
                meets = store[now, 0] >= 3.0
        if not meets:
            continue
        area, moment_x, moment_y = area_and_moments(store, now)
        if area < NO_AREA:
            continue
        known[count, AREA], known[count, MOMENT_X], known[count, MOMENT_Y] = area, moment_x, moment_y
        copy_polygon(store, now, count)
        known[count, LOW], known[count, HIGH] = low, high
        place = count  # faces come in ascending order, and stay so where they are equally near
        while place > 0 and known[order[place - 1], HIGH] < high:
            order[place] = order[place - 1]
            place -= 1
        order[place] = count
        count += 1
    return count


@step
def _are_apart(i, j, known, store):
    """Whether an edge of one of two faces has both on different sides."""
    for k in range(3):
        if (is_outside(store, i, known[j, 3 * k], known[j, 3 * k + 1], known[j, 3 * k + 2])
                or is_outside(store, j, known[i, 3 * k], known[i, 3 * k + 1], known[i, 3 * k + 2])):
            return True
    return False


@step
def _visible_pieces(i, count, known, order, apart, store):
    """(first row of the polygons that are seen of face i, their number, -1 for too many)."""
    polygon, polygons = i, 1
    tie = COPLANAR * known[i, HIGH]
    for n in range(count):
        j = order[n]
        if known[j, HIGH] < known[i, LOW] - tie:
            break
        if j == i or apart[i, j]:
            continue
        a, b, c = known[j, W] - known[i, W], known[j, W + 1] - known[i, W + 1], known[j, W + 2] - known[i, W + 2]
        least, most = range_over(store, i, a, b, c)
        least_there, most_there = range_over(store, j, a, b, c)
        num_lines = 3
        if (least >= -tie and most <= tie) or (least_there >= -tie and most_there <= tie):
            if j > i:
                continue
        elif most <= tie or most_there <= tie:
            continue
        elif least < -tie and least_there < -tie:
            num_lines = 4
            steepness = np.sqrt(a * a + b * b)
            a, b, c = a / steepness, b / steepness, c / steepness
        if polygon == i:
            polygon = PIECES
            copy_polygon(store, i, polygon)
        polygons = _subtract(i, j, num_lines, a, b, c, polygons, known, store)
        if polygons <= 0:
            break
    return polygon, polygons


@step
def _subtract(i, j, num_lines, a, b, c, pieces, known, store):
    """Take face j from the pieces of face i: their number, -1 for too many.

    If there are four lines, j is in front where a x + b y + c >= 0.
    """
    for p in range(PIECES + pieces - 1, PIECES - 1, -1):
        touches = num_lines == 3 or side_of_line(store, p, a, b, c) >= 0
        for k in range(3):
            if is_outside(store, p, known[j, 3 * k], known[j, 3 * k + 1], known[j, 3 * k + 2]):
                touches = False
                _claim_border(p, i, j, k, known, store)
        if not touches:
            continue
        rest, other = p, WORK
        for k in range(num_lines):
            if k < 3:
                line_a, line_b, line_c = known[j, 3 * k], known[j, 3 * k + 1], known[j, 3 * k + 2]
            else:
                line_a, line_b, line_c = a, b, c
            where = side_of_line(store, rest, line_a, line_b, line_c)
            if where > 0:
                continue
            if pieces == MOST_PIECES:
                return -1
            if where < 0:
                copy_polygon(store, rest, PIECES + pieces)
                pieces += 1
                break
            keep_inside(store, rest, -line_a, -line_b, -line_c, 4.0 * j + k, PIECES + pieces)
            pieces += 1
            keep_inside(store, rest, line_a, line_b, line_c, 4.0 * j + k, other)
            rest, other = other, 2 * WORK + 1 - other
        pieces -= 1
        if p < PIECES + pieces:
            copy_polygon(store, PIECES + pieces, p)
    return pieces


@step
def _claim_border(p, i, j, k, known, store):
    """What polygon p, a piece of face i, has of its border along edge k of face j is on that edge.

    The border may have been cut by an edge of another face that is on the same line, but ends before.
    """
    if store[p, 0] + 2.0 > MOST_CORNERS:
        return
    a, b, c = known[j, 3 * k], known[j, 3 * k + 1], known[j, 3 * k + 2]
    start, end = CORNER + 2 * ((k + 1) % 3), CORNER + 2 * ((k + 2) % 3)
    origin_x, origin_y = known[j, start], known[j, start + 1]
    along_x, along_y = known[j, end] - origin_x, known[j, end + 1] - origin_y
    scale = 1.0 / (along_x * along_x + along_y * along_y)
    stop = 1 + 3 * int(store[p, 0])
    for at in range(1, stop, 3):
        following = at + 3 if at + 3 < stop else 1
        x0, y0, x1, y1, label = store[p, at], store[p, at + 1], store[p, following], store[p, following + 1], store[p, at + 2]
        if (label == BORDER or int(label) // 4 == i or int(label) % 4 == ALIKE
                or abs(a * x0 + b * y0 + c) > ON_LINE or abs(a * x1 + b * y1 + c) > ON_LINE):
            continue
        t0 = ((x0 - origin_x) * along_x + (y0 - origin_y) * along_y) * scale
        t1 = ((x1 - origin_x) * along_x + (y1 - origin_y) * along_y) * scale
        first, last = min(max(t0, 0.0), 1.0), min(max(t1, 0.0), 1.0)
        if first == last:
            continue
        copy_polygon(store, p, WORK)
        to = at
        store[p, to + 2] = label if first != t0 else 4.0 * j + k
        if first != t0:
            to += 3
            store[p, to], store[p, to + 1] = origin_x + first * along_x, origin_y + first * along_y
            store[p, to + 2] = 4.0 * j + k
        if last != t1:
            to += 3
            store[p, to], store[p, to + 1] = origin_x + last * along_x, origin_y + last * along_y
            store[p, to + 2] = label
        for entry in range(at + 3, stop):
            store[p, entry + to - at] = store[WORK, entry]
        store[p, 0] = store[WORK, 0] + (to - at) // 3
        return  # a convex polygon has one edge on a line


@step
def _write_segments(p, sample, known, store, segments, segment_sample, segment_face, segment_line, segment):
    """Write the border of polygon p after the segments there are: their number then."""
    stop = 1 + 3 * int(store[p, 0])
    for at in range(1, stop, 3):
        label = store[p, at + 2]
        if label == BORDER:
            continue
        following = at + 3 if at + 3 < stop else 1
        face, line = divmod(int(label), 4)
        segment_sample[segments] = sample
        segment_face[segments], segment_line[segments] = int(known[face, FACE]), line
        segment[segments, 0], segment[segments, 1] = store[p, at], store[p, at + 1]
        segment[segments, 2], segment[segments, 3] = store[p, following], store[p, following + 1]
        segments += 1
    return segments


@step
def _nearest_face(u, v, screen, f, first, last, faces, least):
    """The nearest face at a point, or -1."""
    nearest, most = -1, least
    for at in range(first, last):
        t = faces[at]
        a, b, c = f[t, 0], f[t, 1], f[t, 2]
        ea = edge_function(screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1], u, v)
        eb = edge_function(screen[c, 0], screen[c, 1], screen[a, 0], screen[a, 1], u, v)
        ec = edge_function(screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], u, v)
        if min(ea, eb, ec) >= 0.0 or max(ea, eb, ec) <= 0.0:
            _, _, _, depth = perspective_barycentrics(abs(ea), abs(eb), abs(ec), 1.0 / screen[a, 2],
                                                      1.0 / screen[b, 2], 1.0 / screen[c, 2])
            if 1.0 / depth > most:
                nearest, most = t, 1.0 / depth
    return nearest
