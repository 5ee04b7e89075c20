"""How far two clouds of points are from each other.

    sum_i c_i |x_i - y_n(i)|²  +  sum_j d_j |y_j - x_m(j)|²

y_n(i) is the point nearest to x_i, x_m(j) the one nearest to y_j. While they stay the same, and they do unless two are
equally near, the derivative is that of the differences. Normals that belong to the points are compared in the same
pairs by 1 - |cos| of the angle between them, so that their signs do not matter; for unit normals, with s the sign of
m·n,

    1 - |m·n| = |m - s n|² / 2
"""
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .. import ch
from ..ch import Ch
from ..geometry.rows import NormalizedNx3, Sum3xN
from ..inputs import input_value
from .meshes import checked_vertices

__all__ = ["ChamferDistance", "chamfer_distance", "chamfer_normal_residuals", "chamfer_residuals"]


class Nearest(Ch):
    """The index (N,) of the point y that is nearest to each point x, by the `norm` 1 or 2; piecewise constant.

    Of points in one place it is the first.
    """

    terms = "x", "y", "norm"
    dterms = ()

    def compute_r(self):
        x, y = input_value(self, "x"), input_value(self, "y")
        places, first = y, np.arange(len(y))
        if np.unique(y[:, 0]).size < len(y):  # perhaps many in one place, which a tree cannot take apart
            places, first = np.unique(y, axis=0, return_index=True)
        return first[cKDTree(places).query(x, p=self.norm)[1]].astype(np.float64)


class ChamferDistance(NamedTuple):
    """What `chamfer_distance` returns: a node for the points and one for their normals, None where none were given."""

    distance: Ch
    normals: Ch | None


class _Pairs(NamedTuple):
    """Each of the points `here`, with the nearest of those `there`, and how much it counts."""

    here: Ch
    there: Ch
    nearest: Nearest
    coefficient: np.ndarray

    def differences(self):
        return self.here - self.there[self.nearest]

    def normals(self, normals_here, normals_there):
        """Unit normals of both points of each pair."""
        m, n = (NormalizedNx3(normals).reshape(-1, 3) for normals in (normals_here, normals_there))
        return m, n[self.nearest]


def _both_ways(x, y, x_weights, y_weights, point_reduction, norm, single_directional):
    x, y = _checked_points(x, "x"), _checked_points(y, "y")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must have points of the same dimension; got shapes {x.shape} and {y.shape}")
    if norm not in (1, 2):
        raise ValueError(f"norm must be 1 or 2; got {norm!r}")
    if point_reduction not in ("mean", "sum"):
        raise ValueError(f"point_reduction must be 'mean' or 'sum'; got {point_reduction!r}")
    there = _Pairs(x, y, Nearest(x, y, norm), _coefficients(x_weights, len(x), point_reduction, "x_weights"))
    back = _Pairs(y, x, Nearest(y, x, norm), _coefficients(y_weights, len(y), point_reduction, "y_weights"))
    return [there] if single_directional else [there, back]


def _checked_points(points, name):
    points = ch.as_node(points)
    if points.ndim != 2 or not points.size:
        raise ValueError(f"{name} must have shape (N, dimensions), a row for each point, and must not be empty; got "
                         f"shape {points.shape}")
    if not np.isfinite(points.r).all():
        raise ValueError(f"{name} must be finite; {np.count_nonzero(~np.isfinite(points.r))} of its {points.size} "
                         "entries are not")
    return points


