import numpy as np
import pytest
from oracle import random_rbm
from scipy.special import softmax
from statistical import assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition import equilibrium, log_partition, pilot
from skebm.partition.enumeration import enumerate_log_partition
from skebm.partition.log_partition import anneal_log_partition, compute_log_partition
from skebm.partition.spacing import AnnealingLength

MEAN = np.linspace(0.2, 0.8, 12)


def make(scale=1.0):
    energy = BinaryRBMEnergy.of(*random_rbm(10, 12, scale=scale))
    return energy, enumerate_log_partition(energy).log_partition


def anneal(energy, seed, **changes):
    settings = {
        "tol": 0.1,
        "max_temperatures": 5000,
        "n_chains": 40,
        "n_steps": 100,
        **changes,
    }
    rng = np.random.default_rng(seed)
    return anneal_log_partition(energy, MEAN, **settings, rng=rng)


@pytest.fixture(autouse=True)
def annealed(monkeypatch):
    """Anneal also where weighing draws of the mixture takes less."""
    monkeypatch.setattr(log_partition, "_MOST_DRAWS", 0)


@pytest.fixture
def quick(monkeypatch):
    """Spend less on what only says how temperatures are best set."""
    monkeypatch.setattr(pilot, "PILOT_TEMPERATURES", 20)
    monkeypatch.setattr(equilibrium, "_ADAPTING_STEPS", 8)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_errors_are_honest(scale):
    energy, exact = make(scale)
    estimates = [anneal(energy, seed, n_steps=60) for seed in range(50)]
    for name in ("lower", "upper"):
        value = np.array([getattr(estimate, name) for estimate in estimates])
        std = np.array([getattr(estimate, f"{name}_std") for estimate in estimates])
        covered = np.abs(value - exact) <= 2 * std
        # Of 50 that are covered 95 times in 100, 42 or fewer have a chance of 0.003.
        assert covered.sum() >= 43
        assert np.mean(std) < 0.12
    assert all(estimate.lower_std <= 0.1 for estimate in estimates)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_both_directions_are_unbiased_even_where_annealing_is_hasty():
    energy, exact = make()
    estimates = [
        anneal(energy, seed, max_temperatures=3, n_chains=100, n_steps=20)
        for seed in range(300)
    ]
    lower = np.array([estimate.lower for estimate in estimates])
    upper = np.array([estimate.upper for estimate in estimates])
    assert_mean_is(1.0, np.exp(lower - exact), n_errors=4)
    assert_mean_is(1.0, np.exp(exact - upper), n_errors=4)
    # As bounds, in the mean over estimates, by half a variance and more.
    assert lower.mean() < exact - lower.var() / 3
    assert upper.mean() > exact + upper.var() / 3


def test_the_tolerance_is_reached_with_as_many_temperatures_as_it_takes():
    energy, _ = make(2.0)
    coarse, fine = anneal(energy, 0, tol=0.1), anneal(energy, 0, tol=0.03)
    assert coarse.lower_std <= 0.1
    assert fine.lower_std <= 0.03
    # Eleven times fewer, but for the prediction and runs that are made anew.
    assert 2 < fine.n_temperatures / coarse.n_temperatures < 30


def test_what_a_pilot_run_wants_may_be_far_too_much(monkeypatch):
    """As where few chains take noise for length: here for ten times of it."""
    energy, exact = make(2.0)
    length = AnnealingLength.n_temperatures
    monkeypatch.setattr(
        AnnealingLength, "n_temperatures", lambda *args: 100 * length(*args)
    )
    estimate = anneal(energy, 0, tol=0.05)
    assert estimate.lower_std <= 0.05
    assert abs(estimate.lower - exact) < 3 * estimate.lower_std
    assert estimate.n_temperatures <= 1600


def test_no_more_than_the_most_temperatures():
    energy, _ = make(3.0)
    estimate = anneal(energy, 0, tol=1e-4, max_temperatures=17)
    assert estimate.n_temperatures == 17
    assert estimate.lower_std > 1e-4


def test_a_prediction_that_falls_short_is_made_good(monkeypatch):
    energy, exact = make(2.0)
    predicted = []

    def predict(length, variance):
        predicted.append(length.position[-1] ** 2 / variance)
        return 2

    monkeypatch.setattr(AnnealingLength, "n_temperatures", predict)
    estimate = anneal(energy, 0, tol=0.02)
    assert len(predicted) == 1
    assert 2 < estimate.n_temperatures < 5000
    assert estimate.lower_std <= 0.02
    assert abs(estimate.lower - exact) < 3 * estimate.lower_std


@pytest.mark.parametrize("n_chains", [2, 3, 5, 20, 33])
def test_any_number_of_chains(n_chains):
    energy, exact = make(0.5)
    estimate = anneal(energy, 0, n_chains=n_chains)
    assert estimate.n_chains == n_chains
    assert 1 <= estimate.lower_effective_sample_size <= n_chains
    # At least as many back, in ladders of an even number.
    assert n_chains / 2 < estimate.upper_effective_sample_size <= n_chains + 20
    assert abs(estimate.lower - exact) < 4 * estimate.lower_std
    assert abs(estimate.upper - exact) < 4 * estimate.upper_std


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_halves_make_up_the_upper_estimate_and_agree_in_equilibrium():
    energy, _ = make()
    estimates = [anneal(energy, seed) for seed in range(30)]
    for estimate in estimates:
        mean = np.logaddexp(*(-half for half in estimate.halves)) - np.log(2)
        assert estimate.upper == pytest.approx(-mean, abs=1e-9)
        assert estimate.n_restarts > 5
    ratios = [
        (estimate.halves[1] - estimate.halves[0]) / estimate.halves_std
        for estimate in estimates
    ]
    # In units of their error, differences of 30 have a mean square of 1 +- 0.26.
    assert 0.4 < np.mean(np.square(ratios)) < 2.2


