"""Columns whose location and scale are those of the bulk of the rows."""

__all__ = ["RobustColumns"]

import numpy as np

from skebm.detection.conditionals import Feature

# Of the normal distribution, the distance of the quartiles.
_QUARTILES = 1.349

# Deviations beyond about so many are compressed.
_BEND = 3.0

# Columns in which at least so many values are the median are looked at without these.
_TIED = 0.2

# Numbers that vary by less than this share of their size vary by rounding.
_ROUNDING = 1e-13

# Numbers are divided by four, so that no difference of two overflows.
_SAFE = 0.25

# Deviations that no density can tell apart, so that none overflows.
_FARTHEST = 1e100


class RobustColumns:
    """Columns of deviations from the median, in robust units, compressed far out.

    Up to a quarter of the values of a column may be anything without moving the scale
    of the others far. A value of z deviations becomes ``3 * arcsinh(z / 3)``: close
    ones stay as they are, far ones keep their order, and none outweighs the others.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Training rows, NaN where a value is missing.
    blocks : list of ndarray of int
        Of each feature its columns: one, or one-hot levels.
    is_category : list of bool
        Of each feature.
    add_indicator : bool
        Whether each feature has a column more, that says where it is missing.
    """

    def __init__(self, table, blocks, is_category, add_indicator):
        self._first = np.array([places[0] for places in blocks])
        self._add_indicator = add_indicator
        table = self._with_indicators(table)
        self._centre, self._scale = _centre_and_scale(table)
        self.features = [
            Feature(places, self._levels(places) if own else None)
            for places, own in zip(blocks, is_category, strict=True)
        ]
        if add_indicator:
            start = table.shape[1] - len(blocks)
            places = np.arange(start, table.shape[1])[:, np.newaxis]
            self.features += [Feature(place, None) for place in places]

    def encode(self, table):
        """Give deviations of a table like the one learned from."""
        return _compressed(self._with_indicators(table), self._centre, self._scale)

    def of_features(self, values):
        """Turn values of features and indicators into values of features.

        What is missing is told by its indicator, if there is one.
        """
        n_features = len(self._first)
        own = values[:, :n_features]
        if not self._add_indicator:
            return own
        return np.where(np.isnan(own), values[:, n_features:], own)

    def _with_indicators(self, table):
        if not self._add_indicator:
            return table
        return np.hstack([table, np.isnan(table[:, self._first])])

    def _levels(self, places):
        """Give what the columns of a category hold at each level, and at none."""
        codes = np.eye(len(places) + 1, len(places))
        return _compressed(codes, self._centre[places], self._scale[places])


def _centre_and_scale(table):
    """Compute medians, and scales that up to a quarter of the values cannot break.

    The scale is the distance of the quartiles, over what it is for a normal law of
    variance 1. Where more than half of the values are the same, so that there is none,
    it is what the others differ by, times the root of their share: the standard
    deviation, if all differ by the same.
    """
    some = ~np.isnan(table).all(axis=0)
    centre, scale = np.zeros(table.shape[1]), np.ones(table.shape[1])
    if not some.any():
        return centre, scale
    table = table[:, some] * _SAFE
    n_known = (~np.isnan(table)).sum(axis=0)
    quantile = np.quantile if (n_known == len(table)).all() else np.nanquantile
    low, middle, high = quantile(table, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / _QUARTILES
    deviations = np.abs(table - middle)
    for place in np.flatnonzero((deviations == 0).sum(axis=0) > _TIED * n_known):
        own = deviations[:, place]
        others = own[own > 0]
        if len(others):
            share = len(others) / n_known[place]
            spread[place] = max(spread[place], np.median(others) * np.sqrt(share))
    varies = spread > _ROUNDING * np.abs(middle)
    most = np.finfo(float).max
    scale[some] = np.where(varies, np.minimum(spread, most * _SAFE) / _SAFE, 1.0)
    centre[some] = middle / _SAFE
    return centre, scale


def _compressed(table, centre, scale):
    with np.errstate(over="ignore"):
        deviations = (table * _SAFE - centre * _SAFE) / (scale * _SAFE)
    return _BEND * np.arcsinh(np.clip(deviations, -_FARTHEST, _FARTHEST) / _BEND)
