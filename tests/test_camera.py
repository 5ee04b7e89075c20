import pickle

import numpy as np
import pytest

from opendr_lite.camera import ProjectPoints, ProjectPoints3D, RigidTransform, undistort
from opendr_lite.ch import Ch, check_jacobian
from opendr_lite.geometry import Rodrigues
from tests.reference.scene import project

LENSES = {"none": [], "four": [0.12, -0.05, 0.004, -0.003], "five": [0.12, -0.05, 0.004, -0.003, 0.02],
          "eight": [0.12, -0.05, 0.004, -0.003, 0.02, 0.03, -0.01, 0.005]}


def variables(k=(), count=7, seed=11, f=(500.0, 450.0)):
    random = np.random.default_rng(seed)
    return {"v": Ch(random.uniform(-1, 1, (count, 3))), "rt": Ch([0.3, -0.4, 0.2]), "t": Ch([0.1, -0.2, 4.0]),
            "f": Ch(f), "c": Ch([320.0, 240.0]), "k": Ch(k)}


@pytest.fixture(params=LENSES)
def lens(request):
    return LENSES[request.param]


# ---------------------------------------------------------------------- conventions

def test_x_is_right_y_is_down_z_is_forward():
    camera = ProjectPoints(v=[[0.0, 0, 2], [1, 0, 2], [0, 1, 2], [1, 1, 4]], f=[100, 200], c=[32, 24])
    np.testing.assert_array_equal(camera.r, [[32, 24], [82, 24], [32, 124], [57, 74]])


def test_the_rotation_comes_before_the_translation():
    points = RigidTransform([[1.0, 0, 0]], [0, 0, np.pi / 2], [10, 20, 30])
    np.testing.assert_allclose(points.r, [[10, 21, 30]])


def test_the_centre_of_a_pixel_is_an_integer():
    camera = ProjectPoints(v=np.zeros((1, 3)), f=100, c=[32, 24])
    np.testing.assert_array_equal(camera.unproject_depth_image(np.full((48, 64), 3.0))[24, 32], [0, 0, 3])
    np.testing.assert_array_equal(camera.unproject_depth_image(np.full((48, 64), 3.0))[24, 33], [0.03, 0, 3])


def test_matrices_project_as_the_camera_does():
    camera = ProjectPoints(**variables())
    homogeneous = np.column_stack((camera.v.r, np.ones(7))) @ (camera.camera_mtx @ camera.view_mtx).T
    np.testing.assert_allclose(homogeneous[:, :2] / homogeneous[:, 2:], camera.r, rtol=1e-13)
    np.testing.assert_array_equal(camera.view_mtx[:, :3], Rodrigues(camera.rt).r)
    np.testing.assert_array_equal(camera.view_matrix, camera.view_mtx)


# Computed with cv2.projectPoints, recorded to 7 decimals; points in front of the camera and behind it.
OPENCV = [
    {"rt": [-1.6336234226511284, -1.009804818052615, 0.4160736184401035],
     "t": [1.626905, -1.5187958, -4.6009063], "f": [-1.0406556, -4.6370989], "c": [0.6160261, -2.2859802],
     "v": [[0.7610377, 0.121675, 0.4438632], [0.3336743, 1.4940791, -0.2051583],
           [0.3130677, -0.8540957, -2.5529898]],
     "uv": [[1.0145014, -2.9284953], [1.0724146, -3.4080993], [1.7917063, -6.7793572]]},
    {"rt": [0.9529480300972241, -0.8534383895555052, -2.0235766239679127],
     "t": [-0.3351616, -1.6076185, 0.0039651], "f": [0.6332697, 0.5719922], "c": [-0.0084798, 0.5328057],
     "v": [[-0.3824862, 0.6916619, 0.353885], [-1.3431567, 1.4255061, 0.228582],
           [-0.4980731, -0.3628911, 0.2639603], [1.0475853, -0.4238962, -3.5147681]],
     "uv": [[-0.1735197, -0.5026447], [0.1995019, 0.1377832], [-14.5705317, -27.5060102],
            [-0.5086927, 1.2602939]]},
]


