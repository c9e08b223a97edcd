"""Numbers as levels and real values: nothing is lost, and the density stays theirs."""

import numpy as np
import pytest
from scipy import stats

from skebm.estimator.numeric_columns import NumberColumn

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(size=300),
    "skewed": RNG.exponential(size=300),
    "skewed to the left": -RNG.exponential(size=300),
    "heavy tails": RNG.standard_t(2, size=300),
    "log-normal": RNG.lognormal(sigma=2, size=300),
    "far away": 1e9 + RNG.exponential(size=300),
    "large": 1e200 * RNG.exponential(size=300),
    "small": 1e-200 * RNG.exponential(size=300),
    "mostly zeros": RNG.exponential(size=300) * (np.arange(300) % 10 == 0),
    "zeros and ones beside": np.where(
        np.arange(300) % 5 < 4, np.arange(300) % 2, RNG.exponential(5, 300)
    ),
    "whole numbers": RNG.poisson(2.0, size=300).astype(float),
    "two values": RNG.integers(0, 2, 300) * 4.0 - 1,
    "constant": np.full(300, 7.0),
    "gaps": np.where(RNG.random(300) < 0.3, np.nan, RNG.exponential(size=300)),
    "one row": np.array([3.0]),
}
BENT = [
    "skewed",
    "skewed to the left",
    "log-normal",
    "far away",
    "mostly zeros",
    "zeros and ones beside",
    "gaps",
]


def learn(numbers, weights=None, *, share=0.2, bends=True):
    numbers = np.asarray(numbers, dtype=float)
    weights = np.ones(len(numbers)) if weights is None else weights
    return NumberColumn.learn(numbers, weights, share, bends)


def far_and_near(column):
    """Numbers among those learned from and far beyond them, none an atom, rising."""
    unit = np.concatenate([-np.geomspace(1e4, 1e-3, 60), np.geomspace(1e-3, 1e4, 60)])
    return column.centre + column.scale * unit


# ---- there and back ----


@pytest.mark.parametrize("bends", [True, False])
@pytest.mark.parametrize("name", COLUMNS)
def test_numbers_come_back(name, bends):
    column = learn(COLUMNS[name], bends=bends)
    for numbers in (COLUMNS[name], far_and_near(column)):
        level, values = column.encode(numbers)
        back = column.decode(level, values)
        known = ~np.isnan(numbers)
        error = np.abs(back - numbers)[known]
        size = np.abs(numbers[known] - column.centre) + column.scale
        rounding = np.spacing(np.abs(numbers[known]))
        assert (error <= 1e-10 * size + 2 * rounding).all()
        assert np.isnan(values[~known]).all()
        assert (level[~known] == -1).all()


@pytest.mark.parametrize("name", COLUMNS)
def test_every_real_value_is_that_of_a_number(name):
    """Onto far beyond the data, and rising: a density integrates to 1."""
    column = learn(COLUMNS[name])
    values = np.concatenate([-np.geomspace(1e5, 1e-3, 80), np.geomspace(1e-3, 1e5, 80)])
    level = np.full(len(values), len(column.atoms))
    numbers = column.decode(level, values)
    assert np.isfinite(numbers).all()
    assert (np.diff(numbers) >= 0).all()
    if column.scale > 1e-6 * abs(column.centre):
        assert (np.diff(numbers) > 0).all()
        back = column._bent((numbers - column.centre) / column.scale)
        np.testing.assert_allclose(back, values, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("bends", [True, False])
@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "far away"])
def test_the_slope_is_that_of_the_map(name, bends):
    column = learn(COLUMNS[name], bends=bends)
    numbers = far_and_near(column)
    step = 1e-6 * column.scale
    unit = np.clip((numbers - column.centre) / column.scale, -50, 50)
    numbers = column.centre + column.scale * unit
    ends = [column.encode(numbers + sign * step)[1] for sign in (1, -1)]
    assert not np.isnan(ends).any()  # none of these is an atom
    _, values = column.encode(numbers)
    expected = np.log(ends[0] - ends[1]) - np.log(2e-6) - np.log(column.scale)
    np.testing.assert_allclose(column.log_slope(values), expected, rtol=0, atol=1e-4)


