"""Natural gradients of couplings between units of one layer, or of two."""

__all__ = ["PairMetric"]

import numpy as np
from scipy.linalg import block_diag

from skebm.energy.offsets import centre
from skebm.learning.metric import (
    HIDDEN_POWER,
    MAX_FULL_FACTOR,
    VISIBLE_POWER,
    Metric,
    blended,
    damped_power,
    diagonal_of,
    second_moment,
)


class PairMetric(Metric):
    """Metric of a symmetric matrix of couplings, as the same factor twice.

    The gradient G of the log-likelihood by the coupling of units i and j is a
    difference of means of x_i x_j. For normal units of covariance C the covariance
    of these products makes C^-1 G C^-1 the natural gradient. What is used is
    C^-1/2 G C^-1/2, and between layers C_h^-1 G C_v^-1/2, as by `KroneckerMetric`.

    Parameters
    ----------
    visible_moment : ndarray of shape (n_visible + 1, n_visible + 1) or \
            (n_visible + 1,)
        Second moments of the centred visible units and the constant, or their diagonal
        only.
    hidden_moment : ndarray of shape (n_hidden + 1, n_hidden + 1) or (n_hidden + 1,)
        Likewise of the hidden units, which come after the visible ones, if there are
        any: else of the constant alone.
    """

    def __init__(self, visible_moment, hidden_moment):
        self.visible_moment = visible_moment
        self.hidden_moment = hidden_moment
        self._set_factor()

    @classmethod
    def start(cls, energy, sample, *, diagonal=False):
        """Begin with a sample of visible rows, hidden units being on half of the time.

        With `diagonal` the diagonals only are used, as wide layers always do, and as
        couplings need of which some must stay zero.
        """
        full = not diagonal and energy.n_units < MAX_FULL_FACTOR
        n_visible = energy.n_visible
        rows = centre(sample, np.append(energy.offset[:n_visible], np.float32(0)))
        hidden_moment = np.append(np.full(energy.n_units - n_visible, 0.25), 1.0)
        return cls(
            second_moment(rows, full=full),
            np.diag(hidden_moment) if full else hidden_moment,
        )

    def diagonal(self):
        """Return the metric with the diagonals of the same moments."""
        return PairMetric(*map(diagonal_of, (self.visible_moment, self.hidden_moment)))

    def follow_visible(self, energy, batch):
        """Let the moments of all units follow those of new rows."""
        rows, _ = energy.sides(batch)
        n_visible = len(self.visible_moment) - 1
        visible = np.delete(rows, np.s_[n_visible:-1], axis=1)
        return PairMetric(
            blended(self.visible_moment, visible),
            blended(self.hidden_moment, rows[:, n_visible:]),
        )

    def follow_hidden(self, energy, batch):
        """Do the same if there are hidden units, which change as the machine learns."""
        if len(self.hidden_moment) == 1:
            return self
        return self.follow_visible(energy, batch)

    def turn(self, matrix):
        """Turn the gradient of a symmetric matrix into a natural one."""
        if self.factor.ndim == 1:
            # As one product of factors, so that the result is exactly symmetric.
            return matrix * np.outer(self.factor, self.factor)
        result = np.dot(self.factor, np.dot(matrix, self.factor))
        if self._within is not None:
            hidden = slice(len(self.visible_moment) - 1, -1)
            own = np.dot(self._within, matrix[hidden, hidden])
            result[hidden, hidden] = np.dot(own, self._within)
        result += result.T.copy()
        result *= 0.5
        return result

    def scales(self):
        """Give what each coupling's gradient is multiplied by, of a diagonal factor."""
        return np.outer(self.factor, self.factor)[:-1, :-1]

    def _set_factor(self):
        visible = damped_power(self.visible_moment, VISIBLE_POWER)
        self.factor, self._within = visible, None
        if len(self.hidden_moment) == 1:
            return
        hidden = damped_power(self.hidden_moment, HIDDEN_POWER)
        if visible.ndim == 1:
            self.factor = np.concatenate([visible[:-1], hidden])
            return
        # Between hidden units: their means vary less than they do.
        total = self.hidden_moment.copy()
        np.fill_diagonal(total, 0.25)
        self._within = damped_power(total, -0.5)[:-1, :-1]
        # Units centred at their means hardly vary together with the constant.
        self.factor = block_diag(visible[:-1, :-1], hidden[:-1, :-1], np.float32(1))
