"""What a row counts, from `fit` and `partial_fit` to `score`."""

import numpy as np
import pytest
from models import (
    BINARY,
    EVERY,
    TABLES,
    assert_same_parameters,
    contents,
    rows_for,
)
from oracle import BoltzmannOracle, all_states, random_boltzmann
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    GaussianRBM,
    LatentBM,
    MarkovRandomField,
)

MODELS = EVERY | TABLES

RNG = np.random.default_rng(0)
X = (RNG.random((60, 5)) < RNG.random((60, 1))).astype(float)
REPEATS = RNG.integers(0, 4, 60)
SHARES = RNG.random(60)

# Each climbs to an optimum, or stops on the way where rounding has not grown yet.
EXACT = {
    "BoltzmannMachine": BoltzmannMachine(algorithm="exact", tol=1e-11),
    "BoltzmannMachine, pseudolikelihood": BoltzmannMachine(
        algorithm="pseudolikelihood", tol=1e-11
    ),
    "BoltzmannMachine, penalty": BoltzmannMachine(alpha=0.01, l1_ratio=0.5, tol=1e-11),
    "MarkovRandomField": MarkovRandomField(alpha=0.01, tol=1e-9),
    "MarkovRandomField, pseudolikelihood": MarkovRandomField(
        algorithm="pseudolikelihood", alpha=0.01, tol=1e-9
    ),
    "MarkovRandomField, cliques": MarkovRandomField(
        alpha=0.01, l1_ratio=1, max_iter=20
    ),
    "BinaryRBM": BinaryRBM(2, algorithm="exact", max_iter=10, random_state=0),
    "LatentBM": LatentBM(2, algorithm="exact", max_iter=10, random_state=0),
    "GaussianRBM": GaussianRBM(2, algorithm="exact", max_iter=10, random_state=0),
    "GaussianRBM, diag": GaussianRBM(
        2, algorithm="exact", covariance_type="diag", max_iter=10, random_state=0
    ),
}

pytestmark = pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)


def table_for(name):
    """Give rows of bits, or of reals that are as many as there are bits."""
    if name.startswith("Gaussian"):
        return X + np.random.default_rng(1).normal(size=X.shape)
    return rows_for(name, X)


def parameters(model):
    """Give all parameters that were learned as one vector."""
    arrays = [getattr(model, name) for name in model._parameter_names]
    return np.concatenate([np.ravel(array) for array in arrays])


# ---- repeated and absent rows ----


@pytest.mark.parametrize("name", EXACT)
def test_whole_weights_are_repeats(name):
    table = table_for(name)
    weighted = clone(EXACT[name]).fit(table, sample_weight=REPEATS)
    repeated = clone(EXACT[name]).fit(np.repeat(table, REPEATS, axis=0))
    unweighted = clone(EXACT[name]).fit(table)
    found, expected = parameters(weighted), parameters(repeated)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    assert np.abs(parameters(unweighted) - expected).max() > 0.01
    for measured in set(weighted.history_) - {"n_iter"}:
        np.testing.assert_allclose(
            weighted.history_[measured], repeated.history_[measured], atol=1e-10
        )
    # In another order rows count as much.
    order = np.random.default_rng(2).permutation(len(X))
    shuffled = clone(EXACT[name]).fit(table[order], sample_weight=REPEATS[order])
    np.testing.assert_allclose(parameters(shuffled), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in EXACT if "Boltzmann" in name])
