from copy import deepcopy

import numpy as np
import pytest
from oracle import RBMOracle, all_states, random_rbm
from scipy.special import logsumexp

from skebm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning import measuring
from skebm.learning.measuring import Measurement, Measuring
from skebm.sampling.mixture import Groups
from skebm.sampling.random import UniformNoise
from skebm.units.data import CompletedRows, Rows


@pytest.fixture(autouse=True)
def no_short_sums(monkeypatch):
    """Let chains follow machines that are small enough to be summed."""
    monkeypatch.setattr(BinaryRBMEnergy, "sums_quickly", False)


def groups_of(table):
    return Groups(table, 50, np.random.default_rng(0))


def watch(table, held_out=None, *, n_updates=10_000, seed=0, weights=(None, None)):
    return Measuring(
        Rows(table, None).weighted(weights[0]),
        None if held_out is None else Rows(held_out, None).weighted(weights[1]),
        groups=groups_of(table),
        mean=np.full(table.shape[1], 0.5),
        noise=UniformNoise(np.random.default_rng(seed), np.float32),
        n_updates=n_updates,
    )


def bits(n_rows, n_columns, seed=0):
    return np.random.default_rng(seed).random((n_rows, n_columns)) < 0.4


def test_likelihoods_are_those_of_brute_force():
    learned, held_out = bits(300, 6), bits(70, 6, seed=1)
    watcher = watch(learned, held_out)
    for seed in range(3):
        parameters = random_rbm(4, 6, seed=seed)
        oracle = RBMOracle(*parameters)
        measurement = watcher.measure(BinaryRBMEnergy.of(*parameters))
        # Free energies of a few nats are rounded to float32.
        for part, table in (("training", learned), ("validation", held_out)):
            exact = oracle.log_likelihood(table).mean()
            assert getattr(measurement, part) == pytest.approx(exact, abs=1e-6)
        log_partition = pytest.approx(np.log(oracle.partition), rel=1e-12)
        assert measurement.log_partition == log_partition
        assert measurement.std == 0
        assert measurement.score == measurement.validation


def test_without_rows_held_out_the_rows_learned_from_count():
    parameters = random_rbm(4, 6)
    measurement = watch(bits(300, 6)).measure(BinaryRBMEnergy.of(*parameters))
    assert np.isnan(measurement.validation)
    assert measurement.score == measurement.training
    exact = RBMOracle(*parameters).log_likelihood(bits(300, 6)).mean()
    assert measurement.training == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(
    ("training", "validation", "score"),
    [(-3.0, -4.0, -4.0), (-3.0, np.nan, -3.5), (np.nan, np.nan, np.nan)],
)
def test_the_penalty_counts_unless_rows_are_held_out(training, validation, score):
    measurement = Measurement(training, validation, 0.0, 0.0, penalty=0.5)
    np.testing.assert_equal(measurement.score, score)


def test_values_between_0_and_1_are_taken_as_they_are():
    table = np.random.default_rng(0).random((50, 6))
    parameters = random_rbm(4, 6)
    energy = BinaryRBMEnergy.of(*parameters)
    expected = -energy.free_energy(table).mean() - np.log(
        RBMOracle(*parameters).partition
    )
    measurement = watch(table, table).measure(energy)
    assert measurement.training == pytest.approx(expected, abs=1e-6)
    assert measurement.validation == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_rows", [300, 20_000])
def test_likelihoods_are_means_by_weight(n_rows):
    learned, held_out = bits(n_rows, 6), bits(70, 6, seed=1)
    rng = np.random.default_rng(2)
    # Rows that are likelier count more.
    weights = rng.random(n_rows) * 4.0 ** learned.sum(axis=1), rng.random(70)
    parameters = random_rbm(4, 6)
    scores = [
        RBMOracle(*parameters).log_likelihood(part) for part in (learned, held_out)
    ]
    measurement = watch(learned, held_out, weights=weights).measure(
        BinaryRBMEnergy.of(*parameters)
    )
    exact = np.average(scores[0], weights=weights[0])
    # Of many rows 1000 are drawn.
    error = 1e-6 if n_rows < 1000 else 5 * scores[0].std() / np.sqrt(1000)
    assert measurement.training == pytest.approx(exact, abs=error)
    assert abs(exact - scores[0].mean()) > error
    exact = np.average(scores[1], weights=weights[1])
    assert measurement.validation == pytest.approx(exact, abs=1e-6)
    assert abs(exact - scores[1].mean()) > 1e-3


