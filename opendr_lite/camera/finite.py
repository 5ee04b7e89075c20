"""Numbers held within bounds, so that finite points have finite projections."""
import numpy as np

from ..kernels.cpu.projection import MAX_RECIPROCAL

__all__ = ["reciprocal", "within"]


def reciprocal(x):
    """1 / x, of 0 as if it were 1, and no larger than 1e20."""
    with np.errstate(divide="ignore", over="ignore"):
        return within(1.0 / np.where(x == 0, 1.0, x), MAX_RECIPROCAL)


def within(x, limit):
    return np.minimum(np.maximum(x, -limit), limit)
