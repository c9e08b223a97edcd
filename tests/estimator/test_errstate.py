"""Users who have NumPy raise errors get what others get."""

import numpy as np
import pandas as pd
import pytest
from models import EVERY, TABLES, rows_for
from sklearn.base import clone

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    DensityEnsemble,
    EnergyImputer,
    EnergyOutlierDetector,
    GaussianRBM,
    HopfieldNetwork,
    MarkovRandomField,
    MixedRBM,
    log_partition_bounds,
)

RNG = np.random.default_rng(0)
BITS = np.column_stack([RNG.integers(2, size=(40, 3)), np.ones(40, dtype=int)])
# One row is far from all others, so that its densities elsewhere vanish.
FAR = np.vstack([RNG.normal(size=(39, 3)), [50, -50, 1e3]])
GAPS = np.where(np.arange(FAR.size).reshape(FAR.shape) % 7 == 3, np.nan, FAR)
MIXED = pd.DataFrame({"x": FAR[:, 0], "kind": np.where(BITS[:, 0], "a", "b")})
QUICK = {"max_iter": 6, "random_state": 0}

MODELS = {
    **{
        name: (model, rows_for(name, BITS) if "binarize" in vars(model) else FAR)
        for name, model in EVERY.items()
    },
    **{name: (model, MIXED) for name, model in TABLES.items()},
    "BinaryRBM, exact": (BinaryRBM(3, algorithm="exact", **QUICK), BITS),
    "BinaryRBM, cd": (BinaryRBM(3, algorithm="cd", early_stopping=True, **QUICK), BITS),
    "BinaryRBM, tempering": (BinaryRBM(3, tempering=True, **QUICK), BITS),
    "BoltzmannMachine, exact": (BoltzmannMachine(**QUICK), BITS),
    "BoltzmannMachine, pseudolikelihood": (
        BoltzmannMachine(algorithm="pseudolikelihood", **QUICK),
        BITS,
    ),
    "GaussianRBM, exact": (GaussianRBM(3, algorithm="exact", **QUICK), FAR),
    "GaussianRBM, gaps": (GaussianRBM(3, **QUICK), GAPS),
    "GaussianRBM, groups": (GaussianRBM(2, n_groups=2, n_scales=2, **QUICK), FAR),
    "GaussianRBM, factor": (GaussianRBM(2, covariance_type="factor", **QUICK), FAR),
    "MixedRBM, em": (MixedRBM(3, **QUICK), MIXED),
    "MarkovRandomField, exact": (MarkovRandomField(**QUICK), BITS),
    "HopfieldNetwork": (HopfieldNetwork(), BITS),
    "HopfieldNetwork, mixture": (
        HopfieldNetwork(interaction="exponential", states=None),
        FAR,
    ),
    "HopfieldNetwork, polynomial": (HopfieldNetwork(interaction="polynomial"), BITS),
    "DeepBeliefNetwork": (
        DeepBeliefNetwork((3, 2), estimator=BinaryRBM(**QUICK), fine_tune_iter=2),
        BITS,
    ),
    "DensityEnsemble": (DensityEnsemble(n_mixtures=2, random_state=0), FAR),
    "EnergyOutlierDetector": (EnergyOutlierDetector(random_state=0), MIXED),
    "EnergyImputer": (EnergyImputer(GaussianRBM(2, **QUICK), strategy="sample"), GAPS),
}
OF_ROWS = [
    "score",
    "transform",
    "predict",
    "free_energy",
    "conditional_score_samples",
    "pseudo_log_likelihood",
    "gibbs",
    "metropolis",
    "feature_surprise",
    "partial_fit",
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_what_vanishes_is_no_error(name):
    model, X = MODELS[name]
    with np.errstate(all="raise"):
        model = clone(model).fit(X)
        for method in OF_ROWS:
            complete = X is not GAPS or method not in {"gibbs", "metropolis"}
            if hasattr(model, method) and complete:
                getattr(model, method)(X)
        if hasattr(model, "sample"):
            model.sample(5, random_state=0)
        if hasattr(model, "gibbs"):  # of which a stack has no temperature
            model.sample(5, temperature=1e-3, n_steps=5, random_state=0)
        if hasattr(model, "lowest_energy"):
            model.lowest_energy(random_state=0)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scores_are_the_same():
    model, X = MODELS["GaussianRBM, exact"]
    model = clone(model).fit(X)
    with np.errstate(all="raise"):
        strict = model.score_samples(X * 1e150)
    np.testing.assert_array_equal(strict, model.score_samples(X * 1e150))
    assert (strict < -1e200).all()


def test_bounds_of_log_partition():
    model = clone(MODELS["BinaryRBM"][0]).fit(BITS)
    model.components_ = model.components_ + 300.0
    with np.errstate(all="raise"):
        assert log_partition_bounds(model, X=BITS).lower > 0


def test_what_users_ask_for_holds_after_a_call():
    with np.errstate(all="raise"):
        clone(MODELS["BinaryRBM"][0]).fit(BITS)
        with pytest.raises(FloatingPointError, match="overflow"):
            np.exp(np.float64(1e4))
        with pytest.raises(FloatingPointError, match="underflow"):
            np.exp(np.float64(-1e4))
