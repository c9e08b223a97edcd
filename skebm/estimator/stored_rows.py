"""How tables become rows of a memory, whose units are binary or real."""

__all__ = ["StoredRowsMixin"]

import numpy as np

from skebm.estimator.binary_rows import BinaryRowsMixin
from skebm.estimator.validation import check_real_rows


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

    def _start_rows(self, n_rows, rng):
        if self.states is None:
            return self.memories_[rng.integers(len(self.memories_), size=n_rows)]
        return super()._start_rows(n_rows, rng)

    def _given(self, rows, block, units):
        return rows.take(block) if self.states is None else self._in_states(units)

    def _in_states(self, units):
        if self.states is None:
            return units
        return super()._in_states(units.astype(np.float64))
