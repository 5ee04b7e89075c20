"""What is seen of each face in the square of a pixel, and how it changes as the vertices move.

Let P_i be the part of face i in the square, w_i its 1/z. What is seen of it,

    V_i = P_i minus, for all other faces j, (face j where w_j > w_i),

is made of convex polygons, since all lines are straight: no order of faces is needed, and faces that cross are no
special case. Faces that lie in one plane: the lower index is seen. Three numbers of V_i make the image: its area A and
its moments M = ∫ (u, v). With a test function φ of 1, u, v they change as the lines under its border move,

    d ∫ φ = ∫ φ v_n ds        v_n the speed of the border, outward.

On the edge from a to b of some face, with unit normal n, a point at t moves with v_n = n · ((1 - t) da + t db). Where
w_j = w_i, D = w_j - w_i moves the line by v_n = -dD / |∇D|; with the barycentric coordinates λ_k of a face on the screen

    dw = sum_k λ_k (dw_k - ∇w · (du_k, dv_k)).

So each is a sum of *fronts*: a vertex, a direction d in its (u, v, w), and three weights ψ_φ, with

    d ∫ φ = sum ψ_φ (d · d(u, v, w)).

Along a piece of the border all integrands are quadratic, and ∫ f g = l/6 (f₀ (2 g₀ + g₁) + f₁ (g₀ + 2 g₁)).

Positions are kept as Y = z (u, v, 1), see `renderer.sweep`, so directions are given for these: du = (dY_1 - u dY_3) / z,
dv = (dY_2 - v dY_3) / z, dw = -dY_3 / z².

A square that more than `MOST_FACES` faces meet is cut into four, down to `FINEST`; what then is still too much shows the
nearest face at its centre, and does not move.
"""
from typing import NamedTuple

import numpy as np

from ....threads import in_parallel, split
from ...formulas import edge_function, perspective_barycentrics
from ...jit import kernel, read_only, step
from .polygons import BORDER, area_and_moments, copy_polygon, cut_polygon, side_of_line

PIXELS_PER_BAND = 256
MOST_FACES = 24
MOST_PIECES = 256
MOST_CORNERS = 4 + 3 + 4 * MOST_FACES
FINEST = 1.0 / 32  # half the side of a square that is not cut any more
NO_AREA = 1e-15  # square pixels
COPLANAR = 1e-12  # relative difference of 1/z
ALIKE = 3  # the label of the line where two faces are equally near, beside those of three edges


class Arrangement(NamedTuple):
    """What is seen in marked pixels: samples and fronts.

    Attributes
    ----------
    pixel : (S,) int32
        Of each sample; ascending.
    face_id : (S,) int32
    area : (S,) float64
        Share of the pixel.
    position : (S, 2) float64
        The centroid: u, v.
    barycentric, depth : (S, 3), (S,) float64
        There; perspective-correct.
    front_sample, front_vertex : (T,) int32
        Samples ascend.
    direction : (T, 3) float64
        d, in the vertex' Y.
    spread : (T, 3) float64
        ψ of 1, and of u and v from the centre of the pixel.
    """

    pixel: np.ndarray
    face_id: np.ndarray
    area: np.ndarray
    position: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray
    front_sample: np.ndarray
    front_vertex: np.ndarray
    direction: np.ndarray
    spread: np.ndarray


