"""Moments of the pixels of each face: all that the normal equations of an image need to know of its pixels.

A pixel p that shows a face with the corners k = 0, 1, 2 moves and changes colour with them (see `pixels`):

    dy[p, c] = sum_k b[p, k] (sum_d g[p, c, d] du[k, d] + s[p, c] da[k, c])      b barycentric, g gain, s scale

So the row of J that belongs to (p, c) is, at corner k, b_k times a vector j_c: g_c for the motion, followed by s_c at
channel c for the colours. Summed over the pixels of the face and their channels, with weights w and residuals r, the
block of Jᵀ W J at the corners (k, l) and the part of Jᵀ W r at the corner k are

    sum_p b_k b_l Q_p    Q = sum_c w_c j_c j_cᵀ             sum_p b_k q_p    q = sum_c w_c r_c j_c

Q is symmetric and has few entries that are not zero; its *terms* are, in this order,

    g_x g_x, g_x g_y, g_y g_y    summed over c, with weights w_c
    s_c g_cx, s_c g_cy, s_c s_c  times w_c, for each c

and those of q are g_x, g_y, s_c, times w_c r_c. Where only the motion or only the colours matter, the others are left
out. The *moments* of a face are the terms of Q times the six products b_k b_l, and the terms of q times the three b_k,
summed over its pixels.

The pixels of a face lie in runs along the rows of the image. Bands of rows add them to moments of their own; those of a
face are added in the order of the bands, and then gathered to the pairs of vertices that share faces.
"""
import numpy as np

from ...memory import zeros
from ...threads import run_bands, split
from ..jit import kernel, read_only
from .image_gradient import NO_GAIN, gain_line

__all__ = ["CORNER_PRODUCTS", "gather_moments", "moments_of_faces", "number_of_terms", "transform_blocks"]

CORNER_PRODUCTS = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]], np.int32)
"""Which of the six products belongs to a pair of corners."""

BANDS = 8
FACES_PER_BAND, VERTICES_PER_BAND = 4096, 2048
PIXELS_OF_A_LINE = 1024  # where there is no image to say


def number_of_terms(moves, coloured, channels):
    """How many terms Q and q have."""
    return 3 * moves + (3 if moves else 1) * channels * coloured, 2 * moves + channels * coloured


