"""What can be wrong with a mesh that looks right in its silhouettes: folds, slivers, needles.

A *fold* is an edge at which the surface turns back on itself: the normals of two of its faces are more than 120°
apart.

A *sliver* is a face with a small angle.

A *needle* is a vertex that stands out of its surroundings like the tip of a spike. Its ring, the vertices that it is
joined to, has a middle m and, about m, three principal deviations; of a circle of radius r they are r/√2, r/√2, 0. With
s the second of them, the ring is w = 2√2 s wide, and the slenderness of the vertex x is

    |x - m| / w

0 in a plane, 0.35 at the corner of a cube, 1 at the tip of a cone that is as high as it is wide. A needle exceeds 1: it
is longer than its ring is wide. Images do not show it where it falls between the centres of their pixels.
"""
from typing import NamedTuple

import numpy as np

from ..losses import flatten_residuals, laplacian_residuals
from ..topology import get_vertices_per_edge
from .arrays import vertices_and_faces

__all__ = ["MeshQuality", "corner_angles", "dihedral_cosines", "mesh_quality", "ring_widths", "slenderness"]

FOLD = -0.5  # cosine between the normals of two faces below which their edge is folded
NEEDLE = 1.0


class MeshQuality(NamedTuple):
    """What `mesh_quality` finds. As a string it is a sentence.

    Attributes
    ----------
    vertices, faces : int
    folds : int
        Edges whose faces have normals more than 120° apart.
    smallest_angle : float
        Of a triangle, in degrees.
    needles : int
        Vertices farther from the middle of their ring than the ring is wide.
    """

    vertices: int
    faces: int
    folds: int
    smallest_angle: float
    needles: int

    def __str__(self):
        return (f"{self.vertices} vertices, {self.folds} folded edges, "
                f"smallest angle {self.smallest_angle:.1f} degrees, {self.needles} needles")


def mesh_quality(mesh):
    """Count the folds and needles of a mesh, and find its smallest angle.

    Parameters
    ----------
    mesh : Mesh
        Or anything with attributes `v` and `f`.

    Returns
    -------
    MeshQuality

    Examples
    --------
    >>> from opendr_lite.primitives import cube
    >>> print(mesh_quality(cube()))
    8 vertices, 0 folded edges, smallest angle 45.0 degrees, 0 needles
    """
    return MeshQuality(len(mesh.v), len(mesh.f), int(np.count_nonzero(dihedral_cosines(mesh) < FOLD)),
                       float(np.degrees(corner_angles(mesh).min())),
                       int(np.count_nonzero(slenderness(mesh) > NEEDLE)))


def corner_angles(mesh):
    """The angles (F, 3) at the corners of the faces, in radians; 0 next to a side of length 0."""
    v, f = vertices_and_faces(mesh)
    corners = v[f]
    ahead, behind = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    return np.arctan2(np.linalg.norm(np.cross(ahead, behind), axis=2), np.sum(ahead * behind, axis=2))


def dihedral_cosines(mesh):
    """The cosine of the angle between the normals of two faces with a common edge: 1 in a plane, -1 at a fold.

    Returns
    -------
    (H,) float64
        For every edge with two faces, in lexicographic order; see `losses.hinges` for others.
    """
    return 1.0 - flatten_residuals(*vertices_and_faces(mesh)).r


def slenderness(mesh):
    """Of every vertex, its distance from the middle of its ring, relative to the ring's width.

    Returns
    -------
    (V,) float64
        0 for vertices without neighbours; inf where the ring has no width.
    """
    v, f = vertices_and_faces(mesh)
    height, width = np.linalg.norm(laplacian_residuals(v, f).r, axis=1), ring_widths(mesh)
    return np.divide(height, width, out=np.where(height > 0.0, np.inf, 0.0), where=width > 0.0)


def ring_widths(mesh):
    """Of every vertex, the width of its ring, (V,) float64; 0 for vertices without neighbours."""
    v, f = vertices_and_faces(mesh)
    a, b = get_vertices_per_edge(len(v), f).T
    centre, offset = np.concatenate((a, b)), np.concatenate((v[b] - v[a], v[a] - v[b]))
    offset -= laplacian_residuals(v, f).r[centre]
    spread = np.zeros((len(v), 3, 3))
    np.add.at(spread, centre, offset[:, :, None] * offset[:, None])
    valence = np.maximum(np.bincount(centre, minlength=len(v)), 1)
    second = np.linalg.eigvalsh(spread / valence[:, None, None])[:, 1]
    return np.sqrt(8.0 * np.maximum(second, 0.0))
