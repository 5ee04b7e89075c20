"""Slow twins of lights: one point at a time, as the textbook writes it; and harmonics by SciPy's Legendre functions."""
import math

import numpy as np
from scipy.special import factorial, lpmv


def unit(vector):
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else np.zeros(3)


def falloff(distance, attenuation):
    a, b, c = attenuation
    return 1.0 / (a + b * distance + c * distance**2)


def smooth_cone(angle, inner, outer):
    """1 up to the inner angle, 0 from the outer one on, a smoothstep of the cosine between them."""
    if angle <= inner:
        return 1.0
    if angle >= outer:
        return 0.0
    t = (math.cos(angle) - math.cos(outer)) / (math.cos(inner) - math.cos(outer))
    return 3 * t**2 - 2 * t**3


def arrival(point, light):
    """Unit vector to the light, and its intensity; `light` is a dict with what that kind of light has."""
    if "position" not in light:
        return -unit(light["direction"]), 1.0
    offset = light["position"] - point
    intensity = falloff(np.linalg.norm(offset), light.get("attenuation", (1, 0, 0)))
    if "cone" in light:
        angle = math.acos(np.clip(-unit(offset) @ unit(light["direction"]), -1, 1))
        intensity *= smooth_cone(angle, *light["cone"])
    return unit(offset), intensity


def shade(point, normal, light, albedo, specular=0.0, shininess=1.0, eye=None, lobe="blinn_phong"):
    """The colour that a point sends to the eye."""
    u, intensity = arrival(point, light)
    cosine = normal @ u
    if cosine <= 0:
        return np.zeros(3)
    color = cosine * np.asarray(albedo, float)
    if np.any(specular):
        w = unit(eye - point)
        mirrored = 2 * cosine * normal - u
        alignment = mirrored @ w if lobe == "phong" else normal @ unit(u + w)
        color = color + np.asarray(specular) * max(0.0, alignment) ** shininess
    return intensity * color * light.get("color", 1.0)


def harmonic(l, m, n):
    """A real spherical harmonic without Condon-Shortley phase, at a unit vector."""
    x, y, z = n
    order = abs(m)
    scale = math.sqrt((2 * l + 1) / (4 * math.pi) * factorial(l - order) / factorial(l + order))
    legendre = (-1) ** order * lpmv(order, l, z)
    angle = math.atan2(y, x)
    if m == 0:
        return scale * legendre
    return math.sqrt(2) * scale * legendre * (math.cos(order * angle) if m > 0 else math.sin(order * angle))


def harmonics(n, order):
    """All harmonics up to an order at unit vectors (N, 3), (N, (order + 1)²), in the order of the package."""
    pairs = [(l, m) for l in range(order + 1) for m in ([1, 0, -1] if l == 1 else range(-l, l + 1))]
    return np.array([[harmonic(l, m, each) for l, m in pairs] for each in n])
