import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm.energy.binary_rbm import BinaryRBMEnergy

MEAN = np.array([0.2, 0.5, 0.9, 0.01])


@pytest.fixture
def energy():
    return BinaryRBMEnergy(*random_rbm(3, 4))


@pytest.fixture
def coordinates(energy):
    return energy.standardised(MEAN)


def test_a_vector_stands_for_its_energy(energy, coordinates):
    again = coordinates.energy(coordinates.vector(energy))
    for part, exact in zip(vars(again).values(), vars(energy).values(), strict=True):
        np.testing.assert_allclose(part, exact, rtol=0, atol=1e-13)


def test_weights_are_scaled_coordinates(energy, coordinates):
    weights = coordinates.vector(energy)[: coordinates.n_weights]
    np.testing.assert_allclose(
        weights / coordinates.weight_scale, energy.weights.ravel(), rtol=1e-14
    )


def test_coordinates_weigh_standardised_units(energy, coordinates):
    oracle = RBMOracle(*vars(energy).values())
    vector = coordinates.vector(energy)
    weights, visible_bias, hidden_bias = np.split(vector, [12, 16])
    visible = (oracle.visible - MEAN) / np.sqrt(MEAN * (1 - MEAN))
    hidden = (oracle.hidden - 0.5) / 0.5
    energies = -(
        (visible @ visible_bias)[:, np.newaxis]
        + hidden @ hidden_bias
        + visible @ weights.reshape(3, 4).T @ hidden.T
    )
    difference = energies - oracle.energies
    np.testing.assert_allclose(difference, difference[0, 0], rtol=0, atol=1e-13)


def test_derivative_is_that_by_the_coordinates(energy, coordinates):
    vector = coordinates.vector(energy)
    _, moments = energy.model_moments()
    step = 1e-5
    numeric = [
        coordinates.energy(vector + shift).model_moments()[0]
        - coordinates.energy(vector - shift).model_moments()[0]
        for shift in step * np.eye(len(vector))
    ]
    np.testing.assert_allclose(
        np.array(numeric) / (2 * step),
        coordinates.derivative(moments),
        rtol=0,
        atol=1e-8,
    )
