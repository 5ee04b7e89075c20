"""The picture as it ought to be: each pixel the mean of what is seen in its square, from many samples."""
import itertools

import numpy as np

from opendr_lite import ColoredRenderer, DepthRenderer, ProjectPoints

__all__ = ["supersampled_colours", "supersampled_depth"]

TILE = 20  # pixels, on a side: what is drawn of it stays in the caches


def supersampled_colours(scene, v, samples=32, shift=(0.0, 0.0)):
    """The picture of a `Scene` with vertices v, (h, w, 3).

    Parameters
    ----------
    samples : int
        A square of samples * samples in each pixel.
    shift : (2,)
        Of all samples, in distances between them.
    """
    camera = ProjectPoints(v=v, rt=np.zeros(3), t=np.zeros(3), f=2 * [scene.focal],
                           c=[(scene.width - 1) / 2, (scene.height - 1) / 2])
    frustum = {"near": scene.near, "far": scene.far, "width": scene.width, "height": scene.height}
    renderer = ColoredRenderer(camera=camera, f=scene.f, vc=scene.vc, bgcolor=np.zeros(3), overdraw=False,
                               frustum=frustum)
    return supersampled(renderer, 0.0, samples, shift)


def supersampled_depth(camera, f, far, width, height, samples=8):
    """The mean depth in each pixel, (h, w), with `far` where nothing is seen."""
    frustum = {"near": 1e-3 * far, "far": far, "width": width, "height": height}
    return supersampled(DepthRenderer(camera=camera, f=f, overdraw=False, frustum=frustum), far, samples)


def supersampled(renderer, empty, samples, shift=(0.0, 0.0)):
    """The mean in each pixel of an aliased image, `samples` times as large, drawn in tiles; `empty` around the mesh."""
    frustum, camera = renderer.frustum, renderer.camera
    size = np.array([frustum["width"], frustum["height"]])
    image = np.full(renderer.shape, empty)
    places = camera.r.reshape(-1, 2)
    low = np.clip(np.floor(places.min(axis=0) + 0.5), 0, size).astype(int)
    high = np.clip(np.floor(places.max(axis=0) + 1.5), 0, size).astype(int)
    focal, centre = np.broadcast_to(camera.f.r, 2), np.broadcast_to(camera.c.r, 2)
    for start in itertools.product(*(range(first, last, TILE) for first, last in zip(low, high))):
        width, height = np.minimum(high - start, TILE)
        tile = renderer.copy()
        tile.frustum = {**frustum, "width": samples * width, "height": samples * height}
        tile.camera = ProjectPoints(v=camera.v, rt=camera.rt, t=camera.t, k=camera.k, f=samples * focal,
                                    c=samples * (centre - start + 0.5) - 0.5 - np.asarray(shift))
        whole = tile.r.reshape(height, samples, width, samples, -1).mean(axis=(1, 3))
        image[start[1]:start[1] + height, start[0]:start[0] + width] = whole.reshape(height, width, *image.shape[2:])
    return image
