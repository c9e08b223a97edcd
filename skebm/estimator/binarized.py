"""What a threshold makes of the values of a table, and what is to be said of it."""

__all__ = ["check_rows", "states_of"]

import numpy as np
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from skebm.estimator.table_checks import (
    check_table,
    column_ends,
    every_value,
    has_missing_values,
)
from skebm.estimator.validation import column_name
from skebm.units.data import Rows
from skebm.warning import warn_user

# What values between the states mean, by the lower state.
_FRACTIONS = {0: "probabilities of being on", -1: "means of spins"}


def states_of(estimator):
    """Give the lower and the upper value of a unit, as users call them."""
    return tuple(getattr(estimator, "states", (0, 1)))


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
    threshold = estimator.binarize
    low, high = states_of(estimator)
    reason, unchanged = None, False
    if threshold is None:
        _refuse_values_outside(estimator, X)
    elif X.dtype != bool:
        if not every_value(X, _is_one_of(low, high)):
            reason = f"X has values other than {low} and {high}"
        elif not low <= threshold < high:
            reason = f"The threshold changes X, which has only {low} and {high}"
        unchanged = reason is None and low == 0
    rows = Rows(
        X,
        threshold,
        lowest=low,
        unchanged=unchanged,
        has_missing=has_missing_values(X),
    )
    if reason:
        message = _of_two_values(estimator, X)
        if not message:
            message = _of_any_values(estimator, reason)
            message += _of_collapse(estimator, rows) if reset else ""
        warn_user(message, DataConversionWarning)
    return rows


def _refuse_values_outside(estimator, X):
    """Refuse values that are no probabilities or means."""
    low, high = states_of(estimator)
    if every_value(X, lambda values: ~((values < low) | (values > high))):
        return
    raise ValueError(
        f"X has values outside [{low}, {high}], which cannot be {_FRACTIONS[low]}. "
        f"Rescale X to [{low}, {high}], or set binarize to the threshold above which a "
        f"value counts as on{_other_states(estimator, *_ends(X))}."
    )


def _of_two_values(estimator, X):
    """Say what is done with a table of two values, if it is one."""
    threshold, (low, high) = estimator.binarize, states_of(estimator)
    first, second = _ends(X)
    is_pair = first < second and every_value(X, _is_one_of(first, second))
    if not is_pair or (first, second) == (low, high):
        return ""
    other = _other_states(estimator, first, second)
    start = f"X has the values {first:g} and {second:g}, not {low} and {high}"
    if first <= threshold < second:
        return (
            f"{start}: by binarize={threshold}, {second:g} is taken as {high} and "
            f"{first:g} as {low}. Pass X > {threshold} to silence this{other}."
        )
    return (
        f"{start}, and binarize={threshold} is not between them: all are taken as "
        f"{high if first > threshold else low}. Set binarize={(first + second) / 2:g}, "
        f"by which {second:g} is {high} and {first:g} is {low}{other}."
    )


def _of_any_values(estimator, reason):
    """Say what is done with a table of any values."""
    low, high = states_of(estimator)
    advice = "."
    if None in estimator._parameter_constraints["binarize"]:
        advice = (
            f", or set binarize=None to use values in [{low}, {high}] as "
            f"{_FRACTIONS[low]}."
        )
    return (
        f"{reason}: those above binarize={estimator.binarize} are taken as {high}, all "
        f"others as {low}. Pass X > threshold, with a threshold that "
        f"suits X, to silence this{advice}"
    )


def _of_collapse(estimator, rows):
    """Say which columns the threshold leaves a single value, though they vary."""
    least, most = column_ends(rows.table)
    n_on = rows.column_sums()
    is_lost = (least < most) & ((n_on == 0) | (n_on == rows.column_counts()))
    if not is_lost.any():
        return ""
    first = int(np.argmax(is_lost))
    return (
        f" By this threshold {is_lost.sum()} of {len(is_lost)} columns become "
        f"constant. {column_name(estimator, first)} has values from {least[first]:g} "
        f"to {most[first]:g}, for instance: set binarize to one between them, or "
        "rescale such columns."
    )


def _other_states(estimator, first, second):
    """Name the other convention where data follow that, and there is a choice."""
    others = {(0, 1), (-1, 1)} - {states_of(estimator)}
    if hasattr(estimator, "states") and (first, second) in others:
        return f", or set states=({first:g}, {second:g})"
    return ""


def _ends(X):
    """Give the least and the largest value of a table, but for those missing."""
    least, most = column_ends(X)
    return float(np.fmin.reduce(least)), float(np.fmax.reduce(most))


def _is_one_of(low, high):
    return lambda values: (values == low) | (values == high) | np.isnan(values)
