"""One scene, seen by many cameras.

A multi-view residual is a `Batch` of what each camera sees less what it should see. Cameras differ; the mesh, its faces
and its light are nodes that all views share: none of them is copied, and each is computed once for all views.

    residual = Views(renderer, cameras=[(rt, t), ...], images=photographs)
    ch.minimize({"views": residual, "smooth": prior}, x0=[vertices])
"""
import numpy as np

from .ch import Batch, Ch

__all__ = ["Views", "seen_by"]


class Views(Batch):
    """Differences between rendered and observed images, one for each view.

    A node of shape (views, height, width[, channels]); the vector of all entries where views have different shapes.
    Values, products with the Jacobian and normal equations are those of the single views, computed side by side; the
    Jacobian of a view is not kept once its part of the normal equations is known.

    Parameters
    ----------
    renderers : list of Ch, or Ch
        A renderer for each view; or one of them, for the scene, with `cameras`.
    images : sequence of arrays, optional
        What was observed, as (views, height, width[, channels]) or a list. By default nothing is subtracted.
    cameras : sequence, optional
        For each view what `seen_by` takes: (rt, t), a dict of what differs, or a camera.
    residual : callable, optional
        Takes the rendered image, a node, and the observed one, an array, and returns a node. By default their
        difference, of images of the same shape. For a pyramid of each view,
        ``lambda rendered, image: gaussian_pyramid(rendered - image, normalization="size")``.

    Attributes
    ----------
    renderers : tuple of Ch
    parts : tuple of Ch
        The residuals.
    chosen : tuple of int, or None
        The views in use, see `Batch`.

    Examples
    --------
    >>> import numpy as np
    >>> from opendr_lite import ch, ProjectPoints, SilhouetteRenderer
    >>> v = ch.array([[-1.0, -1, 4], [1, -1, 4], [0, 1, 4]])
    >>> scene = SilhouetteRenderer(camera=ProjectPoints(v=v, f=[20, 20], c=[16, 12]), f=[[0, 1, 2]],
    ...                            frustum={"near": 1, "far": 10, "width": 33, "height": 25})
    >>> nearer, farther = (np.zeros(3), [0, 0, 0]), (np.zeros(3), [0, 0, 1])
    >>> Views(scene, cameras=[nearer, farther], images=np.zeros((2, 25, 33))).shape
    (2, 25, 33)
    """

    def __new__(cls, renderers=None, images=None, cameras=None, residual=None):
        if renderers is None:  # a copy, which gets its state otherwise
            return super().__new__(cls)
        renderers = _all_renderers(renderers, cameras)
        views = super().__new__(cls, _residuals(renderers, images, residual))
        views.renderers = tuple(renderers)
        return views


def seen_by(renderer, camera):
    """A renderer of the same scene, with another camera.

    Parameters
    ----------
    renderer : BaseRenderer
        Its `f`, colours and other terms are shared, and the vertices of its camera.
    camera : (rt, t), dict, or Ch
        Rotation vector and translation; or the terms of the renderer's camera that differ, by name, such as
        ``{"rt": rt, "t": t, "f": f}``; arrays or nodes. Or another camera, which gets the vertices if it has none.

    Returns
    -------
    BaseRenderer
    """
    twin = renderer.copy()
    if isinstance(camera, Ch):
        if getattr(camera, "v", None) is None:
            camera.v = renderer.v
        twin.camera = camera
        return twin
    if not isinstance(camera, dict):
        if not isinstance(camera, (tuple, list)) or len(camera) != 2:
            raise TypeError("camera must be a pair (rt, t), a dict of a camera's terms, or a camera, got "
                            f"{camera!r:.80}")
        camera = dict(zip(("rt", "t"), camera))
    twin.camera = renderer.camera.copy()
    unknown = sorted(name for name in camera if not hasattr(twin.camera, name))
    if unknown:
        raise ValueError(f"{type(twin.camera).__name__} has no {', '.join(map(repr, unknown))}: a camera is given by "
                         f"its terms, {', '.join(map(repr, twin.camera.term_order))}")
    twin.camera.set(**camera)
    return twin


def _all_renderers(renderers, cameras):
    """A renderer for each view. What is known of the faces after the first was drawn is passed on to the others."""
    if cameras is None:
        if isinstance(renderers, Ch):
            raise TypeError("renderers must be a list of them, or one with cameras; got one without")
        renderers = list(renderers) if np.iterable(renderers) else renderers
        if not renderers or not isinstance(renderers, list):
            raise TypeError(f"renderers must be a list of one for each view, got {renderers!r:.80}")
        for position, renderer in enumerate(renderers):
            if not isinstance(renderer, Ch):
                raise TypeError(f"renderers[{position}] must be a renderer, got {type(renderer).__name__}")
        return renderers
    if not isinstance(renderers, Ch):
        raise TypeError(f"with cameras, renderers must be one renderer, the scene, got {type(renderers).__name__}")
    cameras = list(cameras)
    if not cameras:
        raise ValueError("cameras is empty: expected one for each view")
    first = seen_by(renderers, cameras[0])
    _ = first.r
    return [first, *(seen_by(first, camera) for camera in cameras[1:])]


def _residuals(renderers, images, residual):
    """The residual of each view."""
    if images is None:
        if residual is not None:
            raise ValueError("residual is given, but no images that it could compare with")
        return renderers
    if not np.iterable(images):
        raise TypeError(f"images must be a sequence of them, one for each view, got {images!r}")
    images = [np.asarray(image, dtype=np.float64) for image in images]
    if len(images) != len(renderers):
        raise ValueError(f"images must be one for each of the {len(renderers)} views, got {len(images)}")
    if residual is not None and not callable(residual):
        raise TypeError(f"residual must take the rendered image and the observed one, got {type(residual).__name__}")
    for position, image in enumerate(images):
        if not np.isfinite(image).all():
            raise ValueError(f"images[{position}] has {np.count_nonzero(~np.isfinite(image))} entries that are NaN or "
                             "infinite")
    if residual is not None:
        return [residual(renderer, image) for renderer, image in zip(renderers, images)]
    for position, (renderer, image) in enumerate(zip(renderers, images)):
        if image.shape != renderer.shape:
            raise ValueError(f"images[{position}] must have the shape of what is rendered, {renderer.shape}, got "
                             f"{image.shape}")
    return [renderer - image for renderer, image in zip(renderers, images)]
