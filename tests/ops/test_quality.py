"""The report of a mesh: known shapes have the folds, angles and needles that they should."""
import numpy as np
import pytest

from opendr_lite.ops import corner_angles, dihedral_cosines, mesh_quality, slenderness
from opendr_lite.primitives import cube, icosphere, plane, tetrahedron


def test_a_cube():
    box = cube()
    assert sorted(set(np.round(dihedral_cosines(box.v, box.f), 12))) == [0, 1]
    assert np.degrees(corner_angles(box.v, box.f)).sum(axis=1) == pytest.approx(180)
    assert str(mesh_quality(box.v, box.f)) == ("8 vertices, 0 folded edges, smallest angle 45.0 degrees, 0 needles")


def test_folds():
    """Two triangles like an open book, the angle between their normals on both sides of 120 degrees."""
    for opening, folds in ((61, 0), (59, 1)):
        angle = np.radians(opening)
        v = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0.5], [np.cos(angle), np.sin(angle), 0.5]])
        f = np.array([[0, 1, 2], [1, 0, 3]])
        assert mesh_quality(v, f).folds == folds
        assert mesh_quality(v, f[:, ::-1]).folds == folds


def test_slenderness_of_known_tips():
    corner = tetrahedron()
    assert slenderness(corner.v, corner.f) == pytest.approx(0.5 ** 0.5)
    assert slenderness(*_tip(height=2.0, radius=1.0))[0] == pytest.approx(1.0)
    sheet = plane(1.0, (4, 4))
    inner = np.linalg.norm(sheet.v, axis=1) < 1e-9
    assert slenderness(sheet.v, sheet.f)[inner] == pytest.approx(0.0)


@pytest.mark.parametrize("height, needles", [(1.9, 0), (2.1, 1)])
def test_needles(height, needles):
    assert mesh_quality(*_tip(height, 1.0)).needles == needles


def test_a_spike_pulled_out_of_a_ball_is_found():
    ball = icosphere(3)
    ball.v[17] *= 1.6
    found = slenderness(ball.v, ball.f)
    assert np.argmax(found) == 17 and found[17] > 1
    assert mesh_quality(ball.v, ball.f).needles == 1
    assert mesh_quality(icosphere(3).v, ball.f).needles == 0


def test_faces_without_area_and_rings_without_width():
    v = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5]])
    assert corner_angles(v, [[0, 1, 2]]).min() == 0
    assert slenderness(v, np.array([[0, 1, 2]]))[3] == 0
    assert np.isinf(slenderness(v, np.array([[0, 1, 2]]))[0])


def _tip(height, radius, sectors=7):
    angle = 2 * np.pi * np.arange(sectors) / sectors
    ring = np.column_stack((radius * np.cos(angle), radius * np.sin(angle), np.zeros(sectors)))
    around = np.arange(1, sectors + 1)
    base = np.column_stack((np.zeros(sectors, int), around, np.roll(around, -1)))
    return np.vstack(([[0, 0, height]], ring)), base
