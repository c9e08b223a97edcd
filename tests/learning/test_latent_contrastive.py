"""Learning with hidden units put in for each batch, against brute force."""

from itertools import islice

import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann
from scipy.special import expit

from skebm._rows import Rows
from skebm.energy.latent import LatentEnergy
from skebm.energy.latent_graph import LatentGraph
from skebm.learning import latent_contrastive
from skebm.learning.contrastive import LearningState
from skebm.learning.latent_contrastive import LatentContrastive, RowsOfBothLayers
from skebm.learning.latent_metric import LatentMetric
from skebm.learning.schedule import Schedule
from skebm.sampling.noise import UniformNoise

OFFSETS = np.array([0.4, 0.6, 0.3, 0.5, 0.5, 0.2], dtype=np.float32)


def machine(hidden_couplings):
    visible = np.ones((3, 3), dtype=bool)
    hidden = np.full((3, 3), hidden_couplings)
    graph = LatentGraph.of_layers(visible, hidden, np.ones((3, 3), dtype=bool))
    couplings, bias = random_boltzmann(6)
    return LatentEnergy(couplings * graph.mask, bias, graph)


def learner(posterior="gibbs", n_posterior_steps=10, *, drifting_offset=False):
    return LatentContrastive(
        persistent=True,
        n_chains=50,
        n_gibbs_steps=1,
        batch_size=100,
        tempered_from=None,
        drifting_offset=drifting_offset,
        alpha=0.0,
        l1_ratio=0.0,
        posterior=posterior,
        n_posterior_steps=n_posterior_steps,
    )


def state_of(energy, *, metric=False):
    model = energy.astype(np.float32).centred(OFFSETS)
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    state = LearningState(model, model, None, noise, {})
    if metric:
        rows = np.random.default_rng(1).normal(size=(50, 4))
        state.metric = LatentMetric.start(rows, energy.connectivity.mask)
    return state


def test_rows_of_both_layers_read_as_rows():
    table = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)
    rows = RowsOfBothLayers(Rows(table, None), 2)
    assert (rows.n_rows, rows.n_columns) == (3, 4)
    expected = [[1, 1, 0.5, 0.5], [1, 0, 0.5, 0.5]]
    np.testing.assert_array_equal(rows.take(np.array([2, 0])), expected)


def completed(energy, rule):
    """Complete each visible row many times; give the learned values by row."""
    table = np.repeat(all_states(3).astype(bool), 4000, axis=0)
    state = state_of(energy)
    both = RowsOfBothLayers(Rows(table, None), 3)
    batch = state.model.prepare(both.take(slice(None)))
    means, values = rule._completed(state.model, batch, state.noise)
    for rows in means, values:
        np.testing.assert_array_equal(rows[:, [0, 1, 2, 6]], batch[:, [0, 1, 2, 6]])
    return (
        rows.reshape(8, 4000, 7)[:, :, 3:6] + OFFSETS[3:] for rows in (means, values)
    )


@pytest.fixture
def nothing_summed(monkeypatch):
    monkeypatch.setattr(latent_contrastive, "_MOST_FIELDS", 0)


def test_gibbs_completes_rows_by_draws_of_the_posterior(nothing_summed):
    energy = machine(hidden_couplings=True)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    law = oracle.law.reshape(8, 8)
    law = law / law.sum(axis=1, keepdims=True)
    means, draws = completed(energy, learner("gibbs"))
    assert set(np.unique(draws)) == {0, 1}
    hidden = all_states(3)
    for row in range(8):
        products = np.einsum("ni,nj->nij", draws[row], draws[row])
        exact = hidden.T @ (law[row][:, np.newaxis] * hidden)
        # Draws are independent: four standard deviations are at most 2 / sqrt(4000).
        np.testing.assert_allclose(
            products.mean(axis=0), exact, atol=4 * 0.5 / 4000**0.5
        )
    np.testing.assert_array_equal(means, np.repeat(means[:, :1], 4000, axis=1))


def test_mean_field_completes_rows_by_its_means(nothing_summed):
    energy = machine(hidden_couplings=True)
    means, values = completed(energy, learner("mean_field", 100))
    np.testing.assert_array_equal(means, values)
    mean = values[:, 0]
    field = all_states(3) @ energy.couplings[:3, 3:] + energy.bias[3:]
    field += mean @ energy.couplings[3:, 3:]
    np.testing.assert_allclose(mean, expit(field), atol=1e-5)


@pytest.mark.parametrize("posterior", ["mean_field", "gibbs"])
def test_rows_are_completed_by_the_exact_posterior_where_it_is_cheap(posterior):
    energy = machine(hidden_couplings=True)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    law = oracle.law.reshape(8, 8)
    law = law / law.sum(axis=1, keepdims=True)
    means, values = completed(energy, learner(posterior))
    means, values = means.astype(float), values.astype(float)
    hidden = all_states(3)
    np.testing.assert_allclose(means[:, 0], law @ hidden, atol=1e-5)
    np.testing.assert_array_equal(means, np.repeat(means[:, :1], 4000, axis=1))
    for row in range(8):
        products = np.einsum("ni,nj->nij", values[row], values[row])
        error = products.std(axis=0) / 4000**0.5
        exact = hidden.T @ (law[row][:, np.newaxis] * hidden)
        excess = np.abs(products.mean(axis=0) - exact) / error
        # The square of a unit that takes its mean is not in the gradient.
        coupled = ~np.eye(3, dtype=bool)
        assert excess[coupled].max() < 4
        np.testing.assert_allclose(
            values[row].mean(axis=0), law[row] @ hidden, atol=4 * 0.5 / 4000**0.5
        )


