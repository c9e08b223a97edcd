"""Gaussian machines whose chains make Langevin steps, beside their exact mixtures."""

import numpy as np
import pytest
from annealing import annealed
from gaussian_machines import KINDS, gaussian_machine, oracle_of, rows_of
from statistical import assert_mean_is

from skebm.energy.langevin_rbm import LangevinGaussianRBMEnergy
from skebm.learning.contrastive import contrast
from skebm.partition.enumeration import draw_enumerated, enumerate_log_partition
from skebm.sampling.path import IndependentStart, Line, Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import adapt_ladder, start_replicas, temper

N_ROWS = 20_000


def langevin_machine(kind, *sizes, **settings):
    """Draw a machine, with offsets, that moves rows."""
    energy = gaussian_machine(kind, *sizes, **settings)
    fields = {name: getattr(energy, name) for name in energy.__dataclass_fields__}
    energy = LangevinGaussianRBMEnergy(**fields)
    return energy.shifted(hidden=np.full(energy.n_hidden, 0.3))


@pytest.fixture(params=KINDS)
def energy(request):
    return langevin_machine(request.param)


def noise(seed=0, dtype=np.float32):
    return UniformNoise(np.random.default_rng(seed), dtype)


def on_path(energy, beta=1.0, tilt=0.0):
    """Give the exact law of rows v at beta: the normal distribution stays as it is."""
    plain = energy.plain()
    n_hidden, n_visible = plain.weights.shape
    matrix = np.zeros((n_hidden + 1, n_visible + 1))
    matrix[:-1, :-1] = beta * plain.weights
    matrix[-1, :-1] = beta * plain.visible_bias + tilt
    matrix[:-1, -1] = beta * plain.hidden_bias
    return oracle_of(plain.replaced(matrix=matrix))


def features(oracle, rows):
    """What moments are taken of: columns, products of two, and hidden means."""
    products = rows[:, :, np.newaxis] * rows[:, np.newaxis]
    upper = np.triu_indices(rows.shape[1])
    return np.column_stack([rows, products[:, *upper], oracle.posterior_mean(rows)])


def moments(oracle):
    mean, covariance = oracle.moments()
    second = covariance + np.outer(mean, mean)
    upper = np.triu_indices(len(mean))
    return np.concatenate([mean, second[upper], oracle.law @ oracle.hidden])


def assert_law(oracle, rows):
    exact, replicates = moments(oracle), features(oracle, rows.astype(np.float64))
    varies = np.ptp(replicates, axis=0) > 1e-9  # at beta 0 hidden means are all 1/2
    np.testing.assert_allclose(replicates[0, ~varies], exact[~varies])
    assert varies.sum() >= 5
    assert_mean_is(exact[varies], replicates[:, varies])


# ---- scores ----


def test_scores_are_those_of_the_definition(energy):
    rows = rows_of(energy, 9, spread=3.0)
    exact = oracle_of(energy)
    machine, constant = energy.marginal()
    for own, moved, missing in (
        (energy, rows, 0.0),
        (machine, energy.complete(rows, None), constant + energy.visible.log_det),
        (energy.with_visible_chains()[0], rows, energy.with_visible_chains()[1]),
    ):
        score = own.score(own.context(moved)) + missing
        if own is energy:
            score = -energy.free_energy(rows)
        density = exact.log_density(rows) + exact.log_partition
        np.testing.assert_allclose(score, density, atol=1e-10)
    white = energy.complete(rows, None)
    np.testing.assert_allclose(energy.visible_of(white, None), rows, atol=1e-12)


def test_log_partition_is_exact_to_rounding(energy):
    machine, log_summed = energy.replaced(log_volume=0.7).marginal()
    exact = oracle_of(energy).log_partition + 0.7
    estimate = enumerate_log_partition(machine)
    assert estimate.log_partition + log_summed == pytest.approx(exact, abs=1e-10)
    log_partition, _ = energy.negative_phase()
    assert log_partition == pytest.approx(exact - 0.7, abs=1e-10)
    drawn = draw_enumerated(machine, N_ROWS, noise(dtype=np.float64))
    assert_law(oracle_of(energy), energy.visible_of(drawn, None))


