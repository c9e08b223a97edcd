"""How far in the tail of its own scores a score is."""

__all__ = ["Tail"]

import numpy as np

# Of the logistic distribution of scale 1, the distance of the quartiles.
_QUARTILES = 2 * np.log(3)

# The scores of one normal column have quartiles 0.6 nats apart: those of discrete
# columns, which may all be the same, are not taken for less.
_LEAST_SPREAD = 0.6


class Tail:
    """The logistic distribution that has the quartiles of some scores.

    Quartiles do not see how far away the lowest scores are: outliers among the rows, if
    fewer than a quarter, do not hide themselves.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        The higher, the more usual.
    """

    def __init__(self, scores):
        low, self.median, high = np.quantile(scores, [0.25, 0.5, 0.75])
        self.scale = max(high - low, _LEAST_SPREAD) / _QUARTILES

    def log_chances(self, scores):
        """Compute log P(a usual score is lower), which far out is linear."""
        return -np.logaddexp(0, (self.median - scores) / self.scale)
