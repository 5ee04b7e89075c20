"""Each finding in a scene that has it and in one that has not; words for derivatives that are zero, for those only."""
import numpy as np
import pytest

import opendr_lite
from opendr_lite import ch, check_scene, explain_derivative
from opendr_lite.camera import ProjectPoints, ProjectPoints3D
from opendr_lite.diagnosis.findings import CHECKS
from opendr_lite.diagnosis.scene import Scene
from opendr_lite.lighting import LambertianPointLight
from opendr_lite.renderer import (
    BoundaryRenderer,
    ColoredRenderer,
    DepthRenderer,
    SilhouetteRenderer,
    TexturedRenderer,
)
from tests.reference.scene import bumpy_sphere
from tests.renderer.scenes import HEIGHT, RENDERERS, WIDTH, camera, frustum, grid, scene

SPHERE = bumpy_sphere(12, seed=1)


def render(v, f, cls=ColoredRenderer, depth=4.0, **terms):
    """A mesh as far away as `depth`, grey where the renderer has colours."""
    if "vc" in cls.dterms and "fc" not in terms:
        terms = {"vc": np.full((len(v), 3), 0.7), **terms}
    return cls(camera=camera(ch.Ch(v), t=[0.0, 0.0, depth]), f=f, **{"frustum": frustum(), **terms})


def sheet(n=3, size=0.8):
    """A square of n by n squares in the plane z = 0."""
    xy, f = grid(n)
    return np.column_stack([size * xy, np.zeros(len(xy))]), f


def soup(v, f):
    """The same faces, with vertices of their own."""
    return v[f].reshape(-1, 3), np.arange(f.size).reshape(-1, 3)


def moebius(n=12):
    """A closed strip of 2 n faces that has one side."""
    turn = np.arange(n) * 2 * np.pi / n
    across = np.stack([np.cos(turn / 2) * np.cos(turn), np.cos(turn / 2) * np.sin(turn), np.sin(turn / 2)], axis=1)
    middle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    here = 2 * np.arange(n)
    ahead = np.stack([np.roll(here, -1), np.roll(here, -1) + 1])
    ahead[:, -1] = ahead[::-1, -1]
    f = np.concatenate([np.stack([here, ahead[0], here + 1], axis=1), np.stack([ahead[0], ahead[1], here + 1], axis=1)])
    return np.stack([middle - 0.3 * across, middle + 0.3 * across], axis=1).reshape(-1, 3), f


def reversed_at(f, which):
    f = f.copy()
    f[which] = f[which, ::-1]
    return f


def with_more(mesh, v=(), f=()):
    """A mesh with vertices and faces added at the end."""
    return tuple(np.concatenate([old, np.reshape(new, (-1, 3)).astype(old.dtype)]) for old, new in zip(mesh, (v, f)))


def two_meshes(offset, second=SPHERE):
    return with_more(SPHERE, second[0] + offset, second[1] + len(SPHERE[0]))


NUM_VERTS, NUM_FACES = len(SPHERE[0]), len(SPHERE[1])
FACES = np.arange(NUM_FACES)
A, B, _ = SPHERE[1][5]
VT = np.random.default_rng(0).random((NUM_VERTS, 2))
TEXTURE = {"cls": TexturedRenderer, "vt": VT, "texture_image": np.random.default_rng(1).random((8, 8, 3))}
PLAIN = render(*SPHERE)
INSIDE = {"depth": 0.0}  # the camera is in the middle of the mesh
BEHIND = SPHERE[0][:, 2] < 0.1

