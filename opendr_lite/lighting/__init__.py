"""Light on points of a surface: what they send to the eye, as a differentiable function of lights and surface.

A light is a node whose value is the colours (N, C) of N points: vertices, which a renderer interpolates (Gouraud
shading), or what pixels see (`ShadedRenderer`, Phong shading). Several lights add up. The formulas stand in the
modules; `light` says what a surface is.
"""
from .ambient import AmbientLight
from .directional import DirectionalLight
from .environment import EnvironmentHarmonics, lambertian_factors
from .harmonics import SphericalHarmonics
from .lambertian import LambertianPointLight, lambertian_spotlight
from .light import Light
from .lobes import LOBES
from .point import PointLight
from .spot import SpotLight

__all__ = ["AmbientLight", "DirectionalLight", "EnvironmentHarmonics", "LOBES", "LambertianPointLight", "Light",
           "PointLight", "SphericalHarmonics", "SpotLight", "lambertian_factors", "lambertian_spotlight"]
