"""Images that are shaded pixel by pixel."""
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opendr_lite import ch
from opendr_lite.ch import Ch, check_jacobian
from opendr_lite.diagnosis import explain_derivative
from opendr_lite.geometry import Rodrigues, VertNormals
from opendr_lite.lighting import AmbientLight, DirectionalLight, PointLight, SphericalHarmonics, SpotLight
from opendr_lite.renderer import ColoredRenderer, ShadedRenderer, ShadedTexturedRenderer, TexturedRenderer
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.lighting import harmonics, shade, unit
from tests.renderer import test_fuzz as fuzz
from tests.renderer.scenes import at_pixels, blob, camera, flat_camera, frustum, grid
from tests.renderer.test_cameras import AFFINE, LENS, MODELS, through
from tests.renderer.test_exact import assert_exact

CLASSES = [ShadedRenderer, ShadedTexturedRenderer]
OWN = {"lamp": ("light_pos", "attenuation", "light_color"), "spot": ("light_pos", "light_dir", "cone", "light_color"),
       "sun": ("light_dir", "light_color"), "sky": ("components", "light_color"), "glow": ("light_color",)}


def lights():
    random = np.random.default_rng(0)
    return {"lamp": PointLight(light_pos=Ch([-2.1, -1, -2.2]), attenuation=Ch([1, 0.1, 0.05]),
                               light_color=Ch([0.4, 0.6, 0.5])),
            "spot": SpotLight(light_pos=Ch([1.0, -2, -2]), light_dir=Ch([-0.5, 1, 1]), cone=Ch([0.3, 0.8]),
                              light_color=Ch([1.0, 0.8, 0.6])),
            "sun": DirectionalLight(light_dir=Ch([0.3, 0.5, 1.0]), light_color=Ch([0.3, 0.4, 0.5])),
            "sky": SphericalHarmonics(components=Ch(np.r_[1.0, 0.2 * random.standard_normal(15)])),
            "glow": AmbientLight(light_color=Ch([0.1, 0.1, 0.2]))}


def body(cls=ShadedRenderer, num_points=40, k=(), **terms):
    """A `blob` in five lights, with highlights."""
    terms = {"lights": list(lights().values()), "specular_color": Ch([0.5, 0.4, 0.3]), "shininess": Ch(6.0),
             "bgcolor": Ch([0.1, 0.2, 0.3]), **terms}
    if cls is ShadedTexturedRenderer:
        random = np.random.default_rng(1)
        terms = {"vt": Ch(random.random((num_points, 2))), "texture_image": Ch(random.random((8, 8, 3))),
                 "texture_filter": "bilinear", **terms}
    return blob(cls, num_points, k=k, **terms)


def gray(**terms):
    """In gray light, with a gray albedo."""
    return body(lights=PointLight(light_pos=Ch([-2.0, -1, -5])), vc=Ch(np.full((40, 1), 0.7)), specular_color=Ch(0.5),
                bgcolor=0.2, **terms)


def assert_derivative(rn, *variables):
    """By central differences for some entries of each variable, and in all products."""
    for wrt in variables:
        check = check_jacobian(rn, wrt, max_columns=8)
        assert check.ok(), f"{wrt.shape}: {check}"


# ---------------------------------------------------------------------- values

def twin(rn, eye):
    """The pixels of `body`, one at a time, with what they see as of `rn`."""
    image = np.empty(rn.image_size + (3,))
    v, m, albedo = rn.v.r, VertNormals(rn.v.r, rn.f).r, rn.vc.r
    specular = np.broadcast_to(rn.specular_color.r, albedo.shape)
    gloss = {"shininess": float(rn.shininess.r), "eye": eye, "lobe": rn.lobe}
    lamp, spot, sun, sky, glow = rn.lights
    direct = [{"position": lamp.light_pos.r, "attenuation": lamp.attenuation.r, "color": lamp.light_color.r},
              {"position": spot.light_pos.r, "direction": spot.light_dir.r, "cone": spot.cone.r,
               "color": spot.light_color.r},
              {"direction": sun.light_dir.r, "color": sun.light_color.r}]
    for (row, column), face in np.ndenumerate(rn.visibility_image):
        if face == 4294967295:
            image[row, column] = rn.bgcolor.r
            continue
        b, corners = rn.barycentric_image[row, column], rn.f[face]
        point, normal, a, s = b @ v[corners], unit(b @ m[corners]), b @ albedo[corners], b @ specular[corners]
        color = sum(shade(point, normal, each, a, s, **gloss) for each in direct)
        color = color + max(0.0, harmonics(normal[None], 3)[0] @ sky.components.r) * a + glow.light_color.r * a
        image[row, column] = color
    return image