FOUND = {
    "flipped faces": (render(SPHERE[0], reversed_at(SPHERE[1], [3, 8])), [3, 8]),
    "degenerate faces": (
        render(*with_more(SPHERE, SPHERE[0][[A, B]].mean(axis=0), [[A, B, B], [A, B, NUM_VERTS]])),
        [NUM_FACES, NUM_FACES + 1]),
    "non-manifold edges": (
        render(*with_more(SPHERE, [[0.0, 0, 2]], [[A, B, NUM_VERTS]])),
        np.flatnonzero((PLAIN.vpe == sorted([A, B])).all(axis=1))),
    "unused vertices": (render(*with_more(SPHERE, np.zeros((2, 3)))), [NUM_VERTS, NUM_VERTS + 1]),
    "behind the near plane": (render(*SPHERE, **INSIDE), np.flatnonzero(BEHIND)),
    "cut faces": (render(*SPHERE, **INSIDE), np.flatnonzero(np.isin(BEHIND[SPHERE[1]].sum(axis=1), [1, 2]))),
    "off screen": (render(*two_meshes([20.0, 0, 0])), NUM_FACES + FACES),
    "beyond far": (render(*two_meshes([0.0, 0, 60])), NUM_FACES + FACES),
    "empty image": (render(*SPHERE, depth=-4.0), FACES),
    "hidden faces": (render(*with_more(sheet(), sheet()[0] / 2 + [0, 0, 1], sheet()[1] + 16)), 18 + np.arange(18)),
    "small faces": (render(*sheet(20, 0.5)), None),
    "texture coordinates": (render(*SPHERE, **{**TEXTURE, "vt": VT + 2.0 * (np.arange(NUM_VERTS) == 4)[:, None]}), [4]),
}
CLEAN = {"texture coordinates": render(*SPHERE, **TEXTURE), "hidden faces": render(*sheet())}


@pytest.mark.parametrize("name", FOUND)
def test_what_is_found_and_where_it_is_not(name):
    rn, which = FOUND[name]
    finding = check_scene(rn)[name]
    assert 0 < finding.count <= finding.total
    assert finding.effect.endswith(".") and finding.remedy.endswith(".")
    if which is not None:
        np.testing.assert_array_equal(finding.which, which)
    assert check_scene(CLEAN.get(name, PLAIN))[name] is None


@pytest.mark.parametrize("cls", RENDERERS)
def test_a_good_scene_is_ok_in_every_renderer(cls):
    report = check_scene(scene(cls))
    assert report.ok and report
    assert {finding.level for finding in report} == {"note"}
    assert str(report).startswith(f"{cls.__name__}: no warnings, 1 note\nnote: faces in view that no pixel shows: 40 ")


def test_a_report_begins_with_warnings_and_says_how_many_which_and_why():
    report = check_scene(render(SPHERE[0], reversed_at(SPHERE[1], [3])))
    assert not report.ok and not report
    first, *others = report
    assert first.level == "warning" and all(finding.level == "note" for finding in others)
    lines = str(report).splitlines()
    assert lines[1] == f"warning: faces wound against their neighbours: 1 of {NUM_FACES} (3)"
    assert lines[2].startswith("    Effect: ") and lines[3].startswith("    Remedy: ")


def test_every_check_has_a_name_of_its_own():
    names = [check(Scene(PLAIN)).name for check in CHECKS]
    assert len(set(names)) == len(CHECKS) and set(FOUND) | {"unwelded seams"} == set(names)


# ---------------------------------------------------------------------- seams

@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_faces_with_vertices_of_their_own_have_seams_everywhere(noise):
    v, f = soup(*SPHERE)
    rn = render(v + noise * np.random.default_rng(0).random(v.shape), f)
    np.testing.assert_array_equal(check_scene(rn)["unwelded seams"].which, np.arange(3 * NUM_FACES))


def test_seams_of_an_open_mesh_are_not_its_border():
    v, f = sheet(2)
    left, right = f[v[f, 0].max(axis=1) <= 0], f[v[f, 0].max(axis=1) > 0]
    cut = render(np.concatenate([v, v]), np.concatenate([left, right + len(v)]))
    seam = check_scene(cut)["unwelded seams"].which
    assert len(seam) == 4 and (cut.v.r[cut.vpe[seam]][:, :, 0] == 0).all()
    assert check_scene(render(v, f))["unwelded seams"] is None


