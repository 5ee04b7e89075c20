"""Values at the points where the near plane cuts edges, such as colours and texture coordinates.

With s the place of such a point on its edge from a to b (see `kernels.clipping`), its value is (1 - s) A + s B, and as
the point stays in the plane,

    ds = -((1 - s) dz_a + s dz_b) / (z_b - z_a)
"""
import numpy as np
import scipy.sparse as sp

from ..ch import Ch
from ..ch.linear_maps import SparseMap
from ..inputs import total_derivative

__all__ = ["ClippedValues", "corners_on_pieces"]


class ClippedValues(Ch):
    """Values (N, K), followed by those of M points on cut edges, (N + M, K).

    Parameters
    ----------
    values : (N, K)
    v_cam : (V, 3)
        Vertices in camera space.
    clipped : ClippedMesh
    edge : (M,) array of int
        Rows of `clipped.new_vertices`.
    ends : (M, 2) array of int
        Rows of `values` at both ends of the edge.
    """

    terms = "clipped", "edge", "ends"
    dterms = "values", "v_cam"
    term_order = "values", "v_cam", "clipped", "edge", "ends"

    def compute_r(self):
        values = self._values
        s = self.clipped.weight[self.edge][:, None]
        a, b = self.ends.T
        return np.concatenate([values, (1.0 - s) * values[a] + s * values[b]])

    @property
    def _values(self):
        return self.values.r.reshape(len(self.values), -1)

    def compute_dr_wrt(self, wrt):
        return total_derivative(self, wrt, values=self._wrt_values, v_cam=self._wrt_v_cam)

    def _wrt_values(self):
        count, channels = self._values.shape
        s, row = self.clipped.weight[self.edge], np.arange(len(self.edge))
        means = sp.csr_matrix((np.concatenate([1.0 - s, s]), (np.tile(row, 2), self.ends.T.ravel())),
                              shape=(len(row), count))
        return SparseMap(sp.kron(sp.vstack([sp.identity(count), means]), sp.identity(channels), format="csr"))

    def _wrt_v_cam(self):
        values, points = self._values, self.v_cam.r.reshape(-1, 3)
        s, (a, b) = self.clipped.weight[self.edge], self.clipped.new_vertices[self.edge].T
        along = -(values[self.ends[:, 1]] - values[self.ends[:, 0]]) / (points[b, 2] - points[a, 2])[:, None]
        rows = values.size + np.arange(along.size).reshape(along.shape)
        data = np.stack([(1.0 - s)[:, None] * along, s[:, None] * along])
        columns = np.stack([np.broadcast_to(3 * end[:, None] + 2, along.shape) for end in (a, b)])
        return SparseMap(sp.csr_matrix((data.ravel(), (np.tile(rows.ravel(), 2), columns.ravel())),
                                       shape=(values.size + along.size, points.size)))


def corners_on_pieces(f, ft, clipped, num_vertices, count):
    """Values of their own at the corners of the faces, such as texture coordinates, on what the near plane leaves.

    Parameters
    ----------
    f, ft : (F, 3) int32
        Corners of the faces: indices of vertices, and of `count` values.
    clipped : ClippedMesh
    num_vertices, count : int

    Returns
    -------
    edge, ends
        Of new values, see `ClippedValues`.
    ft : (F', 3) int32
        Of the pieces: old values, followed by the new ones.
    """
    parent_f, parent_ft = f[clipped.parent], ft[clipped.parent]
    is_new = clipped.faces >= num_vertices
    place = clipped.corner_weights.argmax(axis=2)  # of an old corner in its parent
    pieces = np.take_along_axis(parent_ft, place, axis=1)
    edge = clipped.faces[is_new] - num_vertices
    piece = np.nonzero(is_new)[0]
    at = (parent_f[piece, None, :] == clipped.new_vertices[edge][:, :, None]).argmax(axis=2)
    ends = np.take_along_axis(parent_ft[piece], at, axis=1)
    pieces[is_new] = count + np.arange(len(edge))
    return edge, ends, pieces.astype(np.int32)
