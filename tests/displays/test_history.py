import numpy as np
import pytest

from skebm import BinaryRBM, BoltzmannMachine
from skebm.datasets import make_bars_and_stripes
from skebm.displays import HistoryDisplay

X = make_bars_and_stripes(400, random_state=0).data


def curve(line):
    return np.column_stack([line.get_xdata(), line.get_ydata()])


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_both_curves_are_those_of_the_history():
    rbm = BinaryRBM(4, early_stopping=True, max_iter=500, random_state=0).fit(X)
    display = HistoryDisplay.from_estimator(rbm)
    history = rbm.history_
    for line, name in zip(display.lines_, ("train", "validation"), strict=True):
        expected = [history["n_iter"], history[f"{name}_log_likelihood"]]
        np.testing.assert_array_equal(curve(line).T, expected)
    best = history["validation_log_likelihood"].argmax()
    np.testing.assert_array_equal(
        curve(display.best_),
        [[history["n_iter"][best], history["validation_log_likelihood"].max()]],
    )
    assert legend(display)[:2] == ["train", "validation"]
    assert display.score_ is None
    assert display.ax_.get_ylabel() == "log-likelihood (nats a row)"


@pytest.mark.parametrize("algorithm", ["pcd", "exact"])
def test_without_rows_held_out_there_is_one_curve(algorithm):
    settings = {"early_stopping": False, "tol": 0.01, "random_state": 0}
    rbm = BinaryRBM(2, algorithm=algorithm, **settings).fit(X)
    display = HistoryDisplay.from_estimator(rbm)
    [line] = display.lines_
    np.testing.assert_array_equal(
        line.get_ydata(), rbm.history_["train_log_likelihood"]
    )
    assert display.best_ is None
    assert legend(display) == ["train"]


def test_pseudolikelihood_is_called_so():
    machine = BoltzmannMachine(algorithm="pseudolikelihood", alpha=0.1).fit(X)
    display = HistoryDisplay.from_estimator(machine, X)
    np.testing.assert_array_equal(
        display.train, machine.history_["train_pseudo_log_likelihood"]
    )
    scores = machine.pseudo_log_likelihood(X)
    assert display.score == pytest.approx(scores.mean(), rel=1e-12)
    error = np.std(scores, ddof=1) / np.sqrt(len(X))
    assert display.score_error == pytest.approx(error, rel=1e-12)
    assert display.ax_.get_ylabel() == "pseudo-log-likelihood (nats a row)"


def test_the_score_has_the_error_of_the_rows_and_of_log_z(plt):
    # 21 units in either layer, so that log Z is estimated.
    wide = np.random.default_rng(0).integers(2, size=(60, 21))
    rbm = BinaryRBM(21, max_iter=10, log_partition_tol=0.1, random_state=0).fit(wide)
    display = HistoryDisplay.from_estimator(rbm, wide)
    assert rbm.log_partition_std_ > 0
    scores = rbm.score_samples(wide)
    variance = np.var(scores, ddof=1) / 60 + rbm.log_partition_std_**2
    assert display.score == rbm.score(wide)
    assert display.score_error == pytest.approx(np.sqrt(variance), rel=1e-12)
    point, _, [bar] = display.score_
    np.testing.assert_array_equal(
        curve(point), [[rbm.history_["n_iter"][-1], display.score]]
    )
    [segment] = bar.get_segments()
    low, high = display.score + 2 * display.score_error * np.array([-1, 1])
    np.testing.assert_allclose(segment[:, 1], [low, high], rtol=1e-12)
    assert "±" in legend(display)[-1]


def test_a_score_may_come_without_an_error():
    display = HistoryDisplay(n_iter=[0, 100], train=[-5.0, -4.0], score=-4.5).plot()
    assert legend(display)[-1] == "score, -4.50"
    _, caps, bars = display.score_
    assert not caps
    assert not bars


def test_what_it_is_passed_goes_to_both_curves():
    display = HistoryDisplay(
        n_iter=[0, 100], train=[-5.0, -4.0], validation=[-5.0, -4.5]
    ).plot(linewidth=7)
    assert [line.get_linewidth() for line in display.lines_] == [7, 7]


def test_one_row_has_no_error_of_its_mean(plt):
    rbm = BinaryRBM(2, max_iter=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"X has one row.*X=None"):
        HistoryDisplay.from_estimator(rbm, X[:1])
    assert not plt.get_fignums()


def test_a_model_of_known_parameters_has_none_until_it_learns_on():
    rbm = BinaryRBM.from_parameters(np.zeros((2, X.shape[1])), [0] * X.shape[1], [0, 0])
    with pytest.raises(AttributeError, match="from_parameters does not"):
        HistoryDisplay.from_estimator(rbm)
    display = HistoryDisplay.from_estimator(rbm.partial_fit(X))
    assert list(display.n_iter) == [0]


def test_rows_of_another_width_are_refused(plt):
    rbm = BinaryRBM(2, max_iter=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X has 3 features"):
        HistoryDisplay.from_estimator(rbm, X[:, :3])
    assert not plt.get_fignums()
