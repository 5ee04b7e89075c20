"""Values and gradients that PyTorch3D 0.7.9 computed; see tests/data/README.md."""
from pathlib import Path

import numpy as np
import pytest

from opendr_lite import losses
from opendr_lite.ch import Ch
from tests.reference.losses import pytorch3d_laplacian_smoothing

RECORDED = np.load(Path(__file__).parents[1] / "data" / "pytorch3d_losses.npz")
METHODS = ["uniform", "cot", "cotcurv"]
MESH_LOSSES = {
    "edge_t0": losses.mesh_edge_loss,
    "edge_t0.3": lambda v, f: losses.mesh_edge_loss(v, f, 0.3),
    "normal_consistency": losses.mesh_normal_consistency,
}
CHAMFER = {"default": {}, "sum": {"point_reduction": "sum"}, "norm1": {"norm": 1},
           "single": {"single_directional": True}}


def vertices(precision):
    return Ch(RECORDED["v"].astype({"f32": np.float32, "f64": np.float64}[precision]))


def largest_difference(gradient, recorded):
    return np.abs(gradient.reshape(recorded.shape) - recorded).max() / np.abs(recorded).max()


@pytest.mark.parametrize("precision, tolerance", [("f32", 1e-6), ("f64", 1e-7)])
@pytest.mark.parametrize("name", MESH_LOSSES)
def test_mesh_losses(name, precision, tolerance):
    v = vertices(precision)
    loss = MESH_LOSSES[name](v, RECORDED["f"])
    np.testing.assert_allclose(loss.r, RECORDED[f"{name}_{precision}"], rtol=tolerance)
    assert largest_difference(loss.vjp(v, 1.0), RECORDED[f"{name}_{precision}_grad"]) < tolerance


@pytest.mark.parametrize("way", CHAMFER)
def test_chamfer_distance(way):
    x, y = Ch(RECORDED["cham_x"]), Ch(RECORDED["cham_y"])
    loss = losses.chamfer_distance(x, y, **CHAMFER[way]).distance
    np.testing.assert_allclose(loss.r, RECORDED[f"cham_{way}_f32"], rtol=1e-6)
    assert largest_difference(loss.vjp(x, 1.0), RECORDED[f"cham_{way}_f32_gx"]) < 1e-6
    assert largest_difference(loss.vjp(y, 1.0), RECORDED[f"cham_{way}_f32_gy"]) < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_laplacian_smoothing(method):
    """The recorded gradient is a sum of unit vectors δ / |δ|; in float32 those of short δ have few right digits.

    How many is seen from PyTorch3D's steps in both precisions: the recorded gradient is no farther from ours than
    twice what float32 makes of them, and the same steps in float64 agree with ours.
    """
    v = vertices("f32")
    loss = losses.mesh_laplacian_smoothing(v, RECORDED["f"], method)
    gradient, recorded = loss.vjp(v, 1.0), RECORDED[f"laplacian_{method}_f32_grad"]
    np.testing.assert_allclose(loss.r, RECORDED[f"laplacian_{method}_f32"], rtol=1e-6)
    value, in_double = pytorch3d_laplacian_smoothing(v.r, RECORDED["f"], method)
    np.testing.assert_allclose(loss.r, value, rtol=1e-12)
    assert largest_difference(gradient, in_double) < 1e-11
    _, in_single = pytorch3d_laplacian_smoothing(v.r.astype(np.float32), RECORDED["f"], method)
    assert largest_difference(gradient, recorded) < 2 * largest_difference(in_double, in_single)
    assert np.median(np.abs(gradient.reshape(-1, 3) - recorded)) < 1e-6 * np.abs(recorded).max()
