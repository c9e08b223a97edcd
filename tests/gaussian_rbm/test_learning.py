"""Learning through the estimator: recovery, chunks, stopping, penalties."""

import numpy as np
import pytest
from mixture_oracle import MixtureOracle, two_sources
from scipy import stats
from scipy.special import logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skebm import GaussianRBM

# ---- what is found ----


def truth(share):
    """Two independent units, on in a share of the rows, and correlated noise."""
    covariance = np.array(
        [[1.0, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 0.5, 0.1], [0, 0, 0.1, 2]]
    )
    components = np.array([[3.0, -1, 0, 0], [0, 0, 2, 3]])
    visible = np.array([1.0, 2, 3, 4])
    skewed = MixtureOracle(components, visible, [0, 0], covariance)
    none, second, first, _ = skewed.log_law
    bias = logit(share) + none - np.array([first, second])
    return MixtureOracle(components, visible, bias, covariance)


@pytest.fixture(name="clusters", scope="module")
def draw_clusters():
    """Draw two clusters in two columns of four, which one hidden unit describes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 4))
    X[:, :2] += np.outer(rng.random(2000) < 0.3, [4, -3])
    return X * [1, 100, 1, 100]


def test_exact_learning_recovers_a_machine():
    """Twice the gain in likelihood over the truth is chi-square in large samples."""
    oracle = truth(0.2)
    n_rows = 20_000
    rng = np.random.default_rng(0)
    X = oracle.draw_rows(n_rows, rng)
    np.testing.assert_allclose(oracle.law, [0.64, 0.16, 0.16, 0.04], rtol=1e-9)
    settings = {"reg_covar": 1e-9, "tol": 1e-5}
    fits = [GaussianRBM(2, random_state=seed, **settings).fit(X) for seed in range(4)]
    rbm = max(fits, key=lambda rbm: rbm.score(X))
    gain = rbm.score_samples(X) - oracle.log_density(X)
    n_parameters = 2 * 4 + 2 + 4 + 10
    assert 0 < 2 * gain.sum() < stats.chi2(n_parameters).isf(1e-6)
    unseen = oracle.draw_rows(n_rows, rng)
    loss = oracle.log_density(unseen) - rbm.score_samples(unseen)
    assert abs(loss.mean()) < 4 * loss.std() / np.sqrt(n_rows)
    # Up to which units are called on, the means are the same.
    means = MixtureOracle.of(rbm).means
    distance = np.linalg.norm(means[:, np.newaxis] - oracle.means, axis=2)
    assert distance.min(axis=0).max() < 0.15


def test_the_default_finds_clusters():
    """Four, equally frequent: flatter than any normal distribution."""
    oracle = truth(0.5)
    X = oracle.draw_rows(2000, np.random.default_rng(0))
    rbm = GaussianRBM(random_state=0).fit(X)
    assert rbm.score(X) > oracle.log_density(X).mean()
    assert rbm.score(X) > GaussianMixture().fit(X).score(X) + 0.3


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_the_default_comes_close_to_the_best_of_ten_restarts(kind):
    X = two_sources(2000)
    scores = [
        GaussianRBM(4, covariance_type=kind, random_state=seed).fit(X).score(X)
        for seed in range(10)
    ]
    assert scores[0] > max(scores) - 0.01
    normal = GaussianMixture().fit(X).score(X)
    assert scores[0] > normal + (0.1 if kind == "full" else 0.02)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"covariance_type": "diag"},
        {"algorithm": "cd"},
        {"solver": "sgd", "max_iter": 4000},
        {"tempering": True, "n_chains": 50},
        {"n_gibbs_steps": 5},
    ],
    ids=str,
)
def test_chains_learn_what_sums_learn(clusters, settings):
    kind = settings.get("covariance_type", "full")
    exact = GaussianRBM(4, covariance_type=kind, random_state=0).fit(clusters)
    settings = {"algorithm": "pcd", "max_iter": 1000, **settings}
    rbm = GaussianRBM(4, random_state=0, **settings).fit(clusters)
    # The best there is, but for what the floor costs.
    best = exact.score(clusters)
    assert best - 0.02 < rbm.score(clusters) < best + 0.002
    assert rbm.score(clusters) > GaussianMixture().fit(clusters).score(clusters) + 0.3


@pytest.mark.parametrize("factor", [0.1, 10])
def test_learning_stands_other_rates(factor):
    X = two_sources(1000)
    settings = {"algorithm": "pcd", "n_chains": 100, "random_state": 0}
    default = GaussianRBM(4, **settings).fit(X).score(X)
    rbm = GaussianRBM(4, learning_rate=0.1 * factor, **settings)
    # At a tenth the way is not at its end, at ten times as much steps are noisy.
    assert abs(rbm.fit(X).score(X) - default) < 0.2


# ---- which algorithm ----


def test_the_default_sums_over_few_units_and_uses_chains_for_many():
    X = two_sources(200)
    few = GaussianRBM(10, max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        few.fit(X)
    assert set(few.history_) == {"n_iter", "train_log_likelihood"}
    many = GaussianRBM(11, max_iter=3, random_state=0).fit(X)
    assert "learning_rate" in many.history_
    stopped = GaussianRBM(2, early_stopping=True, max_iter=3, random_state=0).fit(X)
    assert "learning_rate" in stopped.history_


def test_exact_learning_says_when_there_are_too_many_units():
    rbm = GaussianRBM(21, algorithm="exact")
    with pytest.raises(ValueError, match="more than 20 units"):
        rbm.fit(two_sources(50))


def test_exact_learning_needs_all_rows_at_once():
    rbm = GaussianRBM(2, algorithm="exact")
    assert not hasattr(rbm, "partial_fit")
    with pytest.raises(ValueError, match="early_stopping needs a stochastic"):
        rbm.set_params(early_stopping=True).fit(two_sources(50))


# ---- what a fit tells of its way ----


@pytest.mark.parametrize("n_components", [4, 12])
def test_history_is_in_the_units_of_score(n_components):
    X = two_sources(800) * [1e6, 1e-3]
    rbm = GaussianRBM(n_components, algorithm="pcd", max_iter=300, random_state=0)
    rbm.fit(X)
    history = rbm.history_
    assert list(history["n_iter"]) == [0, 100, 200, 300]
    assert np.isnan(history["validation_log_likelihood"]).all()
    assert np.isfinite(history["train_log_likelihood"]).all()
    # Few units are summed over, and rows scored in float32; log Z of more units is
    # estimated, with an error of some hundredths.
    tolerance = 1e-4 if n_components == 4 else 0.3
    assert history["train_log_likelihood"][-1] == pytest.approx(
        rbm.score(X), abs=tolerance
    )


def test_log_partition_of_the_history_is_that_of_the_centred_energy():
    """It goes with the rows as the model works with them, and with their volume."""
    X = two_sources(800) + 100
    rbm = GaussianRBM(3, algorithm="pcd", max_iter=300, random_state=0).fit(X)
    assert rbm.history_["log_partition"][-1] == pytest.approx(
        rbm.log_partition_, rel=1e-4
    )


# ---- early stopping ----


def test_early_stopping_rescues_a_fit_that_overfits():
    rng = np.random.default_rng(0)
    X = rng.laplace(size=(150, 6))
    unseen = rng.laplace(size=(5000, 6))
    settings = {"validation_fraction": 0.3, "n_iter_no_change": 5, "random_state": 0}
    stopped = GaussianRBM(12, early_stopping=True, **settings).fit(X)
    fixed = GaussianRBM(12, max_iter=stopped.n_iter_, **settings).fit(X)
    assert stopped.score(unseen) > fixed.score(unseen) + 0.2
    assert stopped.n_iter_ < 20_000
    held_out = stopped.history_["validation_log_likelihood"]
    assert np.isfinite(held_out).all()
    assert np.argmax(held_out) < len(held_out) - 1


# ---- chunks ----


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_chunks_approach_a_fit(clusters, kind):
    X = clusters / [1, 100, 1, 100]
    fit = GaussianRBM(4, covariance_type=kind, random_state=0).fit(X)
    rbm = GaussianRBM(4, covariance_type=kind, random_state=0)
    for _ in range(40):
        for start in range(0, 2000, 500):
            rbm.partial_fit(X[start : start + 500])
    assert rbm.n_iter_ == 40 * 4 * 3
    assert fit.score(X) - 0.02 < rbm.score(X) < fit.score(X) + 0.002


def test_chunks_may_be_of_another_scale_than_the_first():
    """The first settles the units, in which others are learned all the same."""
    X = two_sources(2000)
    rbm = GaussianRBM(2, random_state=0).partial_fit(0.1 * X[:100] + 1)
    for _ in range(60):
        rbm.partial_fit(X)
    normal = GaussianMixture().fit(X).score(X)
    assert rbm.score(X) > normal - 0.02
    rbm = GaussianRBM(2, random_state=0).partial_fit(10 * X[:100] - 5)
    for _ in range(60):
        rbm.partial_fit(X)
    assert rbm.score(X) > normal - 0.02


def test_learning_goes_on_from_a_fit():
    X = two_sources(1000)
    rbm = GaussianRBM(3, random_state=0).fit(X)
    best, n_iter = rbm.score(X), rbm.n_iter_
    before = rbm.components_
    rbm.set_params(learning_rate=1e-4).partial_fit(X)
    assert rbm.n_iter_ == n_iter + 5
    # float32 parameters and a few short steps.
    assert 0 < abs(rbm.score(X) - best) < 1e-4
    assert 0 < np.abs(rbm.components_ - before).max() < 0.01


# ---- penalties ----


@pytest.mark.parametrize("settings", [{}, {"algorithm": "pcd"}], ids=str)
def test_an_l1_penalty_leaves_exact_zeros(clusters, settings):
    settings = {"covariance_type": "diag", "random_state": 2, **settings}
    free = GaussianRBM(1, **settings).fit(clusters)
    assert (free.components_ != 0).all()
    # So strong that the noise of gradients seldom lifts the last iterate off zero.
    rbm = GaussianRBM(1, alpha=0.05, l1_ratio=1.0, **settings).fit(clusters)
    np.testing.assert_array_equal(rbm.components_[0] != 0, [True, True, False, False])
    assert free.score(clusters) - 0.05 < rbm.score(clusters) < free.score(clusters)


def test_zeros_are_of_weights_in_units_of_a_full_noise(clusters):
    """The first of these moves the mean of the second by the noise they share."""
    X = clusters[:, [0, 2]] @ [[1, 0.8], [0, 0.6]]
    rbm = GaussianRBM(1, alpha=0.02, l1_ratio=1.0, random_state=0).fit(X)
    assert (np.abs(rbm.components_) > 2).all()
    root = np.linalg.cholesky(rbm.noise_covariance_)
    weights = np.linalg.solve(root, rbm.components_[0])
    assert np.abs(weights[0]) > 3
    assert np.abs(weights[1]) < 1e-12


@pytest.mark.parametrize(
    "settings", [{}, {"algorithm": "pcd", "max_iter": 500}], ids=str
)
def test_a_quadratic_penalty_shrinks_the_weights(clusters, settings):
    sizes = []
    for alpha in (0, 0.01, 0.03):
        rbm = GaussianRBM(
            1, covariance_type="diag", alpha=alpha, random_state=0, **settings
        ).fit(clusters)
        sizes.append((rbm.components_**2 / rbm.noise_variance_).sum())
    assert sizes[0] > 1.1 * sizes[1] > 1.2 * sizes[2] > 5


# ---- divergence ----


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_divergence_leaves_an_earlier_model_as_it_was(solver):
    X = two_sources(200)
    settings = {"algorithm": "pcd", "solver": solver, "random_state": 0}
    rbm = GaussianRBM(2, max_iter=10, **settings).fit(X)
    before, score = rbm.components_, rbm.score(X)
    rbm.set_params(learning_rate=1e30)
    for learn in rbm.fit, rbm.partial_fit:
        with pytest.raises(FloatingPointError, match="diverged"):
            learn(X)
        assert rbm.components_ is before
        assert rbm.score(X) == score
