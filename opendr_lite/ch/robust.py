"""Robust losses: how much a large residual may count.

With C the scale (`f_scale`), one residual r contributes C² ρ(z) to the objective, z = (r/C)². Every loss has
ρ(z) = z - O(z²): residuals well below C count as in least squares.

    name            ρ(z)                      ρ'(z)            ρ''(z)
    linear          z                         1                0
    soft_l1         2 (√(1+z) - 1)            (1+z)^(-1/2)     -(1+z)^(-3/2) / 2
    huber           z if z <= 1 else 2√z - 1  1 or z^(-1/2)    0 or -z^(-3/2) / 2
    cauchy          ln(1+z)                   1/(1+z)          -1/(1+z)²
    arctan          arctan z                  1/(1+z²)         -2z/(1+z²)²
    geman_mcclure   z/(1+z)                   1/(1+z)²         -2/(1+z)³

(The first five are those of `scipy.optimize.least_squares`; the last is Geman and McClure, Bull. Int.
Statist. Inst. 52, 1987.)

Without squares there is 'sum': F = Σ r, the entries as they are.

For the objective F = Σ C² ρ(z) of residuals r(x) with Jacobian J,

    ∇F  = 2 Jᵀ (ρ' r)
    ∇²F = 2 Jᵀ diag(ρ' + 2zρ'') J + terms with the second derivative of r, left out as in Gauss-Newton.

Gauss-Newton steps here use diag(ρ') in the place of diag(ρ' + 2zρ''): iteratively reweighted least squares.
Where ρ is concave, its quadratic lies above F (for linear r), so that its minimizer never overshoots; its
weights are positive. The second-order weights (Triggs et al., Bundle Adjustment, 2000, §4.3) would converge
faster in the end, but are negative for residuals beyond about C, and clipping them leaves rows that only pull
and never hold: from starts with many outliers that takes more evaluations and ends in worse minima.
"""
import numpy as np

from ..memory import empty
from .vectors import dot

__all__ = ["LOSSES", "LeastSquares", "RobustLoss", "ScalarObjective", "make_loss"]


_CHUNK = 16384  # residuals whose temporary arrays stay in the cache, few as they are beside those of an image

LOSSES = {
    "soft_l1": (lambda z: 2.0 * z / (np.sqrt(1.0 + z) + 1.0),
                lambda z: 1.0 / np.sqrt(1.0 + z),
                lambda z: -0.5 * (1.0 + z) ** -1.5),
    "huber": (lambda z: np.where(z <= 1.0, z, 2.0 * np.sqrt(z) - 1.0),
              lambda z: 1.0 / np.sqrt(np.maximum(z, 1.0)),
              lambda z: np.where(z <= 1.0, 0.0, -0.5 * np.maximum(z, 1.0) ** -1.5)),
    "cauchy": (np.log1p,
               lambda z: 1.0 / (1.0 + z),
               lambda z: -(1.0 + z) ** -2.0),
    "arctan": (np.arctan,
               lambda z: 1.0 / (1.0 + z * z),
               lambda z: -2.0 * z / (1.0 + z * z) ** 2),
    "geman_mcclure": (lambda z: z / (1.0 + z),
                      lambda z: np.square(1.0 / (1.0 + z)),
                      lambda z: -2.0 * (1.0 + z) ** -3.0),
}


class LeastSquares:
    """F = Σ r²."""

    name = "linear"
    scale = 1.0
    grows = True  # whether F is finite only if r is

    def value(self, r):
        """F."""
        return dot(r, r)

    def measure(self, r):
        """What is printed of a part of the residual: the sum of its squares."""
        return dot(r, r)

    def weights(self, r):
        """w such that 2 Jᵀ diag(w) J stands for ∇²F; None: all ones."""

    def slope(self, r):
        """s such that ∇F = 2 Jᵀ s."""
        weights = self.weights(r)
        return r if weights is None else weights * r


class ScalarObjective(LeastSquares):
    """F = Σ r, for objectives that are no sum of squares: a single entry that is the objective itself, or several."""

    name = "sum"

    def value(self, r):
        return float(r.sum())

    measure = value

    def slope(self, r):
        return np.full(r.size, 0.5)


class RobustLoss(LeastSquares):
    """F = Σ C² ρ((r/C)²).

    Parameters
    ----------
    loss : str or callable
        A name in `LOSSES`, or a function of z that returns ρ, ρ' and ρ'' as the rows of an array (3, m).
    scale : float
        C.
    """

    grows = False

    def __init__(self, loss, scale):
        self.loss, self.scale = loss, scale

    @property
    def name(self):
        return self.loss if isinstance(self.loss, str) else getattr(self.loss, "__name__", "callable")

    def derivatives(self, z, orders=(0, 1, 2)):
        """The derivatives of ρ of the given orders, each of the shape of z."""
        if isinstance(self.loss, str):
            return [LOSSES[self.loss][order](z) for order in orders]
        rho = np.asarray(self.loss(z.copy()), dtype=np.float64)  # it may work in place
        if rho.shape != (3, z.size):
            raise ValueError(f"loss: the function must return an array of shape (3, {z.size}), the rows rho, "
                             f"rho' and rho'' for each of the {z.size} entries of z; it returned shape "
                             f"{rho.shape}")
        return [rho[order] for order in orders]

    def __call__(self, z):
        """(3, m) array of ρ, ρ', ρ'': what `scipy.optimize.least_squares` asks of a loss."""
        return np.stack(self.derivatives(np.asarray(z)))

    def _chunks(self, r, order):
        """The derivative of ρ of that order, a chunk of residuals at a time: pairs (slice, array)."""
        length = _CHUNK if isinstance(self.loss, str) else max(r.size, 1)  # a function may look at all of them
        for start in range(0, r.size, length):
            span = slice(start, start + length)
            values, = self.derivatives(np.square(r[span] / self.scale), (order,))
            yield span, values

    def value(self, r):
        """F."""
        return float(self.scale ** 2 * sum(rho.sum() for _, rho in self._chunks(r, 0)))

    def weights(self, r):
        """w = ρ'."""
        weights = empty(r.shape)
        for span, first in self._chunks(r, 1):
            weights[span] = first
        if not isinstance(self.loss, str) and weights.min(initial=0.0) < 0.0:
            worst = weights.argmin()
            raise ValueError(f"loss: rho' must not be negative, it is {weights[worst]:g} at z = "
                             f"{(r[worst] / self.scale) ** 2:g}")
        return weights


def make_loss(loss, f_scale=1.0):
    """The loss of that name (or function) and scale.

    Raises
    ------
    ValueError
        If there is no loss of that name, or `f_scale` is not a positive number.
    """
    if not callable(loss) and not (isinstance(loss, str) and loss in ("linear", "sum", *LOSSES)):
        raise ValueError(f"loss must be one of 'linear', 'sum', {', '.join(map(repr, LOSSES))}, or a function of z "
                         f"that returns rho, rho' and rho''; got {loss!r}")
    scale = float(f_scale)
    if not (np.isfinite(scale) and scale > 0.0):
        raise ValueError(f"f_scale must be a positive number (the size from which a residual is an outlier), "
                         f"got {f_scale!r}")
    if isinstance(loss, str) and loss in ("linear", "sum"):
        return LeastSquares() if loss == "linear" else ScalarObjective()
    return RobustLoss(loss, scale)
