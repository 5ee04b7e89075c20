"""Each loss in a fit, as residuals by Gauss-Newton and as one number by a gradient method."""
import numpy as np
import pytest

from opendr_lite import ch, losses
from opendr_lite.ch import Ch, minimize
from opendr_lite.geometry import Rodrigues
from tests.losses.test_against_pytorch3d import RECORDED

F = RECORDED["f"].astype(np.int64)
NOISY = RECORDED["v"]
SPHERE = NOISY / np.linalg.norm(NOISY, axis=1, keepdims=True)
POINTS = SPHERE[::2] * [1.2, 0.9, 1.0]

PAIRS = {
    "laplacian": (losses.laplacian_residuals, losses.laplacian_loss),
    "edge": (losses.edge_residuals, losses.mesh_edge_loss),
    "edge_length": (lambda v, f: losses.edge_length_residuals(v, f, 0.3),
                    lambda v, f: losses.mesh_edge_loss(v, f, 0.3)),
    "normal_consistency": (losses.normal_consistency_residuals, losses.mesh_normal_consistency),
    "flatten": (losses.flatten_residuals, losses.flatten_loss),
    "arap": (lambda v, f: losses.arap_residuals(v, f, SPHERE), lambda v, f: losses.arap_energy(v, f, SPHERE)),
    "cot": (lambda v, f: losses.laplacian_residuals(v, f, "cot", weights_at=SPHERE),
            lambda v, f: ch.SumOfSquares(losses.laplacian_residuals(v, f, "cot", weights_at=SPHERE))),
    "smoothing": (lambda v, f: losses.mesh_laplacian_smoothing_residuals(v, f, smoothing=0.1),
                  lambda v, f: ch.SumOfSquares(losses.mesh_laplacian_smoothing_residuals(v, f, smoothing=0.1))),
    "chamfer": (lambda v, f: losses.chamfer_residuals(v, POINTS),
                lambda v, f: losses.chamfer_distance(v, POINTS).distance),
    "face": (lambda v, f: losses.point_mesh_face_residuals(v, f, POINTS),
             lambda v, f: losses.point_mesh_face_distance(v, f, POINTS)),
    "edge_distance": (lambda v, f: losses.point_mesh_edge_residuals(v, f, POINTS),
                      lambda v, f: losses.point_mesh_edge_distance(v, f, POINTS)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_vertices_by_gauss_newton_and_by_gradients(name):
    """The vertices of a noisy sphere, held where they are by springs: where one way ends, the other finds nothing."""
    make_residuals, make_number = PAIRS[name]
    spring = 0.05
    v = Ch(NOISY)
    number = make_number(v, F) + spring ** 2 * ch.sum((v - NOISY) ** 2)
    start = float(number.r)
    residuals = {"loss": make_residuals(v, F), "springs": spring * (v - NOISY)}
    by_steps = minimize(residuals, x0=[v], options={"maxiter": 60, "e_3": 1e-9})
    np.testing.assert_allclose(by_steps.fun, number.r, rtol=1e-10)
    assert by_steps.fun < 0.9 * start
    afterwards = minimize(number, x0=[v], method="L-BFGS-B", options={"maxiter": 20})
    np.testing.assert_allclose(afterwards.fun, by_steps.fun, rtol=1e-3)
    v[:] = NOISY
    by_gradients = minimize(number, x0=[v], method="L-BFGS-B", options={"maxiter": 200})
    assert by_gradients.fun < by_steps.fun + 0.1 * (start - by_steps.fun)


def test_a_cloud_is_registered_with_normals():
    random = np.random.default_rng(0)
    cloud = random.standard_normal((60, 3)) * [2.0, 1, 0.5]
    normals = random.standard_normal((60, 3))
    true = Rodrigues([0.05, -0.1, 0.08]).r
    rt, t = Ch(np.zeros(3)), Ch(np.zeros(3))
    R = Rodrigues(rt)
    x, m = ch.dot(cloud, R.T) + t, ch.dot(normals, R.T)
    y, n = cloud @ true.T + [0.05, 0.02, -0.03], normals @ true.T
    residuals = [losses.chamfer_residuals(x, y), 0.1 * losses.chamfer_normal_residuals(x, y, m, n)]
    result = minimize(residuals, x0=[rt, t])
    assert result.fun < 1e-20
    np.testing.assert_allclose(rt.r, [0.05, -0.1, 0.08], atol=1e-10)


def test_points_are_registered_to_a_mesh():
    random = np.random.default_rng(1)
    bumpy = SPHERE * (1 + 0.3 * np.sin(3 * SPHERE[:, :1] + 1) + 0.2 * SPHERE[:, 1:2] * SPHERE[:, 2:])
    weights = random.dirichlet(np.ones(3), len(F))
    on_mesh = np.einsum("fk,fkx->fx", weights, bumpy[F])
    true = Rodrigues([0.1, -0.05, 0.1]).r
    rt, t = Ch(np.zeros(3)), Ch(np.zeros(3))
    moved = ch.dot((on_mesh - [0.05, -0.02, 0.04]) @ true, Rodrigues(rt).T) + t
    residuals = losses.point_mesh_face_residuals(bumpy, F, moved, single_directional=True)
    result = minimize(residuals, x0=[rt, t], options={"maxiter": 30})
    assert result.fun < 1e-20 and result.nit < 15
    np.testing.assert_allclose(t.r, [0.05, -0.02, 0.04], atol=1e-9)


def test_a_handle_is_dragged():
    """As rigid as possible between vertices that are held and one that is moved."""
    v = Ch(SPHERE)
    low, top = np.flatnonzero(SPHERE[:, 2] < -0.3), int(np.argmax(SPHERE[:, 2]))
    held = {"low": 10 * (v[low] - SPHERE[low]), "top": 10 * (v[top] - SPHERE[top] - [0.5, 0, 0.2])}
    result = minimize({"rigid": losses.arap_residuals(v, F, SPHERE), **held}, x0=[v], options={"e_3": 1e-8})
    assert result.nit < 30
    np.testing.assert_allclose(v.r[top], SPHERE[top] + [0.5, 0, 0.2], atol=0.1)
    assert losses.arap_energy(v, F, SPHERE).r < 0.3 * losses.arap_energy(pulled(top), F, SPHERE).r


def pulled(top):
    v = SPHERE.copy()
    v[top] += [0.5, 0, 0.2]
    return v


# ---------------------------------------------------------------------- images

def disc(centre, radius, size=24):
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    distance = ch.sqrt((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2)
    return 1.0 / (1.0 + ch.exp((distance - radius) * 2.0))


@pytest.mark.parametrize("make, method, bias", [
    (losses.silhouette_residuals, "dogleg", 0.0), (losses.silhouette_iou_loss, "L-BFGS-B", 0.12),
    (losses.silhouette_iou_loss, "BFGS", 0.12)])
def test_a_silhouette_is_found(make, method, bias):
    """The IoU of silhouettes with soft borders is larger where one of them is larger than the other."""
    observed = disc(Ch([12.2, 10.7]), Ch([6.3])).r
    centre, radius = Ch([9.1, 13.3]), Ch([4.0])
    minimize(make(disc(centre, radius), observed), x0=[centre, radius], method=method)
    np.testing.assert_allclose(np.r_[centre.r, radius.r], [12.2, 10.7, 6.3 + bias], atol=0.01)


@pytest.mark.parametrize("make, method", [(lambda a, b: 1 - losses.ssim_map(a, b), "dogleg"),
                                          (lambda a, b: 1 - losses.ssim(a, b), "L-BFGS-B")])
def test_structure_is_found(make, method):
    observed = disc(Ch([12.2, 10.7]), Ch([6.3])).r
    centre, radius = Ch([11.3, 11.4]), Ch([5.0])
    minimize(make(disc(centre, radius), observed), x0=[centre, radius], method=method)
    np.testing.assert_allclose(np.r_[centre.r, radius.r], [12.2, 10.7, 6.3], atol=0.05)


@pytest.mark.parametrize("isotropic", [True, False])
def test_noise_is_removed_and_the_step_stays(isotropic):
    clean = np.zeros((18, 18))
    clean[:, 9:] = 1.0
    noisy = clean + 0.1 * np.random.default_rng(2).standard_normal(clean.shape)
    image = Ch(noisy)
    variation = losses.total_variation_residuals(image, isotropic, smoothing=1e-2)
    smooth = ch.sum((image - noisy) ** 2) + 0.2 * ch.SumOfSquares(variation)
    exact = ch.sum((image - noisy) ** 2) + 0.2 * losses.total_variation(image, isotropic)
    before = float(exact.r)
    result = minimize({"image": image - noisy, "variation": np.sqrt(0.2) * variation}, x0=[image],
                      options={"e_3": 1e-6})
    assert np.abs(image.r - clean).mean() < 0.35 * np.abs(noisy - clean).mean()
    image[:] = noisy
    by_gradients = minimize(smooth, x0=[image], method="L-BFGS-B", options={"maxiter": 200})
    np.testing.assert_allclose(by_gradients.fun, result.fun, rtol=1e-4)
    image[:] = noisy
    assert minimize(exact, x0=[image], method="L-BFGS-B", options={"maxiter": 30}).fun < 0.7 * before
