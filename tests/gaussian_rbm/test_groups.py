"""Rows of several groups, against the mixture over groups, scales and hidden states."""

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
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from statistical import assert_mean_is

from skebm import (
    BinaryRBM,
    DeepBeliefNetwork,
    EnergyOutlierDetector,
    GaussianRBM,
)
from skebm.conditional.incomplete_rows import mean_incomplete
from skebm.energy.grouped import GroupedEnergy
from skebm.learning.starts.groups import fit_groups
from skebm.sampling.random import UniformNoise
from skebm.units.gaussian import GaussianUnits, whiten_covariance

COMPONENTS, MEAN, BIASES, NOISE = random_gaussian_rbm(2, 2, full=True)
WEIGHTS = np.array([0.6, 0.4])
CENTRES = np.array([[0.7, -1.2], [-3.0, 0.5]])
NOISES = np.array([[[0.8, 0.3], [0.3, 0.5]], [[0.4, -0.1], [-0.1, 1.5]]])
LOCATION = np.array([0.2, 0.1])
SCALES = np.array([[0.3, 1.5], [0.6, 2.0]])
SHARES = np.array([[0.3, 0.7], [0.5, 0.5]])
OF_SCALES = {"scales": SCALES, "scale_weights": SHARES}


def model(**changes):
    settings = {
        "group_weights": WEIGHTS,
        "locations": CENTRES,
        "noises": NOISES,
        "location": LOCATION,
    }
    return GaussianRBM.from_parameters(
        COMPONENTS, MEAN, BIASES, NOISE, **(settings | changes)
    )


class Oracle:
    """The mixture over groups and scales of mixtures over hidden states.

    A row is c + root(s) L (u - m): u a row of the machine, m its location, and L what
    makes noise of the machine that of the group.
    """

    def __init__(self, rbm):
        self.inner = GaussianRBMOracle(
            rbm.components_,
            rbm.intercept_visible_,
            rbm.intercept_hidden_,
            getattr(rbm, "noise_covariance_", rbm.noise_variance_),
        )
        self.location, inner = rbm.location_, np.linalg.cholesky(self.inner.noise)
        n_groups = len(rbm.group_weights_)
        scales = getattr(rbm, "scales_", np.ones((n_groups, 1)))
        shares = getattr(rbm, "scale_weights_", np.ones((n_groups, 1)))
        if hasattr(rbm, "noise_covariances_"):
            noises = rbm.noise_covariances_
        else:
            noises = [np.diag(variance) for variance in rbm.noise_variances_]
        self.images = []  # weight, centre, map
        for group, noise in enumerate(noises):
            turn = np.linalg.cholesky(noise) @ np.linalg.inv(inner)
            for scale, share in zip(scales[group], shares[group], strict=True):
                weight = rbm.group_weights_[group] * share
                image = weight, rbm.locations_[group], np.sqrt(scale) * turn
                self.images.append(image)

    def parts(self):
        """Normal distributions: weight, mean, covariance and hidden state of each."""
        for weight, centre, turn in self.images:
            for log_law, mean, hidden in zip(
                self.inner.log_law, self.inner.means, self.inner.hidden, strict=True
            ):
                own = centre + turn @ (mean - self.location)
                covariance = turn @ self.inner.noise @ turn.T
                yield np.log(weight) + log_law, own, covariance, hidden

    def joint(self, rows, features=slice(None)):
        columns = []
        for log_weight, mean, covariance, _ in self.parts():
            own = covariance[features][:, features]
            deviation = rows[:, features] - mean[features]
            squares = np.einsum("ni,ij,nj->n", deviation, np.linalg.inv(own), deviation)
            log_det = np.linalg.slogdet(2 * np.pi * own)[1]
            columns.append(log_weight - (squares + log_det) / 2)
        return np.column_stack(columns)

    def log_density(self, rows, features=slice(None)):
        return logsumexp(self.joint(rows, features), axis=1)

    def moments(self):
        weights, means, covariances, _ = map(np.array, zip(*self.parts(), strict=True))
        weights = np.exp(weights)
        second = covariances + np.einsum("ni,nj->nij", means, means)
        return weights @ means, np.einsum("n,nij->ij", weights, second)

    def draw(self, n_rows, rng):
        weights, means, covariances, _ = map(np.array, zip(*self.parts(), strict=True))
        part = rng.choice(len(weights), n_rows, p=np.exp(weights))
        roots = np.linalg.cholesky(covariances)[part]
        white = rng.normal(size=(n_rows, means.shape[1]))
        return means[part] + np.einsum("nij,nj->ni", roots, white)


