"""Subdivision: every face becomes four, and new vertices are weighted sums of the old ones, v' = W v.

W depends on the faces alone, so dv' = W dv. The rules are matrices in `topology`: "midpoint" leaves the surface as it
is, "loop" makes it smooth.
"""
from numbers import Integral

import numpy as np
import scipy.sparse as sp

from ..ch import Ch, depends_on
from ..geometry.rows import OnCoordinates
from ..inputs import input_points, missing
from ..serialization.mesh import Mesh
from ..topology import as_faces, loop_weights, midpoint_weights
from .parts import indexed

__all__ = ["Subdivided", "subdivide", "subdivision"]

RULES = {"midpoint": midpoint_weights, "loop": loop_weights}


def subdivision(num_verts, f, levels=1, rule="midpoint"):
    """The matrix and the faces of a subdivided mesh.

    Parameters
    ----------
    num_verts : int
    f : integer array (F, 3)
    levels : int
        How many times every face becomes four.
    rule : str
        "midpoint" or "loop".

    Returns
    -------
    weights : csr_matrix (W, V)
        ``weights @ v`` is the vertices of the new mesh; the first V stand for the old ones.
    faces : uint32 array (4^levels F, 3)
        Face i has become faces 4^levels i and those after it, wound like it.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(map(repr, RULES))}, got {rule!r}")
    if not isinstance(levels, Integral) or levels < 0:
        raise ValueError(f"levels must be a whole number, not negative; got {levels!r}")
    weights, faces = sp.identity(num_verts, format="csr"), as_faces(f, num_verts).astype(np.uint32)
    for _ in range(levels):
        step, faces = RULES[rule](weights.shape[0], faces)
        weights = step @ weights
    return weights, faces


class Subdivided(Ch):
    """The vertices (W, 3) of a subdivided mesh.

    Parameters
    ----------
    v : (V, 3)
        Vertices, or colours of vertices.
    f : integer array (F, 3)
    levels, rule
        See `subdivision`.
    """

    terms = "f", "levels", "rule"
    dterms = "v"
    term_order = "v", "f", "levels", "rule"
    initial_values = {"levels": 1, "rule": "midpoint"}

    @depends_on("f", "levels", "rule")
    def _scheme(self, num_verts):
        if not hasattr(self, "f"):
            raise missing(self, "f")
        return subdivision(num_verts, self.f, self.levels, self.rule)

    @property
    def faces(self):
        """The faces (4^levels F, 3) of the subdivided mesh, uint32."""
        return self._scheme(len(input_points(self, "v")))[1]

    def compute_r(self):
        v = input_points(self, "v")
        return self._scheme(len(v))[0] @ v

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return OnCoordinates(self._scheme(len(input_points(self, "v")))[0])


def subdivide(mesh, levels=1, rule="midpoint"):
    """A mesh subdivided, with its colours, groups and texture.

    Parameters
    ----------
    mesh : Mesh or the like
    levels, rule
        See `subdivision`. Texture points follow "midpoint" in any case. Normals are left out.

    Returns
    -------
    Mesh
    """
    mesh = indexed(mesh)
    weights, faces = subdivision(len(mesh.v), mesh.f, levels, rule)
    children = 4 ** levels
    if mesh.vt is not None:
        vt_weights, ft = subdivision(len(mesh.vt), mesh.ft, levels)
        mesh.vt, mesh.ft = vt_weights @ mesh.vt, ft
    mesh.v, mesh.f, mesh.vn, mesh.fn = weights @ mesh.v, faces, None, None
    mesh.vc = None if mesh.vc is None else weights @ mesh.vc
    mesh.fc = None if mesh.fc is None else np.repeat(mesh.fc, children, axis=0)
    if mesh.groups is not None:
        mesh.groups = {name: (children * group[:, None] + np.arange(children)).ravel()
                       for name, group in mesh.groups.items()}
    return Mesh.of(mesh)
