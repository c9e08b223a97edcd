import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use
from scipy.special import expit

from skebm import kernels
from skebm.units.binary import (
    BinaryUnits,
    _layer_kernels,
    all_configurations,
    logistic,
    softplus,
    tanh_and_log_cosh,
)

FIELD = np.array([-800.0, -50, -1.5, -1e-9, 0, 1e-3, 2.5, 60, 800])


def fields(*shape, dtype=np.float64, scale=5.0):
    return np.random.default_rng(0).normal(0, scale, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_compiled_is_for_single_precision(dtype, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(kernels, "numba_compiles", lambda: True)
    kind = "numba" if dtype == np.float32 else "numpy"
    assert _layer_kernels(np.dtype(dtype)).__name__ == f"skebm.kernels.{kind}_layers"


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 3000.0])
def test_rises_go_there_or_back(monkeypatch, implementation, dtype, scale):
    use(implementation, monkeypatch, "layers")
    field = fields(3, 50, dtype=dtype, scale=scale)
    beta, other = np.array([0.25, 1.0, 0.5]), np.array([0.75, 0.0, 0.5])
    units = BinaryUnits(50)
    there = units.rise(field, beta, other)
    before, after = (
        np.logaddexp(0, scale[:, np.newaxis] * field.astype(float)).sum(axis=1)
        for scale in (beta, other)
    )
    bound = 16 * np.finfo(dtype).eps * np.abs(field).sum()
    np.testing.assert_array_less(np.abs(there - (after - before)), bound)
    assert there[0] > 0 > there[1]
    assert there[2] == 0
    np.testing.assert_array_equal(units.rise(field, other, beta), -there)


def test_the_first_unit_changes_fastest():
    listed = all_configurations(3)
    np.testing.assert_array_equal(listed @ [1, 2, 4], np.arange(8))
    assert all_configurations(0).shape == (1, 0)


@pytest.mark.parametrize("field", [FIELD, np.linspace(-700, 700, 12_001)])
def test_logistic_keeps_relative_precision_in_float64(field):
    np.testing.assert_allclose(logistic(field.copy()), expit(field), rtol=1e-14)


def test_logistic_is_exact_to_float32():
    mean = logistic(FIELD.astype(np.float32))
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, expit(FIELD), atol=1.2e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logistic_of_a_column_is_that_of_its_copy(dtype):
    """In place NumPy 2.4.6 negates one column of eight wrongly."""
    for n_columns in range(2, 20):
        table = fields(17, n_columns, dtype=dtype)
        others, column = table[:, :-1].copy(), table[:, -1:]
        expected = logistic(column.copy())
        np.testing.assert_array_equal(logistic(column), expected)
        np.testing.assert_array_equal(table[:, :-1], others)


def test_softplus_equals_logaddexp():
    np.testing.assert_allclose(softplus(FIELD), np.logaddexp(0, FIELD), rtol=1e-14)


@pytest.mark.parametrize("n_units", [1, 7, 999, 1001, 2500])
@pytest.mark.parametrize("scale", [0.1, 3.0, 1000.0])
def test_tanh_and_log_cosh(n_units, scale):
    """Of more units than factors that one product holds, too."""
    half_field = fields(n_units, 3, scale=scale)
    exact = np.logaddexp(half_field, -half_field).sum(axis=0)
    expected = np.tanh(half_field)
    tanh, log_cosh = tanh_and_log_cosh(half_field)
    assert tanh is half_field
    np.testing.assert_array_equal(tanh, expected)
    np.testing.assert_allclose(log_cosh, exact, rtol=1e-13)