def test_the_map_has_no_jump_where_the_straight_line_begins():
    column = learn(COLUMNS["skewed"])
    for end in (column.lowest, column.highest):
        inside, outside = column._bent(np.array([end - 1e-9, end + 1e-9]))
        assert 0 < outside - inside < 1e-8
        unit = column._bent(np.array([end - 1e-9, end + 1e-9, 100 * end]))
        slopes = column.log_slope(unit)
        np.testing.assert_allclose(slopes, slopes[0], rtol=0, atol=1e-8)


@pytest.mark.parametrize("power", [-1.0, 0.0, 1.0, 2.0, 3.0])
def test_every_power_has_an_inverse(power):
    column = NumberColumn(np.empty(0), 0.0, 1.0, power, -4.0, 5.0)
    unit = np.linspace(-20, 20, 401)
    bent = column._bent(unit)
    inside = (unit >= -4) & (unit <= 5)
    np.testing.assert_allclose(bent[inside], stats.yeojohnson(unit[inside], power))
    np.testing.assert_allclose(column._straight(bent), unit, rtol=1e-9, atol=1e-9)
    slopes = np.gradient(bent, unit)[1:-1]
    np.testing.assert_allclose(np.exp(column.log_slope(bent))[1:-1], slopes, rtol=0.02)


# ---- the power ----


@pytest.mark.parametrize("name", BENT)
def test_the_power_is_the_likeliest(name):
    numbers = COLUMNS[name]
    column = learn(numbers)
    rest = numbers[~np.isnan(numbers) & ~np.isin(numbers, column.atoms)]
    unit = (rest - column.centre) / column.scale
    expected = np.clip(stats.yeojohnson_normmax(unit), -1, 3)
    assert column.power == pytest.approx(expected, abs=1e-3)
    assert abs(column.power - 1) > 0.2
    _, values = column.encode(rest)
    assert abs(stats.skew(values)) < abs(stats.skew(rest))


def test_what_is_not_to_be_bent_is_not():
    numbers = COLUMNS["skewed"]
    level, values = learn(numbers, bends=False).encode(numbers)
    np.testing.assert_array_equal(values, numbers)
    assert (level == 0).all()
    # Of nine distinct numbers there is no skewness to speak of.
    few = np.repeat(np.arange(9.0) ** 2, 10)
    assert learn(few).power == 1
    assert learn(np.append(few, np.full(10, 81.0))).power != 1


def test_centre_and_scale_are_median_and_quartiles_or_deviation():
    numbers = COLUMNS["skewed"]
    column = learn(numbers)
    assert column.centre == pytest.approx(np.median(numbers), rel=1e-14)
    quartiles = np.quantile(numbers, [0.25, 0.75], method="inverted_cdf")
    assert column.scale == pytest.approx(np.ptp(quartiles) / 1.349, rel=1e-12)
    assert column.scale < numbers.std()
    assert learn(numbers[:-1]).centre == np.median(numbers[:-1])
    ends = np.repeat([0.0, 1.0], 50) + np.linspace(0, 0.1, 100)
    assert learn(ends).scale == pytest.approx(ends.std(), rel=1e-12)


@pytest.mark.parametrize("far", [1e3, 1e6, 1e12])
def test_one_number_far_from_all_others_does_not_make_these_alike(far):
    numbers = np.random.default_rng(0).normal(size=300)
    plain = learn(numbers).encode(numbers)[1]
    with_far = np.append(numbers, far)
    _, values = learn(with_far).encode(with_far)
    assert np.ptp(values[:-1]) > 0.2 * np.ptp(plain)
    assert np.ptp(values[:-1]) > 0.05 * np.ptp(values)


@pytest.mark.parametrize("factor", [1e-100, 1.0, 1e100])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_another_unit_of_numbers_changes_nothing_else(factor, shift):
    numbers = COLUMNS["zeros and ones beside"]
    column, other = learn(numbers), learn(factor * (numbers + shift))
    np.testing.assert_allclose(other.atoms, factor * (column.atoms + shift))
    assert other.power == pytest.approx(column.power, abs=1e-6)
    _, values = column.encode(numbers)
    level, moved = other.encode(factor * (numbers + shift))
    np.testing.assert_allclose(moved, values, rtol=1e-6, atol=1e-6)
    assert (level == column.encode(numbers)[0]).all()


# ---- numbers that many rows share ----


