"""The tangent of an image, which is not formed: its rows are made from those of the vertices where they are needed.

An image moves with the points on the screen and changes with the colours of the vertices, so its tangent is a sum of
pixel maps times the tangents of their inputs. With few unknowns its normal equations are one pass over the pixels
(`kernels.cpu.normal_equations`), with many they follow from moments of the faces (`pixel_moments`).
"""
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from ..ch.linear_maps import Diagonal, LinearMap, as_csr
from ..ch.tangents import Tangent
from ..kernels.cpu.image_gradient import NO_GAIN
from ..kernels.cpu.normal_equations import PixelRows, box_of_pixels, padded, stream_lines
from ..kernels.jit import read_only
from ..memory import zeros
from . import pixel_moments

__all__ = ["Lines", "Patch", "PixelTangent", "Term"]

MANY_UNKNOWNS = 32  # from which moments of the faces are cheaper than rows of the pixels
LONGEST_LINE = 1024  # where nobody knows how wide the image is, nor needs to


class Term(NamedTuple):
    """A pixel map times the tangent of its input, (points * dimensions, k), whose columns have these places."""

    map: LinearMap
    tangent: object
    columns: object


class Patch(NamedTuple):
    """Rows of some pixels, in the place of those of the pixel maps.

    Attributes
    ----------
    pixels : (P,) int32
        Of which the maps know nothing.
    terms : list of (rows, columns)
        Arrays (P C, k), and the places of their columns.
    """

    pixels: np.ndarray
    terms: list

    def rows(self, n):
        """All columns, (P C, n)."""
        result = zeros((len(self.terms[0][0]), n))
        for rows, columns in self.terms:
            result[:, columns] += rows
        return result


