"""Draws against the moments of the mixture, written out."""

import numpy as np
import pytest
from mixture_oracle import MixtureOracle, random_gaussian_rbm, two_sources
from sklearn.exceptions import ConvergenceWarning
from statistical import assert_mean_is

from skebm import GaussianRBM

N_SAMPLES = 10_000
PARTS = random_gaussian_rbm(3, 3, scale=0.5)


def make(kind="full"):
    components, visible, hidden, covariance = PARTS
    noise = covariance if kind == "full" else np.diag(covariance)
    return GaussianRBM.from_parameters(components, visible, hidden, noise)


def assert_law_is(oracle, X):
    """Hold moments of rows, and the shares of the components in them, to a law."""
    mean, second = oracle.moments()[0], oracle.second_moments()
    assert_mean_is(mean, X)
    assert_mean_is(second, np.einsum("ni,nj->nij", X, X))
    share = oracle.law
    common = share > 0.02  # posteriors of others are far from normal
    assert common.sum() > 1
    assert_mean_is(share[common], oracle.posterior(X)[:, common])


@pytest.mark.parametrize("kind", ["full", "diag"])
@pytest.mark.parametrize("tempering", [False, True])
def test_sample_draws_from_the_mixture(kind, tempering):
    rbm = make(kind)
    X = rbm.sample(N_SAMPLES, n_steps=150, tempering=tempering, random_state=0)
    assert X.shape == (N_SAMPLES, 3)
    assert X.dtype == np.float64
    assert_law_is(MixtureOracle.of(rbm), X)


@pytest.mark.parametrize("tempering", [False, True])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_temperature_divides_the_energy(temperature, tempering):
    rbm = make()
    X = rbm.sample(
        N_SAMPLES,
        n_steps=200,
        temperature=temperature,
        tempering=tempering,
        random_state=0,
    )
    assert_law_is(MixtureOracle.of(rbm, beta=1 / temperature), X)


def test_draws_of_a_fitted_model_are_in_the_units_of_the_data():
    X = two_sources() * [100, 0.1] + [0, 50]
    rbm = GaussianRBM(3, random_state=0).fit(X)
    assert_law_is(
        MixtureOracle.of(rbm), rbm.sample(N_SAMPLES, n_steps=200, random_state=0)
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_gibbs_leaves_the_law_as_it_is(temperature):
    rbm = make()
    oracle = MixtureOracle.of(rbm, beta=1 / temperature)
    start = oracle.draw_rows(N_SAMPLES, np.random.default_rng(0))
    moved = rbm.gibbs(start, n_steps=2, temperature=temperature, random_state=1)
    assert_law_is(oracle, moved)
    assert (moved != start).all()


def test_chains_start_from_the_hidden_units_of_their_rows():
    """Two units that hold each other stay as they are; a single one is free."""
    rbm = GaussianRBM.from_parameters([[8.0], [8.0]], [0.0], [-63.0, -63.0], [1.0])
    init = np.repeat([[0.0], [16.0]], 50, axis=0)
    for temperature in 1.0, 0.5:
        settings = {"temperature": temperature, "random_state": 0}
        for moved in (
            rbm.gibbs(init, n_steps=5, **settings),
            rbm.sample(100, init=init, n_steps=5, **settings),
        ):
            assert np.abs(moved - init).max() < 5
            assert np.abs(moved - init).std() > 0.3
    free = GaussianRBM.from_parameters([[16.0]], [0.0], [-128.0], [1.0])
    moved = free.gibbs(init, random_state=0)
    assert 0.2 < np.mean(np.abs(moved - init) > 8) < 0.8


def test_tempering_gets_the_shares_of_two_modes():
    """Two units that hold each other: both are on, or none, e times as often."""
    rbm = GaussianRBM.from_parameters(
        [[4.0, 0.0], [4.0, 0.0]], [0.0, 0.0], [-15.5, -15.5], [1.0, 1.0]
    )
    shares = MixtureOracle.of(rbm).law
    init = np.zeros((1, 2))
    X = rbm.sample(2000, n_steps=400, init=init, tempering=True, random_state=0)
    assert 0.6 < shares[3] < 0.8
    # Between the means 0 and 8 lies 4, four deviations of the noise from both.
    assert_mean_is(shares[3] + shares[1:3].sum() / 2, X[:, 0] > 4)


def test_without_steps_chains_stay_where_they_start():
    X = two_sources()
    rbm = GaussianRBM(2, random_state=0).fit(X)
    init = X[:3]
    drawn = rbm.sample(5, n_steps=0, init=init, random_state=0)
    np.testing.assert_allclose(drawn, init[[0, 1, 2, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(rbm.gibbs(X, n_steps=0), X, rtol=1e-6, atol=1e-6)


def test_without_steps_chains_start_from_normal_rows_like_the_data():
    X = two_sources() * [10, 1] + [5, 0]
    rbm = GaussianRBM(2, random_state=0).fit(X)
    drawn = rbm.sample(N_SAMPLES, n_steps=0, random_state=0)
    assert_mean_is(X.mean(axis=0), drawn)
    assert_mean_is(X.var(axis=0), (drawn - X.mean(axis=0)) ** 2)


def test_too_few_steps_of_tempering():
    with pytest.warns(ConvergenceWarning, match="Raise n_steps"):
        make().sample(
            5, n_steps=2, init=np.zeros((1, 3)), tempering=True, random_state=0
        )
