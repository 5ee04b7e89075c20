import pickle
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite import ch, losses
from opendr_lite.ch import Ch
from opendr_lite.geometry import Rodrigues
from opendr_lite.losses.hinges import find_hinges
from opendr_lite.losses.laplacian import Cotangents
from opendr_lite.topology import get_vert_connectivity, get_vertices_per_edge
from tests import derivatives
from tests.losses.meshes import LONELY, MESHES, collapsed
from tests.losses.test_against_pytorch3d import RECORDED
from tests.reference import losses as twins

assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-7)
every_mesh = pytest.mark.parametrize("mesh", MESHES)
every_weight = pytest.mark.parametrize("weights", ["uniform", "cot", "cotcurv"])


def at_rest(v):
    """Vertices a little off those of the mesh."""
    return v.r + 0.05 * np.random.default_rng(8).standard_normal(v.shape)


# Name -> the residual and the number that its squares add up to, as functions of v and f.
SUMS_OF_SQUARES = {
    "laplacian": (losses.laplacian_residuals, losses.laplacian_loss),
    "edge": (losses.edge_residuals, losses.mesh_edge_loss),
    "edge_length": (lambda v, f: losses.edge_length_residuals(v, f, 0.7),
                    lambda v, f: losses.mesh_edge_loss(v, f, 0.7)),
    "normal_consistency": (losses.normal_consistency_residuals, losses.mesh_normal_consistency),
    "flatten": (losses.flatten_residuals, losses.flatten_loss),
    "arap": (lambda v, f: losses.arap_residuals(v, f, at_rest(v)),
             lambda v, f: losses.arap_energy(v, f, at_rest(v))),
    "arap_uniform": (lambda v, f: losses.arap_residuals(v, f, at_rest(v), "uniform"),
                     lambda v, f: losses.arap_energy(v, f, at_rest(v), "uniform")),
}
OTHERS = {
    "laplacian_cot": lambda v, f: losses.laplacian_residuals(v, f, "cot"),
    "laplacian_cotcurv": lambda v, f: losses.laplacian_residuals(v, f, "cotcurv"),
    "laplacian_at_rest": lambda v, f: losses.laplacian_residuals(v, f, "cot", weights_at=at_rest(v)),
    "bilaplacian": losses.bilaplacian_residuals,
    "bilaplacian_cot": lambda v, f: losses.bilaplacian_residuals(v, f, "cot"),
    "smoothing": losses.mesh_laplacian_smoothing,
    "smoothing_cot": lambda v, f: losses.mesh_laplacian_smoothing(v, f, "cot", exact=True),
    "smoothing_cotcurv": lambda v, f: losses.mesh_laplacian_smoothing(v, f, "cotcurv", exact=True),
    "smoothing_residuals": lambda v, f: losses.mesh_laplacian_smoothing_residuals(v, f, "cot", exact=True),
}


@every_mesh
@pytest.mark.parametrize("name", [*SUMS_OF_SQUARES, *OTHERS])
def test_derivative(name, mesh):
    v, f = MESHES[mesh]()
    if name in OTHERS:
        assert_derivative(OTHERS[name](v, f), v)
    else:
        for node in SUMS_OF_SQUARES[name]:
            assert_derivative(node(v, f), v)


@every_mesh
@pytest.mark.parametrize("name", SUMS_OF_SQUARES)
def test_squares_of_residuals_add_up_to_the_number(name, mesh):
    v, f = MESHES[mesh]()
    residuals, number = (make(v, f) for make in SUMS_OF_SQUARES[name])
    assert number.shape == ()
    np.testing.assert_allclose(np.sum(residuals.r ** 2), number.r, rtol=1e-12)
    np.testing.assert_allclose(number.vjp(v, 1.0), 2 * residuals.vjp(v, residuals.r), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in [*SUMS_OF_SQUARES, *OTHERS] if not name.startswith("smoothing")])
def test_residuals_depend_on_vertices_nearby(name):
    v, f = Ch(RECORDED["v"]), RECORDED["f"]
    make = OTHERS[name] if name in OTHERS else SUMS_OF_SQUARES[name][0]
    joined = get_vert_connectivity(v.r, f) + sp.identity(len(v))
    rings = joined @ joined if "bilaplacian" in name else joined
    assert np.diff(make(v, f).dr_wrt(v).indptr).max() <= 3 * np.diff(rings.indptr).max()


