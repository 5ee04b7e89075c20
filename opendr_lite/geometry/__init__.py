"""Rotations, rigid motions, normals, areas, angles and curvature of a triangle mesh, as differentiable
nodes.

Points are (N, 3) or those flattened. Where there is no direction (a degenerate triangle, a vertex without faces, a row
of zeros) the value is 0 and the derivative is taken as 0. The formulas stand in the modules.
"""
from .curvature import GaussianCurvature, SecondFundamentalForm
from .large_steps import LargeSteps
from .rigid_motions import se3_exp, se3_log
from .rotation_conversions import (
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    convert_rotation,
    euler_angles_to_matrix,
    matrix_to_axis_angle,
    matrix_to_euler_angles,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
    rotation_vector,
    so3_exp,
    so3_log,
)
from .rotations import Rodrigues
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
           "VertNormals", "axis_angle_to_matrix", "axis_angle_to_quaternion", "convert_rotation", "edge_defs",
           "euler_angles_to_matrix", "face_bases", "matrix_to_axis_angle", "matrix_to_euler_angles",
           "matrix_to_quaternion", "matrix_to_rotation_6d", "ndot", "quaternion_to_axis_angle", "quaternion_to_matrix",
           "rotation_6d_to_matrix", "rotation_vector", "se3_exp", "se3_log", "so3_exp", "so3_log", "volume"]
