"""The two linear maps of pixels against dense matrices built entry by entry."""
import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite.ch.linear_maps import BlockDiagonal
from opendr_lite.kernels.cpu import pixels
from opendr_lite.kernels.cpu.image_gradient import gain_of_image
from opendr_lite.renderer.pixel_jacobian import PixelInterpolation, PixelMotion, SeenFaces, pull_back
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference import image_gradient as gradients
from tests.reference import pixels as slow

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


def motion(num_taps, channels, count=60, seed=1, dimensions=2):
    rng = np.random.default_rng(seed)
    taps = random_taps(rng, count, num_taps)
    return PixelMotion(taps, rng.normal(size=taps.shape), rng.normal(size=(count, channels, dimensions)), POINTS)


def motion_in_space(num_taps, channels):
    return motion(num_taps, channels, dimensions=3)


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
    if len(gain.array):
        array = gain.array
    elif len(gain.boundary):
        array = -gradients.image_gradient_with_boundaries(gain.image, gain.boundary)
    else:
        array = -gradients.image_gradient(gain.image)
    return slow.motion_matrix(linear_map.taps, linear_map.weights, array.reshape(len(linear_map.taps), linear_map.channels, -1),
                              POINTS)


@pytest.fixture(params=[interpolation, interpolation_with_one_scale, motion, motion_in_space, motion_of_image])
def kind(request):
    return request.param


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
@pytest.mark.parametrize("make", [motion, motion_in_space, motion_of_image])
@pytest.mark.parametrize("num_taps, channels", SIZES)
def test_rows_of_a_motion_after_a_map_of_each_point(make, num_taps, channels, size):
    linear_map = make(num_taps, channels)
    of_points = BlockDiagonal(np.random.default_rng(7).normal(size=(POINTS, linear_map.dimensions, size)))
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


def seen_faces(count, seed=8, points=POINTS, num_faces=12):
    """Random faces, and which of them each pixel shows; one pixel in four shows none."""
    rng = np.random.default_rng(seed)
    face_id = rng.integers(0, num_faces, count).astype(np.int32)
    face_id[rng.random(count) < 0.25] = -1
    return SeenFaces(face_id, rng.integers(0, points, (num_faces, 3)).astype(np.int32))


@pytest.mark.parametrize("with_boundary", [False, True])
@pytest.mark.parametrize("rows_of_scale", [1, 60])
def test_both_transposes_in_one_pass_equal_the_slow_twins(rows_of_scale, with_boundary):
    rng = np.random.default_rng(9)
    height, width = 6, 10
    seen = seen_faces(height * width)
    weights, scale = rng.normal(size=(height * width, 3)), rng.normal(size=(rows_of_scale, 3))
    boundary = rng.random((height, width)) < 0.2 if with_boundary else None
    gain = gain_of_image(rng.normal(size=(height, width, 3)), boundary)
    y = rng.normal(size=(height * width, 3))
    motion, interpolation = pixels.joint_reverse(*seen, weights, gain, scale, y, POINTS)
    maps = PixelMotion(None, weights, gain, POINTS, seen), PixelInterpolation(None, weights, scale, POINTS, seen)
    np.testing.assert_allclose(motion.ravel(), dense(maps[0]).T @ y.ravel(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(interpolation.ravel(), dense(maps[1]).T @ y.ravel(), rtol=0, atol=1e-12)


def test_both_transposes_of_a_stored_gain():
    rng = np.random.default_rng(10)
    seen = seen_faces(60)
    weights, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 3))
    motion = PixelMotion(None, weights, rng.normal(size=(60, 3, 2)), POINTS, seen)
    interpolation = PixelInterpolation(None, weights, np.ones((1, 3)), POINTS, seen)
    for part, expected in zip(pull_back([interpolation, motion], y.ravel()), (interpolation, motion)):
        np.testing.assert_allclose(part, dense(expected).T @ y.ravel(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("points", [POINTS, 20_000, 400_000])
def test_both_transposes_have_the_same_bits_for_any_number_of_threads(points):
    before, results = get_num_threads(), []
    rng = np.random.default_rng(11)
    height, width = 150, 101
    seen = seen_faces(height * width, points=points, num_faces=500)
    weights, y = rng.normal(size=(height * width, 3)), rng.normal(size=(height * width, 3))
    gain = gain_of_image(rng.normal(size=(height, width, 3)))
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            results.append(pixels.joint_reverse(*seen, weights, gain, np.ones((1, 3)), y, points))
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        assert one.any()
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("channels, columns, same", [(3, (), True), (3, (2,), True), (3, (), False), (2, (), True)])
def test_pull_back_is_every_transpose(monkeypatch, channels, columns, same):
    """In one pass where there are three channels, one column, and the same faces."""
    rng = np.random.default_rng(12)
    seen, weights = seen_faces(60), rng.normal(size=(60, 3))
    motion = PixelMotion(None, weights, gain_of_image(rng.normal(size=(6, 10, channels))), POINTS, seen)
    other = interpolation(3, channels)
    colors = PixelInterpolation(None, weights, np.ones((1, channels)), POINTS, seen if same else seen_faces(60, 13))
    y = rng.normal(size=(60 * channels, *columns))
    calls, joint = [], pixels.joint_reverse
    monkeypatch.setattr(pixels, "joint_reverse", lambda *args: calls.append(args) or joint(*args))
    maps = [colors, motion, other] if same else [colors, motion]
    for part, one in zip(pull_back(maps, y), maps):
        np.testing.assert_allclose(part, dense(one).T @ y, rtol=0, atol=1e-12)
    assert len(calls) == (channels == 3 and not columns and same)


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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("with_faces", [False, True])
def test_a_motion_is_zero_whatever_the_gain_holds_where_nothing_is_shown(with_faces):
    taps = np.array([[-1, -1, -1], [0, 1, 2], [2, 1, 3]], np.int32)
    seen = SeenFaces(np.array([-1, 0, 1], np.int32), taps[1:]) if with_faces else None
    gain = np.zeros((3, 2, 3))
    gain[0] = np.array([0x7FF0000000000001], np.uint64).view(np.float64)  # a NaN that signals, as in memory used before
    zero = PixelMotion(None if with_faces else taps, np.full((3, 3), 1 / 3), gain, POINTS, seen)
    assert zero.is_zero and zero.to_sparse().nnz == 0 and not zero.reverse(np.ones((3, 2))).any()
    gain[2, 1, 0] = 1.0
    assert not PixelMotion(None if with_faces else taps, np.full((3, 3), 1 / 3), gain, POINTS, seen).is_zero
