"""The oracle is held to the definitions by numerical integration."""

import numpy as np
import pytest
from gaussian_oracle import GaussianRBMOracle, random_gaussian_rbm
from scipy.integrate import quad
from statistical import assert_draws_from, assert_mean_is


def oracle_of_size(n_hidden, n_visible, *, full=True, beta=1.0, seed=0):
    parameters = random_gaussian_rbm(n_hidden, n_visible, full=full, seed=seed)
    return GaussianRBMOracle(*parameters, beta)


def boltzmann_factor(oracle, *values):
    """exp(-beta E), summed over h, configuration by configuration."""
    visible = np.array([values])
    return sum(
        np.exp(-oracle.beta * oracle.energy(visible, h[np.newaxis])[0])
        for h in oracle.hidden
    )


def limits(oracle, feature):
    mean, covariance = oracle.moments()
    reach = 12 * np.sqrt(covariance[feature, feature])
    return mean[feature] - reach, mean[feature] + reach


def test_energy_is_that_of_the_definition():
    components, visible_bias, hidden_bias, noise = random_gaussian_rbm(2, 3)
    oracle = GaussianRBMOracle(components, visible_bias, hidden_bias, noise)
    v, h = np.array([0.3, -1.2, 0.8]), np.array([1.0, 0.0])
    expected = -sum(hidden_bias * h)
    for i in range(3):
        expected += (v[i] - visible_bias[i]) ** 2 / (2 * noise[i])
        for j in range(2):
            expected -= v[i] * components[j, i] * h[j] / noise[i]
    result = oracle.energy(v[np.newaxis], h[np.newaxis])
    np.testing.assert_allclose(result, expected, rtol=1e-13)


@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_log_partition_and_density_in_one_dimension(beta):
    oracle = oracle_of_size(3, 1, beta=beta)
    integral, _ = quad(
        lambda v: boltzmann_factor(oracle, v),
        *limits(oracle, 0),
        epsabs=0,
        epsrel=1e-12,
        limit=500,
    )
    assert oracle.log_partition == pytest.approx(np.log(integral), abs=1e-10)
    for v in (-1.0, 0.2, 1.5):
        exact = np.log(boltzmann_factor(oracle, v) / integral)
        density = oracle.log_density(np.array([[v]]))
        np.testing.assert_allclose(density, exact, rtol=0, atol=1e-10)
        own = oracle.conditional_log_density(np.array([[v]]))
        np.testing.assert_array_equal(own, [density])


def test_log_partition_and_conditionals_in_two_dimensions():
    oracle = oracle_of_size(2, 2)
    # The trapezoidal rule, exact to rounding at steps this small beside the noise.
    first, second = (np.linspace(*limits(oracle, i), 1000) for i in range(2))
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    factors = sum(
        np.exp(-oracle.energy(grid, np.tile(h, (len(grid), 1)))) for h in oracle.hidden
    )
    integral = factors.sum() * (first[1] - first[0]) * (second[1] - second[0])
    assert oracle.log_partition == pytest.approx(np.log(integral), abs=1e-10)
    row = np.array([[0.3, -0.7]])
    for feature in range(2):

        def factor(value, feature=feature):
            moved = row[0].copy()
            moved[feature] = value
            return boltzmann_factor(oracle, *moved)

        total, _ = quad(
            factor, *limits(oracle, feature), epsabs=0, epsrel=1e-12, limit=500
        )
        exact = np.log(boltzmann_factor(oracle, *row[0]) / total)
        result = oracle.conditional_log_density(row)[0, feature]
        assert result == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_laws_are_those_of_the_energy(beta):
    oracle = oracle_of_size(3, 2, beta=beta)
    rows = np.random.default_rng(0).normal(size=(5, 2))
    density = oracle.log_density(rows)
    for number, row in enumerate(rows):
        factors = np.exp(-beta * oracle.energy(np.tile(row, (8, 1)), oracle.hidden))
        exact = np.log(factors.sum()) - oracle.log_partition
        assert density[number] == pytest.approx(exact, abs=1e-12)
        mean = factors @ oracle.hidden / factors.sum()
        np.testing.assert_allclose(
            oracle.posterior_mean(rows)[number], mean, rtol=0, atol=1e-13
        )


def test_draws_have_the_law_and_the_moments():
    oracle = oracle_of_size(2, 2, beta=0.7)
    visible, hidden = oracle.draw(100_000, np.random.default_rng(0))
    assert_draws_from(oracle.law, oracle.index(hidden))
    mean, covariance = oracle.moments()
    assert_mean_is(mean, visible)
    deviation = visible - mean
    assert_mean_is(covariance, deviation[:, :, np.newaxis] * deviation[:, np.newaxis])


def test_units_are_on_neither_always_nor_never():
    for seed in range(20):
        oracle = oracle_of_size(3, 2, full=seed % 2 == 0, seed=seed)
        mean = oracle.law @ oracle.hidden
        assert mean.min() > 0.01
        assert mean.max() < 0.99
