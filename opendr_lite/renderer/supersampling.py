"""Anti-aliasing: an image of twice as many pixels along each axis, averaged 2 x 2.

Pixel i covers [i - 1/2, i + 1/2], and so do pixels 2 i and 2 i + 1 of the finer image, with centres at i ± 1/4: what is
at u here is at 2 u + 1/2 there (`Camera.magnified`).
"""
from functools import lru_cache

import numpy as np
import scipy.sparse as sp

from ..filters import SeparableFilter

__all__ = ["finer_frustum", "finer_picture", "mean_of_four"]


def finer_frustum(frustum):
    return {**frustum, "width": 2 * frustum["width"], "height": 2 * frustum["height"]}


def finer_picture(picture):
    """A picture, (h, w[, C]), each pixel four times, (2 h, 2 w[, C])."""
    return np.asarray(picture).repeat(2, axis=0).repeat(2, axis=1)


@lru_cache(maxsize=16)
def mean_of_four(height, width, channels):
    """The map from the finer image to the image, of that size."""
    rows, columns = (sp.kron(sp.identity(size), np.full((1, 2), 0.5), format="csr") for size in (height, width))
    return SeparableFilter(rows, columns, channels)
