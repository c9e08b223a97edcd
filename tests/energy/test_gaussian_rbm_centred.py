from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    dense,
    gaussian_machine,
    mean_log_likelihood,
    oracle_of,
    rows_of,
)
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.gaussian_rbm_centred import CentredGaussianRBM
from skebm.learning.penalty import shrink_elastic_net
from skebm.sampling.noise import UniformNoise

OFFSET = np.array([0.1, 0.4, 0.8])
N_HIDDEN, N_VISIBLE = 3, 2


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def energy(kind):
    return gaussian_machine(kind, ridge=0.2, log_volume=0.7)


@pytest.fixture
def centred(energy):
    return energy.centred(OFFSET)


def noise_from(rng, dtype=np.float64):
    return UniformNoise(rng, dtype)


def assert_same(centred, energy, precision=1e-12):
    """Compare the distributions of two machines by their plain parameters."""
    plain = centred.plain()
    for name in ("weights", "visible_bias", "hidden_bias"):
        part = getattr(plain, name)
        assert part.dtype == np.float64
        np.testing.assert_allclose(part, getattr(energy, name), rtol=0, atol=precision)
    matrix = dense(plain.whitening)
    assert matrix.dtype == np.float64
    np.testing.assert_allclose(
        matrix, dense(energy.whitening), rtol=precision, atol=precision
    )
    assert (plain.ridge, plain.log_volume) == (energy.ridge, energy.log_volume)


def n_step_rows(kind):
    return N_VISIBLE if kind == "full" else 1


def direction_shape(kind):
    return (N_HIDDEN + 1 + n_step_rows(kind), N_VISIBLE + 1)


def directions_that_count(kind):
    """List directions that change the law, one for each parameter."""
    n_rows = N_HIDDEN + 1
    directions = []
    for i, j in np.ndindex(n_rows, N_VISIBLE + 1):
        if (i, j) != (N_HIDDEN, N_VISIBLE):  # the corner means nothing
            directions.append(np.zeros(direction_shape(kind)))
            directions[-1][i, j] = 1
    if kind == "shared":
        directions.append(np.zeros(direction_shape(kind)))
        directions[-1][n_rows, :-1] = 1
    elif kind != "fixed":
        for i, j in np.ndindex(n_step_rows(kind), N_VISIBLE):
            if kind != "full" or j <= i:
                directions.append(np.zeros(direction_shape(kind)))
                directions[-1][n_rows + i, j] = 1
    return directions


def exact_direction(centred, rows):
    """The contrast with chains that are all configurations, weighed by their law."""
    oracle = oracle_of(centred.plain())
    batch = centred.prepare(rows)
    noise = noise_from(np.random.default_rng(0))
    return sum(
        mass * centred.contrast(batch, hidden[np.newaxis] > 0, noise, n_sweeps=0)[0]
        for mass, hidden in zip(oracle.law, oracle.hidden, strict=True)
    )


# ---- coordinates ----


def test_coordinates_do_not_change_the_distribution(energy, centred):
    assert_same(centred, energy)
    elsewhere = centred.recentred(OFFSET**2)
    assert_same(elsewhere, energy)
    np.testing.assert_array_equal(elsewhere.offset, np.append(OFFSET**2, 0))
    assert elsewhere.matrix[-1, -1] == 0


def test_without_an_offset_coordinates_are_plain(energy):
    matrix = energy.centred().matrix
    np.testing.assert_array_equal(matrix[:-1, :-1], energy.weights)
    np.testing.assert_array_equal(matrix[-1, :-1], energy.visible_bias)
    np.testing.assert_array_equal(matrix[:-1, -1], energy.hidden_bias)
    assert matrix[-1, -1] == 0


def test_energy_weighs_centred_units(energy, centred):
    rows = rows_of(energy, 8)
    hidden = oracle_of(energy).hidden
    units = np.column_stack([hidden - OFFSET, np.ones(8)])
    white = np.column_stack([rows @ dense(energy.whitening).T, np.ones(8)])
    energies = (white[:, :-1] ** 2).sum(axis=1) / 2
    energies -= np.einsum("nk,ki,ni->n", units, centred.matrix, white)
    difference = energies - energy.energy(rows, hidden)
    np.testing.assert_allclose(difference, difference[0], rtol=0, atol=1e-12)


def test_another_machine_is_described_with_the_same_offset(kind, centred):
    other = gaussian_machine(kind, seed=1, ridge=0.5)
    described = centred.astype(np.float32).describing(other)
    assert_same(described, other)
    np.testing.assert_allclose(described.offset[:-1], OFFSET, rtol=1e-6)
    assert described.matrix.dtype == described.offset.dtype == np.float64


