"""Sums, extrema and running sums along axes.

Three linear maps cover them. With the *lanes* of x the sets of entries that are reduced to one,

* a sum of weighted entries, dy = sum of w_i dx_i over each lane. For the sum w = 1, for the mean 1/n. For
  the variance y = sum (x_i - m)^2 / (n - ddof) of a lane with mean m, w_i = 2 (x_i - m) / (n - ddof),
  because the deviations add up to zero and so the derivative of m does not matter; for its root, that
  over 2 y (and 0 where y = 0). For the product, w_i is the product of the others;
* one entry of each lane (maximum, minimum; the median, of an even number, the mean of two): a selection.
  Of equal entries the first is taken, as by ``argmax``;
* the first-order recurrence t_i = g_i t_(i-1) + dx_i along an axis, which is the running sum for g = 1
  and, with dx_i scaled by y_(i-1) and g = x, the running product. Its transpose runs backwards.

`axis` is an integer, a tuple of them, or None for all entries; it and `keepdims` may be set anew later.
"""
import numpy as np
import scipy.sparse as sp

from ..memory import empty
from .elementwise import numbers
from .linear_maps import Broadcast, Diagonal, FunctionMap, Selection
from .node import Ch, as_node

__all__ = ["SumOfSquares", "amax", "amin", "average", "cumprod", "cumsum", "diff", "max", "mean", "median",
           "min", "nanmax", "nanmean", "nanmin", "nansum", "prod", "ptp", "std", "sum", "var"]


class Reduction(Ch):
    """y = value(x, axis, keepdims)."""

    terms = "axis", "keepdims"
    dterms = "x"
    term_order = "x", "axis", "keepdims"
    axis, keepdims = None, False

    def compute_r(self):
        return self.value(numbers(self.x), axis=self.axis, keepdims=self.keepdims)

    def _axes(self):
        """The axes that are reduced, as non-negative integers."""
        every = range(self.x.ndim)
        return tuple(every) if self.axis is None else tuple(every[axis] for axis in np.atleast_1d(self.axis))

    def _lanes(self, array):
        """An array of the shape of x with the reduced axes last, as one."""
        axes = self._axes()
        moved = np.moveaxis(array, axes, range(-len(axes), 0))
        return moved.reshape(moved.shape[:moved.ndim - len(axes)] + (-1,))

    def _unlanes(self, lanes):
        """The inverse of `_lanes`."""
        axes, shape = self._axes(), self.x.shape
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        moved = lanes.reshape([shape[axis] for axis in kept] + [shape[axis] for axis in axes])
        return np.moveaxis(moved, range(-len(axes), 0), axes)


class WeightedSum(Reduction):
    """A reduction with dy = sum of weights * dx."""

    def weights(self, x, y):
        """dy/dx, of a shape that broadcasts to x's, from x and y with the reduced axes kept."""
        raise NotImplementedError

    def compute_dr_wrt(self, wrt):
        if wrt is not self.x:
            return None
        x, axes = numbers(self.x), self._axes()
        kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
        with np.errstate(all="ignore"):
            weights = self.weights(x, self.r.reshape(kept))
        total = Broadcast(kept, x.shape).T
        if np.size(weights) == 1:
            return total @ Diagonal(weights, x.size)
        return total @ Diagonal(np.broadcast_to(weights, x.shape))

    def _count(self):
        """Number of entries of a lane."""
        return self.x.size / np.maximum(self.size, 1)


class sum(WeightedSum):
    """Sum along axes."""

    value = staticmethod(np.sum)

    def weights(self, x, y):
        return 1.0


class nansum(WeightedSum):
    """Sum along axes of the entries that are not nan."""

    value = staticmethod(np.nansum)

    def weights(self, x, y):
        return ~np.isnan(x)


class mean(WeightedSum):
    """Mean along axes."""

    value = staticmethod(np.mean)

    def weights(self, x, y):
        return 1 / self._count()


