"""Tables of any columns, read as numbers and one-hot levels."""

__all__ = ["OneHotRowsMixin"]

import numpy as np
from scipy.sparse import issparse

from skebm.estimator.table_checks import (
    check_any_table,
    check_categorical,
    check_table,
)
from skebm.estimator.table_columns import Columns, read_columns
from skebm.estimator.validation import column_name

# No number gets a level of its own.
_NO_SPIKES = 2.0


class OneHotRowsMixin:
    """Rows of models that are learned from numbers and one-hot levels.

    It is for estimators with a parameter `categorical_features`.
    """

    def _read(self, X, *, reset=False, weights=None):
        """Give a table of numbers and one-hot levels, NaN where a value is missing.

        Levels are those of rows that count, which all do without weights.
        """
        if self._reads_numbers(X, reset):
            table = check_table(self, X, reset=reset)
            if reset:
                self._columns = Columns.of_numbers(table.shape[1])
                self.categories_ = self._columns.categories()
            return table
        X = check_any_table(self, X, reset=reset)
        columns = read_columns(X)
        if reset:
            names = getattr(self, "feature_names_in_", None)
            kinds = check_categorical(self.categorical_features, columns, names)
            self._columns = Columns.learn(
                columns,
                kinds,
                weights,
                name_of=self._name_of,
                spike_share=_NO_SPIKES,
                bends=False,
            )
            self.categories_ = self._columns.categories()
        return self._columns.encode(columns, self._name_of, "none")

    def _reads_numbers(self, X, reset):
        """Say whether a table needs no look at each of its values."""
        if not _is_numeric(X):
            return False
        if not reset:
            return not self._columns.categorical
        return self.categorical_features is None or isinstance(
            self.categorical_features, str
        )

    def _name_of(self, number):
        """Call a column by its name, if it has one, in messages."""
        return column_name(self, number)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _is_numeric(X):
    """Say whether all columns hold numbers by their dtype."""
    if issparse(X):
        return True
    if hasattr(X, "iloc"):
        kinds = [getattr(dtype, "kind", "O") for dtype in X.dtypes]
        return all(isinstance(dtype, np.dtype) for dtype in X.dtypes) and not (
            set(kinds) - set("iuf")
        )
    return isinstance(X, np.ndarray) and X.dtype.kind in "biuf"
