"""What all renderers share: which face each pixel shows, where its boundaries are, how it moves.

One visibility pass for a mesh and a camera serves every image and every derivative:

    camera ──► screen (u, v, z) ──► clipping ──► view ──► filled surface ──┐
                                                   │                       ├──► pixels: face, barycentrics, depth
                                                   └──► silhouette edges ──┘      (edges with overdraw only)

The view (`views`) is what kernels are given to draw, and takes what they find back to what the camera sees: of a
perspective camera that is the same.

The derivative of an image with respect to the projected vertices is OpenDR's (Loper and Black, ECCV 2014, section 4):
the surface seen at a pixel moves with its face, the image moves with the surface,

    dI[p, c] = -sum_d I_d[p, c] sum_k b_k dU[i_k, d]

with I_d the image gradient of `kernels.cpu.image_gradient`, b the barycentric coordinates and i the corners.

Of a face that crosses the near plane, corners behind the camera have no projection to average. A pixel of such a face
moves as the projection of the very point that it shows:

    dI[p, c] = -sum_d I_d[p, c] dU(x)[d],   x = sum_k b_k X[i_k].
"""
from typing import NamedTuple

import numpy as np

from ..camera import Camera
from ..ch import Ch, depends_on
from ..ch.linear_maps import Selection
from ..inputs import check_count
from ..kernels.clipping import clip_near, extend_vertices, to_parents
from ..kernels.cpu.edges import draw_lines, draw_lines_at
from ..kernels.cpu.image_gradient import gain_of_image
from ..kernels.cpu.pixels import taps_of_faces
from ..kernels.cpu.rasterize import rasterize
from ..kernels.cpu.silhouettes import move_onto_lines, silhouette_edges, wireframe
from ..kernels.cpu.surface_gradient import gain_of_motion, surface_gradient
from ..kernels.jit import read_only
from ..memory import empty
from ..topology import as_faces, get_faces_per_edge, get_vertices_per_edge
from .area_sampling import Mesh, Patched, area_samples
from .pixel_jacobian import DriftingMotion, PixelInterpolation, PixelMotion, SeenFaces
from .screen_points import ClippedPoints
from .views import view_of

__all__ = ["BaseRenderer", "EMPTY", "Pixels"]

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


