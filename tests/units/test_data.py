import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skebm.units.data import (
    CompletedRows,
    Rows,
    ScaledRows,
    distinct_rows,
    relative,
)

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


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("threshold", [-0.5, 0.0, 0.5])
def test_what_is_not_stored_is_compared_with_the_threshold_too(make, threshold):
    table = np.array([[0.0, 0.3, -2.0, 0.5], [0.0, 0.0, 0.6, -0.1]])
    rows = Rows(make(table), threshold)
    taken = rows.take(slice(None))
    assert taken.dtype == bool
    np.testing.assert_array_equal(taken, table > threshold)
    np.testing.assert_array_equal(rows.table.data, make(table).data)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("threshold", [None, 0.5])
@pytest.mark.parametrize("unchanged", [False, True])
def test_reading_gives_what_taking_gives_in_float64(make, dtype, threshold, unchanged):
    table = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1]], dtype=dtype)
    rows = Rows(make(table), threshold, np.array([2, 1]), unchanged=unchanged)
    memory = np.full((2, 3), np.nan)
    read = rows.read(slice(None), memory)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, rows.take(slice(None)))


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
def test_reading_means_of_spins(dtype):
    table = np.array([[-1, 0], [1, 1], [0, -1]], dtype=dtype)
    read = Rows(table, None, lowest=-1).read(slice(3), np.empty((3, 2)))
    np.testing.assert_array_equal(read, [[0, 0.5], [1, 1], [0.5, 0]])


def test_reading_values_that_the_threshold_changes():
    read = Rows(TABLE, 0.5).read(np.array([1, 0]), np.empty((2, 3)))
    np.testing.assert_array_equal(read, THRESHOLDED[[1, 0]])
    read = ScaledRows(Rows(TABLE, None), 1.0, 2.0).read(slice(3), np.empty((3, 3)))
    np.testing.assert_array_equal(read, (TABLE - 1) / 2)


def test_reading_never_writes_to_the_table():
    table = np.eye(600)
    table.setflags(write=False)
    rows = Rows(table, 0.5, unchanged=True)
    assert np.shares_memory(rows.read(slice(2), np.empty((2, 600))), table)
    np.testing.assert_array_equal(rows.column_sums(), np.ones(600))


