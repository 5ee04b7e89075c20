"""How much an image varies: the sum of the lengths of its gradients.

With forward differences g = (x[i+1, j] - x[i, j], x[i, j+1] - x[i, j]) at each pixel and channel, 0 beyond the last row
and column,

    isotropic      sum √(g_1² + g_2²)        (L. Rudin, S. Osher, E. Fatemi, Nonlinear total variation, 1992)
    anisotropic    sum |g_1| + |g_2|

Where the image is flat there is no derivative; it is taken as 0.
"""
import numpy as np
import scipy.sparse as sp

from .. import ch
from ..geometry.rows import RowLengths
from .robust import smooth_norm_residuals

__all__ = ["total_variation", "total_variation_residuals"]


def _differences(image):
    """g, a node: the two entries of each pixel and channel, one after the other."""
    image = ch.as_node(image)
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError("image must have shape (height, width) or (height, width, channels) and not be empty; got "
                         f"{image.shape}")
    height, width, *channels = image.shape
    down = sp.kron(_forward(height), sp.identity(width * int(np.prod(channels))))
    along = sp.kron(sp.kron(sp.identity(height), _forward(width)), sp.identity(int(np.prod(channels))))
    both = sp.vstack((down, along), format="csr")
    order = np.arange(2 * image.size).reshape(2, -1).T.ravel()
    return ch.MatVecMult(both[order], image.ravel())


def _forward(length):
    inside = np.ones(length)
    inside[-1] = 0.0
    return sp.diags((-inside, inside[:-1]), (0, 1), shape=(length, length))


def total_variation(image, isotropic=True):
    """The total variation of an image, one number: the sum over its pixels and channels.

    Parameters
    ----------
    image : Ch (height, width) or (height, width, channels)
    isotropic : bool
        See the module `losses.total_variation`.
    """
    return ch.sum(RowLengths(_differences(image), 2 if isotropic else 1))


def total_variation_residuals(image, isotropic=True, smoothing=1e-2):
    """Residuals whose sum of squares is the total variation, but smooth: a length |g| counts √(|g|² + s²) - s.

    Parameters
    ----------
    image, isotropic
        As for `total_variation`.
    smoothing : float
        s, positive, in units of the image: below it a difference counts quadratically.

    Returns
    -------
    Ch (height * width * channels, 2)
    """
    return smooth_norm_residuals(_differences(image), smoothing, 2 if isotropic else 1)
