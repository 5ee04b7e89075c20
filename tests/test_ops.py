"""Operations on meshes, against loops over their vertices and faces."""
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from opendr_lite import Mesh, ch, geometry, ops
from opendr_lite.ch import Ch
from opendr_lite.primitives import cube, icosphere, plane, tetrahedron, torus, uv_sphere
from opendr_lite.topology import get_half_edges, get_vertices_per_edge, midpoint_weights
from tests.derivatives import assert_derivative


def full_mesh(make=uv_sphere, seed=0, **arguments):
    """A mesh with everything that a mesh may have."""
    random, mesh = np.random.default_rng(seed), make(**arguments)
    mesh.vc, mesh.fc = random.random(mesh.v.shape), random.random(mesh.f.shape)
    mesh.vn, mesh.fn = random.standard_normal((5, 3)), random.integers(5, size=mesh.f.shape)
    mesh.groups = {"even": np.arange(0, len(mesh.f), 2), "first": np.array([0])}
    mesh.materials = {"paint": {"Kd": np.ones(3)}}
    mesh.texture_image, mesh.texture_filepath = np.random.default_rng(seed).random((2, 4, 3)), "picture.png"
    return Mesh.of(mesh)


def volume(mesh):
    return np.linalg.det(mesh.v[mesh.f]).sum() / 6


# ---------------------------------------------------------------------- sampling

def test_sampled_points_are_weighted_corners_and_move_with_them():
    mesh = torus(sectors=7, sides=5)
    v = Ch(mesh.v)
    points = ops.sample_points(v, mesh.f, 40, seed=3)
    for x, face, b in zip(points.r, points.face, points.barycentric):
        np.testing.assert_allclose(x, sum(b[k] * mesh.v[mesh.f[face, k]] for k in range(3)), atol=1e-15)
    assert (points.barycentric >= 0).all()
    v.x = 2 * mesh.v + 1
    np.testing.assert_allclose(points.r, 2 * ops.sample_points(mesh.v, mesh.f, 40, seed=3).r + 1, atol=1e-14)


def test_derivatives_of_sampled_points_and_normals():
    mesh = icosphere(1)
    v = Ch(mesh.v * [1.0, 0.7, 1.3])
    points = ops.sample_points(v, mesh.f, 30)
    assert_derivative(points, v)
    assert_derivative(points.normals, v)
    assert points.dr_wrt(v).nnz <= 9 * 30
    assert_derivative(ops.SurfacePoints(v.reshape(-1), mesh.f, points.face, points.barycentric), v)


def test_normals_of_sampled_points_are_those_of_their_faces():
    mesh = cube()
    points = ops.sample_points(mesh.v, mesh.f, 50)
    side = np.where(np.abs(points.r) > 1 - 1e-12, np.sign(points.r), 0)
    np.testing.assert_allclose(points.normals.r, side, atol=1e-12)


def test_sampled_points_are_even():
    """In a rectangle of unequal triangles, each quarter gets its share, to four standard deviations."""
    v = np.array([[0.0, 0, 0], [4, 0, 0], [4, 2, 0], [0, 2, 0], [1, 0.5, 0]])
    f = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4], [2, 2, 2], [0, 1, 1]])
    points = ops.sample_points(v, f, 40000, seed=1)
    assert set(points.face) == {0, 1, 2, 3}
    counts = np.histogram2d(*points.r[:, :2].T, bins=(8, 4), range=((0, 4), (0, 2)))[0]
    expected = 40000 / 32
    assert np.abs(counts - expected).max() < 4 * np.sqrt(expected)


def test_seeds():
    mesh = cube()
    points = [ops.sample_points(mesh.v, mesh.f, 10, seed).r for seed in (0, 0, 1, np.random.default_rng(0))]
    assert (points[0] == points[1]).all() and (points[0] == points[3]).all() and (points[0] != points[2]).any()