@pytest.mark.parametrize("n_columns", [1, 100, 2000, 2**21])
def test_blocks_of_elementwise_work_are_small_where_rows_are(n_columns):
    seen = []

    def see(block):
        seen.append(len(block))
        return block[:, 0]

    n_rows = 300_000 // n_columns + 2
    table = np.broadcast_to(np.arange(n_rows)[:, np.newaxis], (n_rows, n_columns))
    mapped = Rows(table, None).map(see, row_elements=1)
    np.testing.assert_array_equal(mapped, np.arange(n_rows))
    most = {1: 2**17, 100: 2**17 // 100, 2000: 2**20 // 2000, 2**21: 1}[n_columns]
    assert max(seen) == min(most, n_rows)


@pytest.mark.parametrize("make", [np.asarray, lambda X: sparse.csr_array(X).data])
def test_a_condition_on_every_value(make):
    table = np.ones((700, 900), dtype=np.uint8)
    table[650, 3] = 2
    values = make(table)
    rows = Rows(values if values.ndim == 2 else values[:, np.newaxis], None)
    assert rows.every(lambda values: values <= 2)
    assert not rows.every(lambda values: values == 1)


@pytest.mark.parametrize("layout", ["C", "F", "every other column", "chosen"])
def test_taking_a_few_rows_does_not_copy_the_table(layout):
    table = np.random.default_rng(0).random((5000, 40))
    chosen = np.arange(0, 5000, 2) if layout == "chosen" else None
    if layout == "F":
        table = np.asfortranarray(table)
    elif layout == "every other column":
        table = table[:, ::2]
    indices = np.array([7, 0, 2000, 7])
    rows = Rows(table, None, chosen)
    tracemalloc.start()
    taken = rows.take(indices)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(
        taken, table[indices * (2 if layout == "chosen" else 1)]
    )
    assert peak < table.nbytes / 100


# ---- weights ----


def weighted_rows(weights, n_columns=2):
    table = np.arange(n_columns * len(weights), dtype=float).reshape(-1, n_columns)
    return Rows(table, None).weighted(np.array(weights, dtype=float))


def test_weights_follow_the_rows():
    rows = weighted_rows([2, 0, 0.5, 1, 0])
    assert (rows.n_rows, rows.total_weight) == (3, 3.5)
    np.testing.assert_array_equal(rows.take(slice(None))[:, 0], [0, 4, 6])
    np.testing.assert_array_equal(rows.weights, [2, 0.5, 1])
    subset = rows.subset(np.array([2, 0]))
    np.testing.assert_array_equal(subset.weights, [1, 2])
    np.testing.assert_array_equal(subset.column_sums(), [6 + 2 * 0, 7 + 2 * 1])
    scaled = ScaledRows(rows, np.ones(2), np.full(2, 2.0))
    np.testing.assert_array_equal(scaled.column_sums(), (rows.column_sums() - 3.5) / 2)


def test_weights_of_one_are_none():
    rows = weighted_rows([1, 0, 1])
    assert rows.weights is None
    assert (rows.n_rows, rows.total_weight) == (2, 2)
    assert rows.weighted(None) is rows


def test_whole_weights_sample_repeats():
    repeats = np.random.default_rng(0).integers(1, 9, 200)
    rows, rng = weighted_rows(repeats), np.random.default_rng(1)
    before = rng.bit_generator.state
    for n_rows in (repeats.sum(), 10_000):
        sample = rows.sample(n_rows, rng)
        np.testing.assert_array_equal(sample, np.repeat(np.arange(200), repeats))
    assert rng.bit_generator.state == before
    drawn = rows.drawn(10_000, rng)
    assert drawn.weights is None
    assert drawn.n_rows == repeats.sum()


@pytest.mark.parametrize("n_rows", [10, 30])
def test_a_sample_has_rows_in_proportion_to_their_weights(n_rows):
    """As nearly as whole numbers can, and exactly so on average."""
    weights = np.random.default_rng(0).random(30) + 1e-3
    weights *= 30 / weights.sum()
    rows, rng = weighted_rows(weights), np.random.default_rng(1)
    expected, total = weights * n_rows / 30, np.zeros(30)
    for _ in range(2000):
        counts = np.bincount(rows.sample(n_rows, rng), minlength=30)
        assert counts.sum() == n_rows
        assert (np.abs(counts - expected) < 1).all()
        total += counts
    # A fraction is rounded up or down: variance a quarter at most.
    assert np.abs(total - 2000 * expected).max() < 5 * np.sqrt(2000 / 4)


def test_neighbours_of_other_weights_are_drawn_alike():
    """Alternating weights are in step with draws at equal distances."""
    rows, rng = weighted_rows([0.4, 1.6] * 50), np.random.default_rng(0)
    shares = [np.mean(rows.shuffled(rng) % 2 == 0) for _ in range(200)]
    assert np.std(shares) < 0.06  # 0.4 in the order of the table
    assert abs(np.mean(shares) - 0.2) < 5 * 0.06 / np.sqrt(200)


def test_rows_are_shuffled_once_or_as_often_as_they_count():
    rows, rng = weighted_rows([1, 1, 1]), np.random.default_rng(0)
    np.testing.assert_array_equal(np.sort(rows.shuffled(rng, 10)), np.arange(3))
    few = weighted_rows([1, 3])
    assert len(few.shuffled(rng)) == 2
    assert np.bincount(few.shuffled(rng, 8)).tolist() == [2, 6]
    orders = {tuple(few.shuffled(rng, 8)) for _ in range(20)}
    assert len(orders) > 10


def test_relative_weights():
    assert relative(None) is None
    np.testing.assert_array_equal(relative(np.array([0.1, 0, 0.1])), [1, 0, 1])
    np.testing.assert_array_equal(relative(np.array([3.0, 0, 1])), [3, 0, 1])
    np.testing.assert_array_equal(relative(np.array([0.75, 0, 0.25])), [1.5, 0, 0.5])
    tiny = relative(np.array([1e-300, 2e-300]))
    np.testing.assert_allclose(tiny, [2 / 3, 4 / 3])


def test_distinct_rows():
    rows = np.array([[1, 0], [0, 0], [1, 0], [1, 1]], dtype=bool)
    distinct, counts = distinct_rows(rows)
    assert distinct.tolist() == [[True, False], [False, False], [True, True]]
    assert counts.tolist() == [2, 1, 1]
    _, counts = distinct_rows(rows, np.array([0.5, 1.0, 0.25, 2.0]))
    assert counts.tolist() == [0.75, 1.0, 2.0]


# ---- missing values ----

GAPS = np.array([[np.nan, 1.0, 0.0], [1.0, np.nan, np.nan], [0.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csr_matrix]
)
@pytest.mark.parametrize("threshold", [None, 0.5, -0.5])
def test_missing_values_are_told_from_others(make, threshold):
    rows = Rows(make(GAPS), threshold, has_missing=True)
    known = ~np.isnan(GAPS)
    np.testing.assert_array_equal(rows.observed(slice(None)), known)
    np.testing.assert_array_equal(rows.observed(np.array([2, 0])), known[[2, 0]])
    on = threshold < GAPS if threshold is not None else np.nan_to_num(GAPS)
    np.testing.assert_array_equal(rows.take(slice(None))[known], on[known])
    assert not rows.take(slice(None))[~known].any()
    memory = np.full((3, 3), 9.0)
    np.testing.assert_array_equal(rows.read(slice(None), memory)[known], on[known])
    np.testing.assert_array_equal(rows.column_counts(), [2, 2, 2])
    np.testing.assert_array_equal(rows.column_sums(), np.where(known, on, 0).sum(0))
    some = rows.subset(np.array([1, 2]))
    np.testing.assert_array_equal(some.observed(slice(None)), known[1:])
    np.testing.assert_array_equal(some.column_counts(), [2, 1, 1])
    assert rows.has_missing
    assert Rows(make(np.nan_to_num(GAPS)), threshold).column_counts() == 3


def test_missing_spins_and_scaled_values():
    spins = Rows(2 * GAPS - 1, None, lowest=-1, has_missing=True)
    np.testing.assert_array_equal(spins.take(slice(None)), np.nan_to_num(GAPS))
    location, scale = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 5.0])
    scaled = ScaledRows(Rows(GAPS, None, has_missing=True), location, scale)
    exact = np.nan_to_num((GAPS - location) / scale)
    np.testing.assert_array_equal(scaled.take(slice(None)), exact)
    np.testing.assert_array_equal(scaled.read(slice(3), np.empty((3, 3))), exact)
    np.testing.assert_allclose(scaled.column_sums(), exact.sum(axis=0), atol=1e-15)


