"""Images that are shaded pixel by pixel (B. T. Phong, 1975): light falls on what each pixel shows, not on the vertices.

A pixel shows a point of a face, with barycentric coordinates b at the corners i. There the surface has

    the position x = sum_k b_k v[i_k],   the normal m / |m|,  m = sum_k b_k vn[i_k],   and an albedo a

which is the product of the factors of a coloured or a textured image. The lights, nodes of `lighting`, are put on it:

    I = a E(x, m) + G(x, m)

with E their light on a white surface, which is one more factor, and G their highlights. E and G are nodes, so that the
derivatives by lights, normals, positions and whatever these are made of are those of the graph, exact at a point of a face.
Moving on the screen, a face carries its colours along; that part of the derivative is the one of any image: OpenDR's, with
the gradient of this image, or the exact one, for which colours change along the surface by

    ∇E = ∂E/∂x ∇x + ∂E/∂m ∇m
"""
from functools import partial, reduce
from operator import add

import numpy as np

from ..ch import Ch, as_node, depends_on
from ..ch.linear_maps import BlockDiagonal, identity
from ..geometry import Rodrigues, VertNormals
from ..inputs import total_derivative
from ..kernels.cpu.lights import through_direction
from ..kernels.cpu.surface_gradient import surface_gradient
from ..lighting.directions import directions_of
from ..lighting.light import DirectLight, Light
from .area_sampling import Patched
from .base import PointsOnFaces
from .colored import ColoredRenderer, columns_of
from .pixel_jacobian import PixelInterpolation
from .textured import TexturedRenderer

__all__ = ["ShadedRenderer", "ShadedTexturedRenderer"]

SHADING = "lights", "vn", "specular_color", "shininess", "eye", "lobe"
SCENE = "f", "frustum", "camera", "overdraw", "derivative"
ALBEDO = "vc", "fc", "ft", "vt", "texture_image", "texture_filter"
LIGHT = "diffuse_light", "highlights"


