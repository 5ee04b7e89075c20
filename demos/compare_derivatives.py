"""One picture and four derivatives of it, beside the truth: differences of pictures with many samples for each pixel.

A ball is half behind a tetrahedron. Shown is how the picture changes as both move right, and where vertices are to go
for a picture of the two a little farther on: minus the gradient of the sum of squares, each longest arrow as long.
"""
import numpy as np
from common import output_folder
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.camera import ProjectPoints
from opendr_lite.ops import join
from opendr_lite.plotting import save
from opendr_lite.primitives import icosphere, tetrahedron
from opendr_lite.renderer import ColoredRenderer, SoftRenderer
from opendr_lite.serialization import Mesh, save_image

WIDTH, HEIGHT, AWAY = 64, 48, 6.0
PIXEL = AWAY / WIDTH    # so far a vertex moves if its image moves by one
SAMPLES, REACH = 32, 0.1  # of the truth: on a side of a pixel; pixels to both sides
TARGET = np.array([2.0, 1.0, 0.0])  # pixels
LONGEST = 9.0           # pixels, of arrows
KINDS = {"opendr": "opendr", "exact": "exact", "neural": "neural", "soft": "soft, σ half a pixel"}

ball, tip = icosphere(0, 1.4), tetrahedron(1.3)
mesh = join([Mesh(ball.v + [-0.7, 0.2, AWAY], ball.f), Mesh(tip.v + [0.5, -0.2, AWAY - 1.6], tip.f)])
colors = 0.55 + 0.4 * np.sin(4 * mesh.v + [0, 1, 2])


def scene(v, fineness=1):
    """What all renderers take, for a picture that is so many times as large."""
    size = fineness * np.array([WIDTH, HEIGHT])
    lens = ProjectPoints(v=v, f=[fineness * WIDTH] * 2, c=(size - 1) / 2)
    return {"camera": lens, "f": mesh.f, "vc": colors, "bgcolor": 0.0,
            "frustum": {"near": 1.0, "far": 20.0, "width": size[0], "height": size[1]}}


def image(kind, v):
    """A node. Soft colours count as far as the silhouette does: by themselves they hide all that is near the mesh."""
    if kind == "soft":
        soft = SoftRenderer(sigma_pixels=0.5, gamma=0.01, **scene(v))
        return soft * ch.reshape(soft.silhouette, (HEIGHT, WIDTH, 1))
    return ColoredRenderer(derivative=kind, overdraw=False, **scene(v))


def truth(v):
    """The mean of what is seen in each pixel."""
    samples = ColoredRenderer(overdraw=False, **scene(v, SAMPLES)).r
    return samples.reshape(HEIGHT, SAMPLES, WIDTH, SAMPLES, 3).mean(axis=(1, 3))


def true_change(motion):
    """How the picture, and its sum of squares, change with a motion of the vertices."""
    behind, ahead = (truth(mesh.v + side * REACH * motion) for side in (-1, 1))
    squares = [np.sum((picture - target) ** 2) for picture in (behind, ahead)]
    return (ahead - behind) / (2 * REACH), (squares[1] - squares[0]) / (2 * REACH)


def compared(found, true):
    """In words, how a derivative differs from the true one."""
    if found is None:
        return "no derivative"
    found, true = np.ravel(found), np.ravel(true)
    lengths = np.linalg.norm(found), np.linalg.norm(true)
    return f"cosine {found @ true / np.prod(lengths):.3f}, error {np.linalg.norm(found - true) / lengths[1]:.0%}"


def show(column, titles, picture, change, gradient):
    """Downwards: a picture, how it changes to the right, where vertices are to go."""
    places = ProjectPoints(v=mesh.v, f=[WIDTH] * 2, c=[(WIDTH - 1) / 2, (HEIGHT - 1) / 2]).r
    steps = -LONGEST * gradient / np.linalg.norm(gradient, axis=1).max()
    column[0].imshow(np.clip(picture, 0, 1))
    if change is not None:
        column[1].imshow(change.mean(axis=2), cmap="RdBu_r", vmin=-strongest, vmax=strongest)
    column[2].imshow(0.6 + 0.4 * np.clip(picture, 0, 1))
    column[2].quiver(*places.T, *steps.T, angles="xy", scale_units="xy", scale=1, color="tab:red", width=0.012)
    for panel, title in zip(column, titles):
        panel.set(xticks=[], yticks=[], xlim=(-0.5, WIDTH - 0.5), ylim=(HEIGHT - 0.5, -0.5), aspect="equal")
        panel.set_title(title, fontsize="medium")


folder = output_folder("compare_derivatives", __doc__)
right = np.broadcast_to([PIXEL, 0.0, 0.0], mesh.v.shape)
each = PIXEL * np.eye(mesh.v.size).reshape(-1, 3, *mesh.v.shape)[:, :2]  # each vertex to the right, and down
target = truth(mesh.v + PIXEL * TARGET)
true_image, _ = true_change(right)
true_gradient = np.array([[true_change(motion)[1] for motion in motions] for motions in each])
strongest = np.abs(true_image.mean(axis=2)).max()

figure = Figure(figsize=(13, 6.6), layout="constrained")
columns = figure.subplots(3, 1 + len(KINDS)).T
pictures = [truth(mesh.v)]
titles = f"truth, {SAMPLES}x{SAMPLES} samples a pixel", "changes as all moves right", "where vertices are to go"
show(columns[0], titles, pictures[0], true_image, true_gradient)
for column, (kind, name) in zip(columns[1:], KINDS.items()):
    v = ch.array(mesh.v)
    picture = image(kind, v)
    change = None if kind == "neural" else picture.jvp(v, right).reshape(picture.shape)
    gradient = PIXEL * picture.vjp(v, 2 * (picture.r - target)).reshape(-1, 3)[:, :2]
    said = compared(change, true_image), compared(gradient, true_gradient)
    show(column, (name, *said), picture.r, change, gradient)
    pictures.append(picture.r)
    print(f"{kind}: of the image {said[0]}; of the sum of squares {said[1]}")
save(figure, folder / "figure.png")
save_image(folder / "image.png", np.kron(np.concatenate(pictures, axis=1), np.ones((4, 4, 1))))