@pytest.mark.parametrize("lobe", ["phong", "blinn_phong"])
@pytest.mark.parametrize("specular", [[0.5, 0.4, 0.3], np.random.default_rng(2).random((40, 3))])
@pytest.mark.parametrize("overdraw", [True, False])
def test_pixels_are_those_of_the_loop(overdraw, specular, lobe):
    rn = body(overdraw=overdraw, specular_color=Ch(specular), lobe=lobe)
    R = Rodrigues(rn.camera.rt.r).r
    np.testing.assert_allclose(rn.r, twin(rn, -R.T @ rn.camera.t.r), rtol=1e-10)


def test_the_eye_may_be_given():
    rn, there = body(eye=np.array([1.0, -3, -2])), np.array([1.0, -3, -2])
    np.testing.assert_allclose(rn.r, twin(rn, there), rtol=1e-10)


def test_white_clay():
    """Without colours the albedo is 1."""
    white = body(vc=None)
    np.testing.assert_allclose(white.r, body(vc=np.ones((40, 3))).r, rtol=1e-14)
    assert_derivative(white, white.lights[0].light_pos)


@pytest.mark.parametrize("plain, cls", [(ColoredRenderer, ShadedRenderer), (TexturedRenderer, ShadedTexturedRenderer)])
@pytest.mark.parametrize("derivative", ["opendr", "exact"])
def test_in_ambient_light_the_image_is_the_albedo(plain, cls, derivative):
    rn = body(cls, lights=AmbientLight(light_color=0.5), derivative=derivative)
    terms = {name: getattr(rn, name) for name in ("camera", "f", "frustum", "bgcolor", "vc", "vt", "texture_image",
                                                  "texture_filter") if hasattr(rn, name)}
    albedo = plain(derivative=derivative, **{**terms, "bgcolor": 2 * rn.bgcolor.r})
    np.testing.assert_allclose(rn.r, 0.5 * albedo.r, rtol=1e-13)
    np.testing.assert_allclose(rn.dr_wrt(rn.vc).toarray(), 0.5 * albedo.dr_wrt(rn.vc).toarray(), atol=1e-14)
    np.testing.assert_allclose(rn.dr_wrt(rn.v).toarray(), 0.5 * albedo.dr_wrt(rn.v).toarray(), atol=1e-10)


def test_with_one_normal_for_all_it_does_not_matter_what_is_shaded():
    """In parallel light, vertices and pixels have the same colours, and so the same derivatives by the light."""
    vn, sun = np.tile([0.0, 0.6, -0.8], (40, 1)), lights()["sun"]
    rn = body(lights=sun, vn=vn, specular_color=None)
    gouraud = ColoredRenderer(camera=rn.camera, f=rn.f, frustum=rn.frustum, bgcolor=rn.bgcolor,
                              vc=sun.on(vn=vn, vc=rn.vc))
    np.testing.assert_allclose(rn.r, gouraud.r, rtol=1e-13)
    for x in sun.light_dir, sun.light_color, rn.v, rn.camera.t:
        np.testing.assert_allclose(rn.dr_wrt(x).toarray(), gouraud.dr_wrt(x).toarray(), atol=1e-12)


def test_a_highlight_within_a_face_is_seen():
    """Half way between light and eye, in the middle of one big square; vertices see nothing of it."""
    v = at_pixels([[-60.0, -60], [90, -60], [-60, 90], [90, 90]], 10.0)
    lamp = PointLight(light_pos=[150.0, 150, 0], light_color=1.0)
    common = {"camera": flat_camera(Ch(v)), "f": [[0, 2, 1], [1, 2, 3]], "frustum": frustum(31, 31), "bgcolor": 0.0}
    shiny = ShadedRenderer(lights=lamp, vc=np.zeros((4, 1)), specular_color=1.0, shininess=4000.0,
                           vn=np.tile([0.0, 0, -1], (4, 1)), **common)
    brightest = np.unravel_index(shiny.r.argmax(), shiny.r.shape)
    assert brightest == (8, 8) or brightest == (7, 7), brightest  # x = 75 of 150 at depth 10, pixel 7.5
    assert shiny.r.max() > 0.9 and shiny.r[0, 0] < 0.5


