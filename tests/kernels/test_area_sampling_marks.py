"""Marked pixels: those in which something visible happens, no more, and of what they show no less than a twin sees."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.area_sampling.marks import mark_pixels
from opendr_lite.kernels.cpu.area_sampling.planes import planes_of_faces
from opendr_lite.kernels.cpu.rasterize import rasterize
from opendr_lite.renderer.area_sampling import Mesh
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.area_sampling import touched, visible_parts
from tests.reference.scene import bumpy_sphere

WIDTH, HEIGHT, FAR = 24, 20, 50.0


def marks(screen, f, kinked=(), hidden_side=0, width=WIDTH, height=HEIGHT):
    """The mask, for edges of `Mesh`; kinked are indices of some."""
    edges = Mesh(f).edges
    of_edges = np.zeros(len(edges), bool)
    of_edges[list(kinked)] = True
    face_id, _, depth = rasterize(screen, f, width, height, FAR)
    return mark_pixels(screen, f, edges, of_edges, planes_of_faces(screen, f), hidden_side, FAR, face_id, depth)


def body(num_points=20, seed=3, shift=(0.0, 0.0)):
    v, f = bumpy_sphere(num_points, seed)
    x, y, z = (v + [*shift, 3.0]).T
    return np.column_stack([26 * x / z + 11.5, 25 * y / z + 9.5, z]), f.astype(np.int32)


TRIANGLES = [[[3.2, 2.1], [19.7, 6.4], [8.3, 16.9]], [[-7.0, 3.3], [30.1, 5.2], [12.2, 40.0]],
             [[5.1, 5.2], [5.3, 5.4], [5.2, 5.6]], [[2.5, 3.5], [12.5, 3.5], [2.5, 9.5]], [[2, 3], [12, 3], [2, 9]],
             [[4.3, 4.2], [14.3, 4.2000001], [9.3, 4.2]]]


@pytest.mark.parametrize("uv", TRIANGLES)
@pytest.mark.parametrize("winding", [[0, 1, 2], [2, 1, 0]])
def test_an_outline_marks_the_pixels_that_it_touches(uv, winding):
    screen = np.column_stack([np.array(uv, float), [1.0, 2.0, 3.0]])
    mask = marks(screen, np.array([winding], np.int32)).astype(bool)
    segments = list(zip(screen[:, :2], np.roll(screen[:, :2], -1, axis=0)))
    inner, outer = (np.any([touched(*segment, WIDTH, HEIGHT, margin) for segment in segments], axis=0)
                    for margin in (-1e-8, 1e-8))
    assert mask[inner].all() and not mask[~outer].any()


@pytest.mark.parametrize("depth", [0.5, 2.0])
def test_an_edge_behind_a_surface_marks_nothing(depth):
    wall = [[-50, -50, 1.0], [80, -50, 1], [10, 90, 1]]
    screen = np.array(wall + [[5.2, 4.1, depth], [15.3, 6.2, depth], [8.1, 14.3, depth]])
    mask = marks(screen, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    np.testing.assert_array_equal(mask, marks(screen, np.array([[3, 4, 5]], np.int32)) if depth < 1 else 0)


def test_an_edge_that_a_surface_hides_in_part_is_marked_where_it_is_seen():
    wall = [[-50, -50, 1.0], [10.2, -50, 1], [10.2, 90, 1]]
    screen = np.array(wall + [[2, 4, 2.0], [22, 5, 2], [12, 15, 2]])
    mask = marks(screen, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    alone = marks(screen, np.array([[3, 4, 5]], np.int32))
    np.testing.assert_array_equal(mask[:, 12:], alone[:, 12:])
    assert not mask[:, :9].any() and mask[:, 10].all() and alone[:, :9].any()


def test_edges_between_faces_in_view_are_marked_where_the_colours_have_a_kink():
    screen = np.array([[-30, -30, 1.0], [60, -30, 1], [60, 60, 1], [-30, 60.5, 1]])
    f = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    inner = np.flatnonzero(Mesh(f).edges[:, 3] >= 0)
    assert len(inner) == 1 and not marks(screen, f).any()
    mask = marks(screen, f, inner)
    np.testing.assert_array_equal(mask, touched(screen[0], screen[2], WIDTH, HEIGHT, 1e-9))
    assert not marks(screen, f, inner, hidden_side=planes_of_faces(screen, f).side[0]).any()


@pytest.mark.parametrize("line", [10.3, 10.5, 10.9])
def test_two_surfaces_that_cross_are_marked_along_their_line(line):
    """1/z is 1 for one, 1 + 0.01 (u - line) for the other."""
    uv = np.array([[-20.0, -30], [60, -30], [10, 80]])
    w = np.concatenate([np.ones(3), 1 + 0.01 * (uv[:, 0] - line)])
    screen = np.column_stack([np.tile(uv, (2, 1)), 1 / w])
    mask = marks(screen, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    on_line = np.abs(np.arange(WIDTH) - line) <= 0.5
    assert mask[:, on_line].all()
    assert not mask[:, np.abs(np.arange(WIDTH) - line) > 1].any()


def test_faces_that_meet_in_a_valley_do_not_cross():
    screen = np.array([[12.3, -30, 2.0], [12.3, 60, 2.0], [-40, 10, 1.0], [60, 10, 1.0]])
    assert not marks(screen, np.array([[0, 1, 2], [1, 0, 3]], np.int32)).any()


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.9, -0.7)])
@pytest.mark.parametrize("closed", [True, False])
def test_a_pixel_that_is_not_marked_is_covered_or_empty(shift, closed):
    """All over its square, by a twin; and faces seen in it share a vertex, and their side."""
    screen, f = body(shift=shift)
    f = f if closed else f[::2]
    mask = marks(screen, f)
    face_id, side = rasterize(screen, f, WIDTH, HEIGHT, FAR)[0], planes_of_faces(screen, f).side
    low, high = screen[f, :2].min(axis=1), screen[f, :2].max(axis=1)
    assert 0.05 < mask.mean() < 0.7
    for row, column in np.argwhere(mask == 0):
        near = np.flatnonzero((low <= [column + 0.5, row + 0.5]).all(axis=1)
                              & (high >= [column - 0.5, row - 0.5]).all(axis=1))
        area = visible_parts(screen, f[near], column, row)[:, 0] if len(near) else np.zeros(0)
        assert area.sum() == pytest.approx(float(face_id[row, column] >= 0), abs=1e-9)
        seen = near[area > 1e-9]
        if len(seen) > 1:
            assert len(set(side[seen])) == 1
            assert all(set(f[t]) & set(f[seen[0]]) for t in seen)


def test_what_is_marked_has_an_edge_in_it():
    screen, f = body()
    mask = marks(screen, f).astype(bool)
    edges = Mesh(f).edges
    near_edges = np.any([touched(screen[a, :2], screen[b, :2], WIDTH, HEIGHT, 1e-8) for a, b, _, _ in edges], axis=0)
    assert mask.any() and not mask[~near_edges].any()


def test_a_hidden_side_changes_nothing_but_the_work():
    screen, f = body()
    side = planes_of_faces(screen, f).side
    seen = np.unique(side[np.unique(rasterize(screen, f, WIDTH, HEIGHT, FAR)[0])[1:]])
    assert len(seen) == 1
    np.testing.assert_array_equal(marks(screen, f, hidden_side=-int(seen[0])), marks(screen, f))


def test_edges_that_reach_behind_the_camera_or_have_no_area_mark_nothing():
    screen = np.array([[5, 5, 1.0], [15, 5, -1], [5, 15, 1], [8, 8, 1], [9, 9, 1], [10, 10, 1]])
    assert not marks(screen, np.array([[0, 1, 2], [3, 4, 5]], np.int32)).any()


def test_at_the_frame_no_edge_is_taken_for_hidden():
    """What is seen of the pixels around is not all that is there."""
    screen = np.array([[-50, -50, 1.0], [80, -50, 1], [10, 90, 1], [-5.3, 4.2, 2.0], [30.2, 6.1, 2], [9.2, 30.4, 2]])
    mask = marks(screen, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    alone = marks(screen, np.array([[3, 4, 5]], np.int32))
    frame = np.ones(mask.shape, bool)
    frame[1:-1, 1:-1] = False
    np.testing.assert_array_equal(mask, np.where(frame, alone, 0))
    assert mask.any()


@pytest.mark.parametrize("width, height", [(1, 1), (1, 9), (9, 1)])
def test_images_of_a_row_or_a_column(width, height):
    screen = np.array([[-3.2, -2.3, 1.0], [14.2, 1.3, 1], [0.3, 11.4, 1]])
    mask = marks(screen, np.array([[0, 1, 2]], np.int32), width=width, height=height)
    segments = list(zip(screen[:, :2], np.roll(screen[:, :2], -1, axis=0)))
    np.testing.assert_array_equal(mask, np.any([touched(*segment, width, height) for segment in segments], axis=0))


def test_each_face_at_an_edge_of_three_or_of_unlike_winding_ends_there():
    screen = np.array([[8.2, 3.1, 1.0], [8.4, 14.3, 1], [2, 9, 1], [8.3, 8.7, 0.5], [1, 5, 2]])
    on_edge = touched(screen[0], screen[1], WIDTH, HEIGHT)
    for f in ([[0, 1, 2], [0, 1, 4]], [[0, 1, 2], [1, 0, 4]], [[0, 1, 3], [0, 1, 2], [1, 0, 4]],
              [[1, 0, 2], [0, 1, 3]]):
        assert marks(screen, np.array(f, np.int32))[on_edge].all()


def test_the_same_for_any_number_of_threads():
    screen, f = body(12000)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            results.append(marks(screen, f))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
