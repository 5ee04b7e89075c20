"""How far each vertex is from the mean of its neighbours.

With weights w_ij of the edges and n_i of the vertices, the differential coordinates of vertex i are

    δ_i = sum_j w_ij (v_j - v_i) / n_i

    weights      w_ij                          n_i
    'uniform'    1                             number of neighbours
    'cot'        cot α_ij + cot β_ij           sum_j w_ij
    'cotcurv'    cot α_ij + cot β_ij           4 times the area of the faces around i

α_ij and β_ij are the angles opposite to the edge in its two faces, or the only one at a border (U. Pinkall and K.
Polthier, Computing discrete minimal surfaces and their conjugates, 1993). 'uniform' evens out the mesh; 'cot' moves
vertices along their normals only, nearly; 'cotcurv' is the normal times the mean curvature, up to a factor (M. Desbrun
et al., Implicit fairing of irregular meshes, 1999, eq. 14). In all of them δ_i = 0 where n_i = 0: at a vertex without
edges, or without area around.

    dδ_i = [sum_j w_ij (dv_j - dv_i) + sum_j dw_ij (v_j - v_i) - δ_i dn_i] / n_i

Cotangents.  With u and w the two sides that leave a corner, m = u × w and n = m / |m|,

    cot = u·w / |m|,    d cot = [w·du + u·dw - cot (w × n · du + n × u · dw)] / |m|

A face without area has no angles: its cotangents are 0, and so is their derivative.
"""
import numpy as np
import scipy.sparse as sp

from .. import ch
from ..ch import Ch, depends_on
from ..ch.linear_maps import SparseMap
from ..geometry import TriArea
from ..geometry.rows import OnCoordinates, RowLengths
from ..geometry.triangles import OnFaces, corner_map
from ..inputs import input_points, input_value, total_derivative
from ..topology import get_vertices_per_edge
from .meshes import AsConstant, CombinedPoints, checked_mesh, checked_vertices
from .robust import smooth_norm_residuals

__all__ = ["Cotangents", "bilaplacian_residuals", "laplacian_loss", "laplacian_residuals", "mesh_laplacian_smoothing",
           "mesh_laplacian_smoothing_residuals"]

_WEIGHTS = ("uniform", "cot", "cotcurv")
_NO_AREA = 1e-14  # of a triangle, relative to the squares of its sides: below, rounding has eaten its normal


# ---------------------------------------------------------------------- nodes

class Cotangents(OnFaces):
    """The cotangents (F, 3) of the angles at the corners of the faces."""

    @depends_on("v", "f")
    def _corners(self):
        """Sides u, w that leave each corner, unit normal, 1 / |u × w| (0 for no area), cotangent."""
        v, f = self._mesh
        corners = v.take(f, axis=0)
        u, w = np.roll(corners, -1, axis=1) - corners, np.roll(corners, -2, axis=1) - corners
        normal = np.cross(u, w)
        doubled_area = np.linalg.norm(normal, axis=2)
        smallest = _NO_AREA * np.sum(u * u, axis=(1, 2))[:, None]
        inverse = np.divide(1.0, doubled_area, where=doubled_area > smallest, out=np.zeros_like(doubled_area))
        return u, w, normal * inverse[..., None], inverse, np.sum(u * w, axis=2) * inverse

    def compute_r(self):
        return self._corners[4]

    def compute_dr_wrt(self, wrt):
        if wrt is not self.v:
            return None
        u, w, normal, inverse, cotangent = self._corners
        by_u = (w - cotangent[..., None] * np.cross(w, normal)) * inverse[..., None]
        by_w = (u - cotangent[..., None] * np.cross(normal, u)) * inverse[..., None]
        blocks = np.zeros((len(u), 3, 3, 3))
        for corner in range(3):
            blocks[:, corner, corner] = -by_u[:, corner] - by_w[:, corner]
            blocks[:, corner, (corner + 1) % 3] = by_u[:, corner]
            blocks[:, corner, (corner + 2) % 3] = by_w[:, corner]
        v, f = self._mesh
        return corner_map(blocks.reshape(len(f), 3, 9), f, len(v))


class WeightedDifferences(Ch):
    """δ (V, 3) of the module's formula.

    Parameters
    ----------
    v : (V, 3)
    w : (F, 3)
        What each corner of a face adds to w_ij of the opposite side.
    n : (V,)
        Not negative.
    f : integer array (F, 3)
    """

    terms = "f"
    dterms = "v", "w", "n"
    term_order = "v", "w", "n", "f"

    @depends_on("n")
    def _inverse(self):
        n = input_value(self, "n")
        return np.divide(1.0, n, where=n > 0, out=np.zeros_like(n))

    @depends_on("w", "n", "f")
    def _operator(self):
        """The matrix (V, V) that takes v to δ."""
        w = input_value(self, "w")
        i, j = (np.roll(self.f, -step, axis=1).ravel() for step in (1, 2))
        w_ij = sp.csr_matrix((np.tile(w.ravel(), 2), (np.r_[i, j], np.r_[j, i])), shape=2 * self._inverse.shape)
        return sp.csr_matrix(sp.diags(self._inverse) @ (w_ij - sp.diags(np.asarray(w_ij.sum(axis=1)).ravel())))

    def compute_r(self):
        return self._operator @ input_points(self, "v")

    def compute_dr_wrt(self, wrt):
        return total_derivative(self, wrt, v=lambda: OnCoordinates(self._operator), w=self._by_w, n=self._by_n)

    def _by_w(self):
        v, inverse = input_points(self, "v"), self._inverse
        i, j = (np.roll(self.f, -step, axis=1).ravel() for step in (1, 2))
        difference = v[j] - v[i]
        entries = np.concatenate((difference * inverse[i, None], -difference * inverse[j, None]))
        corner = np.tile(np.arange(self.f.size), 2)
        rows = 3 * np.r_[i, j][:, None] + np.arange(3)
        return SparseMap(sp.csr_matrix((entries.ravel(), (rows.ravel(), np.repeat(corner, 3))),
                                       shape=(v.size, self.f.size)))

    def _by_n(self):
        entries = -self.r * self._inverse[:, None]
        num_verts = len(entries)
        return SparseMap(sp.csr_matrix((entries.ravel(), np.repeat(np.arange(num_verts), 3),
                                        np.arange(3 * num_verts + 1)), shape=(3 * num_verts, num_verts)))


