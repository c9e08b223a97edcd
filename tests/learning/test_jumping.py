"""Jumps of the chains of learning, against enumeration."""

import numpy as np
import pytest
from gaussian_machines import gaussian_machine, oracle_of, rows_of
from oracle import BoltzmannOracle, RBMOracle, all_states, random_boltzmann, random_rbm
from product_mixtures import noise_from
from statistical import assert_draws_from

from skebm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.learning import jumping
from skebm.learning.jumping import Jumping
from skebm.sampling.mixture import Groups

N_CHAINS = 50_000


def groups_of(rows, n_groups=3):
    return Groups(rows, n_groups, np.random.default_rng(0))


def bits(n_columns, n_rows=200):
    """Rows of two groups, on more often in the one than in the other."""
    rng = np.random.default_rng(1)
    level = np.where(np.arange(n_rows) % 3, 0.3, 0.8)[:, np.newaxis]
    return rng.random((n_rows, n_columns)) < level


def places(n_columns):
    return 1 << np.arange(n_columns)[::-1]


def binary_case():
    energy = BinaryRBMEnergy.of(*random_rbm(3, 4)).shifted(np.full(4, 0.4), 0.5)
    oracle = RBMOracle.of(energy)
    hidden = oracle.draw(N_CHAINS, np.random.default_rng(2))[1]
    # The last column means nothing.
    chains = np.column_stack([hidden, np.arange(N_CHAINS) % 2]).astype(bool)
    return energy, groups_of(bits(4)), chains, oracle.joint.sum(axis=0)


def pairwise_case():
    energy = PairwiseEnergy.of(*random_boltzmann(4))
    oracle = BoltzmannOracle.of(energy)
    chains = oracle.draw(N_CHAINS, np.random.default_rng(2)).astype(bool)
    return energy, groups_of(bits(4)), chains, oracle.law


def latent_case():
    every = np.ones((3, 3), dtype=bool)
    graph = LayeredGraph.of_layers(every, every, every)
    couplings, bias = random_boltzmann(6, scale=0.7)
    energy = LatentEnergy.of(couplings * graph.mask, bias, graph)
    oracle = BoltzmannOracle.of(energy)
    chains = oracle.draw(N_CHAINS, np.random.default_rng(2)).astype(bool)
    return energy, groups_of(bits(3)), chains, oracle.law


def gaussian_case():
    energy = gaussian_machine("full", scale=0.5)
    hidden = oracle_of(energy).draw(N_CHAINS, np.random.default_rng(2))[1]
    machine, _ = energy.marginal()
    law = np.exp(machine.score(machine.context(all_states(3))))
    return energy, groups_of(rows_of(energy, 200)), hidden > 0, law / law.sum()


