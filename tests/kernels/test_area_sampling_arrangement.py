"""What is seen in a pixel against a slow twin, and how it moves against central differences of the twin."""
from types import SimpleNamespace

import numpy as np
import pytest

from opendr_lite.kernels.cpu.area_sampling.arrangement import arrange
from opendr_lite.kernels.cpu.area_sampling.fronts import fronts_of, locate
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.area_sampling import planes, visible_parts

COLUMN, ROW, WIDTH = 3, 4, 8


def arranged(screen, f, pixel, start, faces, width):
    """An `Arrangement` of pixels, its fronts, and where its samples are."""
    found = arrange(screen, f, pixel, start, faces, width)
    barycentric, depth = locate(found, screen, f, width)
    fronts = fronts_of(found, screen, f, width)
    position = found.centroid + np.column_stack([found.pixel % width, found.pixel // width])
    return SimpleNamespace(pixel=found.pixel, face_id=found.face_id, area=found.area, position=position,
                           barycentric=barycentric, depth=depth, front_vertex=fronts.vertex,
                           front_sample=np.repeat(np.arange(len(found.pixel)), np.diff(fronts.first)),
                           direction=fronts.direction, spread=fronts.spread)


def in_pixel(screen, f, column=COLUMN, row=ROW):
    """One pixel that all faces meet, `arranged`."""
    return arranged(screen, f, np.array([row * WIDTH + column], np.int32), np.array([0, len(f)]),
                    np.arange(len(f), dtype=np.int32), WIDTH)


def parts(arrangement, num_faces):
    """Area and moments from the centre of the pixel, (F, 3)."""
    total = np.zeros((num_faces, 3))
    moments = (arrangement.position - [COLUMN, ROW]) * arrangement.area[:, None]
    np.add.at(total, arrangement.face_id, np.column_stack([arrangement.area, moments]))
    return total


def separate(points):
    """Faces of points (3 F, 3) around the pixel that share no corner: screen, f."""
    return points + [COLUMN, ROW, 0], np.arange(len(points), dtype=np.int32).reshape(-1, 3)


def soup(count, seed, spread=0.7, depths=(1.0, 2.0)):
    rng = np.random.default_rng([seed, count])
    return separate(np.column_stack([rng.normal(0, spread, (3 * count, 2)), rng.uniform(*depths, 3 * count)]))


def fan(count, seed):
    """Faces around a vertex in the pixel, bumpy, so that some lie behind others."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    rim = np.column_stack([rng.uniform(0.2, 1.5, count)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]),
                           rng.uniform(1, 3, count)])
    points = np.concatenate([[[0.1, -0.2, 1.5]], rim])
    rim_id = 1 + np.arange(count)
    return (points + [COLUMN, ROW, 0],
            np.column_stack([np.zeros(count), rim_id, np.roll(rim_id, -1)]).astype(np.int32))


def slivers(count, seed, width):
    rng = np.random.default_rng(seed)
    start, end = rng.normal(0, 0.6, (2, count, 2))
    across = (end - start)[:, ::-1] * [1, -1] / np.linalg.norm(end - start, axis=1, keepdims=True)
    points = np.stack([start, end, end + width * across], axis=1).reshape(-1, 2)
    return separate(np.column_stack([points, rng.uniform(1, 2, 3 * count)]))


SCENES = ([pytest.param(*soup(count, seed), id=f"soup-{count}-{seed}")
           for count in (1, 2, 3, 5, 8) for seed in range(4)]
          + [pytest.param(*soup(12, 0), id="soup-12")]
          + [pytest.param(*soup(6, seed, depths=(1.5, 1.51)), id=f"crossing-{seed}") for seed in range(3)]
          + [pytest.param(*soup(8, seed, spread=4.0), id=f"large-{seed}") for seed in range(3)]
          + [pytest.param(*soup(6, seed, spread=0.02), id=f"small-{seed}") for seed in range(3)]
          + [pytest.param(*fan(count, 1), id=f"fan-{count}") for count in (3, 7, 12)]
          + [pytest.param(*slivers(8, 2, width), id=f"slivers-{width:g}") for width in (1e-2, 1e-4)])
THINNER = [pytest.param(*slivers(8, 2, width), id=f"slivers-{width:g}") for width in (1e-6, 1e-13)]


@pytest.mark.parametrize("screen, f", SCENES + THINNER)
def test_areas_and_moments(screen, f):
    np.testing.assert_allclose(parts(in_pixel(screen, f), len(f)), visible_parts(screen, f, COLUMN, ROW), rtol=0,
                               atol=2e-13)


@pytest.mark.parametrize("screen, f", SCENES)
def test_a_sample_is_at_the_centroid_of_what_it_shows(screen, f):
    found = in_pixel(screen, f)
    corners = screen[f[found.face_id]]
    np.testing.assert_allclose(found.barycentric.sum(axis=1), 1, atol=1e-9)
    x, y, z = np.einsum("sk,skc->cs", found.barycentric, corners * corners[:, :, [2, 2, 2]] ** [1, 1, 0])
    np.testing.assert_allclose(found.depth, z, rtol=1e-9)
    np.testing.assert_allclose(found.position, np.column_stack([x, y]) / z[:, None], atol=1e-7)
    assert (found.area > 0).all() and found.area.sum() <= 1 + 1e-12
    assert (np.abs(found.position - [COLUMN, ROW]) <= 0.5).all()


def rates(arrangement, num_faces, of_points):
    """Change of area and moments, (F, 3), as the points move in Y by `of_points`, (V, 3)."""
    total = np.zeros((num_faces, 3))
    speed = (arrangement.direction * of_points[arrangement.front_vertex]).sum(axis=1)
    np.add.at(total, arrangement.face_id[arrangement.front_sample], arrangement.spread * speed[:, None])
    return total


def moved(screen, of_points):
    y = np.column_stack([screen[:, :2] * screen[:, 2:], screen[:, 2]]) + of_points
    return np.column_stack([y[:, :2] / y[:, 2:], y[:, 2]])


@pytest.mark.parametrize("screen, f", SCENES)
def test_fronts_are_the_derivative(screen, f):
    rng, step = np.random.default_rng(0), 1e-7
    found, errors = in_pixel(screen, f), []
    for _ in range(3):
        of_points = rng.standard_normal(screen.shape)
        ahead, behind = (visible_parts(moved(screen, sign * step * of_points), f, COLUMN, ROW) for sign in (1, -1))
        errors.append(np.abs(rates(found, len(f), of_points) - (ahead - behind) / (2 * step)).max())
    assert np.median(errors) < 1e-7 * (1 + np.abs(found.spread).max(initial=0))


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-6])
def test_a_sliver_grows_by_its_length_times_its_motion(width):
    """However thin it is: 0.8 long, across the middle of the pixel."""
    screen, f = separate(np.array([[-0.4, 0, 1], [0.4, 0, 1], [0.4, width, 1]]))
    found = in_pixel(screen, f)
    assert found.area.sum() == pytest.approx(0.4 * width, rel=1e-6)
    for vertex, along, expected in ((2, [0, 1, 0], 0.4), (1, [0, 1, 0], -0.4), (0, [0, 1, 0], 0.0)):
        of_points = np.zeros((3, 3))
        of_points[vertex] = along
        assert rates(found, 1, of_points)[0, 0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("count", [30, 60])
def test_a_crowd_is_cut_into_quarters(count):
    """More faces than fit in a square at once: a pile of small ones, each behind the ones before."""
    rng = np.random.default_rng(count)
    middle = rng.uniform(-0.4, 0.4, (count, 1, 2))
    points = np.concatenate([middle + rng.normal(0, 0.05, (count, 3, 2)),
                             np.linspace(1, 2, count)[:, None, None] + np.zeros((count, 3, 1))], axis=2)
    screen, f = separate(points.reshape(-1, 3))
    found = in_pixel(screen, f)
    coarse = parts(found, count)
    assert found.area.sum() <= 1
    # Four pixels of twice the size of the image show the same.
    fine = np.zeros((count, 3))
    for offset in np.array([[-0.25, -0.25], [0.25, -0.25], [-0.25, 0.25], [0.25, 0.25]]):
        larger = screen.copy()
        larger[:, :2] = 2 * (screen[:, :2] - [COLUMN, ROW] - offset) + [COLUMN, ROW]
        near = np.flatnonzero(np.abs(larger[f, :2] - [COLUMN, ROW]).min(axis=(1, 2)) < 1)
        some = visible_parts(larger, f[near], COLUMN, ROW) if count == 30 else parts(in_pixel(larger, f), count)[near]
        fine[near] += np.column_stack([some[:, 0] / 4, some[:, 1:] / 8 + some[:, :1] * offset / 4])
    np.testing.assert_allclose(coarse, fine, rtol=0, atol=1e-12)


def strip(count, height=1.0):
    """A square of side 0.8 in the pixel, in `count` upright strips of two faces each, in one plane."""
    x = np.tile(np.linspace(-0.4, 0.4, count + 1), 2)
    y = np.repeat([-0.4 * height, 0.4 * height], count + 1)
    a = np.arange(count)
    f = np.concatenate([np.column_stack([a, a + 1, a + count + 1]),
                        np.column_stack([a + 1, a + count + 2, a + count + 1])])
    return np.column_stack([x, y, 1 + 0.1 * x]) + [COLUMN, ROW, 0], f.astype(np.int32)


@pytest.mark.parametrize("count", [1, 5, 11, 50, 200])
def test_many_faces_leave_no_gap_and_move_as_their_outline(count):
    screen, f = strip(count)
    found = in_pixel(screen, f)
    of_points = np.zeros(screen.shape)
    of_points[:, :2] = (screen[:, :2] - [COLUMN, ROW]) * screen[:, 2:]
    if count <= 50:
        assert found.area.sum() == pytest.approx(0.64, abs=1e-12)
        assert rates(found, len(f), of_points)[:, 0].sum() == pytest.approx(1.28, abs=1e-9)
    else:
        assert found.area.sum() == pytest.approx(0.64, abs=0.1)


def test_of_two_faces_in_one_plane_the_lower_index_is_seen():
    screen, f = soup(1, 3, spread=1.0)
    found = in_pixel(np.tile(screen, (2, 1)), np.array([[0, 1, 2], [4, 5, 3]], np.int32))
    alone = in_pixel(screen, f)
    assert (found.face_id == 0).all()
    np.testing.assert_array_equal(found.area, alone.area)


@pytest.mark.parametrize("gap", [1e-14, 1e-9, 1e-7])
def test_of_two_nearly_equal_faces_the_nearer_is_seen(gap):
    screen, f = soup(1, 3, spread=1.0)
    both = np.concatenate([screen, screen / [1, 1, 1 + gap]])
    area = parts(in_pixel(both, np.array([[0, 1, 2], [3, 4, 5]], np.int32)), 2)[:, 0]
    whole = in_pixel(screen, f).area.sum()
    assert area.sum() == pytest.approx(whole, abs=1e-13)
    assert area[0 if gap < 1e-12 else 1] == pytest.approx(whole, abs=1e-13)


@pytest.mark.parametrize("tilt", [1e-3, 1e-7, 1e-9])
def test_faces_that_cross_at_a_small_angle_are_seen_on_either_side_of_the_line(tilt):
    """1/z is 1 and 1 + tilt x: the second is seen on the right."""
    xy = np.array([[-2.0, -2], [2, -2], [0, 3]])
    points = np.concatenate([np.column_stack([xy, np.ones(3)]), np.column_stack([xy, 1 / (1 + tilt * xy[:, 0])])])
    found = in_pixel(*separate(points))
    np.testing.assert_allclose(parts(found, 2), [[0.5, -0.125, 0], [0.5, 0.125, 0]], atol=1e-15 / tilt)


def test_squares_share_out_the_area_of_a_face():
    screen = np.array([[1.3, 0.7, 1], [6.2, 3.1, 2], [2.5, 5.4, 3]])
    f = np.array([[0, 1, 2]], np.int32)
    pixel = np.arange(WIDTH * WIDTH, dtype=np.int32)
    found = arranged(screen, f, pixel, np.arange(len(pixel) + 1), np.zeros(len(pixel), np.int32), WIDTH)
    (ax, ay), (bx, by) = screen[1:, :2] - screen[0, :2]
    assert found.area.sum() == pytest.approx(0.5 * (ax * by - ay * bx), rel=1e-14)
    np.testing.assert_allclose(found.area @ found.position / found.area.sum(), screen[:, :2].mean(axis=0), rtol=1e-13)
    assert (np.diff(found.pixel) > 0).all()
    np.testing.assert_array_less(np.abs(found.position - np.column_stack([found.pixel % WIDTH, found.pixel // WIDTH])),
                                 0.5 + 1e-15)
    of_points = np.zeros((3, 3))
    of_points[:, :2] = screen[:, :2] * screen[:, 2:]
    assert rates(found, 1, of_points)[0, 0] == pytest.approx(2 * found.area.sum(), rel=1e-12)


def test_no_marked_pixels_and_pixels_without_faces():
    screen, f = soup(2, 0)
    nothing = np.empty(0, np.int32)
    found = arranged(screen, f, nothing, np.array([0]), nothing, WIDTH)
    assert not len(found.pixel) and not len(found.front_vertex)
    found = arranged(screen, f, np.array([5, 9], np.int32), np.array([0, 0, 0]), nothing, WIDTH)
    assert not len(found.pixel) and found.position.shape == (0, 2) and found.spread.shape == (0, 3)


def test_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    screen = np.column_stack([rng.uniform(0, 40, (90, 2)), rng.uniform(1, 2, 90)])
    f = np.arange(90, dtype=np.int32).reshape(-1, 3)
    pixel = np.arange(1600, dtype=np.int32)
    start, faces = np.arange(0, 30 * 1601, 30), np.tile(np.arange(30, dtype=np.int32), 1600)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            results.append(arranged(screen, f, pixel, start, faces, 40))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        for name, one in vars(results[0]).items():
            np.testing.assert_array_equal(one, getattr(result, name))
    assert (np.diff(results[0].pixel) >= 0).all() and (np.diff(results[0].front_sample) >= 0).all()


def test_the_twins_planes():
    screen, f = soup(3, 1)
    corners = screen[f]
    corners[:, :, 2] = 1 / corners[:, :, 2]
    values = np.einsum("nrc,nkc->nkr", planes(corners), np.concatenate([corners[:, :, :2], np.ones((3, 3, 1))], axis=2))
    np.testing.assert_allclose(values[:, :, :3], np.broadcast_to(np.eye(3), (3, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(values[:, :, 3], corners[:, :, 2], rtol=1e-12)
