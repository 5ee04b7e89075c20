"""How right derivatives of images are: ``python -m benchmarks.gradient_accuracy``.

Everything is measured on meshes with coloured vertices, for directions in which their vertices move, by a pixel in
the mean: three translations, three rotations, and some in which each vertex has a motion of its own. The energy is
the sum of the squares of the differences to a picture of the mesh elsewhere.

*Against the truth*, pictures of which each pixel is the mean of thousands of samples: their secant, from a tenth of a
pixel behind to a tenth of a pixel ahead, is compared with

    energy, secant      that of the method's own energy
    gradient, pose      the method's gradient, for translations and rotations
    gradient, vertices  the same, where each vertex has a motion of its own
    image, secant       the secant of the method's own image
    image, J d          the method's Jacobian, times the direction

for all directions together: the length of the difference relative to that of the truth, and the cosine between the
two. The row "truth" says what is uncertain in that truth: it compares one half of the samples with all.

*Paths*, as the mesh moves along a path of a few pixels in many steps: the sum of what the energy changes in each step
beyond the mean of the gradients at its ends, relative to the sum of its changes. It tells whether gradient and energy
belong together, whatever the truth is.
"""
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from matplotlib.ticker import LogLocator

from opendr_lite import Rodrigues

from . import report, study
from .figure import axes_of, ranges
from .peers import MODELS, DeodrEdges
from .shapes import SHAPES
from .truth import supersampled_colours

