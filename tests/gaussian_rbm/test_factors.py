"""Noise with factors, and which noise is learned by default."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import FactorAnalysis
from statistical import assert_mean_is

from skebm import GaussianRBM

N_FACTORS = 3
QUICK = {"algorithm": "pcd", "max_iter": 100, "random_state": 0}


def table(n_rows=600, n_columns=120, seed=0):
    """Draw rows of a few factors; give them, and their covariance."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(N_FACTORS, n_columns))
    own = rng.uniform(0.5, 2, n_columns)
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, N_FACTORS)) @ factors
    rows += rng.normal(size=rows.shape) * np.sqrt(own)
    return 5 + 10 * rows, 100 * (factors.T @ factors + np.diag(own))


@pytest.fixture(scope="module")
def wide():
    X, _ = table()
    return GaussianRBM(4, **QUICK).fit(X)


def small(**settings):
    X, _ = table(400, 12)
    return GaussianRBM(2, covariance_type="factor", **settings).fit(X), X


def test_wide_tables_have_noise_of_factors(wide):
    assert wide.noise_factors_.shape == (N_FACTORS, 120)
    assert not hasattr(wide, "noise_covariance_")
    own = wide.noise_variance_ - (wide.noise_factors_**2).sum(axis=0)
    assert (own > 0).all()


def test_held_out_rows_are_about_as_likely_as_by_factor_analysis(wide):
    X, _ = table()
    other = FactorAnalysis(N_FACTORS, random_state=0).fit(X)
    new, covariance = table(2000, seed=1)
    # Four hidden units of 120 parameters each have little to say here.
    score = wide.score(new)
    assert score == pytest.approx(other.score(new), abs=4 * 120 / (2 * 600) + 0.5)
    full = clone(wide).set_params(covariance_type="full").fit(X)
    assert score > full.score(new) + 3
    shared = wide.noise_factors_.T @ wide.noise_factors_
    assert np.corrcoef(shared.ravel(), covariance.ravel())[0, 1] > 0.95


def test_narrow_tables_have_noise_of_any_covariance():
    X, _ = table(n_columns=100)
    default = GaussianRBM(2, **QUICK).fit(X)
    full = GaussianRBM(2, covariance_type="full", **QUICK).fit(X)
    np.testing.assert_array_equal(default.noise_covariance_, full.noise_covariance_)
    np.testing.assert_array_equal(default.components_, full.components_)
    assert not hasattr(default, "noise_factors_")


def test_wide_tables_of_many_rows_may_have_any_covariance():
    """Neighbours are alike, and what is drawn is as if it had been asked for."""
    place = np.arange(101)
    root = np.linalg.cholesky(0.9 ** np.abs(place[:, np.newaxis] - place))
    X = np.random.default_rng(0).normal(size=(5000, 101)) @ root.T
    default = GaussianRBM(2, **QUICK).fit(X)
    full = GaussianRBM(2, covariance_type="full", **QUICK).fit(X)
    np.testing.assert_array_equal(default.noise_covariance_, full.noise_covariance_)
    np.testing.assert_array_equal(default.components_, full.components_)


@pytest.mark.parametrize("settings", [{"random_state": 0}, QUICK])
def test_the_density_is_a_mixture_of_normal_ones(settings):
    rbm, X = small(**settings)
    covariance = rbm.noise_factors_.T @ rbm.noise_factors_
    np.fill_diagonal(covariance, rbm.noise_variance_)
    hidden = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    means = rbm.intercept_visible_ + hidden @ rbm.components_
    inverse = np.linalg.inv(covariance)

    def log_weight(rows):
        white = rows - rbm.intercept_visible_
        by_rows = np.einsum("ij,jk,ik->i", white, inverse, white) / -2
        field = rows @ inverse @ rbm.components_.T + rbm.intercept_hidden_
        return by_rows + np.logaddexp(0, field).sum(axis=1)

    energies = rbm.free_energy(X[:50])
    np.testing.assert_allclose(-energies, log_weight(X[:50]), rtol=0, atol=1e-8)
    # Each normal density integrates to as much as its weight beside its height.
    heights = hidden @ rbm.intercept_hidden_
    pull = means @ inverse * means - rbm.intercept_visible_ @ inverse * (
        rbm.intercept_visible_
    )
    heights = heights + pull.sum(axis=1) / 2
    _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
    log_z = np.logaddexp.reduce(heights) + log_det / 2
    assert rbm.log_partition_ == pytest.approx(log_z, abs=1e-8)


def test_exact_learning_ends_at_an_optimum_above_factor_analysis():
    rbm, X = small(random_state=0)
    n_factors = len(rbm.noise_factors_)
    assert n_factors in {N_FACTORS, N_FACTORS + 1}
    assert rbm.score(X) > FactorAnalysis(n_factors).fit(X).score(X) - 0.05
    likelihood = rbm.history_["train_log_likelihood"]
    assert likelihood[-1] > likelihood[0]


@pytest.mark.parametrize("settings", [{}, {"algorithm": "pcd", "max_iter": 300}])
def test_units_of_columns_do_not_matter(settings):
    rbm, X = small(random_state=0, **settings)
    units = np.geomspace(1e-3, 1e3, X.shape[1])
    other = clone(rbm).fit(X * units)
    np.testing.assert_allclose(
        other.noise_variance_, rbm.noise_variance_ * units**2, rtol=1e-3
    )
    rise = other.score(X * units) - rbm.score(X)
    assert rise == pytest.approx(-np.log(units).sum(), abs=0.01)


