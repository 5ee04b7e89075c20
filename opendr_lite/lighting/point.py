"""Light from a point. With d = light_pos - v, r = |d| and the attenuation (a, b, c), constant, linear and quadratic,

    u = d / r        I = 1 / (a + b r + c r²)        ∂I/∂r = -I² (b + 2 c r)        ∂I/∂(a, b, c) = -I² (1, r, r²)

A point that stands where the light is gets none.
"""
import numpy as np

from ..ch import depends_on
from ..inputs import input_points, input_vector
from ..kernels.cpu.lights import through_direction
from .directions import directions_to
from .light import DirectLight, check_rows

__all__ = ["PointLight"]


class PointLight(DirectLight):
    """Colours (N, C) of points in the light of a lamp. See `DirectLight` for the surface.

    Parameters
    ----------
    light_pos : (3,)
        Position, in the frame of `v`.
    attenuation : (3,)
        Constant, linear and quadratic; by default (1, 0, 0), no falloff with distance. (0, 0, 1) is that of nature.
    """

    dterms = "light_pos", "attenuation", *DirectLight.dterms
    initial_values = {"attenuation": (1.0, 0.0, 0.0)}
    _reflected = depends_on("lobe", *dterms)(DirectLight.reflected)

    def _arrival(self):
        u, _, _, intensity = self._falloff
        return u, intensity

    @depends_on("v", "vn", "light_pos", "attenuation")
    def _falloff(self):
        """Directions to the light, distances, one over these, intensities."""
        v = input_points(self, "v")
        check_rows(self, v=v, vn=input_points(self, "vn"))
        u, distance, inverse_distance = directions_to(input_vector(self, "light_pos", (3,)), v)
        a, b, c = self._coefficients()
        divisor = np.where(distance > 0, a + distance * (b + distance * c), np.inf)
        if not (divisor > 0).all():
            worst = divisor.argmin()
            raise ValueError(f"{type(self).__name__}: attenuation must leave a + b r + c r² > 0 at all distances r of "
                             f"points; with {[a, b, c]} it is {divisor[worst]:.3g} at r = {distance[worst]:.3g}")
        return u, distance, inverse_distance, 1 / divisor

    def _coefficients(self):
        return input_vector(self, "attenuation", (3,)).tolist()

    def _through_arrival(self, name, wrt_u, wrt_intensity):
        u, distance, inverse_distance, intensity = self._falloff
        _, b, c = self._coefficients()
        by_divisor = -wrt_intensity * intensity ** 2
        if name == "attenuation":
            return by_divisor[:, None] * np.stack((np.ones_like(distance), distance, distance ** 2), axis=1)
        if name in ("v", "light_pos"):
            by_offset = through_direction(wrt_u, by_divisor * (b + 2 * c * distance), u, inverse_distance)
            return by_offset if name == "light_pos" else -by_offset
