"""Pixels of a perspective picture as those of the affine one that shows the same: see `renderer.views`."""
from ...memory import empty
from ...threads import run_bands, split
from ..jit import kernel, read_only

PIXELS_PER_BAND = 65536


def interpolate_linearly(face_id, barycentric, f, stand_in, depth, far):
    """b_k ~ b'_k z'_k at each pixel, and z = sum_k b_k z_k.

    Parameters
    ----------
    face_id : (h, w) int32
        -1 where no face is seen.
    barycentric : (h, w, 3) float64
        b', with perspective.
    f : (F, 3) int32
    stand_in, depth : (V,) float64
        z' and z of the vertices.
    far : float
        Depth where no face is seen.

    Returns
    -------
    barycentric, depth : (h, w, 3), (h, w) float64
    """
    linear, z = empty(barycentric.shape), empty(face_id.shape)
    run_bands(_interpolate, split(face_id.size, PIXELS_PER_BAND), face_id.ravel(), barycentric.reshape(-1, 3),
              *map(read_only, (f, stand_in, depth)), far, linear.reshape(-1, 3), z.ravel())
    return linear, z


@kernel
def _interpolate(start, stop, face_id, barycentric, f, stand_in, depth, far, linear, z):
    for p in range(start, stop):
        t = face_id[p]
        if t < 0:
            linear[p, 0] = linear[p, 1] = linear[p, 2] = 0.0
            z[p] = far
            continue
        i, j, k = f[t, 0], f[t, 1], f[t, 2]
        b0, b1, b2 = barycentric[p, 0] * stand_in[i], barycentric[p, 1] * stand_in[j], barycentric[p, 2] * stand_in[k]
        scale = 1.0 / (b0 + b1 + b2)
        b0, b1, b2 = b0 * scale, b1 * scale, b2 * scale
        linear[p, 0], linear[p, 1], linear[p, 2] = b0, b1, b2
        z[p] = depth[i] + b1 * (depth[j] - depth[i]) + b2 * (depth[k] - depth[i])  # exact where all are the same
