"""Which vertices, edges and faces of a triangle mesh touch each other.

An edge is an unordered pair of different vertices that follow each other in some face. Written with its lower
vertex a first, it has the key a V + b, and sorting the keys of all sides of all faces puts the edges in
lexicographic order and the faces of an edge side by side. Every function here is that one sort. A side that
joins a vertex to itself, as a degenerate face has, is not an edge.

The mesh is given as in OpenDR, `(mesh_v, mesh_f)`, or as one object with attributes `v` and `f`. Only the
number of vertices is read off `mesh_v`, so it may be an array (V, 3), a differentiable array or the number V
itself.
"""

from collections import namedtuple
from numbers import Integral

import numpy as np
import scipy.sparse as sp

__all__ = ["get_vert_connectivity", "get_vertices_per_edge", "get_faces_per_edge", "get_half_edges",
           "get_vert_opposites_per_edge", "loop_subdivider", "loop_weights", "midpoint_weights", "vertices_in_common",
           "as_faces"]


def as_faces(f, num_verts, name="f"):
    """The faces as an int64 array (F, 3), refused unless every index lies in [0, num_verts).

    Parameters
    ----------
    f : array of integers (F, 3)
    num_verts : int
    name : str
        What the error message calls `f`.

    Raises
    ------
    TypeError
        If the entries are not integers.
    ValueError
        If the shape is not (F, 3) or an index is out of range.
    """
    f = np.asarray(getattr(f, "r", f))
    if f.size == 0 and f.shape in ((0,), (0, 3)):
        return np.empty((0, 3), dtype=np.int64)
    if f.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {f.dtype}; use {name}.astype(int)")
    if f.ndim != 2 or f.shape[1] != 3:
        raise ValueError(f"{name} must have shape (F, 3), one triangle a row, got {f.shape}")
    outside = (f < 0) | (f >= num_verts)
    if outside.any():
        face = int(np.argmax(outside.any(axis=1)))
        raise ValueError(f"{name} must index the {num_verts} rows it points at, 0 to {num_verts - 1}; "
                         f"row {face} is {f[face].tolist()}")
    return f.astype(np.int64, order="C")


def get_vert_connectivity(mesh_v, mesh_f=None):
    """Which vertices are joined by an edge.

    Returns
    -------
    csr_matrix (V, V), float64
        Symmetric; entry (a, b) is the number of faces that have the edge, nonzero exactly where there is one.
    """
    num_verts, f = _num_verts_and_faces(mesh_v, mesh_f)
    edges, sides_of_edge = _edges(num_verts, _sides(num_verts, f).key)
    a, b = edges.T
    return sp.csr_matrix((np.tile(sides_of_edge.astype(np.float64), 2), (np.r_[a, b], np.r_[b, a])),
                         shape=(num_verts, num_verts))


def get_vertices_per_edge(mesh_v, mesh_f=None):
    """The edges, each once.

    Returns
    -------
    int32 array (E, 2)
        Vertices a < b of each edge, rows in lexicographic order.
    """
    num_verts, f = _num_verts_and_faces(mesh_v, mesh_f)
    return _edges(num_verts, _sides(num_verts, f).key)[0].astype(np.int32)


def get_faces_per_edge(mesh_v, mesh_f=None, verts_per_edge=None):
    """The faces on the two sides of each edge.

    Parameters
    ----------
    mesh_v, mesh_f
        The mesh, see the module.
    verts_per_edge : integer array (E, 2), optional
        The edges asked for, in any order; by default all, as `get_vertices_per_edge` gives them.

    Returns
    -------
    int32 array (E, 2)
        Face indices in increasing order, -1 where there is none: the second of a border edge, both of a pair
        of vertices that is no edge. Of a non-manifold edge, with more than two faces, the two lowest are
        given; `get_vert_connectivity` counts them all.
    """
    num_verts, f = _num_verts_and_faces(mesh_v, mesh_f)
    sides = _sides(num_verts, f)
    order = np.argsort(sides.key, kind="stable")
    key, face = sides.key[order], sides.face[order]
    once = (np.diff(key, prepend=-1) != 0) | (np.diff(face, prepend=-1) != 0)
    key, face = key[once], face[once]

    wanted = np.unique(key) if verts_per_edge is None else _edge_keys(num_verts, verts_per_edge)
    first = np.searchsorted(key, wanted)
    count = np.searchsorted(key, wanted, side="right") - first
    faces_per_edge = np.full((len(wanted), 2), -1, dtype=np.int32)
    for side in range(2):
        present = count > side
        faces_per_edge[present, side] = face[first[present] + side]
    return faces_per_edge


