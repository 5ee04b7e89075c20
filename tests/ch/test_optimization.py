"""minimize against test problems with known minima, and its promises."""
import io
import pickle
import sys

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

from opendr_lite import ch
from opendr_lite.ch import linear_solvers
from opendr_lite.ch.fit_result import FitResult
from opendr_lite.ch.node import Ch
from opendr_lite.ch.optimization import minimize
from opendr_lite.ch.problem import Problem
from opendr_lite.ch.robust import make_loss


class Residual(Ch):
    """function(x) with a derivative by complex steps, exact to rounding; counts what is asked of it."""

    terms = "function"
    dterms = "x"

    def __init__(self, function, x):
        self.function, self.x = function, x
        self.values = self.derivatives = 0

    def compute_r(self):
        self.values += 1
        return self.function(self.x.r)

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            self.derivatives += 1
            step = 1e-30
            columns = [self.function(self.x.r + 1j * step * unit).imag / step for unit in np.eye(self.x.size)]
            return np.stack(columns, axis=1)


class Linear(Ch):
    """matrix @ x - target."""

    terms = "matrix", "target"
    dterms = "x"

    def compute_r(self):
        return self.matrix @ self.x.r.ravel() - self.target

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            return self.matrix


# --------------------------------------------------- problems of Moré, Garbow and Hillstrom, ACM TOMS 7, 1981


def rosenbrock(x):
    return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def freudenstein_roth(x):
    return np.array([-13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1],
                     -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1]])


def brown_badly_scaled(x):
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0])


def beale(x):
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1.0 - x[1] ** np.arange(1, 4))


def helical_valley(x):
    angle = np.arctan(x[1] / x[0]) / (2.0 * np.pi) + (0.5 if x[0].real < 0.0 else 0.0)
    return np.array([10.0 * (x[2] - 10.0 * angle), 10.0 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1.0), x[2]])


def bard(x):
    u = np.arange(1.0, 16.0)
    v = 16.0 - u
    y = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
    return y - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def kowalik_osborne(x):
    y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
    u = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    return y - x[0] * (u ** 2 + u * x[1]) / (u ** 2 + u * x[2] + x[3])


def powell_singular(x):
    return np.array([x[0] + 10.0 * x[1], np.sqrt(5.0) * (x[2] - x[3]), (x[1] - 2.0 * x[2]) ** 2,
                     np.sqrt(10.0) * (x[0] - x[3]) ** 2])


def linear_full_rank(x):
    return np.concatenate([x, np.zeros(5)]) - 0.2 * x.sum() - 1.0


def linear_rank_one(x):
    return np.arange(1.0, 11.0) * (np.arange(1.0, 6.0) @ x) - 1.0


def madsen(x):
    return np.array([x[0] ** 2 + x[1] ** 2 + x[0] * x[1], np.sin(x[0]), np.cos(x[1])])


PROBLEMS = {  # name: (residual, start, least sum of squares)
    "rosenbrock": (rosenbrock, [-1.2, 1.0], 0.0),
    "freudenstein_roth": (freudenstein_roth, [0.5, -2.0], 48.98425367924001),
    "brown_badly_scaled": (brown_badly_scaled, [1.0, 1.0], 0.0),
    "beale": (beale, [1.0, 1.0], 0.0),
    "helical_valley": (helical_valley, [-1.0, 0.0, 0.0], 0.0),
    "bard": (bard, [1.0, 1.0, 1.0], 8.214877306578e-3),
    "kowalik_osborne": (kowalik_osborne, [0.25, 0.39, 0.415, 0.39], 3.075056038492e-4),
    "powell_singular": (powell_singular, [3.0, -1.0, 0.0, 1.0], 0.0),
    "linear_full_rank": (linear_full_rank, [1.0] * 5, 5.0),
    "linear_rank_one": (linear_rank_one, [1.0] * 5, 10 * 9 / (2 * 21)),
    "madsen": (madsen, [3.0, 1.0], 0.7731990565053),
}
OUT_OF_REACH = {  # of quasi-Newton methods: the unknowns differ by 12 orders of magnitude
    ("brown_badly_scaled", "BFGS"), ("brown_badly_scaled", "L-BFGS-B")}


