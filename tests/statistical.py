"""Checks of random results, with the chance of a false alarm stated."""

import numpy as np
from scipy import stats


def assert_draws_from(law, drawn, *, false_alarm=1e-4):
    """Hold draws of a discrete law to it by a chi-square test.

    Parameters
    ----------
    law : ndarray of shape (n_states,)
        Probabilities.
    drawn : ndarray of shape (n_draws,)
        Numbers of the states drawn, independently.
    false_alarm : float, default=1e-4
        Probability that draws from the right law fail, for a random seed.
    """
    counts = np.bincount(drawn, minlength=len(law))
    expected = law * len(drawn)
    # States too rare for the chi-square approximation are taken together.
    rare = expected < 5
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
        if expected[-1] < 5:
            assert counts[-1] <= stats.poisson.isf(false_alarm, expected[-1])
            counts, expected = counts[:-1], expected[:-1]
            expected *= counts.sum() / expected.sum()
    if len(counts) == 1:
        return  # all draws are of the one state that is not rare, as they should be
    assert stats.chisquare(counts, expected).pvalue > false_alarm


def assert_mean_is(exact, replicates, *, n_errors=5):
    """Hold the mean of replicates to its exact value, entry by entry.

    Parameters
    ----------
    exact : ndarray
        Expectation of every replicate.
    replicates : ndarray of shape (n_replicates, *exact.shape)
        Independent.
    n_errors : float, default=5
        How many standard errors an entry may be off: 5 is passed by a right one
        but for a chance of 6e-7.
    """
    mean = np.mean(replicates, axis=0)
    error = np.std(replicates, axis=0, ddof=1) / np.sqrt(len(replicates))
    assert np.all(error > 0)
    np.testing.assert_array_less(np.abs(mean - exact) / error, n_errors)
