"""Cameras that look somewhere, and conventions of other programs by their published formulas and numbers."""
import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from opendr_lite import ProjectPoints, SilhouetteRenderer, ch
from opendr_lite.ch import Ch
from opendr_lite.geometry import axis_angle_to_matrix
from opendr_lite.primitives import icosphere
from opendr_lite.viewpoints import (
    CameraParameters,
    clip_planes,
    eye_from_angles,
    from_blender,
    from_colmap,
    from_neural_renderer,
    from_opengl,
    from_pytorch3d,
    look,
    look_at,
    neural_renderer_eye,
    to_blender,
    to_colmap,
    to_neural_renderer,
    to_opengl,
    to_pytorch3d,
)
from tests.derivatives import assert_derivative

POINTS = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3)) + [0.1, 0.2, 0.3]


def some_camera(**changes):
    """A camera 4 away from the origin, turned, that sees `POINTS`; width and height differ, and so do f_x and f_y."""
    return CameraParameters(**{"rt": [0.3, -0.8, 2.1], "t": [0.1, -0.2, 4.0], "f": [500.0, 520.0], "c": [310.2, 250.7],
                               "width": 640, "height": 480, **changes})


def pixels(camera, points=POINTS):
    return ProjectPoints(v=points, **camera.terms).r


def assert_same(one, other, atol=1e-11):
    for name in ("f", "c", "k", "t"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-13, atol=atol)
    np.testing.assert_allclose(one.R, other.R, rtol=0, atol=1e-14)
    assert (one.width, one.height, one.lens) == (other.width, other.height, other.lens)


# ---------------------------------------------------------------------- looking

EYES = [(0, 0, 3), (0, 0, -3), (3, 0, 0), (-3, 0, 0), (2, 0, 2), (-1, 0.5, 2), (0.3, 2.5, -0.4), (1, -2, 0.1)]


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("up", [(0, 1, 0), (0, 2, 0.1)])
def test_what_is_looked_at_is_in_the_middle_and_up_is_upright(eye, up):
    at = np.array([0.1, -0.2, 0.3])
    view = look_at(eye, at, up)
    R = axis_angle_to_matrix(view.rt.r)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(R) > 0
    np.testing.assert_allclose(R @ eye + view.t.r, 0, atol=1e-14)
    points = at + np.array([[0, 0, 0], 0.1 * np.array(up), np.cross(at - eye, up)])
    middle, above, right = ProjectPoints(v=points, rt=view.rt, t=view.t, f=[100, 100], c=[7, 8]).r
    np.testing.assert_allclose(middle, [7, 8], atol=1e-11)
    assert abs(above[0] - 7) < 1e-11 and above[1] < 8          # rows go down
    assert abs(right[1] - 8) < 1e-11 and right[0] > 7


def test_a_camera_in_front_by_hand():
    view = look_at([0, 0, 3])
    np.testing.assert_allclose(axis_angle_to_matrix(view.rt.r), np.diag([1, -1, -1]), atol=1e-15)
    np.testing.assert_allclose(view.t.r, [0, 0, 3], atol=1e-15)
    identity = look([0, 0, 0], [0, 0, 1], [0, -1, 0])
    np.testing.assert_allclose(identity.rt.r, 0, atol=1e-15)


def test_looking_along_a_direction():
    at, eye = np.array([0.4, 0.2, -1]), np.array([1.0, 2, 3])
    for view in (look(eye, at - eye), look(eye, 7 * (at - eye), [0, 0.1, 0])):
        np.testing.assert_allclose(view.rt.r, look_at(eye, at).rt.r, atol=1e-14)
        np.testing.assert_allclose(view.t.r, look_at(eye, at).t.r, atol=1e-14)


