"""What is done with meshes: sampled, subdivided, joined, taken apart, welded, put side by side in arrays.

Functions take a mesh, that is anything with attributes `v` and `f`, and give a `Mesh` with all that the mesh had and
that still makes sense. `sample_points`, `SurfacePoints` and `Subdivided` give nodes: differentiable functions of
vertices.
"""
from ..geometry import TriNormals, VertNormals
from .batches import Packed, Padded, Part, pack, pad
from .parts import Components, Welded, connected_components, join, split, submesh, weld
from .sampling import SurfacePoints, sample_points
from .subdivision import Subdivided, subdivide, subdivision
from .volumes import marching_cubes

__all__ = ["Components", "Packed", "Padded", "Part", "Subdivided", "SurfacePoints", "TriNormals", "VertNormals",
           "Welded", "connected_components", "join", "marching_cubes", "pack", "pad", "sample_points", "split",
           "subdivide", "subdivision", "submesh", "weld"]