@pytest.mark.parametrize("name, method", [
    (name, method) for name in PROBLEMS for method in ("dogleg", "lm", "trf", "dogbox", "BFGS", "L-BFGS-B")
    if (name, method) not in OUT_OF_REACH])
@pytest.mark.filterwarnings("ignore:the residual does not determine")
def test_finds_the_known_minimum(name, method):
    function, start, least = PROBLEMS[name]
    x = Ch(start)
    result = minimize(Residual(function, x), [x], method=method)
    assert result.fun == pytest.approx(least, rel=1e-5, abs=1e-7)
    np.testing.assert_array_equal(x.r, result.x)
    assert result.fun == pytest.approx(float(np.sum(function(result.x) ** 2)), rel=1e-12, abs=1e-300)
    assert result.cost == 0.5 * result.fun


@pytest.mark.parametrize("method", ["Nelder-Mead", "Powell", "CG", "Newton-CG", "TNC", "SLSQP",
                                    "trust-constr", "trust-ncg", "trust-krylov", "trust-exact", "nelder-mead",
                                    "bfgs"])
def test_every_method_of_scipy(method):
    x = Ch([1.0, 1.0])
    result = minimize(Residual(beale, x), [x], method=method)
    np.testing.assert_allclose(x.r, [3.0, 0.5], atol=2e-2)
    assert result.success and result.nfev > 0 and len(result.history["fun"]) == result.nit + 1


@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_exact_solution_of_a_problem_without_residual(method):
    x = Ch([-120.0, -100.0])
    result = minimize(Residual(rosenbrock, x), x, method=method, options={"e_2": 1e-15})
    np.testing.assert_allclose(x.r, [1.0, 1.0], rtol=0, atol=1e-14)
    assert result.success
    assert (np.diff(result.history["fun"]) < 0.0).all()


# ---------------------------------------------------------------------- what is computed, and how often


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf"])
def test_one_residual_a_trial_and_one_derivative_an_accepted_step(method):
    x = Ch([-1.2, 1.0])
    node = Residual(rosenbrock, x)
    result = minimize(node, [x], method=method, options={"xtol" if method == "trf" else "e_2": 1e-15})
    assert node.values == result.nfev
    assert node.derivatives == result.njev == result.nit + 1
    assert result.nfev > result.nit + 1, "the problem must have rejected steps to show anything"


@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_a_short_step_is_still_taken_and_needs_no_further_derivative(method):
    x = Ch([3.0, 1.0])
    node = Residual(madsen, x)
    result = minimize(node, [x], method=method, options={"e_2": 1e-6})
    assert result.status == 3 and result.history["step"][-1] <= 1e-6 * np.linalg.norm(x.r)
    assert node.derivatives == result.njev == result.nit


def test_no_derivative_after_the_last_allowed_step():
    x = Ch([-1.2, 1.0])
    node = Residual(rosenbrock, x)
    result = minimize(node, [x], options={"maxiter": 3})
    assert (result.nit, result.status, result.success, node.derivatives) == (3, 0, False, 3)


def test_limit_of_evaluations():
    x = Ch([-1.2, 1.0])
    result = minimize(Residual(rosenbrock, x), [x], options={"max_fevals": 4})
    assert result.nfev == 4 and result.status == 0


@pytest.mark.parametrize("option", [{"e_1": 1e-3}, {"e_2": 1e-2}, {"e_3": 0.5}])
def test_looser_tolerances_stop_earlier(option):
    tight, loose = Ch([3.0, 1.0]), Ch([3.0, 1.0])
    full = minimize(Residual(madsen, tight), tight)
    early = minimize(Residual(madsen, loose), loose, options=option)
    assert early.nit < full.nit and early.success
    assert early.status == {"e_1": 1, "e_2": 3, "e_3": 2}[next(iter(option))]


def test_tol_sets_what_options_do_not():
    x = Ch([3.0, 1.0])
    result = minimize(Residual(madsen, x), x, tol=1e-3, options={"e_1": 0.0, "e_2": 0.0})
    assert result.status == 2 and "e_3 = 0.001" in result.message


# ---------------------------------------------------------------------- many unknowns


