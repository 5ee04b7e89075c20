"""Adjacency against brute force, Loop subdivision against its rules written out vertex by vertex."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from opendr_lite.topology import (
    get_faces_per_edge,
    get_half_edges,
    get_vert_connectivity,
    get_vert_opposites_per_edge,
    get_vertices_per_edge,
    loop_subdivider,
    vertices_in_common,
)

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
SQUARE = np.array([[0, 1, 2], [0, 2, 3]])
BOOK = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]])          # three pages on the edge 0, 1
WITH_DEGENERATE = np.array([[0, 1, 2], [1, 1, 2], [3, 4, 3], [2, 1, 3]])


def grid(n):
    """The faces of a square of n by n vertices."""
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    return np.concatenate((np.stack((corner, corner + 1, corner + n + 1), axis=1),
                           np.stack((corner, corner + n + 1, corner + n), axis=1)))


MESHES = pytest.mark.parametrize("num_verts, f", [
    (4, TETRAHEDRON), (4, SQUARE), (6, BOOK), (5, WITH_DEGENERATE), (25, grid(5)),
    (12, np.random.default_rng(0).integers(12, size=(40, 3))), (3, np.empty((0, 3), dtype=int)),
], ids=["tetrahedron", "square", "book", "degenerate", "grid", "soup", "empty"])


def faces_of_edges(f):
    """Every edge to the faces that have it, one face after another."""
    faces = defaultdict(list)
    for index, face in enumerate(f.tolist()):
        for a, b in zip(face, face[1:] + face[:1]):
            edge = (min(a, b), max(a, b))
            if a != b and index not in faces[edge]:
                faces[edge].append(index)
    return dict(sorted(faces.items()))


@MESHES
def test_edges_and_their_faces(num_verts, f):
    expected = faces_of_edges(f)
    edges = get_vertices_per_edge(num_verts, f)
    assert edges.dtype == np.int32 and edges.shape == (len(expected), 2)
    assert list(map(tuple, edges.tolist())) == list(expected)
    faces = get_faces_per_edge(num_verts, f)
    assert faces.dtype == np.int32
    assert faces.tolist() == [(faces + [-1, -1])[:2] for faces in expected.values()]


@MESHES
def test_faces_of_given_edges_follow_their_order(num_verts, f):
    edges = get_vertices_per_edge(num_verts, f)
    order = np.random.default_rng(1).permutation(len(edges))
    np.testing.assert_array_equal(get_faces_per_edge(num_verts, f, edges[order, ::-1]),
                                  get_faces_per_edge(num_verts, f)[order])


@MESHES
def test_half_edges_are_the_sides_of_the_faces(num_verts, f):
    edge, face, forward = get_half_edges(num_verts, f)
    ends = get_vertices_per_edge(num_verts, f)[edge]
    expected = [(index, a, b) for index, corners in enumerate(f.tolist())
                for a, b in zip(corners, corners[1:] + corners[:1]) if a != b]
    run = np.where(forward[:, None], ends, ends[:, ::-1])
    assert list(zip(face.tolist(), *run.T.tolist())) == expected


def test_a_pair_of_vertices_that_is_no_edge_has_no_faces():
    assert get_faces_per_edge(4, SQUARE, np.array([[1, 3], [0, 2]])).tolist() == [[-1, -1], [0, 1]]


@MESHES
def test_connectivity_counts_the_sides_on_an_edge(num_verts, f):
    expected = np.zeros((num_verts, num_verts))
    for face in f.tolist():
        for a, b in zip(face, face[1:] + face[:1]):
            if a != b:
                expected[a, b] += 1
                expected[b, a] += 1
    connectivity = get_vert_connectivity(num_verts, f)
    np.testing.assert_array_equal(connectivity.toarray(), expected)
    assert connectivity.nnz == np.count_nonzero(expected)


@MESHES
def test_opposites(num_verts, f):
    expected = defaultdict(list)
    for face in f.tolist():
        for k in range(3):
            a, b, c = face[k], face[(k + 1) % 3], face[(k + 2) % 3]
            if a != b:
                expected[min(a, b), max(a, b)].append(c)
    assert get_vert_opposites_per_edge(num_verts, f) == expected


@pytest.mark.parametrize("function", [get_vert_connectivity, get_vertices_per_edge, get_faces_per_edge,
                                      get_half_edges, get_vert_opposites_per_edge, loop_subdivider])
def test_a_mesh_its_arrays_and_its_number_of_vertices_are_the_same(function):
    v = np.random.default_rng(2).random((4, 3))
    as_text = [str(function(*mesh)) for mesh in (
        (SimpleNamespace(v=v, f=TETRAHEDRON),), (v, TETRAHEDRON), (4, TETRAHEDRON.tolist()),
        (SimpleNamespace(r=v), TETRAHEDRON.astype(np.uint32)))]
    assert len(set(as_text)) == 1


def test_vertices_in_common():
    assert vertices_in_common([4, 7, 2], [2, 9, 4]).tolist() == [2, 4]
    assert vertices_in_common([0, 1, 2], [3, 4, 5]).tolist() == []


def subdivided_by_the_rules(v, f):
    """Loop subdivision of a few faces, each rule in its own words."""
    faces = faces_of_edges(f)
    neighbours, sharp = defaultdict(set), defaultdict(set)
    for (a, b), on_edge in faces.items():
        for one, other in ((a, b), (b, a)):
            neighbours[one].add(other)
            if len(on_edge) != 2:
                sharp[one].add(other)
    new = []
    for i, x in enumerate(v):
        n = len(neighbours[i])
        if len(sharp[i]) == 2:
            x = 6 / 8 * x + sum(v[j] for j in sharp[i]) / 8
        elif not sharp[i] and n:
            beta = 3 / 16 if n == 3 else 3 / (8 * n)
            x = (1 - n * beta) * x + beta * sum(v[j] for j in neighbours[i])
        new.append(x)
    for (a, b), on_edge in faces.items():
        if len(on_edge) == 2:
            c, d = (next(i for i in f[face] if i not in (a, b)) for face in on_edge)
            new.append((3 * v[a] + 3 * v[b] + v[c] + v[d]) / 8)
        else:
            new.append((v[a] + v[b]) / 2)
    return np.array(new)


@pytest.mark.parametrize("num_verts, f", [(4, TETRAHEDRON), (4, SQUARE), (6, BOOK), (25, grid(5))],
                         ids=["tetrahedron", "square", "book", "grid"])
def test_loop_subdivision_follows_its_rules(num_verts, f):
    v = np.random.default_rng(3).random((num_verts, 3))
    subdivider, faces = loop_subdivider(v, f)
    edges = get_vertices_per_edge(v, f)
    assert subdivider.shape == (3 * (num_verts + len(edges)), 3 * num_verts)
    assert faces.shape == (4 * len(f), 3) and faces.dtype == np.uint32
    np.testing.assert_allclose((subdivider @ v.ravel()).reshape(-1, 3), subdivided_by_the_rules(v, f),
                               atol=1e-15)
    np.testing.assert_allclose(subdivider.sum(axis=1), 1, atol=1e-15)


def test_subdivided_faces_cover_the_old_ones_with_the_same_winding():
    v = np.array([[0., 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    midpoint = v[get_vertices_per_edge(v, SQUARE)].mean(axis=1)
    _, faces = loop_subdivider(v, SQUARE)
    corners = np.concatenate((v, midpoint))[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
    np.testing.assert_allclose(area, 1 / 8)


def test_subdivision_keeps_a_closed_mesh_closed():
    _, faces = loop_subdivider(4, TETRAHEDRON)
    assert (get_faces_per_edge(10, faces) >= 0).all()
    assert len(get_vertices_per_edge(10, faces)) == 24


def test_a_regular_flat_grid_stays_flat_and_regular_inside():
    n = 7
    v = np.stack((*np.divmod(np.arange(n * n), n)[::-1], np.zeros(n * n)), axis=1)
    subdivider, _ = loop_subdivider(v, grid(n))
    new = (subdivider @ v.ravel()).reshape(-1, 3)
    inside = ((v > 0) & (v < n - 1))[:, :2].all(axis=1)
    np.testing.assert_allclose(new[:n * n][inside], v[inside], atol=1e-14)
    np.testing.assert_allclose(new[n * n:], v[get_vertices_per_edge(v, grid(n))].mean(axis=1), atol=1e-14)


def test_the_recorded_mesh_is_a_sphere_whose_boundary_ids_are_edges():
    with np.load(Path(__file__).parent / "data" / "blob3_160x120.npz") as recorded:
        v, f, ids = recorded["v"], recorded["f"], recorded["od0_boundaryid"]
        (fx, fy, cx, cy) = recorded["K"]
    edges = get_vertices_per_edge(v, f)
    assert len(v) - len(edges) + len(f) == 2
    assert (get_faces_per_edge(v, f) >= 0).all()
    in_recorded_order = edges[np.lexsort((edges[:, 0], edges[:, 1]))]
    row, column = np.nonzero(ids != 4294967295)
    ends = (v[:, :2] / v[:, 2:] * (fx, fy) + (cx, cy))[in_recorded_order[ids[row, column]]]
    along = ends[:, 1] - ends[:, 0]
    from_start = np.stack((column, row), axis=1) - ends[:, 0]
    t = np.clip((from_start * along).sum(axis=1) / (along ** 2).sum(axis=1), 0, 1)
    assert np.linalg.norm(from_start - t[:, None] * along, axis=1).max() < 1


@pytest.mark.parametrize("arguments, error, message", [
    ((3, [[0, 1, 3]]), ValueError, r"mesh_f must index the 3 rows.*row 0 is \[0, 1, 3\]"),
    ((3, [[0, 1, 2], [0, -1, 2]]), ValueError, "row 1"),
    ((3, [[0., 1, 2]]), TypeError, "integers"),
    ((4, [[0, 1, 2, 3]]), ValueError, r"shape \(F, 3\)"),
    ((np.zeros(9), [[0, 1, 2]]), ValueError, "mesh_v"),
    ((np.zeros((3, 3)),), TypeError, "attributes v and f"),
])
def test_bad_meshes_are_refused(arguments, error, message):
    for function in (get_vert_connectivity, get_vertices_per_edge, get_faces_per_edge,
                     get_vert_opposites_per_edge, loop_subdivider):
        with pytest.raises(error, match=message):
            function(*arguments)


@pytest.mark.parametrize("edges", [[[0, 4]], [[0, 1, 2]], [[0.5, 1]], [[-1, 0]]])
def test_bad_edges_are_refused(edges):
    with pytest.raises(ValueError, match="verts_per_edge"):
        get_faces_per_edge(4, SQUARE, edges)


def test_subdivision_refuses_degenerate_faces():
    with pytest.raises(ValueError, match="face 1 is"):
        loop_subdivider(5, WITH_DEGENERATE)
