"""Pixels as weighted sums of a few points: values, products with the Jacobian, the Jacobian in CSR.

A pixel p shows the *taps* i = taps[p, k] (corners of a face, ends of an edge, texels) with *weights* w[p, k];
taps[p, 0] is -1 where the pixel shows none of them. Two linear maps follow from that.

    interpolation   y[p, c] = s[p, c] sum_k w[p, k] x[i_k, c]              colours, texels, depths: channel by channel
    motion          y[p, c] = sum_d g[p, c, d] sum_k w[p, k] x[i_k, d]     positions: the gain mixes their D coordinates

The gain g is kept as an image, from which it is computed a line of pixels at a time (`image_gradient.gain_line`). The
scale s has a single row where it is the same for all pixels.

Forward products and rows of the Jacobian are shared out in bands of pixels. Reverse products scatter to the taps: a
handful of bands, as many as the sizes suggest, sum into a buffer each, and the buffers are added in their order. So
results do not depend on the number of threads. Where both maps of the same pixels are transposed, one pass does it for
both. The inner loops are compiled for the three corners of a face and three channels, and most once more for any other
numbers.
"""
import math

import numpy as np

from ...memory import empty, zeros
from ...threads import run_bands, split
from ..jit import inlined, kernel, read_only
from .image_gradient import gain_line

PIXELS_PER_BAND = 8192
MAX_BUFFERS, ENTRIES_OF_BUFFERS = 8, 2**21


def taps_of_faces(face_id, corners):
    """Corners of the face at each pixel.

    Parameters
    ----------
    face_id : (N,) int32
        -1 where no face is seen.
    corners : (F, 3) int32

    Returns
    -------
    (N, 3) int32
        -1 where no face is seen.
    """
    taps = empty((len(face_id), corners.shape[1]), np.int32)
    run_bands(_taps_of_faces, split(len(face_id), PIXELS_PER_BAND), read_only(face_id), read_only(corners), taps)
    return taps


# ---------------------------------------------------------------------- products

def interpolation_forward(taps, weights, scale, x):
    """Interpolation of x of shape (V, C, columns), with scale of shape (N, C) or (1, C): (N, C, columns)."""
    y = zeros((len(taps),) + x.shape[1:])
    run_bands(_interpolation_forward, split(len(taps), PIXELS_PER_BAND), *map(read_only, (taps, weights, scale, x)), y)
    return y


def motion_forward(taps, weights, gain, x):
    """Motion of x of shape (V, D, columns), with a `Gain` of N pixels: (N, C, columns)."""
    y = zeros((len(taps), gain.shape[2], x.shape[2]))
    run_bands(_motion_forward, split(len(taps), PIXELS_PER_BAND), read_only(taps), read_only(weights), *gain,
              read_only(x), y)
    return y


def interpolation_reverse(taps, weights, scale, y, points):
    """Transposed interpolation of y of shape (N, C): (points, C)."""
    return _sum_over_bands(_interpolation_reverse, (points, y.shape[1]), y, *map(read_only, (taps, weights, scale)))


def motion_reverse(taps, weights, gain, y, points):
    """Transposed motion of y of shape (N, C): (points, D)."""
    return _sum_over_bands(_motion_reverse, (points, gain.shape[3]), y, read_only(taps), read_only(weights), *gain)


def joint_reverse(face_id, corners, weights, gain, scale, y, points):
    """Transposed motion and transposed interpolation of the same y, three channels of pixels that show faces.

    Parameters
    ----------
    face_id : (N,) int32
        -1 where no face is seen.
    corners : (F, 3) int32
        The taps of a pixel are those of its face.
    weights : (N, 3) float64
    gain : Gain
    scale : (N, 3) or (1, 3) float64
    y : (N, 3) float64

    Returns
    -------
    (points, 2) float64
        That of the motion.
    (points, 3) float64
        That of the interpolation.
    """
    both = _sum_over_bands(_joint_reverse, (5 * points,), y, *map(read_only, (face_id, corners, weights, scale)), *gain)
    return both[:2 * points].reshape(points, 2), both[2 * points:].reshape(points, 3)


