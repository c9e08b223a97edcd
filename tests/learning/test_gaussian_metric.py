import numpy as np
import pytest
from gaussian_machines import gaussian_machine, oracle_of
from statistical import assert_mean_is

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.learning import gaussian_metric
from skebm.learning.gaussian_metric import GaussianMetric
from skebm.sampling.noise import UniformNoise

DAMPING = 0.01
N_HIDDEN, N_VISIBLE = 3, 4


def sample(seed=0, n_rows=50):
    """Draw centred hidden units that depend on each other, and the constant."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((N_HIDDEN, N_HIDDEN))
    rows = rng.standard_normal((n_rows, N_HIDDEN)) @ mixing
    return np.column_stack([rows, np.ones(n_rows)])


def random_gradient(n_step_rows, seed=1):
    rng = np.random.default_rng(seed)
    shape = (N_HIDDEN + 1 + n_step_rows, N_VISIBLE + 1)
    return rng.standard_normal(shape).astype(np.float32)


def damped(moment):
    return moment + np.diag(np.append(np.full(len(moment) - 1, DAMPING), 0))


def start_moment():
    return np.diag(np.append(np.full(N_HIDDEN, 0.25), 1.0))


@pytest.mark.parametrize("n_step_rows", [1, N_VISIBLE])
@pytest.mark.parametrize("diagonal", [False, True])
def test_the_moment_of_the_hidden_units_is_inverted(n_step_rows, diagonal):
    rows, gradient = sample(), random_gradient(n_step_rows)
    before = gradient.copy()
    metric = GaussianMetric.start(N_HIDDEN, diagonal=diagonal)
    metric = metric.updated(hidden_rows=rows)
    moment = 0.8 * start_moment() + 0.2 * rows.T @ rows / len(rows)
    if diagonal:
        moment = np.diag(np.diag(moment))
    expected = np.linalg.solve(damped(moment), gradient[: N_HIDDEN + 1])
    result = metric.natural(gradient)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[: N_HIDDEN + 1], expected, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(gradient, before)


def test_scales_of_the_noise_have_information_two():
    gradient = random_gradient(1)
    result = GaussianMetric.start(N_HIDDEN).natural(gradient)
    np.testing.assert_array_equal(result[-1], gradient[-1] / 2)


def test_correlations_of_the_noise_have_information_one():
    gradient = random_gradient(N_VISIBLE)
    expected = gradient[-N_VISIBLE:].copy()
    for column in range(N_VISIBLE):
        expected[column, column] /= 2
    result = GaussianMetric.start(N_HIDDEN).natural(gradient)
    np.testing.assert_array_equal(result[-N_VISIBLE:], expected)


def test_information_is_that_of_normal_rows():
    """Squares of the derivatives of single rows, of a machine without weights."""
    energy = gaussian_machine("full", N_HIDDEN, 3)
    flat = GaussianRBMEnergy(
        np.zeros((N_HIDDEN, 3)), np.zeros(3), np.zeros(N_HIDDEN), energy.whitening
    )
    centred = flat.centred(np.full(N_HIDDEN, 0.5))
    rng = np.random.default_rng(0)
    noise = UniformNoise(rng, np.float64)
    prepared = centred.prepare(oracle_of(flat).draw(20_000, rng)[0])
    chains = np.zeros((1, N_HIDDEN), dtype=bool)
    squares = np.array(
        [
            centred.contrast(row[np.newaxis], chains, noise)[0][N_HIDDEN:, :-1] ** 2
            for row in prepared
        ]
    )
    lower = np.tril(np.ones((3, 3), dtype=bool))
    assert_mean_is((1 + np.eye(3))[lower], squares[:, 1:][:, lower])
    assert_mean_is(np.ones(3), squares[:, 0])  # of the visible biases


@pytest.mark.parametrize("n_step_rows", [1, N_VISIBLE])
def test_climbs(n_step_rows):
    gradient = random_gradient(n_step_rows)
    metric = GaussianMetric.start(N_HIDDEN).updated(hidden_rows=sample())
    assert np.vdot(gradient, metric.natural(gradient)) > 0


def test_scales_are_those_of_the_weights():
    metric = GaussianMetric.start(N_HIDDEN, diagonal=True)
    metric = metric.updated(hidden_rows=sample())
    gradient = random_gradient(1)
    result = metric.natural(gradient)[:N_HIDDEN, :-1]
    np.testing.assert_array_equal(metric.scales() * gradient[:N_HIDDEN, :-1], result)


def test_a_full_metric_becomes_that_of_its_diagonal():
    metric = GaussianMetric.start(N_HIDDEN).updated(hidden_rows=sample())
    diagonal = metric.diagonal()
    np.testing.assert_array_equal(diagonal.hidden_moment, np.diag(metric.hidden_moment))
    assert diagonal.hidden_factor.ndim == 1
    again = diagonal.diagonal()
    np.testing.assert_array_equal(again.hidden_factor, diagonal.hidden_factor)


def test_follows_hidden_rows_alone():
    metric = GaussianMetric.start(N_HIDDEN)
    updated = metric.updated(visible_rows=np.ones((5, N_VISIBLE + 1)))
    np.testing.assert_array_equal(updated.hidden_moment, start_moment())
    followed = metric.updated(hidden_rows=sample())
    assert (followed.hidden_moment != metric.hidden_moment).any()
    np.testing.assert_array_equal(metric.hidden_moment, start_moment())


def test_many_hidden_units_use_the_diagonal(monkeypatch):
    monkeypatch.setattr(gaussian_metric, "MAX_FULL_FACTOR", N_HIDDEN + 1)
    assert GaussianMetric.start(N_HIDDEN).hidden_moment.ndim == 2
    assert GaussianMetric.start(N_HIDDEN + 1).hidden_moment.ndim == 1
