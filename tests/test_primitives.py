"""Each shape against its formula: where its vertices lie, how they are joined, what it encloses, its texture."""
import numpy as np
import pytest

from opendr_lite import primitives
from opendr_lite.primitives import cone, cube, cylinder, grid, icosphere, plane, tetrahedron, torus, uv_sphere
from opendr_lite.topology import get_half_edges, get_vertices_per_edge

CLOSED = {
    "icosahedron": icosphere(0), "icosphere": icosphere(2, 1.5), "uv_sphere": uv_sphere(6, 9),
    "octahedron": uv_sphere(2, 4),
    "cylinder": cylinder(0.5, 3.0, 7, 4), "prism": cylinder(sectors=3), "cone": cone(2.0, 1.0, 9, 3),
    "pyramid": cone(sectors=4), "cube": cube(), "box": cube((1, 2, 3), 4), "tetrahedron": tetrahedron(2.0),
    "torus": torus(1.0, 0.3, 11, 7)}
closed = pytest.mark.parametrize("mesh", CLOSED.values(), ids=CLOSED.keys())
textured = pytest.mark.parametrize("mesh", [mesh for mesh in [*CLOSED.values(), plane(2, (3, 2))]
                                            if mesh.vt is not None])


def signed_volume(v, f):
    return np.linalg.det(v[f]).sum() / 6


def areas(v, f):
    p0, p1, p2 = v[f].transpose(1, 0, 2)
    return np.linalg.norm(np.cross(p1 - p0, p2 - p0), axis=-1) / 2


@closed
def test_every_edge_has_two_faces_that_run_against_each_other(mesh):
    edge, _, forward = get_half_edges(mesh)
    np.testing.assert_array_equal(np.bincount(edge), 2)
    np.testing.assert_array_equal(np.bincount(edge, forward), 1)
    assert len(edge) == mesh.f.size, "a face uses a vertex twice"


@closed
def test_euler_characteristic(mesh):
    handles = 1 if mesh is CLOSED["torus"] else 0
    assert len(mesh.v) - len(get_vertices_per_edge(mesh)) + len(mesh.f) == 2 - 2 * handles


@closed
def test_faces_look_outward(mesh):
    assert signed_volume(mesh.v, mesh.f) > 0
    if mesh is not CLOSED["torus"]:            # the others are convex: every face sees the origin from behind
        assert (np.linalg.det(mesh.v[mesh.f]) > 0).all()


@closed
def test_no_two_vertices_are_in_one_place_and_none_is_unused(mesh):
    distance = np.linalg.norm(mesh.v[:, None] - mesh.v, axis=2)
    assert distance[~np.eye(len(mesh.v), dtype=bool)].min() > 1e-2
    np.testing.assert_array_equal(np.unique(mesh.f), np.arange(len(mesh.v)))
    assert areas(mesh.v, mesh.f).min() > 1e-3


@closed
def test_the_middle_is_the_origin(mesh):
    low, high = mesh.v.min(axis=0), mesh.v.max(axis=0)
    if mesh is CLOSED["box"]:
        np.testing.assert_allclose(high, [0.5, 1, 1.5], rtol=1e-15)
    np.testing.assert_allclose((low + high)[1], 0, atol=1e-15)


@pytest.mark.parametrize("mesh, num_verts, num_faces", [
    (icosphere(0), 12, 20), (icosphere(3), 642, 1280), (uv_sphere(), 15 * 32 + 2, 15 * 64), (uv_sphere(2, 3), 5, 6),
    (cube(), 8, 12), (cube(segments=3), 6 * 9 + 2, 6 * 18), (cylinder(sectors=5, rings=2), 17, 30),
    (cone(sectors=5, rings=2), 12, 20), (torus(sectors=5, sides=4), 20, 40), (tetrahedron(), 4, 4),
    (plane(), 4, 2), (plane(segments=(3, 2)), 12, 12)])
