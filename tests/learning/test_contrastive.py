"""The rule of contrastive learning, and what it does over many updates."""

from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
from gaussian_machines import gaussian_machine
from implementations import IMPLEMENTATIONS, use
from oracle import BoltzmannOracle, RBMOracle, all_states, random_boltzmann, random_rbm
from scipy.special import expit
from statistical import assert_mean_is

from skebm import BinaryRBM
from skebm.energy import latent
from skebm.energy.base import Energy
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.learning.contrastive import ContrastiveLearning, LearningState, contrast
from skebm.learning.metric import KroneckerMetric, Metric
from skebm.learning.pair_metric import PairMetric
from skebm.learning.schedule import Schedule
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import Replicas
from skebm.units.data import Rows

N_FEATURES = 8


def noise_from(seed, dtype=np.float32):
    return UniformNoise(np.random.default_rng(seed), dtype)


def independent_bits(n_samples, mean=0.3):
    rng = np.random.default_rng(n_samples)
    return (rng.random((n_samples, N_FEATURES)) < mean).astype(float)


# ---- the rule ----


class NumberedNoise:
    """The same variates for each draw and each entry of it, whatever its shape."""

    def __init__(self):
        self.n_draws = 0

    def draw(self, shape):
        rng = np.random.default_rng(self.n_draws)
        self.n_draws += 1
        table = 2 * rng.random((20, 20), np.float32) - 1
        return np.ascontiguousarray(table[: shape[0], : shape[1]])


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("n_sweeps", [1, 3])
@pytest.mark.parametrize("batch_dtype", [bool, np.float32])
def test_the_fused_rule_is_the_rule(monkeypatch, implementation, n_sweeps, batch_dtype):
    """From the same rows, which are chains of the one, and drawn from by the other."""
    use(implementation, monkeypatch, "layers")
    rng = np.random.default_rng(0)
    energy = BinaryRBMEnergy.of(*random_rbm(5, 7))
    energy = energy.shifted(rng.random(7), rng.random(5)).astype(np.float32)
    batch = rng.random((9, 7))
    batch = batch < 0.4 if batch_dtype is bool else batch.astype(np.float32)
    rows = rng.random((13, 7)) < 0.5

    noise = NumberedNoise()
    direction, moved = contrast(energy, batch, rows, noise, n_sweeps, 0.3)
    chains = energy.chains_of(moved, noise)
    noise = NumberedNoise()
    fused, fused_chains = energy.contrast(
        batch, energy.chains_of(rows, noise), noise, n_sweeps, 0.3
    )
    np.testing.assert_array_equal(fused_chains[:, :-1], chains[:, :-1])
    assert fused.matrix.dtype == direction.matrix.dtype == np.float32
    # Sums of products of at most 1, of which the roundings are a few 1e-7.
    np.testing.assert_allclose(fused.matrix, direction.matrix, rtol=0, atol=1e-6)
    assert np.abs(fused.matrix).max() > 0.01
    assert fused.visible_offset is energy.visible_offset


def test_the_rule_lowers_the_energy_of_data_and_raises_that_of_the_model():
    """On average along the exact gradient, with chains drawn from the model."""
    energy = BinaryRBMEnergy.of(*random_rbm(2, 3))
    oracle, rng = RBMOracle.of(energy), np.random.default_rng(0)
    table = rng.random((20, 3)) < 0.2
    exact = np.concatenate([part.ravel() for part in oracle.gradient(table)])
    noise, directions = noise_from(1, np.float64), []
    for _ in range(500):
        chains = oracle.draw(30, rng)[0].astype(bool)
        direction, moved = contrast(energy, table, chains, noise, rate=2.0)
        assert moved.shape == chains.shape
        assert not np.array_equal(moved, chains)
        directions.append(direction.ravel())
    assert_mean_is(2 * exact, directions)


# ---- updates, one by one ----


