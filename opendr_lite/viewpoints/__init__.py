"""Where cameras are and what they look at, and cameras as other programs write them.

`look_at`, `look` and `eye_from_angles` are differentiable. The conversions are functions of plain numbers: each goes to
or from `CameraParameters`, so any two conventions meet there.
"""
from .blender import from_blender, to_blender
from .colmap import ColmapCamera, from_colmap, to_colmap
from .looking import LookRotation, Viewpoint, eye_from_angles, look, look_at
from .neural_renderer import from_neural_renderer, neural_renderer_eye, to_neural_renderer
from .opengl import OpenGLMatrices, clip_planes, from_opengl, to_opengl
from .parameters import CameraParameters
from .pytorch3d import from_pytorch3d, to_pytorch3d

__all__ = ["CameraParameters", "ColmapCamera", "LookRotation", "OpenGLMatrices", "Viewpoint", "clip_planes",
           "eye_from_angles", "from_blender", "from_colmap", "from_neural_renderer", "from_opengl", "from_pytorch3d",
           "look", "look_at", "neural_renderer_eye", "to_blender", "to_colmap", "to_neural_renderer", "to_opengl",
           "to_pytorch3d"]
