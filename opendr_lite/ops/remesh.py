"""Triangles of even size and shape on a surface that has been deformed.

`remesh` is isotropic remeshing (M. Botsch and L. Kobbelt, A remeshing approach to multiresolution modeling, 2004):
edges much longer than a wanted length are split, edges much shorter are collapsed, edges are flipped where that
widens angles, and vertices slide along the surface towards the mean of their neighbours. A few rounds between the
steps of a fit keep its triangles good while the surface moves far, and take away what has shrunk to nothing.

Each operation changes many edges at once. Of all candidates those are taken that come first among the candidates near
them: on their two faces for a split; on all faces around their two ends for a collapse or a flip. So no two of them
touch the same face, each may be judged as if it were the only one, and the result does not depend on an order of edges
beyond their lengths. What is left over is done in the next pass.

A mesh must be an oriented manifold: an edge has one face, at a border, or two that run along it in opposite directions.
Borders keep their shape: their edges may be split, but not collapsed or flipped, and their vertices do not move.
Results have vertices and faces alone.
"""
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ..serialization.mesh import Mesh
from ..topology import get_half_edges
from .arrays import vertices_and_faces

__all__ = ["collapse_short_edges", "flip_edges", "remesh", "smooth_tangentially", "split_long_edges"]

LONG, SHORT = 2 ** 0.5, 2 ** -0.5  # of the wanted length: the halves of an edge just split are not collapsed
LEAST_TURN = 0.5    # cosine of the angle by which a face may turn
LEAST_SHAPE = 0.1   # of a face that a collapse leaves, see `_shapes`
NO_NORMAL = 1e-2    # shape below which the normal of a face says nothing
MOST_PASSES = 50


# ---------------------------------------------------------------------- edges of a manifold

class Edges(NamedTuple):
    """The edges a → b of a manifold, a < b, with the faces (a, b, c) to their left and (b, a, d) to their right.

    Attributes
    ----------
    a, b, c, d, left, right : (E,) int64
        c and left, or d and right, are -1 where there is no face.
    """

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    d: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def is_border(self):
        return (self.left < 0) | (self.right < 0)


def edges_of(num_verts, f):
    """The `Edges` of a manifold, in lexicographic order."""
    edge, face, forward = get_half_edges(num_verts, f)
    if len(edge) < f.size:
        bad = int(np.argmax((f == np.roll(f, -1, axis=1)).any(axis=1)))
        raise ValueError(f"f must have three different vertices a face; face {bad} is {f[bad].tolist()}")
    start, opposite = f.ravel(), np.roll(f, -2, axis=1).ravel()
    end = np.roll(f, -1, axis=1).ravel()
    count = edge.max(initial=-1) + 1
    sides = []
    for runs in (forward, ~forward):
        of_edge = np.bincount(edge[runs], minlength=count)
        if of_edge.max(initial=0) > 1:
            side = int(np.flatnonzero(runs & (of_edge[edge] > 1))[0])
            raise ValueError(f"f must be an oriented manifold: {of_edge.max()} faces run along an edge in the same "
                             f"direction, such as from vertex {start[side]} to {end[side]}")
        side = np.full(count, -1)
        side[edge[runs]] = np.flatnonzero(runs)
        sides.append(side)
    left, right = sides
    any_side = np.where(left >= 0, left, right)
    a, b = np.minimum(start, end)[any_side], np.maximum(start, end)[any_side]
    of_side = [np.where(side >= 0, values[side], -1) for values in (opposite, face) for side in sides]
    return Edges(a, b, *of_side)


def _lengths(v, edges):
    return np.linalg.norm(v[edges.b] - v[edges.a], axis=1)


# ---------------------------------------------------------------------- which edges may change together

def _ranks(candidates, priority):
    """Of the candidates, their place in ascending order of `priority`; of other edges, one that loses to all."""
    rank = np.full(len(candidates), len(candidates))
    chosen = np.flatnonzero(candidates)
    rank[chosen[np.argsort(priority[chosen], kind="stable")]] = np.arange(len(chosen))
    return rank


def _first_on_faces(edges, rank, num_faces):
    """Indices of the candidates that are first among those of their own faces."""
    first = np.full(num_faces + 1, len(rank))  # the last entry is that of the missing face, -1
    np.minimum.at(first, edges.left, rank)
    np.minimum.at(first, edges.right, rank)
    wins = rank < len(rank)
    for side in (edges.left, edges.right):
        wins &= (side < 0) | (first[side] == rank)
    return np.flatnonzero(wins)


def _first_in_rings(edges, rank, f, num_verts):
    """Indices of the candidates that are first on all faces around their two ends."""
    at_vertex = np.full(num_verts, len(rank))
    np.minimum.at(at_vertex, edges.a, rank)
    np.minimum.at(at_vertex, edges.b, rank)
    on_face = at_vertex[f].min(axis=1)
    around = np.full(num_verts, len(rank))
    np.minimum.at(around, f, on_face[:, None])
    return np.flatnonzero((rank < len(rank)) & (around[edges.a] == rank) & (around[edges.b] == rank))


