"""What was found in a scene, to be read by people and by programs."""
from dataclasses import dataclass

import numpy as np

__all__ = ["NOTE", "WARNING", "Finding", "SceneReport", "listed"]

WARNING, NOTE = "warning", "note"
MOST_LISTED = 5


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that was found in a scene.

    Attributes
    ----------
    name : str
        What to ask the report for.
    title : str
        What the entries of `which` are.
    which : (n,) array of int
        Indices of faces (rows of `f`), vertices, edges (rows of `rn.vpe`) or texture coordinates, ascending.
    total : int
        How many there are of which these are some.
    effect : str
        What it does to the derivative.
    remedy : str
        What to do.
    level : str
        'warning', or 'note' for what is usual, and harmless where it is meant.
    remark : str
        Follows the numbers.
    """

    name: str
    title: str
    which: np.ndarray
    total: int
    effect: str
    remedy: str
    level: str = WARNING
    remark: str = ""

    @property
    def count(self):
        """Number of entries of `which`."""
        return len(self.which)

    def __str__(self):
        return (f"{self.level}: {self.title}: {self.count} of {self.total}{self.remark} ({listed(self.which)})\n"
                f"    Effect: {self.effect}\n"
                f"    Remedy: {self.remedy}")


class SceneReport:
    """What `check_scene` found, an iterable of `Finding`.

    `report["unwelded seams"]` is the finding of that name, and None where it was not found. A report is true where it
    is `ok`.

    Attributes
    ----------
    findings : tuple of Finding
        Warnings first.
    ok : bool
        Whether there is no warning; there may be notes.
    """

    def __init__(self, title, findings):
        self.title = title
        self.findings = tuple(sorted(findings, key=lambda finding: finding.level != WARNING))

    @property
    def ok(self):
        return all(finding.level != WARNING for finding in self.findings)

    def __bool__(self):
        return self.ok

    def __iter__(self):
        return iter(self.findings)

    def __getitem__(self, name):
        return next((finding for finding in self.findings if finding.name == name), None)

    def __str__(self):
        warnings = sum(finding.level == WARNING for finding in self.findings)
        notes = len(self.findings) - warnings
        return "\n".join([f"{self.title}: {_counted(warnings, WARNING)}, {_counted(notes, NOTE)}",
                          *map(str, self.findings)])

    __repr__ = __str__


def listed(indices):
    """The first few indices as text."""
    first = ", ".join(map(str, indices[:MOST_LISTED]))
    return f"{first}, ..." if len(indices) > MOST_LISTED else first


def _counted(count, thing):
    return f"{count or 'no'} {thing}{'' if count == 1 else 's'}"
