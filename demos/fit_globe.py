"""Find pose and light of a mesh from its picture.

Without arguments: the Earth, rendered here with a known pose and light, from a start that is off by nearly
half of its radius; what is found can be compared with the truth. With --mesh and --image: your own mesh and
your own picture of it, from the start that --translation and --rotation give.

    python demos/fit_globe.py
    python demos/fit_globe.py --mesh cup.obj --image cup.jpg --size 320 240 --focal 400 --rotation 0 0.5 0

The camera looks along z; x is right and y down. A vertex v is seen at R(rotation) v + translation, the
rotation being an axis times an angle in radians. The difference of the pictures is fitted twice: on a
Gaussian pyramid, whose coarse levels pull from far away, then on the pixels themselves.
"""
import argparse
import sys
import time
from pathlib import Path

import numpy as np
from common import HERE, columns, globe
from PIL import Image

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.filters import gaussian_pyramid
from opendr_lite.geometry import Rodrigues, VertNormals
from opendr_lite.lighting import SphericalHarmonics
from opendr_lite.plotting import animation, convergence, image_row, save, show_jacobian
from opendr_lite.renderer import ColoredRenderer, TexturedRenderer
from opendr_lite.renderer.visibility import EMPTY
from opendr_lite.serialization import load_image, load_mesh, save_image

FREE = {"translation": ["translation"], "rotation": ["rotation"], "pose": ["translation", "rotation"],
        "light": ["light"], "focal": ["focal"], "centre": ["centre"]}
TRUE_LIGHT = [3.0, 2, 0, 0, 0, 0, 0, 0, 0]
START_LIGHT = [3.0, 0, 0, 0, 0, 0, 0, 0, 0]
LEAST_DECREASE = 1e-4  # of the sum of squares: a step that brings less is the last one
LONGEST_ANIMATION = 60  # frames


# ---------------------------------------------------------------------- scene and fit

class Scene:
    """A mesh in the light of nine spherical harmonics, seen by a camera.

    Attributes
    ----------
    picture : Ch
    variables : dict
        What the picture depends on: translation, rotation, light, focal, centre.
    """

    def __init__(self, mesh, size, background, **values):
        self.variables = {name: ch.array(value) for name, value in values.items()}
        self.picture = self._renderer(mesh, size, background, **self.variables)

    @staticmethod
    def _renderer(mesh, size, background, translation, rotation, light, focal, centre):
        normals = VertNormals(v=mesh.v, f=mesh.f)
        shading = SphericalHarmonics(vn=normals, components=light, light_color=np.ones(3))
        reach = np.linalg.norm(translation) + np.linalg.norm(mesh.v, axis=1).max()
        look = {"camera": ProjectPoints(v=mesh.v, rt=rotation, t=translation, f=focal, c=centre),
                "f": mesh.f, "bgcolor": np.array(background, float),
                "frustum": {"near": 0.01 * reach, "far": 100 * reach, "width": size[0], "height": size[1]}}
        if mesh.texture_image is not None:
            look.update(texture_image=mesh.texture_image, vt=mesh.vt, ft=mesh.ft)
            return TexturedRenderer(vc=shading, **look)
        if mesh.fc is not None:
            look["fc"] = mesh.fc
        return ColoredRenderer(vc=shading if mesh.vc is None else shading * mesh.vc, **look)

    @property
    def values(self):
        """The variables as they are now: name -> array."""
        return {name: variable.r for name, variable in self.variables.items()}

    def perturb(self, free, radius):
        """Move away from the truth: by up to half of the radius along, and 0.2 radians about, each axis."""
        np.random.seed(1)
        offsets = {"translation": radius / 2 * np.random.rand(3), "rotation": 0.2 * np.random.rand(3),
                   "focal": [5.0, 5.0], "centre": [4.0, -3.0]}
        for name in free:
            if name == "light":
                self.variables["light"][:] = START_LIGHT
            else:
                self.variables[name][:] = self.variables[name].r + offsets[name]

    def fit(self, observed, free, on_step):
        """Fit a pyramid of the picture, then the picture: name -> (what `minimize` found, seconds)."""
        difference = self.picture - observed
        levels = min(6, int(np.log2(min(observed.shape[:2]))) - 1)
        residuals = {"pyramid": gaussian_pyramid(difference, n_levels=levels, normalization="size"),
                     "pixels": difference}
        found = {}
        for name, residual in residuals.items():
            began = time.perf_counter()
            result = ch.minimize(residual, x0=[self.variables[name] for name in free], callback=on_step,
                                 options={"e_3": LEAST_DECREASE})
            found[name] = result, time.perf_counter() - began
        return found


