import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.binary_rbm_centred import CentredBinaryRBM
from skebm.sampling.noise import UniformNoise

VISIBLE_OFFSET = np.array([0.1, 0.4, 0.8, 0.5])
HIDDEN_OFFSET = np.array([0.3, 0.6, 0.9])


@pytest.fixture
def parameters():
    return random_rbm(3, 4)


@pytest.fixture
def centred(parameters):
    return BinaryRBMEnergy(*parameters).centred(VISIBLE_OFFSET, HIDDEN_OFFSET)


def exact_gradient(oracle, rows, visible_offset, hidden_offset):
    """Gradient in centred coordinates, from the plain one by the chain rule."""
    weights, visible, hidden = oracle.gradient(rows)
    centred = (
        weights - np.outer(hidden, visible_offset) - np.outer(hidden_offset, visible)
    )
    return np.block([[centred, hidden[:, np.newaxis]], [visible, np.zeros(1)]])


def assert_same_parameters(parameters, expected, precision=1e-12):
    for array, other in zip(parameters, expected, strict=True):
        np.testing.assert_allclose(array, other, atol=precision)


def test_coordinates_do_not_change_the_distribution(centred, parameters):
    assert_same_parameters(centred.plain_parameters(), parameters)
    elsewhere = centred.recentred(VISIBLE_OFFSET / 2, HIDDEN_OFFSET**2)
    assert_same_parameters(elsewhere.plain_parameters(), parameters)
    uncentred = elsewhere.uncentred()
    assert not uncentred.offsets.visible.any()
    assert not uncentred.offsets.hidden.any()
    assert_same_parameters(uncentred.plain_parameters(), parameters)
    partly = centred.recentred(hidden_offset=HIDDEN_OFFSET**2)
    np.testing.assert_array_equal(partly.offsets.visible, centred.offsets.visible)
    assert_same_parameters(partly.plain_parameters(), parameters)


def test_without_offsets_coordinates_are_plain(parameters):
    matrix = BinaryRBMEnergy(*parameters).centred().matrix
    np.testing.assert_array_equal(matrix[:-1, :-1], parameters[0])
    np.testing.assert_array_equal(matrix[-1, :-1], parameters[1])
    np.testing.assert_array_equal(matrix[:-1, -1], parameters[2])


@pytest.mark.parametrize("n_sweeps", [1, 3])
@pytest.mark.parametrize("with_offsets", [True, False])
def test_contrast_is_the_gradient_of_the_likelihood(parameters, n_sweeps, with_offsets):
    oracle = RBMOracle(*parameters)
    offsets = (
        (VISIBLE_OFFSET, HIDDEN_OFFSET)
        if with_offsets
        else (0 * VISIBLE_OFFSET, 0 * HIDDEN_OFFSET)
    )
    centred = BinaryRBMEnergy(*parameters).centred(*offsets)
    rng = np.random.default_rng(0)
    noise = UniformNoise(rng, np.float64)
    rows = oracle.visible[[1, 2, 2, 7, 12]]
    batch = centred.prepare(rows)
    gradients = []
    for _ in range(2000):
        visible, _ = oracle.draw(50, rng)
        chains = centred.start_chains(centred.prepare(visible), noise)
        gradient, _ = centred.contrast(batch, chains, noise, n_sweeps)
        assert gradient[-1, -1] == pytest.approx(0, abs=1e-14)
        gradients.append(gradient)
    exact = exact_gradient(oracle, rows, *offsets)
    corner = np.zeros_like(exact, dtype=bool)
    corner[-1, -1] = True
    assert_mean_is(exact[~corner], np.array(gradients)[:, ~corner])


