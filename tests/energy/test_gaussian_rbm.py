import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    gaussian_energy,
    gaussian_machine,
    oracle_of,
    rows_of,
    units_of,
)
from oracle import all_states
from scipy import stats
from statistical import assert_mean_is

from skebm.sampling.random import UniformNoise
from skebm.units.gaussian import GaussianUnits

N_ROWS = 100_000


@pytest.fixture(params=KINDS)
def energy(request):
    return gaussian_machine(request.param)


def noise_from(rng, dtype=np.float64):
    return UniformNoise(rng, dtype)


def assert_visible_given_hidden(oracle, visible, hidden):
    """Hold draws to the normal densities that they have given the hidden units."""
    root = np.linalg.cholesky(oracle.noise / oracle.beta)
    mean = oracle.means[oracle.index(hidden)]
    standard = np.linalg.solve(root, (visible - mean).T).T
    assert_mean_is(np.zeros(standard.shape[1]), standard)
    products = standard[:, :, np.newaxis] * standard[:, np.newaxis]
    assert_mean_is(np.eye(standard.shape[1]), products)
    for column in standard.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    # Whatever is on, and not only on average.
    for number in range(len(oracle.law)):
        chosen = standard[oracle.index(hidden) == number]
        assert_mean_is(np.zeros(standard.shape[1]), chosen)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_free_energy_less_log_z_is_the_density_of_the_mixture(kind, seed):
    energy = gaussian_machine(kind, 4, 3, seed=seed)
    log_partition, _ = energy.negative_phase()
    for spread in (1.0, 10.0):
        rows = rows_of(energy, 20, spread=spread)
        np.testing.assert_allclose(
            -energy.free_energy(rows) - log_partition,
            oracle_of(energy).log_density(rows),
            rtol=1e-12,
            atol=1e-10,
        )


def test_visible_mean(energy):
    oracle = oracle_of(energy)
    np.testing.assert_allclose(
        energy.visible_mean(oracle.hidden), oracle.means, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
def test_visible_rows_are_normal_given_the_hidden_units(energy, beta):
    oracle = oracle_of(energy, beta)
    hidden = np.tile(oracle.hidden, (N_ROWS // 8, 1)).astype(bool)
    noise = noise_from(np.random.default_rng(0))
    visible = energy.visible_of(hidden, noise, beta)
    assert_visible_given_hidden(oracle, visible, hidden)


# ---- units of the columns ----


@pytest.mark.parametrize("kind", KINDS)
def test_units_of_columns_change_nothing_but_the_volume(kind):
    energy = gaussian_machine(kind, 3, 3)
    units = np.array([1e-6, 1.0, 1e6])
    noise = energy.visible.covariance() * np.outer(units, units)
    scaled = gaussian_energy(
        energy.weights,
        energy.visible_bias,
        energy.hidden_bias,
        units_of(noise if kind == "full" else np.diag(noise), kind)
        if kind != "factor"
        else energy.visible.replaced(base=energy.visible.base / units),
    )
    rows = rows_of(energy)
    np.testing.assert_allclose(
        scaled.free_energy(rows * units), energy.free_energy(rows), rtol=0, atol=1e-9
    )
    rise = scaled.negative_phase()[0] - energy.negative_phase()[0]
    assert rise == pytest.approx(np.log(units).sum(), abs=1e-9)
    np.testing.assert_allclose(
        scaled.conditional_log_likelihood(rows * units) + np.log(units),
        energy.conditional_log_likelihood(rows),
        rtol=0,
        atol=1e-9,
    )


def test_log_volume_makes_densities_those_of_other_units():
    """Of rows that are given in units 2, 3 and 1/2 of the columns."""
    units = np.array([2.0, 3.0, 0.5])
    energy = gaussian_machine("diag", 3, 3)
    known = gaussian_machine("diag", 3, 3, log_volume=np.log(units).sum())
    in_units = gaussian_energy(
        energy.weights,
        energy.visible_bias,
        energy.hidden_bias,
        GaussianUnits.of_base(energy.visible.whitening / units),
    )
    rows = rows_of(energy)
    result = -known.free_energy(rows) - known.negative_phase()[0]
    expected = oracle_of(in_units).log_density(rows * units)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-10)


# ---- numbers out of the ordinary ----


@pytest.mark.parametrize("kind", KINDS)
def test_rows_a_thousand_deviations_away(kind):
    energy = gaussian_machine(kind, 4, 3)
    rows = rows_of(energy, spread=1e3)
    log_partition, _ = energy.negative_phase()
    result = -energy.free_energy(rows) - log_partition
    # Of half a million nats and more.
    assert result.max() < -1e5
    np.testing.assert_allclose(result, oracle_of(energy).log_density(rows), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_components_fifty_deviations_apart(kind):
    energy = gaussian_machine(kind, 4, 3, scale=50 / np.sqrt(3))
    oracle = oracle_of(energy)
    assert np.linalg.norm(energy.weights, axis=1).mean() > 35
    rows = rows_of(energy, 30)
    log_partition, _ = energy.negative_phase()
    assert log_partition == pytest.approx(oracle.log_partition, rel=1e-11)
    result = -energy.free_energy(rows) - log_partition
    # Terms of thousands of nats cancel.
    np.testing.assert_allclose(result, oracle.log_density(rows), rtol=0, atol=1e-9)


def test_a_whitening_of_condition_a_million():
    """Beside the same in extended precision: only rounding differs."""
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    matrix = np.linalg.qr(left * np.logspace(0, 6, 5))[1].T
    matrix *= np.sign(np.diag(matrix))
    matrix = np.tril(matrix) + np.tril(rng.normal(size=(5, 5)), -1)
    assert np.linalg.cond(matrix) > 9e5
    energy = gaussian_energy(
        rng.normal(size=(4, 5)),
        rng.normal(size=5),
        rng.normal(size=4),
        GaussianUnits.of_base(matrix),
    )
    noise = noise_from(rng)
    hidden = np.tile(all_states(4), (10, 1))
    rows = energy.visible_of(hidden > 0, noise)
    assert np.isfinite(rows).all()
    exact = extended_free_energy(energy, rows)
    np.testing.assert_allclose(energy.free_energy(rows), exact, rtol=0, atol=1e-8)


def extended_free_energy(energy, rows):
    white = rows.astype(np.longdouble) @ energy.visible.whitening.T
    spread = ((white - energy.visible_bias) ** 2).sum(axis=1) / 2
    field = white @ energy.weights.T + energy.hidden_bias
    return (spread - np.log1p(np.exp(field)).sum(axis=1)).astype(float)


def test_columns_that_are_nearly_the_same():
    """Noise with correlation 1 - 1e-8, of which the difference is another unit."""
    covariance = np.array([[1.0, 1 - 1e-8], [1 - 1e-8, 1.0]])
    weights = np.array([[1.0, 0.5], [-0.3, 2.0]])
    energy = gaussian_energy(
        weights,
        np.zeros(2),
        np.array([-1.0, 0.3]),
        units_of(covariance, "full"),
    )
    noise = noise_from(np.random.default_rng(0))
    rows = energy.visible_of(np.tile(all_states(2), (5, 1)) > 0, noise)
    exact = oracle_of(energy).log_density(rows)
    result = -energy.free_energy(rows) - energy.negative_phase()[0]
    # Deviations of 1e-4, squared, beside values known to 1e-16.
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-5)
    conditional = energy.conditional_log_likelihood(rows)
    assert np.isfinite(conditional).all()
    # Each follows from the other to within 1.4e-4.
    assert conditional.max() > 7
