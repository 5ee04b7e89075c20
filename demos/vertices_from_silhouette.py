"""A sphere that is pulled into a silhouette, vertex by vertex, by the rule of the Neural 3D Mesh Renderer.

As in its authors' second example: one picture, the sum of squares of silhouettes as the objective, steps of Adam, and
nothing that holds the mesh together.

    python demos/vertices_from_silhouette.py
    python demos/vertices_from_silhouette.py --size 64 --steps 40
"""
import argparse
from pathlib import Path

import numpy as np
from common import HERE
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.geometry import VertNormals
from opendr_lite.plotting import save
from opendr_lite.primitives import cone, icosphere
from opendr_lite.renderer import ColoredRenderer, SilhouetteRenderer
from opendr_lite.serialization import save_image
from opendr_lite.viewpoints import look_at

EYE, ASIDE = [0.0, 0.8, 4.2], [3.0, 1.5, 2.6]
SHOWN = np.array([0, 0.03, 0.06, 0.1, 0.15, 1])  # states in the figure, of all


def star():
    """Five cones around the origin, as vertices and faces."""
    spike = cone(radius=0.42, height=1.1)
    v, f = [], []
    for number, angle in enumerate(np.pi / 2 + 2 * np.pi * np.arange(5) / 5):
        up, side = np.array([np.cos(angle), np.sin(angle), 0]), np.array([np.sin(angle), -np.cos(angle), 0])
        upright = spike.v + [0, 0.45, 0]
        v.append(upright[:, :1] * side + upright[:, 1:2] * up + upright[:, 2:] * [0, 0, 1])
        f.append(spike.f + number * len(spike.v))
    return np.concatenate(v), np.concatenate(f)


def render(kind, v, f, eye, size, **terms):
    """Supersampled, and with the neural rule."""
    view = look_at(eye)
    camera = ProjectPoints(v=v, rt=view.rt, t=view.t, f=[1.7 * size] * 2, c=[(size - 1) / 2] * 2)
    return kind(camera=camera, f=f, derivative="neural", anti_aliasing=True,
                frustum={"near": 0.1, "far": 100.0, "width": size, "height": size}, **terms)


def overlap(one, other):
    """Intersection over union."""
    return np.minimum(one, other).sum() / np.maximum(one, other).sum()


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--size", type=int, default=256, help="of the pictures, in pixels")
parser.add_argument("--steps", type=int, default=300, help="of Adam")
parser.add_argument("--output", type=Path, default=HERE / "output" / "vertices_from_silhouette",
                    help="for the pictures")
options = parser.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

target = render(SilhouetteRenderer, *star(), EYE, options.size).r
sphere = icosphere(3, radius=0.75)
v = ch.array(sphere.v)
image = render(SilhouetteRenderer, v, sphere.f, EYE, options.size)
aside = render(ColoredRenderer, v, sphere.f, ASIDE, options.size, bgcolor=0.0,
               vc=0.5 + 0.5 * VertNormals(v=v, f=sphere.f))
before = overlap(image.r, target)
states = []
result = ch.minimize(image - target, x0=[v], method="adam", options={"step": 0.01, "maxiter": options.steps},
                     callback=lambda: states.append(image.r))

figure = Figure(figsize=(2.0 * (len(SHOWN) + 1), 4.8), layout="constrained")
upper, lower = figure.subfigures(2, 1, height_ratios=(1.2, 1))
panels = upper.subplots(1, len(SHOWN) + 1)
for panel, at in zip(panels, (SHOWN * (len(states) - 1)).astype(int)):
    panel.imshow(np.stack([target, states[at], states[at]], axis=2))
    panel.set_title(f"step {at}")
panels[-1].imshow(np.clip(aside.r, 0, 1))
panels[-1].set_title("from aside")
for panel in panels:
    panel.set_axis_off()
panel = lower.subplots()
panel.semilogy(result.history["fun"])
panel.set_xlabel("step")
panel.set_ylabel("sum of squares")
save(figure, options.output / "figure.png")
save_image(options.output / "image.png", image.r)
print(f"Intersection over union: {before:.3f} at the start, {overlap(image.r, target):.3f} after {options.steps} steps")
