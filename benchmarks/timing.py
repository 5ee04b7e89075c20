"""Jobs, the turns in which they are timed, and what is said of the times."""
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Job", "Spread", "turn"]


@dataclass(frozen=True)
class Job:
    """Something to be timed.

    Attributes
    ----------
    run : callable
        Called with the number of the repetition; may return how many units of work it did, by which its time is
        then divided.
    prepare : callable, optional
        Called before, with the same number, and not timed.
    """

    run: Callable
    prepare: Callable = lambda repetition: None


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some numbers."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, numbers):
        return cls(statistics.median(numbers), min(numbers), max(numbers))


def turn(job, first, seconds, clock=time.perf_counter):
    """Times of repetitions of a job, in milliseconds.

    Parameters
    ----------
    first : int
        Number of the first repetition.
    seconds : float
        After how long no other repetition begins. A turn has at least one.
    clock : callable
        `time.perf_counter`, or `time.process_time` where a single thread works: other processes hardly count then.
    """
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        job.prepare(first + len(times))
        start = clock()
        units = job.run(first + len(times))
        times.append(1e3 * (clock() - start) / (units or 1))
    return times
