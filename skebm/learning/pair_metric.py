"""The metric of couplings between units of one layer."""

__all__ = ["PairMetric"]

import numpy as np

from skebm.learning.natural import (
    MAX_FULL_FACTOR,
    Metric,
    blended,
    damped_power,
    second_moment,
)

# The natural gradient of units that hardly depend on each other has -1. Halfway
# there, learning gained on all of seven sets of data what the gradient alone, or the
# natural one, gained on some.
_POWER = -0.5


class PairMetric(Metric):
    """Metric of a symmetric matrix of couplings, as the same factor twice.

    The gradient G of the log-likelihood by the coupling of units i and j is a
    difference of means of x_i x_j. For normal units of covariance C the covariance
    of these products makes C^-1 G C^-1 the natural gradient [1]_. What is used is
    C^-1/2 G C^-1/2, halfway between the gradient and the natural one, as for the
    visible units in `skebm.learning.natural.KroneckerMetric`.

    Parameters
    ----------
    moment : ndarray of shape (n_columns, n_columns) or (n_columns,)
        Second moments of the centred units and the constant, or their diagonal
        only.

    References
    ----------
    .. [1] Amari, S. (1998). Natural gradient works efficiently in learning.
       Neural Computation 10, 251-276.
    """

    def __init__(self, moment):
        self.moment = moment
        self.factor = damped_power(moment, _POWER)

    @classmethod
    def start(cls, rows, *, diagonal=False):
        """Begin with a sample of prepared rows.

        Parameters
        ----------
        rows : ndarray of shape (n_sample, n_columns)
            Centred units and the constant.
        diagonal : bool, default=False
            Whether to use the diagonal only, as wide layers always do, and as
            couplings need of which some must stay zero.
        """
        full = not diagonal and rows.shape[1] <= MAX_FULL_FACTOR
        return cls(second_moment(rows, full=full))

    def diagonal(self):
        """Return the metric with the diagonal of the same moments."""
        return self if self.moment.ndim == 1 else PairMetric(np.diag(self.moment))

    def updated(self, *, visible_rows=None, hidden_rows=None):
        """Follow the moments of new rows of units, where given.

        There are no hidden units for `hidden_rows` to be of.
        """
        if visible_rows is None:
            return self
        return PairMetric(blended(self.moment, visible_rows))

    def natural(self, gradient):
        """Turn a symmetric gradient into a natural one, with a diagonal of zeros."""
        if self.factor.ndim == 1:
            result = gradient * self.factor
            result *= self.factor[:, np.newaxis]
            return result
        result = np.dot(self.factor, np.dot(gradient, self.factor))
        result += result.T.copy()
        result *= 0.5
        np.fill_diagonal(result, 0)
        return result

    def scales(self):
        """Give what each coupling's gradient is multiplied by, of a diagonal factor."""
        return np.outer(self.factor, self.factor)[:-1, :-1]
