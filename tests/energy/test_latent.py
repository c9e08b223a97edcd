"""The machine with hidden units against brute force."""

import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_rbm
from scipy.special import expit, logit, logsumexp
from statistical import assert_draws_from

from skebm.energy import latent
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.latent import LatentEnergy
from skebm.energy.latent_graph import LatentGraph
from skebm.partition.enumeration import (
    count_enumerated_units,
    enumerate_log_partition,
)
from skebm.sampling.noise import UniformNoise

N_VISIBLE, N_HIDDEN = 4, 3


def general():
    return np.ones((4, 4)), np.ones((3, 3)), np.ones((3, 4))


def semi_restricted():
    return np.ones((4, 4)), np.zeros((3, 3)), np.ones((3, 4))


def restricted():
    return np.zeros((4, 4)), np.zeros((3, 3)), np.ones((3, 4))


def hidden_only():
    return np.zeros((4, 4)), np.ones((3, 3)), np.ones((3, 4))


def deep():
    layers = np.array([0, 0, 1])
    hidden = layers[:, np.newaxis] != layers
    return np.zeros((4, 4)), hidden, np.outer(layers == 0, np.ones(4))


@pytest.fixture(params=[general, semi_restricted, restricted, hidden_only, deep])
def energy(request):
    graph = LatentGraph.of_layers(*(part.astype(bool) for part in request.param()))
    couplings, bias = random_boltzmann(N_VISIBLE + N_HIDDEN)
    return LatentEnergy(couplings * graph.mask, bias, graph)


@pytest.fixture
def oracle(energy):
    return BoltzmannOracle(energy.couplings, energy.bias)


def law_of_visible(oracle):
    """Sum hidden units out; their last bits change fastest in the oracle's list."""
    return oracle.law.reshape(2**N_VISIBLE, 2**N_HIDDEN).sum(axis=1)


def posterior(oracle):
    joint = oracle.law.reshape(2**N_VISIBLE, 2**N_HIDDEN)
    return joint / joint.sum(axis=1, keepdims=True)


def test_counts_units(energy):
    assert (energy.n_features, energy.n_hidden, energy.n_units) == (4, 3, 7)
    assert energy.sums_are_exact


def test_free_energy_sums_the_hidden_units_out(energy, oracle):
    exact = -np.log(law_of_visible(oracle) * oracle.partition)
    visible = all_states(N_VISIBLE)
    np.testing.assert_allclose(energy.free_energy(visible), exact, atol=1e-12)


def test_free_energy_of_all_units_is_their_energy(energy, oracle):
    np.testing.assert_allclose(
        energy.free_energy(oracle.visible), oracle.energies, atol=1e-12
    )


def test_log_partition_is_exact(energy, oracle):
    estimate = enumerate_log_partition(energy)
    assert estimate.log_partition == pytest.approx(np.log(oracle.partition), abs=1e-12)


def test_hidden_mean_is_that_of_the_posterior(energy, oracle):
    exact = posterior(oracle) @ all_states(N_HIDDEN)
    visible = all_states(N_VISIBLE)
    np.testing.assert_allclose(energy.hidden_mean(visible), exact, atol=1e-12)


def test_visible_mean_is_that_given_the_hidden_units(energy, oracle):
    joint = oracle.law.reshape(2**N_VISIBLE, 2**N_HIDDEN)
    exact = (joint / joint.sum(axis=0)).T @ all_states(N_VISIBLE)
    result = energy.visible_mean(all_states(N_HIDDEN))
    np.testing.assert_allclose(result, exact, atol=1e-12)


def test_visible_mean_by_mean_field_where_sums_are_too_long(energy, monkeypatch):
    exact = energy.visible_mean(all_states(N_HIDDEN))
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", -1)
    mean = energy.visible_mean(all_states(N_HIDDEN))
    field = all_states(N_HIDDEN) @ energy.couplings[4:, :4] + energy.bias[:4]
    field += mean @ energy.couplings[:4, :4]
    np.testing.assert_allclose(mean, expit(field), atol=1e-8)
    coupled = energy.couplings[:4, :4].any()
    assert (np.abs(mean - exact).max() > 1e-3) == coupled


def test_conditional_log_likelihood_sums_the_hidden_units_out(energy, oracle):
    law, visible = law_of_visible(oracle), all_states(N_VISIBLE)
    for unit in range(N_VISIBLE):
        other = visible.copy()
        other[:, unit] = 1 - other[:, unit]
        powers = 2 ** np.arange(N_VISIBLE)[::-1]
        exact = np.log(law) - np.log(law + law[(other @ powers).astype(int)])
        result = energy.conditional_log_likelihood(visible)[:, unit]
        np.testing.assert_allclose(result, exact, atol=1e-12)


