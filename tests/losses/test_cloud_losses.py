import pickle
from functools import partial

import numpy as np
import pytest
from scipy.spatial import cKDTree

from opendr_lite import losses
from opendr_lite.ch import Ch
from tests import derivatives
from tests.losses.meshes import MESHES, collapsed
from tests.reference import losses as twins

assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-7)


def clouds(n=12, m=9, dimensions=3):
    random = np.random.default_rng(2)
    return Ch(random.standard_normal((n, dimensions))), Ch(random.standard_normal((m, dimensions)))


def with_normals():
    x, y = clouds()
    return x, y, *(Ch(np.random.default_rng(3).standard_normal(points.shape)) for points in (x, y))


# ---------------------------------------------------------------------- chamfer

@pytest.mark.parametrize("dimensions", [1, 2, 3, 5])
@pytest.mark.parametrize("norm", [1, 2])
def test_chamfer_distance_of_all_pairs(dimensions, norm):
    x, y = clouds(dimensions=dimensions)
    distance, normals = losses.chamfer_distance(x, y, norm=norm)
    np.testing.assert_allclose(distance.r, twins.chamfer(x.r, y.r, norm), rtol=1e-13)
    assert normals is None
    assert_derivative(distance, x, y)


@pytest.mark.parametrize("options", [{}, {"point_reduction": "sum"}, {"single_directional": True},
                                     {"x_weights": np.arange(12), "y_weights": np.full(9, 0.3)},
                                     {"x_weights": np.arange(12), "point_reduction": "sum"}])
def test_chamfer_residuals_add_up_to_the_distance(options):
    x, y, m, n = with_normals()
    points = losses.chamfer_residuals(x, y, **options)
    normals = losses.chamfer_normal_residuals(x, y, m, n, **options)
    both = losses.chamfer_distance(x, y, m, n, **options)
    np.testing.assert_allclose(np.sum(points.r ** 2), both.distance.r, rtol=1e-13)
    np.testing.assert_allclose(np.sum(normals.r ** 2), both.normals.r, rtol=1e-13)
    assert_derivative(points, x, y)
    assert_derivative(normals, m, n)
    assert_derivative(both.normals, m, n)
    assert np.diff(points.dr_wrt(x).indptr).max() == 1


def test_weights_count_points_as_often():
    x, y = clouds()
    twice = np.where(np.arange(12) < 4, 2.0, 1.0)
    weighted = losses.chamfer_distance(x, y, x_weights=twice, single_directional=True).distance
    repeated = losses.chamfer_distance(np.concatenate((x.r, x.r[:4])), y, single_directional=True).distance
    np.testing.assert_allclose(weighted.r, repeated.r, rtol=1e-14)


def test_normals_are_compared_with_those_of_the_nearest():
    x, y = Ch([[0.0, 0, 0], [5, 0, 0]]), Ch([[0.1, 0, 0], [5.1, 0, 0]])
    m, n = Ch([[0.0, 0, 2], [1, 0, 0]]), Ch([[0.0, 0, -3], [1, 1, 0]])
    expected = 0.5 * (1 - np.sqrt(0.5))
    np.testing.assert_allclose(losses.chamfer_distance(x, y, m, n).normals.r, 2 * expected, rtol=1e-14)
    signed = losses.chamfer_distance(x, y, m, n, abs_cosine=False)
    residuals = losses.chamfer_normal_residuals(x, y, m, n, abs_cosine=False)
    np.testing.assert_allclose(signed.normals.r, 2 * (expected + 0.5 * 2), rtol=1e-14)
    np.testing.assert_allclose(np.sum(residuals.r ** 2), signed.normals.r, rtol=1e-14)


def test_nearest_points_are_found_anew_when_points_move():
    x, y = Ch([[0.0, 0, 0]]), Ch([[1.0, 0, 0], [-2, 0, 0]])
    residuals = losses.chamfer_residuals(x, y, single_directional=True)
    np.testing.assert_array_equal(residuals.r, [[-1, 0, 0]])
    x[0, 0] = -1.5
    np.testing.assert_array_equal(residuals.r, [[0.5, 0, 0]])
    y[1, 0] = 3
    np.testing.assert_array_equal(residuals.r, [[-2.5, 0, 0]])
    np.testing.assert_array_equal(residuals.dr_wrt(y).toarray(), -np.eye(3, 6))


