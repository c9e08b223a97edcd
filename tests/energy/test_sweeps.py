from unittest import mock

import numpy as np
import pytest
from implementations import use
from oracle import all_states
from scipy.sparse import csr_array
from statistical import assert_draws_from

from skebm.energy import sweeps
from skebm.energy.colouring import colour_graph
from skebm.energy.sweeps import gibbs_sweeps, metropolis_sweeps
from skebm.kernels import numpy_sweeps
from skebm.sampling.random import UniformNoise

SWEEPS = [gibbs_sweeps, metropolis_sweeps]


class RecordedNoise:
    """Hands out given variates, in order, however many are asked for at once."""

    def __init__(self, variates):
        self.variates = variates.ravel()

    def draw(self, shape):
        size = np.prod(shape)
        drawn, self.variates = np.split(self.variates, [size])
        return drawn.reshape(shape)


def naive(rule, visible, weights, bias, *, uniform, order, beta, tilt, fixed):
    """Update one unit after another, from the definition; `order` of each sweep."""
    states = visible.astype(float)
    bias, tilt, fixed = (np.broadcast_to(x, states.shape) for x in (bias, tilt, fixed))
    for variates in uniform:
        for unit, u in zip(order, variates, strict=True):
            field = beta * (states @ weights[:, unit] + bias[:, unit]) + tilt[:, unit]
            if rule is gibbs_sweeps:
                new = np.tanh(field / 2) > u
            else:
                spin = 2 * states[:, unit] - 1
                flips = np.exp(-spin * field) > (1 + u) / 2
                new = np.where(flips, 1 - states[:, unit], states[:, unit])
            states[:, unit] = np.where(fixed[:, unit], states[:, unit], new)
    return states == 1


def on_grid(values):
    return np.round(values * 64) / 64


def random_machine(n_units, n_rows, *, seed=0, density=1.0):
    """Parameters on a grid so coarse that float32 sums of them are exact."""
    rng = np.random.default_rng(seed)
    scale = 2 / np.sqrt(n_units * density)
    weights = np.triu(rng.normal(0, scale, (n_units, n_units)), 1)
    weights *= rng.random(weights.shape) < density
    weights = np.round((weights + weights.T) * 256) / 256
    bias = on_grid(rng.normal(0, 0.5, n_units) - weights.sum(axis=1) / 2)
    return weights, bias, rng.random((n_rows, n_units)) < 0.5, rng


@pytest.fixture(params=["one by one", "blocks", "compiled", "compiled, as Python"])
def kernels(request, monkeypatch):
    """Each implementation in turn behind the functions tested."""
    if request.param.startswith("compiled"):
        use(request.param, monkeypatch, "sweeps")
    else:
        chosen = use("arrays", monkeypatch, "sweeps")
        fewest = 0 if request.param == "blocks" else np.inf
        monkeypatch.setattr(chosen, "_MANY_ROWS", fewest)
        monkeypatch.setattr(chosen, "_MANY_UNITS", fewest)
    return request.param


def assert_same_as_naive(
    sweep, machine, *, n_sweeps=2, dtype=np.float64, colours=None, **settings
):
    """Hold draws to those of `naive`, and arguments to what they were."""
    weights, bias, visible, rng = machine
    n_rows, n_units = visible.shape
    uniform = rng.uniform(-1, 1, (n_sweeps, n_units, n_rows))
    expected = naive(
        sweep,
        visible,
        weights,
        bias,
        uniform=uniform,
        order=np.arange(n_units) if colours is None else np.concatenate(colours),
        **{"beta": 1.0, "tilt": 0.0, "fixed": False} | settings,
    )
    given = visible.copy(), weights.astype(dtype), bias.astype(dtype), uniform.copy()
    extra = [np.array(x) for x in settings.values()]
    before = [array.copy() for array in (*given, *extra)]
    result = sweep(
        given[0],
        given[1] if colours is None else csr_array(given[1]),
        given[2],
        RecordedNoise(given[3]),
        n_sweeps=n_sweeps,
        colours=colours,
        **dict(zip(settings, extra, strict=True)),
    )
    assert result.dtype == bool
    assert result.shape == visible.shape
    np.testing.assert_array_equal(result, expected)
    for array, copy in zip((*given, *extra), before, strict=True):
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
    assert_same_as_naive(sweep, random_machine(n_units, n_rows), dtype=dtype)