@dataclass(frozen=True, eq=False)
class Recorder(Energy):
    """Stands for a machine: records the batches it is shown, and is a number."""

    value: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))
    seen: list = field(default_factory=list)

    parameters = ("value",)
    largest_weight = np.inf

    def start_chains(self, visible, noise):
        return np.append(-1.0, visible[:, 0])

    def contrast(self, batch, chains, noise, n_sweeps, rate=1.0):
        shown = {"batch": batch[:, 0].copy(), "chains": chains, "n_sweeps": n_sweeps}
        self.seen.append({**shown, "rate": rate, "value": self.value[0, 0]})
        chains = np.array([-2.0, len(self.seen), 0])
        return self.with_arrays([np.full((1, 1), float(rate))]), chains

    def drifted(self, rows, fraction):
        self.seen.append({"drift": fraction})
        return self


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

    def follow_visible(self, energy, batch):
        self.visible.append(batch[0, 0])
        return self

    def follow_hidden(self, energy, batch):
        self.hidden.append(batch[0, 0])
        return self

    def turn(self, matrix):
        return 4 * matrix

    def scales(self):
        return np.array([[3.0]])


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


def numbered_rows(n_rows, dtype=float):
    return Rows(np.arange(n_rows, dtype=dtype)[:, np.newaxis], None)


def run_recorded(
    n_rows,
    *,
    chains=(9, 9, 9),
    metric=None,
    n_passes=1,
    start=0.0,
    schedule=None,
    **settings,
):
    learner = make_learner(**settings)
    model = Recorder(np.full((1, 1), start))
    chains = None if chains is None else np.array(chains)
    state = LearningState(model, model, chains, noise_from(0), {}, metric)
    for _ in range(n_passes):
        batches = learner.batches(state, numbered_rows(n_rows))
        learner.run(state, batches, schedule or TenTimes())
    return state, model.seen


@pytest.mark.parametrize("n_rows", [1, 6, 7, 8, 100, 20_000])
def test_the_batches_of_a_pass_show_each_row_once(n_rows):
    learner, model = make_learner(), Recorder()
    state = LearningState(model, model, None, noise_from(0), {})
    rows = numbered_rows(n_rows, np.int64)
    batches = list(learner.batches(state, rows))
    assert {batch.dtype for batch in batches} == {model.dtype}
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


def test_batches_show_rows_as_often_as_they_count():
    """Of few rows too, of which several make up a batch."""
    learner, model = make_learner(batch_size=50), Recorder()
    state = LearningState(model, model, None, noise_from(0), {})
    for n_rows, n_batches in ((3, 1), (120, 3)):
        weights = 0.5 + np.arange(n_rows) % 3
        rows = numbered_rows(n_rows).weighted(weights)
        counts = np.zeros(n_rows)
        for _ in range(500):
            batches = list(learner.batches(state, rows))
            assert len(batches) == n_batches
            counts += np.bincount(np.concatenate(batches)[:, 0].astype(int))
        expected = 500 * max(n_rows, 50) * weights / weights.sum()
        # A pass rounds up or down.
        assert np.abs(counts - expected).max() < 5 * np.sqrt(500 / 4)
    # Larger batches than tell weights apart are not filled.
    learner = make_learner(batch_size=10**9)
    (batch,) = learner.batches(state, numbered_rows(3).weighted(np.array([1.0, 2, 3])))
    assert np.bincount(batch[:, 0].astype(int)).tolist() in [
        [167, 333, 500],
        [166, 334, 500],
        [167, 334, 499],
        [166, 333, 501],
    ]


def test_batches_of_bits_stay_bits():
    learner, model = make_learner(), Recorder()
    state = LearningState(model, model, None, noise_from(0), {})
    (batch,) = learner.batches(state, Rows(np.ones((3, 2), dtype=bool), None))
    assert batch.dtype == bool


def test_each_batch_is_an_update():
    state, seen = run_recorded(100)
    assert state.n_updates == len(seen) == 15
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


def values_of(state, seen):
    """The machine before each update and after the last."""
    return [update["value"] for update in seen] + [state.model.value[0, 0]]


def test_steps_follow_the_schedule():
    state, seen = run_recorded(20)
    assert [update["rate"] for update in seen] == [0, 10, 20]
    assert values_of(state, seen) == [0, 0, 10, 30]


def test_natural_steps_go_along_the_metric_and_are_shortened():
    """Gradient 1 and natural gradient 4: their product, 4, is a length of 2."""
    state, seen = run_recorded(20, metric=RecordingMetric())
    assert [update["rate"] for update in seen] == [1, 1, 1]
    assert values_of(state, seen) == [0, 0, 10 / 2 * 4, (10 + 20) / 2 * 4]


