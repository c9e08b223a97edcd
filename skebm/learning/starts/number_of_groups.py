"""How many groups the rows of a table are best seen as, and how alike."""

__all__ = ["MOST_GROUPS", "choose_groups"]

from copy import deepcopy

import numpy as np

from skebm.learning.starts.groups import fit_groups

# Numbers that are tried, one after the other.
_NUMBERS = (1, 2, 4, 8, 16)
MOST_GROUPS = _NUMBERS[-1]

# Pseudo-rows of the common shape that are tried, for as long as rows gain by more.
_PSEUDO_ROWS = (0.0, 4.0, 16.0, 64.0)

# Parts of the rows, each of which is held out once.
_FOLDS = 3

# Rows looked at, at most, so that it takes seconds.
_MOST_ROWS = 3000

# Nats in a step of EM, below which no more of them are taken.
_LEAST_RISE = 1e-3

# Nats a row, below which more groups are not worth their parameters.
_LEAST_GAIN = 0.01


def choose_groups(rows, n_groups, n_scales, *, rng, **settings):
    """Choose how many groups the start of learning has, and their pseudo-rows.

    A number is better than another if rows that are held out are likelier, on average,
    by more than the standard error of the difference [1]_, and 0.01 nats. So few rows
    have one group.
    Where a few rows decide the average, and its error, it also is if more rows than
    half are likelier, by more than chance.
    Of each number, more pseudo-rows are better than fewer in the same way.

    Parameters
    ----------
    rows, n_scales, rng, **settings
        As of `fit_groups`.
    n_groups : int or "auto"
        A number that is known.

    Returns
    -------
    n_groups : int
        At most `MOST_GROUPS`, or the number that is known.
    pseudo_rows : float
        See `fit_groups`.

    References
    ----------
    .. [1] Smyth, P. (2000). Model selection for probabilistic clustering using
       cross-validated likelihood. Statistics and Computing 10(1), 63-72.
       :doi:`10.1023/A:1008940618127`
    """
    settings["least_rise"] = _LEAST_RISE
    rows = rows[rng.permutation(len(rows))[:_MOST_ROWS]]
    # Equal rows are held out together: to know one is to know the others.
    _, first, number, counts = np.unique(
        rows, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    fold = np.empty(len(first), int)
    fold[np.argsort(first)] = np.arange(len(first)) % _FOLDS
    fold = fold[number.ravel()]

    def best_of(n_groups):
        found, best, scores = [None] * _FOLDS, 0.0, None
        for pseudo_rows in _PSEUDO_ROWS if n_groups > 1 else (0.0,):
            own = np.empty(len(rows))
            for number, start in enumerate(found):
                out = fold == number
                found[number] = fit_groups(
                    rows[~out],
                    n_groups,
                    n_scales,
                    # The same draws, however many numbers are tried.
                    rng=deepcopy(rng),
                    pseudo_rows=pseudo_rows,
                    # With fewer of them, from which it is not far.
                    start=start,
                    **settings,
                )
                own[out] = found[number].scores(rows[out])
            own = own[first]
            if scores is not None and not _is_gain(own - scores, counts):
                break
            best, scores = pseudo_rows, own
        return best, scores

    if n_groups != "auto":
        if n_groups * _FOLDS > len(first):
            return n_groups, 0.0
        return n_groups, best_of(n_groups)[0]
    best, scores = (1, 0.0), None
    for number in _NUMBERS:
        if number * _FOLDS > len(first):
            break
        pseudo_rows, own = best_of(number)
        if scores is not None and not _is_gain(own - scores, counts):
            break
        best, scores = (number, pseudo_rows), own
    return best


def _is_gain(gains, counts):
    """Say whether gains of rows are more than chance, by their mean or their signs."""
    weights = counts / counts.sum()
    mean, root = weights @ gains, 1 / np.linalg.norm(weights)
    error = np.linalg.norm(weights * (gains - mean))
    return mean > _LEAST_GAIN and (
        mean > error or weights @ (gains > 0) > 0.5 + 1 / root
    )
