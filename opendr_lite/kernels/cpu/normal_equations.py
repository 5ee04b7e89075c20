"""Normal equations of an image, and of what a linear filter makes of it, without its Jacobian.

With n unknowns, each channel of a pixel has a row of n derivatives,

    row[p, c] = factor[p, c] (sum_d gain[p, c, d] sum_k w[p, k] screen[i_k, d]
                              + scale[p, c] sum_k w[p, k] color[i_k, c])

(`pixels` says what is what). The rows of a line of the image are made in the cache, added to the Gram matrix, filtered
along and down into lines of the next level of a pyramid, and forgotten. The target, whose products with the rows are
wanted too, is one more column, so that one product of BLAS holds both:

    [rows | target]ᵀ [rows | target] = [[A, g], [gᵀ, ...]]

Nothing is done outside the box of the pixels that show something, where the rows are zero. A band of lines has a Gram
matrix of its own; they are added in order.
"""
from typing import NamedTuple

import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import kernel, read_only
from .filtering import Taps, filter_entries, reach
from .image_gradient import NO_GAIN, Gain, gain_line

LANES = 8  # rows are padded to a multiple of as many entries
SERIAL_PRODUCT = 2**18  # multiplications that BLAS does in one thread; others would spin after each product
VALUES_PER_BAND = 2**17


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
        Row of `corners` that each pixel shows, -1 for none.
    corners : (F, 3) int32
    weights : (N, 3) float64
    gain : Gain
    screen : (V 2 P,) float64
        Derivatives of the points on the screen by the unknowns, (V, 2, P), P = `padded(n)` with zeros at the end.
    scale : (N, C) or (1, C) float64
    color : (V C P,) float64
        Derivatives of the colours, padded alike.
    factor : (N, C) float64
    """

    face: np.ndarray
    corners: np.ndarray
    weights: np.ndarray
    gain: Gain
    screen: np.ndarray
    scale: np.ndarray
    color: np.ndarray
    factor: np.ndarray


def padded(n):
    """Length of a row of n derivatives and a target."""
    return -(-(n + 1) // LANES) * LANES


def box_of_pixels(face, width):
    """The box of the pixels that show a face, (N,) with -1 for none, in an image of that width."""
    seen = (face >= 0).reshape(-1, width)
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
    pixels, rows = (source, _NO_ROWS) if isinstance(source, PixelRows) else (_NO_PIXELS, source)
    next_box, out = Box(0, 0, 0, 0), _NO_ROWS
    if down is not None and box.bottom > box.top:
        next_box = Box(*reach(down[0], box.top, box.bottom), *reach(down[1], box.left, box.right))
        out = empty((next_box.bottom - next_box.top, next_box.right - next_box.left, channels * length))
    least = -(-VALUES_PER_BAND // max(1, (box.right - box.left) * channels * length))
    bands = split(box.bottom - box.top, least, most=16)
    totals = np.zeros((len(bands), length, length))
    run_bands(_stream_lines, bands, pixels, rows, box, width, channels, length, bands[0][1],
              _as_values(target), _as_values(weights), column, *(down or (_NO_TAPS, _NO_TAPS)), next_box, out, totals)
    return (totals.sum(axis=0), None, None) if down is None else (totals.sum(axis=0), out, next_box)


def _as_values(array):
    return read_only(np.empty((0, 0)) if array is None else np.ascontiguousarray(array))


_NO_ROWS = np.empty((0, 0, 0))
_NO_INDICES = np.empty(0, np.int32)
_NO_TAPS = Taps(*map(read_only, (_NO_INDICES, _NO_INDICES, np.empty(0), _NO_INDICES, _NO_INDICES)))
_NO_PIXELS = PixelRows(*map(read_only, (_NO_INDICES, np.empty((0, 3), np.int32), np.empty((0, 3)))), NO_GAIN,
                       *map(read_only, (np.empty(0), np.empty((0, 0)), np.empty(0), np.empty((0, 0)))))


@kernel
def _make_line(j, left, right, width, source, channels, size, gains, moved, line, to):
    """The rows of columns [left, right) of line j, from `to` on, zero where a pixel shows nothing.

    Returns the range of the columns that show something.

    What a loop over k does, it does to all unknowns. Indices are unsigned, which keeps these loops in vector registers.
    """
    face, corners, weights, scales, factors = source.face, source.corners, source.weights, source.scale, source.factor
    screen, color = source.screen, source.color
    moves, colored, scaled = screen.size > 0, color.size > 0, factors.size > 0
    same_scale = scales.shape[0] == 1
    length, two, row_length = np.uint64(size), np.uint64(2 * size), np.uint64(channels * size)
    gain = gains
    if moves:
        gain = gain_line(j, left, right, source.gain.array, source.gain.image, source.gain.boundary, gains)
    at = np.uint64(to)
    first, stop = right, right
    for i in range(left, right):
        p = j * width + i
        t = np.int64(face[p])
        if t < 0:
            for k in range(row_length):
                line[at + k] = 0.0
            at += row_length
            continue
        first, stop = min(first, i), i + 1
        wa, wb, wc = weights[p, 0], weights[p, 1], weights[p, 2]
        a, b, c = np.uint64(corners[t, 0]), np.uint64(corners[t, 1]), np.uint64(corners[t, 2])
        if colored:
            ka, kb, kc = a * row_length, b * row_length, c * row_length
            for k in range(row_length):
                line[at + k] = wa * color[ka + k] + wb * color[kb + k] + wc * color[kc + k]
        if moves:
            ka, kb, kc = a * two, b * two, c * two
            for k in range(two):
                moved[k] = wa * screen[ka + k] + wb * screen[kb + k] + wc * screen[kc + k]
        for channel in range(channels):
            factor = factors[p, channel] if scaled else 1.0
            scale = factor * scales[0 if same_scale else p, channel] if colored else 0.0
            along = factor * gain[i, channel, 0] if moves else 0.0
            down = factor * gain[i, channel, 1] if moves else 0.0
            if colored and moves:
                for k in range(length):
                    line[at + k] = scale * line[at + k] + along * moved[k] + down * moved[length + k]
            elif moves:
                for k in range(length):
                    line[at + k] = along * moved[k] + down * moved[length + k]
            else:
                for k in range(length):
                    line[at + k] *= scale
            at += length
    return first, stop


@kernel
def _add_gram(rows, chunk, product, total):
    """total += rowsᵀ rows"""
    for first in range(0, rows.shape[0], chunk):
        part = rows[first:first + chunk]
        np.dot(part.T, part, product)
        for i in range(total.shape[0]):
            for j in range(total.shape[1]):
                total[i, j] += product[i, j]


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
            for k in range(length):
                rows[to + k] = root * line[at + k]
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
    total = totals[start // lines_per_band]
    chunk = max(16, SERIAL_PRODUCT // size**2)

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
        lines = np.empty(period * span)
    else:
        lines, period = rows.ravel(), box.bottom - box.top
    moved, gains = np.empty(2 * size), np.empty((width, channels, 2))
    weighted = np.empty(span if weights.shape[0] > 0 else 0)
    product = np.empty((size, size))
    combined, next_lines = np.empty(span if end > y else 0), out.ravel()
    first_seen, stop_seen = box.left, box.right

    for j in range(begin, box.top + stop):
        at = (j - box.top) % period * span
        if from_pixels:
            first_seen, stop_seen = _make_line(j, box.left, box.right, width, source, channels, size, gains, moved,
                                               lines, at)
        if target.shape[0] > 0 and j >= box.top + start:
            part, first_row, stop_row = _add_target(j, first_seen, stop_seen, at + (first_seen - box.left) * row_length,
                                                    width, channels, size, lines, target, weights, column, weighted)
            _add_gram(part[first_row:stop_row].reshape(-1, size), chunk, product, total)
        while y < end and min(row_taps.highest[y], box.bottom - 1) == j:
            filter_entries(y, y + 1, row_taps, box.top, box.bottom, period, lines, span, combined, 0)
            filter_entries(next_box.left, next_box.right, column_taps, box.left, box.right, box.right - box.left,
                           combined, row_length, next_lines, (y - next_box.top) * next_span)
            y += 1
