"""How fast the main jobs are, beside other renderers where these are installed (`pip install -e .[peers]`).

Prints a table, and leaves it as benchmarks.json with all times, and a figure, benchmarks.png. With one thread, times
are those of the processor; with more, those of the clock on the wall. Compare ratios: times on a busy machine say
little. Ctrl-C ends it, and keeps what was measured.
"""
import re
from itertools import chain

from . import figure, machine, report, study
from .peers import PEERS
from .pictures import exclusion
from .race import Workers, measured, peak, starts
from .row import ALL, ONE
from .rows import choose

BUDGET, QUICK_BUDGET = 0.4, 0.1  # seconds for each contender in a row


def results_of(rows, excluded, budget):
    """Rows of the results, as they come."""
    for kind, threads in {ONE: 1, ALL: machine.cpu_count()}.items():
        if kind == ONE or threads > 1:
            with Workers(threads) as workers:
                for row in rows:
                    if kind in row.threads:
                        yield measured(row, workers, excluded, budget)
    for row in rows:
        if row.memory:
            yield peak(row, machine.cpu_count())


def exclusions(rows, options):
    """Peers that do not take part, name -> why."""
    whys = {}
    for name, peer in PEERS.items():
        if options.quick and peer.slow and peer.installed():
            whys[name] = "too slow for a quick run"
        elif any(name in row.contenders for row in rows):
            whys[name] = exclusion(name, options.rows, options.quick)
    return {name: why for name, why in whys.items() if why}


def main():
    parser = study.command_line("benchmarks", __doc__)
    parser.add_argument("--rows", default="", metavar="PATTERN",
                        help="only rows with this regular expression in 'group: job, scene', such as '^Fits|^Start'")
    parser.add_argument("--docs", action="store_true", help="put the results into the documentation, too")
    options = parser.parse_args()

    rows = choose(options.rows, options.quick)
    results = study.begin(options.quick, {})
    results["excluded"] = excluded = exclusions(rows, options)  # its processes would count as load
    print(report.circumstances(results))
    print(report.HEADER)
    measurements = [results_of(rows, excluded, QUICK_BUDGET if options.quick else BUDGET)]
    if re.search(options.rows, "Start"):
        measurements.append(starts(machine.cpu_count()))
    for result in study.until_interrupted(chain(*measurements)):
        results["rows"].append(result)
        print(*report.lines(result), sep="\n", flush=True)
    study.leave(results, "benchmarks", options.output, figure.draw)
    if options.docs:
        report.write_page(report.PAGE, report.measured_part(results))
        figure.draw(results, report.PICTURE)


if __name__ == "__main__":
    main()
