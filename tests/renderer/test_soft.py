"""Soft Rasterizer: images as recorded from the originals, exact derivatives by everything, whatever the options."""
import pickle
from pathlib import Path

import numpy as np
import pytest

from opendr_lite import check_scene, explain_derivative
from opendr_lite.camera import ProjectPoints
from opendr_lite.ch import Ch, minimize
from opendr_lite.kernels.cpu.soft_aggregation.sigmoids import SIGMOIDS, argument_of, probability
from opendr_lite.kernels.cpu.soft_aggregation.unions import UNIONS
from opendr_lite.renderer import SilhouetteRenderer, SoftRenderer, SoftSilhouetteRenderer
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference import soft
from tests.renderer.scenes import HEIGHT, WIDTH, at_pixels, blob, camera, flat_camera, frustum, grid

RECORDED = np.load(Path(__file__).parents[1] / "data" / "soft_rasterizer.npz")
DISTANCES, BLENDINGS = ("euclidean", "barycentric", "hard"), ("softmax", "pytorch3d", "hard")
SMOOTH_UNIONS = [name for name in UNIONS if name != "hard"]
CAMERA = ("v", "rt", "t", "f", "c", "k")
FACES = 76  # of a blob


# ---------------------------------------------------------------------- scenes

def sigma_of(distance):
    return Ch(0.05 if distance == "barycentric" else 2e-3)


def silhouette(distance="euclidean", **terms):
    return blob(SoftSilhouetteRenderer, distance=distance, **{"sigma": sigma_of(distance), **terms})


def image(distance="euclidean", **terms):
    terms = {"sigma": sigma_of(distance), "gamma": Ch(0.02), "bgcolor": Ch(np.random.default_rng(1).random(3)), **terms}
    return blob(SoftRenderer, distance=distance, **terms)


def textures(kind):
    rng = np.random.default_rng(2)
    if kind == "surface":
        return {"surface_texture": Ch(rng.random((FACES, 16, 3)))}
    return {"vt": Ch(rng.random((40, 2))), "texture_image": Ch(rng.random((8, 7, 3))), "texture_filter": kind,
            "fc": Ch(rng.random((FACES, 3)))}


def recorded(name, size, focal, cls, **terms):
    """A recorded mesh in front of a camera."""
    x, y, z = RECORDED[f"{name}_ndc"].T
    v = np.column_stack([x * z, -y * z, z]) * [size / 2 / focal, size / 2 / focal, 1]
    lens = ProjectPoints(v=v, f=[focal, focal], c=[(size - 1) / 2, (size - 1) / 2])
    if cls is SoftRenderer:
        terms["vc"] = RECORDED[f"{name}_vc"]
    return cls(camera=lens, f=RECORDED[f"{name}_f"], frustum=frustum(size, size, 1, 100), **terms)


def under_the_camera(cls, sigma=1e-3, **terms):
    """A ground that goes on behind the camera."""
    xy, f = grid(3)
    v = np.column_stack([2 * xy[:, 0], 0.6 + 0.2 * xy[:, 0] ** 2, 1.5 * xy[:, 1] + 1])
    v += np.random.default_rng(3).normal(0, 0.02, v.shape)
    return cls(camera=camera(Ch(v)), f=f, frustum=frustum(near=0.3), sigma=Ch(sigma), **terms)


def twin(rn):
    """The image of the NumPy twin."""
    values = {name: getattr(rn, name).r for name in ("vc", "fc", "surface_texture")
              if getattr(rn, name, None) is not None}
    if getattr(rn, "texture_image", None) is not None:
        vt, ft = rn._texture_mesh
        values |= {"texture": rn.texture_image.r, "vt": vt, "ft": ft}
    return soft.image(rn.screen, rn.faces, WIDTH, HEIGHT, near=0.1, far=50.0, gamma=float(rn.gamma),
                      blending=rn.blending, background=rn.bgcolor.r, distance=rn.distance, sigma=float(rn.sigma),
                      **values)


def variable(rn, name):
    return getattr(rn if name in rn.dterms else rn.camera, name)


# ---------------------------------------------------------------------- derivatives

