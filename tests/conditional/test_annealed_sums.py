"""Annealed sums over what is missing, against sums that are short."""

import numpy as np
import pytest
from incomplete import (
    MACHINES,
    each_part,
    is_real,
    mean_of,
    rows_with_gaps,
    side_by_side,
)
from oracle import random_boltzmann
from statistical import assert_mean_is

from skebm.conditional import annealed_sums
from skebm.conditional.annealed_sums import anneal_missing
from skebm.energy.pairwise import PairwiseEnergy
from skebm.units import data

every_machine = pytest.mark.parametrize("name", MACHINES)


def anneal(energy, rows, observed, seed=0):
    return anneal_missing(energy, rows, observed, mean_of(energy), seed)


@every_machine
def test_estimates_are_unbiased_and_their_errors_right(name):
    """As the exponential of an annealed score is, whatever the chains start with."""
    energy = MACHINES[name]()
    rows, observed = rows_with_gaps(energy, 12)
    observed[0] = False
    exact = energy.observed_score(rows, observed)
    found = [anneal(energy, rows, observed, seed) for seed in range(60)]
    score, std = np.swapaxes(found, 0, 1)
    gaps = (std > 1e-6).any(axis=0)
    assert gaps.sum() >= 6
    assert std.max() < 0.15
    np.testing.assert_allclose(
        score[:, ~gaps], np.tile(exact[~gaps], (60, 1)), rtol=0, atol=1e-4
    )
    ratios = np.exp(score - exact)[:, gaps]
    assert_mean_is(np.ones(gaps.sum()), ratios)
    # Errors of 20 chains vary by a sixth themselves: one in sixty may be small.
    errors = (score - exact)[:, gaps] / np.maximum(std[:, gaps], 1e-6)
    assert np.abs(errors).max() < 7
    assert 0.5 < np.sqrt((errors**2).mean()) < 1.5


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "latent"])
def test_nothing_is_summed_over_complete_rows(name):
    """But hidden units, which are summed over in each step; coupled ones are drawn."""
    energy = MACHINES[name]()
    rows, observed = rows_with_gaps(energy, 10, share=0.0)
    score, _ = anneal(energy, rows, observed)
    exact = -energy.free_energy(rows)
    np.testing.assert_allclose(score, exact, rtol=1e-5, atol=1e-4)


@every_machine
def test_a_row_has_the_same_whatever_it_comes_with(name, monkeypatch):
    energy = MACHINES[name]()
    # Products of float32 are rounded as BLAS likes it; of bits it mostly has no choice.
    atol = 1e-6 if is_real(energy).any() else 0.0

    def assert_same(found, expected):
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)

    rows, observed = rows_with_gaps(energy)
    whole = np.array(anneal(energy, rows, observed))
    order = np.random.default_rng(1).permutation(len(rows))
    other = np.array(anneal(energy, rows[order], observed[order]))
    assert_same(other, whole[:, order])
    for i in range(0, len(rows), 3):
        alone = np.array(anneal(energy, rows[[i]], observed[[i]]))
        assert_same(alone[:, 0], whole[:, i])
    some = np.array(anneal(energy, rows[:7], observed[:7]))
    assert_same(some, whole[:, :7])
    monkeypatch.setattr(data, "BLOCK_ELEMENTS", 20 * 3 * energy.n_units)
    blocks = np.array(anneal(energy, rows, observed))
    assert_same(blocks, whole)


@pytest.mark.parametrize("n_units", [19, 20, 21, 40, 45])
def test_noise_is_shared_where_units_are_as_many_as_chains(n_units):
    """Whose table of variates has a row for each unit."""
    energy = PairwiseEnergy.of(*random_boltzmann(n_units, scale=0.1))
    rng = np.random.default_rng(2)
    rows = rng.integers(2, size=(7, n_units)).astype(float)
    observed, mean = rng.random(rows.shape) < 0.5, np.full(n_units, 0.5)
    whole = np.array(anneal_missing(energy, rows, observed, mean, 0))
    for n_rows in 1, 2, 3, 6:
        some = anneal_missing(energy, rows[:n_rows], observed[:n_rows], mean, 0)
        np.testing.assert_array_equal(np.array(some), whole[:, :n_rows])


def test_seeds_make_all_the_difference():
    energy = MACHINES["binary RBM"]()
    known = rows_with_gaps(energy)
    first, again, other = (anneal(energy, *known, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_machines_that_are_too_large_for_sums(scale):
    energy, parts = side_by_side(scale=scale)
    rng = np.random.default_rng(3)
    rows = rng.integers(2, size=(30, 21)).astype(float)
    observed = rng.random(rows.shape) < 0.3
    exact = sum(
        each_part(parts, lambda e, *known: e.observed_score(*known), rows, observed)
    )
    for seed in range(5):
        score, std = anneal_missing(energy, rows, observed, np.full(21, 0.5), seed)
        assert std.max() < 0.3
        assert np.abs((score - exact) / std).max() < 6
        assert np.abs(score - exact).mean() < 0.1


def test_rows_that_need_it_are_annealed_for_longer(monkeypatch):
    energy, _ = side_by_side(scale=4.0)
    rng = np.random.default_rng(4)
    rows = rng.integers(2, size=(10, 21)).astype(float)
    observed = rng.random(rows.shape) < 0.3

    def errors():
        return anneal_missing(energy, rows, observed, np.full(21, 0.5), 0)[1]

    long = errors()
    monkeypatch.setattr(annealed_sums, "_MOST_STEPS", 20)
    short = errors()
    wanted = short <= 0.1
    assert 0 < wanted.sum() < 10
    np.testing.assert_array_equal(long[wanted], short[wanted])
    assert (long[~wanted] < short[~wanted]).all()


def test_probabilities_are_no_states_that_chains_can_hold():
    energy = MACHINES["binary RBM"]()
    rows, observed = np.full((2, 5), 0.3), np.zeros((2, 5), dtype=bool)
    anneal(energy, rows, observed)  # what is missing is not looked at
    observed[1, 2] = True
    with pytest.raises(ValueError, match="X has values between the two states"):
        anneal(energy, rows, observed)