def test_dtype_reaches_every_array(energy, centred):
    narrow = centred.astype(np.float32)
    rows = rows_of(energy)
    prepared = narrow.prepare(rows)
    noise = noise_from(np.random.default_rng(0), np.float32)
    chains = narrow.start_chains(prepared, noise)
    # As schedules give it.
    direction, _ = narrow.contrast(prepared, chains, noise, rate=np.float64(0.1))
    moved = narrow.step(direction)
    for array in (
        narrow.matrix,
        narrow.offset,
        dense(narrow.whitening),
        prepared,
        direction,
        moved.matrix,
        dense(moved.whitening),
        narrow.recentred(narrow.offset[:-1] / 2).matrix,
        narrow.with_drifted_offset(prepared, 0.2).offset,
        narrow.hidden_rows(prepared),
        narrow.towards(moved, 0.1).matrix,
        dense(narrow.towards(moved, 0.1).whitening),
        narrow.marginal().couplings,
    ):
        assert array.dtype == np.float32
    assert_same(narrow, energy, 1e-5)
    assert centred.matrix.dtype == np.float64


def test_prepared_rows_end_in_the_constant(energy, centred):
    rows = rows_of(energy)
    prepared = centred.prepare(rows)
    np.testing.assert_array_equal(prepared[:, :-1], rows)
    np.testing.assert_array_equal(prepared[:, -1], 1)


def test_hidden_rows_are_centred_means(energy, centred):
    rows = rows_of(energy)
    hidden = centred.hidden_rows(centred.prepare(rows))
    exact = oracle_of(energy).posterior_mean(rows) - OFFSET
    np.testing.assert_allclose(hidden[:, :-1], exact, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(hidden[:, -1], 1)


# ---- the gradient ----


@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(2))
def test_contrast_is_the_derivative_of_the_likelihood(kind, seed, ridge):
    """Along every direction that there is, as `step` takes it."""
    energy = gaussian_machine(kind, seed=seed, ridge=ridge)
    centred = energy.centred(OFFSET)
    rows = rows_of(energy, 5, spread=1.5)
    gradient = exact_direction(centred, rows)
    assert gradient.shape == direction_shape(kind)
    size = 1e-5
    for direction in directions_that_count(kind):
        ahead, behind = (
            mean_log_likelihood(centred.step(shift).plain(), rows)
            for shift in (size * direction, -size * direction)
        )
        numeric = (ahead - behind) / (2 * size)
        assert np.vdot(gradient, direction) == pytest.approx(numeric, abs=1e-8)


def test_contrast_leaves_alone_what_means_nothing(kind, energy, centred):
    """The corner, the constant beside the noise, and what steps cannot follow."""
    rows = rows_of(energy, 5)
    gradient = exact_direction(centred, rows)
    assert abs(gradient[N_HIDDEN, N_VISIBLE]) < 1e-15
    steps = gradient[N_HIDDEN + 1 :]
    assert not steps[:, -1].any()
    if kind == "full":
        assert steps[0, 1] == 0
    if kind == "shared":
        assert steps[0, 0] == steps[0, 1]
    assert steps[:, :-1].any() == (kind != "fixed")


def test_a_step_along_the_contrast_climbs(energy, centred):
    rows = rows_of(energy, 5)
    direction = exact_direction(centred, rows)
    moved = centred.step(1e-4 * direction)
    rise = mean_log_likelihood(moved.plain(), rows) - mean_log_likelihood(energy, rows)
    expected = 1e-4 * np.vdot(direction, direction)
    assert rise == pytest.approx(expected, rel=0.01)


def test_known_noise_stays_as_it_is():
    energy = gaussian_machine("fixed")
    centred = energy.centred(OFFSET)
    moved = centred.step(exact_direction(centred, rows_of(energy, 5)))
    np.testing.assert_array_equal(moved.whitening.scale, energy.whitening.scale)


