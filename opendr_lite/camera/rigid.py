"""Rigid motion, from the world to a camera: X = R(rt) v + t.

With J the left Jacobian of the rotation group (see `geometry.rotations`),

    dX = R dv + (J drt) × R v + dt
"""
from functools import cached_property

import numpy as np

from ..ch import Ch, depends_on
from ..ch.linear_maps import BlockDiagonal, Broadcast, DenseMap, LinearMap
from ..geometry.rotations import rotation_and_left_jacobian
from ..geometry.rows import skew
from ..inputs import input_points, input_vector, total_derivative
from ..kernels.cpu.projection import transform

__all__ = ["RigidTransform", "RigidTransformSlow"]


class SameBlock(BlockDiagonal):
    """One block, (3, 3), for each of `count` points."""

    def __init__(self, block, count):
        LinearMap.__init__(self, (3 * count, 3 * count))
        self.block = block
        self.is_identity = np.array_equal(block, np.eye(3))

    @cached_property
    def blocks(self):
        return np.ascontiguousarray(np.broadcast_to(self.block, (self.shape[0] // 3, 3, 3)))

    def apply(self, x):
        if x.ndim == 1:
            return transform(x.reshape(-1, 3), self.block, np.zeros(3)).ravel()
        return np.matmul(self.block, x.reshape(-1, 3, x.shape[1])).reshape(x.shape)

    def apply_transpose(self, y):
        return SameBlock(self.block.T, self.shape[0] // 3).apply(y)


class RigidTransform(Ch):
    """R(rt) v + t, with the shape of `v`.

    Parameters
    ----------
    v : (V, 3)
    rt : (3,)
        Rotation vector: axis times angle in radians, right-handed.
    t : (3,)
    """

    dterms = "v", "rt", "t"
    initial_values = {"rt": np.zeros(3), "t": np.zeros(3)}

    @depends_on("rt")
    def _rotation_and_jacobian(self):
        return rotation_and_left_jacobian(input_vector(self, "rt", (3,)))

    def compute_r(self):
        points, rotation = input_points(self, "v"), self._rotation_and_jacobian[0]
        return transform(points, rotation, input_vector(self, "t", (3,))).reshape(self.v.shape)

    def compute_dr_wrt(self, wrt):
        R, J = self._rotation_and_jacobian
        v = self.v.r.reshape(-1, 3)
        return total_derivative(
            self, wrt,
            v=lambda: SameBlock(R, len(v)),
            rt=lambda: DenseMap(skew(-v @ R.T).reshape(-1, 3) @ J),
            t=lambda: Broadcast((3,), v.shape))

    @depends_on()
    def z(self):
        """The third coordinates (V,), a node."""
        return self.reshape((-1, 3))[:, 2]


RigidTransformSlow = RigidTransform
