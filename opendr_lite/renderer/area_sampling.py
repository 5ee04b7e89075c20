"""Images whose pixels are area-sampled where edges cross them, and the derivative of those pixels.

A pixel away from edges shows the colour at its centre. In a *marked* one (`kernels.cpu.area_sampling`) every face that is
seen is a *sample*: its colour at the centroid m_s of what is seen of it, weighted by the area of that,

    I = B + sum_s A_s (c_s(m_s) - B)

with B the background. With M = A m the moments of that part, from the centre of the pixel, and ∇c the gradient of the
colour along the surface,

    dI = sum_s (c_s - B - ∇c_s · m_s) dA_s + ∇c_s · dM_s + A_s dc_s

where dc_s is that of the colour at a fixed point, as of any pixel, and dA, dM follow from the motion of the lines around
the part, the *fronts*.
"""
import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ..ch.linear_maps import LinearMap
from ..ch.tangents import as_slice
from ..kernels.cpu.area_sampling.arrangement import arrange
from ..kernels.cpu.area_sampling.fronts import fronts_of, locate
from ..kernels.cpu.area_sampling.gather import gather_faces
from ..kernels.cpu.area_sampling.kinks import have_kinks, middles_of_edges, smooth_edges
from ..kernels.cpu.area_sampling.marks import mark_pixels
from ..kernels.cpu.area_sampling.planes import planes_of_faces, side_in_view
from ..kernels.cpu.area_sampling.rows import SampleMotion, motion_forward, motion_reverse, motion_rows
from .pixel_jacobian import PixelMotion
from .pixel_tangent import Patch, PixelTangent

__all__ = ["AreaSamples", "Drift", "Mesh", "Patched", "area_samples"]

KINK = 1e-3  # least change of a pixel, of the range of its colours, for which an edge between faces in view is sampled


