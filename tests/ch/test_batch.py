"""Many nodes as one: the same as the single ones, computed side by side, as many as are chosen."""
import pickle
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from opendr_lite import ch
from opendr_lite.ch import batch_tangent, differentiation
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import LeastSquares
from opendr_lite.threads import get_num_threads, set_num_threads


class Local(ch.Ch):
    """Products of neighbours, a sparse function of `a`, with a gain."""

    terms = "gain"
    dterms = "a"

    def compute_r(self):
        a = self.a.r.ravel()
        return self.gain * a[1:] * a[:-1]

    def compute_dr_wrt(self, wrt):
        a = self.a.r.ravel()
        return sp.diags([self.gain * a[1:], self.gain * a[:-1]], [0, 1], shape=(a.size - 1, a.size))


def scene(size, count=7, large=False):
    """Residuals of a shape and a brightness that all share, and of an offset that each has; and these variables."""
    rng = np.random.default_rng(size)
    shape, brightness = ch.array(rng.standard_normal(size)), ch.array([1.3])
    bent = ch.sin(shape) * brightness
    offsets = [ch.array([0.1 * k]) for k in range(count)]
    parts = [Local(gain=1.0 + k, a=bent + offset) for k, offset in enumerate(offsets)]
    return parts, [shape, brightness, *offsets]


def problems(size, weight=0.5):
    """The same objective of single nodes, and of a batch, twice for what is above it."""
    parts, variables = scene(size)
    prior = 0.1 * variables[0]
    return variables, [Problem([weight * part for part in parts] + [prior], variables, LeastSquares()),
                       Problem([weight * ch.Batch(parts), prior], variables, LeastSquares()),
                       Problem([ch.Batch([weight * part for part in parts]), prior], variables, LeastSquares())]


