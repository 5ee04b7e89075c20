"""Does jobs in a process of its own: ``python -m benchmarks.worker NAME``, started by `race`.

What another library leaves in the heap and in the caches would change how long ours takes, and the other way round;
so each contender has a process. It reads requests from its input and answers each, in lines of JSON:

    {"row": label}                                       set a row's job up
    {"first": n, "seconds": s, "clock": "perf_counter"}  take a turn, answered by {"times": milliseconds}
    {"peak": true}                                       answered by {"megabytes": x}
"""
import json
import os
import sys
import time
import traceback

from .rows import row_of
from .timing import turn


def main(name):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print
    job = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "row" in request:
                job = None  # lets go of the memory of the last
                job = row_of(request["row"]).contenders[name]()
                answer = {}
            elif "peak" in request:
                answer = {"megabytes": peak_megabytes()}
            else:
                answer = {"times": turn(job, request["first"], request["seconds"], getattr(time, request["clock"]))}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def peak_megabytes():
    """The most memory this process has had, in 10^6 bytes; None where that cannot be known."""
    try:
        with open("/proc/self/status") as status:  # unlike getrusage, it does not know the process that started this
            return 1.024e-3 * next(float(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    return 1e-6 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1])
