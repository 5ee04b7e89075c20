"""Meshes to judge."""
import numpy as np

from opendr_lite.ch import Ch
from tests.reference.scene import bumpy_sphere

LONELY = 21   # a vertex of `bordered` that is in no face


def closed():
    v, f = bumpy_sphere(20, seed=4)
    return Ch(v), f


def bordered():
    """With borders, a face that is wound the other way, an edge with three faces, and a vertex without any."""
    v, f = bumpy_sphere(20, seed=5)
    f = f[3:]
    f[0] = f[0, ::-1]
    f = np.concatenate((f, [[f[5, 0], f[5, 1], 20]]))
    return Ch(np.concatenate((v, [[2.0, 0, 0], [0, 3, 0]]))), f


def collapsed():
    """With a face whose corners lie on a line, one with two corners at one place, one that uses a vertex twice."""
    v = np.array([[0.0, 0, 0], [1, 0, 0.1], [0, 1, 0], [1, 1, 0.2], [0.5, 0, 0.05], [1, 1, 0.2]])
    return Ch(v), np.array([[0, 1, 2], [1, 3, 2], [0, 4, 1], [3, 5, 2], [2, 2, 3]])


MESHES = {"closed": closed, "bordered": bordered}
