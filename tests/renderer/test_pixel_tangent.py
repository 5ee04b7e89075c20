"""Normal equations of objectives that an image enters, against those of the explicit Jacobian."""
import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints3D
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import make_loss
from opendr_lite.ch.tangents import FormedTangent
from opendr_lite.filters import GaussPyrDownOne, LinearFilter, filter_for, gaussian_pyramid, laplacian_pyramid
from opendr_lite.geometry import VertNormals
from opendr_lite.lighting import SphericalHarmonics
from opendr_lite.renderer import BoundaryRenderer, ColoredRenderer, DepthRenderer, SilhouetteRenderer, TexturedRenderer
from tests.renderer.scenes import HEIGHT, RENDERERS, WIDTH, scene


def lit(cls=ColoredRenderer, **terms):
    """A renderer whose colours come from a light, and what may be unknown: pose, light."""
    image = scene(cls, **terms)
    light = SphericalHarmonics(vn=VertNormals(v=image.v, f=image.f), components=ch.Ch(np.linspace(1.0, 0.1, 9)))
    image.vc = light * ch.Ch(np.random.default_rng(0).random((40, 3)))
    return image, [image.camera.t, image.camera.rt, light.components]


def assert_same_equations(fun, unknown, loss="linear", formed=False):
    """Those of `Problem`, made without the Jacobian unless `formed`, are those of the Jacobian."""
    problem = Problem(fun, unknown, make_loss(loss, 0.3))
    r = problem.residual()
    weights = problem.loss.weights(r)
    jacobian = problem.jacobian("dense").to_dense()
    assert any(tangent is not None and not isinstance(tangent, FormedTangent)
               for tangent in problem._tangents()) is not formed
    matrix, gradient = problem.normal_equations(r, weights)
    w = np.ones(len(r)) if weights is None else weights
    norms = np.linalg.norm(jacobian, axis=0)
    norms[norms == 0.0] = 1.0
    np.testing.assert_allclose(matrix / np.outer(norms, norms), (jacobian.T * w) @ jacobian / np.outer(norms, norms),
                               atol=1e-12)
    np.testing.assert_allclose(gradient / norms, (jacobian.T * w) @ r / norms, atol=1e-11)


def assert_same_sparse_equations(fun, unknown, loss="linear"):
    """Those of many unknowns, sparse, and those of few, are those of the Jacobian."""
    problem = Problem(fun, unknown, make_loss(loss, 0.3))
    r = problem.residual()
    weights = problem.loss.weights(r)
    jacobian = sum(part.dr_wrt(unknown).toarray() for part in problem.parts)
    w = np.ones(len(r)) if weights is None else weights
    expected, slope = (jacobian.T * w) @ jacobian, (jacobian.T * w) @ r
    for matrix, gradient in (problem.sparse_normal_equations(r, weights, whatever_it_costs=True),
                             problem.normal_equations(r, weights)):
        matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        np.testing.assert_allclose(matrix, expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max())
        np.testing.assert_allclose(gradient, slope, rtol=1e-11, atol=1e-12 * np.abs(slope).max())


def observed(image):
    return image.r + 0.3 * np.random.default_rng(5).normal(size=image.shape)


@pytest.mark.parametrize("loss", ["linear", "huber", "cauchy", "geman_mcclure"])
@pytest.mark.parametrize("overdraw", [True, False])
def test_pose_and_light(loss, overdraw):
    image, unknown = lit(overdraw=overdraw)
    assert_same_equations(image - observed(image), unknown, loss)


@pytest.mark.parametrize("cls", RENDERERS)
def test_pose_alone(cls):
    image = scene(cls)
    assert_same_equations(image - observed(image), [image.camera.t, image.camera.rt])


def test_camera_with_a_lens_and_depth():
    image, unknown = lit(kind=ProjectPoints3D)
    camera = image.camera
    assert_same_equations(image - observed(image), [*unknown, camera.f, camera.c, camera.k])


def test_part_of_a_variable_in_any_order():
    image, unknown = lit()
    translation, rotation, light = unknown
    assert_same_equations(image - observed(image), [rotation[2], light[[4, 1, 3]], translation[1:], rotation[:1]])


