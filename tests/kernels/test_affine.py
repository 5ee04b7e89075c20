"""Pixels of a perspective picture as those of an affine one, against the formula one pixel at a time."""
import numpy as np

from opendr_lite.kernels.cpu.affine import interpolate_linearly
from opendr_lite.threads import get_num_threads, set_num_threads


def pixels(height=9, width=11, faces=5, vertices=8):
    rng = np.random.default_rng(0)
    barycentric = rng.random((height, width, 3))
    barycentric /= barycentric.sum(axis=2, keepdims=True)
    return (rng.integers(-1, faces, (height, width)).astype(np.int32), barycentric,
            rng.integers(0, vertices, (faces, 3)).astype(np.int32), rng.uniform(0.5, 1, vertices),
            rng.uniform(1, 9, vertices))


def test_weights_and_depths_are_those_of_the_formula():
    face_id, barycentric, f, stand_in, depth = pixels()
    linear, z = interpolate_linearly(face_id, barycentric, f, stand_in, depth, 50.0)
    for j, i in np.ndindex(face_id.shape):
        t = face_id[j, i]
        if t < 0:
            assert not linear[j, i].any() and z[j, i] == 50
            continue
        expected = barycentric[j, i] * stand_in[f[t]]
        expected /= expected.sum()
        np.testing.assert_allclose(linear[j, i], expected, rtol=1e-14)
        np.testing.assert_allclose(z[j, i], expected @ depth[f[t]], rtol=1e-14)


def test_a_constant_depth_stays_constant():
    face_id, barycentric, f, stand_in, depth = pixels()
    _, z = interpolate_linearly(face_id, barycentric, f, stand_in, np.full(len(depth), 0.1), 50.0)
    assert set(z.ravel()) == {0.1, 50.0}


def test_the_number_of_threads_does_not_matter():
    """An image of several bands."""
    args = *pixels(700, 300), 50.0
    before = get_num_threads()
    try:
        results = []
        for count in (1, 3):
            set_num_threads(count)
            results.append(interpolate_linearly(*args))
        for one, other in zip(*results):
            np.testing.assert_array_equal(one, other)
    finally:
        set_num_threads(before)
