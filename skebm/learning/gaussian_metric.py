"""The natural gradient of Gaussian RBMs, in units of their noise."""

__all__ = ["GaussianMetric"]

from copy import copy

import numpy as np

from skebm.learning.natural import MAX_FULL_FACTOR, Metric, blended, damped_power

# A unit of noise has this much information on the logarithm of its own scale, and
# 1 on its correlation with another, or on a mean.
_SCALE_INFORMATION = 2.0


class GaussianMetric(Metric):
    """Metric of weights, biases and steps of the noise.

    In units of the noise the information of a row on the means of its visible
    units is 1 each, independently; that on the weights of hidden units is the
    second moment of these.

    Parameters
    ----------
    hidden_moment : ndarray of shape (n_rows, n_rows) or (n_rows,)
        Second moments of the centred hidden units and the constant, or their
        diagonal only.
    """

    def __init__(self, hidden_moment):
        self.hidden_moment = hidden_moment
        self.hidden_factor = damped_power(hidden_moment, -1)

    @classmethod
    def start(cls, n_hidden, *, diagonal=False):
        """Begin with hidden units that are on half of the time, independently."""
        hidden_moment = np.append(np.full(n_hidden, 0.25), 1.0)
        full = not diagonal and n_hidden < MAX_FULL_FACTOR
        return cls(np.diag(hidden_moment) if full else hidden_moment)

    def diagonal(self):
        """Return the metric with the diagonal of the same moments."""
        moment = self.hidden_moment
        return GaussianMetric(moment if moment.ndim == 1 else np.diag(moment))

    def updated(self, *, visible_rows=None, hidden_rows=None):
        """Follow the moments of new rows of centred hidden units, where given."""
        after = copy(self)
        if hidden_rows is not None:
            after.hidden_moment = blended(self.hidden_moment, hidden_rows)
            after.hidden_factor = damped_power(after.hidden_moment, -1)
        return after

    def natural(self, gradient):
        """Turn a gradient into a natural one."""
        n_rows = len(self.hidden_factor)
        result = gradient.copy()
        if self.hidden_factor.ndim == 1:
            result[:n_rows] *= self.hidden_factor[:, np.newaxis]
        else:
            result[:n_rows] = np.dot(self.hidden_factor, gradient[:n_rows])
        steps = result[n_rows:]
        if len(steps) == 1:
            steps /= _SCALE_INFORMATION
        else:
            np.fill_diagonal(steps, np.diag(steps) / _SCALE_INFORMATION)
        return result

    def scales(self):
        """Give what each weight's gradient is multiplied by, of diagonal factors."""
        return self.hidden_factor[:-1, np.newaxis]