def test_the_optimum_depends_on_ratios_of_weights_alone(name):
    # Starts differ. Where they end, a likelihood of 1 is flat to rounding within 1e-8.
    expected = parameters(clone(EXACT[name]).fit(X, sample_weight=SHARES))
    for factor in (1e-200, 7.0, 1e200):
        model = clone(EXACT[name]).fit(X, sample_weight=factor * SHARES)
        np.testing.assert_allclose(parameters(model), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_rows_of_weight_zero_are_absent(name, early_stopping):
    table, weights = table_for(name), SHARES * (REPEATS > 0)
    model = clone(MODELS[name]).set_params(early_stopping=early_stopping)
    zero = clone(model).fit(table, sample_weight=weights)
    kept = weights > 0
    absent = clone(model).fit(table[kept], sample_weight=weights[kept])
    assert kept.sum() < len(table)
    assert contents(zero) == contents(absent.fit(table[kept], None, weights[kept]))
    assert_same_parameters(zero, absent)


@pytest.mark.parametrize("weight", [1, 0.1, 3.0])
@pytest.mark.parametrize("name", MODELS)
def test_equal_weights_are_none(name, weight):
    table = table_for(name)
    unweighted = clone(MODELS[name]).fit(table)
    for weights in (np.full(len(table), weight), [weight] * len(table), weight):
        weighted = clone(MODELS[name]).fit(table, sample_weight=weights)
        assert contents(weighted) == contents(unweighted)
    # Also those of the rows that count at all.
    weights = np.append(np.full(len(table), weight), 0)
    weighted = clone(MODELS[name]).fit(np.vstack([table, table[:1]]), None, weights)
    assert_same_parameters(weighted, unweighted)


@pytest.mark.parametrize("name", BINARY)
def test_weights_change_what_is_learned_from_any_container(name):
    table = table_for(name)
    models = [
        clone(MODELS[name]).fit(convert(table), sample_weight=SHARES)
        for convert in (np.asarray, sparse.csr_array, np.asfortranarray)
    ]
    for model in models[1:]:
        assert_same_parameters(models[0], model)
    unweighted = clone(MODELS[name]).fit(table)
    assert (parameters(models[0]) != parameters(unweighted)).any()


# ---- stochastic learning ----


def law_of_machine(seed):
    """Give the probabilities of all rows of four units that are coupled at random."""
    return BoltzmannOracle(*random_boltzmann(4, scale=0.7, seed=seed)).law


def divergence(law, model):
    """Compute the Kullback-Leibler divergence of a model's law from another."""
    return float(law @ (np.log(law) - model.score_samples(all_states(4))))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "model",
    [
        BoltzmannMachine(algorithm="pcd"),
        BinaryRBM(4),
        BinaryRBM(4, algorithm="cd", n_gibbs_steps=10),
        LatentBM(2),
    ],
)
def test_learning_by_draws_comes_to_the_law_of_weighted_rows(model, seed):
    """All 16 rows once: their probabilities are in the weights alone."""
    law = law_of_machine(seed)
    model = clone(model).set_params(max_iter=1000, random_state=seed)
    assert divergence(law, clone(model).fit(all_states(4))) > 0.07
    # Of these the most is 0.0005.
    model.fit(all_states(4), sample_weight=law)
    assert 0 <= divergence(law, model) < 0.002


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_learning_from_a_part_of_weighted_rows(seed):
    law = law_of_machine(seed)
    table, weights = np.tile(all_states(4), (700, 1)), np.tile(law, 700)
    model = BoltzmannMachine(early_stopping=True, max_iter=1000, random_state=seed)
    model.fit(table, sample_weight=weights)
    assert np.isfinite(model.history_["validation_log_likelihood"]).all()
    # Held out are 1000, whose law is that far from theirs: 15 shares are worth 0.0075.
    assert 0 <= divergence(law, model) < 0.02


