"""The backward rule of the Neural 3D Mesh Renderer: against its authors' numbers, its twin, and what it must refuse.

There is no test against central differences or of an adjoint: the rule is no derivative and no linear map.
"""
import pickle
from pathlib import Path

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.camera import OrthographicCamera, ProjectPoints
from opendr_lite.ch import Ch
from opendr_lite.ch.linear_solvers import DENSE_ENTRIES
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import make_loss
from opendr_lite.diagnosis import explain_derivative
from opendr_lite.renderer import BoundaryRenderer, ColoredRenderer, DepthRenderer, SilhouetteRenderer, TexturedRenderer
from opendr_lite.renderer.neural import COLOR_EPS, SILHOUETTE_EPS
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference import neural as slow
from tests.renderer.scenes import HEIGHT, WIDTH, at_pixels, camera, flat_camera, frustum, scene
from tests.renderer.test_cameras import MODELS, through

DATA = Path(__file__).resolve().parents[1] / "data"
EDGY = [SilhouetteRenderer, ColoredRenderer, TexturedRenderer]


def in_unit_square(points, f, size=64, cls=SilhouetteRenderer, **terms):
    """A mesh given by its place in a square image, x and y (up) from -1 to 1, and by its depth."""
    x, y, z = np.transpose(points)
    v = Ch(np.column_stack([x * z, -y * z, z]))
    view = ProjectPoints(v=v, f=[size / 2] * 2, c=[(size - 1) / 2] * 2)
    return cls(camera=view, f=f, frustum=frustum(size, size, far=100.0), derivative="neural", **terms)


def screen_gradient(rn, cotangent):
    """What the rule says of u and v of the vertices, and of what clipping adds, (V, 2)."""
    of_points = rn.vjp(rn.screen_points, cotangent).reshape(-1, 3)
    return of_points[:, :2] * rn._extended_screen[:, 2:]


def twin_gradient(rn, cotangent, eps):
    shape = (*rn.image_size, -1)
    f = rn._clipped_faces
    per_face = slow.edge_gradient(rn._extended_screen, f, rn._clipped_surface.face_id, rn.r.reshape(shape),
                                  cotangent.reshape(shape), [eps / 2 * size for size in rn.image_size[::-1]])
    return slow.of_vertices(per_face, f, len(rn._extended_screen))


def eps_of(cls):
    return SILHOUETTE_EPS if cls is SilhouetteRenderer else COLOR_EPS


# ---------------------------------------------------------------------- the authors' numbers

@pytest.mark.parametrize("corners, row, column, target, expected", [
    ([(0.8, 0.8), (0.0, -0.5), (0.2, -0.4)], 25, 35, 1, [(1.6726, -0.2602), (1.4199, -1.6428), (0, 0)]),
    ([(0.8, 0.8), (-0.5, -0.8), (0.8, -0.8)], 40, 50, 0, [(0.9865, 1.0463), (-1.0342, -0.1040), (3.0009, -1.5517)])])
def test_published_gradients(corners, row, column, target, expected):
    rn = in_unit_square(np.column_stack([corners, np.ones(3)]), [[0, 1, 2]])
    loss = ch.abs(rn[row, column] - target)
    assert loss.r == 1
    x, y, _ = loss.vjp(rn.v, 1.0).reshape(3, 3).T
    np.testing.assert_allclose(np.column_stack([x, -y]), expected, rtol=0, atol=1e-4)


