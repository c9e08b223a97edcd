"""Random bits of several streams in NumPy: the reference, always there."""

__all__ = ["N_STREAMS", "fill_uniform"]

from threading import local

import numpy as np

# A generator's next word waits for its last one: most of the time of drawing a layer
# is that. Words of several generators do not wait for each other.
N_STREAMS = 4

# A generator whose state is set anew at each use: making one takes as long as drawing
# a block. One for each thread, since others would draw from it in between.
_own = local()


def fill_uniform(states, variates, scale):
    """Fill each row of `variates` with scaled integers from a stream of its own.

    Parameters
    ----------
    states : ndarray of shape (4, n_streams)
        Of NumPy's SFC64; changed in place.
    variates : ndarray of shape (n_streams, n_variates)
        Filled.
    scale : numpy.float32 or numpy.float64
        What the integers, of as many bits as the variates, are multiplied by.
    """
    n_bytes = variates.dtype.itemsize
    n_words = -(-variates.shape[1] * n_bytes // 8)
    if not hasattr(_own, "generator"):
        _own.generator = np.random.SFC64()
    generator = _own.generator
    state = generator.state
    for own, row in zip(states.T, variates, strict=True):
        state["state"] = {"state": own}
        generator.state = state
        integers = generator.random_raw(n_words).view(f"i{n_bytes}")
        np.multiply(integers[: len(row)], scale, out=row, dtype=row.dtype)
        own[:] = generator.state["state"]["state"]
