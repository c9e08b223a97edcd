"""Kernels of a layer against their definitions in float64, by each implementation."""

import numpy as np
import pytest
from implementations import use
from scipy.special import expit

N_BATCH, N_CHAINS, N_COLUMNS = 3, 50, 21

# Of so many units are the products of factors full, not full, or single.
N_UNITS = [1, 2, 3, 7, 8, 9, 40, 127, 128, 301, 1023, 1024]


@pytest.fixture(
    params=[
        ("arrays", np.float32),
        ("arrays", np.float64),
        ("compiled", np.float32),
        ("compiled, as Python", np.float32),
    ],
    ids=lambda param: f"{param[0]} {param[1].__name__}",
)
def layer(request, monkeypatch):
    """Kernels, what dtype they are to be given, and how it rounds."""
    implementation, dtype = request.param
    return use(implementation, monkeypatch, "layers"), dtype, np.finfo(dtype).eps


def fields(n_rows, n_units, dtype, *, scale=5.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, scale, (n_rows, n_units)).astype(dtype)


def softplus_sums(field):
    """From the definition, in float64."""
    return np.logaddexp(0, field.astype(float)).sum(axis=1)


# ---- draws, sums and rises ----


@pytest.mark.parametrize("beta", [[1.0], [0.25], np.linspace(0, 2, 60)])
def test_draws_are_those_of_the_tanh_but_for_rounding(layer, beta):
    kernels, dtype, eps = layer
    field, variates = fields(60, 37, dtype), fields(60, 37, dtype, scale=0.4, seed=1)
    variates = variates.clip(-0.999, 0.999)
    on = kernels.draw_units(field.copy(), np.asarray(beta, dtype), variates)
    half = 0.5 * np.reshape(beta, (-1, 1)) * field.astype(float)
    margin = np.tanh(half) - variates
    near = np.abs(margin) < 8 * eps
    assert near.sum() < 5
    assert on.dtype == bool
    assert 0.2 < on.mean() < 0.8
    np.testing.assert_array_equal(on[~near], (margin > 0)[~near])


def test_units_that_are_certain_are_drawn_so(layer):
    kernels, dtype, eps = layer
    field = np.array([[-3000.0, 3000.0]] * 2, dtype)
    variates = np.array([[1 - eps] * 2, [eps - 1] * 2], dtype)
    on = kernels.draw_units(field, np.ones(1, dtype), variates)
    np.testing.assert_array_equal(on, [[False, True]] * 2)


@pytest.mark.parametrize("n_units", N_UNITS)
@pytest.mark.parametrize("scale", [0.0, 1e-3, 0.1, 3.0, 100.0, 3000.0])
def test_sums_of_softplus_are_exact_to_rounding(layer, n_units, scale):
    kernels, dtype, eps = layer
    field = fields(6, n_units, dtype, scale=scale)
    given = field.copy()
    result = kernels.softplus_sum(field)
    np.testing.assert_array_equal(field, given)
    assert result.dtype == dtype
    # An exponential, a sum and a product each are rounded for every unit.
    size = n_units + np.abs(field).sum(axis=1, dtype=float)
    error = np.abs(result - softplus_sums(field))
    np.testing.assert_array_less(error, 2 * eps * size)


def test_sums_of_softplus_of_extreme_fields(layer):
    kernels, dtype, eps = layer
    field = np.array([-800.0, -50, -1.5, -1e-9, 0, 1e-3, 2.5, 60, 800], dtype)
    field = np.array([field, -np.abs(field)])
    result = kernels.softplus_sum(field)
    np.testing.assert_allclose(result, softplus_sums(field), rtol=45 * eps)
    assert kernels.softplus_sum(field[1:, :1]) < 1e-37


@pytest.mark.parametrize("n_rows", [1, 7])
def test_sums_of_a_row_do_not_depend_on_others(layer, n_rows):
    kernels, dtype, _ = layer
    field = fields(20, 50, dtype)
    alone = kernels.softplus_sum(field[:n_rows].copy())
    np.testing.assert_array_equal(alone, kernels.softplus_sum(field)[:n_rows])


