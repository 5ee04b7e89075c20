"""What is compiled ahead of time."""
import numba
import pytest

import opendr_lite
from opendr_lite.kernels.cpu import closest, neural
from opendr_lite.kernels.cpu.soft_aggregation import images


@pytest.mark.filterwarnings("error")
def test_kernels_of_all_kinds_are_compiled():
    opendr_lite.warmup()
    for kernel in (closest._search, neural._pull_along_lines, images._blend_rows, images._pull_faces):
        assert isinstance(kernel, numba.core.dispatcher.Dispatcher) and kernel.signatures, kernel
