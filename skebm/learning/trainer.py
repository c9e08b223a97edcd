"""Stochastic learning in stages, each measured, and what follows from that."""

__all__ = ["HISTORY", "STAGE_UPDATES", "Trainer", "note"]

from dataclasses import dataclass
from itertools import islice

import numpy as np

# Updates between measurements: few enough to see a fall before it is deep, and so
# many that measuring costs little beside them.
STAGE_UPDATES = 100

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
    """

    learner: object
    schedule: object
    measuring: object
    backtracking: object
    shrinking: object = None

    # What its history counts.
    counts = "updates"

    @property
    def n_planned(self):
        """Number of updates planned."""
        return self.schedule.n_updates

    @property
    def n_stages(self):
        """Number of stages planned."""
        return -(-self.schedule.n_updates // STAGE_UPDATES)

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
            What was measured before the first stage and after each.

        Raises
        ------
        FloatingPointError
            If learning diverges, at ever smaller steps too.
        """
        history = {name: [] for name in HISTORY}
        batches = self._endless_batches(state, rows)
        n_planned = self.schedule.n_updates
        ended = self._review(state, history)
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
            ended = report.end(history) or ended
        self.settle(state)
        return history

    def settle(self, state):
        """Set the state to what learning gives: to the best, or to the last."""
        self.backtracking.finish(state, self._measurement)
        state.trajectory = self.measuring.trajectory

    def result(self, state):
        """Give the machine learned."""
        return self.learner.result(state)

    def _review(self, state, history):
        """Measure the machine and judge it; say whether to stop."""
        learner, backtracking = self.learner, self.backtracking
        if self.schedule.penalty_scale(state.n_updates) < 1 and learner.alpha > 0:
            # Until the penalty has set in fully, likelihood is bound to fall.
            backtracking.forget()
        # Also what learning goes back to: with the zeros that a penalty has made.
        state.averaged = learner.result(state)
        energy = state.averaged.astype(np.float64)
        measurement = self.measuring.measure(energy)
        rate = self.schedule.rate(max(0, state.n_updates - 1))
        note(history, state.n_updates, rate * backtracking.rate_scale, measurement)
        measurement = measurement._replace(penalty=learner.penalty(energy))
        enough = backtracking.review(state, measurement)
        self._measurement = measurement
        if backtracking.improved:
            self.measuring.mark()
        elif backtracking.went_back:
            self.measuring.go_back()
        if self.shrinking is not None:
            self.shrinking.follow(state)
        return enough

    def _endless_batches(self, state, rows):
        while True:
            yield from self.learner.batches(state, rows)
