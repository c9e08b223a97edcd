import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann

from skebm.energy.spins import binary_from_spins, spins_from_binary


def spin_energies(couplings, bias, binary):
    spins = 2 * binary - 1
    return np.array([-s @ couplings @ s / 2 - bias @ s for s in spins])


def log_partition(energies):
    return np.log(np.exp(-energies).sum())


def test_spins_described_by_binary_units():
    couplings, bias = random_boltzmann(4)
    *parameters, constant = binary_from_spins(couplings, bias)
    oracle = BoltzmannOracle(*parameters)
    energies = spin_energies(couplings, bias, oracle.visible)
    np.testing.assert_allclose(energies, oracle.energies + constant, atol=1e-13)
    expected = np.log(oracle.partition) - constant
    assert log_partition(energies) == pytest.approx(expected, abs=1e-13)
    law = np.exp(-energies) / np.exp(-energies).sum()
    np.testing.assert_allclose(oracle.law, law, atol=1e-14)


def test_binary_units_described_by_spins():
    oracle = BoltzmannOracle(*random_boltzmann(4))
    *parameters, constant = spins_from_binary(oracle.couplings, oracle.bias)
    energies = spin_energies(*parameters, oracle.visible)
    np.testing.assert_allclose(oracle.energies, energies + constant, atol=1e-13)
    expected = log_partition(energies) - constant
    assert np.log(oracle.partition) == pytest.approx(expected, abs=1e-13)


def test_there_and_back():
    couplings, bias = random_boltzmann(5)
    *parameters, there = binary_from_spins(couplings, bias)
    *again, back = spins_from_binary(*parameters)
    np.testing.assert_allclose(again[0], couplings, rtol=1e-14)
    np.testing.assert_allclose(again[1], bias, atol=1e-14)
    assert there == pytest.approx(-back, abs=1e-13)
