"""log Z by annealed importance sampling."""

__all__ = ["anneal_log_partition"]

from itertools import pairwise

import numpy as np

from skebm.partition.estimate import PartitionEstimate


def anneal_log_partition(path, *, n_temperatures, n_chains, noise):
    """Estimate log Z by annealed importance sampling [1]_ [2]_.

    Chains start from independent draws of a model whose log Z is known, and are
    moved through a sequence of models that ends at the one asked about. The
    product of the ratios of unnormalised probabilities that a chain meets on its
    way has the ratio of the two partition functions as its mean.

    Parameters
    ----------
    path : annealing path
        With `start` and `move`, see `skebm.energy`.
    n_temperatures : int
        Steps of the path, evenly spaced.
    n_chains : int
        Independent chains, at least 2.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    estimate : PartitionEstimate
        The standard error is that of the mean weight, carried over to its log.

    References
    ----------
    .. [1] Neal, R. M. (2001). Annealed importance sampling. Statistics and
       Computing 11, 125-139.
    .. [2] Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis
       of deep belief networks. ICML, 872-879.
    """
    visible, log_partition = path.start(n_chains, noise)
    log_weights = np.zeros(n_chains)
    for beta, next_beta in pairwise(np.linspace(0, 1, n_temperatures + 1)):
        visible, log_weight = path.move(visible, beta, next_beta, noise)
        log_weights += log_weight

    weights = np.exp(log_weights - log_weights.max())
    mean = weights.mean()
    return PartitionEstimate(
        log_partition=float(log_partition + log_weights.max() + np.log(mean)),
        std=float(weights.std(ddof=1) / mean / np.sqrt(n_chains)),
        effective_sample_size=float(weights.sum() ** 2 / (weights**2).sum()),
    )
