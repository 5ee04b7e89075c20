"""Two images of a knot, sampled at centres and area-sampled, and their derivatives along a path of two pixels."""
import numpy as np
from common import FRUSTUM, camera, knot, output_folder
from matplotlib.figure import Figure

from opendr_lite.plotting import save
from opendr_lite.renderer import ColoredRenderer
from opendr_lite.serialization import save_image

STEPS = 200
PIXELS = 10  # that the knot moves across the image if it moves by 1
SIZE = {**FRUSTUM, "width": 80, "height": 60}
ACROSS, DOWN = slice(20, 60), slice(12, 42)  # what is shown enlarged

folder = output_folder("exact", __doc__)
mesh = knot()
kinds = {"opendr": "sampled at centres", "exact": "area-sampled"}
images = {}
for kind in kinds:
    view = camera(mesh.v, rt=(0.3, 0.2, 0))
    view.f, view.c = [80, 80], [39.5, 29.5]
    images[kind] = ColoredRenderer(camera=view, f=mesh.f, vc=0.5 + mesh.v / 6, bgcolor=1.0, overdraw=False, frustum=SIZE,
                                   derivative=kind)

# along a path to the right: the energy, and its slope by the derivative
path = np.linspace(0, 0.2, STEPS + 1)
energy, slope, unexplained = {}, {}, {}
for kind, image in images.items():
    across = image.camera.t[:1]
    across[:] = 0.35
    difference = image - image.r
    energy[kind], slope[kind] = np.empty((2, len(path)))
    for at, place in enumerate(path):
        across[:] = place
        energy[kind][at] = np.sum(difference.r ** 2)
        slope[kind][at] = difference.vjp(across, 2 * difference.r)[0]
    across[:] = 0
    steps = np.diff(energy[kind])
    predicted = 0.5 * (slope[kind][1:] + slope[kind][:-1]) * np.diff(path)
    unexplained[kind] = np.abs(steps - predicted).sum() / np.abs(steps).sum()

figure = Figure(figsize=(11, 5.4), layout="constrained")
axes = figure.subplots(2, 3)
for row, (kind, image) in zip(axes, images.items()):
    row[0].imshow(np.clip(image.r, 0, 1)[DOWN, ACROSS])
    row[0].set_title(f"derivative='{kind}': {kinds[kind]}")
    column = image.derivative_image(image.camera.t, 0).mean(axis=2)[DOWN, ACROSS]
    reach = np.abs(column).max()
    row[1].imshow(column, cmap="RdBu_r", vmin=-reach, vmax=reach)
    row[1].set_title("its derivative as the knot moves right")
    for panel in row[:2]:
        panel.set_axis_off()
    row[2].plot(PIXELS * path, energy[kind], color="black", label="sum of squares")
    for at in range(0, STEPS + 1, STEPS // 8):
        ends = path[at] + np.array([-0.01, 0.01])
        row[2].plot(PIXELS * ends, energy[kind][at] + slope[kind][at] * (ends - path[at]), color="tab:red", linewidth=2,
                    label="slope by the derivative" if at == 0 else None)
    row[2].set_xlabel("pixels to the right")
    row[2].legend()
save(figure, folder / "figure.png")
save_image(folder / "image.png", np.kron(images["exact"].r, np.ones((4, 4, 1))))
print("Of what the energy changes along the path its derivative does not explain "
      f"{unexplained['opendr']:.0%} (opendr), {unexplained['exact']:.3%} (exact)")
