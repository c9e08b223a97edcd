"""The one source of randomness of the samplers: uniform noise, drawn in bulk."""

__all__ = ["UniformNoise", "fill_uniform", "seed_streams", "uniform_of_rows"]

import math
from hashlib import blake2b

import numpy as np

from skebm.kernels import kernels_of
from skebm.kernels.numpy_random import N_STREAMS

_SMALLEST_BLOCK = 1024
_LARGEST_BLOCK = 65536


class UniformNoise:
    """Variates uniform between -1 and 1, drawn ahead in blocks.

    A binary unit whose log-odds of being on are x is on when tanh(x / 2) exceeds
    such a variate: the hyperbolic tangent that gives its mean serves the draw as
    well. Drawing ahead takes the cost of calling the generator off small models.
    The blocks grow with use, so that a source used once draws little in vain.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where all randomness comes from, that of the variates by streams of their own.
    dtype : {numpy.float32, numpy.float64}
        Of the variates.
    """

    def __init__(self, rng, dtype):
        self.rng = rng
        self.dtype = np.dtype(dtype)
        self._streams = seed_streams(rng)
        self._block = np.empty(0, dtype=self.dtype)
        self._position = 0

    def draw(self, shape):
        """Return an array of fresh variates of the given shape."""
        size = math.prod(shape)
        if 2 * size > _LARGEST_BLOCK:
            # A block would hold it but once, and the rest of it be drawn in vain.
            return self._draw_block(size)[:size].reshape(shape)
        start, stop = self._position, self._position + size
        if stop > self._block.size:
            ahead = min(max(2 * self._block.size, _SMALLEST_BLOCK), _LARGEST_BLOCK)
            # So many as this, since what a block lacks of a draw is lost of the block.
            self._block = self._draw_block(max(1, ahead // size) * size)
            start, stop = 0, size
        self._position = stop
        return self._block[start:stop].reshape(shape)

    def _draw_block(self, size):
        """Draw so many, or a few more."""
        n_words = -(-size * self.dtype.itemsize // (8 * N_STREAMS))
        block = np.empty((N_STREAMS, n_words * 8 // self.dtype.itemsize), self.dtype)
        fill_uniform(self._streams, block)
        return block.ravel()


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
    kernels = kernels_of("random", compiled=n_bytes == 4)
    kernels.fill_uniform(states, variates, variates.dtype.type(scale))


def uniform_of_rows(rows, shape, seed):
    """Draw variates for each row that depend on nothing but the row and a seed.

    So what is computed of a row is the same whatever other rows come with it, and the
    noise of different rows is independent.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Of any numeric dtype; equal values give equal variates.
    shape : tuple of int
        Of the variates of one row.
    seed : int
        Less than 2**64.

    Returns
    -------
    uniform : ndarray of shape (n_rows, *shape)
        Between 0 and 1.
    """
    result = np.empty((len(rows), *shape))
    key = int(seed).to_bytes(8, "little")
    for row, out in zip(rows, result, strict=True):
        # A zero has two signs, which are equal.
        content = np.ascontiguousarray(row, dtype=np.float64) + 0.0
        digest = blake2b(content, digest_size=16, key=key).digest()
        words = np.frombuffer(digest, dtype=np.uint32)
        np.random.Generator(np.random.SFC64(words)).random(out=out)
    return result
