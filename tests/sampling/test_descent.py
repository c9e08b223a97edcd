"""Where descent starts, and real columns, which have no list of states."""

import numpy as np
import pytest
from oracle import all_states, random_boltzmann, random_rbm

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.sampling import descent, landscape
from skebm.sampling.cooling import anneal, hot_temperature
from skebm.sampling.descent import find_minima, find_more
from skebm.sampling.landscape import Landscape
from skebm.sampling.minima import list_minima
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits
from skebm.units.mixed import MixedUnits


def rng(seed=0):
    return np.random.default_rng(seed)


def free(energy):
    return Landscape(energy, np.zeros(energy.n_visible, dtype=bool))


def two_wells(distance=3.0):
    """Two normal densities of variance 1, this far to each side of 0 in column 0."""
    units = GaussianUnits.of_base(np.ones(2))
    weights = np.array([[2 * distance, 0.0]])
    return GaussianRBMEnergy.of(
        weights, np.array([-distance, 0.0]), np.zeros(1), units, BinaryUnits(1)
    )


def test_saddles_are_left():
    """Descent from the middle stays there, but for pushes."""
    energy = two_wells()
    middle = np.zeros((1, 2))
    still, _ = descent.descend(free(energy), middle)
    np.testing.assert_array_equal(still, middle)
    found = find_minima(free(energy), middle, rng())
    assert abs(found.rows[0, 0]) > 2.9


def test_one_well_is_one_minimum():
    """Two densities whose sum has one top, from rows on both sides."""
    found = find_minima(free(two_wells(0.9)), rng().normal(0, 3, (50, 2)), rng())
    assert len(found.rows) == 1
    np.testing.assert_allclose(found.rows[0], 0, atol=1e-5)


def test_two_wells_are_two_minima():
    rows = rng().normal(0, 3, (200, 2))
    found = find_minima(free(two_wells()), rows, rng())
    assert len(found.rows) == 2
    np.testing.assert_array_equal(found.rows[found.labels, 0] > 0, rows[:, 0] > 0)


def test_held_columns_stay():
    weights, mean, bias = random_rbm(3, 3, scale=2, seed=3)
    units = GaussianUnits.of_base(np.tril(np.eye(3) + 0.5))
    energy = GaussianRBMEnergy.of(weights, mean, bias, units, BinaryUnits(3))
    rows = rng().normal(0, 3, (20, 3))
    rows[:, 1] = 1.5
    held = np.array([False, True, False])
    found = find_minima(Landscape(energy, held), rows, rng())
    assert (found.rows[:, 1] == 1.5).all()
    assert found.n_unsettled == 0
    lowest = energy.free_energy(found.rows)
    for column in (0, 2):
        for step in (-1e-3, 1e-3):
            beside = found.rows.copy()
            beside[:, column] += step
            assert (energy.free_energy(beside) > lowest).all()


def test_what_does_not_come_to_rest_is_counted(monkeypatch):
    monkeypatch.setattr(landscape, "_MOST_STEPS", 2)
    found = find_minima(free(two_wells(1.001)), rng().normal(0, 3, (50, 2)), rng())
    assert found.n_unsettled > 0


def test_levels_and_numbers_move_in_turn():
    """Of a machine of both, to where neither another level nor a step is lower."""
    weights, bias, hidden_bias = random_rbm(4, 6, scale=2, seed=4)
    units = MixedUnits(
        (CategoricalUnits((2, 3)), GaussianUnits.of_base(np.array([1.0])))
    )
    energy = MixedRBMEnergy.of(weights, bias, hidden_bias, units)
    levels = units.parts[0].configurations(np.arange(6))
    rows = np.hstack([np.tile(levels, (20, 1)), rng().normal(0, 5, (120, 1))])
    found = find_minima(free(energy), rows, rng())
    assert 1 < len(found.rows) < 30
    lowest = energy.free_energy(found.rows)
    for column in np.flatnonzero(units.switches >= 0):
        changed = units.switched(found.rows, column)
        assert (energy.free_energy(changed) > lowest - 1e-9).all()
    for step in (-1e-3, 1e-3):
        beside = found.rows.copy()
        beside[:, -1] += step
        assert (energy.free_energy(beside) > lowest).all()
    assert (lowest[found.labels] <= energy.free_energy(rows) + 1e-9).all()