@pytest.mark.parametrize("eye", EYES)
def test_derivatives_of_looking(eye):
    eye, at, up = Ch(eye), Ch([0.0, 0, 0]), Ch([0.0, 1, 0])
    view = look_at(eye, at, up)
    for node in (*view, ProjectPoints(v=POINTS, rt=view.rt, t=view.t, f=[10, 10], c=[0, 0])):
        assert_derivative(node, eye, at, up, tolerance=1e-7)
    for node in look(eye, at - eye + [0.1, 0, 0], up):
        assert_derivative(node, eye, up, tolerance=1e-7)


@pytest.mark.parametrize("up", [*np.eye(3), *-np.eye(3)], ids=str)
def test_the_rotation_vector_does_not_jump_where_cameras_stand(up):
    around = Ch(0.0)
    first, second = np.eye(3)[up == 0]
    view = look_at(2 * (ch.cos(around) * first + ch.sin(around) * second), up=up)
    for degrees in range(0, 360, 15):
        around.x = np.deg2rad(degrees)
        assert_derivative(view.rt, around, tolerance=1e-8)
        assert np.linalg.norm(view.rt.r) < 1.5 * np.pi


def test_many_cameras_at_once():
    eyes, at, up = Ch(EYES), Ch([0.1, 0, 0]), Ch([0, 1, 0.2])
    views = look_at(eyes, at, up)
    assert views.rt.shape == views.t.shape == (len(EYES), 3)
    for i, eye in enumerate(EYES):
        np.testing.assert_allclose(views.rt.r[i], look_at(eye, at, up).rt.r, atol=1e-15)
        np.testing.assert_allclose(views.t.r[i], look_at(eye, at, up).t.r, atol=1e-15)
    for node in views:
        assert_derivative(node, eyes, at, up, tolerance=1e-7)
    directions = Ch(-eyes.r)
    turned = look([1.0, 2, 3], directions)
    assert turned.t.shape == (len(EYES), 3)
    assert_derivative(turned.t, directions, tolerance=1e-7)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(turned.t)).r, turned.t.r)


def test_angles_by_hand():
    for angles, place in (((0, 0), (0, 0, 2)), ((0, 90), (2, 0, 0)), ((90, 30), (0, 2, 0)), ((0, 180), (0, 0, -2)),
                          ((-30, 0), (0, -1, np.sqrt(3))), ((30, 90), (np.sqrt(3), 1, 0))):
        np.testing.assert_allclose(eye_from_angles(2, *angles).r, place, atol=1e-15)
        np.testing.assert_allclose(eye_from_angles(2, *np.deg2rad(angles), degrees=False).r, place, atol=1e-15)


def test_derivatives_of_angles():
    distance, elevation, azimuth = Ch([2.0, 3.0]), Ch(20.0), Ch([[10.0], [50.0], [200.0]])
    eye = eye_from_angles(distance, elevation, azimuth)
    assert eye.shape == (3, 2, 3)
    assert_derivative(eye, distance, elevation, azimuth, tolerance=1e-8)
    view = look_at(eye)
    assert view.rt.shape == (3, 2, 3)
    assert_derivative(view.t, distance, elevation, azimuth, tolerance=1e-7)


@pytest.mark.parametrize("make, message", [
    (lambda: look_at([0, 2, 0]), "parallel to up.*give another up"),
    (lambda: look_at([1, 2, 3], [1, 2, 3]), "looks at a place other than its own"),
    (lambda: look_at([1, 2, 3], up=[0, 0, 0]), "up must not be 0"),
    (lambda: look_at([[1, 2, 3], [0, 3, 0]]), r"parallel to up.* at \[1\]"),
    (lambda: look_at([1, 2, np.nan]), "direction must be finite"),
    (lambda: look([1, 2, 3], [0, 1]), r"direction must have shape \(\.\.\., 3\), got \(2,\)")])
def test_cameras_that_see_nothing(make, message):
    with pytest.raises(ValueError, match=message):
        make().t.r


# ---------------------------------------------------------------------- parameters

