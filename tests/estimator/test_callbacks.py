import numpy as np
import pytest
import rich
from models import EVERY, TABLES, assert_same_parameters, contents, rows_for
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from skebm import BinaryRBM, GaussianRBM, LatentBM
from skebm.learning.trainer import STAGE_UPDATES

X = np.random.default_rng(0).integers(2, size=(60, 6))
N_STAGES = 4
# The last stage is shorter than the others.
MAX_ITER = 3 * STAGE_UPDATES + 1


@pytest.fixture
def rbm():
    return BinaryRBM(3, max_iter=MAX_ITER, batch_size=20, n_chains=20, random_state=0)


def n_updates(n_stages):
    """Count the updates of so many stages."""
    return min(n_stages * STAGE_UPDATES, MAX_ITER)


def make_monitor():
    """Make a monitor of the estimator's own score."""

    # scikit-learn 1.9.1 fails with scoring=None and with functions that give a
    # number, so this one gives a dict; defined here, it can be sent to workers.
    def score(model, X, y):
        return {"score": model.score(X, y)}

    return ScoringMonitor(scoring=score)


class Recorder:
    """Callback that notes what it is told, and stops or fails when asked to.

    Parameters
    ----------
    stop_at, fail_at : int or None, default=None
        Number of the stage after which to ask for an end, or to raise an error.
    """

    def __init__(self, *, stop_at=None, fail_at=None):
        self.stop_at = stop_at
        self.fail_at = fail_at
        self.events = []
        self.models = []
        self.result = None

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(f"end {context.task_name} {context.task_id}")
        if context.task_name != "stage":
            self.result = fitted_estimator
            return False
        assert len(X) == len(y)
        self.models.append(fitted_estimator)
        if context.task_id == self.fail_at:
            raise RuntimeError("asked to fail")
        return context.task_id == self.stop_at


def expected_events(n_stages):
    stages = [(f"begin stage {i}", f"end stage {i}") for i in range(n_stages)]
    return ["setup", "begin fit 0", *np.ravel(stages), "end fit 0", "teardown"]


# ---- what callbacks are told ----


def test_callbacks_are_told_of_each_stage(rbm):
    recorder = Recorder()
    rbm.set_callbacks(recorder).fit(X)
    assert recorder.events == expected_events(N_STAGES)
    for n_stages, model in enumerate(recorder.models, start=1):
        assert model is not rbm
        assert model.n_iter_ == n_updates(n_stages)
        assert list(model.history_["n_iter"]) == [
            n_updates(n) for n in range(n_stages + 1)
        ]
        assert model.transform(X).shape == (60, 3)
        assert np.isfinite(model.score(X))
    weights = [model.components_ for model in recorder.models]
    assert all(not np.array_equal(weights[i], weights[i + 1]) for i in range(3))
    np.testing.assert_array_equal(recorder.result.components_, rbm.components_)


EVERY_LEARNER = {
    **{
        name: clone(model).set_params(max_iter=250)
        for name, model in (EVERY | TABLES).items()
    },
    "LatentBM, semi-restricted": LatentBM(
        2, max_iter=250, hidden_couplings=False, random_state=0
    ),
    "LatentBM, exact": LatentBM(2, algorithm="exact", alpha=0.01, random_state=0),
    "BinaryRBM, exact": BinaryRBM(2, algorithm="exact", alpha=0.01, random_state=0),
    "GaussianRBM, exact": GaussianRBM(
        2, algorithm="exact", covariance_type="diag", tol=0.01, random_state=0
    ),
}