@pytest.mark.parametrize("n_sweeps", [1, 3])
def test_swept_chains_give_the_same_on_average(energy, centred, n_sweeps):
    oracle = oracle_of(energy)
    rows = rows_of(energy, 5)
    exact = exact_direction(centred, rows)
    batch = centred.prepare(rows)
    rng = np.random.default_rng(0)
    noise = noise_from(rng)
    directions = []
    for _ in range(1000):
        chains = oracle.draw(50, rng)[1].astype(bool)
        directions.append(centred.contrast(batch, chains, noise, n_sweeps)[0])
    directions = np.array(directions)
    parameters = np.ones((N_HIDDEN + 1, N_VISIBLE + 1), dtype=bool)
    parameters[-1, -1] = False
    assert_mean_is(
        exact[: N_HIDDEN + 1][parameters],
        directions[:, : N_HIDDEN + 1][:, parameters],
    )
    # The chains say nothing of the noise, which they have exactly.
    np.testing.assert_allclose(
        directions[:, N_HIDDEN + 1 :],
        np.tile(exact[N_HIDDEN + 1 :], (1000, 1, 1)),
        rtol=0,
        atol=1e-12,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_contrast_leaves_the_law_of_the_chains_invariant(
    energy, centred, dtype, n_sweeps
):
    oracle = oracle_of(energy)
    rng = np.random.default_rng(0)
    chains = oracle.draw(100_000, rng)[1].astype(bool)
    before = chains.copy()
    narrow = centred.astype(dtype)
    batch = narrow.prepare(rows_of(energy, 1))
    direction, moved = narrow.contrast(batch, chains, noise_from(rng, dtype), n_sweeps)
    assert direction.dtype == dtype
    assert moved.dtype == bool
    np.testing.assert_array_equal(chains, before)
    assert (moved != chains).any(axis=0).all()
    assert_draws_from(oracle.law, oracle.index(moved))


@pytest.mark.parametrize("n_sweeps", [1, 2, 4])
def test_chains_make_as_many_sweeps_as_asked(energy, centred, n_sweeps):
    batch = centred.prepare(rows_of(energy, 1))
    chains = np.ones((7, N_HIDDEN), dtype=bool)
    noise = noise_from(np.random.default_rng(0))
    _, at_once = centred.contrast(batch, chains, noise, n_sweeps)
    machine = energy.marginal()[0]
    noise = noise_from(np.random.default_rng(0))
    state = machine.gibbs(machine.clamp(chains, noise), noise, n_sweeps=n_sweeps)
    np.testing.assert_array_equal(at_once, state.visible)


def contrast_of(centred, rows, chains, **kwargs):
    noise = noise_from(np.random.default_rng(0))
    return centred.contrast(centred.prepare(rows), chains, noise, **kwargs)[0]


def test_each_phase_is_averaged_over_its_own_rows(energy, centred):
    rows, chains = rows_of(energy, 2), oracle_of(energy).hidden > 0
    directions = [
        contrast_of(centred, np.repeat(rows, repeats, axis=0), chains)
        for repeats in (1, 7)
    ]
    np.testing.assert_allclose(*directions, rtol=0, atol=1e-12)


def test_the_rate_multiplies_the_gradient(energy, centred):
    rows, chains = rows_of(energy, 3), oracle_of(energy).hidden > 0
    directions = [contrast_of(centred, rows, chains, rate=rate) for rate in (1, 0.25)]
    np.testing.assert_allclose(directions[0] / 4, directions[1], rtol=1e-14)


# ---- chains ----


def test_chains_start_from_hidden_units_given_rows(energy, centred):
    oracle = oracle_of(energy)
    row = rows_of(energy, 1)
    prepared = centred.prepare(np.tile(row, (100_000, 1)))
    chains = centred.start_chains(prepared, noise_from(np.random.default_rng(0)))
    assert chains.dtype == bool
    law = np.exp(oracle.joint_log_density(row)[0] - oracle.log_density(row))
    assert_draws_from(law, oracle.index(chains))


def test_chains_of_tempering_are_taken_as_they_are(centred):
    rows = np.eye(N_HIDDEN, dtype=bool)
    noise = noise_from(np.random.default_rng(0))
    assert centred.chains_of(rows, noise) is rows


def test_tempered_machines_end_at_this_one(energy, centred):
    oracle = oracle_of(energy)
    model = centred.tempered(OFFSET)
    rng = np.random.default_rng(0)
    hidden = oracle.draw(100_000, rng)[1].astype(bool)
    moved = model.sweep(model.context(hidden), np.ones(len(hidden)), noise_from(rng))
    assert_draws_from(oracle.law, oracle.index(moved))


# ---- steps ----


def test_step_is_taken_in_centred_coordinates(kind, energy, centred):
    direction = np.random.default_rng(0).normal(size=direction_shape(kind))
    if kind == "fixed":
        direction[-1] = 0
    before = direction.copy()
    moved = centred.step(direction)
    plain = moved.plain()
    weights, hidden_bias = direction[:N_HIDDEN, :-1], direction[:N_HIDDEN, -1]
    np.testing.assert_allclose(plain.weights, energy.weights + weights, atol=1e-13)
    np.testing.assert_allclose(
        plain.hidden_bias, energy.hidden_bias + hidden_bias, atol=1e-13
    )
    visible_bias = energy.visible_bias + direction[N_HIDDEN, :-1] - OFFSET @ weights
    np.testing.assert_allclose(plain.visible_bias, visible_bias, atol=1e-13)
    expected = energy.whitening.stepped(direction[N_HIDDEN + 1 :, :-1])
    np.testing.assert_array_equal(dense(plain.whitening), dense(expected))
    np.testing.assert_array_equal(direction, before)
    assert_same(centred, energy)


def test_step_shrinks_the_weights_alone(kind, energy, centred):
    shrink = partial(shrink_elastic_net, rate=0.5, alpha=0.2, l1_ratio=0.5)
    moved = centred.step(np.zeros(direction_shape(kind)), shrink)
    expected = centred.matrix.copy()
    shrink(expected[:-1, :-1])
    np.testing.assert_array_equal(moved.matrix, expected)
    assert (expected != centred.matrix).sum() == N_HIDDEN * N_VISIBLE
    np.testing.assert_array_equal(dense(moved.whitening), dense(energy.whitening))
    assert_same(centred, energy)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_towards_goes_straight_in_the_coordinates_of_the_other(kind, fraction):
    """Whatever coordinates the first machine is given in."""
    energy, target = gaussian_machine(kind), gaussian_machine(kind, seed=1)
    centred, other = energy.centred(OFFSET), target.centred(OFFSET)
    expected = (1 - fraction) * centred.matrix + fraction * other.matrix
    matrix = (1 - fraction) * dense(energy.whitening)
    matrix = matrix + fraction * dense(target.whitening)
    same_offset = CentredGaussianRBM(
        centred.matrix, other.offset, centred.whitening, energy
    )
    for start in (centred, centred.recentred(OFFSET**2), same_offset):
        between = start.towards(other, fraction)
        assert between.offset is other.offset
        np.testing.assert_allclose(between.matrix, expected, rtol=0, atol=1e-13)
        np.testing.assert_allclose(dense(between.whitening), matrix, atol=1e-13)
        assert between.template is target


def test_without_weights_that_are_zero_elsewhere(centred):
    other = centred.recentred(centred.offset[:-1])
    other.matrix[[0, 1, 0, -1], [1, 0, -1, 0]] = 0
    pruned = centred.without_weights(other)
    expected = centred.matrix.copy()
    expected[[0, 1], [1, 0]] = 0  # the last row and column hold biases
    np.testing.assert_array_equal(pruned.matrix, expected)
    assert pruned.offset is centred.offset
    assert pruned.whitening is centred.whitening
    assert centred.matrix[0, 1] != 0


@pytest.mark.parametrize("fraction", [0.0, 0.2, 1.0])
def test_the_offset_drifts_to_the_mean_of_a_batch(energy, centred, fraction):
    rows = rows_of(energy)
    drifted = centred.with_drifted_offset(centred.prepare(rows), fraction)
    mean = oracle_of(energy).posterior_mean(rows).mean(axis=0)
    expected = (1 - fraction) * OFFSET + fraction * mean
    np.testing.assert_allclose(drifted.offset[:-1], expected, rtol=0, atol=1e-13)
    assert_same(drifted, energy)


# ---- divergence ----


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.1e6, -1.1e6])
def test_weights_beyond_reason_have_diverged(centred, bad):
    assert not centred.has_diverged()
    centred.matrix[1, 1] = bad
    assert centred.has_diverged()


@pytest.mark.parametrize("place", [(1, -1), (-1, 1)])
def test_biases_may_be_large_but_finite(centred, place):
    centred.matrix[place] = -1e8
    assert not centred.has_diverged()
    centred.matrix[place] = np.nan
    assert centred.has_diverged()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_noise_that_has_collapsed_has_diverged(kind, energy, bad):
    whitening = energy.whitening
    array = whitening.matrix if kind == "full" else whitening.scale
    array = array.copy()
    array[..., -1] = bad
    field = "matrix" if kind == "full" else "scale"
    collapsed = replace(energy, whitening=replace(whitening, **{field: array}))
    assert not energy.centred().has_diverged()
    assert collapsed.centred().has_diverged()


def test_a_step_that_takes_the_noise_to_infinity_has_diverged(kind):
    centred = gaussian_machine(kind).centred(OFFSET).astype(np.float32)
    direction = np.zeros(direction_shape(kind), dtype=np.float32)
    direction[N_HIDDEN + 1 :, :-1] = -1000
    assert centred.step(direction).has_diverged()
