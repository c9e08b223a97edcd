"""Sums over configurations, whatever the blocks that they are cut into."""

import numpy as np
import pytest
from oracle import all_states, random_boltzmann
from scipy.special import expit, logsumexp
from statistical import assert_draws_from

from skebm.energy.graph import Split
from skebm.energy.sums import split as split_module
from skebm.energy.sums.split import (
    draw_cut,
    free_energy_of_cut,
    log_sums,
    unit_moments,
)
from skebm.sampling.random import UniformNoise


@pytest.fixture(params=[2**16, 7])
def block_elements(request, monkeypatch):
    monkeypatch.setattr(split_module, "_BLOCK_ELEMENTS", request.param)


@pytest.fixture(
    params=[([1, 4], [0, 2, 3]), ([], [0, 1, 2, 3, 4]), ([0, 1, 2, 4], [3])]
)
def split(request):
    return Split(*(np.array(part, dtype=int) for part in request.param))


@pytest.fixture
def couplings(split):
    couplings, _ = random_boltzmann(5)
    couplings[np.ix_(split.rest, split.rest)] = 0
    return couplings


@pytest.fixture
def field():
    return np.random.default_rng(1).normal(size=(9, 5))


def scores(field, couplings):
    states = all_states(5)
    quadratic = np.einsum("ki,ij,kj->k", states, couplings, states) / 2
    return field @ states.T + quadratic


@pytest.mark.usefixtures("block_elements")
def test_log_sums(field, couplings, split):
    exact = logsumexp(scores(field, couplings), axis=1)
    np.testing.assert_allclose(log_sums(field, couplings, split), exact, atol=1e-13)


@pytest.mark.usefixtures("block_elements")
def test_unit_moments(field, couplings, split):
    row_weights = np.random.default_rng(2).random(9)
    moments = unit_moments(field, couplings, split, row_weights)
    score = scores(field, couplings)
    law = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    states = all_states(5)
    np.testing.assert_allclose(moments.log_sums, logsumexp(score, axis=1), atol=1e-13)
    np.testing.assert_allclose(moments.mean, law @ states, atol=1e-13)
    exact = states.T @ ((row_weights @ law)[:, np.newaxis] * states)
    coupled = couplings != 0
    np.testing.assert_allclose(moments.products[coupled], exact[coupled], atol=1e-12)


@pytest.mark.usefixtures("block_elements")
def test_draw_cut(field, couplings, split):
    n_copies = 3000
    score = scores(field, couplings)
    law = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    states = all_states(5)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    copies = np.repeat(field, n_copies, axis=0)
    drawn = draw_cut(copies, couplings, split, noise)
    assert set(np.unique(drawn[:, split.cut])) <= {0, 1}
    rest_field = copies + drawn @ couplings
    np.testing.assert_allclose(
        drawn[:, split.rest], expit(rest_field[:, split.rest]), atol=1e-13
    )
    powers = 2 ** np.arange(len(split.cut))[::-1]
    of_cut = (states[:, split.cut] @ powers).astype(int)
    for row, part in zip(law, np.split(drawn, len(field)), strict=True):
        exact = np.bincount(of_cut, weights=row)
        assert_draws_from(exact, (part[:, split.cut] @ powers).astype(int))


@pytest.mark.parametrize("extreme", [-1.0, 1.0])
def test_draws_at_either_end_are_configurations(couplings, split, extreme):
    class Extreme:
        def draw(self, shape):
            return np.full(shape, extreme, dtype=np.float32)

    field = np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
    drawn = draw_cut(field, couplings.astype(np.float32), split, Extreme())
    last = 0 if extreme < 0 else 1
    np.testing.assert_array_equal(drawn[:, split.cut], last)


def test_free_energy_of_cut(field, couplings, split):
    states, bias = all_states(5), field[0]
    score = scores(field[:1], couplings)[0]
    for configuration in all_states(len(split.cut)):
        fits = (states[:, split.cut] == configuration).all(axis=1)
        result = free_energy_of_cut(configuration[np.newaxis], couplings, bias, split)
        assert result[0] == pytest.approx(-logsumexp(score[fits]), abs=1e-13)


def test_large_fields_do_not_overflow(couplings, split):
    field = np.full((1, 5), 1000.0)
    exact = logsumexp(scores(field, couplings), axis=1)
    np.testing.assert_allclose(log_sums(field, couplings, split), exact, rtol=1e-14)
