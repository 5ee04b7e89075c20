"""How likely faces cover the pixels of an image, and the derivative of that.

With s[p] the sum of the generators of the faces that reach a pixel (`unions`), D those of `sigmoids`, x of `distances`,

    S[p] = h(s[p])        dS[p] = h'(s[p]) sum_j g'(D_j) F'(x_j) dx_j        dx_j = ... - x_j / sigma dsigma

The image and forward products go from face to face in each band of rows of the image, so the faces of a pixel add up in
their own order. Reverse products go from face to face, each of which gathers from its own pixels.
"""
from typing import NamedTuple

import numpy as np

from ....memory import empty, zeros
from ....threads import run_bands, split
from ...jit import formula, kernel, read_only
from .distances import Blur, box_of, corners_of, new_line, pull_of_distance, reach_line, reached_boxes
from .fragments import row_bands, row_matrix
from .sigmoids import probability
from .unions import MAX, generator, union_of

__all__ = ["SoftSilhouette", "cover"]

FACES_PER_BAND = 128


class Pull(NamedTuple):
    """A transposed product.

    Attributes
    ----------
    motion : (V, 2) float64
        By u, v of the vertices.
    """

    motion: np.ndarray


class SoftSilhouette(NamedTuple):
    """A silhouette, and what its derivative is made of.

    Attributes
    ----------
    image : (h, w) float64
    slope : (h, w) float64
        h'(s)
    winner : (h, w) int32
        See `unions`; -1 without one.
    screen, f, box, blur
        See `distances`.
    union : int
    """

    image: np.ndarray
    slope: np.ndarray
    winner: np.ndarray
    screen: np.ndarray
    f: np.ndarray
    box: np.ndarray
    blur: Blur
    union: int

    @property
    def _pairs(self):
        return *map(read_only, (self.screen, self.f, self.box)), self.blur, self.union

    @property
    def size(self):
        """Number of pixels."""
        return self.image.size

    def push_motion(self, motion):
        """What a motion of the vertices on the screen, (V, 2, k), makes of the image: (h w, k)."""
        return self._push(motion)[:, :-1]

    def slope_by_sigma(self):
        """The derivative by sigma, times sigma, (h w, 1)."""
        return self._push(np.empty((len(self.screen), 2, 0)))

    def _push(self, motion):
        product = zeros((self.size, motion.shape[2] + 1))
        height, width = self.image.shape
        run_bands(_push_rows, row_bands(height), width, *self._pairs, read_only(self.slope.ravel()),
                  read_only(self.winner.ravel()), read_only(np.ascontiguousarray(motion)), product)
        return product

    def pull(self, y, motion=True):
        """The transposed product with y, (h w,), as `Pull`."""
        pulls = empty((len(self.f), 3, 2))
        run_bands(_pull_faces, split(len(self.f), least=FACES_PER_BAND), self.image.shape[1], *self._pairs,
                  read_only(self.slope.ravel() * y), read_only(self.winner.ravel()), pulls)
        return Pull(gather_corners(self.f, pulls, len(self.screen)))

    def rows_by_motion(self, blocks=None):
        """The Jacobian by u, v of the vertices, (h w, 2 V), or its product with blocks (V, 2, 3); a csr_matrix."""
        slope, winner = read_only(self.slope.ravel()), read_only(self.winner.ravel())
        screen, f, box, blur, union = self._pairs

        def write(fragments, slot, first, values):
            _write_rows(self.image.shape[1], screen, f, blur, union, slope, winner, *fragments, slot, first, values)

        return row_matrix(self.image.shape + (1,), screen, f, box, blur, lambda pairs: f[pairs.face], write, 2,
                          len(screen), blocks=blocks)


def cover(screen, f, width, height, blur, union, num_faces):
    """The `SoftSilhouette` of a mesh.

    Parameters
    ----------
    screen : (V, 3) float64
        u, v, z.
    f : (F, 3) int32
    width, height : int
    blur : Blur
    union : int
    num_faces : int
        What a sum is divided by: the number of faces before they were clipped.
    """
    box = reached_boxes(read_only(screen), read_only(f), blur, width, height)
    image, slope = empty((height, width)), empty((height, width))
    winner = empty((height, width), np.int32)
    run_bands(_cover_rows, row_bands(height), *map(read_only, (screen, f, box)), blur, union,
              float(num_faces), image, slope, winner)
    return SoftSilhouette(image, slope, winner, screen, f, box, blur, union)


