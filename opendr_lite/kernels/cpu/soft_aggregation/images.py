"""Images of what faces show where they are likely to be, and the derivative of those.

A face has a probability (`sigmoids`), a depth (`surface`) and a colour (`colors`) at each pixel that it reaches, from
which `mixing` makes the image. The image and forward products go from face to face in each band of rows of the image;
reverse products from face to face, each of which gathers from its own pixels (see `silhouettes`).
"""
import math
from typing import NamedTuple

import numpy as np

from ....memory import empty, zeros
from ....threads import in_parallel, run_bands, split
from ...jit import formula, kernel, read_only, step
from .colors import Paint, cell_of, factors_at, shade, slope_of_texels, texel_taps
from .distances import Blur, box_of, new_line, pull_of_distance, reach_line, reached_boxes
from .fragments import row_bands, row_matrix
from .mixing import HARD, PYTORCH3D, Mix, background_weight, is_bounded, nearness, share_of
from .sigmoids import probability
from .silhouettes import gather_corners
from .surface import face_of, place_on_face, pull_of_place

__all__ = ["Pulls", "SoftImage", "State", "blend"]

MOTION, VERTEX, CELL, TEXEL, TEXCOORD = range(5)  # what an image is differentiated by
FACES_PER_BAND = 64
TEXEL_ENTRIES = 2**23  # in all bands of faces, each of which adds up the derivative by cells and texels for itself
MOST_BANDS = 8


class State(NamedTuple):
    """What is known of each of N pixels.

    Attributes
    ----------
    image : (N, C) float64
    background : (N, C) or (1, C) float64
    total : (N,) float64
        W.
    behind : (N,) float64
        Share of the background.
    nearest : (N,) float64
        M.
    front : (N,) int32
        The face with q = M, else -1.
    """

    image: np.ndarray
    background: np.ndarray
    total: np.ndarray
    behind: np.ndarray
    nearest: np.ndarray
    front: np.ndarray


class Pulls(NamedTuple):
    """Transposed products; None of what was not asked for.

    Attributes
    ----------
    motion : (V, 3) float64
        By u, v, z of the vertices.
    vertex, cell, texel : of the shapes in `Paint`
    """

    motion: np.ndarray
    vertex: np.ndarray
    cell: np.ndarray
    texel: np.ndarray


