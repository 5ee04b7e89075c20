"""Workers that take turns at the same job, so that what else the machine does falls on all of them alike.

Here too: what is measured in a process that does nothing else, memory and the time of a start.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from .row import OURS, Row
from .timing import Spread

__all__ = ["Workers", "measured", "peak", "run", "starts"]

ROOT = Path(__file__).parent.parent
TURN = 0.04       # seconds
LEAST_TURNS, MOST_TURNS = 3, 15
LONGEST = 4       # times the budget that the least number of turns may take
WARM_STARTS = 3
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
           "VECLIB_MAXIMUM_THREADS")


def run(module, *arguments, environment=(), check=False):
    """A finished process of another module of this package; with `check`, an error unless it succeeded."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, env={**os.environ, **dict(environment)},
                          capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr}")
    return done


class Failure(Exception):
    """A worker says why it cannot."""


class Worker:
    """A process with one contender in it."""

    def __init__(self, name, threads):
        environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.worker", name], cwd=ROOT, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        """The answer to a request; `Failure` if it is an error, or none comes."""
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline() or '{"error": "the process ended"}')
        except BrokenPipeError:
            answer = {"error": "the process ended"}
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def end(self):
        self.process.communicate()


class Workers:
    """One worker for each contender, started when first needed.

    Parameters
    ----------
    threads : int
    """

    def __init__(self, threads):
        self.threads, self.workers = threads, {}

    def __getitem__(self, name):
        if name not in self.workers:
            self.workers[name] = Worker(name, self.threads)
        return self.workers[name]

    def drop(self, name):
        """End one; the next row starts it anew."""
        self.workers.pop(name).end()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for name in list(self.workers):
            self.drop(name)


def measured(row, workers, excluded, budget):
    """A row of the results: what each contender took, in milliseconds, and how many times as long as ours.

    Parameters
    ----------
    row : Row
    workers : Workers
    excluded : dict of name -> str
        Peers that do not take part, and why.
    budget : float
        Seconds for each contender, after a first turn that does not count; more if it had but few turns.
    """
    names = [name for name in row.contenders if name not in excluded]
    out = {name: why for name, why in excluded.items() if name in row.contenders}
    turns, spent = {name: [] for name in names}, dict.fromkeys(names, 0.0)
    clock = "process_time" if workers.threads == 1 else "perf_counter"

    def ask(name, **request):
        try:
            return workers[name].ask(**request)
        except Failure as failure:
            workers.drop(name)
            names.remove(name)
            out[name] = str(failure)

    for name in list(names):
        ask(name, row=row.label)
    for number in range(MOST_TURNS + 1):
        for name in sorted(names, reverse=number % 2):
            if spent[name] < (budget if len(turns[name]) > LEAST_TURNS else LONGEST * budget):
                start = time.perf_counter()
                answer = ask(name, first=sum(map(len, turns[name])), seconds=TURN, clock=clock)
                turns[name].append(answer and answer["times"])
                spent[name] += number and time.perf_counter() - start
    return result(row, workers.threads, "ms", {name: turns[name][1:] for name in names}, out)


def peak(row, threads):
    """A row of the results: the most memory of a process in which we do a job twice, and nothing else."""
    turns, out = {}, {}
    with Workers(threads) as workers:
        try:
            workers[OURS].ask(row=row.label)
            for repetition in (0, 1):
                workers[OURS].ask(first=repetition, seconds=0.0, clock="perf_counter")
            turns[OURS] = [[workers[OURS].ask(peak=True)["megabytes"]]]
        except Failure as failure:
            out[OURS] = str(failure)
    return result(row, threads, "MB", turns, out)


def starts(threads):
    """Rows of the results for fresh processes: with nothing compiled before, and after that."""
    with tempfile.TemporaryDirectory() as cache:
        for job, repetitions in (("cold start", 1), ("warm start", WARM_STARTS)):
            runs = [json.loads(run("benchmarks.start", environment={"NUMBA_CACHE_DIR": cache}, check=True).stdout)
                    for _ in range(repetitions)]
            for step in runs[0]:
                times = [each[step] for each in runs]
                yield result(Row("Start", job, f"to {step}", {}), threads, "ms", {OURS: [times]}, {})


def result(row, threads, unit, turns, excluded):
    """What is written to the file of a row.

    Parameters
    ----------
    turns : dict of name -> list of lists of numbers
    """
    ours = turns.get(OURS, [])
    ratios = {name: [statistics.median(theirs) / statistics.median(mine) for theirs, mine in zip(their_turns, ours)]
              for name, their_turns in turns.items() if name != OURS}
    if unit == "ms":
        ratios.update({name: [theirs / statistics.median(mine) for mine in ours]
                       for name, theirs in row.recorded.items()})
    values = {name: sum(its_turns, []) for name, its_turns in turns.items()}
    return {"group": row.group if unit == "ms" else "Memory", "job": row.job, "scene": row.scene,
            "threads": threads, "unit": unit,
            "values": {name: {**asdict(Spread.of(numbers)), "all": numbers} for name, numbers in values.items()},
            "ratios": {name: asdict(Spread.of(numbers)) for name, numbers in ratios.items() if numbers},
            "recorded": row.recorded if unit == "ms" else {}, "excluded": excluded}
