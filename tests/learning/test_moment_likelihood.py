import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice

from skebm import _rows
from skebm._rows import Rows
from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.connectivity import Connectivity
from skebm.learning.exact_likelihood import ExactLikelihood
from skebm.learning.moment_likelihood import MomentLikelihood


def dense():
    return BoltzmannEnergy(*random_boltzmann(4))


def masked():
    couplings, bias, mask, _ = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask))


@pytest.fixture(params=[dense, masked])
def energy(request):
    return request.param()


def draw_table(n_columns, n_rows=50):
    return np.random.default_rng(0).random((n_rows, n_columns)) < 0.4


def evaluate(energy, rows, row_weights=None, kind=MomentLikelihood):
    likelihood = kind(energy, rows, row_weights)
    return likelihood.evaluate(likelihood.coordinates.vector(energy))


def test_log_likelihood_and_gradient(energy):
    table = draw_table(energy.n_units)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    likelihood = MomentLikelihood(energy, Rows(table, None))
    value, gradient = likelihood.evaluate(likelihood.coordinates.vector(energy))
    assert isinstance(value, float)
    assert value == pytest.approx(oracle.log_likelihood(table).mean(), abs=1e-13)
    products, mean = oracle.gradient(table)
    assert np.abs(products).max() > 0.01
    coordinates = likelihood.coordinates
    first, second = energy.edges()
    standardised = products[first, second] - (
        coordinates.offset[first] * mean[second]
        + coordinates.offset[second] * mean[first]
    )
    exact = [standardised / coordinates.weight_scale, mean / coordinates.scale]
    np.testing.assert_allclose(gradient, np.concatenate(exact), rtol=0, atol=1e-13)


@pytest.mark.parametrize("threshold", [0.5, None])
def test_same_as_row_by_row(energy, threshold):
    table = np.random.default_rng(0).random((30, energy.n_units))
    row_weights = np.random.default_rng(1).random(30)
    rows = Rows(table, threshold)
    value, gradient = evaluate(energy, rows, row_weights)
    other_value, other_gradient = evaluate(energy, rows, row_weights, ExactLikelihood)
    assert value == pytest.approx(other_value, abs=1e-13)
    np.testing.assert_allclose(gradient, other_gradient, rtol=0, atol=1e-13)


def test_blocks_change_nothing(monkeypatch, energy):
    rows = Rows(np.random.default_rng(0).random((30, energy.n_units)), None)
    whole = evaluate(energy, rows)
    monkeypatch.setattr(_rows, "BLOCK_ELEMENTS", 14)
    cut = evaluate(energy, rows)
    assert cut[0] == pytest.approx(whole[0], abs=1e-13)
    np.testing.assert_allclose(cut[1], whole[1], rtol=0, atol=1e-13)


def test_units_must_be_few():
    energy = BoltzmannEnergy(np.zeros((21, 21)), np.zeros(21))
    with pytest.raises(ValueError, match="there are 21: there can be at most 20"):
        MomentLikelihood(energy, Rows(np.zeros((1, 21)), None))


def test_likelihood_that_is_not_finite():
    energy = BoltzmannEnergy(np.full((2, 2), np.nan), np.zeros(2))
    with pytest.raises(FloatingPointError, match="not finite: the parameters are out"):
        evaluate(energy, Rows(np.ones((1, 2)), None))
