"""Each visible unit of a binary RBM given the other visible ones."""

__all__ = ["conditional_log_likelihood", "flipped_log_odds", "is_in_range"]

import numpy as np

from skebm.units.binary import logistic, softplus, softplus_sum

# exp of this and of its negative are far from the ends of float64.
_LARGEST_EXPONENT = 600


def conditional_log_likelihood(energy, visible):
    """Compute log p(v_i | the other visible units) for every unit i.

    Parameters
    ----------
    energy : BinaryRBMEnergy
        The machine, in float64.
    visible : ndarray of shape (n_samples, n_visible)
        Float64; a value between 0 and 1 weighs the log-probabilities of on and off.

    Returns
    -------
    log_likelihood : ndarray of shape (n_samples, n_visible)
        In nats.
    """
    if ((visible == 0) | (visible == 1)).all() and is_in_range(energy):
        return -softplus(flipped_log_odds(energy, visible))
    return _of_fractions(energy, visible)


def is_in_range(energy):
    """Say whether no factor of `flipped_log_odds` leaves float64."""
    return np.abs(energy.weights).sum(axis=0).max() < _LARGEST_EXPONENT


def flipped_log_odds(energy, visible):
    """Compute log p(rows with one unit flipped) - log p(rows), for every unit.

    If turning unit i over adds d to the field of a hidden unit that is on with
    probability p, it multiplies 1 + exp(field) by (1 - p) + p exp(d): that is one
    product over the hidden units for each visible one, and no exponential for each row.
    Rows are zeros and ones, and the energy `is_in_range`.
    """
    field = energy.hidden_field(visible)
    hidden_on = logistic(field.copy())
    hidden_off = logistic(np.negative(field, out=field))
    factors = np.empty_like(field)
    log_odds = (1 - 2 * visible) * energy.visible_bias
    for unit, weights in enumerate(energy.weights.T):
        turned = np.exp([weights, -weights])
        # Without a mode, `take` would fill a buffer and copy it.
        is_on = visible[:, unit].astype(np.intp)
        np.take(turned, is_on, axis=0, out=factors, mode="clip")
        factors *= hidden_on
        factors += hidden_off
        log_odds[:, unit] += np.log(np.multiply.reduce(factors, axis=1))
    return log_odds


def _of_fractions(energy, visible):
    """Take two sums over the hidden units for each visible one."""
    field = energy.hidden_field(visible)
    result = np.empty_like(visible)
    for unit, weights in enumerate(energy.weights.T):
        off = field - np.outer(visible[:, unit], weights)
        log_odds = softplus_sum(off + weights) - softplus_sum(off)
        log_odds += energy.visible_bias[unit]
        result[:, unit] = visible[:, unit] * log_odds - softplus(log_odds)
    return result
