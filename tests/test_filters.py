import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite import filters
from opendr_lite.ch import Ch, check_jacobian
from opendr_lite.ch.linear_maps import identity
from opendr_lite.filters import (
    GaussianKernel2D,
    GaussPyrDownOne,
    LinearFilter,
    filter_for,
    filter_for_nopadding,
    gaussian_pyramid,
    halfsampler_for,
    laplacian_pyramid,
)
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference import filters as slow

SOBEL = np.outer([1, 2, 1], [-1, 0, 1])
LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
RANDOM = np.random.default_rng(5).standard_normal((3, 5))
KERNELS = {"gauss": GaussianKernel2D(3, 1), "sobel": SOBEL, "laplace": LAPLACE, "random": RANDOM,
           "column": np.ones((3, 1)), "pixel": np.full((1, 1), 2.0)}
SHAPES = [(9, 12), (8, 7, 1), (10, 9, 3), (5, 6, 4)]
PYRAMIDS = {gaussian_pyramid: slow.gaussian_levels, laplacian_pyramid: slow.laplacian_levels}


def image_of(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def flat(levels):
    return np.concatenate([np.ravel(level) for level in levels])


@pytest.fixture(scope="module")
def recorded():
    """What OpenDR 0.77 made of a random image."""
    with np.load(Path(__file__).parent / "data" / "opendr_pyramids.npz") as file:
        return dict(file)


# ---------------------------------------------------------------------- kernels

@pytest.mark.parametrize("ksize, sigma", [(1, 1.0), (3, 1.0), (5, 0.7), (7, 3.0)])
def test_gaussian_kernel_is_the_gaussian(ksize, sigma):
    kernel = GaussianKernel2D(ksize, sigma)
    y, x = np.mgrid[:ksize, :ksize] - ksize // 2
    expected = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    np.testing.assert_allclose(kernel, expected / expected.sum(), rtol=1e-13)


@pytest.mark.parametrize("ksize, sigma", [(4, 1.0), (0, 1.0), (3, 0.0), (3, -1.0), (3, np.nan), (2.5, 1.0)])
def test_gaussian_kernel_refuses(ksize, sigma):
    with pytest.raises(ValueError, match="ksize must be|sigma must be"):
        GaussianKernel2D(ksize, sigma)


@pytest.mark.parametrize("kernel, terms", [(SOBEL, 1), (LAPLACE, 2), (RANDOM, 3), (KERNELS["gauss"], 1)])
def test_as_few_separable_terms_as_the_rank_of_the_kernel(kernel, terms):
    pairs = filters._outer_products(kernel.astype(float))
    assert len(pairs) == terms
    np.testing.assert_allclose(sum(np.outer(*pair) for pair in pairs), kernel, atol=1e-14)


# ---------------------------------------------------------------------- maps

@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_filters_equal_their_slow_twins(shape, kernel):
    image = image_of(shape)
    centred = filter_for(*shape[:2], shape[2] if len(shape) == 3 else 1, kernel)
    expected = slow.correlate_centred(image, kernel)
    np.testing.assert_allclose(centred @ image.ravel(), expected.ravel(), atol=1e-13)
    inside, new_shape = filter_for_nopadding(shape, kernel)
    expected = slow.correlate_inside(image, kernel)
    assert new_shape == expected.shape
    np.testing.assert_allclose(inside @ image.ravel(), expected.ravel(), atol=1e-13)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (2, 1, 2)])
def test_halfsampler_keeps_every_other_pixel(shape):
    image = image_of(shape)
    half, new_shape = halfsampler_for(shape)
    assert new_shape == image[::2, ::2].shape
    np.testing.assert_array_equal(half @ image.ravel(), image[::2, ::2].ravel())


def test_a_kernel_larger_than_the_image_reaches_over_both_borders():
    image, kernel = image_of((2, 3)), image_of((5, 9), seed=1)
    np.testing.assert_allclose(filter_for(2, 3, 1, kernel) @ image.ravel(),
                               slow.correlate_centred(image, kernel).ravel(), atol=1e-13)


MAPS = {
    "centred": lambda: filter_for(6, 7, 2, GaussianKernel2D(5, 1.5)),
    "general": lambda: filter_for(6, 7, 2, RANDOM),
    "inside": lambda: filter_for_nopadding((6, 7, 3), SOBEL)[0],
    "half": lambda: halfsampler_for((6, 7, 3))[0],
    "gaussian": lambda: gaussian_pyramid(image_of((9, 8, 2)), n_levels=2).linear_map,
    "laplacian": lambda: laplacian_pyramid(image_of((9, 8, 2)), n_levels=3).linear_map,
}


