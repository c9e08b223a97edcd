"""Paths and lines between machines, against all of their configurations."""

from itertools import pairwise

import numpy as np
import pytest
from oracle import (
    BoltzmannOracle,
    RBMOracle,
    all_states,
    random_boltzmann,
    random_lattice,
    random_rbm,
)
from scipy.special import logit, logsumexp
from statistical import assert_draws_from

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import Graph
from skebm.energy.pairwise import PairwiseEnergy
from skebm.sampling.path import IndependentStart, Line, Path
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits

MEAN = np.array([0.2, 0.5, 0.7, 0.9, 0.4, 0.6])
BETAS = [0.0, 0.3, 0.8, 1.0]
N_ROWS = 50_000


def rbm(scale=1.0, seed=0):
    return BinaryRBMEnergy.of(*random_rbm(3, 4, scale=scale, seed=seed))


def dense(scale=1.0, seed=0):
    return PairwiseEnergy.of(*random_boltzmann(4, scale=scale, seed=seed))


def coloured(scale=1.0, seed=0):
    couplings, bias, mask, colours = random_lattice(scale=scale, seed=seed)
    return PairwiseEnergy.of(couplings, bias, Graph(mask, colours))


@pytest.fixture(params=[rbm, dense, coloured])
def make(request):
    return request.param


both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def noise_from(seed, dtype=np.float64):
    return UniformNoise(np.random.default_rng(seed), dtype)


def path_to(energy, dtype=np.float64):
    energy = energy.astype(dtype)
    start = IndependentStart(energy.units, MEAN[: energy.n_visible], dtype)
    return Path(start, energy)


def oracle_of(energy):
    kind = BoltzmannOracle if isinstance(energy, PairwiseEnergy) else RBMOracle
    return kind.of(energy)


def between(energy, beta):
    """The machine on the path, written out as parameters of its own."""
    start = logit(MEAN[: energy.n_visible])
    if isinstance(energy, PairwiseEnergy):
        bias = start + beta * (energy.bias - start)
        return BoltzmannOracle(beta * energy.couplings, bias)
    bias = start + beta * (energy.visible_bias - start)
    return RBMOracle(beta * energy.weights, bias, beta * energy.hidden_bias)


def log_weights(oracle):
    """Logarithms of the probabilities of all rows, times Z."""
    return logsumexp(-oracle.energies.reshape(len(oracle.visible), -1), axis=1)


def draw(oracle, n_rows, rng):
    return oracle.visible[rng.choice(len(oracle.law), n_rows, p=oracle.law)] > 0


# ---- where paths start ----


@pytest.mark.parametrize(
    ("units", "mean"),
    [
        (BinaryUnits(3), [0.1, 0.5, 0.99]),
        (CategoricalUnits((2, 3)), [0.3, 0.7, 0.1, 0.6, 0.3]),
    ],
)
def test_independent_units_have_the_given_means(units, mean):
    start = IndependentStart(units, np.array(mean), np.float64)
    rows = units.configurations(np.arange(units.n_configurations))
    log_weight = start.context(rows)
    assert start.log_partition == pytest.approx(logsumexp(log_weight), abs=1e-12)
    law = np.exp(log_weight - start.log_partition)
    np.testing.assert_allclose(law @ rows, mean, rtol=0, atol=1e-12)
    drawn = start.draw(N_ROWS, noise_from(0))
    codes = {tuple(row): number for number, row in enumerate(rows)}
    assert_draws_from(law, np.array([codes[tuple(row)] for row in drawn]))


@both_dtypes
def test_the_path_starts_at_independent_units(make, dtype):
    oracle, path = between(make(), 0.0), path_to(make(), dtype)
    precision = 1e-12 if dtype == np.float64 else 1e-6
    exact = pytest.approx(np.log(oracle.partition), abs=precision)
    assert path.log_partition == exact
    rows = path.draw(N_ROWS, noise_from(0, dtype))
    assert_draws_from(oracle.law, oracle.index(rows))


# ---- paths ----