def test_a_gaussian_model_has_the_moments_of_weighted_rows():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(500, 2)) @ [[1, 0.5], [0, 1]]
    weights = np.exp(table[:, 0])
    mean = np.average(table, axis=0, weights=weights)
    settings = {"early_stopping": False, "random_state": 0}
    rbm = GaussianRBM(2, algorithm="pcd", alpha=1.0, **settings)
    rbm.fit(table, sample_weight=weights)
    np.testing.assert_allclose(rbm._location, mean, rtol=1e-12)
    variance = np.average((table - mean) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(rbm._scale**2, variance, rtol=1e-12)
    # A penalty that strong leaves one normal law, whose mean is that of the rows; by
    # the last 500 updates of 200 rows it is known to a fiftieth.
    drawn = rbm.intercept_visible_ + rbm.components_.sum(axis=0) / 2
    assert np.abs(drawn - mean).max() < 0.1 < np.abs(mean - table.mean(axis=0)).max()


def test_what_is_measured_is_weighted():
    """The likelihood of rows drawn in proportion, and the mean of those held out."""
    law = law_of_machine(0)
    table, weights = np.tile(all_states(4), (100, 1)), np.tile(law, 100)
    rbm = BinaryRBM(2, max_iter=100, early_stopping=True, random_state=0)
    rbm.fit(table, sample_weight=weights)
    exact = law @ rbm.score_samples(all_states(4))
    unweighted = rbm.score(table)
    for kind in ("train", "validation"):
        measured = rbm.history_[f"{kind}_log_likelihood"][-1]
        # Held out are 160 rows, a hundredth of whose weight is noise.
        assert abs(measured - exact) < 0.15 < abs(unweighted - exact)


# ---- chunks ----


@pytest.mark.parametrize("name", BINARY)
def test_means_of_chunks_are_weighted(name):
    table = table_for(name)
    model = clone(MODELS[name])
    model.partial_fit(table[:20], sample_weight=SHARES[:20])
    model.partial_fit(table[20:40], sample_weight=np.full(20, 2.0))
    model.partial_fit(table[40:])
    weights = np.concatenate([SHARES[:20], np.full(20, 2.0), np.ones(20)])
    assert model._n_rows_seen == pytest.approx(weights.sum(), rel=1e-14)
    mean = (weights @ X + 0.5) / (weights.sum() + 1)
    np.testing.assert_allclose(model._visible_mean, mean, rtol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_rows_of_weight_zero_are_absent_from_chunks(name):
    table, weights = table_for(name), SHARES * (REPEATS > 0)
    kept = weights > 0
    zero, absent, unweighted = (clone(MODELS[name]) for _ in range(3))
    for _ in range(2):
        zero.partial_fit(table, sample_weight=weights)
        absent.partial_fit(table[kept], sample_weight=weights[kept])
        unweighted.partial_fit(table[kept], sample_weight=kept[kept])
    assert contents(zero) == contents(absent)
    plain = clone(MODELS[name]).partial_fit(table[kept]).partial_fit(table[kept])
    assert contents(unweighted) == contents(plain)
    assert zero.n_iter_ == plain.n_iter_ == 2 * -(-kept.sum() // 20)
    assert (parameters(zero) != parameters(plain)).any()


# ---- scores ----


@pytest.mark.parametrize("name", MODELS)
def test_the_score_is_a_weighted_mean(name):
    table = table_for(name)
    model = clone(MODELS[name]).fit(table)
    scores = model.score_samples(table)
    score = model.score(table, sample_weight=SHARES)
    assert type(score) is float
    assert score == pytest.approx(SHARES @ scores / SHARES.sum(), rel=1e-14)
    repeated = model.score(np.repeat(table, REPEATS, axis=0))
    assert model.score(table, None, REPEATS) == pytest.approx(repeated, rel=1e-14)
    assert model.score(table, sample_weight=3) == pytest.approx(model.score(table))


def test_what_counts_nothing_may_be_impossible():
    rbm = BinaryRBM.from_parameters([[0.0]], [0.0], [0.0])
    rbm.score_samples = lambda X: np.array([-1.0, -np.inf])
    assert rbm.score([[0], [1]], sample_weight=[2, 0]) == -1


# ---- in searches and pipelines ----


def test_searches_and_pipelines_route_weights():
    with config_context(enable_metadata_routing=True):
        machine = BoltzmannMachine(algorithm="exact")
        machine.set_fit_request(sample_weight=True)
        machine.set_score_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), machine)
        grid = {"boltzmannmachine__alpha": [0.01, 0.1]}
        search = GridSearchCV(pipeline, grid, cv=KFold(3))
        search.fit(X, sample_weight=SHARES)
        expected = np.empty((3, 2))
        for row, (learned, left) in zip(expected, KFold(3).split(X), strict=True):
            for column, alpha in enumerate(grid["boltzmannmachine__alpha"]):
                model = clone(machine).set_params(alpha=alpha)
                model.fit(X[learned], sample_weight=SHARES[learned])
                row[column] = model.score(X[left], sample_weight=SHARES[left])
    for fold in range(3):
        found = search.cv_results_[f"split{fold}_test_score"]
        np.testing.assert_allclose(found, expected[fold], rtol=1e-12)
    best = clone(machine).set_params(alpha=[0.01, 0.1][search.best_index_])
    best.fit(X, sample_weight=SHARES)
    assert_same_parameters(search.best_estimator_[-1], best)


def test_weights_that_were_not_asked_for_are_refused():
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(FunctionTransformer(), clone(MODELS["BinaryRBM"]))
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            pipeline.fit(X, sample_weight=SHARES)
        chunks = MODELS["BinaryRBM"].get_metadata_routing().partial_fit.requests
    assert "sample_weight" in chunks


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(59), r"sample_weight\.shape == \(59,\), expected \(60,\)"),
        (np.ones((60, 1)), "1D array or scalar"),
        (np.zeros(60), "at least one non-zero number"),
        (0, "at least one non-zero number"),
        (np.append(np.ones(59), -1e-9), "Negative values in data passed to `sample_w"),
        (np.append(np.ones(59), np.nan), "sample_weight contains NaN"),
        (np.append(np.ones(59), np.inf), "sample_weight contains infinity"),
        (np.full(60, 1e308), r"sum that is not finite\. Divide it by a constant"),
        (["many"] * 60, "could not convert string to float"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
@pytest.mark.parametrize("name", ["BinaryRBM", "GaussianRBM"])
def test_weights_that_cannot_be(name, method, weights, message):
    table = table_for(name)
    model = clone(MODELS[name]).fit(table)
    before = contents(model)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(table, sample_weight=weights)
    assert contents(model) == before


def test_callbacks_are_told_of_weights():
    told = []

    class Listener:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, *, metadata):
            told.append(metadata)

        def on_fit_task_end(self, estimator, context, *, metadata):
            told.append(metadata)

    rbm = clone(MODELS["BinaryRBM"]).set_callbacks(Listener())
    rbm.fit(X, sample_weight=SHARES)
    assert told
    assert all(metadata["sample_weight"] is SHARES for metadata in told)
    told.clear()
    rbm.fit(X)
    assert set(told) == {None}
