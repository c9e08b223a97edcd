import numpy as np
import pytest
from oracle import all_states, random_rbm
from scipy.special import logit, logsumexp
from statistical import assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition import trajectory
from skebm.partition.trajectory import PartitionTrajectory
from skebm.sampling.path import IndependentStart, Line, Path
from skebm.sampling.random import UniformNoise

# One more than are enumerated on the way is enough; two more are quickly enumerated.
N_UNITS = 12
MEAN = np.full(N_UNITS, 0.5)


@pytest.fixture(autouse=True)
def no_short_sums(monkeypatch):
    """Let chains follow machines that are small enough to be summed."""
    monkeypatch.setattr(BinaryRBMEnergy, "sums_quickly", False)


def machine(scale, seed):
    return BinaryRBMEnergy.of(*random_rbm(N_UNITS, N_UNITS, scale=scale, seed=seed))


def log_probabilities(energy):
    """Give the logarithms of all visible configurations' probabilities, times Z."""
    visible = all_states(energy.n_visible)
    field = visible @ energy.weights.T + energy.hidden_bias
    return visible @ energy.visible_bias + np.logaddexp(0, field).sum(axis=1)


def exact_log_partition(energy):
    return logsumexp(log_probabilities(energy))


def start(seed=0, mean=MEAN, **settings):
    noise = UniformNoise(np.random.default_rng(seed), np.float32)
    return PartitionTrajectory(mean, noise, **settings)


def follow(path, seed, **settings):
    """Give log Z and its stated error at each machine of a path."""
    way, results = start(seed, **settings), []
    for energy in path:
        way.advance(energy)
        results.append((way.log_partition, way.std))
    return np.transpose(results)


def follow_often(path, n_seeds, **settings):
    """Give errors of log Z and stated errors, each of shape (n_seeds, n_machines).

    In few steps, unless told otherwise: what is unbiased is so in any number of them.
    """
    settings = {"most_steps": 25, **settings}
    exact = np.array([exact_log_partition(energy) for energy in path])
    results = np.array([follow(path, seed, **settings) for seed in range(n_seeds)])
    return results[:, 0] - exact, results[:, 1]


@pytest.fixture(scope="module")
def random_path():
    """Six machines on the way between two with other couplings."""
    first, last = machine(0.5, seed=0), machine(1.2, seed=1)
    return [first.blend(last, share) for share in np.linspace(0, 1, 6)]


@pytest.fixture(scope="module")
def learned_path():
    """Machines met on the way to the maximum of a likelihood, by plain ascent."""
    base = np.random.default_rng(0).random((200, 3)) < [0.2, 0.5, 0.7]
    flipped = np.random.default_rng(1).random((200, N_UNITS)) < 0.05
    table = (np.repeat(base, 4, axis=1) ^ flipped).astype(float)
    weights = 0.1 * np.random.default_rng(2).standard_normal((N_UNITS, N_UNITS))
    energy = BinaryRBMEnergy.of(weights, np.zeros(N_UNITS), np.zeros(N_UNITS))
    energy, path = energy.centred(table.mean(axis=0)), []
    for _ in range(8):
        for _ in range(15):
            gradient = energy.statistics(table) - energy.negative_phase()[1]
            energy = energy + 0.5 * gradient
        path.append(energy)
    assert np.abs(path[-1].weights).max() > 2
    return path


@pytest.mark.parametrize(("n_hidden", "n_visible"), [(10, 14), (14, 10), (2, 3)])
def test_small_layers_are_enumerated(n_hidden, n_visible):
    way = start(mean=np.full(n_visible, 0.5))
    assert np.isnan(way.log_partition)
    for seed in range(2):
        energy = BinaryRBMEnergy.of(*random_rbm(n_hidden, n_visible, seed=seed))
        way.advance(energy)
        exact = exact_log_partition(energy)
        assert way.log_partition == pytest.approx(exact, rel=1e-12)
        assert way.std == 0


