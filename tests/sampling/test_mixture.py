"""Mixtures of products, against sums over all configurations."""

import numpy as np
import pytest
from gaussian_machines import gaussian_machine, rows_of
from oracle import random_boltzmann, random_rbm
from product_mixtures import (
    PLACES,
    STATES,
    WEIGHTS,
    joint_law,
    law_at,
    mixture,
    noise_from,
    paths,
)
from scipy.special import expit, logsumexp
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.sampling.mixture import Groups, Mixture, fit_mixture, kernel_mixture
from skebm.sampling.path import Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import start_replicas, temper
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits, log_sum_of_levels

N_ROWS = 50_000


def test_context_holds_the_joint_law():
    start = mixture()
    context = start.context(STATES)
    assert np.allclose(np.exp(context), joint_law(), rtol=1e-10)
    expected = np.log(joint_law().sum(axis=1))
    assert np.allclose(logsumexp(context, axis=1), expected, rtol=0, atol=1e-10)


def test_log_probabilities_sum_over_components():
    log_prob = log_sum_of_levels(mixture().context(STATES))
    exact = np.log(joint_law().sum(axis=1))
    np.testing.assert_allclose(log_prob, exact, rtol=0, atol=1e-12)
    assert logsumexp(log_prob) == pytest.approx(0, abs=1e-12)


def test_draws_are_exact():
    rows = mixture().draw(N_ROWS, noise_from(0))
    assert_draws_from(joint_law().sum(axis=1), rows @ PLACES)


