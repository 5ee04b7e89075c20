"""Slow twins of area sampling: a square is cut into slabs between the abscissas at which any two lines meet.

Lines are those under all edges, and those along which two faces are equally near. In a slab none of them cross, so
their order from top to bottom stays, and one face is seen all over each trapezoid between two neighbours.
"""
import numpy as np

HALF = 0.5
COPLANAR = 1e-12
GAUSS = HALF / np.sqrt(3)  # Gauss-Legendre's two points, from the middle of an interval of length 1


def planes(corners):
    """Barycentric coordinates and w of faces with corners (n, 3, 3): x, y, w; as a x + b y + c, (n, 4, 3)."""
    homogeneous = np.concatenate([corners[:, :, :2], np.ones((len(corners), 3, 1))], axis=2)
    barycentric = np.linalg.inv(homogeneous).transpose(0, 2, 1)
    return np.concatenate([barycentric, np.einsum("nk,nkc->nc", corners[:, :, 2], barycentric)[:, None]], axis=1)


def visible_parts(screen, f, column, row, is_affine=False):
    """What is seen of each face in the square of a pixel; z is affine on the screen if the camera is, else 1/z.

    Returns
    -------
    (F, 3) float64
        The area, and the moments along u and v from the centre of the pixel.
    """
    corners = screen[f] - [column, row, 0.0]
    z = screen[f, 2]
    corners[:, :, 2] = 2.0 * z.max() - z if is_affine else 1.0 / z
    plane = planes(corners)
    first, second = np.triu_indices(len(f), 1)
    frame = np.array([[0, 1, HALF], [0, 1, -HALF], [1, 0, HALF], [1, 0, -HALF]])
    lines = np.concatenate([frame, plane[:, :3].reshape(-1, 3), plane[first, 3] - plane[second, 3]])
    lines = lines[np.abs(lines[:, :2]).max(axis=1) > 0]
    lines /= np.hypot(lines[:, 0], lines[:, 1])[:, None]

    x = _abscissas(lines)
    middle, length = 0.5 * (x[1:] + x[:-1]), np.diff(x)
    abscissas = middle + np.multiply.outer([0.0, -GAUSS, GAUSS], length)  # (3, slabs)
    lines = lines[np.abs(lines[:, 1]) > 1e-14]
    y = -(abscissas[:, :, None] * lines[:, 0] + lines[:, 2]) / lines[:, 1]
    y = np.take_along_axis(y, np.broadcast_to(np.argsort(y[0], axis=1), y.shape), axis=2).clip(-HALF, HALF)

    face = _nearest(plane, middle, 0.5 * (y[0, :, 1:] + y[0, :, :-1]))
    heights, of_squares = np.diff(y[1:], axis=2), 0.5 * np.diff(np.square(y[1:]), axis=2)  # (2, slabs, trapezoids)
    integrals = heights, heights * abscissas[1:, :, None], of_squares
    seen = face >= 0
    return np.stack([np.bincount(face[seen], (0.5 * length[:, None] * integral.sum(axis=0))[seen], len(f))
                     for integral in integrals], axis=1)


def _abscissas(lines):
    """Where in the square any two lines meet, ascending, with both ends."""
    first, second = (lines[k] for k in np.triu_indices(len(lines), 1))
    with np.errstate(all="ignore"):
        x = (first[:, 1] * second[:, 2] - second[:, 1] * first[:, 2]) / (
            first[:, 0] * second[:, 1] - second[:, 0] * first[:, 1])
    return np.unique(np.concatenate([[-HALF, HALF], x[np.abs(x) < HALF]]))


def _nearest(plane, x, y):
    """The nearest face at points with x (slabs,), y (slabs, n); -1 where there is none."""
    face, most = np.full(y.shape, -1), np.zeros(y.shape)
    for t, (*barycentric, of_w) in enumerate(plane):
        inside = np.all([a * x[:, None] + b * y + c >= 0 for a, b, c in barycentric], axis=0)
        w = of_w[0] * x[:, None] + of_w[1] * y + of_w[2]
        nearer = inside & (w > most * (1 + COPLANAR))
        face[nearer], most[nearer] = t, w[nearer]
    return face


def average(screen, f, colors, background, width, height, is_affine=False):
    """The image whose pixels are the mean, over each face seen in them, of the colour at its centroid.

    Parameters
    ----------
    colors : (V, C) float64
        Of the vertices; interpolated with perspective unless the camera is affine.
    background : (C,) float64

    Returns
    -------
    (height, width, C) float64
    """
    image = np.empty((height, width, colors.shape[1]))
    low, high = screen[f, :2].min(axis=1), screen[f, :2].max(axis=1)
    for row, column in np.ndindex(height, width):
        near = f[(low <= [column + HALF, row + HALF]).all(axis=1) & (high >= [column - HALF, row - HALF]).all(axis=1)]
        parts = visible_parts(screen, near, column, row, is_affine) if len(near) else np.zeros((0, 3))
        image[row, column] = (1 - parts[:, 0].sum()) * np.asarray(background)
        for corners, (area, moment_u, moment_v) in zip(near, parts):
            if area > 0:
                at = np.array([column + moment_u / area, row + moment_v / area, 1.0])
                flat = np.linalg.solve(np.column_stack([screen[corners, :2], np.ones(3)]).T, at)
                weights = flat if is_affine else flat / screen[corners, 2]
                image[row, column] += area * weights @ colors[corners] / weights.sum()
    return image


def meets(screen, f, column, row):
    """Area of each face in the square of a pixel, (F,), whatever hides it."""
    return np.array([visible_parts(screen, face[None], column, row)[0, 0] for face in f])


def touched(start, end, width, height, margin=0.0):
    """Pixels of which the squares, larger by a margin on each side, a segment touches: (height, width) bool."""
    rows, columns = np.indices((height, width))
    first, last = np.zeros((height, width)), np.ones((height, width))
    for axis, centre in ((0, columns), (1, rows)):
        along = end[axis] - start[axis]
        low, high = centre - HALF - margin - start[axis], centre + HALF + margin - start[axis]
        if along == 0:
            last = np.where((low <= 0) & (high >= 0), last, -1)
        else:
            first = np.maximum(first, np.minimum(low / along, high / along))
            last = np.minimum(last, np.maximum(low / along, high / along))
    return first <= last
