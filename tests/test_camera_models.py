"""Models of cameras beside perspective: values, derivatives, the way back, and that they are nodes like any other."""
import pickle

import numpy as np
import pytest

from opendr_lite import ch
from opendr_lite.camera import (
    Camera,
    FieldOfViewCamera,
    FisheyeCamera,
    OrthographicCamera,
    ProjectPoints,
    WeakPerspectiveCamera,
)
from opendr_lite.ch import Ch, check_jacobian
from tests.reference.scene import project_fisheye

K = [0.05, -0.02, 0.01, -0.003]
MODELS = {
    "orthographic": (OrthographicCamera, {"f": [50.0, 45.0], "c": [32.0, 24.0]}),
    "weak": (WeakPerspectiveCamera, {"f": [50.0, 45.0], "c": [32.0, 24.0]}),
    "weak at a depth": (WeakPerspectiveCamera, {"f": [50.0, 45.0], "c": [32.0, 24.0], "reference_depth": [3.7]}),
    "field of view": (FieldOfViewCamera, {"fov": [50.0], "c": [32.0, 24.0], "k": [0.1, -0.05, 0.01, 0.02]}),
    "fisheye": (FisheyeCamera, {"f": [50.0, 45.0], "c": [32.0, 24.0], "k": K}),
}


def variables(count=7, seed=11):
    random = np.random.default_rng(seed)
    return {"v": Ch(random.uniform(-2, 2, (count, 3))), "rt": Ch([0.3, -0.4, 0.2]), "t": Ch([0.1, -0.2, 4.0])}


def make(name, count=7, **changes):
    """A camera with all inputs free: (camera, name of an input -> variable)."""
    kind, lens = MODELS[name]
    inputs = {**variables(count), **{key: Ch(value) for key, value in lens.items()}, **changes}
    size = {"width": 65, "height": 49} if kind is FieldOfViewCamera else {}
    return kind(**inputs, **size), inputs


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


# ---------------------------------------------------------------------- values

def test_orthographic_size_does_not_depend_on_depth():
    camera = OrthographicCamera(v=[[0.0, 0, 2], [1, 0, 2], [0, 1, 2], [1, 1, 40]], f=[100, 200], c=[32, 24])
    np.testing.assert_array_equal(camera.r, [[32, 24], [132, 24], [32, 224], [132, 224]])
    np.testing.assert_array_equal(camera.screen[:, 2], [2, 2, 2, 40])


def test_weak_perspective_has_the_size_of_one_depth():
    v = [[1.0, 0, 2], [0, 1, 2], [1, 1, 8]]
    np.testing.assert_array_equal(WeakPerspectiveCamera(v=v, f=100, c=[32, 24]).r, [[57, 24], [32, 49], [57, 49]])
    np.testing.assert_array_equal(WeakPerspectiveCamera(v=v, f=100, c=[32, 24], reference_depth=2).r,
                                  [[82, 24], [32, 74], [82, 74]])


def test_weak_perspective_is_the_limit_of_perspective():
    """Twice as far away, at twice the focal length, the difference is half as large."""
    errors = []
    for distance in (100.0, 200.0):
        inputs = {**variables(), "t": [0, 0, distance], "f": 50 * distance, "c": [32, 24]}
        errors.append(np.abs(WeakPerspectiveCamera(**inputs).r - ProjectPoints(**inputs).r).max())
    assert 0.4 < errors[1] / errors[0] < 0.6 and errors[0] < 5


def test_an_angle_of_view_ends_at_the_outer_edges_of_the_pixels():
    edge = [[0.0, -1, 1], [0, 1, 1], [-1, 0, 1], [1, 0, 1]]  # at 45 degrees
    uv = FieldOfViewCamera(v=edge, fov=90, width=64, height=48).r
    np.testing.assert_allclose(uv, [[31.5, -0.5], [31.5, 47.5], [31.5 - 24, 23.5], [31.5 + 24, 23.5]], rtol=1e-14)
    uv = FieldOfViewCamera(v=edge, fov=90, width=64, height=48, axis="horizontal").r
    np.testing.assert_allclose(uv, [[31.5, 23.5 - 32], [31.5, 23.5 + 32], [-0.5, 23.5], [63.5, 23.5]], rtol=0,
                               atol=1e-13)


