"""Cameras: from points in the world to pixels. The formulas stand in the modules, what they share in `camera.base`."""
from .base import Camera
from .distortion import undistort
from .field_of_view import FieldOfViewCamera
from .fisheye import FisheyeCamera
from .orthographic import OrthographicCamera
from .perspective import ProjectPoints, ProjectPoints3D
from .rigid import RigidTransform, RigidTransformSlow
from .weak_perspective import WeakPerspectiveCamera

__all__ = ["Camera", "FieldOfViewCamera", "FisheyeCamera", "OrthographicCamera", "ProjectPoints", "ProjectPoints3D",
           "RigidTransform", "RigidTransformSlow", "WeakPerspectiveCamera", "undistort"]