class SoftImage(NamedTuple):
    """An image, and what its derivative is made of.

    Attributes
    ----------
    state : State
    height, width : int
    screen, f, box, blur
        See `distances`.
    mix : Mix
    paint : Paint
    """

    state: State
    height: int
    width: int
    screen: np.ndarray
    f: np.ndarray
    box: np.ndarray
    blur: Blur
    mix: Mix
    paint: Paint

    @property
    def size(self):
        """Number of pixels times channels."""
        return self.state.image.size

    @property
    def _scene(self):
        return self.screen, self.f, self.box, self.blur, self.mix, self.paint, self.state

    def push_motion(self, motion):
        """What a motion of the vertices by u, v, z, (V, 3, k), makes of the image: (h w C, k)."""
        return self._push(motion)[:, :-2]

    def slopes(self):
        """The derivatives by sigma, times sigma, and by gamma, (h w C, 2)."""
        return self._push(np.empty((len(self.screen), 3, 0)))

    def _push(self, motion):
        product = zeros(self.state.image.shape + (motion.shape[2] + 2,))
        run_bands(_push_rows, row_bands(self.height), self.width, *self._scene, read_only(np.ascontiguousarray(motion)),
                  product)
        return product.reshape(self.size, -1)

    def push_colors(self, factor, values):
        """What a change of the values of one factor makes of the image: the image of that change on black, (h w, C)."""
        values = np.ascontiguousarray(values.reshape(getattr(self.paint, factor).shape))
        return blend(self.screen, self.f, self.width, self.height, self.blur, self.mix,
                     self.paint._replace(**{factor: values}), np.zeros((1, self.paint.channels))).state.image

    def pull(self, y, motion=False, vertex=False, cell=False, texel=False):
        """The transposed products with y, (h w C,), as `Pulls` of what is asked for."""
        faces, channels = len(self.f), self.paint.channels
        y = read_only(np.ascontiguousarray(y.reshape(-1, channels)))
        corner = empty((faces, 3, 3)) if motion else np.empty((0, 3, 3))
        color = empty((faces, 3, channels)) if vertex else np.empty((0, 3, channels))
        most = min(max(TEXEL_ENTRIES // max(self.paint.texel.size, 1), 1), MOST_BANDS) if texel or cell else 32
        bands = split(faces, least=FACES_PER_BAND, most=most)
        cells, texels = ([zeros(values.shape) if wanted else np.empty((0, channels)) for _ in bands]
                         for values, wanted in ((self.paint.cell, cell), (self.paint.texel, texel)))

        def pull(work):
            (start, stop), *sums = work
            _pull_faces(start, stop, self.width, *self._scene, y, corner, color, *sums)

        in_parallel(pull, zip(bands, cells, texels))
        return Pulls(gather_corners(self.f, corner, len(self.screen)) if motion else None,
                     gather_corners(self.f, color, len(self.screen)) if vertex else None,
                     sum(cells[1:], cells[0]) if cell else None, sum(texels[1:], texels[0]) if texel else None)

    def rows_by_motion(self, blocks=None):
        """The Jacobian by u, v, z of the vertices, (h w C, 3 V), or its product with blocks (V, 3, 3)."""
        return self._rows(MOTION, lambda pairs: self.f[pairs.face], 3, len(self.screen), blocks)

    def rows_by_factor(self, factor):
        """The Jacobian by the values of a factor of the colours, (h w C, points C)."""
        points = len(getattr(self.paint, factor))
        if factor == "vertex":
            return self._rows(VERTEX, lambda pairs: self.f[pairs.face], 1, points)
        kind, count = (CELL, 1) if factor == "cell" else (TEXEL, 4)
        return self._rows(kind, lambda pairs: self._taps(pairs, kind, count), 1, points)

    def rows_by_texcoord(self):
        """The Jacobian by the texture coordinates, (h w C, 2 T)."""
        return self._rows(TEXCOORD, lambda pairs: self.paint.ft[pairs.face], 2, len(self.paint.vt))

    def _taps(self, fragments, kind, count):
        taps = np.empty((len(fragments.face), count), np.int32)
        _tap(self.width, self.screen, self.f, self.mix, self.paint, *fragments, kind, taps)
        return taps

    def _rows(self, kind, taps_of, dimensions, points, blocks=None):
        def write(fragments, slot, first, values):
            _write_rows(self.width, self.screen, self.f, self.blur, self.mix, self.paint, self.state, *fragments, kind,
                        slot, first, values)

        shape = self.height, self.width, self.paint.channels
        return row_matrix(shape, self.screen, self.f, self.box, self.blur, taps_of, write, dimensions, points,
                          is_diagonal=kind in (VERTEX, CELL, TEXEL), blocks=blocks)


def blend(screen, f, width, height, blur, mix, paint, background):
    """The `SoftImage` of a mesh.

    Parameters
    ----------
    screen : (V, 3) float64
        u, v, z; z > 0.
    f : (F, 3) int32
    width, height : int
    blur : Blur
    mix : Mix
    paint : Paint
    background : (h w, C) or (1, C) float64
    """
    screen, f = read_only(screen), read_only(f)
    paint = Paint(*(read_only(each) if isinstance(each, np.ndarray) else each for each in paint))
    box = read_only(reached_boxes(screen, f, blur, width, height))
    pixels = height * width
    state = (empty((pixels, paint.channels)), read_only(background), *(empty(pixels) for _ in range(3)),
             empty(pixels, np.int32))
    run_bands(_blend_rows, row_bands(height), width, screen, f, box, blur, mix, paint, *state)
    return SoftImage(State(*map(read_only, state)), height, width, screen, f, box, blur, mix, paint)


# ---------------------------------------------------------------------- formulas

@formula
def pull_of_fragment(face, at, place, blur, mix, pull_x, pull_b, pull_q):
    """From the derivatives by x, b and q: ((by u, v of the corners, 6), (by their depths, 3))."""
    near = pull_of_distance(face[0], at, blur, pull_x)
    on, deep = pull_of_place(face, place, mix.blending == PYTORCH3D, pull_b, -pull_q / (mix.far - mix.near))
    return (near[0] + on[0], near[1] + on[1], near[2] + on[2], near[3] + on[3], near[4] + on[4], near[5] + on[5]), deep


@step
def new_shading(channels):
    """Room for factors, colour, and its slope."""
    return np.empty((3, channels)), np.empty(channels), np.empty((channels, 3))


# ---------------------------------------------------------------------- kernels

@kernel
def _blend_rows(start, stop, width, screen, f, box, blur, mix, paint, image, background, total, behind, nearest, front):
    channels = image.shape[1]
    line = new_line(width)
    column, x, edge, along = line
    factor, _, _ = new_shading(channels)
    has_perspective, is_hard = mix.blending == PYTORCH3D, mix.blending == HARD
    for p in range(start * width, stop * width):
        image[p] = 0.0
        total[p], nearest[p], front[p] = 0.0, -np.inf if is_hard else mix.nearness, -1
    for t in range(len(f)):
        top, bottom, left, right = box_of(t, box, start, stop)
        if top >= bottom:
            continue
        face = face_of(t, screen, f)
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, face[0], blur, line)):
                if is_hard and not x[n] > 0.0:
                    continue
                p = j * width + column[n]
                at = float(column[n]), float(j), x[n], edge[n], along[n]
                _, _, _, b, z = place_on_face(face, at, has_perspective)
                if z > mix.far and not has_perspective:
                    continue
                ahead = nearness(z, mix)
                if ahead > nearest[p]:
                    rest = 0.0 if is_hard else math.exp((nearest[p] - ahead) / mix.gamma)
                    total[p] *= rest
                    for c in range(channels):
                        image[p, c] *= rest
                    nearest[p], front[p] = ahead, t
                elif is_hard:
                    continue
                weight = 1.0 if is_hard else (probability(blur.sigmoid, x[n])[0]
                                              * math.exp((ahead - nearest[p]) / mix.gamma))
                if weight > 0.0:
                    factors_at(t, b, f, paint, factor)
                    total[p] += weight
                    for c in range(channels):
                        image[p, c] += weight * factor[0, c] * factor[1, c] * factor[2, c]
    for p in range(start * width, stop * width):
        if is_hard:
            weight = 1.0 if front[p] < 0 else 0.0
        else:
            weight, _ = background_weight(nearest[p], mix)
        total[p] += weight
        behind[p] = weight / total[p]
        q = min(p, len(background) - 1)
        for c in range(channels):
            image[p, c] = (image[p, c] + weight * background[q, c]) / total[p]


