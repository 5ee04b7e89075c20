"""The thread pool, and how kernels are compiled."""
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from opendr_lite import threads
from opendr_lite.kernels.jit import kernel
from opendr_lite.threads import (
    get_num_threads,
    run_bands,
    set_num_threads,
    split,
)


@pytest.fixture(autouse=True)
def num_threads():
    before = get_num_threads()
    set_num_threads(3)
    yield
    set_num_threads(before)


@kernel
def _double(start, stop, x, y):
    for i in range(start, stop):
        y[i] = 2 * x[i]


def in_new_process(code, **environment):
    return subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 1000, 12345])
@pytest.mark.parametrize("least, most", [(1, 32), (100, 32), (7, 3), (1, 1)])
def test_split_covers_everything_once(count, least, most):
    bands = split(count, least, most)
    assert [i for start, stop in bands for i in range(start, stop)] == list(range(count))
    assert 1 <= len(bands) <= most
    lengths = [stop - start for start, stop in bands]
    assert all(length == lengths[0] >= least for length in lengths[:-1]) and lengths[-1] <= lengths[0]


def test_every_band_runs_once():
    x = np.arange(10007.0)
    y = np.zeros_like(x)
    run_bands(_double, split(len(x)), x, y)
    np.testing.assert_array_equal(y, 2 * x)


def test_the_caller_takes_part_and_threads_share_the_work():
    names = []

    def note(start, stop):
        names.append(threading.current_thread())
        time.sleep(0.005)

    run_bands(note, split(30))
    assert len(names) == 30
    assert threading.current_thread() in names and len(set(names)) == 3


@pytest.mark.parametrize("n, bands", [(1, 32), (4, 1)])
def test_one_thread_or_one_band_touches_no_pool(n, bands):
    set_num_threads(n)
    names = []
    run_bands(lambda start, stop: names.append(threading.current_thread()), split(100, most=bands))
    assert set(names) == {threading.current_thread()}
    assert threads._pool is None


@pytest.mark.parametrize("bad_band", [0, 1, 10])
def test_exceptions_reach_the_caller_and_stop_the_rest(bad_band):
    done = []

    def fail(start, stop):
        if start == bad_band:
            raise ZeroDivisionError(f"band {start}")
        time.sleep(0.005)
        done.append(start)

    with pytest.raises(ZeroDivisionError, match=f"band {bad_band}$"):
        run_bands(fail, split(32))
    assert len(done) < 31
    done.clear()
    run_bands(lambda start, stop: done.append(start), split(32))
    assert len(done) == 32, "the pool still works"


def test_nothing_runs_once_run_bands_has_returned():
    running = []

    def slow_or_bad(start, stop):
        running.append(start)
        if start == 0:
            time.sleep(0.002)
            raise ValueError
        time.sleep(0.02)
        running.remove(start)

    with pytest.raises(ValueError):
        run_bands(slow_or_bad, split(3))
    assert running == [0]


def test_several_python_threads_at_once_while_the_number_of_threads_changes():
    x = np.arange(5000.0)

    def call(k):
        set_num_threads(1 + k % 4)
        y = np.zeros_like(x)
        run_bands(_double, split(len(x)), x, y)
        return (y == 2 * x).all()

    with ThreadPoolExecutor(8) as callers:
        assert all(callers.map(call, range(200)))


def test_first_call_from_several_threads_compiles_once():
    code = """
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from numba.core import event
from opendr_lite.kernels.jit import kernel
from opendr_lite.threads import run_bands, set_num_threads, split

class Count(event.Listener):
    compiled = 0
    def on_start(self, event): pass
    def on_end(self, event): self.compiled += 1

source = "def fresh(start, stop, y):\\n  for i in range(start, stop): y[i] += i"
namespace = {}
exec(source, namespace)
fresh = kernel(namespace["fresh"])
set_num_threads(4)
count = Count()
with event.install_listener("numba:compile", count), ThreadPoolExecutor(4) as callers:
    ys = [np.zeros(1000) for _ in range(4)]
    list(callers.map(lambda y: run_bands(fresh, split(1000), y), ys))
assert all((y == np.arange(1000)).all() for y in ys)
assert len(fresh.signatures) == 1, fresh.signatures
print(count.compiled)
"""
    result = in_new_process(code)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_makes_its_own_pool():
    code = """
import os, signal, threading, time, warnings
from opendr_lite.threads import run_bands, set_num_threads, split
warnings.simplefilter("ignore")

def threads_that_take_part():
    taking_part = set()
    def note(start, stop):
        taking_part.add(threading.get_ident())
        time.sleep(0.01)
    run_bands(note, split(30))
    return len(taking_part)

set_num_threads(3)
threads_that_take_part()
child = os.fork()
if child == 0:
    signal.alarm(30)
    os._exit(threads_that_take_part())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    result = in_new_process(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "3"


@pytest.mark.parametrize("n, error", [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError),
                                      (True, TypeError), (None, TypeError)])
def test_set_num_threads_refuses(n, error):
    with pytest.raises(error, match="n must be"):
        set_num_threads(n)
    assert get_num_threads() == 3


def test_set_num_threads_takes_numpy_integers():
    set_num_threads(np.int32(2))
    assert get_num_threads() == 2


def test_the_environment_sets_the_number_of_threads():
    code = "from opendr_lite.threads import get_num_threads; print(get_num_threads())"
    result = in_new_process(code, NUMBA_NUM_THREADS="5")
    assert result.stdout.strip() == "5", result.stderr


def test_a_kernel_without_a_place_for_its_cache_still_compiles():
    namespace = {}
    exec("def halve(x):\n    return x / 2", namespace)  # a source that is in no file cannot be cached
    halve = kernel(namespace["halve"])
    assert halve(3.0) == 1.5


def test_importing_compiles_nothing():
    code = """
from numba.core import event
class Fail(event.Listener):
    def on_start(self, event): raise SystemExit("compiled")
    def on_end(self, event): pass
event.register("numba:compile", Fail())
import opendr_lite.kernels.clipping, opendr_lite.kernels.cpu.edges, opendr_lite.kernels.cpu.rasterize
"""
    result = in_new_process(code)
    assert result.returncode == 0, result.stderr
