from dataclasses import replace

import numpy as np
import pytest
from oracle import RBMOracle

from skebm import BinaryRBM
from skebm.learning.contrastive import LearningState
from skebm.learning.guard import Guard
from skebm.learning.monitor import Measurement
from skebm.learning.schedule import Schedule
from skebm.learning.staged import STAGE_UPDATES, StagedLearning


class Learner:
    """Stands for learning: its machine is a number, which each update raises.

    Parameters
    ----------
    bound : float
        The largest number that has not diverged.
    alpha : float
        Penalty of a number.
    """

    pass_length = 30  # batches of one pass over the rows

    def __init__(self, bound=np.inf, alpha=0.0):
        self.bound, self.alpha = bound, alpha
        self.batches_seen, self.rates, self.n_passes = [], [], 0

    def batches(self, state, rows):
        self.n_passes += 1
        for number in range(self.pass_length):
            yield (rows, number)

    def run(self, state, batches, schedule):
        for batch in batches:
            self.batches_seen.append(batch)
            self.rates.append(schedule.rate(state.n_updates))
            state.averaged = state.model = state.model + self.rates[-1]
            state.n_updates += 1
        if state.model > self.bound:
            raise FloatingPointError("diverged")

    def result(self, state):
        return state.averaged

    def penalty(self, energy):
        return self.alpha * energy[1]


class Monitor:
    """Measures machines by a function of their number."""

    def __init__(self, score, *, validated=False):
        self.score, self.validated = score, validated
        self.measured, self.marked, self.gone_back_to = [], None, []

    def mark(self):
        self.marked = self.measured[-1][1]

    def go_back(self):
        self.gone_back_to.append(self.marked)

    def measure(self, energy):
        self.measured.append(energy)
        score = self.score(energy[1])
        validation = score - 1 if self.validated else np.nan
        return Measurement(score, validation, 10 * score, 0.0)


def begin(
    score=float, *, n_updates, patience=None, validated=False, tol=0.0, **learner
):
    """Prepare learning with a held step size of 1."""
    return StagedLearning(
        Learner(**learner),
        LearningState(0.0, 0.0, None, None, {}),
        "rows",
        schedule=Schedule(1.0, n_updates),
        monitor=Monitor(score, validated=validated),
        guard=Guard(patience, tol),
        energy_of=lambda machine: ("energy of", machine),
    )


def fit(run, n_stages=None):
    """Run to the end, or so many stages; count them."""
    n_run = 0

    def stage(advance):
        nonlocal n_run
        n_run += 1
        ended = advance()
        return ended or n_run == n_stages

    run.fit(stage)
    return n_run


# A gain of a hundredth an update is too small to speed learning up, in hundreds.
def slow(number):
    return 1e-4 * number


