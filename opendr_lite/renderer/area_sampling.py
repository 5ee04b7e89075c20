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
import numpy as np
import scipy.sparse as sp

from ..ch.linear_maps import LinearMap, SparseMap
from ..kernels.cpu.area_sampling.arrangement import arrange
from ..kernels.cpu.area_sampling.gather import gather_faces
from ..kernels.cpu.area_sampling.marks import mark_pixels
from ..kernels.cpu.area_sampling.planes import planes_of_faces
from ..kernels.cpu.surface_gradient import gain_of_motion

__all__ = ["AreaSamples", "Mesh", "Patched", "area_samples"]

KINK = 5e-4  # least change of a pixel, of the range of its colours, for which an edge between faces in view is sampled


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


def area_samples(screen, mesh, pixels, colors_at=None, scale=1.0):
    """The `AreaSamples` of an image.

    Parameters
    ----------
    screen : (V, 3) float64
    mesh : Mesh
    pixels : Pixels
        What is seen at the centres.
    colors_at : callable, optional
        Takes what points of the screen show, as `Pixels` of an image of height 1, and gives their colours (n, C) and the
        gradients of these (n, C, 2). By default one colour everywhere.
    scale : float
        Range of the colours.
    """
    planes = planes_of_faces(screen, mesh.f)
    sides = np.unique(planes.side[pixels.face_id[pixels.face_id >= 0]])
    hidden_side = -int(sides[0]) if mesh.is_closed and len(sides) == 1 else 0
    kinked = np.zeros(len(mesh.edges), bool)
    if colors_at is not None:
        _find_kinks(screen, mesh, planes.side, hidden_side, colors_at, KINK * scale, kinked)
    mask = mark_pixels(screen, mesh.f, mesh.edges, kinked, planes, hidden_side, pixels.face_id, pixels.depth)
    marked, start, faces = gather_faces(screen, mesh.f, planes.side, hidden_side, mask)
    return AreaSamples(marked, arrange(screen, mesh.f, marked, start, faces, mask.shape[1]), mask.shape)


def _find_kinks(screen, mesh, side, hidden_side, colors_at, tolerance, kinked):
    """Edges at which a pixel may change by more than `tolerance` if it is not sampled at its centre but on its area.

    That is the jump of the gradient there, times the distance from the edge over which the steeper face has it, a pixel
    at most, by 8. If the colours themselves jump, it is a seam.
    """
    a, b, i, j = mesh.edges.T
    at = np.flatnonzero((j >= 0) & (side[i] == side[j]) & (side[i] != 0) & (side[i] != hidden_side))
    if not at.size:
        return
    a, b, faces = a[at], b[at], mesh.edges[at, 2:].T
    corners = mesh.f[faces]  # (2, n, 3)
    on_edge = (corners == a[:, None]) | (corners == b[:, None])
    depth = np.tile(0.5 * (screen[a, 2] + screen[b, 2]), 2)[None]
    colors, gradient = colors_at((faces.reshape(1, -1), 0.5 * on_edge.reshape(1, -1, 3), depth))
    jump = np.abs(np.subtract(*np.split(colors, 2))).max(axis=1)
    of_gradient = np.subtract(*np.split(gradient, 2))
    steepness = np.square(gradient).sum(axis=2).max(axis=1).reshape(2, -1)
    along = screen[b, :2] - screen[a, :2]
    opposite = np.take_along_axis(corners, np.argmin(on_edge, axis=2)[:, :, None], axis=2)[:, :, 0]
    to_opposite = screen[opposite, :2] - screen[a, :2]
    width = np.abs(along[:, 0] * to_opposite[..., 1] - along[:, 1] * to_opposite[..., 0]) / np.maximum(
        np.hypot(*along.T), 1e-300)
    width = np.where(steepness[0] > steepness[1], width[0], width[1])
    change = np.sqrt(np.square(of_gradient).sum(axis=2)).max(axis=1) * np.minimum(width, 1.0) / 8.0
    kinked[at] = (change > tolerance) | (jump > tolerance)


