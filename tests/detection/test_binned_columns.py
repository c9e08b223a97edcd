import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skebm.detection.binned_columns import BinnedColumns
from skebm.detection.conditionals import Feature

NUMBER = Feature(np.array([0]), None)


def of_numbers(values, n_bins):
    rows = np.array(values, dtype=float)[:, np.newaxis]
    return rows, BinnedColumns(rows, [NUMBER], n_bins)


def log_shares(bins, values):
    return bins.log_shares(np.array(values, dtype=float)[:, np.newaxis])[:, 0]


def test_counts_by_hand():
    rows, bins = of_numbers([0, 0.5, 1, 1.5, 2, 3.9, 4], 4)
    # Bins of [0, 1), [1, 2), [2, 3) and [3, 4], with 2, 2, 1 and 2 of 7 rows; one more
    # in each, and in those below and above, are 13.
    expected = np.log(np.array([3, 3, 3, 3, 2, 3, 3]) / 13)
    assert_allclose(bins.log_shares(rows)[:, 0], expected, rtol=1e-14)
    assert_array_equal(bins.codes(rows)[:, 0], [1, 1, 2, 2, 3, 4, 4])


def test_each_row_of_those_counted_may_be_without_itself():
    rows, bins = of_numbers([0, 0.5, 1, 1.5, 2, 3.9, 4], 4)
    found = bins.log_shares(rows, seen=True)
    expected = np.log(np.array([2, 2, 2, 2, 1, 2, 2]) / 12)
    assert_allclose(found[:, 0], expected, rtol=1e-14)
    for i in range(1, 6):  # which leave the ends where they are
        other = BinnedColumns(np.delete(rows, i, axis=0), [NUMBER], 4)
        assert_allclose(found[i], other.log_shares(rows[[i]])[0], rtol=1e-14)


def test_ends_are_in_and_what_is_beyond_is_not():
    _, bins = of_numbers([0, 1, 2, 3, 4], 4)
    just = np.nextafter(4, 5), np.nextafter(0, -1)
    codes = bins.codes(np.array([[0.0], [4.0], [just[0]], [just[1]], [50], [-50]]))
    assert_array_equal(codes[:, 0], [1, 4, 5, 0, 5, 0])
    # One in six more than the five rows counted.
    assert_allclose(log_shares(bins, [50, -50]), np.log(1 / 11), rtol=1e-14)


@pytest.mark.parametrize("end", [0.3, 0.7, 1.1, 1 / 3])
def test_the_highest_value_is_in_the_last_bin_whatever_is_rounded(end):
    for n_bins in (3, 7, 20, 49):
        rows, bins = of_numbers(np.linspace(-0.1, end, 100), n_bins)
        codes = bins.codes(rows)[:, 0]
        assert codes.min() == 1
        assert codes.max() == n_bins


def test_values_that_are_far_out_do_not_widen_the_bins():
    values = np.linspace(-2, 2, 400)
    _, bins = of_numbers(np.append(values, [60.0, 61.0, -90.0]), 24)
    # From -6 to 6, half a unit wide: 100 values in two of them.
    codes = bins.codes(np.array([[-0.25], [0.25], [60.0], [-90.0], [5.9]]))[:, 0]
    assert_array_equal(codes, [12, 13, 25, 0, 24])
    found = log_shares(bins, [0.25, 60.0, -90.0, 5.9])
    assert_allclose(found, np.log(np.array([51, 3, 2, 1]) / (403 + 26)), rtol=1e-14)


def test_what_is_missing_has_no_share_and_is_not_counted():
    rows, bins = of_numbers([0, 1, np.nan, np.nan, 4], 4)
    found = bins.log_shares(rows)[:, 0]
    assert_allclose(found, np.log([2 / 9, 2 / 9, np.nan, np.nan, 2 / 9]), rtol=1e-14)
    assert_array_equal(np.isnan(bins.log_shares(rows, seen=True)), np.isnan(rows))


@pytest.mark.parametrize("values", [[np.nan, np.nan], [2.0, 2.0]])
def test_columns_of_nothing_and_of_one_value(values):
    rows, bins = of_numbers(values, 3)
    assert_array_equal(np.isnan(bins.log_shares(rows)), np.isnan(rows))
    known = int(np.sum(~np.isnan(rows)))
    assert_allclose(log_shares(bins, [7.0]), np.log(1 / (known + 5)), rtol=1e-14)
    if known:
        assert_allclose(log_shares(bins, [2.0]), np.log(3 / 7), rtol=1e-14)


def test_levels_are_counted_whatever_stands_for_them():
    codes = np.array([[2.0, -1.0], [-1.0, 3.0], [-1.0, -1.0]])
    features = [Feature(np.array([1, 2]), codes), NUMBER]
    rows = np.hstack([np.arange(6.0)[:, np.newaxis], codes[[0, 0, 0, 1, 1, 0]]])
    rows[5, 1:] = np.nan
    bins = BinnedColumns(rows, features, 50)
    # Of five rows 3, 2 and none, and one more each.
    shares = np.log(np.array([4, 3, 1]) / 8)
    found = bins.log_shares(rows)
    assert_allclose(found[:5, 0], shares[[0, 0, 0, 1, 1]], rtol=1e-14)
    assert np.isnan(found[5, 0])
    unknown = np.array([[1.0, -1.0, -1.0]])
    assert_allclose(bins.log_shares(unknown)[:, 0], shares[2], rtol=1e-14)
    expected = np.log(np.array([3, 3, 3, 2, 2]) / 7)
    assert_allclose(bins.log_shares(rows, seen=True)[:5, 0], expected, rtol=1e-14)
    assert_allclose(found[:, 1], np.log(2 / 58), rtol=1e-14)


def test_shares_of_all_bins_sum_to_one():
    rng = np.random.default_rng(0)
    rows = np.hstack([rng.normal(size=(100, 1)), np.eye(3)[rng.integers(0, 3, 100)]])
    features = [NUMBER, Feature(np.arange(1, 4), np.eye(4, 3))]
    bins = BinnedColumns(rows, features, 5)
    middles = bins._lowest + bins._widths * (np.arange(-1, 6)[:, np.newaxis] + 0.5)
    table = np.hstack([middles, np.zeros((7, 3))])
    table[:4, 1:] = np.eye(4, 3)
    shares = np.exp(bins.log_shares(table))
    assert shares[:, 0].sum() == pytest.approx(1)
    assert shares[:4, 1].sum() == pytest.approx(1)


def test_the_level_is_the_nearest():
    rng = np.random.default_rng(0)
    none, high = rng.normal(size=5), rng.normal(size=5)
    codes = np.vstack([np.where(np.eye(5, dtype=bool), high, none), none])
    rows = np.vstack([codes, rng.normal(size=(200, 5))])
    bins = BinnedColumns(codes, [Feature(np.arange(5), codes)], 3)
    nearest = np.square(rows[:, np.newaxis] - codes).sum(axis=2).argmin(axis=1)
    assert len(np.unique(nearest)) == 6
    assert_array_equal(bins.codes(rows)[:, 0], nearest)
