"""Compile ahead of time what would otherwise be compiled at first use."""
import numpy as np

from .camera import ProjectPoints
from .ch import array, zeros
from .ch.problem import Problem
from .ch.robust import make_loss
from .filters import gaussian_pyramid
from .renderer import ColoredRenderer, TexturedRenderer

__all__ = ["warmup"]


def warmup():
    """Compile the kernels, by rendering, differentiating and fitting a small scene.

    Compiled kernels are kept in a cache on disk, so this takes seconds once after an installation or an update, and
    a fraction of a second later.
    """
    v = array([[-1.0, -1.0, 2.0], [1.0, -1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 0.0, -1.0]])
    f = np.array([[0, 1, 2], [0, 1, 3]])
    camera = ProjectPoints(v=v, rt=zeros(3), t=zeros(3), f=[8.0, 8.0], c=[4.0, 4.0])
    scene = {"camera": camera, "f": f, "frustum": {"near": 0.5, "far": 10.0, "width": 9, "height": 8}}
    for kind in ({"overdraw": False}, {"overdraw": True}, {"derivative": "exact"}):
        for image in (ColoredRenderer(vc=array(np.ones((4, 3))), **kind, **scene),
                      TexturedRenderer(texture_image=np.ones((4, 4, 3)), vt=v.r[:, :2], **kind, **scene)):
            pyramid = gaussian_pyramid(image, n_levels=1, normalization=None)
            for wrt in [node for node in image.inputs() if node is not camera] + [camera.t]:
                pyramid.dr_wrt(wrt)
                pyramid.jvp(wrt, np.zeros(wrt.size))
                pyramid.vjp(wrt, np.zeros(pyramid.size))
                image.dr_wrt(wrt)
            image.dr_wrt(camera.v)
            pose_and_shape = Problem([pyramid, image], [camera.t, v], make_loss("linear"))
            pose_and_shape.normal_equations(pose_and_shape.residual(), None)
            shape = Problem(image, [v], make_loss("linear"))
            shape.sparse_normal_equations(shape.residual(), None)
