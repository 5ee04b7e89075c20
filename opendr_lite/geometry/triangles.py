"""Triangles: their edges, normals, areas, angles, frames, and the volume that they enclose.

A face with corners p0, p1, p2, counterclockwise as seen from the outside, has the scaled normal

    n = (p1 - p0) × (p2 - p0),      dn = e0 × dp0 + e1 × dp1 + e2 × dp2

with e_c = p_{c+2} - p_{c+1}, the side opposite to corner c. |n| is twice the area. Where a triangle is degenerate, the
unit normal is 0 and the derivatives of what has no direction are taken as 0.
"""
import numpy as np
import scipy.sparse as sp

from .. import ch
from ..ch import Ch, depends_on, linalg
from ..ch.linear_maps import BlockDiagonal, DenseMap, FunctionMap, Selection
from ..inputs import input_points, missing
from ..kernels.cpu.normals import face_normals
from ..topology import as_faces, get_faces_per_edge
from .rows import NormalizedNx3, OnCoordinates, RescaledRows, RowLengths, Sum3xN, ndot, skew

__all__ = ["AcosTriAngles", "TriArea", "TriEdges", "TriNormals", "TriNormalsScaled", "edge_defs", "face_bases",
           "volume"]


class TriEdges(Ch):
    """v[f[:, cplus]] - v[f[:, cminus]], flat (3 F,).

    Parameters
    ----------
    f : integer array (F, n)
        Vertex indices; n is 3 for triangles, but any rows do.
    cplus, cminus : int
        Columns of `f`.
    v : (V, 3)
    """

    terms = "f", "cplus", "cminus"
    dterms = "v"

    @depends_on("f", "cplus", "cminus")
    def _difference(self, num_verts):
        rows = np.asarray(self.f)
        if rows.dtype.kind not in "iu" or rows.ndim != 2:
            raise TypeError("TriEdges: f must be an integer array (F, 3), got an array of "
                            f"{rows.dtype} of shape {rows.shape}")
        rows = rows.astype(np.int64)
        if rows.size and (rows.min() < 0 or rows.max() >= num_verts):
            raise ValueError(f"TriEdges: f must index the {num_verts} rows of v, got {rows.min()} to "
                             f"{rows.max()}")
        plus, minus = (sp.csr_matrix((np.ones(len(rows)), rows[:, c], np.arange(len(rows) + 1)),
                                     shape=(len(rows), num_verts)) for c in (self.cplus, self.cminus))
        return OnCoordinates(plus - minus)

    def compute_r(self):
        v = input_points(self, "v")
        return self._difference(len(v)).apply(v.ravel())

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return self._difference(len(input_points(self, "v")))


# ---------------------------------------------------------------------- normals

def corner_map(blocks, f, num_verts):
    """One matrix a face, `blocks` (F, p, 9), applied to the nine coordinates of its three corners."""
    coordinates = (3 * f[:, :, None] + np.arange(3)).reshape(len(f), 9)
    products = BlockDiagonal(blocks) @ Selection(coordinates, 3 * num_verts)

    def to_sparse():
        columns = np.broadcast_to(coordinates[:, None, :], blocks.shape)
        matrix = sp.csr_matrix((blocks.flatten(), columns.flatten(), np.arange(products.shape[0] + 1) * 9),
                               shape=products.shape)
        matrix.sum_duplicates()
        return matrix

    return FunctionMap(products.shape, products.apply, products.apply_transpose, to_sparse)


def opposite_sides(v, f):
    """e (F, 3, 3): e[:, c] is the side opposite to corner c, run counterclockwise."""
    p0, p1, p2 = (v.take(f[:, c], axis=0) for c in range(3))
    return np.stack((p2 - p1, p0 - p2, p1 - p0), axis=1)


def face_normal_map(sides, f, num_verts):
    """The derivative of the scaled normals with respect to the vertices."""
    return corner_map(skew(sides).transpose(0, 2, 1, 3).reshape(len(f), 3, 9), f, num_verts)


