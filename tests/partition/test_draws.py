"""Rows of chains that jump, and what others say of them."""

import numpy as np
import pytest
from product_mixtures import noise_from, two_blocks

from skebm.energy.pairwise import PairwiseEnergy
from skebm.partition.draws import adapt_start, draw_rows
from skebm.sampling.mixture import Mixture
from skebm.sampling.path import Path
from skebm.units.binary import BinaryUnits

N_UNITS = 20
LOG_ODDS = 3.0
SHARE_ON = 1 / (1 + np.exp(-LOG_ODDS))


@pytest.fixture
def machine():
    """Two modes that sweeps do not lead between: nearly all on, or all off."""
    return two_blocks(N_UNITS, log_odds=LOG_ODDS).astype(np.float32)


def start(means, weights=(0.5, 0.5)):
    means = np.repeat(np.array(means)[:, np.newaxis], N_UNITS, axis=1)
    return Mixture.of_means(BinaryUnits(N_UNITS), np.array(weights), means)


def standard_error(share, n_rows):
    return np.sqrt(share * (1 - share) / n_rows)


def test_where_jumps_work_rows_have_the_right_shares_and_others_agree(machine):
    path = Path(start([0.01, 0.99]), machine)
    for seed in range(10):
        draws = draw_rows(path, 400, noise_from(seed, np.float32), n_steps=400)
        assert draws.agree
        assert draws.n_jumps > 5
        assert draws.rows.shape == (400, N_UNITS)
        share = (draws.rows.mean(axis=1) > 0.5).mean()
        assert abs(share - SHARE_ON) < 4 * standard_error(SHARE_ON, 400)


def test_where_no_jump_is_accepted_others_disagree(machine):
    """Components so broad that none of their draws is like a row of the machine."""
    path = Path(start([0.35, 0.65]), machine)
    draws = draw_rows(path, 400, noise_from(0, np.float32), n_steps=400)
    assert draws.n_jumps < 0.1
    assert not draws.agree


@pytest.mark.parametrize("n_rows", [1, 3, 50])
def test_few_rows_are_compared_with_more_others(machine, n_rows):
    path = Path(start([0.01, 0.99]), machine)
    draws = draw_rows(path, n_rows, noise_from(0, np.float32), n_steps=200)
    assert draws.rows.shape == (n_rows, N_UNITS)
    assert draws.agree


def test_draws_in_blocks(monkeypatch, machine):
    monkeypatch.setattr("skebm.units.data.BLOCK_ELEMENTS", 64 * N_UNITS)
    path = Path(start([0.01, 0.99]), machine)
    draws = draw_rows(path, 400, noise_from(0, np.float32), n_steps=400)
    assert draws.agree
    share = (draws.rows.mean(axis=1) > 0.5).mean()
    assert abs(share - SHARE_ON) < 4 * standard_error(SHARE_ON, 400)


def test_columns_that_hardly_vary_raise_no_alarm():
    """One in a thousand on: either kind of chains may have a few or none."""
    bias = np.full(N_UNITS, -np.log(999.0))
    machine = PairwiseEnergy.of(np.zeros((N_UNITS, N_UNITS)), bias).astype(np.float32)
    path = Path(start([0.01, 0.3]), machine)
    for seed in range(30):
        assert draw_rows(path, 50, noise_from(seed, np.float32), n_steps=1).agree


@pytest.mark.parametrize("n_steps", [1, 19, 20, 45])
def test_chains_take_so_many_sweeps(monkeypatch, machine, n_steps):
    taken, gibbs = [], PairwiseEnergy.gibbs

    def watched(energy, rows, noise, n_sweeps=1, **settings):
        # Those of annealing have a temperature, and a field of the start.
        if not settings:
            taken.append(n_sweeps)
        return gibbs(energy, rows, noise, n_sweeps, **settings)

    monkeypatch.setattr(PairwiseEnergy, "gibbs", watched)
    path, noise = Path(start([0.1, 0.9]), machine), noise_from(0, np.float32)
    draw_rows(path, 7, noise, n_steps=n_steps)
    # Of the chains, and as many of the others.
    assert sum(taken) == 2 * n_steps
    assert max(taken) <= 20


def test_the_adapted_start_has_about_the_shares_of_the_machine(machine):
    known = np.repeat([[False], [True]], N_UNITS, axis=1)
    mean = np.full(N_UNITS, 0.5)
    for seed in range(5):
        noise = noise_from(seed, np.float32)
        mixture = adapt_start(machine, mean, known, noise)
        drawn = mixture.draw(4000, noise).mean(axis=1)
        ends = np.array([(drawn < 0.2).mean(), (drawn > 0.8).mean()])
        assert ends.sum() > 0.5
        # Components keep some of the share they had, and some have missed rows.
        assert ends[1] / ends.sum() == pytest.approx(SHARE_ON, abs=0.15)


def test_without_known_rows_the_modes_are_found_by_annealing(machine):
    noise = noise_from(0, np.float32)
    mixture = adapt_start(machine, np.full(N_UNITS, 0.5), None, noise)
    drawn = mixture.draw(4000, noise).mean(axis=1)
    assert (drawn > 0.8).mean() > 0.3
