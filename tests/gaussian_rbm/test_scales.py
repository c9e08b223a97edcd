"""Rows of several scales, against the mixture over scales and hidden states."""

import warnings
from copy import deepcopy

import numpy as np
import pytest
from gaussian_laws import (
    assert_densities_are,
    assert_moments_are,
    assert_visible_chains_leave,
    draws_of,
)
from gaussian_machines import derivatives, gaussian_machine, rows_of
from gaussian_oracle import GaussianRBMOracle, random_gaussian_rbm
from scipy.integrate import quad
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from statistical import assert_mean_is

from skebm import BinaryRBM, DeepBeliefNetwork, EnergyOutlierDetector, GaussianRBM
from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.grouped import GroupedEnergy
from skebm.learning.starts.groups import fit_groups
from skebm.sampling.random import UniformNoise

SCALES, WEIGHTS = np.array([0.2, 0.9, 4.0]), np.array([0.3, 0.5, 0.2])
PARTS = random_gaussian_rbm(2, 2, full=True)
LOCATION = np.array([0.7, -1.2])


def model(**changes):
    settings = {"scales": SCALES, "scale_weights": WEIGHTS, "location": LOCATION}
    return GaussianRBM.from_parameters(*PARTS, **(settings | changes))


class Oracle:
    """The mixture over scales of mixtures over hidden states."""

    def __init__(self, rbm):
        noise = getattr(rbm, "noise_covariance_", rbm.noise_variance_)
        self.inner = GaussianRBMOracle(
            rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_, noise
        )
        self.scales, self.weights = rbm.scales_, rbm.scale_weights_
        self.location = rbm.location_

    def joint(self, rows, features=slice(None)):
        """log p(h, v, scale) of all hidden states and scales, (rows, scales, h)."""
        parts, n_columns = [], np.arange(rows.shape[1])[features].size
        for scale, weight in zip(self.scales, self.weights, strict=True):
            own = self.location + (rows - self.location) / np.sqrt(scale)
            density = self.inner.joint_log_density(own, features)
            parts.append(density + np.log(weight) - n_columns / 2 * np.log(scale))
        return np.stack(parts, axis=1)

    def log_density(self, rows, features=slice(None)):
        return logsumexp(self.joint(rows, features), axis=(1, 2))

    def moments(self):
        """Mean, and second moments about the location."""
        mean, covariance = self.inner.moments()
        offset = mean - self.location
        root = self.weights @ np.sqrt(self.scales)
        second = covariance + np.outer(offset, offset)
        return self.location + root * offset, self.weights @ self.scales * second

    def draw(self, n_rows, rng):
        own, _ = self.inner.draw(n_rows, rng)
        scale = rng.choice(self.scales, (n_rows, 1), p=self.weights)
        return self.location + np.sqrt(scale) * (own - self.location)


def heavy_rows(n_rows=1500, seed=0):
    return Oracle(model()).draw(n_rows, np.random.default_rng(seed))


def centred_model():
    """One group of rows around the location, peaked along one direction."""
    mean = -np.array([0.4, 0.2])
    return GaussianRBM.from_parameters(
        [[2.0, 1.0]],
        mean,
        [-4.0],
        [[1.0, 0.3], [0.3, 0.5]],
        scales=SCALES,
        scale_weights=WEIGHTS,
        location=[0.0, 0.0],
    )


def peaked_rows(n_rows, seed=0):
    return Oracle(centred_model()).draw(n_rows, np.random.default_rng(seed))


# ---- the density ----


def test_scores_are_those_of_the_mixture():
    rbm, X = model(), heavy_rows(50)
    oracle = Oracle(rbm)
    np.testing.assert_allclose(rbm.score_samples(X), oracle.log_density(X), atol=1e-10)
    joint = oracle.joint(X)
    law = np.exp(joint - logsumexp(joint, axis=(1, 2), keepdims=True))
    exact = law.sum(axis=1) @ oracle.inner.hidden
    np.testing.assert_allclose(rbm.transform(X), exact, atol=1e-10)
    conditional = [
        oracle.log_density(X) - oracle.log_density(X, [1 - i]) for i in range(2)
    ]
    np.testing.assert_allclose(
        rbm.conditional_score_samples(X), np.column_stack(conditional), atol=1e-9
    )
    for i, hidden in enumerate(oracle.inner.hidden):
        energy = rbm.energy(X, np.tile(hidden, (len(X), 1)))
        exact = -logsumexp(joint[:, :, i], axis=1) - rbm.log_partition()
        np.testing.assert_allclose(energy, exact, atol=1e-10)


