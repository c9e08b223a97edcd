"""Jumps of rows to draws of the start of a path, against enumeration."""

import numpy as np
import pytest
from oracle import random_rbm
from product_mixtures import (
    PLACES,
    STATES,
    joint_law,
    law_at,
    mixture,
    noise_from,
    paths,
    two_blocks,
)
from scipy.special import binom
from scipy.stats import chi2_contingency
from statistical import assert_draws_from

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.sampling.mixture import Mixture
from skebm.sampling.path import IndependentStart, Path
from skebm.units.binary import BinaryUnits

N_ROWS = 50_000
MEAN = np.array([0.2, 0.5, 0.7, 0.9])
every_path = pytest.mark.parametrize("path", paths(), ids=["rbm", "pairwise"])


def exact_law(path, beta):
    law = law_at(path, beta)
    return law / law.sum()


def draw(law, rng, n_rows=N_ROWS):
    return STATES[rng.choice(len(law), n_rows, p=law)] > 0


def in_dtype(path, dtype):
    start = path.start
    start = Mixture(start.units, start.log_weights, start.fields, dtype)
    return Path(start, path.end.astype(dtype))


@every_path
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jumps_leave_the_law_as_it_is(path, beta, dtype):
    law, noise = exact_law(path, beta), noise_from(1, dtype)
    rows = draw(law, noise.rng)
    moved, accepted = in_dtype(path, dtype).jump(rows, beta, noise)
    assert moved.dtype == bool
    assert_draws_from(law, moved @ PLACES)
    np.testing.assert_array_equal(moved[~accepted], rows[~accepted])
    # By Metropolis' rule, over all pairs of rows: within five standard errors.
    pairs = np.outer(law, joint_law().sum(axis=1))
    exact = np.minimum(pairs, pairs.T).sum()
    error = np.sqrt(abs(exact * (1 - exact)) / N_ROWS)
    assert abs(accepted.mean() - exact) <= 5 * error + 1e-12
    assert accepted.all() == (beta == 0)


@every_path
def test_rows_jump_each_at_a_temperature_of_its_own(path):
    betas = [0.0, 0.3, 0.7, 1.0]
    laws, noise = [exact_law(path, beta) for beta in betas], noise_from(2)
    rows = np.concatenate([draw(law, noise.rng) for law in laws])
    rows, _ = path.jump(rows, np.repeat(betas, N_ROWS), noise)
    for law, part in zip(laws, np.split(rows, 4), strict=True):
        assert_draws_from(law, part @ PLACES)


@pytest.mark.parametrize("beta", [0.4, 1.0])
def test_independent_units_propose_jumps_as_well(beta):
    energy = BinaryRBMEnergy.of(*random_rbm(3, 4))
    path = Path(IndependentStart(energy.units, MEAN, np.float64), energy)
    start = np.where(STATES > 0, MEAN, 1 - MEAN).prod(axis=1)
    law = start ** (1 - beta) * np.exp(energy.score(energy.context(STATES), beta))
    law, noise = law / law.sum(), noise_from(3)
    rows, accepted = path.jump(draw(law, noise.rng), beta, noise)
    assert_draws_from(law, rows @ PLACES)
    assert 0 < accepted.mean() < 1


@every_path
def test_log_odds_are_those_of_the_two_ends(path):
    for beta in (0.3, 1.0):
        # The number of components is left out of all laws but that at beta 0.
        exact = np.log(law_at(path, beta) / law_at(path, 0.0)) - beta * np.log(3)
        odds = path.log_odds(STATES > 0, beta)
        np.testing.assert_allclose(odds, exact, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(path.log_odds(STATES > 0, 0.0), 0)
    np.testing.assert_array_equal(path.log_odds(STATES > 0), odds)


@every_path
@pytest.mark.parametrize("betas", [(0.4, 0.9), (0.9, 0.4), (0.0, 1.0), (1.0, 0.0)])
def test_moves_with_jumps_leave_the_next_law_as_it_is(path, betas):
    beta, next_beta = betas
    law, noise = exact_law(path, next_beta), noise_from(4)
    rows = draw(law, noise.rng)
    moved, log_weight = path.move(rows, beta, next_beta, noise, jumps=True)
    assert_draws_from(law, moved @ PLACES)
    expected = path.log_ratio(path.context(rows), beta, next_beta)
    np.testing.assert_array_equal(log_weight, expected)


@pytest.mark.parametrize("n_path", [0, 1], ids=["rbm", "pairwise"])
def test_moves_with_jumps_are_reversed_on_the_way_back(n_path):
    """So many rows go up from one to another as down the other way."""
    path, noise, n_rows = paths()[n_path], noise_from(5), 200_000
    if n_path == 0:
        # Flips of hidden units are reversed on average over calls, and not in each.
        path = Path(path.start, RBMEnergy.of(*random_rbm(3, 4)))
    law = exact_law(path, 0.6)
    start, end = draw(law, noise.rng, n_rows), draw(law, noise.rng, n_rows)
    up, _ = path.move(start, 0.3, 0.6, noise, jumps=True)
    down, _ = path.move(end, 0.9, 0.6, noise, jumps=True)
    counts = np.array(
        [
            np.bincount(16 * (first @ PLACES) + last @ PLACES, minlength=256)
            for first, last in ((start, up), (down, end))
        ]
    )
    assert (start @ PLACES != up @ PLACES).mean() > 0.5
    counts = counts[:, counts.sum(axis=0) > 20]
    assert chi2_contingency(counts).pvalue > 1e-4


def test_without_jumps_moves_are_those_of_sweeps():
    path, rows = paths()[1], STATES > 0
    moved, _ = path.move(rows, 0.3, 0.6, noise_from(6))
    swept = path.sweep(path.context(rows), 0.6, noise_from(6))
    np.testing.assert_array_equal(moved, swept)


def share_on(machine):
    """Share of rows of which most units are on, of units that are all alike."""
    n_units = machine.n_units
    n_on = np.arange(n_units + 1)
    log_term = machine.couplings[0, 1] * n_on * (n_on - 1) / 2 + machine.bias[0] * n_on
    law = binom(n_units, n_on) * np.exp(log_term - log_term.max())
    return law[n_on > n_units / 2].sum() / law.sum()


def test_jumps_lead_from_one_mode_to_the_other_in_the_right_share():
    machine = two_blocks(20, log_odds=1.0).astype(np.float32)
    means = np.repeat([[0.001], [0.999]], 20, axis=1)
    start = Mixture.of_means(BinaryUnits(20), np.array([0.5, 0.5]), means)
    path, noise = Path(start, machine), noise_from(0, np.float32)
    rows = np.zeros((2000, 20), dtype=bool)
    for _ in range(40):
        rows, _ = path.jump(machine.gibbs(rows, noise), 1.0, noise)
    exact = share_on(machine.astype(np.float64))
    assert exact == pytest.approx(1 / (1 + np.exp(-1)), abs=0.01)
    error = np.sqrt(exact * (1 - exact) / len(rows))
    assert abs((rows.mean(axis=1) > 0.5).mean() - exact) < 5 * error
    # As many sweeps alone have not moved a row.
    rows = machine.gibbs(np.zeros((2000, 20), dtype=bool), noise, 40)
    assert rows.mean(axis=1).max() < 0.5


def test_start_is_left_alone():
    start = mixture()
    fields = start.fields.copy()
    Path(start, paths()[0].end).jump(STATES > 0, 1.0, noise_from(0))
    np.testing.assert_array_equal(start.fields, fields)
