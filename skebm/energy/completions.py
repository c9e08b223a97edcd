"""Rows of binary units of which some are missing, completed in all possible ways."""

__all__ = ["MOST_SUMMED", "CompletionSums"]

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.units.binary import BinaryUnits, all_configurations
from skebm.units.data import patterns, row_blocks

# Units whose configurations are summed over for each row, at most.
MOST_SUMMED = 12


class CompletionSums:
    """What an energy says of rows of which some columns are missing.

    Here what is missing takes all values that it can. Rows have any finite values where
    they are missing; `observed` says where they are not. Every method is exact, for the
    rows that `is_summable` allows.
    """

    def is_summable(self, observed):
        """Say of which rows all that is missing can be summed over, (n_rows,)."""
        n_missing = (~observed).sum(axis=1)
        if not isinstance(self.visible_units, BinaryUnits):
            return n_missing == 0
        return n_missing <= MOST_SUMMED

    @property
    def visible_units(self):
        """Units of visible rows; where some are hidden, of these alone."""
        return self.units

    def copies(self, rows, observed):
        """List machines of which this is a mixture, with rows as each sees them.

        Parameters
        ----------
        rows, observed : ndarray of shape (n_rows, n_visible)
            As of `observed_score`.

        Returns
        -------
        copies : list of (machine, rows, constant)
            The constant is to be added to what a machine scores rows. Of what is no
            mixture it is the one machine.
        """
        return [(self, rows, 0.0)]

    def original(self, rows, copy):
        """Give rows, as the machine of a number in `copies` sees them, as they are."""
        return rows

    def observed_score(self, rows, observed):
        """Compute the log of the sum of exp(-E) over all that rows leave open.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible)
            In float64.
        observed : ndarray of bool of shape (n_rows, n_visible)
            Which columns of each row are known.

        Returns
        -------
        score : ndarray of shape (n_rows,)
            In nats.
        """
        score = np.empty(len(rows))
        for chosen, completed in _completions(rows, observed):
            score[chosen] = logsumexp(self._scores(completed), axis=1)
        return score

    def observed_phase(self, rows, observed, row_weights):
        """Do as `positive_phase` for rows of which some columns are missing."""
        total, statistics = 0.0, None
        for chosen, completed in _completions(rows, observed):
            scores = self._scores(completed)
            total += row_weights[chosen] @ logsumexp(scores, axis=1)
            posterior = softmax(scores, axis=1) * row_weights[chosen, np.newaxis]
            flat = completed.reshape(-1, completed.shape[2])
            part = self.positive_phase(flat, posterior.ravel())[1]
            statistics = part if statistics is None else statistics + part
        return total, statistics

    def draw_missing(self, rows, observed, noise):
        """Draw what is missing of rows given what is observed, (n_rows, n_visible)."""
        result = rows.astype(np.float64)
        for chosen, completed in _completions(rows, observed):
            law = softmax(self._scores(completed), axis=1)
            result[chosen] = completed[np.arange(len(law)), draw_of_law(law, noise)]
        return result

    def mean_missing(self, rows, observed):
        """Put for what is missing of rows its mean given what is observed."""
        result = rows.astype(np.float64)
        for chosen, completed in _completions(rows, observed):
            law = softmax(self._scores(completed), axis=1)
            result[chosen] = np.einsum("ij,ijk->ik", law, completed)
        return np.where(observed, rows, result)

    def average_missing(self, rows, observed, function, draws):
        """Average a function of completed rows over what is missing of them.

        Parameters
        ----------
        rows, observed : ndarray of shape (n_rows, n_visible)
            As of `observed_score`.
        function : callable
            Of rows without gaps, gives a row for each.
        draws : callable
            Lists sources of noise for one draw each, the same each time, where what is
            missing has too many values.
        """
        result = function(rows)
        for chosen, completed in _completions(rows, observed):
            law = softmax(self._scores(completed), axis=1)
            values = function(completed.reshape(-1, completed.shape[-1]))
            values = values.reshape(*law.shape, -1)
            result[chosen] = np.einsum("ij,ijk->ik", law, values)
        return result

    def observed_hidden_mean(self, rows, observed):
        """Compute the means of hidden units given what is observed of rows."""
        result = None
        for chosen, completed in _completions(rows, observed):
            law = softmax(self._scores(completed), axis=1)
            mean = self.hidden_mean(completed.reshape(-1, completed.shape[-1]))
            if result is None:
                result = np.empty((len(rows), mean.shape[1]))
            mean = mean.reshape(*law.shape, -1)
            result[chosen] = np.einsum("ij,ijk->ik", law, mean)
        return result

    def _scores(self, completed):
        """Give -F of completed rows, of the shape of all but their columns."""
        flat = completed.reshape(-1, completed.shape[-1])
        return -self.free_energy(flat).reshape(completed.shape[:-1])


def draw_of_law(law, noise):
    """Draw one number from each row of probabilities."""
    ends = law.cumsum(axis=1)
    point = (1 + noise.draw((len(law), 1))) / 2 * ends[:, -1:]
    return (ends[:, :-1] <= point).sum(axis=1)


def _completions(rows, observed):
    """Complete rows in all possible ways, a few rows at a time.

    Yields
    ------
    chosen : ndarray of shape (n_block,)
        Numbers of rows in which the same columns are missing.
    completed : ndarray of shape (n_block, 2**n_missing, n_columns)
        In float64, the same completions in the same order for each.
    """
    for known, members in patterns(observed):
        missing = np.flatnonzero(~known)
        values = all_configurations(len(missing))
        for block in row_blocks(len(members), len(values) * rows.shape[1]):
            chosen = members[block]
            completed = np.repeat(
                rows[chosen, np.newaxis].astype(np.float64), len(values), axis=1
            )
            completed[:, :, missing] = values
            yield chosen, completed