def split_model():
    """Two modes of equal weight, of which annealing finds only the wide one.

    With the first hidden unit off every visible unit is free, which has the weight
    2**40; with it on all are on, with log weight 40 log 2 as well, but that mode
    is all or nothing until the temperature is that of the model. The hidden units
    are too many for flips.
    """
    weights = np.zeros((41, 40))
    weights[0] = 100.0
    hidden_bias = np.zeros(41)
    hidden_bias[0] = -100.0 * 40 + 40 * np.log(2)
    energy = BinaryRBMEnergy.of(weights, np.zeros(40), hidden_bias)
    return energy, 81 * np.log(2)


@pytest.mark.parametrize("with_rows", [False, True])
def test_a_mode_that_annealing_misses_is_found_when_rows_of_it_are_given(with_rows):
    energy, exact = split_model()
    estimate = anneal_log_partition(
        energy,
        np.full(40, 0.5),
        tol=0.1,
        max_temperatures=1000,
        n_chains=40,
        n_steps=100,
        rng=np.random.default_rng(0),
        rows=np.ones((3, 40), dtype=bool) if with_rows else None,
    )
    assert estimate.lower_std <= 0.1
    # Without such rows all chains agree on the wide mode, which is half of Z.
    found = exact if with_rows else exact - np.log(2)
    assert abs(estimate.lower - found) < 3 * estimate.lower_std
    assert abs(estimate.gap) < 3 * estimate.gap_std


def test_small_layers_are_enumerated():
    energy, exact = make()
    settings = dict.fromkeys(("tol", "max_temperatures", "n_chains", "n_steps", "rng"))
    estimate = compute_log_partition(energy, MEAN, **settings)
    assert estimate.exact
    assert estimate.lower == exact


def test_large_layers_are_annealed():
    energy = BinaryRBMEnergy.of(np.zeros((21, 21)), np.zeros(21), np.zeros(21))
    estimate = compute_log_partition(
        energy,
        np.full(21, 0.3),
        tol=0.1,
        max_temperatures=100,
        n_chains=50,
        n_steps=30,
        rng=np.random.default_rng(0),
    )
    assert not estimate.exact
    assert abs(estimate.lower - 42 * np.log(2)) < 4 * estimate.lower_std
    assert 0 < estimate.lower_std <= 0.1


def draws_of(energy, n_draws, seed):
    """Draw rows of a model small enough to list all of them."""
    n_columns = energy.n_visible
    rows = (np.arange(2**n_columns)[:, np.newaxis] >> np.arange(n_columns)) % 2
    chance = softmax(-energy.free_energy(rows))
    return rows[np.random.default_rng(seed).choice(len(rows), n_draws, p=chance)]


def never(*args, **settings):
    pytest.fail("Tempering is not needed.")


@pytest.mark.usefixtures("quick")
def test_draws_at_hand_take_the_place_of_tempering(monkeypatch):
    energy, exact = make(2.0)
    monkeypatch.setattr("skebm.partition.log_partition.draw_in_equilibrium", never)
    draws = draws_of(energy, 300, 0)
    estimates = [
        anneal(energy, seed, tol=0.05, draws=draws, n_chains=100) for seed in range(30)
    ]
    lower = np.array([estimate.lower for estimate in estimates])
    assert_mean_is(1.0, np.exp(lower - exact), n_errors=4)
    assert max(estimate.lower_std for estimate in estimates) <= 0.05


@pytest.mark.usefixtures("quick")
def test_draws_of_another_model_are_not_believed():
    """They come from one in which all is turned into its opposite."""
    energy, exact = make(2.0)
    draws = 1 - draws_of(energy, 300, 0)
    estimate = anneal(energy, 0, tol=0.05, draws=draws, n_chains=100)
    assert estimate.n_restarts > 0  # of tempering
    assert abs(estimate.lower - exact) < 4 * estimate.lower_std


@pytest.mark.usefixtures("quick")
def test_no_draw_at_hand_is_in_both_halves(monkeypatch):
    energy, _ = make(0.3)
    given, both_ways = [], log_partition._anneal_both_ways

    def watched(path, betas, drawn, *args):
        given.append(drawn.rows)
        return both_ways(path, betas, drawn, *args)

    monkeypatch.setattr(log_partition, "_anneal_both_ways", watched)
    draws = np.unique(draws_of(energy, 300, 0), axis=0)[:61]
    anneal(energy, 0, tol=0.3, draws=draws, n_chains=100)
    assert given[0].shape == (60, energy.n_visible)
    assert len(np.unique(given[0], axis=0)) == 60


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("at_hand", [False, True])
def test_draws_that_did_not_restart_are_no_draws_at_hand(monkeypatch, at_hand):
    """Tempered ones get another chance where both directions do not agree at first."""
    energy, _ = make(2.0)
    asked, draws = [], draws_of(energy, 40, 0)
    stuck = equilibrium.EquilibriumRows(draws[:, np.newaxis], 0.0)

    def temper(path, *args, **settings):
        return path, stuck

    def disagrees(estimate, tol):
        asked.append(estimate.n_temperatures)
        return False

    monkeypatch.setattr(log_partition, "_temper", temper)
    monkeypatch.setattr(log_partition, "_agrees", disagrees)
    monkeypatch.setattr(log_partition, "_FIRST_TEMPERATURES", 2)
    estimate = anneal(energy, 0, tol=0.4, draws=draws if at_hand else None)
    # Of draws at hand once only, before there are tempered ones.
    assert len(asked) == 1 + at_hand
    assert estimate.n_temperatures > asked[-1]
