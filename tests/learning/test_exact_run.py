import numpy as np
import pytest
from oracle import RBMOracle

from skebm._rows import Rows
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.learning.contrastive import LearningState
from skebm.learning.exact import ExactLearning
from skebm.learning.exact_run import ExactRun


def table():
    rng = np.random.default_rng(0)
    return (rng.random((200, 1)) < 0.4) ^ (rng.random((200, 4)) < 0.2)


def begin(*, weights=None, max_iter=1000, tol=1e-5):
    if weights is None:
        weights = np.random.default_rng(1).normal(0, 0.1, (2, 4))
    mean = table().mean(axis=0)
    energy = BinaryRBMEnergy(weights, np.zeros(4), np.zeros(2))
    model = energy.astype(np.float32).centred(
        mean.astype(np.float32), np.full(2, 0.5, np.float32)
    )
    state = LearningState(model, model, None, None, {})
    learner = ExactLearning(max_iter, 0.0, 0.0, tol)
    return ExactRun(
        learner,
        state,
        Rows(table(), None),
        lambda machine: BinaryRBMEnergy(*machine.plain_parameters()),
    )


def log_likelihood(machine):
    return RBMOracle(*machine.plain_parameters()).log_likelihood(table()).mean()


def test_each_iteration_is_a_stage():
    run, seen = begin(), []

    def stage(advance):
        # A stage has been run when it is reported, and never asks for the end.
        assert advance() is False
        seen.append((run.state.n_updates, log_likelihood(run.state.model)))
        assert run.state.averaged is run.state.model
        return False

    run.fit(stage)
    numbers, likelihoods = zip(*seen, strict=True)
    assert numbers == tuple(range(1, len(seen) + 1))
    assert run.history["n_iter"] == list(numbers)
    np.testing.assert_allclose(
        run.history["train_log_likelihood"], likelihoods, rtol=0, atol=1e-13
    )
    assert run.state.n_updates == len(seen) < run.n_stages == 1000


def test_ends_at_the_optimum_in_float64():
    run = begin()
    offsets = run.state.model.offsets
    run.fit(lambda advance: False)
    model = run.state.model
    gradient = RBMOracle(*model.plain_parameters()).gradient(table())
    assert max(np.abs(part).max() for part in gradient) < 1e-5
    assert model.matrix.dtype == np.float64
    # In the coordinates in which it began.
    np.testing.assert_array_equal(model.offsets.visible, offsets.visible)
    np.testing.assert_array_equal(model.offsets.hidden, offsets.hidden)
    assert run.learner.result(run.state) is model


@pytest.mark.parametrize("n_stages", [1, 3])
def test_a_stage_may_ask_for_the_end(n_stages):
    run, seen = begin(), []

    def stage(advance):
        seen.append(run.state.model)
        return len(seen) == n_stages

    run.fit(stage)
    assert len(seen) == run.state.n_updates == n_stages
    assert run.state.model is seen[-1]


def test_a_start_at_the_optimum_counts_as_one_iteration():
    run = begin(weights=np.zeros((2, 4)), tol=1.0)
    before = run.state.model
    stages = []
    run.fit(stages.append)
    assert not stages
    assert run.state.model is before
    assert run.state.n_updates == 1
    assert run.history == {"n_iter": [], "train_log_likelihood": []}
