import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.boltzmann_centred import CentredBoltzmann
from skebm.energy.connectivity import Connectivity
from skebm.sampling.noise import UniformNoise

OFFSET = np.array([0.1, 0.4, 0.8, 0.5, 0.3, 0.6])


def dense(seed=0):
    return BoltzmannEnergy(*random_boltzmann(4, seed=seed))


def masked(seed=0):
    couplings, bias, mask, _ = random_lattice(seed=seed)
    return BoltzmannEnergy(couplings, bias, Connectivity(mask))


def coloured(seed=0):
    couplings, bias, mask, colours = random_lattice(seed=seed)
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture(params=[dense, masked, coloured])
def make(request):
    return request.param


@pytest.fixture
def energy(make):
    return make()


@pytest.fixture
def centred(energy):
    return energy.centred(OFFSET[: energy.n_visible])


@pytest.fixture
def oracle(energy):
    return BoltzmannOracle(energy.couplings, energy.bias)


def noise_from(rng, dtype=np.float64):
    return UniformNoise(rng, dtype)


def assert_same(centred, energy, precision=1e-12):
    """Compare the distributions of two machines by their plain parameters."""
    couplings, bias = centred.plain_parameters()
    assert couplings.dtype == bias.dtype == np.float64
    np.testing.assert_allclose(couplings, energy.couplings, atol=precision)
    np.testing.assert_allclose(bias, energy.bias, atol=precision)


def exact_gradient(energy, oracle, rows, offset):
    """Gradient in centred coordinates, from the plain one by the chain rule.

    At fixed centred biases, W_ij also changes the plain ones of i and of j.
    """
    couplings, bias = oracle.gradient(rows)
    couplings = couplings + couplings.T
    couplings -= np.outer(offset, bias) + np.outer(bias, offset)
    np.fill_diagonal(couplings, 0)
    if energy.connectivity is not None:
        couplings *= energy.connectivity.mask
    return np.block([[couplings, bias[:, np.newaxis]], [bias, np.zeros(1)]])


def test_coordinates_do_not_change_the_distribution(energy, centred):
    assert_same(centred, energy)
    offset = OFFSET[: energy.n_visible]
    elsewhere = centred.recentred(visible_offset=offset**2)
    assert_same(elsewhere, energy)
    np.testing.assert_array_equal(elsewhere.offsets.visible[:-1], offset**2)
    np.testing.assert_array_equal(elsewhere.matrix, elsewhere.matrix.T)
    uncentred = elsewhere.uncentred()
    assert not uncentred.offsets.visible.any()
    assert_same(uncentred, energy)
    assert centred.recentred(hidden_offset=np.zeros(0)) is centred


def test_without_offsets_coordinates_are_plain(energy):
    matrix = energy.centred().matrix
    np.testing.assert_array_equal(matrix[:-1, :-1], energy.couplings)
    np.testing.assert_array_equal(matrix[-1, :-1], energy.bias)
    np.testing.assert_array_equal(matrix[:-1, -1], energy.bias)
    assert matrix[-1, -1] == 0


def test_another_machine_is_described_with_the_same_offsets(make, centred):
    other = make(seed=1)
    described = centred.astype(np.float32).describing(other)
    assert_same(described, other)
    np.testing.assert_allclose(
        described.offsets.visible, centred.offsets.visible, rtol=1e-6
    )
    assert described.matrix.dtype == np.float64


def test_energy_weighs_prepared_rows(energy, centred, oracle):
    rows = centred.prepare(oracle.visible)
    energies = -np.einsum("ij,jk,ik->i", rows, centred.matrix, rows) / 2
    difference = energies - oracle.energies
    np.testing.assert_allclose(difference, difference[0], atol=1e-13)


@pytest.mark.parametrize("n_sweeps", [1, 3])
@pytest.mark.parametrize("with_offset", [True, False])
def test_contrast_is_the_gradient_of_the_likelihood(
    energy, oracle, n_sweeps, with_offset
):
    offset = OFFSET[: energy.n_visible] * with_offset
    centred = energy.centred(offset)
    rng = np.random.default_rng(0)
    noise = noise_from(rng)
    rows = oracle.visible[[1, 2, 2, 7, 12]]
    batch = centred.prepare(rows)
    gradients = []
    for _ in range(1000):
        chains = oracle.draw(50, rng).astype(bool)
        gradient, _ = centred.contrast(batch, chains, noise, n_sweeps)
        gradients.append(gradient)
    gradients = np.array(gradients)
    exact = exact_gradient(energy, oracle, rows, offset)
    parameters = exact != 0
    assert_mean_is(exact[parameters], gradients[:, parameters])
    # Neither the diagonal nor a coupling that does not exist is ever moved.
    assert not gradients[:, ~parameters].any()
    np.testing.assert_array_equal(gradients, gradients.transpose(0, 2, 1))


