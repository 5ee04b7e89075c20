import pickle
from functools import partial

import numpy as np
import pytest
from scipy.linalg import expm, expm_frechet

from opendr_lite import ch
from opendr_lite.ch import Ch
from opendr_lite.geometry import (
    AcosTriAngles,
    CrossProduct,
    GaussianCurvature,
    NormalizedNx3,
    Rodrigues,
    SecondFundamentalForm,
    Sum3xN,
    TriArea,
    TriEdges,
    TriNormals,
    TriNormalsScaled,
    VertNormals,
    edge_defs,
    face_bases,
    ndot,
    rotation_vector,
    volume,
)
from opendr_lite.geometry.curvature import QuadricFit
from opendr_lite.geometry.rows import RescaledRows, RowLengths, skew
from opendr_lite.primitives import icosphere, plane
from opendr_lite.topology import loop_weights
from tests import derivatives
from tests.reference.scene import bumpy_sphere, vertex_normals

TETRAHEDRON = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
TETRAHEDRON_FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def open_mesh():
    """A bumpy sphere with some faces left out, and so with borders."""
    v, f = bumpy_sphere(16, seed=13)
    return v, f[4:]


assert_derivative = partial(derivatives.assert_derivative, tolerance=1e-8, step=2e-6)


# ---------------------------------------------------------------------- rotations

AXIS = np.array([1.0, -2.0, 0.5]) / np.linalg.norm([1.0, -2.0, 0.5])
ANGLES = [0.0, 1e-12, 1e-9, 1e-4, 0.0999, 0.1001, 1.0, np.pi - 1e-6, np.pi, 4.0, 2 * np.pi - 1e-7, 2 * np.pi,
          20.0]


@pytest.mark.parametrize("angle", ANGLES)
def test_rodrigues_is_the_matrix_exponential(angle):
    rt = Ch(angle * AXIS)
    R = Rodrigues(rt)
    np.testing.assert_allclose(R.r, expm(skew(angle * AXIS)), rtol=0, atol=1e-13)
    np.testing.assert_allclose(R.r @ R.r.T, np.eye(3), rtol=0, atol=3e-15)
    exact = [expm_frechet(skew(angle * AXIS), skew(e), compute_expm=False).ravel() for e in np.eye(3)]
    np.testing.assert_allclose(R.dr_wrt(rt).toarray().T, exact, rtol=0, atol=1e-12)
    assert_derivative(R, rt)


def test_rotation_is_right_handed():
    np.testing.assert_allclose(Rodrigues([0, 0, np.pi / 2]).r @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(Rodrigues([np.pi / 2, 0, 0]).r @ [0, 1, 0], [0, 0, 1], atol=1e-15)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, np.pi - 1e-6])
def test_rotation_vector_inverts_rodrigues(angle):
    np.testing.assert_allclose(rotation_vector(Rodrigues(angle * AXIS)), angle * AXIS, rtol=0, atol=1e-13)


def test_rotation_vector_of_half_a_turn():
    R = Rodrigues(np.pi * AXIS).r
    np.testing.assert_allclose(Rodrigues(rotation_vector(R)).r, R, rtol=0, atol=1e-14)


def test_rotation_vector_beyond_pi_turns_the_short_way():
    np.testing.assert_allclose(rotation_vector(Rodrigues(4 * AXIS).r), (4 - 2 * np.pi) * AXIS, atol=1e-13)


@pytest.mark.parametrize("R", [np.eye(2), 2 * np.eye(3), np.diag([1, 1, -1]), np.full((3, 3), np.nan)])
def test_rotation_vector_refuses_what_is_no_rotation(R):
    with pytest.raises(ValueError, match="rotation matrix"):
        rotation_vector(R)


# ---------------------------------------------------------------------- rows of three

def rows(seed, count=5):
    return Ch(np.random.default_rng(seed).standard_normal((count, 3)))


@pytest.mark.parametrize("make", [NormalizedNx3, RowLengths, Sum3xN, lambda v: RescaledRows(v, 0.5),
                                  lambda v: NormalizedNx3(v.reshape(-1)),
                                  lambda v: CrossProduct(v, 2 * v[::-1])])
def test_derivatives_of_rows(make):
    v = rows(11)
    assert_derivative(make(v), v)


def test_normalized_keeps_the_shape():
    v = rows(1)
    assert NormalizedNx3(v).shape == (5, 3) and NormalizedNx3(v.r.ravel()).shape == (15,)
    np.testing.assert_allclose(np.linalg.norm(NormalizedNx3(v).r, axis=1), 1, rtol=1e-15)


def test_cross_product():
    a, b = rows(2), rows(3)
    np.testing.assert_array_equal(CrossProduct(a, b).r, np.cross(a.r, b.r).ravel())
    assert_derivative(CrossProduct(a, b), a, b)


