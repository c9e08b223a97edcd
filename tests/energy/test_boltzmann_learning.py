"""The layers above learn a Boltzmann machine as they learn any other."""

from itertools import islice

import numpy as np
import pytest
from oracle import BoltzmannOracle, random_boltzmann, random_lattice
from scipy.special import logit

from skebm._rows import Rows
from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.connectivity import Connectivity
from skebm.learning.contrastive import ContrastiveLearning, LearningState
from skebm.learning.exact import ExactLearning
from skebm.learning.schedule import Schedule
from skebm.partition.trajectory import PartitionTrajectory
from skebm.sampling.noise import UniformNoise


def dense():
    return BoltzmannEnergy(*random_boltzmann(6))


def masked():
    couplings, bias, mask, _ = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask))


def coloured():
    couplings, bias, mask, colours = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture(params=[dense, masked, coloured])
def truth(request):
    return request.param()


def table_of(truth, n_rows=2000):
    oracle = BoltzmannOracle(truth.couplings, truth.bias)
    return oracle.draw(n_rows, np.random.default_rng(0))


def optimum(truth, table, alpha=0.0, l1_ratio=0.0):
    start, _ = truth.independent(table.mean(axis=0))
    learner = ExactLearning(500, alpha, l1_ratio, 1e-7)
    fit = learner.run(start, Rows(table.astype(bool), None))
    assert fit.converged
    return fit


def log_likelihood(energy, table):
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    return oracle.log_likelihood(table).mean()


def test_exact_learning_ends_where_the_gradient_vanishes(truth):
    table = table_of(truth)
    fit = optimum(truth, table)
    oracle = BoltzmannOracle(fit.energy.couplings, fit.energy.bias)
    couplings, bias = oracle.gradient(table)
    assert np.abs(couplings[truth.edges()]).max() < 1e-7
    assert np.abs(bias).max() < 1e-7
    np.testing.assert_array_equal(fit.energy.couplings != 0, truth.couplings != 0)
    exact = log_likelihood(fit.energy, table)
    assert fit.log_likelihoods[-1] == pytest.approx(exact, abs=1e-13)


def test_an_l1_penalty_counts_each_coupling_once(truth):
    table, alpha = table_of(truth), 0.03
    energy = optimum(truth, table, alpha, 1.0).energy
    couplings, _ = BoltzmannOracle(energy.couplings, energy.bias).gradient(table)
    pull, weights = couplings[truth.edges()], energy.weights
    zero = weights == 0
    assert 0 < zero.sum() < len(zero)
    assert np.abs(pull[~zero] - alpha * np.sign(weights[~zero])).max() < 1e-7
    assert np.abs(pull[zero]).max() < alpha


def learn(truth, table, n_updates=1500, alpha=0.0, *, tempering=False):
    mean = table.mean(axis=0)
    start = BoltzmannEnergy(
        np.zeros_like(truth.couplings), logit(mean), truth.connectivity
    )
    model = start.astype(np.float32).centred(mean.astype(np.float32))
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    state = LearningState(model, model, None, noise, {})
    learner = ContrastiveLearning(
        persistent=True,
        n_chains=200,
        n_gibbs_steps=1,
        batch_size=200,
        tempered_from=mean if tempering else None,
        drifting_offset=True,
        alpha=alpha,
        l1_ratio=1.0,
    )

    def batches():
        while True:
            yield from learner.batches(state, Rows(table.astype(bool), None))

    learner.run(state, islice(batches(), n_updates), Schedule(0.5, n_updates, 0.5))
    result = learner.result(state)
    return learner, BoltzmannEnergy(*result.plain_parameters(), truth.connectivity)


@pytest.mark.parametrize("tempering", [False, True])
def test_contrastive_learning_comes_close_to_the_optimum(truth, tempering):
    table = table_of(truth)
    _, energy = learn(truth, table, tempering=tempering)
    best = optimum(truth, table).log_likelihoods[-1]
    # Of independent units the gap is 0.03 or more.
    assert best - 1e-4 < log_likelihood(energy, table) < best
    np.testing.assert_array_equal(energy.couplings, energy.couplings.T)
    np.testing.assert_array_equal(energy.couplings != 0, truth.couplings != 0)


def test_contrastive_learning_under_a_penalty(truth):
    table, alpha = table_of(truth), 0.03
    learner, energy = learn(truth, table, alpha=alpha)
    exact = optimum(truth, table, alpha, 1.0).energy
    assert (energy.weights == 0).any()

    def objective(energy):
        return log_likelihood(energy, table) - alpha * np.abs(energy.weights).sum()

    # Of independent units the gap is above 1e-3.
    assert objective(exact) - 1e-4 < objective(energy) < objective(exact)
    exact_penalty = alpha * np.abs(energy.weights).sum()
    assert learner.penalty(energy) == pytest.approx(exact_penalty, rel=1e-12)


def test_log_partition_along_the_way():
    energy = BoltzmannEnergy(*random_boltzmann(12, scale=0.5))
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    trajectory = PartitionTrajectory(np.full(12, 0.4), noise)
    for share in (0.3, 0.6, 1.0):
        couplings, bias = share * energy.couplings, share * energy.bias
        machine = BoltzmannEnergy(couplings, bias)
        trajectory.advance(machine)
        exact, _ = machine.model_moments()
        assert 0 < trajectory.std < 0.05
        assert abs(trajectory.log_partition - exact) < 5 * trajectory.std
