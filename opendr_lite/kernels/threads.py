"""The pool of threads, as kernels know it; see `opendr_lite.threads`."""
from ..threads import get_num_threads, run_bands, set_num_threads, split

__all__ = ["get_num_threads", "run_bands", "set_num_threads", "split"]
