"""The benchmarks run, say what they claim, and a few quantities that do not depend on how busy the machine is."""
import itertools
import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from benchmarks import basin, figure, gradient_accuracy, hand_depth, models, pictures, race, report
from benchmarks.fits import pose_steps
from benchmarks.images import pictures_of
from benchmarks.level_sets import ellipsoid, level_set
from benchmarks.peers import PEERS, Deodr, Neural, OpenDRLite, PyTorch3D, SoftColours, SoftSilhouettes
from benchmarks.pictures import difference, exclusion
from benchmarks.race import Failure, measured
from benchmarks.row import OURS, Row
from benchmarks.rows import choose
from benchmarks.scenes import Scene, ball, icosphere, uv_sphere
from benchmarks.shapes import animal, pot
from benchmarks.timing import Job, Spread, turn
from benchmarks.truth import supersampled_colours

ROOT = Path(__file__).resolve().parents[1]
SPREAD_KEYS = {"median", "least", "most"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What a small run leaves."""
    folder = tmp_path_factory.mktemp("benchmarks")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rows", "pose and light", "--output", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads((folder / "benchmarks.json").read_text())
    for row in results["rows"]:
        for line in report.lines(row):
            assert line in done.stdout
    return results


def test_file(results):
    assert {"date", "quick", "machine", "load", "versions", "excluded", "rows"} == set(results)
    assert {"Python", "numpy", "numba"} <= set(results["versions"])
    assert results["rows"]
    for row in results["rows"]:
        assert {"group", "job", "scene", "threads", "unit", "values", "ratios", "recorded", "excluded"} == set(row)
        for values in row["values"].values():
            assert set(values) == SPREAD_KEYS | {"all"}
            assert 0 < values["least"] <= values["median"] <= values["most"]
            assert values["least"] == min(values["all"]) and values["most"] == max(values["all"])


def test_rows_are_told_apart():
    labels = [row.label for row in choose()]
    assert len(set(labels)) == len(labels)
    assert all(next(iter(row.contenders)) == OURS for row in choose())
    quick = choose(quick=True)
    assert {row.group for row in quick} >= {"Images", "Jacobians", "Fits", "Threads", "Models", "Views"}
    assert len(quick) < len(labels) / 3


def test_a_turn_repeats_prepares_and_divides():
    seen = []
    ticks = iter(range(100))
    job = Job(run=lambda repetition: seen.append(("run", repetition)) or 4,
              prepare=lambda repetition: seen.append(("prepare", repetition)))
    assert turn(job, first=7, seconds=0.0, clock=lambda: next(ticks)) == [250.0]
    assert seen == [("prepare", 7), ("run", 7)]
    assert len(turn(Job(lambda repetition: time.sleep(1e-3)), 0, 0.02)) > 1


class Scripted:
    """Workers that answer without a process; those named in `failing` cannot."""

    threads = 1

    def __init__(self, milliseconds, failing=()):
        self.milliseconds, self.failing, self.dropped = milliseconds, failing, []

    def __getitem__(self, name):
        def ask(**request):
            if name in self.failing and "first" in request:
                raise Failure("no")
            return {"times": [self.milliseconds[name]]} if "first" in request else {}

        return type("Worker", (), {"ask": staticmethod(ask)})

    def drop(self, name):
        self.dropped.append(name)


def test_ratios_and_who_takes_part():
    row = Row("Images", "draw", "scene", dict.fromkeys([OURS, "slow", "broken", "absent"]), recorded={"old": 50.0})
    workers = Scripted({OURS: 2.0, "slow": 6.0}, failing=["broken"])
    result = measured(row, workers, {"absent": "not installed", "elsewhere": "not installed"}, budget=0.01)
    assert result["ratios"] == {"slow": {"median": 3.0, "least": 3.0, "most": 3.0},
                                "old": {"median": 25.0, "least": 25.0, "most": 25.0}}
    assert result["excluded"] == {"absent": "not installed", "broken": "no"} and workers.dropped == ["broken"]
    assert [line[0] for line in report.cells(result)] == ["3.00 x", "25.0 x"]


def test_failure_of_ours_is_told():
    row = Row("Images", "draw", "scene", dict.fromkeys([OURS, "other"]))
    result = measured(row, Scripted({OURS: 1.0, "other": 1.0}, failing=[OURS]), {}, budget=0.01)
    assert OURS not in result["values"] and not result["ratios"]
    assert "failed: no" in report.lines(result)[0]


def test_a_worker_that_fails_says_why():
    with race.Workers(1) as workers:
        with pytest.raises(Failure, match="StopIteration"):
            workers[OURS].ask(row="no such row")
        workers[OURS].process.kill()
        with pytest.raises(Failure, match="the process ended"):
            workers[OURS].ask(peak=True)


def test_numbers_have_three_digits():
    assert [report.number(value) for value in (1234.5, 123.45, 12.345, 1.2345)] == ["1,234", "123", "12.3", "1.23"]
    assert report.spread({"median": 4.1, "least": 3.8, "most": 12.0}, "ms") == "4.10 ms (3.80 to 12.0)"
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3)


def test_page_and_figure(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}old\n{report.END}after\n")
    report.write_page(page, report.measured_part(results))
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "### Jacobians" in text and results["machine"] in text
    rows = [{**results["rows"][0], "group": group, "scene": "20,480 faces, 640x480"} for group in figure.PANELS]
    rows[0]["ratios"] = {"DEODR": {"median": 2.0, "least": 1.0, "most": 3.0}}
    figure.draw({**results, "rows": rows}, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def assert_closed(v, f, holes=0):
    sides = np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]])
    forward, backward = ({tuple(side) for side in way.tolist()} for way in (sides, sides[:, ::-1]))
    assert forward == backward and len(forward) == len(sides)
    assert len(v) - len(sides) // 2 + len(f) == 2 - 2 * holes


@pytest.mark.parametrize("v, f", [icosphere(1280), uv_sphere(7, 5),
                                  level_set(lambda points: ellipsoid(points, np.zeros(3), np.ones(3)), [-1.4] * 3,
                                            [1.4] * 3, 0.3)])
def test_meshes_are_closed_and_face_outward(v, f):
    assert_closed(v, f)
    assert np.allclose(np.linalg.norm(v, axis=1), 1) and (np.linalg.det(v[f]) > 0).all()


@pytest.mark.parametrize("shape, holes", [(animal, 0), (pot, 1)])
def test_rounded_shapes_are_closed(shape, holes):
    scene = shape(32, 24)
    assert_closed(scene.v, scene.f, holes)
    assert np.linalg.det((scene.v - scene.v.mean(axis=0))[scene.f]).sum() > 0


def test_number_of_faces():
    assert len(ball(5856, 64, 48).f) == 5856
    with pytest.raises(ValueError, match="5000"):
        icosphere(5000)


# ---------------------------------------------------------------------- peers


@pytest.mark.skipif(not Deodr.installed(), reason="needs deodr")
def test_deodr_draws_the_same():
    scene = ball(1280, 160, 120)
    assert difference(OpenDRLite, Deodr, scene) < Deodr.tolerance
    target = np.random.default_rng(0).random((120, 160, 3))
    by_colours = [np.ravel(renderer(scene, target).gradient(scene.v)[1]) for renderer in (OpenDRLite, Deodr)]
    assert np.corrcoef(by_colours)[0, 1] > 0.9999


@pytest.mark.parametrize("ours", [renderer for renderer, _ in models.IMAGES.values()])
def test_gradient_of_each_model(ours):
    """It takes the ball towards where it is in the target, to the right and down."""
    scene = ball(320, 64, 48)
    target = ours(scene, None).image(scene.v + [0.1, 0.1, 0.0]).copy()
    drawn = ours(scene, target)
    by_vertices = np.reshape(drawn.gradient(scene.v)[0], scene.v.shape)
    assert by_vertices.any() and (drawn.push(scene.v) is None) == (ours is Neural)
    assert (by_vertices.mean(axis=0)[:2] < 0).all()


def test_soft_pictures_are_told_apart_by_sigma():
    scene = ball(320, 64, 48)
    for soft in (SoftColours, SoftSilhouettes):
        sharp, blurred = (soft(scene, None, sigma=sigma).image(scene.v) for sigma in (1e-5, 1e-2))
        assert np.count_nonzero(blurred) > 1.2 * np.count_nonzero(sharp)


def test_pictures_of_a_peer_are_compared_once():
    compared = pictures_of("PyTorch3D", choose())
    assert len(set(compared.values())) == len(compared) == 3


@pytest.mark.parametrize("name", models.VIEWS)
def test_views_are_moved_and_differentiated(name, monkeypatch):
    monkeypatch.setattr(models, "VIEW_COUNT", 3)
    models.of_views(name).run(1)


@pytest.mark.parametrize("peer", [peer for peer in PEERS.values() if peer is not Deodr])
def test_other_peers_draw_the_same_or_say_why_not(peer):
    if why := exclusion(peer.name, "Images: forward, 5,856 faces, 640x480", quick=True):
        pytest.skip(why)


def test_what_is_not_installed_is_excluded(monkeypatch):
    monkeypatch.setattr(PyTorch3D, "modules", ("no_such_library",))
    assert exclusion("PyTorch3D", "", True) == "not installed"


def test_what_draws_otherwise_is_excluded(monkeypatch):
    answer = subprocess.CompletedProcess([], 0, stdout='{"another": 0.5}', stderr="")
    monkeypatch.setattr(pictures, "run", lambda *arguments: answer)
    monkeypatch.setattr(Deodr, "modules", ())
    assert exclusion("DEODR", "", True) == "draws other pictures: another by 0.5"
    answer.stdout = "{}"
    assert exclusion("DEODR", "", True) is None
    answer.returncode, answer.stderr = 1, "LLVM ERROR: no\nand more"
    assert exclusion("DEODR", "", True) == "LLVM ERROR: no"


# ---------------------------------------------------------------------- accuracy, fits from afar, a hand


def test_truth_is_the_mean_over_pixels():
    """A rectangle from (2.25, 3) to (7, 5.5) pixels, at depth 1, is seen in the shares of its pixels."""
    corners = np.array([[2.25, 3.0], [7.0, 3.0], [7.0, 5.5], [2.25, 5.5]]) - 0.5  # centres are at whole numbers
    focal, middle = 1.2 * 12, [7.5, 5.5]
    v = np.column_stack([(corners - middle) / focal, np.ones(4)])
    scene = Scene(v, np.array([[0, 1, 2], [0, 2, 3]]), np.ones((4, 3)), 16, 12)
    share = np.zeros((12, 16))
    share[3:6, 2:7] = np.outer([1, 1, 0.5], [0.75, 1, 1, 1, 1])
    for shift in ((0.0, 0.0), (0.3, -0.4)):
        assert np.allclose(supersampled_colours(scene, v, 8, shift), share[:, :, None], atol=1e-12)


def test_shifts_are_even():
    halves = gradient_accuracy.shifts(8)
    assert all(np.allclose(half.mean(axis=0), 0) for half in halves)
    assert all(len(np.unique(column)) == 8 for column in np.concatenate(halves).T)


class Slopes:
    """A picture that is the square of its vertices, and a multiple of its gradient."""

    def __init__(self, factor):
        self.factor, self.target = factor, 0.0

    def image(self, v):
        self.v = v
        return v ** 2

    def pull(self, slope):
        return self.factor * 2.0 * self.v * slope, None


@pytest.mark.parametrize("factor, expected", [(1.0, 0.0), (0.7, 0.3)])
def test_path_tells_how_far_off_a_gradient_is(factor, expected):
    step = np.array([[0.1, 0.2, -0.1]])
    found = gradient_accuracy.path_inconsistency(Slopes(factor), lambda share: (1 + share * step, step), 100)
    assert found == pytest.approx(expected, abs=1e-4)


def run_main(module, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
    module.main()


def page_for(module, monkeypatch, folder):
    """A page of its own for a module, with an old part."""
    page = folder / "docs" / "page.md"
    (folder / "docs" / "images").mkdir(parents=True)
    page.write_text(f"before\n{report.BEGIN}old\n{report.END}after\n")
    monkeypatch.setattr(module, "PAGE", page)
    return page


def test_exact_gradients_are_nearer_to_the_truth(tmp_path, monkeypatch, capsys):
    page = page_for(gradient_accuracy, monkeypatch, tmp_path)
    tiny = gradient_accuracy.Extent(("star",), samples=16, repeats=4, directions=1, steps=8)
    monkeypatch.setattr(gradient_accuracy, "QUICK", tiny)
    monkeypatch.setattr(gradient_accuracy, "WIDTH", 64)
    monkeypatch.setattr(gradient_accuracy, "HEIGHT", 48)
    run_main(gradient_accuracy, monkeypatch, "--quick", "--docs", "--output", tmp_path)
    rows = {row["method"]: row for row in json.loads((tmp_path / "gradient_accuracy.json").read_text())["rows"]}
    assert list(rows) == ["truth", *gradient_accuracy.METHODS]
    opendr, exact, neural, soft = (rows[name] for name in gradient_accuracy.MODELS)
    assert exact["gradient, pose"]["error"] < 0.1 < opendr["gradient, pose"]["error"]
    assert exact["translation"] < 0.05 < opendr["translation"]
    assert neural["gradient, pose"]["cosine"] > 0.9 and "image, J d" not in neural
    assert soft["gradient, pose"]["cosine"] > 0.95 and soft["translation"] < 0.05
    assert study_line(exact) in capsys.readouterr().out and "### star" in page.read_text()
    assert (tmp_path / "gradient_accuracy.png").stat().st_size > 10_000


def study_line(row):
    return gradient_accuracy.study.aligned(gradient_accuracy.cells(row), gradient_accuracy.WIDTHS)


def test_starts_are_within_bounds():
    poses = basin.starts(100)
    reach, turn = (np.linalg.norm(part, axis=1) for part in np.split(poses, 2, axis=1))
    assert reach.max() <= 1 and turn.max() <= basin.TURN and reach.max() > 0.9 and turn.max() > 0.9 * basin.TURN


@pytest.mark.parametrize("image", basin.IMAGES)
@pytest.mark.parametrize("model, method, least", [("exact", "lm", 0.05), ("soft", "lm", 1.5), ("neural", "adam", 0.5)])
def test_fits_from_nearby_come_home(model, method, least, image):
    fit = basin.Fit("pot", image, model)
    off, iterations, _ = fit.run(0.1 * basin.starts(1)[0], method, False)
    assert off < least and iterations > 1


def test_basin_is_told(tmp_path, monkeypatch, capsys):
    page = page_for(basin, monkeypatch, tmp_path)
    monkeypatch.setattr(basin, "CASES", [("pot", "depth")])
    ways = [(model, row.methods[0], False) for model, row in basin.MODELS.items()]
    monkeypatch.setattr(basin, "WAYS", ways)
    run_main(basin, monkeypatch, "--quick", "--docs", "--output", tmp_path)
    rows = json.loads((tmp_path / "basin.json").read_text())["rows"]
    assert [(row["model"], row["method"], row["pyramid"]) for row in rows] == ways
    assert basin.study.aligned(basin.cells(rows[0]), basin.WIDTHS) in capsys.readouterr().out
    assert "### adam" in page.read_text() and "| exact | pixels |" in page.read_text()
    assert (tmp_path / "basin.png").stat().st_size > 10_000


@pytest.fixture(scope="module")
def hand_data():
    """A ball in the place of the hand, and the depth of a larger one."""
    v, f = icosphere(80)
    data = {"faces": f, "vertices_init": v + [0.1, 0.2, 0.0], "depth_scale": 0.2, "max_depth": 1.0, "cregu": 1.0,
            "extrinsic": np.column_stack([np.diag([1.0, -1.0, -1.0]), [0.0, 0.0, 3.5]]), "distortion": np.zeros(5),
            "intrinsic": np.array([[40.0, 0, 15.5], [0, 40.0, 15.5], [0, 0, 1]]), "image": np.zeros((32, 32)),
            "quaternion_init_xyzw": np.array([0.1, 0.0, 0.0, 0.995]) / np.linalg.norm([0.1, 0.995]),
            "translation_init": np.array([0.1, -0.05, 0.0]), "energies": np.array([9.0, 8.0])}
    hand = hand_depth.Hand(data)
    world = hand.camera(1.2 * v)
    data["image"] = hand.scale * hand_depth.supersampled_depth(world, f, hand.far, 32, 32)
    for step in (0, 1):
        data |= {f"state{step}_vertices": v, f"state{step}_q": data["quaternion_init_xyzw"],
                 f"state{step}_t": data["translation_init"]}
    return data


def test_energy_of_a_hand(hand_data):
    hand = hand_depth.Hand(hand_data)
    image, shape = hand_depth.energy(hand, hand_depth.State(1.2 * hand.v, np.eye(3), np.zeros(3), 0, None, None))
    assert image == pytest.approx(0, abs=1e-20)
    assert shape == pytest.approx(0.5 * ((0.2 * hand.laplacian @ hand.v) ** 2).sum())
    recorded = hand_depth.deodr_recorded(hand, 300)
    assert [state.own_energy for state in recorded] == [9.0, 8.0]
    assert hand_depth.energy(hand, recorded[0])[0] == pytest.approx(
        hand_depth.energy(hand, hand_depth.ours(hand, [(1, 1)])[0])[0])


def test_hand_is_fitted(hand_data, tmp_path, monkeypatch):
    np.savez(tmp_path / "hand.npz", **hand_data)
    run_main(hand_depth, monkeypatch, "--quick", "--data", tmp_path / "hand.npz", "--output", tmp_path)
    rows = json.loads((tmp_path / "hand_depth.json").read_text())["rows"]
    assert {"opendr_lite, dogleg, small images first", "DEODR, momentum, recorded"} <= {row["method"] for row in rows}
    total = np.add(rows[0]["image"], rows[0]["shape"])
    assert total[-1] < 0.5 * total[0] and rows[0]["iterations"][0] == 0


# ---------------------------------------------------------------------- quantities that hold on any machine


def traced_peak(job):
    """The most bytes of NumPy arrays that a job holds at once, its result included."""
    job()
    tracemalloc.start()
    try:
        job()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SCENE = ball(1280, 320, 240)
IMAGE_BYTES = 8 * 3 * 320 * 240


def test_gradient_holds_few_images():
    ours, steps = OpenDRLite(SCENE, np.zeros((240, 320, 3))), itertools.count()
    assert traced_peak(lambda: ours.image(SCENE.moved(next(steps)))) < 4 * IMAGE_BYTES
    assert traced_peak(lambda: ours.gradient(SCENE.moved(next(steps)))) < 8 * IMAGE_BYTES


def test_sparse_matrix_is_made_in_place():
    ours = OpenDRLite(SCENE, None)
    ours.image(SCENE.v)
    motion = ours.node.compute_dr_wrt(ours.camera)
    J = motion.to_sparse()
    assert traced_peak(motion.to_sparse) < 1.3 * (J.data.nbytes + J.indices.nbytes + J.indptr.nbytes)


@pytest.mark.parametrize("on_pyramid", [False, True])
def test_gauss_newton_step_forms_no_jacobian(on_pyramid):
    job = pose_steps(320, 240, on_pyramid)
    assert traced_peak(lambda: (job.prepare(0), job.run(0))) < 15 * IMAGE_BYTES
