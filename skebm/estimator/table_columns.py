"""Columns of tables as people have them, read as categories and numbers."""

__all__ = ["Columns", "read_columns"]

from numbers import Number

import numpy as np

_MISSING = {"NAType", "NoneType", "NaTType"}


class Columns:
    """Which columns are categories, with which levels; the others are numbers.

    Parameters
    ----------
    levels : list of (list or None)
        Of each column its levels, or None where it holds numbers.
    """

    def __init__(self, levels):
        self.levels = levels
        self._numbers = [
            None if own is None else {level: i for i, level in enumerate(own)}
            for own in levels
        ]

    @classmethod
    def learn(cls, columns, is_categorical):
        """Learn the levels of columns.

        Parameters
        ----------
        columns : list of ReadColumn
            Of the table.
        is_categorical : list of bool
            Of each column.
        """
        pairs = zip(columns, is_categorical, strict=True)
        return cls([_levels(column) if kind else None for column, kind in pairs])

    @property
    def categorical(self):
        """Numbers of the columns that are categories."""
        return [i for i, own in enumerate(self.levels) if own is not None]

    @property
    def real(self):
        """Numbers of the columns that are numbers."""
        return [i for i, own in enumerate(self.levels) if own is None]

    @property
    def n_levels(self):
        """Number of levels of each categorical column."""
        return tuple(len(self.levels[i]) for i in self.categorical)

    def encode(self, columns, name_of, handle_unknown):
        """Make a table of units: categories one-hot, then numbers; NaN where missing.

        Parameters
        ----------
        columns : list of ReadColumn
            Of a table like that of `learn`.
        name_of : callable
            What to call a column in errors.
        handle_unknown : {"error", "missing"}
            What levels are that were not learned.
        """
        n_rows = len(columns[0].values) if columns else 0
        parts = []
        for number in self.categorical:
            levels, column = self._numbers[number], columns[number]
            codes = [levels.get(value, -1) for value in column.values]
            codes = np.array(codes, dtype=int)
            unknown = (codes < 0) & ~column.missing
            if unknown.any() and handle_unknown == "error":
                found = {column.values[i] for i in np.flatnonzero(unknown)}
                raise ValueError(
                    f"{name_of(number)} has levels that were not seen in fit: "
                    f"{sorted(found, key=str)[:5]}. Set handle_unknown='missing' to "
                    "take them as missing."
                )
            part = np.zeros((n_rows, len(levels)))
            part[np.arange(n_rows), codes] = 1
            part[codes < 0] = np.nan
            parts.append(part)
        for number in self.real:
            parts.append(_as_numbers(columns[number], name_of(number))[:, np.newaxis])
        return np.hstack(parts) if parts else np.empty((n_rows, 0))

    def decode(self, units):
        """Give the columns of a table of units: lists of levels, arrays of numbers."""
        columns, stop = [None] * len(self.levels), 0
        for number in self.categorical:
            levels = self.levels[number]
            start, stop = stop, stop + len(levels)
            chosen = units[:, start:stop].argmax(axis=1)
            columns[number] = [levels[i] for i in chosen]
        for offset, number in enumerate(self.real):
            columns[number] = units[:, stop + offset]
        return columns

    def units_of(self, number):
        """Give the columns of units that a column of the table has."""
        if self.levels[number] is None:
            start = sum(self.n_levels) + self.real.index(number)
            return slice(start, start + 1)
        before = [len(self.levels[i]) for i in self.categorical if i < number]
        return slice(sum(before), sum(before) + len(self.levels[number]))


class ReadColumn:
    """A column of any table.

    Parameters
    ----------
    values : ndarray of object
        Its values.
    is_number : bool
        Whether its dtype says that it holds numbers; of columns of Python objects in
        arrays, whether all values are numbers.
    order : list or None, default=None
        Its categories in the order that its dtype gives them.
    """

    def __init__(self, values, is_number, order=None):
        self.values = values
        self.is_number = is_number
        self.order = order
        self.missing = np.array([_is_missing(value) for value in values], dtype=bool)


def read_columns(X):
    """Read the columns of a DataFrame of pandas or polars, or of an array.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
        What the user passed.

    Returns
    -------
    columns : list of ReadColumn
        In their order.
    """
    if hasattr(X, "iloc"):
        return [_of_pandas(X.iloc[:, i]) for i in range(X.shape[1])]
    if hasattr(X, "get_columns"):
        return [_of_polars(series) for series in X.get_columns()]
    columns = []
    for values in X.T:
        own = values.astype(object)
        is_number = X.dtype.kind in "iuf"
        if X.dtype.kind == "O":
            is_number = all(
                isinstance(value, Number) and not isinstance(value, (bool, np.bool_))
                for value in own
                if not _is_missing(value)
            )
        columns.append(ReadColumn(own, is_number))
    return columns


def _of_pandas(series):
    order = None
    if hasattr(series.dtype, "categories"):
        order = list(series.dtype.categories)
    kind = getattr(series.dtype, "kind", "O")
    _refuse_time(kind, series.name)
    return ReadColumn(series.to_numpy(dtype=object), kind in "iuf", order)


def _of_polars(series):
    dtype = series.dtype
    if dtype.is_temporal():
        _refuse_time("M", series.name)
    order = None
    if hasattr(dtype, "categories") and str(dtype).startswith("Enum"):
        order = list(dtype.categories)
    values = np.empty(len(series), dtype=object)
    values[:] = series.to_list()
    return ReadColumn(values, dtype.is_numeric(), order)


def _refuse_time(kind, name):
    if kind in "Mm":
        raise ValueError(
            f"Column {name!r} holds dates or times. Turn them into numbers, such as "
            "days since the first, or into categories, such as weekdays."
        )


def _is_missing(value):
    if type(value).__name__ in _MISSING:
        return True
    return isinstance(value, (float, np.floating)) and value != value  # noqa: PLR0124


def _levels(column):
    """List the levels of a column that occur, in their order."""
    found = set(column.values[~column.missing])
    if column.order is not None:
        return [level for level in column.order if level in found]
    try:
        return sorted(found)
    except TypeError:
        return sorted(found, key=lambda level: (type(level).__name__, str(level)))


def _as_numbers(column, name):
    """Give a column as float64, NaN where it is missing."""
    numbers = np.full(len(column.values), np.nan)
    known = ~column.missing
    try:
        numbers[known] = column.values[known].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} held numbers in fit and holds others now: {error}."
        ) from error
    if np.isinf(numbers).any():
        raise ValueError(f"{name} contains infinity, which no density has.")
    return numbers
