"""Gradients along the surface, and what motion makes of them, against differences."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.surface_gradient import gain_of_motion, surface_gradient
from opendr_lite.threads import get_num_threads, set_num_threads


def random_points(count=50, channels=2, seed=0):
    """Points on random faces: (face_id, barycentric, depth), screen, f, corners, values, position."""
    rng = np.random.default_rng(seed)
    screen = np.column_stack([rng.uniform(0, 30, (20, 2)), rng.uniform(1, 4, 20)])
    f = np.stack([rng.permutation(20)[:3] for _ in range(12)]).astype(np.int32)
    corners = np.stack([rng.permutation(25)[:3] for _ in range(12)]).astype(np.int32)
    face_id = np.sort(rng.integers(0, 12, count)).astype(np.int32)
    barycentric = rng.dirichlet([1, 1, 1], count)
    y = np.einsum("pk,pkc->pc", barycentric, at_depth(screen)[f[face_id]])
    values = rng.standard_normal((25, channels))
    return (face_id, barycentric, y[:, 2]), screen, f, corners, values, y[:, :2] / y[:, 2:]


def at_depth(screen):
    """Y = z (u, v, 1)."""
    return np.column_stack([screen[:, :2] * screen[:, 2:], screen[:, 2]])


def value_at(position, y, values):
    """What the face with corners at Y shows at a point of the screen."""
    weights = np.linalg.solve(y.T, [*position, 1.0])
    return weights @ values / weights.sum()


def test_the_gradient_is_that_of_differences():
    pixels, screen, f, corners, values, position = random_points()
    gradient = surface_gradient(pixels, screen, f, corners, values)
    y, step = at_depth(screen), 1e-5
    for p, t in enumerate(pixels[0]):
        for axis in (0, 1):
            ahead, behind = (value_at(position[p] + sign * step * np.eye(2)[axis], y[f[t]], values[corners[t]])
                             for sign in (1, -1))
            np.testing.assert_allclose(gradient[p, :, axis], (ahead - behind) / (2 * step),
                                       atol=1e-7 * (1 + np.abs(gradient[p]).max()))


def test_the_gain_is_the_change_by_a_motion_of_the_surface():
    pixels, screen, f, corners, values, position = random_points()
    face_id, barycentric, depth = pixels
    gain = gain_of_motion(surface_gradient(pixels, screen, f, corners, values), position, depth)
    rng, y = np.random.default_rng(1), at_depth(screen)
    of_y, step = rng.standard_normal(y.shape), 1e-6
    for p, t in enumerate(face_id):
        ahead, behind = (value_at(position[p], (y + sign * step * of_y)[f[t]], values[corners[t]]) for sign in (1, -1))
        numeric = (ahead - behind) / (2 * step)
        analytic = gain[p] @ (barycentric[p] @ of_y[f[t]])
        np.testing.assert_allclose(analytic, numeric, atol=1e-6 * (1 + np.abs(numeric).max()))


def test_motion_along_the_ray_changes_nothing():
    pixels, screen, f, corners, values, position = random_points()
    gain = gain_of_motion(surface_gradient(pixels, screen, f, corners, values), position, pixels[2])
    along = np.column_stack([position, np.ones(len(position))])
    np.testing.assert_allclose(np.einsum("pcd,pd->pc", gain, along), 0, atol=1e-12 * np.abs(gain).max())


def test_pixels_of_an_image_are_points_at_their_centres():
    rng, width = np.random.default_rng(0), 7
    gradient, depth = rng.standard_normal((35, 3, 2)), rng.uniform(1, 2, 35)
    p = np.arange(35)
    centres = np.column_stack([p % width, p // width]).astype(float)
    np.testing.assert_array_equal(gain_of_motion(gradient, width, depth), gain_of_motion(gradient, centres, depth))


def test_where_no_face_is_seen_there_is_no_gradient():
    (face_id, barycentric, depth), *mesh, _ = random_points()
    empty = np.arange(len(face_id)) % 3 == 0
    gradient = surface_gradient((np.where(empty, np.int32(-1), face_id), barycentric, depth), *mesh)
    assert not gradient[empty].any()
    np.testing.assert_array_equal(gradient[~empty], surface_gradient((face_id, barycentric, depth), *mesh)[~empty])


@pytest.mark.parametrize("shape", [(50,), (1, 50), (5, 10)])
def test_points_may_be_an_image(shape):
    (face_id, barycentric, depth), *mesh, _ = random_points()
    pixels = face_id.reshape(shape), barycentric.reshape(*shape, 3), depth.reshape(shape)
    np.testing.assert_array_equal(surface_gradient(pixels, *mesh),
                                  surface_gradient((face_id, barycentric, depth), *mesh))


def test_the_same_bits_for_any_number_of_threads():
    pixels, *mesh, position = random_points(60000)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            gradient = surface_gradient(pixels, *mesh)
            results.append((gradient, gain_of_motion(gradient, position, pixels[2])))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        for one, other in zip(results[0], result):
            np.testing.assert_array_equal(one, other)
