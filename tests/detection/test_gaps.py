import numpy as np
import pytest
from normal_mixture_oracle import covariances, with_gaps
from numpy.testing import assert_allclose, assert_array_equal

from skebm.detection.gaps import Gaps

# Products of a few matrices with condition numbers of hundreds.
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(name="laws")
def make_laws():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 5)), covariances(rng, 2, 5)


def rows_with_gaps(share=0.4):
    rng = np.random.default_rng(1)
    return with_gaps(rng, rng.normal(size=(40, 5)) * 3, share)


def of_known(row, mean, covariance):
    """Give the places of gaps and others, and the precision of the latter alone."""
    missing, known = np.flatnonzero(np.isnan(row)), np.flatnonzero(~np.isnan(row))
    precision = np.linalg.inv(covariance[np.ix_(known, known)])
    return missing, known, precision, row[known] - mean[known]


def test_residuals_fields_and_distances_are_those_of_dense_inverses(laws):
    rows = rows_with_gaps()
    means, own = laws
    gaps = Gaps(rows, means, np.linalg.inv(own))
    assert_array_equal(gaps.known, ~np.isnan(rows))
    for i, row in enumerate(rows):
        for k, (mean, covariance) in enumerate(zip(means, own, strict=True)):
            missing, known, precision, residual = of_known(row, mean, covariance)
            field = precision @ residual
            assert_allclose(gaps.fields[i, k, known], field, **CLOSE)
            assert_array_equal(gaps.fields[i, k, missing], 0)
            assert_allclose(gaps.residuals[i, k, known], residual, **CLOSE)
            filled = covariance[np.ix_(missing, known)] @ field
            assert_allclose(gaps.residuals[i, k, missing], filled, **CLOSE)
            assert_allclose(gaps.distances[i, k], residual @ field, **CLOSE)


def test_log_determinants_are_those_of_known_values_less_those_of_all(laws):
    rows = rows_with_gaps()
    means, own = laws
    found = Gaps(rows, means, np.linalg.inv(own)).half_log_dets
    for i, row in enumerate(rows):
        known = np.flatnonzero(~np.isnan(row))
        parts = own[:, known[:, np.newaxis], known]
        expected = np.linalg.slogdet(parts)[1] - np.linalg.slogdet(own)[1]
        assert_allclose(found[i], expected / 2, **CLOSE)
    assert_array_equal(found[1], 0)  # nothing is missing


def test_precisions_of_columns_are_those_of_the_known_ones(laws):
    rows = rows_with_gaps()
    means, own = laws
    blocks = np.array([[0, 3], [4, 1]])
    found = Gaps(rows, means, np.linalg.inv(own)).precisions_of(blocks)
    n_checked = 0
    for i, row in enumerate(rows):
        known = np.flatnonzero(~np.isnan(row))
        for b, block in enumerate(blocks):
            if np.isnan(row[block]).any():
                continue
            inside = [list(known).index(place) for place in block]
            for k in range(2):
                precision = np.linalg.inv(own[k][np.ix_(known, known)])
                expected = precision[np.ix_(inside, inside)]
                assert_allclose(found[i, k, b], expected, **CLOSE)
                n_checked += 1
    assert n_checked > 40


def test_without_gaps_all_rows_share_the_precisions(laws):
    means, own = laws
    precisions = np.linalg.inv(own)
    rows = np.random.default_rng(1).normal(size=(7, 5))
    gaps = Gaps(rows, means, precisions)
    found = gaps.precisions_of(np.arange(5)[:, np.newaxis])
    assert found.shape == (1, 2, 5, 1, 1)
    diagonals = np.diagonal(precisions, axis1=1, axis2=2)
    assert_array_equal(found[0, ..., 0, 0], diagonals)
    assert_array_equal(gaps.half_log_dets, 0)
