"""What is computed again when something changes; assignment, copies, pickles, threads."""
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from opendr_lite.ch import Ch
from opendr_lite.renderer import ColoredRenderer, TexturedRenderer, visibility
from opendr_lite.threads import get_num_threads, run_bands, set_num_threads
from tests.renderer.scenes import RENDERERS, camera, frustum, scene


@pytest.fixture
def passes(monkeypatch):
    """A list that grows by one with each rasterization."""
    calls = []
    rasterize = visibility.rasterize

    def counting(*args):
        calls.append(args)
        return rasterize(*args)

    monkeypatch.setattr(visibility, "rasterize", counting)
    return calls


@pytest.fixture
def kernels(monkeypatch):
    """A list that grows by the name of each kernel that is shared out."""
    calls = []

    def counting(kernel, bands, *args):
        calls.append(kernel.__name__)
        return run_bands(kernel, bands, *args)

    for name, module in list(sys.modules.items()):
        if name.startswith("opendr_lite.kernels.cpu.") and hasattr(module, "run_bands"):
            monkeypatch.setattr(module, "run_bands", counting)
    return calls


# ---------------------------------------------------------------------- what is kept

def test_one_visibility_pass_serves_image_and_derivatives(passes):
    rn = scene(TexturedRenderer, vc=Ch(np.ones((40, 3))))
    for wrt in (rn.v, rn.vc, rn.bgcolor, rn.texture_image, rn.vt, rn.camera.rt, rn.camera.f):
        rn.dr_wrt(wrt)
    assert (rn.r, rn.depth_image, rn.boundaryid_image, rn.texcoord_image) and len(passes) == 1


@pytest.mark.parametrize("name, value", [
    ("vc", np.zeros((40, 3))), ("fc", np.zeros((76, 3))), ("bgcolor", 0.0), ("texture_image", np.zeros((3, 5, 3))),
    ("vt", np.zeros((40, 2))), ("background_image", np.zeros((28, 36, 3))), ("texture_filter", "nearest")])
def test_appearance_does_not_rasterize_again(passes, name, value):
    rn = scene(TexturedRenderer)
    before = rn.r
    setattr(rn, name, value)
    assert (rn.r != before).any() and len(passes) == 1


@pytest.mark.parametrize("cls", RENDERERS)
@pytest.mark.parametrize("name", ["v", "rt", "t", "f", "c", "k"])
def test_the_camera_does(passes, name, cls):
    rn = scene(cls)
    before = rn.r
    node = getattr(rn.camera, name)
    node.x = node.x * 1.2 + 0.01
    assert (rn.r != before).any() and len(passes) == 2


def test_a_light_does_not_rasterize_again(passes):
    brightness = Ch(1.0)
    rn = scene(ColoredRenderer, vc=brightness * np.ones((40, 3)))
    bright = rn.r.max()
    brightness.x = 0.5
    assert rn.r.max() == 0.5 * bright and len(passes) == 1


@pytest.mark.parametrize("overdraw", [False, True])
def test_an_image_runs_each_kernel_once(kernels, overdraw):
    rn = scene(TexturedRenderer, overdraw=overdraw)
    rn.r
    once = [name for name in kernels if name != "_draw_rows"]  # of silhouettes, and of the wireframe
    assert kernels.count("_draw_rows") == 2 * overdraw and len(set(once)) == len(once)
    assert {"_transform", "_project", "_color_pixels", "_shade"} < set(once)


@pytest.mark.parametrize("name, value, expected", [
    ("vc", np.zeros((40, 3)), ["_shade"]), ("vc", None, ["_shade"]), ("bgcolor", 0.0, ["_shade"]),
    ("background_image", np.zeros((28, 36, 3)), ["_shade"]), ("fc", np.zeros((76, 3)), ["_shade"]),
    ("texture_image", np.zeros((3, 5, 3)), ["_color_pixels", "_shade"]),
    ("vt", np.zeros((40, 2)), ["_color_pixels", "_shade"]), ("texture_filter", "nearest", ["_color_pixels", "_shade"])])
def test_appearance_runs_only_the_kernels_that_it_must(kernels, name, value, expected):
    rn = scene(TexturedRenderer)
    rn.r
    kernels.clear()
    setattr(rn, name, value)
    rn.r
    assert kernels == expected


def test_the_derivative_wrt_light_takes_the_texels_of_the_image(kernels):
    brightness = Ch(1.0)
    rn = scene(TexturedRenderer, vc=brightness * np.ones((40, 3)))
    rn.r
    kernels.clear()
    assert rn.dr_wrt(brightness).nnz
    assert not {"_color_pixels", "_tap_pixels", "_shade", "_draw_rows"} & set(kernels)


def test_overdraw_does_not_rasterize_again(passes):
    rn = scene(ColoredRenderer)
    before = rn.r
    rn.overdraw = False
    assert (rn.r != before).any() and len(passes) == 1


# ---------------------------------------------------------------------- ways to change something

def test_entries_of_a_texture_may_be_assigned():
    rn = scene(TexturedRenderer, vc=np.ones((40, 3)))
    before = rn.r
    rn.texture_image[2:5, :, 0] = 7.0
    assert (rn.r != before).any()
    rn.texture_image[...] = 0.25
    seen = rn.visibility_image != visibility.EMPTY
    np.testing.assert_allclose(rn.r[seen], 0.25)


def test_entries_of_colours_and_vertices_may_be_assigned():
    rn = scene(ColoredRenderer)
    before = rn.r
    rn.vc[:, 1] = 0.0
    assert not rn.r[rn.visibility_image != visibility.EMPTY][:, 1].any()
    rn.v[:, 0] = rn.v.r[:, 0] + 0.3
    assert (rn.r[:, :, 0] != before[:, :, 0]).any()


