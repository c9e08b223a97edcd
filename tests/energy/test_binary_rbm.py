"""What the binary RBM has beside what every energy has."""

import numpy as np
import pytest
from oracle import all_states, random_rbm
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.base import Energy
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.sampling.random import UniformNoise


@pytest.fixture
def energy():
    energy = BinaryRBMEnergy.of(*random_rbm(3, 4))
    return energy.shifted(np.full(4, 0.3), np.full(3, 0.6))


def test_free_energy_of_large_fields_is_finite():
    energy = BinaryRBMEnergy.of(np.full((2, 3), 900.0), np.zeros(3), np.zeros(2))
    np.testing.assert_allclose(
        energy.free_energy(np.array([[1.0, 1, 1], [0, 0, 0]])),
        [-5400, -2 * np.log(2)],
    )


def test_conditional_log_likelihood_of_a_probability_is_a_mean(energy):
    rows = np.array([[0.0, 1, 1, 0], [1, 1, 1, 0], [0.3, 1, 1, 0]])
    off, on, between = energy.conditional_log_likelihood(rows)[:, 0]
    assert between == pytest.approx(0.3 * on + 0.7 * off, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sides_are_those_of_any_rbm(energy, dtype):
    energy = energy.astype(dtype)
    fractions = np.random.default_rng(0).random((5, 4)).astype(dtype)
    for rows in (all_states(4) > 0, fractions):
        for ours, theirs in zip(
            energy.sides(rows), RBMEnergy.sides(energy, rows), strict=True
        ):
            assert ours.dtype == dtype
            np.testing.assert_allclose(ours, theirs, atol=10 * np.finfo(dtype).eps)


def test_sums_over_rows_of_probabilities(energy):
    rows, weights = np.random.default_rng(0).random((5, 4)), np.arange(1.0, 6)
    score, statistics = energy.positive_phase(rows, weights)
    slow_score, slow = Energy.positive_phase(energy, rows, weights)
    assert score == pytest.approx(slow_score, abs=1e-12)
    np.testing.assert_allclose(statistics.matrix, slow.matrix, atol=1e-12)


def test_the_layers_can_be_exchanged(energy):
    turned = energy.transposed()
    visible, hidden = all_states(4)[:8], all_states(3)
    np.testing.assert_allclose(
        turned.energy(hidden, visible), energy.energy(visible, hidden), atol=1e-12
    )
    log_partition, statistics = turned.negative_phase()
    exact, expected = energy.negative_phase()
    assert log_partition == pytest.approx(exact, abs=1e-12)
    np.testing.assert_allclose(statistics.matrix, expected.matrix.T, atol=1e-12)


# ---- chains, which are kept as hidden units ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_chains_are_visible_units_given_hidden_ones(energy, dtype):
    hidden, n_rows = np.array([1.0, 0.0, 1.0]), 20_000
    law = np.exp(energy.visible_bias @ all_states(4).T)
    law = law * np.exp(all_states(4) @ energy.weights.T @ hidden)
    # The last column means nothing.
    chains = np.column_stack([np.tile(hidden, (n_rows, 1)), np.arange(n_rows) % 2])
    noise = UniformNoise(np.random.default_rng(0), dtype)
    rows = energy.astype(dtype).rows_of_chains(chains > 0, noise)
    assert rows.dtype == bool
    assert_draws_from(law / law.sum(), rows @ (1 << np.arange(4)[::-1]))


def test_chains_of_rows_of_chains_are_chains(energy):
    """From the machine's own draws there and back, hidden units keep their means."""
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    rows = energy.gibbs(np.zeros((20_000, 4), dtype=bool), noise, 20)
    chains = energy.chains_of(rows, noise)
    again = energy.chains_of(energy.rows_of_chains(chains, noise), noise)
    exact = energy.hidden_mean(all_states(4))
    law = np.exp(-energy.free_energy(all_states(4)))
    for moved in (chains, again):
        assert moved.shape == (20_000, 4)
        assert_mean_is(law @ exact / law.sum(), moved[:, :3])


def test_rows_of_other_energies_are_their_chains():
    energy = RBMEnergy.of(*random_rbm(3, 4))
    rows = all_states(4) > 0
    assert energy.rows_of_chains(rows, None) is rows
