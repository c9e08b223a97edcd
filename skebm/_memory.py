"""Memory that arrays free is kept for the arrays that follow them."""

__all__ = ["keep_freed_memory"]

from functools import cache

import numpy as np

# The most that glibc lets its threshold rise to is 32 MiB, less what it adds itself.
_LARGEST_KEPT = 2**25 - 2**13


@cache
def keep_freed_memory():
    """Have the C library keep the memory of freed arrays, up to 32 MiB each.

    glibc gives large blocks back to the system when they are freed, and learning,
    annealing and scoring free arrays of a megabyte or more at every step: getting
    them anew, page by page, took up to three times as long as the work on them.
    What counts as large follows the largest block freed so far. So one is, once a
    process: its memory is never touched. Elsewhere than under glibc this does
    nothing.
    """
    np.empty(_LARGEST_KEPT, np.uint8)
