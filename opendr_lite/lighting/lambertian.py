"""OpenDR's lights, by its names for their inputs."""
import numpy as np

from ..ch import depends_on
from ..geometry import Rodrigues, VertNormals
from ..inputs import input_points, input_vector
from .light import DirectLight
from .point import PointLight
from .spot import Spot

__all__ = ["LambertianPointLight", "lambertian_spotlight"]


class LambertianPointLight(PointLight):
    """A `PointLight` whose normals are those of a mesh, unless others are given.

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

    terms = "f", "num_verts", *PointLight.terms
    term_order = "f", "num_verts", "light_color", "light_pos", "v", "vc", "vn"
    surface_inputs = "f", "num_verts", *PointLight.surface_inputs
    _reflected = depends_on("num_verts", "lobe", *PointLight.dterms)(DirectLight.reflected)

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

    def _arrival(self):
        count, expected = len(input_points(self, "v")), getattr(self, "num_verts", None)
        if expected is not None and expected != count:
            raise ValueError(f"{type(self).__name__}: num_verts is {expected}, but v has {count} rows")
        return super()._arrival()


class LambertianSpotlight(Spot):
    """A spotlight with the profile p = max(0, x)^spot_exponent, that falls off as in nature."""

    dterms = "light_dir", "spot_exponent", *PointLight.dterms
    initial_values = {"attenuation": (0.0, 0.0, 1.0)}
    _reflected = depends_on("lobe", *dterms)(DirectLight.reflected)

    def _profile(self, cosine):
        exponent, = input_vector(self, "spot_exponent", (1,))
        lit = cosine > 0
        cosine = np.where(lit, cosine, 1.0)
        profile = lit * cosine ** exponent
        return profile, exponent * profile / cosine

    def _profile_wrt(self, name, cosine):
        if name == "spot_exponent":
            return (self._profile(cosine)[0] * np.log(np.where(cosine > 0, cosine, 1.0)))[:, None]


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
    return LambertianSpotlight(v=v, vn=vn, light_pos=pos, light_dir=dir, spot_exponent=spot_exponent)[:, 0]
