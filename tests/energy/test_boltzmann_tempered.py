import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_lattice
from statistical import assert_draws_from

from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.connectivity import Connectivity
from skebm.sampling.noise import UniformNoise
from skebm.sampling.tempering import adapt_ladder, start_replicas, temper

MEAN = np.array([0.2, 0.5, 0.7, 0.9, 0.4, 0.6])
BETAS = [0.0, 0.3, 0.8, 1.0]


def dense(scale=1.0):
    return BoltzmannEnergy(*random_boltzmann(4, scale=scale))


def coloured(scale=1.0):
    couplings, bias, mask, colours = random_lattice(scale=scale)
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture(params=[dense, coloured])
def make(request):
    return request.param


def tempered(energy, dtype=np.float64, **keywords):
    return energy.astype(dtype).tempered(MEAN[: energy.n_visible], **keywords)


def oracle_at(energy, beta, temperature=1.0):
    """The machine on the path, written out as parameters of its own."""
    mean = MEAN[: energy.n_visible]
    start = np.log(mean / (1 - mean))
    bias = start + beta * (energy.bias / temperature - start)
    return BoltzmannOracle(beta * energy.couplings / temperature, bias)


@pytest.mark.parametrize(
    ("dtype", "precision"), [(np.float32, 2e-5), (np.float64, 1e-12)]
)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_log_ratio_of_each_row(make, dtype, precision, scale):
    energy = make(scale)
    model = tempered(energy, dtype)
    states = all_states(energy.n_visible)
    rng = np.random.default_rng(0)
    beta, other_beta = rng.choice(BETAS, (2, len(states)))
    energies = {beta: oracle_at(energy, beta).energies for beta in BETAS}
    exact = [
        energies[before][row] - energies[after][row]
        for row, (before, after) in enumerate(zip(beta, other_beta, strict=True))
    ]
    context = model.context(states.astype(bool))
    assert context.tilt.dtype == dtype
    log_ratio = model.log_ratio(context, beta, other_beta)
    assert log_ratio.dtype == np.float64
    np.testing.assert_allclose(log_ratio, exact, atol=precision * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_sweep_leaves_the_law_of_each_row_invariant(make, dtype, temperature):
    energy = make(2.0)
    rng = np.random.default_rng(1)
    oracles = [oracle_at(energy, beta, temperature) for beta in BETAS]
    visible = np.concatenate([oracle.draw(50_000, rng) for oracle in oracles])
    model = tempered(energy, dtype, beta=1 / np.float64(temperature))
    assert model.weights.dtype == dtype
    context = model.context(visible.astype(bool))
    noise = UniformNoise(rng, dtype)
    moved = model.sweep(context, np.repeat(BETAS, 50_000), noise)
    assert moved.dtype == bool
    for oracle, rows in zip(oracles, np.split(moved, len(BETAS)), strict=True):
        assert_draws_from(oracle.law, oracle.index(rows))


def test_a_sweep_at_beta_0_forgets_where_it_started(make):
    energy = make(5.0)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    model = tempered(energy)
    context = model.context(np.ones((100_000, energy.n_visible), dtype=bool))
    oracle = oracle_at(energy, 0.0)
    rows = model.sweep(context, np.zeros(100_000), noise)
    assert_draws_from(oracle.law, oracle.index(rows))


def test_ladders_reach_the_law_from_anywhere(make):
    energy = make(6.0)
    model = tempered(energy)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    start = np.ones((10_000, energy.n_visible), dtype=bool)
    ladder = adapt_ladder(model, start[:50], noise, n_steps=200)
    replicas = start_replicas(ladder.betas, start)
    replicas = temper(model, replicas, noise, n_steps=100)
    oracle = oracle_at(energy, 1.0)
    assert_draws_from(oracle.law, oracle.index(replicas.coldest))
