"""Anti-aliasing: the mean of 2 x 2 pixels of an image that is twice as large, with its derivative."""
import pickle

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.ch import Ch
from opendr_lite.renderer import ColoredRenderer, DepthRenderer, SilhouetteRenderer, TexturedRenderer, visibility
from tests.renderer.scenes import HEIGHT, RENDERERS, WIDTH, frustum, scene
from tests.renderer.test_cameras import LENS, MODELS, through


def larger(rn):
    """The image twice as large, by hand."""
    twin = rn.copy()
    twin.anti_aliasing = False
    twin.camera = rn.camera.copy()
    twin.camera.f, twin.camera.c = 2 * rn.camera.f.r, 2 * rn.camera.c.r + 0.5
    twin.frustum = {**rn.frustum, "width": 2 * WIDTH, "height": 2 * HEIGHT}
    return twin


def mean_of_four(image):
    return image.reshape(HEIGHT, 2, WIDTH, 2, -1).mean(axis=(1, 3)).squeeze()


@pytest.mark.parametrize("cls", RENDERERS)
def test_the_image_is_the_mean_of_one_twice_as_large(cls):
    rn = scene(cls, anti_aliasing=True)
    np.testing.assert_allclose(rn.r, mean_of_four(larger(rn).r), rtol=0, atol=1e-14)
    assert rn.visibility_image.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("cls", RENDERERS)
def test_so_is_the_derivative(cls):
    rn = scene(cls, anti_aliasing=True)
    twin = larger(rn)
    columns = twin.dr_wrt(twin.v).toarray().T
    expected = np.array([mean_of_four(column) for column in columns]).reshape(len(columns), -1).T
    np.testing.assert_allclose(rn.dr_wrt(rn.v).toarray(), expected, rtol=0, atol=1e-12)
    x, y = np.random.default_rng(0).standard_normal((2, rn.size))
    x = x[:rn.v.size]
    np.testing.assert_allclose(rn.jvp(rn.v, x), expected @ x, atol=1e-10)
    np.testing.assert_allclose(rn.vjp(rn.v, y), expected.T @ y, atol=1e-10)


@pytest.mark.parametrize("cls", [ColoredRenderer, TexturedRenderer, DepthRenderer, SilhouetteRenderer])
def test_an_exact_derivative_stays_exact(cls):
    rn = scene(cls, anti_aliasing=True, derivative="exact")
    assert ch.check_jacobian(rn, rn.camera.t, step=1e-6).ok()
    assert ch.check_jacobian(rn, rn.camera.f, step=1e-6).ok()


@pytest.mark.parametrize("model", MODELS)
def test_every_camera(model):
    rn = through(scene(ColoredRenderer, anti_aliasing=True, derivative="exact"), model)
    for factor in (2, 3):
        np.testing.assert_allclose(rn.camera.magnified(factor).r, factor * rn.camera.r + (factor - 1) / 2, rtol=1e-12)
    assert ch.check_jacobian(rn, rn.camera.rt, step=1e-6).ok()
    for name in LENS[model]:
        assert ch.check_jacobian(rn, getattr(rn.camera, name), step=1e-6).ok(), name


def test_it_fits_by_gauss_newton():
    rn = scene(ColoredRenderer, anti_aliasing=True, derivative="exact")
    target = rn.r
    rn.camera.t[:] = rn.camera.t.r + [0.02, -0.01, 0.03]
    assert ch.minimize(rn - target, [rn.camera.t]).fun < 1e-12


def test_terms_that_change_are_followed():
    rn = scene(TexturedRenderer, anti_aliasing=True)
    for name, value in (("vc", np.full((40, 3), 0.3)), ("texture_image", np.ones((3, 5, 3))), ("bgcolor", 0.1),
                        ("background_image", np.random.default_rng(0).random((HEIGHT, WIDTH, 3))),
                        ("overdraw", False), ("derivative", "exact"), ("f", rn.f[::2])):
        rn.r
        setattr(rn, name, value)
        twin = larger(rn)
        if getattr(rn, "background_image", None) is not None:
            twin.background_image = np.kron(rn.background_image, np.ones((2, 2, 1)))
        np.testing.assert_allclose(rn.r, mean_of_four(twin.r), rtol=0, atol=1e-14)
    rn.camera.f = Ch([30.0, 30.0])
    rn.camera.t[:] = [0.3, 0.0, 3.0]
    twin = larger(rn)
    twin.background_image = np.kron(rn.background_image, np.ones((2, 2, 1)))
    np.testing.assert_allclose(rn.r, mean_of_four(twin.r), rtol=0, atol=1e-14)


def test_colours_do_not_rasterize_again(monkeypatch):
    calls, rasterize = [], visibility.rasterize
    monkeypatch.setattr(visibility, "rasterize", lambda *args: calls.append(args) or rasterize(*args))
    rn = scene(ColoredRenderer, anti_aliasing=True)
    rn.dr_wrt(rn.vc)
    assert len(calls) == 1
    rn.vc = rn.vc.r + 0.1
    rn.dr_wrt(rn.vc)
    assert len(calls) == 1


def test_copies_and_pickles():
    rn = scene(ColoredRenderer, anti_aliasing=True)
    for twin in (rn.copy(), pickle.loads(pickle.dumps(rn))):
        np.testing.assert_array_equal(twin.r, rn.r)
    assert rn.finer is not rn.copy().finer


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="anti_aliasing must be True or False, got 4"):
        scene(ColoredRenderer, anti_aliasing=4).r
    with pytest.raises(ValueError, match=r"background_image must have the image's height and width, \(28, 36\)"):
        scene(ColoredRenderer, anti_aliasing=True, background_image=np.zeros((3, 3, 3))).r
    rn = scene(ColoredRenderer, anti_aliasing=True)
    rn.frustum = frustum(0, 5)
    with pytest.raises(ValueError, match="width must be a positive whole number, got 0"):
        rn.r
