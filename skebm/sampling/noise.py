"""The one source of randomness of the samplers: logistic noise, in bulk."""

__all__ = ["LogisticNoise"]

import math

import numpy as np

_LARGEST_BLOCK = 65536


class LogisticNoise:
    """Standard logistic variates, drawn ahead in blocks.

    A binary unit whose log-odds of being on are x is on exactly when x exceeds
    such a variate. A draw is then one comparison, without a logistic function,
    and drawing ahead takes the cost of calling the generator off small models.
    The blocks grow with use, so that a source used once draws little in vain.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the uniform numbers come from.
    dtype : {numpy.float32, numpy.float64}
        Of the variates.
    """

    def __init__(self, rng, dtype):
        self.rng = rng
        self.dtype = np.dtype(dtype)
        self._block = np.empty(0, dtype=self.dtype)
        self._position = 0

    def draw(self, shape):
        """Return an array of fresh variates of the given shape."""
        size = math.prod(shape)
        start, stop = self._position, self._position + size
        if stop > self._block.size:
            ahead = min(2 * self._block.size, _LARGEST_BLOCK)
            self._block = self._draw_block(max(size, ahead))
            start, stop = 0, size
        self._position = stop
        return self._block[start:stop].reshape(shape)

    def _draw_block(self, size):
        uniform = self.rng.random(size, dtype=self.dtype)
        # A uniform 0 gives minus infinity: below every field, as it should be.
        with np.errstate(divide="ignore"):
            noise = np.log(uniform)
        np.negative(uniform, out=uniform)
        noise -= np.log1p(uniform, out=uniform)
        return noise
