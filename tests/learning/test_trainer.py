import numpy as np
import pytest
from oracle import RBMOracle

from skebm import BinaryRBM
from skebm.learning.backtracking import Backtracking
from skebm.learning.contrastive import LearningState
from skebm.learning.measuring import Measurement
from skebm.learning.schedule import Schedule
from skebm.learning.trainer import STAGE_UPDATES, Trainer
from skebm.units.data import Rows


class Number(float):
    """Stands for a machine."""

    def astype(self, dtype):
        """Give what is to be measured: in float64."""
        assert dtype == np.float64
        return self


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
            state.averaged = state.model = Number(state.model + self.rates[-1])
            state.n_updates += 1
        if state.model > self.bound:
            raise FloatingPointError("diverged")

    def result(self, state):
        return state.averaged

    def penalty(self, energy):
        return self.alpha * energy


class Measuring:
    """Measures machines by a function of their number."""

    trajectory = "the way"

    def __init__(self, score, *, validated=False):
        self.score, self.validated = score, validated
        self.measured, self.marked, self.gone_back_to = [], None, []

    def mark(self):
        self.marked = self.measured[-1]

    def go_back(self):
        self.gone_back_to.append(self.marked)

    def measure(self, energy):
        self.measured.append(energy)
        score = self.score(energy)
        validation = score - 1 if self.validated else np.nan
        return Measurement(score, validation, 10 * score, 0.0)


class Report:
    """Counts the stages, and asks for the end after so many."""

    def __init__(self, n_stages=None):
        self.n_stages, self.n_begun, self.lengths = n_stages, 0, []

    def begin(self):
        assert self.n_begun == len(self.lengths)
        self.n_begun += 1

    def end(self, history):
        self.lengths.append({len(values) for values in history.values()})
        return self.n_begun == self.n_stages


class Run:
    """A run of learning with a held step size of 1, up to its end or so many stages."""

    def __init__(
        self,
        score=float,
        *,
        n_updates,
        patience=None,
        validated=False,
        decay_fraction=0.0,
        n_stages=None,
        rows="rows",
        all_rows=None,
        **learner,
    ):
        self.learner = Learner(**learner)
        self.measuring = Measuring(score, validated=validated)
        self.backtracking = Backtracking(patience, 0.0)
        schedule = Schedule(1.0, n_updates, decay_fraction)
        self.trainer = Trainer(
            self.learner,
            schedule,
            self.measuring,
            self.backtracking,
            all_rows=all_rows,
        )
        self.rows = rows
        self.state = LearningState(Number(0), Number(0), None, None, {})
        self.report = Report(n_stages)

    def go(self):
        self.history = self.trainer.run(self.state, self.rows, self.report)
        return self


# A gain of a hundredth an update is too small to speed learning up, in hundreds.
def slow(number):
    return 1e-4 * number


