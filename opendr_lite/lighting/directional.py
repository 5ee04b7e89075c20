"""Light from far away, as the sun's: with a the direction in which it shines,

    u = -a / |a|        I = 1
"""
import numpy as np

from ..ch import depends_on
from ..inputs import input_vector
from .directions import directions, through_direction
from .light import DirectLight

__all__ = ["DirectionalLight", "axis_of"]


class DirectionalLight(DirectLight):
    """Colours (N, C) of points in parallel light. See `DirectLight` for the surface; `v` matters to highlights only.

    Parameters
    ----------
    light_dir : (3,)
        The direction in which the light travels; its length does not matter.
    """

    dterms = "light_dir", *DirectLight.dterms
    _reflected = depends_on("lobe", *dterms)(DirectLight.reflected)

    def _arrival(self):
        axis, _ = axis_of(self)
        return -axis, np.ones(1)

    def _through_arrival(self, name, wrt_u, wrt_intensity):
        if name == "light_dir":
            return -through_direction(wrt_u, *axis_of(self))


def axis_of(light):
    """`light_dir` of a light, normalized, (1, 3), and one over its length, (1,)."""
    direction = input_vector(light, "light_dir", (3,))
    if not direction.any():
        raise ValueError(f"{type(light).__name__}: light_dir must not be 0, it has no direction")
    axis, _, inverse_length = directions(direction[None])
    return axis, inverse_length
