"""Directions: rows of vectors d, normalized, u = d / |d|, du = (I - u uᵀ) dd / |d|.

A row of zeros has no direction: its u is 0, and so is its derivative.
"""
import numpy as np

__all__ = ["directions", "row_dots", "through_direction"]


def directions(d):
    """Rows of `d` normalized, their lengths, and one over these; all 0 for a row of zeros."""
    length = np.sqrt(row_dots(d, d))
    inverse = np.divide(1.0, length, where=length > 0, out=np.zeros_like(length))
    return d * inverse[:, None], length, inverse


def through_direction(wrt_u, u, inverse_length):
    """Derivatives by d of numbers, (N, 3), from those by u."""
    return (wrt_u - row_dots(wrt_u, u)[:, None] * u) * inverse_length[:, None]


def row_dots(a, b):
    return np.einsum("ij,ij->i", a, b)
