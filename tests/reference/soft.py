"""Slow twin of the soft renderers: one face at a time over all pixels, in plain NumPy."""
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

SIGMOIDS = {
    "logistic": expit,
    "gaussian": ndtr,
    "laplace": lambda x: np.where(x < 0, 0.5 * np.exp(-np.abs(x)), 1 - 0.5 * np.exp(-np.abs(x))),
    "cauchy": lambda x: 0.5 + np.arctan(x) / np.pi,
    "reciprocal": lambda x: 0.5 + 0.5 * x / (1 + np.abs(x)),
    "sech": lambda x: 2 / np.pi * np.arctan(np.exp(np.pi / 2 * np.clip(x, -400, 400))),
    "uniform": lambda x: np.clip(0.5 + 0.5 * x, 0, 1),
    "exponential": lambda x: 1 - np.exp(-np.maximum(x, 0)),
}


def cutoff(sigmoid, dist_eps):
    """Least argument with a probability of dist_eps."""
    return brentq(lambda x: float(SIGMOIDS[sigmoid](np.float64(x))) - dist_eps, -2 / dist_eps, 10, xtol=1e-14)


def distances(corners, pu, pv, distance, unit):
    """(signed argument of the sigmoid, times sigma, and barycentrics) of all pixels; `unit` is the size of one."""
    edges = np.roll(corners, -1, axis=0) - corners
    area = edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0]
    functions = [e[0] * (pv - a[1]) - e[1] * (pu - a[0]) for a, e in zip(corners, edges)]
    with np.errstate(divide="ignore", invalid="ignore"):
        barycentric = np.stack([functions[1], functions[2], functions[0]]) / area
    inside = (barycentric > 0).all(axis=0)
    if distance == "hard":
        return np.where(inside, np.inf, -np.inf), barycentric
    if distance == "barycentric":
        least = barycentric.min(axis=0)
        return np.sign(least) * least**2, barycentric
    squared = np.inf
    for a, e in zip(corners, edges):
        length = e @ e
        s = np.clip(((pu - a[0]) * e[0] + (pv - a[1]) * e[1]) / length, 0, 1) if length else 0.0
        squared = np.minimum(squared, (pu - a[0] - s * e[0])**2 + (pv - a[1] - s * e[1])**2)
    return np.where(inside, 1, -1) * squared * unit**2, barycentric


def fragments(screen, f, width, height, *, sigma, distance="euclidean", sigmoid="logistic", dist_eps=1e-4):
    """For each face (touched pixels (h, w) bool, probability D, barycentrics (3, h, w))."""
    pv, pu = np.indices((height, width)).astype(float)
    least = cutoff(sigmoid, dist_eps) if distance != "hard" else -1.0
    for face in f:
        d, barycentric = distances(screen[face, :2], pu, pv, distance, 2 / min(width, height))
        if distance == "hard":
            probability = (d > 0).astype(float)
            touched = d > 0
        else:
            probability = SIGMOIDS[sigmoid](d / sigma)
            touched = (d > least * sigma) & (probability > 0)
        yield touched, probability, barycentric


def silhouette(screen, f, width, height, union="prod", **blur):
    seen = np.array([np.where(touched, d, 0.0) for touched, d, _ in fragments(screen, f, width, height, **blur)])
    if union == "prod":
        return 1 - np.prod(1 - seen, axis=0)
    if union == "sum":
        return seen.sum(axis=0) / len(f)
    if union == "max":
        return seen.max(axis=0)
    if union == "hard":
        return (seen.max(axis=0) > 0.5).astype(float)
    both = {"einstein": lambda a, b: (a + b) / (1 + a * b),
            "hamacher": lambda a, b: np.where(a * b < 1, (a + b - 2 * a * b) / np.maximum(1 - a * b, 1e-300), 1.0),
            "bounded": lambda a, b: np.minimum(a + b, 1.0),
            "yager": lambda a, b: np.minimum(np.hypot(a, b), 1.0)}[union]
    result = np.zeros((height, width))
    for one in seen:
        result = both(result, one)
    return result


def bilinear(texture, s, t):
    rows, columns = texture.shape[:2]
    x, y = s * columns - 0.5, (1 - t) * rows - 0.5
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    a, b = (x - i)[..., None], (y - j)[..., None]
    at = lambda j, i: texture[j % rows, i % columns]
    return ((1 - b) * ((1 - a) * at(j, i) + a * at(j, i + 1)) + b * ((1 - a) * at(j + 1, i) + a * at(j + 1, i + 1)))


def cells(texture, b):
    """One face's R^2 cells (R^2, C), nearest."""
    size = int(round(np.sqrt(len(texture))))
    x, y = (np.minimum((w * size).astype(int), size - 1) for w in b[:2])
    upper = (b[0] + b[1]) * size - x - y <= 1 + 1e-9
    return texture[np.where(upper, y * size + x, (size - 1 - y) * size + size - 1 - x)]


def image(screen, f, width, height, *, near, far, gamma=1e-4, blending="softmax", background=0.0, eps=None, vc=None,
          fc=None, surface_texture=None, texture=None, vt=None, ft=None, **blur):
    """Colours, (h, w, C)."""
    total = colors = 0.0
    nearest = np.full((height, width), np.inf)
    eps = {"softmax": 1e-3, "pytorch3d": 1e-10, "hard": 0.0}[blending] if eps is None else eps
    parts = []
    for t, (touched, probability, barycentric) in enumerate(fragments(screen, f, width, height, **blur)):
        z = screen[f[t], 2][:, None, None]
        w = np.clip(np.nan_to_num(barycentric), 0, np.inf if blending == "pytorch3d" else 1)
        w = w / np.maximum(w.sum(axis=0), 1e-30)
        with np.errstate(divide="ignore"):
            depth = 1 / (w / z).sum(axis=0)
        b = w / z * depth if blending == "pytorch3d" else w
        color = 1.0
        if vc is not None:
            color = color * np.einsum("khw,kc->hwc", b, vc[f[t]])
        if fc is not None:
            color = color * fc[t]
        if surface_texture is not None:
            color = color * cells(surface_texture[t], b)
        if texture is not None:
            color = color * bilinear(texture, *np.einsum("khw,kd->dhw", b, vt[ft[t]]))
        if blending != "pytorch3d":
            touched = touched & (depth <= far)
        parts.append((touched, probability, depth, color, (np.nan_to_num(barycentric) > 0).all(axis=0)))
    if blending == "hard":
        result = np.broadcast_to(background, (height, width, np.shape(parts[0][3])[-1])).copy()
        for touched, _, depth, color, inside in parts:
            seen = touched & inside & (depth < nearest)
            nearest[seen] = depth[seen]
            result[seen] = np.broadcast_to(color, result.shape)[seen]
        return result
    nearness = [np.where(touched, (far - depth) / (far - near), -np.inf) for touched, _, depth, _, _ in parts]
    most = np.maximum(np.max(nearness, axis=0), eps)
    for (touched, probability, _, color, _), ahead in zip(parts, nearness):
        weight = np.where(touched, probability, 0.0) * np.exp((ahead - most) / gamma)
        total = total + weight
        colors = colors + weight[..., None] * color
    behind = np.exp(((2 * eps if blending == "softmax" else eps) - most) / gamma)
    if blending == "pytorch3d":
        behind = np.maximum(behind, 1e-10)
    return (colors + behind[..., None] * background) / (total + behind)[..., None]
