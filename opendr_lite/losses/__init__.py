"""Losses of meshes, points and images, as differentiable nodes.

Each comes in two forms. `NAME_residuals` is for Gauss-Newton: its sum of squares is the loss, and its Jacobian is sparse.
The other is one number, for methods that take a gradient, in the normalization that PyTorch3D's or Soft Rasterizer's
users know. A loss w L is the residual √w times. The formulas stand in the modules.
"""
from .edges import edge_length_residuals, edge_residuals, mesh_edge_loss
from .hinges import flatten_loss, flatten_residuals, mesh_normal_consistency, normal_consistency_residuals
from .laplacian import (
    bilaplacian_residuals,
    laplacian_loss,
    laplacian_residuals,
    mesh_laplacian_smoothing,
    mesh_laplacian_smoothing_residuals,
)
from .robust import robust_loss, robust_residuals, smooth_l1, smooth_l1_residuals

__all__ = ["bilaplacian_residuals", "edge_length_residuals", "edge_residuals", "flatten_loss", "flatten_residuals",
           "laplacian_loss", "laplacian_residuals", "mesh_edge_loss", "mesh_laplacian_smoothing",
           "mesh_laplacian_smoothing_residuals", "mesh_normal_consistency", "normal_consistency_residuals",
           "robust_loss", "robust_residuals", "smooth_l1", "smooth_l1_residuals"]