@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.parametrize("beta", [0.25, np.float64(1.5), np.arange(16) / 8])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("coloured", [False, True])
def test_settings_of_all_rows_or_of_each(kernels, sweep, beta, own, coloured):
    """A tilt is no part of the energy, and fixed units stay whatever else is."""
    weights, bias, visible, rng = random_machine(20, 16, density=0.4)
    dtype = np.float64 if own else np.float32
    if own:
        bias = on_grid(rng.normal(0, 1, visible.shape))
    machine = weights, bias, visible, rng
    tilt = on_grid(rng.normal(0, 2, bias.shape))
    both = {"tilt": tilt, "fixed": rng.random(bias.shape) < 0.3}
    colours = colour_graph(csr_array(weights)) if coloured else None
    for names in ([], ["tilt"], ["fixed"], ["tilt", "fixed"]):
        settings = {name: both[name] for name in names}
        assert_same_as_naive(
            sweep, machine, beta=beta, dtype=dtype, colours=colours, **settings
        )


@pytest.mark.parametrize("n_sweeps", [0, 1, 35])
def test_any_number_of_sweeps(kernels, n_sweeps):
    """The compiled kernel sums its fields anew after 32 of them."""
    machine, fixed = random_machine(9, 5), np.arange(9) == 4
    assert_same_as_naive(gibbs_sweeps, machine, n_sweeps=n_sweeps)
    assert_same_as_naive(gibbs_sweeps, machine, n_sweeps=n_sweeps, fixed=fixed)


def test_thresholds_are_drawn_in_stretches(kernels, monkeypatch):
    monkeypatch.setattr("skebm.kernels.chains._DRAWN_AT_ONCE", 64)
    machine = random_machine(70, 9)
    assert_same_as_naive(gibbs_sweeps, machine)
    assert_same_as_naive(gibbs_sweeps, machine, fixed=machine[3].random((9, 70)) < 0.2)


@pytest.mark.parametrize("bias_of_rows", [False, True])
@pytest.mark.parametrize("coloured", [False, True])
def test_noise_in_float32_gives_the_same_chain(kernels, bias_of_rows, coloured):
    weights, bias, visible, rng = random_machine(40, 30, density=0.2)
    weights = weights.astype(np.float32)
    if bias_of_rows:
        bias = on_grid(rng.normal(0, 1, visible.shape))
    arguments = {"beta": 0.5, "n_sweeps": 5}
    if coloured:
        weights = csr_array(weights)
        arguments["colours"] = colour_graph(weights)
    noise = [UniformNoise(np.random.default_rng(1), np.float32) for _ in range(2)]
    result = gibbs_sweeps(visible, weights, bias, noise[0], **arguments)
    with mock.patch.object(sweeps, "_kernels", return_value=numpy_sweeps):
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
    """Whichever units are fixed, as long as it is not their state that decides."""
    if kernels == "compiled, as Python":
        pytest.skip("the loops as Python are slow, and the same")
    n_units, n_rows = 4, 40_000
    weights, bias, _, rng = random_machine(n_units, 1, seed=3)
    if coloured:
        weights = weights * (np.eye(n_units, k=1) + np.eye(n_units, k=-1))
    states = all_states(n_units)
    negative_energy = (states @ weights * states).sum(axis=1) / 2 + states @ bias
    betas, tilt = (0.0, 0.5, 1.5), np.array([0.5, -1.0, 0.0, 1.5])
    laws, drawn = [], []
    for beta in betas:
        unnormalised = np.exp(beta * negative_energy + states @ tilt)
        laws.append(unnormalised / unnormalised.sum())
        drawn.append(states[rng.choice(len(states), n_rows, p=laws[-1])] == 1)
    start = np.concatenate(drawn)
    fixed = rng.random(start.shape) < 0.2
    result = sweep(
        start,
        csr_array(weights) if coloured else weights,
        bias,
        UniformNoise(rng, np.float64),
        n_sweeps=3,
        beta=np.repeat(betas, n_rows),
        tilt=tilt,
        fixed=fixed,
        colours=[np.array([0, 2]), np.array([1, 3])] if coloured else None,
    )
    np.testing.assert_array_equal(result[fixed], start[fixed])
    numbers = result @ 2 ** np.arange(n_units)[::-1]
    for law, part in zip(laws, np.split(numbers, len(betas)), strict=True):
        assert_draws_from(law, part)
    assert 0.1 < np.mean(result != start) < 0.9


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweeps_forget_where_they_started(sweep):
    """Leaving a law invariant is not enough: rows must reach it as well."""
    weights, bias, _, rng = random_machine(4, 1, seed=3)
    states = all_states(4)
    law = np.exp((states @ weights * states).sum(axis=1) / 2 + states @ bias)
    noise = UniformNoise(rng, np.float64)
    result = sweep(np.zeros((40_000, 4), bool), weights, bias, noise, n_sweeps=60)
    assert_draws_from(law / law.sum(), result @ 2 ** np.arange(4)[::-1])
