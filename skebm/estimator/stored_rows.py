"""How tables become rows of a memory, whose units are binary or real."""

__all__ = ["StoredRowsMixin"]

import numpy as np

from skebm.estimator.binary_rows import BinaryRowsMixin
from skebm.estimator.table_checks import check_real_rows
from skebm.units.data import ScaledRows


class StoredRowsMixin(BinaryRowsMixin):
    """Rows of `BinaryRowsMixin`, or of real numbers where `states` is None."""

    def _check(self, X, *, reset=False, sample_weight=None):
        if self.states is None:
            return check_real_rows(self, X, reset=reset)
        return super()._check(X, reset=reset)

    def _see(self, rows, *, first):
        """Learn the means of binary columns, near which chains start."""
        if self.states is None:
            self._visible_mean = None
        else:
            super()._see(rows, first=first)

    def _drawn(self, rows, rng):
        return rows

    @property
    def _location(self):
        """What is taken off real rows: of those far from 0 squares would be rounded.

        Distances are the same anywhere. Products are not.
        """
        if self.similarity == "euclidean":
            return self.memories_.mean(axis=0)
        return np.zeros(self.n_features_in_)

    def _in_units(self, rows):
        return ScaledRows(rows, self._location, 1.0) if self.states is None else rows

    def _memories_in_units(self):
        """Give the stored rows as units: boolean, or real."""
        if self.states is None:
            return self.memories_ - self._location
        return self.memories_ > 0

    def _start_rows(self, n_rows, rng):
        if self.states is None:
            chosen = rng.integers(len(self.memories_), size=n_rows)
            return self._memories_in_units()[chosen]
        return super()._start_rows(n_rows, rng)

    def _given(self, rows, block, units):
        return rows.take(block) if self.states is None else self._in_states(units)

    def _in_states(self, units):
        if self.states is None:
            return units + self._location
        return super()._in_states(units.astype(np.float64))
