"""Light that is the same everywhere, from all sides: light_color vc."""
import numpy as np

from ..ch.elementwise import scaled_broadcast
from ..inputs import input_value, missing, total_derivative
from .light import Light, colors_of_points

__all__ = ["AmbientLight"]


class AmbientLight(Light):
    """Colours (N, C) of points in light that is the same everywhere.

    Parameters
    ----------
    v : (N, 3)
        The points; only their number matters.
    vc : (N, C) or (C,), or a number
        Albedo, by default 1; may be flat.
    light_color : (C,) or (1,)
        By default 1.
    """

    terms = "v",
    dterms = "vc", "light_color"
    initial_values = {"vc": 1.0, "light_color": 1.0}
    surface_inputs = "v", "vc"

    @property
    def _count(self):
        if getattr(self, "v", None) is None:
            raise missing(self, "v")
        return np.size(self.v) // 3

    def _colors(self):
        """`light_color` (C,) or (1,) and `vc`, which multiply with a column of N numbers."""
        color = input_value(self, "light_color").ravel()
        return color, colors_of_points(self, "vc", self._count, color.size)

    def compute_r(self):
        color, vc = self._colors()
        return np.ones((self._count, 1)) * color * vc

    def compute_dr_wrt(self, wrt):
        color, vc = self._colors()
        return total_derivative(self, wrt, vc=lambda: scaled_broadcast(color, vc.shape, self.shape),
                                light_color=lambda: scaled_broadcast(vc, color.shape, self.shape))
