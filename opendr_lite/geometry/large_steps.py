"""Vertices as a smooth function of others, for first-order fits that take large steps.

    (1 + λ L) v = u        L = D - N        N: 1 for two vertices that an edge joins; D: how many edges each has

(Nicolet, Jacobson and Jakob, Large steps in inverse rendering of geometry, SIGGRAPH Asia 2021, equations 5 to 9). The
matrix M = 1 + λ L is symmetric, positive definite, and factorized once. A step along the gradient by u,

    dF/du = M⁻¹ dF/dv        δv = M⁻¹ δu = -M⁻² dF/dv

moves a vertex together with its neighbours: the gradient, which is large at silhouettes and zero beside them, is spread
over the surface, twice. λ says how far: over about √λ edges. Where a fit ends does not depend on λ. A Gauss-Newton step
does not either, so there is nothing in it for `dogleg`.

    shape = LargeSteps.starting_at(v, f)
    ... the vertices of the camera are `shape` ...
    ch.minimize(residual, x0=[shape.u], method="adam", options={"uniform": True})
"""
import numpy as np
import scipy.sparse as sp

from ..ch import Ch, depends_on
from ..ch.linear_maps import LinearMap
from ..ch.linear_solvers.factorizations import FACTORIZATIONS
from ..inputs import input_value, missing
from ..topology import as_faces, get_vertices_per_edge

__all__ = ["LargeSteps"]


class LargeSteps(Ch):
    """The solution v of (1 + λ L) v = u, see the module: (V, C), of the shape of `u`.

    Parameters
    ----------
    u : (V, C)
        What is free. With C = 3 `v` are vertices; it may as well be colours of the vertices.
    f : (F, 3) array of int
    smoothing : float
        λ, not negative; 19 by default, as in most of the paper.
    factorization : {'splu', 'cholmod', 'cholespy'}
        By SciPy, or by the optional extra of that name.

    Raises
    ------
    ValueError
        If `u` has no row for each vertex of `f`, or is not finite; if `smoothing` is negative or not finite.
    """

    terms = "f", "smoothing", "factorization"
    dterms = "u",
    term_order = "u", "f", "smoothing", "factorization"
    initial_values = {"smoothing": 19.0, "factorization": "splu"}

    @classmethod
    def starting_at(cls, v, f, **terms):
        """The node with the value `v`, an array or a node, and a new free variable `u`."""
        result = cls(u=Ch(v), f=f, **terms)
        result.u.x = result._system @ result._values
        return result

    @depends_on("f", "smoothing")
    def _system_of(self, num_vertices):
        """M, a csc_matrix."""
        smoothing = self.smoothing
        if isinstance(smoothing, (bool, str)) or not np.isscalar(smoothing) or not 0.0 <= smoothing < np.inf:
            raise ValueError(f"LargeSteps: smoothing must be a number that is not negative, got {smoothing!r}")
        if getattr(self, "f", None) is None:
            raise missing(self, "f")
        a, b = get_vertices_per_edge(num_vertices, as_faces(self.f, num_vertices)).T
        ends = np.concatenate([a, b])
        neighbours = sp.csc_matrix((np.ones(ends.size), (ends, np.concatenate([b, a]))), (num_vertices, num_vertices))
        degrees = np.bincount(ends, minlength=num_vertices)
        return sp.csc_matrix(sp.diags(1.0 + smoothing * degrees) - smoothing * neighbours)

    @property
    def _system(self):
        return self._system_of(len(self._values))

    @property
    def _values(self):
        """u as (V, C)."""
        values = input_value(self, "u")
        if values.ndim != 2 or not values.size:
            raise ValueError(f"LargeSteps: u must have shape (V, C), a row for each vertex, got {values.shape}")
        return values

    @depends_on("f", "smoothing", "factorization")
    def _inverse_of(self, num_vertices, columns):
        if self.factorization not in FACTORIZATIONS:
            raise ValueError(f"LargeSteps: factorization must be one of {', '.join(map(repr, FACTORIZATIONS))}, got "
                             f"{self.factorization!r}")
        return InverseOnColumns(self._system_of(num_vertices), FACTORIZATIONS[self.factorization], columns)

    @property
    def _inverse(self):
        return self._inverse_of(*self._values.shape)

    def compute_r(self):
        return self._inverse.apply(self._values.ravel()).reshape(self._values.shape)

    def compute_dr_wrt(self, wrt):
        return self._inverse if wrt is self.u else None


class InverseOnColumns(LinearMap):
    """M⁻¹ x, for a symmetric positive definite M, of each column of an x of shape (V, C): its own transpose.

    Parameters
    ----------
    matrix : csc_matrix (V, V)
    factorize : callable
        One of the `factorizations`.
    columns : int
        C.
    """

    def __init__(self, matrix, factorize, columns):
        self.columns = columns
        self.scale = 1.0 / np.sqrt(matrix.diagonal())
        half = sp.diags(self.scale)
        self.solve = factorize(sp.csc_matrix(half @ matrix @ half))
        super().__init__((len(self.scale) * columns,) * 2)

    def apply(self, x):
        right = self.scale[:, None] * x.reshape(len(self.scale), -1)
        return (self.scale[:, None] * self.solve(right)).reshape(x.shape)

    apply_transpose = apply