def get_half_edges(mesh_v, mesh_f=None):
    """The sides of the faces: the edge that each is, and which way its face runs along it.

    Sides are in the order of `f.ravel()`, but for those that join a vertex to itself, which are left out. Where two
    faces of an edge are wound alike, one runs forward along it and the other backward.

    Returns
    -------
    edge : (H,) int64
        Index of a row of `get_vertices_per_edge`.
    face : (H,) int64
    forward : (H,) bool
        Whether the lower vertex comes first.
    """
    sides = _sides(*_num_verts_and_faces(mesh_v, mesh_f))
    _, edge = np.unique(sides.key, return_inverse=True)
    return edge, sides.face, sides.forward


def get_vert_opposites_per_edge(mesh_v, mesh_f=None):
    """The vertices that face each edge.

    Returns
    -------
    dict
        `(a, b)`, a < b, to the list of the third corners of the faces on that edge, in the order of the
        faces.
    """
    num_verts, f = _num_verts_and_faces(mesh_v, mesh_f)
    sides = _sides(num_verts, f)
    edges, sides_of_edge = _edges(num_verts, sides.key)
    opposite = sides.opposite[np.argsort(sides.key, kind="stable")].tolist()
    end = np.cumsum(sides_of_edge)
    slices = map(slice, (end - sides_of_edge).tolist(), end.tolist())
    return dict(zip(zip(*edges.T.tolist()), map(opposite.__getitem__, slices)))


def midpoint_weights(mesh_v, mesh_f=None):
    """One step of subdivision that leaves the surface as it is, as a matrix.

    Every face becomes four, and every edge has a new vertex in its middle.

    Returns
    -------
    weights : csr_matrix (V + E, V)
        `weights @ v` is the new vertices: the V old ones, then one for each edge in the order of
        `get_vertices_per_edge`; a side that joins a vertex to itself counts as an edge here, whose middle is
        that vertex again.
    faces : uint32 array (4 F, 3)
        Rows 4 i to 4 i + 3 are the corners and then the middle of face i, wound like it.
    """
    num_verts, f = _num_verts_and_faces(mesh_v, mesh_f)
    start, end = f, np.roll(f, -1, axis=1)
    keys, edge_of_side = np.unique(np.minimum(start, end) * num_verts + np.maximum(start, end), return_inverse=True)
    ends = np.stack(np.divmod(keys, max(num_verts, 1)), axis=1)
    row = np.repeat(np.arange(len(keys)), 2)
    middle = sp.csr_matrix((np.full(ends.size, 0.5), (row, ends.ravel())), shape=(len(keys), num_verts))
    weights = sp.vstack((sp.identity(num_verts, format="csr"), middle), format="csr")
    return weights, _quartered(f, num_verts + edge_of_side.reshape(f.shape))


def loop_subdivider(mesh_v, mesh_f=None):
    """One step of Loop subdivision as a matrix that takes ravelled vertices.

    Returns
    -------
    subdivider : csr_matrix (3 (V + E), 3 V)
        `subdivider @ v.ravel()` is the new vertices, ravelled; see `loop_weights`.
    faces : uint32 array (4 F, 3)

    Raises
    ------
    ValueError
        If a face uses a vertex twice.
    """
    weights, faces = loop_weights(mesh_v, mesh_f)
    return sp.csr_matrix(sp.kron(weights, sp.identity(3), format="csr")), faces


