"""Chains of what is missing: what they hold, and what they draw."""

import numpy as np
import pytest
from incomplete import MACHINES, is_real, mean_of, rows_with_gaps
from statistical import assert_mean_is

from skebm.conditional.clamped_chains import (
    average_clamped,
    redraw_missing,
    run_clamped,
)
from skebm.sampling.random import UniformNoise

every_machine = pytest.mark.parametrize("name", MACHINES)
N_DRAWS = 4000


def noise(seed=0):
    return UniformNoise(np.random.default_rng(seed), np.float32)


def products(rows):
    """List columns of rows, and products of pairs of them."""
    i, j = np.triu_indices(rows.shape[1])
    return np.hstack([rows, rows[:, i] * rows[:, j]])


class Repeated:
    """Rows with gaps of a machine, each many times, and exact draws of the gaps."""

    def __init__(self, name, n_rows=4, beta=1.0):
        self.energy = MACHINES[name]()
        rows, observed = rows_with_gaps(self.energy, n_rows, seed=3)
        observed[0] = False
        self.known = (rows, observed)
        self.rows, self.observed = (np.repeat(x, N_DRAWS, axis=0) for x in self.known)
        machine = self.energy if beta == 1 else self.energy.at_temperature(1 / beta)
        source = UniformNoise(np.random.default_rng(9), np.float64)
        self.exact = machine.draw_missing(self.rows, self.observed, source)

    def assert_law(self, drawn):
        """Hold draws to as many exact ones, row by row."""
        np.testing.assert_array_equal(
            drawn[self.observed], self.rows.astype(drawn.dtype)[self.observed]
        )
        assert drawn.shape == self.rows.shape
        n_rows, order = (
            len(self.known[0]),
            np.random.default_rng(0).permutation(N_DRAWS),
        )
        found, exact = (
            np.split(products(x.astype(float)), n_rows) for x in (drawn, self.exact)
        )
        for one, other in zip(found, exact, strict=True):
            difference = one - other[order]
            varies = np.std(difference, axis=0) > 1e-6
            assert_mean_is(np.zeros(varies.sum()), difference[:, varies])


@every_machine
def test_chains_come_to_the_law_given_what_is_held(name):
    case = Repeated(name)
    fast, mean = case.energy.astype(np.float32), mean_of(case.energy)
    moved = run_clamped(fast, case.rows, case.observed, mean, noise(), 100)
    case.assert_law(moved)


@pytest.mark.parametrize("name", ["binary RBM", "pairwise", "lattice", "latent"])
def test_chains_come_to_it_at_other_temperatures(name):
    case = Repeated(name, beta=0.5)
    known = case.rows, case.observed, mean_of(case.energy)
    tempered = case.energy.at_temperature(2.0).astype(np.float32)
    case.assert_law(run_clamped(tempered, *known, noise(), 60))


@pytest.mark.parametrize("name", ["gaussian full", "gaussian diag", "mixed full"])
def test_of_real_values_the_machine_has_the_temperature(name):
    case = Repeated(name, beta=0.5)
    tempered = case.energy.at_temperature(2.0).astype(np.float32)
    known = case.rows, case.observed, mean_of(case.energy)
    case.assert_law(run_clamped(tempered, *known, noise(), 60))


@every_machine
def test_sweeps_leave_the_law_as_it_is(name):
    case = Repeated(name)
    rows = case.exact if is_real(case.energy).any() else case.exact.astype(bool)
    fast = case.energy.astype(np.float32)
    moved = redraw_missing(fast, rows, case.observed, noise(), 2)
    case.assert_law(moved)
    assert (moved != rows).any()


@every_machine
def test_without_sweeps_what_is_missing_is_independent(name):
    case = Repeated(name)
    fast, mean = case.energy.astype(np.float32), mean_of(case.energy)
    drawn = run_clamped(fast, case.rows, case.observed, mean, noise(), 0)
    part = slice(0, N_DRAWS)  # of which nothing is known
    statistics = case.energy.visible_units.statistics
    if name == "latent":
        assert drawn.shape[1] == case.energy.n_visible
    found = drawn[part].astype(float)
    if name.startswith(("mixed", "gaussian")):
        found = statistics(found)
    law = mean if name != "categories" else mean / mean.sum()
    if name in {"categories", "mixed full", "mixed diag"}:
        levels = slice(0, 3), slice(3, 5)
        law = mean.copy()
        for own in levels:
            law[own] /= law[own].sum()
    assert_mean_is(law, found)


@every_machine
def test_averages_are_means_of_what_is_missing(name):
    energy = MACHINES[name]()
    rows, observed = rows_with_gaps(energy, 6)
    observed[0] = False
    exact = energy.mean_missing(rows, observed)
    mean = mean_of(energy)
    averages = np.array(
        [
            average_clamped(energy, rows, observed, mean, seed, np.asarray)
            for seed in range(60)
        ]
    )
    np.testing.assert_allclose(averages[:, observed].std(axis=0), 0, atol=1e-6)
    assert_mean_is(exact[~observed], averages[:, ~observed])


@every_machine
def test_averages_do_not_depend_on_other_rows(name):
    energy = MACHINES[name]()
    rows, observed = rows_with_gaps(energy, 6)
    mean = mean_of(energy)
    atol = 1e-5 if is_real(energy).any() else 0.0

    def average(chosen):
        known = rows[chosen], observed[chosen]
        return average_clamped(energy, *known, mean, 0, np.asarray)

    whole = average(np.arange(6))
    for chosen in [[3], [5, 0, 2]]:
        np.testing.assert_allclose(average(chosen), whole[chosen], rtol=0, atol=atol)