def rows_of_model(n_rows=1500, seed=0, **changes):
    return Oracle(model(**changes)).draw(n_rows, np.random.default_rng(seed))


# ---- the density ----


@pytest.mark.parametrize("settings", [{}, OF_SCALES])
def test_scores_are_those_of_the_mixture(settings):
    rbm, X = model(**settings), rows_of_model(50)
    oracle = Oracle(rbm)
    np.testing.assert_allclose(rbm.score_samples(X), oracle.log_density(X), atol=1e-10)
    joint = oracle.joint(X)
    hidden = np.array([part[3] for part in oracle.parts()])
    exact = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) @ hidden
    np.testing.assert_allclose(rbm.transform(X), exact, atol=1e-10)
    conditional = [
        oracle.log_density(X) - oracle.log_density(X, [1 - i]) for i in range(2)
    ]
    np.testing.assert_allclose(
        rbm.conditional_score_samples(X), np.column_stack(conditional), atol=1e-9
    )
    for state in oracle.inner.hidden:
        energy = rbm.energy(X, np.tile(state, (len(X), 1)))
        own = (hidden == state).all(axis=1)
        exact = -logsumexp(joint[:, own], axis=1) - rbm.log_partition()
        np.testing.assert_allclose(energy, exact, atol=1e-10)
    # Of which the machine alone has log Z.
    machine = GaussianRBM.from_parameters(COMPONENTS, MEAN, BIASES, NOISE)
    assert rbm.log_partition() == pytest.approx(machine.log_partition(), abs=1e-10)


