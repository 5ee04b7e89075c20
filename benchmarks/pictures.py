"""Whether a peer draws the same pictures: ``python -m benchmarks.pictures PEER --rows PATTERN``.

In a process of its own: a library that misses what it compiles with may end the process.
"""
import argparse
import json

import numpy as np

from .images import pictures_of
from .peers import PEERS
from .race import run
from .rows import choose
from .scenes import ball

__all__ = ["exclusion"]


def difference(ours, theirs, scene):
    """The largest difference between the pictures of two adapters, where no silhouette is within two pixels."""
    nothing = np.zeros((scene.height, scene.width, *ours.channels))
    ours, theirs = ours(scene, nothing), theirs(scene, nothing)
    apart = np.abs(theirs.image(scene.v) - ours.image(scene.v))
    edges = np.pad(ours.node.boundarybool_image > 0, 2)
    for axis in (0, 1):
        edges = np.max([np.roll(edges, shift, axis) for shift in range(-2, 3)], axis=0)
    return float(apart[~edges[2:-2, 2:-2]].max())


def exclusion(peer, pattern, quick):
    """None, or why a peer does not take part."""
    if not PEERS[peer].installed():
        return "not installed"
    done = run("benchmarks.pictures", peer, "--rows", pattern, *(["--quick"] if quick else []))
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it ended the process"]
        return said[-1 if said[0].startswith("Traceback") else 0]
    wrong = [f"{name} by {apart:.2g}" for name, apart in json.loads(done.stdout.splitlines()[-1]).items()]
    return f"draws other pictures: {', '.join(wrong)}" if wrong else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--rows", default="")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    pictures = pictures_of(options.peer, choose(options.rows, options.quick))
    apart = {name: difference(ours, theirs, ball(*what)) for name, (ours, theirs, what) in pictures.items()}
    print(json.dumps({name: by for name, by in apart.items() if not by <= pictures[name][1].tolerance}))


if __name__ == "__main__":
    main()
