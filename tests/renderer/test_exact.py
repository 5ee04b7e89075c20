"""Exact derivatives: pixels that edges cross are area-sampled, and the derivative is that of this image."""
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opendr_lite import ch
from opendr_lite.ch import Ch
from opendr_lite.ch.differentiation import push_forward
from opendr_lite.ch.tangents import FormedTangent
from opendr_lite.filters import gaussian_pyramid
from opendr_lite.geometry import VertNormals
from opendr_lite.lighting import LambertianPointLight, SphericalHarmonics
from opendr_lite.renderer import BoundaryRenderer, ColoredRenderer, DepthRenderer, SilhouetteRenderer, TexturedRenderer
from opendr_lite.renderer.area_sampling import Mesh, area_samples
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.area_sampling import average, touched
from tests.renderer import test_fuzz as fuzz
from tests.renderer.scenes import at_pixels, blob, camera, flat_camera, frustum, grid

CLASSES = [SilhouetteRenderer, DepthRenderer, ColoredRenderer, TexturedRenderer]
COLORED = [ColoredRenderer, TexturedRenderer]
LENS = [0.1, -0.05, 0.01, -0.02, 0.03]


# ---------------------------------------------------------------------- scenes

def colors(cls, num_points, num_faces=None, seed=0):
    """What a renderer needs beside a mesh, as free variables; colours of the faces if their number is given."""
    rng = np.random.default_rng(seed)
    terms = {}
    if cls in COLORED:
        terms = {"vc": Ch(rng.random((num_points, 3))), "bgcolor": Ch(rng.random(3))}
        if num_faces:
            terms["fc"] = Ch(rng.random((num_faces, 3)))
    if cls is TexturedRenderer:
        terms |= {"vt": Ch(rng.random((num_points, 2))), "texture_image": Ch(rng.random((8, 8, 3))),
                  "texture_filter": "bilinear"}
    return terms


def body(cls, num_points=40, k=(), of_faces=False, **terms):
    """A `blob` with exact derivatives."""
    return blob(cls, num_points, k=k, **{**colors(cls, num_points, 2 * num_points - 4 if of_faces else None),
                                         "derivative": "exact", **terms})


def two_bodies(cls):
    """Two bodies that go through one another; the second is moved by a free variable, `shift`."""
    one = body(cls)
    shift = Ch(np.array([0.3, 0.2, -0.1]))
    v = ch.vstack((one.v.r, 0.9 * one.v.r[:, [1, 2, 0]] + shift))
    view = camera(v, rt=one.camera.rt.r, t=one.camera.t.r)
    rn = cls(camera=view, f=np.concatenate([one.f, one.f + 40]), frustum=frustum(), derivative="exact",
             **colors(cls, 80))
    return rn, shift


def unwelded(cls):
    """A body, and the same where no two faces share a vertex."""
    one = body(cls)
    terms = colors(cls, 40)
    for name in ("vc", "vt"):
        if name in terms:
            terms[name] = Ch(terms[name].r[one.f].reshape(-1, terms[name].shape[1]))
    old = one.camera
    view = camera(one.v.r[one.f].reshape(-1, 3), rt=old.rt.r, t=old.t.r)
    return one, cls(camera=view, f=np.arange(3 * len(one.f)).reshape(-1, 3), frustum=frustum(), derivative="exact",
                    **terms)


def at(cls, uv, depth, f, size=8, **terms):
    """A mesh with vertices at given pixels and depths; `camera.c` shifts it over the screen."""
    v = at_pixels(uv, depth)
    return cls(camera=flat_camera(Ch(v)), f=np.array(f), frustum=frustum(size, size), derivative="exact",
               **{**colors(cls, len(v)), **terms})


SQUARE, DEPTHS = [[0, 1, 2], [1, 3, 2]], [1.0, 1.2, 1.1, 1.3]


def rectangle(left, top, right, bottom):
    return [[left, top], [right, top], [left, bottom], [right, bottom]]


def aliased(rn):
    """The same scene, sampled at the centres."""
    twin = rn.copy()
    twin.set(derivative="opendr", overdraw=False)
    return twin


def supersampled(rn, count=16):
    """The mean over count x count aliased images."""
    twin, total = aliased(rn), 0.0
    centre = rn.camera.c.r.copy()
    offsets = (np.arange(count) + 0.5) / count - 0.5
    for across in offsets:
        for down in offsets:
            twin.camera.c = centre - [across, down]
            total = total + twin.r
    twin.camera.c = centre
    return total / count**2


