"""The rasterizer against its slow twin, and what it promises about edges, ties and strange numbers."""
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from threading import Barrier, get_ident

import numpy as np
import pytest

from opendr_lite.kernels.cpu import rasterize as rasterizer
from opendr_lite.kernels.cpu.rasterize import rasterize
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.rasterize import rasterize as slow_rasterize

FAR = 100.0


@pytest.fixture
def num_threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def random_mesh(rng, num_faces, width, height, size):
    """Separate triangles of about the given size, some of them partly or wholly outside the image."""
    centres = rng.uniform(-0.2, 1.2, (num_faces, 1, 2)) * (width, height)
    corners = centres + rng.normal(0, size, (num_faces, 3, 2))
    z = rng.uniform(1, 20, (num_faces, 3, 1))
    screen = np.concatenate([corners, z], axis=2).reshape(-1, 3)
    return screen, np.arange(3 * num_faces, dtype=np.int32).reshape(-1, 3)


def flat(points, z=2.0):
    """Points of the image at a constant depth."""
    points = np.asarray(points, float)
    return np.column_stack([points, np.full(len(points), z)])


def faces(*rows):
    return np.array(rows, np.int32).reshape(-1, 3)


def coverage(screen, f, width, height):
    """How many of the faces, drawn one by one, cover each pixel."""
    return sum((rasterize(screen, f[t:t + 1], width, height, FAR)[0] == 0).astype(int) for t in range(len(f)))


def sliver_mesh(rng, num_faces, width, height):
    """Triangles as long as the image and about a pixel thin, in all directions."""
    centres, along = rng.uniform(0, (width, height), (num_faces, 2)), rng.normal(0, 1, (num_faces, 2))
    along *= width / np.linalg.norm(along, axis=1, keepdims=True)
    corners = np.stack([centres - along, centres + along, centres + rng.normal(0, 1, (num_faces, 2))], axis=1)
    z = rng.uniform(1, 9, (num_faces, 3, 1))
    screen = np.concatenate([corners, z], axis=2).reshape(-1, 3)
    return screen, np.arange(3 * num_faces, dtype=np.int32).reshape(-1, 3)


@pytest.mark.parametrize("seed, num_faces, width, height, size", [
    (0, 300, 80, 60, 6), (1, 40, 80, 60, 60), (2, 2000, 130, 70, 1), (3, 5, 65, 129, 500), (4, 30, 1, 1, 2),
    (5, 30, 200, 1, 20), (6, 30, 1, 200, 20), (7, 9000, 64, 64, 0.7),
    (8, 300, 150, 9, 60), (9, 12, 300, 40, 90), (10, 1500, 40, 40, 2),
])
def test_equals_the_slow_twin(seed, num_faces, width, height, size):
    screen, f = random_mesh(np.random.default_rng(seed), num_faces, width, height, size)
    face_id, barycentric, depth = rasterize(screen, f, width, height, 12.0)
    slow_id, slow_barycentric, slow_depth = slow_rasterize(screen, f, width, height, 12.0)
    assert (slow_id >= 0).any()
    np.testing.assert_array_equal(face_id, slow_id)
    np.testing.assert_allclose(barycentric, slow_barycentric, rtol=0, atol=1e-9)
    np.testing.assert_allclose(depth, slow_depth, rtol=1e-9)


@pytest.mark.parametrize("num_faces", [5, 200])
def test_slivers_equal_the_slow_twin(num_faces):
    screen, f = sliver_mesh(np.random.default_rng(0), num_faces, 150, 90)
    face_id, _, depth = rasterize(screen, f, 150, 90, FAR)
    slow_id, _, slow_depth = slow_rasterize(screen, f, 150, 90, FAR)
    assert (slow_id >= 0).sum() > 50 * num_faces ** 0.5
    np.testing.assert_array_equal(face_id, slow_id)
    np.testing.assert_allclose(depth, slow_depth, rtol=1e-7)


def test_arrays_that_come_back():
    face_id, barycentric, depth = rasterize(flat([[0, 0], [4, 0], [0, 4]]), faces([0, 1, 2]), 7, 5, FAR)
    assert [(x.shape, x.dtype) for x in (face_id, barycentric, depth)] == [
        ((5, 7), np.int32), ((5, 7, 3), np.float64), ((5, 7), np.float64)]
    empty = face_id < 0
    assert empty.any() and not empty.all()
    assert (barycentric[empty] == 0).all() and (depth[empty] == FAR).all()


