"""Learning through the estimator: stopping, solvers, and data that are hard."""

import numpy as np
import pytest
from oracle import RBMOracle
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skebm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.estimator.fitting import FittingMixin
from skebm.learning import trainer
from skebm.learning.contrastive import ContrastiveLearning
from skebm.learning.measuring import Measuring

STOCHASTIC_HISTORY = {
    "n_iter",
    "learning_rate",
    "train_log_likelihood",
    "validation_log_likelihood",
    "log_partition",
}


def noisy_patterns(n_samples, n_features, *, flips=0.2, seed=0):
    """Draw rows near one of two opposite patterns."""
    rng = np.random.default_rng(seed)
    first = rng.integers(2, size=(n_samples, 1))
    pattern = np.arange(n_features) % 2
    return ((first == pattern) ^ (rng.random((n_samples, n_features)) < flips)) * 1


def oracle_of(rbm):
    return RBMOracle(rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_)


@pytest.fixture(name="X", scope="module")
def make_data():
    return noisy_patterns(100, 6)


# ---- what a fit tells of its way ----


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_history_of_a_fit(X, solver):
    rbm = BinaryRBM(3, solver=solver, max_iter=250, random_state=0).fit(X)
    history = rbm.history_
    assert history.keys() == STOCHASTIC_HISTORY
    assert list(history["n_iter"]) == [0, 100, 200, 250]
    assert all(values.shape == (4,) for values in history.values())
    assert np.isnan(history["validation_log_likelihood"]).all()
    assert (np.diff(history["train_log_likelihood"]) > 0).all()
    assert history["learning_rate"][0] == 0.1
    assert 0 < history["learning_rate"][-1] < 0.1 / 10
    # So small a log Z is exact; rows are scored in float32.
    exact = oracle_of(rbm)
    assert history["log_partition"][-1] == pytest.approx(np.log(exact.partition))
    assert history["train_log_likelihood"][-1] == pytest.approx(
        exact.log_likelihood(X).mean(), rel=1e-5
    )


def test_history_of_estimated_partition_functions(monkeypatch):
    """Weights of the way learned must still add up to the exact log Z."""
    monkeypatch.setattr(BinaryRBMEnergy, "sums_quickly", False)
    X = noisy_patterns(300, 24)
    rbm = BinaryRBM(12, max_iter=500, random_state=0).fit(X)
    rbm.log_partition()
    assert rbm.log_partition_std_ == 0
    # Over ten seeds the standard deviation is 0.08 nats; within five of those.
    assert rbm.history_["log_partition"][-1] == pytest.approx(
        rbm.log_partition_, abs=0.4
    )
    assert rbm.history_["log_partition"][-1] != rbm.log_partition_


def test_the_default_number_of_updates(X):
    settings = {"n_chains": 5, "batch_size": 10, "random_state": 0}
    rbm = BinaryRBM(1, early_stopping=False, **settings).fit(X)
    assert rbm.n_iter_ == 2000
    assert len(rbm.history_["n_iter"]) == 21


def repeated_noise(seed):
    """Draw bits of which nothing can be learned but what they are by chance."""
    return (np.random.default_rng(seed).random((60, 30)) < 0.5).astype(float)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_by_default_noise_is_not_learned_by_heart(seed):
    """The law of the rows has 30 log 2 = 20.8 nats."""
    unseen = repeated_noise(100 + seed)
    rbm = BinaryRBM(32, max_ais_temperatures=20_000, random_state=seed)
    by_heart = clone(rbm).set_params(early_stopping=False)
    rbm.fit(repeated_noise(seed))
    by_heart.fit(repeated_noise(seed))
    assert rbm.n_iter_ < 1000
    assert rbm.score(unseen) > -24
    assert rbm.score(unseen) > by_heart.score(unseen) + 5


@pytest.mark.parametrize("seed", [0, 1])
def test_an_early_plateau_does_not_end_a_default_fit(seed):
    """A parity shows in no pair of columns: learning is slow to find it."""
    X = (np.random.default_rng(seed).random((2000, 4)) < 0.5).astype(float)
    X[:, 3] = X[:, :3].sum(axis=1) % 2
    rbm = BinaryRBM(8, random_state=seed).fit(X)
    held_out = rbm.history_["validation_log_likelihood"]
    independent, law = -4 * np.log(2), -3 * np.log(2)
    assert np.abs(held_out[:6] - independent).max() < 0.02
    # 2.09 and 2.17 nats, of 2.08.
    assert rbm.score(X) > law - 0.15


