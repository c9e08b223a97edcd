"""Draws and weights of a layer, by each of their implementations."""

import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use
from scipy.special import expit

from skebm import _compilation
from skebm.energy.layers import (
    draw_layer,
    layer_kernels,
    softplus_difference,
    softplus_of_layer,
    softplus_rise,
)
from skebm.sampling.noise import UniformNoise

PRECISION = {np.float32: np.finfo(np.float32).eps, np.float64: np.finfo(float).eps}


COMPILED = ["skebm.energy.compiled_functions", "skebm.energy.layers.compiled_kernels"]


@pytest.fixture(params=IMPLEMENTATIONS)
def kernels(request, monkeypatch):
    """Each implementation in turn behind the functions tested."""
    use(request.param, monkeypatch, *COMPILED)


class GivenNoise:
    def __init__(self, variates):
        self.variates = variates

    def draw(self, shape):
        assert self.variates.shape == shape
        return self.variates


def fields(n_rows, n_units, dtype, *, scale=5.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, scale, (n_rows, n_units)).astype(dtype)


def softplus_sums(field, beta=1.0):
    """From the definition, in float64."""
    beta = np.reshape(np.asarray(beta, dtype=float), (-1, 1))
    return np.logaddexp(0, beta * field.astype(float)).sum(axis=1)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beta", [1.0, 0.25, np.linspace(0, 2, 60)])
def test_draws_are_those_of_the_tanh_but_for_rounding(dtype, beta):
    field, variates = fields(60, 37, dtype), fields(60, 37, dtype, scale=0.4, seed=1)
    variates = variates.clip(-0.999, 0.999)
    on = draw_layer(field.copy(), GivenNoise(variates), beta)
    half = 0.5 * np.reshape(beta, (-1, 1)) * field.astype(float)
    margin = np.tanh(half) - variates
    near = np.abs(margin) < 8 * PRECISION[dtype]
    assert near.sum() < 5
    assert on.dtype == bool
    assert 0.2 < on.mean() < 0.8
    np.testing.assert_array_equal(on[~near], (margin > 0)[~near])


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_that_are_certain_are_drawn_so(dtype):
    field = np.array([[-3000.0, 3000.0]] * 500).astype(dtype)
    noise = UniformNoise(np.random.default_rng(0), dtype)
    np.testing.assert_array_equal(draw_layer(field, noise), [[False, True]] * 500)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_units_are_on_with_their_probability(dtype, beta):
    noise = UniformNoise(np.random.default_rng(0), dtype)
    field = np.array([-3.0, -0.5, 0.0, 1.0, 4.0], dtype=dtype)
    n_draws = 100_000
    drawn = draw_layer(np.tile(field, (n_draws, 1)), noise, beta)
    assert drawn.dtype == bool
    exact = expit(beta * field.astype(float))
    error = np.sqrt(exact * (1 - exact) / n_draws)
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - exact) / error, 5)


# Of so many units are the products of factors full, not full, or single.
N_UNITS = [1, 2, 3, 7, 8, 9, 40, 301]


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_units", N_UNITS)
@pytest.mark.parametrize("step", [1.0, 2.0**-5, 2.0**-14])
@pytest.mark.parametrize("lower", [0.0, 0.5, np.arange(20) / 16])
def test_rises_are_exact_beside_the_step(dtype, n_units, step, lower):
    """Whatever the size of softplus itself, whose rounding would be much larger."""
    field = fields(20, n_units, dtype)
    given = field.copy()
    rise = softplus_rise(field, lower, lower + step)
    np.testing.assert_array_equal(field, given)
    assert rise.dtype == np.float64
    # In one term for each unit, as the difference of sums would lose float64 too.
    size = np.abs(field.astype(float))
    tail = 1 / (1 + np.exp(np.reshape(lower, (-1, 1)) * size))
    exact = step * np.maximum(field, 0).astype(float)
    exact += np.log1p(tail * np.expm1(-step * size))
    error = np.abs(rise - exact.sum(axis=1))
    np.testing.assert_array_less(error, 16 * PRECISION[dtype] * step * size.sum(axis=1))


def test_the_exact_rise_of_these_tests_is_that_of_softplus():
    field = fields(20, 30, np.float64)
    rise = softplus_rise(field, 0.25, 1.5)
    exact = softplus_sums(field, 1.5) - softplus_sums(field, 0.25)
    np.testing.assert_allclose(rise, exact, rtol=1e-12)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 3000.0])
def test_rows_go_their_own_ways_there_or_back(dtype, scale):
    field = fields(3, 50, dtype, scale=scale)
    beta, next_beta = np.array([0.25, 1.0, 0.5]), np.array([0.75, 0.0, 0.5])
    there = softplus_rise(field, beta, next_beta)
    exact = softplus_sums(field, next_beta) - softplus_sums(field, beta)
    error = np.abs(there - exact)
    np.testing.assert_array_less(error, 16 * PRECISION[dtype] * np.abs(field).sum())
    assert there[0] > 0 > there[1]
    assert there[2] == 0
    np.testing.assert_array_equal(softplus_rise(field, next_beta, beta), -there)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_units", N_UNITS)
@pytest.mark.parametrize("scale", [0.1, 5.0, 3000.0])
def test_sums(dtype, n_units, scale):
    field = fields(20, n_units, dtype, scale=scale)
    exact, size = softplus_sums(field), softplus_sums(np.abs(field))
    total = softplus_of_layer(field)
    assert total.dtype == dtype
    np.testing.assert_array_less(np.abs(total - exact), 8 * PRECISION[dtype] * size)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_units", N_UNITS)
@pytest.mark.parametrize("scale", [0.1, 5.0, 3000.0])
def test_differences(dtype, n_units, scale):
    before = fields(20, n_units, dtype, scale=scale)
    after = fields(20, n_units, dtype, scale=scale, seed=1)
    given = before.copy(), after.copy()
    difference = softplus_difference(before, after)
    np.testing.assert_array_equal((before, after), given)
    assert difference.dtype == np.float64
    exact = softplus_sums(after) - softplus_sums(before)
    size = softplus_sums(np.abs(after)) + softplus_sums(np.abs(before))
    np.testing.assert_array_less(
        np.abs(difference - exact), 8 * PRECISION[dtype] * size
    )


def test_what_is_compiled_is_for_single_precision(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(_compilation, "numba_is_installed", lambda: True)
    single, double = map(layer_kernels, map(np.dtype, (np.float32, np.float64)))
    assert single.__name__ == "skebm.energy.layers.compiled_kernels"
    assert double.__name__ == "skebm.energy.layers.array_kernels"