def variable(rn, name):
    return getattr(rn if name in rn.dterms else rn.camera, name)


def with_value(rn, x, value):
    x[...] = value
    return rn.r.copy()


# ---------------------------------------------------------------------- derivatives

def assert_exact(rn, x, step=1e-7, tolerance=1e-6, directions=4):
    """The derivative is that of central differences, for most directions; all kinds of products agree."""
    rng, start = np.random.default_rng(0), x.r.copy()
    errors, jacobian = [], rn.dr_wrt(x)
    for _ in range(directions):
        direction, weights = rng.standard_normal(x.shape), rng.standard_normal(rn.size)
        forward, reverse = np.ravel(rn.jvp(x, direction.ravel())), np.ravel(rn.vjp(x, weights))
        size = np.linalg.norm(forward) * np.linalg.norm(weights)
        assert weights @ forward == pytest.approx(reverse @ direction.ravel(), abs=1e-12 * size)
        np.testing.assert_allclose(jacobian @ direction.ravel(), forward, atol=1e-12 * np.abs(forward).max())
        np.testing.assert_allclose(jacobian.T @ weights, reverse, atol=1e-12 * np.abs(reverse).max())
        ahead, behind = (with_value(rn, x, start + sign * step * direction).ravel() for sign in (1, -1))
        numeric = (ahead - behind) / (2 * step)
        x[...] = start
        errors.append(np.linalg.norm(numeric - forward) / np.linalg.norm(numeric))
    assert np.median(errors) < tolerance, errors


NAMES = ([(cls, name) for cls in CLASSES for name in ("v", "rt", "t", "f", "c", "k")]
         + [(cls, name) for cls in COLORED for name in ("vc", "fc", "bgcolor")]
         + [(TexturedRenderer, "vt"), (TexturedRenderer, "texture_image")])
LINEAR = "vc", "fc", "bgcolor", "texture_image"


@pytest.mark.parametrize("cls, name", NAMES)
def test_the_derivative_is_that_of_the_image(cls, name):
    rn = body(cls, k=LENS, of_faces=cls in COLORED)
    assert_exact(rn, variable(rn, name), step=1e-4 if name in LINEAR else 1e-7)


@pytest.mark.parametrize("name", ["v", "rt", "t", "f", "c", "k", "vc", "vt", "texture_image"])
def test_with_mipmaps(name):
    """The level of detail changes too."""
    rng = np.random.default_rng(1)
    rn = body(TexturedRenderer, k=LENS, texture_filter="mipmap", texture_image=Ch(rng.random((64, 32, 3))))
    rn.vt = Ch(0.5 * rn.vt.r)
    assert_exact(rn, variable(rn, name), step=1e-4 if name in LINEAR else 1e-8)


@pytest.mark.parametrize("name", ["v", "t", "vc", "texture_image"])
def test_with_the_nearest_texel(name):
    rn = body(TexturedRenderer, texture_filter="nearest")
    assert_exact(rn, variable(rn, name), step=1e-4 if name in LINEAR else 1e-7)
    assert rn.dr_wrt(rn.vt) is None


@pytest.mark.parametrize("name", ["v", "f", "fc"])
def test_colours_of_the_faces_alone(name):
    rn = body(ColoredRenderer, of_faces=True, vc=None)
    assert_exact(rn, variable(rn, name), step=1e-4 if name == "fc" else 1e-7)


@pytest.mark.parametrize("columns, num_channels", [(1, None), (1, 3), (3, 2), (5, None)])
def test_channels(columns, num_channels):
    rng = np.random.default_rng(1)
    rn = body(ColoredRenderer, vc=Ch(rng.random((40, columns))), bgcolor=Ch(rng.random(columns)),
              num_channels=num_channels)
    channels = num_channels or columns
    assert rn.r.shape == (28, 36) + ((channels,) if channels > 1 else ())
    for x, step in ((rn.v, 1e-7), (rn.vc, 1e-4), (rn.bgcolor, 1e-4)):
        assert_exact(rn, x, step)
    all_channels = body(ColoredRenderer, vc=rn.vc, bgcolor=rn.bgcolor)
    first = all_channels.r if columns == 1 else all_channels.r[:, :, 0]
    np.testing.assert_allclose(rn.r.reshape(28, 36, -1)[:, :, 0], first, atol=1e-14)