def _sum_over_bands(kernel, shape, y, *args):
    """Sum of what a kernel adds to one buffer a band; all buffers together are no larger than y, nor than a cache."""
    size = math.prod(shape)
    count = min(max(min(y.size, ENTRIES_OF_BUFFERS) // max(size, 1), 1), MAX_BUFFERS)
    buffers = empty((count,) + shape)
    run_bands(kernel, split(count), *args, read_only(y), buffers)
    if count == 1:
        return buffers[0]
    total = empty(shape)
    run_bands(_add_buffers, split(size, PIXELS_PER_BAND), buffers.reshape(count, size), total.reshape(size))
    return total


@kernel
def _add_buffers(start, stop, buffers, total):
    for entry in range(np.uint64(start), np.uint64(stop)):
        total[entry] = buffers[0, entry]
    for b in range(1, buffers.shape[0]):
        for entry in range(np.uint64(start), np.uint64(stop)):
            total[entry] += buffers[b, entry]


@inlined
def _seen(start, stop, shown):
    """The pixels from the first to the last that show something: those where `shown` is not negative."""
    while start < stop and shown[start] < 0:
        start += 1
    while start < stop and shown[stop - 1] < 0:
        stop -= 1
    return slice(start, stop)


@inlined
def _gain_of(pixels, j, array, image, boundary, line):
    """The gain of some pixels of row j."""
    before = j * max(array.shape[1], image.shape[1])
    left, right = pixels.start - before, pixels.stop - before
    return gain_line(j, left, right, array, image, boundary, line)[left:right]


@inlined
def _gather(p, taps, weights, x, total):
    """total = sum_k w[p, k] x[i_k]."""
    if taps.shape[1] == 3:
        u, v, w = weights[p, 0], weights[p, 1], weights[p, 2]
        a, b, c = x[taps[p, 0]], x[taps[p, 1]], x[taps[p, 2]]
        for e in range(total.size):
            total[e] = u * a[e] + v * b[e] + w * c[e]
    else:
        total[:] = 0.0
        for k in range(taps.shape[1]):
            w, a = weights[p, k], x[taps[p, k]]
            for e in range(total.size):
                total[e] += w * a[e]


@inlined
def _interpolation_forward_of(taps, weights, scale, x, y, num_taps, channels):
    same_everywhere = scale.shape[0] == 1
    for p in range(len(taps)):
        if taps[p, 0] >= 0:
            for c in range(channels):
                total = 0.0
                for k in range(num_taps):
                    total += weights[p, k] * x[taps[p, k], c]
                y[p, c, 0] = scale[0 if same_everywhere else p, c] * total


@kernel
def _interpolation_forward(start, stop, taps, weights, scale, x, y):
    channels, columns = y.shape[1:]
    x = x.reshape(x.shape[0], channels * columns)
    if columns == 1 and taps.shape[1] == 3 and channels == 3:
        here = slice(start, stop)
        scale_here = scale if scale.shape[0] == 1 else scale[here]
        _interpolation_forward_of(taps[here], weights[here], scale_here, x, y[here], 3, 3)
        return
    total = np.empty(channels * columns)
    for p in range(start, stop):
        if taps[p, 0] < 0:
            continue
        _gather(p, taps, weights, x, total)
        for c in range(channels):
            s = scale[0 if scale.shape[0] == 1 else p, c]
            row, of_channel = y[p, c], total[c * columns:(c + 1) * columns]
            for column in range(columns):
                row[column] = s * of_channel[column]


@inlined
def _interpolation_reverse_of(taps, weights, scale, y, x, num_taps, channels):
    same_everywhere = scale.shape[0] == 1
    for p in range(len(taps)):
        if taps[p, 0] >= 0:
            for k in range(num_taps):
                at = x[taps[p, k]]
                for c in range(channels):
                    at[c] += weights[p, k] * (scale[0 if same_everywhere else p, c] * y[p, c])


@kernel
def _interpolation_reverse(start, stop, taps, weights, scale, y, buffers):
    (count, num_taps), channels = taps.shape, scale.shape[1]
    for b in range(start, stop):
        first, last = b * count // buffers.shape[0], (b + 1) * count // buffers.shape[0]
        here = slice(first, last)
        scale_here = scale if scale.shape[0] == 1 else scale[here]
        x = buffers[b]
        x[:] = 0.0
        if num_taps == 3 and channels == 3:
            _interpolation_reverse_of(taps[here], weights[here], scale_here, y[here], x, 3, 3)
        else:
            _interpolation_reverse_of(taps[here], weights[here], scale_here, y[here], x, num_taps, channels)


@inlined
def _motion_forward_of(taps, weights, gain, x, y, num_taps, channels, dimensions):
    for p in range(len(taps)):
        if taps[p, 0] >= 0:
            for d in range(dimensions):
                moved = 0.0
                for k in range(num_taps):
                    moved += weights[p, k] * x[taps[p, k], d]
                for c in range(channels):
                    y[p, c, 0] += gain[p, c, d] * moved


@kernel
def _motion_forward(start, stop, taps, weights, array, image, boundary, x, y):
    channels, columns = y.shape[1:]
    width, dimensions = max(array.shape[1], image.shape[1]), x.shape[1]
    x = x.reshape(x.shape[0], dimensions * columns)
    moved = np.empty(dimensions * columns)
    line = np.empty((image.shape[1], image.shape[2], 2))
    while start < stop:
        j = start // width
        end = min(stop, (j + 1) * width)
        here = _seen(start, end, taps[:, 0])
        gain = _gain_of(here, j, array, image, boundary, line)
        if columns == 1 and taps.shape[1] == 3 and channels == 3 and dimensions == 2:
            _motion_forward_of(taps[here], weights[here], gain, x, y[here], 3, 3, 2)
        elif columns == 1 and taps.shape[1] == 3 and channels == 3 and dimensions == 3:
            _motion_forward_of(taps[here], weights[here], gain, x, y[here], 3, 3, 3)
        else:
            for p in range(here.start, here.stop):
                if taps[p, 0] >= 0:
                    _gather(p, taps, weights, x, moved)
                    for c in range(channels):
                        row = y[p, c]
                        for d in range(dimensions):
                            g, along = gain[p - here.start, c, d], moved[d * columns:(d + 1) * columns]
                            for column in range(columns):
                                row[column] += g * along[column]
        start = end


@inlined
def _motion_reverse_of(taps, weights, gain, y, x, num_taps, channels, dimensions):
    for p in range(len(taps)):
        if taps[p, 0] >= 0:
            for d in range(dimensions):
                pull = 0.0
                for c in range(channels):
                    pull += gain[p, c, d] * y[p, c]
                for k in range(num_taps):
                    x[taps[p, k], d] += weights[p, k] * pull


@kernel
def _motion_reverse(start, stop, taps, weights, array, image, boundary, y, buffers):
    (count, num_taps), channels = taps.shape, y.shape[1]
    width = max(array.shape[1], image.shape[1])
    line = np.empty((image.shape[1], image.shape[2], 2))
    for b in range(start, stop):
        first, last = b * count // buffers.shape[0], (b + 1) * count // buffers.shape[0]
        x = buffers[b]
        x[:] = 0.0
        while first < last:
            j = first // width
            end = min(last, (j + 1) * width)
            here = _seen(first, end, taps[:, 0])
            gain = _gain_of(here, j, array, image, boundary, line)
            if num_taps == 3 and channels == 3 and x.shape[1] == 2:
                _motion_reverse_of(taps[here], weights[here], gain, y[here], x, 3, 3, 2)
            elif num_taps == 3 and channels == 3 and x.shape[1] == 3:
                _motion_reverse_of(taps[here], weights[here], gain, y[here], x, 3, 3, 3)
            else:
                _motion_reverse_of(taps[here], weights[here], gain, y[here], x, num_taps, channels, x.shape[1])
            first = end


@inlined
def _add_at(tap, weight, u, v, y0, y1, y2, motion, colors):
    """Add to the motion and the colours of a tap; all are read before one is written, which makes vectors of them."""
    i = np.uint64(2) * np.uint64(tap)
    j = i + np.uint64(1)
    u, v = motion[i] + weight * u, motion[j] + weight * v
    motion[i], motion[j] = u, v
    i = np.uint64(3) * np.uint64(tap)
    j, k = i + np.uint64(1), i + np.uint64(2)
    y0, y1, y2 = colors[i] + weight * y0, colors[j] + weight * y1, colors[k] + weight * y2
    colors[i], colors[j], colors[k] = y0, y1, y2


@kernel
def _joint_reverse(start, stop, face_id, corners, weights, scale, array, image, boundary, y, buffers):
    count, width = len(face_id), max(array.shape[1], image.shape[1])
    scale_step = np.uint64(min(len(scale) - 1, 1))
    line = np.empty((image.shape[1], image.shape[2], 2))
    c0, c1, c2 = np.uint64(0), np.uint64(1), np.uint64(2)
    for b in range(start, stop):
        first, last = b * count // buffers.shape[0], (b + 1) * count // buffers.shape[0]
        x = buffers[b]
        x[:] = 0.0
        points = len(x) // 5
        motion, colors = x[:2 * points], x[2 * points:]
        while first < last:
            j = first // width
            end = min(last, (j + 1) * width)
            here = _seen(first, end, face_id)
            left, right = np.uint64(here.start - j * width), np.uint64(here.stop - j * width)
            gain = gain_line(j, np.int64(left), np.int64(right), array, image, boundary, line)
            for i in range(left, right):
                p = np.uint64(j * width) + i
                if face_id[p] < 0:
                    continue
                y0, y1, y2 = y[p, c0], y[p, c1], y[p, c2]
                u = gain[i, c0, c0] * y0 + gain[i, c1, c0] * y1 + gain[i, c2, c0] * y2
                v = gain[i, c0, c1] * y0 + gain[i, c1, c1] * y1 + gain[i, c2, c1] * y2
                q = p * scale_step
                y0, y1, y2 = y0 * scale[q, c0], y1 * scale[q, c1], y2 * scale[q, c2]
                t = np.uint64(face_id[p])
                _add_at(corners[t, c0], weights[p, c0], u, v, y0, y1, y2, motion, colors)
                _add_at(corners[t, c1], weights[p, c1], u, v, y0, y1, y2, motion, colors)
                _add_at(corners[t, c2], weights[p, c2], u, v, y0, y1, y2, motion, colors)
            first = end


# ---------------------------------------------------------------------- rows of the Jacobian

def interpolation_csr(taps, weights, scale):
    """(data, indices, indptr) of the interpolation: rows p C + c, columns i C + c, in ascending order."""
    return _csr(_write_interpolation_rows, scale.shape[1], taps.shape[1], *map(read_only, (taps, weights, scale)))


def motion_csr(taps, weights, gain, blocks=None):
    """(data, indices, indptr) of the motion, or of the motion after a block diagonal map.

    Parameters
    ----------
    blocks : (points, D, Q) float64, optional
        x[i] = blocks[i] z[i]; by default the identity, Q = D.

    Returns
    -------
    rows p C + c, columns i Q + q, in ascending order.
    """
    blocks = np.eye(gain.shape[3])[None] if blocks is None else blocks
    return _csr(_write_motion_rows, gain.shape[2], taps.shape[1] * blocks.shape[2], read_only(taps),
                read_only(weights), *gain, read_only(blocks))


def _csr(kernel, channels, entries, taps, *args):
    """CSR arrays that a kernel fills, with `channels` rows of `entries` for every pixel that shows something."""
    bands = split(len(taps), PIXELS_PER_BAND)
    length = bands[0][1]
    seen = np.zeros(len(bands) + 1, np.int64)
    run_bands(_count_seen, bands, length, taps, seen)
    seen = np.cumsum(seen)
    size = seen[-1] * channels * entries
    data, indices = empty(size), empty(size, np.int32)
    indptr = empty(len(taps) * channels + 1, np.int32 if size < 2**31 else np.int64)
    indptr[0] = 0
    run_bands(kernel, bands, taps, *args, length, seen, data, indices, indptr[1:].reshape(len(taps), channels))
    return data, indices, indptr


@kernel
def _count_seen(start, stop, length, taps, seen):
    num_taps, first = taps.shape[1], taps[start:stop].ravel()
    count = 0
    for p in range(stop - start):
        count += first[p * num_taps] >= 0
    seen[start // length + 1] = count


@inlined
def _sort_taps(taps, order, num_taps):
    """Positions of the taps of one pixel in ascending order of what they point to, found without branches."""
    for k in range(num_taps):
        place = 0
        for other in range(num_taps):
            place += (taps[other] < taps[k]) | ((taps[other] == taps[k]) & (other < k))
        order[place] = k


@inlined
def _interpolation_rows(taps, weights, scale, at, data, indices, ends, num_taps, channels):
    same_everywhere = scale.shape[0] == 1
    order = np.empty(num_taps, np.int64)
    for p in range(len(taps)):
        length = num_taps if taps[p, 0] >= 0 else 0
        for c in range(channels):
            ends[p, c] = at + (c + 1) * length
        if length == 0:
            continue
        _sort_taps(taps[p], order, num_taps)
        values, columns = data[at:at + channels * length], indices[at:at + channels * length]
        for place in range(num_taps):
            i, w = taps[p, order[place]], weights[p, order[place]]
            for c in range(channels):
                values[c * num_taps + place] = w * scale[0 if same_everywhere else p, c]
                columns[c * num_taps + place] = i * channels + c
        at += channels * length


@kernel
def _write_interpolation_rows(start, stop, taps, weights, scale, length, seen, data, indices, ends):
    num_taps, channels = taps.shape[1], scale.shape[1]
    here, at = slice(start, stop), seen[start // length] * channels * num_taps
    scale_here = scale if scale.shape[0] == 1 else scale[here]
    if num_taps == 3 and channels == 3:
        _interpolation_rows(taps[here], weights[here], scale_here, at, data, indices, ends[here], 3, 3)
    else:
        _interpolation_rows(taps[here], weights[here], scale_here, at, data, indices, ends[here], num_taps, channels)


@inlined
def _motion_rows(taps, weights, gain, blocks, at, data, indices, ends, num_taps, size, channels, dimensions):
    order = np.empty(num_taps, np.int64)
    for p in range(len(taps)):
        length = num_taps * size if taps[p, 0] >= 0 else 0
        for c in range(channels):
            ends[p, c] = at + (c + 1) * length
        if length == 0:
            continue
        _sort_taps(taps[p], order, num_taps)
        values, columns = data[at:at + channels * length], indices[at:at + channels * length]
        for place in range(num_taps):
            i, w = taps[p, order[place]], weights[p, order[place]]
            block = blocks[0 if blocks.shape[0] == 1 else i]
            for q in range(size):
                for c in range(channels):
                    entry = (c * num_taps + place) * size + q
                    total = 0.0
                    for d in range(dimensions):
                        total += (w * block[d, q]) * gain[p, c, d]
                    values[entry] = total
                    columns[entry] = i * size + q
        at += channels * length
    return at


@kernel
def _write_motion_rows(start, stop, taps, weights, array, image, boundary, blocks, length, seen, data, indices, ends):
    width, channels = max(array.shape[1], image.shape[1]), max(array.shape[2], image.shape[2])
    num_taps, dimensions, size = taps.shape[1], *blocks.shape[1:]
    line = np.empty((image.shape[1], image.shape[2], 2))
    at = seen[start // length] * channels * num_taps * size
    while start < stop:
        j = start // width
        end = min(stop, (j + 1) * width)
        here = _seen(start, end, taps[:, 0])
        gain = _gain_of(here, j, array, image, boundary, line)
        ends[start:here.start] = at
        if num_taps == 3 and channels == 3 and size == 2 and dimensions == 2:
            at = _motion_rows(taps[here], weights[here], gain, blocks, at, data, indices, ends[here], 3, 2, 3, 2)
        elif num_taps == 3 and channels == 3 and size == 3 and dimensions == 2:
            at = _motion_rows(taps[here], weights[here], gain, blocks, at, data, indices, ends[here], 3, 3, 3, 2)
        else:
            at = _motion_rows(taps[here], weights[here], gain, blocks, at, data, indices, ends[here], num_taps, size,
                              channels, dimensions)
        ends[here.stop:end] = at
        start = end


# ---------------------------------------------------------------------- images

@inlined
def _corners_at(face_id, corners, taps, num_taps):
    for p in range(len(face_id)):
        face = face_id[p]
        if face >= 0:
            for k in range(num_taps):
                taps[p, k] = corners[face, k]
        else:
            for k in range(num_taps):
                taps[p, k] = -1


@kernel
def _taps_of_faces(start, stop, face_id, corners, taps):
    if corners.shape[1] == 3:
        _corners_at(face_id[start:stop], corners, taps[start:stop], 3)
    else:
        _corners_at(face_id[start:stop], corners, taps[start:stop], corners.shape[1])