class ShadedRenderer(ColoredRenderer):
    """Image of a mesh with per-pixel shading (Phong shading).

    Attributes
    ----------
    camera, f, frustum, overdraw, bgcolor, background_image, num_channels
        See `ColoredRenderer`.
    lights : sequence of lights
        From `lighting`; only what describes the light itself matters, the surface is this renderer's. They add up.
    vc, fc : nodes or arrays, optional
        Albedo, of vertices and of faces. By default 1.
    vn : (V, 3) node or array, optional
        Normals of the vertices, by default ``VertNormals(v, f)``. What is interpolated is normalized again.
    specular_color : (C,) or (V, C) node or array, or a number, optional
        Colour of highlights; of the vertices it is interpolated. By default there are none.
    shininess : number
        Exponent of the highlights; needed with specular_color.
    lobe : str
        Their shape, 'blinn_phong' (the default) or 'phong'.
    eye : (3,) node or array, optional
        Where highlights are seen from, by default the centre of the camera.

    Derivatives: exact with respect to lights, normals, albedo and what makes highlights; with respect to the camera and the
    vertices, the motion of the image by OpenDR's approximation or, with derivative='exact', exactly, plus the exact change of
    the light on what each pixel shows. On the edge of the shadow, a surface that turns away from a light, the derivative is
    that of the dark side; highlights that reach this edge jump there, and no derivative knows of it.
    """

    terms = *ColoredRenderer.terms, *SHADING
    dterms = *ColoredRenderer.dterms, *LIGHT
    initial_values = {"lobe": "blinn_phong"}

    def __setattr__(self, name, value):
        super().__setattr__(name, _checked_lights(value) if name == "lights" else value)

    # ------------------------------------------------------------------ what is lit

    @property
    def _vertex_normals(self):
        given = getattr(self, "vn", None)
        if given is not None:
            return as_node(given)
        normals = self._own_normals
        if getattr(normals, "v", None) is not self.v:
            normals.v = self.v
        return normals

    @depends_on("f")
    def _own_normals(self):
        return VertNormals(f=self.f)

    @property
    def _has_gloss(self):
        return getattr(self, "specular_color", None) is not None

    @property
    def _is_shiny(self):
        return self._has_gloss and any(isinstance(light, DirectLight) for light in self._needed("lights"))

    @depends_on(*SCENE, *SHADING)
    def _vertices(self):
        """Nodes with a row for each vertex: positions, normals and, if they have one each, specular colours."""
        count = len(self.screen)
        nodes = {"v": self.v, "vn": self._vertex_normals}
        if self._has_gloss and np.ndim(self.specular_color) == 2:
            nodes["specular_color"] = as_node(self.specular_color)
        for name, node in nodes.items():
            if node.ndim != 2 or len(node) != count or name == "vn" and node.shape[1] != 3:
                raise ValueError(f"{name} must have a row for each of {count} vertices, got shape {node.shape}")
        return nodes

    def _interpolated(self, corners, weights):
        """Those nodes on points of faces, with a row for each point."""
        return {name: PointsOnFaces(node, corners, weights) for name, node in self._vertices.items()}

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def _lit_points(self):
        """Nodes of the pixels that show a face, followed by the samples of an exact image, see `_interpolated`."""
        seen = [self._seen_points[1]] + ([self._samples.pixels] if self.is_exact else [])
        return self._interpolated(self.faces[np.concatenate([face_id[0] for face_id, _, _ in seen])],
                                  np.concatenate([barycentric[0] for _, barycentric, _ in seen]))

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def diffuse_light(self):
        """E of these points, a node."""
        return LightOnSurface.of(self._diffuse, self._lit_points)

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def highlights(self):
        """G of these points, a node; None without."""
        return LightOnSurface.of(self._gloss, self._lit_points) if self._is_shiny else None

    def _diffuse(self, v, vn, specular_color=None):
        """E, a node, of points (N, 3), given with unit normals and, if they have one each, specular colours."""
        return reduce(add, (light.on(v=v, vn=vn) for light in self._needed("lights")))

    def _gloss(self, v, vn, specular_color=None):
        """G likewise."""
        surface = {"v": v, "vn": vn, "vc": None, "shininess": self._needed("shininess"), "lobe": self.lobe, "eye": self._eye,
                   "specular_color": self.specular_color if specular_color is None else specular_color}
        return reduce(add, (light.on(**surface) for light in self.lights if isinstance(light, DirectLight)))

    @property
    def _eye(self):
        given = getattr(self, "eye", None)
        return -Rodrigues(self.camera.rt).T.dot(self.camera.t) if given is None else given

    # ------------------------------------------------------------------ image

    def compute_r(self):
        image = super().compute_r()
        if self._is_shiny:
            seen, _, _ = self._seen_points
            values, _ = self._light("highlights")
            colors = image.reshape(-1, self._channels)
            whole = self._sampled_at_centre[seen]
            colors[seen[whole]] += values[:len(seen)][whole]
        return image

    @property
    def _sampled_at_centre(self):
        """Whether each pixel shows what is at its centre, (N,) bool."""
        whole = np.ones(self.pixels.face_id.size, bool)
        if self.is_exact:
            whole[self._samples.marked] = False
        return whole

    @property
    def _channels(self):
        channels = super()._channels
        if getattr(self, "num_channels", None) is not None:
            return channels
        colors = [light.num_colors for light in self._needed("lights")]
        if self._has_gloss:
            colors.append(columns_of(as_node(self.specular_color), len(self.screen)).shape[1])
        return max(channels, *colors)

    @property
    def _albedo_names(self):
        return tuple(self._colors(self._channels))

    @property
    def _factor_names(self):
        return *self._albedo_names, "diffuse_light"

    def _light(self, name):
        """Values (n, C) of diffuse_light or highlights, and the map from the entries of the node to them."""
        return self._spread_over_channels(name, len(self._lit_points["v"]), self._channels)

    def _factor_image(self, name):
        return self._light_image(self._channels) if name in LIGHT else super()._factor_image(name)

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def _light_image(self, channels):
        seen, _, _ = self._seen_points
        image = np.zeros((self.pixels.face_id.size, channels))
        image[seen] = self._light("diffuse_light")[0][:len(seen)]
        return image

    @depends_on(*SCENE, *SHADING, *ALBEDO)
    def _samples(self):
        return self._area_samples()

    # ------------------------------------------------------------------ light at any points of the screen

    def _light_at(self, name, pixels):
        """E or G there, (n, C)."""
        return self._on_channels(self._lit(name, pixels).r)

    def _light_gradient_at(self, name, pixels):
        """How it changes over the screen, along the surface, (n, C, 2)."""
        slopes = {name: surface_gradient(pixels, self.screen, self.faces, self.faces, vertices.r)
                  for name, vertices in self._vertices.items()}
        return self._on_channels(self._lit(name, pixels).change(slopes))

    def _lit(self, name, pixels):
        surface = self._interpolated(self.faces[pixels[0].ravel()], pixels[1].reshape(-1, 3))
        return LightOnSurface.of({"diffuse_light": self._diffuse, "highlights": self._gloss}[name], surface)

    def _on_channels(self, values):
        shape = (len(values), self._channels) + values.shape[2:]
        return np.ascontiguousarray(np.broadcast_to(values[:, :self._channels], shape))

    def _factor_colors(self, name, pixels):
        return self._light_at(name, pixels) if name in LIGHT else super()._factor_colors(name, pixels)

    def _factor_gradient(self, name, pixels):
        return self._light_gradient_at(name, pixels) if name in LIGHT else super()._factor_gradient(name, pixels)

    def _colors_at(self, pixels):
        colors = super()._colors_at(pixels)
        return colors + self._light_at("highlights", pixels) if self._is_shiny else colors

    def _gradient_at(self, pixels):
        gradient = super()._gradient_at(pixels)
        return gradient + self._light_gradient_at("highlights", pixels) if self._is_shiny else gradient

    # ------------------------------------------------------------------ derivatives

    def _derivative(self, name):
        if name not in LIGHT:
            return super()._derivative(name)
        seen, _, _ = self._seen_points
        is_factor = name in self._factor_names
        one = np.ones((1, self._channels))
        own = np.full((self.pixels.face_id.size, 1), -1, np.int32)
        own[seen, 0] = np.arange(len(seen))
        own[~self._sampled_at_centre] = -1
        whole = self._light_map(name, own, self._product_without(name) if is_factor else one)
        if not self.is_exact:
            return whole
        samples = self._samples
        own = np.arange(len(seen), len(seen) + samples.count, dtype=np.int32)[:, None]
        rows = self._light_map(name, own, self._product_of_others(name, samples.pixels) if is_factor else one)
        return Patched(whole, samples.marked, samples.rows(rows, self._channels))

    def _light_map(self, name, own, scale):
        """From the entries of the node to what shows its points `own`, (N, 1)."""
        values, spread = self._light(name)
        return PixelInterpolation(own, np.ones(own.shape), scale, len(values)) @ spread


