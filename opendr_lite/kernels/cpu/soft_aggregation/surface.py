"""Where on a face a pixel is that need not be inside it, and how deep the face is there.

Barycentric coordinates l on the screen are clipped and add up to 1 again,

    w_k = q_k / sum_j q_j        q_k = l_k clipped to [0, 1]        1 / z = sum_k w_k / z_k

and attributes are interpolated with w as in Soft Rasterizer, which has no perspective in it, or, as in PyTorch3D, clipped
from below alone and with perspective, with b_k = w_k z / z_k. Derivatives, from those by b and z back to l:

    w: (of b)    z / z_k (pull_k - sum_j pull_j b_j)    (of z)    -z^2 / z_k
    z_k:         -b_k / z_k (pull_k - sum_j pull_j b_j)           z^2 w_k / z_k^2
    l_k:         (pull_k - sum_j pull_j w_j) / sum_j q_j, and 0 where it is clipped

A face that is seen edge on has no barycentric coordinates: what is at the nearest point of its outline is shown.
"""
from ...jit import formula
from .distances import barycentrics, pull_of_barycentrics

__all__ = ["place_on_face", "pull_of_place"]


@formula
def place_on_face(corners, inverse, z0, z1, z2, pu, pv, edge, along, has_perspective):
    """((l), (w), sum q, (b), z) of a pixel; `edge`, `along` are of `distances`, `inverse` the inverse area."""
    l0, l1, l2 = barycentrics(corners, inverse, pu, pv)
    if inverse == 0.0:
        l0 = 1.0 - along if edge == 0 else along if edge == 2 else 0.0
        l1 = 1.0 - along if edge == 1 else along if edge == 0 else 0.0
        l2 = 1.0 - along if edge == 2 else along if edge == 1 else 0.0
    w0, w1, w2 = max(l0, 0.0), max(l1, 0.0), max(l2, 0.0)
    if not has_perspective:
        w0, w1, w2 = min(w0, 1.0), min(w1, 1.0), min(w2, 1.0)
    total = w0 + w1 + w2
    w0, w1, w2 = w0 / total, w1 / total, w2 / total
    z = 1.0 / (w0 / z0 + w1 / z1 + w2 / z2)
    b0, b1, b2 = (w0 * z / z0, w1 * z / z1, w2 * z / z2) if has_perspective else (w0, w1, w2)
    return (l0, l1, l2), (w0, w1, w2), total, (b0, b1, b2), z


@formula
def pull_of_place(corners, inverse, z0, z1, z2, place, has_perspective, pull_0, pull_1, pull_2, pull_z):
    """From the derivatives by b and z: ((by u, v of the corners, 6), (by their depths, 3))."""
    (l0, l1, l2), (w0, w1, w2), total, (b0, b1, b2), z = place
    z0, z1, z2 = 1.0 / z0, 1.0 / z1, 1.0 / z2
    towards = pull_z * z * z
    deep_0, deep_1, deep_2 = towards * w0 * z0 * z0, towards * w1 * z1 * z1, towards * w2 * z2 * z2
    if has_perspective:
        mean = pull_0 * b0 + pull_1 * b1 + pull_2 * b2
        pull_0, pull_1, pull_2 = (pull_0 - mean) * z0, (pull_1 - mean) * z1, (pull_2 - mean) * z2
        deep_0, deep_1, deep_2 = deep_0 - pull_0 * b0, deep_1 - pull_1 * b1, deep_2 - pull_2 * b2
        pull_0, pull_1, pull_2 = pull_0 * z, pull_1 * z, pull_2 * z
    pull_0, pull_1, pull_2 = pull_0 - towards * z0, pull_1 - towards * z1, pull_2 - towards * z2
    mean = pull_0 * w0 + pull_1 * w1 + pull_2 * w2
    pull_0 = (pull_0 - mean) / total if l0 > 0.0 and (has_perspective or l0 < 1.0) else 0.0
    pull_1 = (pull_1 - mean) / total if l1 > 0.0 and (has_perspective or l1 < 1.0) else 0.0
    pull_2 = (pull_2 - mean) / total if l2 > 0.0 and (has_perspective or l2 < 1.0) else 0.0
    return (pull_of_barycentrics(corners, inverse, l0, l1, l2, pull_0, pull_1, pull_2), (deep_0, deep_1, deep_2))
