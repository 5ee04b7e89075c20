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

so that all sums are the same everywhere on a face (without perspective, with 1 in the place of every z). For l <= 0 the
finest level is interpolated bilinearly; else the two levels around l are, and mixed by the fraction of l
(GL_LINEAR_MIPMAP_LINEAR; Williams, "Pyramidal parametrics", SIGGRAPH 1983). So a pixel has up to eight taps. The image
needs their sum alone, and never lists them; the derivatives ask for the list.

Colours are looked up a *batch* of pixels at a time, in several passes, each of them a short loop without branches. Most
of them run in vector registers: a batch is one array with `BATCH` entries for each of a few values, so a compiler sees
that what is written there is not what is read.
"""
from typing import NamedTuple

import numpy as np

from ...memory import empty, zeros
from ...threads import run_bands, split
from ..jit import formula, kernel, read_only, step
from .prefetch import prefetch

PIXELS_PER_BAND = 8192
TAPS = 8
BATCH = 64  # pixels
HALF_TAPS = 4  # of one level

# Where the values of a batch begin: across and down the texture, square of the step or then the level and how far it is
# to the next, what `levels` has for it, and the taps and weights there.
_ACROSS, _DOWN, _STEP, _LEVEL, _MIX, _FIRST, _ROWS, _COLUMNS, _TAPS, _WEIGHTS, _END = (
    np.uint64(BATCH * place) for place in (0, 1, 2, 3, 4, 5, 6, 7, 8, 8 + HALF_TAPS, 8 + 2 * HALF_TAPS))


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
    colors = empty((face_id.size, values.shape[1]))
    run_bands(_color_pixels, _bands(face_id), face_id, barycentric, depth, screen, f, ft, read_only(vt),
              levels[:1] if nearest else levels, bool(nearest), read_only(values), colors)
    return colors


def texture_taps(face_id, barycentric, depth, screen, f, ft, vt, levels, nearest):
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

    Returns
    -------
    taps : (h w, 8) int32
        -1 where no face is seen.
    weights : (h w, 8) float64
    """
    taps, weights = empty((face_id.size, TAPS), np.int32), empty((face_id.size, TAPS))
    run_bands(_tap_pixels, _bands(face_id), face_id, barycentric, depth, screen, f, ft, read_only(vt), levels,
              bool(nearest), taps, weights)
    return taps, weights


class TexelSlopes(NamedTuple):
    """Derivatives of the colours of a texture at pixels, 0 where no face is seen.

    Attributes
    ----------
    wrt_st : (h w, C, 2) float64
        By the texture coordinates, at the level of detail that is there.
    gradient : (h w, C, 2) float64
        Over the screen, along the surface, at that level.
    wrt_lod : (h w, C) float64
        By the level of detail l; 0 where l <= 0.
    lod_corners, lod_gain : (h w, 3), (h w, 2) float64
        dl / d (s_k, t_k) = lod_corners[k] * lod_gain, for the corners k of the face.
    """

    wrt_st: np.ndarray
    gradient: np.ndarray
    wrt_lod: np.ndarray
    lod_corners: np.ndarray
    lod_gain: np.ndarray


def texture_slopes(face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, values):
    """The `TexelSlopes` of bilinear texels; the parameters are those of `texture_colors`."""
    count, channels = face_id.size, values.shape[1]
    slopes = TexelSlopes(zeros((count, channels, 2)), zeros((count, channels, 2)), zeros((count, channels)),
                         zeros((count, 3)), zeros((count, 2)))
    if not nearest:
        run_bands(_slope_pixels, _bands(face_id), face_id, barycentric, depth, screen, f, ft, read_only(vt),
                  levels, read_only(values), *slopes)
    return slopes


def _bands(face_id):
    return split(face_id.size, least=PIXELS_PER_BAND)


