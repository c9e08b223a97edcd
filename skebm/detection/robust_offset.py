"""The score below which rows are outliers, from scores that outliers may be among."""

__all__ = ["robust_offset", "weighted_quantile"]

import numpy as np
from scipy.optimize import brentq
from scipy.stats import gamma

from skebm.units.data import relative

# Share of the rows of a Gaussian density that fall below the offset.
_FALSE_ALARMS = 0.05

# So many times as far from the median as these are rows that are not usual; a few times
# the error of the quartiles farther where these are of few rows.
_FAR = 2.3
_ERRORS = 4.0

# Without those that are far out, others may be.
_MOST_ROUNDS = 10

# Quartiles of fewer different scores, many of them repeated, do not tell how far apart
# others are: two patterns that are nearly as usual as each other make all others far.
_FEW_SCORES = 10

# Shapes of the gamma law of minus the score: a Gaussian density of d features has
# d / 2. The first is one feature, and the last as good as a normal law.
_SHAPES = 0.5, 1e6


def robust_offset(scores, weights=None):
    """Give the score that 5 % of the usual rows fall below, whatever hides among them.

    Usual are all rows but those that are far out. These are told by the quartiles
    alone, which do not see how far: a gamma law is shifted, stretched and bent to the
    quartiles of minus the scores. For log-densities of Gaussian rows it is exact,
    whatever the number of features, since minus these is half a chi-square variable
    plus a constant. Far out is what is 2.3 times as far from the median as its 95th
    percentile, and somewhat more where rows are few. No row is, where the middle half
    of the scores has fewer than ten different ones, and these are repeated: such
    quartiles tell nothing of the others.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Finite; the higher, the more usual.
    weights : ndarray of shape (n_samples,), default=None
        What each counts. None: one each.

    Returns
    -------
    offset : float
        A quantile of the scores.
    """
    usual, weights = np.ones(len(scores), dtype=bool), relative(weights)
    for _ in range(_MOST_ROUNDS):
        is_far = -scores > _far(
            scores[usual], None if weights is None else weights[usual]
        )
        if (usual == ~is_far).all():
            break
        usual = ~is_far
    share_far = np.average(~usual, weights=weights)
    share = share_far + _FALSE_ALARMS * (1 - share_far)
    return float(weighted_quantile(scores, share, weights))


def _far(scores, weights):
    """Give what minus the score of a row that is far out exceeds."""
    low, median, high = (
        weighted_quantile(-scores, share, weights) for share in (0.25, 0.5, 0.75)
    )
    n_rows = len(scores) if weights is None else weights.sum()
    if low == high or _n_different(-scores, low, high) < min(_FEW_SCORES, n_rows / 4):
        return np.inf
    shape = _gamma_shape((low + high - 2 * median) / (high - low))
    lower, upper, extreme = gamma.ppf([0.25, 0.75, 1 - _FALSE_ALARMS], shape)
    extreme = high + (extreme - upper) * (high - low) / (upper - lower)
    return median + _FAR * (1 + _ERRORS / np.sqrt(n_rows)) * (extreme - median)


def _n_different(values, low, high):
    """Count values between two, those that differ by rounding once."""
    between = values[(values >= low) & (values <= high)]
    return len(np.unique(((between - low) / (high - low)).round(6)))


def weighted_quantile(values, share, weights=None):
    """Compute the quantile of values that count differently.

    With whole weights it is `numpy.quantile` of the values repeated: this goes linearly
    from one to the next, as does the mean of them all, in order, within a window as
    wide as one of them. So it is defined whatever they count.

    Parameters
    ----------
    values : ndarray of shape (n_values, ...)
        Finite.
    share : float
        Between 0 and 1.
    weights : ndarray of shape (n_values,), default=None
        What each counts: relative to one of them, so that weights that are below 1 on
        average are scaled to that. None: one each.

    Returns
    -------
    quantile : ndarray of shape (...)
        Of each column.
    """
    weights = relative(weights)
    if weights is None or (weights == 1).all():
        return np.quantile(values, share, axis=0)
    order = np.argsort(values, axis=0, kind="stable")
    ends = np.cumsum(weights[order], axis=0)
    first = share * np.maximum(ends[-1] - 1, 0)
    # How much of what a value counts is in the window.
    inside = np.diff(np.clip(ends, first, first + 1), axis=0, prepend=first[np.newaxis])
    values = np.take_along_axis(values, order, axis=0)
    # From the lowest there, so that equal values are their own quantile, not rounded.
    lowest = np.where(inside > 0, values, np.inf).min(axis=0)
    above = np.where(inside > 0, values - lowest, 0)
    return lowest + (inside * above).sum(axis=0) / inside.sum(axis=0)


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
