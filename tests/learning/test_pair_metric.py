import numpy as np
import pytest

from skebm.learning import pair_metric
from skebm.learning.pair_metric import PairMetric

DAMPING = 0.01


def sample(n_units, seed=0, n_rows=50):
    """Draw centred units that depend on each other, and the constant."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_units, n_units))
    rows = rng.standard_normal((n_rows, n_units)) @ mixing
    return np.column_stack([rows - rows.mean(axis=0), np.ones(n_rows)])


def random_gradient(n_columns, seed=1):
    gradient = np.random.default_rng(seed).standard_normal((n_columns, n_columns))
    gradient = gradient + gradient.T
    np.fill_diagonal(gradient, 0)
    return gradient.astype(np.float32)


def damped(rows):
    moment = rows.T @ rows / len(rows)
    return moment + np.diag(np.append(np.full(len(moment) - 1, DAMPING), 0))


def test_twice_halfway_is_the_natural_gradient_of_normal_units():
    rows, gradient = sample(4), random_gradient(5)
    metric = PairMetric.start(rows)
    # With a free diagonal, which a second application of the factors would see.
    factor = metric.factor.astype(float)
    twice = factor @ (factor @ gradient @ factor) @ factor
    inverse = np.linalg.inv(damped(rows))
    np.testing.assert_allclose(twice, inverse @ gradient @ inverse, rtol=0, atol=1e-3)


def test_is_symmetric_with_a_diagonal_of_zeros():
    metric, gradient = PairMetric.start(sample(4)), random_gradient(5)
    result = metric.natural(gradient)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, result.T)
    assert not np.diag(result).any()
    expected = metric.factor @ gradient @ metric.factor
    off = ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(result[off], expected[off], rtol=0, atol=1e-5)


def test_climbs():
    """The natural gradient never leads down: the factor is positive definite."""
    metric, gradient = PairMetric.start(sample(6)), random_gradient(7)
    assert np.vdot(gradient, metric.natural(gradient)) > 0


def test_of_a_diagonal_each_coupling_has_its_own_scale():
    rows, gradient = sample(4), random_gradient(5)
    gradient[1, 2] = gradient[2, 1] = 0
    metric = PairMetric.start(rows, diagonal=True)
    deviation = np.sqrt(np.diag(damped(rows)))
    result = metric.natural(gradient)
    expected = gradient / np.outer(deviation, deviation)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=0)
    assert result[1, 2] == result[2, 1] == 0
    np.testing.assert_allclose(
        metric.scales(), (1 / np.outer(deviation, deviation))[:-1, :-1], rtol=1e-5
    )


def test_a_full_metric_becomes_that_of_its_diagonal():
    rows = sample(4)
    diagonal = PairMetric.start(rows).diagonal()
    expected = PairMetric.start(rows, diagonal=True)
    np.testing.assert_allclose(diagonal.factor, expected.factor, rtol=1e-6)
    assert expected.diagonal() is expected


def test_wide_layers_use_the_diagonal(monkeypatch):
    assert PairMetric.start(sample(4)).factor.ndim == 2
    monkeypatch.setattr(pair_metric, "MAX_FULL_FACTOR", 4)
    assert PairMetric.start(sample(4)).factor.ndim == 1


@pytest.mark.parametrize("diagonal", [False, True])
def test_follows_new_rows_by_a_fifth(diagonal):
    before, after = sample(4), sample(4, seed=2)
    metric = PairMetric.start(before, diagonal=diagonal)
    assert metric.updated(hidden_rows=np.ones((50, 1))) is metric
    updated = metric.updated(visible_rows=after)
    both = np.concatenate([np.tile(before, (4, 1)), after])
    expected = PairMetric.start(both, diagonal=diagonal)
    np.testing.assert_allclose(updated.factor, expected.factor, rtol=1e-4, atol=1e-6)