def test_a_spike_has_a_level_of_its_own():
    numbers = COLUMNS["mostly zeros"]
    column = learn(numbers)
    assert column.atoms.tolist() == [0]
    assert column.n_levels == 2
    level, values = column.encode(numbers)
    np.testing.assert_array_equal(level, numbers != 0)
    np.testing.assert_array_equal(np.isnan(values), numbers == 0)
    # What is straightened, and how, is the rest alone.
    rest = learn(numbers[numbers != 0])
    for name in ("centre", "scale", "power", "lowest", "highest"):
        assert getattr(column, name) == getattr(rest, name)
    # Near is not equal.
    assert column.encode(np.array([-0.0, 1e-300, np.nan]))[0].tolist() == [0, 1, -1]


def test_levels_of_numbers_that_are_all_shared():
    numbers = COLUMNS["two values"]
    column = learn(numbers)
    assert column.atoms.tolist() == [-1, 3]
    assert column.n_levels == 3
    level, values = column.encode(np.array([-1.0, 3.0, 2.0, np.nan]))
    assert level.tolist() == [0, 1, 2, -1]
    assert np.isnan(values).tolist() == [True, True, False, True]
    # Of others nothing was seen: where and how far apart all were is the best guess.
    assert column.centre in {-1, 1, 3}
    assert column.scale == numbers.std()


def test_atoms_rise_and_are_bounded_by_the_share():
    numbers = COLUMNS["whole numbers"]
    shares = {k: np.mean(numbers == k) for k in range(8)}
    for share in (0.05, 0.1, 0.2, 0.25, 0.5):
        expected = [k for k, own in shares.items() if own >= share]
        assert learn(numbers, share=share).atoms.tolist() == expected
    assert learn(numbers, share=1.0).n_levels == 0


def test_four_rows_make_no_spike():
    rest = np.arange(1.0, 9.0)
    assert learn([0.0] * 4 + rest.tolist()).n_levels == 0
    assert learn([0.0] * 5 + rest.tolist()).atoms.tolist() == [0]


def test_a_constant_column_is_a_level():
    column = learn(COLUMNS["constant"])
    assert column.atoms.tolist() == [7]
    assert (column.centre, column.scale, column.power) == (7, 1, 1)
    # Also where it varies by rounding.
    column = learn(0.1 + np.array([0, 1, 2, 3] * 5) * np.spacing(0.1), share=1.0)
    assert (column.scale, column.power) == (1, 1)


def test_a_column_without_numbers_is_standard():
    for numbers, weights in (([np.nan] * 3, None), ([2.0, 3.0], np.zeros(2))):
        column = learn(numbers, weights)
        assert (column.centre, column.scale, column.power) == (0, 1, 1)
        assert column.n_levels == 0
        level, values = column.encode(np.array([np.nan, 5.0]))
        assert level.tolist() == [-1, 0]
        np.testing.assert_array_equal(values, [np.nan, 5.0])


# ---- weights ----


@pytest.mark.parametrize("name", COLUMNS)
def test_whole_weights_are_repeats(name):
    numbers = COLUMNS[name]
    weights = np.random.default_rng(1).integers(0, 4, len(numbers)).astype(float)
    weights[0] = 2
    weighted = learn(numbers, weights)
    repeated = learn(np.repeat(numbers, weights.astype(int)))
    assert weighted.atoms.tolist() == repeated.atoms.tolist()
    for own in ("centre", "scale", "lowest", "highest", "power"):
        expected = getattr(repeated, own)
        tol = {"rel": 1e-10, "abs": 1e-6 if own == "power" else 0}
        assert getattr(weighted, own) == pytest.approx(expected, **tol)


def test_numbers_of_weight_zero_are_absent():
    numbers = np.append(COLUMNS["skewed"], [1e6] * 200)
    weights = np.append(np.ones(300), np.zeros(200))
    column, absent = learn(numbers, weights), learn(COLUMNS["skewed"])
    assert column.n_levels == 0
    for own in ("centre", "scale", "power", "lowest", "highest"):
        assert getattr(column, own) == getattr(absent, own)


def test_the_median_of_large_numbers_does_not_overflow():
    column = NumberColumn.learn(np.array([1e308, 1.2e308]), np.ones(2), 1.0, False)
    assert column.centre == 0.0
    numbers = np.linspace(1e308, 1.2e308, 20)
    column = NumberColumn.learn(numbers, np.ones(20), 1.0, True)
    assert column.centre == pytest.approx(1.1e308)
