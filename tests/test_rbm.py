"""The estimator against brute force: probabilities, draws, the partition function."""

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from

from skebm import BinaryRBM


@pytest.fixture
def parameters():
    return random_rbm(3, 5)


@pytest.fixture
def oracle(parameters):
    return RBMOracle(*parameters)


@pytest.fixture
def rbm(parameters):
    return BinaryRBM.from_parameters(*parameters, random_state=0)


def test_score_samples_is_the_exact_log_likelihood(rbm, oracle):
    np.testing.assert_allclose(
        rbm.score_samples(oracle.visible), np.log(oracle.law), atol=1e-10
    )
    assert rbm.score(oracle.visible) == pytest.approx(
        np.log(oracle.law).mean(), abs=1e-10
    )


def test_log_partition_is_exact(rbm, oracle):
    assert rbm.log_partition_ == pytest.approx(np.log(oracle.partition), abs=1e-10)
    assert rbm.log_partition_std_ == 0
    assert rbm.log_partition_effective_sample_size_ == np.inf


def test_energies(rbm, oracle):
    visible, hidden = oracle.draw(50, np.random.default_rng(0))
    expected = oracle.energies[oracle.index(visible), oracle.index(hidden)]
    np.testing.assert_allclose(rbm.energy(visible, hidden), expected, atol=1e-12)
    free_energy = -np.log(np.exp(-oracle.energies).sum(axis=1))
    np.testing.assert_allclose(rbm.free_energy(oracle.visible), free_energy, atol=1e-12)


def test_energy_cuts_long_tables_alike():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(30, 600))
    rbm = BinaryRBM.from_parameters(weights, np.zeros(600), np.zeros(30))
    visible = rng.random((5000, 600)) < 0.5
    hidden = rng.random((5000, 30)) < 0.5
    np.testing.assert_allclose(
        rbm.energy(visible, hidden),
        -np.einsum("ij,jk,ik->i", hidden, weights, visible, optimize=True),
        atol=1e-9,
    )


def test_pseudo_log_likelihood_counts_every_feature(rbm, oracle):
    exact = np.zeros(len(oracle.law))
    for unit in range(5):
        flipped = oracle.visible.copy()
        flipped[:, unit] = 1 - flipped[:, unit]
        other = oracle.law[oracle.index(flipped)]
        exact += np.log(oracle.law / (oracle.law + other))
    np.testing.assert_allclose(
        rbm.pseudo_log_likelihood(oracle.visible), exact, atol=1e-11
    )


def test_transform_and_its_inverse(rbm, oracle):
    posterior = oracle.joint / oracle.joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        rbm.transform(oracle.visible), posterior @ oracle.hidden, atol=1e-12
    )
    given_hidden = oracle.joint / oracle.joint.sum(axis=0)
    np.testing.assert_allclose(
        rbm.inverse_transform(oracle.hidden),
        given_hidden.T @ oracle.visible,
        atol=1e-12,
    )


@pytest.mark.parametrize("temperature", [0.6, 1.0, 3.0])
def test_sample_follows_the_exact_law(rbm, parameters, temperature):
    oracle = RBMOracle(*parameters, beta=1 / temperature)
    X = rbm.sample(100_000, n_steps=60, temperature=temperature, random_state=0)
    assert X.dtype == np.float64
    assert_draws_from(oracle.law, oracle.index(X))


def test_sample_starts_where_it_is_told(rbm, oracle):
    start = oracle.visible[[3, 8, 21]]
    np.testing.assert_array_equal(
        rbm.sample(7, n_steps=0, init=start), start[[0, 1, 2, 0, 1, 2, 0]]
    )


def test_sample_starts_from_independent_units_with_the_means_of_the_data():
    X = (np.random.default_rng(0).random((300, 3)) < [0.1, 0.5, 0.8]).astype(float)
    rbm = BinaryRBM(1, max_iter=1, random_state=0).fit(X)
    rows = rbm.sample(100_000, n_steps=0, random_state=0)
    mean = (X.sum(axis=0) + 0.5) / 301
    error = np.sqrt(mean * (1 - mean) / len(rows))
    np.testing.assert_array_less(np.abs(rows.mean(axis=0) - mean) / error, 5)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 3.0])
def test_gibbs_leaves_the_exact_law_invariant(rbm, parameters, temperature):
    oracle = RBMOracle(*parameters, beta=1 / temperature)
    visible, _ = oracle.draw(100_000, np.random.default_rng(0))
    moved = rbm.gibbs(visible, n_steps=1, temperature=temperature, random_state=0)
    assert (moved != visible).any()
    assert_draws_from(oracle.law, oracle.index(moved))


def test_hidden_values_of_the_energy_are_used_as_they_are(rbm):
    visible = np.ones((1, 5))
    ends = [rbm.energy(visible, np.full((1, 3), value))[0] for value in (0, 1)]
    middle = rbm.energy(visible, np.full((1, 3), 0.25))[0]
    assert middle == pytest.approx(0.75 * ends[0] + 0.25 * ends[1], abs=1e-12)
