from itertools import pairwise

import numpy as np
import pytest
from oracle import RBMOracle, all_states, random_rbm
from statistical import assert_draws_from

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.binary_rbm_path import BinaryRBMPath
from skebm.sampling.noise import UniformNoise

MEAN = np.array([0.2, 0.5, 0.7, 0.9])


def between(parameters, beta):
    """The machine on the path, written out as parameters of its own."""
    weights, visible_bias, hidden_bias = parameters
    start = np.log(MEAN / (1 - MEAN))
    return (
        beta * weights,
        (1 - beta) * start + beta * visible_bias,
        beta * hidden_bias,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_start(dtype):
    parameters = random_rbm(3, 4)
    oracle = RBMOracle(*between(parameters, 0.0))
    path = BinaryRBMPath(BinaryRBMEnergy(*parameters).astype(dtype), MEAN)
    noise = UniformNoise(np.random.default_rng(0), dtype)
    visible, log_partition = path.start(100_000, noise)
    precision = 1e-12 if dtype == np.float64 else 1e-6
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=precision)
    assert_draws_from(oracle.law, oracle.index(visible))


@pytest.mark.parametrize(
    ("dtype", "precision"), [(np.float32, 2e-5), (np.float64, 1e-12)]
)
@pytest.mark.parametrize(
    ("beta", "next_beta"), [(0.0, 0.1), (0.4, 0.9), (0, 1), (0.9, 0.4), (1, 0)]
)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_move(dtype, precision, beta, next_beta, scale):
    parameters = random_rbm(3, 4, scale=scale)
    rng = np.random.default_rng(1)
    before = RBMOracle(*between(parameters, beta))
    after = RBMOracle(*between(parameters, next_beta))
    path = BinaryRBMPath(BinaryRBMEnergy(*parameters).astype(dtype), MEAN)
    noise = UniformNoise(rng, dtype)

    _, weight = path.move(before.visible.astype(bool), beta, next_beta, noise)
    exact = np.log(after.law * after.partition) - np.log(before.law * before.partition)
    assert weight.dtype == np.float64
    np.testing.assert_allclose(weight, exact, atol=precision * scale)

    visible, _ = after.draw(100_000, rng)
    moved, _ = path.move(visible.astype(bool), beta, next_beta, noise)
    assert_draws_from(after.law, after.index(moved))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_way_back_is_weighed_as_the_way_there_whatever_the_fields(dtype):
    """Fields of thousands are beyond what the exponential of float32 can hold."""
    target = BinaryRBMEnergy(*random_rbm(3, 4, scale=3000.0)).astype(dtype)
    path = BinaryRBMPath(target, MEAN)
    noise = UniformNoise(np.random.default_rng(0), dtype)
    visible = all_states(4).astype(bool)
    _, there = path.move(visible, 0.0, 1.0, noise)
    _, back = path.move(visible, 1.0, 0.0, noise)
    np.testing.assert_array_equal(back, -there)
    assert np.isfinite(there).all()
    assert np.abs(there).max() > 1000


@pytest.mark.parametrize("n_temperatures", [1000, 10_000])
def test_float32_loses_nothing_over_many_temperatures(n_temperatures):
    """With weights of the size that learning gives.

    Biases, weights and fields are off by some 1e-6, and so is what comes of them,
    over whatever steps. Sums of softplus, of some 100, would be off by 1e-5 at
    random at each step: a difference of two by 4e-4 after 1000 of them.
    """
    rng = np.random.default_rng(0)
    target = BinaryRBMEnergy(
        rng.normal(0, 1.5, (50, 40)), rng.normal(-1, 1, 40), rng.normal(-2, 2, 50)
    )
    target = target.astype(np.float32)
    mean = rng.uniform(0.1, 0.9, 40)
    path = BinaryRBMPath(target, mean)
    wide_path = BinaryRBMPath(target.astype(np.float64), mean)
    noise = UniformNoise(rng, np.float32)
    unused = UniformNoise(rng, np.float64)
    betas = np.linspace(0, 1, n_temperatures + 1)
    visible, _ = path.start(8, noise)
    log_weights, errors = np.zeros(8), np.zeros(8)
    for beta, next_beta in pairwise(betas):
        _, exact = wide_path.move(visible, beta, next_beta, unused)
        visible, log_weight = path.move(visible, beta, next_beta, noise)
        log_weights += log_weight
        errors += log_weight - exact
    assert log_weights.std() > 0.05
    assert np.abs(errors).max() < 5e-5