def test_sizes(mesh, num_verts, num_faces):
    assert mesh.v.shape == (num_verts, 3) and mesh.f.shape == (num_faces, 3)


@pytest.mark.parametrize("mesh", [icosphere(3, 2.0), uv_sphere(9, 14, 2.0), tetrahedron(2.0)])
def test_vertices_of_a_sphere_lie_on_it(mesh):
    np.testing.assert_allclose(np.linalg.norm(mesh.v, axis=1), 2, rtol=1e-15)


def test_an_icosphere_is_regular():
    lengths = np.linalg.norm(np.diff(icosphere(0).v[get_vertices_per_edge(icosphere(0))], axis=1), axis=-1)
    np.testing.assert_allclose(lengths, 1 / np.sin(2 * np.pi / 5), rtol=1e-14)
    mesh = icosphere(3)
    assert areas(mesh.v, mesh.f).max() < 1.5 * areas(mesh.v, mesh.f).min()


@pytest.mark.parametrize("make, exact", [
    (lambda n: icosphere(n // 12, 1.5), 4 / 3 * np.pi * 1.5 ** 3), (lambda n: uv_sphere(n, 2 * n), 4 / 3 * np.pi),
    (lambda n: cylinder(0.5, 3, n), np.pi * 0.75), (lambda n: cone(0.5, 3, n, 2), np.pi * 0.25),
    (lambda n: torus(1.0, 0.25, 2 * n, n), 2 * np.pi ** 2 / 16)])
def test_volumes_come_close_to_those_of_what_they_stand_for(make, exact):
    coarse, fine = (abs(signed_volume(mesh.v, mesh.f) - exact) / exact for mesh in (make(24), make(48)))
    assert fine < 0.01 and coarse / fine > 3.5


@pytest.mark.parametrize("mesh, volume", [(cube(3.0), 27), (cube((1, 2, 3), 4), 6), (cylinder(1, 2, 4), 4),
                                          (cone(1, 3, 4), 2), (tetrahedron(1.0), 8 / 9 / np.sqrt(3)),
                                          (uv_sphere(2, 4), 4 / 3)])
def test_volumes_of_what_is_exact(mesh, volume):
    np.testing.assert_allclose(signed_volume(mesh.v, mesh.f), volume, rtol=1e-14)


def test_round_shapes_stand_on_the_vertical_axis():
    assert cone(1.0, 4.0).v[0].tolist() == [0, 2, 0] and (cone(1.0, 4.0).v[1:, 1] == -2).all()
    assert np.ptp(cylinder(1.0, 4.0).v[:, 1]) == 4 and np.ptp(torus(2.0, 0.5).v[:, 1]) == 1
    np.testing.assert_allclose(np.hypot(np.hypot(*torus(2.0, 0.5).v[:, ::2].T) - 2, torus(2.0, 0.5).v[:, 1]), 0.5)


# ---------------------------------------------------------------------- the plane

def test_a_plane_faces_the_viewer_and_shows_its_texture_upright():
    mesh = plane((4, 2), (2, 1))
    assert mesh.v.tolist() == [[-2, 1, 0], [0, 1, 0], [2, 1, 0], [-2, -1, 0], [0, -1, 0], [2, -1, 0]]
    assert mesh.vt.tolist() == [[0, 1], [0.5, 1], [1, 1], [0, 0], [0.5, 0], [1, 0]]
    p0, p1, p2 = mesh.v[mesh.f].transpose(1, 0, 2)
    np.testing.assert_array_equal(np.cross(p1 - p0, p2 - p0), [[0, 0, 4]] * 4)
    edge, _, _ = get_half_edges(mesh)
    assert np.sort(np.bincount(edge)).tolist() == [1] * 6 + [2] * 3 and grid is plane


# ---------------------------------------------------------------------- textures

@textured
def test_every_texture_is_filled_and_not_mirrored(mesh):
    corners = mesh.vt[mesh.ft]
    across, along = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    signed = across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0]
    assert (signed > 0).all() and mesh.vt.min() == 0 and mesh.vt.max() == 1
    copies = 6 if mesh in (CLOSED["cube"], CLOSED["box"]) else 1
    assert 0.5 - 1e-9 < signed.sum() / 2 / copies < 1 + 1e-9            # a fan fills half of its row


@textured
def test_a_vertex_has_one_texture_point_but_on_seams(mesh):
    pairs = np.unique(np.column_stack((mesh.f.ravel(), mesh.ft.ravel())), axis=0)
    assert len(np.unique(mesh.ft)) == len(mesh.vt)
    assert len(pairs) >= len(mesh.v)


def test_a_map_of_the_earth_fits_a_uv_sphere():
    mesh = uv_sphere(12, 24)
    inner = slice(24, -24)                              # not the poles
    longitude, latitude = ((mesh.vt[inner] - 0.5) * [2 * np.pi, np.pi]).T
    expected = np.column_stack((np.cos(latitude) * np.sin(longitude), np.sin(latitude),
                                np.cos(latitude) * np.cos(longitude)))
    position = np.empty((len(mesh.vt), 3))
    position[mesh.ft.ravel()] = mesh.v[mesh.f.ravel()]
    np.testing.assert_allclose(position[inner], expected, atol=1e-14)


@pytest.mark.parametrize("axis, sign, right, up", [
    (2, 1, [1, 0, 0], [0, 1, 0]), (2, -1, [-1, 0, 0], [0, 1, 0]), (0, 1, [0, 0, -1], [0, 1, 0]),
    (0, -1, [0, 0, 1], [0, 1, 0]), (1, 1, [1, 0, 0], [0, 0, -1]), (1, -1, [1, 0, 0], [0, 0, 1])])
def test_each_side_of_a_cube_shows_the_texture(axis, sign, right, up):
    mesh = cube(2.0, 2)
    side = (mesh.v[mesh.f][:, :, axis] == sign).all(axis=1)
    assert side.sum() == 8
    v, vt = mesh.v[mesh.f[side]], mesh.vt[mesh.ft[side]]
    np.testing.assert_allclose(vt, 0.5 + 0.5 * v @ np.array([right, up]).T, atol=1e-15)


# ---------------------------------------------------------------------- bad input

@pytest.mark.parametrize("make, error, message", [
    (lambda: icosphere(-1), ValueError, "subdivisions must be at least 0, got -1"),
    (lambda: icosphere(2.5), TypeError, "subdivisions must be a whole number, got 2.5"),
    (lambda: icosphere(True), TypeError, "whole number"),
    (lambda: icosphere(1, 0.0), ValueError, "radius must be positive and finite, got 0.0"),
    (lambda: uv_sphere(1), ValueError, "rings must be at least 2"),
    (lambda: uv_sphere(5, 2), ValueError, "sectors must be at least 3"),
    (lambda: uv_sphere(radius=np.nan), ValueError, "radius must be positive"),
    (lambda: cylinder(height=-1), ValueError, "height must be positive"),
    (lambda: cone(rings=0), ValueError, "rings must be at least 1"),
    (lambda: torus(1.0, 1.0), ValueError, "tube_radius must be less than radius"),
    (lambda: torus(sides=2), ValueError, "sides must be at least 3"),
    (lambda: plane((1, 2, 3)), ValueError, "size must be one number or 2, got 3"),
    (lambda: plane(segments=(1, 0)), ValueError, "segments must be at least 1"),
    (lambda: cube("large"), TypeError, "size must be a number, got 'large'"),
    (lambda: cube((1, 2)), ValueError, "size must be one number or 3"),
    (lambda: tetrahedron(np.inf), ValueError, "radius must be positive and finite")])
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_all_shapes_are_meshes_with_their_own_arrays():
    for name in primitives.__all__:
        first, second = getattr(primitives, name)(), getattr(primitives, name)()
        assert type(first).__name__ == "Mesh" and not np.shares_memory(first.v, second.v)
