"""Minima and basins of all configurations, against descent written out by hand."""

import math
from itertools import product

import numpy as np
import pytest
from oracle import all_states, random_boltzmann, random_rbm

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.sampling import descent
from skebm.sampling.descent import find_minima
from skebm.sampling.landscape import Landscape
from skebm.sampling.minima import list_minima
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.mixed import MixedUnits

TIE = 1e-9


class DescentOracle:
    """Steepest descent by its definition, from energies of all states.

    Parameters
    ----------
    energies : dict of tuple to float
        Of every state: the number of the level of each unit.
    n_levels : tuple of int
        Of each unit.
    """

    def __init__(self, energies, n_levels):
        self.energies = energies
        self.n_levels = n_levels

    def neighbours(self, state):
        """List the states that differ in one unit, in order."""
        return [
            (*state[:unit], level, *state[unit + 1 :])
            for unit, n_levels in enumerate(self.n_levels)
            for level in range(n_levels)
            if level != state[unit]
        ]

    def lowest_below(self, state):
        """Find the lowest of lower neighbours, the first of equal ones, or None."""
        energies = self.energies
        around = self.neighbours(state)
        lowest = min(energies[other] for other in around)
        if lowest >= energies[state] - TIE:
            return None
        return next(other for other in around if energies[other] <= lowest + TIE)

    def equal(self, state):
        own = self.energies[state]
        around = self.neighbours(state)
        return [other for other in around if abs(self.energies[other] - own) <= TIE]

    def minimum_of(self, state):
        """Descend; give the first state of the minimum and its number of states."""
        while True:
            below = self.lowest_below(state)
            if below is not None:
                state = below
                continue
            level, seen, leaving = [state], [state], None
            while level and leaving is None:
                following = []
                for member in level:
                    if self.lowest_below(member) is not None:
                        leaving = member
                        break
                    for other in self.equal(member):
                        if other not in seen:
                            seen.append(other)
                            following.append(other)
                level = following
            if leaving is None:
                return min(seen), len(seen)
            state = leaving


