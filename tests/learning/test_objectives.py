"""What is climbed, against all configurations, and differences of its values."""

import numpy as np
import pytest
from gaussian_machines import KINDS, gaussian_machine, mean_log_likelihood, rows_of
from oracle import (
    BoltzmannOracle,
    RBMOracle,
    random_boltzmann,
    random_lattice,
    random_rbm,
)
from scipy import sparse

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import Graph, LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.learning.objectives import Likelihood, MomentLikelihood, PseudoLikelihood
from skebm.units import data
from skebm.units.data import Rows


def binary_rbm():
    return BinaryRBMEnergy.of(*random_rbm(3, 4))


def dense():
    return PairwiseEnergy.of(*random_boltzmann(4))


def masked():
    couplings, bias, mask, _ = random_lattice()
    return PairwiseEnergy.of(couplings, bias, Graph(mask))


def coloured():
    couplings, bias, mask, colours = random_lattice()
    return PairwiseEnergy.of(couplings, bias, Graph(mask, colours))


def latent():
    visible, hidden = np.ones((4, 4), dtype=bool), np.ones((3, 3), dtype=bool)
    hidden[0, 1] = hidden[1, 0] = False
    graph = LayeredGraph.of_layers(visible, hidden, np.ones((3, 4), dtype=bool))
    couplings, bias = random_boltzmann(7)
    return LatentEnergy.of(couplings * graph.mask, bias, graph)


PAIRWISE = [dense, masked, coloured]
BINARY = [binary_rbm, *PAIRWISE, latent]
BOTH = [
    *((Likelihood, make) for make in BINARY),
    *((PseudoLikelihood, make) for make in PAIRWISE),
]


def draw_table(energy, n_rows=50):
    return np.random.default_rng(0).random((n_rows, energy.n_visible)) < 0.4


def centred(energy):
    return energy.centred(np.linspace(0.2, 0.8, energy.n_visible))


def assert_same(evaluated, expected, tolerance=1e-13):
    assert evaluated[0] == pytest.approx(expected[0], abs=tolerance)
    gradients = [gradient.ravel() for _, gradient in (evaluated, expected)]
    np.testing.assert_allclose(*gradients, rtol=0, atol=tolerance)


def assert_is_the_derivative(objective, energy, gradient, tolerance):
    """Hold a gradient to central differences, of error step**2 and rounding."""
    vector, step = energy.ravel(), 1e-5
    numeric = [
        objective(energy.unravel(vector + shift))
        - objective(energy.unravel(vector - shift))
        for shift in step * np.eye(len(vector))
    ]
    numeric = np.array(numeric) / (2 * step)
    assert np.abs(numeric).max() > 0.01
    np.testing.assert_allclose(gradient.ravel(), numeric, rtol=0, atol=tolerance)


# ---- values and derivatives ----


