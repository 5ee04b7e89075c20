"""Remeshing: what each operation promises of lengths, angles, topology and shape."""
import numpy as np
import pytest

from opendr_lite.ops import (
    collapse_short_edges,
    corner_angles,
    flip_edges,
    remesh,
    smooth_tangentially,
    split_long_edges,
)
from opendr_lite.ops.remesh import edges_of
from opendr_lite.primitives import cube, icosphere, plane, torus
from opendr_lite.serialization.mesh import Mesh

BALL = icosphere(2)
SHEET = plane(2.0, (8, 8))
RING = torus(1.0, 0.4, 40, 20)


def edges(mesh):
    return edges_of(len(mesh.v), mesh.f.astype(int))


def lengths(mesh):
    ends = edges(mesh)
    return np.linalg.norm(mesh.v[ends.b] - mesh.v[ends.a], axis=1)


def volume(mesh):
    return np.linalg.det(mesh.v[mesh.f]).sum() / 6


def area(mesh):
    p0, p1, p2 = mesh.v[mesh.f].transpose(1, 0, 2)
    return 0.5 * np.linalg.norm(np.cross(p1 - p0, p2 - p0), axis=1).sum()


def euler(mesh):
    return len(mesh.v) - len(edges(mesh).a) + len(mesh.f)


def shaken(mesh, size):
    return Mesh(mesh.v + np.random.default_rng(0).uniform(-size, size, mesh.v.shape), mesh.f)


def test_edges_and_what_is_on_their_sides():
    ends = edges_of(4, np.array([[0, 1, 2], [2, 1, 3]]))
    assert [tuple(map(int, row)) for row in np.column_stack(ends)] == [
        (0, 1, 2, -1, 0, -1), (0, 2, -1, 1, -1, 0), (1, 2, 0, 3, 0, 1), (1, 3, 2, -1, 1, -1), (2, 3, -1, 1, -1, 1)]
    np.testing.assert_array_equal(ends.is_border, [True, True, False, True, True])


@pytest.mark.parametrize("mesh", [BALL, SHEET, cube(), RING], ids=["ball", "sheet", "cube", "ring"])
def test_split_leaves_no_long_edge_and_the_surface_as_it_is(mesh):
    finer = split_long_edges(mesh, 0.12)
    assert lengths(finer).max() <= 0.12 < lengths(mesh).max()
    np.testing.assert_array_equal(finer.v[:len(mesh.v)], mesh.v)
    assert euler(finer) == euler(mesh)
    assert area(finer) == pytest.approx(area(mesh))
    assert volume(finer) == pytest.approx(volume(mesh))


def test_collapse_coarsens_and_keeps_topology():
    coarser = collapse_short_edges(RING, 0.15, 0.5)
    assert len(coarser.v) < len(RING.v) / 2
    assert euler(coarser) == euler(RING) == 0
    assert lengths(coarser).max() <= 0.5
    assert volume(coarser) == pytest.approx(volume(RING), rel=0.1)
    np.testing.assert_array_equal(np.unique(coarser.f), np.arange(len(coarser.v)))


def test_collapse_does_not_close_a_tube():
    """Three short edges around a tube are no face: without one of them it would be pinched off."""
    angle = 2 * np.pi * np.arange(3) / 3
    v = np.array([[0.1 * np.cos(a), 0.1 * np.sin(a), z] for z in 0.5 * np.arange(5) for a in angle])
    i, j = np.meshgrid(np.arange(4), np.arange(3), indexing="ij")
    here, beside = 3 * i + j, 3 * i + (j + 1) % 3
    sides = [np.stack(corners, axis=-1).reshape(-1, 3)
             for corners in ((here, beside, beside + 3), (here, beside + 3, here + 3))]
    tube = Mesh(v, np.concatenate([*sides, [[2, 1, 0], [12, 13, 14]]]))
    kept = collapse_short_edges(tube, 0.3)
    assert euler(kept) == 2
    assert volume(kept) > 0
    assert np.sum(np.isclose(kept.v[:, 2], 1.0)) == 3


def test_borders_keep_their_shape():
    finer = remesh(shaken(SHEET, 0.0), 0.15, rounds=3)
    assert area(finer) == pytest.approx(4.0)
    assert np.sum(np.isclose(np.linalg.norm(finer.v, axis=1), 2 ** 0.5)) == 4


