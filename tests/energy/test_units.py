import numpy as np
import pytest
from scipy.special import expit

from skebm.energy.units import logistic, softplus, softplus_sum

FIELD = np.array([-800.0, -50, -1.5, -1e-9, 0, 1e-3, 2.5, 60, 800])


def test_logistic_keeps_relative_precision_in_float64():
    np.testing.assert_allclose(logistic(FIELD.copy()), expit(FIELD), rtol=1e-14)
    field = np.linspace(-700, 700, 12_001)
    np.testing.assert_allclose(logistic(field.copy()), expit(field), rtol=1e-14)


def test_logistic_is_exact_to_float32():
    mean = logistic(FIELD.astype(np.float32))
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, expit(FIELD), atol=1.2e-7)


def test_softplus_equals_logaddexp():
    np.testing.assert_allclose(softplus(FIELD), np.logaddexp(0, FIELD), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_units", [1, 9, 127, 128, 1023, 1024, 2500])
@pytest.mark.parametrize("scale", [0.0, 1e-3, 3.0, 100.0])
def test_softplus_sum_is_exact_to_rounding(dtype, n_units, scale):
    rng = np.random.default_rng(n_units)
    field = rng.normal(0, scale, (2, 3, n_units)).astype(dtype)
    exact = np.logaddexp(0, field.astype(np.float64)).sum(axis=-1)
    size = n_units + np.abs(field).sum(axis=-1, dtype=np.float64)
    result = softplus_sum(field)
    assert result.dtype == dtype
    # An exponential, a sum and a product each are rounded for every unit.
    bound = 2 * np.finfo(dtype).eps * size
    np.testing.assert_array_less(np.abs(result - exact), bound + 1e-300)


def test_softplus_sum_of_extreme_fields():
    np.testing.assert_allclose(
        softplus_sum(np.array([FIELD, -np.abs(FIELD)])),
        np.logaddexp(0, [FIELD, -np.abs(FIELD)]).sum(axis=1),
        rtol=1e-14,
    )
    field = np.array([-800.0, -60.0])
    assert softplus_sum(field) == 0


@pytest.mark.parametrize("n_rows", [1, 7, 100])
def test_softplus_sum_of_a_row_does_not_depend_on_others(n_rows):
    field = np.random.default_rng(0).normal(0, 3, (100, 500))
    alone = softplus_sum(field[:n_rows].copy())
    np.testing.assert_array_equal(alone, softplus_sum(field)[:n_rows])
