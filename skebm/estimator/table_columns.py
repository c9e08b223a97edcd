"""Columns of tables as people have them, read as categories and numbers."""

__all__ = [
    "Columns",
    "filled_table",
    "is_missing_table",
    "missing_column",
    "read_columns",
]

from datetime import date, time, timedelta
from numbers import Number

import numpy as np
from sklearn.exceptions import DataConversionWarning

from skebm.estimator.numeric_columns import NumberColumn
from skebm.warning import warn_user

# What features of categories that are wholly missing hold where they are kept.
_NOTHING = "missing"

# Sums and differences of larger numbers, over many rows, may overflow.
_LARGEST_NUMBER = 1e300

# So many levels may columns have, however few rows there are.
_FEW_LEVELS = 25

_TIMES = date, time, timedelta

_FLOATS = float, np.floating

_MISSING = {"NAType", "NoneType", "NaTType"}


class Columns:
    """How columns of a table become units, and back.

    Units are one-hot: those of categories, then those of the levels that numbers have,
    see `NumberColumn`; then come real values of numbers, also of those with levels.

    Parameters
    ----------
    levels : list of (list or None)
        Of each column its levels, or None where it holds numbers.
    numbers : list of (NumberColumn or None)
        Of each column that holds numbers.
    """

    def __init__(self, levels, numbers):
        self.levels = levels
        self.numbers = numbers
        self._codes = [
            None if own is None else {level: i for i, level in enumerate(own)}
            for own in levels
        ]
        self.categorical = [i for i, own in enumerate(levels) if own is not None]
        self.real = [i for i, own in enumerate(levels) if own is None]
        self._shared = [i for i in self.real if numbers[i].n_levels > 0]
        sizes = [len(levels[i]) for i in self.categorical]
        sizes += [numbers[i].n_levels for i in self._shared]
        self.n_levels = tuple(sizes)
        starts = np.cumsum([0, *sizes])
        self.n_one_hot = int(starts[-1])
        blocks = zip(self.categorical + self._shared, starts, sizes, strict=False)
        self._units = {i: [] for i in range(len(levels))}
        for column, start, size in blocks:
            self._units[column] += range(start, start + size)
        self._values = {}
        for place, column in enumerate(self.real, self.n_one_hot):
            self._units[column].append(place)
            self._values[column] = place

    @classmethod
    def learn(cls, columns, is_categorical, weights, *, name_of, spike_share, bends):
        """Learn from columns.

        Parameters
        ----------
        columns : list of ReadColumn
            Of the table.
        is_categorical : list of bool
            Of each column.
        weights : ndarray of shape (n_rows,) or None
            What each row counts, not negative. None: one each.
        name_of : callable
            What to call a column in errors.
        spike_share, bends
            As of `NumberColumn.learn`.
        """
        if weights is None:
            weights = np.ones(len(columns[0].values))
        levels, numbers = [], []
        for i, (column, kind) in enumerate(zip(columns, is_categorical, strict=True)):
            levels.append(_levels(column, weights > 0, name_of(i)) if kind else None)
            if kind:
                _warn_of_many(levels[-1], column, name_of(i))
            number = None
            if not kind:
                values = _as_numbers(column, name_of(i))
                largest = np.nanmax(np.abs(values), initial=0)
                if largest > _LARGEST_NUMBER:
                    raise ValueError(
                        f"{name_of(i)} holds {largest:.0e}, so that sums of its values "
                        "are not finite. Divide them by a constant."
                    )
                number = NumberColumn.learn(values, weights, spike_share, bends)
            numbers.append(number)
        return cls(levels, numbers)

    @classmethod
    def of_numbers(cls, n_columns):
        """Give columns of numbers that stay as they are."""
        return cls([None] * n_columns, [NumberColumn.unchanged()] * n_columns)

    def encode(self, columns, name_of, handle_unknown):
        """Make a table of units, NaN where something is missing.

        Parameters
        ----------
        columns : list of ReadColumn
            Of a table like that of `learn`.
        name_of : callable
            What to call a column in errors.
        handle_unknown : {"error", "missing", "none"}
            What levels are that were not learned; "none" of those learned is zeros.
        """
        n_rows = len(columns[0].values)
        units = np.empty((n_rows, self.n_one_hot + len(self.real)))
        for i in self.categorical:
            units[:, self._units[i]] = _one_hot(
                self._level_numbers(i, columns[i], name_of, handle_unknown),
                len(self.levels[i]),
            )
        for i in self.real:
            level, values = self.numbers[i].encode(_as_numbers(columns[i], name_of(i)))
            units[:, self._values[i]] = values
            if i in self._shared:
                one_hot = _one_hot(level, self.numbers[i].n_levels)
                units[:, self._units[i][:-1]] = one_hot
        return units

    def decode(self, units):
        """Give the columns of a table of units: lists of levels, arrays of numbers."""
        columns = []
        for i, levels in enumerate(self.levels):
            own = units[:, self._units[i]]
            if levels is not None:
                columns.append([levels[code] for code in own.argmax(axis=1)])
                continue
            level = own[:, :-1].argmax(axis=1) if i in self._shared else None
            columns.append(self.numbers[i].decode(level, own[:, -1]))
        return columns

    def log_slopes(self, units, observed):
        """Compute the logs of the derivatives of real values by numbers.

        Parameters
        ----------
        units : ndarray of shape (n_rows, n_units)
            As `encode` gives them.
        observed : ndarray of bool of shape (n_rows, n_units)
            Which are known; of others the logarithm is 0.

        Returns
        -------
        log_slopes : ndarray of shape (n_rows, n_columns)
            0 for categories.
        """
        result = np.zeros((len(units), len(self.levels)))
        for i, place in self._values.items():
            known = observed[:, place]
            slopes = self.numbers[i].log_slope(units[known, place])
            result[known, i] = slopes
        return result

    def atoms(self):
        """Say which columns of units are levels of numbers, (n_units,)."""
        result = np.zeros(self.n_one_hot + len(self.real), dtype=bool)
        for i in self._shared:
            result[self._units[i][:-1]] = True
        return result

    def have_values(self, units):
        """Say which units have values: all but real ones of numbers in levels."""
        result = np.ones(units.shape, dtype=bool)
        for i in self._shared:
            *_, other, place = self._units[i]
            result[:, place] = units[:, other] > 0
        return result

    def log_scales(self):
        """Give the logs of what numbers are divided by, 0 for levels, (n_units,)."""
        result = np.zeros(self.n_one_hot + len(self.real))
        for i, place in self._values.items():
            result[place] = np.log(self.numbers[i].scale)
        return result

    def centred(self, table):
        """Take from fields of the levels of each unit their mean, which says nothing.

        Returns
        -------
        centred : ndarray of shape (n_rows, n_units)
            Fields of levels that sum to 0 in each unit, and those of real values.
        removed : ndarray of shape (n_rows,)
            What was taken off, once for each unit.
        """
        centred, stop, removed = table.copy(), 0, np.zeros(len(table))
        for n_levels in self.n_levels:
            start, stop = stop, stop + n_levels
            mean = table[:, start:stop].mean(axis=1)
            centred[:, start:stop] -= mean[:, np.newaxis]
            removed += mean
        return centred, removed

    def categories(self):
        """List the levels of each column as an array, None where it holds numbers."""
        return [None if own is None else _array_of(own) for own in self.levels]

    def units_of(self, number):
        """Give the places of the units of a column."""
        return np.array(self._units[number])

    def by_unit(self, mask):
        """Repeat what is said of columns for their units."""
        result = np.empty((len(mask), self.n_one_hot + len(self.real)), mask.dtype)
        for i, places in self._units.items():
            result[:, places] = mask[:, [i]]
        return result

    def unit_names(self, names):
        """Give names of units, from those of columns."""
        result = np.empty(self.n_one_hot + len(self.real), dtype=object)
        for i, places in self._units.items():
            own = list(self.levels[i]) if self.levels[i] is not None else []
            if i in self._shared:
                own = [*self.numbers[i].atoms.tolist(), "other"]
            own = [f"{names[i]}_{level}" for level in own]
            if self.levels[i] is None:
                own.append(names[i])
            result[places] = own
        return result

    def _level_numbers(self, i, column, name_of, handle_unknown):
        """Give the number of the level of each row, -1 where missing."""
        codes = np.array([self._codes[i].get(value, -1) for value in column.values])
        unknown = (codes < 0) & ~column.missing
        if unknown.any() and handle_unknown == "error":
            found = {column.values[row] for row in np.flatnonzero(unknown)}
            raise ValueError(
                f"{name_of(i)} has levels that were not seen in fit: "
                f"{sorted(found, key=str)[:5]}. Set handle_unknown='missing' to take "
                "them as missing."
            )
        if handle_unknown == "none":
            codes[unknown] = len(self._codes[i])
        return codes


