"""Checks of the tables that users pass in."""

__all__ = [
    "as_any_table",
    "check_any_table",
    "check_categorical",
    "check_fixed",
    "check_hidden_rows",
    "check_real_rows",
    "check_table",
    "column_ends",
    "every_value",
    "has_missing_values",
    "refuse_missing",
    "warn_of_constants",
    "without_na",
]

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skebm.units.data import Rows
from skebm.warning import warn_user

# So many rows are looked at before all are.
_SOME_ROWS = 100

_ENCODE = (
    "Encode it, by OneHotEncoder for instance, or use MixedRBM or the default of "
    "EnergyOutlierDetector, which take categories."
)


def check_real_rows(estimator, X, *, reset=False):
    """Validate rows of real values; see `check_rows`."""
    X = check_table(estimator, X, reset=reset)
    return Rows(X, None, has_missing=has_missing_values(X))


def check_table(estimator, X, *, reset=False):
    """Validate a numeric table, dense or in CSR format, of the right width.

    Its values are finite, or NaN where they are missing; None and `pandas.NA` are as
    well.
    """
    if not reset:
        check_is_fitted(estimator)
    original = X
    _refuse_more_dimensions(X)
    try:
        X = validate_data(
            estimator,
            without_na(X),
            accept_sparse="csr",
            dtype="numeric",
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        if X.dtype == object:  # of lists, or polars, with what is not a number
            X = check_array(
                without_na(X), ensure_all_finite="allow-nan", input_name="X"
            )
    except (OverflowError, ValueError) as error:
        if isinstance(error, OverflowError) or "onvert" in str(error):
            _refuse_what_is_no_number(type(estimator).__name__, original)
        raise
    return X


def check_any_table(estimator, X, *, reset=False):
    """Validate a table of any values: a DataFrame of pandas or polars, or an array.

    Raises
    ------
    NotFittedError
        If nothing has been learned yet, unless `reset`.
    ValueError
        If it has not two dimensions, no rows or columns, or another number or other
        names of columns than in `fit`.
    """
    if not reset:
        check_is_fitted(estimator)
    X = as_any_table(X, type(estimator).__name__)
    return validate_data(estimator, X, reset=reset, skip_check_array=True)


def as_any_table(X, name):
    """Do the same for a function of this name, which expects no columns."""
    is_frame = hasattr(X, "iloc") or hasattr(X, "get_columns")
    if not is_frame:
        if isinstance(X, (list, tuple)):
            # NumPy would make strings of numbers beside strings.
            X = np.array(X, dtype=object)
        _refuse_more_dimensions(X)
        X = check_array(X, dtype=None, ensure_all_finite=False, estimator=name)
    elif min(X.shape) == 0:
        raise ValueError(
            f"Found array with {X.shape[0]} sample(s) and {X.shape[1]} feature(s) "
            "while a minimum of 1 of each is required."
        )
    return X


def _refuse_more_dimensions(X):
    """Say how images or the like become rows."""
    n_dimensions = getattr(X, "ndim", 2)
    if n_dimensions > 2:
        raise ValueError(
            f"Found array with dim {n_dimensions}, while a table has two. Pass "
            "X.reshape(len(X), -1), with one row for each sample."
        )


def check_categorical(categorical_features, columns, names):
    """Say of each column whether it is taken as categories.

    Parameters
    ----------
    categorical_features : "auto", None, or array-like of bool, int or str
        What the user passed.
    columns : list of ReadColumn
        Of the table.
    names : ndarray of str or None
        Names of the columns, if they have any.

    Raises
    ------
    ValueError
        If a column that is asked for does not exist.
    """
    n_columns = len(columns)
    if isinstance(categorical_features, str):  # "auto"
        return [not column.is_number for column in columns]
    if categorical_features is None:
        chosen = np.array([], dtype=int)
    else:
        chosen = np.asarray(categorical_features)
    if chosen.dtype == bool:
        if chosen.shape != (n_columns,):
            raise ValueError(
                f"categorical_features as a mask has shape {chosen.shape}, but X "
                f"{n_columns} columns."
            )
        return chosen.tolist()
    if chosen.dtype.kind in "UO":
        known = [] if names is None else list(names)
        unknown = [name for name in chosen.tolist() if name not in known]
        if unknown:
            raise ValueError(
                f"categorical_features has {unknown}, which are no columns of X: these "
                f"are {known or 'without names'}."
            )
        numbers = {known.index(name) for name in chosen}
    else:
        outside = [i for i in chosen.tolist() if not -n_columns <= i < n_columns]
        if outside:
            raise ValueError(
                f"categorical_features has {outside}, but X {n_columns} columns."
            )
        numbers = {int(i) % n_columns for i in chosen}
    return [number in numbers for number in range(n_columns)]


def check_fixed(fixed, n_rows, n_features):
    """Validate which values are held, as booleans of shape (n_rows, n_features)."""
    fixed = np.asarray(fixed)
    if fixed.dtype != bool or fixed.shape not in {(n_features,), (n_rows, n_features)}:
        raise ValueError(
            f"fixed must be booleans of shape ({n_features},), or ({n_rows}, "
            f"{n_features}) as X has it; it has dtype {fixed.dtype} and shape "
            f"{fixed.shape}."
        )
    return np.broadcast_to(fixed, (n_rows, n_features))


def check_hidden_rows(H, n_components):
    """Validate a dense table of values of the hidden units, as float64."""
    H = check_array(H, dtype=np.float64, input_name="H")
    if H.shape[1] != n_components:
        raise ValueError(
            f"H has {H.shape[1]} columns, but the model has n_components="
            f"{n_components} hidden units."
        )
    return H


def refuse_missing(rows, reason):
    """Refuse missing values where they have no meaning."""
    if rows.has_missing:
        raise ValueError(f"X contains NaN, but {reason}")
    return rows


def warn_of_constants(table):
    """Warn of a validated table of several rows in which no column varies."""
    # Mostly a look at a few rows is enough.
    for part in table[:_SOME_ROWS], table:
        least, most = column_ends(part)
        if (least < most).any():
            return
    if table.shape[0] > 1:
        warn_user(
            "No column of X varies: there is nothing to learn but one row. Check how X "
            "was read, scaled or chosen.",
            UserWarning,
        )


def column_ends(X):
    """Give the least and the largest value of each column, but for those missing."""
    if sparse.issparse(X):
        return X.nanmin(axis=0).toarray().ravel(), X.nanmax(axis=0).toarray().ravel()
    return np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)


