"""The path from independent units to a binary RBM, for parallel tempering."""

__all__ = ["TemperedBinaryRBM", "TemperedContext"]

from typing import NamedTuple

import numpy as np
from scipy.special import logit

from skebm.energy.binary_rbm_flips import flip_hidden
from skebm.energy.layers import draw_layer, softplus_rise


class TemperedContext(NamedTuple):
    """What the exchange and the sweep both need to know of visible rows.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_hidden)
        Log-odds of the hidden units at inverse temperature 1.
    tilt : ndarray of shape (n_rows,)
        How much the visible biases favour the row at inverse temperature 1 over
        0, in nats.
    """

    field: np.ndarray
    tilt: np.ndarray


class TemperedBinaryRBM:
    """An RBM at an inverse temperature beta of its own in each row.

    The machines are those that annealing passes through: beta times the weights
    and the hidden biases, and visible biases that share of the way from the
    log-odds of `visible_mean` to the machine's. At beta 0 the units are
    independent, so that a sweep there forgets where it started.

    Parameters
    ----------
    weights : ndarray of shape (n_hidden, n_visible)
        Of the machine at beta 1, as are the biases.
    visible_bias : ndarray of shape (n_visible,)
        Biases of the visible units.
    hidden_bias : ndarray of shape (n_hidden,)
        Biases of the hidden units.
    visible_mean : ndarray of shape (n_visible,)
        Means of the independent units at beta 0, strictly inside (0, 1).
    """

    def __init__(self, weights, visible_bias, hidden_bias, visible_mean):
        self.weights = weights
        self.hidden_bias = hidden_bias
        self.start_bias = logit(visible_mean).astype(weights.dtype)
        self.tilt_bias = visible_bias - self.start_bias

    def context(self, visible):
        """Compute what the other methods need of boolean visible rows."""
        visible = visible.astype(self.weights.dtype)
        field = np.dot(visible, self.weights.T)
        field += self.hidden_bias
        return TemperedContext(field, np.dot(visible, self.tilt_bias))

    def log_ratio(self, context, beta, other_beta):
        """Compare the probabilities of each row at two inverse temperatures.

        The hidden units are summed out: what they are at the moment would be
        noise in the comparison.

        Parameters
        ----------
        context : TemperedContext
            Of the rows.
        beta, other_beta : ndarray of shape (n_rows,)
            The inverse temperatures.

        Returns
        -------
        log_ratio : ndarray of shape (n_rows,)
            Fall in free energy from `beta` to `other_beta`, in nats, float64. It
            leaves out the two log Z.
        """
        result = context.tilt * (other_beta - beta)
        result += softplus_rise(context.field, beta, other_beta)
        return result

    def sweep(self, context, beta, noise):
        """Draw the hidden layer at each row's beta, flip, and draw the visible one.

        Returns
        -------
        visible : ndarray of shape (n_rows, n_visible)
            Boolean. `context` is used up.
        """
        hidden = draw_layer(context.field, noise, beta)
        field = np.dot(hidden.astype(self.weights.dtype), self.weights)
        field += self.tilt_bias
        # Of the field's dtype: a wider factor would widen every product.
        field *= beta[:, np.newaxis].astype(field.dtype)
        field += self.start_bias
        flip_hidden(hidden, field, self.weights, self.hidden_bias, noise, beta=beta)
        return draw_layer(field, noise)