def test_identical_clouds_do_not_pull():
    x, _ = clouds()
    same = Ch(x.r[::-1])
    for norm in (1, 2):
        distance = losses.chamfer_distance(x, same, norm=norm).distance
        np.testing.assert_array_equal(distance.r, 0)
        np.testing.assert_array_equal(distance.vjp(x, 1.0), 0)
        np.testing.assert_array_equal(distance.vjp(same, 1.0), 0)
    itself = losses.chamfer_distance(x, x).distance
    np.testing.assert_array_equal(itself.vjp(x, 1.0), 0)


def test_normals_of_length_zero_have_no_derivative():
    x, y, m, n = with_normals()
    m[0] = 0.0
    normals = losses.chamfer_distance(x, y, m, n).normals
    assert np.isfinite(normals.r)
    np.testing.assert_array_equal(normals.vjp(m, 1.0)[:3], 0)


def test_of_points_in_one_place_the_first_is_the_nearest(monkeypatch):
    """And they are searched as one: all to all, a cloud padded with zeros would take the square of their number."""
    sizes = []

    def tree(points):
        sizes.append(len(points))
        return cKDTree(points)

    monkeypatch.setattr(losses.chamfer, "cKDTree", tree)
    y = Ch(np.array([[1.0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]))
    x = Ch([[0.1, 0.2, 0.0]])
    distance = losses.chamfer_distance(x, y, single_directional=True).distance
    np.testing.assert_allclose(distance.vjp(y, 1.0).reshape(-1, 3)[1], [-0.2, -0.4, 0])
    assert sizes == [2] and np.count_nonzero(distance.vjp(y, 1.0)) == 2


def test_chamfer_pickles():
    x, y, m, n = with_normals()
    for node in losses.chamfer_distance(x, y, m, n):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(node)).r, node.r)


@pytest.mark.parametrize("change, message", [
    ({"x": np.zeros((0, 3))}, "x must have shape .N, dimensions.*must not be empty"),
    ({"y": np.zeros(3)}, "y must have shape"),
    ({"y": np.zeros((4, 2))}, "same dimension"),
    ({"x": np.full((4, 3), np.nan)}, "x must be finite"),
    ({"y": np.full((4, 3), np.nan)}, "y must be finite"),
    ({"norm": 3}, "norm must be 1 or 2; got 3"),
    ({"point_reduction": "max"}, "point_reduction must be 'mean' or 'sum'; got 'max'"),
    ({"x_weights": np.ones(3)}, "x_weights must have one entry for each of the 12 points"),
    ({"y_weights": -np.ones(9)}, "y_weights must be finite, not negative"),
    ({"y_weights": np.zeros(9)}, "not all zero"),
    ({"x_normals": np.ones((12, 3))}, "both x_normals and y_normals"),
    ({"x_normals": np.ones((12, 3)), "y_normals": np.ones((12, 3))}, "y_normals must have a row for each of the 9"),
])
def test_wrong_clouds_are_refused(change, message):
    x, y = clouds()
    with pytest.raises(ValueError, match=message):
        losses.chamfer_distance(**{"x": x, "y": y, **change}).distance.r


# ---------------------------------------------------------------------- points and a mesh

def twin_of_distance(points, simplices):
    squares = twins.squared_distances(points, simplices)
    return squares.min(axis=1).mean() + squares.min(axis=0).mean()


def face_corners(v, f):
    return [[v[i] for i in face] for face in f]


def edge_ends(v, f):
    return [[v[i], v[j]] for i, j in twins.edges(f)]


KINDS = {"face": (losses.point_mesh_face_residuals, losses.point_mesh_face_distance, face_corners),
         "edge": (losses.point_mesh_edge_residuals, losses.point_mesh_edge_distance, edge_ends)}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@pytest.mark.parametrize("mesh", MESHES)
def test_distance_of_points_from_a_mesh(kind, mesh):
    v, f = MESHES[mesh]()
    points = Ch(0.9 * np.random.default_rng(6).standard_normal((30, 3)))
    make_residuals, make_distance, parts = KINDS[kind]
    residuals, distance = make_residuals(v, f, points), make_distance(v, f, points)
    np.testing.assert_allclose(distance.r, twin_of_distance(points.r, parts(v.r, f)), rtol=1e-12)
    np.testing.assert_allclose(np.sum(residuals.r ** 2), distance.r, rtol=1e-13)
    for node in (residuals, distance):
        assert_derivative(node, v, points)
    one_way = make_distance(v, f, points, single_directional=True)
    squares = twins.squared_distances(points.r, parts(v.r, f))
    np.testing.assert_allclose(one_way.r, squares.min(axis=1).mean(), rtol=1e-12)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(residuals)).r, residuals.r)