def test_parameters_of_a_camera_and_back():
    camera = ProjectPoints(v=POINTS, rt=[0.1, 0.2, 0.3], t=[0, 0, 4], f=[100, 110], c=[30, 20], k=[0.1, 0, 0.01, 0])
    parameters = CameraParameters.of(camera, 64, 48)
    np.testing.assert_array_equal(pixels(parameters), camera.r)
    assert CameraParameters.of(ProjectPoints(v=POINTS, f=50, c=[30, 20]), 64, 48).f.tolist() == [50, 50]
    np.testing.assert_allclose(parameters.R @ parameters.eye, [0, 0, -4], atol=1e-15)


@pytest.mark.parametrize("changes, message", [
    ({"rt": [0, 0]}, "rt must have 3 entries, got 2"), ({"t": [0, np.nan, 0]}, "t must be finite"),
    ({"f": 0.0}, "f must not be 0"), ({"k": [0.1]}, "k must have 0 or 4 or 5 or 8 entries"),
    ({"lens": "fisheye", "k": []}, "k must have 4 entries"), ({"lens": "tele"}, "lens must be one of 'perspective'"),
    ({"width": 0}, "width must be a whole number of pixels"), ({"height": 4.5}, "height must be a whole number")])
def test_parameters_that_are_none(changes, message):
    with pytest.raises(ValueError, match=message):
        some_camera(**changes)


# ---------------------------------------------------------------------- OpenGL

