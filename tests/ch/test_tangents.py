"""Tangents that know which columns they have, against those with all of them."""
import tracemalloc

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.ch import differentiation, spread_tangent, tangents
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import make_loss
from opendr_lite.ch.tangents import FormedTangent

N = 7


def tangent(columns, rows=5, seed=0):
    """Random entries in some columns, as a tangent and as an array."""
    matrix = np.random.default_rng(seed).standard_normal((rows, len(columns)))
    whole = np.zeros((rows, N))
    whole[:, columns] = matrix
    return FormedTangent([(tuple(columns), matrix)], whole.shape), whole


@pytest.mark.parametrize("long", [0, 2**16])
@pytest.mark.parametrize("columns", [([0, 1], [0, 1]), ([0, 1], [2, 3, 4, 5, 6]), ([2, 3], [0, 1]), ([0, 2, 4], [1, 2]),
                                     ([1, 5], [3]), (list(range(N)), [6])])
def test_sums(monkeypatch, columns, long):
    monkeypatch.setattr(tangents, "_LONG", long)
    (one, first), (other, second) = (tangent(own, seed=seed) for seed, own in enumerate(columns))
    total = one + other
    np.testing.assert_array_equal(total.form(), first + second)
    together = [column for own, _ in total.blocks for column in own]
    assert sorted(together) == sorted(set(columns[0]).union(columns[1])), "each once"
    assert len(total.blocks) == (1 if long or set(columns[0]).intersection(columns[1]) else 2)
    again = total + tangent([0, 3], seed=2)[0]
    np.testing.assert_array_equal(again.form(), first + second + tangent([0, 3], seed=2)[1])


def test_a_part_of_a_variable_has_its_own_columns():
    pose = ch.Ch(np.linspace(0.1, 0.7, N))
    seeds = [(pose, FormedTangent.of(np.eye(N)))]
    for part, columns in ((pose[:3], (0, 1, 2)), (ch.sin(pose[[5, 1]]), (1, 5)), (pose * 2.0, tuple(range(N)))):
        found, = differentiation.push_forward([part], seeds)
        assert [own for own, _ in found.blocks] == [columns]
        np.testing.assert_array_equal(found.form(), part.dr_wrt(pose).toarray())


@pytest.mark.parametrize("long", [0, 2**16])
def test_jacobian_of_parts_of_variables_that_meet(monkeypatch, long):
    monkeypatch.setattr(tangents, "_LONG", long)
    pose, scale = ch.Ch(np.linspace(0.1, 0.7, N)), ch.Ch([1.5, 0.5])
    fun = [ch.tile(ch.sin(pose[:2]) * scale[0], 4) + ch.cos(pose[1:N:2]).sum(), scale * 2.0, pose[6] * scale]
    unknown = [scale[[1, 0]], pose[[6, 1, 0, 3]]]
    problem = Problem(fun, unknown, make_loss("linear"))
    expected = np.vstack([np.hstack([np.zeros((part.size, variable.size)) if part.dr_wrt(variable) is None
                                     else part.dr_wrt(variable).toarray() for variable in unknown]) for part in fun])
    np.testing.assert_allclose(problem.jacobian("dense").to_dense(), expected, atol=1e-15)
    r, weights = problem.residual(), np.linspace(0.5, 1.5, len(expected))
    matrix, gradient = problem.normal_equations(r, weights)
    np.testing.assert_allclose(matrix, (expected.T * weights) @ expected, atol=1e-14)
    np.testing.assert_allclose(gradient, (expected.T * weights) @ r, atol=1e-14)


def centred(x):
    """Residuals whose Jacobians are full, full but for a part, and not: a mean, of squares, depends on all of x."""
    mean = ch.mean(x ** 2, axis=0)
    return [x - mean, mean - ch.sin(x), 2.0 * (x - mean)[:5] + x[5:10], 0.5 * x]


@pytest.mark.parametrize("combined", [list, lambda parts: [ch.Batch(parts)]])
def test_what_depends_on_everything_is_not_formed(monkeypatch, combined):
    x = ch.Ch(np.random.default_rng(0).standard_normal((12, 3)))
    fun = combined(centred(x))
    problem = Problem(fun, [x], make_loss("linear"))
    expected = np.vstack([part.dr_wrt(x).toarray() for part in fun])
    r, weights = problem.residual(), np.linspace(0.5, 1.5, len(expected))
    for work in (spread_tangent._WORK, 100.0):
        monkeypatch.setattr(spread_tangent, "_WORK", work)
        matrix, gradient = problem.sparse_normal_equations(r, weights, whatever_it_costs=True)
        np.testing.assert_allclose(matrix.toarray(), (expected.T * weights) @ expected, atol=1e-13)
        np.testing.assert_allclose(gradient, (expected.T * weights) @ r, atol=1e-13)
    assert problem.sparse_normal_equations(r, weights) is None


def test_a_mean_of_many_takes_no_memory_of_the_square_of_their_number():
    x = ch.Ch(np.zeros((3000, 3)))
    goal = np.random.default_rng(0).standard_normal((3000, 3))
    tracemalloc.start()
    try:
        ch.minimize([x - ch.mean(x, axis=0) - goal, 0.1 * x], x0=[x], options={"maxiter": 3})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(x.r, (goal - goal.mean(axis=0)) / 1.01, atol=1e-6)
    assert peak < 0.2 * 8 * 3 * 3000 ** 2
