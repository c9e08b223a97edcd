"""Thresholds against the log-odds that they are; `energy/test_sweeps.py` uses them."""

import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use

from skebm.kernels.chains import Chains
from skebm.kernels.numpy_sweeps import metropolis_thresholds

LARGEST = np.nextafter(np.float32(1), np.float32(0))


@pytest.fixture(params=IMPLEMENTATIONS)
def gibbs_thresholds(request, monkeypatch):
    return use(request.param, monkeypatch, "sweeps").gibbs_thresholds


def chains(n_rows, dtype):
    return Chains(np.zeros((0, n_rows), dtype=bool), np.ones(n_rows, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_are_log_odds_to_rounding(gibbs_thresholds, dtype):
    ends = 1 - np.geomspace(2.0**-24, 0.5, 500, dtype=np.float32)
    small = np.geomspace(1e-30, 0.5, 500, dtype=np.float32)
    variates = np.concatenate([ends, small, -ends, -small, [0, LARGEST, -LARGEST]])
    uniform = variates.astype(dtype).reshape(1, -1)
    bias = np.zeros((1, 1), dtype)
    result = gibbs_thresholds(uniform, bias, chains(uniform.size, dtype), slice(0, 1))
    assert result.dtype == dtype
    exact = 2 * np.arctanh(uniform.astype(np.float64))
    error = np.abs(result - exact) / np.maximum(1, np.abs(exact))
    # Roundings of sums and of a quotient before the logarithm, and of its own.
    assert error.max() < 3 * np.finfo(dtype).eps


@pytest.mark.parametrize("noise_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_columns", [1, 20])
def test_biases_are_those_of_all_rows_or_of_each(
    gibbs_thresholds, noise_dtype, dtype, n_columns
):
    rng = np.random.default_rng(0)
    uniform = rng.uniform(-0.9, 0.9, (3, 20)).astype(noise_dtype)
    bias = rng.normal(size=(3, n_columns)).astype(dtype)
    before = uniform.copy()
    result = gibbs_thresholds(uniform, bias, chains(20, dtype), slice(0, 3))
    assert result.dtype == dtype
    np.testing.assert_array_equal(uniform, before)
    exact = 2 * np.arctanh(uniform.astype(float)) - bias
    coarser = max(np.finfo(noise_dtype).eps, np.finfo(dtype).eps)
    np.testing.assert_allclose(result, exact, rtol=0, atol=6 * coarser)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metropolis_thresholds_are_logarithms_on_the_side_of_the_flip(dtype):
    rng = np.random.default_rng(0)
    uniform, bias = rng.uniform(-0.9, 0.9, (3, 20)), rng.normal(size=(3, 1))
    on = rng.random((5, 20)) < 0.5
    members = np.array([4, 0, 2])
    result = metropolis_thresholds(
        uniform, bias.astype(dtype), Chains(on, np.ones(20, dtype)), members
    )
    assert result.dtype == dtype
    # A unit that is on flips where exp(-field) is above the variate.
    drawn = np.log((1 + uniform) / 2)
    exact = np.where(on[members], -drawn, drawn) - bias.astype(dtype)
    np.testing.assert_allclose(result, exact, rtol=0, atol=6 * np.finfo(dtype).eps)
