from collections import namedtuple

import numpy as np
import pytest
from oracle import RBMOracle, all_states, random_rbm
from sklearn.exceptions import ConvergenceWarning

from skebm._rows import Rows
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning.exact import ExactLearning

Problem = namedtuple("Problem", "energy rows table")


def coupled(n_hidden, n_visible):
    """Draw a machine whose units are often on and depend on one another."""
    weights = 4 * random_rbm(n_hidden, n_visible)[0]
    return weights, -weights.sum(axis=0) / 2, -weights.sum(axis=1) / 2


def start(n_hidden, n_visible, seed=0):
    weights = np.random.default_rng(seed).normal(0, 0.1, (n_hidden, n_visible))
    return BinaryRBMEnergy(weights, np.zeros(n_visible), np.zeros(n_hidden))


@pytest.fixture(scope="module")
def problem():
    """Four coupled columns and one on its own, and where to learn from."""
    rng = np.random.default_rng(0)
    coupled_columns, _ = RBMOracle(*coupled(2, 4)).draw(400, rng)
    table = np.column_stack([coupled_columns, rng.random(400) < 0.5])
    return Problem(start(2, 5), Rows(table.astype(bool), None), table)


def learner(max_iter=2000, alpha=0.0, l1_ratio=0.0, tol=1e-7):
    return ExactLearning(max_iter, alpha, l1_ratio, tol)


def oracle_of(energy):
    return RBMOracle(*vars(energy).values())


def plain_gradient(energy, table):
    """Gradient of the log-likelihood by plain parameters, by brute force."""
    return oracle_of(energy).gradient(table)


# With deviations and means up to 1/2 and 1, a derivative by plain weights is at
# most 1/4, 1/4 and 1/2 of the three by standardised ones that it mixes: no more
# than the tolerance of 1e-7, but for rounding.
PLAIN_TOL = 1.001e-7


def test_finds_the_law_that_rows_have_exactly():
    oracle = RBMOracle(*coupled(2, 4))
    rows = Rows(all_states(4).astype(bool), None)
    fit = learner().run(start(2, 4), rows, row_weights=oracle.law)
    assert fit.converged
    law = oracle_of(fit.energy).law
    divergence = oracle.law @ np.log(oracle.law / law)
    # To second order, half the slope of 1e-7 times the way that is left.
    assert -1e-14 < divergence < 1e-8
    assert np.abs(law - oracle.law).max() < np.sqrt(1e-8 / 2)  # Pinsker
    entropy = -oracle.law @ np.log(oracle.law)
    assert fit.log_likelihoods[-1] == pytest.approx(-entropy - divergence, abs=1e-13)


def test_gradient_vanishes_at_the_end(problem):
    fit = learner().run(problem.energy, problem.rows)
    assert fit.converged
    for part in plain_gradient(fit.energy, problem.table):
        assert np.abs(part).max() < PLAIN_TOL


def test_history_is_the_log_likelihood_and_rises(problem):
    energies, told = [], []

    def keep(energy, log_likelihood):
        energies.append(energy)
        told.append(log_likelihood)

    fit = learner().run(problem.energy, problem.rows, keep)
    assert told == fit.log_likelihoods
    history = np.array(fit.log_likelihoods)
    assert len(history) == len(energies) == fit.n_iterations
    exact = [oracle_of(e).log_likelihood(problem.table).mean() for e in energies]
    np.testing.assert_allclose(history, exact, rtol=0, atol=1e-13)
    assert (np.diff(history) > -1e-14).all()
    assert history[-1] > history[0] + 0.1
    np.testing.assert_array_equal(energies[-1].weights, fit.energy.weights)


@pytest.mark.parametrize("shape", [(2, 5), (5, 2)])
def test_either_layer_may_be_the_smaller(shape):
    oracle = RBMOracle(*random_rbm(*shape))
    table, _ = oracle.draw(300, np.random.default_rng(1))
    fit = learner().run(start(*shape), Rows(table.astype(bool), None))
    assert fit.converged
    for part in plain_gradient(fit.energy, table):
        assert np.abs(part).max() < PLAIN_TOL


def test_probabilities():
    # Each column at its mean: independent units, whose likelihood is known.
    table = np.full((3, 2), [0.25, 0.5])
    energy = BinaryRBMEnergy(np.zeros((1, 2)), np.zeros(2), np.zeros(1))
    fit = learner().run(energy, Rows(table, None))
    entropy = -0.25 * np.log(0.25) - 0.75 * np.log(0.75) + np.log(2)
    assert fit.log_likelihoods[-1] == pytest.approx(-entropy, abs=1e-12)


