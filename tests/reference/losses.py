"""Slow twins of losses: one vertex, one edge, one pixel at a time, as the papers write them."""
from itertools import combinations

import numpy as np
from scipy.spatial.transform import Rotation

# ---------------------------------------------------------------------- meshes

def neighbours(f, i):
    """The vertices that share an edge with vertex i."""
    return sorted({int(j) for face in f if i in face for j in face} - {i})


def angle(v, corner, one, other):
    """The angle of a triangle at a corner."""
    u, w = v[one] - v[corner], v[other] - v[corner]
    return np.arccos(u @ w / np.linalg.norm(u) / np.linalg.norm(w))


def opposite_corners(f, i, j):
    """The third corner of each face that has the edge."""
    return [int(k) for face in f if i in face and j in face for k in face if k not in (i, j)]


def cotangent_weight(v, f, i, j):
    return sum(1 / np.tan(angle(v, k, i, j)) for k in opposite_corners(f, i, j))


def area_around(v, f, i):
    return sum(np.linalg.norm(np.cross(v[b] - v[a], v[c] - v[a])) / 2 for a, b, c in f if i in (a, b, c))


def differential_coordinates(v, f, weights):
    delta = np.zeros_like(v)
    for i in range(len(v)):
        around = neighbours(f, i)
        if not around:
            continue
        w = [1.0 if weights == "uniform" else cotangent_weight(v, f, i, j) for j in around]
        n = 4 * area_around(v, f, i) if weights == "cotcurv" else sum(w)
        delta[i] = sum(w_ij * (v[j] - v[i]) for w_ij, j in zip(w, around)) / n
    return delta


def edges(f):
    return sorted({(min(a, b), max(a, b)) for face in f.tolist() for a, b in combinations(face, 2)})