def test_draws_have_the_moments(wide):
    X, _ = table()
    drawn = wide.sample(4000, random_state=0)
    hidden = wide.gibbs(X, n_steps=1, random_state=0)
    assert hidden.shape == X.shape
    own = np.ones(120) / np.sqrt(wide.noise_variance_)
    assert_mean_is(wide.sample(4000, random_state=1).mean(axis=0) @ own, drawn @ own)


def test_parameters_make_the_same_model(wide):
    X, _ = table(n_rows=50)
    again = GaussianRBM.from_parameters(
        wide.components_,
        wide.intercept_visible_,
        wide.intercept_hidden_,
        wide.noise_variance_,
        noise_factors=wide.noise_factors_,
        random_state=0,
    )
    assert again.covariance_type == "factor"
    np.testing.assert_array_equal(again.noise_factors_, wide.noise_factors_)
    np.testing.assert_allclose(again.score_samples(X), wide.score_samples(X), rtol=1e-9)
    again.partial_fit(X)
    assert again.noise_factors_.shape == wide.noise_factors_.shape
    copied = pickle.loads(pickle.dumps(wide))  # noqa: S301
    np.testing.assert_array_equal(copied.score_samples(X), wide.score_samples(X))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"covariance_type": "full"}, "noise_factors go with covariance_type='factor'"),
        ({"covariance_type": "diag"}, "noise_factors go with"),
        ({"noise_variance": 1.0}, "noise_factors go with"),
        ({"noise_factors": None, "covariance_type": "factor"}, "noise_factors go with"),
        ({"noise_factors": [[1.0, 0.0]]}, "noise_factors leave feature 0 no noise"),
        ({"noise_factors": [[0.1]]}, r"noise_factors has shape \(1, 1\)"),
        ({"noise": np.eye(2)}, "With noise_factors, noise must be the variances"),
        ({"scales": [1.0, 2.0]}, "learned with other noise"),
    ],
)
def test_parameters_that_do_not_fit(settings, message):
    settings = {"noise": [1.0, 1.0], "noise_factors": [[0.5, 0.5]], **settings}
    with pytest.raises(ValueError, match=message):
        GaussianRBM.from_parameters([[1.0, 0.0]], [0.0, 0.0], [0.0], **settings)


def test_scales_have_other_noise():
    X, _ = table(100, 12)
    with pytest.raises(ValueError, match="learned with other noise"):
        GaussianRBM(2, covariance_type="factor", n_scales=2).fit(X)
    X, _ = table(150, 101)
    rbm = GaussianRBM(1, n_scales=2, **QUICK).fit(X)
    assert rbm.noise_covariance_.shape == (101, 101)


def test_chunks_go_by_the_first():
    X, _ = table()
    rbm = GaussianRBM(2, random_state=0)
    for start in range(0, 600, 300):
        rbm.partial_fit(X[start : start + 300])
    assert rbm.noise_factors_.shape == (N_FACTORS, 120)
    with pytest.raises(ValueError, match="covariance_type was auto"):
        rbm.set_params(covariance_type="full").partial_fit(X)


def test_a_fit_forgets_the_noise_of_another():
    X, _ = table(400, 12)
    rbm = GaussianRBM(2, covariance_type="factor", random_state=0).fit(X)
    rbm.set_params(covariance_type="full").fit(X)
    assert not hasattr(rbm, "noise_factors_")
    rbm.set_params(covariance_type="factor").fit(X)
    assert not hasattr(rbm, "noise_covariance_")


def test_missing_values():
    """Scores are those of normal distributions of the columns that are known."""
    X, _ = table(400, 12)
    X[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
    X[:8] = np.where(np.arange(12) < 6, X[:8], np.nan)
    rbm = GaussianRBM(1, covariance_type="factor", **QUICK).fit(X)
    covariance = rbm.noise_factors_.T @ rbm.noise_factors_
    np.fill_diagonal(covariance, rbm.noise_variance_)
    full = GaussianRBM.from_parameters(
        rbm.components_,
        rbm.intercept_visible_,
        rbm.intercept_hidden_,
        (covariance + covariance.T) / 2,
    )
    scores = rbm.score_samples(X[:30])
    np.testing.assert_allclose(scores, full.score_samples(X[:30]), rtol=0, atol=1e-6)


def test_factors_are_found_in_tables_with_gaps():
    """Of 40 % of the values, as many as in complete rows."""
    X, _ = table(400)
    X[np.random.default_rng(0).random(X.shape) < 0.4] = np.nan
    rbm = GaussianRBM(1, algorithm="pcd", max_iter=2, random_state=0).fit(X)
    assert len(rbm.noise_factors_) == N_FACTORS
    new, _ = table(1000, seed=1)
    complete = FactorAnalysis(N_FACTORS).fit(table(400)[0])
    assert rbm.score(new) > complete.score(new) - 6


def test_langevin_chains():
    rbm, _ = small(sampler="langevin", **QUICK)
    assert len(rbm.noise_factors_) in {N_FACTORS, N_FACTORS + 1}
    assert np.isfinite(rbm.sample(3, random_state=0)).all()


def test_rows_of_lowest_energy():
    rbm, X = small(random_state=0)
    minima = rbm.lowest_energy(n_starts=5, random_state=0)
    assert minima.energies.min() < rbm.free_energy(X).min()
    nearby = minima.states + 1e-3 * np.random.default_rng(0).normal(size=(1, 12))
    assert (rbm.free_energy(nearby) > minima.energies).all()
    given = np.where(np.arange(12) < 4, X[:1], np.nan)
    held = rbm.lowest_energy(given=given, n_starts=5, random_state=0)
    np.testing.assert_allclose(
        held.states[:, :4], np.repeat(X[:1, :4], len(held.states), 0)
    )
    slope = rbm.free_energy(held.states + 1e-3 * np.eye(12)[5]) - held.energies
    assert (slope > 0).all()
