"""Kinds side by side, one of them without a list of states; for others `test_base`."""

import numpy as np
import pytest
from statistical import assert_draws_from, assert_mean_is

from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits
from skebm.units.mixed import MixedUnits

GAUSSIAN = GaussianUnits.of_base(np.array([[2.0, 0.0], [0.5, 0.25]]))
PARTS = CategoricalUnits((3,)), GAUSSIAN, BinaryUnits(2)
COLUMNS = slice(0, 3), slice(3, 5), slice(5, 7)
UNITS = MixedUnits(PARTS)


def of_parts(name, columns):
    """Ask each kind for the same of its own columns."""
    parts = zip(PARTS, COLUMNS, strict=True)
    return [getattr(part, name)(columns[:, own].copy()) for part, own in parts]


@pytest.fixture
def field():
    return np.random.default_rng(0).normal(size=(4, 7))


def test_there_are_infinitely_many_configurations():
    assert UNITS.n_columns == 7
    assert UNITS.n_configurations == np.inf


@pytest.mark.parametrize("name", ["mean", "statistics", "states"])
def test_columns_are_those_of_each_kind(field, name):
    expected = np.hstack(of_parts(name, field))
    np.testing.assert_array_equal(getattr(UNITS, name)(field.copy()), expected)


@pytest.mark.parametrize("name", ["natural", "variance"])
def test_what_follows_from_means_is_that_of_each_kind(field, name):
    mean = UNITS.mean(field)
    expected = np.hstack(of_parts(name, mean))
    np.testing.assert_array_equal(getattr(UNITS, name)(mean.copy()), expected)


@pytest.mark.parametrize("name", ["log_normaliser", "log_base"])
def test_logarithms_add_up(field, name):
    expected = sum(of_parts(name, field))
    result = getattr(UNITS, name)(field)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-14)


def test_states_have_their_statistics(field):
    again = UNITS.states(UNITS.statistics(field))
    np.testing.assert_allclose(again, field, rtol=0, atol=1e-14)
    assert not np.allclose(UNITS.statistics(field), field)


def test_draws(field):
    n_draws, beta = 40_000, 0.5
    noise = UniformNoise(np.random.default_rng(1), np.float64)
    drawn = UNITS.draw(np.repeat(field[:1], n_draws, axis=0), noise, beta)
    level, white, bits = (UNITS.statistics(drawn)[:, own] for own in COLUMNS)
    mean = field[0, 3:5]
    assert_mean_is(mean, white)
    squares = np.einsum("ni,nj->nij", white - mean, white - mean)
    assert_mean_is(np.eye(2) / beta, squares)
    # The law of all the others, and which columns are independent of the rest.
    weight = np.exp(beta * field[0])
    level_law = weight[:3] / weight[:3].sum()
    first, second = weight[5:] / (1 + weight[5:])
    law = np.outer(level_law, [1 - first, first])
    law = np.multiply.outer(law, [1 - second, second])
    numbers = level.argmax(axis=1) * 4 + bits @ [2, 1]
    assert_draws_from(law.ravel(), numbers.astype(int))
    assert_mean_is(
        np.outer(mean, np.append(level_law, [first, second])),
        np.einsum("ni,nj->nij", white, np.hstack([level, bits])),
    )
