from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.sampling import tempering
from skebm.sampling.path import IndependentStart, Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import adapt_ladder, respace, start_replicas, temper

BETAS = np.array([0.0, 0.3, 0.7, 1.0])
MEAN = np.array([0.3, 0.6])
PARAMETERS = random_rbm(2, 2, scale=4.0)

# One fair bit copied to twenty columns, but that all on is e times likelier.
N_COPIES = 20
COPIES = np.full((1, N_COPIES), 10.0), np.full(N_COPIES, -5.0), np.array([-99.0])
SHARE_ON = 1 / (1 + np.exp(-1))


def noise_from(seed, dtype=np.float64):
    return UniformNoise(np.random.default_rng(seed), dtype)


def path_to(parameters=PARAMETERS, mean=MEAN, dtype=np.float64, kind=Path):
    energy = BinaryRBMEnergy.of(*parameters).astype(dtype)
    return kind(IndependentStart(energy.units, mean, dtype), energy)


def laws(betas, parameters=PARAMETERS, mean=MEAN):
    """The exact law on each rung."""
    weights, visible_bias, hidden_bias = parameters
    start = np.log(mean / (1 - mean))
    return [
        RBMOracle(
            beta * weights,
            (1 - beta) * start + beta * visible_bias,
            beta * hidden_bias,
        )
        for beta in betas
    ]


def exact_acceptance(oracles):
    """Probability of an exchange between neighbours, over all pairs of states."""
    result = []
    for lower, upper in pairwise(oracles):
        pairs = np.outer(lower.law, upper.law)
        result.append(np.minimum(pairs, pairs.T).sum())
    return np.array(result)


def draw_replicas(n_ladders, rng, betas=BETAS):
    """Start ladders from exact draws on every rung."""
    rows = [oracle.draw(n_ladders, rng)[0] for oracle in laws(betas)]
    replicas = start_replicas(betas, np.zeros((n_ladders, len(MEAN)), dtype=bool))
    return replace(replicas, states=np.concatenate(rows).astype(bool))


def joint_law(betas):
    """Law of a ladder, and the function that numbers its states."""
    oracles = laws(betas)
    law = np.ones(1)
    for oracle in oracles:
        law = np.outer(law, oracle.law).ravel()

    def index(replicas):
        result = 0
        for oracle, rows in zip(oracles, replicas.rows, strict=True):
            result = result * len(oracle.law) + oracle.index(replicas.states[rows])
        return result

    return law, index


class Still(Path):
    """Leaves rows as they are, so that exchanges alone act."""

    def context(self, rows):
        self.rows = rows
        return super().context(rows)

    def sweep(self, context, beta, noise):
        return self.rows


@pytest.mark.parametrize("kind", [Path, Still])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_steps_leave_the_joint_law_of_the_ladder_invariant(kind, dtype, n_steps):
    path = path_to(dtype=dtype, kind=kind)
    replicas = draw_replicas(100_000, np.random.default_rng(0))
    replicas = temper(path, replicas, noise_from(1, dtype), n_steps=n_steps)
    law, index = joint_law(BETAS)
    assert_draws_from(law, index(replicas))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_rung_reaches_its_law_from_anywhere(dtype):
    path = path_to(dtype=dtype)
    replicas = start_replicas(BETAS, np.ones((20_000, len(MEAN)), dtype=bool))
    replicas = temper(path, replicas, noise_from(0, dtype), n_steps=60)
    for oracle, rows in zip(laws(BETAS), replicas.rows, strict=True):
        assert_draws_from(oracle.law, oracle.index(replicas.states[rows]))
    np.testing.assert_array_equal(replicas.coldest, replicas.states[rows])


def test_acceptance_is_that_of_the_exact_laws():
    rng = np.random.default_rng(0)
    path = path_to()
    noise = UniformNoise(rng, np.float64)
    runs = [temper(path, draw_replicas(200, rng), noise, n_steps=4) for _ in range(200)]
    exact = exact_acceptance(laws(BETAS))
    assert_mean_is(exact, [replicas.acceptance for replicas in runs])
    barriers = np.array([replicas.barrier for replicas in runs])[:, np.newaxis]
    assert_mean_is((1 - exact).sum(keepdims=True), barriers)


@pytest.mark.parametrize("parity", [0, 1])
def test_exchanges_happen_as_often_as_stated_and_in_turn(parity):
    path = path_to(kind=Still)
    replicas = draw_replicas(100_000, np.random.default_rng(0))
    replicas = replace(replicas, n_steps=parity)
    after = temper(path, replicas, noise_from(1))
    moved_up = after.rows[1:] == replicas.rows[:-1]
    moved_down = after.rows[:-1] == replicas.rows[1:]
    np.testing.assert_array_equal(moved_up, moved_down)
    exact = exact_acceptance(laws(BETAS))
    tried = np.arange(len(BETAS) - 1) % 2 == parity
    assert not moved_up[~tried].any()
    assert_mean_is(exact[tried], moved_up[tried].T)