def test_rows_with_gaps_have_the_score_of_what_is_known():
    X, rbm = rows_of_model(20), model(**OF_SCALES)
    X[:10, 0] = np.nan
    X[10:, 1] = np.nan
    oracle = Oracle(rbm)
    exact = [oracle.log_density(X[:10], [1]), oracle.log_density(X[10:], [0])]
    np.testing.assert_allclose(rbm.score_samples(X), np.concatenate(exact), atol=1e-10)
    assert rbm.score_samples(np.full((1, 2), np.nan))[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical", "tied"])
def test_without_weights_it_is_a_gaussian_mixture(kind):
    """Of scikit-learn, from its parameters."""
    X = rows_of_model(500)
    mixture = GaussianMixture(3, covariance_type=kind, random_state=0).fit(X)
    noises = mixture.covariances_
    settings = {"covariance_type": kind}
    if kind == "tied":
        noises, settings = np.tile(noises, (3, 1, 1)), {}
    rbm = GaussianRBM.from_parameters(
        np.zeros((1, 2)),
        np.zeros(2),
        np.zeros(1),
        np.eye(2) if kind in {"full", "tied"} else np.ones(2),
        group_weights=mixture.weights_,
        locations=mixture.means_,
        noises=noises,
        **settings,
    )
    np.testing.assert_allclose(
        rbm.score_samples(X), mixture.score_samples(X), atol=1e-10
    )


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_learned_densities_integrate_to_one(kind):
    X = rows_of_model(400)[:, :1]
    settings = {"covariance_type": kind, "n_groups": 2, "random_state": 0}
    rbm = GaussianRBM(2, n_scales=2, max_iter=30, tol=0.1, **settings).fit(X)

    def density(value):
        return np.exp(rbm.score_samples([[value]])[0])

    points = [*rbm.locations_[:, 0], *X.min(axis=0), *X.max(axis=0)]
    total = quad(density, -100, 100, points=points, limit=500)[0]
    assert total == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(
        rbm.score_samples(X), Oracle(rbm).log_density(X), atol=1e-9
    )
    ones = np.ones(2)
    np.testing.assert_allclose((rbm.scale_weights_ * rbm.scales_).sum(axis=1), ones)
    np.testing.assert_allclose(rbm.scale_weights_.sum(axis=1), ones)
    assert (np.diff(rbm.scales_, axis=1) > 0).all()
    assert rbm.group_weights_.sum() == pytest.approx(1)
    # The machine is as the groups are on average.
    mean = rbm.group_weights_ @ rbm.noise_variances_
    np.testing.assert_allclose(rbm.noise_variance_, mean)
    np.testing.assert_allclose(rbm.location_, rbm.group_weights_ @ rbm.locations_)


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_a_round_trip_through_the_parameters_keeps_the_density(kind):
    X = rows_of_model(200)
    settings = {"covariance_type": kind, "max_iter": 50, "tol": 0.1}
    rbm = GaussianRBM(2, n_groups=3, n_scales=2, random_state=0, **settings).fit(X)
    params = rbm.get_params()
    del params["n_components"]
    names = "components_", "intercept_visible_", "intercept_hidden_"
    ending = "covariance" if kind == "full" else "variance"
    again = GaussianRBM.from_parameters(
        *(getattr(rbm, name) for name in names),
        getattr(rbm, f"noise_{ending}_"),
        scales=rbm.scales_,
        scale_weights=rbm.scale_weights_,
        location=rbm.location_,
        group_weights=rbm.group_weights_,
        locations=rbm.locations_,
        noises=getattr(rbm, f"noise_{ending}s_"),
        **params,
    )
    score = rbm.score_samples(X)
    np.testing.assert_allclose(again.score_samples(X), score, atol=1e-9)
    np.testing.assert_array_equal(deepcopy(rbm).score_samples(X), score)


# ---- draws ----


@pytest.mark.parametrize("how", ["sample", "gibbs", "given"])
def test_draws_have_the_law_of_the_mixture(how):
    rbm = model(**OF_SCALES)
    oracle = Oracle(rbm)
    X = draws_of(rbm, oracle, how)
    assert_moments_are(oracle.moments(), X)
    assert_densities_are(oracle, X)


@pytest.mark.parametrize("fixed", [None, [True, False]])
def test_chains_of_visible_rows_leave_the_law(fixed):
    """What draws missing values where sums are too long."""
    rbm = model(**OF_SCALES)
    assert_visible_chains_leave(rbm, Oracle(rbm), fixed)


def test_means_of_rows_given_hidden_units():
    rbm = model(**OF_SCALES)
    oracle = Oracle(rbm)
    exact = sum(
        weight * (centre + (oracle.inner.means - LOCATION) @ turn.T)
        for weight, centre, turn in oracle.images
    )
    result = rbm.inverse_transform(oracle.inner.hidden)
    np.testing.assert_allclose(result, exact, atol=1e-12)


def test_at_a_temperature_groups_are_as_hidden_units():
    temperature = 2.0
    rbm = model(**OF_SCALES)
    oracle = Oracle(rbm)
    X = rbm.sample(20_000, temperature=temperature, random_state=0)
    # p ** (1 / 2) of each normal part: twice its covariance, and another weight.
    weights, means, covariances = [], [], []
    for log_weight, mean, covariance, _ in oracle.parts():
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        hotter = np.linalg.slogdet(2 * np.pi * temperature * covariance)[1]
        weights.append((log_weight - log_det / 2) / temperature + hotter / 2)
        means.append(mean)
        covariances.append(temperature * covariance)
    law, means = np.exp(weights - logsumexp(weights)), np.array(means)
    second = np.array(covariances) + np.einsum("ni,nj->nij", means, means)
    assert_moments_are((law @ means, np.einsum("n,nij->ij", law, second)), X)


# ---- learning ----


def grouped_machine(kind="full", n_scales=2):
    """Make a machine whose groups have learned since it was made."""
    machine, rng = gaussian_machine(kind, 2, 2, ridge=0.05), np.random.default_rng(1)
    noises = [machine.noise, machine.noise.stretched(1.4)]
    energy = GroupedEnergy.of(
        machine,
        noises,
        np.log(SCALES[:, :n_scales]),
        np.log(SHARES[:, :n_scales]) - 0.3,
        np.array([[0.2, -0.1], [-1.0, 0.4]]),
    )
    vector = energy.ravel()
    return energy.unravel(vector + 0.1 * rng.normal(size=len(vector)))


@pytest.mark.parametrize("kind", ["full", "diag", "shared"])
@pytest.mark.parametrize("n_scales", [1, 2])
def test_gradients_with_a_ridge(kind, n_scales):
    energy = grouped_machine(kind, n_scales)
    rows = rows_of(gaussian_machine(kind, 2, 2), 8, spread=2.0)
    weights = np.random.default_rng(0).dirichlet(np.ones(8))

    def objective(energy):
        joint = energy.joint(rows).reshape(len(rows), 2, n_scales)
        for group, noise in enumerate(energy.noises):
            added = np.full(len(rows), 0.05)
            if n_scales > 1:
                squares = ((rows - energy.origins[group]) ** 2).mean(axis=1)
                added = 0.05 * squares + 0.05**2
            cost = added / 2 * (noise.whitening**2).sum()
            scales = np.exp(energy.log_scales[group])
            joint[:, group] -= cost[:, np.newaxis] / scales
        return weights @ logsumexp(joint, axis=(1, 2)) - energy.negative_phase()[0]

    value, positive = energy.positive_phase(rows, weights)
    log_partition, negative = energy.negative_phase()
    assert value - log_partition == pytest.approx(objective(energy), abs=1e-12)
    slope = derivatives(objective, energy)
    np.testing.assert_allclose((positive - negative).ravel(), slope, atol=1e-8)
    observed = np.ones(rows.shape, dtype=bool)
    again_value, again = energy.observed_phase(rows, observed, weights)
    assert again_value == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(again.ravel(), positive.ravel(), atol=1e-10)


def test_draws_of_images_average_to_the_gradient():
    energy = grouped_machine()
    rows = rows_of(gaussian_machine("full", 2, 2), 8, spread=2.0)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    draws = [energy.statistics(rows, noise=noise).ravel() for _ in range(1000)]
    exact = energy.statistics(rows).ravel()
    varying = np.std(draws, axis=0) > 1e-12
    assert varying.sum() >= len(exact) - 1
    assert_mean_is(exact[varying], np.array(draws)[:, varying])


def test_a_group_without_rows_learns_nothing():
    energy = grouped_machine()
    energy = energy.replaced(origins=energy.origins + np.array([[0, 0], [1e4, 1e4]]))
    rows, weights = rows_of(gaussian_machine("full", 2, 2), 8), np.full(8, 1 / 8)
    observed = np.ones(rows.shape, dtype=bool)
    for value, gradient in (
        energy.positive_phase(rows, weights),
        energy.observed_phase(rows, observed, weights),
    ):
        assert np.isfinite(value)
        assert not gradient.noises[1].log_stretch.any()
        assert not gradient.shifts[1].any()


def test_one_group_is_the_machine():
    machine = gaussian_machine("full", 2, 2, ridge=0.05)
    zeros = np.zeros((1, 1))
    energy = GroupedEnergy.of(machine, [machine.noise], zeros, zeros, np.zeros((1, 2)))
    rows = rows_of(machine, 8)
    np.testing.assert_allclose(energy.free_energy(rows), machine.free_energy(rows))
    own, others = energy.negative_phase()[0], machine.negative_phase()[0]
    assert own == pytest.approx(others, abs=1e-12)
    # Two groups that are alike are one.
    twice = GroupedEnergy.of(
        machine, [machine.noise] * 2, *[np.zeros((2, 1))] * 2, np.zeros((2, 2))
    )
    np.testing.assert_allclose(twice.free_energy(rows), machine.free_energy(rows))


@pytest.mark.parametrize("n_scales", [1, 2])
def test_the_start_is_a_mixture_that_em_has_improved(n_scales):
    X = rows_of_model(2000, **(OF_SCALES if n_scales > 1 else {}))
    rng = np.random.default_rng(0)
    given = {"ridge": 1e-6, "restricted": lambda covariance: covariance, "rng": rng}
    found = fit_groups(X, 2, n_scales, **given)
    weights = np.exp(found.log_weights)
    assert weights.sum() == pytest.approx(1)
    scales = (weights * np.exp(found.log_scales)).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(scales, np.ones(2))
    # No small change of a parameter helps much.
    score = found.scores(X, 1e-6).mean()
    for factor in (0.97, 1.03):
        for changes in (
            {"covariances": found.covariances * [[[1.0]], [[factor]]]},
            {"centres": found.centres + np.array([[0], [factor - 1]])},
        ):
            assert found._replace(**changes).scores(X, 1e-6).mean() < score + 2e-4
    white = found.white(X, rng)
    np.testing.assert_allclose(white.mean(axis=0), np.zeros(2), atol=0.1)
    np.testing.assert_allclose(white.T @ white / len(X), np.eye(2), atol=0.1)


@pytest.mark.parametrize("algorithm", ["exact", "pcd"])
def test_learning_finds_the_groups(algorithm):
    X, rows = rows_of_model(3000), rows_of_model(3000, seed=9)
    settings = {"algorithm": algorithm, "random_state": 0, "max_iter": 500}
    rbm = GaussianRBM(2, n_groups=2, **settings).fit(X)
    true = Oracle(model()).log_density(rows).mean()
    assert rbm.score(rows) > true - 0.02
    np.testing.assert_allclose(np.sort(rbm.group_weights_), [0.4, 0.6], atol=0.05)
    history = rbm.history_["train_log_likelihood"]
    assert history[-1] > history[0] - 1e-3
    assert history[-1] == pytest.approx(rbm.score(X), abs=0.05)


@pytest.mark.parametrize("algorithm", ["exact", "pcd"])
def test_learning_from_rows_with_gaps(algorithm):
    X, rows = rows_of_model(1500), rows_of_model(2000, seed=9)
    X[np.random.default_rng(0).random(X.shape) < 0.3] = np.nan
    settings = {"algorithm": algorithm, "random_state": 0, "max_iter": 400}
    rbm = GaussianRBM(2, n_groups=2, **settings).fit(X)
    true = Oracle(model()).log_density(rows).mean()
    assert rbm.score(rows) > true - 0.06


def test_groups_keep_the_floor_of_the_variance():
    """A thousandth of the variance of each column, where columns are copies."""
    X = np.random.default_rng(0).normal(size=(200, 2))
    X = np.hstack([X, X[:, :1]])
    direction = np.array([1.0, 0.0, -1.0]) / X.std(axis=0)
    for algorithm in ("exact", "pcd"):
        settings = {"algorithm": algorithm, "max_iter": 300, "random_state": 0}
        settings["reg_covar"] = 1e-3
        rbm = GaussianRBM(1, n_groups=2, tol=1e-3, **settings).fit(X)
        left = np.einsum("i,gij,j->g", direction, rbm.noise_covariances_, direction)
        assert (left / 2 > 5e-4).all()
        assert (left / 2 < 2e-3).all()


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_rows_that_are_alike_make_no_groups():
    for X in (np.full((30, 3), 7.0), np.repeat([[0.0, 1.0], [1.0, 0.0]], 10, axis=0)):
        rbm = GaussianRBM(1, n_groups=3, n_scales=2, random_state=0).fit(X)
        assert np.isfinite(rbm.score(X))
        assert np.isfinite(rbm.sample(5, random_state=0)).all()


def test_units_of_columns_do_not_matter():
    X = rows_of_model(300)
    rbm = GaussianRBM(1, n_groups=2, random_state=0, max_iter=50, tol=1e-3).fit(X)
    other = clone(rbm).fit(100 * X + 7)
    np.testing.assert_allclose(
        other.locations_, 100 * rbm.locations_ + 7, rtol=1e-2, atol=1
    )
    assert other.score(100 * X + 7) == pytest.approx(
        rbm.score(X) - 2 * np.log(100), abs=1e-3
    )


def test_chunks_copies_and_the_other_estimators():
    X = rows_of_model(600)
    rbm = GaussianRBM(2, n_groups=2, random_state=0)
    for start in range(0, 600, 100):
        rbm.partial_fit(X[start : start + 100])
    with pytest.raises(ValueError, match="n_groups was 2 when learning began"):
        rbm.set_params(n_groups=3).partial_fit(X)
    again = model(X=X, random_state=0).partial_fit(X)
    assert abs(again.score(X) - model().score(X)) < 0.1
    stopped = GaussianRBM(
        2, n_groups=2, early_stopping=True, max_iter=300, random_state=0
    ).fit(X, sample_weight=np.arange(600))
    assert np.isfinite(stopped.history_["validation_log_likelihood"]).all()
    search = GridSearchCV(
        GaussianRBM(1, max_iter=30, tol=0.1, random_state=0), {"n_groups": [1, 2]}, cv=2
    )
    assert search.fit(X).best_params_ == {"n_groups": 2}
    detector = EnergyOutlierDetector(
        GaussianRBM(1, n_groups=2, max_iter=30, tol=0.1, random_state=0)
    ).fit(X)
    assert (detector.predict([[1e3, 1e3]]) == -1).all()


def test_what_is_fitted_stays_when_parameters_are_set():
    X = rows_of_model(100)
    settings = {"algorithm": "pcd", "max_iter": 50, "random_state": 0}
    grouped = GaussianRBM(2, n_groups=2, **settings).fit(X)
    plain = GaussianRBM(2, **settings).fit(X)
    for rbm, other in ((grouped, 1), (plain, 3)):
        score, drawn = rbm.score_samples(X), rbm.sample(3, random_state=0)
        rbm.set_params(n_groups=other)
        np.testing.assert_array_equal(rbm.score_samples(X), score)
        np.testing.assert_array_equal(rbm.sample(3, random_state=0), drawn)
        assert hasattr(rbm, "lowest_energy") == (rbm is plain)
        rbm.fit(X)
        for name in ("group_weights_", "locations_", "noise_covariances_"):
            assert hasattr(rbm, name) == (other > 1)
        assert not hasattr(rbm, "scales_")


# ---- refusals ----


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"group_weights": [1.0]}, "as many"),
        ({"group_weights": [0.5, 0.1]}, "sum to 1"),
        ({"locations": CENTRES[:1]}, "as many"),
        ({"locations": CENTRES[:, :1]}, "locations has shape"),
        ({"locations": None}, "need locations"),
        ({"noises": [np.eye(2), -np.eye(2)]}, "positive definite"),
        ({"n_groups": 3}, "pass as many groups"),
        ({"scales": np.ones((3, 2))}, "scales has shape"),
        ({"noise_variance": 0.5}, "noise of several groups"),
        ({"sampler": "langevin"}, "Set sampler='gibbs'"),
    ],
)
def test_parameters_that_make_no_groups(changes, match):
    with pytest.raises(ValueError, match=match):
        model(**changes)


