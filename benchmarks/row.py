"""A line of the table: a job in a scene, and who does it."""
from collections.abc import Callable
from dataclasses import dataclass, field

from .timing import Job

__all__ = ["ALL", "BOTH", "ONE", "OURS", "Row"]

OURS = "opendr_lite"
ONE, ALL = "one thread", "all threads"
BOTH = (ONE, ALL)


@dataclass(frozen=True)
class Row:
    """What is measured.

    Attributes
    ----------
    group, job, scene : str
        Together unlike those of other rows.
    contenders : dict of name -> callable
        Who does it, ours (`OURS`) first; called without arguments, each gives its `Job`.
    recorded : dict of name -> float
        Milliseconds that others took elsewhere.
    threads : tuple
        With how many it is timed: of `ONE`, `ALL`.
    quick, memory : bool
        Whether it is part of a quick run; whether our peak of memory is measured, too.
    """

    group: str
    job: str
    scene: str
    contenders: dict[str, Callable[[], Job]]
    recorded: dict[str, float] = field(default_factory=dict)
    threads: tuple[str, ...] = BOTH
    quick: bool = False
    memory: bool = False

    @property
    def label(self):
        return f"{self.group}: {self.job}, {self.scene}"
