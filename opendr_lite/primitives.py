"""Spheres, boxes, cylinders, tori and other plain shapes, as a `Mesh` around the origin.

The y axis points up, as in `viewpoints` and in most OBJ files; round shapes stand on it. Faces are wound
counterclockwise as seen from outside, and no two vertices lie in one place: where a texture has a seam, `ft` differs
from `f`. Every shape but the plane is closed.

Round shapes are made by turning a curve around the axis. Their texture runs eastward around it, from u = 0 in the back
(-z) through u = ½ in front (+z), and along the curve from its end below (v = 0) to its start above (v = 1), in
proportion to its length. So a map of the Earth with longitude and latitude as its axes fits `uv_sphere`.
"""
from numbers import Integral

import numpy as np

from .serialization.mesh import Mesh
from .topology import midpoint_weights

__all__ = ["cone", "cube", "cylinder", "grid", "icosphere", "plane", "tetrahedron", "torus", "uv_sphere"]


# ---------------------------------------------------------------------- spheres

def icosphere(subdivisions=3, radius=1.0):
    """A sphere of nearly regular triangles: an icosahedron whose faces are halved and put on the sphere.

    Parameters
    ----------
    subdivisions : int
        n >= 0 gives 10 * 4^n + 2 vertices and 20 * 4^n faces.
    radius : float

    Returns
    -------
    Mesh
    """
    subdivisions = _count("subdivisions", subdivisions, 0)
    v, f = _icosahedron()
    for _ in range(subdivisions):
        weights, f = midpoint_weights(len(v), f)
        v = _unit(weights @ v)
    return Mesh(_length("radius", radius) * v, f)


def _icosahedron():
    """Twelve vertices: a top, a ring of five, a ring of five turned by half a step, a bottom."""
    turn = np.deg2rad(72) * np.arange(5)
    height, out = 5 ** -0.5, 2 * 5 ** -0.5
    upper, lower = (np.column_stack((out * np.sin(angle), np.full(5, y), out * np.cos(angle)))
                    for angle, y in ((turn, height), (turn + np.deg2rad(36), -height)))
    v = np.vstack(([[0.0, 1.0, 0.0]], upper, lower, [[0.0, -1.0, 0.0]]))
    here = np.arange(5)
    beside = np.roll(here, -1)
    top, bottom = np.full(5, 0), np.full(5, 11)
    upper, upper_beside, lower, lower_beside = 1 + here, 1 + beside, 6 + here, 6 + beside
    return v, np.concatenate([np.stack(corners, axis=1) for corners in (
        (top, upper, upper_beside), (upper, lower, upper_beside), (upper_beside, lower, lower_beside),
        (bottom, lower_beside, lower))])


def uv_sphere(rings=16, sectors=32, radius=1.0):
    """A sphere of circles of latitude and meridians, with texture coordinates: longitude and latitude.

    Parameters
    ----------
    rings : int
        Bands of faces from pole to pole, >= 2.
    sectors : int
        Faces around, >= 3. There are (rings - 1) * sectors + 2 vertices and 2 * (rings - 1) * sectors faces.
    radius : float

    Returns
    -------
    Mesh
    """
    polar = np.pi * np.arange(_count("rings", rings, 2) + 1) / rings
    radius = _length("radius", radius)
    return _turned(radius * np.sin(polar[1:-1]), radius * np.cos(polar), sectors)


# ---------------------------------------------------------------------- cylinder, cone, torus

def cylinder(radius=1.0, height=2.0, sectors=32, rings=1):
    """An upright cylinder, closed at both ends, with texture coordinates.

    Parameters
    ----------
    radius, height : float
    sectors : int
        Faces around, >= 3.
    rings : int
        Bands of faces along the side, >= 1. There are (rings + 1) * sectors + 2 vertices.

    Returns
    -------
    Mesh
    """
    half = 0.5 * _length("height", height)
    y = half * np.linspace(1, -1, _count("rings", rings, 1) + 1)
    return _turned(np.full(rings + 1, _length("radius", radius)), np.concatenate(([half], y, [-half])), sectors)


def cone(radius=1.0, height=2.0, sectors=32, rings=1):
    """An upright cone, closed below, with texture coordinates: the tip at height / 2, the base at -height / 2.

    Parameters
    ----------
    radius, height : float
    sectors : int
        Faces around, >= 3.
    rings : int
        Bands of faces between tip and base, >= 1. There are rings * sectors + 2 vertices.

    Returns
    -------
    Mesh
    """
    along = np.arange(_count("rings", rings, 1) + 1) / rings
    y = _length("height", height) * (0.5 - along)
    return _turned(_length("radius", radius) * along[1:], np.append(y, y[-1]), sectors)


def torus(radius=1.0, tube_radius=0.4, sectors=32, sides=16):
    """A ring around the vertical axis, with texture coordinates: u around the axis, v around the tube.

    Parameters
    ----------
    radius : float
        From the axis to the middle of the tube.
    tube_radius : float
        Less than `radius`.
    sectors, sides : int
        Faces around the axis and around the tube, >= 3. There are sectors * sides vertices.

    Returns
    -------
    Mesh
    """
    radius, tube_radius = _length("radius", radius), _length("tube_radius", tube_radius)
    if tube_radius >= radius:
        raise ValueError(f"tube_radius must be less than radius, which is {radius:g}; got {tube_radius:g}: such a "
                         "torus would cross itself")
    sectors, sides = _count("sectors", sectors, 3), _count("sides", sides, 3)
    angle = 2 * np.pi * np.arange(sides) / sides        # from the inside over the top
    v = _circles(radius - tube_radius * np.cos(angle), tube_radius * np.sin(angle), sectors)
    f = _squares(np.pad(_numbered(sides, sectors), ((0, 1), (0, 1)), mode="wrap"))
    return Mesh(v, f, _texture_points(1 - np.arange(sides + 1) / sides, sectors),
                _squares(_numbered(sides + 1, sectors + 1)))