@pytest.mark.parametrize("n_sweeps", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contrast_leaves_the_law_of_the_chains_invariant(
    parameters, centred, n_sweeps, dtype
):
    oracle = RBMOracle(*parameters)
    rng = np.random.default_rng(0)
    noise = UniformNoise(rng, dtype)
    centred = centred.astype(dtype)
    visible, _ = oracle.draw(200_000, rng)
    chains = centred.start_chains(centred.prepare(visible), noise)
    hidden_law = oracle.joint.sum(axis=0)
    assert_draws_from(hidden_law, oracle.index(chains[:, :-1]))
    _, moved = centred.contrast(centred.prepare(visible[:1]), chains, noise, n_sweeps)
    assert (moved != chains).any()
    assert_draws_from(hidden_law, oracle.index(moved[:, :-1]))


def test_a_chain_outlives_a_change_of_offsets(parameters, centred):
    """Chains are kept as units, so that moved offsets do not bend their law."""
    oracle = RBMOracle(*parameters)
    rng = np.random.default_rng(0)
    noise = UniformNoise(rng, np.float64)
    visible, _ = oracle.draw(200_000, rng)
    chains = centred.start_chains(centred.prepare(visible), noise)
    moved = centred.recentred(1 - VISIBLE_OFFSET, 1 - HIDDEN_OFFSET)
    _, chains = moved.contrast(moved.prepare(visible[:1]), chains, noise)
    assert_draws_from(oracle.joint.sum(axis=0), oracle.index(chains[:, :-1]))


def test_each_phase_is_averaged_over_its_own_rows(centred):
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    rows = centred.prepare(np.array([[1.0, 0, 1, 1], [0, 0, 1, 0]]))
    chains = centred.start_chains(np.repeat(rows, 500, axis=0), noise)
    state = [
        centred.contrast(
            np.repeat(rows, repeats, axis=0),
            chains,
            UniformNoise(np.random.default_rng(1), np.float64),
        )[0]
        for repeats in (1, 7)
    ]
    np.testing.assert_allclose(*state, atol=1e-13)


def test_the_rate_multiplies_the_gradient(centred):
    directions = []
    for rate in (1.0, 0.25):
        noise = UniformNoise(np.random.default_rng(0), np.float64)
        rows = centred.prepare(np.eye(4))
        chains = centred.start_chains(rows[:3], noise)
        directions.append(centred.contrast(rows, chains, noise, rate=rate)[0])
    np.testing.assert_allclose(directions[0] / 4, directions[1], atol=1e-15)


def test_step_is_taken_in_centred_coordinates(parameters, centred):
    """In plain coordinates it is the enhanced gradient of Cho et al. (2013)."""
    rng = np.random.default_rng(0)
    gradient = np.zeros((4, 5))
    gradient[:-1, :-1] = weights = rng.normal(size=(3, 4))
    gradient[-1, :-1] = visible = rng.normal(size=4)
    gradient[:-1, -1] = hidden = rng.normal(size=3)
    moved = centred.step(0.1 * gradient).plain_parameters()
    expected = (
        parameters[0] + 0.1 * weights,
        parameters[1] + 0.1 * (visible - HIDDEN_OFFSET @ weights),
        parameters[2] + 0.1 * (hidden - weights @ VISIBLE_OFFSET),
    )
    assert_same_parameters(moved, expected)


def test_step_shrinks_the_weights_alone(centred):
    def shrink(weights):
        weights *= 0.5

    moved = centred.step(np.zeros_like(centred.matrix), shrink)
    np.testing.assert_allclose(
        moved.matrix[:-1, :-1], centred.matrix[:-1, :-1] / 2, atol=1e-15
    )
    np.testing.assert_array_equal(moved.matrix[-1], centred.matrix[-1])
    np.testing.assert_array_equal(moved.matrix[:, -1], centred.matrix[:, -1])


def test_drift_of_the_offset(parameters, centred):
    rows = RBMOracle(*parameters).visible[[0, 3, 9]]
    mean = BinaryRBMEnergy(*parameters).hidden_mean(rows).mean(axis=0)
    drifted = centred.with_drifted_offset(centred.prepare(rows), 0.25)
    np.testing.assert_allclose(
        drifted.offsets.hidden[:-1], 0.75 * HIDDEN_OFFSET + 0.25 * mean, atol=1e-13
    )
    assert drifted.offsets.hidden[-1] == 0
    assert_same_parameters(drifted.plain_parameters(), parameters)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 101.0, -101.0])
def test_weights_beyond_reason_have_diverged(centred, bad):
    assert not centred.has_diverged()
    centred.matrix[1, 2] = bad
    assert centred.has_diverged()


@pytest.mark.parametrize("index", [(1, -1), (-1, 1)])
def test_biases_may_be_large_but_finite(centred, index):
    centred.matrix[index] = -1e4
    assert not centred.has_diverged()
    centred.matrix[index] = np.nan
    assert centred.has_diverged()


