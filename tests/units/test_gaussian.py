import itertools
from dataclasses import replace

import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    dense,
    derivatives,
    information_of,
    units_of,
)
from statistical import assert_mean_is

from skebm.sampling.random import UniformNoise
from skebm.units.gaussian import GaussianUnits, whiten_covariance

N_COLUMNS = 4


def make(kind, n_columns=N_COLUMNS):
    """Make units that learning has moved away from where they started."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n_columns, n_columns)) + 2 * np.eye(n_columns)
    covariance = root @ root.T
    units = units_of(covariance if kind == "full" else np.diag(covariance), kind)
    vector = units.ravel()
    return units.unravel(vector + rng.normal(0, 0.5, vector.shape))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def units(kind):
    return make(kind)


def some_rows(n_rows=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, N_COLUMNS))


def assert_is_the_derivative(slope, function, units, kind):
    """Hold a slope to central differences, and to what its kind can follow."""
    numeric = derivatives(function, units)
    np.testing.assert_allclose(slope.ravel(), numeric, rtol=1e-7, atol=1e-7)
    if kind == "full":
        assert not np.triu(slope.shear).any()
    elif kind == "shared":
        assert np.ptp(slope.log_stretch) == 0
    elif kind == "fixed":
        assert not slope.log_stretch.any()
    np.testing.assert_array_equal(slope.base, units.base)


# ---- the map ----


@pytest.mark.parametrize("kind", ["full", "diag", "shared", "fixed"])
def test_the_map_is_a_shear_and_a_stretch_of_the_base(kind):
    units = make(kind)
    shear = np.eye(N_COLUMNS) + (units.shear if kind == "full" else 0)
    base = units.base if kind == "full" else np.diag(units.base)
    expected = np.diag(np.exp(units.log_stretch)) @ shear @ base
    np.testing.assert_allclose(dense(units), expected, rtol=0, atol=1e-14)
    assert units.is_full == (kind == "full")
    assert units.n_columns == N_COLUMNS
    start = GaussianUnits.of_base(units.base)
    np.testing.assert_array_equal(start.whitening, units.base)


def test_statistics_are_a_product_and_states_take_it_back(units):
    rows = some_rows()
    white = units.statistics(rows)
    np.testing.assert_allclose(white, rows @ dense(units).T, rtol=0, atol=1e-14)
    np.testing.assert_allclose(units.states(white), rows, rtol=0, atol=1e-13)
    matrix = dense(units)
    slope = units.slope_by_states(rows)
    np.testing.assert_allclose(slope, rows @ matrix, rtol=0, atol=1e-13)
    slope = units.slope_by_statistics(slope)
    np.testing.assert_allclose(slope, rows, rtol=0, atol=1e-12)
    for factor in 0.5, 3.0:
        stretched = dense(units.stretched(factor))
        np.testing.assert_allclose(stretched, matrix / factor, rtol=1e-13, atol=1e-14)


def test_covariance_and_variances_are_those_of_the_noise(units):
    inverse = np.linalg.inv(dense(units))
    covariance = inverse @ inverse.T
    np.testing.assert_allclose(units.covariance(), covariance, rtol=0, atol=1e-12)
    np.testing.assert_allclose(units.variances(), np.diag(covariance), rtol=1e-12)
    precisions = np.diag(dense(units).T @ dense(units))
    np.testing.assert_allclose(units.precisions, precisions, rtol=1e-12)
    assert units.total_precision == pytest.approx(precisions.sum(), rel=1e-12)
    _, log_det = np.linalg.slogdet(dense(units))
    assert units.log_det == pytest.approx(log_det, abs=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_maps_that_lose_a_column_are_not_regular(units, kind, bad):
    for size in (-300.0, 300.0):
        assert replace(units, log_stretch=np.full(N_COLUMNS, size)).is_regular()
    base = units.base.copy()
    base[..., -1] = bad
    with np.errstate(invalid="ignore"):
        assert not units.replaced(base=base).is_regular()


def test_single_precision_is_kept(units):
    narrow, noise = (
        units.astype(np.float32),
        UniformNoise(np.random.default_rng(0), "f"),
    )
    rows, weights = some_rows().astype(np.float32), np.full(5, 0.2, np.float32)
    slope = narrow.slope(rows, rows, weights)
    slopes = (
        slope,
        narrow.model_slope(),
        narrow.slope(rows, rows, weights, 0.1),
        narrow.natural_step(slope),
    )
    arrays = [
        narrow.statistics(rows),
        narrow.states(rows),
        narrow.draw(rows, noise, 0.5),
        *(array for slope in slopes for array in slope.arrays()),
    ]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert narrow.log_det == pytest.approx(units.log_det, abs=1e-6)


def test_what_is_made_of_a_covariance_is_triangular_to_the_last_digit():
    """Many columns, the last ones with most noise: a solver changes their order."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(100, 40)) * np.logspace(-3, 3, 40)
    base = whiten_covariance(noise.T @ noise)
    assert not np.triu(base, 1).any()
    white = GaussianUnits.of_base(base).statistics(noise)
    np.testing.assert_allclose(white.T @ white, np.eye(40), rtol=0, atol=1e-12)


