import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    EnergyImputer,
    GaussianRBM,
    HopfieldNetwork,
    LatentBM,
    MarkovRandomField,
    MixedRBM,
    NeuralEnergyModel,
)
from skebm.estimator import likelihood

# The checks bring continuous data, which the default threshold turns into units, and
# leave few iterations to what would go on to an optimum.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:X has (the )?values :sklearn.exceptions.DataConversionWarning"
    ),
    pytest.mark.filterwarnings(
        "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
    ),
]


@pytest.fixture(autouse=True)
def quick_log_z(monkeypatch):
    """Log Z of few draws: no check looks at its digits."""
    monkeypatch.setattr(likelihood, "_TEMPERING_STEPS", 100)


# These fit with names and then transform without them, and the other way round.
mixes_names = [
    pytest.mark.filterwarnings(
        "ignore:X does not have valid feature names:UserWarning"
    ),
    pytest.mark.filterwarnings("ignore:X has feature names, but:UserWarning"),
]


# With 30 columns "auto" samples, and `exact` has hidden units alone to sum over.
EXACT = {"exact", "pseudolikelihood", "em"}


def expected_failures(estimator):
    """Name the checks that cannot hold.

    Models that learn by draws draw others of rows with weights; and what is not learned
    from can be scored all the same.
    """
    if isinstance(estimator, HopfieldNetwork):
        return {"check_estimators_nan_inf": "fit alone refuses missing values"}
    layers = getattr(estimator, "layers", None)
    algorithm = getattr(layers[0] if layers else estimator, "algorithm", "em")
    name = "check_sample_weight_equivalence_on_{}_data"
    if isinstance(estimator, MarkovRandomField) and algorithm != "pcd":
        reason = "levels of rows of weight zero alone are unknown, and are scored"
        return {name.format("dense"): reason}
    if algorithm == "pseudolikelihood":
        return {"check_estimators_nan_inf": "fit alone refuses missing values"}
    if algorithm in EXACT:
        return {}
    if isinstance(estimator, MixedRBM) and algorithm == "auto":
        return {}
    reason = "rows with weights are drawn in another order than repeated ones"
    return {name.format(kind): reason for kind in ("dense", "sparse")}


# The checks cut `max_iter` to 5, but not the default, which is None.
@parametrize_with_checks(
    [
        BinaryRBM(max_iter=5),
        BinaryRBM(max_iter=5, early_stopping=True),
        BinaryRBM(max_iter=5, solver="sgd", algorithm="cd"),
        BinaryRBM(4, max_iter=5, algorithm="exact"),
        BoltzmannMachine(max_iter=5),
        BoltzmannMachine(max_iter=5, states=(-1, 1), algorithm="pcd"),
        BoltzmannMachine(max_iter=5, algorithm="pseudolikelihood"),
        LatentBM(4, max_iter=5),
        LatentBM(4, max_iter=5, hidden_couplings=False),
        LatentBM(4, max_iter=5, posterior="gibbs", early_stopping=True),
        LatentBM(4, max_iter=5, visible_couplings=False, algorithm="exact"),
        GaussianRBM(max_iter=5),
        GaussianRBM(max_iter=5, covariance_type="diag"),
        GaussianRBM(max_iter=5, covariance_type="factor"),
        GaussianRBM(max_iter=5, covariance_type="spherical", early_stopping=True),
        GaussianRBM(max_iter=5, noise_variance=0.5),
        GaussianRBM(max_iter=5, algorithm="pcd"),
        GaussianRBM(max_iter=5, algorithm="exact"),
        GaussianRBM(max_iter=5, solver="sgd", algorithm="cd"),
        GaussianRBM(max_iter=5, n_scales=3),
        GaussianRBM(max_iter=5, n_groups=2, n_scales=2),
        GaussianRBM(max_iter=5, n_groups=2, algorithm="pcd"),
        GaussianRBM(max_iter=5, n_scales=2, algorithm="pcd"),
        GaussianRBM(max_iter=5, sampler="langevin", algorithm="pcd"),
        HopfieldNetwork(),
        HopfieldNetwork("storkey", states=(-1, 1)),
        HopfieldNetwork(interaction="polynomial"),
        HopfieldNetwork(interaction="exponential"),
        HopfieldNetwork(interaction="exponential", states=None),
        MarkovRandomField(max_iter=5),
        MarkovRandomField(max_iter=5, algorithm="pcd"),
        MarkovRandomField(max_iter=5, alpha=0.1, l1_ratio=0.5),
        MixedRBM(2, max_iter=5),
        MixedRBM(2, max_iter=5, covariance_type="diag", straighten=False),
        MixedRBM(2, n_groups=1, max_iter=5, algorithm="pcd"),
        MixedRBM(0, max_iter=5, algorithm="exact"),
        DeepBeliefNetwork((BinaryRBM(4, max_iter=5), BinaryRBM(3, max_iter=5))),
        DeepBeliefNetwork(
            (BinaryRBM(12, max_iter=5), BinaryRBM(3, max_iter=5)), fine_tune_iter=3
        ),
        DeepBeliefNetwork(
            (GaussianRBM(4, max_iter=5, algorithm="pcd"), BinaryRBM(3, max_iter=5))
        ),
        NeuralEnergyModel(
            (4, 3), max_iter=5, n_chains=20, n_ais_chains=4, n_langevin_steps=1
        ),
        EnergyImputer(MixedRBM(1, max_iter=5, handle_unknown="missing")),
        EnergyImputer(GaussianRBM(2, max_iter=5), strategy="sample"),
    ],
    expected_failed_checks=expected_failures,
)
def test_check_estimator(estimator, check):
    if (
        isinstance(estimator, MarkovRandomField)
        and check.func.__name__ == "check_array_api_input"
    ):
        pytest.skip("its numbers are a hundred levels a column, which take a minute")
    check(estimator)


@pytest.mark.parametrize(
    "name",
    [
        "check_dataframe_column_names_consistency",
        "check_estimators_partial_fit_n_features",
        "check_inplace_ensure_writeable",
        "check_param_validation",
        "check_set_output_transform",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        pytest.param("check_global_output_transform_pandas", marks=mixes_names),
        pytest.param("check_global_set_output_transform_polars", marks=mixes_names),
        pytest.param("check_set_output_transform_pandas", marks=mixes_names),
        pytest.param("check_set_output_transform_polars", marks=mixes_names),
    ],
)
@pytest.mark.parametrize(
    "estimator",
    [
        BinaryRBM(max_iter=5),
        BoltzmannMachine(max_iter=5),
        LatentBM(4, max_iter=5),
        DeepBeliefNetwork((BinaryRBM(4, max_iter=5), BinaryRBM(3, max_iter=5))),
        GaussianRBM(max_iter=5),
        GaussianRBM(max_iter=5, covariance_type="diag", algorithm="pcd"),
        GaussianRBM(max_iter=5, n_scales=2),
        GaussianRBM(max_iter=5, n_groups=2),
        HopfieldNetwork(),
        HopfieldNetwork(interaction="exponential", states=None),
        MarkovRandomField(max_iter=5),
        MixedRBM(2, max_iter=5),
        MixedRBM(2, max_iter=5, algorithm="pcd"),
        NeuralEnergyModel(
            (4, 3), max_iter=5, n_chains=20, n_ais_chains=4, n_langevin_steps=1
        ),
        EnergyImputer(MixedRBM(1, max_iter=5)),
    ],
)
def test_check_that_check_estimator_leaves_out(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)
