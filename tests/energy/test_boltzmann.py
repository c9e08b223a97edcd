import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.boltzmann import BoltzmannEnergy, BoltzmannState
from skebm.energy.connectivity import Connectivity
from skebm.sampling.chains import run_chains
from skebm.sampling.noise import UniformNoise

N_ROWS = 100_000


def dense(seed=0, scale=1.0):
    return BoltzmannEnergy(*random_boltzmann(4, seed=seed, scale=scale))


def masked(seed=0, scale=1.0):
    couplings, bias, mask, _ = random_lattice(seed=seed, scale=scale)
    return BoltzmannEnergy(couplings, bias, Connectivity(mask))


def coloured(seed=0, scale=1.0):
    couplings, bias, mask, colours = random_lattice(seed=seed, scale=scale)
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture(params=[dense, masked, coloured])
def make(request):
    return request.param


@pytest.fixture
def energy(make):
    return make()


def oracle_of(energy, beta=1.0):
    return BoltzmannOracle(energy.couplings, energy.bias, beta)


def noise_from(rng, dtype=np.float64):
    return UniformNoise(rng, dtype)


def test_energy(energy):
    oracle = oracle_of(energy)
    result = energy.energy(oracle.visible)
    np.testing.assert_allclose(result, oracle.energies, atol=1e-13)
    np.testing.assert_array_equal(energy.free_energy(oracle.visible), result)


def test_energy_of_values_between_zero_and_one(energy):
    rows = np.random.default_rng(0).uniform(size=(7, energy.n_visible))
    exact = [-r @ energy.couplings @ r / 2 - energy.bias @ r for r in rows]
    np.testing.assert_allclose(energy.energy(rows), exact, atol=1e-13)


def test_sizes_and_dtype(energy):
    assert energy.n_visible == energy.n_units == len(energy.bias)
    assert energy.dtype == np.float64
    narrow = energy.astype(np.float32)
    assert narrow.connectivity is energy.connectivity
    rows = np.ones((2, energy.n_visible), dtype=np.float32)
    for array in (
        narrow.couplings,
        narrow.bias,
        narrow.energy(rows),
        narrow.field(rows),
        narrow.conditional_mean(rows),
    ):
        assert array.dtype == np.float32


def test_the_one_layer_can_be_enumerated(energy):
    ((n_units, free_energy),) = energy.enumerable_layers()
    oracle = oracle_of(energy)
    assert n_units == energy.n_visible
    total = np.exp(-free_energy(oracle.visible)).sum()
    assert total == pytest.approx(oracle.partition, rel=1e-13)


def test_weights_are_the_couplings_each_once():
    full, ring = dense(), masked()
    upper = full.couplings
    np.testing.assert_array_equal(
        full.weights, [upper[i, j] for i in range(4) for j in range(i + 1, 4)]
    )
    around = ring.couplings
    expected = [around[0, 1], around[0, 5]] + [around[i, i + 1] for i in range(1, 5)]
    np.testing.assert_array_equal(ring.weights, expected)


def test_field_and_conditional_mean(energy):
    oracle = oracle_of(energy)
    exact = np.column_stack(
        [oracle.conditional(unit) for unit in range(energy.n_visible)]
    )
    mean = energy.conditional_mean(oracle.visible)
    np.testing.assert_allclose(mean, exact, atol=1e-13)
    log_odds = np.log(exact / (1 - exact))
    np.testing.assert_allclose(energy.field(oracle.visible), log_odds, atol=1e-12)


def test_conditional_log_likelihood(energy):
    oracle = oracle_of(energy)
    result = energy.conditional_log_likelihood(oracle.visible)
    for unit in range(energy.n_visible):
        on = oracle.conditional(unit)
        exact = np.log(np.where(oracle.visible[:, unit] == 1, on, 1 - on))
        np.testing.assert_allclose(result[:, unit], exact, atol=1e-12)


def test_conditional_log_likelihood_of_a_probability_is_a_mean():
    rows = np.array([[0.0, 1, 1, 0], [1, 1, 1, 0], [0.3, 1, 1, 0]])
    off, on, between = dense().conditional_log_likelihood(rows)[:, 0]
    assert between == pytest.approx(0.3 * on + 0.7 * off, abs=1e-12)


def test_conditional_log_likelihood_of_large_fields_is_finite():
    energy = BoltzmannEnergy(900 * (1 - np.eye(3)), np.zeros(3))
    result = energy.conditional_log_likelihood(np.array([[0.0, 1, 1]]))
    np.testing.assert_array_equal(result, [[-1800, 0, 0]])


