"""Lines against their slow twin, and what they promise about pixels, visibility and strange numbers."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.edges import draw_lines, draw_lines_at
from opendr_lite.kernels.cpu.rasterize import rasterize
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.rasterize import draw_lines as slow_draw_lines

NOTHING = 100.0


def empty(width, height):
    return np.full((height, width), NOTHING)


def segment(a, b, z=(2.0, 2.0)):
    return np.array([[*a, z[0]], [*b, z[1]]], float), np.array([[0, 1]], np.int32)


def pixels(a, b, width=12, height=12):
    """Marked pixels as (column, row), in row order."""
    edge_id = draw_lines(*segment(a, b), empty(width, height), 0.0)[0]
    return [(int(i), int(j)) for j, i in np.argwhere(edge_id == 0)]


@pytest.mark.parametrize("seed, width, height", [(0, 70, 50), (1, 30, 300), (2, 300, 20), (3, 1, 1)])
def test_equals_the_slow_twin(seed, width, height):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-0.2, 1.2, (150, 1, 2)) * (width, height)
    ends = centres + rng.normal(0, 15, (150, 2, 2))
    ends[:40] = np.round(ends[:40])
    screen = np.concatenate([ends, rng.uniform(1, 9, (150, 2, 1))], axis=2).reshape(-1, 3)
    edges = np.arange(300, dtype=np.int32).reshape(-1, 2)
    depth = rng.uniform(2, 12, (height, width))
    edge_id, along = draw_lines(screen, edges, depth, 1e-3)
    slow_id, slow_along = slow_draw_lines(screen, edges, depth, 1e-3)
    assert (slow_id >= 0).any()
    np.testing.assert_array_equal(edge_id, slow_id)
    np.testing.assert_allclose(along, slow_along, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed, width, height", [(0, 70, 150), (1, 30, 300), (2, 300, 20), (3, 1, 1)])
def test_at_some_pixels_the_lines_are_those_of_all(seed, width, height):
    rng = np.random.default_rng(seed)
    screen = np.column_stack([rng.uniform(-0.2, 1.2, (300, 2)) * (width, height), rng.uniform(1, 9, 300)])
    screen[:3] = [[np.nan, 0, 1], [1e300, 4, 1], [3, 3, 0]]
    edges = rng.integers(0, 300, (150, 2)).astype(np.int32)
    pixels = np.sort(rng.choice(width * height, width * height // 3 + 1, replace=False))
    depth = rng.uniform(1, 9, (height, width))
    for some, everywhere in zip(draw_lines_at(pixels, screen, edges, depth), draw_lines(screen, edges, depth, np.inf)):
        np.testing.assert_array_equal(some, everywhere.ravel()[pixels])


def test_one_pixel_a_column_or_a_row_with_the_end_left_out():
    assert pixels((1, 2), (5, 2)) == [(1, 2), (2, 2), (3, 2), (4, 2)]
    assert pixels((5, 2), (1, 2)) == [(2, 2), (3, 2), (4, 2), (5, 2)]
    assert pixels((3, 1), (3, 4)) == [(3, 1), (3, 2), (3, 3)]
    assert pixels((1, 1), (4, 4)) == [(1, 1), (2, 2), (3, 3)]
    assert pixels((0, 0), (4, 2.2)) == [(0, 0), (1, 1), (2, 1), (3, 2)]
    assert pixels((1.2, 3), (1.8, 3)) == []
    assert pixels((3, 3), (3, 3)) == []


def test_along_is_perspective_correct():
    z = (1.0, 4.0)
    edge_id, along = draw_lines(*segment((2, 3), (30, 9), z), empty(40, 12), 0.0)
    j, i = np.nonzero(edge_id == 0)
    a, b = np.array([2.0, 1.0]) * z[0], np.array([30.0, 1.0]) * z[1]
    points = (1 - along[j, i, None]) * a + along[j, i, None] * b
    np.testing.assert_allclose(points[:, 0] / points[:, 1], i, atol=1e-12)


def test_every_edge_of_a_silhouette_is_seen():
    corners = np.array([[10.3, 4.2], [51.7, 12.9], [38.1, 41.6], [6.4, 33.3]])
    screen = np.column_stack([corners, [1.0, 2.0, 5.0, 3.0]])
    depth = rasterize(screen, np.array([[0, 1, 2], [0, 2, 3]], np.int32), 60, 50, NOTHING)[2]
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 0]], np.int32)
    np.testing.assert_array_equal(draw_lines(screen, edges, depth, 1e-6)[0],
                                  draw_lines(screen, edges, empty(60, 50), 1e-6)[0])


def test_edges_behind_a_surface_are_hidden():
    wall = np.full((12, 12), 1.5)
    line = segment((1, 5.3), (9, 6.1))
    assert (draw_lines(*line, wall, 0.0)[0] == -1).all()
    assert (draw_lines(*line, wall, 0.4)[0] == 0).any()


def test_the_nearest_edge_wins_and_at_equal_depth_the_lower_index():
    screen = np.array([[0, 5, 3.0], [11, 5, 3.0], [0, 5, 2.0], [11, 5, 2.0]])
    edges = np.array([[0, 1], [2, 3], [2, 3]], np.int32)
    edge_id = draw_lines(screen, edges, empty(12, 12), 0.0)[0]
    assert (edge_id[5, :11] == 1).all()


@pytest.mark.parametrize("size", [1e6, 1e12, 1e30, 1e300])
def test_huge_segments_cross_the_image(size):
    assert pixels((-size, 4), (size, 4)) == [(i, 4) for i in range(12)]
    assert pixels((4, size), (4, -size)) == [(4, j) for j in range(12)]
    assert pixels((size, 50), (size, 60)) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("entry", [(0, 0), (0, 1), (1, 2)])
def test_ends_that_are_no_points_draw_nothing(bad, entry):
    screen, edges = segment((1, 2), (9, 7))
    screen[entry] = bad
    edge_id, along = draw_lines(screen, edges, empty(12, 12), 0.0)
    assert np.isfinite(along).all()
    if bad != np.inf or entry[1] != 2:
        assert (edge_id == -1).all()


def test_no_edges():
    edge_id, along = draw_lines(np.ones((3, 3)), np.empty((0, 2), np.int32), empty(5, 4), 0.0)
    assert (edge_id == -1).all() and (along == 0).all() and edge_id.dtype == np.int32


def test_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(9)
    screen = np.column_stack([rng.uniform(-50, 450, (400, 2)), rng.uniform(1, 9, 400)])
    edges = rng.integers(0, 400, (1000, 2)).astype(np.int32)
    before = get_num_threads()
    results = []
    for n in (1, 2, 5):
        set_num_threads(n)
        results.append(draw_lines(screen, edges, empty(400, 400), 0.0))
    set_num_threads(before)
    for edge_id, along in results[1:]:
        np.testing.assert_array_equal(edge_id, results[0][0])
        np.testing.assert_array_equal(along, results[0][1])