@formula
def corner_slopes(screen, f, face):
    """The gradients over the screen of lambda_k / z_k: along u for the three corners, then along v."""
    a, b, c = np.uint64(f[face, 0]), np.uint64(f[face, 1]), np.uint64(f[face, 2])
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
def log2(x):
    """The binary logarithm of a normal positive number, in operations that vector registers do; exact for powers of 2.

    With x = 2^e m, m about 1: log2 x = e + 2 / log(2) (r + r^3/3 + r^5/5 + ...), r = (m - 1) / (m + 1), |r| < 0.172.
    """
    bits = np.float64(x).view(np.uint64)
    mantissa = np.uint64((bits & np.uint64(0xFFFFFFFFFFFFF)) | np.uint64(0x3FF0000000000000)).view(np.float64)
    exponent = np.float64(np.int64(bits >> np.uint64(52)) - 1023)
    above = mantissa > 1.4142135623730951
    mantissa, exponent = 0.5 * mantissa if above else mantissa, exponent + 1.0 if above else exponent
    r = (mantissa - 1.0) / (mantissa + 1.0)
    q = r * r
    series = q / 21 + 1 / 19
    series = (((series * q + 1 / 17) * q + 1 / 15) * q + 1 / 13) * q + 1 / 11
    series = ((((series * q + 1 / 9) * q + 1 / 7) * q + 1 / 5) * q + 1 / 3) * q + 1.0
    return exponent + 2.8853900817779268 * (r * series)


@formula
def level_of_detail(size, last_level):
    """l, within the levels that there are, from the square of the larger step."""
    level = min(0.5 * log2(size), float(last_level))
    return level if (size > 1.0) & (size < np.inf) else 0.0  # a NaN is of a face seen exactly from its side


@formula
def place_on_texture(s, t):
    """How far (s, t) is across and down the first of the repetitions, in [0, 1]."""
    return s - np.floor(s), np.ceil(t) - t


@formula
def nearest_texel(across, down, rows, columns):
    """(row, column) of the texel at a place, for float sizes."""
    row, column = np.floor(down * rows), np.floor(across * columns)
    return row if 0.0 <= row < rows else rows - 1.0, column if 0.0 <= column < columns else columns - 1.0


@formula
def texels_around(across, down, rows, columns):
    """(left, right, upper, lower, x, y): columns and rows of the texels around a place, where it is between them.

    All sizes are floats, and so are the results.
    """
    x, y = across * columns - 0.5, down * rows - 0.5
    left, upper = np.floor(x), np.floor(y)
    x, y = x - left, y - upper
    right, lower = left + 1.0, upper + 1.0
    return (left if left >= 0.0 else columns - 1.0, right if right < columns else 0.0,
            upper if upper >= 0.0 else rows - 1.0, lower if lower < rows else 0.0, x, y)


@kernel
def _color_pixels(start, stop, face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, values, colors):
    last_level = levels.shape[0] - 1
    texels, result = values.ravel(), colors.ravel()
    faces, weights, depths = face_id.ravel(), barycentric.ravel(), depth.ravel()
    batch, pixels = np.empty(_END), np.empty(BATCH, np.uint64)
    pixel, end = np.uint64(start), np.uint64(stop)
    colors[start:stop] = 0.0
    while pixel < end:
        count, pixel = _next_batch(pixel, end, faces, weights, depths, screen, f, ft, vt, levels, batch, pixels)
        _find_levels(count, last_level, batch)
        for half in range(2 if last_level > 0 else 1):
            _find_sizes(count, half == 1, levels, batch)
            if nearest:
                _find_nearest_texel(count, batch)
            else:
                _find_texels(count, half == 1, batch)
            taps = 1 if nearest else HALF_TAPS
            _prefetch_texels(count, taps, texels, values.shape[1], batch)
            _add_colors(count, taps, texels, values.shape[1], batch, pixels, result)


