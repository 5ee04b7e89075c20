"""Inputs of nodes: their values, checked, and the derivative of a node with respect to any of them."""
import numbers
from functools import reduce
from operator import add

import numpy as np


def missing(node, name):
    """The error to raise where the input `name` of a node is not set."""
    return AttributeError(f"{type(node).__name__} needs {name}, which is not set: pass or assign {name}")


def input_value(node, name):
    """The value of the input `name` of a node, refused when it is missing or not finite."""
    value = getattr(node, name, None)
    if value is None:
        raise missing(node, name)
    value = value.r
    if not np.isfinite(value).all():
        where = np.argwhere(~np.isfinite(value))
        raise ValueError(f"{type(node).__name__}: {name} must be finite; entry {where[0].tolist()} is "
                         f"{value[tuple(where[0])]}, and {len(where)} of {value.size} are not finite")
    return value


def input_points(node, name, dimensions=3):
    """The value of the input `name` of a node as an array (N, dimensions)."""
    value = input_value(node, name)
    if value.ndim > 2 or value.size % dimensions or value.ndim == 2 and value.shape[1] != dimensions:
        raise ValueError(f"{type(node).__name__}: {name} must have shape (N, {dimensions}), or be that flattened; got "
                         f"{value.shape}")
    return value.reshape(-1, dimensions)


def input_vector(node, name, sizes):
    """The value of the input `name` of a node, flat, with one of the allowed `sizes`."""
    value = input_value(node, name).ravel()
    if value.size not in sizes:
        allowed = " or ".join(map(str, sizes))
        raise ValueError(f"{type(node).__name__}: {name} must have {allowed} entries, got {value.size}")
    return value


def total_derivative(node, wrt, **partials):
    """The sum of the partial derivatives over the inputs in whose place `wrt` stands; None if there are none.

    Parameters
    ----------
    node, wrt : Ch
    **partials : callable
        Name of an input -> function of nothing that gives the LinearMap.
    """
    maps = [derivative() for name, derivative in partials.items() if getattr(node, name, None) is wrt]
    return reduce(add, maps) if maps else None


def check_count(number, name):
    """The number as int; ValueError unless it is a positive whole number."""
    if isinstance(number, bool) or not isinstance(number, numbers.Real) or not 1 <= number < np.inf or number % 1:
        raise ValueError(f"{name} must be a positive whole number, got {number!r}")
    return int(number)
