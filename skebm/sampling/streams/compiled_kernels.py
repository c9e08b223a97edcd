"""The streams side by side in a loop that numba compiles; only where it is."""

__all__ = ["fill_uniform"]

import numpy as np

from skebm._compilation import compile_loop
from skebm.sampling.streams import N_STREAMS

_ONE, _THREE, _ELEVEN, _TWENTY_FOUR, _FORTY = np.uint64([1, 3, 11, 24, 40])

# Words of a stream that are drawn before they are scaled: they stay in the cache.
_N_WORDS = 512


# A number known in advance lets the compiler take the streams side by side.
@compile_loop
def fill_uniform(states, variates, scale):
    """Fill rows with scaled integers, of 32 bits; as in `array_kernels`."""
    n_variates = variates.shape[1]
    a, b, c, counter = states
    words = np.empty((N_STREAMS, _N_WORDS), np.uint64)
    integers = words.view(np.int32)
    for first in range(0, n_variates, 2 * _N_WORDS):
        n_new = min(2 * _N_WORDS, n_variates - first)
        for i in range((n_new + 1) // 2):
            for stream in range(N_STREAMS):
                word = a[stream] + b[stream] + counter[stream]
                counter[stream] += _ONE
                a[stream] = b[stream] ^ (b[stream] >> _ELEVEN)
                b[stream] = c[stream] + (c[stream] << _THREE)
                c[stream] = (c[stream] << _TWENTY_FOUR) | (c[stream] >> _FORTY)
                c[stream] += word
                words[stream, i] = word
        for stream in range(N_STREAMS):
            row, own = variates[stream, first : first + n_new], integers[stream]
            for i in range(n_new):
                row[i] = np.float32(own[i]) * scale
