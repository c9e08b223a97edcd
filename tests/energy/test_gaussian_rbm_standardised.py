from dataclasses import replace

import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    dense,
    gaussian_machine,
    mean_log_likelihood,
    rows_of,
)

N_STEPS = {"full": 3, "diag": 2, "shared": 1, "fixed": 0}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def energy(kind):
    return gaussian_machine(kind, ridge=0.2, log_volume=0.7)


@pytest.fixture
def coordinates(kind):
    """Those of a start elsewhere."""
    start = gaussian_machine(kind, seed=1, ridge=0.2, log_volume=0.7)
    return start.standardised(np.zeros(2))


def some_vector(kind, seed=0):
    n_parameters = 6 + 2 + 3 + N_STEPS[kind]
    return np.random.default_rng(seed).normal(size=n_parameters) / 2


def test_vectors_stand_for_energies(kind, coordinates):
    vector = some_vector(kind)
    energy = coordinates.energy(vector)
    again = coordinates.vector(energy)
    np.testing.assert_allclose(again, vector, rtol=0, atol=1e-13)
    assert (energy.ridge, energy.log_volume) == (0.2, 0.7)
    for flag in ("shared", "fixed"):
        assert getattr(energy.whitening, flag, kind == flag) == (kind == flag)


def test_energies_have_vectors(energy):
    coordinates = energy.standardised(np.zeros(2))
    again = coordinates.energy(coordinates.vector(energy))
    for name in ("weights", "visible_bias", "hidden_bias"):
        np.testing.assert_allclose(
            getattr(again, name), getattr(energy, name), rtol=0, atol=1e-13
        )
    np.testing.assert_allclose(
        dense(again.whitening), dense(energy.whitening), rtol=0, atol=1e-13
    )


def test_weights_come_first_and_are_scaled(energy):
    coordinates = energy.standardised(np.zeros(2))
    assert coordinates.n_weights == 6
    vector = coordinates.vector(energy)
    np.testing.assert_allclose(
        vector[:6] / coordinates.weight_scale, energy.weights.ravel(), rtol=1e-14
    )


def test_weights_act_on_centred_units_of_deviation_one(energy):
    """Of h = 0 or 1 the coordinate is 2 (h - 1/2) = -1 or 1."""
    coordinates = energy.standardised(np.zeros(2))
    weights, visible_bias, hidden_bias, _ = np.split(
        coordinates.vector(energy), [6, 8, 11]
    )
    rows = rows_of(energy, 8)
    hidden = np.random.default_rng(0).integers(2, size=(8, 3)).astype(float)
    white = rows @ dense(energy.whitening).T
    signs = 2 * hidden - 1
    energies = (
        (white**2).sum(axis=1) / 2
        - white @ visible_bias
        - signs @ hidden_bias
        - ((signs @ weights.reshape(3, 2)) * white).sum(axis=1)
    )
    difference = energies - energy.energy(rows, hidden)
    np.testing.assert_allclose(difference, difference[0], rtol=0, atol=1e-12)


def test_derivative_is_that_by_the_coordinates(kind, coordinates):
    vector = some_vector(kind)
    energy = coordinates.energy(vector)
    rows = rows_of(energy)
    weights = np.full(len(rows), 1 / len(rows))
    derivative = coordinates.derivative(
        energy.row_moments(rows, weights)[1], energy
    ) - coordinates.derivative(energy.model_moments()[1], energy)
    assert derivative.shape == vector.shape
    size = 1e-5
    numeric = [
        mean_log_likelihood(coordinates.energy(vector + shift), rows)
        - mean_log_likelihood(coordinates.energy(vector - shift), rows)
        for shift in size * np.eye(len(vector))
    ]
    np.testing.assert_allclose(
        derivative, np.array(numeric) / (2 * size), rtol=1e-7, atol=1e-8
    )


def test_derivative_of_log_z(kind, coordinates):
    vector = some_vector(kind)
    energy = coordinates.energy(vector)
    _, moments = energy.model_moments()
    derivative = coordinates.derivative(moments, energy)
    size = 1e-5
    # Biases of the visible units also shift the zero of energies, by a^2 / 2.
    shift = coordinates.energy(vector).visible_bias
    from_zero = np.concatenate(
        [-0.5 * np.tile(shift, 3) / 0.5, shift, np.zeros(3 + N_STEPS[kind])]
    )
    numeric = [
        coordinates.energy(vector + move).model_moments()[0]
        - coordinates.energy(vector - move).model_moments()[0]
        for move in size * np.eye(len(vector))
    ]
    np.testing.assert_allclose(
        derivative - from_zero, np.array(numeric) / (2 * size), rtol=1e-7, atol=1e-8
    )


def test_the_noise_may_start_anywhere(kind, energy, coordinates):
    """What vectors stand for does not depend on it, but for their last part."""
    other = replace(energy, whitening=coordinates.energy(some_vector(kind)).whitening)
    again = coordinates.energy(coordinates.vector(other))
    np.testing.assert_allclose(
        dense(again.whitening), dense(other.whitening), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(again.weights, other.weights, rtol=0, atol=1e-13)