def _laplacian(v, f, weights, weights_at):
    """The function that takes a node of points (V, 3) to their differential coordinates."""
    _check_weights(weights, "weights")
    if weights == "uniform":
        umbrella = OnCoordinates(_umbrella(len(v), f))
        return lambda points: CombinedPoints(points, umbrella)
    if weights_at is not None:
        shape = v.shape
        v = AsConstant(checked_vertices(weights_at, "weights_at"))
        if v.r.shape != shape:
            raise ValueError(f"weights_at must have a row for each vertex, shape {shape}; got {v.r.shape}")
    w = Cotangents(v, f)
    if weights == "cot":
        opposite = [np.roll(f, -step, axis=1).ravel() for step in (1, 2)]
        n = ch.MatVecMult(_sums(np.concatenate(opposite), np.tile(np.arange(f.size), 2), len(v)), w.ravel())
    else:
        n = ch.MatVecMult(4.0 * _sums(f.ravel(), np.repeat(np.arange(len(f)), 3), len(v)), TriArea(v, f))
    return lambda points: WeightedDifferences(points, w, n, f)


def _check_weights(weights, name):
    if weights not in _WEIGHTS:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, _WEIGHTS))}; got {weights!r}")


def _umbrella(num_verts, f):
    """The matrix of 'uniform' weights."""
    i, j = get_vertices_per_edge(num_verts, f).T
    joined = sp.csr_matrix((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), shape=(num_verts, num_verts))
    valence = np.asarray(joined.sum(axis=1)).ravel()
    return sp.csr_matrix(sp.diags(1.0 / np.maximum(valence, 1.0)) @ joined - sp.diags((valence > 0).astype(float)))


def _sums(rows, columns, num_rows):
    return sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(num_rows, columns.max() + 1))


# ---------------------------------------------------------------------- losses

def laplacian_residuals(v, f, weights="uniform", weights_at=None):
    """The differential coordinates δ (V, 3), 0 where a vertex is at the weighted mean of its neighbours.

    Parameters
    ----------
    v : (V, 3)
        To keep the shape of a mesh v0 rather than to smooth it, `v - v0` with `weights_at=v0`.
    f : integer array (F, 3)
    weights : {'uniform', 'cot', 'cotcurv'}
        See the module `losses.laplacian`.
    weights_at : array_like (V, 3) or Ch, optional
        The vertices that 'cot' and 'cotcurv' take their weights from. To derivatives these weights are constants,
        so with a `weights_at` that stays the residual is linear, and with `weights_at=v` the derivative is
        PyTorch3D's. By default they are those of `v`, and so is their derivative.

    Returns
    -------
    Ch (V, 3)
        Its Jacobian has a block for each vertex and neighbour. At a vertex without edges it is 0.

    Raises
    ------
    ValueError, TypeError
        For a mesh without faces, indices out of range, wrong shapes, unknown weights.
    """
    v, f = checked_mesh(v, f)
    return _laplacian(v, f, weights, weights_at)(v)


def bilaplacian_residuals(v, f, weights="uniform", weights_at=None):
    """The differential coordinates (V, 3) of the differential coordinates: thin plates instead of membranes.

    Parameters and errors as for `laplacian_residuals`.
    """
    v, f = checked_mesh(v, f)
    laplacian = _laplacian(v, f, weights, weights_at)
    return laplacian(laplacian(v))


def laplacian_loss(v, f):
    """The sum of |δ_i|² with uniform weights, one number: the `LaplacianLoss` of Soft Rasterizer.

    As residuals: `laplacian_residuals`.
    """
    return ch.SumOfSquares(laplacian_residuals(v, f))


def mesh_laplacian_smoothing(v, f, method="uniform", exact=False):
    """The mean of |δ_i|, one number, under PyTorch3D's name.

    Parameters
    ----------
    v : (V, 3)
    f : integer array (F, 3)
    method : {'uniform', 'cot', 'cotcurv'}
        The weights, see the module `losses.laplacian`.
    exact : bool
        False: the derivative takes the weights as constants, as PyTorch3D does. True: it is that of the value.
        No difference with 'uniform'.

    Notes
    -----
    Unlike PyTorch3D, which pulls vertices without edges to the origin, they count 0 here; and faces with an area
    below 1e-6 are like all others.
    """
    return ch.mean(RowLengths(_smoothing_rows(*checked_mesh(v, f), method, exact)))


def mesh_laplacian_smoothing_residuals(v, f, method="uniform", exact=False, smoothing=1e-3):
    """Residuals (V, 3) whose sum of squares is `mesh_laplacian_smoothing`, but smooth: the mean of √(|δ|² + s²) - s.

    Parameters
    ----------
    v, f, method, exact
        As for `mesh_laplacian_smoothing`.
    smoothing : float
        s, positive, in units of δ: below it |δ| counts quadratically.
    """
    rows = _smoothing_rows(*checked_mesh(v, f), method, exact)
    return smooth_norm_residuals(rows, smoothing, row_length=3) / np.sqrt(len(rows))


def _smoothing_rows(v, f, method, exact):
    _check_weights(method, "method")
    return laplacian_residuals(v, f, method, None if exact else v)
