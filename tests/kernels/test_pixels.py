"""The two linear maps of pixels against dense matrices built entry by entry."""
import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite.ch.linear_maps import BlockDiagonal
from opendr_lite.kernels.cpu import pixels
from opendr_lite.kernels.cpu.image_gradient import gain_of_image
from opendr_lite.kernels.threads import get_num_threads, set_num_threads
from opendr_lite.renderer.pixel_jacobian import PixelInterpolation, PixelMotion
from tests.reference import pixels as slow
from tests.reference.image_gradient import image_gradient_with_boundaries as slow_gradient

POINTS = 9
SIZES = [(1, 1), (2, 3), (3, 1), (3, 2), (3, 3), (3, 5), (8, 3)]  # taps, channels


def random_taps(rng, count, num_taps, points=POINTS):
    """Different taps in each row, and one pixel in four that shows nothing."""
    taps = np.array([rng.permutation(points)[:num_taps] for _ in range(count)], np.int32)
    taps[rng.random(count) < 0.25] = -1
    return taps


def interpolation(num_taps, channels, count=60, seed=0, rows_of_scale=None):
    rng = np.random.default_rng(seed)
    taps = random_taps(rng, count, num_taps)
    scale = rng.normal(size=(rows_of_scale or count, channels))
    return PixelInterpolation(taps, rng.normal(size=taps.shape), scale, POINTS)


def interpolation_with_one_scale(num_taps, channels):
    return interpolation(num_taps, channels, rows_of_scale=1)


def motion(num_taps, channels, count=60, seed=1):
    rng = np.random.default_rng(seed)
    taps = random_taps(rng, count, num_taps)
    return PixelMotion(taps, rng.normal(size=taps.shape), rng.normal(size=(count, channels, 2)), POINTS)


def motion_of_image(num_taps, channels, height=6, width=10, seed=2):
    rng = np.random.default_rng(seed)
    taps = random_taps(rng, height * width, num_taps)
    gain = gain_of_image(rng.normal(size=(height, width, channels)), rng.random((height, width)) < 0.2)
    return PixelMotion(taps, rng.normal(size=taps.shape), gain, POINTS)


def dense(linear_map):
    if isinstance(linear_map, PixelInterpolation):
        scale = np.broadcast_to(linear_map.scale, (len(linear_map.taps), linear_map.channels))
        return slow.interpolation_matrix(linear_map.taps, linear_map.weights, scale, POINTS)
    gain = linear_map.gain
    array = (gain.array if len(gain.array) else -slow_gradient(gain.image, gain.boundary)).reshape(
        len(linear_map.taps), -1, 2)
    return slow.motion_matrix(linear_map.taps, linear_map.weights, array, POINTS)


@pytest.fixture(params=[interpolation, interpolation_with_one_scale, motion, motion_of_image])
def kind(request):
    return request.param


@pytest.mark.parametrize("background_rows", [1, 60])
@pytest.mark.parametrize("num_taps, channels", SIZES)
def test_interpolate_equals_the_slow_twin(num_taps, channels, background_rows):
    rng = np.random.default_rng(2)
    taps = random_taps(rng, 60, num_taps)
    weights, values = rng.normal(size=taps.shape), rng.normal(size=(POINTS, channels))
    background = rng.normal(size=(background_rows, channels))
    np.testing.assert_allclose(pixels.interpolate(taps, weights, values, background),
                               slow.interpolate(taps, weights, values, background), rtol=0, atol=1e-13)


def test_taps_of_faces():
    corners = np.array([[3, 1, 2], [7, 0, 5]], np.int32)
    taps = pixels.taps_of_faces(np.array([1, -1, 0, 1], np.int32), corners)
    assert taps.dtype == np.int32
    np.testing.assert_array_equal(taps, [[7, 0, 5], [-1, -1, -1], [3, 1, 2], [7, 0, 5]])


