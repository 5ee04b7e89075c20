import pickle
from functools import partial

import numpy as np
import pytest

from opendr_lite.ch import Ch
from opendr_lite.geometry import Rodrigues, VertNormals
from opendr_lite.lighting import LambertianPointLight, lambertian_spotlight
from tests import derivatives
from tests.reference.scene import bumpy_sphere, spotlight

V, F = bumpy_sphere()


assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-8, step=2e-6)


def point_light(**changes):
    random = np.random.default_rng(21)
    inputs = {"f": F, "num_verts": len(V), "v": Ch(V), "vc": Ch(random.uniform(0.2, 1, (len(V), 3))),
              "light_pos": Ch([3.0, -2.0, -1.0]), "light_color": Ch([1.0, 0.9, 0.8])}
    return LambertianPointLight(**{**inputs, **changes})


# ---------------------------------------------------------------------- point light

def test_a_surface_is_lit_from_the_side_its_normal_points_to():
    v, f = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]])
    above = LambertianPointLight(f=f, v=v, light_pos=[0, 0, 5])
    assert above.shape == (3, 1)
    np.testing.assert_allclose(above.r.ravel(), [1, 5 / np.sqrt(26), 5 / np.sqrt(26)], rtol=1e-15)
    np.testing.assert_array_equal(LambertianPointLight(f=f, v=v, light_pos=[0, 0, -5]).r, 0)


def test_brightness_is_the_cosine_times_the_colors_whatever_the_distance():
    light = point_light()
    normals, towards = VertNormals(V, F).r, light.light_pos.r - V
    cosine = np.sum(normals * towards, axis=1) / np.linalg.norm(towards, axis=1)
    expected = np.maximum(cosine, 0)[:, None] * light.light_color.r * light.vc.r
    assert (cosine < 0).any() and (cosine > 0).any()
    np.testing.assert_allclose(light.r, expected, rtol=1e-13, atol=1e-16)


def test_derivatives_of_the_point_light():
    light = point_light()
    assert_derivative(light, light.v, light.vc, light.light_pos, light.light_color)
    normals = Ch(VertNormals(V, F).r)
    light = point_light(vn=normals)
    assert_derivative(light, light.v, normals)


@pytest.mark.parametrize("vc, color, channels", [
    (np.full(72, 0.5), [1.0, 0.9, 0.8], 3), (np.full((24, 3), 0.5), 0.7, 3),
    (np.full((24, 3), 0.5), [0.7], 3),
    (np.full((24, 1), 0.5), [1.0, 0.9, 0.8], 3), (0.5, [1.0, 0.9, 0.8], 3), (0.5, 0.7, 1),
    (np.full(24, 0.5), [0.7], 1), (np.full(3, 0.5), [1.0, 0.9, 0.8], 3)])
def test_colors_broadcast(vc, color, channels):
    light = point_light(vc=vc, light_color=color)
    assert light.shape == (24, channels) and light.num_channels == channels
    cosine = LambertianPointLight(f=F, v=V, light_pos=light.light_pos).r
    expected = np.broadcast_to(cosine * 0.5 * np.ravel(color), light.shape)
    np.testing.assert_allclose(light.r, expected, rtol=1e-14)
    assert_derivative(light, light.vc, light.light_color)


def test_a_black_lit_vertex_still_has_a_derivative_with_respect_to_its_color():
    light = point_light(vc=np.zeros((24, 3)))
    assert_derivative(light, light.vc)
    assert light.dr_wrt(light.vc).nnz > 0


def test_one_node_as_both_colors():
    both = Ch([0.5, 0.6, 0.7])
    assert_derivative(point_light(vc=both, light_color=both), both)


def test_a_light_on_a_vertex_gives_zero():
    light = point_light(light_pos=Ch(V[4]))
    np.testing.assert_array_equal(light.r[4], 0)
    for variable in light.v, light.light_pos:
        assert np.isfinite(light.dr_wrt(variable).toarray()).all()


def test_automatic_normals_follow_the_mesh():
    light = point_light()
    light.r
    light.v = 2 * V[:, ::-1]
    np.testing.assert_array_equal(light.vn.r, VertNormals(2 * V[:, ::-1], F).r)
    light.f = F[:, ::-1]
    np.testing.assert_array_equal(light.r, point_light(v=2 * V[:, ::-1], f=F[:, ::-1]).r)


def test_given_normals_stay():
    normals = Ch(np.tile([0.0, 0, 1], (24, 1)))
    light = point_light(vn=normals)
    light.v = V + 1
    assert light.vn is normals
    assert LambertianPointLight(v=V, vn=normals, light_pos=[0, 0, 9]).r.min() > 0   # no f needed