CASES = {
    "binary RBM": binary_case,
    "pairwise": pairwise_case,
    "latent": latent_case,
    "gaussian": gaussian_case,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jumps_leave_the_law_of_chains_as_it_is(name, dtype):
    energy, groups, chains, law = CASES[name]()
    n_columns = int(np.log2(len(law)))
    before = chains.copy()
    state, moved = Jumping(groups).move(
        energy.astype(dtype), chains, noise_from(0, dtype), 0
    )
    np.testing.assert_array_equal(chains, before)
    assert moved.shape == chains.shape
    assert moved.dtype == bool
    assert state.acceptance != 0.1
    changed = (moved[:, :n_columns] != before[:, :n_columns]).any(axis=1)
    assert changed.mean() > 0.1
    assert_draws_from(law, moved[:, :n_columns] @ places(n_columns))
    # Twice is as good as once, with the same mixture and from other chains.
    _, moved = state.move(energy.astype(dtype), moved, noise_from(1, dtype), 20)
    assert_draws_from(law, moved[:, :n_columns] @ places(n_columns))


def run(groups, energy, chains, n_updates):
    """Give the updates before which chains have jumped, and the states after."""
    state, noise, jumps = Jumping(groups), noise_from(0), []
    for n_done in range(n_updates):
        after, _ = state.move(energy, chains, noise, n_done)
        if after is not state:
            jumps.append((n_done, after))
        state = after
    return jumps


def fair_case():
    """Half of all bits are on, in the data as in the machine: most jumps go well."""
    rng = np.random.default_rng(0)
    energy = PairwiseEnergy.of(np.zeros((4, 4)), np.zeros(4))
    return groups_of(rng.random((400, 4)) < 0.5), energy, rng.random((50, 4)) < 0.5


def hopeless_case():
    """All data are off, and most of the machine is on."""
    rng = np.random.default_rng(0)
    energy = PairwiseEnergy.of(np.zeros((40, 40)), np.full(40, 6.0))
    return groups_of(np.zeros((10, 40), dtype=bool)), energy, rng.random((50, 40)) < 1


@pytest.mark.parametrize(
    ("case", "last"), [(fair_case, range(11, 21)), (hopeless_case, [40])]
)
def test_the_period_follows_acceptance(case, last):
    """Twenty updates until a chain has jumped, but ten at least; forty if none does."""
    jumps = run(*case(), 1500)
    times = np.array([n_done for n_done, _ in jumps])
    accepted = np.array([state.acceptance for _, state in jumps])
    assert times[0] == 0
    expected = np.maximum(np.rint(20 * accepted), 10)
    expected[accepted <= 1e-3] = 40
    np.testing.assert_array_equal(np.diff(times), expected[:-1])
    assert expected[-1] in last
    # Hope is given up slowly: the first jumps come every ten updates all the same.
    if case is hopeless_case:
        assert list(np.diff(times)[:20]) == [10] * 20


def test_acceptance_is_remembered_and_slowly_forgotten():
    energy, groups, chains, _ = pairwise_case()
    noise = noise_from(0)
    first, _ = Jumping(groups, acceptance=0.9).move(energy, chains, noise, 0)
    second, _ = Jumping(groups, acceptance=0.0).move(energy, chains, noise, 0)
    # Nine tenths of what it was, and a tenth of what it is now: the same for both.
    now = [(first.acceptance - 0.81) / 0.1, second.acceptance / 0.1]
    # Two shares of 50 000: five standard errors of a difference.
    assert abs(now[0] - now[1]) < 5 * np.sqrt(2 * 0.25 / N_CHAINS)


def test_between_jumps_nothing_happens():
    energy, groups, chains, _ = pairwise_case()
    state, moved = Jumping(groups).move(energy, chains, noise_from(0), 0)
    again, same = state.move(energy, moved, noise_from(1), state.next_jump - 1)
    assert again is state
    assert same is moved


def test_the_mixture_is_made_anew_after_50_updates():
    energy, groups, chains, _ = latent_case()
    mixtures = {}
    for n_done, state in run(groups, energy, chains[:50], 160):
        assert state.next_mixture > n_done
        mixtures.setdefault(id(state.mixture), (n_done, state.mixture))
    made = [n_done for n_done, _ in mixtures.values()]
    assert made[0] == 0
    assert len(made) >= 3
    # At the first jump that is due by then.
    assert all(50 <= gap < 50 + 20 for gap in np.diff(made))


def test_chains_of_a_fit_go_on_to_jump():
    X = bits(6).astype(float)
    rbm = BinaryRBM(3, max_iter=120, random_state=0).fit(X)
    state = rbm._state.jumping
    assert 120 <= state.next_jump < 140
    assert state.mixture.fields.shape[1] == 6
    rbm.partial_fit(X)
    assert rbm._state.jumping.next_jump >= rbm.n_iter_


@pytest.mark.parametrize(
    "settings", [{"algorithm": "cd"}, {"tempering": True}], ids=str
)
def test_chains_that_do_not_last_and_tempered_ones_make_no_jumps(monkeypatch, settings):
    def forbidden(*_):
        raise AssertionError("jumps")

    monkeypatch.setattr(jumping.Jumping, "move", forbidden)
    BinaryRBM(2, max_iter=5, random_state=0, **settings).fit(bits(4).astype(float))
