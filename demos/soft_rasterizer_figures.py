"""A knot by Soft Rasterizer: what sigma, which blurs outlines, and gamma, which blurs depth, make of it."""
import numpy as np
from common import camera, knot, output_folder
from matplotlib.figure import Figure

from opendr_lite.geometry import VertNormals
from opendr_lite.plotting import save
from opendr_lite.renderer import SilhouetteRenderer, SoftRenderer
from opendr_lite.serialization import save_image

SIGMAS = 1e-5, 3e-3, 1e-2, 3e-2
GAMMAS = 1e-4, 1e-2, 3e-2, 1e-1
SIZE = {"near": 1.0, "far": 20.0, "width": 160, "height": 120}

folder = output_folder("soft_rasterizer_figures", __doc__)
mesh = knot(along=120, around=12)
lens = camera(mesh.v, rt=(0.3, 0.2, 0))
lens.f, lens.c = [160, 160], [79.5, 59.5]
colors = 0.5 - 0.5 * VertNormals(v=mesh.v, f=mesh.f).r
image = SoftRenderer(camera=lens, f=mesh.f, vc=colors, bgcolor=1.0, frustum=SIZE)

figure = Figure(figsize=(12, 9.2), layout="constrained")
rows = figure.subplots(4, 4)


def show(panel, title, picture, **how):
    panel.imshow(picture, **how)
    panel.set_title(title)
    panel.set_axis_off()


seen = SilhouetteRenderer(camera=lens, f=mesh.f, overdraw=False, frustum=SIZE).r > 0
pulled, pictures = {}, {}
for sigma, column in zip(SIGMAS, rows.T):
    image.set(sigma=sigma, gamma=1e-4)
    outline = image.silhouette
    motion = outline.derivative_image(lens.t, 0)
    reach = np.abs(motion).max()
    pulled[sigma] = np.mean(np.abs(motion) > 1e-3 * reach)
    pictures[sigma] = image.r
    show(column[0], f"silhouette, σ = {sigma:g}", outline.r, cmap="gray", vmin=0, vmax=1)
    show(column[1], "its derivative, moving right", motion, cmap="RdBu_r", vmin=-reach, vmax=reach)
    show(column[2], f"colours, σ = {sigma:g}, γ = {image.gamma.r:g}", np.clip(image.r, 0, 1))
image.sigma = 1e-4
hidden = {}
for gamma, panel in zip(GAMMAS, rows[3]):
    image.gamma = gamma
    show(panel, f"colours, σ = {image.sigma.r:g}, γ = {gamma:g}", np.clip(image.r, 0, 1))
    behind = ~np.isin(np.arange(len(mesh.f)), image.visibility_image[seen])
    share = image.copy()
    share.set(vc=None, fc=np.where(behind, 1.0, 0.0), bgcolor=0.0)
    hidden[gamma] = share.r[seen].mean()
save(figure, folder / "figure.png")
save_image(folder / "image.png", np.kron(np.clip(pictures[3e-3], 0, 1), np.ones((2, 2, 1))))
print("Share of the pixels that pull on the knot: "
      + ", ".join(f"{share:.0%} (sigma {sigma:g})" for sigma, share in pulled.items()))
print("Share of what a pixel shows that is of hidden faces: "
      + ", ".join(f"{share:.1%} (gamma {gamma:g})" for gamma, share in hidden.items()))
