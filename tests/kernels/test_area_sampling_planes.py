"""Planes of faces over the screen against NumPy."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.area_sampling.planes import planes_of_faces
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.area_sampling import planes


def random_mesh(num_faces, seed=0):
    rng = np.random.default_rng(seed)
    screen = np.column_stack([rng.uniform(-5, 40, (num_faces, 2)), rng.uniform(1, 3, num_faces)])
    return screen, rng.permuted(np.tile(np.arange(num_faces, dtype=np.int32), (3, 1)), axis=1).T.copy()


def test_sides_and_slopes():
    screen, f = random_mesh(300)
    f = f[[len(set(face)) == 3 for face in f]]
    corners = screen[f]
    corners[:, :, 2] = 1 / corners[:, :, 2]
    found = planes_of_faces(screen, f)
    a, b = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    np.testing.assert_array_equal(found.side, np.sign(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]))
    np.testing.assert_allclose(found.slope, planes(corners)[:, 3, :2], rtol=1e-9, atol=1e-12)


def test_clockwise_as_it_is_seen_is_positive():
    screen = np.array([[0, 0, 1.0], [1, 0, 1], [0, 1, 1]])  # v points down
    assert planes_of_faces(screen, np.array([[0, 1, 2], [0, 2, 1]], np.int32)).side.tolist() == [1, -1]


@pytest.mark.parametrize("corner", [[0, 0, 0.0], [0, 0, -1], [1e9, 0, 1], [0, -1e12, 1], [1, 0, 1], [0.5, 9e-15, 1]])
def test_a_face_that_is_not_drawn_has_no_side(corner):
    screen = np.array([[0, 0, 1.0], [1, 0, 2], corner])
    found = planes_of_faces(screen, np.array([[0, 1, 2], [2, 1, 0]], np.int32))
    assert not found.side.any() and not found.slope.any()


def test_no_faces():
    found = planes_of_faces(np.ones((3, 3)), np.empty((0, 3), np.int32))
    assert found.side.shape == (0,) and found.slope.shape == (0, 2)


def test_the_same_bits_for_any_number_of_threads():
    screen, f = random_mesh(30000)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            results.append(planes_of_faces(screen, f))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(result.side, results[0].side)
        np.testing.assert_array_equal(result.slope, results[0].slope)
