"""Slow twin of the neural rule: one face, one edge, one line, one pixel at a time, as its authors' code writes it.

Edges that run exactly through the centre of a pixel, where conventions differ, are none of its concern.
"""
import math

import numpy as np


def edge_gradient(screen, f, face_id, image, cotangent, eps):
    """Gradient of each corner of each face on the screen, (F, 3, 2); `eps` in pixels, along u and v."""
    gradient = np.zeros((len(f), 3, 2))
    for t, corners in enumerate(f):
        for k in range(3):
            ends = k, (k + 1) % 3
            a, b, c = (screen[corners[j], :2] for j in (*ends, (k + 2) % 3))
            for axis in (0, 1):
                shown = face_id if axis == 0 else face_id.T
                colors, pulls = (array if axis == 0 else array.swapaxes(0, 1) for array in (image, cotangent))
                of_ends = _of_edge(t, *(point[::(1, -1)[axis]] for point in (a, b, c)), shown, colors, pulls, eps[axis])
                for end, value in zip(ends, of_ends):
                    gradient[t, end, axis] += value
    return gradient


def _of_edge(t, a, b, c, shown, colors, pulls, eps):
    """By how much both ends of an edge should move along the lines; points are (along, across) them."""
    lines, length = shown.shape
    total = np.zeros(2)
    for line in range(max(math.ceil(min(a[1], b[1])), 0), min(math.floor(max(a[1], b[1])), lines - 1) + 1):
        def x_at(y):
            return a[0] + (b[0] - a[0]) / (b[1] - a[1]) * (y - a[1])

        cross, outward = x_at(line), 1 if c[0] < x_at(c[1]) else -1
        inner = math.floor(cross) if outward > 0 else math.ceil(cross)
        outer = inner + outward
        if not (0 <= inner < length and 0 <= outer < length):
            continue
        outside = range(outer, length) if outward > 0 else range(outer, -1, -1)
        inside = range(inner, -1, -1) if outward > 0 else range(inner, length)
        candidates = [(p, inner) for p in outside if shown[line, inner] == t]
        candidates += [(p, outer) for p in inside if shown[line, p] == t]
        for p, like in candidates:
            pull = (colors[line, p] - colors[line, like]) @ pulls[line, p]
            if pull <= 0:
                continue
            for end, (here, there) in enumerate(((a, b), (b, a))):
                if there[1] != line:
                    distance = (there[1] - here[1]) / (there[1] - line) * (p - cross)
                    total[end] -= pull / (distance + math.copysign(eps, distance))
    return total


def depth_gradient(screen, f, face_id, cotangent):
    """Gradient of u, v, z of each corner of each face, (F, 3, 3), by the depth at the pixels, (h, w)."""
    gradient = np.zeros((len(f), 3, 3))
    for (row, column), t in np.ndenumerate(face_id):
        if t < 0:
            continue
        u, v, z = screen[f[t]].T
        inverse = np.linalg.inv(np.stack([u, v, np.ones(3)]))  # (u, v, 1) of a pixel -> its weights on the screen
        weights = inverse @ [column, row, 1.0]
        depth = 1 / (weights / z).sum()
        nearness_along = (inverse[:, :2] / z[:, None]).sum(axis=0)
        gradient[t, :, :2] += cotangent[row, column] * depth**2 * np.outer(weights, nearness_along)
        gradient[t, :, 2] += cotangent[row, column] * weights * depth**2 / z**2
    return gradient


def of_vertices(gradient, f, num_vertices):
    """Sums over the corners that are the same vertex."""
    total = np.zeros((num_vertices, gradient.shape[2]))
    np.add.at(total, f, gradient)
    return total