def test_light_on_the_normals():
    rn = body(ColoredRenderer)
    normals = VertNormals(v=rn.v, f=rn.f)
    components = Ch(np.array([1.0, 0.5, -0.3, 0.2, 0.1, -0.1, 0.2, 0.1, 0.05]))
    position = Ch(np.array([-3.0, 2.0, -6.0]))
    rn.vc = SphericalHarmonics(vn=normals, components=components, light_color=np.ones(3)) + LambertianPointLight(
        f=rn.f, v=rn.v, vn=normals, vc=colors(ColoredRenderer, 40)["vc"], light_pos=position, light_color=np.ones(3))
    assert_exact(rn, rn.v)
    assert_exact(rn, components, step=1e-4)
    assert_exact(rn, position, step=1e-5)


@pytest.mark.parametrize("cls", CLASSES)
def test_through_filters(cls):
    rn = body(cls)
    pyramid = gaussian_pyramid(rn, n_levels=2)
    assert_exact(pyramid, rn.v)
    assert_exact(pyramid, rn.camera.rt)


@pytest.mark.parametrize("levels", [0, 2])
@pytest.mark.parametrize("cls, texture_filter", [(cls, "bilinear") for cls in CLASSES] + [(TexturedRenderer, "mipmap")])
def test_normal_equations_are_those_of_the_jacobian(cls, texture_filter, levels):
    """Pixels that are area-sampled, and the level of detail, take part in the pass over the lines of the image."""
    rn = body(cls, k=LENS, **({"texture_filter": texture_filter} if cls is TexturedRenderer else {}))
    unknowns = [rn.camera.rt, rn.camera.t]
    if cls in COLORED:
        light = Ch(np.random.default_rng(1).random(4))
        rn.vc = ch.dot(np.random.default_rng(2).random((120, 4)), light).reshape((40, 3))
        unknowns.append(light)
    residual = 0.5 * rn if not levels else gaussian_pyramid(rn, n_levels=levels, normalization=None)
    n = sum(each.size for each in unknowns)
    seeds, columns, start = [], [], 0
    for each in unknowns:
        own = tuple(range(start, start + each.size))
        seeds.append((each, FormedTangent([(own, np.eye(each.size))], (each.size, n))))
        columns.append(residual.dr_wrt(each).toarray())
        start += each.size
    tangent, = push_forward([residual], seeds)
    jacobian, rng = np.hstack(columns), np.random.default_rng(0)
    weights, weighted = rng.random(residual.size), rng.standard_normal(residual.size)
    for w in (None, weights):
        A, g = tangent.normal_equations(w, weighted)
        expected = jacobian.T @ (jacobian if w is None else w[:, None] * jacobian)
        np.testing.assert_allclose(A, expected, atol=1e-12 * np.abs(expected).max())
        np.testing.assert_allclose(g, jacobian.T @ weighted, atol=1e-12 * np.abs(jacobian.T @ weighted).max())


@pytest.mark.parametrize("cls", CLASSES)
def test_open_meshes(cls):
    rn = body(cls)
    rn.f = rn.f[::2]
    assert_exact(rn, rn.v)
    assert_exact(rn, rn.camera.t)


@pytest.mark.parametrize("cls", CLASSES)
def test_bodies_that_cross(cls):
    rn, shift = two_bodies(cls)
    assert_exact(rn, shift)
    assert_exact(rn, rn.camera.t)


@pytest.mark.parametrize("cls", CLASSES)
def test_vertices_outside_of_the_frame(cls):
    rn = body(cls)
    rn.camera.t = [1.2, 0.8, 3.0]
    assert (rn.camera.r > [35.5, 27.5]).any(axis=0).all()
    assert_exact(rn, rn.v)
    assert_exact(rn, rn.camera.c)


@pytest.mark.parametrize("cls", CLASSES)
def test_more_than_two_faces_at_an_edge(cls):
    """One of them is seen from its side."""
    uv = [[4.3, 1.1], [4.3, 6.2], [4.3, 3.2], [7.2, 4.1], [6.3, 2.1], [1.2, 5.3]]
    rn = at(cls, uv, [1, 1.2, 1.5, 1.3, 2, 0.8], [[0, 1, 2], [0, 1, 3], [0, 1, 4], [1, 0, 5]])
    images = []
    for order in ([0, 1, 2, 3], [3, 0, 2, 1], [1, 3, 2, 0]):
        rn.f = rn.f[order]
        images.append(rn.r.copy())
        np.testing.assert_allclose(images[-1], images[0], atol=1e-12)
    assert_exact(rn, rn.camera.c)


