from itertools import pairwise

import numpy as np
import pytest
from oracle import RBMOracle, all_states, random_rbm
from product_mixtures import mixture, noise_from, two_blocks
from scipy.special import logsumexp, softmax
from statistical import assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition import annealing
from skebm.partition.annealing import anneal, steps
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


# ---- jumps on the way ----

N_UNITS = 10
GROUPS = np.repeat([[0.02], [0.98]], N_UNITS, axis=1)
TWO_MODES = two_blocks(N_UNITS, log_odds=2.0, coupling=1.0)


def weigh_groups(*, backwards, n_steps=30, n_chains=20_000, seed=0):
    """Anneal from even groups to uneven ones, or back; give weights over their mean."""
    start = mixture(np.array([0.5, 0.5]), GROUPS)
    path, noise = Path(start, TWO_MODES), noise_from(seed)
    states = all_states(N_UNITS)
    score = TWO_MODES.score(TWO_MODES.context(states))
    betas, log_ratio = np.linspace(0, 1, n_steps + 1), logsumexp(score)
    log_ratio = log_ratio - path.log_partition
    rows = path.draw(n_chains, noise)
    if backwards:
        drawn = noise.rng.choice(len(score), n_chains, p=softmax(score))
        rows, betas, log_ratio = states[drawn] > 0, betas[::-1], -log_ratio
    return np.exp(anneal(path, rows, betas, noise) - log_ratio)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("n_steps", [9, 10, 30, 95])
def test_weights_are_unbiased_with_jumps_between_groups(backwards, n_steps):
    weights = weigh_groups(backwards=backwards, n_steps=n_steps)
    # Draws of the start are spread evenly over groups, which lessens the error.
    assert_mean_is(1.0, weights)


@pytest.mark.parametrize("backwards", [False, True])
def test_jumps_make_weights_of_separate_groups_more_equal(monkeypatch, backwards):
    """Without them those of one group are all too low, and of the other too high."""
    jumping = weigh_groups(backwards=backwards, n_steps=100, n_chains=2000)
    monkeypatch.setattr(annealing, "_STEPS_A_JUMP", 10**9)
    staying = weigh_groups(backwards=backwards, n_steps=100, n_chains=2000)
    assert jumping.std() < 0.6 * staying.std()


def test_weights_with_jumps_back_are_those_of_the_same_chains():
    """The second moment of the weights there is their mean back (Crooks)."""
    forward = weigh_groups(backwards=False)
    backward = weigh_groups(backwards=True, seed=1)
    assert_mean_is(np.mean(1 / backward), forward**2)


@pytest.mark.parametrize("n_steps", [0, 1, 10, 25, 30])
def test_rows_jump_at_the_same_places_in_both_directions(n_steps):
    betas = np.linspace(0, 1, n_steps + 1)
    up, down = list(steps(betas)), list(steps(betas[::-1]))
    assert [step[:2] for step in up] == list(pairwise(betas))
    assert [step[:2] for step in down] == list(pairwise(betas[::-1]))
    # A step up ends where it jumps; and so does a step down.
    jumps_up = {after for _, after, jumps in up if jumps}
    jumps_down = {after for _, after, jumps in down if jumps}
    assert jumps_up == set(betas[10::10])
    # The last place up, and the first, come after all weights of one direction.
    assert jumps_up - {1.0} == jumps_down - {0.0}