def test_copy_and_pickle_of_a_light():
    light = point_light()
    before = light.r
    twin, restored = light.copy(), pickle.loads(pickle.dumps(light))
    np.testing.assert_array_equal(restored.r, before)
    for other in twin, restored:
        other.v = 3 * V[:, [1, 2, 0]]
        np.testing.assert_array_equal(other.vn.r, VertNormals(3 * V[:, [1, 2, 0]], F).r)
        np.testing.assert_array_equal(light.r, before)


@pytest.mark.parametrize("changes, error, message", [
    ({"num_verts": 23}, ValueError, "num_verts is 23, but v has 24 rows"),
    ({"vc": np.ones((23, 3))}, ValueError, r"vc must have a row for each of 24 vertices.*\(23, 3\)"),
    ({"vc": np.ones((24, 2))}, ValueError, r"as many columns as light_color has entries.*\(24, 2\)"),
    ({"vn": np.ones((5, 3))}, ValueError, "as many rows, got 24 and 5"),
    ({"light_pos": [1, 2]}, ValueError, "light_pos must have 3 entries"),
    ({"light_color": [1, np.nan, 1]}, ValueError, "light_color must be finite"),
    ({"f": F + 9}, ValueError, "0 to 23"),
])
def test_bad_input_of_the_point_light_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        point_light(**changes).r


@pytest.mark.parametrize("missing", ["v", "f", "light_pos"])
def test_missing_input_is_named(missing):
    inputs = {"v": V, "f": F, "light_pos": [0, 0, 9]}
    del inputs[missing]
    with pytest.raises(AttributeError, match=f"needs {missing}, which is not set"):
        LambertianPointLight(**inputs).r


# ---------------------------------------------------------------------- spotlight

def spot_inputs(exponent=2.5):
    return {"v": Ch(V), "vn": Ch(VertNormals(V, F).r), "pos": Ch([0.5, -0.4, -3.0]), "dir": Ch([-0.2, 0.3, 2.0]),
            "spot_exponent": Ch(exponent)}


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5, 40.0])
def test_spotlight_is_that_of_the_loop(exponent):
    inputs = spot_inputs(exponent)
    pos, direction = inputs["pos"].r, inputs["dir"].r
    expected = [spotlight(v, n, pos, direction, exponent) for v, n in zip(V, inputs["vn"].r)]
    assert 0 < np.count_nonzero(expected) < len(V)
    np.testing.assert_allclose(lambertian_spotlight(**inputs).r, expected, rtol=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_derivatives_of_the_spotlight(exponent):
    inputs = spot_inputs(exponent)
    assert_derivative(lambertian_spotlight(**inputs), *inputs.values())


def test_the_spotlight_falls_off_with_distance_and_off_its_axis():
    v = np.array([[0.0, 0, 1], [0, 0, 2], [1, 0, 1], [0, 0, -1]])
    light = lambertian_spotlight(v, np.tile([0.0, 0, -1], (4, 1)), np.zeros(3), [0, 0, 7], 3)
    np.testing.assert_allclose(light.r, [1, 1 / 4, 0.5 * 0.5**0.5 * 0.5**1.5, 0], rtol=1e-14)


def test_a_spotlight_on_a_vertex_gives_zero():
    inputs = spot_inputs()
    inputs["pos"].x = V[3]
    light = lambertian_spotlight(**inputs)
    assert light.r[3] == 0
    for variable in inputs.values():
        assert np.isfinite(light.dr_wrt(variable).toarray()).all()


def test_a_spotlight_in_camera_space():
    rt, t = Ch([0.3, -0.4, 0.2]), Ch([0.1, -0.2, 0.3])
    inputs = spot_inputs()
    R = Rodrigues(rt).r
    moved = {**inputs, "pos": Ch(R @ inputs["pos"].r + t.r), "dir": Ch(R @ inputs["dir"].r)}
    light = lambertian_spotlight(**moved, camcoord=True, camera_t=t, camera_rt=rt)
    np.testing.assert_allclose(light.r, lambertian_spotlight(**inputs).r, rtol=1e-12)
    assert_derivative(light, rt, t, moved["pos"], moved["dir"], moved["v"])
    with pytest.raises(ValueError, match="needs camera_t and camera_rt"):
        lambertian_spotlight(**moved, camcoord=True)


@pytest.mark.parametrize("changes, message", [
    ({"dir": np.zeros(3)}, "dir must not be 0"),
    ({"spot_exponent": [1, 2]}, "spot_exponent must have 1 entries"),
    ({"vn": np.ones((3, 3))}, "as many rows, got 24 and 3")])
def test_bad_input_of_the_spotlight_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        lambertian_spotlight(**{**spot_inputs(), **changes}).r
