"""Steps along the gradient: against plain twins, with schedules, on minibatches, and what is refused."""
import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.ch.first_order import make_schedule
from opendr_lite.ch.linear_maps import LinearMap
from tests.reference import first_order as reference

START = [1.2, -0.4, 0.7, 2.0]


def valley(x):
    """Residuals with a curved valley, of two variables of two entries."""
    a, b = x
    return ch.concatenate([10.0 * (a[1] - a[0] ** 2) * ch.array([1.0]), 1.0 - a, ch.sin(b) * a, b - 0.3])


def valley_gradient(x):
    """Of the sum of squares, by hand."""
    a, b, c, d = x
    steep = 20.0 * 10.0 * (b - a * a)
    return [-2.0 * a * steep - 2.0 * (1.0 - a) + 2.0 * np.sin(c) ** 2 * a, steep - 2.0 * (1.0 - b)
            + 2.0 * np.sin(d) ** 2 * b, 2.0 * np.sin(c) * np.cos(c) * a * a + 2.0 * (c - 0.3),
            2.0 * np.sin(d) * np.cos(d) * b * b + 2.0 * (d - 0.3)]


def states_of(method, options):
    variables = [ch.array(START[:2]), ch.array(START[2:])]
    states = []
    result = ch.minimize(valley(variables), variables, method=method, options=options,
                         callback=lambda state: states.append(state.x))
    return np.array(states), result


FACTORS = {"constant": [1.0] * 8, "exponential": [0.01 ** (k / 7) for k in range(8)],
           "cosine": [0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * k / 7)) for k in range(8)]}


@pytest.mark.parametrize("schedule", list(FACTORS))
@pytest.mark.parametrize("method, options, twin", [
    ("sgd", {"step": 1e-3}, reference.sgd),
    ("momentum", {"step": 1e-3, "decay": 0.8}, reference.momentum),
    ("adam", {"step": 0.02, "betas": (0.8, 0.95), "eps": 1e-6}, reference.adam)])
def test_every_step_is_that_of_the_paper(method, options, twin, schedule):
    found, result = states_of(method, {**options, "schedule": schedule, "maxiter": 8})
    expected = np.array(twin(valley_gradient, START, factors=FACTORS[schedule], **options))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.history["factor"][1:], FACTORS[schedule], atol=1e-15)
    np.testing.assert_allclose(result.history["step"][1:], np.linalg.norm(np.diff(expected, axis=0), axis=1))
    assert (result.nit, result.nfev, result.njev, result.status, result.success) == (8, 9, 8, 0, True)


def test_uniform_adam_has_one_second_moment_for_each_variable():
    found, _ = states_of("adam", {"uniform": True, "step": 0.05, "maxiter": 6})
    expected = reference.adam(valley_gradient, START, 0.05, [1.0] * 6, (0.9, 0.999), 1e-8, groups=[[0, 1], [2, 3]])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    plain, _ = states_of("adam", {"step": 0.05, "maxiter": 6})
    assert np.abs(found - plain).max() > 0.01


def test_each_variable_may_have_its_own_steps():
    found, _ = states_of("adam", {"step": [0.01, [0.0, 0.2]], "maxiter": 1})
    np.testing.assert_allclose(np.abs(found[1] - found[0]), [0.01, 0.01, 0.0, 0.2], rtol=1e-6)


@pytest.mark.parametrize("schedule, expected", [
    ({3: 0.5, 5: 0.1}, [1.0, 1.0, 1.0, 0.5, 0.5, 0.1, 0.1]),
    ({0: 2.0, 4: 0.0}, [2.0, 2.0, 2.0, 2.0, 0.0, 0.0, 0.0]),
    (lambda iteration: 1.0 / (1 + iteration), [1.0 / (1 + k) for k in range(7)])])
def test_other_schedules(schedule, expected):
    _, result = states_of("sgd", {"step": 1e-3, "schedule": schedule, "maxiter": 7})
    np.testing.assert_allclose(result.history["factor"][1:], expected)


def test_the_last_factor_of_a_schedule():
    for name in ("exponential", "cosine"):
        schedule = make_schedule(name, 0.2, 11)
        assert schedule(0) == 1.0 and schedule(10) == pytest.approx(0.2)
    assert make_schedule("cosine", 0.2, 1)(0) == 1.0


def test_the_lowest_state_is_left():
    x = ch.array([0.05])
    result = ch.minimize([x], [x], method="adam", options={"step": 0.06, "maxiter": 3})
    assert result.fun == min(result.history["fun"]) < result.history["fun"][-1]
    assert x.r == result.x and result.fun == pytest.approx(x.r[0] ** 2)


