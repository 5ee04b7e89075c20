"""Soft Rasterizer: every face near a pixel counts there, by a probability and by its depth.

Liu, Li, Chen, Li, "Soft Rasterizer: A Differentiable Renderer for Image-based 3D Reasoning", ICCV 2019. With d the
distance of a pixel from the outline of face j on the screen, delta = 1 inside it and -1 outside, and q = (far - z) /
(far - near),

    D_j = sigmoid(delta d^2 / sigma)                        how likely the face covers the pixel
    S   = 1 - prod_j (1 - D_j)                              the silhouette
    I   = sum_j w_j c_j + w_b B                             the colour, w_j ~ D_j exp(q_j / gamma)

All faces up to where D = dist_eps count, whatever their number. The derivative is the exact one of that image, except
where it jumps: where D passes dist_eps, where z passes far, where the near plane begins to cut a face, and where a face
is seen edge on (its colours, not its silhouette). The formulas are in `kernels.cpu.soft_aggregation`.

The unit of sigma is that of normalized image coordinates, squared: the shorter side of the image spans [-1, 1], as in
PyTorch3D and (square images) Soft Rasterizer. `sigma_pixels` is a distance in pixels instead,

    sigma = (2 sigma_pixels / min(width, height))^2

so that a pixel sigma_pixels inside an outline has D = sigmoid(1) = 0.73, and one as far outside 0.27.

Differences from the original: its gradient of colours is not the derivative of its image, as it leaves out how colours
and depths change as a face moves over the screen; its hard silhouette has a gradient; and faces outside [near, far]
have none at all. Here, as in all renderers, what is nearer than the near plane is cut off; the pieces that this leaves
of a face blur one by one.
"""
import numpy as np

from ..ch import depends_on
from ..ch.linear_maps import BlockDiagonal, Composition, DenseMap, LinearMap, Selection, identity
from ..kernels.cpu.soft_aggregation.colors import Paint
from ..kernels.cpu.soft_aggregation.distances import BARYCENTRIC, EUCLIDEAN, Blur
from ..kernels.cpu.soft_aggregation.images import blend
from ..kernels.cpu.soft_aggregation.mixing import BLENDINGS, Mix
from ..kernels.cpu.soft_aggregation.sigmoids import SIGMOIDS, STEP, argument_of
from ..kernels.cpu.soft_aggregation.silhouettes import cover
from ..kernels.cpu.soft_aggregation.unions import UNIONS
from .base import BaseRenderer
from .clipped_values import ClippedValues, corners_on_pieces
from .colored import check_finite, columns_of
from .pixel_jacobian import PixelInterpolation
from .textured import TexturedRenderer

__all__ = ["SoftRenderer", "SoftSilhouetteRenderer"]

DISTANCES = {"euclidean": EUCLIDEAN, "barycentric": BARYCENTRIC, "hard": EUCLIDEAN}
FILTERS = {"bilinear": False, "nearest": True}
EPS = {"softmax": 1e-3, "pytorch3d": 1e-10, "hard": 0.0}  # by default


class SoftMotion(LinearMap):
    """The derivative of a soft image by u, v (and z, for three dimensions) of the vertices.

    Parameters
    ----------
    image : SoftSilhouette or SoftImage
    dimensions : int
    """

    def __init__(self, image, dimensions):
        self.image, self.dimensions = image, dimensions
        super().__init__((image.size, dimensions * len(image.screen)))

    def apply(self, x):
        return self.image.push_motion(x.reshape(len(self.image.screen), self.dimensions, -1)).reshape(
            self.shape[:1] + x.shape[1:])

    def apply_transpose(self, y):
        return _by_columns(lambda column: self.image.pull(column, motion=True).motion, y, self.shape[1])

    def to_sparse(self):
        return self.image.rows_by_motion()

    def to_sparse_after(self, other):
        """The product with a map of each point has the same rows, with blocks for blocks."""
        if not isinstance(other, BlockDiagonal) or other.blocks.shape[1:] != (self.dimensions, 3):
            return super().to_sparse_after(other)
        return self.image.rows_by_motion(other.blocks)


