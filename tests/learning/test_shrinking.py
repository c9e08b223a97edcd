import copy

import numpy as np
import pytest
from oracle import RBMOracle, all_states, random_rbm

from skebm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning import shrinking
from skebm.learning.contrastive import LearningState
from skebm.learning.metric import KroneckerMetric
from skebm.learning.shrinking import Shrinking, shrunk, wanted_strength
from skebm.units.data import Rows


def machine():
    """Make a machine of which no weight is small."""
    weights, *biases = random_rbm(3, 5)
    return BinaryRBMEnergy.of(weights + 0.1 * np.sign(weights), *biases)


def bits(n_rows, n_columns=5, seed=0):
    return np.random.default_rng(seed).random((n_rows, n_columns)) < 0.4


def metric_of(kind, energy):
    if kind == "none":
        return None
    rows = bits(50, energy.n_visible)
    return KroneckerMetric.start(energy, rows, diagonal=kind == "diagonal")


KINDS = pytest.mark.parametrize("kind", ["none", "diagonal", "full"])


# ---- the strength ----


@KINDS
def test_what_the_model_expects_asks_for_the_strength_of_its_optimum(kind):
    """There rows held out that are as the model says gain by no move of the weights."""
    X = bits(60, 4)
    X[:, 1:] ^= X[:, :-1]
    rbm = BinaryRBM(2, algorithm="exact", alpha=0.01, l1_ratio=1.0, random_state=0)
    energy = rbm.set_params(tol=1e-7).fit(X)._energy()
    size = np.abs(energy.weights)
    assert ((size > 0.1) | (size == 0)).all()
    states = all_states(4)
    oracle = RBMOracle(energy.weights, energy.visible_bias, energy.hidden_bias)
    law = np.exp(oracle.log_likelihood(states))
    metric = metric_of(kind, energy)
    wanted, _ = wanted_strength(energy, metric, X.astype(float), states, law)
    assert wanted == pytest.approx(0.01, rel=1e-3)


@KINDS
def test_moves_along_the_pull_change_the_likelihood_of_rows_held_out_as_it_says(kind):
    """By finite differences of both parts, in which log Z cancels."""
    energy, learned, held_out = machine(), bits(40), bits(30, seed=1)
    metric, step = metric_of(kind, energy), 1e-4
    after = shrunk(energy, metric, step)

    def score(machine):
        scores = [-machine.free_energy(rows).mean() for rows in (learned, held_out)]
        return scores[1] - scores[0]

    signs = energy.with_arrays([np.sign(energy.matrix)])
    signs.matrix[-1], signs.matrix[:, -1] = 0, 0
    pull = signs if metric is None else energy.natural(signs, metric.turn)
    length = np.vdot(signs.matrix, pull.matrix)
    gain = (score(after) - score(energy)) / step
    wanted, _ = wanted_strength(energy, metric, learned, held_out)
    assert wanted == pytest.approx(gain / length, rel=1e-3)


def test_rows_count_as_they_weigh():
    energy, held_out = machine(), bits(30, seed=1)
    times = np.arange(30) % 3
    repeated = np.repeat(held_out, times, axis=0)
    expected, _ = wanted_strength(energy, None, bits(40), repeated)
    found, _ = wanted_strength(energy, None, bits(40), held_out, times)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_is_that_of_other_rows_held_out(weighted):
    energy, rng = machine(), np.random.default_rng(0)
    weights = rng.uniform(0.5, 2, 200) if weighted else None
    found = []
    for _ in range(300):
        held_out = rng.random((200, 5)) < 0.4
        found.append(wanted_strength(energy, None, bits(40), held_out, weights))
    wanted, errors = np.transpose(found)
    # Of 300 the standard deviation is known to 4 %.
    assert wanted.std() == pytest.approx(errors.mean(), rel=0.16)


def test_nothing_is_wanted_where_no_weight_counts():
    energy = machine()
    energy.matrix[:-1, :-1] = 0.05
    found = wanted_strength(energy, None, bits(40), bits(30, seed=1))
    assert found == (0, 0)


def following(monkeypatch, found, n_rows=100):
    """List the strengths that follow from what is found after each stage."""
    found = iter(found)
    monkeypatch.setattr(shrinking, "wanted_strength", lambda *given: next(found))
    parts = Rows(bits(n_rows), None), Rows(bits(30), None)
    follower, strengths = Shrinking(*parts, np.random.default_rng(0)), []
    state = LearningState(None, None, None, None, {})
    for _ in range(3):
        follower.follow(state)
        assert state.shrinkage == follower.strength
        strengths.append(state.shrinkage)
    return strengths