def in_the_middle(mesh, size, focal, rotation):
    """The translation that puts a mesh in the middle of the picture, of which it takes two thirds."""
    middle = (mesh.v.min(axis=0) + mesh.v.max(axis=0)) / 2
    radius = np.linalg.norm(mesh.v - middle, axis=1).max()
    return np.array([0, 0, 3 * radius * min(focal) / min(size)]) - Rodrigues(rotation).r @ middle


# ---------------------------------------------------------------------- what was found, in words

def print_table(free, **tables):
    """A line for each free number, a column for each of the tables, which are name -> array."""
    print(" " * 14 + "".join(f" {heading:>10}" for heading in tables))
    for name in free:
        for i, numbers in enumerate(zip(*(table[name] for table in tables.values()))):
            line = [f" {number:10.5f}" for number in np.round(numbers, 5) + 0.0]
            print(f"{f'{name}[{i}]':>14}" + "".join(line))


def print_errors(free, found, true):
    """How far off the variables are, each in a unit of its own."""
    turn = Rodrigues(found["rotation"]).r.T @ Rodrigues(true["rotation"]).r
    off = {name: np.linalg.norm(found[name] - true[name]) for name in free}
    said = {"translation": "translation error {:.5f}",
            "rotation": "rotation error {:.5f} degrees",
            "light": "light error {:.5f}",
            "focal": "focal error {:.4f} pixels",
            "centre": "centre error {:.4f} pixels"}
    off["rotation"] = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    print(", ".join(said[name].format(off[name]) for name in free))


def standard_deviations(scene, free, result):
    """Of the numbers found, from their covariance at the optimum: name -> array."""
    ends = np.cumsum([scene.variables[name].size for name in free])
    return dict(zip(free, np.split(np.sqrt(np.diag(result.covariance())), ends[:-1])))


# ---------------------------------------------------------------------- and in pictures

def save_pictures(folder, scene, observed, start, found):
    """Target, start, result, residual; all at a glance; how the fit went; the Jacobian."""
    result = scene.picture.r
    gain, residual = visible(np.abs(result - observed))
    for name, picture in {"target": observed, "start": start, "result": result, "residual": residual}.items():
        save_image(folder / f"{name}.png", picture)
    save(image_row({"target": observed, "start": start, "difference": np.abs(start - observed),
                    "result": result, f"difference × {gain:g}": residual}), folder / "overview.png")
    save(convergence({name: step.history["fun"] for name, (step, _) in found.items()}, "sum of squares"),
         folder / "convergence.png")
    anatomy = {"translation": ["move right", "move down", "move away"],
               "rotation": ["turn about x", "turn about y", "turn about z"],
               "light": ["light: 1", "light: x", "light: z"]}
    save(show_jacobian(result, {title: column for name, titles in anatomy.items() for title, column in
                                columns(scene.picture, scene.variables[name], titles).items()}),
         folder / "anatomy.png")


def visible(difference):
    """A power of ten that brings a difference into sight, and the difference times it."""
    rms = np.sqrt(np.mean(difference ** 2))
    gain = 10.0 ** max(0, np.floor(-np.log10(10 * rms))) if rms > 0 else 1.0
    return gain, gain * difference