# ---------------------------------------------------------------------- operations

def split_long_edges(mesh, longest):
    """Halve the edges longer than `longest`, and the faces beside them, the longest first.

    Returns
    -------
    Mesh
        The old vertices come first.
    """
    v, f = vertices_and_faces(mesh)
    _check_length("longest", longest)
    while True:
        edges = edges_of(len(v), f)
        length = _lengths(v, edges)
        rank = _ranks(length > longest, -length)
        chosen = _first_on_faces(edges, rank, len(f))
        if not len(chosen):
            return Mesh(v, f)
        a, b, c, d, left, right = (values[chosen] for values in edges)
        middle = len(v) + np.arange(len(chosen))
        v = np.concatenate((v, 0.5 * (v[a] + v[b])))
        f, added = f.copy(), []
        for start, end, tip, face in ((a, b, c, left), (b, a, d, right)):
            there = face >= 0
            start, end, tip, new = start[there], end[there], tip[there], middle[there]
            f[face[there]] = np.column_stack((start, new, tip))
            added.append(np.column_stack((new, end, tip)))
        f = np.concatenate((f, *added))


def collapse_short_edges(mesh, shortest, longest=np.inf):
    """Merge the ends of edges shorter than `shortest` at their middle, the shortest first.

    An edge stays if without it the mesh would no longer be a manifold of the same topology (its ends must have no
    other neighbours in common than the two opposite vertices), if a face would turn by more than 60 degrees or become a
    sliver, or if an edge would become longer than `longest`.

    Returns
    -------
    Mesh
        Without the vertices that no face uses.
    """
    v, f = vertices_and_faces(mesh)
    _check_length("shortest", shortest)
    for _ in range(MOST_PASSES):
        edges = edges_of(len(v), f)
        length = _lengths(v, edges)
        on_border = _border_vertices(edges, len(v))
        candidates = (length < shortest) & ~(on_border[edges.a] | on_border[edges.b])
        candidates &= _common_neighbours(edges, len(v)) == 2
        candidates[candidates] = _keep_shape(v, f, edges.a[candidates], edges.b[candidates], longest)
        chosen = _first_in_rings(edges, _ranks(candidates, length), f, len(v))
        if not len(chosen):
            break
        kept, gone = edges.a[chosen], edges.b[chosen]
        v, becomes = v.copy(), np.arange(len(v))
        v[kept] = 0.5 * (v[kept] + v[gone])
        becomes[gone] = kept
        f = becomes[f]
        f = f[(f != np.roll(f, -1, axis=1)).all(axis=1)]
    used = np.unique(f)
    return Mesh(v[used], np.searchsorted(used, f))


def flip_edges(mesh):
    """Turn edges into the other diagonal of their two faces, where the angles opposite to them are together above 180°.

    In a plane that makes the smallest angle as large as it can be (Delaunay). An edge stays where a face would turn by
    more than 60 degrees: where the surface bends, its edges say how.

    Returns
    -------
    Mesh
    """
    v, f = vertices_and_faces(mesh)
    for _ in range(MOST_PASSES):
        edges = edges_of(len(v), f)
        a, b, c, d, left, right = edges
        can_lose_one = (np.bincount(np.concatenate((a, b)), minlength=len(v)) > 3) | _border_vertices(edges, len(v))
        candidates = ~edges.is_border & can_lose_one[a] & can_lose_one[b]
        diagonal = np.minimum(c, d) * len(v) + np.maximum(c, d)
        candidates &= ~np.isin(diagonal, a * len(v) + b)
        excess = _angles(v[c], v[a], v[b]) + _angles(v[d], v[a], v[b]) - np.pi
        candidates &= excess > 1e-6
        before, shape = _normals(v[f]), _shapes(v[f])
        for corners in ((a, d, c), (d, b, c)):
            after = _normals(v[np.column_stack(corners)])
            for face in (left, right):
                candidates &= (np.sum(after * before[face], axis=1) > LEAST_TURN) | (shape[face] < NO_NORMAL)
        chosen = _first_in_rings(edges, _ranks(candidates, -excess), f, len(v))
        chosen = chosen[np.unique(diagonal[chosen], return_index=True)[1]]
        if not len(chosen):
            break
        f = f.copy()
        f[left[chosen]] = np.column_stack((a, d, c))[chosen]
        f[right[chosen]] = np.column_stack((d, b, c))[chosen]
    return Mesh(v, f)