@pytest.mark.parametrize("case", OPENCV)
def test_opencv_projects_the_same(case):
    inputs = {name: value for name, value in case.items() if name != "uv"}
    np.testing.assert_allclose(ProjectPoints(**inputs).r, case["uv"], rtol=0, atol=6e-8)


# ---------------------------------------------------------------------- value and derivatives

def test_projection_is_that_of_the_loop(lens):
    inputs = variables(lens)
    v, rt, t, f, c, k = (node.r for node in inputs.values())
    expected = [project(point, rt, t, f, c, k) for point in v]
    np.testing.assert_allclose(ProjectPoints(**inputs).r, expected, rtol=1e-13)


@pytest.mark.parametrize("kind", [ProjectPoints, ProjectPoints3D])
@pytest.mark.parametrize("f", [(500.0, 450.0), (480.0,), 480.0])
def test_derivatives(kind, lens, f):
    inputs = variables(lens, f=f)
    camera = kind(**inputs)
    for name, variable in inputs.items():
        if variable.size:
            check = check_jacobian(camera, variable)
            assert check.ok(1e-9), f"{name}: {check}"


def test_the_third_column_is_depth_in_camera_space(lens):
    inputs = variables(lens)
    camera = ProjectPoints3D(**inputs)
    np.testing.assert_array_equal(camera.r[:, :2], ProjectPoints(**inputs).r)
    expected = inputs["v"].r @ Rodrigues(inputs["rt"]).r.T + inputs["t"].r
    np.testing.assert_allclose(camera.r[:, 2], expected[:, 2], rtol=1e-14)


@pytest.mark.parametrize("angle", [0.0, 1e-9, np.pi - 1e-6, np.pi])
def test_rigid_transform(angle):
    inputs = {name: variables()[name] for name in ("v", "rt", "t")}
    inputs["rt"].x = angle * np.array([0.6, 0.0, -0.8])
    node = RigidTransform(**inputs)
    assert node.shape == (7, 3)
    for variable in inputs.values():
        assert check_jacobian(node, variable).ok(1e-8)
        assert check_jacobian(node.z, variable).ok(1e-8)


@pytest.mark.parametrize("columns", [(), (1,), (4,)])
def test_the_derivative_of_a_rigid_transform_wrt_points_is_one_block_for_all(columns):
    points = RigidTransform(np.zeros((5, 3)), [0.3, -0.4, 0.2], [0.1, -0.2, 4.0])
    rotations = points._local_map(points.v)
    expected = np.kron(np.eye(5), Rodrigues(points.rt).r)
    x = np.random.default_rng(1).normal(size=(15, *columns))
    np.testing.assert_allclose(rotations @ x, expected @ x, rtol=0, atol=1e-14)
    np.testing.assert_allclose(rotations.T @ x, expected.T @ x, rtol=0, atol=1e-14)
    np.testing.assert_allclose(rotations.to_sparse().toarray(), expected, rtol=0, atol=1e-14)


def test_flat_points():
    inputs = variables()
    flat = Ch(inputs["v"].r.ravel())
    camera = ProjectPoints(**{**inputs, "v": flat})
    np.testing.assert_array_equal(camera.r, ProjectPoints(**inputs).r)
    assert camera.v_cam.shape == (21,) and camera.z.shape == (7,)
    assert check_jacobian(camera, flat).ok(1e-9) and check_jacobian(camera.z, flat).ok(1e-8)


def test_one_node_in_two_places():
    both = Ch([300.0, 310.0])
    camera = ProjectPoints(**{**variables(LENSES["five"]), "f": both, "c": both})
    assert check_jacobian(camera, both).ok(1e-9)
    pose = Ch([0.1, -0.2, 3.0])
    assert check_jacobian(ProjectPoints(**{**variables(), "rt": pose, "t": pose}), pose).ok(1e-8)
    point = Ch([[0.1, -0.2, 3.0]])
    assert check_jacobian(RigidTransform(point, point[0], point[0]), point).ok(1e-8)


