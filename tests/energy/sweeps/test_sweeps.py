from importlib import import_module
from unittest import mock

import numpy as np
import pytest
from implementations import as_python
from oracle import all_states
from scipy.sparse import csr_array
from statistical import assert_draws_from

from skebm.energy.sweeps import (
    array_kernels,
    colour_graph,
    gibbs_sweeps,
    metropolis_sweeps,
    run,
)
from skebm.sampling.noise import UniformNoise

SWEEPS = [gibbs_sweeps, metropolis_sweeps]


class RecordedNoise:
    """Hands out given variates, in order, however many are asked for at once."""

    def __init__(self, variates):
        self.variates = variates.ravel()

    def draw(self, shape):
        size = np.prod(shape)
        drawn, self.variates = np.split(self.variates, [size])
        return drawn.reshape(shape)


def naive(rule, visible, weights, bias, *, uniform, beta, order):
    """Update one unit after another, from the definition; `order` of each sweep."""
    states = visible.astype(float)
    bias = bias if bias.ndim == 2 else np.multiply.outer(beta, bias)
    for variates in uniform:
        for unit, u in zip(order, variates, strict=True):
            field = beta * (states @ weights[:, unit]) + bias[:, unit]
            if rule is gibbs_sweeps:
                states[:, unit] = np.tanh(field / 2) > u
            else:
                spin = 2 * states[:, unit] - 1
                flips = np.exp(-spin * field) > (1 + u) / 2
                states[:, unit] = np.where(flips, 1 - states[:, unit], states[:, unit])
    return states == 1


def random_machine(n_units, n_rows, *, seed=0, density=1.0):
    """Parameters on a grid so coarse that float32 sums of them are exact."""
    rng = np.random.default_rng(seed)
    scale = 2 / np.sqrt(n_units * density)
    weights = np.triu(rng.normal(0, scale, (n_units, n_units)), 1)
    weights *= rng.random(weights.shape) < density
    weights = np.round((weights + weights.T) * 256) / 256
    bias = np.round((rng.normal(0, 0.5, n_units) - weights.sum(axis=1) / 2) * 64) / 64
    return weights, bias, rng.random((n_rows, n_units)) < 0.5, rng


@pytest.fixture(params=["one by one", "blocks", "compiled", "compiled, as Python"])
def kernels(request, monkeypatch):
    """Each implementation in turn behind the functions tested."""
    if request.param.startswith("compiled"):
        pytest.importorskip("numba")
        chosen = import_module("skebm.energy.sweeps.compiled_kernels")
        if request.param.endswith("Python"):
            as_python(monkeypatch, chosen.__name__)
    else:
        chosen = array_kernels
        fewest = 0 if request.param == "blocks" else np.inf
        monkeypatch.setattr(chosen, "_MANY_ROWS", fewest)
        monkeypatch.setattr(chosen, "_MANY_UNITS", fewest)
    monkeypatch.setattr(run, "_kernels", lambda: chosen)
    return request.param


def assert_same_as_naive(sweep, machine, *, n_sweeps, beta, dtype, colours=None):
    weights, bias, visible, rng = machine
    n_rows, n_units = visible.shape
    order = np.arange(n_units) if colours is None else np.concatenate(colours)
    uniform = rng.uniform(-1, 1, (n_sweeps, n_units, n_rows))
    expected = naive(
        sweep,
        visible,
        weights,
        bias,
        uniform=uniform,
        beta=np.broadcast_to(beta, n_rows),
        order=order,
    )
    given = visible.copy(), weights.astype(dtype), bias.astype(dtype), uniform.copy()
    before = [array.copy() for array in given]
    result = sweep(
        given[0],
        given[1] if colours is None else csr_array(given[1]),
        given[2],
        RecordedNoise(given[3]),
        n_sweeps=n_sweeps,
        beta=beta,
        colours=colours,
    )
    assert result.dtype == bool
    assert result.shape == visible.shape
    np.testing.assert_array_equal(result, expected)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    if n_sweeps:
        assert 0.05 < np.mean(result != visible) < 0.95


@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n_units", "n_rows"), [(5, 40), (31, 7), (64, 5), (65, 66), (131, 3)]
)
def test_every_kernel_gives_the_chain_of_the_naive_sweep(
    kernels, sweep, dtype, n_units, n_rows
):
    machine = random_machine(n_units, n_rows)
    assert_same_as_naive(sweep, machine, n_sweeps=2, beta=1.0, dtype=dtype)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_beta_and_bias_of_each_row(kernels, sweep):
    weights, bias, visible, rng = random_machine(20, 16)
    beta = np.arange(16) / 8
    own = np.round(rng.normal(0, 1, visible.shape) * 64) / 64
    for bias_given in (bias, own):
        for beta_given in (0.25, np.float64(1.5), beta):
            machine = weights, bias_given, visible, rng
            assert_same_as_naive(
                sweep, machine, n_sweeps=2, beta=beta_given, dtype=np.float32
            )


