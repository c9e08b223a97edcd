"""The one place that talks to scikit-learn's callbacks."""

__all__ = ["CallbackSupportMixin", "FitReport", "SilentReport"]

from dataclasses import replace

from sklearn.callback import CallbackSupportMixin


class FitReport:
    """Tells the callbacks of an estimator about its fit, stage by stage.

    Parameters
    ----------
    estimator : estimator
        Being fitted, with scikit-learn's `CallbackSupportMixin`.
    learner : Trainer or LBFGS or another
        Learns in stages.
    state : LearningState
        What it changes.
    lines : Lines
        Prints what `verbose` asks for.
    X, y : array-like
        What callbacks are told the training data are.
    metadata : dict or None
        What else `fit` was told, such as weights of rows.
    fitted_attributes : callable
        Gives the attributes of the estimator as if it were fitted by now, from the
        history so far; called only if a callback asks.
    """

    def __init__(  # noqa: PLR0917
        self, estimator, learner, state, lines, X, y, metadata, fitted_attributes
    ):
        self._reported = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fitted_attributes = fitted_attributes
        self._history = {}
        self._learner, self._state, self._lines = learner, state, lines
        self._n_ended, self._kept = 0, None
        n_stages = learner.n_stages
        self._fit_task = estimator._init_callback_context(max_subtasks=n_stages)
        self._fit_task.call_on_fit_task_begin(**self._reported)
        lines.begin()

    def begin(self):
        """Begin a stage."""
        self._stage = self._fit_task.subcontext(task_name="stage")
        self._stage.call_on_fit_task_begin(**self._reported)

    def end(self, history):
        """End a stage; say whether a callback asks for the end of the fit."""
        self._history = history
        self._n_ended += 1
        # Learning puts new arrays in the place of old ones.
        self._kept = replace(self._state), len(history["n_iter"])
        learner = self._learner
        done = f"{self._state.n_updates} of at most {learner.n_planned} "
        self._lines.say_at_stage(
            done + learner.counts, self._n_ended, learner.n_stages, history
        )
        return bool(self._end(self._stage))

    def go_back(self):
        """Go back to the end of the last stage and give the history, or else None."""
        if self._kept is None:
            return None
        state, n_measured = self._kept
        vars(self._state).update(vars(state))
        return {name: values[:n_measured] for name, values in self._history.items()}

    def close(self):
        """End the fit."""
        self._end(self._fit_task)

    def _end(self, task):
        return task.call_on_fit_task_end(
            **self._reported,
            reconstruction_attributes=lambda: self._fitted_attributes(self._history),
        )


class SilentReport:
    """Tells nobody about a fit: callbacks are of `fit` alone."""

    def begin(self):
        """Begin a stage."""

    def end(self, history):
        """End a stage; nobody asks for the end of the fit."""
        return False
