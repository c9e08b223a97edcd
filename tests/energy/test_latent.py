"""What machines with coupled hidden units have beside what every energy has."""

import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann
from scipy.special import expit
from statistical import assert_mean_is

from skebm.energy import latent
from skebm.energy.graph import LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.sampling.random import UniformNoise


@pytest.fixture
def energy():
    graph = LayeredGraph.of_layers(
        *(np.ones(s, bool) for s in [(4, 4), (3, 3), (3, 4)])
    )
    return LatentEnergy.of(*random_boltzmann(7), graph)


@pytest.fixture
def joint(energy):
    return BoltzmannOracle(energy.couplings, energy.bias).law.reshape(16, 8)


def noise(seed=0):
    return UniformNoise(np.random.default_rng(seed), np.float64)


def test_counts_units(energy):
    assert (energy.n_visible, energy.n_hidden, energy.n_units) == (4, 3, 7)
    assert energy.units.n_columns == 7


def test_offsets_of_either_layer_are_shifted_alone(energy):
    energy = energy.centred(np.full(4, 0.3))
    np.testing.assert_allclose(energy.offset, [0.3] * 4 + [0.5] * 3 + [0])
    moved = energy.shifted(np.full(4, 0.2)).shifted(hidden=0.4)
    np.testing.assert_allclose(moved.offset, [0.2] * 4 + [0.4] * 3 + [0])


def test_free_energy_of_all_units_is_their_energy(energy):
    rows = all_states(7)
    expected = PairwiseEnergy.of(energy.couplings, energy.bias).energy(rows)
    np.testing.assert_allclose(energy.free_energy(rows), expected, atol=1e-12)
    np.testing.assert_array_equal(energy.complete(rows > 0, noise()), rows > 0)


def test_means_by_mean_field_where_sums_are_too_long(energy, monkeypatch):
    exact = energy.visible_mean(all_states(3))
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", -1)
    mean = energy.visible_mean(all_states(3))
    field = all_states(3) @ energy.couplings[4:, :4] + energy.bias[:4]
    field += mean @ energy.couplings[:4, :4]
    np.testing.assert_allclose(mean, expit(field), atol=1e-8)
    assert np.abs(mean - exact).max() > 1e-3


def test_without_a_sum_the_free_energy_is_bounded(monkeypatch, energy, joint):
    exact = energy.free_energy(all_states(4))
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", -1)
    assert not energy.sums_are_exact
    excess = energy.free_energy(all_states(4)) - exact
    # The bound misses the divergence of the independent law from the posterior.
    mean, hidden = energy.hidden_mean(all_states(4)), all_states(3)[np.newaxis]
    factors = np.where(hidden == 1, mean[:, np.newaxis], 1 - mean[:, np.newaxis])
    independent = factors.prod(axis=2)
    log_posterior = np.log(joint / joint.sum(axis=1, keepdims=True))
    divergence = (independent * (np.log(independent) - log_posterior)).sum(axis=1)
    np.testing.assert_allclose(excess, divergence, atol=1e-10)


def statistics_of(energy, rows, n_replicates=100):
    return np.array(
        [energy.statistics(rows, noise=noise(k)).ravel() for k in range(n_replicates)]
    )


@pytest.mark.parametrize("how", ["cut", "gibbs"])
def test_learning_sees_hidden_units_by_their_posterior(energy, how, monkeypatch):
    rows = np.tile(all_states(4), (20, 1))
    _, exact = energy.positive_phase(rows, np.full(len(rows), 1 / len(rows)))
    if how == "gibbs":
        monkeypatch.setattr(latent, "_MOST_FIELDS", 0)
        energy = energy.replaced(posterior="gibbs", n_posterior_steps=20)
    drawn = statistics_of(energy, rows)
    varying = drawn.std(axis=0) > 1e-12
    assert varying.sum() >= 3
    assert_mean_is(exact.ravel()[varying], drawn[:, varying])


def test_learning_sees_hidden_units_by_mean_field(energy, monkeypatch):
    monkeypatch.setattr(latent, "_MOST_FIELDS", 0)
    rows = all_states(4)
    energy = energy.replaced(n_posterior_steps=1000)
    drawn = statistics_of(energy, rows, 2)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", -1)
    both = np.hstack([rows, energy.hidden_mean(rows)])
    expected = PairwiseEnergy.statistics(energy, both).ravel()
    np.testing.assert_allclose(drawn[0], expected, atol=1e-9)
    np.testing.assert_allclose(energy.sides(rows)[0][:, :-1], both, atol=1e-9)
