"""The one place that talks to scikit-learn's callbacks."""

__all__ = ["CallbackSupportMixin", "iterate_epochs"]

from sklearn.callback import CallbackSupportMixin


def iterate_epochs(estimator, n_epochs, *, X, y, fitted_attributes):
    """Count the epochs of a fit and report each to the callbacks.

    Parameters
    ----------
    estimator : estimator
        Being fitted, with scikit-learn's `CallbackSupportMixin`.
    n_epochs : int
        How many epochs there are at most; a callback may stop earlier.
    X, y : array-like
        What callbacks are told the training data are.
    fitted_attributes : callable
        Gives the attributes of the estimator as if it were fitted by now; called
        only if a callback asks.

    Yields
    ------
    epoch : int
        Number of the epoch to run, from 0.
    """
    reported = {"estimator": estimator, "X": X, "y": y}
    fit_task = estimator._init_callback_context(max_subtasks=n_epochs)
    fit_task.call_on_fit_task_begin(**reported)
    for epoch in range(n_epochs):
        task = fit_task.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(**reported)
        yield epoch
        if task.call_on_fit_task_end(
            **reported, reconstruction_attributes=fitted_attributes
        ):
            break
    fit_task.call_on_fit_task_end(
        **reported, reconstruction_attributes=fitted_attributes
    )
