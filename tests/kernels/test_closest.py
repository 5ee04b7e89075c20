import numpy as np
import pytest

from opendr_lite.kernels.cpu.closest import closest_points, closest_simplices
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.losses import closest_on_triangle, squared_distances


def scattered(num_points, num_simplices, size, seed=0):
    random = np.random.default_rng(seed)
    corners = random.standard_normal((num_simplices, 1, 3)) + size * random.standard_normal((num_simplices, 3, 3))
    corners[::7, 2] = corners[::7, 1]                                        # an edge
    corners[3::7, 2] = 0.3 * corners[3::7, 0] + 0.7 * corners[3::7, 1]       # corners on a line
    corners[5::7] = corners[5::7, :1]                                        # a point
    return random.standard_normal((num_points, 3)), corners


@pytest.mark.parametrize("num_points, num_simplices, size", [(1, 1, 1), (40, 3, 1), (5, 70, 0.1), (60, 50, 0.5),
                                                             (30, 33, 3)])
def test_nothing_is_closer(num_points, num_simplices, size):
    points, corners = scattered(num_points, num_simplices, size)
    squares = squared_distances(points, [as_segments(simplex) for simplex in corners])
    simplex, weights = closest_simplices(points, corners)
    found = np.einsum("nk,nkx->nx", weights, corners[simplex])
    np.testing.assert_allclose(np.sum((points - found) ** 2, axis=1), squares.min(axis=1), rtol=1e-10)
    point, weights = closest_points(points, corners)
    found = np.einsum("nk,nkx->nx", weights, corners)
    np.testing.assert_allclose(np.sum((points[point] - found) ** 2, axis=1), squares.min(axis=0), rtol=1e-10)


def as_segments(simplex):
    """The longest side of a triangle without area, which is all of it; other triangles as they are."""
    sides = [(simplex[i], simplex[(i + 1) % 3]) for i in range(3)]
    if np.linalg.norm(np.cross(simplex[1] - simplex[0], simplex[2] - simplex[0])) > 1e-12:
        return simplex
    return max(sides, key=lambda side: np.linalg.norm(side[1] - side[0]))


def test_weights_are_barycentric_coordinates():
    points, corners = scattered(200, 100, 0.5)
    _, weights = closest_simplices(points, corners)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-15)
    used = (weights > 0).sum(axis=1)
    assert (used == 1).any() and (used == 2).any() and (used == 3).any()


def test_slivers():
    random = np.random.default_rng(4)
    corners = random.standard_normal((200, 3, 3))
    corners[:, 2] = 0.4 * corners[:, 0] + 0.6 * corners[:, 1] + 1e-9 * random.standard_normal((200, 3))
    points = random.standard_normal((200, 3))
    for point, simplex in zip(points, corners):
        _, weights = closest_simplices(point[None], simplex[None])
        ends = min((simplex[:2], simplex[1:], simplex[::2]), key=lambda e: squared_distances(point[None], [e])[0, 0])
        expected = squared_distances(point[None], [ends])[0, 0]
        np.testing.assert_allclose(np.sum((point - weights[0] @ simplex) ** 2), expected, rtol=1e-8)


def test_of_equals_the_first():
    corners = np.tile(np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]]), (40, 1, 1))
    simplex, _ = closest_simplices(np.array([[0.2, 0.2, 1.0], [-1, 0, 0], [0.5, -1, 0]]), corners)
    np.testing.assert_array_equal(simplex, 0)
    point, _ = closest_points(np.tile([0.2, 0.2, 1.0], (40, 1)), corners)
    np.testing.assert_array_equal(point, 0)
    points, corners = scattered(100, 1, 0.5)
    simplex, _ = closest_simplices(points, np.repeat(corners, 40, axis=0))
    np.testing.assert_array_equal(simplex, 0)


def test_far_from_the_origin_and_too_far_for_squares():
    points, corners = scattered(20, 20, 0.5)
    here, _ = closest_simplices(points, corners)
    there, _ = closest_simplices(points + 1e6, corners + 1e6)
    assert (here == there).all()
    simplex, weights = closest_simplices(points + 1e200, corners)
    assert simplex.min() >= 0 and simplex.max() < 20
    np.testing.assert_array_equal(weights.sum(axis=1), 1)


def test_results_do_not_depend_on_threads():
    points, corners = scattered(3000, 2000, 0.05)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            results.append((*closest_simplices(points, corners), *closest_points(points, corners)))
    finally:
        set_num_threads(before)
    for one, three in zip(*results):
        np.testing.assert_array_equal(one, three)


def test_the_twin_agrees_with_itself_from_another_corner():
    points, corners = scattered(50, 1, 1.0, seed=9)
    a, b, c = np.random.default_rng(3).standard_normal((3, 3))
    for p in points:
        np.testing.assert_allclose(closest_on_triangle(p, a, b, c), closest_on_triangle(p, c, a, b), atol=1e-12)
