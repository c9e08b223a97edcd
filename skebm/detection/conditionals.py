"""Conditional densities of the features of a row under a mixture of normal laws."""

__all__ = ["Feature", "Fields", "log_conditionals"]

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp


class Feature(NamedTuple):
    """Which columns stand for a feature.

    Parameters
    ----------
    places : ndarray of int of shape (n_columns,)
        Columns; one for a number.
    codes : ndarray of shape (n_levels, n_columns) or None
        What the columns hold at each level of a category, the last of which is none.
        At each of the others one column differs from that: the first at the first, and
        so on. None for a number.
    """

    places: np.ndarray
    codes: np.ndarray | None


class Fields(NamedTuple):
    """What holds values where they are, in each component.

    Parameters
    ----------
    log_joint : ndarray of shape (n_rows, n_components)
        Log-densities of known values and component.
    fields : ndarray of shape (n_rows, n_components, n_columns)
        Minus the derivatives of the log-densities by values.
    precisions_of : callable
        Gives, for columns in blocks, their precisions; see `Gaps.precisions_of`.
    """

    log_joint: np.ndarray
    fields: np.ndarray
    precisions_of: Callable


def log_conditionals(held, rows, known, features):
    """Compute log p(value | the other known values of the row) of each feature.

    A value that changes by d changes the log-density of a component by
    ``-field * d - precision * d**2 / 2``. So what a number could be is a normal law in
    each component, and what a category could be follows from trying all of its levels.

    Parameters
    ----------
    held : Fields
        Of the rows.
    rows : ndarray of shape (n_rows, n_columns)
        Any finite values where they are missing.
    known : ndarray of bool of shape (n_rows, n_columns)
        What is not missing.
    features : list of Feature
        In their order.

    Returns
    -------
    log_conditionals : ndarray of shape (n_rows, n_features)
        In nats, NaN where a value is missing. Densities of numbers and probabilities
        of levels.
    """
    log_joint, fields, precisions_of = held
    result = np.empty((len(rows), len(features)))
    level = logsumexp(log_joint, axis=1)
    numbers = [i for i, feature in enumerate(features) if feature.codes is None]
    if numbers:
        places = np.array([features[i].places[0] for i in numbers])
        precision = precisions_of(places[:, np.newaxis])[..., 0, 0]
        precision = np.where(known[:, np.newaxis, places], precision, 1.0)
        own = 0.5 * np.log(precision / (2 * np.pi))
        own = own - 0.5 * fields[:, :, places] ** 2 / precision
        others = logsumexp(log_joint[:, :, np.newaxis] - own, axis=1)
        result[:, numbers] = level[:, np.newaxis] - others
    for i, (places, codes) in enumerate(features):
        if codes is None:
            continue
        precision = precisions_of(places[np.newaxis])[:, :, 0]
        change = _change(fields[:, :, places], precision, rows[:, places], codes)
        others = logsumexp(log_joint[:, :, np.newaxis] + change, axis=(1, 2))
        result[:, i] = level - others
    first = [feature.places[0] for feature in features]
    return np.where(known[:, first], result, np.nan)


def _change(fields, precision, rows, codes):
    """Compute how log-densities change when columns hold each level instead of rows.

    Of shape (n_rows, n_components, n_levels). No array has a row for each level of each
    row: there may be thousands of both.
    """
    held = fields - (rows[:, np.newaxis, np.newaxis] @ precision)[:, :, 0]
    own = np.einsum("rki,ri->rk", fields + held, rows)
    # From the level that is none, others differ in one column: so no sum over columns
    # is needed for each of them.
    none, gained = codes[-1], np.diagonal(codes) - codes[-1]
    held_at_none = precision @ none
    field = held + held_at_none
    change = -gained * (field + 0.5 * gained * np.diagonal(precision, axis1=2, axis2=3))
    base = 0.5 * (own - held_at_none @ none) - held @ none
    change = np.concatenate([change, np.zeros((*change.shape[:2], 1))], axis=2)
    return base[..., np.newaxis] + change
