"""Every renderer with every camera: images against slow twins, derivatives against definitions and differences."""
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opendr_lite import ch
from opendr_lite.camera import (
    FieldOfViewCamera,
    FisheyeCamera,
    OrthographicCamera,
    ProjectPoints,
    WeakPerspectiveCamera,
)
from opendr_lite.ch import Ch
from opendr_lite.diagnosis import check_scene, explain_derivative
from opendr_lite.renderer import (
    ColoredRenderer,
    DepthRenderer,
    SilhouetteRenderer,
    TexturedRenderer,
    base,
)
from opendr_lite.renderer.area_sampling import Mesh, area_samples
from tests.reference import rasterize as slow_rasterize
from tests.reference import render as slow
from tests.reference.area_sampling import average
from tests.reference.image_gradient import image_gradient
from tests.renderer import test_fuzz as fuzz
from tests.renderer.scenes import HEIGHT, RENDERERS, WIDTH, cosine, frustum, grid, scene
from tests.renderer.test_exact import CLASSES, COLORED, assert_exact, body, supersampled, two_bodies

MIDDLE = [(WIDTH - 1) / 2, (HEIGHT - 1) / 2]
MODELS = {
    "orthographic": partial(OrthographicCamera, f=[11.0, 12.0], c=MIDDLE),
    "weak": partial(WeakPerspectiveCamera, f=[40.0, 44.0], c=MIDDLE),
    "weak at a depth": partial(WeakPerspectiveCamera, f=[40.0, 44.0], c=MIDDLE, reference_depth=3.2),
    "field of view": partial(FieldOfViewCamera, fov=38.0, width=WIDTH, height=HEIGHT, k=[0.1, -0.05, 0.01, -0.02]),
    "fisheye": partial(FisheyeCamera, f=[40.0, 44.0], c=MIDDLE, k=[0.1, -0.05, 0.01, 0.02]),
}
AFFINE = "orthographic", "weak", "weak at a depth"
LENS = {"orthographic": ("f", "c"), "weak": ("f", "c"), "weak at a depth": ("f", "c", "reference_depth"),
        "field of view": ("fov", "k"), "fisheye": ("f", "c", "k")}


def through(rn, model):
    """The scene of a renderer, seen through another camera at the same place."""
    old = rn.camera
    rn.camera = MODELS[model](v=old.v, rt=Ch(old.rt.r), t=Ch(old.t.r))
    return rn


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


def seen_slowly(rn):
    """Face, barycentric coordinates and depth at each pixel, by the twin that the model has."""
    near, far = rn.frustum["near"], rn.frustum["far"]
    camera = rn.camera
    if not camera.is_affine:  # what is projected is joined by straight edges, and interpolated with perspective
        return slow_rasterize.rasterize(camera.screen, rn.faces, WIDTH, HEIGHT, far)
    matrix = camera.camera_mtx.copy()
    if isinstance(camera, WeakPerspectiveCamera):
        matrix[:2, :2] /= 3.2 if camera.mean_depth is None else camera.z.r.mean()
    return slow.cast(camera.v_cam.r, rn.faces, matrix, WIDTH, HEIGHT, near, far, is_affine=True)


# ---------------------------------------------------------------------- images

@pytest.mark.parametrize("cls", [ColoredRenderer, DepthRenderer, SilhouetteRenderer])
def test_the_image_is_that_of_the_slow_twin(cls, model):
    rn = through(scene(cls, overdraw=False), model)
    face_id, barycentric, depth = seen_slowly(rn)
    assert (face_id >= 0).sum() > 250
    np.testing.assert_array_equal(rn.surface.face_id, face_id)
    np.testing.assert_allclose(rn.barycentric_image, barycentric, atol=1e-12)
    np.testing.assert_allclose(rn.depth_image, depth, rtol=1e-13)
    if cls is ColoredRenderer:
        np.testing.assert_allclose(rn.r, slow.colors(face_id, barycentric, rn.f, rn.vc.r, 0.5), atol=1e-12)
    else:
        np.testing.assert_allclose(rn.r, depth if cls is DepthRenderer else face_id >= 0, rtol=1e-13)