def test_exact_gradient_by_differences(energy, oracle):
    """What the test above compares with is the derivative by these coordinates."""
    offset = OFFSET[: energy.n_visible]
    centred = energy.centred(offset)
    rows = oracle.visible[[1, 2, 2, 7, 12]]
    step = 1e-5

    def likelihood(matrix):
        moved = CentredBoltzmann(energy, matrix, centred.offsets)
        return BoltzmannOracle(*moved.plain_parameters()).log_likelihood(rows).mean()

    exact = exact_gradient(energy, oracle, rows, offset)
    for i, j in zip(*np.nonzero(np.triu(exact)), strict=True):
        shift = np.zeros_like(exact)
        shift[i, j] = shift[j, i] = step
        rise = likelihood(centred.matrix + shift) - likelihood(centred.matrix - shift)
        assert rise / (2 * step) == pytest.approx(exact[i, j], abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_contrast_leaves_the_law_of_the_chains_invariant(
    centred, oracle, dtype, n_sweeps
):
    rng = np.random.default_rng(0)
    chains = oracle.draw(100_000, rng).astype(bool)
    narrow = centred.astype(dtype)
    batch = narrow.prepare(oracle.visible[:1])
    direction, moved = narrow.contrast(batch, chains, noise_from(rng, dtype), n_sweeps)
    assert direction.dtype == dtype
    assert moved.dtype == bool
    assert (moved != chains).any(axis=0).all()
    assert_draws_from(oracle.law, oracle.index(moved))


def test_pairs_of_the_chains_vary_less_than_their_units(energy, oracle):
    """Than where every unit counts by its state."""
    centred = energy.centred()
    rng = np.random.default_rng(0)
    noise = noise_from(rng)
    batch = centred.prepare(np.zeros((1, len(oracle.bias))))
    chains = oracle.draw(20_000, rng).astype(bool)
    single = []
    for _ in range(300):
        chain = chains[rng.integers(len(chains), size=1)]
        gradient, _ = centred.contrast(batch, chain, noise)
        single.append(-gradient[:-1, :-1])
    exact = oracle.moments()[0]
    own = exact * (1 - exact)
    coupled = energy.couplings != 0
    assert (np.var(single, axis=0)[coupled] < 0.9 * own[coupled]).all()


@pytest.mark.parametrize("n_sweeps", [1, 2, 4])
def test_chains_make_as_many_sweeps_as_asked(centred, oracle, n_sweeps):
    batch = centred.prepare(oracle.visible[:1])
    chains = np.ones((7, len(oracle.bias)), dtype=bool)
    _, at_once = centred.contrast(
        batch, chains, noise_from(np.random.default_rng(0)), n_sweeps
    )
    noise = noise_from(np.random.default_rng(0))
    for _ in range(n_sweeps):
        _, chains = centred.contrast(batch, chains, noise)
    np.testing.assert_array_equal(at_once, chains)


def test_each_phase_is_averaged_over_its_own_rows(centred, oracle):
    rows = centred.prepare(oracle.visible[[3, 6]])
    chains = np.repeat(oracle.visible[[1, 4]].astype(bool), 50, axis=0)
    gradients = [
        centred.contrast(
            np.repeat(rows, repeats, axis=0),
            chains,
            noise_from(np.random.default_rng(0)),
        )[0]
        for repeats in (1, 7)
    ]
    np.testing.assert_allclose(*gradients, atol=1e-13)


def test_the_rate_multiplies_the_gradient(centred, oracle):
    directions = [
        centred.contrast(
            centred.prepare(oracle.visible[:3]),
            oracle.visible[3:9].astype(bool),
            noise_from(np.random.default_rng(0)),
            rate=rate,
        )[0]
        for rate in (1.0, 0.25)
    ]
    np.testing.assert_allclose(directions[0] / 4, directions[1], atol=1e-15)


def test_chains_start_from_rows(centred, oracle):
    rows = oracle.visible.astype(bool)
    for dtype in (np.float32, np.float64):
        narrow = centred.astype(dtype)
        noise = noise_from(np.random.default_rng(0), dtype)
        chains = narrow.start_chains(narrow.prepare(rows), noise)
        assert chains.dtype == bool
        np.testing.assert_array_equal(chains, rows)


def test_chains_that_start_from_probabilities_are_drawn(centred, oracle):
    mean = np.linspace(0.1, 0.9, len(oracle.bias))
    prepared = centred.prepare(np.tile(mean, (100_000, 1)))
    chains = centred.start_chains(prepared, noise_from(np.random.default_rng(0)))
    law = np.prod(np.where(oracle.visible == 1, mean, 1 - mean), axis=1)
    assert_draws_from(law, oracle.index(chains))


def test_step_is_taken_in_centred_coordinates(energy, centred):
    gradient = np.random.default_rng(0).normal(size=centred.matrix.shape)
    gradient = gradient + gradient.T
    np.fill_diagonal(gradient, 0)
    weights, bias = gradient[:-1, :-1], gradient[:-1, -1]
    couplings, plain_bias = centred.step(0.1 * gradient).plain_parameters()
    np.testing.assert_allclose(couplings, energy.couplings + 0.1 * weights, atol=1e-13)
    offset = OFFSET[: energy.n_visible]
    expected = energy.bias + 0.1 * (bias - weights @ offset)
    np.testing.assert_allclose(plain_bias, expected, atol=1e-13)


def test_step_shrinks_the_couplings_alone(centred):
    def shrink(weights):
        weights *= 0.5

    moved = centred.step(np.zeros_like(centred.matrix), shrink)
    expected = centred.matrix.copy()
    expected[:-1, :-1] /= 2
    np.testing.assert_array_equal(moved.matrix, expected)


def test_there_are_no_hidden_units(centred, oracle):
    batch = centred.prepare(oracle.visible)
    assert centred.with_drifted_offset(batch, 0.5) is centred
    np.testing.assert_array_equal(
        centred.hidden_rows(batch), np.ones((len(oracle.visible), 1))
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 101.0, -101.0])
def test_couplings_beyond_reason_have_diverged(centred, bad):
    assert not centred.has_diverged()
    centred.matrix[1, 2] = bad
    assert centred.has_diverged()


