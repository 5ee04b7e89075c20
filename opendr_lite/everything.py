"""All of the renderer for ``from opendr_lite.everything import *``."""
from . import camera, diagnosis, filters, geometry, lighting, renderer, serialization, topology
from .camera import *  # noqa: F403
from .diagnosis import *  # noqa: F403
from .filters import *  # noqa: F403
from .geometry import *  # noqa: F403
from .lighting import *  # noqa: F403
from .renderer import *  # noqa: F403
from .serialization import *  # noqa: F403
from .topology import *  # noqa: F403

__all__ = [name for module in (camera, renderer, lighting, topology, geometry, serialization, filters, diagnosis)
           for name in module.__all__]
