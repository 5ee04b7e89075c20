"""The texture of a globe from pictures taken all around it: a cube of texels for each face, found by steps of Adam.

As in the third example of the Neural 3D Mesh Renderer's authors: texels and light, no texture coordinates; each step
sees one picture, drawn at random. The light has an ambient part, and one that comes from a direction and is the same
all over a face.

    python demos/texture_from_views.py
    python demos/texture_from_views.py --size 48 --views 6 --steps 40
"""
import argparse
from pathlib import Path

import numpy as np
from common import HERE, globe

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.geometry import TriNormals
from opendr_lite.plotting import image_row, save
from opendr_lite.renderer import ColoredRenderer, FaceTexture, TexturedRenderer
from opendr_lite.serialization import save_image
from opendr_lite.viewpoints import eye_from_angles, look_at
from opendr_lite.views import Views

SIDE = 4  # texels along each axis of a cube
NORTH = (0, -1, 0)  # the globe's y points south
AMBIENT, DIRECTIONAL, FROM = 0.6, 0.4, np.array([1.0, -2.0, 2.0]) / 3
SPACE = [0.09, 0.10, 0.14]  # the background

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--size", type=int, default=128, help="of the pictures, in pixels")
parser.add_argument("--views", type=int, default=24, help="how many pictures are taken")
parser.add_argument("--steps", type=int, default=300, help="of Adam")
parser.add_argument("--output", type=Path, default=HERE / "output" / "texture_from_views", help="for the pictures")
options = parser.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

mesh = globe()
scene = {"f": mesh.f, "bgcolor": SPACE, "derivative": "neural", "anti_aliasing": True,
         "frustum": {"near": 1.0, "far": 100.0, "width": options.size, "height": options.size}}
normals = ch.reshape(TriNormals(v=mesh.v, f=mesh.f), (-1, 3))
light = AMBIENT + DIRECTIONAL * ch.maximum(ch.dot(normals, FROM), 0.0)


def camera(azimuth, elevation=0.0):
    view = look_at(eye_from_angles(7.0, elevation, azimuth), up=NORTH)
    return ProjectPoints(v=mesh.v, rt=view.rt, t=view.t, f=[1.5 * options.size] * 2, c=[(options.size - 1) / 2] * 2)


def picture(view):
    """What is to be seen: the globe with its own texture."""
    return TexturedRenderer(camera=view, texture_image=mesh.texture_image, vt=mesh.vt, ft=mesh.ft,
                            fc=ch.reshape(light, (-1, 1)), **scene)


def fit(view, texels):
    """What is seen of the texels."""
    return ColoredRenderer(camera=view, fc=FaceTexture(texels * ch.reshape(light, (-1, 1, 1, 1, 1))), **scene)


def quality(one, other):
    """Peak signal-to-noise ratio in decibels."""
    return -10 * np.log10(np.mean((one - other) ** 2))


random = np.random.default_rng(0)
angles = np.column_stack([random.uniform(0, 360, options.views), random.uniform(-50, 50, options.views)])
texels = ch.array(np.full((len(mesh.f), SIDE, SIDE, SIDE, 3), 0.5))
cameras = [camera(*each) for each in angles]
shared = fit(cameras[0], texels)
views = Views(shared, cameras=cameras, images=[picture(each).r for each in cameras])
new = camera(70.0, 20.0)  # from where no picture was taken
before, wanted = fit(new, texels).r, picture(new).r
ch.minimize(views, x0=[texels], method="adam",
            options={"step": 0.1, "betas": (0.5, 0.999), "maxiter": options.steps, "batch_size": 1, "seed": 0,
                     "schedule": "cosine"})
after = fit(new, texels).r

pictures = {"start": before, f"{options.steps} steps": after, "its own texture": wanted}
save(image_row(pictures), options.output / "figure.png")
save_image(options.output / "image.png", after)
print(f"Seen from where no picture was taken: {quality(before, wanted):.1f} dB at the start, "
      f"{quality(after, wanted):.1f} dB after {options.steps} steps of {texels.size} unknowns")
