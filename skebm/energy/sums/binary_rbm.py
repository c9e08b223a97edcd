"""Sums over configurations of a binary RBM: what its exact likelihood is made of.

The moments that go with them are sums of products of units, with a constant 1 appended
to either layer: the derivatives of -E by weights and biases.
"""

__all__ = ["log_partition_of", "sum_over_configurations", "sum_over_rows"]

import numpy as np
from scipy.special import logsumexp

from skebm.units.binary import all_configurations, softplus, tanh_and_log_cosh

# Configurations enumerated at a time hold 256 KiB of fields: within the
# processor's cache, and long enough that the interpreter does not count.
_BLOCK_ELEMENTS = 2**15

# Factors 1 + exp(field) that are multiplied before their logarithm is taken, and the
# largest exponent of a product of floats.
_FACTORS = 4
_LARGEST_EXPONENT = 700.0

# Of fewer configurations that share their factors, products would take longer to make
# than exponentials.
_LEAST_SHARED = 2**4


def sum_over_rows(weights, visible_bias, hidden_bias, visible, row_weights):
    """Sum -F and the moments over rows of data, the hidden units averaged.

    Parameters
    ----------
    weights : ndarray of shape (n_hidden, n_visible)
        In float64, as the biases.
    visible_bias, hidden_bias : ndarray
        Of the two layers.
    visible : ndarray of shape (n_rows, n_visible)
        Zeros and ones, or values in between, used as they are.
    row_weights : ndarray of shape (n_rows,)
        What each row weighs in the sums.

    Returns
    -------
    negative_free_energy : float
        Weighted sum of -F(v), in nats.
    moments : ndarray of shape (n_hidden + 1, n_visible + 1)
        Weighted sums.
    """
    half_field = np.dot(weights, visible.T)
    half_field += hidden_bias[:, np.newaxis]
    half_field *= 0.5
    linear = visible_bias + weights.sum(axis=0) / 2
    tanh, log_cosh = tanh_and_log_cosh(half_field)
    mass = row_weights.sum()
    first = row_weights @ visible
    negative_free_energy = first @ linear + row_weights @ log_cosh
    negative_free_energy += mass * hidden_bias.sum() / 2
    tanh *= row_weights
    return negative_free_energy, _moments(tanh @ visible, tanh.sum(axis=1), first, mass)


def sum_over_configurations(weights, visible_bias, hidden_bias):
    """Compute log Z and the model's moments, summing over all visible rows.

    A configuration is the sum of one of the first units and one of the others.
    Their fields are sums likewise, so that each field costs an addition instead
    of a product of matrices, and the sums over the first units can be left until
    those over the others are done.

    Parameters
    ----------
    weights, visible_bias, hidden_bias
        As of `sum_over_rows`, with few visible units. Where the hidden ones are few,
        the layers can be exchanged.

    Returns
    -------
    log_partition : float
        log Z in nats, exact to rounding.
    moments : ndarray of shape (n_hidden + 1, n_visible + 1)
        Means under the model.
    """
    n_hidden, n_visible = weights.shape
    n_low = min(n_visible, max(1, _BLOCK_ELEMENTS // n_hidden).bit_length() - 1)
    low, high = all_configurations(n_low), all_configurations(n_visible - n_low)
    half = weights / 2
    low_field = half[:, :n_low] @ low.T
    linear = visible_bias + half.sum(axis=0)
    low_score = low @ linear[:n_low]
    high_score = high @ linear[n_low:] + hidden_bias.sum() / 2

    # Sums of exp(score - reference) times what they are named after.
    reference = -np.inf
    low_mass, high_mass = np.zeros(len(low)), np.zeros(len(high))
    low_tanh = np.zeros_like(low_field)
    high_products = np.zeros((n_hidden, n_visible - n_low))
    field = np.empty_like(low_field)
    for number, one in enumerate(high):
        # Of all of them at once, fields of wide layers would be gigabytes.
        high_field = half[:, n_low:] @ one + hidden_bias / 2
        np.add(low_field, high_field[:, np.newaxis], out=field)
        tanh, score = tanh_and_log_cosh(field)
        score += low_score
        score += high_score[number]
        if (peak := score.max()) > reference:
            scale = np.exp(reference - peak)
            for total in (low_mass, high_mass, low_tanh, high_products):
                np.multiply(total, scale, out=total)
            reference = peak
        score -= reference
        mass = np.exp(score, out=score)
        tanh *= mass
        low_mass += mass
        high_mass[number] = mass.sum()
        low_tanh += tanh
        high_products += np.outer(tanh.sum(axis=1), one)

    partition = low_mass.sum()
    products = np.hstack([low_tanh @ low, high_products]) / partition
    first = np.concatenate([low_mass @ low, high_mass @ high]) / partition
    hidden = low_tanh.sum(axis=1) / partition
    return reference + np.log(partition), _moments(products, hidden, first, 1.0)


def log_partition_of(weights, visible_bias, hidden_bias):
    """Compute log Z alone, summing over all visible rows.

    As fields are sums over the first units and the others, their exponentials are
    products: no exponential is left for each configuration and hidden unit, and one
    logarithm for every four.

    Parameters
    ----------
    weights, visible_bias, hidden_bias
        As of `sum_over_configurations`.

    Returns
    -------
    log_partition : float
        In nats, exact to rounding.
    """
    n_hidden, n_visible = weights.shape
    n_low = min(n_visible, max(1, _BLOCK_ELEMENTS // n_hidden).bit_length() - 1)
    low, high = all_configurations(n_low), all_configurations(n_visible - n_low)
    low_field = weights[:, :n_low] @ low.T
    scores = (high @ visible_bias[n_low:])[:, np.newaxis] + low @ visible_bias[:n_low]
    largest = (np.abs(weights).sum(axis=1) + np.abs(hidden_bias)).max(initial=0)
    is_wide = n_low < n_visible and 2**n_low < _LEAST_SHARED
    if is_wide or _FACTORS * largest > _LARGEST_EXPONENT:
        for score, one in zip(scores, high, strict=True):
            field = weights[:, n_low:] @ one + hidden_bias
            own = softplus(low_field + field[:, np.newaxis]).sum(axis=0)
            np.add(score, own, out=score)
        return float(logsumexp(scores))
    # Of units that fill the last product up, factors are 1.
    n_products = -(-n_hidden // _FACTORS)
    low_factor = np.zeros((n_products * _FACTORS, len(low)))
    np.exp(low_field, out=low_factor[:n_hidden])
    factors = np.empty_like(low_factor)
    groups = factors.reshape(_FACTORS, n_products, len(low))
    product = np.empty_like(groups[0])
    high_factor = np.zeros((len(low_factor), 1))
    for score, one in zip(scores, high, strict=True):
        high_factor[:n_hidden, 0] = np.exp(weights[:, n_low:] @ one + hidden_bias)
        np.multiply(low_factor, high_factor, out=factors)
        factors += 1
        np.multiply(groups[0], groups[1], out=product)
        for group in groups[2:]:
            product *= group
        np.add(score, np.log(product, out=product).sum(axis=0), out=score)
    return float(logsumexp(scores))


def _moments(tanh_products, tanh_sum, visible_sum, mass):
    """Turn sums with tanh(field / 2) into those with the mean, (1 + tanh) / 2."""
    return np.block(
        [
            [(tanh_products + visible_sum) / 2, (tanh_sum[:, np.newaxis] + mass) / 2],
            [visible_sum, mass],
        ]
    )
