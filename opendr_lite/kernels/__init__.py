"""Loops over pixels, faces and vertices, compiled by Numba.

An evaluation makes arrays of the size of the image and drops those of the last one. The C library of Linux gives large
blocks back to the system when they are freed, and each page that it gets again is cleared first, which takes as long
as the rendering. It keeps blocks of the sizes that it has seen freed, up to 32 MB (`M_MMAP_THRESHOLD` in mallopt(3)).
One such block, never touched, is shown to it here, so that it keeps images from the first one on.
"""
import numpy as np

LARGEST_KEPT = 2**25 - 2**14  # with what the library adds, below 32 MB

np.empty(LARGEST_KEPT, np.uint8)
