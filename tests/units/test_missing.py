"""Rows of which some columns are missing: by enumeration, and normal distributions."""

import pickle
from itertools import product

import numpy as np
import pytest
from gaussian_machines import KINDS, dense, units_of
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from statistical import assert_draws_from, assert_mean_is

from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits
from skebm.units.mixed import MixedUnits

PATTERNS = ["nothing", "all", "some"]
N_ROWS, N_FIELDS = 12, 3
JUNK = 7.5  # what stands where values are missing, which nobody looks at

BIT = [[0.0], [1.0]]
LISTED = {
    "binary": (BinaryUnits(3), [BIT] * 3),
    "categorical": (CategoricalUnits((3, 2)), [np.eye(3), np.eye(2)]),
    "mixed": (
        MixedUnits((CategoricalUnits((2, 3)), BinaryUnits(2))),
        [np.eye(2), np.eye(3), BIT, BIT],
    ),
}
every_pattern = pytest.mark.parametrize("pattern", PATTERNS)
every_listed = pytest.mark.parametrize("name", LISTED)
every_kind = pytest.mark.parametrize("kind", KINDS)


def known_units(pattern, n_rows, n_units, seed=0):
    """Say which units of each row are known."""
    rng = np.random.default_rng(seed)
    share = {"nothing": 0.0, "all": 1.0, "some": 0.5}[pattern]
    return rng.random((n_rows, n_units)) < share


class Listed:
    """Units with all their configurations, rows of them, and what is known of these."""

    def __init__(self, name, pattern):
        self.units, states = LISTED[name]
        self.states = np.array([np.concatenate(parts) for parts in product(*states)])
        rng = np.random.default_rng(1)
        self.rows = self.states[rng.integers(len(self.states), size=N_ROWS)]
        widths = [len(own[0]) for own in states]
        known = known_units(pattern, N_ROWS, len(states))
        self.observed = np.repeat(known, widths, axis=1)
        self.rows = np.where(self.observed, self.rows, JUNK)
        self.field = rng.normal(0, 1.5, (N_FIELDS, self.states.shape[1]))
        self.posterior = rng.random((N_ROWS, N_FIELDS))
        # Which configurations agree with what is known of each row.
        agrees = self.states == self.rows[:, np.newaxis]
        self.fits = (agrees | ~self.observed[:, np.newaxis]).all(axis=2)

    @property
    def given(self):
        return self.field, self.rows, self.observed

    def log_sum(self, field):
        """Sum over what is missing of each row, in one field."""
        score = np.where(self.fits, self.states @ field, -np.inf)
        return logsumexp(score, axis=1)

    def law(self, field):
        """Probabilities of all configurations given what is known of each row."""
        score = np.where(self.fits, self.states @ field, -np.inf)
        return np.exp(score - logsumexp(score, axis=1, keepdims=True))


# ---- units whose states can be listed ----


@every_listed
@every_pattern
def test_scores_sum_over_what_is_missing(name, pattern):
    case = Listed(name, pattern)
    score = case.units.observed_score(*case.given)
    exact = [case.log_sum(own) - logsumexp(case.states @ own) for own in case.field]
    np.testing.assert_allclose(score, np.transpose(exact), rtol=0, atol=1e-12)
    if pattern == "nothing":
        np.testing.assert_allclose(score, 0, rtol=0, atol=1e-12)


@every_listed
@every_pattern
def test_statistics_are_expected_given_what_is_known(name, pattern):
    case = Listed(name, pattern)
    result = case.units.observed_statistics(*case.given, case.posterior)
    exact = [
        counts @ case.law(own) @ case.states
        for own, counts in zip(case.field, case.posterior.T, strict=True)
    ]
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-12)


@every_listed
@every_pattern
def test_log_missing_sums_in_the_field_of_each_row(name, pattern):
    case = Listed(name, pattern)
    field = case.field[np.arange(N_ROWS) % N_FIELDS]
    result = case.units.log_missing(field, case.rows, case.observed)
    exact = [case.log_sum(own)[row] for row, own in enumerate(field)]
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-12)
    narrow = case.units.log_missing(field.astype("f"), case.rows, case.observed)
    np.testing.assert_allclose(narrow, exact, rtol=1e-5, atol=1e-5)


