"""What is seen: which face each pixel shows, and where its boundaries are.

One pass for a mesh and a camera serves every image and every derivative:

    camera ──► screen (u, v, z) ──► clipping ──► stand-in ──► filled surface ──┐
                                                    │                          ├──► pixels: face, barycentrics, depth
                                                    └─────► silhouette edges ──┘      (edges with overdraw only)

The stand-in (`stand_in`) is what kernels are given to draw, and takes what they find back to what the camera sees: of a
perspective camera that is the same.
"""
from typing import NamedTuple

import numpy as np

from ..camera import Camera
from ..ch import Ch, depends_on
from ..inputs import check_count
from ..kernels.clipping import clip_near, extend_vertices, to_parents
from ..kernels.cpu.edges import draw_lines, draw_lines_at
from ..kernels.cpu.rasterize import rasterize
from ..kernels.cpu.silhouettes import move_onto_lines, silhouette_edges, wireframe
from ..topology import as_faces, get_faces_per_edge, get_vertices_per_edge
from .stand_in import stand_in_of

__all__ = ["EMPTY", "Pixels", "Visibility", "check_frustum"]

EMPTY = 4294967295  # in visibility_image and boundaryid_image, a pixel that shows nothing
EDGE_DEPTH_TOLERANCE = 1e-3  # an edge lies on the surfaces that it joins, up to this much of its depth


class Pixels(NamedTuple):
    """What each pixel shows.

    Attributes
    ----------
    face_id : (h, w) int32
        -1 where no face is seen.
    barycentric : (h, w, 3) float64
    depth : (h, w) float64
        `far` where no face is seen.
    """

    face_id: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray


class CutEdges(NamedTuple):
    """Edges as far as they are in front of the near plane.

    Attributes
    ----------
    ends : (E, 2) int32
        Indices into the extended screen.
    start, length : (E,) float64, or None where no face is clipped
        Where on the whole edge, from 0 to 1, the part in front begins, and how long it is.
    """

    ends: np.ndarray
    start: np.ndarray
    length: np.ndarray

    def along_whole(self, edge, along):
        """Where on the whole edges the points are that are at `along` on their parts in front."""
        return along if self.start is None else self.start[edge] + self.length[edge] * along