def test_biases_may_be_large_but_finite(centred):
    centred.matrix[1, -1] = centred.matrix[-1, 1] = -1e4
    assert not centred.has_diverged()
    centred.matrix[1, -1] = centred.matrix[-1, 1] = np.nan
    assert centred.has_diverged()


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_towards_goes_straight_in_the_coordinates_of_the_other(make, fraction):
    """Whatever coordinates the first machine is given in."""
    offset = OFFSET[: make().n_visible]
    centred, other = make().centred(offset), make(seed=1).centred(offset)
    expected = (1 - fraction) * centred.matrix + fraction * other.matrix
    for start in (
        centred,
        centred.recentred(offset**2),
        CentredBoltzmann(make(), centred.matrix, other.offsets),
    ):
        between = start.towards(other, fraction)
        assert between.offsets is other.offsets
        np.testing.assert_allclose(between.matrix, expected, atol=1e-13)


def test_without_weights_that_are_zero_elsewhere(centred):
    other = centred.step(np.zeros_like(centred.matrix))
    other.matrix[[0, 1, 0, -1], [1, 0, -1, 0]] = 0
    pruned = centred.without_weights(other)
    expected = centred.matrix.copy()
    expected[[0, 1], [1, 0]] = 0  # the last row and column hold biases
    np.testing.assert_array_equal(pruned.matrix, expected)
    assert pruned.offsets is centred.offsets
    assert centred.matrix[0, 1] != 0


def test_tempered_machines_end_at_this_one(centred, oracle):
    model = centred.tempered(OFFSET[: len(oracle.bias)])
    rng = np.random.default_rng(0)
    rows = oracle.draw(100_000, rng).astype(bool)
    moved = model.sweep(model.context(rows), np.ones(len(rows)), noise_from(rng))
    assert_draws_from(oracle.law, oracle.index(moved))


def test_dtype_reaches_every_array(energy, centred):
    narrow = centred.astype(np.float32)
    for array in (
        narrow.matrix,
        narrow.offsets.visible,
        narrow.offsets.hidden,
        narrow.prepare(np.eye(energy.n_visible)),
        narrow.uncentred().matrix,
    ):
        assert array.dtype == np.float32
    # Rounded to float32, a few sums of order one.
    assert_same(narrow, energy, 1e-6)
    assert centred.matrix.dtype == np.float64
