import pickle
from functools import partial

import numpy as np
import pytest

from opendr_lite import ch, losses
from opendr_lite.ch import Ch
from tests import derivatives
from tests.reference import losses as twins

assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-7)


def images(*shape, low=0.0):
    random = np.random.default_rng(5)
    return Ch(random.uniform(low, 1, shape)), Ch(random.uniform(low, 1, shape))


# ---------------------------------------------------------------------- silhouettes

def iou(a, b):
    return (a * b).sum() / (a + b - a * b).sum()


def test_iou_of_soft_silhouettes():
    a, b = images(3, 5, 4)
    total, each = losses.silhouette_iou_loss(a, b), losses.silhouette_iou_loss(a, b, per_view=True)
    np.testing.assert_allclose(total.r, 1 - iou(a.r, b.r), rtol=1e-14)
    np.testing.assert_allclose(each.r, [1 - iou(x, y) for x, y in zip(a.r, b.r)], rtol=1e-14)
    assert total.shape == () and each.shape == (3,)
    for node in (total, each):
        assert_derivative(node, a, b)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(node)).r, node.r)
    assert each.dr_wrt(a).nnz == a.size


def test_iou_of_squares():
    a, b = np.zeros((6, 8)), np.zeros((6, 8))
    a[:4, :4], b[2:, 2:6] = 1, 1
    np.testing.assert_allclose(losses.silhouette_iou_loss(a, b).r, 1 - 4 / 28)
    np.testing.assert_allclose(losses.silhouette_iou_loss(a, a).r, 0)
    np.testing.assert_allclose(losses.silhouette_iou_loss(a, 1 - a).r, 1)
    np.testing.assert_allclose(np.sum(losses.silhouette_residuals(a, b).r ** 2), 24 / 16)


def test_a_silhouette_with_itself():
    a, _ = images(4, 4)
    loss = losses.silhouette_iou_loss(a, a)
    np.testing.assert_allclose(loss.r, 1 - iou(a.r, a.r))
    assert_derivative(loss, a)


def test_empty_silhouettes_agree():
    a, empty = Ch(np.zeros((2, 3, 3))), np.zeros((2, 3, 3))
    each = losses.silhouette_iou_loss(a, empty, per_view=True)
    np.testing.assert_array_equal(each.r, 0)
    assert np.isfinite(each.vjp(a, np.ones(2))).all()
    a[1, 0, 0] = 1
    np.testing.assert_array_equal(each.r, [0, 1])
    assert np.isfinite(losses.silhouette_residuals(a, empty, per_view=True).r).all()


def test_residuals_agree_with_the_iou_near_the_optimum():
    observed = np.zeros((2, 40, 40))
    observed[0, 5:30, 5:30], observed[1, 10:20] = 1, 1
    rendered = observed.copy()
    rendered[0, 30, 5:30], rendered[1, 10, :20] = 1, 0
    squares = np.sum(losses.silhouette_residuals(rendered, observed, per_view=True).r ** 2, axis=(1, 2))
    np.testing.assert_allclose(squares, losses.silhouette_iou_loss(rendered, observed, per_view=True).r, rtol=0.05)
    a, b = images(3, 5, 4)
    for per_view in (False, True):
        assert_derivative(losses.silhouette_residuals(a, b, per_view), a)


@pytest.mark.parametrize("make", [losses.silhouette_iou_loss, losses.silhouette_residuals])
@pytest.mark.parametrize("a, b, message", [
    (np.zeros((3, 3)), np.zeros((3, 4)), "same shape"),
    (np.zeros((0, 3)), np.zeros((0, 3)), "not empty"),
    (np.zeros((3, 3)), 255 * np.ones((3, 3)), r"b must be a silhouette, with values in \[0, 1\]; it has 255 to 255"),
    (np.zeros((3, 3)), np.full((3, 3), np.nan), "b must be"),
])
def test_what_is_no_silhouette_is_refused(make, a, b, message):
    with pytest.raises(ValueError, match=message):
        make(a, b).r


def test_views_have_an_axis():
    with pytest.raises(ValueError, match="views along the first axis"):
        losses.silhouette_iou_loss(np.zeros(4), np.zeros(4), per_view=True)


# ---------------------------------------------------------------------- structural similarity

def waves():
    i, j = np.meshgrid(np.arange(24.0), np.arange(30.0), indexing="ij")
    return 0.5 + 0.5 * np.sin(0.3 * i + 0.2 * j), 0.5 + 0.4 * np.sin(0.3 * i + 0.2 * j + 0.4) * np.cos(0.1 * j)


def test_ssim_is_that_of_scikit_image():
    """Of version 0.26, with gaussian_weights=True, sigma=1.5, use_sample_covariance=False."""
    a, b = waves()
    np.testing.assert_allclose(losses.ssim(a, b).r, 0.04375457490098787, rtol=1e-12)
    np.testing.assert_allclose(losses.ssim(255 * a, 255 * b, data_range=255).r, 0.04375457490098855, rtol=1e-12)
    one, other = np.stack((a, b, a * b), axis=2), np.stack((b, a * a, b), axis=2)
    np.testing.assert_allclose(losses.ssim(one, other).r, 0.08499987373925914, rtol=1e-12)


