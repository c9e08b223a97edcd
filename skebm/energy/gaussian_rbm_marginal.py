"""The Boltzmann machine that the hidden units of a Gaussian RBM are."""

__all__ = ["hidden_machine"]

import numpy as np

from skebm.energy.boltzmann import BoltzmannEnergy


def hidden_machine(weights, visible_bias, hidden_bias):
    """Integrate the visible units out.

    The integral of exp(-|y - a|^2 / 2 + h.b + h' W y) over y is, but for a constant,
    exp(h.(b + W a) + |W' h|^2 / 2): a machine with couplings W W' whose diagonal,
    since h * h = h, is one of biases.

    Parameters
    ----------
    weights : ndarray of shape (n_hidden, n_visible)
        W above, in units of the noise.
    visible_bias, hidden_bias : ndarray
        The biases a and b.

    Returns
    -------
    machine : BoltzmannEnergy
        Fully visible, of the hidden units.
    """
    couplings = np.dot(weights, weights.T)
    couplings = (couplings + couplings.T) / 2  # symmetric to the last bit
    bias = hidden_bias + np.dot(weights, visible_bias)
    bias += np.diag(couplings) / 2
    np.fill_diagonal(couplings, 0)
    return BoltzmannEnergy(couplings, bias)
