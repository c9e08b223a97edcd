import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from scipy.special import log_expit

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.conditionals import binary_rbm


def by_free_energies(energy, visible):
    """Compare each row with itself, one unit turned over."""
    result = np.empty_like(visible)
    for unit in range(visible.shape[1]):
        turned = visible.copy()
        turned[:, unit] = 1 - turned[:, unit]
        rise = energy.free_energy(turned) - energy.free_energy(visible)
        result[:, unit] = log_expit(rise)
    return result


@pytest.mark.parametrize("largest", [0, 600])
def test_conditionals_are_those_of_the_joint_law(monkeypatch, largest):
    monkeypatch.setattr(binary_rbm, "_LARGEST_EXPONENT", largest)
    parameters = random_rbm(3, 4)
    oracle = RBMOracle(*parameters)
    result = BinaryRBMEnergy.of(*parameters).conditional_log_likelihood(oracle.visible)
    for unit in range(4):
        turned = oracle.visible.copy()
        turned[:, unit] = 1 - turned[:, unit]
        other = oracle.law[oracle.index(turned)]
        exact = np.log(oracle.law / (oracle.law + other))
        np.testing.assert_allclose(result[:, unit], exact, atol=1e-12)


@pytest.mark.parametrize("scale", [0.01, 1.0, 8.0, 100.0])
def test_bits_and_fractions_agree(scale):
    rng = np.random.default_rng(0)
    energy = BinaryRBMEnergy.of(
        rng.normal(0, scale, (40, 12)), rng.normal(size=12), rng.normal(size=40)
    )
    visible = (rng.random((30, 12)) < 0.4).astype(np.float64)
    result = energy.conditional_log_likelihood(visible)
    exact = by_free_energies(energy, visible)
    # Relative to the free energies, of up to so many nats, that are subtracted.
    bound = 1e-13 * np.abs(energy.free_energy(visible)).max()
    np.testing.assert_array_less(np.abs(result - exact), bound)
    between = visible.copy()
    between[:, 0] = 0.25
    on, off = visible.copy(), visible.copy()
    on[:, 0], off[:, 0] = 1, 0
    mean = 0.25 * by_free_energies(energy, on) + 0.75 * by_free_energies(energy, off)
    mixed = energy.conditional_log_likelihood(between)[:, 0]
    np.testing.assert_array_less(np.abs(mixed - mean[:, 0]), bound)


@pytest.mark.parametrize("weight", [50.0, 550.0, 5000.0])
def test_extreme_weights(weight):
    energy = BinaryRBMEnergy.of(np.array([[weight, -weight]]), np.zeros(2), np.zeros(1))
    rows = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    free_energy = -np.logaddexp(0, [0, weight, -weight, 0])
    turned = free_energy[[[1, 2], [0, 3], [3, 0], [2, 1]]]
    exact = log_expit(turned - free_energy[:, np.newaxis])
    result = energy.conditional_log_likelihood(rows)
    np.testing.assert_allclose(result, exact, rtol=1e-12, atol=1e-12)