def test_solvers_go_different_ways(X):
    natural, plain = (
        BinaryRBM(3, solver=solver, max_iter=50, random_state=0).fit(X)
        for solver in ("natural", "sgd")
    )
    assert not np.array_equal(natural.components_, plain.components_)
    # Both start from the same machine, and the first has come three times as far.
    before = natural.history_["train_log_likelihood"][0]
    assert before == plain.history_["train_log_likelihood"][0]
    gains = [rbm.score(X) - before for rbm in (natural, plain)]
    assert gains[0] > 2 * gains[1] > 0


# ---- early stopping ----


def fit_overfitting(**params):
    """Fit 65 parameters and more to 70 or 100 rows of 12 columns, without a penalty."""
    settings = {"validation_fraction": 0.3, "alpha": 0, "random_state": 0}
    return BinaryRBM(10, **settings | params).fit(noisy_patterns(100, 12))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_early_stopping_rescues_a_fit_that_overfits(seed):
    unseen = noisy_patterns(5000, 12, seed=1)
    stopped = fit_overfitting(early_stopping=True, random_state=seed)
    fixed = fit_overfitting(max_iter=2000, random_state=seed)
    # -6.9 and -7.45 over five seeds; the law that made the rows has -6.66.
    assert stopped.score(unseen) > fixed.score(unseen) + 0.4
    assert fixed.n_iter_ == 2000
    assert stopped.n_iter_ < 20_000
    assert stopped._n_rows_seen == 70


def test_early_stopping_keeps_the_best_parameters(monkeypatch):
    monkeypatch.setattr(trainer, "_LEAST_PROMISE", np.inf)
    rbm = fit_overfitting(early_stopping=True)
    history = rbm.history_
    assert history.keys() == STOCHASTIC_HISTORY
    scores = history["validation_log_likelihood"]
    assert np.isfinite(scores).all()
    assert history["n_iter"][-1] == rbm.n_iter_
    best = np.argmax(scores)
    assert best < len(scores) - 1
    # log Z tells machines apart, and is exact in both.
    assert rbm.log_partition_ == pytest.approx(history["log_partition"][best], rel=1e-6)
    assert rbm.log_partition_ != pytest.approx(history["log_partition"][-1], rel=1e-4)


def test_patience_and_tolerance_of_early_stopping():
    patient = fit_overfitting(early_stopping=True)
    hasty = fit_overfitting(early_stopping=True, n_iter_no_change=2)
    assert 3 * 2 * 100 <= hasty.n_iter_ < patient.n_iter_ / 2
    # Nothing is a rise by 100 nats: three stretches of two measurements each.
    blunt = fit_overfitting(early_stopping=True, n_iter_no_change=2, tol=100.0)
    assert blunt.n_iter_ == 3 * 2 * 100
    np.testing.assert_array_less(np.diff(np.unique(blunt.history_["learning_rate"])), 1)


def test_early_stopping_ends_at_max_iter():
    """A twentieth is kept for learning from the rows held out."""
    rbm = fit_overfitting(early_stopping=True, max_iter=150)
    assert list(rbm.history_["n_iter"]) == [0, 100, 143]
    assert 143 <= rbm.n_iter_ <= 150


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 101)])
def test_rows_held_out_are_learned_from_in_the_end(monkeypatch, weights):
    """By brute force."""
    parts, gathered = [], []
    hold_out, batches = FittingMixin._hold_out, ContrastiveLearning.batches

    def watched(self, *args):
        parts[:] = hold_out(self, *args)
        return parts

    def noted(self, state, rows):
        gathered.append(rows)
        yield from batches(self, state, rows)

    monkeypatch.setattr(FittingMixin, "_hold_out", watched)
    monkeypatch.setattr(ContrastiveLearning, "batches", noted)
    X = noisy_patterns(100, 12)
    rbm = BinaryRBM(
        10,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=5,
        random_state=0,
    ).fit(X, sample_weight=weights)
    learned, held_out = parts
    np.testing.assert_array_equal(gathered[0].take(slice(None)), X[learned])
    np.testing.assert_array_equal(gathered[-1].take(slice(None)), X)
    if weights is not None:
        np.testing.assert_array_equal(gathered[-1].weights, weights)
    assert rbm.n_iter_ > rbm.history_["n_iter"][-1]
    # log Z is exact on the way, and few updates gain little.
    likelihoods = oracle_of(rbm).log_likelihood(X[held_out])
    counts = None if weights is None else weights[held_out]
    after = np.average(likelihoods, weights=counts)
    assert after > np.max(rbm.history_["validation_log_likelihood"]) + 1e-4


