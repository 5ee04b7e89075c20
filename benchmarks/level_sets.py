"""Closed meshes of what is given by a function in space that is negative inside."""
import numpy as np

__all__ = ["blend", "capsule", "ellipsoid", "level_set", "ring"]

STEP = 1e-5     # of the differences that find the gradient
CORRECTIONS = 3  # of the vertices, toward the surface


def level_set(field, low, high, spacing):
    """The surface where a field is zero, by surface nets (Gibson, 1998).

    Each cell of a grid that the surface passes has a vertex, each side of the grid that it crosses a quadrilateral.
    Parts of the surface have to be farther apart than a cell, and it must not reach the outermost cells.

    Parameters
    ----------
    field : callable
        From points (N, 3) to (N,).
    low, high : (3,)
        Corners of the grid.
    spacing : float

    Returns
    -------
    v : (V, 3) float64
    f : (F, 3) int32
        Counter-clockwise, seen from where the field is positive.
    """
    axes = [np.arange(start, end, spacing) for start, end in zip(low, high)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = field(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    total, count, quads = np.zeros(grid.shape), np.zeros(grid.shape[:3]), []
    for axis in range(3):
        here, beyond = (np.take(values, range(start, values.shape[axis] - 1 + start), axis) for start in (0, 1))
        place = np.stack(np.nonzero((here < 0) != (beyond < 0)), axis=1)
        here, beyond = here[tuple(place.T)], beyond[tuple(place.T)]
        point = grid[tuple(place.T)]
        point[:, axis] += spacing * here / (here - beyond)
        around = np.zeros((4, 3), int)  # counter-clockwise, seen from the far end of the axis
        around[:, (axis + 1) % 3], around[:, (axis + 2) % 3] = [-1, 0, 0, -1], [-1, -1, 0, 0]
        cells = place[:, None] + np.where((here < 0)[:, None, None], around, around[::-1])
        np.add.at(total, tuple(np.moveaxis(cells, 2, 0)), point[:, None])
        np.add.at(count, tuple(np.moveaxis(cells, 2, 0)), 1)
        quads.append(np.ravel_multi_index(tuple(np.moveaxis(cells, 2, 0)), count.shape))
    used = count > 0
    number = np.cumsum(used.ravel()) - 1
    v = _onto(field, total[used] / count[used][:, None])
    return v, _halved(v, number[np.concatenate(quads)])


def _halved(v, quads):
    """Each quadrilateral cut along its shorter diagonal."""
    across, other = (np.linalg.norm(v[quads[:, i]] - v[quads[:, i + 2]], axis=1) for i in (0, 1))
    quads = np.where((across <= other)[:, None], quads, np.roll(quads, -1, axis=1))
    return quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)


def _onto(field, v):
    for _ in range(CORRECTIONS):
        slope = np.stack([field(v + step) - field(v - step) for step in STEP * np.eye(3)], axis=1) / (2 * STEP)
        v = v - (field(v) / (slope ** 2).sum(axis=1))[:, None] * slope
    return v


# ---------------------------------------------------------------------- distances of points (N, 3), as good as needed


def capsule(points, start, end, radius, end_radius=None):
    """A stick with round ends, thinner or thicker toward the end."""
    start, along = np.asarray(start), np.subtract(end, start)
    share = np.clip((points - start) @ along / (along @ along), 0.0, 1.0)
    thickness = radius if end_radius is None else radius + (end_radius - radius) * share
    return np.linalg.norm(points - start - share[:, None] * along, axis=1) - thickness


def ellipsoid(points, centre, radii):
    return (np.linalg.norm((points - centre) / radii, axis=1) - 1.0) * np.min(radii)


def ring(points, centre, radius, thickness):
    """A torus that stands in the plane of x and y."""
    x, y, z = (points - centre).T
    return np.hypot(np.hypot(x, y) - radius, z) - thickness


def blend(parts, width):
    """The union of parts, rounded where they meet: a soft minimum."""
    return -width * np.logaddexp.reduce(np.stack(parts) / -width, axis=0)
