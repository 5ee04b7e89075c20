"""What a face shows at a point of it: the product of up to three factors.

    vertex     sum_k b_k a_k of colours at the corners
    cell       of R^2 cells that the face is cut into (Soft Rasterizer's surface textures); one is a colour of the face
    texel      of a texture, bilinear or nearest, at (s, t) = sum_k b_k (s_k, t_k)

A factor that is not there has no values, and is 1.
"""
from typing import NamedTuple

import numpy as np

from ...jit import formula, inlined
from ..texture import nearest_texel, place_on_texture, texels_around

__all__ = ["Paint", "cell_of", "factors_at", "shade", "slope_of_texels", "texel_taps"]


ROUNDING = 1e-9


class Paint(NamedTuple):
    """The colours of a mesh of F faces.

    Attributes
    ----------
    vertex : (V, C) float64, or (0, C)
    cell : (P R^2, C) float64, or (0, C)
    parent : (F,) int32
        Which of the P faces that have cells each face is, or is a part of.
    inside : (F, 3, 3) float64, or (0, 3, 3)
        Barycentric coordinates of its corners there; empty where they are the same.
    resolution : int
        R.
    texel : (rows columns, C) float64, or (0, C)
    rows, columns : int
    nearest : bool
        Instead of bilinear.
    vt, ft : (T, 2) float64, (F, 3) int32
        Texture coordinates of the corners.
    """

    vertex: np.ndarray
    cell: np.ndarray
    parent: np.ndarray
    inside: np.ndarray
    resolution: int
    texel: np.ndarray
    rows: int
    columns: int
    nearest: bool
    vt: np.ndarray
    ft: np.ndarray

    @property
    def channels(self):
        return self.vertex.shape[1]


@formula
def cell_of(t, b, paint):
    """Index of the cell: squares of the lattice of (b_0, b_1), and beyond the diagonal those turned by half a turn."""
    size = paint.resolution
    x, y = b[0], b[1]
    if len(paint.inside) > 0:
        x, y = (sum_of(b, paint.inside[t, 0, 0], paint.inside[t, 1, 0], paint.inside[t, 2, 0]),
                sum_of(b, paint.inside[t, 0, 1], paint.inside[t, 1, 1], paint.inside[t, 2, 1]))
    i, j = min(max(int(x * size), 0), size - 1), min(max(int(y * size), 0), size - 1)
    if (x + y) * size - i - j > 1.0 + ROUNDING:  # on an edge of the face it is 1 up to rounding
        i, j = size - 1 - i, size - 1 - j
    return (paint.parent[t] * size + j) * size + i


@formula
def sum_of(b, x0, x1, x2):
    return b[0] * x0 + b[1] * x1 + b[2] * x2


@formula
def texel_taps(t, b, paint):
    """The four texels (upper left, upper right, lower left, lower right), and how far between them, x and y."""
    i, j, k = paint.ft[t, 0], paint.ft[t, 1], paint.ft[t, 2]
    across, down = place_on_texture(sum_of(b, paint.vt[i, 0], paint.vt[j, 0], paint.vt[k, 0]),
                                    sum_of(b, paint.vt[i, 1], paint.vt[j, 1], paint.vt[k, 1]))
    rows, columns = float(paint.rows), float(paint.columns)
    if paint.nearest:
        row, column = nearest_texel(across, down, rows, columns)
        left, right, upper, lower, x, y = column, column, row, row, 0.0, 0.0
    else:
        left, right, upper, lower, x, y = texels_around(across, down, rows, columns)
    above, below = int(upper) * paint.columns, int(lower) * paint.columns
    return above + int(left), above + int(right), below + int(left), below + int(right), x, y


@inlined
def factors_at(t, b, f, paint, factor):
    """Write the three factors of the colour, (3, C)."""
    factor[:] = 1.0
    if len(paint.vertex) > 0:
        for c in range(factor.shape[1]):
            factor[0, c] = sum_of(b, paint.vertex[f[t, 0], c], paint.vertex[f[t, 1], c], paint.vertex[f[t, 2], c])
    if len(paint.cell) > 0:
        cell = cell_of(t, b, paint)
        for c in range(factor.shape[1]):
            factor[1, c] = paint.cell[cell, c]
    if len(paint.texel) > 0:
        ul, ur, ll, lr, x, y = texel_taps(t, b, paint)
        for c in range(factor.shape[1]):
            factor[2, c] = ((1.0 - y) * ((1.0 - x) * paint.texel[ul, c] + x * paint.texel[ur, c])
                            + y * ((1.0 - x) * paint.texel[ll, c] + x * paint.texel[lr, c]))


@formula
def slope_of_texels(c, taps, paint):
    """Derivative of a texture's colour by s and t."""
    ul, ur, ll, lr, x, y = taps
    if paint.nearest:
        return 0.0, 0.0
    a, b, d, e = paint.texel[ul, c], paint.texel[ur, c], paint.texel[ll, c], paint.texel[lr, c]
    return (paint.columns * ((1.0 - y) * (b - a) + y * (e - d)), paint.rows * ((1.0 - x) * (a - d) + x * (b - e)))


@inlined
def shade(t, b, f, paint, factor, color, slope):
    """Write the factors, their product, (C,), and its derivative by b, (C, 3)."""
    factors_at(t, b, f, paint, factor)
    for c in range(len(color)):
        color[c] = factor[0, c] * factor[1, c] * factor[2, c]
        slope[c, 0] = slope[c, 1] = slope[c, 2] = 0.0
    if len(paint.vertex) > 0:
        for c in range(len(color)):
            others = factor[1, c] * factor[2, c]
            for k in range(3):
                slope[c, k] += others * paint.vertex[f[t, k], c]
    if len(paint.texel) > 0:
        taps = texel_taps(t, b, paint)
        for c in range(len(color)):
            others = factor[0, c] * factor[1, c]
            along_s, along_t = slope_of_texels(c, taps, paint)
            for k in range(3):
                corner = paint.ft[t, k]
                slope[c, k] += others * (along_s * paint.vt[corner, 0] + along_t * paint.vt[corner, 1])
