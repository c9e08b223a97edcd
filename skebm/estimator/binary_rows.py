"""How tables become rows of binary units, and units become tables."""

__all__ = ["BinaryRowsMixin"]

from numbers import Real

import numpy as np

from skebm.estimator.validation import Interval, check_rows, states_of


class BinaryRowsMixin:
    """Rows of models whose visible units are on or off."""

    _parameter_constraints: dict = {
        "binarize": [Interval(Real, None, None, closed="neither"), None],
    }

    def _check(self, X, *, reset=False):
        """Validate a table and give its rows; learn its features if `reset`."""
        return check_rows(self, X, reset=reset)

    def _see(self, rows, *, first):
        """Learn from rows in which units the model works; `first` forgets others."""
        if first:
            self._n_rows_seen, self._column_sums = 0, 0.0
        self._n_rows_seen = self._n_rows_seen + rows.column_counts()
        self._column_sums = self._column_sums + rows.column_sums()
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

    def _values_of(self, rows, units):
        """Give the values that rows have for users, whose units have been drawn."""
        return self._in_states(units)

    def _levels_of(self, column):
        """List the values of a column: units, and the states that stand for it."""
        return [([column], [0.0]), ([column], [1.0])]

    def _in_states(self, units):
        """Give rows in the model's units the values that users know."""
        low, high = states_of(self)
        return low + (high - low) * units if low != 0 else units
