import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from

from skebm.energy.binary_rbm import BinaryRBMEnergy, BinaryRBMState
from skebm.sampling.noise import UniformNoise


@pytest.fixture
def parameters():
    return random_rbm(3, 4)


@pytest.fixture
def oracle(parameters):
    return RBMOracle(*parameters)


@pytest.fixture
def energy(parameters):
    return BinaryRBMEnergy(*parameters)


def test_energy(energy, oracle):
    visible = np.repeat(oracle.visible, len(oracle.hidden), axis=0)
    hidden = np.tile(oracle.hidden, (len(oracle.visible), 1))
    np.testing.assert_allclose(
        energy.energy(visible, hidden), oracle.energies.ravel(), atol=1e-13
    )


def test_free_energy(energy, oracle):
    exact = -np.log(np.exp(-oracle.energies).sum(axis=1))
    np.testing.assert_allclose(energy.free_energy(oracle.visible), exact, atol=1e-13)


def test_free_energy_of_large_fields_is_finite():
    energy = BinaryRBMEnergy(np.full((2, 3), 900.0), np.zeros(3), np.zeros(2))
    np.testing.assert_allclose(
        energy.free_energy(np.array([[1.0, 1, 1], [0, 0, 0]])),
        [-5400, -2 * np.log(2)],
    )


def test_each_layer_can_be_enumerated(energy, oracle):
    exact = np.log(oracle.partition)
    for n_units, free_energy in energy.enumerable_layers():
        states = {3: oracle.hidden, 4: oracle.visible}[n_units]
        assert np.log(np.exp(-free_energy(states)).sum()) == pytest.approx(exact)


def test_conditional_means(energy, oracle):
    given_visible = oracle.joint / oracle.joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        energy.hidden_mean(oracle.visible), given_visible @ oracle.hidden, atol=1e-13
    )
    given_hidden = oracle.joint / oracle.joint.sum(axis=0)
    np.testing.assert_allclose(
        energy.visible_mean(oracle.hidden), given_hidden.T @ oracle.visible, atol=1e-13
    )


def test_conditional_log_likelihood(energy, oracle):
    result = energy.conditional_log_likelihood(oracle.visible)
    for number, row in enumerate(oracle.visible):
        for unit in range(4):
            flipped = row.copy()
            flipped[unit] = 1 - flipped[unit]
            own, other = oracle.law[oracle.index(np.array([row, flipped]))]
            exact = np.log(own / (own + other))
            assert result[number, unit] == pytest.approx(exact, abs=1e-12)


def test_conditional_log_likelihood_of_a_probability_is_a_mean(energy):
    rows = np.array([[0.0, 1, 1, 0], [1, 1, 1, 0], [0.3, 1, 1, 0]])
    off, on, between = energy.conditional_log_likelihood(rows)[:, 0]
    assert between == pytest.approx(0.3 * on + 0.7 * off, abs=1e-12)


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gibbs_leaves_the_joint_law_invariant(parameters, beta, dtype):
    oracle = RBMOracle(*parameters, beta=beta)
    rng = np.random.default_rng(1)
    visible, hidden = oracle.draw(200_000, rng)
    energy = BinaryRBMEnergy(*parameters).astype(dtype)
    state = energy.gibbs(
        BinaryRBMState(visible.astype(bool), hidden.astype(bool)),
        UniformNoise(rng, dtype),
        beta,
    )
    assert (state.visible != visible).any()
    both = np.hstack([state.visible, state.hidden])
    assert_draws_from(oracle.joint.ravel(), oracle.index(both))


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_hidden_units_follow_their_posterior_and_visible_ones_theirs(parameters, beta):
    oracle = RBMOracle(*parameters, beta=beta)
    number = 5
    rows = np.tile(oracle.visible[number], (100_000, 1))
    noise = UniformNoise(np.random.default_rng(2), np.float64)
    energy = BinaryRBMEnergy(*parameters)
    start = energy.clamp(rows, noise, beta)
    assert start.visible is rows
    state = energy.gibbs(start, noise, beta)
    posterior = oracle.joint[number] / oracle.joint[number].sum()
    both = np.hstack([state.visible, state.hidden])
    law = oracle.joint / oracle.joint.sum(axis=0) * posterior
    assert_draws_from(law.ravel(), oracle.index(both))


def test_the_last_sweep_draws_no_more_than_the_visible_units(energy):
    """Each sweep takes a variate for each unit, and the start takes none."""
    rows = np.zeros((10, 4), dtype=bool)
    drawn = []

    class CountedNoise(UniformNoise):
        def draw(self, shape):
            drawn.append(shape)
            return super().draw(shape)

    noise = CountedNoise(np.random.default_rng(0), np.float64)
    state = energy.gibbs(energy.clamp(rows, noise), noise, n_sweeps=2)
    assert drawn == [(10, 3), (10, 4)] * 2
    assert state.hidden.shape == (10, 3)


def test_independent_units_have_the_means_and_the_log_partition_asked_for(energy):
    mean = np.array([0.1, 0.4, 0.8, 0.5])
    independent, log_partition = energy.independent(mean)
    oracle = RBMOracle(*vars(independent).values())
    np.testing.assert_allclose(oracle.mean(), mean, atol=1e-14)
    np.testing.assert_allclose(oracle.joint.sum(axis=0), 1 / 8, atol=1e-14)
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)
    narrow, log_partition = energy.astype(np.float32).independent(mean)
    assert narrow.dtype == np.float32
    # Of the machine as it is, its biases rounded.
    oracle = RBMOracle(*vars(narrow).values())
    assert log_partition == pytest.approx(np.log(oracle.partition), abs=1e-13)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_towards_goes_straight(parameters, energy, fraction):
    others = random_rbm(3, 4, seed=1)
    between = energy.towards(BinaryRBMEnergy(*others), fraction)
    for array, start, end in zip(
        vars(between).values(), parameters, others, strict=True
    ):
        np.testing.assert_allclose(
            array, (1 - fraction) * start + fraction * end, atol=1e-15
        )