@step
def _write_block(t, p, face, at, place, shares, color, slope, blur, mix, state, block):
    """Write the derivative of a pixel by u, v, z of the corners of one of its faces, (C, 3, 3)."""
    share, by_x, by_q, _ = shares
    is_front = t == state.front[p] and is_bounded(state.nearest[p], mix)
    q = min(p, len(state.background) - 1)
    for c in range(len(color)):
        off = color[c] - state.image[p, c]
        pull_q = off * by_q
        if is_front:
            pull_q += state.behind[p] * (state.background[q, c] - state.image[p, c]) / mix.gamma
        pull_b = share * slope[c, 0], share * slope[c, 1], share * slope[c, 2]
        near, deep = pull_of_fragment(face, at, place, blur, mix, off * by_x, pull_b, pull_q)
        for k in range(3):
            block[c, k, 0], block[c, k, 1], block[c, k, 2] = near[2 * k], near[2 * k + 1], deep[k]


@kernel
def _push_rows(start, stop, width, screen, f, box, blur, mix, paint, state, motion, product):
    channels, columns = state.image.shape[1], motion.shape[2]
    line = new_line(width)
    column, x, edge, along = line
    factor, color, slope = new_shading(channels)
    block = np.empty((channels, 3, 3))
    for p in range(start * width, stop * width if mix.blending != HARD else 0):
        _, by_gamma = background_weight(state.nearest[p], mix)
        q = min(p, len(state.background) - 1)
        for c in range(channels):
            product[p, c, columns + 1] = state.behind[p] * by_gamma * (state.background[q, c] - state.image[p, c])
    for t in range(len(f)):
        top, bottom, left, right = box_of(t, box, start, stop)
        if top >= bottom:
            continue
        face = face_of(t, screen, f)
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, face[0], blur, line)):
                p, at = j * width + column[n], (float(column[n]), float(j), x[n], edge[n], along[n])
                place = place_on_face(face, at, mix.blending == PYTORCH3D)
                shares = share_of(x[n], place[4], t == state.front[p], state.nearest[p], state.total[p], blur, mix)
                if shares[0] == 0.0:
                    continue
                shade(t, place[3], f, paint, factor, color, slope)
                _write_block(t, p, face, at, place, shares, color, slope, blur, mix, state, block)
                for c in range(channels):
                    for corner in range(3):
                        for d in range(3):
                            for k in range(columns):
                                product[p, c, k] += block[c, corner, d] * motion[f[t, corner], d, k]
                    off = color[c] - state.image[p, c]
                    product[p, c, columns] -= off * shares[1] * x[n]
                    product[p, c, columns + 1] += off * shares[3]


