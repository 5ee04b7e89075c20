"""Where a camera stands, and where it looks, as the `rt` and `t` that cameras take.

The rows of a camera's matrix R are the directions of the world that it has on its right, below and ahead. Ahead is a
direction w, and the picture shows `up` upright:

    ahead = w / |w|      right = ahead × up / |ahead × up|      below = ahead × right      t = -R eye

so Gram-Schmidt makes R of (w, up) as `rotation_ways` makes G, whose rows are ahead, -below and right:

    R = A G      A = [0 0 1; 0 -1 0; 1 0 0]

A is a rotation, so a spin ω of G is the spin A ω of R, and rt has the derivative J⁻¹ A D.

A rotation by θ has a second vector, of the length 2π - θ, and where the choice between the two changes, rt jumps. The
rotation vectors here are those whose quaternion has an acute angle with `BEFORE_THE_CUT`, and are up to 3π/2 long. So
that place is away from where cameras mostly stand, although θ = π for all that look level with y up.
"""
from collections import namedtuple

import numpy as np

from .. import ch
from ..ch import Ch, as_node, depends_on
from ..ch.linear_maps import BlockDiagonal, Broadcast
from ..geometry.rotation_conversions import so3_exp
from ..geometry.rotation_ways import AXIS_ANGLE, PARALLEL, QUATERNION, ROTATION_6D, refuse
from ..inputs import input_value, total_derivative

__all__ = ["LookRotation", "Viewpoint", "eye_from_angles", "look", "look_at"]

AXES = np.array([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]])
BEFORE_THE_CUT = np.array([1.0, 0.8, 0.15, 0.33])

Viewpoint = namedtuple("Viewpoint", "rt t")
Viewpoint.__doc__ = """Rotation vectors and translations (..., 3) from the world to a camera, nodes.

Give them to a camera: ``ProjectPoints(v=v, rt=view.rt, t=view.t, f=f, c=c)``.
"""


class LookRotation(Ch):
    """The rotation vectors (..., 3) of cameras that look along `direction`, with `up` upright.

    Parameters
    ----------
    direction, up : (..., 3)
        Broadcast against each other. Of any length but 0, and not parallel.
    """

    dterms = "direction", "up"

    @depends_on("direction", "up")
    def _parts(self):
        """direction and up side by side, the matrix G of the module's formulas, and the rotation vector."""
        direction, up = (input_value(self, name) for name in self.dterms)
        for name, value in (("direction", direction), ("up", up)):
            if value.shape[-1:] != (3,):
                raise ValueError(f"{name} must have shape (..., 3), got {value.shape}")
        direction, up = np.broadcast_arrays(direction, up)
        refuse_aimless(direction, up)
        pair = np.concatenate((direction, up), axis=-1)
        G = ROTATION_6D.matrix(pair)
        q = QUATERNION.of_matrix(AXES @ G)
        return pair, G, AXIS_ANGLE.of_quaternion(np.where(q @ BEFORE_THE_CUT[:, None] < 0, -q, q))

    def compute_r(self):
        return self._parts[2]

    def compute_dr_wrt(self, wrt):
        pair, G, rt = self._parts
        blocks = AXIS_ANGLE.rate(rt, AXES @ G) @ AXES @ ROTATION_6D.spin(pair, G)
        return total_derivative(self, wrt, direction=lambda: self._of(blocks[..., :3], self.direction),
                                up=lambda: self._of(blocks[..., 3:], self.up))

    def _of(self, blocks, vector):
        return BlockDiagonal(blocks.reshape(-1, 3, 3)) @ Broadcast(vector.shape, self.shape)


def refuse_aimless(direction, up):
    refuse(direction, ~direction.any(axis=-1),
           "a camera looks at a place other than its own: its direction must not be 0")
    refuse(up, ~up.any(axis=-1), "up must not be 0")
    lengths = np.linalg.norm(direction, axis=-1) * np.linalg.norm(up, axis=-1)
    refuse(direction, np.linalg.norm(np.cross(direction, up), axis=-1) <= PARALLEL * lengths,
           "the direction of a camera must not be parallel to up, which leaves open how it is turned; give another up")


def look(eye, direction, up=(0, 1, 0)):
    """A camera at `eye` that looks along `direction`, with `up` upright.

    Parameters
    ----------
    eye, direction, up : node or array_like (..., 3)
        In the world. Broadcast against each other. `direction` and `up` of any length but 0.

    Returns
    -------
    Viewpoint
        `rt` and `t`, nodes, differentiable with respect to all three.

    Raises
    ------
    ValueError
        When asked for a value, if there is no direction, or `up` is parallel to it.
    """
    eye = as_node(eye)
    rt = LookRotation(direction, up)
    return Viewpoint(rt, -ch.sum(so3_exp(rt) * eye[..., None, :], axis=-1))


def look_at(eye, at=(0, 0, 0), up=(0, 1, 0)):
    """A camera at `eye` that has `at` in its middle, with `up` upright. Otherwise as `look`."""
    eye = as_node(eye)
    return look(eye, as_node(at) - eye, up)


def eye_from_angles(distance, elevation, azimuth, degrees=True):
    """The place (..., 3) on a sphere around the origin that lies in a direction.

    Parameters
    ----------
    distance, elevation, azimuth : node or array_like (...)
        Broadcast against each other. Elevation 0 is level, 90 degrees is +y; azimuth 0 is +z, 90 degrees is +x, as
        in PyTorch3D.
    degrees : bool
        Whether the angles are in degrees, or in radians.

    Returns
    -------
    Ch
        distance * (cos e sin a, sin e, cos e cos a), a node.
    """
    unit = np.pi / 180 if degrees else 1.0
    e, a = unit * as_node(elevation), unit * as_node(azimuth)
    parts = ch.broadcast_arrays(ch.cos(e) * ch.sin(a), ch.sin(e), ch.cos(e) * ch.cos(a))
    return as_node(distance)[..., None] * ch.stack(parts, axis=-1)