@pytest.mark.parametrize("cls", COLORED + [DepthRenderer])
def test_a_background_image(cls):
    rn = body(cls)
    noise = np.random.default_rng(3).random(rn.r.shape)
    rn.background_image = 10 + noise if cls is DepthRenderer else noise
    empty = rn.visibility_image == 4294967295
    assert 0.2 < (rn.r == rn.background_image).reshape(*empty.shape, -1)[empty].mean() < 1
    assert_exact(rn, rn.v)
    if cls in COLORED:
        assert rn.dr_wrt(rn.bgcolor) is None
        assert_exact(rn, rn.vc, step=1e-4)


@pytest.mark.parametrize("level", [3.0, 2.7])
def test_depth_behind_a_background(level):
    """The background is seen where it is nearer, also in pixels that are area-sampled."""
    rn = body(DepthRenderer, background_image=np.full((28, 36), level))
    assert rn.r.max() <= level and (rn.r < level).sum() < 385
    assert np.abs(rn.r - supersampled(rn)).max() < 0.05
    assert_exact(rn, rn.v)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("far", [2.8, 3.1])
def test_the_far_plane_cuts_a_body(cls, far):
    rn = body(cls)
    rn.frustum = {**rn.frustum, "far": far}
    assert 0 < (rn.surface.face_id >= 0).sum() < (body(cls).surface.face_id >= 0).sum()
    if cls is not TexturedRenderer:
        assert np.abs(rn.r - supersampled(rn)).max() < 0.02 * rn.r.max()
    for name in ("v", "t", "f"):
        assert_exact(rn, variable(rn, name))


@pytest.mark.parametrize("cls", CLASSES)
def test_beyond_the_far_plane_nothing_is_seen(cls):
    rn = body(cls)
    rn.camera.t = [0.0, 0, 100]
    np.testing.assert_array_equal(rn.r, aliased(rn).r)


# ---------------------------------------------------------------------- image

@pytest.mark.parametrize("num_points, t", [(16, [0.1, -0.2, 3.5]), (10, [1.0, -1.7, 30.0])])
def test_marked_pixels_are_those_of_the_slow_twin(num_points, t):
    """Every pixel with an outline in it; in the second view the whole body is in few pixels."""
    rn = body(ColoredRenderer, num_points)
    rn.camera.t = t
    expected = average(rn.screen, rn.faces, rn.vc.r, rn.bgcolor.r, 36, 28)
    crossed = marked(rn)
    assert crossed.any()
    np.testing.assert_allclose(rn.r[crossed], expected[crossed], atol=1e-12)


def marked(rn):
    """Pixels that an outline crosses, (h, w) bool."""
    mask = np.zeros(rn.image_size, bool)
    mask.flat[area_samples(rn.screen, Mesh(rn.faces), rn.surface, 50.0, lambda pixels: pixels).marked] = True
    return mask


@pytest.mark.parametrize("cls", CLASSES)
def test_where_no_edge_crosses_it_is_the_image_at_the_centres_bit_for_bit(cls):
    rn = body(cls)
    height, width = rn.image_size
    uv = rn.camera.r
    crossed = np.any([touched(uv[a], uv[b], width, height, 1e-6) for a, b in rn.vpe], axis=0)
    whole = rn.visibility_image[~crossed] != 4294967295
    assert whole.sum() > 10 and (~whole).sum() > 100
    np.testing.assert_array_equal(rn.r[~crossed], aliased(rn).r[~crossed])


@pytest.mark.parametrize("cls", CLASSES)
def test_the_areas_of_a_pixel_sum_to_one_at_most(cls):
    rn, _ = two_bodies(cls)
    for terms in ({}, {"colored": (rn._colors_at, rn._gradient_at)}):
        samples = area_samples(rn.screen, Mesh(rn.faces), rn.surface, 50.0, lambda pixels: pixels, **terms)
        assert samples.uncovered().min() > -1e-12 and samples.uncovered().max() <= 1
    if cls is SilhouetteRenderer:
        assert rn.r.min() >= 0 and rn.r.max() <= 1 + 1e-12


@pytest.mark.parametrize("cls, scale", [(SilhouetteRenderer, 1), (DepthRenderer, 50), (ColoredRenderer, 1)])
@pytest.mark.parametrize("make", [body, lambda cls: two_bodies(cls)[0], lambda cls: unwelded(cls)[1]],
                         ids=["body", "two_bodies", "unwelded"])
def test_it_is_the_mean_over_the_areas(cls, scale, make):
    """256 samples see an edge along a row of them off by up to 1/32 of a pixel, others by far less."""
    rn = make(cls)
    error = np.abs(rn.r - supersampled(rn)) / scale
    assert error.max() < 0.02 and error.mean() < 2e-4


