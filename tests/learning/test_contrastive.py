import numpy as np
import pytest
from oracle import RBMOracle

from skebm import BinaryRBM
from skebm._rows import Rows
from skebm.learning.contrastive import ContrastiveLearning, LearningState
from skebm.sampling.noise import UniformNoise

N_FEATURES = 8


def oracle_of(rbm):
    return RBMOracle(rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_)


def independent_bits(n_samples, mean=0.3):
    rng = np.random.default_rng(n_samples)
    return (rng.random((n_samples, N_FEATURES)) < mean).astype(float)


class Recorder:
    """Stands for a machine: records the batches it is shown."""

    def __init__(self, seen):
        self.seen = seen

    def prepare(self, rows):
        return rows

    def start_chains(self, batch, noise):
        return ["started from", *batch[:, 0]]

    def contrast(self, batch, chains, noise, n_sweeps, rate):
        self.seen.append((batch[:, 0].copy(), chains, n_sweeps, rate))
        return None, ["after", len(self.seen)]

    def step(self, direction, shrink):
        self.seen[-1] += (shrink,)
        return self

    def has_diverged(self):
        return False


class TenTimes:
    """Schedule that tells the updates apart."""

    def rate(self, n_done):
        return 10 * n_done

    def penalty_scale(self, n_done):
        return n_done / 2


def run_recorded(
    n_rows, *, persistent=True, batch_size=7, chains=("first", 0), **settings
):
    seen = []
    learner = ContrastiveLearning(
        persistent=persistent,
        n_chains=2,
        n_gibbs_steps=3,
        batch_size=batch_size,
        drifting_offset=False,
        **{"alpha": 0.0, "l1_ratio": 0.0} | settings,
    )
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    state = LearningState(Recorder(seen), chains, noise, {})
    rows = Rows(np.arange(n_rows, dtype=float)[:, np.newaxis], None)
    learner.run_epoch(state, rows, TenTimes())
    return learner, state, seen


@pytest.mark.parametrize("n_rows", [1, 6, 7, 8, 100, 20_000])
def test_an_epoch_shows_each_row_once(n_rows):
    learner, state, seen = run_recorded(n_rows)
    shown = np.concatenate([batch for batch, *_ in seen])
    np.testing.assert_array_equal(np.sort(shown), np.arange(n_rows))
    if n_rows > 8:
        assert not np.array_equal(shown, np.arange(n_rows))
    sizes = {len(batch) for batch, *_ in seen}
    assert max(sizes) <= 7
    assert max(sizes) - min(sizes) <= 1
    assert state.n_updates == len(seen) == learner.n_batches(n_rows)
    assert state.n_epochs == 1


def test_persistent_chains_go_on_from_update_to_update():
    _, state, seen = run_recorded(20)
    assert [list(chains) for _, chains, *_ in seen] == [
        ["first", 0],
        ["after", 1],
        ["after", 2],
    ]
    assert state.chains == ["after", 3]
    assert all(n_sweeps == 3 for _, _, n_sweeps, *_ in seen)


def test_contrastive_divergence_starts_from_each_batch():
    _, state, seen = run_recorded(20, persistent=False)
    for batch, chains, *_ in seen:
        assert chains == ["started from", *batch]
    assert state.chains is None


@pytest.mark.parametrize("chains", [None, [], ["too", "many", "chains"]])
def test_chains_there_are_not_start_from_rows_of_the_batch(chains):
    _, _, seen = run_recorded(20, chains=chains)
    (batch, started, *_), (_, after, *_), _ = seen
    assert started[0] == "started from"
    assert len(started) == 1 + 2
    assert set(started[1:]) <= set(batch)
    # The recorder's own chains have the right number again.
    assert after == ["after", 1]


def test_step_sizes_follow_the_updates():
    _, _, seen = run_recorded(20)
    assert [rate for *_, rate, _ in seen] == [0, 10, 20]