def test_independent_units_are_exact():
    """The way starts there: all weights are equal, for any number of units."""
    mean, hidden_bias = np.linspace(0.01, 0.99, N_UNITS), np.linspace(-2, 3, N_UNITS)
    weights = np.zeros((N_UNITS, N_UNITS))
    way = start(mean=mean)
    way.advance(BinaryRBMEnergy.of(weights, logit(mean), hidden_bias))
    exact = np.logaddexp(0, logit(mean)).sum() + np.logaddexp(0, hidden_bias).sum()
    # Parameters are rounded to float32.
    assert way.log_partition == pytest.approx(exact, rel=1e-6)
    assert way.std < 1e-5


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"_RESAMPLED_BELOW": 0.0},
        {"_RESAMPLED_BELOW": 1.1},
        {"_RESTARTED_BELOW": 1.1},
        {"_FEWEST_STEPS": 2, "_STEP_VARIANCE": 10.0},
    ],
    ids=str,
)
def test_the_partition_function_is_unbiased(monkeypatch, random_path, settings):
    """Its logarithm is not, by half the variance."""
    for name, value in settings.items():
        monkeypatch.setattr(trajectory, name, value)
    errors, _ = follow_often(random_path[1::2], 60)
    assert_mean_is(1.0, np.exp(errors))
    assert errors.std(axis=0, ddof=1).max() < 0.3


def test_the_partition_function_is_unbiased_in_few_steps_and_from_other_means(
    random_path,
):
    mean = np.linspace(0.2, 0.8, N_UNITS)
    errors, _ = follow_often(random_path[1::2], 100, most_steps=10, mean=mean)
    assert_mean_is(1.0, np.exp(errors))


@pytest.mark.parametrize("path", ["random_path", "learned_path"])
def test_no_machine_on_the_way_is_off_by_much(request, path):
    """An error of 400 chains at half their worth is 0.05 nats."""
    path = request.getfixturevalue(path)
    errors, _ = follow_often(path, 20, most_steps=200)
    assert np.abs(errors).max() < 5 * 0.05


@pytest.mark.slow
def test_the_stated_error_is_that_of_repetitions(monkeypatch, random_path):
    """As long as no chain has been replaced, whose weights would be forgotten."""
    monkeypatch.setattr(trajectory, "_RESAMPLED_BELOW", 0.0)
    errors, stated = follow_often(random_path[:3], 200, most_steps=20)
    scatter = np.sqrt((errors**2).mean(axis=0))
    # The scatter of 200 is itself known to a share of 1 / sqrt(400).
    np.testing.assert_allclose(
        np.sqrt((stated**2).mean(axis=0)), scatter, rtol=4 / np.sqrt(400)
    )


def two_modes(tilt):
    """All units mostly equal: on more often than off by exp(24 * tilt) in all."""
    weights = np.full((N_UNITS, N_UNITS), 1.0)
    bias = -weights.sum(axis=0) / 2 + tilt
    return BinaryRBMEnergy.of(weights, bias, bias)


def test_modes_that_chains_do_not_leave_keep_their_weights():
    """The odds of the modes go from even to one in ten, which no sweep can do."""
    path = [two_modes(tilt) for tilt in (0.0, -0.03, -0.06, -0.1)]
    n_on = all_states(N_UNITS).sum(axis=1)
    log_law = log_probabilities(path[0]) - exact_log_partition(path[0])
    assert np.exp(log_law[(n_on > 3) & (n_on < 9)]).sum() < 0.001
    assert exact_log_partition(path[0]) - exact_log_partition(path[-1]) > 0.5
    errors, _ = follow_often(path, 100)
    assert_mean_is(1.0, np.exp(errors))
    assert errors.std(axis=0, ddof=1).max() < 0.15


def watch_moves(monkeypatch, kind):
    """Give a list that takes in the path and both temperatures of each move."""
    moves, method = [], kind.move

    def move(path, rows, beta, next_beta, noise):
        moves.append((path, beta, next_beta))
        return method(path, rows, beta, next_beta, noise)

    monkeypatch.setattr(kind, "move", move)
    return moves


def test_longer_ways_take_more_steps(monkeypatch):
    moves = watch_moves(monkeypatch, Line)
    first, last = machine(0.1, seed=0), machine(1.0, seed=1)
    way, lengths = start(), []
    for energy in (first, first, first.blend(last, 0.3), last):
        del moves[:]
        way.advance(energy)
        lengths.append(len(moves))
    assert lengths[:2] == [0, 2]
    assert 2 < lengths[2] < lengths[3] == 20


