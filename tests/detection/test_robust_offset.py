import numpy as np
import pytest
from scipy.stats import chi2, lognorm, poisson
from statistical import assert_mean_is

from skebm.detection import robust_offset as robust_offset_module
from skebm.detection.robust_offset import _far, robust_offset, weighted_quantile

CHANCES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.15, 0.35])
LOG_ODDS = np.log(CHANCES / (1 - CHANCES))


def bits(rng, n_samples):
    return (rng.random((n_samples, 10)) < CHANCES).astype(float)


def gaussian_scores(n_features, n_samples=20_001):
    """Log-densities of Gaussian rows, less a constant, at evenly spaced quantiles."""
    # With 4 k + 1 points the quartiles of the sample are quantiles at these places.
    return -chi2.ppf(np.arange(1, n_samples + 1) / (n_samples + 1), n_features) / 2


@pytest.mark.parametrize("n_features", [1, 2, 5, 30, 1000])
def test_five_percent_of_gaussian_rows_are_below(n_features):
    scores = gaussian_scores(n_features)
    offset = robust_offset(scores)
    # Of one feature, 1.1e-5 of the rows are 2.3 times as far out as the 95th
    # percentile, of 1000 the share of a normal law beyond 3.8 deviations: 8e-5.
    share = chi2.sf(-2 * offset, n_features)
    assert 0.05 - 1e-4 < share < 0.05 + 0.006


def test_it_is_the_quantile_of_what_is_not_far_out():
    scores = np.random.default_rng(0).normal(size=1000)
    assert robust_offset(scores) == np.quantile(scores, 0.05)
    spoilt = np.append(scores, np.full(50, -100.0))
    share = (50 + 0.05 * 1000) / 1050
    assert robust_offset(spoilt) == pytest.approx(np.quantile(spoilt, share), rel=1e-12)
    # So it is that of the others but for one of them.
    assert abs((scores < robust_offset(spoilt)).mean() - 0.05) <= 1.5e-3


@pytest.mark.parametrize("n_features", [1, 10])
def test_the_share_of_new_gaussian_rows_below(n_features):
    shares = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        offset = robust_offset(-rng.chisquare(n_features, 10_000) / 2)
        shares.append([chi2.sf(-2 * offset, n_features)])
    scores = gaussian_scores(n_features)
    # The points have not the errors of draws, but what is far out by chance.
    assert_mean_is([chi2.sf(-2 * robust_offset(scores), n_features)], shares)


def test_units_and_zero_of_the_scores_do_not_matter():
    scores = np.random.default_rng(0).normal(size=500) ** 3
    offset = robust_offset(scores)
    # Root finding stops at a relative error of 1e-12 of the shape.
    assert robust_offset(1e4 * scores + 7) == pytest.approx(1e4 * offset + 7, rel=1e-9)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("distance", [1e2, 1e6, 1e300])
def test_far_outliers_do_not_hide_themselves(share, distance):
    scores = gaussian_scores(3, 1001)  # in falling order
    n_far = int(share * 1001)
    spoilt = np.append(scores[: 1001 - n_far], np.full(n_far, -distance))
    offset = robust_offset(spoilt)
    assert offset > -distance
    # The usual rows that are left are those of the whole law, less its far end.
    usual = spoilt[: 1001 - n_far]
    assert abs((usual < offset).mean() - 0.05) < 0.002


def test_outliers_that_hide_behind_farther_ones_are_found_in_turn(monkeypatch):
    rng = np.random.default_rng(0)
    usual = -rng.chisquare(8, 900) / 2
    # A tenth of the rows move the upper quartile: at first, far is beyond 18, then 15.
    spoilt = np.concatenate([usual, np.repeat([-16.0, -500.0], 50)])
    offset = robust_offset(spoilt)
    assert abs((usual < offset).mean() - 0.05) < 0.005
    monkeypatch.setattr(robust_offset_module, "_MOST_ROUNDS", 1)
    assert robust_offset(spoilt) < offset


