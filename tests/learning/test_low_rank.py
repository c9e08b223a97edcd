"""Moments of few directions, against the matrices that they stand for."""

import tracemalloc

import numpy as np
import pytest

from skebm.learning import low_rank
from skebm.learning.low_rank import LowRankMoment
from skebm.learning.metric import blended, damped_power, second_moment

N_UNITS = 12


def some_rows(n_rows=200, seed=0, n_units=N_UNITS):
    """Draw correlated rows with the constant last."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n_rows, n_units)) @ rng.standard_normal((n_units,) * 2)
    rows[:, -1] = 1
    return rows


def dense(moment):
    """Write the matrix out."""
    return (moment.vectors * moment.values) @ moment.vectors.T + np.diag(moment.rest)


def written_out(factor):
    return factor.times(np.eye(len(factor)))


@pytest.mark.parametrize("power", [-0.5, -1.0])
def test_of_all_directions_powers_are_those_of_the_matrix(power):
    rows = some_rows()
    moment = LowRankMoment.of_rows(rows)
    assert moment.vectors.shape == (N_UNITS, N_UNITS)
    whole = second_moment(rows, full=True)
    np.testing.assert_allclose(dense(moment), whole, rtol=1e-10, atol=1e-10)
    damping = np.linspace(0.3, 0.0, N_UNITS)
    values, vectors = np.linalg.eigh(whole + np.diag(damping))
    expected = (vectors * values**power) @ vectors.T
    turned = written_out(moment.power(power, damping))
    np.testing.assert_allclose(turned, expected, rtol=1e-8, atol=1e-8)
    # As learning does, in single precision.
    damped = written_out(damped_power(moment, power))
    np.testing.assert_allclose(damped, damped_power(whole, power), rtol=0, atol=1e-5)

    new = some_rows(100, seed=1)
    moment, whole = blended(moment, new), blended(whole, new)
    np.testing.assert_allclose(dense(moment), whole, rtol=1e-10, atol=1e-10)


def test_a_few_directions_are_exact_and_the_rest_are_units_of_their_own(monkeypatch):
    """Of two strong directions and uneven noise, which has little along them."""
    monkeypatch.setattr(low_rank, "_MOST_DIRECTIONS", 2)
    rng = np.random.default_rng(0)
    deviation = rng.uniform(0.5, 1.5, 400)
    rows = 5 * rng.standard_normal((4000, 2)) @ rng.standard_normal((2, 400))
    rows += deviation * rng.standard_normal(rows.shape)
    moment = LowRankMoment.of_rows(rows)
    assert moment.vectors.shape == (400, 2)
    diagonal = second_moment(rows, full=False)
    np.testing.assert_allclose(moment.diagonal(), diagonal, rtol=1e-10)
    np.testing.assert_allclose(moment.rest, deviation**2, rtol=0.15)

    factor = moment.power(-0.5, np.zeros(400))
    matrix = written_out(factor)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-5)
    assert np.linalg.eigvalsh(matrix)[0] > 0
    # It makes the law of the rows nearly white; noise has a part along the directions.
    truth = dense(moment)
    spread = np.linalg.eigvalsh(matrix @ truth @ matrix)
    assert 0.75 < spread[0] < spread[-1] < 1.5
    white = np.linalg.eigvalsh(truth / np.sqrt(np.outer(diagonal, diagonal)))
    assert white[-1] > 100  # which the diagonal alone leaves


def test_few_rows_tell_no_directions_apart():
    moment = LowRankMoment.of_rows(some_rows(7))
    assert moment.vectors.shape == (N_UNITS, 0)
    factor, rows = damped_power(moment, -0.5), some_rows(3)
    expected = rows * damped_power(second_moment(some_rows(7), full=False), -0.5)
    np.testing.assert_allclose(factor.times(rows), expected, rtol=1e-6)
    assert blended(moment, some_rows(16)).vectors.shape == (N_UNITS, 2)


def test_single_precision_is_kept():
    rows = some_rows().astype(np.float32)
    moment = blended(LowRankMoment.of_rows(rows), rows)
    arrays = moment.vectors, moment.values, moment.rest
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert damped_power(moment, -0.5).times(rows).dtype == np.float32


def test_no_matrix_is_made():
    """It would have 800 MB in double precision."""
    rows = np.random.default_rng(0).standard_normal((100, 10_000), np.float32)
    tracemalloc.start()
    moment = blended(LowRankMoment.of_rows(rows), rows)
    damped_power(moment, -0.5).times(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert moment.vectors.shape == (10_000, 14)
    assert peak < 10 * rows.nbytes
