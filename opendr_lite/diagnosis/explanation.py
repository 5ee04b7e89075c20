"""Why the derivative of an image with respect to a node is zero, in words.

The node x changes the image through the inputs of the renderer. For each of them it is asked: does the input change
with x, does a pixel show what changes, does the image change with it there. A random change of x answers for all
changes of it at once, as a sum that is zero by chance has probability zero.
"""
import numpy as np

from ..ch import Ch
from ..ch.differentiation import nodes_below, resolve_view
from ..renderer import BoundaryRenderer, ColoredRenderer, SilhouetteRenderer
from ..renderer.base import BaseRenderer
from ..renderer.pixel_jacobian import SeenFaces
from ..renderer.soft import SoftBase
from .report import listed
from .scene import Scene

__all__ = ["explain_derivative"]

ALONG_RAYS = "it moves along the rays of the camera"
ROUNDING = 1e-12  # of the largest value of an image: smaller differences are none


def explain_derivative(rn, x):
    """Why the derivative of an image with respect to x is zero.

    Parameters
    ----------
    rn : ColoredRenderer, TexturedRenderer, DepthRenderer, SilhouetteRenderer or BoundaryRenderer
    x : Ch
        A free variable, a view of one such as ``v[7]``, or any other node.

    Returns
    -------
    str or None
        None where the image may change with x, in however small a part of either. Otherwise the reason, which holds
        for the scene as it is now.

    Examples
    --------
    >>> explain_derivative(SilhouetteRenderer(camera=camera, f=f, frustum=frustum), light)
    'light is not an input of this image'
    """
    if not isinstance(rn, BaseRenderer):
        raise TypeError(f"rn must be a renderer, got {type(rn).__name__}")
    rn.r
    if not rn.is_dr_wrt(x):
        return _not_an_input(rn, x)
    if resolve_view(x)[0] is rn:
        return None
    change = np.random.default_rng(0).standard_normal(x.size)
    reasons = []
    for node in rn.inputs():
        if not node.is_dr_wrt(x):
            continue
        name = next(name for name in rn.dterms if getattr(rn, name, None) is node)
        if name == "camera" and rn.is_exact:  # of which the image is a function through `screen_points`
            continue
        moved = node.jvp(x, change)
        if moved.any():
            reason = (_of_soft_image if isinstance(rn, SoftBase) else REASONS[name])(rn, name, moved)
            if reason is None:
                return None
            reasons.append(reason)
        elif name == "camera" and rn.camera.v_cam.is_dr_wrt(x) and rn.camera.v_cam.jvp(x, change).any():
            reasons.append(ALONG_RAYS)
    because = ", and ".join(dict.fromkeys(reasons)) or "nothing that the image is made of changes with it here"
    return f"{because}: the derivative with respect to {_name_of(rn, x)} is zero"


# ---------------------------------------------------------------------- x is not below the image

def _not_an_input(rn, x):
    name = _name_of(rn, x)
    for term in rn.terms:
        node = getattr(rn, term, None)
        if isinstance(node, Ch) and node.is_dr_wrt(x):
            return f"`{term}` is given: images are not differentiated with respect to it"
    if x.is_dr_wrt(rn):
        return f"{name} is computed from this image, not this image from {name}"
    for owner in nodes_below(rn):
        for term in owner.dterms:
            node = getattr(owner, term, None)
            if isinstance(node, Ch) and node.shape == x.shape and np.array_equal(node.r, x.r):
                return (f"{name} is not an input of this image; `{term}` of {owner.short_name} is another node of "
                        "equal value: was the value given in the place of the node?")
    return f"{name} is not an input of this image"


def _name_of(rn, x):
    """What the renderer or its camera call x, or what it is a part of."""
    base, indices = resolve_view(x)
    for owner in (rn, rn.camera, rn.camera.v_cam):
        for name in owner.dterms:
            if getattr(owner, name, None) is base:
                return f"`{name}`" if indices is None else f"this part of `{name}`"
    return getattr(x, "label", None) or "x"


# ---------------------------------------------------------------------- inputs that change, but not the image

def _of_projections(rn, name, moved):
    """Of positions on the screen, `camera` and `cut_pixels`."""
    node, local = getattr(rn, name), rn._local_map(getattr(rn, name))
    rows = moved.reshape(node.shape)[:, :2].any(axis=1)
    if not rows.any():
        return ALONG_RAYS
    if name == "camera":
        reason = _not_shown(rn, rows, rn.corners, *VERTICES)
        if reason:
            return reason
        seen = (rn.corners[:, 0] >= 0) & rows[rn.corners].any(axis=1)
    else:
        seen = np.zeros(len(rn.corners), bool)
        seen[rn._cut[rows]] = True
    motion, unit = moved.reshape(node.shape).copy(), np.zeros((2,) + node.shape)
    unit[0, :, 0] = unit[1, :, 1] = 1.0
    gradient = [np.abs((local @ each.ravel()).reshape(len(seen), -1)[seen]).max() for each in unit]
    constant = np.array(gradient) <= ROUNDING * np.abs(rn.r).max()
    if constant.all():
        return _constant(rn, seen)
    motion[:, :2][:, constant] = 0.0  # what the gradient is there is rounding
    return None if (local @ motion.ravel()).any() else "the image does not vary in the directions in which it moves"


def _of_screen_points(rn, name, moved):
    """Of positions on the screen and in depth, where the derivative is exact."""
    change = rn._local_map(rn.screen_points) @ moved
    if np.abs(change).max() > ROUNDING * np.abs(rn.r).max() * np.abs(moved).max():
        return None
    moved = moved.reshape(-1, 3)
    if rn.camera.is_affine and not moved[:, :2].any():
        return ALONG_RAYS
    rows = moved[:len(rn.screen)].any(axis=1)
    seen = (rn.corners[:, 0] >= 0) & rows[rn.corners].any(axis=1)
    return _not_shown(rn, rows, rn.corners, *VERTICES) or _constant(rn, seen)


