import numpy as np
import pytest
from scipy.stats import chi2
from statistical import assert_mean_is

from skebm.detection.robust_offset import robust_offset, weighted_quantile


def gaussian_scores(n_features, n_samples=20_001):
    """Log-densities of Gaussian rows, less a constant, at evenly spaced quantiles."""
    # With 4 k + 1 points the quartiles of the sample are quantiles at these places.
    return -chi2.ppf(np.arange(1, n_samples + 1) / (n_samples + 1), n_features) / 2


@pytest.mark.parametrize("n_features", [1, 2, 5, 30, 1000])
def test_five_percent_of_gaussian_rows_are_below(n_features):
    offset = robust_offset(gaussian_scores(n_features))
    # The quartiles of the points are off by 1 / n_samples of the probability at most.
    assert chi2.sf(-2 * offset, n_features) == pytest.approx(0.05, rel=2e-3)


@pytest.mark.parametrize("n_features", [1, 10])
def test_the_share_of_new_gaussian_rows_below(n_features):
    shares = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        offset = robust_offset(-rng.chisquare(n_features, 10_000) / 2)
        shares.append([chi2.sf(-2 * offset, n_features)])
    assert_mean_is([0.05], shares)


def test_units_and_zero_of_the_scores_do_not_matter():
    scores = np.random.default_rng(0).normal(size=500) ** 3
    offset = robust_offset(scores)
    # Root finding stops at a relative error of 1e-12 of the shape.
    assert robust_offset(1e4 * scores + 7) == pytest.approx(1e4 * offset + 7, rel=1e-9)


def test_outliers_do_not_hide_themselves():
    scores = gaussian_scores(3, 1001)  # in falling order
    spoilt = scores.copy()
    spoilt[-240:] -= 1e6
    assert robust_offset(spoilt) == robust_offset(scores)


def test_quartiles_more_skew_than_those_of_one_feature():
    scores = np.repeat([0.0, -1.0, -11.0], [2, 1, 2])
    # Quartiles at 0, -1 and -11: the law is that of one feature, stretched.
    low, high, extreme = chi2.ppf([0.25, 0.75, 0.95], 1)
    expected = -11 - (extreme - high) * 11 / (high - low)
    assert robust_offset(scores) == pytest.approx(expected, rel=1e-12)


def test_quartiles_that_lean_the_other_way_are_taken_for_normal():
    scores = np.repeat([0.0, -10.0, -11.0], [2, 1, 2])
    # The quantiles of a normal law are 0.6745 and 1.6449 standard deviations out.
    expected = -11 - (1.6449 - 0.6745) * 11 / (2 * 0.6745)
    assert robust_offset(scores) == pytest.approx(expected, rel=2e-3)


def test_equal_quartiles_leave_the_fifth_percentile():
    scores = np.r_[np.zeros(180), np.arange(-20.0, 0.0)]
    assert robust_offset(scores) == np.quantile(scores, 0.05)
    assert robust_offset(np.array([-3.0])) == -3.0


# ---- weights ----


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25, 0.5, 0.613, 1.0])
@pytest.mark.parametrize("shape", [(30,), (30, 3)])
def test_whole_weights_are_repeats(share, shape):
    rng = np.random.default_rng(0)
    values, repeats = rng.normal(size=shape).round(1), rng.integers(1, 5, 30)
    expected = np.quantile(np.repeat(values, repeats, axis=0), share, axis=0)
    found = weighted_quantile(values, share, repeats.astype(float))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("weight", [None, 1.0, 0.3, 5.0])
def test_equal_weights_are_none(weight):
    values = np.random.default_rng(0).normal(size=(30, 2))
    weights = None if weight is None else np.full(30, weight)
    found = weighted_quantile(values, 0.3, weights)
    np.testing.assert_array_equal(found, np.quantile(values, 0.3, axis=0))
    assert robust_offset(values[:, 0], weights) == robust_offset(values[:, 0])


def test_shares_are_as_good_as_counts():
    values, shares = np.arange(1000.0), np.arange(1000.0) + 1
    shares /= shares.sum()
    for share in (0.1, 0.5, 0.9):
        # Half of the weight is below a value whose square is half of that of all.
        found = weighted_quantile(values, share, shares)
        assert found == pytest.approx(1000 * np.sqrt(share), abs=2)


def test_ties_are_their_own_quantile():
    """Not rounded, which would put equal rows on different sides of it."""
    values = np.repeat([0.1, 0.7], [5, 40])
    weights = np.random.default_rng(0).random(45) * 3
    for share in np.linspace(0.3, 1, 50):
        assert weighted_quantile(values, share, weights) == 0.7
    assert robust_offset(values, weights) == weighted_quantile(values, 0.05, weights)


def test_the_weighted_offset_is_that_of_repeated_scores():
    scores, rng = gaussian_scores(3, 301), np.random.default_rng(0)
    repeats = rng.integers(1, 5, 301)
    expected = robust_offset(np.repeat(scores, repeats))
    found = robust_offset(scores, repeats.astype(float))
    assert found == pytest.approx(expected, rel=1e-12)