class SoftColors(LinearMap):
    """The derivative of a soft image by the values of one factor of its colours, `vertex`, `cell` or `texel`.

    Parameters
    ----------
    image : SoftImage
    factor : str
    """

    def __init__(self, image, factor):
        self.image, self.factor = image, factor
        super().__init__((image.size, getattr(image.paint, factor).size))

    def apply(self, x):
        return _by_columns(lambda column: self.image.push_colors(self.factor, column), x, self.shape[0])

    def apply_transpose(self, y):
        return _by_columns(lambda column: getattr(self.image.pull(column, **{self.factor: True}), self.factor), y,
                           self.shape[1])

    def to_sparse(self):
        return self.image.rows_by_factor(self.factor)


def _by_columns(product, vectors, size):
    """A product with one vector, or with each column of several."""
    if vectors.ndim == 1:
        return product(vectors).ravel()
    result = np.empty((size, vectors.shape[1]))
    for column in range(vectors.shape[1]):
        result[:, column] = product(vectors[:, column]).ravel()
    return result


class SoftBase(BaseRenderer):
    """What soft renderers share: how probabilities follow from distances."""

    initial_values = {"overdraw": False, "derivative": "exact", "distance": "euclidean", "sigmoid": "logistic",
                      "dist_eps": 1e-4}
    derivatives = "exact",

    @depends_on("distance", "sigmoid", "dist_eps", "sigma", "sigma_pixels", "frustum")
    def _blur(self):
        distance = self._chosen("distance", DISTANCES)
        sigmoid = self._chosen("sigmoid", SIGMOIDS)
        least = self._number("dist_eps")
        if not 0.0 < least < 1.0:
            raise ValueError("dist_eps must be between 0 and 1, both excluded, as the probability below which a face "
                             f"does not count; got {least:g}")
        unit = self._pixel ** 2 if self.distance != "barycentric" else 1.0
        if self.distance == "hard":
            return Blur(distance, STEP, self._sigma / unit, 0.0)
        return Blur(distance, sigmoid, self._sigma / unit, argument_of(sigmoid, least))

    @property
    def _pixel(self):
        """Size of a pixel in normalized image coordinates."""
        return 2.0 / min(self.image_size)

    @property
    def _sigma(self):
        given = [name for name in ("sigma", "sigma_pixels") if getattr(self, name, None) is not None]
        if len(given) == 2:
            raise ValueError("sigma and sigma_pixels are both given, and mean the same: set one of them to None")
        if not given:
            return 1e-5
        if given == ["sigma"]:
            return self._positive("sigma")
        if self.distance == "barycentric":
            raise ValueError("sigma_pixels has no meaning with distance='barycentric', which is no distance in pixels: "
                             "give sigma")
        return (self._pixel * self._positive("sigma_pixels")) ** 2

    def _sigma_slope(self, name):
        """Derivative of sigma by `sigma` or `sigma_pixels`."""
        return 1.0 if name == "sigma" else 2.0 * self._pixel ** 2 * self._number("sigma_pixels")

    def _chosen(self, name, codes):
        value = getattr(self, name)
        if value not in codes:
            raise ValueError(f"{type(self).__name__}: {name} must be one of {', '.join(map(repr, codes))}, got "
                             f"{value!r}")
        return codes[value]

    def _number(self, name):
        value = getattr(self, name)
        value = np.asarray(getattr(value, "r", value))
        if value.size != 1 or value.dtype.kind not in "fiu":
            raise TypeError(f"{name} must be a number, got {getattr(self, name)!r:.80}")
        return float(value.reshape(()))

    def _positive(self, name):
        value = self._number(name)
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} must be positive and finite, got {value:g}")
        return value

    def _motion(self, dimensions):
        """The derivative by `screen_points`, through u, v or u, v, z."""
        blocks = self._kind_of_stand_in.screen_by_points(self._extended_screen)
        return SoftMotion(self._soft, dimensions) @ BlockDiagonal(blocks[:, :dimensions])

    def compute_dr_wrt(self, wrt):
        return self._sum_over_names(wrt)


