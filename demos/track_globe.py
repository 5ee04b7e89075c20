"""The Earth tracked through a video: pose and light of every frame, and how uncertain they are.

A video is made first: the globe spins and drifts, the light wanders around it, a moon passes in front, and the
sensor is noisy. Then it is tracked, one Gauss-Newton fit a frame, which starts where the last two frames lead at
constant velocity. A robust loss leaves out what is no globe.

    python demos/track_globe.py
    python demos/track_globe.py --frames 60 --output pictures
"""
import argparse
import time
from pathlib import Path

import numpy as np
from common import FRUSTUM, HEIGHT, HERE, WIDTH, camera, globe
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter
from scipy.spatial import ConvexHull

from opendr_lite import ch
from opendr_lite.geometry import Rodrigues, VertNormals
from opendr_lite.lighting import SphericalHarmonics
from opendr_lite.plotting import animation, save
from opendr_lite.renderer import TexturedRenderer
from opendr_lite.serialization import save_image

RATE = 60.0  # frames of the video per second
NOISE = 0.02  # standard deviation of a pixel
OUTLIER = 3 * NOISE  # a difference from which a pixel is likely to show something else
CONVERGED = {"e_2": 1e-4, "e_3": 2e-3}  # single pixels along the outline come and go, and change the objective so much
SPACE = [0.09, 0.10, 0.14]  # the background
START_OFF = [0.1, -0.1, 0.2, 0.05, -0.05, 0.05]  # of the pose in the first frame
START_LIGHT = [2.5, 0, 0, 0, 0, 0, 0, 0, 0]
LONGEST_ANIMATION = 60  # frames


# ---------------------------------------------------------------------- the scene and its video

class Scene:
    """The globe in the light of nine spherical harmonics.

    Attributes
    ----------
    pose : Ch
        Translation and rotation vector, (6,).
    light : Ch
        Coefficients of the harmonics, (9,), in the frame of the globe.
    picture : TexturedRenderer
    """

    def __init__(self):
        mesh = globe()
        self.pose, self.light = ch.zeros(6), ch.zeros(9)
        moved = ch.dot(mesh.v, Rodrigues(self.pose[3:]).T) + self.pose[:3]
        shading = SphericalHarmonics(vn=VertNormals(v=mesh.v, f=mesh.f), components=self.light)
        self.picture = TexturedRenderer(vc=shading, camera=camera(moved, t=(0, 0, 0)), f=mesh.f, frustum=FRUSTUM,
                                        texture_image=mesh.texture_image, vt=mesh.vt, ft=mesh.ft, bgcolor=SPACE,
                                        overdraw=False)

    @property
    def state(self):
        """Pose and light, (15,)."""
        return np.concatenate([self.pose.r, self.light.r])

    @state.setter
    def state(self, values):
        self.pose.x, self.light.x = values[:6], values[6:]


def true_states(frames):
    """What there is to find, (frames, 15): smooth paths of the pose and of the light."""
    t = np.arange(frames) / RATE
    still = np.zeros(frames)
    return np.stack([
        0.9 * np.sin(1.3 * t), 0.4 * np.sin(2.1 * t), 8.0 - 0.8 * np.sin(0.9 * t),
        0.25 * np.sin(1.1 * t) - 0.3, 0.6 + 0.9 * t, 0.2 * np.cos(1.6 * t),
        2.4 + 0.2 * np.sin(1.7 * t), 0.9 * np.sin(1.5 * t), -0.9 * np.cos(1.5 * t), -0.5 * np.cos(0.8 * t),
        still, 0.15 * np.sin(2.0 * t), 0.1 + still, 0.1 * np.sin(t), 0.1 * np.cos(t)], axis=1)


def moon(progress):
    """What passes in front: an image of a disc, and how much of each pixel it covers. Progress runs from 0 to 1."""
    down, right = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x = (right - (-0.6 + 2.2 * progress) * WIDTH) / 38.0
    y = (down - (0.65 - 0.3 * progress) * HEIGHT) / 38.0
    distance = np.hypot(x, y)
    height = np.sqrt(np.maximum(1 - distance ** 2, 0))
    shade = 0.25 + 0.5 * np.maximum(0.7 * height - 0.5 * x - 0.5 * y, 0)
    return shade[:, :, None] * [1.0, 0.97, 0.9], np.clip(38.0 * (1 - distance) + 0.5, 0, 1)[:, :, None]


