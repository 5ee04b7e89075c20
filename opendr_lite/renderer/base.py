"""What all renderers share: which derivative an image has, and how it moves with what it shows.

The derivative of an image with respect to the projected vertices is OpenDR's (Loper and Black, ECCV 2014, section 4):
the surface seen at a pixel moves with its face, the image moves with the surface,

    dI[p, c] = -sum_d I_d[p, c] sum_k b_k dU[i_k, d]

with I_d the image gradient of `kernels.cpu.image_gradient`, b the barycentric coordinates and i the corners.

Of a face that crosses the near plane, corners behind the camera have no projection to average. A pixel of such a face
moves as the projection of the very point that it shows:

    dI[p, c] = -sum_d I_d[p, c] dU(x)[d],   x = sum_k b_k X[i_k].
"""
import numpy as np

from ..ch import depends_on
from ..ch.linear_maps import Selection
from ..kernels.cpu.image_gradient import gain_of_image
from ..kernels.cpu.surface_gradient import gain_of_motion, surface_gradient
from ..kernels.jit import read_only
from ..memory import empty
from .area_sampling import Mesh, Patched, area_samples
from .neural import neural_motion
from .pixel_jacobian import DriftingMotion, PixelMotion, SeenFaces
from .points_on_faces import PointsOnFaces, projected
from .screen_points import ClippedPoints
from .supersampling import finer_frustum, finer_picture, mean_of_four
from .visibility import EMPTY, Visibility

__all__ = ["BaseRenderer"]

