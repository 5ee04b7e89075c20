"""Shading: colours interpolated over the face that each pixel shows, times whatever else makes its colour,

    I[p, c] = s[p, c] sum_k b_k a[i_k, c]

and the background where it shows none.
"""
import numpy as np

from ...memory import empty
from ...threads import run_bands, split
from ..jit import kernel, read_only

PIXELS_PER_BAND = 65536


def shade(face_id, barycentric, corners, values, scale, background):
    """Image of values at the corners of the faces.

    Parameters
    ----------
    face_id : (h, w) int32
        -1 where no face is seen.
    barycentric : (h, w, 3) float64
    corners : (F, 3) int32
    values : (V, C) float64, or None
        None for 1 everywhere.
    scale : (h w, C) or (1, C) float64
        Factor, per pixel or the same for all.
    background : (h w, C) or (1, C) float64
        Of the pixels that show no face.

    Returns
    -------
    (h w, C) float64
    """
    channels = scale.shape[1]
    values = np.empty((0, channels)) if values is None else values
    image = empty((face_id.size, channels))
    run_bands(_shade, split(face_id.size, PIXELS_PER_BAND), face_id.ravel(), barycentric.reshape(-1, 3), corners,
              read_only(values), read_only(scale), read_only(background), image)
    return image


@kernel
def _shade(start, stop, face_id, barycentric, corners, values, scale, background, image):
    last = image.shape[1] - 1
    scale_step, background_step = np.uint64(min(len(scale) - 1, 1)), np.uint64(min(len(background) - 1, 1))
    interpolated = len(values) > 0
    a, b, c = np.uint64(0), np.uint64(1), np.uint64(2)  # unsigned: an index that may be negative is tested for that
    for channel in range(0, last + 1, 3):  # three at a time; of a rest, the last one again
        c0, c1, c2 = np.uint64(channel), np.uint64(min(channel + 1, last)), np.uint64(min(channel + 2, last))
        for p in range(np.uint64(start), np.uint64(stop)):
            if face_id[p] < 0:
                q = p * background_step  # always 0 if it is the same for all
                image[p, c0], image[p, c1], image[p, c2] = background[q, c0], background[q, c1], background[q, c2]
                continue
            q = p * scale_step
            x0, x1, x2 = scale[q, c0], scale[q, c1], scale[q, c2]
            if interpolated:
                t = np.uint64(face_id[p])
                i, j, k = np.uint64(corners[t, a]), np.uint64(corners[t, b]), np.uint64(corners[t, c])
                b0, b1, b2 = barycentric[p, a], barycentric[p, b], barycentric[p, c]
                x0 *= b0 * values[i, c0] + b1 * values[j, c0] + b2 * values[k, c0]
                x1 *= b0 * values[i, c1] + b1 * values[j, c1] + b2 * values[k, c1]
                x2 *= b0 * values[i, c2] + b1 * values[j, c2] + b2 * values[k, c2]
            image[p, c0], image[p, c1], image[p, c2] = x0, x1, x2
