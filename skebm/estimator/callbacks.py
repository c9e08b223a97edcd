"""The one place that talks to scikit-learn's callbacks."""

__all__ = ["CallbackSupportMixin", "FitReport", "SilentReport"]

from sklearn.callback import CallbackSupportMixin


class FitReport:
    """Tells the callbacks of an estimator about its fit, stage by stage.

    Parameters
    ----------
    estimator : estimator
        Being fitted, with scikit-learn's `CallbackSupportMixin`.
    n_stages : int
        How many stages there are at most; a callback may stop earlier.
    X, y : array-like
        What callbacks are told the training data are.
    metadata : dict or None
        What else `fit` was told, such as weights of rows.
    fitted_attributes : callable
        Gives the attributes of the estimator as if it were fitted by now, from the
        history so far; called only if a callback asks.
    """

    def __init__(self, estimator, n_stages, X, y, metadata, fitted_attributes):  # noqa: PLR0917
        self._reported = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fitted_attributes = fitted_attributes
        self._history = {}
        self._fit_task = estimator._init_callback_context(max_subtasks=n_stages)
        self._fit_task.call_on_fit_task_begin(**self._reported)

    def begin(self):
        """Begin a stage."""
        self._stage = self._fit_task.subcontext(task_name="stage")
        self._stage.call_on_fit_task_begin(**self._reported)

    def end(self, history):
        """End a stage; say whether a callback asks for the end of the fit."""
        self._history = history
        return bool(self._end(self._stage))

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