def test_flips_make_a_plane_delaunay():
    flat = shaken(SHEET, 0.08)
    flat.v[:, np.ptp(SHEET.v, axis=0) == 0] = 0
    flipped = flip_edges(flat)
    assert corner_angles(flipped).min() > corner_angles(flat).min()
    assert area(flipped) == pytest.approx(area(flat))
    ends = edges(flipped)
    inner = ~ends.is_border
    facing = sum(_angles(flat.v, tip[inner], ends.a[inner], ends.b[inner]) for tip in (ends.c, ends.d))
    assert facing.max() <= np.pi + 1e-5


def _angles(v, at, p, q):
    one, other = v[p] - v[at], v[q] - v[at]
    return np.arccos(np.sum(one * other, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1))


def test_flips_keep_sharp_edges():
    assert volume(flip_edges(cube(1.0, 4))) == pytest.approx(1.0)


def test_smoothing_evens_out_and_stays_on_the_surface():
    ball = shaken(icosphere(3), 0.03)
    ball.v /= np.linalg.norm(ball.v, axis=1, keepdims=True)
    smooth = smooth_tangentially(ball, steps=10)
    assert lengths(smooth).std() < 0.7 * lengths(ball).std()
    assert np.abs(np.linalg.norm(smooth.v, axis=1) - 1).max() < 0.01


def test_smoothing_leaves_a_border_where_it_is():
    sheet = shaken(SHEET, 0.05)
    ends = edges(sheet)
    moved = np.any(smooth_tangentially(sheet).v != sheet.v, axis=1)
    np.testing.assert_array_equal(np.flatnonzero(~moved), np.unique([ends.a[ends.is_border], ends.b[ends.is_border]]))


@pytest.mark.parametrize("stretch", [(3, 1, 1), (1, 1, 0.3), (4, 0.5, 0.5)])
def test_remeshing_after_a_large_deformation(stretch):
    stretched = Mesh(BALL.v * stretch, BALL.f)
    even = remesh(stretched, 0.2, rounds=5)
    assert euler(even) == 2
    assert 0.8 * 0.2 < np.median(lengths(even)) < 1.2 * 0.2
    assert lengths(even).max() < 0.35
    assert np.degrees(corner_angles(even)).min() > 20
    assert volume(even) == pytest.approx(volume(stretched), rel=0.05)


def test_slivers_go():
    """Two vertices nearly in one place: their edge is collapsed although the normals of slivers say nothing."""
    ball = split_long_edges(BALL, 0.3)
    ends = edges(ball)
    ball.v[ends.b[40]] = ball.v[ends.a[40]] + 1e-9
    assert np.degrees(corner_angles(remesh(ball, 0.25)).min()) > 10


def test_vertices_may_be_unused():
    ball = Mesh(np.vstack((BALL.v, [[5.0, 5, 5]])), BALL.f)
    assert len(remesh(ball, 0.2).v) == len(remesh(BALL, 0.2).v)


@pytest.mark.parametrize("v, f, error", [
    (np.zeros((3, 2)), [[0, 1, 2]], r"v must have shape \(V, 3\), got \(3, 2\)"),
    (np.full((3, 3), np.nan), [[0, 1, 2]], "v must be finite; row 0 is not"),
    (np.eye(3), [[0, 1, 3]], "index"),
    (np.eye(3), [[0, 1, 1]], "three different vertices a face; face 0"),
    (np.eye(3), [[0, 1, 2], [0, 1, 2]], "2 faces run along an edge in the same direction, such as from vertex 0 to 1"),
])
def test_what_is_refused(v, f, error):
    mesh = Mesh(BALL.v, BALL.f)
    mesh.v, mesh.f = v, np.array(f)
    with pytest.raises(ValueError, match=error):
        remesh(mesh, 0.1)


@pytest.mark.parametrize("call, error", [
    (lambda: remesh(BALL, 0), "edge_length must be a positive length, got 0"),
    (lambda: split_long_edges(BALL, -1), "longest must be a positive length"),
    (lambda: collapse_short_edges(BALL, np.nan), "shortest must be a positive length"),
    (lambda: smooth_tangentially(BALL, 1.5), r"amount must be in \(0, 1\], got 1.5"),
])
def test_which_numbers_are_refused(call, error):
    with pytest.raises(ValueError, match=error):
        call()


def test_a_mesh_is_asked_for():
    with pytest.raises(TypeError, match="a mesh must have attributes v and f, got ndarray"):
        remesh(BALL.v, 0.1)