def save_animation(path, observed, pictures):
    """What was observed, the picture coming to rest on it, and what is left of the difference."""
    chosen = pictures[::-(-len(pictures) // LONGEST_ANIMATION)]
    frames = [np.hstack([observed, picture, np.abs(picture - observed)]) for picture in chosen]
    animation(frames + frames[-1:] * 10, path)


# ---------------------------------------------------------------------- the command line

def parse_arguments():
    summary, details = __doc__.split("\n\n", 1)
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--mesh", type=Path, help="an OBJ or PLY file; by default the Earth, of radius 2")
    add("--image", type=Path, help="the picture to fit; by default one of the mesh, made here")
    add("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"),
        help="pixels to work with, to which --image is scaled; by default as it is, or 320 240")
    add("--focal", type=float, nargs="+", metavar="F", help="one or two focal lengths, in pixels (the width)")
    add("--centre", type=float, nargs=2, metavar=("X", "Y"),
        help="principal point in pixels, 0 0 being the centre of the first pixel (half the size)")
    add("--translation", type=float, nargs=3, metavar=("X", "Y", "Z"),
        help="where the mesh is, with --image: at the start (in the middle, of two thirds of the size)")
    add("--rotation", type=float, nargs=3, metavar=("X", "Y", "Z"), default=[0.0, 0, 0],
        help="how it is turned (0 0 0)")
    add("--background", type=float, nargs=3, metavar=("R", "G", "B"), default=[0.0, 0, 0],
        help="colour behind it, from 0 to 1 (0 0 0)")
    add("--free", default="pose,light", metavar="LIST",
        help=f"what to find: some of {', '.join(FREE)}, with commas (pose,light)")
    add("--output", type=Path, default=HERE / "output" / "fit_globe", help="folder for the pictures")
    add("--no-animation", action="store_true", help="leave out fit.gif")
    arguments = parser.parse_args()
    try:
        complete(arguments)
    except (OSError, ValueError) as problem:
        parser.error(str(problem))
    return arguments


def complete(arguments):
    """Read the files, put in what was left out, and check the rest."""
    wanted = arguments.free.split(",")
    unknown = sorted(set(wanted) - set(FREE))
    if unknown:
        raise ValueError(f"--free takes {', '.join(FREE)}, got {', '.join(unknown)!r}")
    arguments.free = list(dict.fromkeys(name for word in wanted for name in FREE[word]))
    arguments.mesh = globe() if arguments.mesh is None else load_mesh(arguments.mesh)
    if arguments.image is not None:
        arguments.image = load_picture(arguments.image, arguments.size)
        arguments.size = arguments.image.shape[1::-1]
    arguments.size = arguments.size or (320, 240)
    if min(arguments.size) < 16:
        raise ValueError(f"--size must be at least 16 by 16, got {arguments.size[0]} by {arguments.size[1]}")
    focal = arguments.focal or [arguments.size[0]]
    if len(focal) > 2 or not min(focal) > 0:
        raise ValueError(f"--focal must be one or two positive numbers, got {' '.join(map(str, focal))}")
    arguments.focal = np.broadcast_to(np.array(focal, float), 2)
    if arguments.centre is None:
        arguments.centre = np.array(arguments.size) / 2
    if arguments.translation is None:
        arguments.translation = in_the_middle(arguments.mesh, arguments.size, arguments.focal,
                                              arguments.rotation)


def load_picture(path, size):
    """A picture, scaled to (width, height) if such is given."""
    picture = load_image(path)
    if size is None:
        return picture
    scaled = Image.fromarray(np.rint(255 * picture).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    return np.asarray(scaled) / 255


def main():
    arguments = parse_arguments()
    mesh, observed, free, folder = arguments.mesh, arguments.image, arguments.free, arguments.output
    given = {name: getattr(arguments, name) for name in ("translation", "rotation", "focal", "centre")}
    scene = Scene(mesh, arguments.size, arguments.background, **given,
                  light=TRUE_LIGHT if observed is None else START_LIGHT)
    if (scene.picture.visibility_image == EMPTY).all():
        sys.exit(f"{Path(__file__).name}: the mesh is not in the picture: choose another --translation")

    true = scene.values if observed is None else None
    if true:
        observed = scene.picture.r
        scene.perturb(free, np.linalg.norm(mesh.v, axis=1).max())
    start, started_as, pictures = scene.values, scene.picture.r, []
    fits = scene.fit(observed, free, on_step=lambda: pictures.append(scene.picture.r))
    found = scene.values

    for name, (result, seconds) in fits.items():
        print(f"{name}: {result.nit} steps, {result.nfev} renderings, sum of squares "
              f"{result.history['fun'][0]:.3g} -> {result.fun:.3g}, {seconds:.1f} s")
    if true:
        print_table(free, start=start, found=found, true=true,
                    error={name: found[name] - true[name] for name in free})
        print_errors(free, found, true)
    else:
        deviations = standard_deviations(scene, free, fits["pixels"][0])
        print_table(free, start=start, found=found, uncertain=deviations)

    folder.mkdir(parents=True, exist_ok=True)
    save_pictures(folder, scene, observed, started_as, fits)
    if not arguments.no_animation:
        save_animation(folder / "fit.gif", observed, pictures)
    print(f"pictures: {folder}")


if __name__ == "__main__":
    main()