@step
def _next_batch(pixel, end, faces, weights, depths, screen, f, ft, vt, levels, batch, pixels):
    """Places and steps on the texture of the next pixels that show a face; their number, and the pixel after them."""
    base_rows, base_columns = levels[0, 1], levels[0, 2]
    has_levels = levels.shape[0] > 1
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    count = np.uint64(0)
    current = -1
    s0 = s1 = s2 = t0 = t1 = t2 = su = tu = wu = sv = tv = wv = 0.0
    while pixel < end and count < np.uint64(BATCH):
        face = faces[pixel]
        if face >= 0:
            if face != current:  # neighbours often see the same face
                current, row = face, np.uint64(face)
                a, b, c = np.uint64(ft[row, 0]), np.uint64(ft[row, 1]), np.uint64(ft[row, 2])
                s0, s1, s2, t0, t1, t2 = vt[a, 0], vt[b, 0], vt[c, 0], vt[a, 1], vt[b, 1], vt[c, 1]
                if has_levels:
                    su, tu, wu, sv, tv, wv = face_slopes(screen, f, row, s0, s1, s2, t0, t1, t2)
            at = three * pixel
            b0, b1, b2, z = weights[at], weights[at + one], weights[at + two], depths[pixel]
            s = b0 * s0 + b1 * s1 + b2 * s2
            t = b0 * t0 + b1 * t1 + b2 * t2
            s_u, t_u = texel_step(su, tu, wu, s, t, z, base_rows, base_columns)
            s_v, t_v = texel_step(sv, tv, wv, s, t, z, base_rows, base_columns)
            batch[_ACROSS + count], batch[_DOWN + count] = place_on_texture(s, t)
            batch[_STEP + count] = max(s_u * s_u + t_u * t_u, s_v * s_v + t_v * t_v)
            pixels[count] = pixel
            count += one
        pixel += one
    return count, pixel


@step
def _find_levels(count, last_level, batch):
    """The finer of the two levels around that of detail, and how far it is from there to the coarser."""
    for k in range(count):
        lod = level_of_detail(batch[_STEP + k], last_level)
        level = min(np.floor(lod), max(last_level - 1.0, 0.0))
        batch[_LEVEL + k], batch[_MIX + k] = level, lod - level


@step
def _find_sizes(count, is_coarser, levels, batch):
    """What there is to know of that level of each pixel; where nothing is mixed in, the coarser one is the finer."""
    for k in range(count):
        level = np.uint64(batch[_LEVEL + k]) + np.uint64(is_coarser & (batch[_MIX + k] > 0.0))
        batch[_FIRST + k], batch[_ROWS + k], batch[_COLUMNS + k] = levels[level, 0], levels[level, 1], levels[level, 2]


@step
def _find_nearest_texel(count, batch):
    """The one tap of each pixel."""
    for k in range(count):
        columns = batch[_COLUMNS + k]
        row, column = nearest_texel(batch[_ACROSS + k], batch[_DOWN + k], batch[_ROWS + k], columns)
        batch[_TAPS + k], batch[_WEIGHTS + k] = batch[_FIRST + k] + row * columns + column, 1.0


@step
def _find_texels(count, is_coarser, batch):
    """The four taps of each pixel on that level."""
    second, third, fourth = np.uint64(BATCH), np.uint64(2 * BATCH), np.uint64(3 * BATCH)
    for k in range(count):
        share = batch[_MIX + k] if is_coarser else 1.0 - batch[_MIX + k]
        first, columns = batch[_FIRST + k], batch[_COLUMNS + k]
        left, right, upper, lower, x, y = texels_around(batch[_ACROSS + k], batch[_DOWN + k], batch[_ROWS + k], columns)
        upper, lower = first + upper * columns, first + lower * columns
        of_upper, of_lower = share * (1.0 - y), share * y
        batch[_TAPS + k], batch[_WEIGHTS + k] = upper + left, of_upper * (1.0 - x)
        batch[_TAPS + second + k], batch[_WEIGHTS + second + k] = upper + right, of_upper * x
        batch[_TAPS + third + k], batch[_WEIGHTS + third + k] = lower + left, of_lower * (1.0 - x)
        batch[_TAPS + fourth + k], batch[_WEIGHTS + fourth + k] = lower + right, of_lower * x