@pytest.mark.parametrize("make", MAPS.values(), ids=MAPS)
def test_products_agree_with_the_matrix(make):
    linear_map = make()
    m, n = linear_map.shape
    matrix = linear_map.to_sparse()
    assert sp.isspmatrix_csr(matrix)
    dense = matrix.toarray()
    for x in (image_of(n), image_of((n, 1)), image_of((n, 5)), np.asfortranarray(image_of((n, 4)))):
        np.testing.assert_allclose(linear_map @ x, dense @ x, atol=1e-13)
    for y in (image_of(m), image_of((m, 1)), image_of((m, 5)), np.asfortranarray(image_of((m, 4)))):
        np.testing.assert_allclose(linear_map.T @ y, dense.T @ y, atol=1e-13)
    assert (linear_map @ np.zeros((n, 0))).shape == (m, 0)
    assert (linear_map.T @ np.zeros((m, 0))).shape == (n, 0)
    other = sp.random(n, 3, 0.2, format="csr", random_state=0)
    np.testing.assert_allclose((linear_map @ other).toarray(), dense @ other.toarray(), atol=1e-13)


@pytest.mark.parametrize("pyramid", PYRAMIDS)
def test_adjoint_of_a_whole_pyramid(pyramid):
    linear_map = pyramid(Ch(image_of((240, 320, 3))), n_levels=6).linear_map
    x, y = image_of(linear_map.shape[1]), image_of(linear_map.shape[0], seed=1)
    forward, reverse = linear_map @ x, linear_map.T @ y
    assert abs(forward @ y - x @ reverse) <= 1e-13 * np.linalg.norm(forward) * np.linalg.norm(y)


def test_results_do_not_depend_on_the_number_of_threads():
    linear_map = filter_for(200, 150, 3, RANDOM)
    x, before = image_of((linear_map.shape[1], 4)), get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            set_num_threads(threads)
            results.append((linear_map @ x, linear_map.T @ x))
    finally:
        set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])


# ---------------------------------------------------------------------- one level

@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kernel", [None, RANDOM.T], ids=["default", "given"])
@pytest.mark.parametrize("want_downsampling", [True, False])
def test_gauss_pyr_down_one(shape, kernel, want_downsampling):
    px = Ch(image_of(shape))
    down = GaussPyrDownOne(px, want_downsampling=want_downsampling, kernel=kernel)
    expected = slow.correlate_inside(px.r, slow.gaussian_kernel() if kernel is None else kernel)
    expected = expected[::2, ::2] if want_downsampling else expected
    assert down.output_shape == down.shape == expected.shape
    np.testing.assert_allclose(down.r, expected, atol=1e-13)
    assert check_jacobian(down, px, max_columns=20).ok(1e-9)


def test_gauss_pyr_down_one_takes_a_flat_image_and_follows_its_terms():
    image = image_of((9, 12))
    px = Ch(image.ravel())
    down = GaussPyrDownOne(px=px, im_shape=np.array([9, 12]))
    np.testing.assert_allclose(down.r, slow.gaussian_levels(image, 1)[1], atol=1e-14)
    px.x = 2 * image.ravel()
    np.testing.assert_allclose(down.r, 2 * slow.gaussian_levels(image, 1)[1], atol=1e-14)
    down.im_shape = 12, 9
    expected = 2 * slow.gaussian_levels(image.reshape(12, 9), 1)[1]
    np.testing.assert_allclose(down.r, expected, atol=1e-14)
    down.kernel, down.want_downsampling = SOBEL, False
    np.testing.assert_allclose(down.r, slow.correlate_inside(2 * image.reshape(12, 9), SOBEL), atol=1e-13)
    assert check_jacobian(down, px).ok(1e-9)


# ---------------------------------------------------------------------- pyramids

@pytest.mark.parametrize("normalization", [None, "SSE", "size"])
@pytest.mark.parametrize("n_levels", [1, 3])
def test_gaussian_pyramid_equals_opendr(recorded, normalization, n_levels):
    pyramid = gaussian_pyramid(Ch(recorded["x"]), normalization=normalization, n_levels=n_levels)
    np.testing.assert_allclose(pyramid.r, recorded[f"gauss_{normalization}_{n_levels}"], rtol=1e-12)


