"""Callbacks and searches of the estimator with hidden units."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV, KFold

from skebm import LatentBM
from skebm.learning.staged import STAGE_UPDATES

X = np.random.default_rng(0).integers(2, size=(60, 5))
MAX_ITER = 2 * STAGE_UPDATES + 1


@pytest.fixture(params=["general", "semi-restricted", "exact"])
def machine(request):
    params = {
        "general": {"max_iter": MAX_ITER, "batch_size": 20, "n_chains": 20},
        "semi-restricted": {"max_iter": MAX_ITER, "hidden_couplings": False},
        "exact": {"algorithm": "exact", "alpha": 0.01},
    }
    return LatentBM(2, random_state=0, **params[request.param])


def score(model, X, y):
    return {"score": model.score(X, y)}


class Stopper:
    """Callback that asks for an end after the first stage."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.result = fitted_estimator
        return context.task_name == "stage"


def test_callbacks_watch_and_change_nothing(machine):
    monitor = ScoringMonitor(scoring=score)
    watched = clone(machine).set_callbacks(monitor, ProgressBar()).fit(X)
    machine.fit(X)
    for name in "components_", "visible_couplings_", "hidden_couplings_":
        np.testing.assert_array_equal(getattr(watched, name), getattr(machine, name))
    rows = monitor.get_logs().data
    (whole,) = (row["score"] for row in rows if row["task_name"] == "fit")
    assert whole == machine.score(X)
    stages = [row["score"] for row in rows if row["task_name"] == "stage"]
    if machine.algorithm == "pcd":
        assert len(stages) == len(set(stages)) == 3
        assert max(stages) == whole  # the best of them is kept
    else:
        assert stages[-1] == whole


def test_callbacks_stop_learning(machine):
    stopper = Stopper()
    n_iter = clone(machine).fit(X).n_iter_
    machine.set_callbacks(stopper).fit(X)
    assert machine.n_iter_ < n_iter
    if machine.algorithm == "pcd":
        assert machine.n_iter_ == STAGE_UPDATES
    np.testing.assert_array_equal(machine.components_, stopper.result.components_)
    assert machine.score(X) == stopper.result.score(X)


def test_a_search_monitored(machine):
    monitor, cv = ScoringMonitor(scoring=score), KFold(3)
    machine.set_callbacks(monitor)
    search = GridSearchCV(machine, {"n_components": [1, 2]}, cv=cv).fit(X)
    fits = [r for r in monitor.get_logs().data if r["task_name"] == "fit"]
    expected = {search.best_estimator_.score(X)}
    held_out = []
    for n_components in (1, 2):
        fold = clone(machine).set_callbacks().set_params(n_components=n_components)
        for train, test in cv.split(X):
            expected.add(fold.fit(X[train]).score(X[train]))
            held_out.append(fold.score(X[test]))
    assert {row["score"] for row in fits} == expected
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"],
        np.reshape(held_out, (2, 3)).mean(axis=1),
        rtol=1e-12,
    )


def test_a_search_over_structures_in_parallel():
    """Rows of two patterns are learned alike, whichever couplings may be used."""
    rng = np.random.default_rng(1)
    rows = rng.integers(2, size=(300, 1)) ^ (rng.random((300, 4)) < 0.1)
    machine = LatentBM(2, max_iter=300, random_state=0)
    grid = {"visible_couplings": [True, False], "hidden_couplings": [True, False]}
    search = GridSearchCV(machine, grid, cv=3, n_jobs=2).fit(rows)
    n_on = np.arange(5)
    of_count = (0.9**n_on * 0.1 ** (4 - n_on) + 0.1**n_on * 0.9 ** (4 - n_on)) / 2
    best = np.log(of_count[rows.sum(axis=1)])
    # Four standard errors, and what folds lose to chance.
    atol = 4 * best.std() / len(rows) ** 0.5 + 0.1
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(scores, best.mean(), rtol=0, atol=atol)
    assert search.best_score_ == scores.max()
    assert search.best_estimator_.score(rows) > best.mean() - 0.1