@pytest.mark.parametrize("kernel", ["gibbs", "metropolis"])
@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sweeps_leave_the_law_invariant(energy, kernel, beta, dtype):
    oracle = oracle_of(energy, beta)
    rng = np.random.default_rng(1)
    visible = oracle.draw(N_ROWS, rng).astype(bool)
    sweep = getattr(energy.astype(dtype), kernel)
    state = sweep(BoltzmannState(visible), noise_from(rng, dtype), beta)
    assert state.visible.dtype == bool
    assert (state.visible != visible).any(axis=0).all()
    assert_draws_from(oracle.law, oracle.index(state.visible))


@pytest.mark.parametrize("kernel", ["gibbs", "metropolis"])
def test_sweeps_reach_the_law_from_anywhere(make, kernel):
    energy = make(scale=0.5)
    oracle = oracle_of(energy)
    noise = noise_from(np.random.default_rng(0))
    state = BoltzmannState(np.ones((20_000, energy.n_visible), dtype=bool))
    for _ in range(60):
        state = getattr(energy, kernel)(state, noise)
    assert_draws_from(oracle.law, oracle.index(state.visible))


def test_metropolis_flips_wherever_nothing_speaks_against_it(make):
    flat, _ = make().independent(np.full(make().n_visible, 0.5))
    rows = oracle_of(flat).visible.astype(bool)
    noise = noise_from(np.random.default_rng(0))
    flipped = flat.metropolis(BoltzmannState(rows), noise).visible
    np.testing.assert_array_equal(flipped, ~rows)
    # As Gibbs sampling does not: there each unit is drawn anew.
    assert (flat.gibbs(BoltzmannState(rows), noise).visible == rows).any()


def test_chains_run(energy):
    oracle = oracle_of(energy, 0.5)
    rng = np.random.default_rng(0)
    start = np.zeros((20_000, energy.n_visible), dtype=bool)
    state = run_chains(energy, start, noise_from(rng), n_sweeps=40, beta=0.5)
    assert_draws_from(oracle.law, oracle.index(state.visible))


def test_a_clamped_state_is_the_row_itself(energy):
    rows = np.eye(energy.n_visible, dtype=bool)
    noise = None  # nothing is drawn
    assert energy.clamp(rows, noise, 0.5).visible is rows


def test_independent_units_have_the_means_and_the_log_partition_asked_for(energy):
    mean = np.linspace(0.1, 0.8, energy.n_visible)
    independent, log_partition = energy.independent(mean)
    oracle = oracle_of(independent)
    np.testing.assert_allclose(oracle.moments()[1], mean, atol=1e-14)
    assert not independent.couplings.any()
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)
    narrow, log_partition = energy.astype(np.float32).independent(mean)
    assert narrow.dtype == narrow.bias.dtype == np.float32
    # Of the machine as it is, its biases rounded.
    oracle = oracle_of(narrow)
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_towards_goes_straight(make, fraction):
    start, end = make(), make(seed=1)
    between = start.towards(end, fraction)
    assert between.connectivity is start.connectivity
    for name in "couplings", "bias":
        expected = (1 - fraction) * getattr(start, name) + fraction * getattr(end, name)
        np.testing.assert_allclose(getattr(between, name), expected, atol=1e-15)


def test_arriving_rows_are_weighed_by_their_fall_in_energy(make):
    before, after = make(), make(seed=1)
    rows = oracle_of(before).visible
    for dtype, precision in ((np.float64, 1e-13), (np.float32, 1e-5)):
        _, log_weight = after.astype(dtype).arrive(
            rows.astype(bool),
            before.astype(dtype),
            noise_from(np.random.default_rng(0), dtype),
        )
        assert log_weight.dtype == np.float64
        exact = oracle_of(before).energies - oracle_of(after).energies
        np.testing.assert_allclose(log_weight, exact, atol=precision)


def test_the_mean_weight_of_arrival_is_the_ratio_of_partition_functions(make):
    before, after = make(scale=0.5), make(seed=1, scale=0.5)
    rng = np.random.default_rng(1)
    rows = oracle_of(before).draw(50_000, rng).astype(bool)
    _, log_weight = after.arrive(rows, before, noise_from(rng))
    ratio = np.array([oracle_of(after).partition / oracle_of(before).partition])
    assert_mean_is(ratio, np.exp(log_weight)[:, np.newaxis])


def test_the_sweep_of_arrival_leaves_the_law_invariant(make):
    before, after = make(), make(seed=1)
    oracle = oracle_of(after)
    rng = np.random.default_rng(1)
    rows = oracle.draw(50_000, rng).astype(bool)
    moved, _ = after.arrive(rows, before, noise_from(rng))
    assert moved.dtype == bool
    assert (moved != rows).any()
    assert_draws_from(oracle.law, oracle.index(moved))