def test_what_has_no_groups():
    X = rows_of_model(50)
    with pytest.raises(ValueError, match="noise of several groups"):
        GaussianRBM(2, n_groups=2, noise_variance=1.0).fit(X)
    with pytest.raises(ValueError, match="a slope in each of them"):
        GaussianRBM(2, n_groups=2, sampler="langevin").fit(X)
    assert not hasattr(model(), "lowest_energy")
    stack = DeepBeliefNetwork((GaussianRBM(2, n_groups=2), BinaryRBM(2)))
    with pytest.raises(ValueError, match="whose group and scale are not known"):
        stack.fit(X)


def test_noises_that_follow_each_other():
    """One takes what the other gives: the product of both."""
    first = GaussianUnits.of_base(whiten_covariance(NOISES[0]))
    second = GaussianUnits.of_base(whiten_covariance(NOISES[1]))
    rows = rows_of_model(5)
    np.testing.assert_allclose(
        first.followed(second).statistics(rows),
        second.statistics(first.statistics(rows)),
    )


@pytest.mark.parametrize("n_scales", [1, 2])
def test_the_number_of_groups_is_chosen_by_rows_held_out(n_scales):
    apart = rows_of_model(300)
    together = np.random.default_rng(0).normal(size=(300, 2))
    if n_scales > 1:
        together *= np.random.default_rng(1).choice([1, 3], size=(300, 1))
    settings = {"n_scales": n_scales, "max_iter": 5, "tol": 1.0, "random_state": 0}
    for X, is_one in ((apart, False), (together, True)):
        rbm = GaussianRBM(1, n_groups="auto", **settings).fit(X)
        assert (rbm.n_groups_ == 1) == is_one
        assert hasattr(rbm, "group_weights_") != is_one
        if not is_one:
            assert len(rbm.group_weights_) == rbm.n_groups_
        assert hasattr(rbm, "lowest_energy") == (is_one and n_scales == 1)
        same = clone(rbm).set_params(n_groups=rbm.n_groups_).fit(X)
        np.testing.assert_array_equal(same.score_samples(X), rbm.score_samples(X))
    few = GaussianRBM(1, n_groups="auto", random_state=0).fit(apart[:3])
    assert few.n_groups_ == 1


