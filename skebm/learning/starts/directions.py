"""Where the learning of Gaussian RBMs starts: excursions in all directions."""

__all__ = ["start_parameters"]

import numpy as np
from scipy.special import logit

from skebm.units.factors import FactorUnits

# How often hidden units begin on. Where the data are more peaked than the normal
# distribution they stand for its tails; units that are on about half of the time make
# distributions flatter than it, as clusters are. Either, where the other is called
# for, is driven back to having no weights at all.
_RARELY_ON = 0.1
_OFTEN_ON = 0.4

# Share of the variance, along their directions, that the hidden units begin with.
_EXPLAINED = 0.5

# Directions with less than this share of a variance of one have none to explain.
_NEGLIGIBLE = 0.05


def start_parameters(whitening, n_hidden, rng, noise=None, sample=None):
    """Give orthogonal random directions to hidden units, and then the opposite ones.

    The rows keep about the covariance that they have, if there are no more units
    than directions and their opposites: what hidden units explain of it is taken
    from the noise. Of 120 starts with two heavy-tailed sources and four units, 116
    come to the best optimum, where of directions that are drawn independently, or
    those of single rows, two in three do or fewer.

    Parameters
    ----------
    whitening : WhiteUnits
        Gives the data unit variance. Where that has factors, directions are of these
        alone, or of these and a few others where they are few.
    n_hidden : int
        Number of hidden units.
    rng : numpy.random.Generator
        Source of the directions.
    noise : WhiteUnits, default=None
        The noise, if it is known.
    sample : ndarray of shape (n_sample, n_visible), default=None
        Rows of the data, with means of zero. Directions in which they do not vary
        are left out, and their kurtosis says how often units begin on. None takes
        rows that vary in all directions, and more peaked than normal ones.

    Returns
    -------
    weights : ndarray of shape (n_hidden, n_visible)
        In units of the noise, as the biases are.
    visible_bias : ndarray of shape (n_visible,)
        With which means are zero.
    hidden_bias : ndarray of shape (n_hidden,)
        With which hidden units are as often on as they begin.
    noise : WhiteUnits
        What gives the noise unit variance.
    """
    frame = _frame(whitening, n_hidden, rng)
    n_axes = whitening.n_columns if frame is None else frame.shape[1]
    wide, on = np.eye(n_axes), _RARELY_ON
    if sample is not None:
        white = whitening.statistics(sample)
        wide, on = _space_and_rate(white if frame is None else white @ frame)
    variance = on * (1 - on)
    weights = _directions(n_hidden, wide, rng)
    if frame is not None:
        weights = weights @ frame.T
    weights *= np.sqrt(_EXPLAINED / variance) / np.linalg.norm(weights, 2)
    if noise is None:
        noise = whitening.explained(weights, variance)
    weights = noise.statistics(whitening.states(weights))

    visible_bias = -on * weights.sum(axis=0)
    couplings = weights @ weights.T
    own = np.diag(couplings)
    others = couplings.sum(axis=1) - own
    field = weights @ visible_bias + own / 2 + on * others
    return weights, visible_bias, logit(on) - field, noise


def _frame(units, n_hidden, rng):
    """Give orthonormal axes among which directions are drawn, or None for all."""
    if not isinstance(units, FactorUnits):
        return None
    axes = units.axes()
    n_more = max(-(-n_hidden // 2) - axes.shape[1], 0)
    n_more = min(n_more, units.n_columns - axes.shape[1])
    others = rng.standard_normal((units.n_columns, n_more))
    return np.linalg.qr(np.hstack([axes, others]))[0]


def _space_and_rate(rows):
    """Give the projection to where rows vary, and say how often units begin on.

    Rows are peaked where the mean of their squared norm squared, all axes scaled to
    unit variance, exceeds that of normal ones [1]_.

    References
    ----------
    .. [1] Mardia, K. V. (1970). Measures of multivariate skewness and kurtosis with
       applications. Biometrika 57(3), 519-530. :doi:`10.1093/biomet/57.3.519`
    """
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    is_wide = values >= min(_NEGLIGIBLE, values[-1])
    axes, variances = vectors[:, is_wide], values[is_wide]
    squared_norms = (rows @ axes) ** 2 @ (1 / np.maximum(variances, _NEGLIGIBLE))
    n_axes = len(variances)
    is_peaked = (squared_norms**2).mean() >= n_axes * (n_axes + 2)
    # Single axes of equal variance would depend on rounding.
    return axes @ axes.T, _RARELY_ON if is_peaked else _OFTEN_ON


def _directions(n_hidden, wide, rng):
    """Draw orthogonal directions and their opposites, as many bases as it takes."""
    n_wide = round(np.trace(wide))
    rows = np.empty((0, len(wide)))
    while len(rows) < n_hidden:
        n_axes = min(n_wide, n_hidden - len(rows))
        axes, _ = np.linalg.qr(wide @ rng.standard_normal((len(wide), n_axes)))
        rows = np.concatenate([rows, axes.T, -axes.T])
    return rows[:n_hidden]
