"""Flips of single hidden units, the visible ones summed out."""

__all__ = ["flip_hidden"]

import numpy as np

from skebm.units.binary import softplus

# Few hidden units are all but determined by many visible ones, and block Gibbs
# sampling hardly ever changes them; flips do. On thresholded MNIST with 16 of them,
# these few a sweep halved the spread of annealed weights at a tenth of the
# temperatures, for which they cost as much as four sweeps; with 64 they gained
# nothing.
_N_FLIPS = 4
_FEW_HIDDEN = 40


def flip_hidden(hidden, field, weights, bias, noise, *, beta=1.0):
    """Flip hidden units by Metropolis' rule for their marginal law.

    The visible units are independent given the hidden ones, so that they can be
    summed out: log p(h) is h.b and the softplus of each visible unit's field, but
    for a constant. A flip need not wait for the visible units to allow it, as it
    does in block Gibbs sampling. The units to flip are drawn uniformly, which makes
    the flips together their own reversal.

    Parameters
    ----------
    hidden : ndarray of shape (n_rows, n_hidden)
        Boolean, overwritten. Rows of more than a few dozen units are left as they
        are.
    field : ndarray of shape (n_rows, n_visible)
        Log-odds of the visible units given these, overwritten.
    weights : ndarray of shape (n_hidden, n_visible)
        By how much a hidden unit raises the field, at inverse temperature 1.
    bias : ndarray of shape (n_hidden,)
        Biases of the hidden units at inverse temperature 1.
    noise : UniformNoise
        Source of the draws.
    beta : float or ndarray of shape (n_rows,), default=1.0
        Inverse temperature of weights and biases; `field` is that at `beta`.
    """
    n_hidden = len(bias)
    if n_hidden > _FEW_HIDDEN:
        return
    log_normaliser = _log_normaliser(field)
    for unit in noise.rng.integers(n_hidden, size=_N_FLIPS):
        change = np.where(hidden[:, unit], -beta, beta)
        flipped = np.multiply.outer(change.astype(field.dtype), weights[unit])
        flipped += field
        log_flipped = _log_normaliser(flipped)
        log_ratio = log_flipped - log_normaliser + change * bias[unit]
        probability = np.exp(np.minimum(log_ratio, 0))
        accepted = noise.draw(probability.shape) < 2 * probability - 1
        np.copyto(field, flipped, where=accepted[:, np.newaxis])
        np.copyto(log_normaliser, log_flipped, where=accepted)
        hidden[:, unit] ^= accepted


def _log_normaliser(field):
    return softplus(field).sum(axis=1, dtype=np.float64)
