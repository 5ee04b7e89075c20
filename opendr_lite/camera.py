"""From points in the world to pixels: rigid motion, perspective, lens distortion, as in OpenCV.

    X = R(rt) v + t                          camera space: x right, y down, z forward
    x = X_x / X_z,  y = X_y / X_z            normalized coordinates
    s = x² + y²
    g = (1 + k1 s + k2 s² + k3 s³) / (1 + k4 s + k5 s² + k6 s³)
    x' = g x + 2 p1 x y + p2 (s + 2 x²)
    y' = g y + p1 (s + 2 y²) + 2 p2 x y
    (u, v) = (f_x x' + c_x, f_y y' + c_y)    the centre of pixel (column i, row j) is (i, j)

with k = (k1, k2, p1, p2, k3, k4, k5, k6), or its first 0, 4 or 5 entries, the others being 0. The derivatives
follow line by line. With J the left Jacobian of the rotation group (see `geometry.rotations`),

    dX = R dv + (J drt) × R v + dt

and, as (x', y') is the gradient of a potential in (x, y), its Jacobian is symmetric:

    ∂x'/∂x = g + 2 g' x² + 2 p1 y + 6 p2 x        g' = dg/ds
    ∂y'/∂y = g + 2 g' y² + 6 p1 y + 2 p2 x
    ∂x'/∂y = ∂y'/∂x = 2 g' x y + 2 p1 x + 2 p2 y

The formulas hold behind the camera too (X_z < 0). A zero denominator (X_z = 0) counts as 1, as in OpenCV. A
reciprocal that exceeds 1e20, or a normalized coordinate that exceeds 1e15, is held there, so that finite
points have finite projections.
"""
from functools import cached_property

import numpy as np

from .ch import Ch, depends_on
from .ch.linear_maps import BlockDiagonal, Broadcast, DenseMap, LinearMap
from .geometry.rotations import rotation_and_left_jacobian
from .geometry.rows import skew
from .inputs import input_points, input_vector, total_derivative
from .kernels.cpu.projection import MAX_NORMALIZED, MAX_RECIPROCAL, distorted, project, radial_gain, transform
from .memory import empty

__all__ = ["ProjectPoints", "ProjectPoints3D", "RigidTransform", "RigidTransformSlow"]

UNDISTORT_TOLERANCE, UNDISTORT_STEPS = 1e-12, 100


