import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skebm.detection.robust_columns import RobustColumns, _centre_and_scale

# The distance of the quartiles of a normal law of variance 1.
NORMAL = 1.349


def robust(table, *, add_indicator=False):
    table = np.asarray(table, dtype=float)
    blocks = [np.array([i]) for i in range(table.shape[1])]
    return RobustColumns(table, blocks, [False] * len(blocks), add_indicator)


def centre_and_scale(values):
    centre, scale = _centre_and_scale(np.array(values, dtype=float)[:, np.newaxis])
    return centre[0], scale[0]


def test_normal_columns_keep_their_deviations():
    values = np.random.default_rng(0).normal(3, 20, size=(10_000, 1))
    table = np.array([[3.0], [23.0], [-37.0], [20003.0]])
    # Standard errors of a median and of quartiles are 0.013 and 0.016 deviations.
    expected = 3 * np.arcsinh(np.array([[0.0], [1.0], [-2.0], [1000.0]]) / 3)
    assert_allclose(robust(values).encode(table), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("spoilt", [1e30, -1e30, np.array([1e30, -1e30])])
def test_not_quite_a_quarter_of_values_may_be_anything(spoilt):
    """What the rest keeps of a normal law is between quantiles that are known."""
    values = np.random.default_rng(0).normal(size=10_000)
    clean = centre_and_scale(values)
    assert_allclose(clean, [0, 1], atol=0.03)
    values[:2400] = np.resize(spoilt, 2400)
    centre, scale = centre_and_scale(values)
    # On one side, 24 % of all leave as quartiles the shares 0.329 and 0.987 of the
    # rest, and the share 0.658 as the median.
    assert abs(centre) < 0.45
    assert 1 < scale < 2.1


def test_more_than_a_quarter_of_values_on_one_side_break_the_scale():
    values = np.random.default_rng(0).normal(size=10_000)
    values[:3000] = 1e30
    centre, scale = centre_and_scale(values)
    assert abs(centre) < 1
    assert scale > 1e29


@pytest.mark.parametrize("gaps", [0, 900])
def test_columns_in_which_most_values_are_the_same(gaps):
    """Scale is what the others differ by, times the root of their share."""
    values = np.zeros(100)
    values[:4] = [7, -7, 7, 7]
    values = np.append(values, np.full(gaps, np.nan))
    centre, scale = centre_and_scale(values)
    assert centre == 0
    assert scale == pytest.approx(7 * np.sqrt(0.04))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.4])
def test_the_scale_of_flags_is_about_their_deviation(share):
    flags = (np.arange(1000) < 1000 * share).astype(float)
    centre, scale = centre_and_scale(flags)
    assert centre == 0
    expected = max(np.sqrt(share), 1 / NORMAL if share > 0.25 else 0)
    assert scale == pytest.approx(expected)


def test_constant_columns_have_unit_scale():
    assert centre_and_scale(np.full(50, 3.0)) == (3, 1)
    assert centre_and_scale(np.full(50, np.nan)) == (0, 1)
    assert centre_and_scale([1e300]) == (1e300, 1)
    encoded = robust(np.full((50, 1), 3.0)).encode(np.array([[3.0], [4.0]]))
    assert_allclose(encoded[:, 0], [0, 3 * np.arcsinh(1 / 3)], rtol=1e-14)


def test_constant_columns_with_an_exception():
    values = np.full(400, 3.0)
    values[7] = 1e12
    centre, scale = centre_and_scale(values)
    assert centre == 3
    assert scale == pytest.approx(1e12 / 20)
    encoded = robust(values[:, np.newaxis]).encode(np.array([[3.0], [1e12]]))
    # A value with a share of 1 in 400 is 20 deviations out.
    assert_allclose(encoded[:, 0], [0, 3 * np.arcsinh(20 / 3)], rtol=1e-9)


def test_spikes_do_not_make_the_scale_smaller_than_that_of_the_others():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(10_000) < 0.45, 0, rng.normal(0, 10, 10_000))
    centre, scale = centre_and_scale(values)
    assert centre == 0
    # The quartiles are at 0.55 of the normal law's 0.95 and 0.05 shares: 2.9 apart.
    median = 10 * 0.6745 * np.sqrt(0.55)
    assert scale == pytest.approx(median, rel=0.05)


