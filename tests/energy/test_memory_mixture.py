"""Memories as one categorical hidden unit, against the formulas of the field."""

import numpy as np
import pytest
from oracle import all_states
from scipy.special import logsumexp, softmax
from scipy.stats import kstest, norm

from skebm.energy.memory_mixture import MemoryMixture
from skebm.energy.rbm import RBMEnergy
from skebm.partition.enumeration import draw_enumerated, enumerate_log_partition
from skebm.sampling.random import UniformNoise

REALS = np.random.default_rng(0).normal(0, 1.5, (5, 3))


def test_the_free_energy_of_spins_is_a_log_sum_of_overlaps():
    spins = np.random.default_rng(1).choice([-1.0, 1.0], (3, 5))
    rows = all_states(5)
    exact = -logsumexp(0.4 * (2 * rows - 1) @ spins.T, axis=1)
    result = MemoryMixture.of_spins(spins, 0.4).free_energy(rows)
    np.testing.assert_allclose(result, exact, atol=1e-13)


@pytest.mark.parametrize("alike", [False, True])
def test_the_free_energy_of_reals_is_that_of_attention(alike):
    rows = np.random.default_rng(2).normal(size=(20, 3))
    bias = -0.7 * (REALS**2).sum(axis=1) / 2 if alike else 0
    exact = 0.7 * (rows**2).sum(axis=1) / 2 - logsumexp(0.7 * rows @ REALS.T + bias, 1)
    energy = MemoryMixture.of_reals(REALS, 0.7, alike=alike)
    np.testing.assert_allclose(energy.free_energy(rows), exact, atol=1e-13)
    law = softmax(0.7 * rows @ REALS.T + bias, axis=1)
    np.testing.assert_allclose(energy.hidden_mean(rows), law, atol=1e-13)
    np.testing.assert_allclose(
        energy.visible_mean(energy.hidden_mean(rows)), law @ REALS, atol=1e-12
    )


@pytest.mark.parametrize("alike", [False, True])
def test_log_z_of_reals_is_an_integral(alike):
    memories = REALS[:, :1]
    energy = MemoryMixture.of_reals(memories, 0.7, alike=alike)
    grid = np.linspace(-25, 25, 20_001)[:, np.newaxis]
    integral = logsumexp(-energy.free_energy(grid)) + np.log(50 / 20_000)
    assert logsumexp(-energy.memory_free_energies) == pytest.approx(integral, abs=1e-10)
    log_partition = enumerate_log_partition(energy).log_partition
    assert log_partition == pytest.approx(integral, abs=1e-10)


@pytest.mark.parametrize("alike", [False, True])
def test_reals_at_a_temperature_are_less_sharp(alike):
    rows, temperature = np.random.default_rng(2).normal(size=(20, 3)), 2.5
    machine = MemoryMixture.of_reals(REALS, 0.7, alike=alike)
    machine = machine.at_temperature(temperature)
    exact = MemoryMixture.of_reals(REALS, 0.7 / temperature, alike=alike)
    for result, expected in zip(machine.arrays(), exact.arrays(), strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-14)
    np.testing.assert_allclose(
        machine.free_energy(rows), exact.free_energy(rows), atol=1e-12
    )
    squares = -((rows[:, np.newaxis] - REALS) ** 2).sum(axis=2) / 2
    joint = squares + (0 if alike else (REALS**2).sum(axis=1) / 2)
    log_law = logsumexp(0.7 / temperature * joint, axis=1)
    change = log_law + machine.free_energy(rows)
    np.testing.assert_allclose(change, change[0], atol=1e-12)


def test_sums_over_memories_are_those_of_any_restricted_machine():
    spins = np.random.default_rng(3).choice([-1.0, 1.0], (4, 5))
    energy = MemoryMixture.of_spins(spins, 0.4).shifted(
        np.full(5, 0.3), np.full(4, 0.2)
    )
    fields = {name: getattr(energy, name) for name in energy.__dataclass_fields__}
    plain = RBMEnergy(**fields)
    rows, rng = all_states(5), np.random.default_rng(4)
    observed = rng.random(rows.shape) < 0.5
    np.testing.assert_allclose(
        energy.observed_score(rows, observed),
        plain.observed_score(rows, observed),
        atol=1e-12,
    )
    levels = np.eye(4)
    for fast, slow in zip(
        energy.enumerable_layers(), plain.enumerable_layers(), strict=True
    ):
        states = levels if fast[0].n_columns == 4 else rows
        np.testing.assert_allclose(fast[1](states), slow[1](states), atol=1e-12)


def test_what_is_missing_is_integrated_out():
    energy = MemoryMixture.of_reals(REALS, 0.7, alike=False)
    rows, observed = REALS + 0.3, np.array([True, False, True])
    grid = np.linspace(-30, 30, 8001)
    exact = []
    for row in rows:
        filled = np.tile(row, (len(grid), 1))
        filled[:, 1] = grid
        exact.append(logsumexp(-energy.free_energy(filled)) + np.log(60 / 8000))
    observed = np.tile(observed, (len(rows), 1))
    np.testing.assert_allclose(energy.observed_score(rows, observed), exact, atol=1e-9)
    # That of many memories too, which no list of levels would allow.
    many = MemoryMixture.of_reals(np.tile(REALS, (2000, 1)), 0.7, alike=False)
    result = many.observed_score(rows, observed) - np.log(2000)
    np.testing.assert_allclose(result, exact, atol=1e-9)


def test_draws_are_of_the_mixture():
    memories = REALS[:2, :1]
    energy = MemoryMixture.of_reals(memories, 4.0, alike=False)
    noise = UniformNoise(np.random.default_rng(5), np.float64)
    rows = draw_enumerated(energy, 4000, noise)[:, 0]
    shares = softmax(4.0 * memories[:, 0] ** 2 / 2)

    def cumulative(x):
        return shares @ norm.cdf(np.subtract.outer(memories[:, 0], x) * -2)

    assert kstest(rows, cumulative).pvalue > 1e-4