def smoothing(n):
    """Noisy samples and the differences of neighbours, with the exact minimizer."""
    data = np.random.default_rng(1).standard_normal(n).cumsum()
    differences = sp.diags([-1.0, 1.0], [0, 1], shape=(n - 1, n), format="csr")
    x = Ch(np.zeros(n))
    parts = [Linear(sp.identity(n, format="csr"), data, x), Linear(3.0 * differences, np.zeros(n - 1), x)]
    exact = sp.linalg.spsolve(sp.csc_matrix(sp.identity(n) + 9.0 * differences.T @ differences), data)
    return x, parts, exact


@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_chain_of_twenty_thousand(method):
    x, parts, exact = smoothing(20_000)
    result = minimize(parts, [x], method=method)
    np.testing.assert_allclose(x.r, exact, atol=1e-8)
    assert result.nit <= (2 if method == "dogleg" else 12)


@pytest.mark.parametrize("solver", ["dense", "splu", "pcg", "lsmr",
                                    lambda A, b: sp.linalg.spsolve(sp.csc_matrix(A), b)])
@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_solvers_agree(solver, method):
    x, parts, exact = smoothing(310)
    minimize(parts, [x], method=method, linear_solver=solver)
    np.testing.assert_allclose(x.r, exact, atol=1e-5)


@pytest.mark.parametrize("name", [None, "dense", "spsolve", "splu", "cg", "lsqr", "lsmr", "treat_as_dense"])
def test_solvers_by_their_older_names(name):
    x, parts, exact = smoothing(310)
    minimize(parts, [x], options={name: True} if name == "treat_as_dense" else {"sparse_solver": name})
    np.testing.assert_allclose(x.r, exact, atol=1e-5)


@pytest.mark.parametrize("extra, module", [("cholespy", "cholespy"), ("cholmod", "sksparse.cholmod")])
def test_solvers_of_extras(extra, module):
    pytest.importorskip(module)
    x, parts, exact = smoothing(310)
    minimize(parts, [x], linear_solver=extra)
    np.testing.assert_allclose(x.r, exact, atol=1e-9)


# ---------------------------------------------------------------------- what the residual does not determine


def undetermined_problem(n):
    """x[0] + x[1] is known, x[2] is not used, the rest is known."""
    matrix = np.eye(n)
    matrix[0, 1] = matrix[1, 0] = 1.0
    matrix[2, 2] = 0.0
    x = Ch(np.arange(n, dtype=float))
    x.label = "light"
    return x, Linear(sp.csr_matrix(matrix), np.full(n, 4.0), x)


@pytest.mark.parametrize("n, solver", [(5, None), (400, None), (5, "lsmr"), (5, "splu")])
@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_undetermined_unknowns_are_named_and_left(n, solver, method):
    x, node = undetermined_problem(n)
    with pytest.warns(RuntimeWarning, match="does not determine.*'light'.* 2") as caught:
        minimize(node, [x], method=method, options={"sparse_solver": solver})
    assert len(caught) == 1 and caught[0].filename == __file__
    if solver != "lsmr":
        assert "at 0, 1, 2;" in str(caught[0].message)
    assert x.r[2] == 2.0
    np.testing.assert_allclose(x.r[3:], 4.0, atol=1e-6)
    np.testing.assert_allclose(x.r[:2], [1.5, 2.5], atol=1e-6)


def test_covariance_of_undetermined_unknowns_is_infinite():
    x, node = undetermined_problem(5)
    with pytest.warns(RuntimeWarning, match="does not determine"):
        result = minimize(node, [x])
    with pytest.warns(RuntimeWarning, match="infinite variance"):
        covariance = result.covariance(sigma=0.5)
    assert np.isinf(np.diag(covariance)[:3]).all() and np.isnan(covariance[0, 3])
    np.testing.assert_allclose(covariance[3:, 3:], 0.25 * np.eye(2), atol=1e-12)


