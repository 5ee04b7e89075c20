"""What a fit found, and what can be asked of it afterwards: Jacobian, gradient, covariance."""
import warnings

import numpy as np
from scipy.optimize import OptimizeResult

from .linear_maps import SparseMap
from .linear_solvers import DenseBlocks
from .robust import ScalarObjective

__all__ = ["FitResult", "to_scipy"]

_LARGEST_COVARIANCE = 10_000


class FitResult(OptimizeResult):
    """What `minimize` found: SciPy's OptimizeResult.

    Attributes
    ----------
    x : ndarray of shape (n,)
        The free variables in the order of `x0`, flat. They have these values in the graph.
    fun : float
        The objective, Σ r² or Σ C² ρ.
    cost : float
        Half of it, as in `scipy.optimize.least_squares`.
    residuals : ndarray of shape (m,)
        r.
    nit, nfev, njev : int
        Accepted steps, evaluations of the residual, evaluations of a derivative.
    status : int
        -1: Ctrl-C; -2: stopped by the callback; -3: the derivative is not finite; otherwise as in
        `scipy.optimize.least_squares` (0: out of iterations; 1: gradient; 2: decrease; 3: step), but for the
        methods of `scipy.optimize.minimize` as there.
    message, success : str, bool
    history : dict of ndarray
        For the start and each accepted state 'fun', 'nfev' and, for 'dogleg' and 'lm', 'step' (its length)
        and 'radius' or 'damping' (after it), for 'adam', 'sgd' and 'momentum' 'step' and 'factor' (of the schedule). On
        minibatches 'fun' is an estimate, but for the last one.
    jac : ndarray, scipy.sparse.csr_matrix or LinearOperator of shape (m, n)
        The Jacobian of the residual at x; evaluated when first asked for, as are
    grad, optimality : ndarray of shape (n,), float
        The gradient of `cost` and its largest entry.
    """

    def __init__(self, values, problem):
        super().__init__(values)
        object.__setattr__(self, "_problem", problem)
        object.__setattr__(self, "_kept", {})

    def _at_optimum(self, name, compute):
        if name not in self._kept:
            with self._problem.at(self.x):
                self._kept[name] = compute()
        return self._kept[name]

    @property
    def jac(self):
        form = self._problem.jacobian_form
        return self._at_optimum("jac", lambda: to_scipy(self._problem.jacobian(form)))

    @property
    def grad(self):
        return self._at_optimum("grad", lambda: 0.5 * self._problem.gradient(self.residuals))

    @property
    def optimality(self):
        return float(np.abs(self.grad).max())

    def covariance(self, sigma=None, of=None):
        """Covariance of the variables, σ² (JᵀWJ)⁻¹ at the optimum (W = 1 but for robust losses).

        Parameters
        ----------
        sigma : float, optional
            Standard deviation of a residual. By default estimated, σ² = fun / (m - rank of J).
        of : Ch, optional
            One item of `x0`: only its block, which is also cheaper.

        Returns
        -------
        ndarray of shape (n, n), or (of.size, of.size)
            What the residual does not determine has variance inf and covariances nan, and raises a
            RuntimeWarning that names it.
        """
        problem = self._problem
        if isinstance(problem.loss, ScalarObjective):
            raise ValueError("the objective is a single number, not a residual: it has no covariance")
        entries = np.arange(self.x.size)
        if of is not None:
            spans = [variable.span for variable in problem.variables if variable.node is of]
            if not spans:
                raise ValueError("of must be one of the nodes given as x0, got "
                                 f"{getattr(of, 'short_name', of)!r}")
            entries = entries[spans[0]]
        if entries.size > _LARGEST_COVARIANCE:
            raise ValueError(f"the covariance of {entries.size} unknowns is too large an array: ask for that "
                             "of one item of x0, covariance(of=...)")
        model = self._at_optimum(
            "model", lambda: problem.model(problem.linear_algebra(), np.asarray(self.residuals)).factorized())
        weights, count = model.undetermined()
        if sigma is None:
            freedom = self.residuals.size - (self.x.size - count)
            if freedom <= 0:
                raise ValueError(f"{self.residuals.size} residuals for {self.x.size} unknowns leave none to "
                                 "estimate the noise from: give sigma, the standard deviation of a residual")
            sigma = np.sqrt(self.fun / freedom)
        covariance = float(sigma) ** 2 * model.inverse(entries)
        unknown = weights[entries] > 1e-8
        if unknown.any():
            warnings.warn(f"the residual does not determine {problem.names_of(weights)}: infinite variance",
                          RuntimeWarning, stacklevel=2)
            covariance[unknown] = covariance[:, unknown] = np.nan
            covariance[unknown, unknown] = np.inf
        return covariance


def to_scipy(jacobian):
    """A Jacobian as an array, a sparse matrix or a LinearOperator."""
    if isinstance(jacobian, DenseBlocks):
        return jacobian.to_dense()
    return jacobian.matrix if isinstance(jacobian, SparseMap) else jacobian.as_linear_operator()