class SoftSilhouetteRenderer(SoftBase):
    """Soft silhouette of a mesh: how likely any face covers a pixel, (height, width) float64.

    Attributes
    ----------
    camera, f, frustum
        See `BaseRenderer`.
    sigma : number or node
        How far faces blur, in squared units of normalized image coordinates; 1e-5 by default.
    sigma_pixels : number or node
        The same as a distance in pixels, instead of `sigma`.
    distance : str
        'euclidean' (squared distance from the outline, the default), 'barycentric' (signed square of the least
        barycentric coordinate), or 'hard' (inside or not).
    union : str
        How probabilities add up: 'prod' (the default), 'sum' or 'hard' as in Soft Rasterizer; 'max', 'einstein',
        'hamacher', 'bounded' or 'yager', other T-conorms as in GenDR. See `kernels.cpu.soft_aggregation.unions`.
    sigmoid : str
        'logistic' (the default), 'gaussian', 'laplace', 'sech', 'cauchy', 'reciprocal', 'uniform' or 'exponential'.
    dist_eps : float
        Probability up to which a face counts; 1e-4 by default.

    Derivatives: exact, with respect to the camera (so v, rt, t, f, c, k) and sigma or sigma_pixels. With
    union='hard' or distance='hard' the image is piecewise constant: the derivative is zero, and reported as none.

    Examples
    --------
    >>> silhouette = SoftSilhouetteRenderer(camera=camera, f=f, frustum=frustum, sigma_pixels=1.5)
    >>> ch.minimize(silhouette - observed, x0=[camera.v])
    """

    terms = "f", "frustum", "distance", "union", "sigmoid", "dist_eps"
    dterms = "camera", "sigma", "sigma_pixels", "screen_points"
    initial_values = {"union": "prod"}

    @depends_on("f", "frustum", "camera", "distance", "union", "sigmoid", "dist_eps", "sigma", "sigma_pixels")
    def _soft(self):
        height, width = self.image_size
        return cover(self._extended_screen, self._clipped_faces, width, height, self._blur,
                     self._chosen("union", UNIONS), len(self.faces))

    def compute_r(self):
        return self.silhouette_image

    @property
    def silhouette_image(self):
        """The image: the value of this node."""
        return self._soft.image

    def _derivative(self, name):
        if "hard" in (self.distance, self.union):
            return None
        if name == "screen_points":
            return self._motion(2)
        if name in ("sigma", "sigma_pixels"):
            return DenseMap(self._soft.slope_by_sigma() * (self._sigma_slope(name) / self._sigma))


