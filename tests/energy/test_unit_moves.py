"""What energies keep of rows whose units move one by one, against their scores."""

import numpy as np
import pytest
from oracle import all_states, random_boltzmann

from skebm.energy.memory_mixture import MemoryMixture
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.polynomial import PolynomialEnergy
from skebm.energy.unit_moves import move_in_order, without_rounding

RNG = np.random.default_rng(0)
SPINS = RNG.choice([-1.0, 1.0], (4, 6))
ENERGIES = {
    "pairwise": PairwiseEnergy.of(*random_boltzmann(6)),
    "square": PolynomialEnergy(RNG.uniform(0.5, 2, 4), SPINS, 2),
    "cubic": PolynomialEnergy(RNG.uniform(0.5, 2, 4), SPINS, 3),
    "quintic": PolynomialEnergy(RNG.uniform(0.5, 2, 4), SPINS, 5),
    "memories": MemoryMixture.of_spins(SPINS, 0.7),
    "biased memories": MemoryMixture.of_spins(SPINS, 0.7)
    + MemoryMixture.of(0 * SPINS, np.linspace(-1, 1, 6), np.arange(4.0)),
    "sharp memories": MemoryMixture.of_spins(SPINS, 400.0),
}
every_energy = pytest.mark.parametrize("name", ENERGIES)


def log_odds(energy, rows, unit):
    high, low = rows.astype(float), rows.astype(float)
    high[:, unit], low[:, unit] = 1, 0
    return energy.free_energy(low) - energy.free_energy(high)


@every_energy
def test_a_walk_knows_the_odds_of_every_unit_wherever_it_is(name):
    energy, rng = ENERGIES[name], np.random.default_rng(1)
    rows = all_states(6).astype(bool)
    walk = energy.walk(rows)
    for unit in [*range(6), *range(6), 3, 3, 0]:
        exact, on = log_odds(energy, rows, unit), rows[:, unit].copy()
        bound = 1e-12 * max(1, np.abs(exact).max())
        np.testing.assert_allclose(walk.odds(unit, on), exact, rtol=0, atol=bound)
        chosen = rng.random(len(rows)) < 0.5
        moved = np.flatnonzero(chosen != on)
        walk.move(moved, unit, chosen[moved] - on[moved].astype(float))
        rows[moved, unit] = chosen[moved]


@every_energy
def test_slopes_are_derivatives_between_the_states_too(name):
    energy = ENERGIES[name]
    if name == "sharp memories":
        return  # bends faster than differences can tell
    rows = np.random.default_rng(2).uniform(0.2, 0.8, (20, 6))
    exact = np.empty(rows.shape)
    for unit in range(6):
        step = 1e-5 * np.eye(6)[unit]
        rise = energy.free_energy(rows - step) - energy.free_energy(rows + step)
        exact[:, unit] = rise / 2e-5
    np.testing.assert_allclose(energy.slope(rows), exact, atol=1e-7)


@every_energy
@pytest.mark.parametrize("reverse", [False, True])
def test_units_are_visited_in_order_and_told_what_others_have_become(name, reverse):
    energy, rng = ENERGIES[name], np.random.default_rng(3)
    rows = rng.random((30, 6)) < 0.5
    choices, visited, now = rng.random((30, 6)) < 0.5, [], rows.copy()

    def choose(unit, odds, on):
        visited.append(unit)
        exact = log_odds(energy, now, unit)
        bound = 1e-12 * max(1, np.abs(exact).max())
        np.testing.assert_allclose(odds, exact, rtol=0, atol=bound)
        np.testing.assert_array_equal(on, now[:, unit])
        now[:, unit] = choices[:, unit]
        return choices[:, unit]

    before = rows.copy()
    moved = move_in_order(energy, rows, choose, reverse=reverse)
    np.testing.assert_array_equal(moved, choices)
    np.testing.assert_array_equal(rows, before)
    assert visited == list(range(6))[:: -1 if reverse else 1]


def test_a_unit_between_two_memories_has_no_odds_but_for_rounding():
    """Thirty units in the middle of two opposite memories: sums that are 0."""
    memory = np.random.default_rng(4).choice([-1.0, 1.0], 30)
    rest = np.ones(30)
    rest[:15] = -1
    rows = (memory * rest)[np.newaxis] > 0
    opposite = PolynomialEnergy(np.array([0.1, 0.1]), np.stack([memory, -memory]), 4)
    assert not opposite.slope(rows).any()
    couplings = np.outer(memory, memory) * 0.1
    np.fill_diagonal(couplings, 0)
    # Against 14 others and for 15 each unit has a field; against its like it has none.
    pair = PairwiseEnergy.of(couplings, -couplings @ rows[0])
    assert not pair.slope(rows).any()
    walk = pair.walk(rows)
    assert not any(walk.odds(unit, rows[:, unit]).any() for unit in range(30))


def test_what_is_more_than_rounding_stays():
    sums = np.array([1e-15, 1e-12, -1e-15, 0.5])
    result = without_rounding(sums, np.array([1.0, 1.0, 1e-6, 1.0]))
    np.testing.assert_array_equal(result, [0, 1e-12, -1e-15, 0.5])