@pytest.mark.parametrize("name", EVERY_LEARNER)
def test_callbacks_do_not_change_what_is_learned(name):
    rows, monitor, recorder = rows_for(name, X), make_monitor(), Recorder()
    plain = clone(EVERY_LEARNER[name]).fit(rows)
    watched = clone(plain).set_callbacks(recorder, monitor).fit(rows)
    assert contents(watched) == contents(plain)
    assert watched.score(rows) == plain.score(rows)
    assert vars(watched).keys() == vars(plain).keys() | {"_skl_callbacks"}
    scores = [model.score(rows) for model in recorder.models]
    assert scores_by_path(monitor.get_logs()) == {
        (0,): plain.score(rows),
        **{(0, stage): score for stage, score in enumerate(scores)},
    }
    if "exact" in name:
        assert scores[-1] == plain.score(rows)
    else:
        assert len(set(scores)) == 3
        assert contents(watched.partial_fit(rows)) == contents(plain.partial_fit(rows))


@pytest.mark.parametrize("name", EVERY_LEARNER)
def test_callbacks_end_learning_of_every_kind(name):
    rows = rows_for(name, X)
    # Refitted, a model must not show what it was.
    model = clone(EVERY_LEARNER[name]).fit(rows)
    recorder = Recorder(stop_at=1)
    model.set_params(max_iter=1000).set_callbacks(recorder).fit(rows)
    assert model.n_iter_ == (2 if "exact" in name else 2 * STAGE_UPDATES)
    assert len(recorder.models) == 2
    assert_same_parameters(recorder.models[1], model)
    assert recorder.models[1].score(rows) == model.score(rows)
    assert np.isfinite(recorder.models[0].score(rows))
    assert recorder.models[0].score(rows) != model.score(rows)


def test_models_are_built_only_for_callbacks_that_ask(rbm, monkeypatch):
    built = []
    build = BinaryRBM._fitted_attributes

    def counted_build(*args):
        built.append(1)
        return build(*args)

    monkeypatch.setattr(BinaryRBM, "_fitted_attributes", counted_build)
    rbm.fit(X)
    assert len(built) == 1
    rbm.set_callbacks(ProgressBar()).fit(X)
    assert len(built) == 2


def test_labels_reach_callbacks(rbm):
    labels = np.arange(60)
    seen = []

    class Watcher(Recorder):
        def on_fit_task_end(self, estimator, context, *, y):
            seen.append(y)

    rbm.set_callbacks(Watcher()).fit(X, labels)
    assert len(seen) == N_STAGES + 1
    assert all(y is labels for y in seen)


# ---- stopping and failing ----


@pytest.mark.parametrize("stage", [0, 2])
def test_callbacks_stop_learning_early(rbm, stage):
    recorder = Recorder(stop_at=stage)
    rbm.set_callbacks(recorder).fit(X)
    assert recorder.events == expected_events(stage + 1)
    assert rbm.n_iter_ == n_updates(stage + 1)
    np.testing.assert_array_equal(rbm.components_, recorder.result.components_)
    assert rbm.score(X) == recorder.result.score(X)
    assert rbm.sample(2, n_steps=1).shape == (2, 6)
    assert rbm.partial_fit(X).n_iter_ == n_updates(stage + 1) + 3


def test_one_callback_that_stops_among_others(rbm):
    recorder = Recorder()
    rbm.set_callbacks(Recorder(stop_at=1), recorder).fit(X)
    assert rbm.n_iter_ == n_updates(2)
    assert recorder.events == expected_events(2)


@pytest.mark.parametrize("scored", [True, False])
def test_failing_callbacks_leave_an_earlier_model_as_it_was(rbm, scored):
    rbm.fit(X)
    if scored:
        rbm.score(X)
    recorder = Recorder(fail_at=1)
    rbm.set_callbacks(recorder)
    before = contents(rbm)
    with pytest.raises(RuntimeError, match="asked to fail"):
        rbm.fit(1 - X)
    assert recorder.events[-2:] == ["end stage 1", "teardown"]
    assert contents(rbm) == before
    assert rbm._skl_callbacks == [recorder]
    assert rbm.score(X) == clone(rbm).set_callbacks().fit(X).score(X)