# ---------------------------------------------------------------------- flat faces

def plane(size=2.0, segments=1):
    """A rectangle in the plane z = 0 that faces +z, with a texture upright on it. Open.

    Parameters
    ----------
    size : float, or (float, float)
        Width along x and height along y.
    segments : int, or (int, int)
        Squares, each two triangles, along x and along y.

    Returns
    -------
    Mesh
        Vertices row by row from the top left, as pixels are.
    """
    size = _for_each_axis("size", size, 2, _length)
    columns, rows = _for_each_axis("segments", segments, 2, _count)
    vt = _texture_points(1 - np.arange(rows + 1) / rows, columns)
    f = _squares(_numbered(rows + 1, columns + 1))
    return Mesh(np.column_stack(((vt - 0.5) * size, np.zeros(len(vt)))), f, vt, f)


grid = plane


def cube(size=2.0, segments=1):
    """A box with its sides along the axes, each of which shows the whole texture, upright on those around.

    Parameters
    ----------
    size : float, or (float, float, float)
        Along x, y and z.
    segments : int
        Squares, each two triangles, along every edge. There are 6 segments^2 + 2 vertices.

    Returns
    -------
    Mesh
    """
    size, n = _for_each_axis("size", size, 3, _length), _count("segments", segments)
    side = plane(segments=n)
    steps = np.rint(n * side.v).astype(int)              # whole numbers, which tell what is in one place
    corners = np.concatenate([steps[:, :1] * right + steps[:, 1:2] * up + n * np.cross(right, up)
                              for right, up in _SIDES_OF_CUBE])
    places, index = np.unique(corners, axis=0, return_inverse=True)
    start = len(steps) * np.arange(6)[:, None, None]
    f = index.ravel()[start + side.f].reshape(-1, 3)
    return Mesh(places * (0.5 / n * size), f, side.vt, np.tile(side.ft, (6, 1)))


_X, _Y, _Z = np.eye(3, dtype=int)
_SIDES_OF_CUBE = ((_X, _Y), (-_X, _Y), (-_Z, _Y), (_Z, _Y), (_X, -_Z), (_X, _Z))   # where right and up are on each


def tetrahedron(radius=1.0):
    """A regular tetrahedron, `radius` the distance of its four corners from the origin.

    Returns
    -------
    Mesh
    """
    v = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    return Mesh(_length("radius", radius) / np.sqrt(3) * v, [[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])


# ---------------------------------------------------------------------- curves turned around the axis

def _turned(r, y, sectors):
    """The surface that a curve sweeps: from the axis at height y[0] through (r[i], y[i + 1]) to the axis at y[-1]."""
    sectors = _count("sectors", sectors, 3)
    v = np.vstack(([[0.0, y[0], 0.0]], _circles(r, y[1:-1], sectors), [[0.0, y[-1], 0.0]]))
    circles = np.pad(1 + _numbered(len(r), sectors), ((0, 0), (0, 1)), mode="wrap")
    f = _capped(np.zeros(sectors, int), circles, np.full(sectors, len(v) - 1))

    length = np.cumsum(np.hypot(np.diff(r, prepend=0.0, append=0.0), np.diff(y)))
    middle = (np.arange(sectors) + 0.5) / sectors
    vt = np.vstack((np.column_stack((middle, np.ones(sectors))), _texture_points(1 - length[:-1] / length[-1], sectors),
                    np.column_stack((middle, np.zeros(sectors)))))
    poles = np.arange(sectors)
    ft = _capped(poles, sectors + _numbered(len(r), sectors + 1), len(vt) - sectors + poles)
    return Mesh(v, f, vt, ft)


def _circles(r, y, sectors):
    """Points on circles of radii `r` at heights `y`, eastward from the back, circle by circle."""
    longitude = 2 * np.pi * (np.arange(sectors) / sectors - 0.5)
    return np.stack(np.broadcast_arrays(r[:, None] * np.sin(longitude), y[:, None], r[:, None] * np.cos(longitude)),
                    axis=-1).reshape(-1, 3)


def _texture_points(v, columns):
    """Texture points at u = 0, ..., 1 in every row `v`, row by row."""
    u = np.arange(columns + 1) / columns
    return np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)


def _numbered(rows, columns):
    return np.arange(rows * columns).reshape(rows, columns)


def _squares(index):
    """Two faces for every square of a grid, counterclockwise where rows go down and columns to the right."""
    above, below = index[:-1], index[1:]
    left_above, right_above, left_below, right_below = above[:, :-1], above[:, 1:], below[:, :-1], below[:, 1:]
    return np.stack((left_above, left_below, right_below, left_above, right_below, right_above), axis=-1).reshape(-1, 3)


def _capped(top, circles, bottom):
    """Faces of a grid of vertices, with a fan above and one below; a fan has a vertex for each face at its tip."""
    first, last = circles[0], circles[-1]
    return np.concatenate((np.stack((top, first[:-1], first[1:]), axis=1), _squares(circles),
                           np.stack((bottom, last[1:], last[:-1]), axis=1)))


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# ---------------------------------------------------------------------- arguments

def _count(name, value, least=1):
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r:.80}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def _length(name, value):
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r:.80}") from None
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return number


def _for_each_axis(name, value, count, check):
    """An array of `count` numbers, given as that many or as one for all."""
    values = list(value) if np.ndim(value) else [value] * count
    if len(values) != count:
        raise ValueError(f"{name} must be one number or {count}, got {len(values)}")
    return np.array([check(name, entry) for entry in values])