def test_normals_are_normalized_again():
    rn = body()
    rn.vn = 3.7 * VertNormals(rn.v.r, rn.f).r
    np.testing.assert_allclose(rn.r, body().r, rtol=1e-13)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_image_does_not_depend_on_the_number_of_threads(threads):
    expected, before = body().r, get_num_threads()
    try:
        set_num_threads(threads)
        np.testing.assert_array_equal(body().r, expected)
    finally:
        set_num_threads(before)


# ---------------------------------------------------------------------- derivatives

@pytest.mark.parametrize("derivative", ["opendr", "exact"])
@pytest.mark.parametrize("cls", CLASSES)
def test_derivatives_of_what_does_not_move_the_surface(cls, derivative):
    rn = body(cls, derivative=derivative, vn=Ch(VertNormals(*bumpy()).r), eye=Ch([0.5, -1.0, -3.0]))
    for name, light in zip(OWN, rn.lights):
        assert_derivative(rn, *(getattr(light, each) for each in OWN[name]))
    assert_derivative(rn, rn.vn, rn.vc, rn.specular_color, rn.shininess, rn.eye, rn.bgcolor)
    if cls is ShadedTexturedRenderer:
        assert_derivative(rn, rn.texture_image)


def bumpy():
    rn = body()
    return rn.v.r, rn.f


@pytest.mark.parametrize("derivative", ["opendr", "exact"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (40, 1), (40, 3)])
def test_derivatives_of_specular_colors(derivative, shape):
    rn = body(derivative=derivative, specular_color=Ch(np.random.default_rng(3).random(shape)))
    assert_derivative(rn, rn.specular_color, rn.lights[0].light_pos)


@pytest.mark.parametrize("cls, specular", [(ShadedRenderer, [0.5, 0.4, 0.3]), (ShadedTexturedRenderer, [0.5, 0.4, 0.3]),
                                           (ShadedRenderer, np.random.default_rng(2).random((40, 3)))])
@pytest.mark.parametrize("name", ["v", "rt", "t", "f", "c", "k"])
def test_exact_derivatives_are_those_of_the_image(cls, specular, name):
    rn = body(cls, derivative="exact", k=[0.1, -0.05, 0.01, -0.02, 0.03], specular_color=Ch(specular))
    assert_exact(rn, getattr(rn.camera, name))


@pytest.mark.parametrize("name", ["v", "vt", "texture_image"])
def test_exact_derivatives_with_mipmaps(name):
    random = np.random.default_rng(1)
    rn = body(ShadedTexturedRenderer, derivative="exact", texture_filter="mipmap", vt=Ch(0.5 * random.random((40, 2))),
              texture_image=Ch(random.random((64, 32, 3))))
    assert_exact(rn, getattr(rn.camera if name == "v" else rn, name), step=1e-8 if name != "texture_image" else 1e-4)


def test_exact_derivatives_of_an_open_mesh_through_the_near_plane():
    rn = body(derivative="exact")
    rn.f = rn.f[::2]
    rn.camera.t = [0.1, -0.2, 0.9]
    assert rn._clipped is not None
    assert_exact(rn, rn.v, step=1e-8)
    assert_exact(rn, rn.camera.t, step=1e-8)


def test_opendr_derivatives_are_the_motion_and_what_changes_on_the_faces():
    """The second is that of the pixels with faces and barycentric coordinates held, by central differences."""
    rn = body()
    seen, b = rn.corners[:, 0] >= 0, rn.weights
    motion = (rn._motion_wrt_camera(rn.r).to_sparse() @ rn.camera.dr_wrt(rn.v)).toarray()
    start, step = rn.v.r.copy(), 1e-6
    eye = (-Rodrigues(rn.camera.rt.r).T.dot(rn.camera.t)).r

    def held(v):
        """Colours of the pixels, put together from the nodes."""
        x, m, a = (np.einsum("pk,pki->pi", b[seen], each[rn.corners[seen]])
                   for each in (v, VertNormals(v, rn.f).r, rn.vc.r))
        surface = {"v": x, "vn": m / np.linalg.norm(m, axis=1)[:, None], "vc": a, "specular_color": rn.specular_color.r,
                   "shininess": rn.shininess.r, "eye": eye}
        image = np.zeros((len(seen), 3))
        image[seen] = sum(light.on(**surface).r for light in rn.lights)
        return image.ravel()

    jacobian = rn.dr_wrt(rn.v).toarray()
    for column in np.random.default_rng(0).integers(0, 120, 12):
        moved = np.zeros(120)
        moved[column] = step
        difference = (held(start + moved.reshape(-1, 3)) - held(start - moved.reshape(-1, 3))) / (2 * step)
        np.testing.assert_allclose(jacobian[:, column] - motion[:, column], difference, atol=1e-7)


