"""The path from independent units to a binary RBM, for annealing."""

__all__ = ["BinaryRBMPath"]

import numpy as np
from scipy.special import logit

from skebm.energy.binary_rbm_flips import flip_hidden
from skebm.energy.layers import draw_layer, softplus_rise
from skebm.energy.units import softplus


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
        self.tilt_bias = target.visible_bias - self.start_bias

    def start(self, n_chains, noise):
        """Draw visible rows at beta 0; give the exact log Z there as well."""
        field = np.tile(self.start_bias, (n_chains, 1))
        start_bias = self.start_bias.astype(np.float64)
        log_partition = softplus(start_bias).sum()
        log_partition += self.target.n_hidden * np.log(2)
        return draw_layer(field, noise), log_partition

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
        rows = visible.astype(target.dtype)
        field = target.hidden_field(rows)
        log_weight = (rows @ self.tilt_bias) * np.float64(next_beta - beta)
        log_weight += softplus_rise(field, beta, next_beta)

        hidden = draw_layer(field, noise, next_beta)
        scaled = hidden.astype(target.dtype)
        scaled *= next_beta
        field = np.dot(scaled, target.weights)
        field += self.start_bias + target.dtype.type(next_beta) * self.tilt_bias
        weights, bias = target.weights, target.hidden_bias
        flip_hidden(hidden, field, weights, bias, noise, beta=next_beta)
        return draw_layer(field, noise), log_weight
