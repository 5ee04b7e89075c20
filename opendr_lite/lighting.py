"""Light on vertices: their colours as a differentiable function of lights, normals and positions.

Point light.  With d = p - v, r = |d|, u = d / r the direction to the light at p, the colour of a vertex is

    max(0, n·u) light_color vc         ∂(n·u)/∂p = (n - (n·u) u) / r = -∂(n·u)/∂v,    ∂(n·u)/∂n = u

without falloff with distance.

Spherical harmonics.  With Y_j the nine real harmonics of order up to 2, polynomials in the normal
n = (x, y, z), in the order 1, x, z, y, xy, yz, 3z² - 1, xz, x² - y²,

    max(0, sum_j components_j Y_j(n)) light_color

(R. Ramamoorthi and P. Hanrahan, An efficient representation for irradiance environment maps, 2001, eq. 3).

Spotlight.  With u the direction from the light to the vertex, r the distance and a the axis of the light,

    max(0, -n·u) max(0, a·u)^exponent / r²

A vertex that stands where the light is gets 0. In shadow, and on its edge, the derivative is 0.
"""
import numpy as np

from .ch import Ch, depends_on
from .ch.elementwise import scaled_broadcast
from .ch.linear_maps import BlockDiagonal, DenseMap
from .geometry import Rodrigues, VertNormals
from .geometry.rows import rescaled
from .inputs import input_points, input_value, input_vector, total_derivative

__all__ = ["LambertianPointLight", "SphericalHarmonics", "lambertian_spotlight"]


def _check_rows(node, **points):
    if len({len(value) for value in points.values()}) > 1:
        raise ValueError(f"{type(node).__name__}: {' and '.join(points)} must have as many rows, got "
                         + " and ".join(str(len(value)) for value in points.values()))


def _directions(d):
    """Rows of `d` normalized, and one over their lengths; both 0 for a row of zeros."""
    length = np.sqrt(np.einsum("ij,ij->i", d, d))
    return rescaled(d, 1), np.divide(1.0, length, where=length > 0, out=np.zeros_like(length))


def _row_dots(a, b):
    return np.einsum("ij,ij->i", a, b)


class LambertianPointLight(Ch):
    """Colours (V, C) of a diffuse surface in the light of a point. Add several for several lights.

    Parameters
    ----------
    f : integer array (F, 3)
        Faces; needed where `vn` is not given.
    num_verts : int, optional
        V; checked where given.
    light_pos : (3,)
        Position, in the frame of `v`.
    v : (V, 3)
    vc : (V, C)
        Albedo, by default 1; may be flat, or one number.
    vn : (V, 3), optional
        Unit normals, by default ``VertNormals(v, f)``.
    light_color : (C,) or (1,)
        By default 1.
    """

    terms = "f", "num_verts"
    dterms = "light_pos", "v", "vc", "vn", "light_color"
    initial_values = {"vc": 1.0, "light_color": 1.0}
    term_order = "f", "num_verts", "light_color", "light_pos", "v", "vc", "vn"

    def _start(self):
        super()._start()
        self.vn = self._own_normals = VertNormals()
        return self

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name in ("v", "f"):
            setattr(self._own_normals, name, getattr(self, name))

    def copy(self):
        twin = super().copy()
        twin._own_normals = self._own_normals.copy()
        if self.vn is self._own_normals:
            twin.vn = twin._own_normals
        return twin

    __copy__ = copy

    @property
    def num_channels(self):
        """Number of columns of the value."""
        return self._tint.shape[1]

    @depends_on("light_pos", "v", "vn", "num_verts")
    def _incidence(self):
        """Unit vectors to the light, one over the distances, normals, cosines n·u."""
        v, vn = input_points(self, "v"), input_points(self, "vn")
        _check_rows(self, v=v, vn=vn)
        expected = getattr(self, "num_verts", None)
        if expected is not None and expected != len(v):
            raise ValueError(f"{type(self).__name__}: num_verts is {expected}, but v has {len(v)} rows")
        u, inverse_distance = _directions(input_vector(self, "light_pos", (3,)) - v)
        return u, inverse_distance, vn, _row_dots(vn, u)

    @depends_on("light_color", "vc", "v")
    def _colors(self):
        """`light_color` (C,) or (1,) and `vc`, reshaped to multiply with a column of V numbers."""
        count = len(input_points(self, "v"))
        color, vc = input_value(self, "light_color").ravel(), input_value(self, "vc")
        if vc.ndim < 2:
            vc = vc.reshape((-1, color.size) if vc.size == count * color.size else -1)
        try:
            fits = np.broadcast_shapes((count, 1), color.shape, vc.shape)[:-1] == (count,)
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"{type(self).__name__}: vc must have a row for each of {count} vertices and "
                             "as many columns as light_color has entries; got vc of shape "
                             f"{self.vc.shape}, light_color of shape {self.light_color.shape}")
        return color, vc

    @depends_on("light_color", "vc", "v", "vn", "light_pos", "num_verts")
    def _tint(self):
        """The derivative (V, C) of the value with respect to the cosines."""
        color, vc = self._colors
        return (self._incidence[3] > 0)[:, None] * color * vc

    def compute_r(self):
        color, vc = self._colors
        return np.maximum(self._incidence[3], 0)[:, None] * color * vc

    def compute_dr_wrt(self, wrt):
        u, inverse_distance, vn, cosine = self._incidence
        color, vc = self._colors
        lit = np.maximum(cosine, 0)[:, None]

        def wrt_position():
            slope = (vn - cosine[:, None] * u) * inverse_distance[:, None]
            return self._tint[:, :, None] * slope[:, None, :]

        return total_derivative(
            self, wrt,
            light_pos=lambda: DenseMap(wrt_position().reshape(-1, 3)),
            v=lambda: BlockDiagonal(-wrt_position()),
            vn=lambda: BlockDiagonal(self._tint[:, :, None] * u[:, None, :]),
            vc=lambda: scaled_broadcast(lit * color, vc.shape, self.shape),
            light_color=lambda: scaled_broadcast(lit * vc, color.shape, self.shape))


