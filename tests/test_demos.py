"""Every demo runs without arguments, leaves its pictures, and what it prints is what it claims."""
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from opendr_lite import ColoredRenderer, ProjectPoints
from opendr_lite.serialization import load_image, load_mesh, save_image, save_mesh

DEMOS = Path(__file__).resolve().parents[1] / "demos"

CLAIMS = {  # of each scene, the pattern of a number that it prints: its least and greatest value
    "boundary": {"# pixels show": (500, 2000)},
    "compare_derivatives": {"opendr: .* squares cosine #,": (0.7, 0.85), "exact: .* squares cosine #,": (0.99, 1),
                            "neural: .* squares cosine #,": (0.85, 0.95), "soft: .* squares cosine #,": (0.92, 0.98),
                            "exact: of the image cosine #,": (0.98, 1), "opendr: of the image cosine #,": (0.5, 0.7)},
    "exact": {r"explain #% \(opendr": (30, 100), ", #% .exact": (0, 0.2)},
    "lights": {"steps: # off": (0, 1e-6), "its cone # radians": (0, 1e-6)},
    "moments": {r"centroid \(#, ": (89.5, 90.5), r"centroid \(\S+ #\)": (79.5, 80.5),
                "area # pixels": (7900, 8100)},
    "optimization": {"translation #,": (0, 0.003), "rotation #,": (0, 0.002), "light #": (0, 0.05)},
    "optimization_with_coupled_mesh": {"start #,": (0.1, 0.3), ", globe #,": (0.04, 0.1),
                                       "bent globe #;": (0, 0.025)},
    "opendr_versus_neural": {"OpenDR moves the triangle for # of 4": (1, 1), "the Neural Renderer for #;": (4, 4),
                             "published to #": (0, 1e-4)},
    "per_face_normals": {"# faces": (2880, 2880)},
    "point_light": {"steps, # off": (0, 1e-6)},
    "silhouette": {"; # change": (300, 2000)},
    "soft_rasterizer_figures": {r"#% \(sigma 0.003\)": (10, 16), r"#% \(sigma 0.03\)": (25, 40),
                                r"#% \(gamma 0.0001\)": (0, 4), r"#% \(gamma 0.1\)": (40, 60)},
    "spherical_harmonics": {"residual #": (0, 1e-6)},
    "texture": {"with # entries": (1e5, 1e6)},
    "z_and_xy_discontinuities": {
        "exact, right: the pixel changes by 1.00, by its derivative #": (0.98, 1.02),
        "exact, nearer: the pixel changes by 0.90, by its derivative #": (0.88, 0.92),
        "opendr, nearer: .* by its derivative #": (-0.01, 0.01), "neural, right: .* by its derivative #": (3, 9),
        "soft, nearer: the pixel changes by 0.89, by its derivative #": (0.88, 0.9)},
}
NUMBER = r"([-+\d.,e]*\d)"