__all__ = ["METHODS", "Extent", "measured", "path_inconsistency"]

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
WIDTH, HEIGHT = 160, 120
REACH = 0.1                    # pixels, of secants to both sides
PATH = 1.92                    # pixels, of translations
TURN = np.radians(5.0)         # of rotations
AXIS = np.array([0.6, 0.5, 0.62])
TARGET = 1.5                   # how far along a path the target is
SAMPLED = "truth"
METHODS = {**MODELS, **{peer.name: peer for peer in (DeodrEdges,) if peer.installed()}}
POSE, VERTICES = slice(0, 6), slice(6, None)  # of the directions
AGAINST_TRUTH = "energy, secant", "gradient, pose", "gradient, vertices", "image, secant", "image, J d"
ALONG_PATHS = "translation", "rotation", "each vertex"
COLUMNS = ("method", *AGAINST_TRUTH, *(f"path: {name}" for name in ALONG_PATHS))
WIDTHS = (23, 18, 18, 18, 18, 18, 17, 14, 18)


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes
    ----------
    shapes : tuple of str
    samples : int
        A square of so many in each pixel, times `repeats`.
    repeats : int
        A multiple of four.
    directions, steps : int
        Those in which each vertex has a motion of its own; of a path.
    """

    shapes: tuple = tuple(SHAPES)
    samples: int = 32
    repeats: int = 8
    directions: int = 2
    steps: int = 400


QUICK = Extent(shapes=("animal", "star", "triangles, crossing"), samples=16, repeats=4, directions=1, steps=40)


def measured(shape, extent):
    """Rows of the results for a shape, one for each method."""
    scene = SHAPES[shape](WIDTH, HEIGHT)
    directions = motions(scene, extent.directions)
    halves = [half_of_truth(scene, directions, samples, extent.samples) for samples in shifts(extent.repeats)]
    target, images = (np.mean(parts, axis=0) for parts in zip(*halves))
    truth = secants(images, target)
    yield {"shape": shape, "method": SAMPLED,
           **against(truth, *secants(halves[0][1], target))}
    for name, method in METHODS.items():
        renderer = method(scene, target)
        found = differentiated(renderer, scene, directions)
        yield {"shape": shape, "method": name, **against(truth, *found),
               **{kind: path_inconsistency(renderer, path, extent.steps)
                  for kind, path in zip(ALONG_PATHS, paths(scene))}}


# ---------------------------------------------------------------------- motions of a scene


def motions(scene, number):
    """Directions in which vertices move, by a pixel in the mean of their squares; (n, V, 3)."""
    arms = scene.v - scene.v.mean(axis=0)
    translations = np.broadcast_to(np.eye(3)[:, None], (3, *arms.shape))
    rotations = np.cross(np.eye(3)[:, None], arms)
    own = np.random.default_rng(0).standard_normal((number, *arms.shape))
    return np.array([one_pixel(scene, direction) for direction in (*translations, *rotations, *own)])


def one_pixel(scene, direction):
    x, y, z = scene.v.T
    across = scene.focal * (direction[:, :2] - direction[:, 2:] * (scene.v / z[:, None])[:, :2]) / z[:, None]
    return direction / np.sqrt((across ** 2).sum(axis=1).mean())


def paths(scene):
    """Functions of the share of a path, (v, dv) each: a translation, a rotation, and a motion of each vertex."""
    z = scene.v[:, 2].mean()
    middle = scene.v.mean(axis=0)
    axis = TURN * AXIS / np.linalg.norm(AXIS)

    def straight(step):
        return lambda share: (scene.v + share * step, step)

    def turned(share):
        arms = (scene.v - middle) @ Rodrigues(share * axis).r.T
        return middle + arms, np.cross(axis, arms)

    own = np.random.default_rng(5).standard_normal(scene.v.shape)
    return (straight(np.broadcast_to(PATH * z / scene.focal * np.array([0.8, 0.6, 0.0]), scene.v.shape)), turned,
            straight(0.6 * z / scene.focal * own))


# ---------------------------------------------------------------------- against the truth


def shifts(repeats):
    """Of samples, so that all together are a lattice: two halves, each even to both sides."""
    odd = 2 * np.arange(repeats) + 1
    lattice = np.column_stack([odd, 3 * odd % (2 * repeats)]) / (2 * repeats) - 0.5
    pairs = np.stack([lattice, lattice[::-1]], axis=1)[:repeats // 2]
    return pairs[::2].reshape(-1, 2), pairs[1::2].reshape(-1, 2)


def half_of_truth(scene, directions, shifts, samples):
    """The mean of pictures with the given shifts: (of the target, of both ends of all secants)."""
    target = paths(scene)[0](TARGET)[0] + paths(scene)[1](TARGET)[0] - scene.v
    drawn = [np.mean([supersampled_colours(scene, v, samples, shift) for shift in shifts], axis=0)
             for v in (target, *both_ends(scene, directions))]
    return drawn[0], np.array(drawn[1:])


def both_ends(scene, directions):
    """The vertices at both ends of all secants, one after the other."""
    return [scene.v + side * REACH * direction for direction in directions for side in (-1, 1)]


def secants(images, target):
    """(of the energy, of the image) for images at both ends, (2 n, h, w, C)."""
    energies = ((images - target) ** 2).sum(axis=(1, 2, 3))
    return tuple((ends[1::2] - ends[::2]) / (2 * REACH) for ends in (energies, images))


def differentiated(renderer, scene, directions):
    """What a method finds: secants of energy and image, gradient, and J d, each with a row for each direction."""
    ends = [np.array(renderer.image(v)) for v in both_ends(scene, directions)]
    gradient = np.reshape(renderer.gradient(scene.v)[0], -1)
    pushed = [renderer.push(direction) for direction in directions]
    return *secants(np.array(ends), renderer.target), directions.reshape(len(directions), -1) @ gradient, pushed


def against(truth, energy, image, gradient=None, pushed=None):
    """(cosine, error) of what was found, for each name."""
    true_energy, true_image = truth
    found = {"energy, secant": compared(true_energy, energy), "image, secant": compared(true_image, image)}
    if gradient is not None:
        found.update({"gradient, pose": compared(true_energy[POSE], gradient[POSE]),
                      "gradient, vertices": compared(true_energy[VERTICES], gradient[VERTICES])})
    if pushed is not None and pushed[0] is not None:
        found["image, J d"] = compared(true_image, pushed)
    return found


def compared(truth, found):
    truth, found = np.ravel(truth), np.ravel(found)
    lengths = np.linalg.norm(truth), np.linalg.norm(found)
    return {"cosine": float(truth @ found / max(np.prod(lengths), 1e-300)),
            "error": float(np.linalg.norm(found - truth) / lengths[0])}


# ---------------------------------------------------------------------- along paths


def path_inconsistency(renderer, path, steps):
    """Sum of |dE - (g0 + g1)/2| over the steps of a path, relative to the sum of |dE|.

    Parameters
    ----------
    renderer : Renderer
        Its target is set to its own picture farther along the path.
    path : callable
        From 0 to 1, gives v and dv.
    """
    renderer.target = np.array(renderer.image(path(TARGET)[0]))
    energies, slopes = [], []
    for share in np.arange(steps + 1) / steps:
        v, direction = path(share)
        difference = renderer.image(v) - renderer.target
        energies.append((difference ** 2).sum())
        slopes.append(np.ravel(renderer.pull(2.0 * difference)[0]) @ np.ravel(direction))
    changes = np.diff(energies)
    promised = (np.array(slopes)[1:] + slopes[:-1]) / (2 * steps)
    return float(np.abs(changes - promised).sum() / np.abs(changes).sum())


# ---------------------------------------------------------------------- what is said


def cells(row):
    return (row["method"], *(f"{percent(row[name]['error'])} ({row[name]['cosine']:.6f})" if name in row else ""
                             for name in AGAINST_TRUTH),
            *(percent(row[name]) if name in row else "" for name in ALONG_PATHS))


def percent(share):
    return f"{100 * share:,.0f} %" if share >= 10 else f"{100 * share:.3g} %"


def measured_part(results):
    parts = [report.circumstances(results)]
    for shape in dict.fromkeys(row["shape"] for row in results["rows"]):
        rows = [cells(row) for row in results["rows"] if row["shape"] == shape]
        parts += [f"### {shape}", report.table([COLUMNS, len(COLUMNS) * ["---"], *rows])]
    return "\n\n".join(parts) + "\n"


def draw(results, path):
    """The figure: errors of gradients, and of paths."""
    def panel(axis, value, title):
        entries = [(row["shape"], row["method"], dict.fromkeys(("median", "least", "most"), 100 * share))
                   for row in sorted(results["rows"], key=lambda row: row["method"] == SAMPLED)
                   if (share := value(row)) is not None]
        ranges(axis, entries)
        axis.xaxis.set_major_locator(LogLocator())
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3)
        axis.set(title=title)

    with axes_of(2, path) as axes:
        panel(axes[0], lambda row: row.get("gradient, pose", row["energy, secant"])["error"],
              "Gradients by the pose apart from the truth, %")
        panel(axes[1], lambda row: max(row[name] for name in ALONG_PATHS) if ALONG_PATHS[0] in row else None,
              "Worst of three paths, %")


def main():
    parser = study.command_line("benchmarks.gradient_accuracy", __doc__)
    parser.add_argument("--docs", action="store_true", help="put the results into the documentation, too")
    options = parser.parse_args()
    extent = QUICK if options.quick else Extent()
    results = study.begin(options.quick, {} if DeodrEdges.installed() else {DeodrEdges.name: "not installed"})
    print(report.circumstances(results))
    for row in study.until_interrupted(chain.from_iterable(measured(shape, extent) for shape in extent.shapes)):
        if row["method"] == SAMPLED:
            print(f"\n{study.aligned((row['shape'], *COLUMNS[1:]), WIDTHS)}")
        results["rows"].append(row)
        print(study.aligned(cells(row), WIDTHS), flush=True)
    study.leave(results, "gradient_accuracy", options.output, draw)
    if options.docs:
        report.write_page(PAGE, measured_part(results))
        draw(results, PAGE.parent / "images" / "accuracy.png")


if __name__ == "__main__":
    main()
