"""The derivative of an image, as a linear map that knows face ids and weights of the pixels.

A pixel depends on the few points that it shows: its *taps*. The rows of the Jacobian follow from the taps, their
weights and one factor per pixel and channel, so nothing else is kept; products with the Jacobian gather from the taps
or scatter to them. The formulas are in `kernels.cpu.pixels`.
"""
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ..ch.linear_maps import BlockDiagonal, LinearMap
from ..ch.tangents import as_slice
from ..kernels.cpu import pixels
from ..kernels.cpu.image_gradient import Gain, stored_gain
from .pixel_tangent import PixelTangent, Term

__all__ = ["DriftingMotion", "PixelInterpolation", "PixelMotion", "SeenFaces", "pull_back"]


class SeenFaces(NamedTuple("SeenFaces", [("face_id", np.ndarray), ("faces", np.ndarray)])):
    """Which face each pixel shows, where the taps are its corners.

    Attributes
    ----------
    face_id : (N,) int32
        -1 where no face is seen.
    faces : (F, 3) int32
        Corners of all faces.
    taps : (N, 3) int32
        faces[face_id[p]], or -1; made when asked for.
    """

    @cached_property
    def taps(self):
        return pixels.taps_of_faces(*self)


class PixelMap(LinearMap):
    """What both maps share: vectors of `dimensions` entries at the points become channels of the pixels.

    A subclass gives `forward`, of (points, dimensions, columns) to (N, channels, columns), and `reverse`, the
    transpose, of (N, channels) to (points, dimensions). `seen`, a `SeenFaces` or None, serves the normal equations, and
    gives the taps where `taps` is None.
    """

    moves = False  # whether the input is positions on the screen

    def __init__(self, taps, weights, points, channels, dimensions, seen):
        self.seen = seen
        self.weights, self.points = np.ascontiguousarray(weights), points
        self.channels, self.dimensions = channels, dimensions
        if taps is not None:
            self.taps = taps
        super().__init__((len(weights) * channels, points * dimensions))

    @cached_property
    def taps(self):
        return self.seen.taps

    def sees_the_same(self, other):
        """Whether another map is about the same points, pixels and channels, with the same taps and weights."""
        if (self.points, self.channels, self.seen is None) != (other.points, other.channels, other.seen is None):
            return False
        arrays = ((each.weights, *(each.seen or (each.taps,))) for each in (self, other))
        return all(map(_equal, *arrays))

    def apply(self, x):
        return self.forward(_with_columns(x, self.points, self.dimensions)).reshape(self.shape[:1] + x.shape[1:])

    def apply_transpose(self, y):
        if y.ndim == 1:
            return self.reverse(np.ascontiguousarray(y).reshape(-1, self.channels)).ravel()
        x = np.empty(self.shape[1:] + y.shape[1:])
        for column in range(y.shape[1]):
            x[:, column] = self.apply_transpose(y[:, column])
        return x

    def times_tangent(self, tangent):
        terms = [Term(self, matrix, as_slice(columns)) for columns, matrix in tangent.formed().blocks]
        return PixelTangent(terms, tangent.shape[1])


def _equal(one, other):
    return one is other or one.shape == other.shape and (one.ctypes.data == other.ctypes.data
                                                         or np.array_equal(one, other))


def _with_columns(x, count, entries):
    """(count * entries,) or (count * entries, k) as (count, entries, 1 or k)."""
    return np.ascontiguousarray(x).reshape((count, entries) + (x.shape[1:] or (1,)))


def _csr_matrix(arrays, shape):
    """A csr_matrix of arrays whose columns ascend in each row."""
    matrix = sp.csr_matrix(arrays, shape=shape)
    matrix.has_sorted_indices = True
    return matrix


class PixelInterpolation(PixelMap):
    """y[p, c] = scale[p, c] sum_k weights[p, k] x[taps[p, k], c]: of colours, texels, depths.

    Parameters
    ----------
    taps : (N, K) int32, or None
        taps[p, 0] is -1 where a pixel depends on nothing. None for the corners of the faces in `seen`.
    weights : (N, K) float64
    scale : (N, C) float64, or (1, C) for the same everywhere
    points : int
        Number of points; the input has points * C entries.
    seen : SeenFaces, optional
        Lets normal equations be taken face by face, see `pixel_moments`.
    """

    def __init__(self, taps, weights, scale, points, seen=None):
        self.scale = np.ascontiguousarray(scale)
        super().__init__(taps, weights, points, scale.shape[1], scale.shape[1], seen)

    def forward(self, x):
        return pixels.interpolation_forward(self.taps, self.weights, self.scale, x)

    def reverse(self, y):
        return pixels.interpolation_reverse(self.taps, self.weights, self.scale, y, self.points)

    def to_sparse(self):
        return _csr_matrix(pixels.interpolation_csr(self.taps, self.weights, self.scale), self.shape)


