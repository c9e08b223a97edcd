"""One pass over rows at hand, the end of which is not the end of learning."""

__all__ = ["Pass"]

from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

import numpy as np

from skebm.learning.schedule import Schedule
from skebm.learning.trainer import HISTORY, STAGE_UPDATES, note


@dataclass
class Pass:
    """A pass of contrastive learning, measured as often as a whole run is.

    Parameters
    ----------
    learner : ContrastiveLearning
        Makes the updates.
    learning_rate : float
        Step size.
    make_measuring : callable
        Makes what measures the rows at hand, of which few passes have a need.
    """

    learner: object
    learning_rate: float
    make_measuring: object

    def run(self, state, rows, history, report):
        """Learn from rows of data.

        Parameters
        ----------
        state : LearningState
            Where to start; changed in place.
        rows : Rows
            The data.
        history : dict
            What was measured before.
        report : callable
            Told after each measurement of how many there are in this pass, how many
            there will be, and of the history.

        Returns
        -------
        history : dict of str to list
            With what was measured in this pass: before the first update of all, and a
            hundred updates after the last measurement.

        Raises
        ------
        FloatingPointError
            If learning diverges.
        """
        self._measuring, n_measured = None, 0
        history = {name: list(history.get(name, [])) for name in HISTORY}
        if len({len(values) for values in history.values()}) > 1:
            # An algorithm that sees all data has measured something else.
            history = {name: [] for name in HISTORY}
        if not history["n_iter"]:
            self._measure(state, history)
        n_batches = -(-rows.n_rows // self.learner.batch_size)
        batches = self.learner.batches(state, rows)
        schedule = Schedule(self.learning_rate)
        # Learning may have gone on for long since: then one is due at once.
        n_stages = 1 + (n_batches - self._n_left(state, history)) // STAGE_UPDATES
        while True:
            n_left = self._n_left(state, history)
            self.learner.run(state, islice(batches, n_left), schedule)
            if self._n_left(state, history) > 0:
                return history
            self._measure(state, history)
            n_measured += 1
            report(n_measured, n_stages, history)

    def _n_left(self, state, history):
        """Say how many updates are left before a measurement is due."""
        return max(0, history["n_iter"][-1] + STAGE_UPDATES - state.n_updates)

    def _measure(self, state, history):
        if self._measuring is None:
            # A copy, since it draws: a pass that fails leaves all as it was.
            state.trajectory = deepcopy(state.trajectory)
            self._measuring = self.make_measuring()
        energy = self.learner.result(state).astype(np.float64)
        measurement = self._measuring.measure(energy)
        state.trajectory = self._measuring.trajectory
        note(history, state.n_updates, self.learning_rate, measurement)
