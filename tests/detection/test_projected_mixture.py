import numpy as np
import pytest
from normal_mixture_oracle import log_conditional, log_density, with_gaps
from numpy.testing import assert_allclose, assert_array_equal

from skebm.detection import projected_mixture
from skebm.detection.conditionals import Feature
from skebm.detection.normal_mixture import NormalMixture
from skebm.detection.projected_mixture import ProjectedMixture

FEATURES = [
    *[Feature(np.array([i]), None) for i in range(9)],
    Feature(np.arange(9, 12), np.eye(4, 3)),
]


def make_rows(seed, n_rows):
    """Rows of 9 numbers with three directions in common, and a category."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(size=(3, 9))
    numbers = rng.normal(size=(n_rows, 3)) @ mixing + 0.3 * rng.normal(size=(n_rows, 9))
    numbers[::3] += 2
    return np.hstack([numbers, np.eye(3)[rng.integers(0, 3, n_rows)]])


def some_gaps(rows, share=0.3):
    """Leave out values; of a category all columns or none."""
    rng = np.random.default_rng(3)
    rows = with_gaps(rng, rows, share)
    rows[:, 9:] = np.where(np.isnan(rows[:, [9]]), np.nan, rows[:, 9:])
    rows[np.isnan(rows[:, 9:]).any(axis=1), 9:] = np.nan
    return rows


def dense(projected):
    """Give the same mixture with covariances as large as columns times columns."""
    directions, own = projected._directions, projected._mixture
    others = np.eye(len(directions)) - directions @ directions.T
    return NormalMixture(
        own.shares,
        projected._centre + own.means @ directions.T,
        directions @ own.covariances @ directions.T + projected._rest * others,
    )


@pytest.fixture(name="projected", scope="module")
def make_projected():
    rng = np.random.RandomState(0)
    return ProjectedMixture.learn(make_rows(0, 200), 3, 0.1, rng, 4)


@pytest.mark.parametrize("n_components", [1, 3])
@pytest.mark.parametrize("n_directions", [14, 15, 64])
def test_with_all_directions_it_is_the_mixture_itself(n_components, n_directions):
    """A centred table of n rows has n - 1 of them, and what is left has the ridge."""
    rng = np.random.default_rng(0)
    rows, new = rng.normal(size=(15, 40)), rng.normal(size=(10, 40))
    # By a number, since finding directions takes draws too.
    projected = ProjectedMixture.learn(rows, n_components, 0.1, 0, n_directions)
    whole = NormalMixture.learn(rows, n_components, 0.1, 0)
    assert projected._rest == pytest.approx(0.1, rel=1e-9)
    for table in (rows, new):
        found = projected.expected_log_densities(table)
        assert_allclose(found, whole.log_densities(table), rtol=1e-9)
    features = [Feature(np.array([i]), None) for i in range(40)]
    found = projected.log_conditionals(new, features)
    assert_allclose(found, whole.log_conditionals(new, features), rtol=1e-8, atol=1e-8)


def test_directions_are_those_of_the_largest_variances(projected):
    rows = make_rows(0, 200)
    variances = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
    directions = projected._directions
    assert_allclose(directions.T @ directions, np.eye(4), atol=1e-12)
    found = ((rows - rows.mean(axis=0)) @ directions).var(axis=0)
    assert_allclose(found, variances[:4], rtol=1e-6)
    assert projected._rest == pytest.approx(0.1 + variances[4:].mean(), rel=1e-6)


def test_densities_are_those_of_the_dense_mixture(projected):
    new, mixture = make_rows(1, 20), dense(projected)
    expected = [log_density(row, mixture) for row in new]
    assert_allclose(projected.expected_log_densities(new), expected, rtol=1e-10)


def test_conditionals_are_those_of_the_dense_mixture(projected):
    new, mixture = make_rows(1, 20), dense(projected)
    expected = [[log_conditional(row, own, mixture) for own in FEATURES] for row in new]
    found = projected.log_conditionals(new, FEATURES)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_conditionals_of_rows_with_gaps_are_those_of_the_filled_rows(projected):
    new, mixture = some_gaps(make_rows(1, 20)), dense(projected)
    filled = projected._filled(new) + projected._centre
    assert_allclose(filled[~np.isnan(new)], new[~np.isnan(new)], rtol=1e-12)
    found = projected.log_conditionals(new, FEATURES)
    first = [own.places[0] for own in FEATURES]
    assert_array_equal(np.isnan(found), np.isnan(new[:, first]))
    expected = [
        [log_conditional(row, own, mixture) for own in FEATURES] for row in filled
    ]
    known = ~np.isnan(found)
    assert known.any(axis=0).all()
    # The known part of what is filled is rounded once more.
    assert_allclose(found[known], np.array(expected)[known], rtol=1e-9, atol=1e-9)


def test_gaps_hold_their_mean_given_the_others(monkeypatch, projected):
    new, directions = some_gaps(make_rows(1, 20)), projected._directions
    variances = projected._rest * projected._kept / (1 - projected._kept)
    law = directions * variances @ directions.T + projected._rest * np.eye(12)
    expected = new - projected._centre
    for row in expected:
        missing, known = np.flatnonzero(np.isnan(row)), np.flatnonzero(~np.isnan(row))
        inner = np.linalg.solve(law[np.ix_(known, known)], row[known])
        row[missing] = law[np.ix_(missing, known)] @ inner
    error = np.abs(projected._filled(new) - expected)[2:].mean()
    # What the ten rounds leave of it, for these rows.
    assert error < 0.1 * np.abs(expected[np.isnan(new)]).mean()
    monkeypatch.setattr(projected_mixture, "_FILLS", 10_000)
    assert_allclose(projected._filled(new), expected, rtol=0, atol=1e-9)


def test_rows_with_gaps_teach_nearly_what_complete_rows_do():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 60))
    rows = rng.normal(size=(300, 3)) @ mixing + 0.1 * rng.normal(size=(300, 60))
    spoilt = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    learned = [
        ProjectedMixture.learn(table, 1, 0.1, np.random.RandomState(0), 3)
        for table in (rows, spoilt)
    ]
    whole, other = (own._directions for own in learned)
    cosines = np.linalg.svd(whole.T @ other, compute_uv=False)
    assert cosines.min() > 0.99
    new = rng.normal(size=(50, 3)) @ mixing + 0.1 * rng.normal(size=(50, 60))
    found = [own.expected_log_densities(new) for own in learned]
    odd = [own.expected_log_densities(rng.normal(size=(50, 60))) for own in learned]
    assert abs(np.median(found[0]) - np.median(found[1])) < 10
    assert max(map(np.max, odd)) < min(map(np.min, found))


def test_blocks_of_rows_are_as_good_as_all(monkeypatch, projected):
    rows = some_gaps(make_rows(1, 40))
    before = projected.expected_log_densities(rows)
    conditionals = projected.log_conditionals(rows, FEATURES)
    monkeypatch.setattr(projected_mixture, "_BLOCK", 200)
    assert len(projected._parts(rows)) > 5
    assert_allclose(projected.expected_log_densities(rows), before, rtol=1e-12)
    found = projected.log_conditionals(rows, FEATURES)
    assert_allclose(found, conditionals, rtol=1e-10, atol=1e-10)
