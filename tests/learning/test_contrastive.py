import numpy as np
import pytest
from oracle import RBMOracle

from skebm import BinaryRBM
from skebm._rows import Rows
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.binary_rbm_centred import CentredBinaryRBM
from skebm.learning.contrastive import ContrastiveLearning, LearningState
from skebm.learning.natural import KroneckerMetric, Metric
from skebm.sampling.noise import UniformNoise
from skebm.sampling.tempering import Replicas

N_FEATURES = 8


def oracle_of(rbm):
    return RBMOracle(rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_)


def independent_bits(n_samples, mean=0.3):
    rng = np.random.default_rng(n_samples)
    return (rng.random((n_samples, N_FEATURES)) < mean).astype(float)


class Recorder:
    """Stands for a machine: records the batches it is shown, counts its steps."""

    def __init__(self, seen, value=0.0):
        self.seen = seen
        self.value = value

    def prepare(self, rows):
        return rows

    def start_chains(self, batch, noise):
        return np.append(-1.0, batch[:, 0])

    def contrast(self, batch, chains, noise, n_sweeps, rate=1.0):
        shown = {"batch": batch[:, 0].copy(), "chains": chains, "n_sweeps": n_sweeps}
        self.seen.append({**shown, "rate": rate})
        return np.full((1, 1), rate), np.array([-2.0, len(self.seen), 0])

    def hidden_rows(self, batch):
        return "hidden", batch

    def with_drifted_offset(self, batch, fraction):
        self.seen.append({"drift": fraction})
        return self

    def step(self, direction, shrink):
        self.seen[-1].update(shrink=shrink, direction=direction[0, 0])
        return Recorder(self.seen, self.value + 1)

    def towards(self, other, fraction):
        value = self.value + fraction * (other.value - self.value)
        return Recorder(self.seen, value)

    def has_diverged(self):
        return False


class TenTimes:
    """Schedule that tells the updates apart."""

    def rate(self, n_done):
        return 10 * n_done

    def penalty_scale(self, n_done):
        return n_done / 2


class RecordingMetric(Metric):
    """Stands for a metric: records what it is told, and makes gradients longer."""

    def __init__(self):
        self.visible, self.hidden = [], []

    def updated(self, *, visible_rows=None, hidden_rows=None):
        if visible_rows is not None:
            self.visible.append(visible_rows[0, 0])
        if hidden_rows is not None:
            layer, batch = hidden_rows
            assert layer == "hidden"
            self.hidden.append(batch[0, 0])
        return self

    def natural(self, gradient):
        return 4 * gradient

    def scales(self):
        return np.array([1.0, 3.0])


def make_learner(**settings):
    return ContrastiveLearning(
        **{
            "persistent": True,
            "n_chains": 3,
            "n_gibbs_steps": 3,
            "batch_size": 7,
            "tempered_from": None,
            "drifting_offset": False,
            "alpha": 0.0,
            "l1_ratio": 0.0,
        }
        | settings
    )


def run_recorded(n_rows, *, chains=(9, 9, 9), metric=None, n_passes=1, **settings):
    seen = []
    learner = make_learner(**settings)
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    model = Recorder(seen)
    chains = None if chains is None else np.array(chains)
    state = LearningState(model, model, chains, noise, {}, metric)
    rows = Rows(np.arange(n_rows, dtype=float)[:, np.newaxis], None)
    for _ in range(n_passes):
        learner.run(state, learner.batches(state, rows), TenTimes())
    return state, seen