def assert_exact(rn, x, tolerance=1e-6, step=None):
    """Central differences along random directions, and all kinds of products agree."""
    rng, start, jacobian = np.random.default_rng(0), x.r.copy(), rn.dr_wrt(x)
    step = step or (1e-7 if x.size > 1 else 1e-6 * float(start.ravel()[0]))
    errors = []
    for _ in range(3):
        direction, weights = rng.standard_normal(x.shape), rng.standard_normal(rn.size)
        forward, reverse = rn.jvp(x, direction.ravel()), rn.vjp(x, weights)
        size = np.linalg.norm(forward) * np.linalg.norm(weights)
        assert size > 0
        assert weights @ forward == pytest.approx(reverse @ direction.ravel(), abs=1e-12 * size)
        np.testing.assert_allclose(jacobian @ direction.ravel(), forward, atol=1e-12 * np.abs(forward).max())
        np.testing.assert_allclose(jacobian.T @ weights, reverse, atol=1e-12 * np.abs(reverse).max())
        x[...] = start + step * direction
        ahead = rn.r.ravel().copy()
        x[...] = start - step * direction
        numeric = (ahead - rn.r.ravel()) / (2 * step)
        x[...] = start
        errors.append(np.linalg.norm(numeric - forward) / np.linalg.norm(numeric))
    assert np.median(errors) < tolerance, errors


@pytest.mark.parametrize("union", SMOOTH_UNIONS)
@pytest.mark.parametrize("distance", ["euclidean", "barycentric"])
def test_silhouette_derivative(distance, union):
    rn = silhouette(distance, union=union)
    for name in ("v", "t", "sigma") if union != "prod" else (*CAMERA, "sigma"):
        assert_exact(rn, variable(rn, name))


@pytest.mark.parametrize("sigmoid", [name for name in SIGMOIDS if name != "logistic"])
def test_sigmoid_derivative(sigmoid):
    rn = silhouette(sigmoid=sigmoid, dist_eps=1e-2)
    for name in ("v", "sigma"):
        assert_exact(rn, variable(rn, name))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("blending", BLENDINGS)
def test_image_derivative(blending, distance):
    rn = image(distance, blending=blending)
    without = {"sigma"} if distance == "hard" else set()
    without |= {"sigma", "gamma"} if blending == "hard" else set()
    for name in (*CAMERA, "vc", "bgcolor", "sigma", "gamma"):
        if name in without:
            assert not rn.dr_wrt(variable(rn, name)).toarray().any()
        else:
            assert_exact(rn, variable(rn, name))


@pytest.mark.parametrize("kind", ["bilinear", "nearest", "surface"])
@pytest.mark.parametrize("blending", ["softmax", "pytorch3d"])
def test_texture_derivative(blending, kind):
    rn = image(blending=blending, **textures(kind))
    for name in {"bilinear": ("v", "vc", "fc", "vt", "texture_image"), "nearest": ("v", "texture_image"),
                 "surface": ("v", "vc", "surface_texture")}[kind]:
        assert_exact(rn, variable(rn, name))
    if kind == "nearest":
        assert rn.dr_wrt(rn.vt) is None


def test_bound_on_the_background_matters():
    """PyTorch3D's: with a small gamma the weight of the background does not vanish, and the nearest face changes it."""
    rn = image(blending="pytorch3d", gamma=Ch(1e-4), dist_eps=1e-9)
    for name in ("v", "gamma"):
        assert_exact(rn, variable(rn, name))


def test_sigma_in_pixels():
    size, = {min(WIDTH, HEIGHT)}
    for cls in (SoftSilhouetteRenderer, SoftRenderer):
        rn = blob(cls, sigma_pixels=Ch(1.5))
        np.testing.assert_allclose(rn.r, blob(cls, sigma=(2 * 1.5 / size) ** 2).r, rtol=1e-12)
        assert_exact(rn, rn.sigma_pixels)
    corner = at_pixels([[10.0, -50.0], [10.0, 100.0], [200.0, 10.0]])
    edge = SoftSilhouetteRenderer(camera=flat_camera(corner), f=[[0, 1, 2]], frustum=frustum(), sigma_pixels=2.0)
    np.testing.assert_allclose(edge.r[10, [8, 10, 12]], [1 / (1 + np.e), 0.5, np.e / (1 + np.e)])


