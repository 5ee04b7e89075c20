"""Ambient, directional, point and spot lights, with highlights."""
import pickle
from functools import partial

import numpy as np
import pytest

from opendr_lite.ch import Ch
from opendr_lite.geometry import VertNormals
from opendr_lite.lighting import AmbientLight, DirectionalLight, PointLight, SphericalHarmonics, SpotLight
from tests import derivatives
from tests.reference.lighting import shade
from tests.reference.scene import bumpy_sphere

V, F = bumpy_sphere()
N = VertNormals(V, F).r

assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-7, step=2e-6)

LIGHTS = {  # the class, what describes the light, and what the twin calls that
    "directional": (DirectionalLight, {"light_dir": [-0.4, 0.3, 1.5]}, {"light_dir": "direction"}),
    "point": (PointLight, {"light_pos": [3.0, -2.0, -1.0], "attenuation": [1.0, 0.2, 0.1]},
              {"light_pos": "position", "attenuation": "attenuation"}),
    "spot": (SpotLight, {"light_pos": [0.5, -0.4, -3.0], "light_dir": [-0.2, 0.1, 2.0], "cone": [0.15, 0.33],
                         "attenuation": [0.3, 0.0, 0.1]},
             {"light_pos": "position", "light_dir": "direction", "cone": "cone", "attenuation": "attenuation"}),
}
KINDS = list(LIGHTS)
GLOSS = {"specular_color": [0.6, 0.5, 0.4], "shininess": 3.0, "eye": [1.5, -1.5, -3.0]}


def surface(**changes):
    albedo = np.random.default_rng(21).uniform(0.2, 1, (len(V), 3))
    return {"v": V, "vn": N, "vc": albedo, "light_color": [1.0, 0.9, 0.8], **changes}


def light(kind, **changes):
    cls, own, _ = LIGHTS[kind]
    given = {**own, **surface(), **changes}
    return cls(**{name: value if value is None or name == "lobe" else Ch(value) for name, value in given.items()})


def twin(kind, gloss=None, lobe="blinn_phong"):
    _, own, names = LIGHTS[kind]
    source = {names[name]: np.array(value) for name, value in own.items()}
    source["color"] = np.array(surface()["light_color"])
    gloss = {} if gloss is None else {"specular": np.array(gloss["specular_color"]), "shininess": gloss["shininess"],
                                      "eye": np.array(gloss["eye"]), "lobe": lobe}
    return [shade(v, n, source, albedo, **gloss) for v, n, albedo in zip(V, N, surface()["vc"])]


# ---------------------------------------------------------------------- values