def test_barycentric_coordinates_are_perspective_correct():
    rng = np.random.default_rng(0)
    screen, f = random_mesh(rng, 50, 90, 70, 30)
    focal, centre = 100.0, (45.0, 35.0)
    in_space = np.column_stack([(screen[:, :2] - centre) / focal * screen[:, 2:], screen[:, 2]])
    face_id, barycentric, depth = rasterize(screen, f, 90, 70, FAR)
    seen = face_id >= 0
    np.testing.assert_allclose(barycentric[seen].sum(axis=1), 1, rtol=1e-14)
    assert barycentric.min() >= 0 and barycentric.max() <= 1
    points = np.einsum("nk,nkd->nd", barycentric[seen], in_space[f[face_id[seen]]])
    j, i = np.nonzero(seen)
    np.testing.assert_allclose(points[:, 2], depth[seen], rtol=1e-12)
    pixels = points[:, :2] / points[:, 2:] * focal + centre
    np.testing.assert_allclose(pixels, np.column_stack([i, j]), atol=1e-9)


def test_winding_and_corner_order_change_nothing_but_the_order_of_the_weights():
    rng = np.random.default_rng(1)
    screen, f = random_mesh(rng, 60, 64, 48, 15)
    screen[:, :2] = np.round(screen[:, :2] * 2) / 2  # many centres on edges
    face_id, barycentric, depth = rasterize(screen, f, 64, 48, FAR)
    for order in permutations(range(3)):
        other_id, other_barycentric, other_depth = rasterize(
            screen, np.ascontiguousarray(f[:, order]), 64, 48, FAR)
        np.testing.assert_array_equal(other_id, face_id)
        np.testing.assert_allclose(other_barycentric, barycentric[..., order], rtol=0, atol=1e-14)
        np.testing.assert_allclose(other_depth, depth, rtol=1e-14)


def test_top_left_rule():
    square = flat([[1, 1], [4, 1], [4, 4], [1, 4]])
    face_id = rasterize(square, faces([0, 1, 2], [0, 2, 3]), 6, 6, FAR)[0]
    expected = np.full((6, 6), -1)
    expected[1:4, 1:4] = [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    np.testing.assert_array_equal(face_id, expected)


@pytest.mark.parametrize("step", [1, 0.5, 0.1])
def test_a_quad_cut_in_two_covers_each_pixel_as_often_as_its_outline_says(step):
    """With coordinates on a grid the pixel centres hit corners, edges and the diagonal all the time."""
    rng = np.random.default_rng(2)
    quads = 0
    while quads < 200:
        corners = np.round(rng.uniform(-2, 14, (4, 2)) / step) * step
        screen = flat(corners)
        turns = [np.sign(np.linalg.det(corners[[(k + 1) % 4, (k + 2) % 4]] - corners[k])) for k in range(4)]
        if abs(sum(turns)) < 4:
            continue  # only convex quads: both diagonals split them
        quads += 1
        one = coverage(screen, faces([0, 1, 2], [2, 0, 3]), 12, 12)
        other = coverage(screen, faces([1, 3, 0], [1, 2, 3]), 12, 12)
        assert one.max() <= 1
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("centre", [(20, 15), (20.5, 15), (20.25, 15.1)])
@pytest.mark.parametrize("seed", range(15))
def test_a_fan_covers_each_pixel_exactly_once(centre, seed):
    """Also the centre, where every edge function is zero, however crooked the other ends are."""
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 12)
    angles = (np.arange(n) + rng.uniform(-0.4, 0.4, n)) * 2 * np.pi / n
    screen = flat(np.vstack([centre, centre + 200 * np.column_stack([np.cos(angles), np.sin(angles)])]))
    around = np.arange(n)
    f = np.column_stack([np.zeros(n), around + 1, (around + 1) % n + 1]).astype(np.int32)
    np.testing.assert_array_equal(coverage(screen, f, 40, 30), 1)


def test_vertices_that_are_not_shared_leave_no_gap():
    rng = np.random.default_rng(3)
    screen = flat(rng.uniform(-5, 25, (4, 2)))
    shared = faces([0, 1, 2], [1, 0, 3])
    apart = np.ascontiguousarray(screen[shared.ravel()])
    for f in (faces([0, 1, 2], [3, 4, 5]), faces([2, 0, 1], [4, 3, 5])):
        np.testing.assert_array_equal(coverage(apart, f, 20, 20), coverage(screen, shared, 20, 20))


def test_equal_depth_goes_to_the_lower_index():
    rng = np.random.default_rng(4)
    screen = np.concatenate([flat(rng.uniform(0, 40, (30, 2)), 3.0), random_mesh(rng, 10, 40, 40, 20)[0]])
    f = np.concatenate([np.arange(30).reshape(-1, 3), 30 + np.arange(30).reshape(-1, 3)]).astype(np.int32)
    layers = np.concatenate([f, f[::-1, [1, 2, 0]], f[:, [0, 2, 1]]])
    face_id = rasterize(screen, np.ascontiguousarray(layers), 40, 40, FAR)[0]
    assert face_id.max() < len(f)
    covers = np.stack([rasterize(screen, f[t:t + 1], 40, 40, FAR)[0] == 0 for t in range(10)])
    flat_only = rasterize(screen, f[:10], 40, 40, FAR)[0]
    np.testing.assert_array_equal(flat_only, np.where(covers.any(axis=0), covers.argmax(axis=0), -1))