@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_colours(kernels, sweep, dtype):
    machine = random_machine(30, 16, density=0.15)
    colours = colour_graph(csr_array(machine[0]))
    assert len(colours) > 2
    for beta in (1.0, np.arange(16) / 8):
        assert_same_as_naive(
            sweep, machine, n_sweeps=3, beta=beta, dtype=dtype, colours=colours
        )


@pytest.mark.parametrize("n_sweeps", [0, 1, 35])
def test_any_number_of_sweeps(kernels, n_sweeps):
    """The compiled kernel sums its fields anew after 32 of them."""
    machine = random_machine(9, 5)
    assert_same_as_naive(
        gibbs_sweeps, machine, n_sweeps=n_sweeps, beta=1.0, dtype=np.float64
    )


def test_thresholds_are_drawn_in_stretches(kernels, monkeypatch):
    monkeypatch.setattr("skebm.energy.sweeps.chains._DRAWN_AT_ONCE", 64)
    machine = random_machine(70, 9)
    assert_same_as_naive(gibbs_sweeps, machine, n_sweeps=2, beta=1.0, dtype=np.float64)


@pytest.mark.parametrize("bias_of_rows", [False, True])
@pytest.mark.parametrize("coloured", [False, True])
def test_noise_in_float32_gives_the_same_chain(kernels, bias_of_rows, coloured):
    weights, bias, visible, rng = random_machine(40, 30, density=0.2)
    weights = weights.astype(np.float32)
    if bias_of_rows:
        bias = np.round(rng.normal(0, 1, visible.shape) * 64) / 64
    arguments = {"beta": 0.5, "n_sweeps": 5}
    if coloured:
        weights = csr_array(weights)
        arguments["colours"] = colour_graph(weights)
    noise = [UniformNoise(np.random.default_rng(1), np.float32) for _ in range(2)]
    result = gibbs_sweeps(visible, weights, bias, noise[0], **arguments)
    with mock.patch.object(run, "_kernels", return_value=array_kernels):
        expected = gibbs_sweeps(visible, weights, bias, noise[1], **arguments)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("shape", [(0, 4), (3, 1), (1, 1)])
def test_few_rows_and_units(kernels, shape):
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    weights, bias = np.zeros((shape[1],) * 2, np.float32), np.zeros(shape[1])
    result = gibbs_sweeps(np.ones(shape, bool), weights, bias, noise, n_sweeps=2)
    assert result.shape == shape


@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.parametrize("coloured", [False, True])
def test_the_law_of_each_row_is_left_invariant(kernels, sweep, coloured):
    if kernels == "compiled, as Python":
        pytest.skip("the loops as Python are slow, and the same")
    n_units, n_rows = 4, 40_000
    weights, bias, _, rng = random_machine(n_units, 1, seed=3)
    if coloured:
        weights = weights * (np.eye(n_units, k=1) + np.eye(n_units, k=-1))
    states = all_states(n_units)
    negative_energy = (states @ weights * states).sum(axis=1) / 2 + states @ bias
    betas = (0.0, 0.5, 1.5)
    laws, drawn = [], []
    for beta in betas:
        unnormalised = np.exp(beta * negative_energy)
        laws.append(unnormalised / unnormalised.sum())
        drawn.append(states[rng.choice(len(states), n_rows, p=laws[-1])] == 1)
    result = sweep(
        np.concatenate(drawn),
        csr_array(weights) if coloured else weights,
        bias,
        UniformNoise(rng, np.float64),
        n_sweeps=3,
        beta=np.repeat(betas, n_rows),
        colours=[np.array([0, 2]), np.array([1, 3])] if coloured else None,
    )
    numbers = result @ 2 ** np.arange(n_units)[::-1]
    for law, part in zip(laws, np.split(numbers, len(betas)), strict=True):
        assert_draws_from(law, part)
    assert 0.1 < np.mean(result != np.concatenate(drawn)) < 0.9


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweeps_forget_where_they_started(sweep):
    """Leaving a law invariant is not enough: rows must reach it as well."""
    weights, bias, _, rng = random_machine(4, 1, seed=3)
    states = all_states(4)
    law = np.exp((states @ weights * states).sum(axis=1) / 2 + states @ bias)
    noise = UniformNoise(rng, np.float64)
    result = sweep(np.zeros((40_000, 4), bool), weights, bias, noise, n_sweeps=60)
    assert_draws_from(law / law.sum(), result @ 2 ** np.arange(4)[::-1])
