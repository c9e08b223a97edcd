"""Sums over all configurations of units of which most are independent given few."""

__all__ = [
    "UnitMoments",
    "draw_cut",
    "free_energy_of_cut",
    "log_sums",
    "unit_moments",
]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.units.binary import all_configurations, logistic, softplus, softplus_sum

# Fields worked on at a time: 512 KiB, about the processor's second cache.
_BLOCK_ELEMENTS = 2**16


class UnitMoments(NamedTuple):
    """Log of the sum of exp(-E) over units, their means, and products, of each row.

    Products of two units that may be coupled are summed over weighted rows, shape
    (n_units, n_units), and zero where neither unit is among those enumerated.
    """

    log_sums: np.ndarray
    mean: np.ndarray
    products: np.ndarray


def free_energy_of_cut(configurations, couplings, bias, split):
    """Compute the free energy of units in ``split.cut``, the rest summed out, in nats.

    Couplings are as for `log_sums`, and there is a bias for each unit.
    """
    cut, rest = split
    score = _inner_score(configurations, couplings, cut)
    score += configurations @ bias[cut]
    field = configurations @ couplings[np.ix_(cut, rest)]
    field += bias[rest]
    score += softplus_sum(field)
    return -score


def log_sums(field, couplings, split):
    """Sum exp(-E) over all configurations of units, with fields for each row.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Their biases, other in each row.
    couplings : ndarray of shape (n_units, n_units)
        Symmetric with zero diagonal, and zero between units of ``split.rest``.
    split : Split
        Which units are enumerated.

    Returns
    -------
    log_sums : ndarray of shape (n_rows,)
        In nats.
    """
    result = np.empty(len(field), field.dtype)
    for rows in _row_blocks(field):
        total = np.full(len(field[rows]), -np.inf, field.dtype)
        for _, score, _ in _blocks(field[rows], couplings, split):
            total = np.logaddexp(total, logsumexp(score, axis=1))
        result[rows] = total
    return result


def unit_moments(field, couplings, split, row_weights):
    """Sum exp(-E) over all configurations of units, and average the units.

    Parameters
    ----------
    field, couplings, split
        As for `log_sums`.
    row_weights : ndarray of shape (n_rows,)
        What each row weighs in the products.

    Returns
    -------
    moments : UnitMoments
        Exact to rounding.
    """
    cut, rest = split
    log_norm = log_sums(field, couplings, split)
    mean = np.zeros_like(field)
    inner = np.zeros((len(cut), len(cut)))
    across = np.zeros((len(cut), len(rest)))
    for rows in _row_blocks(field):
        cut_mean = np.zeros((len(field[rows]), len(cut)))
        rest_mean = np.zeros((len(field[rows]), len(rest)))
        for on, score, rest_field in _blocks(field[rows], couplings, split):
            mass = np.exp(score - log_norm[rows, np.newaxis])
            rest_on = logistic(rest_field)
            rest_on *= mass[:, :, np.newaxis]
            cut_mean += mass @ on
            rest_mean += rest_on.sum(axis=1)
            inner += on.T @ ((row_weights[rows] @ mass)[:, np.newaxis] * on)
            across += on.T @ np.tensordot(row_weights[rows], rest_on, axes=1)
        mean[rows, cut] = cut_mean
        mean[rows, rest] = rest_mean
    products = np.zeros_like(couplings)
    products[np.ix_(cut, cut)] = inner
    products[np.ix_(cut, rest)] = across
    products[np.ix_(rest, cut)] = across.T
    return UnitMoments(log_norm, mean, products)


def draw_cut(field, couplings, split, noise):
    """Draw the units to enumerate from their exact law, the rest at their means.

    Products of two units that may be coupled have the right expectation: given the
    units drawn, the others are independent.

    Parameters
    ----------
    field, couplings, split
        As for `log_sums`.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    drawn : ndarray of shape (n_rows, n_units)
        A draw of those in ``split.cut``, with the means of the others given it.
    """
    cut, rest = split
    on, score, rest_field = zip(*_blocks(field, couplings, split), strict=True)
    on, score = np.concatenate(on), np.concatenate(score, axis=1)
    rest_on = logistic(np.concatenate(rest_field, axis=1))
    law = softmax(score, axis=1)
    drawn = np.empty_like(field)
    level = (1 + noise.draw((len(field), 1))) / 2
    # The last configuration also takes what rounding may leave.
    chosen = (law[:, :-1].cumsum(axis=1) < level).sum(axis=1)
    drawn[:, cut] = on[chosen]
    drawn[:, rest] = rest_on[np.arange(len(field)), chosen]
    return drawn


def _blocks(field, couplings, split):
    """Give configurations, -F of each in each row, and the fields of the rest."""
    cut, rest = split
    between = couplings[np.ix_(cut, rest)]
    size = max(1, _BLOCK_ELEMENTS // (len(field) * len(rest)))
    n_low = min(len(cut), size.bit_length() - 1)
    low = all_configurations(n_low).astype(field.dtype)
    for high in all_configurations(len(cut) - n_low):
        on = np.empty((len(low), len(cut)), field.dtype)
        on[:, :n_low], on[:, n_low:] = low, high
        score = field[:, cut] @ on.T
        score += _inner_score(on, couplings, cut)
        rest_field = field[:, np.newaxis, rest] + on @ between
        score += softplus(rest_field).sum(axis=2)
        yield on, score, rest_field


def _inner_score(configurations, couplings, cut):
    products = configurations @ couplings[np.ix_(cut, cut)]
    return np.einsum("ij,ij->i", configurations, products) / 2


def _row_blocks(field):
    size = max(1, _BLOCK_ELEMENTS // field.shape[1])
    for start in range(0, len(field), size):
        yield slice(start, start + size)
