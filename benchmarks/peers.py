"""Renderers side by side: an adapter for each, all drawing the same picture of a `Scene`.

The picture is that of the vertex colours, without light, on black; or a soft one of them, or a soft silhouette. The
energy is the sum of the squares of its differences to a target. What a renderer's own classes take is converted when
the adapter is made, and not timed.
"""
import importlib.util

import numpy as np

from opendr_lite import ColoredRenderer, ProjectPoints, ch, get_num_threads
from opendr_lite.renderer import SoftRenderer, SoftSilhouetteRenderer

from .row import OURS
from .soft import before_black

__all__ = ["MODELS", "PEERS", "SIGMA", "DeodrEdges", "Exact", "Neural", "OpenDRLite", "PyTorch3D",
           "PyTorch3DSoftColours", "PyTorch3DSoftSilhouettes", "SoftColours", "SoftSilhouettes"]

SIGMA, GAMMA = 1e-4, 1e-4  # of soft pictures, if not said otherwise


class Renderer:
    """What is asked of an adapter.

    Parameters
    ----------
    scene : Scene
    target : (h, w, 3) array

    Attributes
    ----------
    name : str
    modules : tuple of str
        What must be installed.
    tolerance : float
        How far its colours may be from ours, off silhouettes.
    slow : bool
        Whether it takes seconds for a gradient.
    channels : tuple
        (3,) of colours, () of silhouettes.
    """

    name, modules, tolerance, slow, channels = "", (), 0.0, False, (3,)

    def image(self, v):
        """The picture with vertices v, (h, w, 3), or (h, w) of a silhouette."""
        raise NotImplementedError

    def gradient(self, v):
        """Draw with vertices v; the derivatives of the energy by v and, of colours, by vc, (V, 3) each."""
        return [2.0 * each for each in self.pull(self.image(v) - self.target)]  # the smaller ones to scale

    def pull(self, slope):
        """The gradient by v and vc of the last picture's sum, weighted by `slope`."""
        raise NotImplementedError

    def push(self, step):
        """How the last picture changes with v in the direction `step`, (h, w, 3); None where there is no Jacobian."""

    @classmethod
    def installed(cls):
        return all(importlib.util.find_spec(module) for module in cls.modules)


class OpenDRLite(Renderer):
    """This package, as it is by default; silhouettes are not drawn over."""

    name, derivative = OURS, "opendr"

    def __init__(self, scene, target, **how):
        self.target = target
        self.v, self.vc = ch.array(scene.v), ch.array(scene.vc)
        camera = ProjectPoints(v=self.v, rt=np.zeros(3), t=np.zeros(3), f=2 * [scene.focal],
                               c=[(scene.width - 1) / 2, (scene.height - 1) / 2], k=np.zeros(5))
        self.camera, self.node = camera, self.drawn(
            camera=camera, f=scene.f, vc=self.vc, bgcolor=np.zeros(3),
            frustum={"near": scene.near, "far": scene.far, "width": scene.width, "height": scene.height}, **how)

    def drawn(self, **scene):
        """The node of the image."""
        return ColoredRenderer(overdraw=False, derivative=self.derivative, **scene)

    def image(self, v):
        self.v[:] = v
        return self.node.r

    def pull(self, slope):
        return self.node.vjp([self.v, self.vc], slope)

    def push(self, step):
        return self.node.jvp(self.v, step).reshape(self.node.shape)


class Exact(OpenDRLite):
    """Its area-sampled image."""

    derivative = "exact"


class Neural(OpenDRLite):
    """Its backward rule of Neural 3D Mesh Renderer."""

    derivative = "neural"
    push = Renderer.push


class Soft(OpenDRLite):
    """Its Soft Rasterizer."""

    def drawn(self, **scene):
        return before_black(**scene)


class SoftColours(OpenDRLite):
    """Its Soft Rasterizer, mixing colours as PyTorch3D does."""

    def drawn(self, sigma=SIGMA, **scene):
        return SoftRenderer(sigma=sigma, gamma=GAMMA, blending="pytorch3d", **scene)


