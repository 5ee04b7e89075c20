"""Slow twin of the coloured renderer: one ray at a time against every triangle in camera space."""
import numpy as np


def cast(v_cam, f, camera_matrix, width, height, near=1e-9, far=np.inf, is_affine=False):
    """Nearest face, barycentric coordinates and depth along the ray through each pixel centre.

    Nothing is projected: a triangle that reaches behind the camera is no special case. The rays of an affine camera are
    parallel: each has the same x and y at all depths.
    """
    face_id = np.full((height, width), -1)
    barycentric = np.zeros((height, width, 3))
    depth = np.full((height, width), far)
    homogeneous = np.column_stack([v_cam[:, :2], np.ones(len(v_cam))]) if is_affine else v_cam
    for j, i in np.ndindex(height, width):
        ray = np.linalg.solve(camera_matrix, [i, j, 1.0])
        for t, corners in enumerate(f):
            try:
                weights = np.linalg.solve(homogeneous[corners].T, ray)   # so the point is ray / sum w
            except np.linalg.LinAlgError:
                continue
            total = weights.sum()
            if total <= 0 or (weights < 0).any():
                continue
            z = weights @ v_cam[corners, 2] / total
            if near <= z < depth[j, i]:
                face_id[j, i], barycentric[j, i], depth[j, i] = t, weights / total, z
    return face_id, barycentric, depth


def colors(face_id, barycentric, f, vc, background):
    """Colours of the vertices interpolated, the background where there is no face."""
    image = np.empty(face_id.shape + (vc.shape[1],))
    for j, i in np.ndindex(face_id.shape):
        face = face_id[j, i]
        image[j, i] = background if face < 0 else barycentric[j, i] @ vc[f[face]]
    return image


def opendr_derivative(image_gradient, face_id, barycentric, f, num_vertices):
    """d image / d (u, v) of the vertices by definition: minus the image gradient times the barycentric weights."""
    height, width, channels = image_gradient.shape[:3]
    jacobian = np.zeros((height, width, channels, num_vertices, 2))
    for j, i in np.ndindex(height, width):
        if face_id[j, i] >= 0:
            for corner, weight in zip(f[face_id[j, i]], barycentric[j, i]):
                jacobian[j, i, :, corner] -= weight * image_gradient[j, i]
    return jacobian.reshape(height * width * channels, num_vertices * 2)
