"""What cannot be rendered is refused by name, with what was expected and what came."""
import numpy as np
import pytest

from opendr_lite.camera import ProjectPoints
from opendr_lite.renderer import (
    BoundaryRenderer,
    ColoredRenderer,
    DepthRenderer,
    TexturedRenderer,
)
from tests.renderer.scenes import RENDERERS, camera, frustum, scene


def with_entry(shape, value):
    array = np.ones(shape)
    array.flat[array.size // 2] = value
    return array


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name, shape", [
    ("v", (40, 3)), ("vc", (40, 3)), ("fc", (76, 3)), ("bgcolor", (3,)), ("texture_image", (5, 4, 3)), ("vt", (40, 2)),
    ("background_image", (28, 36, 3))])
def test_numbers_that_are_not_finite(name, shape, bad):
    rn = scene(TexturedRenderer)
    setattr(rn, name, with_entry(shape, bad))
    with pytest.raises(ValueError, match=rf"\b{name}\b.*(finite|NaN or infinite)"):
        rn.r


@pytest.mark.parametrize("cls", RENDERERS)
@pytest.mark.parametrize("name", ["rt", "t", "f", "c", "k"])
def test_a_camera_that_is_not_finite(cls, name):
    rn = scene(cls)
    setattr(rn.camera, name, np.full(getattr(rn.camera, name).shape, np.nan))
    with pytest.raises(ValueError, match=rf"\b{name}\b.* finite"):
        rn.r


@pytest.mark.parametrize("name, shape, expected", [
    ("vc", (39, 3), r"vc must have shape \(40, 3\), got \(39, 3\)"),
    ("vc", (40, 2), r"vc must have shape \(40, 3\), got \(40, 2\)"),
    ("vc", (7,), r"vc must have shape \(40, 3\), got \(7,\)"),
    ("fc", (40, 3), r"fc must have shape \(76, 3\), got \(40, 3\)"),
    ("bgcolor", (2,), r"bgcolor must have shape \(3,\), got \(2,\)"),
    ("bgcolor", (28, 36, 3), r"bgcolor must have shape \(3,\), got \(28, 36, 3\)"),
    ("texture_image", (5,), r"texture_image must have shape \(rows, columns, channels\), got \(5,\)"),
    ("texture_image", (0, 4, 3), r"texture_image must have shape .* got \(0, 4, 3\)"),
    ("texture_image", (2, 3, 4, 5), r"texture_image must have shape .* got \(2, 3, 4, 5\)"),
    ("vt", (40,), r"vt must have shape \(T, 2\), got \(40,\)"),
    ("vt", (40, 4), r"vt must have shape \(T, 2\), got \(40, 4\)"),
    ("background_image", (36, 28, 3), r"background_image must have shape \(28, 36, 3\), got \(36, 28, 3\)"),
    ("background_image", (28, 36, 2), r"background_image must have shape \(28, 36, 3\), got \(28, 36, 2\)"),
    ("background_image", (28,), r"background_image must have shape \(28, 36, 3\), got \(28,\)")])
def test_shapes(name, shape, expected):
    rn = scene(TexturedRenderer)
    setattr(rn, name, np.zeros(shape))
    with pytest.raises(ValueError, match=expected):
        rn.r


def test_shape_of_a_background_of_depths():
    rn = scene(DepthRenderer, background_image=np.ones((28, 36, 1)))
    with pytest.raises(ValueError, match=r"background_image must have shape \(28, 36\), got \(28, 36, 1\)"):
        rn.r


@pytest.mark.parametrize("cls", RENDERERS)
@pytest.mark.parametrize("f, error, expected", [
    ([[0, 1, 40]], ValueError, r"f must index the 40 rows it points at, 0 to 39; row 0 is \[0, 1, 40\]"),
    ([[0, 1, 2], [0, -1, 3]], ValueError, r"f must index .* row 1 is \[0, -1, 3\]"),
    ([[0.0, 1.0, 2.0]], TypeError, "f must hold integers, got dtype float64"),
    ([[0, 1]], ValueError, r"f must have shape \(F, 3\), one triangle a row, got \(1, 2\)"),
    ([0, 1, 2], ValueError, r"f must have shape \(F, 3\)"),
    ("abc", TypeError, "f must hold integers")])
def test_faces(cls, f, error, expected):
    rn = scene(cls)
    rn.f = f
    with pytest.raises(error, match=expected):
        rn.r
    with pytest.raises(error, match=expected):
        rn.boundaryid_image


@pytest.mark.parametrize("ft, error, expected", [
    ([[0, 1, 2]], ValueError, "ft must have a row per face, 76, got 1"),
    (np.full((76, 3), 40), ValueError, "ft must index the 40 rows"),
    (np.zeros((76, 3)), TypeError, "ft must hold integers")])
def test_faces_of_the_texture(ft, error, expected):
    rn = scene(TexturedRenderer, ft=ft)
    with pytest.raises(error, match=expected):
        rn.r


def test_a_texture_without_ft_needs_vt_for_each_vertex():
    rn = scene(TexturedRenderer, vt=np.zeros((7, 2)))
    with pytest.raises(ValueError, match="TexturedRenderer needs ft: vt has 7 rows for 40 vertices"):
        rn.r


@pytest.mark.parametrize("name", ["vt", "texture_image"])
def test_a_texture_needs_both(name):
    whole = scene(TexturedRenderer)
    given = {other: getattr(whole, other) for other in ("camera", "f", "frustum", "vt", "texture_image")
             if other != name}
    with pytest.raises(AttributeError, match=f"TexturedRenderer has no {name} yet"):
        TexturedRenderer(**given).r


