from itertools import count

import numpy as np
import pytest

from skebm.learning import backtracking
from skebm.learning.backtracking import Backtracking
from skebm.learning.contrastive import LearningState
from skebm.learning.measuring import Measurement


def state_of(name):
    """Stands for a state of learning: the parts of one machine have one name."""
    return LearningState(
        name, f"average of {name}", f"chains of {name}", None, {}, name
    )


def measured(score, std=0.0):
    return Measurement(score, np.nan, 0.0, std)


rising = count()


def held_out(score, std=0.0):
    """Measure a machine that overfits more than any before."""
    return Measurement(float(next(rising)), score, 0.0, std)


class Learner:
    """Goes through machines named 1, 2, 3, ... and has each reviewed."""

    def __init__(self, patience=None, tol=0.0, measure=held_out):
        self.backtracking = Backtracking(patience, tol)
        self.measure = measure
        self.state = state_of(0)
        self.shrinkage = 0.0

    def reach(self, *scores, std=0.0):
        """Learn on to machines of these likelihoods; give the last verdict."""
        for score in scores:
            name = self.state.n_updates + 1
            vars(self.state).update(vars(state_of(name)), n_updates=name)
            self.state.shrinkage = self.shrinkage
            self.last = self.measure(score, std)
            enough = self.backtracking.review(self.state, self.last)
            assert self.backtracking.went_back == (self.state.model != name)
        return enough

    def is_at(self, name):
        """Say whether all of the state but its counts is that of a machine."""
        expected = {**vars(state_of(name)), "n_updates": self.state.n_updates}
        expected["shrinkage"] = self.shrinkage
        return vars(self.state) == expected

    def is_back_at(self, name):
        """Say so of one that goes on from the average, which was measured."""
        expected = {**vars(state_of(name)), "n_updates": self.state.n_updates}
        expected["shrinkage"] = self.shrinkage
        expected["model"] = expected["averaged"]
        return self.backtracking.went_back and vars(self.state) == expected


@pytest.mark.parametrize("measure", [measured, held_out])
def test_improvement_goes_on(measure):
    learner = Learner(patience=1, measure=measure)
    assert not learner.reach(-5, -4.95, -4.9)
    assert learner.backtracking.improved
    assert learner.is_at(3)
    assert learner.backtracking.rate_scale == 1


def test_clear_gains_speed_learning_up(monkeypatch):
    for name, value in (("_CLEAR_GAIN", 0.1), ("_AFTER_GAIN", 1.5)):
        monkeypatch.setattr(backtracking, name, value)
    learner = Learner()
    # There is nothing that the first machine could gain on.
    for score, scale in ((-5, 1), (-4.89, 1.5), (-4.80, 1.5), (-4.69, 1.5**2)):
        learner.reach(score)
        assert learner.backtracking.rate_scale == pytest.approx(scale)
    learner.reach(*range(100))
    assert learner.backtracking.rate_scale == backtracking._LARGEST_SCALE
    assert learner.is_at(104)


def test_a_fall_is_undone_and_halves_the_step_size():
    learner = Learner()
    assert not learner.reach(-5, -4.95, -5.26)
    assert learner.is_back_at(2)
    assert learner.backtracking.rate_scale == 0.5
    learner.reach(-5.27)
    assert learner.is_back_at(2)
    assert learner.backtracking.rate_scale == 0.25


def test_counts_are_not_set_back():
    learner = Learner(patience=1)
    learner.reach(-5, -9)
    assert learner.state.n_updates == 2
    learner.reach(-5.1)
    assert learner.state.n_updates == 3
    learner.backtracking.recover(learner.state)
    assert learner.state.n_updates == 3
    learner.reach(-5.2)
    learner.backtracking.finish(learner.state, learner.last)
    assert learner.is_back_at(1)
    assert learner.state.n_updates == 4


def test_a_small_loss_is_not_a_fall():
    learner = Learner()
    assert not learner.reach(-5, -4.95, -5.24)
    assert not learner.backtracking.improved
    assert learner.is_at(3)
    assert learner.backtracking.rate_scale == 1


