"""From a panorama to the light of a diffuse surface."""
import numpy as np
import pytest

from opendr_lite.ch import Ch
from opendr_lite.lighting import EnvironmentHarmonics, SphericalHarmonics, lambertian_factors
from tests.derivatives import assert_derivative


def directions(height, width):
    """Where the pixels look, (H, W, 3), and their solid angles (H, 1), as documented."""
    polar = np.pi * (np.arange(height)[:, None] + 0.5) / height
    around = 2 * np.pi * (np.arange(width) + 0.5) / width - np.pi
    x, y, z = np.sin(polar) * np.sin(around), -np.cos(polar), np.sin(polar) * np.cos(around)
    d = np.stack(np.broadcast_arrays(x, y, z), axis=2)
    top, bottom = np.pi * np.arange(height) / height, np.pi * np.arange(1, height + 1) / height
    return d, (2 * np.pi / width * (np.cos(top) - np.cos(bottom)))[:, None]


def some_normals(count=30):
    n = np.random.default_rng(0).standard_normal((count, 3))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def sky(height=48, width=96):
    """A smooth panorama with a sun: bright above and to the right, ahead."""
    d, _ = directions(height, width)
    sun = np.exp(12 * (d @ [0.48, -0.6, 0.64] - 1))
    up = -d[..., 1]
    return np.stack([0.2 + 0.1 * up + 3 * sun, 0.3 + 0.2 * up + 2 * sun, 0.5 + 0.4 * up + sun], axis=2)


def brute_force(image, normals):
    """The mean of max(0, n·d) L(d) over all pixels, over pi."""
    d, solid_angle = directions(*image.shape[:2])
    cosine = np.maximum(d @ normals.T, 0)
    return np.einsum("hwn,hwc,hw->nc", cosine, image, np.broadcast_to(solid_angle, image.shape[:2])) / np.pi


@pytest.mark.parametrize("order, tolerance", [(2, 0.03), (4, 0.006), (8, 0.002)])
def test_diffuse_light_is_that_of_brute_force(order, tolerance):
    image, normals = sky(), some_normals()
    light = SphericalHarmonics(vn=normals, components=EnvironmentHarmonics(image=image, order=order))
    expected = brute_force(image, normals)
    assert np.abs(light.r - expected).max() < tolerance * expected.max()
    assert np.ptp(expected) > 0.3


def test_a_panorama_of_few_harmonics_is_exact():
    """L = 1 + x - y + xz is in the first bands, where a diffuse surface multiplies by 1, 2/3 and 1/4."""
    d, _ = directions(200, 400)
    x, y, z = np.moveaxis(d, 2, 0)
    n = some_normals()
    components = EnvironmentHarmonics(image=1 + x - y + x * z)
    expected = 1 + 2 / 3 * (n[:, 0] - n[:, 1]) + n[:, 0] * n[:, 2] / 4
    np.testing.assert_allclose(SphericalHarmonics(vn=n, components=components).r[:, 0], expected, atol=1e-4)
    light = EnvironmentHarmonics(image=1 + x - y + x * z, diffuse=False)
    expected = 1 + n[:, 0] - n[:, 1] + n[:, 0] * n[:, 2]
    np.testing.assert_allclose(SphericalHarmonics(vn=n, components=light).r[:, 0], np.maximum(expected, 0), atol=2e-4)


def test_light_of_1_from_all_sides_makes_a_white_surface_1():
    components = EnvironmentHarmonics(image=np.ones((7, 10)), order=8)
    n = some_normals()
    np.testing.assert_allclose(components.r[0], np.sqrt(4 * np.pi), rtol=1e-12)
    white = SphericalHarmonics(vn=n, components=EnvironmentHarmonics(image=np.ones((64, 128)), order=8))
    np.testing.assert_allclose(white.r, 1, atol=1e-3)


@pytest.mark.parametrize("pixel, towards", [
    ((0.5, 0.5), [0, 0, 1]), ((0.02, 0.5), [0, -1, 0]), ((0.5, 0.75), [1, 0, 0]),
    ((0.98, 0.3), [0, 1, 0]), ((0.5, 0.25), [-1, 0, 0]), ((0.5, 0.01), [0, 0, -1])])
def test_where_the_pixels_of_a_panorama_are(pixel, towards):
    image = np.zeros((40, 80))
    image[int(40 * pixel[0]), int(80 * pixel[1])] = 1
    n = np.concatenate([np.eye(3), -np.eye(3)])
    light = SphericalHarmonics(vn=n, components=EnvironmentHarmonics(image=image))
    np.testing.assert_array_equal(n[light.r.argmax()], towards)


def test_factors_of_a_diffuse_surface():
    """Those of Ramamoorthi and Hanrahan 2001, over pi; and the integral that they are."""
    factors = lambertian_factors(8)
    np.testing.assert_allclose(factors[:5] * np.pi, [3.141593, 2.094395, 0.785398, 0, -0.130900], atol=1e-6)
    x, weight = np.polynomial.legendre.leggauss(40)
    x, weight = (x + 1) / 2, weight / 2
    legendre = np.polynomial.legendre.legvander(x, 8)
    np.testing.assert_allclose(factors, 2 * (weight * x) @ legendre, atol=1e-14)
    assert lambertian_factors(0).tolist() == [1.0]


@pytest.mark.parametrize("order, shape", [(0, (5, 8)), (2, (5, 8, 3)), (8, (3, 4, 1))])
def test_derivative_by_the_panorama(order, shape):
    image = Ch(np.random.default_rng(0).random(shape))
    components = EnvironmentHarmonics(image=image, order=order)
    assert components.shape == ((order + 1) ** 2, shape[2] if len(shape) == 3 else 1)
    assert_derivative(components, image, tolerance=1e-8)
    assert_derivative(SphericalHarmonics(vn=some_normals(5), components=components), image, tolerance=1e-8)


def test_rows_are_taken_in_blocks(monkeypatch):
    from opendr_lite.lighting import environment
    image, cotangent = np.random.default_rng(0).random((13, 6, 2)), np.random.default_rng(1).random(18)
    whole, image_node = EnvironmentHarmonics(image=image), Ch(image)
    monkeypatch.setattr(environment, "PIXELS_AT_ONCE", 24)
    parts = EnvironmentHarmonics(image=image_node)
    np.testing.assert_allclose(parts.r, whole.r, rtol=1e-12)
    np.testing.assert_allclose(parts.vjp(image_node, cotangent), parts.dr_wrt(image_node).T @ cotangent, atol=1e-12)


@pytest.mark.parametrize("changes, error, message", [
    ({"image": np.ones(5)}, ValueError, r"image must have shape \(rows, columns, channels\), got \(5,\)"),
    ({"image": np.zeros((0, 4))}, ValueError, "image must have shape"),
    ({"image": np.full((4, 8), np.nan)}, ValueError, "image must be finite"),
    ({"order": 9}, ValueError, "order must be a whole number from 0 to 8, got 9"),
    ({"order": -1}, ValueError, "order must be"),
    ({"order": 1.5}, ValueError, "order must be"),
])
def test_bad_panoramas_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        EnvironmentHarmonics(**{"image": np.ones((4, 8)), **changes}).r