def test_few_rows_have_to_be_farther_out():
    """Whose quartiles are known less well."""
    cut = [_far(gaussian_scores(3, n_rows), None) for n_rows in (41, 401, 40_001)]
    assert cut[0] > cut[1] > cut[2]
    # (1 + 4 / sqrt(n)) times as far from the median, which the points place well.
    median = chi2.ppf(0.5, 3) / 2
    ratio = (cut[1] - median) / (cut[2] - median)
    assert ratio == pytest.approx((1 + 4 / np.sqrt(401)) / (1 + 4 / 200), rel=0.01)


def test_what_is_far_is_told_from_the_law_of_the_quartiles():
    """A gamma law of any shape is stretched to its own."""
    for n_features in (1, 2, 5, 30):
        median, extreme = chi2.ppf([0.5, 0.95], n_features) / 2
        far = _far(gaussian_scores(n_features), None)
        expected = median + 2.3 * (1 + 4 / np.sqrt(20_001)) * (extreme - median)
        assert far == pytest.approx(expected, rel=2e-3)


def test_quartiles_more_skew_than_those_of_one_feature():
    scores = np.repeat([0.0, -1.0, -11.0], [2, 1, 2])
    # Quartiles at 0, -1 and -11: the law is that of one feature, stretched.
    low, high, extreme = chi2.ppf([0.25, 0.75, 0.95], 1)
    extreme = 11 + (extreme - high) * 11 / (high - low)
    expected = 1 + 2.3 * (1 + 4 / np.sqrt(5)) * (extreme - 1)
    assert _far(scores, None) == pytest.approx(expected, rel=1e-12)


def test_quartiles_that_lean_the_other_way_are_taken_for_normal():
    scores = np.repeat([0.0, -10.0, -11.0], [2, 1, 2])
    # The quantiles of a normal law are 0.6745 and 1.6449 standard deviations out.
    extreme = 11 + (1.6449 - 0.6745) * 11 / (2 * 0.6745)
    expected = 10 + 2.3 * (1 + 4 / np.sqrt(5)) * (extreme - 10)
    assert _far(scores, None) == pytest.approx(expected, rel=2e-3)


LAWS = {
    "Gaussian": lambda rng, n: -np.sum(rng.normal(size=(n, 3)) ** 2, axis=1) / 2,
    "exponential": lambda rng, n: -np.sum(rng.exponential(size=(n, 3)), axis=1),
    "lognormal": lambda rng, n: lognorm(1).logpdf(rng.lognormal(size=(n, 3))).sum(1),
    "Poisson": lambda rng, n: poisson(4).logpmf(rng.poisson(4, size=(n, 5))).sum(1),
    "binary": lambda rng, n: bits(rng, n) @ LOG_ODDS,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n_rows", [100, 1000])
def test_false_alarms_of_log_densities_of_any_law(law, n_rows):
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        offset = robust_offset(LAWS[law](rng, n_rows))
        shares.append((LAWS[law](rng, 20_000) < offset).mean())
    assert 0.025 < np.mean(shares) < 0.1


def test_equal_quartiles_leave_the_fifth_percentile():
    scores = np.r_[np.zeros(180), np.arange(-20.0, 0.0)]
    assert robust_offset(scores) == np.quantile(scores, 0.05)
    assert robust_offset(np.array([-3.0])) == -3.0


# ---- weights ----


def test_a_few_scores_do_not_make_all_others_far():
    """Quartiles 0.1 nats apart are those of two patterns, and say nothing of others."""
    scores = np.repeat([-0.7, -0.8, -8.0, -9.0, -20.0], [400, 400, 120, 60, 20])
    assert robust_offset(scores) == np.quantile(scores, 0.05) == -9.0
    # Nor where they differ by rounding.
    rounded = scores + 1e-12 * np.random.default_rng(0).normal(size=1000)
    assert robust_offset(rounded) == pytest.approx(-9.0, abs=1e-11)
    repeats = np.array([400.0, 400, 120, 60, 20])
    values = np.array([-0.7, -0.8, -8.0, -9.0, -20.0])
    assert robust_offset(values, repeats) == pytest.approx(-9.0, rel=1e-12)


def test_far_scores_are_found_among_few_rows():
    """Which have few different scores, but none of them twice."""
    scores = np.append(gaussian_scores(3, 16), [-500.0, -600.0, -700.0])
    assert np.sum(scores < robust_offset(scores)) >= 3


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
