"""Products of long vectors, by chunks: BLAS would wake threads for whole ones, for milliseconds on a busy machine."""
import math

import numpy as np

__all__ = ["dot", "norm"]

_CHUNK = 4096


def dot(a, b):
    """aᵀb, a float."""
    whole = a.size - a.size % _CHUNK
    rest = float(np.einsum("i,i", a[whole:], b[whole:]))
    if not whole:
        return rest
    with np.errstate(all="ignore"):
        return rest + float((a[:whole].reshape(-1, 1, _CHUNK) @ b[:whole].reshape(-1, _CHUNK, 1)).sum())


def norm(a):
    """√(aᵀa); inf where the squares overflow."""
    return math.sqrt(dot(a, a))
