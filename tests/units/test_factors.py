import numpy as np
import pytest
from gaussian_machines import dense, derivatives, information_of

from skebm.units import factors
from skebm.units.factors import FactorUnits


def make(n_columns=4, n_factors=2, seed=0):
    """Make units that learning has moved away from where they started."""
    rng = np.random.default_rng(seed)
    own, shared = (
        rng.uniform(0.3, 2, n_columns),
        rng.normal(size=(n_factors, n_columns)),
    )
    units = FactorUnits.of_factors(own, shared)
    vector = units.ravel()
    return units.unravel(vector + rng.normal(0, 0.4, vector.shape))


def test_the_covariance_is_a_diagonal_and_factors():
    rng = np.random.default_rng(0)
    own, shared = rng.uniform(0.3, 2, 5), rng.normal(size=(2, 5))
    units = FactorUnits.of_factors(own, shared)
    covariance = np.diag(own) + shared.T @ shared
    inverse = np.linalg.inv(dense(units))
    np.testing.assert_allclose(inverse @ inverse.T, covariance, rtol=0, atol=1e-13)
    np.testing.assert_allclose(units.covariance(), covariance, rtol=0, atol=1e-13)
    np.testing.assert_allclose(units.own_variances(), own, rtol=1e-14)
    assert units.is_full
    assert (units.n_columns, units.n_factors) == (5, 2)
    # It is symmetric in columns of unit own noise.
    turn = dense(units) / units.scale
    np.testing.assert_allclose(turn, turn.T, rtol=0, atol=1e-14)


def test_factors_are_the_same_whatever_turns_them():
    units = make()
    result = units.factors()
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(2, 2)))
    for loadings in units.loadings @ turn, -units.loadings:
        turned = units.replaced(loadings=loadings)
        np.testing.assert_allclose(turned.factors(), result, rtol=0, atol=1e-13)
    assert (result.max(axis=1) == np.abs(result).max(axis=1)).all()
    # Uncorrelated in units of the own noise, strongest first.
    products = result / units.own_variances() @ result.T
    assert np.diff(np.diag(products)) < 0
    assert abs(products[0, 1]) < 1e-12
    again = FactorUnits.of_factors(units.own_variances(), result)
    np.testing.assert_allclose(again.factors(), result, rtol=0, atol=1e-13)
    np.testing.assert_allclose(dense(again), dense(units), rtol=0, atol=1e-13)


@pytest.mark.parametrize("n_factors", [0, 1, 6])
def test_no_factors_and_more_than_columns(n_factors):
    units, rows = make(4, n_factors), np.random.default_rng(2).normal(size=(3, 4))
    assert units.factors().shape == (n_factors, 4)
    inverse = np.linalg.inv(dense(units))
    np.testing.assert_allclose(units.covariance(), inverse @ inverse.T, atol=1e-12)
    slope = units.slope(rows, rows, ridge=0.1)
    for own in units.natural_step(slope), units.model_slope(), slope:
        assert np.isfinite(own.ravel()).all()
    score = units.observed_score(rows, rows, rows > 0)
    assert np.isfinite(score).all()


def test_steps_of_loadings_are_natural(monkeypatch):
    """Turns among factors change nothing, so the information has no inverse."""
    monkeypatch.setattr(factors, "_DAMPING", 1e-14)
    units = make()
    rows = np.random.default_rng(1).normal(size=(5, 4))
    gradient = units.slope(rows, rows + 1, np.ones(5))
    step = units.natural_step(gradient)
    information = information_of(units)[4:, 4:]
    assert (np.linalg.eigvalsh(information) < 1e-8).sum() == 1
    found = information @ step.loadings.ravel()
    np.testing.assert_allclose(found, gradient.loadings.ravel(), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(step.log_stretch, gradient.log_stretch / 2)


def test_steps_along_factors_of_no_strength_are_no_longer_than_the_gradient():
    units = make()
    loadings = units.loadings * [1, 1e-6]
    units = units.with_arrays([np.zeros(4), loadings])
    gradient = units.replaced(loadings=np.random.default_rng(3).normal(size=(4, 2)))
    step = units.natural_step(gradient)
    assert np.linalg.norm(step.loadings) < 2 * np.linalg.norm(gradient.loadings)


def test_steps_are_the_same_in_whatever_units_columns_are():
    units = make()
    rows = np.random.default_rng(1).normal(size=(5, 4))
    size = np.array([1e-3, 1.0, 10.0, 1e3])
    other = units.replaced(base=units.base / size)
    own = units.natural_step(units.slope(rows, rows + 1))
    others = other.natural_step(other.slope(rows, (rows + 1) * size))
    np.testing.assert_allclose(others.ravel(), own.ravel(), rtol=1e-10, atol=1e-12)


def test_what_hidden_units_explain_is_taken_from_the_factors():
    """All of it, where it is along these and leaves them a positive variance."""
    units = FactorUnits.of_factors(
        np.array([0.5, 1.0, 2.0, 1.0]), 3 * np.random.default_rng(0).normal(size=(2, 4))
    )
    axes = units.axes()
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-14)
    weights = np.random.default_rng(1).normal(size=(3, 2)) @ axes.T
    weights *= 0.5 / np.linalg.norm(weights, 2)
    left = units.explained(weights, 0.2)
    means = units.states(weights)
    expected = units.covariance() - 0.2 * means.T @ means
    np.testing.assert_allclose(left.covariance(), expected, rtol=0, atol=1e-12)
    # More than there is leaves the own noise.
    left = units.explained(10 * axes.T, 1.0)
    np.testing.assert_allclose(left.covariance(), np.diag(units.own_variances()))


def test_nearest_rows_are_minima():
    units, rng = make(5), np.random.default_rng(4)
    white, rows = rng.normal(size=(2, 3, 5))
    moves = np.array([True, False, True, True, False])
    result = rows.copy()
    result[:, moves] = units.nearest(white, rows, moves)
    matrix = dense(units)
    slope = (result @ matrix.T - white) @ matrix
    np.testing.assert_allclose(slope[:, moves], 0, atol=1e-12)
    everything = units.nearest(white, rows, np.ones(5, dtype=bool))
    np.testing.assert_allclose(everything, units.states(white), atol=1e-12)


def test_strong_factors_in_single_precision():
    """Of variances a million times that of the own noise."""
    shared = np.random.default_rng(0).normal(0, 100, (3, 50))
    units = FactorUnits.of_factors(np.ones(50), shared)
    noise = np.random.default_rng(1).normal(size=(200, 3)) @ shared
    noise = noise + np.random.default_rng(2).normal(size=noise.shape)
    exact = units.statistics(noise)
    narrow = units.astype(np.float32).statistics(noise.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, exact, rtol=0, atol=1e-3)
    assert np.square(exact).mean() == pytest.approx(1, abs=0.1)
    assert units.astype(np.float32).log_det == pytest.approx(units.log_det, rel=1e-5)


def test_slopes_of_many_columns_are_derivatives():
    units = make(12, 3, seed=5)
    rng = np.random.default_rng(6)
    rows, mean = rng.normal(size=(2, 4, 12))

    def negative_energy(units):
        matrix = dense(units)
        spread = np.square(rows @ matrix.T - mean).sum(axis=1).mean()
        return -(spread + 0.2 * np.square(matrix).sum()) / 2

    slope = units.slope(units.statistics(rows) - mean, rows, ridge=0.2)
    numeric = derivatives(negative_energy, units)
    np.testing.assert_allclose(slope.ravel(), numeric, rtol=1e-7, atol=1e-7)