@pytest.mark.parametrize("stds", [(0.1, 0.0), (0.0, 0.1), (0.06, 0.08)])
def test_a_loss_within_the_errors_of_measurement_is_not_a_fall(stds):
    learner = Learner()
    for score, std in zip((-5.0, -5.59), stds, strict=True):
        learner.reach(score, std=std)
    assert learner.is_at(2)
    assert learner.backtracking.rate_scale == 1
    learner.reach(-5.61, std=stds[1])
    assert learner.is_back_at(1)
    assert learner.backtracking.rate_scale == 0.5


def test_what_is_not_a_number_is_a_fall():
    learner = Learner(measure=measured)
    learner.reach(-5, np.nan)
    assert learner.is_back_at(1)
    assert learner.backtracking.rate_scale == 0.5


def test_the_likelihood_of_rows_held_out_counts_where_there_are_any():
    judge, state = Backtracking(None, 0.0), state_of(1)
    judge.review(state, Measurement(-5.0, -6.0, 0.0, 0.0))
    vars(state).update(vars(state_of(2)))
    judge.review(state, Measurement(-4.0, -6.5, 0.0, 0.0))
    assert state.metric == 1


@pytest.mark.parametrize(
    ("gained", "shrinkage", "length"),
    [(0.0, 0.0, 6), (0.009, 0.0, 6), (0.011, 0.0, 2), (0.011, 0.1, 6)],
)
def test_noise_and_penalties_are_given_more_time_than_overfitting(
    gained, shrinkage, length
):
    """What rows learned from gain on those held out, which are 0.001 below the best."""

    def measure(score, std):
        return Measurement(score + (gained if score < -5 else 0), score, 0.0, std)

    learner = Learner(patience=2, measure=measure)
    learner.shrinkage = shrinkage
    assert not learner.reach(*[-5] + (length - 1) * [-5.001])
    assert learner.backtracking.rate_scale == 1
    # The next ones are of two each, until an improvement.
    for n_plateaus, n_measurements in ((1, 1), (2, 2)):
        learner.reach(*n_measurements * [-5.001])
        assert learner.is_back_at(1)
        assert learner.backtracking.rate_scale == pytest.approx(0.3**n_plateaus)
    learner.reach(*[-4.99] + (length - 1) * [-5.001])
    assert learner.backtracking.rate_scale == pytest.approx(0.3**2)
    learner.reach(-5.001)
    assert learner.backtracking.rate_scale == pytest.approx(0.3**3)


def test_a_plateau_steps_back_lowers_the_step_size_and_the_third_stops():
    learner = Learner(patience=3)
    assert not learner.reach(-5, -5.2, -5.1)
    assert learner.is_at(3)
    assert learner.backtracking.rate_scale == 1
    assert not learner.reach(-5)
    assert learner.is_back_at(1)
    assert learner.backtracking.rate_scale == pytest.approx(0.3)
    assert not learner.reach(-5, -5, -5)
    assert learner.backtracking.rate_scale == pytest.approx(0.3**2)
    assert not learner.reach(-5, -5)
    assert learner.reach(-5)
    assert learner.is_back_at(1)
    assert learner.backtracking.rate_scale == pytest.approx(0.3**3)


def test_improvement_forgets_earlier_plateaus(monkeypatch):
    monkeypatch.setattr(backtracking, "_NEGLIGIBLE_SCALE", 0.0)
    learner = Learner(patience=1)
    assert not learner.reach(-5, -5, -5)
    assert not learner.reach(-4.95, -4.95, -4.95)
    assert learner.is_back_at(4)
    assert learner.reach(-4.95)


def test_patience_starts_anew_with_improvement():
    learner = Learner(patience=2)
    learner.reach(-5, -5.1, -4.95, -5.0)
    assert learner.backtracking.rate_scale == 1
    learner.reach(-5.0)
    assert learner.backtracking.rate_scale == pytest.approx(0.3)


def test_falls_count_as_measurements_without_improvement():
    learner = Learner(patience=2)
    learner.reach(-5, -9)
    assert learner.backtracking.rate_scale == 0.5
    learner.reach(-5)
    assert learner.backtracking.rate_scale == pytest.approx(0.5 * 0.3)


def test_without_patience_it_never_stops():
    learner = Learner(patience=None)
    assert not any(learner.reach(-5) for _ in range(1000))
    assert learner.is_at(1000)


