"""Normal equations of an image, and of what a linear filter makes of it, without its Jacobian.

With n unknowns, each channel of a pixel has a row of n derivatives,

    row[p, c] = factor[p, c] (sum_d gain[p, c, d] sum_k w[p, k] screen[i_k, d]
                              + scale[p, c] sum_k w[p, k] color[i_k, c])

(`pixels` says what is what). The rows of a line of the image are made in the cache, added to the Gram matrix, filtered
along and down into lines of the next level of a pyramid, and forgotten. The target, whose products with the rows are
wanted too, is one more column, so that one product of BLAS holds both:

    [rows | target]ᵀ [rows | target] = [[A, g], [gᵀ, ...]]

Nothing is done outside the box of the pixels that show something, where the rows are zero. A band of lines has a Gram
matrix of its own; they are added in order. Such a matrix is summed in registers, a block of rows and columns at a time,
those below the diagonal left out.
"""
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import kernel, read_only, step
from .filtering import Taps, filter_entries, reach
from .image_gradient import NO_GAIN, Gain, gain_line
from .lanes import LANES, add_scaled, aligned, load, repeated, scaled, store

VALUES_PER_BAND = 2**17
VALUES_IN_CACHE = 2**11  # of the rows that are multiplied in one go, half of the nearest cache


class Box(NamedTuple):
    """Part of an image: rows [top, bottom), columns [left, right)."""

    top: int
    bottom: int
    left: int
    right: int


class PixelRows(NamedTuple):
    """What the rows of the pixels are made from; without entries where there is nothing of the kind.

    Attributes
    ----------
    face : (N,) int32
        Row of `corners` that each pixel shows; -1 for none; -2 - k where its rows are the k-th of those given.
    corners : (F, 3) int32
    weights : (N, 3) float64
    gain : Gain
    screen : (V D P,) float64
        Derivatives of the points on the screen by the unknowns, (V, D, P), P = `padded(n)` with zeros at the end.
    scale : (N, C) or (1, C) float64
    color : (V C P,) float64
        Derivatives of the colours, padded alike.
    factor : (N, C) float64
    given : (K C P,) float64
        Rows of pixels that follow from something else, but for the factor.
    drift_weights, drift_gain : (N, 3), (N, C, 3) float64
        Weights and gain of a second motion of the same points, where the gain is by three coordinates.
    """

    face: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    gain: Gain
    screen: np.ndarray
    scale: np.ndarray
    color: np.ndarray
    factor: np.ndarray
    given: np.ndarray
    drift_weights: np.ndarray
    drift_gain: np.ndarray