class Visibility(Ch):
    """A mesh in front of a camera, and what is seen of it; see `BaseRenderer` for the attributes."""

    terms = "f", "frustum"
    dterms = "camera",

    def copy(self):
        """As of any node; what is known of the faces is known of the copy."""
        twin = super().copy()
        twin._memo.update((key, entry) for key, entry in self._memo.items() if entry[0] == {"f"})
        return twin

    __copy__ = copy

    # ------------------------------------------------------------------ the scene

    @property
    def v(self):
        """The vertices, a node: the camera's."""
        return self._needed("camera").v

    @v.setter
    def v(self, value):
        self._needed("camera").v = value

    @property
    def image_size(self):
        """(height, width) in pixels."""
        frustum = self._checked_frustum
        return frustum["height"], frustum["width"]

    @depends_on("frustum")
    def _checked_frustum(self):
        return check_frustum(self._needed("frustum"))

    def _needed(self, name):
        value = getattr(self, name, None)
        if value is None:
            raise AttributeError(f"{type(self).__name__} has no {name} yet: set it, as in rn.set({name}=...)")
        return value

    @depends_on("f", "camera")
    def faces(self):
        """The faces as int32, checked against the number of vertices."""
        return self._faces_among(len(self.screen))

    @depends_on("f")
    def _faces_among(self, num_vertices):
        f = as_faces(self._needed("f"), num_vertices)
        if not len(f):
            raise ValueError(f"f must have at least one face, got none, with {num_vertices} vertices: the mesh is "
                             "empty")
        return f.astype(np.int32)

    @depends_on("f")
    def primitives_per_edge(self):
        """(faces per edge, vertices per edge): (E, 2) int32 each, a face -1 where there is only one."""
        f = as_faces(self._needed("f"), np.iinfo(np.int32).max)
        num_vertices = int(f.max(initial=0)) + 1
        vpe = get_vertices_per_edge(num_vertices, f)
        return get_faces_per_edge(num_vertices, f, vpe), vpe

    fpe = property(lambda self: self.primitives_per_edge[0], doc="Faces per edge, (E, 2); -1 for none.")
    vpe = property(lambda self: self.primitives_per_edge[1], doc="Vertices per edge, (E, 2).")

    @property
    def _checked_camera(self):
        camera = self._needed("camera")
        if not isinstance(camera, Camera):
            raise TypeError(f"camera must be a Camera, such as ProjectPoints, got {type(camera).__name__}")
        return camera

    @property
    def _camera_points(self):
        """Vertices in camera space, (V, 3)."""
        return self._checked_camera.v_cam.r.reshape(-1, 3)

    @depends_on("camera")
    def screen(self):
        """Vertices on the screen, (V, 3) float64: u and v in pixels, z in camera space."""
        return self._checked_camera.screen

    # ------------------------------------------------------------------ visibility

    @depends_on("f", "frustum", "camera")
    def _clipped(self):
        return clip_near(self._camera_points, self.faces, self._checked_frustum["near"])

    @depends_on("f", "frustum", "camera")
    def _extended_screen(self):
        """The screen, followed by what clipping adds."""
        if self._clipped is None:
            return self.screen
        added = extend_vertices(self._camera_points, self._clipped)[len(self.screen):]
        added[:, 2] = self._checked_frustum["near"]  # whatever the rounding
        return np.concatenate([self.screen, np.column_stack([self.camera.project_camera_points(added), added[:, 2]])])

    @property
    def _kind_of_stand_in(self):
        return stand_in_of(self._checked_camera)

    @depends_on("camera")
    def _homogeneous_screen(self):
        """The screen, with homogeneous weights in the place of z."""
        return self._kind_of_stand_in.homogeneous(self.screen)

    @depends_on("f", "frustum", "camera")
    def _stand_in(self):
        """What kernels draw, see `stand_in`."""
        return self._kind_of_stand_in(self._extended_screen, self._clipped_faces, self._checked_frustum["far"])

    @property
    def _clipped_faces(self):
        return self.faces if self._clipped is None else self._clipped.faces

    @depends_on("f", "frustum", "camera")
    def _clipped_surface(self):
        """Pixels of the filled faces in the stand-in, as those of what is left of them by the near plane."""
        height, width = self.image_size
        return Pixels(*rasterize(self._stand_in.screen, self._clipped_faces, width, height, self._stand_in.far))

    @depends_on("f", "frustum", "camera")
    def surface(self):
        """Pixels of the filled faces."""
        return Pixels(*self._of_whole_faces(self._clipped_surface))

    def _of_whole_faces(self, pixels):
        """What pixels of the stand-in of the clipped mesh show, as (face_id, barycentric, depth) of the mesh."""
        pixels = self._stand_in.on_faces(pixels)
        if self._clipped is None:
            return pixels
        return *to_parents(pixels[0], pixels[1], self._clipped), pixels[2]

    @depends_on("f", "camera")
    def silhouette_edges(self):
        """Edges where the surface turns away from the camera or ends: (S,) indices into vpe."""
        return silhouette_edges(self._kind_of_stand_in.homogeneous(self._camera_points), self.faces, self.fpe)

    @depends_on("f", "frustum", "camera")
    def _boundary(self):
        """(position in silhouette_edges or -1, position along the edge) of each pixel."""
        edges = self._cut_edges(self.vpe[self.silhouette_edges])
        edge, along = draw_lines(self._stand_in.screen, edges.ends, self._clipped_surface.depth, EDGE_DEPTH_TOLERANCE)
        seen = np.flatnonzero(edge >= 0)
        along.ravel()[seen] = self._along_edges(edges, edge.ravel()[seen], along.ravel()[seen])
        return edge, along

    def _along_edges(self, edges, edge, along):
        """Where on whole edges points are, from where they are on those of `edges` in the stand-in."""
        return edges.along_whole(edge, self._stand_in.on_edges(edges.ends[edge], along))

    def _cut_edges(self, edges):
        """The given edges, (E, 2), in front of the near plane."""
        if self._clipped is None:
            return CutEdges(edges, None, None)
        ends = edges.copy()
        position = np.tile([0.0, 1.0], (len(ends), 1))
        num_vertices = len(self.screen)
        behind = self._camera_points[ends, 2] < self._checked_frustum["near"]
        ends[behind.all(axis=1)] = 0  # a line without length marks no pixel
        crossing = np.flatnonzero(behind[:, 0] != behind[:, 1])
        keys = self._clipped.new_vertices.astype(np.int64) @ [num_vertices, 1]
        new = np.searchsorted(keys, ends[crossing].astype(np.int64) @ [num_vertices, 1])
        end = np.where(behind[crossing, 0], 0, 1)
        ends[crossing, end] = num_vertices + new
        position[crossing, end] = self._clipped.weight[new]
        return CutEdges(ends, position[:, 0], position[:, 1] - position[:, 0])

    @depends_on("f", "frustum", "camera")
    def surface_with_edges(self):
        """Pixels of the filled faces; those on a silhouette edge show the nearest line of the wireframe instead.

        That line is on the surface that the silhouette bounds, so the pixel moves with the vertices at its ends. The
        wireframe is that of the faces seen, and the silhouette edges themselves.
        """
        edge_at, _ = self._boundary
        drawn = np.flatnonzero(edge_at.ravel() >= 0)
        if not drawn.size:
            return self.surface
        edges = self._cut_edges(self.vpe)
        wire, seen = wireframe(self.surface.face_id, self.silhouette_edges, edge_at, drawn, edges.ends, self.fpe,
                               self._extended_screen, len(self.faces))
        line, along = draw_lines_at(drawn, self._stand_in.screen, edges.ends[wire], self._clipped_surface.depth)
        line = wire[line]
        return Pixels(*move_onto_lines(drawn, line, self._along_edges(edges, line, along), self.vpe, self.fpe, seen,
                                       self.faces, self.screen, self.surface))


def check_frustum(frustum):
    """The frustum with numbers checked and sizes as int.

    Raises
    ------
    TypeError, ValueError
        Unless 0 < near < far are finite and width and height are positive integers.
    """
    try:
        near, far = float(frustum["near"]), float(frustum["far"])
        width, height = frustum["width"], frustum["height"]
    except KeyError as error:
        raise ValueError(f"frustum lacks {error}: expected {{'near', 'far', 'width', 'height'}}") from None
    except (TypeError, ValueError, IndexError):
        raise TypeError(f"frustum must be a dict {{'near', 'far', 'width', 'height'}} of numbers, got "
                        f"{frustum!r:.80}") from None
    if not 0.0 < near < far < np.inf:
        raise ValueError(f"frustum: expected 0 < near < far, both finite; got near = {near:g}, far = {far:g}")
    return {"near": near, "far": far, "width": check_count(width, "frustum: width"),
            "height": check_count(height, "frustum: height")}
