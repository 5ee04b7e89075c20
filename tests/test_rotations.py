"""Rotations against SciPy's, in all ways to write them; rigid motions against the matrix exponential."""
import itertools
import pickle
from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from scipy.linalg import expm, expm_frechet
from scipy.spatial.transform import Rotation

from opendr_lite import geometry
from opendr_lite.ch import Ch
from opendr_lite.geometry import (
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    convert_rotation,
    euler_angles_to_matrix,
    matrix_to_axis_angle,
    matrix_to_euler_angles,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
    se3_exp,
    se3_log,
)
from opendr_lite.geometry.rotation_ways import WAYS
from opendr_lite.geometry.rotations import coefficient_slopes, coefficients, inverse_left_jacobian
from opendr_lite.geometry.rows import skew
from tests.derivatives import assert_derivative

EULER = [name for name in WAYS if len(name) == 3]
OTHERS = [name for name in WAYS if len(name) > 3]
AXIS = np.array([1.0, -2.0, 0.5]) / np.linalg.norm([1.0, -2.0, 0.5])
ANGLES = [0.0, 1e-170, 1e-12, 1e-9, 1e-4, 0.1, 0.999, 1.001, 2.0, 3.0, np.pi - 1e-4, np.pi - 1e-8, np.pi]
SPECIAL = [np.eye(3), *(Rotation.from_rotvec(np.pi / 2 * k * axis).as_matrix()
                        for axis in (*np.eye(3), AXIS) for k in (1, 2, 3))]


def random_rotations(count, seed=0):
    """As quaternions (count, 4), real part first."""
    q = np.random.default_rng(seed).standard_normal((count, 4))
    return q / np.linalg.norm(q, axis=1, keepdims=True)


def scipys(name, rotation):
    """What SciPy makes of a rotation."""
    if name == "quaternion":
        q = np.roll(rotation.as_quat(), 1, axis=-1)
        return np.where(q[..., :1] < 0, -q, q)
    return {"axis_angle": rotation.as_rotvec, "matrix": rotation.as_matrix,
            "rotation_6d": lambda: rotation.as_matrix()[..., :2, :].reshape(-1, 6)}.get(
                name, lambda: rotation.as_euler(name))()


ROTATIONS = Rotation.from_quat(np.roll(random_rotations(6), -1, axis=1))


# ---------------------------------------------------------------------- values