def test_the_order_is_kept_far_out():
    column = robust(np.random.default_rng(0).normal(size=(1000, 1)))
    powers = 10.0 ** np.arange(0, 91, 3)
    values = np.concatenate([-powers[::-1], [0], powers])
    encoded = column.encode(values[:, np.newaxis])[:, 0]
    assert (np.diff(encoded) > 0).all()
    # 3 log 10 for each power of ten.
    assert_allclose(np.diff(encoded[-5:]), 9 * np.log(10), rtol=1e-9)


@pytest.mark.parametrize("largest", [1e300, np.finfo(float).max])
def test_the_largest_numbers_are_finite_and_far_out(largest):
    values = np.random.default_rng(0).normal(size=(1000, 1))
    values[:100], values[100:200] = largest, -largest
    column = robust(values)
    encoded = column.encode(np.array([[largest], [1e6], [0.0], [-1e6], [-largest]]))
    assert np.isfinite(encoded).all()
    assert (np.diff(encoded[:, 0]) < 0).all()


def test_columns_of_the_largest_numbers_alone():
    largest = np.finfo(float).max
    column = robust(np.linspace(-1, 1, 101)[:, np.newaxis] * largest)
    encoded = column.encode(np.array([[-largest], [0.0], [largest]]))[:, 0]
    assert np.isfinite(encoded).all()
    assert (np.diff(encoded) > 0).all()


def test_missing_values_stay_missing_and_do_not_count():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 1))
    gaps = np.vstack([values, np.full((300, 1), np.nan)])
    new = np.array([[0.3], [np.nan], [8.0]])
    assert_array_equal(robust(gaps).encode(new), robust(values).encode(new))
    assert_array_equal(np.isnan(robust(gaps).encode(new)), np.isnan(new))


def test_levels_of_categories_are_what_their_columns_hold():
    one_hot = np.eye(3)[np.repeat([0, 1, 2], [60, 30, 10])]
    table = np.hstack([np.arange(100.0)[:, np.newaxis], one_hot])
    blocks = [np.array([1, 2, 3]), np.array([0])]
    columns = RobustColumns(table, blocks, [True, False], add_indicator=False)
    category, number = columns.features
    assert number.codes is None
    assert_array_equal(number.places, [0])
    assert_array_equal(category.places, [1, 2, 3])
    encoded = columns.encode(table)
    for level, row in enumerate([0, 60, 90]):
        assert_array_equal(category.codes[level], encoded[row, 1:])
    none = columns.encode(np.zeros((1, 4)))[0, 1:]
    assert_array_equal(category.codes[3], none)
    assert len(category.codes) == 4


def test_indicators_say_what_is_missing():
    table = np.array([[1.0, 1, 0], [2, np.nan, np.nan], [3, 0, 1], [np.nan, 1, 0]] * 5)
    blocks = [np.array([0]), np.array([1, 2])]
    columns = RobustColumns(table, blocks, [False, True], add_indicator=True)
    encoded = columns.encode(table)
    assert encoded.shape == (20, 5)
    places = [list(own.places) for own in columns.features]
    assert places == [[0], [1, 2], [3], [4]]
    # A quarter is missing in each: the deviation of a flag is the root of its share.
    high = 3 * np.arcsinh(2 / 3)
    assert_allclose(encoded[:4, 3:], [[0, 0], [0, high], [0, 0], [high, 0]])
    values = np.array([[np.nan, 0.5, -3.0, -4.0], [0.25, np.nan, -5.0, -6.0]])
    expected = [[-3.0, 0.5], [0.25, -6.0]]
    assert_array_equal(columns.of_features(values), expected)


def test_without_indicators_features_are_as_they_are():
    values = np.array([[np.nan, 0.5], [0.25, np.nan]])
    columns = robust(np.arange(6.0).reshape(3, 2))
    assert_array_equal(columns.of_features(values), values)
