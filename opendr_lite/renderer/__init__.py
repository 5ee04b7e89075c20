"""Renderers: nodes whose value is an image of a mesh."""
from .boundary import BoundaryRenderer
from .colored import ColoredRenderer
from .depth import DepthRenderer
from .shaded import ShadedRenderer, ShadedTexturedRenderer
from .silhouette import SilhouetteRenderer
from .textured import TexturedRenderer

__all__ = ["BoundaryRenderer", "ColoredRenderer", "DepthRenderer", "ShadedRenderer", "ShadedTexturedRenderer",
           "SilhouetteRenderer", "TexturedRenderer"]
