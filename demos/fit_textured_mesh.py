"""Find shape and colours of an animal together, from pictures of it from all sides, starting from a grey ball.

The sum of the squares of all differences of pixels, and of what keeps the mesh smooth, is made small in two ways: by
Gauss-Newton steps on all views, in small pictures first, whose pixels are as wide as the ball is off; and by Adam on a
few views at a time, of vertices that move together with their neighbours. One view is kept back, and looked at in the
end.

    python demos/fit_textured_mesh.py
    python demos/fit_textured_mesh.py --size 128 --views 30
"""
import argparse
import time
from pathlib import Path

import numpy as np
from common import HERE
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.geometry import LargeSteps, VertNormals
from opendr_lite.losses import chamfer_distance, edge_residuals, laplacian_residuals, normal_consistency_residuals
from opendr_lite.ops import subdivide
from opendr_lite.plotting import save
from opendr_lite.primitives import icosphere
from opendr_lite.renderer import ColoredRenderer
from opendr_lite.serialization import Mesh, save_image, save_mesh
from opendr_lite.viewpoints import eye_from_angles, look_at
from opendr_lite.views import Views, seen_by

RADIUS = 0.6  # of the ball
STAGES = [(4, 10.0), (2, 10.0), (1, 3.0)]  # by how much pictures are shrunk, and how smooth the mesh has to be
CONVERGED = {"maxiter": 12, "e_3": 0.01}
BUMPS = {  # direction, height, sharpness
    "head": ((0.8, 0.65, 0.1), 0.75, 9), "muzzle": ((1, 0.42, 0.25), 0.35, 30), "tail": ((-1, 0.35, -0.1), 0.5, 40),
    **{f"leg {k}": ((x, -0.85, z), 0.7, 25) for k, (x, z) in enumerate(
        [(0.55, 0.35), (0.55, -0.35), (-0.55, 0.35), (-0.55, -0.35)])}}


def animal(level):
    """(v, f, vc) of a body with a head, legs and a tail, brown and white, with dark hooves."""
    ball = icosphere(level)
    radius = 1 / np.linalg.norm(ball.v / [0.9, 0.55, 0.5], axis=1)
    for direction, height, sharpness in BUMPS.values():
        radius += height * np.exp(sharpness * (ball.v @ direction / np.linalg.norm(direction) - 1))
    v = 0.8 * radius[:, None] * ball.v
    brown = 0.5 + 0.5 * np.tanh(4 * np.sin(5 * v + [0, 1, 2]).sum(axis=1))
    vc = brown[:, None] * [0.55, 0.3, 0.15] + (1 - brown)[:, None] * [0.95, 0.9, 0.8]
    hoof = 0.5 + 0.5 * np.tanh(20 * (-0.68 - v[:, 1]))
    return v, ball.f, vc * (1 - 0.8 * hoof[:, None])


def viewpoints(count):
    """Cameras around the origin, along a spiral from pole to pole."""
    elevation = np.degrees(np.arcsin(np.linspace(-0.9, 0.9, count)))
    return [look_at(eye_from_angles(4.5, *angles)) for angles in zip(elevation, 137.5 * np.arange(count))]


def picture(v, f, vc, size):
    """A renderer whose camera has no place yet."""
    camera = ProjectPoints(v=v, f=[1.7 * size] * 2, c=[(size - 1) / 2] * 2)
    return ColoredRenderer(camera=camera, f=f, vc=vc, bgcolor=1.0, derivative="exact",
                           frustum={"near": 1, "far": 20, "width": size, "height": size})


class Fit:
    """A mesh whose vertices and colours are to be found, by any method.

    Attributes
    ----------
    v, vc : Ch
    scene : ColoredRenderer
    views : Views
    """

    def __init__(self, v, f, vc, images, cameras):
        self.v, self.f, self.vc = v, f, ch.array(vc)
        self.scene = picture(v, f, self.vc, images.shape[1])
        self.views = Views(self.scene, images, cameras)

    def objective(self, smooth):
        """The views, and regularizers: of a mesh the Laplacian, the angles between faces, and the lengths of edges; of
        colours the Laplacian."""
        return {"views": self.views,
                "smooth": np.sqrt(smooth) * laplacian_residuals(self.v, self.f),
                "bends": np.sqrt(smooth) * normal_consistency_residuals(self.v, self.f),
                "edges": np.sqrt(20 * smooth) * edge_residuals(self.v, self.f),
                "colours": np.sqrt(0.03) * laplacian_residuals(self.vc, self.f)}


class Log:
    """How far a fit has come, and when.

    Attributes
    ----------
    seconds, error : list of float
        Since the start; the root mean square of what pixels are off by.
    """

    def __init__(self):
        self.seconds, self.error = [], []
        self._start = time.perf_counter()

    def of(self, views):
        """A callback for `ch.minimize`."""
        def note():
            share = 1.0 if views.chosen is None else len(views.chosen) / len(views)
            self.seconds.append(time.perf_counter() - self._start)
            self.error.append(np.sqrt(np.mean(views.r ** 2) / share))

        return note


