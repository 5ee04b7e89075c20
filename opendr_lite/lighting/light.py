"""What a surface makes of light that comes from one direction at each of its points.

With n the normal, u the direction to the light, w that to the eye, I the intensity of the light, L a lobe (`lobes`)
and s the shininess, a point has the colour

    light_color (vc D + specular_color G)

    D = I max(0, n·u)                                   ∂D = n·u ∂I + I (u·∂n + n·∂u)
    G = I max(0, L(n, u, w))^s  where n·u > 0, else 0   ∂G = L^s ∂I + I L^s ln(L) ∂s + I s L^(s-1) ∂L

Where n·u ≤ 0 a point is in shadow. There, the edge of the shadow included, both derivatives are 0. D is continuous; G
jumps at that edge if the lobe reaches as far, and its derivative knows nothing of the jump. L ≤ 0 is dark likewise.

A kind of light says what u and I are, and how derivatives by these become derivatives by its own inputs.
"""
from functools import partial
from typing import NamedTuple

import numpy as np

from ..ch import Ch
from ..ch.elementwise import scaled_broadcast
from ..ch.linear_maps import BlockDiagonal, DenseMap
from ..inputs import input_points, input_value, input_vector, total_derivative
from ..kernels.cpu.lights import LAMBERT, add_products, reflect, through_direction
from ..memory import zeros
from .directions import directions_to
from .lobes import LOBES

__all__ = ["DirectLight", "Light", "colors_of_points", "check_rows"]


class Light(Ch):
    """What all lights share: each can be put on another surface.

    Attributes
    ----------
    surface_inputs : tuple of str
        Inputs that describe the surface; the others describe the light.
    """

    surface_inputs = ()

    @property
    def num_colors(self):
        """Channels of the light itself."""
        return self.light_color.size

    @property
    def num_channels(self):
        """Number of columns of the value."""
        return self.shape[1]

    def add_derivative(self, name, blocks):
        """Add the derivatives by "v" or "vn", of each point alone, to `blocks`, (N, C, 3).

        If `blocks` has more channels than this light, they all get the same.

        Returns
        -------
        bool
            Whether there is a dependence.
        """
        return False

    def on(self, **surface):
        """The same light on another surface.

        Parameters
        ----------
        **surface : node or array
            `v`, `vn`, `vc`, ..., see `DirectLight`. What this kind of light has no use for is left out; what is not
            given has its default, not the value that it has here.

        Returns
        -------
        Light
            A node of the same kind, with the same nodes for what describes the light.
        """
        own = {name: getattr(self, name, None) for name in self.terms + self.dterms if name not in self.surface_inputs}
        return type(self)(**own, **{name: surface[name] for name in self.surface_inputs if name in surface})


class Reflectance(NamedTuple):
    """D or G of the module's docstring, and its derivatives.

    Attributes
    ----------
    value, wrt_intensity : (N,) float64
    wrt_n, wrt_u : (N, 3) float64
    wrt_w, wrt_shininess : (N, 3), (N,) float64
        Of G.
    """

    value: np.ndarray
    wrt_intensity: np.ndarray
    wrt_n: np.ndarray
    wrt_u: np.ndarray
    wrt_w: np.ndarray
    wrt_shininess: np.ndarray


