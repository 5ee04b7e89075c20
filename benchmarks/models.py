"""Exact, neural and soft images with the gradient of a sum of squares over them; soft ones by sigma; many views."""
from functools import partial

import numpy as np

from opendr_lite import ProjectPoints, SilhouetteRenderer, ch
from opendr_lite.renderer import SoftSilhouetteRenderer
from opendr_lite.views import Views

from .images import Drawing
from .peers import (
    SIGMA,
    Exact,
    Neural,
    OpenDRLite,
    PyTorch3D,
    PyTorch3DSoftColours,
    PyTorch3DSoftSilhouettes,
    SoftColours,
    SoftSilhouettes,
)
from .row import ONE, OURS, Row
from .scenes import DISTANCE, ball, described
from .timing import Job

__all__ = ["rows"]

WHAT = (5856, 256, 256)
IMAGES = {"opendr": (OpenDRLite, {}), "exact": (Exact, {}), "neural": (Neural, {}),
          "soft": (SoftColours, {PyTorch3D.name: PyTorch3DSoftColours}),
          "soft silhouette": (SoftSilhouettes, {PyTorch3D.name: PyTorch3DSoftSilhouettes})}
SIGMAS = (1e-5, 1e-4, 1e-3, 1e-2)
VIEWS = {"exact": partial(SilhouetteRenderer, derivative="exact"),
         "neural": partial(SilhouetteRenderer, derivative="neural"),
         "soft": partial(SoftSilhouetteRenderer, sigma=SIGMA)}
VIEW_COUNT, VIEW_FACES, VIEW_SIZE = 120, 1280, 64


def rows():
    for name, (ours, peers) in IMAGES.items():
        yield Row("Models", f"{name}, forward + gradient", described(*WHAT),
                  {who: Drawing(renderer, "gradient", WHAT) for who, renderer in {OURS: ours, **peers}.items()},
                  quick=True)
    for name in ("soft", "soft silhouette"):
        for sigma in SIGMAS:
            yield Row("Blur", f"{name}, forward + gradient", f"{described(*WHAT)}, σ {sigma:g}",
                      {OURS: Drawing(IMAGES[name][0], "gradient", WHAT, (("sigma", sigma),))}, threads=(ONE,))
    for name in VIEWS:
        yield Row("Views", f"{name} silhouettes, forward + gradient",
                  f"{VIEW_FACES:,} faces, {VIEW_COUNT} x {VIEW_SIZE}x{VIEW_SIZE}", {OURS: partial(of_views, name)},
                  quick=name == "exact")


def of_views(name):
    """A ball from all around."""
    scene = ball(VIEW_FACES, VIEW_SIZE, VIEW_SIZE)
    middle = [0.0, 0.0, DISTANCE]
    v = ch.array(scene.v - middle)
    camera = ProjectPoints(v=v, f=2 * [scene.focal], c=2 * [(VIEW_SIZE - 1) / 2])
    image = VIEWS[name](camera=camera, f=scene.f, frustum={"near": scene.near, "far": scene.far, "width": VIEW_SIZE,
                                                           "height": VIEW_SIZE})
    turns = 2 * np.pi * np.arange(VIEW_COUNT) / VIEW_COUNT
    views = Views(image, cameras=[([0.0, turn, 0.0], middle) for turn in turns],
                  images=np.random.default_rng(0).random((VIEW_COUNT, VIEW_SIZE, VIEW_SIZE)))

    def run(repetition):
        v[:] = scene.moved(repetition) - middle
        views.vjp(v, 2.0 * views.r)

    return Job(run)
