import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.annealing import anneal_log_partition
from skebm.sampling.noise import UniformNoise

MEAN = np.array([0.2, 0.5, 0.7, 0.9, 0.5, 0.3])


def anneal(parameters, seed, *, dtype=np.float32, n_temperatures=300, n_chains=200):
    path = BinaryRBMEnergy(*parameters).astype(dtype).annealing_path(MEAN)
    return anneal_log_partition(
        path,
        n_temperatures=n_temperatures,
        n_chains=n_chains,
        noise=UniformNoise(np.random.default_rng(seed), dtype),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0.5, 2.0, 6.0])
def test_within_three_standard_errors_over_twenty_seeds(scale, dtype):
    parameters = random_rbm(5, 6, scale=scale)
    exact = np.log(RBMOracle(*parameters).partition)
    for seed in range(20):
        estimate = anneal(parameters, seed, dtype=dtype)
        assert abs(estimate.log_partition - exact) < 3 * estimate.std


def test_the_mean_weight_is_unbiased_even_where_annealing_is_hasty():
    """The identity behind the method: E[estimate of Z] = Z for any schedule."""
    parameters = random_rbm(5, 6, scale=1.0)
    exact = RBMOracle(*parameters).partition
    ratios = [
        np.exp(anneal(parameters, seed, n_temperatures=3).log_partition) / exact
        for seed in range(400)
    ]
    error = np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    assert error < 0.05
    assert abs(np.mean(ratios) - 1) < 4 * error


def test_the_standard_error_is_that_of_repeated_estimates():
    parameters = random_rbm(5, 6, scale=1.0)
    estimates = [anneal(parameters, seed, n_temperatures=20) for seed in range(200)]
    spread = np.std([estimate.log_partition for estimate in estimates], ddof=1)
    stated = np.mean([estimate.std for estimate in estimates])
    # The spread of 200 estimates is itself known to 1 / sqrt(400) = 5 %.
    assert stated == pytest.approx(spread, rel=4 * 0.05)


def test_the_effective_sample_size_falls_with_haste():
    parameters = random_rbm(5, 6, scale=6.0)
    slow = anneal(parameters, 0, n_temperatures=1000).effective_sample_size
    hasty = anneal(parameters, 0, n_temperatures=1).effective_sample_size
    assert 1 <= hasty < 20
    assert 150 < slow <= 200


def test_independent_units_need_no_annealing():
    bias = np.log(MEAN / (1 - MEAN))
    estimate = anneal((np.zeros((3, 6)), bias, np.zeros(3)), 0, n_temperatures=1)
    exact = np.logaddexp(0, bias).sum() + 3 * np.log(2)
    assert estimate.log_partition == pytest.approx(exact, abs=1e-5)
    assert estimate.std == pytest.approx(0, abs=1e-6)
    assert estimate.effective_sample_size == pytest.approx(200, rel=1e-6)
