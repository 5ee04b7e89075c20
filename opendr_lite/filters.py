"""Filters of images and pyramids of them, under the names of OpenDR.

A kernel K correlates an image x, at every s-th row and column:

    y[i, j] = sum_ab K[a, b] x[s i + a, s j + b]

As a sum of outer products, K = sum_q p_q r_qᵀ, it filters down the columns and along the rows. With the
sparse matrices P_q and R_q that slide p_q and r_q along a line, and C channels that are filtered alike,

    y = sum_q P_q x R_qᵀ      dy/dx = sum_q P_q ⊗ R_q ⊗ I_C      (dy/dx)ᵀ = sum_q P_qᵀ ⊗ R_qᵀ ⊗ I_C

with ⊗ the Kronecker product. The stride and what happens at the border only change the small matrices P and
R, so the transpose is exact, and neither product needs the large matrix. A Gaussian has one term.

Two pyramids are made of such maps, down from the image x_0:

    Gaussian     shows x_l            x_l+1 is every other pixel of G x_l, filtered where the kernel fits
    Laplacian    shows x_l - B x_l    x_l+1 is every other pixel of B x_l, filtered with the border repeated;
                                      its last level shows x_n

G and B have the 3x3 Gaussian kernel of sigma 1. The Laplacian pyramid follows OpenDR: a level shows its
difference from its own blurred self, not from the expansion of the next level as in Burt & Adelson, "The
Laplacian pyramid as a compact image code" (1983).
"""
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add, index

import numpy as np
import scipy.sparse as sp

from .ch.linear_maps import Diagonal, LinearMap
from .ch.node import Ch, as_node, depends_on
from .ch.shaping import concatenate, ravel
from .ch.tangents import FormedTangent, Tangent
from .kernels.cpu.filtering import filter_image, taps_of_matrix
from .memory import empty

__all__ = ["gaussian_pyramid", "laplacian_pyramid", "GaussPyrDownOne", "GaussianKernel2D", "filter_for",
           "filter_for_nopadding", "halfsampler_for", "LinearFilter", "PyramidMap", "SeparableFilter"]


# ---------------------------------------------------------------------- kernels and the maps they make