@pytest.mark.parametrize(
    ("metric", "direction", "rate"), [(None, 10, 10), (RecordingMetric(), 20, 15)]
)
def test_the_penalty_is_scaled_by_step_size_metric_and_schedule(
    metric, direction, rate
):
    """Of the rate 10 / 2 and the scale 3 of this metric, in the second update."""
    settings = {"alpha": 1.0, "l1_ratio": 0.25}
    state, seen = run_recorded(20, metric=metric, start=8.0, **settings)
    expected = (8 + direction - rate * 0.125) / (1 + rate * 0.375)
    assert values_of(state, seen)[:3] == pytest.approx([8, 8, expected])


def test_steps_are_made_of_rows_where_the_metric_favours_them(monkeypatch):
    """Rows are 7 of the data, and 3 of chains."""
    rows = independent_bits(35)
    energy = BinaryRBMEnergy.of(*random_rbm(6, N_FEATURES)).astype(np.float32)
    energy = energy.centred(np.full(N_FEATURES, 0.3))
    metric, made, asked = KroneckerMetric.start(energy, rows), [], []
    for favoured in (True, False):

        def favours_rows(metric, n_rows, it=favoured):
            asked.append(n_rows)
            return it

        with monkeypatch.context() as patched:
            patched.setattr(KroneckerMetric, "favours_rows", favours_rows)
            unused = "step" if favoured else "step_of_rows"
            patched.setattr(KroneckerMetric, unused, lambda *_: 1 / 0)
            learner = make_learner()
            state = LearningState(energy, energy, None, noise_from(2), {}, metric)
            learner.run(state, learner.batches(state, Rows(rows, None)), TenTimes())
        made.append(state.model.matrix)
        assert state.n_updates == 5
    assert asked == [10] * 10
    assert made[0].dtype == np.float32
    assert np.abs(made[0] - energy.matrix).max() > 1
    np.testing.assert_allclose(made[0], made[1], rtol=1e-4, atol=1e-4)


def pairwise_machine():
    return PairwiseEnergy.of(*random_boltzmann(4)).centred(np.full(4, 0.4))


def gaussian_rbm():
    return gaussian_machine("full", 3, 2).centred(None)


@pytest.mark.parametrize(
    "make",
    [lambda: BinaryRBMEnergy.of(*random_rbm(3, 4)), pairwise_machine, gaussian_rbm],
)
@pytest.mark.parametrize("natural", ["no", "full", "diagonal"])
def test_updates_change_no_machine_in_place(make, natural):
    """Neither the one they begin with, nor what the new ones have worked out."""
    energy, metric = make().astype(np.float32), None
    rows = np.random.default_rng(0).random((7, energy.n_visible)).astype(np.float32)
    if natural != "no":
        is_pairwise = isinstance(energy, PairwiseEnergy)
        metric = (PairMetric if is_pairwise else KroneckerMetric).start(
            energy,
            None if make is gaussian_rbm else rows,
            diagonal=natural == "diagonal",
        )
    before = energy.ravel()
    energy.free_energy(rows)  # which remembers what it works out
    alpha = 0.0 if natural == "full" else 0.01
    learner = make_learner(alpha=alpha, l1_ratio=0.5, drifting_offset=True)
    state = LearningState(energy, energy, None, noise_from(0), {}, metric)
    learner.run(state, [rows] * 3, Schedule(0.1, 3))
    np.testing.assert_array_equal(energy.ravel(), before)
    assert not np.array_equal(state.model.ravel(), before)
    for model in (state.model, state.averaged):
        afresh = model.with_arrays([array.copy() for array in model.arrays()])
        np.testing.assert_array_equal(model.free_energy(rows), afresh.free_energy(rows))


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


# ---- the average and what else becomes of it ----


def lag(n_updates, n_passes=1):
    """Say by how many the average lags behind machines 1, 2, 3, ..."""
    state, _ = run_recorded(7 * n_updates, n_passes=n_passes, schedule=Schedule(1.0))
    assert state.model.value == n_updates * n_passes
    return (state.model.value - state.averaged.value).item()


