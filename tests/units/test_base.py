"""Every kind of units whose states can be listed, against brute force."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp
from statistical import assert_draws_from

from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.mixed import MixedUnits

BIT = [[0.0], [1.0]]


def levels(n_levels):
    return np.eye(n_levels).tolist()


# Units, and the states of each of them.
CASES = {
    "binary": (BinaryUnits(3), [BIT, BIT, BIT]),
    "categorical": (CategoricalUnits((3, 2, 4)), [levels(3), levels(2), levels(4)]),
    "one level": (CategoricalUnits((1, 3)), [levels(1), levels(3)]),
    "mixed": (
        MixedUnits((BinaryUnits(2), CategoricalUnits((3, 2)), BinaryUnits(1))),
        [BIT, BIT, levels(3), levels(2), BIT],
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    """Units, and their configurations, each unit's states side by side."""
    units, states = CASES[request.param]
    return units, np.array([np.concatenate(parts) for parts in product(*states)])


@pytest.fixture(params=[np.float32, np.float64])
def field(case, request):
    units, _ = case
    rng = np.random.default_rng(0)
    return rng.normal(0, 1.5, (4, units.n_columns)).astype(request.param)


def law_of(field, states):
    score = field.astype(float) @ states.T
    return np.exp(score - logsumexp(score, axis=1, keepdims=True))


def precision(field):
    return 32 * np.finfo(field.dtype).eps


def test_configurations_are_all_states(case):
    units, states = case
    assert units.n_configurations == len(states)
    assert units.n_columns == states.shape[1]
    listed = units.configurations(np.arange(len(states)))
    assert listed.dtype == np.float64
    assert set(map(tuple, listed)) == set(map(tuple, states))
    numbers = np.array([2, 0, 1])
    np.testing.assert_array_equal(units.configurations(numbers), listed[numbers])


def test_states_are_their_statistics(case):
    units, states = case
    np.testing.assert_array_equal(units.statistics(states), states)
    np.testing.assert_array_equal(units.states(states), states)
    assert np.all(units.log_base(states) == 0)


def test_log_normaliser(case, field):
    units, states = case
    given = field.copy()
    result = units.log_normaliser(field)
    assert result.dtype == field.dtype
    np.testing.assert_array_equal(field, given)
    exact = logsumexp(field.astype(float) @ states.T, axis=1)
    np.testing.assert_allclose(result, exact, rtol=0, atol=precision(field))


@pytest.mark.parametrize("beta", [0.25, np.array([0.0, 1.0, 0.5, 2.0])])
def test_rise_of_the_log_normaliser(case, field, beta):
    units, states = case
    given, other = field.copy(), np.array([1.0, 0.25, 0.5, 1.75])
    result = units.rise(field, beta, other)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(field, given)
    before, after = (
        logsumexp(np.reshape(scale, (-1, 1)) * field.astype(float) @ states.T, axis=1)
        for scale in (beta, other)
    )
    np.testing.assert_allclose(result, after - before, rtol=0, atol=precision(field))


def test_mean_and_variance(case, field):
    units, states = case
    law = law_of(field, states)
    mean = units.mean(field.copy())
    variance = units.variance(mean)
    assert mean.dtype == variance.dtype == field.dtype
    exact = law @ states
    np.testing.assert_allclose(mean, exact, rtol=0, atol=precision(field))
    np.testing.assert_allclose(
        variance, law @ states**2 - exact**2, rtol=0, atol=precision(field)
    )


def test_natural_takes_the_mean_back(case):
    """But for a constant among levels, which changes no probability."""
    units, states = case
    field = np.random.default_rng(0).normal(0, 1.5, (4, units.n_columns))
    mean = units.mean(field.copy())
    again = units.natural(mean.copy())
    np.testing.assert_allclose(units.mean(again.copy()), mean, rtol=0, atol=1e-14)
    rise = (again - field) @ (states - states[0]).T
    np.testing.assert_allclose(rise, 0, atol=1e-13)


@pytest.mark.parametrize("beta", [1.0, 0.5, np.array([0.0, 0.5, 1.0, 2.0])])
def test_draws_are_of_the_law(case, field, beta):
    units, states = case
    law = law_of(np.reshape(beta, (-1, 1)) * field, states)
    n_draws = 20_000
    noise = UniformNoise(np.random.default_rng(1), field.dtype)
    every_beta = beta if np.ndim(beta) == 0 else np.repeat(beta, n_draws)
    drawn = units.draw(np.repeat(field, n_draws, axis=0), noise, every_beta)
    assert drawn.dtype == bool
    fits = (drawn[:, np.newaxis] == states).all(axis=2)
    assert fits.any(axis=1).all()
    for row, part in zip(law, np.split(fits.argmax(axis=1), len(law)), strict=True):
        assert_draws_from(row, part)


def test_switches_change_one_unit(case):
    """To each of its other states, and from all configurations to all neighbours."""
    units, states = case
    found = set()
    for column in np.flatnonzero(units.switches >= 0):
        changed = units.switched(states, np.full(len(states), column))
        np.testing.assert_array_equal(changed, units.switched(states, column))
        for row, other in zip(states, changed, strict=True):
            found.add((tuple(row), tuple(other)))
    parts = parts_of(units)
    n_changes = np.array(
        [[(a[i] != b[i]).any() for i in parts] for a in states for b in states]
    ).sum(axis=1)
    pairs = [(tuple(a), tuple(b)) for a in states for b in states]
    expected = {pair for pair, n in zip(pairs, n_changes, strict=True) if n == 1}
    assert expected <= found
    assert all(a == b for a, b in found - expected)


def parts_of(units):
    """Columns of each unit that can change."""
    numbers = np.unique(units.switches[units.switches >= 0])
    return [units.switches == number for number in numbers]
