"""Points on the surface of a mesh.

A point of a face with corners p_k has the barycentric coordinates b_k, which stay while the vertices move:

    x = Σ b_k p_k        dx = Σ b_k dp_k

Points are even on the surface where faces are drawn in proportion to their areas, and where on a face, of two uniform
numbers s and t, b = (1 - √s, √s (1 - t), √s t) (R. Osada et al., Shape distributions, 2002, eq. 1).
"""
from numbers import Integral

import numpy as np
import scipy.sparse as sp

from ..ch import Ch, as_node, depends_on
from ..geometry.rows import NormalizedNx3, OnCoordinates
from ..geometry.triangles import TriNormalsScaled
from ..inputs import input_points, missing
from ..kernels.cpu.normals import face_normals
from ..topology import as_faces

__all__ = ["SurfacePoints", "sample_points"]


class SurfacePoints(Ch):
    """Points (N, 3) that are fixed to the faces of a mesh.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    face : integer array (N,)
        The face that each point is on.
    barycentric : array (N, 3)
        Its weights for the three corners, which sum to 1. Weights that are negative lie beyond the sides.
    """

    terms = "f", "face", "barycentric"
    dterms = "v"
    term_order = "v", "f", "face", "barycentric"

    @depends_on("f", "face", "barycentric")
    def _weights(self, num_verts):
        """The matrix (N, V) that takes vertices to points."""
        for name in self.terms:
            if not hasattr(self, name):
                raise missing(self, name)
        face, barycentric = np.asarray(self.face), np.asarray(self.barycentric, dtype=np.float64)
        f = as_faces(self.f, num_verts)
        if face.ndim != 1 or face.dtype.kind not in "iu":
            raise TypeError(f"face must be an integer array (N,), got {face.dtype} of shape {face.shape}")
        if face.size and not 0 <= face.min() <= face.max() < len(f):
            raise ValueError(f"face must index the {len(f)} faces, got {face.min()} to {face.max()}")
        if barycentric.shape != (face.size, 3):
            raise ValueError(f"barycentric must have shape ({face.size}, 3), a row for each entry of face; got "
                             f"{barycentric.shape}")
        if not np.isfinite(barycentric).all() or not np.allclose(barycentric.sum(axis=1), 1, rtol=0, atol=1e-6):
            raise ValueError("barycentric must have rows that are finite and sum to 1")
        return sp.csr_matrix((barycentric.ravel(), f[face].ravel(), 3 * np.arange(face.size + 1)),
                             shape=(face.size, num_verts))

    def compute_r(self):
        v = input_points(self, "v")
        return self._weights(len(v)) @ v

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return OnCoordinates(self._weights(len(input_points(self, "v"))))

    @depends_on("v", "f", "face")
    def normals(self):
        """The unit normals (N, 3) of the faces at the points, a node."""
        return NormalizedNx3(TriNormalsScaled(self.v, np.asarray(self.f)[self.face])).reshape((-1, 3))

    def of(self, attribute):
        """What `attribute` (V, 3), such as colours or vertex normals, is at the points: a node."""
        return SurfacePoints(attribute, self.f, self.face, self.barycentric)


def sample_points(v, f, count, seed=0):
    """Points at random places of a mesh, even on its surface.

    Parameters
    ----------
    v : node or array_like (V, 3)
        Its value now decides about the places; the points then move with the vertices.
    f : integer array (F, 3)
    count : int
    seed : int or numpy.random.Generator

    Returns
    -------
    SurfacePoints
        A node (count, 3), with the nodes `normals` and `of(attribute)`, and `face` and `barycentric`.

    Raises
    ------
    ValueError
        If the mesh has no area.
    """
    if not isinstance(count, Integral) or count < 0:
        raise ValueError(f"count must be a whole number, not negative; got {count!r}")
    points = SurfacePoints(as_node(v), f)
    v = input_points(points, "v")
    areas = np.linalg.norm(face_normals(v, as_faces(f, len(v))), axis=1)
    if not areas.any():
        raise ValueError(f"the mesh has no area to sample points on: {len(areas)} faces, all of area 0")
    random = np.random.default_rng(seed)
    until = np.cumsum(areas)
    last = np.flatnonzero(areas)[-1]                  # which all that is beyond the others falls on, also by rounding
    points.face = np.searchsorted(until[:last], until[-1] * random.random(count), side="right")
    s, t = random.random((2, count))
    root = np.sqrt(s)
    points.barycentric = np.stack((1 - root, root * (1 - t), root * t), axis=1)
    return points
