"""What the numbers were measured on, and with."""
import importlib.metadata
import os
import platform

from llvmlite.binding import get_host_cpu_name

__all__ = ["cpu_count", "description", "load", "versions"]

LIBRARIES = ("opendr-lite", "numpy", "scipy", "numba", "deodr", "mitsuba", "drjit", "torch", "pytorch3d")


def cpu_count():
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def description():
    count = cpu_count()
    return f"{count} CPU{'s' if count > 1 else ''} of an {_model()} ({get_host_cpu_name()}), {platform.system()}"


def load():
    """How many processes wanted a CPU in the last minute, or None where that is not known."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def versions():
    """Python and those of the libraries that are installed, name -> version."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _model():
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