def glass(n_units, seed, *, spins=True):
    """Make a machine of whole couplings, which has many plateaus."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-1, 2, (n_units, n_units)), 1).astype(float)
    couplings = 4 * (upper + upper.T)
    bias = -couplings.sum(axis=1) / 2 if spins else rng.integers(-2, 3, n_units) * 1.0
    return PairwiseEnergy.of(couplings, bias)


def levelled(n_levels, seed, *, whole, n_binary=0):
    """Make a machine of categories and bits; of whole parameters it has plateaus."""
    weights, bias, hidden_bias = random_rbm(2, sum(n_levels) + n_binary, seed=seed)
    if whole:
        weights, bias = np.rint(weights[:1] * 0), np.rint(bias)
        hidden_bias = hidden_bias[:1]
    units = MixedUnits((CategoricalUnits(n_levels), BinaryUnits(n_binary)))
    return RBMEnergy.of(2 * weights, 2 * bias, hidden_bias, units)


ENERGIES = {
    "pairwise": lambda seed: PairwiseEnergy.of(*random_boltzmann(7, seed=seed)),
    "spin glass": lambda seed: glass(7, seed),
    "glass in fields": lambda seed: glass(7, seed, spins=False),
    "RBM": lambda seed: BinaryRBMEnergy.of(*random_rbm(3, 6, scale=3, seed=seed)),
    "categories": lambda seed: levelled((3, 2, 4), seed, whole=False),
    "a category of one level": lambda seed: levelled((3, 1, 4), seed, whole=False),
    "equal levels": lambda seed: levelled((3, 2, 4), seed, whole=True),
    "categories and bits": lambda seed: levelled((3, 4), seed, whole=False, n_binary=3),
    "no energy": lambda seed: PairwiseEnergy.of(np.zeros((4, 4)), np.zeros(4)),
}


def states_of(landscape, row):
    """List all states, and the rows that they are."""
    levels = list(product(*map(range, landscape.n_levels)))
    rows = np.tile(row, (len(levels), 1))
    for number, state in enumerate(levels):
        for columns, level in zip(landscape.free_units, state, strict=True):
            if len(columns) == 1:
                rows[number, columns] = level
            else:
                rows[number, columns] = np.arange(len(columns)) == level
    return levels, rows


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_held", [0, 1, 2])
@pytest.mark.parametrize("name", ENERGIES)
def test_lists_and_searches_are_descent_by_its_definition(name, n_held, seed):
    energy = ENERGIES[name](seed)
    units = energy.visible_units
    row = units.configurations(np.array([units.n_configurations // 3]))[0]
    held = np.isin(units.switches, np.arange(n_held))
    landscape = Landscape(energy, held)
    levels, rows = states_of(landscape, row)
    energies = dict(zip(levels, energy.free_energy(rows), strict=True))
    oracle = DescentOracle(energies, landscape.n_levels)
    ends = [oracle.minimum_of(state) for state in levels]
    expected = rows[[levels.index(first) for first, _ in ends]]
    sizes = np.array([size for _, size in ends])
    for found in (
        list_minima(landscape, row),
        find_minima(landscape, rows, np.random.default_rng(0)),
    ):
        np.testing.assert_array_equal(found.rows[found.labels], expected)
        np.testing.assert_array_equal(found.plateau_sizes[found.labels], sizes)
        assert len(found.rows) == len({first for first, _ in ends})
        assert not found.is_plateau_cut
        assert found.n_unsettled == 0


def test_some_of_these_have_plateaus_that_are_left():
    """So that what is tested above is there."""
    n_left = n_plateaus = 0
    for seed in range(4):
        landscape = Landscape(glass(7, seed), np.zeros(7, dtype=bool))
        levels, rows = states_of(landscape, np.zeros(7))
        energies = dict(zip(levels, landscape.free_energy(rows), strict=True))
        oracle = DescentOracle(energies, landscape.n_levels)
        for state in levels:
            if oracle.lowest_below(state) is None and oracle.equal(state):
                first, size = oracle.minimum_of(state)
                n_left += energies[first] < energies[state] - 1
                n_plateaus += size > 1
    assert n_left > 10
    assert n_plateaus > 5


def test_nothing_that_can_change_is_one_minimum():
    energy = PairwiseEnergy.of(*random_boltzmann(3))
    row = np.array([1.0, 0.0, 1.0])
    landscape = Landscape(energy, np.ones(3, dtype=bool))
    for found in (
        list_minima(landscape, row),
        find_minima(landscape, row[np.newaxis], np.random.default_rng(0)),
    ):
        np.testing.assert_array_equal(found.rows, [row])
        np.testing.assert_array_equal(found.labels, [0])


def test_all_minima_of_twenty_units_are_listed():
    """Of two machines of ten units side by side: all pairs of theirs."""
    parts = [random_boltzmann(10, scale=2, seed=seed) for seed in (1, 2)]
    couplings = np.zeros((20, 20))
    couplings[:10, :10], couplings[10:, 10:] = parts[0][0], parts[1][0]
    whole = PairwiseEnergy.of(couplings, np.concatenate([b for _, b in parts]))
    found = list_minima(Landscape(whole, np.zeros(20, dtype=bool)), np.zeros(20))
    own = []
    for couplings, bias in parts:
        states = all_states(10)
        energies = -np.einsum("ni,ij,nj->n", states, couplings, states) / 2
        energies -= states @ bias
        numbers = np.arange(2**10)
        is_lowest = [energies[numbers ^ 2**unit] > energies for unit in range(10)]
        own.append(states[np.all(is_lowest, axis=0)])
    expected = {(*a, *b) for a in own[0] for b in own[1]}
    assert len(expected) == math.prod(map(len, own)) > 4
    assert {tuple(row) for row in found.rows} == expected
    assert len(found.rows) == len(expected)


def test_plateaus_that_are_too_large_are_told_of(monkeypatch):
    monkeypatch.setattr(descent, "_MOST_PLATEAU_ROWS", 50)
    energy = PairwiseEnergy.of(np.zeros((8, 8)), np.zeros(8))
    landscape = Landscape(energy, np.zeros(8, dtype=bool))
    rng = np.random.default_rng(0)
    assert find_minima(landscape, all_states(8), rng).is_plateau_cut
    monkeypatch.setattr(descent, "_MOST_PLATEAU_ROWS", 256)
    found = find_minima(landscape, all_states(8), rng)
    assert not found.is_plateau_cut
    assert found.plateau_sizes.tolist() == [256]
