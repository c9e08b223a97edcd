"""The streams in NumPy: the reference, always there."""

__all__ = ["fill_uniform"]

import numpy as np

# Of a generator whose state is then set. An object of its own saves time.
_ANY_SEED = np.random.SeedSequence(0)


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
    generator = np.random.SFC64(_ANY_SEED)
    state = generator.state
    for own, row in zip(states.T, variates, strict=True):
        state["state"] = {"state": own}
        generator.state = state
        integers = generator.random_raw(n_words).view(f"i{n_bytes}")
        np.multiply(integers[: len(row)], scale, out=row, dtype=row.dtype)
        own[:] = generator.state["state"]["state"]