@pytest.mark.parametrize("n_updates", [1, 99, 100, 101, 250])
def test_the_budget_is_used_to_the_last_update(n_updates):
    run = begin(slow, n_updates=n_updates)
    assert fit(run) == run.n_stages == -(-n_updates // STAGE_UPDATES)
    assert run.state.n_updates == len(run.learner.rates) == n_updates
    stops = [*range(0, n_updates, STAGE_UPDATES), n_updates]
    assert run.history["n_iter"] == stops
    assert [number for _, number in run.monitor.measured] == stops


def test_rows_are_passed_over_again_and_again():
    run = begin(slow, n_updates=250)
    fit(run)
    assert run.learner.batches_seen == [("rows", n % 30) for n in range(250)]
    assert run.learner.n_passes == 9


@pytest.mark.parametrize("validated", [False, True])
def test_history_is_what_was_measured(validated):
    run = begin(slow, n_updates=150, validated=validated)
    run.schedule = replace(run.schedule, decay_fraction=1.0)
    fit(run)
    assert run.monitor.measured[0] == ("energy of", 0.0)
    numbers = np.array([number for _, number in run.monitor.measured])
    assert len(numbers) == 3
    np.testing.assert_array_equal(run.history["n_iter"], [0, 100, 150])
    np.testing.assert_array_equal(run.history["train_log_likelihood"], slow(numbers))
    np.testing.assert_array_equal(run.history["log_partition"], 10 * slow(numbers))
    np.testing.assert_array_equal(
        run.history["validation_log_likelihood"],
        slow(numbers) - 1 if validated else np.full(3, np.nan),
    )
    # The step sizes of the updates made last, but for the first entry.
    np.testing.assert_allclose(
        run.history["learning_rate"][1:], [run.learner.rates[99], 1 / 150], rtol=1e-12
    )
    assert run.history["learning_rate"][0] == 1


def test_before_learning_the_start_has_been_measured():
    run = begin(slow, n_updates=150)
    assert {name: len(values) for name, values in run.history.items()} == dict.fromkeys(
        (
            "n_iter",
            "learning_rate",
            "train_log_likelihood",
            "validation_log_likelihood",
            "log_partition",
        ),
        1,
    )
    assert not run.learner.rates


def test_stops_when_told():
    run = begin(slow, n_updates=1000)
    assert fit(run, n_stages=3) == 3
    assert run.state.n_updates == 300
    assert run.state.model == 300


def test_the_guard_ends_learning():
    run = begin(lambda number: 0.0, n_updates=100_000, patience=2, validated=True)
    # Three stretches of two measurements without improvement.
    assert fit(run) == 6
    assert run.state.n_updates == 600
    assert run.state.model == 0
    # Lowered after the second and the fourth stage.
    np.testing.assert_allclose(run.learner.rates[::200], [1, 0.3, 0.09], rtol=1e-12)
    assert run.history["n_iter"] == list(range(0, 601, 100))


def test_a_fall_is_undone_and_learning_goes_on_slower():
    """The likelihood rises up to 150, and then falls steeply."""
    run = begin(
        lambda number: slow(number - 100 * (number > 150) * number), n_updates=500
    )
    fit(run)
    numbers = [number for _, number in run.monitor.measured]
    assert numbers == [0, 100, 200, 150, 200, 175]
    assert run.monitor.gone_back_to == [100, 150, 150]
    expected = [1, 1, 0.5, 0.5, 0.25]
    np.testing.assert_allclose(run.learner.rates[50::100], expected, rtol=1e-12)
    assert run.state.model == 150
    assert run.state.n_updates == 500


def test_what_is_learned_does_not_end_below_its_best():
    """A fall in the last stage is undone as well."""
    run = begin(lambda number: slow(number) - (number > 150), n_updates=200)
    fit(run)
    assert run.state.model == 100
    assert run.state.n_updates == 200


def test_the_best_machine_of_rows_held_out_is_kept():
    run = begin(lambda number: -slow(abs(number - 300)), n_updates=700, validated=True)
    fit(run)
    assert run.state.model == 300
    assert run.state.n_updates == 700


def test_the_last_machine_of_rows_learned_from_is_kept():
    """Unless it has fallen by more than errors: here there are none."""
    run = begin(lambda number: slow(min(number, 300)), n_updates=700)
    fit(run)
    assert run.state.model == 700


def test_the_penalty_counts_as_what_is_to_be_raised_does():
    """The likelihood alone would rise to the end."""
    run = begin(float, n_updates=500, alpha=1.1)
    fit(run)
    assert run.history["train_log_likelihood"][1] == 100
    assert set(run.monitor.gone_back_to) == {0}
    assert run.state.model == 0


def test_penalised_learning_may_lose_likelihood_until_all_of_the_penalty_counts():
    """Over the first tenth of the updates: here 300."""

    def falling(number):
        return -number

    run = begin(falling, n_updates=3000, alpha=1e-9)
    for _ in range(2):
        run.advance()
    assert run.state.model == 200
    assert run.guard.rate_scale == 1
    run.advance()
    assert run.monitor.gone_back_to == [200]
    assert run.state.model == 200
    run = begin(falling, n_updates=3000)
    run.advance()
    assert run.monitor.gone_back_to == [0]


def test_divergence_is_undone_and_learning_goes_on_slower():
    run = begin(slow, n_updates=500, bound=250)
    assert fit(run) == 5
    # The third stage has diverged and was not measured.
    assert run.monitor.gone_back_to == [200]
    assert run.history["n_iter"] == [0, 100, 200, 400, 500]
    expected = [1, 1, 1, 0.1, 0.1]
    np.testing.assert_allclose(run.learner.rates[50::100], expected, rtol=1e-12)
    np.testing.assert_allclose(run.history["learning_rate"], expected, rtol=1e-12)
    assert run.state.model == pytest.approx(220)
    assert run.state.n_updates == 500


def test_divergence_at_the_smallest_rates_is_raised():
    run = begin(slow, n_updates=10_000, bound=0)
    with pytest.raises(FloatingPointError, match="diverged"):
        fit(run)
    # A tenth each time, down to a share of less than 1e-4.
    np.testing.assert_allclose(
        run.learner.rates[::100], [1, 0.1, 0.01, 1e-3, 1e-4], rtol=1e-12
    )


def test_divergence_at_the_end_of_the_budget_is_raised():
    run = begin(slow, n_updates=250, bound=220)
    with pytest.raises(FloatingPointError, match="diverged"):
        fit(run)
    assert run.state.n_updates == 250


def test_other_errors_are_not_taken_for_divergence():
    run = begin(slow, n_updates=250)

    def interrupt(*args):
        raise KeyboardInterrupt

    run.learner.run = interrupt
    with pytest.raises(KeyboardInterrupt):
        fit(run)


def test_estimators_end_at_the_best_of_their_history():
    """By brute force. With log Z exact, nothing is left to chance."""
    base = np.random.default_rng(0).random((300, 1)) < 0.5
    table = (base ^ (np.random.default_rng(1).random((300, 8)) < 0.1)).astype(float)
    rbm = BinaryRBM(3, max_iter=250, random_state=0).fit(table)
    assert rbm.n_iter_ == 250
    np.testing.assert_array_equal(rbm.history_["n_iter"], [0, 100, 200, 250])
    oracle = RBMOracle(rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_)
    likelihoods = rbm.history_["train_log_likelihood"]
    best = np.argmax(likelihoods)
    assert best > 0
    exact = oracle.log_likelihood(table).mean()
    assert likelihoods[best] == pytest.approx(exact, abs=1e-6)
    log_partition = pytest.approx(np.log(oracle.partition), rel=1e-12)
    assert rbm.history_["log_partition"][best] == log_partition


def test_what_is_measured_is_what_learning_goes_back_to():
    """And not an average that differs from the result, by zeros for instance."""
    run = begin(n_updates=100)
    run.advance()
    assert run.monitor.measured[-1] == ("energy of", run.state.averaged)
    assert run.state.averaged == run.learner.result(run.state) > 0
