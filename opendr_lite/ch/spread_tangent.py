"""A tangent without zeros, as the product that it is.

Where many rows depend on a few numbers, such as a mean, that themselves depend on very many unknowns, neither J V has
zeros, nor has A = Vᵀ Jᵀ W J V. A sweep with sparse matrices does not form such a tangent, nor what is made of it, but
keeps maps that are applied one after the other; who wants normal equations takes products instead.
"""
import numpy as np

from .linear_maps import as_csr, as_linear_map
from .tangents import FormedTangent, Tangent

__all__ = ["SpreadTangent", "is_spread_by"]

_FEW, _WORK = 32, 2e9  # rows that others may spread, and multiplications for A from which they do


class SpreadTangent(Tangent):
    """A linear map that is not to be formed.

    Parameters
    ----------
    linear_map : LinearMap
    """

    is_spread = True

    def __init__(self, linear_map):
        self.linear_map = linear_map
        super().__init__(linear_map.shape)

    @classmethod
    def of(cls, linear_map, tangent):
        """What a map makes of a tangent."""
        return cls(linear_map @ _as_map(tangent))

    def form(self):
        return self.linear_map

    def __add__(self, other):
        return SpreadTangent(self.linear_map + _as_map(other))


def _as_map(tangent):
    return as_linear_map(tangent.form(), tangent.shape)


def is_spread_by(linear_map, tangent):
    """Whether a map makes many rows without zeros of a few rows without."""
    if linear_map.shape[1] > _FEW or not isinstance(tangent, FormedTangent) or tangent.blocks[0][0] is not None:
        return False
    longest = np.diff(as_csr(tangent.form()).indptr).max(initial=0)
    return linear_map.shape[0] * float(longest) ** 2 > _WORK