def film(scene, states):
    """The video, (frames, height, width, 3) uint8."""
    noise = np.random.default_rng(0)
    video = np.empty((len(states), HEIGHT, WIDTH, 3), np.uint8)
    for number, state in enumerate(states):
        scene.state = state
        disc, cover = moon(number / max(len(states) - 1, 1))
        seen = (1 - cover) * scene.picture.r + cover * disc
        seen = seen + NOISE * noise.standard_normal(seen.shape)
        video[number] = np.rint(255 * np.clip(seen, 0, 1))
    return video


# ---------------------------------------------------------------------- tracking

class Track:
    """What was found in each frame.

    Attributes
    ----------
    states, deviations : (frames, 15) arrays
        Pose and light, and the standard deviations of their errors.
    steps : (frames,) array of int
        Gauss-Newton steps.
    seconds, seconds_with_covariance : float
    """

    def __init__(self, frames):
        self.states, self.deviations = np.empty((frames, 15)), np.empty((frames, 15))
        self.steps = np.empty(frames, int)
        self.seconds = self.seconds_with_covariance = 0.0


def track(scene, video, start):
    """Pose and light in each frame of a video, from a start for the first one."""
    found = Track(len(video))
    observed = ch.array(video[0] / 255)
    difference = scene.picture - observed
    scene.state = start
    for number, frame in enumerate(video):
        began = time.perf_counter()
        if number >= 2:
            scene.state = 2 * found.states[number - 1] - found.states[number - 2]
        observed.x = frame / 255
        scale = OUTLIER if number else 1.0  # from far off, nothing looks like the globe yet
        result = ch.minimize(difference, [scene.pose, scene.light], loss="geman_mcclure", f_scale=scale,
                             options=CONVERGED)
        solved = time.perf_counter()
        found.states[number], found.steps[number] = result.x, result.nit
        found.deviations[number] = np.sqrt(np.diag(result.covariance(sigma=NOISE)))
        found.seconds += solved - began
        found.seconds_with_covariance += time.perf_counter() - began
    return found


def errors(found, true):
    """Distance of the positions, and angle in degrees between the rotations, of each frame."""
    turns = [Rodrigues(one[3:6]).r.T @ Rodrigues(other[3:6]).r for one, other in zip(found, true)]
    cosines = (np.trace(turns, axis1=1, axis2=2) - 1) / 2
    return (np.linalg.norm(found[:, :3] - true[:, :3], axis=1),
            np.degrees(np.arccos(np.clip(cosines, -1, 1))))


def report(found, true):
    """What was found, in words."""
    frames = len(true)
    print(f"{frames} frames of {WIDTH}x{HEIGHT}, 15 unknowns: {frames / found.seconds:.1f} frames per second "
          f"({frames / found.seconds_with_covariance:.1f} with covariances), {found.steps.mean():.1f} steps a frame")
    for name, off, unit in zip(("translation", "rotation"), errors(found.states, true), ("", " degrees")):
        print(f"{name} error: mean {off.mean():.5f}, at most {off.max():.5f}{unit}")
    deviations = np.abs(found.states - true) / found.deviations
    print(f"within two standard deviations of the truth: {100 * np.mean(deviations[:, :6] < 2):.0f} % of the pose, "
          f"{100 * np.mean(deviations[:, 6:] < 2):.0f} % of the light")


# ---------------------------------------------------------------------- pictures

INK, PAPER, ACCENT = "#d8dee9", "#11141b", "#ffd166"
COLOURS = "#ef6f6c", "#56c596", "#5aa9e6"  # of x, y and z
LEFT_OUT = np.array([1.9, 0.55, 0.9])


