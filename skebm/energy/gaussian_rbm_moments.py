"""Derivatives of the log-likelihood of Gaussian RBMs, as moments."""

__all__ = ["GaussianRBMMoments", "moments_of_model", "moments_of_rows"]

from typing import NamedTuple

import numpy as np

from skebm.energy.units import logistic, softplus


class GaussianRBMMoments(NamedTuple):
    """Means of what the parameters multiply, for rows or for a machine.

    Differences between the two are derivatives of the mean log-likelihood.

    Parameters
    ----------
    products : ndarray of shape (n_hidden, n_visible)
        Means of h y', where y are the visible units in units of the noise.
    visible : ndarray of shape (n_visible,)
        Means of y.
    hidden : ndarray of shape (n_hidden,)
        Means of h.
    step : ndarray
        Derivative of the mean of -E by a step of the whitening, which changes y.
    """

    products: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray
    step: np.ndarray


def moments_of_rows(energy, visible, row_weights):
    """Sum -free_energy and the moments over weighted rows.

    Parameters
    ----------
    energy : GaussianRBMEnergy
        In float64.
    visible : ndarray of shape (n_rows, n_visible)
        The rows.
    row_weights : ndarray of shape (n_rows,)
        What each row counts.

    Returns
    -------
    value : float
        Weighted sum of -free_energy, in nats, less what the ridge costs: half of
        it times the trace of the precision of the noise.
    moments : GaussianRBMMoments
        Weighted sums, the ridge being part of `step`.
    """
    whitening = energy.whitening
    white = whitening.apply(visible)
    field = np.dot(white, energy.weights.T) + energy.hidden_bias
    deviation = white - energy.visible_bias
    squares = np.einsum("ij,ij->i", deviation, deviation) / 2
    value = row_weights @ (softplus(field).sum(axis=1) - squares)
    hidden = logistic(field)
    weighted = row_weights[:, np.newaxis] * white
    deviation -= hidden @ energy.weights
    step = -whitening.by_step(deviation, weighted)
    half_ridge = row_weights.sum() * energy.ridge / 2
    value -= half_ridge * whitening.squared_norm
    step -= half_ridge * whitening.squared_norm_by_step()
    return value, GaussianRBMMoments(
        hidden.T @ weighted, weighted.sum(axis=0), row_weights @ hidden, step
    )


def moments_of_model(energy):
    """Compute log Z and the model's moments by enumerating the hidden units.

    Parameters
    ----------
    energy : GaussianRBMEnergy
        In float64.

    Returns
    -------
    log_partition : float
        log Z in nats, exact to rounding.
    moments : GaussianRBMMoments
        Of the law exp(-E) / Z.
    """
    machine, log_integral = energy.marginal()
    log_partition, (pairs, hidden) = machine.model_moments()
    products = np.outer(hidden, energy.visible_bias) + pairs @ energy.weights
    visible = energy.visible_bias + hidden @ energy.weights
    # log Z is less by the logarithm of the determinant.
    step = -energy.whitening.log_det_by_step()
    return log_partition + log_integral, GaussianRBMMoments(
        products, visible, hidden, step
    )