def test_meshes_apart_have_no_seam():
    assert check_scene(render(*two_meshes([0.5, 0, 0])))["unwelded seams"] is None


def test_a_seam_is_an_outline_where_outlines_are_drawn():
    """What the sentences say: the seam changes the derivative with overdraw, and nothing without."""
    v, f = SPHERE
    colours = np.random.default_rng(0).random(v.shape)
    for overdraw, level in ((True, "warning"), (False, "note")):
        welded, torn = (render(*mesh, vc=vc, overdraw=overdraw) for mesh, vc in (
            (SPHERE, colours), (soup(*SPHERE), colours[f].reshape(-1, 3))))
        same = np.allclose(welded.derivative_image(welded.camera.t), torn.derivative_image(torn.camera.t), atol=1e-9)
        assert same is (not overdraw)
        finding = check_scene(torn)["unwelded seams"]
        assert finding.level == level and finding.effect.startswith("None") is (not overdraw)
        assert torn.boundarybool_image.sum() > welded.boundarybool_image.sum()


def test_outlines_are_the_image_of_a_boundary_renderer_whatever_overdraw_says():
    rn = render(*soup(*SPHERE), cls=BoundaryRenderer, overdraw=False)
    assert check_scene(rn)["unwelded seams"].level == "warning"


# ---------------------------------------------------------------------- winding

@pytest.mark.parametrize("which", [[], [0], [0, 1, 2, 5], range(2, NUM_FACES), range(NUM_FACES)])
def test_the_smaller_part_of_a_mesh_is_flipped(which):
    which = np.asarray(which, int)
    finding = check_scene(render(SPHERE[0], reversed_at(SPHERE[1], which)))["flipped faces"]
    smaller = which if len(which) <= NUM_FACES / 2 else np.setdiff1d(FACES, which)
    np.testing.assert_array_equal([] if finding is None else finding.which, smaller)


def test_each_mesh_is_wound_for_itself():
    v, f = two_meshes([3.0, 0, 0])
    f[NUM_FACES:] = f[NUM_FACES:, ::-1]
    f = reversed_at(f, [2, NUM_FACES + 4])
    assert check_scene(render(v, f))["flipped faces"].which.tolist() == [2, NUM_FACES + 4]


def test_reversing_flipped_faces_mends_them():
    f = reversed_at(sheet(4)[1], [3, 4, 17])
    which = check_scene(render(sheet(4)[0], f))["flipped faces"].which
    assert check_scene(render(sheet(4)[0], reversed_at(f, which)))["flipped faces"] is None


def test_a_strip_with_one_side_contradicts_itself_somewhere():
    assert 1 <= check_scene(render(*moebius()))["flipped faces"].count <= 2


def test_a_flipped_face_is_drawn_around():
    flipped, _ = FOUND["flipped faces"]
    assert flipped.boundarybool_image.sum() > PLAIN.boundarybool_image.sum()


# ---------------------------------------------------------------------- view

def test_all_of_a_mesh_or_one_of_several():
    lone, one, both = (check_scene(render(*mesh, frustum=frustum(far=far))) for mesh, far in (
        (SPHERE, 2.0), (two_meshes([0.0, 0, 60]), 50.0), (two_meshes([0.0, 0, 60]), 2.0)))
    assert lone["beyond far"].remark == ""
    assert one["beyond far"].remark == ", 1 of 2 connected components"
    assert both["beyond far"].remark == ", all of 2 connected components"
    assert both["empty image"] and not one["empty image"]


def test_torn_faces_are_one_component():
    assert check_scene(render(*soup(*SPHERE), depth=100.0))["beyond far"].remark == ""


@pytest.mark.parametrize("shift", [[-9.0, 0, 0], [9.0, 0, 0], [0, -9.0, 0], [0, 9.0, 0]])
def test_off_screen_on_each_side(shift):
    report = check_scene(render(SPHERE[0] + shift, SPHERE[1]))
    assert report["off screen"].count == NUM_FACES and report["empty image"].count == NUM_FACES
    assert report["behind the near plane"] is None