@pytest.mark.parametrize("n_updates", [1, 99, 100, 101, 250])
def test_the_budget_is_used_to_the_last_update(n_updates):
    run = Run(slow, n_updates=n_updates).go()
    n_stages = -(-n_updates // STAGE_UPDATES)
    assert run.report.n_begun == run.trainer.n_stages == n_stages
    # Each is told of what was measured after it, beside the start.
    assert run.report.lengths == [{number} for number in range(2, n_stages + 2)]
    assert run.state.n_updates == len(run.learner.rates) == n_updates
    stops = [*range(0, n_updates, STAGE_UPDATES), n_updates]
    assert run.history["n_iter"] == stops
    assert run.measuring.measured == stops


def test_rows_are_passed_over_again_and_again():
    run = Run(slow, n_updates=250).go()
    assert run.learner.batches_seen == [("rows", n % 30) for n in range(250)]
    assert run.learner.n_passes == 9


@pytest.mark.parametrize("validated", [False, True])
def test_history_is_what_was_measured(validated):
    run = Run(slow, n_updates=150, validated=validated, decay_fraction=1.0).go()
    numbers = np.array(run.measuring.measured)
    assert numbers[0] == 0
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


def test_stops_when_told():
    run = Run(slow, n_updates=1000, n_stages=3).go()
    assert run.report.n_begun == 3
    assert run.state.n_updates == 300
    assert run.state.model == 300


def test_backtracking_ends_learning():
    run = Run(lambda number: 0.0, n_updates=100_000, patience=2, validated=True).go()
    # Three stretches of two measurements without improvement, the first three times as
    # long since nothing is overfitted.
    assert run.report.n_begun == 6 + 2 + 2
    assert run.state.n_updates == 1000
    assert run.state.model == 0
    # Lowered after the sixth and the eighth stage.
    expected = [1, 1, 1, 0.3, 0.09]
    np.testing.assert_allclose(run.learner.rates[::200], expected, rtol=1e-12)
    assert run.history["n_iter"] == list(range(0, 1001, 100))


def test_a_fall_is_undone_and_learning_goes_on_slower():
    """The likelihood rises up to 150, and then falls steeply."""
    run = Run(
        lambda number: slow(number - 100 * (number > 150) * number), n_updates=500
    ).go()
    assert run.measuring.measured == [0, 100, 200, 150, 200, 175]
    assert run.measuring.gone_back_to == [100, 150, 150, 150]
    expected = [1, 1, 0.5, 0.5, 0.25]
    np.testing.assert_allclose(run.learner.rates[50::100], expected, rtol=1e-12)
    assert run.state.model == 150
    assert run.state.n_updates == 500


def test_what_is_learned_does_not_end_below_its_best():
    """A fall in the last stage is undone as well."""
    run = Run(lambda number: slow(number) - (number > 150), n_updates=200).go()
    assert run.state.model == 100
    assert run.state.n_updates == 200


def test_the_best_machine_of_rows_held_out_is_kept():
    run = Run(
        lambda number: -slow(abs(number - 300)), n_updates=700, validated=True
    ).go()
    assert run.state.model == 300
    assert run.state.n_updates == 700


def test_the_last_machine_of_rows_learned_from_is_kept():
    """Unless it has fallen by more than errors: here there are none."""
    run = Run(lambda number: slow(min(number, 300)), n_updates=700).go()
    assert run.state.model == 700


def test_the_penalty_counts_as_what_is_to_be_raised_does():
    """The likelihood alone would rise to the end."""
    run = Run(float, n_updates=500, alpha=1.1).go()
    assert run.history["train_log_likelihood"][1] == 100
    assert set(run.measuring.gone_back_to) == {0}
    assert run.state.model == 0


def test_penalised_learning_may_lose_likelihood_until_all_of_the_penalty_counts():
    """Over the first tenth of the updates: here 300."""

    def falling(number):
        return -number

    run = Run(falling, n_updates=3000, alpha=1e-9, n_stages=3).go()
    assert run.measuring.gone_back_to == [200, 200]
    assert run.measuring.measured == [0, 100, 200, 300]
    assert run.backtracking.rate_scale == 0.5
    assert run.state.model == 200
    run = Run(falling, n_updates=3000, n_stages=1).go()
    assert run.measuring.gone_back_to == [0, 0]


def test_divergence_is_undone_and_learning_goes_on_slower():
    run = Run(slow, n_updates=500, bound=250).go()
    assert run.report.n_begun == 5
    # The third stage has diverged and was not measured.
    assert run.measuring.gone_back_to == [200]
    assert run.history["n_iter"] == [0, 100, 200, 400, 500]
    expected = [1, 1, 1, 0.1, 0.1]
    np.testing.assert_allclose(run.learner.rates[50::100], expected, rtol=1e-12)
    np.testing.assert_allclose(run.history["learning_rate"], expected, rtol=1e-12)
    assert run.state.model == pytest.approx(220)
    assert run.state.n_updates == 500


def test_divergence_at_the_smallest_rates_is_raised():
    run = Run(slow, n_updates=10_000, bound=0)
    with pytest.raises(FloatingPointError, match="diverged"):
        run.go()
    # A tenth each time, down to a share of less than 1e-4.
    np.testing.assert_allclose(
        run.learner.rates[::100], [1, 0.1, 0.01, 1e-3, 1e-4], rtol=1e-12
    )


def test_divergence_at_the_end_of_the_budget_is_raised():
    run = Run(slow, n_updates=250, bound=220)
    with pytest.raises(FloatingPointError, match="diverged"):
        run.go()
    assert run.state.n_updates == 250


def test_other_errors_are_not_taken_for_divergence():
    run = Run(slow, n_updates=250)

    def interrupt(*args):
        raise KeyboardInterrupt

    run.learner.run = interrupt
    with pytest.raises(KeyboardInterrupt):
        run.go()


# ---- rows held out, in the end ----


def finishing(score=slow, n_learned=90, **settings):
    """Learn from some of a hundred rows, which lead by a nat, and then from all."""
    rows, all_rows = (Rows(np.ones((n, 1)), None) for n in (n_learned, 100))
    settings = {"n_updates": 2000, "patience": 20, **settings}
    return Run(score, validated=True, rows=rows, all_rows=all_rows, **settings).go()


def test_the_last_updates_learn_from_all_rows():
    run = finishing()
    seen = [rows.n_rows for rows, _ in run.learner.batches_seen]
    # A twentieth of the plan is kept free, and a twentieth of the updates made is used.
    assert seen == [90] * 1900 + [100] * 95
    assert run.learner.rates[:1900] == [1] * 1900
    falling = np.arange(95, 0, -1) / 95
    np.testing.assert_allclose(run.learner.rates[1900:], falling, rtol=1e-9)
    assert run.state.n_updates == 1995
    assert run.state.model == pytest.approx(1900 + falling.sum())
    # They are reported as a stage of their own, of which the history says nothing.
    assert run.report.n_begun == run.trainer.n_stages == 20
    assert run.report.lengths[-2:] == [{20}, {20}]
    assert run.history["n_iter"][-1] == 1900


def test_they_go_on_from_the_best_machine():
    def score(number):
        return slow(min(number, 1000 - number))

    run = finishing(score, n_updates=4000)
    assert run.history["n_iter"][-1] == 3800
    # As many as for 500 updates, downhill: they do harm, and are undone.
    assert run.state.n_updates == 3800 + 25
    assert run.state.model == 500
    assert run.measuring.gone_back_to[-1] == 500


# The step size falls from 950 updates on, to zero after 1900.
@pytest.mark.parametrize(("best", "expected"), [(500, 1), (1200, 0.74), (1800, 0.5)])
def test_they_start_no_faster_than_the_best_machine_was_reached(best, expected):
    """Or by half the step size, if that was slower."""

    def score(number):
        # The step size falls, so that a number is reached late.
        n_updates = run_of.state.n_updates
        return slow(min(n_updates, 2 * best - n_updates))

    run_of = Run(
        score,
        validated=True,
        n_updates=2000,
        patience=20,
        decay_fraction=0.5,
        rows=Rows(np.ones((90, 1)), None),
        all_rows=Rows(np.ones((100, 1)), None),
    )
    run_of.go()
    n_finishing = int(0.05 * best)
    first, plan = run_of.learner.rates[-n_finishing], run_of.trainer.schedule
    assert first == pytest.approx(max(plan.rate(best - 1), 0.5))
    assert first == pytest.approx(expected, abs=0.01)


def test_there_are_none_where_they_promise_little():
    """Half of the lead times the share of rows held out, beside 0.01 nats."""
    assert finishing(n_learned=99).state.n_updates == 1900
    assert finishing(n_learned=97).state.n_updates == 1995


def test_divergence_in_the_last_updates_leaves_the_best_machine():
    run = finishing(bound=1900)
    assert run.trainer.n_planned == 2000  # of which a twentieth is for these
    assert run.state.n_updates == 1995
    assert run.state.model == 1900
    assert run.report.n_begun == len(run.report.lengths) == 20


@pytest.mark.parametrize(("n_stages", "n_updates"), [(5, 500), (96, 9600)])
def test_callbacks_may_stop_before_the_last_updates_and_within(n_stages, n_updates):
    run = finishing(n_updates=10_000, n_stages=n_stages)
    assert run.report.n_begun == n_stages
    assert run.state.n_updates == n_updates


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
    # Rows are scored in float32.
    assert likelihoods[best] == pytest.approx(exact, rel=1e-6)
    log_partition = pytest.approx(np.log(oracle.partition), rel=1e-12)
    assert rbm.history_["log_partition"][best] == log_partition


def test_what_is_measured_is_what_learning_goes_back_to():
    """And not an average that differs from the result, by zeros for instance."""
    run = Run(n_updates=100)
    run.learner.result = lambda state: Number(state.averaged // 3)
    run.go()
    assert run.measuring.measured[-1] == run.state.averaged > 0
