"""Images that are shaded pixel by pixel (B. T. Phong, 1975): light falls on what each pixel shows, not on the vertices.

A pixel shows a point of a face, with barycentric coordinates b at the corners i. There the surface has

    the position x = sum_k b_k v[i_k],   the normal n = m / |m|,  m = sum_k b_k vn[i_k],

an albedo a, the product of the factors of a coloured or textured image, and a specular colour s. The lights, nodes of
`lighting`, are put on these points:

    I = a E(x, n) + s H(x, n)

with E their light on a white surface and H their highlights. E, one more factor, and H are nodes, functions of the
lights at points that stay. As the points move on their faces, and with the corners of these,

    dI = sum_k b_k ((a ∂E/∂x + s ∂H/∂x) dv[i_k] + (a ∂E/∂m + s ∂H/∂m) dvn[i_k])

which is a `PixelMotion`. That the faces move over the screen and carry their colours along is the part of the
derivative that any image has: OpenDR's, with the gradient of this image, or the exact one, for which colours change
along the surface by

    ∇E = ∂E/∂x ∇x + ∂E/∂m ∇m
"""
from functools import reduce
from operator import add

import numpy as np

from ..ch import Ch, as_node, depends_on
from ..geometry import Rodrigues, VertNormals
from ..kernels.cpu.lights import add_scaled, through_direction
from ..kernels.cpu.pixels import interpolation_forward
from ..lighting.directions import directions_of
from ..lighting.light import DirectLight, Light
from ..memory import zeros
from .area_sampling import Patched
from .colored import ColoredRenderer, check_finite, columns_of
from .pixel_jacobian import PixelInterpolation, PixelMotion, SeenFaces
from .textured import TexturedRenderer

__all__ = ["ShadedRenderer", "ShadedTexturedRenderer"]

SCENE = "f", "frustum", "camera", "overdraw", "derivative"
SHADING_TERMS = "lights", "vn", "shininess", "eye", "lobe"
SHADING = *SHADING_TERMS, "specular_color"
ALBEDO = "vc", "fc", "ft", "vt", "texture_image", "texture_filter"
LIGHT = "diffuse_light", "specular_light"
SURFACE = "v", "vertex_normals"


