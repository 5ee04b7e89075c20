"""A sphere becomes an aeroplane that is known from its silhouettes only, seen from many sides.

Without arguments: an aeroplane of ellipsoids, seen from 24 sides. With --silhouettes and --cameras: your own.

    python demos/deform_sphere.py
    python demos/deform_sphere.py --silhouettes source.npy --cameras camera.npy --preset fit
    python demos/deform_sphere.py --method adam

Silhouettes are a .npy file (views, size, size), or (views, channels, size, size) whose last channel counts: from 0 to 1,
or bytes. Cameras are a .npy file (views, 3): distance, elevation and azimuth in degrees, of an eye that looks at the
origin, y up. Every fifth view is held out: the fit does not know it.

Unknown are all vertices. Gauss-Newton makes the difference of exact coverage and silhouettes least: first of the means
of blocks of pixels, which pull from far away, then of the pixels; and besides, how much the surface bends. The sphere
has far more surface than an aeroplane. Between the steps `remesh` takes away what has become too much, and makes more
where it is needed. Barriers keep the mesh clean: against edges that fold, slivers, and needles.

With --method adam it is done as in the demo of Soft Rasterizer (Liu, Li, Chen, Li, ICCV 2019), with its settings.
"""
import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from common import HERE
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.geometry import TriNormals
from opendr_lite.geometry.rows import RowLengths
from opendr_lite.losses import (
    Cotangents,
    bilaplacian_residuals,
    flatten_loss,
    flatten_residuals,
    laplacian_loss,
    laplacian_residuals,
    silhouette_iou_loss,
)
from opendr_lite.ops import mesh_quality, remesh, ring_widths
from opendr_lite.plotting import save
from opendr_lite.primitives import icosphere
from opendr_lite.renderer import ColoredRenderer, SilhouetteRenderer, SoftSilhouetteRenderer
from opendr_lite.serialization import load_mesh, save_mesh
from opendr_lite.serialization.mesh import Mesh
from opendr_lite.viewpoints import eye_from_angles, look_at
from opendr_lite.views import Views

HALF_ANGLE = 15   # degrees, half of the field of view
HELD_OUT = 5      # every fifth view
START = 0.7       # radius of the sphere, of half of what a view shows
BENT = 0.2        # cosine between the normals of two faces, below which a barrier rises
SHARP = 4.0       # cotangent of an angle, that of 14 degrees, above which another does
SLENDER = 0.5     # slenderness of a vertex, above which the third does
SIGMA = 1e-4      # of soft silhouettes
COLOR, TOWARDS_LIGHT = np.array([0.75, 0.85, 1.0]), np.array([-0.4, -0.5, -0.77])  # of the pictures, as the camera sees


class Stage(NamedTuple):
    """How the mesh is fitted for a while. Lengths are in pixels, weights of squares of residuals in such units."""

    rounds: int          # of remeshing, if there is a length of edges, and then
    steps: int           # of Gauss-Newton
    blocks: tuple        # sizes of the blocks of pixels whose means are compared
    edge: float          # length of edges; 0: the mesh stays as it is
    membrane: float      # weight of the Laplacian: how much surface there is
    plate: float         # weight of its square: how much the surface bends
    inertia: float       # weight of the step: how unlike neighbours may move
    barriers: float      # weight of folds, slivers and needles


FAR = [
    Stage(8, 1, (16, 8, 4), 2.6, 1.5e-3, 0, 6e-4, 0),
    Stage(6, 1, (8, 4, 2), 2.2, 5e-4, 0, 6e-4, 0),
    Stage(8, 1, (4, 2, 1), 1.75, 2.5e-4, 0, 6e-4, 0),
]
NEAR = [
    Stage(8, 1, (2, 1), 1.5, 1e-4, 0, 1.5e-4, 0),
    Stage(6, 1, (1,), 1.3, 5e-5, 0, 1e-4, 0),
]
LAST = [
    Stage(4, 3, (1,), 1.3, 5e-6, 5e-5, 1e-4, 1e-3),
    Stage(4, 2, (1,), 0, 5e-6, 5e-5, 1e-4, 3e-3),
]
PRESETS = {
    "fit": FAR + NEAR,
    "clean": [stage._replace(barriers=1e-3) for stage in FAR + NEAR] + LAST,
}


# ---------------------------------------------------------------------- what was seen

