"""Means of weights that are known by their logarithms, and their errors."""

__all__ = [
    "WeightMean",
    "average_weights",
    "bridge",
    "chains_needed",
    "error_on_the_way_back",
]

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

# Draws that could be of either law, for an estimate that rests on these.
_LEAST_OVERLAP = 10


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
    log_variance = _log_variance_there(log_weights)
    return float(np.sqrt(np.logaddexp(0, log_variance - np.log(n_chains))))


def chains_needed(log_weights, std):
    """Say how many chains there leave this error, by weights met on the way back."""
    with np.errstate(over="ignore"):  # more than there can be, which is known of inf
        return np.exp(_log_variance_there(log_weights)) / np.expm1(std**2)


def bridge(before, after, weights):
    """Estimate a ratio of partition functions from draws of both laws [1]_.

    Parameters
    ----------
    before, after : ndarray of shape (n_draws,)
        Of as many draws of either law, the log of the unnormalised probability of the
        second less that of the first.
    weights : ndarray of shape (n_draws,)
        Of the draws of the second, which sum to 1.

    Returns
    -------
    log_ratio : float
        Log of the partition function of the second less that of the first, in nats.
    variance : float
        Of `log_ratio`, of independent draws. Infinite where hardly any of them could
        be of either law.

    References
    ----------
    .. [1] Bennett, C. H. (1976). Efficient estimation of free energy differences from
       Monte Carlo data. Journal of Computational Physics 22, 245-268.
    """

    def excess(log_ratio):
        return expit(before - log_ratio).mean() - weights @ expit(log_ratio - after)

    ends = min(before.min(), after.min()) - 50, max(before.max(), after.max()) + 50
    log_ratio = brentq(excess, *ends)
    there, back = expit(before - log_ratio), expit(log_ratio - after)
    if there.sum() < _LEAST_OVERLAP:
        return log_ratio, np.inf
    spread = (there**2).mean() / there.mean() ** 2 - 1
    spread += weights @ back**2 / (weights @ back) ** 2 - 1
    return log_ratio, spread / len(before)


def _log_variance_there(log_weights):
    """Give the log of the relative variance of weights there."""
    log_moment = logsumexp(log_weights) + logsumexp(-log_weights)
    log_moment -= 2 * np.log(log_weights.size)
    # Not negative, by the inequality of Cauchy and Schwarz, but for rounding.
    log_moment = max(log_moment, np.finfo(float).tiny)
    return log_moment + np.log(-np.expm1(-log_moment))