@pytest.mark.parametrize("kind", KINDS)
def test_diffuse_light_is_that_of_the_loop(kind):
    expected = np.array(twin(kind))
    assert 0 < np.count_nonzero(expected[:, 0]) < len(V)
    np.testing.assert_allclose(light(kind).r, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("lobe", ["blinn_phong", "phong"])
@pytest.mark.parametrize("kind", KINDS)
def test_highlights_are_those_of_the_loop(kind, lobe):
    expected = np.array(twin(kind, GLOSS, lobe))
    assert np.abs(expected - twin(kind)).max() > 0.05
    np.testing.assert_allclose(light(kind, lobe=lobe, **GLOSS).r, expected, rtol=1e-11, atol=1e-15)


def test_falloff_with_distance():
    v = np.array([[0.0, 0, 1], [0, 0, 2], [0, 0, 4]])
    towards = np.tile([0.0, 0, -1], (3, 1))
    for attenuation, expected in (((1, 0, 0), [1, 1, 1]), ((0, 1, 0), [1, 1 / 2, 1 / 4]),
                                  ((0, 0, 1), [1, 1 / 4, 1 / 16]), ((1, 2, 3), [1 / 6, 1 / 17, 1 / 57])):
        lamp = PointLight(v=v, vn=towards, light_pos=np.zeros(3), attenuation=attenuation)
        np.testing.assert_allclose(lamp.r.ravel(), expected, rtol=1e-14)


def test_a_directional_light_shines_along_its_direction():
    n = np.array([[0.0, 0, -1], [0, 0, 1], [0, 0.6, -0.8]])
    np.testing.assert_allclose(DirectionalLight(vn=n, light_dir=[0, 0, 9.0]).r.ravel(), [1, 0, 0.8], rtol=1e-15)


def test_a_point_light_far_away_is_a_directional_one():
    far = PointLight(v=V, vn=N, light_pos=[3e8, -4e8, 0.0], **{name: value for name, value in GLOSS.items()})
    sun = DirectionalLight(v=V, vn=N, light_dir=[-3.0, 4, 0], **GLOSS)
    np.testing.assert_allclose(far.r, sun.r, atol=1e-7)


def test_the_cone_of_a_spotlight():
    """Full up to the inner angle, half in the middle of the cosines, nothing from the outer angle on."""
    half = np.arccos((np.cos(0.2) + np.cos(0.4)) / 2)
    angle = np.array([0.0, 0.1, 0.2, half, 0.4, 0.5, 3.0])
    v = np.stack((np.sin(angle), 0 * angle, np.cos(angle)), axis=1)
    spot = SpotLight(v=v, vn=-v, light_pos=np.zeros(3), light_dir=[0, 0, 1.0], cone=[0.2, 0.4])
    np.testing.assert_allclose(spot.r.ravel(), [1, 1, 1, 0.5, 0, 0, 0], atol=1e-14)


def test_ambient_light_is_the_same_everywhere():
    vc, color = Ch(surface()["vc"]), Ch([0.1, 0.2, 0.3])
    ambient = AmbientLight(v=V, vc=vc, light_color=color)
    np.testing.assert_array_equal(ambient.r, vc.r * color.r)
    assert_derivative(ambient, vc, color)
    assert AmbientLight(v=V, light_color=0.5).shape == (24, 1)


def test_lights_add_up_to_vertex_colors():
    total = light("point", **GLOSS) + light("directional") + AmbientLight(v=V, vc=surface()["vc"], light_color=0.1)
    assert total.shape == (24, 3) and (total.r > 0).all()


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_highlight_is_where_the_mirror_image_of_the_light_is(shift):
    """On a plane between eye and light, the brightest point is half way for both lobes."""
    x = np.linspace(-2, 2, 401)
    v, n = np.stack((x + shift, 0 * x, 0 * x), axis=1), np.tile([0.0, 0, 1], (401, 1))
    for lobe in "phong", "blinn_phong":
        lamp = PointLight(v=v, vn=n, vc=None, light_pos=[shift - 1, 0, 1], eye=[shift + 1, 0, 1], specular_color=1.0,
                          shininess=50.0, lobe=lobe)
        assert v[lamp.r.argmax(), 0] == pytest.approx(shift, abs=1e-9) and lamp.r.max() == pytest.approx(1)


# ---------------------------------------------------------------------- derivatives

@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_diffuse_light(kind):
    node = light(kind)
    own = [getattr(node, name) for name in LIGHTS[kind][1]]
    assert_derivative(node, *own, node.vn, node.vc, node.light_color, *([] if kind == "directional" else [node.v]))


@pytest.mark.parametrize("lobe", ["blinn_phong", "phong"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vc", [surface()["vc"], None])
def test_derivatives_of_highlights(kind, lobe, vc):
    node = light(kind, lobe=lobe, **{**GLOSS, "vc": vc})
    own = [getattr(node, name) for name in LIGHTS[kind][1]]
    assert_derivative(node, *own, node.v, node.vn, node.light_color, node.specular_color, node.shininess, node.eye)
    if vc is not None:
        assert_derivative(node, node.vc)


@pytest.mark.parametrize("shininess", [0.0, 0.5, 1.0, 2.0, 80.0])
def test_derivatives_at_any_shininess(shininess):
    node = light("point", **{**GLOSS, "shininess": shininess})
    assert_derivative(node, node.v, node.vn, node.light_pos, node.eye)
    if shininess:
        assert_derivative(node, node.shininess)


@pytest.mark.parametrize("specular, color", [(0.5, 1.0), (np.full((24, 1), 0.5), [1.0, 0.9, 0.8]), ([0.5], [0.8]),
                                             (np.full((24, 3), 0.5), 1.0), (np.full(72, 0.5), [1.0, 0.9, 0.8])])
def test_colors_of_highlights_broadcast(specular, color):
    node = light("point", vc=None, **{**GLOSS, "specular_color": specular, "light_color": color})
    plain = light("point", vc=None, **{**GLOSS, "specular_color": 1.0, "light_color": 1.0})
    np.testing.assert_allclose(node.r, np.broadcast_to(plain.r * 0.5 * np.ravel(color), node.shape), rtol=1e-14)
    assert_derivative(node, node.specular_color, node.light_color, node.v)


def test_one_node_in_several_places():
    both = Ch([0.6, -2.0, -3.0])
    assert_derivative(light("spot", light_pos=both.r, **GLOSS), Ch(both.r))
    node = light("point", **GLOSS)
    node.light_pos = node.eye = both
    assert_derivative(node, both)
    node.v = node.vn = Ch(N)
    assert_derivative(node, node.v)


def test_derivatives_of_a_mesh():
    v = Ch(V)
    node = SpotLight(v=v, vn=VertNormals(v, F), vc=0.5, **LIGHTS["spot"][1], **GLOSS)
    assert_derivative(node, v)


# ---------------------------------------------------------------------- places where there is no derivative

def test_on_the_edge_of_the_shadow_the_derivative_is_that_of_the_dark_side():
    v, n = Ch([[0.0, 0, 0]]), Ch([[0.0, 0, 1]])
    for node in (PointLight(v=v, vn=n, light_pos=Ch([1.0, 0, 0]), **GLOSS),
                 DirectionalLight(v=v, vn=n, light_dir=Ch([-1.0, 0, 0]), **GLOSS),
                 SpotLight(v=v, vn=n, light_pos=Ch([1.0, 0, 0]), light_dir=Ch([-1.0, 0, 0]), **GLOSS)):
        np.testing.assert_array_equal(node.r, 0)
        for name in node.dterms:
            variable = getattr(node, name)
            assert not node.is_dr_wrt(variable) or not node.dr_wrt(variable).toarray().any(), name


@pytest.mark.parametrize("angle", [0.2, 0.4])
def test_on_the_edges_of_a_cone_the_derivative_is_continuous(angle):
    v, cone = Ch([[np.sin(angle), 0, np.cos(angle)]]), Ch([0.2, 0.4])
    spot = SpotLight(v=v, vn=Ch(-v.r), light_pos=Ch(np.zeros(3)), light_dir=Ch([0.0, 0, 1]), cone=cone)
    assert_derivative(spot, cone, v, spot.light_dir, spot.light_pos, tolerance=1e-4, step=1e-8)
    np.testing.assert_allclose(spot.dr_wrt(cone).toarray(), 0, atol=1e-7)


@pytest.mark.parametrize("attenuation", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_a_light_on_a_point_gives_it_nothing(attenuation):
    node = PointLight(v=Ch(V), vn=Ch(N), light_pos=Ch(V[4]), attenuation=Ch(attenuation), **GLOSS)
    np.testing.assert_array_equal(node.r[4], 0)
    for variable in node.v, node.vn, node.light_pos, node.attenuation:
        jacobian = node.dr_wrt(variable).toarray().reshape(24, 3, -1)
        assert np.isfinite(jacobian).all() and not jacobian[4].any()


def test_an_eye_on_a_point_or_opposite_to_the_light_gives_finite_derivatives():
    v, n = Ch([[0.0, 0, 0], [0, 0, 1]]), Ch([[0.0, 0, 1], [0, 0, 1]])
    for eye in ([0, 0, 1.0], [0, 0, -2.0]):
        for lobe in "phong", "blinn_phong":
            node = PointLight(v=v, vn=n, light_pos=Ch([0.0, 0, 2]), eye=Ch(eye), specular_color=1.0, shininess=Ch(3.0),
                              lobe=lobe)
            assert np.isfinite(node.r).all()
            for variable in v, n, node.light_pos, node.eye, node.shininess:
                assert np.isfinite(node.dr_wrt(variable).toarray()).all()


def test_no_points_at_all():
    node = PointLight(v=np.zeros((0, 3)), vn=np.zeros((0, 3)), light_pos=Ch([1.0, 0, 0]), **GLOSS)
    assert node.shape == (0, 3) and node.dr_wrt(node.light_pos).shape == (0, 3)


# ---------------------------------------------------------------------- the same light elsewhere

def test_a_light_on_another_surface():
    node = light("spot", **GLOSS)
    moved = node.on(v=2 * V, vn=-N)
    assert type(moved) is SpotLight and moved.light_pos is node.light_pos and moved.light_color is node.light_color
    expected = SpotLight(v=2 * V, vn=-N, light_color=node.light_color, **LIGHTS["spot"][1])
    np.testing.assert_array_equal(moved.r, expected.r)
    node.light_pos[0] = 0.2
    expected.light_pos[0] = 0.2
    np.testing.assert_array_equal(moved.r, expected.r)
    sky = SphericalHarmonics(components=[1.0, 0.2], vn=N)
    expected = SphericalHarmonics(components=[1, 0.2], vn=-N)
    np.testing.assert_array_equal(sky.on(v=V, vn=-N, eye=np.zeros(3)).r, expected.r)


@pytest.mark.parametrize("kind", KINDS)
def test_copy_and_pickle(kind):
    node = light(kind, lobe="phong", **GLOSS)
    before = node.r
    twin_node, restored = node.copy(), pickle.loads(pickle.dumps(node))
    np.testing.assert_array_equal(restored.r, before)
    twin_node.vn = -N
    assert not np.array_equal(twin_node.r, before)
    np.testing.assert_array_equal(node.r, before)


# ---------------------------------------------------------------------- bad input

@pytest.mark.parametrize("kind, changes, error, message", [
    ("directional", {"light_dir": np.zeros(3)}, ValueError, "light_dir must not be 0"),
    ("directional", {"light_dir": [1.0, 2]}, ValueError, "light_dir must have 3 entries"),
    ("directional", {"vn": np.ones((24, 2))}, ValueError, "vn must have shape"),
    ("point", {"vn": np.ones((5, 3))}, ValueError, "as many rows, got 24 and 5"),
    ("point", {"light_pos": [0, np.nan, 0]}, ValueError, "light_pos must be finite"),
    ("point", {"attenuation": np.zeros(3)}, ValueError, r"attenuation must leave a \+ b r \+ c r² > 0"),
    ("point", {"attenuation": [1.0, -9, 0]}, ValueError, "attenuation must leave"),
    ("point", {"attenuation": 1.0}, ValueError, "attenuation must have 3 entries"),
    ("point", {"vc": np.ones((24, 2))}, ValueError, "vc must have a row for each of 24 vertices"),
    ("point", {"vc": None}, AttributeError, "needs vc or specular_color"),
    ("point", {"specular_color": np.ones((3, 2)), "shininess": 1.0, "eye": np.zeros(3)}, ValueError,
     "specular_color must have a row for each"),
    ("point", {"specular_color": 1.0, "eye": np.zeros(3)}, AttributeError, "needs shininess"),
    ("point", {"specular_color": 1.0, "shininess": 2.0}, AttributeError, "needs eye"),
    ("directional", {**GLOSS, "v": np.ones((5, 3))}, ValueError, "as many rows, got 5 and 24"),
    ("point", {**GLOSS, "shininess": -1.0}, ValueError, "shininess must be at least 0, got -1"),
    ("point", {**GLOSS, "lobe": "gaussian"}, ValueError, "lobe must be 'blinn_phong' or 'phong', got 'gaussian'"),
    ("spot", {"cone": [0.4, 0.4]}, ValueError, r"0 <= inner < outer <= pi, got \(0.4, 0.4\)"),
    ("spot", {"cone": [-0.1, 0.4]}, ValueError, "0 <= inner < outer"),
    ("spot", {"cone": [0.1, 3.2]}, ValueError, "0 <= inner < outer"),
    ("spot", {"cone": 0.4}, ValueError, "cone must have 2 entries"),
    ("spot", {"light_dir": np.zeros(3)}, ValueError, "SpotLight: light_dir must not be 0"),
])
def test_bad_input_is_refused(kind, changes, error, message):
    with pytest.raises(error, match=message):
        light(kind, **changes).r


@pytest.mark.parametrize("cls", [PointLight, SpotLight, DirectionalLight, AmbientLight])
def test_missing_input_is_named(cls):
    with pytest.raises(AttributeError, match=f"{cls.__name__} needs (v|vn), which is not set"):
        cls(**({} if cls is AmbientLight else {"light_dir" if cls is DirectionalLight else "light_pos": [1.0, 0, 0]})).r


def test_a_misspelt_input_is_refused():
    with pytest.raises(TypeError, match="takes no 'position'"):
        PointLight(position=[0, 0, 0])
