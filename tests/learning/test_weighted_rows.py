import numpy as np
import pytest
from scipy import sparse

from skebm.learning.weighted_rows import WeightedRows, merge_rows
from skebm.units import data
from skebm.units.data import Rows


def draw_table(n_rows=40, n_columns=3):
    return np.random.default_rng(0).random((n_rows, n_columns)) < 0.3


def read(weighted, row_elements=1):
    parts, observed, weights = zip(*weighted.blocks(row_elements), strict=True)
    assert set(observed) == {None}
    return np.concatenate(parts), np.concatenate(weights)


def test_equal_rows_are_merged():
    table, row_weights = draw_table(), np.random.default_rng(1).random(40)
    rows, weights = read(WeightedRows(Rows(table, None).weighted(row_weights)))
    unique, inverse = np.unique(table, axis=0, return_inverse=True)
    assert rows.dtype == weights.dtype == np.float64
    assert len(rows) == len(unique) < 40
    order = np.lexsort(rows.T[::-1])
    np.testing.assert_array_equal(rows[order], unique)
    expected = np.bincount(inverse.ravel(), row_weights) / row_weights.sum()
    np.testing.assert_allclose(weights[order], expected, rtol=1e-14)


def test_other_rows_stay_and_count_alike():
    table = np.random.default_rng(0).random((7, 3))
    rows, weights = read(WeightedRows(Rows(table, None)))
    np.testing.assert_array_equal(rows, table)
    np.testing.assert_allclose(weights, 1 / 7, rtol=1e-15)


def test_blocks_are_bounded(monkeypatch):
    table = np.random.default_rng(0).random((7, 3))
    weighted = WeightedRows(Rows(table, None))
    monkeypatch.setattr(data, "BLOCK_ELEMENTS", 12)
    assert [len(part) for part, *_ in weighted.blocks(6)] == [2, 2, 2, 1]
    # A row holds three elements itself, however few the work on it needs.
    assert [len(part) for part, *_ in weighted.blocks(1)] == [4, 3]


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_merged_rows_are_those_that_differ(convert):
    table = draw_table(100, 4)
    row_weights = np.random.default_rng(1).random(100)
    rows = Rows(convert(table.astype(int)), 0.5).weighted(row_weights)
    merged = merge_rows(rows)
    unique, inverse = np.unique(table, axis=0, return_inverse=True)
    assert len(unique) < 100
    found = merged.take(slice(None))
    order = np.lexsort(found.T[::-1])
    np.testing.assert_array_equal(found[order], unique)
    totals = np.bincount(inverse.ravel(), row_weights)
    np.testing.assert_allclose(merged.weights[order], totals)


@pytest.mark.parametrize(
    "rows",
    [Rows(draw_table(9, 21), None), Rows(draw_table(9).astype(float), None)],
    ids=["many columns", "probabilities"],
)
def test_rows_that_cannot_be_counted_stay(rows):
    assert merge_rows(rows) is rows
    rows = rows.weighted(np.arange(1.0, 10.0))
    assert merge_rows(rows) is rows


@pytest.mark.parametrize("row_weights", [None, np.random.default_rng(1).random(50)])
def test_rows_of_numbers_are_merged_where_most_are_equal(row_weights):
    table = np.random.default_rng(0).poisson(0.5, (50, 2)) / 3
    merged = merge_rows(Rows(table, None).weighted(row_weights))
    unique, inverse = np.unique(table, axis=0, return_inverse=True)
    assert merged.n_rows == len(unique) <= 25
    found = merged.take(slice(None))
    order = np.lexsort(found.T[::-1])
    np.testing.assert_array_equal(found[order], unique)
    totals = np.bincount(inverse.ravel(), row_weights)
    np.testing.assert_allclose(merged.weights[order], totals)


def test_different_rows_whose_sums_round_alike_stay_apart():
    table = np.repeat([[1e20, 0.0], [1e20, 1.0]], 4, axis=0)
    rows = Rows(table, None)
    assert merge_rows(rows) is rows


def test_rows_that_do_not_fit_a_block_stay(monkeypatch):
    rows = Rows(np.zeros((5, 2)), None)
    assert merge_rows(rows).n_rows == 1
    monkeypatch.setattr("skebm.learning.weighted_rows.BLOCK_ELEMENTS", 9)
    assert merge_rows(rows) is rows
