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

BALL = icosphere(2)
SHEET = plane(2.0, (8, 8))


def lengths(v, f):
    edges = edges_of(v, f)
    return np.linalg.norm(v[edges.b] - v[edges.a], axis=1)


def volume(v, f):
    return np.linalg.det(v[f]).sum() / 6


def area(v, f):
    return 0.5 * np.linalg.norm(np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]]), axis=1).sum()


def euler(v, f):
    return len(v) - len(edges_of(v, f).a) + len(f)


def shaken(mesh, size, seed=0):
    return mesh.v + np.random.default_rng(seed).uniform(-size, size, mesh.v.shape)


def test_edges_and_what_is_on_their_sides():
    f = np.array([[0, 1, 2], [2, 1, 3]])
    edges = edges_of(np.zeros((4, 3)), f)
    assert [tuple(map(int, row)) for row in np.column_stack(edges)] == [
        (0, 1, 2, -1, 0, -1), (0, 2, -1, 1, -1, 0), (1, 2, 0, 3, 0, 1), (1, 3, 2, -1, 1, -1), (2, 3, -1, 1, -1, 1)]
    np.testing.assert_array_equal(edges.is_border, [True, True, False, True, True])


@pytest.mark.parametrize("mesh", [BALL, SHEET, cube(), torus(1, 0.4, 12, 8)], ids=["ball", "sheet", "cube", "torus"])
def test_split_leaves_no_long_edge_and_the_surface_as_it_is(mesh):
    v, f = split_long_edges(mesh.v, mesh.f, 0.3)
    assert lengths(v, f).max() <= 0.3 < lengths(mesh.v, mesh.f).max()
    np.testing.assert_array_equal(v[:len(mesh.v)], mesh.v)
    assert euler(v, f) == euler(mesh.v, mesh.f)
    assert area(v, f) == pytest.approx(area(mesh.v, mesh.f))
    assert volume(v, f) == pytest.approx(volume(mesh.v, mesh.f))


def test_collapse_coarsens_and_keeps_topology():
    ring = torus(1.0, 0.4, 40, 20)
    v, f = collapse_short_edges(ring.v, ring.f, 0.15, 0.5)
    assert euler(v, f) == 0
    assert len(v) < len(ring.v) / 2
    assert lengths(v, f).max() <= 0.5
    assert volume(v, f) == pytest.approx(volume(ring.v, ring.f), rel=0.1)
    np.testing.assert_array_equal(np.unique(f), np.arange(len(v)))


def test_collapse_does_not_close_a_tube():
    """Around a tube of three sides go three short edges that are no face: without one of them it would be pinched off."""
    height = 0.5 * np.arange(5)
    angle = 2 * np.pi * np.arange(3) / 3
    v = np.array([[0.1 * np.cos(a), 0.1 * np.sin(a), z] for z in height for a in angle])
    i, j = np.meshgrid(np.arange(4), np.arange(3), indexing="ij")
    here, beside = 3 * i + j, 3 * i + (j + 1) % 3
    f = np.concatenate([np.stack((here, beside, beside + 3), -1).reshape(-1, 3),
                        np.stack((here, beside + 3, here + 3), -1).reshape(-1, 3), [[2, 1, 0], [12, 13, 14]]])
    new_v, new_f = collapse_short_edges(v, f, 0.3)
    assert euler(new_v, new_f) == 2
    assert volume(new_v, new_f) > 0


def test_borders_stay():
    v, f = remesh(shaken(SHEET, 0.0), SHEET.f, 0.15, rounds=3)
    assert area(v, f) == pytest.approx(4.0)
    assert np.ptp(lengths(v, f)) < np.ptp(lengths(SHEET.v, SHEET.f)) + 0.2
    corners = np.abs(v[:, :2] if np.ptp(v[:, 2]) == 0 else v[:, [0, 2]])
    assert np.sum(np.all(corners == 1.0, axis=1)) == 4


