"""What clique models sum, where elimination is short, and where it is not."""

import numpy as np
import pytest
from clique_models import CliqueOracle, random_cliques
from scipy.special import logsumexp, softmax
from statistical import assert_draws_from

from skebm.energy.base import Energy
from skebm.energy.clique_sums import marginal_table
from skebm.energy.clique_tables import CliqueTables
from skebm.energy.cliques import CliqueEnergy
from skebm.sampling.random import UniformNoise

seeds = pytest.mark.parametrize("seed", range(12))


def noise(seed=0):
    return UniformNoise(np.random.default_rng(seed), np.float64)


@seeds
def test_elimination_sums_over_all_configurations(seed):
    energy = random_cliques(seed)
    oracle = CliqueOracle(energy)
    np.testing.assert_allclose(energy.score(oracle.rows), oracle.score, atol=1e-12)
    log_partition, statistics = energy.negative_phase()
    assert log_partition == pytest.approx(oracle.log_partition, abs=1e-12)
    exact = energy.statistics(oracle.rows, oracle.law)
    np.testing.assert_allclose(statistics.ravel(), exact.ravel(), atol=1e-13)
    assert energy.n_terms == energy.cliques.tree.n_terms


@seeds
def test_rises_of_fields_are_differences_of_energies(seed):
    """Also of units that have one level, which cannot change."""
    energy = random_cliques(seed)
    rows = CliqueOracle(energy).rows
    exact = Energy.rises(energy, rows)
    np.testing.assert_allclose(energy.rises(rows), exact, atol=1e-12)


@seeds
def test_marginals_of_units_that_share_no_clique(seed):
    energy = random_cliques(seed, n_units=5)
    oracle = CliqueOracle(energy)
    rng = np.random.default_rng(seed)
    for size in (1, 2, 3):
        scope = tuple(rng.choice(5, size, replace=False).tolist())
        np.testing.assert_allclose(
            marginal_table(energy, scope), oracle.marginal(scope), atol=1e-13
        )
    assert marginal_table(energy.replaced(cliques=limited(energy, 1)), (0, 1)) is None


def limited(energy, most_terms):
    return energy.cliques.replaced(most_terms=most_terms)


def test_draws_come_from_the_law():
    energy = random_cliques(4, n_units=4)
    oracle = CliqueOracle(energy)
    drawn = energy.elimination.draw(20_000, noise())
    assert drawn.dtype == bool
    assert_draws_from(oracle.law, oracle.index(energy.units.decode(drawn)))


# ---- what is missing, without a tree of all units ----


@seeds
def test_what_is_missing_is_summed_beside_what_is_known(seed):
    """Pattern by pattern, as of models of which all units are too many."""
    energy = random_cliques(seed, n_units=5)
    energy = energy.replaced(cliques=limited(energy, 0))
    assert energy.elimination is None
    assert energy.n_terms == np.inf
    oracle = CliqueOracle(energy)
    rng = np.random.default_rng(seed)
    known = rng.random((20, 5)) < 0.5
    observed = np.repeat(known, energy.cliques.n_levels, axis=1)
    rows = oracle.rows[rng.integers(len(oracle.rows), size=20)]
    assert energy.is_summable(observed).all()
    fits = [
        (oracle.rows == row)[:, own].all(axis=1)
        for row, own in zip(rows, observed, strict=True)
    ]
    junk = np.where(observed, rows, 3.25)
    exact = [logsumexp(oracle.score[own]) for own in fits]
    score = energy.observed_score(junk, observed)
    np.testing.assert_allclose(score, exact, rtol=0, atol=1e-12)
    means = [softmax(oracle.score[own]) @ oracle.rows[own] for own in fits]
    np.testing.assert_allclose(
        energy.mean_missing(junk, observed), means, rtol=0, atol=1e-12
    )
    drawn = energy.draw_missing(junk, observed, noise())
    np.testing.assert_array_equal(drawn[observed], rows[observed])
    for row, own in zip(drawn, fits, strict=True):
        assert (oracle.rows[own] == row).all(axis=1).any()


def test_draws_of_what_is_missing_come_from_the_law_without_a_tree():
    energy = random_cliques(4, n_units=4)
    energy = energy.replaced(cliques=limited(energy, 0))
    oracle = CliqueOracle(energy)
    rows = np.tile(oracle.rows[5], (10_000, 1))
    observed = np.zeros(rows.shape, dtype=bool)
    observed[:, energy.cliques.columns(1)] = True
    drawn = energy.draw_missing(rows, observed, noise())
    law = oracle.law * (oracle.levels[:, 1] == oracle.levels[5, 1])
    at = oracle.index(energy.units.decode(drawn > 0))
    assert_draws_from(law / law.sum(), at)


