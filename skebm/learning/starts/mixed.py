"""Where the learning of RBMs of categories and numbers starts."""

__all__ = ["start_of_mixed"]

import numpy as np

from skebm.learning.starts.correlations import start_weights


def start_of_mixed(sample, mean, noise, n_hidden, rng):
    """Give each hidden unit a column and those that are correlated with it.

    Parameters
    ----------
    sample : ndarray of shape (n_sample, n_units)
        One-hot categories, and numbers with means of 0.
    mean : ndarray of shape (n_units,)
        Means of the columns.
    noise : GaussianUnits
        Of the numbers, which are the last columns.
    n_hidden : int
        Number of hidden units.
    rng : numpy.random.Generator
        Source of small differences.

    Returns
    -------
    weights : ndarray of shape (n_hidden, n_units)
        Those of numbers in units of the noise.
    visible_bias, hidden_bias : ndarray
        With which either layer is balanced where the other is at its mean.
    """
    weights = start_weights(sample - sample.mean(axis=0), n_hidden, rng)
    real = slice(len(mean) - noise.n_columns, None)
    weights[:, real] = weights[:, real] @ noise.states(np.eye(noise.n_columns)).T
    visible_bias = mean.copy()
    visible_bias[: real.start] = np.log(mean[: real.start])
    visible_bias -= weights.sum(axis=0) / 2
    return weights, visible_bias, -weights @ mean