def arrange(screen, f, pixel, start, faces, width):
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
    """
    args = *map(read_only, (screen, f, pixel, start, faces)), width
    bands = in_parallel(lambda band: _arrange_pixels(*band, *args), split(len(pixel), least=PIXELS_PER_BAND))
    samples = np.cumsum([0] + [len(band[0]) for band in bands])
    columns = [np.concatenate(part) for part in zip(*bands)]
    columns[6] = np.concatenate([band[6] + first for band, first in zip(bands, samples)]).astype(np.int32)
    return Arrangement(*columns)


@kernel
def _arrange_pixels(start, stop, screen, f, pixel, first, faces, width):
    samples, fronts = 0, 0
    sample_pixel, sample_face = np.empty(64, np.int32), np.empty(64, np.int32)
    area, position, barycentric, depth = np.empty(64), np.empty((64, 2)), np.empty((64, 3)), np.empty(64)
    front_sample, front_vertex = np.empty(256, np.int32), np.empty(256, np.int32)
    direction, spread = np.empty((256, 3)), np.empty((256, 3))

    local = _new_faces()
    clipped, pieces, scratch = _new_store(MOST_FACES), _new_store(MOST_PIECES), _new_store(3)
    of_edges, of_likes = np.empty((MOST_FACES, 3, 6)), np.empty((MOST_FACES, 2, 3, 3))
    pending = np.empty((64, 3))
    for k in range(start, stop):
        u, v = float(pixel[k] % width), float(pixel[k] // width)
        pending[0, 0], pending[0, 1], pending[0, 2] = 0.0, 0.0, 0.5
        num_pending = 1
        while num_pending:
            num_pending -= 1
            x, y, half = pending[num_pending, 0], pending[num_pending, 1], pending[num_pending, 2]
            while samples + MOST_FACES > len(area):
                sample_pixel, sample_face = _longer(sample_pixel), _longer(sample_face)
                area, position, barycentric, depth = (_longer(area), _taller(position), _taller(barycentric),
                                                      _longer(depth))
            count = _clip_faces(x, y, half, u, v, screen, f, faces[first[k]:first[k + 1]], local, clipped, scratch)
            samples_before, fronts_before = samples, fronts
            remaining, done = 4.0 * half * half, count >= 0
            for n in range(max(count, 0)):
                i = local.order[n]
                if remaining < NO_AREA:
                    break
                num_pieces = _visible_pieces(i, count, local, clipped, pieces, scratch)
                if num_pieces < 0:
                    done = False
                    break
                seen, moment_x, moment_y = _measure(i, num_pieces, count, local, pieces, of_edges, of_likes)
                if seen < NO_AREA:
                    continue
                remaining -= seen
                sample_pixel[samples], sample_face[samples], area[samples] = pixel[k], local.face[i], seen
                at_x, at_y = moment_x / seen, moment_y / seen
                position[samples, 0], position[samples, 1] = u + at_x, v + at_y
                depth[samples] = _locate(i, at_x, at_y, local, barycentric[samples])
                while fronts + 12 * MOST_FACES > len(front_sample):
                    front_sample, front_vertex = _longer(front_sample), _longer(front_vertex)
                    direction, spread = _taller(direction), _taller(spread)
                fronts = _add_fronts(i, samples, count, local, screen, f, of_edges, of_likes, fronts, front_sample,
                                     front_vertex, direction, spread)
                samples += 1
            if done:
                continue
            samples, fronts = samples_before, fronts_before
            if half > FINEST:
                half *= 0.5
                for quarter in range(4):
                    pending[num_pending, 0] = x + (half if quarter % 2 else -half)
                    pending[num_pending, 1] = y + (half if quarter // 2 else -half)
                    pending[num_pending, 2] = half
                    num_pending += 1
            else:
                nearest, at_depth = _nearest_face(u + x, v + y, screen, f, faces[first[k]:first[k + 1]],
                                                  barycentric[samples])
                if nearest >= 0:
                    sample_pixel[samples], sample_face[samples], area[samples] = pixel[k], nearest, 4.0 * half * half
                    position[samples, 0], position[samples, 1], depth[samples] = u + x, v + y, at_depth
                    samples += 1
    return (sample_pixel[:samples].copy(), sample_face[:samples].copy(), area[:samples].copy(),
            position[:samples].copy(), barycentric[:samples].copy(), depth[:samples].copy(),
            front_sample[:fronts].copy(), front_vertex[:fronts].copy(), direction[:fronts].copy(),
            spread[:fronts].copy())


class LocalFaces(NamedTuple):
    """The faces in a square, in coordinates from the centre of its pixel.

    Attributes
    ----------
    face : (n,) int32
    order : (n,) int64
        From the nearest one on.
    corner : (n, 3, 3)
        x, y, w.
    plane : (n, 4, 3)
        The barycentric coordinates and w as a x + b y + c.
    line : (n, 3, 3)
        The edges opposite to the corners, a x + b y + c the distance from them into the face.
    low, high : (n,)
        Range of w in the square.
    """

    face: np.ndarray
    order: np.ndarray
    corner: np.ndarray
    plane: np.ndarray
    line: np.ndarray
    low: np.ndarray
    high: np.ndarray


@step
def _new_faces():
    return LocalFaces(np.empty(MOST_FACES, np.int32), np.empty(MOST_FACES, np.int64), np.empty((MOST_FACES, 3, 3)),
                      np.empty((MOST_FACES, 4, 3)), np.empty((MOST_FACES, 3, 3)), np.empty(MOST_FACES),
                      np.empty(MOST_FACES))


@step
def _new_store(polygons):
    return (np.empty((polygons, MOST_CORNERS)), np.empty((polygons, MOST_CORNERS)),
            np.empty((polygons, MOST_CORNERS), np.int32), np.empty(polygons, np.int64))


@step
def _longer(array):
    return np.append(array, np.empty_like(array))


@step
def _taller(array):
    return np.concatenate((array, np.empty_like(array)))


@step
def _set_up(t, n, u, v, screen, f, local):
    """Corners, planes and lines of face t as local face n, from (u, v); whether it has an area."""
    corner, plane, line = local.corner[n], local.plane[n], local.line[n]
    for k in range(3):
        vertex = f[t, k]
        corner[k, 0], corner[k, 1], corner[k, 2] = screen[vertex, 0] - u, screen[vertex, 1] - v, 1.0 / screen[vertex, 2]
    area = ((corner[1, 0] - corner[0, 0]) * (corner[2, 1] - corner[0, 1])
            - (corner[1, 1] - corner[0, 1]) * (corner[2, 0] - corner[0, 0]))
    if area == 0.0:
        return False
    plane[3, :] = 0.0
    for k in range(3):
        a, b = (k + 1) % 3, (k + 2) % 3
        plane[k, 0] = (corner[a, 1] - corner[b, 1]) / area
        plane[k, 1] = (corner[b, 0] - corner[a, 0]) / area
        plane[k, 2] = (corner[a, 0] * corner[b, 1] - corner[b, 0] * corner[a, 1]) / area
        length = np.hypot(plane[k, 0], plane[k, 1])
        for c in range(3):
            line[k, c] = plane[k, c] / length
            plane[3, c] += plane[k, c] * corner[k, 2]
    local.face[n] = t
    return True


@step
def _clip_faces(x, y, half, u, v, screen, f, faces, local, clipped, scratch):
    """Set up what faces have in the square around (x, y) of the pixel at (u, v): their number, -1 for too many."""
    count = 0
    for t in faces:
        if count == MOST_FACES:
            return -1
        if not _set_up(t, count, u, v, screen, f, local):
            continue
        line = local.line[count]
        meets, now = True, 0
        _square(x, y, half, scratch, now)
        for k in range(3):
            a, b, c = line[k, 0], line[k, 1], line[k, 2]
            middle, reach = a * x + b * y + c, half * (abs(a) + abs(b))
            if middle >= reach:
                continue
            where = side_of_line(scratch, now, a, b, c) if middle > -reach else -1
            if where < 0:
                meets = False
                break
            if where == 0:
                cut_polygon(scratch, now, a, b, c, 4 * count + k, scratch, 1 - now, scratch, 2)
                now = 1 - now
        if not meets or area_and_moments(scratch, now)[0] < NO_AREA:
            continue
        copy_polygon(scratch, now, clipped, count)
        low, high = _range(local.plane[count, 3], clipped, count)
        local.low[count], local.high[count] = low, high
        at = count  # faces come in ascending order, and stay so where they are equally near
        while at > 0 and local.high[local.order[at - 1]] < high:
            local.order[at] = local.order[at - 1]
            at -= 1
        local.order[at] = count
        count += 1
    return count


@step
def _square(x, y, half, store, p):
    for k in range(4):
        store[0][p, k] = x + (half if k == 1 or k == 2 else -half)
        store[1][p, k] = y + (half if k >= 2 else -half)
        store[2][p, k] = BORDER
    store[3][p] = 4


@step
def _range(plane, store, p):
    """Least and most of a x + b y + c over a polygon."""
    least, most = np.inf, -np.inf
    for k in range(store[3][p]):
        value = plane[0] * store[0][p, k] + plane[1] * store[1][p, k] + plane[2]
        least, most = min(least, value), max(most, value)
    return least, most


@step
def _visible_pieces(i, count, local, clipped, pieces, scratch):
    """Make the pieces of what is seen of face i: their number, -1 for too many."""
    copy_polygon(clipped, i, pieces, 0)
    num_pieces = 1
    line = np.empty((4, 3))
    likeness = np.empty(3)
    for n in range(count):
        j = local.order[n]
        tie = COPLANAR * local.high[i]
        if local.high[j] < local.low[i] - tie:
            break
        if j == i:
            continue
        num_lines = 3
        for c in range(3):
            likeness[c] = local.plane[j, 3, c] - local.plane[i, 3, c]
        least, most = _range(likeness, clipped, i)
        least_there, most_there = _range(likeness, clipped, j)
        if (least >= -tie and most <= tie) or (least_there >= -tie and most_there <= tie):
            if local.face[j] > local.face[i]:
                continue
        elif most <= tie or most_there <= tie:
            continue
        elif least < -tie and least_there < -tie:
            num_lines = 4
        if _are_apart(i, j, local, clipped):
            continue
        for k in range(3):
            for c in range(3):
                line[k, c] = local.line[j, k, c]
        if num_lines == 4:
            steepness = np.hypot(likeness[0], likeness[1])
            for c in range(3):
                line[ALIKE, c] = likeness[c] / steepness
        num_pieces = _subtract(line, num_lines, 4 * j, pieces, num_pieces, scratch)
        if num_pieces <= 0:
            break
    return num_pieces


@step
def _are_apart(i, j, local, clipped):
    """Whether an edge of one of two faces has both on different sides."""
    for k in range(3):
        line = local.line[j, k]
        if side_of_line(clipped, i, line[0], line[1], line[2]) < 0:
            return True
        line = local.line[i, k]
        if side_of_line(clipped, j, line[0], line[1], line[2]) < 0:
            return True
    return False


@step
def _subtract(line, num_lines, label, pieces, num_pieces, scratch):
    """Take from the pieces what is inside of all lines: the number of pieces then, -1 for too many."""
    for p in range(num_pieces - 1, -1, -1):
        touches = True
        for k in range(num_lines):
            if side_of_line(pieces, p, line[k, 0], line[k, 1], line[k, 2]) < 0:
                touches = False
                break
        if not touches:
            continue
        now = 0
        copy_polygon(pieces, p, scratch, now)
        hidden = True
        for k in range(num_lines):
            a, b, c = line[k, 0], line[k, 1], line[k, 2]
            where = side_of_line(scratch, now, a, b, c)
            if where > 0:
                continue
            if num_pieces == MOST_PIECES:
                return -1
            if where < 0:
                copy_polygon(scratch, now, pieces, num_pieces)
                num_pieces += 1
                break
            cut_polygon(scratch, now, a, b, c, label + k, scratch, 1 - now, pieces, num_pieces)
            num_pieces += 1
            now = 1 - now
        num_pieces -= 1
        if p < num_pieces:
            copy_polygon(pieces, num_pieces, pieces, p)
    return num_pieces


@step
def _measure(i, num_pieces, count, local, pieces, of_edges, of_likes):
    """Area and moments of what is seen of face i; what its borders sweep over, as the lines under them move.

    of_edges[j, k] is for edge k of face j: ψ of its first end, then of its second. of_likes[j] is for the line where
    faces i and j are equally near: for either face its three corners, in units of w.
    """
    area = moment_x = moment_y = 0.0
    for j in range(count):
        of_edges[j] = 0.0
        of_likes[j] = 0.0
    for p in range(num_pieces):
        piece_area, piece_x, piece_y = area_and_moments(pieces, p)
        area += piece_area
        moment_x += piece_x
        moment_y += piece_y
        corners = pieces[3][p]
        for k in range(corners):
            label = pieces[2][p, k]
            if label == BORDER:
                continue
            following = k + 1 if k + 1 < corners else 0
            x0, y0, x1, y1 = pieces[0][p, k], pieces[1][p, k], pieces[0][p, following], pieces[1][p, following]
            normal_x, normal_y = y1 - y0, x0 - x1  # outward, as long as the border is
            j, e = label // 4, label % 4
            if e != ALIKE:
                line, a, b = local.line[j, e], local.corner[j, (e + 1) % 3], local.corner[j, (e + 2) % 3]
                length = normal_x * line[0] + normal_y * line[1]
                along_x, along_y = b[0] - a[0], b[1] - a[1]
                scale = 1.0 / (along_x * along_x + along_y * along_y)
                t0 = ((x0 - a[0]) * along_x + (y0 - a[1]) * along_y) * scale
                t1 = ((x1 - a[0]) * along_x + (y1 - a[1]) * along_y) * scale
                _add_integrals(of_edges[j, e, :3], length, 1.0 - t0, 1.0 - t1, x0, y0, x1, y1)
                _add_integrals(of_edges[j, e, 3:], length, t0, t1, x0, y0, x1, y1)
            else:
                mine, other = local.plane[i], local.plane[j]
                steep_x, steep_y = other[3, 0] - mine[3, 0], other[3, 1] - mine[3, 1]
                length = (normal_x * steep_x + normal_y * steep_y) / (steep_x * steep_x + steep_y * steep_y)
                for k in range(3):
                    _add_integrals(of_likes[j, 0, k], length, _at(mine[k], x0, y0), _at(mine[k], x1, y1), x0, y0, x1, y1)
                    _add_integrals(of_likes[j, 1, k], -length, _at(other[k], x0, y0), _at(other[k], x1, y1), x0, y0, x1,
                                   y1)
    return area, moment_x, moment_y


@step
def _at(plane, x, y):
    return plane[0] * x + plane[1] * y + plane[2]


@step
def _add_integrals(total, length, f0, f1, x0, y0, x1, y1):
    """Add length ∫ f φ along a segment, f and φ = 1, x, y affine."""
    at_0, at_1 = length * (2.0 * f0 + f1) / 6.0, length * (f0 + 2.0 * f1) / 6.0
    total[0] += at_0 + at_1
    total[1] += at_0 * x0 + at_1 * x1
    total[2] += at_0 * y0 + at_1 * y1


@step
def _locate(i, x, y, local, barycentric):
    """Barycentric coordinates on face i in space, written, and depth."""
    depth = 1.0 / _at(local.plane[i, 3], x, y)
    for k in range(3):
        barycentric[k] = _at(local.plane[i, k], x, y) * local.corner[i, k, 2] * depth
    return depth


@step
def _add_fronts(i, sample, count, local, screen, f, of_edges, of_likes, fronts, front_sample, front_vertex, direction,
                spread):
    """Write the fronts of a sample of face i after those there are: their number then."""
    for j in range(count):
        for e in range(3):
            for end in range(2):
                psi = of_edges[j, e, 3 * end:3 * end + 3]
                if psi[0] != 0.0 or psi[1] != 0.0 or psi[2] != 0.0:
                    vertex = f[local.face[j], (e + 1 + end) % 3]
                    line = local.line[j, e]
                    _write_front(fronts, sample, vertex, line[0], line[1], 0.0, psi, screen, front_sample, front_vertex,
                                 direction, spread)
                    fronts += 1
        for which in range(2):
            face = i if which == 0 else j
            for k in range(3):
                psi = of_likes[j, which, k]
                if psi[0] != 0.0 or psi[1] != 0.0 or psi[2] != 0.0:
                    slope = local.plane[face, 3]
                    _write_front(fronts, sample, f[local.face[face], k], -slope[0], -slope[1], 1.0, psi, screen,
                                 front_sample, front_vertex, direction, spread)
                    fronts += 1
    return fronts


@step
def _write_front(front, sample, vertex, along_u, along_v, along_w, psi, screen, front_sample, front_vertex, direction,
                 spread):
    u, v, w = screen[vertex, 0], screen[vertex, 1], 1.0 / screen[vertex, 2]
    front_sample[front], front_vertex[front] = sample, vertex
    direction[front, 0], direction[front, 1] = along_u * w, along_v * w
    direction[front, 2] = -(u * along_u + v * along_v) * w - along_w * w * w
    spread[front, 0], spread[front, 1], spread[front, 2] = psi[0], psi[1], psi[2]


@step
def _nearest_face(u, v, screen, f, faces, barycentric):
    """(the nearest face at a point or -1, depth); barycentric coordinates are written."""
    nearest, most = -1, 0.0
    for t in faces:
        a, b, c = f[t, 0], f[t, 1], f[t, 2]
        ea = edge_function(screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1], u, v)
        eb = edge_function(screen[c, 0], screen[c, 1], screen[a, 0], screen[a, 1], u, v)
        ec = edge_function(screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], u, v)
        if min(ea, eb, ec) >= 0.0 or max(ea, eb, ec) <= 0.0:
            ba, bb, bc, depth = perspective_barycentrics(abs(ea), abs(eb), abs(ec), 1.0 / screen[a, 2],
                                                         1.0 / screen[b, 2], 1.0 / screen[c, 2])
            if 1.0 / depth > most:
                nearest, most = t, 1.0 / depth
                barycentric[0], barycentric[1], barycentric[2] = ba, bb, bc
    return nearest, 1.0 / most if most > 0.0 else np.inf
