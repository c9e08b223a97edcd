import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_lattice
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.connectivity import Connectivity
from skebm.partition.annealing import anneal
from skebm.partition.log_partition import anneal_log_partition
from skebm.sampling.noise import UniformNoise

MEAN = np.array([0.2, 0.5, 0.7, 0.9, 0.4, 0.6])


def dense(scale=1.0):
    return BoltzmannEnergy(*random_boltzmann(4, scale=scale))


def coloured(scale=1.0):
    couplings, bias, mask, colours = random_lattice(scale=scale)
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture(params=[dense, coloured])
def make(request):
    return request.param


def path_to(energy):
    return energy.annealing_path(MEAN[: energy.n_visible])


def between(energy, beta):
    """The machine on the path, written out as parameters of its own."""
    mean = MEAN[: energy.n_visible]
    start = np.log(mean / (1 - mean))
    return BoltzmannOracle(
        beta * energy.couplings, start + beta * (energy.bias - start)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_start(make, dtype):
    oracle = between(make(), 0.0)
    noise = UniformNoise(np.random.default_rng(0), dtype)
    visible, log_partition = path_to(make().astype(dtype)).start(100_000, noise)
    precision = 1e-12 if dtype == np.float64 else 1e-6
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=precision)
    assert_draws_from(oracle.law, oracle.index(visible))


@pytest.mark.parametrize(
    ("dtype", "precision"), [(np.float32, 2e-5), (np.float64, 1e-12)]
)
@pytest.mark.parametrize("betas", [(0.0, 0.1), (0.4, 0.9), (0, 1), (0.9, 0.4), (1, 0)])
@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_move(make, dtype, precision, betas, scale):
    energy = make(scale)
    rng = np.random.default_rng(1)
    # As annealing passes them: entries of an array of temperatures.
    beta, next_beta = np.array(betas, dtype=float)
    before, after = between(energy, beta), between(energy, next_beta)
    path = path_to(energy.astype(dtype))
    noise = UniformNoise(rng, dtype)

    rows = before.visible.astype(bool)
    _, weight = path.move(rows, beta, next_beta, noise)
    assert weight.dtype == np.float64
    exact = before.energies - after.energies
    np.testing.assert_allclose(weight, exact, atol=precision * scale)

    visible = after.draw(100_000, rng).astype(bool)
    moved, _ = path.move(visible, beta, next_beta, noise)
    assert moved.dtype == bool
    assert_draws_from(after.law, after.index(moved))


def joint_law(energy, beta):
    """Law of a row and of what a sweep there makes of it: one unit after another."""
    oracle = between(energy, beta)
    order = range(4) if energy.colours is None else [0, 2, 4, 1, 3, 5]
    result = np.diag(oracle.law)
    for unit in order:
        on = oracle.conditional(unit)
        update = np.zeros_like(result)
        for number, row in enumerate(oracle.visible):
            for value, probability in ((1, on[number]), (0, 1 - on[number])):
                after = row.copy()
                after[unit] = value
                update[number, oracle.index(after[np.newaxis])[0]] += probability
        result = result @ update
    return oracle, result


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_the_way_back_is_the_reversal_of_the_way_there(make, beta):
    energy = make()
    oracle, joint = joint_law(energy, beta)
    assert np.abs(joint - joint.T).sum() > 0.1  # the order of the units matters
    rng = np.random.default_rng(0)
    path, noise = path_to(energy), UniformNoise(rng, np.float64)
    rows = oracle.draw(400_000, rng).astype(bool)
    n_states = len(oracle.law)

    there, _ = path.move(rows, beta / 2, beta, noise)
    pairs = oracle.index(rows) * n_states + oracle.index(there)
    assert_draws_from(joint.ravel(), pairs)
    back, _ = path.move(rows, beta + 0.1, beta, noise)
    pairs = oracle.index(back) * n_states + oracle.index(rows)
    assert_draws_from(joint.ravel(), pairs)


def test_weights_there_and_back_have_the_ratio_of_partition_functions_as_mean(make):
    energy = make()
    first, last = between(energy, 0.0), between(energy, 1.0)
    rng = np.random.default_rng(0)
    path, noise = path_to(energy), UniformNoise(rng, np.float64)
    betas = np.linspace(0, 1, 5)
    visible, _ = path.start(100_000, noise)
    log_weights = anneal(path, visible, betas, noise)
    ratio = np.array([last.partition / first.partition])
    assert_mean_is(ratio, np.exp(log_weights)[:, np.newaxis])
    visible = last.draw(100_000, rng).astype(bool)
    log_weights = anneal(path, visible, betas[::-1], noise)
    assert_mean_is(1 / ratio, np.exp(log_weights)[:, np.newaxis])


def test_log_partition_by_annealing(make):
    energy = make()
    exact = np.log(between(energy, 1.0).partition)
    estimate = anneal_log_partition(
        energy,
        MEAN[: energy.n_visible],
        tol=0.005,
        max_temperatures=500,
        n_chains=500,
        n_steps=400,
        rng=np.random.default_rng(0),
    )
    assert estimate.in_equilibrium
    for value, std in (
        (estimate.lower, estimate.lower_std),
        (estimate.upper, estimate.upper_std),
    ):
        assert 0 < std <= 0.01
        assert abs(value - exact) < 4 * std


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_parameters_stay_finite(make, dtype):
    energy = make(3000.0)
    path = path_to(energy.astype(dtype))
    noise = UniformNoise(np.random.default_rng(0), dtype)
    visible = all_states(energy.n_visible).astype(bool)
    _, there = path.move(visible, 0.0, 1.0, noise)
    _, back = path.move(visible, 1.0, 0.0, noise)
    np.testing.assert_array_equal(back, -there)
    assert np.isfinite(there).all()
    assert np.abs(there).max() > 1000