class Screen:
    """The video beside the video with the estimate drawn over it, above curves of the pose.

    The estimate is drawn as its outline, meridians and parallels; what the loss leaves out is tinted.
    """

    def __init__(self, scene, video, found, true):
        self.scene, self.video, self.found, self.true = scene, video, found, true
        self.grid = graticule(2.0)
        self.figure = Figure(figsize=(8.0, 6.0), dpi=80, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self.videos = [self._video_panel(left, title) for left, title in
                       ((0.01, "observed"), (0.505, "tracked; tinted: left out by the robust loss"))]
        self.lines = self.videos[1].plot(*np.zeros((2, 1, len(self.grid))), color=ACCENT, lw=0.7, alpha=0.7)
        self.outline, = self.videos[1].plot([], [], color=ACCENT, lw=1.6)
        self.words = self.figure.text(0.5, 0.425, "", color=INK, ha="center", fontsize=9)
        self.curves = [self._curve_panel(left, bottom, height, values, **labels)
                       for left, bottom, height, values, labels in self._layout()]

    def _video_panel(self, left, title):
        panel = self.figure.add_axes([left, 0.455, 0.485, 0.485])
        panel.imshow(np.zeros((HEIGHT, WIDTH, 3)), interpolation="bilinear")
        panel.set_axis_off()
        panel.set(xlim=(-0.5, WIDTH - 0.5), ylim=(HEIGHT - 0.5, -0.5))
        panel.set_title(title, color=INK, fontsize=10, pad=3)
        return panel

    def _layout(self):
        """Position of each panel of curves, and what it shows: the pose, and its error with two deviations."""
        off, two = self.found.states - self.true, 2 * self.found.deviations
        for left, title, part, names, scale, unit in (
                (0.075, "translation", slice(0, 3), ("x", "y", "z"), 1e3, "error, 10⁻³"),
                (0.57, "rotation vector", slice(3, 6), ("x", "y", "z"), np.degrees(1.0), "error, degrees")):
            middle = self.true[0, part] if title == "translation" else 0.0
            yield (left, 0.235, 0.13, (self.found.states[:, part] - middle, self.true[:, part] - middle, None),
                   {"names": names, "ylabel": title})
            yield (left, 0.075, 0.13, (scale * off[:, part], 0 * off[:, part], scale * two[:, part]),
                   {"ylabel": unit, "xlabel": "seconds"})

    def _curve_panel(self, left, bottom, height, values, names=None, ylabel="", xlabel=""):
        panel = self.figure.add_axes([left, bottom, 0.405, height], facecolor=PAPER)
        estimate, true, two = values
        t = np.arange(len(true)) / RATE
        span = estimate if two is None else np.stack([estimate, two, -two])
        reach = 1.1 * np.quantile(np.abs(span), 0.998) if two is not None else None
        for column, colour in enumerate(COLOURS):
            if two is None:
                panel.plot(t, true[:, column], color=INK, lw=0.6, alpha=0.6)
            else:
                panel.fill_between(t, -two[:, column], two[:, column], color=colour, alpha=0.12, lw=0)
                panel.plot(t, np.outer(two[:, column], [1, -1]), color=colour, lw=0.6, alpha=0.5)
        lines = [panel.plot([], [], color=colour, lw=1.3 if two is None else 0.9)[0] for colour in COLOURS]
        panel.set_xlim(0, max(t[-1], 1 / RATE))
        if reach:
            panel.set_ylim(-reach, reach)
        if names:
            panel.legend(lines, names, loc="lower left", bbox_to_anchor=(0, 0.95), ncols=3, fontsize=7,
                         frameon=False, labelcolor=INK, handlelength=1.2, columnspacing=1.0, borderaxespad=0.1)
            panel.set_xticklabels([])
        panel.set_ylabel(ylabel, color=INK, fontsize=8)
        panel.set_xlabel(xlabel, color=INK, fontsize=8, labelpad=1)
        panel.tick_params(colors=INK, labelsize=7, length=2)
        for spine in panel.spines.values():
            spine.set(color=INK, alpha=0.3)
        now = panel.axvline(0, color=INK, lw=0.6, alpha=0.6)
        return t, lines, estimate, now

    def draw(self, number, until=None):
        """Show one frame, with curves until there or another one; the image of the whole, (h, w, 3) uint8."""
        until = number if until is None else until
        self.scene.state = self.found.states[number]
        observed = self.video[number] / 255
        z = uniform_filter(np.mean((self.scene.picture.r - observed) ** 2, axis=2), 5) / OUTLIER ** 2
        tint = np.clip(1 - 1.5 / (1 + z) ** 2, 0, 0.75)[:, :, None]
        tinted = (1 - tint) * observed + tint * observed.mean(axis=2, keepdims=True) * LEFT_OUT
        for panel, image in zip(self.videos, (observed, tinted)):
            panel.images[0].set_data(np.clip(image, 0, 1))
        self._draw_globe(self.found.states[number, :6])
        for t, lines, estimate, now in self.curves:
            for line, values in zip(lines, estimate.T):
                line.set_data(t[:until + 1], values[:until + 1])
            now.set_xdata([t[number]] * 2)
        self.words.set_text(f"{number / RATE:.2f} s   ·   Gauss-Newton steps: {self.found.steps[number]}   ·   all "
                            f"{len(self.video)} frames: {len(self.video) / self.found.seconds:.0f} per second")
        self.canvas.draw()
        return np.asarray(self.canvas.buffer_rgba())[:, :, :3].copy()

    def _draw_globe(self, pose):
        points = self.grid @ Rodrigues(pose[3:]).r.T
        seen = ((points + pose[:3]) * points).sum(axis=2) < 0  # on the side that faces the camera
        uv = camera((points + pose[:3]).reshape(-1, 3), t=(0, 0, 0)).r.reshape(points.shape[:2] + (2,))
        for line, (u, v) in zip(self.lines, np.where(seen[:, :, None], uv, np.nan).transpose(0, 2, 1)):
            line.set_data(u, v)
        vertices = self.scene.picture.camera.r
        around = ConvexHull(vertices).vertices
        self.outline.set_data(*vertices[np.append(around, around[0])].T)


def graticule(radius, spacing=30):
    """Meridians and parallels of a sphere, (lines, points, 3); y is its axis."""
    degrees = np.radians(np.linspace(-180, 180, 121))
    lines = []
    for longitude in np.radians(np.arange(0, 180, spacing)):
        lines.append([np.cos(degrees) * np.cos(longitude), np.sin(degrees), np.cos(degrees) * np.sin(longitude)])
    for latitude in np.radians(np.arange(-90 + spacing, 90, spacing)):
        lines.append([np.cos(latitude) * np.cos(degrees), np.sin(latitude) + 0 * degrees,
                      np.cos(latitude) * np.sin(degrees)])
    return radius * np.array(lines).transpose(0, 2, 1)


def save_pictures(folder, screen, video):
    """The tracked video as an animation, and its most covered moment as a figure and as an image."""
    frames = len(video)
    chosen = range(0, frames, -(-frames // LONGEST_ANIMATION))
    animation([screen.draw(number) for number in chosen], folder / "track.gif", 20)
    screen.draw(frames // 2, until=frames - 1)
    save(screen.figure, folder / "figure.png")
    save_image(folder / "image.png", video[frames // 2] / 255)


def parse_arguments():
    summary, details = __doc__.split("\n\n", 1)
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=180, help="length of the video (180)")
    parser.add_argument("--output", type=Path, default=HERE / "output" / "track_globe", help="folder for the pictures")
    arguments = parser.parse_args()
    if arguments.frames < 2:
        parser.error(f"--frames must be at least 2, got {arguments.frames}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    return arguments


def main():
    arguments = parse_arguments()
    scene, true = Scene(), true_states(arguments.frames)
    video = film(scene, true)
    start = np.r_[true[0, :6] + START_OFF, START_LIGHT]
    found = track(scene, video, start)
    report(found, true)
    save_pictures(arguments.output, Screen(scene, video, found, true), video)
    print(f"pictures: {arguments.output}")


if __name__ == "__main__":
    main()