def _constant(rn, seen):
    """What is constant, in an image without a gradient at some pixels that show a face, (h w,) bool."""
    image = rn.r.reshape(len(seen), -1)
    if np.ptp(image, axis=0).max() > ROUNDING * np.abs(image).max():
        return "the image does not vary around the pixels that show what it moves"
    if not (rn.corners[:, 0] >= 0).all():
        return "the mesh looks like its background"
    if isinstance(rn, SilhouetteRenderer):
        return "the mesh covers the whole image, so that no silhouette is visible"
    what = _product(rn._factor_names) if isinstance(rn, ColoredRenderer) else "depth"
    return f"the mesh covers the whole image, and {what} is constant over what is seen of it"


def _of_colors(rn, name, moved):
    """Of the factors of a colour."""
    if (rn._local_map(getattr(rn, name)) @ moved).any():
        return None
    factor = rn._factor(name, rn.pixels)
    rows = (factor.spread @ moved).reshape(factor.values.shape).any(axis=1)
    if not rows.any():
        return "only the first channels of it are drawn"
    taps = rn.corners if factor.taps is None else factor.taps
    return _not_shown(rn, rows, taps, *POINTS[name]) or _scaled_by_zero(rn, name, taps, rows) or NO_WEIGHT


def _of_depths(rn, name, moved):
    """Of the camera depths of the vertices."""
    if not (rn._local_map(rn.vertex_depth) @ moved).any():
        return _not_shown(rn, moved != 0, rn.corners, *VERTICES) or NO_WEIGHT


def _of_texture_coordinates(rn, name, moved):
    if rn.texture_filter == "nearest":
        return "texture_filter='nearest' makes the image piecewise constant in `vt`"
    texture = rn.texture_image.r
    if np.ptp(texture, axis=(0, 1)).max() <= ROUNDING * np.abs(texture).max():
        return "`texture_image` is constant"
    change = np.abs(rn._local_map(rn.vt) @ moved).max()
    if change > ROUNDING * np.abs(texture).max() * np.abs(moved).max():
        return None
    rows = moved.reshape(rn.vt.shape)[:, :2].any(axis=1)
    if not rows.any():
        return "only the first two columns of `vt` are coordinates"
    taps = SeenFaces(rn.pixels.face_id.ravel(), rn._texture_mesh[1]).taps
    return (_not_shown(rn, rows, taps, "texture coordinate {} is", "texture coordinates {} are")
            or _scaled_by_zero(rn, "texture_image", taps, rows)
            or "`texture_image` does not vary where it is looked up")


def _of_background(rn, name, moved):
    if getattr(rn, "background_image", None) is not None:
        return "`background_image` is given, so `bgcolor` has no effect"
    if not (rn._local_map(rn.bgcolor) @ moved).any():
        return ("only the first channels of it are drawn" if (rn.corners[:, 0] < 0).any()
                else "no pixel shows the background")


def _of_soft_image(rn, name, moved):
    """Of whatever a soft image is made of."""
    local = rn._local_map(getattr(rn, name))
    if local is None:
        return f"the image is piecewise constant in `{name}`, or something else that is given replaces it"
    if not (local @ moved).any():
        return "no face that it changes reaches a pixel, or the pixels that they reach do not change with it"


REASONS = {"camera": _of_projections, "cut_pixels": _of_projections, "screen_points": _of_screen_points,
           "vertex_depth": _of_depths,
           "vc": _of_colors, "fc": _of_colors, "texture_image": _of_colors, "vt": _of_texture_coordinates,
           "bgcolor": _of_background}
"""Of each input of a renderer: why the image does not change, though the input does; None where it may."""

VERTICES = "vertex {} is", "vertices {} are"
POINTS = {"vc": VERTICES, "fc": ("face {} is", "faces {} are"), "texture_image": 2 * ("these texels are",)}
"""What the points of a factor are called, one and several; texels are those of all levels, so without their indices."""


def _not_shown(rn, rows, taps, one, several):
    """Why no pixel depends on any of some points, (points,) bool; None where one does."""
    seen = taps[:, 0] >= 0
    if not seen.any():
        return _nothing_shown(rn)
    if not rows[taps[seen]].any():
        which = np.flatnonzero(rows)
        subject = (one if len(which) == 1 else several).format(listed(which))
        return f"{subject} {'on no visible outline' if isinstance(rn, BoundaryRenderer) else 'in no visible face'}"


def _nothing_shown(rn):
    if (rn.pixels.face_id >= 0).any():
        return ("no outline is visible" if isinstance(rn, BoundaryRenderer)
                else "`background_image` is nearer than the mesh everywhere")
    scene = Scene(rn)
    nearest, farthest = scene.depth_range
    where = ("in view, but not at the centre of any pixel" if scene.in_view.any()
             else "behind the near plane" if (farthest < scene.frustum["near"]).all()
             else "beyond frustum['far']" if (nearest > scene.frustum["far"]).all()
             else "off screen")
    return f"the camera sees no face (the mesh is {where})"


def _scaled_by_zero(rn, name, taps, rows):
    """Why pixels that show some points of a factor do not change with them; None where the others do not say."""
    seen = (taps[:, 0] >= 0) & rows[taps].any(axis=1)
    scale = np.broadcast_to(rn._product_without(name), (len(taps), rn._channels))
    if not scale[seen].any():
        return f"{_product(other for other in rn._factor_names if other != name)} is zero where it is seen"


def _product(names):
    return " times ".join(f"`{name}`" for name in names)


NO_WEIGHT = "the pixels that show it give it no weight"
