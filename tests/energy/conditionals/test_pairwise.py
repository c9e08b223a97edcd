import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_lattice

from skebm.energy.conditionals import pairwise
from skebm.energy.conditionals.pairwise import sum_conditionals
from skebm.energy.graph import Graph
from skebm.energy.pairwise import PairwiseEnergy


@pytest.fixture(params=["dense", "masked", "coloured"])
def energy(request):
    if request.param == "dense":
        return PairwiseEnergy.of(*random_boltzmann(5))
    couplings, bias, mask, colours = random_lattice()
    graph = Graph(mask, colours if request.param == "coloured" else None)
    return PairwiseEnergy.of(couplings, bias, graph)


@pytest.fixture(params=["one block", "two rows a block"], autouse=True)
def blocks(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(pairwise, "_BLOCK_ELEMENTS", 12)


def test_value_is_the_sum_of_all_conditionals(energy):
    """Configuration by configuration, of the exact law."""
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    visible = all_states(energy.n_units)
    row_weights = np.random.default_rng(0).random(len(visible))
    value, _ = sum_conditionals(energy, visible, row_weights)
    assert isinstance(value, float)
    on = np.column_stack([oracle.conditional(i) for i in range(energy.n_units)])
    exact = row_weights @ np.log(np.where(visible == 1, on, 1 - on)).sum(axis=1)
    assert value == pytest.approx(exact, rel=1e-13)


def test_moments_are_derivatives(energy):
    """Of rows of values between 0 and 1 as well."""
    rng = np.random.default_rng(0)
    visible, row_weights = rng.random((9, energy.n_units)), rng.random(9)
    value, moments = sum_conditionals(energy, visible, row_weights)
    exact = row_weights @ energy.conditional_log_likelihood(visible).sum(axis=1)
    assert value == pytest.approx(exact, rel=1e-13)
    size, vector = 1e-5, energy.ravel()

    def value_at(vector):
        return sum_conditionals(energy.unravel(vector), visible, row_weights)[0]

    rises = [
        value_at(vector + e) - value_at(vector - e) for e in size * np.eye(len(vector))
    ]
    slope = np.append(moments[:-1, :-1][energy.edges], moments[-1, :-1])
    # The difference of values of rounding 1e-14 over 2e-5, and the size squared.
    np.testing.assert_allclose(slope, np.array(rises) / (2 * size), rtol=0, atol=2e-9)
    np.testing.assert_array_equal(moments, moments.T)


def test_large_fields_neither_overflow_nor_lose_the_value():
    couplings = np.array([[0.0, -2000.0], [-2000.0, 0.0]])
    energy = PairwiseEnergy.of(couplings, np.array([1000.0, 1000.0]))
    rows, row_weights = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([1.0, 0.5])
    # Fields of 1000 and -1000, of units that are on and off; then -1000 for both on.
    value, moments = sum_conditionals(energy, rows, row_weights)
    assert value == -1000
    np.testing.assert_array_equal(moments[-1, :-1], [0.5, 0.5])
    assert moments[0, 1] == 1
