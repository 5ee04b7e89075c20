"""Checks of a scene: a function for each thing that may be found.

Each takes a `Scene` and gives a `Finding`; one without entries says that there is nothing to report. What they say of
derivatives follows from `renderer.base` and `kernels.cpu.silhouettes`: an edge is an outline where it has one face
alone, or where of its two faces one shows its front and the other its back.
"""
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ..renderer.base import BaseRenderer
from ..renderer.soft import SoftBase
from .report import NOTE, WARNING, Finding, SceneReport
from .scene import Scene

__all__ = ["check_scene"]

NO_AREA = 1e-12  # of the square of the longest side
MANY = 0.5  # share of faces smaller than a pixel from which on the derivative suffers as a whole
NO_OUTLINES = "None on this image: without overdraw no outlines are drawn, and all differences are central."
BORDERS = ("Both sides are borders: exact for what moves as a whole, but where a crack opens the derivative lacks what is "
           "behind it, and area-sampling their pixels takes time.")
NOTHING_SHOWN = "No pixel shows them: the image does not change with them, so that nothing pulls them into the picture."


def check_scene(rn):
    """Look for what makes the derivative of an image poor or zero.

    Parameters
    ----------
    rn : ColoredRenderer, TexturedRenderer, DepthRenderer, SilhouetteRenderer or BoundaryRenderer

    Returns
    -------
    SceneReport
        An iterable of findings, each with its indices, what it does to the derivative, and what to do. It prints as a
        text, and is true (`report.ok`) where there is no warning.

    Examples
    --------
    >>> report = check_scene(rn)
    >>> print(report)
    ColoredRenderer: 1 warning, no notes
    warning: flipped faces: 1 of 80 (17)
        Effect: ...
        Remedy: ...
    >>> report["flipped faces"].which
    array([17])
    """
    if not isinstance(rn, BaseRenderer):
        raise TypeError(f"rn must be a renderer, got {type(rn).__name__}")
    scene = Scene(rn)
    findings = [check(scene) for check in CHECKS if not (check in OF_CENTRES and isinstance(rn, SoftBase))]
    return SceneReport(rn.short_name, [finding for finding in findings if finding.count])


# ---------------------------------------------------------------------- mesh

def unwelded_seams(scene):
    border = np.flatnonzero(scene.rn.fpe[:, 1] < 0)
    ends = np.sort(scene.place[scene.rn.vpe[border]], axis=1)
    border, ends = (array[ends[:, 0] != ends[:, 1]] for array in (border, ends))
    _, seam, sides = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    return Finding(
        "unwelded seams", "edges on unwelded seams", border[sides[seam.ravel()] > 1], len(scene.rn.vpe),
        effect="Both sides are borders, drawn as outlines and differentiated as occlusion boundaries, although the "
               "surface goes on." if scene.draws_outlines else _without_outlines(scene),
        remedy="Let the faces share vertices (a seam of the texture needs only ft), or draw no outlines "
               "(overdraw=False).",
        level=_level_of_outlines(scene))


def flipped_faces(scene):
    return Finding(
        "flipped faces", "faces wound against their neighbours", np.flatnonzero(_flipped(scene)), len(scene.faces),
        effect=("Between a front and a back there is an outline, although the surface goes on, and the true outline is "
                "missed there; " if scene.draws_outlines else f"{BORDERS[:-1]}; " if scene.rn.is_exact
                else "None by outlines, which are not drawn; ")
        + "in VertNormals, and so in the light, the normals of neighbours cancel.",
        remedy="Reverse them, f[which] = f[which][:, ::-1].",
        level=_level_of_outlines(scene))


def _flipped(scene):
    """The smaller side of each sheet, (F,) bool; where a sheet has only one, a face at each contradiction.

    Every face is two nodes of a graph, as it is and reversed, joined to those of its neighbours that go with it. A
    sheet is two components of the graph: its faces as they should be, and all of them reversed.
    """
    num_faces = len(scene.faces)
    edge, face, forward = (array[~scene.repeats_a_vertex[scene.half_edges[1]]] for array in scene.half_edges)
    order = np.argsort(edge, kind="stable")
    first = np.flatnonzero(np.bincount(edge)[edge[order]] == 2)[::2]  # sides of edges with two faces are in pairs
    one, other = order[first], order[first + 1]
    against = forward[one] == forward[other]
    a, b = face[one], face[other]
    start, end = np.r_[a, a + num_faces], np.r_[b + num_faces * against, b + num_faces * ~against]
    joined = sp.coo_matrix((np.ones(len(start)), (start, end)), shape=(2 * num_faces, 2 * num_faces))
    _, label = connected_components(joined, directed=False)
    as_is, reversed_ = label[:num_faces], label[num_faces:]
    size = np.bincount(as_is, minlength=label.max() + 1)
    flipped = (size[as_is] < size[reversed_]) | ((size[as_is] == size[reversed_]) & (as_is > reversed_))
    flipped[b[against & (as_is == reversed_)[b]]] = True
    return flipped


