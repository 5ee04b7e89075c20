"""Meshes put together and taken apart."""
from collections import namedtuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from ..serialization.mesh import Mesh
from ..topology import get_vert_connectivity

__all__ = ["Components", "Welded", "connected_components", "join", "split", "submesh", "weld"]

Components = namedtuple("Components", "count of_vertex of_face")
Components.__doc__ = """How many components there are, and which each vertex (V,) and each face (F,) is in."""

Welded = namedtuple("Welded", "mesh index kept")
Welded.__doc__ = """The mesh; `index` (V,), where each old vertex is in it; `kept` (W,), which old ones it has."""


def indexed(mesh):
    """A checked copy of a mesh in which texture points and normals have an index.

    Where they have none they belong to the vertices, if they are as many; else nothing uses them.
    """
    mesh = Mesh.of(mesh)
    for rows, index in (("vt", "ft"), ("vn", "fn")):
        values = getattr(mesh, rows)
        if values is None or getattr(mesh, index) is not None:
            continue
        if len(values) == len(mesh.v):
            setattr(mesh, index, mesh.f.copy())
        else:
            setattr(mesh, rows, None)
    return mesh


# ---------------------------------------------------------------------- components

def connected_components(mesh):
    """Which parts of a mesh hang together by common vertices.

    A vertex without faces is a component too. Vertices in one place are different ones: `weld` them first.

    Returns
    -------
    Components
        Numbered in the order of their first vertices.
    """
    mesh = Mesh.of(mesh)
    count, of_vertex = csgraph.connected_components(get_vert_connectivity(mesh), directed=False)
    return Components(count, of_vertex, of_vertex[mesh.f[:, 0]])


def split(mesh):
    """The components of a mesh that have faces, as meshes of their own, in the order of their first vertices."""
    of_face = connected_components(mesh).of_face
    return [submesh(mesh, of_face == component) for component in np.unique(of_face)]


def submesh(mesh, faces):
    """Some faces of a mesh, with the vertices that they use.

    Parameters
    ----------
    mesh : Mesh or the like
    faces : integer array (N,) or bool array (F,)

    Returns
    -------
    Mesh
    """
    mesh, faces = indexed(mesh), np.asarray(faces)
    if faces.dtype == np.bool_ and faces.shape == (len(mesh.f),):
        faces = np.flatnonzero(faces)
    if faces.ndim != 1 or faces.size and faces.dtype.kind not in "iu":
        raise TypeError(f"faces must be an integer array (N,) or a bool array ({len(mesh.f)},), got {faces.dtype} of "
                        f"shape {faces.shape}")
    if faces.size and not 0 <= faces.min() <= faces.max() < len(mesh.f):
        raise ValueError(f"faces must index the {len(mesh.f)} faces, got {faces.min()} to {faces.max()}")
    used, f = _used(mesh.f, faces.astype(int))
    return _picked(mesh, used, f, faces.astype(int))


def _used(f, faces):
    """Which rows some faces of `f` point at, and those faces, pointing at these rows alone."""
    used, f = np.unique(f[faces], return_inverse=True)
    return used, f.reshape(-1, 3)


def _picked(mesh, verts, f, faces):
    """A mesh of some vertices and faces of another one, these as `f`."""
    def rows(values, which):
        return None if values is None else values[which]

    vt, ft, vn, fn = None, None, None, None
    if mesh.vt is not None:
        used, ft = _used(mesh.ft, faces)
        vt = mesh.vt[used]
    if mesh.vn is not None:
        used, fn = _used(mesh.fn, faces)
        vn = mesh.vn[used]
    groups = None if mesh.groups is None else {name: np.flatnonzero(np.isin(faces, group))
                                               for name, group in mesh.groups.items()}
    return Mesh(mesh.v[verts], f, vt, ft, vn, fn, rows(mesh.vc, verts), rows(mesh.fc, faces), mesh.texture_filepath,
                mesh.texture_image, groups, mesh.materials)


