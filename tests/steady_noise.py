"""Noise for updates that draw their variates one by one or all at once."""

import numpy as np


class SteadyNoise:
    """The same variates, however many are drawn at once.

    Parameters
    ----------
    seed : int
        Of the variates.
    """

    def __init__(self, seed):
        self.rng = np.random.default_rng(0)  # what else learning draws
        self._variates = np.random.default_rng(seed)

    def draw(self, shape):
        return 2 * self._variates.random(shape, np.float32) - 1
