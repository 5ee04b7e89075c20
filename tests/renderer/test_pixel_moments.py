"""Normal equations from moments of faces against those of the Jacobian itself."""
import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite import set_num_threads
from opendr_lite.ch.linear_maps import BlockDiagonal, identity
from opendr_lite.kernels.cpu.image_gradient import gain_of_image
from opendr_lite.renderer import ColoredRenderer
from opendr_lite.renderer.pixel_jacobian import PixelInterpolation, PixelMotion, SeenFaces
from opendr_lite.renderer.pixel_moments import normal_equations, one_ring, supports
from opendr_lite.threads import get_num_threads
from tests.renderer.scenes import blob

HEIGHT, WIDTH, CHANNELS, POINTS = 13, 17, 3, 9
FACES = np.array([[0, 1, 2], [2, 1, 3], [4, 2, 3], [2, 6, 4], [7, 7, 0], [1, 3, 2], [8, 5, 8]], np.int32)
"""With an edge of three faces, two faces of the same corners, faces that use a vertex twice."""


@pytest.fixture(scope="module")
def pixels():
    """face_id (N,) in runs, with background; barycentric coordinates (N, 3)."""
    rng = np.random.default_rng(0)
    count = HEIGHT * WIDTH
    face_id = np.repeat(rng.integers(-1, len(FACES), count), rng.integers(1, 6, count))[:count].astype(np.int32)
    return face_id, rng.dirichlet(np.ones(3), count)


def maps(pixels, kinds, gain=None, channels=CHANNELS):
    rng = np.random.default_rng(1)
    face_id, barycentric = pixels
    taps, seen = np.where(face_id[:, None] >= 0, FACES[face_id], -1).astype(np.int32), SeenFaces(face_id, FACES)
    image, edge = rng.random((HEIGHT, WIDTH, channels)), rng.random((HEIGHT, WIDTH)) < 0.2
    gain = {None: rng.standard_normal((face_id.size, channels, 2)), "plain": gain_of_image(image),
            "edges": gain_of_image(image, edge)}[gain]
    built = {"motion": PixelMotion(taps, barycentric, gain, POINTS, seen),
             "colors": PixelInterpolation(taps, barycentric, rng.random((face_id.size, channels)), POINTS, seen)}
    return [built[kind] for kind in kinds]


def dense(matrix):
    if hasattr(matrix, "to_dense"):
        return matrix.to_dense()
    return matrix.toarray() if sp.issparse(matrix) else matrix