# ---------------------------------------------------------------------- spherical harmonics

HARMONIC_SCALES = np.sqrt(np.array([1, 3, 3, 3, 15, 15, 5 / 4, 15, 15 / 4]) / (4 * np.pi))


def _harmonics(n):
    """Y (V, 9) of the module's docstring at the rows of `n`."""
    x, y, z = n.T
    one = np.ones_like(x)
    values = np.stack((one, x, z, y, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y), axis=1)
    return values * HARMONIC_SCALES


def _harmonic_gradients(n):
    """The gradients of the harmonics, (V, 9, 3)."""
    x, y, z = n.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    gradients = np.stack((zero, zero, zero,  one, zero, zero,  zero, zero, one,  zero, one, zero,
                          y, x, zero,  zero, z, y,  zero, zero, 6 * z,  z, zero, x,
                          2 * x, -2 * y, zero), axis=1).reshape(-1, 9, 3)
    return gradients * HARMONIC_SCALES[:, None]


class SphericalHarmonics(Ch):
    """Colours (V, C) of normals in distant light from all sides.

    Parameters
    ----------
    light_color : (C,)
        By default 1.
    vn : (V, 3)
        Unit normals.
    components : (n,)
        Coefficients of the first n of the nine harmonics, 1 <= n <= 9.
    """

    dterms = "vn", "components", "light_color"
    initial_values = {"light_color": 1.0}
    term_order = "light_color", "vn", "components"

    @property
    def num_channels(self):
        """Number of columns of the value."""
        return self.light_color.size

    @depends_on("vn")
    def _basis(self):
        return _harmonics(input_points(self, "vn"))

    @depends_on("vn", "components")
    def _light(self):
        """The components (n,) and the light (V,), negative where it is to be clamped."""
        components = input_vector(self, "components", range(1, 10))
        return components, self._basis[:, :components.size] @ components

    @depends_on("vn", "components", "light_color")
    def _tint(self):
        """The derivative (V, C) of the value with respect to the light."""
        return (self._light[1] > 0)[:, None] * input_value(self, "light_color").ravel()

    def compute_r(self):
        return np.maximum(self._light[1], 0)[:, None] * input_value(self, "light_color").ravel()

    def compute_dr_wrt(self, wrt):
        components, light = self._light
        values = self._basis[:, :components.size]
        clamped = np.maximum(light, 0)[:, None]

        def slope():
            gradients = _harmonic_gradients(input_points(self, "vn"))[:, :components.size]
            return np.einsum("vjx,j->vx", gradients, components)

        return total_derivative(
            self, wrt,
            vn=lambda: BlockDiagonal(self._tint[:, :, None] * slope()[:, None, :]),
            components=lambda: DenseMap((self._tint[:, :, None] * values[:, None]).reshape(self.size, -1)),
            light_color=lambda: scaled_broadcast(clamped, (self.light_color.size,), self.shape))


