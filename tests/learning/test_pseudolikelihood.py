import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice
from scipy import sparse
from scipy.optimize import minimize

from skebm import _rows
from skebm._rows import Rows
from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.connectivity import Connectivity
from skebm.learning.pseudolikelihood import PseudoLikelihood
from skebm.learning.split_penalty import SplitPenalty


def machine(n_units=4, seed=0):
    return BoltzmannEnergy(*random_boltzmann(n_units, seed=seed))


def masked():
    couplings, bias, mask, _ = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask))


def coloured():
    couplings, bias, mask, colours = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


def draw_table(energy, n_rows, seed=0):
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    return oracle.draw(n_rows, np.random.default_rng(seed)).astype(bool)


def evaluate(energy, rows, row_weights=None):
    objective = PseudoLikelihood(energy, rows, row_weights)
    return objective.evaluate(objective.coordinates.vector(energy))


def maximise(objective, alpha=0.0):
    """Climb by L-BFGS, less an L1 penalty of the couplings, from independent units."""
    coordinates = objective.coordinates
    penalty = SplitPenalty(coordinates.weight_scale, alpha, 1.0)

    def descend(variables):
        value, gradient = objective.evaluate(penalty.vector(variables))
        gradient = penalty.penalised(gradient, variables)
        return penalty.cost(variables) - value, -gradient

    n_parameters = coordinates.n_weights + len(coordinates.offset)
    variables = penalty.variables(np.zeros(n_parameters))
    result = minimize(
        descend,
        variables,
        jac=True,
        method="L-BFGS-B",
        bounds=penalty.bounds(len(variables)),
        options={"maxiter": 5000, "ftol": 0, "gtol": 1e-10, "maxls": 50},
    )
    return coordinates.energy(penalty.vector(result.x))


def test_value_is_the_mean_of_the_sum_of_conditionals():
    energy = machine()
    table = draw_table(energy, 50)
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    exact = 0.0
    for unit, values in enumerate(table.T):
        on = oracle.conditional(unit)[oracle.index(table)]
        exact += np.log(np.where(values, on, 1 - on)).mean()
    value, _ = evaluate(energy, Rows(table, None))
    assert isinstance(value, float)
    assert value == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize("make", [machine, masked, coloured])
@pytest.mark.parametrize("threshold", [0.5, None])
def test_gradient_by_finite_differences(make, threshold):
    energy = make()
    table = np.random.default_rng(0).random((30, energy.n_units))
    objective = PseudoLikelihood(energy, Rows(table, threshold))
    vector = objective.coordinates.vector(energy)
    step = 1e-5
    numeric = [
        objective.evaluate(vector + shift)[0] - objective.evaluate(vector - shift)[0]
        for shift in step * np.eye(len(vector))
    ]
    # The difference of values of rounding 1e-14 over 2e-5, and step**2.
    np.testing.assert_allclose(
        np.array(numeric) / (2 * step), objective.evaluate(vector)[1], rtol=0, atol=5e-9
    )


@pytest.mark.parametrize("make", [machine, masked, coloured])
def test_all_states_with_their_probabilities_give_the_machine(make):
    energy = make()
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    rows = Rows(oracle.visible.astype(bool), None)
    found = maximise(PseudoLikelihood(energy, rows, oracle.law))
    np.testing.assert_allclose(found.couplings, energy.couplings, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.bias, energy.bias, rtol=0, atol=1e-6)


@pytest.mark.parametrize("make", [masked, coloured])
def test_couplings_outside_the_mask_stay_zero(make):
    truth = machine(6, seed=1)
    template = make()
    found = maximise(PseudoLikelihood(template, Rows(draw_table(truth, 300), None)))
    mask = template.connectivity.mask
    assert (truth.couplings[~mask & ~np.eye(6, dtype=bool)] != 0).all()
    assert (found.couplings[~mask] == 0).all()
    assert (found.couplings[mask] != 0).all()
    np.testing.assert_array_equal(found.couplings, found.couplings.T)


def test_l1_penalty_gives_exact_zeros():
    ring = masked()
    couplings = ring.couplings * 2
    table = draw_table(BoltzmannEnergy(couplings, ring.bias), 2000)
    dense = BoltzmannEnergy(np.zeros((6, 6)), np.zeros(6))
    objective = PseudoLikelihood(dense, Rows(table, None))
    free, sparse_ones = maximise(objective), maximise(objective, alpha=0.02)
    upper = np.triu_indices(6, 1)
    assert (free.couplings[upper] != 0).all()
    zero = sparse_ones.couplings[upper] == 0
    assert 0 < zero.sum() < len(zero)
    # Stationary: no derivative of a coupling at zero exceeds the penalty, and each
    # of the others equals it.
    coordinates = objective.coordinates
    _, gradient = objective.evaluate(coordinates.vector(sparse_ones))
    slope = gradient[: len(zero)] * coordinates.weight_scale
    assert (np.abs(slope[zero]) <= 0.02).all()
    expected = 0.02 * np.sign(sparse_ones.couplings[upper][~zero])
    np.testing.assert_allclose(slope[~zero], expected, rtol=0, atol=1e-8)


def test_merging_equal_rows_changes_nothing():
    energy = machine()
    table = draw_table(energy, 100)
    merged = evaluate(energy, Rows(table, None))
    apart = evaluate(energy, Rows(table.astype(float), None))
    assert merged[0] == pytest.approx(apart[0], abs=1e-13)
    np.testing.assert_allclose(merged[1], apart[1], rtol=0, atol=1e-13)


def test_row_weights_are_relative():
    energy = machine()
    table = draw_table(energy, 6)
    repeats = np.array([1, 0, 3, 2, 1, 5])
    repeated = evaluate(energy, Rows(np.repeat(table, repeats, axis=0), None))
    weighted = evaluate(energy, Rows(table, None), repeats.astype(float))
    assert weighted[0] == pytest.approx(repeated[0], abs=1e-13)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=0, atol=1e-13)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_blocks_change_nothing(monkeypatch, convert):
    energy = machine(21)
    table = convert((np.random.default_rng(0).random((10, 21)) < 0.4).astype(int))
    objective = PseudoLikelihood(energy, Rows(table, 0.5))
    vector = objective.coordinates.vector(energy)
    whole = objective.evaluate(vector)
    monkeypatch.setattr(_rows, "BLOCK_ELEMENTS", 63)
    cut = objective.evaluate(vector)
    assert cut[0] == pytest.approx(whole[0], rel=1e-14)
    np.testing.assert_allclose(cut[1], whole[1], rtol=0, atol=1e-12)


def test_constant_columns_have_finite_coordinates():
    table = np.array([[True, False, True], [True, False, False]])
    objective = PseudoLikelihood(machine(3), Rows(table, None))
    expected = [2.5 / 3, 0.5 / 3, 1.5 / 3]
    np.testing.assert_allclose(objective.coordinates.offset, expected, rtol=1e-15)


def test_value_that_is_not_finite():
    energy = BoltzmannEnergy(np.full((2, 2), np.nan), np.zeros(2))
    with pytest.raises(FloatingPointError, match="not finite: the parameters are out"):
        evaluate(energy, Rows(np.ones((1, 2)), None))
