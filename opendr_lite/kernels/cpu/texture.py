"""Texture lookup: which texels a pixel shows, with which weights, and their colour.

Texels are the entries of all levels of a mipmap in one list, the finest level first, row by row. Texture coordinates
(s, t) follow the OBJ convention, t up; the centre of texel (row, column) of a level of R rows and C columns is at

    s = (column + 1/2) / C        t = 1 - (row + 1/2) / R

and the texture repeats. The level of detail is

    l = log2 max(|d(s C, t R)/du|, |d(s C, t R)/dv|)

with the true derivatives of the perspective-correct coordinates on the screen: for barycentrics
b_k = (lambda_k / z_k) z, and lambda_k affine in (u, v) with the gradient l_k,

    db_k/d(u, v) = z (l_k / z_k - b_k sum_j l_j / z_j)
    ds/d(u, v) = sum_k s_k db_k/d(u, v) = z (sum_k s_k l_k / z_k - s sum_j l_j / z_j)

so that all sums are the same everywhere on a face. For l <= 0 the finest level is interpolated bilinearly; else the two
levels around l are, and mixed by the fraction of l (GL_LINEAR_MIPMAP_LINEAR; Williams, "Pyramidal parametrics",
SIGGRAPH 1983). So a pixel has up to eight taps. The image needs their sum alone, and never lists them; the derivatives
ask for the list.
"""
import numpy as np

from ...memory import zeros
from ...threads import run_bands, split
from ..jit import formula, kernel, read_only

PIXELS_PER_BAND = 8192
TAPS = 8


def texture_colors(face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, values):
    """Colour of the texture at each pixel.

    Parameters
    ----------
    face_id, barycentric, depth, screen, f, ft, vt, levels, nearest
        See `texture_taps`.
    values : (texels, C) float64
        The texels of all levels.

    Returns
    -------
    (h w, C) float64
        0 where no face is seen.
    """
    height, width = face_id.shape
    colors = zeros((height * width, values.shape[1]))
    run_bands(_color_rows, _row_bands(height, width), face_id, barycentric, depth, screen, f, ft, read_only(vt), levels,
              bool(nearest), read_only(values), colors)
    return colors


def texture_taps(face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, with_slopes):
    """Texels that each pixel shows.

    Parameters
    ----------
    face_id : (h, w) int32
    barycentric : (h, w, 3) float64
    depth : (h, w) float64
    screen : (V, 3) float64
        u, v, z of the vertices.
    f, ft : (F, 3) int32
    vt : (T, 2) float64
    levels : (L, 3) int64
        First texel, rows, columns of each level.
    nearest : bool
        One tap, the nearest texel of the finest level.
    with_slopes : bool
        Whether derivatives are wanted.

    Returns
    -------
    taps : (h w, 8) int32
        -1 where no face is seen.
    weights : (h w, 8) float64
    slopes : (3, h w, 8) float64
        Derivatives of the weights with respect to s, t and the level of detail; (3, 0, 8) if not wanted.
    lod_corners : (h w, 3) float64, lod_gain : (h w, 2) float64
        d lod / d (s_k, t_k) = lod_corners[k] * lod_gain, for the corners k of the face; 0 where l <= 0. Without rows
        if not wanted.
    """
    height, width = face_id.shape
    count = height * width
    slope_count = count if with_slopes else 0
    taps = np.empty((count, TAPS), np.int32)
    weights = np.empty((count, TAPS))
    slopes = np.zeros((3, slope_count, TAPS))
    lod_corners, lod_gain = np.zeros((slope_count, 3)), np.zeros((slope_count, 2))
    run_bands(_tap_rows, _row_bands(height, width), face_id, barycentric, depth, screen, f, ft, read_only(vt), levels,
              bool(nearest), taps, weights, slopes, lod_corners, lod_gain)
    return taps, weights, slopes, lod_corners, lod_gain


