"""The results for people: a table as text, and the same in the documentation."""
import json
from pathlib import Path

from .row import OURS

__all__ = ["HEADER", "PAGE", "PICTURE", "circumstances", "lines", "measured_part", "number", "table", "write_json",
           "write_page"]

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PICTURE = PAGE.parent / "images" / "benchmarks.png"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
HEADER = f"{'times as long':<25}{'':<41}{'':<31}{'threads':<9}{OURS:<33}beside"
COLUMNS = ("times as long", "job", "scene", "threads", OURS, "beside")


def cells(result):
    """(ratio, job, scene, threads, ours, beside) of a row, once for each that it is compared with."""
    values, unit = result["values"], result["unit"]
    ours = spread(values[OURS], unit) if OURS in values else f"failed: {result['excluded'][OURS]}"
    what = result["job"], result["scene"], str(result["threads"]), ours
    others = {name: spread(value, unit) for name, value in values.items() if name != OURS}
    others.update({name: f"{number(value)} {unit}" for name, value in result["recorded"].items()})
    beside = [(spread(result["ratios"][name], "x") if name in result["ratios"] else "", f"{name} {value}")
              for name, value in others.items()]
    return [(ratio, *what, beside) for ratio, beside in beside or [("", "")]]


def lines(result):
    """The same as text, under `HEADER`."""
    return [f"{ratio:<25}{job:<41}{scene:<31}{threads:<9}{ours:<33}{beside}".rstrip()
            for ratio, job, scene, threads, ours, beside in cells(result)]


def spread(values, unit):
    """As in "4.1 ms (3.8 to 5.0)"."""
    middle = f"{number(values['median'])} {unit}"
    if values["least"] == values["most"]:
        return middle
    return f"{middle} ({number(values['least'])} to {number(values['most'])})"


def number(value):
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def write_json(results, path):
    path.write_text(json.dumps(results, indent=1) + "\n")


def write_page(page, part):
    """Put the results into a page of the documentation, between its two marks."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    page.write_text(before + BEGIN + "\n" + part + "\n" + END + after, encoding="utf-8")


def measured_part(results):
    parts = [circumstances(results)]
    for group in dict.fromkeys(result["group"] for result in results["rows"]):
        rows = [row for result in results["rows"] if result["group"] == group for row in cells(result)]
        columns = [column for column in zip(COLUMNS, len(COLUMNS) * ["---"], *rows) if any(column[2:])]
        parts += [f"### {group}", table(zip(*columns))]
    return "\n\n".join(parts) + "\n"


def table(rows):
    """Rows of cells for a page; the second has dashes."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def circumstances(results):
    """When, where and with what it was measured, in sentences."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    busy = "" if results["load"] is None else f" (load {results['load']} before)"
    said = [f"{'A quick run' if results['quick'] else 'Run'} of {results['date']} on {results['machine']}{busy}, with "
            f"{versions}.", *(f"{peer} did not take part: {why}." for peer, why in results["excluded"].items())]
    return "\n".join(said)
