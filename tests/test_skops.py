"""Fitted estimators go through skops, which reads files without running them."""

import numpy as np
import pytest

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    EnergyOutlierDetector,
    GaussianRBM,
    LatentBM,
)

io = pytest.importorskip("skops.io", reason="skops is not installed")

FOREIGN = {"numpy.dtype", "scipy.sparse._csr.csr_array"}

ESTIMATORS = [
    BinaryRBM(3, max_iter=20, random_state=0),
    BoltzmannMachine(algorithm="pcd", max_iter=20, random_state=0),
    LatentBM(2, max_iter=20, random_state=0),
    GaussianRBM(2, algorithm="pcd", max_iter=20, random_state=0),
    EnergyOutlierDetector(GaussianRBM(2, random_state=0)),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_round_trips_keep_scores_and_draws_and_learn_on(estimator):
    X = np.random.default_rng(0).integers(0, 2, (40, 6)).astype(float)
    estimator.fit(X)
    estimator.score_samples(X)
    data = io.dumps(estimator)
    types = io.get_untrusted_types(data=data)
    assert {name for name in types if not name.startswith("skebm.")} <= FOREIGN
    copy = io.loads(data, trusted=types)
    np.testing.assert_array_equal(copy.score_samples(X), estimator.score_samples(X))
    if hasattr(estimator, "partial_fit"):
        estimator.partial_fit(X)
        copy.partial_fit(X)
        drawn = [
            model.sample(5, n_steps=3, random_state=0) for model in (copy, estimator)
        ]
        np.testing.assert_array_equal(*drawn)
