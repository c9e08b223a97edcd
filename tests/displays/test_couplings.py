import numpy as np
import pandas as pd
import pytest
from oracle import random_boltzmann

from skebm import BoltzmannMachine, LatentBM
from skebm.displays import CouplingsDisplay

COUPLINGS, BIAS = random_boltzmann(6, seed=0)


def latent_machine(**params):
    """A machine with four features and two hidden units."""
    return LatentBM.from_parameters(
        COUPLINGS[4:, :4],
        BIAS[:4],
        BIAS[4:],
        visible_couplings=COUPLINGS[:4, :4],
        hidden_couplings=COUPLINGS[4:, 4:],
        **params,
    )


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_the_matrix_is_that_of_the_machine():
    machine = BoltzmannMachine.from_parameters(COUPLINGS, BIAS)
    display = CouplingsDisplay.from_estimator(machine)
    np.testing.assert_array_equal(display.image_.get_array(), COUPLINGS)
    limit = np.abs(COUPLINGS).max()
    assert display.image_.get_clim() == (-limit, limit)
    assert display.colorbar_.ax.get_ylabel() == "coupling (nats)"
    assert display.ax_.get_xlabel() == display.ax_.get_ylabel() == "feature"
    assert display.lines_ == []


def test_hidden_units_come_after_the_features():
    display = CouplingsDisplay.from_estimator(latent_machine())
    np.testing.assert_array_equal(display.image_.get_array(), COUPLINGS)
    across, down = display.lines_
    np.testing.assert_array_equal(across.get_ydata(), 3.5)
    np.testing.assert_array_equal(down.get_xdata(), 3.5)
    assert display.ax_.get_xlabel() == "features, then hidden units"


def test_names_of_features_and_hidden_units_are_shown():
    X = pd.DataFrame(np.eye(4), columns=["north", "east", "south", "west"])
    features = list(X)
    display = CouplingsDisplay.from_estimator(BoltzmannMachine().fit(X))
    assert tick_labels(display.ax_.xaxis) == features
    machine = LatentBM(2, max_iter=1, random_state=0).fit(X)
    display = CouplingsDisplay.from_estimator(machine)
    assert tick_labels(display.ax_.yaxis) == [*features, "hidden 0", "hidden 1"]


@pytest.mark.parametrize(("n_units", "shown"), [(30, True), (31, False)])
def test_more_names_than_fit_are_left_out(n_units, shown):
    names = [f"name {number}" for number in range(n_units)]
    couplings = np.zeros((n_units, n_units))
    display = CouplingsDisplay(couplings=couplings, unit_names=names).plot()
    assert (tick_labels(display.ax_.xaxis) == names) is shown
    assert (display.ax_.get_xlabel() == "feature") is not shown


def test_what_it_is_passed_goes_to_the_image():
    display = CouplingsDisplay(couplings=COUPLINGS).plot(
        colorbar=False, vmax=0.5, cmap="PuOr"
    )
    assert display.image_.get_clim() == (-0.5, 0.5)
    assert display.image_.get_cmap().name == "PuOr"
    assert display.colorbar_ is None