@pytest.mark.parametrize("target", WAYS)
@pytest.mark.parametrize("source", WAYS)
def test_every_way_to_every_other(source, target):
    converted = convert_rotation(scipys(source, ROTATIONS), source, target)
    if (source, target) == ("axis_angle", "quaternion"):
        assert (converted[:, 0] >= 0).all()          # no vector is longer than π here
    np.testing.assert_allclose(converted, scipys(target, ROTATIONS), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("R", SPECIAL, ids=lambda R: str(np.round(Rotation.from_matrix(R).as_rotvec(), 2)))
def test_quarter_and_half_turns_come_back(name, R):
    np.testing.assert_allclose(convert_rotation(convert_rotation(R, "matrix", name), name, "matrix"), R,
                               rtol=0, atol=2e-15)


@pytest.mark.parametrize("angle", ANGLES)
def test_small_and_large_angles(angle):
    r = angle * AXIS
    R = axis_angle_to_matrix(r)
    np.testing.assert_allclose(R, expm(skew(r)), rtol=0, atol=1e-14)
    back = matrix_to_axis_angle(R)
    np.testing.assert_allclose(back if angle < np.pi else back * np.sign(back @ AXIS), r, rtol=0, atol=1e-14)
    q = axis_angle_to_quaternion(r)
    np.testing.assert_allclose(q, [np.cos(angle / 2), *np.sin(angle / 2) * AXIS], rtol=0, atol=5e-16)
    np.testing.assert_allclose(quaternion_to_axis_angle(q) if angle < np.pi else r, r, rtol=0, atol=1e-14)


def test_quaternions_beyond_half_a_turn():
    q = axis_angle_to_quaternion(4 * AXIS)
    np.testing.assert_allclose(q, [np.cos(2), *np.sin(2) * AXIS], rtol=1e-14)
    np.testing.assert_allclose(quaternion_to_axis_angle(q), (4 - 2 * np.pi) * AXIS, rtol=1e-14)
    np.testing.assert_allclose(quaternion_to_matrix(-3 * q), quaternion_to_matrix(q), rtol=0, atol=1e-15)


def test_conventions():
    half = np.sqrt(0.5)
    quarter_around_z = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(quaternion_to_matrix([half, 0, 0, half]), quarter_around_z, atol=1e-15)
    np.testing.assert_allclose(axis_angle_to_matrix([0, 0, np.pi / 2]), quarter_around_z, atol=1e-15)
    np.testing.assert_allclose(rotation_6d_to_matrix([0, -2, 0, 3, 5, 0]), quarter_around_z, atol=1e-15)
    np.testing.assert_allclose(matrix_to_rotation_6d(quarter_around_z), [0, -1, 0, 1, 0, 0], atol=1e-15)
    x, y, z = (axis_angle_to_matrix(angle * axis) for angle, axis in zip((0.1, 0.2, 0.3), np.eye(3)))
    np.testing.assert_allclose(euler_angles_to_matrix([0.1, 0.2, 0.3], "XYZ"), x @ y @ z, atol=1e-15)
    np.testing.assert_allclose(euler_angles_to_matrix([0.3, 0.2, 0.1], "ZYX"), z @ y @ x, atol=1e-15)
    np.testing.assert_allclose(matrix_to_euler_angles(z @ y @ x, "ZYX"), [0.3, 0.2, 0.1], atol=1e-15)
    assert geometry.so3_exp is axis_angle_to_matrix and geometry.so3_log is matrix_to_axis_angle


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,)])
@pytest.mark.parametrize("name", [*OTHERS, "XYZ", "ZXZ"])
def test_leading_axes(name, shape):
    R = np.broadcast_to(SPECIAL[4] @ SPECIAL[2], shape + (3, 3))
    written = convert_rotation(R, "matrix", name)
    assert written.shape == shape + WAYS[name].shape and type(written) is np.ndarray
    np.testing.assert_allclose(convert_rotation(written, name, "matrix"), R, atol=1e-14)
    node = convert_rotation(Ch(written), name, "quaternion")
    assert node.shape == shape + (4,) and node.jvp(node.rotation, np.zeros(written.size)).shape == (node.size,)


def test_a_matrix_that_is_nearly_a_rotation_stands_for_the_nearest():
    M = SPECIAL[4] + 1e-5 * np.random.default_rng(0).standard_normal((3, 3))
    U, _, Vt = np.linalg.svd(M)
    for name in OTHERS:
        np.testing.assert_allclose(convert_rotation(convert_rotation(M, "matrix", name), name, "matrix"), U @ Vt,
                                   rtol=0, atol=1e-15)
        variable = Ch(M)
        assert_derivative(convert_rotation(variable, "matrix", name), variable, tolerance=1e-8)


@pytest.mark.parametrize("convention", EULER)
def test_gimbal_lock_has_angles_but_no_derivative(convention):
    middle = 0.0 if convention[0] == convention[2] else np.pi / 2
    for beta in (middle, middle + 1e-12, middle - 1e-7):
        R = euler_angles_to_matrix([0.4, beta, -0.7], convention)
        angles = matrix_to_euler_angles(R, convention)
        np.testing.assert_allclose(euler_angles_to_matrix(angles, convention), R, rtol=0, atol=2e-15)
    variable = Ch(euler_angles_to_matrix([0.4, middle, -0.7], convention))
    with pytest.raises(ValueError, match=f"Euler angles {convention} have no derivative .*gimbal lock"):
        matrix_to_euler_angles(variable, convention).dr_wrt(variable)


# ---------------------------------------------------------------------- derivatives

@pytest.mark.parametrize("source, target", [
    *itertools.product(OTHERS, OTHERS), *itertools.product(OTHERS, ["XYZ", "ZYX", "YXY", "ZXZ"]),
    *itertools.product(["XYZ", "YZX", "ZYZ"], [*OTHERS, "YXZ"])])
