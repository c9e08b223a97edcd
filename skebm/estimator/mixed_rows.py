"""How tables of categories and numbers become rows of units, and back."""

__all__ = ["MixedRowsMixin"]

from numbers import Real

import numpy as np

from skebm.conditional.incomplete_rows import mean_incomplete
from skebm.estimator.containers import as_container, as_typed_container
from skebm.estimator.missing import DRAW_STEPS, has_gaps, parts_of
from skebm.estimator.real_rows import moments
from skebm.estimator.standardised_rows import FAR_FOR_DIFFERENCES, StandardisedRowsMixin
from skebm.estimator.table_checks import (
    check_any_table,
    check_categorical,
    refuse_missing,
)
from skebm.estimator.table_columns import Columns, missing_column, read_columns
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    check_weights,
    column_name,
    feature_names,
)
from skebm.units.data import Rows, relative


class MixedRowsMixin(StandardisedRowsMixin):
    """Rows of models whose visible units are categories, one-hot, and then numbers.

    Numbers are worked with in columns of mean 0 and variance 1.
    """

    _has_conditionals = False

    _parameter_constraints: dict = {
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "handle_unknown": [StrOptions({"error", "missing"})],
        "spike_share": [Interval(Real, 0, 1, closed="right")],
        "straighten": ["boolean"],
    }

    def _check(self, X, *, reset=False, sample_weight=None, ignored=None):
        X = check_any_table(self, X, reset=reset)
        columns = read_columns(X)
        if ignored is not None:
            columns[ignored] = missing_column(len(columns[ignored].values))
        if reset:
            weights = relative(check_weights(sample_weight, X))
            self._know(self._learned_columns(columns, weights))
        # In fit unknown levels are those of rows that count nothing alone.
        unknown = "missing" if reset else self.handle_unknown
        units = self._columns.encode(columns, self._name_of, unknown)
        return Rows(units, None, has_missing=bool(np.isnan(units).any()))

    def _learned_columns(self, columns, weights):
        """Learn which columns are categories, and what others are like."""
        names = getattr(self, "feature_names_in_", None)
        return Columns.learn(
            columns,
            check_categorical(self.categorical_features, columns, names),
            weights,
            name_of=self._name_of,
            spike_share=self.spike_share,
            bends=self.straighten,
        )

    def _know(self, columns):
        """Settle what columns are like."""
        self._columns = columns
        self.categories_ = columns.categories()
        self.unit_names_ = columns.unit_names(feature_names(self))

    def _see(self, rows, *, first):
        n_one_hot = self._columns.n_one_hot
        if first:
            mean, variance = moments(rows)
            mean[:n_one_hot], variance[:n_one_hot] = 0, 1
            self._location = mean
            self._scale = np.sqrt(np.where(variance > 0, variance, 1))
            self._n_rows_seen, self._column_sums = 0, 0.0
        counts = np.broadcast_to(rows.column_counts(), rows.n_columns)
        self._n_rows_seen = self._n_rows_seen + counts
        self._column_sums = self._column_sums + rows.column_sums()
        # One row more in all levels together keeps their log-odds finite.
        prior = np.zeros(rows.n_columns)
        stop = 0
        for n_levels in self._columns.n_levels:
            start, stop = stop, stop + n_levels
            prior[start:stop] = 1 / n_levels
        self._visible_mean = (self._column_sums + prior) / (self._n_rows_seen + 1)
        self._visible_mean[n_one_hot:] = 0

    def _start_rows(self, n_rows, rng):
        """Draw rows of independent columns, in the model's units."""
        rows = rng.standard_normal((n_rows, len(self._visible_mean)))
        stop = 0
        for n_levels in self._columns.n_levels:
            start, stop = stop, stop + n_levels
            ends = np.cumsum(self._visible_mean[start:stop])[:-1]
            levels = np.searchsorted(ends, rng.random(n_rows))
            rows[:, start:stop] = np.arange(n_levels) == levels[:, np.newaxis]
        return rows

    def _without_gaps_but_spikes(self, rows, reason):
        """Refuse rows with missing values; numbers with levels have no real ones."""
        if rows.has_missing and not self._observed_features(rows).all():
            refuse_missing(rows, reason)
        return rows

    def _without_gaps(self, rows, reason, temperature, rng):
        """Give complete rows with real values also where numbers have levels."""
        rows = self._without_gaps_but_spikes(rows, reason)
        if not rows.has_missing:
            return rows
        return Rows(self._filled(rows, DRAW_STEPS, temperature, rng), None)

    def _conditionals(self, X, summary):
        """Summarise log p(value | the others) of each row, complete or not."""
        rows = self._rows(X)
        conditionals = self._observed_conditionals(rows) + self._log_slopes_of(rows)
        return summary(conditionals)

    def _units_of(self, feature):
        """Give the columns of units that a feature has."""
        return self._columns.units_of(feature)

    def _by_unit(self, mask):
        """Repeat what is said of features for their units."""
        return self._columns.by_unit(mask)

    def _rows_without(self, X, column):
        """Validate a table of which a column is not looked at."""
        rows = self._in_units(self._check(X, ignored=column))
        self._refuse_far(rows, FAR_FOR_DIFFERENCES)
        return rows

    def _values_of_column(self, column):
        """List the levels of a column."""
        return self._columns.levels[column]

    def _values_given(self, X, *, mode):
        """Give the columns of a table, of missing categories the likeliest levels.

        Of missing numbers it is the mean, of what they are in a table.
        """
        rows, energy = self._rows(X), self._energy()
        self._refuse_far(rows, among=has_gaps)
        mean, seed, real = (
            self._mean_of_rows(),
            self._partition_seed,
            self._columns.real,
        )

        def numbers(units):
            columns = self._columns.decode(self._in_states(units))
            return np.column_stack([columns[i] for i in real])

        units, means = [], []
        for _, part, observed in parts_of(rows, energy.n_units):
            known = energy, part, observed, mean, seed
            units.append(mean_incomplete(*known))
            if real:
                means.append(mean_incomplete(*known, numbers))
        columns = self._columns_of(self._in_states(np.vstack(units)))
        for place, i in enumerate(real):
            columns[i] = np.concatenate([part[:, place] for part in means])
        return columns

    def _name_of(self, number):
        """Call a column by its name, if it has one, in messages."""
        return column_name(self, number)

    def _scores(self, rows):
        """Compute -F of rows and its standard errors, in the units of users."""
        score, std = self._observed_scores(rows)
        return score + self._log_slopes_of(rows).sum(axis=1), std

    def _log_slopes_of(self, rows):
        """Compute the logs of the derivatives of units by values, of each feature."""
        everything = slice(None)
        states = self._in_states(rows.take(everything))
        return self._columns.log_slopes(states, rows.observed(everything))

    def _levels_of(self, column):
        """List the values of a column: units, and the states that stand for it."""
        levels = self._columns.levels[column]
        if levels is None:
            raise ValueError(
                f"{column_name(self, column)} holds numbers, which have a density and "
                "no probabilities. Draw its values by sample(given=X), or compare rows "
                "that have certain values by score_samples."
            )
        units = self._columns.units_of(column)
        return [(units, row) for row in np.eye(len(levels))]

    def _columns_of(self, states):
        """List the columns of the table that states of units stand for."""
        return self._columns.decode(states)

    def _observed_features(self, rows):
        """Say which values of a table are known, (n_rows, n_features)."""
        first = [self._units_of(feature)[0] for feature in range(self.n_features_in_)]
        return rows.observed(slice(None))[:, first]

    def _as_rows(self, states, original=None, held=None):
        """Give a table of levels and numbers of states of units."""
        columns = self._columns_of(states)
        if held is not None:
            # Values that are straightened and back may differ by rounding.
            own = read_columns(check_any_table(self, original))
            for number in self._columns.real:
                values = own[number].values[held[:, number]]
                columns[number][held[:, number]] = values.astype(np.float64)
        return self._as_table(columns, original)

    def _as_rows_of(self, states, given):
        """Give a table of states of units, with the values that one row has."""
        columns = self._columns_of(states)
        if given is not None:
            own = read_columns(check_any_table(self, given))
            for number in self._columns.real:
                (value,) = own[number].values.astype(np.float64)
                if not np.isnan(value):
                    columns[number][:] = value
        return self._as_table(columns)

    def _atom_columns(self, energy):
        """Say which columns of units are levels of numbers."""
        return self._columns.atoms()

    def _columns_with_values(self, rows):
        """Say which columns of rows have values: real ones only off these levels."""
        return self._columns.have_values(rows)

    def _log_units(self, energy):
        """Give the logs of what numbers are divided by before they are straightened."""
        return self._columns.log_scales()

    def _as_table(self, columns, original=None):
        """Put columns together as users want them.

        It is a table of Python objects where there are categories, unless `set_output`
        asks for a frame, whose columns have dtypes of their own.
        """
        if not self._columns.categorical:
            return as_container(self, np.column_stack(columns), original)
        table = np.empty((len(columns[0]), len(columns)), dtype=object)
        for number, values in enumerate(columns):
            table[:, number] = values
        return as_typed_container(self, table, columns, original)
