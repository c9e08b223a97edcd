from functools import partial

import numpy as np
import pytest
from oracle import (
    BoltzmannOracle,
    RBMOracle,
    all_states,
    random_boltzmann,
    random_lattice,
    random_rbm,
)
from sklearn.exceptions import ConvergenceWarning

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import Graph
from skebm.energy.pairwise import PairwiseEnergy
from skebm.learning.contrastive import LearningState
from skebm.learning.lbfgs import LBFGS
from skebm.learning.objectives import Likelihood, PseudoLikelihood
from skebm.units.data import Rows

MEASURED = "train_log_likelihood"


class Report:
    """Keeps the machine after each iteration; asks for the end after so many."""

    def __init__(self, n_iterations=None):
        self.n_iterations, self.n_begun = n_iterations, 0
        self.energies = []

    def begin(self):
        self.n_begun += 1

    def end(self, history):
        assert history["n_iter"] == list(range(1, self.n_begun + 1))
        assert self.state.n_updates == self.n_begun
        assert self.state.averaged is self.state.model
        self.energies.append(self.state.model)
        return self.n_begun == self.n_iterations


def learn(
    energy,
    table,
    *,
    max_iter=2000,
    alpha=0.0,
    l1_ratio=0.0,
    tol=1e-7,
    n_stop=None,
    row_weights=None,
    **kw,
):
    """Learn from a table, to the optimum unless told otherwise: else this warns."""
    energy = energy.centred((table.sum(axis=0) + 0.5) / (len(table) + 1))
    state, report = LearningState(energy, energy, None, None, {}), Report(n_stop)
    report.state = state
    learner = LBFGS(max_iter, alpha, l1_ratio, tol, **kw)
    history = learner.run(state, Rows(table, None).weighted(row_weights), report)
    assert learner.n_stages == max_iter
    assert learner.result(state) is state.model
    assert state.model.dtype == np.float64
    return state, history, report


def coupled(n_hidden, n_visible):
    """Draw a machine whose units are often on and depend on one another."""
    weights = 4 * random_rbm(n_hidden, n_visible)[0]
    return weights, -weights.sum(axis=0) / 2, -weights.sum(axis=1) / 2


def start(n_hidden, n_visible, scale=0.1):
    weights = np.random.default_rng(0).normal(0, scale, (n_hidden, n_visible))
    return BinaryRBMEnergy.of(weights, np.zeros(n_visible), np.zeros(n_hidden))


@pytest.fixture(scope="module")
def table():
    """Four coupled columns and one on its own."""
    rng = np.random.default_rng(0)
    coupled_columns, _ = RBMOracle(*coupled(2, 4)).draw(400, rng)
    return np.column_stack([coupled_columns, rng.random(400) < 0.5]).astype(bool)


def assert_stationary(energy, table, pull=0.0):
    """Hold the gradient by plain parameters, by brute force, to that of a penalty.

    With deviations and means up to 1/2 and 1, a derivative by plain weights is at
    most 1/4, 1/4 and 1/2 of the three by standardised ones that it mixes: no more
    than the tolerance of 1e-7, but for rounding.
    """
    weights, visible, hidden = RBMOracle.of(energy).gradient(table)
    for part in (weights - pull, visible, hidden):
        assert np.abs(part).max() < 1.001e-7