def bends(v, f):
    """1 - cos of each pair of faces on an edge, by PyTorch3D's formula."""
    found = []
    for i, j in edges(f):
        for a, b in combinations(opposite_corners(f, i, j), 2):
            one, other = np.cross(v[j] - v[i], v[a] - v[i]), -np.cross(v[j] - v[i], v[b] - v[i])
            found.append(1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    return np.array(found)


def cosine_of_wings(v, i, j, a, b):
    """Of the angle between the perpendiculars from a and from b to the edge, by Soft Rasterizer's formula."""
    along = v[j] - v[i]
    wings = [v[k] - v[i] - along * ((v[k] - v[i]) @ along) / (along @ along) for k in (a, b)]
    return wings[0] @ wings[1] / np.linalg.norm(wings[0]) / np.linalg.norm(wings[1])


def rigidity(v, f, rest, weight):
    """The sum over vertices of what is left after the best rotation of their edges, by SciPy's Kabsch algorithm."""
    total = 0.0
    for i in range(len(v)):
        around = neighbours(f, i)
        if around:
            w = np.array([weight(i, j) for j in around])
            _, distance = Rotation.align_vectors(v[around] - v[i], rest[around] - rest[i], weights=w)
            total += distance ** 2
    return total


def pytorch3d_laplacian_smoothing(v, f, method):
    """`mesh_laplacian_smoothing` and its gradient, with weights constant, by PyTorch3D's steps in the dtype of v."""
    number, n = v.dtype.type, len(v)
    if method == "uniform":
        joined = np.zeros((n, n), v.dtype)
        for i, j in edges(f):
            joined[i, j] = joined[j, i] = 1
        matrix = joined / joined.sum(axis=1, keepdims=True) - np.eye(n, dtype=v.dtype)
    else:
        p0, p1, p2 = v[f[:, 0]], v[f[:, 1]], v[f[:, 2]]
        a, b, c = (np.sqrt((d * d).sum(axis=1)) for d in (p1 - p2, p0 - p2, p0 - p1))
        s = number(0.5) * (a + b + c)
        area = np.sqrt(s * (s - a) * (s - b) * (s - c))
        cotangents = np.stack((b * b + c * c - a * a, a * a + c * c - b * b, a * a + b * b - c * c), axis=1)
        w = np.zeros((n, n), v.dtype)
        np.add.at(w, (f[:, [1, 2, 0]], f[:, [2, 0, 1]]), cotangents / area[:, None] / number(4))
        w = w + w.T
        total = w.sum(axis=1, keepdims=True)
        if method == "cot":
            matrix = w / total - np.eye(n, dtype=v.dtype)
        else:
            areas = np.zeros((n, 1), v.dtype)
            np.add.at(areas, f, area[:, None, None])
            matrix = number(0.25) * (w - np.diag(total[:, 0])) / areas
    delta = matrix @ v
    length = np.sqrt((delta * delta).sum(axis=1, keepdims=True))
    return length.mean(), matrix.T @ (delta / length / number(n))


# ---------------------------------------------------------------------- clouds

def chamfer(x, y, norm=2):
    """Both mean distances to the nearest, from all pairs."""
    difference = x[:, None] - y[None]
    distance = (difference ** 2 if norm == 2 else np.abs(difference)).sum(axis=2)
    return distance.min(axis=1).mean() + distance.min(axis=0).mean()


def closest_on_segment(p, a, b):
    length = (b - a) @ (b - a)
    t = np.clip((p - a) @ (b - a) / length, 0, 1) if length else 0.0
    return a + t * (b - a)


def closest_on_triangle(p, a, b, c):
    """C. Ericson, Real-time collision detection, 2005, section 5.1.5: by the region of p."""
    ab, ac = b - a, c - a
    d1, d2 = ab @ (p - a), ac @ (p - a)
    d3, d4 = ab @ (p - b), ac @ (p - b)
    d5, d6 = ab @ (p - c), ac @ (p - c)
    if d1 <= 0 and d2 <= 0:
        return a
    if d3 >= 0 and d4 <= d3:
        return b
    if d6 >= 0 and d5 <= d6:
        return c
    vc, vb, va = d1 * d4 - d3 * d2, d5 * d2 - d1 * d6, d3 * d6 - d5 * d4
    if vc <= 0 and d1 >= 0 and d3 <= 0:
        return a + d1 / (d1 - d3) * ab
    if vb <= 0 and d2 >= 0 and d6 <= 0:
        return a + d2 / (d2 - d6) * ac
    if va <= 0 and d4 >= d3 and d5 >= d6:
        return b + (d4 - d3) / ((d4 - d3) + (d5 - d6)) * (c - b)
    return a + (vb * ab + vc * ac) / (va + vb + vc)


def squared_distances(points, simplices):
    """All of them (P, S), of points from triangles or segments, lists of corners."""
    closest = {2: closest_on_segment, 3: closest_on_triangle}
    return np.array([[np.sum((p - closest[len(simplex)](p, *simplex)) ** 2) for simplex in simplices]
                     for p in points])


# ---------------------------------------------------------------------- images

def ssim(a, b, data_range=1.0, size=11, sigma=1.5):
    """Of one channel, window by window."""
    offsets = np.arange(size) - size // 2
    g = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * sigma ** 2))
    g /= g.sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    found = np.empty((a.shape[0] - size + 1, a.shape[1] - size + 1))
    for i, j in np.ndindex(found.shape):
        x, y = a[i:i + size, j:j + size], b[i:i + size, j:j + size]
        mx, my = (g * x).sum(), (g * y).sum()
        vx, vy, vxy = (g * (x - mx) ** 2).sum(), (g * (y - my) ** 2).sum(), (g * (x - mx) * (y - my)).sum()
        found[i, j] = (2 * mx * my + c1) * (2 * vxy + c2) / (mx ** 2 + my ** 2 + c1) / (vx + vy + c2)
    return found


def total_variation(image, isotropic):
    """Of one channel."""
    height, width = image.shape
    total = 0.0
    for i, j in np.ndindex(height, width):
        down = image[i + 1, j] - image[i, j] if i + 1 < height else 0.0
        along = image[i, j + 1] - image[i, j] if j + 1 < width else 0.0
        total += np.hypot(down, along) if isotropic else abs(down) + abs(along)
    return total
