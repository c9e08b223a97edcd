"""Boltzmann machines from published means and products, without rows."""

import numpy as np
import pandas as pd
import pytest
from models import contents
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skebm import BoltzmannMachine

RNG = np.random.default_rng(0)
X = (RNG.random((200, 6)) < RNG.random((200, 1))).astype(int)
EDGES = np.triu(RNG.random((6, 6)) < 0.5, 1)
EDGES = (EDGES | EDGES.T).astype(int)
SPINS = {"states": (-1, 1), "binarize": 0}


def moments(X):
    return X.mean(axis=0), X.T @ X / len(X), len(X)


def assert_close(machine, other, atol=1e-8):
    np.testing.assert_allclose(machine.couplings_, other.couplings_, rtol=0, atol=atol)
    np.testing.assert_allclose(machine.intercept_, other.intercept_, rtol=0, atol=atol)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"connectivity": EDGES},
        {"alpha": 0.05},
        {"alpha": 0.05, "l1_ratio": 0.7},
        {"tol": 1e-2},  # on the same way to the optimum
        {"algorithm": "exact"},
        SPINS,
        {"alpha": 0.05, "connectivity": EDGES, **SPINS},
    ],
)
def test_moments_of_rows_give_what_the_rows_give(settings):
    table = 2 * X - 1 if "states" in settings else X
    fitted = BoltzmannMachine(random_state=0, **settings).fit(table)
    machine = BoltzmannMachine(random_state=0, **settings)
    assert machine.fit_moments(*moments(table)) is machine
    assert_close(machine, fitted)
    np.testing.assert_array_equal(machine.couplings_ == 0, fitted.couplings_ == 0)
    assert machine.n_iter_ == fitted.n_iter_
    assert machine.score(table) == pytest.approx(fitted.score(table), rel=1e-12)
    for name, values in fitted.history_.items():
        np.testing.assert_allclose(machine.history_[name], values, rtol=1e-12)
    np.testing.assert_array_equal(
        machine.sample(10, random_state=0), fitted.sample(10, random_state=0)
    )


@pytest.mark.parametrize("settings", [{}, SPINS])
def test_moments_on_their_bounds_give_what_the_rows_give(settings):
    """Two columns that are constant, and two that are equal."""
    table = X.copy()
    table[:, 0], table[:, 1], table[:, 2] = 0, 1, table[:, 3]
    table = 2 * table - 1 if settings else table
    fitted = BoltzmannMachine(random_state=0, **settings).fit(table)
    machine = BoltzmannMachine(random_state=0, **settings)
    assert_close(machine.fit_moments(*moments(table)), fitted, atol=1e-6)
    # What ends the way to infinity depends on the number of rows.
    mean, second, _ = moments(table)
    fewer = clone(machine).fit_moments(mean, second, 20)
    assert np.abs(fewer.couplings_ - machine.couplings_).max() > 0.01


def test_weighted_rows_have_weighted_moments():
    weights = 1 + RNG.random(200)
    mean = np.average(X, axis=0, weights=weights)
    second = (X.T * weights) @ X / weights.sum()
    fitted = BoltzmannMachine().fit(X, sample_weight=weights)
    assert_close(BoltzmannMachine().fit_moments(mean, second, weights.sum()), fitted)


def test_no_rows_are_known_of_an_earlier_fit_either():
    machine = BoltzmannMachine(random_state=0).fit(pd.DataFrame(X).add_prefix("x"))
    machine.fit_moments(*moments(X))
    assert machine._known_rows is None
    assert not hasattr(machine, "feature_names_in_")
    assert machine.n_features_in_ == 6
    fresh = BoltzmannMachine(random_state=0).fit_moments(*moments(X))
    assert contents(machine) == contents(fresh)


def test_names_are_those_of_the_table_of_products():
    mean, second, n_samples = moments(pd.DataFrame(X).add_prefix("x"))
    machine = BoltzmannMachine().fit_moments(mean, second, n_samples)
    assert list(machine.feature_names_in_) == [f"x{i}" for i in range(6)]


def test_learning_goes_on_from_moments():
    machine = BoltzmannMachine(random_state=0).fit_moments(*moments(X))
    before = machine.score(X)
    machine.set_params(algorithm="pcd", learning_rate=0.01)
    for _ in range(20):
        machine.partial_fit(X)
    assert machine._n_rows_seen == 21 * 200
    # From the optimum it strays by the noise of steps that small.
    assert before - 0.02 < machine.score(X) <= before + 1e-6


