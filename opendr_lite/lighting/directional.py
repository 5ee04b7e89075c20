"""Light from far away, as the sun's: with a the direction in which it shines,

    u = -a / |a|        I = 1
"""
import numpy as np

from ..ch import depends_on
from ..kernels.cpu.lights import through_direction
from .directions import axis_of
from .light import DirectLight

__all__ = ["DirectionalLight"]


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
            return -through_direction(wrt_u, np.zeros(len(wrt_u)), *axis_of(self))