def test_completed_rows_are_drawn_anew_where_they_have_gaps():
    asked = []

    def redraw(energy, rows, observed, noise):
        asked.append((rows.copy(), observed, energy, noise))
        return np.where(observed, rows, 5.0)

    known = ~np.isnan(GAPS)
    rows = CompletedRows(
        Rows(GAPS, None, has_missing=True), np.nan_to_num(GAPS), known, redraw
    )
    view = rows.subset(np.array([2, 1]))
    view.refresh(np.array([1, 0]), "energy", "noise")
    (given, observed, *others), *more = asked
    assert not more
    assert others == ["energy", "noise"]
    np.testing.assert_array_equal(given, np.nan_to_num(GAPS)[[1]])
    np.testing.assert_array_equal(observed, known[[1]])
    # The table of all views, and nothing of what is known.
    drawn = np.nan_to_num(GAPS)
    drawn[1, 1:] = 5
    np.testing.assert_array_equal(rows.take(slice(None)), drawn)
    np.testing.assert_array_equal(view.take(np.array([1])), drawn[[1]])
    np.testing.assert_array_equal(view.observed(slice(None)), known[[2, 1]])
    assert rows.has_missing
    assert not rows.is_binary
    assert CompletedRows(Rows(known, None), known, known, redraw).is_binary
    Rows(GAPS, None, has_missing=True).refresh(slice(None), None, None)  # does nothing
