import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from scipy.stats import multivariate_normal, norm
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_wine
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from skebm import BinaryRBM, DensityEnsemble, EnergyOutlierDetector, GaussianRBM
from skebm.detection.robust_offset import robust_offset

KINDS = "dense", "sparse"
COLUMN_SCALES = np.array([1, 10, 0.1, 1000, 1])


class NormalDensity(BaseEstimator):
    """A normal law, whose conditional densities are known."""

    def fit(self, X, y=None):
        X = np.asarray(X)
        self.n_features_in_ = X.shape[1]
        self.mean_ = X.mean(axis=0)
        self.covariance_ = np.cov(X.T)
        return self

    def score_samples(self, X):
        return multivariate_normal(self.mean_, self.covariance_).logpdf(np.asarray(X))

    def conditional_score_samples(self, X):
        precision = np.linalg.inv(self.covariance_)
        variance = 1 / np.diag(precision)
        error = (np.asarray(X) - self.mean_) @ precision * variance
        return -(error**2 / variance + np.log(2 * np.pi * variance)) / 2


class Given(BaseEstimator):
    """A density of which a table holds the scores and, beside them, a conditional."""

    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        return np.asarray(X)[:, 0]

    def conditional_score_samples(self, X):
        return np.asarray(X)[:, 1:]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Failing(NormalDensity):
    def fit(self, X, y=None):
        raise KeyboardInterrupt


def mixture(n_components=1):
    """A mixture that does not start from k-means, which array API dispatch bars."""
    return GaussianMixture(n_components, init_params="random_from_data", random_state=0)


def binary_rows(n_samples=200):
    """Binary rows of two columns: four scores at most."""
    return (np.random.default_rng(0).random((n_samples, 2)) < 0.2).astype(float)


@pytest.fixture(name="X")
def make_rows():
    mixing = np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 100.0]])
    return np.random.default_rng(0).normal(size=(400, 3)) @ mixing


@pytest.fixture
def table():
    """A table of mixed kinds with a missing value, 300 rows."""
    rng = np.random.default_rng(0)
    colour = rng.choice(["blue", "red", "white"], 300)
    length = rng.normal(size=300) + (colour == "red")
    length[7] = np.nan
    return pd.DataFrame({"colour": colour, "length": length})


def preprocessing():
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["length"]),
        (OneHotEncoder(drop="first", sparse_output=False), ["colour"]),
    )


def usual_rows(rng, n_samples):
    """Rows of two groups, with correlated columns of different scales."""
    rows = rng.normal(size=(n_samples, 5))
    rows[:, 1] += 2 * rows[:, 0]
    rows[:, 2] += 4 * (rng.random(n_samples) < 0.5)
    return rows * COLUMN_SCALES


def far_rows(rng, n_samples, distance):
    """Rows in the midst of the usual ones, moved far away, each its own way."""
    directions = rng.normal(size=(n_samples, 5))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return usual_rows(rng, n_samples) + distance * directions * COLUMN_SCALES


def auroc(usual, odd):
    """Give the chance that an odd row has a lower score than a usual one."""
    y = np.repeat([0, 1], [len(usual), len(odd)])
    return roc_auc_score(y, -np.concatenate([usual, odd]))


# ---- scikit-learn's checks ----


def expected_failures(detector):
    """Name the checks of weights that some estimators cannot pass."""
    checks = {f"check_sample_weight_equivalence_on_{kind}_data" for kind in KINDS}
    estimator = detector.estimator
    if isinstance(estimator, GaussianMixture | Pipeline):
        reason = "its fit takes no sample_weight"
        checks.remove("check_sample_weight_equivalence_on_sparse_data")
        named = "pandas_series", "not_an_array", "list", "shape", "not_overwritten"
        checks |= {f"check_sample_weights_{name}" for name in named}
    elif estimator is None or (
        isinstance(estimator, BinaryRBM | GaussianRBM)
        and estimator.algorithm != "exact"
    ):
        reason = "rows with weights are drawn in another order than repeated ones"
    else:
        return {}
    return dict.fromkeys(checks, reason)


@pytest.mark.filterwarnings(
    "ignore:X has (the )?values :sklearn.exceptions.DataConversionWarning"
)
@pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)
# Scores of binary models are tied, and only four rows differ in the data of the checks
# of outliers; no check fails for it, so none is expected to.
@parametrize_with_checks(
    [
        EnergyOutlierDetector(),
        EnergyOutlierDetector(KernelDensity(), contamination=0.1),
        EnergyOutlierDetector(mixture(2)),
        EnergyOutlierDetector(BinaryRBM(max_iter=5, random_state=0)),
        EnergyOutlierDetector(GaussianRBM(max_iter=5, random_state=0)),
        EnergyOutlierDetector(
            GaussianRBM(algorithm="exact", max_iter=5, random_state=0)
        ),
        EnergyOutlierDetector(make_pipeline(StandardScaler(), mixture())),
    ],
    expected_failed_checks=expected_failures,
)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "name", ["check_dataframe_column_names_consistency", "check_param_validation"]
)
def test_check_that_check_estimator_leaves_out(name):
    getattr(estimator_checks, name)("EnergyOutlierDetector", EnergyOutlierDetector())


# ---- scores and the offset ----


def test_scores_are_those_of_the_estimator(X):
    detector = EnergyOutlierDetector(NormalDensity()).fit(X)
    expected = NormalDensity().fit(X).score_samples(X)
    np.testing.assert_array_equal(detector.score_samples(X), expected)
    assert detector.offset_ == robust_offset(expected)
    decision = detector.decision_function(X)
    np.testing.assert_array_equal(decision, expected - detector.offset_)
    np.testing.assert_array_equal(detector.predict(X), np.where(decision < 0, -1, 1))
    np.testing.assert_array_equal(
        EnergyOutlierDetector(NormalDensity()).fit_predict(X), detector.predict(X)
    )


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.5])
def test_contamination_is_the_share_of_training_rows(X, contamination):
    detector = EnergyOutlierDetector(NormalDensity(), contamination=contamination)
    assert (detector.fit_predict(X) == -1).sum() == contamination * len(X)


