import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from skebm.learning.penalty import SplitPenalty, elastic_net, shrink_elastic_net

SCALE = np.array([0.5, 2.0, 1.0])
VECTOR = np.array([1.0, -3.0, 0.0, 7.0])


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("weight", [-2.0, -0.05, 0.0, 0.4, 3.0])
def test_is_the_proximal_step(weight, l1_ratio):
    rate, alpha = 0.5, 0.6

    def objective(w):
        penalty = l1_ratio * abs(w) + (1 - l1_ratio) * w**2 / 2
        return (w - weight) ** 2 / 2 + rate * alpha * penalty

    best = minimize_scalar(objective, bounds=(-4, 4), options={"xatol": 1e-10})
    weights = np.array([weight])
    shrink_elastic_net(weights, rate=rate, alpha=alpha, l1_ratio=l1_ratio)
    # A minimum is known to the square root of the precision of the objective.
    assert weights[0] == pytest.approx(best.x, abs=1e-6)


def test_small_weights_become_exactly_zero():
    weights = np.array([[0.1, -0.1, 0.2]], dtype=np.float32)
    shrink_elastic_net(weights, rate=1.0, alpha=0.15, l1_ratio=1.0)
    assert (weights == 0).tolist() == [[True, True, False]]
    assert weights.dtype == np.float32


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_the_step_is_against_the_penalty(l1_ratio):
    # A small step lowers the penalty by its squared slope, to first order.
    weights = np.array([[1.5, -0.7], [0.2, 3.0]])
    settings = {"alpha": 0.4, "l1_ratio": l1_ratio}
    slope = 0.4 * (l1_ratio * np.sign(weights) + (1 - l1_ratio) * weights)
    stepped = weights.copy()
    shrink_elastic_net(stepped, rate=1e-6, **settings)
    fall = elastic_net(weights, **settings) - elastic_net(stepped, **settings)
    np.testing.assert_allclose(fall, 1e-6 * (slope**2).sum(), rtol=1e-5)


# ---- weights split into two parts ----


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0, 0.5), (0.7, 0), (0.7, 0.4)])
def test_cost_of_split_weights_is_the_elastic_net_of_the_weights(alpha, l1_ratio):
    penalty = SplitPenalty(SCALE, alpha, l1_ratio)
    variables = penalty.variables(VECTOR)
    np.testing.assert_array_equal(penalty.vector(variables), VECTOR)
    weights = VECTOR[:3] / SCALE
    exact = l1_ratio * np.abs(weights).sum() + (1 - l1_ratio) / 2 * weights @ weights
    assert penalty.cost(variables) == pytest.approx(alpha * exact, abs=1e-14)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
def test_gradient_of_the_split_penalty(l1_ratio):
    penalty = SplitPenalty(SCALE, 0.7, l1_ratio)
    variables = penalty.variables(VECTOR) + 0.25
    gradient = np.array([1.0, 2.0, 3.0, 4.0])

    def objective(variables):
        return gradient @ penalty.vector(variables) - penalty.cost(variables)

    step = 1e-3  # the objective is quadratic: differences are exact
    numeric = [
        (objective(variables + shift) - objective(variables - shift)) / (2 * step)
        for shift in step * np.eye(len(variables))
    ]
    np.testing.assert_allclose(
        penalty.penalised(gradient, variables), numeric, rtol=0, atol=1e-11
    )
    assert gradient.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_slope_leaves_out_what_a_bound_stops():
    penalty = SplitPenalty(np.ones(1), 1.0, 1.0)
    variables = np.array([0.0, 0.2, 5.0])
    assert penalty.slope(variables, np.array([-9.0, -9.0, 0.1])) == 0.2
    assert penalty.slope(variables, np.array([0.3, -9.0, 0.1])) == 0.3
    assert penalty.slope(variables, np.array([-9.0, -0.1, -0.7])) == 0.7
    free = SplitPenalty(np.ones(1), 1.0, 0.0)
    assert free.slope(variables[1:], np.array([-9.0, 0.1])) == 9.0


def test_bounds_hold_the_two_parts_of_each_weight():
    penalty = SplitPenalty(np.ones(1), 1.0, 1.0)
    inf = np.inf
    assert penalty.bounds(3).tolist() == [[0, inf], [0, inf], [-inf, inf]]
    assert SplitPenalty(np.ones(1), 1.0, 0.0).bounds(2) is None