def test_it_is_the_mean_over_the_areas_of_a_smooth_texture():
    s, t = np.meshgrid(*2 * [np.linspace(0, 2 * np.pi, 32, endpoint=False)])
    rn = body(TexturedRenderer, texture_image=np.stack([np.sin(s), np.cos(t), np.sin(s + t)], axis=2))
    rn.vt = 0.3 * rn.vt.r
    error = np.abs(rn.r - supersampled(rn))
    assert error.max() < 0.06 and error.mean() < 1e-3


def path_of_vertices(cls):
    rn = body(cls)
    direction = np.random.default_rng(0).standard_normal(rn.v.shape)
    return rn, rn.v, rn.v.r + 2.5e-4 * np.arange(60)[:, None, None] * direction


def path_of_the_camera(cls):
    rn = body(cls)
    return rn, rn.camera.rt, rn.camera.rt.r + 5e-4 * np.arange(60)[:, None] * np.array([1.0, -0.5, 0.7])


def path_of_a_body(cls):
    rn, shift = two_bodies(cls)
    return rn, shift, shift.r + 4e-4 * np.arange(60)[:, None] * np.array([0.5, 0.7, 1.0])


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("path", [path_of_vertices, path_of_the_camera, path_of_a_body])
def test_the_image_does_not_jump(cls, path):
    """A pixel changes by no more than 4 times the range of the image, times how far vertices move in pixels."""
    rn, x, values = path(cls)
    before = None
    for value in values:
        image = with_value(rn, x, value)
        if before is not None:
            moved = np.abs(rn.camera.r - before[1]).max()
            assert np.abs(image - before[0]).max() < 4 * np.ptp(image) * moved
        before = image, rn.camera.r.copy()


@pytest.mark.parametrize("cls", CLASSES)
def test_the_same_bits_for_any_number_of_threads(cls):
    threads, results = get_num_threads(), []
    weights = np.random.default_rng(0).standard_normal((90, 120, 3 if cls in COLORED else 1)).ravel()
    try:
        for count in (1, 2, 3):
            set_num_threads(count)
            rn = body(cls, 2500)
            rn.set(frustum=frustum(120, 90))
            rn.camera.set(f=[130.0, 140.0], c=[59.5, 44.5])
            jacobian = rn.dr_wrt(rn.camera.t)
            results.append((rn.r, jacobian.data, jacobian.indices, rn.vjp(rn.v, weights),
                            rn.jvp(rn.v, np.ones(rn.v.size))))
    finally:
        set_num_threads(threads)
    for result in results[1:]:
        for one, other in zip(results[0], result):
            np.testing.assert_array_equal(one, other)


def test_face_ids_are_those_at_the_centres():
    rn = body(ColoredRenderer)
    for name in ("visibility_image", "barycentric_image", "boundaryid_image"):
        np.testing.assert_array_equal(getattr(rn, name), getattr(aliased(rn), name))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("overdraw", [False, True])
def test_the_kind_of_derivative_may_change(cls, overdraw):
    rn = body(cls, overdraw=overdraw)
    for kind in ("opendr", "exact", "opendr", "exact"):
        rn.derivative = kind
        fresh = body(cls, overdraw=overdraw, derivative=kind)
        np.testing.assert_array_equal(rn.visibility_image, fresh.visibility_image)
        np.testing.assert_array_equal(rn.r, fresh.r)
        for name in ("v", "t"):
            assert abs(rn.dr_wrt(variable(rn, name)) - fresh.dr_wrt(variable(fresh, name))).max() == 0


@pytest.mark.parametrize("cls", CLASSES)
def test_an_unknown_derivative_is_refused(cls):
    rn = body(cls, derivative="Exact")
    for ask in (lambda: rn.r, lambda: rn.dr_wrt(rn.v)):
        with pytest.raises(ValueError, match="derivative must be 'opendr' or 'exact' or 'neural', got 'Exact'"):
            ask()


def test_boundaries_have_no_exact_derivative():
    rn = blob(BoundaryRenderer, derivative="exact")
    with pytest.raises(ValueError, match="BoundaryRenderer: derivative must be 'opendr', got 'exact'"):
        rn.r


@pytest.mark.parametrize("cls", CLASSES)
def test_winding_does_not_matter(cls):
    rn = body(cls)
    before = rn.r.copy()
    inside_out, mixed = rn.f[:, ::-1].copy(), rn.f.copy()
    mixed[::3] = mixed[::3, ::-1]
    for f in (inside_out, mixed):
        rn.f = f
        np.testing.assert_allclose(rn.r, before, rtol=1e-12, atol=1e-12)
        assert_exact(rn, rn.v, directions=2)


