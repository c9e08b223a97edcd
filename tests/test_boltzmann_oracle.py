"""The oracle is held to the definitions, and its gradient to differences."""

import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice


def test_energies_and_law():
    couplings, bias = random_boltzmann(3)
    oracle = BoltzmannOracle(couplings, bias, beta=0.7)
    total = 0.0
    for row, x in enumerate(oracle.visible):
        energy = -bias @ x
        for i in range(3):
            for j in range(i + 1, 3):
                energy -= couplings[i, j] * x[i] * x[j]
        assert oracle.energies[row] == pytest.approx(energy, abs=1e-14)
        total += np.exp(-0.7 * energy)
    assert oracle.partition == pytest.approx(total, rel=1e-13)
    np.testing.assert_allclose(oracle.law, np.exp(-0.7 * oracle.energies) / total)
    np.testing.assert_array_equal(oracle.index(oracle.visible), np.arange(8))


def test_conditionals_are_those_of_the_law():
    oracle = BoltzmannOracle(*random_boltzmann(3))
    table = oracle.law.reshape(2, 2, 2)
    for unit in range(3):
        on = table.take(1, axis=unit) / table.sum(axis=unit)
        exact = np.broadcast_to(np.expand_dims(on, unit), table.shape).ravel()
        np.testing.assert_allclose(oracle.conditional(unit), exact, atol=1e-14)


def test_gradient_by_differences():
    couplings, bias = random_boltzmann(3)
    rows = BoltzmannOracle(couplings, bias).visible[[0, 3, 3, 6]]

    def likelihood(couplings, bias):
        return BoltzmannOracle(couplings, bias).log_likelihood(rows).mean()

    by_couplings, by_bias = BoltzmannOracle(couplings, bias).gradient(rows)
    step = 1e-5
    differences = np.zeros((3, 3))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        pair = np.zeros((3, 3))
        pair[i, j] = pair[j, i] = step
        rise = likelihood(couplings + pair, bias) - likelihood(couplings - pair, bias)
        differences[i, j] = rise / (2 * step)
    # Central differences: error step**2 plus rounding 1e-16 / step.
    np.testing.assert_allclose(by_couplings, differences, atol=1e-9)
    differences = [
        likelihood(couplings, bias + unit) - likelihood(couplings, bias - unit)
        for unit in step * np.eye(3)
    ]
    np.testing.assert_allclose(by_bias, np.array(differences) / (2 * step), atol=1e-9)


def test_machines_are_what_they_should_be():
    for couplings in (random_boltzmann(6)[0], random_lattice()[0]):
        np.testing.assert_array_equal(couplings, couplings.T)
        assert not np.diag(couplings).any()
    couplings, _, mask, colours = random_lattice()
    np.testing.assert_array_equal(couplings != 0, mask)
    for members in colours:
        assert not mask[np.ix_(members, members)].any()
    np.testing.assert_array_equal(np.sort(np.concatenate(colours)), np.arange(6))