def smooth_tangentially(mesh, amount=0.3, steps=1):
    """Move vertices towards the mean of their neighbours, but only along the surface.

    Parameters
    ----------
    amount : float
        Share of the way, in (0, 1].
    steps : int

    Returns
    -------
    Mesh
    """
    v, f = vertices_and_faces(mesh)
    if not 0 < amount <= 1:
        raise ValueError(f"amount must be in (0, 1], got {amount!r}")
    edges = edges_of(len(v), f)
    moves = ~_border_vertices(edges, len(v)) & (np.bincount(f.ravel(), minlength=len(v)) > 0)
    joined = _joined(edges, len(v))
    valence = np.maximum(np.asarray(joined.sum(axis=1)), 1)
    for _ in range(steps):
        across = np.zeros_like(v)
        doubled = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
        for corner in f.T:
            np.add.at(across, corner, doubled)
        across = _unit(across)
        shift = joined @ v / valence - v
        shift -= np.sum(shift * across, axis=1, keepdims=True) * across
        v = v + amount * moves[:, None] * shift
    return Mesh(v, f)


def remesh(mesh, edge_length, rounds=1):
    """Rounds of isotropic remeshing: split, collapse, flip, smooth.

    Parameters
    ----------
    mesh : Mesh
        Or anything with attributes `v` and `f`.
    edge_length : float
        Edges are split above √2 times, and collapsed below 1/√2 times that length.
    rounds : int

    Returns
    -------
    Mesh

    Raises
    ------
    ValueError
        For a mesh that is not an oriented manifold, a vertex that is not finite, or a length that is not positive.

    Examples
    --------
    >>> from opendr_lite.primitives import icosphere
    >>> ball = icosphere(3)
    >>> ball.v *= [2, 1, 0.2]
    >>> pebble = remesh(ball, 0.2, rounds=3)
    """
    _check_length("edge_length", edge_length)
    for _ in range(rounds):
        mesh = split_long_edges(mesh, LONG * edge_length)
        mesh = collapse_short_edges(mesh, SHORT * edge_length, LONG * edge_length)
        mesh = smooth_tangentially(flip_edges(mesh))
    return mesh


# ---------------------------------------------------------------------- what they look at

def _keep_shape(v, f, a, b, longest):
    """Whether the faces around a and b stay as they should if both become their middle."""
    corner = (np.repeat(np.arange(len(f)), 3), f.ravel())
    around = sp.csr_matrix((np.ones(f.size), (corner[1], corner[0])), shape=(len(v), len(f)))
    rings = (around[a] + around[b]).tocoo()
    stays = rings.data == 1  # the two faces of the edge have both of its ends, and go
    candidate, face = rings.row[stays], rings.col[stays]
    before = v[f[face]]
    moves = (f[face] == a[candidate][:, None]) | (f[face] == b[candidate][:, None])
    after = np.where(moves[:, :, None], 0.5 * (v[a] + v[b])[candidate][:, None], before)
    shape, new_shape = _shapes(before), _shapes(after)
    bad = (np.sum(_normals(before) * _normals(after), axis=1) < LEAST_TURN) & (shape > NO_NORMAL)
    bad |= new_shape < np.minimum(LEAST_SHAPE, shape)
    bad |= np.linalg.norm(after - np.roll(after, 1, axis=1), axis=2).max(axis=1) > longest
    return np.bincount(candidate, bad, minlength=len(a)) == 0


def _common_neighbours(edges, num_verts):
    joined = _joined(edges, num_verts)
    return np.asarray(joined[edges.a].multiply(joined[edges.b]).sum(axis=1)).ravel()


def _joined(edges, num_verts):
    row, column = np.concatenate((edges.a, edges.b)), np.concatenate((edges.b, edges.a))
    return sp.csr_matrix((np.ones(len(row)), (row, column)), shape=(num_verts, num_verts))


def _border_vertices(edges, num_verts):
    on_border = np.zeros(num_verts, dtype=bool)
    on_border[edges.a[edges.is_border]] = on_border[edges.b[edges.is_border]] = True
    return on_border


# ---------------------------------------------------------------------- triangles

def _normals(corners):
    """Unit normals (N, 3) of triangles (N, 3, 3); 0 where there is no area."""
    return _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))


def _shapes(corners):
    """4 √3 area / sum of squared sides, of triangles (N, 3, 3): 1 if equilateral, 0 without area."""
    doubled = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    squares = np.sum((corners - np.roll(corners, 1, axis=1)) ** 2, axis=(1, 2))
    return 2 * 3 ** 0.5 * doubled / np.where(squares > 0, squares, 1.0)


def _angles(at, p, q):
    """The angles at `at` between the directions to p and q."""
    to_p, to_q = p - at, q - at
    return np.arctan2(np.linalg.norm(np.cross(to_p, to_q), axis=1), np.sum(to_p * to_q, axis=1))


def _unit(vectors):
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


# ---------------------------------------------------------------------- input

def _check_length(name, value):
    if not (np.ndim(value) == 0 and value > 0):
        raise ValueError(f"{name} must be a positive length, got {value!r}")