class SoftRenderer(SoftBase, TexturedRenderer):
    """Image of a mesh by Soft Rasterizer.

    The value is (height, width, C) float64, (height, width) for one channel. The silhouette is a node of its own,
    `silhouette`.

    Attributes
    ----------
    camera, f, frustum
        See `BaseRenderer`; near and far also scale depths, (far - z) / (far - near).
    sigma, sigma_pixels, distance, sigmoid, dist_eps
        See `SoftSilhouetteRenderer`.
    gamma : number or node
        How much the nearest face dominates: the less, the more. 1e-4 by default.
    blending : str
        'softmax' (Soft Rasterizer's, the default), 'pytorch3d' (interpolation with perspective, and a background that
        the mesh hides wherever it counts), or 'hard' (the nearest face).
    eps : number
        How near the background is, from 0 (far) to 1 (near): 1e-3 by default, with 'pytorch3d' 1e-10. With 'softmax' it
        counts twice, as in the code of Soft Rasterizer; its paper has it once.
    vc, fc, bgcolor, background_image
        See `ColoredRenderer`. The background is black by default.
    texture_image, vt, ft
        See `TexturedRenderer`; texture_filter is 'bilinear' (the default) or 'nearest'.
    surface_texture : (F, R^2, C) node or array
        Soft Rasterizer's textures: R^2 cells of each face, the nearest of which is shown. Instead of `fc`.

    Colours multiply where several are given.

    Derivatives: exact, with respect to the camera (so v, rt, t, f, c, k), all colours, texels, vt, bgcolor, sigma or
    sigma_pixels, and gamma.

    Examples
    --------
    >>> image = SoftRenderer(camera=camera, f=f, frustum=frustum, vc=colours, sigma=1e-4, gamma=1e-3)
    >>> ch.minimize({"colour": image - observed, "silhouette": image.silhouette - mask}, x0=[camera.v])
    """

    terms = ("f", "frustum", "ft", "background_image", "texture_filter", "distance", "sigmoid", "dist_eps", "blending",
             "eps")
    dterms = ("vc", "fc", "surface_texture", "texture_image", "vt", "bgcolor", "camera", "sigma", "sigma_pixels",
              "gamma", "screen_points", "cut_colors", "cut_texcoords")
    initial_values = {"gamma": 1e-4, "blending": "softmax", "bgcolor": 0.0, "texture_filter": "bilinear"}

    # ------------------------------------------------------------------ colours

    @property
    def num_channels(self):
        """As many as the texture has, or else the colours."""
        if getattr(self, "texture_image", None) is not None:
            return super().num_channels
        points = {"vc": len(self.screen), "fc": len(self.faces)}
        counts = [columns_of(getattr(self, name), count).shape[1] for name, count in points.items()
                  if getattr(self, name, None) is not None]
        if getattr(self, "surface_texture", None) is not None:
            counts.append(self._checked_cells.shape[2])
        if not counts:
            raise AttributeError(f"{type(self).__name__} has no colours yet: set vc (of the vertices), fc (of the "
                                 "faces), texture_image with vt, or surface_texture, as in rn.set(vc=...)")
        return max(counts)

    @depends_on("f", "surface_texture")
    def _checked_cells(self):
        cells, count = self.surface_texture.r, len(self.faces)
        if cells.ndim != 3 or len(cells) != count or int(cells.shape[1] ** 0.5 + 0.5) ** 2 != cells.shape[1]:
            raise ValueError(f"surface_texture must have shape ({count}, R * R, channels), got {cells.shape}")
        check_finite(cells, "surface_texture")
        if getattr(self, "fc", None) is not None:
            raise ValueError("fc and surface_texture are both given, and both colour the faces: set one of them to "
                             "None")
        return cells

    @depends_on("f", "frustum", "camera", "vc")
    def cut_colors(self):
        """Colours of the vertices, and of what clipping adds, a node; None where nothing is clipped."""
        if self._clipped is None or getattr(self, "vc", None) is None:
            return None
        values, _ = self._spread_over_channels("vc", len(self.screen), columns_of(self.vc, len(self.screen)).shape[1])
        clipped = self._clipped
        return ClippedValues(self.vc.reshape(values.shape), self.camera.v_cam, clipped,
                             np.arange(len(clipped.new_vertices)), clipped.new_vertices)

    @depends_on("f", "ft", "frustum", "camera", "vt", "texture_image")
    def cut_texcoords(self):
        """Texture coordinates, and what clipping adds, a node; None where nothing is clipped."""
        if self._clipped is None or getattr(self, "texture_image", None) is None:
            return None
        edge, ends, _ = self._pieces
        return ClippedValues(self.vt, self.camera.v_cam, self._clipped, edge, ends)

    @property
    def _pieces(self):
        vt, ft = self._texture_mesh
        return corners_on_pieces(self.faces, ft, self._clipped, len(self.screen), len(vt))

    @property
    def _vertex_colors(self):
        """(name of the node, colours (V', C), map from its entries to them)"""
        name, count = ("vc", len(self.screen)) if self._clipped is None else ("cut_colors", len(self._extended_screen))
        return name, *self._spread_over_channels(name, count, self.num_channels)

    @property
    def _cells(self):
        """(name of the node, colours (cells, C), map from its entries to them, R)"""
        if getattr(self, "surface_texture", None) is None:
            return "fc", *self._spread_over_channels("fc", len(self.faces), self.num_channels), 1
        cells = self._checked_cells
        if cells.shape[2] != self.num_channels:
            raise ValueError(f"surface_texture must have {self.num_channels} channels, got {cells.shape[2]}")
        return ("surface_texture", cells.reshape(-1, cells.shape[2]), identity(cells.size),
                int(cells.shape[1] ** 0.5 + 0.5))

    @property
    def _has_cells(self):
        return any(getattr(self, name, None) is not None for name in ("fc", "surface_texture"))

    def _paint(self):
        """The `Paint` of the clipped mesh."""
        clipped, channels = self._clipped, self.num_channels
        none = np.empty((0, channels))
        vertex = cell = texel = none
        resolution, rows, columns = 1, 1, 1
        vt, ft = np.empty((0, 2)), np.empty((0, 3), np.int32)
        if getattr(self, "vc", None) is not None:
            _, vertex, _ = self._vertex_colors
        if self._has_cells:
            _, cell, _, resolution = self._cells
        if getattr(self, "texture_image", None) is not None:
            texture = self._checked_texture
            rows, columns = texture.shape[:2]
            texel = texture.reshape(rows * columns, channels)
            vt, ft = self._texture_mesh
            if clipped is not None:
                vt, ft = np.ascontiguousarray(self.cut_texcoords.r[:, :2]), self._pieces[2]
        parent = np.arange(len(self.faces), dtype=np.int32) if clipped is None else clipped.parent
        inside = np.empty((0, 3, 3)) if clipped is None else clipped.corner_weights
        return Paint(vertex, cell, parent, inside, resolution, texel, rows, columns,
                     self._chosen("texture_filter", FILTERS), vt, ft)

    # ------------------------------------------------------------------ image

    @depends_on("f", "frustum", "camera", "ft", "background_image", "texture_filter", "distance", "sigmoid",
                "dist_eps", "blending", "eps", "vc", "fc", "surface_texture", "texture_image", "vt", "bgcolor", "sigma",
                "sigma_pixels", "gamma")
    def _soft(self):
        height, width = self.image_size
        frustum = self._checked_frustum
        mix = Mix(self._chosen("blending", BLENDINGS), self._positive("gamma"), self._background_nearness,
                  frustum["near"], frustum["far"], self._checked_camera.is_affine)
        return blend(self._extended_screen, self._clipped_faces, width, height, self._blur, mix, self._paint(),
                     self._background(self.num_channels))

    @property
    def _background_nearness(self):
        """eps, or, by the rule of Soft Rasterizer's code, twice that."""
        eps = EPS[self.blending] if getattr(self, "eps", None) is None else self._number("eps")
        if not np.isfinite(eps):
            raise ValueError(f"eps must be finite, got {eps}")
        return 2.0 * eps if self.blending == "softmax" else eps

    def compute_r(self):
        return self._soft.state.image.reshape(self._image_shape)

    @depends_on("f", "frustum", "camera", "distance", "sigmoid", "dist_eps", "sigma", "sigma_pixels")
    def silhouette(self):
        """The silhouette of the same scene, a `SoftSilhouetteRenderer`."""
        return SoftSilhouetteRenderer(**{name: getattr(self, name) for name in (
            "f", "frustum", "camera", "distance", "sigmoid", "dist_eps", "sigma", "sigma_pixels")
            if getattr(self, name, None) is not None})

    # ------------------------------------------------------------------ derivatives

    def _derivative(self, name):
        image = self._soft
        if name == "screen_points":
            return self._motion(3)
        if name in ("sigma", "sigma_pixels"):
            return DenseMap(image.slopes()[:, :1] * (self._sigma_slope(name) / self._sigma))
        if name == "gamma":
            return DenseMap(image.slopes()[:, 1:])
        if name == "bgcolor":
            return self._background_map()
        if name == "texture_image":
            return SoftColors(image, "texel")
        if name in ("vt", "cut_texcoords"):
            return self._texcoord_map(name)
        if name in ("vc", "cut_colors"):
            source, _, spread = self._vertex_colors
            return SoftColors(image, "vertex") @ spread if name == source else None
        if name in ("fc", "surface_texture"):
            source, _, spread, _ = self._cells
            return SoftColors(image, "cell") @ spread if name == source else None

    def _texcoord_map(self, name):
        source = "vt" if self._clipped is None else "cut_texcoords"
        if name != source or getattr(self, "texture_image", None) is None or self.texture_filter == "nearest":
            return None
        node, rows = getattr(self, name), self._soft.rows_by_texcoord()
        entries = np.arange(node.size).reshape(len(node), -1)[:, :2]
        return rows if node.size == rows.shape[1] else rows @ Selection(entries, node.size).to_sparse()

    def _background_map(self, samples=None):
        if getattr(self, "background_image", None) is not None:
            return None
        behind = self._soft.state.behind[:, None]
        _, spread = self._spread_over_channels("bgcolor", 1, self.num_channels)
        return PixelInterpolation(np.zeros(behind.shape, np.int32), behind, np.ones((1, self.num_channels)), 1) @ spread

    def _pull_back(self, maps, cotangent):
        """By what moves and by all colours in one pass."""
        leaves = [each.left if isinstance(each, Composition) else each for each in maps]
        soft = {("motion" if isinstance(leaf, SoftMotion) else leaf.factor): place for place, leaf in enumerate(leaves)
                if isinstance(leaf, (SoftMotion, SoftColors))}
        if cotangent.ndim > 1 or len(soft) < 2:
            return [each.T @ cotangent for each in maps]
        pulls = self._soft.pull(cotangent, **dict.fromkeys(soft, True))
        parts = {place: getattr(pulls, name).ravel() for name, place in soft.items()}
        return [(each.right.T @ parts[place] if isinstance(each, Composition) else parts[place]) if place in parts
                else each.T @ cotangent for place, each in enumerate(maps)]