def test_flips_widen_the_smallest_angle_in_a_plane():
    flat = shaken(SHEET, 0.08) * np.where(np.ptp(SHEET.v, axis=0) > 0, 1.0, 0.0)
    f = flip_edges(flat, SHEET.f)
    assert corner_angles(flat, f).min() > corner_angles(flat, SHEET.f).min()
    assert area(flat, f) == pytest.approx(area(flat, SHEET.f))
    edges = edges_of(flat, f)
    inner = ~edges.is_border
    sums = sum(_angle(flat, tip[inner], edges.a[inner], edges.b[inner]) for tip in (edges.c, edges.d))
    assert sums.max() <= np.pi + 1e-5  # Delaunay


def _angle(v, at, p, q):
    one, other = v[p] - v[at], v[q] - v[at]
    return np.arccos(np.sum(one * other, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1))


def test_flips_keep_sharp_edges():
    box = cube(1.0, 4)
    f = flip_edges(box.v, box.f)
    assert volume(box.v, f) == pytest.approx(1.0)


def test_smoothing_evens_out_and_stays_on_the_surface():
    v = shaken(icosphere(3), 0.03)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    f = icosphere(3).f
    smooth = smooth_tangentially(v, f, steps=10)
    assert lengths(smooth, f).std() < 0.7 * lengths(v, f).std()
    assert np.abs(np.linalg.norm(smooth, axis=1) - 1).max() < 0.01


def test_smoothing_leaves_a_border_where_it_is():
    v = shaken(SHEET, 0.05)
    edges = edges_of(v, SHEET.f)
    border = np.unique(np.concatenate((edges.a[edges.is_border], edges.b[edges.is_border])))
    moved = np.any(smooth_tangentially(v, SHEET.f) != v, axis=1)
    np.testing.assert_array_equal(np.flatnonzero(~moved), border)


@pytest.mark.parametrize("stretch", [(3, 1, 1), (1, 1, 0.3), (4, 0.5, 0.5)])
def test_remeshing_after_a_large_deformation(stretch):
    v, f = remesh(BALL.v * stretch, BALL.f, 0.2, rounds=5)
    assert euler(v, f) == 2
    length = lengths(v, f)
    assert 0.8 * 0.2 < np.median(length) < 1.2 * 0.2
    assert length.max() < 0.35
    assert np.degrees(corner_angles(v, f)).min() > 20
    assert volume(v, f) == pytest.approx(volume(BALL.v * stretch, BALL.f), rel=0.05)


def test_the_same_mesh_gives_the_same_result():
    first, second = (remesh(shaken(BALL, 0.05), BALL.f, 0.15, rounds=2) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_slivers_go():
    """Two vertices nearly in one place: their edge is collapsed although the normals of slivers say nothing."""
    v, f = split_long_edges(BALL.v, BALL.f, 0.3)
    edges = edges_of(v, f)
    v[edges.b[40]] = v[edges.a[40]] + 1e-9
    v, f = remesh(v, f, 0.25)
    assert np.degrees(corner_angles(v, f)).min() > 10


@pytest.mark.parametrize("v, f, error", [
    (np.zeros((3, 2)), [[0, 1, 2]], r"v must have shape \(V, 3\), got \(3, 2\)"),
    (np.full((3, 3), np.nan), [[0, 1, 2]], "v must be finite; row 0 is not"),
    (np.eye(3), [[0, 1, 3]], "index"),
    (np.eye(3), [[0, 1, 1]], "three different vertices a face; face 0"),
    (np.eye(3), [[0, 1, 2], [0, 1, 2]], "2 faces run along an edge in the same direction, such as from vertex 0 to 1"),
])
def test_what_is_refused(v, f, error):
    with pytest.raises(ValueError, match=error):
        remesh(v, np.array(f), 0.1)


@pytest.mark.parametrize("call, error", [
    (lambda: remesh(BALL.v, BALL.f, 0), "edge_length must be a positive length, got 0"),
    (lambda: split_long_edges(BALL.v, BALL.f, -1), "longest must be a positive length"),
    (lambda: collapse_short_edges(BALL.v, BALL.f, np.nan), "shortest must be a positive length"),
    (lambda: smooth_tangentially(BALL.v, BALL.f, 1.5), r"amount must be in \(0, 1\], got 1.5"),
])
def test_what_else_is_refused(call, error):
    with pytest.raises(ValueError, match=error):
        call()