def test_cross_product_of_a_node_with_itself_is_constant():
    a = rows(4)
    np.testing.assert_array_equal(CrossProduct(a, a).r, 0)
    np.testing.assert_array_equal(CrossProduct(a, a).dr_wrt(a).toarray(), 0)


def test_cross_product_refuses_different_lengths():
    with pytest.raises(ValueError, match="as many rows, got 5 and 4"):
        CrossProduct(rows(0), rows(0, 4)).r


@pytest.mark.parametrize("make", [NormalizedNx3, RowLengths, lambda v: RescaledRows(v, 0.5)])
def test_a_row_of_zeros_has_value_and_derivative_zero(make):
    v = Ch([[0.0, 0, 0], [1, 2, 3]])
    node = make(v)
    jacobian = node.dr_wrt(v).toarray()
    half = node.size // 2
    np.testing.assert_array_equal(node.r.ravel()[:half], 0)
    np.testing.assert_array_equal(jacobian[:half], 0)
    assert np.isfinite(jacobian).all() and jacobian[half:].any()


def test_ndot_multiplies_stacks_of_matrices():
    a, b = Ch(np.arange(12.0).reshape(2, 2, 3)), Ch(np.arange(24.0).reshape(2, 3, 4))
    np.testing.assert_allclose(ndot(a, b).r, a.r @ b.r)


# ---------------------------------------------------------------------- triangles and normals

def test_a_counterclockwise_triangle_has_its_normal_toward_the_viewer():
    v, f = [[0.0, 0, 0], [2, 0, 0], [0, 3, 0]], np.array([[0, 1, 2]])
    np.testing.assert_array_equal(TriNormalsScaled(v, f).r, [0, 0, 6])
    np.testing.assert_array_equal(TriNormals(v, f).r, [0, 0, 1])
    np.testing.assert_array_equal(VertNormals(v, f).r, [[0, 0, 1]] * 3)
    np.testing.assert_array_equal(TriNormals(v, f[:, ::-1]).r, [0, 0, -1])


def test_vertex_normals_are_those_of_the_loop():
    for v, f in (bumpy_sphere(), open_mesh()):
        np.testing.assert_allclose(VertNormals(v, f).r, vertex_normals(v, f), rtol=0, atol=1e-14)


def test_normals_of_a_regular_body_point_outward():
    octahedron = np.concatenate((np.eye(3), -np.eye(3)))
    f = np.array([[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5],
                  [0, 4, 5]])
    np.testing.assert_allclose(VertNormals(octahedron, f).r, octahedron, atol=1e-15)


@pytest.mark.parametrize("mesh", [bumpy_sphere, open_mesh])
@pytest.mark.parametrize("make", [VertNormals, lambda v, f: VertNormals(v, f, normalized=False), TriNormals,
                                  TriNormalsScaled, TriArea, AcosTriAngles, volume, face_bases,
                                  lambda v, f: TriEdges(f, 2, 0, v),
                                  lambda v, f: TriArea(v, f, normalize=True),
                                  lambda v, f: AcosTriAngles(v, f, normalize=True)])
def test_derivatives_on_meshes(mesh, make):
    v, f = mesh()
    v = Ch(v)
    assert_derivative(make(v, f), v)


def test_unnormalized_normals_scale_like_edges():
    v, f = bumpy_sphere()
    small, large = (VertNormals(v * scale, f, normalized=False).r for scale in (1, 9))
    np.testing.assert_allclose(large, 9 * small, rtol=1e-13)
    np.testing.assert_allclose(NormalizedNx3(small).r, VertNormals(v, f).r, atol=1e-14)


def test_flat_vertices_do_as_well():
    v, f = bumpy_sphere()
    flat = Ch(v.ravel())
    np.testing.assert_array_equal(VertNormals(flat, f).r, VertNormals(v, f).r)
    assert_derivative(VertNormals(flat, f), flat)


def degenerate_mesh():
    """A triangle, one collapsed to a line, one to a point, one with a vertex twice; a vertex alone."""
    v = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [3, 3, 3], [3, 3, 3], [3, 3, 3], [5, 5, 5]])
    return v, np.array([[0, 1, 2], [0, 1, 3], [4, 5, 6], [1, 1, 2]])


@pytest.mark.parametrize("make", [VertNormals, lambda v, f: VertNormals(v, f, normalized=False), TriNormals,
                                  TriArea, AcosTriAngles, face_bases, SecondFundamentalForm])
