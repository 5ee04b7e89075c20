"""How likely a face covers a pixel: D = F(x) of the signed distance x, positive inside.

F is a distribution function that is one half at x = 0 (but for one-sided ones), so a row of the table is

    F(x), 1 - F(x), F'(x)

with the complement computed by itself: a union is made of it, and 1 - F(x) has no digits left deep inside.
Petersen, Goldluecke, Borgelt, Deussen, "GenDR: A Generalized Differentiable Renderer", CVPR 2022, section 3.2; the
logistic one with squared distances is that of Soft Rasterizer (Liu, Li, Chen, Li, ICCV 2019).

To add one: a formula, a code and a line in `probability`, and its name.
"""
import math

from ...jit import formula

__all__ = ["SIGMOIDS", "STEP", "argument_of", "probability"]

LOGISTIC, GAUSSIAN, LAPLACE, SECH, CAUCHY, RECIPROCAL, UNIFORM, EXPONENTIAL, STEP = range(9)

SIGMOIDS = {"logistic": LOGISTIC, "gaussian": GAUSSIAN, "laplace": LAPLACE, "sech": SECH, "cauchy": CAUCHY,
            "reciprocal": RECIPROCAL, "uniform": UNIFORM, "exponential": EXPONENTIAL}

FARTHEST = 1e18  # an argument at which every F is 0 or 1


@formula
def logistic(x):
    tail = math.exp(-abs(x))
    more = 1.0 / (1.0 + tail)
    less = tail * more
    return (more, less, more * less) if x >= 0.0 else (less, more, more * less)


@formula
def gaussian(x):
    y = x * math.sqrt(0.5)
    return 0.5 * math.erfc(-y), 0.5 * math.erfc(y), math.exp(-y * y) / math.sqrt(2.0 * math.pi)


@formula
def laplace(x):
    tail = 0.5 * math.exp(-abs(x))
    return (1.0 - tail, tail, tail) if x >= 0.0 else (tail, 1.0 - tail, tail)


@formula
def sech(x):
    """Of the density sech(pi x / 2) / 2."""
    tail = math.exp(-0.5 * math.pi * abs(x))
    less = 2.0 / math.pi * math.atan(tail)
    slope = tail / (1.0 + tail * tail)
    return (1.0 - less, less, slope) if x >= 0.0 else (less, 1.0 - less, slope)


@formula
def cauchy(x):
    return math.atan2(1.0, -x) / math.pi, math.atan2(1.0, x) / math.pi, 1.0 / (math.pi * (1.0 + x * x))


@formula
def reciprocal(x):
    """(1 + x / (1 + |x|)) / 2"""
    tail = 0.5 / (1.0 + abs(x))
    return (1.0 - tail, tail, 2.0 * tail * tail) if x >= 0.0 else (tail, 1.0 - tail, 2.0 * tail * tail)


@formula
def uniform(x):
    """On [-1, 1]."""
    covered = min(max(0.5 + 0.5 * x, 0.0), 1.0)
    return covered, min(max(0.5 - 0.5 * x, 0.0), 1.0), 0.5 if 0.0 < covered < 1.0 else 0.0


@formula
def exponential(x):
    """One-sided: a face covers nothing outside."""
    tail = math.exp(-max(x, 0.0))
    return -math.expm1(-max(x, 0.0)), tail, tail if x > 0.0 else 0.0


@formula
def step(x):
    return (1.0, 0.0, 0.0) if x > 0.0 else (0.0, 1.0, 0.0)


@formula
def probability(sigmoid, x):
    """F(x), 1 - F(x), F'(x) of the sigmoid with that code."""
    if sigmoid == LOGISTIC:
        return logistic(x)
    if sigmoid == GAUSSIAN:
        return gaussian(x)
    if sigmoid == LAPLACE:
        return laplace(x)
    if sigmoid == SECH:
        return sech(x)
    if sigmoid == CAUCHY:
        return cauchy(x)
    if sigmoid == RECIPROCAL:
        return reciprocal(x)
    if sigmoid == UNIFORM:
        return uniform(x)
    if sigmoid == EXPONENTIAL:
        return exponential(x)
    return step(x)


def argument_of(sigmoid, least):
    """The x at which F(x) = least, 0 < least < 1, by bisection."""
    low, high = -FARTHEST, FARTHEST
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            return high
        low, high = (low, middle) if probability(sigmoid, middle)[0] >= least else (middle, high)
