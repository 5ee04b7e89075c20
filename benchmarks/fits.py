"""Gauss-Newton: steps for pose and light, or for every vertex, and the whole fit of the `optimization` demo.

A step is an iteration of `ch.minimize` that lowers the sum of squares; the trials that do not are in its time.
"""
from functools import partial

import numpy as np

from opendr_lite import (
    ColoredRenderer,
    ProjectPoints,
    Rodrigues,
    SphericalHarmonics,
    TexturedRenderer,
    VertNormals,
    ch,
    gaussian_pyramid,
)
from opendr_lite.losses import laplacian_residuals

from .row import BOTH, OURS, Row
from .scenes import ball, globe
from .timing import Job

__all__ = ["pose_and_light", "rows"]

OPENDR = "OpenDR 0.77, recorded"
STEPS = 8      # of pose and light
SHAPE_STEPS = 3
SHAPES = ((1280, 640, 480), (5120, 640, 480), (20480, 640, 480), (327680, 1024, 1024))  # the last for its memory
STIFFNESS = 3.0  # of the Laplacian regularizer, beside colours between 0 and 1 and vertices about 1 from their middle
TRUTH = np.array([0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 3.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def rows():
    step = "Gauss-Newton step, 15 unknowns"
    yield Row("Fits", f"{step}, pyramid", "globe, 320x240", {OURS: partial(pose_steps, 320, 240, True)},
              recorded={OPENDR: 1200.0}, quick=True, memory=True)
    yield Row("Fits", f"{step}, pixels", "globe, 320x240", {OURS: partial(pose_steps, 320, 240, False)}, quick=True)
    yield Row("Fits", f"{step}, pyramid", "globe, 640x480", {OURS: partial(pose_steps, 640, 480, True)})
    yield Row("Fits", f"{step}, pixels", "globe, 640x480", {OURS: partial(pose_steps, 640, 480, False)}, memory=True)
    yield Row("Fits", "optimization demo, both fits", "globe, 320x240", {OURS: demo}, recorded={OPENDR: 45_000.0},
              memory=True)
    for faces, width, height in SHAPES:
        yield Row("Fits", "Gauss-Newton step, every vertex", f"{faces // 2 + 2:,} vertices, {width}x{height}",
                  {OURS: partial(shape_steps, faces, width, height)}, threads=() if faces > 20480 else BOTH,
                  quick=faces == 1280, memory=faces >= 20480)


def pose_and_light(width, height):
    """The globe of the demo: (image, its 15 unknowns, the picture at their true values)."""
    mesh = globe()
    unknowns = ch.array(TRUTH)
    translation, rotation, components = unknowns[:3], unknowns[3:6], unknowns[6:]
    light = SphericalHarmonics(vn=VertNormals(v=mesh.v, f=mesh.f), components=components)
    camera = ProjectPoints(v=translation + ch.dot(mesh.v, Rodrigues(rotation)), rt=np.zeros(3), t=np.zeros(3),
                           f=2 * [float(width)], c=[width / 2, height / 2])
    image = TexturedRenderer(vc=light, camera=camera, f=mesh.f, bgcolor=0.0, texture_image=mesh.texture_image,
                             vt=mesh.vt, ft=mesh.ft,
                             frustum={"near": 1.0, "far": 20.0, "width": width, "height": height})
    return image, unknowns, image.r


def start():
    """The start of the demo: up to 1 off in translation, 0.2 in rotation, and without direction of the light."""
    random = np.random.RandomState(1)
    return TRUTH + np.concatenate([random.rand(3), 0.2 * random.rand(3), [0.0, -2.0], np.zeros(7)])


def pose_steps(width, height, on_pyramid):
    image, unknowns, observed = pose_and_light(width, height)
    residual = image - observed
    if on_pyramid:
        residual = pyramid(residual)

    def back(repetition):
        unknowns[:] = start()

    def run(repetition):
        return ch.minimize(residual, x0=unknowns, options={"maxiter": STEPS}).nit

    return Job(run, back)


def demo():
    """Both fits, to convergence; an error unless they find the pose."""
    image, unknowns, observed = pose_and_light(320, 240)
    residual = image - observed
    energies = pyramid(residual), residual

    def back(repetition):
        unknowns[:] = start()

    def run(repetition):
        for energy in energies:
            ch.minimize(energy, x0=unknowns, options={"e_3": 1e-4})
        off = np.abs(unknowns.r - TRUTH)[:6].max()
        if off > 0.003:
            raise RuntimeError(f"the pose found is off by {off:.3g}")

    return Job(run, back)


def pyramid(residual):
    return gaussian_pyramid(residual, n_levels=6, normalization="size")


def shape_steps(faces, width, height):
    """Every vertex of a ball, from one that is a little smaller; a Laplacian keeps it smooth."""
    scene = ball(faces, width, height)
    v = ch.array(scene.v)
    camera = ProjectPoints(v=v, rt=np.zeros(3), t=np.zeros(3), f=2 * [scene.focal],
                           c=[(width - 1) / 2, (height - 1) / 2])
    image = ColoredRenderer(camera=camera, f=scene.f, vc=scene.vc, bgcolor=np.zeros(3),
                            frustum={"near": scene.near, "far": scene.far, "width": width, "height": height})
    observed = image.r
    middle = scene.v.mean(axis=0)
    smaller = middle + 0.97 * (scene.v - middle)
    energies = {"image": image - observed, "bending": STIFFNESS * laplacian_residuals(v - smaller, scene.f)}

    def back(repetition):
        v[:] = smaller

    def run(repetition):
        return ch.minimize(energies, x0=v, options={"maxiter": SHAPE_STEPS}).nit

    return Job(run, back)
