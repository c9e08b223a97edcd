from itertools import combinations

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from product_mixtures import two_blocks
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from statistical import assert_draws_from, assert_mean_is

from skebm import BinaryRBM, BoltzmannMachine
from skebm.sampling.mixture import Mixture
from skebm.sampling.tempering import temper

PARAMETERS = random_rbm(3, 4, scale=3.0)

# One bit copied to twenty columns, but that all on is e times likelier.
COPIES = np.full((1, 20), 10.0), np.full(20, -5.0), np.array([-99.0])
SHARE_ON = 1 / (1 + np.exp(-1))


@pytest.fixture(scope="module")
def rbm():
    return BinaryRBM.from_parameters(*PARAMETERS)


def test_sample_starts_from_independent_units_with_the_means_of_the_data():
    X = (np.random.default_rng(0).random((300, 3)) < [0.1, 0.5, 0.8]).astype(float)
    rbm = BinaryRBM(1, max_iter=1, random_state=0).fit(X)
    rows = rbm.sample(100_000, n_steps=0, random_state=0)
    mean = (X.sum(axis=0) + 0.5) / 301
    error = np.sqrt(mean * (1 - mean) / len(rows))
    np.testing.assert_array_less(np.abs(rows.mean(axis=0) - mean) / error, 5)


# ---- chains that jump ----


def around(n_columns, n_most):
    """All rows of which at most so many bits are on."""
    rows = [np.zeros(n_columns)]
    for n_on in range(1, n_most + 1):
        for places in combinations(range(n_columns), n_on):
            rows.append(np.zeros(n_columns))
            rows[-1][list(places)] = 1
    return np.array(rows)


def test_rare_groups_are_drawn_in_their_share():
    """Data of two rows, the rarer one in 50 of 1000, as learning has left them."""
    X = np.repeat([[0] * 25, [1] * 25], [950, 50], axis=0)
    machine = BoltzmannMachine(early_stopping=False, random_state=0).fit(X)
    # Rows that differ in more than four of 25 units hardly count.
    off = around(25, 4)
    log_weights = [logsumexp(-machine.free_energy(rows)) for rows in (off, 1 - off)]
    log_all, log_on = logsumexp(log_weights), log_weights[1]
    assert machine.log_partition() == pytest.approx(log_all, abs=0.1)
    share = np.exp(log_on - log_all)
    assert 0.02 < share < 0.2
    rows = machine.sample(1000, random_state=0)
    error = np.sqrt(share * (1 - share) / len(rows))
    assert abs((rows.mean(axis=1) > 0.5).mean() - share) < 3 * error


@pytest.fixture
def split():
    """A machine of two modes, all on and all off, the first 20 times as likely."""
    machine = two_blocks(24, log_odds=3.0)
    known = np.repeat([[0], [1]], 24, axis=1)
    settings = {"X": known, "random_state": 0}
    return BoltzmannMachine.from_parameters(machine.couplings, machine.bias, **settings)


def test_modes_are_drawn_in_their_shares_by_default(split):
    for seed in range(3):
        rows = split.sample(400, n_steps=400, random_state=seed)
        share = 1 / (1 + np.exp(-3))
        error = np.sqrt(share * (1 - share) / 400)
        assert abs((rows.mean(axis=1) > 0.5).mean() - share) < 4 * error


def test_chains_that_do_not_agree_are_warned_of(monkeypatch, split):
    """With a mixture of which no draw is like a row of the machine."""

    def broad(machine, *_):
        means = np.repeat([[0.35], [0.65]], 24, axis=1)
        return Mixture.of_means(machine.units, np.ones(2), means)

    monkeypatch.setattr("skebm.estimator.sampling.adapt_start", broad)
    pattern = r"wrong shares .* n_steps=100 steps and 0\.0 jumps .* tempering=True"
    with pytest.warns(ConvergenceWarning, match=pattern):
        split.sample(400, n_steps=100, random_state=0)


def test_chains_that_jump_are_drawn_at_a_temperature():
    """Of units that are independent, where the means are known."""
    bias = np.linspace(-2, 2, 24)
    machine = BoltzmannMachine.from_parameters(np.zeros((24, 24)), bias)
    for temperature in (0.5, 2.0):
        rows = machine.sample(1000, n_steps=3, temperature=temperature, random_state=0)
        assert_mean_is(1 / (1 + np.exp(-bias / temperature)), rows)


def test_chains_that_jump_are_reproducible(split):
    def draw(seed):
        return split.sample(50, n_steps=40, random_state=seed)

    np.testing.assert_array_equal(draw(0), draw(0))
    assert (draw(0) != draw(1)).any()