class AreaSamples:
    """The samples of the marked pixels of an image.

    Parameters
    ----------
    marked : (P,) int32
        Pixels, ascending.
    arrangement : Arrangement
    size : (height, width)
    """

    def __init__(self, marked, arrangement, size):
        self.marked, self.size = marked, size
        self.arrangement = arrangement
        self.place = np.searchsorted(marked, arrangement.pixel)

    @property
    def pixels(self):
        """What each sample shows, as (face_id, barycentric, depth) of an image of height 1."""
        some = self.arrangement
        return some.face_id[None], some.barycentric[None], some.depth[None]

    @property
    def count(self):
        return len(self.arrangement.pixel)

    @property
    def offset(self):
        """From the centre of the pixel, (S, 2)."""
        pixel = self.arrangement.pixel
        return self.arrangement.position - np.column_stack([pixel % self.size[1], pixel // self.size[1]])

    def _sums(self, channels):
        """The sparse matrix that averages samples in their pixels, (P C, S C)."""
        each = (self.arrangement.area, self.place, np.arange(self.count + 1))
        sums = sp.csr_matrix(each, shape=(self.count, len(self.marked))).T
        return sp.csr_matrix(sp.kron(sums, sp.identity(channels)))

    def average(self, image, colors, background):
        """Write the marked pixels of an image, (N, C).

        Parameters
        ----------
        colors : (S, C) float64
            Of the samples.
        background : (N, C) or (1, C) float64
        """
        behind = self._behind(background)
        beyond = colors - behind[self.place]
        total = np.zeros_like(behind)
        np.add.at(total, self.place, self.arrangement.area[:, None] * beyond)
        image[self.marked] = behind + total

    def _behind(self, background):
        return background[self.marked] if len(background) > 1 else np.repeat(background, len(self.marked), axis=0)

    def uncovered(self):
        """Share of each marked pixel that shows the background, (P,)."""
        return 1.0 - np.bincount(self.place, self.arrangement.area, minlength=len(self.marked))

    def rows(self, of_samples, channels):
        """The derivative of the marked pixels, from that of the samples' colours."""
        return SparseMap(self._sums(channels) @ of_samples.to_sparse())

    def motion_rows(self, colors, gradient, background, corners, num_points):
        """The derivative of the marked pixels by Y of the points, (P C, 3 points).

        Parameters
        ----------
        colors, gradient : (S, C), (S, C, 2) float64
            Of the samples, and along the surface.
        background : (N, C) or (1, C) float64
        corners : (S, 3)
            Of the face that each sample shows.
        num_points : int
        """
        some, channels = self.arrangement, colors.shape[1]
        swept = (colors - self._behind(background)[self.place] - np.einsum("scd,sd->sc", gradient, self.offset))
        test = np.concatenate([swept[:, :, None], gradient], axis=2)
        pull = np.einsum("tcq,tq->tc", test[some.front_sample], some.spread)
        of_fronts = _matrix(self.place[some.front_sample], some.front_vertex, pull[:, :, None] * some.direction[:, None],
                            len(self.marked), num_points)
        gain = gain_of_motion(gradient, some.position, some.depth) * some.area[:, None, None]
        entries = some.barycentric[:, :, None, None] * gain[:, None]
        of_surface = _matrix(np.repeat(self.place, 3), corners.ravel(), entries.reshape(-1, channels, 3),
                             len(self.marked), num_points)
        return SparseMap(of_fronts + of_surface)


def _matrix(rows, points, blocks, num_rows, num_points):
    """The sparse matrix with the sum of all blocks (n, C, 3) that are given for a row and a point."""
    _, channels, size = blocks.shape
    row = np.broadcast_to((rows[:, None] * channels + np.arange(channels))[:, :, None], blocks.shape)
    column = np.broadcast_to((points[:, None] * size + np.arange(size))[:, None], blocks.shape)
    return sp.csr_matrix((blocks.ravel(), (row.ravel(), column.ravel())),
                         shape=(num_rows * channels, num_points * size))


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

    @property
    def places(self):
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

    def _spread(self, whole, rows):
        rows = sp.csr_matrix(rows)
        indptr = np.zeros(self.shape[0] + 1, rows.indptr.dtype)
        indptr[self.places + 1] = np.diff(rows.indptr)
        return whole + sp.csr_matrix((rows.data, rows.indices, np.cumsum(indptr)), shape=whole.shape)
