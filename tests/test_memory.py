"""Memory that is used again, and never while somebody looks at it."""
import gc

import numpy as np
import pytest

from opendr_lite import memory

SHAPE = (300, 200, 3)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(memory, "_kept", {})


def kept():
    gc.collect()
    return sum(len(arrays) for arrays in memory._kept.values())


def test_is_an_array_like_any_other():
    array = memory.empty(SHAPE)
    assert array.shape == SHAPE and array.dtype == np.float64
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
    assert memory.empty((1000, 1000), np.int32).dtype == np.int32
    assert memory.empty((0, 3)).shape == (0, 3)


def test_memory_is_used_again():
    array = memory.empty(SHAPE)
    address = array.ctypes.data
    del array
    assert kept() == 1
    assert memory.empty((200, 901)).ctypes.data == address
    assert memory.empty((200, 1200)).ctypes.data != address


@pytest.mark.parametrize("look", [
    lambda array: array[5:, ::2], lambda array: array.reshape(-1)[10:], lambda array: array.T.view(),
    lambda array: memoryview(array), lambda array: array.view(np.uint8)[3:].reshape(-1), np.asarray,
    lambda array: np.broadcast_to(array, (2,) + SHAPE), lambda array: array.flat, lambda array: array.ravel()])
def test_whoever_looks_at_it_keeps_it(look):
    array = memory.empty(SHAPE)
    view = look(array)
    del array
    assert kept() == 0
    del view
    assert kept() == 1


def test_small_arrays_are_left_to_numpy():
    array = memory.empty(10)
    del array
    assert kept() == 0


@pytest.mark.parametrize("shape", [(4, 3), SHAPE])
def test_arrays_that_hold_something(shape):
    for _ in range(2):  # the second time in memory that held something else
        np.testing.assert_array_equal(memory.zeros(shape), np.zeros(shape))
        full = memory.full(shape, -1, np.int32)
        assert full.dtype == np.int32 and (full == -1).all()
        twin = memory.copy(full)
        assert twin.dtype == np.int32 and (twin == full).all() and not np.may_share_memory(twin, full)


def test_there_is_a_limit(monkeypatch):
    monkeypatch.setattr(memory, "MOST_BYTES", 3 * memory.LEAST_BYTES)
    arrays = [memory.empty(memory.LEAST_BYTES, np.uint8) for _ in range(3)]
    more = memory.empty(memory.LEAST_BYTES, np.uint8)
    del arrays
    assert kept() == 3
    del more
    assert kept() == 0
