"""(1 + λ L) v = u: against a dense solution, derivative, adjoint, and what it is good for."""
import pickle

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.ch.linear_solvers.factorizations import FACTORIZATIONS
from opendr_lite.geometry import LargeSteps
from tests.reference.scene import bumpy_sphere

STRIP = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4]])


def dense_system(f, num_vertices, smoothing):
    """1 + λ L, entry by entry."""
    matrix = np.eye(num_vertices)
    edges = {frozenset((face[k], face[k - 1])) for face in f.tolist() for k in range(3)}
    for a, b in map(tuple, edges):
        matrix[[a, b], [a, b]] += smoothing
        matrix[[a, b], [b, a]] -= smoothing
    return matrix


def installed(name):
    try:
        FACTORIZATIONS[name](__import__("scipy.sparse").sparse.identity(2, format="csc"))
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("factorization", [pytest.param(name, marks=pytest.mark.skipif(
    not installed(name), reason="an optional extra")) for name in FACTORIZATIONS])
@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("smoothing", [0, 0.5, 19.0, 1000.0])
def test_is_the_solution(smoothing, columns, factorization):
    u = np.random.default_rng(0).standard_normal((6, columns))  # the last vertex has no face
    node = LargeSteps(u, STRIP, smoothing, factorization)
    np.testing.assert_allclose(node.r, np.linalg.solve(dense_system(STRIP, 6, smoothing), u), atol=1e-12)
    np.testing.assert_array_equal(node.r[5], u[5])


def test_derivative_and_adjoint():
    v, f = bumpy_sphere(30, 1)
    node = LargeSteps(v, f, smoothing=3.0)
    assert ch.check_jacobian(node, node.u).ok()
    x, y = np.random.default_rng(0).standard_normal((2, v.size))
    assert node.jvp(node.u, x) @ y == pytest.approx(x @ node.vjp(node.u, y), rel=1e-12)
    both = node.vjp(node.u, np.stack([x, y], axis=1))
    np.testing.assert_allclose(both, np.stack([node.vjp(node.u, x), node.vjp(node.u, y)], axis=1), atol=1e-14)


def test_starts_where_it_is_told():
    v, f = bumpy_sphere(50, 1)
    for start in (v, ch.array(v)):
        node = LargeSteps.starting_at(start, f, smoothing=40.0)
        np.testing.assert_allclose(node.r, v, atol=1e-12)
        assert node.smoothing == 40.0 and node.u is not start
    again = pickle.loads(pickle.dumps(node))
    again.u[3, 0] = 10.0
    assert np.abs(again.r - v).max() > 0.01 and np.abs(node.r - v).max() < 1e-12


def test_smoothing_may_change():
    node = LargeSteps(np.eye(6)[:, :3], STRIP, smoothing=1.0)
    _ = node.r
    node.smoothing = 2.0
    np.testing.assert_allclose(node.r, np.linalg.solve(dense_system(STRIP, 6, 2.0), np.eye(6)[:, :3]), atol=1e-14)
    node.f = STRIP[:2]
    np.testing.assert_allclose(node.r, np.linalg.solve(dense_system(STRIP[:2], 6, 2.0), np.eye(6)[:, :3]), atol=1e-14)


def test_one_pull_moves_the_neighbourhood():
    """The first step that a pull at one vertex makes falls off over the surface."""
    v, f = bumpy_sphere(200, 1)
    shape = LargeSteps.starting_at(v, f, smoothing=1.0)
    ch.minimize(shape[0] - 2.0 * v[0], [shape.u], method="sgd", options={"step": 0.1, "maxiter": 1})
    moved = np.linalg.norm(shape.r - v, axis=1)
    ring = np.setdiff1d(f[(f == 0).any(axis=1)], [0])
    far = np.argmax(np.linalg.norm(v - v[0], axis=1))
    assert moved[0] > moved[ring].max() and moved[ring].min() > 10 * moved[far] > 0


def test_what_pulls_at_few_vertices_moves_the_surface_between_them():
    """Fits to every tenth vertex: both get there, but without the smoothing those vertices become spikes."""
    v, f = bumpy_sphere(100, 1)
    target = 1.2 * v[::10]
    smoothed, plain = LargeSteps.starting_at(v, f), ch.array(v)
    options = {"schedule": "cosine", "maxiter": 300}
    for node, variable, own in ((smoothed, smoothed.u, {"uniform": True, "step": 0.3}), (plain, plain, {"step": 0.01})):
        result = ch.minimize(node[::10] - target, [variable], method="adam", options={**options, **own})
        assert result.fun < 1e-3 * np.sum((target - v[::10]) ** 2)
    laplacian = dense_system(f, len(v), 1.0) - np.eye(len(v))
    roughness = [np.sum((laplacian @ (node.r - v)) ** 2) for node in (smoothed, plain)]
    assert roughness[0] < 0.1 * roughness[1]


@pytest.mark.parametrize("terms, error, message", [
    ({"smoothing": -1.0}, ValueError, "smoothing must be a number that is not negative, got -1.0"),
    ({"smoothing": np.inf}, ValueError, "smoothing must be"), ({"smoothing": "much"}, ValueError, "smoothing must be"),
    ({"u": np.ones(6)}, ValueError, r"u must have shape \(V, C\), a row for each vertex, got \(6,\)"),
    ({"u": np.full((6, 3), np.nan)}, ValueError, "u must be finite"),
    ({"f": [[0, 1, 6]]}, ValueError, "f must index the 6 rows"), ({"f": None}, AttributeError, "needs f"),
    ({"factorization": "qr"}, ValueError, "factorization must be one of 'splu'")])
def test_what_is_refused(terms, error, message):
    node = LargeSteps(**{"u": np.ones((6, 3)), "f": STRIP, **terms})
    with pytest.raises(error, match=message):
        _ = node.r
