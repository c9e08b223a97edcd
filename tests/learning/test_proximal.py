"""Ascent under penalties of groups, against what defines its optimum."""

from unittest.mock import Mock

import numpy as np
import pytest
from clique_models import random_cliques
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from skebm.learning.contrastive import LearningState
from skebm.learning.objectives import Likelihood, PseudoLikelihood
from skebm.learning.proximal import GroupLasso, ProximalAscent
from skebm.units.data import Rows

SIZES = np.array([2, 1, 3])
WEIGHTS = np.array([0.5, -1.0, 0.3, 0.1, 0.0, -0.2])


def test_the_cost_is_that_of_norms_and_squares():
    penalty = GroupLasso(SIZES, 0.4, 0.25)
    groups = np.split(WEIGHTS, [2, 3])
    norms = sum(np.sqrt(len(own)) * np.linalg.norm(own) for own in groups)
    exact = 0.4 * (0.25 * norms + 0.75 / 2 * WEIGHTS @ WEIGHTS)
    assert penalty.cost(WEIGHTS) == pytest.approx(exact)
    assert GroupLasso(SIZES[:0], 1, 1).cost(WEIGHTS[:0]) == 0


@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0])
def test_shrinking_minimises_penalty_and_distance(rate):
    penalty = GroupLasso(SIZES, 0.4, 0.5)
    shrunk = penalty.shrunk(WEIGHTS, rate)

    def objective(weights):
        return rate * penalty.cost(weights) + ((weights - WEIGHTS) ** 2).sum() / 2

    rng = np.random.default_rng(0)
    for size in (1e-4, 1e-2, 1):
        for direction in rng.normal(size=(20, 6)):
            assert objective(shrunk) < objective(shrunk + size * direction)


@pytest.mark.parametrize("objective", [Likelihood, PseudoLikelihood])
def test_learning_ends_at_the_optimum(objective):
    energy = random_cliques(4, n_units=4)
    rows = energy.elimination.draw(200, Mock(draw=uniform(0)))
    start = 0.0 * energy
    state = LearningState(start, start, None, None, {})
    sizes = np.array([np.prod(shape) for shape in energy.cliques.shapes])
    penalty = GroupLasso(sizes, 0.05, 0.6)
    learner = ProximalAscent(
        max_iter=3000, penalty=penalty, tol=1e-7, objective=objective
    )
    report = Mock(end=lambda history: False)
    history = learner.run(state, Rows(rows, None), report)
    climbed, reached = objective(start, Rows(rows, None)), state.model.ravel()
    n_weights = len(energy.tables)

    def cost(vector):
        value, _ = climbed.evaluate(start.unravel(vector))
        return penalty.cost(vector[:n_weights]) - value

    assert history[f"train_{climbed.measures}"][-1] == pytest.approx(
        penalty.cost(reached[:n_weights]) - cost(reached)
    )
    # No way leads down, also from where a group is zero as a whole.
    rng = np.random.default_rng(1)
    for direction in rng.normal(size=(50, len(reached))):
        assert cost(reached + 1e-3 * direction) > cost(reached)
    found = minimize(cost, reached + 0.01, method="Powell", options={"maxiter": 2})
    assert found.fun > cost(reached) - 1e-9
    zero = [not table.any() for table in energy.cliques.split(state.model.tables)]
    assert 0 < sum(zero) < len(zero)


def uniform(seed):
    rng = np.random.default_rng(seed)
    return lambda shape: rng.uniform(-1, 1, shape)


def test_too_few_iterations_are_told_of():
    energy = random_cliques(4, n_units=4)
    rows = Rows(energy.elimination.draw(50, Mock(draw=uniform(0))), None)
    state = LearningState(energy, energy, None, None, {})
    learner = ProximalAscent(
        max_iter=2,
        penalty=GroupLasso(np.array([len(energy.tables)]), 0.1, 0.5),
        tol=1e-9,
        objective=PseudoLikelihood,
    )
    with pytest.warns(ConvergenceWarning, match="after 2 iterations"):
        learner.run(state, rows, Mock(end=lambda history: False))
    assert learner.n_stages == 2
    assert learner.result(state) is state.averaged
