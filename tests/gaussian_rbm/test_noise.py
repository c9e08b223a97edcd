"""The noise: learned, known, floored, and changed between fits."""

import joblib
import numpy as np
import pytest
from mixture_oracle import MixtureOracle, two_sources

from skebm import GaussianRBM

# ---- the floor ----


@pytest.mark.parametrize("reg_covar", [1e-3, 0.5])
@pytest.mark.parametrize(
    "settings", [{}, {"algorithm": "pcd", "early_stopping": False}], ids=str
)
def test_without_structure_the_variance_is_that_of_the_data_and_the_floor(
    reg_covar, settings
):
    X = np.random.default_rng(0).standard_normal((400, 3)) * [1, 100, 1e-3]
    rbm = GaussianRBM(
        1,
        covariance_type="diag",
        reg_covar=reg_covar,
        alpha=1e4,
        l1_ratio=1.0,
        random_state=0,
        **settings,
    ).fit(X)
    assert (rbm.components_ == 0).all()
    # The tolerance of the gradient, and of minibatches.
    rtol = 0.01 if settings else 2e-4
    np.testing.assert_allclose(
        rbm.noise_variance_, X.var(axis=0) * (1 + reg_covar), rtol=rtol
    )
    np.testing.assert_allclose(
        rbm.intercept_visible_ / X.std(axis=0),
        X.mean(axis=0) / X.std(axis=0),
        atol=0.02 if settings else 2e-4,
    )


def test_a_full_covariance_is_that_of_the_data_and_the_floor():
    X = two_sources()
    rbm = GaussianRBM(1, alpha=1e4, l1_ratio=1.0, random_state=0, tol=1e-6).fit(X)
    expected = np.cov(X.T, bias=True) + 1e-3 * np.diag(X.var(axis=0))
    np.testing.assert_allclose(rbm.noise_covariance_, expected, rtol=1e-4)


def test_spherical_noise_is_the_mean_of_the_variances():
    X = two_sources() * [1, 2]
    rbm = GaussianRBM(
        1,
        covariance_type="spherical",
        alpha=1e4,
        l1_ratio=1.0,
        random_state=0,
        tol=1e-6,
    ).fit(X)
    np.testing.assert_allclose(
        rbm.noise_variance_, X.var(axis=0).mean() * 1.001, rtol=1e-5
    )


def test_what_the_floor_costs_is_part_of_what_exact_learning_measures():
    X = two_sources()
    rbm = GaussianRBM(3, random_state=0, reg_covar=0.1).fit(X)
    precision = np.diag(np.linalg.inv(rbm.noise_covariance_))
    cost = 0.1 / 2 * (precision * X.var(axis=0)).sum()
    assert cost > 0.05
    assert rbm.history_["train_log_likelihood"][-1] + cost == pytest.approx(
        rbm.score(X), abs=1e-9
    )


def test_exact_learning_ends_where_the_gradient_vanishes():
    """Of the likelihood less what the floor and the penalty cost, in every unit."""
    X = two_sources(300)
    alpha = 0.01
    rbm = GaussianRBM(2, alpha=alpha, tol=1e-8, random_state=0).fit(X)
    names = "components_", "intercept_visible_", "intercept_hidden_"
    arrays = [getattr(rbm, name).copy() for name in names]
    root = np.linalg.cholesky(rbm.noise_covariance_)

    def objective(arrays, root):
        covariance = root @ root.T
        precision = np.linalg.inv(covariance)
        score = MixtureOracle(*arrays, covariance).log_density(X).mean()
        weights = arrays[0]
        penalty = alpha / 2 * np.trace(weights @ precision @ weights.T)
        return score - penalty - 1e-3 / 2 * np.diag(precision) @ X.var(axis=0)

    for array in [*arrays, root]:
        for index in np.ndindex(array.shape):
            if array is root and index[0] < index[1]:
                continue
            value = array[index]
            slopes = []
            for change in (1e-5, -1e-5):
                array[index] = value + change
                slopes.append(objective(arrays, root))
            array[index] = value
            # Rounding of differences of numbers of order one.
            assert abs(slopes[0] - slopes[1]) / 2e-5 < 1e-7


# ---- known noise ----


@pytest.mark.parametrize(
    "settings", [{}, {"algorithm": "pcd", "max_iter": 300}], ids=str
)
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
@pytest.mark.parametrize("noise", [0.3, np.array([0.3, 0.7]), [0.3, 0.7]], ids=str)
def test_known_noise_stays_what_it_is(settings, kind, noise):
    X = two_sources()
    rbm = GaussianRBM(
        3, covariance_type=kind, noise_variance=noise, random_state=0, **settings
    ).fit(X)
    np.testing.assert_array_equal(rbm.noise_variance_, np.broadcast_to(noise, 2))
    assert not hasattr(rbm, "noise_covariance_")
    normal = GaussianRBM(1, noise_variance=noise, alpha=1e4, l1_ratio=1.0).fit(X)
    assert rbm.score(X) > normal.score(X) + 0.1
    before = rbm.components_
    rbm.set_params(algorithm="pcd").partial_fit(X)
    assert (rbm.components_ != before).any()
    np.testing.assert_array_equal(rbm.noise_variance_, np.broadcast_to(noise, 2))