def test_a_cut_face_is_in_view():
    ground = np.array([[-50.0, 1, -9], [50, 1, -9], [0, 1, 40]])
    report = check_scene(render(ground, [[0, 1, 2]], depth=0.0))
    assert report["cut faces"].count == 1 and report["behind the near plane"].which.tolist() == [0, 1]
    assert report["off screen"] is None and report["empty image"] is None


def test_faces_behind_a_depth_background_are_hidden():
    rn = render(*SPHERE, cls=DepthRenderer, background_image=np.ones((HEIGHT, WIDTH)))
    assert check_scene(rn)["empty image"].count == NUM_FACES


def test_the_share_of_small_faces_decides_whether_it_is_a_warning():
    fine, coarse = check_scene(FOUND["small faces"][0]), check_scene(render(*sheet()))
    assert fine["small faces"].level == "warning" and fine["small faces"].remark == ", 100%"
    assert coarse["small faces"] is None
    on_a_pixel = [1.5 / 40, 1.5 / 44, -1]
    some = with_more(sheet(1), 0.01 * sheet(1)[0] + on_a_pixel, sheet(1)[1] + 4)
    assert check_scene(render(*some))["small faces"].level == "note"


@pytest.mark.parametrize("mesh", [soup(*SPHERE), sheet(), two_meshes([1.0, 0, 0]), moebius(),
                                  (np.zeros((3, 3)), np.array([[0, 0, 0]])), (np.eye(3), np.array([[0, 1, 1]]))])
@pytest.mark.parametrize("cls", [ColoredRenderer, DepthRenderer, SilhouetteRenderer, BoundaryRenderer])
@pytest.mark.parametrize("depth", [4.0, 0.0, -4.0, 100.0])
def test_any_mesh_can_be_looked_at_from_anywhere(mesh, cls, depth):
    rn = render(*mesh, cls=cls, depth=depth)
    for finding in check_scene(rn):
        assert (np.diff(finding.which) > 0).all()
    assert (explain_derivative(rn, rn.v) is None) == bool(np.abs(rn.dr_wrt(rn.v)).max() > 1e-9)


def test_the_scene_is_looked_at_as_it_is_now():
    rn = render(*SPHERE)
    assert check_scene(rn)["beyond far"] is None
    rn.camera.t[:] = [0, 0, 100.0]
    assert check_scene(rn)["beyond far"]


@pytest.mark.parametrize("function", [check_scene, lambda node: explain_derivative(node, ch.zeros(3))])
def test_only_renderers_are_looked_at(function):
    with pytest.raises(TypeError, match="rn must be a renderer, got ProjectPoints"):
        function(PLAIN.camera)


# ---------------------------------------------------------------------- columns of the Jacobian

@pytest.mark.parametrize("cls", RENDERERS)
@pytest.mark.parametrize("name", ["v", "rt", "f"])
def test_a_column_of_the_jacobian_is_an_image(cls, name):
    rn = scene(cls)
    x = getattr(rn.camera, name)
    jacobian = rn.dr_wrt(x).toarray()
    for i in (0, x.size - 1, -1):
        np.testing.assert_allclose(rn.derivative_image(x, i), jacobian[:, i].reshape(rn.shape), atol=1e-12)
    np.testing.assert_array_equal(rn.derivative_image(x), rn.derivative_image(x, 0))


def test_entries_by_row_and_column_and_of_views():
    rn = scene(ColoredRenderer)
    column = rn.derivative_image(rn.v, 3 * 7 + 1)
    for image in (rn.derivative_image(rn.v, (7, 1)), rn.derivative_image(rn.v, (7, -2)),
                  rn.derivative_image(rn.v[7], 1), rn.derivative_image(rn.v[7, 1]), rn.derivative_image(rn.v[:, 1], 7)):
        np.testing.assert_array_equal(image, column)