@pytest.mark.parametrize(
    ("dtype", "precision"), [(np.float32, 2e-5), (np.float64, 1e-12)]
)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_log_ratio_of_each_row(make, dtype, precision, scale):
    energy = make(scale)
    path, rows = path_to(energy, dtype), all_states(energy.n_visible)
    beta, other = np.random.default_rng(0).choice(BETAS, (2, len(rows)))
    at = {beta: log_weights(between(energy, beta)) for beta in BETAS}
    exact = [at[other[i]][i] - at[beta[i]][i] for i in range(len(rows))]
    context = path.context(rows.astype(bool))
    log_ratio = path.log_ratio(context, beta, other)
    assert log_ratio.dtype == np.float64
    np.testing.assert_allclose(log_ratio, exact, rtol=0, atol=precision * scale)


@both_dtypes
def test_sweeps_leave_the_law_of_each_row_invariant(make, dtype):
    energy, rng = make(2.0), np.random.default_rng(1)
    oracles = [between(energy, beta) for beta in BETAS]
    rows = np.concatenate([draw(oracle, N_ROWS, rng) for oracle in oracles])
    path = path_to(energy, dtype)
    beta = np.repeat(BETAS, N_ROWS)
    moved = path.sweep(path.context(rows), beta, UniformNoise(rng, dtype))
    assert moved.dtype == bool
    for oracle, part in zip(oracles, np.split(moved, len(BETAS)), strict=True):
        assert_draws_from(oracle.law, oracle.index(part))


def test_a_sweep_at_beta_0_forgets_where_it_started(make):
    energy = make(5.0)
    path, oracle = path_to(energy), between(energy, 0.0)
    context = path.context(np.ones((N_ROWS, energy.n_visible), dtype=bool))
    rows = path.sweep(context, np.zeros(N_ROWS), noise_from(0))
    assert_draws_from(oracle.law, oracle.index(rows))


@both_dtypes
@pytest.mark.parametrize("betas", [(0.4, 0.9), (0, 1), (0.9, 0.4), (1, 0)])
def test_moves_weigh_rows_and_then_sweep_them(make, dtype, betas):
    energy = make()
    path, rows = path_to(energy, dtype), all_states(energy.n_visible) > 0
    # As annealing passes them: entries of an array of temperatures.
    beta, next_beta = np.array(betas, dtype=float)
    moved, log_weight = path.move(rows, beta, next_beta, noise_from(0, dtype))
    expected = path.log_ratio(path.context(rows), beta, next_beta)
    np.testing.assert_array_equal(log_weight, expected)
    swept = path.sweep(
        path.context(rows), next_beta, noise_from(0, dtype), reverse=betas[1] < betas[0]
    )
    np.testing.assert_array_equal(moved, swept)
    rows = draw(oracle := between(energy, next_beta), N_ROWS, np.random.default_rng(1))
    moved, _ = path.move(rows, beta, next_beta, noise_from(0, dtype))
    assert_draws_from(oracle.law, oracle.index(moved))


def law_of_a_sweep(energy, beta):
    """Law of a row and of what a sweep there makes of it: one unit after another."""
    oracle = between(energy, beta)
    order = range(4) if energy.colours is None else [0, 2, 4, 1, 3, 5]
    result = np.diag(oracle.law)
    for unit in order:
        on = oracle.conditional(unit)
        update = np.zeros_like(result)
        for number, row in enumerate(oracle.visible):
            for value, probability in ((1, on[number]), (0, 1 - on[number])):
                after = row.copy()
                after[unit] = value
                update[number, oracle.index(after[np.newaxis])[0]] += probability
        result = result @ update
    return result


@pytest.mark.parametrize("beta", [0.5, 1.0])
@pytest.mark.parametrize("make", [dense, coloured])
def test_the_way_back_is_the_reversal_of_the_way_there(make, beta):
    energy = make()
    oracle, joint = between(energy, beta), law_of_a_sweep(energy, beta)
    assert np.abs(joint - joint.T).sum() > 0.1  # the order of the units matters
    path, rng = path_to(energy), np.random.default_rng(0)
    rows, noise = draw(oracle, 200_000, rng), UniformNoise(rng, np.float64)
    there, _ = path.move(rows, beta / 2, beta, noise)
    back, _ = path.move(rows, beta + 0.1, beta, noise)
    for first, last in ((rows, there), (back, rows)):
        pairs = oracle.index(first) * len(joint) + oracle.index(last)
        assert_draws_from(joint.ravel(), pairs)


