import numpy as np
import pytest
from scipy.special import logsumexp

from skebm.units.categorical import CategoricalUnits, log_sum_of_levels

UNITS = CategoricalUnits((3, 1, 2))
VALUES = np.array([[0, 0, 1], [2, 0, 0], [1, 0, 1]])
STATES = np.array(
    [[1, 0, 0, 1, 0, 1], [0, 0, 1, 1, 1, 0], [0, 1, 0, 1, 0, 1]], dtype=bool
)


class GivenNoise:
    def __init__(self, variate):
        self.variate = variate

    def draw(self, shape):
        return np.full(shape, self.variate)


def test_values_are_numbers_of_levels():
    assert (UNITS.n_units, UNITS.n_columns, UNITS.n_configurations) == (3, 6, 6)
    states = UNITS.encode(VALUES)
    assert states.dtype == bool
    np.testing.assert_array_equal(states, STATES)
    np.testing.assert_array_equal(UNITS.decode(states), VALUES)
    np.testing.assert_array_equal(UNITS.decode(states.astype(float)), VALUES)


def test_the_last_unit_changes_fastest():
    listed = UNITS.decode(UNITS.configurations(np.arange(6)))
    np.testing.assert_array_equal(listed @ [2, 0, 1], np.arange(6))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [-1, 1])
def test_impossible_levels_are_never_drawn(dtype, sign):
    """Not even by the variates closest to an end, whatever probabilities add up to."""
    noise = GivenNoise(dtype(sign) * (1 - np.finfo(dtype).eps))
    for n_possible in range(1, 60):
        field = np.zeros((1, n_possible + 2), dtype)
        field[0, [0, -1]] = -3000
        units = CategoricalUnits((n_possible + 2,))
        level = units.decode(units.draw(field, noise))
        assert level == (1 if sign < 0 else n_possible)


@pytest.mark.parametrize("shift", [-3000.0, 3000.0])
def test_only_differences_of_fields_matter(shift):
    field = np.random.default_rng(0).normal(size=(4, 6))
    shifted = field + shift
    exact = UNITS.log_normaliser(field) + 3 * shift
    np.testing.assert_allclose(UNITS.log_normaliser(shifted), exact, rtol=1e-14)
    mean = UNITS.mean(field.copy())
    np.testing.assert_allclose(UNITS.mean(shifted), mean, rtol=1e-11)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3000.0])
@pytest.mark.parametrize("shift", [0.0, -5000.0])
@pytest.mark.parametrize("n_levels", [1, 2, 50])
def test_log_sums_are_those_of_scipy(scale, shift, n_levels):
    field = scale * np.random.default_rng(0).normal(size=(100, n_levels)) + shift
    before = field.copy()
    exact = logsumexp(field, axis=1)
    np.testing.assert_allclose(log_sum_of_levels(field), exact, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(field, before)
