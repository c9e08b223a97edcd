"""Sums over configurations, whatever the blocks that they are cut into."""

import tracemalloc

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.sums import binary_rbm
from skebm.energy.sums.binary_rbm import (
    log_partition_of,
    sum_over_configurations,
    sum_over_rows,
)


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


# As many hidden units as fill products of four, and others.
@pytest.mark.parametrize("block_elements", [2**15, 16, 1])
@pytest.mark.parametrize("shape", [(8, 4), (5, 4), (1, 1), (3, 6)])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_log_z_alone(monkeypatch, shape, block_elements, scale):
    monkeypatch.setattr(binary_rbm, "_BLOCK_ELEMENTS", block_elements)
    parameters = random_rbm(*shape, scale=scale)
    expected = sum_over_configurations(*parameters)[0]
    assert log_partition_of(*parameters) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("sign", [1, -1])
def test_log_z_alone_of_parameters_whose_products_would_overflow(sign):
    parameters = np.full((5, 3), sign * 90.0), np.full(3, -60.0), np.zeros(5)
    expected = sum_over_configurations(*parameters)[0]
    assert log_partition_of(*parameters) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("shape", "quick"), [((128, 17), True), ((128, 18), False), ((10, 900), True)]
)
def test_short_sums_are_told_from_long_ones(shape, quick):
    assert BinaryRBMEnergy.of(*random_rbm(*shape)).sums_quickly is quick


def test_either_layer_may_be_the_smaller_one():
    energy = BinaryRBMEnergy.of(*random_rbm(4, 7))
    expected = np.log(RBMOracle.of(energy).partition)
    for machine in (energy, energy.transposed()):
        found = machine.enumerated_log_partition()
        assert found == pytest.approx(expected, abs=1e-12)


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


@pytest.mark.parametrize("shape", [(2000, 12), (5000, 9), (9, 13)])
def test_log_partition_takes_no_more_memory_than_a_block_and_its_terms(shape):
    rng = np.random.default_rng(0)
    n_hidden, n_visible = shape
    parameters = (
        0.1 * rng.standard_normal(shape),
        rng.standard_normal(n_visible),
        rng.standard_normal(n_hidden),
    )
    tracemalloc.start()
    value = log_partition_of(*parameters)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expected, _ = sum_over_configurations(*parameters)
    assert value == pytest.approx(expected, rel=1e-12)
    # Of each high configuration no more than a float for each hidden unit.
    assert peak < 8 * (10 * 2**15 + 4 * 2**n_visible + 3 * n_hidden * n_visible)