def test_the_average_reaches_back_over_a_ninth_then_over_five_hundred_updates():
    # Weights ~ k^8 have their mean at 9/10 of the way.
    assert lag(1, n_passes=200) == pytest.approx(200 / 10, rel=0.06)
    # Of what came before the last thousands exp(-11) is left.
    assert lag(1, n_passes=10_000) == pytest.approx(499, abs=0.01)
    # In a longer run the last of each ten iterates counts for all of them, which
    # brings the average 4.5 updates nearer.
    assert lag(1000, n_passes=10) == pytest.approx(494.5, abs=0.05)


@pytest.mark.parametrize("n_updates", [1, 2, 10, 11, 20])
def test_the_average_takes_in_the_last_iterate_of_every_run(n_updates):
    state, _ = run_recorded(7 * n_updates, schedule=Schedule(1.0))
    before = state.averaged.value
    make_learner().run(state, [np.zeros((7, 1))], Schedule(1.0))
    share = 9 / (10 + n_updates)
    expected = before + share * (n_updates + 1 - before)
    np.testing.assert_allclose(state.averaged.value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("alpha", "l1_ratio", "with_zeros"),
    [(0.0, 1.0, False), (0.1, 0.0, False), (0.1, 0.5, True)],
)
def test_the_result_is_the_average_with_the_zeros_of_the_last(
    alpha, l1_ratio, with_zeros
):
    averaged = BinaryRBMEnergy.of(np.ones((2, 2)), np.ones(2), np.ones(2))
    weights = np.array([[1.0, 0.0], [0.0, 3.0]])
    last = BinaryRBMEnergy.of(weights, np.zeros(2), np.zeros(2))
    state = LearningState(last, averaged, None, None, {})
    result = make_learner(alpha=alpha, l1_ratio=l1_ratio).result(state)
    expected = weights != 0 if with_zeros else np.ones((2, 2))
    np.testing.assert_array_equal(result.weights, expected)
    np.testing.assert_array_equal(result.visible_bias, 1)
    np.testing.assert_array_equal(averaged.weights, 1)


def test_the_penalty_is_that_of_the_weights():
    energy = BinaryRBMEnergy.of(np.array([[1.0, -2.0], [0.0, 3.0]]), [5, 5], [7, 7])
    learner = make_learner(alpha=0.5, l1_ratio=0.25)
    assert learner.penalty(energy) == 0.5 * (0.25 * 6 + 0.75 * 14 / 2)


def test_divergence_is_an_error():
    with pytest.raises(FloatingPointError, match=r"diverged after 2 updates.*Lower"):
        run_recorded(14, start=np.inf)


def test_tempered_chains_make_their_steps_on_the_ladders():
    """Further sweeps of the machine itself would cost time and add nothing."""
    learner = make_learner(n_chains=5, tempered_from=np.full(3, 0.5))
    model = BinaryRBMEnergy.of(np.ones((2, 3)), np.zeros(3), np.zeros(2))
    state = LearningState(model, model, None, noise_from(0, np.float64), {})
    chains, replicas, n_sweeps = learner._chains(state, model, np.ones((4, 3)))
    assert chains.shape == (5, 3)
    assert replicas.n_steps == 3
    assert n_sweeps == 1


# ---- estimators that learn by it ----


def oracle_of(rbm):
    return RBMOracle(rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_)


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
    rbm = BinaryRBM(2, early_stopping=False, random_state=0, **settings).fit(X)
    oracle = oracle_of(rbm)
    shortfall = exact_maximum - oracle.log_likelihood(X).mean()
    # 0.016 to 0.018 over four seeds of each: the last of a long narrow valley.
    assert 0 < shortfall < 0.025
    assert rbm.score(X) == pytest.approx(oracle.log_likelihood(X).mean(), abs=1e-10)


def test_learning_does_not_depend_on_which_value_is_called_one():
    X = correlated_bits() * (np.arange(N_FEATURES) < 6)
    rbm = BinaryRBM(2, early_stopping=False, random_state=0)
    scores = [rbm.fit(rows).score(rows) for rows in (X, 1 - X)]
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
        early_stopping=False,
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
        rbm._state.model.visible_offset[:-1], expected, rtol=1e-6
    )


