import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm import _rows
from skebm._rows import Rows
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning.exact_likelihood import ExactLikelihood


@pytest.fixture
def parameters():
    return random_rbm(3, 4)


def draw_rows(n_rows, n_columns=4):
    return np.random.default_rng(0).random((n_rows, n_columns)) < 0.4


def evaluate(energy, rows, row_weights=None):
    likelihood = ExactLikelihood(energy, rows, row_weights)
    return likelihood.evaluate(likelihood.coordinates.vector(energy))


def test_log_likelihood_and_gradient(parameters):
    table = draw_rows(50)
    oracle = RBMOracle(*parameters)
    energy = BinaryRBMEnergy(*parameters)
    likelihood = ExactLikelihood(energy, Rows(table, None))
    vector = likelihood.coordinates.vector(energy)
    value, gradient = likelihood.evaluate(vector)
    assert value == pytest.approx(oracle.log_likelihood(table).mean(), abs=1e-13)
    exact = likelihood.coordinates.derivative(oracle.gradient(table))
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=1e-13)


@pytest.mark.parametrize("threshold", [0.5, None])
def test_gradient_by_finite_differences(parameters, threshold):
    table = np.random.default_rng(0).random((30, 4))
    energy = BinaryRBMEnergy(*parameters)
    likelihood = ExactLikelihood(energy, Rows(table, threshold))
    vector = likelihood.coordinates.vector(energy)
    step = 1e-5
    numeric = [
        likelihood.evaluate(vector + shift)[0] - likelihood.evaluate(vector - shift)[0]
        for shift in step * np.eye(len(vector))
    ]
    # The difference of values of rounding 1e-15 over 2e-5, and step**2.
    np.testing.assert_allclose(
        np.array(numeric) / (2 * step),
        likelihood.evaluate(vector)[1],
        rtol=0,
        atol=2e-9,
    )


def test_probabilities_count_as_they_are(parameters):
    table = np.random.default_rng(0).random((30, 4))
    energy = BinaryRBMEnergy(*parameters)
    value, _ = evaluate(energy, Rows(table, None))
    log_partition = np.log(RBMOracle(*parameters).partition)
    exact = -energy.free_energy(table).mean() - log_partition
    assert value == pytest.approx(exact, abs=1e-13)


def test_blocks_change_nothing(monkeypatch, parameters):
    energy = BinaryRBMEnergy(*parameters)
    table = np.random.default_rng(0).random((30, 4))
    for rows in (Rows(table, None), Rows(table, 0.5)):
        whole = evaluate(energy, rows)
        with monkeypatch.context() as patch:
            patch.setattr(_rows, "BLOCK_ELEMENTS", 14)
            cut = evaluate(energy, rows)
        assert cut[0] == pytest.approx(whole[0], abs=1e-13)
        np.testing.assert_allclose(cut[1], whole[1], rtol=0, atol=1e-13)


def test_merging_changes_nothing(parameters):
    energy = BinaryRBMEnergy(*parameters)
    table = draw_rows(100)
    merged = evaluate(energy, Rows(table, None))
    apart = evaluate(energy, Rows(table.astype(float), None))
    assert merged[0] == pytest.approx(apart[0], abs=1e-13)
    np.testing.assert_allclose(merged[1], apart[1], rtol=0, atol=1e-13)


def test_row_weights_are_relative(parameters):
    energy = BinaryRBMEnergy(*parameters)
    table = draw_rows(6)
    repeats = np.array([1, 0, 3, 2, 1, 5])
    repeated = evaluate(energy, Rows(np.repeat(table, repeats, axis=0), None))
    weighted = evaluate(energy, Rows(table, None), repeats.astype(float))
    assert weighted[0] == pytest.approx(repeated[0], abs=1e-13)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=0, atol=1e-13)


def test_the_smaller_layer_must_be_small():
    energy = BinaryRBMEnergy(np.zeros((22, 21)), np.zeros(21), np.zeros(22))
    with pytest.raises(ValueError, match="which has 21 units: it can have at most 20"):
        ExactLikelihood(energy, Rows(np.zeros((1, 21)), None))


def test_constant_columns_have_finite_coordinates():
    energy = BinaryRBMEnergy(np.ones((2, 2)), np.zeros(2), np.zeros(2))
    likelihood = ExactLikelihood(energy, Rows(np.array([[True, False]] * 3), None))
    np.testing.assert_allclose(
        likelihood.coordinates.visible_offset, [3.5 / 4, 0.5 / 4], rtol=1e-14
    )


def test_likelihood_that_is_not_finite():
    energy = BinaryRBMEnergy(np.full((2, 2), np.nan), np.zeros(2), np.zeros(2))
    with pytest.raises(FloatingPointError, match="not finite: the parameters are out"):
        evaluate(energy, Rows(np.ones((1, 2)), None))
