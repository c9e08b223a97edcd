"""What all displays have in common."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import BernoulliRBM

from skebm import BinaryRBM, BoltzmannMachine, displays

X = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]] * 10)


def draw(name, estimator, **kwargs):
    arguments = (X,) if name == "EnergyHistogramDisplay" else ()
    return getattr(displays, name).from_estimator(estimator, *arguments, **kwargs)


def unfitted(name):
    return BoltzmannMachine() if name == "CouplingsDisplay" else BinaryRBM(2)


def fitted(name):
    params = {"algorithm": "pcd", "max_iter": 2, "random_state": 0}
    return unfitted(name).set_params(**params).fit(X)


every_display = pytest.mark.parametrize("name", displays.__all__)


@every_display
def test_a_new_figure_is_made_and_noted(name, plt):
    display = draw(name, fitted(name))
    assert isinstance(display, getattr(displays, name))
    assert display.figure_ is display.ax_.figure
    assert plt.get_fignums() == [display.figure_.number]
    display.figure_.canvas.draw()


@every_display
def test_given_axes_are_drawn_on_and_no_others(name, plt):
    figure, (left, right) = plt.subplots(1, 2)
    display = draw(name, fitted(name), ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert right.has_data()
    assert not left.has_data()
    assert plt.get_fignums() == [figure.number]


@every_display
def test_a_display_draws_again_what_it_keeps(name, plt):
    display = draw(name, fitted(name))
    first = display.ax_
    kept = {key: value for key, value in vars(display).items() if key[-1] != "_"}
    _, ax = plt.subplots()
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert display.ax_ is not first
    assert all(getattr(display, key) is value for key, value in kept.items())


@every_display
def test_an_estimator_that_is_not_fitted_is_refused(name, plt):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        draw(name, unfitted(name))
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CouplingsDisplay", "BernoulliRBM has no visible_couplings_.*WeightsDisplay"),
        ("EnergyHistogramDisplay", "free_energy"),
        ("HistoryDisplay", "BernoulliRBM has no history_, which learning records"),
    ],
)
def test_an_estimator_of_another_kind_is_refused(name, message, plt):
    rbm = BernoulliRBM(2, n_iter=1, random_state=0).fit(X)
    with pytest.raises(AttributeError, match=message):
        draw(name, rbm)
    assert not plt.get_fignums()


@pytest.mark.parametrize("method", ["from_estimator", "plot"])
@every_display
def test_matplotlib_is_asked_for_where_it_is_missing(name, method, monkeypatch):
    display = draw(name, fitted(name))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=rf"{name}.{method} needs .*skebm\[plot\]"):
        draw(name, unfitted(name)) if method == "from_estimator" else display.plot()


def test_importing_displays_imports_no_matplotlib():
    code = "import sys, skebm.displays; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
