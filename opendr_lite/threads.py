"""A pool of threads that share out the bands of a kernel, or whole views of a scene.

Kernels release the GIL, so plain threads run them side by side. Compared with Numba's own `parallel=True`, a
serial kernel compiles in a third of the time, may be called from several Python threads at once, and waits at
no barrier of OpenMP when the machine is busy.

A band is a range of rows, pixels, faces or vertices. How the work is cut into bands depends on the work alone,
never on the number of threads; a kernel that gives each band its own output gives the same bits for any
number of them.

There is one pool for all. Work that is itself shared out may share out its own: whoever waits takes part, and
what no thread of the pool has begun by then is no longer needed. Where there is more of it than twice the threads, it
does not: they have enough to do, and small views would spend their time on handing bands to one another.
"""
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def _default_num_threads():
    """The environment variable NUMBA_NUM_THREADS, else the CPUs that this process may use."""
    given = os.environ.get("NUMBA_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_lock = threading.Lock()
_num_threads = _default_num_threads()
_pool = None
_here = threading.local()  # is_busy: whether work that is shared out here does not share out its own


def get_num_threads():
    """Number of threads that a kernel may use, the calling one among them."""
    return _num_threads


def set_num_threads(n):
    """Let kernels use up to `n` threads, the calling one among them.

    The default is the environment variable NUMBA_NUM_THREADS, else the number of CPUs. Results do not depend
    on it.

    Parameters
    ----------
    n : int
        At least 1; 1 starts no thread.
    """
    global _num_threads, _pool
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an integer, got {n!r} of type {type(n).__name__}")
    if n < 1:
        raise ValueError(f"n must be at least 1 (the calling thread), got {n}")
    with _lock:
        _num_threads = n.__index__()
        _pool = None  # its threads end once nobody holds it


def split(count, least=1, most=32):
    """Cut `range(count)` into 1 to `most` bands of equal length, `least` or longer; the last may be a little shorter.

    To share out a band costs some 50 microseconds: `least` should be worth several times as much.

    Returns
    -------
    list of (start, stop)
    """
    bands = min(max(count // least, 1), most)
    if bands == 1:
        return [(0, count)]
    length = max(-(-count // bands), 1)
    return [(start, min(start + length, count)) for start in range(0, max(count, 1), length)]


def run_bands(kernel, bands, *args):
    """Call `kernel(start, stop, *args)` once for every band, on several threads.

    The calling thread takes part, and is alone when there is one band or one thread. An exception in any band
    is raised here, after the bands under way have ended; those not yet begun are left out.

    Parameters
    ----------
    kernel : callable
        Releases the GIL; its bands write to separate places.
    bands : list of (start, stop)
    """
    if len(bands) == 1 or _num_threads == 1 or getattr(_here, "is_busy", False):
        for start, stop in bands:
            kernel(start, stop, *args)
        return
    todo = deque(bands)
    helpers = [_executor().submit(_work, kernel, todo, args) for _ in range(min(_num_threads, len(todo)) - 1)]
    try:
        _work(kernel, todo, args)
    finally:
        todo.clear()
        started = [helper for helper in helpers if not helper.cancel()]
        errors = [helper.exception() for helper in started]
    for error in filter(None, errors):
        raise error


def in_parallel(function, items):
    """[function(item) for item in items], on several threads.

    For work that is long (a thread costs some 50 microseconds) and releases the GIL. NumPy's error handling,
    `errstate`, is that of the caller.
    """
    items = list(items)
    results, errors = [None] * len(items), np.geterr()

    def call(start, stop):
        before = getattr(_here, "is_busy", False)
        _here.is_busy = before or len(items) > 2 * _num_threads
        try:
            with np.errstate(**errors):
                for position in range(start, stop):
                    results[position] = function(items[position])
        finally:
            _here.is_busy = before

    run_bands(call, [(position, position + 1) for position in range(len(items))])
    return results


def _work(kernel, todo, args):
    """Run bands until none is left."""
    try:
        while True:
            try:
                start, stop = todo.popleft()
            except IndexError:
                return
            kernel(start, stop, *args)
    except BaseException:
        todo.clear()
        raise


def _executor():
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(1, _num_threads - 1), thread_name_prefix="opendr_lite")
        return _pool


def _forget_pool():
    """A forked child has the pool, but not its threads, and perhaps a lock that one of them held."""
    global _lock, _pool
    _lock = threading.Lock()
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
