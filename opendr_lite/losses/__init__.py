"""Losses of meshes, points and images, as differentiable nodes.

Each comes in two forms. `NAME_residuals` is for Gauss-Newton: its sum of squares is the loss, and its Jacobian is
sparse. The other is one number, for methods that take a gradient, in the normalization that users of PyTorch3D or Soft
Rasterizer know. w times the number is √w times the residuals. The formulas stand in the modules.
"""
from .chamfer import ChamferDistance, chamfer_distance, chamfer_normal_residuals, chamfer_residuals
from .edges import edge_length_residuals, edge_residuals, mesh_edge_loss
from .hinges import flatten_loss, flatten_residuals, mesh_normal_consistency, normal_consistency_residuals
from .laplacian import (
    Cotangents,
    bilaplacian_residuals,
    laplacian_loss,
    laplacian_residuals,
    mesh_laplacian_smoothing,
    mesh_laplacian_smoothing_residuals,
)
from .point_mesh import (
    point_mesh_edge_distance,
    point_mesh_edge_residuals,
    point_mesh_face_distance,
    point_mesh_face_residuals,
)
from .rigidity import arap_energy, arap_residuals
from .robust import robust_loss, robust_residuals, smooth_l1, smooth_l1_residuals, smooth_norm_residuals
from .silhouettes import silhouette_iou_loss, silhouette_residuals
from .similarity import ssim, ssim_map
from .total_variation import total_variation, total_variation_residuals

__all__ = ["ChamferDistance", "Cotangents", "arap_energy", "arap_residuals", "bilaplacian_residuals", "chamfer_distance",
           "chamfer_normal_residuals", "chamfer_residuals", "edge_length_residuals", "edge_residuals", "flatten_loss",
           "flatten_residuals", "laplacian_loss", "laplacian_residuals", "mesh_edge_loss", "mesh_laplacian_smoothing",
           "mesh_laplacian_smoothing_residuals", "mesh_normal_consistency", "normal_consistency_residuals",
           "point_mesh_edge_distance", "point_mesh_edge_residuals", "point_mesh_face_distance",
           "point_mesh_face_residuals", "robust_loss", "robust_residuals", "silhouette_iou_loss",
           "silhouette_residuals", "smooth_l1", "smooth_l1_residuals", "smooth_norm_residuals", "ssim", "ssim_map",
           "total_variation", "total_variation_residuals"]