class nanmean(WeightedSum):
    """Mean along axes of the entries that are not nan."""

    value = staticmethod(np.nanmean)

    def weights(self, x, y):
        known = ~np.isnan(x)
        return known / known.sum(axis=self._axes(), keepdims=True)


class var(WeightedSum):
    """Variance along axes: sum of squared deviations from the mean, over their number less `ddof`."""

    terms = "axis", "ddof", "keepdims"
    term_order = "x", "axis", "ddof", "keepdims"
    ddof = 0

    def compute_r(self):
        return np.var(numbers(self.x), axis=self.axis, ddof=self.ddof, keepdims=self.keepdims)

    def weights(self, x, y):
        return 2 * (x - x.mean(axis=self._axes(), keepdims=True)) / (self._count() - self.ddof)


class std(var):
    """Standard deviation along axes, the root of `var`."""

    def compute_r(self):
        return np.sqrt(super().compute_r())

    def weights(self, x, y):
        return np.where(y == 0, 0.0, super().weights(x, y) / (2 * y))


class prod(WeightedSum):
    """Product along axes."""

    value = staticmethod(np.prod)

    def weights(self, x, y):
        lanes = self._lanes(x)
        return self._unlanes(_product_before(lanes) * _product_before(lanes[..., ::-1])[..., ::-1])


def _product_before(lanes):
    shifted = np.ones_like(lanes)
    shifted[..., 1:] = lanes[..., :-1]
    return np.cumprod(shifted, axis=-1)


class SumOfSquares(Ch):
    """The sum of the squares of all entries."""

    dterms = "x"

    def compute_r(self):
        x = numbers(self.x).ravel()
        return x @ x

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            x = numbers(self.x).reshape(-1, 1)
            return FunctionMap((1, x.size), lambda dx: 2 * (x.T @ dx), lambda y: _multiples(x, 2 * y),
                               lambda: sp.csr_matrix(2 * x.T))


def _multiples(x, y):
    """x (n, 1) times y (1,) or (1, k): (n,) or (n, k)."""
    return np.multiply(x, y, out=empty((x.size, y.size))).reshape(x.shape[:1] + y.shape[1:])


# ---------------------------------------------------------------------- entries by rank

class Ranked(Reduction):
    """A reduction to one entry of each lane, the one at `position` along the last axis of the lanes."""

    dterms = "a"
    term_order = "a", "axis", "keepdims"
    x = property(lambda self: self.a, doc="The same as `a`.")

    def compute_dr_wrt(self, wrt):
        if wrt is self.a:
            return self._selection(self.position(self._lanes(numbers(self.a))))

    def _selection(self, positions):
        lanes = self._lanes(np.arange(self.a.size).reshape(self.a.shape))
        return Selection(np.take_along_axis(lanes, positions[..., None], axis=-1), self.a.size)


class amax(Ranked):
    """Largest entry along axes; nan where there is one."""

    value = staticmethod(np.max)

    def position(self, lanes):
        return np.argmax(lanes, axis=-1)


class amin(Ranked):
    """Smallest entry along axes; nan where there is one."""

    value = staticmethod(np.min)

    def position(self, lanes):
        return np.argmin(lanes, axis=-1)


class nanmax(Ranked):
    """Largest entry along axes of those that are not nan."""

    value = staticmethod(np.nanmax)

    def position(self, lanes):
        return np.argmax(np.where(np.isnan(lanes), -np.inf, lanes), axis=-1)


class nanmin(Ranked):
    """Smallest entry along axes of those that are not nan."""

    value = staticmethod(np.nanmin)

    def position(self, lanes):
        return np.argmin(np.where(np.isnan(lanes), np.inf, lanes), axis=-1)