@pytest.mark.parametrize("n_rows", [1, 6, 7, 8, 100, 20_000])
def test_the_batches_of_a_pass_show_each_row_once(n_rows):
    learner = make_learner()
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    state = LearningState(Recorder([]), None, None, noise, {})
    rows = Rows(np.arange(n_rows, dtype=float)[:, np.newaxis], None)
    batches = list(learner.batches(state, rows))
    shown = np.concatenate(batches)[:, 0]
    np.testing.assert_array_equal(np.sort(shown), np.arange(n_rows))
    if n_rows > 8:
        assert not np.array_equal(shown, np.arange(n_rows))
        again = np.concatenate(list(learner.batches(state, rows)))[:, 0]
        assert not np.array_equal(shown, again)
    sizes = {len(batch) for batch in batches}
    assert max(sizes) <= 7
    assert max(sizes) - min(sizes) <= 1
    assert len(batches) == -(-n_rows // 7)


def test_each_batch_is_an_update():
    state, seen = run_recorded(100)
    assert state.n_updates == len(seen) == state.model.value == 15
    shown = np.concatenate([update["batch"] for update in seen])
    np.testing.assert_array_equal(np.sort(shown), np.arange(100))


def test_persistent_chains_go_on_from_update_to_update():
    state, seen = run_recorded(20)
    assert [list(update["chains"]) for update in seen] == [
        [9, 9, 9],
        [-2, 1, 0],
        [-2, 2, 0],
    ]
    assert list(state.chains) == [-2, 3, 0]
    assert all(update["n_sweeps"] == 3 for update in seen)


def test_contrastive_divergence_starts_from_each_batch():
    state, seen = run_recorded(20, persistent=False)
    for update in seen:
        assert list(update["chains"]) == [-1, *update["batch"]]
        assert update["n_sweeps"] == 3
    assert state.chains is None


@pytest.mark.parametrize("chains", [None, [], [9, 9, 9, 9]])
def test_chains_there_are_not_start_from_rows_of_the_batch(chains):
    _, seen = run_recorded(20, chains=chains, n_chains=2)
    for update in seen:  # the recorder gives 3 chains, which are too many as well
        mark, *started = update["chains"]
        assert mark == -1
        assert len(started) == 2
        assert set(started) <= set(update["batch"])


def test_step_sizes_follow_the_updates():
    _, seen = run_recorded(20)
    assert [update["rate"] for update in seen] == [0, 10, 20]
    assert [update["direction"] for update in seen] == [0, 10, 20]


def test_the_penalty_is_scaled_by_the_step_size_and_the_schedule():
    _, seen = run_recorded(20, alpha=1.0, l1_ratio=0.25)
    weights = np.array([8.0])
    seen[1]["shrink"](weights)
    assert weights[0] == pytest.approx((8 - 10 * 0.125) / (1 + 10 * 0.375))


def test_natural_steps_go_along_the_metric_and_are_shortened():
    """Gradient 1 and natural gradient 4: their product, 4, is a length of 2."""
    _, seen = run_recorded(20, metric=RecordingMetric())
    assert [update["rate"] for update in seen] == [1, 1, 1]
    assert [update["direction"] for update in seen] == [0, 10 / 2 * 4, 20 / 2 * 4]
    assert all(update["shrink"] is None for update in seen)


def learned_from_bits(metric, rows):
    """Make five updates of 6 hidden units: rows are 7 of the data, and 3 of chains."""
    rng = np.random.default_rng(1)
    energy = BinaryRBMEnergy(rng.normal(0, 1, (6, N_FEATURES)), *map(np.zeros, (8, 6)))
    offset = np.full(N_FEATURES, 0.3)
    model = CentredBinaryRBM.from_plain(energy, offset).astype(np.float32)
    noise = UniformNoise(np.random.default_rng(2), np.float32)
    state = LearningState(model, model, None, noise, {}, metric)
    learner = make_learner()
    learner.run(state, learner.batches(state, Rows(rows, None)), TenTimes())
    assert state.n_updates == 5
    return state.model.matrix


def test_steps_are_made_of_rows_where_the_metric_favours_them(monkeypatch):
    rows = independent_bits(35)
    prepared = np.column_stack([rows - 0.3, np.ones(35)])
    metric = KroneckerMetric.start(prepared, 6)
    made, asked = [], []
    for favoured in (True, False):

        def favours_rows(metric, n_rows, it=favoured):
            asked.append(n_rows)
            return it

        with monkeypatch.context() as patched:
            patched.setattr(KroneckerMetric, "favours_rows", favours_rows)
            unused = "step" if favoured else "step_of_rows"
            patched.setattr(KroneckerMetric, unused, lambda *_: 1 / 0)
            made.append(learned_from_bits(metric, rows))
    assert asked == [10] * 10
    assert made[0].dtype == np.float32
    np.testing.assert_allclose(made[0], made[1], rtol=1e-4, atol=1e-4)


def test_the_penalty_takes_the_metric_of_each_weight():
    _, seen = run_recorded(20, metric=RecordingMetric(), alpha=1.0, l1_ratio=0.25)
    weights = np.array([8.0, 8.0])
    seen[1]["shrink"](weights)
    rates = 10 / 2 * np.array([1.0, 3.0])
    np.testing.assert_allclose(weights, (8 - rates * 0.125) / (1 + rates * 0.375))


def test_the_metric_and_the_offset_follow_now_and_then():
    metric = RecordingMetric()
    state, seen = run_recorded(7 * 1000, metric=metric, drifting_offset=True)
    assert state.metric is metric
    shown = [update["batch"][0] for update in seen if "batch" in update]
    number = {first_row: number for number, first_row in enumerate(shown)}
    assert [number[row] for row in metric.hidden] == list(range(0, 1000, 50))
    # The sample that the metric began with is as good as a batch, and better.
    assert [number[row] for row in metric.visible] == [499, 999]
    drifts = [number for number, update in enumerate(seen) if "drift" in update]
    assert drifts == [21 * number for number in range(50)]  # every 20 updates
    assert {seen[number]["drift"] for number in drifts} == {0.2}


def test_the_average_reaches_back_over_a_ninth_then_over_five_hundred_updates():
    """Of the counts 1, 2, 3, ... it lags by that many updates, less one."""
    state, _ = run_recorded(7, n_passes=200)
    # Weights ~ k^8 have their mean at 9/10 of the way.
    assert 200 - state.averaged.value == pytest.approx(200 / 10, rel=0.06)
    state, _ = run_recorded(7, n_passes=10_000)
    # Of what came before the last thousands exp(-11) is left.
    assert 10_000 - state.averaged.value == pytest.approx(499, abs=0.01)
    # In a longer run the last of each ten iterates counts for all of them, which
    # brings the average 4.5 updates nearer.
    state, _ = run_recorded(7 * 1000, n_passes=10)
    assert 10_000 - state.averaged.value == pytest.approx(494.5, abs=0.05)


@pytest.mark.parametrize("n_updates", [1, 2, 10, 11, 20])
def test_the_average_takes_in_the_last_iterate_of_every_run(n_updates):
    state, _ = run_recorded(7 * n_updates)
    before = state.averaged.value
    learner, rows = make_learner(), Rows(np.zeros((7, 1)), None)
    learner.run(state, learner.batches(state, rows), TenTimes())
    share = 9 / (10 + n_updates)
    expected = before + share * (n_updates + 1 - before)
    assert state.averaged.value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("alpha", "l1_ratio", "with_zeros"),
    [(0.0, 1.0, False), (0.1, 0.0, False), (0.1, 0.5, True)],
)
def test_the_result_is_the_average_with_the_zeros_of_the_last(
    alpha, l1_ratio, with_zeros
):
    class Averaged:
        def without_weights(self, other):
            return ("without the zeros of", other)

    state = LearningState("last", Averaged(), None, None, {})
    result = make_learner(alpha=alpha, l1_ratio=l1_ratio).result(state)
    expected = ("without the zeros of", "last") if with_zeros else state.averaged
    assert result == expected


