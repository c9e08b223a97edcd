"""The metric of couplings within and between two layers."""

__all__ = ["LatentMetric"]

from copy import copy

import numpy as np

from skebm.learning.natural import (
    MAX_FULL_FACTOR,
    Metric,
    blended,
    damped_power,
    second_moment,
)

# As for machines that have couplings of one kind only.
_VISIBLE_POWER = -0.5
_HIDDEN_POWER = -1.0


class LatentMetric(Metric):
    """Metric of a symmetric matrix of couplings, as the same factor twice.

    The factor has a block for each layer, so that couplings within the visible
    layer are treated as by `skebm.learning.pair_metric.PairMetric`, and those
    between the layers as by `skebm.learning.natural.KroneckerMetric`.

    Parameters
    ----------
    visible_moment : ndarray of shape (n_visible + 1, n_visible + 1) or \
            (n_visible + 1,)
        Second moments of the centred visible units and the constant, or their
        diagonal only.
    hidden_moment : ndarray of shape (n_hidden + 1, n_hidden + 1) or (n_hidden + 1,)
        Likewise of the hidden units.
    mask : ndarray of shape (n_units, n_units)
        Whether a coupling exists.
    """

    def __init__(self, visible_moment, hidden_moment, mask):
        self.visible_moment = visible_moment
        self.hidden_moment = hidden_moment
        self.mask = mask
        self._set_factor()

    @classmethod
    def start(cls, visible_rows, mask, *, diagonal=False):
        """Begin with hidden units that are on half of the time, independently.

        Parameters
        ----------
        visible_rows : ndarray of shape (n_sample, n_visible + 1)
            A sample of centred visible units, and the constant.
        mask : ndarray of shape (n_units, n_units)
            Whether a coupling exists.
        diagonal : bool, default=False
            Whether to use the diagonals only, as wide layers always do.
        """
        full = not diagonal and len(mask) < MAX_FULL_FACTOR
        n_hidden = len(mask) + 1 - visible_rows.shape[1]
        hidden_moment = np.append(np.full(n_hidden, 0.25), 1.0)
        visible_moment = second_moment(visible_rows, full=full)
        return cls(
            visible_moment, np.diag(hidden_moment) if full else hidden_moment, mask
        )

    def diagonal(self):
        """Return the metric with the diagonals of the same moments."""
        moments = (self.visible_moment, self.hidden_moment)
        return LatentMetric(
            *(m if m.ndim == 1 else np.diag(m) for m in moments), self.mask
        )

    def updated(self, *, visible_rows=None, hidden_rows=None):
        """Follow the moments of new rows of centred units, where given.

        Parameters
        ----------
        visible_rows : ndarray of shape (n_rows, n_units + 1), default=None
            Of all units, and the constant.
        hidden_rows : ndarray, default=None
            Not looked at.
        """
        if visible_rows is None:
            return self
        after = copy(self)
        n_visible = len(self.visible_moment) - 1
        hidden = visible_rows[:, n_visible:]
        visible = np.delete(visible_rows, np.s_[n_visible:-1], axis=1)
        after.visible_moment = blended(self.visible_moment, visible)
        after.hidden_moment = blended(self.hidden_moment, hidden)
        after._set_factor()
        return after

    def natural(self, gradient):
        """Turn a symmetric gradient into a natural one, with the same zeros."""
        if self.factor.ndim == 1:
            result = gradient * self.factor
            result *= self.factor[:, np.newaxis]
            return result
        result = np.dot(self.factor, np.dot(gradient, self.factor))
        hidden = slice(len(self.visible_moment) - 1, -1)
        own = np.dot(self._hidden_factor, gradient[hidden, hidden])
        result[hidden, hidden] = np.dot(own, self._hidden_factor)
        result += result.T.copy()
        result *= 0.5
        # Still along the gradient: it has no component where this removes any.
        result[:-1, :-1] *= self.mask
        return result

    def scales(self):
        """Give what each coupling's gradient is multiplied by, of a diagonal factor."""
        return np.outer(self.factor, self.factor)[:-1, :-1]

    def _set_factor(self):
        visible = damped_power(self.visible_moment, _VISIBLE_POWER)
        hidden = damped_power(self.hidden_moment, _HIDDEN_POWER)
        if visible.ndim == 1:
            self.factor = np.concatenate([visible[:-1], hidden])
            return
        total = self.hidden_moment.copy()
        np.fill_diagonal(total, 0.25)
        self._hidden_factor = damped_power(total, -0.5)[:-1, :-1]
        # Units centred at their means hardly vary together with the constant.
        n_visible, n_units = len(visible) - 1, len(self.mask)
        self.factor = np.zeros((n_units + 1, n_units + 1), np.float32)
        self.factor[:n_visible, :n_visible] = visible[:-1, :-1]
        self.factor[n_visible:-1, n_visible:-1] = hidden[:-1, :-1]
        self.factor[-1, -1] = 1
