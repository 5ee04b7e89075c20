"""Structural similarity of two images (Z. Wang et al., Image quality assessment, 2004, eq. 13 and section III.C).

With means μ, variances σ² and the covariance σ_ab under a Gaussian window g, one of each at every pixel around which
the window fits, and G the filter with g (see `filters`),

    μ_a = G a      σ_a² = G a² - μ_a²      σ_ab = G (a b) - μ_a μ_b

    S = A_1 A_2 / (B_1 B_2),    A_1 = 2 μ_a μ_b + C_1      A_2 = 2 σ_ab + C_2
                                B_1 = μ_a² + μ_b² + C_1    B_2 = σ_a² + σ_b² + C_2

    dS = p · G da + q · G (a · da) + s · G (b · da)

    s = ∂S/∂σ_ab = 2 A_1 / (B_1 B_2)      q = 2 ∂S/∂σ_a² = -2 S / B_2
    p = 2 μ_b A_2 / (B_1 B_2) - 2 μ_a S / B_1 - s μ_b - q μ_a

and the same with a and b exchanged. C_1 = (0.01 L)², C_2 = (0.03 L)², L the range of the data.
"""
import numpy as np

from .. import ch
from ..ch import Ch, depends_on
from ..ch.linear_maps import Diagonal
from ..filters import GaussianKernel2D, filter_for_nopadding
from ..inputs import input_value, total_derivative

__all__ = ["ssim", "ssim_map"]


class StructuralSimilarity(Ch):
    """S of the module's formula, for each pixel around which the window fits.

    Parameters
    ----------
    a, b : (height, width) or (height, width, channels)
    window : (rows, columns) array
        Sums to 1.
    data_range : float
    """

    terms = "window", "data_range"
    dterms = "a", "b"
    term_order = "a", "b", "window", "data_range"

    @depends_on("window")
    def _filter_of(self, shape):
        """G, and the shape of what it gives."""
        return filter_for_nopadding(shape, self.window)

    @depends_on("a", "b", "window", "data_range")
    def _statistics(self):
        """a, b, μ_a, μ_b, A_2, B_1, B_2, A_1 / (B_1 B_2), S, flat, and G."""
        a, b = input_value(self, "a").ravel(), input_value(self, "b").ravel()
        G = self._filter_of(self.a.shape)[0]
        mean_a, mean_b = G @ a, G @ b
        C_1, C_2 = (0.01 * self.data_range) ** 2, (0.03 * self.data_range) ** 2
        A_1 = 2.0 * mean_a * mean_b + C_1
        A_2 = 2.0 * (G @ (a * b) - mean_a * mean_b) + C_2
        B_1 = mean_a ** 2 + mean_b ** 2 + C_1
        B_2 = G @ (a * a) - mean_a ** 2 + G @ (b * b) - mean_b ** 2 + C_2
        luminance = A_1 / (B_1 * B_2)
        return a, b, mean_a, mean_b, A_2, B_1, B_2, luminance, luminance * A_2, G

    def compute_r(self):
        return self._statistics[8].reshape(self._filter_of(self.a.shape)[1])

    def compute_dr_wrt(self, wrt):
        a, b, mean_a, mean_b, *_ = self._statistics
        return total_derivative(self, wrt, a=lambda: self._by_one(a, b, mean_a, mean_b),
                                b=lambda: self._by_one(b, a, mean_b, mean_a))

    def _by_one(self, a, b, mean_a, mean_b):
        A_2, B_1, B_2, luminance, S, G = self._statistics[4:]
        s, q = 2.0 * luminance, -2.0 * S / B_2
        p = 2.0 * mean_b * A_2 / (B_1 * B_2) - 2.0 * mean_a * S / B_1 - s * mean_b - q * mean_a
        return Diagonal(p) @ G + Diagonal(q) @ G @ Diagonal(a) + Diagonal(s) @ G @ Diagonal(b)


def ssim_map(a, b, data_range=1.0, window_size=11, sigma=1.5):
    """The structural similarity of two images at each pixel, 1 where they agree.

    Parameters
    ----------
    a, b : Ch or array_like (height, width) or (height, width, channels)
        Of the same shape.
    data_range : float
        What the values of an image reach from the lowest to the highest.
    window_size : int
        Odd: rows and columns of the window.
    sigma : float
        Standard deviation of the window in pixels.

    Returns
    -------
    Ch (height - window_size + 1, width - window_size + 1[, channels])
        Where the window fits into the image. As residuals, for Gauss-Newton: `1 - ssim_map(a, b)`.
    """
    a, b = ch.as_node(a), ch.as_node(b)
    if a.shape != b.shape or a.ndim not in (2, 3):
        raise ValueError("a and b must be images of the same shape, (height, width) or (height, width, channels); got "
                         f"{a.shape} and {b.shape}")
    if not 0 < data_range < np.inf:
        raise ValueError(f"data_range must be positive, 1 for colours in [0, 1]; got {data_range!r}")
    window = GaussianKernel2D(window_size, sigma)
    if min(a.shape[:2]) < window_size or not a.size:
        raise ValueError(f"a window of {window_size} pixels does not fit into an image of shape {a.shape}: choose a "
                         "smaller window_size")
    return StructuralSimilarity(a, b, window, data_range)


def ssim(a, b, data_range=1.0, window_size=11, sigma=1.5):
    """The mean of `ssim_map`, one number, 1 where the images agree; the loss is `1 - ssim(a, b)`.

    Parameters as for `ssim_map`. The value is that of `skimage.metrics.structural_similarity` with
    `gaussian_weights=True, sigma=1.5, use_sample_covariance=False` and the same `data_range`.
    """
    return ch.mean(ssim_map(a, b, data_range, window_size, sigma))
