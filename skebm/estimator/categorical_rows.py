"""How tables of categories alone become rows of units, and back."""

__all__ = ["CategoricalRowsMixin"]

from numbers import Number

import numpy as np

from skebm.estimator.mixed_rows import MixedRowsMixin
from skebm.estimator.table_columns import Columns
from skebm.estimator.validation import StrOptions
from skebm.sampling.random import UniformNoise
from skebm.units.categorical import CategoricalUnits
from skebm.units.data import Rows


class CategoricalRowsMixin(MixedRowsMixin):
    """Rows of models whose columns are all categories, one-hot.

    Whatever a column holds, each distinct value is a level; numbers as well.
    """

    _parameter_constraints: dict = {
        "handle_unknown": [StrOptions({"error", "missing"})],
    }

    def _check(self, X, **settings):
        rows = super()._check(X, **settings)
        if rows.has_missing:
            return rows
        return Rows(rows.table > 0, None, has_missing=False)

    def _learned_columns(self, columns, weights):
        return Columns.learn(
            columns,
            [True] * len(columns),
            weights,
            name_of=self._name_of,
            spike_share=1.0,
            bends=False,
        )

    def _see(self, rows, *, first):
        if first:
            self._n_rows_seen, self._column_sums = 0, 0.0
        counts = np.broadcast_to(rows.column_counts(), rows.n_columns)
        self._n_rows_seen = self._n_rows_seen + counts
        self._column_sums = self._column_sums + rows.column_sums()
        # One row more in all levels together keeps their log-odds finite.
        means = self._column_sums + self._even_shares()
        self._visible_mean = means / (self._n_rows_seen + 1)

    def _see_nothing(self, n_features):
        """Settle the means of rows, the parameters being known."""
        self._n_rows_seen, self._column_sums = 0, 0.0
        self._visible_mean = self._even_shares()

    def _even_shares(self):
        """Give the shares of levels that occur alike."""
        return np.concatenate([np.full(n, 1 / n) for n in self._columns.n_levels])

    def _start_rows(self, n_rows, rng):
        """Draw rows of independent columns, boolean."""
        units = CategoricalUnits(self._columns.n_levels)
        field = np.tile(units.natural(self._visible_mean), (n_rows, 1))
        return units.draw(field, UniformNoise(rng, np.float64))

    def _in_units(self, rows):
        return rows

    def _in_states(self, units):
        return units

    def _drawn(self, rows, rng):
        return rows > 0

    def _as_table(self, columns, original=None):
        """Give a table of levels: of numbers, where all levels of all columns are."""
        table = super()._as_table(columns, original)
        if isinstance(table, np.ndarray) and self._all_numbers:
            return np.array(table.tolist())
        return table

    @property
    def _all_numbers(self):
        """Whether all levels are numbers, and no truth values."""
        return all(
            isinstance(level, Number) and not isinstance(level, (bool, np.bool_))
            for levels in self._columns.levels
            for level in levels
        )

    def _without_gaps(self, rows, reason, temperature, rng):
        return self._without_gaps_but_spikes(rows, reason)

    def _conditionals(self, X, summary):
        return super(MixedRowsMixin, self)._conditionals(X, summary)

    def _scores(self, rows):
        return super(MixedRowsMixin, self)._scores(rows)