class BaseRenderer(Ch):
    """A renderer of triangle meshes; subclasses say what is drawn.

    May be constructed empty; terms are given by keyword, by `set`, or by assignment.

    Attributes
    ----------
    camera : Camera
        Holds the vertices; `rn.v` is the camera's. Any of the models in `opendr_lite.camera`.
    f : (F, 3) array of int
        Corners of the faces. Winding does not matter, nothing is culled.
    frustum : dict
        'near', 'far' (camera depths, 0 < near < far), 'width', 'height' (pixels).
    overdraw : bool
        Draw silhouette edges over the image, one pixel wide, and take derivatives that do not look across them.
        True by default.
    derivative : str
        'opendr' (the default), or 'exact': pixels that edges cross are area-sampled, which leaves no use for `overdraw`,
        and the derivative is that of this image, with respect to what moves vertices on the screen and in depth.
    """

    terms = "f", "frustum", "overdraw", "derivative"
    dterms = "camera", "cut_pixels", "screen_points"
    initial_values = {"overdraw": True, "derivative": "opendr"}
    derivatives = "opendr", "exact"  # values of `derivative`
    drifts = False  # whether colours change as the surface moves, beside what it carries along

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

    def _check_derivative(self):
        if self.derivative not in self.derivatives:
            raise ValueError(f"{type(self).__name__}: derivative must be {' or '.join(map(repr, self.derivatives))}, got "
                             f"{self.derivative!r}")

    @property
    def is_exact(self):
        """Whether the derivative is 'exact'."""
        self._check_derivative()
        return self.derivative == "exact"

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
    def _kind_of_view(self):
        return view_of(self._checked_camera)

    @depends_on("camera")
    def _homogeneous_screen(self):
        """The screen, with homogeneous weights in the place of z."""
        return self._kind_of_view.homogeneous(self.screen)

    @depends_on("f", "frustum", "camera")
    def _view(self):
        """What kernels draw, see `views`."""
        return self._kind_of_view(self._extended_screen, self._clipped_faces, self._checked_frustum["far"])

    @property
    def _clipped_faces(self):
        return self.faces if self._clipped is None else self._clipped.faces

    @depends_on("f", "frustum", "camera")
    def _clipped_surface(self):
        """Pixels of the filled faces in the view, as those of what is left of them by the near plane."""
        height, width = self.image_size
        return Pixels(*rasterize(self._view.screen, self._clipped_faces, width, height, self._view.far))

    @depends_on("f", "frustum", "camera")
    def surface(self):
        """Pixels of the filled faces."""
        return Pixels(*self._of_whole_faces(self._clipped_surface))

    def _of_whole_faces(self, pixels):
        """What pixels of the view of the clipped mesh show, as (face_id, barycentric, depth) of the mesh."""
        pixels = self._view.on_faces(pixels)
        if self._clipped is None:
            return pixels
        return *to_parents(pixels[0], pixels[1], self._clipped), pixels[2]

    @depends_on("f", "camera")
    def silhouette_edges(self):
        """Edges where the surface turns away from the camera or ends: (S,) indices into vpe."""
        return silhouette_edges(self._kind_of_view.homogeneous(self._camera_points), self.faces, self.fpe)

    @depends_on("f", "frustum", "camera")
    def _boundary(self):
        """(position in silhouette_edges or -1, position along the edge) of each pixel."""
        edges = self._cut_edges(self.vpe[self.silhouette_edges])
        edge, along = draw_lines(self._view.screen, edges.ends, self._clipped_surface.depth, EDGE_DEPTH_TOLERANCE)
        seen = np.flatnonzero(edge >= 0)
        along.ravel()[seen] = self._along_edges(edges, edge.ravel()[seen], along.ravel()[seen])
        return edge, along

    def _along_edges(self, edges, edge, along):
        """Where on whole edges points are, from where they are on those of `edges` in the view."""
        return edges.along_whole(edge, self._view.on_edges(edges.ends[edge], along))

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
        line, along = draw_lines_at(drawn, self._view.screen, edges.ends[wire], self._clipped_surface.depth)
        line = wire[line]
        return Pixels(*move_onto_lines(drawn, line, self._along_edges(edges, line, along), self.vpe, self.fpe, seen,
                                       self.faces, self.screen, self.surface))

    @property
    def pixels(self):
        """What each pixel shows in this renderer's image, at its centre or, with overdraw, on an edge."""
        return self.surface_with_edges if self.overdraw and not self.is_exact else self.surface

    @property
    def corners(self):
        """Vertices of the face at each pixel, (h w, 3) int32; -1 first where there is none."""
        return self._seen_faces.taps

    @property
    def weights(self):
        """Barycentric coordinates of each pixel, (h w, 3)."""
        return self.pixels.barycentric.reshape(-1, 3)

    # ------------------------------------------------------------------ pictures of it

    @depends_on("f", "frustum", "camera", "overdraw", "derivative")
    def visibility_image(self):
        """Face seen at each pixel, (h, w) uint32; 4294967295 where there is none."""
        return self.pixels.face_id.astype(np.uint32)

    @property
    def barycentric_image(self):
        """Barycentric coordinates, on the face in space, at each pixel, (h, w, 3)."""
        return read_only(self.pixels.barycentric)

    @property
    def depth_image(self):
        """Camera-space z at each pixel, (h, w); `far` where there is nothing."""
        return read_only(self.pixels.depth)

    @depends_on("f", "frustum", "camera")
    def boundaryid_image(self):
        """Silhouette edge at each pixel, (h, w) uint32 index into vpe; 4294967295 where there is none."""
        edge, _ = self._boundary
        image = np.full(edge.shape, EMPTY, np.uint32)
        image[edge >= 0] = self.silhouette_edges[edge[edge >= 0]]
        return image

    @property
    def boundarybool_image(self):
        """1 where a silhouette edge is seen, else 0; (h, w) uint32."""
        return (self._boundary[0] >= 0).astype(np.uint32)

    def derivative_image(self, x, i=0):
        """How each pixel changes with one entry of a node: a column of the Jacobian as an image.

        By one product with the Jacobian, which is not formed.

        Parameters
        ----------
        x : Ch
            A node that this image is a function of, or a view of one.
        i : int or tuple of int
            The entry: an index into x.ravel(), or, as a tuple, into x.

        Returns
        -------
        ndarray of the shape of the image

        Raises
        ------
        ValueError
            If the image is no function of x.
        IndexError
            If x has no entry i.
        """
        if not self.is_dr_wrt(x):
            raise ValueError(f"x must be a node that the image is a function of; {x.short_name} of shape {x.shape} is "
                             "not below it")
        tangent = np.zeros(x.size)
        tangent[check_entry(i, x.shape)] = 1.0
        return self.jvp(x, tangent).reshape(self.shape)

    def flow_to(self, v_next, cam_next=None):
        """How far what is seen at each pixel moves.

        Parameters
        ----------
        v_next : (V, 3) array or node
            The vertices afterwards.
        cam_next : Camera, optional
            The camera afterwards; by default this one.

        Returns
        -------
        (h, w, 2) float64
            Displacement in pixels along u and v; 0 where nothing is seen.
        """
        if np.size(v_next) != self.v.size:
            raise ValueError(f"v_next must have the shape of v, {self.v.shape}, got {np.shape(v_next)}")
        seen = self.corners[:, 0] >= 0
        flow = np.zeros(self.image_size + (2,))
        if seen.any():
            cameras = self.camera, self.camera if cam_next is None else cam_next
            now, then = (_projected(camera, v, self.corners[seen], self.weights[seen])
                         for camera, v in zip(cameras, (self.v, v_next)))
            flow.reshape(-1, 2)[seen] = then - now
        return flow

    # ------------------------------------------------------------------ pixels that edges cross

    @depends_on("f", "frustum", "camera", "derivative")
    def screen_points(self):
        """The vertices, and what clipping adds, as `ScreenPoints`: an exact derivative is a function of them.

        None for another derivative.
        """
        if not self.is_exact:
            return None
        camera = self._checked_camera
        if self._clipped is not None:
            camera = camera.of_camera_points(ClippedPoints(camera.v_cam, self._clipped))
        return self._kind_of_view.points(camera)

    @depends_on("f")
    def _mesh(self, num_vertices):
        return Mesh(self._faces_among(num_vertices))

    def _area_samples(self, has_colors=True, scale=1.0):
        """The `AreaSamples` of the image, see `area_samples`."""
        mesh = self._mesh(len(self.screen)) if self._clipped is None else Mesh(self._clipped.faces)
        return area_samples(self._view.screen, mesh, self._clipped_surface, self._view.far, self._of_whole_faces,
                            (self._colors_at, self._gradient_at) if has_colors else None, scale)

    def _colors_at(self, pixels):
        """Colours of what points of the screen show, (n, C), in a subclass."""
        raise NotImplementedError

    def _gradient_at(self, pixels):
        """How they change over the screen, along the surface, (n, C, 2), in a subclass."""
        raise NotImplementedError

    def _colors_of(self, samples):
        """Colours of samples."""
        return self._colors_at(samples.pixels)

    def _gradient_of(self, samples):
        """Gradients of samples."""
        return self._gradient_at(samples.pixels)

    @depends_on("f", "frustum", "camera", "overdraw", "derivative")
    def _seen_points(self):
        """(indices (n,) of the pixels that show a face, what they show as of an image of height 1, u and v (n, 2))."""
        seen = np.flatnonzero(self.pixels.face_id >= 0)
        face_id, barycentric, depth = self.pixels
        width = self.image_size[1]
        return (seen, (face_id.ravel()[None, seen], barycentric.reshape(-1, 3)[None, seen], depth.ravel()[None, seen]),
                np.column_stack([seen % width, seen // width]).astype(np.float64))

    def _gain_of_surface(self):
        """By how much the colour at each pixel changes with the motion of what it shows, in h (u, v, 1), (N, C, 3)."""
        seen, points, position = self._seen_points
        return self._spread(self._gain_of_motion(self._gradient_at(points), position, points), seen)

    def _gain_of_motion(self, gradient, position, pixels):
        """`gain_of_motion` of what pixels show."""
        return gain_of_motion(gradient, position, self._kind_of_view.homogeneous_pixels(pixels)[2].ravel())

    def _surface_gradient(self, pixels, corners, values):
        """`surface_gradient` of values at given corners of the faces."""
        return surface_gradient(self._kind_of_view.homogeneous_pixels(pixels), self._homogeneous_screen, self.faces,
                                corners, values)

    def _spread(self, values, seen):
        """Values at some pixels as an array for all, undefined at the others."""
        result = empty((self.pixels.face_id.size,) + values.shape[1:])
        result[seen] = values
        return result

    def _drift_at(self, pixels, position):
        """How colours change that are not carried along with the surface, a `Drift`; of a renderer that `drifts`."""
        raise NotImplementedError

    def _exact_motion(self, samples, background):
        """Derivative of the image with respect to `screen_points`."""
        num_points = len(self._extended_screen)
        centres, by_points = self._centres(samples), self._view.gain_of_points
        gain = self._gain_of_surface()
        if not self.drifts:
            motion = PixelMotion(None, self.weights, by_points(gain), num_points, centres)
        else:
            seen, points, position = self._seen_points
            drift = self._drift_at(points, position)
            gain[seen] += drift.gain
            motion = DriftingMotion(self.weights, by_points(gain), num_points, centres,
                                    self._spread(drift.corners, seen), self._spread(by_points(drift.corner_gain), seen))
        if not len(samples.marked):
            return motion
        face_id, _, _ = samples.pixels
        gradient = self._gradient_of(samples)
        gain = self._gain_of_motion(gradient, samples.position, samples.pixels)
        drift = self._drift_at(samples.pixels, samples.position) if self.drifts else None
        rows = samples.motion_rows(self._view, self._colors_of(samples), gradient, gain, drift, background,
                                   self.faces[face_id[0]], num_points)
        return Patched(motion, samples.marked, rows)

    def _centres(self, samples):
        """`SeenFaces` of the pixels that are sampled at their centre."""
        face_id = self._seen_faces.face_id.copy()
        face_id[samples.marked] = -1
        return self._seen_faces._replace(face_id=face_id)

    # ------------------------------------------------------------------ how the image moves

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "background_image")
    def _cut(self):
        """Pixels of faces with a corner behind the near plane, (n,) indices."""
        if self._clipped is None:
            return np.empty(0, np.intp)
        behind = self.screen[:, 2] < self._checked_frustum["near"]
        return np.flatnonzero((self.corners[:, 0] >= 0) & behind[self.corners].any(axis=1))

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "background_image")
    def cut_pixels(self):
        """Projections of the points that the pixels of cut faces show, a node (n, 2); None without such pixels."""
        if self.is_exact or not self._cut.size:
            return None
        points = PointsOnFaces(self.camera.v_cam, self.corners[self._cut], self.weights[self._cut])
        return self.camera.of_camera_points(points)

    def _gain(self, image):
        """Change of an image of shape (h, w[, C]) when what its pixels show moves along u and v, a `Gain`."""
        return gain_of_image(image.reshape(self.image_size + (-1,)), self._boundary[0] >= 0 if self.overdraw else None)

    @depends_on("f", "frustum", "camera", "overdraw", "derivative")
    def _seen_faces(self):
        return SeenFaces(self.pixels.face_id.ravel(), self.faces)

    def _motion_wrt_camera(self, image):
        """Derivative of an image with respect to the camera's value: of the pixels whose faces are not cut."""
        seen = self._seen_faces
        if self._cut.size:
            face_id = seen.face_id.copy()
            face_id[self._cut] = -1
            seen = seen._replace(face_id=face_id)
        motion = PixelMotion(None, self.weights, self._gain(image), len(self.screen), seen)
        if self.camera.size == motion.shape[1]:
            return motion
        uv = np.arange(self.camera.size).reshape(len(self.screen), -1)[:, :2]
        return motion @ Selection(uv, self.camera.size)

    def _motion_wrt_cut_pixels(self, image):
        """Derivative of an image with respect to `cut_pixels`."""
        own = np.full((len(self.corners), 1), -1, np.int32)
        own[self._cut, 0] = np.arange(self._cut.size)
        return PixelMotion(own, np.ones(own.shape), self._gain(image), self._cut.size)


class PointsOnFaces(Ch):
    """sum_k weights[p, k] v[taps[p, k]], (N, 3)."""

    terms = "taps", "weights"
    dterms = "v",
    term_order = "v", "taps", "weights"

    def compute_r(self):
        return np.einsum("pk,pki->pi", self.weights, self.v.r.reshape(-1, 3)[self.taps])

    def compute_dr_wrt(self, wrt):
        return PixelInterpolation(self.taps, self.weights, np.ones((1, 3)), wrt.size // 3)


def _projected(camera, v, corners, weights):
    """Where points on faces of the mesh v are, (n, 2)."""
    camera = camera.copy()
    camera.v = v
    return camera.of_camera_points(PointsOnFaces(camera.v_cam, corners, weights)).r


def check_entry(i, shape):
    """The index into the ravelled array of the one entry that i, an int or a tuple, stands for; IndexError if none."""
    entries = np.arange(np.prod(shape, dtype=int))
    try:
        entry = entries.reshape(shape)[i] if isinstance(i, tuple) else entries[i]
    except IndexError:
        entry = entries
    if np.ndim(entry):
        raise IndexError(f"i must be an entry of x, of shape {shape}, as a tuple, or flat; got {i!r}")
    return entry


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
