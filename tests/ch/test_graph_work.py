"""How much a fit computes: everything once, nothing that did not change, views side by side."""
import threading
from collections import Counter

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.ch import differentiation
from opendr_lite.filters import gaussian_pyramid
from opendr_lite.geometry import Rodrigues, VertNormals
from opendr_lite.lighting import SphericalHarmonics
from opendr_lite.renderer import TexturedRenderer, textured, visibility
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.scene import bumpy_sphere
from tests.renderer.scenes import scene

WIDTH, HEIGHT = 64, 48


class Scene:
    """A textured blob, of unknown pose and light, and how often its parts are computed.

    Attributes
    ----------
    values, derivatives : Counter
        Calls of compute_r by node, and of compute_dr_wrt by node and input.
    """

    def __init__(self, monkeypatch, overdraw=True):
        rng = np.random.default_rng(3)
        v, f = bumpy_sphere(150, 1)
        self.translation, self.rotation = ch.array([0.0, 0.0, 5.0]), ch.array([0.1, 0.2, -0.1])
        self.vertices = self.translation + ch.dot(v, Rodrigues(self.rotation))
        self.normals = VertNormals(v=v, f=f)
        self.light = ch.array([2.0, 0.5, -0.5, 0.3])
        self.colours = SphericalHarmonics(vn=self.normals, components=self.light)
        self.camera = ProjectPoints(v=self.vertices, f=[70.0, 70.0], c=[31.5, 23.5], rt=np.zeros(3), t=np.zeros(3))
        self.image = TexturedRenderer(
            vc=self.colours, camera=self.camera, f=f, bgcolor=0.0, vt=rng.random((len(v), 2)),
            texture_image=rng.random((16, 16, 3)), overdraw=overdraw,
            frustum={"near": 0.5, "far": 20.0, "width": WIDTH, "height": HEIGHT})
        self.residual = self.image - self.image.r
        self.unknown = [self.translation, self.rotation, self.light]
        self.values, self.derivatives = Counter(), Counter()
        self.rasterized = self._count_calls(monkeypatch, visibility, "rasterize")

    @staticmethod
    def _count_calls(monkeypatch, module, name):
        calls, function = [], getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, **kwargs: calls.append(name) or function(*args, **kwargs))
        return calls

    def perturb(self, by):
        for variable in self.unknown:
            variable.x = variable.r + by * np.cos(np.arange(variable.size))

    def watch(self, root):
        """Count from now on, with all values there."""
        _ = root.r
        for node in differentiation.nodes_below(root):
            if type(node) is not ch.Ch:
                self._watch_node(node)
        self.rasterized.clear()

    def _watch_node(self, node):
        compute_r, compute_dr_wrt = node.compute_r, node.compute_dr_wrt

        def counting_r():
            self.values[node] += 1
            return compute_r()

        def counting_dr_wrt(wrt):
            self.derivatives[node, wrt] += 1
            return compute_dr_wrt(wrt)

        node.compute_r, node.compute_dr_wrt = counting_r, counting_dr_wrt


def moving(scene, variable):
    """The nodes that change with a variable of the pose."""
    return {node for node, _ in differentiation.between([scene.residual], [variable])}


@pytest.mark.parametrize("loss", ["linear", "geman_mcclure"])
@pytest.mark.parametrize("on_pyramid", [False, True])
@pytest.mark.parametrize("overdraw", [False, True])
def test_a_fit_computes_everything_once(monkeypatch, on_pyramid, overdraw, loss):
    scene = Scene(monkeypatch, overdraw)
    objective = (gaussian_pyramid(scene.residual, n_levels=2, normalization="size") if on_pyramid
                 else scene.residual)
    scene.perturb(0.15)
    scene.watch(objective)
    result = ch.minimize(objective, scene.unknown, loss=loss, f_scale=0.5, options={"maxiter": 25})
    rejected = result.nfev - result.nit - 1
    assert result.nit > 2 and rejected > 0, "both have to happen"

    renderings = result.nfev - 1  # that of the start was there
    assert scene.values[scene.image] == len(scene.rasterized) == renderings
    assert max(scene.values.values()) == renderings
    assert scene.normals not in scene.values
    assert result.njev <= result.nit + 1
    assert max(scene.derivatives.values()) <= result.njev, "no derivative for a rejected step"
    assert scene.derivatives[scene.image, scene.camera] == scene.derivatives[scene.image, scene.colours]
    assert (scene.normals, scene.normals.v) not in scene.derivatives, "it depends on no unknown"


def test_light_alone_moves_nothing(monkeypatch):
    scene = Scene(monkeypatch)
    scene.watch(scene.residual)
    lookups = scene._count_calls(monkeypatch, textured, "texture_colors")
    _ = scene.residual.dr_wrt(scene.light)
    for brightness in (0.5, 0.7):
        scene.light[0] = brightness
        _ = scene.residual.r, scene.residual.dr_wrt(scene.light)
    assert scene.values == {scene.colours: 2, scene.image: 2, scene.residual: 2}
    assert not scene.rasterized and not lookups
    assert {node for node, _ in scene.derivatives} == set(scene.values)
    scene.translation[0] = 0.1
    _ = scene.residual.r
    assert scene.rasterized == ["rasterize"] and lookups == ["texture_colors"]


