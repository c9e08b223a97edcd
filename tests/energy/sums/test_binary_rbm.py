"""Sums over configurations, whatever the blocks that they are cut into."""

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm.energy.sums import binary_rbm
from skebm.energy.sums.binary_rbm import sum_over_configurations, sum_over_rows


def exact_moments(oracle, joint):
    """Sum products of hidden and visible units, and of the constant."""
    hidden, visible = (
        np.column_stack([rows, np.ones(len(rows))])
        for rows in (oracle.hidden, oracle.visible)
    )
    return hidden.T @ joint.T @ visible


# Blocks of all configurations, of some, and of one.
@pytest.mark.parametrize("block_elements", [2**15, 16, 1])
@pytest.mark.parametrize("shape", [(5, 4), (4, 5), (1, 1)])
def test_moments_of_the_model(monkeypatch, shape, block_elements):
    monkeypatch.setattr(binary_rbm, "_BLOCK_ELEMENTS", block_elements)
    parameters = random_rbm(*shape)
    oracle = RBMOracle(*parameters)
    log_partition, moments = sum_over_configurations(*parameters)
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)
    exact = exact_moments(oracle, oracle.joint)
    np.testing.assert_allclose(moments, exact, rtol=0, atol=1e-14)


def test_moments_of_weighted_rows():
    parameters = random_rbm(3, 4)
    oracle = RBMOracle(*parameters)
    weights = np.random.default_rng(0).uniform(0, 0.2, len(oracle.visible))
    value, moments = sum_over_rows(*parameters, oracle.visible, weights)
    exact = weights @ np.log(np.exp(-oracle.energies).sum(axis=1))
    assert value == pytest.approx(exact, abs=1e-13)
    exact = exact_moments(oracle, oracle.joint / (oracle.law / weights)[:, np.newaxis])
    np.testing.assert_allclose(moments, exact, rtol=0, atol=1e-14)


def test_large_parameters_neither_overflow_nor_lose_the_sum():
    log_partition, moments = sum_over_configurations(
        np.full((2, 3), 900.0), np.full(3, -600.0), np.zeros(2)
    )
    # All units on: 6 * 900 - 3 * 600; any other configuration is far below.
    assert log_partition == pytest.approx(3600, rel=1e-15)
    np.testing.assert_array_equal(moments, np.ones((3, 4)))
