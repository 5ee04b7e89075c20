"""A pixel should get brighter, or darker: what OpenDR and the Neural 3D Mesh Renderer say a triangle is to do about it.

The triangles are those that the authors of the Neural Renderer publish gradients for, and so is the first pixel of
each; the second one is at an edge. An arrow is minus the gradient of |pixel - wanted| with respect to a corner.
"""
import numpy as np
from common import output_folder
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.plotting import save
from opendr_lite.renderer import SilhouetteRenderer
from opendr_lite.serialization import save_image

SIZE = 64
FRUSTUM = {"near": 0.1, "far": 10.0, "width": SIZE, "height": SIZE}
BRIGHTER, DARKER = [(0.8, 0.8), (0.0, -0.5), (0.2, -0.4)], [(0.8, 0.8), (-0.5, -0.8), (0.8, -0.8)]
CASES = {"far outside, brighter": (BRIGHTER, 25, 35, 1.0), "at the edge, brighter": (BRIGHTER, 34, 39, 1.0),
         "far inside, darker": (DARKER, 40, 50, 0.0), "at the edge, darker": (DARKER, 40, 30, 0.0)}
PUBLISHED = {"far outside, brighter": [(1.6726, -0.2602), (1.4199, -1.6428), (0.0, 0.0)],
             "far inside, darker": [(0.9865, 1.0463), (-1.0342, -0.1040), (3.0009, -1.5517)]}


def triangle(corners, kind):
    """A triangle by its place in a picture that spans -1 to 1, y up."""
    x, y = np.transpose(corners)
    points = ch.array(np.column_stack([x, -y, np.ones(3)]))
    view = ProjectPoints(v=points, f=[SIZE / 2] * 2, c=[(SIZE - 1) / 2] * 2)
    return SilhouetteRenderer(camera=view, f=[[0, 1, 2]], frustum=FRUSTUM, derivative=kind, overdraw=False)


def gradient(rn, row, column, wanted):
    """Of |pixel - wanted| with respect to x and y (up) of the corners."""
    loss = ch.abs(rn[row, column] - wanted)
    return loss.vjp(rn.v, 1.0).reshape(3, 3)[:, :2] * [1, -1]


def show(panel, rn, row, column, wanted, of_corners):
    panel.imshow(0.25 + 0.5 * rn.r, cmap="gray", vmin=0, vmax=1)
    panel.plot(column, row, "s", color="gold" if wanted else "firebrick", markersize=5)
    corners = rn.camera.r
    panel.plot(*corners[[0, 1, 2, 0]].T, color="white", linewidth=0.8)
    longest = np.linalg.norm(of_corners, axis=1).max()
    if longest > 0:
        steps = -9 * of_corners * [1, -1] / longest
        panel.quiver(*corners.T, *steps.T, angles="xy", scale_units="xy", scale=1, color="tab:cyan", width=0.012,
                     zorder=3)
    panel.set_title(f"longest: {longest:.2g}" if longest else "no gradient", fontsize="medium")
    panel.set_xticks([])
    panel.set_yticks([])
    panel.set_xlim(-0.5, SIZE - 0.5)
    panel.set_ylim(SIZE - 0.5, -0.5)


folder = output_folder("opendr_versus_neural", __doc__)
kinds = {"opendr": "OpenDR", "neural": "Neural 3D Mesh Renderer"}
figure = Figure(figsize=(10.4, 6.0), layout="constrained")
axes = figure.subplots(2, 4)
moves, errors = dict.fromkeys(kinds, 0), []
for line, (kind, name) in zip(axes, kinds.items()):
    line[0].set_ylabel(name, fontsize="large")
    for panel, (case, (corners, row, column, wanted)) in zip(line, CASES.items()):
        rn = triangle(corners, kind)
        assert rn.r[row, column] != wanted
        of_corners = gradient(rn, row, column, wanted)
        show(panel, rn, row, column, wanted, of_corners)
        moves[kind] += of_corners.any()
        if kind == "neural" and case in PUBLISHED:
            errors.append(np.abs(of_corners - PUBLISHED[case]).max())
        if kind == "opendr":
            panel.set_title(f"{case}\n{panel.get_title()}", fontsize="medium")
save(figure, folder / "figure.png")
save_image(folder / "image.png", np.kron(triangle(DARKER, "neural").r, np.ones((6, 6))))
print(f"OpenDR moves the triangle for {moves['opendr']} of {len(CASES)} pixels, the Neural Renderer for "
      f"{moves['neural']}; its gradients are those published to {max(errors):.1g}")