def test_the_penalty_is_that_of_the_plain_weights():
    energy = BinaryRBMEnergy(np.array([[1.0, -2.0], [0.0, 3.0]]), [5, 5], [7, 7])
    learner = make_learner(alpha=0.5, l1_ratio=0.25)
    assert learner.penalty(energy) == 0.5 * (0.25 * 6 + 0.75 * 14 / 2)


def test_divergence_is_an_error():
    class Diverged(Recorder):
        def has_diverged(self):
            return True

        def step(self, direction, shrink):
            return self

        def towards(self, other, fraction):
            return self

    noise = UniformNoise(np.random.default_rng(0), np.float32)
    model = Diverged([])
    state = LearningState(model, model, np.zeros(3), noise, {})
    with pytest.raises(FloatingPointError, match=r"diverged after 2 updates.*Lower"):
        make_learner().run(state, np.zeros((2, 7, 1)), TenTimes())


@pytest.mark.parametrize("batch_size", [64, 100])
@pytest.mark.parametrize("n_samples", [100, 101, 1000, 1001, 150])
@pytest.mark.parametrize("algorithm", ["pcd", "cd"])
def test_ragged_batches_do_not_bias_the_mean(n_samples, batch_size, algorithm):
    """BernoulliRBM's model mean is 0.03 here for 1001 rows, at batch size 100."""
    X = independent_bits(n_samples)
    rbm = BinaryRBM(
        3, algorithm=algorithm, batch_size=batch_size, max_iter=300, random_state=0
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


@pytest.fixture(scope="module")
def exact_maximum():
    """Mean log-likelihood of the best machine with two hidden units."""
    rbm = BinaryRBM(2, algorithm="exact", random_state=0).fit(correlated_bits())
    return oracle_of(rbm).log_likelihood(correlated_bits()).mean()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"algorithm": "cd", "n_gibbs_steps": 5},
        {"n_gibbs_steps": 3},
        {"n_chains": 20},
        {"centering": False},
        {"decay_fraction": 1.0},
        {"solver": "sgd"},
        {"batch_size": 50},
    ],
    ids=str,
)
def test_learning_nears_the_maximum_of_the_likelihood(settings, exact_maximum):
    """The law that made the data is itself 0.033 nats below the maximum."""
    X = correlated_bits()
    rbm = BinaryRBM(2, random_state=0, **settings).fit(X)
    oracle = oracle_of(rbm)
    shortfall = exact_maximum - oracle.log_likelihood(X).mean()
    # 0.016 to 0.018 over four seeds of each: the last of a long narrow valley.
    assert 0 < shortfall < 0.025
    assert rbm.score(X) == pytest.approx(oracle.log_likelihood(X).mean(), abs=1e-10)