def test_rows_with_gaps_have_the_score_of_what_is_known():
    X = heavy_rows(20)
    X[:10, 0] = np.nan
    X[10:, 1] = np.nan
    for rbm in (model(), wide_copy(model())):
        oracle = Oracle(model())
        exact = [oracle.log_density(X[:10], [1]), oracle.log_density(X[10:], [0])]
        scores, std = rbm.score_samples(X, return_std=True)
        error = np.abs(scores - np.concatenate(exact))
        assert (error <= (1e-10 if rbm.n_components == 2 else 4 * std)).all()
        assert (std > 0).all() == (rbm.n_components > 2)
    assert rbm.score_samples(np.full((1, 2), np.nan))[0] == pytest.approx(0, abs=1e-9)


def wide_copy(rbm):
    """The same distribution with more hidden units than are summed over."""
    components = np.vstack([rbm.components_, np.zeros((11, 2))])
    biases = np.append(rbm.intercept_hidden_, np.zeros(11))
    return model().from_parameters(
        components,
        rbm.intercept_visible_,
        biases,
        rbm.noise_covariance_,
        scales=SCALES,
        scale_weights=WEIGHTS,
        location=LOCATION,
        random_state=0,
    )


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_learned_densities_integrate_to_one(kind):
    X = heavy_rows(400)[:, :1]
    settings = {"covariance_type": kind, "n_scales": 3, "random_state": 0}
    rbm = GaussianRBM(2, **settings).fit(X)

    def density(value):
        return np.exp(rbm.score_samples([[value]])[0])

    points = [*rbm.location_, *X.min(axis=0), *X.max(axis=0)]
    total = quad(density, -200, 200, points=points, limit=500)[0]
    assert total == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(
        rbm.score_samples(X), Oracle(rbm).log_density(X), atol=1e-9
    )
    assert rbm.scale_weights_ @ rbm.scales_ == pytest.approx(1)
    assert (np.diff(rbm.scales_) > 0).all()


def test_a_round_trip_through_the_parameters_keeps_the_density():
    X = heavy_rows(200)
    rbm = GaussianRBM(2, n_scales=3, random_state=0).fit(X)
    params = rbm.get_params()
    del params["n_components"]
    names = "components_", "intercept_visible_", "intercept_hidden_"
    again = GaussianRBM.from_parameters(
        *(getattr(rbm, name) for name in names),
        rbm.noise_covariance_,
        scales=rbm.scales_,
        scale_weights=rbm.scale_weights_,
        location=rbm.location_,
        **params,
    )
    np.testing.assert_allclose(again.score_samples(X), rbm.score_samples(X), atol=1e-9)


# ---- draws ----


@pytest.mark.parametrize("how", ["sample", "gibbs", "given"])
def test_draws_have_the_law_of_the_mixture(how):
    rbm = model()
    oracle = Oracle(rbm)
    X = draws_of(rbm, oracle, how)
    assert_moments_are(oracle.moments(), X, LOCATION)
    assert_densities_are(oracle, X)


@pytest.mark.parametrize("fixed", [None, [True, False]])
def test_chains_of_visible_rows_leave_the_law(fixed):
    """What draws missing values where sums are too long."""
    rbm = model()
    assert_visible_chains_leave(rbm, Oracle(rbm), fixed, LOCATION)


def test_means_of_rows_given_hidden_units():
    rbm, oracle = model(), Oracle(model())
    root = WEIGHTS @ np.sqrt(SCALES)
    exact = LOCATION + root * (oracle.inner.means - LOCATION)
    result = rbm.inverse_transform(oracle.inner.hidden)
    np.testing.assert_allclose(result, exact, atol=1e-12)


# ---- learning ----


def scaled_machine(kind="full"):
    machine = gaussian_machine(kind, 2, 2, ridge=0.05)
    of_scales = np.log(SCALES), np.log(WEIGHTS) - 0.3, np.array([0.2, -0.1])
    energy = GroupedEnergy.of(machine, [machine.noise], *map(np.atleast_2d, of_scales))
    return energy.replaced(shifts=np.array([[0.1, 0.3]]))