def test_ties_leave_fewer_outliers_than_asked_for():
    X = binary_rows()
    rbm = BinaryRBM(2, max_iter=200, random_state=0)
    detector = EnergyOutlierDetector(rbm, contamination=0.1).fit(X)
    outliers = detector.predict(X) == -1
    scores = detector.score_samples(X)
    rows_by_score = {score: (scores == score).sum() for score in np.unique(scores)}
    lowest, second, *_ = rows_by_score.values()
    assert lowest < 0.1 * len(X) < lowest + second
    assert outliers.sum() == lowest
    assert detector.offset_ == sorted(rows_by_score)[1]


def test_outliers_in_the_training_rows_are_found(X):
    spoilt = X.copy()
    spoilt[:40] += [0, 8, 0]
    detector = EnergyOutlierDetector(GaussianMixture(2, random_state=0)).fit(X)
    assert (detector.predict(spoilt)[:40] == -1).all()


def test_a_density_of_zero_is_an_outlier():
    X = np.linspace(0, 1, 50).reshape(-1, 1)
    density = KernelDensity(kernel="tophat", bandwidth=0.1)
    detector = EnergyOutlierDetector(density).fit(X)
    assert detector.decision_function([[9.0]]) == [-np.inf]
    assert detector.predict([[9.0]]) == [-1]


# ---- what the default is for ----

SENTINELS = -9999, 999, 1e6, 1e30


def test_values_of_any_size_are_outliers_beside_a_sentinel():
    X = np.random.default_rng(0).normal(size=(2000, 5))
    X[:10, 2] = -9999
    detector = EnergyOutlierDetector(random_state=0).fit(X)
    odd = [[0, 0, 8, 0, 0], [0, 0, 100, 0, 0], [0, 0, 1000, 0, 0]]
    assert_array_equal(detector.predict(odd), [-1, -1, -1])
    scores = detector.score_samples(X)
    assert auroc(scores[10:], scores[:10]) > 0.95
    # Mixtures learn nothing from them, however much they are alike.
    assert (detector.predict(X[:10]) == -1).all()


@pytest.mark.parametrize("sentinel", SENTINELS)
@pytest.mark.parametrize("correlated", [False, True])
def test_sentinels_do_not_hide_other_outliers(sentinel, correlated):
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(10, 10)) if correlated else np.eye(5)
    n_columns = len(mixing)
    X = rng.normal(size=(2000, n_columns)) @ mixing
    scale = X.std(axis=0)
    X[:10, 2] = sentinel
    detector = EnergyOutlierDetector(random_state=0).fit(X)
    usual = detector.score_samples(rng.normal(size=(500, n_columns)) @ mixing)
    for column in (2, 0, n_columns - 1):
        odd = rng.normal(size=(100, n_columns)) @ mixing
        odd[:, column] += 8 * scale[column] * rng.choice([-1, 1], 100)
        assert auroc(usual, detector.score_samples(odd)) > 0.98


