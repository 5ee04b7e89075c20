"""What the studies share with the benchmark of times: options, circumstances, and where results go."""
import argparse
import datetime
from pathlib import Path

from . import machine, report
from .race import ROOT

__all__ = ["aligned", "begin", "command_line", "leave", "until_interrupted"]


def command_line(module, description):
    """A parser that knows --quick and --output."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few of all, to see that it works")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "output", help="folder for the results")
    return parser


def begin(quick, excluded):
    """Results without rows.

    Parameters
    ----------
    excluded : dict of name -> str
        Who does not take part, and why.
    """
    return {"date": datetime.date.today().isoformat(), "quick": quick, "machine": machine.description(),
            "load": machine.load(), "versions": machine.versions(), "excluded": excluded, "rows": []}


def until_interrupted(rows):
    """The rows as they come; Ctrl-C ends them."""
    try:
        yield from rows
    except KeyboardInterrupt:
        print("interrupted: the rest is left out")


def leave(results, name, folder, draw):
    """Write NAME.json and NAME.png, the latter by draw(results, path)."""
    folder.mkdir(parents=True, exist_ok=True)
    report.write_json(results, folder / f"{name}.json")
    draw(results, folder / f"{name}.png")


def aligned(cells, widths):
    """Cells as a line of text."""
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths)).rstrip()