@pytest.mark.parametrize("path", paths(), ids=["rbm", "pairwise"])
def test_log_ratio_compares_laws_of_the_path(path):
    context = path.context(STATES)
    for beta, other in [(0.0, 1.0), (0.2, 0.7), (1.0, 0.4)]:
        # The number of components is left out of all laws but that at beta 0.
        lost = (beta - other) * np.log(3)
        expected = np.log(law_at(path, other) / law_at(path, beta)) + lost
        ratio = path.log_ratio(context, beta, other)
        assert np.allclose(ratio, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("path", paths(), ids=["rbm", "pairwise"])
def test_annealing_weights_add_up_to_the_partition_function(path):
    log_start = logsumexp(np.log(law_at(path, 0.0)))
    assert np.isclose(path.log_partition, log_start, rtol=0, atol=1e-10)
    ratio = path.log_ratio(path.context(STATES), 0.0, 1.0)
    law = law_at(path, 0.0) / law_at(path, 0.0).sum()
    log_partition = logsumexp(path.end.score(path.end.context(STATES)))
    found = path.log_partition + np.log(law @ np.exp(ratio))
    assert np.isclose(found, log_partition, rtol=0, atol=1e-10)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("path", paths(), ids=["rbm", "pairwise"])
@pytest.mark.parametrize("reverse", [False, True])
def test_sweeps_leave_the_law_as_it_is(path, beta, reverse):
    law = law_at(path, beta) / law_at(path, beta).sum()
    noise = noise_from(1)
    rows = STATES[noise.rng.choice(len(law), N_ROWS, p=law)] > 0
    rows = path.sweep(path.context(rows), beta, noise, reverse=reverse)
    assert_draws_from(law, rows @ PLACES)


def test_tempering_draws_the_lowest_rung_afresh():
    """Sweeps there would leave rows in their group; no other came to the top."""
    means = np.array([np.full(20, 0.001), np.full(20, 0.999)])
    start = Mixture.of_means(BinaryUnits(20), np.array([0.5, 0.5]), means)
    couplings = 4.0 * (1 - np.eye(20))
    machine = PairwiseEnergy.of(couplings, np.full(20, -4.0 * 19 / 2))
    path = Path(start, machine.astype(np.float32))
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    rows = np.zeros((400, 20), dtype=bool)
    replicas = start_replicas(np.linspace(0, 1, 4), rows)
    up = temper(path, replicas, noise, n_steps=60).coldest.mean(axis=1) > 0.5
    # Both are equally likely: five standard errors of 400 rows.
    assert abs(up.mean() - 0.5) < 5 * 0.5 / np.sqrt(400)


def test_fit_finds_the_groups_and_their_shares():
    rng = np.random.default_rng(0)
    centres = rng.random((5, 40)) < 0.5
    shares = np.array([0.4, 0.3, 0.2, 0.08, 0.02])
    group = np.repeat(np.arange(5), (2000 * shares).astype(int))
    rows = centres[group] ^ (rng.random((2000, 40)) < 0.01)
    fitted = fit_mixture(BinaryUnits(40), rows, 20, rng)
    component = fitted.context(centres).argmax(axis=1)
    assert len(set(component)) == 5
    # Some of a group may be in other components, most of which lie in it too.
    mass = np.zeros(5)
    nearest = np.abs(
        1 / (1 + np.exp(-fitted.fields))[:, np.newaxis] - centres[np.newaxis]
    ).sum(axis=2)
    np.add.at(mass, nearest.argmin(axis=1), np.exp(fitted.log_weights))
    assert np.allclose(mass, shares, atol=0.01)


def test_fit_takes_weights_as_repeats():
    rows = np.array([[0, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=bool)
    repeated = np.repeat(rows, [5, 3, 2], axis=0)
    fits = [
        fit_mixture(BinaryUnits(3), *arguments)
        for arguments in (
            (rows, 2, np.random.default_rng(0), np.array([5.0, 3.0, 2.0])),
            (repeated, 2, np.random.default_rng(0)),
        )
    ]
    assert np.allclose(fits[0].fields, fits[1].fields)


def test_categorical_rows_have_mixtures():
    units = CategoricalUnits((3, 2))
    values = np.array([[0, 0], [2, 1]] * 20)
    fitted = fit_mixture(units, units.encode(values), 2, np.random.default_rng(0))
    every = units.configurations(np.arange(6))
    probability = np.exp(fitted.context(every)).sum(axis=1)
    assert np.isclose(probability.sum(), 1, atol=1e-6)
    assert probability[[0, 5]].min() > 0.4


def test_kernel_has_a_component_a_row():
    rows = np.array([[0, 0, 0, 0], [1, 1, 0, 1]], dtype=bool)
    kernels = kernel_mixture(BinaryUnits(4), rows, 0.2, np.array([3.0, 1.0]))
    on = 1 / (1 + np.exp(-kernels.fields))
    assert np.allclose(on, np.where(rows, 0.9, 0.1))
    assert np.allclose(np.exp(kernels.log_weights), [0.75, 0.25])


def test_joined_and_reweighted_shares():
    first, rows = mixture(), STATES[[0, 15]]
    joined = first.joined(first, 0.25)
    expected = np.concatenate([0.75 * WEIGHTS, 0.25 * WEIGHTS])
    assert np.allclose(np.exp(joined.log_weights), expected)
    posterior = joint_law()[[0, 15]]
    posterior /= posterior.sum(axis=1, keepdims=True)
    expected = 0.9 * np.array([0.3, 0.7]) @ posterior + 0.1 * WEIGHTS
    shares = np.exp(first.reweighted(rows, np.array([0.3, 0.7])).log_weights)
    assert np.allclose(shares, expected)


# ---- groups ----


def grouped_bits(n_columns):
    """Two groups of rows, 30 that are mostly on and 70 that are mostly off."""
    rng = np.random.default_rng(0)
    group = np.arange(100) < 30
    return group, group[:, np.newaxis] ^ (rng.random((100, n_columns)) < 0.05)


def smoothed(rows, everything):
    """Means of the rows of a group, and one that is the mean of all, and a half."""
    mean = (everything.sum(axis=0) + 0.5) / (len(everything) + 1)
    return (rows.sum(axis=0) + mean) / (len(rows) + 1)


def by_share(fitted):
    """Give shares of components and their means, the rarest first."""
    order = np.argsort(fitted.log_weights)
    return np.exp(fitted.log_weights)[order], expit(fitted.fields)[order]


def test_groups_of_visible_rows_are_components():
    group, rows = grouped_bits(20)
    energy = BinaryRBMEnergy.of(*random_rbm(3, 20))
    groups = Groups(rows, 2, np.random.default_rng(0))
    shares, means = by_share(groups.mixture(energy, noise_from(0)))
    np.testing.assert_allclose(shares, [0.3, 0.7], atol=1e-4)
    expected = [smoothed(rows[group], rows), smoothed(rows[~group], rows)]
    np.testing.assert_allclose(means, expected, atol=1e-5)


def test_groups_have_hidden_units_drawn_given_them():
    group, rows = grouped_bits(8)
    graph = LayeredGraph.of_layers(
        np.zeros((8, 8), dtype=bool),
        np.ones((2, 2), dtype=bool),
        np.ones((2, 8), dtype=bool),
    )
    couplings, bias = random_boltzmann(10, scale=0.5)
    energy = LatentEnergy.of(couplings * graph.mask, bias, graph)
    groups, noise = Groups(rows, 2, np.random.default_rng(0)), noise_from(0)
    fits = [by_share(groups.mixture(energy, noise)) for _ in range(200)]
    np.testing.assert_allclose([fit[0] for fit in fits], [[0.3, 0.7]] * 200, atol=1e-4)
    means = np.array([fit[1] for fit in fits])
    parts = rows[group], rows[~group]
    visible = [smoothed(part, rows) for part in parts]
    np.testing.assert_allclose(means[0, :, :8], visible, atol=1e-5)
    # Rows that are the same are drawn once, and so count as many times alike.
    expected = [energy.hidden_mean(part.astype(float)) for part in parts]
    every = energy.hidden_mean(rows.astype(float))
    expected = [
        (mean.sum(axis=0) + (every.sum(axis=0) + 0.5) / 101) / (len(mean) + 1)
        for mean in expected
    ]
    assert_mean_is(np.array(expected), means[:, :, 8:])


def test_groups_of_gaussian_rows_have_hidden_units_drawn_given_them():
    energy = gaussian_machine("full", scale=0.02)
    rng = np.random.default_rng(0)
    group = np.arange(100) < 30
    rows = rows_of(energy, 100) + np.where(group, 40.0, -40.0)[:, np.newaxis]
    groups, noise = Groups(rows, 2, rng), noise_from(0)
    fits = [by_share(groups.mixture(energy, noise)) for _ in range(200)]
    np.testing.assert_allclose([fit[0] for fit in fits], [[0.3, 0.7]] * 200, atol=1e-4)
    every = energy.hidden_mean(rows)
    mean = (every.sum(axis=0) + 0.5) / 101
    expected = [
        (every[part].sum(axis=0) + mean) / (part.sum() + 1) for part in (group, ~group)
    ]
    assert np.ptp(expected, axis=0).max() > 0.1
    assert_mean_is(np.array(expected), [fit[1] for fit in fits])


def test_there_are_no_more_groups_than_asked_for_or_distinct_rows():
    _, rows = grouped_bits(20)
    energy = BinaryRBMEnergy.of(*random_rbm(3, 20))
    for table, n_groups in ((rows, 7), (rows[[0, 0, 1]], 2)):
        groups = Groups(table, 7, np.random.default_rng(0))
        assert groups.mixture(energy, noise_from(0)).n_components == n_groups
