import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.annealing import anneal
from skebm.sampling.path import IndependentStart, Path
from skebm.sampling.random import UniformNoise

MEAN = np.array([0.2, 0.5, 0.7, 0.9, 0.5, 0.3])
HASTY = np.array([0.0, 0.1, 0.4, 1.0])


def weigh(parameters, betas, *, backwards, dtype=np.float32, n_chains=40_000):
    """Anneal from exact draws; give the weights relative to their exact mean."""
    oracle = RBMOracle(*parameters)
    energy = BinaryRBMEnergy.of(*parameters).astype(dtype)
    path = Path(IndependentStart(energy.units, MEAN, dtype), energy)
    rng = np.random.default_rng(0)
    noise = UniformNoise(rng, dtype)
    visible = path.draw(n_chains, noise)
    log_ratio = np.log(oracle.partition) - path.log_partition
    if backwards:
        visible, _ = oracle.draw(n_chains, rng)
        visible, betas, log_ratio = visible.astype(bool), betas[::-1], -log_ratio
    return np.exp(anneal(path, visible, betas, noise) - log_ratio)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("betas", [[0, 1], HASTY, np.linspace(0, 1, 31)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mean_weight_is_unbiased_however_hasty(betas, backwards, dtype):
    """The identity behind the method, for any temperatures, in both directions."""
    weights = weigh(random_rbm(5, 6), betas, backwards=backwards, dtype=dtype)
    assert weights.std() > 0.1
    assert_mean_is(1.0, weights)


def test_the_way_back_has_the_same_chains_as_the_way_there():
    """The second moment of the weights there is their mean back (Crooks)."""
    parameters = random_rbm(5, 6, scale=0.7)
    forward = weigh(parameters, HASTY, backwards=False)
    backward = weigh(parameters, HASTY, backwards=True)
    assert_mean_is(np.mean(1 / backward), forward**2)


def test_more_steps_make_more_equal_weights():
    parameters = random_rbm(5, 6, scale=2.0)
    spreads = [
        weigh(
            parameters, np.linspace(0, 1, n + 1), backwards=False, n_chains=1000
        ).std()
        for n in (3, 30, 300)
    ]
    assert spreads[0] > 2 * spreads[1] > 4 * spreads[2]


@pytest.mark.parametrize("backwards", [False, True])
def test_independent_units_need_no_annealing(backwards):
    bias = np.log(MEAN / (1 - MEAN))
    parameters = np.zeros((3, 6)), bias, np.zeros(3)
    weights = weigh(parameters, [0, 1], backwards=backwards, n_chains=10)
    np.testing.assert_allclose(weights, 1, rtol=1e-5)
