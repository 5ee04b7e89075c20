"""How an image changes when what it shows moves, as OpenDR has it (Loper and Black, ECCV 2014, section 4).

If a surface and its colours move by (du, dv) on the screen, a pixel changes by -(I_u du + I_v dv). I_u and I_v are
differences of neighbouring pixels,

    plain          (I[i+1] - I[i-1]) / 2, and 0 on the border of the image
    beside edges   a pixel that shows no occlusion boundary must not look across one: the mean of those one-sided
                   differences that touch no boundary pixel
    on an edge     a boundary pixel (or one between two of them) sees the jump from one side to the other. Half of it is
                   on each side of the drawn edge, so the change is spread over two pixels and counts twice:
                   I[i+1] - I[i-1]; one-sided and twice on the border of the image.

The *gain* of a pixel, (-I_u, -I_v) for each channel, costs less to compute than to read from memory. So it is kept as
the image that it follows from, and kernels ask `gain_line` for it, a line of pixels at a time.
"""
from typing import NamedTuple

import numpy as np

from ..jit import kernel, read_only

__all__ = ["NO_GAIN", "Gain", "gain_line", "gain_of_image", "stored_gain"]


class Gain(NamedTuple):
    """Change of each channel of each pixel per pixel of motion along u and v. The arrays are read-only.

    Attributes
    ----------
    array : (h, w, C, D) float64
        The gain itself, by D coordinates of the motion; (0, 0, 0, 2) where it is computed from an image.
    image : (h, w, C) float64
        The image that it is computed from; else empty.
    boundary : (h, w) bool
        Pixels of that image that show an occlusion boundary; (0, 0) for plain central differences.
    """

    array: np.ndarray
    image: np.ndarray
    boundary: np.ndarray

    @property
    def shape(self):
        """(h, w, C, D)"""
        return self.array.shape if len(self.array) else self.image.shape + self.array.shape[3:]


def gain_of_image(image, boundary=None):
    """Minus the gradient of an image, (h, w, C), that does not look across `boundary`, (h, w) bool, where given."""
    boundary = np.empty((0, 0), bool) if boundary is None else boundary
    return Gain(_as_input(np.empty((0, 0, 0, 2))), _as_input(image), _as_input(boundary, bool))


def stored_gain(array):
    """A given gain, (N, C, D), of pixels that count as one line."""
    return Gain(_as_input(array)[None], _as_input(np.empty((0, 0, 0))), _as_input(np.empty((0, 0)), bool))


def _as_input(array, dtype=np.float64):
    return read_only(np.ascontiguousarray(array, dtype))


NO_GAIN = Gain(_as_input(np.empty((0, 0, 0, 2))), _as_input(np.empty((0, 0, 0))), _as_input(np.empty((0, 0)), bool))
"""Where nothing moves."""


@kernel
def gain_line(j, left, right, array, image, boundary, line):
    """The gain of columns [left, right) of row j, as rows of an array (w, C, 2): of `line`, unless it is stored."""
    if array.shape[0] > 0:
        return array[j]
    _central_differences(j, left, right, image, line)
    if boundary.shape[0] > 0:
        _differences_beside_edges(j, left, right, image, boundary, line)
    return line


@kernel
def _central_differences(j, left, right, image, line):
    height, width, channels = image.shape
    row, above, below = image[j], image[max(j - 1, 0)], image[min(j + 1, height - 1)]
    half = 0.5 if 0 < j < height - 1 else 0.0
    first, last = max(left, 1), min(right, width - 1)
    if first < last:
        before, after = row[first - 1:last - 1].ravel(), row[first + 1:last + 1].ravel()
        up, down = above[first:last].ravel(), below[first:last].ravel()
        pairs = line[first:last].ravel()
        for q in range((last - first) * channels):
            pairs[2 * q] = 0.5 * (before[q] - after[q])
            pairs[2 * q + 1] = half * (up[q] - down[q])
    for i in (0, width - 1):
        if left <= i < right:
            for c in range(channels):
                line[i, c, 0] = 0.0
                line[i, c, 1] = half * (above[i, c] - below[i, c])


@kernel
def _difference(before, here, after, use_before, use_after):
    if use_before and use_after:
        return 0.5 * (after - before)
    if use_after:
        return after - here
    if use_before:
        return here - before
    return after - before


@kernel
def _differences_beside_edges(j, left, right, image, boundary, line):
    """Correct central differences on the border of the image, on boundaries and beside them."""
    height, width, channels = image.shape
    up, down = max(j - 1, 0), min(j + 1, height - 1)
    twice_v = 1.0 if up + 2 == down else 2.0
    row, above, below = boundary[j], boundary[up], boundary[down]
    for i in range(left, right):
        before, after = max(i - 1, 0), min(i + 1, width - 1)
        twice_u = 1.0 if before + 2 == after else 2.0
        at = np.uint64(i)
        near = row[np.uint64(before)] | row[at] | row[np.uint64(after)] | above[at] | below[at]
        if not near and before + 2 == after and up + 2 == down:
            continue
        here = not row[at]
        use_before = here and before < i and not row[before]
        use_after = here and after > i and not row[after]
        use_up = here and up < j and not above[at]
        use_down = here and down > j and not below[at]
        for c in range(channels):
            u = _difference(image[j, before, c], image[j, i, c], image[j, after, c], use_before, use_after)
            v = _difference(image[up, i, c], image[j, i, c], image[down, i, c], use_up, use_down)
            line[i, c, 0] = -(u if use_before or use_after else twice_u * u)
            line[i, c, 1] = -(v if use_up or use_down else twice_v * v)