def GaussianKernel2D(ksize, sigma):
    """A Gaussian, sampled at the centres of `ksize` x `ksize` pixels, that sums to 1.

    Parameters
    ----------
    ksize : int
        Odd.
    sigma : float
        Standard deviation in pixels, positive.

    Returns
    -------
    ndarray of shape (ksize, ksize)
    """
    if isinstance(ksize, bool) or not hasattr(ksize, "__index__") or ksize < 1 or ksize % 2 == 0:
        raise ValueError(f"ksize must be an odd positive integer, so that there is a centre; got {ksize!r}")
    if not 0 < sigma < np.inf:
        raise ValueError(f"sigma must be positive, in pixels; got {sigma!r}")
    along = np.exp(-0.5 * ((np.arange(ksize) - ksize // 2) / sigma) ** 2)
    along /= along.sum()
    return np.outer(along, along)


class SeparableFilter(LinearMap):
    """rows ⊗ columns ⊗ identity: filters an image along both axes, all channels alike.

    Applied to k columns, it filters the k images in one pass.

    Parameters
    ----------
    rows : sparse matrix of shape (output height, height)
    columns : sparse matrix of shape (output width, width)
    channels : int
    """

    def __init__(self, rows, columns, channels):
        self.rows, self.columns, self.channels = sp.csr_matrix(rows), sp.csr_matrix(columns), channels
        super().__init__(np.multiply(rows.shape, columns.shape) * channels)

    def apply(self, x):
        image = x.reshape(self.rows.shape[1], self.columns.shape[1], -1)
        return filter_image(image, *self.taps).reshape(self.shape[:1] + x.shape[1:])

    def apply_transpose(self, y):
        image = y.reshape(self.rows.shape[0], self.columns.shape[0], -1)
        return filter_image(image, *self._transposed_taps).reshape(self.shape[1:] + y.shape[1:])

    def times_tangent(self, tangent):
        lines = _lines_of(tangent, self)
        if lines is None:
            return super().times_tangent(tangent)
        return FormedTangent.of(lines.descend(None, None, self)[1].form())

    def to_sparse(self):
        return self._matrix

    @cached_property
    def taps(self):
        """`Taps` of the rows and of the columns."""
        return taps_of_matrix(self.rows), taps_of_matrix(self.columns)

    @cached_property
    def _transposed_taps(self):
        return taps_of_matrix(self.rows.T.tocsr()), taps_of_matrix(self.columns.T.tocsr())

    @cached_property
    def _matrix(self):
        return sp.kron(sp.kron(self.rows, self.columns), sp.identity(self.channels), format="csr")


def _lines_of(tangent, separable):
    """The tangent line by line, where it is one of an image that this filter takes, else None."""
    if not hasattr(tangent, "lines"):
        return None
    lines = tangent.lines(separable.columns.shape[1])
    fits = lines is not None and lines.shape == (separable.rows.shape[1], separable.columns.shape[1],
                                                 separable.channels)
    return lines if fits else None


def filter_for(h, w, d, kernel):
    """The map that correlates an image with a kernel centred on each pixel; the border of the image repeats.

    Parameters
    ----------
    h, w, d : int
        Height, width and number of channels of the image.
    kernel : (rows, columns) array_like
        Both odd.

    Returns
    -------
    LinearMap of shape (h * w * d, h * w * d)
        `to_sparse()` makes it a matrix.
    """
    return _correlate_centred(_checked_shape((h, w, d), "(h, w, d)"), _checked_kernel(kernel))[0]


def filter_for_nopadding(shape, kernel):
    """The map that correlates an image with a kernel at each place where the kernel fits into the image.

    Parameters
    ----------
    shape : (height, width) or (height, width, channels)
    kernel : (rows, columns) array_like

    Returns
    -------
    LinearMap, and the shape of the filtered image: less by `rows - 1` in height and `columns - 1` in width.
    """
    return _correlate_inside(_checked_shape(shape, "shape"), _checked_kernel(kernel))


def halfsampler_for(shape):
    """The map that keeps every other row and column of an image, the first of each among them.

    Parameters
    ----------
    shape : (height, width) or (height, width, channels)

    Returns
    -------
    LinearMap, and the shape of the smaller image: half the height and width, rounded up.
    """
    return _correlate_centred(_checked_shape(shape, "shape"), np.ones((1, 1)), stride=2)


def _correlate_inside(shape, kernel, stride=1):
    if shape[0] < kernel.shape[0] or shape[1] < kernel.shape[1]:
        raise ValueError(f"an image of shape {shape} is smaller than the kernel, of shape {kernel.shape}")
    return _correlate(shape, kernel, *(np.arange(0, length - reach + 1, stride)
                                       for length, reach in zip(shape, kernel.shape)))


def _correlate_centred(shape, kernel, stride=1):
    if kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise ValueError("kernel must have an odd number of rows and of columns, so that it has a centre; "
                         f"got shape {kernel.shape}")
    return _correlate(shape, kernel, *(np.arange(0, length, stride) - reach // 2
                                       for length, reach in zip(shape, kernel.shape)))


def _correlate(shape, kernel, row_starts, column_starts):
    """The correlation whose kernel begins at each of these rows and columns, and the shape of its result."""
    channels = shape[2] if len(shape) == 3 else 1
    height, width = shape[:2]
    terms = [SeparableFilter(_slide(down, row_starts, height), _slide(along, column_starts, width), channels)
             for down, along in _outer_products(kernel)]
    return reduce(add, terms), (row_starts.size, column_starts.size) + shape[2:]


def _slide(weights, starts, length):
    """The matrix with `weights` in row i from column starts[i] on, added to the end where beyond it."""
    columns = np.clip(starts[:, None] + np.arange(weights.size), 0, length - 1)
    rows = np.broadcast_to(np.arange(starts.size)[:, None], columns.shape)
    matrix = sp.csr_matrix((np.tile(weights, starts.size), (rows.ravel(), columns.ravel())),
                           shape=(starts.size, length))
    matrix.eliminate_zeros()
    return matrix


def _outer_products(kernel):
    """Pairs (p, r) with sum p rᵀ = kernel, as few as can be: elimination with complete pivoting."""
    rest, pairs = kernel.copy(), []
    negligible = kernel.size * np.finfo(np.float64).eps * np.abs(kernel).max()
    while len(pairs) < min(kernel.shape):
        i, j = np.unravel_index(np.abs(rest).argmax(), rest.shape)
        if abs(rest[i, j]) <= negligible:
            break
        pairs.append((rest[:, j].copy(), rest[i] / rest[i, j]))
        rest -= np.outer(*pairs[-1])
    return pairs


def _checked_kernel(kernel):
    kernel = np.array(kernel, dtype=np.float64)
    if kernel.ndim != 2:
        raise ValueError(f"kernel must have two dimensions, (rows, columns); got shape {kernel.shape}")
    if not np.isfinite(kernel).all() or not kernel.any():
        raise ValueError(f"kernel must have finite weights that are not all zero; got {kernel.tolist()}")
    return kernel


def _checked_shape(shape, name):
    try:
        shape = tuple(index(length) for length in shape)
    except TypeError:
        raise TypeError(f"{name} must be a tuple of integers, the shape of an image; got {shape!r}") from None
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(f"{name} must be (height, width) or (height, width, channels), all at least 1; "
                         f"got {shape}")
    return shape


# ---------------------------------------------------------------------- nodes

class LinearFilter(Ch):
    """A linear map of an image: r = A px, dr/dpx = A.

    Parameters
    ----------
    px : Ch
        The image.
    linear_map : LinearMap
        A.
    output_shape : tuple of int
        Shape of the result.
    """

    terms = "linear_map", "output_shape"
    dterms = "px"
    term_order = "px", "linear_map", "output_shape"

    def compute_r(self):
        if self.px.size != self.linear_map.shape[1]:
            raise ValueError(f"px must have {self.linear_map.shape[1]} entries, as many as the filter takes; "
                             f"it has {self.px.size}, in shape {self.px.shape}")
        return self.linear_map.apply(self.px.r.ravel()).reshape(self.output_shape)

    def compute_dr_wrt(self, wrt):
        if wrt is self.px:
            return self.linear_map


class GaussPyrDownOne(LinearFilter):
    """The next coarser level of a Gaussian pyramid: filtered where the kernel fits, then every other pixel.

    Parameters
    ----------
    px : Ch
        An image.
    im_shape : (height, width) or (height, width, channels), optional
        Shape of the image, where `px` does not have it.
    want_downsampling : bool
        False only filters.
    kernel : (rows, columns) array_like, optional
        By default the 3x3 Gaussian of sigma 1.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of the result, (ceil((height - rows + 1) / 2), ceil((width - columns + 1) / 2)[, channels]).
    """

    terms = "im_shape", "want_downsampling", "kernel"
    dterms = "px"
    term_order = "px", "im_shape", "want_downsampling", "kernel"
    default_kernel = GaussianKernel2D(3, 1)
    im_shape = None
    want_downsampling = True
    kernel = None

    @property
    def linear_map(self):
        return self._filter[0]

    @property
    def output_shape(self):
        return self._filter[1]

    @property
    def _filter(self):
        return self._filter_for(_shape_of_image(self.px, self.im_shape, "im_shape"))

    @depends_on("want_downsampling", "kernel")
    def _filter_for(self, shape):
        kernel = self.default_kernel if self.kernel is None else self.kernel
        return _correlate_inside(shape, _checked_kernel(kernel), stride=2 if self.want_downsampling else 1)


def _shape_of_image(image, shape, name):
    if shape is None and image.ndim not in (2, 3):
        raise ValueError(f"the image has shape {image.shape}, which is neither (height, width) nor "
                         f"(height, width, channels): give its {name}")
    shape = _checked_shape(image.shape if shape is None else shape, name)
    if np.prod(shape) != image.size:
        raise ValueError(f"{name} is {shape}, {np.prod(shape)} entries; the image has {image.size}, in shape "
                         f"{image.shape}")
    return shape


# ---------------------------------------------------------------------- pyramids

@dataclass(frozen=True)
class _Level:
    """What is shown of one image x of a pyramid: scale * (x - blur x), or scale * x without a blur."""

    shape: tuple
    blur: LinearMap = None
    scale: float = 1.0

    @property
    def size(self):
        return int(np.prod(self.shape))

    def detail(self, x):
        return x if self.blur is None else x - self.blur @ x

    def detail_transpose(self, y):
        return y if self.blur is None else y - self.blur.T @ y


class PyramidMap(LinearMap):
    """An image to what the levels of its pyramid show, finest first, one after the other.

    Parameters
    ----------
    levels : list of _Level
    coarser : list of LinearMap
        From the image of each level but the last to that of the next.
    """

    def __init__(self, levels, coarser):
        self.levels, self.coarser = levels, coarser
        ends = np.cumsum([level.size for level in levels])
        self.parts = [slice(end - level.size, end) for level, end in zip(levels, ends)]
        super().__init__((ends[-1], levels[0].size))

    def images(self, x):
        """The image of each level in turn, for an image x, or for columns of them, dense or sparse."""
        yield x
        for down in self.coarser:
            x = down @ x
            yield x

    def apply(self, x):
        result = empty(self.shape[:1] + x.shape[1:])
        for level, part, image in zip(self.levels, self.parts, self.images(x)):
            np.multiply(level.detail(image), level.scale, out=result[part])
        return result

    def apply_transpose(self, y):
        shown = [level.detail_transpose(y[part] * level.scale)
                 for level, part in zip(self.levels, self.parts)]
        total = shown.pop()
        for down, finer in zip(reversed(self.coarser), reversed(shown)):
            total = finer + down.T @ total
        return total

    def times_sparse(self, matrix):
        return sp.vstack([level.detail(image) * level.scale
                          for level, image in zip(self.levels, self.images(matrix))], format="csr")

    def times_tangent(self, tangent):
        streams = all(level.blur is None for level in self.levels) and all(
            isinstance(down, SeparableFilter) for down in self.coarser)
        if streams and not self.coarser:
            return Diagonal(self.levels[0].scale, self.shape[0]) @ tangent
        if streams and hasattr(tangent, "lines"):
            return PyramidTangent(self, tangent)
        return super().times_tangent(tangent)

    def to_sparse(self):
        return self.times_sparse(sp.identity(self.shape[1], format="csr"))


class PyramidTangent(Tangent):
    """A Gaussian pyramid of the tangent of an image: each level is made and used line by line."""

    is_spread = True

    def __init__(self, pyramid, image):
        self.pyramid, self.image = pyramid, image
        super().__init__((pyramid.shape[0], image.shape[1]))

    def form(self):
        return self.pyramid @ self.image.form()

    def merged(self, other):
        return PyramidTangent(self.pyramid, self.image + other.image) if self.pyramid is other.pyramid else None

    def normal_equations(self, weights, weighted):
        pyramid, lines = self.pyramid, _lines_of(self.image, self.pyramid.coarser[0])
        if lines is None:
            return self.formed().normal_equations(weights, weighted)
        matrix, gradient = 0.0, 0.0
        for level, part, down in zip(pyramid.levels, pyramid.parts, [*pyramid.coarser, None]):
            own_weights = None if weights is None else weights[part]
            (of_matrix, of_gradient), lines = lines.descend(own_weights, weighted[part], down)
            matrix, gradient = matrix + level.scale ** 2 * of_matrix, gradient + level.scale * of_gradient
        return matrix, gradient


def gaussian_pyramid(input_objective, imshape=None, normalization="SSE", n_levels=3, as_list=False,
                     label=None):
    """The image and ever coarser versions of it, each blurred and of half the size.

    Parameters
    ----------
    input_objective : Ch
        The image, as a rule the difference between a rendered and an observed one.
    imshape : (height, width) or (height, width, channels), optional
        Shape of the image, where `input_objective` does not have it.
    normalization : {'SSE', 'size', None} or callable
        What each level is divided by: 'SSE', the root of its sum of squares now, when the pyramid is built, a
        constant from then on; 'size', its number of entries; None, nothing. Or a function that takes the
        level, a node, and returns a node.
    n_levels : int
        Number of levels besides the image itself.
    as_list : bool
        True: a list of n_levels + 1 images. False: one vector of their entries, in the same order.
    label : str, optional
        Label of the vector; of the images, followed by the number of the level.

    Returns
    -------
    Ch or list of Ch
        Finest first; level 0 is the image. Where a level has n rows (columns), the next has
        ceil((n - 2) / 2).

    Raises
    ------
    ValueError
        Among others, where the 3x3 kernel does not fit into a level, and where a level that 'SSE' is to
        normalize is all zero.
    """
    def descend(shape):
        return None, *_correlate_inside(shape, GaussPyrDownOne.default_kernel, stride=2)

    return _pyramid(descend, input_objective, imshape, normalization, n_levels, as_list, label)


def laplacian_pyramid(input_objective, imshape=None, normalization="SSE", n_levels=3, as_list=False,
                      label=None):
    """What each halving of the image loses, and what is left of it in the end.

    Parameters
    ----------
    input_objective, imshape, normalization, n_levels, as_list, label
        As in `gaussian_pyramid`.

    Returns
    -------
    Ch or list of Ch
        Finest first: n_levels levels of what blurring takes away, and an image. Where a level has n rows
        (columns), the next has ceil(n / 2).
    """
    def descend(shape):
        kernel = GaussPyrDownOne.default_kernel
        return _correlate_centred(shape, kernel)[0], *_correlate_centred(shape, kernel, stride=2)

    return _pyramid(descend, input_objective, imshape, normalization, n_levels, as_list, label)


def _pyramid(descend, image, imshape, normalization, n_levels, as_list, label):
    """A pyramid. From the shape of a level, `descend` makes its blur, the map to the next, and its shape."""
    if not (normalization in (None, "SSE", "size") or callable(normalization)):
        raise ValueError(f"normalization must be 'SSE', 'size', None or a function; got {normalization!r}")
    image = as_node(image)
    pyramid = _plain_pyramid(descend, _shape_of_image(image, imshape, "imshape"), n_levels)
    if not callable(normalization):
        pyramid = _normalized(pyramid, image.r.ravel(), normalization)
        if not as_list:
            return _labelled(LinearFilter(image, pyramid, pyramid.shape[:1]), label)
    shown = _images_shown(pyramid, image)
    if callable(normalization):
        shown = [normalization(node) for node in shown]
        if not as_list:
            return _labelled(concatenate([ravel(node) for node in shown]), label)
    return [_labelled(node, label and f"{label}{number}") for number, node in enumerate(shown)]


def _plain_pyramid(descend, imshape, n_levels):
    """The map to a pyramid that is not normalized."""
    if isinstance(n_levels, bool) or not hasattr(n_levels, "__index__") or n_levels < 0:
        raise ValueError(f"n_levels must be an integer, at least 0; got {n_levels!r}")
    shape, levels, coarser = imshape, [], []
    for number in range(n_levels):
        try:
            blur, down, next_shape = descend(shape)
        except ValueError as error:
            raise ValueError(f"n_levels must be at most {number} for an image of shape {imshape}, got "
                             f"{n_levels}: {error}") from None
        levels.append(_Level(shape, blur))
        coarser.append(down)
        shape = next_shape
    return PyramidMap([*levels, _Level(shape)], coarser)


def _normalized(pyramid, x, normalization):
    """The pyramid with its levels scaled, by what they show of the image x for 'SSE'."""
    levels = []
    for number, (level, image) in enumerate(zip(pyramid.levels, pyramid.images(x))):
        divisor = {"SSE": np.linalg.norm(level.detail(image)), "size": level.size, None: 1.0}[normalization]
        if divisor == 0:
            raise ValueError("normalization 'SSE' divides each level by the root of its sum of squares when "
                             f"the pyramid is built, and level {number} is all zero now: build it where the "
                             "image is not, or choose normalization 'size' or None")
        levels.append(replace(level, scale=1.0 / divisor))
    return PyramidMap(levels, pyramid.coarser)


def _images_shown(pyramid, image):
    """A node for each level of a pyramid."""
    shown = []
    for level, down in zip(pyramid.levels, [None, *pyramid.coarser]):
        image = image if down is None else LinearFilter(image, down, level.shape)
        shown.append(LinearFilter(image, PyramidMap([level], []), level.shape))
    return shown


def _labelled(node, label):
    if label is not None:
        node.label = label
    return node