@pytest.mark.parametrize("derivative", ["opendr", "exact"])
@pytest.mark.parametrize("cls", CLASSES)
def test_products_agree_with_the_jacobian(cls, derivative):
    rn, random = body(cls, derivative=derivative, k=[0.1, -0.05, 0.01, -0.02]), np.random.default_rng(0)
    if derivative == "opendr":
        rn.camera.t = [0.1, -0.2, 0.9]  # some faces are cut
        rn.frustum = {**rn.frustum, "near": 0.5}
    for x in rn.v, rn.camera.rt, rn.camera.t, rn.camera.f, rn.lights[1].light_pos, rn.vc:
        jacobian = rn.dr_wrt(x)
        tangent, cotangent = (random.standard_normal((count, 2)) for count in (x.size, rn.size))
        size = abs(jacobian).max()
        np.testing.assert_allclose(rn.jvp(x, tangent), jacobian @ tangent, atol=1e-11 * size)
        np.testing.assert_allclose(rn.vjp(x, cotangent), jacobian.T @ cotangent, atol=1e-10 * size)


def test_the_eye_moves_with_the_camera():
    """Only highlights change if the camera turns around a point light and body that turn along."""
    rn = body(lights=DirectionalLight(light_dir=[0.0, 0, 1]), vc=np.zeros((40, 3)))
    with_eye = rn.dr_wrt(rn.camera.t).toarray()
    rn.eye = (-Rodrigues(rn.camera.rt.r).T.dot(rn.camera.t.r)).r
    without = rn.dr_wrt(rn.camera.t).toarray()
    assert np.abs(with_eye - without).max() > 1e-2


def test_a_fit_finds_lights_and_gloss():
    logarithm = Ch(np.log(6.0))  # of what must not become negative
    rn = body(ShadedRenderer, lights=[lights()["lamp"], lights()["glow"]], shininess=ch.exp(logarithm))
    lamp, _ = rn.lights
    unknowns = [lamp.light_pos, logarithm, rn.specular_color]
    target, truth = rn.r.copy(), [each.r.copy() for each in unknowns]
    lamp.light_pos[:], logarithm[...], rn.specular_color[:] = [-1.0, -2, -3], np.log(12.0), 0.2
    result = ch.minimize(rn - target, x0=unknowns)
    assert result.nit < 40
    for found, expected in zip((each.r for each in unknowns), truth):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_fit_finds_the_pose():
    rn = body(derivative="exact")
    target, stood = rn.r.copy(), np.concatenate([rn.camera.rt.r, rn.camera.t.r])
    rn.camera.rt[:], rn.camera.t[:] = rn.camera.rt.r + [0.05, -0.05, 0.03], rn.camera.t.r + [0.02, 0.03, -0.1]
    result = ch.minimize(rn - target, x0=[rn.camera.rt, rn.camera.t])
    np.testing.assert_allclose(result.x, stood, atol=1e-5)


# ---------------------------------------------------------------------- changes, copies

def test_changes_are_noticed():
    rn = body()
    before = rn.r.copy()
    lamp, *others = rn.lights

    def changed():
        nonlocal before
        old, before = before, rn.r.copy()
        return not np.array_equal(old, before)

    lamp.light_pos[0] = 0.5
    assert changed()
    lamp.light_pos = [0.0, -3, -2]
    assert changed()
    rn.lights = others
    assert changed()
    rn.lights[0].cone[1] = 0.5
    assert changed()
    rn.specular_color[0] = 0.9
    assert changed()
    rn.shininess = 3.0
    assert changed()
    rn.lobe = "phong"
    assert changed()
    rn.vc[3] = 0.0
    assert changed()
    rn.vn = VertNormals(rn.v, rn.f[:40])
    assert changed()
    rn.v[7] = rn.v.r[7] * 1.1
    assert changed()
    rn.vn = None
    assert changed()
    rn.camera = camera(rn.v.r * 0.9, t=[0.0, 0, 3.5])
    assert changed()
    fresh = ShadedRenderer(**{name: getattr(rn, name) for name in ("camera", "f", "frustum", "lights", "specular_color",
                                                                   "shininess", "lobe", "vc", "bgcolor")})
    np.testing.assert_array_equal(rn.r, fresh.r)
    rn.f = rn.f[:50]
    assert changed()


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("derivative", ["opendr", "exact"])
def test_copy_and_pickle(cls, derivative):
    rn = body(cls, derivative=derivative)
    before = rn.r
    twin_node, restored = rn.copy(), pickle.loads(pickle.dumps(rn))
    np.testing.assert_array_equal(restored.r, before)
    twin_node.lights = lights()["sun"]
    assert not np.array_equal(twin_node.r, before)
    np.testing.assert_array_equal(rn.r, before)


