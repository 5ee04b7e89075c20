"""Normals of vertices.

A vertex normal is the sum m_i of the scaled normals of the faces around vertex i (see `triangles`), rescaled (see
`rows`), so that

    dm_i = sum_j w_ij × dp_j,       w_ij = sum of e over the faces that have both i and j

where e is the side opposite to j, and j runs over i and its neighbours: a fixed sparsity, found once for each array of
faces.
"""
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from ..ch import depends_on
from ..ch.linear_maps import BlockDiagonal, FunctionMap
from ..kernels.cpu.normals import face_normals, sums_of_rows
from .rows import OnCoordinates, rescaled, rescaling_blocks
from .triangles import OnFaces, face_normal_map

__all__ = ["VertNormals"]


class Rings:
    """The faces and the vertices around each vertex of a mesh.

    Attributes
    ----------
    sum : OnCoordinates
        Takes a vector for each face to their sums around each vertex.
    num_faces : ndarray (V,)
        Faces around each vertex.
    """

    def __init__(self, f, num_verts):
        self.f, self.num_verts = f, num_verts
        corner = np.arange(f.size)
        self.sum = OnCoordinates(sp.csr_matrix((np.ones(f.size), (f.ravel(), corner // 3)),
                                               shape=(num_verts, len(f))))
        self.num_faces = np.bincount(f.ravel(), minlength=num_verts)

    @cached_property
    def _pattern(self):
        """For the pairs (i, j) that share a face, i = j too: i, sides to w_ij, csr order and structure."""
        f, n = self.f, max(self.num_verts, 1)
        keys, pair = np.unique(f[:, :, None] * n + f[:, None, :], return_inverse=True)
        first, second = np.divmod(keys, n)
        opposite_corner = np.broadcast_to(np.arange(f.size).reshape(-1, 1, 3), (len(f), 3, 3))
        sides = sp.csr_matrix((np.ones(9 * len(f)), (pair.ravel(), opposite_corner.ravel())),
                              shape=(len(keys), f.size))
        entries_per_row = np.repeat(3 * np.bincount(first, minlength=self.num_verts), 3)
        indptr = np.concatenate(([0], np.cumsum(entries_per_row)))
        # Entry (pair, r, c) of the blocks stands in row 3 i + r, after the pairs of i that come before.
        position = np.arange(9 * len(keys)).reshape(-1, 3, 3)
        row = np.broadcast_to(3 * first[:, None, None] + np.arange(3)[:, None], position.shape)
        order = position.ravel()[np.argsort(row, axis=None, kind="stable")]
        column = np.broadcast_to(3 * second[:, None, None] + np.arange(3), position.shape).ravel()[order]
        return first, sides, order, column.astype(np.int32), indptr.astype(np.int32)

    def normal_map(self, blocks, sides):
        """dp -> blocks_i sum_j w_ij × dp_j: face by face in products, pair by pair as a matrix."""
        products = BlockDiagonal(blocks) @ (self.sum @ face_normal_map(sides, self.f, self.num_verts))

        def to_sparse():
            first, sum_sides, order, indices, indptr = self._pattern
            w = sum_sides @ sides.reshape(-1, 3)
            entries = np.cross(blocks.take(first, axis=0), w[:, None, :])
            return sp.csr_matrix((entries.ravel()[order], indices, indptr), shape=products.shape, copy=True)

        return FunctionMap(products.shape, products.apply, products.apply_transpose, to_sparse)


class VertNormals(OnFaces):
    """Normals (V, 3) of the vertices: the sum of the normals of the faces around, weighted by area, rescaled.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
        Counterclockwise as seen from the outside for normals that point outward.
    normalized : bool
        True for unit length. False for the mean of the scaled face normals over the square root of its
        length: about as long as the edges around.

    Notes
    -----
    A vertex without faces, or whose face normals cancel, has the normal 0 and the derivative 0.
    """

    terms = "f", "normalized"
    term_order = "v", "f", "normalized"
    initial_values = {"normalized": True}

    @depends_on("f")
    def _rings_of(self, num_verts):
        return Rings(self._faces(num_verts), num_verts)

    @depends_on("v", "f", "normalized")
    def _before_rescaling(self):
        """The rings, the sum (or mean) of the scaled face normals, their weights, the power of the length."""
        rings = self._rings_of(len(self._mesh[0]))
        total = sums_of_rows(rings.sum.matrix, face_normals(*self._mesh))
        if self.normalized:
            return rings, total, 1.0, 1.0
        weight = 1.0 / np.maximum(rings.num_faces, 1)[:, None]
        return rings, total * weight, weight[:, :, None], 0.5

    def compute_r(self):
        _, mean, _, power = self._before_rescaling
        return rescaled(mean, power)

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            rings, mean, weight, power = self._before_rescaling
            return rings.normal_map(rescaling_blocks(mean, power) * weight, self._sides)
