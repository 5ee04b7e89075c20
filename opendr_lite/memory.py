"""Memory of large arrays that are gone, for those that come.

A renderer fills the same few image-sized arrays again and again. An allocator that gives such memory back to the system
has it cleared anew each time, page by page, which takes longer than to fill it. So it is kept here: an array made by
`empty` returns its memory when the last reference to it, or to a view of it, is gone.

All but small arrays start where a line of the cache does: what a vector instruction reads of them then lies in one line.
"""
import ctypes
import math
import weakref
from collections import deque

import numpy as np

__all__ = ["copy", "empty", "full", "zeros"]

SMALL_BYTES = 2**14
LEAST_BYTES = 2**20  # smaller ones are the allocator's business
MOST_BYTES = 2**27  # kept in all
CACHE_LINE = 64  # bytes

# Size -> memory of that size. An array may die in any thread and at any moment, also while one is made; so there is no
# lock to wait for, and whatever is done here is one operation of a dict or a deque.
_kept = {}


def empty(shape, dtype=np.float64):
    """`numpy.empty`."""
    entries = math.prod(shape) if isinstance(shape, tuple) else shape
    count = int(entries) * np.dtype(dtype).itemsize
    if count < SMALL_BYTES:
        return np.empty(shape, dtype)
    if count < LEAST_BYTES:
        return np.ndarray(shape, dtype, _lines(count))
    step = 2 ** (count.bit_length() - 4)  # an eighth, so that arrays of about the same size use the same memory
    size = -(-count // step) * step
    try:
        memory = _kept[size].pop()
    except (KeyError, IndexError):
        memory = _lines(size)
    # Were its base an array, the views of an array would keep only that one; with anything else they keep the array.
    array = np.ndarray(shape, dtype, (ctypes.c_char * count).from_buffer(memory))
    weakref.finalize(array, _give_back, memory).atexit = False
    return array


def full(shape, value, dtype=np.float64):
    """`numpy.full`."""
    array = empty(shape, dtype)
    array.fill(value)
    return array


def zeros(shape, dtype=np.float64):
    """`numpy.zeros`."""
    return full(shape, 0, dtype)


def copy(array):
    """`numpy.copy`."""
    twin = empty(array.shape, array.dtype)
    np.copyto(twin, array)
    return twin


def _lines(count):
    """New memory of so many bytes, that starts where a line of the cache does."""
    memory = np.empty(count + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first:first + count]


def _give_back(memory):
    _kept.setdefault(memory.size, deque()).append(memory)
    if sum(size * len(arrays) for size, arrays in list(_kept.items())) > MOST_BYTES:
        _kept.clear()