def test_one_feature_and_moments_that_are_rounded():
    machine = BoltzmannMachine().fit_moments([0.25], [[0.25]], 100)
    assert machine.intercept_[0] == pytest.approx(-np.log(3), abs=1e-4)
    mean, second, n_samples = moments(X)
    noise = np.random.default_rng(1).uniform(-4e-7, 4e-7, (6, 6))
    rounded = BoltzmannMachine().fit_moments(mean, second + noise, n_samples)
    exact = BoltzmannMachine().fit_moments(mean, second, n_samples)
    assert_close(rounded, exact, atol=1e-3)


# ---- what cannot be ----


def changed(entries, table=X):
    mean, second, _ = moments(table)
    second = second.astype(float)
    for (row, column), value in entries.items():
        second[row, column] = second[column, row] = value
    return mean, second


@pytest.mark.parametrize("n_samples", [0, -1, np.nan, "many", None])
def test_a_number_of_rows_that_cannot_be(n_samples):
    mean, second, _ = moments(X)
    with pytest.raises(ValueError, match="'n_samples' parameter of fit_moments must"):
        BoltzmannMachine().fit_moments(mean, second, n_samples)


@pytest.mark.parametrize(
    ("mean", "second", "message"),
    [
        (np.ones(5), changed({})[1], r"mean has shape \(5,\)"),
        (np.ones(6), np.ones((5, 6)), r"\(5, 6\), which is not square"),
        (np.ones(6) * np.nan, np.ones((6, 6)), "contains NaN"),
        (np.ones(6), np.full((6, 6), np.inf), "second_moment contains infinity"),
        (changed({})[0], np.triu(changed({})[1]), "is not symmetric"),
        (np.full(6, 1.1), np.full((6, 6), 1.1), r"mean\[0\]=1\.1 is not between"),
        (*changed({(1, 1): 0.9}), r"second_moment\[1, 1\]=0\.9 is not the mean square"),
        (*changed({(1, 3): -0.01}), r"\[1, 3\]=-0\.01 is not between 0 and 0\.\d+"),
        (*changed({(0, 2): 0.7}), r"\[0, 2\]=0\.7 .* covariances or correlations\?"),
        (
            np.full(3, 0.5),
            [[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]],
            r"No rows have such a second_moment: .* eigenvalue -0\.25",
        ),
    ],
)
def test_moments_that_cannot_be(mean, second, message):
    machine = BoltzmannMachine().fit(X)
    before = contents(machine)
    with pytest.raises(ValueError, match=message):
        machine.fit_moments(mean, second, 200)
    assert contents(machine) == before


def test_moments_of_spins_that_cannot_be():
    spins = 2 * X - 1
    machine = BoltzmannMachine(**SPINS)
    with pytest.raises(ValueError, match=r"\[0, 0\]=0\.5 is not the mean square 1 of"):
        machine.fit_moments(*changed({(0, 0): 0.5}, spins), 200)
    with pytest.raises(ValueError, match=r"\[0, 1\]=-1 is not between -0\.\d+ and"):
        machine.fit_moments(*changed({(0, 1): -1}, spins), 200)
    # Those of zeros and ones are none of spins.
    with pytest.raises(ValueError, match=r"second_moment\[0, 0\]=0\.\d+ is not"):
        machine.fit_moments(*moments(X))


@pytest.mark.parametrize(
    ("settings", "n_features", "message"),
    [
        ({"algorithm": "pcd"}, 6, "algorithm='pcd' needs rows"),
        ({"algorithm": "pseudolikelihood"}, 6, "needs rows. Set algorithm='exact'"),
        ({"early_stopping": True}, 6, "early_stopping=False"),
        ({}, 21, "21 features.* at most 20.*pass rows to fit.*'pseudolikelihood'"),
        ({"connectivity": np.eye(5)}, 6, "connectivity has shape"),
        ({"alpha": -1.0}, 6, "'alpha' parameter of BoltzmannMachine"),
    ],
)
def test_settings_that_need_rows_or_are_wrong(settings, n_features, message):
    second = np.full((n_features, n_features), 0.25)
    np.fill_diagonal(second, 0.5)
    with pytest.raises(ValueError, match=message):
        BoltzmannMachine(**settings).fit_moments(np.full(n_features, 0.5), second, 9)


def test_what_is_possible_for_pairs_alone_has_no_optimum():
    """Of three bits two are equal, so that pairs cannot differ by 0.7 of the time."""
    second = np.full((3, 3), 0.15)
    np.fill_diagonal(second, 0.5)
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        BoltzmannMachine(max_iter=50).fit_moments(np.full(3, 0.5), second, 100)
