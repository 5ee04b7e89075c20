"""Run all demos, and make the pictures of the documentation from theirs: docs/images, or --output."""
import subprocess
import sys

from common import HERE, output_folder
from PIL import Image, ImageDraw

SCENES = ("texture", "spherical_harmonics", "point_light", "per_face_normals", "silhouette", "boundary",
          "moments", "optimization", "optimization_with_coupled_mesh")
WIDTH = 1000  # of the pictures, in pixels


def run(name, *options):
    """The folder with the pictures of a demo."""
    folder = HERE / "output" / name
    subprocess.run([sys.executable, HERE / f"{name}.py", "--output", folder, *options], check=True)
    return folder


def contact_sheet(pictures, across):
    """Pictures of one size, by name, in rows, each with its name in a corner."""
    first = next(iter(pictures.values()))
    down = -(-len(pictures) // across)
    sheet = Image.new("RGB", (across * first.width, down * first.height))
    for place, (name, picture) in enumerate(pictures.items()):
        corner = place % across * first.width, place // across * first.height
        sheet.paste(picture, corner)
        ImageDraw.Draw(sheet).text((corner[0] + 8, corner[1] + 6), name.replace("_", " "), fill="white")
    return sheet


def write(picture, path):
    """No wider than a page needs."""
    if picture.width > WIDTH:
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    picture.convert("RGB").save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} KB")


def main():
    images = output_folder(HERE.parent / "docs" / "images", __doc__)
    scenes = {name: Image.open(run(name) / "image.png").convert("RGB") for name in SCENES}
    write(contact_sheet(scenes, across=3), images / "gallery.png")
    fit = run("fit_globe")
    write(Image.open(fit / "anatomy.png"), images / "anatomy.png")
    write(Image.open(fit / "overview.png"), images / "fit.png")
    write(Image.open(run("track_globe") / "figure.png"), images / "tracking.png")
    write(Image.open(run("exact") / "figure.png"), images / "exact.png")
    write(Image.open(run("compare_derivatives") / "figure.png"), images / "derivatives.png")
    write(Image.open(run("soft_rasterizer_figures") / "figure.png"), images / "soft-rasterizer.png")
    write(Image.open(run("opendr_versus_neural") / "figure.png"), images / "neural.png")
    write(Image.open(run("z_and_xy_discontinuities") / "figure.png"), images / "discontinuities.png")
    write(Image.open(run("lights") / "figure.png"), images / "lights.png")
    write(Image.open(run("deform_sphere") / "mesh.png"), images / "deforming.png")
    harmonics = HERE / "output" / "spherical_harmonics"
    write(Image.open(harmonics / "figure.png"), images / "spherical_harmonics.png")


if __name__ == "__main__":
    main()