def test_too_much_missing_is_not_summable():
    n_units = 14
    pairs = [(i, j) for i in range(n_units) for j in range(i)]
    cliques = CliqueTables((2,) * n_units, tuple(pairs), 0)
    energy = CliqueEnergy(np.zeros(cliques.n_entries), np.zeros(2 * n_units), cliques)
    observed = np.ones((2, 2 * n_units), dtype=bool)
    observed[0, :20] = observed[1] = False
    np.testing.assert_array_equal(energy.is_summable(observed), [True, False])


# ---- conditionals ----


@pytest.mark.parametrize("dense", [True, False])
@seeds
def test_conditionals_and_their_derivatives(seed, dense, monkeypatch):
    monkeypatch.setattr(CliqueTables, "is_dense", dense)
    energy = random_cliques(seed, n_units=5)
    oracle = CliqueOracle(energy)
    conditional = energy.conditional_log_likelihood(oracle.rows)
    means = energy.conditional_mean(oracle.rows)
    for unit in range(5):
        others = [i for i in range(5) if i != unit]
        beside = oracle.marginal(others)[tuple(oracle.levels[:, others].T)]
        exact = np.log(oracle.law) - np.log(beside)
        np.testing.assert_allclose(conditional[:, unit], exact, atol=1e-12)
        columns = energy.cliques.columns(unit)
        own = (means[:, columns] * oracle.rows[:, columns]).sum(axis=1)
        np.testing.assert_allclose(own, np.exp(exact), atol=1e-12)
    weights = np.random.default_rng(seed).random(len(oracle.rows))
    value, slope = energy.conditional_phase(oracle.rows, weights)
    assert value == pytest.approx(weights @ conditional.sum(axis=1), abs=1e-10)
    vector = energy.ravel()
    step = 1e-5 * np.eye(len(vector))
    found = [
        energy.unravel(vector + own).conditional_phase(oracle.rows, weights)[0]
        - energy.unravel(vector - own).conditional_phase(oracle.rows, weights)[0]
        for own in step
    ]
    np.testing.assert_allclose(slope.ravel(), np.array(found) / 2e-5, atol=1e-7)


@pytest.mark.parametrize("dense", [True, False])
def test_sweeps_by_either_way_leave_the_law_as_it_is(dense, monkeypatch):
    monkeypatch.setattr(CliqueTables, "is_dense", dense)
    energy = random_cliques(4, n_units=4)
    oracle = CliqueOracle(energy)
    start = energy.elimination.draw(20_000, noise(1))
    moved = energy.astype(np.float32).gibbs(start, noise(2), 2)
    assert (moved != start).any()
    assert_draws_from(oracle.law, oracle.index(energy.units.decode(moved)))


# ---- what tables say of two units ----


@seeds
def test_parts_of_pairs_add_up_to_what_single_units_do_not_say(seed):
    """Where no clique has three units: the score is parts and fields, which agree."""
    energy = random_cliques(seed, n_units=4)
    scopes = energy.cliques.scopes
    parts = energy.pair_parts()
    pairs = {tuple(sorted((i, j))) for s in scopes for i in s for j in s if i != j}
    assert set(parts) == pairs
    for (i, j), part in parts.items():
        assert part.shape == (energy.cliques.n_levels[i], energy.cliques.n_levels[j])
        np.testing.assert_allclose(part.sum(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(part.sum(axis=1), 0, atol=1e-12)
    oracle = CliqueOracle(energy)
    # The projection of the score on functions of two units beyond those of one.
    for (i, j), part in parts.items():
        along = part[oracle.levels[:, i], oracle.levels[:, j]]
        assert along @ oracle.score == pytest.approx(along @ along, abs=1e-10)


def test_sums_fall_back_to_listing_configurations():
    energy = random_cliques(4, n_units=4)
    slow = energy.replaced(cliques=limited(energy, 0)).negative_phase()
    fast = energy.negative_phase()
    assert slow[0] == pytest.approx(fast[0], abs=1e-12)
    np.testing.assert_allclose(slow[1].ravel(), fast[1].ravel(), atol=1e-12)
    assert Energy.elimination is None