@pytest.mark.parametrize("name", [*SUMS_OF_SQUARES, *OTHERS])
def test_flat_vertices_copies_and_pickles(name):
    v, f = MESHES["bordered"]()
    make = OTHERS[name] if name in OTHERS else SUMS_OF_SQUARES[name][0]
    node = make(v, f)
    again = pickle.loads(pickle.dumps(node))
    np.testing.assert_array_equal(again.r, node.r)
    if "arap" not in name and "rest" not in name:
        np.testing.assert_array_equal(make(v.ravel(), f).r, node.r)


# ---------------------------------------------------------------------- Laplacian

@every_mesh
@every_weight
def test_laplacian_is_that_of_the_papers(mesh, weights):
    v, f = MESHES[mesh]()
    expected = twins.differential_coordinates(v.r, f, weights)
    np.testing.assert_allclose(losses.laplacian_residuals(v, f, weights).r, expected, rtol=1e-10, atol=1e-12)
    lengths = np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(losses.mesh_laplacian_smoothing(v, f, weights).r, lengths.mean(), rtol=1e-10)
    smoothed = losses.mesh_laplacian_smoothing_residuals(v, f, weights, smoothing=0.1)
    np.testing.assert_allclose(np.sum(smoothed.r ** 2), np.mean(np.sqrt(lengths ** 2 + 0.01) - 0.1), rtol=1e-10)


def test_weights_that_are_constant():
    v, f = MESHES["closed"]()
    present = losses.laplacian_residuals(v, f, "cot", weights_at=v)
    exact = losses.laplacian_residuals(v, f, "cot")
    fixed = losses.laplacian_residuals(v, f, "cot", weights_at=v.r)
    v[:] = v.r + 0.1 * np.random.default_rng(1).standard_normal(v.shape)
    np.testing.assert_array_equal(present.r, exact.r)
    assert np.abs(fixed.r - exact.r).max() > 1e-2
    frozen = losses.laplacian_residuals(v, f, "cot", weights_at=v.r)
    np.testing.assert_allclose(present.dr_wrt(v).toarray(), frozen.dr_wrt(v).toarray(), rtol=0, atol=1e-14)
    assert np.abs(present.dr_wrt(v) - exact.dr_wrt(v)).max() > 1e-2


def test_laplacian_of_the_deformation_is_zero_for_a_shift():
    v, f = MESHES["closed"]()
    start = v.r.copy()
    kept = losses.laplacian_residuals(v - start, f, "cot", weights_at=start)
    v[:] = start + [1, -2, 3]
    np.testing.assert_allclose(kept.r, 0, atol=1e-14)


def test_cotangents_of_a_right_angle_and_its_neighbours():
    v = [[0.0, 0, 0], [2, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(Cotangents(v, [[0, 1, 2]]).r, [[0, 2, 0.5]], atol=1e-15)


def test_smoothing_of_a_sphere_points_inward():
    v, f = MESHES["closed"]()
    v[:] = v.r / np.linalg.norm(v.r, axis=1, keepdims=True)
    for weights in ("uniform", "cot", "cotcurv"):
        assert (np.sum(losses.laplacian_residuals(v, f, weights).r * v.r, axis=1) < 0).all()


# ---------------------------------------------------------------------- edges

@every_mesh
def test_edge_lengths(mesh):
    v, f = MESHES[mesh]()
    lengths = np.array([np.linalg.norm(v.r[a] - v.r[b]) for a, b in twins.edges(f)])
    np.testing.assert_allclose(losses.mesh_edge_loss(v, f).r, np.mean(lengths ** 2), rtol=1e-12)
    np.testing.assert_allclose(losses.mesh_edge_loss(v, f, 0.4).r, np.mean((lengths - 0.4) ** 2), rtol=1e-12)
    np.testing.assert_allclose(losses.mesh_edge_loss(v, f, lengths).r, 0, atol=1e-28)
    assert losses.edge_residuals(v, f).shape == (len(lengths), 3)


# ---------------------------------------------------------------------- hinges

@every_mesh
def test_bends(mesh):
    v, f = MESHES[mesh]()
    expected = twins.bends(v.r, f)
    bends = losses.flatten_residuals(v, f).r
    np.testing.assert_allclose(np.sort(bends), np.sort(expected), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(losses.mesh_normal_consistency(v, f).r, expected.mean(), rtol=1e-12)


def test_flatten_is_that_of_soft_rasterizer():
    v, f = MESHES["closed"]()
    cosines = [twins.cosine_of_wings(v.r, i, j, *twins.opposite_corners(f, i, j)) for i, j in twins.edges(f)]
    np.testing.assert_allclose(losses.flatten_loss(v, f).r, np.sum((np.array(cosines) + 1) ** 2), rtol=1e-10)


def test_a_right_angle_and_its_winding():
    v = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    for second in ([0, 3, 1], [0, 1, 3]):
        np.testing.assert_allclose(losses.flatten_residuals(v, [[0, 1, 2], second]).r, [1], atol=1e-15)
    folded = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.3, 0.8, 0]]
    for second in ([0, 3, 1], [0, 1, 3]):
        np.testing.assert_allclose(losses.flatten_residuals(folded, [[0, 1, 2], second]).r, [2], atol=1e-15)


def test_hinges_of_an_edge_with_several_faces():
    f = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4], [0, 5, 1], [2, 2, 0], [6, 7, 8]])
    first, second, alike = find_hinges(f, 9)
    assert list(zip(first, second)) == list(combinations(range(4), 2))
    assert alike.tolist() == [True, False, True, True, False, True]


