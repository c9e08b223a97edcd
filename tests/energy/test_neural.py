"""The energy of a network against quadrature in one and two columns."""

import numpy as np
import pytest
from annealing import annealed
from neural_energies import Grid, definition, neural_energy
from scipy.special import logsumexp
from statistical import assert_mean_is

from skebm.learning.contrastive import ContrastiveLearning, LearningState, contrast
from skebm.learning.schedule import Schedule
from skebm.partition.log_partition import anneal_log_partition
from skebm.partition.trajectory import PartitionTrajectory
from skebm.sampling.path import IndependentStart, Line, Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import adapt_ladder, start_replicas, temper
from skebm.units.gaussian import GaussianUnits

N_ROWS = 20_000


@pytest.fixture(scope="module")
def grid():
    return Grid(neural_energy())


@pytest.fixture(scope="module")
def energy(grid):
    return grid.energy


def noise(seed=0, dtype=np.float32):
    return UniformNoise(np.random.default_rng(seed), dtype)


def white_of(energy):
    return energy.marginal()[0]


def assert_law(grid, white, beta=1.0, tilt=0.0):
    """Hold moments to quadrature: five standard errors of independent rows."""
    exact = grid.moments(beta, tilt)
    assert_mean_is(exact, grid.features(white.astype(float)))


# ---- scores ----


def test_free_energy_is_that_of_the_definition(energy):
    rows = np.random.default_rng(0).normal(0, 2, (9, 2))
    white = rows @ energy.visible.whitening.T
    exact = (white**2).sum(axis=1) / 2 + definition(energy, white)
    np.testing.assert_allclose(energy.free_energy(rows), exact, atol=1e-12)
    context = energy.context(energy.complete(rows, None))
    for beta in (0.0, 0.5, 1.0, np.linspace(0, 2, 9)):
        exact = -beta * ((white**2).sum(axis=1) / 2 + definition(energy, white))
        np.testing.assert_allclose(energy.score(context, beta), exact, atol=1e-12)
        ratio = energy.log_ratio(context, beta, 0.7)
        exact = (beta - 0.7) * definition(energy, white)
        np.testing.assert_allclose(ratio, exact, atol=1e-12)
    np.testing.assert_allclose(energy.visible_of(white, None), rows, atol=1e-12)


