"""Uniform variates from several streams of random bits side by side.

A generator's next word waits for its last one: most of the time of drawing a layer is
that. Words of several generators do not wait for each other. So they are drawn four at
once where numba is installed, and elsewhere one stream after the other: the same ones.
"""

__all__ = ["N_STREAMS", "fill_uniform", "seed_streams"]

import numpy as np

from skebm._compilation import kernels_of

N_STREAMS = 4


def seed_streams(rng):
    """Seed streams of NumPy's generator SFC64.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the seeds come from.

    Returns
    -------
    states : ndarray of shape (4, n_streams)
        Words of 64 bits, a column for each stream: three that are random, and a
        counter.
    """
    states = rng.integers(0, 2**64, (4, N_STREAMS), np.uint64)
    states[-1] = 1
    return states


def fill_uniform(states, variates):
    """Fill an array with variates between -1 and 1.

    Parameters
    ----------
    states : ndarray of shape (4, n_streams)
        Of the streams; changed in place.
    variates : ndarray of shape (n_streams, n_variates)
        In float32 or float64: an integer of as many bits is scaled to each, and
        those left over of a stream's last word are lost.
    """
    n_bytes = variates.dtype.itemsize
    # A hair less than full scale: rounding must not reach -1 or 1, where the tanh of
    # a unit that is certain lies.
    scale = 2.0 ** (1 - 8 * n_bytes) * (1 - np.finfo(variates.dtype).eps)
    kernels = kernels_of(__name__, compiled=n_bytes == 4)
    kernels.fill_uniform(states, variates, variates.dtype.type(scale))
