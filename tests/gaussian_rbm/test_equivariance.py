"""Rescaling or shifting columns changes the unit of the density, and nothing else."""

import numpy as np
import pytest
from mixture_oracle import two_sources

from skebm import GaussianRBM

# A power of two, so that means are exact in rows that have few digits.
N_ROWS = 256


def rows_of_few_digits():
    """Draw rows that stay as they are, but for an exponent, in other units."""
    rng = np.random.default_rng(0)
    X = np.column_stack([two_sources(N_ROWS), rng.laplace(size=N_ROWS)])
    return np.round(X * 2**10) / 2**10


EXACTLY = np.array([2.0**-20, 2.0**20, 8.0])
SHIFTS = np.array([2.0**20, -(2.0**18), 5.0])
QUICK = {"algorithm": "pcd", "max_iter": 150}
EXACT = {
    "full": {},
    "diag": {"covariance_type": "diag"},
    "penalty": {"alpha": 0.01},
}
STOCHASTIC = {
    "pcd": {},
    "diag": {"covariance_type": "diag"},
    "cd, sgd": {"algorithm": "cd", "solver": "sgd"},
    "early stopping": {"early_stopping": True},
    "tempering": {"tempering": True, "n_chains": 50},
    "penalty": {"alpha": 0.01, "l1_ratio": 0.5},
}


def fit(X, **settings):
    return GaussianRBM(4, random_state=0, **settings).fit(X)


def fit_by_chains(X, name):
    return fit(X, **QUICK | STOCHASTIC[name])


@pytest.mark.parametrize("name", STOCHASTIC)
def test_scales_that_round_nothing_change_not_a_bit(name):
    X = rows_of_few_digits()
    plain, scaled = fit_by_chains(X, name), fit_by_chains(X * EXACTLY, name)
    np.testing.assert_array_equal(scaled.components_, plain.components_ * EXACTLY)
    np.testing.assert_array_equal(
        scaled.noise_variance_, plain.noise_variance_ * EXACTLY**2
    )
    np.testing.assert_array_equal(scaled.intercept_hidden_, plain.intercept_hidden_)
    np.testing.assert_array_equal(scaled.transform(X * EXACTLY), plain.transform(X))
    jacobian = np.log(EXACTLY)
    np.testing.assert_allclose(
        scaled.score_samples(X * EXACTLY),
        plain.score_samples(X) - jacobian.sum(),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        scaled.conditional_score_samples(X * EXACTLY),
        plain.conditional_score_samples(X) - jacobian,
        atol=1e-12,
    )
    assert scaled.n_iter_ == plain.n_iter_
    np.testing.assert_allclose(
        scaled.history_["train_log_likelihood"],
        plain.history_["train_log_likelihood"] - jacobian.sum(),
        atol=1e-11,
    )


@pytest.mark.parametrize("name", STOCHASTIC)
def test_shifts_that_round_nothing_change_not_a_bit_of_what_is_learned(name):
    X = rows_of_few_digits()
    plain, shifted = fit_by_chains(X, name), fit_by_chains(X + SHIFTS, name)
    if name != "early stopping":  # which learns from a number of rows that is odd
        np.testing.assert_array_equal(shifted.components_, plain.components_)
        np.testing.assert_array_equal(shifted.noise_variance_, plain.noise_variance_)
    # Values a million times their deviation have seven digits less.
    np.testing.assert_allclose(
        shifted.intercept_visible_ - SHIFTS, plain.intercept_visible_, atol=1e-9
    )
    np.testing.assert_allclose(
        shifted.transform(X + SHIFTS), plain.transform(X), atol=1e-8
    )
    np.testing.assert_allclose(
        shifted.score_samples(X + SHIFTS), plain.score_samples(X), atol=1e-7
    )


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize(
    ("scale", "shift"),
    [([1e-6, 1, 1], 0), ([1, 1e6, 1], 0), (1, [0, 0, 1e6]), ([1e6, 1e-6, 3], 1)],
)
def test_learning_is_the_same_in_any_units(name, scale, shift):
    rng = np.random.default_rng(1)
    X = np.column_stack([two_sources(500), rng.laplace(size=500)])
    changed = X * scale + shift
    # Rounding sends the optimiser to the same optimum by another way. Where the
    # gradient is 1e-7, probabilities are off by that over the least curvature.
    plain = fit(X, tol=1e-7, **EXACT[name])
    other = fit(changed, tol=1e-7, **EXACT[name])
    # Units that a penalty makes superfluous are hardly determined.
    atol = 1e-3 if name == "penalty" else 1e-5
    np.testing.assert_allclose(other.transform(changed), plain.transform(X), atol=atol)
    jacobian = np.log(np.broadcast_to(np.asarray(scale, float), 3)).sum()
    np.testing.assert_allclose(
        other.score_samples(changed), plain.score_samples(X) - jacobian, atol=1e-5
    )


@pytest.mark.parametrize("settings", [{"tol": 1e-7}, QUICK], ids=str)
def test_spherical_noise_takes_the_units_of_columns_as_equal(settings):
    X = rows_of_few_digits()
    settings = {"covariance_type": "spherical", **settings}
    changed = X * 2.0**20 + SHIFTS
    plain, scaled = fit(X, **settings), fit(changed, **settings)
    np.testing.assert_allclose(
        scaled.score_samples(changed),
        plain.score_samples(X) - 3 * np.log(2.0**20),
        atol=1e-6,
    )
    np.testing.assert_allclose(scaled.transform(changed), plain.transform(X), atol=1e-6)
    # The noise of a column in smaller units is that of the others.
    stretched = X * [1, 1, 64]
    loss = plain.score(X) - np.log(64) - fit(stretched, **settings).score(stretched)
    assert loss > 0.1


def test_chunks_learn_alike_in_any_units():
    X = rows_of_few_digits()
    plain, changed = (GaussianRBM(4, random_state=0) for _ in range(2))
    for start in range(0, N_ROWS, 64):
        chunk = X[start : start + 64]
        plain.partial_fit(chunk)
        changed.partial_fit(chunk * EXACTLY + SHIFTS * EXACTLY)
    np.testing.assert_array_equal(changed.components_, plain.components_ * EXACTLY)
    np.testing.assert_allclose(
        changed.score_samples((X + SHIFTS) * EXACTLY),
        plain.score_samples(X) - np.log(EXACTLY).sum(),
        atol=1e-7,
    )


def test_draws_are_the_same_in_any_units():
    X = rows_of_few_digits()
    plain, scaled = fit_by_chains(X, "pcd"), fit_by_chains(X * EXACTLY, "pcd")
    for tempering in False, True:
        draws = [
            rbm.sample(100, n_steps=150, tempering=tempering, random_state=0)
            for rbm in (plain, scaled)
        ]
        np.testing.assert_array_equal(draws[1], draws[0] * EXACTLY)
    np.testing.assert_array_equal(
        scaled.gibbs(X * EXACTLY, random_state=0),
        plain.gibbs(X, random_state=0) * EXACTLY,
    )


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_known_noise_is_in_the_units_of_the_data(scale):
    X = rows_of_few_digits()
    variance = np.array([0.3, 0.4, 0.5])
    plain = fit(X, noise_variance=variance, tol=1e-7)
    scaled = fit(X * scale, noise_variance=variance * scale**2, tol=1e-7)
    np.testing.assert_allclose(
        scaled.score_samples(X * scale),
        plain.score_samples(X) - 3 * np.log(scale),
        atol=1e-6,
    )
