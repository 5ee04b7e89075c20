"""Gram matrices of rows that are never all there, against the product of dense matrices."""
import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite.ch.linear_maps import Diagonal
from opendr_lite.filters import GaussianKernel2D, filter_for, filter_for_nopadding, halfsampler_for
from opendr_lite.kernels.cpu.image_gradient import gain_of_image
from opendr_lite.renderer.pixel_jacobian import PixelInterpolation, PixelMotion
from opendr_lite.renderer.pixel_tangent import PixelTangent, Term
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference import pixels as slow
from tests.reference.image_gradient import image_gradient

HEIGHT, WIDTH, POINTS = 14, 17, 11


def scene(channels, seed=0):
    """Taps of an image with an empty border and holes, weights of the taps."""
    rng = np.random.default_rng(seed)
    taps = np.full((HEIGHT, WIDTH, 3), -1, np.int32)
    corners = np.array([rng.permutation(POINTS)[:3] for _ in range((HEIGHT - 5) * (WIDTH - 4))], np.int32)
    taps[2:-3, 3:-1] = corners.reshape(HEIGHT - 5, WIDTH - 4, 3)
    taps[rng.random((HEIGHT, WIDTH)) < 0.2] = -1
    return rng, taps.reshape(-1, 3), rng.random((HEIGHT * WIDTH, 3)), rng.normal(size=(HEIGHT, WIDTH, channels))


def tangent(kind, channels, n, seed=0):
    """A tangent of an image, and its rows as an array."""
    rng, taps, weights, image = scene(channels, seed)
    terms, rows = [], 0.0
    if kind != "color":
        x = rng.normal(size=(2 * POINTS, n))
        terms.append(Term(PixelMotion(taps, weights, gain_of_image(image), POINTS), x, slice(None)))
        gain = -image_gradient(image).reshape(-1, channels, 2)
        rows += slow.motion_matrix(taps, weights, gain, POINTS) @ x
    if kind != "motion":
        x, scale = rng.normal(size=(channels * POINTS, n)), rng.normal(size=(len(taps), channels))
        terms.append(Term(PixelInterpolation(taps, weights, scale, POINTS), x, slice(None)))
        rows += slow.interpolation_matrix(taps, weights, scale, POINTS) @ x
    return PixelTangent(terms, n), rows


def assert_normal_equations(found, rows, weights, weighted):
    weights = np.ones(len(rows)) if weights is None else weights
    np.testing.assert_allclose(found[0], rows.T @ (weights[:, None] * rows), rtol=1e-12, atol=1e-12 * np.sum(rows**2))
    np.testing.assert_allclose(found[1], rows.T @ weighted, rtol=1e-12, atol=1e-12 * np.abs(rows).sum())


@pytest.mark.parametrize("kind", ["motion", "color", "both"])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 7, 15, 40])
def test_gram_matrix(kind, channels, n):
    image, rows = tangent(kind, channels, n)
    weighted = np.random.default_rng(1).normal(size=len(rows))
    assert image.lines() is not None
    assert_normal_equations(image.normal_equations(None, weighted), rows, None, weighted)


@pytest.mark.parametrize("kind", ["motion", "color", "both"])
def test_weights_some_of_which_are_zero(kind):
    image, rows = tangent(kind, 3, 6)
    rng = np.random.default_rng(1)
    weights = np.maximum(rng.normal(size=len(rows)), 0.0)
    weighted = weights * rng.normal(size=len(rows))
    assert_normal_equations(image.normal_equations(weights, weighted), rows, weights, weighted)


def test_a_factor_of_the_image():
    image, rows = tangent("both", 3, 6)
    factor, weighted = np.random.default_rng(1).normal(size=(2, len(rows)))
    for diagonal in (factor, -2.0):
        scaled = image.scaled(Diagonal(diagonal, len(rows)))
        expected = np.multiply(rows.T, diagonal).T
        assert_normal_equations(scaled.normal_equations(None, weighted), expected, None, weighted)


def test_columns_are_put_where_they_belong():
    image, rows = tangent("both", 3, 6)
    total = PixelTangent([term._replace(columns=columns) for columns in (np.array([7, 0, 2, 3, 4, 5]), slice(1, 7))
                          for term in image.terms], 9)
    expected = np.zeros((len(rows), 9))
    expected[:, [7, 0, 2, 3, 4, 5]] = rows
    expected[:, 1:7] += rows
    weighted = np.random.default_rng(1).normal(size=len(rows))
    assert_normal_equations(total.normal_equations(None, weighted), expected, None, weighted)
    np.testing.assert_allclose(total.form(), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["centred", "inside", "half", "stride"])
@pytest.mark.parametrize("channels", [1, 3])
def test_filtered_rows(name, channels):
    shape = HEIGHT, WIDTH, channels
    kernel = np.outer([1.0, 2.0, -1.0, 3.0, 0.5], [0.3, 1.0, 0.7])
    separable = {"centred": lambda: filter_for(*shape, kernel),
                 "inside": lambda: filter_for_nopadding(shape, kernel)[0],
                 "half": lambda: halfsampler_for(shape)[0],
                 "stride": lambda: pyramid_step(shape)}[name]()
    image, rows = tangent("both", channels, 7)
    weighted = np.random.default_rng(1).normal(size=len(rows))
    found, below = image.lines(WIDTH).descend(None, weighted, separable)
    assert_normal_equations(found, rows, None, weighted)
    expected = sp.kron(sp.kron(separable.rows, separable.columns), sp.identity(channels)) @ rows
    np.testing.assert_allclose(below.form(), expected, atol=1e-12)
    weighted = np.random.default_rng(2).normal(size=len(expected))
    assert_normal_equations(below.normal_equations(None, weighted), expected, None, weighted)


def pyramid_step(shape):
    from opendr_lite.filters import SeparableFilter

    inside = filter_for_nopadding(shape, GaussianKernel2D(3, 1))[0]
    return SeparableFilter(inside.rows[::2], inside.columns[::2], shape[2])


def test_nothing_seen():
    image, _ = tangent("both", 3, 4)
    nothing = np.full_like(image.terms[0].map.taps, -1)
    for term in image.terms:
        term.map.taps = nothing
    matrix, gradient = image.normal_equations(None, np.ones(image.shape[0]))
    assert not matrix.any() and not gradient.any()
    separable = pyramid_step((HEIGHT, WIDTH, 3))
    assert not image.lines(WIDTH).descend(None, None, separable)[1].form().any()


def test_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr("opendr_lite.kernels.cpu.normal_equations.VALUES_PER_BAND", 100)
    image, rows = tangent("both", 3, 7)
    weighted = np.random.default_rng(1).normal(size=len(rows))
    separable = pyramid_step((HEIGHT, WIDTH, 3))
    before, found = get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            set_num_threads(threads)
            equations, below = image.lines(WIDTH).descend(None, weighted, separable)
            found.append([*equations, below.form()])
    finally:
        set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other):
            np.testing.assert_array_equal(a, b)