def test_pose_alone_lights_nothing(monkeypatch):
    scene = Scene(monkeypatch)
    scene.watch(scene.residual)
    scene.translation[0] = 0.1
    _ = scene.residual.dr_wrt(scene.translation), scene.residual.dr_wrt(scene.rotation)
    assert set(scene.values) == moving(scene, scene.translation) and set(scene.values.values()) == {1}
    assert max(scene.derivatives.values()) == 1
    assert scene.rasterized == ["rasterize"]


def test_one_visibility_serves_every_question(monkeypatch):
    scene = Scene(monkeypatch)
    scene.watch(scene.residual)
    scene.perturb(0.05)
    u = np.ones(scene.residual.size)
    for wrt in scene.unknown:
        _ = scene.residual.dr_wrt(wrt), scene.residual.vjp(wrt, u), scene.residual.jvp(wrt, np.ones(wrt.size))
    assert set(scene.values.values()) == set(scene.derivatives.values()) == {1}
    assert scene.rasterized == ["rasterize"]


def test_the_covariance_of_a_result_renders_nothing(monkeypatch):
    scene = Scene(monkeypatch)
    scene.perturb(0.02)
    result = ch.minimize(scene.residual, scene.unknown, options={"maxiter": 3})
    scene.watch(scene.residual)
    _ = result.covariance(sigma=1.0), result.covariance(sigma=2.0, of=scene.light), result.grad
    assert not scene.values and not scene.rasterized
    assert max(scene.derivatives.values()) == 1


# ---------------------------------------------------------------------- several views

class Slow(ch.Ch):
    """A large view of `a` that takes its time, and says which thread it took."""

    terms = "gain", "log"
    dterms = "a"

    def compute_r(self):
        self.log.append(threading.get_ident())
        threading.Event().wait(0.02)
        return self.gain * np.tile(self.a.r, 20000)

    def compute_dr_wrt(self, wrt):
        return self.gain * np.tile(np.eye(wrt.size), (20000, 1))


@pytest.fixture(params=[1, 3])
def num_threads(request):
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def test_views_that_were_large_are_evaluated_side_by_side(num_threads):
    x, log, shared_log = ch.Ch([1.0, 2.0]), [], []
    shared = Slow(gain=1.0, log=shared_log, a=x)[:2]
    views = [Slow(gain=gain, log=log, a=shared) for gain in (1.0, 2.0, 3.0)]
    differentiation.evaluate_all(views)
    for repetition in range(2):
        log.clear(), shared_log.clear()
        x.x = [3.0, 4.0 + repetition]
        differentiation.evaluate_all(views)
        assert len(shared_log) == 1 and len(log) == 3
        assert len(set(log)) == min(num_threads, 3)
        for view in views:
            np.testing.assert_array_equal(view.r, view.gain * np.tile(x.r, 20000))


def test_a_view_that_fails_says_so(num_threads):
    def fail():
        raise ZeroDivisionError("second view")

    x, log = ch.Ch([1.0, 2.0]), []
    views = [Slow(gain=gain, log=log, a=x) for gain in (1.0, 2.0, 3.0)]
    differentiation.evaluate_all(views)
    views[1].compute_r = fail
    x.x = [0.0, 1.0]
    with pytest.raises(ZeroDivisionError, match="second view"):
        differentiation.evaluate_all(views)
    del views[1].compute_r
    differentiation.evaluate_all(views)
    assert views[1].r[1] == 2.0


def test_threads_keep_quiet_about_what_the_caller_ignores(num_threads, recwarn):
    x = ch.Ch(np.ones(20000))
    views = [ch.log(x), ch.sqrt(x)]
    differentiation.evaluate_all(views)
    x.x = -np.ones(20000)
    with np.errstate(all="ignore"):
        differentiation.evaluate_all(views)
    assert np.isnan([view.r[0] for view in views]).all() and not recwarn.list


def views_of_shared_vertices(count=3):
    """Residuals of several cameras that see one deformable blob, and what they depend on."""
    views = [scene(TexturedRenderer, vc=np.ones((40, 3))) for _ in range(count)]
    v, brightness = views[0].v, ch.Ch(1.0)
    bent = v + 0.01 * ch.sin(v)
    for position, view in enumerate(views):
        view.v = bent
        view.frustum = {**view.frustum, "width": 160, "height": 120}
        view.camera.set(f=[160.0, 160.0], c=[79.5, 59.5], t=[0.1 * position, 0.0, 3.5])
        view.vc = brightness * np.ones((40, 3))
    return [view - 0.5 for view in views], [v, brightness]


