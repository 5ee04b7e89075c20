"""Convex polygons: what a cut makes of them, area and moments; in plain Python."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.area_sampling.polygons import (
    BORDER,
    area_and_moments,
    copy_polygon,
    is_outside,
    keep_inside,
    make_square,
    range_over,
    side_of_line,
)

CUT = 99


def store(*polygons, room=16):
    """A store with polygons (n, 2), their edges labelled 0 to n - 1; three further places at the end."""
    rows = np.full((len(polygons) + 3, 1 + 3 * room), np.nan)
    rows[:, 0] = 0
    for row, polygon in zip(rows, polygons):
        row[0] = len(polygon)
        row[1:1 + 3 * len(polygon)] = np.column_stack([polygon, np.arange(len(polygon))]).ravel()
    return rows


def corners_of(of_store, p):
    return of_store[p, 1:1 + 3 * int(of_store[p, 0])].reshape(-1, 3)


def points(of_store, p):
    return corners_of(of_store, p)[:, :2]


def labels(of_store, p):
    return corners_of(of_store, p)[:, 2].tolist()


def cut(of_store, p, a, b, c, inside, outside):
    """Both parts of a polygon that a line cuts."""
    keep_inside(of_store, p, a, b, c, CUT, inside)
    keep_inside(of_store, p, -a, -b, -c, CUT, outside)


def regular(corners, radius=1.0, middle=(0.3, -0.2)):
    angle = 2 * np.pi * np.arange(corners) / corners + 0.1
    return np.column_stack([np.cos(angle), np.sin(angle)]) * radius + middle


SQUARE = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


def integrals_of(polygon):
    """Area and moments by the triangles around the first corner."""
    a, b, c = np.broadcast_to(polygon[0], polygon[2:].shape), polygon[1:-1], polygon[2:]
    areas = 0.5 * np.linalg.det(np.stack([b - a, c - a], axis=1))
    return areas.sum(), *(areas @ (a + b + c) / 3)


@pytest.mark.parametrize("corners", [3, 4, 7, 12])
def test_area_and_moments(corners):
    polygon = regular(corners)
    found = area_and_moments(store(polygon), 0)
    np.testing.assert_allclose(found, integrals_of(polygon), atol=1e-14)
    area = 0.5 * corners * np.sin(2 * np.pi / corners)
    np.testing.assert_allclose(found, [area, 0.3 * area, -0.2 * area], atol=1e-14)


def test_a_copy():
    rows = store(regular(5), regular(7), SQUARE)
    copy_polygon(rows, 0, 1)
    np.testing.assert_array_equal(points(rows, 1), regular(5))
    assert labels(rows, 1) == list(range(5)) and len(points(rows, 2)) == 4


def test_a_square():
    rows = store()
    make_square(rows, 0, 0.25, -0.25, 0.125)
    assert labels(rows, 0) == 4 * [BORDER]
    np.testing.assert_allclose(area_and_moments(rows, 0), np.array([1, 0.25, -0.25]) / 16, atol=1e-16)


def test_a_range():
    assert range_over(store(SQUARE), 0, 1.0, -2.0, 0.5) == (-1.5, 1.5)


@pytest.mark.parametrize("line, expected", [
    ((1, 0, 0.5), 1), ((1, 0, 0.0), 1), ((1, 0, -5e-13), 1), ((1, 0, -2e-12), 0), ((1, 0, -0.5), 0), ((1, 0, -1.0), -1),
    ((1, 0, -2.0), -1), ((-1, 0, 0.5), 0), ((0, -1, 0.0), -1), ((0.6, 0.8, -0.7), 0), ((0.6, 0.8, -1.4), -1)])
def test_the_side_of_a_line(line, expected):
    assert side_of_line(store(SQUARE), 0, *line) == expected
    assert is_outside(store(SQUARE), 0, *line) == (expected < 0)


@pytest.mark.parametrize("seed", range(20))
def test_both_parts_of_a_cut_make_the_whole(seed):
    rng = np.random.default_rng(seed)
    polygon = regular(rng.integers(3, 8))
    angle = rng.uniform(0, 2 * np.pi)
    a, b = np.cos(angle), np.sin(angle)
    c = -(np.array([a, b]) @ [0.3, -0.2]) + rng.uniform(-0.4, 0.4)
    parts = store(polygon)
    cut(parts, 0, a, b, c, 1, 2)
    both = {p: np.array(area_and_moments(parts, p)) for p in (1, 2)}
    np.testing.assert_allclose(both[1] + both[2], area_and_moments(parts, 0), atol=1e-14)
    for p, sign in ((1, 1), (2, -1)):
        assert both[p][0] > 0
        assert (sign * (points(parts, p) @ [a, b] + c) >= -1e-12).all()
        assert labels(parts, p).count(CUT) == 1
        for start, end, label in zip(points(parts, p), np.roll(points(parts, p), -1, axis=0), labels(parts, p)):
            if label == CUT:
                np.testing.assert_allclose(np.stack([start, end]) @ [a, b] + c, 0, atol=1e-14)
            else:
                first, second = polygon[int(label)], polygon[(int(label) + 1) % len(polygon)]
                across = (second - first)[::-1] * [1, -1]
                np.testing.assert_allclose((np.stack([start, end]) - first) @ across, 0, atol=1e-14)


@pytest.mark.parametrize("line, left, right", [
    ((1, -1, 0), [0, 1, CUT], [CUT, 2, 3]),          # through two corners
    ((1, -0.5, 0), [0, 1, 2, CUT], [CUT, 2, 3])])    # through one
def test_a_cut_through_corners(line, left, right):
    parts = store(SQUARE)
    cut(parts, 0, *line, 1, 2)
    assert sorted(labels(parts, 1)) == sorted(left) and sorted(labels(parts, 2)) == sorted(right)
    areas = [area_and_moments(parts, p)[0] for p in (1, 2)]
    assert sum(areas) == pytest.approx(1, abs=1e-15) and min(areas) > 0.2


def test_a_part_may_replace_another_polygon_of_the_same_store():
    rows = store(SQUARE, regular(3))
    cut(rows, 0, 1.0, 0.0, -0.25, 1, 2)
    assert area_and_moments(rows, 1)[0] == 0.75 and area_and_moments(rows, 2)[0] == 0.25
    assert area_and_moments(rows, 0)[0] == 1


@pytest.mark.parametrize("c, corners", [(2.0, 4), (0.0, 4), (-1.0, 2), (-2.0, 0)])
def test_a_line_that_does_not_cut_keeps_all_or_no_polygon(c, corners):
    rows = store(SQUARE)
    keep_inside(rows, 0, 1.0, 0.0, c, CUT, 1)
    assert len(points(rows, 1)) == corners
