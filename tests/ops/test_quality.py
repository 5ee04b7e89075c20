"""The report of a mesh: known shapes have the folds, angles and needles that they should."""
import numpy as np
import pytest

from opendr_lite.ops import corner_angles, dihedral_cosines, mesh_quality, slenderness
from opendr_lite.primitives import cube, icosphere, plane, tetrahedron
from opendr_lite.serialization.mesh import Mesh


def tip(height, sectors=7):
    """A cone without its base, the tip first, above a ring of radius 1."""
    angle = 2 * np.pi * np.arange(sectors) / sectors
    ring = np.column_stack((np.cos(angle), np.sin(angle), np.zeros(sectors)))
    around = np.arange(1, sectors + 1)
    return Mesh(np.vstack(([[0, 0, height]], ring)), np.column_stack((0 * around, around, np.roll(around, -1))))


def test_a_cube():
    box = cube()
    assert sorted(set(np.round(dihedral_cosines(box), 12))) == [0, 1]
    np.testing.assert_allclose(np.degrees(corner_angles(box)).sum(axis=1), 180)
    assert str(mesh_quality(box)) == "8 vertices, 0 folded edges, smallest angle 45.0 degrees, 0 needles"


@pytest.mark.parametrize("opening, folds", [(61, 0), (59, 1)])
@pytest.mark.parametrize("other", [[1, 0, 3], [0, 1, 3]], ids=["wound alike", "wound otherwise"])
def test_a_book_is_folded_if_it_opens_by_less_than_60_degrees(opening, folds, other):
    angle = np.radians(opening)
    v = [[0, 0, 0], [0, 0, 1], [1, 0, 0.5], [np.cos(angle), np.sin(angle), 0.5]]
    assert mesh_quality(Mesh(v, [[0, 1, 2], other])).folds == folds


def test_slenderness_of_known_tips():
    np.testing.assert_allclose(slenderness(tetrahedron()), 0.5 ** 0.5)
    np.testing.assert_allclose(slenderness(tip(2.0))[0], 1.0)
    sheet = plane(1.0, (4, 4))
    np.testing.assert_allclose(slenderness(sheet)[np.linalg.norm(sheet.v, axis=1) < 1e-9], 0.0, atol=1e-12)


@pytest.mark.parametrize("height, needles", [(1.9, 0), (2.1, 1)])
def test_a_needle_is_longer_than_its_ring_is_wide(height, needles):
    assert mesh_quality(tip(height)).needles == needles


def test_a_spike_pulled_out_of_a_ball_is_found():
    ball = icosphere(3)
    assert mesh_quality(ball).needles == 0
    ball.v[17] *= 1.6
    assert np.argmax(slenderness(ball)) == 17
    assert mesh_quality(ball).needles == 1


def test_faces_without_area_and_rings_without_width():
    line = Mesh([[0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5]], [[0, 1, 2]])
    assert corner_angles(line).min() == 0
    np.testing.assert_array_equal(slenderness(line)[[0, 3]], [np.inf, 0])