def test_known_noise_costs_no_floor():
    X = two_sources()
    rbm = GaussianRBM(2, noise_variance=0.5, reg_covar=10.0, random_state=0).fit(X)
    history = rbm.history_["train_log_likelihood"]
    # Rounding; the floor would cost 20 nats.
    assert history[-1] == pytest.approx(rbm.score(X), abs=1e-8)


def contents(estimator):
    return joblib.hash(vars(estimator))


@pytest.mark.parametrize(
    ("noise", "match"),
    [
        ([1.0, 2.0, 3.0], r"noise_variance has shape \(3,\).*asks for \(2,\)"),
        (np.eye(2), r"noise_variance has shape \(2, 2\).*asks for \(2,\)"),
        ([1.0, 0.0], "noise_variance=.* must be positive. Use None"),
        ([1.0, -1.0], "must be positive"),
        ([1.0, np.nan], "contains NaN"),
        ([1.0, np.inf], "contains infinity"),
        (0.0, "The 'noise_variance' parameter of GaussianRBM must be"),
        (-1.0, "The 'noise_variance' parameter of GaussianRBM must be"),
        ("x", "The 'noise_variance' parameter of GaussianRBM must be"),
    ],
    ids=str,
)
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
@pytest.mark.parametrize("fitted_before", [True, False])
def test_bad_known_noise_changes_nothing(noise, match, learn, fitted_before):
    X = two_sources()
    rbm = GaussianRBM(2, algorithm="pcd", max_iter=3, random_state=0)
    if fitted_before:
        rbm.fit(X)
    rbm.set_params(noise_variance=noise)
    before = contents(rbm)
    with pytest.raises(ValueError, match=match):
        getattr(rbm, learn)(X)
    assert contents(rbm) == before


# ---- changes between fits ----


@pytest.mark.parametrize(
    "change",
    [
        {"covariance_type": "diag"},
        {"noise_variance": 1.0},
        {"covariance_type": "spherical", "n_components": 5},
    ],
    ids=str,
)
def test_parameters_set_after_a_fit_do_not_change_its_density(change):
    X = two_sources()
    for settings in {}, {"covariance_type": "diag"}:
        rbm = GaussianRBM(2, random_state=0, **settings).fit(X)
        score, drawn = rbm.score(X), rbm.sample(3, n_steps=5, random_state=0)
        rbm._partition_estimate = None
        rbm.set_params(**change)
        assert rbm.score(X) == score
        np.testing.assert_array_equal(rbm.sample(3, n_steps=5, random_state=0), drawn)


def test_a_refit_forgets_the_covariance():
    X = two_sources()
    rbm = GaussianRBM(2, random_state=0).fit(X)
    assert hasattr(rbm, "noise_covariance_")
    rbm.set_params(covariance_type="diag").fit(X)
    assert not hasattr(rbm, "noise_covariance_")
    fresh = GaussianRBM(2, covariance_type="diag", random_state=0).fit(X)
    assert contents(rbm) == contents(fresh)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"covariance_type": "diag"}, "covariance_type was auto when learning began"),
        ({"reg_covar": 0.1}, "reg_covar was auto when learning began"),
        ({"n_components": 3}, "n_components was 2 when learning began"),
        ({"solver": "sgd"}, "solver was natural when learning began"),
        ({"noise_variance": 1.0}, "noise_variance is 1.0 now.*call fit to begin again"),
    ],
    ids=str,
)
def test_learning_on_keeps_its_structure(change, match):
    X = two_sources()
    rbm = GaussianRBM(2, random_state=0).partial_fit(X)
    rbm.set_params(**change)
    before = contents(rbm)
    with pytest.raises(ValueError, match=match):
        rbm.partial_fit(X)
    assert contents(rbm) == before


def test_learning_on_keeps_the_noise_that_is_known():
    X = two_sources()
    rbm = GaussianRBM(2, noise_variance=[1.0, 2.0], random_state=0).partial_fit(X)
    rbm.set_params(noise_variance=np.array([1.0, 2.0])).partial_fit(X)
    for other in (None, [1.0, 3.0], 1.0):
        rbm.set_params(noise_variance=other)
        with pytest.raises(ValueError, match=r"noise_variance is .* now"):
            rbm.partial_fit(X)