class PixelTangent(Tangent):
    """factor * sum of pixel maps times tangents of their inputs.

    Parameters
    ----------
    terms : list of Term
        Their tangents are arrays or, for many unknowns, sparse matrices or linear maps; then there is a term for each
        map, with all columns.
    n : int
        Number of columns.
    factor : Diagonal, optional
    patch : Patch, optional
        Then all tangents are arrays.
    """

    def __init__(self, terms, n, factor=None, patch=None):
        self.terms, self.factor, self.patch = terms, factor, patch
        super().__init__((terms[0].map.shape[0], n))

    @property
    def _is_dense(self):
        return all(isinstance(term.tangent, np.ndarray) for term in self.terms)

    def form(self):
        if self._is_dense:
            n = self.shape[1]
            result = np.zeros(self.shape)
            for pixel_map, tangent, columns in self.terms:
                result[:, columns] += pixel_map @ tangent
            if self.patch is not None:
                result.reshape(-1, self._channels, n)[self.patch.pixels] = self.patch.rows(n).reshape(-1, self._channels, n)
        else:
            result = reduce(add, (as_csr(pixel_map @ tangent) for pixel_map, tangent, _ in self.terms))
        return result if self.factor is None else self.factor @ result

    def scaled(self, diagonal):
        factor = diagonal if self.factor is None else Diagonal(self.factor.diagonal * diagonal.diagonal, self.shape[0])
        return PixelTangent(self.terms, self.shape[1], factor, self.patch)

    def merged(self, other):
        if not _same_pixels(self.patch, other.patch):
            return None
        if self.factor is not other.factor and not (
                self.factor and other.factor and np.array_equal(self.factor.diagonal, other.factor.diagonal)):
            return None
        patch = self.patch and self.patch._replace(terms=self.patch.terms + other.patch.terms)
        return PixelTangent(self.terms + other.terms, self.shape[1], self.factor, patch)

    @property
    def _channels(self):
        return self.terms[0].map.channels

    # ------------------------------------------------------------------ in one pass over the pixels

    @property
    def has_local_gram(self):
        return self.patch is None and pixel_moments.supports([(pixel_map, None) for pixel_map in self._maps()])

    def normal_equations(self, weights, weighted):
        few = self._is_dense and self.shape[1] < MANY_UNKNOWNS
        if not few and self.has_local_gram:
            return self._from_moments(weights, weighted)
        lines = self.lines()
        if lines is not None:
            return lines.normal_equations(weights, weighted)
        return self.formed().normal_equations(weights, weighted)

    def _from_moments(self, weights, weighted):
        if self.factor is not None:
            weights = self.factor.squared_transpose(np.ones(self.shape[0]) if weights is None else weights)
            weighted = self.factor @ weighted
        channels = self._channels
        return pixel_moments.normal_equations(self._whole_terms(),
                                              None if weights is None else weights.reshape(-1, channels),
                                              weighted.reshape(-1, channels))

    def _maps(self):
        return list({id(term.map): term.map for term in self.terms}.values())

    def _whole_terms(self):
        """(map, tangent of its input with all columns), once for each map."""
        if not self._is_dense:
            return [(pixel_map, tangent) for pixel_map, tangent, _ in self.terms]
        result = {}
        for pixel_map, tangent, columns in self.terms:
            _, total = result.setdefault(id(pixel_map), (pixel_map, np.zeros((pixel_map.shape[1], self.shape[1]))))
            total[:, columns] += tangent
        return list(result.values())

    def lines(self, width=None):
        """The same as `Lines` of an image of that width, None if they cannot be made line by line."""
        if not self._is_dense:
            return None
        motions, interpolations = {}, {}
        for term in self.terms:
            group = motions if term.map.moves else interpolations
            group.setdefault(id(term.map), []).append(term)
        if len(motions) > 1 or len(interpolations) > 1:
            return None
        motion, screen = self._joined(motions)
        interpolation, color = self._joined(interpolations)
        if motion and interpolation and not motion.sees_the_same(interpolation):
            return None
        face, corners, weights = _sight(motion or interpolation)
        if weights.shape[1] != 3:
            return None
        pixels, channels = len(weights), self._channels
        gain = NO_GAIN if motion is None else motion.gain
        if gain.image.size:
            width = gain.image.shape[1]
        width = width or next(w for w in range(LONGEST_LINE, 0, -1) if pixels % w == 0)
        if pixels % width:
            return None
        if len(gain.array):
            gain = gain._replace(array=gain.array.reshape(-1, width, *gain.array.shape[2:]))
        factor = np.empty((0, channels))
        if self.factor is not None:
            factor = np.broadcast_to(self.factor.diagonal, self.shape[:1]).reshape(-1, channels)
        scale = factor[:0] if interpolation is None else interpolation.scale
        given = np.empty(0)
        if self.patch is not None:
            face, given = face.copy(), self.patch.rows(padded(self.shape[1]))
            face[self.patch.pixels] = -2 - np.arange(len(self.patch.pixels))
        drift = getattr(motion, "drift", None)
        drifting = (np.empty((0, 3)), np.empty((0, 0, 0))) if drift is None else (drift.weights, drift.gain.array[0])
        rows = PixelRows(*map(read_only, (face, corners, weights)), gain,
                         *map(read_only, (screen, scale, color, np.ascontiguousarray(factor), given.reshape(-1),
                                          *drifting)))
        return Lines(rows, box_of_pixels(face, width), (pixels // width, width, channels), self.shape[1])

    def _joined(self, group):
        """The one map of a group of terms, if there is one, and the tangents of its input as `PixelRows` has them."""
        if not group:
            return None, np.empty(0)
        terms, = group.values()
        pixel_map = terms[0].map
        rows = zeros((pixel_map.shape[1], padded(self.shape[1])))
        unknowns = rows[:, :self.shape[1]]
        unknowns[:, terms[0].columns] = terms[0].tangent
        for _, tangent, columns in terms[1:]:
            unknowns[:, columns] += tangent
        return pixel_map, rows.reshape(-1)


def _same_pixels(patch, other):
    return patch is other or (None not in (patch, other) and np.array_equal(patch.pixels, other.pixels))


def _sight(pixel_map):
    """Which row of which table holds the taps of each pixel, and their weights."""
    if pixel_map.seen is not None:
        return *pixel_map.seen, pixel_map.weights
    taps = pixel_map.taps
    return np.where(taps[:, 0] >= 0, np.arange(len(taps), dtype=np.int32), np.int32(-1)), taps, pixel_map.weights


class Lines:
    """Rows of derivatives of an image, line by line: made from pixels, or left by a filter.

    Parameters
    ----------
    source : PixelRows, or (box height, box width, C * padded(n)) float64
    box : Box
        Where they are not zero.
    shape : (height, width, channels)
    n : int
        Number of unknowns.
    """

    def __init__(self, source, box, shape, n):
        self.source, self.box, self.shape, self.n = source, box, shape, n

    def normal_equations(self, weights, weighted):
        """See `Tangent`."""
        return self.descend(weights, weighted)[0]

    def descend(self, weights, weighted, filter_map=None):
        """The normal equations and, in the same pass, the `Lines` of the filtered image.

        Parameters
        ----------
        weights, weighted : (m,) arrays or None
            See `Tangent`. No normal equations are wanted without `weighted`.
        filter_map : filters.SeparableFilter, optional
        """
        _, width, channels = self.shape
        weights, target = (None if values is None else values.reshape(-1, channels) for values in (weights, weighted))
        n = self.n
        gram, rows, box = stream_lines(self.source, self.box, width, channels, padded(n), target, weights, n,
                                       None if filter_map is None else filter_map.taps)
        below = None if filter_map is None else Lines(
            rows, box, (filter_map.rows.shape[0], filter_map.columns.shape[0], channels), n)
        return (gram[:n, :n].copy(), gram[:n, n].copy()), below

    def form(self):
        """All rows as an array (m, n); of lines that a filter left."""
        height, width, channels = self.shape
        result = np.zeros((height, width, channels, self.n))
        top, bottom, left, right = self.box
        rows = self.source.reshape(bottom - top, right - left, channels, padded(self.n))
        result[top:bottom, left:right] = rows[..., :self.n]
        return result.reshape(-1, self.n)
