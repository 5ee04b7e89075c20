"""What is done with meshes."""
from .quality import MeshQuality, corner_angles, dihedral_cosines, mesh_quality, slenderness
from .remesh import collapse_short_edges, flip_edges, remesh, smooth_tangentially, split_long_edges

__all__ = ["MeshQuality", "collapse_short_edges", "corner_angles", "dihedral_cosines", "flip_edges", "mesh_quality",
           "remesh", "slenderness", "smooth_tangentially", "split_long_edges"]
