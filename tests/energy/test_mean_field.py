"""Mean field: where its steps end, and that no row depends on another."""

import numpy as np
import pytest
from oracle import all_states, random_boltzmann
from scipy.special import expit, logsumexp

from skebm.energy.mean_field import log_sum_bound, mean_field

ONE_BY_ONE = [np.array([unit]) for unit in range(5)]


@pytest.fixture
def couplings():
    return random_boltzmann(5)[0]


@pytest.fixture
def field():
    return np.random.default_rng(1).normal(size=(40, 5))


@pytest.mark.parametrize("colours", [ONE_BY_ONE, [np.arange(3), np.arange(3, 5)]])
def test_ends_where_each_mean_follows_from_the_others(field, couplings, colours):
    for members in colours:
        couplings[np.ix_(members, members)] = 0
    mean = mean_field(field, couplings, colours)
    np.testing.assert_allclose(mean, expit(field + mean @ couplings), atol=1e-9)


def test_single_precision_ends_as_well(field, couplings):
    exact = mean_field(field, couplings, ONE_BY_ONE)
    mean = mean_field(
        field.astype(np.float32), couplings.astype(np.float32), ONE_BY_ONE
    )
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, exact, atol=1e-4)


def test_is_exact_without_couplings(field):
    before = field.copy()
    mean = mean_field(field, np.zeros((5, 5)), [np.arange(5)])
    np.testing.assert_allclose(mean, expit(field), atol=1e-15)
    np.testing.assert_array_equal(field, before)


def test_every_sweep_raises_the_bound(field, couplings):
    bounds = [
        log_sum_bound(
            mean_field(field, 3 * couplings, ONE_BY_ONE, n_sweeps), field, 3 * couplings
        )
        for n_sweeps in range(1, 8)
    ]
    assert np.diff(bounds, axis=0).min() > -1e-12
    assert np.diff(bounds, axis=0)[0].max() > 1e-3
    states = all_states(5)
    quadratic = 1.5 * np.einsum("ki,ij,kj->k", states, couplings, states)
    exact = logsumexp(field @ states.T + quadratic, axis=1)
    assert (exact - bounds[-1]).min() > 0


def test_rows_end_on_their_own(field, couplings):
    together = mean_field(field, couplings, ONE_BY_ONE)
    for row in range(len(field)):
        alone = mean_field(field[row : row + 1], couplings, ONE_BY_ONE)
        np.testing.assert_allclose(alone[0], together[row], atol=1e-14)
