"""Weights of rows that are alike, counted one by one."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skebm import MarkovRandomField, similarity_weights
from skebm.units import data


def counted(X, threshold):
    """Compare each two rows, where None equals nothing but itself in its own row."""
    n_alike = [
        sum(
            i == j
            or np.mean([a == b and a is not None for a, b in zip(x, y, strict=True)])
            >= threshold - 1e-12
            for j, y in enumerate(X)
        )
        for i, x in enumerate(X)
    ]
    return 1 / np.array(n_alike)


@pytest.mark.parametrize("threshold", [0.2, 0.6, 0.8, 1.0])
def test_each_two_rows_are_compared(threshold, monkeypatch):
    monkeypatch.setattr(data, "BLOCK_ELEMENTS", 200)  # several blocks
    rng = np.random.default_rng(0)
    X = rng.choice(list("abc"), (60, 5)).astype(object)
    X[rng.random(X.shape) < 0.1] = None
    X[0] = None
    expected = counted(X, threshold)
    assert len(np.unique(expected)) > 1 or threshold == 1
    for table in (
        X,
        X.tolist(),
        pd.DataFrame(X),
        pl.DataFrame(X.tolist(), orient="row"),
    ):
        found = similarity_weights(table, threshold=threshold)
        np.testing.assert_array_equal(found, expected)


def test_copies_count_as_one_row():
    X = np.random.default_rng(0).integers(0, 3, (40, 6))
    X = np.unique(X, axis=0)
    copied = np.repeat(X, np.arange(len(X)) % 3 + 1, axis=0)
    weights = similarity_weights(copied, threshold=1.0)
    assert weights.sum() == pytest.approx(len(X))
    one = MarkovRandomField(alpha=0.1).fit(X).score(X)
    other = MarkovRandomField(alpha=0.1).fit(copied, sample_weight=weights).score(X)
    assert one == pytest.approx(other, abs=1e-4)


def test_what_is_no_table():
    with pytest.raises(ValueError, match="Expected 2D array"):
        similarity_weights([1, 2, 3])
    with pytest.raises(ValueError, match="threshold"):
        similarity_weights([[1, 2]], threshold=0)