def test_the_projection_matrices_of_opengl():
    """gluPerspective and glFrustum as their manual pages define them."""
    near, far, fov, width, height = 0.5, 20.0, np.deg2rad(50), 640, 480
    cot, aspect = 1 / np.tan(fov / 2), width / height
    expected = [[cot / aspect, 0, 0, 0], [0, cot, 0, 0],
                [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)], [0, 0, -1, 0]]
    camera = from_opengl(np.eye(4), expected, width, height)
    np.testing.assert_allclose(camera.f, 240 * cot, rtol=1e-14)
    np.testing.assert_allclose(camera.c, [319.5, 239.5], rtol=1e-14)        # the middle of 640 x 480 pixels
    np.testing.assert_allclose(to_opengl(camera, near, far).projection, expected, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(clip_planes(expected), [near, far], rtol=1e-14)

    left, right, bottom, top = -0.2, 0.5, -0.1, 0.3
    frustum = [[2 * near / (right - left), 0, (right + left) / (right - left), 0],
               [0, 2 * near / (top - bottom), (top + bottom) / (top - bottom), 0], *expected[2:]]
    camera = from_opengl(np.eye(4), frustum, width, height)
    corners = np.array([[left, -top, near], [right, -bottom, near]])         # in our camera space
    at = pixels(CameraParameters(np.zeros(3), np.zeros(3), camera.f, camera.c, width, height), corners)
    np.testing.assert_allclose(at, [[-0.5, -0.5], [639.5, 479.5]], atol=1e-11)   # outer corners of the picture
    np.testing.assert_allclose(to_opengl(camera, near, far).projection, frustum, rtol=1e-14, atol=1e-15)


def test_normalized_device_coordinates_of_pixel_centres():
    camera = some_camera()
    view, projection = to_opengl(camera, 1.0, 10.0)
    clip = np.column_stack((POINTS, np.ones(20))) @ view.T @ projection.T
    ndc = clip[:, :3] / clip[:, 3:]
    u, v = pixels(camera).T
    np.testing.assert_allclose(ndc[:, 0], (2 * u + 1) / 640 - 1, atol=1e-14)
    np.testing.assert_allclose(ndc[:, 1], 1 - (2 * v + 1) / 480, atol=1e-14)
    z = (POINTS @ camera.R.T + camera.t)[:, 2]
    np.testing.assert_allclose(ndc[:, 2], (11 - 20 / z) / 9, atol=1e-14)
    np.testing.assert_allclose(view[:3, :3] @ POINTS[0] + view[:3, 3],
                               (camera.R @ POINTS[0] + camera.t) * [1, -1, -1], atol=1e-15)
    assert_same(from_opengl(view, projection, 640, 480), camera)


@pytest.mark.parametrize("make, message", [
    (lambda: to_opengl(some_camera(), 2, 1), "near must be less than far"),
    (lambda: to_opengl(some_camera(), 0, 1), "near must be positive"),
    (lambda: to_opengl(some_camera(k=[0.1, 0, 0, 0]), 1, 2), "OpenGL has no lens distortion.*undistort"),
    (lambda: from_opengl(np.eye(4), np.eye(4), 4, 4), r"last row of projection must be \[0, 0, -1, 0\]"),
    (lambda: from_opengl(*[m.T for m in to_opengl(some_camera(), 1, 2)], 4, 4), "to be transposed"),
    (lambda: from_opengl(2 * np.eye(4), np.eye(4), 4, 4), "last row of view"),
    (lambda: from_opengl(np.diag([2, 1, 1, 1]), to_opengl(some_camera(), 1, 2).projection, 4, 4), "R Rᵀ = I"),
    (lambda: from_opengl(np.eye(4), [[1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, -1, -1], [0, 0, -1, 0]], 4, 4), "skew"),
    (lambda: from_opengl(np.eye(3), np.eye(4), 4, 4), r"view must have shape \(4, 4\)")])
def test_what_opengl_does_not_have(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------------- PyTorch3D

def pytorch3d_ndc(points, R, T, focal_length, principal_point, **others):
    """What `PerspectiveCameras` documents: x left, y up."""
    X = points @ R[0] + T[0]
    return focal_length[0] * X[:, :2] / X[:, 2:] + principal_point[0]


@pytest.mark.parametrize("width, height", [(640, 480), (480, 640), (128, 128)])
def test_pytorch3d_in_ndc(width, height):
    camera = some_camera(width=width, height=height)
    arguments = to_pytorch3d(camera)
    ndc = pytorch3d_ndc(POINTS, **arguments)
    short = min(width, height)
    u, v = pixels(camera).T + 0.5                        # from the outer corner
    np.testing.assert_allclose(ndc, np.column_stack((width - 2 * u, height - 2 * v)) / short, atol=1e-13)
    assert arguments["image_size"].tolist() == [[height, width]] and arguments["in_ndc"] is True
    assert_same(from_pytorch3d(**arguments), camera)


def test_pytorch3d_in_pixels():
    camera = some_camera()
    arguments = to_pytorch3d(camera, in_ndc=False)
    np.testing.assert_array_equal(arguments["focal_length"], [[500, 520]])
    np.testing.assert_allclose(arguments["principal_point"], [[310.7, 251.2]])
    np.testing.assert_allclose(arguments["R"][0] @ arguments["R"][0].T, np.eye(3), atol=1e-15)
    assert_same(from_pytorch3d(**arguments), camera, atol=1e-13)


def test_the_recorded_scene_of_pytorch3d():
    """128 x 128 pixels whose centres are at ½, f = 153.6, c = 64, and points in PyTorch3D's space times (-1, -1, 1)."""
    camera = from_pytorch3d(np.diag([-1.0, -1, 1]), np.zeros(3), 153.6, [64, 64], (128, 128), in_ndc=False)
    np.testing.assert_allclose(camera.rt, 0, atol=1e-15)
    assert camera.f.tolist() == [153.6, 153.6] and camera.c.tolist() == [63.5, 63.5]
    np.testing.assert_allclose(to_pytorch3d(camera)["focal_length"], 2.4)
    np.testing.assert_allclose(to_pytorch3d(camera)["principal_point"], 0, atol=1e-15)


@pytest.mark.parametrize("distance, elevation, azimuth", [(2.7, 0, 0), (2.7, 10, -150), (3.0, -40, 70)])
def test_look_at_view_transform_of_pytorch3d(distance, elevation, azimuth):
    """The columns of R are the camera's axes left, up, ahead; T = -Rᵀ eye."""
    e, a = np.deg2rad([elevation, azimuth])
    eye = distance * np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])
    ahead = -eye / distance
    left = np.cross([0, 1, 0], ahead) / np.linalg.norm(np.cross([0, 1, 0], ahead))
    R = np.column_stack((left, np.cross(ahead, left), ahead))
    view = look_at(eye_from_angles(distance, elevation, azimuth))
    arguments = to_pytorch3d(some_camera(rt=view.rt.r, t=view.t.r))
    np.testing.assert_allclose(arguments["R"][0], R, atol=1e-14)
    np.testing.assert_allclose(arguments["T"][0], -R.T @ eye, atol=1e-14)
    if (elevation, azimuth) == (0, 0):
        np.testing.assert_allclose(arguments["R"][0], np.diag([-1, 1, -1]), atol=1e-15)
        np.testing.assert_allclose(arguments["T"][0], [0, 0, 2.7], atol=1e-15)


