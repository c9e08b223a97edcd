"""Estimators made of known parameters, and what is wrong with some of these."""

import numpy as np
import pytest
from mixture_oracle import MixtureOracle, random_gaussian_rbm

from skebm import GaussianRBM

PARTS = random_gaussian_rbm(2, 3)
COMPONENTS, VISIBLE, HIDDEN, COVARIANCE = PARTS
VARIANCE = np.diag(COVARIANCE)


def make(noise, **params):
    return GaussianRBM.from_parameters(COMPONENTS, VISIBLE, HIDDEN, noise, **params)


@pytest.mark.parametrize(
    ("noise", "params", "covariance"),
    [
        (COVARIANCE, {}, COVARIANCE),
        (VARIANCE, {}, np.diag(VARIANCE)),
        (0.5, {}, np.eye(3) / 2),
        (VARIANCE, {"covariance_type": "full"}, np.diag(VARIANCE)),
        ([0.5] * 3, {"covariance_type": "spherical"}, np.eye(3) / 2),
        (VARIANCE, {"noise_variance": VARIANCE}, np.diag(VARIANCE)),
        (0.5, {"noise_variance": 0.5, "covariance_type": "full"}, np.eye(3) / 2),
    ],
    ids=str,
)
def test_from_parameters_takes_each_kind_of_noise(noise, params, covariance):
    rbm = make(noise, **params)
    oracle = MixtureOracle(COMPONENTS, VISIBLE, HIDDEN, covariance)
    X = oracle.draw_rows(50, np.random.default_rng(0))
    np.testing.assert_allclose(
        rbm.score_samples(X), oracle.log_density(X), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_array_equal(rbm.components_, COMPONENTS)
    np.testing.assert_array_equal(rbm.intercept_visible_, VISIBLE)
    np.testing.assert_array_equal(rbm.intercept_hidden_, HIDDEN)
    np.testing.assert_array_equal(rbm.noise_variance_, np.diag(covariance))
    full = rbm.covariance_type == "full" and rbm.noise_variance is None
    if full:
        np.testing.assert_array_equal(rbm.noise_covariance_, covariance)
    assert hasattr(rbm, "noise_covariance_") == full
    assert rbm.n_iter_ == 0
    before = rbm.score_samples(X)
    rbm.set_params(learning_rate=1e-6).partial_fit(X)
    np.testing.assert_allclose(rbm.score_samples(X), before, atol=1e-4)


@pytest.mark.parametrize("given", [True, False])
def test_learning_goes_on_from_parameters(given):
    oracle = MixtureOracle(*PARTS)
    X = oracle.draw_rows(3000, np.random.default_rng(0)) * [1, 30, 0.1] + [0, 5, 0]
    rbm = GaussianRBM.from_parameters(
        np.ones((2, 3)),
        X.mean(axis=0),
        [0.0, -1.0],
        X.var(axis=0),
        X=X if given else None,
        covariance_type="full",
        random_state=0,
    )
    before = rbm.score(X)
    for _ in range(20):
        rbm.partial_fit(X)
    normal = np.linalg.slogdet(2 * np.pi * np.e * np.cov(X.T))[1] / -2
    assert rbm.score(X) > max(before, normal)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"components": COMPONENTS[0]}, "Expected 2D array, got 1D array"),
        ({"components": COMPONENTS * np.nan}, "contains NaN"),
        ({"intercept_visible": VISIBLE[:2]}, r"intercept_visible has shape \(2,\)"),
        ({"intercept_hidden": VISIBLE}, r"intercept_hidden has shape \(3,\)"),
        ({"noise": VARIANCE[:2]}, r"noise has shape \(2,\).*\(3,\)"),
        ({"noise": COVARIANCE[:2, :2]}, r"noise has shape \(2, 2\).*\(3, 3\)"),
        ({"noise": COVARIANCE[np.newaxis]}, "dim 3"),
        ({"noise": -VARIANCE}, "positive variances"),
        ({"noise": VARIANCE * 0}, "positive variances"),
        ({"noise": VARIANCE * np.nan}, "contains NaN"),
        ({"noise": -COVARIANCE}, "symmetric and positive definite"),
        ({"noise": COVARIANCE + np.eye(3, k=1)}, "symmetric and positive definite"),
        ({"noise": np.ones((3, 3))}, "symmetric and positive definite"),
        ({"covariance_type": "diag"}, "noise is a covariance.*covariance_type='full'"),
        ({"covariance_type": "spherical"}, "noise is a covariance"),
        ({"noise_variance": 1.0}, "noise is a covariance.*noise_variance=None"),
        (
            {"noise": VARIANCE, "covariance_type": "spherical"},
            "differs between features.*Use covariance_type='diag'",
        ),
        ({"noise": VARIANCE, "noise_variance": 1.0}, "is not what noise_variance=1.0"),
        ({"noise": VARIANCE, "noise_variance": [1.0, 2.0]}, "noise_variance has shape"),
        ({"covariance_type": "tied"}, "The 'covariance_type' parameter of GaussianRBM"),
        ({"learning_rate": -1.0}, "The 'learning_rate' parameter of GaussianRBM"),
        ({"X": np.ones((5, 2))}, "X has 2 features, the parameters 3"),
        ({"X": np.full((5, 3), np.inf)}, "contains infinity"),
    ],
)
def test_from_parameters_names_what_does_not_fit(changes, match):
    parameters = {
        "components": COMPONENTS,
        "intercept_visible": VISIBLE,
        "intercept_hidden": HIDDEN,
        "noise": COVARIANCE,
    }
    with pytest.raises(ValueError, match=match):
        GaussianRBM.from_parameters(**parameters | changes)
