"""Kernels of the phases against their definitions, in float64."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from skebm.energy.layers import array_kernels

N_BATCH, N_CHAINS, N_COLUMNS = 3, 50, 21
EPSILON = np.finfo(np.float32).eps


@pytest.fixture(params=["NumPy", "compiled", "compiled, as Python"])
def kernels(request, monkeypatch):
    if request.param == "NumPy":
        return array_kernels
    pytest.importorskip("numba")
    compiled = import_module("skebm.energy.layers.compiled_kernels")
    if not request.param.endswith("Python"):
        return compiled
    monkeypatch.setattr(compiled, "exp", compiled.exp.py_func)
    names = "centre", "draw_below", "weigh_and_draw"
    functions = {name: getattr(compiled, name).py_func for name in names}
    return SimpleNamespace(for_rows=compiled.for_rows, **functions)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def random_offset(rng):
    offset = rng.random(N_COLUMNS, dtype=np.float32)
    offset[-1] = 0  # of the constant
    return offset


def random_fields(rng, n_rows):
    """Fields of every size that float32 has, certain ones among them."""
    field = rng.normal(0, 3, (n_rows, N_COLUMNS))
    field[:, 1], field[:, 2], field[:, 3], field[:, 4] = -200, 200, -1e30, 1e30
    return field.astype(np.float32)


def random_variates(rng, field):
    """Variates between -1 and 1 that rounding cannot move across a field."""
    uniform = rng.uniform(-1, 1, field.shape).astype(np.float32)
    uniform[0], uniform[1] = 1 - EPSILON, EPSILON - 1
    margin = np.tanh(field.astype(np.float64) / 2) - uniform
    uniform[np.abs(margin) < 4 * EPSILON] = 0
    return uniform


def are_on(field, uniform):
    return np.tanh(field.astype(np.float64) / 2) > uniform


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("n_columns", [N_COLUMNS - 1, N_COLUMNS])
def test_units_are_centred(kernels, rng, n_columns, repeated):
    units = rng.random((N_CHAINS, n_columns)) < 0.5
    offset = random_offset(rng)
    given = kernels.for_rows(offset, N_CHAINS) if repeated else offset
    centred = kernels.centre(units, given)
    assert centred.dtype == np.float32
    own = units[:, : N_COLUMNS - 1]
    np.testing.assert_array_equal(centred[:, :-1], own - offset[:-1])
    np.testing.assert_array_equal(centred[:, -1], 1)


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("n_batch", [0, N_BATCH])
def test_draws_stand_centred_below_the_batch(kernels, rng, n_batch, repeated):
    batch = rng.normal(size=(n_batch, N_COLUMNS)).astype(np.float32)
    offset = random_offset(rng)
    given = kernels.for_rows(offset, N_CHAINS) if repeated else offset
    field = random_fields(rng, N_CHAINS)
    uniform = random_variates(rng, field)
    on = are_on(field, uniform)
    assert on[:, 4].all()
    assert not on[:, 3].any()
    rows = kernels.draw_below(batch, field.copy(), uniform, given)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:n_batch], batch)
    np.testing.assert_array_equal(rows[n_batch:, :-1], (on - offset)[:, :-1])
    np.testing.assert_array_equal(rows[n_batch:, -1], 1)


@pytest.mark.parametrize("repeated", [False, True])
def test_means_are_centred_and_weighed_and_chains_drawn(kernels, rng, repeated):
    field = random_fields(rng, N_BATCH + N_CHAINS)
    uniform = random_variates(rng, field[N_BATCH:])
    offset = random_offset(rng)
    lacking = 1 - 2 * offset
    if repeated:
        lacking = kernels.for_rows(lacking, len(field))
    weighed = field.copy()
    chains = kernels.weigh_and_draw(weighed, uniform, lacking, 0.5, -0.125)
    assert chains.dtype == bool
    np.testing.assert_array_equal(chains, are_on(field[N_BATCH:], uniform))
    expected = expit(field.astype(np.float64)) - offset
    expected[:, -1] = 1
    expected[:N_BATCH] *= 0.5
    expected[N_BATCH:] *= -0.125
    np.testing.assert_allclose(weighed, expected, rtol=0, atol=EPSILON)
