"""Many updates in one call make what updates one by one do."""

import numpy as np
import pytest
from steady_noise import SteadyNoise

from skebm import BinaryRBM
from skebm._rows import Rows
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning import small_contrastive
from skebm.learning.contrastive import ContrastiveLearning, LearningState
from skebm.learning.schedule import Schedule
from skebm.learning.small_contrastive import SmallContrastive

N_VISIBLE, N_HIDDEN, N_CHAINS = 6, 4, 3
SETTINGS = {
    "persistent": True,
    "n_chains": N_CHAINS,
    "n_gibbs_steps": 1,
    "batch_size": 5,
    "tempered_from": None,
    "drifting_offset": True,
    "alpha": 0.0,
    "l1_ratio": 0.0,
}


def learned(rule, *, n_done=0, n_rows=200, n_kept=N_CHAINS, **settings):
    """Make one pass over random rows: 40 updates, by default."""
    rng = np.random.default_rng(2)
    energy = BinaryRBMEnergy(
        rng.normal(0, 0.5, (N_HIDDEN, N_VISIBLE)),
        np.zeros(N_VISIBLE),
        np.zeros(N_HIDDEN),
    )
    model = energy.centred(np.full(N_VISIBLE, 0.3), np.full(N_HIDDEN, 0.5))
    model = model.astype(np.float32)
    chains = None if n_kept is None else rng.random((n_kept, N_HIDDEN + 1)) < 0.5
    state = LearningState(model, model, chains, SteadyNoise(1), {}, n_updates=n_done)
    learner = rule(**SETTINGS | settings)
    rows = Rows(rng.random((n_rows, N_VISIBLE)) < 0.3, None)
    learner.run(state, learner.batches(state, rows), Schedule(0.1, 60, 0.7))
    return state


@pytest.mark.parametrize("drifting_offset", [False, True])
@pytest.mark.parametrize("n_rows", [5, 49, 200])
def test_learning_is_that_of_updates_one_by_one(drifting_offset, n_rows):
    one, other = (
        learned(rule, drifting_offset=drifting_offset, n_rows=n_rows)
        for rule in (ContrastiveLearning, SmallContrastive)
    )
    assert other.n_updates == one.n_updates == -(-n_rows // 5)
    tolerances = {"rtol": 0, "atol": 1e-5}
    for name in "model", "averaged":
        mine, others = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(others.matrix, mine.matrix, **tolerances)
        np.testing.assert_allclose(
            others.offsets.hidden, mine.offsets.hidden, **tolerances
        )
    np.testing.assert_array_equal(one.chains[:, :-1], other.chains[:, :-1])


@pytest.mark.parametrize("n_done", [7, 13, 20, 39])
def test_learning_goes_on_wherever_it_stopped(n_done):
    """The average may take in other iterates, but the machine is the same."""
    one, other = (
        learned(rule, n_done=n_done, n_rows=100).model
        for rule in (ContrastiveLearning, SmallContrastive)
    )
    np.testing.assert_allclose(other.matrix, one.matrix, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_kept", [None, N_CHAINS - 1])
def test_chains_there_are_not_start_from_rows_of_the_batch(n_kept):
    one, other = (
        learned(rule, n_kept=n_kept) for rule in (ContrastiveLearning, SmallContrastive)
    )
    assert len(other.chains) == N_CHAINS
    np.testing.assert_allclose(other.model.matrix, one.model.matrix, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("n_done", "expected"), [(0, [10, 10, 10, 10]), (7, [10, 3, 10, 10, 7])]
)
def test_many_updates_are_one_call(monkeypatch, n_done, expected):
    sizes = []

    def ascend(model, batches, rates, chains, noise):
        sizes.append(len(batches))
        assert len(rates) == len(batches)
        return model, chains

    monkeypatch.setattr(small_contrastive, "ascend", ascend)
    state = learned(SmallContrastive, n_done=n_done)
    assert sizes == expected
    assert state.n_updates == n_done + 40


SMALL = {"solver": "sgd", "batch_size": 10, "n_chains": 10}


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, SmallContrastive),
        ({"centering": False}, SmallContrastive),
        ({"solver": "natural"}, ContrastiveLearning),
        ({"alpha": 0.1}, ContrastiveLearning),
        ({"n_gibbs_steps": 2}, ContrastiveLearning),
        ({"tempering": True}, ContrastiveLearning),
        ({"algorithm": "cd"}, ContrastiveLearning),
        ({"n_chains": 10**6}, ContrastiveLearning),
        ({"batch_size": 10**6}, ContrastiveLearning),
    ],
)
def test_machines_are_learned_so_where_it_serves(settings, rule):
    rbm = BinaryRBM(2, max_iter=1, random_state=0, **SMALL | settings)
    X = np.random.default_rng(0).random((30, 3)) < 0.3
    rbm.fit(X)
    assert type(rbm._learner(rbm.algorithm)) is rule