@pytest.mark.parametrize("kind", ["full", "diag", "shared"])
def test_gradients_with_a_ridge(kind):
    """It is a share of the square of a row, and costs more at small scales."""
    energy = scaled_machine(kind)
    rows = rows_of(energy.machine, 8, spread=2.0)
    weights = np.random.default_rng(0).dirichlet(np.ones(8))

    def objective(energy):
        squares = ((rows - energy.origins[0]) ** 2).mean(axis=1)
        added = 0.05 * squares[:, np.newaxis] + 0.05**2
        cost = added / 2 * (energy.noises[0].whitening ** 2).sum()
        joint = energy.joint(rows) - cost / np.exp(energy.log_scales[0])
        return weights @ logsumexp(joint, axis=1) - energy.negative_phase()[0]

    value, positive = energy.positive_phase(rows, weights)
    log_partition, negative = energy.negative_phase()
    assert value - log_partition == pytest.approx(objective(energy), abs=1e-12)
    slope, vector = derivatives(objective, energy), energy.ravel()
    np.testing.assert_allclose((positive - negative).ravel(), slope, atol=1e-8)
    # Neither the ridge nor the origin is a parameter, and both stay.
    for other in (positive, energy.unravel(vector)):
        assert other.machine.ridge == energy.machine.ridge
        np.testing.assert_array_equal(other.origins, energy.origins)
    observed = np.ones(rows.shape, dtype=bool)
    again_value, again = energy.observed_phase(rows, observed, weights)
    assert again_value == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(again.ravel(), positive.ravel(), atol=1e-10)