@pytest.mark.parametrize("channels", [1, 3])
def test_number_of_channels(channels):
    image, unknown = lit(num_channels=channels)
    assert_same_equations(image - observed(image), unknown)


def test_texture_and_light():
    image, unknown = lit(TexturedRenderer)
    assert_same_equations(image - observed(image), unknown)


def test_texels_background_and_face_colours_are_formed():
    image, unknown = lit(TexturedRenderer, fc=ch.Ch(np.random.default_rng(1).random((len(lit()[0].f), 3))))
    image.texture_image = ch.Ch(np.random.default_rng(2).random((2, 3, 3)))
    assert_same_equations(image - observed(image), [*unknown, image.texture_image])
    image.bgcolor = ch.Ch([0.1, 0.2, 0.3])
    assert_same_equations(image - observed(image), [*unknown, image.bgcolor])
    assert_same_equations(image - observed(image), [image.fc[:2], *unknown])


def test_weights_masks_and_signs():
    image, unknown = lit()
    rng = np.random.default_rng(0)
    weight, mask = rng.random(image.shape), rng.random((HEIGHT, WIDTH)) < 0.5
    target = observed(image)
    assert_same_equations((target - image) * weight, unknown)
    assert_same_equations((image - target)[mask], unknown, "cauchy")
    assert_same_equations(2.0 * (image - target)[5:20, ::2, 1], unknown, "cauchy")
    assert_same_equations(((image - target) * weight).ravel()[rng.integers(0, image.size, 500)], unknown, "cauchy")
    assert_same_equations((image - target).transpose(2, 0, 1), unknown)


def test_difference_of_two_images_is_formed():
    image, unknown = lit()
    other, more = lit(overdraw=False)
    assert_same_equations(image - other, [*unknown, *more], formed=True)


def test_function_of_an_image_is_formed():
    image, unknown = lit()
    assert_same_equations(ch.sum(image - observed(image), axis=2), unknown, formed=True)


@pytest.mark.parametrize("loss", ["linear", "geman_mcclure"])
@pytest.mark.parametrize("normalization", ["SSE", "size", None])
def test_gaussian_pyramid(loss, normalization):
    image, unknown = lit()
    difference = image - observed(image)
    assert_same_equations(gaussian_pyramid(difference, normalization=normalization, n_levels=3), unknown, loss)


def test_pyramid_of_a_weighted_image_beside_the_image_itself():
    image, unknown = lit(TexturedRenderer)
    difference = image - observed(image)
    weight = np.random.default_rng(0).random(image.shape)
    parts = {"pyramid": gaussian_pyramid(difference * weight, n_levels=3), "image": difference,
             "light": 0.1 * unknown[2]}
    assert_same_equations(parts, unknown, "cauchy")


def test_levels_as_a_list():
    image, unknown = lit()
    levels = gaussian_pyramid(image - observed(image), n_levels=3, as_list=True)
    assert_same_equations(levels, unknown)
    assert_same_equations(levels[1:], unknown, formed=True)


def test_laplacian_pyramid_is_formed():
    image, unknown = lit()
    assert_same_equations(laplacian_pyramid(image - observed(image), n_levels=3), unknown, formed=True)


@pytest.mark.parametrize("make", [
    lambda image: GaussPyrDownOne(image),
    lambda image: LinearFilter(image, filter_for(*image.shape, np.ones((3, 5)) + np.eye(3, 5)), image.shape)])
def test_one_filter(make):
    image, unknown = lit()
    assert_same_equations(make(image - observed(image)), unknown, formed=True)


def test_mesh_that_the_near_plane_cuts():
    image, unknown = lit()
    image.frustum = {**image.frustum, "near": 3.0}
    assert image.cut_pixels is not None
    assert_same_equations(image - observed(image), unknown)


@pytest.mark.parametrize("cls", [DepthRenderer, SilhouetteRenderer])
def test_pyramid_of_other_images(cls):
    image = scene(cls)
    pyramid = gaussian_pyramid(image - observed(image), n_levels=2)
    assert_same_equations(pyramid, [image.camera.t, image.camera.rt])