@pytest.mark.parametrize("size", [12, 350])
def test_a_batch_is_its_parts(size):
    variables, (single, *batched) = problems(size)
    rng = np.random.default_rng(0)
    r = single.residual()
    u, x = rng.standard_normal(r.size), rng.standard_normal(single.size)
    for problem in batched:
        np.testing.assert_array_equal(problem.residual(), r)
        np.testing.assert_allclose(problem._pull_back(u), single._pull_back(u), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(problem._pull_back(np.stack([u, -u], axis=1)),
                                   single._pull_back(np.stack([u, -u], axis=1)), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(problem._push_forward(x), single._push_forward(x), rtol=1e-12, atol=1e-12)
        for form in ("sparse", "dense"):
            np.testing.assert_allclose(problem.jacobian(form).to_dense(), single.jacobian(form).to_dense(), atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [12, 350])
def test_normal_equations_add_up(size, weighted):
    variables, (single, *batched) = problems(size)
    r = single.residual()
    weights = np.random.default_rng(1).uniform(0.5, 2.0, r.size) if weighted else None
    A, g = single.normal_equations(r, weights)
    for problem in batched:
        for found, gradient in (problem.normal_equations(r, weights), problem.sparse_normal_equations(r, weights)):
            found = found.toarray() if sp.issparse(found) else found
            np.testing.assert_allclose(found, A, rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(gradient, g, rtol=1e-11, atol=1e-11)


def test_derivative_of_a_batch():
    parts, variables = scene(6, count=3)
    batch = ch.Batch(parts)
    for variable in (*variables[:2], variables[-1]):
        assert ch.check_jacobian(batch, variable).ok()
    assert ch.check_jacobian(ch.sum(batch ** 2, axis=1) * 2.0, variables[0]).ok()


def test_derivative_by_what_one_part_alone_is_computed_from():
    parts, variables = scene(6, count=3)
    batch, inner = 2.0 * ch.Batch(parts), parts[1].a
    expected = np.zeros((15, 6))
    expected[5:10] = 2.0 * parts[1].dr_wrt(inner).toarray()
    np.testing.assert_allclose(batch.dr_wrt(inner).toarray(), expected)
    np.testing.assert_allclose(batch.vjp([inner, variables[0]], np.ones(15))[0], expected.sum(axis=0))
    np.testing.assert_allclose(batch.jvp(inner, np.ones(6)), expected.sum(axis=1))


def test_a_part_may_be_a_variable_or_be_used_elsewhere():
    x = ch.array([1.0, 2.0])
    square = x ** 2
    batch = ch.Batch([x, square, ch.sin(square)])
    total = ch.concatenate([batch.ravel(), square])
    expected = np.vstack([np.eye(2), np.diag(2 * x.r), np.diag(2 * x.r * np.cos(x.r ** 2)), np.diag(2 * x.r)])
    np.testing.assert_allclose(total.dr_wrt(x).toarray(), expected)
    np.testing.assert_allclose(total.vjp(x, np.arange(8.0)), expected.T @ np.arange(8.0))
    np.testing.assert_allclose(batch.vjp(batch, np.ones(6)), 1.0)


def test_batches_in_batches():
    parts, (shape, *_) = scene(6, count=4)
    nested = ch.Batch([ch.Batch(parts[:2]), 2.0 * ch.Batch(parts[2:])])
    flat = ch.Batch([*parts[:2], *(2.0 * part for part in parts[2:])])
    np.testing.assert_array_equal(nested.r.ravel(), flat.r.ravel())
    np.testing.assert_allclose(nested.dr_wrt(shape).toarray(), flat.dr_wrt(shape).toarray())
    one, other = (Problem(batch, [shape], LeastSquares()) for batch in (nested, flat))
    equations = (problem.normal_equations(problem.residual(), None) for problem in (one, other))
    for found, expected in zip(*equations):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_shapes():
    x = ch.array([1.0, 2.0])
    assert ch.Batch([x.reshape((1, 2)), 2.0 * x.reshape((1, 2))]).shape == (2, 1, 2)
    uneven = ch.Batch([x, x[0]])
    assert uneven.r.tolist() == [1.0, 2.0, 1.0] and len(uneven) == 2


# ---------------------------------------------------------------------- chosen parts

def test_what_is_not_chosen_is_zero_and_not_computed():
    parts, (shape, brightness, *_) = scene(6, count=4)
    batch = ch.Batch(parts)
    _ = batch.r
    computed = []
    for position, part in enumerate(parts):
        part.compute_r = lambda position=position, compute=part.compute_r: computed.append(position) or compute()
    batch.chosen = [3, 1]
    shape.x = 2.0 * shape.r
    assert batch.chosen == (1, 3) and batch.shape == (4, 5)
    np.testing.assert_array_equal(batch.r[[1, 3]], [parts[1].r, parts[3].r])
    assert not batch.r[[0, 2]].any() and sorted(computed) == [1, 3]
    u = np.random.default_rng(0).standard_normal((4, 5))
    expected = sum(parts[k].vjp(shape, u[k]) for k in (1, 3))
    np.testing.assert_allclose(batch.vjp(shape, u), expected)
    J = batch.dr_wrt(shape).toarray().reshape(4, 5, -1)
    assert not J[[0, 2]].any()
    np.testing.assert_allclose(J[3], parts[3].dr_wrt(shape).toarray())
    assert sorted(computed) == [1, 3]
    batch.chosen = None
    np.testing.assert_array_equal(batch.r, [part.r for part in parts])


def test_a_mask_chooses_too_and_a_copy_keeps_the_choice():
    parts, _ = scene(6, count=3)
    batch = ch.Batch(chosen=[False, True, True], parts=parts)
    assert batch.chosen == (1, 2) == batch.copy().chosen
    np.testing.assert_array_equal(batch.copy().r, batch.r)
    again = pickle.loads(pickle.dumps(batch))
    np.testing.assert_array_equal(again.r, batch.r)
    again.chosen = None
    np.testing.assert_array_equal(again.r, ch.Batch(parts).r)


def test_replacing_a_part():
    x, y = ch.array([1.0, 2.0]), ch.array([5.0, 6.0])
    batch = ch.Batch([x, 2.0 * x])
    _ = batch.r
    batch.replace(x, y)
    assert batch.r.tolist() == [[5.0, 6.0], [10.0, 12.0]]
    np.testing.assert_allclose(batch.vjp(y, np.ones(4)), 3.0)


@pytest.mark.parametrize("parts, error, message", [
    (ch.Ch([1.0]), TypeError, "parts must be a list of nodes, got Ch"), ([], ValueError, "parts is empty"),
    ([1.0], TypeError, r"parts\[0\] must be a node"),
    ("twice", ValueError, r"parts\[1\] is the very node that parts\[0\] is")])
def test_parts_that_are_refused(parts, error, message):
    x = ch.array([1.0])
    with pytest.raises(error, match=message):
        ch.Batch([x, x] if parts == "twice" else parts)


@pytest.mark.parametrize("chosen", [[3], [-1], [0, 0], [], [0.5], [True, False], 1, "all"])
def test_choices_that_are_refused(chosen):
    parts, _ = scene(6, count=3)
    batch = ch.Batch(parts)
    with pytest.raises(ValueError, match="chosen must"):
        batch.chosen = chosen
    assert batch.chosen is None
    with pytest.raises(ValueError, match="chosen must"):
        ch.Batch(chosen=chosen, parts=parts)


# ---------------------------------------------------------------------- threads and memory

@pytest.fixture
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def test_bits_do_not_depend_on_the_number_of_threads(threads):
    variables, (_, problem, _) = problems(4000)
    u = np.random.default_rng(0).standard_normal(problem.residual().size)
    results = []
    for count in (1, 2, 5):
        threads(count)
        for variable in variables:
            variable.clear_cache()
        r = problem.residual()
        A, g = problem.sparse_normal_equations(r, None)
        results.append([r, A.toarray()[:50], g, problem._pull_back(u), problem._push_forward(g)])
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)


def test_parts_are_computed_side_by_side(threads):
    x, meeting = ch.array(np.ones(20000)), threading.Barrier(2)

    class Waiting(ch.Ch):
        dterms = "a"

        def compute_r(self):
            if self.together:
                meeting.wait(timeout=30)
            return self.a.r

    parts = [Waiting(a=x) for _ in range(2)]
    batch = ch.Batch(parts)
    for part in parts:
        part.together = False
    _ = batch.r
    for part in parts:
        part.together = True
    threads(2)
    x.x = np.zeros(20000)
    assert not batch.r.any()


def test_derivatives_of_few_parts_are_there_at_a_time(threads):
    class Counted(ch.Ch):
        dterms = "a"
        alive = most = 0

        def compute_r(self):
            return self.a.r

        def compute_dr_wrt(self, wrt):
            Counted.alive += 1
            Counted.most = max(Counted.most, Counted.alive)
            return sp.identity(wrt.size)

        def forget_maps(self):
            Counted.alive -= bool(self._maps)
            super().forget_maps()

    threads(1)
    x = ch.array(np.ones(400))
    problem = Problem(ch.Batch([Counted(a=x) for _ in range(40)]), [x], LeastSquares())
    A, g = problem.sparse_normal_equations(problem.residual(), None)
    assert Counted.most == 1 and Counted.alive == 0
    np.testing.assert_array_equal(A.toarray(), 40.0 * np.eye(400))
    np.testing.assert_array_equal(g, 40.0)


def test_a_fit_of_a_batch_is_that_of_its_parts():
    found = []
    for as_batch in (False, True):
        parts, variables = scene(8, count=4)
        residuals = [part - 0.3 for part in parts]
        result = ch.minimize(ch.Batch(residuals) if as_batch else residuals, variables[:1], options={"maxiter": 4})
        found.append(result.x)
    np.testing.assert_allclose(*found, rtol=1e-9)


def test_what_is_too_dense_is_told():
    x = ch.array(np.ones(4000))
    parts = [ch.MatVecMult(np.ones((4, 4000)), x), x[:4] + 0.0]
    problem = Problem(ch.Batch(parts), [x], LeastSquares())
    assert problem.sparse_normal_equations(problem.residual(), None) is None


def test_groups_depend_on_the_number_alone():
    assert batch_tangent.groups(5) == [(k, k + 1) for k in range(5)]
    spans = batch_tangent.groups(120)
    assert len(spans) <= 16 and spans[0][0] == 0 and spans[-1][1] == 120
    assert not differentiation.between([ch.Ch(1.0)], [ch.Ch(2.0)])