def check(terms, weighted):
    """Against KᵀJᵀWJK, J and K as arrays."""
    rng = np.random.default_rng(2)
    shape = len(terms[0][0].taps), terms[0][0].channels
    w, r = (rng.random(shape) if weighted else None), rng.standard_normal(shape)
    if weighted:
        w[rng.random(len(w)) < 0.3] = 0.0  # a mask
    wr = r if w is None else w * r
    assert supports(terms)
    A, g = normal_equations(terms, w, wr)
    J = sum(pixel_map.to_sparse().toarray() @ dense(K) for pixel_map, K in terms)
    expected = J.T @ ((1.0 if w is None else w.reshape(-1, 1)) * J)
    np.testing.assert_allclose(dense(A), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    expected = J.T @ wr.ravel()
    np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    return A


KINDS = pytest.mark.parametrize("kinds", [["motion"], ["colors"], ["motion", "colors"], ["colors", "motion"]])
WEIGHTED = pytest.mark.parametrize("weighted", [False, True])


@KINDS
@WEIGHTED
@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_any_unknowns(pixels, kinds, weighted, form):
    rng = np.random.default_rng(3)
    terms = []
    for pixel_map in maps(pixels, kinds):
        K = rng.standard_normal((pixel_map.shape[1], 12))
        terms.append((pixel_map, K if form == "dense" else sp.csr_matrix(K * (rng.random(K.shape) < 0.3))))
    A = check(terms, weighted)
    assert sp.issparse(A) == (form == "sparse")


@pytest.mark.parametrize("gain", [None, "plain", "edges"])
@WEIGHTED
def test_positions_of_vertices(pixels, weighted, gain):
    motion, = maps(pixels, ["motion"], gain)
    K = BlockDiagonal(np.random.default_rng(3).standard_normal((POINTS, 2, 3)))
    check([(motion, K)], weighted)
    check([(motion, K.to_sparse())], weighted)


@WEIGHTED
@pytest.mark.parametrize("channels", [1, 3])
def test_positions_and_colors_of_vertices(pixels, weighted, channels):
    """Two sets of unknowns, one after the other, in either order."""
    motion, colors = maps(pixels, ["motion", "colors"], channels=channels)
    rng = np.random.default_rng(3)
    position = BlockDiagonal(rng.standard_normal((POINTS, 2, 3))).to_sparse()
    color = sp.diags(rng.standard_normal(POINTS * channels), format="csr")
    nothing = sp.csr_matrix((POINTS * channels, POINTS * 3)), sp.csr_matrix((POINTS * 2, POINTS * channels))
    check([(motion, sp.hstack([position, nothing[1]])), (colors, sp.hstack([nothing[0], color]))], weighted)
    check([(motion, sp.hstack([nothing[1], position])), (colors, sp.hstack([color, nothing[0]]))], weighted)


@pytest.mark.parametrize("kind", ["motion", "colors"])
def test_inputs_themselves(pixels, kind):
    pixel_map, = maps(pixels, [kind])
    check([(pixel_map, identity(pixel_map.shape[1]))], True)


def test_blocks_with_holes(pixels):
    """Entries that are not stored, as where the rotation of a camera is the identity; the first or the last of all."""
    motion, = maps(pixels, ["motion"])
    rng = np.random.default_rng(4)
    blocks = rng.standard_normal((POINTS, 2, 3))
    for hole in ((slice(None), 0, 1), (0, slice(None), 0), (-1, slice(None), 2), (slice(None), 1, slice(None))):
        some = blocks.copy()
        some[hole] = 0.0
        K = BlockDiagonal(some).to_sparse()
        K.eliminate_zeros()
        check([(motion, K)], True)


def test_some_vertices_and_a_pose(pixels):
    """Blocks at columns that do not follow one another."""
    motion, = maps(pixels, ["motion"])
    rng = np.random.default_rng(4)
    K = BlockDiagonal(rng.standard_normal((POINTS, 2, 3))).to_sparse()[:, :12]
    check([(motion, K)], True)
    check([(motion, sp.hstack([K, rng.standard_normal((POINTS * 2, 6))]))], True)


@pytest.mark.parametrize("overdraw", [False, True])
def test_a_rendered_image(overdraw):
    image = blob(ColoredRenderer, overdraw=overdraw)
    image.r
    seen = SeenFaces(image.pixels.face_id.ravel(), image.faces)
    motion = PixelMotion(image.corners, image.weights, image._gain(image.r), len(image.screen), seen)
    colors = PixelInterpolation(image.corners, image.weights, image._product_without("vc"), len(image.screen), seen)
    check([(motion, image.camera.dr_wrt(image.camera.v))], True)
    rng = np.random.default_rng(0)
    check([(motion, rng.standard_normal((motion.shape[1], 40))), (colors, rng.standard_normal((colors.shape[1], 40)))],
          True)


def test_the_same_bits_for_any_number_of_threads(pixels):
    motion, colors = maps(pixels, ["motion", "colors"], "edges")
    K = [(motion, np.eye(motion.shape[1], 30)), (colors, np.eye(colors.shape[1], 30))]
    before, answers = get_num_threads(), []
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            answers.append(normal_equations(K, None, np.ones((HEIGHT * WIDTH, CHANNELS))))
    finally:
        set_num_threads(before)
    for one, other in zip(*answers):
        np.testing.assert_array_equal(one, other)


def test_nothing_seen(pixels):
    motion, = maps((np.full_like(pixels[0], -1), pixels[1]), ["motion"], "plain")
    A = check([(motion, BlockDiagonal(np.ones((POINTS, 2, 3))))], False)
    assert not A.data.any()


def test_what_is_supported(pixels):
    motion, colors = maps(pixels, ["motion", "colors"])
    other_pixels, = maps((pixels[0][::-1].copy(), pixels[1]), ["colors"])
    without_faces = PixelMotion(motion.taps, motion.weights, motion.gain, POINTS)
    line = PixelMotion(motion.taps, motion.weights, np.ones((HEIGHT * WIDTH, 3, 1)), POINTS, motion.seen)
    for terms in ([], [motion, motion], [motion, other_pixels], [without_faces], [line]):
        assert not supports([(pixel_map, None) for pixel_map in terms])


def test_the_pattern_is_kept():
    ring = one_ring(FACES, POINTS)
    assert one_ring(FACES.copy(), POINTS) is ring
    assert one_ring(FACES[:4].copy(), POINTS) is not ring
    assert one_ring(FACES, POINTS) is ring
