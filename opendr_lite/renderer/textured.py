"""Images of textured meshes: a coloured image with one more factor, the texels that each pixel shows."""
import numpy as np

from ..ch import depends_on
from ..ch.linear_maps import Selection
from ..kernels.cpu.pixels import taps_of_faces
from ..kernels.cpu.shading import shade
from ..kernels.cpu.surface_gradient import gain_of_motion
from ..kernels.cpu.texture import texture_colors, texture_slopes, texture_taps
from ..topology import as_faces
from .area_sampling import Drift, Patched
from .colored import ColoredRenderer, Factor, check_finite
from .mipmap import Mipmap
from .pixel_jacobian import PixelMotion

__all__ = ["TexturedRenderer"]

LN2 = np.log(2.0)
FILTERS = ("mipmap", "bilinear", "nearest")


class TexturedRenderer(ColoredRenderer):
    """Image of a textured mesh.

    The value is (height, width, C) float64 with as many channels as the texture has.

    Attributes
    ----------
    camera, f, frustum, overdraw, bgcolor, background_image
        See `ColoredRenderer`.
    texture_image : (rows, columns[, C]) node or array
        Row 0 is at vt_v = 1. It repeats outside [0, 1].
    vt : (T, 2) node or array
        Texture coordinates, v up, as in OBJ files.
    ft : (F, 3) array of int
        Texture coordinates of the corners of the faces; may be left out where `vt` has a row per vertex.
    vc, fc : nodes or arrays, optional
        Colours that multiply the texture's.
    texture_filter : str
        'mipmap' (trilinear, the default), 'bilinear' (on the texture itself) or 'nearest'.

    Derivatives: those of `ColoredRenderer`, and exact ones with respect to texture_image and vt. With 'nearest' the
    image is piecewise constant in vt: the derivative is zero, and reported as none.
    """

    terms = "f", "frustum", "ft", "background_image", "overdraw", "texture_filter", "derivative"
    dterms = "vc", "camera", "bgcolor", "texture_image", "vt", "fc", "cut_pixels", "screen_points"
    initial_values = {"texture_filter": "mipmap"}

    @property
    def num_channels(self):
        """As many as the texture has."""
        texture = self._checked_texture
        return 1 if texture.ndim == 2 else texture.shape[2]

    @depends_on("texture_image")
    def _checked_texture(self):
        texture = self._needed("texture_image").r
        if texture.ndim not in (2, 3) or texture.size == 0:
            raise ValueError(f"texture_image must have shape (rows, columns, channels), got {texture.shape}")
        check_finite(texture, "texture_image")
        return texture

    @depends_on("texture_image")
    def _texture(self):
        """(texels of all levels (texels, C), Mipmap)."""
        texture = self._checked_texture
        mipmap = Mipmap(texture.shape[0], texture.shape[1], self.num_channels)
        return mipmap.apply(texture.ravel()).reshape(mipmap.texels, -1), mipmap

    @property
    def _texture_mesh(self):
        """(vt (T, 2), ft (F, 3) int32), checked."""
        return self._texture_mesh_of(len(self.screen))

    @depends_on("f", "ft", "vt")
    def _texture_mesh_of(self, num_vertices):
        vt = self._needed("vt").r
        if vt.ndim != 2 or vt.shape[1] not in (2, 3):
            raise ValueError(f"vt must have shape (T, 2), got {vt.shape}")
        check_finite(vt, "vt")
        ft = getattr(self, "ft", None)
        if ft is None:
            if len(vt) != num_vertices:
                raise ValueError(f"TexturedRenderer needs ft: vt has {len(vt)} rows for {num_vertices} vertices, so "
                                 "that faces cannot share f")
            ft = self.faces
        ft = as_faces(ft, len(vt), name="ft").astype(np.int32)
        if len(ft) != len(self.faces):
            raise ValueError(f"ft must have a row per face, {len(self.faces)}, got {len(ft)}")
        return np.ascontiguousarray(vt[:, :2]), ft

    def _lookup(self, pixels):
        """What the kernels of the texture take: pixels, mesh, levels, whether the nearest texel is wanted."""
        if self.texture_filter not in FILTERS:
            raise ValueError(f"texture_filter must be one of {', '.join(map(repr, FILTERS))}, got "
                             f"{self.texture_filter!r}")
        vt, ft = self._texture_mesh
        _, mipmap = self._texture
        levels = mipmap.levels if self.texture_filter == "mipmap" else mipmap.levels[:1]
        return (*self._kind_of_view.homogeneous_pixels(pixels), self._homogeneous_screen, self.faces, ft, vt, levels,
                self.texture_filter == "nearest")

    @property
    def _factor_names(self):
        return *self._colors(self._channels), "texture_image"

    def _factor(self, name, pixels):
        if name != "texture_image":
            return super()._factor(name, pixels)
        values, mipmap = self._texture
        taps, weights = texture_taps(*self._lookup(pixels))
        return Factor(taps, weights, values, mipmap)

    def _factor_image(self, name):
        return self._texel_image if name == "texture_image" else super()._factor_image(name)

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "ft", "vt", "texture_image", "texture_filter")
    def _texel_image(self):
        return self._factor_colors("texture_image", self.pixels)

    def _factor_colors(self, name, pixels):
        if name != "texture_image":
            return super()._factor_colors(name, pixels)
        values, _ = self._texture
        return texture_colors(*self._lookup(pixels), values)

    def _factor_gradient(self, name, pixels):
        """That of texels is at the level of detail that is there."""
        if name != "texture_image":
            return super()._factor_gradient(name, pixels)
        return self._texel_slopes(pixels).gradient

    def _texel_slopes(self, pixels):
        values, _ = self._texture
        return texture_slopes(*self._lookup(pixels), values)

    @property
    def drifts(self):
        """Whether there is a level of detail."""
        return self.texture_filter == "mipmap"

    def _drift_at(self, pixels, position):
        """The level of detail l changes as a face moves, what it shows being carried along.

        With n = sum_k N_k, the rows N_k of the inverse of the three Y = z (u, v, 1), z the homogeneous weight (`views`),

            dl = n / ln 2 · sum_k b_k dY_k - sum_k l_k h / z · dY_k

        where l_k = dl / d(s_k, t_k) over `lod_gain`, h = lod_gain · ∇(s, t), completed to be orthogonal to (u, v, 1). At
        a fixed face, with q the direction in which l is taken, ∇l = ∇z / (z ln 2) + h z_q / z.
        """
        slopes = self._texel_slopes(pixels)
        wrt_lod = self._product_of_others("texture_image", pixels) * slopes.wrt_lod
        (vt, ft), (rows, columns) = self._texture_mesh, self._checked_texture.shape[:2]
        weight = self._kind_of_view.homogeneous_pixels(pixels)[2].ravel()
        of_st = self._surface_gradient(pixels, ft, vt)
        of_log = self._surface_gradient(pixels, self.faces, np.ascontiguousarray(self._homogeneous_screen[:, 2:]))
        of_log = of_log[:, 0] / weight[:, None]
        towards = np.einsum("nd,ndq->nq", slopes.lod_gain, of_st)
        size = np.square(of_st * np.array([[columns], [rows]])).sum(axis=1)
        along = np.where(size[:, 0] >= size[:, 1], of_log[:, 0], of_log[:, 1])
        nearer, turned = (gain_of_motion(wrt_lod[:, :, None] * of_lod[:, None], position, weight)
                          for of_lod in (of_log / LN2, towards))
        nearer[:, :, 2] += wrt_lod / (LN2 * weight[:, None])
        gradient = wrt_lod[:, :, None] * (of_log / LN2 + towards * along[:, None])[:, None]
        return Drift(gradient, nearer, slopes.lod_corners, turned)

    @depends_on("f", "frustum", "camera", "derivative", "vc", "fc", "ft", "vt", "texture_image", "texture_filter")
    def _samples(self):
        return self._area_samples()

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "ft", "vt")
    def texcoord_image(self):
        """Texture coordinates at each pixel, (h, w, 2): across and *down* the texture, in [0, 1] without repetition."""
        vt, ft = self._texture_mesh
        image = shade(self.pixels.face_id, self.pixels.barycentric, ft, vt * [1.0, -1.0] + [0.0, 1.0],
                      np.ones((1, 2)), np.zeros((1, 2)))
        return image.reshape(self.image_size + (2,))

    def _derivative(self, name):
        if name == "vt" and not self.is_exact:
            return self._motion_wrt_vt(self.pixels, self._product_without("texture_image"))
        return super()._derivative(name)

    def _exact_derivative(self, name):
        if name != "vt":
            return super()._exact_derivative(name)
        samples, channels = self._samples, self._channels
        centres = self._centres(samples).face_id.reshape(self.image_size)
        whole = self._motion_wrt_vt((centres, *self.pixels[1:]), self._product_without("texture_image"))
        if whole is None:
            return None
        scale = self._product_of_others("texture_image", samples.pixels)
        return Patched(whole, samples.marked, samples.rows(self._motion_wrt_vt(samples.pixels, scale), channels))

    def _motion_wrt_vt(self, pixels, scale):
        if self.texture_filter == "nearest":
            return None
        vt, ft = self._texture_mesh
        slopes = self._texel_slopes(pixels)
        corners = taps_of_faces(pixels[0].ravel(), ft)
        of_lod = (scale * slopes.wrt_lod)[:, :, None] * slopes.lod_gain[:, None, :]
        motion = (PixelMotion(corners, pixels[1].reshape(-1, 3), scale[:, :, None] * slopes.wrt_st, len(vt))
                  + PixelMotion(corners, slopes.lod_corners, of_lod, len(vt)))
        if self.vt.size == motion.shape[1]:
            return motion
        return motion @ Selection(np.arange(self.vt.size).reshape(len(vt), -1)[:, :2], self.vt.size)
