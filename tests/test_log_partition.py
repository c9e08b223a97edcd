from dataclasses import replace

import numpy as np
import pytest
from oracle import random_rbm
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skebm import BinaryRBM, BoltzmannMachine, log_partition_bounds
from skebm.base import likelihood
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.enumeration import enumerate_log_partition
from skebm.partition.estimate import PartitionEstimate


def large_rbm(scale, random_state=0, **params):
    """An RBM too large for enumeration by default, small enough by hand."""
    return BinaryRBM.from_parameters(
        *random_rbm(21, 22, scale=scale), random_state=random_state, **params
    )


def exact_log_partition(rbm):
    parameters = rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_
    return enumerate_log_partition(BinaryRBMEnergy(*parameters)).log_partition


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


# ---- log_partition_ ----


@pytest.mark.parametrize("scale", [0.1, 1.0, 2.0])
def test_annealing_takes_over_where_enumeration_ends(scale):
    exact = exact_log_partition(large_rbm(scale))
    estimates = set()
    for seed in range(10):
        rbm = large_rbm(scale, random_state=seed)
        assert 0 < rbm.log_partition_std_ <= 0.03
        assert abs(rbm.log_partition_ - exact) < 3.5 * rbm.log_partition_std_
        assert 50 < rbm.log_partition_effective_sample_size_ <= 100
        estimates.add(rbm.log_partition_)
    assert len(estimates) == 10


def test_annealing_starts_from_the_means_of_the_data():
    """Without weights that is where it ends as well: one step has no error."""
    X = (np.random.default_rng(0).random((500, 22)) < 0.05).astype(float)
    mean = (X.sum(axis=0) + 0.5) / (len(X) + 1)
    parameters = np.zeros((21, 22)), np.log(mean / (1 - mean)), np.zeros(21)
    settings = {"max_ais_temperatures": 1, "random_state": 0}
    rbm = BinaryRBM.from_parameters(*parameters, X=X, **settings)
    assert rbm.log_partition_std_ < 1e-6
    elsewhere = BinaryRBM.from_parameters(*parameters, **settings)
    with pytest.warns(ConvergenceWarning):
        assert elsewhere.log_partition_std_ > 0.3


def test_few_chains():
    rbm = large_rbm(0.1, n_ais_chains=4)
    assert 3 < rbm.log_partition_effective_sample_size_ <= 4


@pytest.mark.parametrize(
    ("name", "value"), [("log_partition_tol", 0.01), ("n_ais_chains", 37)]
)
def test_other_settings_make_another_estimate(name, value):
    rbm = large_rbm(1.0)
    first, before = rbm.log_partition_, getattr(rbm, name)
    rbm.set_params(**{name: value})
    assert rbm.log_partition_ != first
    rbm.set_params(**{name: before})
    assert rbm.log_partition_ == first


def test_a_cap_makes_another_estimate_and_a_warning():
    rbm = large_rbm(1.0)
    assert rbm.log_partition_std_ <= 0.03
    rbm.set_params(max_ais_temperatures=10)
    with pytest.warns(ConvergenceWarning, match="Raise max_ais_temperatures"):
        assert rbm.log_partition_std_ > 0.03


def test_the_partition_function_is_computed_once(monkeypatch):
    rbm = large_rbm(0.1)
    first = rbm.log_partition_
    monkeypatch.setattr("skebm.base.likelihood.compute_log_partition", None)
    assert rbm.log_partition_ == first


def test_an_error_above_the_tolerance_is_named():
    rbm = large_rbm(3.0, max_ais_temperatures=3)
    pattern = r"error .* is \S+ nats after 3 temperatures, above .*tol=0.03"
    with pytest.warns(ConvergenceWarning, match=pattern):
        rbm.score_samples(np.zeros((1, 22)))
    assert rbm.log_partition_std_ > 0.03


def believe(monkeypatch, **changes):
    """Make the estimate of every log Z what it is said to be."""
    estimate = replace(
        PartitionEstimate.from_exact(10.0), lower_std=0.02, upper_std=0.02, **changes
    )
    monkeypatch.setattr(likelihood, "compute_log_partition", lambda *_, **__: estimate)


@pytest.mark.parametrize("upper", [9.4, 10.6])
def test_directions_that_disagree_are_warned_of(monkeypatch, upper):
    believe(monkeypatch, upper=upper)
    rbm = large_rbm(1.0)
    with pytest.warns(ConvergenceWarning, match=r"10.00 forwards and .* backwards"):
        rbm.score(np.zeros((1, 22)))
    rbm.score(np.zeros((1, 22)))  # once is enough: any other warning is an error