# ---------------------------------------------------------------------- robust losses


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf", "BFGS"])
@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan", "geman_mcclure"])
def test_outliers(loss, method):
    random = np.random.default_rng(4)
    t = np.linspace(0.0, 1.0, 100)
    matrix = np.stack([np.ones(100), t], axis=1)
    truth = np.array([0.5, 2.0])
    y = matrix @ truth + 0.01 * random.standard_normal(100)
    y[::7] += 3.0
    plain, robust = Ch([0.0, 0.0]), Ch([0.0, 0.0])
    minimize(Linear(matrix, y, plain), plain)
    result = minimize(Linear(matrix, y, robust), robust, method=method, loss=loss, f_scale=0.1)
    assert np.abs(robust.r - truth).max() < 0.05 < np.abs(plain.r - truth).max()
    objective = make_loss(loss, 0.1)
    reference = scipy.optimize.minimize(lambda p: objective.value(matrix @ p - y), robust.r, tol=1e-12)
    assert result.fun == pytest.approx(reference.fun, rel=1e-5)
    np.testing.assert_allclose(result.grad, 0.0, atol=1e-3)


# ---------------------------------------------------------------------- free variables


def test_views_move_only_what_they_show():
    pose = Ch([1.0, 2.0, 3.0, 4.0])
    node = Linear(np.eye(4), np.zeros(4), pose)
    result = minimize(node, [pose[1:][1:], pose[:1]])
    np.testing.assert_allclose(pose.r, [0.0, 2.0, 0.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(result.x, 0.0, atol=1e-15)
    assert result.jac.shape == (4, 3)
    np.testing.assert_array_equal(result.jac, np.eye(4)[:, [2, 3, 0]])


def test_order_of_x_is_that_of_x0():
    a, b = Ch([[0.0, 0.0]]), Ch(0.0)
    nodes = [Linear(np.eye(2), np.array([1.0, 2.0]), a), Linear(np.eye(1), np.array([3.0]), b)]
    result = minimize(nodes, [b, a])
    np.testing.assert_allclose(result.x, [3.0, 1.0, 2.0])
    assert a.shape == (1, 2)


@pytest.mark.parametrize("problem, error, message", [
    (lambda x, f: (f, [x, x]), ValueError, r"x0\[1\].*already"),
    (lambda x, f: (f, [x[:2], x[1:]]), ValueError, r"x0\[1\] .* at 0 .*x0\[0\]"),
    (lambda x, f: (f, [f]), ValueError, "computed from other nodes"),
    (lambda x, f: (f, [Ch([1.0])]), ValueError, "does not depend on"),
    (lambda x, f: (f, []), ValueError, "x0 is empty"),
    (lambda x, f: (f, [x[:0]]), ValueError, "x0 is empty"),
    (lambda x, f: (f, np.zeros(3)), TypeError, "x0 must be a node"),
    (lambda x, f: (f, [np.zeros(3)]), TypeError, r"x0\[0\] must be a node"),
    (lambda x, f: ([], [x]), ValueError, "fun is empty"),
    (lambda x, f: (3.0, [x]), TypeError, "fun must be a node"),
    (lambda x, f: ({"a": f, "b": 3.0}, [x]), TypeError, r"fun\['b'\]"),
])
def test_refused_problems(problem, error, message):
    x = Ch([1.0, 2.0, 3.0])
    with pytest.raises(error, match=message):
        minimize(*problem(x, Linear(np.eye(3), np.zeros(3), x)))


@pytest.mark.parametrize("arguments, message", [
    ({"method": "newton"}, "method must be one of 'dogleg'"),
    ({"loss": "l1"}, "loss must be one of 'linear'"),
    ({"f_scale": 0.0, "loss": "huber"}, "f_scale"),
    ({"options": {"maxitre": 3}}, "no option 'maxitre'.*'maxiter'"),
    ({"method": "lm", "options": {"delta_0": 3}}, "no option 'delta_0'.*'tau'"),
    ({"method": "trf", "options": {"maxiter": 3}}, "no option 'maxiter'.*'max_nfev'"),
    ({"method": "BFGS", "options": {"maxitre": 3}}, "no option 'maxitre'.*'gtol'"),
    ({"method": "L-BFGS-B", "options": {"maxitre": 3}}, "no option 'maxitre'.*'maxls'"),
    ({"method": "COBYLA", "options": {"maxitre": 3}}, "no option 'maxitre'.*'rhobeg'"),
    ({"options": {"maxiter": -1}}, "maxiter must be a number"),
    ({"options": {"delta_0": 0}}, "delta_0 must be a number above 0"),
    ({"options": {"disp": "loud"}}, "disp must be"),
    ({"options": {"sparse_solver": "umfpack"}}, "linear_solver must be None"),
    ({"linear_solver": "umfpack"}, "linear_solver must be None"),
    ({"linear_solver": "pcg", "options": {"sparse_solver": "cg"}}, "option sparse_solver, which means the same"),
    ({"linear_solver": "dense", "options": {"treat_as_dense": True}}, "option treat_as_dense, which means the same"),
    ({"linear_solver": "pcg", "method": "trf"}, "takes no linear_solver"),
    ({"bounds": [(0, 1)] * 3}, "'dogleg' takes no bounds; these do: 'trf'"),
    ({"constraints": {"type": "eq", "fun": sum}}, "takes no constraints; these do: 'COBYLA'"),
    ({"method": "trf", "bounds": [(0, 1)] * 2}, "bounds must have one pair for each of the 1 items"),
    ({"method": "trf", "bounds": [(5, 1)]}, "exceeds"),
    ({"method": "trf", "bounds": [(5, 9)]}, "outside of the bounds: x0"),
    ({"method": "trf", "bounds": [([0, 0], 9)]}, "cannot be broadcast"),
])
def test_refused_arguments(arguments, message):
    x = Ch([1.0, 2.0, 3.0])
    before = x.r
    with pytest.raises(ValueError, match=message):
        minimize(Linear(np.eye(3), np.zeros(3), x), [x], **arguments)
    np.testing.assert_array_equal(x.r, before)


def test_start_that_is_not_finite():
    x, y = Ch([1.0, np.nan]), Ch([0.0, 1.0])
    with pytest.raises(ValueError, match=r"x0\[0\].*1 entries that are not finite"):
        minimize(Linear(np.eye(2), np.zeros(2), x), x)
    with pytest.raises(ValueError, match="the objective 'data' has 1 entries"):
        minimize({"data": Linear(np.eye(2), np.array([np.inf, 0.0]), y)}, y)


# ---------------------------------------------------------------------- bounds and constraints


@pytest.mark.parametrize("method", ["trf", "dogbox", "L-BFGS-B", "TNC", "SLSQP", "trust-constr",
                                    "Nelder-Mead", "Powell"])
@pytest.mark.parametrize("bounds", [
    [(0.0, 1.0), (None, 2.0), (-1.0, None)],
    [([0.0, -np.inf], [1.0, 2.0]), (-1.0, None)],
    scipy.optimize.Bounds([0.0, -np.inf, -1.0], [1.0, 2.0, np.inf])])
def test_bounds(method, bounds):
    a, b = Ch([0.5, 0.5]), Ch([0.5])
    nodes = [Linear(np.eye(2), np.array([3.0, 3.0]), a), Linear(np.eye(1), np.array([-3.0]), b)]
    minimize(nodes, [a, b], method=method, bounds=bounds)
    np.testing.assert_allclose(np.append(a.r, b.r), [1.0, 2.0, -1.0], atol=1e-3)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYLA"])
def test_constraints(method):
    x = Ch([0.0, 0.0])
    constraint = scipy.optimize.LinearConstraint([[1.0, 1.0]], 1.0, np.inf)
    minimize(Linear(np.eye(2), np.zeros(2), x), [x], method=method, constraints=constraint)
    np.testing.assert_allclose(x.r, [0.5, 0.5], atol=1e-3)


# ---------------------------------------------------------------------- a single number


class Bowl(Ch):
    dterms = "x"

    def compute_r(self):
        return np.sum((self.x.r - 3.0) ** 2) - 7.0

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            return 2.0 * (self.x.r - 3.0).reshape(1, -1)


@pytest.mark.parametrize("method", ["BFGS", "CG", "L-BFGS-B", "Newton-CG", "Nelder-Mead"])
def test_a_single_number_is_the_objective_itself(method):
    x = Ch([0.0, 0.0])
    result = minimize(Bowl(x), [x], method=method)
    np.testing.assert_allclose(x.r, 3.0, atol=1e-3)
    assert result.fun == pytest.approx(-7.0, abs=1e-6)
    with pytest.raises(ValueError, match="no covariance"):
        result.covariance()


def test_a_single_number_in_a_list_is_squared():
    x = Ch([0.0, 0.0])
    result = minimize([Bowl(x)], [x], method="BFGS")
    assert result.fun == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("arguments, message", [
    ({"loss": "huber"}, "objective itself"), ({}, "needs a Hessian")])
def test_what_a_single_number_cannot_have(arguments, message):
    x = Ch([0.0, 0.0])
    with pytest.raises(ValueError, match=message):
        minimize(Bowl(x), [x], method="trust-ncg", **arguments)


# ---------------------------------------------------------------------- the result


def regression():
    random = np.random.default_rng(5)
    matrix = random.standard_normal((50, 3)) * [1.0, 10.0, 0.1]
    y = matrix @ [1.0, 2.0, 3.0] + random.standard_normal(50)
    return matrix, y


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf", "BFGS"])
def test_covariance_is_that_of_linear_regression(method):
    matrix, y = regression()
    a, b = Ch([0.0, 0.0]), Ch([0.0])
    nodes = ShiftedSum([Linear(matrix[:, :2], y, a), Linear(matrix[:, 2:], 0.0, b)])
    result = minimize(nodes, [a, b], method=method)
    solution, (rss,), _, _ = np.linalg.lstsq(matrix, y, rcond=None)
    expected = rss / 47 * np.linalg.inv(matrix.T @ matrix)
    np.testing.assert_allclose(result.x, solution, rtol=1e-4)
    np.testing.assert_allclose(result.covariance(), expected, rtol=1e-6)
    np.testing.assert_allclose(result.covariance(of=b), expected[2:, 2:], rtol=1e-6)
    np.testing.assert_allclose(result.covariance(sigma=2.0), expected * (4.0 * 47 / rss), rtol=1e-6)
    np.testing.assert_allclose(result.grad, matrix.T @ result.residuals, atol=1e-9)
    assert result.optimality == np.abs(result.grad).max()
    with pytest.raises(ValueError, match="of must be one of the nodes"):
        result.covariance(of=Ch(1.0))


class ShiftedSum(Ch):
    """The sum of two nodes."""

    dterms = "a", "b"

    def __init__(self, nodes):
        self.a, self.b = nodes

    def compute_r(self):
        return self.a.r + self.b.r

    def compute_dr_wrt(self, wrt):
        return 1.0


def test_covariance_with_many_unknowns():
    x, parts, _ = smoothing(500)
    result = minimize(parts, [x])
    J = sp.vstack([parts[0].matrix, parts[1].matrix]).toarray()
    np.testing.assert_allclose(result.covariance(sigma=1.0), np.linalg.inv(J.T @ J), atol=1e-12)
    assert sp.issparse(result.jac)


def test_covariance_without_degrees_of_freedom():
    x = Ch([0.0, 0.0])
    result = minimize(Linear(np.eye(2), np.ones(2), x), x)
    with pytest.raises(ValueError, match="give sigma"):
        result.covariance()
    np.testing.assert_allclose(result.covariance(sigma=3.0), 9.0 * np.eye(2))


def test_result_is_of_the_optimum_wherever_the_graph_is_now():
    x = Ch([-1.2, 1.0])
    result = minimize(Residual(rosenbrock, x), x)
    x.x = [5.0, 5.0]
    np.testing.assert_allclose(result.jac, [[-20.0, 10.0], [-1.0, 0.0]])
    np.testing.assert_array_equal(x.r, [5.0, 5.0])


def test_result_pickles_and_prints():
    x = Ch([0.0, 0.0])
    result = minimize(Linear(np.eye(2), np.ones(2), x), x)
    twin = pickle.loads(pickle.dumps(result))
    assert isinstance(twin, FitResult) and twin.fun == result.fun
    np.testing.assert_array_equal(twin.jac, result.jac)
    assert "converged" in repr(result)


# ---------------------------------------------------------------------- interruptions and accidents


class Accident(Residual):
    """Fails at one evaluation, with the error or value given."""

    def compute_r(self):
        value = super().compute_r()
        if self.values == self.at_value:
            if isinstance(self.accident, BaseException):
                raise self.accident
            return value * self.accident
        return value


def accident(x, what, at):
    node = Accident(rosenbrock, x)
    node.accident, node.at_value = what, at
    return node


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf", "BFGS", "L-BFGS-B"])
def test_ctrl_c_keeps_the_best_state(method):
    x = Ch([-1.2, 1.0])
    node = accident(x, KeyboardInterrupt(), 8)
    result = minimize(node, [x], method=method)
    assert result.status == -1 and not result.success and "interrupted" in result.message
    np.testing.assert_array_equal(x.r, result.x)
    assert result.fun == pytest.approx(np.sum(rosenbrock(x.r) ** 2), rel=1e-14)
    assert result.fun <= result.history["fun"].min() < np.sum(rosenbrock(np.array([-1.2, 1.0])) ** 2)
    np.testing.assert_array_equal(node.r, rosenbrock(x.r))


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf", "BFGS"])
def test_an_error_restores_the_last_accepted_state(method):
    x = Ch([-1.2, 1.0])
    accepted = []
    node = accident(x, ZeroDivisionError("boom"), 8)
    with pytest.raises(ZeroDivisionError, match="boom"):
        minimize(node, [x], method=method, callback=lambda state: accepted.append((state.fun, state.x)))
    assert np.sum(rosenbrock(x.r) ** 2) <= accepted[-1][0]
    if method != "BFGS":
        np.testing.assert_array_equal(x.r, accepted[-1][1])
    np.testing.assert_array_equal(node.r, rosenbrock(x.r))


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_trial_that_is_not_finite_is_rejected(method, value):
    x = Ch([-1.2, 1.0])
    result = minimize(accident(x, value, 3), [x], method=method)
    np.testing.assert_allclose(x.r, 1.0, atol=1e-8)
    assert result.success


def test_a_derivative_that_is_not_finite_ends_the_search():
    class Root(Residual):
        def compute_dr_wrt(self, wrt):
            return np.array([[1.0, 0.0], [0.0, np.nan]])

    x = Ch([-1.2, 1.0])
    result = minimize(Root(rosenbrock, x), [x])
    assert result.status == -3 and not result.success
    assert "not finite with respect to x0[0]" in result.message
    np.testing.assert_array_equal(x.r, [-1.2, 1.0])


@pytest.mark.parametrize("method", ["dogleg", "lm"])
def test_never_left_at_a_rejected_step(method):
    """e_2 stops it in the middle of shrinking a radius."""
    x = Ch([-1.2, 1.0])
    states = []
    result = minimize(Residual(rosenbrock, x), [x], method=method, callback=lambda: states.append(x.r.copy()),
                      options={"max_fevals": 3})
    np.testing.assert_array_equal(x.r, states[-1])
    np.testing.assert_array_equal(x.r, result.x)


# ---------------------------------------------------------------------- callbacks and what is printed


@pytest.mark.parametrize("method", ["dogleg", "lm", "trf", "BFGS", "L-BFGS-B", "SLSQP", "trust-constr",
                                    "Newton-CG"])
def test_callback_sees_the_accepted_states(method):
    x = Ch([3.0, 1.0])
    seen = []

    def callback(state):
        np.testing.assert_array_equal(state.x, x.r)
        np.testing.assert_allclose(state.residuals, madsen(x.r), rtol=1e-14)
        seen.append(state.fun)

    result = minimize(Residual(madsen, x), [x], method=method, callback=callback)
    np.testing.assert_array_equal(seen, result.history["fun"])
    assert seen[0] == pytest.approx(np.sum(madsen(np.array([3.0, 1.0])) ** 2))
    assert seen[-1] == result.fun and len(seen) == result.nit + 1


@pytest.mark.parametrize("method", ["dogleg", "trf", "BFGS", "Nelder-Mead"])
def test_callback_stops(method):
    x = Ch([-1.2, 1.0])
    calls = []

    def callback():
        calls.append(x.r.copy())
        if len(calls) == 3:
            raise StopIteration

    result = minimize(Residual(rosenbrock, x), [x], method=method, callback=callback)
    assert result.status == -2 and not result.success and result.nit == 2
    np.testing.assert_array_equal(x.r, result.x)


def test_a_callback_of_two_arguments_is_refused():
    x = Ch([3.0, 1.0])
    with pytest.raises(TypeError, match="one argument, the state, or none"):
        minimize(Residual(madsen, x), [x], callback=lambda x, fun: None)


def test_silent_unless_asked(capsys):
    x = Ch([3.0, 1.0])
    minimize(Residual(madsen, x), [x])
    assert capsys.readouterr() == ("", "")
    x.x = [3.0, 1.0]
    result = minimize({"data": Residual(madsen, x), "prior": Linear(np.eye(2), np.zeros(2), x)}, [x],
                      options={"disp": True})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == result.nit + 1
    assert "data: " in lines[0] and "prior: 1.00e+01" in lines[0]


def test_progress_line_only_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, lines in ((Terminal(), 1), (io.StringIO(), 0)):
        monkeypatch.setattr(sys, "stderr", stream)
        x = Ch([3.0, 1.0])
        minimize(Residual(madsen, x), [x], options={"disp": "progress"})
        assert stream.getvalue().count("\n") == lines


def test_several_runs_at_once():
    from concurrent.futures import ThreadPoolExecutor

    def run(_):
        x = Ch([-1.2, 1.0])
        return minimize(Residual(rosenbrock, x), [x]).x

    with ThreadPoolExecutor(4) as pool:
        for x in pool.map(run, range(8)):
            np.testing.assert_allclose(x, 1.0, rtol=0, atol=1e-14)


# ---------------------------------------------------------------------- what chumpy's users do


def test_scalars_that_functions_of_nodes_are_made_of():
    x1, x2 = Ch(-120.0), Ch(-100.0)
    arguments = {"x1": x1, "x2": x2}
    residuals = [Ch(lambda x1, x2: (x2 - x1 ** 2.0) * 10.0, arguments), Ch(lambda x1: 1.0 - x1, {"x1": x1})]
    minimize(residuals, [x1, x2], options={"maxiter": 337, "disp": False})
    assert (x1.r, x2.r) == (1.0, 1.0)


def test_views_of_views_are_the_views():
    def beale_of(x, y):
        return {f"e{k}": c - x + x * y ** k for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))}

    fits = []
    for view in (lambda x: x[1:4], lambda x: x[1:8][:3]):
        x, y = Ch(np.zeros(10)), Ch(np.zeros(10))
        with pytest.warns(RuntimeWarning, match=r"does not determine x0\[1\]"):
            minimize(beale_of(x, y), [view(x), y], options={"maxiter": 20})
        assert (x.r[[0, 4, 5, 6, 7, 8, 9]] == 0.0).all() and (x.r[1:4] != 0.0).all()
        fits.append((x.r, y.r))
    np.testing.assert_array_equal(fits[0], fits[1])


