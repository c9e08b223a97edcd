import numpy as np
import pytest
from gaussian_machines import KINDS, gaussian_machine, oracle_of
from oracle import BoltzmannOracle
from scipy.integrate import quad

from skebm.energy.gaussian_rbm_marginal import hidden_machine


@pytest.mark.parametrize("log_volume", [0.0, 1.3])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_log_partition_is_that_of_the_mixture(kind, seed, log_volume):
    energy = gaussian_machine(kind, 4, 3, seed=seed, log_volume=log_volume)
    machine, log_integral = energy.marginal()
    assert isinstance(log_integral, float)
    total = np.log(BoltzmannOracle(machine.couplings, machine.bias).partition)
    exact = oracle_of(energy).log_partition + log_volume
    assert total + log_integral == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_log_partition_by_numerical_integration(kind):
    energy = gaussian_machine(kind, 3, 1)
    machine, log_integral = energy.marginal()
    total = np.log(BoltzmannOracle(machine.couplings, machine.bias).partition)
    mean, covariance = oracle_of(energy).moments()
    reach = 12 * np.sqrt(covariance[0, 0])
    integral, _ = quad(
        lambda v: np.exp(-energy.free_energy(np.array([[v]]))[0]),
        mean[0] - reach,
        mean[0] + reach,
        epsabs=0,
        epsrel=1e-12,
        limit=500,
    )
    assert total + log_integral == pytest.approx(np.log(integral), abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_units_have_their_law(kind):
    energy = gaussian_machine(kind, 4, 3)
    machine, _ = energy.marginal()
    np.testing.assert_array_equal(machine.couplings, machine.couplings.T)
    assert not np.diag(machine.couplings).any()
    law = BoltzmannOracle(machine.couplings, machine.bias).law
    np.testing.assert_allclose(law, oracle_of(energy).law, rtol=1e-11)


def test_couplings_are_symmetric_to_the_last_bit():
    rng = np.random.default_rng(0)
    # As the weights of a machine with centred units: part of a matrix.
    weights = rng.normal(size=(51, 334)).astype(np.float32)[:-1, :-1]
    biases = np.zeros(333, np.float32), np.zeros(50, np.float32)
    machine = hidden_machine(weights, *biases)
    np.testing.assert_array_equal(machine.couplings, machine.couplings.T)
    assert machine.couplings.dtype == machine.bias.dtype == np.float32


def test_parameters_are_left_alone():
    energy = gaussian_machine("full")
    copies = [
        part.copy()
        for part in (energy.weights, energy.visible_bias, energy.hidden_bias)
    ]
    energy.marginal()
    for part, copy in zip(
        (energy.weights, energy.visible_bias, energy.hidden_bias), copies, strict=True
    ):
        np.testing.assert_array_equal(part, copy)
