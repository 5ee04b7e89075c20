"""Silhouettes against NumPy, the wireframe against all lines, pixels on lines against their definition."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.edges import draw_lines, draw_lines_at
from opendr_lite.kernels.cpu.rasterize import rasterize
from opendr_lite.kernels.cpu.silhouettes import move_onto_lines, silhouette_edges, wireframe
from opendr_lite.threads import get_num_threads, set_num_threads
from opendr_lite.topology import get_faces_per_edge, get_vertices_per_edge
from tests.reference.scene import bumpy_sphere

WIDTH, HEIGHT, FAR = 60, 50, 50.0


def mesh(num_points, closed=True, seed=3):
    """A smooth body before a camera at the origin: points, faces, ends of the edges, faces of the edges, screen."""
    v, f = bumpy_sphere(num_points, seed)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    points = v * (1 + 0.2 * np.sin(5 * v[:, :1])) + [0.2, -0.1, 3.0]
    f = (f if closed else f[:-len(f) // 4]).astype(np.int32)
    x, y, z = points.T
    screen = np.column_stack([60 * x / z + 30, 55 * y / z + 25, z])
    ends = get_vertices_per_edge(len(v), f)
    return points, f, ends, get_faces_per_edge(len(v), f, ends), screen


def slow_silhouette(points, f, faces_of_edges):
    facing = np.sign(np.linalg.det(points[f]))
    return [e for e, (first, second) in enumerate(faces_of_edges)
            if second < 0 or facing[first] * facing[second] <= 0]


@pytest.mark.parametrize("closed", [True, False])
def test_silhouette_edges(closed):
    points, f, _, faces_of_edges, _ = mesh(200, closed)
    found = silhouette_edges(points, f, faces_of_edges)
    assert 10 < len(found) < len(faces_of_edges)
    np.testing.assert_array_equal(found, slow_silhouette(points, f, faces_of_edges))


def test_the_edges_of_a_face_seen_from_its_side_are_on_a_silhouette():
    points = np.array([[0, 0, 1.0], [0, 0, 2], [0, 1, 2], [1, 0, 1]])
    f = np.array([[0, 1, 2], [0, 3, 1]], np.int32)
    assert np.linalg.det(points[f[0]]) == 0
    ends = get_vertices_per_edge(4, f)
    np.testing.assert_array_equal(silhouette_edges(points, f, get_faces_per_edge(4, f, ends)), np.arange(len(ends)))


def silhouette_pixels(points, f, ends, faces_of_edges, screen):
    """The surface, silhouette edges, which one each pixel shows, the pixels that show one."""
    surface = rasterize(screen, f, WIDTH, HEIGHT, FAR)
    silhouette = silhouette_edges(points, f, faces_of_edges)
    edge_at, _ = draw_lines(screen, ends[silhouette], surface[2], 1e-3)
    return surface, silhouette, edge_at, np.flatnonzero(edge_at.ravel() >= 0)


@pytest.mark.parametrize("num_points", [12, 300, 3000, 20000])  # edges longer than a pixel, and shorter
@pytest.mark.parametrize("shift", [0.0, 25.0])  # partly outside of the image
def test_the_wireframe_has_the_nearest_line_at_each_drawn_pixel(num_points, shift):
    points, f, ends, faces_of_edges, screen = mesh(num_points)
    screen[:, 0] += shift
    surface, silhouette, edge_at, drawn = silhouette_pixels(points, f, ends, faces_of_edges, screen)
    wire, seen = wireframe(surface[0], silhouette, edge_at, drawn, ends, faces_of_edges, screen, len(f))
    np.testing.assert_array_equal(np.flatnonzero(seen), np.unique(surface[0][surface[0] >= 0]))
    first, second = faces_of_edges.T
    allowed = seen[first] | ((second >= 0) & seen[second])
    allowed[silhouette[np.unique(edge_at.ravel()[drawn])]] = True
    assert drawn.size > 20 and allowed[wire].all()
    if num_points >= 3000:
        assert len(wire) < 0.7 * allowed.sum()
    everything = np.flatnonzero(allowed)
    line, along = draw_lines_at(drawn, screen, ends[wire], surface[2])
    all_lines, all_along = draw_lines_at(drawn, screen, ends[everything], surface[2])
    np.testing.assert_array_equal(wire[line], everything[all_lines])
    np.testing.assert_array_equal(along, all_along)


def test_pixels_move_onto_lines_and_others_stay():
    points, f, ends, faces_of_edges, screen = mesh(100, closed=False)
    surface, silhouette, edge_at, drawn = silhouette_pixels(points, f, ends, faces_of_edges, screen)
    wire, seen = wireframe(surface[0], silhouette, edge_at, drawn, ends, faces_of_edges, screen, len(f))
    line, along = draw_lines_at(drawn, screen, ends[wire], surface[2])
    line = wire[line]
    moved = move_onto_lines(drawn, line, along, ends, faces_of_edges, seen, f, screen, surface)
    for now, before in zip(moved, surface):
        changed = (now != before).reshape(HEIGHT * WIDTH, -1).any(axis=1)
        assert changed.any() and not np.delete(changed, drawn).any()
    face_id, barycentric, depth = (array.reshape(HEIGHT * WIDTH, -1) for array in moved)
    for p, e, share in zip(drawn, line, along):
        first, second = faces_of_edges[e]
        assert face_id[p] == (second if second >= 0 and seen[second] and not seen[first] else first)
        weights = np.zeros(len(points))
        np.add.at(weights, f[face_id[p, 0]], barycentric[p])
        np.testing.assert_allclose(weights[ends[e]], [1 - share, share], rtol=1e-14)
        assert weights.sum() == pytest.approx(1)
        assert depth[p, 0] == pytest.approx((1 - share) * points[ends[e, 0], 2] + share * points[ends[e, 1], 2])


def test_a_face_that_uses_an_end_twice_shares_its_weight():
    f, ends, sides = np.array([[0, 1, 1]], np.int32), np.array([[0, 1]], np.int32), np.array([[0, -1]], np.int32)
    surface = np.zeros((1, 1), np.int32), np.zeros((1, 1, 3)), np.zeros((1, 1))
    screen = np.array([[0, 0, 1.0], [1, 0, 3]])
    face_id, barycentric, depth = move_onto_lines(np.array([0]), np.array([0]), np.array([0.25]), ends, sides,
                                                  np.array([True]), f, screen, surface)
    np.testing.assert_array_equal(barycentric[0, 0], [0.75, 0.125, 0.125])
    assert face_id[0, 0] == 0 and depth[0, 0] == 1.5


def test_the_same_bits_for_any_number_of_threads():
    points, f, ends, faces_of_edges, screen = mesh(40000)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            surface, silhouette, edge_at, drawn = silhouette_pixels(points, f, ends, faces_of_edges, screen)
            wire, seen = wireframe(surface[0], silhouette, edge_at, drawn, ends, faces_of_edges, screen, len(f))
            results.append((silhouette, wire, seen))
    finally:
        set_num_threads(before)
    for one, two in zip(*results):
        np.testing.assert_array_equal(one, two)
