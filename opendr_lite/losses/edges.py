"""Edges and their lengths.

    |e_ij| - l,   e_ij = v_j - v_i,   d|e| = e·de / |e|

Where two vertices meet, |e| has no derivative; it is taken as 0.
"""
import numpy as np

from .. import ch
from ..geometry.rows import RowLengths
from ..geometry.triangles import TriEdges
from ..topology import get_vertices_per_edge
from .meshes import checked_mesh

__all__ = ["edge_length_residuals", "edge_residuals", "mesh_edge_loss"]


def edge_residuals(v, f):
    """Residuals (E, 3) whose sum of squares is the mean square of the edges' lengths: the edges over √E.

    `mesh_edge_loss` with the target 0, and linear in v.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)

    Returns
    -------
    Ch (E, 3)
        In the order of `topology.get_vertices_per_edge`.
    """
    edges = _edges(*checked_mesh(v, f))
    return (edges / np.sqrt(edges.size // 3)).reshape(-1, 3)


def edge_length_residuals(v, f, target_length=0.0):
    """Residuals (E,) whose sum of squares is `mesh_edge_loss`: (|e| - target_length) / √E.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    target_length : float or array_like (E,)
        Not negative. One for all, or one for each edge in the order of `topology.get_vertices_per_edge`, such as
        those of a mesh at rest. For 0, `edge_residuals` has the same sum and is linear.
    """
    lengths = RowLengths(_edges(*checked_mesh(v, f)))
    target = np.asarray(target_length, dtype=np.float64)
    if target.shape not in ((), lengths.shape):
        raise ValueError(f"target_length must be a number, or one for each of the {lengths.size} edges; got shape "
                         f"{target.shape}")
    if not (np.isfinite(target).all() and (target >= 0).all()):
        raise ValueError(f"target_length must be finite and not negative; got {target_length!r:.80}")
    return (lengths - target) / np.sqrt(lengths.size)


def mesh_edge_loss(v, f, target_length=0.0):
    """The mean of (|e| - target_length)² over the edges, one number, under PyTorch3D's name.

    Parameters as for `edge_length_residuals`.
    """
    return ch.SumOfSquares(edge_length_residuals(v, f, target_length))


def _edges(v, f):
    pairs = get_vertices_per_edge(len(v), f)
    if not len(pairs):
        raise ValueError("f has no edges: each of its faces is a single vertex")
    return TriEdges(pairs, 1, 0, v)
