"""Pairs of a pixel and a face that reaches it, pixel by pixel, and sparse matrices with a row for each pixel.

Products with a Jacobian walk from face to face and keep no pairs. Its rows are written from a list of them, a band of
rows of the image at a time. What a pair depends on are its *taps*, such as the corners of its face. Those of all pairs
of a pixel, each once and in ascending order, are the columns of its row; a tap's place among them is its *slot*.
"""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ....threads import in_parallel, split
from ...jit import kernel
from .distances import box_of, corners_of, new_line, reach_line

__all__ = ["ROWS_PER_BAND", "Fragments", "row_matrix", "row_bands"]

ROWS_PER_BAND = 8  # rows of pixels


class Fragments(NamedTuple):
    """The pairs in a band of rows of the image, pixel by pixel, and for each pixel by face.

    Attributes
    ----------
    pixel : int
        The first of the P pixels.
    first : (P + 1,) int64
        Where the pairs of each pixel start.
    face, x, edge, along : (n,)
        See `distances.reach_line`.
    """

    pixel: int
    first: np.ndarray
    face: np.ndarray
    x: np.ndarray
    edge: np.ndarray
    along: np.ndarray


def row_bands(height):
    """Bands of rows of the image; the sums of a pixel do not depend on them."""
    return split(height, least=ROWS_PER_BAND)


def row_matrix(shape, screen, f, box, blur, taps_of, write, dimensions, points, is_diagonal=False,
               blocks=None):
    """A Jacobian as csr_matrix.

    Parameters
    ----------
    shape : (int, int, int)
        Height, width and channels of the image.
    screen, f, box, blur
        See `distances`.
    taps_of : callable
        Takes `Fragments`, returns the points (n, K) int32 that each depends on.
    write : callable
        Takes `Fragments`, slots (n, K), where the columns of each pixel start (P + 1,), and zeros of shape
        (points of all pixels, C, D), and adds up in them what the pairs depend on their points.
    dimensions : int
        D, coordinates of a point.
    points : int
        Number of points in all.
    is_diagonal : bool
        Whether a point has a value for each channel, which it changes alone; D is 1.
    blocks : (points, D, E) float64, optional
        A map of each point, from E coordinates to D, that the Jacobian is multiplied with.
    """
    height, width, channels = shape

    def rows(band):
        fragments = Fragments(band[0] * width, *_list_fragments(*band, width, screen, f, box, blur))
        taps = taps_of(fragments)
        first, found, slot = _share_points(fragments.first, taps, points)
        values = np.zeros((len(found), channels, dimensions))
        write(fragments, slot, first, values)
        if blocks is not None:
            values = np.matmul(values, blocks[found])
        return (*_as_rows(first, found, values, is_diagonal), np.repeat(np.diff(first) * values.shape[2], channels))

    data, indices, length = (np.concatenate(part) for part in zip(*in_parallel(rows, row_bands(height))))
    indptr = np.concatenate([[0], np.cumsum(length)])
    columns = points * (channels if is_diagonal else dimensions if blocks is None else blocks.shape[2])
    matrix = sp.csr_matrix((data, indices, indptr), shape=(height * width * channels, columns))
    matrix.has_sorted_indices = True
    return matrix


@kernel
def _list_fragments(start, stop, width, screen, f, box, blur):
    first = np.zeros((stop - start) * width + 1, np.int64)
    line = new_line(width)
    column, x, edge, along = line
    for t in range(len(f)):
        top, bottom, left, right = box_of(t, box, start, stop)
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, corners_of(t, screen, f), blur, line)):
                first[(j - start) * width + column[n] + 1] += 1
    for p in range(len(first) - 1):
        first[p + 1] += first[p]
    at, count = first[:-1].copy(), first[-1]
    face, x_of, edge_of, along_of = (np.empty(count, np.int32), np.empty(count), np.empty(count, np.int8),
                                     np.empty(count))
    for t in range(len(f)):
        top, bottom, left, right = box_of(t, box, start, stop)
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, corners_of(t, screen, f), blur, line)):
                p = (j - start) * width + column[n]
                k = at[p]
                face[k], x_of[k], edge_of[k], along_of[k] = t, x[n], edge[n], along[n]
                at[p] += 1
    return first, face, x_of, edge_of, along_of


@kernel
def _share_points(first, taps, num_points):
    """(where the points of each pixel start, the points, the slot of each tap)."""
    seen, place = np.full(num_points, -1, np.int64), np.empty(num_points, np.int32)
    first_point, points = np.zeros(len(first), np.int64), np.empty(max(taps.size, 1), np.int32)
    slot = np.empty(taps.shape, np.int32)
    count = 0
    for p in range(len(first) - 1):
        begin = count
        for n in range(first[p], first[p + 1]):
            for k in range(taps.shape[1]):
                point = taps[n, k]
                if seen[point] != p:
                    seen[point] = p
                    points[count] = point
                    count += 1
        points[begin:count].sort()
        for at in range(begin, count):
            place[points[at]] = at - begin
        for n in range(first[p], first[p + 1]):
            for k in range(taps.shape[1]):
                slot[n, k] = place[taps[n, k]]
        first_point[p + 1] = count
    return first_point, points[:count].copy(), slot


@kernel
def _as_rows(first, points, values, is_diagonal):
    """Data and indices of the rows of pixels and channels."""
    _, channels, dimensions = values.shape
    data, indices = np.empty(values.size), np.empty(values.size, np.int32)
    at = 0
    for p in range(len(first) - 1):
        for c in range(channels):
            for n in range(first[p], first[p + 1]):
                for d in range(dimensions):
                    data[at] = values[n, c, d]
                    indices[at] = points[n] * channels + c if is_diagonal else points[n] * dimensions + d
                    at += 1
    return data, indices
