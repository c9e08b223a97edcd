"""`NeuralEnergyModel` against quadrature, and what it refuses."""

import numpy as np
import pytest
from models import contents, random_network
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from statistical import assert_mean_is

from skebm import (
    EnergyImputer,
    EnergyOutlierDetector,
    NeuralEnergyModel,
    log_partition_bounds,
)
from skebm.estimator import likelihood
from skebm.learning.network_metric import NetworkMetric

LAYERS = (4, 3)


@pytest.fixture
def quick_log_z(monkeypatch):
    """Log Z in half the time, where its last digits are not looked at."""
    monkeypatch.setattr(likelihood, "_TEMPERING_STEPS", 100)


def ring(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n_rows)
    rows = np.column_stack([10 * np.cos(angle), 0.1 * np.sin(angle)])
    return rows + rng.normal(0, 1, rows.shape) * [1.5, 0.015] + [100, -5]


@pytest.fixture(scope="module")
def known():
    """A model of two features, of known parameters; its grid of rows and weights."""
    parameters, location, covariance = random_network(2, seed=3)
    parameters[8 + 12 : 8 + 12 + 3] *= 2
    model = NeuralEnergyModel.from_parameters(
        parameters,
        location,
        covariance,
        hidden_layer_sizes=LAYERS,
        random_state=0,
    )
    reach = 12 * np.sqrt(np.diag(covariance))
    axes = [
        np.linspace(x - r, x + r, 400) for x, r in zip(location, reach, strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return model, grid, sum(np.log(axis[1] - axis[0]) for axis in axes)


@pytest.fixture(scope="module")
def learned():
    return NeuralEnergyModel((16, 16), max_iter=400, n_chains=200, random_state=0).fit(
        ring(2000)
    )


def test_energy_is_that_of_the_definition(known):
    model, grid, _ = known
    rows = grid[::9973]
    root = np.linalg.inv(np.linalg.cholesky(model.covariance_))
    white = (rows - model.location_) @ root.T
    units = white
    for weights, bias in zip(model.coefs_[:-1], model.intercepts_, strict=True):
        field = units @ weights + bias
        units = field / (1 + np.exp(-field))
    exact = (white**2).sum(axis=1) / 2 + units @ model.coefs_[-1]
    np.testing.assert_allclose(model.energy(rows), exact, atol=1e-10)
    np.testing.assert_allclose(model.transform(rows), units, atol=1e-12)


def test_scores_are_normalised(known):
    model, grid, log_cell = known
    total = logsumexp(model.score_samples(grid)) + log_cell
    assert abs(total) < 5 * model.log_partition_std_
    assert 0 < model.log_partition_std_ < 0.03
    exact = logsumexp(-model.energy(grid)) + log_cell
    bounds = log_partition_bounds(model, tol=0.05, n_steps=200, random_state=1)
    assert abs(bounds.lower - exact) < 5 * bounds.lower_std
    assert abs(bounds.upper - exact) < 5 * bounds.upper_std


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("how", ["sample", "gibbs"])
def test_draws_have_the_law(known, how, temperature):
    """Means, squares and products to five standard errors of 4000 rows."""
    model, grid, _ = known
    weight = -model.energy(grid) / temperature
    law = np.exp(weight - logsumexp(weight))

    def moments(rows):
        x, y = (rows - model.location_).T
        return np.column_stack([x, y, x * x, y * y, x * y, np.abs(x), np.sin(3 * y)])

    given = {"temperature": temperature, "random_state": 0}
    if how == "sample":
        drawn = model.sample(4000, n_steps=100, **given)
    else:
        rng = np.random.default_rng(5)
        start = grid[rng.choice(len(grid), 4000, p=law)]
        drawn = model.gibbs(start, n_steps=3, **given)
        assert (drawn != start).any(axis=1).mean() > 0.5
    assert_mean_is(law @ moments(grid), moments(drawn))


def test_conditionals_and_missing_values(known):
    model, grid, _ = known
    side = int(np.sqrt(len(grid)))
    spacing = grid[1, 1] - grid[0, 1]
    exact = logsumexp(-model.energy(grid).reshape(side, side), axis=1)
    exact = exact + np.log(spacing) - model.log_partition()
    chosen = np.arange(side // 2 - 30, side // 2 + 30, 12)
    rows = np.column_stack([grid[::side][chosen, 0], np.full(len(chosen), np.nan)])
    scores, std = model.score_samples(rows, return_std=True)
    assert (std > 0).all()
    assert (std < 0.3).all()
    assert (np.abs(scores - exact[chosen]) < 5 * std).all()
    # Given the first, the second column has what is left of the joint density.
    rows[:, 1] = model.location_[1]
    conditional = model.conditional_score_samples(rows)[:, 1]
    left = model.score_samples(rows) - exact[chosen]
    np.testing.assert_allclose(conditional, left, atol=1e-6)


def test_learning_beats_the_normal_distribution_in_any_units(learned):
    test = ring(2000, seed=1)
    normal = GaussianMixture().fit(ring(2000)).score(test)
    assert learned.score(test) > normal + 0.3
    low, high = test.min(axis=0), test.max(axis=0)
    axes = [
        np.linspace(x - (y - x), y + (y - x), 400)
        for x, y in zip(low, high, strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    log_cell = sum(np.log(axis[1] - axis[0]) for axis in axes)
    total = logsumexp(learned.score_samples(grid)) + log_cell
    assert abs(total) < 5 * learned.log_partition_std_
    history = learned.history_["train_log_likelihood"]
    assert history[-1] > history[0] + 0.3
    assert abs(history[-1] - learned.score(ring(2000))) < 0.2
    assert learned.step_size_ != 1.0
    short, X = clone(learned).set_params(max_iter=100), ring(2000)
    parameters = short.fit(X).parameters_
    short.fit(X * [1e3, 1e-3] + [5, 7])
    np.testing.assert_allclose(short.parameters_, parameters, atol=1e-3)


@pytest.mark.usefixtures("quick_log_z")
@pytest.mark.parametrize("activation", ["softplus", "tanh"])
def test_other_activations_learn(activation):
    X = ring(600)
    model = NeuralEnergyModel(
        16, activation=activation, max_iter=200, n_chains=100, random_state=0
    ).fit(X)
    normal = GaussianMixture().fit(X).score(X)
    assert model.score(X) > normal + 0.05
    assert (np.abs(model.transform(X)) <= 1).all() == (activation == "tanh")


@pytest.mark.usefixtures("quick_log_z")
def test_other_parts_of_the_package_take_it(learned):
    X = ring(300)
    detector = EnergyOutlierDetector(clone(learned).set_params(max_iter=50)).fit(X)
    assert detector.predict(X[:1] + 1000) == -1
    gaps = X.copy()
    gaps[::3, 1] = np.nan
    imputer = EnergyImputer(clone(learned).set_params(max_iter=20))
    filled = imputer.fit_transform(gaps)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[1::3], X[1::3])
    drawn = learned.sample(given=gaps[:9], n_steps=20, random_state=0)
    np.testing.assert_array_equal(drawn[:, 0], gaps[:9, 0])


def test_minima_lie_on_the_ring(learned):
    minima = learned.lowest_energy(n_starts=20, n_steps=0, random_state=0)
    reached = (minima.states - [100, -5]) / [10, 0.1]
    radius = np.sqrt((reached**2).sum(axis=1))
    assert (np.abs(radius[:1] - 1) < 0.3).all()
    assert (np.diff(minima.energies) >= 0).all()


@pytest.mark.usefixtures("quick_log_z")
def test_early_stopping_and_penalty():
    X = ring(400)
    quick = {"max_iter": 150, "n_chains": 100, "random_state": 0}
    stopped = NeuralEnergyModel(8, early_stopping=True, **quick).fit(X)
    held_out = stopped.history_["validation_log_likelihood"]
    assert np.isfinite(held_out).all()
    assert held_out[-1] > held_out[0]
    free = NeuralEnergyModel(8, **quick).fit(X)
    small = NeuralEnergyModel(8, alpha=0.01, **quick).fit(X)
    squares = [sum((w**2).sum() for w in model.coefs_) for model in (small, free)]
    assert 0 < squares[0] < squares[1]
    # Under a strong one the model is all but normal.
    none = NeuralEnergyModel(8, alpha=10.0, **quick | {"max_iter": 300}).fit(X)
    normal = GaussianMixture(reg_covar=0).fit(X).score(X)
    assert none.score(X) == pytest.approx(normal, abs=0.01)


@pytest.mark.usefixtures("quick_log_z")
def test_divergence_is_raised_and_leaves_nothing_behind(monkeypatch):
    """No step size makes these steps diverge: they have a largest length."""
    wild = NeuralEnergyModel(8, learning_rate=1e9, max_iter=50, random_state=0)
    assert np.isfinite(wild.fit(ring(100)).score(ring(100)))
    model = NeuralEnergyModel(8, max_iter=10, random_state=0).partial_fit(ring(100))
    before = contents(model)

    def endless(metric, energy, gradient, rate, seen):
        return gradient.with_arrays([np.full_like(gradient.vector, np.inf)]), rate

    monkeypatch.setattr(NetworkMetric, "step", endless)
    with pytest.raises(FloatingPointError, match="Lower learning_rate"):
        model.partial_fit(ring(100))
    assert contents(model) == before
    model = NeuralEnergyModel(8, max_iter=50, random_state=0)
    with pytest.raises(FloatingPointError, match="Lower learning_rate"):
        model.fit(ring(100))
    assert vars(model) == vars(clone(model))


@pytest.mark.parametrize("sizes", [(), (4, 0), (2.5,), [[3, 4]], "wide", ("4",)])
def test_layers_must_be_numbers_of_units(sizes):
    model = NeuralEnergyModel(sizes, max_iter=2)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.fit(ring(20))
    assert not hasattr(model, "n_features_in_")


def test_parameters_must_fit_the_network():
    parameters, location, covariance = random_network(2)

    def make(*given, **params):
        params = {"hidden_layer_sizes": LAYERS} | params
        return NeuralEnergyModel.from_parameters(*given, **params)

    with pytest.raises(ValueError, match="parameters has shape"):
        make(parameters[:-1], location, covariance)
    with pytest.raises(ValueError, match="symmetric and positive definite"):
        make(parameters, location, -covariance)
    with pytest.raises(ValueError, match="must be a matrix"):
        make(parameters, location, [1.0, 2.0])
    with pytest.raises(ValueError, match="step_size=0 must be positive"):
        make(parameters, location, covariance, step_size=0)
    with pytest.raises(ValueError, match="NaN"):
        make(parameters * np.nan, location, covariance)
    model = make(parameters, location, covariance, step_size=0.2, random_state=0)
    assert model.step_size_ == 0.2
    with pytest.raises(ValueError, match="hidden_layer_sizes was"):
        model.set_params(hidden_layer_sizes=(5,)).partial_fit(ring(20))


@pytest.mark.usefixtures("quick_log_z")
def test_tempering_and_contrastive_divergence_learn_too():
    X, settings = ring(300), {"max_iter": 75, "n_chains": 30, "random_state": 0}
    for params in ({"tempering": True}, {"algorithm": "cd"}):
        model = NeuralEnergyModel(8, **params, **settings).fit(X)
        history = model.history_["train_log_likelihood"]
        assert history[-1] > history[0]
        assert np.isfinite(model.score(X))
