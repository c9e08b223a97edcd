"""Learning in stages, each measured, and what follows from the measurements."""

__all__ = ["STAGE_UPDATES", "StagedLearning"]

from itertools import islice

# Updates between measurements: few enough to see a fall before it is deep, and so
# many that measuring costs little beside them.
STAGE_UPDATES = 100


class StagedLearning:
    """A run of contrastive learning under the eyes of a monitor.

    Parameters
    ----------
    learner : ContrastiveLearning
        Makes the updates.
    state : LearningState
        Where to start; changed in place.
    rows : Rows
        The data.
    schedule : Schedule
        Step sizes, with the number of updates planned.
    monitor : LikelihoodMonitor
        Measures the machine after each stage.
    guard : Guard
        Judges the measurements.
    energy_of : callable
        Gives the plain energy of a machine in learning coordinates.

    Attributes
    ----------
    history : dict of str to list
        What was measured after each stage.
    """

    def __init__(self, learner, state, rows, *, schedule, monitor, guard, energy_of):
        self.learner = learner
        self.state = state
        self.monitor = monitor
        self.schedule = schedule
        self.guard = guard
        self.energy_of = energy_of
        self.history = {
            "n_iter": [],
            "learning_rate": [],
            "train_log_likelihood": [],
            "validation_log_likelihood": [],
            "log_partition": [],
        }
        self._batches = self._endless_batches(rows)
        self._review()

    @property
    def n_stages(self):
        """Number of stages planned."""
        return -(-self.schedule.n_updates // STAGE_UPDATES)

    def fit(self, run_stage):
        """Learn in stages, each run by `run_stage`, which may ask for the end."""
        while not run_stage(self.advance):
            pass
        self.guard.finish(self.state, self._measurement)

    def advance(self):
        """Run one stage; say whether learning is at its end."""
        state = self.state
        n_left = self.schedule.n_updates - state.n_updates
        n_updates = min(STAGE_UPDATES, n_left)
        schedule = self.schedule.scaled(self.guard.rate_scale)
        try:
            self.learner.run(state, islice(self._batches, n_updates), schedule)
        except FloatingPointError:
            if n_left == n_updates or not self.guard.recover(state):
                raise
            self.monitor.go_back()
            return False
        return self._review() or n_left == n_updates

    def _review(self):
        """Measure the machine and judge it; say whether to stop."""
        state = self.state
        if self.schedule.penalty_scale(state.n_updates) < 1 and self.learner.alpha > 0:
            # Until the penalty has set in fully, likelihood is bound to fall.
            self.guard.forget()
        self._measurement = self._measure()
        enough = self.guard.review(state, self._measurement)
        if self.guard.improved:
            self.monitor.mark()
        elif self.guard.went_back:
            self.monitor.go_back()
        return enough

    def _measure(self):
        state = self.state
        # Also what learning goes back to: with the zeros that a penalty has made.
        state.averaged = self.learner.result(state)
        energy = self.energy_of(state.averaged)
        measurement = self.monitor.measure(energy)
        rate = self.schedule.rate(max(0, state.n_updates - 1)) * self.guard.rate_scale
        self.history["n_iter"].append(state.n_updates)
        self.history["learning_rate"].append(rate)
        self.history["train_log_likelihood"].append(measurement.training)
        self.history["validation_log_likelihood"].append(measurement.validation)
        self.history["log_partition"].append(measurement.log_partition)
        return measurement._replace(penalty=self.learner.penalty(energy))

    def _endless_batches(self, rows):
        while True:
            yield from self.learner.batches(self.state, rows)