def gather_corners(f, values, points):
    """Sums over the corners (F, 3, D) of faces that are at a point: (points, D)."""
    total = np.zeros((points, values.shape[2]))
    _gather_corners(read_only(f), read_only(values), total)
    return total


@kernel
def _gather_corners(f, values, total):
    for t in range(len(f)):
        for k in range(3):
            for d in range(total.shape[1]):
                total[f[t, k], d] += values[t, k, d]


@kernel
def _cover_rows(start, stop, screen, f, box, blur, union, num_faces, image, slope, winner):
    width = image.shape[1]
    line = new_line(width)
    column, x, _, _ = line
    image[start:stop] = 0.0
    winner[start:stop] = -1
    for t in range(len(f)):
        top, bottom, left, right = box_of(t, box, start, stop)
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, corners_of(t, screen, f), blur, line)):
                covered, uncovered, _ = probability(blur.sigmoid, x[n])
                amount, _ = generator(union, covered, uncovered)
                i = column[n]
                if union < MAX:
                    image[j, i] += amount
                elif amount > image[j, i]:
                    image[j, i], winner[j, i] = amount, t
    for j in range(start, stop):
        for i in range(width):
            image[j, i], slope[j, i] = union_of(union, image[j, i], num_faces)


@formula
def change(t, x, blur, union, slope, winner):
    """Derivative of a pixel by the x of one of its faces."""
    if union >= MAX and winner != t:
        return 0.0
    covered, uncovered, density = probability(blur.sigmoid, x)
    return slope * generator(union, covered, uncovered)[1] * density


@kernel
def _push_rows(start, stop, width, screen, f, box, blur, union, slope, winner, motion, product):
    columns = motion.shape[2]
    line = new_line(width)
    column, x, edge, along = line
    for t in range(len(f)):
        top, bottom, left, right = box_of(t, box, start, stop)
        for j in range(top, bottom):
            corners = corners_of(t, screen, f)
            for n in range(reach_line(j, left, right, corners, blur, line)):
                p = j * width + column[n]
                pull = change(t, x[n], blur, union, slope[p], winner[p])
                at = float(column[n]), float(j), x[n], edge[n], along[n]
                au, av, bu, bv, cu, cv = pull_of_distance(corners, at, blur, pull)
                a, b, c = f[t, 0], f[t, 1], f[t, 2]
                for k in range(columns):
                    product[p, k] += (au * motion[a, 0, k] + av * motion[a, 1, k] + bu * motion[b, 0, k]
                                      + bv * motion[b, 1, k] + cu * motion[c, 0, k] + cv * motion[c, 1, k])
                product[p, columns] -= pull * x[n]


@kernel
def _pull_faces(start, stop, width, screen, f, box, blur, union, slope, winner, pulls):
    line = new_line(width)
    column, x, edge, along = line
    for t in range(start, stop):
        top, bottom, left, right = box_of(t, box, box[t, 0], box[t, 1])
        corners = corners_of(t, screen, f)
        au = av = bu = bv = cu = cv = 0.0
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, corners, blur, line)):
                p = j * width + column[n]
                pull = change(t, x[n], blur, union, slope[p], winner[p])
                at = float(column[n]), float(j), x[n], edge[n], along[n]
                more = pull_of_distance(corners, at, blur, pull)
                au, av, bu, bv, cu, cv = (au + more[0], av + more[1], bu + more[2], bv + more[3], cu + more[4],
                                          cv + more[5])
        pulls[t, 0, 0], pulls[t, 0, 1], pulls[t, 1, 0], pulls[t, 1, 1], pulls[t, 2, 0], pulls[t, 2, 1] = (
            au, av, bu, bv, cu, cv)


@kernel
def _write_rows(width, screen, f, blur, union, slope, winner, pixel, first, face, x, edge, along, slot, first_point,
                values):
    for q in range(len(first) - 1):
        p = pixel + q
        for n in range(first[q], first[q + 1]):
            pull = change(face[n], x[n], blur, union, slope[p], winner[p])
            at = float(p % width), float(p // width), x[n], edge[n], along[n]
            au, av, bu, bv, cu, cv = pull_of_distance(corners_of(face[n], screen, f), at, blur, pull)
            a, b, c = first_point[q] + slot[n, 0], first_point[q] + slot[n, 1], first_point[q] + slot[n, 2]
            values[a, 0, 0] += au
            values[a, 0, 1] += av
            values[b, 0, 0] += bu
            values[b, 0, 1] += bv
            values[c, 0, 0] += cu
            values[c, 0, 1] += cv