# ---------------------------------------------------------------------- edges in special places

def one_sided(rn, x, direction, step=1e-6):
    """Derivative, forward and backward differences."""
    start, here = x.r.copy(), rn.r.copy()
    ahead, behind = (with_value(rn, x, start + sign * step * direction) for sign in (1, -1))
    x[...] = start
    return rn.jvp(x, np.ravel(direction)).reshape(here.shape), (ahead - here) / step, (here - behind) / step


def test_edges_through_centres_cover_half_of_a_pixel():
    image = at(SilhouetteRenderer, rectangle(1, 2, 6, 5), DEPTHS, SQUARE).r
    np.testing.assert_allclose(image, np.outer([0, 0, 0.5, 1, 1, 0.5, 0, 0], [0, 0.5, 1, 1, 1, 1, 0.5, 0]), atol=1e-14)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_derivative_of_edges_through_centres(cls):
    rn = at(cls, rectangle(1, 2, 6, 5), DEPTHS, SQUARE)
    assert_exact(rn, rn.camera.c)
    assert_exact(rn, rn.v)


def test_edges_along_the_borders_of_pixels_cover_all_or_nothing():
    image = at(SilhouetteRenderer, rectangle(1.5, 2.5, 6.5, 5.5), DEPTHS, SQUARE).r
    np.testing.assert_allclose(image, np.outer([0, 0, 0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1, 1, 0]), atol=1e-14)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("axis", [0, 1])
