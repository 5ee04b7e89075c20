"""Normal equations of an image from moments of its faces, without its Jacobian.

`kernels.cpu.moments` says what moments are. Here they become matrices on the *one-ring* of the mesh: a block for each
vertex, and for each pair of vertices that share a face. With x the unknowns, K_u = du/dx and K_a = da/dx,

    A = Jᵀ W J = K_uᵀ Q_uu K_u + K_uᵀ Q_ua K_a + K_aᵀ Q_au K_u + K_aᵀ Q_aa K_a
    g = Jᵀ W r = K_uᵀ q_u + K_aᵀ q_a

Q and q are the sums over the faces. Where K takes the unknowns of a vertex to that vertex alone (a camera takes its
position to the screen: a 2-by-3 block) the products are taken block by block.
"""
from collections import deque
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ..ch.linear_maps import BlockDiagonal, LinearMap
from ..kernels.cpu.moments import (
    CORNER_PRODUCTS,
    gather_moments,
    moments_of_faces,
    number_of_terms,
    transform_blocks,
)

__all__ = ["OneRing", "normal_equations", "one_ring", "supports"]


class OneRing(NamedTuple):
    """Which vertices of a mesh share faces.

    Attributes
    ----------
    faces : (F, 3) int32
    first_pair : (V + 1,) int32
        Pairs (v, u), v <= u, of vertices that share a face, in order; those of v start at first_pair[v].
    first_source : (P + 1,) int32
        Where the sources of each pair start.
    source : int32
        6 face + product, for each time that the pair occurs in a face; see `CORNER_PRODUCTS`.
    indptr, indices : (V + 1,), (entries,) int32
        The pattern of blocks, as of a `bsr_matrix`, sorted.
    pair : (entries,) int32
        The pair of each entry, whichever of its vertices comes first.
    """

    faces: np.ndarray
    first_pair: np.ndarray
    first_source: np.ndarray
    source: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    pair: np.ndarray


def one_ring(faces, num_vertices):
    """The `OneRing` of a mesh; those of the last few meshes are kept."""
    for ring in tuple(_kept):
        if len(ring.first_pair) == num_vertices + 1 and np.array_equal(ring.faces, faces):
            return ring
    ring = _build_ring(np.array(faces), num_vertices)
    _kept.append(ring)
    return ring


_kept = deque(maxlen=4)


def _build_ring(faces, num_vertices):
    first, second = faces[:, :, None], faces[:, None, :]
    source = 6 * np.arange(len(faces), dtype=np.int32)[:, None, None] + CORNER_PRODUCTS
    ascending = first <= second
    key = (first.astype(np.int64) * num_vertices + second)[ascending]
    order = np.argsort(key, kind="stable")
    key, source = key[order], source[ascending][order]
    new = np.flatnonzero(np.diff(key, prepend=-1))
    low, high = np.divmod(key[new], num_vertices)
    pair = np.arange(new.size, dtype=np.int32)
    proper = low < high
    row, column = np.concatenate([low, high[proper]]), np.concatenate([high, low[proper]])
    order = np.argsort(row * num_vertices + column, kind="stable")
    return OneRing(faces, _starts(low, num_vertices), np.append(new, key.size).astype(np.int32), source,
                   _starts(row, num_vertices), column[order].astype(np.int32),
                   np.concatenate([pair, pair[proper]])[order])


def _starts(rows, num_rows):
    """Where each row starts, once entries are ordered by rows."""
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=num_rows))]).astype(np.int32)


def supports(terms):
    """Whether `normal_equations` takes these terms.

    Parameters
    ----------
    terms : list of (LinearMap, K)
    """
    maps = [pixel_map for pixel_map, _ in terms]
    return (0 < len(maps) == len({pixel_map.moves for pixel_map in maps})
            and all(pixel_map.seen is not None and pixel_map.seen.faces.shape[1] == 3 for pixel_map in maps)
            and all(pixel_map.sees_the_same(maps[0]) for pixel_map in maps)
            and all(pixel_map.dimensions == 2 for pixel_map in maps if pixel_map.moves))