@pytest.mark.parametrize("changes, message", [
    ({"image_size": None}, "image_size must be given"), ({"R": np.eye(4)}, r"R must have shape \(3, 3\)"),
    ({"T": [0, 0]}, "T must have 3 entries"), ({"focal_length": [1, 2, 3]}, "focal_length must have 1 or 2 entries"),
    ({"R": np.diag([1.0, 1, -1])}, "R Rᵀ = I and det R = 1"), ({"focal_length": 0}, "f must not be 0")])
def test_what_pytorch3d_does_not_have(changes, message):
    with pytest.raises(ValueError, match=message):
        from_pytorch3d(**{**to_pytorch3d(some_camera()), **changes})


# ---------------------------------------------------------------------- COLMAP

def test_the_example_of_colmaps_documentation():
    """Lines of cameras.txt and images.txt."""
    params = "2559.69 1536 1152 -0.0218531"
    pose = "0.851773 0.0165051 0.503764 -0.142941 -0.737434 1.02973 3.74354"
    pose = np.array(pose.split(), float)
    camera = from_colmap("SIMPLE_RADIAL", 3072, 2304, np.array(params.split(), float), pose[:4], pose[4:])
    assert camera.f.tolist() == [2559.69] * 2 and camera.c.tolist() == [1535.5, 1151.5]
    assert camera.k.tolist() == [-0.0218531, 0, 0, 0] and camera.t.tolist() == [-0.737434, 1.02973, 3.74354]
    np.testing.assert_allclose(camera.R, Rotation.from_quat(np.roll(pose[:4], -1)).as_matrix(), atol=1e-14)
    again = to_colmap(camera)
    assert again.model == "SIMPLE_RADIAL" and again.width == 3072 and again.height == 2304
    np.testing.assert_array_equal(again.params, np.array(params.split(), float))
    np.testing.assert_allclose(again.qvec, pose[:4] / np.linalg.norm(pose[:4]), atol=1e-15)
    np.testing.assert_array_equal(again.tvec, pose[4:])


@pytest.mark.parametrize("model, params", [
    ("SIMPLE_PINHOLE", [500, 320, 240]), ("PINHOLE", [500, 510, 320, 240]), ("SIMPLE_RADIAL", [500, 320, 240, 0.1]),
    ("RADIAL", [500, 320, 240, 0.1, -0.05]), ("OPENCV", [500, 510, 320, 240, 0.1, -0.05, 0.01, 0.02]),
    ("FULL_OPENCV", [500, 510, 320, 240, 0.1, -0.05, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06]),
    ("SIMPLE_RADIAL_FISHEYE", [500, 320, 240, 0.1]), ("RADIAL_FISHEYE", [500, 320, 240, 0.1, -0.05]),
    ("OPENCV_FISHEYE", [500, 510, 320, 240, 0.1, -0.05, 0.01, 0.02])])
