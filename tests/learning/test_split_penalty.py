import numpy as np
import pytest

from skebm.learning.split_penalty import SplitPenalty

SCALE = np.array([0.5, 2.0, 1.0])
VECTOR = np.array([1.0, -3.0, 0.0, 7.0])


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0, 0.5), (0.7, 0), (0.7, 0.4)])
def test_cost_is_the_elastic_net_of_the_weights(alpha, l1_ratio):
    penalty = SplitPenalty(SCALE, alpha, l1_ratio)
    variables = penalty.variables(VECTOR)
    np.testing.assert_array_equal(penalty.vector(variables), VECTOR)
    weights = VECTOR[:3] / SCALE
    exact = l1_ratio * np.abs(weights).sum() + (1 - l1_ratio) / 2 * weights @ weights
    assert penalty.cost(variables) == pytest.approx(alpha * exact, abs=1e-14)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
def test_gradient(l1_ratio):
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
