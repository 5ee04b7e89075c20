"""A hand bent to fit a depth image, DEODR's example: ``python -m benchmarks.hand_depth --data PATH``.

The file holds a recorded run of DEODR (`depth_image_hand_fitting`): the image of the sensor, the mesh, the camera,
and the states that its descent went through. What is minimized is

    sum of (depth - image)^2  +  stiffness / 2 * |L (v - v0)|^2

over the vertices v, a rotation R and a translation t, with the mesh at R v + t, depth clipped where the background
is, and L the Laplacian of the mesh. DEODR steps along gradients with momentum. Ours are Gauss-Newton steps on
`DepthRenderer` with `derivative='exact'`, first on small images, on which the outline reaches farther.

For all methods, one function says how good a state is: it draws the depth anew, as the mean of 64 samples in each
pixel.
"""
import contextlib
import importlib.util
import io
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.spatial.transform import Rotation

from opendr_lite import DepthRenderer, ProjectPoints, Rodrigues, ch

from . import report, study
from .figure import COLOURS, axes_of
from .truth import supersampled_depth

__all__ = ["Hand", "State", "deodr_again", "deodr_recorded", "energy", "ours"]

LEVELS = (8, 6), (4, 8), (2, 3), (1, 2)  # pixels of the sensor in one of the image, on a side; iterations
QUICK_LEVELS = (4, 2), (2, 1)
DEODR_STEPS, QUICK_DEODR_STEPS = 300, 20
SAMPLES = 8       # on a side of a pixel, of the energies that are compared
COMPARED = 30     # states of a run whose energies are compared, at most
COLUMNS = ("method", "iterations", "seconds", "last energy", "of the image", "of the shape", "lowest", "its own count")
WIDTHS = (44, 10, 9, 12, 13, 13, 9, 13)


@dataclass(frozen=True)
class State:
    """Where a run is: vertices (V, 3), R (3, 3), t (3,), and after how many iterations and seconds.

    `own_energy` is what the method itself takes its energy for, None where it does not say.
    """

    v: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    iteration: int
    seconds: float | None
    own_energy: float | None


