"""Rasterization: which face is seen at the centre of each pixel, where on the face, and how far away.

    vertices ──► blocks of faces, set up side by side ──► depth test ──► barycentric coordinates, depth

A block holds numbers of many faces: each *field*, say the slope of an edge function, is an array with an entry
for each face. So blocks are set up with vector instructions across faces. A face whose box has at most 2 x 2
pixel centres is tested at these, again across faces; a larger one row by row, across the pixels of a row.

The corners of a face are sorted from left to right. This directs each of the three edges the same way as the
other face of the edge does (watertight, see `formulas`), and makes the result independent of winding and
corner order.

Threads share out chunks of faces. Each thread draws what it gets into a *layer* of its own, 1/z and face ids
of the whole image, and the layers are merged: what is nearest, and at equal depth has the lower index, is the
same whatever layer it is in. Where faces are few and large, threads share out the rows of a single layer.
"""
from collections import deque

import numpy as np

from ...memory import empty
from ...threads import get_num_threads, run_bands, split
from ..formulas import (
    edge_function,
    edge_threshold,
    left_to_right,
    may_be_inside,
    perspective_barycentrics,
)
from ..jit import inlined, kernel, read_only, step

LANES = 8  # a run of pixels is rounded up to this many, for the sake of vector instructions
BLOCK = 128  # entries of a field, so that a block stays in the cache
FIELDS = 31
WIDE = 32  # pixels across a box from which on it pays to look for the part of each strip that has the face
STRIP = 8  # rows
SHORT = 3  # pixels of a run up to which it pays to gather corners for each pixel

OUT_OF_REACH = 1e150  # products of coordinates below this are finite
FINE = 1e12  # coordinates below this are exact to far less than a pixel

VERTICES_PER_BAND = 16384
FACES_PER_CHUNK = 512
MOST_LAYERS = 4
LAYER = 2**18  # pixels of the image, with 16 for each face, from which a layer for each thread pays
LARGE_FACES = 256  # pixels of the image to a face from which on threads share out rows
ROWS_PER_BAND = 16
PIXELS_PER_BAND = 65536

# Where the fields of a block begin: corners (sorted once set up); slopes and thresholds of the edge functions;
# the plane of 1/z and its limits; the box of pixel centres; how the face is drawn; 1/z at 2 x 2 pixels.
# Unsigned, as all that indexes in inner loops: a signed index may wrap around, which hinders vector instructions.
PITCH = BLOCK + LANES
(A_U, A_V, A_Z, B_U, B_V, B_Z, C_U, C_V, C_Z,
 AB_U, AB_V, AB_LEAST, BC_U, BC_V, BC_LEAST, AC_U, AC_V, AC_LEAST, Z_U, Z_V, Z_LEAST, Z_MOST,
 LEFT, RIGHT, TOP, BOTTOM, SIZE, Z_THERE, _, _, _) = (np.uint64(PITCH * k) for k in range(FIELDS))
HIDDEN, SMALL, LARGE = 0.0, 1.0, 2.0  # values of SIZE

# A block may hold pixels as well: the corners of the face seen, its weights and z.
W_A, W_B, W_C, Z = AB_U, AB_V, BC_U, BC_V