class SoftSilhouettes(OpenDRLite):
    """Its soft silhouettes."""

    channels = ()

    def drawn(self, vc, bgcolor, sigma=SIGMA, **scene):
        return SoftSilhouetteRenderer(sigma=sigma, **scene)

    def pull(self, slope):
        return self.node.vjp([self.v], slope)


class Deodr(Renderer):
    """DEODR (C++, one thread) without antialiased edges, sigma = 0; it interpolates colours affinely."""

    name, modules, tolerance, sigma = "DEODR", ("deodr", "typing_extensions", "trimesh"), 0.01, 0.0

    def __init__(self, scene, target):
        import deodr

        self.target, self.vc = target, scene.vc
        self.mesh = deodr.ColoredTriMesh(scene.f.astype(np.int64), vertices=scene.v.copy(), colors=scene.vc.copy())
        intrinsic = np.array([[scene.focal, 0, scene.width / 2], [0, scene.focal, scene.height / 2], [0, 0, 1]])
        self.camera = deodr.Camera(np.eye(3, 4), intrinsic, scene.height, scene.width)
        self.scene = deodr.Scene3D(sigma=self.sigma, integer_pixel_centers=False)
        self.scene.set_mesh(self.mesh)
        self.scene.set_light(None, 1.0)
        self.scene.set_background_color(np.zeros(3))

    def image(self, v):
        self.mesh.set_vertices(v)
        self.mesh.set_vertices_colors(self.vc)
        return self.scene.render(self.camera)

    def pull(self, slope):
        self.scene.clear_gradients()
        self.scene.render_backward(slope)
        return self.mesh._vertices_b, self.mesh.vertices_colors_b


class DeodrEdges(Deodr):
    """DEODR with edges drawn over, one pixel wide, sigma = 1."""

    name, sigma = "DEODR, sigma = 1", 1.0


class Mitsuba(Renderer):
    """Mitsuba 3 (LLVM, float32): the mesh shines in its colours; one sample for each pixel, and for each edge."""

    name, modules, tolerance, slow = "Mitsuba 3", ("mitsuba", "drjit"), 0.05, True

    def __init__(self, scene, target):
        import drjit
        import mitsuba

        mitsuba.set_variant("llvm_ad_rgb")
        drjit.set_thread_count(get_num_threads())
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
        self.drjit, self.mitsuba = drjit, mitsuba
        shine = {"type": "area", "radiance": {"type": "mesh_attribute", "name": "vertex_color"}}
        properties = mitsuba.Properties()
        properties["emitter"] = mitsuba.load_dict(shine)
        mesh = mitsuba.Mesh("ball", len(scene.v), len(scene.f), props=properties)
        mesh.add_attribute("vertex_color", 3, np.float32(scene.vc.ravel()))
        shape = mitsuba.traverse(mesh)
        shape["vertex_positions"], shape["faces"] = np.float32(scene.v.ravel()), np.uint32(scene.f.ravel())
        shape.update()
        film = {"type": "hdrfilm", "width": scene.width, "height": scene.height, "pixel_format": "rgb",
                "component_format": "float32", "rfilter": {"type": "box"}, "sample_border": True}
        ahead = mitsuba.ScalarTransform4f().look_at(origin=[0, 0, 0], target=[0, 0, 1], up=[0, -1, 0])
        angle = float(np.degrees(2 * np.arctan(scene.width / 2 / scene.focal)))
        self.scene = mitsuba.load_dict({
            "type": "scene", "mesh": mesh,
            "integrator": {"type": "direct_projective", "sppc": 1, "sppp": 1, "sppi": 0, "guiding": "none"},
            "sensor": {"type": "perspective", "fov": angle, "fov_axis": "x", "near_clip": scene.near,
                       "far_clip": scene.far, "to_world": ahead, "film": film}})
        self.values = mitsuba.traverse(self.scene)
        self.vc, self.target = np.float32(scene.vc.ravel()), mitsuba.TensorXf(np.float32(target))

    def image(self, v):
        self.values["mesh.vertex_positions"] = np.float32(v.ravel())
        self.values.update()
        return np.array(self.mitsuba.render(self.scene, spp=1))

    def gradient(self, v):
        drjit, names = self.drjit, ("mesh.vertex_positions", "mesh.vertex_color")
        for name, value in zip(names, (np.float32(v.ravel()), self.vc)):
            self.values[name] = value
            drjit.enable_grad(self.values[name])
        self.values.update()
        image = self.mitsuba.render(self.scene, self.values, spp=1)
        drjit.backward(drjit.sum(drjit.square(image - self.target)))
        return [np.array(drjit.grad(self.values[name])).reshape(-1, 3) for name in names]