def test_texture_coordinates_and_their_level_of_detail(model):
    """The twin for the level of detail: coordinates at the four neighbours, on the plane of the same face."""
    rn = through(scene(TexturedRenderer, overdraw=False), model)
    face_id, barycentric, _ = seen_slowly(rn)
    vt = slow.colors(face_id, barycentric, rn.f, rn.vt.r, 0.0)
    seen = face_id >= 0
    np.testing.assert_allclose(rn.texcoord_image[seen], (vt * [1, -1] + [0, 1])[seen], atol=1e-11)
    gradient = rn._surface_gradient(rn.pixels, rn.faces, rn.vt.r).reshape(HEIGHT, WIDTH, 2, 2)
    for axis in (0, 1):
        ahead, behind = (shifted_coordinates(rn, face_id, axis, step) for step in (1e-5, -1e-5))
        np.testing.assert_allclose(gradient[seen][:, :, axis], (ahead - behind)[seen] / 2e-5, rtol=1e-6, atol=1e-6)


def shifted_coordinates(rn, face_id, axis, step):
    """vt where the planes of the faces seen are beside the centres of their pixels."""
    screen, h = rn.screen, np.ones(len(rn.screen)) if rn.camera.is_affine else rn.screen[:, 2]
    vt = np.zeros((HEIGHT, WIDTH, 2))
    for j, i in np.argwhere(face_id >= 0):
        corners = rn.faces[face_id[j, i]]
        at = np.array([i, j, 1.0])
        at[axis] += step
        weights = np.linalg.solve(np.column_stack([screen[corners, :2], np.ones(3)]).T, at) / h[corners]
        vt[j, i] = weights @ rn.vt.r[corners] / weights.sum()
    return vt


@pytest.mark.parametrize("model", AFFINE)
def test_area_sampled_pixels_are_those_of_the_slow_twin(model):
    rn = through(body(ColoredRenderer, 16), model)
    expected = average(rn.screen, rn.faces, rn.vc.r, rn.bgcolor.r, WIDTH, HEIGHT, is_affine=True)
    samples = area_samples(rn._view.screen, Mesh(rn.faces), rn._clipped_surface, rn._view.far, rn._of_whole_faces)
    crossed = np.zeros(rn.image_size, bool)
    crossed.flat[samples.marked] = True
    assert crossed.sum() > 40
    np.testing.assert_allclose(rn.r[crossed], expected[crossed], atol=1e-12)


@pytest.mark.parametrize("cls, options", [(cls, {"overdraw": True}) for cls in RENDERERS]
                         + [(cls, {"overdraw": False}) for cls in RENDERERS]
                         + [(cls, {"derivative": "exact"}) for cls in CLASSES])
def test_orthographic_is_the_limit_of_perspective_from_far_away(cls, options, monkeypatch):
    """Images and derivatives differ by about the extent of the mesh over its distance, 1e-5."""
    distance, scale = 3e5, 11.0
    near_by, far_away = scene(cls, **options), scene(cls, **options)
    t, rt = near_by.camera.t.r, near_by.camera.rt.r
    near_by.camera = OrthographicCamera(v=near_by.v, rt=Ch(rt), t=Ch(t), f=scale, c=MIDDLE)
    far_away.camera = ProjectPoints(v=far_away.v, rt=Ch(rt), t=Ch(t + [0, 0, distance]), f=scale * (distance + t[2]),
                                    c=MIDDLE)
    far_away.frustum = frustum(near=distance - 5, far=distance + 50)
    image = near_by.r
    jacobians = [near_by.dr_wrt(getattr(near_by.camera, name)) for name in ("v", "rt")]
    monkeypatch.setattr(base, "EDGE_DEPTH_TOLERANCE", 1e-3 / distance)  # the same length as from near by
    expected = far_away.r - (distance if cls is DepthRenderer else 0.0)
    np.testing.assert_array_equal(near_by.visibility_image, far_away.visibility_image)
    np.testing.assert_array_equal(near_by.boundaryid_image, far_away.boundaryid_image)
    np.testing.assert_allclose(image, expected, atol=1e-4 * np.ptp(image))
    for name, ours in zip(("v", "rt"), jacobians):
        theirs = far_away.dr_wrt(getattr(far_away.camera, name))
        assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()