def rasterize(screen, f, width, height, far):
    """Nearest face at the centre of each pixel.

    The centre of the pixel in column i and row j is (u, v) = (i, j). Both windings are drawn. A centre on a
    shared edge belongs to one face (top-left rule). At equal depth the lower face index wins. Faces of no
    area, with a corner that has no positive depth, or with coordinates that are not finite or beyond 1e150,
    are not drawn.

    Parameters
    ----------
    screen : (V, 3) float64, C-contiguous
        u and v in pixels, and z, the depth in front of the camera.
    f : (F, 3) int32, C-contiguous
        Indices into `screen`; not checked.
    width, height : int
    far : float
        What is farther away is not drawn.

    Returns
    -------
    face_id : (height, width) int32
        -1 where no face is seen.
    barycentric : (height, width, 3) float64
        Perspective-correct weights of the corners of the face, in its own order; 0 where no face is seen.
    depth : (height, width) float64
        z, or `far` where no face is seen.
    """
    f, far = read_only(f), float(far)
    vertices = empty(screen.shape)
    run_bands(_invert_depth, split(len(screen), least=VERTICES_PER_BAND), read_only(screen), vertices)

    beyond = np.nextafter(1.0 / far, 0.0)  # a face at `far` itself is still drawn
    draw = _draw_rows if width * height > LARGE_FACES * len(f) else _draw_layers
    layers = draw(vertices, f, width, height, beyond)

    face_id = empty((height, width), np.int32)
    barycentric = empty((height, width, 3))
    depth = empty((height, width))
    row_bands = split(height, least=-(-PIXELS_PER_BAND // width))
    run_bands(_resolve_rows, row_bands, vertices, f, far, *layers, face_id, barycentric, depth)
    return face_id, barycentric, depth


def _draw_rows(vertices, f, width, height, beyond):
    """One layer, for whose rows the threads share: which layers are drawn, 1/z, face ids."""
    inverse_depth, nearest = _new_layers(1, width, height)

    def draw(start, stop):
        inverse_depth[0, start:stop] = beyond
        nearest[0, start:stop] = -1
        _draw_faces(0, len(f), vertices, f, start, stop, inverse_depth[0], nearest[0])

    run_bands(draw, split(height, least=ROWS_PER_BAND, most=16))
    return np.array([0]), inverse_depth, nearest


def _draw_layers(vertices, f, width, height, beyond):
    """A layer for each thread, which share the faces: which layers are drawn, 1/z, face ids."""
    chunks = deque(split(len(f), least=FACES_PER_CHUNK))
    worth_it = width * height + 16 * len(f) >= LAYER
    num_layers = min(get_num_threads(), len(chunks), MOST_LAYERS) if worth_it else 1
    inverse_depth, nearest = _new_layers(num_layers, width, height)
    drawn = np.zeros(num_layers, bool)

    def draw(layer, _):
        while True:
            try:
                start, stop = chunks.popleft()
            except IndexError:
                return
            if not drawn[layer]:
                inverse_depth[layer] = beyond
                nearest[layer] = -1
                drawn[layer] = True
            _draw_faces(start, stop, vertices, f, 0, height, inverse_depth[layer], nearest[layer])

    run_bands(draw, [(layer, layer + 1) for layer in range(num_layers)])
    return np.flatnonzero(drawn), inverse_depth, nearest


def _new_layers(count, width, height):
    shape = count, height, width + LANES
    return empty(shape), empty(shape, np.int32)


@kernel
def _invert_depth(start, stop, screen, vertices):
    """u, v and 1/z. Where u is not a number, no face with that corner is drawn."""
    for k in range(start, stop):
        u, v, z = screen[k, 0], screen[k, 1], screen[k, 2]
        vertices[k, 0] = u if (z > 0.0) & (abs(u) + abs(v) < OUT_OF_REACH) else np.nan
        vertices[k, 1] = v
        vertices[k, 2] = 1.0 / z


@kernel
def _draw_faces(start, stop, vertices, f, top, bottom, inverse_depth, nearest):
    """Depth test of faces in the rows [top, bottom) of a layer. Faces have to come in ascending order."""
    width = inverse_depth.shape[1] - LANES
    block = np.empty(FIELDS * PITCH)
    small, large = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    hits = np.empty(4 * BLOCK, np.int64)
    for first in range(start, stop, BLOCK):
        count = min(BLOCK, stop - first)
        for k in range(count):
            _gather(first + k, vertices, f, block, np.uint64(k))
        _set_up(block, count, float(width - 1), float(top), float(bottom - 1))

        # Written without a branch: it would often be guessed wrong, which costs more than the rest.
        num_small = num_large = 0
        for k in range(count):
            size = block[SIZE + np.uint64(k)]
            small[num_small] = k
            num_small += np.int64(size == SMALL)
            large[num_large] = k
            num_large += np.int64(size == LARGE)

        for n in range(num_large):
            _draw_large(first + large[n], block, np.uint64(large[n]), inverse_depth, nearest)
        if num_small == 0:
            continue
        num_hits = 0
        for pixel in range(4):
            offset = pixel * PITCH
            _probe(block, count, pixel % 2, pixel // 2, Z_THERE + np.uint64(offset))
            for n in range(num_small):
                hit = small[n] + offset
                hits[num_hits] = hit
                num_hits += np.int64(block[Z_THERE + np.uint64(hit)] > 0.0)
        for n in range(num_hits):
            pixel, k = divmod(hits[n], PITCH)
            i = int(block[LEFT + np.uint64(k)]) + pixel % 2
            j = int(block[TOP + np.uint64(k)]) + pixel // 2
            t, z, before = first + k, block[Z_THERE + np.uint64(hits[n])], inverse_depth[j, i]
            # Large faces of the block were drawn before, also those with a higher index.
            seen = (z > before) | ((z == before) & (t < nearest[j, i]))
            inverse_depth[j, i] = z if seen else before
            nearest[j, i] = t if seen else nearest[j, i]


@step
def _gather(t, vertices, f, block, k):
    """Make the corners of face t entry k of a block."""
    a, b, c = np.uint32(f[t, 0]), np.uint32(f[t, 1]), np.uint32(f[t, 2])
    block[A_U + k], block[A_V + k], block[A_Z + k] = vertices[a, 0], vertices[a, 1], vertices[a, 2]
    block[B_U + k], block[B_V + k], block[B_Z + k] = vertices[b, 0], vertices[b, 1], vertices[b, 2]
    block[C_U + k], block[C_V + k], block[C_Z + k] = vertices[c, 0], vertices[c, 1], vertices[c, 2]


@step
def _set_up(block, count, last_column, first_row, last_row):
    """All other fields but Z_THERE, for faces of which the corners are given."""
    for k in range(np.uint64(count)):
        au, av, za = block[A_U + k], block[A_V + k], block[A_Z + k]
        bu, bv, zb = block[B_U + k], block[B_V + k], block[B_Z + k]
        cu, cv, zc = block[C_U + k], block[C_V + k], block[C_Z + k]
        au, av, za, bu, bv, zb = left_to_right(au, av, za, bu, bv, zb)
        bu, bv, zb, cu, cv, zc = left_to_right(bu, bv, zb, cu, cv, zc)
        au, av, za, bu, bv, zb = left_to_right(au, av, za, bu, bv, zb)
        block[A_U + k], block[A_V + k], block[A_Z + k] = au, av, za
        block[B_U + k], block[B_V + k] = bu, bv

        # Slopes of the three edge functions, positive inside; the edges run a -> b, b -> c and a -> c.
        area = edge_function(au, av, bu, bv, cu, cv)
        side = 1.0 if area > 0.0 else -1.0
        ab_u, ab_v = side * (av - bv), side * (bu - au)
        bc_u, bc_v = side * (bv - cv), side * (cu - bu)
        ac_u, ac_v = side * (cv - av), side * (au - cu)
        block[AB_U + k], block[AB_V + k], block[AB_LEAST + k] = ab_u, ab_v, edge_threshold(ab_u, ab_v)
        block[BC_U + k], block[BC_V + k], block[BC_LEAST + k] = bc_u, bc_v, edge_threshold(bc_u, bc_v)
        block[AC_U + k], block[AC_V + k], block[AC_LEAST + k] = ac_u, ac_v, edge_threshold(ac_u, ac_v)

        # The plane of 1/z over the screen. Differences keep a face of constant depth exactly constant, and
        # the limits keep rounding on a sliver from showing it through what is in front of it.
        block[Z_U + k] = ((zb - za) * (cv - av) - (zc - za) * (bv - av)) / area
        block[Z_V + k] = ((zc - za) * (bu - au) - (zb - za) * (cu - au)) / area
        block[Z_LEAST + k], block[Z_MOST + k] = min(za, min(zb, zc)), max(za, max(zb, zc))

        left, right = np.ceil(max(au, 0.0)), np.floor(min(cu, last_column))
        top = np.ceil(max(min(av, min(bv, cv)), first_row))
        bottom = np.floor(min(max(av, max(bv, cv)), last_row))
        block[LEFT + k], block[RIGHT + k], block[TOP + k], block[BOTTOM + k] = left, right, top, bottom
        size = SMALL if (right - left < 2.0) & (bottom - top < 2.0) else LARGE
        block[SIZE + k] = size if (left <= right) & (top <= bottom) & (abs(area) > 0.0) else HIDDEN


@step
def _probe(block, count, across, down, z_there):
    """1/z of faces at a pixel counted from the upper left of their boxes; -1 where a face is not seen."""
    for k in range(np.uint64(count)):
        u, v = block[LEFT + k] + across, block[TOP + k] + down
        from_au, from_av = u - block[A_U + k], v - block[A_V + k]
        from_bu, from_bv = u - block[B_U + k], v - block[B_V + k]
        z = block[A_Z + k] + block[Z_V + k] * from_av + block[Z_U + k] * from_au
        z = min(max(z, block[Z_LEAST + k]), block[Z_MOST + k])
        inside = ((block[AB_V + k] * from_av + block[AB_U + k] * from_au >= block[AB_LEAST + k])
                  & (block[BC_V + k] * from_bv + block[BC_U + k] * from_bu >= block[BC_LEAST + k])
                  & (block[AC_V + k] * from_av + block[AC_U + k] * from_au >= block[AC_LEAST + k])
                  & (u <= block[RIGHT + k]) & (v <= block[BOTTOM + k]))
        block[z_there + k] = z if inside else -1.0


@inlined
def _draw_large(t, block, k, inverse_depth, nearest):
    """Depth test of face t, entry k of a block, in all rows of its box."""
    au, av, za = block[A_U + k], block[A_V + k], block[A_Z + k]
    bu, bv = block[B_U + k], block[B_V + k]
    ab_u, ab_v, ab_least = block[AB_U + k], block[AB_V + k], block[AB_LEAST + k]
    bc_u, bc_v, bc_least = block[BC_U + k], block[BC_V + k], block[BC_LEAST + k]
    ac_u, ac_v, ac_least = block[AC_U + k], block[AC_V + k], block[AC_LEAST + k]
    z_u, z_v, z_least, z_most = block[Z_U + k], block[Z_V + k], block[Z_LEAST + k], block[Z_MOST + k]
    left, right = block[LEFT + k], block[RIGHT + k]
    top, bottom = int(block[TOP + k]), int(block[BOTTOM + k]) + 1
    wide = right - left >= WIDE and abs(au) < FINE and abs(bu) < FINE
    strip = STRIP if wide else bottom - top
    for first in range(top, bottom, strip):
        stop = min(first + strip, bottom)
        begin, end = left, right
        if wide:
            last = stop - 1
            begin, end = may_be_inside(begin, end, ab_v * (first - av), ab_v * (last - av), ab_u, au)
            begin, end = may_be_inside(begin, end, bc_v * (first - bv), bc_v * (last - bv), bc_u, bu)
            begin, end = may_be_inside(begin, end, ac_v * (first - av), ac_v * (last - av), ac_u, au)
            if begin > end:
                continue
            begin = np.floor(begin)
        column = np.uint64(begin)
        length = np.uint64((int(end - begin) // LANES + 1) * LANES)
        for j in range(first, stop):
            row_ab = ab_v * (j - av)
            row_bc = bc_v * (j - bv)
            row_ac = ac_v * (j - av)
            row_z = za + z_v * (j - av)
            # What makes vector instructions of this loop: a length that is a multiple of LANES, unsigned
            # indices, and choices instead of branches.
            for i in range(length):
                u = begin + float(np.int32(i))
                from_a = u - au
                z = min(max(row_z + z_u * from_a, z_least), z_most)
                before = inverse_depth[j, column + i]
                seen = ((row_ab + ab_u * from_a >= ab_least) & (row_bc + bc_u * (u - bu) >= bc_least)
                        & (row_ac + ac_u * from_a >= ac_least) & (z > before))
                inverse_depth[j, column + i] = z if seen else before
                nearest[j, column + i] = t if seen else nearest[j, column + i]


@kernel
def _resolve_rows(start, stop, vertices, f, far, drawn, inverse_depth, nearest, face_id, barycentric, depth):
    """Merge the layers that are drawn. Where on its face each pixel is, and how far away."""
    base, width = drawn[0], face_id.shape[1]
    block = np.empty(FIELDS * PITCH)
    runs = np.empty(BLOCK + 1, np.int64)
    for j in range(start, stop):
        for layer in drawn[1:]:
            _merge(base, layer, j, inverse_depth, nearest)
        for left in range(0, width, BLOCK):
            count = min(BLOCK, width - left)
            num_runs, previous = 0, -2  # runs of pixels that see the same face
            for n in range(count):
                t = nearest[base, j, left + n]
                face_id[j, left + n] = t
                runs[num_runs] = n
                num_runs += np.int64(t != previous)
                previous = t
            runs[num_runs] = count

            if num_runs * SHORT < count:
                for n in range(num_runs):
                    t = np.int64(face_id[j, left + runs[n]])
                    if t >= 0:
                        _resolve_run(t, vertices, f, block, runs[n], runs[n + 1], left, j)
            else:
                for n in range(count):
                    t = np.int64(face_id[j, left + n])
                    if t >= 0:
                        _gather(t, vertices, f, block, np.uint64(n))
                _resolve_each(block, count, left, j)
            for n in range(count):
                i, k = left + n, np.uint64(n)
                seen = face_id[j, i] >= 0
                barycentric[j, i, 0] = block[W_A + k] if seen else 0.0
                barycentric[j, i, 1] = block[W_B + k] if seen else 0.0
                barycentric[j, i, 2] = block[W_C + k] if seen else 0.0
                depth[j, i] = block[Z + k] if seen else far


@step
def _merge(base, layer, j, inverse_depth, nearest):
    """Put what another layer has in front into row j of layer `base`."""
    for i in range(np.uint64(nearest.shape[2])):
        z, before = inverse_depth[layer, j, i], inverse_depth[base, j, i]
        t, other = nearest[layer, j, i], nearest[base, j, i]
        seen = (z > before) | ((z == before) & (t < other))
        inverse_depth[base, j, i] = z if seen else before
        nearest[base, j, i] = t if seen else other


@step
def _resolve_run(t, vertices, f, block, start, stop, left, j):
    """Weights and z of entries [start, stop), pixels of row j that see face t; column `left` is entry 0."""
    a, b, c = np.uint32(f[t, 0]), np.uint32(f[t, 1]), np.uint32(f[t, 2])
    au, av, za = vertices[a, 0], vertices[a, 1], vertices[a, 2]
    bu, bv, zb = vertices[b, 0], vertices[b, 1], vertices[b, 2]
    cu, cv, zc = vertices[c, 0], vertices[c, 1], vertices[c, 2]
    first = np.uint64(start)
    for i in range(np.uint64((stop - start + LANES - 1) // LANES * LANES)):
        k = first + i
        u = left + float(np.int32(k))
        wa, wb, wc, z = _resolve(u, float(j), au, av, za, bu, bv, zb, cu, cv, zc)
        block[W_A + k], block[W_B + k], block[W_C + k], block[Z + k] = wa, wb, wc, z


@step
def _resolve_each(block, count, left, j):
    """Weights and z of pixels of row j from the corners of the face each sees; column `left` is entry 0."""
    for k in range(np.uint64(count)):
        au, av, za = block[A_U + k], block[A_V + k], block[A_Z + k]
        bu, bv, zb = block[B_U + k], block[B_V + k], block[B_Z + k]
        cu, cv, zc = block[C_U + k], block[C_V + k], block[C_Z + k]
        u = left + float(np.int32(k))
        wa, wb, wc, z = _resolve(u, float(j), au, av, za, bu, bv, zb, cu, cv, zc)
        block[W_A + k], block[W_B + k], block[W_C + k], block[Z + k] = wa, wb, wc, z


@step
def _resolve(u, v, au, av, za, bu, bv, zb, cu, cv, zc):
    """Weights of the corners of a face, and z, at a pixel inside.

    Edge functions have one sign there, up to rounding.
    """
    ea = abs(edge_function(bu, bv, cu, cv, u, v))
    eb = abs(edge_function(cu, cv, au, av, u, v))
    ec = abs(edge_function(au, av, bu, bv, u, v))
    return perspective_barycentrics(ea, eb, ec, za, zb, zc)
