import io
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from oracle import RBMOracle
from sklearn import config_context
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skebm import BinaryRBM

CV = KFold(3)


def noisy_patterns(n_samples, n_features, seed=0):
    """Draw rows near one of two opposite patterns, and say which."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n_samples)
    pattern = np.arange(n_features) % 2
    flips = rng.random((n_samples, n_features)) < 0.1
    return ((labels[:, np.newaxis] == pattern) ^ flips).astype(float), labels


def contents(estimator):
    """Hash all that an estimator holds, its generator and chains included."""
    return joblib.hash(vars(estimator))


@pytest.fixture(name="X", scope="module")
def make_data():
    return noisy_patterns(60, 6)[0]


@pytest.fixture
def rbm():
    return BinaryRBM(3, max_iter=6, batch_size=20, random_state=0)


@pytest.fixture
def fitted(rbm, X):
    return rbm.fit(X)


@pytest.fixture
def annealed():
    """Make a model whose log Z is not exact, since no layer is small enough."""
    return BinaryRBM(21, max_iter=1, log_partition_tol=0.1, random_state=0).fit(
        noisy_patterns(60, 22)[0]
    )


def assert_same_parameters(first, second):
    for name in ("components_", "intercept_visible_", "intercept_hidden_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


# ---- copies ----


def test_clone_keeps_the_parameters_and_forgets_the_fit(fitted, X):
    fitted.set_params(alpha=0.01, binarize=None)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert vars(copy).keys() == copy.get_params().keys()
    assert_same_parameters(copy.fit(X), clone(fitted).fit(X))


def round_trip_by_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))  # noqa: S301


def round_trip_by_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("round_trip", [round_trip_by_pickle, round_trip_by_joblib])
@pytest.mark.parametrize("scored_before", [True, False])
def test_round_trips_keep_the_scores(annealed, round_trip, scored_before):
    X, _ = noisy_patterns(20, 22, seed=1)
    if scored_before:
        annealed.score(X)
    copy = round_trip(annealed)
    assert (copy._partition_estimate is not None) == scored_before
    np.testing.assert_array_equal(copy.score_samples(X), annealed.score_samples(X))
    assert copy.log_partition_std_ == annealed.log_partition_std_ > 0


@pytest.mark.parametrize("round_trip", [round_trip_by_pickle, round_trip_by_joblib])
def test_learning_continues_alike_after_a_round_trip(fitted, X, round_trip):
    copy = round_trip(fitted)
    for chunk in (X[:30], X[30:]):
        fitted.partial_fit(chunk)
        copy.partial_fit(chunk)
    assert_same_parameters(copy, fitted)
    assert contents(copy) == contents(fitted)


# ---- names and containers ----


def test_set_output_pandas(rbm, X):
    table = pd.DataFrame(X, index=np.arange(60) + 100).add_prefix("unit")
    rbm.set_output(transform="pandas")
    H = rbm.fit_transform(table)
    assert isinstance(H, pd.DataFrame)
    assert list(H.columns) == ["binaryrbm0", "binaryrbm1", "binaryrbm2"]
    np.testing.assert_array_equal(H.index, table.index)
    rbm.set_output(transform="default")
    np.testing.assert_array_equal(H, rbm.transform(table))


def test_set_output_polars(rbm, X):
    table = pl.DataFrame(X, schema=[f"unit{i}" for i in range(6)])
    rbm.set_output(transform="polars")
    H = rbm.fit_transform(table)
    assert isinstance(H, pl.DataFrame)
    assert H.columns == ["binaryrbm0", "binaryrbm1", "binaryrbm2"]
    rbm.set_output(transform="default")
    np.testing.assert_array_equal(H, rbm.transform(table))


def test_feature_names(rbm, X):
    table = pd.DataFrame(X).add_prefix("unit")
    rbm.fit(table)
    assert list(rbm.feature_names_in_) == [f"unit{i}" for i in range(6)]
    assert rbm.n_features_in_ == 6
    assert list(rbm.get_feature_names_out()) == [f"binaryrbm{j}" for j in range(3)]
    for method in (
        rbm.transform,
        rbm.score_samples,
        rbm.score,
        rbm.free_energy,
        rbm.pseudo_log_likelihood,
        rbm.gibbs,
        rbm.partial_fit,
        lambda table: rbm.sample(init=table),
        lambda table: rbm.energy(table, np.zeros((60, 3))),
    ):
        with pytest.raises(ValueError, match="feature names should match"):
            method(table.rename(columns={"unit0": "other"}))
    rbm.fit(X)
    assert not hasattr(rbm, "feature_names_in_")


def test_feature_names_of_from_parameters(X):
    table = pd.DataFrame(X).add_prefix("unit")
    rbm = BinaryRBM.from_parameters(np.zeros((3, 6)), np.zeros(6), np.zeros(3), X=table)
    assert list(rbm.feature_names_in_) == list(table.columns)


@pytest.mark.parametrize("wrap", [lambda rbm: rbm, make_pipeline])
def test_html_repr_does_not_compute_the_partition_function(fitted, wrap):
    assert "components_" in wrap(fitted)._repr_html_()
    assert fitted._partition_estimate is None
    assert "log_partition_std_" not in wrap(fitted)._repr_html_()
    log_partition = fitted.log_partition_
    assert fitted._partition_estimate is not None
    assert "log_partition_std_" in wrap(fitted)._repr_html_()
    assert fitted.log_partition_ == log_partition


def test_repr_names_what_differs_from_the_defaults(fitted):
    assert (
        repr(fitted)
        == "BinaryRBM(batch_size=20, max_iter=6, n_components=3, random_state=0)"
    )


def test_tags():
    tags = get_tags(BinaryRBM())
    assert tags.input_tags.sparse
    assert tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan
    assert not tags.input_tags.positive_only
    assert not tags.target_tags.required
    assert not tags.array_api_support
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert tags.requires_fit
    assert tags.estimator_type is None


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.uint8, np.float64),
        (bool, np.float64),
    ],
)
def test_dtype_of_transform(fitted, X, dtype, expected):
    assert fitted.transform(X.astype(dtype)).dtype == expected
    assert fitted.score_samples(X.astype(dtype)).dtype == np.float64
    assert fitted.gibbs(X.astype(dtype)).dtype == np.float64
    assert fitted.sample(2, n_steps=0, init=X.astype(dtype)).dtype == np.float64
    assert fitted.sample(2, n_steps=1).dtype == np.float64


# ---- searches ----


def held_out_log_likelihood(rbm, X, **params):
    """Mean over folds of the exact held-out log-likelihood, by enumeration."""
    scores = []
    for train, test in CV.split(X):
        fold = clone(rbm).set_params(**params).fit(X[train])
        oracle = RBMOracle(
            fold.components_, fold.intercept_visible_, fold.intercept_hidden_
        )
        scores.append(oracle.log_likelihood(X[test]).mean())
    return np.mean(scores)


def test_grid_search_ranks_by_held_out_log_likelihood(rbm, X):
    rbm.set_params(max_iter=200)
    grid = {"n_components": [1, 4], "learning_rate": [1e-6, 0.1]}
    search = GridSearchCV(rbm, grid, cv=CV).fit(X)
    by_hand = [
        held_out_log_likelihood(rbm, X, **params)
        for params in search.cv_results_["params"]
    ]
    # Rounding of a few dozen float64 terms; the candidates differ by far more.
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], by_hand, rtol=1e-9
    )
    assert np.ptp(by_hand) > 0.1
    assert search.best_index_ == np.argmax(by_hand)
    assert search.best_score_ == pytest.approx(max(by_hand), rel=1e-9)
    assert search.best_estimator_.n_components == search.best_params_["n_components"]
    assert search.score(X) == search.best_estimator_.score(X)


def test_halving_grid_search_over_growing_numbers_of_updates(rbm, X):
    search = HalvingGridSearchCV(
        rbm,
        {"n_components": [1, 2, 4]},
        resource="max_iter",
        min_resources=1,
        max_resources=3,
        factor=3,
        cv=CV,
    ).fit(X)
    assert list(search.n_resources_) == [1, 3]
    assert search.best_params_["max_iter"] == 3
    # Rounding of a few dozen float64 terms.
    assert search.best_score_ == pytest.approx(
        held_out_log_likelihood(rbm, X, **search.best_params_), rel=1e-9
    )


def test_halving_grid_search_over_growing_numbers_of_rows(rbm, X):
    search = HalvingGridSearchCV(
        rbm, {"n_components": [1, 2, 4]}, min_resources=20, random_state=0, cv=CV
    ).fit(X)
    assert list(search.n_resources_) == [20, 60]
    results = search.cv_results_
    best_of_last = results["mean_test_score"][results["iter"] == 1].max()
    assert search.best_score_ == best_of_last
    # Somewhere between six independent fair coins and two equally likely rows.
    assert -6 * np.log(2) - 0.1 < search.best_score_ < -np.log(2)


# ---- pipelines ----


def test_features_for_a_classifier():
    X, labels = noisy_patterns(200, 6)
    pipeline = make_pipeline(
        BinaryRBM(3, max_iter=300, random_state=0),
        LogisticRegression(),
    )
    pipeline.fit(X[:150], labels[:150])
    # The labels can be read off six units that are each wrong one time in ten:
    # a majority is right in more than 98 of 100 rows, features blind to the
    # pattern in 50.
    assert pipeline.score(X[150:], labels[150:]) > 0.9


def test_stacked_machines():
    X, _ = noisy_patterns(60, 6)
    first, second = (
        BinaryRBM(4, max_iter=6, random_state=0),
        BinaryRBM(2, max_iter=6, binarize=None, random_state=1),
    )
    pipeline = make_pipeline(first, second)
    H = pipeline.fit_transform(X)
    assert H.shape == (60, 2)
    np.testing.assert_array_equal(pipeline.transform(X), H)
    np.testing.assert_array_equal(second.transform(first.transform(X)), H)
    V = pipeline.inverse_transform(H)
    assert V.shape == X.shape
    assert ((V >= 0) & (V <= 1)).all()
    np.testing.assert_array_equal(
        first.inverse_transform(second.inverse_transform(H)), V
    )
    assert isinstance(pipeline.score(X), float)
    assert list(pipeline.get_feature_names_out()) == ["binaryrbm0", "binaryrbm1"]


def test_stacked_machines_pass_tables_on(X):
    pipeline = make_pipeline(
        BinaryRBM(4, max_iter=6, random_state=0),
        BinaryRBM(2, max_iter=6, binarize=None, random_state=1),
    )
    H = pipeline.fit_transform(X)
    pipeline.set_output(transform="pandas")
    table = pipeline.fit_transform(X)
    np.testing.assert_array_equal(table, H)
    assert list(pipeline[-1].feature_names_in_) == [f"binaryrbm{j}" for j in range(4)]


# ---- random state ----


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"algorithm": "cd"},
        {"solver": "sgd"},
        {"early_stopping": True},
        {"algorithm": "exact", "tol": 10.0},
    ],
    ids=str,
)
def test_same_int_same_fit(X, settings):
    rbm = BinaryRBM(3, max_iter=6, random_state=7, **settings)
    first = clone(rbm).fit(X)
    assert_same_parameters(first, rbm.fit(X))
    assert_same_parameters(first, rbm.fit(X))
    other = clone(rbm).set_params(random_state=8).fit(X)
    assert not np.array_equal(first.components_, other.components_)


def test_random_state_instance_moves_on(X):
    by_int = BinaryRBM(3, max_iter=6, random_state=7).fit(X)
    rbm = BinaryRBM(3, max_iter=6, random_state=np.random.RandomState(7))
    first = rbm.fit(X).components_
    np.testing.assert_array_equal(first, by_int.components_)
    assert not np.array_equal(first, rbm.fit(X).components_)


def test_random_state_none_follows_the_state_of_numpy(X):
    rbm = BinaryRBM(3, max_iter=6)
    before = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(7)  # noqa: NPY002
        first = rbm.fit(X).components_
        second = rbm.fit(X).components_
        np.random.seed(7)  # noqa: NPY002
        again = rbm.fit(X).components_
    finally:
        np.random.set_state(before)  # noqa: NPY002
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)


def test_random_state_of_draws(fitted, X):
    for draw in (
        lambda seed: fitted.sample(20, n_steps=2, random_state=seed),
        lambda seed: fitted.sample(20, n_steps=2, init=X, random_state=seed),
        lambda seed: fitted.gibbs(X, random_state=seed),
    ):
        np.testing.assert_array_equal(draw(1), draw(1))
        np.testing.assert_array_equal(draw(1), draw(np.random.RandomState(1)))
        assert not np.array_equal(draw(1), draw(2))
        assert not np.array_equal(draw(None), draw(None))


# ---- scores ----


def test_score_is_a_float_and_the_mean_of_score_samples(fitted, X):
    score = fitted.score(X)
    assert type(score) is float
    # Only the order of summation may differ.
    assert score == pytest.approx(np.mean(fitted.score_samples(X)), rel=1e-12)
    assert fitted.score(X, y=np.zeros(60)) == score
    assert fitted.score(X) == score


def test_scores_do_not_depend_on_what_was_called_before(annealed):
    X, _ = noisy_patterns(20, 22, seed=1)
    others = [round_trip_by_pickle(annealed) for _ in range(4)]
    log_partition = annealed.log_partition_
    score = annealed.score(X)
    assert annealed.log_partition_ == log_partition
    assert others[0].score(X) == score
    others[1].sample(5, n_steps=2)
    others[1].gibbs(X)
    others[1].transform(X)
    assert others[1].score(X) == score
    assert others[2].log_partition_std_ == annealed.log_partition_std_ > 0
    assert others[2].score(X) == score
    others[3].score(X[:3])
    assert others[3].score(X) == score


def test_scores_of_rows_are_independent(fitted, annealed):
    for rbm in (fitted, annealed):
        X, _ = noisy_patterns(500, rbm.n_features_in_, seed=1)
        for method in (
            rbm.score_samples,
            rbm.free_energy,
            rbm.pseudo_log_likelihood,
            rbm.transform,
        ):
            together = method(X)
            order = np.random.default_rng(2).permutation(500)
            # Products of other shapes may round differently in float64; in
            # float32 they would by 1e-7.
            np.testing.assert_allclose(method(X[order]), together[order], rtol=1e-9)
            np.testing.assert_allclose(method(X[:37]), together[:37], rtol=1e-9)
            np.testing.assert_allclose(method(X[[5]]), together[[5]], rtol=1e-9)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_learning_forgets_the_partition_function(fitted, X, learn):
    before = fitted.log_partition_
    getattr(fitted, learn)(1 - X)
    assert fitted._partition_estimate is None
    oracle = RBMOracle(
        fitted.components_, fitted.intercept_visible_, fitted.intercept_hidden_
    )
    # Exact on both sides but for rounding.
    assert fitted.log_partition_ == pytest.approx(np.log(oracle.partition), rel=1e-9)
    assert fitted.log_partition_ != before


def test_refit_forgets_the_earlier_fit(fitted, X):
    wide, _ = noisy_patterns(40, 8, seed=3)
    fresh = clone(fitted).fit(wide)
    fitted.partial_fit(X)
    fitted.score(X)
    assert contents(fitted.fit(wide)) == contents(fresh)


# ---- what does not change the estimator ----


def test_queries_leave_the_estimator_as_it_is(fitted, X):
    before = contents(fitted)
    H = fitted.transform(X)
    fitted.inverse_transform(H)
    fitted.energy(X, np.round(H))
    fitted.free_energy(X)
    fitted.pseudo_log_likelihood(X)
    fitted.sample(3, n_steps=2)
    fitted.sample(3, n_steps=2, init=X, random_state=0)
    fitted.gibbs(X, random_state=np.random.RandomState(0))
    fitted.get_feature_names_out()
    dir(fitted)
    repr(fitted)
    assert contents(fitted) == before
    fitted.score(X)
    assert contents(fitted) != before
    fitted._partition_estimate = None
    assert contents(fitted) == before


def test_queries_leave_the_data_as_they_are(fitted, X):
    before = X.copy()
    X = X.copy()
    fitted.fit(X)
    fitted.partial_fit(X)
    fitted.score(X)
    fitted.pseudo_log_likelihood(X)
    H = fitted.transform(X)
    hidden = H.copy()
    fitted.inverse_transform(H)
    fitted.energy(X, H)
    fitted.gibbs(X)
    fitted.sample(2, init=X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(H, hidden)


def test_fit_methods_return_self(rbm, X):
    assert rbm.partial_fit(X) is rbm
    assert rbm.n_iter_ == 3
    assert rbm.partial_fit(X, y=None) is rbm
    assert rbm.n_iter_ == 6
    assert rbm.fit(X) is rbm
    assert rbm.n_iter_ == 6
    assert rbm.fit(X, y="never looked at") is rbm


def test_partial_fit_learns_on_from_fit(rbm, X):
    rbm.set_params(max_iter=300, solver="sgd")
    components = rbm.fit(X).components_
    rbm.set_params(learning_rate=0.001).partial_fit(X)
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
HIDDEN = np.array([0.1, -0.2])


def test_from_parameters_keeps_the_values(X):
    rbm = BinaryRBM.from_parameters(
        WEIGHTS, VISIBLE.tolist(), HIDDEN, alpha=0.5, random_state=3
    )
    np.testing.assert_array_equal(rbm.components_, WEIGHTS)
    np.testing.assert_array_equal(rbm.intercept_visible_, VISIBLE)
    np.testing.assert_array_equal(rbm.intercept_hidden_, HIDDEN)
    assert rbm.components_ is not WEIGHTS
    assert rbm.get_params() == BinaryRBM(2, alpha=0.5, random_state=3).get_params()
    assert rbm.n_features_in_ == 6
    assert rbm.n_iter_ == 0
    oracle = RBMOracle(WEIGHTS, VISIBLE, HIDDEN)
    # Exact on both sides but for rounding; parameters rounded to float32 would
    # be off by more than 1e-8.
    np.testing.assert_allclose(
        rbm.score_samples(X), oracle.log_likelihood(X), rtol=1e-12
    )
    assert set(np.unique(rbm.sample(5, n_steps=3, random_state=0))) == {0, 1}


def test_from_parameters_does_not_share_memory():
    arrays = WEIGHTS.copy(), VISIBLE.copy(), HIDDEN.copy()
    rbm = BinaryRBM.from_parameters(*arrays)
    for array in arrays:
        array[:] = 9
    np.testing.assert_array_equal(rbm.components_, WEIGHTS)
    np.testing.assert_array_equal(rbm.intercept_visible_, VISIBLE)
    np.testing.assert_array_equal(rbm.intercept_hidden_, HIDDEN)


@pytest.mark.parametrize("centering", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_learning_continues_from_parameters(X, given, centering):
    rate = 1e-6
    rbm = BinaryRBM.from_parameters(
        WEIGHTS,
        VISIBLE,
        HIDDEN,
        X=X if given else None,
        centering=centering,
        learning_rate=rate,
        random_state=0,
    )
    rbm.partial_fit(X)
    assert rbm.n_iter_ == 1
    # Three updates of the given parameters: no gradient exceeds the number of
    # units, 8. The rest is the rounding of a few float32 sums of order one.
    bound = 3 * 8 * rate + 1e-6
    np.testing.assert_allclose(rbm.components_, WEIGHTS, atol=bound, rtol=0)
    np.testing.assert_allclose(rbm.intercept_visible_, VISIBLE, atol=bound, rtol=0)
    np.testing.assert_allclose(rbm.intercept_hidden_, HIDDEN, atol=bound, rtol=0)
    before = rbm.score(X)
    rbm.set_params(learning_rate=1.0)
    for _ in range(30):
        rbm.partial_fit(X)
    # Two patterns with one unit in ten flipped can be told much better than that.
    assert rbm.score(X) > before + 1


def test_from_parameters_takes_the_start_of_chains_from_data(X):
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


def test_from_parameters_of_bernoulli_rbm(X):
    bernoulli = BernoulliRBM(3, n_iter=5, random_state=0).fit(X)
    rbm = BinaryRBM.from_parameters(
        bernoulli.components_,
        bernoulli.intercept_visible_,
        bernoulli.intercept_hidden_,
    )
    # The same formula in float64 on both sides.
    np.testing.assert_allclose(rbm.transform(X), bernoulli.transform(X), rtol=1e-10)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ((WEIGHTS[0], VISIBLE, HIDDEN), "Expected 2D array, got 1D array"),
        ((WEIGHTS.T, VISIBLE, HIDDEN), r"intercept_visible has shape \(6,\).*\(2,\)"),
        ((WEIGHTS, VISIBLE[:5], HIDDEN), r"intercept_visible has shape \(5,\).*\(6,\)"),
        ((WEIGHTS, VISIBLE, VISIBLE), r"intercept_hidden has shape \(6,\).*\(2,\)"),
        (
            (WEIGHTS, VISIBLE, HIDDEN[:, np.newaxis]),
            r"intercept_hidden has shape \(2, 1\).*\(2,\)",
        ),
        ((WEIGHTS * np.nan, VISIBLE, HIDDEN), "contains NaN"),
        ((WEIGHTS, VISIBLE + np.inf, HIDDEN), "contains infinity"),
    ],
)
def test_from_parameters_names_what_does_not_fit(arrays, match):
    with pytest.raises(ValueError, match=match):
        BinaryRBM.from_parameters(*arrays)


def test_from_parameters_checks_the_data(X):
    with pytest.raises(ValueError, match="X has 5 features, the parameters 6"):
        BinaryRBM.from_parameters(WEIGHTS, VISIBLE, HIDDEN, X=X[:, :5])
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        BinaryRBM.from_parameters(WEIGHTS, VISIBLE, HIDDEN, X=X * 2, binarize=None)


@pytest.mark.parametrize(
    "params", [{"learning_rate": -1.0}, {"n_ais_chains": 1}, {"algorithm": "x"}]
)
def test_from_parameters_checks_the_constructor_parameters(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of BinaryRBM"):
        BinaryRBM.from_parameters(WEIGHTS, VISIBLE, HIDDEN, **params)


def test_configuration_of_the_output_reaches_transform_only(fitted, X):
    with config_context(transform_output="pandas"):
        assert isinstance(fitted.transform(X), pd.DataFrame)
        for values in (
            fitted.inverse_transform(np.zeros((1, 3))),
            fitted.sample(2, n_steps=1),
            fitted.gibbs(X),
            fitted.score_samples(X),
        ):
            assert type(values) is np.ndarray
