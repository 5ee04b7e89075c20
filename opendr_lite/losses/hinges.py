"""How a mesh bends at its edges.

A hinge is an edge with two of its faces. With their unit normals n_1 and n_2, turned so that they agree where the faces
lie in one plane, the hinge is bent by the angle θ between them:

    1 - cos θ = 1 - n_1·n_2 = |n_1 - n_2|² / 2

and with dn as in `geometry`, d(1 - cos θ) = -n_2·dn_1 - n_1·dn_2. Which way the faces are wound does not matter. A
border has no hinge; an edge with k faces has one for each pair of them. A face without area has the normal 0: its
hinges have 1 - cos θ = 1, and derivative 0.

Soft Rasterizer's cosine is that of the angle between the faces, cos(π - θ) = -cos θ.
"""
import numpy as np
import scipy.sparse as sp

from .. import ch
from ..geometry.rows import OnCoordinates, Sum3xN
from ..geometry.triangles import TriNormals
from ..topology import get_half_edges
from .meshes import CombinedPoints, checked_mesh

__all__ = ["flatten_loss", "flatten_residuals", "mesh_normal_consistency",
           "normal_consistency_residuals"]


def find_hinges(f, num_verts):
    """Pairs of faces that share an edge, and whether they are wound alike.

    Faces that use a vertex twice are left out.

    Parameters
    ----------
    f : integer array (F, 3)
    num_verts : int

    Returns
    -------
    first, second : int array (H,)
        Faces, ordered by edge.
    alike : bool array (H,)
    """
    proper = np.flatnonzero((f != np.roll(f, -1, axis=1)).all(axis=1))
    edge, face, forward = get_half_edges(num_verts, f[proper])
    order = np.argsort(edge, kind="stable")
    edge, face, forward = edge[order], proper[face[order]], forward[order]
    pairs = []
    for apart in range(1, len(edge)):
        near = np.flatnonzero(edge[apart:] == edge[:-apart])
        if not len(near):
            break
        pairs.append(np.stack((near, near + apart)))
    first, second = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.intp)
    by_edge = np.lexsort((second, first))
    first, second = first[by_edge], second[by_edge]
    return face[first], face[second], forward[first] != forward[second]


def _hinges(v, f):
    """Unit normals, a node (F, 3), and the hinges of a checked mesh, at least one."""
    v, f = checked_mesh(v, f)
    hinges = find_hinges(f, len(v))
    if not len(hinges[0]):
        raise ValueError("the mesh must have two faces that share an edge: without any there is nothing to bend")
    return TriNormals(v, f).reshape(-1, 3), hinges


def flatten_residuals(v, f):
    """1 - cos θ (H,) of each hinge: residuals whose sum of squares is `flatten_loss`.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    """
    normals, (first, second, alike) = _hinges(v, f)
    sign = np.where(alike, 1.0, -1.0)
    return 1.0 - sign * Sum3xN(normals[first] * normals[second])


def flatten_loss(v, f):
    """The sum of (cos(π - θ) + 1)² over the hinges, one number: the `FlattenLoss` of Soft Rasterizer.

    The original adds 1e-6 to squares of lengths before it divides by them. Here nothing is added.
    """
    return ch.SumOfSquares(flatten_residuals(v, f))


def normal_consistency_residuals(v, f):
    """Residuals (H, 3) whose sum of squares is `mesh_normal_consistency`: (n_1 - n_2) / √(2 H).

    Next to a face without area the square is half of what that face counts in `mesh_normal_consistency`.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    """
    normals, (first, second, alike) = _hinges(v, f)
    count = len(first)
    entries = np.concatenate((np.ones(count), np.where(alike, -1.0, 1.0))) / np.sqrt(2 * count)
    difference = sp.csr_matrix((entries, (np.tile(np.arange(count), 2), np.concatenate((first, second)))),
                               shape=(count, len(normals)))
    return CombinedPoints(normals, OnCoordinates(difference))


def mesh_normal_consistency(v, f):
    """The mean of 1 - cos θ over the hinges, one number, under PyTorch3D's name.

    Parameters as for `normal_consistency_residuals`.
    """
    return ch.mean(flatten_residuals(v, f))