@pytest.mark.parametrize("seed", [0, 2])
def test_a_few_sentinels_do_not_widen_components_of_many_columns(seed):
    """In 30 columns 999 is as far as rows are from each other: no start picks it."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(30, 30))
    X = rng.normal(size=(2000, 30)) @ mixing
    scale = X[:, 2].std()
    X[:10, 2] = 999
    detector = EnergyOutlierDetector(random_state=seed).fit(X)
    usual = rng.normal(size=(500, 30)) @ mixing
    odd = usual.copy()
    odd[:, 2] = 8 * scale * rng.choice([-1, 1], 500)
    found = detector.score_samples(usual), detector.score_samples(odd)
    assert auroc(*found) > 0.99


def test_impossible_rows_are_below_all_usual_ones():
    level = np.random.default_rng(0).integers(0, 4, 2000)
    detector = EnergyOutlierDetector(random_state=0)
    detector.fit(np.hstack([np.eye(4)[level], np.eye(4)[level]]))
    first, second = np.divmod(np.arange(16), 4)
    scores = detector.score_samples(np.hstack([np.eye(4)[first], np.eye(4)[second]]))
    assert scores[first != second].max() < scores[first == second].min() - 5


def test_a_share_that_was_changed_after_fit_is_refused(X):
    detector = EnergyOutlierDetector(random_state=0).fit(X)
    scores = detector.score_samples(X)
    detector.set_params(contamination=0.2)
    message = "^contamination was 'auto' in fit, and is now 0.2: offset_ follows"
    for method in (detector.predict, detector.decision_function):
        with pytest.raises(ValueError, match=message):
            method(X)
    np.testing.assert_array_equal(detector.score_samples(X), scores)
    assert (detector.fit(X).predict(X) == -1).sum() == 0.2 * len(X)
    assert_array_equal(clone(detector).fit_predict(X), detector.predict(X))


def usual_tables(law, rng, n_columns=8):
    """Give a function that draws rows of a law of its own."""
    mixing, chances = rng.normal(size=(n_columns, n_columns)), rng.random(n_columns)
    rates = np.exp(rng.normal(size=n_columns))
    return {
        "Gaussian": lambda n: rng.normal(size=(n, n_columns)) @ mixing,
        "lognormal": lambda n: rng.lognormal(size=(n, n_columns)),
        "exponential": lambda n: rng.exponential(size=(n, n_columns)) @ np.abs(mixing),
        "Poisson": lambda n: rng.poisson(rates, size=(n, n_columns)),
        "binary": lambda n: rng.random((n, n_columns)) < 0.1 + 0.8 * chances,
    }[law]


@pytest.mark.parametrize(
    "law", ["Gaussian", "lognormal", "exponential", "Poisson", "binary"]
)
@pytest.mark.parametrize(("n_rows", "n_seeds"), [(100, 10), (1000, 3)])
def test_false_alarms_of_usual_tables(law, n_rows, n_seeds):
    """From 5 to 9 %, where single tables of 100 rows have up to 20 %."""
    shares = []
    for seed in range(n_seeds):
        draw = usual_tables(law, np.random.default_rng(seed))
        detector = EnergyOutlierDetector(random_state=seed)
        detector.fit(draw(n_rows).astype(float))
        shares.append((detector.predict(draw(2000).astype(float)) == -1).mean())
    assert 0.025 < np.mean(shares) < 0.1


def test_a_feature_that_is_moved_surprises_most():
    X = load_wine().data
    shares = []
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(X)
        detector = EnergyOutlierDetector(random_state=seed).fit(rows[:120])
        step = 4 * rows[:120].std(axis=0)
        for feature in range(13):
            for sign in (-1, 1):
                moved = rows[120:].copy()
                moved[:, feature] += sign * step[feature]
                first = detector.feature_surprise(moved).argmax(axis=1)
                shares.append((first == feature).mean())
    assert np.mean(shares) >= 0.95


def test_values_that_contradict_each_other_surprise_most():
    def draw(n_rows):
        rows = rng.normal(size=(n_rows, 6))
        for place in (0, 2):
            rows[:, place + 1] *= 0.31
            rows[:, place + 1] += 0.95 * rows[:, place]
        return rows

    shares = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        detector = EnergyOutlierDetector(random_state=0).fit(draw(1000))
        odd = draw(200)
        odd[:, 0] = rng.choice([-1.5, 1.5], 200)  # each of them usual
        odd[:, 1] = -odd[:, 0]
        first = detector.feature_surprise(odd).argmax(axis=1)
        shares.append(np.isin(first, [0, 1]).mean())
    assert np.mean(shares) >= 0.9


def mixed_rows(rng, n_rows):
    """Rows of four groups: two columns of levels, of flags and of numbers; two equal.

    Every fifth value is missing.
    """
    group, code = rng.integers(0, 4, n_rows), rng.integers(0, 3, n_rows)
    law = np.random.default_rng(0)
    chances = law.dirichlet(np.full(3, 0.5), (2, 4)).cumsum(axis=2)
    levels = (chances[:, group] < rng.random((2, n_rows, 1))).sum(axis=2)
    numbers = 2 * law.normal(size=(4, 2))[group] + rng.normal(size=(n_rows, 2))
    table = pd.DataFrame({"level 0": levels[0], "level 1": levels[1]})
    table = table.assign(code=code, echo=code).map("abc".__getitem__).astype(object)
    table["flag"] = (group % 2 == 1) ^ (rng.random(n_rows) < 0.1)
    return table.assign(**{"number 0": numbers[:, 0], "number 1": numbers[:, 1]})


@pytest.mark.parametrize("kind", ["contradiction", "new level"])
def test_odd_categories_with_gaps_are_found_sooner_than_by_a_forest(kind):
    rng = np.random.default_rng(0)
    table, usual, odd = (mixed_rows(rng, n_rows) for n_rows in (600, 400, 150))
    if kind == "contradiction":
        # Levels as usual as the others, with one that they never go with.
        odd["echo"] = odd["echo"].map({"a": "b", "b": "c", "c": "a"})
    else:
        odd["level 0"] = "new"
    table, usual, odd = (
        own.mask(rng.random(own.shape) < 0.2) for own in (table, usual, odd)
    )
    forest = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), list(table.columns[:4])),
            (SimpleImputer(), list(table.columns[4:])),
        ),
        IsolationForest(random_state=0),
    ).fit(with_numbers(table))
    of_forest = (forest.score_samples(with_numbers(own)) for own in (usual, odd))
    detector = EnergyOutlierDetector(random_state=0).fit(table)
    found = auroc(*(detector.score_samples(own) for own in (usual, odd)))
    # A third of the contradictions, and a fifth of the levels, are missing.
    assert found > auroc(*of_forest) + 0.1
    assert found > 0.8


def with_numbers(table):
    """Give a table whose flags are numbers, and gaps in strings a level."""
    strings = table[table.columns[:4]].fillna("none")
    return table.assign(**strings, flag=table["flag"].astype(float))


def test_a_fifth_of_far_rows_does_not_hide():
    rng = np.random.default_rng(0)
    X = usual_rows(rng, 1000)
    X[:200] = far_rows(rng, 200, distance=12)
    detector = EnergyOutlierDetector(random_state=0).fit(X)
    usual = detector.score_samples(usual_rows(rng, 1000))
    odd = detector.score_samples(far_rows(rng, 300, distance=12))
    assert auroc(usual, odd) > 0.98


# ---- the estimator ----


@pytest.mark.parametrize("kind", ["binary", "flags", "numbers", "frame"])
def test_the_default_takes_tables_of_any_columns(X, table, kind):
    kinds = {"binary": binary_rows(), "flags": X > 0, "numbers": X, "frame": table}
    detector = EnergyOutlierDetector(random_state=3).fit(kinds[kind])
    assert isinstance(detector.estimator_, DensityEnsemble)
    assert detector.estimator_.random_state == 3
    again = EnergyOutlierDetector(random_state=3).fit(kinds[kind])
    scores = detector.score_samples(kinds[kind])
    np.testing.assert_array_equal(again.score_samples(kinds[kind]), scores)
    np.testing.assert_array_equal(
        clone(detector.estimator_).fit(kinds[kind]).score_samples(kinds[kind]), scores
    )
    # It is judged by rows that were left out, not by the training scores.
    assert detector.offset_ == robust_offset(detector.estimator_.oob_scores_)


def test_a_share_is_one_of_the_training_scores_all_the_same(X):
    detector = EnergyOutlierDetector(contamination=0.1, random_state=0)
    assert (detector.fit_predict(X) == -1).sum() == 0.1 * len(X)


def test_the_default_finds_rows_that_are_far_out():
    rng = np.random.default_rng(0)
    detector = EnergyOutlierDetector(random_state=0).fit(usual_rows(rng, 500))
    assert (detector.predict(far_rows(rng, 100, distance=12)) == -1).all()
    alarms = detector.predict(usual_rows(rng, 2000)) == -1
    assert 0.01 < alarms.mean() < 0.2


def test_the_default_finds_outliers_that_it_was_trained_with():
    rng = np.random.default_rng(0)
    spoilt = np.concatenate([far_rows(rng, 50, distance=20), usual_rows(rng, 450)])
    detector = EnergyOutlierDetector(random_state=0).fit(spoilt)
    scores = detector.score_samples(spoilt)
    assert scores[:50].max() < scores[50:].min()
    assert (detector.predict(spoilt)[:50] == -1).all()


def test_the_default_in_a_pipeline_of_a_mixed_table(table):
    table.loc[:2, "length"] = [15.0, -15.0, 20.0]
    detector = EnergyOutlierDetector(contamination=0.01, random_state=0)
    pipeline = make_pipeline(preprocessing(), detector)
    labels = pipeline.fit_predict(table)
    assert isinstance(pipeline[-1].estimator_, DensityEnsemble)
    np.testing.assert_array_equal(np.flatnonzero(labels == -1), [0, 1, 2])
    columns = pipeline[:-1].transform(table)
    surprise = pipeline[-1].feature_surprise(columns[:3])
    assert pipeline[:-1].get_feature_names_out()[0] == "pipeline__length"
    np.testing.assert_array_equal(surprise.argmax(axis=1), 0)


def test_the_default_says_what_is_wrong_with_a_table(X):
    infinite = X.copy()
    infinite[0, 0] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        EnergyOutlierDetector().fit(infinite)


@pytest.mark.parametrize("weights", [None, np.arange(500) % 3])
def test_rows_with_missing_values_are_scored_and_explained(weights):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    X[rng.random(X.shape) < 0.2] = np.nan
    detector = EnergyOutlierDetector(GaussianRBM(2, random_state=0))
    detector.fit(X, sample_weight=weights)
    odd = [[0.0, 3.0, np.nan], [0.0, np.nan, 0.0], [np.nan, 0.0, 8.0]]
    assert_array_equal(detector.predict(odd), [-1, 1, -1])
    surprise = detector.feature_surprise(odd)
    assert_array_equal(np.isnan(surprise), np.isnan(odd))
    assert surprise[2, 2] > 10
    assert np.nanmax(surprise[1]) < 3


@pytest.mark.parametrize("kind", [float, object])
def test_missing_values_are_left_out(X, kind):
    missing = X.copy()
    missing[0, 0] = missing[5, 2] = missing[7] = np.nan
    table = missing.astype(kind)
    if kind is object:
        table[np.isnan(missing)] = None
    detector = EnergyOutlierDetector(GaussianRBM(2, random_state=0)).fit(table)
    scores = detector.score_samples(table)
    np.testing.assert_array_equal(scores, detector.estimator_.score_samples(missing))
    # Of a density, that of nothing; the default takes it for what is expected.
    assert scores[7] == pytest.approx(0, abs=1e-10)
    detector = EnergyOutlierDetector(random_state=0).fit(table)
    scores = detector.score_samples(table)
    np.testing.assert_array_equal(scores, detector.estimator_.score_samples(missing))
    assert scores[7] > np.quantile(scores, 0.25)
    surprise = detector.feature_surprise(table)
    np.testing.assert_array_equal(np.isnan(surprise), np.isnan(missing))
    medians = np.nanmedian(surprise, axis=0)
    np.testing.assert_allclose(medians, 0, rtol=0, atol=1e-12)


def test_missing_values_of_binary_rows_and_a_column_of_nothing_else():
    table = binary_rows()
    table[:50, 0] = np.nan
    detector = EnergyOutlierDetector(random_state=0)
    empty = np.column_stack([table, np.full(len(table), np.nan)])
    detector.fit(empty)
    assert np.isfinite(detector.typical_surprise_).all()
    assert np.isnan(detector.feature_surprise(empty)[:, 2]).all()


def test_the_estimator_is_cloned(X):
    density = NormalDensity()
    detector = EnergyOutlierDetector(density).fit(X)
    assert not hasattr(density, "mean_")
    assert detector.estimator_ is not density


def test_a_frozen_estimator_stays_fitted(X):
    density = NormalDensity().fit(X[:200])
    detector = EnergyOutlierDetector(FrozenEstimator(density)).fit(X[200:])
    expected = density.score_samples(X)
    np.testing.assert_array_equal(detector.score_samples(X), expected)
    assert detector.offset_ == robust_offset(expected[200:])
    assert detector.n_features_in_ == 3


def test_a_search_inside_and_around(X):
    grid = {"n_components": [1, 2]}
    search = GridSearchCV(GaussianMixture(random_state=0), grid)
    detector = EnergyOutlierDetector(search).fit(X)
    assert detector.estimator_.best_params_ == {"n_components": 1}
    spoilt, y = X.copy(), np.ones(400)
    spoilt[::10] += [0, 8, 0]
    y[::10] = -1
    around = GridSearchCV(
        EnergyOutlierDetector(GaussianMixture(random_state=0)),
        {"contamination": [0.01, 0.1], "estimator__reg_covar": [1e-6, 1e6]},
        scoring="roc_auc",
        cv=2,
    ).fit(spoilt, y)
    assert around.best_params_["estimator__reg_covar"] == 1e-6


def test_round_trip_by_pickle(X):
    detector = EnergyOutlierDetector(NormalDensity()).fit(X)
    copy = pickle.loads(pickle.dumps(detector))  # noqa: S301
    np.testing.assert_array_equal(copy.predict(X), detector.predict(X))
    assert vars(clone(detector)).keys() == detector.get_params(deep=False).keys()


# ---- tables of all kinds ----


def test_a_pipeline_in_the_detector_sees_the_table_as_it_is(table):
    pipeline = make_pipeline(preprocessing(), GaussianMixture(random_state=0))
    detector = EnergyOutlierDetector(pipeline).fit(table)
    expected = clone(pipeline).fit(table).score_samples(table)
    np.testing.assert_array_equal(detector.score_samples(table), expected)
    assert list(detector.feature_names_in_) == ["colour", "length"]
    assert detector.n_features_in_ == 2
    # The transformer picks its columns by name.
    reordered = table[["length", "colour"]]
    np.testing.assert_array_equal(detector.score_samples(reordered), expected)


def test_the_detector_in_a_pipeline(table):
    detector = EnergyOutlierDetector(NormalDensity())
    pipeline = make_pipeline(preprocessing(), detector).fit(table)
    inside = EnergyOutlierDetector(make_pipeline(preprocessing(), NormalDensity()))
    np.testing.assert_array_equal(
        pipeline.decision_function(table), inside.fit(table).decision_function(table)
    )
    surprise = pipeline[-1].feature_surprise(pipeline[:-1].transform(table))
    assert surprise.shape == (300, 3)


def test_names_of_the_features_are_those_of_the_last_fit(X):
    named = pd.DataFrame(X, columns=["a", "b", "c"])
    detector = EnergyOutlierDetector(GaussianMixture(random_state=0)).fit(named)
    assert list(detector.feature_names_in_) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names should match"):
        detector.predict(named.rename(columns={"a": "d"}))
    detector.fit(X)
    assert not hasattr(detector, "feature_names_in_")


def test_what_is_not_a_table_passes_to_those_who_take_it():
    pipeline = make_pipeline(
        CountVectorizer(),
        FunctionTransformer(lambda counts: counts.toarray()),
        GaussianMixture(random_state=0),
    )
    detector = EnergyOutlierDetector(pipeline, contamination=0.1)
    texts = ["a cat and a dog", "a cat", "a dog and a cat", "a dog"] * 5
    assert detector.fit_predict([*texts, "an eel"])[-1] == -1
    assert not hasattr(detector, "n_features_in_")


def test_sparse_rows_pass_to_those_who_take_them():
    X = binary_rows()
    rbm = BinaryRBM(2, max_iter=50, random_state=0)
    detector = EnergyOutlierDetector(rbm).fit(sparse.csr_array(X))
    np.testing.assert_array_equal(
        detector.score_samples(sparse.csr_array(X)), rbm.fit(X).score_samples(X)
    )
    with pytest.raises(TypeError, match="Sparse data was passed"):
        EnergyOutlierDetector(GaussianMixture()).fit(sparse.csr_array(X))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_default_for_sparse_rows_is_that_for_dense_ones(scale):
    X = scale * binary_rows()
    dense = EnergyOutlierDetector(random_state=0).fit(X)
    detector = EnergyOutlierDetector(random_state=0).fit(sparse.csr_array(X))
    assert type(detector.estimator_) is type(dense.estimator_)
    np.testing.assert_allclose(
        detector.score_samples(sparse.csr_array(X)), dense.score_samples(X), rtol=1e-9
    )


def test_tags():
    tags = get_tags(EnergyOutlierDetector(BinaryRBM()))
    assert tags.input_tags.sparse
    assert tags.estimator_type == "outlier_detector"
    assert not get_tags(EnergyOutlierDetector(GaussianMixture())).input_tags.sparse
    assert get_tags(EnergyOutlierDetector()).input_tags.sparse
    assert get_tags(EnergyOutlierDetector(Given())).input_tags.allow_nan
    assert not get_tags(EnergyOutlierDetector(NormalDensity())).input_tags.allow_nan


# ---- metadata ----


def weighted_scores(X, weight):
    return KernelDensity().fit(X, sample_weight=weight).score_samples(X)


def test_weights_pass_without_routing(X):
    weight = np.linspace(0.1, 1, len(X))
    detector = EnergyOutlierDetector(KernelDensity()).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(detector.score_samples(X), weighted_scores(X, weight))


def test_weights_are_routed_where_requested(X):
    weight = np.linspace(0.1, 1, len(X))
    with config_context(enable_metadata_routing=True):
        density = KernelDensity().set_fit_request(sample_weight=True)
        detector = EnergyOutlierDetector(density).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), detector)
        pipeline.fit(X, sample_weight=weight)
        labels = detector.fit_predict(X, sample_weight=weight)
    expected = weighted_scores(X, weight)
    np.testing.assert_array_equal(detector.score_samples(X), expected)
    np.testing.assert_array_equal(pipeline.score_samples(X), expected)
    np.testing.assert_array_equal(labels, detector.predict(X))
    offset = robust_offset(expected, weight)
    assert detector.offset_ == pipeline[-1].offset_ == offset
    assert offset != robust_offset(expected)


def test_weights_are_routed_through_a_pipeline(X):
    weight = np.linspace(0.1, 1, len(X))
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        density = KernelDensity().set_fit_request(sample_weight=True)
        detector = EnergyOutlierDetector(make_pipeline(scaler, density))
        detector.fit(X, sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_array_equal(
        detector.score_samples(X), weighted_scores(scaled, weight)
    )


def test_weights_that_nothing_requests_are_refused(X):
    weight = np.ones(len(X))
    with config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            EnergyOutlierDetector(KernelDensity()).fit(X, sample_weight=weight)
        pipeline = make_pipeline(FunctionTransformer(), EnergyOutlierDetector())
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            pipeline.fit(X, sample_weight=weight)
        unweighted = EnergyOutlierDetector(KernelDensity()).fit(X)
    np.testing.assert_array_equal(unweighted.score_samples(X), weighted_scores(X, None))


def test_an_estimator_may_do_without_the_weights_of_the_detector(X):
    weight = np.linspace(0.1, 1, len(X))
    with config_context(enable_metadata_routing=True):
        density = KernelDensity().set_fit_request(sample_weight=False)
        routed = EnergyOutlierDetector(density).fit(X, sample_weight=weight)
    frozen = FrozenEstimator(KernelDensity().fit(X))
    frozen = EnergyOutlierDetector(frozen).fit(X, sample_weight=weight)
    scores = weighted_scores(X, None)
    for detector in (routed, frozen):
        np.testing.assert_array_equal(detector.score_samples(X), scores)
        assert detector.offset_ == robust_offset(scores, weight)


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("binary", [False, True])
def test_the_default_takes_weights(X, binary, routing):
    table = (X > 0).astype(float) if binary else X
    weight = np.where(X[:, 0] > 0, 5.0, 0.2)
    detectors = [EnergyOutlierDetector(random_state=0) for _ in range(2)]
    with config_context(enable_metadata_routing=routing):
        detectors[0].fit(table, sample_weight=weight)
    detectors[1].fit(table)
    # Rows that count much are not as unusual.
    weighted, usual = (detector.score_samples(table) for detector in detectors)
    gained, heavy = weighted - usual, weight > 1
    assert gained[heavy].mean() > 0.1
    assert gained[~heavy].mean() < -0.1


# ---- what rows count ----


@pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)
@pytest.mark.parametrize("contamination", ["auto", 0.1, 0.37])
def test_whole_weights_are_repeats(X, contamination):
    repeats = np.random.default_rng(0).integers(0, 4, len(X))
    repeated = np.repeat(X, repeats, axis=0)
    rbm = GaussianRBM(2, algorithm="exact", max_iter=10, random_state=0)
    for density in (KernelDensity(), rbm, FrozenEstimator(clone(rbm).fit(X))):
        detector = EnergyOutlierDetector(density, contamination=contamination)
        weighted = clone(detector).fit(X, sample_weight=repeats)
        expected = clone(detector).fit(repeated)
        assert weighted.offset_ == pytest.approx(expected.offset_, rel=1e-10)
        assert expected.offset_ != pytest.approx(detector.fit(X).offset_, rel=1e-4)
        if density is not rbm:
            continue
        # The rows are fewer than those of which only some are looked at.
        assert len(repeated) < 1000
        np.testing.assert_allclose(
            weighted.typical_surprise_, expected.typical_surprise_, rtol=1e-10
        )


def test_a_share_of_the_weight_is_taken_for_outliers(X):
    weight = np.random.default_rng(0).random(len(X)) + 0.1
    detector = EnergyOutlierDetector(KernelDensity(), contamination=0.2)
    labels = detector.fit_predict(X, sample_weight=weight)
    share = weight[labels == -1].sum() / weight.sum()
    assert abs(share - 0.2) < weight.max() / weight.sum()


def test_of_many_rows_those_looked_at_are_drawn_by_weight():
    """One of two halves counts, and surprises by 2 where the other does by 1."""
    table = np.column_stack([np.zeros(3000), np.repeat([-1.0, -2.0], 1500)])
    detector = EnergyOutlierDetector(Given(), random_state=0)
    with config_context(enable_metadata_routing=True):
        weight = np.repeat([1.0, 1.5], 1500)
        detector.fit(table, sample_weight=weight)
        np.testing.assert_array_equal(detector.typical_surprise_, [2])
        detector.fit(table, sample_weight=1 / weight)
        np.testing.assert_array_equal(detector.typical_surprise_, [1])


@pytest.mark.parametrize(
    "convert", [np.asarray, sparse.coo_array, pd.DataFrame, np.ndarray.tolist]
)
def test_rows_of_weight_zero_are_left_out(X, convert):
    table = np.vstack([(X > 0).astype(float), X])
    weight = np.append(np.linspace(0.1, 1, len(X)), np.zeros(len(X)))
    table, kept = convert(table), convert(table[: len(X)])
    detector = EnergyOutlierDetector(random_state=0).fit(table, None, weight)
    absent = EnergyOutlierDetector(random_state=0).fit(kept, None, weight[: len(X)])
    assert detector.offset_ == absent.offset_
    np.testing.assert_array_equal(detector.predict(kept), absent.predict(kept))
    assert hasattr(detector, "n_features_in_")


def test_other_metadata_of_rows_of_weight_zero_are_left_out(X):
    seen = {}

    class Listening(KernelDensity):
        def fit(self, X, y=None, sample_weight=None, extra=None, setting=None):
            seen.update(X=X, y=y, weight=sample_weight, extra=extra, setting=setting)
            return super().fit(X, y, sample_weight)

    weight, numbers = np.arange(len(X)) % 3.0, np.arange(len(X))
    EnergyOutlierDetector(Listening()).fit(
        X, numbers, weight, extra=list(numbers), setting="any"
    )
    kept = weight > 0
    np.testing.assert_array_equal(seen["X"], X[kept])
    np.testing.assert_array_equal(seen["y"], numbers[kept])
    np.testing.assert_array_equal(seen["weight"], weight[kept])
    np.testing.assert_array_equal(seen["extra"], numbers[kept])
    assert seen["setting"] == "any"


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), "expected"),
        (np.zeros(400), "at least one non-zero number"),
        (np.full(400, -1.0), "Negative values in data passed to `sample_weight`"),
    ],
)
def test_weights_that_cannot_be(X, weight, message):
    with pytest.raises(ValueError, match=message):
        EnergyOutlierDetector(KernelDensity()).fit(X, sample_weight=weight)


def test_an_estimator_that_takes_no_weights(X):
    message = r"GaussianMixture\.fit takes no sample_weight\. Pass a density that does"
    with pytest.raises(TypeError, match=message):
        EnergyOutlierDetector(GaussianMixture()).fit(X, sample_weight=np.ones(len(X)))


# ---- what is refused ----


@pytest.mark.parametrize(
    "estimator", [EllipticEnvelope, LocalOutlierFactor(), StandardScaler(), object()]
)
def test_estimators_without_a_score(X, estimator):
    if isinstance(estimator, type):
        with pytest.raises(TypeError, match="instance"):
            EnergyOutlierDetector(KernelDensity).fit(X)
    else:
        with pytest.raises(TypeError, match="has no score_samples, which"):
            EnergyOutlierDetector(estimator).fit(X)


@pytest.mark.parametrize("contamination", [0.0, -0.1, 0.51, "half", None])
def test_contamination_out_of_range(X, contamination):
    with pytest.raises(ValueError, match="The 'contamination' parameter"):
        EnergyOutlierDetector(contamination=contamination).fit(X)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (np.nan, "gives 1 rows a score that is NaN"),
        (np.inf, "gives 1 rows a score that is NaN or positive infinity"),
        (-np.inf, "a density of zero, from which no offset"),
    ],
)
def test_scores_that_are_not_finite(score, reason):
    X = np.zeros((5, 2))
    detector = EnergyOutlierDetector(Given())
    X[2, 0] = score
    with pytest.raises(ValueError, match=reason):
        detector.fit(X)
    assert vars(detector).keys() == detector.get_params(deep=False).keys()


@pytest.mark.parametrize("conditional", [np.nan, np.inf])
def test_conditional_densities_that_are_not_finite(monkeypatch, conditional):
    X = np.zeros((5, 2))
    X[2, 1] = conditional
    # NaN is fine where it may be that of a value that is missing.
    monkeypatch.delattr(Given, "__sklearn_tags__")
    detector = EnergyOutlierDetector(Given()).fit(X)
    # Nobody has asked for it before.
    for _ in range(2):
        with pytest.raises(ValueError, match="a conditional density that is NaN or"):
            _ = detector.typical_surprise_
    detector = EnergyOutlierDetector(Given()).fit(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="a conditional density that is NaN or"):
        detector.feature_surprise(X)
    assert detector.feature_surprise([[0.0, -np.inf]]) == [[np.inf]]


def test_a_fit_that_fails_changes_nothing(X):
    detector = EnergyOutlierDetector(Failing())
    with pytest.raises(KeyboardInterrupt):
        detector.fit(X)
    assert vars(detector).keys() == detector.get_params(deep=False).keys()
    detector.set_params(estimator=NormalDensity()).fit(X)
    before = vars(detector).copy()
    scores = detector.score_samples(X)
    with pytest.raises(KeyboardInterrupt):
        detector.set_params(estimator=Failing()).fit(X[:, :2])
    assert vars(detector) == before | {"estimator": detector.estimator}
    np.testing.assert_array_equal(detector.score_samples(X), scores)


@pytest.mark.parametrize(
    "method", ["predict", "decision_function", "score_samples", "feature_surprise"]
)
def test_nothing_before_fit(X, method):
    for estimator in (None, NormalDensity()):
        with pytest.raises(NotFittedError):
            getattr(EnergyOutlierDetector(estimator), method)(X)


# ---- surprise at features ----


def conditional_surprise(density, X, i):
    """Minus log p(x_i | the rest), by the quotient of two normal densities."""
    rest = np.delete(np.arange(X.shape[1]), i)
    marginal = multivariate_normal(
        density.mean_[rest], density.covariance_[np.ix_(rest, rest)]
    )
    return marginal.logpdf(X[:, rest]) - density.score_samples(X)


def test_surprise_is_the_excess_over_its_median(X):
    detector = EnergyOutlierDetector(NormalDensity()).fit(X)
    new = X[:5] + np.array([0, 3, 0])
    surprise = detector.feature_surprise(new)
    for i in range(3):
        typical = np.median(conditional_surprise(detector.estimator_, X, i))
        expected = conditional_surprise(detector.estimator_, new, i) - typical
        # Rounding of a few float64 terms of size ten.
        np.testing.assert_allclose(surprise[:, i], expected, atol=1e-11)
        assert detector.typical_surprise_[i] == pytest.approx(typical, abs=1e-11)
    np.testing.assert_allclose(
        np.median(detector.feature_surprise(X), axis=0), 0, atol=1e-14
    )


def test_surprise_of_independent_normal_features(X):
    mean, variance = np.array([0.5, 0.0, -20.0]), np.array([2.0, 1.0, 1e4])
    rbm = GaussianRBM.from_parameters(np.zeros((1, 3)), mean, [0.3], variance)
    detector = EnergyOutlierDetector(FrozenEstimator(rbm)).fit(X)
    law = norm(mean, np.sqrt(variance))
    typical = np.median(-law.logpdf(X), axis=0)
    np.testing.assert_allclose(detector.typical_surprise_, typical, rtol=1e-12)
    new = X[:5] + np.array([0, 3, 500])
    # Rounding of a few float64 terms of size ten.
    np.testing.assert_allclose(
        detector.feature_surprise(new), -law.logpdf(new) - typical, atol=1e-12
    )
    # Of independent features the shares add up to the anomaly of the row.
    np.testing.assert_allclose(
        detector.feature_surprise(new).sum(axis=1),
        -detector.score_samples(new) - typical.sum(),
        atol=1e-11,
    )


def test_surprise_of_correlated_normal_features(X):
    density = NormalDensity().fit(X)
    rbm = GaussianRBM.from_parameters(
        np.zeros((1, 3)), density.mean_, [0.0], density.covariance_
    )
    detector = EnergyOutlierDetector(FrozenEstimator(rbm)).fit(X)
    # Usual values that do not fit each other; beside them one that is usual too.
    new = np.array([[1.5, -1.0, 0.0], [1.5, 1.5, 0.0]])
    surprise = detector.feature_surprise(new)
    for i in range(3):
        typical = np.median(conditional_surprise(density, X, i))
        expected = conditional_surprise(density, new, i) - typical
        np.testing.assert_allclose(surprise[:, i], expected, atol=1e-11)
    assert (surprise[0, :2] > 1).all()
    assert (surprise[1] < 1).all()


def test_surprise_does_not_depend_on_units(X):
    scale, shift = [0.1, 5.0, 2.0], [0.0, 1.0, -1e3]
    surprise = EnergyOutlierDetector(NormalDensity()).fit(X).feature_surprise(X)
    other = X * scale + shift
    detector = EnergyOutlierDetector(NormalDensity()).fit(other)
    # The covariance, whose condition number is 1e8 at most, is inverted in float64.
    np.testing.assert_allclose(detector.feature_surprise(other), surprise, atol=1e-7)


def test_the_median_of_a_large_table_is_taken_from_some_rows():
    X = np.random.default_rng(0).permutation(np.arange(5000.0))
    X = np.c_[np.zeros(5000), X]
    medians = [
        EnergyOutlierDetector(Given(), random_state=seed).fit(X).typical_surprise_
        for seed in (0, 0, 1)
    ]
    assert medians[0] == medians[1] != medians[2]
    # The median of 1000 of 5000 even steps: standard error 0.5 sqrt(0.8 / 1000) of all.
    assert abs(medians[0] + 2499.5) < 5 * 0.5 * np.sqrt(0.8 / 1000) * 5000
    whole = EnergyOutlierDetector(Given()).fit(X[:1000])
    assert whole.typical_surprise_ == -np.median(X[:1000, 1])


def test_surprise_needs_conditional_densities(X):
    detector = EnergyOutlierDetector(GaussianMixture(random_state=0)).fit(X)
    message = "^GaussianMixture has no conditional densities, which tell what"
    assert not hasattr(detector, "feature_surprise")
    with pytest.raises(AttributeError, match=message):
        detector.feature_surprise(X)
    with pytest.raises(AttributeError, match=message):
        _ = detector.typical_surprise_
    detector.set_params(estimator=NormalDensity()).fit(X)
    assert detector.feature_surprise(X).shape == X.shape
    detector.set_params(estimator=GaussianMixture(random_state=0)).fit(X)
    with pytest.raises(AttributeError, match=message):
        detector.feature_surprise(X)


def test_typical_surprises_are_computed_when_they_are_asked_for(X):
    asked = []

    class Counting(NormalDensity):
        def conditional_score_samples(self, X):
            asked.append(len(X))
            return super().conditional_score_samples(X)

    detector = EnergyOutlierDetector(Counting()).fit(X)
    detector.predict(X)
    assert asked == []
    for _ in range(2):
        detector.feature_surprise(X[:3])
    assert asked == [3, 400, 3]
    first = detector.typical_surprise_
    detector.fit(2 * X)
    assert asked == [3, 400, 3]
    # Of another fit: log 2 more for values twice as large.
    np.testing.assert_allclose(detector.typical_surprise_, first + np.log(2), rtol=1e-9)


@pytest.mark.parametrize(
    "convert", [np.array, sparse.csr_array, pd.DataFrame, np.ndarray.tolist]
)
def test_typical_surprises_are_those_of_the_rows_as_they_were_in_fit(X, convert):
    table = convert(X)
    detector = EnergyOutlierDetector(random_state=0).fit(table)
    expected = clone(detector).fit(convert(X)).typical_surprise_
    if isinstance(table, list):
        for row in table:
            row[0] = 0.0
    elif isinstance(table, pd.DataFrame):
        table.iloc[:, 0] = 0.0
    else:
        table *= 0
    np.testing.assert_array_equal(detector.typical_surprise_, expected)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_surprises_of_a_frame_are_a_frame(kind):
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 3, 400)
    columns = {
        "colour": [["blue", "red", None][level] for level in colour],
        "flag": [bool(level == 1) for level in colour],
        "length": [None if value > 1.5 else value for value in rng.normal(size=400)],
    }
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[kind]
    table = frame(columns)
    if kind == "pandas":
        table.index = [f"row {i}" for i in range(400)]
    detector = EnergyOutlierDetector(random_state=0).fit(table)
    assert list(detector.feature_names_in_) == list(columns)
    surprise = detector.feature_surprise(table)
    assert type(surprise) is frame
    assert list(surprise.columns) == list(columns)
    if kind == "pandas":
        assert_array_equal(surprise.index, table.index)
    surprise = surprise.to_numpy()
    assert_array_equal(np.isnan(surprise), pd.DataFrame(columns).isna())
    np.testing.assert_allclose(np.nanmedian(surprise, axis=0), 0, atol=1e-12)
    # A level that was not seen, and a flag that never goes with the colour.
    odd = frame(
        {"colour": ["green", "blue"], "flag": [False, True], "length": [0.0, 0.0]}
    )
    assert_array_equal(detector.predict(odd), [-1, -1])
    found = detector.feature_surprise(odd).to_numpy()
    assert found[0].argmax() == 0
    assert found[1, :2].min() > 2 > found[1, 2]


def test_columns_that_cannot_be_read_are_named(table):
    detector = EnergyOutlierDetector(random_state=0).fit(table)
    wrong = table.assign(length="long")
    message = "^Column 'length' is read as numbers, and holds what is none"
    for method in (detector.predict, detector.feature_surprise):
        with pytest.raises(ValueError, match=message):
            method(wrong)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shares", [[0.5, 0.1, 0.02, 0.5, 0.9], [0.5, 0.2], [0.1]])
def test_clean_tables_of_a_few_patterns_give_few_alarms(shares, seed):
    rng = np.random.default_rng(seed)
    seen, new = ((rng.random((2000, len(shares))) < shares) * 1.0 for _ in range(2))
    detector = EnergyOutlierDetector(random_state=0).fit(seen)
    assert np.mean(detector.predict(new) == -1) < 0.1
    assert detector.predict(np.full((1, len(shares)), 5.0)) == -1