def test_a_field_of_view_is_a_focal_length():
    camera, inputs = make("field of view")
    focal = 49 / 2 / np.tan(np.radians(25))
    assert float(camera.f) == pytest.approx(focal, rel=1e-14)
    same = ProjectPoints(v=inputs["v"], rt=inputs["rt"], t=inputs["t"], f=focal, c=inputs["c"], k=inputs["k"])
    np.testing.assert_allclose(camera.r, same.r, rtol=1e-14)


def test_an_equidistant_fisheye_is_linear_in_the_angle():
    angles = np.radians([0.0, 10, 45, 80, 89.9])
    for axis in (0, 1):
        v = np.zeros((5, 3))
        v[:, axis], v[:, 2] = 3 * np.sin(angles), 3 * np.cos(angles)
        expected = np.full((5, 2), 7.0)
        expected[:, axis] += 100 * angles
        np.testing.assert_allclose(FisheyeCamera(v=v, f=100, c=[7, 7]).r, expected, rtol=1e-13)


def test_fisheye_is_that_of_the_loop():
    camera, inputs = make("fisheye")
    v, *lens = (inputs[name].r for name in ("v", "rt", "t", "f", "c", "k"))
    np.testing.assert_allclose(camera.r, [project_fisheye(point, *lens) for point in v], rtol=1e-13)


# Computed with cv2.fisheye.projectPoints, recorded to 7 decimals.
OPENCV = [
    {"rt": [-0.346, 0.975, -0.363], "t": [0.1, -0.2, 3.5], "f": [558.478, 560.507], "c": [620.4585, 381.9394],
     "k": [-0.0014613319981768, -0.00329861110580401, 0.00605760088590183, -0.00374209380722371],
     "v": [[-0.373, -0.764, -2.358], [-0.126, -1.552, -1.457], [1.731, 2.219, -0.653], [-1.892, -1.837, 1.883]],
     "uv": [[267.1238754, 221.3807714], [419.599498, 141.2926799], [941.8085181, 777.2011418],
            [659.4774126, 318.8660615]]},
    {"rt": [-0.154, -0.488, 0.182], "t": [0.1, -0.2, 3.5], "f": [558.478, 560.507], "c": [620.4585, 381.9394],
     "k": [0.12, -0.05, 0.02, -0.004],
     "v": [[-2.099, -0.772, -1.292], [-2.899, -1.911, -0.632], [-0.64, 0.7, -0.286], [0.626, 0.881, 2.468]],
     "uv": [[339.9294492, -48.0196561], [270.5648872, -135.905883], [539.2941333, 444.244339],
            [557.4657683, 482.2877904]]},
]


@pytest.mark.parametrize("case", OPENCV)
def test_opencv_projects_the_same(case):
    inputs = {name: value for name, value in case.items() if name != "uv"}
    np.testing.assert_allclose(FisheyeCamera(**inputs).r, case["uv"], rtol=0, atol=6e-8)


# ---------------------------------------------------------------------- derivatives

def test_derivatives_wrt_every_input(model):
    camera, inputs = make(model)
    for name, variable in inputs.items():
        for node in (camera, camera.z) if name in ("v", "rt", "t") else (camera,):
            check = check_jacobian(node, variable)
            assert check.ok(1e-8), f"{name}: {check}"


@pytest.mark.parametrize("model", ["orthographic", "weak", "weak at a depth", "fisheye"])
def test_one_scale_for_both_axes(model):
    camera, inputs = make(model, f=Ch(48.0))
    assert check_jacobian(camera, inputs["f"]).ok(1e-9)


def test_one_node_in_two_places():
    both = Ch([30.0, 31.0])
    for name in ("orthographic", "weak", "fisheye"):
        assert check_jacobian(make(name, f=both, c=both)[0], both).ok(1e-9)
    depth = Ch([3.0])
    camera, _ = make("weak at a depth", f=depth, reference_depth=depth)
    assert check_jacobian(camera, depth).ok(1e-9)