@pytest.mark.parametrize("upper", [9.45, 10.55])
def test_directions_that_differ_by_no_more_than_their_errors_are_not(
    monkeypatch, upper
):
    believe(monkeypatch, upper=upper)
    assert large_rbm(1.0).log_partition_ == 10.0


# ---- log_partition_bounds ----


def test_bounds_of_a_model_that_is_enumerated():
    rbm = BinaryRBM.from_parameters(*random_rbm(3, 30), random_state=0)
    bounds = log_partition_bounds(rbm)
    assert bounds.exact
    assert bounds.lower == bounds.upper == rbm.log_partition_


@pytest.mark.parametrize("with_data", [False, True])
def test_bounds_of_a_model_that_is_not(with_data):
    rbm = large_rbm(1.0)
    exact = exact_log_partition(rbm)
    X = np.zeros((3, 22)) if with_data else None
    bounds = log_partition_bounds(rbm, X=X, random_state=1)
    assert not bounds.exact
    assert bounds.in_equilibrium
    for value, std in [
        (bounds.lower, bounds.lower_std),
        (bounds.upper, bounds.upper_std),
    ]:
        assert 0 < std < 0.04
        assert abs(value - exact) < 3 * std


def test_bounds_are_those_of_their_seed():
    rbm = large_rbm(1.0)
    settings = {"tol": 0.2, "n_steps": 20}
    first = log_partition_bounds(rbm, **settings, random_state=0)
    assert log_partition_bounds(rbm, **settings, random_state=0) == first
    assert log_partition_bounds(rbm, **settings, random_state=1) != first


def test_settings_are_obeyed():
    rbm = large_rbm(2.0)
    bounds = log_partition_bounds(
        rbm, max_temperatures=12, n_chains=31, n_steps=40, random_state=0
    )
    assert bounds.n_temperatures == 12
    assert bounds.n_chains == 31
    assert bounds.lower_std > 0.03
    assert bounds.n_restarts < 40


def test_data_uncover_a_mode_that_annealing_misses(split):
    rbm, exact = split
    settings = {"tol": 0.1, "n_steps": 200, "random_state": 0}
    blind = log_partition_bounds(rbm, **settings)
    assert blind.lower == pytest.approx(exact - np.log(2), abs=0.01)
    assert blind.upper == pytest.approx(exact - np.log(2), abs=0.01)
    X = np.ones((50, 40))
    X[:25] = np.random.default_rng(0).integers(2, size=(25, 40))
    told = log_partition_bounds(rbm, X=X, max_temperatures=1000, **settings)
    assert told.lower == pytest.approx(blind.lower, abs=0.01)
    assert told.lower_std > 1
    assert abs(told.halves[1] - exact) < 3 * told.halves_std
    assert told.halves[0] == pytest.approx(blind.upper, abs=0.01)


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
    assert machine.log_partition_ == pytest.approx(exact, abs=1e-12 + 0.09)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_rows_are_read_as_in_fit(kind):
    rbm = large_rbm(1.0)
    settings = {"tol": 0.5, "n_steps": 4, "random_state": 0}
    X = np.random.default_rng(0).integers(2, size=(30, 22))
    expected = log_partition_bounds(rbm, X=X, **settings)
    assert log_partition_bounds(rbm, X=kind(X), **settings) == expected
    assert log_partition_bounds(rbm, X=1 - X, **settings) != expected
    assert log_partition_bounds(rbm, **settings) != expected


def test_values_between_0_and_1_are_probabilities_of_being_on():
    rbm = large_rbm(1.0, binarize=None)
    settings = {"tol": 0.5, "n_steps": 4, "random_state": 0}
    bounds = log_partition_bounds(rbm, X=np.full((30, 22), 0.5), **settings)
    assert bounds != log_partition_bounds(rbm, X=np.zeros((30, 22)), **settings)


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
def test_settings_are_checked(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of log_partition"):
        log_partition_bounds(large_rbm(1.0), **{name: value})


def test_other_estimators_are_refused():
    with pytest.raises(ValueError, match=r"The 'model' parameter .*BaseEnergyModel"):
        log_partition_bounds(PCA())


def test_a_model_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        log_partition_bounds(BinaryRBM())


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match="3 features"):
        log_partition_bounds(large_rbm(1.0), X=np.zeros((1, 3)))
