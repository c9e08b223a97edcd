import numpy as np
import pytest
from normal_mixture_oracle import (
    covariances,
    log_conditional,
    log_density,
    log_joint,
    with_gaps,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from skebm.detection import normal_mixture
from skebm.detection.conditionals import Feature
from skebm.detection.normal_mixture import NormalMixture

NUMBERS = [Feature(np.array([i]), None) for i in range(4)]

# A category of two columns, the last level of which is none, between two numbers.
MIXED = [
    Feature(np.array([0]), None),
    Feature(np.array([1, 2]), np.array([[1.0, 0.0], [0.0, 1.5], [0.0, 0.0]])),
    Feature(np.array([3]), None),
]


@pytest.fixture(name="mixture")
def make_mixture():
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.2])
    return NormalMixture(shares, rng.normal(size=(3, 4)), covariances(rng, 3, 4))


@pytest.fixture(name="rows")
def make_rows():
    """Rows of two groups, one of them correlated."""
    rng = np.random.default_rng(1)
    second = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)) + 3
    return rng.permutation(np.vstack([rng.normal(size=(300, 4)), second]))


def gaps(rows, share=0.3):
    return with_gaps(np.random.default_rng(2), rows, share)


def like_scikit_learn(mixture):
    """Give scikit-learn's mixture with the same parameters."""
    other = GaussianMixture(len(mixture.shares))
    other.weights_, other.means_ = mixture.shares, mixture.means
    other.covariances_ = mixture.covariances
    other.precisions_cholesky_ = np.linalg.cholesky(mixture.precisions)
    return other


# ---- densities ----


def test_densities_of_complete_rows_are_those_of_scikit_learn(mixture, rows):
    expected = like_scikit_learn(mixture).score_samples(rows)
    # Far rows have log-densities of hundreds of nats.
    assert_allclose(mixture.log_densities(rows), expected, rtol=1e-11)
    assert_array_equal(
        mixture.expected_log_densities(rows), mixture.log_densities(rows)
    )


def test_missing_values_are_integrated_out(mixture, rows):
    rows = gaps(rows[:60])
    expected = [log_density(row, mixture) for row in rows]
    assert_allclose(mixture.log_densities(rows), expected, rtol=1e-10, atol=1e-10)
    expected = [log_joint(row, mixture) for row in rows]
    assert_allclose(mixture.log_joint(rows), expected, rtol=1e-10, atol=1e-10)
    # Nothing is known of the first row.
    assert mixture.log_densities(rows)[0] == pytest.approx(0, abs=1e-12)


