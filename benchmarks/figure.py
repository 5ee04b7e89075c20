"""The results at a glance: a panel for each group of rows, each with dots at medians and lines from least to most."""
import contextlib
import re

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from .row import OURS

__all__ = ["axes_of", "draw", "ranges"]

COLOURS = ("#1b6ca8", "#e08e45", "#4d9a5b", "#8d6cab", "#b5485d", "#7f7f7f")
INK = "#333333"
FRAME = 1000 / 60  # milliseconds of a video frame


def draw(results, path):
    """Write the figure: those panels for which something was measured, if any."""
    panels = [(panel, rows) for group, panel in PANELS.items()
              if (rows := [row for row in results["rows"] if row["group"] == group and OURS in row["values"]])]
    if not panels:
        return
    with axes_of(len(panels), path) as axes:
        for axis, (panel, rows) in zip(axes, panels):
            panel(axis, rows)


@contextlib.contextmanager
def axes_of(count, path):
    """Axes for so many panels, two in a row; the figure is written when the block ends."""
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK,
             "axes.titlesize": 10, "axes.titlelocation": "left", "legend.frameon": False, "legend.fontsize": 8}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(11, 4 * -(-count // 2)), layout="constrained")
        axes = figure.subplots(-(-count // 2), 2, squeeze=False).ravel()
        for axis in axes[count:]:
            axis.set_axis_off()
        yield axes[:count]
        figure.savefig(path, dpi=100)


def beside_peers(axis, rows):
    ranges(axis, [(row["scene"], f"{row['job']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}", ratio)
                  for row in rows for peer, ratio in row["ratios"].items() if peer == "DEODR"])
    axis.axvline(1, color=INK, linewidth=0.8)
    axis.set(title="DEODR takes ... times as long")


def fits(axis, rows):
    ranges(axis, [(f"{row['job'].replace('Gauss-Newton step, ', 'step, ')}\n{row['scene']}",
                   f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}", row["values"][OURS]) for row in rows])
    axis.axvline(FRAME, color=INK, linewidth=0.8, linestyle=":")
    axis.text(FRAME, 0.01, " 60 a second", transform=axis.get_xaxis_transform(), fontsize=8, color=INK, va="bottom")
    axis.set(title="Fits, milliseconds")


def ranges(axis, entries):
    """A line with a dot for each (row of the panel, series, spread), on a logarithmic axis."""
    labels, series = (list(dict.fromkeys(entry[part] for entry in entries)) for part in (0, 1))
    for colour, name in zip(COLOURS, series):
        shift = 0.5 * ((series.index(name) + 0.5) / len(series) - 0.5)
        chosen = [(labels.index(label) + shift, spread) for label, this, spread in entries if this == name]
        places = [place for place, _ in chosen]
        axis.hlines(places, *([spread[end] for _, spread in chosen] for end in ("least", "most")), color=colour,
                    linewidth=1.5, alpha=0.5)
        axis.plot([spread["median"] for _, spread in chosen], places, "o", color=colour, markersize=4, label=name)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.invert_yaxis()
    axis.set_xscale("log")
    plain_numbers(axis.xaxis)
    axis.grid(axis="x", alpha=0.25)
    axis.legend()


def by_pixels(axis, rows):
    curves(axis, rows, lambda faces, width, height: width * height)
    axis.set(title="Images of 20,480 faces, one thread, milliseconds", xlabel="pixels")


def by_faces(axis, rows):
    curves(axis, rows, lambda faces, width, height: faces)
    axis.set(title="Images of 640x480 pixels, one thread, milliseconds", xlabel="faces")


def curves(axis, rows, size):
    """A curve for each job over the size of a scene."""
    for colour, job in zip(COLOURS, dict.fromkeys(row["job"] for row in rows)):
        chosen = sorted((size(*scene_numbers(row["scene"])), row["values"][OURS]) for row in rows if row["job"] == job)
        sizes = [at for at, _ in chosen]
        axis.loglog(sizes, [spread["median"] for _, spread in chosen], "o-", color=colour, markersize=4, label=job)
        axis.fill_between(sizes, *([spread[end] for _, spread in chosen] for end in ("least", "most")), color=colour,
                          alpha=0.2, linewidth=0)
    plain_numbers(axis.yaxis)
    axis.grid(alpha=0.25)
    axis.legend()


def scene_numbers(scene):
    """(faces, width, height) of "20,480 faces, 640x480"."""
    return tuple(int(digits) for digits in re.findall(r"\d+", scene.replace(",", "")))


def plain_numbers(axis):
    """Labels 1, 2, 5, 10, ... on a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


PANELS = {"Images": beside_peers, "Fits": fits, "Pixels": by_pixels, "Faces": by_faces}
