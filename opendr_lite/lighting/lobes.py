"""Highlights: how much of the light from direction u leaves a surface with normal n towards the eye, in direction w.

All are unit vectors. A lobe is a cosine, which is raised to the power of the shininess:

    Phong          r·w = 2 (n·u) (n·w) - u·w,   r the mirror image of u
    Blinn-Phong    n·h,                         h = (u + w) / |u + w|, halfway between both

(B. T. Phong, Illumination for computer generated pictures, 1975; J. F. Blinn, Models of light reflection for computer
synthesized pictures, 1977). The derivatives are

                   by n                      by u               by w
    Phong          2 ((n·w) u + (n·u) w)     2 (n·w) n - w      2 (n·u) n - u
    Blinn-Phong    h                         (n - (n·h) h) / |u + w|, both
"""
from ..kernels.cpu.lights import BLINN_PHONG, PHONG

__all__ = ["LOBES"]

LOBES = {"blinn_phong": BLINN_PHONG, "phong": PHONG}
"""Names of lobes -> what kernels call them."""