@pytest.mark.parametrize("i", [120, -121, (40, 0), (0, 3), (0,), (0, 0, 0), 1.0, slice(2), [1], "a", None])
def test_entries_that_x_does_not_have(i):
    rn = scene(ColoredRenderer)
    with pytest.raises(IndexError, match=r"i must be an entry of x, of shape \(40, 3\)"):
        rn.derivative_image(rn.v, i)


def test_derivative_images_by_what_is_not_below():
    with pytest.raises(ValueError, match=r"x must be a node that the image is a function of; lamp of shape \(3,\)"):
        lamp = ch.zeros(3)
        lamp.label = "lamp"
        PLAIN.derivative_image(lamp)
    with pytest.raises(TypeError, match="must be a node"):
        PLAIN.derivative_image(np.zeros(3))


# ---------------------------------------------------------------------- why it is zero

WALL = np.array([[-9.0, -9, 0], [9, -9, 0], [9, 9, 0], [-9, 9, 0]]), np.array([[0, 1, 2], [0, 2, 3]])
ONE_GREY = {"vc": np.full((4, 3), 0.3)}


def unseen_vertex(rn):
    return int(np.setdiff1d(np.arange(NUM_VERTS), rn.corners)[0])


def input_of(name):
    return lambda rn: getattr(rn, name, None) if name in rn.dterms else getattr(rn.camera, name)


ZERO = {
    "off screen": (lambda: render(SPHERE[0] + [20, 0, 0], SPHERE[1]), input_of("v"),
                   "the camera sees no face (the mesh is off screen)"),
    "behind": (lambda: render(*SPHERE, depth=-5.0), input_of("vc"),
               "the camera sees no face (the mesh is behind the near plane)"),
    "far": (lambda: render(*SPHERE, DepthRenderer, depth=500.0), input_of("t"),
            "the camera sees no face (the mesh is beyond frustum['far'])"),
    "tiny": (lambda: render(1e-5 * SPHERE[0], SPHERE[1]), input_of("v"),
             "the camera sees no face (the mesh is in view, but not at the centre of any pixel)"),
    "constant": (lambda: render(*WALL, **ONE_GREY), input_of("v"),
                 "the mesh covers the whole image, and `vc` is constant over what is seen of it"),
    "two factors": (lambda: render(*WALL, vc=ONE_GREY["vc"], fc=np.ones((2, 3))), input_of("rt"),
                    "the mesh covers the whole image, and `vc` times `fc` is constant over what is seen of it"),
    "depth": (lambda: render(*WALL, DepthRenderer), input_of("c"),
              "the mesh covers the whole image, and depth is constant over what is seen of it"),
    "silhouette": (lambda: render(*WALL, SilhouetteRenderer), input_of("v"),
                   "the mesh covers the whole image, so that no silhouette is visible"),
    "outline": (lambda: render(*WALL, BoundaryRenderer), input_of("v"), "no outline is visible"),
    "camouflage": (lambda: render(*SPHERE, vc=np.full((NUM_VERTS, 3), 0.5)), input_of("v"),
                   "the mesh looks like its background"),
    "inside": (lambda: render(*sheet(9), SilhouetteRenderer), lambda rn: rn.v[44],
               "the image does not vary around the pixels that show what it moves"),
    "across": (lambda: render(*WALL, vc=WALL[0][:, :1] * np.ones(3)), lambda rn: rn.camera.t[1],
               "the image does not vary in the directions in which it moves"),
    "vertex": (lambda: render(*SPHERE), lambda rn: rn.v[unseen_vertex(rn)], "vertex 3 is in no visible face"),
    "colours": (lambda: render(*with_more(SPHERE, np.zeros((2, 3)))), lambda rn: rn.vc[NUM_VERTS:],
                "vertices 12, 13 are in no visible face"),
    "face colours": (lambda: render(*two_meshes([0, 0, 60]), fc=np.ones((2 * NUM_FACES, 3))),
                     lambda rn: rn.fc[NUM_FACES], f"face {NUM_FACES} is in no visible face"),
    "depth of a vertex": (lambda: render(*SPHERE, DepthRenderer), lambda rn: rn.v[unseen_vertex(rn)],
                          "vertex 3 is in no visible face"),
    "end of an outline": (lambda: render(*sheet(), BoundaryRenderer), lambda rn: rn.v[5],
                          "vertex 5 is on no visible outline"),
    "nearest": (lambda: render(*SPHERE, **TEXTURE, texture_filter="nearest"), input_of("vt"),
                "texture_filter='nearest' makes the image piecewise constant in `vt`"),
    "plain texture": (lambda: render(*SPHERE, **{**TEXTURE, "texture_image": np.full((8, 8, 3), 0.3)}), input_of("vt"),
                      "`texture_image` is constant"),
    "texels": (lambda: render(*SPHERE, **{**TEXTURE, "vt": 0.4 * VT + 0.1, "texture_filter": "bilinear"}),
               lambda rn: rn.texture_image[0, 6:], "these texels are in no visible face"),
    "texture coordinates": (lambda: render(*SPHERE, **TEXTURE), lambda rn: rn.vt[unseen_vertex(rn)],
                            "texture coordinate 3 is in no visible face"),
    "piecewise constant texture": (
        lambda: render(*SPHERE, **{**TEXTURE, "vt": 0.2 * VT + 0.15, "texture_filter": "bilinear",
                                   "texture_image": np.kron(np.eye(2), np.ones((4, 4)))}),
        input_of("vt"), "`texture_image` does not vary where it is looked up"),
    "third coordinate": (lambda: render(*SPHERE, **{**TEXTURE, "vt": np.column_stack([VT, VT[:, 0]])}),
                         lambda rn: rn.vt[:, 2], "only the first two columns of `vt` are coordinates"),
    "black": (lambda: render(*SPHERE, **{**TEXTURE, "texture_image": np.zeros((8, 8, 3))}), input_of("vc"),
              "`texture_image` is zero where it is seen"),
    "background": (lambda: render(*SPHERE, background_image=np.zeros((HEIGHT, WIDTH, 3))), input_of("bgcolor"),
                   "`background_image` is given, so `bgcolor` has no effect"),
    "no background": (lambda: render(*WALL), input_of("bgcolor"), "no pixel shows the background"),
    "nearer background": (lambda: render(*SPHERE, DepthRenderer, background_image=np.ones((HEIGHT, WIDTH))),
                          input_of("v"), "`background_image` is nearer than the mesh everywhere"),
    "channels": (lambda: render(*SPHERE, num_channels=1), lambda rn: rn.vc[:, 1:],
                 "only the first channels of it are drawn"),
    "channels of the background": (lambda: render(*SPHERE, num_channels=1, bgcolor=np.ones(3)),
                                   lambda rn: rn.bgcolor[1:], "only the first channels of it are drawn"),
}


