"""Images of coloured meshes.

The colour of a pixel that shows a face is a product of *factors*, each an interpolation of the values of one input:
colours of the vertices with the barycentric coordinates, colours of the faces, texels of a texture. The derivative
with respect to one factor's input is its interpolation, scaled by the product of the other factors. A pixel that shows
no face has the background's colour.
"""
from functools import reduce
from typing import NamedTuple

import numpy as np

from ..ch import depends_on
from ..ch.linear_maps import LinearMap, Selection, identity
from ..inputs import check_count
from ..kernels.cpu.face_texture import cube_colors, cube_slopes, cube_taps
from ..kernels.cpu.shading import shade
from ..kernels.cpu.surface_gradient import surface_gain
from .area_sampling import Patched
from .base import BaseRenderer
from .face_texture import FaceTexture
from .neural import COLOR_EPS
from .pixel_jacobian import PixelInterpolation, pull_back

__all__ = ["ColoredRenderer", "Factor"]


class Factor(NamedTuple):
    """One factor of the colour.

    Attributes
    ----------
    taps, weights : (N, K) arrays
        Points that each pixel shows, see `PixelInterpolation`. No taps for the corners of the faces.
    values : (points, C) float64
        What is interpolated.
    spread : LinearMap
        From the input's entries to `values`.
    """

    taps: np.ndarray
    weights: np.ndarray
    values: np.ndarray
    spread: LinearMap


