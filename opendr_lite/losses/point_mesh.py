"""How far points are from the faces, or from the edges, of a mesh.

q = sum_k b_k v_k is the point of a triangle that is closest to p, with b_k > 0 for the corners that have a part in it:
all three inside, two on a side, one at a corner. The residual is w = p - q. It is perpendicular to what those corners
span, and with g_k the gradients of the b_k along it (0 for the other corners),

    g_k = n × e_k / |n|²  inside,    ± e / |e|²  on a side e,    0 at a corner
    T = sum_k g_k v_kᵀ,              the projection onto the span
    dw = (I - T) (dp - sum_k b_k dv_k) - sum_k g_k (w · dv_k)

which follows from differentiating w ⟂ v_k - v_0. As g_k is perpendicular to w, the square of the distance has

    d|w|² = 2 w · (dp - sum_k b_k dv_k)

Points look for the closest simplex of the mesh, and simplices for the closest point. The choice is a constant to
derivatives, as it is but for ties.
"""
import numpy as np
import scipy.sparse as sp

from .. import ch
from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal
from ..geometry.rows import OnCoordinates
from ..geometry.triangles import corner_map
from ..inputs import input_points, total_derivative
from ..kernels.cpu.closest import closest_points, closest_simplices
from ..topology import get_vertices_per_edge
from .meshes import checked_mesh, checked_vertices

__all__ = ["point_mesh_edge_distance", "point_mesh_edge_residuals", "point_mesh_face_distance",
           "point_mesh_face_residuals"]


