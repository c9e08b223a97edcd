import numpy as np
import pytest
from models import EVERY, TABLES, contents, rows_for
from sklearn.base import clone
from sklearn.datasets import load_digits

from skebm import BinaryRBM
from skebm.learning.trainer import HISTORY, STAGE_UPDATES

X = np.random.default_rng(0).integers(2, size=(60, 6))


def passed(sizes, **params):
    """Learn from chunks of so many rows, ten an update."""
    rbm = BinaryRBM(3, batch_size=10, n_chains=20, random_state=0, **params)
    rows = np.tile(X, (100, 1))
    for size in sizes:
        rbm.partial_fit(rows[:size])
    return rbm


@pytest.mark.parametrize(
    ("sizes", "measured"),
    [
        ([60], [0]),
        ([990], [0]),
        ([1000], [0, 100]),
        ([2500], [0, 100, 200]),
        ([600, 600], [0, 100]),
        ([600, 3000, 30], [0, 100, 200, 300]),
    ],
)
def test_passes_are_measured_at_every_hundredth_update(sizes, measured):
    rbm = passed(sizes)
    assert list(rbm.history_["n_iter"]) == measured
    assert rbm.history_.keys() == set(HISTORY)
    assert np.isfinite(rbm.history_["train_log_likelihood"]).all()
    assert np.isnan(rbm.history_["validation_log_likelihood"]).all()
    assert (rbm.history_["learning_rate"] == 0.1).all()


def test_it_goes_on_where_fit_ended():
    rbm = BinaryRBM(3, batch_size=10, n_chains=20, max_iter=150, random_state=0).fit(X)
    before = rbm.history_
    assert list(before["n_iter"]) == [0, 100, 150]
    rbm.set_params(learning_rate=0.02).partial_fit(np.tile(X, (20, 1)))  # 120 updates
    assert list(rbm.history_["n_iter"]) == [0, 100, 150, 250]
    assert rbm.history_["learning_rate"][-1] == 0.02
    for name in HISTORY:
        np.testing.assert_array_equal(rbm.history_[name][:3], before[name])
    assert list(rbm.fit(X).history_["n_iter"]) == [0, 100, 150]


def test_it_says_how_many_measurements_there_will_be(monkeypatch):
    """Also where learning has gone on unmeasured, as from all rows in the end."""
    rbm, told = passed([600]), []
    monkeypatch.setattr(
        "skebm.estimator.fitting.Lines.say_at_stage",
        lambda self, done, n_done, n_planned, history: told.append((n_done, n_planned)),
    )
    rbm.history_ = {name: np.zeros(1, int) for name in HISTORY}
    rbm._state.n_updates = 660
    rbm.partial_fit(np.tile(X, (20, 1)))  # 120 updates
    assert list(rbm.history_["n_iter"]) == [0, 660, 760]
    assert told == [(1, 2), (2, 2)]


def test_it_begins_anew_after_what_sees_all_data():
    rbm = BinaryRBM(2, algorithm="exact", alpha=0.1, random_state=0).fit(X)
    n_iter = rbm.n_iter_
    rbm.set_params(algorithm="pcd").partial_fit(X)
    assert list(rbm.history_["n_iter"]) == [n_iter]


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_measured_is_what_scores_say(seed):
    digits = load_digits().data > 7
    rng = np.random.default_rng(seed)
    rbm = BinaryRBM(64, random_state=seed)
    for _ in range(30):
        chunk = digits[rng.choice(len(digits), 4000)]
        rbm.partial_fit(chunk)
    assert rbm.history_["n_iter"][-1] == rbm.n_iter_ == 600
    log_partition = rbm.history_["log_partition"][-1]
    # 0.02 to 0.11 over six runs of up to 2000 updates, of RBMs and others.
    assert log_partition == pytest.approx(rbm.log_partition(), abs=0.3)
    found = rbm.history_["train_log_likelihood"][-1]
    # The mean of 1000 rows of the chunk, whose scores have a deviation of about 5.
    error = rbm.score_samples(chunk).std() / np.sqrt(1000)
    assert found == pytest.approx(rbm.score(chunk), abs=0.3 + 4 * error)


@pytest.mark.parametrize("name", EVERY | TABLES)
def test_every_model_measures_passes(name):
    rows = rows_for(name, np.tile(X, (40, 1))[:2000])  # a hundred updates
    if name == "NeuralEnergyModel":  # to which bits are peaks without bounds
        rows = np.random.default_rng(0).normal(size=(2000, 6))
    model = clone((EVERY | TABLES)[name]).partial_fit(rows).partial_fit(rows)
    assert list(model.history_["n_iter"]) == [0, 100, 200]
    scores = model.score_samples(rows)
    error = 4 * scores.std() / np.sqrt(100)  # as many of the rows are measured
    found = model.history_["train_log_likelihood"][-1]
    assert found == pytest.approx(scores.mean(), abs=error)


def test_rows_with_gaps_are_measured_by_what_is_known():
    rows = np.tile(X.astype(float), (20, 1))
    rows[np.random.default_rng(0).random(rows.shape) < 0.2] = np.nan
    rbm = BinaryRBM(3, batch_size=10, n_chains=20, random_state=0).partial_fit(rows)
    assert np.isfinite(rbm.history_["train_log_likelihood"]).all()
    # Of other rows than scores are.
    assert rbm.history_["train_log_likelihood"][-1] == pytest.approx(
        rbm.score(rows), abs=0.3
    )


def test_a_pass_that_fails_leaves_the_trajectory_as_it_was():
    wide = np.random.default_rng(0).integers(2, size=(400, 40))
    rbm = BinaryRBM(30, batch_size=2, n_chains=20, random_state=0).partial_fit(wide)
    before = contents(rbm)
    rbm.set_params(learning_rate=1e39)
    with pytest.raises(FloatingPointError):
        rbm.partial_fit(wide)
    rbm.set_params(learning_rate="auto")
    assert contents(rbm) == before


def test_measuring_does_not_change_what_is_learned(monkeypatch):
    wide = np.random.default_rng(0).integers(2, size=(100, 40))
    measured = BinaryRBM(30, batch_size=10, n_chains=20, random_state=0)
    silent = clone(measured)
    for _ in range(12):
        measured.partial_fit(wide)
    monkeypatch.setattr("skebm.learning.passing.STAGE_UPDATES", 10**9)
    for _ in range(12):
        silent.partial_fit(wide)
    assert measured.n_iter_ > STAGE_UPDATES
    assert len(silent.history_["n_iter"]) == 1
    np.testing.assert_array_equal(measured.components_, silent.components_)