# ---------------------------------------------------------------------- no NaN

@pytest.mark.parametrize("point", [[1.0, 2, 0], [0, 0, 0], [1, 1, -2], [1, 1, 1e-300], [1e100, -1e100, 1],
                                   [1, 0, -1e-30], [3e4, 0, 1], [0, 0, 1e300]])
def test_finite_points_have_finite_projections(lens, point):
    inputs = variables(lens, count=1)
    inputs["v"].x, inputs["rt"].x, inputs["t"].x = [point], np.zeros(3), np.zeros(3)
    camera = ProjectPoints3D(**inputs)
    assert np.isfinite(camera.r).all()
    for variable in inputs.values():
        assert np.isfinite(camera.jvp(variable, np.ones(variable.size))).all()
        assert np.isfinite(camera.vjp(variable, np.ones(3))).all()


def test_a_point_at_depth_zero_is_projected_as_at_depth_one():
    camera = ProjectPoints(v=[[0.5, -0.25, 0.0]], f=[100, 100], c=[32, 24])
    np.testing.assert_array_equal(camera.r, [[82, -1]])


# ---------------------------------------------------------------------- the way back

def test_unproject_is_the_inverse(lens):
    camera = ProjectPoints3D(**variables(lens, count=50))
    np.testing.assert_allclose(camera.unproject_points(camera), camera.v.r, rtol=0, atol=1e-11)
    in_camera_space = camera.unproject_points(camera.r, camera_space=True)
    np.testing.assert_allclose(in_camera_space, camera.v_cam.r, rtol=0, atol=1e-11)


def test_unproject_depth_image_lands_on_its_pixels(lens):
    camera = ProjectPoints3D(**variables(lens, f=20.0))
    camera.c = [4.5, 3]
    depth = np.random.default_rng(2).uniform(1, 5, (7, 10))
    points = camera.unproject_depth_image(depth)
    assert points.shape == (7, 10, 3)
    camera.v = points.reshape(-1, 3)
    rows, columns = np.indices(depth.shape)
    expected = np.stack((columns, rows, depth), axis=2)
    np.testing.assert_allclose(camera.r.reshape(7, 10, 3), expected, rtol=0, atol=1e-9)


def test_undistort_answers_nan_where_the_lens_shows_nothing():
    # x (1 - 0.3 x²) has its largest value, 0.703, at x = 1.054.
    k = np.array([-0.3, 0, 0, 0, 0, 0, 0, 0])
    inside, outside, centre = undistort(np.array([[0.70, 0], [0.71, 0], [0, 0]]), k)
    assert inside[0] < 1.054 and inside[0] * (1 - 0.3 * inside[0] ** 2) == pytest.approx(0.7, abs=1e-12)
    assert np.isnan(outside).all()
    np.testing.assert_array_equal(centre, 0)


def test_project_camera_points(lens):
    camera = ProjectPoints(**variables(lens))
    np.testing.assert_array_equal(camera.project_camera_points(camera.v_cam.r), camera.r)
    assert camera.project_camera_points(np.zeros((0, 3))).shape == (0, 2)


# ---------------------------------------------------------------------- as a node

def test_inputs_can_be_replaced_one_by_one():
    camera = ProjectPoints(**variables(LENSES["five"]))
    depth, points = camera.z, camera.v_cam
    changes = {"v": np.eye(3) + 2, "rt": [0, 0.1, 0], "t": [0, 0, 9.0], "f": [90.0, 80], "c": [1.0, 2],
               "k": np.zeros(4)}
    for name, value in changes.items():
        camera.r
        setattr(camera, name, value)
        fresh = ProjectPoints(**{term: getattr(camera, term) for term in camera.term_order})
        np.testing.assert_array_equal(camera.r, fresh.r)
        np.testing.assert_array_equal(depth.r, fresh.v_cam.r[:, 2])
    assert camera.z is depth and camera.v_cam is points


