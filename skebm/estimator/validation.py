"""Checks of what users pass in; the only module with scikit-learn's private names."""

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "all_or_nothing",
    "as_any_table",
    "as_container",
    "as_typed_container",
    "check_adjacency",
    "check_any_table",
    "check_bias",
    "check_categorical",
    "check_constructor",
    "check_couplings",
    "check_feature_names",
    "check_fixed",
    "check_groups",
    "check_hidden_rows",
    "check_noise",
    "check_noise_factors",
    "check_real_rows",
    "check_rows",
    "check_scales",
    "check_size",
    "check_table",
    "check_weights",
    "column_name",
    "column_number",
    "feature_names",
    "fit_context",
    "has_real_columns",
    "make_generator",
    "part_of",
    "refuse_missing",
    "states_of",
    "unqualified",
    "validate_params",
    "without_na",
    "without_rows",
]

import functools
from copy import copy

import numpy as np
from scipy import sparse
from sklearn.base import _fit_context as fit_context
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_method_params,
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

from skebm.units.data import Rows
from skebm.warning import warn_user

# Sums of larger numbers are rounded to more than a nat, and learning, in float32, has
# products of two of them.
_LARGEST_PARAMETER = 1e15

# What values between the states mean, by the lower state.
_FRACTIONS = {0: "probabilities of being on", -1: "means of spins"}


def all_or_nothing(method):
    """Make a method that raises leave its estimator as it was before.

    Whatever ends a fit early, an error, divergence or an interrupt from the
    keyboard, must neither spoil a model fitted earlier nor leave half of one.
    """

    @functools.wraps(method)
    def restoring(estimator, *args, **kwargs):
        before = vars(estimator).copy()
        try:
            return method(estimator, *args, **kwargs)
        except BaseException:
            vars(estimator).clear()
            vars(estimator).update(before)
            raise

    return restoring


def unqualified(mixin):
    """Have the public methods of a mixin called by their names alone in errors.

    Python and scikit-learn say of which class a method is that was called wrongly; a
    mixin is none that users know.
    """
    for name, method in vars(mixin).items():
        inner = None if name.startswith("_") else method
        while hasattr(inner, "__qualname__"):
            inner.__qualname__ = name
            inner = getattr(inner, "__wrapped__", None)
    return mixin


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


def column_name(estimator, number):
    """Call a column by its name, if it has one, in messages."""
    names = getattr(estimator, "feature_names_in_", None)
    return f"Column {number}" if names is None else f"Column {names[number]!r}"


def column_number(estimator, column):
    """Give the number of a column that a user names by number or name.

    Raises
    ------
    ValueError
        If there is none.
    """
    n_features = estimator.n_features_in_
    if isinstance(column, str):
        names = list(getattr(estimator, "feature_names_in_", []))
        if column not in names:
            raise ValueError(
                f"column={column!r} is no feature seen in fit, which are "
                f"{names or 'without names'}."
            )
        return names.index(column)
    if not -n_features <= column < n_features:
        raise ValueError(
            f"column={column} is out of range: the model has {n_features} features."
        )
    return column % n_features


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


def as_container(estimator, table, original=None, names=None):
    """Give rows as what `set_output` asks for, under the names of the features.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    table : ndarray of shape (n_rows, n_features)
        Rows.
    original : object, default=None
        What a user passed with as many rows, of which a frame has the index.
    names : ndarray of str, default=None
        Of the columns. None: those of the features.
    """
    kind = _get_output_config("transform", estimator)["dense"]
    if kind == "default":
        return table
    adapter = ADAPTERS_MANAGER.adapters[kind]
    names = feature_names(estimator) if names is None else names
    return adapter.create_container(table, original, columns=names, inplace=False)


def part_of(estimator, part):
    """View an estimator that is a part of another, giving tables as this one does."""
    part = copy(part)
    vars(part).pop("_sklearn_output_config", None)  # which would be shared
    kind = _get_output_config("transform", estimator)["dense"]
    return part.set_output(transform=kind)


