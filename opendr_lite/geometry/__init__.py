"""Rotations, normals, areas, angles and curvature of a triangle mesh, as differentiable nodes.

Points are (N, 3) or those flattened. Where there is no direction (a degenerate triangle, a vertex without faces, a row
of zeros) the value is 0 and the derivative is taken as 0. The formulas stand in the modules.
"""
from .curvature import GaussianCurvature, SecondFundamentalForm
from .large_steps import LargeSteps
from .rotations import Rodrigues, rotation_vector
from .rows import CrossProduct, NormalizedNx3, Sum3xN, ndot
from .triangles import (
    AcosTriAngles,
    TriArea,
    TriEdges,
    TriNormals,
    TriNormalsScaled,
    edge_defs,
    face_bases,
    volume,
)
from .vertex_normals import VertNormals

__all__ = ["AcosTriAngles", "CrossProduct", "GaussianCurvature", "LargeSteps", "NormalizedNx3", "Rodrigues",
           "SecondFundamentalForm", "Sum3xN", "TriArea", "TriEdges", "TriNormals", "TriNormalsScaled",
           "VertNormals", "edge_defs", "face_bases", "ndot", "rotation_vector", "volume"]
