"""A pixel jumps when a triangle moves across it, and when one goes behind another: what four derivatives say of that."""
import numpy as np
from common import output_folder
from matplotlib.figure import Figure
from scipy.integrate import trapezoid

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.plotting import save
from opendr_lite.renderer import ColoredRenderer, SilhouetteRenderer, SoftRenderer, SoftSilhouetteRenderer
from opendr_lite.serialization import save_image

SIZE, STEPS = 32, 240
PIXEL = 16, 16  # row and column of the one that is watched
LENS = {"f": [SIZE, SIZE], "c": [(SIZE - 1) / 2] * 2}
FRUSTUM = {"near": 1.0, "far": 5.0, "width": SIZE, "height": SIZE}
KINDS = {"opendr": {"overdraw": False}, "exact": {"derivative": "exact"}, "neural": {"derivative": "neural"},
         "soft": {"sigma_pixels": 1.5}}
STEEPEST = 40  # of the slopes that are drawn
WAYS = {"right": [1.0, 0.0, 0.0], "nearer": [0.0, 0.0, -1.0]}
PATHS = {"right": np.linspace(-0.5, 0.7, STEPS + 1), "nearer": np.linspace(-0.6, 0.6, STEPS + 1)}

# a triangle to the left of the pixel; one in front of it, and behind that another, which is turned a little
ALONE = [[-2.0, -0.6, 3], [-2.0, 0.9, 3], [0.05, 0.2, 3]]
FRONT = [[-1.2, -1.0, 3], [1.0, -1.0, 3], [0.1, 1.1, 3]]
TURNED = [[-0.9, 0.9, 2.7], [1.1, 0.7, 3.2], [-0.1, -1.0, 3.05]]
BLUE, ORANGE = [0.2, 0.5, 1.0], [1.0, 0.6, 0.1]


def scene(way, kind):
    """(the image, how far its last triangle is on its way, a node): a silhouette, or colours if triangles meet."""
    still = [] if way == "right" else [FRONT]
    shift = ch.zeros(1)
    v = ch.vstack([*still, np.array(TURNED if still else ALONE) + shift * np.tile(WAYS[way], (3, 1))])
    scene = {"camera": ProjectPoints(v=v, **LENS), "f": np.arange(len(v)).reshape(-1, 3), "frustum": FRUSTUM,
             **KINDS[kind]}
    if not still:
        return (SoftSilhouetteRenderer if kind == "soft" else SilhouetteRenderer)(**scene), shift
    scene.update(vc=np.repeat([ORANGE, BLUE], 3, axis=0), bgcolor=0.0)
    return SoftRenderer(gamma=3e-2, **scene) if kind == "soft" else ColoredRenderer(**scene), shift


def along_path(way, kind):
    """The pixel (of colours its blue) along the path; its slopes, as seen by a loss that wants it brighter, and darker."""
    image, shift = scene(way, kind)
    pixel = image[(*PIXEL, 2)[:image.ndim]]
    value, brighter, darker = np.empty((3, STEPS + 1))
    for step, place in enumerate(PATHS[way]):
        shift[:] = place
        value[step] = pixel.r
        brighter[step], darker[step] = (sign * pixel.vjp(shift, sign)[0] for sign in (-1.0, 1.0))
    return value, brighter, darker


folder = output_folder("z_and_xy_discontinuities", __doc__)
figure = Figure(figsize=(13, 6), layout="constrained")
figure.suptitle("black: the pixel, red: its derivative (dotted: where it is to darken)")
pictures = []
for line, (way, path) in zip(figure.subplots(2, len(KINDS)), PATHS.items()):
    for panel, kind in zip(line, KINDS):
        value, brighter, darker = along_path(way, kind)
        panel.plot(path, value, color="black")
        panel.set(title=kind, xlabel=f"a triangle moves {way}", ylim=(-0.1, 1.1))
        slopes = panel.twinx()
        slopes.plot(path, brighter, color="tab:red")
        slopes.plot(path, darker, color="tab:red", linestyle=":")
        slopes.tick_params(axis="y", colors="tab:red")
        slopes.set_ylim(*np.clip(slopes.get_ylim(), -STEEPEST, STEEPEST))
        print(f"{kind}, {way}: the pixel changes by {value[-1] - value[0]:.2f}, "
              f"by its derivative {trapezoid(brighter, path):.2f}")
        image, shift = scene(way, kind)
        shift[:] = path[int(0.6 * STEPS)]
        pictures.append(np.broadcast_to(np.atleast_3d(image.r), (SIZE, SIZE, 3)))
save(figure, folder / "figure.png")
rows = [np.concatenate(pictures[start:start + len(KINDS)], axis=1) for start in (0, len(KINDS))]
save_image(folder / "image.png", np.kron(np.concatenate(rows), np.ones((6, 6, 1))))
