"""What both phases of a learning update of a binary RBM do between its products.

The same functions as loops over arrays and, where numba is installed, compiled: with
few units and short batches most of an update is the calls of NumPy, and with many
units the passes over memory.
"""

__all__ = ["phase_kernels"]

from functools import cache

import numpy as np

from skebm.energy.compilation import numba_is_installed
from skebm.energy.phases import array_kernels


@cache
def phase_kernels(dtype):
    """Choose once, at first use, since numba takes its time to import.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the machine. What is compiled is for float32.
    """
    if dtype != np.float32 or not numba_is_installed():
        return array_kernels
    from skebm.energy.phases import compiled_kernels  # noqa: PLC0415

    return compiled_kernels
