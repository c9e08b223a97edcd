"""The score below which rows are outliers, from scores that outliers may be among."""

__all__ = ["robust_offset"]

import numpy as np
from scipy.optimize import brentq
from scipy.stats import gamma

# Share of the rows of a Gaussian density that fall below the offset.
_FALSE_ALARMS = 0.05

# Shapes of the gamma law of minus the score: a Gaussian density of d features has
# d / 2. The first is one feature, and the last as good as a normal law.
_SHAPES = 0.5, 1e6


def robust_offset(scores):
    """Give the score that 5 % of Gaussian rows fall below, from the quartiles alone.

    A gamma law is shifted, stretched and bent to the quartiles of the negative
    scores: for log-densities of Gaussian rows it is exact, whatever the number of
    features, since minus these is half a chi-square variable plus a constant.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Finite; the higher, the more usual.

    Returns
    -------
    offset : float
        Never above the lower quartile. The fifth percentile of the scores where
        the quartiles coincide, and say nothing of the spread.
    """
    low, median, high = np.quantile(-scores, [0.25, 0.5, 0.75])
    if low == high:
        return float(np.quantile(scores, _FALSE_ALARMS))
    shape = _gamma_shape((low + high - 2 * median) / (high - low))
    lower, upper, extreme = gamma.ppf([0.25, 0.75, 1 - _FALSE_ALARMS], shape)
    return float(-(high + (extreme - upper) * (high - low) / (upper - lower)))


def _gamma_shape(skewness):
    """Find the shape of the gamma law whose quartiles are as skew, within bounds."""
    first, last = _SHAPES
    if skewness >= _quartile_skewness(first):
        return first
    if skewness <= _quartile_skewness(last):
        return last
    log_shape = brentq(
        lambda log_shape: _quartile_skewness(np.exp(log_shape)) - skewness,
        np.log(first),
        np.log(last),
    )
    return np.exp(log_shape)


def _quartile_skewness(shape):
    """Compute Bowley's skewness of a gamma law, which falls as the shape rises."""
    low, median, high = gamma.ppf([0.25, 0.5, 0.75], shape)
    return (low + high - 2 * median) / (high - low)