# ---------------------------------------------------------------------- rigidity

@every_mesh
@pytest.mark.parametrize("weights", ["uniform", "cot"])
def test_arap_is_what_the_best_rotations_leave(mesh, weights):
    v, f = MESHES[mesh]()
    rest = at_rest(v)

    def weight(i, j):
        return 1.0 if weights == "uniform" else max(0.5 * twins.cotangent_weight(rest, f, i, j), 0.0)

    expected = twins.rigidity(v.r, f, rest, weight)
    np.testing.assert_allclose(losses.arap_energy(v, f, rest, weights).r, expected, rtol=1e-8)


def test_rigid_motion_costs_nothing():
    v, f = MESHES["bordered"]()
    rest = v.r.copy()
    v[:] = rest @ Rodrigues([2.0, -1, 0.5]).r.T + [3, 2, 1]
    residuals = losses.arap_residuals(v, f, rest)
    np.testing.assert_allclose(residuals.r, 0, atol=1e-14)
    turning = np.cross([0.3, -0.2, 0.7], v.r).ravel()
    np.testing.assert_allclose(residuals.jvp(v, turning), 0, atol=1e-13)


def test_a_mirror_image_is_not_rigid():
    v, f = MESHES["closed"]()
    rest = v.r.copy()
    v[:] = rest * [-1, 1, 1]
    assert losses.arap_energy(v, f, rest).r > 0.1


def test_arap_of_a_single_triangle_and_of_a_collapsed_mesh():
    v, f = Ch([[0.0, 0, 0], [1.2, 0, 0], [0, 1, 0.3]]), np.array([[0, 1, 2]])
    rest = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert_derivative(losses.arap_residuals(v, f, rest, "uniform"), v)
    v[:] = 0.0
    energy = losses.arap_energy(v, f, rest, "uniform")
    np.testing.assert_allclose(energy.r, 2 * (1 + 1 + 2))
    assert np.isfinite(energy.dr_wrt(v).data).all()
    assert np.isfinite(losses.arap_residuals(v, f, rest, "uniform").dr_wrt(v).data).all()


# ---------------------------------------------------------------------- limits

@pytest.mark.parametrize("name", [*SUMS_OF_SQUARES, *OTHERS])
def test_collapsed_faces_and_edges_give_finite_values_and_derivatives(name):
    v, f = collapsed()
    makers = [OTHERS[name]] if name in OTHERS else SUMS_OF_SQUARES[name]
    for make in makers:
        node = make(v, f)
        assert np.isfinite(node.r).all()
        assert np.isfinite(node.dr_wrt(v).data).all()


@every_weight
def test_a_vertex_without_faces_stays(weights):
    v, f = MESHES["bordered"]()
    residuals = losses.laplacian_residuals(v, f, weights)
    np.testing.assert_array_equal(residuals.r[LONELY], 0)
    assert residuals.dr_wrt(v)[:, 3 * LONELY:].nnz == 0
    assert residuals.dr_wrt(v)[3 * LONELY:].nnz == 0


def test_smoothing_where_a_vertex_is_at_the_mean_of_its_neighbours():
    v = Ch([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    f = [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]]
    smoothing = losses.mesh_laplacian_smoothing(v, f)
    np.testing.assert_allclose(smoothing.r, 4 / 5)   # the others are 1 away from theirs
    gradient = smoothing.vjp(v, 1.0).reshape(-1, 3)
    np.testing.assert_allclose(gradient, [[0, 0, 0], [0.2, 0, 0], [0, 0.2, 0], [-0.2, 0, 0], [0, -0.2, 0]], atol=1e-15)


def test_a_hinge_next_to_a_face_without_area_counts_one_and_pulls_nothing():
    v = Ch([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.5, 0, 0]])
    bend = losses.mesh_normal_consistency(v, [[0, 1, 2], [1, 0, 3]])
    np.testing.assert_array_equal(bend.r, 1)
    np.testing.assert_array_equal(bend.vjp(v, 1.0), 0)