def test_log_partition_by_annealing():
    energy = langevin_machine("full")
    machine, log_summed = energy.marginal()
    estimate = annealed(machine)
    exact = oracle_of(energy).log_partition - log_summed
    assert abs(estimate.lower - exact) < 5 * estimate.lower_std
    assert abs(estimate.upper - exact) < 5 * estimate.upper_std
    assert 0 < estimate.lower_std < 0.1


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_machines_at_a_temperature(energy, temperature):
    cool = energy.at_temperature(temperature)
    exact = oracle_of(energy, 1 / temperature)
    machine, log_summed = cool.marginal()
    own = enumerate_log_partition(machine).log_partition + log_summed
    assert own == pytest.approx(exact.log_partition, abs=1e-10)
    rows, _ = exact.draw(N_ROWS, np.random.default_rng(0))
    fast = cool.astype(np.float32)
    moved = fast.gibbs(fast.complete(rows.astype(np.float32), None), noise(), 5)
    assert_law(exact, fast.visible_of(moved, None))


# ---- gradients ----


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_slopes_are_finite_differences(energy, beta):
    """Of what steps leave as it is, by rows y and by rows v."""
    visible, _ = energy.with_visible_chains()
    rows = rows_of(energy, 6)
    for machine, moved in (
        (energy, energy.complete(rows, None)),
        (visible, rows),
    ):
        each = np.full(6, beta)

        def score(moved, machine=machine, each=each):
            context = machine.context(moved)
            own, slope = machine.bend(context, each)
            white = context.statistics
            slope = machine.units.slope_by_states(slope - white)
            return own - (white**2).sum(axis=1) / 2, slope

        exact = on_path(energy, beta)
        log_density = exact.log_density(rows)
        own, by_row = score(moved)
        np.testing.assert_allclose(np.ptp(own - log_density), 0, atol=1e-10)
        for column in range(2):
            step = 1e-5 * (np.arange(2) == column)
            slope = (score(moved + step)[0] - score(moved - step)[0]) / 2e-5
            np.testing.assert_allclose(by_row[:, column], slope, atol=1e-7)


def test_statistics_of_chains_are_those_of_the_model(energy):
    rows, _ = oracle_of(energy).draw(N_ROWS, np.random.default_rng(0))
    chains = energy.complete(rows, None)
    parts = [
        energy.chain_statistics(part).ravel() for part in np.split(chains, N_ROWS // 20)
    ]
    _, exact = energy.negative_phase()
    exact, parts = exact.ravel(), np.array(parts)
    varies = np.ptp(parts, axis=0) > 1e-12  # the noise's are known
    np.testing.assert_allclose(parts[0][~varies], exact[~varies], atol=1e-12)
    assert_mean_is(exact[varies], parts[:, varies])
    assert varies.sum() >= 3 * 2


# ---- chains ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("beta", "how"),
    [(1.0, "plain"), (0.5, "plain"), (1.0, "tilted"), (0.4, "each"), (0.0, "each")],
)
def test_sweeps_leave_the_law_as_it_is(kind, beta, how, dtype):
    energy = langevin_machine(kind)
    tilt = np.array([0.5, -0.8]) if how != "plain" else np.zeros(2)
    exact = on_path(energy, beta, tilt)
    rows, _ = exact.draw(N_ROWS, np.random.default_rng(1))
    settings = {"beta": beta}
    if how == "tilted":
        settings["tilt"] = tilt.astype(dtype)
    elif how == "each":
        settings = {"beta": np.full(N_ROWS, beta)}
        settings["tilt"] = np.tile(tilt.astype(dtype), (N_ROWS, 1))
    own = energy.astype(dtype).replaced(length=0.3)
    white = own.complete(rows.astype(dtype), None)
    moved = own.gibbs(white, noise(dtype=dtype), 4, **settings)
    assert moved.dtype == dtype
    assert (moved != white).any(axis=1).mean() > 0.5
    assert_law(exact, own.visible_of(moved, None))


