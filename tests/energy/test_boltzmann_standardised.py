import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice

from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.connectivity import Connectivity

MEAN = np.array([0.2, 0.5, 0.9, 0.01, 0.4, 0.7])


@pytest.fixture(params=["dense", "masked"])
def energy(request):
    if request.param == "dense":
        return BoltzmannEnergy(*random_boltzmann(6))
    couplings, bias, mask, colours = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture
def coordinates(energy):
    return energy.standardised(MEAN)


def test_a_vector_stands_for_its_energy(energy, coordinates):
    again = coordinates.energy(coordinates.vector(energy))
    np.testing.assert_allclose(again.couplings, energy.couplings, rtol=0, atol=1e-13)
    np.testing.assert_allclose(again.bias, energy.bias, rtol=0, atol=1e-13)
    assert again.connectivity is energy.connectivity


def test_each_existing_coupling_is_one_scaled_coordinate(energy, coordinates):
    assert coordinates.n_weights == (6 if energy.connectivity else 15)
    vector = coordinates.vector(energy)
    assert len(vector) == coordinates.n_weights + 6
    np.testing.assert_allclose(
        vector[: coordinates.n_weights] / coordinates.weight_scale,
        energy.weights,
        rtol=1e-14,
    )


def test_any_vector_is_a_machine_with_no_other_couplings(energy, coordinates):
    n_parameters = coordinates.n_weights + 6
    vector = np.random.default_rng(0).normal(size=n_parameters)
    couplings = coordinates.energy(vector).couplings
    np.testing.assert_array_equal(couplings, couplings.T)
    np.testing.assert_array_equal(couplings != 0, energy.couplings != 0)


def test_coordinates_weigh_standardised_units(energy, coordinates):
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    weights, bias = np.split(coordinates.vector(energy), [coordinates.n_weights])
    units = (oracle.visible - MEAN) / np.sqrt(MEAN * (1 - MEAN))
    first, second = energy.edges()
    energies = -(units[:, first] * units[:, second]) @ weights - units @ bias
    difference = energies - oracle.energies
    np.testing.assert_allclose(difference, difference[0], rtol=0, atol=1e-12)


def test_derivative_is_that_by_the_coordinates(energy, coordinates):
    vector = coordinates.vector(energy)
    _, moments = energy.model_moments()
    step = 3e-6
    numeric = [
        coordinates.energy(vector + shift).model_moments()[0]
        - coordinates.energy(vector - shift).model_moments()[0]
        for shift in step * np.eye(len(vector))
    ]
    # Third cumulants reach 10**3 / 3, of two standardised units that are rarely on.
    np.testing.assert_allclose(
        np.array(numeric) / (2 * step),
        coordinates.derivative(moments),
        rtol=0,
        atol=1e-8,
    )