def test_at_most_1000_rows_learned_from_are_scored(monkeypatch):
    scored, free_energy = [], BinaryRBMEnergy.free_energy
    table, held_out = bits(1001, 6), bits(1500, 6, seed=1)
    watcher = watch(table, held_out)
    monkeypatch.setattr(
        BinaryRBMEnergy,
        "free_energy",
        lambda energy, rows: scored.append(len(rows)) or free_energy(energy, rows),
    )
    watcher.measure(BinaryRBMEnergy.of(*random_rbm(12, 6)))
    assert scored == [1000 + 1500]  # log Z is a sum of another kind


def test_the_rows_scored_are_a_random_part():
    """Of 5000 rows whose likelihoods are 0 and -1, the second half of them -1."""
    table = np.zeros((5000, 1), dtype=bool)
    table[2500:] = True
    energy = BinaryRBMEnergy.of(np.zeros((1, 1)), np.full(1, -1.0), np.zeros(1))
    training = [watch(table, seed=seed).measure(energy).training for seed in (0, 1, 0)]
    # A share of 1000 draws has a standard error of at most 0.016.
    shares = -np.array(training) - np.log1p(np.exp(-1))
    np.testing.assert_allclose(shares, 0.5, rtol=0, atol=5 * 0.016)
    assert training[0] != training[1]
    assert training[0] == training[2]


@pytest.mark.parametrize(
    ("n_updates", "most_steps"), [(1, 10), (500, 10), (3000, 60), (20_000, 200)]
)
def test_short_fits_are_measured_in_fewer_steps(monkeypatch, n_updates, most_steps):
    asked = []
    monkeypatch.setattr(
        measuring, "PartitionTrajectory", lambda *args, **_: asked.append(args)
    )
    watch(bits(5, 3), n_updates=n_updates)
    (_, _, given), *rest = asked
    assert given == most_steps
    assert not rest


@pytest.mark.parametrize(
    ("update_rows", "n_rows", "n_chains"),
    [(2, 100, 40), (350, 500, 200), (700, 1000, 400), (5000, 1000, 400)],
)
def test_small_updates_are_measured_with_less(
    monkeypatch, update_rows, n_rows, n_chains
):
    asked = []
    monkeypatch.setattr(
        measuring, "PartitionTrajectory", lambda *_, **given: asked.append(given)
    )
    watcher = Measuring(
        Rows(bits(1500, 3), None),
        None,
        groups=groups_of(bits(1500, 3)),
        mean=np.full(3, 0.5),
        noise=UniformNoise(np.random.default_rng(0), np.float32),
        n_updates=100,
        update_rows=update_rows,
    )
    assert asked == [{"n_chains": n_chains}]
    assert watcher._n_training == n_rows


@pytest.mark.slow
def test_estimated_likelihoods_share_an_error():
    """With layers too large to be enumerated on the way."""
    learned, held_out = bits(300, 11), bits(70, 11, seed=1)
    path = [random_rbm(11, 11, scale=scale) for scale in (0.3, 0.5)]
    oracles = [RBMOracle(*parameters) for parameters in path]
    errors = []
    for seed in range(20):
        watcher = watch(learned, held_out, n_updates=1500, seed=seed)
        for parameters, oracle in zip(path, oracles, strict=True):
            measurement = watcher.measure(BinaryRBMEnergy.of(*parameters))
            error = measurement.log_partition - np.log(oracle.partition)
            errors.append(error / measurement.std)
            for part, table in (("training", learned), ("validation", held_out)):
                exact = oracle.log_likelihood(table).mean()
                assert getattr(measurement, part) == pytest.approx(
                    exact - error, abs=1e-5
                )
    assert np.abs(errors).max() < 5
    # A mean square of 1, with an error of sqrt(2 / 40), or twice that as pairs agree.
    assert 0.2 < np.mean(np.square(errors)) < 2.5