def _row_bands(height, width):
    return split(height, least=-(-PIXELS_PER_BAND // max(width, 1)))


@formula
def corner_slopes(screen, f, face):
    """The gradients over the screen of lambda_k / z_k: along u for the three corners, then along v."""
    a, b, c = f[face, 0], f[face, 1], f[face, 2]
    ab_u, ab_v = screen[b, 0] - screen[a, 0], screen[b, 1] - screen[a, 1]
    ac_u, ac_v = screen[c, 0] - screen[a, 0], screen[c, 1] - screen[a, 1]
    inverse_area = 1.0 / (ab_u * ac_v - ab_v * ac_u)
    of_a, of_b, of_c = inverse_area / screen[a, 2], inverse_area / screen[b, 2], inverse_area / screen[c, 2]
    return (ab_v - ac_v) * of_a, ac_v * of_b, -ab_v * of_c, (ac_u - ab_u) * of_a, -ac_u * of_b, ab_u * of_c


@formula
def face_slopes(screen, f, face, s0, s1, s2, t0, t1, t2):
    """The gradients over the screen of s / z, t / z and 1 / z, for s and t at the corners: along u, then along v."""
    u0, u1, u2, v0, v1, v2 = corner_slopes(screen, f, face)
    return (u0 * s0 + u1 * s1 + u2 * s2, u0 * t0 + u1 * t1 + u2 * t2, u0 + u1 + u2,
            v0 * s0 + v1 * s1 + v2 * s2, v0 * t0 + v1 * t1 + v2 * t2, v0 + v1 + v2)


@formula
def texel_step(slope_s, slope_t, slope_w, s, t, z, rows, columns):
    """How far (s C, t R) moves from one pixel to the next, from the gradients of s / z, t / z and 1 / z."""
    return z * (slope_s - s * slope_w) * columns, z * (slope_t - t * slope_w) * rows


@formula
def level_of_detail(size, last_level):
    """l, within the levels that there are, from the square of the larger step."""
    if 1.0 < size < np.inf:  # false for a NaN, of a face seen exactly from its side
        return min(0.5 * np.log2(size), float(last_level))
    return 0.0


@formula
def nearest_texel(s, t, rows, columns):
    """(row, column) of the texel that (s, t) is in."""
    row, column = int((np.ceil(t) - t) * rows), int((s - np.floor(s)) * columns)
    return (row if 0 <= row < rows else rows - 1, column if 0 <= column < columns else columns - 1)


@formula
def texels_around(s, t, rows, columns):
    """(left, right, upper, lower, x, y): columns and rows of the texels around (s, t), where it is between them."""
    x = (s - np.floor(s)) * columns - 0.5  # in the first of the repetitions
    y = (np.ceil(t) - t) * rows - 0.5
    x_floor, y_floor = np.floor(x), np.floor(y)
    left, upper = int(x_floor), int(y_floor)
    right = left + 1 if 0 <= left + 1 < columns else 0
    lower = upper + 1 if 0 <= upper + 1 < rows else 0
    return (left if left >= 0 else columns - 1, right, upper if upper >= 0 else rows - 1, lower,
            x - x_floor, y - y_floor)


@kernel
def _color_rows(start, stop, face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, values, colors):
    width = face_id.shape[1]
    channels = values.shape[1]
    base_rows, base_columns = levels[0, 1], levels[0, 2]
    last_level = levels.shape[0] - 1
    current = -1
    s0 = s1 = s2 = t0 = t1 = t2 = su = tu = wu = sv = tv = wv = 0.0
    for j in range(start, stop):
        for i in range(width):
            pixel = j * width + i
            face = face_id[j, i]
            if face < 0:
                continue
            if face != current:  # neighbours often see the same face
                current = face
                s0, s1, s2 = vt[ft[face, 0], 0], vt[ft[face, 1], 0], vt[ft[face, 2], 0]
                t0, t1, t2 = vt[ft[face, 0], 1], vt[ft[face, 1], 1], vt[ft[face, 2], 1]
                if last_level > 0:
                    su, tu, wu, sv, tv, wv = face_slopes(screen, f, face, s0, s1, s2, t0, t1, t2)
            b0, b1, b2, z = barycentric[j, i, 0], barycentric[j, i, 1], barycentric[j, i, 2], depth[j, i]
            s = b0 * s0 + b1 * s1 + b2 * s2
            t = b0 * t0 + b1 * t1 + b2 * t2
            if nearest:
                row, column = nearest_texel(s, t, base_rows, base_columns)
                for c in range(channels):
                    colors[pixel, c] = values[row * base_columns + column, c]
                continue

            lod = 0.0
            if last_level > 0:
                s_u, t_u = texel_step(su, tu, wu, s, t, z, base_rows, base_columns)
                s_v, t_v = texel_step(sv, tv, wv, s, t, z, base_rows, base_columns)
                lod = level_of_detail(max(s_u * s_u + t_u * t_u, s_v * s_v + t_v * t_v), last_level)
            level = min(int(lod), max(last_level - 1, 0))
            for half in range(2 if lod > 0.0 else 1):
                share = lod - level if half == 1 else 1.0 - (lod - level)
                first, rows, columns = levels[level + half, 0], levels[level + half, 1], levels[level + half, 2]
                left, right, upper, lower, x, y = texels_around(s, t, rows, columns)
                upper, lower = first + upper * columns, first + lower * columns
                w00, w01 = share * (1.0 - y) * (1.0 - x), share * (1.0 - y) * x
                w10, w11 = share * y * (1.0 - x), share * y * x
                ul, ur, ll, lr = upper + left, upper + right, lower + left, lower + right
                for c0 in range(0, channels, 3):  # three at a time; of a rest, the last one again
                    c1, c2 = min(c0 + 1, channels - 1), min(c0 + 2, channels - 1)
                    color0 = w00 * values[ul, c0] + w01 * values[ur, c0] + w10 * values[ll, c0] + w11 * values[lr, c0]
                    color1 = w00 * values[ul, c1] + w01 * values[ur, c1] + w10 * values[ll, c1] + w11 * values[lr, c1]
                    color2 = w00 * values[ul, c2] + w01 * values[ur, c2] + w10 * values[ll, c2] + w11 * values[lr, c2]
                    if half == 1:
                        color0 += colors[pixel, c0]
                        color1 += colors[pixel, c1]
                        color2 += colors[pixel, c2]
                    colors[pixel, c0] = color0
                    colors[pixel, c1] = color1
                    colors[pixel, c2] = color2


@kernel
def _tap_rows(start, stop, face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, taps, weights, slopes,
              lod_corners, lod_gain):
    width = face_id.shape[1]
    base_rows, base_columns = levels[0, 1], levels[0, 2]
    last_level = levels.shape[0] - 1
    wanted = slopes.shape[1] > 0
    for j in range(start, stop):
        for i in range(width):
            pixel = j * width + i
            face = face_id[j, i]
            for tap in range(TAPS):
                taps[pixel, tap] = 0 if face >= 0 else -1
                weights[pixel, tap] = 0.0
            if face < 0:
                continue
            s0, s1, s2 = vt[ft[face, 0], 0], vt[ft[face, 1], 0], vt[ft[face, 2], 0]
            t0, t1, t2 = vt[ft[face, 0], 1], vt[ft[face, 1], 1], vt[ft[face, 2], 1]
            b0, b1, b2, z = barycentric[j, i, 0], barycentric[j, i, 1], barycentric[j, i, 2], depth[j, i]
            s = b0 * s0 + b1 * s1 + b2 * s2
            t = b0 * t0 + b1 * t1 + b2 * t2
            if nearest:
                row, column = nearest_texel(s, t, base_rows, base_columns)
                taps[pixel, 0] = row * base_columns + column
                weights[pixel, 0] = 1.0
                continue

            su, tu, wu, sv, tv, wv = face_slopes(screen, f, face, s0, s1, s2, t0, t1, t2)
            s_u, t_u = texel_step(su, tu, wu, s, t, z, base_rows, base_columns)
            s_v, t_v = texel_step(sv, tv, wv, s, t, z, base_rows, base_columns)
            size_u, size_v = s_u * s_u + t_u * t_u, s_v * s_v + t_v * t_v
            size = max(size_u, size_v)
            lod = level_of_detail(size, last_level)
            level = min(int(lod), max(last_level - 1, 0))
            between_levels = 0.0 < lod < last_level
            for half in range(2 if lod > 0.0 else 1):
                share = lod - level if half == 1 else 1.0 - (lod - level)
                first, rows, columns = levels[level + half, 0], levels[level + half, 1], levels[level + half, 2]
                left, right, upper, lower, x, y = texels_around(s, t, rows, columns)
                for corner in range(4):
                    is_right, is_lower = corner % 2 == 1, corner // 2 == 1
                    weight_x, weight_y = x if is_right else 1.0 - x, y if is_lower else 1.0 - y
                    tap = 4 * half + corner
                    taps[pixel, tap] = (first + (lower if is_lower else upper) * columns
                                        + (right if is_right else left))
                    weights[pixel, tap] = share * weight_x * weight_y
                    if wanted:
                        slopes[0, pixel, tap] = share * weight_y * (columns if is_right else -columns)
                        slopes[1, pixel, tap] = share * weight_x * (-rows if is_lower else rows)
                        if between_levels:
                            slopes[2, pixel, tap] = weight_x * weight_y * (1.0 if half == 1 else -1.0)
            if wanted and between_levels:
                along_u = size_u >= size_v
                along, along_all = corner_slopes(screen, f, face), wu if along_u else wv
                for k in range(3):
                    lod_corners[pixel, k] = z * (along[k if along_u else 3 + k] - barycentric[j, i, k] * along_all)
                lod_gain[pixel, 0] = (s_u if along_u else s_v) * base_columns / (size * np.log(2.0))
                lod_gain[pixel, 1] = (t_u if along_u else t_v) * base_rows / (size * np.log(2.0))