@pytest.mark.parametrize("tilt", [None, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_visible_chains_leave_the_law_as_it_is_and_hold_columns(kind, tilt):
    energy = langevin_machine(kind)
    tilts = np.zeros(2) if tilt is None else np.array([tilt, -tilt])
    exact = on_path(energy, 1.0, tilts)
    rows, _ = exact.draw(N_ROWS, np.random.default_rng(2))
    rows = rows.astype(np.float32)
    held = np.random.default_rng(3).random(rows.shape) < 0.5
    machine, _ = energy.astype(np.float32).with_visible_chains()
    given = {} if tilt is None else {"tilt": tilts.astype(np.float32)}
    source = noise()
    moved = machine.sweep(machine.context(rows), source, fixed=held, **given)
    moved = machine.gibbs(moved, source, 3, fixed=held, **given)
    np.testing.assert_array_equal(moved[held], rows[held])
    assert (moved != rows)[~held].mean() > 0.5
    assert_law(exact, moved)
    all_held = machine.gibbs(rows, source, 2, fixed=np.ones(2, dtype=bool), **given)
    np.testing.assert_array_equal(all_held, rows)


def test_a_step_is_its_own_reversal(energy):
    """Pairs of a row and the next one are as often met from either end."""
    exact = oracle_of(energy)
    rows, _ = exact.draw(N_ROWS, np.random.default_rng(4))
    fast = energy.astype(np.float32)
    white = fast.complete(rows.astype(np.float32), None)
    after = fast.visible_of(fast.sweep(fast.context(white), noise(), reverse=True), 0)
    before, after = (features(exact, part.astype(float)) for part in (rows, after))
    difference = before * np.roll(after, 1, axis=1)
    difference -= after * np.roll(before, 1, axis=1)
    assert np.abs(difference).max() > 0.1
    assert_mean_is(np.zeros(difference.shape[1]), difference)


def test_chains_from_one_place_come_to_the_law(energy):
    fast = energy.astype(np.float32)
    moved = fast.gibbs(np.full((2000, 2), 3.0, np.float32), noise(5), 400)
    assert_law(oracle_of(energy), fast.visible_of(moved, None))


def test_tempering_draws_from_the_law(energy):
    fast, source = energy.astype(np.float32), noise(7)
    machine, _ = fast.marginal()
    path = Path(IndependentStart(machine.units, np.zeros(2)), machine)
    betas = adapt_ladder(path, path.draw(8, source), source, n_steps=30).betas
    worst = np.full((2000, 2), 3.0, np.float32)
    replicas = temper(path, start_replicas(betas, worst), source, n_steps=30)
    assert_law(oracle_of(energy), fast.visible_of(replicas.coldest, None))


def test_lines_join_machines(energy):
    machine, _ = energy.astype(np.float32).marginal()
    half, source, exact = 0.5 * machine, noise(8), []
    for own in (half, machine):
        exact.append(enumerate_log_partition(own.astype(float)).log_partition)
    rows = draw_enumerated(half.astype(float), 10_000, source).astype(np.float32)
    line, log_weights = Line(half, machine), 0.0
    for step in range(5):
        rows, more = line.move(rows, step / 5, (step + 1) / 5, source)
        log_weights = log_weights + more
    ratio = np.exp(exact[1] - exact[0])
    assert_mean_is(np.array([ratio]), np.exp(log_weights)[:, np.newaxis])


# ---- learning ----


def test_the_length_follows_what_chains_take():
    energy = langevin_machine("full", 40, 20, scale=0.3).astype(np.float32)
    batch = np.zeros((5, 20), np.float32)
    chains, source = np.zeros((200, 20), np.float32), noise(2)
    for start in (1e-2, 2.0):
        own, lengths = energy.replaced(length=start), []
        for _ in range(300):
            direction, chains = own.contrast(batch, chains, source)
            own = own.replaced(length=direction.length)
            lengths.append(own.length)
        assert min(start, 0.1) < lengths[-1] <= 2.0
        _, taken = own.moved(own.context(chains), source, 50)
        assert taken == pytest.approx(0.574, abs=0.1) or lengths[-1] == 2.0
    context = own.context(chains)
    own.sweep(context, source)
    assert own.length == lengths[-1]


def test_the_direction_is_that_of_the_plain_rule(energy):
    fast = energy.astype(np.float32)
    batch = rows_of(energy, 5).astype(np.float32)
    chains = fast.start_chains(batch, None)
    one, moved = fast.contrast(batch, chains, noise(3), 2, 0.1)
    two, same = contrast(fast, batch, chains, noise(3), 2, 0.1)
    np.testing.assert_array_equal(moved, same)
    np.testing.assert_allclose(one.ravel(), two.ravel(), atol=1e-6)
    assert one.length != two.length == fast.length


def test_likelihood_has_the_gradient_of_both_sides(energy):
    """Exact learning sums over hidden units, whatever chains move."""
    rows, vector = rows_of(energy, 6), energy.plain().ravel()

    def objective(vector):
        own = energy.plain().unravel(vector)
        score, _ = own.positive_phase(rows, np.full(6, 1 / 6))
        return score - own.negative_phase()[0]

    _, data = energy.plain().positive_phase(rows, np.full(6, 1 / 6))
    _, model = energy.plain().negative_phase()
    gradient, rng = (data - model).ravel(), np.random.default_rng(1)
    for _ in range(3):
        step = 1e-5 * rng.normal(size=vector.shape)
        slope = objective(vector + step) - objective(vector - step)
        assert 2 * gradient @ step == pytest.approx(slope, rel=1e-4, abs=1e-9)
