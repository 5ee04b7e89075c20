"""What all cameras share: the pose, which takes points to camera space, and the lens, from there to pixels.

    X = R(rt) v + t                          camera space: x right, y down, z forward
    (u, v) = (f_x q_x + c_x, f_y q_y + c_y)  the centre of pixel (column i, row j) is (i, j)

A model is a function q of X:

    ProjectPoints, FieldOfViewCamera    q = distort(X_x / X_z, X_y / X_z)
    FisheyeCamera                       q = θ_d(θ) (X_x, X_y) / |(X_x, X_y)|
    OrthographicCamera                  q = (X_x, X_y)
    WeakPerspectiveCamera               q = (X_x, X_y) / d

Depth is z = X_z in all of them. The last two are *affine*: what lies on a face in space is interpolated linearly on the
screen. For the others it is with perspective, which the distortion of a lens only bends.
"""
import numpy as np

from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal, DenseMap
from ..inputs import input_vector, total_derivative
from .rigid import RigidTransform

__all__ = ["Camera", "LensSlopes"]


class LensSlopes:
    """Derivatives of the pixel coordinates f q + c of points (N, 3); a subclass for each model gives q.

    Attributes
    ----------
    f : (2,) float64
    value : (2, N) float64
        q.
    """

    def wrt_points(self):
        """(N, 2, 3), in a subclass."""
        raise NotImplementedError

    def wrt_f(self):
        """(N, 2, 2)"""
        return self.value.T[:, :, None] * np.eye(2)

    def wrt_c(self):
        """(N, 2, 2)"""
        return np.broadcast_to(np.eye(2), (self.value.shape[1], 2, 2))