def test_gradient_small_enough():
    x = ch.array([1.0, 2.0])
    result = ch.minimize(x - 3.0, [x], method="sgd", options={"step": 0.5, "e_1": 1e-6})
    assert (result.status, result.nit) == (1, 1)
    x.x = [1.0, 2.0]
    assert ch.minimize(x - 3.0, [x], method="momentum", tol=10.0, options={"step": 0.1}).nit == 0


def test_an_objective_that_is_no_sum_of_squares():
    x = ch.array([2.0, -1.0])
    result = ch.minimize(ch.sum(ch.cosh(x - 1.0)), [x], method="adam", options={"step": 0.1, "maxiter": 300})
    np.testing.assert_allclose(x.r, 1.0, atol=1e-3)
    assert result.fun == pytest.approx(2.0, abs=1e-5)


@pytest.mark.parametrize("method", ["adam", "L-BFGS-B", "Newton-CG"])
def test_entries_are_summed_as_they_are(method, capsys):
    x = ch.array([2.0, -1.0])
    parts = {"high": ch.cosh(x - 1.0), "low": 0.5 * ch.cosh(x - 1.0)}
    result = ch.minimize(parts, [x], method=method, loss="sum",
                         options={"disp": True, **({"step": 0.1, "maxiter": 200} if method == "adam" else {})})
    np.testing.assert_allclose(x.r, 1.0, atol=1e-2)
    assert result.fun == pytest.approx(3.0, abs=1e-3) and result.residuals.size == 4
    assert "high: 2.00e+00 | low: 1.00e+00" in capsys.readouterr().err.splitlines()[-1]
    np.testing.assert_allclose(result.grad, 0.75 * np.sinh(x.r - 1.0), atol=1e-12)
    with pytest.raises(ValueError, match="not a residual: it has no covariance"):
        result.covariance()


class Backward(ch.Ch):
    """The identity, whose derivative can only be applied transposed."""

    dterms = "a"

    def compute_r(self):
        return self.a.r

    def compute_dr_wrt(self, wrt):
        return OnlyTransposed((self.size, self.size))


class OnlyTransposed(LinearMap):
    def apply_transpose(self, y):
        return y


@pytest.mark.parametrize("method", ["adam", "sgd", "momentum", "L-BFGS-B", "CG", "BFGS"])
def test_products_with_the_transposed_derivative_are_enough(method):
    x = ch.array([2.0, -1.0])
    options = {"step": 0.1, "maxiter": 200} if method in ("adam", "sgd", "momentum") else {}
    views = ch.Batch([Backward(x) - 1.0, Backward(2.0 * x)])
    result = ch.minimize({"views": views}, [x], method=method, options=options)
    np.testing.assert_allclose(x.r, 0.2, atol=1e-3)
    assert np.abs(result.grad).max() < 1e-2


def test_an_objective_that_breaks_leaves_the_best_state():
    x = ch.array([1.0])
    result = ch.minimize(ch.sqrt(x), [x], method="sgd", options={"step": 3.0})
    assert result.status == -3 and not result.success and "not finite after 1 steps" in result.message
    assert x.r == 1.0


def test_a_derivative_that_is_not_finite_is_named():
    x = ch.array([0.0, 1.0])
    result = ch.minimize(ch.sqrt(x) + 1.0, [x], method="adam")
    assert result.status == -3 and "x0[0]" in result.message


def test_interrupt_and_callback():
    def interrupt(state):
        if state.nit == 3:
            raise KeyboardInterrupt

    def stop(state):
        if state.nit == 2:
            raise StopIteration

    for callback, status, nit in ((interrupt, -1, 3), (stop, -2, 2)):
        x = ch.array([1.0])
        result = ch.minimize([x - 3.0], [x], method="adam", callback=callback)
        assert (result.status, result.nit) == (status, nit)
        assert x.r == result.x == pytest.approx(1.0 + 0.01 * nit, abs=1e-4)


# ---------------------------------------------------------------------- minibatches

def batch_of_lines(count=10):
    """Residuals of a line, one point each, and the unknown slope and offset."""
    rng = np.random.default_rng(5)
    line = ch.array([0.0, 0.0])
    places = rng.uniform(-1.0, 1.0, count)
    return ch.Batch([line[0] * place + line[1] - (2.0 * place - 1.0 + 0.1 * rng.standard_normal())
                     for place in places]), line