@pytest.mark.parametrize("posterior", ["mean_field", "gibbs"])
def test_the_gradient_is_that_of_the_likelihood(posterior):
    """Of data that are not the machine's, by enumeration of both its sides."""
    energy = machine(hidden_couplings=True)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    law = oracle.law.reshape(8, 8)
    counts = np.arange(1, 9)
    data = counts / counts.sum()
    completed_law = data[:, np.newaxis] * law / law.sum(axis=1, keepdims=True)
    second, first = oracle.moments(completed_law.ravel())
    second_model, first_model = oracle.moments()
    state = state_of(energy)
    state.model = state.model.uncentred()
    both = RowsOfBothLayers(Rows(all_states(3).astype(bool), None), 3)
    rows = np.repeat(np.arange(8), counts)
    batch = state.model.prepare(both.take(rows))
    rng = np.random.default_rng(2)
    gradients = []
    for _ in range(1500):
        _, values = learner(posterior)._completed(state.model, batch, state.noise)
        chains = oracle.draw(50, rng).astype(bool)
        gradients.append(state.model.contrast(values, chains, state.noise)[0])
    exact = np.zeros((7, 7))
    exact[:-1, :-1] = second - second_model
    exact[:-1, -1] = first - first_model
    i, j = np.triu_indices(7, 1)
    error = np.std(gradients, axis=0)[i, j] / len(gradients) ** 0.5
    excess = np.mean(gradients, axis=0)[i, j] - exact[i, j]
    assert np.abs(excess / error).max() < 4
    assert error.max() < 0.1 * np.abs(exact[i, j]).max()


def test_an_exact_posterior_is_not_drawn():
    energy = machine(hidden_couplings=False)
    _, values = completed(energy, learner("gibbs"))
    field = all_states(3) @ energy.couplings[:3, 3:] + energy.bias[3:]
    np.testing.assert_allclose(values[:, 0], expit(field), atol=1e-6)


@pytest.mark.parametrize("hidden_couplings", [True, False])
def test_learning_rests_at_the_law_of_the_data(hidden_couplings):
    """Rows drawn from the machine leave it where it is, but for noise."""
    energy = machine(hidden_couplings=hidden_couplings)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    table = oracle.draw(60_000, np.random.default_rng(0))[:, :3].astype(bool)
    rule, state = learner(), state_of(energy)
    rows = Rows(table, None)
    rule.run(state, islice(rule.batches(state, rows), 600), Schedule(0.02, 600, 1.0))
    assert state.n_updates == 600
    assert state.chains.shape == (50, 6)
    couplings, bias = state.averaged.plain_parameters()
    learned = BoltzmannOracle(couplings, bias).law.reshape(8, 8).sum(axis=1)
    law = oracle.law.reshape(8, 8).sum(axis=1)
    assert np.sum(law * np.log(law / learned)) < 0.003
    np.testing.assert_array_equal(couplings != 0, energy.couplings != 0)


def test_learning_approaches_the_law_of_the_data():
    """Three units that are on or off together, but for one in ten."""
    n_on = all_states(3).sum(axis=1)
    law = (0.9**n_on * 0.1 ** (3 - n_on) + 0.1**n_on * 0.9 ** (3 - n_on)) / 2
    chosen = np.random.default_rng(0).choice(8, 40_000, p=law)
    table = all_states(3)[chosen].astype(bool)
    start, _ = machine(hidden_couplings=True).independent(np.full(6, 0.5))
    rule, state = learner(drifting_offset=True), state_of(start, metric=True)
    batches = rule.batches(state, Rows(table, None))
    rule.run(state, batches, Schedule(0.1, 400, 0.5))

    def divergence(couplings, bias):
        learned = BoltzmannOracle(couplings, bias).law.reshape(8, 8).sum(axis=1)
        return np.sum(law * np.log(law / learned))

    assert divergence(start.couplings, start.bias) > 0.5
    assert divergence(*state.averaged.plain_parameters()) < 0.005


def test_offsets_drift_with_the_hidden_means_and_change_no_law():
    energy = machine(hidden_couplings=True)
    rule, state = learner(drifting_offset=True), state_of(energy)
    table = np.ones((100, 3), dtype=bool)
    batches = rule.batches(state, Rows(table, None))
    rule.run(state, batches, Schedule(1e-9, 1, 0.0))
    means, _ = rule._completed(
        state_of(energy).model,
        state_of(energy).model.prepare(np.ones((100, 6))),
        state.noise,
    )
    drift = state.model.offsets.visible[:-1] - OFFSETS
    np.testing.assert_array_equal(drift[:3], 0)
    np.testing.assert_allclose(drift[3:], 0.2 * means[:, 3:6].mean(axis=0), atol=1e-6)
    couplings, bias = state.model.plain_parameters()
    np.testing.assert_allclose(couplings, energy.couplings, atol=1e-5)
    np.testing.assert_allclose(bias, energy.bias, atol=1e-5)