class ShadedRenderer(ColoredRenderer):
    """Image of a mesh with per-pixel shading (Phong shading).

    Attributes
    ----------
    camera, f, frustum, overdraw, bgcolor, background_image, num_channels
        See `ColoredRenderer`.
    lights : light, or list of lights
        From `lighting`. They add up. Only what describes the light itself matters, the surface is this renderer's.
    vc, fc : nodes or arrays, optional
        Albedo, of vertices and of faces. By default 1.
    vn : (V, 3) node or array, optional
        Normals of the vertices, by default ``VertNormals(v, f)``. What is interpolated is normalized again.
    specular_color : (C,) or (V, C) node or array, or a number, optional
        Colour of highlights, everywhere or at the vertices. By default there are none.
    shininess : number
        Exponent of the highlights; needed with specular_color.
    lobe : str
        Their shape, 'blinn_phong' (the default) or 'phong'.
    eye : (3,) node or array, optional
        Where highlights are seen from, by default the centre of the camera.

    Derivatives: exact with respect to lights, normals, albedo and what makes highlights. With respect to the camera
    and the vertices, the motion of the image by OpenDR's approximation or, with derivative='exact', exactly, plus the
    exact change of the light on what each pixel shows. At a point on the edge of the shadow they are those of the
    dark side, see `lighting.light`; a highlight that reaches this edge jumps there, which no derivative knows of.
    """

    terms = *ColoredRenderer.terms, *SHADING_TERMS
    dterms = *ColoredRenderer.dterms, "specular_color", *SURFACE, *LIGHT
    initial_values = {"lobe": "blinn_phong"}

    def __setattr__(self, name, value):
        super().__setattr__(name, _checked_lights(value) if name == "lights" else value)

    # ------------------------------------------------------------------ the surface

    @property
    def vertex_normals(self):
        """Normals of the vertices, a node."""
        given = self._given_normals
        if given is not None:
            return given
        normals = self._own_normals
        if getattr(normals, "v", None) is not self.v:
            normals.v = self.v
        return normals

    @depends_on("vn")
    def _given_normals(self):
        given = getattr(self, "vn", None)
        return None if given is None else as_node(given)

    @depends_on("f")
    def _own_normals(self):
        return VertNormals(f=self.f)

    def _surface_values(self, name):
        """Positions or normals, (V, 3)."""
        values, count, called = getattr(self, name).r, len(self.screen), "v" if name == "v" else "vn"
        if values.size != 3 * count or name != "v" and values.shape != (count, 3):
            raise ValueError(f"{called} must have shape ({count}, 3), got {values.shape}")
        check_finite(values, called)
        return values.reshape(-1, 3)

    def _interpolated(self, name, corners, weights):
        """Positions or normals on points of faces, (n, 3)."""
        return interpolation_forward(corners, weights, np.ones((1, 3)), self._surface_values(name)[:, :, None])[:, :, 0]

    # ------------------------------------------------------------------ light on it

    @property
    def _is_shiny(self):
        return (getattr(self, "specular_color", None) is not None
                and any(isinstance(light, DirectLight) for light in self._needed("lights")))

    @property
    def _gloss(self):
        """What highlights depend on; None if there are none."""
        if not self._is_shiny:
            return None
        return {"shininess": self._needed("shininess"), "lobe": self.lobe, "eye": self._needed_eye}

    @property
    def _needed_eye(self):
        if getattr(self, "eye", None) is not None:
            return self.eye
        if self.camera.is_affine:
            raise ValueError(f"{type(self.camera).__name__} sees along parallel rays, and highlights need a place that "
                             "they are seen from: set eye=..., far in front of the mesh")
        return -Rodrigues(self.camera.rt).T.dot(self.camera.t)

    def _lit(self, corners, weights):
        """The lights on points of faces, `LitPoints`."""
        v, m = (self._interpolated(name, corners, weights) for name in SURFACE)
        return LitPoints(v, m, self._needed("lights"), self._gloss)

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def _lit_pixels(self):
        """The lights on what is seen: in the pixels that show a face, then in the samples of an exact image."""
        face_id, seen = self.pixels.face_id.ravel(), self._seen
        faces, weights = [face_id[seen]], [self.weights[seen]]
        if self.is_exact:
            sampled, barycentric, _ = self._samples.pixels
            faces, weights = faces + [sampled[0]], weights + [barycentric[0]]
        return self._lit(self.faces[np.concatenate(faces)], np.concatenate(weights))

    @depends_on(*SCENE)
    def _seen(self):
        """The pixels that show a face, indices (n,)."""
        return np.flatnonzero(self.pixels.face_id.ravel() >= 0)

    @property
    def diffuse_light(self):
        """E, a node (n, C), of the pixels that show a face, then of the samples of an exact image."""
        return self._lit_pixels.nodes["diffuse_light"]

    @property
    def specular_light(self):
        """H likewise; None without highlights."""
        return self._lit_pixels.nodes["specular_light"]

    def _light_values(self, name):
        """Values (n, C) of diffuse_light or specular_light, and the map from the entries of the node to them."""
        return self._spread_over_channels(name, self._lit_pixels.count, self._channels)

    # ------------------------------------------------------------------ image

    def compute_image(self):
        image = super().compute_image()
        if self._is_shiny:
            highlights = self._light_map_of_pixels("specular_light") @ self.specular_light.r.ravel()
            image += highlights.reshape(image.shape)
        return image

    @property
    def _channels(self):
        channels = super()._channels
        if getattr(self, "num_channels", None) is not None:
            return channels
        colors = [light.num_colors for light in self._needed("lights")]
        if self._is_shiny:
            colors.append(columns_of(self.specular_color, self._specular_points).shape[1])
        return max(channels, *colors)

    @property
    def _albedo_names(self):
        return tuple(self._colors(self._channels))

    @property
    def _factor_names(self):
        return *self._albedo_names, "diffuse_light"

    def _factor_image(self, name):
        return self._light_image(self._channels) if name == "diffuse_light" else super()._factor_image(name)

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def _light_image(self, channels):
        values, _ = self._light_values("diffuse_light")
        return spread(values, self._place_among_lit)

    @property
    def _place_among_lit(self):
        """Of each pixel among the points that are lit, (N,) int32, -1 where no face is seen."""
        place = np.full(self.pixels.face_id.size, -1, np.int32)
        place[self._seen] = np.arange(len(self._seen))
        return place

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def _samples(self):
        return self._area_samples()

    # ------------------------------------------------------------------ at any points of the screen

    def _factor_colors(self, name, pixels):
        return self._light_at(name, pixels) if name == "diffuse_light" else super()._factor_colors(name, pixels)

    def _factor_gradient(self, name, pixels):
        return self._light_gradient(name, pixels) if name == "diffuse_light" else super()._factor_gradient(name, pixels)

    def _colors_at(self, pixels):
        colors = super()._colors_at(pixels)
        if not self._is_shiny:
            return colors
        return colors + self._specular_at(pixels) * self._light_at("specular_light", pixels)

    def _gradient_at(self, pixels):
        gradient = super()._gradient_at(pixels)
        if not self._is_shiny:
            return gradient
        gradient = gradient + self._specular_at(pixels)[:, :, None] * self._light_gradient("specular_light", pixels)
        specular, _ = self._specular
        if len(specular) > 1:
            light = self._light_at("specular_light", pixels)
            gradient += light[:, :, None] * self._surface_gradient(pixels, self.faces, specular)
        return gradient

    def _light_at(self, name, pixels):
        """E or H, (n, C)."""
        return self._on_channels(self._lit_at(pixels).nodes[name].r)

    def _light_gradient(self, name, pixels):
        """How it changes over the screen, along the surface, (n, C, 2); 0 where that is too large for a number."""
        lit = self._lit_at(pixels)
        change = np.zeros(lit.nodes[name].shape + (2,))
        for term in SURFACE:
            slopes = self._surface_gradient(pixels, self.faces, self._surface_values(term))
            blocks = lit.blocks(name, term)
            if blocks is not None:
                with np.errstate(over="ignore", invalid="ignore"):
                    change += np.matmul(blocks, slopes)
        return self._on_channels(np.where(np.isfinite(change), change, 0.0))

    def _lit_at(self, pixels):
        return self._lit(self.faces[pixels[0].ravel()], pixels[1].reshape(-1, 3))

    def _on_channels(self, values):
        shape = (len(values), self._channels) + values.shape[2:]
        return np.ascontiguousarray(np.broadcast_to(values[:, :self._channels], shape))

    @property
    def _specular_points(self):
        """As many as specular_color has rows: vertices, or 1."""
        vertices = len(self.screen)
        return vertices if self.specular_color.ndim == 2 and len(self.specular_color) == vertices else 1

    @property
    def _specular(self):
        """s of the vertices, (V, C), or of all points, (1, C), and the map from the entries of specular_color to it."""
        return self._spread_over_channels("specular_color", self._specular_points, self._channels)

    def _specular_at(self, pixels):
        values, _ = self._specular
        if len(values) == 1:
            return values
        return self._shaded(pixels, values, np.ones((1, values.shape[1])), np.zeros((1, values.shape[1])))

    # ------------------------------------------------------------------ derivatives

    def _derivative(self, name):
        if name not in (*LIGHT, *SURFACE, "specular_color"):
            return super()._derivative(name)
        if not self._is_shiny and name == "specular_color":
            return None
        whole = self._light_map_of_pixels(name)
        if whole is None or not self.is_exact:
            return whole
        samples, first = self._samples, len(self._seen)
        place = np.arange(first, first + samples.count, dtype=np.int32)
        seen = SeenFaces(samples.pixels[0][0], self.faces)
        albedo = self._product_of_others("diffuse_light", samples.pixels)
        rows = self._light_map(name, samples.pixels, seen, place, albedo)
        return Patched(whole, samples.marked, samples.rows(rows, self._channels))

    def _light_map_of_pixels(self, name):
        """The derivative with respect to the input of that name of the pixels that are sampled at their centre."""
        place, seen = self._place_among_lit, self._seen_faces
        if self.is_exact:
            seen = self._centres(self._samples)
            place[self._samples.marked] = -1
        return self._light_map(name, self.pixels, seen, place, self._product_without("diffuse_light"))

    def _light_map(self, name, pixels, seen, place, albedo):
        """The derivative of colours at points of the screen, of which the light is that of the lit points `place`."""
        own = place[:, None], np.ones((len(place), 1))
        weights = pixels[1].reshape(-1, 3)
        if name == "specular_color":
            light, (values, entries) = spread(self._light_values("specular_light")[0], place), self._specular
            if len(values) > 1:
                return PixelInterpolation(None, weights, light, len(values), seen) @ entries
            return PixelInterpolation(np.minimum(own[0], 0), own[1], light, 1) @ entries
        if name in LIGHT:
            values, entries = self._light_values(name)
            scale = albedo if name == "diffuse_light" else self._specular_at(pixels)
            return PixelInterpolation(*own, scale, len(values)) @ entries
        gain = None
        for light in LIGHT:
            blocks = self._lit_pixels.blocks(light, name)
            if blocks is not None:
                gain = zeros((len(place), self._channels, 3)) if gain is None else gain
                add_scaled(gain, albedo if light == "diffuse_light" else self._specular_at(pixels), blocks, place)
        return None if gain is None else PixelMotion(None, weights, gain, len(self.screen), seen)