def test_channels():
    rn = gray()
    assert rn.shape == (28, 36) and (rn.r > 0.2).any()
    assert_derivative(rn, rn.vc, rn.lights[0].light_pos, rn.specular_color)
    colored = body()
    red_and_green = body(num_channels=2)
    np.testing.assert_array_equal(red_and_green.r, colored.r[:, :, :2])
    lamp = red_and_green.lights[0]
    assert_derivative(red_and_green, lamp.light_color, red_and_green.specular_color, red_and_green.vc)
    tinted = gray(num_channels=3)
    np.testing.assert_array_equal(tinted.r, np.repeat(rn.r[:, :, None], 3, axis=2))
    assert_derivative(tinted, tinted.specular_color, tinted.lights[0].light_pos, tinted.vc)
    exact = gray(derivative="exact", num_channels=3)
    assert_exact(exact, exact.v)


def test_nothing_in_view():
    for derivative in "opendr", "exact":
        rn = body(derivative=derivative)
        rn.camera.t = [0.0, 0, -30]
        np.testing.assert_array_equal(rn.r, np.broadcast_to(rn.bgcolor.r, rn.shape))
        for x in rn.v, rn.lights[0].light_pos, rn.specular_color:
            assert not rn.vjp(x, np.ones(rn.size)).any()
            jacobian = rn.dr_wrt(x)
            assert jacobian is None or not jacobian.toarray().any()


def test_a_big_flat_mesh_of_many_pixels():
    """As many pixels as several bands have."""
    xy, f = grid(6)
    v = Ch(np.column_stack([xy, 0.1 * np.sin(3 * xy[:, 0])]))
    view = camera(v, 120, 100, f=[150.0, 150.0], t=[0.0, 0, 3])
    rn = ShadedRenderer(camera=view, f=f, frustum=frustum(120, 100), lights=list(lights().values()), specular_color=0.4,
                        shininess=10.0, vn=-VertNormals(v, f))
    assert check_jacobian(rn, rn.lights[1].light_pos).ok(1e-6)
    cotangent, tangent = (np.random.default_rng(0).standard_normal(count) for count in (rn.size, v.size))
    assert rn.jvp(v, tangent) @ cotangent == pytest.approx(tangent @ rn.vjp(v, cotangent), rel=1e-9)