def test_the_mean_depth_ties_all_points_together():
    camera, inputs = make("weak")
    assert np.abs(camera.dr_wrt(inputs["v"]).toarray()).min() > 0
    tied, _ = make("weak at a depth", reference_depth=camera.mean_depth, **inputs)
    np.testing.assert_array_equal(tied.r, camera.r)
    np.testing.assert_allclose(tied.dr_wrt(inputs["t"]).toarray(), camera.dr_wrt(inputs["t"]).toarray(), atol=1e-13)
    free, inputs = make("weak at a depth")
    assert free.mean_depth is None and free.dr_wrt(inputs["v"]).nnz <= 7 * 2 * 3


@pytest.mark.parametrize("offset", [0.0, 1e-9, 1e-4])
def test_fisheye_beside_its_axis(offset):
    """Both slopes are 1 / z there, which differences of the formula as it stands would lose."""
    v = Ch([[offset, -offset, 2.0]])
    camera = FisheyeCamera(v=v, f=[50, 45], c=[3, 4], k=K)
    np.testing.assert_allclose(camera.dr_wrt(v).toarray()[:, :2], np.diag([25.0, 22.5]), rtol=0, atol=1e-6)
    assert check_jacobian(camera, v, step=1e-5).ok(1e-8)


@pytest.mark.parametrize("depth", [0.0, -0.5])
def test_fisheye_beyond_90_degrees_is_smooth(depth):
    v = Ch([[1.0, -0.5, depth]])
    camera = FisheyeCamera(v=v, f=[50, 45], c=[3, 4], k=K)
    assert check_jacobian(camera, v).ok(1e-8)


@pytest.mark.parametrize("point", [[1.0, 2, 0], [0, 0, 0], [0, 0, -2], [1, 1, -2], [1, 1, 1e-300], [1e100, -1e100, 1],
                                   [1e-320, 0, 1], [1e-300, 1e-300, -1], [3e4, 0, 1], [0, 0, 1e300]])
def test_finite_points_have_finite_projections(model, point):
    camera, inputs = make(model, rt=Ch(np.zeros(3)), t=Ch(np.zeros(3)), v=Ch([point, [0.0, 0, 5]]))
    assert np.isfinite(camera.r).all()
    for name, variable in inputs.items():
        assert np.isfinite(camera.jvp(variable, np.ones(variable.size))).all(), name
        assert np.isfinite(camera.vjp(variable, np.ones(4))).all(), name


# ---------------------------------------------------------------------- the way back

def test_unproject_is_the_inverse(model):
    camera, _ = make(model, count=50)
    points = camera.unproject_points(camera.screen)
    in_front = camera.z.r > 0.1
    assert in_front.sum() > 40
    np.testing.assert_allclose(points[in_front], camera.v.r[in_front], rtol=0, atol=1e-10)
    np.testing.assert_allclose(camera.unproject_points(camera.screen, camera_space=True)[in_front],
                               camera.v_cam.r[in_front], rtol=0, atol=1e-10)