class BaseRenderer(Visibility):
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
        'opendr' (the default). 'exact': pixels that edges cross are area-sampled, which leaves no use for `overdraw`,
        and the derivative is that of this image, with respect to what moves vertices on the screen and in depth.
        'neural': no outlines are drawn, and what moves vertices has no derivative, but the backward rule of
        `kernels.cpu.neural` (the Neural 3D Mesh Renderer, Kato et al., CVPR 2018): `vjp` alone.
    anti_aliasing : bool
        Average 2 x 2 pixels of an image that is twice as large, of which the derivative is taken; False by default.
        What is visible, as `visibility_image`, is that of the centres of the pixels all the same.
    """

    terms = "f", "frustum", "overdraw", "derivative", "anti_aliasing"
    dterms = "camera", "cut_pixels", "screen_points", "finer"
    initial_values = {"overdraw": True, "derivative": "opendr", "anti_aliasing": False}
    derivatives = "opendr", "exact", "neural"  # values of `derivative`
    drifts = False  # whether colours change as the surface moves, beside what it carries along

    # ------------------------------------------------------------------ which derivative

    def _check_derivative(self):
        if self.derivative not in self.derivatives:
            raise ValueError(f"{type(self).__name__}: derivative must be {' or '.join(map(repr, self.derivatives))}, got "
                             f"{self.derivative!r}")

    @property
    def is_exact(self):
        """Whether the derivative is 'exact'."""
        self._check_derivative()
        return self.derivative == "exact"

    @property
    def is_opendr(self):
        """Whether the derivative is 'opendr', one with respect to `camera`; others are so to `screen_points`."""
        self._check_derivative()
        return self.derivative == "opendr"

    @property
    def draws_outlines(self):
        """Whether silhouette edges are drawn over the image."""
        return self.overdraw and self.is_opendr

    # ------------------------------------------------------------------ the image

    def compute_image(self):
        """The image without anti-aliasing, in a subclass."""
        raise NotImplementedError

    def compute_image_dr_wrt(self, wrt):
        """Its derivative with respect to an input, in a subclass; see `Ch.compute_dr_wrt`."""
        raise NotImplementedError

    def _derivative(self, name):
        """The derivative with respect to the input of that name, or None, in a subclass that asks `_sum_over_names`."""
        raise NotImplementedError

    def _sum_over_names(self, wrt):
        """The derivative with respect to a node, which may be the input of several names; None if it has none."""
        parts = [part for part in (self._derivative(name) for name in self.dterms
                                   if getattr(self, name, None) is wrt) if part is not None]
        return sum(parts[1:], parts[0]) if parts else None

    def compute_r(self):
        if self.finer is None:
            return self.compute_image()
        return self._mean_of_finer.apply(self.finer.r.ravel()).reshape(self.image_size + self.finer.shape[2:])

    def compute_dr_wrt(self, wrt):
        if self.finer is None:
            return self.compute_image_dr_wrt(wrt)
        return self._mean_of_finer if wrt is self.finer else None

    @property
    def finer(self):
        """The renderer of twice as many pixels along each axis, of which this image is the mean, a node.

        None without anti-aliasing.
        """
        if self.anti_aliasing not in (True, False):
            raise ValueError(f"anti_aliasing must be True or False, got {self.anti_aliasing!r}")
        if not self.anti_aliasing:
            return None
        names = (name for name in self.terms + self.dterms if name not in self._aliases)
        wanted = {**{name: getattr(self, name, None) for name in names}, **self._finer_terms, "anti_aliasing": False}
        twin = self._twin  # kept, as is what it has computed
        with self._lock:
            twin.set(**{name: value for name, value in wanted.items() if getattr(twin, name, None) is not value})
        return twin

    @depends_on()
    def _twin(self):
        return type(self)()

    @property
    def _finer_terms(self):
        return {"camera": self._finer_camera, "frustum": self._finer_frustum, **self._finer_background}

    @depends_on("camera")
    def _finer_camera(self):
        return self._checked_camera.magnified(2)

    @depends_on("frustum")
    def _finer_frustum(self):
        return finer_frustum(self._checked_frustum)

    @depends_on("frustum", "background_image")
    def _finer_background(self):
        picture = getattr(self, "background_image", None)
        if picture is None:
            return {}
        if np.shape(picture)[:2] != self.image_size:
            raise ValueError(f"background_image must have the image's height and width, {self.image_size}, got shape "
                             f"{np.shape(picture)}")
        return {"background_image": finer_picture(picture)}

    @property
    def _mean_of_finer(self):
        height, width = self.image_size
        return mean_of_four(height, width, self.finer.size // (4 * height * width))

    # ------------------------------------------------------------------ what is seen

    @property
    def pixels(self):
        """What each pixel shows in this renderer's image, at its centre or, with overdraw, on an edge."""
        return self.surface_with_edges if self.draws_outlines else self.surface

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
            now, then = (projected(camera, v, self.corners[seen], self.weights[seen])
                         for camera, v in zip(cameras, (self.v, v_next)))
            flow.reshape(-1, 2)[seen] = then - now
        return flow

    # ------------------------------------------------------------------ pixels that edges cross

    @depends_on("f", "frustum", "camera", "derivative")
    def screen_points(self):
        """The vertices, and what clipping adds, as `ScreenPoints`: of which the image is a function for derivatives.

        None for OpenDR's derivative.
        """
        if self.is_opendr:
            return None
        camera = self._checked_camera
        if self._clipped is not None:
            camera = camera.of_camera_points(ClippedPoints(camera.v_cam, self._clipped))
        return self._kind_of_stand_in.points(camera)

    @depends_on("f")
    def _mesh(self, num_vertices):
        return Mesh(self._faces_among(num_vertices))

    def _area_samples(self, has_colors=True, scale=1.0):
        """The `AreaSamples` of the image, see `area_samples`."""
        mesh = self._mesh(len(self.screen)) if self._clipped is None else Mesh(self._clipped.faces)
        return area_samples(self._stand_in.screen, mesh, self._clipped_surface, self._stand_in.far,
                            self._of_whole_faces, (self._colors_at, self._gradient_at) if has_colors else None, scale)

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
        return gain_of_motion(gradient, position, self._kind_of_stand_in.homogeneous_pixels(pixels)[2].ravel())

    def _surface_gradient(self, pixels, corners, values):
        """`surface_gradient` of values at given corners of the faces."""
        return surface_gradient(self._kind_of_stand_in.homogeneous_pixels(pixels), self._homogeneous_screen, self.faces,
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
        motion = self._motion_of_surface(self._centres(samples))
        if not len(samples.marked):
            return motion
        face_id, _, _ = samples.pixels
        gradient = self._gradient_of(samples)
        gain = self._gain_of_motion(gradient, samples.position, samples.pixels)
        drift = self._drift_at(samples.pixels, samples.position) if self.drifts else None
        rows = samples.motion_rows(self._stand_in, self._colors_of(samples), gradient, gain, drift, background,
                                   self.faces[face_id[0]], len(self._extended_screen))
        return Patched(motion, samples.marked, rows)

    def _motion_of_surface(self, seen_faces):
        """Derivative with respect to `screen_points` of what is seen at the centres of pixels, as if no face ended."""
        num_points, by_points = len(self._extended_screen), self._stand_in.gain_of_points
        gain = self._gain_of_surface()
        if not self.drifts:
            return PixelMotion(None, self.weights, by_points(gain), num_points, seen_faces)
        seen, points, position = self._seen_points
        drift = self._drift_at(points, position)
        gain[seen] += drift.gain
        return DriftingMotion(self.weights, by_points(gain), num_points, seen_faces, self._spread(drift.corners, seen),
                              self._spread(by_points(drift.corner_gain), seen))

    def _neural_motion(self, image, eps):
        """The backward rule of an image, (h, w[, C]), with respect to `screen_points`."""
        return neural_motion(self._kind_of_stand_in.homogeneous(self._extended_screen), self._clipped_faces,
                             self._clipped_surface.face_id, image.reshape(self.image_size + (-1,)), eps,
                             self._stand_in.gain_of_points)

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
        if not self.is_opendr or not self._cut.size:
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
        """OpenDR's derivative of an image with respect to the camera's value: of the pixels whose faces are not cut."""
        if not self.is_opendr:
            return None
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