def by_gauss_newton(level, images, cameras):
    """A fit to all views at once, of a coarser ball until the pictures have their full size; and its log."""
    mesh, log = icosphere(level - 1, RADIUS), Log()
    mesh.vc = np.full(mesh.v.shape, 0.5)
    for by, smooth in STAGES:
        mesh = subdivide(mesh) if by == 1 else mesh
        fit = Fit(ch.array(mesh.v), mesh.f, mesh.vc, shrunk(images, by), cameras)
        ch.minimize(fit.objective(smooth), x0=[fit.v, fit.vc], callback=log.of(fit.views), options=CONVERGED)
        mesh = Mesh(v=fit.v.r, f=fit.f, vc=fit.vc.r)
    return fit, log


def by_adam(level, images, cameras, steps):
    """A fit to a few views at a time, and its log."""
    ball, log = icosphere(level, RADIUS), Log()
    shape = LargeSteps.starting_at(ball.v, ball.f)
    fit = Fit(shape, ball.f, np.full(ball.v.shape, 0.5), images, cameras)
    ch.minimize(fit.objective(STAGES[-1][1]), x0=[shape.u, fit.vc], method="adam", callback=log.of(fit.views),
                options={"uniform": True, "step": [0.6, 0.03], "schedule": "cosine", "maxiter": steps,
                         "batch_size": min(5, len(images))})
    return fit, log


def shrunk(images, by):
    """Images whose pixels are means of by * by pixels."""
    count, height, width, channels = images.shape
    return images.reshape(count, height // by, by, width // by, by, channels).mean(axis=(2, 4))


def shaded(v, f, camera, size):
    """A picture of the shape alone: a grey mesh, the lighter the more it faces a light above the camera."""
    seen = seen_by(picture(v, f, v, size), camera)
    light = np.array([-0.3, -0.6, -0.74]) @ seen.camera.view_mtx[:, :3]
    seen.vc = 0.2 + 0.7 * np.maximum(VertNormals(v=v, f=f).r @ light, 0.0)[:, None]
    return seen.r


def figure_of(rows, logs):
    """Rows of pictures, name -> image, and the errors over time."""
    figure = Figure(figsize=(11, 2.2 * len(rows) + 3), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[2.2 * len(rows), 3])
    grid = above.subplots(len(rows), len(rows[0]), squeeze=False)
    for axes, row in zip(grid, rows):
        for panel, image in zip(axes, row.values()):
            panel.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1)
            panel.set_axis_off()
    for panel, name in zip(grid[0], rows[0]):
        panel.set_title(name)
    curves = below.subplots()
    for name, log in logs.items():
        curves.semilogy(log.seconds, log.error, label=f"{name}: {len(log.seconds) - 1} steps")
    curves.set_xlabel("seconds; pictures of Gauss-Newton grow twice")
    curves.set_ylabel("pixels are off by")
    curves.legend()
    return figure


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64,
                        help="width and height of the pictures, a multiple of 4 (%(default)s)")
    parser.add_argument("--views", type=int, default=20, help="how many pictures are fitted (%(default)s)")
    parser.add_argument("--level", type=int, default=4, help="of the ball: 10 * 4^level + 2 vertices (%(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of Adam (%(default)s)")
    parser.add_argument("--output", type=Path, default=HERE / "output" / "fit_textured_mesh",
                        help="folder for the pictures")
    given = parser.parse_args()
    if given.size < 16 or given.size % 4 or given.views < 1 or given.level < 2 or given.steps < 1:
        parser.error("expected --size a multiple of 4 from 16 on, --views and --steps from 1 on, --level from 2 on")
    given.output.mkdir(parents=True, exist_ok=True)
    return given


def main():
    given = arguments()
    cameras = viewpoints(given.views + 1)
    kept_back = cameras.pop(given.views // 2)
    v, f, vc = animal(given.level + 1)
    truth = picture(v, f, vc, given.size)
    images = Views(truth, cameras=cameras).r
    fits, logs = {}, {}
    fits["Gauss-Newton"], logs["Gauss-Newton"] = by_gauss_newton(given.level, images, cameras)
    fits["Adam"], logs["Adam"] = by_adam(given.level, images, cameras, given.steps)

    ball = icosphere(given.level, RADIUS)
    meshes = {"start": (ball.v, ball.f, np.full(ball.v.shape, 0.5)),
              **{name: (fit.v.r, fit.f, fit.vc.r) for name, fit in fits.items()}, "target": (v, f, vc)}
    shown = [kept_back, cameras[0], cameras[-1]]
    rows = [{name: seen_by(picture(*mesh, given.size), camera).r for name, mesh in meshes.items()} for camera in shown]
    rows += [{name: shaded(*mesh[:2], camera, 2 * given.size) for name, mesh in meshes.items()} for camera in shown[:1]]
    save(figure_of(rows, logs), given.output / "figure.png")
    save_image(given.output / "image.png", np.clip(np.kron(rows[0]["Gauss-Newton"], np.ones((4, 4, 1))), 0, 1))
    for name, fit in fits.items():
        save_mesh(given.output / f"{name.lower()}.ply", v=fit.v.r, f=fit.f, vc=np.clip(fit.vc.r, 0, 1))
        kept = np.sqrt(np.mean((rows[0][name] - rows[0]["target"]) ** 2))
        away = np.sqrt(chamfer_distance(fit.v, v, single_directional=True).distance.r.item())
        print(f"{name}: {len(logs[name].seconds) - 1} steps, {logs[name].seconds[-1]:.0f} s, pixels off by "
              f"{np.sqrt(np.mean(fit.views.r ** 2)):.4f}, of the view kept back by {kept:.4f}, vertices {away:.4f} from "
              "the target's")


if __name__ == "__main__":
    main()
