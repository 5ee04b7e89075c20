"""Differentiable arrays in chumpy's vocabulary, used like NumPy's.

    from opendr_lite import ch

    x = ch.array([1.0, 2.0, 3.0])        # a free variable
    y = ch.sum(x ** 2) * ch.sin(x)       # a node: computed when asked, and again after x changes
    y.r                                  # its value
    y.dr_wrt(x)                          # its Jacobian, a sparse matrix

Functions have NumPy's names and arguments (in chumpy's spelling where that differs); NumPy's own functions,
given nodes, are these. All values are float64, but for truth values.
"""
# ruff: noqa: F401, F403
import numpy as _np
from numpy import e, inf, nan, newaxis, pi, set_printoptions, testing

from . import extras, linalg, operators, random
from .batch import Batch
from .checking import JacobianCheck, check_jacobian
from .creation import *
from .elementwise import *
from .linalg import norm
from .linear_maps import LinearMap
from .logic import *
from .node import Ch, ChLambda, Term, as_node, depends_on
from .optimization import FitResult, minimize
from .products import *
from .queries import *
from .reductions import *
from .shaping import *

operators.install(globals(), linalg)


def __getattr__(name):
    if not name.startswith("_") and hasattr(_np, name):
        raise AttributeError(f"ch has no {name!r}; np.{name} of a node's value, node.r, gives the value "
                             "alone, without a derivative")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
