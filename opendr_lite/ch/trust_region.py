"""Two ways to step on the Gauss-Newton model: Powell's dogleg and Levenberg-Marquardt.

Both walk the same way (`descend`): model the objective about x by q(p) = F + 2gᵀp + pᵀAp, propose a step p,
evaluate F(x + p), and compare what was gained with what q promised,

    ratio = (F(x) - F(x + p)) / (q(0) - q(p)).

A step is accepted if F decreases at all; the ratio says how far to trust the next model. The residual is
evaluated once a trial, the derivative once an accepted step.

Dogleg (Powell, A hybrid method for nonlinear equations, 1970; Nocedal and Wright, Numerical Optimization,
§4.1). The trust region is a ball of radius Δ. With c the minimizer of q along -g and n that of q itself, the
step is the point where the path 0 -> c -> n leaves the ball: n if |n| <= Δ; -Δ g/|g| if |c| >= Δ; else c +
β(n - c), where β is the positive root of |c + β(n - c)| = Δ.

Levenberg-Marquardt. (A + μ D²) p = -g, D² the largest diagonal of A so far (Moré, The Levenberg-Marquardt
algorithm, 1978, §6), μ changed as Nielsen proposes (Madsen, Nielsen and Tingleff, Methods for non-linear
least squares problems, 2004, §3.2): times max(1/3, 1 - (2 ratio - 1)³) after an accepted step, times 2, 4, 8,
... after each rejected one.
"""
from dataclasses import dataclass

import numpy as np

from .vectors import dot, norm

__all__ = ["Dogleg", "Iterate", "LevenbergMarquardt", "Outcome", "Stopping", "descend"]

_LEAST_DAMPING = 1e-12  # keeps A + μ D² factorizable where A is singular


@dataclass
class Stopping:
    """When to stop.

    Attributes
    ----------
    maxiter, max_fevals : number
        Accepted steps and evaluations of the residual.
    e_1 : float
        Largest entry of the gradient JᵀWr.
    e_2 : float
        Length of the step relative to that of x. A step this short is the last one, and taken if it helps.
    e_3 : float
        Decrease of the objective, relative to it, in a step that did at least a quarter of what it promised.
    """

    maxiter: float = 200
    max_fevals: float = np.inf
    e_1: float = 1e-15
    e_2: float = 1e-8
    e_3: float = 0.0


@dataclass
class Iterate:
    """An accepted state: x, the objective, the residual, and what else is worth keeping in a history."""

    x: np.ndarray
    fun: float
    residuals: np.ndarray
    details: dict


@dataclass
class Outcome:
    """Why the descent ended: a status and message for the result, and the last model."""

    status: int
    message: str
    model: object = None


class Dogleg:
    """Steps in a ball of radius Δ; without a radius to begin with, as long as the first Gauss-Newton step.

    Parameters
    ----------
    delta_0 : float, optional
        The first radius.
    """

    def __init__(self, delta_0=None):
        self.radius = delta_0
        self._model = None

    def step(self, model):
        """The dogleg step of at most Δ."""
        if model is not self._model:
            self._model, self._cauchy, self._newton = model, model.cauchy_step(), None
        length = norm(self._cauchy)
        if self.radius is not None and length >= self.radius:
            return self._cauchy * (self.radius / length)
        if self._newton is None:
            self._newton = model.gauss_newton_step()
        length = norm(self._newton)
        if self.radius is None:
            self.radius = length
        if length <= self.radius:
            return self._newton
        across = self._newton - self._cauchy
        a, b = dot(across, across), dot(self._cauchy, across)
        c = dot(self._cauchy, self._cauchy) - self.radius ** 2
        root = np.sqrt(b * b - a * c)
        return self._cauchy + (-c / (b + root) if b > 0.0 else (root - b) / a) * across

    def update(self, ratio, step):
        """Shrink below a step that was much worse than promised, grow beyond one that was as good."""
        length = norm(step)
        if ratio < 0.25:
            self.radius = 0.25 * length
        elif ratio > 0.9:
            self.radius = max(self.radius, 2.5 * length)

    def details(self):
        return {"radius": np.nan if self.radius is None else self.radius}