class Observations:
    """Silhouettes, and the cameras that saw them.

    Attributes
    ----------
    silhouettes : (N, n, n) float64
    pixel : float
        Its size in the world, at the origin.
    """

    def __init__(self, silhouettes, angles):
        self.silhouettes = silhouettes
        distance, elevation, azimuth = angles.T
        viewpoints = look_at(eye_from_angles(distance, elevation, azimuth))
        self.cameras = list(zip(viewpoints.rt.r, viewpoints.t.r))
        self.distance = distance.mean()
        self.pixel = 2 * self.distance * np.tan(np.radians(HALF_ANGLE)) / self.size
        self.near, self.far = 0.1 * distance.min(), 10 * distance.max()

    @property
    def size(self):
        return self.silhouettes.shape[1]

    def scene(self, v, f, renderer=SilhouetteRenderer, size=None, zoom=1.0, **look):
        """A renderer of a mesh, in front of a camera that `Views` or `seen_by` puts in its place."""
        size = size or self.size
        focal = zoom * size / 2 / np.tan(np.radians(HALF_ANGLE))
        rt, t = self.cameras[0]
        camera = ProjectPoints(v=v, rt=rt, t=t, f=[focal, focal], c=[(size - 1) / 2, (size - 1) / 2])
        frustum = {"near": self.near, "far": self.far, "width": size, "height": size}
        return renderer(camera=camera, f=f, frustum=frustum, **look)

    def differences(self, v, f, chosen, blocks):
        """Between coverage and silhouettes, of the means of blocks, so that the sum of squares is near 1 - IoU."""
        means = block_means(self.size, blocks) / np.sqrt(self.silhouettes[chosen].sum())
        return Views(self.scene(v, f, derivative="exact"), cameras=[self.cameras[k] for k in chosen],
                     images=self.silhouettes[chosen],
                     residual=lambda seen, observed: ch.MatVecMult(means, (seen - observed).ravel()))

    def soft(self, v, f, chosen):
        """Soft silhouettes, (N, n, n), a node."""
        return Views(self.scene(v, f, SoftSilhouetteRenderer, sigma=SIGMA), cameras=[self.cameras[k] for k in chosen])

    def masks(self, mesh, chosen):
        """Where the mesh is seen at centres of pixels, (N, n, n) bool."""
        return Views(self.scene(mesh.v, mesh.f, overdraw=False), cameras=[self.cameras[k] for k in chosen]).r > 0.5

    def ious(self, seen, chosen):
        """Intersection over union in each view of masks (N, n, n) and the silhouettes, cut at ½."""
        observed = self.silhouettes[chosen] >= 0.5
        return (seen & observed).sum(axis=(1, 2)) / (seen | observed).sum(axis=(1, 2))


