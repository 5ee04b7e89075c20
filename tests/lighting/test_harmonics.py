"""Light from all sides as a sum of spherical harmonics."""
from functools import partial

import numpy as np
import pytest

from opendr_lite.ch import Ch
from opendr_lite.geometry import Rodrigues, VertNormals
from opendr_lite.lighting import SphericalHarmonics
from opendr_lite.lighting.harmonics import harmonics
from tests import derivatives
from tests.reference import lighting as reference
from tests.reference.scene import bumpy_sphere

V, F = bumpy_sphere()
NORMALS = VertNormals(V, F).r
ALL = 81

assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-8, step=2e-6)


def sphere_quadrature(degree):
    """Directions and weights that integrate polynomials of up to that degree over the sphere exactly."""
    z, weight = np.polynomial.legendre.leggauss(degree // 2 + 1)
    count = degree + 1
    angle = 2 * np.pi * np.arange(count) / count
    radius = np.sqrt(1 - z**2)
    directions = np.stack((np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle)),
                           np.outer(z, np.ones(count))), axis=2)
    return directions.reshape(-1, 3), np.repeat(weight, count) * 2 * np.pi / count


@pytest.mark.parametrize("count", [1, 9, 20, ALL])
def test_harmonics_are_orthonormal(count):
    directions, weights = sphere_quadrature(16)
    basis = harmonics(directions, count)
    np.testing.assert_allclose(basis.T @ (weights[:, None] * basis), np.eye(count), atol=1e-13)


def test_harmonics_are_those_of_the_twin():
    directions = np.concatenate([np.random.default_rng(1).standard_normal((20, 3)), np.eye(3), -np.eye(3)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    np.testing.assert_allclose(harmonics(directions, ALL), reference.harmonics(directions, 8), atol=1e-12)


def test_the_first_nine_are_the_polynomials_of_opendr():
    x, y, z = NORMALS.T
    polynomials = np.stack((np.ones_like(x), x, z, y, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y), axis=1)
    scale = np.sqrt(np.array([1, 3, 3, 3, 15, 15, 5 / 4, 15, 15 / 4]) / (4 * np.pi))
    np.testing.assert_allclose(harmonics(NORMALS, 9), polynomials * scale, atol=1e-15)


def test_a_rotation_keeps_the_energy_of_each_band():
    directions, weights = sphere_quadrature(16)
    rotation = Rodrigues([0.4, -1.1, 0.7]).r
    components = np.random.default_rng(2).standard_normal(ALL)
    # The light, turned, is a sum of the same harmonics, of which the components are found by quadrature.
    turned = harmonics(directions, ALL).T @ (weights * (harmonics(directions @ rotation, ALL) @ components))
    bands = [slice(l * l, (l + 1) ** 2) for l in range(9)]
    energies = [[np.sum(each[band] ** 2) for band in bands] for each in (components, turned)]
    np.testing.assert_allclose(energies[1], energies[0], rtol=1e-12)
    assert np.abs(turned - components).max() > 0.5


@pytest.mark.parametrize("count", [10, 25, 80, ALL])
def test_derivatives_of_high_orders(count):
    random = np.random.default_rng(count)
    components = Ch(0.3 * random.standard_normal(count) + 0.3 * np.eye(count)[0])
    vn, color, vc = Ch(NORMALS), Ch([0.9, 0.8, 0.7]), Ch(random.uniform(0.2, 1, (24, 3)))
    light = SphericalHarmonics(vn=vn, components=components, light_color=color, vc=vc)
    assert (light.r == 0).any() and (light.r > 0).any()
    assert_derivative(light, vn, components, color, vc)


@pytest.mark.parametrize("color, vc", [
    (1.0, 1.0), ([0.7], np.full((24, 3), 0.6)), ([0.9, 0.8, 0.7], np.full((24, 1), 0.6)), ([0.9, 0.8, 0.7], 0.6)])
def test_components_of_each_channel(color, vc):
    components = Ch(0.3 * np.random.default_rng(3).standard_normal((16, 3)) + 0.5 * np.eye(16, 3))
    vn, color, vc = Ch(NORMALS), Ch(color), Ch(vc)
    light = SphericalHarmonics(vn=vn, components=components, light_color=color, vc=vc)
    each = [SphericalHarmonics(vn=vn, components=components.r[:, channel]).r[:, 0] for channel in range(3)]
    np.testing.assert_allclose(light.r, np.stack(each, axis=1) * color.r * vc.r, atol=1e-15)
    assert light.num_channels == light.num_colors == 3
    assert_derivative(light, vn, components, color, vc)


def test_channels_that_do_not_fit_are_refused():
    light = SphericalHarmonics(vn=NORMALS, components=np.ones((9, 2)), light_color=np.ones(3))
    with pytest.raises(ValueError, match=r"one channel, or as many as one another; got shapes \(9, 2\), \(3,\)"):
        light.r


@pytest.mark.parametrize("index, normal, expected", [
    (0, [0, 0, 1], 0.282095), (1, [1, 0, 0], 0.488603), (2, [0, 0, 1], 0.488603), (3, [0, 1, 0], 0.488603),
    (4, [0.6, 0.8, 0], 1.092548 * 0.48), (5, [0, 0.6, 0.8], 1.092548 * 0.48), (6, [0, 0, 1], 0.315392 * 2),
    (7, [0.6, 0, 0.8], 1.092548 * 0.48), (8, [1, 0, 0], 0.546274)])
def test_order_and_constants_of_the_harmonics(index, normal, expected):
    # The constants are those of Ramamoorthi and Hanrahan 2001, eq. 3.
    light = SphericalHarmonics(vn=[normal], components=np.eye(9)[index])
    assert light.r == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize("color", [[1.0, 0.8, 0.6], [0.7], 0.7])
def test_derivatives_of_harmonics(count, color):
    components = Ch(np.array([0.3, 0.5, -0.4, 0.3, 0.2, -0.3, 0.25, 0.15, -0.2])[:count])
    vn, color = Ch(NORMALS), Ch(color)
    light = SphericalHarmonics(vn=vn, components=components, light_color=color)
    assert light.shape == (24, color.size) and light.num_channels == color.size
    assert_derivative(light, vn, components, color)


def test_fewer_components_are_the_first_ones():
    few = SphericalHarmonics(vn=NORMALS, components=[0.3, 0.5, -0.4, 0.3])
    all_nine = SphericalHarmonics(vn=NORMALS, components=[0.3, 0.5, -0.4, 0.3, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(few.r, all_nine.r)


def test_negative_light_is_clamped():
    vn = Ch([[1.0, 0, 0], [-1, 0, 0]])
    light = SphericalHarmonics(vn=vn, components=[0, 1.0], light_color=[1, 2])
    np.testing.assert_allclose(light.r, [[np.sqrt(0.75 / np.pi), np.sqrt(3 / np.pi)], [0, 0]])
    np.testing.assert_array_equal(light.dr_wrt(vn)[2:].toarray(), 0)


def test_harmonics_of_a_mesh():
    v = Ch(V)
    light = SphericalHarmonics(vn=VertNormals(v, F), components=[0.3, 0.5, -0.4], light_color=np.ones(3))
    assert_derivative(light, v)


@pytest.mark.parametrize("components", [np.zeros(0), np.zeros(82), np.zeros((9, 0)), np.zeros((9, 3, 1)), 1.0])
def test_a_wrong_number_of_components_is_refused(components):
    with pytest.raises(ValueError, match="components must have 1 to 81 entries"):
        SphericalHarmonics(vn=NORMALS, components=components).r
