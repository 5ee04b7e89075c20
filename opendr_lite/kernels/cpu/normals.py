"""Normals of faces, and sums around vertices; the formulas are derived in `opendr_lite.geometry`."""
import numpy as np

from ...threads import run_bands, split
from ..jit import kernel, read_only

ROWS_PER_BAND = 16384


def face_normals(v, f):
    """(p1 - p0) × (p2 - p0) of the corners of each face.

    Parameters
    ----------
    v : (V, 3) float64
    f : (F, 3) int64

    Returns
    -------
    (F, 3) float64
    """
    normals = np.empty((len(f), 3))
    run_bands(_face_normals, split(len(f), ROWS_PER_BAND), read_only(np.ascontiguousarray(v)), f, normals)
    return normals


def sums_of_rows(matrix, rows):
    """`matrix @ rows`.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix (N, M)
        With indices of int32.
    rows : (M, 3) float64

    Returns
    -------
    (N, 3) float64
    """
    sums = np.empty((matrix.shape[0], 3))
    run_bands(_sums_of_rows, split(len(sums), ROWS_PER_BAND), matrix.indptr, matrix.indices, matrix.data, rows, sums)
    return sums


@kernel
def _face_normals(start, stop, v, f, normals):
    for t in range(start, stop):
        a, b, c = f[t, 0], f[t, 1], f[t, 2]
        bx, by, bz = v[b, 0] - v[a, 0], v[b, 1] - v[a, 1], v[b, 2] - v[a, 2]
        cx, cy, cz = v[c, 0] - v[a, 0], v[c, 1] - v[a, 1], v[c, 2] - v[a, 2]
        normals[t, 0] = by * cz - bz * cy
        normals[t, 1] = bz * cx - bx * cz
        normals[t, 2] = bx * cy - by * cx


@kernel
def _sums_of_rows(start, stop, indptr, indices, data, rows, sums):
    for n in range(start, stop):
        x = y = z = 0.0
        for k in range(indptr[n], indptr[n + 1]):
            weight, m = data[k], indices[k]
            x += weight * rows[m, 0]
            y += weight * rows[m, 1]
            z += weight * rows[m, 2]
        sums[n, 0], sums[n, 1], sums[n, 2] = x, y, z
