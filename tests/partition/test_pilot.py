"""Short runs of annealing, against enumeration and sums over magnetisations."""

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from product_mixtures import noise_from
from scipy.special import gammaln, logsumexp
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.partition import pilot
from skebm.partition.log_partition import anneal_log_partition
from skebm.partition.pilot import EXPLORERS, Pilot, run_pilot
from skebm.partition.starts import start_at_rows
from skebm.sampling.path import IndependentStart, Path

PARAMETERS = random_rbm(3, 4)
MEAN = np.array([0.2, 0.5, 0.7, 0.9])


@pytest.fixture
def path():
    energy = BinaryRBMEnergy.of(*PARAMETERS)
    return Path(IndependentStart(energy.units, MEAN, np.float64), energy)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_rows_are_drawn_by_weight(power):
    weights = np.array([0.64, 0.16, 0.16, 0.04])
    run = Pilot(None, np.arange(4)[:, np.newaxis], weights, 0.0)
    drawn = run.draw(20_000, np.random.default_rng(0), power=power)
    law = {0.5: np.array([0.8, 0.4, 0.4, 0.2]) / 1.8, 1.0: weights}[power]
    assert_draws_from(law, drawn[:, 0])


@pytest.mark.parametrize("explores", [False, True])
def test_log_partition_is_unbiased(monkeypatch, path, explores):
    """However hasty the run, and with jumps as without them."""
    monkeypatch.setattr(pilot, "PILOT_TEMPERATURES", 10)
    exact, noise = np.log(RBMOracle(*PARAMETERS).partition), noise_from(0)
    errors = np.array(
        [
            run_pilot(path, noise, 10, explores=explores).log_partition - exact
            for _ in range(400)
        ]
    )
    assert errors.std() > 0.01
    assert_mean_is(1.0, np.exp(errors))


def test_weighted_rows_are_those_of_the_machine(monkeypatch, path):
    monkeypatch.setattr(pilot, "PILOT_TEMPERATURES", 3)
    oracle, noise = RBMOracle(*PARAMETERS), noise_from(0)
    runs = [run_pilot(path, noise, 2000) for _ in range(100)]
    assert all(run.rows.shape == (2000, 4) for run in runs)
    np.testing.assert_allclose([run.weights.sum() for run in runs], 1)
    assert_mean_is(oracle.mean(), [run.weights @ run.rows for run in runs])


@pytest.mark.parametrize("explores", [False, True])
def test_those_that_explore_make_no_jumps(path, explores):
    asked = []

    class Watched(Path):
        def jump(self, rows, beta, noise):
            asked.append(beta)
            return super().jump(rows, beta, noise)

    run_pilot(Watched(path.start, path.end), noise_from(0), 5, explores=explores)
    expected = [] if explores else np.arange(10, 201, 10) / 200
    np.testing.assert_allclose(asked, expected)


# ---- a magnet, of which only rows that are down are known ----

N_SPINS, COUPLING, FIELD = 30, 0.1, 0.05
# Of energies of spins less those of bits.
CONSTANT = COUPLING * N_SPINS * (N_SPINS - 1) / 2 - FIELD * N_SPINS


def magnet():
    """Spins of -1 and 1 that all couple to each other, written for bits."""
    couplings = 4 * COUPLING * (1 - np.eye(N_SPINS))
    bias = np.full(N_SPINS, 2 * FIELD - 2 * COUPLING * (N_SPINS - 1))
    return PairwiseEnergy.of(couplings, bias)


def sum_over_spins(keep=lambda magnetisation: magnetisation > -np.inf):
    n_up = np.arange(N_SPINS + 1)
    magnetisation = 2 * n_up - N_SPINS
    terms = gammaln(N_SPINS + 1) - gammaln(n_up + 1) - gammaln(N_SPINS - n_up + 1)
    terms += COUPLING * (magnetisation**2 - N_SPINS) / 2 + FIELD * magnetisation
    return logsumexp(terms[keep(magnetisation)])


def test_explorers_find_a_mode_that_the_start_does_not_know():
    exact = sum_over_spins()
    assert exact == pytest.approx(45.133, abs=1e-3)
    up = np.exp(sum_over_spins(lambda m: m > 0) - exact)
    assert up > 0.9
    energy = magnet().astype(np.float32)
    known = np.zeros((10, N_SPINS), dtype=bool)
    for seed in range(5):
        noise = noise_from(seed, np.float32)
        start = start_at_rows(energy, np.full(N_SPINS, 0.05), known, noise.rng)
        run = run_pilot(Path(start, energy), noise, EXPLORERS, explores=True)
        is_up = run.rows.mean(axis=1) > 0.5
        assert is_up.any()
        assert run.weights[is_up].sum() > 0.5
        # More than all that the start knows of, and rarely 100 times too much.
        found = run.log_partition + CONSTANT
        assert found > sum_over_spins(lambda m: m < 0) + 0.5
        assert found < exact + np.log(100)


@pytest.mark.parametrize("seed", range(3))
def test_what_explorers_find_is_in_the_estimate(seed):
    estimate = anneal_log_partition(
        magnet(),
        np.full(N_SPINS, 0.05),
        tol=0.03,
        max_temperatures=10_000,
        n_chains=100,
        n_steps=200,
        rng=np.random.default_rng(seed),
        rows=np.zeros((10, N_SPINS), dtype=bool),
    )
    assert estimate.lower_std <= 0.03
    error = estimate.lower + CONSTANT - sum_over_spins()
    assert abs(error) < 4 * estimate.lower_std