def test_finds_the_law_that_rows_have_exactly():
    oracle = RBMOracle(*coupled(2, 4))
    table = all_states(4).astype(bool)
    state, history, _ = learn(start(2, 4), table, row_weights=oracle.law)
    law = RBMOracle.of(state.model).law
    divergence = oracle.law @ np.log(oracle.law / law)
    # To second order, half the slope of 1e-7 times the way that is left.
    assert -1e-14 < divergence < 1e-8
    assert np.abs(law - oracle.law).max() < np.sqrt(1e-8 / 2)  # Pinsker
    entropy = -oracle.law @ np.log(oracle.law)
    assert history[MEASURED][-1] == pytest.approx(-entropy - divergence, abs=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ends_at_an_optimum_in_float64_with_the_offsets_it_began_with(table, dtype):
    state, _, report = learn(start(2, 5).astype(dtype), table)
    assert_stationary(state.model, table)
    first = report.energies[0]
    for name in "visible_offset", "hidden_offset":
        np.testing.assert_array_equal(getattr(state.model, name), getattr(first, name))


def test_history_is_the_log_likelihood_and_rises(table):
    state, history, report = learn(start(2, 5), table)
    values = np.array(history[MEASURED])
    assert len(values) == len(report.energies) == state.n_updates > 5
    exact = [RBMOracle.of(e).log_likelihood(table).mean() for e in report.energies]
    np.testing.assert_allclose(values, exact, rtol=0, atol=1e-13)
    assert (np.diff(values) > -1e-14).all()
    assert values[-1] > values[0] + 0.1
    np.testing.assert_array_equal(report.energies[-1].weights, state.model.weights)


@pytest.mark.parametrize("shape", [(2, 5), (5, 2)])
def test_either_layer_may_be_the_smaller(shape):
    oracle = RBMOracle(*random_rbm(*shape))
    table, _ = oracle.draw(300, np.random.default_rng(1))
    state, _, _ = learn(start(*shape), table.astype(bool))
    assert_stationary(state.model, table)


def test_probabilities():
    # Each column at its mean: independent units, whose likelihood is known.
    table = np.full((3, 2), [0.25, 0.5])
    _, history, _ = learn(start(1, 2, scale=0.0), table)
    entropy = -0.25 * np.log(0.25) - 0.75 * np.log(0.75) + np.log(2)
    assert history[MEASURED][-1] == pytest.approx(-entropy, abs=1e-12)


def test_l2_penalty_is_stationary(table):
    alpha = 0.02
    state, history, _ = learn(start(2, 5), table, alpha=alpha)
    assert np.abs(state.model.weights).max() > 0.5
    assert_stationary(state.model, table, alpha * state.model.weights)
    exact = RBMOracle.of(state.model).log_likelihood(table).mean()
    assert history[MEASURED][-1] == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.03, 1.0), (0.03, 0.5)])
def test_l1_penalty_meets_the_conditions_of_its_subgradient(table, alpha, l1_ratio):
    state, _, _ = learn(start(2, 5), table, alpha=alpha, l1_ratio=l1_ratio)
    weights, l1 = state.model.weights, alpha * l1_ratio
    zero = weights == 0
    assert 0 < zero.sum() < zero.size
    pull, _, _ = RBMOracle.of(state.model).gradient(table)
    ridge = alpha * (1 - l1_ratio) * weights
    assert np.abs(pull - ridge)[zero].max() < l1
    pull[~zero] = (ridge + l1 * np.sign(weights))[~zero]
    assert_stationary(state.model, table, pull)


def test_l1_penalty_sets_in_after_weights_have_grown(table):
    state, _, _ = learn(start(2, 5, scale=0.001), table, alpha=0.03, l1_ratio=1.0)
    assert np.abs(state.model.weights).max() > 0.5


def test_a_short_fit_has_its_l1_penalty_from_the_start(table):
    state, _, _ = learn(start(2, 5), table, max_iter=9, alpha=10.0, l1_ratio=1.0)
    assert not state.model.weights.any()


def test_says_when_it_has_not_converged(table):
    message = r"not converged after 3 iterations: .* above tol=1\.0e-07\. Increase"
    with pytest.warns(ConvergenceWarning, match=message):
        state, history, _ = learn(start(2, 5), table, max_iter=3)
    assert state.n_updates == len(history[MEASURED]) == 3


def test_says_when_no_step_leads_higher(table):
    """Not that more iterations would help, where rounding has ended the search."""
    message = (
        r"not converged after \d+ iterations: it has ended before max_iter=2000, since "
        r"no step .* above tol=1\.0e-19\. More iterations would change nothing"
    )
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        state, _, _ = learn(start(2, 5), table, tol=1e-19)
    assert "Increase max_iter" not in str(caught[0].message)
    assert state.n_updates < 2000
    assert_stationary(state.model, table)


@pytest.mark.parametrize("n_stop", [1, 4])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_callback_ends_learning(table, l1_ratio, n_stop):
    """Without a word of what might have been."""
    state, _, report = learn(
        start(2, 5), table, alpha=1e-3, l1_ratio=l1_ratio, max_iter=20, n_stop=n_stop
    )
    assert state.n_updates == report.n_begun == n_stop
    assert state.model is report.energies[-1]


def test_onset_and_rest_share_the_iterations(table):
    with pytest.warns(ConvergenceWarning, match="after 30 iterations"):
        state, _, _ = learn(start(2, 5), table, max_iter=30, alpha=1e-3, l1_ratio=1.0)
    assert state.n_updates == 30


