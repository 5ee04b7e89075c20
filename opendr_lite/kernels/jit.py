"""How the loops and the formulas of this package are compiled.

A *kernel* is a loop over arrays: a module-level function, compiled serially (the thread pool of `threads`
shares out bands of the work) at its first call, without the GIL, and kept in Numba's cache. A *formula* is a
scalar function: it stays plain Python and is compiled into whatever kernel calls it, on the CPU or on a GPU.
A *step* is a loop that a kernel is made of, compiled into it in the same way.
An *inlined* function is a piece of a kernel: sizes that a kernel gives it as literals become constants there, which
unrolls the loops over them.

Neither is compiled with fastmath: the rasterizer has watertight edges only where IEEE arithmetic is kept.
"""
from numba import njit
from numba.extending import register_jitable

formula = step = register_jitable


_OPTIONS = {"nogil": True, "error_model": "numpy"}


def kernel(function):
    """Compile a loop at its first call, cached on disk where some directory for that can be written."""
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # Numba found no place for a cache
        return njit(**_OPTIONS)(function)


def inlined(function):
    """Compile a piece of a kernel into the kernels that call it."""
    return njit(forceinline=True, **_OPTIONS)(function)


def read_only(array):
    """A view for a kernel that only reads: one signature to compile, whether the array may be written to or not."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view
