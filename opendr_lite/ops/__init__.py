"""What is done with meshes: sampled, subdivided, remeshed, judged, joined, taken apart, welded, put side
by side in arrays.

Functions take a mesh, that is anything with attributes `v` and `f`, and give a `Mesh` with all that the mesh had and
that still makes sense. `sample_points`, `SurfacePoints` and `Subdivided` give nodes: differentiable functions of
vertices.
"""
from ..geometry import TriNormals, VertNormals
from .batches import Packed, Padded, Part, pack, pad
from .parts import Components, Welded, connected_components, join, split, submesh, weld
from .quality import MeshQuality, corner_angles, dihedral_cosines, mesh_quality, ring_widths, slenderness
from .remesh import collapse_short_edges, flip_edges, remesh, smooth_tangentially, split_long_edges
from .sampling import SurfacePoints, sample_points
from .subdivision import Subdivided, subdivide, subdivision
from .volumes import marching_cubes

__all__ = ["Components", "MeshQuality", "Packed", "Padded", "Part", "Subdivided", "SurfacePoints", "TriNormals",
           "VertNormals", "Welded", "collapse_short_edges", "connected_components", "corner_angles",
           "dihedral_cosines", "flip_edges", "join", "marching_cubes", "mesh_quality", "pack", "pad", "remesh",
           "ring_widths", "sample_points", "slenderness", "smooth_tangentially", "split", "split_long_edges",
           "subdivide", "subdivision", "submesh", "weld"]
