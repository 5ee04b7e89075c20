"""Products of long vectors, not by BLAS: it wakes threads for them, which costs milliseconds on a busy machine."""
import numpy as np

__all__ = ["dot", "norm"]


def dot(a, b):
    """aᵀb, a float."""
    return float(np.einsum("i,i", a, b))


def norm(a):
    """√(aᵀa); inf where the squares overflow."""
    return float(np.sqrt(np.einsum("i,i", a, a)))