def test_failing_callbacks_leave_a_new_estimator_unfitted(rbm):
    recorder = Recorder(fail_at=0)
    rbm.set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="asked to fail"):
        rbm.fit(X)
    assert recorder.events[-2:] == ["end stage 0", "teardown"]
    assert vars(rbm).keys() == rbm.get_params().keys() | {"_skl_callbacks"}
    with pytest.raises(NotFittedError):
        rbm.transform(X)


def test_errors_of_learning_reach_the_teardown(rbm):
    recorder = Recorder()
    rbm.set_params(learning_rate=1e39, max_iter=STAGE_UPDATES)
    rbm.set_callbacks(recorder)
    with pytest.raises(FloatingPointError):
        rbm.fit(X)
    assert recorder.events == ["setup", "begin fit 0", "begin stage 0", "teardown"]


# ---- monitoring of scores ----


def scores_by_path(log):
    return {row["task_id_path"]: row["score"] for row in log.data}


def test_scoring_monitor(rbm):
    monitor = make_monitor()
    rbm.set_callbacks(monitor).fit(X)
    log = monitor.get_logs()
    assert log.estimator_name == "BinaryRBM"
    stages = [row for row in log.data if row["task_name"] == "stage"]
    assert [row["task_id"] for row in stages] == list(range(N_STAGES))
    scores = [row["score"] for row in stages]
    assert scores_by_path(log)[0,] == rbm.score(X)
    for stage, score in enumerate(scores):
        recorder = Recorder(stop_at=stage)
        clone(rbm).set_callbacks(recorder).fit(X)
        assert score == recorder.models[-1].score(X)
    assert len(set(scores)) == N_STAGES
    assert len(log.data_as_pandas) == N_STAGES + 1


def test_scoring_monitor_of_estimated_partition_functions():
    wide = np.random.default_rng(0).integers(2, size=(60, 22))
    monitor = make_monitor()
    rbm = BinaryRBM(21, max_iter=101, log_partition_tol=0.1, random_state=0)
    rbm.set_callbacks(monitor).fit(wide)
    assert not hasattr(rbm, "log_partition_")
    scores = scores_by_path(monitor.get_logs())
    assert scores[0,] == rbm.score(wide)
    assert scores.keys() == {(0,), (0, 0), (0, 1)}
    assert rbm.log_partition_std_ > 0


def test_scoring_monitor_keeps_a_log_for_each_fit(rbm):
    monitor = make_monitor()
    rbm.set_callbacks(monitor).fit(X)
    rbm.set_params(max_iter=STAGE_UPDATES + 1).fit(X)
    lengths = [len(log.data) for log in monitor.get_logs(select="all")]
    assert lengths == [N_STAGES + 1, 3]


def test_scoring_monitor_of_several_scores(rbm):
    monitor = ScoringMonitor(
        scoring={
            "score": BinaryRBM.score,
            "pseudo": lambda model, X, y: model.pseudo_log_likelihood(X).mean(),
        }
    )
    rbm.set_callbacks(monitor).fit(X)
    whole = next(r for r in monitor.get_logs().data if r["task_name"] == "fit")
    assert whole["score"] == rbm.score(X)
    assert whole["pseudo"] == rbm.pseudo_log_likelihood(X).mean()


def test_scoring_monitor_in_a_grid_search(rbm):
    monitor = make_monitor()
    cv = KFold(3)
    rbm.set_callbacks(monitor)
    search = GridSearchCV(rbm, {"n_components": [1, 2]}, cv=cv).fit(X)
    log = monitor.get_logs()
    assert log.estimator_name == "GridSearchCV"
    stages = [row for row in log.data if row["task_name"] == "stage"]
    # Two candidates on three folds each, and the best of them on all rows.
    assert len(stages) == (2 * 3 + 1) * N_STAGES
    results = {row["score"] for row in log.data if row["task_name"] == "fit"}
    expected = {search.best_estimator_.score(X)}
    for n_components in (1, 2):
        for train, _ in cv.split(X):
            fold = clone(rbm).set_callbacks().set_params(n_components=n_components)
            expected.add(fold.fit(X[train]).score(X[train]))
    assert results == expected


