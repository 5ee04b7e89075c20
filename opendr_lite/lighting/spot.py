"""Light from a point, in a cone. With u and I as of a `PointLight`, a the axis, and x = -u·a, which is 1 on the axis,

    I_spot = I p(x)        ∂I_spot = p ∂I - I p' (a·∂u + u·∂a)

A profile p says how bright it is off the axis. That of a cone with a smooth edge is 1 as far as the inner angle from
the axis, 0 from the outer one on, and between them

    p = t² (3 - 2 t),   t = (x - cos outer) / (cos inner - cos outer),   p' = 6 t (1 - t) ∂t/∂x

which has a continuous derivative: on both edges it is 0.
"""
import numpy as np

from ..ch import depends_on
from ..inputs import input_vector
from ..kernels.cpu.lights import through_direction
from .directions import axis_of
from .light import DirectLight
from .point import PointLight

__all__ = ["Spot", "SpotLight"]


class Spot(PointLight):
    """A `PointLight` with a profile, in a subclass."""

    def _profile(self, cosine):
        """(p, p'), (N,) each."""
        raise NotImplementedError

    def _profile_wrt(self, name, cosine):
        """The derivative (N, k) of p by an own input of a subclass, None for other inputs."""
        raise NotImplementedError

    @depends_on("v", "vn", "light_pos", "attenuation", "light_dir")
    def _off_axis(self):
        """The axis (1, 3), one over the length of light_dir (1,), the cosines x (N,)."""
        axis, inverse_length = axis_of(self)
        return axis, inverse_length, -self._falloff[0] @ axis[0]

    def _arrival(self):
        u, intensity = super()._arrival()
        return u, intensity * self._profile(self._off_axis[2])[0]

    def _through_arrival(self, name, wrt_u, wrt_intensity):
        u, _, _, intensity = self._falloff
        axis, inverse_length, cosine = self._off_axis
        profile, slope = self._profile(cosine)
        by_cosine = (wrt_intensity * intensity * slope)[:, None]
        if name == "light_dir":
            return -through_direction(by_cosine * u, np.zeros(len(u)), axis, inverse_length)
        by_profile = self._profile_wrt(name, cosine)
        if by_profile is not None:
            return (wrt_intensity * intensity)[:, None] * by_profile
        return super()._through_arrival(name, wrt_u - by_cosine * axis, wrt_intensity * profile)


class SpotLight(Spot):
    """Colours (N, C) of points in the light of a spotlight. See `DirectLight` for the surface.

    Parameters
    ----------
    light_pos, attenuation : (3,)
        See `PointLight`.
    light_dir : (3,)
        Where it points; its length does not matter.
    cone : (2,)
        Angles from the axis, in radians, up to which light is full, and beyond which there is none:
        0 <= inner < outer <= pi. By default (0.3, 0.4).
    """

    dterms = "light_dir", "cone", *PointLight.dterms
    initial_values = {"cone": (0.3, 0.4)}
    _reflected = depends_on("lobe", *dterms)(DirectLight.reflected)

    def _edge(self, cosine):
        """t of the module's docstring, the angles, and the width of the edge in cosines."""
        cone = input_vector(self, "cone", (2,))
        inner, outer = cone
        if not 0 <= inner < outer <= np.pi:
            raise ValueError(f"SpotLight: cone must be angles (inner, outer) in radians with 0 <= inner < outer <= pi, "
                             f"got ({inner:g}, {outer:g})")
        width = np.cos(inner) - np.cos(outer)
        return np.clip((cosine - np.cos(outer)) / width, 0, 1), cone, width

    def _profile(self, cosine):
        t, _, width = self._edge(cosine)
        return t * t * (3 - 2 * t), 6 * t * (1 - t) / width

    def _profile_wrt(self, name, cosine):
        if name == "cone":
            t, cone, width = self._edge(cosine)
            steep = (6 * t * (1 - t) / width)[:, None]
            return steep * np.stack((t, 1 - t), axis=1) * np.sin(cone)