@every_listed
@every_pattern
def test_means_of_fields(name, pattern):
    case = Listed(name, pattern)
    law = case.posterior / case.posterior.sum(axis=1, keepdims=True)
    result = case.units.mean_of_fields(*case.given, law)
    means = np.array([case.law(own) @ case.states for own in case.field])
    exact = np.einsum("rf,frc->rc", law, means)
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(result[case.observed], case.rows[case.observed])


@every_listed
@every_pattern
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_of_what_is_missing(name, pattern, dtype):
    case, n_draws = Listed(name, pattern), 5000
    noise = UniformNoise(np.random.default_rng(2), dtype)
    field = case.field[0].astype(dtype)
    law = case.law(case.field[0])
    for row in range(4):
        rows, observed = (
            np.tile(table[row], (n_draws, 1)) for table in (case.rows, case.observed)
        )
        drawn = case.units.draw_missing(
            np.tile(field, (n_draws, 1)), rows, observed, noise
        )
        np.testing.assert_array_equal(drawn[observed], rows[observed])
        where = (drawn[:, np.newaxis] == case.states).all(axis=2)
        assert (where.sum(axis=1) == 1).all()
        assert_draws_from(law[row], where.argmax(axis=1))


# ---- Gaussian units ----


def make_gaussian(kind, n_columns=4, seed=0):
    """Make units that learning has moved away from where they started."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_columns, n_columns)) + 2 * np.eye(n_columns)
    covariance = root @ root.T
    units = units_of(covariance if kind == "full" else np.diag(covariance), kind)
    vector = units.ravel()
    return units.unravel(vector + rng.normal(0, 0.3, vector.shape))


class Normal:
    """Gaussian units and rows, by the formulas of normal distributions alone."""

    def __init__(self, kind, pattern, n_columns=4):
        self.units = make_gaussian(kind, n_columns)
        rng = np.random.default_rng(3)
        self.matrix = dense(self.units)
        inverse = np.linalg.inv(self.matrix)
        self.covariance = inverse @ inverse.T
        self.field = rng.normal(0, 1, (N_FIELDS, n_columns))
        self.means = self.field @ inverse.T
        rows = rng.normal(0, 2, (N_ROWS, n_columns))
        self.observed = known_units(pattern, N_ROWS, n_columns, seed=4)
        self.rows = np.where(self.observed, rows, JUNK)
        self.posterior = rng.random((N_ROWS, N_FIELDS))

    @property
    def given(self):
        return self.field, self.rows, self.observed

    def log_density(self, row, number):
        """log p(what is known of a row | a field)."""
        known = np.flatnonzero(self.observed[row])
        if len(known) == 0:
            return 0.0
        covariance = self.covariance[np.ix_(known, known)]
        law = multivariate_normal(self.means[number][known], covariance)
        return law.logpdf(self.rows[row, known])

    def conditional(self, row, number):
        """Mean and covariance of v given what is known of a row, and a field."""
        mean, known = self.means[number], np.flatnonzero(self.observed[row])
        across = self.covariance[:, known]
        slope = across @ np.linalg.pinv(across[known])
        surprise = self.rows[row, known] - mean[known]
        return mean + slope @ surprise, self.covariance - slope @ across.T


def pairs(function):
    """Tabulate a function of rows and fields."""
    return np.array([[function(r, f) for f in range(N_FIELDS)] for r in range(N_ROWS)])


@every_kind
@every_pattern
def test_scores_are_normal_densities_of_what_is_known(kind, pattern):
    case = Normal(kind, pattern)
    score = case.units.observed_score(*case.given)
    exact = pairs(case.log_density)
    np.testing.assert_allclose(score, exact, rtol=0, atol=1e-10)
    if pattern == "nothing":
        assert not score.any()


@every_kind
@every_pattern
def test_statistics_are_conditional_means(kind, pattern):
    case = Normal(kind, pattern)
    result = case.units.observed_statistics(*case.given, case.posterior)
    means = pairs(lambda *at: case.matrix @ case.conditional(*at)[0])
    exact = np.einsum("rf,rfc->fc", case.posterior, means)
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)


@every_kind
@every_pattern
def test_means_of_fields_are_mixtures_of_conditional_means(kind, pattern):
    case = Normal(kind, pattern)
    law = case.posterior / case.posterior.sum(axis=1, keepdims=True)
    result = case.units.mean_of_fields(*case.given, law)
    means = pairs(lambda *at: case.conditional(*at)[0])
    exact = np.einsum("rf,rfc->rc", law, means)
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(result[case.observed], case.rows[case.observed])


@every_kind
@every_pattern
def test_log_missing_is_that_of_densities(kind, pattern):
    case = Normal(kind, pattern)
    number = np.arange(N_ROWS) % N_FIELDS
    field = case.field[number]
    result = case.units.log_missing(field, case.rows, case.observed)
    density = pairs(case.log_density)[np.arange(N_ROWS), number]
    exact = density + case.units.log_normaliser(field)
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)


@every_kind
@pytest.mark.parametrize("column", [0, 1])
def test_log_missing_is_an_integral(kind, column):
    """The trapezoidal rule is exact to rounding for normal densities."""
    units = make_gaussian(kind, 2)
    rows, field = np.array([[0.4, -1.1]]), np.array([[1.5, -0.7]])
    reach = 12 * np.sqrt(units.variances()[column]) + 5
    axis = np.linspace(-reach, reach, 4001)
    grid = np.repeat(rows, len(axis), axis=0)
    grid[:, column] = axis
    white = units.statistics(grid)
    weight = np.exp(white @ field[0] + units.log_base(white))
    exact = np.log(weight.sum() * (axis[1] - axis[0]))
    observed = np.arange(2) != column
    rows[:, column] = JUNK
    result = units.log_missing(field, rows, observed[np.newaxis])
    assert result[0] == pytest.approx(exact, abs=1e-12)
    # The same, divided by the integral over everything.
    score = units.observed_score(field, rows, observed[np.newaxis])[0, 0]
    assert score == pytest.approx(exact - units.log_normaliser(field)[0], abs=1e-12)


@every_kind
@every_pattern
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_have_the_conditional_moments(kind, pattern, dtype):
    case, n_draws = Normal(kind, pattern), 10_000
    units = case.units.astype(dtype)
    noise = UniformNoise(np.random.default_rng(5), dtype)
    for row in range(3):
        rows, observed = (
            np.tile(table[row], (n_draws, 1)) for table in (case.rows, case.observed)
        )
        field = np.tile(case.field[0].astype(dtype), (n_draws, 1))
        drawn = units.draw_missing(field, rows.astype(dtype), observed, noise)
        np.testing.assert_array_equal(drawn[observed], rows[observed].astype(dtype))
        free = np.flatnonzero(~case.observed[row])
        if len(free) == 0:
            continue
        mean, covariance = case.conditional(row, 0)
        deviation = drawn[:, free].astype(float) - mean[free]
        assert_mean_is(np.zeros(len(free)), deviation)
        products = np.einsum("ni,nj->nij", deviation, deviation)
        assert_mean_is(covariance[np.ix_(free, free)], products)


@every_kind
@every_pattern
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_slopes_are_derivatives_of_integrals(kind, pattern, ridge):
    """By stretches and shears, at fixed fields, for each kind what it can follow."""
    case = Normal(kind, pattern)
    slope = case.units.observed_slope(*case.given, case.posterior, ridge)

    def value(units):
        total = 0.0
        for own, counts in zip(case.field, case.posterior.T, strict=True):
            field = np.tile(own, (N_ROWS, 1))
            total += counts @ units.log_missing(field, case.rows, case.observed)
        cost = ridge / 2 * (dense(units) ** 2).sum()
        return total - case.posterior.sum() * cost

    vector = case.units.ravel()
    for number, result in enumerate(slope.ravel()):
        step = 1e-5 * np.eye(len(vector))[number]
        ends = [value(case.units.unravel(vector + end)) for end in (step, -step)]
        numeric = (ends[0] - ends[1]) / 2e-5
        assert result == pytest.approx(numeric, rel=1e-6, abs=1e-6)
    if kind == "fixed":
        assert not slope.log_stretch.any()
    if kind == "shared":
        assert np.ptp(slope.log_stretch) == 0
    if kind == "full":
        assert not np.triu(slope.shear).any()


@every_kind
def test_nothing_known_and_all_known_are_slopes_of_the_model_and_of_data(kind):
    """As learning from complete rows has them."""
    case = Normal(kind, "nothing")
    law = case.posterior / case.posterior.sum()
    slope = case.units.observed_slope(*case.given, law)
    model = case.units.model_slope()
    np.testing.assert_allclose(slope.ravel(), model.ravel(), atol=1e-12)
    case = Normal(kind, "all")
    number = np.arange(N_ROWS) % N_FIELDS
    chosen = np.eye(N_FIELDS)[number] * case.posterior[:, :1]
    slope = case.units.observed_slope(*case.given, chosen, 0.2)
    deviation = case.units.statistics(case.rows) - case.field[number]
    data = case.units.slope(deviation, case.rows, case.posterior[:, 0], 0.2)
    np.testing.assert_allclose(slope.ravel(), data.ravel(), atol=1e-10)


# ---- side by side with others ----

PARTS = CategoricalUnits((3,)), make_gaussian("full", 2), BinaryUnits(2)
COLUMNS = slice(0, 3), slice(3, 5), slice(5, 7)
SIDE_BY_SIDE = MixedUnits(PARTS)


@pytest.fixture
def three_kinds():
    """Fields, rows, what is observed of them, and what each counts for each field."""
    rng = np.random.default_rng(6)
    rows = np.hstack(
        [
            np.eye(3)[rng.integers(3, size=N_ROWS)],
            rng.normal(size=(N_ROWS, 2)),
            rng.integers(2, size=(N_ROWS, 2)),
        ]
    )
    observed = np.repeat(rng.random((N_ROWS, 5)) < 0.5, [3, 1, 1, 1, 1], axis=1)
    field = rng.normal(size=(N_FIELDS, 7))
    posterior = rng.dirichlet(np.ones(N_FIELDS), N_ROWS)
    return field, np.where(observed, rows, JUNK), observed, posterior


def of_parts(name, columns, *others):
    """Ask each kind for the same of its own columns."""
    parts = zip(PARTS, COLUMNS, strict=True)
    return [
        getattr(part, name)(*(table[:, own] for table in columns), *others)
        for part, own in parts
    ]


def test_columns_side_by_side_are_independent(three_kinds):
    *given, posterior = three_kinds
    exact = sum(of_parts("observed_score", given))
    score = SIDE_BY_SIDE.observed_score(*given)
    np.testing.assert_allclose(score, exact, rtol=0, atol=1e-12)
    for name in "observed_statistics", "mean_of_fields":
        exact = np.hstack(of_parts(name, given, posterior))
        result = getattr(SIDE_BY_SIDE, name)(*given, posterior)
        np.testing.assert_array_equal(result, exact)
    each = [given[0][np.arange(N_ROWS) % N_FIELDS], *given[1:]]
    exact = sum(of_parts("log_missing", each))
    result = SIDE_BY_SIDE.log_missing(*each)
    np.testing.assert_allclose(result, exact, rtol=0, atol=1e-12)


def test_draws_side_by_side(three_kinds):
    field, rows, observed, _ = three_kinds
    each = field[np.arange(N_ROWS) % N_FIELDS]
    replicates = 4000
    tables = [np.tile(table, (replicates, 1)) for table in (each, rows, observed)]
    noise = UniformNoise(np.random.default_rng(7), np.float64)
    drawn = SIDE_BY_SIDE.draw_missing(*tables, noise)
    np.testing.assert_array_equal(drawn[tables[2]], tables[1][tables[2]])
    drawn = drawn.reshape(replicates, N_ROWS, -1)
    # Means of each row in its own field.
    one = np.eye(N_FIELDS)[np.arange(N_ROWS) % N_FIELDS]
    mean = SIDE_BY_SIDE.mean_of_fields(field, rows, observed, one)
    assert_mean_is(mean[~observed], drawn[:, ~observed])


def test_pickles_hold_nothing_of_rows_that_were_looked_at():
    units = GaussianUnits.of_base(np.eye(3))
    before = len(pickle.dumps(units))
    observed = np.random.default_rng(0).random((500, 3)) < 0.5
    units.observed_score(np.zeros((1, 3)), np.zeros((500, 3)), observed)
    assert len(pickle.dumps(units)) == before
    copy = pickle.loads(pickle.dumps(units))  # noqa: S301
    np.testing.assert_array_equal(copy.whitening, units.whitening)