def test_restricted_machines_are_binary_rbms():
    weights, visible_bias, hidden_bias = random_rbm(3, 4)
    graph = LatentGraph.of_layers(*(part.astype(bool) for part in restricted()))
    couplings = np.zeros((7, 7))
    couplings[4:, :4] = weights
    couplings += couplings.T
    energy = LatentEnergy(couplings, np.append(visible_bias, hidden_bias), graph)
    rbm = BinaryRBMEnergy(weights, visible_bias, hidden_bias)
    visible = all_states(4)
    hidden = all_states(3)[np.arange(16) % 8]
    for ours, theirs in [
        (energy.energy(np.hstack([visible, hidden])), rbm.energy(visible, hidden)),
        (energy.free_energy(visible), rbm.free_energy(visible)),
        (energy.hidden_mean(visible), rbm.hidden_mean(visible)),
        (
            energy.conditional_log_likelihood(visible),
            rbm.conditional_log_likelihood(visible),
        ),
    ]:
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert count_enumerated_units(energy) == count_enumerated_units(rbm) == 3


def test_without_a_sum_the_free_energy_is_bounded(monkeypatch, energy, oracle):
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", -1)
    assert not energy.sums_are_exact
    visible = all_states(N_VISIBLE)
    excess = energy.free_energy(visible) + np.log(
        law_of_visible(oracle) * oracle.partition
    )
    assert excess.min() > -1e-12
    # The bound misses the divergence of the independent law from the posterior.
    mean = energy.hidden_mean(visible)
    log_law = np.log(posterior(oracle))
    hidden = all_states(N_HIDDEN)[np.newaxis]
    factors = np.where(hidden == 1, mean[:, np.newaxis], 1 - mean[:, np.newaxis])
    independent = factors.prod(axis=2)
    divergence = (independent * (np.log(independent) - log_law)).sum(axis=1)
    np.testing.assert_allclose(excess, divergence, atol=1e-10)


@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize("kernel", ["gibbs", "metropolis"])
def test_sweeps_leave_the_law_as_it_is(energy, kernel, beta):
    oracle = BoltzmannOracle(energy.couplings, energy.bias, beta)
    rng = np.random.default_rng(0)
    units = oracle.draw(20_000, rng).astype(bool)
    noise = UniformNoise(rng, np.float32)
    fast = energy.astype(np.float32)
    state = fast.clamp(units, noise)
    np.testing.assert_array_equal(np.hstack(state), units)
    state = getattr(fast, kernel)(state, noise, beta, n_sweeps=3)
    assert state.visible.shape == (20_000, N_VISIBLE)
    moved = np.hstack(state)
    assert (moved != units).any(axis=0).all()
    assert_draws_from(oracle.law, oracle.index(moved))


def test_no_sweep_leaves_means_as_they_are(energy):
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    state = energy.clamp(np.full((2, N_VISIBLE), 0.3), noise)
    assert energy.gibbs(state, noise, n_sweeps=0) is state
    assert energy.gibbs(state, noise).visible.dtype == bool


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_rows_are_completed_by_the_posterior(energy, beta):
    oracle = BoltzmannOracle(energy.couplings, energy.bias, beta)
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    row = np.array([[True, False, False, True]])
    rows = np.repeat(row, 20_000, axis=0)
    state = energy.astype(np.float32).clamp(rows, noise, beta)
    np.testing.assert_array_equal(state.visible, rows)
    powers = 2 ** np.arange(N_HIDDEN)[::-1]
    number = int(row[0] @ 2 ** np.arange(N_VISIBLE)[::-1])
    assert_draws_from(posterior(oracle)[number], state.hidden @ powers)


def test_moments_of_the_model(energy, oracle):
    log_partition, moments = energy.model_moments()
    products, mean = oracle.moments()
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-12)
    np.testing.assert_allclose(moments.mean, mean, atol=1e-12)
    edges = energy.edges()
    np.testing.assert_allclose(moments.products[edges], products[edges], atol=1e-12)


def test_moments_of_rows(energy, oracle):
    rng = np.random.default_rng(0)
    visible, weights = all_states(N_VISIBLE), rng.random(2**N_VISIBLE)
    score, moments = energy.row_moments(visible, weights)
    assert score == pytest.approx(weights @ -energy.free_energy(visible), abs=1e-12)
    law = (posterior(oracle) * weights[:, np.newaxis]).ravel()
    products, mean = oracle.moments(law)
    np.testing.assert_allclose(moments.mean, mean, atol=1e-12)
    edges = energy.edges()
    np.testing.assert_allclose(moments.products[edges], products[edges], atol=1e-12)


def test_coordinates_stand_for_energies(energy):
    mean = np.array([0.2, 0.5, 0.7, 0.1])
    coordinates = energy.standardised(mean)
    again = coordinates.energy(coordinates.vector(energy))
    assert isinstance(again, LatentEnergy)
    np.testing.assert_allclose(again.couplings, energy.couplings, atol=1e-12)
    np.testing.assert_allclose(again.bias, energy.bias, atol=1e-12)


def test_annealing_starts_at_independent_units(energy):
    mean = np.linspace(0.1, 0.9, 7)
    independent, log_partition = energy.independent(mean)
    visible = all_states(N_VISIBLE)
    exact = visible @ logit(mean[:4]) - np.log1p(-mean[4:]).sum()
    np.testing.assert_allclose(-independent.free_energy(visible), exact, atol=1e-12)
    assert log_partition == pytest.approx(logsumexp(exact), abs=1e-12)
