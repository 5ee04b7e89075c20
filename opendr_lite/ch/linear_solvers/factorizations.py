"""Sparse factorizations of a symmetric positive definite matrix, behind one face.

Each takes a csc_matrix with a diagonal of ones and returns a function that solves for one or several right-hand sides.

    splu       SciPy's SuperLU, always there
    cholmod    CHOLMOD by scikit-sparse, an optional extra
    cholespy   CHOLMOD by cholespy, an optional extra that brings its own
"""
from importlib import import_module

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import splu as superlu

__all__ = ["FACTORIZATIONS", "rounding"]


def rounding(n):
    """Below this, relative to the largest, an eigenvalue or pivot of an n-by-n matrix is rounding."""
    return 16.0 * np.sqrt(n) * np.finfo(np.float64).eps


def _singular():
    return scipy.linalg.LinAlgError("singular to working precision")


def splu(matrix):
    # Minimum degree breaks ties by the order that it finds. On a subdivided mesh, where most vertices are alike, one that
    # goes over the surface leaves much less to be filled in.
    order = reverse_cuthill_mckee(sp.csr_matrix(matrix), symmetric_mode=True)
    try:
        factor = superlu(sp.csc_matrix(matrix[order][:, order]), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                         options={"SymmetricMode": True})
    except RuntimeError:  # a pivot is exactly 0
        raise _singular() from None
    if np.abs(factor.U.diagonal()).min() <= rounding(matrix.shape[0]):
        raise _singular()

    def solve(b):
        x = np.empty_like(b)
        x[order] = factor.solve(b[order])
        return x

    return solve


def cholmod(matrix):
    library = _extra("sksparse.cholmod", "cholmod")
    try:
        if hasattr(library, "cho_factor"):  # scikit-sparse from 0.5 on
            solve = library.cho_factor(sp.csc_array(matrix)).solve
        else:
            solve = library.cholesky(matrix)
    except library.CholmodNotPositiveDefiniteError:
        raise _singular() from None
    return _checked(solve, matrix.shape[0])


def cholespy(matrix):
    library = _extra("cholespy", "cholespy")
    try:
        solver = library.CholeskySolverD(matrix.shape[0], matrix.indptr.astype(np.int32),
                                         matrix.indices.astype(np.int32), matrix.data, library.MatrixType.CSC)
    except ValueError:  # "Matrix is not positive definite!"
        raise _singular() from None

    def solve(b):
        x = np.empty_like(b)
        solver.solve(np.ascontiguousarray(b), x)
        return x

    return _checked(solve, matrix.shape[0])


FACTORIZATIONS = {"splu": splu, "cholmod": cholmod, "cholespy": cholespy}


def _checked(solve, n):
    """The function, unless its matrix is singular: then what it returns for a random vector is huge."""
    if not np.linalg.norm(solve(np.random.default_rng(0).standard_normal(n))) < 1.0 / rounding(n):
        raise _singular()
    return solve


def _extra(module, extra):
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"the factorization {extra!r} needs {module.partition('.')[0]}, which is not installed: "
                          f"pip install opendr-lite[{extra}]") from error