def test_rows_with_gaps_are_learned_from_in_the_end_too(monkeypatch):
    X = noisy_patterns(100, 12).astype(float)
    X[:, 0] = np.nan
    gathered, batches = [], ContrastiveLearning.batches

    def noted(self, state, rows):
        for batch in batches(self, state, rows):
            gathered.append((rows.n_rows, batch))
            yield batch

    monkeypatch.setattr(ContrastiveLearning, "batches", noted)
    settings = {"early_stopping": True, "max_iter": 200, "random_state": 0}
    rbm = BinaryRBM(10, **settings).fit(X)
    assert rbm.history_["n_iter"][-1] == 190
    assert {n_rows for n_rows, _ in gathered[190:]} == {100}
    for _, batch in gathered:
        assert np.isin(batch, [0, 1]).all()
    # What is missing is drawn, and drawn anew.
    assert 0 < np.mean([batch[:, 0].mean() for _, batch in gathered[190:]]) < 1


@pytest.mark.parametrize(
    ("n_rows", "fraction", "n_learned"),
    [(2, 0.1, 1), (100, 0.1, 90), (100, 0.99, 1), (3000, 0.5, 2000)],
)
def test_number_of_rows_held_out(n_rows, fraction, n_learned):
    rbm = BinaryRBM(
        1,
        early_stopping=True,
        validation_fraction=fraction,
        max_iter=1,
        n_chains=5,
        random_state=0,
    ).fit(noisy_patterns(n_rows, 2))
    assert rbm._n_rows_seen == n_learned


# ---- exact learning ----


def test_exact_learning_reaches_the_maximum(X):
    rbm = BinaryRBM(3, algorithm="exact", random_state=0).fit(X)
    oracle = oracle_of(rbm)
    assert rbm.score(X) == pytest.approx(oracle.log_likelihood(X).mean(), abs=1e-10)
    for part in oracle.gradient(X):
        # The tolerance, 1e-4 for standardised units, is stricter for plain ones.
        assert np.abs(part).max() < 1e-4
    # Of the same maximum: with other numbers of units there are several.
    others = BinaryRBM(3, max_iter=2000, random_state=0).fit(X)
    assert rbm.score(X) > others.score(X) > rbm.score(X) - 0.02
    history = rbm.history_
    assert history.keys() == {"n_iter", "train_log_likelihood"}
    np.testing.assert_array_equal(history["n_iter"], 1 + np.arange(rbm.n_iter_))
    assert history["train_log_likelihood"][-1] == pytest.approx(rbm.score(X), abs=1e-10)


def test_exact_learning_that_has_not_converged(X):
    rbm = BinaryRBM(2, algorithm="exact", max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="after 3 iterations.*Increase max_it"):
        rbm.fit(X)
    assert rbm.n_iter_ == len(rbm.history_["n_iter"]) == 3


def test_learning_goes_on_from_exact_learning(X):
    rbm = BinaryRBM(2, algorithm="exact", random_state=0).fit(X)
    best, n_iter = rbm.score(X), rbm.n_iter_
    rbm.set_params(algorithm="pcd", learning_rate=1e-4).partial_fit(X)
    assert rbm.n_iter_ == n_iter + 1
    # float32 parameters and one short step.
    assert 0 < abs(rbm.score(X) - best) < 1e-4


