import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from skebm.learning.penalty import elastic_net, shrink_elastic_net


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
