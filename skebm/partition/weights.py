"""Means of weights that are known by their logarithms, and their errors."""

__all__ = ["WeightMean", "average_weights", "error_on_the_way_back"]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp


class WeightMean(NamedTuple):
    """Log of the mean of some weights.

    Parameters
    ----------
    log_mean : float
        In nats.
    std : float
        Standard error of `log_mean`, in nats.
    effective_sample_size : float
        How many equally weighted draws the weighted ones are worth.
    """

    log_mean: float
    std: float
    effective_sample_size: float


def average_weights(log_weights):
    """Average weights.

    Parameters
    ----------
    log_weights : ndarray of shape (n_groups, n_members)
        Groups are independent of each other, their members need not be. At least
        two groups.

    Returns
    -------
    mean : WeightMean
        With an error from the spread of the groups. Where it is small it is the
        relative error of the mean; where it is large, that of the logarithm of
        a log-normal variable of the same relative error.
    """
    log_groups = logsumexp(log_weights, axis=1) - np.log(log_weights.shape[1])
    log_mean = logsumexp(log_groups) - np.log(len(log_groups))
    groups = np.exp(log_groups - log_mean)
    return WeightMean(
        log_mean=float(log_mean),
        std=float(np.sqrt(np.log1p(groups.var(ddof=1) / len(groups)))),
        effective_sample_size=float(
            np.exp(2 * logsumexp(log_weights) - logsumexp(2 * log_weights))
        ),
    )


def error_on_the_way_back(log_weights, n_chains):
    """Predict the error of annealing one way from weights met on the other.

    A chain there has the probability of the same chain back times its weight, so
    that the second moment of the weights there is their mean back. Unlike the
    weights there, those back know of modes that few chains or none find on the
    way there.

    Parameters
    ----------
    log_weights : ndarray of shape (n_groups, n_members)
        Of the way back.
    n_chains : int
        How many chains the mean of the weights there is taken over.

    Returns
    -------
    std : float
        Standard error of its logarithm, in nats, as for `average_weights`.
    """
    log_moment = logsumexp(log_weights) + logsumexp(-log_weights)
    log_moment -= 2 * np.log(log_weights.size)
    # Not negative, by the inequality of Cauchy and Schwarz, but for rounding.
    log_moment = max(log_moment, np.finfo(float).tiny)
    log_variance = log_moment + np.log(-np.expm1(-log_moment))
    return float(np.sqrt(np.logaddexp(0, log_variance - np.log(n_chains))))
