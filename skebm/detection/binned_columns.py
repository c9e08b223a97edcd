"""Densities of independent columns, by how many rows are in which bin."""

__all__ = ["BinnedColumns"]

import numpy as np

# Bins are as wide everywhere, up to values this far out, in robust deviations that are
# compressed; two more hold what is farther. So a value that is very far out does not
# make all others share one bin.
_FARTHEST = 6.0


class BinnedColumns:
    """Independent features, of which each row says in which bin it is.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Training rows in robust units, NaN where a value is missing.
    features : list of Feature
        Which columns stand for which feature.
    n_bins : int
        Of each number; two more hold what is farther out.
    """

    def __init__(self, rows, features, n_bins):
        self._numbers = [i for i, own in enumerate(features) if own.codes is None]
        self._places = np.array([features[i].places[0] for i in self._numbers], int)
        self._categories = [
            (i, own) for i, own in enumerate(features) if own.codes is not None
        ]
        self._n_bins = n_bins
        numbers = np.clip(rows[:, self._places], -_FARTHEST, _FARTHEST)
        self._lowest = np.fmin.reduce(numbers, axis=0, initial=np.inf)
        self._highest = np.fmax.reduce(numbers, axis=0, initial=-np.inf)
        widths = self._highest - self._lowest
        self._widths = np.where(widths > 0, widths, 1.0) / n_bins
        n_levels = [len(own.codes) for _, own in self._categories]
        most = max([n_bins + 2, *n_levels])
        codes = self.codes(rows)
        n_features = len(features)
        cells = codes + most * np.arange(n_features)
        counts = np.bincount(cells[codes >= 0], minlength=most * n_features)
        self._counts = counts.reshape(n_features, most)
        self._totals = self._counts.sum(axis=1) + n_bins + 2.0
        for (i, _), levels in zip(self._categories, n_levels, strict=True):
            self._totals[i] += levels - n_bins - 2

    def codes(self, rows):
        """Say in which bin each value is, -1 where it is missing."""
        result = np.full((len(rows), len(self._numbers) + len(self._categories)), -1)
        numbers = rows[:, self._places]
        known = ~np.isnan(numbers)
        bins = np.floor((np.where(known, numbers, 0) - self._lowest) / self._widths)
        # The upper end of the last bin is in it.
        bins = np.where(
            numbers <= self._highest, np.minimum(bins, self._n_bins - 1), bins
        )
        bins = np.clip(bins, -1, self._n_bins).astype(np.int64) + 1
        result[:, self._numbers] = np.where(known, bins, -1)
        for i, (places, codes) in self._categories:
            own = rows[:, places]
            # The nearest of the levels, of which the last is none of them. Each of the
            # others differs from it in one column, so that no sum over columns is
            # needed to say how much nearer it is: there may be thousands.
            none, high = codes[-1], np.diagonal(codes)
            gained = (own - 0.5 * (high + none)) * (high - none)
            known = ~np.isnan(own[:, 0])
            nearest = np.argmax(gained, axis=1)
            is_level = np.take_along_axis(gained, nearest[:, np.newaxis], 1)[:, 0] >= 0
            nearest = np.where(is_level, nearest, len(codes) - 1)
            result[:, i] = np.where(known, nearest, -1)
        return result

    def log_shares(self, rows, *, seen=False):
        """Compute the log-probability of the bin of each value, NaN where missing.

        One count more in every bin keeps all of them finite.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            NaN where a value is missing.
        seen : bool, default=False
            Whether the rows are some of those counted: each then without itself.

        Returns
        -------
        log_shares : ndarray of shape (n_rows, n_features)
            In nats.
        """
        codes = self.codes(rows)
        counts = self._counts[np.arange(codes.shape[1]), codes] + 1 - seen
        counts = np.where(codes >= 0, counts, np.nan)
        return np.log(counts) - np.log(self._totals - seen)