def test_attributes_at_sampled_points():
    mesh = icosphere(1)
    points = ops.sample_points(mesh.v, mesh.f, 20)
    colours = Ch(mesh.v + 3)
    np.testing.assert_allclose(points.of(colours).r, points.r + 3, rtol=1e-14)
    assert_derivative(points.of(colours), colours)


def test_no_points_and_copies():
    mesh = cube()
    assert ops.sample_points(mesh.v, mesh.f, 0).shape == (0, 3)
    points = ops.sample_points(mesh.v, mesh.f, 5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(points)).r, points.r)


@pytest.mark.parametrize("make, error, message", [
    (lambda v, f: ops.sample_points(0 * v, f, 5), ValueError, "no area to sample points on: 12 faces"),
    (lambda v, f: ops.sample_points(v, f[:0], 5), ValueError, "no area to sample points on: 0 faces"),
    (lambda v, f: ops.sample_points(np.full_like(v, np.nan), f, 5), ValueError, "v must be finite"),
    (lambda v, f: ops.sample_points(v, f + 1, 5), ValueError, "must index the 8 rows"),
    (lambda v, f: ops.sample_points(v, f, -1), ValueError, "count must be a whole number"),
    (lambda v, f: ops.sample_points(v, f, 2.0), ValueError, "count must be a whole number"),
    (lambda v, f: ops.SurfacePoints(v, f, [12], [[1, 0, 0]]).r, ValueError, "face must index the 12 faces, got 12"),
    (lambda v, f: ops.SurfacePoints(v, f, [0.5], [[1, 0, 0]]).r, TypeError, "face must be an integer array"),
    (lambda v, f: ops.SurfacePoints(v, f, [0], [1, 0, 0]).r, ValueError, r"barycentric must have shape \(1, 3\)"),
    (lambda v, f: ops.SurfacePoints(v, f, [0], [[1, 1, 0]]).r, ValueError, "sum to 1"),
    (lambda v, f: ops.SurfacePoints(v, f, [0], [[1, np.nan, 0]]).r, ValueError, "finite"),
    (lambda v, f: ops.SurfacePoints(v, f).r, AttributeError, "SurfacePoints needs face"),
    (lambda v, f: ops.SurfacePoints(v[:, :2], f, [0], [[1, 0, 0]]).r, ValueError, "v must have shape")])
def test_what_cannot_be_sampled(make, error, message):
    with pytest.raises(error, match=message):
        make(cube().v, cube().f)


# ---------------------------------------------------------------------- subdivision

@pytest.mark.parametrize("rule", ["midpoint", "loop"])
@pytest.mark.parametrize("mesh", [icosphere(0), cube(), plane(segments=2)], ids=["ball", "cube", "plane"])
def test_subdivision_is_a_linear_function_of_the_vertices(mesh, rule):
    v = Ch(mesh.v)
    node = ops.Subdivided(v, mesh.f, levels=2, rule=rule)
    assert_derivative(node, v, tolerance=1e-8)
    assert node.faces.shape == (16 * len(mesh.f), 3) and node.faces.dtype == np.uint32
    moved = ops.Subdivided(2 * mesh.v + [1, 2, 3], mesh.f, levels=2, rule=rule)
    np.testing.assert_allclose(moved.r, 2 * node.r + [1, 2, 3], atol=1e-13)


@pytest.mark.parametrize("mesh", [tetrahedron(), plane(segments=(2, 3))], ids=["tetrahedron", "plane"])
def test_midpoints(mesh):
    weights, faces = midpoint_weights(mesh)
    middles = np.array([(mesh.v[a] + mesh.v[b]) / 2 for a, b in get_vertices_per_edge(mesh)])
    np.testing.assert_allclose(weights @ mesh.v, np.vstack((mesh.v, middles)), atol=1e-15)
    new = weights @ mesh.v
    for face, children in zip(mesh.f, faces.reshape(-1, 4, 3)):
        normal = np.cross(*(mesh.v[face[1:]] - mesh.v[face[0]]))
        assert [corner for child, corner in zip(children[[2, 0, 1]], face) if corner in child] == face.tolist()
        for child in children:
            np.testing.assert_allclose(np.cross(*(new[child[1:]] - new[child[0]])), normal / 4, atol=1e-15)


