import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from sklearn.exceptions import ConvergenceWarning
from statistical import assert_draws_from, assert_mean_is

from skebm import BinaryRBM
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
    with pytest.warns(ConvergenceWarning, match=r"n_steps=20 steps 0\.\d new draws"):
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
