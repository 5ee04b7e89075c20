"""First-order descent: steps along the gradient alone, for objectives that are no sum of squares, or have no Jacobian.

With g the gradient of the objective F at x_k, s the step size of each unknown and c_k the factor of the schedule, all
operations by entry:

    sgd         x ← x - c_k s g

    momentum    m ← β m + g                       Polyak, Some methods of speeding up the convergence of
                x ← x - c_k s m                   iteration methods, 1964

    adam        m ← β1 m + (1 - β1) g             Kingma and Ba, Adam: a method for stochastic optimization,
                v ← β2 v + (1 - β2) g²            ICLR 2015, algorithm 1
                x ← x - c_k s m̂ / (√v̂ + ε)        m̂ = m / (1 - β1^k), v̂ = v / (1 - β2^k), k from 1 on

Adam makes the steps of all entries about as long as s, also where the gradient is nothing but noise; of a preconditioned
mesh it spoils the smoothness. The *uniform* one (Nicolet, Jacobson and Jakob, Large steps in inverse rendering of
geometry, SIGGRAPH Asia 2021, section 3.4) has the largest entry of v̂ of each variable for all entries of that variable.

Every step is taken, whether F decreases or not.
"""
from dataclasses import dataclass

import numpy as np

from .trust_region import Iterate, Outcome
from .vectors import norm

__all__ = ["Adam", "Momentum", "SCHEDULES", "descend", "make_schedule"]

SCHEDULES = {
    "constant": lambda progress, last: 1.0,
    "exponential": lambda progress, last: last ** progress,
    "cosine": lambda progress, last: last + (1.0 - last) * 0.5 * (1.0 + np.cos(np.pi * progress)),
}
"""Factor of the steps by how far the descent has come, from 0 to 1, and the factor of the last step."""


class Momentum:
    """Steepest descent with a memory, of none for β = 0.

    Parameters
    ----------
    decay : float
        β.
    """

    def __init__(self, decay):
        self.decay, self._mean = decay, 0.0

    def direction(self, gradient):
        """What is to be subtracted, for a step size of 1."""
        self._mean = self.decay * self._mean + gradient
        return self._mean


class Adam:
    """Steps of the length of the step size, by running means of the gradient and its square.

    Parameters
    ----------
    betas : (float, float)
    eps : float
    spans : list of slice, optional
        Variables whose entries share the largest second moment among them.
    """

    def __init__(self, betas, eps, spans=()):
        self.betas, self.eps, self.spans = betas, eps, spans
        self._mean = self._square = 0.0
        self._count = 0

    def direction(self, gradient):
        """What is to be subtracted, for a step size of 1."""
        first, second = self.betas
        self._count += 1
        self._mean = first * self._mean + (1.0 - first) * gradient
        self._square = second * self._square + (1.0 - second) * gradient ** 2
        root = np.sqrt(self._square / (1.0 - second ** self._count))
        for span in self.spans:
            root[span] = root[span].max()
        return self._mean / (1.0 - first ** self._count) / (root + self.eps)


def make_schedule(schedule, last, maxiter):
    """The factor of each step, a function of the number of steps before it.

    Parameters
    ----------
    schedule : str, dict or callable
        A name in `SCHEDULES`; iteration -> factor from there on, 1 before; or the function itself.
    last : float
        Factor of the last of the steps.
    maxiter : int

    Raises
    ------
    ValueError
        For an unknown name, or iterations or factors that are not numbers from 0 on.
    """
    if callable(schedule):
        return schedule
    if isinstance(schedule, str) and schedule in SCHEDULES:
        factor = SCHEDULES[schedule]
        return lambda iteration: factor(iteration / max(maxiter - 1, 1), last)
    if isinstance(schedule, dict) and schedule:
        starts = sorted(schedule)
        return lambda iteration: next((schedule[start] for start in reversed(starts) if start <= iteration), 1.0)
    raise ValueError(f"option schedule must be one of {', '.join(map(repr, SCHEDULES))}, a dict of iteration -> factor "
                     f"from there on, or a function of the iteration; got {schedule!r}")


@dataclass
class Stopping:
    """When to stop.

    Attributes
    ----------
    maxiter : int
        Steps.
    e_1 : float
        Largest entry of half of the gradient (JᵀWr), as everywhere in this package.
    """

    maxiter: int
    e_1: float


def descend(problem, rule, sizes, schedule, stopping, minibatches=None):
    """Walk along the gradient.

    Parameters
    ----------
    problem : Problem
        Left at the last state.
    rule : Momentum or Adam
    sizes : (n,) array or float
        Step sizes.
    schedule : callable
        Factor of each step, of the number of steps before it.
    stopping : Stopping
    minibatches : Minibatches, optional
        A new one is drawn for each gradient; the last state is that of the whole objective.

    Yields
    ------
    Iterate
        The start, and the state after each step, before the derivative there is computed.

    Returns
    -------
    Outcome
        Status 0: out of iterations; 1: gradient; -3: an objective or a derivative that is not finite.
    """
    draw, whole = (minibatches.draw, minibatches.whole) if minibatches else (_as_it_is, _as_it_is)
    x = problem.x
    draw()
    fun, r = problem.evaluate(x)
    yield Iterate(x, fun, r, {"step": 0.0, "factor": 0.0})
    for iteration in range(stopping.maxiter):
        gradient = problem.gradient(r)
        bad = ~np.isfinite(gradient)
        if bad.any():
            return Outcome(-3, f"the derivative is not finite with respect to "
                               f"{problem.names_of(bad.astype(np.float64))}")
        if 0.5 * np.abs(gradient).max() <= stopping.e_1:
            return Outcome(1, f"converged: no entry of the gradient exceeds e_1 = {stopping.e_1:g}")
        factor = _factor(schedule, iteration)
        step = factor * sizes * rule.direction(gradient)
        x = x - step
        (whole if iteration + 1 == stopping.maxiter else draw)()
        fun, r = problem.evaluate(x)
        if not np.isfinite(fun):
            return Outcome(-3, f"the objective is not finite after {iteration + 1} steps: try smaller ones")
        yield Iterate(x, fun, r, {"step": norm(step), "factor": factor})
    return Outcome(0, f"stopped after maxiter = {stopping.maxiter} iterations")


def _as_it_is():
    """Without minibatches."""


def _factor(schedule, iteration):
    factor = schedule(iteration)
    if not (np.isscalar(factor) and np.isfinite(factor) and factor >= 0.0):
        raise ValueError(f"option schedule: the factor of a step must be a number that is not negative, at iteration "
                         f"{iteration} it is {factor!r}")
    return float(factor)
