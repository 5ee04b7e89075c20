"""Texture cubes: what a point of a face shows, and the derivative by texels and by where the face is."""
import itertools

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.ch import Ch
from opendr_lite.renderer import ColoredRenderer, FaceTexture, TexturedRenderer
from tests.renderer.scenes import at_pixels, blob, flat_camera, frustum, scene

NUM_FACES = 76


def cubes(side, channels=3, seed=0):
    return Ch(np.random.default_rng(seed).random((NUM_FACES, side, side, side, channels)))


def textured(side, channels=3, **terms):
    return blob(ColoredRenderer, fc=FaceTexture(cubes(side, channels)), **{"vc": None, "overdraw": False, **terms})


def look_up(cube, barycentric):
    """Trilinear interpolation by its definition: weights that fall to 0 over one texel."""
    position = (len(cube) - 1) * barycentric
    return sum(np.maximum(0, 1 - np.abs(position - index)).prod() * cube[index]
               for index in itertools.product(range(len(cube)), repeat=3))


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_the_image_by_definition(side):
    rn = textured(side, bgcolor=[0.1, 0.2, 0.3])
    expected = np.empty(rn.shape)
    for pixel in np.ndindex(rn.shape[:2]):
        face = rn.pixels.face_id[pixel]
        expected[pixel] = rn.bgcolor.r if face < 0 else look_up(rn.fc.texels.r[face], rn.barycentric_image[pixel])
    np.testing.assert_allclose(rn.r, expected, rtol=0, atol=1e-14)


def test_corners_of_the_cube_are_corners_of_the_face():
    texels = np.zeros((1, 4, 4, 4, 1))
    texels[0, 3, 0, 0], texels[0, 0, 3, 0], texels[0, 0, 0, 3] = 1.0, 2.0, 3.0
    rn = ColoredRenderer(camera=flat_camera(at_pixels([(0, 0), (8, 0), (0, 8)])), f=[[0, 1, 2]], fc=FaceTexture(texels),
                         frustum=frustum(12, 12), overdraw=False)
    assert rn.r[0, 0] == 1.0 and rn.r[0, 7] == pytest.approx(2 * (7 / 8 * 3 - 2) * (1 - 3 / 8), abs=1e-12)


def test_one_texel_is_one_colour():
    texture = cubes(1)
    np.testing.assert_array_equal(blob(ColoredRenderer, vc=None, fc=FaceTexture(texture)).r,
                                  blob(ColoredRenderer, vc=None, fc=texture.r.reshape(-1, 3)).r)


@pytest.mark.parametrize("derivative", ["opendr", "exact", "neural"])
def test_derivative_by_texels(derivative):
    rn = textured(3, derivative=derivative, vc=np.random.default_rng(1).random((40, 3)))
    assert ch.check_jacobian(rn, rn.fc.texels, max_columns=60).ok()
    assert rn.dr_wrt(rn.fc.texels).nnz > 1000


@pytest.mark.parametrize("side", [2, 4])
def test_an_exact_derivative_of_a_mesh_with_cubes(side):
    rn = textured(side, derivative="exact")
    assert ch.check_jacobian(rn, rn.v, max_columns=40).ok()


def test_the_factor_of_a_texture():
    rn = scene(TexturedRenderer, fc=FaceTexture(cubes(2)))
    plain = scene(TexturedRenderer)
    alone = blob(ColoredRenderer, vc=None, fc=rn.fc, bgcolor=1.0)
    seen = rn.corners[:, 0].reshape(rn.shape[:2]) >= 0
    np.testing.assert_allclose(rn.r[seen], (plain.r * alone.r)[seen], rtol=0, atol=1e-14)


def test_one_channel_serves_all():
    grey = cubes(2, channels=1)
    image = blob(ColoredRenderer, vc=None, fc=FaceTexture(grey), num_channels=3)
    same = blob(ColoredRenderer, vc=None, fc=FaceTexture(np.repeat(grey.r, 3, axis=4)))
    np.testing.assert_array_equal(image.r, same.r)
    assert ch.check_jacobian(image, grey, max_columns=20).ok()


def test_it_is_fitted_to_a_picture():
    rn = textured(2, derivative="neural", bgcolor=0.0)
    target = rn.r
    rn.fc.texels[:] = 0.5
    with pytest.warns(RuntimeWarning, match="does not determine"):  # texels that no pixel shows
        assert ch.minimize(rn - target, [rn.fc.texels]).fun < 1e-9


@pytest.mark.parametrize("texels, complaint", [
    (np.zeros((NUM_FACES, 2, 2, 3)), r"texels must have shape \(F, k, k, k, C\), got \(76, 2, 2, 3\)"),
    (np.zeros((NUM_FACES, 2, 2, 3, 3)), r"texels must have shape \(F, k, k, k, C\)"),
    (np.zeros((NUM_FACES, 0, 0, 0, 3)), r"texels must have shape \(F, k, k, k, C\)"),
    (np.zeros((NUM_FACES - 1, 2, 2, 2, 3)), "each of the 76 faces, got a FaceTexture of 75"),
    (np.full((NUM_FACES, 2, 2, 2, 3), np.nan), "NaN or infinite")])
def test_bad_texels_are_refused(texels, complaint):
    with pytest.raises(ValueError, match=complaint):
        blob(ColoredRenderer, vc=None, fc=FaceTexture(texels)).r


def test_no_texels_yet():
    with pytest.raises(AttributeError, match="no texels yet"):
        blob(ColoredRenderer, vc=None, fc=FaceTexture()).fc.r
