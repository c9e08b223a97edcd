"""The path from independent units to a binary RBM, for annealing."""

__all__ = ["BinaryRBMPath"]

import numpy as np
from scipy.special import logit

from skebm.energy.binary_rbm_flips import flip_hidden
from skebm.energy.units import draw_units, logistic, softplus


class BinaryRBMPath:
    """Machines between independent visible units (beta 0) and an RBM (beta 1).

    At inverse temperature beta the weights and the hidden biases are beta
    times the target's, and the visible biases lie that share of the way from
    the log-odds of `visible_mean` to the target's.

    Parameters
    ----------
    target : BinaryRBMEnergy
        The machine at the end, in plain coordinates.
    visible_mean : ndarray of shape (n_visible,)
        Means of the independent units at the start, strictly inside (0, 1).
    """

    def __init__(self, target, visible_mean):
        self.target = target
        self.start_bias = logit(visible_mean).astype(target.dtype)

    def start(self, n_chains, noise):
        """Draw visible rows at beta 0; give the exact log Z there as well."""
        field = np.tile(self.start_bias, (n_chains, 1))
        start_bias = self.start_bias.astype(np.float64)
        log_partition = softplus(start_bias).sum()
        log_partition += self.target.n_hidden * np.log(2)
        return draw_units(field, noise), log_partition

    def move(self, visible, beta, next_beta, noise):
        """Weigh visible rows for the next temperature, then move them there.

        Returns
        -------
        visible : ndarray of shape (n_chains, n_visible)
            The rows after one Gibbs sweep at `next_beta`, between the two layers
            of which hidden units are flipped.
        log_weight : ndarray of shape (n_chains,)
            Fall in free energy of the given rows from `beta` to `next_beta`,
            which may be the lower of the two, in float64.
        """
        target = self.target
        visible = visible.astype(target.dtype)
        field = np.dot(visible, target.weights.T)
        field += target.hidden_bias
        log_weight = visible @ (target.visible_bias - self.start_bias)
        log_weight = log_weight.astype(np.float64) * (next_beta - beta)
        log_weight += _softplus_rise(field, beta, next_beta)

        hidden = draw_units(field, noise, next_beta)
        field = np.dot(hidden.astype(target.dtype), target.weights)
        field += target.visible_bias
        field *= next_beta
        field += (1 - next_beta) * self.start_bias
        weights, bias = target.weights, target.hidden_bias
        flip_hidden(hidden, field, weights, bias, noise, beta=next_beta)
        return draw_units(field, noise), log_weight


def _softplus_rise(field, beta, next_beta):
    """Sum softplus(next_beta * field) - softplus(beta * field) over each row.

    The difference is formed before it is rounded: with x = abs(field) and
    s = logistic(-beta x), it is the rise of max(beta * field, 0) plus
    log1p(s expm1(-(next_beta - beta) x)), so that float32 fields lose nothing
    that a thousand temperatures could add up to.
    """
    if next_beta < beta:  # exp(x) might overflow, where exp(-x) may vanish
        return -_softplus_rise(field, next_beta, beta)
    step = field.dtype.type(next_beta - beta)
    size = np.abs(field)
    positive = size.sum(axis=1, dtype=np.float64) + field.sum(axis=1, dtype=np.float64)
    result = 0.5 * step * positive
    ratio = np.expm1(-step * size)
    size *= -beta
    ratio *= logistic(size)
    np.log1p(ratio, out=ratio)
    result += ratio.sum(axis=1, dtype=np.float64)
    return result
