"""Tangents that know which columns they have, against those with all of them."""
import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.ch import differentiation, tangents
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
