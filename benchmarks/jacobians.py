"""The Jacobian of an image: products with it, and itself as a sparse matrix."""
from functools import partial

import numpy as np

from .fits import pose_and_light
from .peers import OpenDRLite
from .row import OURS, Row
from .scenes import ball, described
from .timing import Job

__all__ = ["rows"]

SMALL, MEDIUM = (5856, 640, 480), (20480, 640, 480)
ALL = (SMALL, MEDIUM, (5856, 1024, 1024), (20480, 1024, 1024))
COLUMNS = 15
OPENDR = "OpenDR 0.77, recorded"
RECORDED = {SMALL: 290.0, MEDIUM: 460.0}  # dr_wrt(v), after rendering, of meshes with as many faces


def rows():
    for what in ALL:
        yield Row("Jacobians", f"J V, {COLUMNS} columns, by vertices", described(*what),
                  {OURS: partial(columns, what), "SciPy, with J given": partial(columns_of_matrix, what)},
                  memory=what == SMALL)
    yield Row("Jacobians", f"J V, {COLUMNS} columns, by pose and light", "globe, 320x240", {OURS: pose_columns},
              quick=True)
    for what in ALL:
        yield Row("Jacobians", "sparse matrix of image by screen", described(*what),
                  {OURS: partial(assembly, what), "memcpy of its bytes": partial(copying, what)},
                  quick=what == SMALL)
    for what in ALL:
        yield Row("Jacobians", "dr_wrt(v)", described(*what), {OURS: partial(whole, what)}, memory=what == SMALL,
                  quick=what == SMALL, recorded={OPENDR: RECORDED[what]} if what in RECORDED else {})


def rendered(what):
    """Ours, and the preparation that renders it."""
    scene = ball(*what)
    ours = OpenDRLite(scene, None)
    return ours, lambda repetition: ours.image(scene.moved(repetition))


def columns(what):
    ours, render = rendered(what)
    V = np.random.default_rng(0).normal(size=(ours.v.size, COLUMNS))
    return Job(lambda repetition: forget(ours.node.jvp(ours.v, V)), render)


def columns_of_matrix(what):
    ours, _ = rendered(what)
    J = ours.node.dr_wrt(ours.v)
    V = np.random.default_rng(0).normal(size=(ours.v.size, COLUMNS))
    return Job(lambda repetition: forget(J @ V))


def pose_columns():
    image, unknowns, _ = pose_and_light(320, 240)
    seed = np.eye(unknowns.size)

    def move(repetition):
        unknowns[2] = 8.0 + 1e-4 * repetition
        forget(image.r)

    return Job(lambda repetition: forget(image.jvp(unknowns, seed)), move)


def assembly(what):
    """The linear map is there before: it is made into a matrix."""
    ours, render = rendered(what)
    latest = []

    def prepare(repetition):
        render(repetition)
        latest[:] = [ours.node.compute_dr_wrt(ours.camera)]

    return Job(lambda repetition: forget(latest[0].to_sparse()), prepare)


def copying(what):
    """The arrays of that matrix, copied into new memory."""
    ours, _ = rendered(what)
    J = ours.node.compute_dr_wrt(ours.camera).to_sparse()
    arrays = J.data, J.indices, J.indptr
    return Job(lambda repetition: forget([array.copy() for array in arrays]))


def whole(what):
    ours, render = rendered(what)
    return Job(lambda repetition: forget(ours.node.dr_wrt(ours.v)), render)


def forget(result):
    """A job's value would be taken for a number of units."""
