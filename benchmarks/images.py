"""Images, and the gradient of a sum of squares over them, by vertices and vertex colours."""
from dataclasses import dataclass
from functools import partial

import numpy as np

from opendr_lite import set_num_threads

from .peers import PEERS, OpenDRLite
from .row import ALL, ONE, OURS, Row
from .scenes import ball, described
from .timing import Job

__all__ = ["Drawing", "pictures_of", "rows"]

SIZES = ((640, 480), (1024, 1024))
FACES = (5856, 20480, 81920, 327680)
SMALLEST, LARGEST = (5856, 640, 480), (327680, 1024, 1024)
QUICK = (SMALLEST, (20480, 640, 480))
PIXELS = ((160, 120), (320, 240), (640, 480), (1024, 768), (2048, 1536))
MESHES = (1280, 5120, 20480, 81920, 327680, 1310720)
METHODS = {"forward": "image", "forward + gradient": "gradient"}  # of an adapter


def rows():
    for job, method in METHODS.items():
        for what in ((faces, *size) for faces in FACES for size in SIZES):
            yield Row("Images", job, described(*what), {**ours(method, what), **peers(method, what)},
                      quick=what in QUICK, memory=what == LARGEST or (job, what) == ("forward + gradient", SMALLEST))
        for what in (SMALLEST, LARGEST):
            yield Row("Threads", job, described(*what),
                      {**ours(method, what), "one thread": partial(by_one_thread, Drawing(OpenDRLite, method, what))},
                      threads=(ALL,), quick=what == SMALLEST)
        for what in ((20480, *size) for size in PIXELS):
            yield Row("Pixels", job, described(*what), ours(method, what), threads=(ONE,))
        for what in ((faces, 640, 480) for faces in MESHES):
            yield Row("Faces", job, described(*what), ours(method, what), threads=(ONE,),
                      memory=what[0] == MESHES[-1])


def ours(method, what):
    return {OURS: Drawing(OpenDRLite, method, what)}


def peers(method, what):
    """The peers that do it in reasonable time."""
    return {name: Drawing(peer, method, what) for name, peer in PEERS.items() if what == SMALLEST or not peer.slow}


def pictures_of(peer, rows):
    """What a peer draws in these rows: name -> (our adapter, its adapter, arguments of `ball`)."""
    compared = {(row.contenders[OURS].renderer, row.contenders[peer].renderer, row.contenders[peer].what):
                f"{row.job}, {row.scene}" for row in reversed(rows) if peer in row.contenders}
    return {name: what for what, name in compared.items()}


@dataclass(frozen=True)
class Drawing:
    """Makes the job of drawing a ball with a renderer, a little farther away each time.

    Attributes
    ----------
    renderer : type
        Of `peers`.
    method : str
        'image' or 'gradient'.
    what : tuple of int
        Arguments of `ball`.
    how : tuple of (str, value)
        What else the renderer takes.
    """

    renderer: type
    method: str
    what: tuple[int, int, int]
    how: tuple[tuple[str, object], ...] = ()

    def __call__(self):
        scene = ball(*self.what)
        target = np.random.default_rng(0).random((scene.height, scene.width, *self.renderer.channels))
        draw = getattr(self.renderer(scene, target, **dict(self.how)), self.method)

        def run(repetition):
            draw(scene.moved(repetition))

        return Job(run)


def by_one_thread(drawing):
    set_num_threads(1)
    return drawing()
