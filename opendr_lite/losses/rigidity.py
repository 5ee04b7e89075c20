"""As rigid as possible: what a deformation does to a mesh beyond rotating it, vertex by vertex.

O. Sorkine and M. Alexa, As-rigid-as-possible surface modeling, 2007, eq. 3. For the edges from vertex i to its
neighbours, at rest and now, scaled by the roots of their weights,

    a_ij = √w_ij (v_j - v_i),   ā_ij the same at rest
    r_ij = a_ij - R_i ā_ij,     R_i the rotation that makes sum_j |r_ij|² least

R_i = U diag(1, 1, ±1) Vᵀ from the singular value decomposition U Σ Vᵀ of M = sum_j a ā^T, with the sign that makes
det R_i = 1. At R_i the matrix M Rᵀ is symmetric, and stays so: for dR = [ω]× R, with b = R ā,

    K ω = sum_j b × da,      K = tr(M Rᵀ) I - M Rᵀ
    dr = da + b × ω

About an axis that leaves M open K is singular, and ω is taken as 0: a vertex with a single neighbour may turn about it.

The energy E = sum |r|² needs no ω. R is at its minimum, so that what it changes does not matter to first order (the
envelope theorem): dE = 2 sum r · da.
"""
import numpy as np
import scipy.sparse as sp

from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal, DenseMap, identity
from ..geometry.rows import OnCoordinates, skew
from ..inputs import input_points
from ..topology import get_vertices_per_edge
from .laplacian import Cotangents
from .meshes import checked_mesh, checked_vertices

__all__ = ["arap_energy", "arap_residuals"]


class Deformation(Ch):
    """Base of what compares the edges around each vertex with those at rest.

    Parameters
    ----------
    v : (V, 3)
    rest_edges : (H, 3) array
        ā, ordered by vertex.
    start : int array (H,)
        The vertex that each edge leaves.
    edges : OnCoordinates
        Takes v to a.
    """

    terms = "rest_edges", "start", "edges"
    dterms = "v"
    term_order = "v", "rest_edges", "start", "edges"

    @depends_on("start")
    def _sum(self, num_verts):
        """Sums vectors of edges around each vertex."""
        count = len(self.start)
        return OnCoordinates(sp.csr_matrix((np.ones(count), (self.start, np.arange(count))), shape=(num_verts, count)))

    @depends_on("v", "rest_edges", "start", "edges")
    def _fit(self):
        """r, b and M Rᵀ."""
        v = input_points(self, "v")
        a = self.edges.apply(v.ravel()).reshape(-1, 3)
        products = (a[:, :, None] * self.rest_edges[:, None, :]).reshape(-1, 9)
        M = (self._sum(len(v)).matrix @ products).reshape(-1, 3, 3)
        U, _, Vt = np.linalg.svd(M)
        U[:, :, 2] *= np.sign(np.linalg.det(U @ Vt))[:, None]
        R = U @ Vt
        b = np.einsum("hij,hj->hi", R[self.start], self.rest_edges)
        return a - b, b, M @ R.transpose(0, 2, 1)


class RigidityResiduals(Deformation):
    """r (H, 3) of the module's formula."""

    def compute_r(self):
        return self._fit[0]

    def compute_dr_wrt(self, wrt):
        if wrt is not self.v:
            return None
        _, b, MRt = self._fit
        K = np.trace(MRt, axis1=1, axis2=2)[:, None, None] * np.eye(3) - MRt
        K_inverse = np.linalg.pinv(K, rcond=1e-10, hermitian=True)
        b_cross = skew(b)
        around = self._sum(len(K))
        omega = around @ BlockDiagonal(np.matmul(K_inverse[self.start], b_cross))
        turned = BlockDiagonal(b_cross) @ OnCoordinates(around.matrix.T) @ omega
        return (identity(b.size) + turned) @ self.edges


class RigidityEnergy(Deformation):
    """sum |r|²."""

    def compute_r(self):
        r = self._fit[0]
        return np.einsum("ij,ij", r, r)

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return DenseMap(2.0 * self.edges.apply_transpose(self._fit[0].ravel())[None])


def _deformation(kind, v, f, rest, weights):
    v, f = checked_mesh(v, f)
    rest = checked_vertices(rest, "rest").r
    if rest.shape != v.shape:
        raise ValueError(f"rest must have a row for each vertex, shape {v.shape}; got {rest.shape}")
    if not np.isfinite(rest).all():
        raise ValueError("rest must be finite; it holds nan or inf")
    edges = get_vertices_per_edge(len(rest), f)
    pairs = np.concatenate((edges, edges[:, ::-1]))
    weight = np.tile(_edge_weights(rest, f, edges, weights), 2)
    order = np.lexsort(pairs.T[::-1])
    (start, end), root = pairs[order].T, np.sqrt(weight[order])
    rows = np.arange(len(start))
    matrix = sp.csr_matrix((np.concatenate((root, -root)), (np.tile(rows, 2), np.concatenate((end, start)))),
                           shape=(len(start), len(rest)))
    edges = OnCoordinates(matrix)
    return kind(v, matrix @ rest, start, edges)


def _edge_weights(rest, f, edges, weights):
    if weights == "uniform":
        return np.ones(len(edges))
    if weights != "cot":
        raise ValueError(f"weights must be one of 'cot', 'uniform'; got {weights!r}")
    opposite = np.sort(np.stack((np.roll(f, -1, axis=1).ravel(), np.roll(f, -2, axis=1).ravel()), axis=1), axis=1)
    n = len(rest)
    key = opposite[:, 0] * n + opposite[:, 1]
    edge = np.searchsorted(edges[:, 0].astype(np.int64) * n + edges[:, 1], key)
    proper = opposite[:, 0] != opposite[:, 1]
    cotangents = Cotangents(rest, f).r.ravel()
    return np.maximum(0.5 * np.bincount(edge[proper], weights=cotangents[proper], minlength=len(edges)), 0.0)


def arap_residuals(v, f, rest, weights="cot"):
    """Residuals (2 E, 3) whose sum of squares is `arap_energy`, 0 for a mesh that was only moved and turned.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    rest : array_like (V, 3)
        The vertices at rest; constant.
    weights : {'cot', 'uniform'}
        Of the edges: half the sum of the cotangents of the angles opposite to it at rest, or 0 where that is
        negative, as a residual needs; or 1.

    Returns
    -------
    Ch (2 E, 3)
        An edge counts at both its vertices; rows are ordered by vertex, then by neighbour. Its Jacobian, exact, has
        blocks for a vertex and those around it.
    """
    return _deformation(RigidityResiduals, v, f, rest, weights)


def arap_energy(v, f, rest, weights="cot"):
    """The energy of Sorkine and Alexa, one number: the sum of w_ij |(v_i - v_j) - R_i (v̄_i - v̄_j)|².

    Parameters as for `arap_residuals`.
    """
    return _deformation(RigidityEnergy, v, f, rest, weights)