def _array_of(levels):
    """Make an array of levels, whatever these are."""
    array = np.empty(len(levels), dtype=object)
    array[:] = levels
    return array


def _one_hot(numbers, n_levels):
    """Make columns of numbers of levels, NaN where these are negative."""
    one_hot = (np.arange(n_levels) == numbers[:, np.newaxis]).astype(np.float64)
    one_hot[numbers < 0] = np.nan
    return one_hot


class ReadColumn:
    """A column of any table.

    Parameters
    ----------
    values : ndarray of object
        Its values.
    is_number : bool
        Whether its dtype says that it holds numbers; of columns of Python objects,
        whether all values are numbers.
    order : list or None, default=None
        Its categories in the order that its dtype gives them.
    """

    def __init__(self, values, is_number, order=None):
        self.values = values
        self.is_number = is_number
        self.order = order
        self.missing = np.array([_is_missing(value) for value in values], dtype=bool)


def missing_column(n_rows):
    """Give a column of which nothing is known."""
    return ReadColumn(np.full(n_rows, None, dtype=object), True)


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
    for number, values in enumerate(X.T):
        _refuse_time(X.dtype.kind, number)
        own = values.astype(object)
        is_number = X.dtype.kind in "iuf"
        if X.dtype.kind == "O":
            is_number = _are_numbers(own)
        columns.append(ReadColumn(own, is_number))
    return columns