def run_on_minibatches(weight=1.0, **options):
    batch, line = batch_of_lines()
    objective = {"points": batch if weight == 1.0 else weight * batch, "prior": 0.1 * line}
    chosen = []
    result = ch.minimize(objective, [line], method="adam", callback=lambda: chosen.append(batch.chosen),
                         options={"step": 0.05, "maxiter": 12, "batch_size": 3, **options})
    return result, chosen, batch, line


def test_minibatches_are_those_of_the_seed():
    (first, drawn, batch, line), (again, drawn_again, *_) = run_on_minibatches(), run_on_minibatches()
    other, drawn_otherwise, *_ = run_on_minibatches(seed=1)
    assert drawn == drawn_again and drawn != drawn_otherwise
    np.testing.assert_array_equal(first.x, again.x)
    assert (first.x != other.x).any()
    assert all(len(set(chosen)) == 3 for chosen in drawn[:-1]) and drawn[-1] is None and batch.chosen is None
    for epoch in range(3):  # without replacement
        assert len({part for chosen in drawn[3 * epoch:3 * epoch + 3] for part in chosen}) == 9
    assert first.fun == first.history["fun"][-1] == pytest.approx(np.sum(batch.r ** 2) + 0.01 * np.sum(line.r ** 2))


def test_estimates_from_minibatches_are_right_on_average():
    """Over all minibatches of 9 out of 10, objective and gradient are those of the whole."""
    batch, line = batch_of_lines()
    part = 0.5 * batch
    whole = np.sum(part.r ** 2), 2.0 * part.vjp(line, part.r)
    values, gradients = [], []
    for left_out in range(10):
        batch.chosen = np.arange(10) != left_out
        values.append(np.sum(part.r ** 2) * 10 / 9)
        gradients.append(2.0 * part.vjp(line, part.r) * 10 / 9)
    np.testing.assert_allclose([np.mean(values), *np.mean(gradients, axis=0)], [whole[0], *whole[1]])


@pytest.mark.parametrize("weight", [1.0, 0.5])
@pytest.mark.parametrize("loss", ["linear", "sum", "cauchy"])
def test_the_first_step_is_along_the_gradient_of_the_minibatch(weight, loss):
    def terms(parts, x):
        prior = 0.1 * x
        if loss == "sum":
            return parts.sum() + prior.sum()
        squares = [parts ** 2, prior ** 2]
        return sum(ch.sum(s if loss == "linear" else ch.log(1.0 + s)) for s in squares)

    batch, line = batch_of_lines()
    chosen = []
    objective = {"points": weight * batch if weight != 1.0 else batch, "prior": 0.1 * line}
    result = ch.minimize(objective, [line], method="sgd", loss=loss, callback=lambda: chosen.append(batch.chosen),
                         options={"step": 1e-3, "maxiter": 1, "batch_size": 4})
    line.x = [0.0, 0.0]
    drawn = ch.concatenate([ch.atleast_1d(batch.parts[i]) for i in chosen[0]])
    without_prior = terms(weight * drawn, 0.0 * line)
    gradient = 10 / 4 * without_prior.vjp(line, [1.0]) + (terms(0.0 * drawn, line)).vjp(line, [1.0])
    np.testing.assert_allclose(result.x, -1e-3 * gradient.ravel(), rtol=1e-10)


def test_batches_of_the_same_views_are_drawn_alike():
    (first, line), (second, _) = batch_of_lines(), batch_of_lines()
    second = ch.Batch([3.0 * part for part in first.parts])
    drawn = []
    ch.minimize([first, second], [line], method="adam", options={"batch_size": 2, "maxiter": 5},
                callback=lambda: drawn.append((first.chosen, second.chosen)))
    assert all(one == other for one, other in drawn) and len(set(drawn)) > 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_after_an_error_the_objective_is_whole(error):
    batch, line = batch_of_lines()

    def fail(state):
        if state.nit == 2:
            raise error

    if error is KeyboardInterrupt:
        result = ch.minimize(batch, [line], method="adam", callback=fail, options={"batch_size": 2})
        assert result.status == -1 and result.fun == pytest.approx(np.sum(batch.r ** 2))
    else:
        with pytest.raises(error):
            ch.minimize(batch, [line], method="adam", callback=fail, options={"batch_size": 2})
    assert batch.chosen is None and np.count_nonzero(batch.r) == 10


# ---------------------------------------------------------------------- what is refused