@pytest.mark.parametrize("case", ZERO)
def test_why_a_derivative_is_zero(case):
    make, node, reason = ZERO[case]
    rn = make()
    x = node(rn)
    said = explain_derivative(rn, x)
    assert said.startswith(f"{reason}: the derivative with respect to ") and said.endswith(" is zero")
    assert np.abs(rn.jvp(x, np.eye(x.size))).max() < 1e-12


@pytest.mark.parametrize("case", [case for case in ZERO if case not in (
    "outline", "end of an outline",  # of a BoundaryRenderer
    "tiny", "across")])  # where the exact image is another one
def test_why_an_exact_derivative_is_zero(case):
    make, node, reason = ZERO[case]
    rn = make()
    rn.derivative = "exact"
    x = node(rn)
    assert explain_derivative(rn, x).startswith(f"{reason}: the derivative with respect to ")
    assert np.abs(rn.jvp(x, np.eye(x.size))).max() < 1e-12


def test_seams_of_an_exact_image():
    rn = render(*soup(*SPHERE), derivative="exact")
    finding = check_scene(rn)["unwelded seams"]
    assert "crack" in finding.effect and finding.level == "note"
    assert explain_derivative(rn, rn.v) is None


def test_both_ways_to_the_image_are_closed():
    """The colours come from a light that depends on the vertices too."""
    black = LambertianPointLight(v=SPHERE[0], f=SPHERE[1], light_pos=[0.0, 0, -9], light_color=np.zeros(3))
    rn = render(*SPHERE, vc=black, bgcolor=0.0)
    rn.camera.v = black.v
    assert explain_derivative(rn, black.v) == (
        "the mesh looks like its background: the derivative with respect to `v` is zero")
    black.light_color = np.ones(3)
    assert explain_derivative(rn, black.v) is None
    rn.camera.t = [0.0, 0, 400]
    assert explain_derivative(rn, black.v) == (
        "the camera sees no face (the mesh is beyond frustum['far']): the derivative with respect to `v` is zero")


