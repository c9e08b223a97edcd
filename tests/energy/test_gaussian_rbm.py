import numpy as np
import pytest
from gaussian_machines import KINDS, dense, gaussian_machine, oracle_of, rows_of
from oracle import all_states
from scipy import stats
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.gaussian_rbm import GaussianRBMEnergy, GaussianRBMState
from skebm.energy.whitening import DiagonalWhitening, TriangularWhitening
from skebm.sampling.chains import run_chains
from skebm.sampling.noise import UniformNoise

N_ROWS = 100_000


@pytest.fixture(params=KINDS)
def energy(request):
    return gaussian_machine(request.param)


def noise_from(rng, dtype=np.float64):
    return UniformNoise(rng, dtype)


def pairs_of(rows, n_hidden):
    """Pair every row with every hidden configuration."""
    hidden = all_states(n_hidden)
    return np.repeat(rows, len(hidden), axis=0), np.tile(hidden, (len(rows), 1))


def assert_visible_given_hidden(oracle, visible, hidden):
    """Hold draws to the normal densities that they have given the hidden units."""
    root = np.linalg.cholesky(oracle.noise / oracle.beta)
    mean = oracle.means[oracle.index(hidden)]
    standard = np.linalg.solve(root, (visible - mean).T).T
    assert_mean_is(np.zeros(standard.shape[1]), standard)
    products = standard[:, :, np.newaxis] * standard[:, np.newaxis]
    assert_mean_is(np.eye(standard.shape[1]), products)
    for column in standard.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    # Whatever is on, and not only on average.
    for number in range(len(oracle.law)):
        chosen = standard[oracle.index(hidden) == number]
        assert_mean_is(np.zeros(standard.shape[1]), chosen)


def test_sizes_and_dtype(energy):
    assert (energy.n_hidden, energy.n_visible, energy.n_units) == (3, 2, 5)
    assert energy.dtype == np.float64
    narrow = energy.astype(np.float32)
    assert narrow.dtype == np.float32
    assert (narrow.ridge, narrow.log_volume) == (energy.ridge, energy.log_volume)
    rows, hidden = np.ones((2, 2), np.float32), np.ones((2, 3), np.float32)
    noise = noise_from(np.random.default_rng(0), np.float32)
    for array in (
        narrow.weights,
        narrow.visible_bias,
        narrow.hidden_bias,
        dense(narrow.whitening),
        narrow.energy(rows, hidden),
        narrow.free_energy(rows),
        narrow.hidden_field(rows),
        narrow.hidden_mean(rows),
        narrow.visible_mean(hidden),
        narrow.visible_rows(hidden > 0, noise),
        narrow.marginal()[0].couplings,
    ):
        assert array.dtype == np.float32


def test_float32_differs_by_rounding(energy):
    rows = rows_of(energy)
    narrow = energy.astype(np.float32)
    np.testing.assert_allclose(
        narrow.free_energy(rows.astype(np.float32)),
        energy.free_energy(rows),
        rtol=1e-5,
        atol=1e-5,
    )


def test_energy(energy):
    rows, hidden = pairs_of(rows_of(energy), 3)
    np.testing.assert_allclose(
        energy.energy(rows, hidden),
        oracle_of(energy).energy(rows, hidden),
        rtol=0,
        atol=1e-12,
    )