def padded(n):
    """Length of a row of n derivatives and a target, a multiple of `LANES`."""
    return -(-(n + 1) // LANES) * LANES


def box_of_pixels(face, width):
    """The box of the pixels that have rows, of `PixelRows.face`, in an image of that width."""
    seen = (face != -1).reshape(-1, width)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return Box(0, 0, 0, 0)
    return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def stream_lines(source, box, width, channels, length, target=None, weights=None, column=0, down=None):
    """One pass over the rows of a level: their Gram matrix, and the rows of the next level.

    Parameters
    ----------
    source : PixelRows, or (box height, box width, channels * length) float64
        What the rows are made from, or the rows themselves.
    box : Box
        Where they are not zero.
    width, channels : int
        Of the image.
    length : int
        Of a row, as `padded` gives it.
    target : (N, C) float64, optional
        Without it, no Gram matrix is made.
    weights : (N, C) float64, optional
        Of the products of the rows with one another, not negative; those with the target have none.
    column : int
        Of the target in the rows.
    down : (Taps, Taps), optional
        The filters of the rows and of the columns of the image, to make the next level.

    Returns
    -------
    gram : (length, length) float64
    rows : (box height, box width, channels * length) float64 or None
        Of the filtered image.
    box : Box or None
        Of the filtered image.
    """
    pixels, rows = (_with_factor(source), _NO_ROWS) if isinstance(source, PixelRows) else (_NO_PIXELS, source)
    next_box, out = Box(0, 0, 0, 0), _NO_ROWS
    if down is not None and box.bottom > box.top:
        next_box = Box(*reach(down[0], box.top, box.bottom), *reach(down[1], box.left, box.right))
        out = empty((next_box.bottom - next_box.top, next_box.right - next_box.left, channels * length))
    least = -(-VALUES_PER_BAND // max(1, (box.right - box.left) * channels * length))
    bands = split(box.bottom - box.top, least, most=16)
    totals = np.zeros((len(bands), length, length))
    run_bands(_stream_lines, bands, pixels, rows, box, width, channels, length, bands[0][1],
              _as_values(target), _as_values(weights), column, *(down or (_NO_TAPS, _NO_TAPS)), next_box, out, totals)
    total = totals.sum(axis=0)
    gram = np.where(_above_diagonal(length), total, total.T)
    return (gram, None, None) if down is None else (gram, out, next_box)


@lru_cache(maxsize=8)
def _above_diagonal(length):
    """Where a matrix is not below its diagonal, (length, length) bool."""
    return np.tri(length, dtype=bool).T


def _with_factor(pixels):
    """The same pixels, with a factor of 1 for all if they have none."""
    factor = pixels.factor if len(pixels.factor) else np.ones((1, pixels.factor.shape[1]))
    return pixels._replace(factor=read_only(factor))


def _as_values(array):
    return read_only(np.empty((0, 0)) if array is None else np.ascontiguousarray(array))


_NO_ROWS = np.empty((0, 0, 0))
_NO_INDICES = np.empty(0, np.int32)
_NO_TAPS = Taps(*map(read_only, (_NO_INDICES, _NO_INDICES, np.empty(0), _NO_INDICES, _NO_INDICES)))
_NO_PIXELS = PixelRows(*map(read_only, (_NO_INDICES, np.empty((0, 3), np.int32), np.empty((0, 3)))), NO_GAIN,
                       *map(read_only, (np.empty(0), np.empty((0, 0)), np.empty(0), np.empty((0, 0)), np.empty(0),
                                         np.empty((0, 3)), np.empty((0, 0, 0)))))


@step
def _mixed(table, a, b, c, wa, wb, wc):
    """What three places of a table add up to."""
    return add_scaled(add_scaled(scaled(wa, load(table, a)), wb, load(table, b)), wc, load(table, c))


@kernel
def _make_line(j, left, right, width, source, channels, size, gains, parts, drift_parts, line, to):
    """The rows of columns [left, right) of line j, from `to` on, zero where a pixel shows nothing.

    Returns the range of the columns that have rows. For a pixel, `parts` holds what the colours and the motions along
    each coordinate are multiplied by in each channel.
    """
    face, corners, weights, screen, color = source.face, source.corners, source.weights, source.screen, source.color
    scales, factors = source.scale, source.factor
    same_scale, same_factor = scales.shape[0] == 1, factors.shape[0] == 1
    moves, colored, drifts = screen.size > 0, color.size > 0, len(source.drift_weights) > 0
    dimensions = gains.shape[2]
    length, row_length, of_vertex = np.uint64(size), np.uint64(channels * size), np.uint64(dimensions * size)
    zero, lanes, one, two, three, four = (np.uint64(0), np.uint64(LANES), np.uint64(1), np.uint64(2), np.uint64(3),
                                          np.uint64(4))
    nothing = repeated(0.0)
    gain = gains
    if moves:
        gain = gain_line(j, left, right, source.gain.array, source.gain.image, source.gain.boundary, gains)
    at = np.uint64(to)
    first, stop = right, right
    for i in range(left, right):
        p, column = np.uint64(j * width + i), np.uint64(i)
        if face[p] == -1:
            for k in range(zero, row_length, lanes):
                store(line, at + k, nothing)
            at += row_length
            continue
        first, stop = min(first, i), i + 1
        if face[p] < -1:
            begin = np.uint64(-2 - face[p]) * row_length
            for channel in range(np.uint64(channels)):
                factor = factors[zero if same_factor else p, channel]
                for k in range(zero, length, lanes):
                    store(line, at + k, scaled(factor, load(source.given, begin + k)))
                at += length
                begin += length
            continue
        t = np.uint64(face[p])
        wa, wb, wc = weights[p, 0], weights[p, 1], weights[p, 2]
        a, b, c = np.uint64(corners[t, 0]), np.uint64(corners[t, 1]), np.uint64(corners[t, 2])
        of_a, of_b, of_c = a * row_length, b * row_length, c * row_length
        for channel in range(np.uint64(channels)):
            part = four * channel
            factor = factors[zero if same_factor else p, channel]
            if colored:
                parts[part] = factor * scales[zero if same_scale else p, channel]
            if moves:
                for d in range(np.uint64(dimensions)):
                    parts[part + one + d] = factor * gain[column, channel, d]
            if drifts:
                for d in range(three):
                    drift_parts[three * channel + d] = factor * source.drift_gain[p, channel, d]
        for k in range(zero, length, lanes):
            along, down, deep = nothing, nothing, nothing
            turn_0, turn_1, turn_2, ka, kb, kc = nothing, nothing, nothing, zero, zero, zero
            if moves:
                ka, kb, kc = a * of_vertex + k, b * of_vertex + k, c * of_vertex + k
                along = _mixed(screen, ka, kb, kc, wa, wb, wc)
                down = _mixed(screen, ka + length, kb + length, kc + length, wa, wb, wc)
                if dimensions == 3:
                    deep = _mixed(screen, ka + two * length, kb + two * length, kc + two * length, wa, wb, wc)
            if drifts:
                va, vb, vc = source.drift_weights[p, 0], source.drift_weights[p, 1], source.drift_weights[p, 2]
                turn_0 = _mixed(screen, ka, kb, kc, va, vb, vc)
                turn_1 = _mixed(screen, ka + length, kb + length, kc + length, va, vb, vc)
                turn_2 = _mixed(screen, ka + two * length, kb + two * length, kc + two * length, va, vb, vc)
            x, part, turn = k, zero, zero
            while x < row_length:  # a range would divide
                row = nothing
                if colored:
                    row = scaled(parts[part], _mixed(color, of_a + x, of_b + x, of_c + x, wa, wb, wc))
                if moves:
                    row = add_scaled(add_scaled(row, parts[part + one], along), parts[part + two], down)
                    if dimensions == 3:
                        row = add_scaled(row, parts[part + three], deep)
                if drifts:
                    row = add_scaled(add_scaled(add_scaled(row, drift_parts[turn], turn_0), drift_parts[turn + one],
                                                turn_1), drift_parts[turn + two], turn_2)
                store(line, at + x, row)
                x += length
                part += four
                turn += three
        at += row_length
    return first, stop


@step
def _add_gram(rows, start, stop, size, total):
    """total += rowsᵀ rows, above the diagonal and some below, for the rows at [start, stop)."""
    length, lanes = np.uint64(size), np.uint64(LANES)
    chunk = np.uint64(max(1, VALUES_IN_CACHE // size) * size)
    for begin in range(start, stop, chunk):
        end = min(begin + chunk, stop)
        for i in range(np.uint64(0), length, lanes):
            for j in range(i, length, lanes):
                _add_block(rows, begin, end, length, i, j, total)


@step
def _add_block(rows, start, stop, length, i, j, total):
    """Eight rows and columns of `_add_gram`, from (i, j) on."""
    r0 = i * length + j
    r1, r2, r3, r4 = r0 + length, r0 + np.uint64(2) * length, r0 + np.uint64(3) * length, r0 + np.uint64(4) * length
    r5, r6, r7 = r4 + length, r4 + np.uint64(2) * length, r4 + np.uint64(3) * length
    t0, t1, t2, t3 = load(total, r0), load(total, r1), load(total, r2), load(total, r3)
    t4, t5, t6, t7 = load(total, r4), load(total, r5), load(total, r6), load(total, r7)
    for at in range(start, stop, length):
        x, k = load(rows, at + j), at + i
        t0 = add_scaled(t0, rows[k], x)
        t1 = add_scaled(t1, rows[k + np.uint64(1)], x)
        t2 = add_scaled(t2, rows[k + np.uint64(2)], x)
        t3 = add_scaled(t3, rows[k + np.uint64(3)], x)
        t4 = add_scaled(t4, rows[k + np.uint64(4)], x)
        t5 = add_scaled(t5, rows[k + np.uint64(5)], x)
        t6 = add_scaled(t6, rows[k + np.uint64(6)], x)
        t7 = add_scaled(t7, rows[k + np.uint64(7)], x)
    store(total, r0, t0)
    store(total, r1, t1)
    store(total, r2, t2)
    store(total, r3, t3)
    store(total, r4, t4)
    store(total, r5, t5)
    store(total, r6, t6)
    store(total, r7, t7)


@kernel
def _add_target(j, first, stop, begin, width, channels, size, line, target, weights, column, rows):
    """The rows of columns [first, stop) of line j, at `begin`, with their target; with weights, weighted copies.

    Returns the array, and where in it they start and stop.
    """
    length, begin = np.uint64(size), np.uint64(begin)
    at = begin
    if weights.shape[0] == 0:
        for p in range(j * width + first, j * width + stop):
            for c in range(channels):
                line[at + np.uint64(column)] = target[p, c]
                at += length
        return line, begin, at
    to = np.uint64(0)
    for p in range(j * width + first, j * width + stop):
        for c in range(channels):
            root = np.sqrt(weights[p, c])
            for k in range(np.uint64(0), length, np.uint64(LANES)):
                store(rows, to + k, scaled(root, load(line, at + k)))
            rows[to + np.uint64(column)] = target[p, c] / root if root > 0.0 else 0.0
            at += length
            to += length
    return rows, np.uint64(0), to


@kernel
def _stream_lines(start, stop, source, rows, box, width, channels, size, lines_per_band, target, weights, column,
                  row_taps, column_taps, next_box, out, totals):
    """Lines box.top + [start, stop), and the lines of the next level that need none below them."""
    row_length = channels * size
    span, next_span = (box.right - box.left) * row_length, (next_box.right - next_box.left) * row_length
    total = totals[start // lines_per_band].ravel()

    # Lines of the next level whose last input is here; those of their inputs that are above are made once more.
    begin, period = box.top + start, 1
    y = next_box.top
    while y < next_box.bottom and min(row_taps.highest[y], box.bottom - 1) < box.top + start:
        y += 1
    end = y
    while end < next_box.bottom and min(row_taps.highest[end], box.bottom - 1) < box.top + stop:
        first = max(row_taps.lowest[end], box.top)
        begin = min(begin, first)
        period = max(period, row_taps.highest[end] - first + 1)
        end += 1

    from_pixels = source.face.shape[0] > 0
    if from_pixels:
        lines = aligned(period * span)
    else:
        lines, period = rows.ravel(), box.bottom - box.top
    gains, parts = np.empty((width, channels, source.gain.array.shape[3])), np.empty(4 * channels)
    drift_parts = np.empty(3 * channels)
    weighted = aligned(span if weights.shape[0] > 0 else 0)
    combined, next_lines = aligned(span if end > y else 0), out.ravel()
    first_seen, stop_seen = box.left, box.right

    for j in range(begin, box.top + stop):
        at = (j - box.top) % period * span
        if from_pixels:
            first_seen, stop_seen = _make_line(j, box.left, box.right, width, source, channels, size, gains, parts,
                                               drift_parts, lines, at)
        if target.shape[0] > 0 and j >= box.top + start:
            part, first_row, stop_row = _add_target(j, first_seen, stop_seen, at + (first_seen - box.left) * row_length,
                                                    width, channels, size, lines, target, weights, column, weighted)
            _add_gram(part, first_row, stop_row, size, total)
        while y < end and min(row_taps.highest[y], box.bottom - 1) == j:
            filter_entries(y, y + 1, row_taps, box.top, box.bottom, period, lines, span, combined, np.uint64(0))
            filter_entries(next_box.left, next_box.right, column_taps, box.left, box.right, box.right - box.left,
                           combined, row_length, next_lines, np.uint64((y - next_box.top) * next_span))
            y += 1