class DirectLight(Light):
    """Colours (N, C) of points in light that comes to each from one direction.

    Parameters
    ----------
    v : (N, 3)
        The points.
    vn : (N, 3)
        Their unit normals.
    vc : (N, C) or (C,), or a number
        Albedo, by default 1; may be flat. None for a surface that has highlights only.
    light_color : (C,) or (1,)
        By default 1.
    specular_color : (N, C) or (C,), or a number, optional
        By default there are no highlights.
    shininess : number
        Exponent of the highlights, at least 0; needed with `specular_color`, as are `eye` and `v`.
    eye : (3,)
        Where the camera is, in the frame of `v`.
    lobe : str
        'blinn_phong' (the default) or 'phong'.
    """

    terms = "lobe",
    dterms = "v", "vn", "vc", "light_color", "specular_color", "shininess", "eye"
    initial_values = {"vc": 1.0, "light_color": 1.0, "lobe": "blinn_phong"}
    surface_inputs = "v", "vn", "vc", "specular_color", "shininess", "eye", "lobe"

    # ------------------------------------------------------------------ what a kind of light defines

    def _arrival(self):
        """(u, I): (N, 3) and (N,), or (1, 3) and (1,) where they are the same everywhere."""
        raise NotImplementedError

    def _through_arrival(self, name, wrt_u, wrt_intensity):
        """Derivatives (N, k) by an input of numbers that change so with u and I; None if these do not depend on it."""
        raise NotImplementedError

    # ------------------------------------------------------------------ value

    def compute_r(self):
        first, *rest = (part.value[:, None] * self._tint(name) for name, part in self._reflected(False).items())
        return first + rest[0] if rest else first

    def _tint(self, name):
        """light_color times the colour of that name, (N, C) or (1, C)."""
        return np.atleast_2d(input_value(self, "light_color").ravel() * self._surface_color(name))

    def _surface_color(self, name):
        return colors_of_points(self, name, len(input_points(self, "vn")), self.light_color.size)

    def reflected(self, with_slopes):
        """Name of a colour of the surface -> `Reflectance`, D or G. A kind of light caches it as `_reflected`."""
        normals = input_points(self, "vn")
        u, intensity = self._arrival()
        result = {}
        if getattr(self, "vc", None) is not None:
            nowhere = np.zeros((1, 3))  # is the eye: diffuse light looks the same from everywhere
            result["vc"] = Reflectance(*reflect(LAMBERT, normals, u, nowhere, intensity, 1.0, with_slopes))
        if getattr(self, "specular_color", None) is not None:
            w, _, _ = self._to_eye()
            lobe, shininess = self._gloss()
            result["specular_color"] = Reflectance(*reflect(lobe, normals, u, w, intensity, shininess, with_slopes))
        if not result:
            raise AttributeError(f"{type(self).__name__} needs vc or specular_color: without them a surface reflects "
                                 "nothing")
        return result

    def _gloss(self):
        """The lobe and the shininess."""
        if self.lobe not in LOBES:
            raise ValueError(f"{type(self).__name__}: lobe must be {' or '.join(map(repr, LOBES))}, got {self.lobe!r}")
        shininess, = input_vector(self, "shininess", (1,))
        if shininess < 0:
            raise ValueError(f"{type(self).__name__}: shininess must be at least 0, got {shininess:g}")
        return LOBES[self.lobe], shininess

    def _to_eye(self):
        """Unit vectors to the eye, distances, and one over these."""
        v = input_points(self, "v")
        check_rows(self, v=v, vn=input_points(self, "vn"))
        return directions_to(input_vector(self, "eye", (3,)), v)

    # ------------------------------------------------------------------ derivatives

    def compute_dr_wrt(self, wrt):
        return total_derivative(self, wrt, **{name: partial(self._derivative, name) for name in self.dterms})

    def _derivative(self, name):
        parts = self._reflected(True)
        if name == "light_color":
            light = sum(part.value[:, None] * self._surface_color(color) for color, part in parts.items())
            return scaled_broadcast(light, (self.light_color.size,), self.shape)
        if name in parts:
            slope = parts[name].value[:, None] * input_value(self, "light_color").ravel()
            return scaled_broadcast(slope, self._surface_color(name).shape, self.shape)
        if name in ("v", "vn"):
            blocks = zeros(self.shape + (3,))
            return BlockDiagonal(blocks) if self.add_derivative(name, blocks) else None
        maps = [scaled_broadcast(tint, (len(gradient), 1), self.shape) @ DenseMap(gradient)
                for tint, gradient in self._gradients(name)]
        return sum(maps[1:], maps[0]) if maps else None

    def add_derivative(self, name, blocks):
        gradients = self._gradients(name)
        for tint, gradient in gradients:
            add_products(blocks, np.broadcast_to(tint, (len(tint), blocks.shape[1])), gradient)
        return bool(gradients)

    def _gradients(self, name):
        """Pairs of a colour, (N, C) or (1, C), and a gradient, (N, k); their products add up to the derivative."""
        gradients = ((color, self._gradient(name, color, part)) for color, part in self._reflected(True).items())
        return [(self._tint(color), gradient) for color, gradient in gradients if gradient is not None]

    def _gradient(self, name, color, part):
        """Derivative (N, k) of D or G by an input, None if it does not depend on it."""
        is_gloss = color == "specular_color"
        if name == "vn":
            return part.wrt_n
        if name == "shininess":
            return part.wrt_shininess[:, None] if is_gloss else None
        if name == "eye":
            return self._through_eye(part.wrt_w) if is_gloss else None
        by_arrival = self._through_arrival(name, part.wrt_u, part.wrt_intensity)
        if name != "v" or not is_gloss:
            return by_arrival
        by_eye = self._through_eye(part.wrt_w)
        return -by_eye if by_arrival is None else by_arrival - by_eye

    def _through_eye(self, wrt_w):
        """Derivatives (N, 3) by the eye of numbers that change so with w; those by v are the opposite."""
        w, distance, inverse_distance = self._to_eye()
        return through_direction(wrt_w, np.zeros_like(distance), w, inverse_distance)


def colors_of_points(node, name, count, num_colors):
    """The colour of that name, as an array that multiplies with (count, 1) numbers and with `num_colors` colours."""
    values = input_value(node, name)
    if values.ndim < 2:
        values = values.reshape((-1, num_colors) if values.size == count * num_colors else -1)
    try:
        fits = np.broadcast_shapes((count, 1), (num_colors,), values.shape)[:-1] == (count,)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{type(node).__name__}: {name} must have a row for each of {count} vertices and as many "
                         f"columns as light_color has entries; got {name} of shape {getattr(node, name).shape}, "
                         f"light_color of shape {node.light_color.shape}")
    return values


def check_rows(node, **points):
    if len({len(value) for value in points.values()}) > 1:
        raise ValueError(f"{type(node).__name__}: {' and '.join(points)} must have as many rows, got "
                         + " and ".join(str(len(value)) for value in points.values()))
