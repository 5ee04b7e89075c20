"""Directions: vectors d, normalized, u = d / |d|,

    du = (I - u uᵀ) dd / |d|        d|d| = u·dd

A zero vector has no direction: its u is 0, and so is its derivative.
"""
import numpy as np

from ..inputs import input_vector
from ..kernels.cpu.lights import directions

__all__ = ["axis_of", "directions_of", "directions_to"]


def directions_of(d):
    """Rows of d, (N, 3), normalized, their lengths (N,), and one over these."""
    return directions(d, np.zeros(3), 1.0)


def directions_to(place, points):
    """The same of place - points, for a place (3,) and points (N, 3)."""
    return directions(points, place, -1.0)


def axis_of(light):
    """The direction `light_dir` of a light, (1, 3), and one over its length, (1,)."""
    direction = input_vector(light, "light_dir", (3,))
    if not direction.any():
        raise ValueError(f"{type(light).__name__}: light_dir must not be 0, it has no direction")
    axis, _, inverse_length = directions_of(direction[None])
    return axis, inverse_length