@pytest.mark.parametrize("n", [1, 3])
def test_equal_depth_goes_to_the_lower_index_among_many(num_threads, n):
    num_threads(n)
    f = np.tile(faces([0, 1, 2]), (20000, 1))
    f[:7000] = 0  # no area
    face_id = rasterize(flat([[-9, -9], [300, -9], [-9, 300]]), f, 70, 70, FAR)[0]
    assert (face_id == 7000).all()


@pytest.mark.parametrize("n", [1, 3])
def test_equal_depth_goes_to_the_lower_index_whatever_the_size_and_the_thread(num_threads, monkeypatch, n):
    """Small faces take another way through the depth test than large ones, and each thread has its layer."""
    num_threads(n)
    every_thread, met, draw_faces = Barrier(n), set(), rasterizer._draw_faces

    def draw_faces_once_all_are_there(*args):
        if get_ident() not in met:
            met.add(get_ident())
            every_thread.wait(timeout=60)
        draw_faces(*args)

    monkeypatch.setattr(rasterizer, "LAYER", 0)
    monkeypatch.setattr(rasterizer, "_draw_faces", draw_faces_once_all_are_there)
    rng = np.random.default_rng(7)
    sizes = rng.choice([0.5, 1.0, 4.0, 40.0], (3000, 1, 1), p=[0.5, 0.3, 0.19, 0.01])
    corners = rng.uniform(0, 60, (3000, 1, 2)) + sizes * rng.normal(0, 1, (3000, 3, 2))
    screen = flat(corners.reshape(-1, 2))
    f = np.arange(9000, dtype=np.int32).reshape(-1, 3)
    face_id = rasterize(screen, f, 60, 60, FAR)[0]
    assert len(np.unique(face_id)) > 100
    screen[:, 2] = np.repeat(1 + np.arange(3000) / 1000, 3)
    np.testing.assert_array_equal(face_id, slow_rasterize(screen, f, 60, 60, FAR)[0])


def test_far():
    f = faces([0, 1, 2])
    triangle = [[0, 0], [9, 0], [0, 9]]
    for z, drawn in [(FAR, True), (np.nextafter(FAR, 200), False), (np.nextafter(FAR, 0), True)]:
        assert (rasterize(flat(triangle, z), f, 5, 5, FAR)[0] == 0).any() == drawn
    assert (rasterize(flat(triangle, 1e12), f, 5, 5, np.inf)[0][:4, :4] == 0).all()
    screen = np.array([[0, 0, 1.0], [40, 0, 1.0], [0, 40, 9.0]])
    face_id, _, depth = rasterize(screen, f, 40, 40, 2.0)
    slow_id = slow_rasterize(screen, f, 40, 40, 2.0)[0]
    np.testing.assert_array_equal(face_id, slow_id)
    assert depth.max() == 2.0 and (slow_id[0, :5] == 0).all()


@pytest.mark.parametrize("num_vertices", [0, 3])
def test_no_faces(num_vertices):
    face_id, barycentric, depth = rasterize(np.ones((num_vertices, 3)), faces(), 70, 3, FAR)
    assert (face_id == -1).all() and (barycentric == 0).all() and (depth == FAR).all()


@pytest.mark.parametrize("points", [
    [[1, 1], [1, 1], [1, 1]], [[0, 0], [2, 2], [5, 5]], [[0, 2], [9, 2], [4, 2]], [[3, 0], [3, 9], [3, 3]],
    [[1, 1], [1, 1], [8, 3]],
])
def test_a_face_of_no_area_draws_nothing(points):
    for order in permutations(range(3)):
        assert (rasterize(flat(points), faces(order), 10, 10, FAR)[0] == -1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200, -1e308])
@pytest.mark.parametrize("entry", [(0, 0), (1, 1), (2, 0), (2, 1)])
def test_coordinates_that_are_no_points_hide_only_their_own_face(bad, entry):
    screen = np.concatenate([flat([[0, 0], [30, 0], [0, 30]]), flat([[5, 5], [30, 5], [5, 30]], 4.0)])
    alone = rasterize(screen, faces([3, 4, 5]), 20, 20, FAR)[0]
    screen[entry] = bad
    both, barycentric, depth = rasterize(screen, faces([3, 4, 5], [0, 1, 2]), 20, 20, FAR)
    assert np.isfinite(barycentric).all() and np.isfinite(depth).all()
    np.testing.assert_array_equal(both, alone)


