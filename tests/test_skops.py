"""Fitted estimators go through skops, which reads files without running them."""

import numpy as np
import pytest

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    DensityEnsemble,
    EnergyImputer,
    EnergyOutlierDetector,
    GaussianRBM,
    HopfieldNetwork,
    LatentBM,
    MarkovRandomField,
    MixedRBM,
)

io = pytest.importorskip("skops.io", reason="skops is not installed")

FOREIGN = {"numpy.dtype", "scipy.sparse._csr.csr_array"}

ESTIMATORS = [
    BinaryRBM(3, max_iter=20, random_state=0),
    BoltzmannMachine(algorithm="pcd", max_iter=20, random_state=0),
    LatentBM(2, max_iter=20, random_state=0),
    GaussianRBM(2, algorithm="pcd", max_iter=20, random_state=0),
    DensityEnsemble(random_state=0),
    EnergyOutlierDetector(random_state=0),
    MarkovRandomField(algorithm="pcd", max_iter=20, random_state=0),
    DeepBeliefNetwork((12, 2), estimator=BinaryRBM(max_iter=20), random_state=0),
    DeepBeliefNetwork(
        (12, 2), estimator=BinaryRBM(max_iter=20), fine_tune_iter=5, random_state=0
    ),
    EnergyOutlierDetector(GaussianRBM(2, random_state=0)),
    HopfieldNetwork(interaction="exponential"),
    MixedRBM(2, algorithm="pcd", max_iter=20, random_state=0),
    MixedRBM(2, spike_share=1.0, random_state=0),
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


def test_tables_of_categories_and_gaps():
    rng = np.random.default_rng(0)
    X = np.empty((60, 2), dtype=object)
    X[:, 0], X[:, 1] = rng.choice(list("ab"), 60), rng.exponential(size=60)
    X[rng.random(X.shape) < 0.2] = None
    for estimator in (
        MixedRBM(1, random_state=0),
        EnergyImputer(random_state=0),
        DensityEnsemble(random_state=0),
        EnergyOutlierDetector(random_state=0),
    ):
        estimator.fit(X)
        data = io.dumps(estimator)
        types = io.get_untrusted_types(data=data)
        assert {name for name in types if not name.startswith("skebm.")} <= FOREIGN
        copy = io.loads(data, trusted=types)
        call = "transform" if isinstance(estimator, EnergyImputer) else "score_samples"
        np.testing.assert_array_equal(
            getattr(copy, call)(X), getattr(estimator, call)(X)
        )
