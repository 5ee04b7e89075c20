"""Eight numbers at a time, as kernels use them."""
import numpy as np
import pytest

from opendr_lite.kernels.cpu.lanes import LANES, add_scaled, aligned, load, repeated, scaled, store
from opendr_lite.kernels.jit import kernel


@kernel
def _combine(x, at, first, second, third, result):
    """first x[:8] + second x[at:at + 8] + third"""
    total = add_scaled(scaled(first, load(x, 0)), second, load(x, at))
    store(result, at, add_scaled(total, third, repeated(1.0)))


@kernel
def _aligned_address(count):
    array = aligned(count)
    return array.size, array.ctypes.data


@pytest.mark.parametrize("at", [0, 3, 8])
def test_numbers_are_combined_place_by_place(at):
    rng = np.random.default_rng(0)
    x, result = rng.normal(size=2 * LANES), np.zeros(3 * LANES)
    _combine(x, at, 0.5, -2.0, 3.0, result)
    expected = np.zeros(3 * LANES)
    expected[at:at + LANES] = 0.5 * x[:LANES] - 2.0 * x[at:at + LANES] + 3.0
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("count", [0, 1, 8, 1000])
def test_aligned_arrays_start_where_a_line_of_the_cache_does(count):
    size, address = _aligned_address(count)
    assert size == count and address % (8 * LANES) == 0