def _are_numbers(values):
    """Say whether objects are all numbers, but for those that are missing."""
    return all(
        isinstance(value, Number) and not isinstance(value, (bool, np.bool_))
        for value in values
        if not _is_missing(value)
    )


def _of_pandas(series):
    order = None
    if hasattr(series.dtype, "categories"):
        order = list(series.dtype.categories)
    kind = getattr(series.dtype, "kind", "O")
    values = series.to_numpy(dtype=object)
    _refuse_time(kind, series.name, () if kind in "biuf" else values)
    if kind == "c":
        raise ValueError(f"Column {series.name!r}: complex data not supported.")
    is_number = kind in "iuf"
    if series.dtype == object:
        is_number = series.notna().any() and _are_numbers(values)
    return ReadColumn(values, is_number, order)


def _of_polars(series):
    dtype = series.dtype
    if dtype.is_temporal():
        _refuse_time("M", series.name)
    order = None
    if hasattr(dtype, "categories") and str(dtype).startswith("Enum"):
        order = list(dtype.categories)
    values = np.empty(len(series), dtype=object)
    values[:] = series.to_list()
    is_number = dtype.is_numeric()
    if str(dtype) == "Object":
        is_number = _are_numbers(values)
    return ReadColumn(values, is_number, order)


def _refuse_time(kind, name, values=()):
    known = [value for value in values if not _is_missing(value)]
    is_time = kind in "Mm" or any(isinstance(value, _TIMES) for value in known)
    if is_time or any(type(value).__name__ == "Period" for value in known):
        raise ValueError(
            f"Column {name!r} holds dates or times. Turn them into numbers, such as "
            "days since the first, or into categories, such as weekdays."
        )


def _is_missing(value):
    if type(value).__name__ in _MISSING:
        return True
    return isinstance(value, _FLOATS) and value != value  # noqa: PLR0124


def _levels(column, present, name):
    """List the levels of a column that occur in some rows, in their order."""
    values = column.values[~column.missing & present]
    try:
        found = set(values)
    except TypeError as error:
        raise TypeError(
            "A level of a category must be hashable: the argument must be a string or "
            f"a number, or what equals another. {error}."
        ) from error
    if any(isinstance(level, _FLOATS) and np.isinf(level) for level in found):
        raise ValueError(
            f"{name} contains infinity, which is no category. Put NaN where a value is "
            "missing, or a word for it."
        )
    if not found:
        return [None]  # which every value then is, and tells nothing
    if column.order is not None:
        return [level for level in column.order if level in found]
    try:
        return sorted(found)
    except TypeError:
        return sorted(found, key=lambda level: (type(level).__name__, str(level)))


def _warn_of_many(levels, column, name):
    """Warn of levels of which most have no second row to learn from."""
    n_rows = np.count_nonzero(~column.missing)
    if len(levels) <= max(_FEW_LEVELS, n_rows / 2):
        return
    advice = (
        "Cut them into bins, by sklearn.preprocessing.KBinsDiscretizer"
        if column.is_number
        else "Leave the column out, put its values into few groups, or turn text into "
        "a few numbers, by TfidfVectorizer and TruncatedSVD of scikit-learn"
    )
    warn_user(
        f"{name} has {len(levels)} different values in {n_rows} rows: as levels of a "
        f"category they have too few rows to learn from. {advice}.",
        DataConversionWarning,
    )


def _as_numbers(column, name):
    """Give a column as float64, NaN where it is missing."""
    numbers = np.full(len(column.values), np.nan)
    known = ~column.missing
    try:
        numbers[known] = column.values[known].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is read as numbers, and holds what is none: {error}. Columns of "
            "categories are those that categorical_features names, or its dtype."
        ) from error
    except OverflowError as error:
        raise ValueError(
            f"{name} holds a number beyond the largest float, 1.8e308. Divide the "
            "column by a constant."
        ) from error
    if np.isinf(numbers).any():
        raise ValueError(
            f"{name} contains infinity, which no density has. Put NaN where a value "
            "is missing, or leave out these rows."
        )
    return numbers