@pytest.fixture
def no_jumps(monkeypatch):
    monkeypatch.setattr(tempering, "_STEPS_A_JUMP", 10**9)


@pytest.mark.usefixtures("no_jumps")
def test_restarts_are_counted():
    path = path_to()
    noise = noise_from(0)
    replicas = draw_replicas(7, np.random.default_rng(1))
    from_bottom, n_restarts = np.zeros((4, 7), dtype=bool), np.zeros(7, dtype=int)
    for _ in range(200):
        replicas = temper(path, replicas, noise)
        for ladder in range(7):
            for row in range(4):
                (rung,) = np.flatnonzero(replicas.rows[:, ladder] == 7 * row + ladder)
                if rung == 0:
                    from_bottom[row, ladder] = True
                if rung == 3:
                    n_restarts[ladder] += from_bottom[row, ladder]
                    from_bottom[row, ladder] = False
    np.testing.assert_array_equal(replicas.n_restarts, n_restarts)
    assert np.all(n_restarts > 0)


@pytest.mark.usefixtures("no_jumps")
def test_restarts_come_as_often_as_theory_says():
    # The rate of Syed et al. (2022) holds for sweeps that forget where they began.
    class Forgetful(Path):
        def sweep(self, context, beta, noise):
            result = np.empty((len(beta), len(MEAN)), dtype=bool)
            for oracle, value in zip(laws(BETAS), BETAS, strict=True):
                on_rung = np.flatnonzero(beta == value)
                result[on_rung] = oracle.draw(len(on_rung), noise.rng)[0]
            return result

    path = path_to(kind=Forgetful)
    noise = noise_from(1)
    replicas = draw_replicas(2000, np.random.default_rng(0))
    settled = temper(path, replicas, noise, n_steps=100)
    n_restarts = temper(path, settled, noise, n_steps=200).n_restarts
    acceptance = exact_acceptance(laws(BETAS))
    rate = 1 / (2 + 2 * np.sum((1 - acceptance) / acceptance))
    assert_mean_is(200 * rate, n_restarts - settled.n_restarts)


def test_rows_that_jump_count_as_drawn_afresh(monkeypatch):
    """All rows at every second step, those of rung 0 and those that are accepted."""
    monkeypatch.setattr(tempering, "_STEPS_A_JUMP", 2)
    jumped = []

    class Watched(Path):
        def jump(self, rows, beta, noise):
            rows, accepted = super().jump(rows, beta, noise)
            jumped.append(accepted)
            return rows, accepted

    path, noise = path_to(kind=Watched), noise_from(0)
    replicas = draw_replicas(50, np.random.default_rng(1))
    renewed, n_restarts = np.zeros(200, dtype=bool), np.zeros(50, dtype=int)
    for step in range(1, 21):
        replicas = temper(path, replicas, noise)
        assert len(jumped) == step // 2
        renewed[replicas.rows[0]] = True
        n_restarts += renewed[replicas.rows[-1]]
        renewed[replicas.rows[-1]] = False
        if step % 2 == 0:
            renewed |= jumped[-1]
        np.testing.assert_array_equal(replicas.renewed, renewed)
        np.testing.assert_array_equal(replicas.n_restarts, n_restarts)
    assert 0.1 < np.mean(jumped) < 0.9


@pytest.mark.parametrize("n_steps", [1, 3])
def test_jumps_leave_the_joint_law_of_the_ladder_invariant(monkeypatch, n_steps):
    monkeypatch.setattr(tempering, "_STEPS_A_JUMP", 1)
    replicas = draw_replicas(100_000, np.random.default_rng(0))
    replicas = temper(path_to(), replicas, noise_from(1), n_steps=n_steps)
    law, index = joint_law(BETAS)
    assert_draws_from(law, index(replicas))


def test_two_modes_get_their_shares():
    path = path_to(COPIES, np.full(N_COPIES, 0.5))
    off = np.zeros((500, N_COPIES), dtype=bool)
    ladder = adapt_ladder(path, off[:8], noise_from(0), n_steps=500)
    replicas = start_replicas(ladder.betas, off)
    replicas = temper(path, replicas, noise_from(1), n_steps=300)
    on = replicas.coldest.mean(axis=1) > 0.5
    assert_mean_is(SHARE_ON, on)
    # As much plain Gibbs sampling, rung for rung, has not moved a single chain.
    energy = BinaryRBMEnergy.of(*COPIES)
    plain = energy.gibbs(off[:200], noise_from(2), 300 * len(ladder.betas))
    assert not (plain.mean(axis=1) > 0.5).any()