def without_na(X):
    """Put NaN where a table of Python objects has `pandas.NA`."""
    if hasattr(X, "dtypes") and hasattr(X, "where") and hasattr(X, "isna"):
        if any(np.dtype(object) == dtype for dtype in X.dtypes):
            return X.where(~X.isna(), np.nan)
        return X
    if isinstance(X, np.ndarray) and X.dtype.kind == "O":
        missing = [type(value).__name__ in {"NAType", "NoneType"} for value in X.flat]
        if any(missing):
            X = X.copy()
            X[np.reshape(missing, X.shape)] = np.nan
    return X


def _refuse_what_is_no_number(name, X):
    """Say which column holds what is no number, and what to do about it."""
    for column, values in _columns(X):
        for value in values:
            if isinstance(value, str):
                raise ValueError(
                    f"{column} holds the text {str(value)!r}, and {name} takes "
                    f"numbers. {_advice_on_text(X)}"
                )
            if _is_beyond_floats(value):
                raise ValueError(
                    f"{column} holds a number beyond the largest float, 1.8e308. "
                    "Divide the column by a constant."
                )


def _columns(X):
    """List what columns are called, and their values, of any table but a sparse one."""
    if hasattr(X, "iloc"):
        return [(f"Column {X.columns[i]!r}", X.iloc[:, i]) for i in range(X.shape[1])]
    if hasattr(X, "get_columns"):
        return [(f"Column {series.name!r}", series) for series in X.get_columns()]
    if sparse.issparse(X):
        return []
    X = np.asarray(X)
    columns = X.T if X.ndim == 2 and X.dtype.kind in "OU" else []
    return [(f"Column {number}", values) for number, values in enumerate(columns)]


def _advice_on_text(X):
    """Say what to do with a table in which there is text."""
    found = {value for _, values in _columns(X) for value in values}
    if not all(isinstance(value, str) for value in found):
        return _ENCODE
    if all(_is_number_in_words(value) for value in found):
        return "All text is numbers written out: pass X.astype(float)."
    if len(found) == 2:
        low, high = sorted(map(str, found))
        return f"All text is {low!r} or {high!r}: pass X == {high!r}."
    return _ENCODE


def _is_number_in_words(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_beyond_floats(value):
    try:
        float(value)
    except OverflowError:
        return True
    except (TypeError, ValueError):
        return False
    return False


def has_missing_values(X):
    """Say whether some value of a validated table is NaN, reading in blocks."""
    if X.dtype.kind != "f":
        return False
    return not every_value(X, lambda values: ~np.isnan(values))


def every_value(X, condition):
    """Say whether a condition holds for all stored values, reading in blocks."""
    if X.dtype == bool:
        return True
    values = Rows(X.data.reshape(-1, 1) if sparse.issparse(X) else X, None)
    return values.every(condition)
