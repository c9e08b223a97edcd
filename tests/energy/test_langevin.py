import numpy as np
import pytest
from scipy import stats
from statistical import assert_mean_is

from skebm.energy.langevin import langevin
from skebm.sampling.random import UniformNoise


def double_well(rows):
    """-E and its slope for E = (x^2 - 1)^2 and a column that leans on it."""
    x, y = rows.T
    score = -((x**2 - 1) ** 2) - (y - x) ** 2
    return score, np.column_stack([-4 * x * (x**2 - 1) + 2 * (y - x), -2 * (y - x)])


def noise(seed=0):
    return UniformNoise(np.random.default_rng(seed), np.float64)


def exact_rows(n_rows, seed=1):
    """Draw rows of the double well from its law: by the inverse of a fine sum."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(-4, 4, 100_001)
    law = np.exp(-((axis**2 - 1) ** 2))
    x = np.interp(rng.random(n_rows), np.cumsum(law) / law.sum(), axis)
    return np.column_stack([x, x + rng.normal(0, np.sqrt(0.5), n_rows)])


def exact_moments():
    axis = np.linspace(-4, 4, 100_001)
    law = np.exp(-((axis**2 - 1) ** 2))
    second = law @ axis**2 / law.sum()
    fourth = law @ axis**4 / law.sum()
    return np.array([0, 0, second, second + 0.5, second, fourth])


def moments_of(rows):
    x, y = rows.T
    return np.column_stack([x, y, x**2, y**2, x * y, x**4])


# Five standard errors, of 40 000 independent rows, and six moments: a right one
# fails once in 300 000 times.
@pytest.mark.parametrize("length", [0.01, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("scales", [1.0, np.array([0.3, 0.6])])
def test_steps_leave_the_law_as_it_is(length, scales):
    rows, steps = exact_rows(40_000), [np.full((40_000, 1), length)] * 4
    moved, acceptance = langevin(double_well, rows, steps, noise(), scales=scales)
    assert 0 < acceptance <= 1
    assert (moved != rows).any(axis=1).mean() > 0.05
    assert_mean_is(exact_moments(), moments_of(moved))
    assert stats.kstest(moved[:, 1] - moved[:, 0], "norm", (0, 0.5**0.5)).pvalue > 1e-4


def test_lengths_may_differ_between_rows_and_some_be_held():
    rows, rng = exact_rows(40_000), np.random.default_rng(3)
    steps = [rng.uniform(0.01, 1, (40_000, 1)) for _ in range(4)]
    held = rng.random(rows.shape) < 0.5
    moved, _ = langevin(double_well, rows, steps, noise(), held=held)
    np.testing.assert_array_equal(moved[held], rows[held])
    assert_mean_is(exact_moments(), moments_of(moved))


def test_rows_from_elsewhere_come_to_the_law():
    rows = np.full((4000, 2), 1.0)
    steps = [np.full((4000, 1), 0.2)] * 150
    moved, _ = langevin(double_well, rows, steps, noise())
    assert_mean_is(exact_moments(), moments_of(moved))
    np.testing.assert_array_equal(rows, 1.0)


def test_of_a_normal_distribution_every_step_is_taken():
    """And a long one draws the row anew, wherever it was."""
    scales, mean = np.array([0.5, 4.0]), np.array([1.0, -3.0])

    def normal(rows):
        deviation = (rows - mean) / scales
        return -(deviation * (rows - mean)).sum(axis=1) / 2, -deviation

    for length in (1e-3, 1.0, 50.0):
        steps, rows = [np.full((5000, 1), length)], np.full((5000, 2), 100.0)
        moved, acceptance = langevin(normal, rows, steps, noise(), scales=scales)
        assert acceptance == pytest.approx(1, abs=1e-9)
    assert_mean_is(mean, moved)
    assert_mean_is(scales, (moved - mean) ** 2)


def test_no_row_goes_where_the_density_is_not_a_number():
    def cliff(rows):
        score = np.where(rows[:, 0] > 0.5, np.nan, 0.0)
        return score - (rows**2).sum(axis=1) / 2, -rows

    rows = np.zeros((1000, 2))
    moved, acceptance = langevin(cliff, rows, [np.ones((1000, 1))] * 5, noise())
    assert moved[:, 0].max() <= 0.5
    assert 0.1 < acceptance < 0.9