def normal_equations(terms, w, wr):
    """A = Jᵀ W J and g = Jᵀ W r of an image.

    Parameters
    ----------
    terms : list of (PixelMotion or PixelInterpolation, K)
        One or both, about the same pixels, see `supports`. K, the derivative of the map's input with respect to the n
        unknowns, is a LinearMap, a sparse matrix or an array, (input, n).
    w : (N, C) array or None
        Weights of the pixels' channels; None for 1.
    wr : (N, C) array
        Weights times residuals.

    Returns
    -------
    A : (n, n) csr_matrix, or ndarray if some K is an array
    g : (n,) float64
    """
    terms = sorted(terms, key=lambda term: not term[0].moves)
    gain = next((pixel_map.gain for pixel_map, _ in terms if pixel_map.moves), None)
    scale = next((pixel_map.scale for pixel_map, _ in terms if not pixel_map.moves), None)
    some, _ = terms[0]
    faces = some.seen.faces
    row_of_face, moments = moments_of_faces(some.seen.face_id, some.weights, len(faces), gain, scale, w, wr)
    ring = one_ring(faces, some.points)
    terms_of_pairs, terms_of_vertices = gather_moments(
        ring, row_of_face, moments, number_of_terms(gain is not None, scale is not None, some.channels)[0])
    blocks = _blocks(terms_of_pairs, some.channels, gain is not None, scale is not None)
    inputs = [_as_input(K, some.points) for _, K in terms]
    A = reduce(add, (_product(ring, blocks[i, i], x, x) for i, x in enumerate(inputs)))
    if len(inputs) == 2:
        across = _product(ring, blocks[0, 1], *inputs)
        A = A + across + across.T
    q = np.split(terms_of_vertices, [2], axis=1) if len(inputs) == 2 else [terms_of_vertices]
    return A, reduce(add, (x.matrix.T @ part.ravel() for x, part in zip(inputs, q)))


def _blocks(terms, channels, moves, coloured):
    """Q of the pairs from its terms: (i, j) -> (P, entries of the i-th input, of the j-th)."""
    blocks = {}
    if moves:
        blocks[0, 0] = terms[:, [0, 1, 1, 2]].reshape(-1, 2, 2)
    if coloured:
        of_channels = terms[:, 3 * moves:].reshape(len(terms), channels, -1)
        own = np.zeros((len(terms), channels, channels))
        own[:, np.arange(channels), np.arange(channels)] = of_channels[:, :, -1]
        blocks[int(moves), int(moves)] = own
        if moves:
            blocks[0, 1] = np.ascontiguousarray(of_channels[:, :, :2].transpose(0, 2, 1))
    return blocks


class _Input(NamedTuple):
    """K, and how it is made of blocks where it is: blocks (V, D, q) at the columns q v of vertex v and a first one."""

    matrix: object
    blocks: np.ndarray = None
    column: int = 0


def _as_input(K, points):
    if isinstance(K, np.ndarray):
        return _Input(K)
    if isinstance(K, BlockDiagonal) and len(K.blocks) == points:
        return _Input(K, K.blocks)
    matrix = sp.csr_matrix(K.to_sparse() if isinstance(K, LinearMap) else K)
    return _Input(matrix, *_find_blocks(matrix, points))


def _find_blocks(matrix, points):
    """(blocks, first column) of a sparse matrix that has one block for each point, else nothing."""
    if not matrix.nnz or not matrix.has_canonical_format:
        return ()
    dimensions = matrix.shape[0] // points
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    first = int(matrix.indices.min())
    entries = -(-(int(matrix.indices.max()) + 1 - first) // points)
    point, entry = np.divmod(matrix.indices - first, entries)
    if first + entries * points > matrix.shape[1] or not np.array_equal(point, row // dimensions):
        return ()
    blocks = np.zeros((points, dimensions, entries))
    blocks[point, row % dimensions, entry] = matrix.data
    return blocks, first


def _product(ring, blocks, left, right):
    """leftᵀ Q right for a symmetric Q, given as blocks of pairs."""
    if left.blocks is None or right.blocks is None:
        shape = left.matrix.shape[0], right.matrix.shape[0]
        Q = sp.bsr_matrix((blocks[ring.pair], ring.indices, ring.indptr), shape=shape).tocsr()
        left, right = (x.matrix.to_sparse() if isinstance(x.matrix, LinearMap) else x.matrix for x in (left, right))
        return _sandwich(left, Q, right)
    product = transform_blocks(ring, blocks, left.blocks, right.blocks)
    product = sp.bsr_matrix((product, ring.indices, ring.indptr)).tocsr()
    n = left.matrix.shape[1]
    indptr = np.full(n + 1, product.indptr[-1])
    indptr[:left.column] = 0
    indptr[left.column:left.column + product.indptr.size] = product.indptr
    return sp.csr_matrix((product.data, product.indices + right.column, indptr), shape=(n, n))


def _sandwich(left, Q, right):
    """leftᵀ Q right, by the rows and entries of Q that are not zero: those of vertices that are seen."""
    Q.eliminate_zeros()
    rows = np.flatnonzero(np.diff(Q.indptr))
    Q = sp.csr_matrix((Q.data, Q.indices, np.append(Q.indptr[rows], Q.nnz)), shape=(rows.size, Q.shape[1]))
    return left[rows].T @ (Q @ right)