def test_degenerate_faces_give_no_nan(make):
    v, f = degenerate_mesh()
    v = Ch(v)
    node = make(v, f)
    assert np.isfinite(node.r).all()
    assert np.isfinite(node.dr_wrt(v).toarray()).all()
    assert np.isfinite(node.jvp(v, np.ones(v.size))).all()
    assert np.isfinite(node.vjp(v, np.ones(node.size))).all()


def test_what_has_no_direction_has_value_and_derivative_zero():
    v, f = degenerate_mesh()
    v = Ch(v)
    normals, face_normals = VertNormals(v, f), TriNormals(v, f)
    np.testing.assert_array_equal(normals.r[4:], 0)
    np.testing.assert_array_equal(normals.dr_wrt(v)[12:].toarray(), 0)
    np.testing.assert_array_equal(face_normals.r.reshape(-1, 3), [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(face_normals.dr_wrt(v)[3:].toarray(), 0)
    np.testing.assert_array_equal(TriArea(v, f).dr_wrt(v)[1:].toarray(), 0)


def test_a_jacobian_does_not_disturb_later_products():
    v, f = bumpy_sphere()
    v = Ch(v)
    for node in VertNormals(v, f), TriNormalsScaled(v, f):
        tangent = np.arange(v.size, dtype=float)
        before = node.jvp(v, tangent)
        node.dr_wrt(v)
        np.testing.assert_array_equal(node.jvp(v, tangent), before)


def test_normals_follow_vertices_faces_and_their_number():
    v, f = bumpy_sphere()
    node = VertNormals(Ch(v), f)
    node.r
    node.v.x = 2 * v + 1
    np.testing.assert_allclose(node.r, vertex_normals(v, f), atol=1e-14)
    node.f = f[:, ::-1]
    np.testing.assert_allclose(node.r, -vertex_normals(v, f), atol=1e-14)
    other_v, other_f = bumpy_sphere(40, seed=1)
    node.set(v=other_v, f=other_f)
    np.testing.assert_allclose(node.r, vertex_normals(other_v, other_f), atol=1e-14)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(node)).r, node.r)


def test_areas_and_angles():
    v = np.array([[0.0, 0, 0], [4, 0, 0], [0, 3, 0], [2, np.sqrt(12), 0]])
    f = np.array([[0, 1, 2], [0, 1, 3]])
    np.testing.assert_allclose(TriArea(v, f).r, [6, 4 * np.sqrt(3)])
    np.testing.assert_allclose(AcosTriAngles(v, f).r, [[0, 0.5], [0.8, 0.5], [0.6, 0.5]], atol=1e-15)


def test_area_can_be_given_other_vertices():
    v, f = bumpy_sphere()
    area = TriArea(v, f)
    before = area.r
    area.v = 3 * v
    np.testing.assert_allclose(area.r, 9 * before)


def test_normalized_vertices_lie_on_the_unit_sphere():
    v, f = bumpy_sphere()
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    np.testing.assert_allclose(TriArea(v, f, normalize=True).r, TriArea(unit, f).r)
    np.testing.assert_allclose(AcosTriAngles(v, f, normalize=True).r, AcosTriAngles(unit, f).r)


def test_volume():
    assert volume(TETRAHEDRON, TETRAHEDRON_FACES).r == pytest.approx(1 / 6, rel=1e-15)
    assert volume(TETRAHEDRON + 7, TETRAHEDRON_FACES).r == pytest.approx(1 / 6, rel=1e-12)
    inside_out = Ch(TETRAHEDRON)
    node = volume(inside_out, TETRAHEDRON_FACES[:, ::-1])
    assert node.r == pytest.approx(1 / 6, rel=1e-15)
    assert_derivative(node, inside_out)


# ---------------------------------------------------------------------- frames and deformation