def test_jacobian_of_the_gaussian_pyramid_equals_opendr(recorded):
    x = Ch(recorded["x"])
    arrays = [recorded[f"gauss_SSE_3_J_{part}"] for part in ("data", "indices", "indptr")]
    expected = sp.csr_matrix(tuple(arrays), shape=recorded["gauss_SSE_3_J_shape"])
    assert abs(gaussian_pyramid(x).dr_wrt(x) - expected).max() < 1e-14


def test_laplacian_pyramid_equals_opendr_whose_blur_is_one_pixel_off(recorded):
    x = recorded["x"]
    blurred = x - laplacian_pyramid(x, normalization=None, as_list=True)[0].r
    blurred_by_opendr = x - recorded["lap_level0"]
    np.testing.assert_allclose(blurred[:-1, :-1], blurred_by_opendr[1:, 1:], atol=1e-14)


@pytest.mark.parametrize("pyramid", PYRAMIDS)
@pytest.mark.parametrize("shape", [(24, 32, 3), (23, 17), (25, 22, 1)])
def test_levels_equal_their_slow_twins(pyramid, shape):
    image = image_of(shape)
    expected = PYRAMIDS[pyramid](image, 2)
    levels = pyramid(Ch(image), normalization=None, n_levels=2, as_list=True)
    for level, one in zip(levels, expected, strict=True):
        assert level.shape == one.shape
        np.testing.assert_allclose(level.r, one, atol=1e-13)
    np.testing.assert_allclose(pyramid(Ch(image.ravel()), shape, None, 2).r, flat(expected), atol=1e-13)


@pytest.mark.parametrize("pyramid", PYRAMIDS)
@pytest.mark.parametrize("normalization", [None, "SSE", "size"])
@pytest.mark.parametrize("as_list", [True, False])
def test_derivatives(pyramid, normalization, as_list):
    x = Ch(image_of((11, 13, 2)))
    made = pyramid(x, normalization=normalization, n_levels=2, as_list=as_list)
    for node in made if as_list else [made]:
        assert check_jacobian(node, x, max_columns=25).ok(1e-9)


@pytest.mark.parametrize("pyramid", PYRAMIDS)
@pytest.mark.parametrize("normalization", [None, "SSE", "size", lambda level: LinearFilter(
    level, identity(level.size) * 3.0, level.shape)], ids=["None", "SSE", "size", "function"])
def test_list_and_vector_agree(pyramid, normalization):
    x = Ch(image_of((11, 13, 2)))
    levels = pyramid(x, normalization=normalization, n_levels=2, as_list=True)
    vector = pyramid(x, normalization=normalization, n_levels=2)
    np.testing.assert_allclose(vector.r, flat(level.r for level in levels), atol=1e-14)
    stacked = sp.vstack([level.dr_wrt(x) for level in levels])
    assert abs(vector.dr_wrt(x) - stacked).max() < 1e-14


@pytest.mark.parametrize("pyramid", PYRAMIDS)
def test_normalization(pyramid):
    x = Ch(image_of((20, 24)))
    plain = pyramid(x, normalization=None, as_list=True)
    by_size = pyramid(x, normalization="size", as_list=True)
    by_error = pyramid(x, as_list=True)
    norms = [np.linalg.norm(level.r) for level in plain]
    for level, sized in zip(plain, by_size):
        np.testing.assert_allclose(sized.r, level.r / level.size, rtol=1e-13)
    x.x = x.x * 3 + 1
    for level, normalized, norm in zip(plain, by_error, norms):
        np.testing.assert_allclose(normalized.r, level.r / norm, rtol=1e-12, err_msg="the divisor is frozen")


def test_seven_levels_of_320x240():
    levels = gaussian_pyramid(Ch(image_of((240, 320, 3))), n_levels=6, as_list=True)
    assert [level.shape[0] for level in levels] == [240, 119, 59, 29, 14, 6, 2]
    assert [level.shape[1] for level in levels] == [320, 159, 79, 39, 19, 9, 4]


