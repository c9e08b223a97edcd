import numpy as np
import pytest
from models import annealed_rbm
from oracle import random_rbm
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from skebm import BinaryRBM, BoltzmannMachine, log_partition_bounds


@pytest.fixture
def rbm():
    """A model of which log Z is estimated."""
    return annealed_rbm(1.0)[0]


@pytest.fixture
def split():
    """Two modes, half of Z each, of which annealing finds only the wide one.

    With the first hidden unit off all visible units are free; with it on all are
    on, or else the energy is far too high. The hidden units are too many for flips.
    """
    weights = np.zeros((41, 40))
    weights[0] = 100.0
    hidden_bias = np.zeros(41)
    hidden_bias[0] = -100.0 * 40 + 40 * np.log(2)
    return BinaryRBM.from_parameters(
        weights, np.zeros(40), hidden_bias, random_state=0
    ), 81 * np.log(2)


def test_bounds_of_a_model_that_is_enumerated():
    rbm = BinaryRBM.from_parameters(*random_rbm(3, 30), random_state=0)
    bounds = log_partition_bounds(rbm)
    assert bounds.exact
    assert bounds.lower == bounds.upper == rbm.log_partition_


@pytest.mark.parametrize("with_data", [False, True])
def test_bounds_of_a_model_that_is_not(with_data):
    rbm, exact = annealed_rbm(1.0)
    X = np.zeros((3, 21)) if with_data else None
    bounds = log_partition_bounds(rbm, X=X, random_state=1)
    assert not bounds.exact
    assert bounds.in_equilibrium
    for value, std in [
        (bounds.lower, bounds.lower_std),
        (bounds.upper, bounds.upper_std),
    ]:
        assert 0 < std < 0.04
        assert abs(value - exact) < 3 * std


def test_bounds_are_those_of_their_seed(rbm):
    settings = {"tol": 0.2, "n_steps": 20}
    first = log_partition_bounds(rbm, **settings, random_state=0)
    assert log_partition_bounds(rbm, **settings, random_state=0) == first
    assert log_partition_bounds(rbm, **settings, random_state=1) != first


def test_settings_are_obeyed(monkeypatch):
    monkeypatch.setattr("skebm.partition.log_partition._MOST_DRAWS", 0)
    rbm, _ = annealed_rbm(2.0)
    bounds = log_partition_bounds(
        rbm, max_temperatures=12, n_chains=31, n_steps=40, random_state=0
    )
    assert bounds.n_temperatures == 12
    assert bounds.n_chains == 31
    assert bounds.lower_std > 0.03
    assert bounds.n_restarts < 40


def test_where_draws_are_weighed_no_more_temperatures_are_taken_than_allowed():
    rbm, _ = annealed_rbm(2.0)
    bounds = log_partition_bounds(rbm, max_temperatures=12, random_state=0)
    assert bounds.lower_effective_sample_size > 200
    assert bounds.n_temperatures <= 12


def test_data_uncover_a_mode_that_annealing_misses(split):
    rbm, exact = split
    settings = {"tol": 0.1, "n_steps": 200, "random_state": 0}
    blind = log_partition_bounds(rbm, **settings)
    assert abs(blind.lower - exact + np.log(2)) < 3 * blind.lower_std
    X = np.ones((50, 40))
    X[:25] = np.random.default_rng(0).integers(2, size=(25, 40))
    told = log_partition_bounds(rbm, X=X, max_temperatures=1000, **settings)
    assert told.lower_std <= 0.1
    assert abs(told.lower - exact) < 3 * told.lower_std


@pytest.mark.parametrize("n_pairs", [2, 12])
def test_bounds_are_those_of_the_energy_of_spins(n_pairs):
    couplings = np.kron(np.eye(n_pairs), [[0, 1], [1, 0]])
    machine = BoltzmannMachine.from_parameters(
        couplings, np.full(2 * n_pairs, 0.25), states=(-1, 1), random_state=0
    )
    exact = n_pairs * np.log(np.exp(1.5) + np.exp(0.5) + 2 * np.exp(-1))
    bounds = log_partition_bounds(machine, random_state=0)
    assert bounds.exact == (n_pairs == 2)
    precision = 1e-12 + 3 * bounds.lower_std
    assert bounds.lower == pytest.approx(exact, abs=precision)
    assert bounds.halves[0] == pytest.approx(bounds.upper, abs=0.2)
    assert machine.log_partition() == pytest.approx(exact, abs=1e-12 + 0.09)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_rows_are_read_as_in_fit(rbm, kind):
    settings = {"tol": 0.5, "n_steps": 4, "random_state": 0}
    X = np.random.default_rng(0).integers(2, size=(30, 21))
    expected = log_partition_bounds(rbm, X=X, **settings)
    assert log_partition_bounds(rbm, X=kind(X), **settings) == expected
    assert log_partition_bounds(rbm, X=1 - X, **settings) != expected
    assert log_partition_bounds(rbm, **settings) != expected


def test_values_between_0_and_1_are_probabilities_of_being_on(rbm):
    rbm.set_params(binarize=None)
    settings = {"tol": 0.5, "n_steps": 4, "random_state": 0}
    bounds = log_partition_bounds(rbm, X=np.full((30, 21), 0.5), **settings)
    assert bounds != log_partition_bounds(rbm, X=np.zeros((30, 21)), **settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X", 3),
        ("tol", 0.0),
        ("max_temperatures", 0),
        ("n_chains", 1),
        ("n_steps", 1),
        ("random_state", "seed"),
    ],
)
def test_settings_are_checked(rbm, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of log_partition"):
        log_partition_bounds(rbm, **{name: value})


def test_other_estimators_are_refused():
    with pytest.raises(ValueError, match=r"The 'model' parameter .*BaseEnergyModel"):
        log_partition_bounds(PCA())


def test_a_model_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        log_partition_bounds(BinaryRBM())


def test_rows_of_another_width_are_refused(rbm):
    with pytest.raises(ValueError, match="3 features"):
        log_partition_bounds(rbm, X=np.zeros((1, 3)))
