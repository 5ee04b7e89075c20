"""Renderers: nodes whose value is an image of a mesh."""
from .boundary import BoundaryRenderer
from .colored import ColoredRenderer
from .depth import DepthRenderer
from .face_texture import FaceTexture
from .silhouette import SilhouetteRenderer
from .soft import SoftRenderer, SoftSilhouetteRenderer
from .textured import TexturedRenderer

__all__ = ["BoundaryRenderer", "ColoredRenderer", "DepthRenderer", "FaceTexture", "SilhouetteRenderer", "SoftRenderer",
           "SoftSilhouetteRenderer", "TexturedRenderer"]