@pytest.mark.parametrize("patience", [None, 100])
def test_steps_that_have_become_negligible_end_learning_with_patience(patience):
    learner = Learner(patience=patience)
    # Seven halves are less than a hundredth.
    verdicts = [learner.reach(score) for score in [-5] + 7 * [-9]]
    assert verdicts == 7 * [False] + [patience is not None]
    assert learner.is_back_at(1)


def test_improvement_by_less_than_tol_does_not_count():
    learner = Learner(patience=2, tol=0.01)
    learner.reach(-5, -4.995, -4.991)
    assert learner.is_back_at(1)
    assert learner.backtracking.rate_scale == pytest.approx(0.3)
    learner.reach(-4.98)
    assert learner.is_at(4)


def test_what_is_forgotten_cannot_be_fallen_from():
    learner = Learner()
    learner.reach(-5)
    for score in (-9, -13):
        learner.backtracking.forget()
        assert not learner.reach(score)
        assert learner.backtracking.improved
    assert learner.is_at(3)
    assert learner.backtracking.rate_scale == 1
    learner.reach(-14)
    assert learner.is_back_at(3)


def test_what_is_not_a_number_is_a_fall_from_what_is_forgotten():
    learner = Learner(measure=measured)
    learner.reach(-5)
    learner.backtracking.forget()
    learner.reach(np.nan)
    assert learner.is_back_at(1)


def test_divergence_is_recovered_from_until_there_is_no_hope():
    learner = Learner()
    learner.reach(-5, -4.95)
    for n_times in range(1, 6):
        vars(learner.state).update(vars(state_of("diverged")))
        assert learner.backtracking.recover(learner.state) == (n_times < 5)
        assert learner.is_back_at(2)
        assert learner.backtracking.rate_scale == pytest.approx(0.1**n_times)


def test_the_best_state_of_rows_held_out_is_kept_in_the_end():
    learner = Learner()
    learner.reach(-5, -4.95, -4.97, std=0.1)
    learner.backtracking.finish(learner.state, learner.last)
    assert learner.is_back_at(2)


def test_the_last_state_is_kept_if_it_is_the_best():
    learner = Learner(tol=0.01)
    learner.reach(-5, -4.95, -4.945)
    learner.backtracking.finish(learner.state, learner.last)
    assert learner.is_at(3)


@pytest.mark.parametrize(("training", "is_kept"), [(-3.25, True), (-3.35, False)])
def test_rows_held_out_must_not_rise_at_the_cost_of_others(training, is_kept):
    """As they do where they are learned from in the end, and a mode appears."""
    learner = Learner(measure=lambda score, std: Measurement(-3.0, score, 0.0, std))
    learner.reach(-5)
    vars(learner.state).update(vars(state_of("last")))
    last = Measurement(training, -4.0, 0.0, 0.0)
    assert learner.backtracking.finish(learner.state, last) != is_kept
    assert is_kept or learner.is_back_at(1)


def test_the_last_state_of_rows_learned_from_is_kept_within_the_errors():
    learner = Learner(measure=measured)
    learner.reach(-5, -4.95, -5.24, std=0.1 / np.sqrt(2))
    learner.backtracking.finish(learner.state, learner.last)
    assert learner.is_at(3)
    learner.reach(-5.26, std=0.1 / np.sqrt(2))
    assert learner.is_at(4)
    learner.backtracking.finish(learner.state, learner.last)
    assert learner.is_back_at(2)


@pytest.mark.parametrize("measure", [measured, held_out])
def test_a_last_state_without_a_likelihood_is_not_kept(measure):
    learner = Learner(measure=measure)
    learner.reach(-5)
    vars(learner.state).update(vars(state_of("last")))
    learner.backtracking.finish(learner.state, Measurement(np.nan, np.nan, 0.0, 0.0))
    assert learner.is_back_at(1)


def test_a_state_kept_does_not_change_with_learning():
    learner = Learner()
    learner.reach(-5)
    learner.state.model = "changed in place"
    learner.reach(-9)
    learner.state.model = "changed again"
    learner.reach(-9)
    assert learner.is_back_at(1)