@pytest.mark.parametrize("columns", [None, 1, 15])
@pytest.mark.parametrize("num_taps, channels", SIZES)
def test_products_equal_the_slow_twin(kind, num_taps, channels, columns):
    linear_map = kind(num_taps, channels)
    matrix = dense(linear_map)
    rng = np.random.default_rng(3)
    trailing = () if columns is None else (columns,)
    x, y = (rng.normal(size=(size, *trailing)) for size in matrix.shape[::-1])
    np.testing.assert_allclose(linear_map @ x, matrix @ x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(linear_map.T @ y, matrix.T @ y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("num_taps, channels", SIZES)
def test_csr_equals_the_slow_twin_and_is_canonical(kind, num_taps, channels):
    linear_map = kind(num_taps, channels)
    matrix = linear_map.to_sparse()
    assert sp.isspmatrix_csr(matrix)
    for row in range(matrix.shape[0]):
        assert (np.diff(matrix.indices[matrix.indptr[row]:matrix.indptr[row + 1]]) > 0).all()
    assert matrix.indices.dtype == np.int32
    np.testing.assert_allclose(matrix.toarray(), dense(linear_map), rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("make", [motion, motion_of_image])
@pytest.mark.parametrize("num_taps, channels", SIZES)
def test_rows_of_a_motion_after_a_map_of_each_point(make, num_taps, channels, size):
    linear_map = make(num_taps, channels)
    of_points = BlockDiagonal(np.random.default_rng(7).normal(size=(POINTS, 2, size)))
    matrix = (linear_map @ of_points).to_sparse()
    assert matrix.nnz == np.count_nonzero(linear_map.taps[:, 0] >= 0) * channels * num_taps * size
    for row in range(matrix.shape[0]):
        assert (np.diff(matrix.indices[matrix.indptr[row]:matrix.indptr[row + 1]]) > 0).all()
    np.testing.assert_allclose(matrix.toarray(), dense(linear_map) @ of_points.to_dense(), rtol=0, atol=1e-13)


def test_rows_of_a_motion_after_any_other_map():
    linear_map = motion(3, 3)
    of_pairs = BlockDiagonal(np.random.default_rng(7).normal(size=(POINTS * 2 // 3, 3, 2)))
    np.testing.assert_allclose((linear_map @ of_pairs).to_sparse().toarray(),
                               dense(linear_map) @ of_pairs.to_dense(), rtol=0, atol=1e-13)


def test_taps_that_repeat_add_up(kind):
    linear_map = kind(3, 2)
    linear_map.taps[:, 2] = linear_map.taps[:, 0]
    x = np.random.default_rng(4).normal(size=linear_map.shape[1])
    np.testing.assert_allclose(linear_map.to_sparse().toarray(), dense(linear_map), rtol=0, atol=1e-13)
    y = np.random.default_rng(4).normal(size=linear_map.shape[0])
    np.testing.assert_allclose(linear_map @ x, dense(linear_map) @ x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(linear_map.T @ y, dense(linear_map).T @ y, rtol=0, atol=1e-12)


def test_products_are_adjoint(kind):
    linear_map = kind(3, 3)
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=linear_map.shape[1]), rng.normal(size=linear_map.shape[0])
    assert y @ (linear_map @ x) == pytest.approx((linear_map.T @ y) @ x, rel=1e-12)


@pytest.mark.parametrize("points", [POINTS, 400_000])
def test_the_same_bits_for_any_number_of_threads(points):
    before = get_num_threads()
    rng = np.random.default_rng(6)
    height, width = 3 * pixels.PIXELS_PER_BAND // 100, 101
    taps = rng.integers(0, points, (height * width, 3)).astype(np.int32)
    weights = rng.normal(size=taps.shape)
    maps = (PixelInterpolation(taps, weights, rng.normal(size=taps.shape), points),
            PixelMotion(taps, weights, gain_of_image(rng.normal(size=(height, width, 3))), points))
    results = []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            results.append([product for m in maps for product in (
                m @ np.arange(m.shape[1], dtype=float), m.T @ np.sin(np.arange(m.shape[0])), m.to_sparse().data)])
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        np.testing.assert_array_equal(one, two)


def test_nothing_seen(kind):
    linear_map = kind(3, 3)
    linear_map.taps[:] = -1
    assert linear_map.to_sparse().nnz == 0
    assert not (linear_map @ np.ones(linear_map.shape[1])).any()
    assert not (linear_map.T @ np.ones(linear_map.shape[0])).any()
