"""Stochastic learning in stages, each measured, and what follows from that."""

__all__ = ["HISTORY", "STAGE_UPDATES", "Trainer", "note"]

from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from skebm.learning.schedule import Schedule

# Updates between measurements: few enough to see a fall before it is deep, and so
# many that measuring costs little beside them.
STAGE_UPDATES = 100

# What the last updates have to promise, in nats: noise of their steps costs as much.
_LEAST_PROMISE = 0.01

# What a history has of each measurement.
HISTORY = (
    "n_iter",
    "learning_rate",
    "train_log_likelihood",
    "validation_log_likelihood",
    "log_partition",
)


def note(history, n_updates, rate, measurement):
    """Append a measurement to a history, with the step size that has led to it."""
    values = (
        n_updates,
        rate,
        measurement.training,
        measurement.validation,
        measurement.log_partition,
    )
    for name, value in zip(HISTORY, values, strict=True):
        history[name].append(value)


@dataclass
class Trainer:
    """A run of contrastive learning whose likelihood is watched.

    Parameters
    ----------
    learner : ContrastiveLearning
        Makes the updates.
    schedule : Schedule
        Step sizes, with the number of updates planned.
    measuring : Measuring
        Measures the machine after each stage.
    backtracking : Backtracking
        Judges the measurements, keeps the best machine, and goes back to it.
    shrinking : Shrinking, default=None
        Finds the strength of the penalty. None: it is that of the learner.
    all_rows : Rows, default=None
        Rows learned from and rows held out, from which the last updates learn where
        that promises a gain. None: there are no such updates.
    finishing_share : float, default=0.05
        How many these are, as a share of the updates made until the best machine. The
        plan has room for them.
    """

    learner: object
    schedule: object
    measuring: object
    backtracking: object
    shrinking: object = None
    all_rows: object = None
    finishing_share: float = 0.05

    def __post_init__(self):
        n_updates = self.schedule.n_updates
        share = 0 if self.all_rows is None else self.finishing_share
        self._n_finishing = int(share * n_updates)
        self.schedule = replace(self.schedule, n_updates=n_updates - self._n_finishing)

    # What its history counts.
    counts = "updates"

    @property
    def n_planned(self):
        """Number of updates planned, at most."""
        return self.schedule.n_updates + self._n_finishing

    @property
    def n_stages(self):
        """Number of stages planned, at most."""
        planned = self.schedule.n_updates, self._n_finishing
        return sum(-(-n_updates // STAGE_UPDATES) for n_updates in planned)

    def run(self, state, rows, report):
        """Learn from rows of data.

        Parameters
        ----------
        state : LearningState
            Where to start; changed in place.
        rows : Rows
            The data.
        report : FitReport
            Told of the history after each stage; it may ask for the end.

        Returns
        -------
        history : dict of str to list
            What was measured before the first stage and after each, as long as some
            rows are held out.

        Raises
        ------
        FloatingPointError
            If learning diverges, at ever smaller steps too.
        """
        history = {name: [] for name in HISTORY}
        batches = self._endless_batches(state, rows)
        n_planned = self.schedule.n_updates
        ended, asked = self._review(state, history), False
        while not ended:
            report.begin()
            n_updates = min(STAGE_UPDATES, n_planned - state.n_updates)
            is_last = state.n_updates + n_updates == n_planned
            schedule = self.schedule.scaled(self.backtracking.rate_scale)
            try:
                self.learner.run(state, islice(batches, n_updates), schedule)
            except FloatingPointError:
                if is_last or not self.backtracking.recover(state):
                    raise
                self.measuring.go_back()
            else:
                ended = self._review(state, history) or is_last
            asked = report.end(history)
            ended = ended or asked
        self.settle(state)
        if not asked and self._promise(rows) > _LEAST_PROMISE:
            self._learn_from_all(state, history, report)
        return history

    def _promise(self, rows):
        """Estimate the gain, in nats, of learning from rows held out as well.

        Other rows than the n learned from lose about p / 2n by the noise in p
        parameters, and these gain as much: half of their lead, less of it as n rises.
        """
        if self.all_rows is None:
            return 0.0
        share = 1 - rows.total_weight / self.all_rows.total_weight
        return share * self.backtracking.best_lead / 2

    def _learn_from_all(self, state, history, report):
        """Learn on for a while, by steps that fall to zero, unless that does harm."""
        n_best = self.backtracking.n_updates_of_best
        n_updates = int(self.finishing_share * n_best)
        end = state.n_updates + n_updates
        plan = self.schedule
        # Much longer steps than led to the best machine might leave it for good.
        rate = max(plan.rate(max(0, n_best - 1)), plan.learning_rate / 2)
        schedule = Schedule(rate, n_updates=end, decay_fraction=n_updates / end)
        batches = self._endless_batches(state, self.all_rows)
        asked = False
        while state.n_updates < end and not asked:
            report.begin()
            n_new = min(STAGE_UPDATES, end - state.n_updates)
            try:
                self.learner.run(state, islice(batches, n_new), schedule)
            except FloatingPointError:
                self.backtracking.recover(state)
                self.measuring.go_back()
                report.end(history)
                break
            self._measurement = self._measure(state)
            asked = report.end(history)
        # Rows held out, now learned from, are bound to have become likelier.
        self.settle(state)

    def settle(self, state):
        """Set the state to what learning gives: to the best, or to the last."""
        if self.backtracking.finish(state, self._measurement):
            self.measuring.go_back()

    def result(self, state):
        """Give the machine learned."""
        return self.learner.result(state)

    def n_sweeps(self, state):
        """Count the sweeps of single rows and chains that have led to a state."""
        return self.learner.n_sweeps(state)

    def _review(self, state, history):
        """Measure the machine and judge it; say whether to stop."""
        learner, backtracking = self.learner, self.backtracking
        if self.schedule.penalty_scale(state.n_updates) < 1 and learner.alpha > 0:
            # Until the penalty has set in fully, likelihood is bound to fall.
            backtracking.forget()
        measurement = self._measure(state)
        rate = self.schedule.rate(max(0, state.n_updates - 1))
        note(history, state.n_updates, rate * backtracking.rate_scale, measurement)
        enough = backtracking.review(state, measurement)
        self._measurement = measurement
        if backtracking.improved:
            self.measuring.mark()
        elif backtracking.went_back:
            self.measuring.go_back()
        if self.shrinking is not None:
            self.shrinking.follow(state)
        return enough

    def _measure(self, state):
        # Also what learning goes back to: with the zeros that a penalty has made.
        state.averaged = self.learner.result(state)
        energy = state.averaged.astype(np.float64)
        measurement = self.measuring.measure(energy)
        # Before it is judged, so that it comes back with the machine.
        state.trajectory = self.measuring.trajectory
        return measurement._replace(penalty=self.learner.penalty(energy))

    def _endless_batches(self, state, rows):
        while True:
            yield from self.learner.batches(state, rows)
