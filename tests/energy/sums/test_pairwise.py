"""Sums over configurations, whatever the blocks that they are cut into."""

import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann

from skebm.energy.sums import pairwise
from skebm.energy.sums.pairwise import sum_over_configurations


def with_constant(products, mean):
    mean = mean[:, np.newaxis]
    return np.block([[products, mean], [mean.T, np.ones((1, 1))]])


# Blocks of all configurations, of some, and of one column.
@pytest.mark.parametrize("block_elements", [2**15, 16, 1])
@pytest.mark.parametrize("n_units", [1, 2, 5, 8])
def test_moments_of_the_model(monkeypatch, n_units, block_elements):
    monkeypatch.setattr(pairwise, "_BLOCK_ELEMENTS", block_elements)
    parameters = random_boltzmann(n_units)
    oracle = BoltzmannOracle(*parameters)
    log_partition, moments = sum_over_configurations(*parameters)
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)
    exact = with_constant(*oracle.moments())
    np.testing.assert_allclose(moments, exact, rtol=0, atol=1e-14)


def test_more_units_than_one_block_holds():
    # Pairs of units, each independent of all others: log Z and moments by hand.
    n_pairs, coupling, bias = 9, 1.7, -0.4
    couplings = np.kron(np.eye(n_pairs), coupling * np.array([[0, 1], [1, 0]]))
    log_partition, moments = sum_over_configurations(couplings, np.full(18, bias))
    both = np.exp(2 * bias + coupling)
    partition = 1 + 2 * np.exp(bias) + both
    mean, product = (np.exp(bias) + both) / partition, both / partition
    assert log_partition == pytest.approx(n_pairs * np.log(partition), abs=1e-10)
    expected = np.full((18, 18), mean**2)
    expected[couplings != 0] = product
    np.fill_diagonal(expected, mean)
    exact = with_constant(expected, np.full(18, mean))
    np.testing.assert_allclose(moments, exact, rtol=0, atol=1e-12)


def test_large_parameters_neither_overflow_nor_lose_the_sum():
    log_partition, moments = sum_over_configurations(
        900 * (1 - np.eye(4)), np.full(4, -600.0)
    )
    # All units on: 6 * 900 - 4 * 600; any other configuration is far below.
    assert log_partition == pytest.approx(3000, rel=1e-15)
    np.testing.assert_array_equal(moments, np.ones((5, 5)))