def test_adaptation_makes_neighbours_reject_equally_often():
    parameters, mean = random_rbm(4, 5, scale=6.0, seed=3), np.full(5, 0.4)
    path = path_to(parameters, mean)
    start = np.zeros((100, 5), dtype=bool)
    ladder = adapt_ladder(path, start, noise_from(0), n_steps=1000)
    np.testing.assert_array_equal(ladder.betas[[0, -1]], [0, 1])
    assert np.all(np.diff(ladder.betas) > 0)

    def rejection(betas):
        return 1 - exact_acceptance(laws(betas, parameters, mean))

    adapted = rejection(ladder.betas)
    evenly_spaced = rejection(np.linspace(0, 1, len(ladder.betas)))
    assert np.ptp(adapted) < 0.05
    assert np.ptp(evenly_spaced) > 0.3
    # One more than twice the barrier, which hundreds of rungs measure exactly.
    barrier = rejection(np.linspace(0, 1, 500)).sum()
    assert abs(len(ladder.betas) - (1 + 2 * barrier)) < 1.5


@pytest.mark.parametrize("n_steps", [8, 23, 24, 1000])
def test_adaptation_uses_the_steps_that_it_is_given(n_steps):
    class Counting(Path):
        n_sweeps = 0

        def sweep(self, context, beta, noise):
            self.n_sweeps += 1
            return super().sweep(context, beta, noise)

    path = path_to(kind=Counting)
    adapt_ladder(path, np.zeros((2, 2), dtype=bool), noise_from(0), n_steps=n_steps)
    assert 7 / 8 * n_steps <= path.n_sweeps <= n_steps


def test_too_few_steps_to_adapt_leave_the_rungs_even():
    path = path_to()
    start = np.zeros((3, 2), dtype=bool)
    ladder = adapt_ladder(path, start, noise_from(0), n_steps=7)
    np.testing.assert_array_equal(ladder.betas, np.linspace(0, 1, 8))


def test_without_a_barrier_there_are_two_rungs():
    path = path_to((np.zeros((2, 2)), np.zeros(2), np.zeros(2)), np.full(2, 0.5))
    start = np.zeros((3, 2), dtype=bool)
    ladder = adapt_ladder(path, start, noise_from(0), n_steps=100)
    np.testing.assert_array_equal(ladder.betas, [0, 1])
    ladder = temper(path, ladder, noise_from(0), n_steps=10)
    np.testing.assert_array_equal(ladder.acceptance, [1.0])
    # Up at each even step, so a new row comes to the top at every other one.
    np.testing.assert_array_equal(ladder.n_restarts, 4)


@pytest.mark.parametrize("n_rungs", [2, 3, 9])
def test_respacing_by_hand(n_rungs):
    path = path_to()
    replicas = draw_replicas(5, np.random.default_rng(0))
    replicas = temper(path, replicas, noise_from(1), n_steps=50)
    after = respace(replicas, n_rungs)
    assert after.states.shape == (n_rungs * 5, 2)
    np.testing.assert_array_equal(after.betas[[0, -1]], [0, 1])
    np.testing.assert_array_equal(after.coldest, replicas.coldest)
    np.testing.assert_array_equal(
        after.states[after.rows[0]], replicas.states[replicas.rows[0]]
    )
    # By linear interpolation, every new pair is as far apart as any other.
    total = np.concatenate([[0], np.cumsum(1 - replicas.acceptance)])
    distance = np.interp(after.betas, replicas.betas, total)
    np.testing.assert_allclose(np.diff(distance), total[-1] / (n_rungs - 1))
    assert after.n_steps == 0
    assert not after.acceptance_sums.any()
    assert not after.n_restarts.any()
    assert not after.renewed.any()


def test_respacing_takes_the_nearest_rows():
    states = np.eye(4, dtype=bool)
    replicas = start_replicas(BETAS, np.zeros((1, 4), dtype=bool))
    replicas = replace(
        replicas,
        states=states,
        rows=replicas.rows[[2, 0, 3, 1]],
        n_steps=2,
        acceptance_sums=np.full(3, 0.5),
    )
    # Pairs equally far apart: the new rungs are 0.6 of an old one from each other.
    after = respace(replicas, 6)
    np.testing.assert_array_equal(
        after.states[after.rows[:, 0]], states[[2, 0, 0, 3, 3, 1]]
    )


def test_pairs_not_yet_tried_have_no_acceptance():
    path = path_to()
    replicas = draw_replicas(5, np.random.default_rng(0))
    assert np.isnan(replicas.acceptance).all()
    replicas = temper(path, replicas, noise_from(1))
    np.testing.assert_array_equal(np.isnan(replicas.acceptance), [False, True, False])


def test_the_given_replicas_stay_as_they_are():
    path = path_to()
    replicas = draw_replicas(50, np.random.default_rng(0))
    before = {name: np.copy(value) for name, value in vars(replicas).items()}
    once = temper(path, replicas, noise_from(1), n_steps=20)
    again = temper(path, replicas, noise_from(1), n_steps=20)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(replicas, name), value)
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    assert not np.array_equal(once.states, replicas.states)
    assert temper(path, replicas, noise_from(1), n_steps=0) is replicas