def moments_of_faces(face_id, barycentric, num_faces, gain, scale, weights, weighted):
    """Moments of every face that is seen.

    Parameters
    ----------
    face_id : (N,) int32
        -1 where no face is seen.
    barycentric : (N, 3) float64
    num_faces : int
    gain : Gain or None
        (h, w, C, 2), h w = N; None if the motion does not matter.
    scale : (N, C) or (1, C) float64, or None
        None if the colours do not matter.
    weights : (N, C) float64 or None
        None for 1.
    weighted : (N, C) float64
        Residuals times weights.

    Returns
    -------
    row_of_face : (F,) int32
        -1 for a face that is not seen.
    moments : (rows, 6 S + 3 T) float64
        The S terms of Q, each times six products, then the T terms of q, each times three. Some rows are not used.
    """
    width = PIXELS_OF_A_LINE if gain is None else gain.shape[1]
    bands = split(-(-len(face_id) // width), most=BANDS)
    rows = np.empty((len(bands), num_faces), np.int32)
    counts = np.zeros(len(bands) + 1, np.int64)
    lines = bands[0][1], width
    run_bands(_number_faces, bands, *lines, face_id, rows, counts)
    first = np.cumsum(counts)
    num_terms, num_gradients = number_of_terms(gain is not None, scale is not None, weighted.shape[1])
    moments = zeros((first[-1], 6 * num_terms + 3 * num_gradients))
    run_bands(_accumulate, bands, *lines, face_id, barycentric, gain or NO_GAIN, _optional(scale), _optional(weights),
              _contiguous(weighted), num_terms, rows, first, moments)
    row_of_face = np.empty(num_faces, np.int32)
    run_bands(_merge, split(num_faces, FACES_PER_BAND), rows, first, moments, row_of_face)
    return row_of_face, moments


def gather_moments(ring, row_of_face, moments, num_terms):
    """The terms of pairs of vertices and of vertices.

    Parameters
    ----------
    ring : OneRing
    row_of_face, moments
        As `moments_of_faces` returns them.
    num_terms : int
        S.

    Returns
    -------
    of_pairs : (P, S) float64
    of_vertices : (V, T) float64
    """
    num_gradients = (moments.shape[1] - 6 * num_terms) // 3
    num_vertices = len(ring.first_pair) - 1
    of_pairs, of_vertices = np.zeros((len(ring.first_source) - 1, num_terms)), np.zeros((num_vertices, num_gradients))
    run_bands(_gather, split(num_vertices, VERTICES_PER_BAND), ring.first_pair, ring.first_source, ring.source,
              row_of_face, moments, of_pairs, of_vertices)
    return of_pairs, of_vertices


def transform_blocks(ring, blocks, left, right):
    """leftᵀ block right for each entry (v, u) of the one-ring, with left of v and right of u.

    Parameters
    ----------
    ring : OneRing
    blocks : (P, p, r) float64
        One for each pair of vertices.
    left : (V, p, q) float64
    right : (V, r, s) float64

    Returns
    -------
    (entries, q, s) float64
    """
    result = np.empty((len(ring.indices), left.shape[2], right.shape[2]))
    run_bands(_transform, split(len(left), VERTICES_PER_BAND), ring.indptr, ring.indices, ring.pair,
              *map(_contiguous, (blocks, left, right)), result)
    return result


def _contiguous(array):
    return read_only(np.ascontiguousarray(array))


def _optional(array):
    return _contiguous(np.empty((0, 0)) if array is None else array)


@kernel
def _number_faces(start, stop, lines_per_band, width, face_id, rows, counts):
    """Number the faces that a band of lines shows, in the order in which they are met."""
    band = start // lines_per_band
    row = rows[band]
    for t in range(row.size):
        row[t] = -1
    count, before = 0, -1
    for p in range(start * width, min(stop * width, face_id.size)):
        t = face_id[p]
        if t != before and t >= 0 and row[t] < 0:
            row[t] = count
            count += 1
        before = t
    counts[band + 1] = count


@kernel
def _add_products(term, b, m):
    """The six products of barycentric coordinates, times a term."""
    m[0] += term * b[0] * b[0]
    m[1] += term * b[0] * b[1]
    m[2] += term * b[0] * b[2]
    m[3] += term * b[1] * b[1]
    m[4] += term * b[1] * b[2]
    m[5] += term * b[2] * b[2]


@kernel
def _add_coordinates(term, b, m):
    m[0] += term * b[0]
    m[1] += term * b[1]
    m[2] += term * b[2]


@kernel
def _accumulate(start, stop, lines_per_band, width, face_id, barycentric, gain, scale, weights, weighted, num_terms,
                rows, first, moments):
    """Moments of the faces in a band of lines."""
    band = start // lines_per_band
    channels = weighted.shape[1]
    moves, coloured, uniform = gain.array.shape[0] + gain.image.shape[0] > 0, scale.shape[0] > 0, weights.shape[0] == 0
    same_scale = scale.shape[0] == 1
    for_q = 6 * num_terms
    line = np.empty((width if moves else 0, channels, 2))
    g = line
    for j in range(start, stop):
        left, right = j * width, min((j + 1) * width, face_id.size)
        while left < right and face_id[left] < 0:
            left += 1
        while left < right and face_id[right - 1] < 0:
            right -= 1
        if left == right:
            continue
        if moves:
            g = gain_line(j, left - j * width, right - j * width, gain.array, gain.image, gain.boundary, line)
        before = -1
        m = moments[0]
        for p in range(left, right):
            t = face_id[p]
            if t < 0:
                continue
            if t != before:
                m = moments[first[band] + rows[band, t]]
                before = t
            b = barycentric[p]
            q = for_q
            if moves:
                xx, xy, yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
                for c in range(channels):
                    gx, gy = g[p - j * width, c, 0], g[p - j * width, c, 1]
                    w = 1.0 if uniform else weights[p, c]
                    xx += w * gx * gx
                    xy += w * gx * gy
                    yy += w * gy * gy
                    x += gx * weighted[p, c]
                    y += gy * weighted[p, c]
                _add_products(xx, b, m[0:6])
                _add_products(xy, b, m[6:12])
                _add_products(yy, b, m[12:18])
                _add_coordinates(x, b, m[q:q + 3])
                _add_coordinates(y, b, m[q + 3:q + 6])
                q += 6
            if coloured:
                at = 18 if moves else 0
                for c in range(channels):
                    s = scale[0 if same_scale else p, c]
                    ws = s if uniform else s * weights[p, c]
                    if moves:
                        _add_products(ws * g[p - j * width, c, 0], b, m[at:at + 6])
                        _add_products(ws * g[p - j * width, c, 1], b, m[at + 6:at + 12])
                        at += 12
                    _add_products(ws * s, b, m[at:at + 6])
                    at += 6
                    _add_coordinates(s * weighted[p, c], b, m[q:q + 3])
                    q += 3


@kernel
def _merge(start, stop, rows, first, moments, row_of_face):
    """Add the moments of a face in all bands to those in its first band."""
    for t in range(start, stop):
        own = -1
        for band in range(rows.shape[0]):
            if rows[band, t] < 0:
                continue
            row = first[band] + rows[band, t]
            if own < 0:
                own = row
                continue
            for i in range(moments.shape[1]):
                moments[own, i] += moments[row, i]
        row_of_face[t] = own


@kernel
def _gather(start, stop, first_pair, first_source, source, row_of_face, moments, of_pairs, of_vertices):
    """Terms of the pairs (v, u), u >= v, of vertices v in [start, stop), and of v; its first pair is (v, v)."""
    num_terms = of_pairs.shape[1]
    for v in range(start, stop):
        for pair in range(first_pair[v], first_pair[v + 1]):
            total = of_pairs[pair]
            for i in range(first_source[pair], first_source[pair + 1]):
                row, product = row_of_face[source[i] // 6], source[i] % 6
                if row < 0:
                    continue
                m = moments[row]
                for k in range(num_terms):
                    total[k] += m[6 * k + product]
                if pair == first_pair[v] and (product == 0 or product == 3 or product == 5):
                    at = 6 * num_terms + product // 2
                    for k in range(of_vertices.shape[1]):
                        of_vertices[v, k] += m[at + 3 * k]


@kernel
def _transform(start, stop, indptr, indices, pair, blocks, left, right, result):
    """Rows [start, stop) of the one-ring: aᵀ Q b for each entry."""
    p, r = blocks.shape[1:]
    _, q, s = result.shape
    for v in range(start, stop):
        a = left[v]
        for e in range(indptr[v], indptr[v + 1]):
            Q, b, product = blocks[pair[e]], right[indices[e]], result[e]
            if p == 2 and r == 2:  # of the motion: the most frequent, and short
                for k in range(s):
                    x = Q[0, 0] * b[0, k] + Q[0, 1] * b[1, k]
                    y = Q[1, 0] * b[0, k] + Q[1, 1] * b[1, k]
                    for i in range(q):
                        product[i, k] = a[0, i] * x + a[1, i] * y
                continue
            product[:] = 0.0
            for m in range(p):
                for n in range(r):
                    if Q[m, n] != 0.0:  # of the colours, only the diagonal is not
                        for i in range(q):
                            for k in range(s):
                                product[i, k] += a[m, i] * Q[m, n] * b[n, k]