def as_typed_container(estimator, table, columns, original=None):
    """Do as `as_container` with a table of objects, of which frames know the dtypes.

    Parameters
    ----------
    estimator, table, original
        As of `as_container`.
    columns : list of array-like
        The columns of the table.
    """
    frame = as_container(estimator, table, original)
    if hasattr(frame, "infer_objects"):
        return frame.infer_objects()
    if hasattr(frame, "get_columns"):
        return type(frame)(dict(zip(frame.columns, columns, strict=True)))
    return frame


def feature_names(estimator):
    """Give the names of features, made up as scikit-learn does where there are none."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        n_features = estimator.n_features_in_
        names = np.array([f"x{i}" for i in range(n_features)], dtype=object)
    return names


def check_feature_names(estimator, input_features):
    """Validate names of features that `get_feature_names_out` is given, or make some.

    Raises
    ------
    NotFittedError
        If nothing has been learned yet.
    ValueError
        If they are others than in `fit`, or another number.
    """
    check_is_fitted(estimator)
    return _check_feature_names_in(estimator, input_features)


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


def _has_missing(X):
    """Say whether some value of a validated table is NaN, reading in blocks."""
    if X.dtype.kind != "f":
        return False
    return not _every_value(X, lambda values: ~np.isnan(values))


def _is_one_of(low, high):
    return lambda values: (values == low) | (values == high) | np.isnan(values)


def check_weights(sample_weight, X):
    """Validate what each row of a table counts.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
        What the user passed.
    X : {array-like, sparse matrix} of shape (n_samples, ...)
        What has these rows.

    Returns
    -------
    weights : ndarray of shape (n_samples,) or None
        In float64, not negative, with a sum that is positive and finite. None stays.

    Raises
    ------
    ValueError
        If it has another shape, or holds what is negative, not finite or too large, or
        nothing but zeros.
    """
    if sample_weight is None:
        return None
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    with np.errstate(over="ignore"):
        if not np.isfinite(weights.sum()):
            raise ValueError(
                "sample_weight has a sum that is not finite. Divide it by a constant."
            )
    return weights


def without_rows(absent, X, y, params):
    """Leave some rows out of a table, its targets, and what else is given for each.

    Parameters
    ----------
    absent : ndarray of bool of shape (n_samples,)
        Which rows.
    X, y : array-like, sparse matrix, data frame or None
        As the user passed them.
    params : dict
        Of which those are cut that are as long as `X`.

    Returns
    -------
    X, y : array-like, sparse matrix, data frame or None
        Of the same kinds.
    params : dict
        With the same keys.
    """
    kept = np.flatnonzero(~absent)
    params = _check_method_params(X, params, indices=kept)
    X = X.tocsr() if sparse.issparse(X) else X
    y = None if y is None else _safe_indexing(y, kept)
    return _safe_indexing(X, kept), y, params


def states_of(estimator):
    """Give the lower and the upper value of a unit, as users call them."""
    return getattr(estimator, "states", (0, 1))


def check_adjacency(adjacency, name, n_units):
    """Validate which units are coupled; give it as a boolean CSR array.

    Parameters
    ----------
    adjacency : {array-like, sparse matrix} of shape (n_units, n_units)
        What the user passed. Its diagonal does not matter.
    name : str
        What the user calls it.
    n_units : int
        Number of units.

    Returns
    -------
    graph : CSR array of shape (n_units, n_units)
        Without a diagonal.

    Raises
    ------
    ValueError
        If it has another shape, is not symmetric, or holds what is not finite.
    """
    graph = check_array(adjacency, accept_sparse="csr", input_name=name)
    _check_shape(graph, name, (n_units, n_units))
    graph = sparse.csr_array(graph) != 0
    graph.setdiag(False)
    graph.eliminate_zeros()
    if (graph != graph.T).nnz:
        raise ValueError(
            f"{name} must be symmetric: a coupling has no direction. Pass {name} + "
            f"{name}.T, for instance."
        )
    return graph


def check_couplings(couplings, name, n_units=None):
    """Validate couplings between units, as float64.

    None is none at all; without `n_units`, there are as many as rows.

    Raises
    ------
    ValueError
        If they are not symmetric with zero diagonal, have another shape, or hold
        what is not finite.
    """
    if couplings is None:
        return np.zeros((n_units, n_units))
    couplings = check_array(couplings, dtype=np.float64, copy=True, input_name=name)
    if n_units is None:
        n_units = len(couplings)
    _check_shape(couplings, name, (n_units, n_units))
    if (couplings != couplings.T).any() or np.diag(couplings).any():
        raise ValueError(
            f"{name} must be symmetric with zero diagonal: that between two units "
            "counts once, and a unit has none with itself."
        )
    return couplings


def check_bias(bias, name, n_units):
    """Validate biases of units, as float64.

    Raises
    ------
    ValueError
        If they have another shape, or are not finite.
    """
    bias = check_array(bias, dtype=np.float64, ensure_2d=False, copy=True)
    _check_shape(bias, name, (n_units,))
    return bias


def check_noise(noise, n_features):
    """Validate variances of features, one for all, or their covariance, as float64.

    Returns
    -------
    noise : ndarray of shape (n_features,) or (n_features, n_features)
        In the number of dimensions in which it was given; one variance for all
        is repeated.

    Raises
    ------
    ValueError
        If it has another shape, or is not symmetric and positive definite.
    """
    noise = np.asarray(noise, dtype=np.float64)
    if noise.ndim == 0:
        noise = np.full(n_features, noise)
    noise = check_array(noise, ensure_2d=False, copy=True, input_name="noise")
    _check_shape(noise, "noise", (n_features,) * noise.ndim)
    if noise.ndim == 1:
        positive = (noise > 0).all()
    else:
        # As others compute it, but for rounding.
        symmetric = np.allclose(noise, noise.T, rtol=1e-9, atol=1e-12)
        noise = (noise + noise.T) / 2
        positive = symmetric and np.linalg.eigvalsh(noise)[0] > 0
    if not positive:
        raise ValueError(
            "The noise must be positive variances, or a covariance that is symmetric "
            "and positive definite."
        )
    return noise


def check_noise_factors(factors, variances):
    """Validate factors of noise, float64, given variances of features with them.

    Raises
    ------
    ValueError
        If they have another number of columns, or leave a feature no noise of its own;
        or if the variances are a covariance.
    """
    factors = check_array(
        factors,
        dtype=np.float64,
        copy=True,
        ensure_min_samples=0,
        input_name="noise_factors",
    )
    if variances.ndim == 2:
        raise ValueError(
            "With noise_factors, noise must be the variances of the features, the "
            "factors included, not their covariance: pass its diagonal."
        )
    _check_shape(factors, "noise_factors", (len(factors), len(variances)))
    own = variances - np.square(factors).sum(axis=0)
    if not (own > 0).all():
        raise ValueError(
            f"noise_factors leave feature {int(np.argmin(own))} no noise of its own. "
            "Pass as noise the variances of the features, which are larger than the "
            "sums of squares of the factors."
        )
    return factors


def check_groups(group_weights, locations, noises, n_features):
    """Validate what groups of rows have, but for their noises, as float64.

    Returns
    -------
    attributes : dict or None
        Of a fit with groups; None without any of the three.

    Raises
    ------
    ValueError
        If they are fewer than two groups, not as many of each, or weights are no
        probabilities.
    """
    given = {
        "group_weights": group_weights,
        "locations": locations,
        "noises": noises,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return None
    for name, value in given.items():
        if np.ndim(value) == 0:
            raise ValueError(f"{name} must have a row for each group, got {value}.")
    sizes = {name: len(value) for name, value in given.items()}
    n_groups = max(sizes.values())
    if min(sizes.values()) < n_groups or n_groups < 2:
        raise ValueError(
            f"{' and '.join(given)} must be of as many groups, at least two; there are "
            f"{' and '.join(map(str, sizes.values()))}. Leave all of them out where "
            "all rows are of one group."
        )
    if locations is None:
        raise ValueError("Groups need locations, one for each.")
    locations = check_array(
        locations, dtype=np.float64, copy=True, input_name="locations"
    )
    _check_shape(locations, "locations", (n_groups, n_features))
    weights = np.full(n_groups, 1 / n_groups)
    if group_weights is not None:
        weights = _check_probabilities(group_weights, "group_weights", (n_groups,))
    return {"group_weights_": weights, "locations_": locations}


def check_scales(scales, scale_weights, n_groups):
    """Validate scales of rows and their probabilities, as float64.

    Returns
    -------
    attributes : dict
        Scales and their weights, of shape (n_scales,), or (n_groups, n_scales) of
        several groups. Without weights all are the same. Empty without scales.

    Raises
    ------
    ValueError
        If there are fewer than two, one is not positive, or they do not sum to 1.
    """
    if scales is None:
        return {}
    scales = check_array(scales, ensure_2d=False, dtype=np.float64, copy=True)
    n_scales = scales.shape[-1]
    if n_scales < 2 or scales.ndim > 2 or not (scales > 0).all():
        raise ValueError(
            "scales must be two positive numbers or more. Leave them out where all "
            "rows have one scale, which is that of the noise."
        )
    shape = (n_scales,) if n_groups == 1 else (n_groups, n_scales)
    if n_groups > 1 and scales.ndim == 1:
        scales = np.tile(scales, (n_groups, 1))
    _check_shape(scales, "scales", shape)
    weights = np.full(shape, 1 / n_scales)
    if scale_weights is not None:
        if n_groups > 1 and np.ndim(scale_weights) == 1:
            scale_weights = np.tile(scale_weights, (n_groups, 1))
        weights = _check_probabilities(scale_weights, "scale_weights", shape)
    return {"scales_": scales, "scale_weights_": weights}


def _check_probabilities(weights, name, shape):
    weights = check_array(
        weights, ensure_2d=False, dtype=np.float64, copy=True, input_name=name
    )
    _check_shape(weights, name, shape)
    if not ((weights > 0).all() and np.allclose(weights.sum(axis=-1), 1)):
        raise ValueError(f"{name} must be positive and sum to 1.")
    return weights


def _check_shape(array, name, shape):
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}, but the number of units asks for {shape}."
        )


def check_size(energy):
    """Refuse parameters, in the units of learning, of which no score would be right.

    Raises
    ------
    ValueError
        If one is so large that log-probabilities are rounded to more than a nat.
    """
    bounds = [(energy.ravel(), _LARGEST_PARAMETER, "")]
    if has_real_columns(energy):
        # Units that are coupled by way of real columns are so by products of weights.
        unit = " in units of the noise"
        bounds.insert(0, (energy.penalised, np.sqrt(_LARGEST_PARAMETER), unit))
    for parameters, bound, unit in bounds:
        largest = np.abs(parameters).max(initial=0)
        if not largest <= bound:
            raise ValueError(
                f"A parameter is {largest:.0e}{unit}, and beyond {bound:.0e} "
                "log-probabilities are rounded to more than a nat. Divide the "
                "parameters by a constant."
            )


def has_real_columns(energy):
    """Say whether visible columns of an energy hold real values."""
    return len(range(*energy.real_columns.indices(energy.n_visible))) > 0


def check_constructor(estimator):
    """Validate the parameters of the constructor."""
    estimator._validate_params()


def check_hidden_rows(H, n_components):
    """Validate a dense table of values of the hidden units, as float64."""
    H = check_array(H, dtype=np.float64, input_name="H")
    if H.shape[1] != n_components:
        raise ValueError(
            f"H has {H.shape[1]} columns, but the model has n_components="
            f"{n_components} hidden units."
        )
    return H


def _every_value(X, condition):
    """Say whether a condition holds for all stored values, reading in blocks."""
    if X.dtype == bool:
        return True
    values = Rows(X.data.reshape(-1, 1) if sparse.issparse(X) else X, None)
    return values.every(condition)


def make_generator(random_state):
    """Seed a Generator from scikit-learn's `random_state`, once."""
    seed = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    return np.random.Generator(np.random.SFC64(seed))
