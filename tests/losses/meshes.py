"""Meshes to judge."""
import numpy as np

from opendr_lite.ch import Ch
from tests.reference.scene import bumpy_sphere

# A square of two faces and a third one that stands on a side of it; vertex 5 is in no face.
FOLDED = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0.5, 0.7], [3, 3, 3]])
FOLDED_FACES = np.array([[0, 1, 2], [0, 2, 3], [1, 4, 2]])


def closed():
    v, f = bumpy_sphere(20, seed=4)
    return Ch(v), f


def bordered():
    """With borders, a face that is wound the other way, an edge with three faces, and a vertex without any."""
    v, f = bumpy_sphere(20, seed=5)
    f = f[3:]
    f[0] = f[0, ::-1]
    v = np.concatenate((v, [[2.0, 0, 0], [0, 3, 0]]))
    return Ch(v), np.concatenate((f, [[f[5, 0], f[5, 1], 20]]))


MESHES = {"closed": closed, "bordered": bordered}