def run(name, *options, expect=0):
    """What a demo prints, or, where it is to fail, its complaint."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, DEMOS / f"{name}.py", *map(str, options)], check=False,
                          capture_output=True, encoding="utf-8", env=environment)
    assert done.returncode == expect, done.stderr
    return done.stderr if expect else done.stdout


def number(pattern, text):
    found = re.search(pattern.replace("#", NUMBER), text)
    assert found, f"{pattern} is not in: {text}"
    return float(found.group(1).replace(",", ""))


@pytest.mark.parametrize("name", CLAIMS)
def test_scene(name, tmp_path):
    said = run(name, "--output", tmp_path)
    for picture in ("image.png", "figure.png"):
        assert np.ptp(load_image(tmp_path / picture)) > 0.5
    for pattern, (least, greatest) in CLAIMS[name].items():
        assert least <= number(pattern, said) <= greatest, said


SMALLER = {  # of demos that take minutes, options, and claims as above
    "camera_from_silhouette": (("--size", 64, "--until", 12), {
        "was # away": (15, 17), "it is # away": (0, 0.2), r"squares #\n": (0, 12)}),
    "texture_from_views": (("--size", 48, "--views", 8, "--steps", 60), {
        "taken: # dB": (10, 16), ", # dB after": (27, 50)}),
    "vertices_from_silhouette": (("--size", 64, "--steps", 60), {
        "union: # at the start": (0.5, 0.7), ", # after": (0.9, 1)}),
}


@pytest.mark.parametrize("name", SMALLER)
def test_smaller_than_by_itself(name, tmp_path):
    options, claims = SMALLER[name]
    said = run(name, *options, "--output", tmp_path)
    for picture in ("image.png", "figure.png"):
        assert np.ptp(load_image(tmp_path / picture)) > 0.5
    for pattern, (least, greatest) in claims.items():
        assert least <= number(pattern, said) <= greatest, said


def test_every_scene_is_tested():
    others = {"common", "deform_sphere", "fit_globe", "fit_textured_mesh", "gallery", "track_globe", *SMALLER}
    assert {path.stem for path in DEMOS.glob("*.py")} - others == set(CLAIMS)


def test_globe_is_found(tmp_path):
    said = run("fit_globe", "--output", tmp_path)
    assert number("translation error #", said) <= 0.003
    assert number("rotation error # degrees", said) <= 0.1
    assert number("light error #", said) <= 0.05
    for name in ("target", "start", "result", "residual", "overview", "convergence", "anatomy"):
        assert np.ptp(load_image(tmp_path / f"{name}.png")) > 0.05, name
    assert (tmp_path / "fit.gif").stat().st_size > 10_000


def test_textured_mesh_is_found(tmp_path):
    said = run("fit_textured_mesh", "--size", 32, "--views", 8, "--level", 3, "--steps", 60, "--output", tmp_path)
    assert number("Gauss-Newton: .*, pixels off by #,", said) <= 0.01
    assert number("Gauss-Newton: .* kept back by #,", said) <= 0.03
    assert number("Gauss-Newton: .* vertices # from", said) <= 0.05
    assert number("Adam: .*, pixels off by #,", said) <= 0.12, "it starts at 0.2"
    for name in ("figure", "image"):
        assert np.ptp(load_image(tmp_path / f"{name}.png")) > 0.5
    assert len(load_mesh(tmp_path / "gauss-newton.ply").v) == len(load_mesh(tmp_path / "adam.ply").v) == 642


def test_globe_is_tracked(tmp_path):
    said = run("track_globe", "--frames", 30, "--output", tmp_path)
    assert number("# frames per second", said) > 0
    assert number("# steps a frame", said) < 4
    assert number("translation error: mean #,", said) <= 0.001
    assert number("translation error: .* at most #", said) <= 0.003
    assert number("rotation error: mean #,", said) <= 0.03
    assert number("rotation error: .* at most # degrees", said) <= 0.1
    assert number("of the truth: # % of the pose", said) >= 80
    assert number("pose, # % of the light", said) >= 60
    for name in ("figure", "image"):
        assert np.ptp(load_image(tmp_path / f"{name}.png")) > 0.5
    assert (tmp_path / "track.gif").stat().st_size > 100_000


def test_sphere_is_deformed(tmp_path):
    said = run("deform_sphere", "--views", 10, "--size", 32, "--output", tmp_path)
    assert number("all # views", said) == 10
    assert number("IoU #, softly", said) >= 0.94
    assert number("softly rendered #; # iterations".replace("#", r"\S+", 1), said) <= 60
    *_, last = said.splitlines()[:-1]
    assert number("held out #;", last) >= 0.9
    assert number("# folded edges", last) == 0
    assert number("smallest angle # degrees", last) >= 5
    assert number("# needles", last) == 0
    for name in ("silhouettes", "mesh", "stages"):
        assert np.ptp(load_image(tmp_path / f"{name}.png")) > 0.5
    assert len(load_mesh(tmp_path / "mesh.obj").v) > 100


def test_sphere_is_deformed_to_own_silhouettes_by_adam(tmp_path):
    """A disc in every view, as bytes in the last of four channels; the sphere grows towards it."""
    row, column = np.mgrid[:24, :24]
    disc = 255 * (np.hypot(row - 11.5, column - 11.5) < 11)
    np.save(tmp_path / "silhouettes.npy", np.broadcast_to(disc, (5, 4, 24, 24)).astype(np.uint8))
    np.save(tmp_path / "cameras.npy", [[2.732, 30.0, 72.0 * view] for view in range(5)])
    said = run("deform_sphere", "--method", "adam", "--steps", 10, "--output", tmp_path,
               "--silhouettes", tmp_path / "silhouettes.npy", "--cameras", tmp_path / "cameras.npy")
    scores = [float(score) for score in re.findall("fitted ([.0-9]+)", said)]
    assert len(scores) == 5 and scores[-1] > scores[0] + 0.02


def test_own_mesh_in_own_picture(tmp_path):
    """A mesh without texture, and a picture of twice the size: the fit starts elsewhere, without truth."""
    mesh = load_mesh(DEMOS / "data" / "earth.obj")
    v, vc = mesh.v * [1.0, 1.5, 1.0], 0.5 + 0.5 * np.sin(5 * mesh.v)
    save_mesh(tmp_path / "egg.ply", v=v, f=mesh.f, vc=vc)
    camera = ProjectPoints(v=v, rt=[0, 0, 0.2], t=[0, 0, 6], f=[120, 120], c=[60, 45])
    picture = ColoredRenderer(camera=camera, f=mesh.f, vc=0.8 * vc, bgcolor=0.0,
                              frustum={"near": 1, "far": 20, "width": 120, "height": 90})
    save_image(tmp_path / "own.png", np.repeat(np.repeat(picture.r, 2, axis=0), 2, axis=1))

    said = run("fit_globe", "--mesh", tmp_path / "egg.ply", "--image", tmp_path / "own.png",
               "--size", 120, 90, "--translation", 0.3, -0.2, 6.5, "--output", tmp_path, "--no-animation")
    assert "true" not in said and "uncertain" in said
    found = [number(rf"translation\[{i}\] +\S+ +#", said) for i in range(3)]
    assert np.allclose(found, [0, 0, 6], atol=0.05)
    assert abs(number(r"rotation\[2\] +\S+ +#", said) - 0.2) < 0.02


@pytest.mark.parametrize("options, complaint", [
    (["--free", "shape"], "--free takes translation, rotation, pose, light, focal, centre, got 'shape'"),
    (["--mesh", "nowhere.obj"], "nowhere.obj"),
    (["--translation", "100", "0", "8"], "the mesh is not in the picture"),
])
def test_clear_errors(options, complaint):
    said = run("fit_globe", *options, expect=1 if "--translation" in options else 2)
    assert complaint in said
    assert "Traceback" not in said


def test_silhouettes_and_cameras_belong_together(tmp_path):
    np.save(tmp_path / "silhouettes.npy", np.ones((2, 8, 8)))
    np.save(tmp_path / "cameras.npy", np.ones((3, 3)))
    silhouettes, cameras = tmp_path / "silhouettes.npy", tmp_path / "cameras.npy"
    assert "give both or none" in run("deform_sphere", "--cameras", cameras, expect=2)
    assert "azimuth of 2 views, got (3, 3)" in run("deform_sphere", "--cameras", cameras, "--silhouettes", silhouettes,
                                                   expect=1)