def test_energy_of_hidden_units_between_zero_and_one(energy):
    rows = rows_of(energy, 5)
    hidden = np.random.default_rng(0).uniform(size=(5, 3))
    expected = oracle_of(energy).energy(rows, hidden)
    np.testing.assert_allclose(energy.energy(rows, hidden), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_free_energy_less_log_z_is_the_density_of_the_mixture(kind, seed):
    energy = gaussian_machine(kind, 4, 3, seed=seed)
    log_partition, _ = energy.model_moments()
    for spread in (1.0, 10.0):
        rows = rows_of(energy, 20, spread=spread)
        np.testing.assert_allclose(
            -energy.free_energy(rows) - log_partition,
            oracle_of(energy).log_density(rows),
            rtol=1e-12,
            atol=1e-10,
        )


def test_hidden_mean_and_field(energy):
    rows = rows_of(energy)
    exact = oracle_of(energy).posterior_mean(rows)
    np.testing.assert_allclose(energy.hidden_mean(rows), exact, rtol=0, atol=1e-12)
    log_odds = np.log(exact / (1 - exact))
    np.testing.assert_allclose(energy.hidden_field(rows), log_odds, atol=1e-9)


def test_visible_mean(energy):
    oracle = oracle_of(energy)
    np.testing.assert_allclose(
        energy.visible_mean(oracle.hidden), oracle.means, rtol=0, atol=1e-12
    )


def test_the_hidden_layer_can_be_enumerated(energy):
    ((n_units, free_energy),) = energy.enumerable_layers()
    assert n_units == 3
    oracle = oracle_of(energy)
    scores = -free_energy(oracle.hidden)
    log_law = scores - np.log(np.exp(scores).sum())
    np.testing.assert_allclose(log_law, oracle.log_law, rtol=0, atol=1e-12)


# ---- drawing ----


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gibbs_leaves_the_law_invariant(energy, beta, dtype):
    oracle = oracle_of(energy, beta)
    rng = np.random.default_rng(1)
    visible, hidden = oracle.draw(N_ROWS, rng)
    before = GaussianRBMState(visible, hidden.astype(bool))
    state = energy.astype(dtype).gibbs(before, noise_from(rng, dtype), beta)
    assert state.hidden.dtype == bool
    assert state.visible.dtype == dtype
    assert (state.hidden != hidden).any(axis=0).all()
    assert_draws_from(oracle.law, oracle.index(state.hidden))
    assert_visible_given_hidden(oracle, state.visible, state.hidden)


def test_gibbs_reaches_the_law_from_anywhere():
    energy = gaussian_machine("full", scale=0.5)
    oracle = oracle_of(energy, 0.7)
    rng = np.random.default_rng(0)
    start = np.full((N_ROWS, 2), 3.0)
    state = run_chains(energy, start, noise_from(rng), n_sweeps=30, beta=0.7)
    assert_draws_from(oracle.law, oracle.index(state.hidden))
    assert_visible_given_hidden(oracle, state.visible, state.hidden)


@pytest.mark.parametrize("n_sweeps", [2, 5])
def test_gibbs_makes_as_many_sweeps_as_asked(energy, n_sweeps):
    state = GaussianRBMState(np.zeros((50, 2)), np.zeros((50, 3), dtype=bool))
    noise = noise_from(np.random.default_rng(0))
    machine, _ = energy.marginal()
    hidden = machine.clamp(state.hidden, noise)
    for _ in range(n_sweeps):
        hidden = machine.gibbs(hidden, noise)
    noise = noise_from(np.random.default_rng(0))
    moved = energy.gibbs(state, noise, n_sweeps=n_sweeps)
    np.testing.assert_array_equal(moved.hidden, hidden.visible)


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
def test_clamp_draws_the_hidden_units_given_a_row(energy, beta):
    oracle = oracle_of(energy, beta)
    row = rows_of(energy, 1)
    rows = np.tile(row, (N_ROWS, 1))
    state = energy.clamp(rows, noise_from(np.random.default_rng(0)), beta)
    assert state.visible is rows
    joint = oracle.joint_log_density(row)[0]
    law = np.exp(joint - oracle.log_density(row))
    assert_draws_from(law, oracle.index(state.hidden))


def test_chains_of_tempering_are_of_hidden_units_given_rows(energy):
    oracle = oracle_of(energy)
    rng = np.random.default_rng(0)
    visible, _ = oracle.draw(N_ROWS, rng)
    chains = energy.chain_rows(visible, noise_from(rng))
    assert chains.dtype == bool
    assert_draws_from(oracle.law, oracle.index(chains))


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
def test_visible_rows_are_normal_given_the_hidden_units(energy, beta):
    oracle = oracle_of(energy, beta)
    hidden = np.tile(oracle.hidden, (N_ROWS // 8, 1)).astype(bool)
    noise = noise_from(np.random.default_rng(0))
    visible = energy.visible_rows(hidden, noise, beta)
    assert_visible_given_hidden(oracle, visible, hidden)


@pytest.mark.parametrize("beta", [0.4, 1.0])
def test_tempered_machines_end_at_this_one(energy, beta):
    oracle = oracle_of(energy, beta)
    model = energy.tempered(np.array([0.2, 0.5, 0.9]), beta)
    rng = np.random.default_rng(0)
    hidden = oracle.draw(N_ROWS, rng)[1].astype(bool)
    moved = model.sweep(model.context(hidden), np.ones(N_ROWS), noise_from(rng))
    assert_draws_from(oracle.law, oracle.index(moved))


def test_tempered_machines_start_at_independent_units(energy):
    mean = np.array([0.2, 0.5, 0.9])
    model = energy.tempered(mean)
    rng = np.random.default_rng(0)
    hidden = np.zeros((N_ROWS, 3), dtype=bool)
    moved = model.sweep(model.context(hidden), np.zeros(N_ROWS), noise_from(rng))
    states = all_states(3)
    law = np.prod(np.where(states == 1, mean, 1 - mean), axis=1)
    assert_draws_from(law, oracle_of(energy).index(moved))


# ---- units of the columns ----


@pytest.mark.parametrize("kind", KINDS)
def test_units_of_columns_change_nothing_but_the_volume(kind):
    energy = gaussian_machine(kind, 3, 3)
    units = np.array([1e-6, 1.0, 1e6])
    if kind == "full":
        covariance = energy.whitening.covariance() * np.outer(units, units)
        whitening = TriangularWhitening.of_covariance(covariance)
    else:
        whitening = DiagonalWhitening(energy.whitening.scale / units)
    scaled = GaussianRBMEnergy(
        energy.weights, energy.visible_bias, energy.hidden_bias, whitening
    )
    rows = rows_of(energy)
    np.testing.assert_allclose(
        scaled.free_energy(rows * units), energy.free_energy(rows), rtol=0, atol=1e-9
    )
    rise = scaled.model_moments()[0] - energy.model_moments()[0]
    assert rise == pytest.approx(np.log(units).sum(), abs=1e-9)
    np.testing.assert_allclose(
        scaled.conditional_log_likelihood(rows * units) + np.log(units),
        energy.conditional_log_likelihood(rows),
        rtol=0,
        atol=1e-9,
    )


def test_log_volume_makes_densities_those_of_other_units():
    """Of rows that are given in units 2, 3 and 1/2 of the columns."""
    units = np.array([2.0, 3.0, 0.5])
    energy = gaussian_machine("diag", 3, 3)
    known = gaussian_machine("diag", 3, 3, log_volume=np.log(units).sum())
    in_units = GaussianRBMEnergy(
        energy.weights,
        energy.visible_bias,
        energy.hidden_bias,
        DiagonalWhitening(energy.whitening.scale / units),
    )
    rows = rows_of(energy)
    result = -known.free_energy(rows) - known.model_moments()[0]
    expected = oracle_of(in_units).log_density(rows * units)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-10)


# ---- numbers out of the ordinary ----


@pytest.mark.parametrize("kind", KINDS)
def test_rows_a_thousand_deviations_away(kind):
    energy = gaussian_machine(kind, 4, 3)
    rows = rows_of(energy, spread=1e3)
    log_partition, _ = energy.model_moments()
    result = -energy.free_energy(rows) - log_partition
    # Of half a million nats and more.
    assert result.max() < -1e5
    np.testing.assert_allclose(result, oracle_of(energy).log_density(rows), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_components_fifty_deviations_apart(kind):
    energy = gaussian_machine(kind, 4, 3, scale=50 / np.sqrt(3))
    oracle = oracle_of(energy)
    assert np.linalg.norm(energy.weights, axis=1).mean() > 40
    rows = rows_of(energy, 30)
    log_partition, _ = energy.model_moments()
    assert log_partition == pytest.approx(oracle.log_partition, rel=1e-11)
    result = -energy.free_energy(rows) - log_partition
    # Terms of thousands of nats cancel.
    np.testing.assert_allclose(result, oracle.log_density(rows), rtol=0, atol=1e-9)


def test_a_whitening_of_condition_a_million():
    """Beside the same in extended precision: only rounding differs."""
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    matrix = np.linalg.qr(left * np.logspace(0, 6, 5))[1].T
    matrix *= np.sign(np.diag(matrix))
    matrix = np.tril(matrix) + np.tril(rng.normal(size=(5, 5)), -1)
    assert np.linalg.cond(matrix) > 9e5
    energy = GaussianRBMEnergy(
        rng.normal(size=(4, 5)),
        rng.normal(size=5),
        rng.normal(size=4),
        TriangularWhitening(matrix),
    )
    noise = noise_from(rng)
    hidden = np.tile(all_states(4), (10, 1))
    rows = energy.visible_rows(hidden > 0, noise)
    assert np.isfinite(rows).all()
    exact = extended_free_energy(energy, rows)
    np.testing.assert_allclose(energy.free_energy(rows), exact, rtol=0, atol=1e-8)


def extended_free_energy(energy, rows):
    white = rows.astype(np.longdouble) @ energy.whitening.matrix.T
    spread = ((white - energy.visible_bias) ** 2).sum(axis=1) / 2
    field = white @ energy.weights.T + energy.hidden_bias
    return (spread - np.log1p(np.exp(field)).sum(axis=1)).astype(float)


def test_columns_that_are_nearly_the_same():
    """Noise with correlation 1 - 1e-8, of which the difference is another unit."""
    covariance = np.array([[1.0, 1 - 1e-8], [1 - 1e-8, 1.0]])
    weights = np.array([[1.0, 0.5], [-0.3, 2.0]])
    energy = GaussianRBMEnergy(
        weights,
        np.zeros(2),
        np.array([-1.0, 0.3]),
        TriangularWhitening.of_covariance(covariance),
    )
    noise = noise_from(np.random.default_rng(0))
    rows = energy.visible_rows(np.tile(all_states(2), (5, 1)) > 0, noise)
    exact = oracle_of(energy).log_density(rows)
    result = -energy.free_energy(rows) - energy.model_moments()[0]
    # Deviations of 1e-4, squared, beside values known to 1e-16.
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-5)
    conditional = energy.conditional_log_likelihood(rows)
    assert np.isfinite(conditional).all()
    # Each follows from the other to within 1.4e-4.
    assert conditional.max() > 7
