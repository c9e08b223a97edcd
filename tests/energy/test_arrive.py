"""Rows on their way from one machine to another."""

import numpy as np
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.sampling.noise import UniformNoise

BEFORE, AFTER = random_rbm(2, 3, seed=0), random_rbm(2, 3, seed=1)
N_ROWS = 50_000


def arrive(rows, seed=0):
    noise = UniformNoise(np.random.default_rng(seed), np.float64)
    before, after = BinaryRBMEnergy(*BEFORE), BinaryRBMEnergy(*AFTER)
    return after.arrive(rows.astype(bool), before, noise)


def test_the_weight_is_the_fall_in_free_energy():
    before, after = RBMOracle(*BEFORE), RBMOracle(*AFTER)
    _, log_weight = arrive(before.visible)
    exact = np.log(after.law * after.partition) - np.log(before.law * before.partition)
    np.testing.assert_allclose(log_weight, exact, rtol=1e-10)


def test_the_mean_weight_is_the_ratio_of_partition_functions():
    before, after = RBMOracle(*BEFORE), RBMOracle(*AFTER)
    rows, _ = before.draw(N_ROWS, np.random.default_rng(1))
    _, log_weight = arrive(rows)
    ratio = np.array([after.partition / before.partition])
    assert_mean_is(ratio, np.exp(log_weight)[:, np.newaxis])


def test_the_sweep_leaves_the_law_invariant():
    after = RBMOracle(*AFTER)
    rows, _ = after.draw(N_ROWS, np.random.default_rng(1))
    moved, _ = arrive(rows)
    assert moved.dtype == bool
    assert (moved != rows).any()
    assert_draws_from(after.law, after.index(moved))