@pytest.mark.parametrize("n_sweeps", [1, 2, 4])
def test_chains_make_as_many_sweeps_as_asked(parameters, centred, n_sweeps):
    """From a corner of the space, the law after each sweep is known exactly."""
    oracle = RBMOracle(*parameters)
    visible_given_hidden = (oracle.joint / oracle.joint.sum(axis=0)).T
    hidden_given_visible = oracle.joint / oracle.joint.sum(axis=1, keepdims=True)
    sweep = visible_given_hidden @ hidden_given_visible
    exact = np.linalg.matrix_power(sweep, n_sweeps)[-1]
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    chains = np.ones((400_000, 4), dtype=bool)
    batch = centred.prepare(oracle.visible[:1])
    _, moved = centred.contrast(batch, chains, noise, n_sweeps)
    assert_draws_from(exact, oracle.index(moved[:, :-1]))


class Replay:
    """Noise given in advance."""

    def __init__(self, blocks):
        self.blocks = iter(blocks)

    def draw(self, shape):
        block = next(self.blocks)
        assert block.shape == shape
        return block


def test_learning_is_the_same_whichever_value_is_called_one(parameters):
    """Flipping every visible unit mirrors parameters, draws and the gradient."""
    weights, visible_bias, hidden_bias = parameters
    rng = np.random.default_rng(0)
    visible_noise = rng.uniform(-1, 1, (50, 5))
    hidden_noise = rng.uniform(-1, 1, (50, 4))
    rows = (rng.random((20, 4)) < 0.3).astype(float)
    chains = rng.random((50, 4)) < 0.5

    own = BinaryRBMEnergy(*parameters).centred(VISIBLE_OFFSET, HIDDEN_OFFSET)
    mirror = BinaryRBMEnergy(
        -weights, -visible_bias, hidden_bias + weights.sum(axis=1)
    ).centred(1 - VISIBLE_OFFSET, HIDDEN_OFFSET)
    gradient, moved = own.contrast(
        own.prepare(rows), chains, Replay([visible_noise, hidden_noise])
    )
    mirrored, mirrored_moved = mirror.contrast(
        mirror.prepare(1 - rows), chains, Replay([-visible_noise, hidden_noise])
    )
    np.testing.assert_array_equal(moved[:, :-1], mirrored_moved[:, :-1])
    sign = np.array([-1, -1, -1, -1, 1])
    np.testing.assert_allclose(mirrored, gradient * sign, atol=1e-14)


def test_hidden_rows_are_centred_means_and_the_constant(parameters, centred):
    visible = RBMOracle(*parameters).visible[[0, 3, 9]]
    rows = centred.hidden_rows(centred.prepare(visible))
    mean = BinaryRBMEnergy(*parameters).hidden_mean(visible)
    np.testing.assert_allclose(rows[:, :-1], mean - HIDDEN_OFFSET, atol=1e-13)
    np.testing.assert_array_equal(rows[:, -1], 1)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_towards_goes_straight_in_the_coordinates_of_the_other(centred, fraction):
    """Whatever coordinates the first machine is given in."""
    other = BinaryRBMEnergy(*random_rbm(3, 4, seed=1)).centred(
        VISIBLE_OFFSET, HIDDEN_OFFSET
    )
    expected = (1 - fraction) * centred.matrix + fraction * other.matrix
    before = centred.matrix.copy()
    for start in (centred, centred.recentred(1 - VISIBLE_OFFSET, HIDDEN_OFFSET**2)):
        between = start.towards(other, fraction)
        assert between.offsets is other.offsets
        np.testing.assert_allclose(
            between.matrix.ravel()[:-1], expected.ravel()[:-1], atol=1e-13
        )
    same = CentredBinaryRBM(other.matrix, centred.offsets)
    between = centred.towards(same, fraction)
    np.testing.assert_allclose(between.matrix, expected, atol=1e-15)
    np.testing.assert_array_equal(centred.matrix, before)


def test_without_weights_that_are_zero_elsewhere(centred):
    other = centred.step(np.zeros_like(centred.matrix))
    other.matrix[[0, 2, -1], [1, 3, 0]] = 0
    pruned = centred.without_weights(other)
    expected = centred.matrix.copy()
    expected[[0, 2], [1, 3]] = 0  # the last row holds biases
    np.testing.assert_array_equal(pruned.matrix, expected)
    assert pruned.offsets is centred.offsets
    assert centred.matrix[0, 1] != 0


def test_dtype_reaches_every_array(parameters, centred):
    narrow = centred.astype(np.float32)
    for array in (
        narrow.matrix,
        narrow.offsets.visible,
        narrow.offsets.hidden,
        narrow.prepare(np.eye(4)),
    ):
        assert array.dtype == np.float32
    # Rounded to float32, a few sums of order one.
    assert_same_parameters(narrow.plain_parameters(), parameters, 1e-6)
    assert centred.matrix.dtype == np.float64