def test_sweeps_of_two_layers_are_their_own_reversal():
    """So many rows go from one to another as the other way, within 5 deviations."""
    path, oracle = path_to(rbm(2.0)), between(rbm(2.0), 0.7)
    rng = np.random.default_rng(0)
    rows = draw(oracle, 200_000, rng)
    moved, _ = path.move(rows, 0.4, 0.7, UniformNoise(rng, np.float64))
    n_moves = np.zeros((16, 16))
    np.add.at(n_moves, (oracle.index(rows), oracle.index(moved)), 1)
    both = np.maximum(n_moves + n_moves.T, 1)
    assert np.trace(n_moves) < 0.9 * n_moves.sum()
    assert (np.abs(n_moves - n_moves.T) / np.sqrt(both)).max() < 5


@both_dtypes
def test_the_way_back_is_weighed_as_the_way_there_whatever_the_fields(make, dtype):
    """Fields of thousands are beyond what the exponential of float32 can hold."""
    energy = make(3000.0)
    path, noise = path_to(energy, dtype), noise_from(0, dtype)
    rows = all_states(energy.n_visible) > 0
    _, there = path.move(rows, 0.0, 1.0, noise)
    _, back = path.move(rows, 1.0, 0.0, noise)
    np.testing.assert_array_equal(back, -there)
    assert np.isfinite(there).all()
    assert np.abs(there).max() > 1000


def test_float32_loses_nothing_over_many_temperatures():
    """With weights of the size that learning gives.

    Biases, weights and fields are off by some 1e-6, and so is what comes of them,
    over whatever steps. Sums of softplus, of some 100, would be off by 1e-5 at
    random at each step: a difference of two by 6e-4 after 2000 of them.
    """
    rng = np.random.default_rng(0)
    energy = BinaryRBMEnergy.of(
        rng.normal(0, 1.5, (50, 40)), rng.normal(-1, 1, 40), rng.normal(-2, 2, 50)
    ).astype(np.float32)
    mean, noise = rng.uniform(0.1, 0.9, 40), UniformNoise(rng, np.float32)
    path, wide_path = (
        Path(IndependentStart(energy.units, mean, dtype), energy.astype(dtype))
        for dtype in (np.float32, np.float64)
    )
    rows, total, errors = path.draw(8, noise), np.zeros(8), np.zeros(8)
    for beta, next_beta in pairwise(np.linspace(0, 1, 2001)):
        exact = wide_path.log_ratio(wide_path.context(rows), beta, next_beta)
        rows, log_weight = path.move(rows, beta, next_beta, noise)
        total += log_weight
        errors += log_weight - exact
    assert total.std() > 0.05
    assert np.abs(errors).max() < 5e-5


# ---- lines ----


@pytest.fixture
def ends(make):
    """Two machines of one family, described with offsets of their own."""
    first = make(seed=0)
    last = make(seed=1).centred(MEAN[: first.n_visible])
    return first, last


@pytest.mark.parametrize(("beta", "other"), [(0, 1), (0.0, 0.25), (0.5, 1.0)])
def test_lines_blend_two_machines(ends, beta, other):
    first, last = ends
    rows = all_states(first.n_visible) > 0
    exact = [
        log_weights(oracle_of((1 - share) * first + share * last.like(first)))
        for share in (beta, other)
    ]
    line = Line(*ends)
    log_ratio = line.log_ratio(line.context(rows), beta, other)
    np.testing.assert_allclose(log_ratio, exact[1] - exact[0], rtol=0, atol=1e-12)
    _, log_weight = line.move(rows, beta, other, noise_from(0))
    np.testing.assert_allclose(log_weight, exact[1] - exact[0], rtol=0, atol=1e-12)
    # The same again, with the last machine at hand.
    _, log_weight = line.move(rows, other, beta, noise_from(0))
    np.testing.assert_allclose(log_weight, exact[0] - exact[1], rtol=0, atol=1e-12)


def test_moves_along_lines_end_in_the_law_of_the_next_machine(ends):
    first, last = ends
    oracle = oracle_of(0.75 * first + 0.25 * last.like(first))
    rows = draw(oracle, N_ROWS, np.random.default_rng(1))
    moved, _ = Line(first, last).move(rows, 0.0, 0.25, noise_from(0))
    assert moved.dtype == bool
    assert (moved != rows).any()
    assert_draws_from(oracle.law, oracle.index(moved))