class PixelMotion(PixelMap):
    """y[p, c] = sum_d gain[p, c, d] sum_k weights[p, k] x[taps[p, k], d]: of positions on the screen.

    Parameters
    ----------
    taps, weights
        See `PixelInterpolation`.
    gain : Gain or (N, C, D) float64
        For OpenDR's derivative, minus the image gradient, D = 2; for an exact one, by `ScreenPoints`, D = 3.
    points : int
        Number of points; the input has points * D entries.
    seen : SeenFaces, optional
    """

    moves = True

    def __init__(self, taps, weights, gain, points, seen=None):
        self.gain = gain if isinstance(gain, Gain) else stored_gain(gain)
        super().__init__(taps, weights, points, *self.gain.shape[2:], seen)

    @cached_property
    def is_zero(self):
        """Whether no motion changes anything, as inside of a silhouette. Pixels that show no face may hold any bits."""
        gain = self.gain.array
        if not gain.size:
            return False
        shown = np.flatnonzero((self.taps[:, 0] if self.seen is None else self.seen.face_id) >= 0)
        gain = gain.reshape(len(self.weights), -1)
        return not (gain[shown[:1]].any() or gain[shown].any())  # mostly the first pixel tells

    def forward(self, x):
        if self.is_zero:
            return np.zeros((len(self.weights), self.channels, x.shape[2]))
        return pixels.motion_forward(self.taps, self.weights, self.gain, x)

    def reverse(self, y):
        if self.is_zero:
            return np.zeros((self.points, self.dimensions))
        return pixels.motion_reverse(self.taps, self.weights, self.gain, y, self.points)

    def to_sparse(self):
        if self.is_zero:
            return sp.csr_matrix(self.shape)
        return _csr_matrix(pixels.motion_csr(self.taps, self.weights, self.gain), self.shape)

    def to_sparse_after(self, other):
        """The product with a map of each point is written row by row; that with any other is a sparse product."""
        if self.is_zero:
            return sp.csr_matrix((self.shape[0], other.shape[1]))
        if not isinstance(other, BlockDiagonal) or other.blocks.shape[:2] != (self.points, self.dimensions):
            return super().to_sparse_after(other)
        return _csr_matrix(pixels.motion_csr(self.taps, self.weights, self.gain, other.blocks),
                           (self.shape[0], other.shape[1]))


class DriftingMotion(PixelMotion):
    """A motion, and the change of what is not carried along, with weights and a gain of its own.

    Parameters
    ----------
    weights, gain, points, seen
        See `PixelMotion`.
    drift_weights, drift_gain : (N, 3), (N, C, D) float64
    """

    def __init__(self, weights, gain, points, seen, drift_weights, drift_gain):
        super().__init__(None, weights, gain, points, seen)
        self.drift = PixelMotion(None, drift_weights, drift_gain, points, seen)

    def forward(self, x):
        return super().forward(x) + self.drift.forward(x)

    def reverse(self, y):
        return super().reverse(y) + self.drift.reverse(y)

    def to_sparse(self):
        return sp.csr_matrix(super().to_sparse() + self.drift.to_sparse())

    def to_sparse_after(self, other):
        return sp.csr_matrix(super().to_sparse_after(other) + self.drift.to_sparse_after(other))


def pull_back(maps, cotangent):
    """[A.T @ cotangent for A in maps]; motion and interpolation of three channels of the same faces in one pass.

    Parameters
    ----------
    maps : list of LinearMap
    cotangent : (m,) or (m, k) array
    """
    motion = next((each for each in maps if isinstance(each, PixelMotion)), None)
    interpolation = next((each for each in maps if isinstance(each, PixelInterpolation)), None)
    if cotangent.ndim > 1 or not (motion and interpolation and motion.seen and motion.dimensions == 2 and motion.channels == 3
                                  and motion.sees_the_same(interpolation)):
        return [each.T @ cotangent for each in maps]
    y = np.ascontiguousarray(cotangent).reshape(-1, 3)
    both = pixels.joint_reverse(*motion.seen, motion.weights, motion.gain, interpolation.scale, y, motion.points)
    parts = dict(zip((motion, interpolation), both))
    return [parts[each].ravel() if each in parts else each.T @ cotangent for each in maps]
