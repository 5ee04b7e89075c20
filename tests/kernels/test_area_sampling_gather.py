"""Which faces meet which pixels, against the area that they have there."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.area_sampling.gather import gather_faces
from opendr_lite.kernels.cpu.area_sampling.planes import planes_of_faces
from opendr_lite.threads import get_num_threads, set_num_threads
from tests.reference.area_sampling import meets

WIDTH, HEIGHT = 12, 9


def soup(num_faces, size, seed=0):
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-2, [WIDTH + 2, HEIGHT + 2], (num_faces, 1, 2))
    uv = (middle + rng.normal(0, size, (num_faces, 3, 2))).reshape(-1, 2)
    screen = np.column_stack([uv, rng.uniform(1, 2, len(uv))])
    return screen, np.arange(len(uv), dtype=np.int32).reshape(-1, 3)


def pairs(pixel, start, faces):
    return set(zip(np.repeat(pixel, np.diff(start)).tolist(), faces.tolist()))


@pytest.mark.parametrize("size", [0.05, 0.6, 4.0])
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_faces_that_have_area_in_a_marked_pixel(size, share):
    screen, f = soup(9, size)
    mask = (np.random.default_rng(1).random((HEIGHT, WIDTH)) <= share).astype(np.uint8)
    pixel, start, faces = gather_faces(screen, f, planes_of_faces(screen, f).side, 0, mask)
    np.testing.assert_array_equal(pixel, np.flatnonzero(mask))
    assert len(start) == len(pixel) + 1 and start[0] == 0 and start[-1] == len(faces)
    for first, last in zip(start, start[1:]):
        assert (np.diff(faces[first:last]) > 0).all()
    expected = {(p, t) for p in pixel.tolist()
                for t in np.flatnonzero(meets(screen, f, p % WIDTH, p // WIDTH) > 1e-12).tolist()}
    assert pairs(pixel, start, faces) == expected
    assert expected or share < 1


def test_faces_of_the_hidden_side_or_of_none_are_left_out():
    screen, f = soup(40, 2.0)
    mask = np.ones((HEIGHT, WIDTH), np.uint8)
    side = planes_of_faces(screen, f).side.copy()
    side[::5] = 0
    everything = pairs(*gather_faces(screen, f, side, 0, mask))
    for hidden in (1, -1):
        assert pairs(*gather_faces(screen, f, side, hidden, mask)) == {
            (p, t) for p, t in everything if side[t] != hidden}
    assert {side[t] for _, t in everything} == {1, -1}


def test_no_marked_pixel_and_no_face():
    screen, f = soup(5, 1.0)
    side = planes_of_faces(screen, f).side
    pixel, start, faces = gather_faces(screen, f, side, 0, np.zeros((HEIGHT, WIDTH), np.uint8))
    assert not pixel.size and start.tolist() == [0] and not faces.size
    pixel, start, faces = gather_faces(screen, f[:0], side[:0], 0, np.ones((HEIGHT, WIDTH), np.uint8))
    assert len(pixel) == HEIGHT * WIDTH and not start.any() and not faces.size


def test_faces_far_outside_and_larger_than_the_image():
    far = 1e8
    screen = np.array([[-far, -far, 1], [far, -far, 1], [0, far, 1],
                       [far, far, 1], [far, far + 1, 1], [far + 1, far, 1]])
    f = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    mask = np.ones((HEIGHT, WIDTH), np.uint8)
    _, start, faces = gather_faces(screen, f, planes_of_faces(screen, f).side, 0, mask)
    np.testing.assert_array_equal(start, np.arange(HEIGHT * WIDTH + 1))
    assert not faces.any()


def test_the_same_for_any_number_of_threads():
    screen, f = soup(30000, 0.5)
    side = planes_of_faces(screen, f).side
    mask = (np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.5).astype(np.uint8)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            results.append(gather_faces(screen, f, side, 0, mask))
    finally:
        set_num_threads(before)
    for result in results[1:]:
        for one, other in zip(results[0], result):
            np.testing.assert_array_equal(one, other)
