"""How tables become rows of binary units, and units become tables."""

__all__ = ["BinaryRowsMixin"]

from numbers import Real

import numpy as np

from skebm.estimator.binarized import check_rows, states_of
from skebm.estimator.validation import Interval


class BinaryRowsMixin:
    """Rows of models whose visible units are on or off."""

    _parameter_constraints: dict = {
        "binarize": [Interval(Real, None, None, closed="neither"), None],
    }

    def _check(self, X, *, reset=False, sample_weight=None):
        """Validate a table and give its rows; learn its features if `reset`."""
        return check_rows(self, X, reset=reset)

    def _see(self, rows, *, first):
        """Learn from rows in which units the model works; `first` forgets others."""
        self._see_sums(rows.column_counts(), rows.column_sums(), first=first)

    def _see_sums(self, n_rows, column_sums, *, first):
        """Do the same from how many rows there are, and the sums of their columns."""
        if first:
            self._n_rows_seen, self._column_sums = 0, 0.0
        self._n_rows_seen = self._n_rows_seen + n_rows
        self._column_sums = self._column_sums + column_sums
        # Half a row more on each side keeps the log-odds finite.
        self._visible_mean = (self._column_sums + 0.5) / (self._n_rows_seen + 1)

    def _see_nothing(self, n_features):
        """Settle the units in which the model works, its parameters being known."""
        self._n_rows_seen, self._column_sums = 0, 0.0
        self._visible_mean = np.full(n_features, 0.5)

    def _in_units(self, rows):
        """View validated rows in the units in which the model works."""
        return rows

    def _drawn(self, rows, rng):
        """Draw units where rows give probabilities of being on."""
        return rows if rows.dtype == bool else rng.random(rows.shape) < rows

    def _start_rows(self, n_rows, rng):
        """Draw rows from which chains start, in the model's units."""
        return rng.random((n_rows, self.n_features_in_)) < self._visible_mean

    def _given(self, rows, block, units):
        """Give the values that users know of rows, whose units these are."""
        return self._in_states(units)

    def _settled(self, units, mode):
        """Give the likelier state of units where `mode` asks for it."""
        return (units > 0.5).astype(np.float64) if mode else units

    def _levels_of(self, column):
        """List the values of a column: units, and the states that stand for it."""
        return [([column], [0.0]), ([column], [1.0])]

    def _values_of_column(self, column):
        """List the values of a column as users know them, in the same order."""
        return states_of(self)

    def _in_states(self, units):
        """Give rows in the model's units the values that users know."""
        low, high = states_of(self)
        return low + (high - low) * units if low != 0 else units
