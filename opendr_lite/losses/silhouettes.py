"""How well two silhouettes cover each other.

    IoU = I / U,    I = sum a b,    U = sum (a + b - a b)
    d IoU = sum [b - IoU (1 - b)] da / U,   and the same with a and b exchanged

Two silhouettes that are both empty have the IoU 1.

For binary silhouettes U - I = sum (a - b)², so that 1 - IoU is a sum of squares, but for the change of U. With the area
sum b of the observed silhouette in the place of U, it is one: near the optimum they agree to first order. Where borders
are soft they do not: sum (a - b)² is least for a = b, 1 - IoU is not, as a (1 - a) + b (1 - b) adds to it.
"""
import numpy as np

from .. import ch
from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal
from ..inputs import input_value, total_derivative

__all__ = ["silhouette_iou_loss", "silhouette_residuals"]

_ROUNDING = 1e-6  # by how much a silhouette may leave [0, 1]


class IntersectionOverUnion(Ch):
    """The IoU (N,) of each row of a with that of b, both (N, P)."""

    dterms = "a", "b"

    @depends_on("a", "b")
    def _areas(self):
        """a, b, and as columns U (1 where it is 0) and IoU."""
        a, b = input_value(self, "a"), input_value(self, "b")
        intersection = np.einsum("ij,ij->i", a, b)[:, None]
        union = (a.sum(axis=1) + b.sum(axis=1))[:, None] - intersection
        empty = union <= 0
        return a, b, np.where(empty, 1.0, union), np.where(empty, 1.0, intersection / np.where(empty, 1.0, union))

    def compute_r(self):
        return self._areas[3].ravel()

    def compute_dr_wrt(self, wrt):
        a, b, union, iou = self._areas
        return total_derivative(self, wrt, a=lambda: _by_one(b, union, iou), b=lambda: _by_one(a, union, iou))


def _by_one(other, union, iou):
    return BlockDiagonal(((other - iou * (1.0 - other)) / union)[:, None, :])


def silhouette_iou_loss(a, b, per_view=False):
    """1 - IoU of two silhouettes.

    Parameters
    ----------
    a, b : Ch or array_like
        Of the same shape, with values in [0, 1].
    per_view : bool
        False: one number for all pixels. True: the first axis counts views, and each has its own; Soft Rasterizer's
        loss is their mean.

    Returns
    -------
    Ch
        A number, or (N,).
    """
    a, b = _checked_pair(a, b, per_view)
    if per_view:
        return 1.0 - IntersectionOverUnion(a.reshape(len(a), -1), b.reshape(len(b), -1))
    return 1.0 - IntersectionOverUnion(a.reshape(1, -1), b.reshape(1, -1))[0]


def silhouette_residuals(a, b, per_view=False):
    """a - b over the root of the area of b: residuals whose sum of squares is 1 - IoU near the optimum.

    Parameters
    ----------
    a : Ch
        Rendered, with values in [0, 1].
    b : array_like
        Observed, of the same shape; a constant.
    per_view : bool
        Whether the first axis counts views, each of which is divided by its own area.

    Returns
    -------
    Ch
        In the shape of a. An area below one pixel counts as one.
    """
    a, b = _checked_pair(a, b, per_view)
    observed = b.r
    area = observed.sum(axis=tuple(range(1 if per_view else 0, observed.ndim)), keepdims=True)
    return (a - observed) * (1.0 / np.sqrt(np.maximum(area, 1.0)))


def _checked_pair(a, b, per_view):
    a, b = ch.as_node(a), ch.as_node(b)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"a and b must be silhouettes of the same shape and not empty; got {a.shape} and {b.shape}")
    if per_view and a.ndim < 2:
        raise ValueError(f"per_view needs silhouettes with views along the first axis and pixels along others; got "
                         f"shape {a.shape}")
    for name, value in (("a", a.r), ("b", b.r)):
        if not (value.min() >= -_ROUNDING and value.max() <= 1.0 + _ROUNDING):
            raise ValueError(f"{name} must be a silhouette, with values in [0, 1]; it has {value.min():g} to "
                             f"{value.max():g}")
    return a, b
