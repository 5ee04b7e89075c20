"""Columns of the Jacobian of a batch: those of its parts, one below the other, of which only a few exist at a time.

With r the residuals of the parts i, one after the other, and J_i their Jacobians,

    A = sum_i J_iᵀ W_i J_i        g = sum_i J_iᵀ W_i r_i

so that J_i is made, used and let go. The parts are summed in groups, side by side in threads, and the groups in order:
how they are cut depends on their number alone, and so do the bits of the sums.
"""
from functools import reduce
from operator import add

import numpy as np
import scipy.sparse as sp

from ..threads import in_parallel, split
from .linear_maps import Diagonal, as_csr
from .linear_solvers.normal_equations import DenseBlocks, gram_is_cheap, sparse_gram
from .tangents import FormedTangent, Tangent, as_slice

__all__ = ["BatchTangent", "dense_normal_equations", "groups", "stacked"]

_MOST_GROUPS = 16  # whose sums are kept at a time


def groups(count):
    """Spans (start, stop) of so many parts that are summed one after the other."""
    return split(count, most=_MOST_GROUPS)


def stacked(parts, shape):
    """Rows of a matrix, or of a vector, that are given by parts.

    Parameters
    ----------
    parts : list of (slice, array or sparse matrix or LinearMap or None)
        Where the rows are. None: they are zero, as are others.
    shape : tuple
    """
    given = [(rows, part) for rows, part in parts if part is not None]
    if all(isinstance(part, np.ndarray) for _, part in given):
        result = np.zeros(shape)
        for rows, part in given:
            result[rows] = part
        return result
    blocks, end = [], 0
    for rows, part in sorted(given, key=lambda entry: entry[0].start):
        blocks += [sp.csr_matrix((rows.start - end, shape[1])), as_csr(part)]
        end = rows.stop
    return sp.vstack([*blocks, sp.csr_matrix((shape[0] - end, shape[1]))], format="csr")


class BatchTangent(Tangent):
    """Tangents of the parts of a batch, each made when it is asked for, for as long as the graph stays where it is.

    Parameters
    ----------
    parts : list of (slice, branch)
        Rows, and what makes them: `branch.tangent()` is a Tangent or None, `branch.forget()` lets go of what it took.
    shape : (int, int)
    factor : Diagonal, optional
    """

    def __init__(self, parts, shape, factor=None):
        self.parts, self.factor = parts, factor
        super().__init__(shape)

    def _tangent(self, rows, branch):
        """That of one part, or None."""
        tangent = branch.tangent()
        if tangent is None or self.factor is None:
            return tangent
        factor = self.factor.diagonal
        return tangent.scaled(Diagonal(factor if factor.size == 1 else factor[rows], tangent.shape[0]))

    def form(self):
        def of_part(part):
            tangent = self._tangent(*part)
            return part[0], None if tangent is None else tangent.form()

        return stacked(in_parallel(of_part, self.parts), self.shape)

    def scaled(self, diagonal):
        if self.factor is not None:
            diagonal = Diagonal(self.factor.diagonal * diagonal.diagonal, self.shape[0])
        return BatchTangent(self.parts, self.shape, diagonal)

    def normal_equations(self, weights, weighted):
        def of_group(span):
            equations = []
            for rows, branch in self.parts[slice(*span)]:
                tangent = self._tangent(rows, branch)
                if tangent is not None:
                    own_weights = None if weights is None else weights[rows]
                    equations.append(dense_normal_equations(tangent, own_weights, weighted[rows]))
                branch.forget()
            return _total(equations, nothing)

        nothing = np.zeros((self.shape[1], self.shape[1])), np.zeros(self.shape[1])
        return _total(in_parallel(of_group, groups(len(self.parts))), nothing)

    def sparse_normal_equations(self, weights, weighted, at_any_cost):
        """(A, g) with A sparse, for many unknowns; None where that or a J_i would be large, unless `at_any_cost`."""
        def of_group(span):
            equations, jacobians, rows_of_them = [], [], []
            for rows, branch in self.parts[slice(*span)]:
                tangent = self._tangent(rows, branch)
                if tangent is not None and tangent.has_local_gram:
                    own_weights = None if weights is None else weights[rows]
                    equations.append(tangent.normal_equations(own_weights, weighted[rows]))
                elif tangent is not None:
                    jacobian = None if tangent.is_spread and not at_any_cost else as_csr(tangent.form())
                    if jacobian is None or not (at_any_cost or gram_is_cheap(jacobian)):
                        return None
                    jacobians.append(jacobian)
                    rows_of_them.append(np.arange(rows.start, rows.stop))
                branch.forget()
            if jacobians:
                jacobian, rows = sp.vstack(jacobians, format="csr"), np.concatenate(rows_of_them)
                equations.append((sparse_gram(jacobian, None if weights is None else weights[rows]),
                                  jacobian.T @ weighted[rows]))
            return _total(equations, nothing)

        nothing = sp.csr_matrix((self.shape[1], self.shape[1])), np.zeros(self.shape[1])
        found = in_parallel(of_group, groups(len(self.parts)))
        return None if None in found else _total(found, nothing)


def dense_normal_equations(tangent, weights, weighted):
    """(A, g) of any tangent, A an array."""
    if isinstance(tangent, FormedTangent):
        blocks = [(0, as_slice(columns), matrix) for columns, matrix in tangent.blocks]
        return DenseBlocks(blocks, tangent.shape).normal_equations(weights, weighted)
    return tangent.normal_equations(weights, weighted)


def _total(equations, nothing):
    """The sum of pairs (A, g)."""
    return tuple(reduce(add, parts) for parts in zip(*equations)) if equations else nothing
