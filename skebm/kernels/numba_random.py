"""Random bits of four streams side by side, in loops that numba compiles."""

__all__ = ["fill_uniform"]

import numpy as np

from skebm.kernels import compile_loop
from skebm.kernels.numba_words import draw_words
from skebm.kernels.numpy_random import N_STREAMS

# Words of a stream that are drawn before they are scaled: they stay in the cache.
_N_WORDS = 512


@compile_loop
def fill_uniform(states, variates, scale):
    """Fill rows with scaled integers, of 32 bits; as in `numpy_random`."""
    n_variates = variates.shape[1]
    words = np.empty((_N_WORDS, N_STREAMS), np.uint64)
    own_words = np.empty((N_STREAMS, _N_WORDS), np.uint64)
    integers = own_words.view(np.int32)
    for first in range(0, n_variates, 2 * _N_WORDS):
        n_new = min(2 * _N_WORDS, n_variates - first)
        n_words = (n_new + 1) // 2
        draw_words(states.ctypes.data, words.ctypes.data, n_words)
        for i in range(n_words):
            for stream in range(N_STREAMS):
                own_words[stream, i] = words[i, stream]
        for stream in range(N_STREAMS):
            row, own = variates[stream, first : first + n_new], integers[stream]
            for i in range(n_new):
                row[i] = np.float32(own[i]) * scale