def _coefficients(weights, count, point_reduction, name):
    weights = np.ones(count) if weights is None else np.array(getattr(weights, "r", weights), dtype=np.float64)
    if weights.shape != (count,):
        raise ValueError(f"{name} must have one entry for each of the {count} points; got shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(f"{name} must be finite, not negative and not all zero")
    return weights / weights.sum() if point_reduction == "mean" else weights


def _checked_normals(x_normals, y_normals, pairs):
    normals = [checked_vertices(x_normals, "x_normals"), checked_vertices(y_normals, "y_normals")]
    for name, own, points in zip(("x", "y"), normals, (pairs[0].here, pairs[0].there)):
        if len(own) != len(points):
            raise ValueError(f"{name}_normals must have a row for each of the {len(points)} points {name}; got shape "
                             f"{own.shape}")
    return [normals, normals[::-1]]


def chamfer_residuals(x, y, x_weights=None, y_weights=None, point_reduction="mean", single_directional=False):
    """Residuals whose sum of squares is `chamfer_distance(x, y, ...).distance`: weighted differences of nearest points.

    Parameters
    ----------
    x : Ch or array_like (N, D)
    y : Ch or array_like (M, D)
    x_weights : array_like (N,), optional
    y_weights : array_like (M,), optional
        How much each point counts, constants; by default 1.
    point_reduction : {'mean', 'sum'}
        Whether weights are divided by their sum.
    single_directional : bool
        True: only from the points x to those of y.

    Returns
    -------
    Ch (N, D) or (N + M, D)

    Raises
    ------
    ValueError
        For wrong shapes, no points, values that are not finite, weights that are negative or all zero.
    """
    pairs = _both_ways(x, y, x_weights, y_weights, point_reduction, 2, single_directional)
    return _one_after_the_other([way.differences() * np.sqrt(way.coefficient)[:, None] for way in pairs])


def chamfer_normal_residuals(x, y, x_normals, y_normals, x_weights=None, y_weights=None, point_reduction="mean",
                             single_directional=False, abs_cosine=True):
    """Residuals (N, 3) or (N + M, 3) whose sum of squares is `chamfer_distance(x, y, x_normals, ...).normals`.

    Which points belong together is a constant to derivatives. Parameters as for `chamfer_distance`.
    """
    pairs = _both_ways(x, y, x_weights, y_weights, point_reduction, 2, single_directional)
    residuals = []
    for way, normals in zip(pairs, _checked_normals(x_normals, y_normals, pairs)):
        m, n = way.normals(*normals)
        sign = ch.sign(Sum3xN(m * n)).reshape(-1, 1) if abs_cosine else 1.0
        residuals.append((m - sign * n) * np.sqrt(0.5 * way.coefficient)[:, None])
    return _one_after_the_other(residuals)


def chamfer_distance(x, y, x_normals=None, y_normals=None, x_weights=None, y_weights=None, point_reduction="mean",
                     norm=2, single_directional=False, abs_cosine=True):
    """The distance of two clouds of points and of their normals, under PyTorch3D's name.

    Parameters
    ----------
    x : Ch or array_like (N, D)
    y : Ch or array_like (M, D)
    x_normals : Ch or array_like (N, 3), optional
    y_normals : Ch or array_like (M, 3), optional
        Of any length; both or neither.
    x_weights : array_like (N,), optional
    y_weights : array_like (M,), optional
        How much each point counts, constants; by default 1. (PyTorch3D's weights are those of clouds in a batch.)
    point_reduction : {'mean', 'sum'}
        Whether weights are divided by their sum.
    norm : {2, 1}
        2: squares of Euclidean distances. 1: sums of absolute differences, also to find what is nearest.
    single_directional : bool
        True: only from the points x to those of y.
    abs_cosine : bool
        False: normals that are opposite count 2, not 0.

    Returns
    -------
    ChamferDistance
        A pair (distance, normals) of nodes with one number; `normals` is None where none were given.

    Raises
    ------
    ValueError
        For wrong shapes, no points, values that are not finite, weights that are negative or all zero, or normals of
        one cloud alone.
    """
    pairs = _both_ways(x, y, x_weights, y_weights, point_reduction, norm, single_directional)
    if norm == 2:
        distance = sum(ch.sum(way.differences() ** 2 * way.coefficient[:, None]) for way in pairs)
    else:
        distance = sum(ch.sum(ch.abs(way.differences()) * way.coefficient[:, None]) for way in pairs)
    if x_normals is None and y_normals is None:
        return ChamferDistance(distance, None)
    if x_normals is None or y_normals is None:
        raise ValueError("give both x_normals and y_normals, or neither")
    bends = []
    for way, normals in zip(pairs, _checked_normals(x_normals, y_normals, pairs)):
        m, n = way.normals(*normals)
        cosine = Sum3xN(m * n)
        bends.append(ch.sum((1.0 - (ch.abs(cosine) if abs_cosine else cosine)) * way.coefficient))
    return ChamferDistance(distance, sum(bends))


def _one_after_the_other(parts):
    return parts[0] if len(parts) == 1 else ch.concatenate(parts)
