"""Shading: colours interpolated over the face that each pixel shows, times whatever else makes its colour,

    I[p, c] = s[p, c] sum_k b_k a[i_k, c]

and the background where it shows none.
"""
import numpy as np

from ...memory import empty
from ..jit import kernel, read_only
from ..threads import run_bands, split

PIXELS_PER_BAND = 32768


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
    scale_step, background_step = min(len(scale) - 1, 1), min(len(background) - 1, 1)  # 0: the same for all
    interpolated = len(values) > 0
    for c0 in range(0, last + 1, 3):  # three channels at a time; of a rest, the last one again
        c1, c2 = min(c0 + 1, last), min(c0 + 2, last)
        for p in range(start, stop):
            t = face_id[p]
            q = p * scale_step if t >= 0 else p * background_step
            if t < 0:
                image[p, c0], image[p, c1], image[p, c2] = background[q, c0], background[q, c1], background[q, c2]
                continue
            x0, x1, x2 = scale[q, c0], scale[q, c1], scale[q, c2]
            if interpolated:
                i, j, k = corners[t, 0], corners[t, 1], corners[t, 2]
                b0, b1, b2 = barycentric[p, 0], barycentric[p, 1], barycentric[p, 2]
                x0 *= b0 * values[i, c0] + b1 * values[j, c0] + b2 * values[k, c0]
                x1 *= b0 * values[i, c1] + b1 * values[j, c1] + b2 * values[k, c1]
                x2 *= b0 * values[i, c2] + b1 * values[j, c2] + b2 * values[k, c2]
            image[p, c0], image[p, c1], image[p, c2] = x0, x1, x2
