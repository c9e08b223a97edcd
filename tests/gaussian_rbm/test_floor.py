"""The floor of the variance, where it is chosen by rows held out."""

import numpy as np
import pytest
from sklearn.base import clone

from skebm import GaussianRBM
from skebm.learning.starts.number_of_groups import choose_groups


def with_spikes(n_rows=400, seed=0):
    """Two groups, of which one has a single value in a column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    X[rng.random(n_rows) < 0.5, 1] = 4.0
    X[:, 0] += X[:, 1]
    return X


def nearly_constant(n_rows=400, seed=0):
    """The same beside columns of zeros, each of which another value is in one row."""
    rare = np.zeros((n_rows, 2))
    rare[[0, 1], [0, 1]] = 1
    return np.column_stack([with_spikes(n_rows, seed), rare])


def choose(X, n_groups="auto", ridge="auto", n_scales=1):
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    rng = np.random.default_rng(0)
    settings = {"restricted": lambda covariance: covariance, "rng": rng}
    return choose_groups(X, n_groups, n_scales, ridge=ridge, **settings)


@pytest.mark.parametrize("n_groups", [2, "auto"])
def test_values_that_rows_share_have_a_small_floor(n_groups):
    found = choose(with_spikes(), n_groups)
    assert found.ridge == 1e-6
    assert found.n_groups >= 2


@pytest.mark.parametrize("n_groups", [2, "auto"])
def test_nearly_constant_columns_keep_the_floor(n_groups):
    assert choose(nearly_constant(), n_groups).ridge == 1e-3


def test_constant_columns_say_nothing_of_the_floor():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) + 8 * rng.integers(2, size=(300, 1))
    for n_constant in (0, 5):
        table = np.column_stack([X, np.zeros((300, n_constant))])
        assert choose(table, 2).ridge == 1e-3
    assert choose(np.zeros((300, 2)), 2) == (2, 0.0, 1e-3)
    assert choose(np.zeros((300, 2))) == (1, 0.0, 1e-3)


def test_scales_have_a_small_floor_where_small_rows_have_details():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3)) * [1.0, 1.0, 1e-3] @ [[1, 1, 0], [0, 1, 1], [1, 0, 1]]
    X *= rng.choice([0.3, 3.0], size=(600, 1))
    assert choose(X, 1, n_scales=2).ridge < 1e-3
    assert choose(X, 1).ridge == 1e-3


def test_a_known_floor_is_kept():
    for ridge in (1e-3, 0.03):
        assert choose(with_spikes(), "auto", ridge).ridge == ridge
    settings = {"n_groups": 2, "max_iter": 5, "tol": 1.0, "random_state": 0}
    X = with_spikes()
    rbm = GaussianRBM(1, **settings).fit(X)
    assert rbm.reg_covar_ < 1e-3
    # What was chosen is learned with.
    same = clone(rbm).set_params(reg_covar=rbm.reg_covar_)
    assert same.fit(X).reg_covar_ == rbm.reg_covar_
    other = clone(rbm).set_params(reg_covar=1e-3).fit(X)
    assert other.reg_covar_ == 1e-3
    others = with_spikes(seed=1)
    assert abs(same.score(others) - rbm.score(others)) < 0.1
    assert rbm.score(others) > other.score(others) + 0.5


def test_one_group_has_the_floor_from_which_others_are_tried():
    X = with_spikes()
    settings = {"max_iter": 5, "tol": 1.0, "random_state": 0}
    rbm = GaussianRBM(1, **settings).fit(X)
    assert rbm.reg_covar_ == 1e-3
    same = GaussianRBM(1, reg_covar=1e-3, **settings).fit(X)
    np.testing.assert_array_equal(rbm.score_samples(X), same.score_samples(X))


def test_learning_on_keeps_the_floor():
    X = with_spikes()
    rbm = GaussianRBM(1, n_groups=2, algorithm="pcd", random_state=0).partial_fit(X)
    floor = rbm.reg_covar_
    assert floor < 1e-3
    assert rbm.partial_fit(nearly_constant()[:, :3]).reg_covar_ == floor
    known = GaussianRBM.from_parameters([[1.0]], [0.0], [0.0], 1.0)
    assert known.reg_covar_ == 1e-3