def test_the_hidden_offset_follows_the_hidden_units():
    X = correlated_bits(4000)
    X = X[(X.mean(axis=1) > 0.5) | (np.arange(4000) % 8 == 0)]
    rbm = BinaryRBM(2, batch_size=20, random_state=0).fit(X)
    mean = rbm.transform(X).mean(axis=0)
    assert np.abs(mean - 0.5).min() > 0.3
    # A batch mean of 20 rows has error 0.07, a third of it after averaging.
    np.testing.assert_allclose(
        rbm._state.model.hidden_offset[:-1], mean, atol=4 * 0.07 / 3
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
    rbm = BinaryRBM(2, max_iter=2, random_state=0).fit(X)
    assert rbm._state.model.hidden_offset[:-1].all()
    for centering in (False, True, False):
        rbm.set_params(centering=centering).partial_fit(X)
        assert rbm._state.model.visible_offset[:-1].all() == centering
        assert centering or not rbm._state.model.hidden_offset.any()
    rbm.fit(X)
    assert not rbm._state.model.visible_offset.any()
    assert not rbm._state.model.hidden_offset.any()


# ---- machines whose hidden units are filled in for each batch ----

OFFSETS = np.array([0.4, 0.6, 0.3]), np.array([0.5, 0.5, 0.2])


def latent_machine(hidden_couplings=True, **settings):
    visible, hidden = np.ones((3, 3), dtype=bool), np.full((3, 3), hidden_couplings)
    graph = LayeredGraph.of_layers(visible, hidden, np.ones((3, 3), dtype=bool))
    couplings, bias = random_boltzmann(6)
    energy = LatentEnergy.of(couplings * graph.mask, bias, graph, **settings)
    return energy.shifted(*OFFSETS).astype(np.float32)


def law_of_visible(energy):
    law = BoltzmannOracle.of(energy.astype(np.float64)).law
    return law.reshape(8, 8).sum(axis=1)


def moments_of_filled(energy, n_rows=4000):
    """Fill each visible row in many times; give the hidden units and their law."""
    rows = np.repeat(all_states(3).astype(bool), n_rows, axis=0)
    filled = energy._posterior(rows, noise_from(0)).astype(float)
    law = BoltzmannOracle.of(energy.astype(np.float64)).law.reshape(8, 8)
    law = law / law.sum(axis=1, keepdims=True)
    hidden = all_states(3)
    exact = np.einsum("rh,hi,hj->rij", law, hidden, hidden)
    return filled.reshape(8, n_rows, 3), exact


@pytest.fixture
def nothing_summed(monkeypatch):
    monkeypatch.setattr(latent, "_MOST_FIELDS", 0)


@pytest.mark.usefixtures("nothing_summed")
def test_gibbs_fills_rows_in_by_draws_of_the_posterior():
    filled, exact = moments_of_filled(latent_machine(posterior="gibbs"))
    assert set(np.unique(filled)) == {0, 1}
    for drawn, moments in zip(filled, exact, strict=True):
        assert_mean_is(moments, np.einsum("ni,nj->nij", drawn, drawn))


@pytest.mark.usefixtures("nothing_summed")
def test_mean_field_fills_rows_in_by_its_means():
    energy = latent_machine(n_posterior_steps=100)
    filled, _ = moments_of_filled(energy, 2)
    mean = filled[:, 0]
    np.testing.assert_array_equal(mean, filled[:, 1])
    field = all_states(3) @ energy.couplings[:3, 3:] + energy.bias[3:]
    np.testing.assert_allclose(
        mean, expit(field + mean @ energy.couplings[3:, 3:]), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("posterior", ["mean_field", "gibbs"])
def test_rows_are_filled_in_by_the_exact_posterior_where_it_is_cheap(posterior):
    filled, exact = moments_of_filled(latent_machine(posterior=posterior))
    upper = np.triu_indices(3, 1)
    for drawn, moments in zip(filled, exact, strict=True):
        products = np.einsum("ni,nj->nij", drawn, drawn)
        # The square of a unit that takes its mean is not in the gradient.
        assert_mean_is(moments[upper], products[:, *upper])
        assert_mean_is(np.diag(moments), drawn)


@pytest.mark.parametrize("posterior", ["mean_field", "gibbs"])
def test_an_exact_posterior_is_not_drawn(posterior):
    energy = latent_machine(hidden_couplings=False, posterior=posterior)
    filled, _ = moments_of_filled(energy, 1)
    field = all_states(3) @ energy.couplings[:3, 3:] + energy.bias[3:]
    np.testing.assert_allclose(filled[:, 0], expit(field), rtol=0, atol=1e-6)


@pytest.mark.parametrize("posterior", ["mean_field", "gibbs"])
def test_the_rule_follows_the_gradient_of_the_likelihood(posterior):
    """Of data that are not the machine's, by enumeration of both its sides."""
    energy = latent_machine(posterior=posterior)
    oracle = BoltzmannOracle.of(energy.astype(np.float64))
    counts = np.arange(1, 9)
    rows = np.repeat(all_states(3), counts, axis=0).astype(bool)
    exact = energy.astype(np.float64).positive_phase(
        rows.astype(float), np.full(len(rows), 1 / len(rows))
    )[1]
    exact = exact - energy.astype(np.float64).negative_phase()[1]
    rng, noise, directions = np.random.default_rng(2), noise_from(0), []
    for _ in range(1000):
        chains = oracle.draw(50, rng).astype(bool)
        directions.append(contrast(energy, rows, chains, noise)[0].ravel())
    assert np.abs(exact.ravel()).max() > 0.1
    assert_mean_is(exact.ravel(), directions)


def latent_learner(**settings):
    settings = {"n_chains": 50, "n_gibbs_steps": 1, "batch_size": 100, **settings}
    return make_learner(**settings)


@pytest.mark.parametrize("hidden_couplings", [True, False])
def test_learning_rests_at_the_law_of_the_data(hidden_couplings):
    """Rows drawn from the machine leave it where it is, but for noise."""
    energy = latent_machine(hidden_couplings, posterior="gibbs")
    law = law_of_visible(energy)
    drawn = np.random.default_rng(0).choice(8, 60_000, p=law)
    rows = Rows(all_states(3)[drawn].astype(bool), None)
    learner = latent_learner()
    state = LearningState(energy, energy, None, noise_from(0), {})
    batches = islice(learner.batches(state, rows), 600)
    learner.run(state, batches, Schedule(0.02, 600, 1.0))
    assert state.n_updates == 600
    assert state.chains.shape == (50, 6)
    learned = law_of_visible(state.averaged)
    assert np.sum(law * np.log(law / learned)) < 0.003
    couplings = state.averaged.couplings
    np.testing.assert_array_equal(couplings != 0, energy.couplings != 0)


def test_learning_approaches_the_law_of_the_data():
    """Three units that are on or off together, but for one in ten."""
    n_on = all_states(3).sum(axis=1)
    law = (0.9**n_on * 0.1 ** (3 - n_on) + 0.1**n_on * 0.9 ** (3 - n_on)) / 2
    chosen = np.random.default_rng(0).choice(8, 40_000, p=law)
    table = all_states(3)[chosen].astype(bool)
    energy = 0 * latent_machine(posterior="gibbs")
    metric = PairMetric.start(energy, table[:50])
    learner = latent_learner(drifting_offset=True)
    state = LearningState(energy, energy, None, noise_from(0), {}, metric)
    batches = learner.batches(state, Rows(table, None))
    learner.run(state, batches, Schedule(0.1, 400, 0.5))

    def divergence(energy):
        return np.sum(law * np.log(law / law_of_visible(energy)))

    assert divergence(energy) > 0.5
    assert divergence(state.averaged) < 0.005


def test_offsets_drift_with_the_hidden_means_and_change_no_law():
    energy = latent_machine()
    rows = np.ones((100, 3), dtype=bool)
    learner = latent_learner(drifting_offset=True)
    state = LearningState(energy, energy, None, noise_from(0), {})
    learner.run(state, [rows], Schedule(1e-9, 1))
    drift = state.model.offset[:-1] - energy.offset[:-1]
    np.testing.assert_array_equal(drift[:3], 0)
    mean = energy._posterior(rows[:1], None)[0]  # of mean field, as the offsets
    expected = 0.2 * (mean - OFFSETS[1])
    np.testing.assert_allclose(drift[3:], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        state.model.plain().matrix, energy.plain().matrix, rtol=0, atol=1e-5
    )
