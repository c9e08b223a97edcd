"""Manners that scikit-learn asks of every estimator: copies, names, searches, seeds."""

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from containers import CONTAINERS
from mixture_oracle import MixtureOracle, two_sources
from models import (
    EVERY,
    assert_same_parameters,
    attribute_of,
    contents,
    model_of,
    random_model,
    random_parameters,
    rows_for,
)
from oracle import RBMOracle
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skebm import BinaryRBM, GaussianRBM

CV = KFold(3)
HIDDEN = [name for name in EVERY if hasattr(EVERY[name], "n_components")]

every_model = pytest.mark.parametrize("name", EVERY)


def noisy_patterns(n_samples, n_features, seed=0):
    """Draw rows near one of two opposite patterns, and say which."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n_samples)
    pattern = np.arange(n_features) % 2
    flips = rng.random((n_samples, n_features)) < 0.1
    return ((labels[:, np.newaxis] == pattern) ^ flips).astype(float), labels


BITS = noisy_patterns(60, 6)[0]


def fit(name, **params):
    return clone(EVERY[name]).set_params(**params).fit(rows_for(name, BITS))


@pytest.fixture
def rbm():
    return clone(EVERY["BinaryRBM"])


@pytest.fixture
def annealed():
    """Make a model whose log Z is not exact, since no layer is small enough."""
    rbm = BinaryRBM(21, max_iter=1, log_partition_tol=0.3, random_state=0)
    return rbm.fit(noisy_patterns(60, 22)[0])


def queries(name):
    """List what can be asked of a model about rows, by functions of model and rows."""
    asked = {
        method: lambda model, X, method=method: getattr(model, method)(X)
        for method in (
            "transform",
            "score_samples",
            "score",
            "free_energy",
            "pseudo_log_likelihood",
            "conditional_score_samples",
        )
    }
    if name in HIDDEN:
        asked["energy"] = lambda model, X: model.energy(X, np.ones((len(X), 3)))
    else:
        asked["energy"] = lambda model, X: model.energy(X)
    asked["gibbs"] = lambda model, X: model.gibbs(X, random_state=0)
    asked["sample"] = lambda model, X: model.sample(init=X, n_steps=2, random_state=0)
    return asked


# ---- copies ----


def round_trip_by_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))  # noqa: S301


def round_trip_by_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


every_round_trip = pytest.mark.parametrize(
    "round_trip", [round_trip_by_pickle, round_trip_by_joblib]
)


@every_model
def test_clone_keeps_the_parameters_and_forgets_the_fit(name):
    fitted = fit(name)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert vars(copy).keys() == copy.get_params().keys()
    assert contents(copy.fit(rows_for(name, BITS))) == contents(fitted)


@every_model
@every_round_trip
def test_round_trips_keep_scores_and_learn_on_alike(name, round_trip):
    X, fitted = rows_for(name, BITS), fit(name)
    copy = round_trip(fitted)
    np.testing.assert_array_equal(copy.score_samples(X), fitted.score_samples(X))
    for chunk in X[:30], X[30:]:
        fitted.partial_fit(chunk)
        copy.partial_fit(chunk)
    assert contents(copy) == contents(fitted)


@every_round_trip
@pytest.mark.parametrize("scored_before", [True, False])
def test_round_trips_keep_an_estimate(annealed, round_trip, scored_before):
    X, _ = noisy_patterns(20, 22, seed=1)
    if scored_before:
        annealed.score(X)
    copy = round_trip(annealed)
    assert hasattr(copy, "log_partition_") == scored_before
    np.testing.assert_array_equal(copy.score_samples(X), annealed.score_samples(X))
    assert copy.log_partition_std_ == annealed.log_partition_std_ > 0


# ---- names and containers ----


@every_model
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_set_output(name, kind):
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[kind]
    columns = [f"unit{number}" for number in range(6)]
    table = make(dict(zip(columns, rows_for(name, BITS).T, strict=True)))
    model = clone(EVERY[name]).set_output(transform=kind)
    H = model.fit_transform(table)
    assert isinstance(H, make)
    prefix = type(model).__name__.lower()
    has_units = name in {*HIDDEN, "NeuralEnergyModel"}
    names = [f"{prefix}{number}" for number in range(3)] if has_units else columns
    assert list(H.columns) == list(model.get_feature_names_out()) == names
    model.set_output(transform="default")
    np.testing.assert_array_equal(H, model.transform(table))


@every_model
def test_feature_names(name):
    table = pd.DataFrame(rows_for(name, BITS)).add_prefix("unit")
    renamed = table.rename(columns={"unit0": "other"})
    model = clone(EVERY[name]).fit(table)
    assert list(model.feature_names_in_) == [f"unit{number}" for number in range(6)]
    assert model.n_features_in_ == 6
    for query in (*queries(name).values(), lambda model, X: model.partial_fit(X)):
        with pytest.raises(ValueError, match="feature names should match"):
            query(model, renamed)
    model.fit(table.to_numpy())
    assert not hasattr(model, "feature_names_in_")
    known = random_model(name, n_features=6, X=table)
    assert list(known.feature_names_in_) == list(table.columns)


def test_repr_names_what_differs_from_the_defaults(rbm):
    rbm.set_params(n_chains="auto")
    expected = "BinaryRBM(batch_size=20, max_iter=6, n_components=3, random_state=0)"
    assert repr(rbm) == expected


@every_model
def test_tags(name):
    tags = get_tags(EVERY[name])
    assert tags.input_tags.sparse
    assert tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan
    assert not tags.input_tags.positive_only
    assert not tags.target_tags.required
    assert not tags.array_api_support
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert tags.requires_fit
    assert tags.estimator_type is None


@every_model
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_dtypes_of_results(name, dtype):
    model, X = fit(name), rows_for(name, BITS).astype(dtype)
    for method, query in queries(name).items():
        kept = dtype == np.float32 and method == "transform"
        result = query(model, X)
        assert np.asarray(result).dtype == (np.float32 if kept else np.float64)


@every_model
def test_configuration_of_the_output_reaches_tables(name):
    """Rows and what is said of each value become frames, numbers of rows do not."""
    model, X = fit(name), rows_for(name, BITS)
    tables = {"transform", "conditional_score_samples", "gibbs", "sample"}
    with config_context(transform_output="pandas"):
        for method, query in queries(name).items():
            result = query(model, X)
            if method in tables:
                assert type(result) is pd.DataFrame
                assert len(result) == (1 if method == "sample" else len(X))
            else:
                assert type(result) is (float if method == "score" else np.ndarray)
            if method in tables - {"transform"}:
                assert list(result) == [f"x{i}" for i in range(BITS.shape[1])]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    "model",
    [
        BinaryRBM(3, max_iter=6, batch_size=20, random_state=0),
        BinaryRBM(3, max_iter=6, batch_size=20, random_state=0, binarize=None),
        GaussianRBM(3, tol=0.1, random_state=0),
        GaussianRBM(3, algorithm="pcd", max_iter=6, random_state=0),
    ],
    ids=str,
)
def test_containers_of_the_same_values(container, model):
    X = CONTAINERS[container](BITS)
    plain, other = clone(model).fit(BITS), clone(model).fit(X)
    # The layout of a table may change the order in which float64 terms are summed,
    # and so, of real values, the way of learning by as little.
    rtol = 1e-12
    if isinstance(model, BinaryRBM):
        assert_same_parameters(other.partial_fit(X), plain.partial_fit(BITS))
        moved = other.gibbs(X, random_state=0)
        np.testing.assert_array_equal(moved, plain.gibbs(BITS, random_state=0))
    else:
        rtol = 1e-6
    H = np.ones((60, 3))
    np.testing.assert_allclose(other.energy(X, H), plain.energy(BITS, H), rtol=rtol)
    for method in ("score_samples", "free_energy", "pseudo_log_likelihood"):
        result = getattr(other, method)(X)
        expected = getattr(plain, method)(BITS)
        np.testing.assert_allclose(result, expected, rtol=rtol, atol=rtol)
    # Rounded once more where the input is float32.
    np.testing.assert_allclose(other.transform(X), plain.transform(BITS), rtol=1e-5)
    start = other.sample(5, n_steps=0, init=X)
    np.testing.assert_allclose(start, BITS[:5], atol=rtol)


# ---- searches and pipelines ----


def held_out_log_likelihood(model, X, **params):
    """Mean over folds of the exact held-out log-likelihood, by enumeration."""
    scores = []
    for train, test in CV.split(X):
        fold = clone(model).set_params(**params).fit(X[train])
        if isinstance(fold, GaussianRBM):
            log_likelihood = MixtureOracle.of(fold).log_density(X[test])
        else:
            parameters = [getattr(fold, name) for name in fold._parameter_names]
            log_likelihood = RBMOracle(*parameters).log_likelihood(X[test])
        scores.append(log_likelihood.mean())
    return np.mean(scores)


@pytest.mark.parametrize(
    ("model", "grid", "X"),
    [
        (
            BinaryRBM(max_iter=200, random_state=0),
            {"n_components": [1, 4], "learning_rate": [1e-6, 0.1]},
            BITS,
        ),
        (
            GaussianRBM(covariance_type="diag", tol=1e-3, random_state=0),
            {"n_components": [1, 4]},
            np.column_stack([two_sources(150), two_sources(150, seed=1)]),
        ),
    ],
    ids=["BinaryRBM", "GaussianRBM"],
)
def test_grid_search_ranks_by_held_out_log_likelihood(model, grid, X):
    search = GridSearchCV(model, grid, cv=CV).fit(X)
    results = search.cv_results_
    by_hand = [held_out_log_likelihood(model, X, **each) for each in results["params"]]
    # Rounding of a few dozen float64 terms; the candidates differ by far more.
    np.testing.assert_allclose(results["mean_test_score"], by_hand, rtol=1e-9)
    assert np.ptp(by_hand) > 0.05
    assert search.best_index_ == np.argmax(by_hand)
    assert search.best_estimator_.n_components == search.best_params_["n_components"]
    assert search.score(X) == search.best_estimator_.score(X)


def test_halving_grid_search_over_growing_numbers_of_updates(rbm):
    search = HalvingGridSearchCV(
        rbm,
        {"n_components": [1, 2, 4]},
        resource="max_iter",
        min_resources=1,
        max_resources=3,
        factor=3,
        cv=CV,
    ).fit(BITS)
    assert list(search.n_resources_) == [1, 3]
    assert search.best_params_["max_iter"] == 3
    # Rounding of a few dozen float64 terms.
    assert search.best_score_ == pytest.approx(
        held_out_log_likelihood(rbm, BITS, **search.best_params_), rel=1e-9
    )


def test_halving_grid_search_over_growing_numbers_of_rows(rbm):
    search = HalvingGridSearchCV(
        rbm, {"n_components": [1, 2, 4]}, min_resources=20, random_state=0, cv=CV
    ).fit(BITS)
    assert list(search.n_resources_) == [20, 60]
    results = search.cv_results_
    best_of_last = results["mean_test_score"][results["iter"] == 1].max()
    assert search.best_score_ == best_of_last
    # Somewhere between six independent fair coins and two equally likely rows.
    assert -6 * np.log(2) - 0.1 < search.best_score_ < -np.log(2)


def test_features_for_a_classifier():
    X, labels = noisy_patterns(200, 6)
    rbm = BinaryRBM(3, max_iter=300, random_state=0)
    pipeline = make_pipeline(rbm, LogisticRegression())
    pipeline.fit(X[:150], labels[:150])
    # The labels can be read off six units that are each wrong one time in ten:
    # a majority is right in more than 98 of 100 rows, features blind to the
    # pattern in 50.
    assert pipeline.score(X[150:], labels[150:]) > 0.9


def test_stacked_machines():
    first = BinaryRBM(4, max_iter=6, random_state=0)
    second = BinaryRBM(2, max_iter=6, binarize=None, random_state=1)
    pipeline = make_pipeline(first, second)
    H = pipeline.fit_transform(BITS)
    assert H.shape == (60, 2)
    np.testing.assert_array_equal(pipeline.transform(BITS), H)
    np.testing.assert_array_equal(second.transform(first.transform(BITS)), H)
    V = pipeline.inverse_transform(H)
    assert V.shape == BITS.shape
    assert ((V >= 0) & (V <= 1)).all()
    np.testing.assert_array_equal(
        first.inverse_transform(second.inverse_transform(H)), V
    )
    assert isinstance(pipeline.score(BITS), float)
    assert list(pipeline.get_feature_names_out()) == ["binaryrbm0", "binaryrbm1"]
    table = pipeline.set_output(transform="pandas").fit_transform(BITS)
    np.testing.assert_array_equal(table, H)
    assert list(second.feature_names_in_) == [f"binaryrbm{j}" for j in range(4)]


def test_pipelines_of_real_values():
    X = np.column_stack([two_sources(150), two_sources(150, seed=1)])
    rbm = GaussianRBM(2, tol=0.1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), PCA(2), rbm)
    H = pipeline.fit_transform(X)
    assert H.shape == (150, 2)
    assert pipeline.inverse_transform(H).shape == X.shape
    assert isinstance(pipeline.score(X), float)


# ---- random state ----


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {}) for name in EVERY),
        ("BinaryRBM", {"algorithm": "cd"}),
        ("BinaryRBM", {"solver": "sgd"}),
        ("BinaryRBM", {"algorithm": "exact", "tol": 10.0}),
        *((name, {"early_stopping": True}) for name in EVERY),
    ],
    ids=str,
)
def test_the_seed_decides(name, settings):
    X, model = rows_for(name, BITS), fit(name, **settings)
    first = contents(model)
    model.score(X)
    model.sample(2, n_steps=1)
    assert contents(model.fit(X)) == first
    other = fit(name, random_state=8, **settings)
    learned = model._parameter_names[0]
    assert (getattr(other, learned) != getattr(model, learned)).any()


def test_random_state_instance_moves_on(rbm):
    by_int = clone(rbm).set_params(random_state=7).fit(BITS)
    rbm.set_params(random_state=np.random.RandomState(7))
    first = rbm.fit(BITS).components_
    np.testing.assert_array_equal(first, by_int.components_)
    assert not np.array_equal(first, rbm.fit(BITS).components_)


def test_random_state_none_follows_the_state_of_numpy(rbm):
    rbm.set_params(random_state=None)
    before = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(7)  # noqa: NPY002
        first = rbm.fit(BITS).components_
        second = rbm.fit(BITS).components_
        np.random.seed(7)  # noqa: NPY002
        again = rbm.fit(BITS).components_
    finally:
        np.random.set_state(before)  # noqa: NPY002
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)


@every_model
@pytest.mark.parametrize("method", ["sample", "gibbs", "metropolis"])
def test_random_state_of_draws(name, method):
    model, X = fit(name), rows_for(name, BITS)
    if not hasattr(model, method):
        return
    given = [20] if method == "sample" else [X]

    def draw(seed):
        return getattr(model, method)(*given, n_steps=2, random_state=seed)

    np.testing.assert_array_equal(draw(1), draw(1))
    np.testing.assert_array_equal(draw(1), draw(np.random.RandomState(1)))
    assert not np.array_equal(draw(1), draw(2))
    assert not np.array_equal(draw(None), draw(None))


# ---- scores ----


@every_model
def test_score_is_a_float_and_the_mean_of_score_samples(name):
    model, X = fit(name), rows_for(name, BITS)
    score = model.score(X)
    assert type(score) is float
    # Only the order of summation may differ.
    assert score == pytest.approx(np.mean(model.score_samples(X)), rel=1e-12)
    assert model.score(X, y=np.zeros(60)) == score


def test_scores_do_not_depend_on_what_was_called_before(annealed):
    X, _ = noisy_patterns(20, 22, seed=1)
    others = [round_trip_by_pickle(annealed) for _ in range(3)]
    log_partition = annealed.log_partition()
    score = annealed.score(X)
    assert annealed.log_partition_ == log_partition
    assert others[0].score(X) == score
    others[1].sample(5, n_steps=2)
    others[1].gibbs(X)
    others[1].transform(X)
    assert others[1].score(X) == score
    assert others[1].log_partition_std_ == annealed.log_partition_std_ > 0
    others[2].score(X[:3])
    assert others[2].score(X) == score


@every_model
def test_scores_of_rows_are_independent(name):
    model = fit(name)
    X = rows_for(name, noisy_patterns(500, 6, seed=1)[0])
    order = np.random.default_rng(2).permutation(500)
    for method, query in queries(name).items():
        if method in {"score", "gibbs", "sample"}:
            continue
        together = query(model, X)
        # Products of other shapes may round differently in float64; in float32 they
        # would by 1e-7.
        for part in order, slice(37), [5]:
            expected = together[part]
            np.testing.assert_allclose(query(model, X[part]), expected, rtol=1e-9)


@every_model
def test_refit_forgets_the_earlier_fit(name):
    wide = rows_for(name, noisy_patterns(40, 8, seed=3)[0])
    fitted = fit(name)
    fresh = clone(fitted).fit(wide)
    fitted.partial_fit(rows_for(name, BITS))
    fitted.score(rows_for(name, BITS))
    assert contents(fitted.fit(wide)) == contents(fresh)


# ---- what does not change ----


@every_model
def test_queries_change_neither_the_estimator_nor_the_data(name):
    model, X = fit(name), rows_for(name, BITS)
    model.log_partition()  # which is kept from then on
    kept, before = X.copy(), contents(model)
    for query in queries(name).values():
        query(model, X)
    model.sample(3, n_steps=2)
    if name in HIDDEN:
        H = model.transform(X)
        hidden = H.copy()
        model.inverse_transform(H)
        model.energy(X, H)
        np.testing.assert_array_equal(H, hidden)
    model.get_feature_names_out()
    dir(model)
    repr(model)
    model._repr_html_()
    assert contents(model) == before
    model.partial_fit(X).fit(X)
    np.testing.assert_array_equal(X, kept)


@every_model
def test_fit_methods_return_self(name):
    model, X = clone(EVERY[name]), rows_for(name, BITS)
    assert model.partial_fit(X) is model
    assert model.n_iter_ == 3
    assert model.partial_fit(X, y=None) is model
    assert model.n_iter_ == 6
    assert model.fit(X, y="never looked at") is model
    assert model.n_iter_ == 6


def test_partial_fit_learns_on_from_fit(rbm):
    rbm.set_params(max_iter=300, solver="sgd", n_chains=500)
    components = rbm.fit(BITS).components_
    rbm.set_params(learning_rate=0.001).partial_fit(BITS)
    change = np.abs(rbm.components_ - components).max()
    # Three more updates with learning_rate=0.001: each moves a weight by at most a
    # thousandth, as no gradient exceeds 1, and the average of the last tenth of the
    # updates by a ninth of that of the rest. A fresh start would lose all.
    assert 0 < change < 0.05
    assert np.abs(components).max() > 0.5


# ---- from parameters ----

# Float64 numbers that float32 cannot hold.
WEIGHTS = np.linspace(-1, 1, 12).reshape(2, 6) / 3
VISIBLE = np.linspace(-0.5, 0.7, 6) / 3
BIASES = np.array([0.1, -0.2])


@every_model
def test_from_parameters_keeps_the_values_and_shares_no_memory(name):
    given = random_parameters(name)
    kept = {part: array.copy() for part, array in given.items()}
    model = model_of(name, given, alpha=0.5)
    for array in given.values():
        array[:] = 9
    for part, array in kept.items():
        held = getattr(model, attribute_of(model, part))
        np.testing.assert_array_equal(held, array)
    assert model.n_features_in_ == 4
    assert model.n_iter_ == 0
    assert model.alpha == 0.5
    assert np.isfinite(model.sample(5, n_steps=3, random_state=0)).all()


def test_from_parameters_sets_the_number_of_units():
    rbm = BinaryRBM.from_parameters(WEIGHTS, VISIBLE, BIASES, alpha=0.5)
    assert rbm.get_params() == BinaryRBM(2, alpha=0.5).get_params()
    # Exact on both sides but for rounding; parameters rounded to float32 would
    # be off by more than 1e-8.
    exact = RBMOracle(WEIGHTS, VISIBLE, BIASES).log_likelihood(BITS)
    np.testing.assert_allclose(rbm.score_samples(BITS), exact, rtol=1e-12)


@pytest.mark.parametrize("centering", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_learning_continues_from_parameters(given, centering):
    rate = 1e-6
    rbm = BinaryRBM.from_parameters(
        WEIGHTS,
        VISIBLE,
        BIASES,
        X=BITS if given else None,
        centering=centering,
        learning_rate=rate,
        random_state=0,
    )
    rbm.partial_fit(BITS)
    assert rbm.n_iter_ == 1
    # Three updates of the given parameters: no gradient exceeds the number of
    # units, 8. The rest is the rounding of a few float32 sums of order one.
    bound = 3 * 8 * rate + 1e-6
    np.testing.assert_allclose(rbm.components_, WEIGHTS, atol=bound, rtol=0)
    np.testing.assert_allclose(rbm.intercept_visible_, VISIBLE, atol=bound, rtol=0)
    np.testing.assert_allclose(rbm.intercept_hidden_, BIASES, atol=bound, rtol=0)
    before = rbm.score(BITS)
    rbm.set_params(learning_rate=0.1)  # ten times that would make chains swing
    for _ in range(100):
        rbm.partial_fit(BITS)
    # Two patterns with one unit in ten flipped can be told much better than that.
    assert rbm.score(BITS) > before + 1


def test_from_parameters_takes_the_start_of_chains_from_data():
    arrays = np.zeros((2, 6)), np.zeros(6), np.zeros(2)
    constant = np.tile([0, 1, 0, 1, 0, 1], (1000, 1))
    rbm = BinaryRBM.from_parameters(*arrays, X=constant)
    start = rbm.sample(100, n_steps=0, random_state=0)
    # Half a row more on each side leaves a chance of 600 / 2002 for a single unit
    # among these 600 that differs, of 1e-6 for six of them.
    assert (start != constant[:100]).sum() < 6
    free = BinaryRBM.from_parameters(*arrays).sample(100, n_steps=0, random_state=0)
    # Fair coins: 50 of 100 with a standard deviation of 5, within six of those.
    assert (np.abs(free.sum(axis=0) - 50) < 30).all()


def test_from_parameters_of_bernoulli_rbm():
    bernoulli = BernoulliRBM(3, n_iter=5, random_state=0).fit(BITS)
    rbm = BinaryRBM.from_parameters(
        bernoulli.components_,
        bernoulli.intercept_visible_,
        bernoulli.intercept_hidden_,
    )
    # The same formula in float64 on both sides.
    theirs = bernoulli.transform(BITS)
    np.testing.assert_allclose(rbm.transform(BITS), theirs, rtol=1e-10)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ((WEIGHTS[0], VISIBLE, BIASES), "Expected 2D array, got 1D array"),
        ((WEIGHTS.T, VISIBLE, BIASES), r"intercept_visible has shape \(6,\).*\(2,\)"),
        ((WEIGHTS, VISIBLE[:5], BIASES), r"intercept_visible has shape \(5,\).*\(6,\)"),
        ((WEIGHTS, VISIBLE, VISIBLE), r"intercept_hidden has shape \(6,\).*\(2,\)"),
        (
            (WEIGHTS, VISIBLE, BIASES[:, np.newaxis]),
            r"intercept_hidden has shape \(2, 1\).*\(2,\)",
        ),
        ((WEIGHTS * np.nan, VISIBLE, BIASES), "contains NaN"),
        ((WEIGHTS, VISIBLE + np.inf, BIASES), "contains infinity"),
    ],
)
def test_from_parameters_names_what_does_not_fit(arrays, match):
    with pytest.raises(ValueError, match=match):
        BinaryRBM.from_parameters(*arrays)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"learning_rate": -1.0}, "The 'learning_rate' parameter of"),
        ({"n_ais_chains": 1}, "The 'n_ais_chains' parameter of"),
        ({"algorithm": "x"}, "The 'algorithm' parameter of"),
        ({"X": np.ones((5, 6))}, "X has 6 features, the parameters 4"),
        ({"X": np.full((5, 4), np.inf)}, "contains infinity"),
    ],
)
@every_model
def test_from_parameters_checks_what_else_it_is_given(name, params, match):
    with pytest.raises(ValueError, match=match):
        model_of(name, random_parameters(name), **params)


@every_model
def test_visible_units_are_counted(name):
    energy = random_model(name)._energy()
    assert energy.n_visible == 4
    in_layers = {"NeuralEnergyModel": 4 + 4 + 3}
    assert energy.n_units == in_layers.get(name, 7 if name in HIDDEN else 4)