class ShadedTexturedRenderer(ShadedRenderer, TexturedRenderer):
    """Image of a textured mesh with per-pixel shading: the texture, `vc` and `fc` multiply to the albedo.

    Attributes
    ----------
    lights, vn, specular_color, shininess, lobe, eye
        See `ShadedRenderer`.
    texture_image, vt, ft, texture_filter
        See `TexturedRenderer`, as for all others.
    """

    terms = *TexturedRenderer.terms, *SHADING
    dterms = *TexturedRenderer.dterms, *LIGHT
    initial_values = {"texture_filter": "mipmap"}

    @property
    def _albedo_names(self):
        return *super()._albedo_names, "texture_image"

    @property
    def _channels(self):
        return self.num_channels


class LightOnSurface(Ch):
    """Light on points of a surface, which may move: its value, and how it changes with the points.

    Parameters
    ----------
    light : node (N, C)
        Of points that stay: a function of the free variables `fixed`.
    v, vn, specular_color : nodes (N, 3), (N, 3), (N, C)
        The points, their normals before normalization and, if they have one each, specular colours.
    fixed : dict
        Name of each of these -> its value as a free variable, of normals after normalization.
    inverse_length : (N,) float64
        What they were multiplied with for that.
    """

    terms = "fixed", "inverse_length"
    dterms = "light", "v", "vn", "specular_color"

    @classmethod
    def of(cls, light, surface):
        """The node, from nodes by name and a function of nodes by name that gives `light`."""
        values = {name: node.r for name, node in surface.items()}
        values["vn"], _, inverse_length = directions_of(values["vn"])
        fixed = {name: Ch(value) for name, value in values.items()}
        return cls(light=light(**fixed), fixed=fixed, inverse_length=inverse_length, **surface)

    def compute_r(self):
        return self.light.r

    def compute_dr_wrt(self, wrt):
        return total_derivative(self, wrt, light=lambda: identity(self.size),
                                **{name: partial(self._blocks, name) for name in self.fixed})

    def _blocks(self, name):
        count, columns = self.fixed[name].shape
        unit = np.broadcast_to(np.eye(columns), (count, columns, columns))
        return BlockDiagonal(self.change({name: unit}))

    def change(self, changes):
        """How the light changes, (N, C, k), with changes (N, D, k) of the points and their like, by name."""
        changes = {**changes, "vn": self._of_directions(changes["vn"])} if "vn" in changes else changes
        change = self.light.jvp([self.fixed[name] for name in changes],
                                [each.reshape(-1, each.shape[2]) for each in changes.values()])
        return change.reshape(self.shape + (-1,))

    def _of_directions(self, changes):
        """The changes (N, 3, k) of normals after normalization."""
        count, _, columns = changes.shape
        u, inverse_length = (np.repeat(each, columns, axis=0) for each in (self.fixed["vn"].r, self.inverse_length))
        rows = through_direction(changes.transpose(0, 2, 1).reshape(-1, 3), np.zeros(count * columns), u, inverse_length)
        return rows.reshape(count, columns, 3).transpose(0, 2, 1)


def _checked_lights(lights):
    """The lights as a tuple, whose changes the renderer notices."""
    lights = (lights,) if isinstance(lights, Light) else lights
    if not isinstance(lights, (list, tuple)) or not lights or not all(isinstance(light, Light) for light in lights):
        raise TypeError("lights must be a list of lights from opendr_lite.lighting, one or more, such as PointLight or "
                        f"SphericalHarmonics; got {lights!r:.80}")
    return tuple(lights)
