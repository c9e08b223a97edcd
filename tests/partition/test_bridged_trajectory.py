"""log Z along the way of a machine of which a mixture knows the groups."""

import numpy as np
import pytest
from oracle import all_states
from product_mixtures import noise_from, two_blocks
from scipy.special import logit, logsumexp
from statistical import assert_mean_is

from skebm.energy.pairwise import PairwiseEnergy
from skebm.partition import trajectory
from skebm.partition.trajectory import PartitionTrajectory
from skebm.sampling.mixture import Mixture
from skebm.sampling.path import IndependentStart
from skebm.units.binary import BinaryUnits

# Two more than are enumerated on the way.
N_UNITS = 12
MEAN = np.full(N_UNITS, 0.5)


def two_modes(log_odds):
    """Most units alike: on more often than off by exp(log_odds)."""
    return two_blocks(N_UNITS, log_odds=log_odds, coupling=0.8)


def exact_log_partition(energy):
    return logsumexp(energy.score(all_states(N_UNITS)))


def both_modes():
    means = np.repeat([[0.04], [0.96]], N_UNITS, axis=1)
    return Mixture.of_means(BinaryUnits(N_UNITS), np.array([0.5, 0.5]), means)


def start(seed=0, mean=MEAN, **settings):
    return PartitionTrajectory(mean, noise_from(seed, np.float32), **settings)


def follow(path, seed, mixture):
    """Give errors of log Z at each machine of a path."""
    way, errors = start(seed, most_steps=25), []
    for energy in path:
        way.advance(energy, mixture)
        errors.append(way.log_partition - exact_log_partition(energy))
    return np.array(errors)


def test_modes_without_a_chain_are_found_by_jumps():
    """At first all chains are in one of them, from where no step leads out."""
    path = [two_modes(log_odds) for log_odds in (-20, -12, -6, -3, -1, 0, 0, 0)]
    with_jumps, without = (
        np.array([follow(path, seed, mixture)[-3:] for seed in range(10)])
        for mixture in (both_modes(), None)
    )
    # Without them half of Z is unseen, or counts for too much.
    assert np.sqrt(np.mean(without**2)) > 0.3
    assert np.abs(with_jumps).max() < 0.25


@pytest.mark.slow
def test_jumps_and_bridges_keep_errors_from_adding_up():
    odds = [0, 1, 2, 1, 0, -1, -2, -1] * 2
    path = [two_modes(log_odds) for log_odds in odds]
    bridged, alone = (
        np.array([follow(path, seed, mixture)[-1] for seed in range(40)])
        for mixture in (both_modes(), None)
    )
    assert bridged.std() < 0.7 * alone.std()
    assert abs(bridged.mean()) < 5 * bridged.std() / np.sqrt(40)
    # Of 400 draws each of the mixture and the machine: the way adds nothing to it.
    assert bridged.std() < 0.1


def test_jumping_chains_have_the_law_of_the_machine():
    shares = []
    for seed in range(20):
        way = start(seed)
        for log_odds in (-3, -1, 1):
            way.advance(two_modes(log_odds), both_modes())
        weights = way._weights() / way._weights().sum()
        shares.append(weights @ (way._rows.mean(axis=1) > 0.5))
    rows, energy = all_states(N_UNITS), two_modes(1)
    law = np.exp(energy.score(rows) - exact_log_partition(energy))
    assert_mean_is(law @ (rows.mean(axis=1) > 0.5), np.array(shares))


def test_chains_start_over_from_the_mixture(monkeypatch):
    monkeypatch.setattr(trajectory, "_RESTARTED_BELOW", 1.1)
    starts, start_over = [], PartitionTrajectory.start_over

    def watched(way, energy, first):
        starts.append(first)
        start_over(way, energy, first)

    monkeypatch.setattr(PartitionTrajectory, "start_over", watched)
    way, mixture = start(), both_modes()
    way.advance(two_modes(0.0), mixture)
    way.advance(two_modes(1.0), mixture)
    # The first machine is still one of nearly independent units.
    assert isinstance(starts[0], IndependentStart)
    assert starts[1:] == [mixture]
    exact = exact_log_partition(two_modes(1.0))
    assert way.log_partition == pytest.approx(exact, abs=0.25)


def test_a_mixture_that_is_the_machine_leaves_no_error():
    """Both the weights and the bridge are then without a variance."""
    mean = np.linspace(0.1, 0.9, N_UNITS)
    energy = PairwiseEnergy.of(np.zeros((N_UNITS, N_UNITS)), logit(mean))
    mixture, way = IndependentStart(energy.units, mean), start(mean=mean)
    for _ in range(3):
        way.advance(energy, mixture)
        exact = exact_log_partition(energy)
        assert way.log_partition == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("n_on", [0, N_UNITS])
def test_a_mixture_that_knows_nothing_of_the_machine_does_little_harm(n_on):
    """Its draws and those of the machine lie in different modes."""
    energy = two_blocks(N_UNITS, log_odds=60.0 * (1 if n_on else -1), coupling=5.0)
    far = np.full((1, N_UNITS), 1e-4 if n_on else 1 - 1e-4)
    mixture = Mixture.of_means(BinaryUnits(N_UNITS), np.ones(1), far)
    way = start()
    for _ in range(5):
        way.advance(energy, mixture)
        assert abs(way.log_partition - exact_log_partition(energy)) < 0.25
