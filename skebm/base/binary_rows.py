"""How tables become rows of binary units, and units become tables."""

__all__ = ["BinaryRowsMixin"]

from numbers import Real

import numpy as np

from skebm._validation import Interval, check_rows, states_of
from skebm.sampling.chains import start_visible


class BinaryRowsMixin:
    """Rows of models whose visible units are on or off."""

    _parameter_constraints: dict = {
        "binarize": [Interval(Real, None, None, closed="neither"), None],
    }

    def _check(self, X, *, reset=False):
        return check_rows(self, X, reset=reset)

    def _see(self, rows, *, first):
        if first:
            self._n_rows_seen, self._column_sums = 0, 0.0
        self._n_rows_seen = self._n_rows_seen + rows.n_rows
        self._column_sums = self._column_sums + rows.column_sums()
        # Half a row more on each side keeps the log-odds finite.
        self._visible_mean = (self._column_sums + 0.5) / (self._n_rows_seen + 1)

    def _see_nothing(self, n_features):
        self._n_rows_seen, self._column_sums = 0, 0.0
        self._visible_mean = np.full(n_features, 0.5)

    def _in_units(self, rows):
        return rows

    def _drawn(self, rows, rng):
        return rng.random(rows.shape) < rows

    def _start_rows(self, n_rows, rng):
        return start_visible(self._visible_mean, n_rows, rng)

    def _in_states(self, units):
        low, high = states_of(self)
        return low + (high - low) * units if low != 0 else units

    @property
    def _chain_mean(self):
        return self._visible_mean