@pytest.mark.parametrize("z", [0.0, -1.0, np.nan])
def test_a_corner_without_positive_depth_hides_its_face(z):
    screen = flat([[0, 0], [30, 0], [0, 30]])
    screen[1, 2] = z
    assert (rasterize(screen, faces([0, 1, 2]), 20, 20, FAR)[0] == -1).all()


@pytest.mark.parametrize("size", [1e6, 1e12, 1e30, 1e100])
def test_huge_faces_cover_the_image_without_gaps(size):
    screen = flat([[-size, -size], [size, -size], [size, size], [-size, size]])
    assert (coverage(screen, faces([0, 1, 2], [0, 2, 3]), 100, 70) == 1).all()
    _, barycentric, depth = rasterize(screen, faces([0, 1, 2], [0, 2, 3]), 100, 70, FAR)
    np.testing.assert_allclose(depth, 2.0, rtol=1e-12)
    np.testing.assert_allclose(barycentric.sum(axis=2), 1.0, rtol=1e-12)


@pytest.mark.parametrize("size", [1e-100, 1e-150, 1e-154, 1e-160, 1e-200])
def test_a_face_of_nearly_no_area_around_a_pixel_has_weights(size):
    screen = np.column_stack([size * np.array([[-1.0, -1.0], [2.0, 0.0], [0.0, 3.0]]), [1.0, 2.0, 3.0]])
    face_id, barycentric, depth = rasterize(screen, faces([0, 1, 2]), 3, 3, FAR)
    np.testing.assert_allclose(barycentric[face_id >= 0].sum(axis=1), 1.0, rtol=1e-12)
    assert (depth >= 1.0).all() and ((depth <= 3.0) | (face_id < 0)).all()


def test_slivers_stay_between_the_depths_of_their_corners():
    """On a line through pixel centres, up to rounding: slopes of 1/z of 1e15 cancel there, or fail to."""
    rng = np.random.default_rng(5)
    n = 20000
    a, direction = rng.integers(10, 30, (n, 2)), rng.integers(-4, 5, (n, 2))
    b, c = (a + rng.uniform(1, 9, (n, 1)) * direction for _ in range(2))
    depths = rng.uniform(1, 9, (n, 3, 1))
    screen = np.concatenate([np.stack([a, b, c], axis=1), depths], axis=2).reshape(-1, 3)
    f = np.arange(3 * n, dtype=np.int32).reshape(-1, 3)
    face_id, barycentric, depth = rasterize(screen, f, 64, 64, FAR)
    seen = face_id >= 0
    assert seen.sum() > 1000
    z = screen[f[face_id[seen]], 2]
    assert (depth[seen] >= z.min(axis=1) - 1e-12).all() and (depth[seen] <= z.max(axis=1) + 1e-12).all()
    np.testing.assert_allclose(barycentric[seen].sum(axis=1), 1.0, rtol=1e-12)

    with_wall = np.concatenate([screen, flat([[-500, -500], [500, -500], [0, 900]], 0.99)])
    face_id = rasterize(with_wall, np.concatenate([f, faces([3 * n, 3 * n + 1, 3 * n + 2])]), 64, 64, FAR)[0]
    assert (face_id == n).all(), "no sliver shows through a wall in front of it"


@pytest.mark.parametrize("num_faces, width, height, size", [
    (30000, 300, 200, 4), (20000, 60, 50, 0.5), (20, 700, 500, 300),
])
def test_same_bits_for_any_number_of_threads_and_callers(num_threads, monkeypatch, num_faces, width, height, size):
    monkeypatch.setattr(rasterizer, "LAYER", 0)
    screen, f = random_mesh(np.random.default_rng(6), num_faces, width, height, size)
    num_threads(1)
    expected = rasterize(screen, f, width, height, FAR)
    for n in (1, 2, 3, 7):
        num_threads(n)
        for got, want in zip(rasterize(screen, f, width, height, FAR), expected):
            np.testing.assert_array_equal(got, want)
    with ThreadPoolExecutor(4) as callers:
        results = list(callers.map(lambda _: rasterize(screen, f, width, height, FAR), range(8)))
    for result in results:
        for got, want in zip(result, expected):
            np.testing.assert_array_equal(got, want)


def test_a_large_image():
    screen = flat([[-1, -1], [4096, -1], [4096, 4096], [-1, 4096]])
    face_id = rasterize(screen, faces([0, 1, 2], [0, 2, 3]), 4096, 4096, FAR)[0]
    column, row = np.meshgrid(np.arange(4096), np.arange(4096))
    np.testing.assert_array_equal(face_id, np.where(column >= row, 0, 1))