def test_derivatives(source, target):
    variable = Ch(1.0 * scipys(source, ROTATIONS[:3]) * (1.5 if source in ("quaternion", "rotation_6d") else 1))
    assert_derivative(convert_rotation(variable, source, target), variable, tolerance=1e-7)


@pytest.mark.parametrize("angle", ANGLES + [4.0, 6.0])
def test_derivatives_at_small_and_large_angles(angle):
    r = Ch(angle * AXIS)
    for target in ("matrix", "quaternion", "rotation_6d"):
        assert_derivative(convert_rotation(r, "axis_angle", target), r, tolerance=1e-8)
    R = axis_angle_to_matrix(r)
    if angle < np.pi - 1e-5:
        assert_derivative(matrix_to_axis_angle(R), r, tolerance=1e-8)
        np.testing.assert_allclose(matrix_to_axis_angle(R).dr_wrt(r).toarray(), np.eye(3), rtol=0, atol=1e-13)
    np.testing.assert_allclose(axis_angle_to_matrix(matrix_to_axis_angle(R)).dr_wrt(r).toarray(),
                               R.dr_wrt(r).toarray(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(R.dr_wrt(r).toarray().T,
                               [expm_frechet(skew(r.r), skew(e), compute_expm=False).ravel() for e in np.eye(3)],
                               rtol=0, atol=1e-12)


def test_the_logarithm_at_half_a_turn_has_the_derivative_of_its_side():
    R = Ch(axis_angle_to_matrix(np.pi * AXIS))
    r = matrix_to_axis_angle(R)
    spin = np.array([0.3, -0.1, 0.2])
    sign = np.sign(r.r @ AXIS) * np.sign(spin @ AXIS)
    step = -sign * 1e-6                                   # to where the angle is smaller
    moved = matrix_to_axis_angle(axis_angle_to_matrix(step * spin) @ R.r)
    np.testing.assert_allclose((moved - r.r) / step, r.jvp(R, skew(spin) @ R.r), atol=1e-5)


def test_a_pair_of_nodes_is_one_graph():
    a = Ch([0.1, 0.2, 0.3, 1.0, -0.5, 0.7])
    q = matrix_to_quaternion(rotation_6d_to_matrix(a))
    assert_derivative(q, a)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(q)).r, q.r)
    a.x = [1, 0, 0, 0, 1, 0]
    np.testing.assert_array_equal(q.r, [1, 0, 0, 0])


def test_series_and_closed_forms_are_one_function():
    def sums(s, first, slope):
        terms = [Fraction(-1) ** k * Fraction(s) ** (k - slope) * (2 * k if slope else 1) / factorial(2 * k + first)
                 for k in range(slope, 40)]
        return float(sum(terms))

    for s in (0.0, 1e-20, 1e-3, 0.5, 0.999, 1.0, 1.001, 4.0, 9.8):
        np.testing.assert_allclose(coefficients(np.array(s)), [sums(s, k, 0) for k in (1, 2, 3)], rtol=0, atol=5e-16)
        np.testing.assert_allclose(coefficient_slopes(np.array(s)), [sums(s, k, 1) for k in (2, 3)], rtol=0, atol=5e-16)


@pytest.mark.parametrize("angle", ANGLES + [4.0, 6.0])
def test_the_inverse_of_the_left_jacobian(angle):
    J = geometry.rotations.rotation_and_left_jacobian(angle * AXIS)[1]
    np.testing.assert_allclose(inverse_left_jacobian(angle * AXIS) @ J, np.eye(3), rtol=0, atol=1e-14)


# ---------------------------------------------------------------------- rigid motions

def twists(angle, count=3):
    random = np.random.default_rng(2)
    r = random.standard_normal((count, 3))
    return np.hstack((random.standard_normal((count, 3)), angle * r / np.linalg.norm(r, axis=1, keepdims=True)))


