"""From how far fits of a pose find home: ``python -m benchmarks.basin``.

A mesh is drawn at random poses about the true one, up to its radius away and turned by up to 60 degrees. From each,
translation and rotation are fitted to one picture: a silhouette, colours, or depth. The picture is made of many
samples for each pixel, as a camera would take it, whatever the derivative. Given is the share of starts that come
home: vertices are within two pixels of where they belong, in the mean of the squares. Of a globe without colours, the
rotation cannot be seen, and does not count.

"From nearby" is how far the median ends from home of fits whose starts are a tenth as far away, about two pixels.

Gauss-Newton fits end when a step gains less than a ten-thousandth, those by Adam after 100 steps that become ever
smaller. "pyramid" is a fit to a Gaussian pyramid, followed by one to the pixels.
"""
import itertools
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from opendr_lite import (
    ColoredRenderer,
    DepthRenderer,
    ProjectPoints,
    Rodrigues,
    SilhouetteRenderer,
    ch,
    gaussian_pyramid,
)
from opendr_lite.renderer import SoftSilhouetteRenderer

from . import report, study
from .figure import COLOURS, axes_of
from .shapes import animal, earth, pot
from .soft import SIGMA_PIXELS, before_black
from .truth import supersampled

__all__ = ["Fit", "measured", "starts"]

PAGE = Path(__file__).parent.parent / "docs" / "how-to-choose.md"
WIDTH, HEIGHT, FOCAL, DISTANCE, FAR = 80, 60, 72.0, 4.0, 6.0
SHAPES = {"globe": earth, "animal": animal, "pot": pot}
IMAGES = {"silhouettes": SilhouetteRenderer, "colours": ColoredRenderer, "depth": DepthRenderer}
CASES = list(itertools.product(SHAPES, IMAGES))
STARTS, QUICK_STARTS = 10, 1
TURN = np.radians(60.0)
HOME = 2.0           # pixels
NEARBY = 0.1         # of the starts
SAMPLES = 8          # on a side of a pixel, of the pictures that are fitted
LEVELS = 4           # of a pyramid
GAUSS_NEWTON = {"maxiter": 60, "e_3": 1e-4}
METHODS = {"dogleg": GAUSS_NEWTON, "lm": GAUSS_NEWTON, "adam": {"step": 0.03, "maxiter": 100, "schedule": "cosine"}}
COLUMNS = ("model", "method", "on", *(f"{shape}, {image}" for shape, image in CASES), "all", "pixels off",
           "from nearby", "iterations", "ms")
WIDTHS = (20, 6, 7, *(max(len(column), 5) for column in COLUMNS[3:]))


def hard(image, scene, **how):
    """A node of an image of `IMAGES`."""
    return IMAGES[image](**scene, **how)


def soft(image, scene):
    """The same by Soft Rasterizer. It has no depth: that is how much nearer than `FAR` the mesh is, as colours."""
    if image == "silhouettes":
        return SoftSilhouetteRenderer(sigma_pixels=SIGMA_PIXELS, **scene)
    if image == "depth":
        return FAR - before_black(vc=FAR - scene["camera"].v_cam[:, 2:], **scene)
    return before_black(**scene)


@dataclass(frozen=True)
class Model:
    """Whose derivatives a fit goes by.

    Attributes
    ----------
    drawn : callable
        Takes the name of an image and what all renderers take; gives a node.
    methods : tuple of str
        Of `METHODS`, those that can be had.
    """

    drawn: Callable
    methods: tuple[str, ...] = tuple(METHODS)


MODELS = {"opendr": Model(hard), "opendr, no overdraw": Model(partial(hard, overdraw=False)),
          "exact": Model(partial(hard, derivative="exact")),
          "neural": Model(partial(hard, derivative="neural"), methods=("adam",)), "soft": Model(soft)}
WAYS = [(model, method, with_pyramid) for method in METHODS for model, row in MODELS.items() if method in row.methods
        for with_pyramid in (False, True)]