EDGE_ON = np.array([[8.3, 6.2], [22.17, 17.42], [15.235, 11.81], [20.4, 8.1]])


OPENED = np.array([[0, 0], [0, 0], [1e-3, 0], [0, 0]])  # pixels


def edge_on(cls, opened=0.0, **terms):
    """Two faces, the first of which is a line on the screen, or nearly so."""
    v = at_pixels(EDGE_ON + opened * OPENED, [1.0, 1.3, 1.1, 1.2])
    return cls(camera=flat_camera(Ch(v)), f=[[0, 1, 2], [0, 1, 3]], frustum=frustum(), **terms)


def test_silhouette_of_faces_seen_edge_on():
    """A line blurs like any face. By its corners it has a derivative on each side only: the face opens to one side."""
    rn = edge_on(SoftSilhouetteRenderer, sigma=Ch(5e-3))
    np.testing.assert_allclose(rn.r, soft.silhouette(rn.screen, rn.faces, WIDTH, HEIGHT, sigma=5e-3), atol=1e-14)
    for name in ("c", "sigma"):
        assert_exact(rn, variable(rn, name))
    for union in SMOOTH_UNIONS:
        nearly = edge_on(SoftSilhouetteRenderer, 1.0, sigma=Ch(5e-3), union=union)
        assert_exact(nearly, nearly.v)


@pytest.mark.parametrize("blending", ["softmax", "pytorch3d"])
@pytest.mark.parametrize("distance", ["euclidean", "barycentric"])
def test_colors_of_faces_seen_nearly_edge_on(distance, blending):
    rn = edge_on(SoftRenderer, 1.0, sigma=sigma_of(distance), gamma=Ch(0.1), distance=distance, blending=blending,
                 vc=Ch(np.random.default_rng(0).random((4, 3))))
    for name in ("v", "vc", "sigma", "gamma"):
        assert_exact(rn, variable(rn, name))


def test_faces_without_area_have_finite_derivatives():
    v = at_pixels([[5.0, 5.0], [5.0, 5.0], [5.0, 5.0], [12.0, 9.0], [5.0, 20.0]], 2.0)
    rn = SoftRenderer(camera=flat_camera(Ch(v)), f=[[0, 1, 2], [0, 1, 3], [2, 3, 4], [4, 4, 4]], frustum=frustum(),
                      sigma=1e-3, gamma=0.1, vc=np.eye(5, 3))
    for node in (rn, rn.silhouette):
        assert np.isfinite(node.r).all()
        assert np.isfinite(node.dr_wrt(rn.v).data).all()


# ---------------------------------------------------------------------- images