@pytest.mark.parametrize("angle", [0.0, 1e-170, 1e-9, 1e-4, 0.999, 1.001, 2.5, np.pi - 1e-6, 4.0])
def test_rigid_motions(angle):
    xi = Ch(twists(angle))
    motion = se3_exp(xi)
    for (a, b, c, x, y, z), M in zip(xi.r, motion.r):
        np.testing.assert_allclose(M, expm(np.array([[0, -z, y, a], [z, 0, -x, b], [-y, x, 0, c], [0, 0, 0, 0]])),
                                   rtol=0, atol=1e-13)
    assert_derivative(motion, xi, tolerance=1e-8)
    if angle < np.pi:
        np.testing.assert_allclose(se3_log(motion).r, xi.r, rtol=0, atol=1e-14)
        np.testing.assert_allclose(se3_log(motion).dr_wrt(xi).toarray(), np.eye(18), rtol=0, atol=1e-13)
    if angle < np.pi - 1e-5:
        variable = Ch(motion.r)
        assert_derivative(se3_log(variable), variable, tolerance=1e-8)


@pytest.mark.parametrize("shape", [(), (2, 3), (0,)])
def test_leading_axes_of_rigid_motions(shape):
    xi = np.broadcast_to(twists(1.0)[0], shape + (6,))
    motion = se3_exp(xi)
    assert type(motion) is np.ndarray and motion.shape == shape + (4, 4) and motion.flags.writeable
    np.testing.assert_allclose(se3_log(motion), xi, atol=1e-14)
    assert se3_log(se3_exp(Ch(xi))).shape == shape + (6,)


# ---------------------------------------------------------------------- bad input

@pytest.mark.parametrize("make, message", [
    (lambda: convert_rotation(np.zeros(3), "axis angle", "matrix"), "source must be 'axis_angle'.*got 'axis angle'"),
    (lambda: convert_rotation(np.zeros(3), "axis_angle", "XXY"), "target must be .*such as 'XYZ'; got 'XXY'"),
    (lambda: convert_rotation(Ch(np.zeros(3)), "axis_angle", "xyz").r, "got 'xyz'"),
    (lambda: convert_rotation(np.zeros(3), "axis_angle", ["X"]), "target must be"),
    (lambda: quaternion_to_matrix([1, 0, 0]), r"a quaternion must have shape \(\.\.\., 4\), got \(3,\)"),
    (lambda: quaternion_to_matrix([[1, 0, 0, 0], [0, 0, 0, 0]]), r"a quaternion must not be 0; got .* at \[1\]"),
    (lambda: axis_angle_to_matrix([0, np.nan, 0]), "a rotation vector must be finite"),
    (lambda: axis_angle_to_matrix(Ch([0, np.inf, 0])).r, "a rotation vector must be finite"),
    (lambda: rotation_6d_to_matrix([1, 0, 0, 2, 0, 0]), "must not be 0 or parallel; got"),
    (lambda: rotation_6d_to_matrix([0, 0, 0, 2, 0, 0]), "must not be 0 or parallel"),
    (lambda: matrix_to_quaternion(np.eye(4)), r"a rotation matrix must have shape \(\.\.\., 3, 3\), got \(4, 4\)"),
    (lambda: matrix_to_quaternion([np.eye(3), 1.01 * np.eye(3)]), r"R Rᵀ = I and det R = 1; got .* at \[1\]"),
    (lambda: matrix_to_axis_angle(-np.eye(3)), "R Rᵀ = I and det R = 1"),
    (lambda: se3_exp(np.zeros(5)), r"a twist must have shape \(\.\.\., 6\), got \(5,\)"),
    (lambda: se3_exp([0, 0, 0, 0, 0, np.nan]), "a twist must be finite"),
    (lambda: se3_log(np.eye(3)), r"a rigid motion must have shape \(\.\.\., 4, 4\), got \(3, 3\)"),
    (lambda: se3_log(np.diag([1.0, 1, 1, 2])), "last row of a rigid motion must be 0, 0, 0, 1"),
    (lambda: se3_log(np.diag([2.0, 1, 1, 1])), "R Rᵀ = I and det R = 1"),
    (lambda: se3_log(np.full((4, 4), np.nan)), "a rigid motion must be finite")])
def test_what_is_no_rotation(make, message):
    with pytest.raises(ValueError, match=message):
        make()