def test_along_the_borders_of_pixels_it_is_the_derivative_to_either_side(cls, axis):
    rn = at(cls, rectangle(1.5, 2.5, 6.5, 5.5), DEPTHS, SQUARE)
    derivative, *differences = one_sided(rn, rn.camera.c, np.eye(2)[axis])
    error = np.min([np.abs(derivative - difference) for difference in differences], axis=0)
    assert error.max() < 1e-5


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-6, 1e-13])
def test_the_area_of_a_sliver(width):
    rn = at(SilhouetteRenderer, [[1.2, 1.3], [6.4, 4.1], [6.4, 4.1 + width]], [1.0, 1.2, 1.1], [[0, 1, 2]])
    assert rn.r.sum() == pytest.approx(2.6 * width, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("width", [1e-2, 1e-4])
def test_the_derivative_of_a_sliver(cls, width):
    rn = at(cls, [[1.2, 1.3], [6.4, 4.1], [6.4, 4.1 + width]], [1.0, 1.2, 1.1], [[0, 1, 2]])
    assert_exact(rn, rn.v, step=1e-2 * width)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("width", [1e-6, 1e-13, 1e-16, 0.0])
def test_the_thinnest_slivers_do_no_harm(cls, width):
    rn = at(cls, [[1.2, 1.3], [6.4, 4.1], [6.4, 4.1 + width]], [1.0, 1.2, 1.1], [[0, 1, 2]])
    np.testing.assert_allclose(rn.r, aliased(rn).r, atol=1e-4)
    assert np.isfinite(rn.dr_wrt(rn.v).data).all()


def sheet(cls, count):
    """A square of side 1.8 in 3 x 3 pixels: 2 count² faces with colours that vary slowly."""
    xy, f = grid(count)
    terms = {"vc": Ch(0.5 + 0.3 * xy @ [[1.0, 0, 0.5], [0, 1, -0.5]])} if cls in COLORED else {}
    return at(cls, 0.9 * xy + [1.03, 1.02], 1 + 0.1 * xy[:, 0], f, 3, **terms)


COVERED = np.outer([0.38, 1, 0.42], [0.37, 1, 0.43])


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("count", [10, 31])
def test_many_faces_in_a_pixel(cls, count):
    rn = sheet(cls, count)
    if cls is SilhouetteRenderer:
        np.testing.assert_allclose(rn.r, COVERED, atol=1e-12)
    if cls is not TexturedRenderer:
        assert_exact(rn, rn.v, directions=2)


@pytest.mark.parametrize("cls", CLASSES)
def test_20000_faces_in_a_few_pixels(cls):
    """More than can be told apart: what they cover is right to a few hundredths, in little time."""
    rn = sheet(cls, 100)
    start = time.process_time()
    image, jacobian = rn.r, rn.dr_wrt(rn.v)
    assert time.process_time() - start < 10
    assert np.isfinite(image).all() and np.isfinite(jacobian.data).all()
    if cls is SilhouetteRenderer:
        np.testing.assert_allclose(image, COVERED, atol=0.04)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_heap_of_small_faces(cls):
    rng = np.random.default_rng(0)
    uv = (rng.uniform(0.2, 1.8, (300, 1, 2)) + rng.normal(0, 0.1, (300, 3, 2))).reshape(-1, 2)
    rn = at(cls, uv, rng.uniform(1, 2, 900), np.arange(900).reshape(-1, 3), 3)
    assert_exact(rn, rn.v, step=1e-8, tolerance=3e-6, directions=2)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_face_seen_from_its_side_shows_nothing(cls):
    uv = [[5, 1], [7, 2], [6, 6], [3.2, 1.1], [3.2, 6.3], [3.2, 6.3], [3.2, 1.1]]
    with_it = at(cls, uv, [1.5, 1.5, 1.5, 1, 1, 2, 2], [[0, 1, 2], [3, 4, 5], [3, 5, 6]])
    terms = {name: getattr(with_it, name) for name in ("vc", "vt", "texture_image") if hasattr(with_it, name)}
    without = at(cls, uv, [1.5, 1.5, 1.5, 1, 1, 2, 2], [[0, 1, 2]], **terms)
    np.testing.assert_array_equal(with_it.r, without.r)
    assert np.isfinite(with_it.dr_wrt(with_it.v).data).all()
    with_it.v[5:, 0] = with_it.v.r[5:, 0] + 2e-3  # by a thousandth of a pixel
    assert_exact(with_it, with_it.v, step=1e-8, tolerance=3e-6)


TRIANGLE = [[1.2, 1.3], [6.4, 2.1], [3.3, 6.2]]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("gap", [0.0, 1e-9, 1e-7, -1e-9, -1e-7])
def test_of_two_faces_in_one_place_the_nearer_is_seen(cls, gap):
    """Or else the first one: as if the other were not there."""
    w = 1 / np.array([1, 1.2, 1.1])
    nearer = 1 if gap > 0 else 0
    both = at(cls, 2 * TRIANGLE, 1 / np.concatenate([w, w + gap]), [[0, 1, 2], [3, 4, 5]])
    terms = {name: getattr(both, name) for name in ("vc", "vt", "bgcolor", "texture_image") if hasattr(both, name)}
    one = at(cls, 2 * TRIANGLE, 1 / np.concatenate([w, w + gap]), [[[0, 1, 2], [3, 4, 5]][nearer]], **terms)
    np.testing.assert_allclose(both.r, one.r, rtol=1e-12, atol=1e-12)
    for x in (both.camera.c, both.camera.t):
        assert_exact(both, x)
    assert np.isfinite(both.dr_wrt(both.v).data).all()


@pytest.mark.parametrize("cls", CLASSES)
def test_faces_that_share_no_vertices_look_the_same_and_move_as_one(cls):
    one, apart = unwelded(cls)
    np.testing.assert_allclose(apart.r, one.r, rtol=1e-12, atol=1e-12)
    for name in ("rt", "t", "f", "c"):
        assert_exact(apart, variable(apart, name), directions=3)


@pytest.mark.parametrize("cls", [SilhouetteRenderer, DepthRenderer, ColoredRenderer])
@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("opening", [True, False])
def test_a_seam_has_the_derivative_of_opening(cls, order, opening):
    uv = [[1.3, 1.2], [6.4, 1.2], [1.3, 6.1], [6.4, 1.2], [6.4, 6.1], [1.3, 6.1]]
    rn = at(cls, uv, 1.0, np.array([[0, 1, 2], [3, 4, 5]])[order])
    away = np.zeros((6, 3))
    away[3:, :2] = 1 if opening else -1
    derivative, forward, backward = one_sided(rn, rn.v, away)
    right, wrong = (forward, backward) if opening else (backward, forward)
    np.testing.assert_allclose(derivative, right, atol=1e-5 * np.abs(derivative).max())
    assert np.abs(derivative - wrong).max() > 0.1


# ---------------------------------------------------------------------- special views

@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("cls", [DepthRenderer, ColoredRenderer])
def test_a_straight_border_of_many_faces_before_another_face(cls, order):
    """Each part of it moves with the ends of its own edge, not of one beside it on the same line."""
    xy, f = grid(5)
    uv = np.concatenate([[[-9.0, -9], [25, -7], [-5, 25]], 4.1 + 2.3 * xy])
    depth = np.concatenate([[4.0, 4, 4], np.full(len(xy), 2.0)])
    faces = [np.array([[0, 1, 2]]), 3 + f]
    colors_of = {"vc": Ch(np.random.default_rng(0).random((len(uv), 3)))} if cls is ColoredRenderer else {}
    rn = at(cls, uv, depth, np.concatenate([faces[k] for k in order]), **colors_of)
    assert_exact(rn, rn.v)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("t", [[0.0, 0, -10], [50.0, 0, 3]])
def test_nothing_is_seen(cls, t):
    """It is behind the camera, or aside."""
    rn = body(cls)
    rn.camera.t = t
    np.testing.assert_array_equal(rn.r, aliased(rn).r)
    assert (rn.visibility_image == 4294967295).all()
    for name in ("v", "t", "f", "c") + (("vc",) if cls in COLORED else ()):
        jacobian = rn.dr_wrt(variable(rn, name))
        assert jacobian is None or not np.abs(jacobian.data).any()
    if cls in COLORED:
        assert_exact(rn, rn.bgcolor, step=1e-4)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_mesh_between_the_centres_is_seen(cls):
    rn = at(cls, [[3.1, 4.2], [3.4, 4.1], [3.3, 4.4]], [1.0, 1.1, 1.2], [[0, 1, 2]])
    assert (rn.visibility_image == 4294967295).all()
    if cls is SilhouetteRenderer:
        assert rn.r[4, 3] == pytest.approx(0.5 * (0.3 * 0.2 + 0.1 * 0.2)) and rn.r.sum() == rn.r[4, 3]
    assert_exact(rn, rn.v)
    np.testing.assert_allclose(rn.dr_wrt(rn.camera.c).toarray(), 0, atol=1e-12)  # it stays in its pixel


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("t", [[0.0, 0, 0.1], [0.5, 0.3, 0.9], [0.9, 0.2, 0.3]])
def test_the_camera_in_or_at_a_body(cls, t):
    """Vertices are in front of the near plane, between it and the camera, and behind."""
    rn = body(cls)
    rn.camera.t = t
    assert np.isfinite(rn.r).all()
    if cls in (SilhouetteRenderer, ColoredRenderer):
        assert np.abs(rn.r - supersampled(rn)).max() < 0.05
    whole = cls is SilhouetteRenderer and rn.r.min() == 1  # which does not depend on anything
    for name in ("v", "rt", "t", "f", "c"):
        if whole:
            assert not np.abs(rn.dr_wrt(variable(rn, name)).data).any()
        else:
            assert_exact(rn, variable(rn, name), step=1e-5 if name in "fc" else 1e-7)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_lens_at_the_near_plane(cls):
    """Derivatives of what the near plane cuts are not exact with a lens, but there are some."""
    rn = body(cls, k=LENS)
    rn.camera.t = [0.9, 0.2, 0.3]
    for name in ("v", "rt", "t", "f", "c", "k"):
        x = variable(rn, name)
        assert np.isfinite(rn.dr_wrt(x).data).all()
        assert np.isfinite(rn.jvp(x, np.ones(x.size))).all() and np.isfinite(rn.vjp(x, np.ones(rn.size))).all()


@pytest.mark.parametrize("cls", CLASSES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(mesh=fuzz.meshes, lens=st.sampled_from(fuzz.LENSES), depth=st.sampled_from([0.0, 2.0, 5.0]))
def test_no_mesh_is_too_strange(cls, mesh, lens, depth):
    v, f = mesh
    view = camera(Ch(v), 13, 11, t=[0, 0, depth], f=[12.0, 13.0], k=lens)
    terms = colors(cls, len(v))
    rn = cls(camera=view, f=np.array(f, int), frustum=frustum(13, 11, far=40.0), derivative="exact", **terms)
    fuzz.check(rn, ["v", "rt", "t", "f", "c"] + (["k"] if lens else [])
               + [name for name in terms if name != "texture_filter"])


# ---------------------------------------------------------------------- fits

@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_a_fit_finds_the_pose(cls, method):
    rn = body(cls)
    picture, pose = rn.r.copy(), [rn.camera.t, rn.camera.rt]
    truth = [x.r.copy() for x in pose]
    rng = np.random.default_rng(0)
    for x in pose:
        x[...] = x.r + 0.05 * rng.standard_normal(3)
    ch.minimize(rn - picture, x0=pose, method=method)
    for x, true in zip(pose, truth):
        np.testing.assert_allclose(x.r, true, atol=1e-9)