@kernel
def _pull_faces(start, stop, width, screen, f, box, blur, mix, paint, state, y, motion, vertex, cell, texel):
    channels = y.shape[1]
    line = new_line(width)
    column, x, edge, along = line
    factor, color, slope = new_shading(channels)
    for t in range(start, stop):
        if len(motion) > 0:
            motion[t] = 0.0
        if len(vertex) > 0:
            vertex[t] = 0.0
        top, bottom, left, right = box_of(t, box, box[t, 0], box[t, 1])
        face = face_of(t, screen, f)
        for j in range(top, bottom):
            for n in range(reach_line(j, left, right, face[0], blur, line)):
                p, at = j * width + column[n], (float(column[n]), float(j), x[n], edge[n], along[n])
                place = place_on_face(face, at, mix.blending == PYTORCH3D)
                shares = share_of(x[n], place[4], t == state.front[p], state.nearest[p], state.total[p], blur, mix)
                if shares[0] == 0.0:
                    continue
                (share, by_x, by_q, _), b = shares, place[3]
                shade(t, b, f, paint, factor, color, slope)
                if len(motion) > 0:
                    off = behind = pull_0 = pull_1 = pull_2 = 0.0
                    q = min(p, len(state.background) - 1)
                    for c in range(channels):
                        off += y[p, c] * (color[c] - state.image[p, c])
                        behind += y[p, c] * (state.background[q, c] - state.image[p, c])
                        pull_0 += y[p, c] * slope[c, 0]
                        pull_1 += y[p, c] * slope[c, 1]
                        pull_2 += y[p, c] * slope[c, 2]
                    pull_q = off * by_q
                    if t == state.front[p] and is_bounded(state.nearest[p], mix):
                        pull_q += state.behind[p] * behind / mix.gamma
                    pull_b = share * pull_0, share * pull_1, share * pull_2
                    near, deep = pull_of_fragment(face, at, place, blur, mix, off * by_x, pull_b, pull_q)
                    for k in range(3):
                        motion[t, k, 0] += near[2 * k]
                        motion[t, k, 1] += near[2 * k + 1]
                        motion[t, k, 2] += deep[k]
                if len(vertex) > 0:
                    for c in range(channels):
                        pull = share * y[p, c] * factor[1, c] * factor[2, c]
                        for k in range(3):
                            vertex[t, k, c] += b[k] * pull
                if len(cell) > 0:
                    taken = cell_of(t, b, paint)
                    for c in range(channels):
                        cell[taken, c] += share * y[p, c] * factor[0, c] * factor[2, c]
                if len(texel) > 0:
                    ul, ur, ll, lr, right_of, below = texel_taps(t, b, paint)
                    for c in range(channels):
                        pull = share * y[p, c] * factor[0, c] * factor[1, c]
                        texel[ul, c] += (1.0 - below) * (1.0 - right_of) * pull
                        texel[ur, c] += (1.0 - below) * right_of * pull
                        texel[ll, c] += below * (1.0 - right_of) * pull
                        texel[lr, c] += below * right_of * pull


