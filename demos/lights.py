"""All lights, on vertices and on pixels of a coarse mesh; and a spotlight found from the picture that it makes."""
import numpy as np
from common import FRUSTUM, camera, knot, output_folder
from matplotlib.figure import Figure

from opendr_lite import ch
from opendr_lite.geometry import VertNormals
from opendr_lite.lighting import (
    AmbientLight,
    DirectionalLight,
    EnvironmentHarmonics,
    PointLight,
    SphericalHarmonics,
    SpotLight,
)
from opendr_lite.plotting import save
from opendr_lite.renderer import ColoredRenderer, ShadedRenderer
from opendr_lite.serialization import save_image

EYE, GLOSS = np.array([0.0, 0, -8]), {"specular_color": 0.6, "shininess": 40.0}


def wall(across=12, down=9, depth=2.5):
    """Squares behind everything else, turned to the camera."""
    y, x = np.mgrid[-4.5:4.5:1j * (down + 1), -6:6:1j * (across + 1)]
    here = np.arange(x.size).reshape(x.shape)
    corners = (here[:-1, :-1], here[1:, :-1], here[:-1, 1:], here[:-1, 1:], here[1:, :-1], here[1:, 1:])
    return np.stack([x, y, np.full_like(x, depth)], axis=2).reshape(-1, 3), np.stack(corners, axis=2).reshape(-1, 3)


def panorama():
    """A sky that is bright above, green below, with a warm sun on the right."""
    up, around = np.linspace(1, -1, 32)[:, None], np.linspace(-np.pi, np.pi, 64)
    sun = 8 * np.exp(-6 * (up - 0.4) ** 2 - 3 * (around - 1.2) ** 2)
    red, green, blue = 0.15 + 0.2 * up + sun, 0.35 + 0.1 * up + 0.7 * sun, 0.4 + 0.4 * up + 0.3 * sun
    return 0.8 * np.stack([red, green, blue], axis=2).clip(0)


folder = output_folder("lights", __doc__)
tube, (plane, squares) = knot(along=60, around=8), wall()
v, f = np.concatenate([tube.v, plane]), np.concatenate([tube.f, squares + len(tube.v)])
albedo = np.repeat([[0.95, 0.65, 0.4], [0.6, 0.65, 0.75]], [len(tube.v), len(plane)], axis=0)
vn, view = VertNormals(v, f), camera(v)

ambient = AmbientLight(light_color=0.2)
sun = DirectionalLight(light_dir=[1.0, 1.5, 2.0], light_color=[0.45, 0.42, 0.35])
lamp = PointLight(light_pos=[-3.0, -1.5, -1.0], light_color=[1.2, 0.9, 0.6], attenuation=[0.0, 0.0, 0.3])
spot = SpotLight(light_pos=[2.0, -2.5, -5.0], light_dir=[0.3, 1.1, 6.0], cone=[0.2, 0.26], light_color=0.7)
sky = SphericalHarmonics(components=EnvironmentHarmonics(panorama()))
scenes = {  # name -> lights, and how the surface shines
    "ambient": ([ambient], {}), "directional": ([ambient, sun], {}), "point, with falloff": ([ambient, lamp], {}),
    "spot": ([ambient, spot], {}), "panorama, as harmonics": ([sky], {}),
    "Phong highlights": ([ambient, sun, lamp], {**GLOSS, "lobe": "phong"}),
    "Blinn-Phong highlights": ([ambient, sun, lamp], {**GLOSS, "lobe": "blinn_phong"}),
    "all": ([ambient, sun, lamp, spot, sky], GLOSS)}

common = {"camera": view, "f": f, "frustum": FRUSTUM, "bgcolor": 0.0, "overdraw": False}
pictures = {}
for name, (lights, gloss) in scenes.items():
    colors = sum(light.on(v=v, vn=vn, vc=albedo, eye=EYE, **gloss) for light in lights)
    pictures[name] = (ColoredRenderer(vc=colors, **common),
                      ShadedRenderer(lights=lights, vn=vn, vc=albedo, eye=EYE, **gloss, **common))

figure = Figure(figsize=(15, 11.6), layout="constrained")
axes = figure.subplots(4, 4)
for place, (name, images) in enumerate(pictures.items()):
    for below, (shading, image) in enumerate(zip(("Gouraud: vertices are lit", "Phong: pixels are lit"), images)):
        panel = axes[2 * (place // 4) + below, place % 4]
        panel.imshow(np.clip(image.r, 0, 1))
        panel.set_title(f"{name}\n{shading}" if not below else shading)
        panel.set_axis_off()
save(figure, folder / "figure.png")
save_image(folder / "image.png", np.clip(pictures["all"][1].r, 0, 1))

position, direction, cone = spot.light_pos, spot.light_dir, spot.cone
image = ShadedRenderer(lights=[ambient, spot], vn=vn, vc=albedo, **common)
target, stood, width = image.r, position.r, cone.r
position[:], direction[:2], cone[:] = [1.4, -2.0, -4.5], [0.8, 0.6], [0.15, 0.35]
result = ch.minimize(image - target, x0=[position, direction[:2], cone])
print(f"from elsewhere, the spotlight found in {result.nit} steps: {np.abs(position.r - stood).max():.1e} off, "
      f"its cone {np.abs(cone.r - width).max():.1e} radians")
