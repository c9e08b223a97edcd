import numpy as np
import pytest
from models import EVERY, TABLES, contents, rows_for
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    EnergyImputer,
    EnergyOutlierDetector,
    GaussianRBM,
    MarkovRandomField,
    MixedRBM,
)
from skebm.learning.contrastive import ContrastiveLearning
from skebm.learning.measuring import Measuring
from skebm.learning.trainer import STAGE_UPDATES

X = np.random.default_rng(0).integers(2, size=(60, 6))


class Interrupter:
    """Callback that stands for a user who presses Ctrl-C in a stage.

    Parameters
    ----------
    stage : int
        In which.
    when : {"begin", "end"}
        At its begin, or when it has been measured.
    """

    def __init__(self, stage, when="end"):
        self.stage, self.when = stage, when
        self.n_fits, self.n_stages = 0, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.n_fits += context.task_name == "fit"
        self._press(context, "begin")

    def on_fit_task_end(self, estimator, context):
        self.n_stages += context.task_name == "stage"
        self._press(context, "end")

    def _press(self, context, when):
        here = context.task_name == "stage" and context.task_id == self.stage
        if here and when == self.when:
            raise KeyboardInterrupt


def interrupted(model, rows, stage, when="end"):
    """Fit a model, interrupted in a stage."""
    watched = clone(model).set_callbacks(Interrupter(stage, when))
    with pytest.warns(ConvergenceWarning, match="Learning was interrupted after"):
        return watched.fit(rows)


# Each of their stages is an iteration.
ITERATING = {
    "BinaryRBM, exact": BinaryRBM(2, algorithm="exact", alpha=0.01, random_state=0),
    "BoltzmannMachine, exact": BoltzmannMachine(algorithm="exact", alpha=0.01),
    "GaussianRBM, exact": GaussianRBM(2, algorithm="exact", random_state=0),
    "MixedRBM, em": MixedRBM(2, algorithm="em", tol=1e-6, random_state=0),
    "MarkovRandomField, proximal": MarkovRandomField(
        algorithm="exact", alpha=0.01, l1_ratio=0.5
    ),
}
LEARNERS = ITERATING | {
    name: clone(model).set_params(max_iter=1000)
    for name, model in (EVERY | TABLES).items()
}


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("when", ["begin", "end"])
def test_what_was_learned_is_kept(name, when):
    rows = rows_for(name, X)
    model = interrupted(LEARNERS[name], rows, stage=2, when=when)
    n_stages = 2 if when == "begin" else 3
    size = 1 if name in ITERATING else STAGE_UPDATES
    assert model.n_iter_ == n_stages * size
    assert list(model.history_["n_iter"])[-1] == model.n_iter_
    assert len({len(values) for values in model.history_.values()}) == 1
    assert np.isfinite(model.score(rows))
    # As if learning had been planned to end there, but for the schedule.
    before = model.history_["train_log_likelihood"]
    assert before[-1] > before[0]


def test_a_model_interrupted_in_the_middle_of_updates(monkeypatch):
    rbm = BinaryRBM(3, max_iter=1000, n_chains=20, random_state=0)
    whole = ContrastiveLearning._update
    n_made = []

    def update(self, state, batch, schedule):
        whole(self, state, batch, schedule)
        n_made.append(1)
        if len(n_made) == 250:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ContrastiveLearning, "_update", update)
        with pytest.warns(ConvergenceWarning, match="after 200 updates"):
            rbm.fit(X)
    assert rbm.n_iter_ == 200
    ended = interrupted(clone(rbm), X, stage=1)
    np.testing.assert_array_equal(rbm.components_, ended.components_)
    assert rbm.partial_fit(X).n_iter_ == 201


def test_a_model_interrupted_while_it_is_measured(monkeypatch):
    """Chains that follow it are then between two machines."""
    rows = np.random.default_rng(0).random((100, 30)) < 0.3
    rbm = BinaryRBM(21, max_iter=1000, n_chains=20, random_state=0)
    whole, n_measured = Measuring.measure, []

    def measure(self, energy):
        measurement = whole(self, energy)
        n_measured.append(1)
        if len(n_measured) == 4:
            raise KeyboardInterrupt
        return measurement

    with monkeypatch.context() as patch:
        patch.setattr(Measuring, "measure", measure)
        with pytest.warns(ConvergenceWarning, match="after 200 updates"):
            rbm.fit(rows)
    ended = interrupted(clone(rbm), rows, stage=1)
    np.testing.assert_array_equal(rbm.components_, ended.components_)
    np.testing.assert_array_equal(rbm._draws_at_hand(), ended._draws_at_hand())


