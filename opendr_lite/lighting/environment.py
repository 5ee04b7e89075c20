"""Light from a panorama of the surroundings, as spherical harmonics of what a diffuse surface sends back.

The image is equirectangular. The centre of the pixel in row i of H and column j of W looks in the direction

    d = (sin θ sin φ, -cos θ, sin θ cos φ)     θ = π (i + ½) / H,   φ = 2π (j + ½) / W - π

in axes as of a camera: the middle of the image is ahead, at +z, its top up, at -y, its right at +x. A pixel has the
solid angle Δφ (cos θ_top - cos θ_bottom), so that those of all add up to 4π. The light is then

    L_j = sum_p image_p Y_j(d_p) solid_angle_p

A diffuse surface with normal n sends back the mean of max(0, n·d) L(d) over the half sphere, a convolution, which is a
factor in each band l of the harmonics (R. Ramamoorthi and P. Hanrahan, An efficient representation for irradiance
environment maps, 2001, eqs. 8 and 9):

    B_lm = A_l / π L_lm     A_0 = π,  A_1 = 2π/3,  A_l = 0 for odd l > 1,
                            A_l = 2π (-1)^(l/2 - 1) / ((l + 2) (l - 1)) · l! / (2^l (l/2)!²) for even l

With albedo 1 and light of 1 from all sides its colour is 1.
"""
from math import factorial

import numpy as np

from ..ch import Ch, depends_on
from ..ch.linear_maps import LinearMap
from ..inputs import input_value
from .harmonics import MAX_ORDER, harmonics

__all__ = ["EnvironmentHarmonics", "lambertian_factors"]

PIXELS_AT_ONCE = 16384  # harmonics of so many are kept at a time


def lambertian_factors(order):
    """A_l / π of the bands l = 0 to `order`, (order + 1,)."""
    factors = np.zeros(order + 1)
    for l in range(0, order + 1, 2):
        half = factorial(l // 2)
        factors[l] = 2 * (-1) ** (l // 2 - 1) / ((l + 2) * (l - 1)) * factorial(l) / (2 ** l * half * half)
    if order:
        factors[1] = 2 / 3
    return factors


class EnvironmentHarmonics(Ch):
    """Components (n, C) for `SphericalHarmonics` of a surface in the light of its surroundings, n = (order + 1)².

    Linear in the image, and differentiable with respect to it.

    Parameters
    ----------
    image : (H, W) or (H, W, C)
        Equirectangular, see the module; not clamped.
    order : int
        0 to 8, by default 2, which holds 99 % of the energy that a diffuse surface sends back of light from a point.
    diffuse : bool
        True (the default) for the light that a diffuse surface sends back, False for the light itself.
    """

    terms = "order", "diffuse"
    dterms = "image",
    term_order = "image", "order", "diffuse"
    initial_values = {"order": 2, "diffuse": True}

    @property
    def _pixels(self):
        """The image as (H, W, C)."""
        image = input_value(self, "image")
        if image.ndim not in (2, 3) or not image.size:
            raise ValueError("EnvironmentHarmonics: image must have shape (rows, columns, channels), got "
                             f"{image.shape}")
        return image.reshape(image.shape[:2] + (-1,))

    @property
    def _map(self):
        height, width, channels = self._pixels.shape
        return self._projection(height, width, channels)

    @depends_on("order", "diffuse")
    def _projection(self, height, width, channels):
        if isinstance(self.order, bool) or self.order not in range(MAX_ORDER + 1):
            raise ValueError(f"EnvironmentHarmonics: order must be a whole number from 0 to {MAX_ORDER}, got "
                             f"{self.order!r}")
        bands = np.arange(self.order + 1)
        factors = lambertian_factors(self.order) if self.diffuse else np.ones(self.order + 1)
        return Projection(np.repeat(factors, 2 * bands + 1), height, width, channels)

    def compute_r(self):
        return self._map.apply(self._pixels.ravel()).reshape(-1, self._pixels.shape[2])

    def compute_dr_wrt(self, wrt):
        if wrt is self.image:
            return self._map


class Projection(LinearMap):
    """From a panorama (H, W, C) to its components (n, C), times a factor for each.

    Parameters
    ----------
    factors : (n,) float64
        n a square.
    height, width, channels : int
    """

    def __init__(self, factors, height, width, channels):
        self.factors, self.height, self.width, self.channels = factors, height, width, channels
        super().__init__((len(factors) * channels, height * width * channels))

    def _blocks(self):
        """(first row, row after the last, factor Y solid_angle (pixels, n)) of some rows after the others."""
        rows_at_once = max(PIXELS_AT_ONCE // self.width, 1)
        angle = 2 * np.pi * (np.arange(self.width) + 0.5) / self.width - np.pi
        for start in range(0, self.height, rows_at_once):
            stop = min(start + rows_at_once, self.height)
            edge = np.pi * np.arange(start, stop + 1) / self.height
            polar = (edge[:-1] + edge[1:]) / 2
            directions = np.stack(np.broadcast_arrays(np.sin(polar)[:, None] * np.sin(angle), -np.cos(polar)[:, None],
                                                      np.sin(polar)[:, None] * np.cos(angle)), axis=2)
            solid_angle = 2 * np.pi / self.width * (np.cos(edge[:-1]) - np.cos(edge[1:]))
            basis = harmonics(directions.reshape(-1, 3), len(self.factors))
            yield start, stop, basis * np.repeat(solid_angle, self.width)[:, None] * self.factors

    def apply(self, x):
        image = x.reshape(self.height, self.width, -1)
        total = sum(basis.T @ image[start:stop].reshape(len(basis), -1) for start, stop, basis in self._blocks())
        return total.reshape(self.shape[:1] + x.shape[1:])

    def apply_transpose(self, y):
        components = y.reshape(len(self.factors), -1)
        rows = [basis @ components for _, _, basis in self._blocks()]
        return np.concatenate(rows).reshape(self.shape[1:] + y.shape[1:])
