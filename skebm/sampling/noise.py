"""The one source of randomness of the samplers: uniform noise, drawn in bulk."""

__all__ = ["UniformNoise"]

import math

import numpy as np

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
        Where the bits come from.
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
        if 2 * size > _LARGEST_BLOCK:
            # A block would hold it but once, and the rest of it be drawn in vain.
            return self._draw_block(size).reshape(shape)
        start, stop = self._position, self._position + size
        if stop > self._block.size:
            ahead = min(2 * self._block.size, _LARGEST_BLOCK)
            self._block = self._draw_block(max(size, ahead))
            start, stop = 0, size
        self._position = stop
        return self._block[start:stop].reshape(shape)

    def _draw_block(self, size):
        # Scaled integers of as many bits as the variates have cost half of what
        # Generator.random does in float32.
        n_bytes = self.dtype.itemsize
        words = self.rng.integers(-(2**63), 2**63, -(-size * n_bytes // 8), np.int64)
        integers = words.view(f"i{n_bytes}")[:size]
        # A hair less than full scale: rounding must not reach -1 or 1, where the
        # tanh of a unit that is certain lies.
        scale = 2.0 ** (1 - 8 * n_bytes) * (1 - np.finfo(self.dtype).eps)
        return np.multiply(integers, scale, dtype=self.dtype)