class Camera(Ch):
    """Pixel coordinates (V, 2) of points; what a renderer needs of a camera. A subclass for each model.

    Parameters
    ----------
    v : (V, 3)
        Points in the world.
    rt, t : (3,)
        Rotation vector and translation from the world to the camera, by default 0.
    f : (2,), or a number for both
        Scale along u and v, in pixels. Not 0.
    c : (2,)
        Principal point in pixels; ((width - 1) / 2, (height - 1) / 2) is the middle of an image.

    Attributes
    ----------
    v_cam : RigidTransform
        The points in camera space, of which the projection is a function; `v`, `rt` and `t` are its inputs.
    z : Ch
        Depth along the camera's axis (V,), a node.
    screen : (V, 3) array
        u, v and depth.
    is_affine : bool
        Whether faces are interpolated linearly on the screen, not with perspective. Of the class.

    A subclass names the inputs of its lens in `lens_terms`, and defines `_project` and `_unproject`; `_projected` and
    `_slopes`, cached until these inputs change; and `_partials` for inputs beside f and c.
    """

    dterms = "v", "rt", "t", "f", "c", "v_cam"
    term_order = "v", "rt", "t", "f", "c"
    lens_terms = "f", "c"
    is_affine = False

    def _start(self):
        super()._start()
        self.v_cam = RigidTransform()
        return self

    v = property(lambda self: getattr(self.v_cam, "v", None), lambda self, v: self.v_cam.set(v=v))
    rt = property(lambda self: self.v_cam.rt, lambda self, rt: self.v_cam.set(rt=rt))
    t = property(lambda self: self.v_cam.t, lambda self, t: self.v_cam.set(t=t))
    z = property(lambda self: self.v_cam.z)

    def copy(self):
        twin = super().copy()
        twin.v_cam = self.v_cam.copy()
        return twin

    __copy__ = copy

    def of_camera_points(self, points):
        """The same camera, looking at other points: a node (N, 3), in camera space."""
        return type(self)(v_cam=points, **self._lens_inputs())

    def _lens_inputs(self):
        return {name: getattr(self, name, None) for name in self.lens_terms}

    # ------------------------------------------------------------------ value and derivative

    @property
    def screen(self):
        """u, v, and depth z in camera space: an array (V, 3)."""
        return self._projected[1]

    def compute_r(self):
        return self._projected[0]

    def compute_dr_wrt(self, wrt):
        slopes = self._slopes
        return total_derivative(
            self, wrt,
            v_cam=lambda: BlockDiagonal(self._all_columns(slopes.wrt_points(), np.array([0, 0, 1]))),
            f=lambda: self._of_vector(slopes.wrt_f() if self.f.size == 2
                                      else slopes.wrt_f().sum(axis=2, keepdims=True)),
            c=lambda: self._of_vector(slopes.wrt_c()),
            **self._partials(slopes))

    @property
    def _projected(self):
        """What `_project` makes of the points."""
        raise NotImplementedError(f"{type(self).__name__} is no model of a camera: take a subclass of Camera")

    @property
    def _slopes(self):
        """The `LensSlopes` of the points."""
        raise NotImplementedError

    def _project(self, points):
        """Pixel coordinates (N, 2), and these with depth (N, 3), of points (N, 3) in camera space."""
        raise NotImplementedError

    def _unproject(self, q, depth):
        """The points (N, 3) in camera space with given q, (N, 2), and depth, (N,)."""
        raise NotImplementedError

    def _partials(self, slopes):
        """Name of a further input -> function of nothing that gives the derivative."""
        return {}

    def _of_vector(self, blocks):
        return DenseMap(self._all_columns(blocks, 0.0).reshape(self.size, -1))

    def _all_columns(self, blocks, of_depth):
        """Derivatives of a row of the value, of those of (u, v), `blocks` (V, 2, n), and of depth, (n,)."""
        return blocks

    @depends_on("f", "c")
    def _scale_and_centre(self):
        """f and c, (2,) each, checked."""
        f = input_vector(self, "f", (1, 2))
        if not f.all():
            raise ValueError(f"{type(self).__name__}: f must not be 0, got {f.tolist()}")
        return np.broadcast_to(f, 2), self._principal_point()

    def _principal_point(self):
        return input_vector(self, "c", (2,))

    # ------------------------------------------------------------------ other uses of the same camera

    def project_camera_points(self, points):
        """Pixel coordinates (N, 2) of other points (N, 3), given in camera space. An array, not a node."""
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points must have shape (N, 3), got {points.shape}")
        return self._project(points)[0]

    def unproject_points(self, uvd, camera_space=False):
        """The points that project to given pixels at given depths.

        Parameters
        ----------
        uvd : array_like (N, 3)
            u, v, and depth z in camera space.
        camera_space : bool
            Whether to answer in camera space instead of the world.

        Returns
        -------
        ndarray (N, 3)
            NaN for a pixel that the lens shows nothing at.
        """
        uvd = np.asarray(getattr(uvd, "r", uvd), dtype=np.float64)
        if uvd.ndim != 2 or uvd.shape[1] != 3:
            raise ValueError(f"uvd must have shape (N, 3), columns u, v and depth; got {uvd.shape}")
        f, c = self._scale_and_centre
        points = self._unproject((uvd[:, :2] - c) / f, uvd[:, 2])
        if camera_space:
            return points
        return (points - self.view_mtx[:, 3]) @ self.view_mtx[:, :3]

    def unproject_depth_image(self, depth_image, camera_space=False):
        """The points (height, width, 3) that the pixels of a depth image (height, width) show."""
        depth = np.asarray(getattr(depth_image, "r", depth_image), dtype=np.float64)
        if depth.ndim != 2:
            raise ValueError(f"depth_image must have shape (height, width), got {depth.shape}")
        rows, columns = np.indices(depth.shape)
        uvd = np.stack((columns, rows, depth), axis=2)
        return self.unproject_points(uvd.reshape(-1, 3), camera_space).reshape(uvd.shape)

    @depends_on("f", "c")
    def camera_mtx(self):
        """The intrinsics, an array [[f_x, 0, c_x], [0, f_y, c_y], [0, 0, 1]], from (q_x, q_y, 1) to (u, v, 1)."""
        (fx, fy), (cx, cy) = self._scale_and_centre
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @property
    def view_mtx(self):
        """[R | t], an array (3, 4)."""
        R, _ = self.v_cam._rotation_and_jacobian
        return np.column_stack((R, input_vector(self.v_cam, "t", (3,))))

    view_matrix = view_mtx
