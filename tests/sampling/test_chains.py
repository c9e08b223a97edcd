import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.sampling.chains import run_chains, start_visible
from skebm.sampling.noise import UniformNoise


def test_start_has_the_given_means():
    mean = np.array([0.1, 0.5, 0.99])
    rows = start_visible(mean, 100_000, np.random.default_rng(0))
    assert_mean_is(mean, rows)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5])
def test_chains_reach_the_exact_law(beta):
    parameters = random_rbm(3, 4)
    oracle = RBMOracle(*parameters, beta=beta)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    start = np.zeros((100_000, 4), dtype=bool)
    state = run_chains(
        BinaryRBMEnergy(*parameters), start, noise, n_sweeps=100, beta=beta
    )
    assert_draws_from(oracle.law, oracle.index(state.visible))


def test_no_sweeps_leave_the_rows_alone():
    start = np.eye(4, dtype=bool)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    state = run_chains(BinaryRBMEnergy(*random_rbm(3, 4)), start, noise, n_sweeps=0)
    np.testing.assert_array_equal(state.visible, start)
