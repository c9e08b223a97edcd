import numpy as np
import pytest
from scipy import sparse

from skebm._rows import Rows, ScaledRows

TABLE = np.array([[0.2, 0.7, 1.0], [0.5, 0.0, 0.51], [0.0, 1.0, 0.4]])
THRESHOLDED = TABLE > 0.5


@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csr_matrix]
)
def test_take(make):
    rows = Rows(make(TABLE), 0.5)
    np.testing.assert_array_equal(rows.take(slice(1, 3)), THRESHOLDED[1:])
    np.testing.assert_array_equal(rows.take([2, 0]), THRESHOLDED[[2, 0]])
    np.testing.assert_array_equal(Rows(make(TABLE), None).take([1]), TABLE[[1]])
    np.testing.assert_array_equal(rows.column_sums(), THRESHOLDED.sum(axis=0))


def test_booleans_pass_whatever_the_threshold():
    np.testing.assert_array_equal(Rows(THRESHOLDED, 7.0).take(slice(None)), THRESHOLDED)


@pytest.mark.parametrize("row_elements", [1, 1000, 2**20, 2**30])
def test_blocks_cover_the_rows_in_order(row_elements):
    rows = Rows(np.zeros((3001, 2), dtype=bool), 0.5)
    blocks = list(rows.blocks(row_elements))
    covered = np.concatenate([np.arange(3001)[block] for block in blocks])
    np.testing.assert_array_equal(covered, np.arange(3001))
    most = max(block.stop - block.start for block in blocks)
    assert most == 1 or most * row_elements <= 2**20


def test_map_cuts_all_its_arguments_alike():
    rows = Rows(np.arange(3001.0)[:, np.newaxis], None)
    doubled = rows.map(
        lambda block, other: block[:, 0] + other,
        np.arange(3001.0),
        row_elements=2**14,
        dtype=np.float32,
    )
    assert doubled.dtype == np.float32
    np.testing.assert_array_equal(doubled, 2 * np.arange(3001))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_a_subset_reads_the_rows_it_names(make):
    table = np.arange(24.0).reshape(8, 3)
    rows = Rows(make(table), 10.0)
    subset = rows.subset(np.array([5, 0, 3, 7]))
    assert (subset.n_rows, subset.n_columns) == (4, 3)
    assert subset.table is rows.table
    expected = table[[5, 0, 3, 7]] > 10
    np.testing.assert_array_equal(subset.take(slice(None)), expected)
    np.testing.assert_array_equal(subset.take(slice(1, 3)), expected[1:3])
    np.testing.assert_array_equal(subset.take(np.array([3, 1])), expected[[3, 1]])
    np.testing.assert_array_equal(subset.column_sums(), expected.sum(axis=0))
    twice = subset.subset(np.array([2, 0]))
    np.testing.assert_array_equal(twice.take(slice(None)), expected[[2, 0]])
    mapped = subset.map(lambda block: block.sum(axis=1), row_elements=2**20)
    np.testing.assert_array_equal(mapped, expected.sum(axis=1))


def test_a_sample_has_no_row_twice():
    rows = Rows(np.zeros((50, 2)), 0.5)
    rng = np.random.default_rng(0)
    counts = np.zeros(50)
    for _ in range(2000):
        sample = rows.sample(10, rng)
        assert len(sample) == 10
        assert (np.diff(sample) > 0).all()
        counts[sample] += 1
    # Each row is in a fifth of the samples, with five standard errors either side.
    assert np.abs(counts - 400).max() < 5 * np.sqrt(2000 * 0.2 * 0.8)
    for n_rows in (50, 51):
        np.testing.assert_array_equal(rows.sample(n_rows, rng), np.arange(50))
    subset = rows.subset(np.arange(20, 30))
    assert subset.sample(5, rng).max() < 10


def test_means_of_spins_are_read_as_probabilities():
    rows = Rows(np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, -1.0]]), None, lowest=-1)
    np.testing.assert_array_equal(rows.take(slice(2)), [[0, 0.5], [1, 0.75]])
    np.testing.assert_array_equal(rows.column_sums(), [1.5, 1.25])
    subset = rows.subset(np.array([2, 1]))
    np.testing.assert_array_equal(subset.take(slice(None)), [[0.5, 0], [1, 0.75]])


@pytest.mark.parametrize(
    "make", [np.asarray, np.float32, sparse.csr_array, lambda X: X.astype(np.uint8)]
)
def test_scaled_rows_are_standardised_when_read(make):
    table = np.arange(24.0).reshape(8, 3)
    location, scale = np.array([1.0, -2.0, 300.0]), np.array([2.0, 1.0, 0.25])
    rows = ScaledRows(Rows(make(table), None), location, scale)
    expected = (table - location) / scale
    assert (rows.n_rows, rows.n_columns) == (8, 3)
    assert rows.take(slice(2)).dtype == np.float64
    np.testing.assert_array_equal(rows.take(slice(1, 3)), expected[1:3])
    np.testing.assert_array_equal(rows.column_sums(), expected.sum(axis=0))
    subset = rows.subset(np.array([5, 0, 3]))
    np.testing.assert_array_equal(subset.take([2, 0]), expected[[3, 5]])
    mapped = subset.map(lambda block: block[:, 2], row_elements=2**20)
    np.testing.assert_array_equal(mapped, expected[[5, 0, 3], 2])
    of_subset = ScaledRows(Rows(make(table), None, np.array([7, 1])), location, scale)
    np.testing.assert_array_equal(of_subset.take(slice(None)), expected[[7, 1]])


def test_scaled_rows_are_not_known_to_be_bits():
    rows = ScaledRows(Rows(THRESHOLDED, None), np.zeros(3), np.ones(3))
    assert not rows.is_binary
    assert rows.take(slice(None)).dtype == np.float64
