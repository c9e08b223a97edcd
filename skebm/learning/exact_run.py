"""A fit by exact maximum likelihood."""

__all__ = ["ExactRun"]


class ExactRun:
    """Exact learning, one iteration a stage.

    Parameters
    ----------
    learner : ExactLearning
        What learns.
    state : LearningState
        Where to start; its machine is changed in place.
    rows : Rows
        The data.
    energy_of : callable
        Gives the plain energy of a machine in learning coordinates.

    Attributes
    ----------
    n_stages : int
        Largest number of iterations.
    history : dict of str to list
        The likelihood after each iteration.
    """

    def __init__(self, learner, state, rows, energy_of):
        self.learner = learner
        self.state = state
        self.rows = rows
        self.energy_of = energy_of
        self.n_stages = learner.max_iter
        self._measured = f"train_{learner.objective.measures}"
        self.history = {"n_iter": [], self._measured: []}

    def fit(self, run_stage):
        """Learn, calling `run_stage` after each iteration; it may ask for the end."""
        state = self.state

        def on_iteration(energy, log_likelihood):
            state.averaged = state.model = state.model.describing(energy)
            state.n_updates += 1
            self.history["n_iter"].append(state.n_updates)
            self.history[self._measured].append(log_likelihood)
            return run_stage(lambda: False)

        self.learner.run(self.energy_of(state.model), self.rows, on_iteration)
        # A start that is the optimum takes one look to be known as such.
        state.n_updates = max(1, state.n_updates)