@step
def _prefetch_texels(count, taps, texels, channels, batch):
    """A texture is larger than a cache, and a processor that waits for one texel hardly looks ahead to the next."""
    for k in range(count):
        for tap in range(np.uint64(0), np.uint64(taps * BATCH), np.uint64(BATCH)):
            prefetch(texels, np.uint64(batch[_TAPS + tap + k]) * np.uint64(channels))


@step
def _add_colors(count, taps, texels, channels, batch, pixels, result):
    """Add to each pixel the weighted sum of its taps, three channels at a time; of a rest, the last one again."""
    length, last = np.uint64(channels), np.uint64(channels - 1)
    stop = np.uint64(taps * BATCH)
    for c0 in range(np.uint64(0), length, np.uint64(3)):
        c1, c2 = min(c0 + np.uint64(1), last), min(c0 + np.uint64(2), last)
        for k in range(count):
            to = pixels[k] * length
            color0, color1, color2 = result[to + c0], result[to + c1], result[to + c2]
            for tap in range(np.uint64(0), stop, np.uint64(BATCH)):
                texel, weight = np.uint64(batch[_TAPS + tap + k]) * length, batch[_WEIGHTS + tap + k]
                color0 += weight * texels[texel + c0]
                color1 += weight * texels[texel + c1]
                color2 += weight * texels[texel + c2]
            result[to + c0], result[to + c1], result[to + c2] = color0, color1, color2


@step
def _look_up(face, b0, b1, b2, z, screen, f, ft, vt, rows, columns):
    """(across, down, steps of (s C, t R) along u, along v) of a point of a face."""
    s0, s1, s2 = vt[ft[face, 0], 0], vt[ft[face, 1], 0], vt[ft[face, 2], 0]
    t0, t1, t2 = vt[ft[face, 0], 1], vt[ft[face, 1], 1], vt[ft[face, 2], 1]
    s, t = b0 * s0 + b1 * s1 + b2 * s2, b0 * t0 + b1 * t1 + b2 * t2
    su, tu, wu, sv, tv, wv = face_slopes(screen, f, face, s0, s1, s2, t0, t1, t2)
    return (*place_on_texture(s, t), *texel_step(su, tu, wu, s, t, z, rows, columns),
            *texel_step(sv, tv, wv, s, t, z, rows, columns))


@kernel
def _tap_pixels(start, stop, face_id, barycentric, depth, screen, f, ft, vt, levels, nearest, taps, weights):
    faces, weight_of, depths = face_id.ravel(), barycentric.reshape(-1, 3), depth.ravel()
    base_rows, base_columns = levels[0, 1], levels[0, 2]
    last_level = levels.shape[0] - 1
    for pixel in range(start, stop):
        face = faces[pixel]
        for tap in range(TAPS):
            taps[pixel, tap] = 0 if face >= 0 else -1
            weights[pixel, tap] = 0.0
        if face < 0:
            continue
        across, down, s_u, t_u, s_v, t_v = _look_up(face, weight_of[pixel, 0], weight_of[pixel, 1],
                                                    weight_of[pixel, 2], depths[pixel], screen, f, ft, vt, base_rows,
                                                    base_columns)
        if nearest:
            row, column = nearest_texel(across, down, float(base_rows), float(base_columns))
            taps[pixel, 0] = int(row) * base_columns + int(column)
            weights[pixel, 0] = 1.0
            continue
        lod = level_of_detail(max(s_u * s_u + t_u * t_u, s_v * s_v + t_v * t_v), last_level)
        level = min(int(lod), max(last_level - 1, 0))
        for half in range(2 if lod > 0.0 else 1):
            share = lod - level if half == 1 else 1.0 - (lod - level)
            first, rows, columns = levels[level + half, 0], levels[level + half, 1], levels[level + half, 2]
            left, right, upper, lower, x, y = texels_around(across, down, float(rows), float(columns))
            for corner in range(4):
                is_right, is_lower = corner % 2 == 1, corner // 2 == 1
                tap = 4 * half + corner
                taps[pixel, tap] = (first + int(lower if is_lower else upper) * columns
                                    + int(right if is_right else left))
                weights[pixel, tap] = share * (x if is_right else 1.0 - x) * (y if is_lower else 1.0 - y)


