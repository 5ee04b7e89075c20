"""One scene and many cameras: the same as single renderers, sharing all but the camera."""
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import LeastSquares
from opendr_lite.filters import gaussian_pyramid
from opendr_lite.geometry import VertNormals
from opendr_lite.lighting import LambertianPointLight
from opendr_lite.renderer import ColoredRenderer, DepthRenderer, SilhouetteRenderer, TexturedRenderer, area_sampling
from opendr_lite.threads import get_num_threads, set_num_threads
from opendr_lite.views import Views, seen_by
from tests.reference.scene import bumpy_sphere

WIDTH, HEIGHT, COUNT = 24, 20, 5
FRUSTUM = {"near": 0.5, "far": 20.0, "width": WIDTH, "height": HEIGHT}
CAMERAS = [(np.array([0.05 * k, 0.5 * k, 0.0]), np.array([0.1 * k - 0.2, 0.0, 3.5 + 0.1 * k])) for k in range(COUNT)]
KINDS = {"silhouette": SilhouetteRenderer, "colored": ColoredRenderer, "textured": TexturedRenderer,
         "depth": DepthRenderer}


def scene(kind="colored", derivative="exact", num_vertices=60):
    """A renderer of a lit blob, and what it may be fitted by: vertices and the light's position."""
    rng = np.random.default_rng(2)
    vertices, f = bumpy_sphere(num_vertices, 3)
    v, light = ch.array(vertices), ch.array([1.0, 2.0, -4.0])
    camera = ProjectPoints(v=v, f=[25.0, 25.0], c=[(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    terms = {}
    if kind in ("colored", "textured"):
        terms["vc"] = LambertianPointLight(f=f, v=v, num_verts=len(vertices), light_pos=light, vn=VertNormals(v=v, f=f),
                                           vc=rng.uniform(0.3, 1.0, vertices.shape), light_color=np.ones(3))
    if kind == "textured":
        terms.update(vt=rng.random((len(vertices), 2)), texture_image=rng.random((8, 8, 3)))
    return KINDS[kind](camera=camera, f=f, frustum=FRUSTUM, derivative=derivative, **terms), v, light


def images_of(renderers):
    rng = np.random.default_rng(7)
    return np.stack([renderer.r + 0.1 * rng.standard_normal(renderer.shape) for renderer in renderers])


def views_and_singles(kind, derivative, residual=None, num_vertices=60):
    """A problem of views, and the same of a list of single ones."""
    renderer, v, light = scene(kind, derivative, num_vertices)
    images = images_of([seen_by(renderer, camera) for camera in CAMERAS])
    views = Views(renderer, images, CAMERAS, residual)
    singles = [seen_by(renderer, camera) for camera in CAMERAS]
    singles = [single - image if residual is None else residual(single, image)
               for single, image in zip(singles, images)]
    variables = [v] if kind in ("silhouette", "depth") else [v, light]
    return views, variables, Problem(views, variables, LeastSquares()), Problem(singles, variables, LeastSquares())


@pytest.mark.parametrize("num_vertices", [40, 130])
@pytest.mark.parametrize("derivative", ["opendr", "exact"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_views_are_the_sum_of_single_ones(kind, derivative, num_vertices):
    views, variables, together, single = views_and_singles(kind, derivative, num_vertices=num_vertices)
    r = single.residual()
    np.testing.assert_array_equal(together.residual(), r)
    assert views.shape[:3] == (COUNT, HEIGHT, WIDTH)
    rng = np.random.default_rng(0)
    u, x, weights = rng.standard_normal(r.size), rng.standard_normal(single.size), rng.uniform(0.5, 2.0, r.size)
    np.testing.assert_allclose(together._pull_back(u), single._pull_back(u), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(together._push_forward(x), single._push_forward(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(together.jacobian("sparse").to_dense(), single.jacobian("sparse").to_dense(), atol=1e-9)
    for w in (None, weights):
        J = single.jacobian("sparse").to_dense()
        A, g = J.T @ (J if w is None else J * w[:, None]), J.T @ (r if w is None else w * r)
        for matrix, gradient in (together.normal_equations(r, w), together.sparse_normal_equations(r, w, True)):
            matrix = matrix.toarray() if sp.issparse(matrix) else matrix
            np.testing.assert_allclose(matrix, A, rtol=1e-8, atol=1e-8 * np.abs(A).max())
            np.testing.assert_allclose(gradient, g, rtol=1e-8, atol=1e-8 * np.abs(g).max())


def test_few_unknowns():
    renderer, v, _ = scene("colored")
    pose = ch.array([0.05, -0.02, 0.1])
    renderer.v = v + pose
    views = Views(renderer, cameras=CAMERAS, images=images_of([seen_by(renderer, camera) for camera in CAMERAS]))
    problem = Problem(views, [pose], LeastSquares())
    r, J = problem.residual(), views.dr_wrt(pose).toarray()
    A, g = problem.normal_equations(r, None)
    np.testing.assert_allclose(A, J.T @ J, rtol=1e-9)
    np.testing.assert_allclose(g, J.T @ r, rtol=1e-8, atol=1e-9)


def test_derivative_of_views():
    renderer, v, light = scene("colored")
    assert ch.check_jacobian(Views(renderer, cameras=CAMERAS[:2]), light).ok()
    renderer, v, _ = scene("silhouette", num_vertices=20)
    assert ch.check_jacobian(Views(renderer, cameras=CAMERAS[:2]), v).ok()


@pytest.mark.parametrize("derivative", ["opendr", "exact"])
def test_a_pyramid_of_each_view(derivative):
    def residual(rendered, image):
        return gaussian_pyramid(rendered - image, n_levels=2, normalization="size")

    views, variables, together, single = views_and_singles("colored", derivative, residual)
    r = single.residual()
    assert views.ndim == 2 and len(views) == COUNT
    np.testing.assert_array_equal(together.residual(), r)
    u = np.random.default_rng(0).standard_normal(r.size)
    np.testing.assert_allclose(together._pull_back(u), single._pull_back(u), rtol=1e-9, atol=1e-12)
    A, g = single.normal_equations(r, None)
    matrix, gradient = together.normal_equations(r, None)
    np.testing.assert_allclose(matrix, A, rtol=1e-9, atol=1e-12 * np.abs(A).max())
    np.testing.assert_allclose(gradient, g, rtol=1e-9, atol=1e-12)
    matrix, gradient = together.sparse_normal_equations(r, None, whatever_it_costs=True)
    np.testing.assert_allclose(matrix.toarray(), A, rtol=1e-9, atol=1e-9 * np.abs(A).max())


@pytest.mark.parametrize("method, options", [("dogleg", {"maxiter": 5}), ("adam", {"maxiter": 40, "step": 0.02}),
                                             ("adam", {"maxiter": 60, "step": 0.02, "batch_size": 2})])
def test_fits(method, options):
    renderer, v, light = scene("colored")
    target = images_of([seen_by(renderer, camera) for camera in CAMERAS])
    views = Views(renderer, target, CAMERAS)
    at_best = np.sum(views.r ** 2)
    shift = ch.array([0.1, -0.05, 0.08])
    views = Views(renderer, target, CAMERAS)
    for part in views.renderers:
        part.v = v + shift
    before = np.sum(views.r ** 2)
    result = ch.minimize({"views": views, "prior": 0.01 * shift}, [shift], method=method, options=options)
    assert np.abs(shift.r).max() < 0.03 and result.fun - at_best < 0.1 * (before - at_best)


def test_cameras_may_be_free():
    renderer, _, _ = scene("silhouette")
    cameras = [{"rt": rt, "t": ch.array(t)} for rt, t in CAMERAS]
    views = Views(renderer, cameras=cameras)
    jacobian = views.dr_wrt(cameras[2]["t"]).toarray().reshape(COUNT, -1, 3)
    assert jacobian[2].any() and not np.delete(jacobian, 2, axis=0).any()
    gradients = views.vjp([camera["t"] for camera in cameras], np.ones(views.size))
    np.testing.assert_allclose(gradients[2], jacobian[2].sum(axis=0))


# ---------------------------------------------------------------------- what is shared

def test_the_scene_is_shared_and_computed_once(monkeypatch):
    renderer, v, light = scene("colored")
    meshes = []
    build = area_sampling.Mesh.__init__
    monkeypatch.setattr(area_sampling.Mesh, "__init__", lambda mesh, f: meshes.append(mesh) or build(mesh, f))
    views = Views(renderer, cameras=CAMERAS)
    _ = views.r
    assert len(meshes) == 1, "topology is that of the first view"
    assert all(part.vc is renderer.vc and part.v is v and part.f is renderer.f for part in views.renderers)
    assert all(part is not other for part, other in zip(views.renderers, views.renderers[1:]))
    lit = []
    compute = renderer.vc.compute_r
    renderer.vc.compute_r = lambda: lit.append(1) or compute()
    light.x = light.r + 0.1
    _ = views.r, views.vjp([v, light], np.ones(views.size))
    assert len(lit) == 1


def test_a_camera_of_its_own():
    renderer, v, _ = scene("silhouette")
    other = ProjectPoints(rt=CAMERAS[1][0], t=CAMERAS[1][1], f=[40.0, 30.0], c=[10.0, 9.0])
    seen = seen_by(renderer, other)
    assert seen.camera is other and other.v is v
    np.testing.assert_array_equal(seen.r, seen_by(renderer, {"rt": CAMERAS[1][0], "t": CAMERAS[1][1], "f": [40.0, 30.0],
                                                             "c": [10.0, 9.0]}).r)
    assert renderer.camera.f.r.tolist() == [25.0, 25.0]


def test_renderers_that_differ():
    small, *_ = scene("silhouette")
    large, *_ = scene("depth")
    large.frustum = {**FRUSTUM, "width": 30}
    renderers = [seen_by(small, CAMERAS[0]), seen_by(large, CAMERAS[1])]
    views = Views(renderers, [np.zeros((HEIGHT, WIDTH)), np.ones((HEIGHT, 30))])
    np.testing.assert_array_equal(views.r, np.concatenate([renderers[0].r.ravel(), renderers[1].r.ravel() - 1.0]))


def test_pickle():
    renderer, *_ = scene("colored")
    views = Views(renderer, cameras=CAMERAS)
    again = pickle.loads(pickle.dumps(views))
    np.testing.assert_array_equal(again.r, views.r)
    vertices = again.renderers[0].v
    assert all(part.v is vertices for part in again.renderers) and vertices is not renderer.v
    vertices.x = 0.9 * vertices.r
    assert np.abs(again.r - views.r).max() > 0.01
    twin = views.copy()
    assert twin.parts == views.parts and twin.renderers == views.renderers


def test_bits_do_not_depend_on_the_number_of_threads():
    before, results = get_num_threads(), []
    views, variables, problem, _ = views_and_singles("colored", "exact", num_vertices=130)
    for renderer in views.renderers:
        renderer.frustum = {**FRUSTUM, "width": 150, "height": 120}
    for part in views.parts:
        part.b = np.zeros((120, 150, 3))
    u = np.random.default_rng(0).standard_normal(views.size)
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            for variable in variables:
                variable.clear_cache()
            r = problem.residual()
            A, g = problem.sparse_normal_equations(r, None)
            results.append([r, A.toarray(), g, problem._pull_back(u)])
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)


# ---------------------------------------------------------------------- what is refused

@pytest.mark.parametrize("terms, error, message", [
    ({}, TypeError, "one with cameras; got one without"),
    ({"cameras": []}, ValueError, "cameras is empty"),
    ({"cameras": [np.zeros(3)]}, TypeError, r"camera must be a pair \(rt, t\)"),
    ({"cameras": [{"rt": np.zeros(3), "focal": 3.0}]}, ValueError, "ProjectPoints has no 'focal'.* 'rt', 't', 'f'"),
    ({"cameras": CAMERAS, "images": np.zeros((2, HEIGHT, WIDTH))}, ValueError, "one for each of the 5 views, got 2"),
    ({"cameras": CAMERAS, "images": np.zeros((COUNT, HEIGHT, WIDTH, 1))}, ValueError,
     r"images\[0\] must have the shape of what is rendered, \(20, 24\), got \(20, 24, 1\)"),
    ({"cameras": CAMERAS, "images": np.full((COUNT, HEIGHT, WIDTH), np.nan)}, ValueError,
     r"images\[0\] has 480 entries that are NaN"),
    ({"cameras": CAMERAS, "residual": lambda a, b: a}, ValueError, "no images that it could compare with")])
def test_what_is_refused(terms, error, message):
    renderer, *_ = scene("silhouette")
    with pytest.raises(error, match=message):
        Views(renderer, **terms)


def test_cameras_of_several_renderers_are_refused():
    renderer, *_ = scene("silhouette")
    with pytest.raises(TypeError, match="must be one renderer, the scene, got list"):
        Views([renderer], cameras=CAMERAS)


@pytest.mark.parametrize("renderers, terms, message", [
    ([], {}, r"renderers must be a list of one for each view, got \[\]"),
    (3, {}, "renderers must be a list of one for each view, got 3"),
    ([3], {"images": [np.zeros((2, 2))]}, r"renderers\[0\] must be a renderer, got int"),
    (None, {"images": 3}, "images must be a sequence of them"),
    (None, {"images": [np.zeros((2, 2))], "residual": 3}, "residual must take the rendered image and the observed one")])
def test_what_are_no_views(renderers, terms, message):
    renderer, *_ = scene("silhouette")
    with pytest.raises(TypeError, match=message):
        Views([renderer] if renderers is None else renderers, **terms)