def test_a_start_at_the_optimum_counts_as_one_iteration(table):
    energy = start(2, 5, scale=0.0)
    state, history, report = learn(energy, table, tol=1.0)
    assert not report.n_begun
    assert state.n_updates == 1
    assert history == {"n_iter": [], MEASURED: []}
    rows = all_states(5)
    np.testing.assert_allclose(
        state.model.free_energy(rows), energy.free_energy(rows), rtol=0, atol=1e-13
    )


def test_is_deterministic(table):
    fits = [learn(start(2, 5), table) for _ in range(2)]
    assert fits[0][1] == fits[1][1]
    np.testing.assert_array_equal(fits[0][0].model.matrix, fits[1][0].model.matrix)


def test_no_layer_is_small_enough():
    with pytest.raises(ValueError, match="Use fewer units, or another algorithm"):
        learn(start(21, 22), np.zeros((1, 22), dtype=bool))


def test_start_that_is_not_finite(table):
    with pytest.raises(FloatingPointError, match="not finite"):
        learn(np.nan * start(2, 5), table)


# Without a bound on what the data say, parameters grow until the slope is small.
@pytest.mark.parametrize(
    "table",
    [
        np.array([[0, 1, 1, 0], [1, 0, 1, 0]], dtype=bool),
        np.ones((1, 4), dtype=bool),
        np.array([[1, 0, 1, 1]] * 50, dtype=bool),
    ],
    ids=["2 rows", "1 row", "duplicates"],
)
def test_data_without_a_finite_optimum(table):
    _, history, _ = learn(start(2, 4), table, tol=1e-5)
    entropy = np.log(len(np.unique(table, axis=0)))
    assert history[MEASURED][-1] == pytest.approx(-entropy, abs=1e-4)


# ---- machines without hidden units, by both objectives ----


def dense():
    return PairwiseEnergy.of(*random_boltzmann(6))


def lattice(scale=1.0, *, coloured=True):
    couplings, bias, mask, colours = random_lattice()
    graph = Graph(mask, colours if coloured else None)
    return PairwiseEnergy.of(scale * couplings, bias, graph)


MACHINES = [dense, lattice, partial(lattice, coloured=False)]
both_objectives = pytest.mark.parametrize("objective", [Likelihood, PseudoLikelihood])


def independent(energy):
    return energy.unravel(np.zeros_like(energy.ravel()))


def draw_rows(energy, n_rows):
    oracle = BoltzmannOracle.of(energy)
    return oracle.draw(n_rows, np.random.default_rng(0)).astype(bool)


@both_objectives
@pytest.mark.parametrize("make", MACHINES)
def test_all_states_with_their_probabilities_give_the_machine(make, objective):
    energy, table = make(), all_states(6).astype(bool)
    law = BoltzmannOracle.of(energy).law
    state, history, _ = learn(
        independent(energy), table, objective=objective, row_weights=law, tol=1e-8
    )
    np.testing.assert_allclose(
        state.model.plain().ravel(), energy.ravel(), rtol=0, atol=1e-6
    )
    kind = "pseudo_" * (objective is PseudoLikelihood)
    assert set(history) == {"n_iter", f"train_{kind}log_likelihood"}


@both_objectives
@pytest.mark.parametrize("make", MACHINES[1:])
def test_couplings_outside_the_graph_stay_zero(make, objective):
    table, energy = draw_rows(dense(), 300), independent(make())
    state, _, _ = learn(energy, table, objective=objective)
    couplings = state.model.couplings
    np.testing.assert_array_equal(couplings != 0, energy.graph.mask)
    np.testing.assert_array_equal(couplings, couplings.T)


@both_objectives
def test_an_l1_penalty_counts_each_coupling_once(objective):
    table, energy = draw_rows(lattice(scale=2.0), 2000), independent(dense())
    penalty = {"alpha": 0.02, "l1_ratio": 1.0, "tol": 2e-8}
    state, _, _ = learn(energy, table, objective=objective, **penalty)
    free, _, _ = learn(energy, table, objective=objective)
    assert (free.model.weights != 0).all()
    couplings = state.model.weights
    zero = couplings == 0
    assert 0 < zero.sum() < len(zero)
    # Stationary: no derivative of a coupling at zero exceeds the penalty, and each
    # of the others equals it.
    rows = Rows(table, None)
    _, gradient = objective(state.model, rows).evaluate(state.model)
    slope = gradient.weights
    assert (np.abs(slope[zero]) <= 0.02).all()
    expected = 0.02 * np.sign(couplings[~zero])
    np.testing.assert_allclose(slope[~zero], expected, rtol=0, atol=1e-8)