class ColoredRenderer(BaseRenderer):
    """Image of a mesh with colours of its vertices, of its faces, or their product.

    The value is (height, width, num_channels) float64, (height, width) for one channel; it is not clamped.

    Attributes
    ----------
    camera, f, frustum, overdraw
        See `BaseRenderer`.
    vc : (V, C) node or array
        Colours of the vertices, interpolated with perspective.
    fc : (F, C) node or array, or FaceTexture, optional
        Colours of the faces, one each or a cube of texels each. With `vc` they multiply.
    bgcolor : node or array of C entries, or a number
        Colour where no face is seen; 0.5 by default.
    background_image : (height, width[, C]) array, optional
        Instead of `bgcolor`; the image then does not depend on `bgcolor`.
    num_channels : int, optional
        Number of channels, by default as many as the colours have. With fewer, the first ones are drawn; colours with
        one channel serve all.

    Derivatives: with respect to the camera (so v, rt, t, f, c, k) by OpenDR's approximation, see `renderer.base`; exact
    with respect to vc, fc and bgcolor.
    """

    terms = "f", "frustum", "background_image", "overdraw", "num_channels", "derivative", "anti_aliasing"
    dterms = "vc", "camera", "bgcolor", "fc", "cut_pixels", "screen_points", "finer"
    initial_values = {"bgcolor": 0.5}

    # ------------------------------------------------------------------ image

    def compute_image(self):
        """The colours of the vertices, times the images of the other factors, over the background."""
        channels = self._channels
        colors, _ = self._colors(channels).get("vc", (None, None))
        background = self._background(channels)
        image = self._shaded(self.pixels, colors, self._product_without("vc"), background)
        if self.is_exact:
            self._samples.average(image, self._colors_of(self._samples), background)
        return image.reshape(self._image_shape)

    def _shaded(self, pixels, colors, scale, background):
        return shade(pixels[0], pixels[1], self.faces, colors, scale, background)

    @property
    def color_image(self):
        """The image: the value of this node."""
        return self.r

    @property
    def boundarycolor_image(self):
        """Colours along the silhouette edges alone, on the background."""
        with_edges = self.copy()
        with_edges.overdraw = True
        drawn = self.boundarybool_image.reshape(-1, 1) > 0
        image = np.where(drawn, with_edges.r.reshape(drawn.size, -1), self._background(self._channels))
        return image.reshape(self._image_shape)

    @property
    def _image_shape(self):
        channels = self._channels
        return self.image_size + ((channels,) if channels > 1 else ())

    @property
    def _channels(self):
        """Number of channels of the image."""
        given = getattr(self, "num_channels", None)
        if given is not None:
            return check_count(given, "num_channels")
        colors = ((getattr(self, "vc", None), len(self.screen)), (getattr(self, "fc", None), len(self.faces)))
        return max((columns_of(node, points).shape[1] for node, points in colors if node is not None), default=1)

    @depends_on("frustum", "bgcolor", "background_image")
    def _background(self, channels):
        """The image behind everything, (N, C), or (1, C) if it is the same everywhere."""
        height, width = self.image_size
        shape = (height * width, channels)
        image = getattr(self, "background_image", None)
        if image is None:
            color, _ = self._spread_over_channels("bgcolor", 1, channels)
            return color
        image = np.asarray(image, dtype=np.float64)
        if image.shape[:2] != (height, width) or image.ndim not in (2, 3) or (
                image.ndim == 3 and image.shape[2] not in (1, shape[1])):
            raise ValueError(f"background_image must have shape ({height}, {width}, {shape[1]}), got {image.shape}")
        check_finite(image, "background_image")
        return np.ascontiguousarray(np.broadcast_to(image.reshape(height * width, -1), shape))

    # ------------------------------------------------------------------ factors

    @property
    def _factor_names(self):
        names = tuple(self._colors(self._channels))
        if not names:
            raise AttributeError(f"{type(self).__name__} has no colours yet: set vc (of the vertices) or fc (of the "
                                 "faces), as in rn.set(vc=...)")
        return names

    def _factor(self, name, pixels):
        """The `Factor` that an input is."""
        values, spread = self._colors(self._channels)[name]
        if name == "vc":
            return Factor(None, pixels[1].reshape(-1, 3), values, spread)
        return Factor(*cube_taps(pixels[0].ravel(), pixels[1].reshape(-1, 3), self._texels_per_side), values, spread)

    def _factor_image(self, name):
        """The colours of an input at each pixel, (N, C)."""
        return {"vc": self._vertex_color_image, "fc": self._face_color_image}[name](self._channels)

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "vc")
    def _vertex_color_image(self, channels):
        return self._factor_colors("vc", self.pixels)

    @depends_on("f", "frustum", "camera", "overdraw", "derivative", "fc")
    def _face_color_image(self, channels):
        return self._factor_colors("fc", self.pixels)

    def _factor_colors(self, name, pixels):
        """The colours of an input at points of the screen, (n, C)."""
        channels = self._channels
        values, _ = self._colors(channels)[name]
        if name == "vc":
            return self._shaded(pixels, values, np.ones((1, channels)), np.zeros((1, channels)))
        return cube_colors(pixels[0].ravel(), pixels[1].reshape(-1, 3), self._texels_per_side, values)

    def _factor_gradient(self, name, pixels):
        """How they change over the screen, along the surface, (n, C, 2)."""
        values, _ = self._colors(self._channels)[name]
        if name == "vc":
            return self._surface_gradient(pixels, self.faces, values)
        taps, slopes = cube_slopes(pixels[0].ravel(), pixels[1].reshape(-1, 3), self._texels_per_side)
        wrt_barycentric = np.einsum("nmk,nkc->ncm", slopes, values[taps])
        corners = np.tile(np.arange(3, dtype=np.int32), (len(self.faces), 1))
        return wrt_barycentric @ self._surface_gradient(pixels, corners, np.eye(3))

    @property
    def _texels_per_side(self):
        """Of the cube that a face has for its colour."""
        if not isinstance(self.fc, FaceTexture):
            return 1
        if self.fc.num_faces != len(self.faces):
            raise ValueError(f"fc must have a cube of texels for each of the {len(self.faces)} faces, got a FaceTexture "
                             f"of {self.fc.num_faces}")
        return self.fc.side

    def _product_of_others(self, name, pixels):
        """Product of the colours of all factors but one at points of the screen, (n, C), or (1, C) without any."""
        colors = [self._factor_colors(other, pixels) for other in self._factor_names if other != name]
        return reduce(np.multiply, colors) if colors else np.ones((1, self._channels))

    def _colors_at(self, pixels):
        return self._product_of_others(None, pixels)

    def _gradient_at(self, pixels):
        return sum(self._product_of_others(name, pixels)[:, :, None] * self._factor_gradient(name, pixels)
                   for name in self._factor_names)

    def _gain_of_surface(self):
        if self._factor_names == ("vc",):
            values, _ = self._colors(self._channels)["vc"]
            return surface_gain(self._kind_of_stand_in.homogeneous_pixels(self.pixels), self._homogeneous_screen,
                                self.faces, self.faces, values, self.image_size[1])
        return super()._gain_of_surface()

    @depends_on("f", "frustum", "camera", "derivative", "vc", "fc")
    def _samples(self):
        return self._area_samples()

    def _product_without(self, name):
        """Product of the images of all factors but one, (N, C), or (1, C) if there are none."""
        images = [self._factor_image(other) for other in self._factor_names if other != name]
        return reduce(np.multiply, images) if images else np.ones((1, self._channels))

    @depends_on("f", "camera", "vc", "fc")
    def _colors(self, channels):
        """Name of an input -> values at each point and channel, and the map from its entries to them."""
        given = [name for name in ("vc", "fc") if getattr(self, name, None) is not None]
        points = {"vc": len(self.screen), "fc": len(self.faces) * self._texels_per_side**3 if "fc" in given else 0}
        return {name: self._spread_over_channels(name, points[name], channels) for name in given}

    def _spread_over_channels(self, name, points, channels):
        """Values of an input at each point and channel, (points, C), and the map from its entries to them."""
        node = self._needed(name)
        values = columns_of(node, points)
        if node.ndim > 2 or values.shape[0] != points or 1 < values.shape[1] < channels:
            expected = (channels,) if name == "bgcolor" else (points, channels)
            raise ValueError(f"{name} must have shape {expected}, got {node.shape}")
        check_finite(values, name)
        if values.shape[1] == channels:
            return np.ascontiguousarray(values), identity(node.size)
        column = np.zeros(channels, np.intp) if values.shape[1] == 1 else np.arange(channels)
        entries = np.arange(node.size).reshape(values.shape)[:, column]
        return np.ascontiguousarray(values[:, column]), Selection(entries, node.size)

    # ------------------------------------------------------------------ derivatives

    def compute_image_dr_wrt(self, wrt):
        return self._sum_over_names(wrt)

    def _pull_back(self, maps, cotangent):
        return pull_back(maps, cotangent)

    def _derivative(self, name):
        """The derivative with respect to the input of that name."""
        if self.is_exact:
            return self._exact_derivative(name)
        if name == "screen_points":
            return self._neural_motion(self.color_image, COLOR_EPS)
        if name == "camera":
            return self._motion_wrt_camera(self.color_image)
        if name == "cut_pixels":
            return self._motion_wrt_cut_pixels(self.color_image)
        if name == "bgcolor":
            return self._background_map()
        seen = self._seen_faces if name == "vc" else None
        return self._interpolation(self._factor(name, self.pixels), self._product_without(name), seen)

    def _interpolation(self, factor, scale, seen=None):
        return PixelInterpolation(factor.taps, factor.weights, scale, len(factor.values), seen) @ factor.spread

    def _exact_derivative(self, name):
        """The derivative with respect to the input of that name, pixels that edges cross being area-sampled."""
        samples, channels = self._samples, self._channels
        if name in ("camera", "cut_pixels"):
            return None
        if name == "screen_points":
            return self._exact_motion(samples, self._background(channels))
        if name == "bgcolor":
            return self._background_map(samples)
        centres = self._centres(samples)
        factor = self._factor(name, self.pixels)
        taps = None if name == "vc" else np.where(centres.face_id[:, None] < 0, np.int32(-1), factor.taps)
        whole = self._interpolation(factor._replace(taps=taps), self._product_without(name),
                                    centres if name == "vc" else None)
        points = samples.pixels
        factor = self._factor(name, points)
        if name == "vc":
            factor = factor._replace(taps=self.faces[points[0][0]])
        rows = samples.rows(self._interpolation(factor, self._product_of_others(name, points)), channels)
        return Patched(whole, samples.marked, rows)

    def _background_map(self, samples=None):
        """The derivative with respect to bgcolor; with area samples, some pixels show it in part."""
        if getattr(self, "background_image", None) is not None:
            return None
        _, spread = self._spread_over_channels("bgcolor", 1, self._channels)
        one = np.ones((1, self._channels))
        empty = np.where(self.corners[:, :1] < 0, np.int32(0), np.int32(-1))
        if samples is not None:
            empty[samples.marked] = -1
        whole = PixelInterpolation(empty, np.ones(empty.shape), one, 1) @ spread
        if samples is None:
            return whole
        uncovered = samples.uncovered()[:, None]
        rows = PixelInterpolation(np.zeros(uncovered.shape, np.int32), uncovered, one, 1) @ spread
        return Patched(whole, samples.marked, rows)


def columns_of(node, points):
    """The values of a node of colours as (points, channels)."""
    values = node.r
    if values.ndim == 2:
        return values
    return values.reshape(points, -1) if values.size and values.size % points == 0 else values.reshape(-1, 1)


def check_finite(values, name):
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has {np.count_nonzero(~np.isfinite(values))} entries that are NaN or infinite")
