"""Interrupts from the keyboard, which keep what was learned, or go on as errors."""

__all__ = ["is_one_of_many", "warn_of_interrupt"]

import sys

from sklearn.exceptions import ConvergenceWarning

from skebm.warning import warn_user

# What makes many fits, all of which an interrupt is to end.
_MAKE_MANY = {
    "concurrent",
    "dask",
    "dask_ml",
    "distributed",
    "joblib",
    "multiprocessing",
    "sklearn",
}

# And what of scikit-learn makes one, or none.
_MAKE_ONE = ("sklearn.base", "sklearn.callback", "sklearn.pipeline", "sklearn.utils")


def is_one_of_many():
    """Say whether what runs was called by a search or the like, as one of many fits."""
    frame = sys._getframe()
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] in _MAKE_MANY and not name.startswith(_MAKE_ONE):
            return True
        frame = frame.f_back
    return False


def warn_of_interrupt(done):
    """Warn that learning has ended early, with what was done by then."""
    warn_user(
        f"Learning was interrupted after {done}, and what was learned until then is "
        "kept. It need not have converged.",
        ConvergenceWarning,
    )