def test_the_strength_follows_what_is_wanted(monkeypatch):
    strengths = following(monkeypatch, [(0.01, 0.0)] * 3)
    assert strengths == pytest.approx([0.001, 0.0019, 0.00271], rel=1e-12)


def test_the_strength_is_never_negative(monkeypatch):
    strengths = following(monkeypatch, [(0.01, 0.0), (-0.1, 0.0), (0.01, 0.0)])
    assert strengths == pytest.approx([0.001, 0, 0.001], rel=1e-12)


@pytest.mark.parametrize(
    ("error", "expected"), [(1e9, 0.0), (0.03, 0.01), (0.06, 0.004)]
)
def test_what_rows_held_out_say_is_weighed_with_what_is_usual(
    monkeypatch, error, expected
):
    """Of 100 rows none is usual, with a deviation of 0.03; here 0.02 is wanted."""
    strengths = following(monkeypatch, [(0.02, error)] * 3)
    assert strengths[0] == pytest.approx(0.1 * expected, rel=1e-6, abs=1e-12)


# ---- the step ----


def test_without_a_metric_weights_shrink_by_the_same_and_biases_stay():
    energy = machine()
    before = energy.matrix.copy()
    after = shrunk(energy, None, 0.01)
    np.testing.assert_array_equal(energy.matrix, before)
    expected = energy.weights - np.float32(0.01) * np.sign(energy.weights)
    np.testing.assert_allclose(after.weights, expected, rtol=1e-12)
    np.testing.assert_array_equal(after.matrix[-1], before[-1])
    np.testing.assert_array_equal(after.matrix[:, -1], before[:, -1])


# ---- fits ----


def walks(n_rows, seed):
    """Make columns of which each is the one before, flipped in a fifth of the rows."""
    flips = np.full(60, 0.2)
    flips[0] = 0.5
    flipped = np.random.default_rng(seed).random((n_rows, 60)) < flips
    return np.logical_xor.accumulate(flipped, axis=1)


def fitted(X, **settings):
    rbm = BinaryRBM(
        14, early_stopping=True, max_iter=1000, validation_fraction=0.5, random_state=0
    )
    return rbm.set_params(**settings).fit(X)


def test_a_small_table_is_learned_better_than_without_a_penalty():
    X, others = walks(200, 0), walks(5000, 1)
    rbm, free = (fitted(X, alpha=alpha) for alpha in ("auto", 0))
    assert free.alpha_ == 0
    assert rbm.alpha_ > 0.001
    # Both scores are exact, and the gain is several times its standard error.
    gain = rbm.score_samples(others) - free.score_samples(others)
    assert gain.mean() > 0.05
    assert gain.mean() > 5 * gain.std() / np.sqrt(len(others))


def test_a_large_table_has_next_to_no_penalty():
    assert fitted(walks(20_000, 0)).alpha_ < 0.001


def test_learning_goes_on_with_the_strength_found():
    X = walks(200, 0)
    rbm = fitted(X)
    found = rbm.alpha_
    rbm.partial_fit(X)
    assert rbm.alpha_ == found > 0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"early_stopping": False}, 0),
        ({"algorithm": "exact", "early_stopping": False}, 0),
        ({"alpha": 0.25}, 0.25),
    ],
)
def test_strengths_that_are_not_found(settings, expected):
    settings = {"max_iter": 20, "tol": 1.0, **settings}
    assert fitted(walks(50, 0), **settings).alpha_ == expected


def test_gaps_leave_no_penalty():
    X = walks(100, 0).astype(float)
    X[0, 0] = np.nan
    assert fitted(X, max_iter=300).alpha_ == 0


def test_learning_goes_on_without_it_where_a_strength_is_given():
    X = walks(200, 0)
    found = fitted(X)
    assert found.alpha_ > 0
    plain = copy.deepcopy(found.set_params(alpha=0.0))
    plain._state.shrinkage = 0.0
    np.testing.assert_array_equal(
        found.partial_fit(X).components_, plain.partial_fit(X).components_
    )


def test_rows_held_out_that_are_equal_are_no_surer():
    energy, learned = machine(), bits(40)
    different = bits(30, seed=1)
    for held_out in different[:1], np.repeat(different[:1], 30, axis=0):
        _, error = wanted_strength(energy, None, learned, held_out)
        many = wanted_strength(energy, None, learned, bits(len(held_out), seed=2))[1]
        assert error > many / 3 > 0
