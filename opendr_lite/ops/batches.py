"""Several meshes in one set of arrays.

Packed: one after the other, with the place where each starts. Padded: each in a layer of its own, filled up with
vertices at 0 and faces -1. Vertices may be nodes; then those of the batch are a node too.
"""
from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from ..ch import Ch
from ..topology import as_faces

__all__ = ["Packed", "Padded", "Part", "pack", "pad"]

Part = namedtuple("Part", "v f")
Part.__doc__ = """One mesh of a batch: vertices (V, 3), an array or a node, and faces (F, 3)."""


@dataclass(frozen=True, eq=False)
class Packed:
    """Meshes one after the other.

    Attributes
    ----------
    v : ndarray or Ch (V, 3)
        The vertices of all.
    f : int64 (F, 3)
        The faces of all, as indices into `v`: a mesh, which can be drawn as one.
    vert_offsets, face_offsets : int64 (B + 1,)
        Mesh i has the vertices and faces from entry i to entry i + 1.
    """

    v: object
    f: np.ndarray
    vert_offsets: np.ndarray
    face_offsets: np.ndarray

    def __len__(self):
        return len(self.vert_offsets) - 1

    @property
    def mesh_of_vert(self):
        """Which mesh each vertex belongs to, (V,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.vert_offsets))

    @property
    def mesh_of_face(self):
        """Which mesh each face belongs to, (F,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.face_offsets))

    def unpack(self):
        """The meshes, a list of `Part`."""
        return [Part(self.v[start:stop], self.f[first:last] - start) for start, stop, first, last in zip(
            self.vert_offsets, self.vert_offsets[1:], self.face_offsets, self.face_offsets[1:])]

    def pad(self):
        """The same meshes as a `Padded` batch."""
        verts, faces = _layers(self.vert_offsets), _layers(self.face_offsets)
        with_filling = np.concatenate((self.v, np.zeros((1, 3))))
        own = self.f - self.vert_offsets[self.mesh_of_face][:, None]
        return Padded(with_filling[verts], np.concatenate((own, np.full((1, 3), -1)))[faces],
                      np.diff(self.vert_offsets), np.diff(self.face_offsets))


@dataclass(frozen=True, eq=False)
class Padded:
    """Meshes in layers of the size of the largest.

    Attributes
    ----------
    v : ndarray or Ch (B, V, 3)
        Vertices, 0 beyond the last of each mesh.
    f : int64 (B, F, 3)
        Faces of each mesh as indices into its own layer, -1 beyond the last.
    num_verts, num_faces : int64 (B,)
    """

    v: object
    f: np.ndarray
    num_verts: np.ndarray
    num_faces: np.ndarray

    def __len__(self):
        return len(self.num_verts)

    def unpad(self):
        """The meshes, a list of `Part`."""
        return [Part(self.v[i, :num_verts], self.f[i, :num_faces])
                for i, (num_verts, num_faces) in enumerate(zip(self.num_verts, self.num_faces))]


def pack(meshes):
    """Meshes one after the other in one set of arrays.

    Parameters
    ----------
    meshes : sequence
        Of meshes with attributes `v` (V, 3), arrays or nodes, and `f` (F, 3), or of pairs (v, f).

    Returns
    -------
    Packed
    """
    parts = [_part(mesh, number) for number, mesh in enumerate(meshes)]
    if not parts:
        raise ValueError("there is nothing to pack: meshes is empty")
    vert_offsets, face_offsets = (np.cumsum([0] + [len(part[i]) for part in parts]) for i in range(2))
    return Packed(np.concatenate([part.v for part in parts]),
                  np.concatenate([part.f + start for part, start in zip(parts, vert_offsets)]),
                  vert_offsets, face_offsets)


def pad(meshes):
    """Meshes in layers of one set of arrays: `Packed.pad` of `pack`, where arguments are said."""
    return pack(meshes).pad()


def _part(mesh, number):
    v, f = (mesh.v, mesh.f) if hasattr(mesh, "v") else mesh
    v = v if isinstance(v, Ch) else np.asarray(v, dtype=np.float64)
    if v.ndim != 2 or v.shape[1] != 3:
        raise ValueError(f"mesh {number}: v must have shape (V, 3), got {v.shape}")
    return Part(v, as_faces(f, len(v), f"f of mesh {number}"))


def _layers(offsets):
    """Where each entry of each layer is in the packed array; the entry after its last where a layer is filled up."""
    place = np.arange(np.diff(offsets).max(initial=0))
    return np.where(place < np.diff(offsets)[:, None], offsets[:-1, None] + place, offsets[-1])