def test_models_of_colmap(model, params):
    camera = from_colmap(model, 640, 480, params, [0.5, 0.5, -0.5, 0.5], [1, 2, 3])
    assert camera.c.tolist() == [319.5, 239.5] and camera.lens == ("fisheye" if "FISHEYE" in model else "perspective")
    written = to_colmap(camera)
    assert written.model == model and written.params.tolist() == params
    np.testing.assert_allclose(written.qvec, [0.5, 0.5, -0.5, 0.5], atol=1e-15)
    if camera.lens == "perspective":      # COLMAP's formulas, for its pixels
        x, y, z = (POINTS @ camera.R.T + camera.t).T
        x, y = x / z, y / z
        s = x * x + y * y
        k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(camera.k, (0, 8 - camera.k.size))
        gain = (1 + k1 * s + k2 * s ** 2 + k3 * s ** 3) / (1 + k4 * s + k5 * s ** 2 + k6 * s ** 3)
        u = params[0] * (x * gain + 2 * p1 * x * y + p2 * (s + 2 * x * x)) + 320
        np.testing.assert_allclose(pixels(camera)[:, 0] + 0.5, u, rtol=1e-13)


def test_a_camera_is_written_with_a_larger_model_on_request():
    written = to_colmap(some_camera(f=[500.0, 500.0]), "OPENCV")
    assert written.params.tolist() == [500, 500, 310.7, 251.2, 0, 0, 0, 0]
    assert_same(from_colmap(*written), some_camera(f=[500.0, 500.0], k=np.zeros(4)))
    assert to_colmap(some_camera()).model == "PINHOLE"


@pytest.mark.parametrize("make, message", [
    (lambda: to_colmap(some_camera(), "SIMPLE_PINHOLE"), "model SIMPLE_PINHOLE cannot express.*these can: PINHOLE"),
    (lambda: to_colmap(some_camera(k=[0, 0, 0.1, 0]), "RADIAL"), "these can: OPENCV, FULL_OPENCV"),
    (lambda: to_colmap(some_camera(), "FOV"), "model must be one of SIMPLE_PINHOLE.*got 'FOV'"),
    (lambda: from_colmap("OPENCV", 4, 4, [1, 2, 3]), "params of OPENCV must have 8 entries, got 3"),
    (lambda: from_colmap("PINHOLE", 4, 4, [1, 1, 2, 2], qvec=[0, 0, 0, 0]), "a quaternion must not be 0")])