def test_expected_densities_gain_minus_the_entropy_of_gaps(mixture, rows):
    rows = gaps(rows[:60])
    expected = []
    for row in rows:
        joint, missing = log_joint(row, mixture), np.flatnonzero(np.isnan(row))
        if len(missing):
            block = np.ix_(missing, missing)
            joint -= [
                multivariate_normal(cov=np.linalg.inv(precision[block])).entropy()
                for precision in mixture.precisions
            ]
        expected.append(logsumexp(joint))
    found = mixture.expected_log_densities(rows)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_expected_densities_are_means_over_completions():
    """Of one component, where the mean is that of the log-density itself."""
    rng = np.random.default_rng(0)
    mean, covariance = rng.normal(size=3), covariances(rng, 1, 3)
    mixture = NormalMixture(np.ones(1), mean[np.newaxis], covariance)
    row = np.array([0.5, np.nan, 2.0])
    precision = np.linalg.inv(covariance[0])
    centre = mean[1] - precision[1, [0, 2]] @ (row - mean)[[0, 2]] / precision[1, 1]
    completed = np.tile(row, (20, 1))
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    completed[:, 1] = centre + nodes / np.sqrt(precision[1, 1])
    exact = np.average(mixture.log_densities(completed), weights=weights)
    found = mixture.expected_log_densities(row[np.newaxis])
    assert_allclose(found, exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("features", [NUMBERS, MIXED])
@pytest.mark.parametrize("complete", [True, False])
def test_conditionals_are_quotients_of_marginals(mixture, rows, features, complete):
    rows = rows[:60].copy()
    if features is MIXED:
        rng = np.random.default_rng(0)
        rows[:, 1:3] = MIXED[1].codes[rng.integers(0, 3, 60)]
    if not complete:
        rows = gaps(rows)
        if features is MIXED:  # a category is known or not
            rows[:, 2] = np.where(np.isnan(rows[:, 1]), np.nan, rows[:, 2])
            rows[np.isnan(rows[:, 2]), 1] = np.nan
    expected = [
        [log_conditional(row, own, mixture) for own in features] for row in rows
    ]
    found = mixture.log_conditionals(rows, features)
    assert_array_equal(np.isnan(found).any(), not complete)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    if features is MIXED:
        assert np.nanmax(found[:, 1]) < 0


def test_blocks_of_rows_are_as_good_as_all(monkeypatch, mixture, rows):
    rows = np.vstack([rows[:50], gaps(rows[50:100])])
    before = (
        mixture.log_densities(rows),
        mixture.expected_log_densities(rows),
        mixture.log_conditionals(rows, NUMBERS),
    )
    sizes = []
    log_joint = NormalMixture.log_joint

    def counted(self, part):
        sizes.append(len(part))
        return log_joint(self, part)

    monkeypatch.setattr(NormalMixture, "log_joint", counted)
    monkeypatch.setattr(normal_mixture, "_BLOCK_WITH_GAPS", 7 * 16)
    after = (
        mixture.log_densities(rows),
        mixture.expected_log_densities(rows),
        mixture.log_conditionals(rows, NUMBERS),
    )
    assert len(sizes) > 10
    for one, other in zip(before, after, strict=True):
        assert_allclose(other, one, rtol=1e-12, atol=1e-12)


# ---- learning ----


def test_a_step_is_that_of_scikit_learn(monkeypatch, rows):
    monkeypatch.setattr(normal_mixture, "_SHARED", 0.0)
    members = np.random.default_rng(0).dirichlet(np.ones(3), len(rows))
    found = NormalMixture._of_members(rows, members, 0.1)
    expected = GaussianMixture(3, reg_covar=0.1)
    expected._m_step(rows, np.log(members))
    assert_allclose(found.shares, expected.weights_, rtol=1e-12)
    assert_allclose(found.means, expected.means_, rtol=1e-10)
    assert_allclose(found.covariances, expected.covariances_, rtol=1e-10, atol=1e-12)


def test_learning_fits_as_well_as_scikit_learn(monkeypatch, rows):
    monkeypatch.setattr(normal_mixture, "_SHARED", 0.0)
    found = NormalMixture.learn(rows, 2, 0.1, np.random.RandomState(0))
    expected = GaussianMixture(2, reg_covar=0.1, random_state=0).fit(rows)
    # Both stop when a step gains less than 1e-3.
    mean = found.log_densities(rows).mean()
    assert mean == pytest.approx(expected.score(rows), abs=0.01)


def test_what_is_shared_is_the_spread_around_all_means(rows):
    members = np.random.default_rng(0).dirichlet(np.ones(2), len(rows))
    found = NormalMixture._of_members(rows, members, 0.1)
    sums = []
    for own, mean in zip(members.T, found.means, strict=True):
        assert_allclose(mean, np.average(rows, axis=0, weights=own), rtol=1e-10)
        sums.append(own * (rows - mean).T @ (rows - mean))
    pooled = sum(sums) / len(rows)
    for own, total, covariance in zip(members.T, sums, found.covariances, strict=True):
        expected = (total + 20 * pooled) / (own.sum() + 20) + 0.1 * np.eye(4)
        assert_allclose(covariance, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 7])
def test_no_more_components_than_half_of_the_rows(n_rows):
    rows = np.random.default_rng(0).normal(size=(n_rows, 2))
    found = NormalMixture.learn(rows, 5, 0.1, np.random.RandomState(0))
    assert len(found.shares) == max(1, n_rows // 2)
    assert np.isfinite(found.log_densities(rows)).all()


def test_rows_that_are_all_the_same():
    rows = np.tile([1.0, 2.0, 3.0], (50, 1))
    found = NormalMixture.learn(rows, 5, 0.1, np.random.RandomState(0))
    assert_array_equal(found.shares, [1])
    law = multivariate_normal([1, 3], 0.1 * np.eye(2))
    new = np.array([[1.5, np.nan, 3.0]])
    assert_allclose(found.log_densities(new), law.logpdf([1.5, 3]), rtol=1e-9)


def test_a_few_rows_alike_are_no_narrow_component():
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(size=(480, 2)), np.tile([8.0, 8.0], (10, 1))])
    found = NormalMixture.learn(rows, 2, 0.1, np.random.RandomState(0))
    assert_allclose(sorted(found.shares), [10 / 490, 480 / 490], atol=1e-3)
    narrow = found.covariances[np.argmin(found.shares)]
    # Two thirds of the common variance of about 1, and the ridge.
    assert_allclose(np.diag(narrow), 20 / 30 + 0.1, atol=0.15)