def test_sweeps_over_views_give_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    before, results = get_num_threads(), []
    residuals, variables = views_of_shared_vertices()
    tangents = [rng.standard_normal((variable.size, 3)) for variable in variables]
    cotangents = [rng.standard_normal(residual.size) for residual in residuals]
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            for variable in variables:
                variable.clear_cache()
            differentiation.evaluate_all(residuals)
            results.append([*(residual.r for residual in residuals),
                            *differentiation.push_forward(residuals, list(zip(variables, tangents))),
                            *differentiation.pull_back(list(zip(residuals, cotangents)), variables)])
    finally:
        set_num_threads(before)
    for one, three in zip(*results):
        np.testing.assert_array_equal(one, three)
    forward, reverse = results[0][3:6], results[0][6:]
    for residual, found in zip(residuals, forward):
        np.testing.assert_allclose(found, sum(residual.jvp(variable, tangent)
                                              for variable, tangent in zip(variables, tangents)), atol=1e-12)
    for variable, found in zip(variables, reverse):
        np.testing.assert_allclose(found, sum(residual.vjp(variable, cotangent) for residual, cotangent in
                                              zip(residuals, cotangents)), atol=1e-10)


def test_a_fit_of_several_views_gives_the_same_bits_for_any_number_of_threads():
    before, found = get_num_threads(), []
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            residuals, (_, brightness) = views_of_shared_vertices(2)
            found.append(ch.minimize(residuals, [brightness, residuals[0].a.camera.t], options={"maxiter": 3}).x)
    finally:
        set_num_threads(before)
    np.testing.assert_array_equal(*found)


# ---------------------------------------------------------------------- products with several variables

def several():
    """A node of two variables and of a node between, with its Jacobian by each."""
    x, y = ch.Ch([0.3, 0.7]), ch.Ch([[1.0, 2.0], [3.0, 4.0]])
    inner = ch.sin(x)
    node = ch.dot(y, inner) * inner + x
    return node, [x, y, y[0], inner, ch.Ch([5.0])]


@pytest.mark.parametrize("columns", [(), (3,)])
def test_one_sweep_for_several_variables(columns):
    node, variables = several()
    rng = np.random.default_rng(0)
    cotangent = rng.standard_normal((node.size,) + columns)
    pulled = node.vjp(variables, cotangent)
    assert isinstance(pulled, list) and len(pulled) == len(variables)
    for variable, found in zip(variables, pulled):
        assert found.shape == (variable.size,) + columns
        np.testing.assert_allclose(found, node.vjp(variable, cotangent), atol=1e-14)
    tangents = [rng.standard_normal((variable.size,) + columns) for variable in variables]
    np.testing.assert_allclose(node.jvp(tuple(variables), tuple(tangents)),
                               sum(map(node.jvp, variables, tangents)), atol=1e-14)


def test_one_sweep_asks_each_node_once():
    x, y = ch.Ch([1.0, 2.0]), ch.Ch([3.0, 4.0])
    node, asked = ch.exp(x * y), []
    compute = node.compute_dr_wrt
    node.compute_dr_wrt = lambda wrt: asked.append(wrt) or compute(wrt)
    _ = node.vjp([x, y], [1.0, 1.0]), node.jvp([x, y], [[1.0, 0.0], [0.0, 1.0]])
    assert len(asked) == 1


def test_a_node_may_answer_for_several_inputs_at_once():
    class Sum(ch.Ch):
        dterms = "a", "b", "c"
        asked = []

        def compute_r(self):
            return self.a.r + self.b.r

        def compute_dr_wrt(self, wrt):
            return None if wrt is self.c else 1.0

        def _pull_back(self, maps, cotangent):
            self.asked.append(len(maps))
            return super()._pull_back(maps, cotangent)

    a, b, c = ch.array([1.0, 2.0]), ch.array([3.0, 4.0]), ch.array([5.0, 6.0])
    total = Sum(a=2.0 * a, b=b, c=c)
    wrt_a, wrt_b, wrt_c = total.vjp([a, b, c], [1.0, -1.0])
    assert total.asked == [2]
    np.testing.assert_array_equal([wrt_a, wrt_b, wrt_c], [[2.0, -2.0], [1.0, -1.0], [0.0, 0.0]])


def test_results_for_several_variables_share_no_memory():
    x, y = ch.Ch([1.0, 2.0]), ch.Ch([3.0, 4.0])
    given = np.ones(2)
    by_x, by_y, again = (x + y).vjp([x, y, x], given)
    by_x += 1.0
    assert (by_y == 1.0).all() and (again == 1.0).all() and (given == 1.0).all()


def test_no_variable_at_all():
    node, _ = several()
    assert node.vjp([], [1.0, 1.0]) == []
    np.testing.assert_array_equal(node.jvp([], []), [0.0, 0.0])


def test_what_is_refused_of_several_variables():
    node, (x, y, *_) = several()
    with pytest.raises(ValueError, match="tangent must be a list of 2 arrays, .* got 1 of them"):
        node.jvp([x, y], [np.ones(2)])
    with pytest.raises(ValueError, match="tangent must be a list of 2 arrays, .* got ndarray"):
        node.jvp([x, y], np.ones(6))
    with pytest.raises(ValueError, match="same number of columns"):
        node.jvp([x, y], [np.ones(2), np.ones((4, 2))])
    with pytest.raises(TypeError, match=r"wrt\[1\] must be a node"):
        node.vjp([x, 3.0], [1.0, 1.0])