def test_a_solver_that_fails_is_replaced():
    x, parts, exact = smoothing(400)
    minimize(parts, [x], options={"sparse_solver": lambda A, b: np.full(b.size, np.nan)})
    np.testing.assert_allclose(x.r, exact, atol=1e-8)
    with pytest.raises(ValueError, match="must return the 400 unknowns"):
        minimize(parts, [x], options={"sparse_solver": lambda A, b: b[:3]})


def test_the_documentation_names_what_there_is():
    from opendr_lite.ch import optimization
    from opendr_lite.ch.robust import LOSSES
    quoted = optimization._WITH_BOUNDS, optimization._WITH_CONSTRAINTS, LOSSES, linear_solvers.SOLVERS
    for name in (name for names in quoted for name in names):
        assert f"'{name}'" in minimize.__doc__
    for name in (*optimization._DESCENT_OPTIONS, *optimization._LEAST_SQUARES_OPTIONS, "delta_0", "tau"):
        assert name in minimize.__doc__


def test_many_unknowns_below_many_paths():
    """Each rung doubles the number of paths from x up; what is done for a rung is done once."""
    x = Ch(np.linspace(0.1, 1.0, 400))
    rung = x
    for _ in range(30):
        rung = rung + 0.1 * ch.sin(rung[::-1])
    problem = Problem([rung], [x], make_loss("linear"))
    matrix, _ = problem.sparse_normal_equations(problem.residual(), None)
    jacobian = rung.dr_wrt(x)
    np.testing.assert_allclose(matrix.toarray(), (jacobian.T @ jacobian).toarray(), rtol=1e-12, atol=1e-12)
