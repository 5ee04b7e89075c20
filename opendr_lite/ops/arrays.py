"""Vertices and faces of a mesh as arrays, checked."""
import numpy as np

from ..topology import as_faces

__all__ = ["vertices_and_faces"]


def vertices_and_faces(mesh):
    """float64 (V, 3), a copy, and int64 (F, 3), of anything with attributes `v` and `f`."""
    if not (hasattr(mesh, "v") and hasattr(mesh, "f")):
        raise TypeError(f"a mesh must have attributes v and f, got {type(mesh).__name__}")
    v = np.array(getattr(mesh.v, "r", mesh.v), dtype=np.float64)
    if v.ndim != 2 or v.shape[1] != 3:
        raise ValueError(f"v must have shape (V, 3), got {v.shape}")
    if not np.isfinite(v).all():
        raise ValueError(f"v must be finite; row {int(np.argmin(np.isfinite(v).all(axis=1)))} is not")
    return v, as_faces(mesh.f, len(v))