def test_face_bases_are_two_sides_and_a_normal_that_scales_like_them():
    bases = face_bases(TETRAHEDRON, TETRAHEDRON_FACES).r
    np.testing.assert_array_equal(bases[1], [[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    np.testing.assert_allclose(face_bases(5 * TETRAHEDRON, TETRAHEDRON_FACES).r, 5 * bases)


def test_edge_defs_take_one_face_to_the_next_whatever_the_pose():
    v, f = open_mesh()
    deformations = edge_defs(v, f)
    posed = edge_defs(3 * v @ Rodrigues([0.3, -1.0, 0.4]).r.T + [1, 2, 3], f)
    np.testing.assert_allclose(posed.r, deformations.r, rtol=0, atol=1e-11)
    variable = Ch(v)
    assert_derivative(edge_defs(variable, f), variable, tolerance=1e-7)


# ---------------------------------------------------------------------- curvature

def smooth_sphere(levels):
    """A unit sphere of triangles more alike than those of `icosphere`."""
    sphere = icosphere(0)
    v, f = sphere.v, sphere.f
    for _ in range(levels):
        weights, f = loop_weights(v, f)
        v = weights @ v
        v /= np.linalg.norm(v, axis=1, keepdims=True)
    return v, f


def test_quadric_fit_finds_the_quadric():
    random = np.random.default_rng(0)
    s, t = random.standard_normal((2, 12))
    group = np.repeat([0, 2], 6)
    expected = np.array([[1.0, -0.5, 2.0], [0, 0, 0], [-3.0, 0.25, 0.5]])
    L, M, N = expected[group].T
    points = Ch(np.stack((s, t, 0.5 * L * s**2 + M * s * t + 0.5 * N * t**2), axis=1))
    np.testing.assert_allclose(QuadricFit(points, group, 3).r, expected, atol=1e-12)
    points.x = random.standard_normal((12, 3))
    assert_derivative(QuadricFit(points, group, 3), points, tolerance=1e-7)


def test_quadric_fit_with_too_few_points_is_the_smallest():
    random = np.random.default_rng(1)
    points = Ch(random.standard_normal((2, 3)))
    s, t, h = points.r.T
    expected = np.linalg.pinv(np.stack((0.5 * s * s, s * t, 0.5 * t * t), axis=1)) @ h
    np.testing.assert_allclose(QuadricFit(points, np.zeros(2, int), 1).r, [expected], rtol=1e-10)
    assert_derivative(QuadricFit(points, np.zeros(2, int), 1), points, tolerance=1e-7)


@pytest.mark.parametrize("mesh", [bumpy_sphere, open_mesh])
@pytest.mark.parametrize("make", [SecondFundamentalForm, GaussianCurvature])
def test_derivatives_of_curvature(mesh, make):
    v, f = mesh()
    v = Ch(v)
    assert_derivative(make(v, f), v, tolerance=1e-6)


@pytest.mark.parametrize("radius", [0.5, 2.0])
def test_curvature_of_a_sphere(radius):
    v, f = smooth_sphere(3)
    form = SecondFundamentalForm(radius * v, f).r * radius
    # Outward normals: the sphere bends away from them.
    np.testing.assert_allclose(form, np.tile([-1, 0, -1], (len(v), 1)), atol=0.03)
    np.testing.assert_allclose(GaussianCurvature(radius * v, f).r * radius**2, 1, atol=0.03)


def test_curvature_of_a_saddle_is_negative_and_of_a_plane_zero():
    flat = plane(0.2, segments=4)
    x, y, _ = flat.v.T
    np.testing.assert_allclose(GaussianCurvature(flat.v, flat.f).r, 0, atol=1e-12)
    assert GaussianCurvature(np.stack((x, y, 1.5 * x * y), axis=1), flat.f).r[12] == pytest.approx(-1.5**2, rel=0.02)


# ---------------------------------------------------------------------- bad input

@pytest.mark.parametrize("make, error, message", [
    (lambda v, f: VertNormals(v[:, :2], f), ValueError, r"v must have shape \(N, 3\).*got \(24, 2\)"),
    (lambda v, f: VertNormals(np.where(v > 0.9, np.nan, v), f), ValueError, "v must be finite"),
    (lambda v, f: VertNormals(v, f + 30), ValueError, "0 to 23"),
    (lambda v, f: VertNormals(v, f - 1), ValueError, "0 to 23"),
    (lambda v, f: VertNormals(v, f[:, :2]), ValueError, r"shape \(F, 3\)"),
    (lambda v, f: VertNormals(v, f * 1.0), TypeError, "integers"),
    (lambda v, f: VertNormals(v), AttributeError, "needs f"),
    (lambda v, f: VertNormals(f=f), AttributeError, "needs v"),
    (lambda v, f: TriEdges(f * 1.0, 1, 0, v), TypeError, "integer array"),
    (lambda v, f: TriEdges(f + 30, 1, 0, v), ValueError, "index the 24 rows"),
    (lambda v, f: TriNormals(np.zeros(7), f), ValueError, r"got \(7,\)"),
    (lambda v, f: Rodrigues(np.zeros(4)), ValueError, "rt must have 3 entries, got 4"),
    (lambda v, f: Rodrigues([0, np.inf, 0]), ValueError, r"rt must be finite; entry \[1\] is inf"),
    (lambda v, f: SecondFundamentalForm(v, f[:0]), ValueError, "must have a face"),
])
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(*bumpy_sphere()).r


def test_a_mesh_without_faces_has_no_normals():
    v = Ch(np.ones((2, 3)))
    node = VertNormals(v, np.zeros((0, 3), int))
    np.testing.assert_array_equal(node.r, 0)
    assert node.dr_wrt(v).nnz == 0
    assert ch.sum(TriArea(v, np.zeros((0, 3), int))).r == 0