@pytest.mark.parametrize("changes, error, expected", [
    ({"near": 0}, ValueError, "expected 0 < near < far, both finite; got near = 0, far = 50"),
    ({"near": -1}, ValueError, "got near = -1"), ({"near": 60}, ValueError, "got near = 60, far = 50"),
    ({"near": np.nan}, ValueError, "got near = nan"), ({"far": np.inf}, ValueError, "far = inf"),
    ({"near": "close"}, TypeError, "frustum must be a dict .* of numbers"),
    ({"width": 0}, ValueError, "frustum: width must be a positive whole number, got 0"),
    ({"width": 12.5}, ValueError, "frustum: width must be a positive whole number, got 12.5"),
    ({"height": -3}, ValueError, "frustum: height must be a positive whole number, got -3"),
    ({"height": np.nan}, ValueError, "frustum: height must be a positive whole number, got nan"),
    ({"height": np.inf}, ValueError, "frustum: height must be a positive whole number, got inf"),
    ({"height": "12"}, ValueError, "frustum: height must be a positive whole number, got '12'"),
    ({"height": True}, ValueError, "frustum: height must be a positive whole number, got True")])
@pytest.mark.parametrize("cls", RENDERERS)
def test_frustum(cls, changes, error, expected):
    rn = scene(cls)
    rn.frustum = {**frustum(), **changes}
    with pytest.raises(error, match=expected):
        rn.r


@pytest.mark.parametrize("missing", ["near", "far", "width", "height"])
def test_a_frustum_without_a_key(missing):
    rn = scene(ColoredRenderer)
    rn.frustum = {key: value for key, value in frustum().items() if key != missing}
    with pytest.raises(ValueError, match=f"frustum lacks '{missing}': expected"):
        rn.r


@pytest.mark.parametrize("value", [None, 3.0, "wide", [0.1, 10, 36, 28]])
def test_a_frustum_of_another_kind(value):
    rn = scene(ColoredRenderer)
    rn.frustum = value
    with pytest.raises((TypeError, AttributeError), match="frustum"):
        rn.r


def test_whole_numbers_as_floats_are_sizes():
    rn = scene(ColoredRenderer)
    rn.frustum = {**frustum(), "width": 12.0, "height": np.int64(9)}
    assert rn.r.shape == (9, 12, 3)


@pytest.mark.parametrize("number", [0, -1, 1.5, "three", np.nan, np.inf, True])
@pytest.mark.parametrize("cls", [ColoredRenderer, BoundaryRenderer])
def test_number_of_channels(cls, number):
    rn = scene(cls, num_channels=number)
    with pytest.raises(ValueError, match="num_channels must be a positive whole number, got"):
        rn.r


@pytest.mark.parametrize("name", ["trilinear", None, 3])
def test_unknown_texture_filter(name):
    rn = scene(TexturedRenderer, texture_filter=name)
    with pytest.raises(ValueError, match=r"texture_filter must be one of 'mipmap', 'bilinear', 'nearest', got"):
        rn.r


def test_no_colours():
    whole = scene(ColoredRenderer)
    rn = ColoredRenderer(camera=whole.camera, f=whole.f, frustum=whole.frustum)
    for _ in range(2):
        with pytest.raises(AttributeError, match="ColoredRenderer has no colours yet: set vc"):
            rn.r
        rn.num_channels = 3


@pytest.mark.parametrize("cls", RENDERERS)
def test_an_empty_renderer_says_what_it_lacks(cls):
    with pytest.raises(AttributeError, match=f"{cls.__name__} has no .* yet"):
        cls().r
    with pytest.raises(AttributeError, match=f"{cls.__name__} has no camera yet"):
        cls().v
    with pytest.raises(AttributeError, match=f"{cls.__name__} has no camera yet"):
        cls().v = np.zeros((3, 3))
    with pytest.raises(AttributeError, match=f"{cls.__name__} has no frustum yet"):
        cls().image_size


@pytest.mark.parametrize("cls", RENDERERS)
def test_a_camera_that_is_none(cls):
    rn = scene(cls)
    rn.camera = np.zeros((40, 2))
    with pytest.raises(TypeError, match="camera must be a Camera, such as ProjectPoints, got Ch"):
        rn.r


@pytest.mark.parametrize("name", ["v", "f", "c"])
def test_a_camera_that_lacks_something(name):
    terms = {"v": np.zeros((40, 3)), "f": [40.0, 40.0], "c": [18.0, 14.0]}
    rn = scene(ColoredRenderer)
    rn.camera = ProjectPoints(**{key: value for key, value in terms.items() if key != name})
    with pytest.raises(AttributeError, match=rf"needs {name}, which is not set"):
        rn.r


@pytest.mark.parametrize("shape", [(40, 2), (7,), (2, 3, 4)])
def test_vertices_of_another_shape(shape):
    rn = scene(ColoredRenderer)
    rn.camera = camera(np.ones(shape))
    with pytest.raises(ValueError, match=r"v must have shape \(N, 3\)"):
        rn.r


def test_faces_of_no_vertices():
    rn = scene(ColoredRenderer)
    rn.v = np.zeros((0, 3))
    with pytest.raises(ValueError, match="f must index the 0 rows it points at"):
        rn.r


@pytest.mark.parametrize("cls", RENDERERS)
@pytest.mark.parametrize("v", [np.zeros((0, 3)), np.ones((4, 3))])
def test_an_empty_mesh(cls, v):
    rn = scene(cls)
    rn.set(v=v, f=np.zeros((0, 3), int))
    with pytest.raises(ValueError, match="f must have at least one face"):
        rn.r


def test_misspelt_terms():
    with pytest.raises(TypeError, match="ColoredRenderer takes no 'colour'"):
        ColoredRenderer(colour=np.ones((3, 3)))
