"""Derivatives of coloured images: exact ones by differences, OpenDR's by its definition and by what it approximates."""
import numpy as np
import pytest

from opendr_lite.camera import ProjectPoints3D
from opendr_lite.ch import Ch, check_jacobian
from opendr_lite.renderer import ColoredRenderer
from tests.reference import image_gradient as gradients
from tests.reference import render as slow
from tests.renderer.scenes import blob, camera, cosine, frustum, grid

COLOURS = ["vc", "fc", "bgcolor"]


def colourful(vc=3, fc=None, bgcolor=3, **terms):
    """A blob with the given numbers of channels; None leaves an input out."""
    rng = np.random.default_rng(3)
    rn = blob(ColoredRenderer, num_points=20, bgcolor=Ch(rng.random(bgcolor)), **terms)
    if fc is not None:
        rn.fc = Ch(rng.random((len(rn.f), fc)))
    if vc is not None:
        rn.vc = Ch(rng.random((20, vc)))
        return rn
    return ColoredRenderer(camera=rn.camera, f=rn.f, frustum=rn.frustum, bgcolor=rn.bgcolor, fc=rn.fc,
                           overdraw=rn.overdraw)


# ---------------------------------------------------------------------- exact derivatives

@pytest.mark.parametrize("overdraw", [False, True])
@pytest.mark.parametrize("channels", [
    {"vc": 3}, {"vc": 1}, {"vc": 2}, {"vc": 5, "bgcolor": 5}, {"vc": 1, "bgcolor": 1}, {"vc": 3, "bgcolor": 1},
    {"vc": None, "fc": 3}, {"vc": None, "fc": 1, "bgcolor": 1}, {"vc": 3, "fc": 3}, {"vc": 3, "fc": 1},
    {"vc": 1, "fc": 3}, {"vc": 3, "num_channels": 1}, {"vc": 5, "num_channels": 2}, {"vc": 1, "num_channels": 3},
    {"vc": 3, "fc": 1, "num_channels": 2}], ids=str)
def test_derivatives_wrt_colours_are_exact(channels, overdraw):
    rn = colourful(**channels, overdraw=overdraw)
    for name in COLOURS:
        if hasattr(rn, name):
            check = check_jacobian(rn, getattr(rn, name), max_columns=25)
            assert check.ok(1e-8), f"{name}: {check}"
            assert rn.dr_wrt(getattr(rn, name)).nnz


def test_one_node_for_both_kinds_of_colours():
    v = np.array([[-1.0, -1, 3], [1, -1, 3], [-1, 1, 3], [1, 1, 3]])
    colours = Ch(np.random.default_rng(4).random((4, 3)))
    rn = ColoredRenderer(camera=camera(v), f=[[0, 1, 2], [1, 3, 2], [0, 1, 3], [0, 2, 3]], frustum=frustum(),
                         vc=colours, fc=colours)
    assert check_jacobian(rn, colours).ok(1e-8)


# ---------------------------------------------------------------------- OpenDR's derivative

@pytest.mark.parametrize("near", [0.1, 3.4])
@pytest.mark.parametrize("overdraw", [False, True])
@pytest.mark.parametrize("channels", [{"vc": 3}, {"vc": 1}, {"vc": 3, "fc": 3}, {"vc": 5, "num_channels": 2}], ids=str)
def test_one_sweep_for_geometry_and_colours_is_one_for_each(channels, overdraw, near):
    rn = colourful(**channels, overdraw=overdraw)
    rn.frustum = {**rn.frustum, "near": near}
    variables = [node for node in (rn.v, rn.vc, getattr(rn, "fc", None), rn.bgcolor) if node is not None]
    cotangent = np.random.default_rng(5).normal(size=rn.size)
    for node, part in zip(variables, rn.vjp(variables, cotangent)):
        assert part.any()
        np.testing.assert_allclose(part, rn.vjp(node, cotangent), rtol=0, atol=1e-12 * abs(part).max())
        np.testing.assert_allclose(part, rn.dr_wrt(node).T @ cotangent, rtol=0, atol=1e-12 * abs(part).max())


