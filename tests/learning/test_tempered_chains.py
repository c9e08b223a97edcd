import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning.tempered_chains import advance_replicas
from skebm.sampling.random import UniformNoise

MEAN = np.array([0.3, 0.6, 0.5])
PARAMETERS = random_rbm(2, 3, scale=3.0)
OFFSETS = np.array([0.2, 0.7, 0.4]), np.array([0.3, 0.6])


def machine():
    return BinaryRBMEnergy.of(*PARAMETERS).shifted(*OFFSETS)


def noise_from(seed):
    return UniformNoise(np.random.default_rng(seed), np.float64)


def advance(replicas, *, seed=0, n_ladders=7, n_steps=1):
    return advance_replicas(
        replicas,
        machine(),
        noise_from(seed),
        mean=MEAN,
        n_ladders=n_ladders,
        n_steps=n_steps,
    )


def test_the_coldest_rows_follow_the_machine():
    # Offsets must not show: the ladders lead to the machine itself.
    replicas = advance(None, n_ladders=5000, n_steps=50)
    oracle = RBMOracle(*PARAMETERS)
    assert_draws_from(oracle.law, oracle.index(replicas.coldest))


def test_replicas_go_on():
    first = advance(None, n_steps=2)
    again = advance(first, seed=1, n_steps=3)
    assert again.n_steps == 5
    np.testing.assert_array_equal(again.betas, first.betas)


@pytest.mark.parametrize("kept", [None, np.ones((7, 3), dtype=bool)])
def test_anything_but_replicas_starts_anew(kept):
    replicas = advance(kept)
    assert replicas.n_steps == 1
    assert replicas.coldest.shape == (7, 3)
    np.testing.assert_allclose(replicas.betas, np.linspace(0, 1, 8))


def test_another_number_of_ladders_starts_anew():
    replicas = advance(advance(None, n_steps=5), n_ladders=8)
    assert replicas.n_steps == 1
    assert replicas.coldest.shape == (8, 3)


def test_the_rungs_are_set_anew_every_two_hundred_steps():
    replicas = advance(None, n_ladders=100, n_steps=199)
    last = advance(replicas, n_ladders=100)
    assert last.n_steps == 200
    after = advance(last, n_ladders=100)
    assert after.n_steps == 1
    # As many as the barrier asks for: one more than twice it, rounded up.
    assert len(after.betas) == 1 + np.ceil(2 * last.barrier)
    assert after.betas[0] == 0
    assert after.betas[-1] == 1
