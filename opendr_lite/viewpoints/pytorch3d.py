"""PyTorch3D's cameras: R and T for rows, x left and y up, and a principal point that counts from the border.

PyTorch3D takes a row X of the world to X R + T, in a camera space of x left, y up, z forward: D = diag(-1, -1, 1)
times ours. So R there is Rᵀ D here, and T is D t.

Its screen coordinates are pixels from the outer corner of the picture: the centre of the first pixel is at ½, and

    principal_point = c + ½        focal_length = f        (in_ndc=False)

Its normalized coordinates have 0 in the middle of the picture, x left, y up, and -1 and 1 at the borders of the shorter
side. With s = min(width, height) / 2,

    principal_point = ((width, height) / 2 - (c + ½)) / s        focal_length = f / s        (in_ndc=True)
"""
import numpy as np

from ..geometry.rotation_conversions import matrix_to_axis_angle
from .parameters import CameraParameters, matrix, vector

__all__ = ["from_pytorch3d", "to_pytorch3d"]

FLIP = np.diag([-1.0, -1.0, 1.0])


def to_pytorch3d(camera, in_ndc=True):
    """The arguments of PyTorch3D's `PerspectiveCameras`, as arrays for a batch of one.

    Parameters
    ----------
    camera : CameraParameters
        Without distortion.
    in_ndc : bool
        Whether focal length and principal point are to be in normalized coordinates, or in pixels.

    Returns
    -------
    dict
        `R` (1, 3, 3), `T` (1, 3), `focal_length` (1, 2), `principal_point` (1, 2), `image_size` (1, 2), which is height
        and width, and `in_ndc`.
    """
    camera.require_undistorted("PyTorch3D")
    focal_length, principal_point = camera.f, camera.c + 0.5
    if in_ndc:
        middle, scale = _middle_and_scale(camera.width, camera.height)
        focal_length, principal_point = focal_length / scale, (middle - principal_point) / scale
    return {"R": (camera.R.T @ FLIP)[None], "T": (FLIP @ camera.t)[None], "focal_length": focal_length[None],
            "principal_point": principal_point[None], "image_size": np.array([[camera.height, camera.width]]),
            "in_ndc": bool(in_ndc)}


def from_pytorch3d(R, T, focal_length, principal_point=(0.0, 0.0), image_size=None, in_ndc=True):
    """The camera that PyTorch3D's `PerspectiveCameras` is with the same arguments, for one camera.

    Parameters
    ----------
    R, T : array_like (3, 3) and (3,), or (1, 3, 3) and (1, 3)
    focal_length : float, or array_like (1,), (2,) or (1, 2)
        That of `FoVPerspectiveCameras` with aspect ratio 1 is 1 / tan(fov / 2), in_ndc.
    principal_point : array_like (2,) or (1, 2)
    image_size : (height, width)
    in_ndc : bool

    Returns
    -------
    CameraParameters
    """
    if image_size is None:
        raise ValueError("image_size must be given: (height, width) in pixels")
    R, T = np.asarray(R), vector("T", T, (3,))
    R = matrix("R", R[0] if R.shape == (1, 3, 3) else R, (3, 3))
    height, width = vector("image_size", image_size, (2,)).astype(int).tolist()
    focal_length = vector("focal_length", focal_length, (1, 2))
    principal_point = vector("principal_point", principal_point, (2,))
    if in_ndc:
        middle, scale = _middle_and_scale(width, height)
        focal_length, principal_point = focal_length * scale, middle - principal_point * scale
    return CameraParameters(matrix_to_axis_angle(FLIP @ R.T), FLIP @ T, focal_length, principal_point - 0.5, width,
                            height)


def _middle_and_scale(width, height):
    return np.array([width, height]) / 2, min(width, height) / 2
