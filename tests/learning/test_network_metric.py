"""Natural gradients of networks against the covariance of all slopes."""

import numpy as np
import pytest
from neural_energies import neural_energy

from skebm.energy.network import Network
from skebm.learning.network_metric import NetworkMetric

DAMPING = 0.1


def machine_and_rows(scale=1.0, n_rows=300):
    """Give a machine, rows of data and chains, and the slopes of f at all of them."""
    energy = neural_energy((2, 5, 4), scale=scale).marginal()[0].astype(np.float32)
    chains = np.random.default_rng(0).normal(0, 1, (n_rows, 2)).astype(np.float32)
    slopes = []
    for number in range(len(energy.ravel())):
        one = (np.arange(len(energy.ravel())) == number).astype(float)
        exact = energy.astype(np.float64)
        along = Network.of(one, energy.sizes, "swish")
        layers = exact.context(chains.astype(float)).layers
        slopes.append(exact.network.change(layers, along))
    return energy, np.split(chains, 2), np.array(slopes)


def gradient_of(energy, size):
    rng = np.random.default_rng(1)
    return energy.unravel(size * rng.normal(0, 1, energy.ravel().size)).astype(
        np.float32
    )


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_steps_are_natural_gradients(alpha):
    """(F + damping)^-1 times the gradient, less that of the penalty of weights."""
    energy, seen, slopes = machine_and_rows()
    gradient = gradient_of(energy, 0.01)
    metric = NetworkMetric(alpha)
    step, rate = metric.step(energy, gradient, 0.1, seen)
    assert rate == 0.1
    penalised = gradient.ravel().astype(float)
    n_weights = energy.penalised.size
    penalised[:n_weights] -= alpha * energy.penalised
    covariance = np.cov(slopes, bias=True)
    natural = np.linalg.solve(covariance + DAMPING * np.eye(len(covariance)), penalised)
    largest = np.abs(0.1 * natural).max()
    np.testing.assert_allclose(step.ravel(), 0.1 * natural, atol=1e-4 * largest)
    assert step.vector.dtype == np.float32
    # The penalty is in the step, and what learns takes no other.
    assert metric.scales() == 0
    assert metric.diagonal() is metric.follow_hidden(energy, None) is metric


def test_steps_are_shortened_where_they_change_much():
    energy, seen, slopes = machine_and_rows()
    step, rate = NetworkMetric(0.0).step(energy, gradient_of(energy, 100), 0.1, seen)
    assert 0 < rate < 0.1
    assert (slopes.T @ step.ravel()).std() == pytest.approx(0.3, rel=1e-3)


def test_large_slopes_are_damped_enough_for_single_precision():
    energy, seen, _ = machine_and_rows(scale=1e4)
    step, _ = NetworkMetric(0.0).step(energy, gradient_of(energy, 1), 0.1, seen)
    assert np.isfinite(step.ravel()).all()


def test_what_is_not_finite_gives_no_finite_step():
    """Learning looks for it at the end of each stage, and says that it diverged."""
    energy, seen, _ = machine_and_rows()
    broken = energy.unravel(energy.ravel() * np.nan)
    step, _ = NetworkMetric(0.0).step(broken, energy, 0.1, seen)
    assert np.isnan(step.ravel()).any()


def test_rows_that_tell_many_directions_apart_raise_the_damping():
    """Of 20 rows steps follow a fifth of the directions, as far as that is told."""
    energy, seen, slopes = machine_and_rows(scale=10, n_rows=20)
    gradient = gradient_of(energy, 1e-4)
    step, rate = NetworkMetric(0.0).step(energy, gradient, 0.1, seen)
    covariance = np.cov(slopes, bias=True)
    found = []
    for damping in DAMPING * 3.0 ** np.arange(20):
        damped = covariance + damping * np.eye(len(covariance))
        natural = rate * np.linalg.solve(damped, gradient.ravel().astype(float))
        if np.abs(step.ravel() - natural).max() < 1e-3 * np.abs(natural).max():
            found.append((damping, np.trace(np.linalg.solve(damped, covariance))))
    ((damping, n_directions),) = found
    assert damping > DAMPING
    assert 1 < n_directions < 6