def test_mesh_off_the_screen():
    image, unknown = lit()
    target = observed(image)
    unknown[0][0] = 100.0
    problem = Problem(gaussian_pyramid(image - target, n_levels=2), unknown, make_loss("linear", 1.0))
    matrix, gradient = problem.normal_equations(problem.residual(), None)
    assert not matrix.any() and not gradient.any()


# ---------------------------------------------------------------------- many unknowns


@pytest.mark.parametrize("loss", ["linear", "cauchy"])
@pytest.mark.parametrize("overdraw", [True, False])
@pytest.mark.parametrize("cls", RENDERERS)
def test_vertices(cls, overdraw, loss):
    image = scene(cls, overdraw=overdraw)
    assert_same_sparse_equations(image - observed(image), image.v, loss)


def test_vertices_behind_a_depth_image():
    image = scene(DepthRenderer, background_image=np.full((HEIGHT, WIDTH), 3.5))
    hidden = (image.r == 3.5)[image.pixels.face_id >= 0]
    assert hidden.any() and not hidden.all()
    assert_same_sparse_equations(image - observed(image), image.v)


@pytest.mark.parametrize("cls", [ColoredRenderer, BoundaryRenderer, DepthRenderer])
def test_vertices_of_a_mesh_that_the_near_plane_cuts(cls):
    image = scene(cls)
    image.frustum = {**image.frustum, "near": 3.0}
    assert image.cut_pixels is not None
    assert_same_sparse_equations(image - observed(image), image.v)


@pytest.mark.parametrize("make", [
    lambda image: GaussPyrDownOne(image),
    lambda image: LinearFilter(image, filter_for(*image.shape, np.ones((3, 5)) + np.eye(3, 5)), image.shape),
    lambda image: gaussian_pyramid(image, n_levels=2, as_list=True)[1],
    lambda image: gaussian_pyramid(image, n_levels=2),
    lambda image: laplacian_pyramid(image, n_levels=2),
    lambda image: laplacian_pyramid(image, n_levels=2, as_list=True)[0]])
def test_vertices_and_filters(make):
    image = scene(ColoredRenderer)
    assert_same_sparse_equations(make(image - observed(image)), image.v)


@pytest.mark.parametrize("make", [lambda image, v: image * (1.0 + 0.1 * ch.sum(v)), lambda image, v: ch.sum(v) + image,
                                  lambda image, v: image + ch.sum(v), lambda image, v: image + image * image])
def test_vertices_that_do_more_than_move_an_image(make):
    image = scene(ColoredRenderer)
    assert_same_sparse_equations(make(image - observed(image), image.v), image.v)


# ---------------------------------------------------------------------- odd shapes, and nothing


def test_pyramid_of_an_image_whose_channels_count_as_columns():
    image, unknown = lit()
    pyramid = gaussian_pyramid(image - observed(image), imshape=(HEIGHT, 3 * WIDTH), n_levels=1)
    assert_same_equations(pyramid, unknown)
    assert_same_equations(pyramid, unknown[2])


@pytest.mark.parametrize("solver", [None, "dense", "splu", "pcg", "lsmr"])
def test_what_has_no_derivative_stays(solver):
    image = scene(TexturedRenderer, texture_filter="nearest", vt=ch.Ch(np.random.default_rng(0).random((40, 2))))
    before = image.vt.r
    with pytest.warns(RuntimeWarning, match="does not determine"):
        result = ch.minimize(image - observed(image), image.vt, linear_solver=solver)
    assert result.success and np.array_equal(image.vt.r, before)


def test_a_filter_that_cancels_at_the_borders():
    column = ch.Ch(np.random.default_rng(0).random((5, 1, 1)))
    assert not LinearFilter(column, filter_for(5, 1, 1, [[-1.0, 0.0, 1.0]]), column.shape).r.any()


def test_images_do_not_count_as_residuals_to_form(monkeypatch):
    image, unknown = lit()
    difference = image - observed(image)
    monkeypatch.setattr("opendr_lite.ch.problem.DENSE_ENTRIES", 100)
    for fun, rows in ((difference, 0), (gaussian_pyramid(difference, n_levels=2), 0),
                      ([difference, unknown[2]], 9), (ch.sum(difference, axis=2), HEIGHT * WIDTH)):
        assert Problem(fun, unknown, make_loss("linear", 1.0))._residuals_to_form() == rows