# ---------------------------------------------------------------------- weld

def weld(mesh, distance=0.0):
    """A mesh whose vertices in one place are one.

    Parameters
    ----------
    mesh : Mesh or the like
    distance : float
        Vertices at most so far apart become one, and so do those that a chain of such vertices joins. The first of
        them stays where it is.

    Returns
    -------
    Welded
        Its `mesh` lacks the faces that would use a vertex twice. Texture points stay apart where they were. For a
        node of vertices, ``v[kept]`` is that of the welded mesh.
    """
    mesh = indexed(mesh)
    if not 0 <= distance < np.inf:
        raise ValueError(f"distance must be finite and not negative, got {distance!r}")
    places, place = np.unique(mesh.v, axis=0, return_inverse=True)
    near = cKDTree(places).query_pairs(distance, output_type="ndarray") if distance > 0 else np.empty((0, 2), int)
    graph = sp.coo_matrix((np.ones(len(near)), tuple(near.T)), shape=(len(places), len(places)))
    cluster = csgraph.connected_components(graph, directed=False)[1][place.ravel()]
    _, first, index = np.unique(cluster, return_index=True, return_inverse=True)
    kept = np.sort(first)
    index = np.searchsorted(kept, first)[index.ravel()]
    f = index[mesh.f]
    faces = np.flatnonzero((f != np.roll(f, 1, axis=1)).all(axis=1))
    return Welded(_picked(mesh, kept, f[faces], faces), index, kept)


# ---------------------------------------------------------------------- join

def join(meshes):
    """One mesh of several, which stay apart in it.

    What all of them have is kept: texture points, normals, colours, groups (those of one name become one). What only
    some have is left out.

    Parameters
    ----------
    meshes : sequence of Mesh or the like

    Returns
    -------
    Mesh
        Its vertices and faces are in the order of the meshes.

    Raises
    ------
    ValueError
        If there are none, or they have different textures: one mesh has one.
    """
    meshes = [indexed(mesh) for mesh in meshes]
    if not meshes:
        raise ValueError("there is nothing to join: meshes is empty")
    joined = {name: np.concatenate([getattr(mesh, name) for mesh in meshes])
              for name in ("v", "vt", "vn", "vc", "fc") if _all_have(meshes, name)}
    for name, rows in (("f", "v"), ("ft", "vt"), ("fn", "vn")):
        if rows in joined:
            joined[name] = np.concatenate([mesh_f + start for mesh_f, start in zip(
                (getattr(mesh, name) for mesh in meshes), _starts(meshes, rows))])
    if _all_have(meshes, "vt") and _all_have(meshes, "texture_image"):
        joined.update(_common_texture(meshes))
    if _all_have(meshes, "groups"):
        joined["groups"] = _joined_groups(meshes)
    materials = [mesh.materials for mesh in meshes if mesh.materials]
    joined["materials"] = {name: material for each in materials for name, material in each.items()} or None
    return Mesh(**joined)


def _all_have(meshes, name):
    return all(getattr(mesh, name) is not None for mesh in meshes)


def _starts(meshes, name):
    return np.cumsum([0] + [len(getattr(mesh, name)) for mesh in meshes])[:-1]


def _joined_groups(meshes):
    groups = {}
    for mesh, start in zip(meshes, _starts(meshes, "f")):
        for name, faces in mesh.groups.items():
            groups.setdefault(name, []).append(faces.astype(np.int64) + start)
    return {name: np.concatenate(faces) for name, faces in groups.items()}


def _common_texture(meshes):
    first = meshes[0]
    if not all(np.array_equal(mesh.texture_image, first.texture_image) for mesh in meshes[1:]):
        raise ValueError("the meshes have different textures, and a mesh has one: put them into one image and set vt "
                         "to match, or set texture_image to None")
    return {"texture_image": first.texture_image, "texture_filepath": first.texture_filepath}