def test_a_collapsed_edge_does_not_pull():
    v = Ch([[0.0, 0, 0], [0, 0, 0], [0, 1, 0]])
    loss = losses.mesh_edge_loss(v, [[0, 1, 2]], 1.0)
    np.testing.assert_allclose(loss.r, 1 / 3)
    np.testing.assert_array_equal(loss.vjp(v, 1.0), 0)


# ---------------------------------------------------------------------- wrong input

ALL = {**{name: makers[0] for name, makers in SUMS_OF_SQUARES.items() if "arap" not in name}, **OTHERS,
       "arap": lambda v, f: losses.arap_residuals(v, f, np.zeros((4, 3)))}
CORNERS = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("name", [name for name in ALL if "rest" not in name])
def test_what_is_no_mesh_is_refused(name):
    make = ALL[name]
    with pytest.raises(ValueError, match="must have a face"):
        make(CORNERS, np.zeros((0, 3), dtype=int)).r
    with pytest.raises(ValueError, match="f must index the 4 rows"):
        make(CORNERS, [[0, 1, 4]]).r
    with pytest.raises(ValueError, match=r"v must have shape \(V, 3\)"):
        make(np.zeros((4, 2)), [[0, 1, 2]]).r
    with pytest.raises(ValueError, match=r"v must have shape \(V, 3\)"):
        make(np.zeros((0, 3)), [[0, 1, 2]]).r
    with pytest.raises(TypeError, match="f must hold integers"):
        make(CORNERS, [[0.0, 1, 2]]).r
    with pytest.raises(ValueError, match="must be finite"):
        make(np.array(CORNERS) * np.nan, [[0, 1, 2], [1, 0, 3]]).r


@pytest.mark.parametrize("make, message", [
    (lambda v, f: losses.laplacian_residuals(v, f, "cotan"), "one of 'uniform', 'cot', 'cotcurv'; got 'cotan'"),
    (lambda v, f: losses.mesh_laplacian_smoothing(v, f, None), "one of 'uniform', 'cot', 'cotcurv'; got None"),
    (lambda v, f: losses.laplacian_residuals(v, f, "cot", weights_at=v[:3]), "weights_at must have a row for each"),
    (lambda v, f: losses.mesh_laplacian_smoothing_residuals(v, f, smoothing=0), "positive"),
    (lambda v, f: losses.edge_length_residuals(v, f, -1), "not negative"),
    (lambda v, f: losses.edge_length_residuals(v, f, np.nan), "finite"),
    (lambda v, f: losses.edge_length_residuals(v, f, [1, 2]), "one for each of the 5 edges"),
    (lambda v, f: losses.mesh_edge_loss(v, [[0, 0, 0]]), "no edges"),
    (lambda v, f: losses.flatten_residuals(v, f[:1]), "two faces that share an edge"),
    (lambda v, f: losses.arap_residuals(v, f, v.r[:3]), "rest must have a row for each vertex"),
    (lambda v, f: losses.arap_residuals(v, f, v.r * np.inf), "rest must be finite"),
    (lambda v, f: losses.arap_residuals(v, f, v.r, "cotangent"), "one of 'cot', 'uniform'; got 'cotangent'"),
])
def test_wrong_options_are_refused(make, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        make(Ch(CORNERS), np.array([[0, 1, 2], [1, 0, 3]]))


def test_edges_are_in_the_order_of_topology():
    v, f = MESHES["closed"]()
    pairs = get_vertices_per_edge(20, f)
    difference = (v.r[pairs[:, 1]] - v.r[pairs[:, 0]]) / np.sqrt(len(pairs))
    np.testing.assert_allclose(losses.edge_residuals(v, f).r, difference, rtol=1e-14)
    np.testing.assert_allclose(losses.edge_length_residuals(v, f).r, np.linalg.norm(difference, axis=1), rtol=1e-14)


def test_losses_add_up_like_numbers():
    v, f = MESHES["closed"]()
    total = losses.mesh_edge_loss(v, f) + 0.1 * losses.mesh_laplacian_smoothing(v, f) + ch.sum(v ** 2)
    assert_derivative(total, v)
