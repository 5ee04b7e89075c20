"""Light from all sides, far away: a sum of real spherical harmonics.

With n = (x, y, z) a unit vector,

    Y_lm = K_lm Π_lm(z) c_m(x, y)     c_m = Re (x + i y)^m for m >= 0,   Im (x + i y)^|m| for m < 0
    Π_lm = d^|m| P_l / dz^|m|         K_lm = √((2 l + 1) / 4π · (l - |m|)! / (l + |m|)! · (2 if m else 1))

P_l the Legendre polynomials: orthonormal on the sphere, without the phase (-1)^m. They come band by band, l = 0, 1, ..., in
each from m = -l to l, but for the band l = 1, which is x, z, y. The first nine are so the harmonics of OpenDR,

    1, x, z, y, xy, yz, 3z² - 1, xz, x² - y²    times constants

(R. Ramamoorthi and P. Hanrahan, An efficient representation for irradiance environment maps, 2001, eq. 3). Since Π_lm is a
derivative itself, and (x + i y)^m is analytic, gradients need no other polynomials:

    ∂Π_lm/∂z = Π_l,m+1        ∂(x + i y)^m = m (x + i y)^(m-1) (dx + i dy)

Recurrences: Π_mm = (2m - 1)!!,  (l - m) Π_lm = (2l - 1) z Π_l-1,m - (l + m - 1) Π_l-2,m.

The colour of a point is max(0, sum_j components_j Y_j(n)) light_color vc. Where the sum is 0 or less, its derivative is 0.
"""
from math import factorial

import numpy as np
import scipy.sparse as sp

from ..ch import depends_on
from ..ch.elementwise import scaled_broadcast
from ..ch.linear_maps import BlockDiagonal, LinearMap
from ..inputs import input_points, input_value, total_derivative
from .light import Light, colors_of_points

__all__ = ["MAX_ORDER", "OnChannels", "SphericalHarmonics", "harmonics", "num_bands"]

MAX_ORDER = 8


def num_bands(count):
    """Bands that the first `count` harmonics are in."""
    return int(np.ceil(np.sqrt(count)))


def _indices(bands):
    """(l, m) of all harmonics of the first bands."""
    return [(l, m) for l in range(bands) for m in ((1, 0, -1) if l == 1 else range(-l, l + 1))]


def _scale(l, m):
    m = abs(m)
    return np.sqrt((2 * l + 1) / (4 * np.pi) * factorial(l - m) / factorial(l + m) * (2 if m else 1))


def _legendre_derivatives(z, bands):
    """Π_lm (N,) by (l, m), 0 <= l < bands, 0 <= m <= l + 1."""
    result = {(0, 0): np.ones_like(z)}
    for m in range(1, bands + 1):
        result[m - 1, m] = result[m - 2, m] = np.zeros_like(z)
        result[m, m] = (2 * m - 1) * result[m - 1, m - 1]
    result[-1, 0] = np.zeros_like(z)
    for m in range(bands):
        for l in range(m + 1, bands):
            result[l, m] = ((2 * l - 1) * z * result[l - 1, m] - (l + m - 1) * result[l - 2, m]) / (l - m)
    return result


def _powers(x, y, bands):
    """c_m (N,) by m, -bands < m < bands."""
    result, power = {0: np.ones_like(x)}, np.ones(x.shape, complex)
    for m in range(1, bands):
        power = power * (x + 1j * y)
        result[m], result[-m] = power.real, power.imag
    return result


def harmonics(n, bands):
    """Y of the module's docstring, (N, bands²), at unit vectors (N, 3)."""
    x, y, z = n.T
    legendre, powers = _legendre_derivatives(z, bands), _powers(x, y, bands)
    return np.stack([_scale(l, m) * legendre[l, abs(m)] * powers[m] for l, m in _indices(bands)], axis=1)


def harmonic_slopes(n, components):
    """The gradients (N, C, 3) of sum_j components_j Y_j, for components (J, C)."""
    x, y, z = n.T
    bands = num_bands(len(components))
    legendre, powers = _legendre_derivatives(z, bands), _powers(x, y, bands)
    slopes = np.zeros((3, components.shape[1], len(n)))
    for (l, m), component in zip(_indices(bands), components):
        order, weight = abs(m), _scale(l, m) * component[:, None]
        slopes[2] += weight * (legendre[l, order + 1] * powers[m])
        if m:
            real, imaginary = powers[order - 1], powers[1 - order] if order > 1 else 0.0 * x
            along_x, along_y = (real, -imaginary) if m > 0 else (imaginary, real)
            inner = order * legendre[l, order]
            slopes[0] += weight * (inner * along_x)
            slopes[1] += weight * (inner * along_y)
    return slopes.transpose(2, 1, 0)


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
            raise ValueError(f"SphericalHarmonics: components must have 1 to {most} entries, or as many rows of one for "
                             f"each channel; got shape {components.shape}")
        return components.reshape(len(components), -1)

    @property
    def _basis(self):
        """Those of the harmonics that have a component, (N, n)."""
        return self._harmonics(num_bands(len(self._columns)))[:, :len(self._columns)]

    @depends_on("vn")
    def _harmonics(self, bands):
        return harmonics(input_points(self, "vn"), bands)

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

    def blocks_wrt(self, name):
        if name == "vn":
            return self._lit_tint[:, :, None] * harmonic_slopes(input_points(self, "vn"), self._columns)

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
            vn=lambda: BlockDiagonal(self.blocks_wrt("vn")),
            components=wrt_components,
            light_color=lambda: scaled_broadcast(lit * self._albedo, (self.light_color.size,), self.shape),
            vc=lambda: scaled_broadcast(lit * input_value(self, "light_color").ravel(), self._albedo.shape, self.shape))
