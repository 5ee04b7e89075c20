"""Kernels of lights against plain NumPy, and for any number of threads."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu import harmonics, lights
from opendr_lite.threads import get_num_threads, set_num_threads

COUNT = 20000  # several bands
RANDOM = np.random.default_rng(0)
N, U, W = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in RANDOM.standard_normal((3, COUNT, 3)))
SCALE = RANDOM.random(COUNT)
DOWN = np.array([[0.0, 0.6, -0.8]])


def dots(a, b):
    return (a * b).sum(axis=1)


def cosine(lobe, n, u, w):
    if lobe == lights.LAMBERT:
        return dots(n, u)
    if lobe == lights.PHONG:
        return 2 * dots(n, u) * dots(n, w) - dots(u, w)
    return dots(n, (u + w) / np.linalg.norm(u + w, axis=1, keepdims=True))


def test_directions():
    points, place = RANDOM.standard_normal((COUNT, 3)), np.array([0.3, -0.2, 0.1])
    points[7] = place
    u, length, inverse = lights.directions(points, place, -1.0)
    d = place - points
    expected = np.linalg.norm(d, axis=1)
    np.testing.assert_allclose(length, expected, rtol=1e-14)
    rows = np.arange(COUNT) != 7
    np.testing.assert_allclose(u[rows], (d / expected[:, None])[rows] if rows.all() else d[rows] / expected[rows, None],
                               atol=1e-15)
    assert not u[7].any() and inverse[7] == 0


@pytest.mark.parametrize("u, inverse", [(U, SCALE), (DOWN, np.array([0.7]))])
def test_through_direction(u, inverse):
    expected = (W - dots(W, np.broadcast_to(u, W.shape))[:, None] * u) * inverse[:, None] + SCALE[:, None] * u
    np.testing.assert_allclose(lights.through_direction(W, SCALE, u, inverse), expected, atol=1e-14)


@pytest.mark.parametrize("shininess", [1.0, 5.5])
@pytest.mark.parametrize("u, intensity", [(U, SCALE), (DOWN, np.array([0.7]))])
@pytest.mark.parametrize("lobe", [lights.LAMBERT, lights.PHONG, lights.BLINN_PHONG])
def test_reflection(lobe, u, intensity, shininess):
    value, power, wrt_n, wrt_u, wrt_w, wrt_shininess = lights.reflect(lobe, N, u, W, intensity, shininess, True)
    u = np.broadcast_to(u, N.shape)
    lit = (dots(N, u) > 0) & (cosine(lobe, N, u, W) > 0)
    expected = np.where(lit, np.maximum(cosine(lobe, N, u, W), 0) ** shininess, 0)
    np.testing.assert_allclose(power, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(value, expected * intensity, rtol=1e-12, atol=1e-15)
    step, sure = 1e-6 * RANDOM.standard_normal(N.shape), expected > 1e-4
    for which, slope in enumerate((wrt_n, wrt_u, wrt_w)):
        if not len(slope):
            assert lobe == lights.LAMBERT and which == 2
            continue
        ahead, behind = [[each + sign * step if place == which else each for place, each in enumerate((N, u, W))]
                         for sign in (1, -1)]
        difference = intensity * (np.maximum(cosine(lobe, *ahead), 0) ** shininess
                                  - np.maximum(cosine(lobe, *behind), 0) ** shininess)
        np.testing.assert_allclose(2 * dots(slope, step)[sure], difference[sure], atol=1e-14)
        assert not slope[~lit].any()
    if len(wrt_shininess):
        np.testing.assert_allclose(wrt_shininess[lit], (value * np.log(cosine(lobe, N, u, W), where=lit,
                                                                       out=np.zeros(COUNT)))[lit], atol=1e-12)


def test_without_slopes():
    value, _, *slopes = lights.reflect(lights.PHONG, N, U, W, SCALE, 3.0, False)
    assert not any(map(len, slopes))
    np.testing.assert_array_equal(value, lights.reflect(lights.PHONG, N, U, W, SCALE, 3.0, True)[0])


@pytest.mark.parametrize("tint", [RANDOM.random((COUNT, 3)), RANDOM.random((1, 3))])
def test_sums_of_products(tint):
    total = np.ones((COUNT, 3, 3))
    lights.add_products(total, tint, U)
    np.testing.assert_allclose(total, 1 + tint[:, :, None] * U[:, None, :], rtol=1e-14)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [RANDOM.random((COUNT, 3)), RANDOM.random((1, 3))])
def test_sums_of_scaled_blocks(scale, channels):
    blocks = RANDOM.standard_normal((50, channels, 3))
    place = RANDOM.integers(-1, 50, COUNT).astype(np.int32)
    total = np.ones((COUNT, 3, 3))
    lights.add_scaled(total, scale, blocks, place)
    expected = 1 + np.where(place[:, None, None] < 0, 0, scale[:, :, None] * blocks[place])
    np.testing.assert_allclose(total, expected, rtol=1e-14)


def test_results_do_not_depend_on_the_number_of_threads():
    index = np.arange(9), np.zeros(9, np.int64), np.ones(9)

    def results():
        return (*lights.reflect(lights.BLINN_PHONG, N, U, W, SCALE, 5.5, True), *lights.directions(U, DOWN[0], 1.0),
                harmonics.harmonics(N, *index), harmonics.harmonic_slopes(N, *index, np.ones((9, 2))))

    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = results()
        set_num_threads(3)
        together = results()
    finally:
        set_num_threads(before)
    for one, other in zip(alone, together):
        np.testing.assert_array_equal(one, other)
