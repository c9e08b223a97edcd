from dataclasses import replace

import numpy as np
import pytest
from oracle import all_states, random_rbm
from scipy.special import logsumexp

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.directed_stack import DirectedStack
from skebm.learning.up_down import sleep, wake
from skebm.sampling.random import UniformNoise

N_DRAWS = 100_000
LAYERS = pytest.mark.parametrize("layer", [0, 1])


def untied_stack():
    """Make three layers, of which the lower two draw by weights of their own."""
    shapes = (3, 4), (3, 3), (2, 3)
    energies = [
        BinaryRBMEnergy.of(*random_rbm(*shape, seed=seed))
        for seed, shape in enumerate(shapes)
    ]
    drawing = [
        BinaryRBMEnergy.of(*random_rbm(*shape, seed=seed))
        for seed, shape in enumerate(shapes[:2], 7)
    ]
    return DirectedStack(tuple(energies), tuple(drawing))


def log_bernoulli(bits, log_odds):
    return bits @ log_odds.T - np.logaddexp(0, log_odds).sum(axis=1)


def slope(function, matrix):
    """Differentiate a function of a matrix."""
    result = np.empty_like(matrix)
    for index in np.ndindex(matrix.shape):
        step = np.zeros_like(matrix)
        step[index] = 1e-5
        result[index] = function(matrix + step) - function(matrix - step)
    return result / 2e-5


def assert_goes_along(step, gradient):
    """The two point the same way, to errors of the mean over so many draws."""
    along = (step * gradient).sum() / (gradient**2).sum()
    assert along > 0
    # Each draw deviates by about 1; five errors, in the largest of a dozen values.
    np.testing.assert_allclose(step / along, gradient, atol=7 / np.sqrt(N_DRAWS))


@LAYERS
def test_wake_goes_up_the_slope_of_the_bound(layer):
    stack, row = untied_stack(), np.array([[1.0, 0.0, 0.0, 1.0]])

    def bound(matrix):
        draws = list(stack.generating)
        draws[layer] = draws[layer].replaced(matrix=matrix)
        return replace(stack, generating=tuple(draws)).exact(row)[0][0]

    before = stack.generating[layer].matrix
    rows = np.repeat(row, N_DRAWS, axis=0)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    moved, drawn = wake(stack, rows, noise, 1.0)
    step = moved.generating[layer].matrix - before
    gradient = slope(bound, before)
    gradient[:, -1] = 0  # hidden biases play no part in what is drawn downwards
    hidden_bias = before[:-1, -1]
    np.testing.assert_array_equal(moved.generating[layer].matrix[:-1, -1], hidden_bias)
    assert_goes_along(step[:, :-1], gradient[:, :-1])
    assert drawn.shape == (N_DRAWS, 3)
    assert moved.energies == stack.energies
    # A whole step does not go too far.
    assert bound(moved.generating[layer].matrix) > bound(before)


@LAYERS
def test_sleep_makes_hidden_units_likelier_given_what_they_drew(layer):
    """From draws of the top itself, which its sweep leaves as they are."""
    stack = untied_stack()
    rng = np.random.default_rng(0)
    tops = all_states(3)
    log_law = -stack.top.free_energy(tops)
    law = np.exp(log_law - logsumexp(log_law))
    given = np.exp(log_bernoulli(tops, stack.generating[1].visible_field(tops)))
    pairs = given * law  # of the two lower hidden layers, that below by row
    if layer == 0:
        hidden, visible = tops, all_states(4)
        field = stack.generating[0].visible_field(hidden)
        pairs = np.exp(log_bernoulli(visible, field)) * pairs.sum(axis=1)
    else:
        hidden = visible = tops

    def log_q(matrix):
        field = stack.energies[layer].replaced(matrix=matrix).hidden_field(visible)
        return (pairs * log_bernoulli(hidden, field).T).sum()

    before = stack.energies[layer].matrix
    rows = tops[rng.choice(8, N_DRAWS, p=law)]
    moved = sleep(stack, rows, UniformNoise(rng, np.float64), 1.0)
    step = moved.energies[layer].matrix - before
    np.testing.assert_array_equal(step[-1], 0)
    assert_goes_along(step[:-1], slope(log_q, before)[:-1])
    assert moved.generating == stack.generating
    assert moved.top is stack.top
    assert log_q(moved.energies[layer].matrix) > log_q(before)