@pytest.mark.parametrize("derivative", ["opendr", "exact"])
@pytest.mark.parametrize("model", AFFINE)
def test_ramps_on_a_tilted_face_are_linear_on_the_screen(model, derivative):
    v = np.array([[-9.0, -9, 2], [9, -9, 9], [-9, 27, 5]])
    options = {"f": [[0, 1, 2]], "frustum": frustum(), "overdraw": False, "derivative": derivative}
    images = [DepthRenderer(camera=MODELS[model](v=v), **options),
              ColoredRenderer(camera=MODELS[model](v=v), vc=[[0.0, 1, 5], [1, 0, -3], [2, 7, 4]], **options)]
    for image in images:
        assert (image.visibility_image == 0).all()
        image = image.r.reshape(HEIGHT, WIDTH, -1)
        for axis in (0, 1):
            assert np.abs(np.diff(image, 2, axis=axis)).max() < 1e-13
            assert np.abs(np.diff(image, axis=axis)).max() > 1e-3
    camera = images[0].camera
    points = camera.unproject_depth_image(images[0], camera_space=True).reshape(-1, 3)
    normal = np.cross(v[1] - v[0], v[2] - v[0])
    np.testing.assert_allclose((points - v[0]) @ normal / np.linalg.norm(normal), 0, atol=1e-12)


@pytest.mark.parametrize("cls", [SilhouetteRenderer, ColoredRenderer, TexturedRenderer])
def test_depth_does_not_matter_to_an_orthographic_camera(cls):
    rn = through(body(cls), "orthographic")
    before = rn.r.copy()
    rn.frustum = frustum(near=0.01, far=1e4)
    rn.camera.t = rn.camera.t.r + [0, 0, 500]
    np.testing.assert_allclose(rn.r, before, atol=1e-9)


# ---------------------------------------------------------------------- OpenDR's derivative

def test_opendr_s_derivative_is_that_of_its_definition(model):
    rn = through(scene(ColoredRenderer, overdraw=False), model)
    face_id, barycentric, _ = seen_slowly(rn)
    expected = slow.opendr_derivative(image_gradient(rn.r), face_id, barycentric, rn.f, len(rn.v))
    for name in ("v", "rt", "t", *LENS[model]):
        x = getattr(rn.camera, name)
        np.testing.assert_allclose(rn.dr_wrt(x).toarray(), expected @ rn.camera.dr_wrt(x).toarray(), atol=1e-9)


@pytest.mark.parametrize("overdraw", [False, True])
@pytest.mark.parametrize("cls", RENDERERS)
def test_products_are_those_of_the_jacobian(cls, overdraw, model):
    rn, rng = through(scene(cls, overdraw=overdraw), model), np.random.default_rng(0)
    for name in ("v", "rt", "t", *LENS[model]):
        x = getattr(rn.camera, name)
        jacobian, tangent, cotangent = rn.dr_wrt(x), rng.normal(size=x.size), rng.normal(size=rn.size)
        assert jacobian.count_nonzero()
        np.testing.assert_allclose(rn.jvp(x, tangent), jacobian @ tangent, atol=1e-9)
        np.testing.assert_allclose(rn.vjp(x, cotangent), jacobian.T @ cotangent, atol=1e-9)