@pytest.mark.parametrize("method, options, message", [
    ("sgd", {}, "method 'sgd' needs option step"),
    ("momentum", {"step": 0.1, "decay": 1.0}, "decay must be below 1"),
    ("momentum", {"step": -0.1}, "step must be numbers that are not negative"),
    ("adam", {"step": [0.1, 0.2]}, r"one number, or an entry for each of the 1 items of x0, got 2"),
    ("adam", {"step": "large"}, "is no number"),
    ("adam", {"step": [np.ones(5)]}, "cannot be broadcast to the shape of x0"),
    ("adam", {"step": np.nan}, "step must be numbers"),
    ("adam", {"betas": 0.9}, "betas must be two numbers from 0 to below 1"),
    ("adam", {"betas": (0.9, 1.0)}, "betas must be two numbers"),
    ("adam", {"decay": 0.9}, "method 'adam' has no option 'decay'; it has 'disp', 'step', 'betas'"),
    ("adam", {"maxiter": 2.5}, "maxiter must be a whole number"),
    ("adam", {"schedule": "linear"}, "schedule must be one of 'constant', 'exponential', 'cosine'"),
    ("adam", {"schedule": {}}, "schedule must be one of"),
    ("adam", {"schedule": lambda k: -1.0}, "factor of a step must be a number that is not negative, at iteration 0"),
    ("adam", {"last": 0.0}, "last must be a number above 0"),
    ("adam", {"batch_size": 2}, "batch_size needs an item of fun that is a Batch"),
    ("adam", {"uniform": "yes"}, "uniform must be True or False")])
def test_options_that_are_refused(method, options, message):
    x = ch.array([1.0, 2.0])
    with pytest.raises(ValueError, match=message):
        ch.minimize(x, [x], method=method, options=options)
    np.testing.assert_array_equal(x.r, [1.0, 2.0])


@pytest.mark.parametrize("options, message", [
    ({"batch_size": 11}, "batch_size must be from 1 to 10"),
    ({"batch_size": 0}, "batch_size must be a whole number from 1"),
    ({"batch_size": 2, "seed": -1}, "seed must be a whole number from 0")])
def test_minibatches_that_are_refused(options, message):
    batch, line = batch_of_lines()
    with pytest.raises(ValueError, match=message):
        ch.minimize(batch, [line], method="adam", options=options)


@pytest.mark.parametrize("computed", [lambda batch: ch.sum(batch) * np.ones(2), lambda batch: batch - 1.0,
                                      lambda batch: batch[::-1]])
def test_what_is_computed_from_a_batch_is_no_batch(computed):
    batch, line = batch_of_lines()
    with pytest.raises(ValueError, match="computed from a batch, but is no multiple of it"):
        ch.minimize([computed(batch)], [line], method="adam", options={"batch_size": 2})
    assert batch.chosen is None


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf", "dogbox", "trust-exact", "trust-ncg", "trust-krylov"])
def test_methods_that_need_squares_say_so(method):
    x = ch.array([1.0, 2.0])
    with pytest.raises(ValueError, match="no sum of squares|needs a Hessian"):
        ch.minimize([x], [x], method=method, loss="sum")


def test_no_bounds_and_no_robust_loss_of_the_objective_itself():
    x = ch.array([1.0])
    with pytest.raises(ValueError, match="method 'adam' takes no bounds"):
        ch.minimize(x, [x], method="adam", bounds=[(0, 1)])
    with pytest.raises(ValueError, match="needs residuals"):
        ch.minimize(x, [x], method="adam", loss="huber")


@pytest.mark.parametrize("method", ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "trust-constr", "Newton-CG", "adam",
                                    "Nelder-Mead", "Powell", "COBYLA"])
@pytest.mark.parametrize("as_items", [False, True])
def test_scalar_objectives(method, as_items):
    """Not a sum of squares, negative at its minimum: log-cosh less a linear function."""
    x = ch.array([2.0, -1.5])
    entries = ch.log(ch.cosh(x - np.array([0.5, -0.5]))) - 0.3 * x
    options = {"step": 0.05, "maxiter": 500} if method == "adam" else {}
    result = (ch.minimize(entries, [x], method=method, loss="sum", options=options) if as_items
              else ch.minimize(ch.sum(entries), [x], method=method, options=options))
    np.testing.assert_allclose(x.r, np.arctanh(0.3) + np.array([0.5, -0.5]), atol=2e-3)
    assert result.success and result.fun == pytest.approx(float(np.sum(entries.r)))
    assert result.fun < -0.08
