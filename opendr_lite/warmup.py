"""Compile ahead of time what would otherwise be compiled at first use."""
import numpy as np

from .camera import ProjectPoints
from .ch import array, zeros
from .ch.problem import Problem
from .ch.robust import make_loss
from .filters import gaussian_pyramid
from .lighting import PointLight
from .losses import point_mesh_face_residuals
from .renderer import (
    ColoredRenderer,
    FaceTexture,
    ShadedRenderer,
    SilhouetteRenderer,
    SoftRenderer,
    SoftSilhouetteRenderer,
    TexturedRenderer,
)

__all__ = ["warmup"]


def warmup():
    """Compile the kernels, by rendering, differentiating and fitting a small scene.

    Compiled kernels are kept in a cache on disk, so this takes a minute once after an installation or an update, and
    a second later.
    """
    v = array([[-1.0, -1.0, 2.0], [1.0, -1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 0.0, -1.0]])
    f = np.array([[0, 1, 2], [0, 1, 3]])
    camera = ProjectPoints(v=v, rt=zeros(3), t=zeros(3), f=[8.0, 8.0], c=[4.0, 4.0])
    scene = {"camera": camera, "f": f, "frustum": {"near": 0.5, "far": 10.0, "width": 9, "height": 8}}
    colours, texture = {"vc": array(np.ones((4, 3)))}, {"texture_image": np.ones((4, 4, 3)), "vt": v.r[:, :2]}
    for kind in ({"overdraw": False}, {"overdraw": True}, {"derivative": "exact"}):
        for image in ColoredRenderer(**colours, **kind, **scene), TexturedRenderer(**texture, **kind, **scene):
            pyramid = gaussian_pyramid(image, n_levels=1, normalization=None)
            for wrt in _inputs(image):
                _differentiate(pyramid, wrt)
                image.dr_wrt(wrt)
            image.dr_wrt(camera.v)
            pose_and_shape = Problem([pyramid, image], [camera.t, v], make_loss("linear"))
            pose_and_shape.normal_equations(pose_and_shape.residual(), None)
            shape = Problem(image, [v], make_loss("linear"))
            shape.sparse_normal_equations(shape.residual(), None)
    lamp = PointLight(light_pos=zeros(3))
    for image in (SoftSilhouetteRenderer(**scene), SoftRenderer(**colours, **scene), SoftRenderer(**texture, **scene),
                  ShadedRenderer(lights=lamp, specular_color=1.0, shininess=2.0, **colours, **scene),
                  ColoredRenderer(fc=FaceTexture(array(np.ones((2, 2, 2, 2, 3)))), derivative="exact", **scene)):
        for wrt in _inputs(image):
            _differentiate(image, wrt)
    for image in (SilhouetteRenderer(derivative="neural", **scene),
                  ColoredRenderer(derivative="neural", **colours, **scene)):
        image.vjp(camera.t, np.ones(image.size))
    _differentiate(point_mesh_face_residuals(v, f, np.ones((2, 3))), v)


def _inputs(image):
    """Nodes that an image is computed from, the translation in the place of the camera."""
    return [node for node in image.inputs() if node is not image.camera] + [image.camera.t]


def _differentiate(node, wrt):
    node.dr_wrt(wrt)
    node.jvp(wrt, np.zeros(wrt.size))
    node.vjp(wrt, np.zeros(node.size))