@pytest.mark.parametrize("union", UNIONS)
@pytest.mark.parametrize("distance", DISTANCES)
def test_silhouette_is_that_of_the_twin(distance, union):
    rn = silhouette(distance, union=union)
    expected = soft.silhouette(rn.screen, rn.faces, WIDTH, HEIGHT, union=union, distance=distance,
                               sigma=float(rn.sigma))
    np.testing.assert_allclose(rn.r, expected, atol=1e-12)
    if "hard" in (distance, union):
        assert rn.dr_wrt(rn.v) is None


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_sigmoid(sigmoid):
    code, x = SIGMOIDS[sigmoid], np.concatenate([np.linspace(-8, 8, 81) + 0.013, [-900.0, 900.0]])
    covered, uncovered, density = np.array([probability(code, at) for at in x]).T
    ahead, behind = (np.array([probability(code, at + h)[0] for at in x]) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(covered, soft.SIGMOIDS[sigmoid](x), atol=1e-15)
    np.testing.assert_allclose(covered + uncovered, 1, rtol=1e-15)
    np.testing.assert_allclose(density, (ahead - behind) / 2e-6, atol=1e-9)
    assert probability(code, argument_of(code, 1e-3))[0] == pytest.approx(1e-3)
    assert 0 < probability(code, 30.0)[1] or sigmoid == "uniform"  # the complement keeps its digits


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("blending", BLENDINGS)
def test_image_is_that_of_the_twin(blending, distance):
    rn = image(distance, blending=blending)
    np.testing.assert_allclose(rn.r, twin(rn), atol=1e-12)
    for kind in ("bilinear", "surface"):
        rn = image(distance, blending=blending, **textures(kind))
        np.testing.assert_allclose(rn.r, twin(rn), atol=1e-12)


def test_becomes_the_silhouette_and_the_image_as_it_is():
    """With sigma and gamma small, the colour of the nearest face, and 0 or 1."""
    hard = blob(SilhouetteRenderer, overdraw=False).r
    inside = silhouette(sigma=1e-12).r
    assert np.abs(inside - hard).max() < 0.5
    np.testing.assert_array_equal(silhouette("hard").r, hard)
    np.testing.assert_allclose(image(sigma=1e-12, gamma=1e-7, eps=0.0).r, image("hard", blending="hard").r, atol=1e-9)


def pytorch3d_energy(cls, **terms):
    rn = recorded("spot", 128, 153.6, cls, **terms)
    return rn, rn.vjp(rn.v, 2 * rn.r.ravel()).reshape(-1, 3)


@pytest.mark.parametrize("sigma", ["0.0001", "0.001"])
def test_silhouette_is_that_of_pytorch3d(sigma):
    rn, gradient = pytorch3d_energy(SoftSilhouetteRenderer, sigma=float(sigma))
    np.testing.assert_allclose(rn.r, RECORDED[f"pytorch3d_alpha_{sigma}"], atol=1e-12)
    np.testing.assert_allclose(gradient, RECORDED[f"pytorch3d_alpha_{sigma}_dE_dv"], atol=1e-9)


@pytest.mark.parametrize("sigma, gamma", [("0.0001", "0.0001"), ("0.001", "0.01")])
def test_colors_are_those_of_pytorch3d(sigma, gamma):
    """So is their derivative, but for faces whose plane reaches infinity where they count.

    PyTorch3D bounds a denominator there and differentiates as if it did not; central differences agree with ours.
    """
    name = f"pytorch3d_rgb_s{sigma}_g{gamma}"
    rn, gradient = pytorch3d_energy(SoftRenderer, sigma=float(sigma), gamma=float(gamma), blending="pytorch3d")
    np.testing.assert_allclose(rn.r, RECORDED[name], atol=1e-12)
    if sigma == "0.001":
        by_colors = rn.vjp(rn.vc, 2 * rn.r.ravel()).reshape(-1, 3)
        np.testing.assert_allclose(by_colors, RECORDED[f"{name}_dE_dvc"], atol=1e-10)
    is_off = np.abs(gradient - RECORDED[f"{name}_dE_dv"]).max(axis=1) > 1e-8
    assert is_off.mean() < 0.12
    assert set(np.flatnonzero(is_off)) <= set(vertices_at_infinity(rn, float(sigma)))
    vertex = np.abs(gradient - RECORDED[f"{name}_dE_dv"]).max(axis=1).argmax()
    start = rn.v.r[vertex].copy()
    for axis in range(3):
        energy = []
        for step in (1e-7, -1e-7):
            rn.v[vertex, axis] = start[axis] + step
            energy.append(np.sum(rn.r ** 2))
        rn.v[vertex] = start
        assert gradient[vertex, axis] == pytest.approx((energy[0] - energy[1]) / 2e-7, rel=1e-4, abs=1e-5)


def vertices_at_infinity(rn, sigma):
    """Of faces whose plane is at infinity, or beyond, at a pixel that they reach."""
    reach, f, (u, v, z) = np.sqrt(9.3 * sigma) * 64, rn.faces, rn.screen.T
    found = []
    for t, corners in enumerate(f):
        plane = np.linalg.lstsq(np.column_stack([u[corners], v[corners], np.ones(3)]), 1 / z[corners], rcond=None)[0]
        left, right = u[corners].min() - reach, u[corners].max() + reach
        top, bottom = v[corners].min() - reach, v[corners].max() + reach
        nearness = [plane @ [at_u, at_v, 1] for at_u in (left, right) for at_v in (top, bottom)]
        if min(nearness) <= 1e-8:
            found.append(t)
    return f[found].ravel()


@pytest.mark.parametrize("name, terms", [
    ("default", {"sigma": 1e-5}), ("s1e-4", {"sigma": 1e-4}), ("s1e-3_g1e-2", {"sigma": 1e-3, "gamma": 1e-2}),
    ("bary_s1e-3", {"sigma": 1e-3, "distance": "barycentric"}), ("sum_s1e-4", {"sigma": 1e-4}),
    ("rgbhard_s1e-4", {"sigma": 1e-4, "blending": "hard"}), ("allhard", {"distance": "hard", "blending": "hard"})])
def test_images_are_those_of_soft_rasterizer(name, terms):
    rn = recorded("teapot", 64, 32, SoftRenderer, **terms)
    outline = rn.silhouette
    outline.union = {"sum_s1e-4": "sum", "allhard": "hard"}.get(name, "prod")
    expected = RECORDED[f"softras_teapot_{name}"]
    np.testing.assert_allclose(rn.r, expected[:3].transpose(1, 2, 0), atol=1e-12)
    np.testing.assert_allclose(outline.r, expected[3], atol=1e-12)


def test_derivative_is_that_of_soft_rasterizer_by_depth_and_color():
    """By x and y that of the original lacks what colours and depths change by."""
    rn = recorded("teapot", 64, 32, SoftRenderer, sigma=1e-3, gamma=1e-2)
    by_points = rn.vjp(rn.screen_points, 2 * rn.r.ravel()).reshape(-1, 3)
    by_depth = by_points[:, 2] + by_points[:, 0] * rn.screen[:, 0] + by_points[:, 1] * rn.screen[:, 1]
    np.testing.assert_allclose(by_depth, RECORDED["softras_teapot_s1e-3_g1e-2_g_ndc"][:, 2], atol=1e-10)
    np.testing.assert_allclose(rn.vjp(rn.vc, 2 * rn.r.ravel()).reshape(-1, 3),
                               RECORDED["softras_teapot_s1e-3_g1e-2_g_vc"], atol=1e-10)


# ---------------------------------------------------------------------- what else may happen

def test_bits_do_not_depend_on_threads():
    before, found = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            rn = image(**textures("bilinear"))
            outline = rn.silhouette
            y, x = np.cos(np.arange(rn.size)), np.cos(np.arange(rn.v.size))
            wrt = [rn.v, rn.vc, rn.fc, rn.texture_image, rn.vt, rn.sigma, rn.gamma]
            found.append([rn.r, outline.r, *rn.vjp(wrt, y), outline.vjp(rn.v, y[:outline.size]), rn.jvp(rn.v, x),
                          outline.jvp(rn.v, x), rn.dr_wrt(rn.v).data, outline.dr_wrt(rn.v).data])
    finally:
        set_num_threads(before)
    for one, two in zip(*found):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", [None, "bilinear", "surface"])
def test_faces_that_the_near_plane_cuts(kind):
    """What is left of them is drawn, and its derivative is exact, also by where they are cut."""
    rng = np.random.default_rng(4)
    terms = {} if kind is None else {"vc": Ch(rng.random((16, 3))), "gamma": Ch(0.1)}
    if kind == "bilinear":
        terms |= {"vt": Ch(rng.random((9, 2))), "ft": rng.integers(0, 9, (18, 3)), "fc": Ch(rng.random((18, 3))),
                  "texture_image": Ch(rng.random((8, 7, 3)))}
    elif kind == "surface":
        terms |= {"surface_texture": Ch(rng.random((18, 9, 3))), "blending": "pytorch3d"}
    rn = under_the_camera(SoftSilhouetteRenderer if kind is None else SoftRenderer, **terms)
    assert rn._clipped is not None and np.isfinite(rn.r).all()
    for name in ("v", "t", "sigma", *(name for name in terms if isinstance(terms[name], Ch))):
        assert_exact(rn, variable(rn, name))


def test_cut_faces_show_what_whole_ones_do():
    """Where the near plane passes below the image, it makes no difference."""
    cut, whole = (under_the_camera(SoftRenderer, sigma=1e-5, gamma=1e-2, blending="pytorch3d",
                                   vc=np.random.default_rng(0).random((16, 3))) for _ in range(2))
    whole.frustum = frustum(near=1e-3)
    seen = (cut.silhouette.r > 0.99) & (SilhouetteRenderer(camera=cut.camera, f=cut.f, frustum=cut.frustum).r > 0)
    assert seen.sum() > 80
    np.testing.assert_allclose(cut.r[seen], whole.r[seen], atol=0.02)


def test_behind_and_beyond():
    """Nothing in front of the camera: an empty image, and a derivative of nothing."""
    for shift in (-20.0, 100.0):
        rn = image()
        rn.camera.t[2] = shift
        assert np.ptp(rn.r.reshape(-1, 3), axis=0).max() == 0
        np.testing.assert_allclose(rn.r[0, 0], rn.bgcolor.r)
        assert not rn.vjp(rn.v, np.ones(rn.size)).any()
        assert rn.dr_wrt(rn.v).nnz == 0 or not rn.dr_wrt(rn.v).data.any()
    rn.camera.t[2] = -20.0
    assert not rn.silhouette.r.any()
    assert rn.silhouette.dr_wrt(rn.v).nnz == 0


def test_thousands_of_faces_at_a_pixel():
    rng = np.random.default_rng(5)
    v = at_pixels(rng.uniform(1, 8, (6000, 2)), rng.uniform(1, 3, 6000))
    scene = {"camera": flat_camera(Ch(v)), "f": np.arange(6000).reshape(-1, 3), "frustum": frustum(9, 9),
             "sigma": Ch(1.0)}
    outline = SoftSilhouetteRenderer(union="sum", **scene)
    rn = SoftRenderer(vc=Ch(rng.random((6000, 3))), gamma=Ch(0.01), **scene)
    for node in (outline, rn):
        assert_exact(node, node.sigma, step=1e-4)
        direction, weights = rng.standard_normal(v.size), rng.standard_normal(node.size)
        assert weights @ node.jvp(node.v, direction) == pytest.approx(direction @ node.vjp(node.v, weights), rel=1e-9)
    assert (SoftSilhouetteRenderer(**scene).r == 1).all()


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_odd_scenes(seed):
    """Whatever the mesh and the options: faces without area, of all sizes, around the camera. All is finite."""
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((8, 3)) * 10.0 ** rng.integers(-2, 3) + [0, 0, rng.choice([0, 1, 5])]
    v = np.round(v) if seed % 4 == 0 else v
    scene = {"camera": camera(Ch(v), 9, 7), "f": rng.integers(0, 8, (12, 3)), "frustum": frustum(9, 7, near=0.1),
             "distance": DISTANCES[seed % 3], "sigmoid": list(SIGMOIDS)[seed % 8],
             "dist_eps": 10.0 ** rng.integers(-5, 0), "sigma": Ch(10.0 ** rng.integers(-8, 1))}
    outline = SoftSilhouetteRenderer(union=list(UNIONS)[rng.integers(8)], **scene)
    rn = SoftRenderer(blending=BLENDINGS[rng.integers(3)], gamma=Ch(10.0 ** rng.integers(-7, 1)),
                      vc=Ch(rng.random((8, 3))), fc=Ch(rng.random((12, 3))), vt=Ch(rng.standard_normal((8, 2))),
                      texture_image=Ch(rng.random((3, 5, 3))), **scene)
    for node, names in ((outline, ("v", "sigma")), (rn, ("v", "sigma", "gamma", "vc", "fc", "vt", "texture_image"))):
        assert np.isfinite(node.r).all()
        for name in names:
            x = variable(node, name)
            direction, weights = rng.standard_normal(x.size), rng.standard_normal(node.size)
            forward, jacobian = node.jvp(x, direction), node.dr_wrt(x)
            size = 0.0 if jacobian is None else np.linalg.norm(jacobian.data)
            assert np.isfinite(forward).all() and np.isfinite(size)
            assert abs(weights @ forward - direction @ node.vjp(x, weights)) <= 1e-11 * size


def test_small_gamma_does_not_overflow():
    rn = image(gamma=Ch(1e-9))
    assert np.isfinite(rn.r).all()
    assert np.isfinite(rn.vjp(rn.v, np.ones(rn.size))).all()


def test_one_channel_and_background_image():
    background = np.random.default_rng(6).random((HEIGHT, WIDTH))
    rn = image(vc=Ch(np.random.default_rng(7).random(40)), bgcolor=0.5, background_image=background)
    assert rn.shape == (HEIGHT, WIDTH)
    far_away = rn.silhouette.r == 0
    np.testing.assert_array_equal(rn.r[far_away], background[far_away])
    assert rn.dr_wrt(rn.bgcolor) is None
    assert_exact(rn, rn.vc)


def test_fit():
    """Gauss-Newton finds a pose again from colours and silhouette together."""
    rn = image()
    target, mask, start = rn.r.copy(), rn.silhouette.r.copy(), rn.camera.t.r.copy()
    rn.camera.t[...] = start + [0.2, -0.1, 0.15]
    result = minimize({"colour": rn - target, "silhouette": rn.silhouette - mask}, x0=[rn.camera.t])
    np.testing.assert_allclose(rn.camera.t.r, start, atol=1e-8)
    assert result.fun < 1e-15


def test_travels_and_explains_itself():
    rn = image()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rn)).r, rn.r)
    np.testing.assert_array_equal(rn.copy().r, rn.r)
    assert explain_derivative(rn, rn.v) is None and explain_derivative(rn, rn.gamma) is None
    outline = silhouette(union="hard")
    assert "piecewise constant" in explain_derivative(outline, outline.v)
    assert not {"hidden faces", "small faces"} & {finding.name for finding in check_scene(rn).findings}


