"""Separable filters of images: every output pixel is a weighted sum of a few input pixels.

A filter along one axis is a sparse matrix, given by the three arrays of the CSR format, its *taps*: output entry i is
the sum of weight[t] * input[index[t]] for t from start[i] up to start[i + 1]. Border rules, strides and transposes only
make other such matrices, so one loop serves them all:

    out[i, j, :] = sum_s sum_t row_weight[s] column_weight[t] image[row_index[s], column_index[t], :]

An output row at a time, the image is filtered down its columns into one line, which stays in the cache, and that along
its length. The last axis holds what is filtered alike: channels, columns of a Jacobian, or both.
"""
from typing import NamedTuple

import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import kernel, read_only, step

VALUES_PER_BAND = 2**18


class Taps(NamedTuple):
    """A filter along one axis; see the module. All arrays are read-only.

    Attributes
    ----------
    start, index : int32
        The indices of each output ascend, and so do the lowest and the highest index from output to output.
    weight : float64
    lowest, highest : (outputs,) int32
        The first and the last index of each output.
    """

    start: np.ndarray
    index: np.ndarray
    weight: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


def taps_of_matrix(matrix):
    """The `Taps` of a csr_matrix."""
    start, index = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    first, last = start[:-1], start[1:] - 1
    if index.size:
        lowest, highest = index[np.minimum(first, index.size - 1)], index[np.maximum(last, 0)]
    else:
        lowest = highest = np.zeros_like(first)
    return Taps(*map(read_only, (start, index, matrix.data, lowest, highest)))


def filter_image(image, row_taps, column_taps):
    """Filter an image along both axes.

    Parameters
    ----------
    image : (height, width, count) float64
    row_taps, column_taps : Taps
        What filters the columns from row to row, and the rows from column to column; not checked.

    Returns
    -------
    (rows, columns, count) float64
    """
    image = read_only(np.ascontiguousarray(image))
    rows, columns = row_taps.start.size - 1, column_taps.start.size - 1
    out = empty((rows, columns, image.shape[2]))
    least = -(-VALUES_PER_BAND // max(1, columns * image.shape[2]))
    run_bands(_filter_rows, split(rows, least), image, row_taps, column_taps, out)
    return out


def reach(taps, begin, end):
    """The range of the outputs of a filter that inputs [begin, end) may enter."""
    return int(np.searchsorted(taps.highest, begin)), int(np.searchsorted(taps.lowest, end))


@step
def _place(i, period):
    """i modulo a period, without the division where there is nothing to divide."""
    return i if i < period else i % period


@kernel
def filter_entries(first, stop, taps, begin, end, period, x, count, filtered, to):
    """Entries [first, stop) of a filtered line, or column of lines, from `to` on. An entry is `count` values.

    There are only the inputs of [begin, end); input i has place i - begin modulo `period` in x. Three are summed in one
    go. `to` is unsigned.
    """
    index, weight, start = taps.index, taps.weight, taps.start
    at, values = to, np.uint64(count)
    for entry in range(first, stop):
        t, last = start[entry], start[entry + 1]
        while t < last and index[t] < begin:
            t += 1
        while last > t and index[last - 1] >= end:
            last -= 1
        if t == last:
            for k in range(values):
                filtered[at + k] = 0.0
        fresh = True
        while t < last:
            a = np.uint64(_place(index[t] - begin, period) * count)
            b = np.uint64(_place(index[t + 1] - begin, period) * count) if t + 1 < last else a
            c = np.uint64(_place(index[t + 2] - begin, period) * count) if t + 2 < last else a
            wa = weight[t]
            wb = weight[t + 1] if t + 1 < last else 0.0
            wc = weight[t + 2] if t + 2 < last else 0.0
            if fresh:
                for k in range(values):
                    filtered[at + k] = wa * x[a + k] + wb * x[b + k] + wc * x[c + k]
            else:
                for k in range(values):
                    filtered[at + k] += wa * x[a + k] + wb * x[b + k] + wc * x[c + k]
            fresh = False
            t += 3
        at += values


@kernel
def _filter_rows(first, last, image, row_taps, column_taps, out):
    height, width, count = image.shape
    columns = out.shape[1]
    line, lines, pixels = np.empty(width * count), image.ravel(), out.ravel()
    start, place = np.int64(0), np.uint64(0)  # a literal 0 would be compiled for
    for i in range(first, last):
        filter_entries(i, i + 1, row_taps, start, height, height, lines, width * count, line, place)
        filter_entries(start, columns, column_taps, start, width, width, line, count, pixels,
                       np.uint64(i * columns * count))