@pytest.mark.parametrize("window", [{}, {"window_size": 7, "sigma": 0.8, "data_range": 2.0}])
def test_ssim_window_by_window(window):
    a, b = images(12, 14)
    expected = twins.ssim(a.r, b.r, window.get("data_range", 1.0), window.get("window_size", 11),
                          window.get("sigma", 1.5))
    np.testing.assert_allclose(losses.ssim_map(a, b, **window).r, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(12, 13), (11, 12, 2)])
def test_ssim_derivative(shape):
    a, b = images(*shape)
    for node in (losses.ssim_map(a, b), losses.ssim(a, b), losses.ssim(a, a)):
        assert_derivative(node, a)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(node)).r, node.r)
    assert_derivative(losses.ssim_map(a, b), b)


def test_ssim_of_equal_and_of_flat_images():
    a, b = images(13, 12)
    np.testing.assert_allclose(losses.ssim_map(a, a.r).r, 1, rtol=1e-12)
    same = losses.ssim(a, a.r.copy())
    np.testing.assert_allclose(same.vjp(a, 1.0), 0, atol=1e-12)
    flat, brighter = Ch(np.full((11, 11), 0.2)), np.full((11, 11), 0.6)
    expected = (2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4)
    np.testing.assert_allclose(losses.ssim(flat, brighter).r, expected, rtol=1e-10)
    assert np.isfinite(losses.ssim(flat, brighter).vjp(flat, 1.0)).all()


@pytest.mark.parametrize("change, message", [
    ({"b": np.zeros((12, 13))}, "same shape"), ({"a": np.zeros(144), "b": np.zeros(144)}, "height, width"),
    ({"window_size": 10}, "odd"), ({"window_size": 13}, "does not fit into an image of shape"),
    ({"sigma": 0}, "sigma must be positive"), ({"data_range": 0}, "data_range must be positive"),
    ({"b": np.full((12, 12), np.nan)}, "b must be finite"),
])
def test_wrong_input_of_ssim_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        losses.ssim(**{"a": np.zeros((12, 12)), "b": np.zeros((12, 12)), **change}).r


# ---------------------------------------------------------------------- total variation

@pytest.mark.parametrize("isotropic", [True, False])
@pytest.mark.parametrize("shape", [(5, 6), (4, 3, 2), (1, 5), (5, 1), (1, 1)])
def test_total_variation(shape, isotropic):
    image, _ = images(*shape)
    channels = image.r.reshape(shape[0], shape[1], -1)
    expected = sum(twins.total_variation(channels[..., c], isotropic) for c in range(channels.shape[2]))
    total = losses.total_variation(image, isotropic)
    np.testing.assert_allclose(total.r, expected, rtol=1e-13)
    assert_derivative(total, image)
    residuals = losses.total_variation_residuals(image, isotropic, smoothing=1e-12)
    np.testing.assert_allclose(np.sum(residuals.r ** 2), expected, rtol=1e-9, atol=1e-12)
    assert_derivative(losses.total_variation_residuals(image, isotropic, smoothing=0.3), image)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(residuals)).r, residuals.r)


def test_smooth_total_variation_of_a_step():
    image = Ch([[0.0, 0.3], [0.4, 0.0]])        # at its first pixel the gradient is (0.4, 0.3)
    squares = losses.total_variation_residuals(image, smoothing=0.2).r.reshape(-1, 2) ** 2
    np.testing.assert_allclose(squares.sum(axis=1)[0], np.sqrt(0.25 + 0.04) - 0.2)


def test_a_flat_image_has_no_variation_and_no_derivative():
    image = Ch(np.full((4, 5), 0.7))
    for node in (losses.total_variation(image), losses.total_variation(image, isotropic=False)):
        assert node.r == 0
        np.testing.assert_array_equal(node.vjp(image, 1.0), 0)
    np.testing.assert_array_equal(losses.total_variation_residuals(image).r, 0)


def test_what_is_no_image_is_refused():
    for make in (losses.total_variation, losses.total_variation_residuals):
        with pytest.raises(ValueError, match=r"image must have shape \(height, width\)"):
            make(np.zeros(4))
        with pytest.raises(ValueError, match="not be empty"):
            make(np.zeros((0, 3)))
        with pytest.raises(ValueError, match="must be finite"):
            make(np.full((3, 3), np.nan)).r
    with pytest.raises(ValueError, match="positive"):
        losses.total_variation_residuals(np.zeros((3, 3)), smoothing=0.0)


def test_losses_of_images_add_up():
    a, b = images(12, 12)
    total = 1 - losses.ssim(a, b) + 0.01 * losses.total_variation(a) + ch.mean((a - b) ** 2)
    assert_derivative(total, a)
