"""How many groups the rows of a table are best seen as."""

__all__ = ["MOST_GROUPS", "number_of_groups"]

import numpy as np

from skebm.learning.starts.groups import fit_groups

# Numbers that are tried, one after the other.
_NUMBERS = (1, 2, 4, 8, 16)
MOST_GROUPS = _NUMBERS[-1]

# Parts of the rows, each of which is held out once.
_FOLDS = 3

# Rows looked at, at most, so that it takes seconds.
_MOST_ROWS = 3000

# Nats in a step of EM, below which no more of them are taken.
_LEAST_RISE = 1e-3

# Nats a row, below which more groups are not worth their parameters.
_LEAST_GAIN = 0.01


def number_of_groups(rows, n_scales, *, rng, **settings):
    """Choose how many groups the start of learning has.

    A number is better than another if rows that are held out are likelier, on average,
    by more than the standard error of the difference [1]_, and 0.01 nats. So few rows
    have one group.
    Where a few rows decide the average, and its error, it also is if more rows than
    half are likelier, by more than chance.

    Parameters
    ----------
    rows, n_scales, rng, **settings
        As of `fit_groups`.

    Returns
    -------
    n_groups : int
        At most `MOST_GROUPS`.

    References
    ----------
    .. [1] Smyth, P. (2000). Model selection for probabilistic clustering using
       cross-validated likelihood. Statistics and Computing 10(1), 63-72.
       :doi:`10.1023/A:1008940618127`
    """
    settings |= {"rng": rng, "least_rise": _LEAST_RISE}
    rows = rows[rng.permutation(len(rows))[:_MOST_ROWS]]
    # Equal rows are held out together: to know one is to know the others.
    _, first, number, counts = np.unique(
        rows, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    fold = np.empty(len(first), int)
    fold[np.argsort(first)] = np.arange(len(first)) % _FOLDS
    fold = fold[number.ravel()]

    def held_out(n_groups):
        scores = np.empty(len(rows))
        for number in range(_FOLDS):
            out = fold == number
            sizes = n_groups, n_scales
            found = fit_groups(rows[~out], *sizes, **settings)
            scores[out] = found.scores(rows[out])
        return scores

    best, scores = 1, None
    for n_groups in _NUMBERS:
        if n_groups * _FOLDS > len(first):
            break
        own = held_out(n_groups)[first]
        if scores is not None and not _is_gain(own - scores, counts):
            break
        best, scores = n_groups, own
    return best


def _is_gain(gains, counts):
    """Say whether gains of rows are more than chance, by their mean or their signs."""
    weights = counts / counts.sum()
    mean, root = weights @ gains, 1 / np.linalg.norm(weights)
    error = np.linalg.norm(weights * (gains - mean))
    return mean > _LEAST_GAIN and (
        mean > error or weights @ (gains > 0) > 0.5 + 1 / root
    )
