"""What pairwise machines have beside what every energy has."""

import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice

from skebm.energy.base import Energy
from skebm.energy.graph import Graph
from skebm.energy.pairwise import PairwiseEnergy


def dense():
    return PairwiseEnergy.of(*random_boltzmann(4))


def ring(coloured=False):
    couplings, bias, mask, colours = random_lattice()
    graph = Graph(mask, colours if coloured else None)
    return PairwiseEnergy.of(couplings, bias, graph)


@pytest.mark.parametrize("energy", [dense(), ring(), ring(True)])
def test_fields_and_energies_of_values_between_zero_and_one(energy):
    rows = np.random.default_rng(0).uniform(size=(7, energy.n_visible))
    exact = [-r @ energy.couplings @ r / 2 - energy.bias @ r for r in rows]
    np.testing.assert_allclose(energy.energy(rows), exact, atol=1e-13)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    exact = [oracle.conditional(unit) for unit in range(energy.n_visible)]
    mean = energy.conditional_mean(oracle.visible)
    np.testing.assert_allclose(mean, np.column_stack(exact), atol=1e-13)


def test_weights_are_the_couplings_each_once():
    full, around = dense().couplings, ring().couplings
    expected = [full[i, j] for i in range(4) for j in range(i + 1, 4)]
    np.testing.assert_array_equal(dense().weights, expected)
    expected = [around[0, 1], around[0, 5]] + [around[i, i + 1] for i in range(1, 5)]
    np.testing.assert_array_equal(ring().weights, expected)


def test_conditional_log_likelihood_of_a_probability_is_a_mean():
    rows = np.array([[0.0, 1, 1, 0], [1, 1, 1, 0], [0.3, 1, 1, 0]])
    off, on, between = dense().conditional_log_likelihood(rows)[:, 0]
    assert between == pytest.approx(0.3 * on + 0.7 * off, abs=1e-12)


def test_conditional_log_likelihood_of_large_fields_is_finite():
    energy = PairwiseEnergy.of(900 * (1 - np.eye(3)), np.zeros(3))
    result = energy.conditional_log_likelihood(np.array([[0.0, 1, 1]]))
    np.testing.assert_array_equal(result, [[-1800, 0, 0]])


@pytest.mark.parametrize("energy", [dense(), ring(), ring(True)])
def test_conditional_phase_is_the_gradient_of_pseudolikelihood(energy):
    energy = energy.shifted(np.linspace(0.2, 0.8, energy.n_visible))
    rows = (np.random.default_rng(0).random((5, energy.n_visible)) > 0.5).astype(float)

    def value(vector):
        return Energy.conditional_log_likelihood(energy.unravel(vector), rows).sum()

    result, slope = energy.conditional_phase(rows, np.ones(5))
    vector, gradient = energy.ravel(), slope.ravel()
    assert result == pytest.approx(value(vector), abs=1e-10)
    for i, step in enumerate(1e-5 * np.eye(len(vector))):
        difference = (value(vector + step) - value(vector - step)) / 2e-5
        assert gradient[i] == pytest.approx(difference, abs=1e-8)


def test_chains_start_from_draws_of_probabilities():
    energy = dense().astype(np.float32)

    class Noise:
        def draw(self, shape):
            return np.full(shape, 0.0)  # the middle

    rows = np.array([[0.4, 0.6, 0.0, 1.0]])
    started = energy.start_chains(rows, Noise())
    np.testing.assert_array_equal(started, [[False, True, False, True]])
