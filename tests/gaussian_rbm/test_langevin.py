"""`sampler="langevin"`: rows that move along the slope of the free energy."""

import numpy as np
import pytest
from gaussian_oracle import GaussianRBMOracle, random_gaussian_rbm
from models import contents
from scipy.linalg import block_diag
from sklearn.base import clone
from statistical import assert_mean_is

from skebm import GaussianRBM

NOISES = {
    "full": {"covariance_type": "full"},
    "diag": {"covariance_type": "diag"},
    "spherical": {"covariance_type": "spherical"},
    "known": {"noise_variance": 4.0},
}
QUICK = {"max_iter": 200, "n_chains": 100, "random_state": 0}


def sources(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    mixing = [[3.0, 1.0, 0.5], [0.5, 2.0, -1.0]]
    return rng.laplace(size=(n_rows, 2)) @ mixing + rng.normal(10, 0.5, (n_rows, 3))


def machine(full, n_hidden=3, n_visible=2, seed=0, **params):
    parameters = random_gaussian_rbm(n_hidden, n_visible, full=full, seed=seed)
    rbm = GaussianRBM.from_parameters(
        *parameters, sampler="langevin", random_state=0, **params
    )
    return rbm, GaussianRBMOracle(*parameters)


def first_and_second(oracle):
    mean, covariance = oracle.moments()
    second = covariance + np.outer(mean, mean)
    return np.concatenate([mean, second[np.triu_indices(len(mean))]])


def assert_law(oracle, rows):
    products = rows[:, :, np.newaxis] * rows[:, np.newaxis]
    upper = np.triu_indices(rows.shape[1])
    replicates = np.column_stack([rows, products[:, *upper]])
    assert_mean_is(first_and_second(oracle), replicates)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("algorithm", ["pcd", "cd"])
def test_it_learns(noise, algorithm):
    settings = {"algorithm": algorithm, **NOISES[noise], **QUICK}
    X, test = sources(500), sources(500, 1)
    rbm = GaussianRBM(4, sampler="langevin", **settings).fit(X)
    history = rbm.history_["train_log_likelihood"]
    assert rbm.score(X) > history[0]
    assert 0 < rbm.step_size_ != 1.0
    gibbs = GaussianRBM(4, **settings).fit(X)
    assert not hasattr(gibbs, "step_size_")
    assert abs(rbm.score(test) - gibbs.score(test)) < 0.3


def test_exact_learning_is_the_same():
    X = sources(200)
    one, other = (
        GaussianRBM(3, sampler=sampler, tol=1e-3, random_state=0).fit(X)
        for sampler in ("gibbs", "langevin")
    )
    np.testing.assert_allclose(one.components_, other.components_, rtol=1e-6)
    assert one.score(X) == pytest.approx(other.score(X), abs=1e-8)
    assert other.step_size_ == 1.0


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_rows_keep_the_law(full, temperature):
    rbm, _ = machine(full)
    oracle = GaussianRBMOracle(*random_gaussian_rbm(3, 2, full=full), 1 / temperature)
    rows, _ = oracle.draw(10_000, np.random.default_rng(0))
    settings = {"n_steps": 3, "temperature": temperature, "random_state": 0}
    moved = rbm.gibbs(rows, **settings)
    assert (moved != rows).all(axis=1).mean() > 0.9
    assert_law(oracle, moved)
    np.testing.assert_array_equal(moved, rbm.sample(10_000, init=rows, **settings))
    held = np.random.default_rng(1).random(rows.shape) < 0.5
    moved = rbm.gibbs(rows, fixed=held, **settings)
    np.testing.assert_array_equal(moved[held], rows[held])
    assert_law(oracle, moved)


def test_chains_are_other_ones_than_those_of_gibbs():
    rbm, _ = machine(full=True)
    rows = rbm.sample(50, random_state=0)
    other = clone(rbm).set_params(sampler="gibbs")
    vars(other).update(
        {name: value for name, value in vars(rbm).items() if name != "sampler"}
    )
    moved = [model.gibbs(rows, random_state=0) for model in (rbm, other)]
    assert (moved[0] != moved[1]).any(axis=1).all()


def test_sampler_can_be_changed_for_draws_and_not_for_learning():
    X = sources(200)
    rbm = GaussianRBM(3, algorithm="pcd", max_iter=20, random_state=0).fit(X)
    score, rows = rbm.score(X), rbm.sample(5, random_state=0)
    rbm.set_params(sampler="langevin")
    assert rbm.score(X) == pytest.approx(score, abs=1e-10)
    assert np.isfinite(rbm.gibbs(rows, random_state=0)).all()
    before = contents(rbm)
    with pytest.raises(ValueError, match="sampler was gibbs when learning began"):
        rbm.partial_fit(X)
    assert contents(rbm) == before
    with pytest.raises(ValueError, match="'sampler' parameter"):
        rbm.set_params(sampler="hybrid").fit(X)
    rbm.set_params(sampler="langevin").fit(X)
    assert rbm.step_size_ != 1.0
    rbm.set_params(sampler="gibbs").fit(X)
    assert not hasattr(rbm, "step_size_")


def test_learning_goes_on_with_the_length_it_has():
    X = sources(400)
    rbm = GaussianRBM(3, sampler="langevin", random_state=0).partial_fit(X)
    first = rbm.step_size_
    # The start is a normal distribution: nearly all steps are taken.
    assert first > 1.0
    assert rbm.partial_fit(X).step_size_ > first
    known, _ = machine(full=True)
    assert not hasattr(known, "step_size_") or known.step_size_ == 1.0
    assert known.partial_fit(sources(300)[:, :2]).step_size_ != 1.0


def test_float32_rows_and_gaps():
    X = sources(300).astype(np.float32)
    X[::7, 1] = np.nan
    rbm = GaussianRBM(4, sampler="langevin", algorithm="pcd", **QUICK).fit(X)
    assert rbm.transform(X).dtype == np.float32
    assert np.isfinite(rbm.score_samples(X)).all()
    drawn = rbm.sample(given=X[:14], n_steps=5, random_state=0)
    known = ~np.isnan(X[:14])
    np.testing.assert_array_equal(drawn[known], X[:14][known])


def test_gaps_beside_more_hidden_units_than_are_summed_over():
    """Beyond 12 units chains draw what is missing, and annealing scores it."""
    rbm, oracle = machine(False, 13, 3, seed=2)
    rows, _ = oracle.draw(1, np.random.default_rng(0))
    rows[:, 1] = np.nan
    given = np.array([True, False, True])
    joint = oracle.joint_log_density(rows, given)
    score, std = rbm.score_samples(rows, return_std=True)
    exact = np.logaddexp.reduce(joint, axis=1)
    assert 0 < std[0] < 0.2
    assert abs(score - exact)[0] < 5 * std[0]
    law = np.exp(joint[0] - exact[0])
    mean = law @ oracle.means[:, 1]
    drawn = rbm.sample(2000, given=rows, n_steps=40, random_state=0)
    assert_mean_is(np.array([mean]), drawn[:, [1]])


@pytest.mark.parametrize("tempering", [False, True])
def test_more_hidden_units_than_are_summed_over(tempering):
    """Two machines side by side: log Z is the sum of theirs."""
    parts = [random_gaussian_rbm(11, 2, seed=seed) for seed in (0, 1)]
    components, *others = zip(*parts, strict=True)
    rbm = GaussianRBM.from_parameters(
        block_diag(*components),
        *map(np.concatenate, others),
        sampler="langevin",
        log_partition_tol=0.05,
        random_state=0,
    )
    oracles = [GaussianRBMOracle(*part) for part in parts]
    exact = sum(oracle.log_partition for oracle in oracles)
    error = rbm.log_partition() - exact
    assert 0 < rbm.log_partition_std_ < 0.1
    assert abs(error) < 5 * rbm.log_partition_std_
    rows = rbm.sample(1000, n_steps=100, tempering=tempering, random_state=0)
    for own, oracle in zip(np.split(rows, 2, axis=1), oracles, strict=True):
        assert_law(oracle, own)


def test_the_length_adapts_in_wide_tables_too():
    """Where block Gibbs would have its steps made of rows."""
    X = np.random.default_rng(0).normal(0, 1, (40, 520))
    model = GaussianRBM(
        2, sampler="langevin", algorithm="pcd", max_iter=3, random_state=0
    )
    assert model.fit(X).step_size_ != 1.0
