"""Checks of the tables that users pass in."""

__all__ = [
    "as_any_table",
    "check_any_table",
    "check_categorical",
    "check_fixed",
    "check_hidden_rows",
    "check_real_rows",
    "check_rows",
    "check_table",
    "refuse_missing",
    "states_of",
    "without_na",
]

import numpy as np
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skebm.units.data import Rows
from skebm.warning import warn_user

# What values between the states mean, by the lower state.
_FRACTIONS = {0: "probabilities of being on", -1: "means of spins"}


def check_rows(estimator, X, *, reset=False):
    """Validate visible rows and say how they are read.

    Parameters
    ----------
    estimator : estimator
        With a parameter `binarize`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        What the user passed.
    reset : bool, default=False
        Whether to learn the number and names of the features from it.

    Returns
    -------
    rows : Rows
        Without a copy of `X` where `X` is an array or in CSR format.

    Raises
    ------
    NotFittedError
        If nothing has been learned yet, unless `reset`.
    ValueError
        If `X` is not a numeric table of the right width, finite where it is not
        missing, or is outside [0, 1] with ``binarize=None``.

    Warns
    -----
    DataConversionWarning
        If the threshold changes values: any but 0 and 1, or also those where it
        is outside [0, 1).
    """
    X = check_table(estimator, X, reset=reset)
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    has_missing = _has_missing(X)
    threshold = estimator.binarize
    low, high = states_of(estimator)
    unchanged = False
    if threshold is None:
        if not _every_value(X, lambda values: ~((values < low) | (values > high))):
            raise ValueError(
                f"X has values outside [{low}, {high}], which cannot be "
                f"{_FRACTIONS[low]}. Rescale X to [{low}, {high}], or set binarize to "
                "the threshold above which a value counts as on."
            )
    elif X.dtype != bool:
        reason = None
        if not _every_value(X, _is_one_of(low, high)):
            reason = f"X has values other than {low} and {high}"
        elif not low <= threshold < high:
            reason = f"The threshold changes X, which has only {low} and {high}"
        if reason is not None:
            advice = "."
            if None in estimator._parameter_constraints["binarize"]:
                advice = (
                    f", or set binarize=None to use values in [{low}, {high}] as "
                    f"{_FRACTIONS[low]}."
                )
            warn_user(
                f"{reason}: those above binarize={threshold} are taken as {high}, all "
                f"others as {low}. Pass these two (with a threshold between them) to "
                f"silence this{advice}",
                DataConversionWarning,
            )
        unchanged = reason is None and low == 0
    return Rows(X, threshold, lowest=low, unchanged=unchanged, has_missing=has_missing)


def check_real_rows(estimator, X, *, reset=False):
    """Validate rows of real values; see `check_rows`."""
    X = check_table(estimator, X, reset=reset)
    return Rows(X, None, has_missing=_has_missing(X))


def check_table(estimator, X, *, reset=False):
    """Validate a numeric table, dense or in CSR format, of the right width.

    Its values are finite, or NaN where they are missing; None and `pandas.NA` are as
    well.
    """
    if not reset:
        check_is_fitted(estimator)
    try:
        X = validate_data(
            estimator,
            without_na(X),
            accept_sparse="csr",
            dtype="numeric",
            ensure_all_finite="allow-nan",
            reset=reset,
        )
    except ValueError as error:
        _name_what_is_no_number(X, error)
        raise
    if X.dtype == object:  # of lists, or polars, with what is not a number
        X = check_array(without_na(X), ensure_all_finite="allow-nan", input_name="X")
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
        X = check_array(X, dtype=None, ensure_all_finite=False, estimator=name)
    elif min(X.shape) == 0:
        raise ValueError(
            f"Found array with {X.shape[0]} sample(s) and {X.shape[1]} feature(s) "
            "while a minimum of 1 of each is required."
        )
    return X


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


def states_of(estimator):
    """Give the lower and the upper value of a unit, as users call them."""
    return getattr(estimator, "states", (0, 1))


def _name_what_is_no_number(X, error):
    """Say which column of a DataFrame holds what is no number, if that is the error."""
    if "could not convert" not in str(error) or not hasattr(X, "columns"):
        return
    for name in X.columns:
        for value in X[name]:
            if isinstance(value, str):
                raise ValueError(
                    f"Column {name!r} holds {value!r}, and this estimator takes "
                    "numbers alone. MixedRBM and the default of EnergyOutlierDetector "
                    "take categories; or encode them, by OneHotEncoder for instance."
                ) from error


def _has_missing(X):
    """Say whether some value of a validated table is NaN, reading in blocks."""
    if X.dtype.kind != "f":
        return False
    return not _every_value(X, lambda values: ~np.isnan(values))


def _is_one_of(low, high):
    return lambda values: (values == low) | (values == high) | np.isnan(values)


def _every_value(X, condition):
    """Say whether a condition holds for all stored values, reading in blocks."""
    if X.dtype == bool:
        return True
    values = Rows(X.data.reshape(-1, 1) if sparse.issparse(X) else X, None)
    return values.every(condition)