# ---- searches ----


def test_a_search_finds_all_minima_of_twenty_machines():
    """Of 15 units, from many rows at random and what is near the minima found."""
    n_minima = 0
    for seed in range(20):
        energy = PairwiseEnergy.of(*random_boltzmann(15, seed=seed))
        expected = list_minima(free(energy), np.zeros(15))
        starts = rng(seed).integers(0, 2, (4000, 15)).astype(float)
        found = find_minima(free(energy), starts, rng(seed))
        found = find_more(free(energy), found, 2000, rng(seed))
        assert {*map(tuple, found.rows)} == {*map(tuple, expected.rows)}
        n_minima += len(expected.rows)
        # Shares of rows at random are those of all rows, within five deviations.
        places = [found.rows.tolist().index(row) for row in expected.rows.tolist()]
        counts = np.bincount(found.labels, minlength=len(places))[places]
        share = np.bincount(expected.labels) / 2**15
        deviation = np.sqrt(4000 * share * (1 - share))
        assert (np.abs(counts - 4000 * share) <= 5 * deviation + 1).all()
    assert n_minima > 60


def test_minima_near_others_are_found_from_these():
    """With one row to start from."""
    energy = PairwiseEnergy.of(*random_boltzmann(15, seed=3))
    start = find_minima(free(energy), np.zeros((1, 15)), rng())
    found = find_more(free(energy), start, 500, rng())
    expected = list_minima(free(energy), np.zeros(15))
    assert len(start.rows) == 1
    assert len(found.rows) > len(expected.rows) / 2 > 5
    np.testing.assert_array_equal(found.rows[found.labels], start.rows)


@pytest.mark.parametrize("n_steps", [1, 50])
def test_annealing_comes_to_low_energies(n_steps):
    """The longer the lower; what is held stays."""
    energy = PairwiseEnergy.of(*random_boltzmann(30, seed=0))
    rows = rng().integers(0, 2, (300, 30)).astype(float)
    held = np.arange(30) < 3
    hot = hot_temperature(Landscape(energy, held), rows)
    moved = anneal(energy, rows, held, hot, n_steps, UniformNoise(rng(), np.float32))
    np.testing.assert_array_equal(moved[:, held], rows[:, held])
    assert set(np.unique(moved)) == {0, 1}
    if n_steps == 50:
        fallen, _ = descent.descend(Landscape(energy, held), rows)
        assert energy.energy(moved).mean() < energy.energy(fallen).mean()
    else:
        assert energy.energy(moved).mean() < energy.energy(rows).mean()


def test_the_first_temperature_is_the_mean_change():
    energy = PairwiseEnergy.of(*random_boltzmann(6, seed=0))
    changes = [
        abs(
            energy.energy(np.where(np.arange(6) == unit, 1 - row, row)[np.newaxis])[0]
            - energy.energy(row[np.newaxis])[0]
        )
        for row in all_states(6)
        for unit in range(6)
    ]
    assert hot_temperature(free(energy), all_states(6)) == pytest.approx(
        np.mean(changes)
    )


def test_rises_of_large_weights_do_not_overflow():
    weights, bias, hidden_bias = random_rbm(3, 4, scale=1000, seed=0)
    energy = BinaryRBMEnergy.of(weights, bias, hidden_bias)
    rows = all_states(4)
    result = energy.rises(rows)
    for unit in range(4):
        flipped = np.where(np.arange(4) == unit, 1 - rows, rows)
        exact = energy.free_energy(flipped) - energy.free_energy(rows)
        np.testing.assert_allclose(result[:, unit], exact, rtol=1e-10)
