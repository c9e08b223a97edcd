"""Which algorithm `auto` chooses."""

import numpy as np
import pytest

from skebm import GaussianRBM
from skebm.units.data import Rows


@pytest.mark.parametrize(
    ("shape", "params", "algorithm"),
    [
        ((100_000, 2), {}, "exact"),
        ((100_001, 2), {}, "pcd"),
        ((21, 20), {}, "exact"),
        ((20, 20), {}, "pcd"),
        ((100, 2), {"n_components": 10}, "exact"),
        ((100, 2), {"n_components": 11}, "pcd"),
        ((100, 2), {"early_stopping": True}, "pcd"),
        ((100, 2), {"algorithm": "cd"}, "cd"),
        ((20, 20), {"algorithm": "exact"}, "exact"),
    ],
)
def test_choice(shape, params, algorithm):
    rows = Rows(np.broadcast_to(0.0, shape), None)
    assert GaussianRBM(**params)._algorithm(rows) == algorithm


def test_chunks_are_learned_by_chains():
    assert GaussianRBM()._algorithm(None) == "pcd"


def test_many_patterns_of_missing_values_ask_for_minibatches():
    X = np.random.default_rng(0).normal(size=(300, 8))
    few, many = X.copy(), X.copy()
    few[:100, 0] = few[50:150, 1] = np.nan
    many[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    for covariance_type, table, algorithm in [
        ("full", few, "exact"),
        ("full", many, "pcd"),
        ("diag", many, "exact"),
    ]:
        rbm = GaussianRBM(2, covariance_type=covariance_type, max_iter=1)
        rows = rbm._check(table, reset=True)
        assert rbm._algorithm(rows) == algorithm