@kernel
def _tap(width, screen, f, mix, paint, pixel, first, faces, x, edge, along, kind, taps):
    """The cell, or the four texels, that each pair shows."""
    for here in range(len(first) - 1):
        p = pixel + here
        for n in range(first[here], first[here + 1]):
            t, at = faces[n], (float(p % width), float(p // width), x[n], edge[n], along[n])
            _, _, _, b, _ = place_on_face(face_of(t, screen, f), at, mix.blending == PYTORCH3D)
            if kind == CELL:
                taps[n, 0] = cell_of(t, b, paint)
            else:
                taps[n, 0], taps[n, 1], taps[n, 2], taps[n, 3], _, _ = texel_taps(t, b, paint)


@kernel
def _write_rows(width, screen, f, blur, mix, paint, state, pixel, first, faces, x, edge, along, kind, slot, first_point,
                values):
    channels = values.shape[1]
    factor, color, slope = new_shading(channels)
    block = np.empty((channels, 3, 3))
    for here in range(len(first) - 1):
        p = pixel + here
        for n in range(first[here], first[here + 1]):
            t, at = faces[n], (float(p % width), float(p // width), x[n], edge[n], along[n])
            face = face_of(t, screen, f)
            place = place_on_face(face, at, mix.blending == PYTORCH3D)
            shares = share_of(x[n], place[4], t == state.front[p], state.nearest[p], state.total[p], blur, mix)
            if shares[0] == 0.0:
                continue
            share, b = shares[0], place[3]
            shade(t, b, f, paint, factor, color, slope)
            to = first_point[here]
            if kind == MOTION:
                _write_block(t, p, face, at, place, shares, color, slope, blur, mix, state, block)
                for c in range(channels):
                    for k in range(3):
                        for d in range(3):
                            values[to + slot[n, k], c, d] += block[c, k, d]
            elif kind == TEXCOORD:
                taps = texel_taps(t, b, paint)
                for c in range(channels):
                    along_s, along_t = slope_of_texels(c, taps, paint)
                    others = share * factor[0, c] * factor[1, c]
                    for k in range(3):
                        values[to + slot[n, k], c, 0] += others * b[k] * along_s
                        values[to + slot[n, k], c, 1] += others * b[k] * along_t
            elif kind == VERTEX:
                for c in range(channels):
                    for k in range(3):
                        values[to + slot[n, k], c, 0] += share * factor[1, c] * factor[2, c] * b[k]
            elif kind == CELL:
                for c in range(channels):
                    values[to + slot[n, 0], c, 0] += share * factor[0, c] * factor[2, c]
            else:
                _, _, _, _, right_of, below = texel_taps(t, b, paint)
                for c in range(channels):
                    others = share * factor[0, c] * factor[1, c]
                    values[to + slot[n, 0], c, 0] += others * (1.0 - below) * (1.0 - right_of)
                    values[to + slot[n, 1], c, 0] += others * (1.0 - below) * right_of
                    values[to + slot[n, 2], c, 0] += others * below * (1.0 - right_of)
                    values[to + slot[n, 3], c, 0] += others * below * right_of