def test_published_gradients_need_no_perspective():
    corners = np.array([(0.8, -0.8, 5.0), (0.0, 0.5, 5.0), (0.2, 0.4, 5.0)])
    rn = SilhouetteRenderer(camera=OrthographicCamera(v=corners, f=32, c=[31.5, 31.5]), f=[[0, 1, 2]],
                            frustum=frustum(64, 64), derivative="neural")
    np.testing.assert_allclose(ch.abs(rn[25, 35] - 1).vjp(rn.v, 1.0).reshape(3, 3),
                               [(1.6726, 0.2602, 0), (1.4199, 1.6428, 0), (0, 0, 0)], rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def teapot():
    with np.load(DATA / "neural_teapot_64.npz") as data:
        return {name: array[::-1] if array.shape[:2] == (64, 64) else array for name, array in data.items()}


def test_recorded_gradient_of_a_silhouette(teapot):
    rn = in_unit_square(teapot["ndc"], teapot["f"].astype(int))
    np.testing.assert_array_equal(rn.visibility_image.astype(np.int32), teapot["face_index"])
    gradient = 32 * screen_gradient(rn, teapot["g_alpha"]) * [1, -1]
    np.testing.assert_allclose(gradient, teapot["g_ndc"], rtol=1e-10, atol=1e-8)


def test_recorded_depth(teapot):
    rn = in_unit_square(teapot["ndc"], teapot["f"].astype(int), cls=DepthRenderer)
    np.testing.assert_allclose(rn.r, teapot["depth"], rtol=1e-12)


# ---------------------------------------------------------------------- the twin

def messy(cls, seed=0, **terms):
    """Triangles before and behind one another, some of them partly off screen, with colours for each corner."""
    rng = np.random.default_rng(seed)
    uv = rng.uniform((-8, -8), (WIDTH + 8, HEIGHT + 8), (12, 1, 2)) + rng.uniform(-12, 12, (12, 3, 2))
    points = at_pixels(uv.reshape(-1, 2), rng.uniform(1, 4, 36))
    if "vc" in cls.dterms:
        terms = {"vc": rng.random((36, 3)), **terms}
    if cls is TexturedRenderer:
        terms = {"vt": rng.random((36, 2)), "texture_image": rng.random((8, 8, 3)), **terms}
    return cls(camera=flat_camera(Ch(points)), f=np.arange(36).reshape(-1, 3), frustum=frustum(), derivative="neural",
               **terms)


@pytest.mark.parametrize("cls", EDGY)
def test_the_rule_of_the_twin(cls):
    rn = messy(cls)
    cotangent = np.random.default_rng(1).standard_normal(rn.size)
    expected = twin_gradient(rn, cotangent, eps_of(cls))
    assert np.count_nonzero(expected) > 20
    np.testing.assert_allclose(screen_gradient(rn, cotangent), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("cls", EDGY)
def test_the_rule_with_every_camera(cls, model):
    rn = through(scene(cls, derivative="neural"), model)
    cotangent = np.random.default_rng(1).standard_normal(rn.size)
    np.testing.assert_allclose(rn.vjp(rn.camera, cotangent).reshape(-1, 2), twin_gradient(rn, cotangent, eps_of(cls)),
                               rtol=1e-9, atol=1e-9)
    assert (explain_derivative(rn, rn.v) is None) and rn.vjp(rn.v, cotangent).any()


@pytest.mark.parametrize("model", MODELS)
def test_depth_with_every_camera(model):
    rn = through(scene(DepthRenderer, derivative="neural"), model)
    face_id = rn.pixels.face_id
    inner = face_id >= 0
    for axis in (0, 1):
        inner &= (face_id == np.roll(face_id, 1, axis)) & (face_id == np.roll(face_id, -1, axis))
    assert ch.check_jacobian(rn[np.nonzero(inner)], rn.v).ok()


def test_one_channel_and_many():
    vc = np.random.default_rng(2).random((36, 5))
    for rn in (messy(ColoredRenderer, vc=vc[:, :1]), messy(ColoredRenderer, vc=vc)):
        cotangent = np.random.default_rng(1).standard_normal(rn.size)
        np.testing.assert_allclose(screen_gradient(rn, cotangent), twin_gradient(rn, cotangent, COLOR_EPS), rtol=1e-9,
                                   atol=1e-9)


@pytest.mark.parametrize("cls", EDGY)
def test_a_mesh_that_reaches_behind_the_camera_is_that_which_the_near_plane_leaves(cls):
    rn = messy(cls)
    moved = rn.v.r.copy()
    moved[::3, 2] -= 2.5
    rn.v = Ch(moved)
    rn.frustum = frustum(near=0.5)
    assert rn._clipped is not None
    cotangent = np.random.default_rng(1).standard_normal(rn.size)
    expected = twin_gradient(rn, cotangent, eps_of(cls))
    assert np.abs(expected[36:]).max() > 0
    np.testing.assert_allclose(screen_gradient(rn, cotangent), expected, rtol=1e-9, atol=1e-9)
    assert np.isfinite(rn.vjp(rn.v, cotangent)).all()


def test_depth_is_linear_and_inside_faces_exact():
    rn = messy(DepthRenderer)
    inner = np.ones(rn.shape, bool)
    face_id = rn.pixels.face_id
    for axis in (0, 1):
        for step in (1, -1):
            inner &= face_id == np.roll(face_id, step, axis)
    assert ch.check_jacobian(rn[np.nonzero(inner & (face_id >= 0))], rn.v).ok()


def test_depth_by_the_rule_of_the_twin():
    rn = messy(DepthRenderer)
    cotangent = np.random.default_rng(1).standard_normal(rn.shape)
    expected = slow.of_vertices(slow.depth_gradient(rn.screen, rn.faces, rn.pixels.face_id, cotangent), rn.faces, 36)
    np.testing.assert_allclose(rn.vjp(rn.camera, cotangent).reshape(-1, 2), expected[:, :2], rtol=1e-9, atol=1e-9)
    u, v, z = rn.screen.T
    in_v = expected / np.column_stack([z, z, np.ones(36)])           # f = 1, c = 0: u = X / Z
    in_v[:, 2] -= u * in_v[:, 0] + v * in_v[:, 1]
    np.testing.assert_allclose(rn.vjp(rn.v, cotangent).reshape(-1, 3), in_v, rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------------- what the rule does

def one_pixel(rn, row, column, value):
    cotangent = np.zeros(rn.shape)
    cotangent[row, column] = value
    return cotangent


def square(*corners, depth=1.0, **terms):
    """Silhouettes of squares: (left, right, top, bottom) in pixels."""
    uv = np.concatenate([[(left, top), (right, top), (left, bottom), (right, bottom)]
                         for left, right, top, bottom in corners])
    f = np.concatenate([np.array([[0, 1, 2], [1, 3, 2]]) + 4 * k for k in range(len(corners))])
    depth = np.repeat(np.broadcast_to(depth, len(corners)), 4)
    return SilhouetteRenderer(camera=flat_camera(Ch(at_pixels(uv, depth))), f=f, frustum=frustum(),
                              **{"derivative": "neural", **terms})


def triangle():
    """Its right edge is upright, its left corner at row 7."""
    uv = [(4.3, 7.0), (10.4, 2.2), (10.4, 12.6)]
    return SilhouetteRenderer(camera=flat_camera(Ch(at_pixels(uv))), f=[[0, 1, 2]], frustum=frustum(),
                              derivative="neural")


def test_a_pixel_that_should_be_covered_draws_the_nearest_edge_near():
    rn = triangle()
    u, v = screen_gradient(rn, one_pixel(rn, 7, 20, -1.0)).T
    assert (u[1:] < 0).all() and u[0] == 0 and (v == 0).all()          # downhill is to the right
    assert u.sum() == pytest.approx(-1 / (20 - 10.4), rel=1e-3)
    assert u[1] / u[2] == pytest.approx((12.6 - 7) / (7 - 2.2), rel=1e-3)


def test_a_pixel_that_should_be_uncovered_pushes_the_edges_away():
    rn = triangle()
    u, v = screen_gradient(rn, one_pixel(rn, 7, 9, 1.0)).T
    assert (u[1:] > 0).all() and u[0] < 0 and v[1] < 0 and v[2] > 0
    assert u[1:].sum() == pytest.approx(1 / (10.4 - 9), rel=1e-3)


def test_what_would_not_help_is_skipped():
    rn = square((4.3, 10.4, 4.3, 10.4))
    for row, column, value in ((7, 20, 1.0), (7, 7, -1.0), (25, 30, -1.0)):
        assert not rn.vjp(rn.v, one_pixel(rn, row, column, value)).any()


def test_an_edge_that_is_hidden_does_not_move():
    rn = square((4.3, 10.4, 4.3, 10.4), (2.2, 14.6, 2.2, 14.6), depth=[2.0, 1.0])
    gradient = screen_gradient(rn, np.random.default_rng(0).standard_normal(rn.size))
    assert not gradient[:4].any() and gradient[4:].any()


@pytest.mark.parametrize("left, right", [(4.0, 10.0), (4.0, 10.4), (4.3, 10.0)])
def test_edges_through_centres_of_pixels_are_where_the_rasterizer_has_them(left, right):
    """A left edge has its pixel, a right edge has not: that is so too a little to the left of both."""
    at, beside = square((left, right, 4.3, 10.4)), square((left - 1e-9, right - 1e-9, 4.3, 10.4))
    np.testing.assert_array_equal(at.r, beside.r)
    cotangent = np.random.default_rng(0).standard_normal(at.size)
    np.testing.assert_allclose(screen_gradient(at, cotangent), screen_gradient(beside, cotangent), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("corners", [(40, 50, 5, 10), (-30, -20, 5, 10), (5.2, 5.4, 5.2, 5.4)])
def test_nothing_visible(corners):
    rn = square(corners)
    assert not rn.r.any() and not rn.vjp(rn.v, np.ones(rn.size)).any()


def test_no_outlines_are_drawn():
    with_, without = (scene(SilhouetteRenderer, derivative="neural", overdraw=overdraw) for overdraw in (True, False))
    np.testing.assert_array_equal(with_.r, without.r)


@pytest.mark.parametrize("cls", EDGY)
def test_the_same_bits_for_any_number_of_threads(cls):
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            rn = scene(cls, derivative="neural")
            results.append(rn.vjp(rn.v, np.random.default_rng(0).standard_normal(rn.size)))
    finally:
        set_num_threads(before)
    assert results[0].any() and results[0].tobytes() == results[1].tobytes()


# ---------------------------------------------------------------------- no linear map

def test_it_is_not_linear_but_scales():
    rn = scene(ColoredRenderer, derivative="neural")
    g = np.random.default_rng(0).standard_normal(rn.size)
    there, back, twice = (rn.vjp(rn.v, factor * g) for factor in (1, -1, 2))
    np.testing.assert_allclose(twice, 2 * there, rtol=1e-12, atol=1e-12)
    assert np.linalg.norm(there + back) > 0.1 * np.linalg.norm(there)


def test_the_rule_gets_the_whole_gradient_of_the_image_at_once():
    rn = scene(ColoredRenderer, derivative="neural")
    one, other = np.random.default_rng(0).standard_normal((2, *rn.shape))
    expected = rn.vjp(rn.v, one + other)
    parts = [ch.sum(rn * one), ch.sum(rn * other)]
    np.testing.assert_allclose((parts[0] + parts[1]).vjp(rn.v, 1.0), expected, rtol=1e-9, atol=1e-9)
    apart = parts[0].vjp(rn.v, 1.0) + parts[1].vjp(rn.v, 1.0)
    assert np.linalg.norm(apart - expected) > 0.1 * np.linalg.norm(expected)
    residuals = Problem([rn, 2 * rn], [rn.v], make_loss("linear"))
    gradient = residuals.gradient(np.concatenate([one.ravel(), other.ravel()]))
    np.testing.assert_allclose(gradient, 2 * rn.vjp(rn.v, one + 2 * other), rtol=1e-9, atol=1e-9)
    batch = ch.Batch([rn * 1.0, rn * 2.0])
    np.testing.assert_allclose(batch.vjp(rn.v, np.stack([one, other])), rn.vjp(rn.v, one + 2 * other), rtol=1e-9,
                               atol=1e-9)


@pytest.mark.parametrize("cls", EDGY)
@pytest.mark.parametrize("anti_aliasing", [False, True])
def test_what_needs_a_jacobian_is_refused(cls, anti_aliasing):
    rn = scene(cls, derivative="neural", anti_aliasing=anti_aliasing)
    loss = ch.sum(rn**2)
    asked = [lambda: rn.dr_wrt(rn.v), lambda: rn.jvp(rn.v, np.ones(rn.v.size)), lambda: loss.dr_wrt(rn.v),
             lambda: loss.dr_wrt(rn.camera.t), lambda: rn.derivative_image(rn.camera.t, 0),
             lambda: rn.vjp(rn.v, np.ones((rn.size, 2))), lambda: ch.check_jacobian(loss, rn.v)]
    asked += [lambda method=method: ch.minimize(rn - 0.3, [rn.camera.t], method=method)
              for method in ("dogleg", "lm", "trf", "trust-exact")]
    asked += [lambda: ch.minimize(rn - 0.3, [rn.v], linear_solver="lsmr")]
    start = rn.v.r, rn.camera.t.r
    for ask in asked:
        with pytest.raises(ValueError, match="'neural' is a backward rule.*Take vjp.*'adam', 'L-BFGS-B'"):
            ask()
    assert np.array_equal(rn.v.r, start[0]) and np.array_equal(rn.camera.t.r, start[1])


def test_boundaries_have_no_such_rule():
    with pytest.raises(ValueError, match="derivative must be 'opendr', got 'neural'"):
        scene(BoundaryRenderer, derivative="neural").r


@pytest.mark.parametrize("cls, names", [(ColoredRenderer, ["vc", "fc", "bgcolor"]),
                                        (TexturedRenderer, ["vc", "bgcolor", "texture_image", "vt"])])
def test_colours_and_texels_have_a_jacobian(cls, names):
    terms = {"fc": Ch(np.random.default_rng(4).random((76, 3)))} if "fc" in names else {}
    rn = scene(cls, derivative="neural", bgcolor=Ch([0.1, 0.2, 0.3]), **terms)
    for name in names:
        wrt = getattr(rn, name)
        if name == "vc":
            assert ch.check_jacobian(rn, wrt, max_columns=20).ok()
        x, y = np.random.default_rng(0).standard_normal((2, max(wrt.size, rn.size)))
        x, y = x[:wrt.size], y[:rn.size]
        assert rn.jvp(wrt, x) @ y == pytest.approx(x @ rn.vjp(wrt, y), rel=1e-9)


@pytest.mark.parametrize("method", ["L-BFGS-B", "CG", "BFGS"])
def test_methods_that_go_by_the_gradient_take_it(method):
    target = square((8.3, 22.4, 6.3, 18.4)).r
    rn = square((5.3, 18.4, 4.3, 14.4))
    result = ch.minimize(rn - target, [rn.v], method=method)
    assert result.nit >= 1 and result.fun < result.history["fun"][0]


def test_many_unknowns_and_residuals_need_no_jacobian_either():
    """Where a Gauss-Newton method would ask how the normal equations are to be held."""
    rn = scene(SilhouetteRenderer, derivative="neural")
    rn.frustum = frustum(400, 300)
    shape = Ch(np.zeros((rn.v.size, 10)))
    rn.v = rn.v.r + ch.reshape(ch.sum(shape, axis=1), rn.v.shape)
    assert rn.size * shape.size > DENSE_ENTRIES
    assert ch.minimize(rn - 0.3, [shape], method="L-BFGS-B", options={"maxiter": 1}).nfev > 1


# ---------------------------------------------------------------------- anti-aliasing

@pytest.mark.parametrize("cls", EDGY)
def test_the_rule_on_the_finer_image(cls):
    rn = messy(cls, anti_aliasing=True)
    finer = rn.finer
    assert finer.image_size == (2 * HEIGHT, 2 * WIDTH)
    np.testing.assert_allclose(finer.screen[:, :2], 2 * rn.screen[:, :2] + 0.5, rtol=1e-12)
    cotangent = np.random.default_rng(1).standard_normal(rn.shape)
    spread = 0.25 * cotangent.repeat(2, axis=0).repeat(2, axis=1)
    expected = 2 * twin_gradient(finer, spread, eps_of(cls))
    copy = pickle.loads(pickle.dumps(rn))
    np.testing.assert_array_equal(copy.vjp(copy.v, cotangent), rn.vjp(rn.v, cotangent))
    u, v, z = rn.screen.T
    x, y = (expected / z[:, None]).T
    wrt_v = np.column_stack([x, y, -(u * x + v * y)])                # f = 1, c = 0
    np.testing.assert_allclose(rn.vjp(rn.v, cotangent).reshape(-1, 3), wrt_v, rtol=1e-9, atol=1e-9)


def test_the_last_pixel_inside_is_the_rasterizers():
    """With corners at centres of pixels and halfway between, each row of a triangle has two edges to be pulled at."""
    rng = np.random.default_rng(0)
    rows = 0
    for _ in range(60):
        uv = rng.integers(4, 2 * np.array([WIDTH, HEIGHT]) - 6, (3, 2)) / 2
        rn = SilhouetteRenderer(camera=flat_camera(Ch(at_pixels(uv))), f=[[0, 1, 2]], frustum=frustum(),
                                derivative="neural")
        for row in np.flatnonzero(rn.r.any(axis=1)):
            for column, sign in ((0, 1), (WIDTH - 1, -1)):
                gradient = screen_gradient(rn, one_pixel(rn, row, column, -1.0))
                assert sign * gradient[:, 0].sum() > 0 and not gradient[:, 1].any()
            rows += 1
    assert rows > 300


@pytest.mark.parametrize("seed", range(20))
def test_strange_meshes_have_finite_gradients(seed):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-6, 12)
    points = rng.standard_normal((12, 3)) * [scale, scale, 1] + [0, 0, 0.5]
    points[rng.integers(12)] = points[rng.integers(12)]
    rn = SilhouetteRenderer(camera=camera(Ch(points)), f=rng.integers(0, 12, (20, 3)), frustum=frustum(),
                            derivative="neural", anti_aliasing=bool(seed % 2))
    assert np.isfinite(rn.vjp(rn.v, rng.standard_normal(rn.size))).all()