# ---- gaps, where what is missing tells the groups apart ----


def apart(n_hidden):
    """Two groups far apart in a column, of which hidden units say nothing."""
    return GaussianRBM.from_parameters(
        np.zeros((n_hidden, 2)),
        [0, 0],
        np.zeros(n_hidden),
        1.0,
        locations=[[0, -8], [0, 8]],
        group_weights=[0.1, 0.9],
        noises=[0.2, 1.0],
        random_state=0,
    )


def test_draws_of_gaps_are_of_each_group_as_often_as_it_is_likely():
    """Chains would stay in the group that they start in; 13 units are not summed."""
    given = np.tile([[0.0, np.nan]], (2000, 1))
    densities = np.array([0.1, 0.9]) / np.sqrt([0.2, 1.0])
    share = densities[0] / densities.sum()
    drawn = apart(13).sample(2000, given=given, random_state=0)[:, 1]
    assert_mean_is(share, drawn < 0, n_errors=4)


def test_means_of_gaps_are_over_groups_where_units_are_too_many_to_sum_over():
    rows = np.array([[0.0, np.nan], [0.5, 1.0], [1.0, np.nan]])
    known = np.nan_to_num(rows), ~np.isnan(rows)
    few, many = apart(12)._energy(), apart(13)._energy()
    means = mean_incomplete(many, *known, np.zeros(2), 0)
    # Of 600 draws of deviations up to 1, 5 standard errors; and one of the annealing.
    np.testing.assert_allclose(means, few.mean_missing(*known), atol=0.25)
    hidden = apart(13).transform(rows)
    np.testing.assert_allclose(hidden, 0.5, atol=1e-6)


