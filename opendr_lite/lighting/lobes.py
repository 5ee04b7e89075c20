"""Highlights: how much of the light from direction u leaves a surface with normal n towards the eye, in direction w.

All are unit vectors, and a lobe is a cosine that is raised to the power of the shininess:

    Phong          r·w = 2 (n·u) (n·w) - u·w,   r the mirror image of u
    Blinn-Phong    n·h,                         h = (u + w) / |u + w|, halfway between both

(B. T. Phong, Illumination for computer generated pictures, 1975; J. F. Blinn, Models of light reflection for computer
synthesized pictures, 1977). The derivatives are

                   by n                      by u               by w
    Phong          2 ((n·w) u + (n·u) w)     2 (n·w) n - w      2 (n·u) n - u
    Blinn-Phong    h                         (n - (n·h) h) / |u + w|, both
"""
from .directions import directions, row_dots, through_direction

__all__ = ["LOBES"]


def phong(n, u, w):
    return 2 * row_dots(n, u) * row_dots(n, w) - row_dots(u, w)


def phong_slopes(n, u, w):
    to_light, to_eye = row_dots(n, u)[:, None], row_dots(n, w)[:, None]
    return 2 * (to_eye * u + to_light * w), 2 * to_eye * n - w, 2 * to_light * n - u


def blinn_phong(n, u, w):
    h, _, _ = directions(u + w)
    return row_dots(n, h)


def blinn_phong_slopes(n, u, w):
    h, _, inverse_length = directions(u + w)
    across = through_direction(n, h, inverse_length)
    return h, across, across


LOBES = {  # name -> cosine (N,) of n, u, w, each (N, 3); its derivatives by them, each (N, 3)
    "blinn_phong": (blinn_phong, blinn_phong_slopes),
    "phong": (phong, phong_slopes),
}