def test_l2_penalty_is_stationary(problem):
    alpha = 0.02
    fit = learner(alpha=alpha).run(problem.energy, problem.rows)
    assert fit.converged
    weights, visible, hidden = plain_gradient(fit.energy, problem.table)
    assert np.abs(fit.energy.weights).max() > 0.5
    assert np.abs(weights - alpha * fit.energy.weights).max() < PLAIN_TOL
    assert max(np.abs(visible).max(), np.abs(hidden).max()) < PLAIN_TOL
    exact = oracle_of(fit.energy).log_likelihood(problem.table).mean()
    assert fit.log_likelihoods[-1] == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.03, 1.0), (0.03, 0.5)])
def test_l1_penalty_meets_the_conditions_of_its_subgradient(problem, alpha, l1_ratio):
    fit = learner(alpha=alpha, l1_ratio=l1_ratio).run(problem.energy, problem.rows)
    assert fit.converged
    weights = fit.energy.weights
    zero = weights == 0
    assert 0 < zero.sum() < zero.size
    pull, visible, hidden = plain_gradient(fit.energy, problem.table)
    pull = pull - alpha * (1 - l1_ratio) * weights
    l1 = alpha * l1_ratio
    assert np.abs(pull[~zero] - l1 * np.sign(weights[~zero])).max() < PLAIN_TOL
    assert np.abs(pull[zero]).max() < l1
    assert max(np.abs(visible).max(), np.abs(hidden).max()) < PLAIN_TOL


def test_l1_penalty_sets_in_after_weights_have_grown(problem):
    small = BinaryRBMEnergy(problem.energy.weights / 100, np.zeros(5), np.zeros(2))
    fit = learner(alpha=0.03, l1_ratio=1.0).run(small, problem.rows)
    assert np.abs(fit.energy.weights).max() > 0.5


def test_a_short_fit_has_its_l1_penalty_from_the_start(problem):
    fit = learner(9, alpha=10.0, l1_ratio=1.0).run(problem.energy, problem.rows)
    assert not fit.energy.weights.any()


def test_says_when_it_has_not_converged(problem):
    message = "not converged after 3 iterations: .* above tol=1.0e-07. Increase"
    with pytest.warns(ConvergenceWarning, match=message):
        fit = learner(3).run(problem.energy, problem.rows)
    assert not fit.converged
    assert fit.n_iterations == len(fit.log_likelihoods) == 3


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_callback_ends_learning(problem, l1_ratio):
    energies = []

    def stop(energy, log_likelihood):
        energies.append(energy)
        return len(energies) == 4

    fit = learner(alpha=1e-3, l1_ratio=l1_ratio).run(problem.energy, problem.rows, stop)
    assert fit.n_iterations == len(energies) == 4
    assert not fit.converged
    np.testing.assert_allclose(
        fit.energy.weights, energies[-1].weights, rtol=0, atol=1e-14
    )


def test_onset_and_rest_share_the_iterations(problem):
    with pytest.warns(ConvergenceWarning, match="after 30 iterations"):
        fit = learner(30, 1e-3, 1.0).run(problem.energy, problem.rows)
    assert fit.n_iterations == 30


def test_is_deterministic(problem):
    fits = [learner().run(problem.energy, problem.rows) for _ in range(2)]
    assert fits[0].log_likelihoods == fits[1].log_likelihoods
    np.testing.assert_array_equal(fits[0].energy.weights, fits[1].energy.weights)


def test_float32_start_is_learned_from_in_float64(problem):
    fit = learner().run(problem.energy.astype(np.float32), problem.rows)
    assert fit.converged
    assert fit.energy.dtype == np.float64


def test_no_layer_is_small_enough():
    with pytest.raises(ValueError, match="Use fewer components, or a stochastic"):
        learner().run(start(21, 22), Rows(np.zeros((1, 22), dtype=bool), None))


def test_start_that_is_not_finite(problem):
    broken = BinaryRBMEnergy(np.full((2, 5), np.inf), np.zeros(5), np.zeros(2))
    with pytest.raises(FloatingPointError, match="not finite"):
        learner().run(broken, problem.rows)


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
    fit = learner(tol=1e-5).run(start(2, 4), Rows(table, None))
    assert fit.converged
    entropy = np.log(len(np.unique(table, axis=0)))
    assert fit.log_likelihoods[-1] == pytest.approx(-entropy, abs=1e-4)