def test_scoring_monitor_in_a_parallel_grid_search(rbm):
    monitor = make_monitor()
    rbm.set_callbacks(monitor)
    GridSearchCV(rbm, {"n_components": [1, 2]}, cv=3, n_jobs=2).fit(X)
    stages = [r for r in monitor.get_logs().data if r["task_name"] == "stage"]
    assert len(stages) == (2 * 3 + 1) * N_STAGES


def test_scoring_monitor_in_a_pipeline(rbm):
    monitors = [make_monitor() for _ in range(2)]
    second = clone(rbm).set_params(binarize=None, n_components=2)
    rbm.set_callbacks(monitors[0])
    second.set_callbacks(monitors[1])
    pipeline = make_pipeline(rbm, second).fit(X)
    for monitor, step, table in zip(
        monitors, pipeline, [X, rbm.transform(X)], strict=True
    ):
        log = monitor.get_logs()
        assert log.estimator_name == "Pipeline"
        stages = [row for row in log.data if row["task_name"] == "stage"]
        assert len(stages) == N_STAGES
        (whole,) = (row for row in log.data if row["task_name"] == "fit")
        assert whole["score"] == step.score(table)


# ---- progress bars ----


@pytest.fixture
def bars(capsys):
    """Read the bars of BinaryRBM off a wide screen that shows each of them once."""
    rich.reconfigure(width=200, force_terminal=False)
    yield lambda: [
        line
        for line in capsys.readouterr().out.splitlines()
        if "BinaryRBM - fit" in line
    ]
    rich.reconfigure()


def test_progress_bar(rbm, bars):
    rbm.set_callbacks(ProgressBar()).fit(X)
    (line,) = bars()
    assert "100%" in line
    assert rbm.n_iter_ == MAX_ITER


def test_progress_bar_of_a_fit_that_stops_early(rbm, bars):
    rbm.set_callbacks(ProgressBar(), Recorder(stop_at=1)).fit(X)
    (line,) = bars()
    assert "100%" in line
    assert rbm.n_iter_ == n_updates(2)


def test_progress_bar_of_a_fit_that_fails(rbm, bars):
    rbm.set_callbacks(ProgressBar(), Recorder(fail_at=1))
    with pytest.raises(RuntimeError, match="asked to fail"):
        rbm.fit(X)
    # Two of four stages.
    (line,) = bars()
    assert "50%" in line
    rbm.set_callbacks(ProgressBar()).fit(X)
    (line,) = bars()
    assert "100%" in line


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_bars_of_a_grid_search(rbm, bars, n_jobs):
    search = GridSearchCV(rbm, {"n_components": [1, 2]}, cv=3, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar()).fit(X)
    lines = bars()
    assert len(lines) == 2 * 3 + 1
    assert all("100%" in line for line in lines)
    assert not hasattr(search.best_estimator_, "_skl_callbacks")
    assert np.isfinite(search.best_score_)


def test_progress_bars_of_a_pipeline(rbm, bars):
    second = clone(rbm).set_params(binarize=None)
    pipeline = make_pipeline(rbm, second).set_callbacks(ProgressBar())
    assert pipeline.fit_transform(X).shape == (60, 3)
    lines = bars()
    assert len(lines) == 2
    assert all("100%" in line for line in lines)


def test_progress_bars_and_monitors_together(rbm, bars):
    monitor = make_monitor()
    rbm.set_callbacks(monitor)
    search = GridSearchCV(make_pipeline(rbm), {"binaryrbm__n_components": [1, 2]}, cv=3)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X)
    assert len(bars()) == 2 * 3 + 1
    stages = [r for r in monitor.get_logs().data if r["task_name"] == "stage"]
    assert len(stages) == (2 * 3 + 1) * N_STAGES


def test_partial_fit_reports_nothing(rbm):
    recorder = Recorder()
    rbm.set_callbacks(recorder).partial_fit(X).partial_fit(X)
    assert recorder.events == []