def test_going_back_takes_up_the_machine_marked():
    """With the noise set back as well, what follows is the same."""
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    watcher = Measuring(
        Rows(bits(50, 12), None),
        None,
        groups=groups_of(bits(50, 12)),
        mean=np.full(12, 0.5),
        noise=noise,
        n_updates=1000,
    )
    first, second, far = (
        BinaryRBMEnergy.of(*random_rbm(12, 12, scale=scale, seed=seed))
        for scale, seed in ((0.3, 0), (0.4, 0), (3.0, 1))
    )
    watcher.measure(first)
    watcher.mark()
    before = deepcopy(vars(noise))
    expected = watcher.measure(second)
    # So far that all chains are replaced on the way.
    watcher.measure(far)
    vars(noise).update(deepcopy(before))
    assert str(watcher.measure(second)) != str(expected)
    for _ in range(2):
        watcher.go_back()
        vars(noise).update(deepcopy(before))
        assert str(watcher.measure(second)) == str(expected)


def test_learning_goes_on_as_if_nobody_watched(monkeypatch):
    table = bits(200, 12).astype(float)

    def learned():
        # A stage is the whole fit: what is measured changes nothing.
        return BinaryRBM(12, max_iter=100, random_state=0).fit(table)

    watched = learned()
    monkeypatch.setattr(
        Measuring,
        "measure",
        lambda self, energy: Measurement(0.0, 0.0, 0.0, 0.0),
    )
    unwatched = learned()
    np.testing.assert_array_equal(
        watched._state.model.matrix, unwatched._state.model.matrix
    )
    np.testing.assert_array_equal(watched._state.chains, unwatched._state.chains)
    assert not np.array_equal(
        watched.history_["log_partition"], unwatched.history_["log_partition"]
    )


# ---- what rows say that log Z is at least ----


def rare_mode():
    """A machine of 22 units and rows of both its modes, of which one has a third."""
    weights = np.zeros((11, 11))
    weights[0] = 12.0
    visible_bias = np.full(11, -6.0)
    hidden_bias = np.zeros(11)
    energy = BinaryRBMEnergy.of(weights, visible_bias, hidden_bias)
    table = np.repeat([[False], [True]], 11, axis=1)
    return energy, np.repeat(table, [30, 20], axis=0)


def log_z(energy):
    return energy.negative_phase()[0]


def watch_too_low(monkeypatch, lack, *, stays):
    """Measure the machine of two modes with log Z that is too low by so much."""
    energy, table = rare_mode()
    advance, start_over = (
        measuring.PartitionTrajectory.advance,
        measuring.PartitionTrajectory.start_over,
    )
    starts = []

    def too_low(way, machine, mixture=None):
        advance(way, machine, mixture)
        way.log_partition -= lack

    def again(way, machine, start):
        starts.append(start)
        start_over(way, machine, start)
        way.log_partition -= lack * stays

    measurement = None
    watcher = watch(table)
    monkeypatch.setattr(measuring.PartitionTrajectory, "advance", too_low)
    # The way to the first machine is a start as well.
    watcher.measure(energy)
    monkeypatch.setattr(measuring.PartitionTrajectory, "start_over", again)
    measurement = watcher.measure(energy)
    floor = logsumexp(-energy.free_energy(np.unique(table, axis=0).astype(float)))
    return measurement, floor, log_z(energy), starts


def test_too_low_an_estimate_makes_the_way_start_over(monkeypatch):
    measurement, floor, exact, starts = watch_too_low(monkeypatch, 5.0, stays=False)
    assert len(starts) == 1
    assert floor < exact
    # Four hundred chains are off by less than 0.05 nats: five times that.
    assert measurement.log_partition == pytest.approx(exact, abs=0.25)
    assert measurement.log_partition >= floor
    assert measurement.std < 0.1