def test_learning_does_not_depend_on_which_value_is_called_one():
    X = correlated_bits() * (np.arange(N_FEATURES) < 6)
    scores = [BinaryRBM(2, random_state=0).fit(rows).score(rows) for rows in (X, 1 - X)]
    # Two fits with the same data and other draws differ by as much, 0.0003.
    assert scores[0] == pytest.approx(scores[1], abs=0.002)


def test_a_strong_l1_penalty_leaves_independent_bits():
    X = correlated_bits()
    rbm = BinaryRBM(2, alpha=10.0, l1_ratio=1.0, random_state=0).fit(X)
    assert np.all(rbm.components_ == 0)
    np.testing.assert_allclose(oracle_of(rbm).mean(), X.mean(axis=0), atol=0.03)


@pytest.mark.parametrize("solver", ["natural", "sgd"])
@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.05, 0.0), (0.03, 0.2)])
def test_the_penalty_balances_the_gradient_of_the_likelihood(alpha, l1_ratio, solver):
    """At the maximum of the penalised likelihood the two are equal."""
    X = correlated_bits()
    rbm = BinaryRBM(
        2,
        alpha=alpha,
        l1_ratio=l1_ratio,
        batch_size=500,
        n_chains=1000,
        solver=solver,
        decay_fraction=1.0,
        random_state=0,
    ).fit(X)
    weights = rbm.components_
    pull = alpha * (l1_ratio * np.sign(weights) + (1 - l1_ratio) * weights)
    assert np.abs(pull).max() > 0.04
    gradient = oracle_of(rbm).gradient(X)
    # Sampling noise leaves up to 0.004, the largest over four seeds of each.
    for part, expected in zip(gradient, (pull, 0, 0), strict=True):
        np.testing.assert_allclose(part, np.zeros_like(part) + expected, atol=0.006)


def test_partial_fit_goes_on_from_fit():
    X = correlated_bits()
    rbm = BinaryRBM(2, random_state=0, max_iter=500).fit(X)
    before, chains = rbm.score(X), rbm._state.chains
    rbm.set_params(learning_rate=0.001).partial_fit(X)
    assert rbm.n_iter_ == 500 + 3
    # A start anew would lose all of the two nats that were gained.
    assert rbm.score(X) == pytest.approx(before, abs=0.01)
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
    rbm = BinaryRBM(2, batch_size=20, random_state=0).fit(X)
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


@pytest.mark.parametrize("tempering", [False, True])
def test_tempering_may_change_between_chunks(tempering):
    X = correlated_bits()
    settings = {"learning_rate": 0.01, "n_chains": 50, "random_state": 0}
    rbm = BinaryRBM(2, tempering=tempering, **settings).fit(X)
    before, n_updates = rbm.score(X), rbm.n_iter_
    assert isinstance(rbm._state.chains, Replicas) == tempering
    for number in range(1, 5):
        rbm.set_params(tempering=not rbm.tempering).partial_fit(X)
        assert rbm.n_iter_ == n_updates + 3 * number
        if rbm.tempering:
            assert rbm._state.chains.coldest.shape == (50, N_FEATURES)
        else:
            assert rbm._state.chains.shape == (50, 3)
        assert rbm.score(X) > before - 0.01


def test_centering_may_change_between_chunks():
    X = correlated_bits()
    rbm = BinaryRBM(2, random_state=0).partial_fit(X)
    rbm.set_params(centering=False).partial_fit(X)
    assert not rbm._state.model.offsets.visible.any()
    assert not rbm._state.model.offsets.hidden.any()
    rbm.set_params(centering=True).partial_fit(X)
    assert rbm._state.model.offsets.visible[:-1].all()


def test_tempered_chains_make_their_steps_on_the_ladders():
    """Further sweeps of the machine itself would cost time and add nothing."""
    mean = np.full(3, 0.5)
    learner = ContrastiveLearning(
        persistent=True,
        n_chains=5,
        n_gibbs_steps=3,
        batch_size=4,
        tempered_from=mean,
        drifting_offset=False,
        alpha=0.0,
        l1_ratio=0.0,
    )
    model = BinaryRBMEnergy(np.ones((2, 3)), np.zeros(3), np.zeros(2)).centred()
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    state = LearningState(model, model, None, noise, {})
    _, replicas, n_sweeps = learner._chains(state, model.prepare(np.ones((4, 3))))
    assert replicas.n_steps == 3
    assert n_sweeps == 1