def test_rows_too_far_away_for_any_density_have_features():
    features = apart(2).transform([[1e160, 1e160]])
    np.testing.assert_array_equal(features, 0.5)


# ---- how many groups there are ----


@pytest.mark.parametrize("repeated", ["weights", "rows"])
def test_copies_of_rows_are_no_groups(repeated):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    weights = rng.integers(1, 8, 200)
    machine = GaussianRBM(1, n_groups="auto", max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if repeated == "weights":
            machine.fit(X, sample_weight=weights)
        else:
            machine.fit(np.repeat(X, weights, axis=0))
    assert machine.n_groups_ == 1


def test_gaps_are_no_groups():
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal(np.zeros(5), 0.1 * np.eye(5) + 0.9, 1000)
    X[rng.random(X.shape) < 0.3] = np.nan
    machine = GaussianRBM(1, n_groups="auto", algorithm="pcd", max_iter=5)
    assert machine.set_params(random_state=0).fit(X).n_groups_ == 1


def test_a_single_far_row_makes_few_groups():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(200, 2)), [[1e4, 1e4]]])
    machine = GaussianRBM(1, n_groups="auto", algorithm="pcd", max_iter=5)
    assert machine.set_params(random_state=0).fit(X).n_groups_ <= 2


def test_a_single_group_of_wide_rows_has_factors():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(250, 3)) @ rng.normal(size=(3, 110))
    X += rng.normal(size=X.shape)
    settings = {"algorithm": "pcd", "max_iter": 20, "random_state": 0}
    machine = GaussianRBM(1, n_groups="auto", **settings).fit(X)
    assert machine.n_groups_ == 1
    np.testing.assert_array_equal(
        machine.noise_factors_, GaussianRBM(1, **settings).fit(X).noise_factors_
    )


@pytest.mark.parametrize("name", ["noises", "group_weights"])
def test_a_number_for_all_groups_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must have a row for each group"):
        model(**{name: 2.0})