def is_missing_table(X):
    """Say which values of a table are missing, (n_rows, n_columns)."""
    if not hasattr(X, "shape"):
        X = np.asarray(X, dtype=object)
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        return np.isnan(X)
    return np.column_stack([column.missing for column in read_columns(X)])


def filled_table(X, values, *, is_empty, keeps_empty, indicated, names):
    """Put values where a table has none.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
        With gaps; left as it is.
    values : list of array-like
        Of each column that is not empty, values for all rows.
    is_empty : ndarray of bool of shape (n_columns,)
        Which columns had no value when the model was fitted.
    keeps_empty : bool
        Whether these stay.
    indicated : list of int
        Columns of which is told where they are missing.
    names : list of str
        Of the columns of the result.

    Returns
    -------
    filled : DataFrame or ndarray
        Of the kind of `X`; of an array, of objects if there are any.
    """
    columns, missing = read_columns(X), is_missing_table(X)
    given, result = iter(values), []
    for number, column in enumerate(columns):
        if not is_empty[number]:
            result.append(_filled(column, missing[:, number], next(given)))
        elif keeps_empty:
            result.append(_filled(column, missing[:, number], None))
    result += [missing[:, number] for number in indicated]
    return _like(X, result, names, np.flatnonzero(~is_empty | keeps_empty))


def _filled(column, missing, values):
    """Put values, or what stands for none, where a column has none."""
    own = column.values.copy()
    if values is None:
        values = [0.0 if column.is_number else _NOTHING] * len(own)
    for row in np.flatnonzero(missing):
        own[row] = values[row]
    return own


def _like(X, columns, names, kept):
    """Make a table of the kind of another, whose columns keep their dtypes."""
    n_own = len(kept)
    if hasattr(X, "iloc"):
        series = {
            i: _pandas_like(X.iloc[:, kept[i]] if i < n_own else None, own, X.index)
            for i, own in enumerate(columns)
        }
        frame = type(X)(series, index=X.index)
        has_names = all(isinstance(name, str) for name in X.columns)
        # What is no name to scikit-learn stays as it is.
        frame.columns = names if has_names else [*X.columns[kept], *names[n_own:]]
        return frame
    if hasattr(X, "get_columns"):
        own = X.get_columns()
        return type(X)(
            [
                _polars_like(own[kept[i]] if i < n_own else None, own[0], values, name)
                for i, (values, name) in enumerate(zip(columns, names, strict=True))
            ]
        )
    if all(column.is_number for column in read_columns(X)):
        dtype = X.dtype if X.dtype.kind == "f" else np.float64
        return np.column_stack([own.astype(dtype) for own in columns])
    table = np.empty((len(X), len(columns)), dtype=object)
    for number, own in enumerate(columns):
        table[:, number] = own
    return table


def _pandas_like(series, values, index):
    """Make a series of the dtype of another, rounded where that holds no fractions."""
    from pandas import Series  # noqa: PLC0415  (the user has it, who passed a frame)

    if series is None:
        return Series(values.astype(bool), index=index)
    if getattr(series.dtype, "kind", "O") in "iu":
        values = np.array(_as_integers(values, series.dtype), dtype=object)
    if getattr(series.dtype, "kind", "O") == "b":
        values = np.array(_as_booleans(values), dtype=object)
    if hasattr(series.dtype, "categories") and _NOTHING in values:
        return Series(values, index=index, dtype=object)
    if series.dtype == object or getattr(series.dtype, "kind", "O") == "f":
        values = values if series.dtype == object else values.astype(np.float64)
    return Series(values, index=index).astype(series.dtype)


def _as_integers(values, dtype):
    """Round values, to what a dtype of pandas or polars can hold."""
    ends = np.iinfo(str(dtype).lower())
    return [min(max(round(value), ends.min), ends.max) for value in values]


def _as_booleans(values):
    """Round values; what stands for none becomes False."""
    return [value is not _NOTHING and bool(round(value)) for value in values]


def _polars_like(series, any_series, values, name):
    """Make a series of polars of the dtype of another, rounded likewise."""
    if series is None:
        return type(any_series)(name, values.astype(bool))
    if series.dtype.is_integer():
        values = _as_integers(values, series.dtype)
    if str(series.dtype) == "Boolean":
        values = _as_booleans(values)
    return type(any_series)(name, list(values), dtype=series.dtype, strict=False)