def degenerate_faces(scene):
    a, b, c = (scene.points[scene.faces[:, k]] for k in range(3))
    longest = np.max([((p - q) ** 2).sum(axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    no_area = np.linalg.norm(np.cross(b - a, c - a), axis=1) <= NO_AREA * longest
    return Finding(
        "degenerate faces", "faces without area", np.flatnonzero(scene.repeats_a_vertex | no_area), len(scene.faces),
        effect="They are never drawn, but as they turn neither to the camera nor away, the edges that they share with "
               "others may count as outlines." if scene.draws_outlines else "None on this image: they are not drawn.",
        remedy="Leave them out of f.",
        level=_level_of_outlines(scene))


def non_manifold_edges(scene):
    edge, face, _ = scene.half_edges
    once = np.unique(np.stack([edge, face]), axis=1)
    return Finding(
        "non-manifold edges", "edges of more than two faces",
        np.flatnonzero(np.bincount(once[0], minlength=len(scene.rn.vpe)) > 2), len(scene.rn.vpe),
        effect="The two faces with the lowest indices alone decide whether such an edge is an outline, so outlines may "
               "be missing or superfluous." if scene.draws_outlines else _without_outlines(scene),
        remedy="Take out faces that lie inside or twice in the same place, or give each sheet vertices of its own.",
        level=_level_of_outlines(scene))


def unused_vertices(scene):
    return Finding(
        "unused vertices", "vertices of no face", np.flatnonzero(~scene.used), len(scene.points),
        effect="No pixel depends on them: their columns of the Jacobian are zero.",
        remedy="Leave them out, or do not let them be free: an image does not determine them.")


def _without_outlines(scene):
    """What an edge that counts as a border or an outline does where none is drawn."""
    return BORDERS if scene.rn.is_exact else NO_OUTLINES


def _level_of_outlines(scene):
    return WARNING if scene.draws_outlines else NOTE


# ---------------------------------------------------------------------- view

def behind_near_plane(scene):
    return Finding(
        "behind the near plane", "vertices behind the near plane",
        np.flatnonzero(scene.used & (scene.points[:, 2] < scene.frustum["near"])), scene.used.sum(),
        effect="They are not on the screen: of all pixels only those of faces that the near plane cuts depend on them.",
        remedy="Move the mesh away from the camera (its z points forward), or, where z is positive, lower "
               "frustum['near'].")


def cut_faces(scene):
    behind = scene.points[scene.faces, 2] < scene.frustum["near"]
    return Finding(
        "cut faces", "faces that the near plane cuts",
        np.flatnonzero(behind.any(axis=1) & ~behind.all(axis=1)), len(scene.faces),
        effect="They are drawn as far as they are in front, and their pixels move as the points that they show.",
        remedy="None is needed where a surface is meant to reach behind the camera.",
        level=NOTE)


def off_screen(scene):
    nearest, farthest = scene.depth_range
    beside = (farthest >= scene.frustum["near"]) & (nearest <= scene.frustum["far"])
    return Finding(
        "off screen", "faces off screen", np.flatnonzero(scene.out_of_view & beside), len(scene.faces),
        effect=NOTHING_SHOWN,
        remedy="Start where the mesh overlaps the picture; check t, c and the sign of f.",
        remark=_components(scene, scene.out_of_view & beside))


def beyond_far(scene):
    beyond = scene.out_of_view & (scene.depth_range[0] > scene.frustum["far"])
    return Finding(
        "beyond far", "faces beyond the far plane", np.flatnonzero(beyond), len(scene.faces),
        effect=NOTHING_SHOWN,
        remedy="Raise frustum['far'], or move the mesh nearer.",
        remark=_components(scene, beyond))


def _components(scene, faces):
    """How many of the connected components the given faces, (F,) bool, are."""
    count, total = len(np.unique(scene.component[faces])), scene.component.max() + 1
    return f", {'all' if count == total else count} of {total} connected components" if total > 1 else ""


def empty_image(scene):
    faces = np.arange(len(scene.faces))
    return Finding(
        "empty image", "faces that no pixel shows", faces[:0] if scene.shown.any() else faces, len(faces),
        effect="The image is its background: all derivatives but those with respect to the background are zero.",
        remedy="Start where the mesh is in the picture; the other findings say where it is.")


def hidden_faces(scene):
    return Finding(
        "hidden faces", "faces in view that no pixel shows", np.flatnonzero(scene.in_view & ~scene.shown),
        scene.in_view.sum(),
        effect="They are behind others or between the centres of pixels: the image does not depend on their colours, "
               "nor on vertices that no other face shows.",
        remedy="None is needed, the far side of a mesh is hidden always; where all vertices are free, regularize.",
        level=NOTE)


def small_faces(scene):
    small = scene.shown & (scene.pixel_area < 1.0)
    shown = scene.shown.sum()
    share = small.sum() / max(shown, 1)
    return Finding(
        "small faces", "visible faces smaller than a pixel", np.flatnonzero(small), shown,
        effect="The image between the centres of pixels is not seen by differences of neighbours: the derivative is "
               "poor where most faces are as small.",
        remedy="Take a coarser mesh or a larger image; fit a pyramid first.",
        level=WARNING if share > MANY else NOTE,
        remark=f", {share:.0%}")


def texture_coordinates(scene):
    vt = scene.rn._texture_mesh[0] if getattr(scene.rn, "vt", None) is not None else np.empty((0, 2))
    return Finding(
        "texture coordinates", "texture coordinates outside [0, 1]",
        np.flatnonzero(((vt < 0) | (vt > 1)).any(axis=1)), len(vt),
        effect="The texture repeats there: the derivative with respect to a texel adds up over its repetitions.",
        remedy="None is needed where it is meant to repeat; coordinates that are in texels are to be divided by the "
               "size of the texture.",
        level=NOTE)


CHECKS = (unwelded_seams, flipped_faces, degenerate_faces, non_manifold_edges, unused_vertices, behind_near_plane,
          cut_faces, off_screen, beyond_far, empty_image, hidden_faces, small_faces, texture_coordinates)
OF_CENTRES = hidden_faces, small_faces  # about images of what is seen at the centres of pixels