def loop_weights(mesh_v, mesh_f=None):
    """One step of Loop subdivision as a matrix.

    Every face becomes four. A vertex of valence n moves to (1 - n beta) v + beta (sum of its neighbours),
    with Warren's beta = 3/16 for n <= 3 and 3 / (8 n) above, and an edge puts a new vertex at 3/8 of its ends
    plus 1/8 of the two vertices opposite. Edges that do not have exactly two faces (borders, and edges where
    several sheets meet) are sharp: their new vertex is the midpoint, a vertex on two of them moves to 1/8,
    3/4, 1/8 along them, and a vertex on one, three or more stays, as does a vertex without faces.

    Returns
    -------
    weights : csr_matrix (V + E, V)
        `weights @ v` is the new vertices: the V old ones moved, then one for each edge in the order of
        `get_vertices_per_edge`. Rows sum to one.
    faces : uint32 array (4 F, 3)
        Rows 4 i to 4 i + 3 are the corners and then the middle of face i, wound like it.

    Raises
    ------
    ValueError
        If a face uses a vertex twice.

    References
    ----------
    C. Loop, Smooth subdivision surfaces based on triangles, 1987. J. Warren, Subdivision methods for
    geometric design, 1995 (beta). H. Hoppe et al., Piecewise smooth surface reconstruction, 1994, fig. 6
    (sharp edges).
    """
    num_verts, f = _num_verts_and_faces(mesh_v, mesh_f)
    degenerate = (f == np.roll(f, -1, axis=1)).any(axis=1)
    if degenerate.any():
        face = int(np.argmax(degenerate))
        raise ValueError(f"Loop subdivision needs three different vertices a face, face {face} is "
                         f"{f[face].tolist()}; leave such faces out")
    sides = _sides(num_verts, f)
    edges, sides_of_edge = _edges(num_verts, sides.key)
    edge_of_side = np.searchsorted(_edge_keys(num_verts, edges), sides.key)
    new_vertex = num_verts + np.arange(len(edges))

    smooth_edge = sides_of_edge == 2
    sharp_degree = np.bincount(edges[~smooth_edge].ravel(), minlength=num_verts)
    valence = np.bincount(edges.ravel(), minlength=num_verts)
    smooth = (sharp_degree == 0) & (valence > 0)
    crease = sharp_degree == 2
    beta = np.where(smooth, 3 / (8 * np.maximum(valence, 2)), 0)
    beta[smooth & (valence == 3)] = 3 / 16

    arrow = np.concatenate((edges, edges[:, ::-1]))      # from each end of an edge to the other
    sharp_arrow = np.tile(~smooth_edge, 2) & crease[arrow[:, 0]]
    facing = smooth_edge[edge_of_side]
    smooth_arrow = smooth[arrow[:, 0]]
    entries = (                                          # (row, column, weight)
        (np.arange(num_verts), np.arange(num_verts), np.where(crease, 3 / 4, 1 - valence * beta)),
        (arrow[smooth_arrow, 0], arrow[smooth_arrow, 1], beta[arrow[smooth_arrow, 0]]),
        (arrow[sharp_arrow, 0], arrow[sharp_arrow, 1], np.full(sharp_arrow.sum(), 1 / 8)),
        (np.repeat(new_vertex, 2), edges.ravel(), np.repeat(np.where(smooth_edge, 3 / 8, 1 / 2), 2)),
        (new_vertex[edge_of_side[facing]], sides.opposite[facing], np.full(facing.sum(), 1 / 8)),
    )
    row, column, weight = map(np.concatenate, zip(*entries))
    weights = sp.csr_matrix((weight, (row, column)), shape=(num_verts + len(edges), num_verts))
    return weights, _quartered(f, num_verts + edge_of_side.reshape(-1, 3))


def _quartered(f, middle):
    """Each face as its corners and its middle, wound like it; `middle` (F, 3) of corners (0, 1), (1, 2), (2, 0)."""
    return np.stack([np.stack((middle[:, 0], f[:, 1], middle[:, 1]), axis=1),
                     np.stack((middle[:, 1], f[:, 2], middle[:, 2]), axis=1),
                     np.stack((middle[:, 2], f[:, 0], middle[:, 0]), axis=1),
                     middle], axis=1).reshape(-1, 3).astype(np.uint32)


def vertices_in_common(face_1, face_2):
    """The vertices that two faces share, in increasing order."""
    return np.intersect1d(face_1, face_2)


_Sides = namedtuple("_Sides", "key face opposite forward")
"""Of every side of every face, in the order of `f.ravel()`: key of its edge, its face, the third corner, and whether
the lower vertex comes first."""


def _sides(num_verts, f):
    start, end, opposite = f, np.roll(f, -1, axis=1), np.roll(f, -2, axis=1)
    face = np.broadcast_to(np.arange(len(f))[:, None], f.shape)
    proper = start != end
    key = np.minimum(start, end) * num_verts + np.maximum(start, end)
    return _Sides(key[proper], face[proper], opposite[proper], (start < end)[proper])


def _edges(num_verts, key):
    """The edges (E, 2) among the sides, in lexicographic order, and how many sides each has."""
    key, sides_of_edge = np.unique(key, return_counts=True)
    return np.stack(np.divmod(key, max(num_verts, 1)), axis=1), sides_of_edge


def _edge_keys(num_verts, edges):
    edges = np.asarray(edges)
    if edges.dtype.kind not in "iu" or edges.ndim != 2 or edges.shape[1] != 2:
        raise ValueError("verts_per_edge must be an (E, 2) array of vertex indices, "
                         f"got shape {edges.shape} and dtype {edges.dtype}")
    if ((edges < 0) | (edges >= num_verts)).any():
        raise ValueError(f"verts_per_edge must index the {num_verts} vertices, "
                         f"got {edges.min()} to {edges.max()}")
    low, high = np.sort(edges.astype(np.int64), axis=1).T
    return low * num_verts + high


def _num_verts_and_faces(mesh_v, mesh_f):
    if mesh_f is None:
        if not (hasattr(mesh_v, "v") and hasattr(mesh_v, "f")):
            raise TypeError("give a mesh with attributes v and f, or vertices and faces, "
                            f"got one {type(mesh_v).__name__}")
        mesh_v, mesh_f = mesh_v.v, mesh_v.f
    if isinstance(mesh_v, Integral):
        num_verts = int(mesh_v)
    else:
        shape = np.shape(getattr(mesh_v, "r", mesh_v))
        if len(shape) != 2:
            raise ValueError(f"mesh_v must have shape (V, 3) or be the number of vertices, got shape {shape}")
        num_verts = shape[0]
    return num_verts, as_faces(mesh_f, num_verts, name="mesh_f")
