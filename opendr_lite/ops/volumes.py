"""The surface where a volume has a given value."""
import numpy as np

from ..serialization.mesh import Mesh

__all__ = ["marching_cubes"]

INSIDE = {"above": "ascent", "below": "descent"}      # to scikit-image's name, which is for axes z, y, x


def marching_cubes(volume, level=0.0, spacing=1.0, origin=(0.0, 0.0, 0.0), inside="above"):
    """The surface on which a volume has the value `level`, by scikit-image. Not differentiable.

    Parameters
    ----------
    volume : array_like (X, Y, Z)
        Values at the points of a grid; its axes are x, y and z. At least two points along each.
    level : float
        Between the smallest and the largest value.
    spacing : float, or (float, float, float)
        Between neighbouring points.
    origin : (float, float, float)
        Where ``volume[0, 0, 0]`` is.
    inside : str
        Where the body is: "above" the level, as for densities, or "below" it, as for signed distances. Faces are wound
        counterclockwise as seen from outside. The surface is open where the body reaches the border of the volume.

    Returns
    -------
    Mesh

    Raises
    ------
    ImportError
        If scikit-image is not installed: ``pip install opendr-lite[volumes]``.
    """
    volume = np.asarray(getattr(volume, "r", volume), dtype=np.float64)
    if volume.ndim != 3 or min(volume.shape) < 2:
        raise ValueError(f"volume must have shape (X, Y, Z), at least 2 along each axis; got {volume.shape}")
    if not np.isfinite(volume).all():
        raise ValueError("volume must be finite")
    if not volume.min() < level < volume.max():
        raise ValueError(f"level must be between the smallest and the largest value of volume, {volume.min():g} and "
                         f"{volume.max():g}; got {level!r}")
    if inside not in INSIDE:
        raise ValueError(f"inside must be one of {', '.join(map(repr, INSIDE))}, got {inside!r}")
    spacing, origin = np.broadcast_to(np.asarray(spacing, dtype=np.float64), 3), np.asarray(origin, dtype=np.float64)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ValueError(f"spacing must be positive and finite, got {spacing.tolist()}")
    if origin.shape != (3,):
        raise ValueError(f"origin must have 3 entries, got {origin.tolist()}")
    try:
        from skimage import measure
    except ImportError as error:
        raise ImportError("marching_cubes needs scikit-image: pip install opendr-lite[volumes]") from error
    v, f, _, _ = measure.marching_cubes(volume, level, gradient_direction=INSIDE[inside], allow_degenerate=False)
    return Mesh(origin + spacing * v.astype(np.float64), f)
