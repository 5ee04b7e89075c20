"""Moving and projecting points: shapes, layouts, threads. The formulas are tested with the camera."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.projection import project, transform
from opendr_lite.threads import get_num_threads, set_num_threads

ROTATION = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
TRANSLATION = np.array([0.1, -0.2, 4.0])
F, C = np.array([500.0, 450.0]), np.array([320.0, 240.0])
K = np.array([0.1, -0.05, 0.004, -0.003, 0.02, 0.03, -0.01, 0.005])


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2]])
def test_any_layout(layout):
    points = np.random.default_rng(1).normal(size=(20, 3))
    moved = transform(layout(points), ROTATION, TRANSLATION)
    np.testing.assert_allclose(moved, points @ ROTATION.T + TRANSLATION, rtol=1e-13)
    uv, screen = project(layout(moved), F, C, K)
    np.testing.assert_array_equal(screen, np.column_stack([uv, moved[:, 2]]))


def test_no_points():
    assert transform(np.empty((0, 3)), ROTATION, TRANSLATION).shape == (0, 3)
    assert [array.shape for array in project(np.empty((0, 3)), F, C, K)] == [(0, 2), (0, 3)]


def test_the_same_bits_for_any_number_of_threads():
    points = np.random.default_rng(2).normal(size=(40000, 3))
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            moved = transform(points, ROTATION, TRANSLATION)
            results.append((moved, *project(moved, F, C, K)))
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        np.testing.assert_array_equal(one, two)
