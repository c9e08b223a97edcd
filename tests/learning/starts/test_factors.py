import numpy as np
import pytest
from gaussian_machines import dense
from sklearn.decomposition import FactorAnalysis as Reference

from skebm.learning.starts import factors
from skebm.learning.starts.factors import (
    FactorAnalysis,
    choose_n_factors,
    fit_factors,
)


def rng_of(seed=0):
    return np.random.default_rng(seed)


def table(n_rows, n_columns, n_factors, seed=0):
    """Draw rows that share factors, beside noise of their own; centre them."""
    rng = rng_of(seed)
    shared = rng.normal(size=(n_factors, n_columns))
    own = rng.uniform(0.5, 2, n_columns)
    rows = rng.normal(size=(n_rows, n_factors)) @ shared
    rows += rng.normal(size=rows.shape) * np.sqrt(own)
    return rows - rows.mean(axis=0)


def fitted(rows, n_factors, ridge=1e-9):
    return FactorAnalysis.fit(factors._Products(rows), n_factors, ridge, rng_of())


@pytest.mark.parametrize("shape", [(300, 40), (50, 80)])
def test_a_fit_is_as_likely_as_that_of_scikit_learn(shape):
    """In few columns and in few rows."""
    rows = table(*shape, 3)
    other = Reference(3, tol=1e-8, max_iter=2000, svd_method="lapack").fit(rows)
    score = fitted(rows, 3).scores(rows)[-1]
    assert score == pytest.approx(other.score(rows), abs=1e-3 * shape[1])


def test_scores_are_normal_densities_by_the_first_factors():
    rows = table(300, 12, 3)
    fit, new = fitted(rows, 3, 0.1), table(20, 12, 3, seed=1)
    scores = fit.scores(new)
    assert len(scores) == 4
    for n_factors, score in enumerate(scores):
        part = fit._replace(
            axes=fit.axes[:, :n_factors], variances=fit.variances[:n_factors]
        )
        units = part.units()
        white = units.statistics(new)
        exact = units.log_base(white).mean() - units.log_normaliser(np.zeros((1, 12)))
        assert score == pytest.approx(exact[0], abs=1e-10)


def test_columns_keep_their_variance_and_the_ridge():
    rows = table(400, 10, 2)
    units = fit_factors(rows, 2, 0.2, rng_of())
    variances = rows.var(axis=0) + 0.2
    np.testing.assert_allclose(units.variances(), variances, rtol=1e-3)
    # A copy of a column has no own noise but the ridge.
    rows[:, 1] = rows[:, 0]
    units = fit_factors(rows, 2, 0.2, rng_of())
    np.testing.assert_allclose(units.own_variances()[:2], 0.2, rtol=0.05)
    assert np.isfinite(dense(units)).all()


@pytest.mark.parametrize("n_factors", [0, 1, 5, 20])
@pytest.mark.parametrize("shape", [(400, 120), (200, 300)])
def test_as_many_factors_are_found_as_there_are(n_factors, shape):
    rows = table(*shape, n_factors)
    assert choose_n_factors(rows, 1e-3, rng_of()) == n_factors
    assert choose_n_factors(rows, 1e-3, rng_of(), or_full=True) == n_factors


def test_any_covariance_is_chosen_where_it_pays():
    """Neighbouring columns are alike, in many rows, and no factor is common to all."""
    rng, n_columns = rng_of(), 40
    place = np.arange(n_columns)
    covariance = 0.9 ** np.abs(place[:, np.newaxis] - place)
    rows = rng.multivariate_normal(np.zeros(n_columns), covariance, 2000)
    assert choose_n_factors(rows, 1e-3, rng_of(), or_full=True) is None
    assert choose_n_factors(rows, 1e-3, rng_of()) > 5
    assert choose_n_factors(rows[:40], 1e-3, rng_of(), or_full=True) is not None


def test_rows_that_are_equal_are_held_out_together():
    rows = np.repeat(table(30, 60, 0), 3, axis=0)
    learned, held_out = factors._split(rows, rng_of())
    assert len(held_out) == 18
    assert not (learned[:, np.newaxis] == held_out).all(axis=2).any()


@pytest.mark.parametrize("n_rows", [1, 2, 4, 5, 10])
def test_few_rows_have_no_factors_to_speak_of(n_rows):
    rows = rng_of().normal(size=(n_rows, 8))
    assert choose_n_factors(rows, 1e-3, rng_of(), or_full=True) in {0, 1, 2, 3, 4}
    constant = np.zeros((n_rows, 8))
    assert choose_n_factors(constant, 1e-3, rng_of()) == 0
    assert np.isfinite(dense(fit_factors(rows, 2, 1e-3, rng_of()))).all()