def test_ill_conditioned_noise():
    """Deviations from 1 down to a millionth, and all columns nearly the same."""
    deviation = np.logspace(0, -6, 6)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    root = rotation * deviation
    covariance = root @ root.T
    covariance = (covariance + covariance.T) / 2
    units = units_of(covariance, "full")
    assert units.is_regular()
    # The smallest variance is 1e-12, known to 1e-16 beside the largest.
    assert units.log_det == pytest.approx(-np.log(deviation).sum(), abs=1e-3)
    np.testing.assert_allclose(units.covariance(), covariance, rtol=0, atol=1e-10)
    rows = np.random.default_rng(1).normal(size=(50, 6))
    again = units.statistics(units.states(rows))
    np.testing.assert_allclose(again, rows, rtol=0, atol=1e-9)


# ---- the distribution ----


def test_log_normaliser_is_an_integral_over_states(kind):
    """The trapezoidal rule is exact to rounding for normal densities."""
    units = make(kind, 2)
    field = np.array([[0.0, 0.0], [1.5, -0.7]])
    reach = 12 * np.sqrt(units.variances()) + np.abs(units.states(field)).max()
    axes = [np.linspace(-end, end, 401) for end in reach]
    rows = np.array(list(itertools.product(*axes)))
    white = units.statistics(rows)
    volume = np.prod([axis[1] - axis[0] for axis in axes])
    for own, result in zip(field, units.log_normaliser(field), strict=True):
        integral = np.exp(white @ own + units.log_base(white)).sum() * volume
        assert result == pytest.approx(np.log(integral), abs=1e-12)


@pytest.mark.parametrize("beta", [1.0, 0.25, np.array([0.5, 2.0])])
def test_draws_have_the_moments_of_the_law(units, beta):
    field, n_draws = some_rows(2), 20_000
    noise = UniformNoise(np.random.default_rng(1), np.float64)
    every_beta = beta if np.ndim(beta) == 0 else np.repeat(beta, n_draws)
    drawn = units.draw(np.repeat(field, n_draws, axis=0), noise, every_beta)
    assert drawn.dtype == np.float64
    white = np.split(drawn @ dense(units).T, 2)
    for own, each, part in zip(field, np.broadcast_to(beta, 2), white, strict=True):
        assert_mean_is(own, part)
        assert_mean_is(
            np.eye(N_COLUMNS) / each, np.einsum("ni,nj->nij", *2 * [part - own])
        )


def test_means_are_fields_and_variances_one(units):
    field = some_rows()
    np.testing.assert_array_equal(units.mean(field), some_rows())
    np.testing.assert_array_equal(units.natural(field), some_rows())
    np.testing.assert_array_equal(units.variance(field), np.ones_like(field))


# ---- learning ----


def test_slopes_are_derivatives(units, kind):
    """Of -E, with a ridge and without, and of the log normaliser."""
    rows, mean = some_rows(), some_rows(seed=1)
    weights = np.random.default_rng(2).random(5)

    def negative_energy(units, ridge=0.0):
        spread = ((rows @ dense(units).T - mean) ** 2).sum(axis=1)
        return weights @ (spread + ridge * (dense(units) ** 2).sum()) / -2

    deviation = units.statistics(rows) - mean
    slope = units.slope(deviation, rows, weights)
    assert_is_the_derivative(slope, negative_energy, units, kind)
    slope = units.slope(deviation, rows, weights, ridge=0.3)
    assert_is_the_derivative(slope, lambda u: negative_energy(u, 0.3), units, kind)
    weights[:] = 1 / len(rows)
    slope = units.slope(deviation, rows, ridge=0.3)
    assert_is_the_derivative(slope, lambda u: negative_energy(u, 0.3), units, kind)
    assert_is_the_derivative(
        units.model_slope(), lambda units: units.log_normaliser(mean)[0], units, kind
    )


def test_natural_step_solves_with_the_information_of_the_noise(units, kind):
    rows = some_rows()
    gradient = units.slope(rows, rows + 1, np.ones(5))
    step = units.natural_step(gradient)
    assert step.log_stretch.any() == (kind != "fixed")
    if kind in {"factor", "fixed"}:  # for the one see `test_factors`
        return
    exact = np.linalg.solve(information_of(units), gradient.ravel())
    np.testing.assert_allclose(step.ravel(), exact, rtol=1e-7, atol=1e-7)
    assert not step.is_full or not np.triu(step.shear).any()
