import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm.energy import binary_rbm_moments
from skebm.energy.binary_rbm import BinaryRBMEnergy


def exact_moments(oracle, joint):
    return (
        oracle.hidden.T @ joint.T @ oracle.visible,
        joint.sum(axis=1) @ oracle.visible,
        joint.sum(axis=0) @ oracle.hidden,
    )


def assert_moments(moments, exact):
    for part, exact_part in zip(moments, exact, strict=True):
        np.testing.assert_allclose(part, exact_part, rtol=0, atol=1e-14)


# Blocks of all configurations, of some, and of one.
@pytest.mark.parametrize("block_elements", [2**15, 16, 1])
@pytest.mark.parametrize("shape", [(5, 4), (4, 5), (1, 1)])
def test_moments_of_the_model(monkeypatch, shape, block_elements):
    monkeypatch.setattr(binary_rbm_moments, "_BLOCK_ELEMENTS", block_elements)
    parameters = random_rbm(*shape)
    oracle = RBMOracle(*parameters)
    log_partition, moments = BinaryRBMEnergy(*parameters).model_moments()
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)
    assert_moments(moments, exact_moments(oracle, oracle.joint))


def test_moments_of_weighted_rows():
    parameters = random_rbm(3, 4)
    oracle = RBMOracle(*parameters)
    energy = BinaryRBMEnergy(*parameters)
    weights = np.random.default_rng(0).uniform(0, 2, len(oracle.visible))
    value, moments = energy.row_moments(oracle.visible, weights)
    exact = weights @ np.log(np.exp(-oracle.energies).sum(axis=1))
    assert value == pytest.approx(exact, abs=1e-12)
    joint = oracle.joint / oracle.law[:, np.newaxis] * weights[:, np.newaxis]
    assert_moments([part / 10 for part in moments], exact_moments(oracle, joint / 10))


def test_values_between_zero_and_one_are_used_as_they_are():
    energy = BinaryRBMEnergy(*random_rbm(3, 4))
    visible = np.random.default_rng(0).uniform(size=(6, 4))
    value, moments = energy.row_moments(visible, np.full(6, 0.5))
    assert value == pytest.approx(-0.5 * energy.free_energy(visible).sum(), abs=1e-13)
    hidden = energy.hidden_mean(visible)
    assert_moments(
        moments,
        (hidden.T @ visible / 2, visible.sum(axis=0) / 2, hidden.sum(axis=0) / 2),
    )


def test_more_units_than_factors_that_one_product_holds():
    # All factors are close to 2: their product is above the largest float64.
    energy = BinaryRBMEnergy(np.full((1100, 1), 40.0), np.zeros(1), np.zeros(1100))
    value, _ = energy.row_moments(np.ones((1, 1)), np.ones(1))
    assert value == pytest.approx(1100 * 40, rel=1e-14)


def test_large_parameters_neither_overflow_nor_lose_the_sum():
    energy = BinaryRBMEnergy(np.full((2, 3), 900.0), np.full(3, -600.0), np.zeros(2))
    log_partition, moments = energy.model_moments()
    # All units on: 6 * 900 - 3 * 600; any other configuration is far below.
    assert log_partition == pytest.approx(3600, rel=1e-15)
    assert all((part == 1).all() for part in moments)