TRIANGLE = [[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize("point, closest", [
    ([0.5, 0.5, 1], [0.5, 0.5, 0]), ([0.5, 0.5, 0], [0.5, 0.5, 0]), ([1, -1, 0], [1, 0, 0]), ([2, 2, 0], [1, 1, 0]),
    ([-1, -1, 1], [0, 0, 0]), ([3, -1, 0], [2, 0, 0]), ([1, 0, 0], [1, 0, 0]), ([0, 0, 0], [0, 0, 0]),
    ([1, 0, -1], [1, 0, 0]),
])
def test_offset_of_a_point_in_each_region(point, closest):
    residuals = losses.point_mesh_face_residuals(TRIANGLE, [[0, 1, 2]], [point], single_directional=True)
    np.testing.assert_allclose(residuals.r, [np.subtract(point, closest)], atol=1e-15)


@pytest.mark.parametrize("point, moves", [([0.5, 0.5, 0], "z"), ([1, -1, 0], "yz"), ([-1, -1, 0], "xyz")])
def test_the_derivative_of_each_region_also_at_distance_zero(point, moves):
    p = Ch([point])
    residuals = losses.point_mesh_face_residuals(TRIANGLE, [[0, 1, 2]], p, single_directional=True)
    expected = np.diag([float(axis in moves) for axis in "xyz"])
    np.testing.assert_allclose(residuals.dr_wrt(p).toarray(), expected, atol=1e-15)


@every_kind
def test_points_on_the_mesh_do_not_pull(kind):
    v, f = MESHES["closed"]()
    points = Ch(np.concatenate((v.r, 0.5 * (v.r[f[:, 0]] + v.r[f[:, 1]]))))     # on vertices and on edges
    one_way = KINDS[kind][1](v, f, points, single_directional=True)
    np.testing.assert_allclose(one_way.r, 0, atol=1e-28)
    for wrt in (v, points):
        np.testing.assert_allclose(one_way.vjp(wrt, 1.0), 0, atol=1e-14)
        assert np.isfinite(KINDS[kind][0](v, f, points).dr_wrt(wrt).data).all()


@every_kind
def test_a_mesh_with_collapsed_faces(kind):
    v, f = collapsed()
    points = Ch(np.random.default_rng(1).standard_normal((20, 3)))
    make_residuals, make_distance, parts = KINDS[kind]
    corners = [[v.r[i] for i in face] for face in f] if kind == "face" else parts(v.r, f)
    segments = [[corner[i], corner[(i + 1) % 3]] for corner in corners[2:] for i in range(3)] if kind == "face" else []
    squares = twins.squared_distances(points.r, (corners[:2] if kind == "face" else corners) + segments)
    distance = make_distance(v, f, points, single_directional=True)
    np.testing.assert_allclose(distance.r, squares.min(axis=1).mean(), rtol=1e-12)
    assert np.isfinite(make_residuals(v, f, points).dr_wrt(v).data).all()
    assert_derivative(distance, points)


def test_small_faces_as_in_pytorch3d():
    point = [[0.5, 0.5, 1.0]]
    small = losses.point_mesh_face_distance(TRIANGLE, [[0, 1, 2]], point, min_triangle_area=2.01)
    exact = losses.point_mesh_face_distance(TRIANGLE, [[0, 1, 2]], point, min_triangle_area=1.99)
    np.testing.assert_allclose([small.r, exact.r], [2 * 1.25, 2 * 1])


@pytest.mark.parametrize("make, message", [
    (lambda v, f, p: losses.point_mesh_face_residuals(v, f, p[:0]), "points must have shape"),
    (lambda v, f, p: losses.point_mesh_face_distance(v, f, p[:, :2]), "points must have shape"),
    (lambda v, f, p: losses.point_mesh_face_distance(v, f[:0], p), "must have a face"),
    (lambda v, f, p: losses.point_mesh_edge_distance(v, [[0, 0, 0]], p), "no edges"),
    (lambda v, f, p: losses.point_mesh_edge_distance(v, f, p * np.nan), "points must be finite"),
    (lambda v, f, p: losses.point_mesh_edge_distance(np.multiply(v, np.inf), f, p), "v must be finite"),
    (lambda v, f, p: losses.point_mesh_face_distance(v, f, p, min_triangle_area=-1), "min_triangle_area must be"),
])
def test_wrong_points_and_meshes_are_refused(make, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        make(TRIANGLE, np.array([[0, 1, 2]]), np.zeros((4, 3))).r