@pytest.mark.parametrize("terms, complaint", [
    ({"sigma": 0.0}, "sigma must be positive and finite, got 0"),
    ({"sigma": -1e-4}, "sigma must be positive"),
    ({"sigma": np.nan}, "sigma must be positive"),
    ({"sigma_pixels": 1.0}, "sigma and sigma_pixels are both given"),
    ({"sigma": None, "sigma_pixels": 1.0, "distance": "barycentric"}, "sigma_pixels has no meaning"),
    ({"dist_eps": 0.0}, "dist_eps must be between 0 and 1"),
    ({"dist_eps": 1.0}, "dist_eps must be between 0 and 1"),
    ({"distance": "manhattan"}, "distance must be one of 'euclidean', 'barycentric', 'hard', got 'manhattan'"),
    ({"sigmoid": "tanh"}, "sigmoid must be one of 'logistic'"),
    ({"gamma": 0.0}, "gamma must be positive"),
    ({"eps": np.inf}, "eps must be finite"),
    ({"blending": "additive"}, "blending must be one of 'softmax', 'pytorch3d', 'hard', got 'additive'"),
    ({"surface_texture": np.ones((FACES, 3, 3))}, r"surface_texture must have shape \(76, R \* R, channels\)"),
    ({"surface_texture": np.ones((FACES, 4, 3)), "fc": np.ones((FACES, 3))}, "both colour the faces"),
    ({"vc": np.full((40, 3), np.nan)}, "vc has 120 entries that are NaN"),
    ({"vt": np.ones((40, 2)), "texture_image": np.ones((4, 4, 3)), "texture_filter": "mipmap"},
     "texture_filter must be"),
    ({"f": np.empty((0, 3), int)}, "the mesh is empty"),
])
def test_bad_input(terms, complaint):
    rn = image(vc=np.ones((40, 3)))
    rn.set(**terms)
    with pytest.raises(ValueError, match=complaint):
        rn.r


def test_unknown_union():
    with pytest.raises(ValueError, match="union must be one of 'prod', 'einstein'"):
        silhouette(union="or").r


def test_no_colors():
    with pytest.raises(AttributeError, match="has no colours yet"):
        image(vc=None).r
    with pytest.raises(TypeError, match="gamma must be a number"):
        image(gamma=Ch([0.1, 0.2])).r