@pytest.mark.parametrize("make", BINARY)
def test_log_likelihood_is_that_of_brute_force(make):
    energy, table = make(), draw_table(make())
    value, _ = Likelihood(energy, Rows(table, None)).evaluate(energy)
    assert isinstance(value, float)
    if make is latent:
        oracle = BoltzmannOracle.of(energy)
        law = oracle.law.reshape(16, 8).sum(axis=1)
        exact = np.log(law[oracle.index(np.pad(table, ((0, 0), (0, 3)))) // 8])
    else:
        oracle = RBMOracle if make is binary_rbm else BoltzmannOracle
        exact = oracle.of(energy).log_likelihood(table)
    assert value == pytest.approx(exact.mean(), abs=1e-13)


def test_gradient_is_that_of_brute_force():
    energy, table = binary_rbm(), draw_table(binary_rbm())
    _, gradient = Likelihood(energy, Rows(table, None)).evaluate(energy)
    exact = [part.ravel() for part in RBMOracle.of(energy).gradient(table)]
    np.testing.assert_allclose(gradient.ravel(), np.concatenate(exact), atol=1e-13)


def test_pseudolikelihood_is_the_mean_of_the_sum_of_conditionals():
    energy, table = dense(), draw_table(dense())
    oracle, exact = BoltzmannOracle.of(energy), 0.0
    for unit, values in enumerate(table.T):
        on = oracle.conditional(unit)[oracle.index(table)]
        exact += np.log(np.where(values, on, 1 - on)).mean()
    value, _ = PseudoLikelihood(energy, Rows(table, None)).evaluate(energy)
    assert isinstance(value, float)
    assert value == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize(("objective", "make"), BOTH)
@pytest.mark.parametrize("threshold", [0.5, None])
def test_gradients_by_finite_differences(objective, make, threshold):
    energy = centred(make())
    table = np.random.default_rng(0).random((30, energy.n_visible))
    objective = objective(energy, Rows(table, threshold))
    _, gradient = objective.evaluate(energy)
    assert_is_the_derivative(
        lambda other: objective.evaluate(other)[0], energy, gradient, 5e-9
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_likelihood_of_gaussian_machines(kind, ridge):
    energy = gaussian_machine(kind, ridge=ridge)
    table = rows_of(energy, 20)
    energy = energy.centred(None)
    assert energy.hidden_offset.any()
    value, gradient = Likelihood(energy, Rows(table, None)).evaluate(energy)
    assert value == pytest.approx(mean_log_likelihood(energy, table), abs=1e-12)
    assert_is_the_derivative(
        lambda other: mean_log_likelihood(other, table), energy, gradient, 1e-7
    )


@pytest.mark.parametrize("make", PAIRWISE)
@pytest.mark.parametrize("threshold", [0.5, None])
def test_means_of_the_data_are_as_good_as_their_rows(make, threshold):
    """The likelihood of machines without hidden units is linear but for log Z."""
    energy = centred(make())
    table = np.random.default_rng(0).random((30, energy.n_units))
    row_weights = np.random.default_rng(1).random(30)
    objective = Likelihood(energy, Rows(table, threshold).weighted(row_weights))
    assert objective._data is not None
    other = energy + 0.3 * objective.evaluate(energy)[1]
    shortened = [objective.evaluate(machine) for machine in (energy, other)]
    objective._data = None
    for machine, evaluated in zip((energy, other), shortened, strict=True):
        assert_same(evaluated, objective.evaluate(machine))


@pytest.mark.parametrize("make", PAIRWISE)
def test_moments_are_as_good_as_rows(make):
    energy, table = centred(make()), draw_table(make())
    rows = np.column_stack([table, np.ones(len(table))])
    objective = MomentLikelihood(energy, rows.T @ rows / len(rows))
    expected = Likelihood(energy, Rows(table, None))
    for other in (energy, 2 * energy):
        assert_same(objective.evaluate(other), expected.evaluate(other))


# ---- rows ----


@pytest.mark.parametrize(("objective", "make"), BOTH)
def test_merging_equal_rows_changes_nothing(objective, make):
    energy, table = make(), draw_table(make(), 100)
    merged, apart = Rows(table, None), Rows(table.astype(float), None)
    assert_same(
        objective(energy, merged).evaluate(energy),
        objective(energy, apart).evaluate(energy),
    )


@pytest.mark.parametrize(("objective", "make"), BOTH)
def test_row_weights_are_relative(objective, make):
    energy, table = make(), draw_table(make(), 6)
    repeats = np.array([1, 0, 3, 2, 1, 5])
    repeated = Rows(np.repeat(table, repeats, axis=0), None)
    weighted = objective(energy, Rows(table, None).weighted(repeats.astype(float)))
    assert_same(weighted.evaluate(energy), objective(energy, repeated).evaluate(energy))


@pytest.mark.parametrize(("objective", "make"), BOTH)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_blocks_change_nothing(monkeypatch, objective, make, convert):
    """Of values between 0 and 1, which count as they are."""
    energy = make()
    table = np.random.default_rng(0).random((30, energy.n_visible))
    rows = Rows(convert(table), None)
    whole = objective(energy, rows).evaluate(energy)
    monkeypatch.setattr(data, "BLOCK_ELEMENTS", 15)
    assert_same(objective(energy, rows).evaluate(energy), whole)


# ---- what cannot be ----


def test_some_layer_must_be_small():
    pair = PairwiseEnergy.of(np.zeros((21, 21)), np.zeros(21))
    layers = BinaryRBMEnergy.of(np.zeros((22, 21)), np.zeros(21), np.zeros(22))
    for energy in (pair, layers):
        with pytest.raises(
            ValueError, match=r"more than 20 units of these\. Use fewer"
        ):
            Likelihood(energy, Rows(np.zeros((1, 21)), None))
    one_small = BinaryRBMEnergy.of(np.zeros((2, 21)), np.zeros(21), np.zeros(2))
    value, _ = Likelihood(one_small, Rows(np.zeros((1, 21)), None)).evaluate(one_small)
    assert value == pytest.approx(-21 * np.log(2), rel=1e-13)


@pytest.mark.parametrize(("objective", "make"), BOTH)
def test_values_that_are_not_finite(objective, make):
    energy = make()
    rows = Rows(draw_table(energy), None)
    with pytest.raises(FloatingPointError, match="not finite: the parameters are out"):
        objective(energy, rows).evaluate(np.nan * energy)


class Shifted(PairwiseEnergy):
    """The same distribution, with an energy of 1.5 of the row of zeros."""

    def score(self, context, beta=1.0):
        return super().score(context, beta) - 1.5 * beta

    def negative_phase(self):
        log_partition, statistics = super().negative_phase()
        return log_partition - 1.5, statistics


def test_a_constant_in_the_energy_changes_nothing():
    energy, rows = centred(dense()), Rows(draw_table(dense()), None)
    shifted = Shifted(energy.matrix, energy.offset)
    value, gradient = Likelihood(shifted, rows).evaluate(2 * shifted)
    expected, slope = Likelihood(energy, rows).evaluate(2 * energy)
    assert value == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(gradient.matrix, slope.matrix, atol=1e-12)


# ---- missing values ----


@pytest.mark.parametrize("make", BINARY)
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_missing_values_are_summed_out(monkeypatch, make, threshold):
    """Value by hand, gradient by differences, in blocks or not, and with weights."""
    energy, rng = centred(make()), np.random.default_rng(1)
    table = draw_table(energy, 30).astype(float)
    table[rng.random(table.shape) < 0.4] = np.nan
    rows, weights = Rows(table, threshold, has_missing=True), rng.random(30)
    objective = Likelihood(energy, rows.weighted(weights))
    known = np.nan_to_num(table), ~np.isnan(table)
    exact = weights @ energy.observed_score(*known) / weights.sum()
    exact -= energy.negative_phase()[0]
    value, gradient = objective.evaluate(energy)
    assert value == pytest.approx(exact, abs=1e-12)
    vector = energy.ravel()
    for direction in np.random.default_rng(2).normal(size=(5, len(vector))):
        up, down = (
            objective.evaluate(energy.unravel(vector + sign * 1e-5 * direction))[0]
            for sign in (1, -1)
        )
        slope = gradient.ravel() @ direction
        assert slope == pytest.approx((up - down) / 2e-5, abs=1e-8)
    monkeypatch.setattr(data, "BLOCK_ELEMENTS", 40)
    assert_same(objective.evaluate(energy), (value, gradient), 1e-12)
    monkeypatch.undo()
    found, expected = (
        Likelihood(energy, rows.weighted(weights)).evaluate(energy)
        for rows in (
            Rows(np.nan_to_num(table), threshold, has_missing=True),
            Rows(np.nan_to_num(table), threshold),
        )
    )
    assert_same(found, expected, 1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_real_values_are_integrated_out(kind):
    energy = gaussian_machine(kind, 3, 3, ridge=0.2)
    table = rows_of(energy, 20)
    table[np.random.default_rng(0).random(table.shape) < 0.4] = np.nan
    objective = Likelihood(energy, Rows(table, None, has_missing=True))
    value, gradient = objective.evaluate(energy)
    known = np.nan_to_num(table), ~np.isnan(table)
    exact = energy.observed_score(*known).mean() - energy.negative_phase()[0]
    exact -= 0.1 * energy.visible.total_precision
    assert value == pytest.approx(exact, abs=1e-12)
    vector = energy.ravel()
    for direction in np.random.default_rng(2).normal(size=(5, len(vector))):
        up, down = (
            objective.evaluate(energy.unravel(vector + sign * 1e-5 * direction))[0]
            for sign in (1, -1)
        )
        slope = gradient.ravel() @ direction
        assert slope == pytest.approx((up - down) / 2e-5, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("make", PAIRWISE)
def test_the_pseudolikelihood_needs_complete_rows(make):
    rows = Rows(np.full((2, make().n_visible), np.nan), 0.5, has_missing=True)
    with pytest.raises(ValueError, match="needs complete rows"):
        PseudoLikelihood(make(), rows)
