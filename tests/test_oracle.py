"""The oracle is held to the definitions, and its gradient to differences."""

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm


def test_energies_and_law():
    weights, visible_bias, hidden_bias = random_rbm(2, 3)
    oracle = RBMOracle(weights, visible_bias, hidden_bias, beta=0.7)
    total = 0.0
    for row, v in enumerate(oracle.visible):
        for column, h in enumerate(oracle.hidden):
            energy = -v @ visible_bias - h @ hidden_bias - h @ weights @ v
            assert oracle.energies[row, column] == pytest.approx(energy, abs=1e-14)
            total += np.exp(-0.7 * energy)
    assert oracle.partition == pytest.approx(total, rel=1e-13)
    np.testing.assert_array_equal(oracle.index(oracle.visible), np.arange(8))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_gradient_by_differences(which):
    parameters = random_rbm(2, 3)
    rows = RBMOracle(*parameters).visible[[0, 3, 3, 6]]
    gradient = RBMOracle(*parameters).gradient(rows)[which]

    step = 1e-5
    differences = np.empty_like(gradient)
    for index in np.ndindex(gradient.shape):
        values = []
        for sign in (1, -1):
            moved = [array.copy() for array in parameters]
            moved[which][index] += sign * step
            values.append(RBMOracle(*moved).log_likelihood(rows).mean())
        differences[index] = (values[0] - values[1]) / (2 * step)
    # Central differences: error step**2 plus rounding 1e-16 / step.
    np.testing.assert_allclose(gradient, differences, atol=1e-9)