@kernel
def _slope_pixels(start, stop, face_id, barycentric, depth, screen, f, ft, vt, levels, values, wrt_st, gradient, wrt_lod,
                lod_corners, lod_gain):
    faces, weight_of, depths = face_id.ravel(), barycentric.reshape(-1, 3), depth.ravel()
    channels = values.shape[1]
    base_rows, base_columns = levels[0, 1], levels[0, 2]
    last_level = levels.shape[0] - 1
    for pixel in range(start, stop):
        face = faces[pixel]
        if face < 0:
            continue
        z = depths[pixel]
        across, down, s_u, t_u, s_v, t_v = _look_up(face, weight_of[pixel, 0], weight_of[pixel, 1],
                                                    weight_of[pixel, 2], z, screen, f, ft, vt, base_rows,
                                                    base_columns)
        size_u, size_v = s_u * s_u + t_u * t_u, s_v * s_v + t_v * t_v
        size = max(size_u, size_v)
        lod = level_of_detail(size, last_level)
        level = min(int(lod), max(last_level - 1, 0))
        between_levels = 0.0 < lod < last_level
        for half in range(2 if lod > 0.0 else 1):
            share, sign = (lod - level, 1.0) if half == 1 else (1.0 - (lod - level), -1.0)
            first, rows, columns = levels[level + half, 0], levels[level + half, 1], levels[level + half, 2]
            left, right, upper, lower, x, y = texels_around(across, down, float(rows), float(columns))
            above, below = first + int(upper) * columns, first + int(lower) * columns
            a, b, c, d = above + int(left), above + int(right), below + int(left), below + int(right)
            for channel in range(channels):
                ul, ur, ll, lr = values[a, channel], values[b, channel], values[c, channel], values[d, channel]
                wrt_st[pixel, channel, 0] += share * columns * ((1.0 - y) * (ur - ul) + y * (lr - ll))
                wrt_st[pixel, channel, 1] += share * rows * ((1.0 - x) * (ul - ll) + x * (ur - lr))
                if between_levels:
                    wrt_lod[pixel, channel] += sign * ((1.0 - y) * ((1.0 - x) * ul + x * ur)
                                                       + y * ((1.0 - x) * ll + x * lr))
        is_steep = not abs(s_u) + abs(t_u) + abs(s_v) + abs(t_v) < np.inf  # seen from its side, it shows no gradient
        for channel in range(0 if is_steep else channels):
            wrt_s, wrt_t = wrt_st[pixel, channel, 0] / base_columns, wrt_st[pixel, channel, 1] / base_rows
            gradient[pixel, channel, 0] = wrt_s * s_u + wrt_t * t_u
            gradient[pixel, channel, 1] = wrt_s * s_v + wrt_t * t_v
        if between_levels:
            along_u = size_u >= size_v
            u0, u1, u2, v0, v1, v2 = corner_slopes(screen, f, face)
            along_0, along_1, along_2 = (u0, u1, u2) if along_u else (v0, v1, v2)
            along = along_0 + along_1 + along_2
            lod_corners[pixel, 0] = z * (along_0 - weight_of[pixel, 0] * along)
            lod_corners[pixel, 1] = z * (along_1 - weight_of[pixel, 1] * along)
            lod_corners[pixel, 2] = z * (along_2 - weight_of[pixel, 2] * along)
            lod_gain[pixel, 0] = (s_u if along_u else s_v) * base_columns / (size * np.log(2.0))
            lod_gain[pixel, 1] = (t_u if along_u else t_v) * base_rows / (size * np.log(2.0))
