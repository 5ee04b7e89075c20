"""All rows, and which of them are chosen."""
import re

from . import fits, images, jacobians, models

__all__ = ["choose", "row_of"]


def choose(pattern="", quick=False):
    """The rows whose label has the regular expression in it; of these, with `quick`, the quick ones."""
    rows = [row for module in (images, jacobians, fits, models) for row in module.rows()]
    return [row for row in rows if re.search(pattern, row.label) and (row.quick or not quick)]


def row_of(label):
    return next(row for row in choose() if row.label == label)
