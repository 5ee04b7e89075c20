"""Clipping of triangles at the near plane.

A triangle with one corner behind the plane z = near leaves a quadrilateral, cut into two triangles; with two
corners behind it leaves one triangle (Sutherland and Hodgman, "Reentrant polygon clipping", 1974). The
corners that this makes lie on edges a -> b, a < b, at

    x = (1 - s) a + s b,    s = (near - a_z) / (b_z - a_z)

once for each edge, so both faces of the edge share the very same point. What is on a clipped triangle is mapped back
to its parent by the barycentric coordinates of its corners there, and this map is linear, because perspective-correct
barycentric coordinates are.
"""
from typing import NamedTuple

import numpy as np

from ..threads import run_bands, split
from .jit import kernel

# Triangles that are left of a face, each corner as the edge (p, q) of the face that it lies on, p = q at a
# corner. Corner 0 is the one that is alone on its side of the plane; the winding stays.
ONE_IN_FRONT = np.array([[[0, 0], [0, 1], [0, 2]]])
TWO_IN_FRONT = np.array([[[1, 1], [2, 2], [2, 0]], [[1, 1], [2, 0], [0, 1]]])

ROWS_PER_BAND = 16


class ClippedMesh(NamedTuple):
    """What the near plane leaves of a mesh with V vertices, F faces.

    Attributes
    ----------
    faces : (F', 3) int32
        Indices into the V old vertices followed by the N new ones.
    parent : (F',) int32
        The face that each was cut from, ascending.
    new_vertices : (N, 2) int32
        The edge (a, b) that each new vertex lies on, a < b.
    weight : (N,) float64
        s of each new vertex `(1 - s) * v[a] + s * v[b]`.
    corner_weights : (F', 3, 3) float64
        Barycentric coordinates of the corners in the parent: the face's corner k is `corner_weights[:, k]`.
    """

    faces: np.ndarray
    parent: np.ndarray
    new_vertices: np.ndarray
    weight: np.ndarray
    corner_weights: np.ndarray


def clip_near(v_cam, f, near):
    """Cut off what is nearer than the near plane.

    Parameters
    ----------
    v_cam : (V, 3) float64
        Vertices in camera space.
    f : (F, 3) int32
    near : float
        Depth of the plane, positive; a vertex at this depth is in front.

    Returns
    -------
    ClippedMesh, or None if no face has a corner behind the plane, so that the mesh can be drawn as it is.
    """
    behind = v_cam[:, 2] < near
    if not behind.any():
        return None
    behind = behind[f]
    num_behind = behind.sum(axis=1)
    if not num_behind.any():
        return None

    whole = np.flatnonzero(num_behind == 0)
    one, two = np.flatnonzero(num_behind == 2), np.flatnonzero(num_behind == 1)
    ends = np.concatenate([_edges_of_pieces(~behind[one], ONE_IN_FRONT),
                           _edges_of_pieces(behind[two], TWO_IN_FRONT)])
    cut = np.concatenate([one, np.repeat(two, 2)])
    faces, new_vertices, weight, corner_weights = _cut(v_cam, f[cut], ends, near)

    parent = np.concatenate([whole, cut])
    order = np.argsort(parent, kind="stable")
    identity = np.broadcast_to(np.eye(3), (len(whole), 3, 3))
    return ClippedMesh(
        faces=np.concatenate([f[whole], faces])[order].astype(np.int32),
        parent=parent[order].astype(np.int32),
        new_vertices=new_vertices,
        weight=weight,
        corner_weights=np.concatenate([identity, corner_weights])[order],
    )


def extend_vertices(values, clipped):
    """Values at the vertices, (V, K), followed by their interpolation at the new vertices, (V + N, K)."""
    a, b = clipped.new_vertices.T
    s = clipped.weight[:, None]
    return np.concatenate([values, (1.0 - s) * values[a] + s * values[b]])


def to_parents(face_id, barycentric, clipped):
    """Pixels of the clipped mesh as pixels of the mesh that it was cut from.

    Parameters
    ----------
    face_id : (height, width) int32
        Faces of the clipped mesh, -1 where there is none.
    barycentric : (height, width, 3) float64
    clipped : ClippedMesh

    Returns
    -------
    face_id, barycentric
        Of the same shapes, in the faces of the original mesh.
    """
    parent_id = np.empty_like(face_id)
    weights = np.empty_like(barycentric)
    run_bands(_to_parents_rows, split(len(face_id), least=ROWS_PER_BAND),
              face_id, barycentric, clipped.parent, clipped.corner_weights, parent_id, weights)
    return parent_id, weights


def _edges_of_pieces(alone, pieces):
    """Corners of the face whose edges the corners of its pieces lie on, (faces * pieces, 3, 2)."""
    corners = (alone.argmax(axis=1)[:, None] + np.arange(3)) % 3
    return corners[:, pieces].reshape(-1, 3, 2)


def _cut(v_cam, f, ends, near):
    """Faces, new vertices and corner weights of pieces with corners on the edges `ends` of the faces `f`."""
    edges = np.take_along_axis(f, ends.reshape(-1, 6), axis=1).reshape(-1, 3, 2).astype(np.int64)
    forward = edges[..., :1] <= edges[..., 1:]
    ends = np.where(forward, ends, ends[..., ::-1])
    a, b = np.moveaxis(np.where(forward, edges, edges[..., ::-1]), -1, 0)
    is_new = a != b

    keys, which = np.unique(a[is_new] * len(v_cam) + b[is_new], return_inverse=True)
    new_vertices = np.stack(np.divmod(keys, len(v_cam)), axis=1).astype(np.int32)
    za, zb = v_cam[new_vertices, 2].T
    weight = (near - za) / (zb - za)

    faces, s = a, np.zeros(a.shape)
    faces[is_new] = len(v_cam) + which
    s[is_new] = weight[which]
    corner_weights = np.zeros(a.shape + (3,))
    np.put_along_axis(corner_weights, ends[..., 1:], s[..., None], axis=2)
    np.put_along_axis(corner_weights, ends[..., :1], 1.0 - s[..., None], axis=2)
    return faces, new_vertices, weight, corner_weights


@kernel
def _to_parents_rows(start, stop, face_id, barycentric, parent, corner_weights, parent_id, weights):
    for j in range(start, stop):
        for i in range(face_id.shape[1]):
            t = face_id[j, i]
            parent_id[j, i] = parent[t] if t >= 0 else -1
            for k in range(3):
                weights[j, i, k] = 0.0
                if t >= 0:
                    for corner in range(3):
                        weights[j, i, k] += barycentric[j, i, corner] * corner_weights[t, corner, k]
