"""What is drawn: a bumpy ball with coloured vertices, and the textured globe of the demos."""
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from opendr_lite import load_mesh

__all__ = ["Scene", "ball", "described", "globe", "icosphere", "uv_sphere"]

DISTANCE = 3.0  # of the ball from the camera
GLOBE = Path(__file__).parent.parent / "demos" / "data" / "earth.obj"
UV_SPHERES = {5856: (61, 49)}  # arguments of `uv_sphere`, by the number of faces


@dataclass(frozen=True, eq=False)
class Scene:
    """A mesh in camera space, x right, y down, z forward, and how large its picture is.

    Attributes
    ----------
    v, f, vc : (V, 3) float64, (F, 3) int32, (V, 3) float64
        Faces run counter-clockwise, seen from outside.
    width, height : int
        In pixels. The focal length is 1.2 times the height, the principal point the middle of the image.
    """

    v: np.ndarray
    f: np.ndarray
    vc: np.ndarray
    width: int
    height: int

    near, far = 0.1, 10.0

    @property
    def focal(self):
        return 1.2 * self.height

    def moved(self, step):
        """The vertices a little farther away with each step: nothing that was computed before is of use."""
        return self.v + [0.0, 0.0, 1e-4 * step]


def described(faces, width, height):
    return f"{faces:,} faces, {width}x{height}"


@functools.lru_cache(maxsize=8)
def ball(faces, width, height):
    """A scene with a bumpy ball of about radius 1: 20 * 4^n faces, or 5,856."""
    v, f = uv_sphere(*UV_SPHERES[faces]) if faces in UV_SPHERES else icosphere(faces)
    colours = 0.5 + 0.5 * v
    bumps = 1 + 0.15 * np.sin(4 * v[:, :1]) * np.cos(3 * v[:, 1:2])
    return Scene(v * bumps + [0.0, 0.0, DISTANCE], f, colours, width, height)


@functools.lru_cache(maxsize=2)
def icosphere(faces):
    """(v, f) of an icosahedron subdivided into 20 * 4^n faces, on the unit sphere."""
    golden = (1 + 5 ** 0.5) / 2
    a, b = np.array([[-1, 1, -1, 1], [golden, golden, -golden, -golden]])
    v = _unit(np.concatenate([np.roll(np.stack([a, b, 0 * a], axis=1), turn, axis=1) for turn in range(3)]))
    corners = np.stack(np.meshgrid(*3 * [np.arange(12)], indexing="ij"), axis=-1).reshape(-1, 3)
    corners = corners[(corners[:, 0] < corners[:, 1]) & (corners[:, 0] < corners[:, 2])]
    sides = np.linalg.norm(v[corners] - v[np.roll(corners, 1, axis=1)], axis=2)
    outward = np.linalg.det(v[corners]) > 0
    f = corners[outward & np.isclose(sides, sides[sides > 0].min()).all(axis=1)]
    while len(f) < faces:
        v, f = _halved(v, f)
    if len(f) != faces:
        raise ValueError(f"an icosphere has 20 * 4^n faces, got {faces}")
    return v, f.astype(np.int32)


def uv_sphere(around, down):
    """(v, f) of a unit sphere of `down` - 1 circles of `around` vertices, and two poles."""
    angle, height = 2 * np.pi * np.arange(around) / around, np.pi * np.arange(1, down) / down
    circles = np.stack(np.broadcast_arrays(np.sin(height)[:, None] * np.cos(angle),
                                           np.sin(height)[:, None] * np.sin(angle), np.cos(height)[:, None]), axis=-1)
    v = np.concatenate([circles.reshape(-1, 3), [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])
    here = np.arange((down - 1) * around).reshape(down - 1, around)
    beside = np.roll(here, -1, axis=1)
    top, bottom = np.full(around, len(v) - 2), np.full(around, len(v) - 1)
    f = np.concatenate([np.stack(side, axis=-1).reshape(-1, 3) for side in (
        (top, here[0], beside[0]), (here[:-1], here[1:], beside[1:]), (here[:-1], beside[1:], beside[:-1]),
        (here[-1], bottom, beside[-1]))])
    return v, f.astype(np.int32)


@functools.lru_cache(maxsize=1)
def globe():
    """The Earth, of radius 2 around the origin, a `Mesh` with 3,480 faces and a texture."""
    mesh = load_mesh(GLOBE)
    mesh.v = 2.0 * mesh.v
    return mesh


def _halved(v, f):
    """Each face cut into four through the middles of its sides."""
    sides = np.sort(np.stack([f, np.roll(f, -1, axis=1)], axis=-1), axis=-1).astype(np.int64)
    keys, middle = np.unique(sides[..., 0] * len(v) + sides[..., 1], return_inverse=True)
    first, second = np.divmod(keys, len(v))
    a, b, c = (middle.reshape(f.shape) + len(v)).T
    x, y, z = f.T
    children = np.stack([x, a, c, a, y, b, c, b, z, a, b, c], axis=1).reshape(-1, 3)
    return np.concatenate([v, _unit(v[first] + v[second])]), children


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
