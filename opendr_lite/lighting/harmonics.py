"""Light from all sides, far away: a sum of real spherical harmonics.

With n = (x, y, z) a unit vector,

    Y_lm = K_lm Π_lm(z) c_m(x, y)     c_m = Re (x + i y)^m for m >= 0,   Im (x + i y)^|m| for m < 0
    Π_lm = d^|m| P_l / dz^|m|         K_lm = √((2 l + 1) / 4π · (l - |m|)! / (l + |m|)! · (2 if m else 1))

P_l the Legendre polynomials: orthonormal on the sphere, without the phase (-1)^m. They come band by band, l = 0, 1,
..., in each from m = -l to l, but for the band l = 1, which is x, z, y. The first nine are so the harmonics of
OpenDR,

    1, x, z, y, xy, yz, 3z² - 1, xz, x² - y²    times constants

(R. Ramamoorthi and P. Hanrahan, An efficient representation for irradiance environment maps, 2001, eq. 3). Since Π_lm
is a derivative itself, and (x + i y)^m is analytic, gradients need no other polynomials:

    ∂Π_lm/∂z = Π_l,m+1        ∂(x + i y)^m = m (x + i y)^(m-1) (dx + i dy)

Recurrences: Π_mm = (2m - 1)!!,  (l - m) Π_lm = (2l - 1) z Π_l-1,m - (l + m - 1) Π_l-2,m.

The colour of a point is max(0, sum_j components_j Y_j(n)) light_color vc. Where the sum is 0 or less, its derivative
is 0.
"""
from math import factorial

import numpy as np
import scipy.sparse as sp

from ..ch import depends_on
from ..ch.elementwise import scaled_broadcast
from ..ch.linear_maps import BlockDiagonal, LinearMap
from ..inputs import input_points, input_value, total_derivative
from ..kernels.cpu import harmonics as kernels
from .light import Light, colors_of_points

__all__ = ["MAX_ORDER", "OnChannels", "SphericalHarmonics", "harmonics"]

MAX_ORDER = 8


def _index(count):
    """l, m and K_lm of the first `count` harmonics, (count,) each."""
    bands = range(MAX_ORDER + 1)
    pairs = [(l, m) for l in bands for m in ((1, 0, -1) if l == 1 else range(-l, l + 1))][:count]
    degree, order = np.array(pairs).T
    return np.ascontiguousarray(degree), np.ascontiguousarray(order), np.array([_scale(l, abs(m)) for l, m in pairs])


def _scale(l, m):
    return np.sqrt((2 * l + 1) / (4 * np.pi) * factorial(l - m) / factorial(l + m) * (2 if m else 1))


def harmonics(n, count):
    """The first `count` harmonics, (N, count), at unit vectors (N, 3)."""
    return kernels.harmonics(n, *_index(count))


class OnChannels(LinearMap):
    """`matrix` ⊗ I: (J, C) to (N, C), each channel alone, for a dense matrix (N, J)."""

    def __init__(self, matrix, channels):
        self.matrix, self.channels = matrix, channels
        super().__init__((matrix.shape[0] * channels, matrix.shape[1] * channels))

    def apply(self, x):
        return self._times(self.matrix, x)

    def apply_transpose(self, y):
        return self._times(self.matrix.T, y)

    def _times(self, matrix, x):
        columns = x.shape[1:]
        product = matrix @ x.reshape(matrix.shape[1], -1)
        return product.reshape((matrix.shape[0] * self.channels,) + columns)

    def to_sparse(self):
        return sp.kron(self.matrix, sp.identity(self.channels), format="csr")


class SphericalHarmonics(Light):
    """Colours (N, C) of normals in distant light from all sides.

    Parameters
    ----------
    light_color : (C,) or (1,)
        By default 1.
    vn : (N, 3)
        Unit normals.
    components : (n,) or (n, C)
        Coefficients of the first n harmonics, 1 <= n <= 81 (order 8), the same for all channels or one for each.
    vc : (N, C) or (C,), or a number
        Albedo, by default 1; may be flat.
    """

    dterms = "vn", "components", "light_color", "vc"
    initial_values = {"light_color": 1.0, "vc": 1.0}
    term_order = "light_color", "vn", "components"
    surface_inputs = "vn", "vc"

    @property
    def num_colors(self):
        return max(self.light_color.size, self._columns.shape[1])

    @depends_on("components")
    def _columns(self):
        """The components, (n, 1) or (n, C)."""
        components = input_value(self, "components")
        most = (MAX_ORDER + 1) ** 2
        if components.ndim not in (1, 2) or not 1 <= len(components) <= most or not components.size:
            raise ValueError(f"SphericalHarmonics: components must have 1 to {most} entries, or as many rows with one "
                             f"for each channel; got shape {components.shape}")
        return components.reshape(len(components), -1)

    @property
    def _basis(self):
        """The harmonics that have a component, (N, n)."""
        return self._harmonics(len(self._columns))

    @depends_on("vn")
    def _harmonics(self, count):
        return harmonics(input_points(self, "vn"), count)

    @depends_on("vn", "components")
    def _light(self):
        """(N, 1) or (N, C), negative where it is to be clamped."""
        return self._basis @ self._columns

    @property
    def _tint(self):
        """light_color vc"""
        return input_value(self, "light_color").ravel() * self._albedo

    @property
    def _albedo(self):
        return colors_of_points(self, "vc", len(input_points(self, "vn")), self.num_colors)

    def compute_r(self):
        light, tint = np.maximum(self._light, 0), self._tint
        try:
            return light * tint
        except ValueError:
            raise ValueError("SphericalHarmonics: components, light_color and vc must have one channel, or as many as "
                             f"one another; got shapes {self.components.shape}, {self.light_color.shape} and "
                             f"{self.vc.shape}") from None

    def add_derivative(self, name, blocks):
        if name == "vn":
            blocks += self._lit_tint[:, :, None] * self._slopes
        return name == "vn"

    @depends_on("vn", "components")
    def _slopes(self):
        """Gradients (N, 1 or C, 3) of `_light`."""
        return kernels.harmonic_slopes(input_points(self, "vn"), *_index(len(self._columns)), self._columns)

    @property
    def _lit_tint(self):
        """The derivative of the value with respect to `_light`."""
        return (self._light > 0) * self._tint

    def compute_dr_wrt(self, wrt):
        lit = np.maximum(self._light, 0)

        def wrt_components():
            channels = self._columns.shape[1]
            return scaled_broadcast(self._lit_tint, self._light.shape, self.shape) @ OnChannels(self._basis, channels)

        return total_derivative(
            self, wrt,
            vn=lambda: BlockDiagonal(self._lit_tint[:, :, None] * self._slopes),
            components=wrt_components,
            light_color=lambda: scaled_broadcast(lit * self._albedo, (self.light_color.size,), self.shape),
            vc=lambda: scaled_broadcast(lit * input_value(self, "light_color").ravel(), self._albedo.shape, self.shape))
