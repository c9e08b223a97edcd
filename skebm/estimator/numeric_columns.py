"""Columns of numbers: values that many rows share, and skewed rest."""

__all__ = ["NumberColumn"]

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import yeojohnson

# A value that so many rows share, at least, can have a level of its own.
_LEAST_SHARED = 5

# Distinct values below which there is no skewness to speak of.
_LEAST_DISTINCT = 10

# Powers beyond these follow single rows.
_POWERS = -1.0, 3.0

# Beyond the values seen, in standard deviations, the power goes on as a straight line.
_MARGIN = 0.5

# Of normal numbers, how far the quartiles are apart, in standard deviations.
_NORMAL_QUARTILES = 1.349

# Numbers that vary by less than this share of their size vary by rounding.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class NumberColumn:
    """How numbers become a level and a real value, and back.

    Numbers that many rows share, as zeros of a sum that most people do not have, get
    levels of their own, which have probabilities. All others have a density. These are
    straightened by a Yeo-Johnson power [1]_, beyond the numbers seen by a straight
    line: so that every real value is that of one number.

    Parameters
    ----------
    atoms : ndarray of shape (n_atoms,)
        The numbers that have levels of their own, rising.
    centre, scale : float
        What is subtracted from others, and what they are divided by.
    power : float
        Of Yeo and Johnson. 1 leaves them as they are.
    lowest, highest : float
        Between which the power bends them.

    References
    ----------
    .. [1] Yeo, I.-K. and Johnson, R. A. (2000). A new family of power transformations
       to improve normality or symmetry. Biometrika 87(4), 954-959.
    """

    atoms: np.ndarray
    centre: float
    scale: float
    power: float
    lowest: float
    highest: float

    @classmethod
    def learn(cls, numbers, weights, share, bends):
        """Learn from numbers, of which NaN are missing.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows,)
            Float64.
        weights : ndarray of shape (n_rows,)
            What each row counts, not negative.
        share : float
            Of the rows, which share a number that gets a level of its own.
        bends : bool
            Whether to straighten the others, in standard units. Else they stay.
        """
        known = ~np.isnan(numbers) & (weights > 0)
        values, which = np.unique(numbers[known], return_inverse=True)
        counts = np.bincount(which, weights[known])
        often = counts >= max(share * counts.sum(), _LEAST_SHARED)
        atoms = values[often]
        if counts[~often].sum() >= _LEAST_SHARED:
            values, counts = values[~often], counts[~often]
        elif len(values) == 0:
            values, counts = np.zeros(1), np.ones(1)
        if not bends:
            ends = float(values.min()), float(values.max())
            return cls(atoms, 0.0, 1.0, 1.0, *ends)
        # Squares of numbers of any size are then numbers.
        size = np.abs(values).max() or 1.0
        spread = _spread(values / size, counts)
        centre, scale = _middle(values, counts), 1.0
        if spread > _ROUNDING:
            scale = float(spread * size)
        unit, power = (values - centre) / scale, 1.0
        if len(values) >= _LEAST_DISTINCT:
            power = _best_power(unit, counts)
        ends = float(unit.min()) - _MARGIN, float(unit.max()) + _MARGIN
        return cls(atoms, centre, scale, power, *ends)

    @classmethod
    def unchanged(cls):
        """Give one that leaves numbers as they are."""
        return cls(np.empty(0), 0.0, 1.0, 1.0, -np.inf, np.inf)

    @property
    def n_levels(self):
        """Number of levels: none, or one for each atom and one for all others."""
        return len(self.atoms) + 1 if len(self.atoms) else 0

    def encode(self, numbers):
        """Give levels, -1 where missing, and real values, NaN where they have none."""
        level = np.full(len(numbers), -1)
        known = ~np.isnan(numbers)
        level[known] = len(self.atoms)
        for number, atom in enumerate(self.atoms):
            level[numbers == atom] = number
        values = np.full(len(numbers), np.nan)
        others = level == len(self.atoms)
        values[others] = self._bent((numbers[others] - self.centre) / self.scale)
        return level, values

    def decode(self, level, values):
        """Give numbers of levels, where there are any, and real values."""
        numbers = self.centre + self.scale * self._straight(values)
        if not len(self.atoms):
            return numbers
        own = np.append(self.atoms, np.nan)[level]
        return np.where(level == len(self.atoms), numbers, own)

    def log_slope(self, values):
        """Compute the log of the derivative of real values by numbers."""
        unit = np.clip(self._straight(values), self.lowest, self.highest)
        exponent = np.where(unit >= 0, self.power - 1, 1 - self.power)
        return exponent * np.log1p(np.abs(unit)) - np.log(self.scale)

    def _bent(self, unit):
        if self.power == 1:
            return unit
        inside = np.clip(unit, self.lowest, self.highest)
        bent = yeojohnson(inside, self.power) if len(inside) else inside
        slope = np.where(inside >= 0, self.power - 1, 1 - self.power)
        return bent + (unit - inside) * (1 + np.abs(inside)) ** slope

    def _straight(self, values):
        if self.power == 1:
            return values
        ends = np.array([self.lowest, self.highest])
        low, high = self._bent(ends)
        inside = np.clip(values, low, high)
        upper, lower = np.maximum(inside, 0), np.minimum(inside, 0)
        power = self.power
        if power == 0:
            up = np.expm1(upper)
        else:
            up = np.expm1(np.log1p(power * upper) / power)
        if power == 2:
            down = -np.expm1(-lower)
        else:
            down = -np.expm1(np.log1p(-(2 - power) * lower) / (2 - power))
        unit = up + down
        slope = (1 + np.abs(unit)) ** np.where(unit >= 0, power - 1, 1 - power)
        return unit + (values - inside) / slope


def _middle(values, counts):
    """Give the median of rising values that occur so often."""
    ends = np.cumsum(counts)
    half = ends[-1] / 2
    first = np.searchsorted(ends, half * (1 - _ROUNDING))
    second = np.searchsorted(ends, half * (1 + _ROUNDING), side="right")
    # Halves first: sums of large numbers need not be numbers.
    return float(values[first] / 2 + values[min(second, len(values) - 1)] / 2)


def _spread(values, counts):
    """Give the standard deviation of rising values, or that of most of them.

    A few that are far from all others would else make these alike.
    """
    ends = np.cumsum(counts)
    low, high = values[np.searchsorted(ends, ends[-1] * np.array([0.25, 0.75]))]
    spread = np.sqrt(_variance(values, counts))
    return min(spread, (high - low) / _NORMAL_QUARTILES) if high > low else spread


def _variance(values, counts):
    mean = np.average(values, weights=counts)
    return np.average((values - mean) ** 2, weights=counts)


def _best_power(unit, counts):
    """Give the power with which values are likeliest to be normal."""
    stretch = np.average(np.sign(unit) * np.log1p(np.abs(unit)), weights=counts)

    def loss(power):
        bent = yeojohnson(unit, power)
        return np.log(_variance(bent, counts)) / 2 - (power - 1) * stretch

    return float(minimize_scalar(loss, bounds=_POWERS, method="bounded").x)