def test_loop_agrees_with_the_subdivider_of_topology():
    from opendr_lite.topology import loop_subdivider
    mesh = cube(segments=2)
    subdivider, faces = loop_subdivider(mesh)
    node = ops.Subdivided(mesh.v, mesh.f, rule="loop")
    np.testing.assert_allclose(node.r.ravel(), subdivider @ mesh.v.ravel(), atol=1e-15)
    np.testing.assert_array_equal(node.faces, faces)


def test_midpoints_keep_the_surface_and_loop_shrinks_it():
    assert volume(ops.subdivide(cube(), 3)) == pytest.approx(8, rel=1e-14)
    assert 2 < volume(ops.subdivide(cube(), 3, "loop")) < 5


def test_all_that_a_mesh_has_is_subdivided():
    mesh = full_mesh(rings=4, sectors=5)
    fine = ops.subdivide(mesh, 2)
    np.testing.assert_array_equal(fine.fc, np.repeat(mesh.fc, 16, axis=0))
    np.testing.assert_array_equal(fine.groups["even"], np.flatnonzero(np.arange(len(fine.f)) // 16 % 2 == 0))
    assert fine.vn is None and fine.texture_filepath == "picture.png" and len(mesh.f) * 16 == len(fine.f)
    for coarse_face, faces, textures in zip(range(len(mesh.f)), fine.f.reshape(-1, 16, 3), fine.ft.reshape(-1, 16, 3)):
        corners, texture = mesh.v[mesh.f[coarse_face]], mesh.vt[mesh.ft[coarse_face]]
        weights = np.linalg.lstsq(np.vstack((corners.T, np.ones(3))),
                                  np.vstack((fine.v[faces.ravel()].T, np.ones(48))), rcond=None)[0]
        np.testing.assert_allclose(fine.vt[textures.ravel()], weights.T @ texture, atol=1e-13)
        np.testing.assert_allclose(fine.vc[faces.ravel()], weights.T @ mesh.vc[mesh.f[coarse_face]], atol=1e-13)


def test_no_levels_and_textures_with_degenerate_faces():
    np.testing.assert_array_equal(ops.subdivide(cube(), 0).f, cube().f)
    mesh = Mesh(np.eye(3), [[0, 1, 2]], vt=[[0.0, 0], [1, 1]], ft=[[0, 0, 1]])
    np.testing.assert_allclose(ops.subdivide(mesh).vt[ops.subdivide(mesh).ft[3]], [[0, 0], [0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize("make, message", [
    (lambda mesh: ops.subdivide(mesh, rule="butterfly"), "rule must be one of 'midpoint', 'loop', got 'butterfly'"),
    (lambda mesh: ops.subdivide(mesh, -1), "levels must be a whole number"),
    (lambda mesh: ops.Subdivided(mesh.v, mesh.f, levels=1.5).r, "levels must be a whole number"),
    (lambda mesh: ops.Subdivided(mesh.v[:4], mesh.f).r, "must index the 4 rows"),
    (lambda mesh: ops.Subdivided(mesh.v, [[0, 1, 1]], rule="loop").r, "three different vertices")])
def test_what_cannot_be_subdivided(make, message):
    with pytest.raises(ValueError, match=message):
        make(cube())


# ---------------------------------------------------------------------- components, parts, joining

def test_joined_meshes_come_apart_again():
    meshes = [full_mesh(uv_sphere, rings=3, sectors=4), full_mesh(cube), full_mesh(torus, sectors=3, sides=3)]
    joined = ops.join(meshes)
    components = ops.connected_components(joined)
    assert components.count == 3
    np.testing.assert_array_equal(components.of_vertex, np.repeat(np.arange(3), [len(mesh.v) for mesh in meshes]))
    np.testing.assert_array_equal(components.of_face, np.repeat(np.arange(3), [len(mesh.f) for mesh in meshes]))
    for mesh, part in zip(meshes, ops.split(joined)):
        for name in ("v", "f", "vt", "ft", "vc", "fc", "texture_image"):
            np.testing.assert_array_equal(getattr(part, name), getattr(mesh, name), err_msg=name)
        np.testing.assert_array_equal(part.vn[part.fn], mesh.vn[mesh.fn])
        assert {name: group.tolist() for name, group in part.groups.items()} == {
            name: group.tolist() for name, group in mesh.groups.items()}
        assert list(part.materials) == ["paint"] and part.texture_filepath == "picture.png"


def test_what_only_some_have_is_left_out():
    joined = ops.join([full_mesh(cube), icosphere(0), SimpleNamespace(v=Ch(np.eye(3)), f=[[0, 1, 2]])])
    assert repr(joined) == "<Mesh of 23 vertices and 33 faces, with materials>"
    np.testing.assert_array_equal(joined.f[-1], [20, 21, 22])


def test_meshes_with_different_textures_are_not_joined():
    with pytest.raises(ValueError, match="different textures"):
        ops.join([full_mesh(cube), full_mesh(cube, seed=1)])
    with pytest.raises(ValueError, match="nothing to join"):
        ops.join([])


def test_components_of_vertices_without_faces():
    mesh = Mesh(np.arange(18.0).reshape(6, 3), [[4, 5, 2], [2, 2, 1]])
    components = ops.connected_components(mesh)
    assert components.count == 3 and components.of_vertex.tolist() == [0, 1, 1, 2, 1, 1]
    assert len(ops.split(mesh)) == 1


def test_a_submesh_has_the_faces_in_the_order_asked_for():
    mesh = full_mesh(cube)
    part = ops.submesh(mesh, [5, 2, 2])
    for name, index in (("v", "f"), ("vt", "ft"), ("vn", "fn"), ("vc", "f")):
        np.testing.assert_array_equal(getattr(part, name)[getattr(part, index)],
                                      getattr(mesh, name)[getattr(mesh, index)[[5, 2, 2]]])
    np.testing.assert_array_equal(part.fc, mesh.fc[[5, 2, 2]])
    assert part.groups["even"].tolist() == [1, 2] and part.groups["first"].tolist() == []
    assert ops.submesh(mesh, np.arange(12) == 3).f.shape == (1, 3) and ops.submesh(mesh, []).f.shape == (0, 3)


def test_texture_points_without_an_index_belong_to_the_vertices():
    mesh = plane(segments=2)
    mesh.ft = None
    for other in (ops.submesh(mesh, [0, 5]), ops.weld(mesh).mesh, ops.join([mesh, mesh]), ops.subdivide(mesh)):
        np.testing.assert_allclose(other.vt[other.ft], other.v[other.f][:, :, :2] / 2 + 0.5)
    mesh.vt = mesh.vt[:3]                                # rows that nothing uses
    for other in (ops.submesh(mesh, [0, 5]), ops.weld(mesh).mesh, ops.join([mesh, mesh]), ops.subdivide(mesh)):
        assert other.vt is None and other.ft is None


@pytest.mark.parametrize("faces, error", [([12], ValueError), ([-1], ValueError), ([0.5], TypeError),
                                          ([[0, 1]], TypeError), ([True, False], TypeError)])
def test_faces_that_a_mesh_does_not_have(faces, error):
    with pytest.raises(error, match="faces must"):
        ops.submesh(cube(), faces)


# ---------------------------------------------------------------------- weld

def soup(mesh):
    """Every face with vertices of its own."""
    return Mesh(mesh.v[mesh.f].reshape(-1, 3), np.arange(mesh.f.size).reshape(-1, 3))


@pytest.mark.parametrize("mesh", [cube(segments=3), icosphere(1), torus(sectors=5, sides=4)])
@pytest.mark.parametrize("noise, distance", [(0.0, 0.0), (0.0, 1e-6), (1e-4, 1e-3)])
def test_a_soup_of_triangles_is_welded_to_the_mesh_that_it_was(mesh, noise, distance):
    loose = soup(mesh)
    loose.v += noise * np.random.default_rng(0).uniform(-1, 1, loose.v.shape)
    welded, index, kept = ops.weld(loose, distance)
    assert len(welded.v) == len(mesh.v) and len(welded.f) == len(mesh.f)
    np.testing.assert_array_equal(welded.v, loose.v[kept])
    np.testing.assert_array_equal(index[loose.f], welded.f)
    np.testing.assert_allclose(welded.v[index], loose.v, atol=2 * np.sqrt(3) * noise + 1e-15)
    assert (np.diff(kept) > 0).all() and (np.bincount(get_half_edges(welded)[0]) == 2).all()


def test_welding_against_a_loop_over_pairs():
    random = np.random.default_rng(4)
    mesh = Mesh(random.random((60, 3)), random.integers(60, size=(80, 3)))
    cluster = np.arange(60)
    for i in range(60):
        for j in range(i):
            if np.linalg.norm(mesh.v[i] - mesh.v[j]) <= 0.15:
                a, b = sorted((cluster[i], cluster[j]))
                cluster[cluster == b] = a
    welded, index, kept = ops.weld(mesh, 0.15)
    assert len(kept) < 55
    np.testing.assert_array_equal(kept[index], cluster)
    faces = [face for face in cluster[mesh.f].tolist() if len(set(face)) == 3]
    np.testing.assert_array_equal(kept[welded.f], faces)


def test_a_welded_mesh_keeps_its_texture_and_is_differentiable():
    mesh = full_mesh(cube)
    loose = ops.join([ops.submesh(mesh, [face]) for face in range(12)])
    welded, _, kept = ops.weld(loose)
    np.testing.assert_array_equal(welded.vt[welded.ft], mesh.vt[mesh.ft])
    np.testing.assert_array_equal(welded.fc, mesh.fc)
    assert welded.groups["even"].tolist() == mesh.groups["even"].tolist()
    v = Ch(loose.v)
    np.testing.assert_array_equal(v[kept].r, welded.v)
    assert v[kept].dr_wrt(v).shape == (24, 108)


def test_many_vertices_in_one_place():
    mesh = Mesh(np.tile([[1.0, -0.0, 0], [1, 0, 0], [0, 1, 0]], (4000, 1)), np.arange(12000).reshape(-1, 3))
    assert len(ops.weld(mesh).kept) == 2 and len(ops.weld(mesh, 0.1).kept) == 2 and ops.weld(mesh).mesh.f.size == 0


@pytest.mark.parametrize("distance", [-1.0, np.nan, np.inf])
def test_distances_that_are_none(distance):
    with pytest.raises(ValueError, match="distance must be finite and not negative"):
        ops.weld(cube(), distance)


# ---------------------------------------------------------------------- batches

def test_packed_and_padded_meshes():
    meshes = [icosphere(0), cube(), plane()]
    packed = ops.pack(meshes)
    assert len(packed) == 3 and packed.vert_offsets.tolist() == [0, 12, 20, 24]
    assert packed.face_offsets.tolist() == [0, 20, 32, 34]
    padded = packed.pad()
    assert len(padded) == 3 and padded.v.shape == (3, 12, 3) and padded.f.shape == (3, 20, 3)
    for i, (mesh, one, two) in enumerate(zip(meshes, packed.unpack(), padded.unpad())):
        num_verts, num_faces = len(mesh.v), len(mesh.f)
        for part in (one, two):
            np.testing.assert_array_equal(part.v, mesh.v)
            np.testing.assert_array_equal(part.f, mesh.f)
        np.testing.assert_array_equal(padded.v[i, num_verts:], 0)
        np.testing.assert_array_equal(padded.f[i, num_faces:], -1)
        np.testing.assert_array_equal(packed.v[packed.mesh_of_vert == i], mesh.v)
        np.testing.assert_array_equal(packed.v[packed.f[packed.mesh_of_face == i]], mesh.v[mesh.f])
    repacked = ops.pack(padded.unpad())
    np.testing.assert_array_equal(repacked.f, packed.f)
    np.testing.assert_array_equal(ops.pad(meshes).f, padded.f)


def test_batches_of_nodes_are_nodes():
    v = Ch(cube().v)
    packed = ops.pack([(v, cube().f), icosphere(0), (2 * v, cube().f)])
    padded = packed.pad()
    for node in (packed.v, padded.v, packed.unpack()[2].v, padded.unpad()[2].v):
        assert_derivative(node, v, tolerance=1e-8)
    np.testing.assert_array_equal(padded.unpad()[2].v.r, 2 * cube().v)
    assert isinstance(ch.sum(padded.v), Ch)


def test_batches_with_an_empty_mesh():
    packed = ops.pack([cube(), (np.zeros((0, 3)), np.zeros((0, 3), int))])
    assert [len(part.f) for part in packed.pad().unpad()] == [12, 0] and packed.pad().v.shape == (2, 8, 3)


@pytest.mark.parametrize("meshes, message", [
    ([], "nothing to pack"), ([cube(), (np.zeros((4, 2)), [[0, 1, 2]])], r"mesh 1: v must have shape \(V, 3\)"),
    ([cube(), (np.zeros((2, 3)), [[0, 1, 2]])], "f of mesh 1 must index the 2 rows")])
def test_what_cannot_be_packed(meshes, message):
    with pytest.raises(ValueError, match=message):
        ops.pack(meshes)


# ---------------------------------------------------------------------- marching cubes

def distance_to_ball(size=12):
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, size)] * 3, indexing="ij"), axis=-1) * [1, 1, 0.5] + [0, 0, 1]
    return np.linalg.norm(grid - [0.1, 0, 1], axis=-1) - 0.4, np.array([2, 2, 1]) / (size - 1)


@pytest.mark.parametrize("sign, inside", [(1, "below"), (-1, "above")])
def test_marching_cubes_find_a_ball(sign, inside):
    pytest.importorskip("skimage")
    missing = []
    for size in (20, 40):
        distances, spacing = distance_to_ball(size)
        mesh = ops.marching_cubes(sign * distances, 0.0, spacing, (-1, -1, 0.5), inside)
        np.testing.assert_allclose(np.linalg.norm(mesh.v - [0.1, 0, 1], axis=1), 0.4, atol=5e-3)
        assert (np.bincount(get_half_edges(mesh)[0]) == 2).all()
        np.testing.assert_array_equal(np.unique(mesh.f), np.arange(len(mesh.v)))
        missing.append(1 - volume(mesh) / (4 / 3 * np.pi * 0.4 ** 3))
    assert 3 < missing[0] / missing[1] < 6 and 0 < missing[1] < 0.01     # vertices lie on the ball: error ~ spacing²


def test_marching_cubes_without_scikit_image_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ImportError, match=r"pip install opendr-lite\[volumes\]"):
        ops.marching_cubes(distance_to_ball()[0])


@pytest.mark.parametrize("arguments, message", [
    ({"volume": np.zeros((3, 3))}, r"volume must have shape \(X, Y, Z\)"), ({"level": 5.0}, "level must be between"),
    ({"level": np.nan}, "level must be between"), ({"inside": "left"}, "inside must be one of 'above', 'below'"),
    ({"spacing": (1, 1, 0)}, "spacing must be positive"), ({"origin": (0, 0)}, "origin must have 3 entries"),
    ({"volume": np.full((3, 3, 3), np.nan)}, "volume must be finite"), ({"volume": np.zeros((3, 3, 3))}, "level")])
def test_volumes_without_a_surface(arguments, message):
    with pytest.raises(ValueError, match=message):
        ops.marching_cubes(**{"volume": distance_to_ball()[0], **arguments})


def test_normals_are_those_of_geometry():
    assert ops.VertNormals is geometry.VertNormals and ops.TriNormals is geometry.TriNormals
