"""What the checks of a scene look at: the mesh in front of the camera, what is in view and what is shown."""
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..renderer import BoundaryRenderer, DepthRenderer
from ..topology import get_half_edges, get_vert_connectivity

__all__ = ["Scene"]

SAME_PLACE = 1e-7  # of the extent of the mesh: vertices as near as this lie in the same place


class Scene:
    """The scene of a renderer. Everything is computed when asked for, and kept.

    Parameters
    ----------
    rn : BaseRenderer
    """

    def __init__(self, rn):
        self.rn = rn
        self.faces = rn.faces
        self.points = rn._camera_points
        self.frustum = rn._checked_frustum

    @property
    def draws_outlines(self):
        """Whether the image shows silhouette edges."""
        return isinstance(self.rn, BoundaryRenderer) or self.rn.draws_outlines

    # ------------------------------------------------------------------ mesh

    @cached_property
    def half_edges(self):
        """Edge, face and direction of each side, see `get_half_edges`."""
        return get_half_edges(len(self.points), self.faces)

    @cached_property
    def repeats_a_vertex(self):
        """(F,) bool"""
        return (self.faces == np.roll(self.faces, 1, axis=1)).any(axis=1)

    @cached_property
    def used(self):
        """Whether a face uses each vertex, (V,) bool."""
        used = np.zeros(len(self.points), bool)
        used[self.faces] = True
        return used

    @cached_property
    def place(self):
        """Number of the place of each vertex, (V,): vertices that coincide have the same."""
        places, place = np.unique(self.points, axis=0, return_inverse=True)
        reach = SAME_PLACE * np.ptp(self.points[self.used], axis=0).max()
        a, b = cKDTree(places).query_pairs(reach, output_type="ndarray").T
        together = sp.coo_matrix((np.ones(len(a)), (a, b)), shape=(len(places), len(places)))
        return connected_components(together, directed=False)[1][place.ravel()]

    @cached_property
    def component(self):
        """Number of the connected component of each face, (F,). Unwelded seams connect."""
        faces = self.place[self.faces]
        joined = get_vert_connectivity(len(self.points), faces)
        _, label = connected_components(joined, directed=False)
        return np.unique(label[faces[:, 0]], return_inverse=True)[1].ravel()

    # ------------------------------------------------------------------ view

    @cached_property
    def pieces(self):
        """What the near plane leaves of the faces: corners (F', 3, 3) as u, v, z, and the face of each piece (F',)."""
        clipped = self.rn._clipped
        faces, parent = (self.faces, np.arange(len(self.faces))) if clipped is None else (clipped.faces, clipped.parent)
        return self.rn._extended_screen[faces], parent

    @cached_property
    def in_view(self):
        """Whether the box of each face reaches pixel centres and is in the frustum, (F,) bool."""
        corners, parent = self.pieces
        low, high = corners.min(axis=1), corners.max(axis=1)
        last = self.frustum["width"] - 1, self.frustum["height"] - 1, self.frustum["far"]
        in_view = np.zeros(len(self.faces), bool)
        in_view[parent[(high[:, :2] >= 0).all(axis=1) & (low <= last).all(axis=1)]] = True
        return in_view

    @cached_property
    def depth_range(self):
        """Least and greatest camera depth of the connected component of each face, two arrays (F,)."""
        z = self.points[self.faces, 2]
        least, greatest = np.full(len(z), np.inf), np.full(len(z), -np.inf)
        np.minimum.at(least, self.component, z.min(axis=1))
        np.maximum.at(greatest, self.component, z.max(axis=1))
        return least[self.component], greatest[self.component]

    @cached_property
    def out_of_view(self):
        """Whether no face of the connected component of each face is in view, (F,) bool."""
        return np.bincount(self.component, weights=self.in_view)[self.component] == 0

    @cached_property
    def shown(self):
        """Whether a pixel shows each face, (F,) bool."""
        rn = self.rn
        face_id = rn._seen_faces.face_id if isinstance(rn, DepthRenderer) else rn.pixels.face_id  # behind a background
        shown = np.zeros(len(self.faces), bool)
        shown[face_id[face_id >= 0]] = True
        return shown

    @cached_property
    def pixel_area(self):
        """Area of each face on the screen, as far as it is in front of the near plane, (F,)."""
        corners, parent = self.pieces
        (bu, bv), (cu, cv) = np.moveaxis(corners[:, 1:, :2] - corners[:, :1, :2], 0, 2)
        return np.bincount(parent, weights=0.5 * np.abs(bu * cv - bv * cu), minlength=len(self.faces))