def test_log_partition_is_an_integral(energy, grid):
    """In units of users, by annealing from the normal distribution and the draws."""
    machine, log_summed = energy.marginal()
    estimate = annealed(machine)
    exact = grid.log_partition()
    assert abs(estimate.lower - exact) < 5 * estimate.lower_std
    assert abs(estimate.upper - exact) < 5 * estimate.upper_std
    assert 0 < estimate.lower_std < 0.1
    log_det = np.log(np.prod(np.diag(energy.visible.whitening)))
    assert log_summed == pytest.approx(0.7 - log_det, abs=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_machines_at_a_temperature(energy, temperature):
    rows = np.random.default_rng(0).normal(0, 2, (9, 2))
    result = energy.at_temperature(temperature).free_energy(rows)
    exact = energy.free_energy(rows) / temperature
    np.testing.assert_allclose(result, exact, atol=1e-11)


@pytest.mark.parametrize("sizes", [(1, 4), (2, 4, 3), (3, 5)])
def test_conditionals_are_ratios_of_integrals(sizes):
    energy = neural_energy(sizes, seed=1)
    rows = np.random.default_rng(0).normal(0, 2, (5, sizes[0]))
    rows[0] *= 20  # far out, where no grid around the others' mean reaches
    result = energy.conditional_log_likelihood(rows)
    axis = np.linspace(-150, 150, 60_001)
    for column in range(sizes[0]):
        for number, row in enumerate(rows):
            line = np.tile(row, (len(axis), 1))
            line[:, column] = axis
            integral = logsumexp(-energy.free_energy(line)) + np.log(axis[1] - axis[0])
            exact = -energy.free_energy(row[np.newaxis])[0] - integral
            assert result[number, column] == pytest.approx(exact, abs=1e-7)


# ---- vectors and gradients ----


def test_energies_are_vectors(energy):
    rng, rows = np.random.default_rng(0), np.random.default_rng(1).normal(0, 1, (4, 2))
    other = energy.unravel(rng.normal(0, 0.3, len(energy.ravel())))
    close = {"atol": 1e-12}
    np.testing.assert_allclose(
        (energy + other - other).ravel(), energy.ravel(), **close
    )
    np.testing.assert_allclose((3 * energy).ravel(), 3 * energy.ravel(), **close)
    between = energy.blend(other, 0.3).ravel()
    np.testing.assert_allclose(between, (0.7 * energy + 0.3 * other).ravel(), **close)
    changing = energy + other
    changing.free_energy(rows)  # and whatever it keeps
    changing -= other
    np.testing.assert_allclose(
        changing.free_energy(rows), energy.free_energy(rows), atol=1e-10
    )
    fast = energy.astype(np.float32)
    assert fast.dtype == fast.free_energy(rows).dtype == np.float32
    assert not energy.has_diverged()
    assert energy.unravel(energy.ravel() * np.nan).has_diverged()
    assert (1e9 * energy).has_diverged()
    n_weights = 2 * 4 + 4 * 3 + 3
    assert energy.weights.size == n_weights
    assert np.shares_memory(energy.penalised, energy.vector)


@pytest.mark.parametrize("moves_visible", [False, True])
def test_gradients_are_finite_differences(energy, moves_visible):
    rows = np.random.default_rng(0).normal(0, 1.5, (6, 2))
    by_row = energy.gradient(rows)
    for column in range(2):
        step = 1e-5 * (np.arange(2) == column)
        slope = energy.free_energy(rows + step) - energy.free_energy(rows - step)
        np.testing.assert_allclose(by_row[:, column], slope / 2e-5, atol=1e-8)
    row_weights = np.random.default_rng(1).uniform(0, 1, 6)
    vector, gradient = energy.ravel(), energy.statistics(rows, row_weights).ravel()
    for number in range(len(vector)):
        step = 1e-5 * (np.arange(len(vector)) == number)
        slope = row_weights @ (
            energy.unravel(vector - step).free_energy(rows)
            - energy.unravel(vector + step).free_energy(rows)
        )
        assert gradient[number] == pytest.approx(slope / 2e-5, abs=1e-8)
    plain = energy.statistics(rows).ravel()
    equal = energy.statistics(rows, np.full(6, 1 / 6)).ravel()
    np.testing.assert_allclose(plain, equal, atol=1e-12)
    white = energy.complete(rows, None)
    np.testing.assert_allclose(
        energy.chain_statistics(white).ravel(), plain, atol=1e-12
    )


def test_statistics_of_data_less_those_of_the_model_are_the_gradient(energy, grid):
    """Of the mean log-likelihood, with log Z by quadrature."""
    rows = np.random.default_rng(0).normal(0, 1, (5, 2))
    weight = grid.log_weight()
    law = np.exp(weight - logsumexp(weight))
    model = white_of(energy).statistics(grid.white, law)
    gradient = (energy.statistics(rows) - model).ravel()

    def objective(vector):
        other = energy.unravel(vector)
        return -other.free_energy(rows).mean() - Grid(other).log_partition()

    rng, vector = np.random.default_rng(1), energy.ravel()
    for _ in range(4):
        step = 1e-5 * rng.normal(size=vector.shape)
        slope = objective(vector + step) - objective(vector - step)
        assert 2 * gradient @ step == pytest.approx(slope, abs=1e-10)


@pytest.mark.parametrize("activation", ["softplus", "tanh"])
def test_other_activations(activation):
    """Scores, slopes, log Z by quadrature and the law of sweeps."""
    energy = neural_energy(activation=activation)
    rows = np.random.default_rng(0).normal(0, 1.5, (6, 2))
    white, slopes = energy.complete(rows, None), energy.gradient(rows)
    exact = (white**2).sum(axis=1) / 2 + definition(energy, white)
    np.testing.assert_allclose(energy.free_energy(rows), exact, atol=1e-12)
    for column in range(2):
        step = 1e-5 * (np.arange(2) == column)
        slope = energy.free_energy(rows + step) - energy.free_energy(rows - step)
        np.testing.assert_allclose(slopes[:, column], slope / 2e-5, atol=1e-8)
    vector, gradient = energy.ravel(), energy.statistics(rows).ravel()
    for number in range(len(vector)):
        step = 1e-5 * (np.arange(len(vector)) == number)
        slope = energy.unravel(vector - step).free_energy(rows).mean()
        slope -= energy.unravel(vector + step).free_energy(rows).mean()
        assert gradient[number] == pytest.approx(slope / 2e-5, abs=1e-8)
    grid, fast = Grid(energy), energy.astype(np.float32)
    estimate = anneal_log_partition(
        white_of(energy),
        np.zeros(2),
        tol=0.05,
        max_temperatures=100,
        n_chains=100,
        n_steps=50,
        rng=np.random.default_rng(0),
    )
    error = estimate.lower - grid.log_partition()
    assert abs(error) < 5 * estimate.lower_std < 0.5
    moved = fast.gibbs(grid.draw(N_ROWS).astype(np.float32), noise(), 5)
    assert_law(grid, moved)


def test_descent_takes_correlated_columns_together():
    """Without a say of the network one step leads to the minimum, some columns held."""
    energy = neural_energy((3, 4), seed=2)
    energy = energy.unravel(0 * energy.ravel())
    rows = np.random.default_rng(0).normal(0, 1, (5, 3))
    for n_free in (3, 2, 0):
        free = np.arange(3) < n_free
        after = energy.relaxed(rows, np.ones(3, dtype=bool), free)
        np.testing.assert_array_equal(after[:, ~free], rows[:, ~free])
        slopes = energy.gradient(after)[:, free]
        np.testing.assert_allclose(slopes, 0, atol=1e-12)


# ---- chains ----


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("how", ["plain", "tilted", "beta of each row"])
def test_sweeps_leave_the_law_as_it_is(energy, grid, beta, how):
    tilt = np.array([0.5, -0.8]) if how != "plain" else 0.0
    white = grid.draw(N_ROWS, beta, tilt).astype(np.float32)
    settings = {} if how == "plain" else {"tilt": tilt.astype(np.float32)}
    if how == "beta of each row":
        settings = {"tilt": np.tile(settings["tilt"], (N_ROWS, 1))}
        beta_each = np.full(N_ROWS, beta)
    else:
        beta_each = beta
    fast = energy.astype(np.float32)
    moved = fast.gibbs(white, noise(), 5, beta=beta_each, **settings)
    assert (moved != white).any(axis=1).mean() > 0.5
    assert_law(grid, moved, beta, tilt)


@pytest.mark.parametrize("tilt", [None, 0.5])
@pytest.mark.parametrize("full", [True, False])
def test_visible_chains_leave_the_law_as_it_is_and_hold_columns(tilt, full):
    energy = neural_energy()
    if not full:
        units = energy.visible.of_base(np.diag(energy.visible.whitening).copy())
        energy = energy.replaced(visible=units)
    grid = Grid(energy)
    tilts = np.zeros(2) if tilt is None else np.array([tilt, -tilt])
    machine, constant = energy.astype(np.float32).with_visible_chains()
    assert constant == 0
    white = grid.draw(N_ROWS, 1.0, tilts)
    rows = energy.visible_of(white, None).astype(np.float32)
    held = np.random.default_rng(3).random(rows.shape) < 0.5
    given = {"tilt": tilts.astype(np.float32)} if tilt is not None else {}
    moved = machine.gibbs(rows, noise(), 5, fixed=held, **given)
    np.testing.assert_array_equal(moved[held], rows[held])
    assert (moved != rows).mean() > 0.2
    assert_law(grid, energy.complete(moved, None), 1.0, tilts)


def test_sweeps_have_reversals(energy, grid):
    """Pairs of a row and the next one are as often met by the reversal, from behind."""
    white = grid.draw(N_ROWS).astype(np.float32)
    fast = energy.astype(np.float32)
    context, before, source = fast.context(white), grid.features(white), noise()
    there = grid.features(fast.sweep(context, source))
    back = grid.features(fast.sweep(context, source, reverse=True))
    difference = before * np.roll(there, 1, axis=1) - back * np.roll(before, 1, axis=1)
    assert_mean_is(np.zeros(difference.shape[1]), difference)


def test_leaps_find_what_slopes_do_not_lead_to():
    """Behind a rise of ten nats a hole that holds nearly all of Z."""
    far = 5.0
    sizes, slope = (2, 1), 11.0
    vector = np.array([4.0, 0.0, -slope / 4, -4.0 * far])
    base = neural_energy(sizes)
    energy = base.replaced(vector=vector, visible=GaussianUnits.of_base(np.ones(2)))
    grid = Grid(energy, reach=20.0)
    high = grid.log_weight().max()
    middle = grid.log_weight()[np.abs(grid.white - [far, 0]).sum(axis=1).argmin()]
    assert high > 5
    assert middle < -10
    estimate = annealed(energy.marginal()[0])
    exact = grid.log_partition()
    assert abs(estimate.lower - exact) < 5 * estimate.lower_std < 1
    start = np.zeros((2000, 2), np.float32)
    moved = energy.astype(np.float32).gibbs(start, noise(1), 200)
    assert (moved[:, 0] > far).mean() > 0.95


def test_chains_from_one_place_come_to_the_law(energy, grid):
    white = np.full((4000, 2), 1.0, np.float32)
    moved = energy.astype(np.float32).gibbs(white, noise(1), 300)
    assert_law(grid, moved)


def test_tempering_draws_from_the_law(energy, grid):
    machine = white_of(energy).astype(np.float32)
    path, source = Path(IndependentStart(machine.units, np.zeros(2)), machine), noise(7)
    betas = adapt_ladder(path, path.draw(8, source), source, n_steps=60).betas
    worst = np.full((2000, 2), 3.0, np.float32)
    replicas = temper(path, start_replicas(betas, worst), source, n_steps=60)
    assert_law(grid, replicas.coldest)


def test_lines_join_machines(energy, grid):
    machine, half = white_of(energy).astype(np.float32), 0.5 * white_of(energy)
    line, source = Line(half.astype(np.float32), machine), noise(8)
    before = Grid(half)
    rows, log_weights = before.draw(10_000).astype(np.float32), 0.0
    for step in range(5):
        rows, more = line.move(rows, step / 5, (step + 1) / 5, source)
        log_weights = log_weights + more
    ratio = np.exp(grid.log_partition() - before.log_partition())
    assert_mean_is(np.array([ratio]), np.exp(log_weights)[:, np.newaxis])


def test_the_length_follows_what_chains_take(energy):
    fast = energy.astype(np.float32).replaced(length=1e-3)
    batch = np.zeros((5, 2), np.float32)
    chains, source = np.zeros((200, 2), np.float32), noise(2)
    lengths = []
    for _ in range(400):
        direction, chains = fast.contrast(batch, chains, source)
        fast = fast.replaced(length=direction.length)
        lengths.append(direction.length)
    assert lengths[0] > 1e-3
    assert 0.05 < lengths[-1] <= 2.0
    _, taken = fast.moved(fast.context(chains), source, 50)
    assert taken > 0.5
    # Otherwise it stays as it is, and the direction is that of the plain rule.
    assert fast.blend(fast, 0.5).length == fast.length
    own = fast.contrast(batch, chains, noise(3), 1, 0.5)
    plain = contrast(fast, batch, chains, noise(3), 1, 0.5)
    np.testing.assert_allclose(own[0].ravel(), plain[0].ravel(), atol=1e-6)
    np.testing.assert_array_equal(own[1], plain[1])


# ---- minima, learning ----


def test_real_columns_relax_downhill(energy):
    rows = np.random.default_rng(4).normal(0, 2, (5, 2))
    observed = np.ones(2, bool)
    for free in (observed, np.array([True, False])):
        now = rows
        for _ in range(400):
            after = energy.relaxed(now, observed, free)
            rise = energy.free_energy(after) - energy.free_energy(now)
            assert rise.max() < 1e-12
            np.testing.assert_array_equal(after[:, ~free], rows[:, ~free])
            at_rest, now = np.array_equal(after, now), after
            if at_rest:
                break
        assert np.abs(energy.gradient(now)[:, free]).max() < 1e-4


def test_learning_raises_the_exact_likelihood():
    """From the normal distribution to half of what is there to gain."""
    truth = Grid(neural_energy(seed=3))
    white = truth.draw(2000, seed=1).astype(np.float32)
    weight = truth.log_weight()
    law = np.exp(weight - logsumexp(weight))
    best = law @ (weight - truth.log_partition())
    start = 0.1 * white_of(neural_energy((2, 16), seed=5)).astype(np.float32)
    learner = ContrastiveLearning(
        persistent=True,
        n_chains=200,
        n_gibbs_steps=3,
        batch_size=200,
        tempered_from=None,
        drifting_offset=True,
        alpha=0.0,
        l1_ratio=0.0,
    )
    state = LearningState(start, start, None, noise(9), {})
    learner.run(state, [white[i::10] for i in range(10)] * 40, Schedule(0.1))

    def expected(energy):
        own = Grid(energy.astype(np.float64))
        return law @ (own.log_weight() - own.log_partition())

    before, after = expected(start), expected(state.averaged)
    assert best - after < (best - before) / 2
    # And the way from the first machine to the last has the log Z of the last.
    way = PartitionTrajectory(np.zeros(2), noise(10))
    way.advance(start)
    way.advance(state.averaged)
    exact = Grid(state.averaged.astype(np.float64)).log_partition()
    assert abs(way.log_partition - exact) < 5 * way.std + 0.02
