"""Robust losses of one term, beside those that `ch.minimize(loss=...)` takes for all.

With ρ and the scale C of `ch.robust`, a row x of a residual counts C² ρ(z), z = |x|² / C². The same as a sum of squares
is that of the rows

    y = h x,    h = √(ρ(z) / z),    |y|² = C² ρ(z)
    dy = h (I - u uᵀ) dx + ρ'(z) / h u uᵀ dx,    u = x / |x|

for across x only the direction of y changes, and along it d|y|² = ρ' d|x|². At 0, where ρ(z) = z - O(z²), dy = dx.

Two are known in another scale, C² ρ / (2 C). With 'huber' that is smooth L1: x² / (2 C) for |x| <= C, and |x| - C / 2
beyond. With 'soft_l1' it is a length without a kink at 0, √(|x|² + C²) - C.
"""
import numpy as np

from .. import ch
from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal
from ..ch.robust import RobustLoss, make_loss
from ..inputs import input_value

__all__ = ["robust_loss", "robust_residuals", "smooth_l1", "smooth_l1_residuals", "smooth_norm_residuals"]


class RobustRows(Ch):
    """y of the module's formula, in the shape of x.

    Parameters
    ----------
    x : Ch
    rho : RobustLoss
    row_length : int
        How many entries a row has.
    """

    terms = "rho", "row_length"
    dterms = "x"
    term_order = "x", "rho", "row_length"

    @depends_on("x", "rho", "row_length")
    def _rows(self):
        """x as rows, z, h."""
        x = input_value(self, "x").reshape(-1, self.row_length)
        z = np.einsum("ij,ij->i", x, x) / self.rho.scale ** 2
        rho, = self.rho.derivatives(z, (0,))
        return x, z, np.sqrt(np.divide(rho, z, where=z > 0, out=np.ones_like(z)))

    def compute_r(self):
        x, _, h = self._rows
        return (h[:, None] * x).reshape(self.x.shape)

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            x, z, h = self._rows
            slope, = self.rho.derivatives(z, (1,))
            u = x / np.sqrt(np.where(z > 0, z, 1.0))[:, None] / self.rho.scale
            along = np.divide(slope, h, where=h > 0, out=np.zeros_like(h))
            return BlockDiagonal(h[:, None, None] * np.eye(self.row_length)
                                 + (along - h)[:, None, None] * u[:, :, None] * u[:, None, :])


def robust_residuals(x, loss, f_scale=1.0, row_length=1):
    """Residuals whose sum of squares is `robust_loss`: as they are where they are small, shrunk where they are large.

    Parameters
    ----------
    x : Ch
        Residuals.
    loss : {'soft_l1', 'huber', 'cauchy', 'arctan', 'geman_mcclure'} or callable
        See `ch.robust`.
    f_scale : float
        C, positive: the size from which a row counts as an outlier.
    row_length : int
        How many entries in a row are judged together, by the length of their vector; 3 for points.

    Returns
    -------
    Ch
        In the shape of `x`.

    Raises
    ------
    ValueError
        For an unknown loss, a scale that is not positive, a size that is not a multiple of `row_length`.
    """
    rho = make_loss(loss, f_scale)
    if not isinstance(rho, RobustLoss):
        raise ValueError("loss 'linear' is the residual itself: leave robust_residuals out")
    x = ch.as_node(x)
    if isinstance(row_length, bool) or not hasattr(row_length, "__index__") or row_length < 1 or x.size % row_length:
        raise ValueError(f"row_length must be a positive integer that divides the {x.size} entries of x; got "
                         f"{row_length!r}")
    return RobustRows(x, rho, row_length)


def robust_loss(x, loss, f_scale=1.0, row_length=1):
    """The sum of C² ρ(|row|² / C²) over the rows of a residual, one number. Parameters as for `robust_residuals`."""
    return ch.SumOfSquares(robust_residuals(x, loss, f_scale, row_length))


def smooth_norm_residuals(x, smoothing, row_length=1):
    """Residuals whose sum of squares is that of √(|row|² + s²) - s over the rows of x: of their lengths, but smooth.

    Parameters
    ----------
    x : Ch
    smoothing : float
        s, positive: the length up to which a row counts quadratically.
    row_length : int
        How many entries a row has.
    """
    _check_scale(smoothing, "smoothing")
    return robust_residuals(x, "soft_l1", smoothing, row_length) / np.sqrt(2.0 * smoothing)


def smooth_l1_residuals(x, beta=1.0):
    """Residuals whose sum of squares is `smooth_l1`.

    Parameters
    ----------
    x : Ch
        Differences.
    beta : float
        Positive: up to it a difference counts quadratically.
    """
    _check_scale(beta, "beta")
    x = ch.as_node(x)
    if not x.size:
        raise ValueError("x has no entries: there is no mean of none")
    return robust_residuals(x, "huber", beta) / np.sqrt(2.0 * beta * x.size)


def smooth_l1(x, beta=1.0):
    """The mean over all entries of x² / (2 β) for |x| <= β and |x| - β / 2 beyond, one number.

    Parameters as for `smooth_l1_residuals`.
    """
    return ch.SumOfSquares(smooth_l1_residuals(x, beta))


def _check_scale(scale, name):
    if not 0.0 < scale < np.inf:
        raise ValueError(f"{name} must be a positive number, in units of x; got {scale!r}")
