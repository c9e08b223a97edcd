"""Time of fits of digits, with and without measuring along the way.

    python benchmarks/monitoring.py [--repeats 5] [--threads 1]

The same fits without measurements, with those that are always made, with a callback
that is handed a fitted estimator after each hundred updates, and with rows held out and
scored as well; in turn. All make as many updates: learning is not let stop early. Then
fits by short batches, whose updates take the least time.
"""

from functools import partial
from unittest import mock

import numpy as np
from script import run_script
from sklearn.base import clone
from sklearn.datasets import load_digits
from timing import time_group

from skebm import BinaryRBM
from skebm.learning.measuring import Measurement


class Blind:
    """Sees every machine as good as the last."""

    def __init__(self, *args, **kwargs):
        self.n_seen = 0

    def mark(self):
        """Remember nothing."""

    def go_back(self):
        """Go nowhere."""

    def measure(self, energy):
        """Report a rise too small to change the step size."""
        self.n_seen += 1
        return Measurement(0.01 * self.n_seen, np.nan, 0.0, 0.0)


class Onlooker:
    """Callback that is handed what there is, and does nothing with it."""

    def setup(self, estimator, context):
        """Do nothing before a fit."""

    def teardown(self, estimator, context):
        """Do nothing after a fit."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing before a stage."""

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        """Do nothing after a stage."""


def measure(repeats):
    """Time the fits; give a list of `Timing`."""
    X = load_digits().data > 7
    timings = time_group("fit of digits", _watched_fits(X), repeats)
    for batch_size in (64, 10):
        rbm = BinaryRBM(
            100,
            solver="sgd",
            batch_size=batch_size,
            n_chains=batch_size,
            max_iter=10_000,
            random_state=0,
        )
        functions = {
            "without measuring": partial(_fit_blind, rbm, X),
            "with measuring": partial(rbm.fit, X),
        }
        timings += time_group(
            f"10000 updates of 64 x 100 by batches of {batch_size}", functions, repeats
        )
    return timings


def _watched_fits(X):
    rbm = BinaryRBM(random_state=0)
    watched = clone(rbm).set_callbacks(Onlooker())
    n_updates = rbm.fit(X).n_iter_
    validated = clone(rbm).set_params(
        early_stopping=True, max_iter=n_updates, n_iter_no_change=n_updates
    )
    validated_and_watched = clone(validated).set_callbacks(Onlooker())
    return {
        "without measuring": partial(_fit_blind, rbm, X),
        "default": partial(rbm.fit, X),
        "with a callback": partial(watched.fit, X),
        "with validation": partial(validated.fit, X),
        "with both": partial(validated_and_watched.fit, X),
    }


def _fit_blind(rbm, X):
    with mock.patch("skebm.estimator.fitting.Measuring", Blind):
        rbm.fit(X)


if __name__ == "__main__":
    run_script(__doc__, measure, repeats=5)
