"""The metric of two layers is that of each of its blocks."""

import numpy as np
import pytest

from skebm.learning.latent_metric import LatentMetric
from skebm.learning.natural import KroneckerMetric
from skebm.learning.pair_metric import PairMetric

N_VISIBLE, N_HIDDEN = 4, 3
VISIBLE = slice(0, N_VISIBLE)
HIDDEN = slice(N_VISIBLE, N_VISIBLE + N_HIDDEN)


@pytest.fixture
def rows():
    """Centred units that vary together, and the constant."""
    rng = np.random.default_rng(0)
    units = rng.normal(size=(200, 7)) @ rng.normal(size=(7, 7)) / 4
    return np.column_stack([units - units.mean(axis=0), np.ones(200)])


@pytest.fixture
def gradient():
    half = np.random.default_rng(1).normal(size=(8, 8)).astype(np.float32)
    gradient = half + half.T
    np.fill_diagonal(gradient, 0)
    return gradient


@pytest.fixture
def mask():
    return ~np.eye(7, dtype=bool)


def visible_part(rows):
    return np.delete(rows, HIDDEN, axis=1)


@pytest.mark.parametrize("diagonal", [False, True])
def test_blocks_are_those_of_machines_with_one_kind_of_couplings(
    rows, gradient, mask, diagonal
):
    metric = LatentMetric.start(visible_part(rows), mask, diagonal=diagonal)
    pairs = PairMetric.start(visible_part(rows), diagonal=diagonal)
    layers = KroneckerMetric.start(visible_part(rows), N_HIDDEN, diagonal=diagonal)
    for _ in range(3):
        metric = metric.updated(visible_rows=rows)
        pairs = pairs.updated(visible_rows=visible_part(rows))
        layers = layers.updated(
            visible_rows=visible_part(rows), hidden_rows=rows[:, N_VISIBLE:]
        )
    natural = metric.natural(gradient)
    np.testing.assert_allclose(natural, natural.T, atol=1e-5)

    own = np.delete(np.delete(gradient, HIDDEN, axis=0), HIDDEN, axis=1)
    np.testing.assert_allclose(
        natural[VISIBLE, VISIBLE], pairs.natural(own)[:-1, :-1], rtol=1e-4, atol=1e-4
    )
    between = np.delete(gradient[N_VISIBLE:], HIDDEN, axis=1)
    # The corner of a matrix of weights means nothing.
    between[-1, -1] = 0
    np.testing.assert_allclose(
        natural[HIDDEN, VISIBLE],
        layers.natural(between)[:-1, :-1],
        rtol=1e-4,
        atol=1e-4,
    )


def test_pairs_of_hidden_units_are_scaled_by_all_of_their_variance(
    rows, gradient, mask
):
    rows[:, HIDDEN] *= 0.01  # means that hardly vary are of units that do
    metric = LatentMetric.start(visible_part(rows), mask)
    for _ in range(20):
        metric = metric.updated(visible_rows=rows)
    natural = metric.natural(gradient)[HIDDEN, HIDDEN]
    expected = gradient[HIDDEN, HIDDEN] / 0.26
    np.testing.assert_allclose(natural, expected, rtol=0.02)


@pytest.mark.parametrize("diagonal", [False, True])
def test_natural_gradients_ascend_within_the_couplings_that_exist(
    rows, gradient, mask, diagonal
):
    mask[1, 5] = mask[5, 1] = mask[0, 2] = mask[2, 0] = mask[4, 6] = mask[6, 4] = False
    gradient[:-1, :-1] *= mask
    metric = LatentMetric.start(visible_part(rows), mask, diagonal=diagonal)
    natural = metric.updated(visible_rows=rows).natural(gradient)
    assert not natural[:-1, :-1][~mask].any()
    assert np.vdot(natural, gradient) > 0


def test_diagonal_has_the_same_moments(rows, mask):
    full = LatentMetric.start(visible_part(rows), mask).updated(visible_rows=rows)
    start = LatentMetric.start(visible_part(rows), mask, diagonal=True)
    expected = start.updated(visible_rows=rows)
    diagonal = full.diagonal()
    np.testing.assert_allclose(diagonal.factor, expected.factor, rtol=1e-6)
    np.testing.assert_array_equal(diagonal.diagonal().factor, diagonal.factor)


def test_scales_are_what_gradients_are_multiplied_by(rows, mask):
    metric = LatentMetric.start(visible_part(rows), mask, diagonal=True)
    natural = metric.natural(np.ones((8, 8), np.float32))
    np.testing.assert_allclose(metric.scales(), natural[:-1, :-1], rtol=1e-6)


def test_without_rows_nothing_changes(rows, mask):
    metric = LatentMetric.start(visible_part(rows), mask)
    assert metric.updated(hidden_rows=np.ones((5, 1))) is metric