class Hand:
    """What is fitted to what.

    Parameters
    ----------
    data : mapping
        The arrays of the file.
    """

    def __init__(self, data):
        self.data = data
        self.f = data["faces"]
        self.v = data["vertices_init"] - data["vertices_init"].mean(axis=0)
        self.image, self.scale = data["image"], float(data["depth_scale"])
        self.far = float(data["max_depth"]) / self.scale
        self.rotation = Rotation.from_quat(data["quaternion_init_xyzw"]).as_matrix()
        self.laplacian = laplacian(self.f)

    @property
    def stiffness(self):
        return float(self.data["cregu"])

    def camera(self, v, pixel=1):
        """The camera that looks at v; with pixels that are so many times larger."""
        extrinsic, intrinsic = self.data["extrinsic"], self.data["intrinsic"]
        return ProjectPoints(v=v, rt=Rotation.from_matrix(extrinsic[:, :3]).as_rotvec(), t=extrinsic[:, 3],
                             f=np.diag(intrinsic)[:2] / pixel, c=(intrinsic[:2, 2] - 0.5 * (pixel - 1)) / pixel,
                             k=np.asarray(self.data["distortion"], float))

    def observed(self, pixel):
        """The image in pixels that are so many times larger."""
        height, width = self.image.shape
        return self.image.reshape(height // pixel, pixel, width // pixel, pixel).mean(axis=(1, 3))


def laplacian(f):
    """Number of neighbours minus adjacency, (V, V) sparse."""
    start, end = f.ravel(), np.roll(f, -1, axis=1).ravel()
    beside = sp.csr_matrix((np.ones(2 * len(start)), (np.r_[start, end], np.r_[end, start])))
    beside.data[:] = 1.0
    return sp.csr_matrix(sp.diags(np.diff(beside.indptr).astype(float)) - beside)


def energy(hand, state):
    """(of the image, of the shape) of a state, whoever found it."""
    world = state.v @ state.rotation.T + state.translation
    height, width = hand.image.shape
    depth = supersampled_depth(hand.camera(world), hand.f, hand.far, width, height, SAMPLES)
    bent = hand.laplacian @ (state.v - hand.v)
    return float(((hand.scale * depth - hand.image) ** 2).sum()), float(0.5 * hand.stiffness * (bent ** 2).sum())


# ---------------------------------------------------------------------- who fits


def ours(hand, levels, method="dogleg"):
    """The `State`s of Gauss-Newton.

    The translation is that of the vertices, which the energy of the shape does not see. As an unknown of its own it
    would do nothing that they do not do already.
    """
    v = ch.array(hand.v + hand.data["translation_init"] @ hand.rotation)
    turn = ch.array(Rotation.from_matrix(hand.rotation).as_rotvec())
    world = ch.dot(v, Rodrigues(turn).T)
    bent = np.sqrt(0.5 * hand.stiffness) * ch.MatVecMult(sp.kron(hand.laplacian, sp.identity(3)).tocsr(),
                                                         (v - hand.v).ravel())
    states = []
    start = time.perf_counter()

    def keep(found):
        if not states or found.nit:
            states.append(State(v.r.copy(), Rodrigues(turn).r, np.zeros(3), len(states), time.perf_counter() - start,
                                float(found.fun)))

    for pixel, iterations in levels:
        height, width = (size // pixel for size in hand.image.shape)
        depth = DepthRenderer(camera=hand.camera(world, pixel), f=hand.f, derivative="exact",
                              frustum={"near": 1e-3 * hand.far, "far": hand.far, "width": width, "height": height})
        apart = pixel * (hand.scale * depth - hand.observed(pixel))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the rotation can be made up for by the vertices
            ch.minimize({"image": apart, "shape": bent}, x0=[v, turn], method=method, callback=keep,
                        options={"maxiter": iterations})
    return states


def deodr_recorded(hand, steps):
    """Those states of the recorded run that the file holds."""
    kept = [step for step in range(steps) if f"state{step}_vertices" in hand.data]
    return [centred(hand.data[f"state{step}_vertices"], hand.data[f"state{step}_q"], hand.data[f"state{step}_t"], step,
                    None, float(hand.data["energies"][step])) for step in kept]


def deodr_again(hand, steps):
    """The `State`s of DEODR on this machine."""
    from deodr.mesh_fitter import MeshDepthFitter

    data = hand.data
    fitter = MeshDepthFitter(data["vertices_init"], hand.f, Rotation.from_matrix(hand.rotation).as_euler("zyx"),
                             data["translation_init"], cregu=hand.stiffness)
    fitter.set_max_depth(float(data["max_depth"]))
    fitter.set_depth_scale(hand.scale)
    fitter.set_image(hand.image, focal=data["intrinsic"][0, 0], distortion=np.asarray(data["distortion"], float))
    states = []
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        for step in range(steps):
            before = fitter.vertices, fitter.transform_quaternion, fitter.transform_translation
            own_energy, _, _ = fitter.step()
            states.append(centred(*before, step, time.perf_counter() - start, float(own_energy)))
    return states


def centred(v, quaternion, translation, *rest):
    return State(v - v.mean(axis=0), Rotation.from_quat(quaternion).as_matrix(), translation, *rest)


# ---------------------------------------------------------------------- what is said


def row(hand, method, states):
    """What is written to the file of a run."""
    some = sorted({*np.linspace(0, len(states) - 1, min(COMPARED, len(states))).round().astype(int).tolist()})
    energies = [energy(hand, states[place]) for place in some]
    compared = [states[place] for place in some]
    return {"method": method, "iterations": [state.iteration for state in compared],
            "seconds": [state.seconds for state in compared], "image": [image for image, _ in energies],
            "shape": [shape for _, shape in energies], "own": [state.own_energy for state in compared]}


def cells(row):
    total = np.add(row["image"], row["shape"])
    seconds = "" if row["seconds"][-1] is None else f"{row['seconds'][-1]:.2f}"
    return (row["method"], str(row["iterations"][-1]), seconds, *(f"{value:.1f}" for value in (
        total[-1], row["image"][-1], row["shape"][-1], total.min(), row["own"][-1])))


def draw(results, path):
    """The figure: energies by iterations, and by seconds."""
    with axes_of(2, path) as axes:
        for colour, row in zip(COLOURS, results["rows"]):
            total = np.add(row["image"], row["shape"])
            axes[0].plot(row["iterations"], total, ".-", color=colour, label=row["method"])
            if row["seconds"][0] is not None:
                axes[1].plot(row["seconds"], total, ".-", color=colour, label=row["method"])
        axes[0].set(title="Energy by iterations", xscale="symlog", yscale="log")
        axes[1].set(title="Energy by seconds", xscale="log", yscale="log")
        for axis in axes:
            axis.grid(alpha=0.25)
        axes[0].legend()


def runs(hand, quick):
    """(who, states) of all runs."""
    levels, steps = (QUICK_LEVELS, QUICK_DEODR_STEPS) if quick else (LEVELS, DEODR_STEPS)
    ours(hand, [(pixel, 1) for pixel, _ in levels])  # compiles
    for method in ("dogleg", "lm"):
        yield f"opendr_lite, {method}, small images first", ours(hand, levels, method)
    if not quick:
        yield "opendr_lite, dogleg", ours(hand, [(1, sum(iterations for _, iterations in levels))])
    yield "DEODR, momentum, recorded", deodr_recorded(hand, steps)
    if importlib.util.find_spec("deodr"):
        yield "DEODR, momentum", deodr_again(hand, steps)


def main():
    parser = study.command_line("benchmarks.hand_depth", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="the recorded run of DEODR, an .npz file")
    options = parser.parse_args()
    with np.load(options.data) as data:
        hand = Hand(dict(data))
    results = study.begin(options.quick, {} if importlib.util.find_spec("deodr") else {"DEODR": "not installed"})
    print(report.circumstances(results))
    print(study.aligned(COLUMNS, WIDTHS))
    for method, states in runs(hand, options.quick):
        results["rows"].append(row(hand, method, states))
        print(study.aligned(cells(results["rows"][-1]), WIDTHS), flush=True)
    study.leave(results, "hand_depth", options.output, draw)


if __name__ == "__main__":
    main()
