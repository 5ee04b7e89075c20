"""Shading against its plain definition."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.shading import shade
from opendr_lite.threads import get_num_threads, set_num_threads

HEIGHT, WIDTH, VERTICES = 7, 9, 12


def pixels(seed=0, height=HEIGHT, width=WIDTH):
    """Random face ids, weights and faces; a third of the pixels show none."""
    rng = np.random.default_rng(seed)
    face_id = rng.integers(-5, 10, (height, width)).clip(-1).astype(np.int32)
    return face_id, rng.random((height, width, 3)), rng.integers(0, VERTICES, (10, 3)).astype(np.int32)


def expected(face_id, barycentric, corners, values, scale, background):
    image = np.broadcast_to(background, (face_id.size, scale.shape[1])).copy()
    scale = np.broadcast_to(scale, image.shape)
    for p in np.flatnonzero(face_id.ravel() >= 0):
        image[p] = scale[p]
        if values is not None:
            image[p] *= barycentric.reshape(-1, 3)[p] @ values[corners[face_id.ravel()[p]]]
    return image


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("pictured", [False, True])
@pytest.mark.parametrize("coloured", [False, True])
def test_is_the_definition(channels, scaled, pictured, coloured):
    rng = np.random.default_rng(channels)
    scene = pixels()
    values = rng.random((VERTICES, channels)) if coloured else None
    scale = rng.random((HEIGHT * WIDTH if scaled else 1, channels))
    background = rng.random((HEIGHT * WIDTH if pictured else 1, channels))
    np.testing.assert_allclose(shade(*scene, values, scale, background),
                               expected(*scene, values, scale, background), rtol=1e-14)


def test_the_same_bits_for_any_number_of_threads():
    scene, values = pixels(1, 300, 200), np.random.default_rng(2).random((VERTICES, 3))
    before, images = get_num_threads(), []
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            images.append(shade(*scene, values, np.ones((1, 3)), np.zeros((1, 3))))
    finally:
        set_num_threads(before)
    np.testing.assert_array_equal(*images)
