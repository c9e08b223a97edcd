"""How many groups the rows of a table are best seen as, how alike and how narrow."""

__all__ = ["FLOOR", "MOST_GROUPS", "GroupSettings", "choose_groups"]

from copy import deepcopy
from typing import NamedTuple

import numpy as np

from skebm.learning.starts.groups import fit_groups

# Numbers that are tried, one after the other.
_NUMBERS = (1, 2, 4, 8, 16)
MOST_GROUPS = _NUMBERS[-1]

# The ridge where none is chosen, and those below that are tried, one after the other.
FLOOR = 1e-3
_FLOORS = (1e-4, 1e-5, 1e-6)

# Pseudo-rows of the common shape that are tried, for as long as rows gain by more.
_PSEUDO_ROWS = (4.0, 16.0, 64.0)

# Parts of the rows, each of which is held out once.
_FOLDS = 3

# Rows looked at, at most, so that it takes seconds.
_MOST_ROWS = 3000

# Nats in a step of EM, below which no more of them are taken.
_LEAST_RISE = 1e-3

# Nats a row, below which more groups are not worth their parameters.
_LEAST_GAIN = 0.01


class GroupSettings(NamedTuple):
    """What `fit_groups` takes beside rows.

    Parameters
    ----------
    n_groups : int
        At most `MOST_GROUPS`, or the number that is known.
    pseudo_rows, ridge : float
        See `fit_groups`.
    """

    n_groups: int
    pseudo_rows: float = 0.0
    ridge: float = FLOOR


class _Trial(NamedTuple):
    """A choice, the mixtures of each fold that it leads to, and what they score."""

    settings: GroupSettings
    mixtures: list
    scores: np.ndarray


class _Folds:
    """Rows, a third of which is held out at a time."""

    def __init__(self, rows, n_scales, *, restricted, rng):
        rows = rows[rng.permutation(len(rows))[:_MOST_ROWS]]
        # A constant column says nothing, and would be likeliest without any floor.
        self._rows = rows[:, np.ptp(rows, axis=0) > 0]
        self._n_scales, self._restricted, self._rng = n_scales, restricted, rng
        # Equal rows are held out together: to know one is to know the others.
        _, self._first, number, self._counts = np.unique(
            rows, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        fold = np.empty(len(self._first), int)
        fold[np.argsort(self._first)] = np.arange(len(self._first)) % _FOLDS
        self._fold = fold[number.ravel()]

    def allow(self, n_groups):
        """Say whether rows are enough to try so many groups."""
        return n_groups * _FOLDS <= len(self._first) and self._rows.size > 0

    def best_of(self, n_groups, ridge):
        """Give the best trial of a number of groups with a ridge."""
        settings = GroupSettings(n_groups, ridge=ridge)
        first = self._trial(settings, [None] * _FOLDS)
        return self.followed(first, "pseudo_rows", _PSEUDO_ROWS if n_groups > 1 else ())

    def followed(self, best, name, values):
        """Try values of a setting for as long as each is better than the one before."""
        for value in values:
            settings = best.settings._replace(**{name: value})
            own = self._trial(settings, best.mixtures)
            if not self.is_better(own, best):
                break
            best = own
        return best

    def _trial(self, settings, starts):
        scores, mixtures = np.empty(len(self._rows)), []
        for number, start in enumerate(starts):
            out = self._fold == number
            mixture = fit_groups(
                self._rows[~out],
                n_scales=self._n_scales,
                restricted=self._restricted,
                # The same draws, however much is tried.
                rng=deepcopy(self._rng),
                least_rise=_LEAST_RISE,
                # From what was found before, from which it is not far.
                start=start,
                **settings._asdict(),
            )
            scores[out] = mixture.scores(self._rows[out])
            mixtures.append(mixture)
        return _Trial(settings, mixtures, scores[self._first])

    def is_better(self, trial, other):
        """Say whether rows gain more than by chance, by their mean or their signs."""
        gains, weights = trial.scores - other.scores, self._counts / self._counts.sum()
        mean, root = weights @ gains, 1 / np.linalg.norm(weights)
        error = np.linalg.norm(weights * (gains - mean))
        return mean > _LEAST_GAIN and (
            mean > error or weights @ (gains > 0) > 0.5 + 1 / root
        )


def choose_groups(rows, n_groups, n_scales, *, ridge, restricted, rng):
    """Choose how many groups the start of learning has, their pseudo-rows and ridge.

    A number is better than another if rows that are held out are likelier, on average,
    by more than the standard error of the difference [1]_, and 0.01 nats. So few rows
    have one group.
    Where a few rows decide the average, and its error, it also is if more rows than
    half are likelier, by more than chance.
    Of each number, more pseudo-rows are better than fewer in the same way.
    So is a smaller ridge of the best number, with which more groups are tried again.
    One group of one scale keeps `FLOOR`: what a smaller one is good for, and bad, are
    values that rows share, of which a normal distribution says nothing.

    Parameters
    ----------
    rows, n_scales, restricted, rng
        As of `fit_groups`.
    n_groups : int or "auto"
        A number that is known.
    ridge : float or "auto"
        As of `fit_groups` where it is known.

    Returns
    -------
    settings : GroupSettings
        Where there are too few rows to choose by, without pseudo-rows.

    References
    ----------
    .. [1] Smyth, P. (2000). Model selection for probabilistic clustering using
       cross-validated likelihood. Statistics and Computing 10(1), 63-72.
       :doi:`10.1023/A:1008940618127`
    """
    folds = _Folds(rows, n_scales, restricted=restricted, rng=rng)
    numbers, floors = (n_groups,), ()
    if n_groups == "auto":
        numbers = _NUMBERS
    if ridge == "auto":
        ridge, floors = FLOOR, _FLOORS
    numbers = [number for number in numbers if folds.allow(number)]
    if not numbers:
        return GroupSettings(1 if n_groups == "auto" else n_groups, ridge=ridge)
    best = folds.best_of(numbers.pop(0), ridge)
    best = _with_more(folds, best, numbers)
    if best.settings.n_groups * n_scales > 1:
        narrower = folds.followed(best, "ridge", floors)
        if narrower is not best:
            best = _with_more(folds, narrower, numbers)
    return best.settings


def _with_more(folds, best, numbers):
    """Give the best trial of numbers that rise, for as long as rows gain."""
    for number in numbers:
        if number <= best.settings.n_groups:
            continue
        own = folds.best_of(number, best.settings.ridge)
        if not folds.is_better(own, best):
            break
        best = own
    return best
