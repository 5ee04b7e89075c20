"""A camera that flies to where a silhouette was seen from, by the rule of the Neural 3D Mesh Renderer.

As in its authors' fourth example: the eye is what is unknown, the camera keeps looking at the mesh, and steps of Adam
go by the sum of squares of silhouettes, from an eye that is far away on another side, until the sum is less than 70.

    python demos/camera_from_silhouette.py
    python demos/camera_from_silhouette.py --size 64 --until 10
"""
import argparse
from pathlib import Path

import numpy as np
from common import HERE, knot
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.plotting import save
from opendr_lite.renderer import SilhouetteRenderer
from opendr_lite.serialization import save_image
from opendr_lite.viewpoints import eye_from_angles, look_at

START, GOAL = [6.0, 10.0, 14.0], eye_from_angles(2.732, 30.0, -15.0).r
SHOWN = 6  # states in the figure
HALF_VIEW = np.deg2rad(30.0)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--size", type=int, default=256, help="of the pictures, in pixels")
parser.add_argument("--steps", type=int, default=1000, help="of Adam, at most")
parser.add_argument("--until", type=float, default=70.0, help="sum of squares at which to end")
parser.add_argument("--output", type=Path, default=HERE / "output" / "camera_from_silhouette", help="for the pictures")
options = parser.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

mesh, size = knot(along=120, around=16), options.size
mesh.v *= 0.4


def seen_from(eye):
    view = look_at(eye)
    f = 0.5 * size / np.tan(HALF_VIEW)
    camera = ProjectPoints(v=mesh.v, rt=view.rt, t=view.t, f=[f, f], c=[(size - 1) / 2] * 2)
    return SilhouetteRenderer(camera=camera, f=mesh.f, derivative="neural", anti_aliasing=True,
                              frustum={"near": 0.1, "far": 100.0, "width": size, "height": size})


target, eye = seen_from(GOAL).r, ch.array(START)
image = seen_from(eye)
path, states = [], []


def look_whether_there(state):
    path.append(eye.r)
    states.append(image.r)
    if state.fun < options.until:
        raise StopIteration


result = ch.minimize(image - target, x0=[eye], method="adam", options={"step": 0.1, "maxiter": options.steps},
                     callback=look_whether_there)
away = np.linalg.norm(np.array(path) - GOAL, axis=1)

figure = Figure(figsize=(2.0 * (SHOWN + 1), 4.8), layout="constrained")
upper, lower = figure.subfigures(2, 1, height_ratios=(1.2, 1))
panels = upper.subplots(1, SHOWN + 1)
for panel, at in zip(panels, np.linspace(0, len(states) - 1, SHOWN).astype(int)):
    panel.imshow(np.stack([target, states[at], states[at]], axis=2))
    panel.set_title(f"step {at}")
panels[-1].imshow(target, cmap="gray")
panels[-1].set_title("target")
for panel in panels:
    panel.set_axis_off()
left, right = lower.subplots(1, 2)
left.semilogy(result.history["fun"])
left.set_ylabel("sum of squares")
right.semilogy(away)
right.set_ylabel("distance of the eye")
for panel in (left, right):
    panel.set_xlabel("step")
save(figure, options.output / "figure.png")
save_image(options.output / "image.png", image.r)
print(f"The eye was {away[0]:.2f} away; after {len(path) - 1} steps it is {away[-1]:.3f} away, and the sum of squares "
      f"{result.fun:.1f}")