@pytest.mark.parametrize("most_steps", [200, 30])
def test_a_long_way_is_cut_into_even_steps(monkeypatch, most_steps):
    moves, far = watch_moves(monkeypatch, Path), machine(5.0, seed=2)
    start(most_steps=most_steps).advance(far)
    paths, before, after = zip(*moves, strict=True)
    np.testing.assert_array_equal(after, np.arange(1, most_steps + 1) / most_steps)
    np.testing.assert_array_equal(before[1:], after[:-1])
    assert before[0] == 0
    np.testing.assert_array_equal(paths[-1].end.weights, np.float32(far.weights))


def count_starts(monkeypatch):
    starts = []

    def independent_start(units, mean):
        starts.append(mean)
        return IndependentStart(units, mean)

    monkeypatch.setattr(trajectory, "IndependentStart", independent_start)
    return starts


def test_chains_go_on_where_they_are(monkeypatch, random_path):
    starts = count_starts(monkeypatch)
    follow(random_path, 0)
    assert len(starts) == 1


def test_a_jump_too_far_for_the_chains_starts_over(monkeypatch):
    """Weights that have become worthless are not carried on."""
    monkeypatch.setattr(trajectory, "_RESAMPLED_BELOW", 0.0)
    starts = count_starts(monkeypatch)
    way = start(most_steps=10)
    # Most units off, and then on: twenty steps do not turn one into the other.
    for n_starts, bias in enumerate((-2.0, 4.0), 1):
        energy = BinaryRBMEnergy.of(
            np.zeros((N_UNITS, N_UNITS)), np.full(N_UNITS, bias), np.zeros(N_UNITS)
        )
        way.advance(energy)
        assert len(starts) == n_starts
        assert abs(way.log_partition - exact_log_partition(energy)) < 5 * way.std


def test_chains_of_little_weight_are_replaced(monkeypatch, random_path):
    """And the error that they made until then is not forgotten."""
    counts = []
    resample = PartitionTrajectory._resample
    monkeypatch.setattr(
        PartitionTrajectory,
        "_resample",
        lambda way: (counts.append(way._effective_share()), resample(way)),
    )
    monkeypatch.setattr(trajectory, "_RESAMPLED_BELOW", 0.97)
    _, often = follow(random_path, 0)
    assert len(counts) > 0
    assert max(counts) < 0.97
    monkeypatch.setattr(trajectory, "_RESAMPLED_BELOW", 0.0)
    _, never = follow(random_path, 0)
    # Weights that are carried along add up; those replaced count once.
    assert often.min() > 0.005
    assert often[-1] < never[-1]


def test_is_deterministic(random_path):
    np.testing.assert_array_equal(follow(random_path, 3), follow(random_path, 3))
    assert not np.array_equal(follow(random_path, 3), follow(random_path, 4))


def test_draws_are_chains_in_proportion_to_their_weights():
    way = start(n_chains=40)
    way.advance(machine(0.5, seed=0))
    numbered = np.repeat(np.arange(40.0)[:, np.newaxis], N_UNITS, axis=1)
    way._rows, way._log_weights = numbered, np.log([3.0] * 10 + [1 / 3] * 30)
    drawn, counts = np.unique(way.draws()[:, 0], return_counts=True)
    wanted = np.array([3.0] * 10 + [1 / 3] * 30)
    found = np.zeros(40)
    found[drawn.astype(int)] = counts
    # Systematic resampling is off by less than one.
    assert np.abs(found - wanted).max() < 1
    assert found.sum() == 40


def test_draws_have_the_law_of_the_machine(random_path):
    """Over seeds, which are independent; those of one follow from common ancestors."""
    energy, visible = random_path[-1], all_states(N_UNITS)
    log_law = log_probabilities(energy)
    exact = np.exp(log_law - logsumexp(log_law)) @ visible
    means = []
    for seed in range(60):
        way = start(seed, n_chains=100)
        for passed in random_path:
            way.advance(passed)
        means.append(way.draws().mean(axis=0))
    for column, mean in zip(np.transpose(means), exact, strict=True):
        assert_mean_is(mean, column, n_errors=4)


def test_draws_leave_chains_and_noise_as_they_are():
    way, other = start(), start()
    for each in (way, other):
        each.advance(machine(0.5, seed=0))
    assert other.draws().shape == (400, N_UNITS)
    for each in (way, other):
        each.advance(machine(0.7, seed=0))
    assert way.log_partition == other.log_partition


def test_a_sum_needs_no_draws(monkeypatch):
    monkeypatch.setattr(BinaryRBMEnergy, "sums_quickly", True)
    way = start()
    way.advance(machine(0.5, seed=0))
    assert way.draws() is None