class Fit:
    """A mesh, and its picture at the true pose.

    Parameters
    ----------
    shape, image : str
        Of `CASES`.
    model : str
        Of `MODELS`.
    """

    def __init__(self, shape, image, model):
        scene = SHAPES[shape](WIDTH, HEIGHT)
        self.v = scene.v - scene.v.mean(axis=0)
        self.radius = np.linalg.norm(self.v, axis=1).max()
        self.is_round = shape == "globe" and image != "colours"
        self.pose = ch.zeros(6)
        world = ch.dot(self.v, Rodrigues(self.pose[3:]).T) + self.pose[:3]
        self.camera = ProjectPoints(v=world, rt=np.zeros(3), t=np.array([0.0, 0.0, DISTANCE]), f=2 * [FOCAL],
                                    c=[(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
        self.places = self.camera.r.copy()
        terms = {"camera": self.camera, "f": scene.f,
                 "frustum": {"near": 0.1, "far": FAR, "width": WIDTH, "height": HEIGHT}}
        if image == "colours":
            terms.update(vc=scene.vc, bgcolor=np.zeros(3))
        observed = supersampled(hard(image, terms, overdraw=False), FAR if image == "depth" else 0.0, SAMPLES)
        self.residual = MODELS[model].drawn(image, terms) - observed
        self.on_pyramid = gaussian_pyramid(self.residual, n_levels=LEVELS, normalization="size")

    def run(self, start, method, with_pyramid):
        """Fit from a start, (6,): how far it ends from home, in pixels; iterations; seconds."""
        self.pose[:] = start * np.repeat([self.radius, 1.0], 3)
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the rotation of a globe, or a mesh that went out of sight
            found = [ch.minimize(residual, x0=self.pose, method=method, options=METHODS[method])
                     for residual in ([self.on_pyramid] if with_pyramid else []) + [self.residual]]
        return self.off(), sum(each.nit for each in found), time.process_time() - begin

    def off(self):
        if self.is_round:
            self.pose[3:] = 0.0
        return float(np.sqrt(((self.camera.r - self.places) ** 2).sum(axis=1).mean()))


def starts(number):
    """Poses (number, 6): translations in the unit ball, rotation vectors up to `TURN` long."""
    random = np.random.default_rng(0)
    directions = random.standard_normal((number, 2, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    lengths = np.column_stack([random.random(number) ** (1 / 3), TURN * random.random(number)])
    return (lengths[:, :, None] * directions).reshape(number, 6)


def measured(model, method, with_pyramid, number):
    """A row of the results."""
    cases = {}
    for shape, image in CASES:
        fit = Fit(shape, image, model)
        off, iterations, seconds = zip(*(fit.run(start, method, with_pyramid) for start in starts(number)))
        nearby = [fit.run(NEARBY * start, method, with_pyramid)[0] for start in starts(number)]
        cases[f"{shape}, {image}"] = {"off": off, "iterations": iterations, "seconds": seconds, "nearby": nearby}
    return {"model": model, "method": method, "pyramid": with_pyramid, "cases": cases}


def home(values):
    """Share of starts that came home."""
    return sum(value < HOME for value in values) / max(len(values), 1)


def off_at_home(values):
    """Median of those that came home, 0 if none did."""
    return statistics.median([value for value in values if value < HOME] or [0.0])


def cells(row):
    cases = row["cases"].values()
    together = {name: list(chain.from_iterable(case[name] for case in cases))
                for name in ("off", "iterations", "seconds", "nearby")}
    return (row["model"], row["method"], "pyramid" if row["pyramid"] else "pixels",
            *(f"{100 * home(case['off']):.0f} %" for case in cases), f"{100 * home(together['off']):.0f} %",
            f"{off_at_home(together['off']):.2g}", f"{statistics.median(together['nearby']):.2g}",
            f"{statistics.median(together['iterations']):.0f}", f"{1e3 * statistics.median(together['seconds']):.0f}")


def measured_part(results):
    parts = [report.circumstances(results)]
    for method in dict.fromkeys(row["method"] for row in results["rows"]):
        lines = [COLUMNS, len(COLUMNS) * ["---"], *(cells(row) for row in results["rows"] if row["method"] == method)]
        parts += [f"### {method}", report.table((model, *rest) for model, _, *rest in lines)]
    return "\n\n".join(parts) + "\n"


def draw(results, path):
    """The figure: for each kind of image, which share comes home, and how exactly."""
    with axes_of(len(IMAGES) + 1, path) as axes:
        for axis, image in zip(axes, IMAGES):
            bars(axis, results["rows"], image, lambda off: 100 * home(off))
            axis.set(title=f"{image}: % of starts that come home", xlim=(0, 100))
        bars(axes[-1], results["rows"], "", off_at_home)
        axes[-1].set(title="pixels off, median of those at home")
        axes[-2].legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3)


def bars(axis, rows, image, of_distances):
    """A bar for each model, beside each other for each way to fit; of the cases whose name ends with `image`."""
    ways = list(dict.fromkeys(cells(row)[1:3] for row in rows))
    thickness = 0.7 / len(MODELS)
    for place, (colour, model) in enumerate(zip(COLOURS, MODELS)):
        chosen = [row for row in rows if row["model"] == model]
        off = [list(chain.from_iterable(case["off"] for name, case in row["cases"].items() if name.endswith(image)))
               for row in chosen]
        places = [ways.index(cells(row)[1:3]) + thickness * (place - (len(MODELS) - 1) / 2) for row in chosen]
        axis.barh(places, [of_distances(each) for each in off], thickness, color=colour, label=model)
    axis.set_yticks(range(len(ways)), [", ".join(way) for way in ways])
    axis.invert_yaxis()


def main():
    parser = study.command_line("benchmarks.basin", __doc__)
    parser.add_argument("--docs", action="store_true", help="put the results into the documentation, too")
    options = parser.parse_args()
    results = study.begin(options.quick, {})
    print(report.circumstances(results))
    print(study.aligned(COLUMNS, WIDTHS))
    number = QUICK_STARTS if options.quick else STARTS
    for row in study.until_interrupted(measured(*way, number) for way in WAYS):
        results["rows"].append(row)
        print(study.aligned(cells(row), WIDTHS), flush=True)
    study.leave(results, "basin", options.output, draw)
    if options.docs:
        report.write_page(PAGE, measured_part(results))
        draw(results, PAGE.parent / "images" / "basin.png")


if __name__ == "__main__":
    main()