class Mesh:
    """Faces, and the edges between them.

    Parameters
    ----------
    f : (F, 3) int32

    Attributes
    ----------
    edges : (E, 4) int32
        The two ends of each edge, and the faces on both sides, which run along it in opposite directions. Another edge
        is a border of each of its faces: a row for each, with -1 for the second.
    is_closed : bool
        Whether there is no border.
    """

    def __init__(self, f):
        self.f = f
        start, end = f.ravel().astype(np.int64), np.roll(f, -1, axis=1).ravel()
        size = int(f.max(initial=0)) + 1
        key = np.minimum(start, end) * size + np.maximum(start, end)
        order = np.argsort(key, kind="stable")
        keys, first, count = np.unique(key[order], return_index=True, return_counts=True)
        balance = np.bincount(np.searchsorted(keys, key), np.sign(end - start))
        is_joint = np.repeat((count == 2) & (balance == 0), count)
        row = np.union1d(first, np.flatnonzero(~is_joint))
        face = order // 3
        other = np.where(is_joint[row], face[np.minimum(row + 1, len(face) - 1)], -1)
        ends = key[order][row]
        self.edges = np.column_stack([ends // size, ends % size, face[row], other]).astype(np.int32)
        self.is_closed = bool(is_joint.all())


def area_samples(screen, mesh, pixels, far, of_whole_faces, colored=None, scale=1.0):
    """The `AreaSamples` of an image.

    Parameters
    ----------
    screen : (V, 3) float64
    mesh : Mesh
        As the near plane leaves it.
    pixels : Pixels
        What is seen at the centres.
    far : float
        What is farther away is not seen.
    of_whole_faces : callable
        Takes what points of the screen show, as (face_id, barycentric, depth) of an image of height 1, to the faces
        before they were clipped.
    colored : (callable, callable), optional
        Give the colours (n, C) of these, and their gradients (n, C, 2). By default there is one colour everywhere.
    scale : float
        Range of the colours.
    """
    planes = planes_of_faces(screen, mesh.f)
    hidden_side = -side_in_view(planes.side, pixels.face_id) if mesh.is_closed else 0
    kinked = np.zeros(len(mesh.edges), bool)
    if colored is not None:
        smooth = smooth_edges(mesh.edges, planes.side, hidden_side)
        edges = mesh.edges[smooth]
        points = of_whole_faces(middles_of_edges(screen, mesh.f, edges))
        kinked[smooth] = have_kinks(screen, mesh.f, edges, *(of(points) for of in colored), KINK * scale)
    mask = mark_pixels(screen, mesh.f, mesh.edges, kinked, planes, hidden_side, far, pixels.face_id, pixels.depth)
    marked, start, faces = gather_faces(screen, mesh.f, planes.side, hidden_side, mask)
    width = mask.shape[1]
    arrangement = arrange(screen, mesh.f, marked, start, faces, width, far)
    return AreaSamples(screen, mesh.f, marked, arrangement, width, of_whole_faces)


class AreaSamples:
    """The samples of the marked pixels of an image.

    Parameters
    ----------
    screen, f, of_whole_faces
        See `area_samples`.
    marked : (P,) int32
        Pixels, ascending.
    arrangement : Arrangement
    width : int
        Of the image.
    """

    def __init__(self, screen, f, marked, arrangement, width, of_whole_faces):
        self.screen, self.f, self.width, self.of_whole_faces = screen, f, width, of_whole_faces
        self.marked, self.arrangement = marked, arrangement
        self.place = np.searchsorted(marked, arrangement.pixel)
        self.count = len(self.place)

    @cached_property
    def pixels(self):
        """What each sample shows, as (face_id, barycentric, depth) of an image of height 1."""
        barycentric, depth = locate(self.arrangement, self.screen, self.f, self.width)
        return self.of_whole_faces((self.arrangement.face_id[None], barycentric[None], depth[None]))

    @cached_property
    def fronts(self):
        return fronts_of(self.arrangement, self.screen, self.f, self.width)

    def average(self, image, colors, background):
        """Write the marked pixels of an image, (N, C).

        Parameters
        ----------
        colors : (S, C) float64
            Of the samples.
        background : (N, C) or (1, C) float64
        """
        behind = self._behind(background)
        image[self.marked] = behind + self.mean @ (colors - behind[self.place])

    def _behind(self, background):
        return background[self.marked] if len(background) > 1 else np.repeat(background, len(self.marked), axis=0)

    def uncovered(self):
        """Share of each marked pixel that shows the background, (P,)."""
        return 1.0 - self.mean @ np.ones(self.count)

    @cached_property
    def first(self):
        """Where the samples of each pixel start, (P + 1,)."""
        return np.searchsorted(self.place, np.arange(len(self.marked) + 1))

    @cached_property
    def mean(self):
        """The sparse matrix that adds up the samples of each pixel, weighted by their areas, (P, S)."""
        return sp.csr_matrix((self.arrangement.area, np.arange(self.count), self.first),
                             shape=(len(self.marked), self.count))

    def rows(self, of_samples, channels):
        """The derivative of the marked pixels, from that of the samples' colours."""
        return MeanOfSamples(self, of_samples, channels)

    @cached_property
    def position(self):
        """u and v of the samples, (S, 2)."""
        pixel = self.arrangement.pixel
        return self.arrangement.centroid + np.column_stack([pixel % self.width, pixel // self.width])

    def motion_rows(self, view, colors, gradient, gain, drift, background, corners, num_points):
        """The derivative of the marked pixels by Y of the points, (P C, 3 points).

        Parameters
        ----------
        view : PerspectiveView
        colors, gradient, gain : (S, C), (S, C, 2), (S, C, 3) float64
            Of the samples, along the surface, and what that makes of its motion; see `surface_gradient`.
        drift : Drift or None
            Of the samples.
        background : (N, C) or (1, C) float64
        corners : (S, 3)
            Of the face that each sample shows.
        num_points : int
        """
        some, area = self.arrangement, self.arrangement.area[:, None, None]
        if drift is not None:
            gain, gradient = gain + drift.gain, gradient + drift.gradient
        swept = colors - self._behind(background)[self.place] - np.einsum("scd,sd->sc", gradient, some.centroid)
        test = np.concatenate([swept[:, :, None], gradient], axis=2)
        first_front, *fronts = view.fronts_of_points(self.fronts)
        rows = MotionOfSamples(SampleMotion(self.first, first_front, corners, self.pixels[1][0],
                                            area * view.gain_of_points(gain), test, *fronts), num_points)
        if drift is None:
            return rows
        of_samples = PixelMotion(corners, drift.corners, view.gain_of_points(drift.corner_gain), num_points)
        return rows + self.rows(of_samples, colors.shape[1])


class MotionOfSamples(LinearMap):
    """The derivative of P pixels by Y of the points, see `kernels.cpu.area_sampling.rows`.

    Parameters
    ----------
    motion : SampleMotion
    points : int
    """

    def __init__(self, motion, points):
        self.motion, self.points = motion, points
        self.channels = motion.gain.shape[1]
        super().__init__(((len(motion.first_sample) - 1) * self.channels, 3 * points))

    @cached_property
    def matrix(self):
        return sp.csr_matrix(motion_rows(self.motion), shape=self.shape)

    def apply(self, x):
        if x.ndim > 1:
            return self.matrix @ x
        return motion_forward(self.motion, np.ascontiguousarray(x).reshape(-1, 3)).ravel()

    def apply_transpose(self, y):
        if y.ndim > 1:
            return self.matrix.T @ y
        return motion_reverse(self.motion, np.ascontiguousarray(y).reshape(-1, self.channels), self.points).ravel()

    def to_sparse(self):
        return self.matrix


class MeanOfSamples(LinearMap):
    """The derivative of the colours of samples, (S C, n), as that of the means in their pixels, (P C, n).

    Parameters
    ----------
    samples : AreaSamples
    of_samples : LinearMap
    channels : int
    """

    def __init__(self, samples, of_samples, channels):
        self.samples, self.of_samples, self.channels = samples, of_samples, channels
        super().__init__((len(samples.marked) * channels, of_samples.shape[1]))

    def apply(self, x):
        each = self.of_samples.apply(x).reshape(self.samples.count, self.channels * math.prod(x.shape[1:]))
        return (self.samples.mean @ each).reshape(self.shape[:1] + x.shape[1:])

    def apply_transpose(self, y):
        each = self.samples.mean.T @ y.reshape(len(self.samples.marked), self.channels * math.prod(y.shape[1:]))
        return self.of_samples.apply_transpose(each.reshape(self.of_samples.shape[:1] + y.shape[1:]))

    def to_sparse(self):
        """The rows of the samples of a pixel, one channel at a time, one after the other: entries may occur twice."""
        matrix = self.of_samples.to_sparse()
        row = (self.samples.place[:, None] * self.channels + np.arange(self.channels)).ravel()
        order = np.argsort(row, kind="stable")
        matrix = matrix[order]
        weight = np.repeat(self.samples.arrangement.area, self.channels)[order]
        ends = matrix.indptr[np.cumsum(np.bincount(row, minlength=self.shape[0]))]
        data = matrix.data * np.repeat(weight, np.diff(matrix.indptr))
        return sp.csr_matrix((data, matrix.indices, np.append(0, ends)), shape=self.shape)


class Drift(NamedTuple):
    """How the colours of N points change that are not carried along with the surface.

    Attributes
    ----------
    gradient : (N, C, 2) float64
        Over the screen, of what is not carried along.
    gain : (N, C, 3) float64
        By the motion of the point seen, in Y.
    corners, corner_gain : (N, 3), (N, C, 3) float64
        By the motion of the corners of its face: weights, and the gain of their weighted sum.
    """

    gradient: np.ndarray
    gain: np.ndarray
    corners: np.ndarray
    corner_gain: np.ndarray


class Patched(LinearMap):
    """A map of which the rows of some pixels are those of another map.

    Parameters
    ----------
    whole : LinearMap
        Of all pixels; zero in those.
    pixels : (P,) array of int
    rows : LinearMap
        Of those pixels, with as many rows for each.
    """

    def __init__(self, whole, pixels, rows):
        self.whole, self.pixels, self.rows = whole, pixels, rows
        self.channels = rows.shape[0] // max(len(pixels), 1)
        super().__init__(whole.shape)

    @cached_property
    def places(self):
        """Rows of those pixels."""
        return (self.pixels[:, None] * self.channels + np.arange(self.channels)).ravel()

    def apply(self, x):
        y = np.array(self.whole.apply(x))
        y[self.places] = self.rows.apply(x)
        return y

    def apply_transpose(self, y):
        return self.whole.apply_transpose(y) + self.rows.apply_transpose(y[self.places])

    def to_sparse(self):
        return self._spread(self.whole.to_sparse(), self.rows.to_sparse())

    def to_sparse_after(self, other):
        return self._spread(self.whole.to_sparse_after(other), self.rows.to_sparse_after(other))

    def times_sparse(self, matrix):
        return self._spread(self.whole.times_sparse(matrix), self.rows.times_sparse(matrix))

    def times_tangent(self, tangent):
        """A `PixelTangent` with a `Patch`, if the tangent is an array and that of the whole is one."""
        whole, blocks = self.whole @ tangent, tangent.formed().blocks
        if not isinstance(whole, PixelTangent) or not all(isinstance(matrix, np.ndarray) for _, matrix in blocks):
            return super().times_tangent(tangent)
        whole.patch = Patch(self.pixels, [(self.rows @ matrix, as_slice(columns)) for columns, matrix in blocks])
        return whole

    def _spread(self, whole, rows):
        rows = sp.csr_matrix(rows)
        indptr = np.zeros(self.shape[0] + 1, rows.indptr.dtype)
        indptr[self.places + 1] = np.diff(rows.indptr)
        spread = sp.csr_matrix((rows.data, rows.indices, np.cumsum(indptr)), shape=whole.shape)
        return whole + spread if whole.nnz else spread