def test_draws_of_scales_average_to_the_gradient():
    energy = scaled_machine()
    rows = rows_of(energy.machine, 8, spread=2.0)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    draws = [energy.statistics(rows, noise=noise).ravel() for _ in range(3000)]
    exact = energy.statistics(rows).ravel()
    varying = np.std(draws, axis=0) > 1e-12
    assert varying.sum() >= len(exact) - 1
    assert_mean_is(exact[varying], np.array(draws)[:, varying])


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_scales_do_not_undo_the_ridge():
    """One that no row has must not grow until the others have no ridge."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    X = np.hstack([X, X[:, :1]])
    for algorithm in ("exact", "pcd"):
        settings = {"algorithm": algorithm, "max_iter": 500, "random_state": 0}
        settings["reg_covar"] = 1e-3
        rbm = GaussianRBM(1, n_scales=4, **settings).fit(X)
        direction = np.array([1.0, 0.0, -1.0]) / X.std(axis=0)
        # Columns that are equal keep noise, of a thousandth of their variance each.
        left = direction @ rbm.noise_covariance_ @ direction / 2
        assert 5e-4 < left < 2e-3
    alike = GaussianRBM(1, n_scales=3, random_state=0).fit(np.full((30, 3), 7.0))
    assert alike.scales_.max() < 10


def test_many_gaps_at_several_scales_are_learned_by_chains():
    X = heavy_rows(60)
    X[:20, 0] = np.nan
    X[20:40, 1] = np.nan
    for n_scales, algorithm in ((1, "exact"), (16, "exact"), (17, "pcd")):
        rbm = GaussianRBM(1, n_scales=n_scales, max_iter=1, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            rbm.fit(X)
        assert rbm._algorithm(rbm._in_units(rbm._check(X))) == algorithm


def test_one_scale_is_the_machine():
    machine = gaussian_machine("full", 2, 2, ridge=0.05)
    zeros = np.zeros((1, 1))
    energy = GroupedEnergy.of(machine, [machine.noise], zeros, zeros, np.zeros((1, 2)))
    rows, weights = rows_of(machine, 8), np.full(8, 1 / 8)
    np.testing.assert_allclose(energy.free_energy(rows), machine.free_energy(rows))
    value, gradient = energy.positive_phase(rows, weights)
    expected, slope = machine.positive_phase(rows, weights)
    assert value == pytest.approx(expected, abs=1e-12)
    gradient, slope = (
        each - energy.negative_phase()[1]
        for each, energy in ((gradient, energy), (slope, machine))
    )
    own = gradient.ravel()
    np.testing.assert_allclose(own[: slope.ravel().size], slope.ravel(), atol=1e-12)
    fitted = GaussianRBM(2, n_scales=1, random_state=0).fit(heavy_rows(300))
    assert isinstance(fitted._energy(), GaussianRBMEnergy)
    assert not hasattr(fitted, "scales_")


def test_the_start_is_a_mixture_whose_likelihood_em_has_raised():
    X, ridge = heavy_rows(2000), 1e-3
    X = X - X.mean(axis=0)
    rng = np.random.default_rng(0)
    given = {"restricted": lambda covariance: covariance, "rng": rng}
    found = fit_groups(X, 1, 3, ridge=ridge, **given)
    scales, weights = np.exp(found.log_scales[0]), np.exp(found.log_weights[0])
    assert weights.sum() == pytest.approx(1)
    assert weights @ scales == pytest.approx(1)
    added = ridge * (((X - found.centres[0]) ** 2).mean(axis=1) + ridge)

    def log_likelihood(covariance, scales, weights, centre):
        inverse = np.linalg.inv(covariance)
        squares = np.einsum("ni,ij,nj->n", X - centre, inverse, X - centre)
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        joint = np.log(weights) - np.log(scales) - log_det / 2
        squares += added * np.trace(inverse)
        joint = joint - squares[:, np.newaxis] / (2 * scales)
        return logsumexp(joint, axis=1).mean()

    one = log_likelihood(np.cov(X.T), np.ones(1), np.ones(1), np.zeros(2))
    own = found.covariances[0], scales, weights, found.centres[0]
    reached = log_likelihood(*own)
    assert reached == pytest.approx(found.scores(X, ridge).mean(), abs=1e-9)
    assert reached > one + 0.2
    # No small change of the covariance or the centre helps much.
    for factor in (0.97, 1.03):
        assert log_likelihood(factor * own[0], *own[1:]) < reached + 1e-4
        assert log_likelihood(*own[:3], own[3] + factor - 1) < reached + 1e-4


@pytest.mark.parametrize("algorithm", ["exact", "pcd"])
def test_learning_finds_the_scales(algorithm):
    X, rows = peaked_rows(4000), peaked_rows(4000, seed=9)
    settings = {"algorithm": algorithm, "random_state": 0, "max_iter": 1000}
    rbm = GaussianRBM(1, n_scales=3, **settings).fit(X)
    plain = GaussianRBM(1, **settings).fit(X)
    true = Oracle(centred_model()).log_density(rows).mean()
    assert rbm.score(rows) > true - 0.01
    assert rbm.score(rows) > plain.score(rows) + 0.1
    expected = SCALES / (WEIGHTS @ SCALES)
    np.testing.assert_allclose(np.log(rbm.scales_), np.log(expected), atol=0.35)
    np.testing.assert_allclose(rbm.scale_weights_, WEIGHTS, atol=0.12)
    history = rbm.history_["train_log_likelihood"]
    assert history[-1] > history[0] - 1e-3
    # Of 1000 of the rows where there are chains: 4 standard errors.
    assert history[-1] == pytest.approx(rbm.score(X), abs=0.16)


@pytest.mark.parametrize("algorithm", ["exact", "pcd"])
def test_learning_from_rows_with_gaps(algorithm):
    X, rows = peaked_rows(2000), peaked_rows(2000, seed=9)
    X[np.random.default_rng(0).random(X.shape) < 0.3] = np.nan
    settings = {"algorithm": algorithm, "random_state": 0, "max_iter": 600}
    rbm = GaussianRBM(1, n_scales=3, **settings).fit(X)
    true = Oracle(centred_model()).log_density(rows).mean()
    assert rbm.score(rows) > true - 0.03


def test_units_of_columns_do_not_matter():
    X = heavy_rows(300)
    rbm = GaussianRBM(2, n_scales=2, random_state=0).fit(X)
    other = clone(rbm).fit(100 * X + 7)
    np.testing.assert_allclose(other.scales_, rbm.scales_, rtol=1e-2)
    np.testing.assert_allclose(other.location_, 100 * rbm.location_ + 7, rtol=1e-2)
    assert other.score(100 * X + 7) == pytest.approx(
        rbm.score(X) - 2 * np.log(100), abs=1e-5
    )


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_chunks_copies_and_the_other_estimators():
    X = heavy_rows(600)
    rbm = GaussianRBM(2, n_scales=2, random_state=0)
    for start in range(0, 600, 100):
        rbm.partial_fit(X[start : start + 100])
    np.testing.assert_array_equal(deepcopy(rbm).score_samples(X), rbm.score_samples(X))
    with pytest.raises(ValueError, match="n_scales was 2 when learning began"):
        rbm.set_params(n_scales=3).partial_fit(X)
    again = model(X=X, random_state=0).partial_fit(X)
    assert abs(again.score(X) - model().score(X)) < 0.1
    stopped = GaussianRBM(
        2, n_scales=2, early_stopping=True, max_iter=300, random_state=0
    ).fit(X, sample_weight=np.arange(600))
    assert np.isfinite(stopped.history_["validation_log_likelihood"]).all()
    search = GridSearchCV(
        GaussianRBM(2, max_iter=30, tol=0.1, random_state=0), {"n_scales": [1, 3]}, cv=2
    )
    assert search.fit(X).best_params_ == {"n_scales": 3}
    detector = EnergyOutlierDetector(GaussianRBM(2, n_scales=2, random_state=0)).fit(X)
    assert (detector.predict([[1e3, 1e3]]) == -1).all()
    alike = np.ones((50, 2))
    assert np.isfinite(GaussianRBM(2, n_scales=3, random_state=0).fit(alike).score(X))


def test_at_a_temperature_scales_are_as_hidden_units():
    temperature = 2.0
    rbm, oracle = model(), Oracle(model())
    X = rbm.sample(20_000, temperature=temperature, random_state=0)
    weights = WEIGHTS ** (1 / temperature) * SCALES ** (1 - 1 / temperature)
    oracle.weights = weights / weights.sum()
    oracle.inner = GaussianRBMOracle(*PARTS, 1 / temperature)
    # Energies are of rows less the location, whichever way they are written.
    assert_moments_are(oracle.moments(), X, LOCATION)


def test_what_is_fitted_stays_when_parameters_are_set():
    X = heavy_rows(100)
    settings = {"algorithm": "pcd", "max_iter": 50, "random_state": 0}
    scaled = GaussianRBM(2, n_scales=2, **settings).fit(X)
    plain = GaussianRBM(2, **settings).fit(X)
    for rbm, other in ((scaled, 1), (plain, 3)):
        score, drawn = rbm.score_samples(X), rbm.sample(3, random_state=0)
        has_minima = hasattr(rbm, "lowest_energy")
        rbm.set_params(n_scales=other)
        np.testing.assert_array_equal(rbm.score_samples(X), score)
        np.testing.assert_array_equal(rbm.sample(3, random_state=0), drawn)
        assert hasattr(rbm, "lowest_energy") == has_minima == (rbm is plain)
        with pytest.raises(ValueError, match="when learning began"):
            rbm.partial_fit(X)
        rbm.fit(X)
        assert hasattr(rbm, "scales_") == (other > 1)
    scaled = model().set_params(sampler="langevin")
    for ask in (scaled.score, scaled.gibbs):
        with pytest.raises(ValueError, match="Set sampler='gibbs'"):
            ask(X)


# ---- refusals ----


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"scales": [1.0]}, "two positive numbers"),
        ({"scales": [1.0, -1.0, 2.0]}, "two positive numbers"),
        ({"scale_weights": [0.5, 0.1, 0.1]}, "sum to 1"),
        ({"n_scales": 2}, "pass as many scales"),
        ({"scales": None}, "nothing without scales"),
        ({"location": [0.0]}, "location"),
        ({"noise_variance": 0.5}, "noise of several groups or scales"),
        ({"sampler": "langevin"}, "Set sampler='gibbs'"),
    ],
)
def test_parameters_that_make_no_mixture(changes, match):
    with pytest.raises(ValueError, match=match):
        model(**changes)


def test_what_has_no_scales():
    X = heavy_rows(50)
    with pytest.raises(ValueError, match="noise of several groups or scales"):
        GaussianRBM(2, n_scales=2, noise_variance=1.0).fit(X)
    for learn in (GaussianRBM.fit, GaussianRBM.partial_fit):
        with pytest.raises(ValueError, match="a slope in each of them"):
            learn(GaussianRBM(2, n_scales=2, sampler="langevin"), X)
    assert not hasattr(model(), "lowest_energy")
    with pytest.raises(AttributeError, match=r"^lowest_energy needs rows of one"):
        model().lowest_energy()
    stack = DeepBeliefNetwork((GaussianRBM(2, n_scales=2), BinaryRBM(2)))
    with pytest.raises(ValueError, match="whose group and scale are not known"):
        stack.fit(X)