class LevenbergMarquardt:
    """Damped steps.

    Parameters
    ----------
    tau : float
        The first μ.
    """

    def __init__(self, tau=1e-3):
        self.damping, self._growth = tau, 2.0
        self._squares = None

    def step(self, model):
        """The solution of (A + μ D²) p = -g."""
        squares = model.column_squares()
        self._squares = squares if self._squares is None else np.maximum(self._squares, squares)
        return model.damped_step(self.damping, self._squares)

    def update(self, ratio, step):
        """Nielsen's rule."""
        if ratio > 0.0:
            factor = max(1.0 / 3.0, 1.0 - (2.0 * min(ratio, 2.0) - 1.0) ** 3)
            self.damping = max(factor * self.damping, _LEAST_DAMPING)
            self._growth = 2.0
        else:
            self.damping *= self._growth
            self._growth *= 2.0

    def details(self):
        return {"damping": self.damping}


def descend(problem, region, stopping, solver=None):
    """Walk downhill, one accepted state after the other.

    Parameters
    ----------
    problem : Problem
        Left at the last trial, which may be a rejected one: whoever asked has the last accepted state.
    region : Dogleg or LevenbergMarquardt
    stopping : Stopping
    solver : str or callable, optional
        See `LinearAlgebra`.

    Yields
    ------
    Iterate
        The start and every accepted state, before the derivative there is computed.

    Returns
    -------
    Outcome
        Status 1: gradient; 2: decrease; 3: step; 0: out of iterations or evaluations; -3: no derivative.
    """
    algebra = problem.linear_algebra(solver)
    limit = stopping
    x = problem.x
    fun, r = problem.evaluate(x)
    yield Iterate(x, fun, r, {"step": 0.0, **region.details()})
    model, accepted = None, 0
    while True:
        if accepted >= limit.maxiter:
            return Outcome(0, f"stopped after maxiter = {accepted} iterations", model)
        model = problem.model(algebra, r)
        bad = ~(np.isfinite(model.gradient) & np.isfinite(model.column_squares()))
        if bad.any():
            return Outcome(-3, f"the derivative is not finite with respect to "
                               f"{problem.names_of(bad.astype(np.float64))}")
        if np.abs(model.gradient).max() <= limit.e_1:
            return Outcome(1, f"converged: no entry of the gradient exceeds e_1 = {limit.e_1:g}", model)
        while True:
            step = region.step(model)
            length = norm(step)
            promised = model.decrease(step)
            if promised <= np.finfo(np.float64).eps * fun:
                return Outcome(2, "converged: no further decrease can be told from rounding", model)
            if problem.nfev >= limit.max_fevals:
                return Outcome(0, f"stopped after max_fevals = {limit.max_fevals} evaluations", model)
            trial_x = x + step
            trial_fun, trial_r = problem.evaluate(trial_x)
            ratio = (fun - trial_fun) / promised if np.isfinite(trial_fun) else -1.0
            region.update(ratio, step)
            short = length <= limit.e_2 * (norm(x) + limit.e_2)
            if ratio > 0.0:
                break
            if short:
                return Outcome(3, f"converged: the step is shorter than e_2 = {limit.e_2:g} of x", model)
            problem.move(x)  # where a model that is made of products with J takes them
        improvement = (fun - trial_fun) / fun
        x, r, fun, accepted = trial_x, trial_r, trial_fun, accepted + 1
        yield Iterate(x, fun, r, {"step": float(length), **region.details()})
        if short:
            return Outcome(3, f"converged: the step was shorter than e_2 = {limit.e_2:g} of x", model)
        if ratio > 0.25 and improvement < limit.e_3:
            return Outcome(2, f"converged: the objective decreased by less than e_3 = {limit.e_3:g} of "
                              "itself", model)
