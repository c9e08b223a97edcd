"""Rows that move downhill: the energy never rises, and ends where no move lowers it."""

from functools import partial

import numpy as np
import pytest
from oracle import random_boltzmann

from skebm.energy.memory_mixture import MemoryMixture
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.polynomial import PolynomialEnergy
from skebm.sampling.recall import attend, fill_in, recall, step_in_order, step_together

RNG = np.random.default_rng(0)
SPINS = RNG.choice([-1.0, 1.0], (12, 20))
HEBBIAN = SPINS.T @ SPINS / 20
np.fill_diagonal(HEBBIAN, 0)
ENERGIES = {
    "random couplings": PairwiseEnergy.of(*random_boltzmann(20)),
    "hebbian": PairwiseEnergy.of(4 * HEBBIAN, -2 * HEBBIAN.sum(axis=1)),
    "square": PolynomialEnergy(np.ones(12), SPINS, 2),
    "cubic": PolynomialEnergy(np.ones(12), SPINS, 3),
    "quartic": PolynomialEnergy(np.ones(12), SPINS, 4),
    "memories": MemoryMixture.of_spins(SPINS, 0.2),
    "sharp memories": MemoryMixture.of_spins(SPINS, 3.0),
}
# Of which -E is convex.
TOGETHER = ["square", "quartic", "memories", "sharp memories"]
ROWS = RNG.random((200, 20)) < 0.5


def assert_falls(energy, step, rows):
    """Follow rows to where they stay; the energy falls wherever one moves."""
    before, n_moves = energy.free_energy(rows.astype(float)), 0
    for _ in range(50):
        moved = step(energy, rows)
        after = energy.free_energy(moved.astype(float))
        assert (after <= before + 1e-12).all()
        has_moved = (moved != rows).any(axis=1)
        n_moves += has_moved.sum()
        if not has_moved.any():
            assert n_moves > 0
            return rows
        rows, before = moved, after
    raise AssertionError("rows do not come to rest")


@pytest.mark.parametrize("name", ENERGIES)
def test_the_energy_never_rises_and_ends_where_no_flip_lowers_it(name):
    energy = ENERGIES[name]
    rows = assert_falls(energy, step_in_order, ROWS)
    lowest = energy.free_energy(rows.astype(float))
    for unit in range(20):
        flipped = rows.astype(float)
        flipped[:, unit] = 1 - flipped[:, unit]
        assert (energy.free_energy(flipped) >= lowest - 1e-12).all()


@pytest.mark.parametrize("name", TOGETHER)
def test_nor_does_it_where_all_units_move_at_once_and_it_is_concave(name):
    assert_falls(ENERGIES[name], step_together, ROWS)


def test_units_that_move_at_once_may_alternate_elsewhere():
    """Two units that want to differ, and are told the same."""
    energy = PairwiseEnergy.of(np.array([[0.0, -2.0], [-2.0, 0.0]]), np.ones(2))
    rows = np.array([[True, True]])
    step = partial(step_together, energy)
    np.testing.assert_array_equal(step(rows), ~rows)
    np.testing.assert_array_equal(step(~rows), rows)
    _, settled = recall(step, rows, 10)
    assert not settled[0]
    moved, settled = recall(partial(step_in_order, energy), rows, 10)
    assert settled[0]
    assert moved[0].sum() == 1


def test_units_without_a_field_stay():
    energy = PairwiseEnergy.of(np.zeros((3, 3)), np.zeros(3))
    rows = np.array([[True, False, True]])
    for step in step_in_order, step_together:
        np.testing.assert_array_equal(step(energy, rows), rows)


def test_attention_lowers_the_energy_of_real_rows():
    memories = np.random.default_rng(1).normal(size=(6, 4))
    for alike in False, True:
        energy = MemoryMixture.of_reals(memories, 2.0, alike=alike)
        rows = np.random.default_rng(2).normal(0, 2, (50, 4))
        before = energy.free_energy(rows)
        for _ in range(30):
            rows = attend(energy, rows)
            after = energy.free_energy(rows)
            assert (after <= before + 1e-12).all()
            before = after


def test_rows_settle_each_in_its_time():
    """The row with the number k is taken k steps down to 0."""
    rows = np.array([[0.0], [2.0], [5.0]])
    asked = []

    def step(rows):
        asked.append(len(rows))
        return np.maximum(rows - 1, 0)

    moved, settled = recall(step, rows, 4)
    np.testing.assert_array_equal(moved, [[0.0], [0.0], [1.0]])
    np.testing.assert_array_equal(settled, [True, True, False])
    assert asked == [3, 2, 2, 1]
    _, settled = recall(step, rows, 6)
    assert settled.all()
    moved, settled = recall(lambda rows: rows / 2, np.ones((1, 1)), 100, 0.1)
    assert settled[0]
    assert moved[0, 0] == 1 / 16  # the first that is less than 0.1 from the one before


def test_what_is_missing_is_told_by_what_is_observed_alone():
    energy = MemoryMixture.of_spins(SPINS, 3.0)
    memories = SPINS > 0
    observed = np.ones(memories.shape, dtype=bool)
    observed[:, 10:] = False
    noise = np.where(observed, memories, RNG.random(memories.shape) < 0.5)
    np.testing.assert_array_equal(fill_in(energy, noise, observed), memories)
    coupled = ENERGIES["random couplings"]
    field = np.where(observed, noise, 0.5) @ coupled.couplings + coupled.bias
    filled = fill_in(coupled, noise, observed)
    np.testing.assert_array_equal(filled[:, 10:], field[:, 10:] > 0)
    np.testing.assert_array_equal(filled[:, :10], noise[:, :10])
    assert fill_in(coupled, noise, np.ones_like(observed)) is noise
