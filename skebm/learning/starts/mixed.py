"""Where the learning of RBMs of categories and numbers starts."""

__all__ = ["start_of_mixed"]

import numpy as np

from skebm.learning.starts.correlations import start_weights
from skebm.sampling.mixture import cluster
from skebm.units.data import distinct_rows

# Weights of binary hidden units, which break their symmetry.
_NOISE = 0.1

# Pseudo-rows that draw each group to what all rows are like: for categories and for
# real values.
_PSEUDO_LEVELS = 1.0
_PSEUDO_VALUES = 0.1


def start_of_mixed(sample, noise, n_binary, n_groups, rng):
    """Give each state of a categorical hidden unit a group of rows.

    Binary hidden units have small weights then, and say next to nothing yet. Without
    groups each has a column and those that are correlated with it.

    Parameters
    ----------
    sample : ndarray of shape (n_sample, n_units)
        One-hot categories, and then real values with means of 0.
    noise : GaussianUnits
        Of the real values of all rows.
    n_binary, n_groups : int
        Number of binary hidden units, and of groups: none or at least 2.
    rng : numpy.random.Generator
        Source of the first centres and of small differences.

    Returns
    -------
    weights : ndarray of shape (n_binary + n_groups, n_units)
        Those of real values in units of the noise.
    visible_bias : ndarray of shape (n_units,)
        Of all rows.
    hidden_bias : ndarray of shape (n_binary + n_groups,)
        With which binary units are on as often as off, and groups as large as they are.
    """
    real = slice(sample.shape[1] - noise.n_columns, None)
    mean = (sample.sum(axis=0) + 0.5) / (len(sample) + 1)
    mean[real] = 0
    visible_bias = _field(mean[np.newaxis], noise)[0]
    weights = np.zeros((n_binary + n_groups, sample.shape[1]))
    hidden_bias = np.zeros(n_binary + n_groups)
    if n_groups == 0:
        start = start_weights(sample - sample.mean(axis=0), n_binary, rng)
        start[:, real] = start[:, real] @ noise.states(np.eye(noise.n_columns)).T
        weights[:], visible_bias = start, visible_bias - start.sum(axis=0) / 2
        hidden_bias[:] = -start @ mean
    else:
        weights[:n_binary] = rng.normal(0, _NOISE, (n_binary, sample.shape[1]))
        hidden_bias[:n_binary] = -weights[:n_binary] @ mean
        # In an order of their own, so that a row of weight 2 is as two rows are.
        rows, counts = distinct_rows(sample)
        order = np.lexsort(rows.T)
        rows = rows[order]
        found = cluster(rows, counts[order], n_groups, rng)
        shares = np.zeros((len(rows), n_groups))
        shares[:, : found.shape[1]] = found
        sizes = shares.sum(axis=0)[:, np.newaxis]
        pseudo = np.full(sample.shape[1], _PSEUDO_LEVELS)
        pseudo[real] = _PSEUDO_VALUES
        means = (shares.T @ rows + pseudo * mean) / (sizes + pseudo)
        weights[n_binary:] = _field(means, noise) - visible_bias
        hidden_bias[n_binary:] = np.log(sizes[:, 0] + 0.5)
        white = weights[n_binary:, real]
        hidden_bias[n_binary:] -= (white**2).sum(axis=1) / 2
    return weights, visible_bias, hidden_bias


def _field(means, noise):
    """Give the fields in which one-hot columns and real values have these means."""
    field = means.copy()
    real = slice(means.shape[1] - noise.n_columns, None)
    field[:, : real.start] = np.log(means[:, : real.start])
    field[:, real] = noise.statistics(means[:, real])
    return field