def block_means(size, blocks):
    """The matrix that takes an image to the means of its blocks, times their side: noise counts alike in all sizes."""
    row, column = np.divmod(np.arange(size * size), size)
    matrices = []
    for side in blocks:
        across = -(-size // side)
        block = row // side * across + column // side
        matrices.append(sp.csr_matrix((np.full(size * size, 1 / side), (block, np.arange(size * size))),
                                      shape=(across * across, size * size)))
    return sp.vstack(matrices, format="csr")


def load_observations(silhouettes, cameras):
    images, angles = np.load(silhouettes), np.load(cameras)
    if images.ndim == 4:
        images = images[:, -1]
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise SystemExit(f"{silhouettes}: expected square images (views, size, size), got {images.shape}")
    if angles.shape != (len(images), 3):
        raise SystemExit(f"{cameras}: expected distance, elevation, azimuth of {len(images)} views, got {angles.shape}")
    images = images / (255 if images.dtype == np.uint8 else 1.0)
    if not (images.min() >= 0 and images.max() <= 1 and images.any(axis=(1, 2)).all()):
        raise SystemExit(f"{silhouettes}: expected values from 0 to 1, and something in each view")
    return Observations(images, angles.astype(float))


def aeroplane_observations(views, size):
    """An aeroplane of ellipsoids, seen from all around."""
    parts = [((0, 0, 0), (0.08, 0.08, 0.45)), ((0, 0, 0.05), (0.45, 0.02, 0.09)),
             ((0, 0.02, -0.38), (0.18, 0.018, 0.06)), ((0, 0.1, -0.38), (0.02, 0.12, 0.06))]
    ball = icosphere(3)
    v = np.concatenate([ball.v * radii + middle for middle, radii in parts])
    f = np.concatenate([ball.f + len(ball.v) * part for part in range(len(parts))])
    turn = np.arange(views)
    angles = np.column_stack((np.full(views, 2.732), np.array([-60, 30, 0, 60, -30])[turn % 5], 360 * turn / views))
    observations = Observations(np.zeros((views, size, size)), angles)
    observations.silhouettes = Views(observations.scene(v, f, derivative="exact"), cameras=observations.cameras).r
    return observations


# ---------------------------------------------------------------------- the fit

def residuals(v, f, observations, chosen, stage):
    """What is made least, by name."""
    start, pixel = Mesh(v.r, f), observations.pixel
    moved = (v - start.v) / pixel
    parts = {"silhouettes": observations.differences(v, f, chosen, stage.blocks),
             "membrane": np.sqrt(stage.membrane) * laplacian_residuals(v / pixel, f),
             "inertia": np.sqrt(stage.inertia) * laplacian_residuals(moved, f),
             "rest": 0.1 * np.sqrt(stage.inertia) * moved}
    if stage.plate:
        parts["plate"] = np.sqrt(stage.plate) * bilaplacian_residuals(v / pixel, f)
    if stage.barriers:
        heights = RowLengths(laplacian_residuals(v, f)) / ring_widths(start)
        parts["folds"] = np.sqrt(stage.barriers) * ch.maximum(flatten_residuals(v, f) - (1 - BENT), 0)
        parts["slivers"] = np.sqrt(0.01 * stage.barriers) * ch.maximum(Cotangents(v, f) - SHARP, 0)
        parts["needles"] = np.sqrt(3 * stage.barriers) * ch.maximum(heights - SLENDER, 0)
    return parts


def deform(mesh, observations, chosen, stages, watch):
    """Fit a mesh, stage by stage; `watch(mesh, iterations)` is told after each."""
    iterations = 0
    for stage in stages:
        for _ in range(stage.rounds):
            if stage.edge:
                mesh = remesh(mesh, stage.edge * observations.pixel)
            v = ch.array(mesh.v)
            result = ch.minimize(residuals(v, mesh.f, observations, chosen, stage), x0=[v], linear_solver="pcg",
                                 options={"maxiter": stage.steps})
            mesh = Mesh(v.r, mesh.f)
            iterations += result.nit
        watch(mesh, iterations)
    return mesh


def deform_by_adam(ball, observations, chosen, steps, watch):
    """As Soft Rasterizer does it: in the cube from -1 to 1, which no vertex leaves.

    With v0 the start, d moves each coordinate, and c all of them:

        w = sign(v0) sigmoid(logit|v0| + d),    v = w + tanh(c) (1 - |w|)
    """
    unit = observations.distance / 2.732  # in which the original has its eyes 2.732 away
    v0 = ball.v / unit
    logit = np.log(np.maximum(np.abs(v0), 1e-9)) - np.log1p(-np.abs(v0))
    d, c = ch.zeros(v0.shape), ch.zeros(3)
    w = np.sign(v0) / (1 + ch.exp(-logit - d))
    v = unit * (w + ch.tanh(c) * (1 - ch.abs(w)))
    losses = {"silhouettes": ch.mean(silhouette_iou_loss(observations.soft(v, ball.f, chosen),
                                                         observations.silhouettes[chosen], per_view=True)),
              "laplacian": 0.03 * laplacian_loss(v / unit, ball.f), "flatten": 0.0003 * flatten_loss(v, ball.f)}

    def report(state):
        if state.nit and (state.nit % (steps // 5) == 0 or state.nit == steps):
            watch(Mesh(v.r, ball.f), state.nit)

    ch.minimize(losses, x0=[d, c], method="adam", loss="sum", callback=report,
                options={"maxiter": steps, "step": 0.01, "betas": (0.5, 0.99)})
    return Mesh(v.r, ball.f)


# ---------------------------------------------------------------------- what came of it

class Progress:
    """The mesh after each stage, and how well it fits."""

    def __init__(self, observations, fitted, held_out):
        self.observations = observations
        self.views = {"fitted": fitted, "held out": held_out} if len(held_out) else {"fitted": fitted}
        self.meshes, self.iterations, self.scores = [], [], {name: [] for name in self.views}

    def watch(self, mesh, iterations):
        self.meshes.append(mesh)
        self.iterations.append(iterations)
        for name, chosen in self.views.items():
            self.scores[name].append(self.observations.ious(self.observations.masks(mesh, chosen), chosen).mean())
        scores = ", ".join(f"{name} {scores[-1]:.3f}" for name, scores in self.scores.items())
        print(f"{iterations:5d} iterations: IoU {scores}; {mesh_quality(mesh)}", flush=True)


def picture_of_silhouettes(observations, mesh, views):
    """For each named view its silhouette, the coverage, and both as masks: red is missing, cyan too much."""
    chosen = list(views.values())
    coverage = Views(observations.scene(mesh.v, mesh.f, derivative="exact"),
                     cameras=[observations.cameras[k] for k in chosen]).r
    figure = Figure(figsize=(2 * len(views), 6.4), layout="constrained")
    columns = figure.subplots(3, len(views), squeeze=False).T
    for column, name, observed, covered, mask in zip(columns, views, observations.silhouettes[chosen], coverage,
                                                     observations.masks(mesh, chosen)):
        both = np.stack((observed >= 0.5, mask, mask), axis=2).astype(float)
        for axes, image in zip(column, (observed, covered, both)):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1)
            axes.set_axis_off()
        column[0].set_title(name, fontsize="medium")
    return figure


def picture_of_meshes(observations, meshes, views, size=360):
    """A row for each named mesh, a column for each view."""
    figure = Figure(figsize=(2.4 * len(views), 2.5 * len(meshes)), layout="constrained")
    for row, (name, mesh) in zip(figure.subplots(len(meshes), len(views), squeeze=False), meshes.items()):
        for axes, k in zip(row, views):
            axes.imshow(shaded(observations, mesh, k, size))
            axes.set_xticks([])
            axes.set_yticks([])
        row[0].set_ylabel(name)
    return figure


def shaded(observations, mesh, view, size, zoom=1.4):
    """An image of the mesh, each face in its own light."""
    corners, normals = mesh.v[mesh.f].reshape(-1, 3), TriNormals(mesh.v, mesh.f).r.reshape(-1, 3)
    scene = observations.scene(corners, np.arange(len(corners)).reshape(-1, 3), ColoredRenderer, size, zoom,
                               overdraw=False, bgcolor=np.ones(3), vc=corners)
    scene.camera.rt, scene.camera.t = observations.cameras[view]
    shade = 0.55 + 0.45 * normals @ (TOWARDS_LIGHT @ scene.camera.view_matrix[:, :3])
    scene.vc = np.repeat(shade[:, None] * COLOR, 3, axis=0)
    return np.clip(scene.r, 0, 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--silhouettes", type=Path, help=".npy file; see above")
    parser.add_argument("--cameras", type=Path, help=".npy file; see above")
    parser.add_argument("--template", type=Path, help="mesh file: what is deformed, instead of our own sphere")
    parser.add_argument("--method", choices=("gauss-newton", "adam"), default="gauss-newton")
    parser.add_argument("--steps", type=int, default=2000, help="of Adam")
    parser.add_argument("--preset", choices=PRESETS, default="clean",
                        help="of Gauss-Newton: closest fit, or clean mesh")
    parser.add_argument("--views", type=int, default=24, help="of the aeroplane of ellipsoids")
    parser.add_argument("--size", type=int, default=64, help="of its pictures, in pixels")
    parser.add_argument("--use-all", action="store_true", help="hold out no view")
    parser.add_argument("--output", type=Path, default=HERE / "output" / "deform_sphere",
                        help="folder for the pictures")
    options = parser.parse_args()
    if (options.silhouettes is None) != (options.cameras is None):
        parser.error("--silhouettes and --cameras belong together: give both or none")
    return options


def main():
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    if options.silhouettes:
        observations = load_observations(options.silhouettes, options.cameras)
    else:
        observations = aeroplane_observations(options.views, options.size)
    every = np.arange(len(observations.cameras))
    held_out = every[:0] if options.use_all else every[HELD_OUT - 1::HELD_OUT]
    fitted = np.setdiff1d(every, held_out)

    progress = Progress(observations, fitted, held_out)
    ball = load_mesh(options.template) if options.template else icosphere(3)
    ball.v *= START * observations.pixel * observations.size / 2 / np.linalg.norm(ball.v, axis=1).max()
    began = time.perf_counter(), time.process_time()
    if options.method == "adam":
        mesh = deform_by_adam(ball, observations, fitted, options.steps, progress.watch)
    else:
        mesh = deform(ball, observations, fitted, PRESETS[options.preset], progress.watch)
    seconds, busy = time.perf_counter() - began[0], time.process_time() - began[1]
    hard = observations.ious(observations.masks(mesh, every), every).mean()
    soft = observations.ious(observations.soft(mesh.v, mesh.f, every).r > 0.5, every).mean()
    print(f"all {len(every)} views: IoU {hard:.3f}, softly rendered {soft:.3f}; {progress.iterations[-1]} iterations, "
          f"{seconds:.0f} seconds, {busy:.0f} of a processor")

    save_mesh(options.output / "mesh.obj", v=mesh.v, f=mesh.f)
    shown = np.linspace(0, len(every) - 1, 6).astype(int)
    titles = {f"view {k}" + (" (held out)" if k in held_out else ""): k for k in shown}
    save(picture_of_silhouettes(observations, mesh, titles), options.output / "silhouettes.png")
    save(picture_of_meshes(observations, {"found": mesh}, shown), options.output / "mesh.png")
    stages = {f"{count} iterations": mesh for count, mesh in zip([0, *progress.iterations], [ball, *progress.meshes])}
    save(picture_of_meshes(observations, stages, shown[:3], size=200), options.output / "stages.png")


if __name__ == "__main__":
    main()