def test_a_laplacian_pyramid_may_go_down_to_one_pixel():
    x = Ch(image_of((5, 7)))
    levels = laplacian_pyramid(x, normalization=None, n_levels=4, as_list=True)
    assert [level.shape for level in levels] == [(5, 7), (3, 4), (2, 2), (1, 1), (1, 1)]
    expected = flat(slow.laplacian_levels(x.r, 4))
    np.testing.assert_allclose(flat(level.r for level in levels), expected, atol=1e-14)


def test_no_levels_is_the_image():
    x = Ch(image_of((2, 2)))
    np.testing.assert_array_equal(gaussian_pyramid(x, n_levels=0, normalization=None).r, x.r.ravel())


def test_labels():
    x = Ch(image_of((12, 12)))
    assert gaussian_pyramid(x, n_levels=1, label="pyr").label == "pyr"
    levels = gaussian_pyramid(x, n_levels=1, as_list=True, label="pyr")
    assert [level.label for level in levels] == ["pyr0", "pyr1"]


@pytest.mark.parametrize("make", [gaussian_pyramid, laplacian_pyramid, GaussPyrDownOne])
def test_nodes_pickle_and_copy(make):
    node = make(Ch(image_of((24, 26, 3))))
    for twin in (pickle.loads(pickle.dumps(node)), node.copy()):
        np.testing.assert_array_equal(twin.r, node.r)
        np.testing.assert_array_equal(twin.vjp(twin.px, node.r), node.vjp(node.px, node.r))


# ---------------------------------------------------------------------- refusals

IMAGE = image_of((9, 12))


@pytest.mark.parametrize("make, message", [
    (lambda: gaussian_pyramid(IMAGE), r"n_levels must be at most 2 .* \(9, 12\), got 3: .* kernel"),
    (lambda: gaussian_pyramid(IMAGE[:2], n_levels=1), "at most 0 .* smaller than the kernel"),
    (lambda: gaussian_pyramid(IMAGE, imshape=(9, 11)), r"imshape is \(9, 11\), 99 entries; .* has 108"),
    (lambda: gaussian_pyramid(IMAGE.ravel()), r"shape \(108,\).*give its imshape"),
    (lambda: gaussian_pyramid(IMAGE, imshape=(9, 12, 1, 1)), r"imshape must be \(height, width\)"),
    (lambda: gaussian_pyramid(IMAGE, normalization="sse"), "normalization must be 'SSE', 'size', None"),
    (lambda: gaussian_pyramid(IMAGE, n_levels=-1), "n_levels must be an integer, at least 0; got -1"),
    (lambda: gaussian_pyramid(IMAGE, n_levels=1.5), "n_levels must be an integer"),
    (lambda: gaussian_pyramid(0 * IMAGE, n_levels=1), "level 0 is all zero now"),
    (lambda: laplacian_pyramid(np.ones((8, 8)), n_levels=0, imshape=(8, 9)), "imshape is"),
    (lambda: GaussPyrDownOne(IMAGE[:, :2]).r, r"shape \(9, 2\) is smaller than the kernel"),
    (lambda: GaussPyrDownOne(IMAGE, im_shape=(3, 3)).r, r"im_shape is \(3, 3\), 9 entries"),
    (lambda: GaussPyrDownOne(IMAGE, kernel=[1.0, 2.0]).r, r"kernel must have two dimensions.*\(2,\)"),
    (lambda: GaussPyrDownOne(IMAGE, kernel=np.zeros((3, 3))).r, "kernel must have finite weights"),
    (lambda: filter_for(4, 4, 1, np.full((3, 3), np.nan)), "kernel must have finite weights"),
    (lambda: filter_for(4, 4, 1, np.ones((2, 3))), "odd number of rows and of columns"),
    (lambda: filter_for(4, 0, 1, np.ones((3, 3))), "all at least 1"),
    (lambda: halfsampler_for((4,)), r"shape must be \(height, width\)"),
])
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_shape_that_is_no_shape_is_refused():
    with pytest.raises(TypeError, match="imshape must be a tuple of integers"):
        gaussian_pyramid(IMAGE, imshape=(9.0, 12.0))
    with pytest.raises(TypeError, match="shape must be a tuple of integers"):
        halfsampler_for(4)


def test_an_image_that_changes_its_size_is_refused():
    x = Ch(IMAGE)
    pyramid = gaussian_pyramid(x, n_levels=1)
    x.x = IMAGE[:5]
    with pytest.raises(ValueError, match="px must have 108 entries.*it has 60"):
        pyramid.r