@pytest.mark.parametrize("name", ["rt", "t", "f", "c", "k"])
def test_the_matrix_of_intrinsics_is_made_anew_when_they_change(name):
    camera = ProjectPoints(**variables(LENSES["five"]))
    before = camera.camera_mtx
    setattr(camera, name, getattr(camera, name).r + 1)
    assert (camera.camera_mtx is before) == (name not in ("f", "c"))
    np.testing.assert_array_equal(camera.camera_mtx[:2], np.column_stack((np.diag(camera.f.r), camera.c.r)))


def test_a_copy_has_a_life_of_its_own():
    camera = ProjectPoints(**variables(LENSES["five"]))
    twin = camera.copy()
    assert twin.v is camera.v and twin.rt is camera.rt
    before = camera.r
    twin.v, twin.t = np.ones((2, 3)), [0, 0, 5.0]
    np.testing.assert_array_equal(camera.r, before)
    assert twin.shape == (2, 2)


def test_pickle():
    camera = ProjectPoints3D(**variables(LENSES["eight"]))
    twin = pickle.loads(pickle.dumps(camera))
    np.testing.assert_array_equal(twin.r, camera.r)
    twin.t = [0, 0, 7.0]
    assert twin.r[0, 2] != camera.r[0, 2]


def test_positions_and_defaults():
    camera = ProjectPoints([[0.0, 0, 1]], np.zeros(3), [0, 0, 1.0], [10, 10], [3, 4], np.zeros(5))
    np.testing.assert_array_equal(camera.r, [[3, 4]])
    np.testing.assert_array_equal(ProjectPoints(v=[[0.0, 0, 1]], f=10, c=[3, 4]).r, [[3, 4]])
    assert ProjectPoints(v=np.zeros((0, 3)), f=10, c=[3, 4]).r.shape == (0, 2)


@pytest.mark.parametrize("change, error, message", [
    ({"v": np.zeros((3, 2))}, ValueError, r"v must have shape \(N, 3\).*got \(3, 2\)"),
    ({"v": [[0, 0, np.nan]]}, ValueError, r"v must be finite; entry \[0, 2\] is nan"),
    ({"rt": np.eye(3)}, ValueError, "rt must have 3 entries, got 9"),
    ({"t": [1, 2]}, ValueError, "t must have 3 entries, got 2"),
    ({"f": [1, 2, 3]}, ValueError, "f must have 1 or 2 entries, got 3"),
    ({"f": [0.0, 2]}, ValueError, "f must not be 0"),
    ({"c": 3.0}, ValueError, "c must have 2 entries, got 1"),
    ({"k": np.zeros(3)}, ValueError, "k must have 0 or 4 or 5 or 8 entries, got 3"),
    ({"k": [np.inf, 0, 0, 0]}, ValueError, "k must be finite"),
])
def test_bad_input_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        ProjectPoints(**{**variables(), **change}).r


@pytest.mark.parametrize("missing", ["v", "f", "c"])
def test_missing_input_is_named(missing):
    inputs = variables()
    del inputs[missing]
    with pytest.raises(AttributeError, match=f"needs {missing}, which is not set"):
        ProjectPoints(**inputs).r


def test_bad_arguments_of_methods_are_refused():
    camera = ProjectPoints(**variables())
    with pytest.raises(ValueError, match=r"uvd must have shape \(N, 3\)"):
        camera.unproject_points(np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"depth_image must have shape \(height, width\)"):
        camera.unproject_depth_image(np.zeros(4))
    with pytest.raises(ValueError, match=r"points must have shape \(N, 3\)"):
        camera.project_camera_points(np.zeros(3))