def test_unproject_depth_image_lands_on_its_pixels(model):
    camera, _ = make(model)
    depth = np.random.default_rng(2).uniform(1, 5, (7, 10))
    points = camera.unproject_depth_image(depth, camera_space=True)
    assert points.shape == (7, 10, 3)
    rows, columns = np.indices(depth.shape)
    uv = camera.project_camera_points(points.reshape(-1, 3)).reshape(7, 10, 2)
    np.testing.assert_allclose(uv, np.stack((columns, rows), axis=2), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(points[:, :, 2], depth)


def test_a_fisheye_that_turns_back_shows_nothing_beyond():
    """θ (1 - 0.25 θ²) is largest at θ = 1.1547, where it is 0.7698."""
    camera = FisheyeCamera(v=np.zeros((1, 3)), f=1, c=[0, 0], k=[-0.25, 0, 0, 0])
    uvd = [[0.7697, 0, 2], [0, 0.76979, 2], [0.7699, 0, 2], [0, 0, 2]]
    inside, turn, outside, centre = camera.unproject_points(uvd, camera_space=True)
    assert np.arctan2(inside[0], 2) < 1.1547 and np.arctan2(turn[1], 2) < 1.1547
    np.testing.assert_allclose(camera.project_camera_points([inside, turn]), [[0.7697, 0], [0, 0.76979]], atol=1e-12)
    assert np.isnan(outside[:2]).all()
    np.testing.assert_array_equal(centre, [0, 0, 2])


def test_a_fisheye_shows_nothing_in_front_at_90_degrees():
    camera = FisheyeCamera(v=np.zeros((1, 3)), f=1, c=[0, 0])
    points = camera.unproject_points([[1.5, 0, 1], [np.pi / 2, 0, 1], [3, 0, 1]], camera_space=True)
    assert points[0, 0] == pytest.approx(np.tan(1.5), rel=1e-12) and np.isnan(points[1:, :2]).all()


def test_other_points_of_the_same_camera(model):
    """The depth of weak perspective stays that of the camera's own points."""
    camera, inputs = make(model)
    some = camera.of_camera_points(camera.v_cam[2:4])
    np.testing.assert_array_equal(some.r, camera.r[2:4])
    np.testing.assert_array_equal(camera.project_camera_points(camera.v_cam.r[2:4]), camera.r[2:4])
    assert camera.project_camera_points(np.zeros((0, 3))).shape == (0, 2)
    for variable in inputs.values():
        np.testing.assert_allclose(some.dr_wrt(variable).toarray(), camera.dr_wrt(variable).toarray()[4:8], atol=1e-12)


# ---------------------------------------------------------------------- as a node

def test_inputs_can_be_replaced_one_by_one(model):
    camera, inputs = make(model)
    changes = {"v": np.eye(3) + 2, "rt": [0, 0.1, 0], "t": [0, 0, 9.0], "f": [90.0, 80], "c": [1.0, 2],
               "reference_depth": 5.0, "fov": 33.0, "k": np.full(4, 0.01)}
    for name, value in changes.items():
        if name not in inputs:
            continue
        camera.r, camera.dr_wrt(camera.t)
        setattr(camera, name, value)
        fresh, _ = make(model, **{term: getattr(camera, term) for term in inputs})
        np.testing.assert_array_equal(camera.r, fresh.r)
        np.testing.assert_array_equal(camera.dr_wrt(camera.t).toarray(), fresh.dr_wrt(fresh.t).toarray())


def test_size_and_axis_of_a_field_of_view_can_be_changed():
    camera, _ = make("field of view", c=None)
    assert camera.width == 65 and camera.axis == "vertical"
    camera.r
    camera.set(width=31, height=21, axis="horizontal")
    fresh = FieldOfViewCamera(v=camera.v, rt=camera.rt, t=camera.t, fov=camera.fov, width=31, height=21,
                              axis="horizontal", k=camera.k)
    np.testing.assert_array_equal(camera.r, fresh.r)
    np.testing.assert_array_equal(camera.camera_mtx[:2, 2], [15, 10])


def test_a_copy_has_a_life_of_its_own(model):
    camera, inputs = make(model)
    twin = camera.copy()
    before = camera.r
    np.testing.assert_array_equal(twin.r, before)
    twin.v, twin.t = np.ones((2, 3)), [0, 0, 5.0]
    if model == "field of view":
        twin.fov = 20.0
    assert twin.shape == (2, 2)
    np.testing.assert_array_equal(camera.r, before)
    assert all(getattr(camera, name) is variable for name, variable in inputs.items())


def test_pickle(model):
    camera, _ = make(model)
    twin = pickle.loads(pickle.dumps(camera))
    np.testing.assert_array_equal(twin.r, camera.r)
    twin.rt = [0, 0, 0.5]
    assert (twin.r != camera.r).any()
    assert check_jacobian(twin, twin.t).ok(1e-8)


def test_matrices_project_as_the_camera_does():
    camera, inputs = make("orthographic")
    in_camera = np.column_stack((inputs["v"].r, np.ones(7))) @ camera.view_mtx.T
    homogeneous = np.column_stack((in_camera[:, :2], np.ones(7))) @ camera.camera_mtx.T
    np.testing.assert_allclose(homogeneous[:, :2], camera.r, rtol=1e-13)


def test_defaults_and_positions():
    np.testing.assert_array_equal(OrthographicCamera([[1.0, 0, 1]], np.zeros(3), [0, 0, 1.0], 10, [3, 4]).r, [[13, 4]])
    np.testing.assert_array_equal(WeakPerspectiveCamera([[1.0, 0, 1]], np.zeros(3), [0, 0, 1.0], 10, [3, 4], 5).r,
                                  [[5, 4]])
    np.testing.assert_array_equal(FieldOfViewCamera([[0, 0, 1.0]], np.zeros(3), np.zeros(3), 60, 5, 3).r, [[2, 1]])
    np.testing.assert_array_equal(FisheyeCamera([[0, 0, 1.0]], np.zeros(3), np.zeros(3), 60, [5, 3], K).r, [[5, 3]])


def test_a_fov_is_found_again():
    camera, inputs = make("field of view")
    target = camera.r.copy()
    inputs["fov"].x = [70.0]
    ch.minimize(camera - target, x0=[inputs["fov"]])
    assert float(inputs["fov"]) == pytest.approx(50, abs=1e-6)


@pytest.mark.parametrize("name, change, error, message", [
    ("orthographic", {"f": [0.0, 2]}, ValueError, "OrthographicCamera: f must not be 0"),
    ("orthographic", {"f": [1, 2, 3]}, ValueError, "f must have 1 or 2 entries, got 3"),
    ("orthographic", {"c": 3.0}, ValueError, "c must have 2 entries, got 1"),
    ("orthographic", {"v": [[0, 0, np.nan]]}, ValueError, r"v must be finite; entry \[0, 2\] is nan"),
    ("weak at a depth", {"reference_depth": 0.0}, ValueError, "reference_depth must not be 0"),
    ("weak at a depth", {"reference_depth": [1.0, 2]}, ValueError, "reference_depth must have 1 entries, got 2"),
    ("weak", {"v": [[0.0, 1, 1], [0, 1, -1]], "rt": np.zeros(3), "t": np.zeros(3)}, ValueError,
     "mean_depth must not be 0"),
    ("field of view", {"fov": 180.0}, ValueError, "fov must be between 0 and 180 degrees, got 180"),
    ("field of view", {"fov": -3.0}, ValueError, "fov must be between 0 and 180 degrees, got -3"),
    ("field of view", {"f": 3.0}, TypeError, "f is computed from fov and cannot be given"),
    ("field of view", {"axis": "diagonal"}, ValueError, "axis must be 'vertical' or 'horizontal', got 'diagonal'"),
    ("fisheye", {"k": np.zeros(5)}, ValueError, "k must have 0 or 4 entries, got 5"),
    ("fisheye", {"k": [np.inf, 0, 0, 0]}, ValueError, "k must be finite"),
])
def test_bad_input_is_refused(name, change, error, message):
    with pytest.raises(error, match=message):
        make(name, **change)[0].r


@pytest.mark.parametrize("width", [None, 0, 2.5])
def test_a_field_of_view_needs_the_size_of_the_image(width):
    with pytest.raises(ValueError, match="FieldOfViewCamera: width must be a positive whole number"):
        FieldOfViewCamera(v=np.ones((1, 3)), fov=60, width=width, height=10).r


def test_missing_input_is_named():
    with pytest.raises(AttributeError, match="OrthographicCamera needs c, which is not set"):
        OrthographicCamera(v=np.ones((1, 3)), f=2).r
    with pytest.raises(AttributeError, match="FocalLength needs fov, which is not set"):
        FieldOfViewCamera(v=np.ones((1, 3)), width=3, height=3).r


def test_the_base_class_is_no_model():
    with pytest.raises(NotImplementedError, match="Camera is no model of a camera: take a subclass"):
        Camera(v=np.ones((1, 3)), f=1, c=[0, 0]).r