def test_what_colmap_does_not_have(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------------- Blender

def test_the_camera_of_blenders_startup_file():
    """50 mm on 36 mm, 1920 x 1080, at (7.359, -6.926, 4.958), turned by Euler angles 63.56, 0, 46.69 degrees."""
    matrix_world = np.eye(4)
    matrix_world[:3, :3] = Rotation.from_euler("xyz", [63.559300, 0, 46.691900], degrees=True).as_matrix()
    matrix_world[:3, 3] = 7.358891, -6.925791, 4.958309
    np.testing.assert_allclose(matrix_world[:3, :3], [[0.6859, -0.3240, 0.6516], [0.7277, 0.3054, -0.6142],
                                                      [0.0, 0.8953, 0.4453]], atol=1e-4)
    camera = from_blender(matrix_world, 50, 1920, 1080)
    np.testing.assert_allclose(camera.f, 50 / 36 * 1920)
    assert np.rad2deg(2 * np.arctan(960 / camera.f[0])) == pytest.approx(39.5978, abs=1e-4)
    assert camera.c.tolist() == [959.5, 539.5]
    np.testing.assert_allclose(camera.eye, matrix_world[:3, 3], atol=1e-14)
    corners = np.array([[-1.0, -1, -1], [1, 1, 1], [1, -1, 1], [-1, 1, -1], [0, 0, 1], [0, 0, -1]])
    u, v = pixels(camera, corners).T
    assert (np.abs(u - 960) < 400).all() and (np.abs(v - 540) < 400).all() and v[4] < v[5]   # the cube, upright


def test_the_camera_of_the_synthetic_scenes_of_nerf():
    """An angle of view of 0.6911112070083618 is a focal length of 1111.1110311937682 in 800 pixels."""
    lens = 36 / (2 * np.tan(0.6911112070083618 / 2))
    camera = from_blender(np.eye(4), lens, 800, 800)
    np.testing.assert_allclose(camera.f, 1111.1110311937682, rtol=1e-15)
    np.testing.assert_allclose(pixels(camera, [[0.0, 0, -4], [1, 0, -4], [0, 1, -4]]),
                               399.5 + np.array([[0, 0], [camera.f[0] / 4, 0], [0, -camera.f[0] / 4]]))


@pytest.mark.parametrize("width, height, sensor_fit, aspect, span, sensor", [
    (1000, 800, "AUTO", (1, 1), 1000, 32), (800, 1000, "AUTO", (1, 1), 1000, 32), (800, 1000, "AUTO", (2, 1), 800, 32),
    (1000, 800, "AUTO", (1, 2), 1600, 32), (800, 1000, "HORIZONTAL", (1, 1), 800, 32),
    (1000, 800, "VERTICAL", (1, 1), 800, 20), (1000, 800, "VERTICAL", (1, 2), 1600, 20)])
def test_sensors_shifts_and_oblong_pixels(width, height, sensor_fit, aspect, span, sensor):
    camera = from_blender(np.eye(4), 40, width, height, 32, 20, sensor_fit, 0.1, 0.05, *aspect)
    pixel = aspect[1] / aspect[0]
    np.testing.assert_allclose(camera.f, [40 / sensor * span, 40 / sensor * span / pixel])
    # A shift to the right and up moves what is in the middle to the left and down.
    np.testing.assert_allclose(camera.c + 0.5, [width / 2 - 0.1 * span, height / 2 + 0.05 * span / pixel])
    again = to_blender(camera, 32)
    assert_same(from_blender(**again), camera)
    assert min(again["pixel_aspect_x"], again["pixel_aspect_y"]) == 1


def test_scaled_objects_and_cameras_there_and_back():
    blender = to_blender(some_camera(), sensor_width=24.0)
    assert_same(from_blender(**blender), some_camera())
    np.testing.assert_allclose(blender["lens"], 500 * 24 / 640)
    blender["matrix_world"] = blender["matrix_world"] @ np.diag([2, 3, 0.5, 1])
    assert_same(from_blender(**blender), some_camera())


@pytest.mark.parametrize("make, message", [
    (lambda: from_blender(np.eye(4), 50, 4, 4, sensor_fit="auto"), "sensor_fit must be one of AUTO, HORIZONTAL"),
    (lambda: from_blender(np.eye(4), -50, 4, 4), "lens must be positive"),
    (lambda: from_blender(np.eye(4), 50, 4, 4, sensor_width=0), "sensor_width must be positive"),
    (lambda: from_blender(np.zeros((4, 4)), 50, 4, 4), "matrix_world must be a motion"),
    (lambda: from_blender(np.diag([1, 1, -1.0, 1]), 50, 4, 4), "R Rᵀ = I and det R = 1"),
    (lambda: to_blender(some_camera(f=[5, -5])), "f must be positive"),
    (lambda: to_blender(some_camera(k=[0.1, 0, 0, 0])), "Blender has no lens distortion")])
def test_what_blender_does_not_have(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------------- Neural Renderer, Soft Rasterizer

@pytest.mark.parametrize("eye, expected", [
    ((1, 0, 1), (-np.sqrt(0.5), 0, np.sqrt(0.5))), ((0, 0, -10), (1, 0, 10)),
    ((-1, 1, 0), (0, np.sqrt(0.5), 1.5 * np.sqrt(2)))])
def test_the_published_values_of_look_at(eye, expected):
    """Where (1, 0, 0) is in the camera space of Neural Renderer: the values of its own tests."""
    camera = from_neural_renderer(eye, 256)
    np.testing.assert_allclose(camera.R @ [1, 0, 0] + camera.t, expected, atol=1e-15)


def test_perspective_and_pixels_of_neural_renderer():
    """x / (z tan α) is -1 and 1 at the borders of the picture, and y is up."""
    camera = from_neural_renderer((0, 0, -2), 64, viewing_angle=30)
    width = 2 * np.tan(np.deg2rad(30))
    np.testing.assert_allclose(pixels(camera, [[width, 0, 0.0], [-width, width, 0]]), [[63.5, 31.5], [-0.5, -0.5]])


def test_angles_of_neural_renderer():
    for angles, place in (((2.732, 0, 0), (0, 0, -2.732)), ((2.732, 0, 90), (2.732, 0, 0)), ((2, 90, 0), (0, 2, 0))):
        np.testing.assert_allclose(neural_renderer_eye(*angles), place, atol=1e-15)
    np.testing.assert_allclose(neural_renderer_eye([1, 2], 0, [0, 180]), [[0, 0, -1], [0, 0, 2]], atol=1e-15)


@pytest.mark.parametrize("distance, elevation, azimuth", [(2.732, 30, 15), (2.732, -60, 255)])
def test_its_picture_is_that_of_a_mirrored_mesh(distance, elevation, azimuth):
    mesh = icosphere(1)
    v = mesh.v * [0.9, 0.5, 0.7] * (1 + 0.3 * (mesh.v[:, :1] > 0.3)) + [0.1, 0.05, -0.1]
    theirs = from_neural_renderer(neural_renderer_eye(distance, elevation, azimuth), 48, 25.0)
    view = look_at(eye_from_angles(distance, elevation, azimuth))
    ours = CameraParameters(view.rt.r, view.t.r, [theirs.f[0]] * 2, theirs.c, 48, 48)
    assert theirs.f[1] < 0
    silhouettes = [SilhouetteRenderer(camera=ProjectPoints(v=v * mirror, **camera.terms), f=mesh.f, derivative="exact",
                                      frustum={"near": 0.1, "far": 10, "width": 48, "height": 48}).r
                   for mirror, camera in (([1, 1, 1], theirs), ([1, 1, -1], ours))]
    assert 200 < silhouettes[0].sum() < 1500
    np.testing.assert_allclose(*silhouettes, atol=1e-10)


def test_settings_of_neural_renderer_there_and_back():
    camera = from_neural_renderer((1, 2, -3), 128, 20, at=(0.1, 0, 0.2), up=(0.1, 1, 0))
    settings = to_neural_renderer(camera)
    np.testing.assert_allclose(settings["eye"], [1, 2, -3], atol=1e-14)
    np.testing.assert_allclose(np.cross(settings["direction"], [-0.9, -2, 3.2]), 0, atol=1e-14)
    assert settings["viewing_angle"] == pytest.approx(20, rel=1e-14)
    assert_same(from_neural_renderer(**settings), camera)


@pytest.mark.parametrize("make, message", [
    (lambda: to_neural_renderer(some_camera()), "square pictures"),
    (lambda: to_neural_renderer(some_camera(width=480)), "square pictures"),
    (lambda: from_neural_renderer((0, 2, 0), 64), "parallel to up"),
    (lambda: from_neural_renderer((0, 0, 0), 64), "looks at a place other than its own"),
    (lambda: from_neural_renderer((0, 0, 2), 64, 95), "viewing_angle must be less than 90"),
    (lambda: from_neural_renderer((0, 0, 2), 64.5), "width must be a whole number"),
    (lambda: from_neural_renderer((0, 2), 64), "eye must have 3 entries")])
def test_what_neural_renderer_does_not_have(make, message):
    with pytest.raises(ValueError, match=message):
        make()