def test_what_stays_too_low_is_raised_to_the_sum_over_rows(monkeypatch):
    measurement, floor, _, starts = watch_too_low(monkeypatch, 5.0, stays=True)
    assert len(starts) == 1
    # Rows are scored in float32.
    assert measurement.log_partition == pytest.approx(floor, rel=1e-6)
    # The error says by how much it was raised: all but the share of other rows.
    assert 4 < measurement.std < 6


def test_rows_that_occur_often_count_once_for_the_floor():
    energy, table = rare_mode()
    few = watch(np.unique(table, axis=0)).measure(energy)
    many = watch(table).measure(energy)
    exact = log_z(energy)
    for measurement in (few, many):
        assert measurement.log_partition == pytest.approx(exact, abs=0.25)
        assert measurement.std < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_an_exact_log_partition_stays_where_rows_are_all_there_are(seed):
    """Their sum is log Z, but for rounding to float32 on either side."""
    parameters = random_rbm(3, 4, seed=seed)
    measurement = watch(all_states(4) > 0).measure(BinaryRBMEnergy.of(*parameters))
    exact = np.log(RBMOracle(*parameters).partition)
    assert measurement.log_partition == pytest.approx(exact, abs=1e-6)
    assert measurement.std < 1e-6


# ---- missing values ----


def with_gaps(table, seed=0):
    gone = np.random.default_rng(seed).random(table.shape) < 0.3
    return np.where(gone, np.nan, table)


def watch_incomplete(table, held_out=None):
    """Watch rows with gaps; learning has completed those that it learns from."""
    learned = Rows(table, 0.5, has_missing=True)
    values = np.where(np.isnan(table), 1, table > 0.5).astype(bool)
    learned = CompletedRows(learned, values, ~np.isnan(table), None)
    return Measuring(
        learned,
        None if held_out is None else Rows(held_out, 0.5, has_missing=True),
        groups=groups_of(values),
        mean=np.full(table.shape[1], 0.5),
        noise=UniformNoise(np.random.default_rng(0), np.float32),
        n_updates=1000,
        mean_of_rows=np.full(table.shape[1], 0.5),
    )


def log_likelihood_of_known(oracle, table):
    """Sum the probabilities of all rows that agree with what is known."""
    rows, known = all_states(table.shape[1]), ~np.isnan(table)
    return np.array(
        [
            np.log(oracle.law[(rows == row)[:, own].all(axis=1)].sum())
            for row, own in zip(table, known, strict=True)
        ]
    )


def test_what_is_missing_is_summed_out_of_what_is_measured():
    table, held_out = with_gaps(bits(40, 6)), with_gaps(bits(30, 6, seed=1), 1)
    watcher = watch_incomplete(table, held_out)
    for seed in range(3):
        parameters = random_rbm(4, 6, seed=seed)
        oracle = RBMOracle(*parameters)
        measurement = watcher.measure(BinaryRBMEnergy.of(*parameters))
        exact = log_likelihood_of_known(oracle, table).mean()
        assert measurement.training == pytest.approx(exact, abs=1e-10)
        exact = log_likelihood_of_known(oracle, held_out).mean()
        assert measurement.validation == pytest.approx(exact, abs=1e-10)
    assert np.isnan(watch_incomplete(table).measure(some_energy()).validation)


def some_energy():
    return BinaryRBMEnergy.of(*random_rbm(4, 6))


@pytest.mark.parametrize("n_complete", [50, 150])
def test_few_rows_with_gaps_are_measured(n_complete):
    """None beside many that are complete, else the first hundred, and all others."""
    table = bits(400, 6).astype(float)
    table[n_complete:, 2] = np.nan
    watcher = watch_incomplete(table)
    kept = table[: n_complete + 100] if n_complete == 50 else table[:n_complete]
    energy = some_energy()
    oracle = RBMOracle.of(energy)
    exact = log_likelihood_of_known(oracle, kept).mean()
    assert watcher.measure(energy).training == pytest.approx(exact, abs=1e-10)