# ---- tempering ----


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tempered_rows_follow_the_exact_law(rbm, temperature):
    oracle = RBMOracle(*PARAMETERS, beta=1 / temperature)
    X = rbm.sample(
        4000, n_steps=150, temperature=temperature, tempering=True, random_state=0
    )
    assert X.dtype == np.float64
    assert_draws_from(oracle.law, oracle.index(X))


@pytest.mark.parametrize("start", [0, 1])
def test_tempering_gets_the_shares_of_two_modes_from_either(start):
    rbm = BinaryRBM.from_parameters(*COPIES)
    init = np.full((1, 20), start)
    X = rbm.sample(400, n_steps=400, init=init, tempering=True, random_state=0)
    assert_mean_is(SHARE_ON, X.mean(axis=1) > 0.5)
    plain = rbm.sample(400, n_steps=400, init=init, random_state=0)
    np.testing.assert_array_equal(plain.mean(axis=1) > 0.5, start)


def test_tempered_rows_are_independent(rbm):
    X = rbm.sample(8000, n_steps=150, tempering=True, random_state=0)
    oracle = RBMOracle(*PARAMETERS)
    index = oracle.index(X)
    pairs = np.outer(oracle.law, oracle.law).ravel()
    # Rows of one block, neighbours; and of two blocks.
    assert_draws_from(pairs, index[::2] * 16 + index[1::2])
    assert_draws_from(pairs, index[:4000] * 16 + index[4000:])


@pytest.fixture
def small_blocks(monkeypatch):
    """Work in blocks of a few rows where there are a few hundred columns."""
    monkeypatch.setattr("skebm.units.data.BLOCK_ELEMENTS", 2**14)
    return 2**14


def test_tempering_in_several_blocks(small_blocks):
    # Two rungs of so many units leave room for ten ladders in a block.
    n_visible = small_blocks // 20 - 1
    arrays = np.zeros((1, n_visible)), np.full(n_visible, np.log(7)), np.zeros(1)
    rbm = BinaryRBM.from_parameters(*arrays, X=np.ones((3, n_visible)))
    X = rbm.sample(30, n_steps=50, tempering=True, random_state=0)
    assert_mean_is(7 / 8, X.mean(axis=1))
    assert len(np.unique(X[:, :64], axis=0)) > 20


def test_blocks_hold_whole_ladders_and_take_the_start_in_turn(
    small_blocks, monkeypatch
):
    # Eight rungs of so many units leave room for three ladders in a block.
    n_visible = small_blocks // 24 - 1
    arrays = np.zeros((1, n_visible)), np.zeros(n_visible), np.zeros(1)
    sizes = []

    def recording(path, replicas, noise, *, n_steps):
        sizes.append(replicas.states.size)
        return temper(path, replicas, noise, n_steps=n_steps)

    monkeypatch.setattr("skebm.estimator.sampling.temper", recording)
    init = np.outer([0, 1], np.ones(n_visible))
    with pytest.warns(ConvergenceWarning, match="Raise n_steps"):
        X = BinaryRBM.from_parameters(*arrays).sample(
            8, n_steps=0, init=init, tempering=True
        )
    np.testing.assert_array_equal(X, init[[0, 1] * 4])
    assert sizes == [24 * n_visible, 24 * n_visible, 16 * n_visible]


def test_tempering_is_reproducible(rbm):
    def draw(seed):
        return rbm.sample(100, n_steps=150, tempering=True, random_state=seed)

    np.testing.assert_array_equal(draw(0), draw(0))
    assert (draw(0) != draw(1)).any()


def test_too_few_steps_of_tempering():
    rbm = BinaryRBM.from_parameters(*COPIES)
    settings = {"init": np.zeros((1, 20)), "tempering": True, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match=r"n_steps=20 steps 7\.\d new draws"):
        rbm.sample(10, n_steps=20, **settings)


@pytest.mark.parametrize("tempering", [False, True])
def test_rows_that_can_be_enumerated_are_drawn_exactly(tempering):
    """No chain of so few steps gets from one mode to the other."""
    rbm = BinaryRBM.from_parameters(*COPIES)
    X = rbm.sample(4000, n_steps=1, tempering=tempering, random_state=0)
    assert_mean_is(SHARE_ON, X[:, 0])


def test_without_steps_tempered_rows_stay_where_they_start(rbm):
    init = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 0]])
    with pytest.warns(ConvergenceWarning, match="n_steps=0 steps 0.0 new draws"):
        X = rbm.sample(5, n_steps=0, init=init, tempering=True)
    np.testing.assert_array_equal(X, init[[0, 1, 2, 0, 1]])
