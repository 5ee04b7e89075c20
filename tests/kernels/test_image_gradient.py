"""Gains, a line at a time, against the slow twin of the image gradient, and what they promise beside boundaries."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.image_gradient import gain_line, gain_of_image, stored_gain
from tests.reference import image_gradient as slow

SHAPES = [(1, 1, 1), (1, 7, 3), (7, 1, 2), (2, 2, 3), (2, 5, 1), (3, 3, 1), (12, 9, 1), (11, 13, 3), (9, 10, 5)]


def whole(gain, left=0, right=None):
    """The gain of columns [left, right), NaN elsewhere."""
    result = np.full(gain.shape, np.nan)
    right = gain.shape[1] if right is None else right
    for j in range(gain.shape[0]):
        line = np.full(gain.shape[1:], np.nan)
        line = gain_line(j, left, right, *gain, line)
        result[j, left:right] = line[left:right]
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_plain_gain_is_minus_the_gradient(shape):
    image = np.random.default_rng(0).random(shape)
    np.testing.assert_allclose(whole(gain_of_image(image)), -slow.image_gradient(image), rtol=0, atol=1e-15)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_gain_with_boundaries_is_minus_the_gradient(shape, fraction):
    rng = np.random.default_rng(1)
    image, boundary = rng.random(shape), rng.random(shape[:2]) < fraction
    np.testing.assert_allclose(whole(gain_of_image(image, boundary)),
                               -slow.image_gradient_with_boundaries(image, boundary), rtol=0, atol=1e-15)


@pytest.mark.parametrize("left, right", [(0, 1), (0, 4), (3, 8), (5, 9), (8, 9), (4, 4)])
@pytest.mark.parametrize("with_boundary", [False, True])
def test_only_the_columns_asked_for_are_written(with_boundary, left, right):
    rng = np.random.default_rng(2)
    image, boundary = rng.random((6, 9, 3)), rng.random((6, 9)) < 0.3
    gain = gain_of_image(image, boundary if with_boundary else None)
    line = np.full(gain.shape[1:], np.nan)
    gain_line(2, left, right, *gain, line)
    written = ~np.isnan(line).any(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(written), np.arange(left, right))
    np.testing.assert_array_equal(line[left:right], whole(gain)[2, left:right])


def test_a_stored_gain_is_one_line_of_pixels():
    array = np.random.default_rng(3).random((7, 3, 2))
    gain = stored_gain(array)
    assert gain.shape == (1, 7, 3, 2)
    np.testing.assert_array_equal(gain_line(0, 2, 5, *gain, np.empty((0, 0, 0))), array)


def test_a_gain_cannot_be_written_to_and_follows_no_strides():
    gain = gain_of_image(np.ones((4, 6, 3))[:, ::2], np.ones((3, 4), bool).T)
    for array in gain:
        assert array.flags.c_contiguous and not array.flags.writeable
    assert gain.shape == (4, 3, 3, 2)


def test_the_first_axis_is_along_columns():
    j, i = np.mgrid[0:6, 0:8].astype(float)
    image = (3 * i - 2 * j)[:, :, None]
    for gain in (whole(gain_of_image(image))[1:-1, 1:-1], whole(gain_of_image(image, np.zeros((6, 8), bool)))):
        np.testing.assert_allclose(gain[..., 0], -3)
        np.testing.assert_allclose(gain[..., 1], 2)


def test_no_look_across_a_boundary():
    step = np.where(np.arange(9) < 4, 0.0, 10.0) + 0.5 * np.arange(9)
    boundary = np.zeros((5, 9), bool)
    boundary[:, 4] = True
    gain = whole(gain_of_image(np.tile(step[None, :, None], (5, 1, 1)), boundary))[2, :, 0, 0]
    np.testing.assert_allclose(gain[[1, 2, 3, 5, 6, 7]], -0.5)
    assert gain[4] == -11.0