class PyTorch3D(Renderer):
    """PyTorch3D (float32): the nearest face of each pixel."""

    name, modules, tolerance, slow = "PyTorch3D", ("torch", "pytorch3d"), 0.001, True
    sigma, faces_per_pixel = 0.0, 1

    def __init__(self, scene, target):
        import torch
        from pytorch3d.ops import interpolate_face_attributes
        from pytorch3d.renderer import MeshRasterizer, PerspectiveCameras, RasterizationSettings
        from pytorch3d.structures import Meshes

        self.torch, self.meshes, self.interpolate = torch, Meshes, interpolate_face_attributes
        torch.set_num_threads(get_num_threads())
        size = scene.height, scene.width
        camera = PerspectiveCameras(focal_length=((scene.focal, scene.focal),), in_ndc=False, image_size=(size,),
                                    principal_point=((scene.width / 2, scene.height / 2),))
        settings = RasterizationSettings(image_size=size, blur_radius=float(np.log(1 / 1e-4 - 1)) * self.sigma,
                                         faces_per_pixel=self.faces_per_pixel, cull_backfaces=False)
        self.rasterizer = MeshRasterizer(cameras=camera, raster_settings=settings)
        self.planes = scene.near, scene.far
        self.f, self.target = torch.tensor(scene.f, dtype=torch.int64), torch.tensor(target, dtype=torch.float32)
        self.vc = torch.tensor(scene.vc, dtype=torch.float32)

    def _draw(self, v, vc):
        axes = self.torch.tensor([-1.0, -1.0, 1.0])  # x is left and y is up there
        fragments = self.rasterizer(self.meshes([v * axes], [self.f]))
        return self._mixed(fragments, self.interpolate(fragments.pix_to_face, fragments.bary_coords, vc[self.f]))[0]

    def _mixed(self, fragments, colours):
        """The picture of the colours (1, h, w, K, 3) of the faces at each pixel."""
        return colours[:, :, :, 0]

    def image(self, v):
        with self.torch.no_grad():
            return self._draw(self.torch.tensor(v, dtype=self.torch.float32), self.vc).numpy()

    def gradient(self, v):
        v = self.torch.tensor(v, dtype=self.torch.float32, requires_grad=True)
        vc = self.vc.clone().requires_grad_()
        ((self._draw(v, vc) - self.target) ** 2).sum().backward()
        return [leaf.grad.numpy() for leaf in (v, vc) if leaf.grad is not None]


class PyTorch3DSoftColours(PyTorch3D):
    """Its softmax blend of the hundred nearest faces."""

    sigma, faces_per_pixel = SIGMA, 100

    def _mixed(self, fragments, colours):
        from pytorch3d.renderer.blending import BlendParams, softmax_rgb_blend

        blend = BlendParams(sigma=self.sigma, gamma=GAMMA, background_color=(0.0, 0.0, 0.0))
        return softmax_rgb_blend(colours, fragments, blend, *self.planes)[..., :3]


class PyTorch3DSoftSilhouettes(PyTorch3D):
    """Its soft silhouettes of the hundred nearest faces."""

    sigma, faces_per_pixel, channels, tolerance = SIGMA, 100, (), 0.01  # the nearest hundred are not all

    def _mixed(self, fragments, colours):
        from pytorch3d.renderer.blending import BlendParams, sigmoid_alpha_blend

        return sigmoid_alpha_blend(colours, fragments, BlendParams(sigma=self.sigma))[..., 3]


MODELS = {"derivative='opendr'": OpenDRLite, "derivative='exact'": Exact, "derivative='neural'": Neural,
          "SoftRenderer": Soft}
PEERS = {peer.name: peer for peer in (Deodr, Mitsuba, PyTorch3D)}