class Offsets(Ch):
    """w (N, 3) for pairs of a point and a simplex.

    Parameters
    ----------
    points : (P, 3)
    v : (V, 3)
    simplices : int array (S, 3)
        Vertices of triangles, or of edges, the second twice.
    least_area : float
        Triangles with a smaller area count as no more than their sides.
    """

    terms = "simplices", "least_area"
    dterms = "points", "v"
    term_order = "points", "v", "simplices", "least_area"

    def _pairs(self, points, corners):
        """The point and the simplex of each pair, and the barycentric coordinates b (N, 3)."""
        raise NotImplementedError

    @depends_on("points", "v", "simplices", "least_area")
    def _closest(self):
        """Which point, which corners (N, 3), where these are, b and w."""
        points, v = input_points(self, "points"), input_points(self, "v")
        point, simplex, b = self._pairs(points, v[self.simplices])
        corners = self.simplices[simplex]
        positions = v[corners]
        return point, corners, positions, b, points[point] - np.einsum("nk,nkx->nx", b, positions)

    def compute_r(self):
        return self._closest[4]

    def compute_dr_wrt(self, wrt):
        return total_derivative(self, wrt, points=self._by_points, v=self._by_v)

    @depends_on("points", "v", "simplices", "least_area")
    def _across(self):
        """g (N, 3, 3) and I - T."""
        _, _, positions, b, _ = self._closest
        g = _gradients_of_weights(positions, b)
        return g, np.eye(3) - np.einsum("nkx,nky->nxy", g, positions - positions[:, :1])

    def _by_points(self):
        point = self._closest[0]
        chosen = sp.csr_matrix((np.ones(len(point)), (np.arange(len(point)), point)),
                               shape=(len(point), self.points.size // 3))
        return BlockDiagonal(self._across[1]) @ OnCoordinates(chosen)

    def _by_v(self):
        _, corners, _, b, w = self._closest
        g, across = self._across
        blocks = -b[:, None, :, None] * across[:, :, None, :] - np.einsum("nkx,ny->nxky", g, w)
        return corner_map(blocks.reshape(-1, 3, 9), corners, self.v.size // 3)


def _gradients_of_weights(positions, b):
    """g of the module's formula."""
    used = b > 0
    g = np.zeros(positions.shape)
    inside = used.all(axis=1)
    corners = positions[inside]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.einsum("nx,nx->n", normal, normal)[:, None]
    g[inside] = np.cross(normal[:, None], np.roll(corners, -2, axis=1) - np.roll(corners, -1, axis=1))
    side = np.flatnonzero(used.sum(axis=1) == 2)
    first, second = np.argmax(used[side], axis=1), 2 - np.argmax(used[side, ::-1], axis=1)
    along = positions[side, second] - positions[side, first]
    along /= np.einsum("nx,nx->n", along, along)[:, None]
    g[side, first], g[side, second] = -along, along
    return g


class PointsToSimplices(Offsets):
    """w (P, 3) of each point from the simplex closest to it."""

    def _pairs(self, points, corners):
        simplex, b = closest_simplices(points, corners, self.least_area)
        return np.arange(len(points)), simplex, b


class SimplicesToPoints(Offsets):
    """w (S, 3) of each simplex, from the point closest to it."""

    def _pairs(self, points, corners):
        point, b = closest_points(points, corners, self.least_area)
        return point, np.arange(len(corners)), b


def _both_ways(v, simplices, points, least_area, single_directional):
    points = checked_vertices(points, "points")
    if not 0 <= least_area < np.inf:
        raise ValueError(f"min_triangle_area must be a finite number and not negative; got {least_area!r}")
    ways = [PointsToSimplices(points, v, simplices, least_area) / np.sqrt(len(points))]
    if not single_directional:
        ways.append(SimplicesToPoints(points, v, simplices, least_area) / np.sqrt(len(simplices)))
    return ways[0] if single_directional else ch.concatenate(ways)


def point_mesh_face_residuals(v, f, points, min_triangle_area=0.0, single_directional=False):
    """Residuals (P + F, 3), or (P, 3), whose sum of squares is `point_mesh_face_distance`.

    Of each point its offset from the closest face, over √P; then of each face that from the closest point, over √F.
    Parameters as for `point_mesh_face_distance`.
    """
    v, f = checked_mesh(v, f)
    return _both_ways(v, f, points, min_triangle_area, single_directional)


def point_mesh_face_distance(v, f, points, min_triangle_area=0.0, single_directional=False):
    """The mean square distance of points from the mesh, plus that of faces from the points, under PyTorch3D's name.

    Parameters
    ----------
    v : Ch or array_like (V, 3)
    f : integer array (F, 3)
    points : Ch or array_like (P, 3)
    min_triangle_area : float
        Faces with a smaller area count as no more than their sides. PyTorch3D's default is 5e-3, which on a mesh with
        finer faces gives distances from its edges; here it is 0, which gives those from its faces.
    single_directional : bool
        True: only from the points to the mesh.

    Returns
    -------
    Ch
        One number.

    Raises
    ------
    ValueError, TypeError
        For a mesh without faces, no points, wrong shapes, indices out of range, values that are not finite.
    """
    return ch.SumOfSquares(point_mesh_face_residuals(v, f, points, min_triangle_area, single_directional))


def point_mesh_edge_residuals(v, f, points, single_directional=False):
    """Residuals (P + E, 3), or (P, 3), whose sum of squares is `point_mesh_edge_distance`.

    Of each point its offset from the closest edge, over √P; then of each edge that from the closest point, over √E.
    Parameters as for `point_mesh_edge_distance`.
    """
    v, f = checked_mesh(v, f)
    edges = get_vertices_per_edge(len(v), f).astype(np.int64)
    if not len(edges):
        raise ValueError("f has no edges: each of its faces is a single vertex")
    return _both_ways(v, edges[:, [0, 1, 1]], points, 0.0, single_directional)


def point_mesh_edge_distance(v, f, points, single_directional=False):
    """The mean square distance of points from the edges of a mesh, plus that of edges from the points, as in PyTorch3D.

    Parameters as for `point_mesh_face_distance`.
    """
    return ch.SumOfSquares(point_mesh_edge_residuals(v, f, points, single_directional))