def test_the_penalty_is_scaled_by_the_step_size_and_the_schedule():
    _, _, seen = run_recorded(20, alpha=1.0, l1_ratio=0.25)
    *_, shrink = seen[1]
    weights = np.array([8.0])
    shrink(weights)
    assert weights[0] == pytest.approx((8 - 10 * 0.125) / (1 + 10 * 0.375))


@pytest.mark.parametrize("batch_size", [64, 100])
@pytest.mark.parametrize("n_samples", [100, 101, 1000, 1001, 150])
@pytest.mark.parametrize("algorithm", ["pcd", "cd"])
def test_ragged_batches_do_not_bias_the_mean(n_samples, batch_size, algorithm):
    """BernoulliRBM's model mean is 0.03 here for 1001 rows, at batch size 100."""
    X = independent_bits(n_samples)
    rbm = BinaryRBM(
        3, algorithm=algorithm, batch_size=batch_size, max_iter=50, random_state=0
    ).fit(X)
    assert oracle_of(rbm).mean().mean() == pytest.approx(X.mean(), abs=0.02)


@pytest.mark.parametrize("batch_size", [64, 100])
@pytest.mark.parametrize("chunk", [10, 20, 100])
def test_chunks_of_any_size_do_not_bias_the_mean(chunk, batch_size):
    """BernoulliRBM's features saturate under partial_fit with 100-row chunks."""
    X = independent_bits(1000)
    rbm = BinaryRBM(3, batch_size=batch_size, learning_rate=0.02, random_state=0)
    for _ in range(10):
        for start in range(0, len(X), chunk):
            rbm.partial_fit(X[start : start + chunk])
    assert oracle_of(rbm).mean().mean() == pytest.approx(X.mean(), abs=0.02)
    assert 0.1 < rbm.transform(X).min() < rbm.transform(X).max() < 0.9


def correlated_bits(n_samples=500):
    rng = np.random.default_rng(0)
    sign = rng.random((n_samples, 1)) < 0.5
    flipped = rng.random((n_samples, N_FEATURES)) < 0.1
    return (sign ^ flipped).astype(float)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"algorithm": "cd", "n_gibbs_steps": 5},
        {"n_gibbs_steps": 3},
        {"n_chains": 20, "max_iter": 300},
        {"centering": False, "max_iter": 300},
        {"decay_fraction": 1.0, "max_iter": 200},
    ],
    ids=str,
)
def test_learning_nears_the_maximum_of_the_likelihood(settings):
    """The exact optimum is the minus entropy of the law that made the data."""
    X = correlated_bits()
    rbm = BinaryRBM(2, random_state=0, **settings).fit(X)
    oracle = oracle_of(rbm)
    flips = X.sum(axis=1, keepdims=True)
    law = (0.1**flips * 0.9 ** (N_FEATURES - flips)).ravel()
    law = (law + (0.9**flips * 0.1 ** (N_FEATURES - flips)).ravel()) / 2
    # Half a nat of some 25 parameters' worth of fit to 500 rows is 0.025 nats.
    assert oracle.log_likelihood(X).mean() > np.log(law).mean() - 0.03
    assert rbm.score(X) == pytest.approx(oracle.log_likelihood(X).mean(), abs=1e-10)


def test_learning_does_not_depend_on_which_value_is_called_one():
    X = correlated_bits() * (np.arange(N_FEATURES) < 6)
    scores = [BinaryRBM(2, random_state=0).fit(rows).score(rows) for rows in (X, 1 - X)]
    # Two fits with the same data and other draws differ by as much.
    assert scores[0] == pytest.approx(scores[1], abs=0.03)


def test_a_strong_l1_penalty_leaves_independent_bits():
    X = correlated_bits()
    rbm = BinaryRBM(2, alpha=10.0, l1_ratio=1.0, random_state=0).fit(X)
    assert np.all(rbm.components_ == 0)
    np.testing.assert_allclose(oracle_of(rbm).mean(), X.mean(axis=0), atol=0.03)