@pytest.mark.parametrize("assign", [lambda rn, v: setattr(rn, "v", v), lambda rn, v: rn.set(v=v),
                                    lambda rn, v: setattr(rn.camera, "v", v), lambda rn, v: rn.camera.set(v=v)])
def test_vertices_may_be_replaced(assign):
    rn, other = scene(ColoredRenderer), Ch(scene(ColoredRenderer).v.r * 1.1)
    before = rn.r
    assign(rn, other)
    assert rn.v is other and rn.camera.v is other
    assert (rn.r != before).any() and rn.dr_wrt(other).nnz


def test_a_new_camera_with_other_vertices_at_once():
    rn = scene(ColoredRenderer)
    v = rn.v.r * 0.9
    rn.set(v=v, camera=camera(np.zeros((40, 3)), t=[0, 0, 3]))
    np.testing.assert_array_equal(rn.camera.v.r, v)
    assert rn.r.shape == (28, 36, 3)


def test_constructed_empty_and_filled_later():
    """The errors name what is missing, one after the other, until the image is there."""
    full, rn = scene(TexturedRenderer), TexturedRenderer()
    lacking = {"camera", "f", "frustum", "vt", "texture_image"}
    while lacking:
        with pytest.raises(AttributeError, match=r"TexturedRenderer has no \w+ yet: set it, as in rn.set") as error:
            rn.r
        name = str(error.value).split()[3]
        setattr(rn, name, getattr(full, name))
        lacking.remove(name)
    rn.vc = full.vc
    np.testing.assert_array_equal(rn.r, full.r)


def test_the_number_of_channels_follows_the_texture():
    rn = scene(TexturedRenderer, vc=Ch(np.ones((40, 1))))
    assert rn.r.shape == (28, 36, 3)
    for texture in (np.random.default_rng(1).random((4, 7)), np.random.default_rng(2).random((3, 4, 5))):
        rn.texture_image = texture
        assert rn.r.shape == (28, 36) + texture.shape[2:]
        again = scene(TexturedRenderer, vc=Ch(np.ones((40, 1))), texture_image=texture)
        np.testing.assert_array_equal(rn.r, again.r)
        np.testing.assert_array_equal(rn.dr_wrt(rn.vc).toarray(), again.dr_wrt(again.vc).toarray())


def test_inputs_may_be_taken_away():
    rn = scene(TexturedRenderer, fc=np.full((76, 3), 0.5))
    without = scene(TexturedRenderer, vc=np.ones((40, 3)))
    assert (rn.r != without.r).any()
    rn.set(vc=None, fc=None)
    np.testing.assert_allclose(rn.r, without.r, rtol=1e-12)
    rn = scene(ColoredRenderer, vc=None, fc=np.full((76, 3), 0.5), background_image=np.zeros((28, 36, 3)))
    assert set(np.unique(rn.r)) == {0.0, 0.5}
    rn.set(background_image=None, bgcolor=None)
    with pytest.raises(AttributeError, match="ColoredRenderer has no bgcolor yet"):
        rn.r
    rn.bgcolor = 1.0
    assert set(np.unique(rn.r)) == {0.5, 1.0}


def test_the_size_of_the_image_may_change():
    rn = scene(ColoredRenderer)
    assert rn.r.shape == (28, 36, 3)
    rn.frustum = frustum(20, 10)
    assert rn.r.shape == (10, 20, 3) and rn.dr_wrt(rn.vc).shape == (600, 120)


# ---------------------------------------------------------------------- copies, pickles, threads

@pytest.mark.parametrize("again", [lambda rn: rn.copy(), lambda rn: pickle.loads(pickle.dumps(rn))])
@pytest.mark.parametrize("cls", RENDERERS)
def test_copies_and_pickles(cls, again):
    rn = scene(cls)
    image = rn.r
    twin = again(rn)
    np.testing.assert_array_equal(twin.r, image)
    np.testing.assert_array_equal(twin.dr_wrt(twin.camera.rt).toarray(), rn.dr_wrt(rn.camera.rt).toarray())
    twin.frustum = frustum(8, 8)
    assert twin.r.shape[:2] == (8, 8) and rn.r.shape[:2] == (28, 36)


@pytest.mark.parametrize("shared", [True, False])
def test_two_threads_at_once(shared):
    renderers = [scene(TexturedRenderer)] * 2 if shared else [scene(TexturedRenderer), scene(TexturedRenderer)]
    expected = scene(TexturedRenderer)
    start = threading.Barrier(2)

    def render(rn):
        start.wait()
        return rn.r, rn.dr_wrt(rn.v).toarray(), rn.dr_wrt(rn.vt).toarray()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            for rn in renderers:
                rn.clear_cache()
                rn.camera.clear_cache()
            for image, by_v, by_vt in pool.map(render, renderers, timeout=60):
                np.testing.assert_array_equal(image, expected.r)
                np.testing.assert_array_equal(by_v, expected.dr_wrt(expected.v).toarray())
                np.testing.assert_array_equal(by_vt, expected.dr_wrt(expected.vt).toarray())


@pytest.mark.parametrize("cls", RENDERERS)
def test_the_same_bits_for_any_number_of_threads(cls):
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            rn = scene(cls)
            rn.frustum = frustum(150, 130)
            rn.camera.f = [160.0, 170.0]
            rn.camera.c = [75.0, 65.0]
            y = np.sin(np.arange(rn.size))
            results.append([rn.r, rn.dr_wrt(rn.v).data, rn.vjp(rn.v, y), rn.jvp(rn.camera.rt, np.ones(3))])
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        np.testing.assert_array_equal(one, two)
