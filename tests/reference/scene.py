"""Slow twins of camera, normals and curvature: one point, one face at a time, as the textbook writes it."""
import math

import numpy as np
from scipy.linalg import expm
from scipy.spatial import ConvexHull


def bumpy_sphere(num_points=24, seed=10):
    """A closed mesh around the origin, wound counterclockwise from outside: vertices (V, 3), faces (F, 3)."""
    random = np.random.default_rng(seed)
    v = random.standard_normal((num_points, 3))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    f = ConvexHull(v).simplices.astype(np.int64)
    inward = np.linalg.det(v[f]) < 0
    f[inward] = f[inward][:, ::-1]
    return v * random.uniform(0.8, 1.2, (num_points, 1)), f


def project(point, rt, t, f, c, k):
    """Pixel coordinates of one point, OpenCV's documented model with eight coefficients."""
    k1, k2, p1, p2, k3, k4, k5, k6 = list(k) + [0.0] * (8 - len(k))
    rx, ry, rz = rt
    X, Y, Z = expm(np.array([[0, -rz, ry], [rz, 0, -rx], [-ry, rx, 0]])) @ point + t
    x, y = X / Z, Y / Z
    r = math.hypot(x, y)
    radial = (1 + k1 * r**2 + k2 * r**4 + k3 * r**6) / (1 + k4 * r**2 + k5 * r**4 + k6 * r**6)
    distorted_x = x * radial + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2)
    distorted_y = y * radial + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y
    return np.array([f[0] * distorted_x + c[0], f[1] * distorted_y + c[1]])


def project_fisheye(point, rt, t, f, c, k):
    """Pixel coordinates of one point in front of the camera, OpenCV's documented fisheye model."""
    rx, ry, rz = rt
    X, Y, Z = expm(np.array([[0, -rz, ry], [rz, 0, -rx], [-ry, rx, 0]])) @ point + t
    a, b = X / Z, Y / Z
    r = math.sqrt(a**2 + b**2)
    theta = math.atan(r)
    theta_d = theta * (1 + k[0] * theta**2 + k[1] * theta**4 + k[2] * theta**6 + k[3] * theta**8)
    return np.array([f[0] * theta_d / r * a + c[0], f[1] * theta_d / r * b + c[1]])


def vertex_normals(v, f):
    """Unit vertex normals, each face weighted by its area; 0 where there is none."""
    normals = np.zeros_like(v)
    for a, b, c in f:
        normal = np.cross(v[b] - v[a], v[c] - v[a])
        for corner in (a, b, c):
            normals[corner] += normal
    for normal in normals:
        if normal.any():
            normal /= np.linalg.norm(normal)
    return normals


def spotlight(point, normal, pos, direction, exponent):
    """Brightness of one vertex in the light of a spotlight."""
    offset = point - pos
    distance = np.linalg.norm(offset)
    facing = max(0.0, -normal @ offset / distance)
    spot = max(0.0, direction @ offset / distance / np.linalg.norm(direction))
    return facing * spot**exponent / distance**2 if spot > 0 else 0.0