# ---- penalties ----


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd"}, {"algorithm": "exact"}])
def test_an_l1_penalty_leaves_exact_zeros(X, settings):
    """The last two columns are fair coins that say nothing about the others.

    Stronger penalties are best met without any weight.
    """
    coins = np.random.default_rng(1).integers(2, size=(100, 2))
    X = np.hstack([X, coins])
    settings = {"max_iter": 2000, "n_chains": 500, **settings}
    rbm = BinaryRBM(2, alpha=0.03, l1_ratio=1.0, random_state=0, **settings).fit(X)
    assert (rbm.components_[:, -2:] == 0).all()
    assert (rbm.components_[:, :-2] != 0).any(axis=0).all()


def test_zeros_outlast_going_back(X):
    """To an average of iterates, of which not every one was zero."""
    coins = np.random.default_rng(1).integers(2, size=(100, 2))
    rbm = BinaryRBM(2, solver="sgd", alpha=0.05, l1_ratio=1.0, random_state=0)
    assert (rbm.fit(np.hstack([X, coins])).components_[:, -2:] == 0).all()


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_a_penalty_may_set_in_between_chunks(X, solver):
    settings = {"batch_size": 20, "learning_rate": 0.1, "random_state": 0}
    rbm = BinaryRBM(2, solver=solver, **settings).partial_fit(X)
    assert (rbm.components_ != 0).all()
    rbm.set_params(alpha=10.0, l1_ratio=1.0)
    for _ in range(100):
        rbm.partial_fit(X)
    assert (rbm.components_ == 0).all()
    rbm.set_params(alpha=0.0)
    for _ in range(5):
        rbm.partial_fit(X)
    assert np.isfinite(rbm.score(X))


# ---- data that are hard ----


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_two_rows(solver):
    X = noisy_patterns(2, 12, seed=1)
    assert (X[0] != X[1]).any()
    rbm = BinaryRBM(4, solver=solver, random_state=0).fit(X)
    # -0.85 to -0.94 over four seeds of each.
    assert -1.1 < rbm.score(X) < -np.log(2)
    assert np.abs(rbm.components_).max() < 10


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_constant_columns(solver):
    X = noisy_patterns(200, 6)
    with_constants = np.insert(X, [0, 3], [0, 1], axis=1)
    scores = [
        BinaryRBM(2, solver=solver, random_state=0).fit(rows).score(rows)
        for rows in (X, with_constants)
    ]
    # 0.0026 apart at most over five seeds: half a row in two hundred for each.
    assert scores[1] == pytest.approx(scores[0], abs=0.005)


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_nothing_but_constants(value):
    X = np.full((50, 4), value)
    rbm = BinaryRBM(3, max_iter=1000, random_state=0).fit(X)
    # -0.0045 over four seeds of each value; -0.06 at the start.
    assert -0.006 < rbm.score(X) < 0


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_many_columns(solver):
    X = np.random.default_rng(0).random((50, 5000)) < 0.02
    rbm = BinaryRBM(4, solver=solver, n_chains=20, max_iter=110, random_state=0)
    history = rbm.fit(X).history_
    assert rbm.n_iter_ == 110
    assert history["train_log_likelihood"][-1] > history["train_log_likelihood"][0]


def copied_bit():
    """Copy one fair coin to twenty columns."""
    bits = np.random.default_rng(0).permutation(1000) < 500
    return np.repeat(bits[:, np.newaxis], 20, axis=1)


def test_a_copied_bit_is_learned_exactly():
    rbm = BinaryRBM(4, algorithm="exact", random_state=0).fit(copied_bit())
    assert -np.log(2) - 0.005 < rbm.score(copied_bit()) < -np.log(2)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_copied_bit_is_learned_by_tempered_chains(seed):
    """Other chains get stuck in one of the two modes."""
    rbm = BinaryRBM(4, tempering=True, n_chains=100, random_state=seed)
    rbm.fit(copied_bit())
    # -1.115 to -1.125 over five seeds, on the way from -14 to -log(2).
    assert rbm.score(copied_bit()) > -1.2
    ends = rbm.score_samples(np.repeat([[0], [1]], 20, axis=1))
    assert abs(ends[0] - ends[1]) < 0.3


SHARE, N_COLUMNS, FLIPS = 0.3, 30, 0.01


def two_blocks(n_samples, seed):
    """Rows that are all on in three of ten, and else all off, but for flips."""
    rng = np.random.default_rng(seed)
    group = rng.random((n_samples, 1)) < SHARE
    return (group ^ (rng.random((n_samples, N_COLUMNS)) < FLIPS)).astype(float)