class OnFaces(Ch):
    """Base of what is computed from the corners of the faces of a mesh."""

    terms = "f"
    dterms = "v"
    term_order = "v", "f"

    @depends_on("f")
    def _faces(self, num_verts):
        return as_faces(self.f, num_verts)

    @depends_on("v", "f")
    def _mesh(self):
        """Vertices (V, 3) and faces (F, 3), checked."""
        v = input_points(self, "v")
        if not hasattr(self, "f"):
            raise missing(self, "f")
        return v, self._faces(len(v))

    @depends_on("v", "f")
    def _sides(self):
        return opposite_sides(*self._mesh)


class TriNormalsScaled(OnFaces):
    """The normals of the faces, as long as twice their areas, flat (3 F,).

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
        A face that is counterclockwise as seen by the viewer has its normal toward the viewer.
    """

    def compute_r(self):
        return face_normals(*self._mesh).ravel()

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            v, f = self._mesh
            return face_normal_map(self._sides, f, len(v))


def TriNormals(v, f):
    """The unit normals of the faces, flat (3 F,); 0 for a degenerate face. See `TriNormalsScaled`."""
    return NormalizedNx3(TriNormalsScaled(v, f))


# ---------------------------------------------------------------------- areas, angles, volume

def _vertices(v, normalize):
    return NormalizedNx3(v) if normalize else v


def TriArea(v, f, normalize=False):
    """The areas (F,) of the faces. A degenerate face has the area 0 and the derivative 0.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    normalize : bool
        Whether to put the vertices on the unit sphere first.

    Returns
    -------
    Ch
        Its `v` may be set anew.
    """
    return Ch(lambda v=v: 0.5 * RowLengths(TriNormalsScaled(_vertices(v, normalize), f)))


def AcosTriAngles(v, f, normalize=False):
    """The COSINES (3, F) of the angles at the three corners of each face, 0 next to a side of length 0.

    Parameters and result as for `TriArea`; the name is OpenDR's.
    """
    def cosines(v=v):
        v = _vertices(v, normalize)
        return ch.vstack([Sum3xN(NormalizedNx3(TriEdges(f, (c + 1) % 3, c, v))
                                 * NormalizedNx3(TriEdges(f, (c + 2) % 3, c, v))) for c in range(3)])
    return Ch(cosines)


class Volume(OnFaces):
    """|sum over faces of det(p0, p1, p2)| / 6; its derivative is the sum of p_{c+1} × p_{c+2} / 6."""

    @depends_on("v", "f")
    def _signed_and_gradient(self):
        v, f = self._mesh
        corners = v.take(f, axis=0)
        across = np.cross(np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1))
        gradient = np.stack([np.bincount(f.ravel(), weights=across[..., axis].ravel(), minlength=len(v))
                             for axis in range(3)], axis=1)
        return np.sum(corners[:, 0] * across[:, 0]) / 6, gradient / 6

    def compute_r(self):
        return np.abs(self._signed_and_gradient[0])

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            signed, gradient = self._signed_and_gradient
            return DenseMap(np.sign(signed) * gradient.reshape(1, -1))


def volume(v, f):
    """The volume that a closed, consistently wound mesh encloses, a node with one entry."""
    return Volume(v=v, f=f)


# ---------------------------------------------------------------------- frames and deformation

def face_bases(v, f):
    """Frames (F, 3, 3) of the faces, with rows p1 - p0, p2 - p0 and n / √|n|.

    The three scale alike (R. Sumner and J. Popović, Deformation transfer for triangle meshes, 2004, eq. 1).
    """
    normal = RescaledRows(TriNormalsScaled(v, f), 0.5)
    rows = [row.reshape(-1, 1, 3) for row in (TriEdges(f, 1, 0, v), TriEdges(f, 2, 0, v), normal)]
    return ch.concatenate(rows, axis=1)


def edge_defs(v, f):
    """B_a B_b⁻¹ (E, 3, 3) for the frames B (`face_bases`) of the two faces a < b on each inner edge.

    Edges are in the order of `get_vertices_per_edge`; those on a border are left out. A degenerate face has
    no inverse and raises numpy.linalg.LinAlgError.
    """
    v = ch.as_node(v)
    faces = get_faces_per_edge(v.size // 3, f)
    faces = faces[faces[:, 1] >= 0]
    bases = face_bases(v, f)
    return ndot(bases[faces[:, 0]], linalg.inv(bases[faces[:, 1]]))