@pytest.mark.parametrize("model", AFFINE)
def test_depth_on_outlines_is_that_of_the_edges(model):
    """A drawn pixel moves with the two ends of a line, at which weights and depth are linear along its image."""
    rn = through(scene(DepthRenderer, overdraw=True), model)
    drawn = (rn.boundarybool_image > 0).ravel()
    weights, corners = rn.weights[drawn], rn.corners[drawn]
    assert drawn.sum() > 30 and ((weights > 0).sum(axis=1) <= 2).all()
    np.testing.assert_allclose(rn.r.ravel()[drawn], (weights * rn.camera.z.r[corners]).sum(axis=1), rtol=1e-13)
    at = np.einsum("pk,pkd->pd", weights, rn.camera.r[corners])
    centres = np.column_stack([np.flatnonzero(drawn) % WIDTH, np.flatnonzero(drawn) // WIDTH])
    off = np.abs(at - centres)
    assert (off.min(axis=1) < 1e-9).all() and (off.max(axis=1) <= 0.5 + 1e-9).all()


# ---------------------------------------------------------------------- exact derivative

@pytest.mark.parametrize("cls", CLASSES)
def test_the_exact_derivative_is_that_of_the_image(cls, model):
    rn = through(body(cls, of_faces=cls in COLORED), model)
    for name in ("v", "rt", "t", *LENS[model]):
        assert_exact(rn, getattr(rn.camera, name), directions=3)


@pytest.mark.parametrize("model", ["orthographic", "weak", "fisheye"])
def test_with_mipmaps(model):
    rng = np.random.default_rng(1)
    rn = through(body(TexturedRenderer, texture_filter="mipmap", texture_image=Ch(rng.random((64, 32, 3)))), model)
    rn.vt = Ch(0.5 * rn.vt.r)
    for name in ("v", "rt", "f"):
        assert_exact(rn, getattr(rn.camera, name), step=1e-8, directions=3)
    assert_exact(rn, rn.vt, step=1e-8, directions=3)


@pytest.mark.parametrize("model", AFFINE)
@pytest.mark.parametrize("cls", CLASSES)
def test_bodies_that_cross(cls, model):
    """Where surfaces cross, the line between them moves with depth."""
    rn, shift = two_bodies(cls)
    through(rn, model)
    assert_exact(rn, shift, directions=3)
    assert np.abs(rn.dr_wrt(shift)[:, 2]).max() > 0.01
    if cls in (SilhouetteRenderer, ColoredRenderer):
        error = np.abs(rn.r - supersampled(rn)).max(axis=-1)
        assert np.mean(error) < 0.01


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("far", [2.8, 3.1])
def test_the_far_plane_cuts_a_body(cls, far):
    rn = through(body(cls), "orthographic")
    whole = (rn.surface.face_id >= 0).sum()
    rn.frustum = {**rn.frustum, "far": far}
    assert 0 < (rn.surface.face_id >= 0).sum() < whole
    if cls is not TexturedRenderer:
        assert np.abs(rn.r - supersampled(rn)).max() < 0.02 * rn.r.max()
    assert_exact(rn, rn.v, directions=3)
    assert_exact(rn, rn.camera.t, directions=3)


# ---------------------------------------------------------------------- near plane

def tilted(cls, pieces, model, **terms):
    """A coloured plane that reaches from behind an affine camera to far in front of it."""
    xy, f = grid(pieces)
    v = np.column_stack([1.3 * xy[:, 0], 1.1 * xy[:, 1], 2.0 + 3.0 * xy[:, 1] + 0.5 * xy[:, 0]])
    if cls is TexturedRenderer:
        s, t = np.meshgrid(*2 * [np.linspace(0, 2 * np.pi, 64, endpoint=False)])
        terms |= {"vt": 0.5 + 0.45 * xy,
                  "texture_image": np.stack([np.sin(s), np.cos(3 * t), np.sin(s + 2 * t)], axis=2)}
    elif "vc" in cls.dterms:
        terms |= {"vc": 0.5 + 0.4 * np.column_stack([xy[:, 0], xy[:, 1], 0.5 * xy.sum(axis=1)])}
    camera = MODELS[model](v=Ch(v), rt=Ch([0.1, 0.05, 0.1]), t=Ch([0.05, 0.1, 0.2]))
    return cls(camera=camera, f=f, frustum=frustum(near=0.5), **{"overdraw": False, **terms})


@pytest.mark.parametrize("cls", CLASSES)
def test_the_near_plane_cuts_what_is_behind_it(cls):
    rn = tilted(cls, 1, "orthographic")
    assert (rn.camera.z.r < 0.5).sum() == 2
    fine = tilted(cls, 60, "orthographic")
    np.testing.assert_allclose(rn.r, fine.r, atol=1e-9)
    if cls is ColoredRenderer:
        face_id, barycentric, _ = seen_slowly(rn)
        np.testing.assert_allclose(rn.r, slow.colors(face_id, barycentric, rn.f, rn.vc.r, 0.5), atol=1e-12)
    for name in ("t", "rt", "f"):
        ours, theirs = (image.dr_wrt(getattr(image.camera, name)) for image in (rn, fine))
        assert cosine(ours, theirs) > 1 - 1e-9


@pytest.mark.parametrize("model", ["orthographic", "weak", "weak at a depth"])
@pytest.mark.parametrize("cls", CLASSES)
def test_the_exact_derivative_of_faces_that_the_near_plane_cuts(cls, model):
    options = {"texture_filter": "bilinear"} if cls is TexturedRenderer else {}
    rn = tilted(cls, 2, model, derivative="exact", **options)
    assert rn._clipped is not None
    for name in ("v", "rt", "t", *LENS[model]):
        assert_exact(rn, getattr(rn.camera, name), directions=3)


def test_weak_perspective_of_cut_faces_stays_at_the_mean_of_all():
    """The points that the pixels of cut faces show do not have a mean of their own."""
    rn, at_depth = tilted(ColoredRenderer, 2, "weak"), tilted(ColoredRenderer, 2, "weak at a depth")
    at_depth.camera.reference_depth = float(rn.camera.mean_depth)
    np.testing.assert_allclose(rn.r, at_depth.r, atol=1e-12)
    seen = rn._cut
    centres = np.column_stack([seen % WIDTH, seen // WIDTH])
    np.testing.assert_allclose(rn.cut_pixels.r, centres, atol=1e-9)


def test_a_fisheye_beside_its_rim():
    """A band around the camera: what is at 90 degrees and beyond is cut off, the image is finite."""
    xy, f = grid(120, 20)
    v = np.column_stack([2 * np.sin(2.4 * xy[:, 0]), 0.5 * xy[:, 1], 2 * np.cos(2.4 * xy[:, 0])])
    camera = FisheyeCamera(v=Ch(v), rt=Ch([0, 0.02, 0]), t=Ch(np.zeros(3)), f=10.0, c=MIDDLE)
    rn = DepthRenderer(camera=camera, f=f, frustum=frustum(near=0.02), derivative="exact")
    row = rn.r[HEIGHT // 2]
    assert (row[3:33] < 50).all() and row[0] == row[-1] == 50
    points = camera.unproject_depth_image(rn.r)[HEIGHT // 2, 5:31]
    np.testing.assert_allclose(np.hypot(points[:, 0], points[:, 2]), 2, atol=0.01)
    assert np.isfinite(rn.dr_wrt(camera.v).data).all() and np.isfinite(rn.dr_wrt(camera.rt).data).all()


def test_a_fisheye_of_small_faces_shows_where_rays_hit():
    """On a plane finely cut, the depth at each pixel is that of its ray."""
    xy, f = grid(60)
    v = np.column_stack([3 * xy, 2 + 0.5 * xy[:, 0]])
    camera = FisheyeCamera(v=v, f=14.0, c=MIDDLE, k=[0.1, -0.05, 0.01, 0.0])
    rn = DepthRenderer(camera=camera, f=f, frustum=frustum(), overdraw=False)
    seen = rn.visibility_image != 4294967295
    points = camera.unproject_depth_image(rn.r)[seen]
    assert seen.sum() > 400
    np.testing.assert_allclose(points[:, 2], 2 + 0.5 / 3 * points[:, 0], atol=1e-3)


# ---------------------------------------------------------------------- what else takes a camera

def test_flow_is_the_difference_of_projections(model):
    rn = through(scene(ColoredRenderer, overdraw=False), model)
    after = rn.v.r + np.random.default_rng(0).normal(0, 0.05, rn.v.shape)
    seen = rn.corners[:, 0] >= 0
    flow = rn.flow_to(after).reshape(-1, 2)
    assert not flow[~seen].any()
    then = rn.camera.copy()
    then.v = after
    weights, corners = rn.weights[seen], rn.corners[seen]
    points = [np.einsum("pk,pki->pi", weights, camera.v_cam.r[corners]) for camera in (rn.camera, then)]
    expected = then.project_camera_points(points[1]) - rn.camera.project_camera_points(points[0])
    np.testing.assert_allclose(flow[seen], expected, atol=1e-12)
    assert not rn.flow_to(rn.v).any()


def test_flow_to_a_camera_of_another_kind():
    rn = through(scene(ColoredRenderer, overdraw=False), "orthographic")
    other = through(scene(ColoredRenderer), "weak").camera
    seen = rn.corners[:, 0] >= 0
    centres = np.column_stack(np.divmod(np.flatnonzero(seen), WIDTH))[:, ::-1]
    flow = rn.flow_to(rn.v.r, other).reshape(-1, 2)[seen]
    points = np.einsum("pk,pki->pi", rn.weights[seen], rn.camera.v_cam.r[rn.corners[seen]])
    np.testing.assert_allclose(centres + flow, other.project_camera_points(points), atol=1e-9)


@pytest.mark.parametrize("cls", RENDERERS)
def test_diagnosis(cls, model):
    rn = through(scene(cls), model)
    assert check_scene(rn)["empty image"] is None
    assert explain_derivative(rn, rn.v) is None
    assert explain_derivative(rn, getattr(rn.camera, LENS[model][0])) is None
    if model == "orthographic" and cls is not DepthRenderer:
        assert "it moves along the rays of the camera" in explain_derivative(rn, rn.camera.t[2:])
    rn.camera.t = [0.0, 0, -9]
    assert check_scene(rn)["behind the near plane"].count == len(rn.v)


@pytest.mark.parametrize("cls", CLASSES)
def test_pickles_and_copies(cls, model):
    rn = through(body(cls), model)
    for twin in (rn.copy(), pickle.loads(pickle.dumps(rn))):
        np.testing.assert_array_equal(twin.r, rn.r)
        np.testing.assert_array_equal(twin.dr_wrt(twin.camera.t).toarray(), rn.dr_wrt(rn.camera.t).toarray())


@pytest.mark.parametrize("derivative", ["opendr", "exact"])
def test_a_fit_finds_the_camera(model, derivative):
    """By normal equations, without a Jacobian, as any fit of a few parameters."""
    rn = through(body(ColoredRenderer, derivative=derivative, overdraw=False), model)
    observed, x = rn.r.copy(), getattr(rn.camera, LENS[model][0])
    pose, truth = rn.camera.rt, x.r.copy()
    home = pose.r.copy()
    x.x, pose.x = 1.03 * truth, home + 0.02
    ch.minimize(rn - observed, x0=[x, pose])
    tolerance = 1e-5 if derivative == "exact" else 0.02
    np.testing.assert_allclose(x.r, truth, rtol=tolerance)
    np.testing.assert_allclose(pose.r, home, atol=tolerance)


@pytest.mark.parametrize("model", ["orthographic", "weak"])
def test_a_fit_of_vertices_lowers_the_energy(model):
    rn = through(body(ColoredRenderer), model)
    observed, home = rn.r.copy(), rn.v.r.copy()
    rn.v.x = home + np.random.default_rng(0).normal(0, 0.02, home.shape)
    before = np.square(rn.r - observed).sum()
    ch.minimize([rn - observed, 1e-2 * (rn.v - home)], x0=[rn.v], options={"maxiter": 8})
    assert np.square(rn.r - observed).sum() < 0.2 * before


@pytest.mark.parametrize("model", ["orthographic", "weak at a depth", "fisheye"])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(mesh=fuzz.meshes, depth=st.sampled_from([0.0, 2.0, 5.0]), options=st.sampled_from(
    [{"overdraw": True}, {"overdraw": False}, {"derivative": "exact"}]))
def test_no_mesh_is_too_strange(model, mesh, depth, options):
    v, f = mesh
    camera = MODELS[model](v=Ch(v), rt=Ch(np.zeros(3)), t=Ch([0, 0, depth]), c=[6.0, 5.0])
    vc = Ch(np.random.default_rng(0).random((len(v), 3)))
    rn = ColoredRenderer(camera=camera, f=np.array(f, int).reshape(-1, 3), vc=vc, frustum=frustum(13, 11, far=40.0),
                         **options)
    fuzz.check(rn, ["v", "rt", "t", *LENS[model], "vc"])


def test_what_is_beyond_far_does_not_blur_depths():
    """Two sheets a hair apart, and a face that is as good as infinitely far away."""
    xy, f = grid(1)
    v = np.concatenate([np.column_stack([xy, np.full(4, z)]) for z in (4 + 1e-9, 4.0)] + [np.array([[0, 0, 1e17]] * 3)])
    v[-2:, :2] = [[1, 0], [0, 1]]
    rn = DepthRenderer(camera=OrthographicCamera(v=v, f=9.0, c=MIDDLE), f=np.concatenate([f, f + 4, [[8, 9, 10]]]),
                       frustum=frustum(), overdraw=False)
    assert rn.visibility_image[HEIGHT // 2, WIDTH // 2] in (2, 3) and rn.r.min() == 4


def test_what_a_flat_scene_shows_is_not_cut_up_by_rounding():
    """All depths are equal but for the last digits: the lower face wins, and no surfaces cross."""
    xy, f = grid(2)
    v = np.column_stack([xy, np.full(len(xy), 1000.0)])
    twice = np.concatenate([f, f])
    camera = OrthographicCamera(v=Ch(v), rt=Ch([1e-17, 2e-17, 0.3]), t=Ch([0.01, 0.02, 0.1]), f=9.0, c=MIDDLE)
    rn = ColoredRenderer(camera=camera, f=twice, fc=Ch(np.repeat(np.eye(3)[:2], len(f), axis=0)), derivative="exact",
                         frustum=frustum(far=2000.0))
    assert set(np.unique(rn.visibility_image)) <= {*range(len(f)), 4294967295}
    assert not rn.dr_wrt(camera.t)[:, 2].count_nonzero()