def log_law_of_blocks(X):
    n_on = X.sum(axis=1)
    groups = [
        np.log(share)
        + n_same * np.log(1 - FLIPS)
        + (N_COLUMNS - n_same) * np.log(FLIPS)
        for share, n_same in ((SHARE, n_on), (1 - SHARE, N_COLUMNS - n_on))
    ]
    return np.logaddexp(*groups)


@pytest.mark.parametrize("seed", [0, 1])
def test_groups_of_rows_are_learned_in_their_shares(seed):
    """No sweep leads from one to the other: chains have to jump."""
    X, unseen = two_blocks(2000, 0), two_blocks(5000, 1)
    rbm = BinaryRBM(4, n_chains=500, early_stopping=False, random_state=seed).fit(X)
    assert rbm.log_partition_std_ == 0
    assert rbm.score(unseen) > log_law_of_blocks(unseen).mean() - 0.15
    # What a fit says of itself is told by chains that knew of both groups.
    history = rbm.history_["train_log_likelihood"]
    assert history[-1] == pytest.approx(rbm.score(X), abs=0.1)
    # By the hidden units, of which all configurations are summed over.
    rows = rbm.sample(20_000, random_state=0)
    error = np.sqrt(SHARE * (1 - SHARE) / 2000)
    # As much as 2000 rows may be off by chance, and some of it for learning.
    assert abs((rows.mean(axis=1) > 0.5).mean() - SHARE) < 5 * error


def test_the_monitor_is_told_the_size_of_an_update(X, monkeypatch):
    asked = []

    class Recording(Measuring):
        def __init__(self, *args, **given):
            asked.append(given)
            super().__init__(*args, **given)

    monkeypatch.setattr("skebm.estimator.fitting.Measuring", Recording)
    BinaryRBM(1, n_chains=7, batch_size=30, max_iter=60, random_state=0).fit(X)
    assert asked[0]["update_rows"] == 37
    assert asked[0]["n_updates"] == 60


def test_known_parameters_learn_on_with_jumps():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.random((200, 1)) < 0.3, 30, axis=1)
    rbm = BinaryRBM.from_parameters(np.zeros((4, 30)), np.zeros(30), np.zeros(4))
    assert rbm._state.jumping is None
    rbm.partial_fit(X)
    assert rbm._state.jumping.mixture.n_components == 2


@pytest.mark.parametrize(
    ("n_rows", "settings", "n_updates", "rate", "n_chains"),
    [
        (50, {}, 2000, 0.15, 100),
        (1500, {}, 2000, 0.15, 150),
        (3000, {}, 2000, 0.1, 500),
        (1500, {"max_iter": 300}, 300, 0.1, 500),
        (1500, {"early_stopping": False}, 2000, 0.1, 500),
        (1500, {"early_stopping": True}, 20_000, 0.1, 500),
        (1500, {"learning_rate": 0.3, "n_chains": 7}, 2000, 0.3, 7),
    ],
)
def test_small_tables_take_longer_steps_and_fewer_chains(
    n_rows, settings, n_updates, rate, n_chains
):
    rbm = BinaryRBM(**settings)
    assert rbm._n_updates(n_rows) == n_updates
    assert rbm._rate(n_rows) == pytest.approx(rate, rel=1e-3)
    assert rbm._n_chains(n_rows) == n_chains


@pytest.mark.parametrize(("n_rows", "n_axes"), [(6, 1), (7, 2)])
def test_of_fewer_rows_than_columns_variances_make_the_metric(n_rows, n_axes):
    X = np.random.default_rng(0).random((n_rows, 7)) < 0.5
    metric = BinaryRBM(3, max_iter=2, random_state=0).fit(X)._state.metric
    assert metric.visible_moment.ndim == metric.hidden_moment.ndim == n_axes


def test_chunks_go_on_with_the_chains_of_fit():
    X = np.random.default_rng(0).random((120, 6)) < 0.4
    rbm = BinaryRBM(5, random_state=0).fit(X)
    assert len(rbm._state.chains) == 100
    rbm.partial_fit(X)
    assert len(rbm._state.chains) == 100
    assert len(BinaryRBM(5, random_state=0).partial_fit(X)._state.chains) == 500
