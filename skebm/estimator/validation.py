"""What estimators share in validation, beside checks of tables and of parameters."""

__all__ = [
    "HasMethods",
    "Interval",
    "Pairs",
    "StrOptions",
    "all_or_nothing",
    "available_unless",
    "check_constructor",
    "check_feature_names",
    "check_weights",
    "column_name",
    "column_number",
    "feature_names",
    "fit_context",
    "make_generator",
    "underflow_is_zero",
    "unqualified",
    "validate_params",
    "without_rows",
]

import functools
import inspect
from types import MethodType

import numpy as np
from scipy import sparse
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._param_validation import Interval as NumberInterval
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_method_params,
    _check_sample_weight,
    check_is_fitted,
)


class Interval(NumberInterval):
    """An interval of numbers, which truth values are not.

    To scikit-learn True is 1: a switch that is passed in the wrong place is silent.
    """

    def is_satisfied_by(self, val):
        """Say whether a value is in the interval."""
        return not isinstance(val, bool) and super().is_satisfied_by(val)


class Pairs(Options):
    """Pairs among some, as a tuple or a list."""

    def __init__(self, options):
        super().__init__(tuple, options)

    def is_satisfied_by(self, val):
        """Say whether a value is one of the pairs."""
        return isinstance(val, (tuple, list)) and tuple(val) in list(self.options)

    def __str__(self):
        """Name the pairs, in an order that stays."""
        return f"a tuple or list among {sorted(self.options, reverse=True)}"


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


class _Available:
    """A method that some objects do not have, and say why."""

    def __init__(self, method, reason):
        functools.update_wrapper(self, method)
        self._method = method
        self._reason = reason

    def __get__(self, estimator, owner=None):
        if estimator is None:
            return self._of_class()
        try:
            reason = self._reason(estimator)
        except Exception as error:  # of a bad parameter, as in scikit-learn
            name = self._method.__name__
            raise AttributeError(
                f"This {owner.__name__!r} has no attribute {name!r}"
            ) from error
        if reason:
            raise AttributeError(reason)
        return MethodType(self._method, estimator)

    def _of_class(self):
        @functools.wraps(self._method)
        def method(estimator, *args, **kwargs):
            return self.__get__(estimator, type(estimator))(*args, **kwargs)

        return method


def available_unless(reason):
    """Make a method available unless there is a reason against it.

    As scikit-learn's `available_if`, whose error says no more than that there is no
    such attribute: here it is the reason.

    Parameters
    ----------
    reason : callable
        Of an estimator: says why it does not have the method, and what to do; or gives
        what is false, where it has.

    Returns
    -------
    decorator : callable
        Of the method.
    """
    return lambda method: _Available(method, reason)


def underflow_is_zero(estimator_class):
    """Have all public methods of an estimator take numbers that vanish for zero.

    Probabilities far below others vanish wherever exponentials are summed, and are
    meant to. Under ``np.errstate(all="raise")`` they would be errors. What overflows or
    is no number stays one; where it is meant, that is said on the spot.
    """
    for name in dir(estimator_class):
        method = inspect.getattr_static(estimator_class, name)
        if name.startswith("_") or not _is_of_this_package(method):
            continue
        if isinstance(method, classmethod):
            method = classmethod(_letting_vanish(method.__func__))
        elif isinstance(method, _Available):
            method = _Available(_letting_vanish(method._method), method._reason)
        elif inspect.isfunction(method):
            method = _letting_vanish(method)
        setattr(estimator_class, name, method)
    return estimator_class


def _is_of_this_package(method):
    return str(getattr(inspect.unwrap(method), "__module__", "")).startswith("skebm.")


def _letting_vanish(function):
    @functools.wraps(function)
    def vanishing(*args, **kwargs):
        with np.errstate(under="ignore"):
            return function(*args, **kwargs)

    return vanishing


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


def check_constructor(estimator):
    """Validate the parameters of the constructor."""
    estimator._validate_params()


def make_generator(random_state):
    """Seed a Generator from scikit-learn's `random_state`, once."""
    seed = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    return np.random.Generator(np.random.SFC64(seed))
