"""The estimator against brute force: probabilities, draws, the partition function."""

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from sklearn.exceptions import ConvergenceWarning
from statistical import assert_draws_from

from skebm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.enumeration import enumerate_log_partition


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


def large_rbm(scale, **params):
    """An RBM too large for enumeration by default, small enough by hand."""
    return BinaryRBM.from_parameters(
        *random_rbm(21, 22, scale=scale), random_state=0, **params
    )


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_annealing_takes_over_where_enumeration_ends(scale):
    rbm = large_rbm(scale)
    energy = BinaryRBMEnergy(
        rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_
    )
    exact = enumerate_log_partition(energy).log_partition
    assert 0 < rbm.log_partition_std_ < 0.2
    assert abs(rbm.log_partition_ - exact) < 3 * rbm.log_partition_std_
    assert 50 < rbm.log_partition_effective_sample_size_ <= 100


def test_annealing_is_within_three_standard_errors_over_twenty_seeds():
    """Strong weights, through the public estimator, with its seeds."""
    parameters = random_rbm(21, 22, scale=2.0)
    exact = enumerate_log_partition(BinaryRBMEnergy(*parameters)).log_partition
    estimates = set()
    for seed in range(20):
        rbm = BinaryRBM.from_parameters(
            *parameters, n_ais_temperatures=2000, n_ais_chains=50, random_state=seed
        )
        assert abs(rbm.log_partition_ - exact) < 3 * rbm.log_partition_std_
        estimates.add(rbm.log_partition_)
    assert len(estimates) == 20


def test_annealing_starts_from_the_means_of_the_data():
    """Without weights that is where it ends as well: one step has no error."""
    X = (np.random.default_rng(0).random((500, 22)) < 0.05).astype(float)
    rbm = BinaryRBM(
        21, alpha=10.0, l1_ratio=1.0, max_iter=20, n_ais_temperatures=1, random_state=0
    ).fit(X)
    assert not rbm.components_.any()
    elsewhere = BinaryRBM.from_parameters(
        rbm.components_,
        rbm.intercept_visible_,
        rbm.intercept_hidden_,
        n_ais_temperatures=1,
        random_state=0,
    )
    assert rbm.log_partition_std_ < 0.1
    with pytest.warns(ConvergenceWarning):
        assert elsewhere.log_partition_std_ > 0.3


def test_hidden_values_of_the_energy_are_used_as_they_are(rbm):
    visible = np.ones((1, 5))
    ends = [rbm.energy(visible, np.full((1, 3), value))[0] for value in (0, 1)]
    middle = rbm.energy(visible, np.full((1, 3), 0.25))[0]
    assert middle == pytest.approx(0.75 * ends[0] + 0.25 * ends[1], abs=1e-12)


def test_an_estimate_that_rests_on_few_chains_is_warned_of():
    rbm = large_rbm(3.0, n_ais_temperatures=1)
    with pytest.warns(ConvergenceWarning, match="n_ais_temperatures"):
        rbm.score(np.zeros((1, 22)))
    assert rbm.log_partition_effective_sample_size_ < 10


def test_few_chains_that_agree_are_believed():
    rbm = large_rbm(0.1, n_ais_chains=4)
    assert 3 < rbm.log_partition_effective_sample_size_ <= 4


def test_other_settings_make_another_estimate():
    rbm = large_rbm(1.0, n_ais_temperatures=10, n_ais_chains=1000)
    hasty = rbm.log_partition_std_
    rbm.set_params(n_ais_temperatures=1000)
    slow = rbm.log_partition_std_
    assert slow < hasty / 2
    rbm.set_params(n_ais_temperatures=10)
    assert rbm.log_partition_std_ == hasty


def test_the_partition_function_is_computed_once(monkeypatch):
    rbm = large_rbm(0.1)
    first = rbm.log_partition_
    monkeypatch.setattr("skebm.base.likelihood.compute_log_partition", None)
    assert rbm.log_partition_ == first


def test_more_annealing_makes_a_better_estimate():
    errors = [
        large_rbm(1.0, n_ais_temperatures=n, n_ais_chains=m).log_partition_std_
        for n, m in [(100, 50), (2000, 50), (2000, 500)]
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
