"""What losses of meshes share: their input, checked; sums of points; values that are constants to derivatives."""
import numpy as np

from .. import ch
from ..ch import Ch
from ..inputs import input_points
from ..topology import as_faces

__all__ = ["AsConstant", "CombinedPoints", "checked_mesh", "checked_vertices"]


def checked_vertices(v, name="v"):
    """`v` as a node of shape (V, 3)."""
    v = ch.as_node(v)
    if v.size == 0 or v.size % 3 or v.ndim > 2 or v.ndim == 2 and v.shape[1] != 3:
        raise ValueError(f"{name} must have shape (V, 3), a row for each vertex, or be that flattened, and must not "
                         f"be empty; got shape {v.shape}")
    return v if v.ndim == 2 else v.reshape(-1, 3)


def checked_mesh(v, f):
    """Vertices, a node (V, 3), and faces, int64 (F, 3) with F > 0, whose indices are in range."""
    v = checked_vertices(v)
    f = as_faces(f, len(v))
    if not len(f):
        raise ValueError(f"f must have a face: a mesh without any has no shape to be judged; got shape {np.shape(f)}")
    return v, f


class AsConstant(Ch):
    """The value of `of`, whatever it is at present, as a constant: its derivative is taken as 0."""

    terms = "of"
    dterms = ()

    def compute_r(self):
        return self.of.r


class CombinedPoints(Ch):
    """Points (N, 3), each a weighted sum of the points v: dr = dv with the same weights.

    Parameters
    ----------
    v : (V, 3)
    weights : OnCoordinates
        Of a matrix (N, V).
    """

    terms = "weights"
    dterms = "v"
    term_order = "v", "weights"

    def compute_r(self):
        return self.weights.matrix @ input_points(self, "v")

    def compute_dr_wrt(self, wrt):
        if wrt is self.v:
            return self.weights
