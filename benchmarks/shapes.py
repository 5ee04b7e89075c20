"""What accuracy is measured on: meshes with much or little detail, open ones, and such that cross themselves.

All are a `Scene`, seen from a little above, `DISTANCE` before the camera and about 1 large.
"""
import functools

import numpy as np

from opendr_lite import Rodrigues

from .level_sets import blend, capsule, ellipsoid, level_set, ring
from .scenes import DISTANCE, Scene, ball, globe

__all__ = ["SHAPES", "animal", "earth", "fan", "pot", "star"]

CELL = 0.085  # of the grid for round shapes


@functools.lru_cache(maxsize=4)
def earth(width, height):
    """The globe of the demos with the colours of its texture at the vertices."""
    mesh = globe()
    rows, columns = mesh.texture_image.shape[:2]
    u, v = mesh.vt[mesh.ft].reshape(-1, 2).T
    colours = np.zeros((len(mesh.v), 3))
    colours[mesh.f.ravel()] = mesh.texture_image[((1 - v) * (rows - 1)).astype(int), (u * (columns - 1)).astype(int)]
    return _placed(0.5 * mesh.v, mesh.f, colours, (0.3, 2.5, 0.2), width, height)


@functools.lru_cache(maxsize=4)
def animal(width, height):
    """A body on four legs with a tail, and a head with a muzzle and horns that is turned to one side."""
    def field(points):
        legs = [capsule(points, (x, 0.1, z), (x, 0.72, 1.15 * z), 0.14, 0.11)
                for x in (-0.5, 0.42) for z in (-0.22, 0.22)]
        horns = [capsule(points, (0.78, -0.55, side), (0.82, -0.78, 1.9 * side), 0.1, 0.06) for side in (-0.04, 0.2)]
        return blend([ellipsoid(points, (-0.05, 0.0, 0.0), (0.72, 0.36, 0.33)), *legs, *horns,
                      capsule(points, (0.45, -0.15, 0.0), (0.75, -0.42, 0.06), 0.2, 0.2),
                      capsule(points, (0.75, -0.42, 0.06), (1.02, -0.25, 0.16), 0.19, 0.12),
                      capsule(points, (-0.7, -0.1, 0.0), (-0.95, 0.25, -0.12), 0.09, 0.08)], 0.025)

    v, f = level_set(field, (-1.3, -1.1, -0.8), (1.4, 1.1, 0.8), CELL)
    return _placed(v, f, _painted(v), (0.35, 0.6, 0.05), width, height)


@functools.lru_cache(maxsize=4)
def pot(width, height):
    """A round body with a lid and a knob, a spout on one side and a handle on the other."""
    def field(points):
        return blend([ellipsoid(points, (0.0, 0.1, 0.0), (0.62, 0.5, 0.62)),
                      ellipsoid(points, (0.0, -0.36, 0.0), (0.4, 0.12, 0.4)),
                      ellipsoid(points, (0.0, -0.53, 0.0), (0.13, 0.13, 0.13)),
                      capsule(points, (0.5, 0.2, 0.0), (1.02, -0.3, 0.0), 0.18, 0.1),
                      ring(points, (-0.62, 0.02, 0.0), 0.31, 0.09)], 0.02)

    v, f = level_set(field, (-1.3, -1.0, -0.9), (1.4, 0.9, 0.9), CELL)
    return _placed(v, f, _painted(v), (0.4, 0.5, 0.1), width, height)


def fan(corners, width, height):
    """A regular polygon of triangles around its middle, which is a little nearer."""
    return _around_middle(np.ones(corners), 0.1, width, height)


def star(width, height):
    """A star of five points."""
    return _around_middle(np.tile([1.0, 0.45], 5), 0.0, width, height)


def overlapping(width, height):
    """Two triangles, one behind the other."""
    return _triangles([[[0.7, -0.5, 0.4], [-0.9, -0.6, 0.2], [-0.2, 0.8, 0.3]],
                       [[0.9, 0.1, -0.2], [-0.4, -0.9, -0.3], [-0.1, 0.6, -0.4]]], width, height)


def crossing(width, height):
    """Two triangles through one another."""
    return _triangles([[[0.9, -0.4, 0.6], [-1.0, -0.8, 0.0], [0.0, 0.8, 0.0]],
                       [[0.1, -0.9, 0.4], [-0.6, 0.7, 0.4], [0.8, 0.45, -0.1]]], width, height)


def _around_middle(radii, nearer, width, height):
    angle = 2 * np.pi * (np.arange(len(radii)) + 0.3) / len(radii)
    v = np.vstack([[0.0, 0.0, -nearer], np.column_stack([radii * np.cos(angle), radii * np.sin(angle), 0.0 * angle])])
    f = [[0, 1 + (i + 1) % len(radii), 1 + i] for i in range(len(radii))]
    return _placed(v, f, _painted(2 * v), (0.1, 0.2, 0.05), width, height)


def _triangles(corners, width, height):
    v = np.array(corners).reshape(-1, 3)
    f = np.arange(len(v)).reshape(-1, 3)
    return _placed(v, f, _painted(2 * v), (0.0, 0.0, 0.0), width, height)


def _placed(v, f, colours, rotation, width, height):
    """The scene; faces of open meshes have to face the camera, counter-clockwise from there."""
    f = np.asarray(f, np.int32)
    return Scene(v @ Rodrigues(np.array(rotation)).r.T + [0.0, 0.0, DISTANCE], f, colours, width, height)


def _painted(v):
    return 0.5 + 0.45 * np.sin(4.0 * v + [0.0, 1.0, 2.0])


SHAPES = {
    "globe": earth, "bumpy ball": functools.partial(ball, 5120), "animal": animal, "pot": pot,
    "fan of 8": functools.partial(fan, 8), "fan of 32": functools.partial(fan, 32),
    "fan of 128": functools.partial(fan, 128), "star": star, "triangles, overlapping": overlapping,
    "triangles, crossing": crossing}
