import numpy as np
import pytest
from scipy.special import expit

from skebm.energy.units import draw_units, logistic, softplus
from skebm.sampling.noise import UniformNoise

FIELD = np.array([-800.0, -50, -1.5, -1e-9, 0, 1e-3, 2.5, 60, 800])


def test_logistic_keeps_relative_precision_in_float64():
    np.testing.assert_allclose(logistic(FIELD.copy()), expit(FIELD), rtol=1e-14)


def test_logistic_is_exact_to_float32():
    mean = logistic(FIELD.astype(np.float32))
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, expit(FIELD), atol=1.2e-7)


def test_softplus_equals_logaddexp():
    np.testing.assert_allclose(softplus(FIELD), np.logaddexp(0, FIELD), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_units_are_on_with_their_probability(dtype, beta):
    noise = UniformNoise(np.random.default_rng(0), dtype)
    field = np.array([-3.0, -0.5, 0.0, 1.0, 4.0], dtype=dtype)
    n_draws = 100_000
    drawn = draw_units(np.tile(field, (n_draws, 1)), noise, beta)
    assert drawn.dtype == bool
    exact = expit(beta * field.astype(float))
    error = np.sqrt(exact * (1 - exact) / n_draws)
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - exact) / error, 5)


def test_certain_units_are_certain():
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    field = np.full((1000, 2), [-200.0, 200.0], dtype=np.float32)
    np.testing.assert_array_equal(draw_units(field, noise).mean(axis=0), [0, 1])