class SameBlock(BlockDiagonal):
    """One block, (3, 3), for each of `count` points."""

    def __init__(self, block, count):
        LinearMap.__init__(self, (3 * count, 3 * count))
        self.block = block
        self.is_identity = np.array_equal(block, np.eye(3))

    @cached_property
    def blocks(self):
        return np.ascontiguousarray(np.broadcast_to(self.block, (self.shape[0] // 3, 3, 3)))

    def apply(self, x):
        if x.ndim == 1:
            return transform(x.reshape(-1, 3), self.block, np.zeros(3)).ravel()
        return np.matmul(self.block, x.reshape(-1, 3, x.shape[1])).reshape(x.shape)

    def apply_transpose(self, y):
        return SameBlock(self.block.T, self.shape[0] // 3).apply(y)


class RigidTransform(Ch):
    """R(rt) v + t, with the shape of `v`.

    Parameters
    ----------
    v : (V, 3)
    rt : (3,)
        Rotation vector: axis times angle in radians, right-handed.
    t : (3,)
    """

    dterms = "v", "rt", "t"
    initial_values = {"rt": np.zeros(3), "t": np.zeros(3)}

    @depends_on("rt")
    def _rotation_and_jacobian(self):
        return rotation_and_left_jacobian(input_vector(self, "rt", (3,)))

    def compute_r(self):
        points, rotation = input_points(self, "v"), self._rotation_and_jacobian[0]
        return transform(points, rotation, input_vector(self, "t", (3,))).reshape(self.v.shape)

    def compute_dr_wrt(self, wrt):
        R, J = self._rotation_and_jacobian
        v = self.v.r.reshape(-1, 3)
        return total_derivative(
            self, wrt,
            v=lambda: SameBlock(R, len(v)),
            rt=lambda: DenseMap(skew(-v @ R.T).reshape(-1, 3) @ J),
            t=lambda: Broadcast((3,), v.shape))

    @depends_on()
    def z(self):
        """The third coordinates (V,), a node."""
        return self.reshape((-1, 3))[:, 2]


RigidTransformSlow = RigidTransform


# ---------------------------------------------------------------------- formulas

def _reciprocal(x):
    with np.errstate(divide="ignore", over="ignore"):
        return _within(1.0 / np.where(x == 0, 1.0, x), MAX_RECIPROCAL)


def _within(x, limit):
    return np.minimum(np.maximum(x, -limit), limit)


class Distortion:
    """(x', y') of the module's formulas at normalized coordinates x, y (N,), with derivatives.

    `k` has eight entries.
    """

    def __init__(self, x, y, k):
        self.x, self.y, self.k = x, y, k
        self.p1, self.p2 = k[2:4]

    @cached_property
    def s(self):
        return self.x * self.x + self.y * self.y

    @cached_property
    def inverse(self):
        """Of the denominator of g."""
        return _reciprocal(self._fraction[1])

    @cached_property
    def g(self):
        return self._fraction[0] * self.inverse

    @cached_property
    def _fraction(self):
        k1, k2, _, _, k3, k4, k5, k6 = self.k
        return radial_gain(self.s, k1, k2, k3, k4, k5, k6)

    @cached_property
    def value(self):
        """x', y' as an array (2, N)."""
        return np.stack(distorted(self.x, self.y, self.s, self.g, self.p1, self.p2))

    @cached_property
    def slopes(self):
        """∂x'/∂x, ∂x'/∂y = ∂y'/∂x, ∂y'/∂y, three arrays (N,); numbers where nothing is distorted."""
        if not self.k.any():
            return 1.0, 0.0, 1.0
        x, y, s, p1, p2 = self.x, self.y, self.s, self.p1, self.p2
        k1, k2, _, _, k3, k4, k5, k6 = self.k
        dg = 2 * (k1 + s * (2 * k2 + 3 * k3 * s) - self.g * (k4 + s * (2 * k5 + 3 * k6 * s))) * self.inverse
        return (self.g + dg * x * x + 2 * p1 * y + 6 * p2 * x,
                dg * x * y + 2 * (p1 * x + p2 * y),
                self.g + dg * y * y + 6 * p1 * y + 2 * p2 * x)

    @cached_property
    def wrt_k(self):
        """The derivatives of (x', y') with respect to the eight coefficients, (8, 2, N)."""
        x, y, s = self.x, self.y, self.s
        radial = np.stack((x, y)) * (self.inverse * s)
        rational = -self.g * radial
        return np.stack((radial, s * radial,
                         np.stack((2 * x * y, s + 2 * y * y)), np.stack((s + 2 * x * x, 2 * x * y)),
                         s * s * radial, rational, s * rational, s * s * rational))


class ProjectionSlopes:
    """Derivatives of the pixel coordinates of camera-space points (N, 3).

    `f` has two entries, `k` eight.
    """

    def __init__(self, points, f, k):
        X, Y, Z = np.ascontiguousarray(points.T)
        self.f = f
        with np.errstate(over="ignore"):
            self.inverse_depth = _reciprocal(Z)
            x, y = (_within(a * self.inverse_depth, MAX_NORMALIZED) for a in (X, Y))
        self.lens = Distortion(x, y, k)

    def wrt_points(self):
        """(N, 2, 3)"""
        lens, inverse = self.lens, self.inverse_depth
        xx, xy, yy = lens.slopes
        blocks = empty((inverse.size, 2, 3))
        for row, (f, a, b) in enumerate(((self.f[0], xx, xy), (self.f[1], xy, yy))):
            scale = f * inverse
            blocks[:, row, 0] = scale * a
            blocks[:, row, 1] = scale * b
            blocks[:, row, 2] = -scale * (a * lens.x + b * lens.y)
        return blocks

    def wrt_f(self):
        """(N, 2, 2)"""
        return self.lens.value.T[:, :, None] * np.eye(2)

    def wrt_c(self):
        """(N, 2, 2)"""
        return np.broadcast_to(np.eye(2), (self.inverse_depth.size, 2, 2))

    def wrt_k(self):
        """(N, 2, 8)"""
        return np.ascontiguousarray((self.lens.wrt_k * self.f[:, None]).transpose(2, 1, 0))


def undistort(distorted, k):
    """Normalized coordinates (N, 2) that the lens takes to `distorted` (N, 2).

    Newton's method, a step halved for as long as it comes no closer. The residual is at most 1e-12 (relative
    beyond 1). A point that is not found becomes NaN: what a lens shows ends where its polynomial turns back.
    """
    q = np.ascontiguousarray(distorted.T)
    tolerance = UNDISTORT_TOLERANCE * np.maximum(1.0, np.abs(q).max(axis=0, initial=0.0))
    p, scale = q.copy(), np.ones(q.shape[1])
    with np.errstate(all="ignore"):
        lens = Distortion(*p, k)
        for _ in range(UNDISTORT_STEPS):
            residual = q - lens.value
            error = np.abs(residual).max(axis=0, initial=0.0)
            if (error <= tolerance).all():
                break
            xx, xy, yy = lens.slopes
            step = np.stack((yy * residual[0] - xy * residual[1],
                             xx * residual[1] - xy * residual[0])) / (xx * yy - xy * xy)
            trial = Distortion(*(p + scale * step), k)
            better = np.abs(q - trial.value).max(axis=0, initial=0.0) < error
            scale = np.where(better, 1.0, 0.5 * scale)
            p = np.where(better, np.stack((trial.x, trial.y)), p)
            lens = Distortion(*p, k)
        reached = np.abs(q - lens.value).max(axis=0, initial=0.0) <= tolerance
    return np.where(reached, p, np.nan).T


# ---------------------------------------------------------------------- cameras

class ProjectPoints(Ch):
    """Pixel coordinates (V, 2) of points, see the module for the formulas.

    Parameters
    ----------
    v : (V, 3)
        Points in the world.
    rt, t : (3,)
        Rotation vector and translation from the world to the camera, by default 0.
    f : (2,), or a number for both
        Focal lengths in pixels. Not 0.
    c : (2,)
        Principal point in pixels; ((width - 1) / 2, (height - 1) / 2) is the middle of an image.
    k : (0,), (4,), (5,) or (8,)
        Distortion coefficients in OpenCV's order, by default none.

    Attributes
    ----------
    v_cam : RigidTransform
        The points in camera space, of which the projection is a function; `v`, `rt` and `t` are its inputs.
    z : Ch
        Depth along the camera's axis (V,), a node.
    """

    dterms = "v", "rt", "t", "f", "c", "k", "v_cam"
    term_order = "v", "rt", "t", "f", "c", "k"
    initial_values = {"k": np.zeros(0)}

    def _start(self):
        super()._start()
        self.v_cam = RigidTransform()
        return self

    v = property(lambda self: getattr(self.v_cam, "v", None), lambda self, v: self.v_cam.set(v=v))
    rt = property(lambda self: self.v_cam.rt, lambda self, rt: self.v_cam.set(rt=rt))
    t = property(lambda self: self.v_cam.t, lambda self, t: self.v_cam.set(t=t))
    z = property(lambda self: self.v_cam.z)

    @depends_on("f", "c", "k")
    def _intrinsics(self):
        """Checked f (2,), c (2,) and k (8,)."""
        f = input_vector(self, "f", (1, 2))
        if not f.all():
            raise ValueError(f"{type(self).__name__}: f must not be 0, got {f.tolist()}")
        k = input_vector(self, "k", (0, 4, 5, 8))
        return np.broadcast_to(f, 2), input_vector(self, "c", (2,)), np.concatenate((k, np.zeros(8 - k.size)))

    @depends_on("v_cam", "f", "c", "k")
    def _projected(self):
        return project(input_points(self, "v_cam"), *self._intrinsics)

    @property
    def screen(self):
        """u, v, and depth z in camera space: an array (V, 3)."""
        return self._projected[1]

    def compute_r(self):
        return self._projected[0]

    @depends_on("v_cam", "f", "c", "k")
    def _slopes(self):
        f, _, k = self._intrinsics
        return ProjectionSlopes(self.v_cam.r.reshape(-1, 3), f, k)

    def compute_dr_wrt(self, wrt):
        slopes = self._slopes
        return total_derivative(
            self, wrt,
            v_cam=lambda: BlockDiagonal(self._all_columns(slopes.wrt_points(), np.array([0, 0, 1]))),
            f=lambda: self._of_vector(slopes.wrt_f() if self.f.size == 2
                                      else slopes.wrt_f().sum(axis=2, keepdims=True)),
            c=lambda: self._of_vector(slopes.wrt_c()),
            k=lambda: self._of_vector(slopes.wrt_k()[:, :, :self.k.size]))

    def _of_vector(self, blocks):
        return DenseMap(self._all_columns(blocks, 0.0).reshape(self.size, -1))

    def _all_columns(self, blocks, of_depth):
        """Derivatives of a row of the value, of those of (u, v), `blocks` (V, 2, n), and of depth, (n,)."""
        return blocks

    def copy(self):
        twin = super().copy()
        twin.v_cam = self.v_cam.copy()
        return twin

    __copy__ = copy

    # ------------------------------------------------------------------ other uses of the same camera

    def project_camera_points(self, points):
        """Pixel coordinates (N, 2) of other points (N, 3), given in camera space. An array, not a node."""
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points must have shape (N, 3), got {points.shape}")
        return project(points, *self._intrinsics)[0]

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
            NaN for a pixel that the lens shows nothing at, see `undistort`.
        """
        uvd = np.asarray(getattr(uvd, "r", uvd), dtype=np.float64)
        if uvd.ndim != 2 or uvd.shape[1] != 3:
            raise ValueError(f"uvd must have shape (N, 3), columns u, v and depth; got {uvd.shape}")
        f, c, k = self._intrinsics
        normalized = (uvd[:, :2] - c) / f
        if k.any():
            normalized = undistort(normalized, k)
        points = np.column_stack((normalized, np.ones(len(uvd)))) * uvd[:, 2:]
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
        """The intrinsics, an array [[f_x, 0, c_x], [0, f_y, c_y], [0, 0, 1]]."""
        (fx, fy), (cx, cy), _ = self._intrinsics
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @property
    def view_mtx(self):
        """[R | t], an array (3, 4)."""
        R, _ = self.v_cam._rotation_and_jacobian
        return np.column_stack((R, input_vector(self.v_cam, "t", (3,))))

    view_matrix = view_mtx


class ProjectPoints3D(ProjectPoints):
    """Pixel coordinates and depth (V, 3): u, v, z in camera space. Otherwise as `ProjectPoints`."""

    def compute_r(self):
        return self.screen.copy()

    def _all_columns(self, blocks, of_depth):
        return np.concatenate((blocks, np.broadcast_to(of_depth, (len(blocks), 1, blocks.shape[2]))), axis=1)