@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.05, 0.0), (0.03, 0.2)])
def test_the_penalty_balances_the_gradient_of_the_likelihood(alpha, l1_ratio):
    """At the maximum of the penalised likelihood the two are equal."""
    X = correlated_bits()
    rbm = BinaryRBM(
        2,
        alpha=alpha,
        l1_ratio=l1_ratio,
        batch_size=500,
        n_chains=1000,
        max_iter=3000,
        decay_fraction=1.0,
        random_state=0,
    ).fit(X)
    weights = rbm.components_
    pull = alpha * (l1_ratio * np.sign(weights) + (1 - l1_ratio) * weights)
    assert np.abs(pull).max() > 0.06
    gradient = oracle_of(rbm).gradient(X)
    # Sampling noise leaves up to 0.006, the largest over six seeds.
    for part, expected in zip(gradient, (pull, 0, 0), strict=True):
        np.testing.assert_allclose(part, np.zeros_like(part) + expected, atol=0.01)


def test_partial_fit_goes_on_from_fit():
    X = correlated_bits()
    rbm = BinaryRBM(2, random_state=0, max_iter=50).fit(X)
    before, chains = rbm.score(X), rbm._state.chains
    rbm.set_params(learning_rate=0.001).partial_fit(X)
    assert rbm.n_iter_ == 51
    assert rbm.score(X) == pytest.approx(before, abs=0.05)
    assert rbm._state.chains is not chains
    assert rbm._n_rows_seen == 1000


def test_partial_fit_centres_on_all_the_rows_it_has_seen():
    X = independent_bits(100)
    rbm = BinaryRBM(2, random_state=0)
    for start in range(0, 100, 30):
        rbm.partial_fit(X[start : start + 30])
    expected = (X.sum(axis=0) + 0.5) / 101
    np.testing.assert_allclose(
        rbm._state.model.offsets.visible[:-1], expected, rtol=1e-6
    )


def test_without_centering_there_are_no_offsets():
    X = independent_bits(100)
    rbm = BinaryRBM(2, centering=False, max_iter=2, random_state=0)
    rbm.fit(X).partial_fit(X)
    assert not rbm._state.model.offsets.visible.any()
    assert not rbm._state.model.offsets.hidden.any()


def test_the_hidden_offset_follows_the_hidden_units():
    X = correlated_bits(4000)
    X = X[(X.mean(axis=1) > 0.5) | (np.arange(4000) % 8 == 0)]
    rbm = BinaryRBM(2, max_iter=50, random_state=0).fit(X)
    mean = rbm.transform(X).mean(axis=0)
    assert np.abs(mean - 0.5).min() > 0.3
    # A batch mean of 20 rows has error 0.07, a third of it after averaging.
    np.testing.assert_allclose(
        rbm._state.model.offsets.hidden[:-1], mean, atol=4 * 0.07 / 3
    )


def test_chains_may_change_between_chunks():
    X = correlated_bits()
    rbm = BinaryRBM(2, algorithm="cd", n_chains=50, random_state=0).fit(X)
    assert rbm._state.chains is None
    rbm.partial_fit(X[:1])
    rbm.set_params(algorithm="pcd").partial_fit(X)
    assert len(rbm._state.chains) == 50
    rbm.set_params(n_chains=70).partial_fit(X)
    assert len(rbm._state.chains) == 70
    before = rbm.score(X)
    rbm.set_params(algorithm="cd").partial_fit(X[:1])
    rbm.set_params(algorithm="pcd", learning_rate=0.01).partial_fit(X)
    assert rbm.score(X) > before - 0.1


def test_centering_may_change_between_chunks():
    X = correlated_bits()
    rbm = BinaryRBM(2, random_state=0).partial_fit(X)
    rbm.set_params(centering=False).partial_fit(X)
    assert not rbm._state.model.offsets.visible.any()
    assert not rbm._state.model.offsets.hidden.any()
    rbm.set_params(centering=True).partial_fit(X)
    assert rbm._state.model.offsets.visible[:-1].all()
