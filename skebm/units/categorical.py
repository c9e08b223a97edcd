"""Categorical units, also known as softmax or Potts units."""

__all__ = ["CategoricalUnits", "draw_levels", "log_sum_of_levels"]

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from skebm.units.base import Units


@dataclass(frozen=True)
class CategoricalUnits(Units):
    """Units that are in one of several levels each.

    A unit of k levels has k columns, of which the one of its level is on. To users its
    values are the numbers of levels. Its field is the logarithm of the odds of levels,
    of which only differences matter.

    Parameters
    ----------
    n_levels : tuple of int
        Number of levels of each unit.
    """

    n_levels: tuple

    @property
    def n_units(self):
        """Number of units."""
        return len(self.n_levels)

    @property
    def n_columns(self):
        """Number of columns: one a level."""
        return sum(self.n_levels)

    @property
    def n_configurations(self):
        """Number of configurations of all units together."""
        return math.prod(self.n_levels)

    @property
    def switches(self):
        """Number the units, for each column the one whose level it is."""
        sizes = np.array(self.n_levels, dtype=int)
        return np.repeat(np.where(sizes > 1, np.arange(len(sizes)), -1), sizes)

    def draw(self, field, noise, beta=1.0):
        """Draw units, one level of each; boolean."""
        field *= np.reshape(beta, (-1, 1)).astype(field.dtype)
        on = np.zeros(field.shape, dtype=bool)
        variates = noise.draw((len(field), self.n_units))
        for units, columns in self._alike():
            own = field[:, columns]
            level = _drawn_levels(own, variates[:, units])
            on[:, columns] = np.arange(own.shape[2]) == level[..., np.newaxis]
        return on

    def mean(self, field):
        """Compute the probability of each level; overwrites `field`."""
        for _, columns in self._alike():
            own = field[:, columns]
            own -= own.max(axis=2, keepdims=True)
            np.exp(own, out=own)
            own /= own.sum(axis=2, keepdims=True)
            field[:, columns] = own
        return field

    def natural(self, mean):
        """Give the field in which levels have these probabilities."""
        return np.log(mean)

    def variance(self, mean):
        """Compute the variance of columns that are on with these probabilities."""
        return mean * (1 - mean)

    def log_normaliser(self, field):
        """Sum over units the log of the sum of exp(field) over levels, in nats."""
        return self._log_sums(field).sum(axis=1)

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field); see `Units`."""
        score = np.where(observed, states, 0.0) @ field.T
        return score - observed[:, self._starts] @ self._log_sums(field).T

    def log_missing(self, field, states, observed):
        """Sum over what is missing of each row; see `Units`."""
        known = np.where(observed, states * field, 0.0).sum(axis=1, dtype=np.float64)
        missing = np.where(observed[:, self._starts], 0.0, self._log_sums(field))
        return known + missing.sum(axis=1, dtype=np.float64)

    def _log_sums(self, field):
        """Give the log normaliser of each unit, shape (n_rows, n_units)."""
        sums = np.empty((len(field), self.n_units), field.dtype)
        for units, columns in self._alike():
            sums[:, units] = log_sum_of_levels(field[:, columns])
        return sums

    @property
    def _starts(self):
        """First column of each unit."""
        return np.cumsum((0, *self.n_levels))[:-1]

    def configurations(self, numbers):
        """List configurations by their numbers, the last unit changing fastest."""
        levels = np.unravel_index(numbers, self.n_levels)
        return self.encode(np.column_stack(levels)).astype(np.float64)

    def encode(self, values):
        """Give the columns of numbers of levels, (n_rows, n_units), boolean."""
        on = np.zeros((len(values), self.n_columns), dtype=bool)
        on[np.arange(len(values))[:, np.newaxis], self._starts + values] = True
        return on

    def decode(self, states):
        """Give the numbers of the levels that are on, (n_rows, n_units)."""
        return np.column_stack(
            [states[:, columns].argmax(axis=1) for columns in self._columns()]
        )

    def _columns(self):
        stop = 0
        for n_levels in self.n_levels:
            start, stop = stop, stop + n_levels
            yield slice(start, stop)

    def _alike(self):
        """List units of as many levels: their numbers, and columns, a row for each."""
        return _alike(self.n_levels)


@lru_cache(maxsize=32)
def _alike(n_levels):
    sizes, starts = np.array(n_levels, dtype=int), np.cumsum((0, *n_levels))[:-1]
    groups = []
    for size in np.unique(sizes):
        units = np.flatnonzero(sizes == size)
        groups.append((units, starts[units][:, np.newaxis] + np.arange(size)))
    return groups


def draw_levels(field, noise):
    """Draw the level of one unit in each row.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_levels)
        Logarithms of the odds of levels; left as it is.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    level : ndarray of shape (n_rows,)
        Its number.
    """
    return _drawn_levels(field, noise.draw((len(field), 1))[:, 0])


def _drawn_levels(field, variates):
    """Draw levels, the last axis of a field, by variates between -1 and 1."""
    ends = np.exp(field - field.max(axis=-1, keepdims=True)).cumsum(axis=-1)
    point = (1 + variates[..., np.newaxis]) / 2 * ends[..., -1:]
    return (ends[..., :-1] <= point).sum(axis=-1)


def log_sum_of_levels(field):
    """Compute the log of the sum of exp(field) over levels, the last axis.

    They are finite. The same as `scipy.special.logsumexp` at a tenth of its time.
    """
    highest = field.max(axis=-1, keepdims=True)
    return highest[..., 0] + np.log(np.exp(field - highest).sum(axis=-1))