# ---------------------------------------------------------------------- spotlight

class Spotlight(Ch):
    """See `lambertian_spotlight`; here all is given in the frame of the vertices."""

    dterms = "v", "vn", "pos", "dir", "spot_exponent"

    @depends_on(*dterms)
    def _terms(self):
        """Directions u, one over the distances, normals, axis a, -n·u, a·u, the exponent, which are lit."""
        v, vn = input_points(self, "v"), input_points(self, "vn")
        _check_rows(self, v=v, vn=vn)
        direction = input_vector(self, "dir", (3,))
        if not direction.any():
            raise ValueError("Spotlight: dir must not be 0")
        exponent, = input_vector(self, "spot_exponent", (1,))
        u, inverse_distance = _directions(v - input_vector(self, "pos", (3,)))
        axis = direction / np.linalg.norm(direction)
        facing, spot = -_row_dots(vn, u), u @ axis
        lit = (facing > 0) & (spot > 0)
        return u, inverse_distance, vn, axis, facing, np.where(lit, spot, 1.0), exponent, lit

    def compute_r(self):
        _, inverse_distance, _, _, facing, spot, exponent, lit = self._terms
        return lit * facing * spot ** exponent * inverse_distance ** 2

    def compute_dr_wrt(self, wrt):
        u, inverse_distance, vn, axis, _, spot, exponent, lit = self._terms
        wrt_facing = lit * spot ** exponent * inverse_distance ** 2
        wrt_spot = exponent * self.r / spot

        def wrt_offset():
            wrt_u = wrt_spot[:, None] * axis - wrt_facing[:, None] * vn
            across = wrt_u - _row_dots(wrt_u, u)[:, None] * u
            return (across - 2 * self.r[:, None] * u) * inverse_distance[:, None]

        def wrt_dir():
            return wrt_spot[:, None] * (u - spot[:, None] * axis) / np.linalg.norm(self.dir.r)

        return total_derivative(
            self, wrt,
            v=lambda: BlockDiagonal(wrt_offset()[:, None]),
            pos=lambda: DenseMap(-wrt_offset()),
            vn=lambda: BlockDiagonal(-(wrt_facing[:, None] * u)[:, None]),
            dir=lambda: DenseMap(wrt_dir()),
            spot_exponent=lambda: DenseMap((self.r * np.log(spot))[:, None]))


def lambertian_spotlight(v, vn, pos, dir, spot_exponent, camcoord=False, camera_t=None, camera_rt=None):
    """Brightness of vertices in the light of a spotlight, with falloff.

    Parameters
    ----------
    v, vn : (V, 3)
        Vertices and unit normals.
    pos : (3,)
        Position of the light.
    dir : (3,)
        Where it points; its length does not matter.
    spot_exponent : number
        How narrow the beam is; 0 lights everything in front.
    camcoord : bool
        Whether `pos` and `dir` are in camera space, instead of the frame of the vertices.
    camera_t, camera_rt : (3,)
        Translation and rotation vector of the camera, for `camcoord`.

    Returns
    -------
    Ch (V,)
    """
    if camcoord:
        if camera_t is None or camera_rt is None:
            raise ValueError("camcoord=True needs camera_t and camera_rt, the pose of the camera")
        to_world = Rodrigues(camera_rt).T
        pos, dir = to_world.dot(pos - camera_t), to_world.dot(dir)
    return Spotlight(v=v, vn=vn, pos=pos, dir=dir, spot_exponent=spot_exponent)