@pytest.mark.parametrize("n_units", [1, 2, 3, 7, 8, 9, 40, 301])
@pytest.mark.parametrize("step", [1.0, 2.0**-5, 2.0**-14])
@pytest.mark.parametrize("lower", [[0.0], [0.5], np.arange(20) / 16])
def test_rises_are_exact_beside_the_step(layer, n_units, step, lower):
    """Whatever the size of softplus itself, whose rounding would be much larger."""
    kernels, dtype, eps = layer
    field = fields(20, n_units, dtype)
    given = field.copy()
    rise = kernels.sum_rises(field, np.asarray(lower, dtype), np.array([step], dtype))
    np.testing.assert_array_equal(field, given)
    assert rise.dtype == np.float64
    # In one term for each unit, as the difference of sums would lose float64 too.
    size = np.abs(field.astype(float))
    tail = 1 / (1 + np.exp(np.reshape(lower, (-1, 1)) * size))
    exact = step * np.maximum(field, 0).astype(float)
    exact += np.log1p(tail * np.expm1(-step * size))
    error = np.abs(rise - exact.sum(axis=1))
    np.testing.assert_array_less(error, 16 * eps * step * size.sum(axis=1))


# ---- the two phases of learning ----


def phase_offset(rng, dtype):
    offset = rng.random(N_COLUMNS).astype(dtype)
    offset[-1] = 0  # of the constant
    return offset


def phase_fields(rng, n_rows, dtype):
    """Fields of every size that float32 has, certain ones among them."""
    field = rng.normal(0, 3, (n_rows, N_COLUMNS))
    field[:, 1], field[:, 2], field[:, 3], field[:, 4] = -200, 200, -1e30, 1e30
    return field.astype(dtype)


def phase_variates(rng, field):
    """Variates between -1 and 1 that rounding cannot move across a field."""
    eps = np.finfo(field.dtype).eps
    uniform = rng.uniform(-1, 1, field.shape).astype(field.dtype)
    uniform[0], uniform[1] = 1 - eps, eps - 1
    margin = np.tanh(field.astype(np.float64) / 2) - uniform
    uniform[np.abs(margin) < 4 * eps] = 0
    return uniform


def are_on(field, uniform):
    return np.tanh(field.astype(np.float64) / 2) > uniform


@pytest.mark.parametrize("kind", ["boolean", "real"])
@pytest.mark.parametrize("n_columns", [N_COLUMNS - 1, N_COLUMNS])
def test_units_are_centred(layer, n_columns, kind):
    kernels, dtype, _ = layer
    rng = np.random.default_rng(0)
    units = rng.random((N_CHAINS, n_columns)).astype(dtype)
    units = units < 0.5 if kind == "boolean" else units
    offset, given = phase_offset(rng, dtype), units.copy()
    centred = kernels.centre(units, offset)
    np.testing.assert_array_equal(units, given)
    assert centred.dtype == dtype
    own = units[:, : N_COLUMNS - 1].astype(dtype)
    np.testing.assert_array_equal(centred[:, :-1], own - offset[:-1])
    np.testing.assert_array_equal(centred[:, -1], 1)


@pytest.mark.parametrize("kind", ["boolean", "real"])
@pytest.mark.parametrize("n_batch", [0, N_BATCH])
def test_draws_stand_centred_below_the_centred_batch(layer, n_batch, kind):
    kernels, dtype, _ = layer
    rng = np.random.default_rng(0)
    batch = rng.random((n_batch, N_COLUMNS - 1)).astype(dtype)
    batch = batch < 0.5 if kind == "boolean" else batch
    offset, given = phase_offset(rng, dtype), batch.copy()
    field = phase_fields(rng, N_CHAINS, dtype)
    uniform = phase_variates(rng, field)
    on = are_on(field, uniform)
    assert on[:, 4].all()
    assert not on[:, 3].any()
    rows = kernels.draw_below(batch, field.copy(), uniform, offset)
    np.testing.assert_array_equal(batch, given)
    assert rows.dtype == dtype
    units = np.vstack([batch.astype(dtype), on[:, :-1]])
    np.testing.assert_array_equal(rows[:, :-1], units - offset[:-1])
    np.testing.assert_array_equal(rows[:, -1], 1)


@pytest.mark.parametrize(
    ("n_batch", "n_chains"), [(N_BATCH, N_CHAINS), (0, N_CHAINS), (N_BATCH, 0)]
)
def test_means_are_centred_and_weighed_and_chains_drawn(layer, n_batch, n_chains):
    kernels, dtype, eps = layer
    rng = np.random.default_rng(0)
    field = phase_fields(rng, n_batch + n_chains, dtype)
    uniform = phase_variates(rng, field[-N_CHAINS:])[:n_chains]
    offset, weighed = phase_offset(rng, dtype), field.copy()
    chains = kernels.weigh_and_draw(weighed, uniform, offset, 0.5, -0.125)
    assert chains.dtype == bool
    np.testing.assert_array_equal(chains, are_on(field[n_batch:], uniform))
    expected = expit(field.astype(np.float64)) - offset
    expected[:, -1] = 1
    expected[:n_batch] *= 0.5
    expected[n_batch:] *= -0.125
    np.testing.assert_allclose(weighed, expected, rtol=0, atol=eps)
