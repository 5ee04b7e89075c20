"""Renderers: nodes whose value is an image of a mesh."""
from .boundary import BoundaryRenderer
from .colored import ColoredRenderer
from .depth import DepthRenderer
from .silhouette import SilhouetteRenderer
from .soft import SoftRenderer, SoftSilhouetteRenderer
from .textured import TexturedRenderer

__all__ = ["BoundaryRenderer", "ColoredRenderer", "DepthRenderer", "SilhouetteRenderer", "SoftRenderer",
           "SoftSilhouetteRenderer", "TexturedRenderer"]
