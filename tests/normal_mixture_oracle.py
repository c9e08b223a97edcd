"""Mixtures of normal distributions by what SciPy says of each of their marginals."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal


def covariances(rng, n_components, n_columns):
    """Draw covariances with condition numbers below a few hundred."""
    factors = rng.normal(size=(n_components, n_columns, n_columns))
    return factors @ factors.swapaxes(1, 2) + 0.3 * np.eye(n_columns)


def with_gaps(rng, rows, share):
    """Leave out values, and all of the first row, none of the second."""
    mask = rng.random(rows.shape) < share
    mask[0], mask[1] = True, False
    return np.where(mask, np.nan, rows)


def log_joint(row, mixture):
    """Log-densities of the known values of a row and each component."""
    known = np.flatnonzero(~np.isnan(row))
    result = np.log(mixture.shares)
    if not len(known):
        return result
    densities = [
        multivariate_normal(mean[known], own[np.ix_(known, known)]).logpdf(row[known])
        for mean, own in zip(mixture.means, mixture.covariances, strict=True)
    ]
    return result + np.array(densities)


def log_density(row, mixture):
    """Log-density of the known values of a row."""
    return logsumexp(log_joint(row, mixture))


def log_conditional(row, feature, mixture):
    """Log-density of a feature given the other known values, NaN if it is missing."""
    places, codes = feature
    if np.isnan(row[places]).any():
        return np.nan
    other = row.copy()
    if codes is None:
        other[places] = np.nan
        return log_density(row, mixture) - log_density(other, mixture)
    levels = []
    for code in codes:
        other[places] = code
        levels.append(log_density(other, mixture))
    return log_density(row, mixture) - logsumexp(levels)
