"""Where on a face a pixel is that need not be inside it, and how deep the face is there.

Barycentric coordinates l on the screen are clipped and add up to 1 again,

    w_k = q_k / sum_j q_j        q_k = l_k clipped to [0, 1]        1 / z = sum_k w_k / z_k

and attributes are interpolated with b = w as in Soft Rasterizer, which has no perspective in it, or, as in PyTorch3D,
with l clipped from below alone, and perspective: b_k = w_k z / z_k. Derivatives, with B that by b and Z that by z:

    by w_k       B_k - Z z^2 / z_k             or    z / z_k (B_k - sum_j B_j b_j) - Z z^2 / z_k
    by z_k       Z z^2 w_k / z_k^2             or    that, and -b_k / z_k (B_k - sum_j B_j b_j)
    by l_k       (W_k - sum_j W_j w_j) / sum_j q_j with W that by w; 0 where it is clipped

A face that is seen edge on has no barycentric coordinates: what is at the nearest point of its outline is shown.
"""
import numpy as np

from ...jit import formula
from .distances import barycentrics, corners_of, inverse_area, pull_of_barycentrics

__all__ = ["face_of", "place_on_face", "pull_of_place"]


@formula
def face_of(t, screen, f):
    """(corners, inverse area, (1 / z of the corners)) of a face."""
    corners = corners_of(t, screen, f)
    return (corners, inverse_area(*corners),
            (1.0 / screen[f[t, 0], 2], 1.0 / screen[f[t, 1], 2], 1.0 / screen[f[t, 2], 2]))


@formula
def place_on_face(face, at, has_perspective):
    """((l), (w), 1 / sum q, (b), z) of a pixel, with `at` as in `distances`."""
    corners, inverse, (r0, r1, r2) = face
    pu, pv, _, edge, along = at
    l0, l1, l2 = barycentrics(corners, inverse, pu, pv)
    if inverse == 0.0:
        l0 = 1.0 - along if edge == 0 else along if edge == 2 else 0.0
        l1 = 1.0 - along if edge == 1 else along if edge == 0 else 0.0
        l2 = 1.0 - along if edge == 2 else along if edge == 1 else 0.0
    most = np.inf if has_perspective else 1.0
    w0, w1, w2 = min(max(l0, 0.0), most), min(max(l1, 0.0), most), min(max(l2, 0.0), most)
    rest = 1.0 / (w0 + w1 + w2)
    w0, w1, w2 = w0 * rest, w1 * rest, w2 * rest
    z = 1.0 / (w0 * r0 + w1 * r1 + w2 * r2)
    b0, b1, b2 = (w0 * r0 * z, w1 * r1 * z, w2 * r2 * z) if has_perspective else (w0, w1, w2)
    return (l0, l1, l2), (w0, w1, w2), rest, (b0, b1, b2), z


@formula
def pull_of_place(face, place, has_perspective, pull_b, pull_z):
    """From the derivatives by b and z: ((by u, v of the corners, 6), (by their depths, 3))."""
    (l0, l1, l2), (w0, w1, w2), rest, (b0, b1, b2), z = place
    corners, inverse, (r0, r1, r2) = face
    pull_0, pull_1, pull_2 = pull_b
    towards = pull_z * z * z
    deep_0, deep_1, deep_2 = towards * w0 * r0 * r0, towards * w1 * r1 * r1, towards * w2 * r2 * r2
    most = 1.0
    if has_perspective:
        most = np.inf
        mean = pull_0 * b0 + pull_1 * b1 + pull_2 * b2
        pull_0, pull_1, pull_2 = (pull_0 - mean) * r0, (pull_1 - mean) * r1, (pull_2 - mean) * r2
        deep_0, deep_1, deep_2 = deep_0 - pull_0 * b0, deep_1 - pull_1 * b1, deep_2 - pull_2 * b2
        pull_0, pull_1, pull_2 = pull_0 * z, pull_1 * z, pull_2 * z
    pull_0, pull_1, pull_2 = pull_0 - towards * r0, pull_1 - towards * r1, pull_2 - towards * r2
    mean = pull_0 * w0 + pull_1 * w1 + pull_2 * w2
    pull_0 = (pull_0 - mean) * rest if 0.0 < l0 < most else 0.0
    pull_1 = (pull_1 - mean) * rest if 0.0 < l1 < most else 0.0
    pull_2 = (pull_2 - mean) * rest if 0.0 < l2 < most else 0.0
    return (pull_of_barycentrics(corners, inverse, l0, l1, l2, pull_0, pull_1, pull_2), (deep_0, deep_1, deep_2))
