"""Where a layer of hidden units starts that is put on top of a learned machine."""

__all__ = ["levels_of", "weights_above"]

import numpy as np

# Of the fields of a new unit, in standard deviations that these have over rows: so
# large that it takes sides. At 1, new units of a machine of digits stayed out of use.
_SCALE = 3.0

# Of couplings of units that find no direction of their own; breaks their symmetry.
_NOISE = 0.1


def levels_of(hidden, visible):
    """Say how far hidden units are from the visible ones.

    Parameters
    ----------
    hidden : ndarray of bool of shape (n_hidden, n_hidden)
        Which hidden units can be coupled with each other.
    visible : ndarray of bool of shape (n_hidden, n_visible)
        Which of them have weights to visible ones.

    Returns
    -------
    levels : ndarray of int of shape (n_hidden,)
        0 of units that see a visible one, 1 of those that see one of these, and so on.
        Units that see nothing at all are of the first level.
    """
    levels = np.where(visible.any(axis=1), 0, -1)
    level = 0
    while (levels == level).any():
        above = hidden[:, levels == level].any(axis=1) & (levels < 0)
        level += 1
        levels[above] = level
    return np.maximum(levels, 0)


def weights_above(of_data, of_model, mask, rng):
    """Give new hidden units the directions in which a machine lacks correlations.

    A new unit multiplies the probability of the units below by 1 + exp(field). To
    second order in its weights it raises the variance of these in one direction. What
    the likelihood gains is in proportion to how much more the units below vary there
    given data than in the machine as it is: directions are the first eigenvectors of
    the difference of the two covariances, of standardised units.

    Parameters
    ----------
    of_data, of_model : ndarray of shape (n_rows, n_below)
        Means of the units below given rows of data, and given draws of the machine.
    mask : ndarray of bool of shape (n_new, n_below)
        Which couplings can exist.
    rng : numpy.random.Generator
        Source of small differences.

    Returns
    -------
    weights : ndarray of shape (n_new, n_below)
        Of the new units.
    mean : ndarray of shape (n_below,)
        Of the units below, given data: fields of new units are zero there.
    """
    mean, variance = _moments(of_data)
    deviation = np.sqrt(np.maximum(variance, 1e-6))
    excess = _covariance(of_data) - _covariance(of_model)
    values, vectors = np.linalg.eigh(excess / np.outer(deviation, deviation))
    weights = rng.normal(0, _NOISE, mask.shape)
    n_used = min(len(mask), int((values > 0).sum()))
    weights[:n_used] += _SCALE * (vectors[:, ::-1].T / deviation)[:n_used]
    return weights * mask, mean


def _moments(means):
    mean = means.mean(axis=0)
    return mean, mean * (1 - mean)


def _covariance(means):
    """Compute the covariance of units that are independent given each row."""
    mean, variance = _moments(means)
    centred = means - mean
    covariance = centred.T @ centred / len(means)
    np.fill_diagonal(covariance, variance)
    return covariance