@pytest.mark.parametrize("derivative", ["opendr", "exact"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(mesh=fuzz.meshes, depth=st.sampled_from([0.0, 2.0, 5.0]))
def test_no_mesh_is_too_strange(derivative, mesh, depth):
    v, f = np.array(mesh[0]), mesh[1]
    v[np.abs(v) < 1e-50] = 0.0  # exact gradients of any image overflow where depths are as small as that
    view = camera(Ch(v), 13, 11, t=[0, 0, depth], f=[12.0, 13.0])
    rn = ShadedRenderer(camera=view, f=np.array(f, int), frustum=frustum(13, 11, far=40.0), derivative=derivative,
                        lights=list(lights().values()), vc=Ch(np.full((len(v), 3), 0.5)), specular_color=Ch(0.5),
                        shininess=Ch(6.0))
    assert np.isfinite(rn.r).all()
    for x in (rn.v, view.rt, view.t, rn.vc, rn.specular_color, rn.shininess, rn.lights[1].light_pos, rn.lights[1].cone):
        jacobian = rn.dr_wrt(x)
        assert jacobian is None or np.isfinite(jacobian.data).all()
        assert np.isfinite(rn.vjp(x, np.ones(rn.size))).all()


# ---------------------------------------------------------------------- why there is no derivative

def test_reasons():
    rn = body()
    for x in rn.v, rn.lights[0].light_pos, rn.specular_color, rn.shininess:
        assert explain_derivative(rn, x) is None
    inside = PointLight(light_pos=Ch([0.0, 0, 0]))
    dark = body(lights=inside, specular_color=Ch(0.5))
    assert "zero" in explain_derivative(dark, inside.light_pos)
    assert "no highlight is seen" in explain_derivative(dark, dark.specular_color)
    black = body(vc=np.zeros((40, 3)), specular_color=None)
    assert "`vc` is zero where it is seen" in explain_derivative(black, black.lights[0].light_color)
    dull = body(specular_color=Ch(np.zeros(3)), vc=np.zeros((40, 3)))
    assert "`specular_color` is zero" in explain_derivative(dull, dull.shininess)


# ---------------------------------------------------------------------- bad input

@pytest.mark.parametrize("changes, error, message", [
    ({"lights": []}, TypeError, "lights must be a list of lights"),
    ({"lights": [np.zeros(3)]}, TypeError, "lights must be a list of lights"),
    ({"lights": "sun"}, TypeError, "lights must be a list of lights"),
    ({"vn": np.ones((39, 3))}, ValueError, r"vn must have shape \(40, 3\), got \(39, 3\)"),
    ({"vn": np.full((40, 3), np.nan)}, ValueError, "vn has 120 entries that are NaN"),
    ({"vn": np.ones((40, 2))}, ValueError, "vn must have shape"),
    ({"specular_color": np.ones((39, 3))}, ValueError, "specular_color must have shape"),
    ({"specular_color": np.nan}, ValueError, "specular_color has 1 entries that are NaN"),
    ({"shininess": None}, AttributeError, "has no shininess yet"),
    ({"shininess": -2.0}, ValueError, "shininess must be at least 0"),
    ({"lobe": "metal"}, ValueError, "lobe must be 'blinn_phong' or 'phong', got 'metal'"),
    ({"eye": np.ones(2)}, ValueError, "eye must have 3 entries"),
    ({"vc": np.ones((39, 3))}, ValueError, "vc must have shape"),
    ({"derivative": "best"}, ValueError, "derivative must be"),
    ({"lights": PointLight()}, AttributeError, "PointLight needs light_pos"),
])
def test_bad_input_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        body(**changes).r


def test_a_renderer_without_lights_says_so():
    rn = body()
    bare = ShadedRenderer(camera=rn.camera, f=rn.f, frustum=rn.frustum)
    with pytest.raises(AttributeError, match="has no lights yet"):
        bare.r


# ---------------------------------------------------------------------- other cameras, and what else renderers can

@pytest.mark.parametrize("model", MODELS)
def test_through_every_camera(model):
    eye = Ch([0.4, -0.3, -6.0])
    rn = through(body(eye=eye, overdraw=False), model)
    np.testing.assert_allclose(rn.r, twin(rn, eye.r), rtol=1e-10)
    rn.derivative = "exact"
    for name in ("v", "rt", "t", *LENS[model]):
        assert_exact(rn, getattr(rn.camera, name))
    assert_derivative(rn, eye)


@pytest.mark.parametrize("model", AFFINE)
def test_highlights_of_parallel_rays_need_an_eye(model):
    rn = through(body(), model)
    with pytest.raises(ValueError, match="set eye=..., far in front of the mesh"):
        rn.r
    rn.specular_color = None
    assert np.ptp(rn.r) > 0.1


def test_anti_aliasing():
    rn = body(anti_aliasing=True, derivative="exact")
    finer = rn.finer.r
    np.testing.assert_allclose(rn.r, finer.reshape(28, 2, 36, 2, 3).mean(axis=(1, 3)), atol=1e-14)
    assert_derivative(rn, rn.lights[0].light_pos, rn.specular_color)


def test_neural_derivative():
    """Edges move by the rule; the light on what is seen has a Jacobian."""
    rn = body(derivative="neural")
    weights, place = np.random.default_rng(0).standard_normal(rn.size), rn.lights[0].light_pos
    assert_derivative(rn, place)
    np.testing.assert_allclose(rn.vjp(place, weights), rn.dr_wrt(place).T @ weights, rtol=1e-10)
    assert np.isfinite(rn.vjp(rn.v, weights)).all()
    with pytest.raises(ValueError, match="backward rule"):
        rn.dr_wrt(rn.v)