def test_the_best_model_is_kept_where_rows_are_held_out():
    rows = load_digits().data[:100, 20:36] > 7
    rbm = BinaryRBM(
        20, early_stopping=True, validation_fraction=0.3, alpha=0.0, random_state=0
    )
    rbm = interrupted(rbm, rows, stage=15)
    held_out = rbm.history_["validation_log_likelihood"]
    best = int(np.argmax(held_out))
    assert 1 <= best < len(held_out) - 3  # it is overfitted
    early = interrupted(clone(rbm), rows, stage=best - 1)
    np.testing.assert_array_equal(rbm.components_, early.components_)


@pytest.mark.parametrize("name", ["BinaryRBM", "BinaryRBM, exact", "MixedRBM, em"])
def test_before_the_first_measurement_nothing_is_left(name):
    model = clone(LEARNERS[name]).set_callbacks(Interrupter(0, "begin"))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.score(X)
    model.set_callbacks().fit(X)
    before = contents(model)
    model.set_callbacks(Interrupter(0, "begin"))
    with pytest.raises(KeyboardInterrupt):
        model.fit(1 - X)
    assert contents(model) == before


def test_a_warning_as_an_error_leaves_nothing_either():
    model = clone(LEARNERS["BinaryRBM"]).set_callbacks(Interrupter(1))
    with pytest.raises(ConvergenceWarning, match="interrupted"):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.score(X)


# ---- one of many fits ----


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_searches_end_as_a_whole(n_jobs):
    interrupter = Interrupter(1)
    rbm = clone(LEARNERS["BinaryRBM"]).set_callbacks(interrupter)
    search = GridSearchCV(rbm, {"n_components": [1, 2]}, cv=3, n_jobs=n_jobs)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X)
    assert interrupter.n_fits == 1
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(rbm, X, cv=3)
    assert interrupter.n_fits == 2


def test_pipelines_and_wrappers_of_one_model_keep_it():
    rbm = clone(LEARNERS["BinaryRBM"])
    rbm.set_callbacks(Interrupter(1))
    with pytest.warns(ConvergenceWarning, match="interrupted after 200 updates"):
        pipeline = make_pipeline(rbm).fit(X)
    assert pipeline[-1].n_iter_ == 2 * STAGE_UPDATES
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        detector = EnergyOutlierDetector(rbm).fit(X)
    assert detector.estimator_.n_iter_ == 2 * STAGE_UPDATES
    assert np.isfinite(detector.offset_)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        imputer = EnergyImputer(rbm).fit(X)
    assert imputer.estimator_.n_iter_ == 2 * STAGE_UPDATES


def test_stacks_end_as_a_whole_until_they_are_complete():
    layer = BinaryRBM(max_iter=300, n_chains=20).set_callbacks(Interrupter(1))
    stack = DeepBeliefNetwork((3, 2), estimator=layer, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        stack.fit(X)
    with pytest.raises(NotFittedError):
        stack.score(X)


def test_fine_tuning_of_a_stack_keeps_what_it_has_come_to(monkeypatch):
    whole = BinaryRBM.partial_fit
    n_made = []

    def partial_fit(self, rows):
        n_made.append(1)
        if len(n_made) == 8:
            raise KeyboardInterrupt
        return whole(self, rows)

    monkeypatch.setattr(BinaryRBM, "partial_fit", partial_fit)
    layer = BinaryRBM(max_iter=100, n_chains=20, verbose=1)
    stack = DeepBeliefNetwork(
        (3, 2), estimator=layer, fine_tune_iter=50, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="after 7 updates of fine tuning"):
        stack.fit(X)
    top = stack.estimators_[-1]
    assert (top.n_iter_, top.learning_rate, top.verbose) == (107, "auto", 1)
    assert np.isfinite(stack.score(X))
