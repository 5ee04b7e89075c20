"""Texture lookup against its slow twin; weights, their derivatives, repetition, degenerate faces."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.rasterize import rasterize
from opendr_lite.kernels.cpu.texture import log2, texture_colors, texture_slopes, texture_taps
from opendr_lite.renderer.mipmap import Mipmap
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference import texture as slow

SIZES = [(1, 1), (2, 2), (8, 8), (5, 7), (16, 3), (1, 9)]
WIDTH, HEIGHT = 24, 20


def triangles(seed, repetitions):
    """Two triangles over the image with corners at different depths, and random texture coordinates."""
    rng = np.random.default_rng(seed)
    corners = np.array([[-3, -2], [27, -4], [5, 24], [30, 22]], float)
    screen = np.column_stack([corners, [2.0, 5.0, 3.0, 1.5]])
    f, ft = np.array([[0, 1, 2], [3, 2, 1]], np.int32), np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    return screen, f, ft, rng.uniform(-repetitions, repetitions, (6, 2))


def arguments(scene, shape, mipmap=True, nearest=False, vt=None):
    screen, f, ft, own_vt = scene
    levels = Mipmap(*shape, 1).levels
    pixels = rasterize(screen, f, WIDTH, HEIGHT, 10.0)
    return *pixels, screen, f, ft, own_vt if vt is None else vt, levels if mipmap else levels[:1], nearest


def lookup(scene, shape, mipmap=True, nearest=False, vt=None):
    return texture_taps(*arguments(scene, shape, mipmap, nearest, vt))


def slopes_of(scene, shape, values, mipmap=True):
    """Derivatives of one channel by s, t and the level of detail, (3, N), and those of the level: corners, gain."""
    slopes = texture_slopes(*arguments(scene, shape, mipmap), values)
    return np.stack([*slopes.wrt_st[:, 0].T, slopes.wrt_lod[:, 0]]), slopes.lod_corners, slopes.lod_gain


def texels(texture):
    return np.concatenate([level.reshape(-1, texture.shape[2]) for level in slow.mipmap_levels(texture)])


def shown(taps, weights, values):
    return np.einsum("pk,pkc->pc", weights, values[np.maximum(taps, 0)])


@pytest.mark.parametrize("repetitions", [0.4, 3.0, 40.0])
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("texture_filter", ["mipmap", "bilinear", "nearest"])
def test_equals_the_slow_twin(texture_filter, shape, repetitions):
    scene = screen, f, ft, vt = triangles(0, repetitions)
    texture = np.random.default_rng(1).random((*shape, 3))
    taps, weights = lookup(scene, shape, texture_filter == "mipmap", texture_filter == "nearest")[:2]
    image = shown(taps, weights, texels(texture)).reshape(HEIGHT, WIDTH, 3)
    levels = slow.mipmap_levels(texture)
    face_id = rasterize(screen, f, WIDTH, HEIGHT, 10.0)[0]
    expected = np.zeros(image.shape)
    for j, i in np.argwhere(face_id >= 0):
        corners, corners_vt = screen[f[face_id[j, i]]], vt[ft[face_id[j, i]]]
        s, t = slow.texture_coordinates(corners, corners_vt, np.array([i, j], float))
        if texture_filter == "mipmap":
            lod = slow.level_of_detail(corners, corners_vt, np.array([i, j], float), shape)
            expected[j, i] = slow.trilinear(levels, s, t, lod)
        else:
            expected[j, i] = getattr(slow, texture_filter)(texture, s, t)
    assert (face_id >= 0).mean() > 0.9
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("repetitions", [0.4, 3.0, 40.0, 1e300])
@pytest.mark.parametrize("texture_filter", ["mipmap", "bilinear", "nearest"])
def test_colors_are_the_sums_over_the_taps(texture_filter, repetitions, channels):
    scene = triangles(11, repetitions)
    scene[0][:, 0] *= 0.5
    for shape in SIZES:
        values = texels(np.random.default_rng(12).random((*shape, channels)))
        options = texture_filter == "mipmap", texture_filter == "nearest"
        colors = texture_colors(*arguments(scene, shape, *options), values)
        taps, weights = lookup(scene, shape, *options)[:2]
        assert not colors[taps[:, 0] < 0].any() and colors.any()
        np.testing.assert_allclose(colors, shown(taps, weights, values), rtol=0, atol=1e-14)


def test_logarithm():
    x = 10.0 ** np.random.default_rng(13).uniform(-300, 300, 1000)
    np.testing.assert_allclose([log2(number) for number in x], np.log2(x), rtol=4e-16, atol=0)
    near_one = 1.0 + np.linspace(-1e-3, 1e-3, 99)
    np.testing.assert_allclose([log2(number) for number in near_one], np.log2(near_one), rtol=1e-14, atol=1e-17)
    assert [log2(2.0**power) for power in range(-1000, 1001)] == list(range(-1000, 1001))


def test_weights_sum_to_one_and_empty_pixels_have_no_taps():
    scene = triangles(2, 3.0)
    scene[0][:, 0] *= 0.5
    taps, weights = lookup(scene, (8, 8))[:2]
    empty = taps[:, 0] < 0
    assert 0.2 < empty.mean() < 0.8
    assert (taps[empty] == -1).all() and (taps[~empty] >= 0).all()
    np.testing.assert_allclose(weights[~empty].sum(axis=1), 1, rtol=1e-12)
    assert not weights[empty].any()


@pytest.mark.parametrize("mipmap", [True, False])
@pytest.mark.parametrize("shape", [(8, 8), (5, 7), (2, 2)])
@pytest.mark.parametrize("repetitions", [0.4, 1.5, 6.0])
def test_slopes_are_the_derivative_of_what_is_shown(repetitions, shape, mipmap):
    scene = triangles(3, repetitions)
    screen, f, ft, vt = scene
    values = texels(np.random.default_rng(4).random((*shape, 1)))
    (wrt_s, wrt_t, wrt_lod), lod_corners, lod_gain = slopes_of(scene, shape, values, mipmap)
    face_id, barycentric, _ = rasterize(screen, f, WIDTH, HEIGHT, 10.0)
    tangent = np.random.default_rng(5).normal(size=vt.shape)
    corner_tangent = tangent[ft[face_id.ravel()]]
    change = np.einsum("pk,pki->pi", barycentric.reshape(-1, 3), corner_tangent)
    lod_change = np.einsum("pk,pki,pi->p", lod_corners, corner_tangent, lod_gain)
    analytic = wrt_s * change[:, 0] + wrt_t * change[:, 1] + wrt_lod * lod_change
    step = 1e-7
    ahead, behind = (shown(*lookup(scene, shape, mipmap, vt=vt + sign * step * tangent)[:2], values)[:, 0]
                     for sign in (1, -1))
    numeric = (ahead - behind) / (2 * step)
    smooth = np.abs(analytic - numeric) < 1e-5 * max(1.0, np.abs(numeric).max())
    assert smooth[face_id.ravel() >= 0].mean() > 0.99  # the rest steps over the middle of a texel, or a level
    if mipmap and repetitions == 6.0:
        assert np.abs(wrt_lod * lod_change).max() > 0.01


def test_a_whole_level_of_detail_has_the_derivative_from_above():
    """Exactly two texels a pixel: the coarser level counts, as it will after any step that minifies."""
    screen = np.array([[0, 0, 2.0], [16, 0, 2.0], [0, 16, 2.0]])
    scene = screen, np.array([[0, 1, 2]], np.int32), np.array([[0, 1, 2]], np.int32), np.array([[0, 1.0], [2, 1],
                                                                                               [0, -1]])
    values = texels(np.random.default_rng(6).random((16, 16, 1)))
    taps, weights = lookup(scene, (16, 16))
    slopes, lod_corners, lod_gain = slopes_of(scene, (16, 16), values)
    tangent = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, -1.0]])
    barycentric = rasterize(screen, scene[1], WIDTH, HEIGHT, 10.0)[1]
    change = barycentric.reshape(-1, 3) @ tangent
    lod_change = np.einsum("pk,ki,pi->p", lod_corners, tangent, lod_gain)
    analytic = sum(slope * by for slope, by in zip(slopes, (*change.T, lod_change)))
    step = 1e-7
    ahead = shown(*lookup(scene, (16, 16), vt=scene[3] + step * tangent)[:2], values)[:, 0]
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[1:6, 1:6] = True
    numeric = ((ahead - shown(taps, weights, values)[:, 0]) / step)[inside.ravel()]
    np.testing.assert_allclose(analytic[inside.ravel()], numeric, rtol=0, atol=1e-5)


def test_the_texture_repeats():
    scene = triangles(7, 1.0)
    texture = np.random.default_rng(8).random((5, 7, 3))
    once = lookup(scene, (5, 7))
    again = lookup(scene, (5, 7), vt=scene[3] + np.array([3.0, -2.0]))
    np.testing.assert_allclose(shown(*again[:2], texels(texture)), shown(*once[:2], texels(texture)), atol=1e-9)


@pytest.mark.parametrize("size", [1e18, 1e100, 1e300])
@pytest.mark.parametrize("nearest", [True, False])
def test_huge_coordinates_stay_inside_the_texture(nearest, size):
    scene = triangles(9, size)
    assert np.isfinite(texture_colors(*arguments(scene, (5, 7), nearest=nearest), np.ones((42, 3)))).all()
    taps, weights = lookup(scene, (5, 7), nearest=nearest)
    rest = texture_slopes(*arguments(scene, (5, 7), nearest=nearest), np.ones((42, 3)))
    assert taps.min() >= -1 and taps.max() < 5 * 7 + 2 * 3 + 1
    assert all(np.isfinite(array).all() for array in (weights, *rest))


def test_a_face_seen_from_its_side_is_finite():
    screen = np.array([[2, 2, 1.0], [20, 11, 2.0], [11, 6.5 + 1e-13, 1.5]])
    face = np.array([[0, 1, 2]], np.int32)
    pixels = np.zeros((1, 4), np.int32), np.full((1, 4, 3), 1 / 3), np.full((1, 4), 1.5)
    for corners in (screen, screen[[0, 1, 0]]):
        where = *pixels, corners, face, face, np.eye(3)[:, :2].copy(), Mipmap(8, 8, 1).levels, False
        results = *texture_taps(*where), *texture_slopes(*where, np.ones((85, 3)))
        assert all(np.isfinite(array).all() for array in results)


def test_the_same_bits_for_any_number_of_threads():
    before = get_num_threads()
    try:
        set_num_threads(1)
        values = texels(np.eye(8)[:, :, None])
        one = *lookup(triangles(10, 3.0), (8, 8)), *slopes_of(triangles(10, 3.0), (8, 8), values)
        colors = texture_colors(*arguments(triangles(10, 3.0), (8, 8)), texels(np.eye(8)[:, :, None]))
        set_num_threads(2)
        two = *lookup(triangles(10, 3.0), (8, 8)), *slopes_of(triangles(10, 3.0), (8, 8), values)
        for a, b in zip(one, two):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(
            texture_colors(*arguments(triangles(10, 3.0), (8, 8)), texels(np.eye(8)[:, :, None])), colors)
    finally:
        set_num_threads(before)