class median(Ranked):
    """Median along axes."""

    value = staticmethod(np.median)

    def compute_dr_wrt(self, wrt):
        if wrt is self.a:
            order = np.argsort(self._lanes(numbers(self.a)), axis=-1, kind="stable")
            count = order.shape[-1]
            lower, upper = (self._selection(order[..., rank]) for rank in ((count - 1) // 2, count // 2))
            return lower if count % 2 else (lower + upper) * 0.5


max, min = amax, amin


def ptp(a, axis=None, keepdims=False):
    """Largest less smallest entry along axes."""
    return amax(a, axis, keepdims) - amin(a, axis, keepdims)


def average(a, axis=None, weights=None, keepdims=False):
    """Mean along axes, weighted: sum of weights * a over the sum of the weights, which may be nodes.

    Parameters
    ----------
    a : array_like or Ch
    axis : int or tuple of int, optional
    weights : array_like or Ch, optional
        Of the shape of `a`, or for an integer `axis` a vector of its length.
    keepdims : bool
    """
    a = as_node(a)
    if weights is None:
        return mean(a, axis, keepdims)
    weights = as_node(weights)
    if weights.shape != a.shape:
        if not isinstance(axis, (int, np.integer)) or weights.shape != (a.shape[axis],):
            raise ValueError(f"average: weights must have the shape {a.shape} of a, or one weight for each "
                             f"entry along an integer axis; got shape {weights.shape} for axis {axis}")
        aligned = [1] * a.ndim
        aligned[axis] = weights.size
        weights = weights.reshape(aligned)
    return sum(a * weights, axis, keepdims) / sum(weights, axis, keepdims)


# ---------------------------------------------------------------------- running sums

class Running(Ch):
    """A recurrence along an axis; for `axis` None along the raveled array, as in NumPy."""

    terms = "axis"
    dterms = "a"
    term_order = "a", "axis"
    axis = None

    def compute_r(self):
        return self.value(numbers(self.a), axis=self.axis)

    def _steps(self, flat):
        """A (size,) or (size, k) array as one of shape (steps along the axis, ..., k)."""
        shape, axis = ((self.a.size,), 0) if self.axis is None else (self.a.shape, self.axis)
        return np.moveaxis(flat.reshape(shape + (flat.shape[1:] or (1,))), range(len(shape))[axis], 0)

    def _linear_map(self, forward, backward):
        """The linear map of two functions of arrays of steps."""
        return FunctionMap((self.size, self.size), lambda x: self._flat(forward(self._steps(x)), x.shape),
                           lambda y: self._flat(backward(self._steps(y)), y.shape))

    def _flat(self, steps, shape):
        """The inverse of `_steps`."""
        axis = 0 if self.axis is None else range(self.a.ndim)[self.axis]
        return np.moveaxis(steps, 0, axis).reshape(shape)


class cumsum(Running):
    """Running sum."""

    value = staticmethod(np.cumsum)

    def compute_dr_wrt(self, wrt):
        if wrt is self.a:
            return self._linear_map(lambda x: np.cumsum(x, axis=0),
                                    lambda y: np.cumsum(y[::-1], axis=0)[::-1])


class cumprod(Running):
    """Running product."""

    value = staticmethod(np.cumprod)

    def compute_dr_wrt(self, wrt):
        if wrt is not self.a:
            return None
        growth = self._steps(numbers(self.a).ravel())

        def forward(x):
            t = np.array(x)
            for i in range(1, len(t)):
                t[i] += growth[i] * t[i - 1]
            return t

        def backward(y):
            t = np.array(y)
            for i in range(len(t) - 1, 0, -1):
                t[i - 1] += growth[i] * t[i]
            return t

        value = self._steps(self.r.ravel())
        before = np.concatenate([np.ones_like(value[:1]), value[:-1]])
        return self._linear_map(forward, backward) @ Diagonal(self._flat(before, self.size))


def diff(a, n=1, axis=-1):
    """The n-th differences of neighbours along an axis."""
    a = as_node(a)
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"diff: n must be a non-negative integer, got {n!r}")
    along = (slice(None),) * range(a.ndim)[axis]
    for _ in range(n):
        a = a[along + (slice(1, None),)] - a[along + (slice(None, -1),)]
    return a