@pytest.mark.parametrize("overdraw", [False, True])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_derivative_wrt_the_camera_is_gradient_times_barycentrics(overdraw, num_channels):
    rn = blob(ColoredRenderer, overdraw=overdraw, num_channels=num_channels)
    image = rn.r.reshape(rn.image_size + (-1,))
    boundary = rn.boundarybool_image > 0
    gradient = (gradients.image_gradient_with_boundaries(image, boundary) if overdraw
                else gradients.image_gradient(image))
    expected = slow.opendr_derivative(gradient, rn.visibility_image.astype(np.int32), rn.barycentric_image, rn.f,
                                      len(rn.v))
    assert boundary.any()
    np.testing.assert_allclose(rn.dr_wrt(rn.camera).toarray(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("overdraw", [False, True])
def test_the_chain_rule_and_products(overdraw):
    rn = blob(ColoredRenderer, overdraw=overdraw)
    rng = np.random.default_rng(5)
    by_camera = rn.dr_wrt(rn.camera)
    for name in ("v", "rt", "t", "f", "c", "k"):
        wrt = getattr(rn.camera, name)
        jacobian = rn.dr_wrt(wrt)
        np.testing.assert_allclose(jacobian.toarray(), (by_camera @ rn.camera.dr_wrt(wrt)).toarray(), atol=1e-9)
        x, y = rng.normal(size=(wrt.size, 2)), rng.normal(size=(rn.size, 2))
        np.testing.assert_allclose(rn.jvp(wrt, x), jacobian @ x, rtol=0, atol=1e-9)
        np.testing.assert_allclose(rn.vjp(wrt, y), jacobian.T @ y, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(rn.rop(wrt, x[:, 0]), rn.jvp(wrt, x[:, 0]))
        np.testing.assert_allclose(rn.lop(wrt, y.T), rn.vjp(wrt, y).T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("overdraw", [False, True])
def test_a_camera_with_depth_gives_the_same(overdraw):
    plain = blob(ColoredRenderer, overdraw=overdraw)
    deep = blob(ColoredRenderer, overdraw=overdraw, kind=ProjectPoints3D)
    np.testing.assert_array_equal(deep.r, plain.r)
    for name in ("v", "rt", "t", "f", "c", "k"):
        np.testing.assert_allclose(deep.dr_wrt(getattr(deep.camera, name)).toarray(),
                                   plain.dr_wrt(getattr(plain.camera, name)).toarray(), atol=1e-9)
    assert not deep.dr_wrt(deep.camera)[:, 2::3].nnz


def hills(resolution, squares):
    """A smooth coloured surface that fills the image, finely subdivided, under a turned camera."""
    xy, f = grid(squares)
    x, y = 1.6 * xy.T
    v = np.column_stack([x, y, 0.12 * np.sin(2 * x) * np.cos(3 * y)])
    vc = 0.5 + 0.4 * np.column_stack([np.sin(3 * x + y), np.cos(2 * y - x), np.sin(x) * np.cos(y)])
    view = camera(Ch(v), resolution, resolution, rt=[0.1, -0.15, 0.2], t=[0.05, -0.03, 1.5],
                  f=np.array([1.0, 1.1]) * resolution, k=[0.02, -0.01, 0.003, 0.002, 0.001])
    return ColoredRenderer(camera=view, f=f, frustum=frustum(resolution, resolution), vc=vc)


def test_on_a_smooth_surface_it_is_the_derivative():
    """The error falls as pixels and faces become finer: signs, axes and factors are right."""
    errors = []
    for resolution, squares in ((12, 40), (48, 200)):
        rn = hills(resolution, squares)
        assert (rn.visibility_image != 4294967295).all() and not rn.boundarybool_image.any()
        errors.append([])
        for wrt in (getattr(rn.camera, name) for name in ("rt", "t", "f", "c", "k")):
            analytic, numeric = (matrix.reshape(rn.r.shape + (-1,))[1:-1, 1:-1]
                                 for matrix in (rn.dr_wrt(wrt).toarray(), differences(rn, wrt)))
            errors[-1] += [np.linalg.norm(analytic[..., i] - numeric[..., i]) / np.linalg.norm(numeric[..., i])
                           for i in range(wrt.size)]
    coarse, fine = np.array(errors)
    assert (fine < 0.02).all() and (fine < 0.4 * coarse).all(), errors


def differences(rn, wrt):
    columns = []
    start = wrt.x.copy()
    for entry in range(wrt.size):
        values = []
        for sign in (1, -1):
            moved = start.copy()
            moved[entry] += sign * 1e-4 * max(1.0, abs(start[entry]))
            wrt.x = moved
            values.append(rn.r.ravel())
        columns.append((values[0] - values[1]) / (2e-4 * max(1.0, abs(start[entry]))))
    wrt.x = start
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("overdraw", [False, True])
def test_moving_all_vertices_is_moving_the_camera(overdraw):
    rn = blob(ColoredRenderer, overdraw=overdraw)
    rotation = rn.camera.view_mtx[:, :3]
    together = rn.dr_wrt(rn.v) @ np.tile(rotation.T, (len(rn.v), 1))
    np.testing.assert_allclose(together, rn.dr_wrt(rn.camera.t).toarray(), atol=1e-9)


def test_derivatives_do_not_look_across_boundaries():
    """A plane of one colour before a plane of another: with overdraw, only boundary pixels change."""
    v = np.array([[-0.5, -0.5, 2], [0.5, -0.5, 2], [-0.5, 0.5, 2], [0.5, 0.5, 2],
                  [-5, -5, 4], [5, -5, 4], [-5, 5, 4], [5, 5, 4]])
    f = [[0, 1, 2], [1, 3, 2], [4, 5, 6], [5, 7, 6]]
    vc = np.repeat([[1.0, 0, 0], [0, 0, 1]], 4, axis=0)
    rn = ColoredRenderer(camera=camera(Ch(v)), f=f, frustum=frustum(), vc=vc)
    moving = np.abs(rn.dr_wrt(rn.camera.t).toarray()).max(axis=1).reshape(rn.r.shape).max(axis=2) > 1e-9
    assert moving.any()
    assert not moving[rn.boundarybool_image == 0].any()


def test_pixels_of_a_silhouette_move_with_the_front_surface():
    v = np.array([[-0.5, -0.5, 2], [0.5, -0.5, 2], [-0.5, 0.5, 2], [0.5, 0.5, 2],
                  [-5, -5, 4], [5, -5, 4], [-5, 5, 4], [5, 5, 4]])
    rn = ColoredRenderer(camera=camera(Ch(v)), f=[[4, 5, 6], [5, 7, 6], [0, 1, 2], [1, 3, 2]], frustum=frustum(),
                         vc=np.repeat([[1.0, 0, 0], [0, 0, 1]], 4, axis=0))
    on_edge = rn.boundarybool_image > 0
    assert (rn.visibility_image[on_edge] >= 2).all()
    np.testing.assert_allclose(rn.r[on_edge], [[1, 0, 0]] * on_edge.sum())
    behind, before = rn.dr_wrt(rn.v)[:, 12:], rn.dr_wrt(rn.v)[:, :12]
    assert abs(behind).max() < 1e-9 and abs(before).max() > 1


def test_boundarycolor_image_is_the_edges_alone():
    rn = blob(ColoredRenderer, bgcolor=[0.1, 0.2, 0.3])
    on_edge = rn.boundarybool_image > 0
    np.testing.assert_array_equal(rn.boundarycolor_image[on_edge], rn.r[on_edge])
    assert (rn.boundarycolor_image[~on_edge] == [0.1, 0.2, 0.3]).all()


def test_scaling_the_colours_scales_the_derivative():
    rn = blob(ColoredRenderer, bgcolor=0.0)
    before = rn.dr_wrt(rn.camera.rt).toarray()
    rn.vc = 2 * rn.vc.r
    assert cosine(rn.dr_wrt(rn.camera.rt), before) == pytest.approx(1)
    np.testing.assert_allclose(rn.dr_wrt(rn.camera.rt).toarray(), 2 * before, atol=1e-12)