class ShadedTexturedRenderer(ShadedRenderer, TexturedRenderer):
    """Image of a textured mesh with per-pixel shading: the texture, `vc` and `fc` multiply to the albedo.

    Attributes
    ----------
    lights, vn, specular_color, shininess, lobe, eye
        See `ShadedRenderer`.
    texture_image, vt, ft, texture_filter
        See `TexturedRenderer`, as for all others.
    """

    terms = *TexturedRenderer.terms, *SHADING_TERMS
    dterms = *TexturedRenderer.dterms, "specular_color", *SURFACE, *LIGHT
    initial_values = {"texture_filter": "mipmap"}

    @property
    def _channels(self):
        return self.num_channels

    @property
    def _albedo_names(self):
        return *super()._albedo_names, "texture_image"


class LitPoints:
    """Lights on points of a surface that stay where they are.

    Parameters
    ----------
    v, m : (N, 3) float64
        Positions, and normals before normalization.
    lights : tuple of Light
    gloss : dict or None
        What highlights depend on beside, if there are any.

    Attributes
    ----------
    nodes : dict
        "diffuse_light", "specular_light" -> node (N, C), of a white surface; None without highlights.
    """

    def __init__(self, v, m, lights, gloss):
        self.count = len(v)
        self.n, _, self.inverse_length = directions_of(m)
        points = {"v": Ch(v), "vn": Ch(self.n)}
        self.lights = {"diffuse_light": [light.on(**points) for light in lights], "specular_light": []}
        if gloss is not None:
            mirror = {**points, **gloss, "vc": None, "specular_color": 1.0}
            self.lights["specular_light"] = [light.on(**mirror) for light in lights if isinstance(light, DirectLight)]
        self.nodes = {name: reduce(add, parts) if parts else None for name, parts in self.lights.items()}

    def blocks(self, name, term):
        """The derivatives (N, C, 3) of a light by "v" or "vertex_normals"; None if there are none."""
        if not self.lights[name]:
            return None
        blocks, own = zeros(self.nodes[name].shape + (3,)), {"v": "v", "vertex_normals": "vn"}[term]
        depends = [light.add_derivative(own, blocks) for light in self.lights[name]]
        if not any(depends):
            return None
        return blocks if own == "v" else self._of_normals(blocks)

    def _of_normals(self, blocks):
        """By normals before normalization."""
        channels = blocks.shape[1]
        u, inverse_length = (np.repeat(each, channels, axis=0) for each in (self.n, self.inverse_length))
        return through_direction(blocks.reshape(-1, 3), np.zeros(len(u)), u, inverse_length).reshape(blocks.shape)


def spread(values, place):
    """values[place], 0 where a place is -1."""
    result, lit = zeros((len(place),) + values.shape[1:]), place >= 0
    result[lit] = values[place[lit]]
    return result


def _checked_lights(lights):
    """The lights as a tuple, whose changes the renderer notices."""
    lights = (lights,) if isinstance(lights, Light) else lights
    if not isinstance(lights, (list, tuple)) or not lights or not all(isinstance(light, Light) for light in lights):
        raise TypeError("lights must be a list of lights from opendr_lite.lighting, one or more, such as PointLight or "
                        f"SphericalHarmonics; got {lights!r:.80}")
    return tuple(lights)
