import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann

from skebm.energy import boltzmann_moments
from skebm.energy.boltzmann import BoltzmannEnergy


def assert_moments(moments, exact, precision=1e-14):
    for part, exact_part in zip(moments, exact, strict=True):
        np.testing.assert_allclose(part, exact_part, rtol=0, atol=precision)


# Blocks of all configurations, of some, and of one column.
@pytest.mark.parametrize("block_elements", [2**15, 16, 1])
@pytest.mark.parametrize("n_units", [1, 2, 5, 8])
def test_moments_of_the_model(monkeypatch, n_units, block_elements):
    monkeypatch.setattr(boltzmann_moments, "_BLOCK_ELEMENTS", block_elements)
    parameters = random_boltzmann(n_units)
    oracle = BoltzmannOracle(*parameters)
    log_partition, moments = BoltzmannEnergy(*parameters).model_moments()
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)
    assert_moments(moments, oracle.moments())


def test_more_units_than_one_block_holds():
    # Pairs of units, each independent of all others: log Z and moments by hand.
    n_pairs, coupling, bias = 9, 1.7, -0.4
    couplings = np.kron(np.eye(n_pairs), coupling * np.array([[0, 1], [1, 0]]))
    energy = BoltzmannEnergy(couplings, np.full(2 * n_pairs, bias))
    log_partition, moments = energy.model_moments()
    both = np.exp(2 * bias + coupling)
    partition = 1 + 2 * np.exp(bias) + both
    mean, product = (np.exp(bias) + both) / partition, both / partition
    assert log_partition == pytest.approx(n_pairs * np.log(partition), abs=1e-10)
    expected = np.full((18, 18), mean**2)
    expected[couplings != 0] = product
    np.fill_diagonal(expected, mean)
    assert_moments(moments, (expected, np.full(18, mean)), 1e-12)


def test_moments_of_weighted_rows():
    parameters = random_boltzmann(4)
    oracle = BoltzmannOracle(*parameters)
    weights = np.random.default_rng(0).uniform(0, 2, len(oracle.visible))
    value, moments = BoltzmannEnergy(*parameters).row_moments(oracle.visible, weights)
    assert value == pytest.approx(-weights @ oracle.energies, abs=1e-12)
    assert_moments(moments, oracle.moments(weights), 1e-13)


def test_values_between_zero_and_one_are_used_as_they_are():
    energy = BoltzmannEnergy(*random_boltzmann(4))
    visible = np.random.default_rng(0).uniform(size=(6, 4))
    value, moments = energy.row_moments(visible, np.full(6, 0.5))
    assert value == pytest.approx(-0.5 * energy.energy(visible).sum(), abs=1e-13)
    assert_moments(moments, (visible.T @ visible / 2, visible.sum(axis=0) / 2))


def test_large_parameters_neither_overflow_nor_lose_the_sum():
    energy = BoltzmannEnergy(900 * (1 - np.eye(4)), np.full(4, -600.0))
    log_partition, moments = energy.model_moments()
    # All units on: 6 * 900 - 4 * 600; any other configuration is far below.
    assert log_partition == pytest.approx(3000, rel=1e-15)
    assert all((part == 1).all() for part in moments)
