import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    gaussian_energy,
    gaussian_machine,
    oracle_of,
    rows_of,
)
from scipy.integrate import quad

from skebm.energy.conditionals import gaussian_rbm
from skebm.units.gaussian import GaussianUnits


@pytest.mark.parametrize("n_visible", [1, 3])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_is_the_ratio_of_two_mixtures(kind, seed, n_visible):
    energy = gaussian_machine(kind, 4, n_visible, seed=seed)
    for spread in (1.0, 5.0):
        rows = rows_of(energy, 20, spread=spread)
        np.testing.assert_allclose(
            energy.conditional_log_likelihood(rows),
            oracle_of(energy).conditional_log_density(rows),
            rtol=0,
            atol=1e-9,
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [10.0, 100.0, 3000.0])
def test_components_far_apart(kind, scale):
    """Where nodes are taken a few at a time, down to one."""
    energy = gaussian_machine(kind, 2, 2, scale=scale)
    rows = rows_of(energy, 5)
    exact = oracle_of(energy).conditional_log_density(rows)
    # Terms of the square of the scale cancel.
    np.testing.assert_allclose(
        energy.conditional_log_likelihood(rows), exact, rtol=0, atol=1e-13 * scale**2
    )


def test_two_nodes_at_a_time():
    """One step more from the second would not stay within float64."""
    weight = 800.0
    energy = gaussian_energy(
        np.array([[weight]]),
        np.zeros(1),
        np.array([-(weight**2) / 2]),
        GaussianUnits.of_base(np.ones(1)),
    )
    rows = np.array([[0.0], [1.0], [weight / 2], [weight]])
    exact = oracle_of(energy).log_density(rows)
    result = energy.conditional_log_likelihood(rows)[:, 0]
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-9)


@pytest.mark.parametrize("sign", [-1, 1])
def test_components_that_all_pull_one_way(sign):
    """Rows where all of them are on are as far from the bias as can be."""
    weights = np.full((4, 1), 6.0 * sign)
    energy = gaussian_energy(
        weights, np.zeros(1), np.full(4, -72.0), GaussianUnits.of_base(np.ones(1))
    )
    rows = sign * np.arange(-6.0, 31.0, 6.0)[:, np.newaxis]
    exact = oracle_of(energy).log_density(rows)
    result = energy.conditional_log_likelihood(rows)[:, 0]
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_a_thousand_deviations_away(kind):
    energy = gaussian_machine(kind, 4, 3)
    rows = rows_of(energy, spread=1e3)
    result = energy.conditional_log_likelihood(rows)
    exact = oracle_of(energy).conditional_log_density(rows)
    assert exact.min() < -1e5
    # The exact value is a difference of two near 10^7.
    np.testing.assert_allclose(result, exact, rtol=1e-11, atol=1e-7)


@pytest.mark.parametrize("name", ["_MOST_NODES", "_MOST_FACTORS", "_BLOCK_ELEMENTS"])
@pytest.mark.parametrize("most", [1, 3])
def test_how_much_is_taken_at_a_time_does_not_count(monkeypatch, name, most):
    energy = gaussian_machine("full", 4, 3)
    rows = rows_of(energy)
    expected = energy.conditional_log_likelihood(rows)
    monkeypatch.setattr(gaussian_rbm, name, most)
    result = energy.conditional_log_likelihood(rows)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def test_many_hidden_units_do_not_overflow():
    """A thousand units that are each on half of the time, and are alike."""
    n_hidden, weight = 1000, 0.01
    energy = gaussian_energy(
        np.full((n_hidden, 2), weight),
        np.zeros(2),
        np.zeros(n_hidden),
        GaussianUnits.of_base(np.ones(2)),
    )
    row = np.array([[4.0, 7.0]])

    def log_factor(value):
        return n_hidden * np.logaddexp(0, weight * (value + 7)) - value**2 / 2

    top = log_factor(10.0)
    total, _ = quad(lambda v: np.exp(log_factor(v) - top), -30, 40, epsabs=0)
    exact = log_factor(4.0) - top - np.log(total)
    result = energy.conditional_log_likelihood(row)[0, 0]
    assert result == pytest.approx(exact, abs=1e-9)


def test_rows_may_be_narrow():
    energy = gaussian_machine("diag")
    rows = rows_of(energy).astype(np.float32)
    result = energy.conditional_log_likelihood(rows)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(
        result, energy.conditional_log_likelihood(rows.astype(np.float64))
    )