def test_a_vertex_on_the_axis_comes_nearer_unnoticed():
    v, f = sheet(2, 0.3)
    for kind in (ProjectPoints, ProjectPoints3D):
        view = camera(ch.Ch(v), kind=kind, t=[0.0, 0, 4])
        rn = SilhouetteRenderer(camera=view, f=f, frustum=frustum())
        reason = explain_derivative(rn, rn.v[4, 2]).split(":")[0]
        assert reason == "it moves along the rays of the camera"


def test_an_input_that_changes_nothing_here():
    rn = render(*SPHERE)
    size = ch.zeros(1)
    rn.camera.v = SPHERE[0] + size ** 2
    assert explain_derivative(rn, size) == (
        "nothing that the image is made of changes with it here: the derivative with respect to x is zero")
    size[0] = 0.1
    assert explain_derivative(rn, size) is None


@pytest.mark.parametrize("cls", RENDERERS)
def test_none_where_the_image_may_change(cls):
    rn = scene(cls)
    for owner in (rn, rn.camera):
        for name in owner.dterms:
            x = getattr(owner, name, None)
            if x is not None:
                assert explain_derivative(rn, x) is None, name
    assert explain_derivative(rn, rn) is None


@pytest.mark.parametrize("cls", RENDERERS)
@pytest.mark.parametrize("depth", [0.0, 1.0, 3.5])
def test_words_for_those_vertices_whose_derivative_is_zero(cls, depth):
    rn = scene(cls)
    rn.camera.t[2] = depth
    size = np.abs(rn.dr_wrt(rn.v)).max(axis=0).toarray().reshape(-1, 3).max(axis=1)
    explained = [explain_derivative(rn, rn.v[k]) is not None for k in range(len(size))]
    np.testing.assert_array_equal(explained, size < 1e-12)
    assert any(explained)


def test_what_is_no_input():
    rn = render(*SPHERE, background_image=ch.zeros((HEIGHT, WIDTH, 3)))
    lamp = ch.array([1.0, 2.0, 3.0])
    lamp.label = "lamp"
    assert explain_derivative(rn, lamp) == "lamp is not an input of this image"
    assert explain_derivative(rn, rn.background_image) == (
        "`background_image` is given: images are not differentiated with respect to it")
    assert explain_derivative(rn, rn.sum()) == "x is computed from this image, not this image from x"
    assert "`v` of RigidTransform is another node of equal value" in explain_derivative(rn, ch.array(SPHERE[0]))
    with pytest.raises(TypeError, match="must be a node"):
        explain_derivative(rn, SPHERE[0])


def test_what_x_is_called():
    rn = render(SPHERE[0] + [20, 0, 0], SPHERE[1])
    assert explain_derivative(rn, rn.camera.t).endswith("with respect to `t` is zero")
    assert explain_derivative(rn, rn.v[3]).endswith("with respect to this part of `v` is zero")
    shape = ch.zeros(2)
    rn.camera.v = SPHERE[0] + [20, 0, 0] + shape.sum()
    assert explain_derivative(rn, shape).endswith("with respect to x is zero")


def test_public_names():
    from opendr_lite import everything
    assert everything.check_scene is opendr_lite.check_scene and "explain_derivative" in everything.__all__
